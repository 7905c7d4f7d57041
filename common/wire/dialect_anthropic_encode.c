/*
 * Common form to an Anthropic Messages request.  From this dialect: the body,
 * member by member.  From another one: its system text and messages by
 * _turns.c, the rest here.
 */
#include "wire/dialect_anthropic.h"
#include "wire/server_tool.h"

#include <stdlib.h>
#include <string.h>

#define ROOM		4096	/* tokens left for the answer behind thoughts */
#define TOP_P_MIN	0.95	/* while thinking */
#define USER_MAX	256	/* characters of metadata.user_id */

void
anthropic_loss(struct an_request *r, enum loss_action action, uint32_t node,
    const char *why)
{
	loss_node(r->loss, action, r->rq->json, node, NULL, why);
}

static void
lost_name(struct an_request *r, const char *name, const char *why)
{
	loss_add(r->loss, LOSS_DROPPED, str_of(name), why);
}

/* --- from this dialect ---------------------------------------------------- */

/* The lenient endpoint takes OpenAI's habit of a system message in front. */
static bool
to_hoist(const struct ir_request *rq, struct jv root)
{
	struct jv	 v, list = json_get(root, "messages");

	if (!rq->lenient)
		return false;
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (json_is(json_get(v, "role"), "system"))
			return true;
	}
	return false;
}

/* A text without the citations that no provider made. */
static void
copy_text(struct jw *w, struct jv block)
{
	struct jv	 m, c;
	unsigned	 n = 0;

	jw_object(w);
	for (m = json_first(block); json_ok(m); m = json_next(m)) {
		if (!json_key_is(m, "citations")) {
			jw_key_jstr(w, json_jstr(json_key(m)));
			jw_raw(w, json_raw(m));
			continue;
		}
		for (c = json_first(m); json_ok(c); c = json_next(c)) {
			if (server_run_ours(json_raw(c)))
				continue;
			if (n++ == 0) {
				jw_key(w, "citations");
				jw_array(w);
			}
			jw_raw(w, json_raw(c));
		}
		if (n > 0)
			jw_array_end(w);
	}
	jw_object_end(w);
}

/*
 * One block of the client's.  What another provider's tools did came to it in
 * this dialect's form, but nothing in it is for Anthropic's eyes: it is text.
 */
static void
copy_block(struct an_request *r, struct jv block)
{
	struct jw	*w = &r->w;

	if (json_is(json_get(block, "type"), "text")) {
		copy_text(w, block);
		return;
	}
	if (!str_starts(json_str(r->a, json_get(block, json_is(json_get(block,
	    "type"), "server_tool_use") ? "id" : "tool_use_id")),
	    "srvtoolu_pxd")) {
		jw_raw(w, json_raw(block));
		return;
	}
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "text");
	jw_key(w, "text");
	jw_jstr(w, server_run_text(r->a, &dialect_anthropic,
	    json_raw(block)));
	jw_object_end(w);
}

