/*
 * Revisions: looked at, and taken back.
 */
#include <stdio.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/store_revision.h"
#include "state/store_sql.h"

#define CHANGESET_MAX	((size_t)256 << 20)

static void
revision_read(struct sqlite3_stmt *st, struct store_revision *r)
{
	int64_t	 scope = sql_int(st, 3);

	*r = (struct store_revision){ .n = sql_int(st, 0),
	    .time_us = sql_int(st, 1), .author = sql_str(st, 2),
	    .conf = (scope & CHANGE_CONF) != 0,
	    .access = (scope & CHANGE_ACCESS) != 0,
	    .action = sql_str(st, 4), .object = sql_str(st, 5),
	    .rows = sql_int(st, 6), .since = sql_int(st, 7) };
}

int
store_revisions(struct store *s, int64_t before, int limit,
    void (*cb)(void *, const struct store_revision *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_revision	 r;
	int			 rc;

	st = sql_open(s, "SELECT n, time_us, author, scope, action, object, "
	    "rows, since FROM revisions WHERE n < ? ORDER BY n DESC LIMIT ?",
	    "ii", before == 0 ? INT64_MAX : before, (int64_t)limit);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		revision_read(st, &r);
		cb(arg, &r);
	}
	sql_end(st);
	return rc;
}

int
store_revision_get(struct store *s, int64_t n,
    void (*cb)(void *, const struct store_revision *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_revision	 r;
	int			 rc;

	st = sql_open(s, "SELECT n, time_us, author, scope, action, object, "
	    "rows, since, diff FROM revisions WHERE n = ?", "i", n);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		revision_read(st, &r);
		r.diff = sql_str(st, 8);
		cb(arg, &r);
	}
	sql_end(st);
	return rc;
}

/* --- rows that were added stay, marked as gone ----------------------------------- */

/*
 * Statistics, slots and the log refer to them by id, so what a roll-back takes
 * away is put back as if somebody had deleted it.  A slot or name that has come
 * back to its former owner is left to that.
 */
static const char *const remember_sql[] = {
	"CREATE TEMP TABLE was_providers AS SELECT * FROM main.providers",
	"CREATE TEMP TABLE was_tenants AS SELECT * FROM main.tenants",
	"CREATE TEMP TABLE was_keys AS SELECT * FROM main.keys",
	"CREATE TEMP TABLE was_client_keys AS SELECT * FROM main.client_keys",
	NULL
};

#define LEFT(t)								\
	"DELETE FROM temp.was_" t " WHERE id IN "			\
	    "(SELECT id FROM main." t ")"
#define FREE_SLOT(t)							\
	"UPDATE temp.was_" t " SET slot = NULL WHERE slot IN "		\
	    "(SELECT slot FROM main." t ")"
#define BACK(t)								\
	"INSERT INTO main." t " SELECT * FROM temp.was_" t,		\
	"DROP TABLE temp.was_" t

static const char *const put_back_sql[] = {
	LEFT("providers"),
	"UPDATE temp.was_providers SET source = 'gone', name = CASE WHEN name "
	    "IN (SELECT name FROM main.providers) THEN name || '~' || id "
	    "ELSE name END",
	BACK("providers"),
	LEFT("tenants"),
	FREE_SLOT("tenants"),
	"UPDATE temp.was_tenants SET gone_us = unixepoch() * 1000000 "
	    "WHERE gone_us = 0",
	BACK("tenants"),
	LEFT("keys"),
	FREE_SLOT("keys"),
	"DELETE FROM temp.was_keys WHERE (provider_id, print) IN "
	    "(SELECT provider_id, print FROM main.keys)",
	"UPDATE temp.was_keys SET source = 'gone', gone_us = unixepoch() * "
	    "1000000 WHERE source <> 'gone'",
	BACK("keys"),
	LEFT("client_keys"),
	FREE_SLOT("client_keys"),
	"DELETE FROM temp.was_client_keys WHERE hash IN "
	    "(SELECT hash FROM main.client_keys)",
	"UPDATE temp.was_client_keys SET gone_us = unixepoch() * 1000000 "
	    "WHERE gone_us = 0",
	BACK("client_keys"),
	NULL
};

static const char *const forget_sql[] = {
	"DROP TABLE IF EXISTS temp.was_providers",
	"DROP TABLE IF EXISTS temp.was_tenants",
	"DROP TABLE IF EXISTS temp.was_keys",
	"DROP TABLE IF EXISTS temp.was_client_keys",
	NULL
};

static int
run_all(struct store *s, const char *const *sql)
{
	for (; *sql != NULL; sql++)
		if (sql_run(s, *sql, "") == -1)
			return -1;
	return 0;
}

/* --- slots --------------------------------------------------------------------------- */

struct slotted {
	const char	*next, *slot, *put;
	int64_t		 max;
};

