/*
 * Limits and budgets, as the dry run tells them.
 */
#include "policy/account_limit.h"
#include "policy/account_view.h"
#include "policy/limit.h"
#include "policy/route_limits.h"

struct told {
	struct jw		*w;
	const struct shm	*shm;
	int64_t			 wall_us, mono_us;
};

static void
rate_json(struct told *x, const char *name, const char *left,
    struct limit l, const _Atomic int64_t *word)
{
	int64_t	 full;

	if (l.per_minute <= 0)
		return;
	jw_key(x->w, name);
	jw_int(x->w, l.per_minute);
	if (word == NULL)
		return;
	jw_key(x->w, left);
	jw_int(x->w, limit_left(*word, &l, x->mono_us, &full));
}

static void
budget_json(struct told *x, const char *name, const char *used,
    int64_t budget, int64_t spent)
{
	if (budget < 0)
		return;
	jw_key(x->w, name);
	jw_int(x->w, budget);
	if (x->shm == NULL)
		return;
	jw_key(x->w, used);
	jw_int(x->w, spent);
}

static void
limits_of(struct told *x, const struct account *a)
{
	const struct snap_limits *l = a->limits;
	const struct shm	*m = x->shm;
	struct account_view	 v = { .day = 0 };

	if (m != NULL)
		account_view(m, a->slot, x->wall_us, &v);
	jw_object(x->w);
	jw_key(x->w, "of");
	jw_strz(x->w, a->what);
	jw_key(x->w, "name");
	jw_str(x->w, a->name);
	rate_json(x, "rpm", "rpm_left", limit_requests(l->rpm),
	    m == NULL ? NULL : &m->account[a->slot].rpm_at);
	rate_json(x, "tpm", "tpm_left", limit_tokens(l->tpm),
	    m == NULL ? NULL : &m->account[a->slot].tpm_at);
	if (l->concurrent > 0) {
		jw_key(x->w, "concurrent");
		jw_int(x->w, l->concurrent);
		jw_key(x->w, "in_flight");
		jw_int(x->w, v.inflight);
	}
	budget_json(x, "budget_day", "spent_day", l->budget_day, v.day);
	budget_json(x, "budget_month", "spent_month", l->budget_month,
	    v.month);
	budget_json(x, "budget_total", "spent_total", l->budget_total,
	    v.total);
	jw_object_end(x->w);
}

void
limits_json(struct jw *w, const struct shm *shm, struct permit who,
    int64_t wall_us, int64_t mono_us)
{
	struct told	 x = { w, shm, wall_us, mono_us };
	struct account	 a[2];
	unsigned	 i, n = accounts_of(who, a);

	jw_key(w, "limits");
	jw_array(w);
	for (i = 0; i < n; i++)
		limits_of(&x, &a[i]);
	jw_array_end(w);
}
