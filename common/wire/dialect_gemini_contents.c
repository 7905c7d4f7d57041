/* The conversation of Gemini requests into the common form. */
#include <string.h>

#include "base/codec.h"
#include "wire/dialect_gemini_rq.h"

#define CALL_SCAN_MAX	64

/*
 * A call that has no result yet.  Gemini's calls may come without ids; then
 * results belong to them in the order of equal names.
 */
struct gem_call {
	struct str	 name, id;
	bool		 made;		/* the id is ours */
	struct gem_call	*next;
};

/* --- calls and their results -------------------------------------------- */

static struct gem_calls *
bucket(struct gem_reader *d, struct str name)
{
	struct gem_calls	*c = &d->open[hash64(name, 0) % GEM_BUCKETS];

	if (c->last == NULL)
		c->last = &c->first;
	return c;
}

static void
call_open(struct gem_reader *d, struct ir_part *p, bool made)
{
	struct gem_calls	*c = bucket(d, p->name);
	struct gem_call	*n = ARENA_NEW(d->a, struct gem_call);

	n->name = p->name;
	n->id = p->id;
	n->made = made;
	*c->last = n;
	c->last = &n->next;
}

/*
 * Takes the call that a result answers: by its id, else the first of its name.
 * Looks at a bounded number: what is further off is no client's real history.
 */
static struct gem_call *
call_take(struct gem_reader *d, struct str name, struct str id)
{
	struct gem_calls	*c = bucket(d, name);
	struct gem_call	**p = &c->first, *found;
	unsigned	 i;

	for (i = 0; *p != NULL && i < CALL_SCAN_MAX; i++, p = &(*p)->next) {
		found = *p;
		if (found->made || id.n == 0 ? !str_eq(found->name, name) :
		    !str_eq(found->id, id))
			continue;
		*p = found->next;
		if (c->last == &found->next)
			c->last = p;
		return found;
	}
	return NULL;
}

/* --- parts -------------------------------------------------------------- */

static const char *const part_members[] = {
	"text", "thought", "thoughtSignature", "inlineData", "fileData",
	"functionCall", "functionResponse",
	"type",			/* of messages form */
	NULL
};

static void
need_media(struct ir_request *rq, enum ir_part_type t)
{
	rq->need |= t == IR_IMAGE ? IR_NEED_IMAGE :
	    t == IR_AUDIO ? IR_NEED_AUDIO :
	    t == IR_VIDEO ? IR_NEED_VIDEO : IR_NEED_DOCUMENT;
}

/* Only documents have names elsewhere. */
static void
lose_name(struct gem_reader *d, struct jv v, const struct ir_part *p)
{
	static const char *const	 names[] = { "mimeType", "data",
					    "fileUri", NULL };

	if (p->type != IR_DOCUMENT && p->media.filename.n > 0)
		gem_others(d, v, names);
}

static int
inline_data(struct gem_reader *d, struct jv v, struct ir_part *p)
{
	struct jv	 data = gem_get(v, "data");

	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	if (gem_string(d, gem_get(v, "mimeType"), &p->media.type) == -1)
		return -1;
	if (json_type(data) != JSON_STRING)
		return json_ok(data) ? gem_wrong_type(d, data, "a string") :
		    gem_missing(d, v, "data", "base64 in a string");
	p->media.data = gem_base64(d->a, json_str(d->a, data));
	if (gem_text(d, gem_get(v, "displayName"), &p->media.filename) == -1)
		return -1;
	p->type = gem_media_part(p->media.type);
	lose_name(d, v, p);
	need_media(d->rq, p->type);
	return 0;
}

/* Files that nobody but Google can read. */
static bool
is_googles(struct str uri)
{
	return str_starts(uri, "gs://") || str_starts(uri,
	    "https://generativelanguage.googleapis.com/");
}

static bool
is_youtube(struct str uri)
{
	return str_starts(uri, "https://www.youtube.com/") ||
	    str_starts(uri, "https://youtube.com/") ||
	    str_starts(uri, "https://youtu.be/");
}

