#ifndef STATE_ROLLUP_H
#define STATE_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Sums of requests over a stretch of time, and the form in which durations are
 * kept: a histogram whose bucket i counts what took at most 2^(i/2) units, and
 * more than the bucket before; the last also what is longer.  So a quantile is
 * known to a fifth, from 160 bytes.
 */
#define ROLLUP_BUCKETS	40

enum rollup_hist {
	ROLLUP_TOTAL,			/* whole duration, ms */
	ROLLUP_TTFB,			/* to the first byte, ms */
	ROLLUP_OVERHEAD,		/* our own CPU, microseconds */
	ROLLUP_HISTS
};

enum rollup_dim {
	ROLLUP_ALL = 1,
	ROLLUP_TARGET,			/* "provider/model" */
	ROLLUP_KEY, ROLLUP_TENANT, ROLLUP_CLIENT_KEY,	/* ids as text */
	/*
	 * A provider's attempts, not requests: those that told something of
	 * it, and as errors those that failed by its own fault, although
	 * another may have answered in the end.  Only these two are summed.
	 */
	ROLLUP_ATTEMPTS
};

/* The columns of table rollups that are sums, in its order. */
#define ROLLUP_SUMS							\
	SUM(requests) SUM(errors) SUM(streams) SUM(translated)		\
	SUM(attempts) SUM(input) SUM(cache_read) SUM(cache_write)	\
	SUM(output) SUM(reasoning) SUM(cost) SUM(unpriced)		\
	SUM(total_us) SUM(overhead_us)

struct rollup {
#define SUM(name)	int64_t name;
	ROLLUP_SUMS
#undef SUM
	uint32_t	 hist[ROLLUP_HISTS][ROLLUP_BUCKETS];
};

unsigned	 rollup_bucket(int64_t value);
/* Upper end of bucket i. */
double		 rollup_bound(unsigned i);
/* Adds b to a; sums stop at INT64_MAX, counts at UINT32_MAX. */
void		 rollup_add(struct rollup *a, const struct rollup *b);
/* The q-th part, 0 < q < 1, of a histogram's values; -1 of none. */
double		 rollup_quantile(const uint32_t hist[ROLLUP_BUCKETS], double q);
/* How many values a histogram holds. */
uint64_t	 rollup_count(const uint32_t hist[ROLLUP_BUCKETS]);

#endif /* STATE_ROLLUP_H */
