/*
 * Pages of the request log.  A filter is one WHERE, the same in every
 * statement: what is not asked for is compared with nothing.  The statements
 * differ in how rows are found: all by time, those of an index by time, or by
 * time within the seconds that have a value.  Which of them is used is decided
 * by the filter.
 *
 * A statement looks at one window of time and the windows grow as long as that
 * is quick: a common value fills its page from the first small ones, a rare one
 * is soon looked for in the whole log, and neither can take long in one step.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "state/store_page.h"
#include "state/store_row.h"
#include "state/store_seconds.h"
#include "state/store_sql.h"

#define WINDOW_US	((int64_t)60000000)	/* the first */
#define WINDOW_MIN_US	((int64_t)1000000)
#define QUICK_US	8000			/* then twice as wide */
#define SLOW_US		25000			/* then half as wide */
#define REQUEST_ID	"req_"
#define SLOW_ROW_US	60000000		/* as index requests_slow */

#define NUM(column, value)	#column ", "
#define TXT(column, value)	#column ", "
#define SELECT		"SELECT " STORE_ROW "id FROM requests "

/* ?1 to ?4 are the window, the cursor and the limit. */
#define REST								\
	"(?5 = 0 OR status >= ?5) AND (?6 = 0 OR status <= ?6) "	\
	"AND (?7 = 0 OR key_id = ?7) AND total_us >= ?8 "		\
	"AND (?9 = '' OR provider = ?9) "				\
	"AND (?10 = '' OR model_asked = ?10) "				\
	"AND (?11 = '' OR model_sent = ?11) "				\
	"AND (?12 = '' OR dialect = ?12) "				\
	"AND (?13 = '' OR request_id = ?13) "				\
	"AND (?14 = '' OR instr(lower(error), lower(?14)) > 0) "	\
	"AND (?15 = '' OR close = ?15) "				\
	"AND (?16 = 0 OR (error <> '') = (?16 = 2)) "			\
	"AND (?17 = 0 OR stream = (?17 = 2)) "				\
	"AND (?18 = 0 OR translated = (?18 = 2)) "			\
	"AND (?19 = 0 OR (loss_json GLOB '*\"action\":\"[adr]*') = "	\
	"(?19 = 2)) "							\
	"AND (?20 = 0 OR tenant_id = ?20) "				\
	"AND (?21 = 0 OR client_key_id = ?21) "

#define PAGE(index, driving)						\
	SELECT "INDEXED BY " index " WHERE " driving			\
	"(time_us, id) < (?2, ?3) AND time_us >= ?1 AND " REST		\
	"ORDER BY time_us DESC, id DESC LIMIT ?4"

/* ?22 and ?23 are the value. */
#define PAGE_OF_SECONDS							\
	"SELECT " STORE_ROW "id FROM request_seconds AS v "		\
	"CROSS JOIN requests AS r INDEXED BY requests_time "		\
	"WHERE v.dim = ?22 AND v.value = ?23 "				\
	"AND v.second >= ?1 / 1000000 AND v.second <= ?2 / 1000000 "	\
	"AND r.time_us >= max(v.second * 1000000, ?1) "			\
	"AND r.time_us <= min(v.second * 1000000 + 999999, ?2) "	\
	"AND (+r.time_us, r.id) < (?2, ?3) AND " REST			\
	"ORDER BY v.second DESC, r.time_us DESC, r.id DESC LIMIT ?4"

static const char by_time[] = PAGE("requests_time", "");
static const char by_error[] = PAGE("requests_error", "error <> '' AND ");
static const char by_slow[] = PAGE("requests_slow", "total_us >= 60000000 AND ");
static const char by_seconds[] = PAGE_OF_SECONDS;

static const char follow_sql[] = SELECT "WHERE id > ?2 AND id <= ?3 "
    "AND time_us >= ?1 AND " REST "ORDER BY id LIMIT ?4";

static const char find_sql[] = SELECT "INDEXED BY requests_time "
    "WHERE time_us = ? AND request_id = ?";

#undef NUM
#undef TXT

/* How rows are found; dim 0: by an index. */
struct driver {
	const char		*text;
	enum seconds_dim	 dim;
	struct str		 value;
	char			 number[24];
};

static void
drive_number(struct driver *d, enum seconds_dim dim, int64_t value)
{
	snprintf(d->number, sizeof(d->number), "%lld", (long long)value);
	d->text = by_seconds;
	d->dim = dim;
	d->value = str_of(d->number);
}

