/* Schemas between JSON Schema and Gemini's subset: one case a rule. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "jsoneq.h"
#include "tap.h"
#include "wire/json.h"
#include "wire/loss.h"
#include "wire/schema.h"

#define OUT_MAX	(1u << 24)

static struct arena	 arena;
static struct buf	 out;
static struct loss	 loss;

static void
same(const char *name, struct str got, const char *want)
{
	struct json		 a, b;
	struct json_error	 je;
	uint32_t		 where;
	bool			 eq;

	json_init(&a);
	json_init(&b);
	eq = json_parse(&a, got, &je) == 0 &&
	    json_parse(&b, str_of(want), &je) == 0 &&
	    json_same(&arena, json_root(&a), json_root(&b), &where);
	ok(eq, "%s", name);
	if (!eq)
		printf("#   got  %.*s\n#   want %s\n", STR_FMT(got), want);
	json_release(&a);
	json_release(&b);
}

static bool
lost(const char *piece)
{
	struct buf	 b;
	bool		 found;

	buf_init(&b, OUT_MAX);
	loss_json(&loss, &b);
	found = memmem(buf_str(&b).p, b.len, piece, strlen(piece)) != NULL;
	if (!found)
		printf("#   no loss %s in %.*s\n", piece, STR_FMT(buf_str(&b)));
	buf_release(&b);
	return found;
}

static void
from(const char *name, const char *in, const char *want)
{
	struct jw	 w;

	buf_clear(&out);
	jw_init(&w, &out);
	schema_from_openapi(&arena, str_of(in), &w);
	same(name, buf_str(&out), want);
}

static int
lower(const char *in)
{
	struct jw	 w;

	buf_clear(&out);
	loss_init(&loss, &arena);
	jw_init(&w, &out);
	return schema_to_gemini(&arena, str_of(in), &loss, NULL, 0, &w);
}

/* want_loss: a piece of the report; NULL: there is none. */
static void
to(const char *name, const char *in, const char *want, const char *want_loss)
{
	ok(lower(in) == 0, "%s: lowers", name);
	same(name, buf_str(&out), want);
	if (want_loss == NULL)
		ok(loss.n == 0, "%s: nothing lost", name);
	else
		ok(lost(want_loss), "%s: in the report", name);
}

static void
test_from(void)
{
	from("types in lower case",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},"
	    "\"b\":{\"type\":\"ARRAY\",\"items\":{\"type\":\"INTEGER\"}}}}",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
	    "\"b\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}");
	from("types by number", "{\"type\":1}", "{\"type\":\"string\"}");
	from("nullable type", "{\"type\":\"STRING\",\"nullable\":true}",
	    "{\"type\":[\"string\",\"null\"]}");
	from("nullable enum",
	    "{\"type\":\"STRING\",\"enum\":[\"a\"],\"nullable\":true}",
	    "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}");
	from("nullable choice",
	    "{\"nullable\":true,\"anyOf\":[{\"type\":\"STRING\"}]}",
	    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}");
	from("nullable without a type",
	    "{\"nullable\":true,\"description\":\"d\"}",
	    "{\"anyOf\":[{\"description\":\"d\"},{\"type\":\"null\"}]}");
	from("not nullable", "{\"type\":\"STRING\",\"nullable\":false}",
	    "{\"type\":\"string\"}");
	from("propertyOrdering and OpenAPI formats go",
	    "{\"type\":\"INTEGER\",\"format\":\"int32\","
	    "\"propertyOrdering\":[\"a\"]}", "{\"type\":\"integer\"}");
	from("propertyOrdering is the properties' order",
	    "{\"properties\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{}},"
	    "\"propertyOrdering\":[\"d\",7,\"x\",\"b\",\"d\"]}",
	    "{\"properties\":{\"d\":{},\"b\":{},\"a\":{},\"c\":{}}}");
	from("formats of strings stay",
	    "{\"type\":\"STRING\",\"format\":\"date-time\"}",
	    "{\"type\":\"string\",\"format\":\"date-time\"}");
	from("counts in strings",
	    "{\"type\":\"ARRAY\",\"minItems\":\"2\",\"max_items\":3}",
	    "{\"type\":\"array\",\"minItems\":2,\"maxItems\":3}");
	from("snake_case", "{\"any_of\":[{\"type\":\"NULL\"}]}",
	    "{\"anyOf\":[{\"type\":\"null\"}]}");
	from("by position: a property called type",
	    "{\"type\":\"OBJECT\",\"properties\":{\"type\":"
	    "{\"type\":\"STRING\"},\"nullable\":{\"type\":\"BOOLEAN\"},"
	    "\"propertyOrdering\":{\"type\":\"NUMBER\"}}}",
	    "{\"type\":\"object\",\"properties\":{\"type\":"
	    "{\"type\":\"string\"},\"nullable\":{\"type\":\"boolean\"},"
	    "\"propertyOrdering\":{\"type\":\"number\"}}}");
	from("data is no schema",
	    "{\"type\":\"STRING\",\"enum\":[\"STRING\"],\"example\":"
	    "{\"type\":\"X\"}}",
	    "{\"type\":\"string\",\"enum\":[\"STRING\"],\"examples\":"
	    "[{\"type\":\"X\"}]}");
	from("JSON Schema passes",
	    "{\"$schema\":\"s\",\"type\":[\"string\",\"null\"],"
	    "\"additionalProperties\":false,\"$defs\":{\"type\":"
	    "{\"type\":\"object\"}}}",
	    "{\"$schema\":\"s\",\"type\":[\"string\",\"null\"],"
	    "\"additionalProperties\":false,\"$defs\":{\"type\":"
	    "{\"type\":\"object\"}}}");
	from("no object", "[1]", "{\"type\":\"object\"}");
	from("no JSON", "{", "{\"type\":\"object\"}");
}

