/*
 * Re-pricing: every roll-up is the sum of its rows afterwards, also while the
 * logger writes; what has no price stays without.
 */
#include <stdio.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "state/rollup.h"
#include "state/store.h"
#include "state/store_reprice.h"
#include "tap.h"

#define ROWS	7000
#define BASE_US	((int64_t)1790000000 * 1000000)

static char	 path[] = "/tmp/proxyd-reprice-XXXXXX";
static char	 err[2048];

static int64_t
sql_number(const char *text)
{
	sqlite3_stmt	*st;
	sqlite3		*db;
	int64_t		 v = -1;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
		fatalx("%s: %s", text, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}

/* --- rows -------------------------------------------------------------------- */

static void
row_make(struct acct_rec *r, int i)
{
	static const char *const models[] = { "a-1", "a-2", "b", "c" };

	memset(r, 0, sizeof(*r));
	r->f.time_us = BASE_US + (int64_t)i * 37000000;
	r->f.status = 200;
	r->f.ttfb_us = -1;
	r->f.input = i % 11 == 0 ? -1 : i % 100;
	r->f.output = i % 11 == 0 ? -1 : 10;
	r->f.cache_read = r->f.cache_write_5m = r->f.cache_write_1h = -1;
	r->f.reasoning = -1;
	r->f.cost = i % 3 == 0 ? -1 : i % 11 == 0 ? 0 : 500;
	if (i % 22 == 0) {
		r->f.cost = 77;
		r->f.cost_guess = 1;
	}
	r->f.key_id = i % 5;
	r->f.tenant_id = i % 3;
	r->f.client_key_id = i % 7;
	r->s[ACCT_PROVIDER] = i % 2 == 0 ? STR("one") : STR("two");
	r->s[ACCT_MODEL_SENT] = str_of(models[i % 4]);
}

static void
rows_write(struct store *s, int from, int to)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct acct_rec	 r;
	int		 i;

	if (store_log_begin(s) == -1)
		fatalx("%s", store_error(s));
	for (i = from; i < to; i++) {
		row_make(&r, i);
		if (store_log_row(s, &r) == -1)
			fatalx("%s", store_error(s));
	}
	if (store_log_commit(s, 1, tail) == -1)
		fatalx("%s", store_error(s));
}

/* Sums of the rows, by name and period, that are not what the table says. */
#define WRONG(dim, period, name, where)					\
	"SELECT count(*) FROM (SELECT time_us / 1000000 / " period " * "	\
	period " AS start, " name " AS name, sum(max(cost, 0)) AS c, "	\
	"sum(cost < 0) AS u FROM requests WHERE " where " GROUP BY 1, 2) g " \
	"LEFT JOIN rollups r ON r.dim = " dim " AND r.period = " period	\
	" AND r.start_s = g.start AND r.name = g.name "			\
	"WHERE r.cost IS NOT g.c OR r.unpriced IS NOT g.u"
#define ALL_WRONG(period) {						\
	WRONG("1", period, "''", "1"),					\
	WRONG("2", period, "provider || '/' || model_sent", "1"),	\
	WRONG("3", period, "CAST(key_id AS TEXT)", "key_id <> 0"),	\
	WRONG("4", period, "CAST(tenant_id AS TEXT)", "tenant_id <> 0"), \
	WRONG("5", period, "CAST(client_key_id AS TEXT)",		\
	    "client_key_id <> 0") }

static bool
sums_right(void)
{
	static const char *const sql[3][5] = { ALL_WRONG("60"),
				    ALL_WRONG("3600"), ALL_WRONG("86400") };
	bool	 right = true;
	int	 p, d;

	for (p = 0; p < 3; p++)
		for (d = 0; d < 5; d++)
			if (sql_number(sql[p][d]) != 0) {
				printf("# %lld wrong: %s\n",
				    (long long)sql_number(sql[p][d]),
				    sql[p][d]);
				right = false;
			}
	return right;
}

/* --- prices -------------------------------------------------------------------- */

struct pricing {
	struct store	*logger;	/* writes meanwhile, or NULL */
	int		 next, calls, most;
	int64_t		 unit;
};

static int64_t
price(void *arg, struct str provider, struct str model,
    const struct reprice_use *u)
{
	struct pricing	*p = arg;

	if (str_is(model, "b") || str_is(provider, ""))
		return -1;
	return u->input * p->unit + u->output;
}

static bool
progress(void *arg, const struct reprice_sum *sum)
{
	struct pricing	*p = arg;

	(void)sum;
	if (p->logger != NULL) {
		rows_write(p->logger, p->next, p->next + 20);
		p->next += 20;
	}
	return p->calls++ < p->most;
}

static int
run(struct store *s, struct pricing *p, struct str model, int64_t from_us,
    int64_t to_us, bool dry, struct reprice_sum *sum)
{
	struct reprice	 r = { .from_us = from_us, .to_us = to_us,
			    .model = model, .dry = dry, .price = price,
			    .progress = progress, .arg = p };
	int		 rc = store_reprice(s, &r, sum);

	if (rc == -1)
		printf("# %s\n", store_error(s));
	return rc;
}

/* Accounts whose notes are what their days' costs have changed by; the others of
 * the rows that were written meanwhile are the logger's. */
