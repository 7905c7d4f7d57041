/* Gemini requests into the common form: all but the conversation. */
#include <string.h>

#include "base/codec.h"
#include "wire/dialect_gemini_rq.h"
#include "wire/schema.h"

/* --- values ------------------------------------------------------------- */

int
gem_wrong_type(struct gem_reader *d, struct jv v, const char *expected)
{
	ir_error_type(d->err, d->a, v, expected);
	return -1;
}

int
gem_missing(struct gem_reader *d, struct jv object, const char *name,
    const char *expected)
{
	ir_error_field(d->err, d->a, d->rq->json, object.i,
	    "'%s' is missing, expected %s", name, expected);
	return -1;
}

/* proto3 JSON takes a number as a string, too. */
static int
number(struct gem_reader *d, struct jv v, struct ir_number *out)
{
	struct json		 j;
	struct json_error	 je;
	struct str		 raw = json_raw(v);
	bool			 is_number;

	if (!json_ok(v))
		return 0;
	if (json_type(v) == JSON_STRING) {
		raw = json_str(d->a, v);
		json_init(&j);
		is_number = json_parse(&j, raw, &je) == 0 &&
		    json_type(json_root(&j)) == JSON_NUMBER;
		json_release(&j);
		if (!is_number)
			return gem_wrong_type(d, v, "a number");
	} else if (json_type(v) != JSON_NUMBER)
		return gem_wrong_type(d, v, "a number");
	out->raw = raw;
	out->node = v.i;
	return 0;
}

static int
integer(struct gem_reader *d, struct jv v, int64_t *out)
{
	if (!json_ok(v))
		return 0;
	if (json_type(v) == JSON_STRING &&
	    str_to_int(json_str(d->a, v), INT64_MIN, INT64_MAX, out) == 0)
		return 0;
	if (json_int(v, out) == -1)
		return gem_wrong_type(d, v, "a whole number");
	return 0;
}

int
gem_boolean(struct gem_reader *d, struct jv v, enum ir_tri *out)
{
	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_TRUE && json_type(v) != JSON_FALSE)
		return gem_wrong_type(d, v, "a boolean");
	*out = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	return 0;
}

int
gem_string(struct gem_reader *d, struct jv v, struct str *out)
{
	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return gem_wrong_type(d, v, "a string");
	*out = json_str(d->a, v);
	return 0;
}

int
gem_text(struct gem_reader *d, struct jv v, struct jstr *out)
{
	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_STRING)
		return gem_wrong_type(d, v, "a string");
	*out = json_jstr(v);
	return 0;
}

bool
gem_known(struct jv member, const char *const *names)
{
	for (; *names != NULL; names++)
		if (gem_key_is(member, *names))
			return true;
	return false;
}

/* What is there but says nothing: false is the default of all that can be. */
static bool
is_nothing(struct jv v)
{
	switch (json_type(v)) {
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_MISSING:
		return true;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_count(v) == 0;
	default:
		return false;
	}
}

void
gem_others(struct gem_reader *d, struct jv object, const char *const *names)
{
	struct jv	 m;

	for (m = json_first(object); json_ok(m); m = json_next(m))
		if (!gem_known(m, names) && !is_nothing(m))
			(void)ir_ext_add(d->rq, m);
}

/* The elements of an array, or the one thing that stands in its place. */
struct jv
gem_each_first(struct jv v)
{
	return json_type(v) == JSON_ARRAY ? json_first(v) : v;
}

struct jv
gem_each_next(struct jv container, struct jv e)
{
	return json_type(container) == JSON_ARRAY ? json_next(e) : JV_NONE;
}

/* --- tools -------------------------------------------------------------- */

static int
schema_decode(struct gem_reader *d, struct jv openapi, struct jv schema,
    struct str *out, bool *is_openapi)
{
	struct jv	 v = json_ok(schema) ? schema : openapi;

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	*out = json_raw(v);
	/* Some clients write JSON Schema with OpenAPI's upper-case types. */
	*is_openapi = !json_ok(schema) || schema_is_upper(v);
	return 0;
}

