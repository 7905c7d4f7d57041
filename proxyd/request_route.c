/*
 * Where a request goes: its plan, the target of the moment, and the encoding
 * for that.  A further target gets a new encoding and a new loss report.
 */
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "policy/price.h"
#include "proxyd/choices.h"
#include "proxyd/fetch.h"
#include "proxyd/operator.h"
#include "proxyd/request.h"
#include "wire/estimate.h"

/* --- what rules ask about ------------------------------------------------- */

static struct str
fact_header(void *arg, const char *name)
{
	struct request	*rq = arg;

	return str_of(call_header(rq->rq_call, name));
}

static int64_t
fact_price(void *arg, unsigned provider, struct str model)
{
	struct request			*rq = arg;
	const struct snap_price		*p = price_find(rq->rq_snap,
					    rq->rq_snap->providers[
					    provider].name, model);

	return p == NULL ? -1 : p->input + p->output;
}

static void
text_add(struct request *rq, struct buf *b, const struct ir_message *m)
{
	const struct ir_part	*p;
	struct str		 s;

	for (p = m->parts; p != NULL; p = p->next) {
		if (p->type != IR_TEXT)
			continue;
		s = jstr_decode(&rq->rq_arena, p->text);
		/* Claude Code's: another one in each request. */
		if (str_starts(s, "x-anthropic-billing-header"))
			continue;
		(void)buf_adds(b, s);
		(void)buf_addc(b, '\n');
	}
}

