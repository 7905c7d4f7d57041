/*
 * OpenAI Responses: the common form into a request.
 *
 * A request that came in this dialect is written from its own bytes, member by
 * member and item by item, as far as the common form still has them.  From any
 * other, leading system text becomes "instructions" and every part an item.
 */
#include "wire/dialect_openai_chat.h"
#include "wire/dialect_openai_responses.h"
#include "wire/schema.h"
#include "wire/server_tool.h"

#define MAX_TOKENS_MIN	16

static void
lose_path(struct resp_req *e, enum loss_action action, struct str path,
    const char *why)
{
	if (e->x->loss != NULL)
		loss_add(e->x->loss, action, path, why);
}

/* --- tools ---------------------------------------------------------------- */

static void
tool_head(struct resp_req *e, const struct ir_tool *t, const char *type)
{
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, type);
	jw_key(&e->w, "name");
	jw_str(&e->w, resp_fit_name(e, t->name));
	if (t->description.n > 0) {
		jw_key(&e->w, "description");
		jw_jstr(&e->w, t->description);
	}
}

/*
 * Another dialect's guarantee, where OpenAI can keep it; it would refuse to try
 * elsewhere.  Chat Completions asks for the same as this API.
 */
static void
write_strict(struct resp_req *e, enum ir_tri strict, struct str schema,
    uint32_t node)
{
	bool	 on = strict == IR_YES;

	if (on && e->rq->from != &dialect_openai_chat &&
	    e->rq->from != &dialect_openai_responses &&
	    !chat_strict_fits(schema)) {
		resp_lose(e, LOSS_APPROXIMATED, ir_node_of(e->rq, schema,
		    node), NULL, CHAT_NOT_STRICT);
		on = false;
	}
	jw_key(&e->w, "strict");
	jw_bool(&e->w, on);
}

static void
tool_function(struct resp_req *e, const struct ir_tool *t)
{
	tool_head(e, t, "function");
	jw_key(&e->w, "parameters");
	if (!chat_parameters_write(e->rq, t, &e->w))
		resp_lose(e, LOSS_APPROXIMATED, ir_node_of(e->rq, t->schema,
		    t->node), NULL, CHAT_NO_CHOICE);
	/* Left out, it would be true where the schema allows. */
	write_strict(e, t->strict, t->schema, t->node);
	jw_object_end(&e->w);
	if (t->response_schema.n > 0)
		resp_lose(e, LOSS_DROPPED, ir_node_of(e->rq,
		    t->response_schema, t->node), NULL,
		    "no schema of results there");
}

/* Chat Completions has the same tool one level deeper. */
static void
tool_custom(struct resp_req *e, const struct ir_tool *t)
{
	struct jv	 format, g, v;

	format = json_get(json_get(json_at(e->rq->json, t->node), "custom"),
	    "format");
	tool_head(e, t, "custom");
	if (!json_empty(format)) {
		g = json_get(format, "grammar");
		jw_key(&e->w, "format");
		jw_object(&e->w);
		jw_key(&e->w, "type");
		jw_raw(&e->w, json_raw(json_get(format, "type")));
		for (v = json_first(g); json_ok(v); v = json_next(v)) {
			jw_key_jstr(&e->w, json_jstr(json_key(v)));
			jw_raw(&e->w, json_raw(v));
		}
		jw_object_end(&e->w);
	}
	jw_object_end(&e->w);
}

/* Tools known by their type; false: this one is not sent. */
static bool
tool_server(struct resp_req *e, const struct ir_tool *t)
{
	struct ir_tool	 as;

	switch (server_tool_verdict(e->x, t, false, &as)) {
	case SERVER_TOOL_OWN:
		jw_raw(&e->w, as.raw);
		return true;
	case SERVER_TOOL_FUNCTION:
		tool_function(e, &as);
		return true;
	case SERVER_TOOL_LEAVE:
		break;
	}
	return false;
}

static bool
tools(struct resp_req *e)
{
	const struct ir_tool	*t;
	bool			 any = false;

	if (e->rq->tools == NULL)
		return false;
	jw_key(&e->w, "tools");
	jw_array(&e->w);
	for (t = e->rq->tools; t != NULL; t = t->next) {
		if (t->kind == IR_SERVER) {
			any = tool_server(e, t) || any;
			continue;
		}
		any = true;
		if (t->kind == IR_CUSTOM)
			tool_custom(e, t);
		else
			tool_function(e, t);
	}
	jw_array_end(&e->w);
	return any;
}

