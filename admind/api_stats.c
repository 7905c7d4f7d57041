/*
 * Figures: of this moment, and of any time from the roll-ups.
 */
#include <stdio.h>

#include "admind/api.h"
#include "admind/live.h"
#include "admind/status.h"
#include "base/clock.h"
#include "state/row_json.h"
#include "state/store_rollup.h"

#define SERIES_MAX	2000		/* points of one answer */

/* --- this moment ------------------------------------------------------------------------ */

static void
serve_status(struct api *a)
{
	static struct status_view	 v;

	status_gather(&v, a->rq->arena, &a->ad->paths);
	status_json(&v, a->ad->process.admin_host, a->ad->bound_port,
	    &a->r->body);
	a->r->type = "application/json";
	a->replied = true;
}

static void
serve_live(struct api *a)
{
	live_figures(a);
}

/* --- over time --------------------------------------------------------------------------- */

struct series {
	json_t		*points;	/* by period and name */
	json_t		*names;		/* name: its own sum */
	struct rollup	 all, name_sum[SERIES_MAX];
	char		*name[SERIES_MAX];
	size_t		 n, npoints;
	bool		 by_provider;
	struct arena	*arena;
};

static void
name_add(struct series *s, struct str name, const struct rollup *sum)
{
	size_t	 i;

	for (i = 0; i < s->n; i++)
		if (str_is(name, s->name[i]))
			break;
	if (i == SERIES_MAX)
		return;
	if (i == s->n)
		s->name[s->n++] = arena_bytes(s->arena, name.n + 1);
	memcpy(s->name[i], name.p, name.n);
	s->name[i][name.n] = '\0';
	rollup_add(&s->name_sum[i], sum);
}

static void
point_cb(void *arg, const struct rollup_row *row)
{
	struct series	*s = arg;
	struct str	 name = row->name, rest = row->name;
	json_t		*o;

	if (s->by_provider)
		name = str_cut(&rest, '/');
	rollup_add(&s->all, &row->sum);
	name_add(s, name, &row->sum);
	if (s->points == NULL || s->npoints++ >= SERIES_MAX * 10)
		return;
	o = rollup_json(&row->sum);
	json_object_set_new(o, "start", json_integer(row->start_s));
	json_object_set_new(o, "name", api_text(name));
	json_array_append_new(s->points, o);
}

static bool
dim_of(struct api *a, enum rollup_dim *dim, bool *by_provider)
{
	static const struct {
		const char	*name;
		enum rollup_dim	 dim;
	} d[] = {
		{ "all", ROLLUP_ALL }, { "model", ROLLUP_TARGET },
		{ "provider", ROLLUP_TARGET }, { "key", ROLLUP_KEY },
		{ "tenant", ROLLUP_TENANT },
		{ "client_key", ROLLUP_CLIENT_KEY },
		{ "attempts", ROLLUP_ATTEMPTS }
	};
	struct str	 s = STR("all");
	size_t		 i;

	if (!api_query_str(a, "by", &s))
		return false;
	for (i = 0; i < sizeof(d) / sizeof(*d); i++)
		if (str_is(s, d[i].name)) {
			*dim = d[i].dim;
			*by_provider = str_is(s, "provider");
			return true;
		}
	api_problem(a, 400, "by", "must be all, model, provider, key, tenant, "
	    "client_key or attempts");
	return false;
}

static bool
period_of(struct api *a, int64_t span, enum rollup_period *p)
{
	struct str	 s = STR_NONE;

	if (!api_query_str(a, "step", &s))
		return false;
	if (s.n == 0)
		*p = span <= 3 * 3600 ? ROLLUP_MINUTE : span <= 14 * 86400 ?
		    ROLLUP_HOUR : ROLLUP_DAY;
	else if (str_is(s, "minute"))
		*p = ROLLUP_MINUTE;
	else if (str_is(s, "hour"))
		*p = ROLLUP_HOUR;
	else if (str_is(s, "day"))
		*p = ROLLUP_DAY;
	else {
		api_problem(a, 400, "step", "must be minute, hour or day");
		return false;
	}
	return true;
}

static json_t *
names_json(const struct series *s)
{
	json_t	*list = json_array(), *o;
	size_t	 i;

	for (i = 0; i < s->n; i++) {
		o = rollup_json(&s->name_sum[i]);
		json_object_set_new(o, "name", api_text(str_of(s->name[i])));
		json_array_append_new(list, o);
	}
	return list;
}

/* from and to in seconds since 1970; the last day where they are not given. */
static void
serve_stats(struct api *a)
{
	struct series		*s = ARENA_NEW(a->rq->arena, struct series);
	struct str		 name = STR_NONE, points = STR_NONE;
	enum rollup_period	 period = ROLLUP_HOUR;
	enum rollup_dim		 dim = ROLLUP_ALL;
	int64_t			 to = clock_wall_us() / 1000000 + 1, from = -1;

	if (!api_query_int(a, "to", 0, INT64_MAX / 2, &to) ||
	    !api_query_int(a, "from", 0, INT64_MAX / 2, &from) ||
	    !dim_of(a, &dim, &s->by_provider) ||
	    !api_query_str(a, "name", &name) ||
	    !api_query_str(a, "points", &points))
		return;
	if (points.n > 0 && !str_is(points, "true") &&
	    !str_is(points, "false")) {
		api_problem(a, 400, "points", "must be true or false");
		return;
	}
	if (from < 0)
		from = to - 86400;
	if (from >= to) {
		api_problem(a, 400, "from", "must be before 'to'");
		return;
	}
	if (!period_of(a, to - from, &period) ||
	    api_store(a, STORE_READ) == NULL)
		return;
	from -= from % (int64_t)period;
	s->arena = a->rq->arena;
	s->points = str_is(points, "false") ? NULL : json_array();
	if (store_rollups(a->store, dim, period, from, to, name, point_cb,
	    s) == -1) {
		json_decref(s->points);
		api_store_failed(a);
		return;
	}
	api_json(a, 200, json_pack("{s:i,s:I,s:I,s:o,s:o,s:o}", "step",
	    (int)period, "from", (json_int_t)from, "to", (json_int_t)to,
	    "all", rollup_json(&s->all), "names", names_json(s), "points",
	    s->points == NULL ? json_array() : s->points));
}

/* --- budgets ---------------------------------------------------------------------------- */

static void
serve_budgets(struct api *a)
{
	int64_t	 percent = 0;
	json_t	*list;

	if (!api_query_int(a, "percent", 0, 1000000, &percent) ||
	    api_store(a, STORE_READ) == NULL)
		return;
	list = budgets_json(a->store, clock_wall_us(), percent);
	if (list == NULL)
		api_store_failed(a);
	else
		api_json(a, 200, json_pack("{s:o}", "budgets", list));
}

const struct api_route api_stats_routes[] = {
	{ "GET", "/api/v1/status", ADMIN_VIEWER, serve_status, 0, NULL },
	{ "GET", "/api/v1/live", ADMIN_VIEWER, serve_live, 0, NULL },
	{ "GET", "/api/v1/stats", ADMIN_VIEWER, serve_stats, 0,
	    "from to by step name points" },
	{ "GET", "/api/v1/budgets", ADMIN_VIEWER, serve_budgets, 0,
	    "percent" },
	{ .method = NULL }
};
