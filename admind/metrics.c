/*
 * Metrics.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admind/metrics.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/shm.h"
#include "state/store_rollup.h"

#define TARGETS_MAX	2000		/* series of one name */

/* --- the format ---------------------------------------------------------------- */

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
	(void)buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type);
}

/* A label's value: backslash, quote and line end are escaped. */
static void
label(struct buf *b, const char *name, struct str value)
{
	size_t	 i;

	if (b->data[b->len - 1] != '{')
		(void)buf_addc(b, ',');
	(void)buf_addf(b, "%s=\"", name);
	for (i = 0; i < value.n; i++)
		if (value.p[i] == '\n')
			(void)buf_addz(b, "\\n");
		else if (value.p[i] == '"' || value.p[i] == '\\')
			(void)buf_addf(b, "\\%c", value.p[i]);
		else
			(void)buf_addc(b, value.p[i]);
	(void)buf_addc(b, '"');
}

/* --- sums over all requests -------------------------------------------------------- */

struct target {
	struct str	 provider, model;
	struct rollup	 sum;
};

struct targets {
	struct arena	 arena;
	struct target	*t[TARGETS_MAX];
	size_t		 n;
};

static struct target *
target_find(struct targets *ts, struct str name)
{
	struct target	*t;
	struct str	 rest = name, provider = str_cut(&rest, '/');
	size_t		 i;

	for (i = 0; i < ts->n; i++)
		if (str_eq(ts->t[i]->provider, provider) &&
		    str_eq(ts->t[i]->model, rest))
			return ts->t[i];
	if (ts->n == TARGETS_MAX)
		return ts->t[TARGETS_MAX - 1];
	t = ts->t[ts->n++] = ARENA_NEW(&ts->arena, struct target);
	t->provider = arena_str(&ts->arena, provider);
	t->model = arena_str(&ts->arena, rest);
	return t;
}

static void
target_cb(void *arg, const struct rollup_row *row)
{
	rollup_add(&target_find(arg, row->name)->sum, &row->sum);
}

static void
target_labels(struct buf *b, const struct target *t)
{
	(void)buf_addc(b, '{');
	label(b, "gen_ai_provider_name", t->provider);
	label(b, "gen_ai_request_model", t->model);
}

static double
seconds(unsigned bucket, double unit)
{
	return rollup_bound(bucket) * unit;
}

/* Every second bucket: powers of two are enough for a monitor. */
static void
histogram(struct buf *b, const char *name, const struct target *t,
    const uint32_t hist[ROLLUP_BUCKETS], double unit, double sum)
{
	uint64_t	 n = 0;
	unsigned	 i;

	for (i = 0; i < ROLLUP_BUCKETS; i++) {
		n += hist[i];
		if (i % 2 == 1 && i != ROLLUP_BUCKETS - 1)
			continue;
		(void)buf_addf(b, "%s_bucket", name);
		target_labels(b, t);
		if (i == ROLLUP_BUCKETS - 1)
			(void)buf_addf(b, ",le=\"+Inf\"} %llu\n",
			    (unsigned long long)n);
		else
			(void)buf_addf(b, ",le=\"%g\"} %llu\n",
			    seconds(i, unit), (unsigned long long)n);
	}
	if (sum >= 0) {
		(void)buf_addf(b, "%s_sum", name);
		target_labels(b, t);
		(void)buf_addf(b, "} %.6f\n", sum);
	}
	(void)buf_addf(b, "%s_count", name);
	target_labels(b, t);
	(void)buf_addf(b, "} %llu\n", (unsigned long long)n);
}

static void
durations(struct buf *b, const struct targets *ts)
{
	const struct target	*t;
	size_t			 i;

	head(b, "gen_ai_client_operation_duration_seconds", "histogram",
	    "Duration of requests, as their clients saw it.");
	for (i = 0; i < ts->n; i++) {
		t = ts->t[i];
		histogram(b, "gen_ai_client_operation_duration_seconds", t,
		    t->sum.hist[ROLLUP_TOTAL], 1e-3,
		    (double)t->sum.total_us / 1e6);
	}
	head(b, "gen_ai_server_time_to_first_token_seconds", "histogram",
	    "Time to the first byte of an answer.");
	for (i = 0; i < ts->n; i++)
		histogram(b, "gen_ai_server_time_to_first_token_seconds",
		    ts->t[i], ts->t[i]->sum.hist[ROLLUP_TTFB], 1e-3, -1);
	head(b, "proxyd_overhead_seconds", "histogram",
	    "CPU time spent on a request in proxyd itself.");
	for (i = 0; i < ts->n; i++) {
		t = ts->t[i];
		histogram(b, "proxyd_overhead_seconds", t,
		    t->sum.hist[ROLLUP_OVERHEAD], 1e-6,
		    (double)t->sum.overhead_us / 1e6);
	}
}

