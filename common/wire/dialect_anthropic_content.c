/* The conversation of Anthropic's requests into the common form. */
#include "wire/dialect_anthropic_rd.h"

#define JOIN_MAX	((size_t)64 << 20)	/* of one document's text */
#define CALLS_MAX	512	/* parts that are searched for a call's name */
#define TOOLS_MAX	512	/* tools that are searched for one of a name */

/* --- blocks --------------------------------------------------------------- */

/* A list of parts: a message's, or a tool result's. */
struct list {
	struct ir_part	**last;
};

static struct ir_part *
add(struct an_reader *r, struct list *l, enum ir_part_type type, struct jv v)
{
	struct ir_part	*p = ir_part_new(r->a, type, v.i);

	*l->last = p;
	l->last = &p->next;
	return p;
}

static int
read_opaque(struct an_reader *r, struct list *l, const struct an_object *o)
{
	struct ir_part	*p = add(r, l, IR_OPAQUE, o->v);

	p->raw = json_raw(o->v);
	p->from = r->rq->from;
	server_run_mark(r->a, p);
	if (p->text.n > 0 && server_run_ours(p->raw))
		r->rq->native = false;
	return an_cache_at(r, o, &p->cache);
}

static int
read_text(struct an_reader *r, struct list *l, const struct an_object *o)
{
	const uint32_t		 known = AN_BIT(AN_TYPE) | AN_BIT(AN_TEXT) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct ir_part		*p = add(r, l, IR_TEXT, o->v);
	struct jv		 text;

	if (an_need_at(r, o, AN_TEXT, &text) == -1)
		return -1;
	p->text = json_jstr(text);
	p->extra = an_further_of(r, o, known);
	if (p->extra.n > 0 && server_run_ours(p->extra))
		r->rq->native = false;
	return an_cache_at(r, o, &p->cache);
}

static int
read_thinking(struct an_reader *r, struct list *l, const struct an_object *o)
{
	struct ir_part	*p = add(r, l, IR_THINKING, o->v);
	struct jv	 text;

	if (an_need_at(r, o, AN_THINKING, &text) == -1 ||
	    an_jstr_at(r, o, AN_SIGNATURE, &p->signature) == -1)
		return -1;
	p->text = json_jstr(text);
	p->from = r->rq->from;
	return 0;
}

static int
read_redacted(struct an_reader *r, struct list *l, const struct an_object *o)
{
	struct ir_part	*p = add(r, l, IR_THINKING, o->v);
	struct jv	 data;

	if (an_need_at(r, o, AN_DATA, &data) == -1)
		return -1;
	p->redacted = json_jstr(data);
	p->from = r->rq->from;
	return 0;
}

/* Texts of an array of text blocks, an empty line between; -1: others too. */
static int
join_texts(struct jv blocks, struct buf *out)
{
	struct jv	 v, text;

	for (v = json_first(blocks); json_ok(v); v = json_next(v)) {
		text = json_get(v, "text");
		if (!json_is(json_get(v, "type"), "text") ||
		    json_type(text) != JSON_STRING)
			return -1;
		if (out->len > 0)
			buf_addz(out, "\\n\\n");
		buf_add(out, json_jstr(text).p, json_jstr(text).n);
	}
	return buf_ok(out) ? 0 : -1;
}

/* Content that is a string or text blocks, as one text. */
static int
read_content_text(struct an_reader *r, struct jv content, struct jstr *out)
{
	struct buf	 b;
	struct str	 s;
	int		 res = -1;

	if (json_type(content) == JSON_STRING) {
		*out = json_jstr(content);
		return 0;
	}
	if (json_type(content) != JSON_ARRAY)
		return -1;
	buf_init(&b, JOIN_MAX);
	if (join_texts(content, &b) == 0) {
		s = arena_str(r->a, buf_str(&b));
		*out = (struct jstr){ s.p, s.n };
		res = 0;
	}
	buf_release(&b);
	return res;
}

/*
 * The source of an image or a document.  1: one that only this dialect knows,
 * or whose blocks are not all text.
 */
