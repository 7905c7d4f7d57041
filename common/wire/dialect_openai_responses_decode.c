/*
 * OpenAI Responses: a request into the common form.
 *
 * Items keep their order.  What the assistant said in a row (reasoning, text,
 * calls, items that we do not know) becomes one message, results in a row one
 * of role IR_TOOL, anything else a message of its own.  Nodes lead back to the
 * items, so that a request to the same dialect is written from them.
 */
#include "wire/dialect_openai_responses.h"
#include "wire/schema.h"

struct ctx {
	struct ir_request	*rq;
	struct ir_error		*err;
	struct jv		 root;
	struct ir_message	*tail;		/* the last message */
};

/* --- values of a known type ----------------------------------------------- */

/* Member name of o; JSON_MISSING also for null. */
static struct jv
member(struct jv o, const char *name)
{
	struct jv	 v = json_get(o, name);

	return json_empty(v) ? JV_NONE : v;
}

static int
wrong(struct ctx *c, struct jv v, const char *expected)
{
	ir_error_type(c->err, c->rq->arena, v, expected);
	return -1;
}

static int
missing(struct ctx *c, struct jv o, const char *name)
{
	ir_error_field(c->err, c->rq->arena, c->rq->json, o.i,
	    "missing member '%s'", name);
	return -1;
}

static int
get_str(struct ctx *c, struct jv o, const char *name, struct str *s)
{
	struct jv	 v = member(o, name);

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return wrong(c, v, "a string");
	*s = json_str(c->rq->arena, v);
	return 0;
}

static int
get_jstr(struct ctx *c, struct jv o, const char *name, struct jstr *s)
{
	struct jv	 v = member(o, name);

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return wrong(c, v, "a string");
	*s = json_jstr(v);
	return 0;
}

static int
need_str(struct ctx *c, struct jv o, const char *name, struct str *s)
{
	if (!json_ok(member(o, name)))
		return missing(c, o, name);
	return get_str(c, o, name, s);
}

static int
get_bool(struct ctx *c, struct jv o, const char *name, bool *b, bool *given)
{
	struct jv	 v = member(o, name);

	*given = json_ok(v);
	if (!*given)
		return 0;
	if (json_type(v) != JSON_TRUE && json_type(v) != JSON_FALSE)
		return wrong(c, v, "true or false");
	*b = json_type(v) == JSON_TRUE;
	return 0;
}

static int
get_tri(struct ctx *c, struct jv o, const char *name, enum ir_tri *t)
{
	bool	 b = false, given;

	if (get_bool(c, o, name, &b, &given) == -1)
		return -1;
	if (given)
		*t = b ? IR_YES : IR_NO;
	return 0;
}

static int
get_number(struct ctx *c, const char *name, struct ir_number *n)
{
	struct jv	 v = member(c->root, name);

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_NUMBER)
		return wrong(c, v, "a number");
	n->raw = json_raw(v);
	n->node = v.i;
	return 0;
}

/* --- content parts -------------------------------------------------------- */

static int
part_image(struct ctx *c, struct jv p, struct ir_part *part)
{
	struct jstr	 url = JSTR_NONE;

	part->type = IR_IMAGE;
	c->rq->need |= IR_NEED_IMAGE;
	if (get_jstr(c, p, "image_url", &url) == -1 ||
	    get_jstr(c, p, "file_id", &part->media.file_id) == -1 ||
	    get_str(c, p, "detail", &part->media.detail) == -1)
		return -1;
	if (url.n == 0 && part->media.file_id.n == 0)
		return missing(c, p, "image_url");
	if (url.n == 0 || ir_data_url(c->rq->arena, url, &part->media) == -1) {
		part->media.url = url;
		return 0;
	}
	/* Clients do send PDFs this way. */
	if (str_is(part->media.type, "application/pdf")) {
		part->type = IR_DOCUMENT;
		c->rq->need |= IR_NEED_DOCUMENT;
	}
	return 0;
}

static int
part_file(struct ctx *c, struct jv p, struct ir_part *part)
{
	struct ir_media	*m = &part->media;
	struct jstr	 data = JSTR_NONE;

	part->type = IR_DOCUMENT;
	c->rq->need |= IR_NEED_DOCUMENT;
	if (get_jstr(c, p, "file_data", &data) == -1 ||
	    get_jstr(c, p, "file_url", &m->url) == -1 ||
	    get_jstr(c, p, "file_id", &m->file_id) == -1 ||
	    get_jstr(c, p, "filename", &m->filename) == -1)
		return -1;
	if (data.n == 0 && m->url.n == 0 && m->file_id.n == 0)
		return missing(c, p, "file_data");
	if (data.n > 0 && ir_data_url(c->rq->arena, data, m) == -1) {
		m->data = jstr_decode(c->rq->arena, data);
		m->type = STR("application/pdf");
	}
	return 0;
}