/* OpenTelemetry's token usage: sum and count, without a distribution. */
static void
tokens(struct buf *b, const struct targets *ts)
{
	static const char	 name[] = "gen_ai_client_token_usage";
	size_t			 i, k;

	head(b, name, "summary", "Tokens, by kind: the counts are disjoint.");
	for (i = 0; i < ts->n; i++) {
		const struct rollup	*r = &ts->t[i]->sum;
		const struct {
			const char	*type;
			int64_t		 n;
		} kind[] = {
			{ "input", r->input }, { "cache_read", r->cache_read },
			{ "cache_creation", r->cache_write },
			{ "output", r->output }, { "reasoning", r->reasoning }
		};

		for (k = 0; k < sizeof(kind) / sizeof(*kind); k++) {
			(void)buf_addf(b, "%s_sum", name);
			target_labels(b, ts->t[i]);
			label(b, "gen_ai_token_type", str_of(kind[k].type));
			(void)buf_addf(b, "} %lld\n", (long long)kind[k].n);
			(void)buf_addf(b, "%s_count", name);
			target_labels(b, ts->t[i]);
			label(b, "gen_ai_token_type", str_of(kind[k].type));
			(void)buf_addf(b, "} %lld\n", (long long)r->requests);
		}
	}
}

static void
counts(struct buf *b, const struct targets *ts)
{
	static const struct {
		const char	*name, *help;
		size_t		 off;
		double		 unit;
	} c[] = {
#define N(field)	offsetof(struct rollup, field)
		{ "proxyd_requests_total", "Requests that have ended.",
		    N(requests), 1 },
		{ "proxyd_request_errors_total", "Those that failed.",
		    N(errors), 1 },
		{ "proxyd_request_attempts_total", "Attempts made for them.",
		    N(attempts), 1 },
		{ "proxyd_requests_translated_total",
		    "Those between two dialects.", N(translated), 1 },
		{ "proxyd_cost_dollars_total", "What they cost, where a price "
		    "is known.", N(cost), 1e-6 },
		{ "proxyd_requests_unpriced_total",
		    "Those whose cost is not known.", N(unpriced), 1 },
#undef N
	};
	int64_t	 v;
	size_t	 i, k;

	for (k = 0; k < sizeof(c) / sizeof(*c); k++) {
		head(b, c[k].name, "counter", c[k].help);
		for (i = 0; i < ts->n; i++) {
			(void)buf_addz(b, c[k].name);
			target_labels(b, ts->t[i]);
			memcpy(&v, (const char *)&ts->t[i]->sum + c[k].off,
			    sizeof(v));
			(void)buf_addf(b, "} %.*f\n", c[k].unit < 1 ? 6 : 0,
			    (double)v * c[k].unit);
		}
	}
}

static void
stored(struct buf *b, const struct conf_paths *paths)
{
	struct targets	*ts;
	struct store	*s;
	char		 err[2048];

	s = store_open(paths->db, STORE_READ, err, sizeof(err));
	if (s == NULL)
		return;
	if ((ts = calloc(1, sizeof(*ts))) == NULL)
		fatal("metrics");
	arena_init(&ts->arena);
	/* Of no provider: what was refused before one was chosen. */
	if (store_rollups(s, ROLLUP_TARGET, ROLLUP_DAY, 0, INT64_MAX,
	    STR_NONE, target_cb, ts) == 0) {
		durations(b, ts);
		tokens(b, ts);
		counts(b, ts);
	} else
		log_warnx("metrics: %s", store_error(s));
	arena_release(&ts->arena);
	free(ts);
	store_close(s);
}

/* --- this moment ------------------------------------------------------------------------ */

static void
gauge(struct buf *b, const char *name, const char *help, double v)
{
	head(b, name, "gauge", help);
	(void)buf_addf(b, "%s %.15g\n", name, v);
}

