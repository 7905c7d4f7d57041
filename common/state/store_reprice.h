#ifndef STATE_STORE_REPRICE_H
#define STATE_STORE_REPRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/store.h"

/*
 * Costs of requests that are logged already, by other prices; the roll-ups
 * change by exactly what the rows do, in the same transactions.  These are
 * short, and others have their turn between them.  Rows that have no usage, or
 * whose cost was estimated for want of it, stay as they are.
 *
 * What accounts have spent changes with them, in a running proxyd within a
 * second (store_accounts.h).
 */
#define REPRICE_LOCK_US	50000		/* no transaction is longer */

/* Disjoint counts as in the row; -1: not said. */
struct reprice_use {
	int64_t	 input, cache_read, cache_write_5m, cache_write_1h;
	int64_t	 output, reasoning;
};

struct reprice_sum {
	int64_t	 rows;			/* that were asked for */
	int64_t	 seen;			/* of them, so far */
	int64_t	 matched;		/* of the model; of these: */
	int64_t	 changed;
	int64_t	 priced, unpriced;	/* that were not before */
	int64_t	 guessed;		/* estimates, left as they are */
	int64_t	 no_price;		/* still not priced */
	int64_t	 before, after;		/* micro-dollars of all of them */
	int64_t	 slices, longest_us;	/* transactions */
	int64_t	 longest_cpu_us;	/* of one, without waits for a turn */
};

struct reprice {
	int64_t		 from_us, to_us;	/* begun in [from, to) */
	struct str	 model;		/* pattern, of what was sent; or empty */
	bool		 dry;		/* changes nothing */
	/* -1: there is no price. */
	int64_t		(*price)(void *, struct str provider,
			    struct str model, const struct reprice_use *);
	/* After each slice; false: leave it at that. */
	bool		(*progress)(void *, const struct reprice_sum *);
	void		*arg;
};

/* 1: all; 0: it was left at what is done; -1. */
int	 store_reprice(struct store *, const struct reprice *,
	    struct reprice_sum *) __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_REPRICE_H */
