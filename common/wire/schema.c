/*
 * Schemas between JSON Schema and Gemini's OpenAPI subset.  This file does the
 * way into JSON Schema; schema_lower.c does the way out of it.
 */
#include "wire/schema.h"

#include <stdbool.h>
#include <string.h>

#include "base/codec.h"
#include "wire/schema_kw.h"

/* What stands behind a keyword. */
enum kw_value {
	KW_DATA,		/* copied as it is */
	KW_SCHEMA,		/* a schema, or a boolean */
	KW_LIST,		/* an array of schemas */
	KW_MAP,			/* names of one's own, with schemas */
	KW_COUNT,		/* a whole number, which Gemini writes as a
				   string too */
	KW_TYPE, KW_NULLABLE, KW_FORMAT, KW_EXAMPLE, KW_DROP
};

#define ORDER_MAX	128		/* properties of one schema */
#define K(lit)	{ lit, sizeof(lit) - 1 }
static const struct kw {
	struct str	 name;
	struct str	 snake;
	enum kw_value	 value;
} kws[] = {
	{ K("type"), { NULL, 0 }, KW_TYPE },
	{ K("nullable"), { NULL, 0 }, KW_NULLABLE },
	{ K("format"), { NULL, 0 }, KW_FORMAT },
	{ K("example"), { NULL, 0 }, KW_EXAMPLE },
	{ K("propertyOrdering"), K("property_ordering"), KW_DROP },
	{ K("properties"), { NULL, 0 }, KW_MAP },
	{ K("patternProperties"), { NULL, 0 }, KW_MAP },
	{ K("dependentSchemas"), { NULL, 0 }, KW_MAP },
	{ K("$defs"), { NULL, 0 }, KW_MAP },
	{ K("definitions"), { NULL, 0 }, KW_MAP },
	{ K("items"), { NULL, 0 }, KW_SCHEMA },
	{ K("additionalProperties"), K("additional_properties"), KW_SCHEMA },
	{ K("unevaluatedProperties"), { NULL, 0 }, KW_SCHEMA },
	{ K("unevaluatedItems"), { NULL, 0 }, KW_SCHEMA },
	{ K("propertyNames"), { NULL, 0 }, KW_SCHEMA },
	{ K("contains"), { NULL, 0 }, KW_SCHEMA },
	{ K("not"), { NULL, 0 }, KW_SCHEMA },
	{ K("if"), { NULL, 0 }, KW_SCHEMA },
	{ K("then"), { NULL, 0 }, KW_SCHEMA },
	{ K("else"), { NULL, 0 }, KW_SCHEMA },
	{ K("anyOf"), K("any_of"), KW_LIST },
	{ K("oneOf"), K("one_of"), KW_LIST },
	{ K("allOf"), K("all_of"), KW_LIST },
	{ K("prefixItems"), K("prefix_items"), KW_LIST },
	{ K("minItems"), K("min_items"), KW_COUNT },
	{ K("maxItems"), K("max_items"), KW_COUNT },
	{ K("minLength"), K("min_length"), KW_COUNT },
	{ K("maxLength"), K("max_length"), KW_COUNT },
	{ K("minProperties"), K("min_properties"), KW_COUNT },
	{ K("maxProperties"), K("max_properties"), KW_COUNT },
};
#undef K

static const struct kw kw_other = { { NULL, 0 }, { NULL, 0 }, KW_DATA };

struct from_openapi {
	struct arena	*arena;
	struct jw	*out;
};

static const char *const type_names[SCHEMA_TYPES] = {
	"string", "number", "integer", "boolean", "array", "object", "null"
};

const char *
schema_type_name(int type)
{
	return type_names[type];
}

/* By name in any case, or by the number that it has in Gemini's enum. */
int
schema_type(struct arena *a, struct jv v)
{
	struct str	 s;
	int64_t		 n;
	int		 i;

	if (json_type(v) == JSON_NUMBER && json_int(v, &n) == 0 &&
	    n >= 1 && n <= SCHEMA_TYPES)
		return (int)n - 1;
	if (json_type(v) != JSON_STRING)
		return -1;
	s = json_str(a, v);
	for (i = 0; i < SCHEMA_TYPES; i++)
		if (str_is_nocase(s, type_names[i]))
			return i;
	return -1;
}

static const struct kw *
kw_find(struct jv member)
{
	struct jstr	 k = json_jstr(json_key(member));
	struct str	 key = { k.p, k.n };
	size_t		 i;

	for (i = 0; key.n > 0 && i < sizeof(kws) / sizeof(kws[0]); i++)
		if (str_eq(key, kws[i].name) || str_eq(key, kws[i].snake))
			return &kws[i];
	return &kw_other;
}

