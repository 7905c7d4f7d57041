/*
 * The request log as it is read: pages through every filter, against the same
 * question asked plainly; and the roll-ups, against the rows that they sum.
 */
#include <stdio.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"
#include "state/rollup.h"
#include "state/store.h"
#include "state/store_page.h"
#include "state/store_rollup.h"
#include "state/store_seconds.h"
#include "tap.h"

#define ROWS	6000
#define ONE	123
#define BASE_US	((int64_t)1790000000 * 1000000)

static char	 path[] = "/tmp/proxyd-rows-XXXXXX";
static char	 err[2048];
static char	 one_id[4 + ID_RAND_LEN + 1];	/* of row ONE */

/* The number that text selects, after script. */
static int64_t
scripted(const char *script, const char *text)
{
	sqlite3_stmt	*st;
	sqlite3		*db;
	int64_t		 v = -1;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, script, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
		fatalx("%s: %s", text, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}

static int64_t
sql_number(const char *text)
{
	return scripted("", text);
}

/* --- arithmetic ------------------------------------------------------------------ */

static void
test_buckets(void)
{
	int64_t		 v;
	unsigned	 b;
	bool		 right = true;

	for (v = 0; v < 3000000; v += 1 + v / 97) {
		b = rollup_bucket(v);
		right = right && b < ROLLUP_BUCKETS && (b == 0 ||
		    (double)v > rollup_bound(b - 1)) &&
		    (b == ROLLUP_BUCKETS - 1 || (double)v <= rollup_bound(b));
	}
	ok(right, "each value is in the bucket that its bounds say");
	ok(rollup_bucket(-5) == 0 && rollup_bucket(INT64_MAX) ==
	    ROLLUP_BUCKETS - 1, "and so are absurd ones");
}

static void
test_quantiles(void)
{
	uint32_t	 hist[ROLLUP_BUCKETS] = { 0 };
	double		 q;
	int		 i;

	ok(rollup_quantile(hist, 0.5) < 0, "nothing has no median");
	for (i = 1; i <= 1000; i++)
		hist[rollup_bucket(i)]++;
	q = rollup_quantile(hist, 0.5);
	ok(q > 450 && q < 550, "median of 1 .. 1000: %.0f", q);
	q = rollup_quantile(hist, 0.95);
	ok(q > 900 && q < 1030, "95 of 100: %.0f", q);
	ok(rollup_count(hist) == 1000, "of a thousand values");
}

static void
test_add(void)
{
	struct rollup	 a = { .cost = INT64_MAX - 1 }, b = { .cost = 5 };

	a.hist[0][3] = UINT32_MAX;
	b.hist[0][3] = 2;
	rollup_add(&a, &b);
	ok(a.cost == INT64_MAX && a.hist[0][3] == UINT32_MAX,
	    "sums stop at their ends");
}

/* --- rows ------------------------------------------------------------------------- */

static void
row_make(struct acct_rec *r, int i)
{
	static const char *const	 models[] = { "a", "b", "rare" };
	static const char *const	 dialects[] = { "anthropic", "gemini" };
	static char			 id[4 + ID_RAND_LEN + 1];

	memset(r, 0, sizeof(*r));
	/* Nearly in order, as requests end. */
	r->f.time_us = BASE_US + (int64_t)i * 1700000 - i % 7 * 4000000;
	id_timed(id, sizeof(id), "req_", r->f.time_us);
	if (i == ONE)
		memcpy(one_id, id, sizeof(id));
	r->f.status = i % 50 == 0 ? 429 : i % 333 == 0 ? 500 : 200;
	r->f.key_id = 1 + i % 3;
	r->f.tenant_id = i % 11 == 0 ? 5 : 0;
	r->f.client_key_id = i % 77 == 0 ? 3000000000 : 0;
	r->f.total_us = i % 1000 == 0 ? 90000000 : 1000 * (1 + i % 5000);
	r->f.ttfb_us = i % 2 == 0 ? 1000 : -1;
	r->f.stream = (uint8_t)(i % 2);
	r->f.input = i % 4 == 0 ? -1 : 10;
	r->f.output = 3;
	r->f.attempts = 1;
	r->s[ACCT_ID] = str_of(id);
	r->s[ACCT_PROVIDER] = str_of(i % 2 ? "openai" : "gemini");
	r->s[ACCT_MODEL_ASKED] = str_of(models[i % 1500 == 7 ? 2 : i % 2]);
	r->s[ACCT_MODEL_SENT] = str_of(models[i % 2]);
	r->s[ACCT_DIALECT] = str_of(dialects[i % 3 == 0]);
	r->s[ACCT_ERROR] = str_of(r->f.status == 429 ? "Rate limit of 50%_"
	    : r->f.status == 500 ? "provider broke off" : "");
	r->s[ACCT_CLOSE] = str_of("done");
	/* What is ignored is told, and no loss. */
	r->s[ACCT_LOSS] = str_of(i % 5 == 0 ? "[{\"path\":\"n\","
	    "\"action\":\"dropped\",\"why\":\"w\"}]" : i % 5 == 1 ?
	    "[{\"path\":\"n\",\"action\":\"ignored\",\"why\":\"w\"}]" :
	    "");
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
	tail[0] = (uint64_t)to;
	if (store_log_commit(s, 1, tail) == -1)
		fatalx("%s", store_error(s));
}

struct got {
	int	 n;
	int64_t	 sum;			/* of ids, to compare sets */
	int64_t	 time_us, id;		/* of the last */
	bool	 ordered;
};

static void
got_cb(void *arg, const struct log_row *row)
{
	struct got	*g = arg;
	int64_t		 t = row->rec.f.time_us;

	if (g->n > 0 && (t > g->time_us || (t == g->time_us &&
	    row->id >= g->id)))
		g->ordered = false;
	g->n++;
	g->sum += row->id;
	g->time_us = t;
	g->id = row->id;
}

static void
check(struct store *s, const struct log_filter *f, const char *where,
    const char *name)
{
	struct log_cursor	 c = { 0, 0 };
	struct got		 g = { .ordered = true };
	char			 text[512];
	int			 rc, pages = 0;

	while ((rc = store_log_page(s, f, &c, 70, 1000, got_cb, &g)) == 1 &&
	    pages++ < ROWS)
		continue;
	snprintf(text, sizeof(text), "SELECT count(*) FROM requests WHERE %s",
	    where);
	ok(rc == 0 && g.ordered && g.n == sql_number(text),
	    "%s: %d rows in %d pages %s", name, g.n, pages + 1,
	    rc == -1 ? store_error(s) : "");
	snprintf(text, sizeof(text),
	    "SELECT coalesce(sum(id), 0) FROM requests WHERE %s", where);
	ok(g.sum == sql_number(text), "%s: these very ones", name);
}

#define F(...)	(&(struct log_filter){ __VA_ARGS__ })

/* A request's id tells its time, which is within what else is asked for. */
static void
check_id(struct store *s)
{
	struct str	 id = str_of(one_id);
	int64_t		 us = id_time(id, "req_");

	check(s, F(.request_id = id), "id = 124", "id");
	check(s, F(.request_id = id, .from_us = us, .to_us = us + 1),
	    "id = 124", "id in its time");
	check(s, F(.request_id = id, .from_us = us + 1), "0", "id before");
	check(s, F(.request_id = id, .to_us = us), "0", "id after");
	check(s, F(.request_id = id, .model = STR("rare")), "0",
	    "id of another model");
	check(s, F(.request_id = STR("req_000123")), "0", "no id");
}

static void
test_pages(struct store *s)
{
	struct log_cursor	 c = { 0, 0 };
	struct got		 g = { .ordered = true };

	ok(store_log_page(s, F(.status_min = 0), &c, 5, 100, got_cb, &g) == 0 &&
	    g.n == 0, "an empty log");
	rows_write(s, 0, 2000);
	rows_write(s, 2000, ROWS);
	check(s, F(.status_min = 0), "1", "no filter");
	check(s, F(.provider = STR("openai")), "provider = 'openai'",
	    "provider");
	check(s, F(.model = STR("rare")), "model_asked = 'rare'", "model");
	check(s, F(.sent = STR("a")), "model_sent = 'a'", "model sent");
	check(s, F(.dialect = STR("gemini")), "dialect = 'gemini'", "dialect");
	check(s, F(.key_id = 2), "key_id = 2", "key");
	check(s, F(.status_min = 429, .status_max = 429), "status = 429",
	    "status");
	check(s, F(.status_min = 400, .status_max = 599), "status >= 400",
	    "statuses");
	check(s, F(.status_min = 200, .status_max = 200), "status = 200",
	    "the common status");
	check(s, F(.min_us = 60000000), "total_us >= 60000000", "slow");
	check(s, F(.min_us = 4000000), "total_us >= 4000000", "slower");
	check(s, F(.error = STR("RATE limit")), "status = 429", "text");
	check(s, F(.error = STR("0%_")), "status = 429", "no wildcards");
	check(s, F(.error = STR("%")), "status = 429", "none at all");
	check(s, F(.failed = LOG_NO), "error = ''", "good ones");
	check(s, F(.failed = LOG_YES, .stream = LOG_YES),
	    "error <> '' AND stream", "bad streams");
	check(s, F(.lossy = LOG_YES), "instr(loss_json, 'dropped')",
	    "with a loss");
	check(s, F(.tenant_id = 5), "tenant_id = 5", "tenant");
	check(s, F(.client_key_id = 3000000000), "client_key_id = 3000000000",
	    "client key");
	check(s, F(.client_key_id = 3000000000, .failed = LOG_YES),
	    "client_key_id = 3000000000 AND error <> ''", "... that failed");
	check_id(s);
	check(s, F(.from_us = BASE_US + 1000000000,
	    .to_us = BASE_US + 1500000000), "time_us >= 1790001000000000 AND "
	    "time_us < 1790001500000000", "a stretch of time");
	check(s, F(.provider = STR("nobody")), "0", "nothing");
	check(s, F(.provider = STR("gemini"), .model = STR("rare"),
	    .min_us = 2000), "provider = 'gemini' AND model_asked = 'rare' "
	    "AND total_us >= 2000", "three at once");
	check(s, F(.provider = STR("x' OR 1=1 --")), "0", "no SQL");
	c = (struct log_cursor){ 0, 0 };
	ok(store_log_page(s, F(.provider = STR("nobody")), &c, 5, 0, got_cb,
	    &g) == 1 && c.time_us > 0, "out of time: a cursor to go on from");
	ok(store_log_page(s, F(.key_id = 0), &c, 0, 100, got_cb, &g) == -1,
	    "a page of none: %s", store_error(s));
}

static void
count_cb(void *arg, const struct log_row *row)
{
	(void)row;
	++*(int *)arg;
}

static void
test_follow(struct store *s)
{
	const struct log_filter	 bad = { .failed = LOG_YES };
	const struct log_filter	 all = { .from_us = 0 };
	int64_t			 id = -1;
	int			 n = 0;

	ok(store_log_follow(s, &all, &id, 10, count_cb, &n) == 0 && n == 0 &&
	    id == ROWS, "following begins at the end");
	rows_write(s, ROWS, ROWS + 100);
	ok(store_log_follow(s, &all, &id, 60, count_cb, &n) == 0 && n == 60 &&
	    id == ROWS + 60, "new ones come, some at a time");
	ok(store_log_follow(s, &all, &id, 60, count_cb, &n) == 0 && n == 100 &&
	    id == ROWS + 100, "all of them");
	id = ROWS;
	n = 0;
	ok(store_log_follow(s, &bad, &id, 60, count_cb, &n) == 0 && n == 2 &&
	    id == ROWS + 100, "through a filter, too");
	n = 0;
	ok(store_log_find(s, str_of(one_id), count_cb, &n) == 1 && n == 1 &&
	    store_log_find(s, STR("req_x"), count_cb, &n) == 0,
	    "one by its id");
}

/* --- seconds of values --------------------------------------------------------------- */

/* As the rows say. */
static const char wanted[] =
    "CREATE TEMP TABLE wanted AS "
    "SELECT 1 AS dim, provider AS value, time_us / 1000000 AS second "
    "FROM requests WHERE provider <> '' "
    "UNION SELECT 2, model_asked, time_us / 1000000 FROM requests "
    "WHERE model_asked <> '' "
    "UNION SELECT 3, model_sent, time_us / 1000000 FROM requests "
    "WHERE model_sent <> '' "
    "UNION SELECT 4, dialect, time_us / 1000000 FROM requests "
    "WHERE dialect <> '' "
    "UNION SELECT 5, CAST(key_id AS TEXT), time_us / 1000000 "
    "FROM requests WHERE key_id <> 0 "
    "UNION SELECT 6, CAST(status AS TEXT), time_us / 1000000 "
    "FROM requests WHERE status <> 200 "
    "UNION SELECT 7, CAST(tenant_id AS TEXT), time_us / 1000000 "
    "FROM requests WHERE tenant_id <> 0 "
    "UNION SELECT 8, CAST(client_key_id AS TEXT), time_us / 1000000 "
    "FROM requests WHERE client_key_id <> 0;";

/* Entries that are missing or too many. */
static int64_t
amiss(void)
{
	return scripted(wanted, "SELECT (SELECT count(*) FROM (SELECT * FROM "
	    "wanted EXCEPT SELECT * FROM request_seconds)) + (SELECT count(*) "
	    "FROM (SELECT * FROM request_seconds EXCEPT SELECT * FROM "
	    "wanted))");
}

/* Rows of one second, a value a row, some longer than what is remembered. */
static void
busy_second(struct store *s, bool keep)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct acct_rec	 r;
	char		 model[128];
	int		 i;

	if (store_log_begin(s) == -1)
		fatalx("%s", store_error(s));
	for (i = 0; i < 3000; i++) {
		row_make(&r, 50);
		r.f.time_us = BASE_US - 5000000 + i;
		snprintf(model, sizeof(model), "model %d%0*d", i % 700,
		    i % 2 ? 90 : 1, 0);
		r.s[ACCT_MODEL_ASKED] = str_of(model);
		if (store_log_row(s, &r) == -1)
			fatalx("%s", store_error(s));
	}
	if (keep && store_log_commit(s, 2, tail) == -1)
		fatalx("%s", store_error(s));
	if (!keep)
		store_log_rollback(s);
}

