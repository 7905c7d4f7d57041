/*
 * OpenAI Chat Completions: the messages of a request to common form.  Every
 * message becomes one of ours; roles tool and function hold one result each.
 */
#include "wire/dialect_openai_chat.h"

#include <stdint.h>

/* Calls of one message that are searched for the name of a result. */
#define NAME_SEARCH_MAX	512

/* --- content -------------------------------------------------------------- */

static struct ir_part *
part_add(struct chat_read *d, struct ir_part ***tail, enum ir_part_type type,
    struct jv v)
{
	struct ir_part	*p = ir_part_new(d->a, type, v.i);

	**tail = p;
	*tail = &p->next;
	return p;
}

static void
opaque_add(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct ir_part	*p = part_add(d, tail, IR_OPAQUE, v);

	p->raw = json_raw(v);
	p->from = d->rq->from;
}

/* An opaque part for a member of a message, with its name. */
static void
opaque_member(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct ir_part	*p = part_add(d, tail, IR_OPAQUE, v);
	struct str	 name = json_raw(json_key(v)), raw = json_raw(v);

	p->raw = arena_strf(d->a, "{%.*s:%.*s}", STR_FMT(name), STR_FMT(raw));
	p->from = d->rq->from;
}

/* What media it is in truth: PDFs come as image_url, images as files. */
static enum ir_part_type
media_type(struct chat_read *d, const struct ir_media *m,
    enum ir_part_type said)
{
	enum ir_part_type	 type = said;

	if (str_starts(m->type, "image/"))
		type = IR_IMAGE;
	else if (str_starts(m->type, "audio/"))
		type = IR_AUDIO;
	else if (str_starts(m->type, "video/"))
		type = IR_VIDEO;
	else if (m->type.n > 0)
		type = IR_DOCUMENT;
	d->rq->need |= type == IR_IMAGE ? IR_NEED_IMAGE :
	    type == IR_AUDIO ? IR_NEED_AUDIO :
	    type == IR_VIDEO ? IR_NEED_VIDEO : IR_NEED_DOCUMENT;
	return type;
}

static bool
jstr_starts(struct jstr s, const char *z)
{
	return str_starts((struct str){ s.p, s.n }, z);
}

/* A data URL, an address, or (bare) base64 alone. */
static int
read_url(struct chat_read *d, struct jv v, bool bare, struct ir_media *m)
{
	struct jstr	 s = json_jstr(v);

	if (jstr_starts(s, "data:")) {
		if (ir_data_url(d->a, s, m) == 0)
			return 0;
		ir_error_field(d->err, d->a, d->rq->json, v.i,
		    "expected a data URL with base64");
		return -1;
	}
	if (bare && !jstr_starts(s, "http"))
		m->data = json_str(d->a, v);
	else
		m->url = s;
	return 0;
}

/* {"type":"image_url","image_url":{"url":..}}, also video_url, also flat. */
static int
read_url_part(struct chat_read *d, struct ir_part ***tail, struct jv v,
    const char *name, enum ir_part_type type)
{
	struct ir_media	 m = { 0 };
	struct jv	 in, url;
	struct ir_part	*p;

	if (chat_get(d, v, name, CHAT_T_STRING | CHAT_T_OBJECT, "an object",
	    &in) == -1)
		return -1;
	if (!json_ok(in))
		return chat_required(d, v, name);
	url = in;
	if (json_type(in) == JSON_OBJECT) {
		if (chat_get(d, in, "url", CHAT_T_STRING, "a string", &url)
		    == -1 || chat_get_str(d, in, "detail", &m.detail) == -1)
			return -1;
		if (!json_ok(url))
			return chat_required(d, in, "url");
	}
	if (read_url(d, url, false, &m) == -1)
		return -1;
	p = part_add(d, tail, media_type(d, &m, type), v);
	p->media = m;
	chat_read_cache(d, v, &p->cache);
	return 0;
}

static int
read_image_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	return read_url_part(d, tail, v, "image_url", IR_IMAGE);
}

static int
read_video_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	return read_url_part(d, tail, v, "video_url", IR_VIDEO);
}