static void	 schema_write(struct from_openapi *, struct jv, unsigned);

/* What is no schema where one must stand allows everything. */
static void
schema_write_or_bool(struct from_openapi *f, struct jv v, unsigned depth)
{
	enum json_type	 t = json_type(v);

	if (t == JSON_OBJECT)
		schema_write(f, v, depth);
	else if (t == JSON_TRUE || t == JSON_FALSE)
		jw_bool(f->out, t == JSON_TRUE);
	else
		jw_bool(f->out, true);
}

static void
list_write(struct from_openapi *f, struct jv list, bool with_null,
    unsigned depth)
{
	struct jv	 e;

	jw_array(f->out);
	for (e = json_first(list); json_ok(e); e = json_next(e))
		schema_write_or_bool(f, e, depth);
	if (with_null)
		jw_raw(f->out, STR("{\"type\":\"null\"}"));
	jw_array_end(f->out);
}

static void
map_member(struct from_openapi *f, struct jv m, unsigned depth)
{
	jw_key_jstr(f->out, json_jstr(json_key(m)));
	schema_write_or_bool(f, m, depth);
}

/* How many of a list's first n elements are that name. */
static size_t
times(struct from_openapi *f, struct jv list, size_t n, struct str name)
{
	struct jv	 e;
	size_t		 k = 0;

	for (e = json_first(list); n-- > 0 && json_ok(e); e = json_next(e))
		k += json_type(e) == JSON_STRING &&
		    str_eq(json_str(f->arena, e), name);
	return k;
}

/*
 * Models write properties in the schema's order: Gemini's propertyOrdering
 * becomes that.  What it does not name follows.
 */
static void
map_write(struct from_openapi *f, struct jv map, struct jv order,
    unsigned depth)
{
	struct jv	 m, e;
	struct str	 name;
	size_t		 n = 0;

	if (json_type(order) != JSON_ARRAY || json_count(order) > ORDER_MAX ||
	    json_count(map) > ORDER_MAX)
		order = JV_NONE;
	jw_object(f->out);
	for (e = json_first(order); json_ok(e); e = json_next(e), n++) {
		if (json_type(e) != JSON_STRING)
			continue;
		name = json_str(f->arena, e);
		m = json_get(map, arena_str(f->arena, name).p);
		if (json_ok(m) && times(f, order, n, name) == 0)
			map_member(f, m, depth);
	}
	for (m = json_first(map); json_ok(m); m = json_next(m))
		if (times(f, order, n, jstr_decode(f->arena,
		    json_jstr(json_key(m)))) == 0)
			map_member(f, m, depth);
	jw_object_end(f->out);
}

/* Unknown types are left out: such a schema allows any. */
static void
type_write(struct from_openapi *f, struct jv v, bool nullable)
{
	struct jv	 e;
	unsigned	 set = 0;
	bool		 array = json_type(v) == JSON_ARRAY;
	int		 t, n = 0;

	if (array)
		for (e = json_first(v); json_ok(e); e = json_next(e)) {
			if ((t = schema_type(f->arena, e)) >= 0)
				set |= 1u << t;
		}
	else if ((t = schema_type(f->arena, v)) >= 0)
		set = 1u << t;
	if (set == 0)
		return;
	if (nullable)
		set |= 1u << SCHEMA_NULL;
	for (t = 0; t < SCHEMA_TYPES; t++)
		n += (set >> t) & 1;
	jw_key(f->out, "type");
	if (n > 1 || array)
		jw_array(f->out);
	for (t = 0; t < SCHEMA_TYPES; t++)
		if ((set >> t) & 1)
			jw_strz(f->out, type_names[t]);
	if (n > 1 || array)
		jw_array_end(f->out);
}

/* Gemini's int64 comes as a string. */
static void
count_write(struct from_openapi *f, const struct kw *kw, struct jv m)
{
	struct str	 s;
	int64_t		 n;

	if (json_type(m) == JSON_STRING) {
		s = json_str(f->arena, m);
		if (str_to_int(s, 0, INT64_MAX, &n) == -1)
			return;
		jw_key_str(f->out, kw->name);
		jw_int(f->out, n);
		return;
	}
	jw_key_str(f->out, kw->name);
	jw_raw(f->out, json_raw(m));
}

/* Widths of numbers and Gemini's "enum" say nothing in JSON Schema. */
static bool
format_is_openapi(struct jv v)
{
	return json_is(v, "enum") || json_is(v, "int32") ||
	    json_is(v, "int64") || json_is(v, "float") || json_is(v, "double");
}

