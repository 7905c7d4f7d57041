/*
 * OpenAI Chat Completions: the common form into a request, but for its
 * messages.
 *
 * A request that came in this dialect is copied member by member, so that
 * nothing is lost on the way back; only what belongs to the target (model,
 * stream) is written anew.  Everything below that is for the other dialects.
 */
#include "wire/dialect_openai_chat.h"

#include <stdio.h>

#include "wire/schema.h"
#include "wire/server_tool.h"

#define STOP_MAX	4
#define USER_MAX	64

/* --- this dialect to itself ----------------------------------------------- */

/* Usage is asked for in any case; the encoder hides it from who did not. */
static void
write_stream(struct jw *w, const struct ir_exchange *x, struct jv options)
{
	struct jv	 e;

	jw_key(w, "stream");
	jw_bool(w, x->target.stream);
	if (!x->target.stream)
		return;
	jw_key(w, "stream_options");
	jw_object(w);
	for (e = json_first(options); json_ok(e); e = json_next(e)) {
		if (json_key_is(e, "include_usage"))
			continue;
		jw_key_jstr(w, json_jstr(json_key(e)));
		jw_raw(w, json_raw(e));
	}
	jw_key(w, "include_usage");
	jw_bool(w, true);
	jw_object_end(w);
}

static bool
stream_member(struct jv e)
{
	return json_key_is(e, "stream") || json_key_is(e, "stream_options");
}

static void
encode_own(struct ir_exchange *x, struct jw *w)
{
	struct jv	 root = json_root(x->rq->json), e;
	bool		 keep = x->target.stream == x->rq->stream;

	jw_object(w);
	for (e = json_first(root); json_ok(e); e = json_next(e)) {
		if (!keep && stream_member(e))
			continue;
		jw_key_jstr(w, json_jstr(json_key(e)));
		if (json_key_is(e, "model") && x->target.model.n > 0)
			jw_str(w, x->target.model);
		else
			jw_raw(w, json_raw(e));
	}
	if (!keep)
		write_stream(w, x, json_get(root, "stream_options"));
	jw_object_end(w);
}

/* --- schemas -------------------------------------------------------------- */

/* OpenAI takes no object schema without "properties". */
static bool
parameters_written(struct jw *w, struct jv v)
{
	if (json_ok(json_get(v, "$ref")) || (schema_root_plain(v) &&
	    json_ok(json_get(v, "properties")))) {
		jw_raw(w, json_raw(v));
		return true;
	}
	schema_root_write(v, w);
	return !schema_root_differs(v);
}

bool
chat_parameters_write(const struct ir_request *rq, const struct ir_tool *t,
    struct jw *w)
{
	struct jv	 v = rq->json == NULL ? JV_NONE :
			    json_find(rq->json, t->schema.p);
	struct json	 j;
	struct buf	 b;
	struct jw	 lowered;
	bool		 kept = true;

	if (json_ok(v) && !t->schema_is_openapi)
		return parameters_written(w, v);
	json_init(&j);
	buf_init(&b, SCHEMA_OUT_MAX);
	if (t->schema_is_openapi) {
		jw_init(&lowered, &b);
		schema_from_openapi(rq->arena, t->schema, &lowered);
	}
	if (t->schema.n > 0 && json_parse(&j, t->schema_is_openapi ?
	    buf_str(&b) : t->schema, NULL) == 0)
		kept = parameters_written(w, json_root(&j));
	else
		jw_raw(w, STR("{\"type\":\"object\",\"properties\":{}}"));
	buf_release(&b);
	json_release(&j);
	return kept;
}

static void
write_strict(struct chat_req *o, bool on)
{
	jw_key(&o->w, "strict");
	jw_bool(&o->w, on);
}

/* --- tools ---------------------------------------------------------------- */

static void
write_function(struct chat_req *o, const struct ir_tool *t)
{
	jw_key(&o->w, "parameters");
	if (!chat_parameters_write(o->rq, t, &o->w))
		chat_lose(o, LOSS_APPROXIMATED, ir_node_of(o->rq, t->schema,
		    t->node), NULL, CHAT_NO_CHOICE);
	if (t->strict == IR_YES && o->rq->from != &dialect_openai_responses &&
	    !chat_strict_fits(t->schema))
		chat_lose(o, LOSS_APPROXIMATED, ir_node_of(o->rq, t->schema,
		    t->node), NULL, CHAT_NOT_STRICT);
	else if (t->strict != IR_UNSET)
		write_strict(o, t->strict == IR_YES);
	if (t->response_schema.n > 0)
		chat_lose(o, LOSS_DROPPED, ir_node_of(o->rq,
		    t->response_schema, t->node), NULL,
		    "no schema of results there");
}

