/*
 * What top shows: taken, compared with the moment before, and written as lines
 * or JSON.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyctl/table.h"
#include "proxyctl/top.h"
#include "proxyctl/values.h"
#include "state/row_json.h"
#include "state/store_rollup.h"

#define PROVIDERS	64

/* --- a moment ------------------------------------------------------------------- */

void
top_init(struct top *t, const struct ctl *c)
{
	memset(t, 0, sizeof(*t));
	t->c = c;
	arena_init(&t->sample[0].arena);
	arena_init(&t->sample[1].arena);
}

void
top_release(struct top *t)
{
	arena_release(&t->sample[0].arena);
	arena_release(&t->sample[1].arena);
}

static void
minute_cb(void *arg, const struct rollup_row *row)
{
	*(struct rollup *)arg = row->sum;
}

/* The last whole one: the logger may still be writing this one. */
static void
minute_take(const struct top *t, struct rollup *r)
{
	int64_t		 from = clock_wall_us() / 60000000 * 60 - 60;
	struct store	*s;
	char		 err[2048];

	memset(r, 0, sizeof(*r));
	if (access(t->c->paths.db, R_OK) == -1)
		return;
	s = store_open(t->c->paths.db, STORE_READ, err, sizeof(err));
	if (s != NULL && store_rollups(s, ROLLUP_ALL, ROLLUP_MINUTE, from,
	    from + 60, STR_NONE, minute_cb, r) == -1)
		memset(r, 0, sizeof(*r));
	store_close(s);
}

void
top_take(struct top *t)
{
	struct top_sample	*s;

	t->two = t->sample[t->now].at_ms != 0;
	if (t->two)
		t->now = !t->now;
	s = &t->sample[t->now];
	arena_release(&s->arena);
	arena_init(&s->arena);
	status_watch(&s->v, &s->arena, &t->c->paths);
	s->at_ms = clock_mono_ms();
	minute_take(t, &s->minute);
}

/* --- between two ---------------------------------------------------------------- */

/* What was counted by one process cannot be compared with another's. */
static bool
same(const struct top *t)
{
	const struct status_view	*a = &t->sample[t->now].v;
	const struct status_view	*b = &t->sample[!t->now].v;

	return t->two && a->answer == DAEMON_OK && b->answer == DAEMON_OK &&
	    a->proxyd.pid == b->proxyd.pid;
}

static double
per_second(const struct top *t, int64_t now, int64_t before)
{
	int64_t	 ms = t->sample[t->now].at_ms - t->sample[!t->now].at_ms;

	if (!same(t) || ms <= 0 || now < before)
		return 0;
	return (double)(now - before) * 1000 / (double)ms;
}