static void
copy_messages(struct an_request *r, struct jv list)
{
	struct jw	*w = &r->w;
	struct jv	 v, m, b;

	jw_array(w);
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (!server_run_ours(json_raw(v))) {
			jw_raw(w, json_raw(v));
			continue;
		}
		jw_object(w);
		for (m = json_first(v); json_ok(m); m = json_next(m)) {
			jw_key_jstr(w, json_jstr(json_key(m)));
			if (!json_key_is(m, "content") ||
			    json_type(m) != JSON_ARRAY) {
				jw_raw(w, json_raw(m));
				continue;
			}
			jw_array(w);
			b = json_first(m);
			for (; json_ok(b); b = json_next(b))
				copy_block(r, b);
			jw_array_end(w);
		}
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void
copy_member(struct an_request *r, struct jv m, bool hoist)
{
	struct jw	*w = &r->w;

	if ((json_key_is(m, "max_tokens") && json_empty(m)) ||
	    (hoist && (json_key_is(m, "system") ||
	    json_key_is(m, "messages"))))
		return;
	jw_key_jstr(w, json_jstr(json_key(m)));
	if (json_key_is(m, "model"))
		jw_str(w, r->x->target.model);
	else if (json_key_is(m, "stream"))
		jw_bool(w, r->x->target.stream);
	else if (json_key_is(m, "messages"))
		copy_messages(r, m);
	else
		jw_raw(w, json_raw(m));
}

static int
encode_same(struct an_request *r, struct ir_error *err)
{
	struct jv	 root = json_root(r->rq->json), m;
	bool		 hoist = to_hoist(r->rq, root);
	struct jw	*w = &r->w;

	if (hoist) {
		if (anthropic_turns(r, err) == -1)
			return -1;
		anthropic_turns_end(r);
	}
	jw_object(w);
	for (m = json_first(root); json_ok(m); m = json_next(m))
		copy_member(r, m, hoist);
	if (r->rq->sampling.max_tokens < 0) {
		jw_key(w, "max_tokens");
		jw_int(w, r->model.max_tokens);
	}
	if (hoist)
		anthropic_turns_write(r);
	if (r->x->target.stream && !json_ok(json_get(root, "stream"))) {
		jw_key(w, "stream");
		jw_bool(w, true);
	}
	jw_object_end(w);
	return 0;
}

/* --- thinking ------------------------------------------------------------- */

static bool
reasoning_off(const struct ir_reasoning *rs)
{
	return rs->mode == IR_REASON_OFF || rs->budget == 0 ||
	    (rs->mode == IR_REASON_UNSET && str_is(rs->effort, "none"));
}

static bool
reasoning_on(const struct ir_reasoning *rs)
{
	return !reasoning_off(rs) && (rs->mode != IR_REASON_UNSET ||
	    rs->effort.n > 0 || rs->budget > 0 || rs->visible == IR_YES);
}

/* The budget lies below max_tokens, and leaves room behind it. */
static void
plan_budget(struct an_request *r)
{
	const struct ir_reasoning	*rs = &r->rq->reasoning;
	int64_t				 want, top;

	want = rs->budget > 0 ? rs->budget :
	    caps_effort_budget(&r->model, rs->effort);
	if (rs->budget <= 0 && rs->effort.n > 0)
		anthropic_loss(r, LOSS_APPROXIMATED, rs->node,
		    "an effort is sent as a budget of tokens");
	r->budget = want < AN_BUDGET_MIN ? AN_BUDGET_MIN : want;
	if (r->rq->sampling.max_tokens < 0) {
		if (r->max_tokens < r->budget + ROOM)
			r->max_tokens = r->budget + ROOM;
		if (r->model.max_output > 0 &&
		    r->max_tokens > r->model.max_output)
			r->max_tokens = r->model.max_output;
		top = r->max_tokens - ROOM;
	} else {
		top = r->max_tokens - r->max_tokens / 5;
		if (top < AN_BUDGET_MIN && r->max_tokens > AN_BUDGET_MIN)
			top = AN_BUDGET_MIN;
	}
	if (r->budget > top)
		r->budget = top;
	if (r->budget < AN_BUDGET_MIN) {
		r->think = false;
		anthropic_loss(r, LOSS_DROPPED, rs->node,
		    "max_tokens leaves no room for thinking");
	} else if (r->budget != want) {
		anthropic_loss(r, LOSS_APPROXIMATED, rs->node,
		    "the budget is fitted to the model and max_tokens");
	}
}

static void
plan_effort(struct an_request *r)
{
	const struct ir_reasoning	*rs = &r->rq->reasoning;
	const char			*why = NULL;

	r->effort = rs->effort;
	if (rs->effort.n == 0 && rs->budget > 0) {
		r->effort = caps_budget_effort(&r->model, rs->budget);
		why = "a budget is sent as an effort";
	} else if (rs->effort.n > 0) {
		r->effort = caps_effort_fit(&r->model, rs->effort);
		if (!str_eq(r->effort, rs->effort))
			why = "the model has no such effort; the nearest is "
			    "sent";
	}
	if (why != NULL)
		anthropic_loss(r, LOSS_APPROXIMATED, rs->node, why);
}

static void
plan_thinking(struct an_request *r)
{
	const struct ir_reasoning	*rs = &r->rq->reasoning;

	if (!reasoning_on(rs))
		return;
	if (r->model.thinking == CAPS_THINK_NONE) {
		anthropic_loss(r, LOSS_DROPPED, rs->node,
		    "the model does not think");
		return;
	}
	r->think = true;
	if (str_is(rs->summary, "concise") || str_is(rs->summary, "detailed"))
		dialect_lose_member(r->x, LOSS_APPROXIMATED, rs->node,
		    dialect_summary, "how long thoughts are told is the model's choice");
	if (r->model.thinking == CAPS_THINK_ADAPTIVE) {
		plan_effort(r);
		return;
	}
	if (anthropic_turns_unthought(r)) {
		r->think = false;
		anthropic_loss(r, LOSS_DROPPED, rs->node,
		    "thinking cannot begin between a call and its result");
		return;
	}
	plan_budget(r);
}

static void
write_thinking(struct an_request *r)
{
	struct jw	*w = &r->w;
	enum ir_tri	 visible = r->rq->reasoning.visible;
	bool		 adaptive = r->model.thinking == CAPS_THINK_ADAPTIVE;
	bool		 off = reasoning_off(&r->rq->reasoning);

	if (!r->think && (!off || r->model.thinking == CAPS_THINK_NONE))
		return;
	jw_key(w, "thinking");
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, off ? "disabled" : adaptive ? "adaptive" : "enabled");
	if (!off && !adaptive) {
		jw_key(w, "budget_tokens");
		jw_int(w, r->budget);
	}
	/* The older kind shows its thoughts without being asked. */
	if (!off && adaptive && visible != IR_UNSET) {
		jw_key(w, "display");
		jw_strz(w, visible == IR_YES ? "summarized" : "omitted");
	}
	jw_object_end(w);
}