/* As the file was before it had them. */
static const char older[] =
    "DROP TABLE request_seconds; PRAGMA user_version = 13; "
    "DELETE FROM migrations WHERE version = 14; "
    "CREATE INDEX requests_id ON requests (request_id); "
    "CREATE INDEX requests_provider ON requests (provider, time_us); "
    "CREATE INDEX requests_model ON requests (model_asked, time_us); "
    "CREATE INDEX requests_sent ON requests (model_sent, time_us); "
    "CREATE INDEX requests_key ON requests (key_id, time_us); "
    "CREATE INDEX requests_dialect ON requests (dialect, time_us); "
    "CREATE INDEX requests_status ON requests (status, time_us) "
    "WHERE status <> 200; "
    "CREATE INDEX requests_tenant ON requests (tenant_id, time_us) "
    "WHERE tenant_id <> 0; "
    "CREATE INDEX requests_client_key ON requests (client_key_id, time_us) "
    "WHERE client_key_id <> 0;";

static struct store *
test_seconds(struct store *s)
{
	int	 n, all = 0;

	ok(amiss() == 0, "each value's seconds are there, and no others");
	busy_second(s, false);
	ok(amiss() == 0, "what is taken back leaves none");
	busy_second(s, true);
	ok(amiss() == 0, "... and is not taken for written");
	check(s, F(.model = STR("model 00")), "model_asked = 'model 00'",
	    "a value of a busy second");
	check(s, F(.from_us = BASE_US - 4999000, .to_us = BASE_US - 4998000,
	    .key_id = 3), "time_us >= 1789999995001000 AND "
	    "time_us < 1789999995002000 AND key_id = 3", "a part of it");
	store_close(s);
	ok(scripted(older, "SELECT count(*) FROM requests") > ROWS,
	    "a file of before");
	if ((s = store_open(path, STORE_WRITE, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	ok(amiss() == 0, "gets them when it is opened");
	ok(store_seconds_expire(s, 1000) == 0, "none is too old");
	ok(store_log_expire(s, BASE_US + 3000000000, 0, 100000) > 3000,
	    "when rows go");
	while ((n = store_seconds_expire(s, 100)) > 0 || all == 0)
		all += n;
	for (n = 0; n < 5; n++)
		all += store_seconds_expire(s, 10000);
	ok(all > 5000 && amiss() == 0, "their seconds do: %d", all);
	return s;
}

/* --- roll-ups ------------------------------------------------------------------------ */

struct sums {
	struct rollup	 all;
	int		 rows;
	char		 last[64];
};

static void
sums_cb(void *arg, const struct rollup_row *row)
{
	struct sums	*u = arg;

	rollup_add(&u->all, &row->sum);
	u->rows++;
	snprintf(u->last, sizeof(u->last), "%.*s", STR_FMT(row->name));
}

static struct sums
sums_of(struct store *s, enum rollup_dim dim, enum rollup_period p,
    const char *name)
{
	struct sums	 u;

	memset(&u, 0, sizeof(u));
	if (store_rollups(s, dim, p, 0, INT64_MAX, str_of(name), sums_cb,
	    &u) == -1)
		fatalx("%s", store_error(s));
	return u;
}

static void
test_rollups(struct store *s)
{
	static const enum rollup_period	 p[] = { ROLLUP_MINUTE, ROLLUP_HOUR,
					    ROLLUP_DAY };
	int64_t				 n, failed, input;
	struct sums			 u;
	size_t				 i;

	n = sql_number("SELECT count(*) FROM requests");
	failed = sql_number("SELECT count(*) FROM requests WHERE error <> ''");
	input = sql_number("SELECT sum(input) FROM requests WHERE input > 0");
	for (i = 0; i < 3; i++) {
		u = sums_of(s, ROLLUP_ALL, p[i], "");
		ok(u.all.requests == n && u.all.errors == failed &&
		    u.all.input == input, "by %d s: all %lld requests",
		    (int)p[i], (long long)u.all.requests);
		ok(rollup_count(u.all.hist[ROLLUP_TOTAL]) == (uint64_t)n &&
		    rollup_count(u.all.hist[ROLLUP_TTFB]) == (uint64_t)
		    sql_number("SELECT count(*) FROM requests "
		    "WHERE ttfb_us >= 0"), "each duration is counted");
	}
	ok(u.rows <= 2, "a day is a row");
	u = sums_of(s, ROLLUP_KEY, ROLLUP_HOUR, "2");
	ok(u.all.requests == sql_number("SELECT count(*) FROM requests "
	    "WHERE key_id = 2"), "one key");
	u = sums_of(s, ROLLUP_TARGET, ROLLUP_DAY, "openai/b");
	ok(u.all.requests == sql_number("SELECT count(*) FROM requests "
	    "WHERE provider = 'openai' AND model_sent = 'b'"), "one target");
}

static void
test_rollback(struct store *s)
{
	struct acct_rec	 r;
	struct sums	 a = sums_of(s, ROLLUP_ALL, ROLLUP_DAY, ""), b;

	row_make(&r, 1);
	if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1)
		fatalx("%s", store_error(s));
	store_log_rollback(s);
	rows_write(s, 0, 0);
	b = sums_of(s, ROLLUP_ALL, ROLLUP_DAY, "");
	ok(a.all.requests == b.all.requests, "what was rolled back is not "
	    "counted");
}

static void
test_many_names(struct store *s)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct acct_rec	 r;
	struct sums	 u;
	char		 name[32];
	int		 i;

	if (store_log_begin(s) == -1)
		fatalx("%s", store_error(s));
	for (i = 0; i < ROLLUP_NAMES * 2; i++) {
		row_make(&r, 0);
		r.f.time_us = 1000000000;
		snprintf(name, sizeof(name), "m%d", i);
		r.s[ACCT_MODEL_SENT] = str_of(name);
		if (store_log_row(s, &r) == -1)
			fatalx("%s", store_error(s));
	}
	if (store_log_commit(s, 1, tail) == -1)
		fatalx("%s", store_error(s));
	ok(sql_number("SELECT count(*) FROM rollups WHERE dim = 2 AND "
	    "period = 86400 AND start_s = 0") == ROLLUP_NAMES + 1,
	    "invented models do not fill the table");
	u = sums_of(s, ROLLUP_TARGET, ROLLUP_DAY, "(other)");
	ok(u.all.requests == ROLLUP_NAMES, "and are counted");
}

static void
test_expire(struct store *s)
{
	int64_t	 now = BASE_US / 1000000 + ROLLUP_MINUTES_S + 3600;
	int64_t	 before = sql_number("SELECT count(*) FROM rollups");
	int	 n, all = 0;

	while ((n = store_rollups_expire(s, now, 50)) > 0)
		all += n;
	ok(n == 0 && all > 0 && sql_number("SELECT count(*) FROM rollups") ==
	    before - all, "old minutes go, %d rows", all);
	ok(sql_number("SELECT min(start_s) FROM rollups WHERE period = 60") >=
	    now - ROLLUP_MINUTES_S, "newer ones stay");
}

static unsigned	 paused;

static void
pause_cb(void)
{
	paused++;
}

/* All that this program reads was written with pauses, as the logger does. */
int
main(void)
{
	struct store	*s;
	char		 name[64];
	int		 fd;

	log_init("rows", false);
	if ((fd = mkstemp(path)) == -1)
		fatal("mkstemp");
	close(fd);
	unlink(path);
	test_buckets();
	test_quantiles();
	test_add();
	store_pace(8, pause_cb);
	if ((s = store_open(path, STORE_WRITE, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	paused = 0;
	test_pages(s);
	ok(paused > 100, "pauses between writes: %u", paused);
	test_follow(s);
	test_rollups(s);
	test_rollback(s);
	test_many_names(s);
	test_expire(s);
	s = test_seconds(s);
	store_close(s);
	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return done();
}