static bool
is_system(const struct ir_message *m)
{
	return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

static struct str
text_system(struct request *rq)
{
	const struct ir_message	*m;
	struct buf		 b;
	struct str		 s;

	buf_init(&b, rq->rq_body.max);
	for (m = rq->rq_ir.messages; m != NULL; m = m->next)
		if (is_system(m))
			text_add(rq, &b, m);
	s = arena_str(&rq->rq_arena, buf_str(&b));
	buf_release(&b);
	return s;
}

/* The first message of the user's, or the last. */
static struct str
text_user(struct request *rq, bool last)
{
	const struct ir_message	*m, *found = NULL;
	struct buf		 b;
	struct str		 s;

	for (m = rq->rq_ir.messages; m != NULL; m = m->next)
		if (m->role == IR_USER && (found == NULL || last))
			found = m;
	if (found == NULL)
		return STR("");
	buf_init(&b, rq->rq_body.max);
	text_add(rq, &b, found);
	s = arena_str(&rq->rq_arena, buf_str(&b));
	buf_release(&b);
	return s;
}

/*
 * Names a conversation: the agents' own header, else what it began with.  One
 * that has no answer in it yet has nothing in a provider's cache.
 */
static uint64_t
session_of(struct request *rq)
{
	static const char *const header[] = { "x-claude-code-session-id",
	    "session-id", "session_id", "x-session-id",
	    "x-session-affinity" };
	const struct ir_message	*m;
	const char		*v;
	unsigned		 i;

	for (i = 0; i < sizeof(header) / sizeof(header[0]); i++)
		if ((v = call_header(rq->rq_call, header[i])) != NULL &&
		    v[0] != '\0')
			return hash64(str_of(v), 1) | 1;
	for (m = rq->rq_ir.messages; m != NULL; m = m->next)
		if (m->role == IR_ASSISTANT)
			break;
	if (m == NULL)
		return 0;
	return hash64(text_user(rq, false), hash64(text_system(rq), 2)) | 1;
}

static void
facts_fill(struct request *rq, struct plan_facts *f)
{
	time_t		 now = (time_t)(rq->rq_wall_us / 1000000);
	struct tm	 tm;

	*f = (struct plan_facts){ .tokens = -1, .header = fact_header,
	    .price = fact_price, .arg = rq };
	f->name.dialect = str_of(rq->rq_match.dialect->name);
	f->name.model = rq->rq_ir.model;
	f->path = call_path(rq->rq_call);
	f->tenant = rq->rq_tenant == NULL ? STR("") : rq->rq_tenant->name;
	f->client_key = rq->rq_ckey == NULL ? STR("") : rq->rq_ckey->name;
	f->need = rq->rq_ir.need;
	f->stream = rq->rq_ir.stream;
	f->session = session_of(rq);
	id_random(&f->random, sizeof(f->random));
	if (rq->rq_snap->nrules == 0)
		return;
	if (localtime_r(&now, &tm) != NULL) {
		f->minute = tm.tm_hour * 60 + tm.tm_min;
		f->weekday = (unsigned)tm.tm_wday;
	}
	if (rq->rq_snap->want_tokens)
		f->tokens = ir_estimate_input(&rq->rq_ir);
	if (rq->rq_snap->words != NULL) {
		f->user = text_user(rq, true);
		f->system = text_system(rq);
	}
}

/* --- parameters that a target sets ---------------------------------------- */

/* What a rule may change, as the client said it. */
struct asked {
	struct ir_sampling	 sampling;
	struct ir_reasoning	 reasoning;
	struct str		 service_tier;
	struct jstr		 user;
	uint32_t		 need;
};

static struct ir_number *
number_of(struct ir_sampling *s, struct str name)
{
	return str_is(name, "temperature") ? &s->temperature :
	    str_is(name, "top_p") ? &s->top_p :
	    str_is(name, "top_k") ? &s->top_k :
	    str_is(name, "frequency_penalty") ? &s->frequency_penalty :
	    str_is(name, "presence_penalty") ? &s->presence_penalty :
	    str_is(name, "seed") ? &s->seed : NULL;
}

static struct str
text_of(struct str json)
{
	return json.n < 2 ? STR("") : (struct str){ json.p + 1, json.n - 2 };
}

static void
set_effort(struct ir_reasoning *r, const struct rule_param *p)
{
	if (p->weak && (r->mode != IR_REASON_UNSET || r->effort.n > 0))
		return;
	r->effort = text_of(p->json);
	r->mode = p->json.n > 0 ? IR_REASON_ON : IR_REASON_UNSET;
	if (p->json.n == 0)
		r->budget = -1;
}

/* A whole number of the request; -1: not given. */
static void
set_count(int64_t *to, const struct rule_param *p)
{
	double	 d;

	if (p->weak && *to >= 0)
		return;
	*to = -1;
	if (p->json.n > 0 && (d = strtod(p->json.p, NULL)) >= 0 && d < 1e15)
		*to = (int64_t)d;
}

static void
set_param(struct ir_request *ir, const struct rule_param *p)
{
	struct ir_number	*n = number_of(&ir->sampling, p->name);

	if (n != NULL) {
		if (!p->weak || n->raw.n == 0)
			n->raw = p->json;
	} else if (str_is(p->name, "max_tokens"))
		set_count(&ir->sampling.max_tokens, p);
	else if (str_is(p->name, "reasoning_budget")) {
		set_count(&ir->reasoning.budget, p);
		if (ir->reasoning.budget >= 0 &&
		    ir->reasoning.mode == IR_REASON_UNSET)
			ir->reasoning.mode = IR_REASON_ON;
	} else if (str_is(p->name, "reasoning_effort"))
		set_effort(&ir->reasoning, p);
	else if (str_is(p->name, "service_tier")) {
		if (!p->weak || ir->service_tier.n == 0)
			ir->service_tier = text_of(p->json);
	} else if (!p->weak || ir->user.n == 0)
		ir->user = (struct jstr){ text_of(p->json).p,
		    text_of(p->json).n };
}

/* Each target begins with what the client said. */
static void
set_params(struct request *rq, const struct rule_target *t)
{
	struct ir_request	*ir = &rq->rq_ir;
	struct asked		*a = rq->rq_asked;
	unsigned		 i;

	if (a == NULL) {
		a = rq->rq_asked = ARENA_NEW(&rq->rq_arena, struct asked);
		*a = (struct asked){ ir->sampling, ir->reasoning,
		    ir->service_tier, ir->user, ir->need };
	}
	ir->sampling = a->sampling;
	ir->reasoning = a->reasoning;
	ir->service_tier = a->service_tier;
	ir->user = a->user;
	ir->need = a->need;
	if (t == NULL || t->nparams == 0 || rq->rq_op != NULL)
		return;
	for (i = 0; i < t->nparams; i++)
		set_param(ir, &t->params[i]);
}

/* --- the target ----------------------------------------------------------- */

static int
target_set(struct request *rq, unsigned i, struct ir_error *err)
{
	struct str	 name = str_of(rq->rq_match.dialect->name);

	rq->rq_step = i;
	rq->rq_route = rq->rq_plan->step[i].route;
	rq->rq_pool = &rq->rq_snap->pools[rq->rq_plan->step[i].pool];
	rq->rq_provider = &rq->rq_snap->providers[rq->rq_route.provider];
	rq->rq_target = dialect_byname(route_dialect(rq->rq_provider, name));
	if (rq->rq_target == NULL &&
	    !str_is(rq->rq_provider->dialect, "mock")) {
		ir_error_set(err, IR_ERR_INTERNAL, "provider '%s' has the "
		    "unknown dialect '%s'", rq->rq_provider->name.p,
		    rq->rq_provider->dialect.p);
		return -1;
	}
	if (rq->rq_route.mode == CONF_DIRECT &&
	    rq->rq_target != rq->rq_match.dialect) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "model '%.*s' is routed "
		    "in direct mode to provider '%s', which does not speak "
		    "%s", STR_FMT(rq->rq_ir.model), rq->rq_provider->name.p,
		    rq->rq_match.dialect->title);
		return -1;
	}
	set_params(rq, rq->rq_plan->step[i].rule);
	rq->rq_same = rq->rq_target == rq->rq_match.dialect &&
	    rq->rq_ir.native;
	return 0;
}