static int
read_source(struct an_reader *r, struct jv block, struct ir_media *m)
{
	struct jv	 src, type, v;

	if (an_get(r, block, "source", JSON_OBJECT, &src) == -1)
		return -1;
	if (!json_ok(src))
		return an_required(r, block, "source", "an object");
	if (an_need_str(r, src, "type", &type) == -1 ||
	    an_get_str(r, src, "media_type", &m->type) == -1)
		return -1;
	if (json_is(type, "base64")) {
		if (an_need_str(r, src, "data", &v) == -1)
			return -1;
		m->data = json_str(r->a, v);
	} else if (json_is(type, "url")) {
		if (an_need_str(r, src, "url", &v) == -1)
			return -1;
		m->url = json_jstr(v);
	} else if (json_is(type, "file")) {
		if (an_need_str(r, src, "file_id", &v) == -1)
			return -1;
		m->file_id = json_jstr(v);
	} else if (json_is(type, "text")) {
		if (an_need_str(r, src, "data", &v) == -1)
			return -1;
		m->text = json_jstr(v);
	} else if (json_is(type, "content")) {
		m->type = STR("text/plain");
		if (read_content_text(r, json_get(src, "content"),
		    &m->text) == -1)
			return 1;
	} else {
		return 1;
	}
	return 0;
}

static int	 read_blocks(struct an_reader *, struct list *,
		    struct jv content, bool (*want)(struct jv), bool inner);

/* A document of texts and images: these, with its title in front. */
static int
read_composed(struct an_reader *r, struct list *l, const struct an_object *o)
{
	const uint32_t		 known = AN_BIT(AN_TYPE) | AN_BIT(AN_SOURCE) |
				    AN_BIT(AN_TITLE) | AN_BIT(AN_CONTEXT) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct jstr		 title, context;
	struct ir_part		*p = add(r, l, IR_TEXT, o->v);

	if (an_jstr_at(r, o, AN_TITLE, &title) == -1 ||
	    an_jstr_at(r, o, AN_CONTEXT, &context) == -1 ||
	    an_cache_at(r, o, &p->cache) == -1)
		return -1;
	p->text = jstr_encode(r->a, arena_strf(r->a, "Document: %.*s%s%.*s",
	    STR_FMT(jstr_decode(r->a, title)), context.n > 0 ? "\n" : "",
	    STR_FMT(jstr_decode(r->a, context))));
	p->told = true;
	p->from = r->rq->from;
	p->extra = an_further_of(r, o, known);
	return read_blocks(r, l, json_get(an_member(o, AN_SOURCE), "content"),
	    NULL, true);
}

static int
read_media(struct an_reader *r, struct list *l, const struct an_object *o,
    enum ir_part_type type)
{
	const uint32_t		 known = AN_BIT(AN_TYPE) | AN_BIT(AN_SOURCE) |
				    AN_BIT(AN_TITLE) | AN_BIT(AN_CONTEXT) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct ir_media		 m = { 0 };
	struct ir_part		*p;

	switch (read_source(r, o->v, &m)) {
	case -1:
		return -1;
	case 1:
		if (json_is(json_get(an_member(o, AN_SOURCE), "type"),
		    "content"))
			return read_composed(r, l, o);
		return read_opaque(r, l, o);
	}
	p = add(r, l, type, o->v);
	p->media = m;
	if (an_jstr_at(r, o, AN_TITLE, &p->media.title) == -1 ||
	    an_jstr_at(r, o, AN_CONTEXT, &p->media.context) == -1)
		return -1;
	p->extra = an_further_of(r, o, known);
	r->rq->need |= type == IR_IMAGE ? IR_NEED_IMAGE : IR_NEED_DOCUMENT;
	return an_cache_at(r, o, &p->cache);
}

static int
read_image(struct an_reader *r, struct list *l, const struct an_object *o)
{
	return read_media(r, l, o, IR_IMAGE);
}

static int
read_document(struct an_reader *r, struct list *l, const struct an_object *o)
{
	return read_media(r, l, o, IR_DOCUMENT);
}

/* A document in all but name: other dialects can have its text. */
static int
read_search_result(struct an_reader *r, struct list *l,
    const struct an_object *o)
{
	const uint32_t		 known = AN_BIT(AN_TYPE) | AN_BIT(AN_CONTENT) |
				    AN_BIT(AN_SOURCE) | AN_BIT(AN_TITLE) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct ir_part		*p;
	struct jstr		 text;

	if (read_content_text(r, an_member(o, AN_CONTENT), &text) == -1)
		return read_opaque(r, l, o);
	p = add(r, l, IR_DOCUMENT, o->v);
	p->media.type = STR("text/plain");
	p->media.text = text;
	if (an_jstr_at(r, o, AN_TITLE, &p->media.title) == -1 ||
	    an_jstr_at(r, o, AN_SOURCE, &p->media.context) == -1)
		return -1;
	p->extra = an_further_of(r, o, known);
	r->rq->need |= IR_NEED_DOCUMENT;
	return an_cache_at(r, o, &p->cache);
}

