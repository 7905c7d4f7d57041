/*
 * The request log: pages, one request with its bodies, export.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "admind/api.h"
#include "admind/live.h"
#include "admind/log_export.h"
#include "admind/rows.h"
#include "base/codec.h"

#define PAGE_MS		80

static void
list_cb(void *arg, const struct log_row *row)
{
	json_array_append_new(arg, row_json(row));
}

/* "1790000000000000-42", as the page before gave it. */
static bool
cursor_of(struct api *a, struct log_cursor *c)
{
	struct str	 s = STR_NONE, id;

	if (!api_query_str(a, "cursor", &s))
		return false;
	if (s.n == 0)
		return true;
	id = s;
	s = str_cut(&id, '-');
	if (str_to_int(s, 0, INT64_MAX, &c->time_us) == 0 &&
	    str_to_int(id, 0, INT64_MAX, &c->id) == 0)
		return true;
	api_problem(a, 400, "cursor", "is not one that a page gave");
	return false;
}

/*
 * A page may have fewer rows than asked for, and still be followed by others:
 * "searched_to" tells how far back it looked.
 */
static void
serve_logs(struct api *a)
{
	struct log_filter	 f;
	struct log_cursor	 c = { 0, 0 };
	int64_t			 limit = 50;
	json_t			*rows;
	char			 next[64];
	int			 rc;

	if (!row_filter(a, &f) || !row_times(a, &f) || !cursor_of(a, &c) ||
	    !api_query_int(a, "limit", 1, 500, &limit) ||
	    api_store(a, STORE_READ) == NULL)
		return;
	rows = json_array();
	rc = store_log_page(a->store, &f, &c, (int)limit, PAGE_MS, list_cb,
	    rows);
	if (rc == -1) {
		json_decref(rows);
		api_store_failed(a);
		return;
	}
	snprintf(next, sizeof(next), "%lld-%lld", (long long)c.time_us,
	    (long long)c.id);
	api_json(a, 200, json_pack("{s:o,s:o,s:o}", "rows", rows, "next",
	    rc == 1 ? json_string(next) : json_null(), "searched_to",
	    rc == 1 ? api_time(c.time_us) : json_null()));
}

static void
one_cb(void *arg, const struct log_row *row)
{
	*(json_t **)arg = row_json(row);
}

static void
body_cb(void *arg, const struct body *b)
{
	json_array_append_new(arg, body_json(b));
}

/* Those that were kept, if any were; the file is there from the first on. */
static json_t *
bodies_json(struct api *a)
{
	json_t		*list = json_array();
	struct store	*s;
	char		 err[2048];

	if (access(a->ad->paths.bodies, F_OK) == -1)
		return list;
	s = bodies_open(a->ad->paths.bodies, STORE_READ, err, sizeof(err));
	if (s != NULL && bodies_of(s, a->id[0], body_cb, list) >= 0) {
		store_close(s);
		return list;
	}
	api_problem(a, 503, NULL, "%s", s == NULL ? err : store_error(s));
	store_close(s);
	json_decref(list);
	return NULL;
}

static void
serve_log(struct api *a)
{
	json_t	*row = NULL, *bodies;
	int	 rc;

	if (api_store(a, STORE_READ) == NULL)
		return;
	rc = store_log_find(a->store, a->id[0], one_cb, &row);
	if (rc == -1)
		api_store_failed(a);
	else if (rc == 0)
		api_problem(a, 404, NULL, "no request '%.*s' is in the log",
		    STR_FMT(a->id[0]));
	else if ((bodies = bodies_json(a)) == NULL)
		json_decref(row);
	else
		api_json(a, 200, json_pack("{s:o,s:o}", "row", row, "bodies",
		    bodies));
}

/* --- export ------------------------------------------------------------------------------ */

static void
serve_export(struct api *a)
{
	struct log_filter	 f;
	struct str		 format = STR("jsonl");
	int64_t			 limit = INT64_MAX;

	if (!row_filter(a, &f) || !row_times(a, &f) ||
	    !api_query_str(a, "format", &format) ||
	    !api_query_int(a, "limit", 1, INT64_MAX, &limit))
		return;
	if (str_is(format, "csv") || str_is(format, "jsonl"))
		log_export(a, &f, str_is(format, "csv"), limit);
	else
		api_problem(a, 400, "format", "must be csv or jsonl");
}

static void
serve_follow(struct api *a)
{
	struct log_filter	 f;

	if (row_filter(a, &f))
		live_follow(a, &f);
}

const struct api_route api_logs_routes[] = {
	{ "GET", "/api/v1/logs", ADMIN_VIEWER, serve_logs, 0,
	    ROW_FILTER ROW_TIMES " cursor limit" },
	{ "GET", "/api/v1/logs/export", ADMIN_VIEWER, serve_export, 0,
	    ROW_FILTER ROW_TIMES " format limit" },
	{ "GET", "/api/v1/logs/follow", ADMIN_VIEWER, serve_follow, 0,
	    ROW_FILTER },
	{ "GET", "/api/v1/logs/{id}", ADMIN_VIEWER, serve_log, 0, NULL },
	{ .method = NULL }
};