static void
test_keywords(void)
{
	to("types in upper case",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
	    "\"required\":[\"a\"]}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}},"
	    "\"required\":[\"a\"]}", NULL);
	to("pitfall-26: by position",
	    "{\"type\":\"object\",\"properties\":{\"properties\":"
	    "{\"type\":\"string\"},\"type\":{\"type\":\"integer\"},"
	    "\"$ref\":{\"type\":\"boolean\"},\"const\":{\"type\":\"number\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"properties\":"
	    "{\"type\":\"STRING\"},\"type\":{\"type\":\"INTEGER\"},"
	    "\"$ref\":{\"type\":\"BOOLEAN\"},\"const\":{\"type\":\"NUMBER\"}}}",
	    NULL);
	to("pitfall-26: what has no meaning goes quietly",
	    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	    "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
	    "\"default\":\"x\",\"examples\":[1]}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":"
	    "{\"type\":\"STRING\"}}}", NULL);
	to("pitfall-26: additionalProperties",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
	    "\"additionalProperties\":false}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":"
	    "{\"type\":\"STRING\"}}}", "schema.additionalProperties");
	to("unknown keywords, once each, with their place",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\","
	    "\"contentEncoding\":\"base64\"},\"b\":{\"type\":\"string\","
	    "\"contentEncoding\":\"base64\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},"
	    "\"b\":{\"type\":\"STRING\"}}}",
	    "schema.properties.a.contentEncoding");
	ok(loss.n == 1, "only once");
	to("const", "{\"const\":\"x\"}",
	    "{\"type\":\"STRING\",\"enum\":[\"x\"]}", NULL);
	to("enum and null", "{\"enum\":[\"a\",null,\"b\"]}",
	    "{\"type\":\"STRING\",\"nullable\":true,\"enum\":[\"a\",\"b\"]}",
	    NULL);
	to("enums of numbers", "{\"type\":\"integer\",\"enum\":[1,2]}",
	    "{\"type\":\"INTEGER\"}", "schema.enum");
	to("const of another type", "{\"const\":true}",
	    "{\"type\":\"BOOLEAN\"}", "schema.const");
	to("empty strings in an enum",
	    "{\"type\":\"string\",\"enum\":[\"\",\"a\"]}",
	    "{\"type\":\"STRING\",\"enum\":[\"a\"]}", "schema.enum");
	to("formats", "{\"type\":\"object\",\"properties\":{\"t\":"
	    "{\"type\":\"string\",\"format\":\"date-time\"},\"u\":"
	    "{\"type\":\"string\",\"format\":\"uri\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"t\":{\"type\":\"STRING\","
	    "\"format\":\"date-time\"},\"u\":{\"type\":\"STRING\"}}}",
	    "properties.u.format");
	to("open bounds of whole numbers",
	    "{\"type\":\"integer\",\"exclusiveMinimum\":0,"
	    "\"exclusiveMaximum\":10}",
	    "{\"type\":\"INTEGER\",\"minimum\":1,\"maximum\":9}", NULL);
	to("open bounds of others",
	    "{\"type\":\"number\",\"exclusiveMinimum\":0.5}",
	    "{\"type\":\"NUMBER\",\"minimum\":0.5}", "exclusiveMinimum");
	to("arrays without items", "{\"type\":\"array\",\"minItems\":1}",
	    "{\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"},"
	    "\"minItems\":1}", NULL);
	to("tuples", "{\"type\":\"array\",\"prefixItems\":"
	    "[{\"type\":\"string\"},{\"type\":\"number\"}]}",
	    "{\"type\":\"ARRAY\",\"items\":{\"anyOf\":[{\"type\":\"STRING\"},"
	    "{\"type\":\"NUMBER\"}]}}", "prefixItems");
	to("required without its property",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
	    "\"required\":[\"b\",\"a\",\"a\"]}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"}},"
	    "\"required\":[\"a\"]}", NULL);
	to("no type", "{\"type\":\"object\",\"properties\":"
	    "{\"a\":{\"description\":\"d\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\","
	    "\"description\":\"d\"}}}", "properties.a");
	to("no properties", "{\"type\":\"object\",\"properties\":{}}",
	    "{\"type\":\"OBJECT\"}", NULL);
	to("an OpenAPI schema stays one",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\","
	    "\"nullable\":true}},\"propertyOrdering\":[\"a\"]}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\","
	    "\"nullable\":true}},\"propertyOrdering\":[\"a\"]}", NULL);
}

