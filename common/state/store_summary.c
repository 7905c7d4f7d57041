/*
 * The database in a few numbers: what status pages and proxyctl check show.
 */
#include "state/store_sql.h"

static const char summary_sql[] =
    "SELECT (SELECT count(*) FROM providers WHERE source <> 'gone'), "
    "(SELECT count(*) FROM keys WHERE source <> 'gone' AND enabled), "
    "(SELECT count(*) FROM models), (SELECT count(*) FROM requests), "
    "(SELECT generation FROM meta)";

int
store_provider_names(struct store *s, void (*cb)(void *, int64_t,
    struct str, bool), void *arg)
{
	struct sqlite3_stmt	*st;
	int			 r;

	if ((st = sql_open(s, "SELECT id, name, enabled FROM providers "
	    "WHERE source <> 'gone' AND name <> 'mock' "
	    "ORDER BY source = 'builtin', pos, id", "")) == NULL)
		return -1;
	while ((r = sql_step(s, st)) == 1)
		cb(arg, sql_int(st, 0), sql_str(st, 1), sql_int(st, 2) != 0);
	sql_end(st);
	return r;
}

int
store_summary(struct store *s, struct store_summary *sum)
{
	struct sqlite3_stmt	*st;
	int			 r;

	if ((st = sql_open(s, summary_sql, "")) == NULL)
		return -1;
	if ((r = sql_step(s, st)) == 1) {
		sum->providers = sql_int(st, 0);
		sum->keys = sql_int(st, 1);
		sum->models = sql_int(st, 2);
		sum->requests = sql_int(st, 3);
		sum->generation = (uint64_t)sql_int(st, 4);
	}
	sql_end(st);
	return r == 1 ? 0 : -1;
}
