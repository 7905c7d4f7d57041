/*
 * The common form into Gemini requests: all but the conversation.  A request
 * that came in this dialect is copied member by member.
 */
#include <string.h>

#include "base/codec.h"
#include "wire/dialect_gemini_rq.h"
#include "wire/schema.h"
#include "wire/server_tool.h"

#define STOPS_MAX	5

/* --- schemas and tools -------------------------------------------------- */

static bool
wants_openapi(const struct gem_writer *e)
{
	return !e->model.json_schema;
}

/* The older models' functions take an object, without a choice at its root. */
static struct str
root_write(struct gem_writer *e, struct str schema, uint32_t node)
{
	struct json	 j;
	struct buf	 b;
	struct jw	 w;

	json_init(&j);
	if (json_parse(&j, schema, NULL) == 0 &&
	    schema_root_choice(json_root(&j))) {
		buf_init(&b, SCHEMA_OUT_MAX);
		jw_init(&w, &b);
		schema_root_write(json_root(&j), &w);
		schema = arena_str(e->a, buf_str(&b));
		buf_release(&b);
		gem_lose(e, LOSS_APPROXIMATED, node, NULL,
		    "parameters are an object without a choice at its root");
	}
	json_release(&j);
	return schema;
}

/* Writes key and schema in the form that the model takes. */
static void
schema_write(struct gem_writer *e, const char *key, const char *json_key_name,
    struct str schema, bool is_openapi, uint32_t node, bool function)
{
	struct json		 j;
	struct buf		 b;
	struct jw		 w;

	if (!wants_openapi(e)) {
		jw_key(&e->w, json_key_name);
		if (is_openapi)
			schema_from_openapi(e->a, schema, &e->w);
		else
			jw_raw(&e->w, schema);
		return;
	}
	if (function)
		schema = root_write(e, schema, node);
	buf_init(&b, SCHEMA_OUT_MAX + 64);
	jw_init(&w, &b);
	/* What cannot be lowered is in the report, and still an object. */
	(void)!schema_to_gemini(e->a, schema, e->x->loss, e->rq->json, node,
	    &w);
	/* An object without properties is refused; so is none at all not. */
	json_init(&j);
	if (!function || (json_parse(&j, buf_str(&b), NULL) == 0 &&
	    json_count(json_get(json_root(&j), "properties")) > 0)) {
		jw_key(&e->w, key);
		jw_raw(&e->w, buf_str(&b));
	}
	json_release(&j);
	buf_release(&b);
}

static bool
is_object(struct str schema)
{
	schema = str_trim(schema);
	return schema.n > 0 && schema.p[0] == '{';
}

/* A grammar is words to Gemini: it goes into the description. */
static void
custom_write(struct gem_writer *e, const struct ir_tool *t)
{
	struct json		 j;
	struct json_error	 je;
	struct jv		 g;

	json_init(&j);
	g = t->raw.n > 0 && json_parse(&j, t->raw, &je) == 0 ?
	    json_get(json_root(&j), "format") : JV_NONE;
	if (!json_ok(g) && j.n > 0)
		g = json_get(json_get(json_root(&j), "custom"), "format");
	if (json_ok(json_get(g, "grammar")))
		g = json_get(g, "grammar");
	jw_key(&e->w, "description");
	jw_open(&e->w);
	jw_piece_jstr(&e->w, t->description);
	if (json_type(json_get(g, "definition")) == JSON_STRING) {
		jw_piece_str(&e->w,
		    STR("\n\nThe input must match this grammar:\n"));
		jw_piece_jstr(&e->w, json_jstr(json_get(g, "definition")));
	}
	jw_close(&e->w);
	jw_key(&e->w, wants_openapi(e) ? "parameters" :
	    "parametersJsonSchema");
	jw_raw(&e->w, STR("{\"type\":\"object\",\"properties\":{\"input\":"
	    "{\"type\":\"string\"}},\"required\":[\"input\"]}"));
	json_release(&j);
	gem_lose(e, LOSS_APPROXIMATED, t->node, NULL,
	    "a free-form tool became a function with one string");
}

