#ifndef STATE_STORE_ACCOUNTS_H
#define STATE_STORE_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/acct.h"
#include "state/rollup.h"
#include "state/store.h"

/*
 * What client keys and tenants have spent.  Roll-ups have the truth; a running
 * proxyd counts in its shared memory from what they were when it began.  What
 * changes them behind its back, a re-pricing or rows of requests that were served
 * under another shared memory (an upgrade's, or one that crashed), is noted here in
 * the same transaction, and the logger carries it into the memory.
 */

/*
 * What each account has spent, from the roll-ups: today, this month (UTC), and
 * ever.  From now on rows that were not paid in the memory of this epoch are
 * noted; *seq is the last change that the sums have.  client_key: whose slot.
 */
int	 store_spent(struct store *, uint64_t epoch, int64_t now_us,
	    void (*cb)(void *, bool client_key, unsigned slot, int64_t day,
	    int64_t month, int64_t total), void *, int64_t *seq)
	    __attribute__((__warn_unused_result__));

struct account_change {
	int64_t	 seq, day;		/* day: since 1970 */
	int64_t	 cost;			/* micro-dollars, or negative */
	bool	 client_key;
	int64_t	 slot;			/* -1: it has none any more */
};
/* Those behind seq that the memory of this epoch has not, in order. */
int	 store_account_changes(struct store *, uint64_t epoch, int64_t seq,
	    void (*cb)(void *, const struct account_change *), void *)
	    __attribute__((__warn_unused_result__));
/* Within the transaction that changes the roll-ups; epoch 0: nobody has it. */
int	 store_account_change(struct store *, uint64_t epoch, enum rollup_dim,
	    int64_t id, int64_t day, int64_t cost)
	    __attribute__((__warn_unused_result__));
/* Notes a row, unless the memory whose accounts hold has it already. */
int	 store_account_row(struct store *, uint64_t holder,
	    const struct acct_rec *) __attribute__((__warn_unused_result__));
/* Whose accounts hold. */
int	 store_accounts_holder(struct store *, uint64_t *epoch)
	    __attribute__((__warn_unused_result__));
/* Those that everybody has by now; how many, or -1. */
int	 store_account_changes_expire(struct store *)
	    __attribute__((__warn_unused_result__));

/* --- budgets ------------------------------------------------------------------------ */

/* An account that has one, and what it spent of it by the roll-ups: by the
 * requests whose rows are written. */
struct store_budget {
	bool			 client_key;	/* else a tenant */
	int64_t			 id;
	struct str		 name;		/* valid during the call */
	bool			 enabled;
	int64_t			 day, month, total;	/* micro-dollars; -1 */
	int64_t			 spent_day, spent_month, spent_total;
};
int	 store_budgets(struct store *, int64_t now_us,
	    void (*cb)(void *, const struct store_budget *), void *)
	    __attribute__((__warn_unused_result__));
/* When the day and the month began and end, UTC; in seconds since 1970. */
struct store_periods {
	int64_t			 day, day_end, month, month_end;
};
void	 store_periods(struct store_periods *, int64_t now_us);

#endif /* STATE_STORE_ACCOUNTS_H */
