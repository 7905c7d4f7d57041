/*
 * The request log and the statistics of keys: what the logger writes, and what
 * is read of it.
 */
#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/store_accounts.h"
#include "state/store_refusal.h"
#include "state/store_row.h"
#include "state/store_seconds.h"
#include "state/store_sql.h"

#define SUMS	1024			/* a power of two */
#define ROWS	16			/* in one statement */

/* What one transaction adds to a key's counters; status -1: to key_use. */
struct sum {
	int64_t	 key_id;
	int32_t	 status;
	bool	 used;
	int64_t	 n;			/* of status, or good ones */
	int64_t	 failed;
	int64_t	 last_us;
};

struct store_log {
	struct sum	 sum[SUMS];
	unsigned	 nsums;
	bool		 have_tails;	/* epoch and tail are as in the file */
	uint64_t	 epoch;
	uint64_t	 tail[STORE_RINGS];
	uint64_t	 holder;	/* of accounts, in this transaction */
	struct acct_rec	 row[ROWS];	/* to be written */
	unsigned	 nrows;
	struct arena	 arena;		/* for their strings */
};

static struct store_log *
log_of(struct store *s)
{
	if (s->log == NULL) {
		s->log = calloc(1, sizeof(*s->log));
		if (s->log == NULL)
			fatal("calloc");
		arena_init(&s->log->arena);
	}
	return s->log;
}

void
store_log_free(struct store_log *l)
{
	if (l == NULL)
		return;
	arena_release(&l->arena);
	free(l);
}

static void
clear_sums(struct store_log *l)
{
	memset(l->sum, 0, sizeof(l->sum));
	l->nsums = 0;
}

static void
clear_rows(struct store_log *l)
{
	l->nrows = 0;
	arena_clear(&l->arena);
}

int
store_log_begin(struct store *s)
{
	clear_sums(log_of(s));
	clear_rows(log_of(s));
	store_rollup_forget(s);
	if (sql_begin(s) == -1)
		return -1;
	if (store_accounts_holder(s, &log_of(s)->holder) == -1) {
		sql_rollback(s);
		return -1;
	}
	return 0;
}

void
store_log_rollback(struct store *s)
{
	clear_sums(log_of(s));
	clear_rows(log_of(s));
	store_rollup_forget(s);
	store_seconds_forget(s);
	sql_rollback(s);
}

/* --- statistics of keys --------------------------------------------------- */

static int
flush_sum(struct store *s, const struct sum *m)
{
	if (m->status >= 0)
		return sql_run(s, "INSERT INTO key_stats (key_id, status, n) "
		    "VALUES (?, ?, ?) ON CONFLICT (key_id, status) "
		    "DO UPDATE SET n = n + excluded.n", "iii", m->key_id,
		    (int64_t)m->status, m->n);
	return sql_run(s, "INSERT INTO key_use "
	    "(key_id, ok, failed, last_used_us) VALUES (?, ?, ?, ?) "
	    "ON CONFLICT (key_id) DO UPDATE SET ok = ok + excluded.ok, "
	    "failed = failed + excluded.failed, "
	    "last_used_us = max(last_used_us, excluded.last_used_us)", "iiii",
	    m->key_id, m->n, m->failed, m->last_us);
}

static int
flush_sums(struct store *s)
{
	struct store_log	*l = log_of(s);
	unsigned		 i;

	for (i = 0; i < SUMS; i++)
		if (l->sum[i].used && flush_sum(s, &l->sum[i]) == -1)
			return -1;
	clear_sums(l);
	return 0;
}

/* Open addressing; the table is never more than three quarters full. */
static struct sum *
find_sum(struct store_log *l, int64_t key_id, int32_t status)
{
	uint64_t	 h = (uint64_t)key_id * 1024 + (uint32_t)status;
	struct sum	*m;

	h = h * 0x9e3779b97f4a7c15u >> 32;
	for (;; h++) {
		m = &l->sum[h & (SUMS - 1)];
		if (!m->used) {
			m->used = true;
			m->key_id = key_id;
			m->status = status;
			l->nsums++;
			return m;
		}
		if (m->key_id == key_id && m->status == status)
			return m;
	}
}