static void
test_choices(void)
{
	to("type or null", "{\"type\":[\"string\",\"null\"]}",
	    "{\"type\":\"STRING\",\"nullable\":true}", NULL);
	to("two types", "{\"type\":[\"string\",\"integer\",\"null\"]}",
	    "{\"nullable\":true,\"anyOf\":[{\"type\":\"STRING\"},"
	    "{\"type\":\"INTEGER\"}]}", NULL);
	to("anyOf with null",
	    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],"
	    "\"description\":\"d\"}",
	    "{\"type\":\"STRING\",\"nullable\":true,\"description\":\"d\"}",
	    NULL);
	to("oneOf", "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
	    "{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"NUMBER\"}]}", NULL);
	to("choice of what is required",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
	    "\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":"
	    "{\"type\":\"STRING\"}}}", "schema.anyOf");
	to("allOf",
	    "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":"
	    "{\"type\":\"string\"}},\"required\":[\"a\"]},{\"properties\":"
	    "{\"b\":{\"type\":\"number\"},\"a\":{\"description\":\"d\"}},"
	    "\"required\":[\"b\"]}]}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\","
	    "\"description\":\"d\"},\"b\":{\"type\":\"NUMBER\"}},"
	    "\"required\":[\"a\",\"b\"]}", NULL);
	to("if and then", "{\"type\":\"string\",\"if\":{\"const\":\"a\"},"
	    "\"then\":{\"minLength\":2}}", "{\"type\":\"STRING\"}",
	    "schema.if");
}