static void
write_output_config(struct an_request *r)
{
	static const char *const	 description[] = { "description",
					    NULL };
	static const char *const	 name[] = { "name", NULL };
	const struct ir_format		*f = &r->rq->format;
	struct jw			*w = &r->w;
	bool				 schema = f->kind == IR_FORMAT_SCHEMA;

	if (f->kind == IR_FORMAT_JSON)
		anthropic_loss(r, LOSS_APPROXIMATED, f->node,
		    "without a schema, JSON is asked for in the system text");
	else if (f->kind == IR_FORMAT_OTHER)
		anthropic_loss(r, LOSS_REFUSED, f->node,
		    "an output format that the provider does not know");
	if (schema && !jstr_empty(f->description))
		dialect_lose_member(r->x, LOSS_DROPPED, f->node, description,
		    "the provider's formats have none");
	if (schema && f->name.n > 0)
		dialect_lose_member(r->x, LOSS_IGNORED, f->node, name,
		    "the provider's formats have no names");
	if (!schema && r->effort.n == 0)
		return;
	jw_key(w, "output_config");
	jw_object(w);
	if (r->effort.n > 0) {
		jw_key(w, "effort");
		jw_str(w, r->effort);
	}
	if (schema) {
		jw_key(w, "format");
		jw_object(w);
		jw_key(w, "type");
		jw_strz(w, "json_schema");
		jw_key(w, "schema");
		anthropic_schema_strict(r, f->schema, f->schema_is_openapi,
		    ir_node_of(r->rq, f->schema, f->node));
		jw_object_end(w);
	}
	jw_object_end(w);
}

/* --- tools ---------------------------------------------------------------- */

static bool
allowed(const struct ir_request *rq, const struct ir_tool *t)
{
	const struct ir_str_list	*s;

	for (s = rq->choice.allowed; s != NULL; s = s->next) {
		if (str_eq(s->s, t->name))
			return true;
	}
	return rq->choice.allowed == NULL;
}

/* The grammar of a custom tool, as the chat and the responses API have it. */
static void
write_grammar(struct an_request *r, const struct ir_tool *t)
{
	struct json_error	 je;
	struct json		 j;
	struct jv		 f, def;

	json_init(&j);
	if (t->raw.n > 0 && json_parse(&j, t->raw, &je) == 0) {
		f = json_get(json_root(&j), "format");
		if (!json_ok(f))
			f = json_get(json_get(json_root(&j), "custom"),
			    "format");
		if (json_ok(json_get(f, "grammar")))
			f = json_get(f, "grammar");
		def = json_get(f, "definition");
		if (json_type(def) == JSON_STRING) {
			if (t->description.n > 0)
				jw_piece_jstr(&r->w, JSTR("\\n\\n"));
			jw_piece_jstr(&r->w,
			    JSTR("The input follows this grammar ("));
			jw_piece_jstr(&r->w, json_jstr(json_get(f, "syntax")));
			jw_piece_jstr(&r->w, JSTR("):\\n"));
			jw_piece_jstr(&r->w, json_jstr(def));
		}
	}
	json_release(&j);
}

static void
write_description(struct an_request *r, const struct ir_tool *t)
{
	if (t->kind != IR_CUSTOM && t->description.n == 0)
		return;
	jw_key(&r->w, "description");
	jw_open(&r->w);
	jw_piece_jstr(&r->w, t->description);
	if (t->kind == IR_CUSTOM)
		write_grammar(r, t);
	jw_close(&r->w);
}