static int
read_audio_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct ir_media	 m = { 0 };
	struct str	 format;
	struct jv	 in, data;
	struct ir_part	*p;

	if (chat_get_object(d, v, "input_audio", &in) == -1 ||
	    chat_get(d, in, "data", CHAT_T_STRING, "a string", &data) == -1 ||
	    chat_get_str(d, in, "format", &format) == -1)
		return -1;
	if (!json_ok(data))
		return chat_required(d, json_ok(in) ? in : v,
		    json_ok(in) ? "data" : "input_audio");
	if (read_url(d, data, true, &m) == -1)
		return -1;
	if (format.n > 0)
		m.type = arena_strf(d->a, "audio/%.*s", STR_FMT(format));
	p = part_add(d, tail, media_type(d, &m, IR_AUDIO), v);
	p->media = m;
	chat_read_cache(d, v, &p->cache);
	return 0;
}

static int
read_file_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct ir_media	 m = { 0 };
	struct jv	 in, data;
	struct ir_part	*p;

	if (chat_get_object(d, v, "file", &in) == -1 ||
	    chat_get(d, in, "file_data", CHAT_T_STRING, "a string", &data)
	    == -1 ||
	    chat_get_jstr(d, in, "file_id", &m.file_id) == -1 ||
	    chat_get_jstr(d, in, "filename", &m.filename) == -1)
		return -1;
	if (!json_ok(data) && jstr_empty(m.file_id))
		return chat_required(d, json_ok(in) ? in : v,
		    json_ok(in) ? "file_data' or 'file_id" : "file");
	if (json_ok(data) && read_url(d, data, true, &m) == -1)
		return -1;
	if (m.data.n > 0 && m.type.n == 0)
		m.type = STR("application/pdf");
	p = part_add(d, tail, media_type(d, &m, IR_DOCUMENT), v);
	p->media = m;
	chat_read_cache(d, v, &p->cache);
	return 0;
}

static int
read_text_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct ir_part	*p;
	struct jv	 text;

	if (chat_get(d, v, "text", CHAT_T_STRING, "a string", &text) == -1)
		return -1;
	if (!json_ok(text))
		return chat_required(d, v, "text");
	p = part_add(d, tail, IR_TEXT, v);
	p->text = json_jstr(text);
	chat_read_cache(d, v, &p->cache);
	return 0;
}

static int
read_refusal_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct jstr	 text;

	if (chat_get_jstr(d, v, "refusal", &text) == -1)
		return -1;
	if (!jstr_empty(text))
		part_add(d, tail, IR_REFUSAL, v)->text = text;
	return 0;
}

/* Mistral: {"type":"thinking","thinking":[{"type":"text","text":..}]} */
static int
read_thinking_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct jv	 in = json_get(v, "thinking"), e, text;

	if (json_type(in) == JSON_STRING) {
		part_add(d, tail, IR_THINKING, v)->text = json_jstr(in);
		return 0;
	}
	for (e = json_first(in); json_ok(e); e = json_next(e)) {
		text = json_get(e, "text");
		if (json_type(text) == JSON_STRING)
			part_add(d, tail, IR_THINKING, e)->text =
			    json_jstr(text);
	}
	return 0;
}

static const struct {
	const char	*type;
	int		(*read)(struct chat_read *, struct ir_part ***,
			    struct jv);
} part_types[] = {
	{ "text",		read_text_part },
	{ "image_url",		read_image_part },
	{ "input_audio",	read_audio_part },
	{ "file",		read_file_part },
	{ "refusal",		read_refusal_part },
	{ "video_url",		read_video_part },
	{ "thinking",		read_thinking_part },
};

static int
read_part(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct jv	 type;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(d->err, d->a, v, "an object");
		return -1;
	}
	if (chat_get(d, v, "type", CHAT_T_STRING, "a string", &type) == -1)
		return -1;
	if (!json_ok(type))
		return chat_required(d, v, "type");
	for (size_t i = 0; i < sizeof(part_types) / sizeof(*part_types); i++)
		if (json_is(type, part_types[i].type))
			return part_types[i].read(d, tail, v);
	opaque_add(d, tail, v);
	return 0;
}