static void
named_tool(struct resp_req *e, struct str name)
{
	const struct ir_tool	*t = ir_tool_find(e->rq, name);

	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, t != NULL && t->kind == IR_CUSTOM ? "custom" :
	    "function");
	jw_key(&e->w, "name");
	jw_str(&e->w, resp_fit_name(e, name));
	jw_object_end(&e->w);
}

static void
allowed_tools(struct resp_req *e)
{
	const struct ir_str_list	*s;

	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "allowed_tools");
	jw_key(&e->w, "mode");
	jw_strz(&e->w, e->rq->choice.mode == IR_CHOICE_REQUIRED ?
	    "required" : "auto");
	jw_key(&e->w, "tools");
	jw_array(&e->w);
	for (s = e->rq->choice.allowed; s != NULL; s = s->next)
		named_tool(e, s->s);
	jw_array_end(&e->w);
	jw_object_end(&e->w);
}

static void
tool_choice(struct resp_req *e)
{
	const struct ir_tool_choice	*c = &e->rq->choice;
	const struct ir_tool		*t = server_tool_chosen(e->rq);
	const char			*server = NULL;
	bool				 named;

	if (c->mode == IR_CHOICE_UNSET)
		return;
	named = server_tool_choice_sent(e->x);
	if (c->mode == IR_CHOICE_NAMED && !named)
		resp_lose(e, LOSS_APPROXIMATED, c->node, NULL,
		    SERVER_TOOL_NOT_SENT);
	if (t != NULL)
		server = server_tool_name(&dialect_openai_responses, t);
	jw_key(&e->w, "tool_choice");
	if (server != NULL) {
		jw_object(&e->w);
		jw_key(&e->w, "type");
		jw_strz(&e->w, server);
		jw_object_end(&e->w);
	} else if (c->mode == IR_CHOICE_NONE)
		jw_strz(&e->w, "none");
	else if (c->mode == IR_CHOICE_NAMED && named)
		named_tool(e, c->name);
	else if (c->allowed != NULL)
		allowed_tools(e);
	else
		jw_strz(&e->w, c->mode == IR_CHOICE_REQUIRED ? "required" :
		    "auto");
}

/* --- parameters ----------------------------------------------------------- */

static bool
refuses_sampling(const struct resp_req *e)
{
	return e->model.sampling == CAPS_NO ||
	    (e->model.sampling == CAPS_NOT_THINKING &&
	    chat_thinks(e->rq, &e->model));
}

static void
number(struct resp_req *e, const char *name, const struct ir_number *n)
{
	if (n->raw.n == 0)
		return;
	if (refuses_sampling(e)) {
		/* 1 is the default. */
		if (n == &e->rq->sampling.top_logprobs ||
		    (!str_is(n->raw, "1") && !str_is(n->raw, "1.0")))
			resp_lose(e, LOSS_DROPPED, n->node, NULL,
			    "the model refuses it");
		return;
	}
	jw_key(&e->w, name);
	jw_raw(&e->w, n->raw);
}

static void
not_offered(struct resp_req *e, const struct ir_number *n, const char *harmless)
{
	if (n->raw.n > 0 && !str_is(n->raw, harmless))
		resp_lose(e, LOSS_DROPPED, n->node, NULL,
		    "not offered by the Responses API");
}