static int
part_audio(struct ctx *c, struct jv p, struct ir_part *part)
{
	struct jv	 a = member(p, "input_audio");
	struct str	 format = STR_NONE;

	part->type = IR_AUDIO;
	c->rq->need |= IR_NEED_AUDIO;
	if (!json_ok(a))
		return missing(c, p, "input_audio");
	if (json_type(a) != JSON_OBJECT)
		return wrong(c, a, "an object");
	if (need_str(c, a, "data", &part->media.data) == -1 ||
	    need_str(c, a, "format", &format) == -1)
		return -1;
	part->media.type = str_is(format, "mp3") ? STR("audio/mpeg") :
	    arena_strf(c->rq->arena, "audio/%.*s", STR_FMT(format));
	return 0;
}

static int
part_text(struct ctx *c, struct jv p, struct ir_part *part, const char *name,
    enum ir_part_type type)
{
	if (!json_ok(member(p, name)))
		return missing(c, p, name);
	part->type = type;
	return get_jstr(c, p, name, &part->text);
}

/* Fills in a part from one element of a content array. */
static int
part_fill(struct ctx *c, struct jv p, struct ir_part *part)
{
	struct jv	 t;

	if (json_type(p) != JSON_OBJECT)
		return wrong(c, p, "an object");
	t = member(p, "type");
	if (!json_ok(t))
		return missing(c, p, "type");
	if (json_type(t) != JSON_STRING)
		return wrong(c, t, "a string");
	if (json_ok(member(p, "prompt_cache_breakpoint"))) {
		part->cache = IR_CACHE_5M;
		c->rq->need |= IR_NEED_CACHE;
	}
	if (json_is(t, "input_text") || json_is(t, "output_text") ||
	    json_is(t, "text"))
		return part_text(c, p, part, "text", IR_TEXT);
	if (json_is(t, "refusal"))
		return part_text(c, p, part, "refusal", IR_REFUSAL);
	if (json_is(t, "input_image"))
		return part_image(c, p, part);
	if (json_is(t, "input_file"))
		return part_file(c, p, part);
	if (json_is(t, "input_audio"))
		return part_audio(c, p, part);
	part->type = IR_OPAQUE;
	part->raw = json_raw(p);
	part->from = c->rq->from;
	return 0;
}

/* --- items ---------------------------------------------------------------- */

static struct ir_message *
message_add(struct ctx *c, enum ir_role role, struct jv item)
{
	c->tail = ir_message_add(c->rq, role, item.i);
	c->tail->raw = json_raw(item);
	return c->tail;
}

/* The message that an item joins: what was said in a row is one. */
static struct ir_message *
message_join(struct ctx *c, enum ir_role role, struct jv item)
{
	if (c->tail == NULL || c->tail->role != role)
		return message_add(c, role, item);
	c->tail->raw = STR_NONE;
	return c->tail;
}

static int
item_message(struct ctx *c, struct jv item)
{
	static const struct {
		const char	*name;
		enum ir_role	 role;
	} roles[] = {
		{ "user", IR_USER }, { "assistant", IR_ASSISTANT },
		{ "system", IR_SYSTEM }, { "developer", IR_DEVELOPER }
	};
	struct jv		 r = member(item, "role");
	struct jv		 content = member(item, "content"), p;
	struct ir_message	*m;
	struct ir_part		*part;
	struct str		 id = STR_NONE;
	size_t			 i, n = sizeof(roles) / sizeof(roles[0]);

	if (!json_ok(r))
		return missing(c, item, "role");
	if (get_str(c, item, "id", &id) == -1)
		return -1;
	for (i = 0; i < n && !json_is(r, roles[i].name); i++)
		;
	if (i == n)
		return wrong(c, r, "user, assistant, system or developer");
	if (roles[i].role == IR_ASSISTANT)
		m = message_join(c, IR_ASSISTANT, item);
	else
		m = message_add(c, roles[i].role, item);
	if (json_type(content) == JSON_STRING) {
		part = ir_part_add(c->rq, m, IR_TEXT, content.i);
		part->text = json_jstr(content);
		part->item_id = id;
		return 0;
	}
	if (json_ok(content) && json_type(content) != JSON_ARRAY)
		return wrong(c, content, "a string or an array");
	for (p = json_first(content); json_ok(p); p = json_next(p)) {
		part = ir_part_add(c->rq, m, IR_TEXT, p.i);
		part->item_id = id;
		if (part_fill(c, p, part) == -1)
			return -1;
	}
	/* One without content still has its place in the list. */
	if (m->role == IR_ASSISTANT && !json_ok(json_first(content)))
		ir_part_add(c->rq, m, IR_TEXT, item.i);
	return 0;
}