static int
file_data(struct gem_reader *d, struct jv v, struct ir_part *p)
{
	struct jv	 uri = gem_get(v, "fileUri");

	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	if (json_type(uri) != JSON_STRING)
		return json_ok(uri) ? gem_wrong_type(d, uri, "a string") :
		    gem_missing(d, v, "fileUri", "a string");
	if (gem_string(d, gem_get(v, "mimeType"), &p->media.type) == -1 ||
	    gem_text(d, gem_get(v, "displayName"), &p->media.filename) == -1)
		return -1;
	if (is_googles(json_str(d->a, uri)))
		p->media.file_id = json_jstr(uri);
	else
		p->media.url = json_jstr(uri);
	p->type = gem_media_part(p->media.type);
	if (p->media.type.n == 0 && is_youtube(json_str(d->a, uri)))
		p->type = IR_VIDEO;
	lose_name(d, v, p);
	need_media(d->rq, p->type);
	return 0;
}

static int
function_call(struct gem_reader *d, struct jv v, struct ir_part *p)
{
	static const char *const names[] = { "name", "id", "args", NULL };
	struct jv	 args = gem_get(v, "args");
	bool		 made;

	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	p->type = IR_TOOL_CALL;
	p->tool = IR_FUNCTION;
	if (gem_string(d, gem_get(v, "name"), &p->name) == -1 ||
	    gem_string(d, gem_get(v, "id"), &p->id) == -1)
		return -1;
	if (p->name.n == 0)
		return gem_missing(d, v, "name", "a function's name");
	if (json_ok(args) && json_type(args) != JSON_OBJECT)
		return gem_wrong_type(d, args, "an object");
	gem_others(d, v, names);
	p->args.json = json_ok(args) ? json_raw(args) : STR("{}");
	made = p->id.n == 0;
	if (made)
		p->id = gem_call_id(d->a, STR("request"), d->position, p->name);
	d->position++;
	call_open(d, p, made);
	d->rq->need |= IR_NEED_TOOLS;
	return 0;
}

/*
 * "output" and "error" are the keys that Google names; with any others the
 * whole object is the output.
 */
static void
response_text(struct gem_reader *d, struct jv r, struct ir_part *result)
{
	struct jv	 v = json_first(r);
	struct ir_part	*p;

	if (!json_ok(v))
		return;
	p = ir_part_new(d->a, IR_TEXT, r.i);
	p->text = JSTR_NONE;
	if (json_count(r) == 1 && json_key_is(v, "error")) {
		result->is_error = true;
		p->text = json_type(v) == JSON_STRING ? json_jstr(v) :
		    jstr_encode(d->a, json_raw(v));
	} else if (json_count(r) == 1 && json_key_is(v, "output") &&
	    json_type(v) == JSON_STRING)
		p->text = json_jstr(v);
	else
		p->text = jstr_encode(d->a, json_raw(r));
	result->parts = p;
}

/* Media that a function returned. */
static int
response_parts(struct gem_reader *d, struct jv parts, struct ir_part *result)
{
	struct jv	 e, v;
	struct ir_part	*p, **last = &result->parts;

	while (*last != NULL)
		last = &(*last)->next;
	for (e = gem_each_first(parts); json_ok(e);
	    e = gem_each_next(parts, e)) {
		if (json_type(e) != JSON_OBJECT)
			return gem_wrong_type(d, e, "an object");
		p = ir_part_new(d->a, IR_OPAQUE, e.i);
		if (json_ok(v = gem_get(e, "inlineData"))) {
			if (inline_data(d, v, p) == -1)
				return -1;
		} else if (json_ok(v = gem_get(e, "fileData"))) {
			if (file_data(d, v, p) == -1)
				return -1;
		} else {
			p->raw = json_raw(e);
			p->from = &dialect_gemini;
		}
		*last = p;
		last = &p->next;
	}
	return 0;
}

