/*
 * Attempts: which key, what is sent, and whether another one may help.  A key
 * goes to its own provider's host only: URL and key come from the same row.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "policy/key_view.h"
#include "policy/keypick.h"
#include "policy/provider_call.h"
#include "proxyd/account.h"
#include "proxyd/capture.h"
#include "proxyd/choices.h"
#include "proxyd/queue.h"
#include "proxyd/request.h"
#include "proxyd/responses.h"
#include "state/shm_affinity.h"
#include "state/shm_keys.h"

#define HEADERS_MAX	48
#define BACKOFF_MS	20		/* doubles with each attempt */
#define BACKOFF_MAX_MS	1000
#define USER_AGENT	"User-Agent: proxyd/0.1"

/* --- what is sent ------------------------------------------------------------------- */

struct lines {
	const char	*line[HEADERS_MAX + 1];
	unsigned	 n;
};

/*
 * Controls become spaces (RFC 9110 5.5): libmicrohttpd lets a lone CR through,
 * which some servers take for the end of a line.
 */
static void
lines_add(struct request *rq, struct lines *l, struct str name, struct str v)
{
	char	*to;
	size_t	 i;

	if (l->n >= HEADERS_MAX)
		return;
	to = arena_bytes(&rq->rq_arena, name.n + 2 + v.n + 1);
	l->line[l->n++] = to;
	memcpy(to, name.p, name.n);
	to += name.n;
	*to++ = ':';
	*to++ = ' ';
	for (i = 0; i < v.n; i++)
		*to++ = (unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f ? ' ' :
		    v.p[i];
	*to = '\0';
}

static bool
lines_has(const struct lines *l, const char *name)
{
	size_t		 n = strlen(name);
	unsigned	 i;

	for (i = 0; i < l->n; i++)
		if (strncasecmp(l->line[i], name, n) == 0 &&
		    l->line[i][n] == ':')
			return true;
	return false;
}

/* "Bearer {key}" and the key; the one place where a key becomes bytes. */
static void
lines_auth(struct request *rq, struct lines *l)
{
	struct str		 key = secret_reveal(rq->rq_key->value);
	struct provider_auth	 a;

	if (provider_auth(rq->rq_provider, rq->rq_target, &a) &&
	    l->n < HEADERS_MAX)
		l->line[l->n++] = arena_join(&rq->rq_arena, (struct str[]){
		    a.name, STR(": "), a.before, key, a.behind }, 5).p;
}

void
try_hide_key(const struct request *rq, char *p, size_t n)
{
	struct str	 key;
	char		*at;

	if (rq->rq_key == NULL)
		return;
	key = secret_reveal(rq->rq_key->value);
	while (key.n > 0 && n >= key.n &&
	    (at = memmem(p, n, key.p, key.n)) != NULL) {
		memset(at, '*', key.n);
		n -= (size_t)(at - p) + key.n;
		p = at + key.n;
	}
}

/* The client's own headers, by the dialect's list, and only to its like. */
static void
lines_passed(struct request *rq, struct lines *l)
{
	const char *const	*name;
	struct str		 v;

	if (rq->rq_target != rq->rq_client ||
	    rq->rq_target->pass_request == NULL)
		return;
	for (name = rq->rq_target->pass_request; *name != NULL; name++) {
		v = str_of(call_header(rq->rq_call, *name));
		if (v.n > 0)
			lines_add(rq, l, str_of(*name), v);
	}
}

static void
lines_make(struct request *rq, struct lines *l)
{
	const struct snap_provider	*p = rq->rq_provider;
	const char *const		*h;
	unsigned			 i;

	l->n = 0;
	l->line[l->n++] = "Content-Type: application/json";
	l->line[l->n++] = rq->rq_ir.stream ?
	    "Accept: text/event-stream, application/json" :
	    "Accept: application/json";
	l->line[l->n++] = USER_AGENT;
	l->line[l->n++] = "Expect:";
	if (rq->rq_key != NULL)
		lines_auth(rq, l);
	for (i = 0; i < p->nheaders; i++)
		lines_add(rq, l, str_of(p->headers[i].name),
		    str_of(p->headers[i].value));
	lines_passed(rq, l);
	for (h = rq->rq_target->headers; h != NULL && *h != NULL; h += 2)
		if (!lines_has(l, h[0]))
			lines_add(rq, l, str_of(h[0]), str_of(h[1]));
	l->line[l->n] = NULL;
}

static const char *
try_url(struct request *rq)
{
	struct buf	 path, url;
	const char	*text;

	buf_init(&path, 16 << 10);
	buf_init(&url, 32 << 10);
	if (rq->rq_native)
		responses_native_path(rq, &path);
	else if (rq->rq_op != NULL)
		op_path(rq, &path);
	else
		rq->rq_target->request_path(&rq->rq_x.target, &path);
	provider_url(rq->rq_provider, rq->rq_target, buf_str(&path), &url);
	text = arena_str(&rq->rq_arena, buf_str(&url)).p;
	buf_release(&path);
	buf_release(&url);
	return text;
}

static void
try_send(struct request *rq)
{
	const struct snap_provider	*p = rq->rq_provider;
	struct upstream_call		 call = { .url = NULL };
	struct lines			 l;

	lines_make(rq, &l);
	call.url = try_url(rq);
	call.headers = l.line;
	call.body = request_sent(rq);
	if (rq->rq_native)
		call.method = responses_native_method(rq);
	call.proxy = p->proxy.n > 0 ? p->proxy.p : NULL;
	call.ca_file = p->ca_file.n > 0 ? p->ca_file.p : NULL;
	call.stream = rq->rq_ir.stream;
	call.connect_ms = p->connect_ms;
	call.max_answer = rq->rq_ir.stream ? INT64_MAX / 2 :
	    REQUEST_ANSWER_MAX;
	rq->rq_acct.f.bytes_up += (int64_t)call.body.n;
	capture_upstream_request(rq, call.body);
	rq->rq_up = upstream_start(rq->rq_wk->out, &call, answer_cb, rq);
}

/* --- which key ------------------------------------------------------------------------- */

/* A slot that had another key begins anew. */
static void
key_claim(struct shm *m, const struct snap_key *k)
{
	if (m->key[k->slot].id == k->id)
		return;
	if (m->key[k->slot].id != 0)
		keys_reset(m, k->slot);
	m->key[k->slot].id = k->id;
}

/* All of a pool, when it is first used; later each where it is looked at. */
static void
pool_claim(struct request *rq)
{
	const struct snap_pool	*p = rq->rq_pool;
	unsigned		 i;

	if (*p->met)
		return;
	for (i = 0; i < p->nkeys; i++)
		key_claim(rq->rq_wk->shm, &rq->rq_snap->keys[p->keys[i]]);
	*p->met = true;
}

/* A walk over the body: once, and only where somebody asks. */
static int64_t
key_tokens(struct request *rq)
{
	if (rq->rq_need == 0)
		rq->rq_need = rq->rq_admitted.tokens > 0 ?
		    rq->rq_admitted.tokens : route_tokens(&rq->rq_ask);
	return rq->rq_need;
}

/* Is what the provider said it has left used up, or too little for this? */
static bool
key_spare(struct request *rq, const struct snap_key *k, int64_t now)
{
	struct keys_room	 r;

	keys_room(rq->rq_wk->shm, k->slot, rq->rq_route.model, now, &r);
	return r.requests == 0 || r.tokens == 0 ||
	    (r.tokens > 0 && r.tokens < key_tokens(rq));
}

static void
key_fill(struct request *rq, const struct snap_key *k, int64_t now,
    struct keypick *to)
{
	struct shm	*m = rq->rq_wk->shm;
	struct key_view	 v;

	key_claim(m, k);
	key_view(rq->rq_snap, k, m, rq->rq_ask.who, rq->rq_route.model,
	    rq->rq_wall_us, now, &v);
	*to = (struct keypick){
		.id = (uint64_t)k->id,
		.enabled = key_serves(&v),
		.spare = rq->rq_pool->nkeys > 1 && key_spare(rq, k, now),
		.tried = rq->rq_tried[k - rq->rq_snap->keys],
		.cool_until_ms = v.until_ms,
		.weight = k->weight,
		.priority = k->priority,
		.inflight = rq->rq_pool->strategy == POOL_LEAST_USED ?
		    keys_inflight(m, k->slot) : v.inflight
	};
}

/* Only the key that made it can read some of the state kept. */
static int
pick_hint(const struct request *rq, const struct keypick *k, int64_t now)
{
	unsigned	 i;

	for (i = 0; i < rq->rq_pool->nkeys && rq->rq_key_hint != 0; i++)
		if (k[i].id == (uint64_t)rq->rq_key_hint && k[i].enabled &&
		    !k[i].tried && k[i].cool_until_ms <= now)
			return (int)i;
	return -1;
}

/* A key that rests has no room in its minute, or another has its re-check. */
static bool
pick_take(struct request *rq, unsigned at, int64_t now, int64_t *rest_ms)
{
	const struct snap_key	*key = &rq->rq_snap->keys[
				    rq->rq_pool->keys[at]];
	struct shm		*m = rq->rq_wk->shm;

	*rest_ms = key->rpm + key->tpm == 0 ? 0 : keys_take(m, key->slot,
	    key->rpm, key->tpm, key->tpm == 0 ? 0 : key_tokens(rq), now);
	if (*rest_ms > 0)
		return false;
	*rest_ms = KEYS_PROBE_MS;
	if (!keys_probe(m, key->slot, now))
		return false;
	keys_room_take(m, key->slot, rq->rq_route.model, rq->rq_need);
	return true;
}

static unsigned
pool_find(const struct request *rq, uint64_t id)
{
	const struct snap_pool	*p = rq->rq_pool;
	unsigned		 i;

	for (i = 0; i < p->nkeys; i++)
		if ((uint64_t)rq->rq_snap->keys[p->keys[i]].id == id)
			break;
	return i;
}

/*
 * Where a look at one key or few tells which it will be, there is no need to
 * look at all: -1, where it does not.
 */
static int
pick_few(struct request *rq, const struct keypick_how *how, int64_t now)
{
	const struct snap_pool	*p = rq->rq_pool;
	struct keypick		 k;
	int64_t			 rest_ms;
	unsigned		 i, n = p->nkeys, at;

	if (rq->rq_key_hint != 0 || (how->kept == 0 && !keypick_turns(how)))
		return -1;
	for (i = 0; i < n; i++) {
		at = how->kept != 0 ? pool_find(rq, how->kept) :
		    keypick_turn(how, n, i);
		if (at == n)
			return -1;
		key_fill(rq, &rq->rq_snap->keys[p->keys[at]], now, &k);
		if (keypick_sure(&k, how, now))
			return pick_take(rq, at, now, &rest_ms) ? (int)at :
			    -1;
		if (how->kept != 0)
			return -1;
	}
	return -1;
}

/* The index in the pool.  One that cannot be had after all rests for this. */
static int
pick_all(struct request *rq, const struct keypick_how *how, int64_t now,
    int64_t *wait_ms)
{
	const struct snap_pool	*p = rq->rq_pool;
	struct keypick		*k = arena_array(&rq->rq_arena, p->nkeys,
				    sizeof(*k));
	int64_t			 rest_ms;
	unsigned		 i;
	int			 at;

	for (i = 0; i < p->nkeys; i++)
		key_fill(rq, &rq->rq_snap->keys[p->keys[i]], now, &k[i]);
	while ((at = pick_hint(rq, k, now)) != -1 ||
	    (at = keypick(k, p->nkeys, how, now, wait_ms)) != -1) {
		if (pick_take(rq, (unsigned)at, now, &rest_ms))
			break;
		k[at].cool_until_ms = now + rest_ms;
	}
	return at;
}

static int
try_pick(struct request *rq, int64_t *wait_ms)
{
	const struct snap_pool	*p = rq->rq_pool;
	struct keypick_how	 how = { .strategy = p->strategy,
				    .session = rq->rq_session,
				    .kept = rq->rq_kept };
	int64_t			 now = clock_mono_ms();
	int			 at;

	pool_claim(rq);
	how.ticket = atomic_fetch_add_explicit(&rq->rq_wk->shm->key[
	    rq->rq_snap->keys[p->keys[0]].slot].rr, 1, memory_order_relaxed);
	if ((at = pick_few(rq, &how, now)) != -1)
		return at;
	if (p->strategy == POOL_RANDOM || p->strategy == POOL_WEIGHTED)
		id_chance(&how.random, sizeof(how.random));
	return pick_all(rq, &how, now, wait_ms);
}

/* Until a key of this pool may be used for that model; -1: none ever. */
static int64_t
pool_soonest(struct request *rq, const struct plan_step *st, int64_t now)
{
	const struct snap_pool	*p = &rq->rq_snap->pools[st->pool];
	const struct snap_key	*k;
	struct key_view		 v;
	int64_t			 wait, best = -1;
	unsigned		 i;

	if (p->nkeys == 0 && p->name.n == 0 &&
	    rq->rq_snap->providers[st->route.provider].keyless)
		return 0;
	for (i = 0; i < p->nkeys; i++) {
		k = &rq->rq_snap->keys[p->keys[i]];
		key_view(rq->rq_snap, k, rq->rq_wk->shm, rq->rq_ask.who,
		    st->route.model, rq->rq_wall_us, now, &v);
		if (!key_serves(&v))
			continue;
		wait = v.until_ms > now ? v.until_ms - now : 0;
		if (best == -1 || wait < best)
			best = wait;
	}
	return best;
}

int64_t
try_soonest(struct request *rq)
{
	const struct plan_step	*st;
	struct breaker_view	 v;
	int64_t			 now = clock_mono_ms(), wait, best = -1;
	unsigned		 i;

	for (i = 0; i < rq->rq_plan->n; i++) {
		st = &rq->rq_plan->step[i];
		wait = pool_soonest(rq, st, now);
		breaker_view(rq->rq_wk->shm, rq->rq_snap->providers[
		    st->route.provider].id, &rq->rq_snap->breaker, now, &v);
		if (wait >= 0 && v.state == BREAKER_OPEN &&
		    v.until_ms - now > wait)
			wait = v.until_ms - now;
		if (wait >= 0 && (best == -1 || wait < best))
			best = wait;
	}
	return best;
}

/*
 * No key is left for a first attempt: say why, and when to come again.  What a
 * key has no room for in its minute is known to the pick alone.
 */
static void
keyless_fail(struct request *rq, bool broken, int64_t wait_ms)
{
	struct ir_error	 err;

	if (broken)
		route_broken(&err, rq->rq_provider, wait_ms);
	else
		route_keyless(&err, rq->rq_provider, wait_ms);
	request_fail(rq, &err);
}

static int64_t
keyless_wait(struct request *rq, int64_t wait_ms)
{
	int64_t	 soonest = try_soonest(rq);

	return soonest > 0 && (wait_ms < 0 || soonest < wait_ms) ? soonest :
	    wait_ms;
}

static void
try_keyless(struct request *rq, bool broken, int64_t wait_ms)
{
	wait_ms = keyless_wait(rq, wait_ms);
	if (broken || !queue_enter(rq, NULL, wait_ms))
		keyless_fail(rq, broken, wait_ms);
}

/* The operator's choice, whatever rests it: once. */
static bool
try_only(struct request *rq)
{
	bool	*tried = &rq->rq_tried[rq->rq_only - rq->rq_snap->keys];

	if (*tried)
		return false;
	key_claim(rq->rq_wk->shm, rq->rq_only);
	rq->rq_key = rq->rq_only;
	*tried = true;
	return true;
}

bool
try_key(struct request *rq, int64_t *wait_ms)
{
	int	 i;

	*wait_ms = -1;
	rq->rq_key = NULL;
	rq->rq_broken = !provider_enter(rq, wait_ms);
	if (rq->rq_broken)
		return false;
	if (rq->rq_only != NULL)
		return try_only(rq);
	if (rq->rq_pool->nkeys == 0 && rq->rq_provider->keyless &&
	    rq->rq_pool->name.n == 0)
		return true;
	if (rq->rq_pool->nkeys == 0 || (i = try_pick(rq, wait_ms)) == -1) {
		provider_drop(rq);
		return false;
	}
	rq->rq_key = &rq->rq_snap->keys[rq->rq_pool->keys[i]];
	rq->rq_tried[rq->rq_pool->keys[i]] = true;
	return true;
}

static void
try_open(struct request *rq)
{
	struct worker	*wk = rq->rq_wk;

	rq->rq_trying = true;
	rq->rq_try_us = clock_mono_us();
	wk->row->stat.attempts++;
	rq->rq_tries++;
	if (rq->rq_call_tries++ > 0)
		wk->row->stat.retries++;
	if (rq->rq_key != NULL)
		wk->row->key[rq->rq_key->slot].inflight++;
	request_live_tried(rq);
	request_timer(rq, rq->rq_provider->first_byte_ms);
	if (rq->rq_target == NULL)
		mock_start(rq);
	else
		try_send(rq);
}

void
try_again(struct request *rq)
{
	try_open(rq);
}

void
try_next(struct request *rq)
{
	int64_t	 wait_ms;
	bool	 broken;

	/* Nobody overtakes those who wait. */
	if (queue_before(rq) || queue_behind(rq)) {
		if (!queue_enter(rq, NULL, 0))
			keyless_fail(rq, false, keyless_wait(rq, 0));
		return;
	}
	if (try_key(rq, &wait_ms)) {
		try_open(rq);
		return;
	}
	broken = rq->rq_broken;
	switch (request_next_target(rq)) {
	case 0:
		try_open(rq);
		break;
	case -1:
		try_keyless(rq, broken, wait_ms);
		break;
	}
}

/* --- how it went ------------------------------------------------------------------------- */

static void
try_ended(struct request *rq, int status, bool ok, const char *why,
    struct str said)
{
	struct acct_rec	*a = &rq->rq_acct;
	struct str	 id;

	if (!rq->rq_trying)
		return;
	rq->rq_trying = false;
	loop_timer_clear(rq->rq_wk->loop, &rq->rq_timer);
	attempts_add(rq, status, why, said);
	provider_end(rq, ok);
	a->f.upstream_status = status;
	a->f.connect_us = rq->rq_up == NULL ? -1 : rq->rq_up->up_connect_us;
	if (rq->rq_up != NULL) {
		a->f.bytes_down += rq->rq_up->up_received;
		id = upstream_header(rq->rq_up, "request-id");
		if (id.n == 0)
			id = upstream_header(rq->rq_up, "x-request-id");
		a->s[ACCT_UPSTREAM_ID] = arena_str(&rq->rq_arena, id);
	}
	if (ok && rq->rq_conversation != 0)
		affinity_put(rq->rq_wk->shm, rq->rq_conversation,
		    (struct affinity){ affinity_target(rq->rq_provider->id,
		    rq->rq_route.model), rq->rq_key == NULL ? 0 :
		    (uint32_t)rq->rq_key->id });
	if (rq->rq_key == NULL)
		return;
	if (ok)
		keys_worked(rq->rq_wk->shm, rq->rq_key->slot,
		    rq->rq_route.model);
	a->f.key_id = rq->rq_key->id;
	a->s[ACCT_KEY_MASK] = str_of(rq->rq_key->mask);
	attempts_key(rq, status, ok);
	account_key(rq, status, ok);
	queue_kick(rq->rq_wk);
}

void
try_end(struct request *rq, int status, bool ok, const char *why)
{
	try_ended(rq, status, ok, why, STR_NONE);
}

/* A fault of the key or the provider; the client's own fault is not. */
static bool
try_again_helps(const struct ir_error *err)
{
	/* A conflict of the provider's own (RFC 9110 15.5.10): it passes. */
	if (err->upstream == 408 || err->upstream == 409)
		return true;
	switch (err->kind) {
	case IR_ERR_AUTH:
	case IR_ERR_BILLING:
	case IR_ERR_FORBIDDEN:
	case IR_ERR_RATE:
	case IR_ERR_INTERNAL:
	case IR_ERR_UPSTREAM:
	case IR_ERR_UNAVAILABLE:
	case IR_ERR_TIMEOUT:
	case IR_ERR_OVERLOADED:
		return true;
	default:
		return false;
	}
}

/* Is it the key that the provider will not have? */
static bool
try_refused(const struct ir_error *err)
{
	return err->upstream == 401 || err->upstream == 402 ||
	    err->upstream == 403;
}

static void
try_rest(struct request *rq, const struct ir_error *err)
{
	const struct snapshot	*n = rq->rq_snap;
	struct shm		*m = rq->rq_wk->shm;
	unsigned		 slot;
	int64_t			 ms;

	if (rq->rq_key == NULL)
		return;
	slot = rq->rq_key->slot;
	if (err->kind == IR_ERR_RATE) {
		ms = keypick_rest(err->retry_after, keys_strikes(m, slot,
		    rq->rq_route.model), n->cooldown_ms, n->cooldown_max_ms);
		keys_rest(m, slot, rq->rq_route.model, err->upstream,
		    clock_mono_ms() + ms);
		request_log(rq, "key %s rests for %lld ms after a rate limit "
		    "on model '%.*s'", rq->rq_key->mask, (long long)ms,
		    STR_FMT(rq->rq_route.model));
	} else if (try_refused(err) && n->recheck_ms > 0) {
		ms = keys_park(m, slot, err->upstream, n->recheck_ms,
		    clock_mono_ms());
		request_log(rq, "key %s is parked for %lld s: the provider "
		    "answered %d", rq->rq_key->mask, (long long)ms / 1000,
		    err->upstream);
	}
}

static const char *
try_why(const struct ir_error *err)
{
	switch (err->kind) {
	case IR_ERR_RATE:
		return "rate limit";
	case IR_ERR_TIMEOUT:
		return "time-out";
	case IR_ERR_AUTH:
	case IR_ERR_FORBIDDEN:
		return "key refused";
	case IR_ERR_OVERLOADED:
		return "overloaded";
	default:
		return "error";
	}
}

/* Has this call said nothing yet that the client may have? */
static bool
try_is_open(const struct request *rq)
{
	return choices_later(rq) ? rq->rq_state != RQ_DONE &&
	    !rq->rq_content : rq->rq_state == RQ_TRY;
}

static void
try_close(struct request *rq)
{
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	mock_free(rq->rq_mock);
	rq->rq_mock = NULL;
}

static void
try_reopen(struct request *rq)
{
	try_close(rq);
	answer_again(rq);
	try_open(rq);
}

/* Of a provider without keys: not what says no to it, or when to come. */
static bool
try_same_helps(const struct ir_error *err)
{
	return !try_refused(err) &&
	    !(err->kind == IR_ERR_RATE && err->retry_after > 0);
}

/* The next key, then the next target; what has failed is put away first. */
static bool
try_move(struct request *rq, const struct ir_error *err)
{
	const struct snap_key	*key = rq->rq_key;
	int64_t			 wait_ms;
	bool			 later = choices_later(rq);
	bool			 more = !later &&
				    rq->rq_step + 1 < rq->rq_plan->n;
	int			 r = -1;

	answer_again(rq);
	if ((rq->rq_pool->nkeys > 0 || (!more && rq->rq_target != NULL &&
	    try_same_helps(err))) && try_key(rq, &wait_ms))
		r = 0;
	else {
		rq->rq_key = key;
		if (more)
			r = request_next_target(rq);
	}
	if (r == -1)
		return false;
	try_close(rq);
	if (r == 1)
		return true;
	rq->rq_resting = true;
	request_timer(rq, keypick_backoff(rq->rq_tries, BACKOFF_MS,
	    BACKOFF_MAX_MS, hash64(str_of(rq->rq_id), rq->rq_tries)));
	return true;
}

void
try_failed(struct request *rq, int status, const struct ir_error *err)
{
	struct ir_error	 copy = *err;
	int64_t		 ms;
	bool		 again;

	try_hide_key(rq, copy.msg, strlen(copy.msg));
	provider_failed(rq, err);
	if (refusals_again(rq, err)) {
		try_ended(rq, status, false, "parameter refused",
		    str_of(copy.msg));
		try_reopen(rq);
		return;
	}
	again = try_is_open(rq) && try_again_helps(err) &&
	    !rq->rq_timer_total &&
	    (int)rq->rq_call_tries < rq->rq_snap->retry_tries &&
	    clock_mono_us() - rq->rq_start_us <
	    (int64_t)rq->rq_snap->retry_ms * 1000;
	try_rest(rq, err);
	try_ended(rq, status, false, try_why(err), str_of(copy.msg));
	if (again && try_move(rq, &copy))
		return;
	ms = copy.kind == IR_ERR_RATE && rq->rq_key != NULL ?
	    try_soonest(rq) : -1;
	if (again && ms >= 0 && !choices_later(rq) &&
	    queue_enter(rq, &copy, ms)) {
		try_close(rq);
		return;
	}
	if (ms > 0) {
		rq->rq_sooner = copy.retry_after > (ms + 999) / 1000;
		copy.retry_after = (int)((ms + 999) / 1000);
	}
	request_fail(rq, &copy);
}