static void
sampling(struct resp_req *e)
{
	const struct ir_sampling	*s = &e->rq->sampling;
	const struct ir_stop_seq	*q;
	int64_t				 max = s->max_tokens;

	if (max != -1) {
		if (max < MAX_TOKENS_MIN) {
			resp_lose(e, LOSS_APPROXIMATED, s->max_tokens_node,
			    NULL, "16 is the least there");
			max = MAX_TOKENS_MIN;
		}
		if (e->model.max_output > 0 && max > e->model.max_output) {
			max = e->model.max_output;
			resp_lose(e, LOSS_APPROXIMATED, s->max_tokens_node,
			    NULL, "lowered to what the model can do");
		}
		if (e->model.max_output > 0 && max > e->model.max_output) {
			resp_lose(e, LOSS_APPROXIMATED, s->max_tokens_node,
			    NULL, "lowered to what the model can do");
			max = e->model.max_output;
		}
		jw_key(&e->w, "max_output_tokens");
		jw_int(&e->w, max);
	}
	number(e, "temperature", &s->temperature);
	number(e, "top_p", &s->top_p);
	if (s->logprobs == IR_YES)
		number(e, "top_logprobs", &s->top_logprobs);
	else if (s->top_logprobs.raw.n > 0)
		resp_lose(e, LOSS_DROPPED, s->top_logprobs.node, NULL,
		    "no logprobs were asked for");
	not_offered(e, &s->top_k, "");
	not_offered(e, &s->frequency_penalty, "0");
	not_offered(e, &s->presence_penalty, "0");
	not_offered(e, &s->seed, "");
	not_offered(e, &s->n, "1");
	for (q = e->rq->stop; q != NULL; q = q->next)
		resp_lose(e, LOSS_DROPPED, q->node, NULL,
		    "no stop sequences in the Responses API");
}

/* What is asked for, as the model has it; empty: nothing is. */
static struct str
effort(struct resp_req *e)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;
	const struct model_caps		*m = &e->model;
	struct str			 s = STR_NONE;
	const char			*why = NULL;

	if (r->effort.n > 0) {
		s = caps_effort_fit(m, r->effort);
		if (!str_eq(s, r->effort))
			why = "the model has no such effort; the nearest is "
			    "sent";
	} else if (r->mode == IR_REASON_OFF) {
		if (m->think_off)
			return m->thinking == CAPS_THINK_EFFORT ? STR("none") :
			    STR_NONE;
		s = caps_effort_fit(m, STR("minimal"));
		why = "this model cannot but reason: least effort";
	} else if (r->budget >= 0) {
		s = caps_budget_effort(m, r->budget);
		why = "a budget of tokens becomes a level of effort";
	} else if (!m->thinks_unasked && r->mode != IR_REASON_UNSET) {
		s = STR("medium");
		why = CHAT_MEDIUM;
	}
	if (why != NULL)
		resp_lose(e, LOSS_APPROXIMATED, r->node, NULL, why);
	return s;
}

/* Anthropic shows thinking that is switched on without being asked to. */
static bool
thoughts_wanted(const struct resp_req *e)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;

	if (r->mode == IR_REASON_OFF || r->visible != IR_UNSET)
		return r->mode != IR_REASON_OFF && r->visible == IR_YES;
	return e->rq->from == &dialect_anthropic && r->mode == IR_REASON_ON;
}

/* True if the model is to reason, as far as the request says. */
static bool
reasoning(struct resp_req *e)
{
	const struct ir_reasoning	*r = &e->rq->reasoning;
	struct str			 eff;

	/* Its thoughts are to come back in the next turn, asked for or not. */
	if (r->mode == IR_REASON_UNSET && r->effort.n == 0)
		return e->model.thinking == CAPS_THINK_EFFORT &&
		    e->model.thinks_unasked;
	if (e->model.thinking == CAPS_THINK_NONE) {
		if (r->mode != IR_REASON_OFF)
			resp_lose(e, LOSS_DROPPED, r->node, NULL,
			    "this model does not reason");
		return false;
	}
	eff = effort(e);
	if (r->mode == IR_REASON_OFF && eff.n == 0)
		return false;
	if (eff.n == 0 && !thoughts_wanted(e))
		return true;
	jw_key(&e->w, "reasoning");
	jw_object(&e->w);
	if (eff.n > 0) {
		jw_key(&e->w, "effort");
		jw_str(&e->w, eff);
	}
	if (thoughts_wanted(e)) {
		jw_key(&e->w, "summary");
		jw_str(&e->w, r->summary.n > 0 ? r->summary : STR("auto"));
	}
	jw_object_end(&e->w);
	return !str_is(eff, "none");
}

