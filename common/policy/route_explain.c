/*
 * The dry run of a request: read, routed, encoded for each target, and told.
 */
#include "base/clock.h"
#include "policy/account_limit.h"
#include "policy/key_view.h"
#include "policy/keypick.h"
#include "policy/route_explain.h"
#include "policy/route_limits.h"
#include "policy/route_target.h"
#include "policy/route_trace.h"
#include "wire/media.h"

#define ENCODED_MAX	((size_t)512 << 20)

/* What the gateway would find at a target. */
struct verdict {
	bool		 fits;		/* it can be asked, by this client */
	bool		 carried;	/* the request can be carried there */
	bool		 key, broken;
	int64_t		 wait_ms;	/* of its keys; -1: none ever */
	int64_t		 cost;		/* estimated; -1: unpriced */
	struct ir_error	 err;		/* where it is not carried */
};

struct explain {
	const struct explain_ask *in;
	struct arena		 arena;
	struct json		 json;
	struct ir_request	 ir;
	struct embed		 embed;
	struct loss		 loss;		/* of reading embeddings */
	struct dialect_match	 match;
	struct str		 path, query;
	struct route_ask	 ask;
	struct plan_facts	 facts;
	struct plan		 plan;
	uint64_t		 kept;		/* key of the conversation */
	struct route_said	 said;
	int64_t			 tokens;
	struct verdict		 verdict[RULE_TARGETS_MAX];
	const char		*denied;	/* nothing is heard from him */
	unsigned		 off;		/* disabled rules told of */
	struct ir_error		 error;		/* what the client would get */
	bool			 failed;
	struct jw		*w;
};

/* --- read ----------------------------------------------------------------- */

static const char *
header_cb(void *arg, const char *name)
{
	const struct explain_ask	*in = ((struct explain *)arg)->in;
	unsigned			 i;

	for (i = 0; i < in->nheaders; i++)
		if (str_is_nocase(in->headers[i].name, name))
			return in->headers[i].value.p;
	return NULL;
}

/* The dialect's own path for an answer. */
static int
usual_path(struct explain *x, struct ir_error *err)
{
	const struct endpoint	*ep;
	struct str		 rest, head;

	for (ep = x->in->dialect->endpoints; ep->method != NULL; ep++)
		if (ep->op == DIALECT_GENERATE)
			break;
	rest = str_of(ep->path);
	head = str_cut(&rest, '{');
	if (rest.p != NULL && x->in->model.n == 0) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "a request in dialect "
		    "'%s' has its model in the path: name one of them",
		    x->in->dialect->name);
		return -1;
	}
	if (rest.p != NULL)
		(void)str_cut(&rest, '}');
	x->path = rest.p == NULL ? head : arena_strf(&x->arena,
	    "%.*s%.*s%.*s", STR_FMT(head), STR_FMT(x->in->model),
	    STR_FMT(rest));
	return 0;
}

static int
path_match(struct explain *x, struct ir_error *err)
{
	x->query = x->in->path;
	x->path = str_cut(&x->query, '?');
	if (x->path.n == 0 && x->in->dialect != NULL &&
	    usual_path(x, err) == -1)
		return -1;
	if (dialect_match(&x->arena, STR("POST"), x->path, &x->match) != 1 ||
	    x->match.endpoint->op >= DIALECT_STATE_GET ||
	    (x->in->dialect != NULL &&
	    x->match.dialect != x->in->dialect)) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "'%.*s' is no path "
		    "under which %s%s%s is asked by POST", STR_FMT(x->path),
		    x->in->dialect == NULL ? "a model" : "'",
		    x->in->dialect == NULL ? "" : x->in->dialect->name,
		    x->in->dialect == NULL ? "" : "'");
		return -1;
	}
	return 0;
}

static int
body_parse(struct explain *x, struct str body, struct ir_error *err)
{
	struct json_error	 je;

	if (json_parse(&x->json, body, &je) == -1) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "the body is not valid "
		    "JSON: %s at byte %zu", je.what, je.offset);
		return -1;
	}
	if (json_type(json_root(&x->json)) == JSON_OBJECT)
		return 0;
	ir_error_set(err, IR_ERR_BAD_REQUEST, "the body: expected a JSON "
	    "object, got %s", json_type_name(json_type(json_root(&x->json))));
	return -1;
}

