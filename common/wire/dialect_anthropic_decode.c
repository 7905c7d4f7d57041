/*
 * Anthropic Messages: request body to common form.
 *
 * Every member and block that is known has its type checked; what is not known
 * passes as IR_OPAQUE or ext.  Limits of the provider (how many, how long, in
 * which order) are left to the provider.
 */
#include "wire/dialect_anthropic.h"
#include "wire/schema.h"

#include <string.h>

#define JOIN_MAX	((size_t)64 << 20)	/* of one document's text */
#define CALLS_MAX	512	/* parts that are searched for a call's name */

struct rd {
	struct ir_request	*rq;
	struct arena		*a;
	struct ir_error		*err;
	const struct ir_message	*assistant;	/* the last one */
};

/* --- typed access --------------------------------------------------------- */

/* A member that is missing or null becomes JV_NONE. */
static int
get(struct rd *r, struct jv object, const char *name, enum json_type type,
    struct jv *v)
{
	*v = json_get(object, name);
	if (json_empty(*v)) {
		*v = JV_NONE;
		return 0;
	}
	if (json_type(*v) == type)
		return 0;
	ir_error_type(r->err, r->a, *v, json_type_name(type));
	return -1;
}

static int
required(struct rd *r, struct jv object, const char *name, const char *what)
{
	struct str	 path = json_path(r->a, r->rq->json, object.i);

	path = arena_strf(r->a, "%.*s%s%s", STR_FMT(path),
	    path.n > 0 ? "." : "", name);
	ir_error_set(r->err, IR_ERR_BAD_REQUEST, "'%.*s': required, %s",
	    STR_FMT(path), what);
	ir_error_copy(r->err->param, sizeof(r->err->param), path);
	return -1;
}

static int
need_str(struct rd *r, struct jv object, const char *name, struct jv *v)
{
	if (get(r, object, name, JSON_STRING, v) == -1)
		return -1;
	return json_ok(*v) ? 0 : required(r, object, name, "a string");
}

static int
get_str(struct rd *r, struct jv object, const char *name, struct str *s)
{
	struct jv	 v;

	if (get(r, object, name, JSON_STRING, &v) == -1)
		return -1;
	*s = json_ok(v) ? json_str(r->a, v) : STR_NONE;
	return 0;
}

static int
get_jstr(struct rd *r, struct jv object, const char *name, struct jstr *s)
{
	struct jv	 v;

	if (get(r, object, name, JSON_STRING, &v) == -1)
		return -1;
	*s = json_ok(v) ? json_jstr(v) : JSTR_NONE;
	return 0;
}

static int
get_bool(struct rd *r, struct jv object, const char *name, enum ir_tri *t)
{
	struct jv	 v = json_get(object, name);

	if (json_empty(v))
		return 0;
	if (json_type(v) != JSON_TRUE && json_type(v) != JSON_FALSE) {
		ir_error_type(r->err, r->a, v, "true or false");
		return -1;
	}
	*t = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	return 0;
}