struct str
request_route_name(const struct request *rq)
{
	if (rq->rq_plan != NULL && rq->rq_plan->rule != NULL)
		return rq->rq_plan->rule->name;
	return str_of(rq->rq_route.why);
}

static struct plan *
plan_new(struct request *rq)
{
	rq->rq_plan = ARENA_NEW(&rq->rq_arena, struct plan);
	rq->rq_tried = arena_array(&rq->rq_arena, rq->rq_snap->nkeys + 1,
	    sizeof(bool));
	return rq->rq_plan;
}

int
request_route(struct request *rq, struct ir_error *err)
{
	struct plan_facts	 f;
	struct plan		*p;
	unsigned		 i;
	int			 r;

	p = plan_new(rq);
	facts_fill(rq, &f);
	if ((r = operator_plan(rq, p, err)) == -1) {
		rq->rq_plan = NULL;
		return -1;
	}
	if (r == 0 && plan_make(rq->rq_snap, &f, &rq->rq_arena, p, NULL,
	    NULL) == -1) {
		rq->rq_plan = NULL;
		ir_error_set(err, IR_ERR_NOT_FOUND, "no provider serves model "
		    "'%.*s': name it in MODELS in app.yml, or set "
		    "PREFERRED_PROVIDER", STR_FMT(rq->rq_ir.model));
		return -1;
	}
	rq->rq_session = p->affinity ? f.session : 0;
	for (i = 0; i < p->n; i++)
		if (target_set(rq, i, err) == 0 && (i + 1 == p->n ||
		    admit_model(rq, rq->rq_ir.model, rq->rq_route.model)))
			return 0;
	return -1;
}

/*
 * What refers to state that another provider keeps cannot be left out: the
 * conversation would be lost in silence.  Anthropic's SDK sends the whole of it
 * when it is told so in these words.
 */
static int
request_stateful(struct request *rq, struct ir_error *err)
{
	bool	 thread;

	if (rq->rq_same || (rq->rq_ir.need & IR_NEED_STATE) == 0 ||
	    rq->rq_target == rq->rq_client)
		return 0;
	thread = rq->rq_client == &dialect_anthropic &&
	    json_ok(json_get(json_root(&rq->rq_json), "thread"));
	ir_error_set(err, IR_ERR_BAD_REQUEST, "the request refers to state "
	    "kept by a provider, which provider '%s' does not have: send the "
	    "whole conversation", rq->rq_provider->name.p);
	if (thread)
		ir_error_copy(err->code, sizeof(err->code),
		    STR("thread_unsupported_request"));
	return -1;
}