static void
enum_write(struct from_openapi *f, struct jv m)
{
	struct jv	 e;
	bool		 null = false;

	jw_array(f->out);
	for (e = json_first(m); json_ok(e); e = json_next(e)) {
		null |= json_type(e) == JSON_NULL;
		jw_raw(f->out, json_raw(e));
	}
	if (!null)
		jw_null(f->out);
	jw_array_end(f->out);
}

static struct jv
ordering(struct jv schema)
{
	struct jv	 v = json_get(schema, "propertyOrdering");

	return json_ok(v) ? v : json_get(schema, "property_ordering");
}

static void
member_write(struct from_openapi *f, struct jv in, const struct kw *kw,
    struct jv m, bool nullable, unsigned depth)
{
	enum json_type	 t = json_type(m);

	switch (kw->value) {
	case KW_TYPE:
		type_write(f, m, nullable);
		return;
	case KW_COUNT:
		count_write(f, kw, m);
		return;
	case KW_NULLABLE:
	case KW_DROP:
		return;
	case KW_FORMAT:
		if (format_is_openapi(m))
			return;
		break;
	case KW_EXAMPLE:
		jw_key(f->out, "examples");
		jw_array(f->out);
		jw_raw(f->out, json_raw(m));
		jw_array_end(f->out);
		return;
	default:
		break;
	}
	if (kw->snake.n != 0)
		jw_key_str(f->out, kw->name);
	else
		jw_key_jstr(f->out, json_jstr(json_key(m)));
	if (kw->value == KW_MAP && t == JSON_OBJECT)
		map_write(f, m, !json_key_is(m, "properties") ? JV_NONE :
		    ordering(in), depth);
	else if ((kw->value == KW_LIST || kw->value == KW_SCHEMA) &&
	    t == JSON_ARRAY)
		list_write(f, m, nullable && str_is(kw->name, "anyOf"),
		    depth);
	else if (kw->value == KW_SCHEMA)
		schema_write_or_bool(f, m, depth);
	else if (nullable && t == JSON_ARRAY && json_key_is(m, "enum"))
		enum_write(f, m);
	else
		jw_raw(f->out, json_raw(m));
}

/*
 * A nullable schema that has neither type nor anyOf (a bare reference) is put
 * into an anyOf of its own.
 */
static void
schema_write(struct from_openapi *f, struct jv v, unsigned depth)
{
	struct jv	 m;
	bool		 nullable, wrap;

	if (depth >= SCHEMA_DEPTH_MAX) {
		jw_raw(f->out, STR("{}"));
		return;
	}
	nullable = json_type(json_get(v, "nullable")) == JSON_TRUE;
	wrap = nullable && !json_ok(json_get(v, "type")) &&
	    json_type(json_get(v, "anyOf")) != JSON_ARRAY &&
	    json_type(json_get(v, "any_of")) != JSON_ARRAY;
	if (wrap) {
		jw_object(f->out);
		jw_key(f->out, "anyOf");
		jw_array(f->out);
	}
	jw_object(f->out);
	for (m = json_first(v); json_ok(m); m = json_next(m))
		member_write(f, v, kw_find(m), m, nullable && !wrap,
		    depth + 1);
	jw_object_end(f->out);
	if (wrap) {
		jw_raw(f->out, STR("{\"type\":\"null\"}"));
		jw_array_end(f->out);
		jw_object_end(f->out);
	}
}

/* One of the types, in upper case? */
static bool
is_upper_type(const struct json *j, const struct json_node *n)
{
	struct str	 s = { j->text.p + n->off, n->len };
	int		 i;

	if (n->type != JSON_STRING || s.n == 0 || s.p[0] < 'A' || s.p[0] > 'Z')
		return false;
	for (i = 0; i < SCHEMA_TYPES; i++)
		if (str_is_nocase(s, type_names[i]))
			return true;
	return false;
}

/* By the nodes themselves: every tool of every request is looked at. */
bool
schema_is_upper(struct jv schema)
{
	const struct json	*j = schema.j;
	const struct json_node	*n, *end;

	if (json_type(schema) != JSON_OBJECT)
		return false;
	n = &j->nodes[schema.i];
	end = &j->nodes[n->next];
	for (; n + 1 < end; n++) {
		if (n->type != JSON_STRING || n->len != 4 ||
		    memcmp(j->text.p + n->off, "type", 4) != 0)
			continue;
		n++;
		if (n->type == JSON_ARRAY && n + 1 < end)
			n++;
		if (is_upper_type(j, n))
			return true;
	}
	return false;
}

void
schema_from_openapi(struct arena *a, struct str in, struct jw *out)
{
	struct from_openapi	 f = { a, out };
	struct json		 j;
	struct json_error	 je;

	json_init(&j);
	if (json_parse(&j, in, &je) == -1 ||
	    json_type(json_root(&j)) != JSON_OBJECT)
		jw_raw(out, STR("{\"type\":\"object\"}"));
	else
		schema_write(&f, json_root(&j), 0);
	json_release(&j);
}