static int
embed_read(struct explain *x, struct ir_error *err)
{
	x->embed.from = x->match.dialect;
	x->embed.arena = &x->arena;
	x->embed.json = &x->json;
	x->embed.path_model = x->match.model;
	x->embed.single = x->match.endpoint->op == DIALECT_EMBED;
	x->embed.loss = &x->loss;
	if (x->match.dialect->embed->decode(&x->embed, err) == -1)
		return -1;
	x->ir.model = x->embed.model;
	x->ask.embed = &x->embed;
	return 0;
}

/* As the gateway reads it; in direct mode the provider judges the rest. */
static int
body_read(struct explain *x, struct ir_error *err)
{
	const struct endpoint	*ep = x->match.endpoint;
	const struct dialect	*d = x->match.dialect;
	struct jv		 v = JV_NONE;
	int			 r;

	if (body_parse(x, x->in->body, err) == -1)
		return -1;
	if (ep->op == DIALECT_COUNT && d->count->inner != NULL)
		v = d->count->inner(json_root(&x->json));
	if (json_type(v) == JSON_OBJECT &&
	    body_parse(x, json_raw(v), err) == -1)
		return -1;
	ir_request_init(&x->ir, &x->arena, d, &x->json);
	x->ir.path_model = x->match.model;
	x->ir.path_stream = ep->stream;
	x->ir.lenient = ep->lenient || (ep->op == DIALECT_COUNT &&
	    d == &dialect_anthropic);
	x->ir.framing = FRAME_SSE;
	if (ep->op == DIALECT_EMBED || ep->op == DIALECT_EMBED_BATCH)
		r = embed_read(x, err);
	else
		r = d->request_decode(&x->ir, err);
	if (r == -1 && x->in->snap->mode == CONF_DIRECT && x->ir.model.n > 0) {
		x->ir.native = true;
		r = 0;
	}
	if (r == 0 && x->in->model.n > 0)
		x->ir.model = x->in->model;
	return r;
}

static int
who_find(struct explain *x, struct ir_error *err)
{
	const struct snapshot	*s = x->in->snap;
	struct permit		*who = &x->ask.who;
	unsigned		 i;

	for (i = 0; i < s->nclient_keys; i++)
		if (s->client_keys[i].id == x->in->client_key_id)
			who->key = &s->client_keys[i];
	if (who->key != NULL && who->key->tenant >= 0)
		who->tenant = &s->tenants[who->key->tenant];
	for (i = 0; x->in->tenant_id != 0 && i < s->ntenants; i++)
		if (s->tenants[i].id == x->in->tenant_id)
			who->tenant = &s->tenants[i];
	if ((x->in->client_key_id == 0 || who->key != NULL) &&
	    (x->in->tenant_id == 0 || (who->tenant != NULL &&
	    who->tenant->id == x->in->tenant_id)))
		return 0;
	ir_error_set(err, IR_ERR_NOT_FOUND, "there is no %s %lld",
	    x->in->client_key_id != 0 && who->key == NULL ? "client key" :
	    "tenant", (long long)(x->in->client_key_id != 0 &&
	    who->key == NULL ? x->in->client_key_id : x->in->tenant_id));
	return -1;
}

static int
ask_read(struct explain *x, struct ir_error *err)
{
	if (who_find(x, err) == -1 || path_match(x, err) == -1 ||
	    body_read(x, err) == -1)
		return -1;
	x->ask.snap = x->in->snap;
	x->ask.shm = x->in->shm;
	x->ask.dialect = x->match.dialect;
	x->ask.ir = &x->ir;
	x->ask.generates = x->match.endpoint->op == DIALECT_GENERATE;
	x->ask.path = x->path;
	x->ask.header = header_cb;
	x->ask.arg = x;
	x->ask.wall_us = x->in->wall_us;
	x->ask.mono_ms = x->in->mono_us / 1000;
	x->ask.random = x->in->random;
	x->denied = permit_ended(x->ask.who, x->in->wall_us);
	x->tokens = route_tokens(&x->ask);
	route_said(&x->ir, &x->said);
	route_facts(&x->ask, &x->arena, &x->facts);
	x->facts.tokens = x->tokens;
	return 0;
}