static void
write_schema(struct an_request *r, const struct ir_tool *t, bool strict)
{
	jw_key(&r->w, "input_schema");
	if (t->kind == IR_CUSTOM) {
		anthropic_loss(r, LOSS_APPROXIMATED, t->node,
		    "a free-form tool is sent as one with a text input");
		jw_raw(&r->w, STR("{\"type\":\"object\",\"properties\":"
		    "{\"input\":{\"type\":\"string\"}},"
		    "\"required\":[\"input\"]}"));
	} else if (strict && t->schema.n > 0) {
		anthropic_schema_strict(r, t->schema, t->schema_is_openapi,
		    ir_node_of(r->rq, t->schema, t->node));
	} else {
		anthropic_schema_tool(r, t->schema, t->schema_is_openapi,
		    ir_node_of(r->rq, t->schema, t->node));
	}
}

static void
write_tool(struct an_request *r, const struct ir_tool *t)
{
	static const char *const	 member[] = { "strict", NULL };
	struct jw	*w = &r->w;
	bool		 strict = t->kind == IR_FUNCTION &&
			    t->strict == IR_YES;

	if (strict && !r->model.strict) {
		strict = false;
		dialect_lose_member(r->x, LOSS_DROPPED, t->node, member,
		    "the model has no strict tools");
	}
	if (t->response_schema.n > 0)
		anthropic_loss(r, LOSS_DROPPED, ir_node_of(r->rq,
		    t->response_schema, t->node),
		    "a tool has no schema of its results");
	jw_object(w);
	jw_key(w, "name");
	jw_str(w, ir_name_fit(r->a, &r->x->names, t->name, "", AN_NAME_MAX));
	write_description(r, t);
	write_schema(r, t, strict);
	if (strict) {
		jw_key(w, "strict");
		jw_bool(w, true);
	}
	if (t->cache != IR_CACHE_NONE) {
		jw_key(w, "cache_control");
		jw_raw(w, t->cache == IR_CACHE_1H ?
		    STR("{\"type\":\"ephemeral\",\"ttl\":\"1h\"}") :
		    STR("{\"type\":\"ephemeral\"}"));
	}
	jw_object_end(w);
}

/* Returns how many there are. */
static unsigned
write_tools(struct an_request *r)
{
	const struct ir_tool	*t;
	enum server_tool_verdict v = SERVER_TOOL_FUNCTION;
	struct ir_tool		 as;
	unsigned		 n = 0;

	for (t = r->rq->tools; t != NULL; t = t->next) {
		if (t->kind == IR_SERVER) {
			v = server_tool_verdict(r->x, t, false, &as);
			if (v == SERVER_TOOL_LEAVE)
				continue;
		} else if (!allowed(r->rq, t))
			continue;
		if (n++ == 0) {
			jw_key(&r->w, "tools");
			jw_array(&r->w);
		}
		if (t->kind == IR_SERVER && v == SERVER_TOOL_OWN)
			jw_raw(&r->w, as.raw);
		else
			write_tool(r, t->kind == IR_SERVER ? &as : t);
	}
	if (n > 0)
		jw_array_end(&r->w);
	if (r->rq->choice.allowed != NULL)
		anthropic_loss(r, LOSS_APPROXIMATED, r->rq->choice.node,
		    "only the allowed tools are sent");
	return n;
}

/* A tool of the provider's that is to be used: its name there, or NULL. */
static const char *
server_name(const struct an_request *r)
{
	const struct ir_tool	*t = server_tool_chosen(r->rq);

	return t == NULL ? NULL : server_tool_name(&dialect_anthropic, t);
}

static const char *
choice_type(struct an_request *r)
{
	const struct ir_tool_choice	*c = &r->rq->choice;
	bool				 named = c->mode == IR_CHOICE_NAMED;
	const char			*why = NULL;

	if (c->mode == IR_CHOICE_NONE)
		return "none";
	if (c->mode != IR_CHOICE_REQUIRED && !named)
		return "auto";
	if (r->model.forced == CAPS_NO)
		why = "the model lets no tool be forced";
	else if (r->think && r->model.forced == CAPS_NOT_THINKING)
		why = "a tool cannot be forced while thinking";
	else if (named && !server_tool_choice_sent(r->x))
		why = SERVER_TOOL_NOT_SENT;
	if (why == NULL)
		return named ? "tool" : "any";
	anthropic_loss(r, LOSS_APPROXIMATED, c->node, why);
	return "auto";
}