static int
read_content(struct chat_read *d, struct ir_part ***tail, struct jv message)
{
	struct jv	 content, e;
	struct ir_part	*p;

	if (chat_get(d, message, "content", CHAT_T_STRING | CHAT_T_ARRAY,
	    "a string or an array of parts", &content) == -1)
		return -1;
	if (json_type(content) == JSON_STRING) {
		if (jstr_empty(json_jstr(content)))
			return 0;
		p = part_add(d, tail, IR_TEXT, content);
		p->text = json_jstr(content);
		chat_read_cache(d, message, &p->cache);
		return 0;
	}
	for (e = json_first(content); json_ok(e); e = json_next(e))
		if (read_part(d, tail, e) == -1)
			return -1;
	return 0;
}

/* --- messages ------------------------------------------------------------- */

/* A JSON text in a string; some servers and clients leave it bare. */
static int
read_args(struct chat_read *d, struct jv function, struct ir_args *args)
{
	struct jv	 v;

	if (chat_get(d, function, "arguments", CHAT_T_STRING | CHAT_T_OBJECT,
	    "a string", &v) == -1)
		return -1;
	if (json_type(v) == JSON_STRING)
		args->escaped = json_jstr(v);
	else if (json_ok(v))
		args->json = json_raw(v);
	return 0;
}

static int
read_tool_call(struct chat_read *d, struct ir_part ***tail, struct jv v)
{
	struct ir_part	*p;
	struct str	 type;
	struct jv	 in;
	bool		 custom;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(d->err, d->a, v, "an object");
		return -1;
	}
	if (chat_get_str(d, v, "type", &type) == -1)
		return -1;
	custom = str_is(type, "custom");
	if (type.n > 0 && !custom && !str_is(type, "function")) {
		opaque_add(d, tail, v);
		return 0;
	}
	p = part_add(d, tail, IR_TOOL_CALL, v);
	p->tool = custom ? IR_CUSTOM : IR_FUNCTION;
	if (custom)
		d->rq->need |= IR_NEED_CUSTOM_TOOL;
	if (chat_get_str(d, v, "id", &p->id) == -1 ||
	    chat_get_object(d, v, custom ? "custom" : "function", &in) == -1)
		return -1;
	if (!json_ok(in))
		return chat_required(d, v, custom ? "custom" : "function");
	if (chat_get_str(d, in, "name", &p->name) == -1)
		return -1;
	if (p->name.n == 0)
		return chat_required(d, in, "name");
	return custom ? chat_get_jstr(d, in, "input", &p->text) :
	    read_args(d, in, &p->args);
}

static int
read_tool_calls(struct chat_read *d, struct ir_message *m, struct jv message)
{
	struct jv	 calls, e;

	if (chat_get(d, message, "tool_calls", CHAT_T_ARRAY, "an array",
	    &calls) == -1)
		return -1;
	for (e = json_first(calls); json_ok(e); e = json_next(e)) {
		if (read_tool_call(d, &m->last, e) == -1)
			return -1;
		d->calls = m;
	}
	return 0;
}