/* --- keys ----------------------------------------------------------------- */

static void
key_json(struct explain *x, const struct snap_key *k,
    const struct key_view *v)
{
	struct jw	*w = x->w;
	int64_t		 now = x->in->mono_us / 1000;

	jw_object(w);
	jw_key(w, "id");
	jw_int(w, k->id);
	jw_key(w, "mask");
	jw_strz(w, k->mask);
	jw_key(w, "state");
	jw_strz(w, key_state_name(v->state));
	if (v->until_ms > now) {
		jw_key(w, "for_ms");
		jw_int(w, v->until_ms - now);
	}
	jw_object_end(w);
}

/* The pool's keys, and which of them would be the first. */
static void
keys_json(struct explain *x, const struct route_target *t, struct verdict *vd)
{
	const struct snap_pool	*p = t->pool;
	const struct snap_key	*k;
	struct keypick		*pick;
	struct key_view		 v;
	struct keypick_how	 how = { .strategy = p->strategy };
	int64_t			 now = x->in->mono_us / 1000;
	unsigned		 i;
	int			 at;

	how.random = x->in->random;
	how.session = x->plan.affinity ? x->facts.session : 0;
	how.kept = x->kept;
	pick = arena_array(&x->arena, (size_t)p->nkeys + 1, sizeof(*pick));
	jw_key(x->w, "keys");
	jw_array(x->w);
	for (i = 0; i < p->nkeys; i++) {
		k = &x->in->snap->keys[p->keys[i]];
		key_view(x->in->snap, k, x->in->shm, x->ask.who,
		    t->step->route.model, x->in->wall_us, now, &v);
		key_json(x, k, &v);
		pick[i] = (struct keypick){ .id = (uint64_t)k->id,
		    .enabled = key_serves(&v), .cool_until_ms = v.until_ms,
		    .weight = k->weight, .priority = k->priority,
		    .inflight = v.inflight };
	}
	jw_array_end(x->w);
	vd->wait_ms = -1;
	if (p->nkeys == 0) {
		vd->key = t->provider->keyless && p->name.n == 0;
		return;
	}
	if (x->in->shm != NULL)
		how.ticket = x->in->shm->key[x->in->snap->keys[p->keys[
		    0]].slot].rr;
	at = keypick(pick, p->nkeys, &how, now, &vd->wait_ms);
	if ((vd->key = at != -1)) {
		jw_key(x->w, "key_id");
		jw_int(x->w, (int64_t)pick[at].id);
	}
}

/* --- targets -------------------------------------------------------------- */

/* Money: micro-dollars a million tokens; the estimate: of this request. */
static void
price_json(struct explain *x, const struct route_target *t,
    struct verdict *vd)
{
	const struct snap_price	*p = price_find(x->in->snap,
				    t->provider->name, t->step->route.model);
	struct jw		*w = x->w;

	vd->cost = x->match.endpoint->op == DIALECT_COUNT ? 0 :
	    route_cost(&x->ask, t, x->tokens);
	jw_key(w, "price");
	if (p == NULL) {
		jw_null(w);
		return;
	}
	jw_object(w);
	jw_key(w, "input");
	jw_int(w, p->input);
	jw_key(w, "output");
	jw_int(w, p->output);
	jw_key(w, "cache_read");
	jw_int(w, p->cache_read < 0 ? p->input : p->cache_read);
	jw_key(w, "cache_write_5m");
	jw_int(w, p->cache_write_5m < 0 ? p->input : p->cache_write_5m);
	jw_key(w, "cache_write_1h");
	jw_int(w, p->cache_write_1h < 0 ? p->input : p->cache_write_1h);
	jw_key(w, "by_operator");
	jw_bool(w, p->operators);
	jw_object_end(w);
	jw_key(w, "cost_estimate");
	jw_int(w, vd->cost);
}