static int
add_sums(struct store *s, const struct acct_rec *r)
{
	struct store_log	*l = log_of(s);
	struct acct_key		 k;
	struct sum		*m;
	size_t			 i;

	for (i = 0; acct_key(r, i, &k); i++) {
		if (l->nsums + 2 > SUMS / 4 * 3 && flush_sums(s) == -1)
			return -1;
		if (k.status < 0 || k.status > 999)
			k.status = 0;
		find_sum(l, k.key_id, k.status)->n += 1 + k.again;
		m = find_sum(l, k.key_id, -1);
		if (k.ok)
			m->n += 1 + k.again;
		else
			m->failed += 1 + k.again;
		if (r->f.time_us > m->last_us)
			m->last_us = r->f.time_us;
	}
	return 0;
}

/*
 * The last attempt of each key that failed; its text stands in the record's list
 * of attempts, which may have been cut.
 */
static int
add_errors(struct store *s, const struct acct_rec *r)
{
	static const char	 sql[] =
		"INSERT INTO key_use (key_id, ok, failed, last_used_us, "
		"error_us, error_status, error) VALUES (?, 0, 0, 0, ?, ?, "
		"coalesce((SELECT coalesce(value ->> '$.said', value ->> '$.why') "
		"FROM json_each(iif(json_valid(?), ?, '[]')) "
		"WHERE value ->> '$.key_id' = ? AND value ->> '$.why' <> 'ok' "
		"ORDER BY key DESC LIMIT 1), '')) "
		"ON CONFLICT (key_id) DO UPDATE SET "
		"error_us = excluded.error_us, "
		"error_status = excluded.error_status, "
		"error = excluded.error "
		"WHERE excluded.error_us >= key_use.error_us";
	struct str		 tries = r->s[ACCT_ATTEMPTS];
	struct acct_key		 k;
	size_t			 i;

	for (i = 0; acct_key(r, i, &k); i++)
		if (!k.ok && sql_run(s, sql, "iiissi", k.key_id, r->f.time_us,
		    (int64_t)k.status, tries, tries, k.key_id) == -1)
			return -1;
	return 0;
}

static int
stats_of(struct store *s, int64_t key_id,
    void (*cb)(void *, int64_t, int, int64_t), void *arg)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT status, n FROM key_stats WHERE key_id = ? "
	    "ORDER BY status", "i", key_id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1)
		cb(arg, key_id, (int)sql_int(st, 0), sql_int(st, 1));
	sql_end(st);
	return rc;
}

static void
fill_stat(struct sqlite3_stmt *st, char mask[SECRET_MASK_LEN],
    struct store_key_stat *k)
{
	struct str	 m = sql_str(st, 3);

	snprintf(mask, SECRET_MASK_LEN, "%.*s", STR_FMT(m));
	*k = (struct store_key_stat){
		.key_id = sql_int(st, 0),
		.slot = (unsigned)sql_int(st, 1),
		.provider = sql_str(st, 2),
		.mask = mask,
		.enabled = sql_int(st, 4) != 0,
		.file = sql_int(st, 5) != 0,
		.ok = sql_int(st, 6),
		.failed = sql_int(st, 7),
		.last_used_us = sql_int(st, 8),
		.expires_us = sql_int(st, 9),
		.disabled_by = sql_str(st, 10),
		.disabled_why = sql_str(st, 11),
		.error_us = sql_int(st, 12),
		.error_status = (int)sql_int(st, 13),
		.error = sql_str(st, 14)
	};
}

/* One transaction, so that a key's sums agree. */
int
store_key_stats(struct store *s,
    void (*key_cb)(void *, const struct store_key_stat *),
    void (*status_cb)(void *, int64_t, int, int64_t), void *arg)
{
	struct store_key_stat	 k;
	struct sqlite3_stmt	*st;
	char			 mask[SECRET_MASK_LEN];
	int			 rc = -1;

	if (sql_begin_read(s) == -1)
		return -1;
	st = sql_open(s, "SELECT k.id, k.slot, p.name, k.mask, k.enabled, "
	    "k.source = 'file', coalesce(u.ok, 0), coalesce(u.failed, 0), "
	    "coalesce(u.last_used_us, 0), k.expires_us, k.disabled_by, "
	    "k.disabled_why, coalesce(u.error_us, 0), "
	    "coalesce(u.error_status, 0), coalesce(u.error, '') FROM keys k "
	    "JOIN providers p ON p.id = k.provider_id "
	    "LEFT JOIN key_use u ON u.key_id = k.id "
	    "WHERE k.source <> 'gone' AND k.slot IS NOT NULL "
	    "ORDER BY p.pos, p.id, k.pos, k.id", "");
	while (st != NULL && (rc = sql_step(s, st)) == 1) {
		fill_stat(st, mask, &k);
		if (key_cb != NULL)
			key_cb(arg, &k);
		if (status_cb != NULL &&
		    (rc = stats_of(s, k.key_id, status_cb, arg)) == -1)
			break;
	}
	sql_end(st);
	sql_rollback(s);
	return rc;
}

