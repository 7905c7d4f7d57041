#ifndef STATE_STORE_ROLLUP_H
#define STATE_STORE_ROLLUP_H

#include <stdint.h>

#include "base/str.h"
#include "state/rollup.h"
#include "state/store.h"

/*
 * Roll-ups as they are kept: by the minute, the hour and the day, so that a
 * year is read in hundreds of rows.  Days are kept for ever.
 */
enum rollup_period {
	ROLLUP_MINUTE = 60, ROLLUP_HOUR = 3600, ROLLUP_DAY = 86400
};

#define ROLLUP_MINUTES_S	(3 * 86400)	/* minutes are kept so long */
#define ROLLUP_HOURS_S		(100 * 86400)
/* Names of one kind in one period, then "(other)": clients choose models. */
#define ROLLUP_NAMES		500

struct rollup_row {
	int64_t		 start_s;	/* of its period, unix seconds */
	struct str	 name;		/* valid during the call */
	struct rollup	 sum;
};

/*
 * Calls cb for each period that begins in [from, to), oldest first, and each
 * name of the dimension, or the one that is given (empty: all).
 */
int	 store_rollups(struct store *, enum rollup_dim, enum rollup_period,
	    int64_t from_s, int64_t to_s, struct str name,
	    void (*cb)(void *, const struct rollup_row *), void *)
	    __attribute__((__warn_unused_result__));

/* Deletes at most n that are past their time; how many, or -1. */
int	 store_rollups_expire(struct store *, int64_t now_s, int n)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_ROLLUP_H */