static int
declaration_decode(struct gem_reader *d, struct jv v)
{
	static const char *const names[] = { "name", "description",
				    "parameters", "parametersJsonSchema",
				    "response", "responseJsonSchema",
				    "behavior", NULL };
	static const char *const behaviors[] = { "UNSPECIFIED", "BLOCKING",
				    NULL };
	struct ir_tool		*t;
	struct jv		 r;

	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	t = ir_tool_add(d->rq, IR_FUNCTION, v.i);
	t->raw = json_raw(v);
	if (gem_string(d, gem_get(v, "name"), &t->name) == -1 ||
	    gem_text(d, gem_get(v, "description"), &t->description) == -1)
		return -1;
	if (t->name.n == 0)
		return gem_missing(d, v, "name", "a function's name");
	if (schema_decode(d, gem_get(v, "parameters"),
	    gem_get(v, "parametersJsonSchema"), &t->schema,
	    &t->schema_is_openapi) == -1)
		return -1;
	r = gem_get(v, "responseJsonSchema");
	if (!json_ok(r))
		r = gem_get(v, "response");
	if (json_ok(r))
		t->response_schema = json_raw(r);
	gem_others(d, v, names);
	r = gem_get(v, "behavior");
	if (json_ok(r) && gem_enum(d->a, r, behaviors) == -1)
		(void)ir_ext_add(d->rq, r);
	d->rq->need |= IR_NEED_TOOLS;
	return 0;
}

/* {"googleSearch":{}}: each member of a tool is one. */
static void
server_tool(struct gem_reader *d, struct jv m)
{
	struct ir_tool	*t = ir_tool_add(d->rq, IR_SERVER, m.i);
	struct str	 key = json_raw(json_key(m)), v = json_raw(m);

	t->server_type = json_str(d->a, json_key(m));
	t->raw = arena_strf(d->a, "{%.*s:%.*s}", STR_FMT(key), STR_FMT(v));
	d->rq->need |= IR_NEED_SERVER_TOOL;
}

static int
tools_decode(struct gem_reader *d, struct jv tools)
{
	struct jv	 t, m, f;

	if (json_ok(tools) && json_type(tools) != JSON_ARRAY &&
	    json_type(tools) != JSON_OBJECT)
		return gem_wrong_type(d, tools, "an array");
	for (t = gem_each_first(tools); json_ok(t);
	    t = gem_each_next(tools, t)) {
		if (json_type(t) != JSON_OBJECT)
			return gem_wrong_type(d, t, "an object");
		for (m = json_first(t); json_ok(m); m = json_next(m)) {
			/* An empty object is a tool, a list is of some. */
			if (json_type(m) != JSON_OBJECT && is_nothing(m))
				continue;
			if (!gem_key_is(m, "functionDeclarations")) {
				server_tool(d, m);
				continue;
			}
			for (f = gem_each_first(m); json_ok(f);
			    f = gem_each_next(m, f))
				if (declaration_decode(d, f) == -1)
					return -1;
		}
	}
	return 0;
}

static int
allowed_decode(struct gem_reader *d, struct jv names)
{
	struct ir_str_list	**last = &d->rq->choice.allowed;
	struct jv		 e;

	if (json_ok(names) && json_type(names) != JSON_ARRAY)
		return gem_wrong_type(d, names, "an array");
	for (e = json_first(names); json_ok(e); e = json_next(e)) {
		if (json_type(e) != JSON_STRING)
			return gem_wrong_type(d, e, "a string");
		*last = ARENA_NEW(d->a, struct ir_str_list);
		(*last)->s = json_str(d->a, e);
		last = &(*last)->next;
	}
	return 0;
}

static int
tool_config_decode(struct gem_reader *d, struct jv v)
{
	static const char *const	 modes[] = { "MODE_UNSPECIFIED", "AUTO",
					    "ANY", "NONE", "VALIDATED", NULL };
	static const char *const	 names[] = { "functionCallingConfig",
					    NULL };
	static const char *const	 members[] = { "mode",
					    "allowedFunctionNames", NULL };
	static const enum ir_choice_mode to[] = { IR_CHOICE_UNSET,
					    IR_CHOICE_AUTO, IR_CHOICE_REQUIRED,
					    IR_CHOICE_NONE, IR_CHOICE_AUTO };
	struct ir_tool_choice		*c = &d->rq->choice;
	struct jv			 f, mode;
	int				 n;

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	gem_others(d, v, names);
	f = gem_get(v, "functionCallingConfig");
	if (!json_ok(f))
		return 0;
	if (json_type(f) != JSON_OBJECT)
		return gem_wrong_type(d, f, "an object");
	c->node = f.i;
	gem_others(d, f, members);
	if (json_ok(mode = gem_get(f, "mode"))) {
		if ((n = gem_enum(d->a, mode, modes)) == -1) {
			ir_error_field(d->err, d->a, d->rq->json, mode.i,
			    "expected AUTO, ANY, NONE or VALIDATED");
			return -1;
		}
		c->mode = to[n];
		/* For whoever cannot promise that calls fit their schema. */
		if (strcmp(modes[n], "VALIDATED") == 0)
			(void)ir_ext_add(d->rq, mode);
	}
	if (allowed_decode(d, gem_get(f, "allowedFunctionNames")) == -1)
		return -1;
	if (c->mode == IR_CHOICE_UNSET && c->allowed != NULL)
		c->mode = IR_CHOICE_AUTO;
	if (c->mode == IR_CHOICE_REQUIRED && c->allowed != NULL &&
	    c->allowed->next == NULL) {
		c->mode = IR_CHOICE_NAMED;
		c->name = c->allowed->s;
		c->allowed = NULL;
	}
	return 0;
}

