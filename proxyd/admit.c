/*
 * Admission.  Each worker counts in its own row of shared memory, so that the
 * master can give back what a killed worker held; what all must agree on at
 * once, the rates, is one atomic word each.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "policy/access.h"
#include "policy/account_limit.h"
#include "policy/account_view.h"
#include "policy/limit.h"
#include "policy/price.h"
#include "proxyd/admit.h"
#include "proxyd/request.h"
#include "state/store_tenants.h"

#define TOKENS_MAX	((int64_t)1 << 30)

static unsigned
accounts(const struct request *rq, struct account a[2])
{
	return accounts_of((struct permit){ rq->rq_ckey, rq->rq_tenant }, a);
}

/* --- who ----------------------------------------------------------------------------- */

static struct str
bearer(struct str h)
{
	if (h.n > 7 && strncasecmp(h.p, "Bearer ", 7) == 0)
		return str_trim(str_skip(h, 7));
	return STR_NONE;
}

static struct str
query_key(struct request *rq)
{
	struct str	 query = call_query(rq->rq_call), item;
	struct buf	 b;

	while (query.n > 0) {
		item = str_cut(&query, '&');
		if (!str_starts(item, "key="))
			continue;
		buf_init(&b, 512);
		item = url_decode(&b, str_skip(item, 4), true) == 0 ?
		    arena_str(&rq->rq_arena, buf_str(&b)) : STR_NONE;
		buf_release(&b);
		return item;
	}
	return STR_NONE;
}

/* Wherever the client's SDK puts it; ours before one that is not. */
static struct str
key_given(struct request *rq)
{
	struct str	 found[4], first = STR_NONE;
	size_t		 i;

	found[0] = bearer(str_of(call_header(rq->rq_call, "Authorization")));
	found[1] = str_of(call_header(rq->rq_call, "x-api-key"));
	found[2] = str_of(call_header(rq->rq_call, "x-goog-api-key"));
	found[3] = query_key(rq);
	for (i = 0; i < 4; i++) {
		if (str_starts(found[i], CLIENT_KEY_PREFIX))
			return found[i];
		if (first.n == 0)
			first = found[i];
	}
	return first;
}

static const char *
deny_without_keys(struct request *rq)
{
	struct access_facts	 f;

	f.peer_loopback = call_peer_loopback(rq->rq_call);
	f.host = str_of(call_header(rq->rq_call, "Host"));
	f.origin = str_of(call_header(rq->rq_call, "Origin"));
	/* An empty one, and one of two, is not ours either. */
	if (call_header_count(rq->rq_call, "Origin") > (f.origin.n > 0))
		f.origin = STR("null");
	f.has_forwarded = call_header(rq->rq_call, "Forwarded") != NULL ||
	    call_header(rq->rq_call, "X-Forwarded-For") != NULL;
	return access_deny(rq->rq_snap, &f);
}

/* Also where it was hashed elsewhere, and came with an import. */
static const struct snap_client_key *
key_known(const struct request *rq, struct str key)
{
	const struct snapshot		*s = rq->rq_snap;
	const struct snap_client_key	*k;
	char				 hash[65];
	unsigned			 i;

	secret_print_with(rq->rq_wk->client_print, key, hash);
	k = snapshot_client_key(s, str_of(hash), rq->rq_wall_us);
	for (i = 0; k == NULL && i < s->nhash_keys; i++) {
		secret_print_under(s->hash_keys[i].key, key, hash);
		k = snapshot_client_key(s, str_of(hash), rq->rq_wall_us);
	}
	return k;
}

static const char *
key_find(struct request *rq, struct str key)
{
	const struct snapshot	*s = rq->rq_snap;

	rq->rq_ckey = key_known(rq, key);
	if (rq->rq_ckey == NULL)
		return "this client key is not known";
	if (rq->rq_ckey->tenant >= 0)
		rq->rq_tenant = &s->tenants[rq->rq_ckey->tenant];
	return permit_ended((struct permit){ rq->rq_ckey, rq->rq_tenant },
	    rq->rq_wall_us);
}

