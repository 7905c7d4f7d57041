/*
 * OpenAI Chat Completions: request body to common form, but for its messages.
 *
 * A request that goes back to this dialect is copied member by member from the
 * body (see _encode.c), so nothing has to be kept here for that purpose; what
 * the common form cannot hold is kept for the loss report of the others.
 */
#include "wire/dialect_openai_chat.h"
#include "wire/schema.h"

#include <stdint.h>

/* --- typed access ------------------------------------------------------- */

int
chat_want(struct chat_read *d, struct jv v, unsigned types,
    const char *expected)
{
	if (json_empty(v) || (types & 1u << json_type(v)))
		return 0;
	ir_error_type(d->err, d->a, v, expected);
	return -1;
}

int
chat_get(struct chat_read *d, struct jv object, const char *name,
    unsigned types, const char *expected, struct jv *v)
{
	*v = json_get(object, name);
	if (chat_want(d, *v, types, expected) == -1)
		return -1;
	if (json_empty(*v))
		*v = JV_NONE;
	return 0;
}

int
chat_get_str(struct chat_read *d, struct jv object, const char *name,
    struct str *s)
{
	struct jv	 v;

	if (chat_get(d, object, name, CHAT_T_STRING, "a string", &v) == -1)
		return -1;
	*s = json_ok(v) ? json_str(d->a, v) : STR_NONE;
	return 0;
}

int
chat_get_jstr(struct chat_read *d, struct jv object, const char *name,
    struct jstr *s)
{
	struct jv	 v;

	if (chat_get(d, object, name, CHAT_T_STRING, "a string", &v) == -1)
		return -1;
	*s = json_ok(v) ? json_jstr(v) : JSTR_NONE;
	return 0;
}

int
chat_get_tri(struct chat_read *d, struct jv object, const char *name,
    enum ir_tri *t)
{
	struct jv	 v;

	if (chat_get(d, object, name, CHAT_T_BOOL, "true or false", &v) == -1)
		return -1;
	if (json_ok(v))
		*t = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	return 0;
}

int
chat_get_object(struct chat_read *d, struct jv object, const char *name,
    struct jv *v)
{
	return chat_get(d, object, name, CHAT_T_OBJECT, "an object", v);
}

int
chat_required(struct chat_read *d, struct jv object, const char *name)
{
	ir_error_field(d->err, d->a, d->rq->json, object.i,
	    "'%s' is required here", name);
	return -1;
}

/* Marks that OpenRouter and others take over from Anthropic; OpenAI's own. */
void
chat_read_cache(struct chat_read *d, struct jv v, enum ir_cache *cache)
{
	struct jv	 mark = json_get(v, "cache_control");

	if (json_is(json_get(mark, "type"), "ephemeral"))
		*cache = json_is(json_get(mark, "ttl"), "1h") ?
		    IR_CACHE_1H : IR_CACHE_5M;
	else if (json_type(json_get(v, "prompt_cache_breakpoint")) ==
	    JSON_OBJECT)
		*cache = IR_CACHE_5M;
	if (*cache != IR_CACHE_NONE)
		d->rq->need |= IR_NEED_CACHE;
	d->rq->cache_1h = d->rq->cache_1h || *cache == IR_CACHE_1H;
}

/* --- tools ---------------------------------------------------------------- */

static int
read_function(struct chat_read *d, struct jv tool, struct jv in)
{
	struct ir_tool	*t = ir_tool_add(d->rq, IR_FUNCTION, tool.i);
	struct jv	 schema;

	t->raw = json_raw(tool);
	chat_read_cache(d, tool, &t->cache);
	if (chat_get_str(d, in, "name", &t->name) == -1 ||
	    chat_get_jstr(d, in, "description", &t->description) == -1 ||
	    chat_get_object(d, in, "parameters", &schema) == -1 ||
	    chat_get_tri(d, in, "strict", &t->strict) == -1)
		return -1;
	if (t->name.n == 0)
		return chat_required(d, in, "name");
	if (json_ok(schema)) {
		t->schema = json_raw(schema);
		t->schema_is_openapi = schema_is_upper(schema);
	}
	return 0;
}