static int
item_call(struct ctx *c, struct jv item)
{
	struct str		 ns = STR_NONE;
	struct ir_message	*m = message_join(c, IR_ASSISTANT, item);
	struct ir_part		*p;
	bool			 custom;
	const char		*in;

	custom = json_is(json_get(item, "type"), "custom_tool_call");
	in = custom ? "input" : "arguments";
	p = ir_part_add(c->rq, m, IR_TOOL_CALL, item.i);
	p->tool = custom ? IR_CUSTOM : IR_FUNCTION;
	p->raw = json_raw(item);
	c->rq->need |= custom ? IR_NEED_CUSTOM_TOOL : IR_NEED_TOOLS;
	if (!json_ok(member(item, in)))
		return missing(c, item, in);
	if (need_str(c, item, "call_id", &p->id) == -1 ||
	    need_str(c, item, "name", &p->name) == -1 ||
	    get_str(c, item, "namespace", &ns) == -1 ||
	    get_str(c, item, "id", &p->item_id) == -1 ||
	    get_jstr(c, item, in, custom ? &p->text : &p->args.escaped) == -1)
		return -1;
	p->name = resp_tool_name(c->rq, ns, p->name);
	return 0;
}

static int
item_result(struct ctx *c, struct jv item)
{
	struct jv		 out = member(item, "output"), v;
	struct ir_message	*m = message_join(c, IR_TOOL, item);
	struct ir_part		*p, *part, **last;

	p = ir_part_add(c->rq, m, IR_TOOL_RESULT, item.i);
	last = &p->parts;
	p->raw = json_raw(item);
	p->tool = json_is(json_get(item, "type"), "custom_tool_call_output") ?
	    IR_CUSTOM : IR_FUNCTION;
	c->rq->need |= IR_NEED_TOOLS;
	if (need_str(c, item, "call_id", &p->id) == -1 ||
	    get_str(c, item, "name", &p->name) == -1 ||
	    get_str(c, item, "id", &p->item_id) == -1)
		return -1;
	if (!json_ok(out))
		return missing(c, item, "output");
	if (json_type(out) == JSON_STRING) {
		p->parts = ir_part_new(c->rq->arena, IR_TEXT, out.i);
		p->parts->text = json_jstr(out);
		return 0;
	}
	if (json_type(out) != JSON_ARRAY)
		return wrong(c, out, "a string or an array");
	for (v = json_first(out); json_ok(v); v = json_next(v)) {
		part = ir_part_new(c->rq->arena, IR_TEXT, v.i);
		if (part_fill(c, v, part) == -1)
			return -1;
		*last = part;
		last = &part->next;
	}
	return 0;
}

/* shell_call and the like: the client runs these, too. */
static int
item_client_call(struct ctx *c, struct jv item)
{
	const struct server_call	*k = server_call_of_item(json_str(
					    c->rq->arena, json_get(item,
					    "type")));
	struct ir_message		*m;
	struct ir_part			*p;
	struct jv			 in;

	m = message_join(c, IR_ASSISTANT, item);
	p = ir_part_add(c->rq, m, IR_TOOL_CALL, item.i);
	p->tool = IR_FUNCTION;
	p->raw = json_raw(item);
	p->name = str_of(k->tool);
	c->rq->need |= IR_NEED_TOOLS;
	if (get_str(c, item, "id", &p->item_id) == -1 ||
	    get_str(c, item, "call_id", &p->id) == -1)
		return -1;
	if (p->id.n == 0)
		p->id = p->item_id;
	in = member(item, k->member);
	if (json_type(in) == JSON_STRING)
		p->args.escaped = json_jstr(in);
	else
		p->args.json = server_call_args(c->rq->arena, k, in);
	return 0;
}