/* Responses has the grammar's members one level higher. */
static void
write_custom_format(struct chat_req *o, const struct ir_tool *t)
{
	struct jv	 raw, format;

	if (o->rq->json == NULL || t->node == 0)
		return;
	raw = json_at(o->rq->json, t->node);
	format = json_get(raw, "format");
	if (!json_is(json_get(format, "type"), "grammar"))
		return;
	jw_key(&o->w, "format");
	jw_object(&o->w);
	jw_key(&o->w, "type");
	jw_strz(&o->w, "grammar");
	jw_key(&o->w, "grammar");
	jw_object(&o->w);
	jw_key(&o->w, "syntax");
	jw_raw(&o->w, json_raw(json_get(format, "syntax")));
	jw_key(&o->w, "definition");
	jw_raw(&o->w, json_raw(json_get(format, "definition")));
	jw_object_end(&o->w);
	jw_object_end(&o->w);
}

/* For servers without custom tools: a function of one string. */
static void
write_wrapped(struct chat_req *o, const struct ir_tool *t)
{
	struct jv	 format = JV_NONE, grammar;

	if (o->rq->json != NULL && t->node != 0)
		format = json_get(json_at(o->rq->json, t->node), "format");
	grammar = json_get(format, "definition");
	jw_key(&o->w, "description");
	jw_open(&o->w);
	jw_piece_jstr(&o->w, t->description);
	if (json_type(grammar) == JSON_STRING) {
		jw_piece_str(&o->w, STR("\n\nThe input must follow this "
		    "grammar:\n"));
		jw_piece_jstr(&o->w, json_jstr(grammar));
	}
	jw_close(&o->w);
	jw_key(&o->w, "parameters");
	jw_raw(&o->w, STR("{\"type\":\"object\",\"properties\":{\"input\":"
	    "{\"type\":\"string\"}},\"required\":[\"input\"]}"));
	chat_lose(o, LOSS_APPROXIMATED, t->node, NULL,
	    "a custom tool, wrapped as a function of one string");
}

static void
write_tool(struct chat_req *o, const struct ir_tool *t)
{
	bool		 custom = t->kind == IR_CUSTOM;
	bool		 native = custom && !o->compatible;
	const char	*kind = native ? "custom" : "function";

	jw_object(&o->w);
	jw_key(&o->w, "type");
	jw_strz(&o->w, kind);
	jw_key(&o->w, kind);
	jw_object(&o->w);
	jw_key(&o->w, "name");
	jw_str(&o->w, chat_fit_name(o, t->name));
	if (!jstr_empty(t->description) && (native || !custom)) {
		jw_key(&o->w, "description");
		jw_jstr(&o->w, t->description);
	}
	if (native)
		write_custom_format(o, t);
	else if (custom)
		write_wrapped(o, t);
	else
		write_function(o, t);
	jw_object_end(&o->w);
	jw_object_end(&o->w);
}

static bool
allowed(const struct chat_req *o, const struct ir_tool *t)
{
	const struct ir_str_list	*l = o->rq->choice.allowed;

	if (l == NULL || !o->compatible)
		return true;
	for (; l != NULL; l = l->next)
		if (str_eq(l->s, t->name))
			return true;
	return false;
}

static unsigned
write_tools(struct chat_req *o)
{
	enum server_tool_verdict v;
	struct ir_tool		 as;
	unsigned		 n = 0;

	for (const struct ir_tool *t = o->rq->tools; t != NULL; t = t->next) {
		bool	 server = t->kind == IR_SERVER;

		v = SERVER_TOOL_FUNCTION;
		if (server)
			v = server_tool_verdict(o->x, t, false, &as);
		if (v == SERVER_TOOL_LEAVE || !allowed(o, server ? &as : t))
			continue;
		if (n++ == 0) {
			jw_key(&o->w, "tools");
			jw_array(&o->w);
		}
		if (v == SERVER_TOOL_OWN)
			jw_raw(&o->w, as.raw);
		else
			write_tool(o, server ? &as : t);
	}
	if (n > 0)
		jw_array_end(&o->w);
	return n;
}