static int
read_custom(struct chat_read *d, struct jv tool, struct jv in)
{
	struct ir_tool	*t = ir_tool_add(d->rq, IR_CUSTOM, tool.i);

	d->rq->need |= IR_NEED_CUSTOM_TOOL;
	t->raw = json_raw(tool);
	if (chat_get_str(d, in, "name", &t->name) == -1 ||
	    chat_get_jstr(d, in, "description", &t->description) == -1)
		return -1;
	return t->name.n == 0 ? chat_required(d, in, "name") : 0;
}

static int
read_tool(struct chat_read *d, struct jv v)
{
	struct ir_tool	*t;
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
		d->rq->need |= IR_NEED_SERVER_TOOL;
		t = ir_tool_add(d->rq, IR_SERVER, v.i);
		t->server_type = type;
		t->raw = json_raw(v);
		return 0;
	}
	d->rq->need |= IR_NEED_TOOLS;
	if (chat_get_object(d, v, custom ? "custom" : "function", &in) == -1)
		return -1;
	if (!json_ok(in))
		return chat_required(d, v, custom ? "custom" : "function");
	return custom ? read_custom(d, v, in) : read_function(d, v, in);
}

/*
 * A search of the provider's, which is a tool in all other dialects.  Its
 * members are those of Responses' tool, but for where the user is.
 */
static int
read_web_search(struct chat_read *d, struct jv v)
{
	struct jv	 user = json_get(v, "user_location");
	struct jv	 at = json_get(user, "approximate"), e;
	struct ir_tool	*t = ir_tool_add(d->rq, IR_SERVER, v.i);
	struct buf	 b;
	struct jw	 w;

	t->server_type = STR("web_search");
	buf_init(&b, json_raw(v).n * 2 + 256);
	jw_init(&w, &b);
	jw_object(&w);
	if (json_type(at) == JSON_OBJECT) {
		jw_key(&w, "user_location");
		jw_object(&w);
		jw_key(&w, "type");
		jw_strz(&w, "approximate");
		for (e = json_first(at); json_ok(e); e = json_next(e)) {
			jw_key_jstr(&w, json_jstr(json_key(e)));
			jw_raw(&w, json_raw(e));
		}
		jw_object_end(&w);
	}
	for (e = json_first(v); json_ok(e); e = json_next(e)) {
		if (json_type(at) == JSON_OBJECT &&
		    json_key_is(e, "user_location"))
			continue;
		jw_key_jstr(&w, json_jstr(json_key(e)));
		jw_raw(&w, json_raw(e));
	}
	jw_object_end(&w);
	t->raw = arena_str(d->a, buf_str(&b));
	buf_release(&b);
	return 0;
}

static int
read_tools(struct chat_read *d, struct jv v)
{
	struct jv	 e;

	for (e = json_first(v); json_ok(e); e = json_next(e))
		if (read_tool(d, e) == -1)
			return -1;
	return 0;
}

static int
read_functions(struct chat_read *d, struct jv v)
{
	struct jv	 e;

	/* The answer has room for one function_call. */
	if (json_count(v) > 0 && d->rq->parallel == IR_UNSET)
		d->rq->parallel = IR_NO;
	for (e = json_first(v); json_ok(e); e = json_next(e)) {
		if (json_type(e) != JSON_OBJECT) {
			ir_error_type(d->err, d->a, e, "an object");
			return -1;
		}
		d->rq->need |= IR_NEED_TOOLS;
		if (read_function(d, e, e) == -1)
			return -1;
	}
	return 0;
}