/* These calls have no id on the wire: one from their place, for the others. */
static int
read_function_call(struct chat_read *d, struct ir_message *m, struct jv message)
{
	struct ir_part	*p;
	struct jv	 v;

	if (chat_get_object(d, message, "function_call", &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	p = part_add(d, &m->last, IR_TOOL_CALL, v);
	p->id = d->legacy_id = arena_strf(d->a, "call_legacy_%u",
	    d->n_messages);
	d->calls = m;
	if (chat_get_str(d, v, "name", &p->name) == -1)
		return -1;
	if (p->name.n == 0)
		return chat_required(d, v, "name");
	return read_args(d, v, &p->args);
}

/* OpenRouter's form; its text is used where there is no plain one. */
static void
read_reasoning_details(struct chat_read *d, struct ir_message *m,
    struct jv details, struct ir_part *thinking)
{
	struct str	 raw = json_raw(details);
	struct jv	 e, text;

	if (json_type(details) != JSON_ARRAY || json_count(details) == 0)
		return;
	if (thinking != NULL) {
		thinking->extra = arena_strf(d->a, "{\"reasoning_details\":"
		    "%.*s}", STR_FMT(raw));
		return;
	}
	for (e = json_first(details); json_ok(e); e = json_next(e)) {
		text = json_get(e, "text");
		if (json_type(text) != JSON_STRING)
			text = json_get(e, "summary");
		if (json_type(text) == JSON_STRING)
			part_add(d, &m->last, IR_THINKING, e)->text =
			    json_jstr(text);
	}
}

static int
read_reasoning(struct chat_read *d, struct ir_message *m, struct jv message)
{
	struct ir_part	*p = NULL;
	struct jv	 v;

	if (chat_get(d, message, "reasoning_content", CHAT_T_STRING,
	    "a string", &v) == -1)
		return -1;
	if (!json_ok(v))
		v = json_get(message, "reasoning");
	if (json_type(v) == JSON_STRING && json_jstr(v).n > 0) {
		p = part_add(d, &m->last, IR_THINKING, v);
		p->text = json_jstr(v);
	}
	read_reasoning_details(d, m, json_get(message, "reasoning_details"),
	    p);
	return 0;
}

static int
read_assistant(struct chat_read *d, struct ir_message *m, struct jv v)
{
	struct jv	 audio, notes;

	if (read_reasoning(d, m, v) == -1 ||
	    read_content(d, &m->last, v) == -1 ||
	    read_refusal_part(d, &m->last, v) == -1 ||
	    read_tool_calls(d, m, v) == -1 ||
	    read_function_call(d, m, v) == -1 ||
	    chat_get_object(d, v, "audio", &audio) == -1)
		return -1;
	if (json_ok(audio))
		opaque_member(d, &m->last, audio);
	notes = json_get(v, "annotations");
	if (json_count(notes) > 0)
		opaque_member(d, &m->last, notes);
	return 0;
}

static struct str
call_name(const struct chat_read *d, struct str id)
{
	const struct ir_part	*p = d->calls == NULL ? NULL :
				    d->calls->parts;

	for (int i = 0; p != NULL && i < NAME_SEARCH_MAX; p = p->next, i++)
		if (p->type == IR_TOOL_CALL && str_eq(p->id, id))
			return p->name;
	return STR_NONE;
}

/* Roles tool and function: one result, in a message of its own. */
static int
read_result(struct chat_read *d, struct ir_message *m, struct jv v)
{
	struct ir_part	*p, **tail;
	bool		 legacy = json_is(json_get(v, "role"), "function");

	p = part_add(d, &m->last, IR_TOOL_RESULT, v);
	tail = &p->parts;
	if (chat_get_str(d, v, "name", &p->name) == -1 ||
	    chat_get_str(d, v, "tool_call_id", &p->id) == -1)
		return -1;
	if (legacy && p->id.n == 0)
		p->id = d->legacy_id;
	if (p->name.n == 0)
		p->name = call_name(d, p->id);
	m->name = STR_NONE;
	chat_read_cache(d, v, &p->cache);
	return read_content(d, &tail, v);
}

static int
read_plain(struct chat_read *d, struct ir_message *m, struct jv v)
{
	return read_content(d, &m->last, v);
}

static const struct {
	const char	*name;
	enum ir_role	 role;
	int		(*read)(struct chat_read *, struct ir_message *,
			    struct jv);
} roles[] = {
	{ "system",	IR_SYSTEM,	read_plain },
	{ "developer",	IR_DEVELOPER,	read_plain },
	{ "user",	IR_USER,	read_plain },
	{ "assistant",	IR_ASSISTANT,	read_assistant },
	{ "tool",	IR_TOOL,	read_result },
	{ "function",	IR_TOOL,	read_result },
};

static int
read_message(struct chat_read *d, struct jv v)
{
	struct ir_message	*m;
	struct jv		 role;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(d->err, d->a, v, "an object");
		return -1;
	}
	if (chat_get(d, v, "role", CHAT_T_STRING, "a string", &role) == -1)
		return -1;
	if (!json_ok(role))
		return chat_required(d, v, "role");
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		if (!json_is(role, roles[i].name))
			continue;
		m = ir_message_add(d->rq, roles[i].role, v.i);
		m->raw = json_raw(v);
		d->n_messages++;
		if (chat_get_str(d, v, "name", &m->name) == -1)
			return -1;
		return roles[i].read(d, m, v);
	}
	ir_error_field(d->err, d->a, d->rq->json, role.i, "expected one of "
	    "system, developer, user, assistant, tool, function");
	return -1;
}

int
chat_read_messages(struct chat_read *d, struct jv v)
{
	struct jv	 e;

	for (e = json_first(v); json_ok(e); e = json_next(e))
		if (read_message(d, e) == -1)
			return -1;
	if (d->n_messages > 0)
		return 0;
	ir_error_field(d->err, d->a, d->rq->json, v.i,
	    "expected at least one message");
	return -1;
}