/* Resident memory of a process; 0 where it is gone. */
static long
resident(pid_t pid)
{
	char	 path[64];
	FILE	*f;
	long	 pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	if (fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void
memory(struct buf *b, const struct daemon_status *st)
{
	static const char		 name[] =
					    "proxyd_resident_memory_bytes";
	const struct daemon_worker	*w;

	head(b, name, "gauge", "Resident memory of each process.");
	(void)buf_addf(b, "%s{process=\"master\"} %ld\n", name,
	    resident(st->pid));
	(void)buf_addf(b, "%s{process=\"logger\"} %ld\n", name,
	    resident(st->logger_pid));
	for (w = st->workers; w != NULL; w = w->next)
		(void)buf_addf(b, "%s{process=\"worker %u\"} %ld\n", name,
		    w->slot, resident(w->pid));
	(void)buf_addf(b, "%s{process=\"admind\"} %ld\n", name,
	    resident(getpid()));
}

static void
running(struct buf *b, const struct daemon_status *st)
{
	const struct daemon_worker	*w;
	const struct daemon_stat	*s;
	unsigned			 n = 0, inflight = 0, open = 0;
	char				 name[80];

	for (w = st->workers; w != NULL; w = w->next) {
		n++;
		inflight += w->inflight;
		open += w->open;
	}
	gauge(b, "proxyd_workers", "Worker processes.", n);
	gauge(b, "proxyd_requests_in_flight", "Requests being answered.",
	    inflight);
	gauge(b, "proxyd_connections_open", "Connections of clients.", open);
	gauge(b, "proxyd_configuration_generation",
	    "Number of the configuration in service.",
	    (double)st->generation);
	gauge(b, "proxyd_start_time_seconds", "When proxyd started.",
	    (double)st->started_s);
	memory(b, st);
	for (s = st->stats; s != NULL; s = s->next) {
		snprintf(name, sizeof(name), "proxyd_worker_%s_total",
		    s->name);
		head(b, name, "counter", s->text);
		(void)buf_addf(b, "%s %llu\n", name,
		    (unsigned long long)s->n);
	}
}

static void
key_labels(struct buf *b, const struct status_key *k)
{
	char	 id[24];

	snprintf(id, sizeof(id), "%lld", (long long)k->id);
	(void)buf_addc(b, '{');
	label(b, "gen_ai_provider_name", str_of(k->provider));
	label(b, "key_id", str_of(id));
}

static void
keys(struct buf *b, const struct status_view *v)
{
	const struct status_key	*k;

	head(b, "proxyd_key_requests_total", "counter",
	    "Attempts with a key, by how they ended.");
	for (k = v->keys; k != NULL; k = k->next) {
		(void)buf_addz(b, "proxyd_key_requests_total");
		key_labels(b, k);
		(void)buf_addf(b, ",result=\"ok\"} %lld\n",
		    (long long)k->ok);
		(void)buf_addz(b, "proxyd_key_requests_total");
		key_labels(b, k);
		(void)buf_addf(b, ",result=\"failed\"} %lld\n",
		    (long long)k->failed);
	}
	head(b, "proxyd_key_in_flight", "gauge",
	    "Attempts with a key that are under way.");
	for (k = v->keys; k != NULL; k = k->next) {
		(void)buf_addz(b, "proxyd_key_in_flight");
		key_labels(b, k);
		(void)buf_addf(b, "} %lld\n", (long long)k->inflight);
	}
}

/* One series a key: its label says in which state it is. */
static void
states(struct buf *b, const struct status_view *v)
{
	const struct status_key		*k;
	const struct status_provider	*p;

	head(b, "proxyd_key_state", "gauge",
	    "1 for the state that a key is in.");
	for (k = v->keys; k != NULL; k = k->next) {
		(void)buf_addz(b, "proxyd_key_state");
		key_labels(b, k);
		label(b, "state", str_of(k->state));
		(void)buf_addz(b, "} 1\n");
	}
	head(b, "proxyd_provider_circuit_open", "gauge", "1 while a provider "
	    "is left alone because too many attempts failed.");
	for (p = v->providers; p != NULL; p = p->next) {
		(void)buf_addz(b, "proxyd_provider_circuit_open{");
		label(b, "gen_ai_provider_name", str_of(p->name));
		(void)buf_addf(b, "} %d\n", strcmp(p->circuit, "closed") !=
		    0);
	}
	head(b, "proxyd_provider_circuit_opened_total", "counter",
	    "How often that has begun.");
	for (p = v->providers; p != NULL; p = p->next) {
		(void)buf_addz(b, "proxyd_provider_circuit_opened_total{");
		label(b, "gen_ai_provider_name", str_of(p->name));
		(void)buf_addf(b, "} %lld\n", (long long)p->opened);
	}
}

void
metrics_text(const struct status_view *v, const struct conf_paths *paths,
    struct buf *b)
{
	gauge(b, "proxyd_up", "1 while proxyd answers.",
	    v->answer == DAEMON_OK);
	if (v->answer == DAEMON_OK)
		running(b, &v->proxyd);
	keys(b, v);
	states(b, v);
	stored(b, paths);
}
