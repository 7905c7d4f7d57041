/*
 * What models turned out not to take.
 */
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "state/daemon.h"
#include "state/store_refusal.h"
#include "state/store_sql.h"

static int
learn_one(struct store *s, const struct acct_rec *r, struct str name,
    struct str rename, int64_t ms)
{
	int64_t	 now = clock_wall_us();

	if (sql_run(s, "INSERT INTO refusals (provider, model, name, rename, "
	    "since_us, expires_us, n) VALUES (?, ?, ?, ?, ?, ?, 1) "
	    "ON CONFLICT (provider, model, name) DO UPDATE SET "
	    "rename = excluded.rename, expires_us = excluded.expires_us, "
	    "n = n + 1", "ssssii", r->s[ACCT_PROVIDER],
	    r->s[ACCT_MODEL_SENT], name, rename, now, now + ms * 1000) == -1)
		return -1;
	return sql_run(s, "DELETE FROM refusals WHERE (provider, model, name) "
	    "IN (SELECT provider, model, name FROM refusals "
	    "ORDER BY expires_us DESC LIMIT -1 OFFSET ?)", "i",
	    (int64_t)STORE_REFUSALS);
}

int
store_refusals_learn(struct store *s, const struct acct_rec *r)
{
	struct str	 rest = r->s[ACCT_REFUSED], line, name;
	int64_t		 ms;
	int		 rc;

	if (rest.n == 0)
		return 0;
	rc = sql_get(s, &ms, "SELECT value FROM settings "
	    "WHERE name = 'refusal_ms'", "");
	if (rc != 1 || ms == 0)
		return rc == -1 ? -1 : 0;
	while (rest.n > 0) {
		line = str_cut(&rest, '\n');
		name = str_cut(&line, '\t');
		/* An empty slice has no address; SQLite takes that for NULL. */
		if (learn_one(s, r, name, line.n == 0 ? STR("") : line,
		    ms) == -1)
			return -1;
	}
	return sql_run(s, "UPDATE meta SET generation = generation + 1", "");
}

int
store_refusals_each(struct store *s,
    void (*cb)(void *, const struct store_refusal *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_refusal	 r;
	int			 rc;

	st = sql_open(s, "SELECT provider, model, name, rename, since_us, "
	    "expires_us, n FROM refusals WHERE expires_us > ? "
	    "ORDER BY provider, model, name", "i", clock_wall_us());
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		r.provider = sql_str(st, 0);
		r.model = sql_str(st, 1);
		r.name = sql_str(st, 2);
		r.rename = sql_str(st, 3);
		r.since_us = sql_int(st, 4);
		r.expires_us = sql_int(st, 5);
		r.n = sql_int(st, 6);
		cb(arg, &r);
	}
	sql_end(st);
	return rc;
}

int
store_refusals_expire(struct store *s)
{
	if (sql_run(s, "DELETE FROM refusals WHERE expires_us <= ?", "i",
	    clock_wall_us()) == -1)
		return -1;
	return sql_changes(s);
}

static json_t *
json_text(struct str s)
{
	json_t	*v = json_stringn(s.n == 0 ? "" : s.p, s.n);

	return v == NULL ? json_string("") : v;
}

static void
json_cb(void *arg, const struct store_refusal *r)
{
	char	 since[CLOCK_RFC3339_LEN], expires[CLOCK_RFC3339_LEN];

	json_array_append_new(arg, json_pack("{s:o,s:o,s:o,s:o,s:s,s:s,s:I}",
	    "provider", json_text(r->provider), "model", json_text(r->model),
	    "name", json_text(r->name), "rename", r->rename.n == 0 ?
	    json_null() : json_text(r->rename),
	    "since", clock_rfc3339(r->since_us, since),
	    "expires", clock_rfc3339(r->expires_us, expires),
	    "times", (json_int_t)r->n));
}

struct json_t *
store_refusals_json(const char *path)
{
	json_t		*list = json_array();
	struct store	*s;
	char		 err[1500];

	if (access(path, F_OK) == -1 ||
	    (s = store_open(path, STORE_READ, err, sizeof(err))) == NULL)
		return list;
	(void)!store_refusals_each(s, json_cb, list);
	store_close(s);
	return list;
}