static int
choice_word(struct chat_read *d, struct jv v, enum ir_choice_mode *mode)
{
	static const struct {
		const char		*word;
		enum ir_choice_mode	 mode;
	} words[] = {
		{ "auto", IR_CHOICE_AUTO }, { "none", IR_CHOICE_NONE },
		{ "required", IR_CHOICE_REQUIRED },
		{ "any", IR_CHOICE_REQUIRED },		/* Mistral */
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (json_is(v, words[i].word)) {
			*mode = words[i].mode;
			return 0;
		}
	ir_error_field(d->err, d->a, d->rq->json, v.i,
	    "expected auto, none, required or an object");
	return -1;
}

static int
choice_named(struct chat_read *d, struct jv object)
{
	struct ir_tool_choice	*c = &d->rq->choice;

	c->mode = IR_CHOICE_NAMED;
	if (chat_get_str(d, object, "name", &c->name) == -1)
		return -1;
	return c->name.n == 0 ? chat_required(d, object, "name") : 0;
}

/* {"mode":"auto"|"required","tools":[{"type":"function","function":{..}}]} */
static int
choice_allowed(struct chat_read *d, struct jv object)
{
	struct ir_tool_choice	*c = &d->rq->choice;
	struct ir_str_list	**last = &c->allowed;
	struct jv		 mode, tools, e, in;

	if (chat_get(d, object, "mode", CHAT_T_STRING, "a string", &mode)
	    == -1 || chat_get(d, object, "tools", CHAT_T_ARRAY, "an array",
	    &tools) == -1)
		return -1;
	c->mode = IR_CHOICE_AUTO;
	if (json_ok(mode) && choice_word(d, mode, &c->mode) == -1)
		return -1;
	for (e = json_first(tools); json_ok(e); e = json_next(e)) {
		in = json_get(e, "function");
		if (!json_ok(in))
			in = json_get(e, "custom");
		in = json_get(json_ok(in) ? in : e, "name");
		if (json_type(in) != JSON_STRING)
			continue;
		*last = ARENA_NEW(d->a, struct ir_str_list);
		(*last)->s = json_str(d->a, in);
		last = &(*last)->next;
	}
	return 0;
}

static int
read_tool_choice(struct chat_read *d, struct jv v)
{
	struct ir_tool_choice	*c = &d->rq->choice;
	struct jv		 in;

	c->node = v.i;
	if (json_type(v) == JSON_STRING)
		return choice_word(d, v, &c->mode);
	if (chat_get_object(d, v, "function", &in) == -1)
		return -1;
	if (json_ok(in))
		return choice_named(d, in);
	if (chat_get_object(d, v, "custom", &in) == -1)
		return -1;
	if (json_ok(in)) {
		c->kind = IR_CUSTOM;
		return choice_named(d, in);
	}
	if (chat_get_object(d, v, "allowed_tools", &in) == -1)
		return -1;
	if (json_ok(in))
		return choice_allowed(d, in);
	if (json_is(json_get(v, "type"), "function"))
		return chat_required(d, v, "function");
	c->mode = IR_CHOICE_NAMED;
	c->kind = IR_SERVER;
	c->raw = json_raw(v);
	return 0;
}

static int
read_legacy_choice(struct chat_read *d, struct jv v)
{
	if (json_ok(json_get(json_root(d->rq->json), "tool_choice")))
		return 0;
	d->rq->choice.node = v.i;
	if (json_type(v) == JSON_STRING)
		return choice_word(d, v, &d->rq->choice.mode);
	return choice_named(d, v);
}

static int
read_parallel(struct chat_read *d, struct jv v)
{
	d->rq->parallel = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	return 0;
}

/* --- parameters ----------------------------------------------------------- */

static int
number(struct jv v, struct ir_number *n)
{
	n->raw = json_raw(v);
	n->node = v.i;
	return 0;
}

static int
read_temperature(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.temperature);
}

static int
read_top_p(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.top_p);
}

/* Of vLLM, OpenRouter and others; OpenAI has none. */
static int
read_top_k(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.top_k);
}

static int
read_frequency(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.frequency_penalty);
}

static int
read_presence(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.presence_penalty);
}

static int
read_seed(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.seed);
}

static int
read_top_logprobs(struct chat_read *d, struct jv v)
{
	return number(v, &d->rq->sampling.top_logprobs);
}

static int
read_logprobs(struct chat_read *d, struct jv v)
{
	d->rq->sampling.logprobs = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	if (d->rq->sampling.logprobs == IR_YES)
		d->rq->need |= IR_NEED_LOGPROBS;
	return 0;
}

static int
whole(struct chat_read *d, struct jv v, int64_t *n)
{
	if (json_int(v, n) == 0)
		return 0;
	ir_error_type(d->err, d->a, v, "a whole number");
	return -1;
}

