/*
 * Prices.
 */
#include <stddef.h>

#include "policy/pattern.h"
#include "policy/price.h"

#define COST_MAX	((int64_t)1000000000000000)	/* a milliard dollars */
#define MILLION		1000000

static bool
is_pattern(struct str s)
{
	return s.n > 0 && memchr(s.p, '*', s.n) != NULL;
}

/* How particular: compared as numbers, 0 for one that does not fit. */
static uint64_t
rank(const struct snap_price *p, struct str provider, struct str model)
{
	if (p->provider.n > 0 && !str_eq(p->provider, provider))
		return 0;
	if (!pattern_match(p->model, model))
		return 0;
	return (uint64_t)p->operators << 40 |
	    (uint64_t)!is_pattern(p->model) << 32 |
	    (uint64_t)(p->model.n & 0xffffff) << 4 |
	    (uint64_t)(p->provider.n > 0) << 1 | 1;
}

const struct snap_price *
price_find(const struct snapshot *s, struct str provider, struct str model)
{
	const struct snap_price	*best = NULL;
	uint64_t		 r, top = 0;
	unsigned		 i;

	for (i = 0; i < s->nprices; i++) {
		r = rank(&s->prices[i], provider, model);
		if (r > top) {
			top = r;
			best = &s->prices[i];
		}
	}
	return best;
}

/* Counts are clamped to 2^40 and prices to 10^12, so this cannot overflow. */
static __int128
part(int64_t tokens, int64_t price, int64_t otherwise)
{
	if (tokens <= 0)
		return 0;
	if (tokens > (int64_t)1 << 40)
		tokens = (int64_t)1 << 40;
	if (price < 0)
		price = otherwise;
	if (price > PRICE_MAX)
		price = PRICE_MAX;
	return (__int128)tokens * price;
}

int64_t
price_cost(const struct snap_price *p, const struct price_use *u)
{
	__int128	 sum;

	if (p == NULL)
		return -1;
	sum = part(u->input, p->input, p->input) +
	    part(u->cache_read, p->cache_read, p->input) +
	    part(u->cache_write_5m, p->cache_write_5m, p->input) +
	    part(u->cache_write_1h, p->cache_write_1h, p->input) +
	    part(u->output, p->output, p->output) +
	    part(u->reasoning, p->output, p->output);
	sum = (sum + MILLION - 1) / MILLION;
	return sum > COST_MAX ? COST_MAX : (int64_t)sum;
}
