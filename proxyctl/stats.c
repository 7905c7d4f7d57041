/*
 * stats: sums over time from the roll-ups, and by model, provider, key, tenant
 * and client key.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/row_json.h"
#include "state/store_rollup.h"
#include "state/store_tenants.h"

#define ROWS_MAX	200000
#define DAY_S		86400

struct line {
	int64_t		 start_s;	/* 0: of all */
	char		*name;
	struct rollup	 sum;
};

struct stats {
	struct ctl		*c;
	enum rollup_dim		 dim;
	bool			 by_provider;
	int64_t			 from_s, to_s;
	enum rollup_period	 read;		/* what is read */
	int64_t			 by;		/* seconds of a line; 0: all */
	struct line		*line;
	size_t			 n, cap;
	struct rollup		 all;
	json_t			*names;		/* id: a name for people */
	bool			 full;
};

/* --- what is asked for -------------------------------------------------------------- */

/* Old minutes and hours are deleted, days stay. */
static enum rollup_period
finest(int64_t from_s)
{
	int64_t	 age = clock_wall_us() / 1000000 - from_s;

	return age <= ROLLUP_MINUTES_S ? ROLLUP_MINUTE :
	    age <= ROLLUP_HOURS_S ? ROLLUP_HOUR : ROLLUP_DAY;
}

static int
period_of(struct stats *s)
{
	const char	*by = s->c->opt[OPT_BY];
	int64_t		 span = s->to_s - s->from_s;
	bool		 series = strcmp(s->c->word->name, "requests") == 0;

	s->read = finest(s->from_s);
	if (by == NULL && series)
		s->by = span <= 2 * 3600 ? ROLLUP_MINUTE : span <= 3 * DAY_S ?
		    ROLLUP_HOUR : ROLLUP_DAY;
	else if (by == NULL || strcmp(by, "all") == 0)
		s->by = 0;
	else
		s->by = strcmp(by, "minute") == 0 ? ROLLUP_MINUTE :
		    strcmp(by, "hour") == 0 ? ROLLUP_HOUR : ROLLUP_DAY;
	if (s->by == 0 || s->by >= (int64_t)s->read) {
		/* No more rows than are wanted. */
		if (s->by > 0)
			s->read = (enum rollup_period)s->by;
		s->from_s -= s->from_s % (int64_t)s->read;
		return 0;
	}
	if (by == NULL) {
		s->by = s->read;
		s->from_s -= s->from_s % (int64_t)s->read;
		return 0;
	}
	ctl_fail("stats: --by %s: %ss are kept for %d days; --since is "
	    "earlier", by, by, (s->by == ROLLUP_MINUTE ? ROLLUP_MINUTES_S :
	    ROLLUP_HOURS_S) / DAY_S);
	return -1;
}

static int
stats_init(struct stats *s, struct ctl *c)
{
	int64_t	 since = 0, until = clock_wall_us() + 1000000;
	int	 r;

	*s = (struct stats){ .c = c, .dim = ROLLUP_ALL };
	if ((r = ctl_time(c, OPT_SINCE, false, &since)) == -1 ||
	    ctl_time(c, OPT_UNTIL, false, &until) == -1)
		return -1;
	if (r == 0)
		since = until - (int64_t)DAY_S * 1000000;
	if (since >= until) {
		ctl_fail("stats: --since must be before --until");
		return -1;
	}
	s->from_s = since / 1000000;
	s->to_s = until / 1000000;
	s->by_provider = strcmp(c->word->name, "providers") == 0;
	if (s->by_provider || strcmp(c->word->name, "models") == 0)
		s->dim = ROLLUP_TARGET;
	else if (strcmp(c->word->name, "keys") == 0)
		s->dim = ROLLUP_KEY;
	else if (strcmp(c->word->name, "tenants") == 0)
		s->dim = ROLLUP_TENANT;
	else if (strcmp(c->word->name, "client-keys") == 0)
		s->dim = ROLLUP_CLIENT_KEY;
	return period_of(s);
}

/* --- summed -------------------------------------------------------------------------- */

static struct line *
line_new(struct stats *s, int64_t start_s, struct str name)
{
	struct line	*l;

	if (s->n == ROWS_MAX) {
		s->full = true;
		return NULL;
	}
	if (s->n == s->cap) {
		s->cap = s->cap * 2 + 64;
		s->line = reallocarray(s->line, s->cap, sizeof(*s->line));
		must(s->line != NULL);
	}
	l = &s->line[s->n++];
	memset(l, 0, sizeof(*l));
	l->start_s = start_s;
	l->name = strndup(name.n == 0 ? "" : name.p, name.n);
	must(l->name != NULL);
	return l;
}

