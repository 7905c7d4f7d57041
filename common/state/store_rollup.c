/*
 * Roll-ups in the database.  The rows of one transaction are summed in memory
 * by minute; at its end each sum is added to its minute, hour and day.  The
 * logger is the only writer, so reading, adding and writing back is safe, and
 * a transaction that is rolled back forgets its sums.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/store_accounts.h"
#include "state/store_rollup.h"
#include "state/store_sql.h"

#define TABLE		512		/* a power of two */
#define NAME_MAX_LEN	255
#define OTHER		"(other)"

struct entry {
	int64_t		 start_s;	/* minute; 0: free */
	enum rollup_dim	 dim;
	struct rollup	 sum;
	size_t		 len;
	char		 name[NAME_MAX_LEN];
};

struct store_rollup {
	unsigned	 n;
	bool		 adjusts;	/* only what there is already */
	struct entry	 entry[TABLE];
};

static const enum rollup_period periods[] = {
	ROLLUP_MINUTE, ROLLUP_HOUR, ROLLUP_DAY
};

/* --- one period's row ------------------------------------------------------- */

#define HIST_BYTES	(sizeof(((struct rollup *)0)->hist))

#define SUM(name)	#name ", "
static const char read_sql[] = "SELECT " ROLLUP_SUMS "hist FROM rollups "
    "WHERE period = ? AND dim = ? AND start_s = ? AND name = ?";
static const char list_sql[] = "SELECT " ROLLUP_SUMS "hist, start_s, name "
    "FROM rollups WHERE period = ?1 AND dim = ?2 AND start_s >= ?3 "
    "AND start_s < ?4 AND (?5 = '' OR name = ?5) ORDER BY start_s, name";
static const char write_sql[] = "INSERT OR REPLACE INTO rollups (" ROLLUP_SUMS
    "hist, period, dim, start_s, name) VALUES ("
#undef SUM
#define SUM(name)	"?, "
    ROLLUP_SUMS "?, ?, ?, ?, ?)";
#undef SUM

/* Little-endian, four bytes a bucket; a short one is of an older program. */
static void
hist_read(struct str bytes, struct rollup *r)
{
	const unsigned char	*p = (const unsigned char *)bytes.p;
	size_t			 i, n = bytes.n / 4;
	uint32_t		*to = &r->hist[0][0];

	for (i = 0; i < n && i < HIST_BYTES / 4; i++, p += 4)
		to[i] = (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static struct str
hist_write(const struct rollup *r, unsigned char bytes[HIST_BYTES])
{
	const uint32_t	*from = &r->hist[0][0];
	size_t		 i;

	for (i = 0; i < HIST_BYTES; i++)
		bytes[i] = (unsigned char)(from[i / 4] >> 8 * (i % 4));
	return (struct str){ (const char *)bytes, HIST_BYTES };
}

static int
row_read(struct sqlite3_stmt *st, struct rollup *r)
{
	int	 i = 0;

	memset(r, 0, sizeof(*r));
#define SUM(name)	r->name = sql_int(st, i++);
	ROLLUP_SUMS
#undef SUM
	hist_read(sql_str(st, i++), r);
	return i;
}

static int
row_write(struct store *s, enum rollup_period period, enum rollup_dim dim,
    int64_t start_s, struct str name, const struct rollup *r)
{
	struct sqlite3_stmt	*st;
	unsigned char		 hist[HIST_BYTES];
	int			 i = 0, rc;

	if ((st = sql_prepare(s, write_sql)) == NULL)
		return -1;
#define SUM(name)	sql_bind_int(st, ++i, r->name);
	ROLLUP_SUMS
#undef SUM
	sql_bind_blob(st, ++i, hist_write(r, hist));
	sql_bind_int(st, ++i, period);
	sql_bind_int(st, ++i, dim);
	sql_bind_int(st, ++i, start_s);
	sql_bind_str(st, ++i, name);
	rc = sql_step(s, st);
	sql_end(st);
	return rc;
}

/* 1: there is such a row. */
static int
row_find(struct store *s, enum rollup_period period, enum rollup_dim dim,
    int64_t start_s, struct str name, struct rollup *r)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	memset(r, 0, sizeof(*r));
	st = sql_open(s, read_sql, "iiis", (int64_t)period, (int64_t)dim,
	    start_s, name);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1)
		(void)row_read(st, r);
	sql_end(st);
	return rc;
}