static int
function_response(struct gem_reader *d, struct jv v, struct ir_part *p)
{
	static const char *const names[] = { "name", "id", "response", "parts",
				    NULL };
	struct jv	 r = gem_get(v, "response");
	struct gem_call	*call;

	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	p->type = IR_TOOL_RESULT;
	p->tool = IR_FUNCTION;
	if (gem_string(d, gem_get(v, "name"), &p->name) == -1 ||
	    gem_string(d, gem_get(v, "id"), &p->id) == -1)
		return -1;
	if (p->name.n == 0 && p->id.n == 0)
		return gem_missing(d, v, "name", "a function's name");
	if (json_ok(r) && json_type(r) != JSON_OBJECT)
		return gem_wrong_type(d, r, "an object");
	call = call_take(d, p->name, p->id);
	if (call != NULL)
		p->id = call->id;
	else if (p->id.n == 0)
		p->id = gem_call_id(d->a, STR("orphan"), d->position++,
		    p->name);
	gem_others(d, v, names);
	response_text(d, r, p);
	d->rq->need |= IR_NEED_TOOLS;
	return response_parts(d, gem_get(v, "parts"), p);
}

/* videoMetadata and what else there is beside the data. */
static struct str
part_extra(struct gem_reader *d, struct jv v)
{
	struct jv	 m;
	struct jw	 w;
	struct buf	 b;
	struct str	 s = STR_NONE;

	buf_init(&b, json_raw(v).n + 2);
	jw_init(&w, &b);
	for (m = json_first(v); json_ok(m); m = json_next(m)) {
		if (gem_known(m, part_members) || json_empty(m))
			continue;
		if (b.len == 0)
			jw_object(&w);
		jw_key_jstr(&w, json_jstr(json_key(m)));
		jw_raw(&w, json_raw(m));
	}
	if (b.len > 0) {
		jw_object_end(&w);
		s = arena_str(d->a, buf_str(&b));
	}
	buf_release(&b);
	return s;
}

/* Strings stand for text parts, in messages form. */
static int
part_decode(struct gem_reader *d, struct jv v, struct ir_part *p)
{
	struct jv	 m;
	enum ir_tri	 thought = IR_UNSET;
	int		 rc = 0;

	if (json_type(v) == JSON_STRING) {
		p->type = IR_TEXT;
		p->text = json_jstr(v);
		return 0;
	}
	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	if (gem_boolean(d, gem_get(v, "thought"), &thought) == -1 ||
	    gem_text(d, gem_get(v, "thoughtSignature"), &p->signature) == -1)
		return -1;
	if (p->signature.n > 0)
		p->from = &dialect_gemini;
	p->extra = part_extra(d, v);
	if (json_ok(m = gem_get(v, "functionCall")))
		rc = function_call(d, m, p);
	else if (json_ok(m = gem_get(v, "functionResponse")))
		rc = function_response(d, m, p);
	else if (json_ok(m = gem_get(v, "inlineData")))
		rc = inline_data(d, m, p);
	else if (json_ok(m = gem_get(v, "fileData")))
		rc = file_data(d, m, p);
	else if (json_ok(m = gem_get(v, "text"))) {
		p->type = thought == IR_YES ? IR_THINKING : IR_TEXT;
		rc = gem_text(d, m, &p->text);
	} else if (p->signature.n > 0 && p->extra.n == 0)
		p->type = thought == IR_YES ? IR_THINKING : IR_TEXT;
	else {
		p->type = IR_OPAQUE;
		p->raw = json_raw(v);
		p->extra = STR_NONE;
	}
	if (p->type == IR_OPAQUE || p->type == IR_THINKING || p->extra.n > 0)
		p->from = &dialect_gemini;
	if (p->type == IR_OPAQUE)
		server_run_mark(d->a, p);
	if (p->type == IR_THINKING)
		d->rq->need |= IR_NEED_THINKING;
	return rc;
}

static bool
is_media(const struct ir_part *p)
{
	return p->type >= IR_IMAGE && p->type <= IR_DOCUMENT;
}

static bool
is_empty_text(const struct ir_part *p)
{
	return (p->type == IR_TEXT || p->type == IR_THINKING) &&
	    p->text.n == 0 && p->signature.n == 0;
}

/* --- contents ----------------------------------------------------------- */

