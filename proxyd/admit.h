#ifndef PROXYD_ADMIT_H
#define PROXYD_ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "proxyd/http_in.h"
#include "wire/ir.h"

/*
 * Who asks, whether he may, and what it costs.  A client key leads to a tenant;
 * both have limits, which hold over all workers, and budgets: before a request
 * goes to a provider its estimated cost is reserved, and when it has ended what
 * it did cost is settled instead.  Accounts are in shared memory (shm.h).
 */
struct request;

/* What a request holds of its accounts. */
struct admitted {
	bool	 on;
	int64_t	 tokens;		/* taken from the rates */
	int64_t	 cost;			/* reserved; -1: unpriced */
	bool	 eased;			/* admit_ease was called */
	/* The last price found, and of what. */
	const struct snap_provider *priced;
	struct str	 priced_model;
	const struct snap_price *price;
};

/*
 * Fills in rq_ckey and rq_tenant.  NULL: he may ask; else why not, for the
 * client.
 */
const char	*admit_who(struct request *);
/* Routed, and not yet sent: takes from rates, reserves money.  -1 with err. */
int		 admit_take(struct request *, struct ir_error *err)
		    __attribute__((__warn_unused_result__));
/*
 * The answer is there, and its last bytes are about to go out: whoever has read
 * them may ask again at once, so it counts no more as one that runs, the rates
 * have what it used, and what is reserved is what it costs.
 */
void		 admit_ease(struct request *);
/* At the end, once: the cost into the record. */
void		 admit_settle(struct request *);
/* Before the record is written, and after it. */
void		 admit_note(struct request *);
void		 admit_pay(struct request *);
/* Routed anew: has the budget room for this target?  Reserves it. */
bool		 admit_more(struct request *);
/* Rate limit headers in the client's dialect; how many. */
size_t		 admit_headers(struct request *, struct http_header *,
		    size_t max);

#endif /* PROXYD_ADMIT_H */
