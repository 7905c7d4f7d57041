/*
 * status: what runs, for people and as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyctl/db.h"
#include "proxyctl/launch.h"
#include "proxyctl/top.h"
#include "proxyctl/values.h"
#include "proxyctl/words.h"
#include "state/status_view.h"
#include "state/store_refusal.h"

#define STATUS_MS	5000

/* All that is known of both. */
struct view {
	enum daemon_answer	 answer;	/* proxyd's */
	struct daemon_status	 st;		/* where it is DAEMON_OK */
	char			 err[2400];
	bool			 admin;		/* admind runs */
	struct service		 web;
	json_t			*refusals;	/* an array */
	struct status_view	 state;		/* keys and providers */
};

/* --- JSON ------------------------------------------------------------------------ */

static json_t *
proxyd_json(const struct view *v)
{
	if (v->answer == DAEMON_OK)
		return daemon_status_json(&v->st);
	if (v->answer == DAEMON_NOBODY)
		return json_pack("{s:b}", "running", 0);
	return json_pack("{s:b,s:s,s:o}", "running", 1, "state", "silent",
	    "error", daemon_json_text(v->err));
}

static json_t *
admind_json(const struct view *v)
{
	if (!v->admin)
		return json_pack("{s:b}", "running", 0);
	return json_pack("{s:b,s:i,s:o,s:i}", "running", 1, "pid",
	    (int)v->web.proc.pid, "host", daemon_json_text(v->web.host),
	    "port", v->web.port);
}

static void
print_json(const struct view *v)
{
	json_t	*o;

	o = json_pack("{s:o,s:o,s:o,s:o,s:O}", "proxyd", proxyd_json(v),
	    "admind", admind_json(v), "providers",
	    status_providers_json(&v->state), "keys",
	    status_keys_json(&v->state), "refused_parameters", v->refusals);
	must(o != NULL);
	if (json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0)
		printf("\n");
	json_decref(o);
}

/* --- text ------------------------------------------------------------------------- */

static void
print_workers(const struct daemon_status *st)
{
	const struct daemon_worker	*w;

	printf("\n%-8s %8s  %-10s %9s %11s  %s\n", "process", "pid", "state",
	    "in flight", "connections", "last beat");
	for (w = st->workers; w != NULL; w = w->next) {
		printf("worker %-2u %7d  %-10s %9u %11u  ", w->slot,
		    (int)w->pid, w->state, w->inflight, w->open);
		if (w->beat_ms >= 0)
			printf("%lld ms ago\n", (long long)w->beat_ms);
		else
			printf("none\n");
	}
	printf("logger   %8d  %s\n", (int)st->logger_pid, st->logger_state);
}

static void
print_proxyd(const struct daemon_status *st)
{
	const struct daemon_stat	*s;
	char				 url[DAEMON_URL_MAX], when[SPAN_LEN];

	ctl_span_text(clock_wall_us() / 1000000 - st->started_s, when);
	printf("proxyd   %s, pid %d, for %s, version %s\n", st->state,
	    (int)st->pid, when, st->version);
	printf("         %s (HOST %s)\n", daemon_url(url, st->host, st->port),
	    st->host);
	printf("         configuration %llu from %s%s\n",
	    (unsigned long long)st->generation,
	    strcmp(st->config, "embedded") == 0 ? "what is built in" :
	    st->config, st->no_reload ? ", not watched" : "");
	printf("         files in %s\n", st->home);
	print_workers(st);
	printf("\n");
	for (s = st->stats; s != NULL; s = s->next)
		printf("%-16s %12llu  %s\n", s->name,
		    (unsigned long long)s->n, s->text);
	printf("\n");
}

/* ", for 4 min" */
static void
print_for(int64_t until_us)
{
	int64_t	 left = (until_us - clock_wall_us() + 999999) / 1000000;
	char	 when[SPAN_LEN];

	if (until_us != 0)
		printf(", for %s", ctl_span_text(left, when));
}