static void
include(struct resp_req *e, bool encrypted)
{
	bool	 logprobs = e->rq->sampling.logprobs == IR_YES &&
	    !refuses_sampling(e);

	if (e->rq->sampling.logprobs == IR_YES && !logprobs)
		dialect_lose_logprobs(e->x, LOSS_DROPPED,
		    "the model refuses it");
	if (!encrypted && !logprobs)
		return;
	jw_key(&e->w, "include");
	jw_array(&e->w);
	if (encrypted)
		jw_strz(&e->w, "reasoning.encrypted_content");
	if (logprobs)
		jw_strz(&e->w, "message.output_text.logprobs");
	jw_array_end(&e->w);
}

static void
format_schema(struct resp_req *e, const struct ir_format *f)
{
	struct ir_names	 unused = { NULL };
	enum chat_strict strict;
	bool		 chat = e->rq->from == &dialect_openai_chat;

	jw_key(&e->w, "name");
	jw_str(&e->w, f->name.n == 0 ? STR("response") :
	    ir_name_fit(e->x->arena, &unused, f->name, "", RESP_NAME_MAX));
	if (f->description.n > 0) {
		jw_key(&e->w, "description");
		jw_jstr(&e->w, f->description);
	}
	jw_key(&e->w, "schema");
	strict = chat_format_schema(e->rq, &e->w);
	if (!chat && strict != CHAT_STRICT_KEPT)
		resp_lose(e, LOSS_APPROXIMATED, f->node, NULL,
		    strict == CHAT_STRICT_NO ? CHAT_NOT_STRICT : CHAT_CLOSED);
	jw_key(&e->w, "strict");
	jw_bool(&e->w, chat ? f->strict == IR_YES : strict != CHAT_STRICT_NO);
}

static const struct ir_ext *
ext_find(const struct ir_request *rq, const char *name)
{
	const struct ir_ext	*x;

	for (x = rq->ext; x != NULL; x = x->next)
		if (str_is(x->name, name))
			return x;
	return NULL;
}

static void
text(struct resp_req *e)
{
	const struct ir_format	*f = &e->rq->format;
	const struct ir_ext	*v = NULL;
	bool			 format;

	if (e->rq->from == &dialect_openai_chat)
		v = ext_find(e->rq, "verbosity");
	if (f->kind == IR_FORMAT_OTHER)
		resp_lose(e, LOSS_REFUSED, f->node, NULL,
		    "a format of answers that is not known there");
	format = f->kind == IR_FORMAT_JSON || (f->kind == IR_FORMAT_SCHEMA &&
	    e->format != CHAT_FORMAT_TOLD);
	if (!format && v == NULL)
		return;
	jw_key(&e->w, "text");
	jw_object(&e->w);
	if (format) {
		jw_key(&e->w, "format");
		jw_object(&e->w);
		jw_key(&e->w, "type");
		jw_strz(&e->w, f->kind == IR_FORMAT_JSON ? "json_object" :
		    "json_schema");
		if (f->kind == IR_FORMAT_SCHEMA)
			format_schema(e, f);
		jw_object_end(&e->w);
	}
	if (v != NULL) {
		jw_key(&e->w, "verbosity");
		jw_raw(&e->w, v->json);
	}
	jw_object_end(&e->w);
}

static void
user(struct resp_req *e)
{
	struct str	 id;

	if (e->rq->user.n == 0)
		return;
	id = jstr_decode(e->x->arena, e->rq->user);
	if (id.n > RESP_ID_MAX) {
		id = ir_id_fit(e->x->arena, id, "user_", RESP_ID_MAX);
		resp_lose(e, LOSS_APPROXIMATED, e->rq->user_node, NULL,
		    "longer than 64 characters: a digest of it");
	}
	jw_key(&e->w, chat_user_key(e->rq));
	jw_str(&e->w, id);
}

static void
service_tier(struct resp_req *e)
{
	struct str	 t = e->rq->service_tier;
	const char	*word = ir_tier_name(ir_tier_asked(t), IR_TIER_OPENAI);
	bool		 same = e->rq->from == &dialect_openai_chat ||
			    str_is(t, "auto");

	if (t.n == 0)
		return;
	if (!same && word == NULL) {
		resp_lose(e, LOSS_DROPPED, e->rq->service_tier_node, NULL,
		    "a tier of another provider");
		return;
	}
	jw_key(&e->w, "service_tier");
	jw_str(&e->w, same ? t : str_of(word));
}