static enum ir_tool_kind
kind_of(const struct chat_req *o, struct str name)
{
	const struct ir_tool	*t = ir_tool_find(o->rq, name);

	return t != NULL && t->kind == IR_CUSTOM && !o->compatible ?
	    IR_CUSTOM : IR_FUNCTION;
}

/* {"type":"function","function":{"name":..}} */
static void
write_named(struct chat_req *o, struct str name)
{
	const char	*kind = kind_of(o, name) == IR_CUSTOM ? "custom" :
			    "function";

	jw_object(&o->w);
	jw_key(&o->w, "type");
	jw_strz(&o->w, kind);
	jw_key(&o->w, kind);
	jw_object(&o->w);
	jw_key(&o->w, "name");
	jw_str(&o->w, chat_fit_name(o, name));
	jw_object_end(&o->w);
	jw_object_end(&o->w);
}

static void
write_allowed(struct chat_req *o, const char *mode)
{
	jw_object(&o->w);
	jw_key(&o->w, "type");
	jw_strz(&o->w, "allowed_tools");
	jw_key(&o->w, "allowed_tools");
	jw_object(&o->w);
	jw_key(&o->w, "mode");
	jw_strz(&o->w, mode);
	jw_key(&o->w, "tools");
	jw_array(&o->w);
	for (const struct ir_str_list *l = o->rq->choice.allowed; l != NULL;
	    l = l->next)
		write_named(o, l->s);
	jw_array_end(&o->w);
	jw_object_end(&o->w);
	jw_object_end(&o->w);
}

static void
write_tool_choice(struct chat_req *o)
{
	const struct ir_tool_choice	*c = &o->rq->choice;
	const char			*mode;
	bool				 named;

	if (c->mode == IR_CHOICE_UNSET)
		return;
	if (c->mode == IR_CHOICE_NAMED && c->name.n == 0) {
		chat_lose(o, LOSS_REFUSED, c->node, NULL,
		    "a tool that only its own provider runs");
		return;
	}
	named = c->mode == IR_CHOICE_NAMED && server_tool_choice_sent(o->x);
	if (c->mode == IR_CHOICE_NAMED && !named)
		chat_lose(o, LOSS_APPROXIMATED, c->node, NULL,
		    SERVER_TOOL_NOT_SENT);
	jw_key(&o->w, "tool_choice");
	mode = c->mode == IR_CHOICE_NONE ? "none" :
	    c->mode == IR_CHOICE_REQUIRED ? "required" : "auto";
	if (named)
		write_named(o, c->name);
	else if (c->allowed != NULL && !o->compatible &&
	    c->mode != IR_CHOICE_NONE)
		write_allowed(o, mode);
	else
		jw_strz(&o->w, mode);
}

static void
write_tool_members(struct chat_req *o, const struct model_caps *m)
{
	if (write_tools(o) == 0) {
		if (o->rq->choice.mode == IR_CHOICE_NAMED ||
		    o->rq->choice.mode == IR_CHOICE_REQUIRED)
			chat_lose(o, LOSS_REFUSED, o->rq->choice.node, NULL,
			    "no tool is left to choose from");
		return;
	}
	write_tool_choice(o);
	if (o->rq->parallel == IR_UNSET)
		return;
	if (!m->parallel) {
		if (o->rq->parallel == IR_NO)
			dialect_lose_parallel(o->x, LOSS_DROPPED,
			    "the model refuses it");
		return;
	}
	jw_key(&o->w, "parallel_tool_calls");
	jw_bool(&o->w, o->rq->parallel == IR_YES);
}

/* --- response format ------------------------------------------------------ */

static bool
valid_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (memchr("-_", s.p[i], 2) == NULL &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z'))
			return false;
	return s.n > 0 && s.n <= 64;
}

static void
write_format_schema(struct chat_req *o)
{
	const struct ir_format	*f = &o->rq->format;
	enum chat_strict	 strict;

	jw_object(&o->w);
	jw_key(&o->w, "name");
	jw_str(&o->w, valid_name(f->name) ? f->name : STR("response"));
	if (!jstr_empty(f->description)) {
		jw_key(&o->w, "description");
		jw_jstr(&o->w, f->description);
	}
	jw_key(&o->w, "schema");
	strict = chat_format_schema(o->rq, &o->w);
	if (o->rq->from == &dialect_openai_responses) {
		if (f->strict != IR_UNSET)
			write_strict(o, f->strict == IR_YES);
	} else if (strict != CHAT_STRICT_NO)
		write_strict(o, true);
	if (o->rq->from != &dialect_openai_responses &&
	    strict != CHAT_STRICT_KEPT)
		chat_lose(o, LOSS_APPROXIMATED, f->node, NULL,
		    strict == CHAT_STRICT_NO ? CHAT_NOT_STRICT : CHAT_CLOSED);
	jw_object_end(&o->w);
}