/* What works as it should is not told one by one. */
static void
print_providers(const struct status_view *v)
{
	const struct status_provider	*p;

	for (p = v->providers; p != NULL; p = p->next) {
		if (strcmp(p->circuit, "closed") == 0 && p->enabled)
			continue;
		printf("provider %s: %s", p->name, p->enabled ?
		    "left alone, its circuit is " : "disabled");
		if (p->enabled) {
			printf("%s", p->circuit);
			print_for(p->until_us);
		}
		printf("\n");
	}
}

static void
print_room(const struct status_model *m)
{
	printf("         %s", m->model);
	if (m->until_us != 0) {
		printf(": cooling");
		print_for(m->until_us);
	}
	if (m->requests >= 0) {
		printf(": %lld requests left", (long long)m->requests);
		print_for(m->requests_until_us);
	}
	if (m->tokens >= 0) {
		printf(": %lld tokens left", (long long)m->tokens);
		print_for(m->tokens_until_us);
	}
	printf("\n");
}

static void
print_keys(const struct status_view *v)
{
	const struct status_key		*k;
	const struct status_model	*m;

	for (k = v->keys; k != NULL; k = k->next) {
		printf("key %-4lld %s %s: %s", (long long)k->id, k->provider,
		    k->name, k->state);
		print_for(k->until_us);
		if (k->reason[0] != '\0')
			printf(", %s", k->reason);
		if (k->inflight > 0)
			printf(", %lld in flight", (long long)k->inflight);
		printf("\n");
		for (m = k->models; m != NULL; m = m->next)
			print_room(m);
	}
}

static void
print_refusals(const struct view *v)
{
	const char	*model, *name, *provider, *rename, *expires;
	json_t		*o;
	size_t		 i;

	json_array_foreach(v->refusals, i, o) {
		rename = NULL;
		if (json_unpack(o, "{s:s,s:s,s:s,s?s,s:s}", "provider",
		    &provider, "model", &model, "name", &name, "rename",
		    &rename, "expires", &expires) == -1 &&
		    json_unpack(o, "{s:s,s:s,s:s,s:s}", "provider",
		    &provider, "model", &model, "name", &name, "expires",
		    &expires) == -1)
			continue;
		printf("%srefused  %s %s: %s %s%s, until %s\n",
		    i == 0 ? "\n" : "", provider, model, name,
		    rename == NULL ? "is left out" : "is sent as ",
		    rename == NULL ? "" : rename, expires);
	}
}

static void
print_text(const struct view *v, const struct ctl *c)
{
	const struct daemon_text	*t;
	char				 url[DAEMON_URL_MAX];
	char				 token[DAEMON_SETUP_MAX];

	if (v->answer == DAEMON_OK)
		print_proxyd(&v->st);
	else if (v->answer == DAEMON_NOBODY)
		printf("proxyd   not running in %s; proxyctl start starts "
		    "it\n", c->paths.home);
	if (v->admin && daemon_setup_token(c->paths.home, token))
		printf("admind   has no user yet: set up an administrator at "
		    "%s/#setup=%s\n", daemon_url(url, v->web.host,
		    v->web.port), token);
	if (v->admin)
		printf("admind   running, pid %d%s%s\n",
		    (int)v->web.proc.pid, v->web.port != 0 ? ", " : "",
		    v->web.port != 0 ? daemon_url(url, v->web.host,
		    v->web.port) : "");
	else
		printf("admind   not running; proxyctl start --web starts "
		    "it\n");
	print_providers(&v->state);
	print_keys(&v->state);
	print_refusals(v);
	if (v->answer != DAEMON_OK)
		return;
	for (t = v->st.warnings; t != NULL; t = t->next)
		printf("%swarning: %s\n", t == v->st.warnings ? "\n" : "",
		    t->text);
}

/* --- both --------------------------------------------------------------------------- */

