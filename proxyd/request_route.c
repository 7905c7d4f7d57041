/*
 * Where a request goes: its plan, the target of the moment, and the encoding
 * for that.  A further target gets a new encoding and a new loss report.
 */
#include "base/id.h"
#include "proxyd/choices.h"
#include "proxyd/fetch.h"
#include "proxyd/operator.h"
#include "proxyd/request.h"
#include "proxyd/responses.h"

/* --- what was asked ------------------------------------------------------- */

static const char *
ask_header(void *arg, const char *name)
{
	struct request	*rq = arg;

	return call_header(rq->rq_call, name);
}

static void
ask_fill(struct request *rq, struct route_ask *ask)
{
	*ask = (struct route_ask){
		.snap = rq->rq_snap,
		.shm = rq->rq_wk->shm,
		.dialect = rq->rq_match.dialect,
		.ir = &rq->rq_ir,
		.embed = op_embed(rq),
		.generates = rq->rq_match.endpoint->op == DIALECT_GENERATE,
		.path = call_path(rq->rq_call),
		.who = request_permit(rq),
		.header = ask_header,
		.arg = rq,
		.wall_us = rq->rq_wall_us,
		.mono_ms = rq->rq_start_us / 1000
	};
	id_chance(&ask->random, sizeof(ask->random));
}

/* --- the target ----------------------------------------------------------- */

static int
target_set(struct request *rq, unsigned i, struct ir_error *err)
{
	struct route_target	 t;
	int			 r = route_target(&rq->rq_ask,
				    &rq->rq_plan->step[i], &t, err);

	rq->rq_step = i;
	rq->rq_route = t.step->route;
	rq->rq_pool = t.pool;
	rq->rq_provider = t.provider;
	rq->rq_target = t.dialect;
	rq->rq_same = t.same;
	request_said(rq, false);
	return r;
}

void
request_said(struct request *rq, bool anew)
{
	if (anew)
		route_said(&rq->rq_ir, &rq->rq_given);
	route_params(&rq->rq_ir, &rq->rq_given, rq->rq_op != NULL ? NULL :
	    rq->rq_plan->step[rq->rq_step].rule);
}

struct route_target
request_target(const struct request *rq)
{
	return (struct route_target){ &rq->rq_plan->step[rq->rq_step],
	    rq->rq_provider, rq->rq_pool, rq->rq_target, rq->rq_same };
}