static int
read_tool_use(struct an_reader *r, struct list *l, const struct an_object *o)
{
	const uint32_t		 known = AN_BIT(AN_TYPE) | AN_BIT(AN_ID) |
				    AN_BIT(AN_NAME) | AN_BIT(AN_INPUT) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct ir_part		*p = add(r, l, IR_TOOL_CALL, o->v);
	struct jv		 id, name, input;

	if (an_need_at(r, o, AN_ID, &id) == -1 ||
	    an_need_at(r, o, AN_NAME, &name) == -1 ||
	    an_at(r, o, AN_INPUT, JSON_OBJECT, &input) == -1)
		return -1;
	p->id = json_str(r->a, id);
	p->name = json_str(r->a, name);
	p->args.json = json_ok(input) ? json_raw(input) : STR("{}");
	p->extra = an_further_of(r, o, known);
	r->rq->need |= IR_NEED_TOOLS;
	return an_cache_at(r, o, &p->cache);
}

/* A result's name is that of the call, which stands in the turn before it. */
static struct str
call_name(struct an_reader *r, struct str id)
{
	const struct ir_part	*p;
	unsigned		 n = 0;

	if (r->assistant == NULL)
		return STR_NONE;
	for (p = r->assistant->parts; p != NULL && n < CALLS_MAX; p = p->next) {
		n++;
		if (p->type == IR_TOOL_CALL && str_eq(p->id, id))
			return p->name;
	}
	return STR_NONE;
}

static int
read_tool_result(struct an_reader *r, struct list *l, const struct an_object *o)
{
	const uint32_t		 known = AN_BIT(AN_TYPE) |
				    AN_BIT(AN_TOOL_USE_ID) |
				    AN_BIT(AN_CONTENT) | AN_BIT(AN_IS_ERROR) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct ir_part		*p = add(r, l, IR_TOOL_RESULT, o->v);
	struct list		 inner = { &p->parts };
	enum ir_tri		 is_error = IR_UNSET;
	struct jv		 id;

	if (an_need_at(r, o, AN_TOOL_USE_ID, &id) == -1 ||
	    an_bool_at(r, o, AN_IS_ERROR, &is_error) == -1 ||
	    read_blocks(r, &inner, an_member(o, AN_CONTENT), NULL, true) == -1)
		return -1;
	p->id = json_str(r->a, id);
	p->name = call_name(r, p->id);
	p->is_error = is_error == IR_YES;
	p->extra = an_further_of(r, o, known);
	r->rq->need |= IR_NEED_TOOLS;
	return an_cache_at(r, o, &p->cache);
}

/* Told to other models as text; to their own they go as they are. */
static int
read_told(struct an_reader *r, struct list *l, const struct an_object *o,
    struct jstr text)
{
	struct ir_part	*p = add(r, l, IR_TEXT, o->v);

	p->text = text;
	p->told = true;
	p->from = r->rq->from;
	return an_cache_at(r, o, &p->cache);
}

/* A search for tools found it; it is among the tools of the request. */
static int
read_reference(struct an_reader *r, struct list *l, const struct an_object *o)
{
	struct str	 name;

	if (an_str_at(r, o, AN_TOOL_NAME, &name) == -1)
		return -1;
	return read_told(r, l, o, jstr_encode(r->a, arena_strf(r->a,
	    "The tool %.*s can be called now.", STR_FMT(name))));
}

/*
 * The tool that v defines.  One of a name that there is takes that one's place:
 * its definition has changed.
 */
static int
read_definition(struct an_reader *r, struct jv v, struct str *name)
{
	struct ir_request	*rq = r->rq;
	struct ir_tool		**at = rq->last_tool, *t, *next;
	unsigned		 n = 0;

	if (an_tool_read(r, v) == -1)
		return -1;
	*name = (*at)->name;
	for (t = rq->tools; t != *at && n < TOOLS_MAX; t = t->next, n++) {
		if (!str_eq(t->name, *name))
			continue;
		next = t->next;
		*t = **at;
		t->next = next;
		*at = NULL;
		rq->last_tool = at;
		break;
	}
	return 0;
}

/*
 * Tools that come and go amid the conversation.  Other models have all of them
 * from the start, so that what stands before stays the same.
 */