/* Depth: what is in a namespace is no namespace. */
static void
names_add(struct arena *a, struct buf *b, struct jv tools, bool deeper)
{
	struct jv	 t;

	for (t = json_first(tools); json_ok(t); t = json_next(t))
		if (deeper && json_ok(json_get(t, "tools")))
			names_add(a, b, json_get(t, "tools"), false);
		else if (json_type(json_get(t, "name")) == JSON_STRING)
			buf_addf(b, "%s%.*s", b->len > 0 ? ", " : "",
			    STR_FMT(json_str(a, json_get(t, "name"))));
}

static struct jstr
found_text(struct arena *a, struct jv item)
{
	struct buf	 b;
	struct jstr	 text;

	buf_init(&b, json_raw(item).n + 64);
	names_add(a, &b, json_get(item, "tools"), true);
	text = jstr_encode(a, b.len == 0 ? STR("No tool was found.") :
	    arena_strf(a, "Found, and can be called now: %.*s",
	    STR_FMT(buf_str(&b))));
	buf_release(&b);
	return text;
}

static int
item_client_result(struct ctx *c, struct jv item)
{
	struct ir_message	*m = message_join(c, IR_TOOL, item);
	struct ir_part		*p;

	p = ir_part_add(c->rq, m, IR_TOOL_RESULT, item.i);
	p->raw = json_raw(item);
	p->tool = IR_FUNCTION;
	c->rq->need |= IR_NEED_TOOLS;
	if (get_str(c, item, "id", &p->item_id) == -1 ||
	    get_str(c, item, "call_id", &p->id) == -1)
		return -1;
	/* Of local_shell the specification has the call's id here. */
	if (p->id.n == 0)
		p->id = p->item_id;
	p->parts = ir_part_new(c->rq->arena, IR_TEXT, item.i);
	p->parts->text = json_is(json_get(item, "type"),
	    "tool_search_output") ? found_text(c->rq->arena, item) :
	    server_call_output(c->rq->arena, item, &p->is_error);
	return 0;
}

/* The texts of an array of {text}, with an empty line between. */
static int
join_texts(struct ctx *c, struct jv list, struct jstr *text)
{
	struct jv	 v;
	struct jstr	 t;
	char		*p;
	size_t		 n = 0, pos = 0;

	if (json_ok(list) && json_type(list) != JSON_ARRAY)
		return wrong(c, list, "an array");
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		t = JSTR_NONE;
		if (json_type(v) != JSON_OBJECT)
			return wrong(c, v, "an object");
		if (get_jstr(c, v, "text", &t) == -1)
			return -1;
		n += t.n + 4;
	}
	if (json_count(list) == 1)
		return get_jstr(c, json_first(list), "text", text);
	p = arena_bytes(c->rq->arena, n + 1);
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		t = json_jstr(member(v, "text"));
		if (t.n == 0)
			continue;
		if (pos > 0) {
			memcpy(p + pos, "\\n\\n", 4);
			pos += 4;
		}
		memcpy(p + pos, t.p, t.n);
		pos += t.n;
	}
	*text = (struct jstr){ p, pos };
	return 0;
}

static int
item_reasoning(struct ctx *c, struct jv item)
{
	struct ir_message	*m = message_join(c, IR_ASSISTANT, item);
	struct ir_part		*p;
	struct jstr		 said = JSTR_NONE;

	p = ir_part_add(c->rq, m, IR_THINKING, item.i);
	p->raw = json_raw(item);
	p->from = c->rq->from;
	c->rq->need |= IR_NEED_THINKING;
	if (get_str(c, item, "id", &p->item_id) == -1 ||
	    get_jstr(c, item, "encrypted_content", &p->signature) == -1 ||
	    join_texts(c, member(item, "summary"), &p->text) == -1 ||
	    join_texts(c, member(item, "content"), &said) == -1)
		return -1;
	if (p->text.n > 0 && said.n > 0)
		said = jstr_encode(c->rq->arena, arena_strf(c->rq->arena,
		    "%.*s\n\n%.*s", STR_FMT(jstr_decode(c->rq->arena,
		    p->text)), STR_FMT(jstr_decode(c->rq->arena, said))));
	if (said.n > 0)
		p->text = said;
	return 0;
}

static int	 tools_decode(struct ctx *, struct jv);

/* Tools in the conversation: an empty message keeps the item's place. */
static int
item_tools(struct ctx *c, struct jv item)
{
	message_add(c, IR_DEVELOPER, item);
	return tools_decode(c, member(item, "tools"));
}