/* --- the root of a tool's schema ------------------------------------------ */

#define ROOT_PROPS_MAX	512	/* more take none from branches */

static const char *const root_choices[] = { "anyOf", "oneOf", "allOf", "enum",
    "not", NULL };

bool
schema_root_choice(struct jv v)
{
	size_t	 i;

	for (i = 0; root_choices[i] != NULL; i++)
		if (json_ok(json_get(v, root_choices[i])))
			return true;
	return false;
}

bool
schema_root_plain(struct jv v)
{
	return json_is(json_get(v, "type"), "object") && !schema_root_choice(v);
}

bool
schema_root_object(struct arena *a, struct jv v)
{
	struct jv	 type = json_get(v, "type");

	if (schema_root_choice(v))
		return false;
	return json_ok(type) ? schema_type(a, type) == SCHEMA_OBJECT :
	    json_ok(json_get(v, "properties")) || json_ok(json_get(v, "$ref"));
}

bool
schema_root_differs(struct jv v)
{
	struct jv	 type = json_get(v, "type");

	return schema_root_choice(v) || (!json_empty(type) &&
	    !json_is(type, "object"));
}

static bool
root_member(struct jv m)
{
	size_t	 i;

	for (i = 0; root_choices[i] != NULL; i++)
		if (json_key_is(m, root_choices[i]))
			return false;
	return !json_key_is(m, "type") && !json_key_is(m, "properties") &&
	    !json_key_is(m, "required");
}

static bool
same_jstr(struct jstr a, struct jstr b)
{
	return str_eq((struct str){ a.p, a.n }, (struct str){ b.p, b.n });
}

/* Walks all that may have properties: the root, then its branches. */
struct branches {
	struct jv	 root, at;
	size_t		 choice;
};

static struct jv
branch_next(struct branches *b)
{
	struct jv	 list;

	b->at = json_next(b->at);
	while (!json_ok(b->at) && b->choice < 3) {
		list = json_get(b->root, root_choices[b->choice++]);
		if (json_type(list) == JSON_ARRAY)
			b->at = json_first(list);
	}
	return b->at;
}

/* Is there a property of that name in what comes before the one at end? */
static bool
root_has(struct jv root, struct jv end)
{
	struct branches	 b = { .root = root };
	struct jv	 v = root, m;

	for (; json_ok(v); v = branch_next(&b)) {
		m = json_first(json_get(v, "properties"));
		for (; json_ok(m); m = json_next(m)) {
			if (m.i == end.i)
				return false;
			if (same_jstr(json_jstr(json_key(m)),
			    json_jstr(json_key(end))))
				return true;
		}
	}
	return false;
}

static void
root_properties(struct jv root, struct jw *out)
{
	struct branches	 b = { .root = root };
	struct jv	 v = root, m;
	unsigned	 n = 0;

	jw_key(out, "properties");
	jw_object(out);
	for (; json_ok(v); v = branch_next(&b)) {
		m = json_first(json_get(v, "properties"));
		for (; json_ok(m); m = json_next(m)) {
			if (n++ >= ROOT_PROPS_MAX && v.i != root.i)
				continue;
			if (v.i != root.i && root_has(root, m))
				continue;
			jw_key_jstr(out, json_jstr(json_key(m)));
			jw_raw(out, json_raw(m));
		}
	}
	jw_object_end(out);
}

static void
root_required(struct jv root, struct jw *out)
{
	struct jv	 v = root, e;
	struct jv	 all = json_get(root, "allOf");
	unsigned	 n = 0;

	if (json_type(all) != JSON_ARRAY)
		all = JV_NONE;
	for (; json_ok(v); v = v.i == root.i ? json_first(all) :
	    json_next(v)) {
		e = json_first(json_get(v, "required"));
		for (; json_ok(e); e = json_next(e)) {
			if (n++ == 0) {
				jw_key(out, "required");
				jw_array(out);
			}
			jw_raw(out, json_raw(e));
		}
	}
	if (n > 0)
		jw_array_end(out);
}

void
schema_root_write(struct jv v, struct jw *out)
{
	struct jv	 m;

	jw_object(out);
	jw_key(out, "type");
	jw_strz(out, "object");
	for (m = json_first(v); json_ok(m); m = json_next(m)) {
		if (!root_member(m))
			continue;
		jw_key_jstr(out, json_jstr(json_key(m)));
		jw_raw(out, json_raw(m));
	}
	root_properties(v, out);
	root_required(v, out);
	jw_object_end(out);
}