#define NOTED(dim)							\
	"SELECT count(*) FROM (SELECT r.name FROM rollups r JOIN was w "	\
	"USING (period, dim, start_s, name) WHERE r.dim = " dim		\
	" GROUP BY 1 HAVING sum(r.cost - w.cost - coalesce((SELECT "	\
	"sum(c.cost) FROM account_changes c WHERE c.epoch = 0 AND "	\
	"c.dim = r.dim AND c.account_id = r.name AND c.day = "		\
	"r.start_s / 86400), 0) <> 0) = 0)"

static void
test_all(struct store *s, struct store *logger)
{
	struct pricing		 p = { .logger = logger, .next = ROWS,
				    .most = 1000, .unit = 3 };
	struct reprice_sum	 sum;
	int64_t			 to = BASE_US + (int64_t)ROWS * 37000000;
	int64_t			 guessed = sql_number("SELECT count(*) FROM "
				    "requests WHERE cost_guess = 1");

	ok(sums_right(), "sums are right before");
	ok(run(s, &p, STR(""), 0, to, true, &sum) == 1 && sum.slices == 0 &&
	    sum.changed > 0, "a dry run says what would change");
	ok(sql_number("SELECT count(*) FROM requests WHERE cost NOT IN "
	    "(-1, 0, 77, 500)") == 0, "and changes nothing");
	(void)sql_number("CREATE TABLE was AS SELECT * FROM rollups "
	    "WHERE period = 86400 AND start_s + 86400 <= 1790258976");
	ok(run(s, &p, STR(""), 0, to, false, &sum) == 1, "all of them");
	ok(sum.seen == ROWS && sum.rows == ROWS && sum.matched == ROWS,
	    "each is seen once");
	ok(sums_right(), "sums are right, the logger's rows among them");
	ok(sql_number("SELECT count(*) FROM requests WHERE time_us < "
	    "1790259000000000 AND cost_guess = 0 AND model_sent <> 'b' AND "
	    "input >= 0 AND cost <> input * 3 + output") == 0,
	    "each row costs what its tokens do");
	ok(sql_number("SELECT count(*) FROM requests WHERE time_us < "
	    "1790259000000000 AND model_sent = 'b' AND input >= 0 AND "
	    "cost_guess = 0 AND cost <> -1") == 0, "no price is not 0");
	ok(sql_number("SELECT count(*) FROM requests WHERE cost_guess = 1 "
	    "AND cost <> 77") == 0 && sum.guessed == guessed,
	    "what was estimated stays");
	/* How long it waits for the processor meanwhile is not its doing. */
	ok(sum.slices > 3 && sum.longest_cpu_us < REPRICE_LOCK_US,
	    "%lld slices, the longest %lld us, of it computed %lld",
	    (long long)sum.slices, (long long)sum.longest_us,
	    (long long)sum.longest_cpu_us);
	ok(sql_number(NOTED("4")) == 2 && sql_number(NOTED("5")) == 6,
	    "what accounts have spent more is noted, day by day");
	ok(run(s, &p, STR(""), 0, to, false, &sum) == 1 && sum.changed == 0 &&
	    sum.before == sum.after, "once more changes nothing");
}

static void
test_some(struct store *s)
{
	struct pricing		 p = { .most = 1000, .unit = 5 };
	struct reprice_sum	 sum;
	int64_t			 from = BASE_US + 3700000000, to = from * 1;

	to += 37000000000;
	ok(run(s, &p, STR("a-*"), from, to, false, &sum) == 1, "some");
	ok(sum.rows == 1000 && sum.seen == 1000 && sum.matched == 500,
	    "of a time and a pattern: %lld of %lld", (long long)sum.matched,
	    (long long)sum.seen);
	ok(sql_number("SELECT count(*) FROM requests WHERE cost_guess = 0 AND "
	    "input >= 0 AND cost = input * 5 + output AND input > 0 AND "
	    "cost <> 500 AND model_sent NOT LIKE 'a-%'") == 0, "others are as they were");
	ok(sums_right(), "sums are right");
	p.most = 0;
	p.unit = 9;
	ok(run(s, &p, STR(""), 0, 0, false, &sum) == 0 && sum.seen < sum.rows,
	    "it may be left half-way");
	ok(sums_right(), "and the sums are right");
	p.most = 1000;
	ok(run(s, &p, STR(""), 0, 0, false, &sum) == 1 && sums_right(),
	    "and the rest done later");
}

/* Sums that are at their end, or gone. */
static void
test_ends(struct store *s)
{
	struct pricing		 p = { .most = 1000, .unit = INT64_MAX / 1000 };
	struct reprice_sum	 sum;
	int64_t			 n = sql_number("SELECT count(*) FROM rollups");

	ok(run(s, &p, STR(""), 0, 0, false, &sum) == 1 &&
	    sum.after == INT64_MAX, "absurd prices end at the largest sum");
	ok(sql_number("SELECT count(*) FROM rollups WHERE cost < 0 OR "
	    "unpriced < 0") == 0, "no sum is below 0");
	ok(sql_number("SELECT count(*) FROM rollups") == n,
	    "no roll-up was made");
}

int
main(void)
{
	struct store	*s, *logger;
	char		 name[64];
	int		 fd = mkstemp(path);

	if (fd == -1)
		fatal("mkstemp");
	close(fd);
	unlink(path);
	log_init("reprice", false);
	if ((s = store_open(path, STORE_WRITE, err, sizeof(err))) == NULL ||
	    (logger = store_open(path, STORE_WRITE, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	rows_write(logger, 0, ROWS);
	test_all(s, logger);
	test_some(s);
	test_ends(s);
	store_close(s);
	store_close(logger);
	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return done();
}