static void
write_format(struct chat_req *o)
{
	const struct ir_format	*f = &o->rq->format;

	if (f->kind == IR_FORMAT_OTHER)
		chat_lose(o, LOSS_REFUSED, f->node, NULL,
		    "a format of answers that is not known there");
	if ((f->kind != IR_FORMAT_JSON && f->kind != IR_FORMAT_SCHEMA) ||
	    o->format == CHAT_FORMAT_TOLD)
		return;
	jw_key(&o->w, "response_format");
	jw_object(&o->w);
	jw_key(&o->w, "type");
	if (f->kind == IR_FORMAT_JSON)
		jw_strz(&o->w, "json_object");
	else {
		jw_strz(&o->w, "json_schema");
		jw_key(&o->w, "json_schema");
		write_format_schema(o);
	}
	jw_object_end(&o->w);
}

static void
write_format_message(struct chat_req *o)
{
	if (o->format == CHAT_FORMAT_KEPT)
		return;
	jw_object(&o->w);
	jw_key(&o->w, "role");
	jw_strz(&o->w, "system");
	jw_key(&o->w, "content");
	chat_format_say(o->rq, o->format, &o->w);
	jw_object_end(&o->w);
	chat_lose(o, LOSS_APPROXIMATED, o->rq->format.node, NULL,
	    chat_format_why(o->format));
}

/* --- sampling ------------------------------------------------------------- */

static bool
is_one(struct str raw)
{
	return str_is(raw, "1") || str_is(raw, "1.0");
}

static bool
is_zero(struct str raw)
{
	return str_is(raw, "0") || str_is(raw, "0.0");
}

bool
chat_thinks(const struct ir_request *rq, const struct model_caps *m)
{
	const struct ir_reasoning	*r = &rq->reasoning;

	if (r->mode == IR_REASON_OFF)
		return false;
	return m->thinks_unasked || r->mode != IR_REASON_UNSET ||
	    r->effort.n > 0;
}

static bool
refuses_sampling(const struct chat_req *o, const struct model_caps *m)
{
	return m->sampling == CAPS_NO || (m->sampling == CAPS_NOT_THINKING &&
	    chat_thinks(o->rq, m));
}

/* Where the model refuses it, what is the default may be left unsaid. */
static void
write_number(struct chat_req *o, const char *name, const struct ir_number *n,
    bool refused, bool dflt)
{
	if (n->raw.n == 0)
		return;
	if (refused) {
		if (!dflt)
			chat_lose(o, LOSS_DROPPED, n->node, NULL,
			    "the model refuses it");
		return;
	}
	jw_key(&o->w, name);
	jw_raw(&o->w, n->raw);
}

static void
write_sampling(struct chat_req *o, const struct model_caps *m)
{
	const struct ir_sampling	*s = &o->rq->sampling;
	bool				 refused = refuses_sampling(o, m);

	write_number(o, "temperature", &s->temperature, refused,
	    is_one(s->temperature.raw));
	write_number(o, "top_p", &s->top_p, refused, is_one(s->top_p.raw));
	write_number(o, "frequency_penalty", &s->frequency_penalty, refused,
	    is_zero(s->frequency_penalty.raw));
	write_number(o, "presence_penalty", &s->presence_penalty, refused,
	    is_zero(s->presence_penalty.raw));
	write_number(o, "seed", &s->seed, false, false);
	write_number(o, "n", &s->n, false, false);
	if (s->top_k.raw.n > 0)
		chat_lose(o, LOSS_DROPPED, s->top_k.node, NULL,
		    "not known there");
	if (s->logprobs != IR_YES) {
		if (s->top_logprobs.raw.n > 0 && !is_zero(s->top_logprobs.raw))
			chat_lose(o, LOSS_DROPPED, s->top_logprobs.node, NULL,
			    "no logprobs were asked for");
		return;
	}
	if (!refused) {
		jw_key(&o->w, "logprobs");
		jw_bool(&o->w, true);
	} else if (s->top_logprobs.raw.n == 0)
		dialect_lose_logprobs(o->x, LOSS_DROPPED,
		    "the model refuses it");
	write_number(o, "top_logprobs", &s->top_logprobs, refused, false);
}