#define NEXT(t, live)	"SELECT id FROM " t " WHERE slot IS NULL AND " live	\
			" ORDER BY id LIMIT 1"
#define SLOT(t)		"SELECT coalesce(min(slot + 1), 0) FROM (SELECT -1 "	\
			"AS slot UNION ALL SELECT slot FROM " t " WHERE slot "	\
			"NOTNULL) WHERE slot + 1 NOT IN (SELECT slot FROM " t	\
			" WHERE slot NOTNULL)"
#define PUT(t)		"UPDATE " t " SET slot = ? WHERE id = ?"
static const struct slotted accounts[] = {
	{ NEXT("tenants", "gone_us = 0"), SLOT("tenants"), PUT("tenants"),
	    1024 },
	{ NEXT("client_keys", "gone_us = 0"), SLOT("client_keys"),
	    PUT("client_keys"), 4096 }
};

/* What came back without a slot, because it was given away, gets another. */
static int
give_slots(struct store *s)
{
	int64_t	 id, slot = 0;
	size_t	 i;
	int	 rc;

	while ((rc = sql_get(s, &id, "SELECT id FROM keys WHERE slot IS NULL "
	    "AND source <> 'gone' ORDER BY id LIMIT 1", "")) == 1)
		if (store_slot_take(s, &slot) == -1 || sql_run(s,
		    "UPDATE keys SET slot = ? WHERE id = ?", "ii", slot,
		    id) == -1)
			return -1;
	for (i = 0; rc == 0 && i < 2; i++)
		while ((rc = sql_get(s, &id, accounts[i].next, "")) == 1)
			if (sql_get(s, &slot, accounts[i].slot, "") == -1 ||
			    (slot >= accounts[i].max && store_fail(s, "more "
			    "than %lld accounts", (long long)
			    accounts[i].max) == -1) || sql_run(s,
			    accounts[i].put, "ii", slot, id) == -1)
				return -1;
	return rc;
}

/* --- taking back ----------------------------------------------------------------------- */

struct undo {
	struct sql_undo	 u;
	struct store	*s;
};

static bool
table_in(const char *table, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(table, *list) == 0)
			return true;
	return false;
}

static bool
undo_table(const struct sql_undo *u, const char *table)
{
	return ((u->scope & CHANGE_CONF) != 0 &&
	    table_in(table, change_tables(CHANGE_CONF))) ||
	    ((u->scope & CHANGE_ACCESS) != 0 &&
	    table_in(table, change_tables(CHANGE_ACCESS)));
}

static bool
undo_soft(const struct sql_undo *u, const char *table, int column)
{
	const struct undo	*un = (const struct undo *)u;
	struct sqlite3_stmt	*st;
	char			 name[64] = "";

	st = sql_open(un->s, "SELECT name FROM pragma_table_info(?) "
	    "WHERE cid = ?", "si", str_of(table), (int64_t)column);
	if (st != NULL && sql_step(un->s, st) == 1)
		snprintf(name, sizeof(name), "%.*s", STR_FMT(sql_str(st, 0)));
	sql_end(st);
	return change_soft(table, name);
}

/* 1: done; 0: conflict; -1. */
static int
undo_one(struct store *s, int64_t n, unsigned scope)
{
	struct undo		 un = { .u = { undo_table, undo_soft, scope },
				    .s = s };
	struct sqlite3_stmt	*st;
	struct buf		 b, why;
	int			 rc;

	if ((st = sql_open(s, "SELECT changeset FROM revisions WHERE n = ?",
	    "i", n)) == NULL)
		return -1;
	buf_init(&b, CHANGESET_MAX);
	if ((rc = sql_step(s, st)) == 1)
		(void)buf_adds(&b, sql_str(st, 0));
	sql_end(st);
	if (rc == 1)
		rc = sql_changes_undo(s, buf_str(&b), &un.u);
	buf_release(&b);
	if (rc != 0)
		return rc;
	buf_init(&why, sizeof(s->err));
	(void)buf_addz(&why, s->err);
	store_fail(s, "revision %lld cannot be taken back: %.*s",
	    (long long)n, STR_FMT(buf_str(&why)));
	buf_release(&why);
	return 0;
}

/* The newest one from top down that is to be taken back; 0: none is left. */
static int
undo_next(struct store *s, const struct rollback *rb, int64_t top, int64_t *n)
{
	if (rb->only) {
		*n = rb->n;
		return top > rb->n;
	}
	return sql_get(s, n, "SELECT n FROM revisions WHERE n > ? AND n < ? "
	    "AND scope & 1 ORDER BY n DESC LIMIT 1", "ii", rb->n, top);
}