static void
write_choice(struct an_request *r)
{
	const struct ir_tool_choice	*c = &r->rq->choice;
	struct jw			*w = &r->w;
	const char			*type;
	bool				 alone = r->rq->parallel == IR_NO;

	if (c->mode == IR_CHOICE_UNSET && !alone)
		return;
	type = choice_type(r);
	jw_key(w, "tool_choice");
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, type);
	if (strcmp(type, "tool") == 0) {
		jw_key(w, "name");
		jw_str(w, server_name(r) != NULL ? str_of(server_name(r)) :
		    ir_name_fit(r->a, &r->x->names, c->name, "", AN_NAME_MAX));
	}
	if (alone && strcmp(type, "none") != 0) {
		jw_key(w, "disable_parallel_tool_use");
		jw_bool(w, true);
	}
	jw_object_end(w);
}

/* --- sampling ------------------------------------------------------------- */

static bool
sampled(const struct an_request *r)
{
	return r->model.sampling != CAPS_NO;
}

static double
value(struct an_request *r, const struct ir_number *n)
{
	return strtod(arena_str(r->a, n->raw).p, NULL);
}

static bool
given(const struct ir_number *n)
{
	return n->raw.n > 0;
}

static bool
drop(struct an_request *r, const struct ir_number *n, const char *why)
{
	anthropic_loss(r, LOSS_DROPPED, n->node, why);
	return false;
}

/* Returns true if it was written. */
static bool
write_temperature(struct an_request *r)
{
	const struct ir_number	*n = &r->rq->sampling.temperature;
	double			 t;

	if (!given(n))
		return false;
	t = value(r, n);
	if (t > 1) {
		t = 1;
		anthropic_loss(r, LOSS_APPROXIMATED, n->node,
		    "the highest temperature is 1");
	}
	/* 1 is the default. */
	if (t >= 1 && (!sampled(r) || r->think))
		return false;
	if (!sampled(r))
		return drop(r, n, "the model takes no temperature");
	if (r->think)
		return drop(r, n, "thinking takes no temperature");
	jw_key(&r->w, "temperature");
	if (t >= 1)
		jw_int(&r->w, 1);
	else
		jw_raw(&r->w, n->raw);
	return true;
}

static void
write_top_p(struct an_request *r, bool temperature)
{
	const struct ir_number	*n = &r->rq->sampling.top_p;

	if (!given(n))
		return;
	if (!sampled(r)) {
		if (value(r, n) < 1)
			drop(r, n, "the model takes no top_p");
	} else if (r->think && value(r, n) < TOP_P_MIN) {
		drop(r, n, "thinking takes no top_p below 0.95");
	} else if (temperature && !r->model.temperature_and_top_p) {
		drop(r, n, "the model takes temperature or top_p, not both");
	} else {
		jw_key(&r->w, "top_p");
		jw_raw(&r->w, n->raw);
	}
}

static void
write_top_k(struct an_request *r)
{
	const struct ir_number	*n = &r->rq->sampling.top_k;
	double			 k;

	if (!given(n))
		return;
	k = value(r, n);
	if (!sampled(r) || r->think) {
		drop(r, n, "the model, or its thinking, takes no top_k");
	} else if (k < 1 || k > 1e9) {
		drop(r, n, "not a number of tokens");
	} else {
		jw_key(&r->w, "top_k");
		jw_int(&r->w, (int64_t)k);
	}
}

static void
write_stop(struct an_request *r)
{
	const struct ir_stop_seq	*s;
	unsigned			 n = 0;

	for (s = r->rq->stop; s != NULL; s = s->next) {
		if (anthropic_blank(s->s)) {
			if (s->s.n > 0)
				anthropic_loss(r, LOSS_DROPPED, s->node,
				    "a stop sequence of space alone");
			continue;
		}
		if (n++ == 0) {
			jw_key(&r->w, "stop_sequences");
			jw_array(&r->w);
		}
		jw_jstr(&r->w, s->s);
	}
	if (n > 0)
		jw_array_end(&r->w);
}

static void
report_sampling(struct an_request *r)
{
	const struct ir_sampling	*s = &r->rq->sampling;

	if (given(&s->n) && value(r, &s->n) > 1)
		drop(r, &s->n, "one answer at a time");
	if (given(&s->seed))
		drop(r, &s->seed, "the provider takes no seed");
	if (given(&s->frequency_penalty) && value(r, &s->frequency_penalty) != 0)
		drop(r, &s->frequency_penalty, "the provider has no penalties");
	if (given(&s->presence_penalty) && value(r, &s->presence_penalty) != 0)
		drop(r, &s->presence_penalty, "the provider has no penalties");
	if (given(&s->top_logprobs) && value(r, &s->top_logprobs) > 0)
		drop(r, &s->top_logprobs, "the provider tells no logprobs");
	if (s->logprobs == IR_YES)
		dialect_lose_logprobs(r->x, LOSS_DROPPED,
		    "the provider tells no logprobs");
}

