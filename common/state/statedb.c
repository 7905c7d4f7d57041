/*
 * Reasoning state and stored responses.
 */
#include <stdio.h>

#include "base/clock.h"
#include "state/statedb.h"
#include "state/statedb_seal.h"
#include "state/store_sql.h"

struct store *
statedb_open(const char *path, char *err, size_t errsize)
{
	struct store	*s;

	s = sql_open_file(path, STORE_STATE, STORE_WRITE, err, errsize);
	if (s == NULL)
		return NULL;
	sql_busy(s, STATEDB_BUSY_MS);
	/* A checkpoint syncs the disk: no worker is to wait for that. */
	if (sql_checkpoint_never(s) == 0)
		return s;
	snprintf(err, errsize, "%s: %s", path, store_error(s));
	store_close(s);
	return NULL;
}

static struct str
context_of(char dst[STORE_CONTEXT_MAX], const char *kind, int64_t tenant_id,
    struct str name)
{
	char	 tenant[24];

	snprintf(tenant, sizeof(tenant), "%lld", (long long)tenant_id);
	/* Names are bounded by who makes them; ids of clients may be long. */
	if (name.n > 400)
		name = str_skip(name, name.n - 400);
	return store_context(dst, kind, str_of(tenant), name);
}

int
statedb_seal(const struct secret_box *box, const char *kind, int64_t tenant_id,
    struct str name, struct str plain, struct buf *out)
{
	char	 context[STORE_CONTEXT_MAX];

	return secret_seal(box, context_of(context, kind, tenant_id, name),
	    plain, out);
}

bool
statedb_unseal(const struct secret_box *box, const char *kind, int64_t tenant_id,
    struct str name, struct str value, struct arena *a, struct str *plain)
{
	char		 context[STORE_CONTEXT_MAX];
	struct buf	 b;
	bool		 ok;

	buf_init(&b, STATEDB_VALUE_MAX);
	ok = secret_open(box, context_of(context, kind, tenant_id, name),
	    value, &b) == 0;
	if (ok)
		*plain = arena_str(a, buf_str(&b));
	buf_release(&b);
	return ok;
}

/* --- reasoning state --------------------------------------------------------- */

int
statedb_read_begin(struct store *s)
{
	return sql_begin_read(s);
}

void
statedb_read_end(struct store *s)
{
	if (sql_commit(s) == -1)
		sql_rollback(s);
}

int
vault_any(struct store *s, int64_t tenant_id)
{
	int64_t	 one;

	return sql_get(s, &one, "SELECT 1 FROM vault WHERE tenant_id = ? "
	    "LIMIT 1", "i", tenant_id);
}

int
vault_get(struct store *s, const struct secret_box *box, int64_t tenant_id,
    struct str name, struct str family, struct arena *a, struct vault_row *r)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT family, provider, model, key_id, value "
	    "FROM vault WHERE tenant_id = ? AND name = ? "
	    "ORDER BY family = ? DESC LIMIT 1", "iss", tenant_id, name, family);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		r->name = name;
		r->family = arena_str(a, sql_str(st, 0));
		r->provider = arena_str(a, sql_str(st, 1));
		r->model = arena_str(a, sql_str(st, 2));
		r->key_id = sql_int(st, 3);
		rc = statedb_unseal(box, "vault", tenant_id, name, sql_str(st, 4), a,
		    &r->value);
	}
	sql_end(st);
	return rc;
}

/* --- stored responses ---------------------------------------------------------- */

int
response_get(struct store *s, const struct secret_box *box, int64_t tenant_id,
    struct str id, struct arena *a, struct response_row *r)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT previous, time_us, object, input "
	    "FROM responses WHERE tenant_id = ? AND id = ?", "is",
	    tenant_id, id);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		r->id = id;
		r->previous = arena_str(a, sql_str(st, 0));
		r->time_us = sql_int(st, 1);
		rc = statedb_unseal(box, "response", tenant_id, id,
		    sql_str(st, 2), a, &r->object) && statedb_unseal(box,
		    "input", tenant_id, id, sql_str(st, 3), a, &r->input);
	}
	sql_end(st);
	return rc;
}

int
response_delete(struct store *s, int64_t tenant_id, struct str id)
{
	if (sql_run(s, "DELETE FROM responses WHERE tenant_id = ? AND id = ?",
	    "is", tenant_id, id) == -1)
		return -1;
	return sql_changes(s) > 0;
}

int
statedb_tidy(struct store *s)
{
	return sql_checkpoint(s);
}

/* --- thrown away ------------------------------------------------------------------ */

static int
expire(struct store *s, int64_t before_us, int n)
{
	int	 gone;

	if (sql_run(s, "DELETE FROM vault WHERE (tenant_id, name, family) IN "
	    "(SELECT tenant_id, name, family FROM vault WHERE time_us < ? "
	    "ORDER BY time_us LIMIT ?)", "ii", before_us, (int64_t)n) == -1)
		return -1;
	gone = sql_changes(s);
	/* They stand in the order in which they came. */
	if (sql_run(s, "DELETE FROM responses WHERE seq IN (SELECT seq FROM "
	    "(SELECT seq, time_us FROM responses ORDER BY seq LIMIT ?) "
	    "WHERE time_us < ?)", "ii", (int64_t)n, before_us) == -1)
		return -1;
	gone += sql_changes(s);
	if ((n = conversations_expire(s, before_us, n)) == -1)
		return -1;
	return gone + n;
}

int
statedb_expire(struct store *s, int64_t before_us, int64_t max_bytes, int n)
{
	int64_t	 bytes = 0;
	int	 gone;

	if (sql_begin(s) == -1)
		return -1;
	gone = expire(s, before_us, n);
	if (gone == 0 && max_bytes > 0) {
		if (sql_get(s, &bytes, "SELECT (p.page_count - "
		    "f.freelist_count) * z.page_size FROM pragma_page_count "
		    "p, pragma_freelist_count f, pragma_page_size z", "") ==
		    -1)
			gone = -1;
		else if (bytes > max_bytes)
			gone = expire(s, INT64_MAX, n);
	}
	if (gone == -1 || sql_commit(s) == -1) {
		sql_rollback(s);
		return -1;
	}
	return gone;
}
