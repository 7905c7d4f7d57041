/*
 * Arithmetic of roll-ups; where they are kept is store_rollup.c.
 */
#include <math.h>

#include "state/rollup.h"

double
rollup_bound(unsigned i)
{
	return ldexp(i % 2 == 0 ? 1.0 : M_SQRT2, (int)(i / 2));
}

unsigned
rollup_bucket(int64_t value)
{
	unsigned	 i;

	if (value <= 1)
		return 0;
	if ((double)value > rollup_bound(ROLLUP_BUCKETS - 2))
		return ROLLUP_BUCKETS - 1;
	/* Whole powers of two first, then perhaps half a step back. */
	i = 2 * (64 - (unsigned)__builtin_clzll((uint64_t)value - 1));
	return (double)value <= rollup_bound(i - 1) ? i - 1 : i;
}

static int64_t
sum(int64_t a, int64_t b)
{
	int64_t	 r;

	return __builtin_add_overflow(a, b, &r) ? INT64_MAX : r;
}

void
rollup_add(struct rollup *a, const struct rollup *b)
{
	unsigned	 h, i;
	uint32_t	 n;

#define SUM(name)	a->name = sum(a->name, b->name);
	ROLLUP_SUMS
#undef SUM
	for (h = 0; h < ROLLUP_HISTS; h++)
		for (i = 0; i < ROLLUP_BUCKETS; i++) {
			n = a->hist[h][i] + b->hist[h][i];
			a->hist[h][i] = n < b->hist[h][i] ? UINT32_MAX : n;
		}
}

uint64_t
rollup_count(const uint32_t hist[ROLLUP_BUCKETS])
{
	uint64_t	 n = 0;
	unsigned	 i;

	for (i = 0; i < ROLLUP_BUCKETS; i++)
		n += hist[i];
	return n;
}

/* Within its bucket a value is placed as if they lay evenly. */
double
rollup_quantile(const uint32_t hist[ROLLUP_BUCKETS], double q)
{
	uint64_t	 n = rollup_count(hist);
	double		 rank = q * (double)n, low, seen = 0;
	unsigned	 i;

	if (n == 0)
		return -1;
	for (i = 0; i < ROLLUP_BUCKETS - 1; i++) {
		if (hist[i] > 0 && seen + hist[i] >= rank)
			break;
		seen += hist[i];
	}
	low = i == 0 ? 0 : rollup_bound(i - 1);
	if (hist[i] == 0)
		return low;
	return low + (rollup_bound(i) - low) * (rank - seen) / hist[i];
}