/* --- the rest ------------------------------------------------------------- */

static void
write_user(struct an_request *r)
{
	const struct ir_request	*rq = r->rq;
	struct jw		*w = &r->w;
	struct str		 id;

	if (rq->user.n > 0) {
		id = jstr_decode(r->a, rq->user);
		if (id.n > USER_MAX) {
			id = ir_id_fit(r->a, id, "user_", USER_MAX);
			anthropic_loss(r, LOSS_APPROXIMATED, rq->user_node,
			    "longer than 256 characters: a digest of it");
		}
		jw_key(w, "metadata");
		jw_object(w);
		jw_key(w, "user_id");
		jw_str(w, id);
		jw_object_end(w);
	}
	if (rq->metadata.n > 0 && !str_is(rq->metadata, "{}"))
		anthropic_loss(r, LOSS_DROPPED, rq->metadata_node,
		    "metadata holds a user's id alone");
	if (rq->store == IR_YES)
		lost_name(r, "store", "the provider stores nothing");
}

static void
write_tier(struct an_request *r)
{
	struct str	 tier = r->rq->service_tier;

	if (tier.n == 0 || str_is(tier, "auto"))
		return;
	if (ir_tier_asked(tier) == IR_TIER_STANDARD) {
		jw_key(&r->w, "service_tier");
		jw_strz(&r->w, "standard_only");
		return;
	}
	/* "auto", which is the default, is priority where it was bought. */
	anthropic_loss(r, ir_tier_asked(tier) == IR_TIER_PRIORITY ?
	    LOSS_APPROXIMATED : LOSS_DROPPED, r->rq->service_tier_node,
	    "the provider has no such tier");
}

static void
report_ext(struct an_request *r)
{
	const struct ir_ext	*e;

	for (e = r->rq->ext; e != NULL; e = e->next)
		dialect_lose_ext(r->x, e, "the provider has nothing like it");
}

static int
encode_other(struct an_request *r, struct ir_error *err)
{
	struct jw	*w = &r->w;
	bool		 temperature;

	report_ext(r);
	if (anthropic_turns(r, err) == -1)
		return -1;
	plan_thinking(r);
	anthropic_turns_end(r);
	jw_object(w);
	jw_key(w, "model");
	jw_str(w, r->x->target.model);
	jw_key(w, "max_tokens");
	jw_int(w, r->max_tokens);
	if (r->x->target.stream) {
		jw_key(w, "stream");
		jw_bool(w, true);
	}
	if (write_tools(r) > 0)
		write_choice(r);
	else if (r->rq->choice.mode == IR_CHOICE_REQUIRED ||
	    r->rq->choice.mode == IR_CHOICE_NAMED)
		anthropic_loss(r, LOSS_REFUSED, r->rq->choice.node,
		    "no tool is left to choose from");
	anthropic_turns_write(r);
	write_thinking(r);
	write_output_config(r);
	temperature = write_temperature(r);
	write_top_p(r, temperature);
	write_top_k(r);
	write_stop(r);
	write_user(r);
	write_tier(r);
	report_sampling(r);
	dialect_lose_marks(r->x, false);
	jw_object_end(w);
	return 0;
}

int
anthropic_request_encode(struct ir_exchange *x, struct buf *out,
    struct ir_error *err)
{
	struct an_request	 r = {
		.x = x,
		.rq = x->rq,
		.a = x->arena,
		.loss = x->loss,
	};

	jw_init(&r.w, out);
	caps_get(x->target.caps, dialect_anthropic.name, x->target.model,
	    &r.model);
	r.max_tokens = x->rq->sampling.max_tokens;
	if (r.max_tokens < 0)
		r.max_tokens = r.model.max_tokens;
	if (x->rq->from == &dialect_anthropic)
		return encode_same(&r, err);
	if (r.model.max_output > 0 && r.max_tokens > r.model.max_output) {
		r.max_tokens = r.model.max_output;
		if (x->rq->sampling.max_tokens >= 0)
			anthropic_loss(&r, LOSS_APPROXIMATED,
			    x->rq->sampling.max_tokens_node,
			    "lowered to what the model can do");
	}
	return encode_other(&r, err);
}