/* A content that is being sorted into messages. */
struct content {
	struct jv		 v;
	enum ir_role		 role;
	struct ir_message	*results;	/* IR_TOOL */
	struct ir_message	*other;
	struct ir_part		**siblings;	/* end of the parts of a result
						   that was the last part */
};

static void
content_add(struct gem_reader *d, struct content *c, struct ir_part *p)
{
	struct ir_message	**m;

	if (p->type == IR_TOOL_RESULT) {
		m = &c->results;
		for (c->siblings = &p->parts; *c->siblings != NULL;)
			c->siblings = &(*c->siblings)->next;
	} else if (c->siblings != NULL && is_media(p)) {
		/* What a function returned follows its response. */
		*c->siblings = p;
		c->siblings = &p->next;
		return;
	} else {
		m = &c->other;
		c->siblings = NULL;
	}
	if (*m == NULL)
		*m = ARENA_NEW(d->a, struct ir_message);
	if ((*m)->last == NULL) {
		(*m)->role = p->type == IR_TOOL_RESULT ? IR_TOOL : c->role;
		(*m)->node = c->v.i;
		(*m)->raw = json_type(c->v) == JSON_OBJECT ? json_raw(c->v) :
		    STR_NONE;
		(*m)->last = &(*m)->parts;
	}
	*(*m)->last = p;
	(*m)->last = &p->next;
}

static void
content_end(struct gem_reader *d, struct content *c)
{
	struct ir_message	*ms[2] = { c->results, c->other };
	size_t			 i;

	for (i = 0; i < 2; i++) {
		if (ms[i] == NULL)
			continue;
		*d->rq->last = ms[i];
		d->rq->last = &ms[i]->next;
	}
}

static int
parts_decode(struct gem_reader *d, struct content *c, struct jv parts)
{
	struct jv	 e;
	struct ir_part	*p;

	for (e = gem_each_first(parts); json_ok(e);
	    e = gem_each_next(parts, e)) {
		if (json_type(e) == JSON_NULL)
			continue;
		p = ir_part_new(d->a, IR_TEXT, e.i);
		if (part_decode(d, e, p) == -1)
			return -1;
		if (is_empty_text(p) || (p->type == IR_OPAQUE &&
		    json_count(e) == 0))
			continue;
		if (p->type == IR_TOOL_CALL && c->role == IR_USER)
			c->role = IR_ASSISTANT;
		content_add(d, c, p);
	}
	content_end(d, c);
	return 0;
}

static int
role_decode(struct gem_reader *d, struct jv v, enum ir_role *role)
{
	static const struct {
		const char	*name;
		enum ir_role	 role;
	} roles[] = {
		{ "user", IR_USER }, { "model", IR_ASSISTANT },
		{ "function", IR_USER }, { "tool", IR_USER },
		{ "assistant", IR_ASSISTANT }, { "system", IR_SYSTEM },
		{ "developer", IR_DEVELOPER }, { "", IR_USER }
	};
	struct str	 s = STR_NONE;
	size_t		 i;

	*role = IR_USER;
	if (json_empty(v))
		return 0;
	if (gem_string(d, v, &s) == -1)
		return -1;
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (str_is_nocase(s, roles[i].name)) {
			*role = roles[i].role;
			return 0;
		}
	ir_error_field(d->err, d->a, d->rq->json, v.i,
	    "expected \"user\" or \"model\"");
	return -1;
}

static int
content_decode(struct gem_reader *d, struct jv v)
{
	static const char *const names[] = { "role", "parts", NULL };
	struct content	 c = { .v = v };
	struct jv	 parts;

	if (json_type(v) == JSON_STRING) {
		c.role = IR_USER;
		return parts_decode(d, &c, v);
	}
	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	if (role_decode(d, gem_get(v, "role"), &c.role) == -1)
		return -1;
	gem_others(d, v, names);
	parts = gem_get(v, "parts");
	if (json_ok(parts) && json_type(parts) != JSON_ARRAY &&
	    json_type(parts) != JSON_OBJECT)
		return gem_wrong_type(d, parts, "an array");
	return parts_decode(d, &c, parts);
}

