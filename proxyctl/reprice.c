/*
 * prices reprice: what is logged already, by the prices of now.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/price.h"
#include "proxyctl/objects.h"
#include "proxyctl/prices.h"
#include "proxyctl/values.h"
#include "state/store_reprice.h"
#include "state/store_tenants.h"

#define SAY_MS	500

struct repricing {
	struct snapshot	 snap;		/* its prices alone are used */
	struct arena	 arena;
	unsigned	 cap;
	int64_t		 said_ms;
	bool		 shows;		/* progress, on a terminal */
};

static volatile sig_atomic_t stopped;

static void
stop_cb(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
price_cb(void *arg, const struct store_price *p)
{
	struct repricing	*r = arg;

	if (r->snap.nprices == r->cap) {
		r->cap = r->cap * 2 + 256;
		r->snap.prices = reallocarray(r->snap.prices, r->cap,
		    sizeof(*r->snap.prices));
		must(r->snap.prices != NULL);
	}
	r->snap.prices[r->snap.nprices++] = (struct snap_price){
	    .provider = arena_str(&r->arena, p->provider),
	    .model = arena_str(&r->arena, p->model), .input = p->input,
	    .output = p->output, .cache_read = p->cache_read,
	    .cache_write_5m = p->cache_write_5m,
	    .cache_write_1h = p->cache_write_1h, .operators = !p->builtin };
}

static int64_t
cost(void *arg, struct str provider, struct str model,
    const struct reprice_use *u)
{
	struct repricing	*r = arg;
	struct price_use	 use = { u->input, u->cache_read,
				    u->cache_write_5m, u->cache_write_1h,
				    u->output, u->reasoning };

	return price_cost(price_find(&r->snap, provider, model), &use);
}

static bool
progress(void *arg, const struct reprice_sum *sum)
{
	struct repricing	*r = arg;
	int64_t			 now = clock_mono_ms();

	if (now - r->said_ms >= SAY_MS || (r->shows && sum->seen >=
	    sum->rows)) {
		r->said_ms = now;
		fprintf(stderr, "%s%lld of %lld rows, %lld changed%s",
		    r->shows ? "\r" : "", (long long)sum->seen,
		    (long long)sum->rows, (long long)sum->changed,
		    r->shows && sum->seen < sum->rows ? "" : "\n");
	}
	return !stopped;
}

static json_t *
sum_json(const struct reprice_sum *s, bool whole, bool dry)
{
	return json_pack("{s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:I,"
	    "s:f}", "complete", whole, "dry_run", dry, "rows",
	    (json_int_t)s->seen, "matched", (json_int_t)s->matched, "changed",
	    (json_int_t)s->changed, "priced", (json_int_t)s->priced,
	    "unpriced", (json_int_t)s->unpriced, "no_price",
	    (json_int_t)s->no_price, "estimated", (json_int_t)s->guessed,
	    "before", (double)s->before / 1e6, "after",
	    (double)s->after / 1e6, "slices", (json_int_t)s->slices,
	    "longest_lock_ms", (double)s->longest_us / 1e3);
}

static void
print_sum(const struct reprice_sum *s, bool dry)
{
	char	 before[MONEY_LEN], after[MONEY_LEN];

	printf("%lld of %lld requests %s another cost: %s dollars in all, %s "
	    "before\n", (long long)s->changed, (long long)s->matched,
	    dry ? "would have" : "have", ctl_money_text(s->after, after),
	    ctl_money_text(s->before, before));
	if (s->priced > 0 || s->unpriced > 0)
		printf("%lld had no price and have one now, %lld had one and "
		    "have none\n", (long long)s->priced,
		    (long long)s->unpriced);
	if (s->no_price > 0)
		printf("%lld have no price: proxyctl prices set gives their "
		    "models one\n", (long long)s->no_price);
	if (s->guessed > 0)
		printf("%lld have a cost that was estimated, because no usage "
		    "was told; it stays\n", (long long)s->guessed);
}

static int
finish(struct ctl *c, struct store *s, const struct reprice *r,
    const struct reprice_sum *sum, int rc)
{
	if (rc == -1)
		ctl_store_failed(c, s);
	if (sum->slices > 0)
		ctl_audit(s, "reprice", r->model.n > 0 ? r->model.p : "all",
		    true, sum_json(sum, rc == 1, r->dry));
	if (rc == -1)
		return ctl_fail("%lld rows were looked at before that; what "
		    "was changed is whole, and the same command does the "
		    "rest", (long long)sum->seen);
	if (c->opt[OPT_JSON] != NULL)
		json_print(sum_json(sum, rc == 1, r->dry));
	else
		print_sum(sum, r->dry);
	if (rc == 1)
		return CTL_OK;
	return ctl_fail("interrupted; what was changed is whole, and the same "
	    "command does the rest");
}

int
prices_reprice(struct ctl *c)
{
	struct repricing	 rp = { .shows = isatty(STDERR_FILENO) };
	struct reprice		 r = { .price = cost, .progress = progress,
				    .arg = &rp };
	struct reprice_sum	 sum;
	struct store		*s;
	int			 rc, e = CTL_ERROR;

	if (ctl_time(c, OPT_SINCE, false, &r.from_us) == -1 ||
	    ctl_time(c, OPT_UNTIL, false, &r.to_us) == -1)
		return CTL_ERROR;
	if (r.to_us > 0 && r.from_us >= r.to_us)
		return ctl_fail("prices reprice: --since must be before "
		    "--until");
	if (c->opt[OPT_PRICE_OF] != NULL)
		r.model = str_of(c->opt[OPT_PRICE_OF]);
	r.dry = c->opt[OPT_DRY_RUN] != NULL;
	if ((s = prices_store(c, true)) == NULL)
		return CTL_ERROR;
	arena_init(&rp.arena);
	signal(SIGINT, stop_cb);
	signal(SIGTERM, stop_cb);
	rp.said_ms = clock_mono_ms();
	if (store_prices(s, price_cb, &rp) == -1)
		ctl_store_failed(c, s);
	else {
		rc = store_reprice(s, &r, &sum);
		e = finish(c, s, &r, &sum, rc);
	}
	free(rp.snap.prices);
	arena_release(&rp.arena);
	store_close(s);
	return e;
}
