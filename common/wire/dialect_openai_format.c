/*
 * Formats of answers, for both of OpenAI's APIs: what they ask of a schema and
 * of the messages beside it.
 */
#include "wire/dialect_openai_chat.h"

#include <strings.h>

#include "wire/schema.h"

static bool
says_json(struct jstr s)
{
	for (size_t i = 0; i + 4 <= s.n; i++)
		if ((s.p[i] | 0x20) == 'j' &&
		    strncasecmp(s.p + i, "json", 4) == 0)
			return true;
	return false;
}

static bool
messages_say_json(const struct ir_message *m)
{
	const struct ir_part	*p;

	for (; m != NULL; m = m->next)
		for (p = m->parts; p != NULL; p = p->next)
			if (p->type == IR_TEXT && says_json(p->text))
				return true;
	return false;
}

/* Is it the schema of an object, as the root of a format must be? */
static bool
is_object(const struct ir_request *rq, struct str schema)
{
	struct json	 j;
	bool		 res;

	json_init(&j);
	res = json_parse(&j, schema, NULL) == 0 &&
	    schema_root_object(rq->arena, json_root(&j));
	json_release(&j);
	return res;
}

enum chat_format
chat_format(const struct ir_request *rq, const struct ir_message *messages)
{
	const struct ir_format	*f = &rq->format;

	if (f->kind == IR_FORMAT_JSON)
		return messages_say_json(messages) ? CHAT_FORMAT_KEPT :
		    CHAT_FORMAT_NAMED;
	if (f->kind == IR_FORMAT_SCHEMA && !is_object(rq, f->schema))
		return CHAT_FORMAT_TOLD;
	return CHAT_FORMAT_KEPT;
}

const char *
chat_format_why(enum chat_format format)
{
	return format == CHAT_FORMAT_NAMED ?
	    "a message that names JSON was added: it is required" :
	    "only objects can be asked for: the schema is told in words";
}

void
chat_format_say(const struct ir_request *rq, enum chat_format format,
    struct jw *w)
{
	struct buf	 b;
	struct jw	 schema;

	if (format == CHAT_FORMAT_NAMED) {
		jw_strz(w, "Answer in JSON.");
		return;
	}
	buf_init(&b, SCHEMA_OUT_MAX);
	jw_init(&schema, &b);
	(void)chat_format_schema(rq, &schema);
	jw_open(w);
	jw_piece_str(w, STR("Answer only with JSON that fits this schema, "
	    "without any text around it: "));
	jw_piece_str(w, buf_str(&b));
	jw_close(w);
	buf_release(&b);
}

/* As JSON Schema whose root says what it is. */
static struct str
plain_schema(const struct ir_request *rq)
{
	const struct ir_format	*f = &rq->format;
	struct str		 s = f->schema;
	struct json		 j;
	struct buf		 b;
	struct jw		 w;

	buf_init(&b, SCHEMA_OUT_MAX);
	jw_init(&w, &b);
	json_init(&j);
	if (f->schema_is_openapi)
		schema_from_openapi(rq->arena, s, &w);
	else if (json_parse(&j, s, NULL) == 0 &&
	    !json_ok(json_get(json_root(&j), "type")) &&
	    schema_root_object(rq->arena, json_root(&j)))
		schema_root_write(json_root(&j), &w);
	json_release(&j);
	if (b.len > 0 && buf_ok(&b))
		s = arena_str(rq->arena, buf_str(&b));
	buf_release(&b);
	return s;
}

enum chat_strict
chat_format_schema(const struct ir_request *rq, struct jw *w)
{
	struct str		 s = plain_schema(rq);
	struct buf		 b;
	enum chat_strict	 strict = CHAT_STRICT_NO;

	buf_init(&b, SCHEMA_OUT_MAX);
	if (rq->from != &dialect_openai_chat &&
	    rq->from != &dialect_openai_responses &&
	    rq->format.strict != IR_NO)
		strict = chat_strict_write(s, &b);
	jw_raw(w, strict == CHAT_STRICT_CLOSED ? buf_str(&b) : s);
	buf_release(&b);
	return strict;
}