static unsigned
media_count(const struct ir_exchange *ex, struct ir_request *ir)
{
	const struct ir_fetch	*f;
	unsigned		 n = 0;

	for (f = ir_fetch_list(ex, ir); f != NULL; f = f->next)
		n++;
	return n;
}

/*
 * Encodes as the gateway would, but for what it keeps of earlier turns.  Media
 * by URL would have to be fetched first: then there is no report.
 */
static int
encode(struct explain *x, const struct route_target *t, struct loss *loss,
    unsigned *media, struct ir_error *err)
{
	struct ir_exchange	 ex = { .arena = &x->arena, .rq = &x->ir,
				    .loss = loss };
	struct buf		 b;
	int			 r;

	ex.stream = ex.target.stream = x->ir.stream;
	ex.framing = x->ir.framing;
	ex.target.framing = FRAME_SSE;
	ex.target.dialect = t->dialect;
	ex.target.provider = t->provider->name;
	ex.target.model = t->step->route.model;
	ex.target.tool_rules = x->in->snap->server_tools;
	ex.target.caps = &x->in->snap->caps;
	*media = media_count(&ex, &x->ir);
	if (*media > 0)
		return 0;
	buf_init(&b, ENCODED_MAX);
	r = t->dialect->request_encode(&ex, &b, err);
	buf_release(&b);
	return r == -1 ? -1 : route_refused(loss, t->provider, err);
}

static int
losses(struct explain *x, const struct route_target *t, struct ir_error *err)
{
	struct loss	 loss;
	struct buf	 b;
	unsigned	 media = 0;
	bool		 strict = false;
	int		 r = 0;

	loss_init(&loss, &x->arena);
	if (t->dialect != NULL && !t->same && x->ask.embed == NULL)
		r = encode(x, t, &loss, &media, err);
	if (r == 0 && (r = route_strict(&x->ask, t->step->rule, &strict,
	    err)) == 0 && strict)
		r = loss_strict(&loss, err);
	jw_key(x->w, "strict");
	jw_bool(x->w, strict);
	if (media > 0) {
		jw_key(x->w, "media_to_fetch");
		jw_int(x->w, media);
	}
	jw_key(x->w, "loss");
	buf_init(&b, 1 << 20);
	loss_json(&loss, &b);
	if (media == 0)
		jw_raw(x->w, buf_str(&b));
	else
		jw_null(x->w);
	buf_release(&b);
	return r;
}

static void
error_json(struct jw *w, const struct ir_error *err)
{
	jw_key(w, "error");
	jw_object(w);
	jw_key(w, "status");
	jw_int(w, err->status);
	if (err->retry_after > 0) {
		jw_key(w, "retry_after");
		jw_int(w, err->retry_after);
	}
	jw_key(w, "message");
	jw_strz(w, err->msg);
	if (err->param[0] != '\0') {
		jw_key(w, "param");
		jw_strz(w, err->param);
	}
	jw_object_end(w);
}

/* What attempts at it tell, where proxyd runs. */
static void
health_json(struct explain *x, const struct route_target *t,
    struct verdict *vd)
{
	int64_t			 now = x->in->mono_us / 1000, us;
	struct breaker_view	 v;

	if (x->in->shm == NULL)
		return;
	breaker_view(x->in->shm, t->provider->id, &x->in->snap->breaker, now,
	    &v);
	jw_key(x->w, "circuit");
	jw_strz(x->w, breaker_state_name(v.state));
	if ((vd->broken = v.state == BREAKER_OPEN)) {
		jw_key(x->w, "circuit_for_ms");
		jw_int(x->w, v.until_ms - now);
		vd->wait_ms = v.until_ms - now;
		vd->key = false;
	}
	us = speed_of(x->in->shm, t->provider->id, t->step->route.model,
	    x->ir.stream, now);
	if (us >= 0) {
		jw_key(x->w, "ttfb_us");
		jw_int(x->w, us);
	}
}