static int
names_full(struct store *s, enum rollup_period period, enum rollup_dim dim,
    int64_t start_s)
{
	int64_t	 n;

	if (dim != ROLLUP_TARGET)
		return 0;
	if (sql_get(s, &n, "SELECT count(*) FROM rollups WHERE period = ? "
	    "AND dim = ? AND start_s = ?", "iii", (int64_t)period,
	    (int64_t)dim, start_s) == -1)
		return -1;
	return n >= ROLLUP_NAMES;
}

/* A sum that has reached its end stays there; none is below 0. */
static bool
adjust(struct rollup *r, const struct rollup *by)
{
	struct rollup	 was = *r;

	if (r->cost < INT64_MAX && __builtin_add_overflow(r->cost, by->cost,
	    &r->cost))
		r->cost = INT64_MAX;
	if (r->cost < 0)
		r->cost = 0;
	r->unpriced += by->unpriced;
	if (r->unpriced < 0)
		r->unpriced = 0;
	return r->cost != was.cost || r->unpriced != was.unpriced;
}

static int
row_add(struct store *s, enum rollup_period period, const struct entry *e)
{
	struct str	 name = { e->name, e->len };
	struct rollup	 r;
	int64_t		 start_s = e->start_s - e->start_s % (int64_t)period;
	int		 rc;

	rc = row_find(s, period, e->dim, start_s, name, &r);
	if (rc == 0 && (rc = names_full(s, period, e->dim, start_s)) == 1) {
		name = str_of(OTHER);
		rc = row_find(s, period, e->dim, start_s, name, &r);
	}
	if (rc == -1)
		return -1;
	if (s->rollup->adjusts)
		return rc == 0 || !adjust(&r, &e->sum) ? 0 :
		    row_write(s, period, e->dim, start_s, name, &r);
	rollup_add(&r, &e->sum);
	return row_write(s, period, e->dim, start_s, name, &r);
}

/* --- what a transaction adds ------------------------------------------------- */

static struct store_rollup *
table_of(struct store *s)
{
	if (s->rollup == NULL &&
	    (s->rollup = calloc(1, sizeof(*s->rollup))) == NULL)
		fatal("calloc");
	return s->rollup;
}

void
store_rollup_forget(struct store *s)
{
	struct store_rollup	*t = table_of(s);
	unsigned		 i;

	for (i = 0; i < TABLE && t->n > 0; i++)
		t->entry[i].start_s = 0;
	t->n = 0;
}

/* The same account and day. */
static bool
same_account(const struct entry *a, const struct entry *b)
{
	return a->start_s != 0 && a->dim == b->dim && a->start_s / ROLLUP_DAY ==
	    b->start_s / ROLLUP_DAY && a->len == b->len &&
	    memcmp(a->name, b->name, a->len) == 0;
}

/* What has changed of accounts, a note a day. */
static int
accounts_note(struct store *s, struct store_rollup *t)
{
	const struct entry	*e;
	unsigned		 i, k;
	int64_t			 cost, id;

	for (i = 0; i < TABLE; i++) {
		e = &t->entry[i];
		if (e->start_s == 0 || (e->dim != ROLLUP_TENANT &&
		    e->dim != ROLLUP_CLIENT_KEY))
			continue;
		for (k = 0; k < i && !same_account(&t->entry[k], e); k++)
			;
		if (k < i)		/* told with that one */
			continue;
		for (cost = 0; k < TABLE; k++)
			if (same_account(&t->entry[k], e) &&
			    __builtin_add_overflow(cost, t->entry[k].sum.cost,
			    &cost))
				cost = cost < 0 ? INT64_MAX : INT64_MIN;
		if (str_to_int((struct str){ e->name, e->len }, 0, INT64_MAX,
		    &id) == 0 && store_account_change(s, 0, e->dim, id,
		    e->start_s / ROLLUP_DAY, cost) == -1)
			return -1;
	}
	return 0;
}

