#ifndef STATE_STORE_REFUSAL_H
#define STATE_STORE_REFUSAL_H

#include <stdint.h>

#include "base/str.h"
#include "state/acct.h"
#include "state/store.h"

/*
 * What models turned out not to take.  A worker learns it from a provider's 400
 * and says it in the record of the request; the logger writes it with the row
 * and raises the generation, so that all workers have it within their next
 * snapshot, also after a restart.
 */
#define STORE_REFUSALS	1000		/* kept; the oldest go first */

struct json_t;

struct store_refusal {
	struct str	 provider, model;
	struct str	 name;		/* path in the provider's dialect */
	struct str	 rename;	/* what it is called there, or empty */
	int64_t		 since_us, expires_us;
	int64_t		 n;		/* times that it was refused */
};

/* Within a transaction: what r->s[ACCT_REFUSED] says.  Nothing where
 * refusal_ms is 0. */
int	 store_refusals_learn(struct store *, const struct acct_rec *r)
	    __attribute__((__warn_unused_result__));
/* One call each that is in force now, by provider, model and name. */
int	 store_refusals_each(struct store *,
	    void (*cb)(void *, const struct store_refusal *), void *)
	    __attribute__((__warn_unused_result__));
/*
 * Those of the database at path as a JSON array, for status pages; an empty one
 * where there is no database that can be read.
 */
struct json_t	*store_refusals_json(const char *path);
/* Deletes those that are over; how many, or -1. */
int	 store_refusals_expire(struct store *);

#endif /* STATE_STORE_REFUSAL_H */