static int
read_n(struct chat_read *d, struct jv v)
{
	int64_t	 n;

	if (whole(d, v, &n) == -1)
		return -1;
	if (n < 1 || n > IR_CHOICES_MAX) {
		ir_error_field(d->err, d->a, d->rq->json, v.i,
		    "expected a number from 1 to %d", IR_CHOICES_MAX);
		return -1;
	}
	if (n > 1)
		d->rq->need |= IR_NEED_CHOICES;
	return number(v, &d->rq->sampling.n);
}

static int
read_max(struct chat_read *d, struct jv v)
{
	int64_t	 n;

	if (whole(d, v, &n) == -1)
		return -1;
	if (n == -1)		/* llama.cpp and others: no limit */
		return 0;
	if (n < 1) {
		ir_error_field(d->err, d->a, d->rq->json, v.i,
		    "expected a number of at least 1");
		return -1;
	}
	d->rq->sampling.max_tokens = n;
	d->rq->sampling.max_tokens_node = v.i;
	return 0;
}

/* The old name gives way where both stand. */
static int
read_max_tokens(struct chat_read *d, struct jv v)
{
	if (json_empty(json_get(json_root(d->rq->json),
	    "max_completion_tokens")))
		return read_max(d, v);
	ir_ext_add(d->rq, v);
	return 0;
}

static int
read_stop(struct chat_read *d, struct jv v)
{
	struct ir_stop_seq	**last = &d->rq->stop;
	struct jv		 e = v;

	if (json_type(v) == JSON_ARRAY)
		e = json_first(v);
	for (; json_ok(e); e = json_next(e)) {
		if (json_type(e) != JSON_STRING) {
			ir_error_type(d->err, d->a, e, "a string");
			return -1;
		}
		if (!jstr_empty(json_jstr(e))) {
			*last = ARENA_NEW(d->a, struct ir_stop_seq);
			(*last)->s = json_jstr(e);
			(*last)->node = e.i;
			last = &(*last)->next;
		}
		if (json_type(v) == JSON_STRING)
			break;
	}
	return 0;
}

static int
read_format(struct chat_read *d, struct jv v)
{
	struct ir_format	*f = &d->rq->format;
	struct jv		 type, in, schema;

	f->node = v.i;
	f->raw = json_raw(v);
	if (chat_get(d, v, "type", CHAT_T_STRING, "a string", &type) == -1)
		return -1;
	if (!json_ok(type))
		return chat_required(d, v, "type");
	f->kind = json_is(type, "text") ? IR_FORMAT_TEXT :
	    json_is(type, "json_object") ? IR_FORMAT_JSON :
	    json_is(type, "json_schema") ? IR_FORMAT_SCHEMA : IR_FORMAT_OTHER;
	if (f->kind != IR_FORMAT_SCHEMA)
		return 0;
	d->rq->need |= IR_NEED_SCHEMA;
	if (chat_get_object(d, v, "json_schema", &in) == -1)
		return -1;
	if (!json_ok(in))
		return chat_required(d, v, "json_schema");
	if (chat_get_str(d, in, "name", &f->name) == -1 ||
	    chat_get_jstr(d, in, "description", &f->description) == -1 ||
	    chat_get_object(d, in, "schema", &schema) == -1 ||
	    chat_get_tri(d, in, "strict", &f->strict) == -1)
		return -1;
	f->schema_is_openapi = json_ok(schema) && schema_is_upper(schema);
	f->schema = json_ok(schema) ? json_raw(schema) :
	    STR("{\"type\":\"object\"}");
	return 0;
}

static void
set_mode(struct chat_read *d, enum ir_reasoning_mode mode, struct jv v)
{
	d->rq->reasoning.mode = mode;
	d->rq->reasoning.node = v.i;
	if (mode != IR_REASON_OFF)
		d->rq->need |= IR_NEED_THINKING;
}

static int
read_effort(struct chat_read *d, struct jv v)
{
	d->rq->reasoning.effort = json_str(d->a, v);
	set_mode(d, json_is(v, "none") ? IR_REASON_OFF : IR_REASON_ON, v);
	return 0;
}