static int
request_refused(struct request *rq, struct ir_error *err)
{
	const struct loss_item	*li;

	if (rq->rq_loss.refused == 0)
		return 0;
	for (li = rq->rq_loss.first; li != NULL; li = li->next)
		if (li->action == LOSS_REFUSED)
			break;
	ir_error_set(err, IR_ERR_BAD_REQUEST, "'%.*s' cannot be sent to "
	    "provider '%s': %s", li == NULL ? 0 : (int)li->path.n,
	    li == NULL ? "" : li->path.p, rq->rq_provider->name.p,
	    li == NULL ? "not offered" : li->why);
	if (li != NULL)
		ir_error_copy(err->param, sizeof(err->param), li->path);
	return -1;
}

/*
 * The client asks for it, the operator, or the target's rule; a client cannot
 * ask for less.
 */
static int
request_strict(struct request *rq, struct ir_error *err)
{
	const struct rule_target	*t = rq->rq_plan->step[rq->rq_step].rule;
	struct str	 v = str_of(call_header(rq->rq_call,
			    "x-proxyd-strict"));

	if (v.n > 0 && !str_is_nocase(v, "true") && !str_is_nocase(v,
	    "false")) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "the header "
		    "x-proxyd-strict: expected true or false");
		return -1;
	}
	rq->rq_strict = rq->rq_snap->strict || str_is_nocase(v, "true") ||
	    (t != NULL && t->strict);
	return rq->rq_strict ? loss_strict(&rq->rq_loss, err) : 0;
}

static void
request_exchange(struct request *rq)
{
	struct ir_exchange	*x = &rq->rq_x;

	x->arena = &rq->rq_arena;
	x->rq = &rq->rq_ir;
	x->loss = &rq->rq_loss;
	x->id = str_of(rq->rq_id + 4);		/* behind "req_" */
	x->created = rq->rq_wall_us / 1000000;
	x->stream = rq->rq_ir.stream;
	x->framing = rq->rq_ir.framing;
	x->target.dialect = rq->rq_target;
	x->target.provider = rq->rq_provider->name;
	x->target.model = rq->rq_route.model;
	x->target.tool_rules = rq->rq_snap->server_tools;
	x->target.stream = rq->rq_ir.stream;
	x->target.caps = &rq->rq_snap->caps;
	x->target.framing = rq->rq_same ? rq->rq_ir.framing : FRAME_SSE;
}

int
request_translate(struct request *rq, struct ir_error *err)
{
	struct ir_exchange	*x = &rq->rq_x;
	int			 r;

	if (rq->rq_op != NULL) {
		r = op_translate(rq, err);
		return r == 0 && request_refused(rq, err) == -1 ? -1 : r;
	}
	rq->rq_hide_usage = false;
	if (rq->rq_target == NULL)
		return 0;
	if (rq->rq_same) {
		rq->rq_hide_usage = rq->rq_route.mode != CONF_DIRECT &&
		    rq->rq_target == &dialect_openai_chat &&
		    rq->rq_ir.stream && !rq->rq_ir.stream_usage;
		dialect_splice(&rq->rq_ir, rq->rq_route.mode == CONF_DIRECT ?
		    rq->rq_ir.model : rq->rq_route.model, rq->rq_hide_usage,
		    &rq->rq_send);
	} else {
		request_vault_restore(rq);
		if (rq->rq_target->request_encode(x, &rq->rq_send, err) == -1)
			return -1;
		rq->rq_wk->row->stat.translated++;
		if (rq->rq_loss.n > 0)
			rq->rq_wk->row->stat.losses++;
		if (request_refused(rq, err) == -1)
			return -1;
	}
	if (rq->rq_target == rq->rq_ir.from)
		request_params(rq, rq->rq_plan->step[rq->rq_step].rule);
	refusals_apply(rq);
	if (request_strict(rq, err) == -1)
		return -1;
	if (!buf_ok(&rq->rq_send)) {
		ir_error_set(err, IR_ERR_TOO_LARGE,
		    "the translated body is too large");
		return -1;
	}
	return 0;
}