static int
item_opaque(struct ctx *c, struct jv item)
{
	struct jv		 t = json_get(item, "type");
	struct str		 type = json_str(c->rq->arena, t);
	struct ir_message	*m;
	struct ir_part		*p;

	if (str_ends(type, "_output") || str_ends(type, "_response"))
		m = message_add(c, IR_USER, item);
	else
		m = message_join(c, IR_ASSISTANT, item);
	p = ir_part_add(c->rq, m, IR_OPAQUE, item.i);
	p->raw = json_raw(item);
	p->from = c->rq->from;
	server_run_mark(c->rq->arena, p);
	p->vital = type.n == 0 || str_is(type, "item_reference") ||
	    str_starts(type, "compaction") || str_is(type,
	    "context_compaction");
	if (p->text.n > 0 && server_run_ours(p->raw))
		c->rq->native = false;
	if (type.n == 0 || str_is(type, "item_reference"))
		c->rq->need |= IR_NEED_STATE;
	if (get_str(c, item, "id", &p->item_id) == -1)
		return -1;
	/* Tools that a search has brought may be called from here. */
	if (str_is(type, "tool_search_output"))
		return tools_decode(c, member(item, "tools"));
	return 0;
}

static bool
client_searched(struct jv item)
{
	return json_is(json_get(item, "execution"), "client");
}

static int
item_search(struct ctx *c, struct jv item)
{
	return client_searched(item) ? item_client_call(c, item) :
	    item_opaque(c, item);
}

/* What was found is declared, and the model told that it is. */
static int
item_found(struct ctx *c, struct jv item)
{
	if (!client_searched(item))
		return item_opaque(c, item);
	if (item_client_result(c, item) == -1)
		return -1;
	return tools_decode(c, member(item, "tools"));
}

static const struct {
	const char	*type;
	int		(*decode)(struct ctx *, struct jv);
} item_types[] = {
	{ "message",			item_message },
	{ "function_call",		item_call },
	{ "custom_tool_call",		item_call },
	{ "function_call_output",	item_result },
	{ "custom_tool_call_output",	item_result },
	{ "local_shell_call",		item_client_call },
	{ "shell_call",			item_client_call },
	{ "apply_patch_call",		item_client_call },
	{ "local_shell_call_output",	item_client_result },
	{ "shell_call_output",		item_client_result },
	{ "apply_patch_call_output",	item_client_result },
	{ "reasoning",			item_reasoning },
	{ "additional_tools",		item_tools },
	{ "tool_search_call",		item_search },
	{ "tool_search_output",		item_found },
};

static int
item_decode(struct ctx *c, struct jv item)
{
	struct jv	 t;
	size_t		 i;

	if (json_type(item) != JSON_OBJECT)
		return wrong(c, item, "an object");
	t = member(item, "type");
	if (json_ok(t) && json_type(t) != JSON_STRING)
		return wrong(c, t, "a string");
	if (!json_ok(t) && json_ok(member(item, "role")))
		return item_message(c, item);
	if (!json_ok(t) && !json_ok(member(item, "id")))
		return missing(c, item, "type");
	for (i = 0; i < sizeof(item_types) / sizeof(item_types[0]); i++)
		if (json_is(t, item_types[i].type))
			return item_types[i].decode(c, item);
	return item_opaque(c, item);
}

static int
input_decode(struct ctx *c)
{
	struct jv		 in = member(c->root, "input"), v;
	struct ir_message	*m;
	struct ir_part		*p;

	v = member(c->root, "instructions");
	if (json_ok(v)) {
		if (json_type(v) != JSON_STRING)
			return wrong(c, v, "a string");
		m = message_add(c, IR_SYSTEM, v);
		p = ir_part_add(c->rq, m, IR_TEXT, v.i);
		p->text = json_jstr(v);
	}
	c->tail = NULL;
	if (json_type(in) == JSON_STRING) {
		m = message_add(c, IR_USER, in);
		p = ir_part_add(c->rq, m, IR_TEXT, in.i);
		p->text = json_jstr(in);
		return 0;
	}
	if (json_ok(in) && json_type(in) != JSON_ARRAY)
		return wrong(c, in, "a string or an array");
	if (!json_ok(in) && (c->rq->need & IR_NEED_STATE) == 0)
		return missing(c, c->root, "input");
	for (v = json_first(in); json_ok(v); v = json_next(v))
		if (item_decode(c, v) == -1)
			return -1;
	return 0;
}

/* --- tools ---------------------------------------------------------------- */

struct str
resp_wire_name(const struct ir_request *rq, const struct ir_tool *t)
{
	if (t->ns.n == 0)
		return t->name;
	return json_str(rq->arena, json_get(json_at(rq->json, t->node),
	    "name"));
}

