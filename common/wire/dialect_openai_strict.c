/*
 * Which schemas OpenAI can keep to strictly: every object closed, every
 * property required, and only the keywords that it knows.  By position: a
 * property that is called "not" is a property.
 */
#include "wire/dialect_openai_chat.h"

#include <string.h>

#include "wire/schema.h"

struct strict {
	struct jw	*w;		/* the schema, closed */
	bool		 closed;	/* by us */
	bool		 fits;
};

static bool
in_list(struct jv v, const char *const *list)
{
	for (; *list != NULL; list++)
		if (json_is(v, *list))
			return true;
	return false;
}

static bool
is_object_schema(struct jv v)
{
	struct jv	 type = json_get(v, "type"), e;

	if (json_is(type, "object"))
		return true;
	if (json_type(type) == JSON_ARRAY)
		for (e = json_first(type); json_ok(e); e = json_next(e))
			if (json_is(e, "object"))
				return true;
	return json_type(json_get(v, "properties")) == JSON_OBJECT;
}

/* Refused in a strict schema. */
static bool
refused(struct jv key, struct jv value)
{
	static const char *const keywords[] = { "allOf", "oneOf", "not", "if",
	    "then", "else", "default", "dependentRequired",
	    "dependentSchemas", "patternProperties", "propertyNames",
	    "unevaluatedProperties", "unevaluatedItems", "contains",
	    "minContains", "maxContains", "minProperties", "maxProperties",
	    "uniqueItems", "minLength", "maxLength", NULL };
	static const char *const formats[] = { "date-time", "time", "date",
	    "duration", "email", "hostname", "ipv4", "ipv6", "uuid", NULL };

	if (json_is(key, "format"))
		return !in_list(value, formats);
	return in_list(key, keywords);
}

static void	 strict_schema(struct strict *, struct jv);

/* The members of an object, or elements of an array, that are schemas. */
static void
strict_each(struct strict *s, struct jv v)
{
	struct jv	 m;

	if (json_type(v) == JSON_OBJECT) {
		jw_object(s->w);
		for (m = json_first(v); json_ok(m); m = json_next(m)) {
			jw_key_jstr(s->w, json_jstr(json_key(m)));
			strict_schema(s, m);
		}
		jw_object_end(s->w);
	} else if (json_type(v) == JSON_ARRAY) {
		jw_array(s->w);
		for (m = json_first(v); json_ok(m); m = json_next(m))
			strict_schema(s, m);
		jw_array_end(s->w);
	} else {
		s->fits = false;
		jw_raw(s->w, json_raw(v));
	}
}

static void
strict_member(struct strict *s, struct jv m)
{
	static const char *const many[] = { "properties", "$defs",
	    "definitions", "anyOf", "prefixItems", NULL };
	struct jv	 key = json_key(m);

	jw_key_jstr(s->w, json_jstr(key));
	if (in_list(key, many))
		strict_each(s, m);
	else if (json_is(key, "items"))
		strict_schema(s, m);
	else {
		if (refused(key, m))
			s->fits = false;
		jw_raw(s->w, json_raw(m));
	}
}

/* As deep as the parser lets a text be. */
static void
strict_schema(struct strict *s, struct jv v)
{
	struct jv	 m, more = json_get(v, "additionalProperties");

	if (json_type(v) != JSON_OBJECT) {
		s->fits = false;
		jw_raw(s->w, json_raw(v));
		return;
	}
	jw_object(s->w);
	for (m = json_first(v); json_ok(m); m = json_next(m))
		strict_member(s, m);
	if (is_object_schema(v)) {
		if (json_count(json_get(v, "properties")) !=
		    json_count(json_get(v, "required")))
			s->fits = false;
		if (!json_ok(more)) {
			s->closed = true;
			jw_key(s->w, "additionalProperties");
			jw_bool(s->w, false);
		} else if (json_type(more) != JSON_FALSE)
			s->fits = false;
	}
	jw_object_end(s->w);
}

enum chat_strict
chat_strict_write(struct str schema, struct buf *out)
{
	struct json	 j;
	struct jw	 w;
	struct strict	 s = { &w, false, true };

	json_init(&j);
	jw_init(&w, out);
	if (json_parse(&j, schema, NULL) == -1)
		s.fits = false;
	else
		strict_schema(&s, json_root(&j));
	json_release(&j);
	if (!s.fits || !buf_ok(out))
		return CHAT_STRICT_NO;
	return s.closed ? CHAT_STRICT_CLOSED : CHAT_STRICT_KEPT;
}

bool
chat_strict_fits(struct str schema)
{
	struct buf	 b;
	bool		 fits;

	buf_init(&b, SCHEMA_OUT_MAX);
	fits = chat_strict_write(schema, &b) == CHAT_STRICT_KEPT;
	buf_release(&b);
	return fits;
}