/* --- what is read of parts and calls, for the loss report ----------------- */

static const struct json_known text_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("text") },
	{ JSON_KNOWN("cache_control") },
	{ JSON_KNOWN("prompt_cache_breakpoint") }, { .name = NULL }
};

static const struct json_known refusal_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("refusal") }, { .name = NULL }
};

static const struct json_known url_read[] = {
	{ JSON_KNOWN("url") }, { JSON_KNOWN("detail") }, { .name = NULL }
};

static const struct json_known image_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("image_url"), .in = url_read },
	{ JSON_KNOWN("cache_control") },
	{ JSON_KNOWN("prompt_cache_breakpoint") }, { .name = NULL }
};

static const struct json_known sound_read[] = {
	{ JSON_KNOWN("data") }, { JSON_KNOWN("format") }, { .name = NULL }
};

static const struct json_known audio_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("input_audio"), .in = sound_read },
	{ JSON_KNOWN("cache_control") },
	{ JSON_KNOWN("prompt_cache_breakpoint") }, { .name = NULL }
};

static const struct json_known data_read[] = {
	{ JSON_KNOWN("filename") }, { JSON_KNOWN("file_data") },
	{ JSON_KNOWN("file_id") }, { .name = NULL }
};

static const struct json_known file_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("file"), .in = data_read },
	{ JSON_KNOWN("cache_control") },
	{ JSON_KNOWN("prompt_cache_breakpoint") }, { .name = NULL }
};

static const struct json_known parts_read[] = {
	{ JSON_KNOWN("text"), .in = text_read },
	{ JSON_KNOWN("refusal"), .in = refusal_read },
	{ JSON_KNOWN("image_url"), .in = image_read },
	{ JSON_KNOWN("input_audio"), .in = audio_read },
	{ JSON_KNOWN("file"), .in = file_read }, { .name = NULL }
};

static const struct json_known function_read[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("arguments") }, { .name = NULL }
};

static const struct json_known custom_read[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("input") }, { .name = NULL }
};

static const struct json_known call_read[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("type") }, { JSON_KNOWN("index") },
	{ JSON_KNOWN("function"), .in = function_read },
	{ JSON_KNOWN("custom"), .in = custom_read }, { .name = NULL }
};

static const struct json_known message_read[] = {
	{ JSON_KNOWN("content"), .in = parts_read, .by_type = true },
	{ JSON_KNOWN("tool_calls"), .in = call_read }, { .name = NULL }
};

static const struct json_known declared_read[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("description") },
	{ JSON_KNOWN("parameters") }, { JSON_KNOWN("strict") },
	{ JSON_KNOWN("cache_control") }, { .name = NULL }
};

static const struct json_known freeform_read[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("description") },
	{ JSON_KNOWN("format") }, { .name = NULL }
};

static const struct json_known function_tool_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("cache_control") },
	{ JSON_KNOWN("function"), .in = declared_read }, { .name = NULL }
};

static const struct json_known custom_tool_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("custom"), .in = freeform_read },
	{ .name = NULL }
};

static const struct json_known tools_read[] = {
	{ JSON_KNOWN("function"), .in = function_tool_read },
	{ JSON_KNOWN("custom"), .in = custom_tool_read },
	{ JSON_KNOWN(""), .in = function_tool_read }, { .name = NULL }
};

static const struct json_known schema_read[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("description") },
	{ JSON_KNOWN("schema") }, { JSON_KNOWN("strict") }, { .name = NULL }
};

static const struct json_known format_read[] = {
	{ JSON_KNOWN("type") },
	{ JSON_KNOWN("json_schema"), .in = schema_read }, { .name = NULL }
};

static const struct json_known formats_read[] = {
	{ JSON_KNOWN("json_schema"), .in = format_read }, { .name = NULL }
};

static const struct json_known root_read[] = {
	{ JSON_KNOWN("messages"), .in = message_read, .open = true },
	{ JSON_KNOWN("tools"), .in = tools_read, .by_type = true },
	{ JSON_KNOWN("functions"), .in = declared_read },
	{ JSON_KNOWN("response_format"), .in = formats_read, .by_type = true },
	{ .name = NULL }
};

const struct json_known chat_request_known = { .in = root_read, .open = true };