/* --- generationConfig --------------------------------------------------- */

static const char *const config_members[] = {
	"temperature", "topP", "topK", "candidateCount", "maxOutputTokens",
	"stopSequences", "seed", "presencePenalty", "frequencyPenalty",
	"responseLogprobs", "logprobs", "responseMimeType", "responseSchema",
	"responseJsonSchema", "responseJsonSchemaOrdered", "thinkingConfig",
	"responseModalities", NULL
};

static int
stop_decode(struct gem_reader *d, struct jv v)
{
	struct ir_stop_seq	**last = &d->rq->stop;
	struct jv		 e;

	for (e = gem_each_first(v); json_ok(e); e = gem_each_next(v, e)) {
		if (json_type(e) != JSON_STRING)
			return gem_wrong_type(d, e, "a string");
		*last = ARENA_NEW(d->a, struct ir_stop_seq);
		(*last)->s = json_jstr(e);
		(*last)->node = e.i;
		last = &(*last)->next;
	}
	return 0;
}

static int
sampling_decode(struct gem_reader *d, struct jv v)
{
	struct ir_sampling	*s = &d->rq->sampling;
	struct jv		 max = gem_get(v, "maxOutputTokens");
	int64_t			 n = 1;

	if (number(d, gem_get(v, "temperature"), &s->temperature) == -1 ||
	    number(d, gem_get(v, "topP"), &s->top_p) == -1 ||
	    number(d, gem_get(v, "topK"), &s->top_k) == -1 ||
	    number(d, gem_get(v, "seed"), &s->seed) == -1 ||
	    number(d, gem_get(v, "presencePenalty"),
	    &s->presence_penalty) == -1 ||
	    number(d, gem_get(v, "frequencyPenalty"),
	    &s->frequency_penalty) == -1 ||
	    number(d, gem_get(v, "candidateCount"), &s->n) == -1 ||
	    number(d, gem_get(v, "logprobs"), &s->top_logprobs) == -1 ||
	    gem_boolean(d, gem_get(v, "responseLogprobs"),
	    &s->logprobs) == -1 ||
	    integer(d, gem_get(v, "candidateCount"), &n) == -1 ||
	    stop_decode(d, gem_get(v, "stopSequences")) == -1)
		return -1;
	if (json_ok(max)) {
		if (integer(d, max, &s->max_tokens) == -1)
			return -1;
		if (s->max_tokens < 0) {
			ir_error_field(d->err, d->a, d->rq->json, max.i,
			    "expected a number that is not negative");
			return -1;
		}
		s->max_tokens_node = max.i;
	}
	if (n > 1)
		d->rq->need |= IR_NEED_CHOICES;
	if (s->logprobs == IR_YES)
		d->rq->need |= IR_NEED_LOGPROBS;
	return 0;
}