static void
test_references(void)
{
	to("$defs",
	    "{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":"
	    "\"#/$defs/P\",\"description\":\"mine\"},\"q\":{\"$ref\":"
	    "\"#/$defs/P\"}},\"$defs\":{\"P\":{\"type\":\"string\","
	    "\"description\":\"its\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"p\":{\"type\":\"STRING\","
	    "\"description\":\"mine\"},\"q\":{\"type\":\"STRING\","
	    "\"description\":\"its\"}}}", NULL);
	to("definitions, escaped",
	    "{\"$ref\":\"#/definitions/a~1b%20c\",\"definitions\":"
	    "{\"a/b c\":{\"type\":\"integer\"}}}", "{\"type\":\"INTEGER\"}",
	    NULL);
	to("a list's element", "{\"anyOf\":[{\"type\":\"string\"},"
	    "{\"type\":\"array\",\"items\":{\"$ref\":\"#/anyOf/0\"}}]}",
	    "{\"anyOf\":[{\"type\":\"STRING\"},{\"type\":\"ARRAY\",\"items\":"
	    "{\"type\":\"STRING\"}}]}", NULL);
	to("recursion is cut",
	    "{\"$ref\":\"#/$defs/T\",\"$defs\":{\"T\":{\"type\":\"object\","
	    "\"properties\":{\"v\":{\"type\":\"string\"},\"next\":"
	    "{\"$ref\":\"#/$defs/T\"}}}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"v\":{\"type\":\"STRING\"},"
	    "\"next\":{\"type\":\"OBJECT\"}}}", "recursive");
	to("to the root",
	    "{\"type\":\"object\",\"properties\":{\"me\":{\"$ref\":\"#\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"me\":"
	    "{\"type\":\"OBJECT\"}}}", "recursive");
	to("twice at one place",
	    "{\"allOf\":[{\"$ref\":\"#/$defs/A\"},{\"$ref\":\"#/$defs/A\"}],"
	    "\"$defs\":{\"A\":{\"type\":\"string\"}}}",
	    "{\"type\":\"STRING\"}", NULL);
	to("to nowhere",
	    "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/x\"},"
	    "\"b\":{\"type\":\"string\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\"},"
	    "\"b\":{\"type\":\"STRING\"}}}", "nowhere");
	to("only to itself", "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":"
	    "{\"$ref\":\"#/$defs/a\"}}}", "{\"type\":\"OBJECT\"}", NULL);
}

/* 2^n schemas from n lines; and the same with nothing to write. */
static void
test_bounds(void)
{
	struct buf	 b;
	unsigned	 i, k;

	for (k = 0; k < 2; k++) {
		buf_init(&b, OUT_MAX);
		buf_addz(&b, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
		for (i = 0; i < 60; i++)
			buf_addf(&b, k == 0 ? "\"d%u\":{\"type\":\"object\","
			    "\"properties\":{\"a\":{\"$ref\":\"#/$defs/d%u\"},"
			    "\"b\":{\"$ref\":\"#/$defs/d%u\"}}}," :
			    "\"d%u\":{\"anyOf\":[{\"allOf\":[{\"$ref\":"
			    "\"#/$defs/d%u\"}]},{\"$ref\":\"#/$defs/d%u\"}]},",
			    i, i + 1, i + 1);
		buf_addz(&b, "\"d60\":{\"type\":\"string\"}}}");
		buf_addc(&b, '\0');
		ok(lower(b.data) == -1, "a bomb is defused");
		same("a bomb becomes an object", buf_str(&out),
		    "{\"type\":\"OBJECT\"}");
		ok(lost("too large"), "and is in the report");
		buf_release(&b);
	}
	buf_init(&b, OUT_MAX);
	buf_addz(&b, "{\"$defs\":{");
	for (i = 0; i < 200; i++)
		buf_addf(&b, "\"d%u\":{\"items\":{\"$ref\":\"#/$defs/d%u\"}},",
		    i, i + 1);
	buf_addz(&b, "\"d200\":{}},\"$ref\":\"#/$defs/d0\"}");
	buf_addc(&b, '\0');
	ok(lower(b.data) == -1, "too deep");
	buf_release(&b);
	ok(lower("true") == -1, "no object");
	same("no object becomes one", buf_str(&out), "{\"type\":\"OBJECT\"}");
	ok(lower("{") == -1, "no JSON");
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, OUT_MAX);
	test_from();
	test_keywords();
	test_choices();
	test_references();
	test_bounds();
	buf_release(&out);
	arena_release(&arena);
	return done();
}