/*
 * Members that the common form does not hold.  Chat Completions has some under
 * the same name; some mean nothing here; some cannot be left out.
 */
static void
ext(struct resp_req *e)
{
	static const char *const same[] = { "prompt_cache_key",
	    "prompt_cache_retention", "prompt_cache_options",
	    "safety_identifier", "moderation", NULL };
	bool			 chat = e->rq->from == &dialect_openai_chat;
	const struct ir_ext	*x;
	size_t			 i;

	for (x = e->rq->ext; x != NULL; x = x->next) {
		for (i = 0; chat && same[i] != NULL; i++)
			if (str_is(x->name, same[i]))
				break;
		if (chat && same[i] != NULL) {
			jw_key_str(&e->w, x->name);
			jw_raw(&e->w, x->json);
		} else if (chat && e->x->target.stream &&
		    str_is(x->name, "include_obfuscation")) {
			jw_key(&e->w, "stream_options");
			jw_object(&e->w);
			jw_key_str(&e->w, x->name);
			jw_raw(&e->w, x->json);
			jw_object_end(&e->w);
		} else if (!chat || !str_is(x->name, "verbosity")) {
			dialect_lose_ext(e->x, x,
			    "not known to the Responses API");
		}
	}
}

static int
encode_foreign(struct resp_req *e, struct ir_error *err)
{
	const struct ir_request	*rq = e->rq;
	const struct ir_message	*m;
	bool			 any;

	if (e->x->target.stream) {
		jw_key(&e->w, "stream");
		jw_bool(&e->w, true);
	}
	jw_key(&e->w, "store");
	jw_bool(&e->w, false);
	m = resp_instructions_write(e);
	e->format = chat_format(rq, m);
	if (!resp_input_write(e, m)) {
		ext(e);
		return dialect_nothing_left(e->x, err);
	}
	any = tools(e);
	if (any)
		tool_choice(e);
	else if (rq->choice.mode == IR_CHOICE_NAMED ||
	    rq->choice.mode == IR_CHOICE_REQUIRED)
		resp_lose(e, LOSS_REFUSED, rq->choice.node, NULL,
		    "no tool is left to choose from");
	if (any && rq->parallel != IR_UNSET) {
		jw_key(&e->w, "parallel_tool_calls");
		jw_bool(&e->w, rq->parallel == IR_YES);
	}
	sampling(e);
	include(e, reasoning(e));
	text(e);
	user(e);
	service_tier(e);
	if (rq->metadata.n > 0 && rq->from == &dialect_openai_chat) {
		jw_key(&e->w, "metadata");
		jw_raw(&e->w, rq->metadata);
	} else if (rq->metadata.n > 0 && !str_is(rq->metadata, "{}")) {
		resp_lose(e, LOSS_DROPPED, rq->metadata_node, NULL,
		    "of another provider");
	}
	if (rq->store == IR_YES)
		lose_path(e, LOSS_DROPPED, STR("store"),
		    "translated requests are not stored there");
	ext(e);
	return 0;
}

/* --- the same dialect ----------------------------------------------------- */

/* Is the value of a member still what the common form holds? */
static bool
own_kept(const struct ir_request *rq, struct jv v)
{
	const struct ir_sampling	*s = &rq->sampling;
	const struct ir_ext		*x;

	if (json_key_is(v, "temperature"))
		return s->temperature.raw.n > 0;
	if (json_key_is(v, "top_p"))
		return s->top_p.raw.n > 0;
	if (json_key_is(v, "top_logprobs"))
		return s->top_logprobs.raw.n > 0;
	if (json_key_is(v, "max_output_tokens"))
		return s->max_tokens != -1;
	if (json_key_is(v, "tools"))
		return rq->tools != NULL || json_count(v) == 0;
	if (json_key_is(v, "tool_choice"))
		return rq->choice.mode != IR_CHOICE_UNSET;
	if (json_key_is(v, "parallel_tool_calls"))
		return rq->parallel != IR_UNSET;
	if (json_key_is(v, "metadata"))
		return rq->metadata.n > 0;
	if (json_key_is(v, "service_tier"))
		return rq->service_tier.n > 0;
	if (json_key_is(v, "user") || v.i == rq->user_node)
		return rq->user.n > 0;
	if (json_key_is(v, "store"))
		return rq->store != IR_UNSET;
	if (json_key_is(v, "text") || json_key_is(v, "reasoning"))
		return true;
	for (x = rq->ext; x != NULL; x = x->next)
		if (x->node == v.i)
			return true;
	return false;
}