/* Rows come by time, then name. */
static void
row_cb(void *arg, const struct rollup_row *row)
{
	struct stats	*s = arg;
	struct str	 name = row->name, rest = row->name;
	int64_t		 start_s = s->by == 0 ? 0 :
			    row->start_s - row->start_s % s->by;
	struct line	*l = NULL;
	size_t		 i;

	if (s->by_provider)
		name = str_cut(&rest, '/');
	rollup_add(&s->all, &row->sum);
	for (i = s->n; i > 0 && s->line[i - 1].start_s == start_s; i--)
		if (str_is(name, s->line[i - 1].name)) {
			l = &s->line[i - 1];
			break;
		}
	if (l == NULL && (l = line_new(s, start_s, name)) == NULL)
		return;
	rollup_add(&l->sum, &row->sum);
}

static int
busiest(const void *a, const void *b)
{
	const struct line	*x = a, *y = b;

	if (x->start_s != y->start_s)
		return x->start_s < y->start_s ? -1 : 1;
	if (x->sum.requests != y->sum.requests)
		return x->sum.requests > y->sum.requests ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* --- ids as names -------------------------------------------------------------------- */

static void
name_put(json_t *names, int64_t id, struct str name)
{
	char	 key[24];

	snprintf(key, sizeof(key), "%lld", (long long)id);
	json_object_set_new(names, key, text_json(name));
}

static void
tenant_cb(void *arg, const struct store_tenant *t)
{
	name_put(arg, t->id, t->name);
}

static void
client_key_cb(void *arg, const struct store_client_key *k)
{
	name_put(arg, k->id, k->name);
}

static int
names_read(struct stats *s, struct store *st)
{
	json_t	*all, *o;
	char	 name[128];
	size_t	 i;

	s->names = json_object();
	if (s->dim == ROLLUP_TENANT)
		return store_tenants(st, tenant_cb, s->names);
	if (s->dim == ROLLUP_CLIENT_KEY)
		return store_client_keys(st, client_key_cb, s->names);
	if (s->dim != ROLLUP_KEY)
		return 0;
	if ((all = ctl_objects(s->c, st, OBJECT_KEY)) == NULL)
		return -1;
	json_array_foreach(all, i, o) {
		snprintf(name, sizeof(name), "%s %s (id %lld)",
		    json_text(o, "provider"), json_text(o, "mask"),
		    (long long)objects_id(o));
		name_put(s->names, objects_id(o), str_of(name));
	}
	json_decref(all);
	return 0;
}

static bool
has_ids(const struct stats *s)
{
	return s->dim == ROLLUP_KEY || s->dim == ROLLUP_TENANT ||
	    s->dim == ROLLUP_CLIENT_KEY;
}

static void
add_name(struct table *t, const struct stats *s, const struct line *l)
{
	const char	*name = json_text(s->names, l->name);

	if (!has_ids(s))
		table_addz(t, l->name);
	else if (name[0] != '\0')
		table_addz(t, name);
	else
		table_addf(t, "%.24s (deleted)", l->name);
}

/* --- printed ------------------------------------------------------------------------- */

static const struct column figures[] = {
	{ "REQUESTS", true, false }, { "ERRORS", true, false },
	{ "INPUT", true, false }, { "CACHED", true, false },
	{ "OUTPUT", true, false }, { "COST", true, false },
	{ "UNPRICED", true, false }, { "P50 MS", true, false },
	{ "P95 MS", true, false }, { "FIRST MS", true, false },
};
#define FIGURES	(sizeof(figures) / sizeof(*figures))

static void
add_quantile(struct table *t, const uint32_t hist[ROLLUP_BUCKETS], double q)
{
	double	 ms = rollup_quantile(hist, q);

	if (ms < 0)
		table_addz(t, "-");
	else
		table_addf(t, "%.0f", ms);
}

static void
add_figures(struct table *t, const struct rollup *r)
{
	char	 money[MONEY_LEN];

	table_addf(t, "%lld", (long long)r->requests);
	table_addf(t, "%lld", (long long)r->errors);
	table_addf(t, "%lld", (long long)r->input);
	table_addf(t, "%lld", (long long)r->cache_read);
	table_addf(t, "%lld", (long long)(r->output + r->reasoning));
	table_addz(t, ctl_money_text(r->cost, money));
	table_addf(t, "%lld", (long long)r->unpriced);
	add_quantile(t, r->hist[ROLLUP_TOTAL], 0.5);
	add_quantile(t, r->hist[ROLLUP_TOTAL], 0.95);
	add_quantile(t, r->hist[ROLLUP_TTFB], 0.5);
}

static void
print_table(const struct stats *s)
{
	struct column	 cols[FIGURES + 3];
	struct table	*t;
	char		 when[WHEN_LEN];
	size_t		 n = 0, i;
	bool		 named = s->dim != ROLLUP_ALL, last;

	if (s->by > 0 || !named)
		cols[n++] = (struct column){ s->by > 0 ? "TIME (UTC)" : "", false,
		    false };
	if (named)
		cols[n++] = (struct column){ "NAME", false, true };
	memcpy(&cols[n], figures, sizeof(figures));
	cols[n + FIGURES].name = NULL;
	t = table_new(cols);
	for (i = 0; i <= s->n && s->n > 0; i++) {
		last = i == s->n;
		if (s->by > 0 || !named)
			table_addf(t, "%.16s", last ? "all" : ctl_when(
			    s->line[i].start_s * 1000000, when));
		if (named && last)
			table_addz(t, s->by > 0 ? "" : "all");
		else if (named)
			add_name(t, s, &s->line[i]);
		add_figures(t, last ? &s->all : &s->line[i].sum);
	}
	table_print(t, "no requests in that time");
	table_free(t);
}

static int
print_json(const struct stats *s)
{
	json_t	*list = json_array(), *o;
	size_t	 i;

	for (i = 0; i < s->n; i++) {
		o = rollup_json(&s->line[i].sum);
		if (s->by > 0)
			json_object_set_new(o, "start",
			    json_integer(s->line[i].start_s));
		if (s->dim != ROLLUP_ALL)
			json_object_set_new(o, has_ids(s) ? "id" : "name",
			    text_json(str_of(s->line[i].name)));
		if (has_ids(s))
			json_object_set_new(o, "name", text_json(str_of(
			    json_text(s->names, s->line[i].name))));
		json_array_append_new(list, o);
	}
	return json_print(json_pack("{s:I,s:I,s:I,s:o,s:o}", "from",
	    (json_int_t)s->from_s, "to", (json_int_t)s->to_s, "step",
	    (json_int_t)s->by, "all", rollup_json(&s->all), "rows", list));
}

static int
stats_word(struct ctl *c)
{
	struct stats	 s;
	struct store	*st;
	size_t		 i;
	int		 r = CTL_OK;

	if (stats_init(&s, c) == -1 || (st = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	if (store_rollups(st, s.dim, s.read, s.from_s, s.to_s, STR_NONE,
	    row_cb, &s) == -1 || names_read(&s, st) == -1)
		r = ctl_store_failed(c, st);
	else if (s.full)
		r = ctl_fail("stats: more than %d lines; ask for less time, "
		    "or --by more of it", ROWS_MAX);
	else {
		if (s.n > 0)
			qsort(s.line, s.n, sizeof(*s.line), busiest);
		if (c->opt[OPT_JSON] != NULL)
			r = print_json(&s);
		else
			print_table(&s);
	}
	for (i = 0; i < s.n; i++)
		free(s.line[i].name);
	free(s.line);
	json_decref(s.names);
	store_close(st);
	return r;
}

/* --- budgets ------------------------------------------------------------------------- */

static const struct column budget_cols[] = {
	{ "OF", false, true }, { "NAME", false, true },
	{ "PERIOD", false, false }, { "SPENT", true, false },
	{ "BUDGET", true, false }, { "SHARE", true, false },
	{ "BEGINS ANEW", false, false }, { .name = NULL }
};

static void
budget_row(struct table *t, const json_t *b)
{
	const char	*ends = json_text(b, "ends");

	table_addz(t, strcmp(json_text(b, "kind"), "tenant") == 0 ? "tenant" :
	    "client key");
	table_addz(t, json_text(b, "name"));
	table_addz(t, json_text(b, "period"));
	table_addf(t, "%.6g", json_real_value(json_object_get(b, "spent")));
	table_addf(t, "%.6g", json_real_value(json_object_get(b, "limit")));
	table_addf(t, "%.0f%%", json_real_value(json_object_get(b, "share")) *
	    100);
	table_addf(t, "%.10s", ends[0] == '\0' ? "never" : ends);
}

static int
stats_budgets(struct ctl *c)
{
	struct store	*st = ctl_store(c, false);
	struct table	*t;
	json_t		*list, *b;
	size_t		 i;
	int		 r = CTL_OK;

	if (st == NULL)
		return CTL_ERROR;
	if ((list = budgets_json(st, clock_wall_us(), 0)) == NULL)
		r = ctl_store_failed(c, st);
	else if (c->opt[OPT_JSON] != NULL)
		r = json_print(list);
	else {
		t = table_new(budget_cols);
		json_array_foreach(list, i, b)
			budget_row(t, b);
		table_print(t, "no budgets");
		table_free(t);
		json_decref(list);
	}
	store_close(st);
	return r;
}

#define STAT_OPTS	{ OPT_SINCE, OPT_UNTIL, OPT_BY, OPT_JSON }

const struct word stat_words[] = {
	{ "requests", stats_word, "all of them, over time", NULL, ARG_NONE,
	    STAT_OPTS },
	{ "models", stats_word, "by provider and model", NULL, ARG_NONE,
	    STAT_OPTS },
	{ "providers", stats_word, "by provider", NULL, ARG_NONE, STAT_OPTS },
	{ "keys", stats_word, "by a provider's key", NULL, ARG_NONE,
	    STAT_OPTS },
	{ "tenants", stats_word, "by tenant", NULL, ARG_NONE, STAT_OPTS },
	{ "client-keys", stats_word, "by client key", NULL, ARG_NONE,
	    STAT_OPTS },
	{ "budgets", stats_budgets, "what is spent of each", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ .name = NULL }
};