int
store_rollup_flush(struct store *s)
{
	struct store_rollup	*t = table_of(s);
	unsigned		 i, p;

	if (t->n > 0 && t->adjusts && accounts_note(s, t) == -1)
		return -1;
	for (i = 0; i < TABLE && t->n > 0; i++) {
		if (t->entry[i].start_s == 0)
			continue;
		for (p = 0; p < sizeof(periods) / sizeof(*periods); p++)
			if (row_add(s, periods[p], &t->entry[i]) == -1)
				return -1;
	}
	store_rollup_forget(s);
	return 0;
}

/* Open addressing; the table is never more than three quarters full. */
static struct entry *
entry_find(struct store_rollup *t, int64_t start_s, enum rollup_dim dim,
    struct str name)
{
	uint64_t	 h = (uint64_t)start_s * 8 + (uint64_t)dim;
	struct entry	*e;
	size_t		 i;

	for (i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
	for (h ^= h >> 29;; h++) {
		e = &t->entry[h & (TABLE - 1)];
		if (e->start_s == 0)
			break;
		if (e->start_s == start_s && e->dim == dim &&
		    str_eq((struct str){ e->name, e->len }, name))
			return e;
	}
	memset(&e->sum, 0, sizeof(e->sum));
	e->start_s = start_s;
	e->dim = dim;
	e->len = name.n;
	memcpy(e->name, name.p, name.n);
	t->n++;
	return e;
}

static int
entry_add(struct store *s, int64_t start_s, enum rollup_dim dim,
    struct str name, const struct rollup *one)
{
	struct store_rollup	*t = table_of(s);

