/*
 * Limits and budgets of accounts.
 */
#include "base/clock.h"
#include "policy/account_limit.h"
#include "policy/account_view.h"
#include "policy/limit.h"

unsigned
accounts_of(struct permit who, struct account a[2])
{
	unsigned	 n = 0;

	if (who.key != NULL)
		a[n++] = (struct account){ ACCOUNT_KEY(who.key),
		    &who.key->limits, "client key", who.key->name };
	if (who.tenant != NULL)
		a[n++] = (struct account){ ACCOUNT_TENANT(who.tenant),
		    &who.tenant->limits, "tenant", who.tenant->name };
	return n;
}

bool
account_has_budget(const struct account *a)
{
	return a->limits->budget_day >= 0 || a->limits->budget_month >= 0 ||
	    a->limits->budget_total >= 0;
}

bool
accounts_want_estimate(const struct account *a, unsigned n)
{
	unsigned	 i;

	for (i = 0; i < n; i++)
		if (a[i].limits->tpm > 0 || account_has_budget(&a[i]))
			return true;
	return false;
}

/* --- refused ---------------------------------------------------------------- */

void
account_refuse_rate(struct ir_error *err, const struct account *a,
    const char *what, int64_t limit, int64_t wait_us)
{
	ir_error_set(err, IR_ERR_RATE, "%s '%.*s' may have %lld %s a minute",
	    a->what, STR_FMT(a->name), (long long)limit, what);
	err->retry_after = (int)((wait_us + 999999) / 1000000);
}

void
account_refuse_place(struct ir_error *err, const struct account *a)
{
	ir_error_set(err, IR_ERR_RATE, "%s '%.*s' may have %lld requests at a "
	    "time", a->what, STR_FMT(a->name),
	    (long long)a->limits->concurrent);
	err->retry_after = 1;
}

void
account_refuse_budget(struct ir_error *err, const struct account *a,
    const char *period, int64_t wall_us)
{
	ir_error_set(err, IR_ERR_BILLING, "the %s budget of %s '%.*s' is "
	    "spent, or would be by this request", period, a->what,
	    STR_FMT(a->name));
	if (strcmp(period, "total") != 0)
		err->retry_after = (int)(strcmp(period, "day") == 0 ?
		    clock_day_left(wall_us) : clock_month_left(wall_us));
}

void
account_refuse_unpriced(struct ir_error *err, const struct account *a,
    struct str provider, struct str model)
{
	ir_error_set(err, IR_ERR_BILLING, "model '%.*s' of provider '%.*s' has "
	    "no price, and %s '%.*s' has a budget: set a price, or "
	    "BUDGET_UNPRICED: true in app.yml", STR_FMT(model),
	    STR_FMT(provider), a->what, STR_FMT(a->name));
}

const char *
account_over(const struct snap_limits *l, int64_t day, int64_t month,
    int64_t total)
{
	if (l->budget_day >= 0 && day > l->budget_day)
		return "day";
	if (l->budget_month >= 0 && month > l->budget_month)
		return "month";
	if (l->budget_total >= 0 && total > l->budget_total)
		return "total";
	return NULL;
}

/* --- looked at -------------------------------------------------------------- */

static int
look_rate(const _Atomic int64_t *word, const struct account *a,
    struct limit l, const char *what, int64_t now_us, struct ir_error *err)
{
	_Atomic int64_t	 copy = *word;
	int64_t		 wait;

	if (l.per_minute <= 0 || limit_take(&copy, &l, 1, now_us, &wait))
		return 0;
	account_refuse_rate(err, a, what, l.per_minute, wait);
	return -1;
}

static int
look(const struct shm *m, const struct account *a,
    const struct account_ask *ask, struct ir_error *err)
{
	static const struct shm_account	 unused;
	const struct shm_account	*acc = m == NULL ? &unused :
					    &m->account[a->slot];
	struct account_view		 v = { .day = 0 };
	const char			*period;
	int64_t				 more;

	if (m != NULL)
		account_view(m, a->slot, ask->wall_us, &v);
	if (a->limits->concurrent > 0 && v.inflight >= a->limits->concurrent) {
		account_refuse_place(err, a);
		return -1;
	}
	more = v.reserved + (ask->cost > 0 ? ask->cost : 0);
	period = account_over(a->limits, v.day + more, v.month + more,
	    v.total + more);
	if (period != NULL) {
		account_refuse_budget(err, a, period, ask->wall_us);
		return -1;
	}
	return look_rate(&acc->rpm_at, a, limit_requests(a->limits->rpm),
	    "requests", ask->mono_us, err) == -1 || look_rate(&acc->tpm_at, a,
	    limit_tokens(a->limits->tpm), "tokens", ask->mono_us, err) ==
	    -1 ? -1 : 0;
}

int
accounts_look(const struct shm *m, const struct account *a, unsigned n,
    const struct account_ask *ask, struct ir_error *err)
{
	unsigned	 i;

	for (i = 0; i < n && ask->cost < 0 && !ask->unpriced; i++)
		if (account_has_budget(&a[i])) {
			account_refuse_unpriced(err, &a[i], ask->provider,
			    ask->model);
			return -1;
		}
	for (i = 0; i < n; i++)
		if (look(m, &a[i], ask, err) == -1)
			return -1;
	return 0;
}
