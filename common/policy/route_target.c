/*
 * A target of a plan: whether it can take the request, with which parameters,
 * and at what price.
 */
#include <stdlib.h>

#include "base/codec.h"
#include "policy/route_target.h"

#define OUTPUT_GUESS	4096		/* where nobody knows */

void
route_nobody(struct ir_error *err, struct str model)
{
	ir_error_set(err, IR_ERR_NOT_FOUND, "no provider serves model "
	    "'%.*s': name it with 'proxyctl models create' or in MODELS in "
	    "app.yml, or set PREFERRED_PROVIDER", STR_FMT(model));
}

void
route_keyless(struct ir_error *err, const struct snap_provider *p,
    int64_t wait_ms)
{
	if (wait_ms >= 0) {
		ir_error_set(err, IR_ERR_RATE, "every key of provider '%s' "
		    "rests or is at its limit", p->name.p);
		err->retry_after = (int)((wait_ms + 999) / 1000);
	} else
		ir_error_set(err, IR_ERR_AUTH, "no key for provider '%s': "
		    "add one with 'proxyctl keys add' or to API_KEY_POOLS in "
		    "app.yml", p->name.p);
}

void
route_broken(struct ir_error *err, const struct snap_provider *p,
    int64_t wait_ms)
{
	ir_error_set(err, IR_ERR_UNAVAILABLE, "provider '%s' fails too often "
	    "and is left alone for now", p->name.p);
	err->retry_after = (int)((wait_ms + 999) / 1000);
}

int
route_target(const struct route_ask *ask, const struct plan_step *step,
    struct route_target *t, struct ir_error *err)
{
	const struct snapshot	*s = ask->snap;

	*t = (struct route_target){ .step = step,
	    .provider = &s->providers[step->route.provider],
	    .pool = &s->pools[step->pool] };
	t->dialect = dialect_byname(route_dialect(t->provider,
	    str_of(ask->dialect->name)));
	t->same = t->dialect == ask->dialect && ask->ir->native;
	if (t->dialect == NULL && !str_is(t->provider->dialect, "mock")) {
		ir_error_set(err, IR_ERR_INTERNAL, "provider '%s' has the "
		    "unknown dialect '%s'", t->provider->name.p,
		    t->provider->dialect.p);
		return -1;
	}
	if (step->route.mode == CONF_DIRECT && t->dialect != ask->dialect) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "model '%.*s' is routed "
		    "in direct mode to provider '%s', which does not speak "
		    "%s", STR_FMT(ask->ir->model), t->provider->name.p,
		    ask->dialect->title);
		return -1;
	}
	return 0;
}

/* --- parameters ----------------------------------------------------------- */

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

void
route_said(const struct ir_request *ir, struct route_said *said)
{
	*said = (struct route_said){ ir->sampling, ir->reasoning,
	    ir->service_tier, ir->user, ir->need };
}

void
route_params(struct ir_request *ir, const struct route_said *said,
    const struct rule_target *t)
{
	unsigned	 i;

	ir->sampling = said->sampling;
	ir->reasoning = said->reasoning;
	ir->service_tier = said->service_tier;
	ir->user = said->user;
	ir->need = said->need;
	for (i = 0; t != NULL && i < t->nparams; i++)
		set_param(ir, &t->params[i]);
}

/* --- state of a provider's ------------------------------------------------ */

/*
 * Anthropic's SDK sends the whole conversation when it is told so in these
 * words.
 */
int
route_stateful(const struct route_ask *ask, const struct route_target *t,
    struct ir_error *err)
{
	if (t->same || (ask->ir->need & IR_NEED_STATE) == 0 ||
	    t->dialect == ask->dialect)
		return 0;
	ir_error_set(err, IR_ERR_BAD_REQUEST, "the request refers to state "
	    "kept by a provider, which provider '%s' does not have: send the "
	    "whole conversation", t->provider->name.p);
	if (ask->dialect == &dialect_anthropic &&
	    json_ok(json_get(json_root(ask->ir->json), "thread")))
		ir_error_copy(err->code, sizeof(err->code),
		    STR("thread_unsupported_request"));
	return -1;
}

