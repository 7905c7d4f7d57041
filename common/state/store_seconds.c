/*
 * The seconds of values.  What was written last is remembered, so that a busy
 * log asks the database once a second and value.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "state/store_seconds.h"
#include "state/store_sql.h"

#define US		((int64_t)1000000)
#define SEEN		512		/* a power of two */
#define VALUE_MAX	50		/* longer ones are not remembered */
#define VALUES		1000		/* looked at by one call of expire */

struct seen {
	int64_t		 second;
	uint16_t	 dim;		/* 0: free */
	uint16_t	 len;
	char		 value[VALUE_MAX];
};

struct store_seconds {
	struct seen	 seen[SEEN];
	int64_t		 dim;		/* how far expire has come */
	struct buf	 value;
};

static struct store_seconds *
seconds_of(struct store *s)
{
	if (s->seconds == NULL) {
		s->seconds = calloc(1, sizeof(*s->seconds));
		if (s->seconds == NULL)
			fatal("calloc");
		buf_init(&s->seconds->value, ACCT_REC_MAX);
	}
	return s->seconds;
}

void
store_seconds_free(struct store_seconds *t)
{
	if (t == NULL)
		return;
	buf_release(&t->value);
	free(t);
}

void
store_seconds_forget(struct store *s)
{
	if (s->seconds != NULL)
		memset(s->seconds->seen, 0, sizeof(s->seconds->seen));
}

/* --- what a row adds -------------------------------------------------------- */

/* Is it remembered?  If not, it is now. */
static bool
seen(struct store_seconds *t, enum seconds_dim dim, struct str value,
    int64_t second)
{
	uint64_t	 h = (uint64_t)second * 16 + dim;
	struct seen	*e;
	size_t		 i;

	if (value.n > VALUE_MAX)
		return false;
	for (i = 0; i < value.n; i++)
		h = (h ^ (unsigned char)value.p[i]) * 0x100000001b3u;
	e = &t->seen[(h ^ h >> 29) & (SEEN - 1)];
	if (e->dim == dim && e->second == second &&
	    str_eq((struct str){ e->value, e->len }, value))
		return true;
	e->dim = (uint16_t)dim;
	e->second = second;
	e->len = (uint16_t)value.n;
	memcpy(e->value, value.p, value.n);
	return false;
}

static int
add(struct store *s, enum seconds_dim dim, struct str value, int64_t second)
{
	return sql_run(s, "INSERT OR IGNORE INTO request_seconds "
	    "(dim, value, second) VALUES (?, ?, ?)", "isi", (int64_t)dim,
	    value, second);
}

static int
add_text(struct store *s, enum seconds_dim dim, struct str value,
    int64_t second)
{
	if (value.n == 0 || seen(seconds_of(s), dim, value, second))
		return 0;
	return add(s, dim, value, second);
}

static int
add_number(struct store *s, enum seconds_dim dim, int64_t value,
    int64_t second)
{
	struct str	 raw = { (const char *)&value, sizeof(value) };
	char		 text[32];

	if (value == 0 || seen(seconds_of(s), dim, raw, second))
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)value);
	return add(s, dim, str_of(text), second);
}

int
store_seconds_row(struct store *s, const struct acct_rec *r)
{
	const struct acct_fixed	*f = &r->f;
	int64_t			 at = f->time_us / US;

	return add_text(s, SECONDS_PROVIDER, r->s[ACCT_PROVIDER], at) == -1 ||
	    add_text(s, SECONDS_MODEL, r->s[ACCT_MODEL_ASKED], at) == -1 ||
	    add_text(s, SECONDS_SENT, r->s[ACCT_MODEL_SENT], at) == -1 ||
	    add_text(s, SECONDS_DIALECT, r->s[ACCT_DIALECT], at) == -1 ||
	    add_number(s, SECONDS_KEY, f->key_id, at) == -1 ||
	    add_number(s, SECONDS_STATUS, f->status == 200 ? 0 : f->status,
	    at) == -1 ||
	    add_number(s, SECONDS_TENANT, f->tenant_id, at) == -1 ||
	    add_number(s, SECONDS_CLIENT_KEY, f->client_key_id, at) == -1 ?
	    -1 : 0;
}

/* --- thrown away ------------------------------------------------------------- */

/* The next value; 0: that was the last one. */
static int
next_value(struct store *s, struct store_seconds *t)
{
	struct sqlite3_stmt	*st;
	struct str		 value = { t->value.data, t->value.len };
	int			 rc;

	/* An empty slice has no address; SQLite takes that for NULL. */
	st = sql_open(s, "SELECT dim, value FROM request_seconds "
	    "WHERE (dim, value) > (?, ?) ORDER BY dim, value LIMIT 1", "is",
	    t->dim, value.n == 0 ? STR("") : value);
	if (st == NULL)
		return -1;
	rc = sql_step(s, st);
	buf_clear(&t->value);
	t->dim = rc == 1 ? sql_int(st, 0) : 0;
	if (rc == 1)
		buf_adds(&t->value, sql_str(st, 1));
	sql_end(st);
	return rc;
}

static int
expire_value(struct store *s, struct store_seconds *t, int64_t before, int n)
{
	struct str	 value = { t->value.data, t->value.len };

	if (sql_run(s, "DELETE FROM request_seconds WHERE dim = ?1 "
	    "AND value = ?2 AND second IN (SELECT second FROM request_seconds "
	    "WHERE dim = ?1 AND value = ?2 AND second < ?3 ORDER BY second "
	    "LIMIT ?4)", "isii", t->dim, value, before, (int64_t)n) == -1)
		return -1;
	return sql_changes(s);
}

int
store_seconds_expire(struct store *s, int n)
{
	struct store_seconds	*t = seconds_of(s);
	int64_t			 oldest = INT64_MAX;
	int			 i, rc = 1, got, sum = 0;

	if (sql_begin(s) == -1)
		return -1;
	if (sql_get(s, &oldest, "SELECT time_us FROM requests "
	    "INDEXED BY requests_time ORDER BY time_us LIMIT 1", "") == -1)
		goto fail;
	for (i = 0; i < VALUES && sum < n; i++) {
		if ((rc = next_value(s, t)) != 1)
			break;
		if ((got = expire_value(s, t, oldest / US, n - sum)) == -1)
			goto fail;
		sum += got;
	}
	if (rc == -1 || sql_commit(s) == -1)
		goto fail;
	store_seconds_forget(s);
	return sum;
fail:
	sql_rollback(s);
	return -1;
}