static void
declaration_write(struct gem_writer *e, const struct ir_tool *t)
{
	static const char *const	 strict[] = { "strict", NULL };

	jw_object(&e->w);
	jw_key(&e->w, "name");
	jw_str(&e->w, gem_fit_name(e, t->name));
	if (t->kind == IR_CUSTOM)
		custom_write(e, t);
	else {
		if (t->description.n > 0) {
			jw_key(&e->w, "description");
			jw_jstr(&e->w, t->description);
		}
		if (is_object(t->schema))
			schema_write(e, "parameters", "parametersJsonSchema",
			    t->schema, t->schema_is_openapi, ir_node_of(e->rq,
			    t->schema, t->node), true);
		if (t->strict == IR_YES)
			dialect_lose_member(e->x, LOSS_DROPPED, t->node,
			    strict, "gemini has no strict functions");
	}
	jw_object_end(&e->w);
}

static void
server_tools_write(struct gem_writer *e, bool *open)
{
	const struct ir_tool	*t;
	struct ir_tool		 as;

	for (t = e->rq->tools; t != NULL; t = t->next) {
		if (t->kind != IR_SERVER || server_tool_is_function(e->x, t) ||
		    server_tool_verdict(e->x, t, e->functions, &as) !=
		    SERVER_TOOL_OWN)
			continue;
		if (!*open) {
			jw_key(&e->w, "tools");
			jw_array(&e->w);
			*open = true;
		}
		jw_raw(&e->w, as.raw);
	}
}

/* Is there any? */
static bool
tools_write(struct gem_writer *e)
{
	const struct ir_tool	*t;
	struct ir_tool		 as;
	bool			 open = false, server;

	for (t = e->rq->tools; t != NULL; t = t->next) {
		server = t->kind == IR_SERVER;
		if (server && (!server_tool_is_function(e->x, t) ||
		    server_tool_verdict(e->x, t, true, &as) !=
		    SERVER_TOOL_FUNCTION))
			continue;
		if (!open) {
			jw_key(&e->w, "tools");
			jw_array(&e->w);
			jw_object(&e->w);
			jw_key(&e->w, "functionDeclarations");
			jw_array(&e->w);
		}
		open = true;
		e->functions = true;
		declaration_write(e, server ? &as : t);
	}
	if (open) {
		jw_array_end(&e->w);
		jw_object_end(&e->w);
	}
	server_tools_write(e, &open);
	if (open)
		jw_array_end(&e->w);
	return open;
}

/* Only functions can be chosen. */
static void
tool_choice_lose(struct gem_writer *e, bool any)
{
	const struct ir_tool_choice	*c = &e->rq->choice;

	if (c->mode != IR_CHOICE_REQUIRED && c->mode != IR_CHOICE_NAMED)
		return;
	if (any)
		gem_lose(e, LOSS_APPROXIMATED, c->node, NULL,
		    "gemini uses its own tools as it sees fit");
	else
		gem_lose(e, LOSS_REFUSED, c->node, NULL,
		    "no tool is left to choose from");
}

static void
parallel_lose(struct gem_writer *e)
{
	if (e->rq->parallel != IR_NO || e->rq->choice.mode == IR_CHOICE_NONE)
		return;
	dialect_lose_parallel(e->x, LOSS_DROPPED,
	    "gemini cannot be kept from parallel calls");
}

static void
tool_choice_write(struct gem_writer *e, bool any)
{
	const struct ir_tool_choice	*c = &e->rq->choice;
	const struct ir_str_list	*l;
	const struct ir_tool		*t;
	const char			*mode = "AUTO";
	bool				 named;

	if (!e->functions) {
		tool_choice_lose(e, any);
		return;
	}
	parallel_lose(e);
	if (c->mode == IR_CHOICE_UNSET)
		return;
	t = server_tool_chosen(e->rq);
	if ((t != NULL && !server_tool_is_function(e->x, t)) ||
	    (c->mode == IR_CHOICE_NAMED && c->name.n == 0)) {
		gem_lose(e, LOSS_DROPPED, c->node, NULL,
		    "no function is named");
		return;
	}
	named = c->mode == IR_CHOICE_NAMED && server_tool_choice_sent(e->x);
	if (c->mode == IR_CHOICE_NAMED && !named)
		gem_lose(e, LOSS_APPROXIMATED, c->node, NULL,
		    SERVER_TOOL_NOT_SENT);
	if (c->mode == IR_CHOICE_NONE)
		mode = "NONE";
	else if (c->mode == IR_CHOICE_REQUIRED || named)
		mode = "ANY";
	else if (c->allowed != NULL)
		mode = "VALIDATED";	/* AUTO takes no list */
	jw_key(&e->w, "toolConfig");
	jw_object(&e->w);
	jw_key(&e->w, "functionCallingConfig");
	jw_object(&e->w);
	jw_key(&e->w, "mode");
	jw_strz(&e->w, mode);
	if (named || (c->allowed != NULL && c->mode != IR_CHOICE_NONE)) {
		jw_key(&e->w, "allowedFunctionNames");
		jw_array(&e->w);
		if (named)
			jw_str(&e->w, gem_fit_name(e, c->name));
		for (l = named ? NULL : c->allowed;
		    l != NULL; l = l->next)
			jw_str(&e->w, gem_fit_name(e, l->s));
		jw_array_end(&e->w);
	}
	jw_object_end(&e->w);
	jw_object_end(&e->w);
}

