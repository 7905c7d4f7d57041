#ifndef STATE_STORE_SECONDS_H
#define STATE_STORE_SECONDS_H

#include "state/acct.h"
#include "state/store.h"

/*
 * In which seconds requests began that have a value, in table request_seconds:
 * the rows of a rare value are found by looking at few seconds of the log.  An
 * index of the log has an entry a row and costs its writer that much; of these
 * there is one a second and value.
 */
enum seconds_dim {
	SECONDS_PROVIDER = 1, SECONDS_MODEL, SECONDS_SENT, SECONDS_DIALECT,
	SECONDS_KEY,
	SECONDS_STATUS,			/* but 200, which is not rare */
	SECONDS_TENANT, SECONDS_CLIENT_KEY
};

/* The values of a row, in its transaction; its texts are UTF-8. */
int	 store_seconds_row(struct store *, const struct acct_rec *)
	    __attribute__((__warn_unused_result__));
/* What was written may have been taken back. */
void	 store_seconds_forget(struct store *);
/*
 * Deletes entries of seconds in which no request is left that began before the
 * oldest row: some of them, and the next ones by the next call.  How many, or -1.
 */
int	 store_seconds_expire(struct store *, int n)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_SECONDS_H */