bool
request_to(struct request *rq, struct str provider, struct str model)
{
	struct plan_step	*st;
	struct ir_error		 err;
	int			 i = snapshot_provider(rq->rq_snap, provider);

	if (i == -1 || rq->rq_snap->providers[i].disabled)
		return false;
	ir_request_init(&rq->rq_ir, &rq->rq_arena, rq->rq_match.dialect,
	    &rq->rq_json);
	rq->rq_ir.native = true;
	rq->rq_ir.model = model;
	st = plan_new(rq)->step;
	st->route = (struct route){ .provider = (unsigned)i, .model = model,
	    .why = "kept there" };
	st->pool = (unsigned)i;
	rq->rq_plan->n = 1;
	if (target_set(rq, 0, &err) == -1 || !rq->rq_same)
		return false;
	request_exchange(rq);
	return true;
}

bool
request_prefer(struct request *rq, struct str provider)
{
	struct plan		*p = rq->rq_plan;
	struct plan_step	 st;
	struct ir_error		 err;
	unsigned		 i;

	for (i = 0; i < p->n; i++)
		if (str_eq(rq->rq_snap->providers[p->step[i].route.provider]
		    .name, provider))
			break;
	if (i == p->n)
		return false;
	st = p->step[i];
	for (; i > rq->rq_step; i--)
		p->step[i] = p->step[i - 1];
	p->step[rq->rq_step] = st;
	return target_set(rq, rq->rq_step, &err) == 0;
}

/* 1: media are being fetched, and then is called. */
int
request_fetch(struct request *rq, void (*then)(struct request *),
    struct ir_error *err)
{
	request_exchange(rq);
	if (request_stateful(rq, err) == -1 || choices_begin(rq, err) == -1)
		return -1;
	if (rq->rq_target == NULL || rq->rq_same ||
	    (rq->rq_op != NULL && !op_fetches(rq)))
		return 0;
	return fetch_begin(rq, then, err);
}

/* --- the next target ------------------------------------------------------ */

static void
encode_cb(struct request *rq)
{
	struct ir_error	 err;

	if (request_translate(rq, &err) == -1)
		request_fail(rq, &err);
	else
		try_again(rq);
}

/* 0: encoded, 1: its media come first, -1: not this one. */
static int
target_try(struct request *rq, unsigned i)
{
	struct ir_error	 err;
	int64_t		 wait_ms;
	int		 r;

	if (target_set(rq, i, &err) == -1 ||
	    !admit_model(rq, rq->rq_ir.model, rq->rq_route.model) ||
	    !try_key(rq, &wait_ms))
		return -1;
	memset(&rq->rq_x, 0, sizeof(rq->rq_x));
	loss_init(&rq->rq_loss, &rq->rq_arena);
	rq->rq_choices = 0;
	buf_clear(&rq->rq_send);
	if ((r = request_fetch(rq, encode_cb, &err)) == 0)
		r = request_translate(rq, &err);
	return r;
}

int
request_next_target(struct request *rq)
{
	const struct snap_key	*key = rq->rq_key;
	struct ir_exchange	 x = rq->rq_x;
	struct loss		 loss = rq->rq_loss;
	unsigned		 i, step = rq->rq_step;
	unsigned		 choices = rq->rq_choices;
	struct ir_error		 err;
	int			 r;

	for (i = step + 1; i < rq->rq_plan->n; i++)
		if ((r = target_try(rq, i)) != -1)
			return r;
	/* What is said now is said of the one that failed. */
	(void)!target_set(rq, step, &err);
	rq->rq_key = key;
	rq->rq_x = x;
	rq->rq_loss = loss;
	rq->rq_choices = choices;
	return -1;
}
