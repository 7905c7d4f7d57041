#ifndef POLICY_ACCOUNT_LIMIT_H
#define POLICY_ACCOUNT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/permit.h"
#include "state/shm.h"
#include "wire/ir.h"

/*
 * The accounts of who asks, his limits, and what he is told where one of them
 * is reached: of admission and of the dry run.
 */
struct account {
	unsigned			 slot;	/* in shm->account */
	const struct snap_limits	*limits;
	const char			*what;	/* "client key", "tenant" */
	struct str			 name;
};

/* The client key's first; how many. */
unsigned accounts_of(struct permit, struct account [2]);
bool	 account_has_budget(const struct account *);
/* Rates of tokens and budgets want an estimate; it takes a walk over the body. */
bool	 accounts_want_estimate(const struct account *, unsigned n);

/* Why he is not let through; err says so in the client's dialect. */
void	 account_refuse_rate(struct ir_error *err, const struct account *,
	    const char *what, int64_t limit, int64_t wait_us);
void	 account_refuse_place(struct ir_error *err, const struct account *);
void	 account_refuse_budget(struct ir_error *err, const struct account *,
	    const char *period, int64_t wall_us);
void	 account_refuse_unpriced(struct ir_error *err, const struct account *,
	    struct str provider, struct str model);

/* "day", "month" or "total": which of the budgets that much spent is over, NULL:
 * none. */
const char *account_over(const struct snap_limits *, int64_t day,
	    int64_t month, int64_t total);

/* A request, as far as its accounts are concerned. */
struct account_ask {
	int64_t	 tokens, cost;		/* micro-dollars; -1: unpriced */
	struct str provider, model;
	bool	 unpriced;		/* is allowed with a budget */
	int64_t	 wall_us, mono_us;
};
/*
 * Would it be let through now?  Nothing is taken.  shm NULL: nothing is in use,
 * as far as is known.  -1 with err.
 */
int	 accounts_look(const struct shm *, const struct account *, unsigned n,
	    const struct account_ask *, struct ir_error *err)
	    __attribute__((__warn_unused_result__));

#endif /* POLICY_ACCOUNT_LIMIT_H */