struct str
resp_tool_name(const struct ir_request *rq, struct str ns, struct str name)
{
	const struct ir_tool	*t;

	if (rq == NULL || ns.n == 0)
		return name;
	for (t = rq->tools; t != NULL; t = t->next)
		if (str_eq(t->ns, ns) && str_eq(resp_wire_name(rq, t), name))
			return t->name;
	return name;
}

static int
tool_function(struct ctx *c, struct jv v, struct str ns, enum ir_tool_kind kind)
{
	struct str	 name = STR_NONE;
	struct jv	 schema = member(v, "parameters");
	struct ir_tool	*t;

	if (need_str(c, v, "name", &name) == -1)
		return -1;
	if (ir_tool_find(c->rq, name) != NULL) {
		if (ns.n == 0)
			return 0;
		name = arena_strf(c->rq->arena, "%.*s__%.*s", STR_FMT(ns),
		    STR_FMT(name));
	}
	t = ir_tool_add(c->rq, kind, v.i);
	t->name = name;
	t->ns = ns;
	t->raw = json_raw(v);
	c->rq->need |= kind == IR_CUSTOM ? IR_NEED_CUSTOM_TOOL : IR_NEED_TOOLS;
	if (json_ok(schema) && json_type(schema) != JSON_OBJECT)
		return wrong(c, schema, "an object");
	if (json_ok(schema) && kind == IR_FUNCTION) {
		t->schema = json_raw(schema);
		t->schema_is_openapi = schema_is_upper(schema);
	}
	if (get_jstr(c, v, "description", &t->description) == -1)
		return -1;
	/* Left out, this API's functions are strict where they can be. */
	return get_tri(c, v, "strict", &t->strict);
}

/* A tool by its type; of a namespace where ns is set. */
static int
tool_decode(struct ctx *c, struct jv v, struct str ns)
{
	struct str	 type = STR_NONE;
	struct ir_tool	*t;

	if (json_type(v) != JSON_OBJECT)
		return wrong(c, v, "an object");
	if (need_str(c, v, "type", &type) == -1)
		return -1;
	if (str_is(type, "function"))
		return tool_function(c, v, ns, IR_FUNCTION);
	if (str_is(type, "custom"))
		return tool_function(c, v, ns, IR_CUSTOM);
	t = ir_tool_add(c->rq, IR_SERVER, v.i);
	t->server_type = type;
	t->raw = json_raw(v);
	c->rq->need |= IR_NEED_SERVER_TOOL;
	return 0;
}

/* What is said of all of a namespace is told elsewhere as lost: root_read. */
static int
namespace_decode(struct ctx *c, struct jv v)
{
	struct jv	 tools = member(v, "tools"), t;
	struct str	 ns = STR_NONE;

	if (need_str(c, v, "name", &ns) == -1)
		return -1;
	if (json_ok(tools) && json_type(tools) != JSON_ARRAY)
		return wrong(c, tools, "an array");
	for (t = json_first(tools); json_ok(t); t = json_next(t))
		if (tool_decode(c, t, ns) == -1)
			return -1;
	return 0;
}

static int
tools_decode(struct ctx *c, struct jv tools)
{
	struct jv	 v;
	int		 r;

	if (json_ok(tools) && json_type(tools) != JSON_ARRAY)
		return wrong(c, tools, "an array");
	for (v = json_first(tools); json_ok(v); v = json_next(v)) {
		if (json_is(member(v, "type"), "namespace"))
			r = namespace_decode(c, v);
		else
			r = tool_decode(c, v, STR_NONE);
		if (r == -1)
			return -1;
	}
	return 0;
}

static int
allowed_decode(struct ctx *c, struct jv v)
{
	struct ir_tool_choice	*tc = &c->rq->choice;
	struct ir_str_list	**last = &tc->allowed, *s;
	struct jv		 tools = member(v, "tools"), t;

	tc->mode = json_is(member(v, "mode"), "required") ?
	    IR_CHOICE_REQUIRED : IR_CHOICE_AUTO;
	if (!json_ok(tools))
		return missing(c, v, "tools");
	if (json_type(tools) != JSON_ARRAY)
		return wrong(c, tools, "an array");
	for (t = json_first(tools); json_ok(t); t = json_next(t)) {
		if (json_type(t) != JSON_OBJECT)
			return wrong(c, t, "an object");
		if (!json_ok(member(t, "name"))) {
			tc->types = true;
			continue;
		}
		s = ARENA_NEW(c->rq->arena, struct ir_str_list);
		if (get_str(c, t, "name", &s->s) == -1)
			return -1;
		*last = s;
		last = &s->next;
	}
	return 0;
}