static int
read_budget(struct chat_read *d, struct jv v)
{
	int64_t	 n;

	if (whole(d, v, &n) == -1)
		return -1;
	if (n >= 0)
		d->rq->reasoning.budget = n;
	set_mode(d, n == 0 ? IR_REASON_OFF : IR_REASON_ON, v);
	return 0;
}

/* OpenRouter: {"effort":..,"max_tokens":..,"enabled":..,"exclude":..} */
static int
read_reasoning_object(struct chat_read *d, struct jv v)
{
	struct jv	 effort, budget;
	enum ir_tri	 enabled = IR_UNSET, hidden = IR_UNSET;

	if (chat_get(d, v, "effort", CHAT_T_STRING, "a string", &effort)
	    == -1 || chat_get(d, v, "max_tokens", CHAT_T_NUMBER, "a number",
	    &budget) == -1 ||
	    chat_get_tri(d, v, "enabled", &enabled) == -1 ||
	    chat_get_tri(d, v, "exclude", &hidden) == -1)
		return -1;
	if (json_ok(effort))
		(void)read_effort(d, effort);
	if (json_ok(budget) && read_budget(d, budget) == -1)
		return -1;
	if (enabled != IR_UNSET)
		set_mode(d, enabled == IR_NO ? IR_REASON_OFF : IR_REASON_ON,
		    v);
	if (hidden != IR_UNSET)
		d->rq->reasoning.visible = hidden == IR_YES ? IR_NO : IR_YES;
	return 0;
}

/* DeepSeek, Z.ai and others: {"type":"enabled"|"disabled"|"adaptive"} */
static int
read_thinking(struct chat_read *d, struct jv v)
{
	struct jv	 type = json_get(v, "type");
	struct jv	 budget = json_get(v, "budget_tokens");

	if (json_type(budget) == JSON_NUMBER && read_budget(d, budget) == -1)
		return -1;
	if (json_is(type, "disabled"))
		set_mode(d, IR_REASON_OFF, v);
	else if (json_is(type, "enabled"))
		set_mode(d, IR_REASON_ON, v);
	else
		set_mode(d, IR_REASON_ADAPTIVE, v);
	return 0;
}

static int
read_enable_thinking(struct chat_read *d, struct jv v)
{
	set_mode(d, json_type(v) == JSON_TRUE ? IR_REASON_ON : IR_REASON_OFF,
	    v);
	return 0;
}

static int
read_model(struct chat_read *d, struct jv v)
{
	d->rq->model = json_str(d->a, v);
	return 0;
}

static int
read_stream(struct chat_read *d, struct jv v)
{
	d->rq->stream = json_type(v) == JSON_TRUE;
	return 0;
}

static int
read_stream_options(struct chat_read *d, struct jv v)
{
	enum ir_tri	 usage = IR_UNSET;
	struct jv	 e;

	if (chat_get_tri(d, v, "include_usage", &usage) == -1)
		return -1;
	d->rq->stream_usage = usage == IR_YES;
	for (e = json_first(v); json_ok(e); e = json_next(e))
		if (!json_key_is(e, "include_usage"))
			ir_ext_add(d->rq, e);
	return 0;
}

static int
read_user(struct chat_read *d, struct jv v)
{
	d->rq->user = json_jstr(v);
	d->rq->user_node = v.i;
	return 0;
}

/* The newer name of user; both may stand. */
static int
read_safety_identifier(struct chat_read *d, struct jv v)
{
	if (json_empty(json_get(json_root(d->rq->json), "user")))
		return read_user(d, v);
	ir_ext_add(d->rq, v);
	return 0;
}

static int
read_metadata(struct chat_read *d, struct jv v)
{
	d->rq->metadata = json_raw(v);
	d->rq->metadata_node = v.i;
	return 0;
}

static int
read_store(struct chat_read *d, struct jv v)
{
	d->rq->store = json_type(v) == JSON_TRUE ? IR_YES : IR_NO;
	return 0;
}

static int
read_service_tier(struct chat_read *d, struct jv v)
{
	d->rq->service_tier = json_str(d->a, v);
	d->rq->service_tier_node = v.i;
	return 0;
}

