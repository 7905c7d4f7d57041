#ifndef POLICY_PRICE_H
#define POLICY_PRICE_H

#include <stdint.h>

#include "base/str.h"
#include "state/snapshot.h"

/*
 * Money: integer micro-dollars.  A price is by the million tokens.  What has no
 * price is unpriced, -1, which is not 0.
 */
#define PRICE_MAX	((int64_t)1000000000000)	/* a million dollars */

/* Disjoint counts, as struct ir_usage; -1 counts as 0. */
struct price_use {
	int64_t	 input, cache_read, cache_write_5m, cache_write_1h;
	int64_t	 output, reasoning;
};

/*
 * The most particular price: the operator's before the built-in one, an exact
 * model before a pattern, a longer pattern before a shorter one, a provider's
 * before anybody's.  NULL: unpriced.
 */
const struct snap_price	*price_find(const struct snapshot *,
			    struct str provider, struct str model);

/* Rounded up to the next micro-dollar; at most INT64_MAX / 4; -1 for NULL. */
int64_t	 price_cost(const struct snap_price *, const struct price_use *);

#endif /* POLICY_PRICE_H */