static int
read_tool_change(struct an_reader *r, struct list *l, const struct an_object *o)
{
	struct jv	 tool, type, def;
	struct str	 name = STR_NONE;

	if (an_at(r, o, AN_TOOL, JSON_OBJECT, &tool) == -1 ||
	    an_get(r, tool, "type", JSON_STRING, &type) == -1)
		return -1;
	if (json_is(type, "tool_definition")) {
		if (an_get(r, tool, "definition", JSON_OBJECT, &def) == -1)
			return -1;
		if (!json_ok(def))
			return an_required(r, tool, "definition", "an object");
		if (read_definition(r, def, &name) == -1)
			return -1;
	} else if (json_is(type, "tool_reference")) {
		if (an_get_str(r, tool, "name", &name) == -1)
			return -1;
	}
	if (name.n == 0)
		return read_opaque(r, l, o);
	return read_told(r, l, o, jstr_encode(r->a, arena_strf(r->a,
	    "The tool %.*s can %s.", STR_FMT(name),
	    json_is(an_member(o, AN_TYPE), "tool_removal") ?
	    "no longer be called" : "be called now")));
}

/* What the provider made of the conversation so far. */
static int
read_compaction(struct an_reader *r, struct list *l, const struct an_object *o)
{
	struct jv	 text = an_member(o, AN_CONTENT);

	if (json_type(text) == JSON_STRING && json_jstr(text).n > 0)
		return read_told(r, l, o, json_jstr(text));
	return read_opaque(r, l, o);
}

static const struct {
	const char	*type;
	int		(*read)(struct an_reader *, struct list *,
			    const struct an_object *);
	bool		 inner;		/* also inside a tool result */
} block_types[] = {
	{ "text",		read_text,		true },
	{ "tool_use",		read_tool_use,		false },
	{ "tool_result",	read_tool_result,	false },
	{ "image",		read_image,		true },
	{ "document",		read_document,		true },
	{ "thinking",		read_thinking,		false },
	{ "redacted_thinking",	read_redacted,		false },
	{ "search_result",	read_search_result,	true },
	{ "tool_reference",	read_reference,		true },
	{ "tool_addition",	read_tool_change,	false },
	{ "tool_removal",	read_tool_change,	false },
	{ "compaction",		read_compaction,	false },
};

#define NBLOCKTYPES	(sizeof(block_types) / sizeof(block_types[0]))

static int
read_block(struct an_reader *r, struct list *l, struct jv v, bool inner)
{
	struct an_object	 o;
	struct jv		 type;
	size_t			 i;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(r->err, r->a, v, "an object");
		return -1;
	}
	an_object_read(&o, v);
	if (an_need_at(r, &o, AN_TYPE, &type) == -1)
		return -1;
	for (i = 0; i < NBLOCKTYPES; i++) {
		if (json_is(type, block_types[i].type) &&
		    (!inner || block_types[i].inner))
			return block_types[i].read(r, l, &o);
	}
	if (json_is(type, "server_tool_use") || json_is(type, "mcp_tool_use"))
		r->rq->need |= IR_NEED_SERVER_TOOL;
	return read_opaque(r, l, &o);
}

/* A string, an array of blocks, or nothing; want chooses among the blocks. */
static int
read_blocks(struct an_reader *r, struct list *l, struct jv content,
    bool (*want)(struct jv), bool inner)
{
	struct jv	 v;
	struct ir_part	*p;

	switch (json_type(content)) {
	case JSON_MISSING:
	case JSON_NULL:
		return 0;
	case JSON_STRING:
		p = add(r, l, IR_TEXT, content);
		p->text = json_jstr(content);
		return 0;
	case JSON_ARRAY:
		break;
	default:
		ir_error_type(r->err, r->a, content,
		    "a string or an array of blocks");
		return -1;
	}
	for (v = json_first(content); json_ok(v); v = json_next(v)) {
		if ((want == NULL || want(v)) &&
		    read_block(r, l, v, inner) == -1)
			return -1;
	}
	return 0;
}

/* --- messages ------------------------------------------------------------- */

/*
 * Claude Code's first system block: an account of the request, different each
 * time, which is nothing to any other provider's model.
 */
static bool
is_billing(struct jstr text)
{
	return str_starts((struct str){ text.p, text.n },
	    "x-anthropic-billing-header");
}