	if (t->n >= TABLE / 4 * 3 && store_rollup_flush(s) == -1)
		return -1;
	if (name.n > NAME_MAX_LEN || !utf8_valid(name))
		name = str_of(OTHER);
	rollup_add(&entry_find(t, start_s, dim, name)->sum, one);
	return 0;
}

static int64_t
said(int64_t tokens)
{
	return tokens > 0 ? tokens : 0;
}

/* One request as a sum. */
static void
rollup_of(const struct acct_rec *rec, struct rollup *r)
{
	const struct acct_fixed	*f = &rec->f;

	memset(r, 0, sizeof(*r));
	r->requests = 1;
	r->errors = rec->s[ACCT_ERROR].n > 0 || f->status >= 400;
	r->streams = f->stream;
	r->translated = f->translated;
	r->attempts = f->attempts;
	r->input = said(f->input);
	r->cache_read = said(f->cache_read);
	r->cache_write = said(f->cache_write_5m) + said(f->cache_write_1h);
	r->output = said(f->output);
	r->reasoning = said(f->reasoning);
	r->cost = said(f->cost);
	r->unpriced = f->cost < 0;
	r->total_us = f->total_us;
	r->overhead_us = f->overhead_us;
	r->hist[ROLLUP_TOTAL][rollup_bucket(f->total_us / 1000)] = 1;
	if (f->ttfb_us >= 0)
		r->hist[ROLLUP_TTFB][rollup_bucket(f->ttfb_us / 1000)] = 1;
	r->hist[ROLLUP_OVERHEAD][rollup_bucket(f->overhead_us)] = 1;
}

static int64_t
minute_of(const struct acct_rec *rec)
{
	int64_t	 start_s = rec->f.time_us / 60000000 * 60;

	return start_s > 0 ? start_s : 60;	/* a clock that was never set */
}

static int
id_add(struct store *s, int64_t start_s, enum rollup_dim dim, int64_t id,
    const struct rollup *one)
{
	char	 name[24];

	if (id == 0)
		return 0;
	snprintf(name, sizeof(name), "%lld", (long long)id);
	return entry_add(s, start_s, dim, str_of(name), one);
}

static int
asked_add(struct store *s, int64_t start_s, struct str asked)
{
	struct rollup	 r;
	struct str	 line, name;

	while (asked.n > 0) {
		line = str_cut(&asked, '\n');
		name = str_cut(&line, '\t');
		memset(&r, 0, sizeof(r));
		if (str_to_int(str_cut(&line, '\t'), 0, INT32_MAX,
		    &r.requests) == -1 ||
		    str_to_int(line, 0, INT32_MAX, &r.errors) == -1)
			continue;
		if (entry_add(s, start_s, ROLLUP_ATTEMPTS, name, &r) == -1)
			return -1;
	}
	return 0;
}

/* Adds one to each sum that the request is in. */
static int
dims_add(struct store *s, const struct acct_rec *rec, const struct rollup *one)
{
	int64_t		 start_s = minute_of(rec);
	char		 target[2 * NAME_MAX_LEN];
	int		 n;

	if (entry_add(s, start_s, ROLLUP_ALL, str_of(""), one) == -1 ||
	    id_add(s, start_s, ROLLUP_KEY, rec->f.key_id, one) == -1 ||
	    id_add(s, start_s, ROLLUP_TENANT, rec->f.tenant_id, one) == -1 ||
	    id_add(s, start_s, ROLLUP_CLIENT_KEY, rec->f.client_key_id,
	    one) == -1)
		return -1;
	if (rec->s[ACCT_PROVIDER].n == 0)
		return 0;
	n = snprintf(target, sizeof(target), "%.*s/%.*s",
	    STR_FMT(rec->s[ACCT_PROVIDER]), STR_FMT(rec->s[ACCT_MODEL_SENT]));
	return entry_add(s, start_s, ROLLUP_TARGET, n < (int)sizeof(target) ?
	    str_of(target) : str_of(OTHER), one);
}

int
store_rollup_row(struct store *s, const struct acct_rec *rec)
{
	struct rollup	 one;

	rollup_of(rec, &one);
	table_of(s)->adjusts = false;
	if (asked_add(s, minute_of(rec), rec->s[ACCT_ASKED]) == -1)
		return -1;
	return dims_add(s, rec, &one);
}

/* The difference of two costs; neither is below -1, so it fits. */
int
store_rollup_adjust(struct store *s, const struct acct_rec *rec, int64_t was,
    int64_t now)
{
	struct rollup	 one;

	memset(&one, 0, sizeof(one));
	one.cost = said(now) - said(was);
	one.unpriced = (now < 0) - (was < 0);
	table_of(s)->adjusts = true;
	return dims_add(s, rec, &one);
}

void
store_rollup_free(struct store_rollup *t)
{
	free(t);
}

/* --- read, and thrown away ---------------------------------------------------- */

int
store_rollups(struct store *s, enum rollup_dim dim, enum rollup_period period,
    int64_t from_s, int64_t to_s, struct str name,
    void (*cb)(void *, const struct rollup_row *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct rollup_row	 row;
	int			 i, rc;

	st = sql_open(s, list_sql, "iiiis", (int64_t)period, (int64_t)dim,
	    from_s, to_s, name);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		i = row_read(st, &row.sum);
		row.start_s = sql_int(st, i);
		row.name = sql_str(st, i + 1);
		cb(arg, &row);
	}
	sql_end(st);
	return rc;
}

int
store_rollups_expire(struct store *s, int64_t now_s, int n)
{
	int	 changes;

	if (sql_begin(s) == -1)
		return -1;
	if (sql_run(s, "DELETE FROM rollups WHERE (period, dim, start_s, name) "
	    "IN (SELECT period, dim, start_s, name FROM rollups WHERE "
	    "(period = 60 AND start_s < ?) OR (period = 3600 AND start_s < ?) "
	    "LIMIT ?)", "iii", now_s - ROLLUP_MINUTES_S,
	    now_s - ROLLUP_HOURS_S, (int64_t)n) == -1) {
		sql_rollback(s);
		return -1;
	}
	changes = sql_changes(s);
	if (sql_commit(s) == -1) {
		sql_rollback(s);
		return -1;
	}
	return changes;
}