/* --- positions of rings --------------------------------------------------- */

int
store_log_tails(struct store *s, uint64_t epoch, uint64_t tail[STORE_RINGS])
{
	struct sqlite3_stmt	*st;
	int64_t			 ring;
	int			 rc;

	memset(tail, 0, STORE_RINGS * sizeof(tail[0]));
	st = sql_open(s, "SELECT ring, tail FROM ring_tails WHERE epoch = ?",
	    "i", (int64_t)epoch);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		ring = sql_int(st, 0);
		if (ring >= 0 && ring < STORE_RINGS)
			tail[ring] = (uint64_t)sql_int(st, 1);
	}
	sql_end(st);
	return rc;
}

static int
put_tails(struct store *s, struct store_log *l, uint64_t epoch,
    const uint64_t tail[STORE_RINGS])
{
	int	 i;

	if (!l->have_tails || l->epoch != epoch) {
		if (sql_run(s, "DELETE FROM ring_tails WHERE epoch <> ?", "i",
		    (int64_t)epoch) == -1 ||
		    store_log_tails(s, epoch, l->tail) == -1)
			return -1;
		l->have_tails = true;
		l->epoch = epoch;
	}
	for (i = 0; i < STORE_RINGS; i++)
		if (tail[i] != l->tail[i] && sql_run(s, "INSERT INTO "
		    "ring_tails (epoch, ring, tail) VALUES (?, ?, ?) "
		    "ON CONFLICT (epoch, ring) DO UPDATE SET "
		    "tail = excluded.tail", "iii", (int64_t)epoch, (int64_t)i,
		    (int64_t)tail[i]) == -1)
			return -1;
	return 0;
}

/* --- rows ----------------------------------------------------------------- */

#define NUM(column, value)	#column ", "
#define TXT(column, value)	#column ", "
static const char insert_rows[] = "INSERT OR FAIL INTO requests ("
    STORE_ROW "id) VALUES "
#undef NUM
#undef TXT
#define NUM(column, value)	"?, "
#define TXT(column, value)	"?, "
#define ONE			"(" STORE_ROW "NULL)"
#define FOUR			ONE ", " ONE ", " ONE ", " ONE
    FOUR ", " FOUR ", " FOUR ", " FOUR;
#undef NUM
#undef TXT

#define NUM(column, value)	#column ", "
#define TXT(column, value)	#column ", "
static const char insert_row[] = "INSERT INTO requests ("
    STORE_ROW "id) VALUES "
#undef NUM
#undef TXT
#define NUM(column, value)	"?, "
#define TXT(column, value)	"?, "
    ONE;
#undef NUM
#undef TXT
#undef ONE
#undef FOUR

/* Of bytes that came from outside: what is not text is shown as '?'. */
static struct str
clean(struct store_log *l, struct str s)
{
	char	*to;
	size_t	 i;

	if (s.n == 0)
		return STR_NONE;
	to = arena_bytes(&l->arena, s.n);
	if (memchr(s.p, '\0', s.n) == NULL && utf8_valid(s))
		memcpy(to, s.p, s.n);
	else
		for (i = 0; i < s.n; i++)
			to[i] = s.p[i] > 0 && s.p[i] < 0x7f ? s.p[i] : '?';
	return (struct str){ to, s.n };
}

/* Binds a row's values behind column i; returns the last one's. */
static int
bind_row(struct sqlite3_stmt *st, int i, const struct acct_rec *r)
{
#define NUM(column, value)	sql_bind_int(st, ++i, r->f.value);
#define TXT(column, value)	sql_bind_str(st, ++i, r->s[value]);
	STORE_ROW
#undef NUM
#undef TXT
	return i;
}