const char *
admit_who(struct request *rq)
{
	struct str	 key;

	if (rq->rq_snap->nclient_keys == 0)
		return deny_without_keys(rq);
	key = key_given(rq);
	if (rq->rq_snap->allow_anonymous &&
	    !str_starts(key, CLIENT_KEY_PREFIX))
		return NULL;
	if (key.n == 0)
		return "a client key is needed: send it as 'Authorization: "
		    "Bearer sk-proxy-...', x-api-key or x-goog-api-key";
	return key_find(rq, key);
}

/* --- money ------------------------------------------------------------------------------ */

/* Which budget is over, with what is reserved; NULL: none. */
static const char *
over(struct request *rq, const struct account *a)
{
	struct shm		*m = rq->rq_wk->shm;
	struct shm_account	*acc = &m->account[a->slot];
	int64_t			 total = account_spent(m, a->slot), day, month;
	int64_t			 more = account_reserved(m, a->slot);

	day = account_since(&acc->day, &acc->day_base,
	    clock_day(rq->rq_wall_us), total);
	month = account_since(&acc->month, &acc->month_base,
	    clock_month(rq->rq_wall_us), total);
	return account_over(a->limits, day + more, month + more, total + more);
}

/* --- taken ------------------------------------------------------------------------------- */

/* Taken for a request that something else has stopped. */
static void
return_rates(struct request *rq, const struct account *a, int64_t tokens,
    int64_t now)
{
	struct shm_account	*acc = &rq->rq_wk->shm->account[a->slot];
	struct limit		 l;

	if (a->limits->rpm > 0) {
		l = limit_requests(a->limits->rpm);
		limit_correct(&acc->rpm_at, &l, -1, now);
	}
	if (a->limits->tpm > 0 && tokens > 0) {
		l = limit_tokens(a->limits->tpm);
		limit_correct(&acc->tpm_at, &l, -tokens, now);
	}
}

static int
take_rates(struct request *rq, const struct account *a, int64_t now,
    struct ir_error *err)
{
	struct shm_account	*acc = &rq->rq_wk->shm->account[a->slot];
	int64_t			 tokens = rq->rq_admitted.tokens, wait;
	struct limit		 l;

	if (a->limits->rpm > 0) {
		l = limit_requests(a->limits->rpm);
		if (!limit_take(&acc->rpm_at, &l, 1, now, &wait)) {
			account_refuse_rate(err, a, "requests", a->limits->rpm, wait);
			return -1;
		}
	}
	if (a->limits->tpm > 0) {
		l = limit_tokens(a->limits->tpm);
		if (!limit_take(&acc->tpm_at, &l, tokens, now, &wait)) {
			account_refuse_rate(err, a, "tokens", a->limits->tpm,
			    wait);
			return_rates(rq, a, 0, now);
			return -1;
		}
	}
	return 0;
}

/* Counted first, looked at then: two at once may both be refused, never let in. */
static int
take_places(struct request *rq, const struct account *a, struct ir_error *err)
{
	struct shm	*m = rq->rq_wk->shm;
	const char	*period;

	if (a->limits->concurrent > 0 && (int64_t)account_inflight(m, a->slot) >
	    a->limits->concurrent) {
		account_refuse_place(err, a);
		return -1;
	}
	if (!account_has_budget(a) || (period = over(rq, a)) == NULL)
		return 0;
	account_refuse_budget(err, a, period, rq->rq_wall_us);
	return -1;
}

static void
hold(struct request *rq, const struct account *a, unsigned n, int sign)
{
	struct shm_use	*u;
	unsigned	 i;

	for (i = 0; i < n; i++) {
		u = &rq->rq_wk->row->use[a[i].slot];
		if (!rq->rq_admitted.eased)
			u->inflight += (uint32_t)sign;
		if (rq->rq_admitted.cost > 0)
			u->reserved += sign * rq->rq_admitted.cost;
	}
}

static int
check_priced(struct request *rq, const struct account *a, unsigned n,
    struct ir_error *err)
{
	unsigned	 i;

