/*
 * Members of objects in Anthropic's requests: found, with their types checked,
 * and those that nobody reads.
 */
#include "wire/dialect_anthropic_rd.h"

#include <string.h>

/* --- one walk --------------------------------------------------------------- */

static const struct str names[AN_OTHER] = {
#define NAME(i, z)	[i] = { z, sizeof(z) - 1 }
	NAME(AN_CACHE_CONTROL, "cache_control"), NAME(AN_CLEAR_AT, "clear_at"),
	NAME(AN_CONTENT, "content"), NAME(AN_CONTEXT, "context"),
	NAME(AN_DATA, "data"), NAME(AN_DESCRIPTION, "description"),
	NAME(AN_ID, "id"), NAME(AN_INPUT, "input"),
	NAME(AN_INPUT_SCHEMA, "input_schema"), NAME(AN_IS_ERROR, "is_error"),
	NAME(AN_NAME, "name"), NAME(AN_OUTPUT_CONFIG, "output_config"),
	NAME(AN_ROLE, "role"), NAME(AN_SIGNATURE, "signature"),
	NAME(AN_SOURCE, "source"), NAME(AN_STRICT, "strict"),
	NAME(AN_TEXT, "text"), NAME(AN_THINKING, "thinking"),
	NAME(AN_TITLE, "title"), NAME(AN_TOOL, "tool"),
	NAME(AN_TOOL_NAME, "tool_name"), NAME(AN_TOOL_USE_ID, "tool_use_id"),
	NAME(AN_TYPE, "type")
#undef NAME
};

/* Comparisons of so many bytes that the compiler knows are no calls. */
#define IS(z)	(memcmp(p, z, sizeof(z) - 1) == 0)

static enum an_name
plain_name(const char *p, size_t n)
{
	switch (n) {
	case 2:
		return IS("id") ? AN_ID : AN_OTHER;
	case 4:
		return IS("type") ? AN_TYPE : IS("text") ? AN_TEXT :
		    IS("role") ? AN_ROLE : IS("name") ? AN_NAME :
		    IS("data") ? AN_DATA : IS("tool") ? AN_TOOL : AN_OTHER;
	case 5:
		return IS("input") ? AN_INPUT : IS("title") ? AN_TITLE :
		    AN_OTHER;
	case 6:
		return IS("source") ? AN_SOURCE : IS("strict") ? AN_STRICT :
		    AN_OTHER;
	case 7:
		return IS("content") ? AN_CONTENT :
		    IS("context") ? AN_CONTEXT : AN_OTHER;
	case 8:
		return IS("thinking") ? AN_THINKING :
		    IS("is_error") ? AN_IS_ERROR :
		    IS("clear_at") ? AN_CLEAR_AT : AN_OTHER;
	case 9:
		return IS("signature") ? AN_SIGNATURE :
		    IS("tool_name") ? AN_TOOL_NAME : AN_OTHER;
	case 11:
		return IS("tool_use_id") ? AN_TOOL_USE_ID :
		    IS("description") ? AN_DESCRIPTION : AN_OTHER;
	case 12:
		return IS("input_schema") ? AN_INPUT_SCHEMA : AN_OTHER;
	case 13:
		return IS("cache_control") ? AN_CACHE_CONTROL :
		    IS("output_config") ? AN_OUTPUT_CONFIG : AN_OTHER;
	default:
		return AN_OTHER;
	}
}

#undef IS

/* The name at node i. */
static enum an_name
name_of(const struct json *j, uint32_t i)
{
	const struct json_node	*k = &j->nodes[i];
	enum an_name		 name;

	if (!k->escaped)
		return plain_name(j->text.p + k->off, k->len);
	for (name = 0; name < AN_OTHER; name++)
		if (json_is_str(json_at(j, i), names[name]))
			break;
	return name;
}

void
an_object_read(struct an_object *o, struct jv v)
{
	const struct json_node	*nodes = v.j->nodes;
	uint32_t		 i, end = nodes[v.i].next;
	enum an_name		 name;

	memset(o->node, 0, sizeof(o->node));
	o->v = v;
	o->seen = 0;
	for (i = v.i + 1; i < end; i = nodes[i + 1].next) {
		name = name_of(v.j, i);
		o->seen |= AN_BIT(name);
		if (name < AN_OTHER)
			o->node[name] = i + 1;
	}
}

/* --- typed access --------------------------------------------------------- */

static int
bad_type(struct an_reader *r, struct jv v, const char *expected)
{
	ir_error_type(r->err, r->a, v, expected);
	return -1;
}

/* A member that is missing or null becomes JV_NONE. */
static inline int
typed(struct an_reader *r, struct jv member, enum json_type type,
    struct jv *v)
{
	*v = member;
	if (json_type(member) == type)
		return 0;
	if (!json_empty(member))
		return bad_type(r, member, json_type_name(type));
	*v = JV_NONE;
	return 0;
}

int
an_get(struct an_reader *r, struct jv object, const char *name,
    enum json_type type, struct jv *v)
{
	return typed(r, json_get(object, name), type, v);
}

int
an_at(struct an_reader *r, const struct an_object *o, enum an_name name,
    enum json_type type, struct jv *v)
{
	return typed(r, an_member(o, name), type, v);
}

int
an_required(struct an_reader *r, struct jv object, const char *name,
    const char *what)
{
	struct str	 path = json_path(r->a, r->rq->json, object.i);

	path = arena_strf(r->a, "%.*s%s%s", STR_FMT(path),
	    path.n > 0 ? "." : "", name);
	ir_error_set(r->err, IR_ERR_BAD_REQUEST, "'%.*s': required, %s",
	    STR_FMT(path), what);
	ir_error_copy(r->err->param, sizeof(r->err->param), path);
	return -1;
}

