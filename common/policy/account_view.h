#ifndef POLICY_ACCOUNT_VIEW_H
#define POLICY_ACCOUNT_VIEW_H

#include "state/shm.h"
#include "state/snapshot.h"

/*
 * Accounts of client keys and tenants in shared memory, summed over the workers.
 * Money in micro-dollars.
 */
#define ACCOUNT_TENANT(t)	((t)->slot)
#define ACCOUNT_KEY(k)		(SHM_TENANTS + (k)->slot)

int64_t	 account_spent(const struct shm *, unsigned slot);
int64_t	 account_reserved(const struct shm *, unsigned slot);
uint32_t account_inflight(const struct shm *, unsigned slot);

/*
 * What was spent since the period of that number began, where total was spent
 * ever.  Who first sees a new one notes where it began; a clock that is set back
 * changes nothing.
 */
int64_t	 account_since(_Atomic int64_t *no, _Atomic int64_t *base,
	    int64_t now_no, int64_t total);

/* Before something is added or taken: day and month are those of now. */
void	 account_period(struct shm *, unsigned slot, int64_t wall_us);
/* cost more, or less, was spent on a day, which none of the workers has counted. */
void	 account_correct(struct shm *, unsigned slot, int64_t day, int64_t cost,
	    int64_t wall_us);

/* For those who only look; a period that nobody has begun yet is empty. */
struct account_view {
	int64_t	 day, month, total, reserved;
	uint32_t inflight;
};
void	 account_view(const struct shm *, unsigned slot, int64_t wall_us,
	    struct account_view *);

#endif /* POLICY_ACCOUNT_VIEW_H */