	if (rq->rq_admitted.cost >= 0 || rq->rq_snap->budget_unpriced)
		return 0;
	for (i = 0; i < n; i++)
		if (account_has_budget(&a[i])) {
			account_refuse_unpriced(err, &a[i],
			    rq->rq_provider->name, rq->rq_route.model);
			return -1;
		}
	return 0;
}

int
admit_take(struct request *rq, struct ir_error *err)
{
	struct account	 a[2];
	unsigned	 i, n = accounts(rq, a);
	int64_t		 input, now;
	struct route_target t;

	if (n == 0)
		return 0;
	if (!permit_model(rq->rq_ask.who, rq->rq_ir.model,
	    rq->rq_route.model) || !permit_route(rq->rq_ask.who,
	    request_route_name(rq))) {
		ir_error_set(err, IR_ERR_FORBIDDEN, "this client key may not "
		    "use model '%.*s'", STR_FMT(rq->rq_ir.model));
		return -1;
	}
	if (accounts_want_estimate(a, n)) {
		input = op_input(rq);
		rq->rq_admitted.tokens = input < TOKENS_MAX ? input :
		    TOKENS_MAX;
		t = request_target(rq);
		rq->rq_admitted.cost = route_cost(&rq->rq_ask, &t, input);
		if (check_priced(rq, a, n, err) == -1)
			return -1;
	}
	hold(rq, a, n, 1);
	now = clock_mono_us();
	for (i = 0; i < n; i++)
		if (take_places(rq, &a[i], err) == -1 ||
		    take_rates(rq, &a[i], now, err) == -1) {
			hold(rq, a, n, -1);
			while (i-- > 0)
				return_rates(rq, &a[i],
				    rq->rq_admitted.tokens, now);
			return -1;
		}
	rq->rq_admitted.on = true;
	return 0;
}

/* --- settled ----------------------------------------------------------------------------- */

/* Nothing at all, of an answer that was given, is no count. */
static bool
usage_told(const struct acct_fixed *f)
{
	return f->input > 0 || f->output > 0 || f->cache_read > 0 ||
	    f->cache_write_5m > 0 || f->cache_write_1h > 0 ||
	    f->reasoning > 0;
}

static int64_t
known(int64_t n)
{
	return n > 0 ? n : 0;
}

/*
 * No usage was told, but a provider has worked: what was sent is estimated, and
 * what came from its bytes, of which a stream needs many a token.
 */
static void
guess_use(struct request *rq, struct price_use *u)
{
	const struct acct_fixed	*f = &rq->rq_acct.f;

	*u = (struct price_use){ .input = rq->rq_admitted.tokens > 0 ?
	    rq->rq_admitted.tokens : op_input(rq) };
	if (rq->rq_op == NULL)
		u->output = f->bytes_down / (rq->rq_ir.stream ? 50 : 4);
	rq->rq_acct.f.cost_guess = 1;
}

/* An answer is settled twice: when it has been read, and when it is over. */
static const struct snap_price *
settle_price(struct request *rq)
{
	struct admitted	*ad = &rq->rq_admitted;

	if (ad->priced != rq->rq_provider ||
	    ad->priced_model.p != rq->rq_route.model.p ||
	    ad->priced_model.n != rq->rq_route.model.n) {
		ad->priced = rq->rq_provider;
		ad->priced_model = rq->rq_route.model;
		ad->price = price_find(rq->rq_snap, rq->rq_provider->name,
		    rq->rq_route.model);
	}
	return ad->price;
}

static void
settle_cost(struct request *rq, struct price_use *u)
{
	struct acct_fixed	*f = &rq->rq_acct.f;
	bool			 worked;

	*u = (struct price_use){ f->input, f->cache_read, f->cache_write_5m,
	    f->cache_write_1h, f->output, f->reasoning };
	worked = rq->rq_provider != NULL && f->upstream_status >= 200 &&
	    f->upstream_status < 300 && !op_is_free(rq);
	if (!usage_told(f) && worked)
		guess_use(rq, u);
	else if (!usage_told(f)) {
		f->cost = 0;
		return;
	}
	f->epoch = rq->rq_wk->shm->epoch;
	f->cost = price_cost(settle_price(rq), u);
}