/* --- answers that were streamed ----------------------------------------- */

/*
 * Clients give them back as they came, with a part, or even a content, for each
 * chunk.  What is signed stays apart, as Google asks.
 */
static bool
is_piece(const struct ir_part *p, enum ir_part_type type)
{
	return p != NULL && p->type == type && p->signature.n == 0 &&
	    p->extra.n == 0;
}

/* One text of p and what follows, up to end. */
static void
pieces_join(struct gem_reader *d, struct ir_part *p, struct ir_part *end)
{
	struct ir_part	*e;
	size_t		 n = 0;
	char		*text;

	for (e = p; e != end; e = e->next)
		n += e->text.n;
	text = arena_alloc(d->a, n);
	n = 0;
	for (e = p; e != end; e = e->next) {
		if (e->text.n > 0)
			memcpy(text + n, e->text.p, e->text.n);
		n += e->text.n;
	}
	p->text = (struct jstr){ text, n };
	p->next = end;
}

static void
parts_join(struct gem_reader *d, struct ir_message *m)
{
	struct ir_part	*p, *end;

	for (p = m->parts; p != NULL; p = p->next) {
		m->last = &p->next;
		if (p->type != IR_TEXT && p->type != IR_THINKING)
			continue;
		for (end = p; is_piece(end, p->type);)
			end = end->next;
		if (end != p && end != p->next)
			pieces_join(d, p, end);
	}
}

/* Contents of the model in a row are one turn of it. */
static void
turns_join(struct gem_reader *d)
{
	struct ir_message	*m, *next;

	for (m = d->rq->messages; m != NULL; m = m->next) {
		if (m->role != IR_ASSISTANT)
			continue;
		while ((next = m->next) != NULL && next->role == m->role) {
			*m->last = next->parts;
			m->last = next->last;
			m->raw = STR_NONE;
			m->next = next->next;
		}
		if (m->next == NULL)
			d->rq->last = &m->next;
		parts_join(d, m);
	}
}

int
gem_contents_decode(struct gem_reader *d, struct jv contents)
{
	struct jv	 e;

	if (json_type(contents) == JSON_STRING && !d->rq->lenient)
		return gem_wrong_type(d, contents, "an array");
	for (e = gem_each_first(contents); json_ok(e);
	    e = gem_each_next(contents, e))
		if (content_decode(d, e) == -1)
			return -1;
	turns_join(d);
	return 0;
}

/* {"role": .., "content": "text" or [{"type": "text", "text": ..}]} */
int
gem_messages_decode(struct gem_reader *d, struct jv messages)
{
	struct content	 c;
	struct jv	 e, v;

	if (json_type(messages) != JSON_ARRAY)
		return gem_wrong_type(d, messages, "an array");
	for (e = json_first(messages); json_ok(e); e = json_next(e)) {
		if (json_type(e) != JSON_OBJECT)
			return gem_wrong_type(d, e, "an object");
		memset(&c, 0, sizeof(c));
		c.v = e;
		if (role_decode(d, gem_get(e, "role"), &c.role) == -1)
			return -1;
		v = gem_get(e, "content");
		if (!json_ok(v))
			v = gem_get(e, "parts");
		if (json_ok(v) && json_type(v) != JSON_STRING &&
		    json_type(v) != JSON_ARRAY)
			return gem_wrong_type(d, v, "a string or an array");
		if (parts_decode(d, &c, v) == -1)
			return -1;
	}
	return 0;
}

/* A string, a content, a part, or an array of parts. */
int
gem_system_decode(struct gem_reader *d, struct jv v)
{
	static const char *const names[] = { "role", "parts", NULL };
	struct content	 c = { .v = v, .role = IR_SYSTEM };
	struct jv	 parts = v;

	if (!json_ok(v))
		return 0;
	if (json_type(v) == JSON_OBJECT && !json_ok(gem_get(v, "text"))) {
		parts = gem_get(v, "parts");
		gem_others(d, v, names);
	} else if (json_type(v) != JSON_STRING && json_type(v) != JSON_ARRAY &&
	    json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	return parts_decode(d, &c, parts);
}
