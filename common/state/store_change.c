/*
 * A change of the configuration: one transaction, one revision.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/store_revision.h"
#include "state/store_sql.h"

#define CHANGESET_MAX	((size_t)256 << 20)
#define KEEP_DEFAULT	1000

/* What references others stands behind them. */
static const char *const conf_tables[] = {
	"settings", "hosts", "providers", "provider_headers", "tenants",
	"keys", "pools", "models", "rules", "client_hash_keys", "client_keys",
	"prices", NULL
};
static const char *const access_tables[] = { "users", "api_tokens", NULL };
static const char *const no_tables[] = { NULL };

const char *const *
change_tables(unsigned scope)
{
	return scope == CHANGE_CONF ? conf_tables :
	    scope == CHANGE_ACCESS ? access_tables : no_tables;
}

/*
 * A row from before a column was added has no value of it on disk, and a
 * changeset would say that it was NULL.  Written anew, rows are whole.
 */
int
change_rows_whole(struct store *s)
{
	static const char *const sql[] = {
		"UPDATE settings SET source = source",
		"UPDATE hosts SET source = source",
		"UPDATE providers SET name = name",
		"UPDATE provider_headers SET name = name",
		"UPDATE tenants SET name = name",
		"UPDATE keys SET mask = mask",
		"UPDATE pools SET name = name",
		"UPDATE models SET target = target",
		"UPDATE rules SET name = name",
		"UPDATE client_hash_keys SET print = print",
		"UPDATE client_keys SET name = name",
		"UPDATE prices SET model = model",
		"UPDATE users SET name = name",
		"UPDATE api_tokens SET name = name"
	};
	size_t	 i;

	for (i = 0; i < sizeof(sql) / sizeof(*sql); i++)
		if (sql_run(s, sql[i], "") == -1)
			return -1;
	return 0;
}

/* What runs on without anybody's doing, or is given anew where it is wanted. */
bool
change_soft(const char *table, const char *column)
{
	if (strcmp(column, "slot") == 0)
		return true;
	if (strcmp(table, "users") == 0)
		return strcmp(column, "login_us") == 0;
	return strcmp(table, "api_tokens") == 0 &&
	    strcmp(column, "used_us") == 0;
}

void
store_author(struct store *s, struct str name)
{
	snprintf(s->author, sizeof(s->author), "%.*s", STR_FMT(name));
}

void
store_author_user(struct store *s)
{
	const struct passwd	*pw = getpwuid(getuid());

	if (pw != NULL)
		snprintf(s->author, sizeof(s->author), "%s (shell)",
		    pw->pw_name);
	else
		snprintf(s->author, sizeof(s->author), "uid %ld (shell)",
		    (long)getuid());
}

int
store_changes_begin(struct store *s)
{
	return change_begin(s, CHANGE_CONF);
}

int
store_changes_commit(struct store *s, const char *action, struct str object)
{
	return change_commit(s, action, object);
}

void
store_changes_drop(struct store *s)
{
	change_rollback(s);
}

int64_t
store_revision_made(const struct store *s)
{
	return s->revision;
}

int
change_begin(struct store *s, unsigned scope)
{
	if (s->depth > 0) {
		if (sql_run(s, "SAVEPOINT part", "") == -1)
			return -1;
		s->depth++;
		s->scope |= scope;
		return 0;
	}
	if (sql_begin(s) == -1)
		return -1;
	if (sql_track(s, conf_tables) == -1 ||
	    sql_track(s, access_tables) == -1) {
		sql_track_end(s);
		sql_rollback(s);
		return -1;
	}
	s->depth = 1;
	s->scope = scope;
	return 0;
}

/* Older ones than are wanted become one, which cannot be taken back. */
static int
merge_old(struct store *s)
{
	int64_t	 keep = KEEP_DEFAULT, floor;
	int	 rc;

	if (sql_get(s, &keep, "SELECT value FROM settings "
	    "WHERE name = 'revisions'", "") == -1)
		return -1;
	rc = sql_get(s, &floor, "SELECT n FROM revisions ORDER BY n DESC "
	    "LIMIT 1 OFFSET ?", "i", keep);
	if (rc != 1)
		return rc;
	if (sql_run(s, "UPDATE revisions SET since = (SELECT min(since) FROM "
	    "revisions), action = 'merged', object = '', author = '', "
	    "diff = '[]', rows = 0, changeset = x'' WHERE n = ?", "i",
	    floor) == -1)
		return -1;
	return sql_run(s, "DELETE FROM revisions WHERE n < ?", "i", floor);
}