/* What was taken from the rates for it was an estimate. */
static void
rates_correct(struct request *rq, const struct account *a,
    const struct price_use *u, int64_t now)
{
	struct shm_account	*acc = &rq->rq_wk->shm->account[a->slot];
	struct limit		 l;
	int64_t			 used;

	if (a->limits->tpm <= 0)
		return;
	used = known(u->input) + known(u->cache_read) +
	    known(u->cache_write_5m) + known(u->cache_write_1h) +
	    known(u->output) + known(u->reasoning);
	if (used > TOKENS_MAX)
		used = TOKENS_MAX;
	l = limit_tokens(a->limits->tpm);
	limit_correct(&acc->tpm_at, &l, used - rq->rq_admitted.tokens, now);
}

void
admit_ease(struct request *rq)
{
	struct admitted		*ad = &rq->rq_admitted;
	struct shm_use		*u;
	struct account		 a[2];
	struct price_use	 use;
	unsigned		 i, n = accounts(rq, a);
	int64_t			 less = 0, now;

	if (!ad->on || ad->eased)
		return;
	now = clock_mono_us();
	ad->eased = true;
	settle_cost(rq, &use);
	if (ad->cost > 0 && rq->rq_acct.f.cost >= 0)
		less = ad->cost - rq->rq_acct.f.cost;
	for (i = 0; i < n; i++) {
		u = &rq->rq_wk->row->use[a[i].slot];
		u->inflight--;
		u->reserved -= less;
		rates_correct(rq, &a[i], &use, now);
	}
	ad->cost -= less;
}

void
admit_settle(struct request *rq)
{
	struct acct_fixed	*f = &rq->rq_acct.f;
	struct price_use	 u;

	settle_cost(rq, &u);
	if (rq->rq_tenant != NULL) {
		f->tenant_id = rq->rq_tenant->id;
		rq->rq_acct.s[ACCT_TENANT] = rq->rq_tenant->name;
	}
	if (rq->rq_ckey != NULL)
		f->client_key_id = rq->rq_ckey->id;
}

/*
 * What follows the record into the accounts.  A worker that is killed in between
 * leaves a note, by which the master ends it.
 */
void
admit_note(struct request *rq)
{
	struct shm_settle	*s = &rq->rq_wk->row->settle;
	struct account		 a[2];
	unsigned		 i, n = accounts(rq, a);

	if (!rq->rq_admitted.on || rq->rq_acct.f.cost <= 0)
		return;
	for (i = 0; i < n; i++) {
		s->slot[i] = a[i].slot;
		s->before[i] = rq->rq_wk->row->use[a[i].slot].settled;
	}
	s->cost = rq->rq_acct.f.cost;
	s->head = rq->rq_wk->shm->ring[rq->rq_wk->slot].head;
	s->spill = 0;
	s->n = n;
}

void
admit_pay(struct request *rq)
{
	struct shm_settle	*s = &rq->rq_wk->row->settle;
	struct shm_use		*u;
	struct account		 a[2];
	unsigned		 i, n = accounts(rq, a);

	if (!rq->rq_admitted.on)
		return;
	for (i = 0; i < n && rq->rq_acct.f.cost > 0; i++) {
		account_period(rq->rq_wk->shm, a[i].slot, rq->rq_wall_us);
		u = &rq->rq_wk->row->use[a[i].slot];
		if (u->settled < SHM_SPENT_MAX)
			u->settled += rq->rq_acct.f.cost;
	}
	s->n = 0;
	hold(rq, a, n, -1);
	rq->rq_admitted.on = false;
}

/*
 * Another target may cost more: the budget must have room for that, too.  What
 * was reserved for a dearer one stays.
 */