/* --- generationConfig --------------------------------------------------- */

/* A member of generationConfig, which exists only if it has one. */
static struct jw *
config(struct gem_writer *e, const char *key)
{
	if (!e->config) {
		jw_key(&e->w, "generationConfig");
		jw_object(&e->w);
		e->config = true;
	}
	jw_key(&e->w, key);
	return &e->w;
}

static void
number_write(struct gem_writer *e, const char *key, const struct ir_number *n)
{
	if (n->raw.n > 0)
		jw_raw(config(e, key), n->raw);
}

static void
stops_write(struct gem_writer *e)
{
	const struct ir_stop_seq	*s;
	unsigned			 n = 0;

	for (s = e->rq->stop; s != NULL; s = s->next) {
		if (s->s.n == 0)
			continue;
		if (n == STOPS_MAX) {
			gem_lose(e, LOSS_DROPPED, s->node, NULL,
			    "gemini takes five stop sequences");
			continue;
		}
		if (n++ == 0)
			jw_array(config(e, "stopSequences"));
		jw_jstr(&e->w, s->s);
	}
	if (n > 0)
		jw_array_end(&e->w);
}

static void
logprobs_write(struct gem_writer *e)
{
	const struct ir_sampling	*s = &e->rq->sampling;

	if (s->logprobs != IR_YES) {
		if (s->top_logprobs.raw.n > 0 &&
		    !str_is(s->top_logprobs.raw, "0"))
			gem_lose(e, LOSS_DROPPED, s->top_logprobs.node, NULL,
			    "no logprobs were asked for");
		return;
	}
	if (e->x->target.stream) {
		dialect_lose_logprobs(e->x, LOSS_DROPPED,
		    "gemini has no logprobs in a stream");
		return;
	}
	jw_bool(config(e, "responseLogprobs"), true);
	number_write(e, "logprobs", &s->top_logprobs);
}

static void
format_write(struct gem_writer *e)
{
	static const char *const	 description[] = { "description",
					    NULL };
	static const char *const	 name[] = { "name", NULL };
	const struct ir_format		*f = &e->rq->format;

	if (f->kind == IR_FORMAT_UNSET || f->kind == IR_FORMAT_TEXT)
		return;
	if (f->kind == IR_FORMAT_OTHER) {
		gem_lose(e, LOSS_REFUSED, f->node, NULL,
		    "a format that gemini does not have");
		return;
	}
	if (e->functions && !e->model.json_with_tools) {
		gem_lose(e, LOSS_APPROXIMATED, f->node, NULL,
		    "beside functions, this model is told of it in words");
		return;
	}
	if (!jstr_empty(f->description))
		dialect_lose_member(e->x, LOSS_DROPPED, f->node, description,
		    "gemini's formats have none");
	if (f->name.n > 0)
		dialect_lose_member(e->x, LOSS_IGNORED, f->node, name,
		    "gemini's formats have no names");
	jw_strz(config(e, "responseMimeType"), "application/json");
	if (f->kind == IR_FORMAT_SCHEMA && is_object(f->schema))
		schema_write(e, "responseSchema", "responseJsonSchema",
		    f->schema, f->schema_is_openapi, ir_node_of(e->rq,
		    f->schema, f->node), false);
}

/* --- thinking ----------------------------------------------------------- */