static void
names_json(struct explain *x, const struct route_target *t)
{
	const struct plan_step	*st = t->step;
	struct jw		*w = x->w;
	unsigned		 i;

	jw_key(w, "provider");
	jw_str(w, t->provider->name);
	jw_key(w, "dialect");
	jw_strz(w, t->dialect == NULL ? "mock" : t->dialect->name);
	jw_key(w, "model");
	jw_str(w, st->route.model);
	jw_key(w, "mode");
	jw_strz(w, st->route.mode == CONF_DIRECT ? "direct" : "transformer");
	jw_key(w, "translated");
	jw_bool(w, t->dialect != NULL && !t->same);
	jw_key(w, "pool");
	jw_str(w, t->pool->name);
	jw_key(w, "pool_strategy");
	jw_strz(w, pool_strategy_name(t->pool->strategy));
	jw_key(w, "sets");
	jw_object(w);
	for (i = 0; st->rule != NULL && i < st->rule->nparams; i++) {
		jw_key_str(w, st->rule->params[i].name);
		jw_raw(w, st->rule->params[i].json);
	}
	jw_object_end(w);
}

static void
target_json(struct explain *x, unsigned i)
{
	struct verdict		*v = &x->verdict[i];
	struct route_target	 t;
	int			 r;

	jw_object(x->w);
	r = route_target(&x->ask, &x->plan.step[i], &t, &v->err);
	route_params(&x->ir, &x->said, x->ask.embed != NULL ? NULL :
	    t.step->rule);
	names_json(x, &t);
	if (r == 0 && !permit_model(x->ask.who, x->ir.model,
	    t.step->route.model)) {
		ir_error_set(&v->err, IR_ERR_FORBIDDEN, "this client key may "
		    "not use model '%.*s'", STR_FMT(x->ir.model));
		r = -1;
	}
	v->fits = r == 0;
	keys_json(x, &t, v);
	health_json(x, &t, v);
	price_json(x, &t, v);
	if (r == 0 && (r = route_stateful(&x->ask, &t, &v->err)) == 0)
		r = losses(x, &t, &v->err);
	v->carried = r == 0;
	if (!v->carried)
		error_json(x->w, &v->err);
	jw_object_end(x->w);
}

/* --- limits --------------------------------------------------------------- */

static bool
has_room(struct explain *x, unsigned i, struct ir_error *err)
{
	struct account		 a[2];
	struct account_ask	 ask = { .tokens = x->tokens,
				    .cost = x->verdict[i].cost,
				    .unpriced = x->in->snap->budget_unpriced,
				    .wall_us = x->in->wall_us,
				    .mono_us = x->in->mono_us };
	const struct route	*r = &x->plan.step[i].route;

	ask.provider = x->in->snap->providers[r->provider].name;
	ask.model = r->model;
	return accounts_look(x->in->shm, a, accounts_of(x->ask.who, a), &ask,
	    err) == 0;
}

/* As request_route, admit_take and request_next_target: -1 with the client's error. */
static int
choose(struct explain *x)
{
	struct verdict	*v = x->verdict;
	struct ir_error	 full;
	unsigned	 first, i;

	for (first = 0; first + 1 < x->plan.n && !v[first].fits; first++)
		;
	if (!v[first].fits) {
		x->error = v[first].err;
		return -1;
	}
	if (!has_room(x, first, &x->error))
		return -1;
	if (!v[first].carried) {
		x->error = v[first].err;
		return -1;
	}
	for (i = first; i < x->plan.n; i++)
		if (v[i].carried && v[i].key && has_room(x, i, &full))
			return (int)i;
	(v[first].broken ? route_broken : route_keyless)(&x->error,
	    &x->in->snap->providers[x->plan.step[first].route.provider],
	    v[first].wait_ms);
	return -1;
}

/* --- told ----------------------------------------------------------------- */