bool
admit_more(struct request *rq)
{
	struct route_target	 t = request_target(rq);
	struct shm_use		*u;
	struct account		 a[2];
	int64_t			 cost, more;
	unsigned		 i, n = accounts(rq, a);
	bool			 any = false, room = true;

	for (i = 0; i < n; i++)
		any = any || account_has_budget(&a[i]);
	if (!rq->rq_admitted.on || !any)
		return true;
	cost = route_cost(&rq->rq_ask, &t, rq->rq_admitted.tokens);
	if (cost < 0)
		return rq->rq_snap->budget_unpriced;
	more = cost - (rq->rq_admitted.cost > 0 ? rq->rq_admitted.cost : 0);
	if (more <= 0)
		return true;
	for (i = 0; i < n; i++)
		rq->rq_wk->row->use[a[i].slot].reserved += more;
	for (i = 0; i < n; i++)
		room = room && (!account_has_budget(&a[i]) || over(rq,
		    &a[i]) == NULL);
	for (i = 0; i < n && !room; i++) {
		u = &rq->rq_wk->row->use[a[i].slot];
		u->reserved -= more;
	}
	if (room)
		rq->rq_admitted.cost = cost;
	return room;
}

/* --- told ----------------------------------------------------------------------------------- */

struct told {
	struct request		*rq;
	struct http_header	*h;
	size_t			 n, max;
	int64_t			 now;
};

static void
tell(struct told *t, const char *name, struct str value)
{
	if (t->n < t->max)
		t->h[t->n++] = (struct http_header){ name, value.p };
}

/* Decimal, so many digits of it behind a point, and a unit or NUL. */
static struct str
number(struct told *t, int64_t v, unsigned behind, char unit)
{
	char		 text[24];
	size_t		 at = sizeof(text);
	unsigned	 n = 0;

	if (unit != '\0')
		text[--at] = unit;
	do {
		if (n++ == behind && behind > 0)
			text[--at] = '.';
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 || n <= behind);
	return arena_str(&t->rq->rq_arena, (struct str){ text + at,
	    sizeof(text) - at });
}

static void
tell_rate(struct told *t, const char *const names[6], const struct limit *l,
    int64_t word)
{
	char	 when[CLOCK_RFC3339_LEN];
	int64_t	 full, left = limit_left(word, l, t->now, &full);
	bool	 anthropic = t->rq->rq_client == &dialect_anthropic;
	const char *const *name = names + (anthropic ? 3 : 0);

	tell(t, name[0], number(t, l->per_minute, 0, '\0'));
	tell(t, name[1], number(t, left, 0, '\0'));
	if (anthropic)
		tell(t, name[2], arena_str(&t->rq->rq_arena, str_of(
		    clock_rfc3339(t->rq->rq_wall_us + full, when))));
	else
		tell(t, name[2], number(t, (full + 500) / 1000, 3, 's'));
}

/* Of the account that has less: the client key's, where it has a limit. */
size_t
admit_headers(struct request *rq, struct http_header *h, size_t max)
{
	static const char *const requests[6] = {
		"x-ratelimit-limit-requests",
		"x-ratelimit-remaining-requests",
		"x-ratelimit-reset-requests",
		"anthropic-ratelimit-requests-limit",
		"anthropic-ratelimit-requests-remaining",
		"anthropic-ratelimit-requests-reset"
	};
	static const char *const tokens[6] = {
		"x-ratelimit-limit-tokens",
		"x-ratelimit-remaining-tokens",
		"x-ratelimit-reset-tokens",
		"anthropic-ratelimit-tokens-limit",
		"anthropic-ratelimit-tokens-remaining",
		"anthropic-ratelimit-tokens-reset"
	};
	struct told		 t = { rq, h, 0, max, 0 };
	const struct shm_account *acc;
	struct account		 a[2];
	struct limit		 l;
	unsigned		 i, n = accounts(rq, a);

	if (n > 0)
		t.now = clock_mono_us();
	for (i = 0; i < n && t.n == 0; i++) {
		acc = &rq->rq_wk->shm->account[a[i].slot];
		if (a[i].limits->rpm > 0) {
			l = limit_requests(a[i].limits->rpm);
			tell_rate(&t, requests, &l, acc->rpm_at);
		}
		if (a[i].limits->tpm > 0) {
			l = limit_tokens(a[i].limits->tpm);
			tell_rate(&t, tokens, &l, acc->tpm_at);
		}
	}
	return t.n;
}