static int
get_int(struct rd *r, struct jv object, const char *name, int64_t min,
    int64_t *n, uint32_t *node)
{
	struct jv	 v;

	if (get(r, object, name, JSON_NUMBER, &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	if (json_int(v, n) == -1 || *n < min) {
		ir_error_field(r->err, r->a, r->rq->json, v.i,
		    "expected a whole number, %lld or more", (long long)min);
		return -1;
	}
	if (node != NULL)
		*node = v.i;
	return 0;
}

static int
get_number(struct rd *r, struct jv object, const char *name,
    struct ir_number *n)
{
	struct jv	 v;

	if (get(r, object, name, JSON_NUMBER, &v) == -1)
		return -1;
	if (json_ok(v)) {
		n->raw = json_raw(v);
		n->node = v.i;
	}
	return 0;
}

/* {"type":"ephemeral","ttl":"1h"}; other kinds are the provider's matter. */
static int
get_cache(struct rd *r, struct jv object, enum ir_cache *cache)
{
	struct jv	 v;
	struct str	 ttl;

	if (get(r, object, "cache_control", JSON_OBJECT, &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	if (get_str(r, v, "ttl", &ttl) == -1)
		return -1;
	*cache = str_is(ttl, "1h") ? IR_CACHE_1H : IR_CACHE_5M;
	r->rq->need |= IR_NEED_CACHE;
	return 0;
}

/* Members of object, not null, that known does not name: a JSON object. */
static struct str
further(struct rd *r, struct jv object, const char *const *known)
{
	struct buf	 b;
	struct jw	 w;
	struct jv	 m;
	struct str	 s = STR_NONE;
	size_t		 i, n = 0;

	buf_init(&b, JOIN_MAX);
	jw_init(&w, &b);
	jw_object(&w);
	for (m = json_first(object); json_ok(m); m = json_next(m)) {
		for (i = 0; known[i] != NULL; i++) {
			if (json_key_is(m, known[i]))
				break;
		}
		if (known[i] != NULL || json_empty(m))
			continue;
		jw_key_jstr(&w, json_jstr(json_key(m)));
		jw_raw(&w, json_raw(m));
		n++;
	}
	jw_object_end(&w);
	if (n > 0 && buf_ok(&b))
		s = arena_str(r->a, buf_str(&b));
	buf_release(&b);
	return s;
}

/* --- blocks --------------------------------------------------------------- */

/* A list of parts: a message's, or a tool result's. */
struct list {
	struct ir_part	**last;
};

static struct ir_part *
add(struct rd *r, struct list *l, enum ir_part_type type, struct jv v)
{
	struct ir_part	*p = ir_part_new(r->a, type, v.i);

	*l->last = p;
	l->last = &p->next;
	return p;
}

static int
read_opaque(struct rd *r, struct list *l, struct jv v)
{
	struct ir_part	*p = add(r, l, IR_OPAQUE, v);

	p->raw = json_raw(v);
	p->from = r->rq->from;
	server_run_mark(r->a, p);
	if (p->text.n > 0 && server_run_ours(p->raw))
		r->rq->native = false;
	return get_cache(r, v, &p->cache);
}

static int
read_text(struct rd *r, struct list *l, struct jv v)
{
	static const char *const known[] = { "type", "text", "cache_control",
	    NULL };
	struct ir_part		*p = add(r, l, IR_TEXT, v);
	struct jv		 text;

	if (need_str(r, v, "text", &text) == -1)
		return -1;
	p->text = json_jstr(text);
	p->extra = further(r, v, known);
	if (p->extra.n > 0 && server_run_ours(p->extra))
		r->rq->native = false;
	return get_cache(r, v, &p->cache);
}

static int
read_thinking(struct rd *r, struct list *l, struct jv v)
{
	struct ir_part	*p = add(r, l, IR_THINKING, v);
	struct jv	 text;

	if (need_str(r, v, "thinking", &text) == -1 ||
	    get_jstr(r, v, "signature", &p->signature) == -1)
		return -1;
	p->text = json_jstr(text);
	p->from = r->rq->from;
	return 0;
}

static int
read_redacted(struct rd *r, struct list *l, struct jv v)
{
	struct ir_part	*p = add(r, l, IR_THINKING, v);
	struct jv	 data;

	if (need_str(r, v, "data", &data) == -1)
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
read_content_text(struct rd *r, struct jv content, struct jstr *out)
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
read_source(struct rd *r, struct jv block, struct ir_media *m)
{
	struct jv	 src, type, v;

	if (get(r, block, "source", JSON_OBJECT, &src) == -1)
		return -1;
	if (!json_ok(src))
		return required(r, block, "source", "an object");
	if (need_str(r, src, "type", &type) == -1 ||
	    get_str(r, src, "media_type", &m->type) == -1)
		return -1;
	if (json_is(type, "base64")) {
		if (need_str(r, src, "data", &v) == -1)
			return -1;
		m->data = json_str(r->a, v);
	} else if (json_is(type, "url")) {
		if (need_str(r, src, "url", &v) == -1)
			return -1;
		m->url = json_jstr(v);
	} else if (json_is(type, "file")) {
		if (need_str(r, src, "file_id", &v) == -1)
			return -1;
		m->file_id = json_jstr(v);
	} else if (json_is(type, "text")) {
		if (need_str(r, src, "data", &v) == -1)
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

static int
read_media(struct rd *r, struct list *l, struct jv v, enum ir_part_type type)
{
	static const char *const known[] = { "type", "source", "title",
	    "context", "cache_control", NULL };
	struct ir_media		 m = { 0 };
	struct ir_part		*p;

	switch (read_source(r, v, &m)) {
	case -1:
		return -1;
	case 1:
		return read_opaque(r, l, v);
	}
	p = add(r, l, type, v);
	p->media = m;
	if (get_jstr(r, v, "title", &p->media.title) == -1 ||
	    get_jstr(r, v, "context", &p->media.context) == -1)
		return -1;
	p->extra = further(r, v, known);
	r->rq->need |= type == IR_IMAGE ? IR_NEED_IMAGE : IR_NEED_DOCUMENT;
	return get_cache(r, v, &p->cache);
}

static int
read_image(struct rd *r, struct list *l, struct jv v)
{
	return read_media(r, l, v, IR_IMAGE);
}

static int
read_document(struct rd *r, struct list *l, struct jv v)
{
	return read_media(r, l, v, IR_DOCUMENT);
}

/* A document in all but name: other dialects can have its text. */
static int
read_search_result(struct rd *r, struct list *l, struct jv v)
{
	static const char *const known[] = { "type", "content", "source",
	    "title", "cache_control", NULL };
	struct ir_part		*p;
	struct jstr		 text;

	if (read_content_text(r, json_get(v, "content"), &text) == -1)
		return read_opaque(r, l, v);
	p = add(r, l, IR_DOCUMENT, v);
	p->media.type = STR("text/plain");
	p->media.text = text;
	if (get_jstr(r, v, "title", &p->media.title) == -1 ||
	    get_jstr(r, v, "source", &p->media.context) == -1)
		return -1;
	p->extra = further(r, v, known);
	r->rq->need |= IR_NEED_DOCUMENT;
	return get_cache(r, v, &p->cache);
}

static int
read_tool_use(struct rd *r, struct list *l, struct jv v)
{
	static const char *const known[] = { "type", "id", "name", "input",
	    "cache_control", NULL };
	struct ir_part		*p = add(r, l, IR_TOOL_CALL, v);
	struct jv		 id, name, input;

	if (need_str(r, v, "id", &id) == -1 ||
	    need_str(r, v, "name", &name) == -1 ||
	    get(r, v, "input", JSON_OBJECT, &input) == -1)
		return -1;
	p->id = json_str(r->a, id);
	p->name = json_str(r->a, name);
	p->args.json = json_ok(input) ? json_raw(input) : STR("{}");
	p->extra = further(r, v, known);
	r->rq->need |= IR_NEED_TOOLS;
	return get_cache(r, v, &p->cache);
}

static int	 read_blocks(struct rd *, struct list *, struct jv content,
		    bool (*want)(struct jv), bool inner);

/* A result's name is that of the call, which stands in the turn before it. */
static struct str
call_name(struct rd *r, struct str id)
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
read_tool_result(struct rd *r, struct list *l, struct jv v)
{
	static const char *const known[] = { "type", "tool_use_id", "content",
	    "is_error", "cache_control", NULL };
	struct ir_part		*p = add(r, l, IR_TOOL_RESULT, v);
	struct list		 inner = { &p->parts };
	enum ir_tri		 is_error = IR_UNSET;
	struct jv		 id;

	if (need_str(r, v, "tool_use_id", &id) == -1 ||
	    get_bool(r, v, "is_error", &is_error) == -1 ||
	    read_blocks(r, &inner, json_get(v, "content"), NULL, true) == -1)
		return -1;
	p->id = json_str(r->a, id);
	p->name = call_name(r, p->id);
	p->is_error = is_error == IR_YES;
	p->extra = further(r, v, known);
	r->rq->need |= IR_NEED_TOOLS;
	return get_cache(r, v, &p->cache);
}

/* Told to other models as text; to their own they go as they are. */
static int
read_told(struct rd *r, struct list *l, struct jv v, struct jstr text)
{
	struct ir_part	*p = add(r, l, IR_TEXT, v);

	p->text = text;
	p->extra = json_raw(v);
	return get_cache(r, v, &p->cache);
}

/* A search for tools found it; it is among the tools of the request. */
static int
read_reference(struct rd *r, struct list *l, struct jv v)
{
	struct str	 name;

	if (get_str(r, v, "tool_name", &name) == -1)
		return -1;
	return read_told(r, l, v, jstr_encode(r->a, arena_strf(r->a,
	    "The tool %.*s can be called now.", STR_FMT(name))));
}

/* What the provider made of the conversation so far. */
static int
read_compaction(struct rd *r, struct list *l, struct jv v)
{
	struct jv	 text = json_get(v, "content");

	if (json_type(text) == JSON_STRING && json_jstr(text).n > 0)
		return read_told(r, l, v, json_jstr(text));
	return read_opaque(r, l, v);
}

static const struct {
	const char	*type;
	int		(*read)(struct rd *, struct list *, struct jv);
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
	{ "compaction",		read_compaction,	false },
};

#define NBLOCKTYPES	(sizeof(block_types) / sizeof(block_types[0]))

static int
read_block(struct rd *r, struct list *l, struct jv v, bool inner)
{
	struct jv	 type;
	size_t		 i;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(r->err, r->a, v, "an object");
		return -1;
	}
	if (need_str(r, v, "type", &type) == -1)
		return -1;
	for (i = 0; i < NBLOCKTYPES; i++) {
		if (json_is(type, block_types[i].type) &&
		    (!inner || block_types[i].inner))
			return block_types[i].read(r, l, v);
	}
	if (json_is(type, "server_tool_use") || json_is(type, "mcp_tool_use"))
		r->rq->need |= IR_NEED_SERVER_TOOL;
	return read_opaque(r, l, v);
}

/* A string, an array of blocks, or nothing; want chooses among the blocks. */
static int
read_blocks(struct rd *r, struct list *l, struct jv content,
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

static int
read_system(struct rd *r, struct jv v)
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
add_message(struct rd *r, enum ir_role role, struct jv v,
    bool (*want)(struct jv))
{
	struct ir_message	*m = ir_message_add(r->rq, role, v.i);
	struct list		 l = { m->last };

	m->raw = json_raw(v);
	if (read_blocks(r, &l, json_get(v, "content"), want, false) == -1)
		return -1;
	m->last = l.last;
	if (role == IR_ASSISTANT)
		r->assistant = m;
	return 0;
}

/* Results go to a message of their own, which stands first. */
static int
read_user(struct rd *r, struct jv v)
{
	struct jv	 content = json_get(v, "content"), b;
	bool		 results = false, others = false;

	if (json_type(content) == JSON_ARRAY) {
		for (b = json_first(content); json_ok(b); b = json_next(b)) {
			if (is_result(b))
				results = true;
			else
				others = true;
		}
	}
	if (results && add_message(r, IR_TOOL, v, is_result) == -1)
		return -1;
	if (results && !others)
		return 0;
	return add_message(r, IR_USER, v, is_no_result);
}

/* What is said about effort last holds for the turn that is asked for. */
static int
read_message_config(struct rd *r, struct jv v)
{
	struct jv	 oc, e;

	if (get(r, v, "output_config", JSON_OBJECT, &oc) == -1 ||
	    get(r, oc, "effort", JSON_STRING, &e) == -1)
		return -1;
	if (json_ok(e)) {
		r->rq->reasoning.effort = json_str(r->a, e);
		r->rq->reasoning.node = e.i;
	}
	return 0;
}

static int
read_message(struct rd *r, struct jv v)
{
	struct jv	 role, content;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(r->err, r->a, v, "an object");
		return -1;
	}
	if (need_str(r, v, "role", &role) == -1)
		return -1;
	content = json_get(v, "content");
	if (json_empty(content) && !r->rq->lenient) {
		if (json_ok(content))
			ir_error_type(r->err, r->a, content,
			    "a string or an array of blocks");
		else
			required(r, v, "content",
			    "a string or an array of blocks");
		return -1;
	}
	if (json_is(role, "user"))
		return read_user(r, v);
	if (json_is(role, "assistant"))
		return add_message(r, IR_ASSISTANT, v, NULL);
	if (json_is(role, "system")) {
		if (r->rq->lenient)
			r->rq->native = false;
		if (add_message(r, IR_SYSTEM, v, NULL) == -1)
			return -1;
		return read_message_config(r, v);
	}
	ir_error_field(r->err, r->a, r->rq->json, role.i,
	    "expected \"user\", \"assistant\" or \"system\"");
	return -1;
}

static int
read_messages(struct rd *r, struct jv root)
{
	struct jv	 list, v;

	if (get(r, root, "messages", JSON_ARRAY, &list) == -1)
		return -1;
	if (!json_ok(list))
		return required(r, root, "messages", "an array");
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

/* --- tools ---------------------------------------------------------------- */

static int
read_function(struct rd *r, struct jv v)
{
	struct ir_tool	*t = ir_tool_add(r->rq, IR_FUNCTION, v.i);
	struct jv	 name, schema;

	if (need_str(r, v, "name", &name) == -1 ||
	    get_jstr(r, v, "description", &t->description) == -1 ||
	    get(r, v, "input_schema", JSON_OBJECT, &schema) == -1 ||
	    get_bool(r, v, "strict", &t->strict) == -1 ||
	    get_cache(r, v, &t->cache) == -1)
		return -1;
	t->name = json_str(r->a, name);
	t->raw = json_raw(v);
	if (json_ok(schema)) {
		t->schema = json_raw(schema);
		t->schema_is_openapi = schema_is_upper(schema);
	}
	return 0;
}

static int
read_tool(struct rd *r, struct jv v)
{
	struct ir_tool	*t;
	struct jv	 type;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(r->err, r->a, v, "an object");
		return -1;
	}
	if (get(r, v, "type", JSON_STRING, &type) == -1)
		return -1;
	r->rq->need |= IR_NEED_TOOLS;
	if (!json_ok(type) || json_is(type, "custom"))
		return read_function(r, v);
	t = ir_tool_add(r->rq, IR_SERVER, v.i);
	t->server_type = json_str(r->a, type);
	t->raw = json_raw(v);
	r->rq->need |= IR_NEED_SERVER_TOOL;
	if (get_str(r, v, "name", &t->name) == -1)
		return -1;
	return get_cache(r, v, &t->cache);
}

static int
read_choice(struct rd *r, struct jv v)
{
	struct ir_tool_choice	*c = &r->rq->choice;
	enum ir_tri		 off = IR_UNSET;
	struct jv		 type, name;

	if (!json_ok(v))
		return 0;
	if (need_str(r, v, "type", &type) == -1 ||
	    get_bool(r, v, "disable_parallel_tool_use", &off) == -1)
		return -1;
	c->node = v.i;
	if (off != IR_UNSET)
		r->rq->parallel = off == IR_YES ? IR_NO : IR_YES;
	if (json_is(type, "auto")) {
		c->mode = IR_CHOICE_AUTO;
	} else if (json_is(type, "any")) {
		c->mode = IR_CHOICE_REQUIRED;
	} else if (json_is(type, "none")) {
		c->mode = IR_CHOICE_NONE;
	} else if (json_is(type, "tool")) {
		if (need_str(r, v, "name", &name) == -1)
			return -1;
		c->mode = IR_CHOICE_NAMED;
		c->name = json_str(r->a, name);
	} else {
		ir_error_field(r->err, r->a, r->rq->json, type.i,
		    "expected \"auto\", \"any\", \"tool\" or \"none\"");
		return -1;
	}
	return 0;
}

static int
read_tools(struct rd *r, struct jv root)
{
	const struct ir_tool	*t;
	struct jv		 list, choice, v;

	if (get(r, root, "tools", JSON_ARRAY, &list) == -1 ||
	    get(r, root, "tool_choice", JSON_OBJECT, &choice) == -1)
		return -1;
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (read_tool(r, v) == -1)
			return -1;
	}
	if (read_choice(r, choice) == -1)
		return -1;
	if (r->rq->choice.mode != IR_CHOICE_NAMED)
		return 0;
	for (t = r->rq->tools; t != NULL; t = t->next) {
		if (str_eq(t->name, r->rq->choice.name)) {
			r->rq->choice.kind = t->kind;
			if (t->kind == IR_SERVER)
				r->rq->choice.raw = json_raw(choice);
			break;
		}
	}
	return 0;
}

/* --- parameters ----------------------------------------------------------- */

static int
read_format(struct rd *r, struct jv v)
{
	struct ir_format	*f = &r->rq->format;
	struct jv		 type, schema;

	if (!json_ok(v))
		return 0;
	if (need_str(r, v, "type", &type) == -1 ||
	    get(r, v, "schema", JSON_OBJECT, &schema) == -1)
		return -1;
	f->raw = json_raw(v);
	f->node = v.i;
	f->kind = IR_FORMAT_OTHER;
	if (json_is(type, "json_schema") && json_ok(schema)) {
		f->kind = IR_FORMAT_SCHEMA;
		f->schema = json_raw(schema);
		f->schema_is_openapi = schema_is_upper(schema);
		f->strict = IR_YES;
		r->rq->need |= IR_NEED_SCHEMA;
	} else if (json_is(type, "text")) {
		f->kind = IR_FORMAT_TEXT;
	}
	return 0;
}

/* Also what other dialects have no place for goes to their loss reports. */
static int
read_output(struct rd *r, struct jv root)
{
	struct jv	 oc, old, fmt, e, m;

	if (get(r, root, "output_format", JSON_OBJECT, &old) == -1 ||
	    get(r, root, "output_config", JSON_OBJECT, &oc) == -1 ||
	    get(r, oc, "format", JSON_OBJECT, &fmt) == -1 ||
	    get(r, oc, "effort", JSON_STRING, &e) == -1)
		return -1;
	if (json_ok(e) && r->rq->reasoning.effort.n == 0) {
		r->rq->reasoning.effort = json_str(r->a, e);
		r->rq->reasoning.node = e.i;
	}
	for (m = json_first(oc); json_ok(m); m = json_next(m)) {
		if (!json_key_is(m, "format") && !json_key_is(m, "effort") &&
		    !json_empty(m))
			ir_ext_add(r->rq, m);
	}
	return read_format(r, json_ok(fmt) ? fmt : old);
}

static int
read_thinking_config(struct rd *r, struct jv root)
{
	struct ir_reasoning	*rs = &r->rq->reasoning;
	struct jv		 v, type;
	struct str		 display;

	if (get(r, root, "thinking", JSON_OBJECT, &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	if (need_str(r, v, "type", &type) == -1 ||
	    get_str(r, v, "display", &display) == -1)
		return -1;
	rs->node = v.i;
	if (json_is(type, "disabled")) {
		rs->mode = IR_REASON_OFF;
		return 0;
	}
	rs->mode = json_is(type, "adaptive") ? IR_REASON_ADAPTIVE :
	    IR_REASON_ON;
	if (display.n > 0)
		rs->visible = str_is(display, "omitted") ? IR_NO : IR_YES;
	r->rq->need |= IR_NEED_THINKING;
	return get_int(r, v, "budget_tokens", INT64_MIN, &rs->budget, NULL);
}

static int
read_stop(struct rd *r, struct jv root)
{
	struct ir_stop_seq	**last = &r->rq->stop, *s;
	struct jv		 list, v;

	if (get(r, root, "stop_sequences", JSON_ARRAY, &list) == -1)
		return -1;
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (json_type(v) != JSON_STRING) {
			ir_error_type(r->err, r->a, v, "a string");
			return -1;
		}
		s = ARENA_NEW(r->a, struct ir_stop_seq);
		s->s = json_jstr(v);
		s->node = v.i;
		*last = s;
		last = &s->next;
	}
	return 0;
}

static int
read_metadata(struct rd *r, struct jv root)
{
	static const char *const known[] = { "user_id", NULL };
	struct jv		 v, user;

	if (get(r, root, "metadata", JSON_OBJECT, &v) == -1 ||
	    get(r, v, "user_id", JSON_STRING, &user) == -1)
		return -1;
	if (json_ok(user)) {
		r->rq->user = json_jstr(user);
		r->rq->user_node = user.i;
	}
	if (json_ok(v)) {
		r->rq->metadata = further(r, v, known);
		r->rq->metadata_node = v.i;
	}
	return 0;
}

static int
read_sampling(struct rd *r, struct jv root)
{
	struct ir_sampling	*s = &r->rq->sampling;
	struct jv		 tier;

	if (get_int(r, root, "max_tokens", 0, &s->max_tokens,
	    &s->max_tokens_node) == -1 ||
	    get_number(r, root, "temperature", &s->temperature) == -1 ||
	    get_number(r, root, "top_p", &s->top_p) == -1 ||
	    get_number(r, root, "top_k", &s->top_k) == -1 ||
	    get(r, root, "service_tier", JSON_STRING, &tier) == -1)
		return -1;
	if (json_ok(tier)) {
		r->rq->service_tier = json_str(r->a, tier);
		r->rq->service_tier_node = tier.i;
	}
	if (s->max_tokens >= 0)
		return 0;
	if (!r->rq->lenient)
		return required(r, root, "max_tokens", "a whole number");
	r->rq->native = false;
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

static void
read_ext(struct rd *r, struct jv root)
{
	static const char *const known[] = { "model", "messages", "system",
	    "max_tokens", "stream", "temperature", "top_p", "top_k",
	    "stop_sequences", "tools", "tool_choice", "thinking", "metadata",
	    "output_config", "output_format", "service_tier", NULL };
	struct jv		 m;
	size_t			 i;

	for (m = json_first(root); json_ok(m); m = json_next(m)) {
		for (i = 0; known[i] != NULL; i++) {
			if (json_key_is(m, known[i]))
				break;
		}
		if (known[i] != NULL || json_empty(m))
			continue;
		ir_ext_add(r->rq, m);
		if (json_key_is(m, "thread"))
			r->rq->need |= IR_NEED_STATE;
	}
}

int
anthropic_request_decode(struct ir_request *rq, struct ir_error *err)
{
	struct rd	 r = { rq, rq->arena, err, NULL };
	struct jv	 root = json_root(rq->json), model;
	enum ir_tri	 stream = IR_UNSET;

	if (json_type(root) != JSON_OBJECT) {
		ir_error_type(err, rq->arena, root, "an object");
		return -1;
	}
	if (need_str(&r, root, "model", &model) == -1 ||
	    get_bool(&r, root, "stream", &stream) == -1)
		return -1;
	rq->model = json_str(rq->arena, model);
	if (rq->model.n == 0)
		return required(&r, root, "model", "the name of a model");
	rq->stream = stream == IR_YES;
	rq->stream_usage = true;

	if (read_system(&r, json_get(root, "system")) == -1 ||
	    read_messages(&r, root) == -1 ||
	    read_tools(&r, root) == -1 ||
	    read_sampling(&r, root) == -1 ||
	    read_thinking_config(&r, root) == -1 ||
	    read_output(&r, root) == -1 ||
	    read_stop(&r, root) == -1 ||
	    read_metadata(&r, root) == -1)
		return -1;
	read_ext(&r, root);
	return 0;
}