struct permit
request_permit(const struct request *rq)
{
	return (struct permit){ rq->rq_ckey, rq->rq_tenant };
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

/* Where there is a choice, a conversation stays with what it had. */
static void
hold(struct request *rq, struct plan *p, uint64_t session)
{
	rq->rq_session = p->affinity ? session : 0;
	if (!p->affinity || rq->rq_op != NULL || (p->n == 1 &&
	    rq->rq_snap->pools[p->step[0].pool].nkeys < 2))
		return;
	rq->rq_conversation = session;
	if (session == 0)
		rq->rq_conversation = route_beginning(&rq->rq_ask,
		    &rq->rq_arena);
	else
		plan_hold(rq->rq_snap, rq->rq_wk->shm, p, session,
		    &rq->rq_kept);
}

int
request_route(struct request *rq, struct ir_error *err)
{
	struct plan_facts	 f;
	struct plan		*p;
	unsigned		 i;
	int			 r;

	p = plan_new(rq);
	ask_fill(rq, &rq->rq_ask);
	route_said(&rq->rq_ir, &rq->rq_given);
	route_facts(&rq->rq_ask, &rq->rq_arena, &f);
	if ((r = operator_plan(rq, p, err)) == -1) {
		rq->rq_plan = NULL;
		return -1;
	}
	if (r == 0 && plan_make(rq->rq_snap, &f, &rq->rq_arena, p, NULL,
	    NULL) == -1) {
		rq->rq_plan = NULL;
		route_nobody(err, rq->rq_ir.model);
		return -1;
	}
	hold(rq, p, f.session);
	for (i = 0; i < p->n; i++)
		if (target_set(rq, i, err) == 0 && (i + 1 == p->n ||
		    permit_model(rq->rq_ask.who, rq->rq_ir.model,
		    rq->rq_route.model)))
			return 0;
	return -1;
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
	responses_exchange(rq, x);
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

struct str
request_sent(const struct request *rq)
{
	return rq->rq_as_came ? rq->rq_json.text : buf_str(&rq->rq_send);
}

void
request_own(struct request *rq)
{
	if (rq->rq_as_came)
		(void)buf_adds(&rq->rq_send, rq->rq_json.text);
	rq->rq_as_came = false;
}

int
request_translate(struct request *rq, struct ir_error *err)
{
	struct ir_exchange	*x = &rq->rq_x;
	struct str		 model;
	int			 r;

	rq->rq_as_came = false;
	if (rq->rq_op != NULL) {
		r = op_translate(rq, err);
		return r == 0 && route_refused(&rq->rq_loss, rq->rq_provider,
		    err) == -1 ? -1 : r;
	}
	rq->rq_hide_usage = false;
	if (rq->rq_target == NULL)
		return 0;
	if (rq->rq_same) {
		rq->rq_hide_usage = rq->rq_route.mode != CONF_DIRECT &&
		    rq->rq_target == &dialect_openai_chat &&
		    rq->rq_ir.stream && !rq->rq_ir.stream_usage;
		model = rq->rq_route.mode == CONF_DIRECT ? rq->rq_ir.model :
		    rq->rq_route.model;
		rq->rq_as_came = rq->rq_body.len <= rq->rq_send.max &&
		    dialect_splice_none(&rq->rq_ir, model, rq->rq_hide_usage);
		if (!rq->rq_as_came)
			dialect_splice(&rq->rq_ir, model, rq->rq_hide_usage,
			    &rq->rq_send);
	} else {
		request_vault_restore(rq);
		/* As much again, and growth by doubling would copy it all. */
		if (rq->rq_body.len < rq->rq_send.max / 2)
			(void)buf_reserve(&rq->rq_send,
			    rq->rq_body.len + rq->rq_body.len / 16);
		if (rq->rq_target->request_encode(x, &rq->rq_send, err) == -1)
			return -1;
		rq->rq_wk->row->stat.translated++;
		if (rq->rq_loss.n > 0)
			rq->rq_wk->row->stat.losses++;
		if (route_refused(&rq->rq_loss, rq->rq_provider, err) == -1)
			return -1;
	}
	if (rq->rq_target == rq->rq_ir.from)
		request_params(rq, rq->rq_plan->step[rq->rq_step].rule);
	refusals_apply(rq);
	if (route_strict(&rq->rq_ask, rq->rq_plan->step[rq->rq_step].rule,
	    &rq->rq_strict, err) == -1 ||
	    (rq->rq_strict && loss_strict(&rq->rq_loss, err) == -1))
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
	ask_fill(rq, &rq->rq_ask);
	route_said(&rq->rq_ir, &rq->rq_given);
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
	struct route_target	 t = request_target(rq);

	request_exchange(rq);
	if (route_stateful(&rq->rq_ask, &t, err) == -1 ||
	    choices_begin(rq, err) == -1)
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
	    !permit_model(rq->rq_ask.who, rq->rq_ir.model,
		    rq->rq_route.model) || !admit_more(rq) ||
	    !try_key(rq, &wait_ms))
		return -1;
	memset(&rq->rq_x, 0, sizeof(rq->rq_x));
	loss_init(&rq->rq_loss, &rq->rq_arena);
	rq->rq_choices = 0;
	buf_clear(&rq->rq_send);
	if ((r = request_fetch(rq, encode_cb, &err)) == 0)
		r = request_translate(rq, &err);
	if (r == -1)
		provider_drop(rq);
	return r;
}

static int
target_from(struct request *rq, unsigned i)
{
	const struct snap_key	*key = rq->rq_key;
	struct ir_exchange	 x = rq->rq_x;
	struct loss		 loss = rq->rq_loss;
	unsigned		 step = rq->rq_step;
	unsigned		 choices = rq->rq_choices;
	struct ir_error		 err;
	int			 r;

	for (; i < rq->rq_plan->n; i++)
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

int
request_next_target(struct request *rq)
{
	return target_from(rq, rq->rq_step + 1);
}

int
request_any_target(struct request *rq)
{
	return target_from(rq, 0);
}

/* --- for the log ---------------------------------------------------------- */

static void
trace_rule(struct jw *w, struct str rule, const char *why)
{
	jw_object(w);
	jw_key(w, "rule");
	jw_str(w, rule);
	if (why != NULL) {
		jw_key(w, "why");
		jw_strz(w, why);
	}
	jw_object_end(w);
}

static void
trace_write(struct arena *a, struct buf *b, const struct plan *p)
{
	struct jw	 w;
	unsigned	 i;

	jw_init(&w, b);
	jw_array(&w);
	for (i = 0; i < p->nmissed && i < PLAN_MISSED; i++)
		trace_rule(&w, p->missed[i].rule->name, p->missed[i].why);
	if (p->nmissed > PLAN_MISSED)
		trace_rule(&w, arena_strf(a, "%u more",
		    p->nmissed - PLAN_MISSED), "not told");
	if (p->rule != NULL)
		trace_rule(&w, p->rule->name, NULL);
	jw_array_end(&w);
}

/*
 * Requests for one model by one client are told of alike: what was written is
 * kept, under the rules, which are where they are for one snapshot only.
 */
#define TOLD	16

struct told {
	uint64_t		 generation;
	const struct snapshot	*snap;
	const struct snap_rule	*rule;
	unsigned		 nmissed;
	struct plan_missed	 missed[PLAN_MISSED];
	struct buf		 text;
};

static bool
told_is(const struct told *t, const struct snapshot *s, const struct plan *p)
{
	unsigned	 i;

	if (t->text.len == 0 || t->snap != s ||
	    t->generation != s->generation || t->rule != p->rule ||
	    t->nmissed != p->nmissed)
		return false;
	for (i = 0; i < p->nmissed && i < PLAN_MISSED; i++)
		if (t->missed[i].rule != p->missed[i].rule ||
		    t->missed[i].why != p->missed[i].why)
			return false;
	return true;
}

static struct str
trace_text(struct arena *a, const struct snapshot *s, const struct plan *p)
{
	static struct told	 told[TOLD];
	struct told		*t = &told[p->nmissed % TOLD];

	if (!told_is(t, s, p)) {
		t->generation = s->generation;
		t->snap = s;
		t->rule = p->rule;
		t->nmissed = p->nmissed;
		memcpy(t->missed, p->missed, sizeof(t->missed));
		t->text.max = ACCT_STR_MAX;
		buf_clear(&t->text);
		trace_write(a, &t->text, p);
	}
	return arena_str(a, buf_str(&t->text));
}

static struct str
session_name(struct arena *a, uint64_t session)
{
	static const char	 digit[] = "0123456789abcdef";
	char			 hex[16];
	size_t			 i;

	for (i = sizeof(hex); i-- > 0; session >>= 4)
		hex[i] = digit[session & 15];
	return arena_str(a, (struct str){ hex, sizeof(hex) });
}

void
request_trace(struct request *rq)
{
	const struct plan	*p = rq->rq_plan;
	uint64_t		 session = rq->rq_session != 0 ?
				    rq->rq_session : rq->rq_conversation;

	if (p == NULL)
		return;
	if (session != 0)
		rq->rq_acct.s[ACCT_SESSION] = session_name(&rq->rq_arena,
		    session);
	if (p->nmissed > 0 || p->rule != NULL)
		rq->rq_acct.s[ACCT_TRACE] = trace_text(&rq->rq_arena,
		    rq->rq_snap, p);
}
