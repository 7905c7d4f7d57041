/*
 * Accounts of client keys and tenants, read.
 */
#include "base/clock.h"
#include "policy/account_view.h"

int64_t
account_spent(const struct shm *m, unsigned slot)
{
	int64_t	 sum = m->account[slot].base +
		    m->departed.use[slot].settled;
	unsigned i, n = m->workers;

	for (i = 0; i < n; i++)
		sum += m->worker[i].use[slot].settled;
	return sum;
}

int64_t
account_reserved(const struct shm *m, unsigned slot)
{
	int64_t	 sum = 0;
	unsigned i, n = m->workers;

	for (i = 0; i < n; i++)
		sum += m->worker[i].use[slot].reserved;
	return sum;
}

uint32_t
account_inflight(const struct shm *m, unsigned slot)
{
	uint32_t	 sum = 0;
	unsigned	 i, n = m->workers;

	for (i = 0; i < n; i++)
		sum += m->worker[i].use[slot].inflight;
	return sum;
}

int64_t
account_since(_Atomic int64_t *no, _Atomic int64_t *base, int64_t now_no,
    int64_t total)
{
	int64_t	 old = *no;

	if (now_no > old && atomic_compare_exchange_strong(no, &old, now_no))
		*base = total;
	return total - *base;
}

void
account_period(struct shm *m, unsigned slot, int64_t wall_us)
{
	struct shm_account	*a = &m->account[slot];
	int64_t			 day = clock_day(wall_us), total;

	if (a->day >= day)
		return;
	total = account_spent(m, slot);
	(void)account_since(&a->day, &a->day_base, day, total);
	(void)account_since(&a->month, &a->month_base, clock_month(wall_us),
	    total);
}

void
account_correct(struct shm *m, unsigned slot, int64_t day, int64_t cost,
    int64_t wall_us)
{
	struct shm_account	*a = &m->account[slot];

	account_period(m, slot, wall_us);
	if (cost > SHM_SPENT_MAX)
		cost = SHM_SPENT_MAX;
	if (cost < -SHM_SPENT_MAX)
		cost = -SHM_SPENT_MAX;
	if (cost > 0 && a->base > SHM_SPENT_MAX)
		return;			/* more than any budget, already */
	a->base += cost;
	if (day < a->day)
		a->day_base += cost;
	if (clock_month(day * 86400 * 1000000) < a->month)
		a->month_base += cost;
}

void
account_view(const struct shm *m, unsigned slot, int64_t wall_us,
    struct account_view *v)
{
	const struct shm_account	*a = &m->account[slot];

	*v = (struct account_view){ .total = account_spent(m, slot),
	    .reserved = account_reserved(m, slot),
	    .inflight = account_inflight(m, slot) };
	if (a->day == clock_day(wall_us))
		v->day = v->total - a->day_base;
	if (a->month == clock_month(wall_us))
		v->month = v->total - a->month_base;
}
