/*
 * What accounts have spent, and what changes that.
 */
#include <time.h>

#include "base/clock.h"
#include "state/store_accounts.h"
#include "state/store_rollup.h"
#include "state/store_sql.h"

#define KEEP_US		((int64_t)86400 * 1000000)
#define EXPIRE		500		/* at a time */

void
store_periods(struct store_periods *p, int64_t now_us)
{
	time_t		 now = (time_t)(now_us / 1000000), next;
	struct tm	 tm;

	p->day = now - now % 86400;
	p->day_end = p->day + 86400;
	gmtime_r(&now, &tm);
	p->month = p->day - (int64_t)(tm.tm_mday - 1) * 86400;
	next = (time_t)(p->month + 31 * 86400);
	gmtime_r(&next, &tm);
	p->month_end = next - (int64_t)(tm.tm_mday - 1) * 86400;
}

static int
spent(struct store *s, const char *text, int64_t dim, int64_t now_us,
    void (*cb)(void *, bool, unsigned, int64_t, int64_t, int64_t), void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_periods	 p;
	int			 rc;

	store_periods(&p, now_us);
	if ((st = sql_open(s, text, "iii", dim, p.day, p.month)) == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1)
		cb(arg, dim == ROLLUP_CLIENT_KEY, (unsigned)sql_int(st, 0),
		    sql_int(st, 1), sql_int(st, 2), sql_int(st, 3));
	sql_end(st);
	return rc;
}

/* sum() fails where it overflows; up to 9 milliard dollars this is exact. */
#define MONEY(filter)							\
	"CAST(min(total(r.cost) " filter ", 1e17) AS INTEGER)"
#define SPENT(table)							\
	"SELECT x.slot, "						\
	MONEY("FILTER (WHERE r.start_s >= ?2)") ", "			\
	MONEY("FILTER (WHERE r.start_s >= ?3)") ", "			\
	MONEY("") " FROM " table " x "					\
	"JOIN rollups r ON r.period = 86400 AND r.dim = ?1 "		\
	"AND r.name = CAST(x.id AS TEXT) "				\
	"WHERE x.slot NOTNULL GROUP BY x.id"

static int
hold(struct store *s, uint64_t epoch)
{
	if (sql_begin(s) == -1)
		return -1;
	if (sql_run(s, "UPDATE meta SET accounts_epoch = ?", "i",
	    (int64_t)epoch) == -1 || sql_commit(s) == -1) {
		sql_rollback(s);
		return -1;
	}
	return 0;
}

/*
 * What others write between the two transactions is noted, and is in the sums:
 * seq is read with them.
 */
int
store_spent(struct store *s, uint64_t epoch, int64_t now_us,
    void (*cb)(void *, bool, unsigned, int64_t, int64_t, int64_t), void *arg,
    int64_t *seq)
{
	static const char	 tenants[] = SPENT("tenants");
	static const char	 keys[] = SPENT("client_keys");
	int			 rc;

	if (hold(s, epoch) == -1 || sql_begin_read(s) == -1)
		return -1;
	rc = sql_get(s, seq, "SELECT coalesce(max(seq), 0) FROM "
	    "account_changes", "") == -1 ||
	    spent(s, tenants, ROLLUP_TENANT, now_us, cb, arg) == -1 ||
	    spent(s, keys, ROLLUP_CLIENT_KEY, now_us, cb, arg) == -1 ? -1 : 0;
	sql_rollback(s);
	return rc;
}

int
store_account_change(struct store *s, uint64_t epoch, enum rollup_dim dim,
    int64_t id, int64_t day, int64_t cost)
{
	if (cost == 0 || id == 0)
		return 0;
	return sql_run(s, "INSERT INTO account_changes (time_us, epoch, dim, "
	    "account_id, day, cost) VALUES (?, ?, ?, ?, ?, ?)", "iiiiii",
	    clock_wall_us(), (int64_t)epoch, (int64_t)dim, id, day, cost);
}

int
store_account_row(struct store *s, uint64_t holder, const struct acct_rec *r)
{
	int64_t	 day = r->f.time_us / KEEP_US;

	if (r->f.cost <= 0 || r->f.epoch == holder)
		return 0;
	return store_account_change(s, r->f.epoch, ROLLUP_TENANT,
	    r->f.tenant_id, day, r->f.cost) == -1 ||
	    store_account_change(s, r->f.epoch, ROLLUP_CLIENT_KEY,
	    r->f.client_key_id, day, r->f.cost) == -1 ? -1 : 0;
}