static void
drive_text(struct driver *d, enum seconds_dim dim, struct str value)
{
	d->text = by_seconds;
	d->dim = dim;
	d->value = value;
}

/* The rarest value first, as far as that can be told without looking. */
static void
drive(struct driver *d, const struct log_filter *f)
{
	*d = (struct driver){ .text = by_time };
	if (f->client_key_id != 0)
		drive_number(d, SECONDS_CLIENT_KEY, f->client_key_id);
	else if (f->error.n > 0 || f->failed == LOG_YES)
		d->text = by_error;
	else if (f->status_min > 0 && f->status_min == f->status_max &&
	    f->status_min != 200)
		drive_number(d, SECONDS_STATUS, f->status_min);
	else if (f->tenant_id != 0)
		drive_number(d, SECONDS_TENANT, f->tenant_id);
	else if (f->key_id != 0)
		drive_number(d, SECONDS_KEY, f->key_id);
	else if (f->sent.n > 0)
		drive_text(d, SECONDS_SENT, f->sent);
	else if (f->model.n > 0)
		drive_text(d, SECONDS_MODEL, f->model);
	else if (f->dialect.n > 0)
		drive_text(d, SECONDS_DIALECT, f->dialect);
	else if (f->provider.n > 0)
		drive_text(d, SECONDS_PROVIDER, f->provider);
	else if (f->min_us >= SLOW_ROW_US)
		d->text = by_slow;
}

static void
bind(struct sqlite3_stmt *st, const struct log_filter *f, int64_t low,
    const struct log_cursor *before, int limit)
{
	const int64_t	 first[] = { low, before->time_us, before->id, limit,
			    f->status_min, f->status_max, f->key_id,
			    f->min_us > 0 ? f->min_us : INT64_MIN };
	const struct str text[] = { f->provider, f->model, f->sent, f->dialect,
			    f->request_id, f->error, f->close };
	const int	 tri[] = { f->failed, f->stream, f->translated,
			    f->lossy };
	int		 n = 0;
	size_t		 i;

	for (i = 0; i < sizeof(first) / sizeof(*first); i++)
		sql_bind_int(st, ++n, first[i]);
	for (i = 0; i < sizeof(text) / sizeof(*text); i++)
		sql_bind_str(st, ++n, text[i]);
	for (i = 0; i < sizeof(tri) / sizeof(*tri); i++)
		sql_bind_int(st, ++n, tri[i]);
	sql_bind_int(st, ++n, f->tenant_id);
	sql_bind_int(st, ++n, f->client_key_id);
}

static void
row_read(struct sqlite3_stmt *st, struct log_row *row)
{
	int	 i = 0;

	memset(row, 0, sizeof(*row));
	/* Every number fits its member: it was stored from it. */
#define NUM(column, value)						\
	row->rec.f.value = (__typeof__(row->rec.f.value))sql_int(st, i++);
#define TXT(column, value)	row->rec.s[value] = sql_str(st, i++);
	STORE_ROW
#undef NUM
#undef TXT
	row->id = sql_int(st, i);
}