#define A_STRING	CHAT_T_STRING, "a string"
#define A_NUMBER	CHAT_T_NUMBER, "a number"
#define A_BOOL		CHAT_T_BOOL, "true or false"
#define AN_ARRAY	CHAT_T_ARRAY, "an array"
#define AN_OBJECT	CHAT_T_OBJECT, "an object"

static const struct member {
	const char	*name;
	unsigned	 types;
	const char	*expected;
	int		(*read)(struct chat_read *, struct jv);
} members[] = {
	{ "model",			A_STRING,	read_model },
	{ "messages",			AN_ARRAY,	chat_read_messages },
	{ "stream",			A_BOOL,		read_stream },
	{ "stream_options",		AN_OBJECT,	read_stream_options },
	{ "tools",			AN_ARRAY,	read_tools },
	{ "tool_choice",		CHAT_T_STRING | CHAT_T_OBJECT,
	    "a string or an object",			read_tool_choice },
	{ "web_search_options",		AN_OBJECT,	read_web_search },
	{ "parallel_tool_calls",	A_BOOL,		read_parallel },
	{ "functions",			AN_ARRAY,	read_functions },
	{ "function_call",		CHAT_T_STRING | CHAT_T_OBJECT,
	    "a string or an object",			read_legacy_choice },
	{ "temperature",		A_NUMBER,	read_temperature },
	{ "top_p",			A_NUMBER,	read_top_p },
	{ "top_k",			A_NUMBER,	read_top_k },
	{ "n",				A_NUMBER,	read_n },
	{ "stop",			CHAT_T_STRING | CHAT_T_ARRAY,
	    "a string or an array of strings",		read_stop },
	{ "max_tokens",			A_NUMBER,	read_max_tokens },
	{ "max_completion_tokens",	A_NUMBER,	read_max },
	{ "frequency_penalty",		A_NUMBER,	read_frequency },
	{ "presence_penalty",		A_NUMBER,	read_presence },
	{ "logprobs",			A_BOOL,		read_logprobs },
	{ "top_logprobs",		A_NUMBER,	read_top_logprobs },
	{ "seed",			A_NUMBER,	read_seed },
	{ "response_format",		AN_OBJECT,	read_format },
	{ "reasoning_effort",		A_STRING,	read_effort },
	{ "reasoning",			AN_OBJECT,	read_reasoning_object },
	{ "thinking",			AN_OBJECT,	read_thinking },
	{ "enable_thinking",		A_BOOL,		read_enable_thinking },
	{ "thinking_budget",		A_NUMBER,	read_budget },
	{ "user",			A_STRING,	read_user },
	{ "safety_identifier",		A_STRING,	read_safety_identifier },
	{ "metadata",			AN_OBJECT,	read_metadata },
	{ "store",			A_BOOL,		read_store },
	{ "service_tier",		A_STRING,	read_service_tier },
};

static int
read_member(struct chat_read *d, struct jv v)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!json_key_is(v, members[i].name))
			continue;
		if (chat_want(d, v, members[i].types, members[i].expected)
		    == -1)
			return -1;
		/* Of a name that stands twice the last one counts. */
		if (json_empty(v) || json_get(json_root(d->rq->json),
		    members[i].name).i != v.i)
			return 0;
		return members[i].read(d, v);
	}
	if (!json_empty(v))
		ir_ext_add(d->rq, v);
	return 0;
}

int
chat_request_decode(struct ir_request *rq, struct ir_error *err)
{
	struct chat_read	 d = { .rq = rq, .a = rq->arena, .err = err };
	struct jv	 root = json_root(rq->json), e;

	if (json_type(root) != JSON_OBJECT) {
		ir_error_type(err, rq->arena, root, "an object");
		return -1;
	}
	rq->native = true;
	for (e = json_first(root); json_ok(e); e = json_next(e))
		if (read_member(&d, e) == -1)
			return -1;
	if (rq->model.n == 0)
		return chat_required(&d, root, "model");
	if (d.n_messages == 0)
		return chat_required(&d, root, "messages");
	return 0;
}