static int64_t
counter(const struct status_view *v, const char *name)
{
	const struct daemon_stat	*s;

	for (s = v->proxyd.stats; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return (int64_t)s->n;
	return 0;
}

static double
rate(const struct top *t, const char *name)
{
	return per_second(t, counter(&t->sample[t->now].v, name),
	    t->two ? counter(&t->sample[!t->now].v, name) : 0);
}

static const struct status_key *
key_before(const struct top *t, const struct status_key *k)
{
	const struct status_key	*b = NULL;

	if (t->two)
		for (b = t->sample[!t->now].v.keys; b != NULL; b = b->next)
			if (b->id == k->id)
				break;
	return b;
}

static double
key_rate(const struct top *t, const struct status_key *k, bool failed)
{
	const struct status_key	*b = key_before(t, k);

	if (b == NULL)
		return 0;
	return failed ? per_second(t, k->failed, b->failed) :
	    per_second(t, k->ok + k->failed, b->ok + b->failed);
}

static unsigned
inflight(const struct status_view *v, unsigned *open, unsigned *workers)
{
	const struct daemon_worker	*w;
	unsigned			 n = 0;

	*open = *workers = 0;
	for (w = v->proxyd.workers; w != NULL; w = w->next) {
		n += w->inflight;
		*open += w->open;
		*workers += 1;
	}
	return n;
}

/* --- providers ------------------------------------------------------------------- */

struct provider {
	const char	*name, *circuit;	/* and until when, or 0 */
	int64_t		 until_us;
	unsigned	 keys, rests, disabled;
	int64_t		 inflight;
	double		 rate, failed;
};

static unsigned
provider_at(struct provider p[PROVIDERS], unsigned *n, const char *name)
{
	unsigned	 i;

	for (i = 0; i < *n && strcmp(p[i].name, name) != 0; i++)
		;
	if (i == *n && i < PROVIDERS)
		p[(*n)++] = (struct provider){ .name = name, .circuit = "" };
	return i;
}

/* Those that have keys, and those that are not as usual. */
static unsigned
providers(const struct top *t, struct provider p[PROVIDERS])
{
	const struct status_view	*v = &t->sample[t->now].v;
	const struct status_provider	*sp;
	const struct status_key		*k;
	unsigned			 n = 0, i;

	for (k = v->keys; k != NULL; k = k->next) {
		if ((i = provider_at(p, &n, k->provider)) == PROVIDERS)
			continue;
		p[i].keys++;
		p[i].disabled += !k->enabled;
		p[i].rests += k->enabled && strcmp(k->state, "active") != 0;
		p[i].inflight += k->inflight;
		p[i].rate += key_rate(t, k, false);
		p[i].failed += key_rate(t, k, true);
	}
	for (sp = v->providers; sp != NULL; sp = sp->next) {
		for (i = 0; i < n && strcmp(p[i].name, sp->name) != 0; i++)
			;
		if (i == n && sp->enabled && sp->ok + sp->failed == 0 &&
		    strcmp(sp->circuit, "closed") == 0)
			continue;
		if ((i = provider_at(p, &n, sp->name)) == PROVIDERS)
			continue;
		p[i].circuit = sp->enabled ? sp->circuit : "disabled";
		p[i].until_us = sp->until_us;
	}
	return n;
}

/* --- lines ------------------------------------------------------------------------ */

struct page {
	struct buf	*b;
	int		 width, left;		/* lines; -1: any */
};

/* One line, cut at the width; controls never reach the terminal. */
static void __attribute__((__format__(printf, 2, 3)))
line(struct page *p, const char *fmt, ...)
{
	char	 text[1024], *safe;
	va_list	 ap;
	size_t	 n;
	int	 used;

	if (p->left == 0)
		return;
	if (p->left > 0)
		p->left--;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	safe = text_safe(str_of(text));
	n = p->width > 0 ? text_fit(str_of(safe), p->width, &used) :
	    strlen(safe);
	(void)buf_addf(p->b, "%.*s\n", (int)n, safe);
	free(safe);
}

static void
lines_head(struct page *p, const struct top *t)
{
	const struct status_view	*v = &t->sample[t->now].v;
	const struct daemon_status	*st = &v->proxyd;
	char				 url[DAEMON_URL_MAX], up[SPAN_LEN];
	char				 when[WHEN_LEN];
	unsigned			 open, workers;

	ctl_when(clock_wall_us(), when);
	(void)inflight(v, &open, &workers);
	if (v->answer == DAEMON_OK)
		line(p, "%s  proxyd %s, pid %d, up %s, %s, %u worker%s",
		    when + 11, st->state, (int)st->pid, ctl_span_text(
		    clock_wall_us() / 1000000 - st->started_s, up),
		    daemon_url(url, st->host, st->port), workers,
		    workers == 1 ? "" : "s");
	else if (v->answer == DAEMON_NOBODY)
		line(p, "%s  proxyd does not run in %s; waiting for it",
		    when + 11, t->c->paths.home);
	else
		line(p, "%s  proxyd does not answer: %s", when + 11,
		    v->proxyd_err);
}

static void
lines_sums(struct page *p, const struct top *t)
{
	const struct top_sample	*s = &t->sample[t->now];
	const struct rollup	*m = &s->minute;
	char			 money[MONEY_LEN];
	unsigned		 open, workers, n;

	n = inflight(&s->v, &open, &workers);
	line(p, "requests  %u in flight, %.1f/s; failed %.1f/s, refused "
	    "%.1f/s, retries %.1f/s; %lld so far, %u connections", n,
	    rate(t, "requests"), rate(t, "failed"), rate(t, "refused"),
	    rate(t, "retries"), (long long)counter(&s->v, "requests"), open);
	line(p, "tokens    %.0f/s read, %.0f/s written",
	    rate(t, "input_tokens"), rate(t, "output_tokens"));
	if (m->requests > 0)
		line(p, "last min  %lld requests, %lld errors, p50 %.0f ms, "
		    "p95 %.0f ms, first byte %.0f ms, %s dollars%s",
		    (long long)m->requests, (long long)m->errors,
		    rollup_quantile(m->hist[ROLLUP_TOTAL], 0.5),
		    rollup_quantile(m->hist[ROLLUP_TOTAL], 0.95),
		    rollup_count(m->hist[ROLLUP_TTFB]) == 0 ? 0 :
		    rollup_quantile(m->hist[ROLLUP_TTFB], 0.5),
		    ctl_money_text(m->cost, money), m->unpriced > 0 ?
		    " and what has no price" : "");
	else
		line(p, "last min  no requests");
}

static void
lines_warnings(struct page *p, const struct top *t)
{
	const struct daemon_text	*w;

	for (w = t->sample[t->now].v.proxyd.warnings; w != NULL; w = w->next)
		line(p, "warning: %s", w->text);
	if (!t->sample[t->now].v.stored)
		line(p, "warning: %s", t->sample[t->now].v.store_err);
}

static void
lines_providers(struct page *p, const struct top *t)
{
	struct provider	 pr[PROVIDERS];
	char		 left[SPAN_LEN];
	unsigned	 n = providers(t, pr), i;

	if (n == 0)
		return;
	line(p, "%s", "");
	line(p, "%-20s %9s %8s %8s %6s %8s %9s  %s", "PROVIDER",
	    "IN FLIGHT", "REQ/S", "FAILED/S", "KEYS", "RESTING", "DISABLED",
	    "CIRCUIT");
	for (i = 0; i < n; i++) {
		left[0] = '\0';
		if (pr[i].until_us > 0)
			ctl_span_text((pr[i].until_us - clock_wall_us() +
			    999999) / 1000000, left);
		line(p, "%-20.20s %9lld %8.1f %8.1f %6u %8u %9u  %s%s%s",
		    pr[i].name, (long long)pr[i].inflight, pr[i].rate,
		    pr[i].failed, pr[i].keys, pr[i].rests, pr[i].disabled,
		    pr[i].circuit, left[0] != '\0' ? " " : "", left);
	}
}

struct key_row {
	const struct status_key	*k;
	double			 rate, failed;
	bool			 rests;
};

/* What needs attention first, then what works most. */
static int
by_interest(const void *a, const void *b)
{
	const struct key_row	*x = a, *y = b;

	if (x->rests != y->rests)
		return x->rests ? -1 : 1;
	if (x->rate != y->rate)
		return x->rate > y->rate ? -1 : 1;
	if (x->k->inflight != y->k->inflight)
		return x->k->inflight > y->k->inflight ? -1 : 1;
	return x->k->id < y->k->id ? -1 : x->k->id > y->k->id;
}

static struct key_row *
key_rows(const struct top *t, size_t *n)
{
	const struct status_key	*k;
	struct key_row		*rows;

	for (*n = 0, k = t->sample[t->now].v.keys; k != NULL; k = k->next)
		++*n;
	rows = calloc(*n + 1, sizeof(*rows));
	must(rows != NULL);
	for (*n = 0, k = t->sample[t->now].v.keys; k != NULL; k = k->next)
		rows[(*n)++] = (struct key_row){ k, key_rate(t, k, false),
		    key_rate(t, k, true), k->enabled &&
		    strcmp(k->state, "active") != 0 };
	qsort(rows, *n, sizeof(*rows), by_interest);
	return rows;
}

static void
key_state(const struct status_key *k, char *dst, size_t size)
{
	char	 left[SPAN_LEN];

	if (k->until_us > 0)
		snprintf(dst, size, "%s %s: %s", k->state, ctl_span_text(
		    (k->until_us - clock_wall_us() + 999999) / 1000000,
		    left), k->reason);
	else
		snprintf(dst, size, "%s", k->state);
}

static void
lines_keys(struct page *p, const struct top *t)
{
	size_t		 n, i;
	struct key_row	*r = key_rows(t, &n);
	char		 state[128];

	if (n > 0) {
		line(p, "%s", "");
		line(p, "%-14s %-20s %9s %8s %8s %10s %8s  %s", "PROVIDER",
		    "KEY", "IN FLIGHT", "REQ/S", "FAILED/S", "OK", "FAILED",
		    "STATE");
	}
	for (i = 0; i < n; i++) {
		key_state(r[i].k, state, sizeof(state));
		line(p, "%-14.14s %-20.20s %9lld %8.1f %8.1f %10lld %8lld  %s",
		    r[i].k->provider, r[i].k->name, (long long)r[i].k->inflight,
		    r[i].rate, r[i].failed, (long long)r[i].k->ok,
		    (long long)r[i].k->failed, state);
	}
	free(r);
}

void
top_lines(const struct top *t, int width, int height, struct buf *b)
{
	struct page	 p = { b, width, height > 0 ? height : -1 };

	lines_head(&p, t);
	if (t->sample[t->now].v.answer == DAEMON_OK)
		lines_sums(&p, t);
	lines_warnings(&p, t);
	lines_providers(&p, t);
	lines_keys(&p, t);
}

/* --- JSON ------------------------------------------------------------------------- */

static json_t *
keys_json(const struct top *t)
{
	json_t		*list = json_array();
	size_t		 n, i;
	struct key_row	*r = key_rows(t, &n);
	char		 when[CLOCK_RFC3339_LEN];

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:I,s:o,s:o,s:s,s:o,"
		    "s:o,s:I,s:f,s:f,s:I,s:I}", "id", (json_int_t)r[i].k->id,
		    "provider", text_json(str_of(r[i].k->provider)), "name",
		    text_json(str_of(r[i].k->name)), "state", r[i].k->state,
		    "until", r[i].k->until_us == 0 ? json_null() : json_string(
		    clock_rfc3339(r[i].k->until_us, when)), "reason",
		    text_json(str_of(r[i].k->reason)), "in_flight",
		    (json_int_t)r[i].k->inflight, "requests_per_s", r[i].rate,
		    "failed_per_s", r[i].failed, "ok", (json_int_t)r[i].k->ok,
		    "failed", (json_int_t)r[i].k->failed));
	free(r);
	return list;
}

json_t *
top_json(const struct top *t)
{
	const struct top_sample	*s = &t->sample[t->now];
	unsigned		 open, workers, n;

	n = inflight(&s->v, &open, &workers);
	return json_pack("{s:b,s:i,s:i,s:i,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:o,"
	    "s:o,s:o}", "running", s->v.answer == DAEMON_OK, "in_flight", (int)n,
	    "connections", (int)open, "workers", (int)workers, "requests",
	    (json_int_t)counter(&s->v, "requests"), "requests_per_s",
	    rate(t, "requests"), "failed_per_s", rate(t, "failed"),
	    "refused_per_s", rate(t, "refused"), "retries_per_s",
	    rate(t, "retries"), "input_tokens_per_s", rate(t, "input_tokens"),
	    "output_tokens_per_s", rate(t, "output_tokens"), "last_minute",
	    rollup_json(&s->minute), "providers",
	    status_providers_json(&s->v), "keys", keys_json(t));
}