int
store_accounts_holder(struct store *s, uint64_t *epoch)
{
	int64_t	 n = 0;

	if (sql_get(s, &n, "SELECT accounts_epoch FROM meta", "") == -1)
		return -1;
	*epoch = (uint64_t)n;
	return 0;
}

int
store_account_changes(struct store *s, uint64_t epoch, int64_t seq,
    void (*cb)(void *, const struct account_change *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct account_change	 c;
	int			 rc;

	st = sql_open(s, "SELECT c.seq, c.day, c.cost, c.dim, "
	    "coalesce(t.slot, k.slot, -1) FROM account_changes c "
	    "LEFT JOIN tenants t ON c.dim = ?1 AND t.id = c.account_id "
	    "LEFT JOIN client_keys k ON c.dim = ?2 AND k.id = c.account_id "
	    "WHERE c.seq > ?3 AND c.epoch <> ?4 ORDER BY c.seq", "iiii",
	    (int64_t)ROLLUP_TENANT, (int64_t)ROLLUP_CLIENT_KEY, seq,
	    (int64_t)epoch);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		c.seq = sql_int(st, 0);
		c.day = sql_int(st, 1);
		c.cost = sql_int(st, 2);
		c.client_key = sql_int(st, 3) == ROLLUP_CLIENT_KEY;
		c.slot = sql_int(st, 4);
		cb(arg, &c);
	}
	sql_end(st);
	return rc;
}

/* The last one stays, so that no number is used twice. */
int
store_account_changes_expire(struct store *s)
{
	if (sql_run(s, "DELETE FROM account_changes WHERE seq IN (SELECT seq "
	    "FROM account_changes WHERE time_us < ? AND seq < (SELECT max(seq) "
	    "FROM account_changes) ORDER BY seq LIMIT ?)", "ii",
	    clock_wall_us() - KEEP_US, (int64_t)EXPIRE) == -1)
		return -1;
	return sql_changes(s);
}

/* --- budgets ------------------------------------------------------------------------- */

#define BUDGETS(table)							\
	"WITH spent AS MATERIALIZED (SELECT name, "			\
	MONEY("FILTER (WHERE r.start_s >= ?2)") " AS day, "		\
	MONEY("FILTER (WHERE r.start_s >= ?3)") " AS month, "		\
	MONEY("") " AS total FROM rollups r WHERE period = 86400 "	\
	"AND dim = ?1 GROUP BY name) "					\
	"SELECT x.id, x.name, x.enabled, budget_day, budget_month, "	\
	"budget_total, coalesce(s.day, 0), coalesce(s.month, 0), "	\
	"coalesce(s.total, 0) FROM " table " x LEFT JOIN spent s "	\
	"ON s.name = CAST(x.id AS TEXT) WHERE x.gone_us = 0 "		\
	"AND max(budget_day, budget_month, budget_total) >= 0 "		\
	"ORDER BY x.name"

static int
budgets(struct store *s, const char *text, int64_t dim,
    const struct store_periods *p,
    void (*cb)(void *, const struct store_budget *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_budget	 b;
	int			 rc;

	if ((st = sql_open(s, text, "iii", dim, p->day, p->month)) == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		b = (struct store_budget){ dim == ROLLUP_CLIENT_KEY,
		    sql_int(st, 0), sql_str(st, 1), sql_int(st, 2) != 0,
		    sql_int(st, 3), sql_int(st, 4), sql_int(st, 5),
		    sql_int(st, 6), sql_int(st, 7), sql_int(st, 8) };
		cb(arg, &b);
	}
	sql_end(st);
	return rc;
}

int
store_budgets(struct store *s, int64_t now_us,
    void (*cb)(void *, const struct store_budget *), void *arg)
{
	static const char	 tenants[] = BUDGETS("tenants");
	static const char	 keys[] = BUDGETS("client_keys");
	struct store_periods	 p;

	store_periods(&p, now_us);
	if (budgets(s, tenants, ROLLUP_TENANT, &p, cb, arg) == -1)
		return -1;
	return budgets(s, keys, ROLLUP_CLIENT_KEY, &p, cb, arg);
}
