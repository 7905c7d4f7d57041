/*
 * JSON Schema as Anthropic takes it.  By position: a property that is called
 * "minimum" is a property.
 */
#include "wire/dialect_anthropic.h"

#include <string.h>

#include "wire/schema.h"

#define SCHEMA_MAX	((size_t)4 << 20)	/* bytes of one schema */

struct lower {
	struct an_request	*r;
	uint32_t		 node;		/* for the report */
};

/* at: in the schema, which stands at l->node of the request. */
static void
lost(struct lower *l, struct jv at, enum loss_action action, const char *why)
{
	struct str	 path = json_path(l->r->a, at.j, at.i);

	loss_node(l->r->loss, action, l->r->rq->json, l->node, path.n == 0 ?
	    NULL : arena_strf(l->r->a, ".%.*s", STR_FMT(path)).p, why);
}

static bool
in_list(struct jv key, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (json_is(key, *list))
			return true;
	}
	return false;
}

static bool
type_is(struct jv schema, const char *name)
{
	struct jv	 type = json_get(schema, "type"), v;

	if (json_is(type, name))
		return true;
	if (json_type(type) != JSON_ARRAY)
		return false;
	for (v = json_first(type); json_ok(v); v = json_next(v)) {
		if (json_is(v, name))
			return true;
	}
	return false;
}

/* What constrained output does not know; the value of some decides. */
static bool
unknown_keyword(struct jv key, struct jv value)
{
	static const char *const bounds[] = { "minimum", "maximum",
	    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
	    "maxLength", "maxItems", "uniqueItems", "minContains",
	    "maxContains", "minProperties", "maxProperties", "contains",
	    "patternProperties", "propertyNames", "unevaluatedProperties",
	    "unevaluatedItems", "dependentRequired", "dependentSchemas", "if",
	    "then", "else", "not", NULL };
	static const char *const formats[] = { "date-time", "time", "date",
	    "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
	    NULL };
	int64_t	 n;

	if (json_is(key, "minItems"))
		return json_int(value, &n) == -1 || n > 1;
	if (json_is(key, "format"))
		return !in_list(value, formats);
	return in_list(key, bounds);
}

static void	 lower_schema(struct lower *, struct jv);

/* The members of an object, or elements of an array, that are schemas. */
static void
lower_each(struct lower *l, struct jv v)
{
	struct jw	*w = &l->r->w;
	struct jv	 m;

	if (json_type(v) == JSON_OBJECT) {
		jw_object(w);
		for (m = json_first(v); json_ok(m); m = json_next(m)) {
			jw_key_jstr(w, json_jstr(json_key(m)));
			lower_schema(l, m);
		}
		jw_object_end(w);
	} else if (json_type(v) == JSON_ARRAY) {
		jw_array(w);
		for (m = json_first(v); json_ok(m); m = json_next(m))
			lower_schema(l, m);
		jw_array_end(w);
	} else {
		jw_raw(w, json_raw(v));
	}
}

static void
lower_member(struct lower *l, struct jv m)
{
	static const char *const many[] = { "properties", "$defs",
	    "definitions", "anyOf", "allOf", "prefixItems", NULL };
	struct jw	*w = &l->r->w;
	struct jv	 key = json_key(m);

	if (json_is(key, "additionalProperties"))
		return;
	if (unknown_keyword(key, m)) {
		lost(l, m, LOSS_DROPPED,
		    "not a keyword of constrained output");
		return;
	}
	if (json_is(key, "oneOf")) {
		lost(l, m, LOSS_APPROXIMATED, "oneOf is sent as anyOf");
		jw_key(w, "anyOf");
		lower_each(l, m);
		return;
	}
	jw_key_jstr(w, json_jstr(key));
	if (in_list(key, many))
		lower_each(l, m);
	else if (json_is(key, "items") && json_type(m) == JSON_OBJECT)
		lower_schema(l, m);
	else
		jw_raw(w, json_raw(m));
}

/* As deep as the parser lets a text be. */
static void
lower_schema(struct lower *l, struct jv v)
{
	struct jw	*w = &l->r->w;
	struct jv	 m, more;

	if (json_type(v) != JSON_OBJECT) {
		jw_raw(w, json_raw(v));
		return;
	}
	jw_object(w);
	for (m = json_first(v); json_ok(m); m = json_next(m))
		lower_member(l, m);
	if (type_is(v, "object") || json_ok(json_get(v, "properties"))) {
		more = json_get(v, "additionalProperties");
		if (json_type(more) != JSON_FALSE)
			lost(l, json_ok(more) ? more : v, LOSS_APPROXIMATED,
			    "objects of constrained output are closed");
		jw_key(w, "additionalProperties");
		jw_bool(w, false);
	}
	jw_object_end(w);
}

/*
 * Parses schema into j, made JSON Schema if it is not; the text lies in the
 * arena.  -1: it is no object.
 */
static int
schema_read(struct an_request *r, struct str schema, bool openapi,
    struct json *j)
{
	struct json_error	 je;
	struct buf		 b;
	struct jw		 w;
	int			 res = -1;

	if (json_parse(j, schema, &je) == -1 ||
	    json_type(json_root(j)) != JSON_OBJECT)
		return -1;
	if (!openapi)
		return 0;
	buf_init(&b, SCHEMA_MAX);
	jw_init(&w, &b);
	schema_from_openapi(r->a, schema, &w);
	if (buf_ok(&b))
		res = json_parse(j, arena_str(r->a, buf_str(&b)), &je);
	buf_release(&b);
	return res;
}

void
anthropic_schema_strict(struct an_request *r, struct str schema, bool openapi,
    uint32_t node)
{
	struct lower	 l = { r, node };
	struct json	 j;

	json_init(&j);
	if (schema_read(r, schema, openapi, &j) == 0)
		lower_schema(&l, json_root(&j));
	else
		jw_raw(&r->w, STR("{\"type\":\"object\","
		    "\"additionalProperties\":false}"));
	json_release(&j);
}

void
anthropic_schema_tool(struct an_request *r, struct str schema, bool openapi,
    uint32_t node)
{
	struct json	 j;
	struct jv	 root;

	json_init(&j);
	if (schema.n == 0 || schema_read(r, schema, openapi, &j) == -1) {
		jw_raw(&r->w, STR("{\"type\":\"object\",\"properties\":{}}"));
		json_release(&j);
		return;
	}
	root = json_root(&j);
	if (schema_root_plain(root)) {
		jw_raw(&r->w, json_raw(root));
	} else {
		if (schema_root_differs(root))
			anthropic_loss(r, LOSS_APPROXIMATED, node,
			    "a tool's input is an object without a choice at "
			    "its root");
		schema_root_write(root, &r->w);
	}
	json_release(&j);
}