/* Nobody at the socket, but the pid file is held: it starts, or hangs. */
static void
view_silent(struct view *v, struct ctl *c)
{
	struct service	 s;

	service_init(&s, c, false);
	if (daemon_find(s.pid_file, &s.proc, v->err, sizeof(v->err)) != 1)
		return;
	v->answer = DAEMON_SILENT;
	snprintf(v->err, sizeof(v->err), "proxyd (pid %d) runs but does not "
	    "listen at '%s': it starts or ends; see '%s'", (int)s.proc.pid,
	    c->paths.control, c->paths.log);
	close(s.proc.fd);
}

static int
view_make(struct view *v, struct arena *a, struct ctl *c)
{
	struct buf	 b;
	int		 r;

	buf_init(&b, 1 << 20);
	v->answer = daemon_ask(c->paths.control, "status", STATUS_MS, &b,
	    v->err, sizeof(v->err));
	if (v->answer == DAEMON_OK)
		daemon_status_parse(a, buf_str(&b), &v->st);
	else if (v->answer == DAEMON_NOBODY)
		view_silent(v, c);
	buf_release(&b);
	status_gather(&v->state, a, &c->paths);
	v->refusals = store_refusals_json(c->paths.db);
	if (v->answer == DAEMON_OK && ctl_client_keys(c) == 0)
		daemon_warn_host(a, &v->st);
	service_init(&v->web, c, true);
	if ((r = service_find(&v->web)) == -1)
		return -1;
	v->admin = r == 1;
	if (v->admin) {
		snprintf(v->web.host, sizeof(v->web.host), "%s",
		    v->web.proc.host);
		v->web.port = v->web.proc.port;
		close(v->web.proc.fd);
	}
	return 0;
}

static int
ctl_status(struct ctl *c)
{
	static struct view	 v;
	struct arena		 a;
	int			 r = CTL_ERROR;

	arena_init(&a);
	if (view_make(&v, &a, c) == 0) {
		if (c->opt[OPT_JSON] != NULL)
			print_json(&v);
		else
			print_text(&v, c);
		if (v.answer == DAEMON_OK)
			r = CTL_OK;
		else if (v.answer == DAEMON_NOBODY)
			r = CTL_DOWN;
		else
			r = ctl_fail("%s", v.err);
	}
	json_decref(v.refusals);
	arena_release(&a);
	return r;
}

const struct word look_words[] = {
	{ "status", ctl_status, "show what runs and how it does", NULL,
	    ARG_NONE, { OPT_JSON } },
	{ "top", ctl_top, "watch requests, tokens, providers and keys; q "
	    "quits", NULL, ARG_NONE, { OPT_INTERVAL, OPT_ONCE, OPT_JSON } },
	{ "check", ctl_check, "validate app.yml and the database", NULL,
	    ARG_NONE, { OPT_CONFIG } },
	{ "logs", ctl_logs, "show the latest requests, or all of one",
	    "[request-id]", ARG_TEXT, { OPT_FOLLOW, OPT_FILTER | MANY,
	    OPT_SINCE, OPT_UNTIL, OPT_LIMIT, OPT_JSON } },
	{ "bench-key", ctl_bench_key, "measure a key by some small real "
	    "requests, which cost", "key", ARG_KEY, { OPT_TIMES, OPT_INTERVAL,
	    OPT_ASK_MODEL, OPT_MAX_TOKENS, OPT_YES, OPT_JSON } },
	{ "audit", ctl_audit_list, "show who has done what, the latest first",
	    NULL, ARG_NONE, { OPT_LIMIT, OPT_JSON } },
	{ "convert", ctl_convert, "translate standard input between two "
	    "dialects", NULL, ARG_NONE, { OPT_FROM | NEED, OPT_TO | NEED,
	    OPT_RESPONSE, OPT_STREAM, OPT_MODEL, OPT_EXPLAIN } },
	{ "route", ctl_route, "tell where a request would go, and why",
	    "[file]", ARG_FILE, { OPT_ASK_DIALECT, OPT_ASK_PATH, OPT_MODEL,
	    OPT_ASK_HEADER | MANY, OPT_ASK_TENANT, OPT_ASK_CLIENT_KEY,
	    OPT_JSON } },
	{ .name = NULL }
};