/* How many rows of the window; the cursor is at the last of them. */
static int
window(struct store *s, const struct log_filter *f, const struct driver *d,
    int64_t low, struct log_cursor *cursor, int limit,
    void (*cb)(void *, const struct log_row *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct log_row		 row;
	int			 n = 0, rc;

	if ((st = sql_prepare(s, d->text)) == NULL)
		return -1;
	bind(st, f, low, cursor, limit);
	if (d->dim != 0) {
		sql_bind_int(st, 22, d->dim);
		sql_bind_str(st, 23, d->value);
	}
	while ((rc = sql_step(s, st)) == 1) {
		row_read(st, &row);
		cursor->time_us = row.rec.f.time_us;
		cursor->id = row.id;
		n++;
		cb(arg, &row);
	}
	sql_end(st);
	return rc == -1 ? -1 : n;
}

/* The times between which rows are at all; 0: there is none. */
static int
bounds(struct store *s, const struct log_filter *f, int64_t *oldest,
    struct log_cursor *cursor)
{
	int64_t	 newest;
	int	 rc;

	rc = sql_get(s, oldest, "SELECT time_us FROM requests "
	    "INDEXED BY requests_time ORDER BY time_us LIMIT 1", "");
	if (rc != 1)
		return rc;
	rc = sql_get(s, &newest, "SELECT time_us FROM requests "
	    "INDEXED BY requests_time ORDER BY time_us DESC LIMIT 1", "");
	if (rc != 1)
		return rc;
	if (*oldest < f->from_us)
		*oldest = f->from_us;
	if (cursor->time_us == 0 && cursor->id == 0)
		*cursor = (struct log_cursor){ newest, INT64_MAX };
	if (f->to_us > 0 && cursor->time_us >= f->to_us)
		*cursor = (struct log_cursor){ f->to_us, 0 };
	return 1;
}

static int
windows(struct store *s, const struct log_filter *f, int64_t oldest,
    struct log_cursor *cursor, int limit, int ms,
    void (*cb)(void *, const struct log_row *), void *arg)
{
	struct driver	 d;
	int64_t		 start = clock_mono_us(), t0 = start, took;
	int64_t		 span = WINDOW_US, low;
	int		 n;

	drive(&d, f);
	while (cursor->time_us >= oldest) {
		low = cursor->time_us - oldest < span ? oldest :
		    cursor->time_us - span;
		n = window(s, f, &d, low, cursor, limit, cb, arg);
		if (n == -1)
			return -1;
		if ((limit -= n) == 0)
			return 1;
		/* What is before the window, and no id is 0. */
		*cursor = (struct log_cursor){ low, 0 };
		if (low == oldest)
			return 0;
		took = clock_mono_us() - t0;
		t0 += took;
		if (t0 - start > (int64_t)ms * 1000)
			return 1;
		if (took < QUICK_US && span < INT64_MAX / 8)
			span *= took < QUICK_US / 8 ? 8 : 2;
		else if (took > SLOW_US && span > WINDOW_MIN_US)
			span /= 2;
	}
	return 0;
}

/* A request's id says when it began. */
static struct log_filter
by_id(const struct log_filter *f)
{
	struct log_filter	 of = *f;
	int64_t			 us = id_time(f->request_id, REQUEST_ID);

	if (us == -1)			/* of no request: none began then */
		us = 0;
	if (of.from_us < us)
		of.from_us = us;
	if (of.to_us == 0 || of.to_us > us + 1)
		of.to_us = us + 1;
	return of;
}

int
store_log_page(struct store *s, const struct log_filter *f,
    struct log_cursor *cursor, int limit, int ms,
    void (*cb)(void *, const struct log_row *), void *arg)
{
	struct log_filter	 of;
	int64_t			 oldest;
	int			 rc;

	if (limit < 1)
		return store_fail(s, "limit %d: expected 1 or more", limit);
	if (f->request_id.n > 0) {
		of = by_id(f);
		f = &of;
	}
	if (sql_begin_read(s) == -1)
		return -1;
	rc = bounds(s, f, &oldest, cursor);
	if (rc == 1)
		rc = windows(s, f, oldest, cursor, limit, ms, cb, arg);
	sql_rollback(s);
	return rc;
}

/* --- as they end ------------------------------------------------------------ */

static int
follow(struct store *s, const struct log_filter *f, int64_t *id, int64_t last,
    int limit, void (*cb)(void *, const struct log_row *), void *arg)
{
	/* The first three values of REST's statements are ours to say. */
	struct log_cursor	 range = { *id, last };
	struct driver		 d = { .text = follow_sql };
	int			 n;

	n = window(s, f, &d, f->from_us, &range, limit, cb, arg);
	if (n == -1)
		return -1;
	*id = n == limit ? range.id : last;
	return 0;
}

int
store_log_follow(struct store *s, const struct log_filter *f, int64_t *id,
    int limit, void (*cb)(void *, const struct log_row *), void *arg)
{
	int64_t	 last = 0;
	int	 rc;

	if (limit < 1)
		return store_fail(s, "limit %d: expected 1 or more", limit);
	if (sql_begin_read(s) == -1)
		return -1;
	rc = sql_get(s, &last, "SELECT id FROM requests ORDER BY id DESC "
	    "LIMIT 1", "");
	if (rc >= 0 && *id == -1) {
		*id = last;
		rc = 0;
	} else if (rc >= 0)
		rc = follow(s, f, id, last, limit, cb, arg);
	sql_rollback(s);
	return rc;
}

int
store_log_find(struct store *s, struct str request_id,
    void (*cb)(void *, const struct log_row *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct log_row		 row;
	int			 rc;

	if ((st = sql_open(s, find_sql, "is", id_time(request_id, REQUEST_ID),
	    request_id)) == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		row_read(st, &row);
		cb(arg, &row);
	}
	sql_end(st);
	return rc;
}