static void
write_max_tokens(struct chat_req *o, const struct model_caps *m)
{
	const struct ir_sampling	*s = &o->rq->sampling;
	int64_t				 n = s->max_tokens;
	bool				 newer;

	if (n < 0)
		return;
	newer = m->max_completion_tokens == 1 ||
	    (m->max_completion_tokens > 1 && o->openai);
	if (n == 0) {
		n = 1;
		chat_lose(o, LOSS_APPROXIMATED, s->max_tokens_node, NULL,
		    "at least one token there");
	}
	if (m->max_output > 0 && n > m->max_output) {
		n = m->max_output;
		chat_lose(o, LOSS_APPROXIMATED, s->max_tokens_node, NULL,
		    "lowered to what the model can do");
	}
	jw_key(&o->w, newer ? "max_completion_tokens" : "max_tokens");
	jw_int(&o->w, n);
}

static void
write_stop(struct chat_req *o, const struct model_caps *m)
{
	const struct ir_stop_seq	*s = o->rq->stop;
	unsigned			 n = 0;

	if (s == NULL)
		return;
	if (!m->stop) {
		for (; s != NULL; s = s->next)
			chat_lose(o, LOSS_DROPPED, s->node, NULL,
			    "the model refuses it");
		return;
	}
	jw_key(&o->w, "stop");
	jw_array(&o->w);
	for (; s != NULL; s = s->next) {
		if (n++ < STOP_MAX)
			jw_jstr(&o->w, s->s);
		else
			chat_lose(o, LOSS_DROPPED, s->node, NULL,
			    "at most four stop sequences there");
	}
	jw_array_end(&o->w);
}

/* --- reasoning ------------------------------------------------------------ */

static struct str
effort(struct chat_req *o, const struct model_caps *m)
{
	const struct ir_reasoning	*r = &o->rq->reasoning;
	struct str			 s;

	if (r->mode == IR_REASON_OFF) {
		if (m->think_off)
			return STR("none");
		chat_lose(o, LOSS_APPROXIMATED, r->node, NULL,
		    "the model cannot do without reasoning");
		return caps_effort_fit(m, STR("minimal"));
	}
	if (r->effort.n > 0) {
		s = caps_effort_fit(m, r->effort);
		if (!str_eq(s, r->effort))
			chat_lose(o, LOSS_APPROXIMATED, r->node, NULL,
			    "the model has no such effort; the nearest is "
			    "sent");
		return s;
	}
	if (r->budget <= 0) {
		if (m->thinks_unasked || r->mode == IR_REASON_UNSET)
			return STR_NONE;
		chat_lose(o, LOSS_APPROXIMATED, r->node, NULL, CHAT_MEDIUM);
		return STR("medium");
	}
	s = caps_budget_effort(m, r->budget);
	chat_lose(o, LOSS_APPROXIMATED, r->node, NULL,
	    "a budget of tokens became a level of effort");
	return s;
}

static void
write_reasoning(struct chat_req *o, const struct model_caps *m)
{
	const struct ir_reasoning	*r = &o->rq->reasoning;
	struct str			 s;

	if (r->summary.n > 0 || (r->visible == IR_YES && o->openai))
		dialect_lose_member(o->x, LOSS_DROPPED, r->node,
		    dialect_summary, "thoughts are not shown there");
	if (m->thinking != CAPS_THINK_EFFORT) {
		if (r->effort.n > 0 || r->budget > 0 ||
		    r->mode == IR_REASON_ON || (r->mode ==
		    IR_REASON_ADAPTIVE && m->thinking == CAPS_THINK_NONE))
			chat_lose(o, LOSS_DROPPED, r->node, NULL,
			    "not known to be a reasoning model");
		return;
	}
	s = effort(o, m);
	if (s.n == 0)
		return;
	jw_key(&o->w, "reasoning_effort");
	jw_str(&o->w, s);
}

/* --- the rest ------------------------------------------------------------- */

const char *
chat_user_key(const struct ir_request *rq)
{
	return rq->json != NULL && rq->user_node != 0 && json_key_is(
	    json_at(rq->json, rq->user_node), "safety_identifier") ?
	    "safety_identifier" : "user";
}