static void
request_json(struct explain *x)
{
	struct jw	*w = x->w;
	char		 when[CLOCK_RFC3339_LEN];

	jw_key(w, "request");
	jw_object(w);
	jw_key(w, "time");
	jw_strz(w, clock_rfc3339(x->in->wall_us, when));
	jw_key(w, "dialect");
	jw_strz(w, x->match.dialect->name);
	jw_key(w, "path");
	jw_str(w, x->path);
	jw_key(w, "model");
	jw_str(w, x->ir.model);
	jw_key(w, "stream");
	jw_bool(w, x->ir.stream);
	jw_key(w, "input_tokens");
	jw_int(w, x->tokens);
	if (x->said.sampling.max_tokens >= 0) {
		jw_key(w, "max_tokens");
		jw_int(w, x->said.sampling.max_tokens);
	}
	jw_key(w, "has");
	trace_needs(w, x->ir.need);
	jw_key(w, "tenant");
	jw_str(w, x->facts.tenant);
	jw_key(w, "client_key");
	jw_str(w, x->facts.client_key);
	jw_key(w, "conversation");
	jw_bool(w, x->facts.session != 0);
	jw_object_end(w);
}

/* The disabled ones that stand before rule i and were not told of yet. */
static void
trace_off(struct explain *x, unsigned i)
{
	const struct snapshot	*s = x->in->snap;

	for (; x->off < s->noff && s->off[x->off].before <= i; x->off++)
		trace_rule_off(x->w, &s->off[x->off]);
}

static void
trace_cb(void *arg, const struct snap_rule *r, const char *why_not)
{
	struct explain	*x = arg;

	trace_off(x, (unsigned)(r - x->in->snap->rules));
	trace_rule(x->w, r, why_not, &x->facts);
}

static void
route_json(struct explain *x)
{
	const struct snap_rule	*r = x->plan.rule;
	struct str		 name = r != NULL ? r->name :
				    str_of(x->plan.step[0].route.why);

	jw_key(x->w, "route");
	jw_str(x->w, name);
	jw_key(x->w, "by");
	jw_strz(x->w, r != NULL ? "rule" : "name");
	jw_key(x->w, "strategy");
	jw_strz(x->w, rule_strategies[r == NULL ? RULE_ORDERED :
	    r->strategy]);
	if (!x->failed && !permit_route(x->ask.who, name)) {
		ir_error_set(&x->error, IR_ERR_FORBIDDEN, "this client key "
		    "may not use route '%.*s'", STR_FMT(name));
		x->failed = true;
	}
}

static void
plan_json(struct explain *x)
{
	unsigned	 i;
	int		 r, chosen = -1;

	jw_key(x->w, "rules");
	jw_array(x->w);
	r = plan_make(x->in->snap, &x->facts, &x->arena, &x->plan, trace_cb,
	    x);
	if (x->plan.rule == NULL)
		trace_off(x, x->in->snap->nrules);
	jw_array_end(x->w);
	if (x->denied != NULL) {
		ir_error_set(&x->error, IR_ERR_AUTH, "%s", x->denied);
		x->failed = true;
	}
	if (r == -1 && x->denied == NULL) {
		route_nobody(&x->error, x->ir.model);
		x->failed = true;
	}
	if (r == 0) {
		plan_hold(x->in->snap, x->in->shm, &x->plan,
		    x->facts.session, &x->kept);
		route_json(x);
	}
	jw_key(x->w, "targets");
	jw_array(x->w);
	for (i = 0; r == 0 && i < x->plan.n; i++)
		target_json(x, i);
	jw_array_end(x->w);
	if (!x->failed && (chosen = choose(x)) >= 0) {
		jw_key(x->w, "chosen");
		jw_int(x->w, chosen);
	}
	limits_json(x->w, x->in->shm, x->ask.who, x->in->wall_us,
	    x->in->mono_us);
	if (chosen == -1)
		error_json(x->w, &x->error);
}

int
route_explain(const struct explain_ask *in, struct buf *out,
    struct ir_error *err)
{
	struct explain	 x = { .in = in };
	struct jw	 w;
	int		 r;

	arena_init(&x.arena);
	json_init(&x.json);
	loss_init(&x.loss, &x.arena);
	if ((r = ask_read(&x, err)) == 0) {
		jw_init(&w, out);
		x.w = &w;
		jw_object(&w);
		request_json(&x);
		plan_json(&x);
		jw_object_end(&w);
	}
	json_release(&x.json);
	arena_release(&x.arena);
	return r;
}