static int
format_decode(struct gem_reader *d, struct jv v)
{
	struct ir_format	*f = &d->rq->format;
	struct jv		 mime = gem_get(v, "responseMimeType");
	struct jv		 old = gem_get(v, "responseSchema");
	struct jv		 schema = gem_get(v, "responseJsonSchema");
	struct str		 s = STR_NONE;

	if (!json_ok(schema))
		schema = gem_get(v, "responseJsonSchemaOrdered");
	if (gem_string(d, mime, &s) == -1 || schema_decode(d, old, schema,
	    &f->schema, &f->schema_is_openapi) == -1)
		return -1;
	f->node = json_ok(schema) ? schema.i : json_ok(old) ? old.i : mime.i;
	if (s.n > 0 && !str_is_nocase(s, "application/json") &&
	    !str_is_nocase(s, "text/plain")) {
		f->kind = IR_FORMAT_OTHER;
		f->raw = json_raw(mime);
	} else if (f->schema.n > 0) {
		f->kind = IR_FORMAT_SCHEMA;
		d->rq->need |= IR_NEED_SCHEMA;
	} else if (str_is_nocase(s, "application/json"))
		f->kind = IR_FORMAT_JSON;
	else if (s.n > 0)
		f->kind = IR_FORMAT_TEXT;
	return 0;
}

/* The effort is the level's name in lower case, also one we do not know. */
static int
level_decode(struct gem_reader *d, struct jv v, struct ir_reasoning *r)
{
	static const char *const levels[] = { "thinking_level_unspecified",
				    "low", "high", "medium", "minimal", NULL };
	struct str		 s;
	char			*p;
	size_t			 i;
	int			 n;

	if (!json_ok(v))
		return 0;
	n = gem_enum(d->a, v, levels);
	if (n == 0)
		return 0;
	if (n > 0)
		s = str_of(levels[n]);
	else if (json_type(v) != JSON_STRING)
		return gem_wrong_type(d, v, "a string");
	else {
		s = arena_str(d->a, json_str(d->a, v));
		p = arena_bytes(d->a, s.n + 1);
		for (i = 0; i < s.n; i++)
			p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ?
			    (char)(s.p[i] - 'A' + 'a') : s.p[i];
		s.p = p;
	}
	r->effort = s;
	r->mode = IR_REASON_ON;
	return 0;
}

/* A budget of 0 is "do not think", -1 "as you see fit". */
static int
thinking_decode(struct gem_reader *d, struct jv v)
{
	static const char *const names[] = { "thinkingLevel",
				    "thinkingBudget", "includeThoughts",
				    NULL };
	struct ir_reasoning	*r = &d->rq->reasoning;
	struct jv		 budget = gem_get(v, "thinkingBudget");
	int64_t			 n = 0;

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	r->node = v.i;
	gem_others(d, v, names);
	if (level_decode(d, gem_get(v, "thinkingLevel"), r) == -1 ||
	    gem_boolean(d, gem_get(v, "includeThoughts"), &r->visible) == -1 ||
	    integer(d, budget, &n) == -1)
		return -1;
	if (json_ok(budget)) {
		r->mode = n == 0 ? IR_REASON_OFF : n < 0 ? IR_REASON_ADAPTIVE :
		    IR_REASON_ON;
		if (n > 0)
			r->budget = n;
	} else if (r->mode == IR_REASON_UNSET && r->visible == IR_YES)
		r->mode = IR_REASON_ADAPTIVE;
	if (r->mode == IR_REASON_ON || r->mode == IR_REASON_ADAPTIVE)
		d->rq->need |= IR_NEED_THINKING;
	return 0;
}

/* Every model answers with text, so asking for it is no demand. */
static bool
only_text(struct arena *a, struct jv v)
{
	static const char *const names[] = { "MODALITY_UNSPECIFIED", "TEXT",
				    "IMAGE", "AUDIO", "VIDEO", NULL };
	struct jv		 e;

	for (e = gem_each_first(v); json_ok(e); e = gem_each_next(v, e))
		if (gem_enum(a, e, names) != 1)
			return false;
	return true;
}

static int
config_decode(struct gem_reader *d, struct jv v)
{
	struct jv	 m;

	if (!json_ok(v))
		return 0;
	if (json_type(v) != JSON_OBJECT)
		return gem_wrong_type(d, v, "an object");
	if (sampling_decode(d, v) == -1 || format_decode(d, v) == -1 ||
	    thinking_decode(d, gem_get(v, "thinkingConfig")) == -1)
		return -1;
	gem_others(d, v, config_members);
	for (m = json_first(v); json_ok(m); m = json_next(m))
		if (gem_key_is(m, "responseModalities") && !is_nothing(m) &&
		    !only_text(d->a, m))
			(void)ir_ext_add(d->rq, m);
	return 0;
}

/* --- the whole ---------------------------------------------------------- */

static const char *const root_members[] = {
	"model", "stream", "contents", "systemInstruction", "tools",
	"toolConfig", "generationConfig", "serviceTier", "store", NULL
};