int
an_system_read(struct an_reader *r, struct jv v)
{
	struct ir_message	*m;
	struct ir_part		*p;
	struct list		 l;

	if (json_empty(v))
		return 0;
	m = ir_message_add(r->rq, IR_SYSTEM, v.i);
	l.last = m->last;
	if (read_blocks(r, &l, v, NULL, false) == -1)
		return -1;
	m->last = l.last;
	for (p = m->parts; p != NULL; p = p->next) {
		if (p->type == IR_TEXT && is_billing(p->text)) {
			p->type = IR_OPAQUE;
			p->raw = json_raw(json_at(r->rq->json, p->node));
			p->from = r->rq->from;
			p->internal = true;
		}
	}
	return 0;
}

static bool
is_result(struct jv block)
{
	return json_is(json_get(block, "type"), "tool_result");
}

static bool
is_no_result(struct jv block)
{
	return !is_result(block);
}

static int
add_message(struct an_reader *r, enum ir_role role, const struct an_object *o,
    bool (*want)(struct jv))
{
	struct ir_message	*m = ir_message_add(r->rq, role, o->v.i);
	struct list		 l = { m->last };

	m->raw = json_raw(o->v);
	if (read_blocks(r, &l, an_member(o, AN_CONTENT), want, false) == -1)
		return -1;
	m->last = l.last;
	if (role == IR_ASSISTANT)
		r->assistant = m;
	return 0;
}

/* Results go to a message of their own, which stands first. */
static int
read_user(struct an_reader *r, const struct an_object *o)
{
	struct jv	 content = an_member(o, AN_CONTENT), b;
	bool		 results = false, others = false;

	if (json_type(content) == JSON_ARRAY) {
		for (b = json_first(content); json_ok(b); b = json_next(b)) {
			if (is_result(b))
				results = true;
			else
				others = true;
		}
	}
	if (!results)
		return add_message(r, IR_USER, o, NULL);
	if (!others)
		return add_message(r, IR_TOOL, o, NULL);
	if (add_message(r, IR_TOOL, o, is_result) == -1)
		return -1;
	return add_message(r, IR_USER, o, is_no_result);
}

/* What is said about effort last holds for the turn that is asked for. */
static int
read_message_config(struct an_reader *r, const struct an_object *o)
{
	static const char *const known[] = { "effort", NULL };
	struct jv	 oc, e;

	if (an_at(r, o, AN_OUTPUT_CONFIG, JSON_OBJECT, &oc) == -1 ||
	    an_get(r, oc, "effort", JSON_STRING, &e) == -1)
		return -1;
	if (json_ok(e)) {
		r->rq->reasoning.effort = json_str(r->a, e);
		r->rq->reasoning.node = e.i;
	}
	an_further_ext(r, oc, known);
	return 0;
}

static int
read_message(struct an_reader *r, struct jv v)
{
	const uint32_t		 known = AN_BIT(AN_ROLE) | AN_BIT(AN_CONTENT) |
				    AN_BIT(AN_OUTPUT_CONFIG);
	struct an_object	 o;
	struct jv		 role, content;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(r->err, r->a, v, "an object");
		return -1;
	}
	an_object_read(&o, v);
	if (an_need_at(r, &o, AN_ROLE, &role) == -1)
		return -1;
	content = an_member(&o, AN_CONTENT);
	if (json_empty(content) && !r->rq->lenient) {
		if (json_ok(content))
			ir_error_type(r->err, r->a, content,
			    "a string or an array of blocks");
		else
			an_required(r, v, "content",
			    "a string or an array of blocks");
		return -1;
	}
	if (!json_is(an_member(&o, AN_CLEAR_AT), "never"))
		an_further_ext_of(r, &o, known);
	if (json_is(role, "user"))
		return read_user(r, &o);
	if (json_is(role, "assistant"))
		return add_message(r, IR_ASSISTANT, &o, NULL);
	if (json_is(role, "system")) {
		if (r->rq->lenient)
			r->rq->native = false;
		if (add_message(r, IR_SYSTEM, &o, NULL) == -1)
			return -1;
		return read_message_config(r, &o);
	}
	ir_error_field(r->err, r->a, r->rq->json, role.i,
	    "expected \"user\", \"assistant\" or \"system\"");
	return -1;
}

int
an_messages_read(struct an_reader *r, struct jv root)
{
	struct jv	 list, v;

	if (an_get(r, root, "messages", JSON_ARRAY, &list) == -1)
		return -1;
	if (!json_ok(list))
		return an_required(r, root, "messages", "an array");
	if (json_count(list) == 0) {
		ir_error_field(r->err, r->a, r->rq->json, list.i,
		    "expected at least one message");
		return -1;
	}
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (read_message(r, v) == -1)
			return -1;
	}
	return 0;
}