/* The item that holds node, from *cur on; items and nodes both count up. */
static bool
own_item(const struct json *j, struct jv *cur, uint32_t node)
{
	while (json_ok(*cur) && j->nodes[cur->i].next <= node)
		*cur = json_next(*cur);
	return json_ok(*cur) && cur->i <= node;
}

/* What another provider's tool did came as an item, whose id means nothing. */
static void
own_copy(struct resp_req *e, const struct ir_part *p, struct jv item)
{
	if (p == NULL || p->type != IR_OPAQUE || p->text.n == 0 ||
	    !server_run_ours(json_raw(item))) {
		jw_raw(&e->w, json_raw(item));
		return;
	}
	jw_object(&e->w);
	key_strz(&e->w, "role", "assistant");
	jw_key(&e->w, "content");
	jw_jstr(&e->w, p->text);
	jw_object_end(&e->w);
}

/* One message: its items as they came, once each. */
static void
own_message(struct resp_req *e, const struct ir_message *m, struct jv *cur,
    uint32_t *done)
{
	const struct ir_part	*p = m->parts;
	uint32_t		 node = p == NULL ? m->node : p->node;

	for (;;) {
		if (own_item(e->rq->json, cur, node) && cur->i != *done) {
			own_copy(e, p, *cur);
			*done = cur->i;
		}
		if (p == NULL || (p = p->next) == NULL)
			break;
		node = p->node;
	}
}

static void
own_input(struct resp_req *e, struct jv in)
{
	const struct ir_message	*m = e->rq->messages;
	struct jv		 cur = json_first(in);
	uint32_t		 done = 0;
	uint32_t		 instr;

	instr = json_get(json_root(e->rq->json), "instructions").i;
	jw_key(&e->w, "input");
	if (json_type(in) != JSON_ARRAY) {
		jw_raw(&e->w, json_raw(in));
		return;
	}
	jw_array(&e->w);
	for (; m != NULL; m = m->next) {
		if (m->node == 0)
			resp_message_write(e, m);
		else if (m->node != instr)
			own_message(e, m, &cur, &done);
	}
	jw_array_end(&e->w);
}

static void
encode_own(struct resp_req *e)
{
	struct jv	 root = json_root(e->rq->json), v;
	bool		 streamed = false;

	for (v = json_first(root); json_ok(v); v = json_next(v)) {
		if (json_key_is(v, "model"))
			continue;
		if (json_key_is(v, "stream")) {
			streamed = true;
			jw_key(&e->w, "stream");
			jw_bool(&e->w, e->x->target.stream);
		} else if (json_empty(v) || json_key_is(v, "instructions") ||
		    own_kept(e->rq, v)) {
			jw_key_jstr(&e->w, json_jstr(json_key(v)));
			jw_raw(&e->w, json_raw(v));
		} else if (json_key_is(v, "input")) {
			own_input(e, v);
		}
	}
	if (!streamed && e->x->target.stream) {
		jw_key(&e->w, "stream");
		jw_bool(&e->w, true);
	}
}

int
resp_request_encode(struct ir_exchange *x, struct buf *out,
    struct ir_error *err)
{
	struct resp_req	 e = { .x = x, .rq = x->rq };

	caps_get(x->target.caps, dialect_openai_responses.name,
	    x->target.model, &e.model);
	jw_init(&e.w, out);
	jw_object(&e.w);
	if (x->target.model.n > 0) {
		jw_key(&e.w, "model");
		jw_str(&e.w, x->target.model);
	}
	if (x->rq->from == x->target.dialect)
		encode_own(&e);
	else {
		if (encode_foreign(&e, err) == -1)
			return -1;
		dialect_lose_marks(x, false);
	}
	jw_object_end(&e.w);
	if (!buf_ok(out)) {
		ir_error_set(err, IR_ERR_TOO_LARGE,
		    "the translated request is too large");
		return -1;
	}
	return 0;
}