static int
insert(struct store *s, const char *sql, const struct acct_rec *r, unsigned n)
{
	struct sqlite3_stmt	*st;
	unsigned		 k;
	int			 i = 0, rc;

	if ((st = sql_prepare(s, sql)) == NULL)
		return -1;
	for (k = 0; k < n; k++)
		i = bind_row(st, i, &r[k]);
	rc = sql_step(s, st);
	sql_end(st);
	return rc;
}

/*
 * As many as there is a statement for are one: its cursors stay in the table
 * and its indexes from row to row, and the next row mostly belongs right behind.
 * OR FAIL, as the caller takes all back anyway: SQLite keeps no journal of pages
 * for the statement then.
 */
static int
flush_rows(struct store *s)
{
	struct store_log	*l = log_of(s);
	unsigned		 i;

	if (l->nrows == ROWS) {
		if (insert(s, insert_rows, l->row, ROWS) == -1)
			return -1;
	} else
		for (i = 0; i < l->nrows; i++)
			if (insert(s, insert_row, &l->row[i], 1) == -1)
				return -1;
	clear_rows(l);
	return 0;
}

int
store_log_row(struct store *s, const struct acct_rec *r)
{
	struct store_log	*l = log_of(s);
	struct acct_rec		*row = &l->row[l->nrows];
	size_t			 i;

	if (sql_in_transaction(s) == -1)
		return -1;
	row->f = r->f;
	for (i = 0; i < ACCT_STR_COUNT; i++)
		row->s[i] = clean(l, r->s[i]);
	if (store_seconds_row(s, row) == -1)
		return -1;
	if (++l->nrows == ROWS && flush_rows(s) == -1)
		return -1;
	return store_rollup_row(s, r) == -1 ||
	    store_account_row(s, l->holder, r) == -1 ||
	    store_refusals_learn(s, r) == -1 ||
	    add_errors(s, r) == -1 ? -1 :
	    add_sums(s, r);
}

/* On failure the transaction stays open, for store_log_rollback. */
int
store_log_commit(struct store *s, uint64_t epoch,
    const uint64_t tail[STORE_RINGS])
{
	struct store_log	*l = log_of(s);

	if (sql_in_transaction(s) == -1 || flush_rows(s) == -1 ||
	    flush_sums(s) == -1 ||
	    store_rollup_flush(s) == -1 ||
	    put_tails(s, l, epoch, tail) == -1 ||
	    sql_commit(s) == -1) {
		l->have_tails = false;
		return -1;
	}
	memcpy(l->tail, tail, sizeof(l->tail));
	return 0;
}

/* --- thrown away ---------------------------------------------------------- */

/* By time, which is nearly the order of id, so few pages are touched. */
static int
expire(struct store *s, int64_t before_us, int n)
{
	if (sql_run(s, "DELETE FROM requests WHERE id IN (SELECT id "
	    "FROM requests WHERE time_us < ? ORDER BY time_us LIMIT ?)", "ii",
	    before_us, (int64_t)n) == -1)
		return -1;
	return sql_changes(s);
}

/* The file does not shrink, but what was freed in it is used again. */
static int
too_large(struct store *s, int64_t max_bytes)
{
	int64_t	 bytes = 0;

	if (max_bytes <= 0)
		return 0;
	if (sql_get(s, &bytes, "SELECT (p.page_count - f.freelist_count) * "
	    "z.page_size FROM pragma_page_count p, pragma_freelist_count f, "
	    "pragma_page_size z", "") == -1)
		return -1;
	return bytes > max_bytes;
}

int
store_log_expire(struct store *s, int64_t before_us, int64_t max_bytes, int n)
{
	int	 changes, large;

	if (sql_begin(s) == -1)
		return -1;
	changes = expire(s, before_us, n);
	if (changes == 0 && (large = too_large(s, max_bytes)) != 0)
		changes = large == -1 ? -1 : expire(s, INT64_MAX, n);
	if (changes == -1 || sql_commit(s) == -1) {
		sql_rollback(s);
		return -1;
	}
	return changes;
}

int64_t
store_log_count(struct store *s)
{
	int64_t	 n = 0;

	return sql_get(s, &n, "SELECT count(*) FROM requests", "") == 1 ? n :
	    -1;
}