static void
write_user(struct chat_req *o)
{
	struct str	 user;

	if (jstr_empty(o->rq->user))
		return;
	user = jstr_decode(o->a, o->rq->user);
	if (user.n > USER_MAX) {
		user = ir_id_fit(o->a, user, "user_", USER_MAX);
		chat_lose(o, LOSS_APPROXIMATED, o->rq->user_node, NULL,
		    "too long: a digest of it is sent");
	}
	jw_key(&o->w, o->compatible ? "user" : chat_user_key(o->rq));
	jw_str(&o->w, user);
}

static void
write_metadata(struct chat_req *o)
{
	if (o->rq->store == IR_YES)
		chat_lose(o, LOSS_DROPPED, 0, "store",
		    "what is stored there cannot be read back here");
	if (o->rq->metadata.n == 0)
		return;
	if (o->rq->from == &dialect_openai_responses) {
		jw_key(&o->w, "metadata");
		jw_raw(&o->w, o->rq->metadata);
	} else if (!str_is(o->rq->metadata, "{}"))
		chat_lose(o, LOSS_DROPPED, o->rq->metadata_node, NULL,
		    "not known there");
}

static void
write_service_tier(struct chat_req *o)
{
	struct str	 tier = o->rq->service_tier;
	enum ir_tier	 asked = ir_tier_asked(tier);
	const char	*word = ir_tier_name(asked, IR_TIER_OPENAI);
	bool		 same = o->rq->from == &dialect_openai_responses &&
			    !o->compatible;

	if (tier.n == 0 || str_is(tier, "auto"))
		return;
	if (!same && (word == NULL ||
	    (o->compatible && asked != IR_TIER_STANDARD))) {
		chat_lose(o, LOSS_DROPPED, o->rq->service_tier_node, NULL,
		    "not known there");
		return;
	}
	jw_key(&o->w, "service_tier");
	jw_str(&o->w, same ? tier : str_of(word));
}

static bool
listed(struct str name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (str_is(name, *list))
			return true;
	return false;
}

/* Members that the Responses API has with the same meaning. */
static const char *const ext_same[] = { "verbosity", "prompt_cache_key",
    "prompt_cache_retention", "prompt_cache_options", "safety_identifier",
    "moderation", NULL };

static void
write_ext(struct chat_req *o)
{
	bool	 responses = o->rq->from == &dialect_openai_responses;

	for (const struct ir_ext *e = o->rq->ext; e != NULL; e = e->next) {
		if (responses && !o->compatible && listed(e->name, ext_same)) {
			jw_key_str(&o->w, e->name);
			jw_raw(&o->w, e->json);
			continue;
		}
		/* Its other members go with ours. */
		if (responses && !o->compatible && o->x->target.stream &&
		    str_is(e->name, "stream_options"))
			continue;
		dialect_lose_ext(o->x, e, "not known to Chat Completions");
	}
}

static void
encode_foreign(struct chat_req *o)
{
	struct model_caps	 m;

	caps_get(o->x->target.caps, dialect_openai_chat.name,
	    o->x->target.model, &m);
	jw_object(&o->w);
	jw_key(&o->w, "model");
	jw_str(&o->w, o->x->target.model);
	jw_key(&o->w, "messages");
	jw_array(&o->w);
	write_format_message(o);
	chat_write_messages(o);
	jw_array_end(&o->w);
	write_tool_members(o, &m);
	write_format(o);
	write_sampling(o, &m);
	write_max_tokens(o, &m);
	write_stop(o, &m);
	write_reasoning(o, &m);
	write_user(o);
	write_metadata(o);
	write_service_tier(o);
	write_ext(o);
	if (o->x->target.stream)
		write_stream(&o->w, o->x, o->compatible || o->rq->from !=
		    &dialect_openai_responses ? JV_NONE : json_get(json_root(
		    o->rq->json), "stream_options"));
	jw_object_end(&o->w);
}

int
chat_request_encode(struct ir_exchange *x, struct buf *out,
    struct ir_error *err)
{
	struct chat_req	 o = { .x = x, .rq = x->rq, .a = x->arena };

	jw_init(&o.w, out);
	if (x->rq->from == &dialect_openai_chat && x->rq->json != NULL) {
		encode_own(x, &o.w);
		return 0;
	}
	o.openai = chat_provider_openai(x);
	o.compatible = chat_provider_compatible(x);
	if (!o.compatible)
		o.format = chat_format(x->rq, x->rq->messages);
	encode_foreign(&o);
	dialect_lose_marks(x, true);
	if (o.n_messages > 0)
		return 0;
	return dialect_nothing_left(x, err);
}