static int
choice_decode(struct ctx *c)
{
	struct ir_tool_choice	*tc = &c->rq->choice;
	struct jv		 v = member(c->root, "tool_choice");
	struct str		 type = STR_NONE;

	if (!json_ok(v))
		return 0;
	tc->node = v.i;
	if (json_is(v, "auto"))
		tc->mode = IR_CHOICE_AUTO;
	else if (json_is(v, "none"))
		tc->mode = IR_CHOICE_NONE;
	else if (json_is(v, "required"))
		tc->mode = IR_CHOICE_REQUIRED;
	else if (json_type(v) != JSON_OBJECT)
		return wrong(c, v, "auto, none, required or an object");
	if (json_type(v) == JSON_STRING)
		return 0;
	if (need_str(c, v, "type", &type) == -1)
		return -1;
	if (str_is(type, "allowed_tools"))
		return allowed_decode(c, v);
	tc->mode = IR_CHOICE_NAMED;
	if (str_is(type, "function") || str_is(type, "custom")) {
		tc->kind = str_is(type, "custom") ? IR_CUSTOM : IR_FUNCTION;
		return need_str(c, v, "name", &tc->name);
	}
	tc->kind = IR_SERVER;
	tc->name = type;
	tc->raw = json_raw(v);
	return 0;
}

/* --- the rest ------------------------------------------------------------- */

/* Members of a known object that the common form has no place for. */
static void
ext_others(struct ctx *c, struct jv o, const char *const *known)
{
	struct jv	 v;

	for (v = json_first(o); json_ok(v); v = json_next(v))
		if (!json_empty(v) && v.i != c->rq->user_node &&
		    !json_key_in(v, known))
			ir_ext_add(c->rq, v);
}

static int
format_schema(struct ctx *c, struct jv v)
{
	struct ir_format	*f = &c->rq->format;
	struct jv		 schema = member(v, "schema");

	f->kind = IR_FORMAT_SCHEMA;
	c->rq->need |= IR_NEED_SCHEMA;
	if (!json_ok(schema))
		return missing(c, v, "schema");
	if (json_type(schema) != JSON_OBJECT)
		return wrong(c, schema, "an object");
	f->schema = json_raw(schema);
	f->schema_is_openapi = schema_is_upper(schema);
	if (get_str(c, v, "name", &f->name) == -1 ||
	    get_jstr(c, v, "description", &f->description) == -1)
		return -1;
	return get_tri(c, v, "strict", &f->strict);
}

static int
text_decode(struct ctx *c)
{
	static const char *const known[] = { "format", NULL };
	struct ir_format	*f = &c->rq->format;
	struct jv		 text = member(c->root, "text"), v;
	struct str		 type = STR_NONE;

	if (!json_ok(text))
		return 0;
	if (json_type(text) != JSON_OBJECT)
		return wrong(c, text, "an object");
	ext_others(c, text, known);
	v = member(text, "format");
	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return wrong(c, v, "an object");
	f->node = v.i;
	f->raw = json_raw(v);
	if (need_str(c, v, "type", &type) == -1)
		return -1;
	if (str_is(type, "json_schema"))
		return format_schema(c, v);
	if (str_is(type, "text"))
		f->kind = IR_FORMAT_TEXT;
	else if (str_is(type, "json_object"))
		f->kind = IR_FORMAT_JSON;
	else
		f->kind = IR_FORMAT_OTHER;
	return 0;
}

static int
reasoning_decode(struct ctx *c)
{
	static const char *const known[] = { "effort", "summary",
	    "generate_summary", NULL };
	struct ir_reasoning	*r = &c->rq->reasoning;
	struct jv		 v = member(c->root, "reasoning");

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return wrong(c, v, "an object");
	r->node = v.i;
	if (get_str(c, v, "effort", &r->effort) == -1 ||
	    get_str(c, v, "generate_summary", &r->summary) == -1 ||
	    get_str(c, v, "summary", &r->summary) == -1)
		return -1;
	ext_others(c, v, known);
	if (str_is(r->effort, "none"))
		r->mode = IR_REASON_OFF;
	else if (r->effort.n > 0 || r->summary.n > 0)
		r->mode = IR_REASON_ON;
	if (r->summary.n > 0)
		r->visible = str_is(r->summary, "none") ? IR_NO : IR_YES;
	if (r->mode == IR_REASON_ON)
		c->rq->need |= IR_NEED_THINKING;
	return 0;
}