static void
budget_write(struct gem_writer *e, struct jw *w)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;
	int64_t				 n = -1, fit;

	if (r->mode == IR_REASON_UNSET && r->effort.n == 0)
		return;
	if (r->mode == IR_REASON_OFF)
		n = 0;
	else if (r->budget >= 0)
		n = r->budget;
	else if (r->effort.n > 0) {
		if (caps_effort(r->effort) != -1)
			n = caps_budget_fit(&e->model,
			    caps_effort_budget(&e->model, r->effort));
		gem_lose(e, LOSS_APPROXIMATED, r->node, NULL, n < 0 ?
		    "an unknown effort is left to the model" :
		    "an effort is sent as a budget of tokens");
	}
	fit = n < 0 ? -1 : caps_budget_fit(&e->model, n);
	if (fit != n)
		gem_lose(e, LOSS_APPROXIMATED, r->node, NULL,
		    "a budget out of this model's range");
	jw_key(w, "thinkingBudget");
	jw_int(w, fit);
}

/* Gemini 3 thinks always. */
static void
level_write(struct gem_writer *e, struct jw *w)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;
	struct str			 s;

	if (r->mode == IR_REASON_OFF || str_is(r->effort, "none"))
		s = caps_effort_fit(&e->model, STR("minimal"));
	else if (r->effort.n > 0)
		s = caps_effort_fit(&e->model, r->effort);
	else if (r->budget >= 0)
		s = caps_budget_effort(&e->model, r->budget);
	else
		return;
	if (!str_eq(s, r->effort))
		gem_lose(e, LOSS_APPROXIMATED, r->node, NULL,
		    "the nearest of this model's thinking levels");
	jw_key(w, "thinkingLevel");
	jw_str(w, s);
}

/*
 * Anthropic shows thinking that is switched on, OpenAI what a summary is asked
 * of.
 */
static bool
thoughts_wanted(const struct gem_writer *e)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;

	if (r->visible != IR_UNSET)
		return r->visible == IR_YES;
	if (r->summary.n > 0)
		return !str_is(r->summary, "none");
	return e->rq->from == &dialect_anthropic &&
	    (r->mode == IR_REASON_ON || r->mode == IR_REASON_ADAPTIVE);
}

static void
reasoning_write(struct gem_writer *e)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;
	bool				 visible = thoughts_wanted(e);
	struct jw			*w;

	if (str_is(r->summary, "concise") || str_is(r->summary, "detailed"))
		dialect_lose_member(e->x, LOSS_APPROXIMATED, r->node,
		    dialect_summary, "how long thoughts are told is the model's choice");
	if (r->mode == IR_REASON_UNSET && r->effort.n == 0 && !visible)
		return;
	if (e->model.thinking == CAPS_THINK_NONE) {
		if (r->mode != IR_REASON_OFF && !str_is(r->effort, "none"))
			gem_lose(e, LOSS_DROPPED, r->node, NULL,
			    "this model does not think");
		return;
	}
	/* Levels: how much is as the model sees fit, and nothing is shown. */
	if (e->model.thinking == CAPS_THINK_LEVEL && !visible &&
	    r->mode != IR_REASON_OFF && r->effort.n == 0 && r->budget < 0)
		return;
	w = config(e, "thinkingConfig");
	jw_object(w);
	if (e->model.thinking == CAPS_THINK_LEVEL)
		level_write(e, w);
	else
		budget_write(e, w);
	if (visible && r->mode != IR_REASON_OFF) {
		jw_key(w, "includeThoughts");
		jw_bool(w, true);
	}
	jw_object_end(w);
}

/* A number of 32 bits there: the low ones of a larger are as good a seed. */
static void
seed_write(struct gem_writer *e)
{
	const struct ir_number	*n = &e->rq->sampling.seed;
	int64_t			 seed;

	if (n->raw.n == 0)
		return;
	if (str_to_int(n->raw, INT64_MIN, INT64_MAX, &seed) == -1) {
		gem_lose(e, LOSS_DROPPED, n->node, NULL,
		    "gemini's seeds are whole numbers");
		return;
	}
	if (seed < INT32_MIN || seed > INT32_MAX) {
		seed &= INT32_MAX;
		gem_lose(e, LOSS_APPROXIMATED, n->node, NULL,
		    "gemini's seeds have 32 bits");
	}
	jw_int(config(e, "seed"), seed);
}

static void
max_tokens_write(struct gem_writer *e)
{
	const struct ir_sampling	*s = &e->rq->sampling;
	int64_t				 n = s->max_tokens;

	if (n < 0)
		return;
	if (e->model.max_output > 0 && n > e->model.max_output) {
		n = e->model.max_output;
		gem_lose(e, LOSS_APPROXIMATED, s->max_tokens_node, NULL,
		    "lowered to what the model can do");
	}
	jw_int(config(e, "maxOutputTokens"), n);
}