/* --- losses --------------------------------------------------------------- */

int
route_refused(const struct loss *l, const struct snap_provider *p,
    struct ir_error *err)
{
	const struct loss_item	*li;

	if (l->refused == 0)
		return 0;
	for (li = l->first; li != NULL; li = li->next)
		if (li->action == LOSS_REFUSED)
			break;
	ir_error_set(err, IR_ERR_BAD_REQUEST, "'%.*s' cannot be sent to "
	    "provider '%s': %s", li == NULL ? 0 : (int)li->path.n,
	    li == NULL ? "" : li->path.p, p->name.p,
	    li == NULL ? "not offered" : li->why);
	if (li != NULL)
		ir_error_copy(err->param, sizeof(err->param), li->path);
	return -1;
}

int
route_strict(const struct route_ask *ask, const struct rule_target *t,
    bool *strict, struct ir_error *err)
{
	struct str	 v = ask->header == NULL ? STR_NONE :
			    str_of(ask->header(ask->arg, "x-proxyd-strict"));

	if (v.n > 0 && !str_is_nocase(v, "true") && !str_is_nocase(v,
	    "false")) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "the header "
		    "x-proxyd-strict: expected true or false");
		return -1;
	}
	*strict = ask->snap->strict || str_is_nocase(v, "true") ||
	    (t != NULL && t->strict);
	return 0;
}

/* --- money ---------------------------------------------------------------- */

/* Several answers may be several calls, each with the whole input. */
static int64_t
answers(const struct ir_request *ir)
{
	int64_t	 n = 1;

	if (str_to_int(ir->sampling.n.raw, 1, IR_CHOICES_MAX, &n) == -1)
		return 1;
	return n;
}

/* The most that it may say where the client does not bound it. */
static int64_t
output_most(const struct route_ask *ask, const struct route_target *t)
{
	const struct ir_request	*ir = ask->ir;
	struct model_caps	 m;

	if (ir->sampling.max_tokens >= 0)
		return ir_usage_clamp(ir->sampling.max_tokens);
	if (t->dialect == NULL)
		return OUTPUT_GUESS;
	caps_get(&ask->snap->caps, t->dialect->name, t->step->route.model, &m);
	/* What is written there, because it has to say something. */
	if (t->dialect == &dialect_anthropic && m.max_tokens > 0 &&
	    (ir->need & IR_NEED_THINKING) == 0)
		return m.max_tokens;
	return m.max_output > 0 ? m.max_output : OUTPUT_GUESS;
}

/* The mark of the whole request is no part's. */
static bool
caches(const struct route_ask *ask, bool *hour)
{
	struct jv	 mark = JV_NONE;

	if (ask->dialect == &dialect_anthropic && ask->ir->json != NULL)
		mark = json_get(json_root(ask->ir->json), "cache_control");
	*hour = ask->ir->cache_1h || json_is(json_get(mark, "ttl"), "1h");
	return json_type(mark) == JSON_OBJECT ||
	    (ask->ir->need & IR_NEED_CACHE) != 0;
}

/* Input that is marked to be cached may cost what writing that does. */
static int64_t
input_dearest(const struct route_ask *ask, const struct snap_price *p,
    const struct price_use *plain)
{
	struct price_use	 u = *plain;
	int64_t			 cost = price_cost(p, plain), more;
	bool			 hour;

	if (p == NULL || !caches(ask, &hour))
		return cost;
	u.input = 0;
	if (hour)
		u.cache_write_1h = plain->input;
	else
		u.cache_write_5m = plain->input;
	more = price_cost(p, &u);
	return more > cost ? more : cost;
}

int64_t
route_cost(const struct route_ask *ask, const struct route_target *t,
    int64_t input)
{
	const struct snap_price	*p = price_find(ask->snap,
				    t->provider->name, t->step->route.model);
	const struct ir_request	*ir = ask->ir;
	struct price_use	 u = { .input = input };
	int64_t			 n;

	if (!ask->generates)
		return price_cost(p, &u);
	n = answers(ir);
	u.input = input * n;
	u.output = output_most(ask, t) * n;
	return input_dearest(ask, p, &u);
}