static int
undo_all(struct store *s, struct rollback *rb)
{
	int64_t		 n = INT64_MAX;
	int		 rc;

	while ((rc = undo_next(s, rb, n, &n)) == 1) {
		if ((rc = undo_one(s, n, s->scope)) != 1)
			return rc;
		rb->undone++;
	}
	return rc == -1 ? -1 : 1;
}

/* After all of it: what no row by itself can tell. */
static int
check_whole(struct store *s)
{
	struct sqlite3_stmt	*st;
	int64_t			 n = 0;
	int			 rc;

	st = sql_open(s, "SELECT \"table\", parent FROM "
	    "pragma_foreign_key_check", "");
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1)
		store_fail(s, "a row of %.*s would refer to one of %.*s that "
		    "is not there", STR_FMT(sql_str(st, 0)),
		    STR_FMT(sql_str(st, 1)));
	sql_end(st);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	if (sql_get(s, &n, "SELECT count(*) FROM users", "") == -1)
		return -1;
	if (n == 0)
		return 1;
	if (sql_get(s, &n, "SELECT count(*) FROM users WHERE role = 'admin' "
	    "AND enabled", "") == -1)
		return -1;
	if (n == 0)
		store_fail(s, "no enabled administrator would be left");
	return n > 0;
}

/* A session of a user who is gone or another now ends. */
static int
end_sessions(struct store *s, const struct rollback *rb)
{
	if (!rb->only)
		return 0;
	return sql_run(s, "DELETE FROM sessions WHERE user_id NOT IN (SELECT "
	    "id FROM users WHERE enabled)", "");
}

/* 1: done; 0: conflict; -1. */
static int
undo(struct store *s, struct rollback *rb)
{
	int	 rc;

	if (run_all(s, remember_sql) == -1)
		return -1;
	if ((rc = undo_all(s, rb)) != 1)
		return rc;
	if (run_all(s, put_back_sql) == -1 || give_slots(s) == -1 ||
	    end_sessions(s, rb) == -1)
		return -1;
	return check_whole(s);
}

/* Is there such a revision, and something to take back? */
static int
is_there(struct store *s, struct rollback *rb)
{
	int64_t	 since = 0, scope;
	int	 rc;

	rc = sql_get(s, &since, "SELECT since FROM revisions WHERE n = ?",
	    "i", rb->n);
	if (rc != 1)
		return rc;
	if (rb->only && sql_get(s, &scope, "SELECT scope FROM revisions "
	    "WHERE n = ?", "i", rb->n) == 1)
		s->scope = (unsigned)scope;
	if (rb->only && since < rb->n)
		return store_fail(s, "revisions %lld to %lld are merged: they "
		    "cannot be taken back any more", (long long)since,
		    (long long)rb->n), -2;
	return sql_get(s, &rb->left, "SELECT count(*) FROM revisions "
	    "WHERE n > ? AND scope & 2", "i", rb->n) == -1 ? -1 : 1;
}

static int
preview(struct store *s, struct rollback *rb)
{
	struct buf	 b;
	int		 rc;

	buf_init(&b, CHANGESET_MAX);
	rc = sql_track_take(s, &b);
	if (rc == 0)
		rb->diff = change_diff(s, buf_str(&b));
	buf_release(&b);
	return rc == 0 && rb->diff != NULL ? 0 : -1;
}

static enum rollback_result
finish(struct store *s, struct rollback *rb, int rc)
{
	char	 n[24], why[sizeof(s->err)];

	if (rc == 1 && preview(s, rb) == -1)
		rc = -1;
	snprintf(n, sizeof(n), "%lld", (long long)rb->n);
	if (rc == 1 && !rb->dry && run_all(s, forget_sql) == 0 &&
	    change_commit(s, rb->only ? "undo" : "roll back to",
	    str_of(n)) == 0)
		return ROLLBACK_DONE;
	if (rc == 1 && !rb->dry)
		rc = -1;
	snprintf(why, sizeof(why), "%s", s->err);
	change_rollback(s);
	if (rc == 1)
		return ROLLBACK_DONE;
	store_fail(s, "%s", why);
	return rc == 0 || rc == -2 ? ROLLBACK_CONFLICT : ROLLBACK_STORE;
}

enum rollback_result
store_rollback(struct store *s, struct rollback *rb)
{
	enum rollback_result	 r;
	int			 rc;

	rb->diff = NULL;
	rb->undone = rb->left = 0;
	must(s->depth == 0);
	sql_references(s, false);	/* as rows come in any order */
	if (change_begin(s, CHANGE_CONF) == -1) {
		sql_references(s, true);
		return ROLLBACK_STORE;
	}
	rc = is_there(s, rb);
	if (rc == 1)
		rc = undo(s, rb);
	else if (rc == 0) {
		change_rollback(s);
		sql_references(s, true);
		return ROLLBACK_NONE;
	}
	r = finish(s, rb, rc);
	sql_references(s, true);
	return r;
}