/* What messages form has at its top, besides generationConfig's members. */
static const char *const lenient_members[] = {
	"model", "stream", "contents", "systemInstruction", "tools",
	"toolConfig", "generationConfig", "serviceTier", "store", "messages",
	"maxTokens", "stop", "temperature", "topP", "topK", "candidateCount",
	"maxOutputTokens", "stopSequences", "seed", "presencePenalty",
	"frequencyPenalty", "responseLogprobs", "logprobs", NULL
};

static int
messages_form(struct gem_reader *d, struct jv root)
{
	struct jv	 max = gem_get(root, "maxTokens");
	struct jv	 stop = gem_get(root, "stop");

	d->rq->native = false;
	if (gem_messages_decode(d, gem_get(root, "messages")) == -1 ||
	    sampling_decode(d, root) == -1)
		return -1;
	if (json_ok(max)) {
		if (integer(d, max, &d->rq->sampling.max_tokens) == -1)
			return -1;
		d->rq->sampling.max_tokens_node = max.i;
	}
	return json_ok(stop) ? stop_decode(d, stop) : 0;
}

static int
model_decode(struct gem_reader *d, struct jv root)
{
	struct jv	 v = gem_get(root, "model");
	struct str	 s = STR_NONE;

	if (gem_string(d, v, &s) == -1)
		return -1;
	if (str_starts(s, "models/"))
		s = str_skip(s, strlen("models/"));
	d->rq->model = d->rq->path_model.n > 0 ? d->rq->path_model : s;
	if (json_ok(v) && !str_eq(s, d->rq->model))
		d->rq->native = false;
	if (d->rq->model.n == 0 && d->rq->lenient)
		return gem_missing(d, root, "model", "a string");
	return 0;
}

static int
stream_decode(struct gem_reader *d, struct jv root)
{
	enum ir_tri	 stream = IR_UNSET;

	d->rq->stream = d->rq->path_stream;
	if (!d->rq->lenient)
		return 0;
	if (gem_boolean(d, gem_get(root, "stream"), &stream) == -1)
		return -1;
	d->rq->stream |= stream == IR_YES;
	d->rq->native = false;
	return 0;
}

static int
body_decode(struct gem_reader *d, struct jv root)
{
	struct ir_request	*rq = d->rq;
	struct jv		 contents = gem_get(root, "contents");
	struct jv		 tier = gem_get(root, "serviceTier");
	bool			 messages;
	enum json_type		 t = json_type(contents);

	if (model_decode(d, root) == -1 || stream_decode(d, root) == -1 ||
	    gem_system_decode(d, gem_get(root, "systemInstruction")) == -1)
		return -1;
	messages = rq->lenient && !json_ok(contents);
	if (messages && !json_ok(gem_get(root, "messages")))
		return gem_missing(d, root, "contents", "an array");
	if (messages) {
		if (messages_form(d, root) == -1)
			return -1;
	} else if (!json_ok(contents))
		return gem_missing(d, root, "contents", "an array");
	else if (t != JSON_ARRAY && t != JSON_OBJECT && t != JSON_STRING)
		return gem_wrong_type(d, contents, "an array");
	else if (gem_contents_decode(d, contents) == -1)
		return -1;
	if (tools_decode(d, gem_get(root, "tools")) == -1 ||
	    tool_config_decode(d, gem_get(root, "toolConfig")) == -1 ||
	    config_decode(d, gem_get(root, "generationConfig")) == -1 ||
	    gem_string(d, tier, &rq->service_tier) == -1 ||
	    gem_boolean(d, gem_get(root, "store"), &rq->store) == -1)
		return -1;
	rq->service_tier_node = tier.i;
	gem_others(d, root, messages ? lenient_members : root_members);
	if (json_ok(gem_get(root, "cachedContent")))
		rq->need |= IR_NEED_STATE;
	return 0;
}

int
gem_request_decode(struct ir_request *rq, struct ir_error *err)
{
	struct gem_reader	*d = ARENA_NEW(rq->arena, struct gem_reader);
	struct jv	 root = json_root(rq->json);

	d->rq = rq;
	d->err = err;
	d->a = rq->arena;
	rq->native = true;
	if (json_type(root) != JSON_OBJECT)
		return gem_wrong_type(d, root, "an object");
	return body_decode(d, root);
}