static int
sampling_decode(struct ctx *c)
{
	struct ir_sampling	*s = &c->rq->sampling;
	struct jv		 v = member(c->root, "max_output_tokens");
	struct jv		 in;

	if (get_number(c, "temperature", &s->temperature) == -1 ||
	    get_number(c, "top_p", &s->top_p) == -1 ||
	    get_number(c, "top_logprobs", &s->top_logprobs) == -1)
		return -1;
	if (json_ok(v)) {
		if (json_int(v, &s->max_tokens) == -1 || s->max_tokens < 1)
			return wrong(c, v, "a positive whole number");
		s->max_tokens_node = v.i;
	}
	v = member(c->root, "include");
	if (json_ok(v) && json_type(v) != JSON_ARRAY)
		return wrong(c, v, "an array");
	for (in = json_first(v); json_ok(in); in = json_next(in))
		if (json_is(in, "message.output_text.logprobs"))
			s->logprobs = IR_YES;
	if (s->logprobs == IR_YES)
		c->rq->need |= IR_NEED_LOGPROBS;
	return 0;
}

static int
user_decode(struct ctx *c)
{
	struct ir_request	*rq = c->rq;
	const char		*name = "user";

	if (!json_ok(member(c->root, name)))
		name = "safety_identifier";
	if (get_jstr(c, c->root, name, &rq->user) == -1)
		return -1;
	if (rq->user.n > 0)
		rq->user_node = member(c->root, name).i;
	return 0;
}

static int
scalars_decode(struct ctx *c)
{
	struct ir_request	*rq = c->rq;
	struct jv		 v;
	bool			 given;

	if (get_str(c, c->root, "model", &rq->model) == -1 ||
	    get_bool(c, c->root, "stream", &rq->stream, &given) == -1 ||
	    get_tri(c, c->root, "store", &rq->store) == -1 ||
	    get_tri(c, c->root, "parallel_tool_calls", &rq->parallel) == -1 ||
	    get_str(c, c->root, "service_tier", &rq->service_tier) == -1)
		return -1;
	if (rq->model.n == 0 && !json_ok(member(c->root, "prompt")))
		return missing(c, c->root, "model");
	if (rq->service_tier.n > 0)
		rq->service_tier_node = member(c->root, "service_tier").i;
	v = member(c->root, "metadata");
	if (json_ok(v)) {
		if (json_type(v) != JSON_OBJECT)
			return wrong(c, v, "an object");
		rq->metadata = json_raw(v);
		rq->metadata_node = v.i;
	}
	return 0;
}

/* What asks for something that an earlier exchange left with the provider. */
static int
state_decode(struct ctx *c)
{
	static const char *const names[] = { "previous_response_id",
	    "conversation", "prompt", NULL };
	struct str	 s = STR_NONE;
	bool		 b = false, given;
	size_t		 i;

	if (get_str(c, c->root, "previous_response_id", &s) == -1 ||
	    get_bool(c, c->root, "background", &b, &given) == -1)
		return -1;
	for (i = 0; names[i] != NULL; i++)
		if (json_ok(member(c->root, names[i])))
			c->rq->need |= IR_NEED_STATE;
	if (b)
		c->rq->need |= IR_NEED_STATE;
	return 0;
}

int
resp_request_decode(struct ir_request *rq, struct ir_error *err)
{
	static const char *const known[] = { "model", "input", "instructions",
	    "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens",
	    "temperature", "top_p", "top_logprobs", "text", "reasoning",
	    "metadata", "user", "store", "service_tier", "stream", NULL };
	static int	(*const steps[])(struct ctx *) = { scalars_decode,
	    sampling_decode, user_decode, text_decode, reasoning_decode,
	    state_decode };
	struct ctx	 c = { .rq = rq, .err = err,
	    .root = json_root(rq->json) };
	size_t		 i;

	if (json_type(c.root) != JSON_OBJECT)
		return wrong(&c, c.root, "an object");
	rq->native = true;
	rq->stream_usage = true;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i](&c) == -1)
			return -1;
	/* Tools first: calls in the input look their names up. */
	if (tools_decode(&c, member(c.root, "tools")) == -1 ||
	    input_decode(&c) == -1 || choice_decode(&c) == -1)
		return -1;
	ext_others(&c, c.root, known);
	return 0;
}