int
an_need_str(struct an_reader *r, struct jv object, const char *name,
    struct jv *v)
{
	if (an_get(r, object, name, JSON_STRING, v) == -1)
		return -1;
	return json_ok(*v) ? 0 : an_required(r, object, name, "a string");
}

int
an_need_at(struct an_reader *r, const struct an_object *o, enum an_name name,
    struct jv *v)
{
	if (an_at(r, o, name, JSON_STRING, v) == -1)
		return -1;
	return json_ok(*v) ? 0 :
	    an_required(r, o->v, names[name].p, "a string");
}

int
an_get_str(struct an_reader *r, struct jv object, const char *name,
    struct str *s)
{
	struct jv	 v;

	if (an_get(r, object, name, JSON_STRING, &v) == -1)
		return -1;
	*s = json_ok(v) ? json_str(r->a, v) : STR_NONE;
	return 0;
}

int
an_str_at(struct an_reader *r, const struct an_object *o, enum an_name name,
    struct str *s)
{
	struct jv	 v;

	if (an_at(r, o, name, JSON_STRING, &v) == -1)
		return -1;
	*s = json_ok(v) ? json_str(r->a, v) : STR_NONE;
	return 0;
}

int
an_jstr_at(struct an_reader *r, const struct an_object *o, enum an_name name,
    struct jstr *s)
{
	struct jv	 v;

	if (an_at(r, o, name, JSON_STRING, &v) == -1)
		return -1;
	*s = json_ok(v) ? json_jstr(v) : JSTR_NONE;
	return 0;
}

static int
read_bool(struct an_reader *r, struct jv v, enum ir_tri *t)
{
	if (json_empty(v))
		return 0;
	if (json_type(v) != JSON_TRUE && json_type(v) != JSON_FALSE)
		return bad_type(r, v, "true or false");
	*t = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	return 0;
}

int
an_get_bool(struct an_reader *r, struct jv object, const char *name,
    enum ir_tri *t)
{
	return read_bool(r, json_get(object, name), t);
}

int
an_bool_at(struct an_reader *r, const struct an_object *o, enum an_name name,
    enum ir_tri *t)
{
	return read_bool(r, an_member(o, name), t);
}

/* {"type":"ephemeral","ttl":"1h"}; other kinds are the provider's matter. */
int
an_cache_at(struct an_reader *r, const struct an_object *o,
    enum ir_cache *cache)
{
	struct jv	 v;
	struct str	 ttl;

	if (an_at(r, o, AN_CACHE_CONTROL, JSON_OBJECT, &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	if (an_get_str(r, v, "ttl", &ttl) == -1)
		return -1;
	*cache = str_is(ttl, "1h") ? IR_CACHE_1H : IR_CACHE_5M;
	r->rq->need |= IR_NEED_CACHE;
	r->rq->cache_1h = r->rq->cache_1h || *cache == IR_CACHE_1H;
	return 0;
}

/* What is the default: null, false, {"enabled":false}, calls by the model. */
static bool
says_nothing(struct jv m)
{
	struct jv	 v = json_first(m);

	switch (json_type(m)) {
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_count(m) == 0 || (json_count(m) == 1 &&
		    (json_is(v, "direct") || (json_key_is(m, "citations") &&
		    json_type(v) == JSON_FALSE)));
	case JSON_FALSE:
		return true;
	default:
		return json_empty(m);
	}
}

struct wanted {
	const char *const	*names;		/* all but these, or */
	uint32_t		 bits;		/* AN_BITs: all but these */
};

static bool
is_further(struct jv m, const struct wanted *w)
{
	bool	 known;

	if (w->names != NULL)
		known = json_key_in(m, w->names);
	else
		known = (w->bits & AN_BIT(name_of(m.j, m.i - 1))) != 0;
	return !known && !says_nothing(m);
}

static struct str
further(struct an_reader *r, struct jv object, const struct wanted *want)
{
	struct buf	 b;
	struct jw	 w;
	struct jv	 m;
	struct str	 s = STR_NONE;

	buf_init(&b, json_raw(object).n + 2);
	jw_init(&w, &b);
	for (m = json_first(object); json_ok(m); m = json_next(m)) {
		if (!is_further(m, want))
			continue;
		if (b.len == 0)
			jw_object(&w);
		jw_key_jstr(&w, json_jstr(json_key(m)));
		jw_raw(&w, json_raw(m));
	}
	if (b.len > 0) {
		jw_object_end(&w);
		s = arena_str(r->a, buf_str(&b));
	}
	buf_release(&b);
	return s;
}

static void
further_ext(struct an_reader *r, struct jv object, const struct wanted *w)
{
	struct jv	 m;

	for (m = json_first(object); json_ok(m); m = json_next(m))
		if (is_further(m, w))
			(void)ir_ext_add(r->rq, m);
}

struct str
an_further(struct an_reader *r, struct jv object, const char *const *known)
{
	return further(r, object, &(struct wanted){ .names = known });
}

void
an_further_ext(struct an_reader *r, struct jv object, const char *const *known)
{
	further_ext(r, object, &(struct wanted){ .names = known });
}

struct str
an_further_of(struct an_reader *r, const struct an_object *o, uint32_t known)
{
	if ((o->seen & ~known) == 0)
		return STR_NONE;
	return further(r, o->v, &(struct wanted){ .bits = known });
}

void
an_further_ext_of(struct an_reader *r, const struct an_object *o,
    uint32_t known)
{
	if ((o->seen & ~known) != 0)
		further_ext(r, o->v, &(struct wanted){ .bits = known });
}