/* What it came to; a slot is in no diff. */
static unsigned
scope_of(const json_t *diff, unsigned scope)
{
	const json_t	*row;
	const char	*kind;
	unsigned	 is = 0;
	size_t		 i;

	json_array_foreach((json_t *)(uintptr_t)diff, i, row) {
		kind = json_string_value(json_object_get(row, "kind"));
		is |= strcmp(kind, "user") == 0 ||
		    strcmp(kind, "token") == 0 ? CHANGE_ACCESS : CHANGE_CONF;
	}
	return is == 0 ? scope : is;
}

/* What to call it, where nobody does. */
static void
name_change(const json_t *diff, char action[64], struct str *object)
{
	const json_t	*row = json_array_get(diff, 0);
	const char	*name;

	if (action[0] == '\0')
		snprintf(action, 64, "%s %s",
		    row == NULL ? "change" :
		    json_string_value(json_object_get(row, "op")),
		    row == NULL ? "" :
		    json_string_value(json_object_get(row, "kind")));
	name = json_string_value(json_object_get(row, "name"));
	if (object->n == 0)
		*object = str_of(name == NULL ? "" : name);
}

static int
revision_add(struct store *s, struct str changeset, const char *how,
    struct str object)
{
	json_t	*diff = change_diff(s, changeset);
	char	*text, action[64];
	int	 rc;

	if (diff == NULL)
		return -1;
	snprintf(action, sizeof(action), "%s", how == NULL ? "" : how);
	name_change(diff, action, &object);
	s->scope = scope_of(diff, s->scope);
	if ((text = json_dumps(diff, JSON_COMPACT)) == NULL)
		fatalx("cannot write a diff");
	rc = sql_get(s, &s->revision, "INSERT INTO revisions (time_us, author, "
	    "scope, action, object, rows, diff, changeset, since) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT 1 + coalesce(max(n), 0) "
	    "FROM revisions)) RETURNING n", "isissisb", clock_wall_us(),
	    str_of(s->author[0] == '\0' ? "-" : s->author),
	    (int64_t)s->scope, str_of(action), object,
	    (int64_t)json_array_size(diff), str_of(text), changeset);
	free(text);
	json_decref(diff);
	if (rc != 1 || sql_run(s, "UPDATE revisions SET since = n "
	    "WHERE n = ?", "i", s->revision) == -1)
		return -1;
	return merge_old(s);
}

static int
commit(struct store *s, const char *action, struct str object)
{
	struct buf	 b;
	int64_t		 before = s->revision;
	int		 rc;

	if (sql_in_transaction(s) == -1)
		return -1;
	buf_init(&b, CHANGESET_MAX);
	rc = sql_track_take(s, &b);
	sql_track_end(s);
	if (rc == 0 && b.len > 0)
		rc = revision_add(s, buf_str(&b), action, object);
	if (rc == 0 && b.len > 0 && (s->scope & CHANGE_CONF) != 0)
		rc = sql_run(s, "UPDATE meta SET generation = generation + 1",
		    "");
	buf_release(&b);
	if (rc == 0)
		rc = sql_commit(s);
	if (rc == -1) {
		s->revision = before;
		sql_rollback(s);
	}
	return rc;
}

int
change_commit(struct store *s, const char *action, struct str object)
{
	must(s->depth > 0);
	if (--s->depth > 0)
		return sql_run(s, "RELEASE part", "");
	return commit(s, action, object);
}

void
change_rollback(struct store *s)
{
	if (s->depth > 1 && --s->depth > 0) {
		/* Where this fails, so does all that comes after it. */
		(void)!sql_run(s, "ROLLBACK TO part", "");
		(void)!sql_run(s, "RELEASE part", "");
		return;
	}
	s->depth = 0;
	sql_track_end(s);
	sql_rollback(s);
}