static void
config_write(struct gem_writer *e)
{
	const struct ir_sampling	*s = &e->rq->sampling;

	number_write(e, "temperature", &s->temperature);
	number_write(e, "topP", &s->top_p);
	number_write(e, "topK", &s->top_k);
	if (!str_is(s->n.raw, "1"))
		number_write(e, "candidateCount", &s->n);
	max_tokens_write(e);
	stops_write(e);
	seed_write(e);
	number_write(e, "presencePenalty", &s->presence_penalty);
	number_write(e, "frequencyPenalty", &s->frequency_penalty);
	logprobs_write(e);
	format_write(e);
	reasoning_write(e);
	if (e->config)
		jw_object_end(&e->w);
}

/* --- what has no place -------------------------------------------------- */

static void
rest_lose(struct gem_writer *e)
{
	const struct ir_request	*rq = e->rq;
	const struct ir_ext	*x;

	for (x = rq->ext; x != NULL; x = x->next)
		dialect_lose_ext(e->x, x, "gemini has nothing like it");
	if (rq->user.n > 0)
		gem_lose(e, LOSS_DROPPED, rq->user_node, NULL,
		    "gemini has no ids of end users");
	if (rq->metadata.n > 2)
		gem_lose(e, LOSS_DROPPED, rq->metadata_node, NULL,
		    "gemini keeps no metadata");
	if (rq->service_tier.n > 0 && !str_is(rq->service_tier, "auto") &&
	    !str_is(rq->service_tier, "default") &&
	    !str_is(rq->service_tier, "standard_only"))
		gem_lose(e, LOSS_DROPPED, rq->service_tier_node, NULL,
		    "another provider's service tier");
	if (rq->store == IR_YES)
		loss_add(e->x->loss, LOSS_DROPPED, STR("store"),
		    "gemini stores no answers");
}

/* --- the whole ---------------------------------------------------------- */

static struct str
bare_model(struct str s)
{
	return str_starts(s, "models/") ? str_skip(s, strlen("models/")) : s;
}

/* A model in the body must be that of the path. */
static void
same_model(struct gem_writer *e, struct jv m)
{
	struct str	 model = bare_model(e->x->target.model);

	jw_key(&e->w, "model");
	if (json_type(m) != JSON_STRING ||
	    str_eq(bare_model(json_str(e->a, m)), model)) {
		jw_raw(&e->w, json_raw(m));
		return;
	}
	jw_open(&e->w);
	jw_piece_str(&e->w, STR("models/"));
	jw_piece_str(&e->w, model);
	jw_close(&e->w);
}

/* Everything but what our own path allows in the body. */
static void
same_write(struct gem_writer *e, struct jv root)
{
	struct jv	 m;

	jw_object(&e->w);
	for (m = json_first(root); json_ok(m); m = json_next(m)) {
		if (e->rq->lenient && (gem_key_is(m, "model") ||
		    gem_key_is(m, "stream") || gem_key_is(m, "messages")))
			continue;
		if (gem_key_is(m, "model")) {
			same_model(e, m);
			continue;
		}
		jw_key_jstr(&e->w, json_jstr(json_key(m)));
		jw_raw(&e->w, json_raw(m));
	}
	jw_object_end(&e->w);
}

int
gem_request_encode(struct ir_exchange *x, struct buf *out,
    struct ir_error *err)
{
	struct gem_writer		 e = { .x = x, .rq = x->rq,
					    .a = x->arena };
	const struct ir_message		*m;
	struct jv			 root;

	jw_init(&e.w, out);
	caps_get(x->target.caps, dialect_gemini.name, x->target.model,
	    &e.model);
	if (x->rq->from == &dialect_gemini && x->rq->json != NULL) {
		root = json_root(x->rq->json);
		if (json_ok(gem_get(root, "contents"))) {
			same_write(&e, root);
			return 0;
		}
	}
	jw_object(&e.w);
	m = gem_system_write(&e);
	gem_contents_write(&e, m);
	if (!e.any) {
		rest_lose(&e);
		return dialect_nothing_left(x, err);
	}
	tool_choice_write(&e, tools_write(&e));
	config_write(&e);
	rest_lose(&e);
	dialect_lose_marks(x, false);
	jw_object_end(&e.w);
	return 0;
}
