/*
 * What proxyd's status command answers, for programs: parsed, and as JSON.
 */
#include <stdio.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/daemon.h"
#include "state/shm.h"

/* --- lines ---------------------------------------------------------------- */

struct parse {
	struct arena		*arena;
	struct daemon_status	*st;
	struct daemon_worker	**worker;	/* where the next goes */
	struct daemon_stat	**stat;
	struct daemon_text	**warning;
};

static int64_t
number(struct str s)
{
	int64_t	 n;

	return str_to_int(s, -1, INT64_MAX, &n) == -1 ? 0 : n;
}

static void
word(char *dst, size_t size, struct str s)
{
	snprintf(dst, size, "%.*s", STR_FMT(s));
}

static void
line_worker(struct parse *p, struct str rest)
{
	struct daemon_worker	*w = ARENA_NEW(p->arena, struct daemon_worker);

	w->slot = (unsigned)number(str_cut(&rest, ' '));
	w->pid = (pid_t)number(str_cut(&rest, ' '));
	word(w->state, sizeof(w->state), str_cut(&rest, ' '));
	w->beat_ms = number(str_cut(&rest, ' '));
	w->inflight = (unsigned)number(str_cut(&rest, ' '));
	w->open = (unsigned)number(str_cut(&rest, ' '));
	w->generation = (uint64_t)number(str_cut(&rest, ' '));
	*p->worker = w;
	p->worker = &w->next;
}

static void
line_logger(struct parse *p, struct str rest)
{
	p->st->logger_pid = (pid_t)number(str_cut(&rest, ' '));
	word(p->st->logger_state, sizeof(p->st->logger_state), rest);
}

static const char *
stat_text(struct str name)
{
#define SHM_STAT(field, about)						\
	if (str_is(name, #field))					\
		return about;
	SHM_STATS
#undef SHM_STAT
	return str_is(name, "rows") ? "rows written to the request log" : "";
}

static void
line_stat(struct parse *p, struct str rest)
{
	struct daemon_stat	*s = ARENA_NEW(p->arena, struct daemon_stat);
	struct str		 name = str_cut(&rest, ' ');

	s->name = arena_str(p->arena, name).p;
	s->text = stat_text(name);
	s->n = (uint64_t)number(rest);
	*p->stat = s;
	p->stat = &s->next;
}

static void
warning(struct parse *p, const char *text)
{
	struct daemon_text	*t = ARENA_NEW(p->arena, struct daemon_text);

	t->text = text;
	*p->warning = t;
	p->warning = &t->next;
}

static void
line_alert(struct parse *p, struct str rest)
{
	warning(p, arena_str(p->arena, rest).p);
}

#define LINE_TEXT(name, field)						\
static void								\
line_##name(struct parse *p, struct str rest)				\
{									\
	p->st->field = arena_str(p->arena, rest).p;			\
}
#define LINE_NUMBER(name, field, type)					\
static void								\
line_##name(struct parse *p, struct str rest)				\
{									\
	p->st->field = (type)number(rest);				\
}
LINE_TEXT(version, version)
LINE_TEXT(state, state)
LINE_TEXT(host, host)
LINE_TEXT(config, config)
LINE_TEXT(home, home)
LINE_NUMBER(pid, pid, pid_t)
LINE_NUMBER(port, port, int)
LINE_NUMBER(started, started_s, int64_t)
LINE_NUMBER(generation, generation, uint64_t)
LINE_NUMBER(anonymous, anonymous, bool)
LINE_NUMBER(no_reload, no_reload, bool)

static const struct {
	const char	*name;
	void		(*take)(struct parse *, struct str);
} lines_known[] = {
	{ "pid", line_pid },
	{ "version", line_version },
	{ "state", line_state },
	{ "host", line_host },
	{ "port", line_port },
	{ "config", line_config },
	{ "home", line_home },
	{ "started", line_started },
	{ "generation", line_generation },
	{ "anonymous", line_anonymous },
	{ "no_reload", line_no_reload },
	{ "worker", line_worker },
	{ "logger", line_logger },
	{ "stat", line_stat },
	{ "alert", line_alert },
};

static void
access_warning(struct parse *p)
{
	const struct daemon_status	*st = p->st;

	if (st->anonymous)
		warning(p, arena_strf(p->arena, "ALLOW_ANONYMOUS is set: "
		    "whoever reaches %s port %d uses your keys", st->host,
		    st->port).p);
}

void
daemon_warn_host(struct arena *arena, struct daemon_status *st)
{
	struct parse	 p = { .arena = arena, .st = st,
			    .warning = &st->warnings };

	if (st->anonymous || daemon_host_is_local(st->host))
		return;
	while (*p.warning != NULL)
		p.warning = &(*p.warning)->next;
	warning(&p, arena_strf(arena, "HOST is %s, but no client key is "
	    "defined: only requests of this machine are served", st->host).p);
}

void
daemon_status_parse(struct arena *arena, struct str lines,
    struct daemon_status *st)
{
	struct parse	 p = { .arena = arena, .st = st,
			    .worker = &st->workers, .stat = &st->stats,
			    .warning = &st->warnings };
	struct str	 line, name;
	size_t		 i, n = sizeof(lines_known) / sizeof(*lines_known);

	memset(st, 0, sizeof(*st));
	st->version = st->state = st->host = st->config = st->home = "";
	while (lines.n > 0) {
		line = str_cut(&lines, '\n');
		name = str_cut(&line, ' ');
		for (i = 0; i < n; i++)
			if (str_is(name, lines_known[i].name))
				lines_known[i].take(&p, line);
	}
	access_warning(&p);
}

/* --- JSON ----------------------------------------------------------------- */

struct json_t *
daemon_json_text(const char *text)
{
	char	 safe[1024], *q;

	if (utf8_valid(str_of(text)))
		return json_string(text);
	snprintf(safe, sizeof(safe), "%s", text);
	for (q = safe; *q != '\0'; q++)
		if ((unsigned char)*q >= 0x80)
			*q = '?';
	return json_string(safe);
}

static json_t *
workers_json(const struct daemon_status *st)
{
	const struct daemon_worker	*w;
	json_t				*a = json_array();

	for (w = st->workers; w != NULL; w = w->next)
		json_array_append_new(a, json_pack("{s:i,s:i,s:s,s:I,s:i,s:i}",
		    "slot", (int)w->slot, "pid", (int)w->pid, "state",
		    w->state, "beat_ms", (json_int_t)w->beat_ms, "in_flight",
		    (int)w->inflight, "connections", (int)w->open));
	return a;
}

static json_t *
stats_json(const struct daemon_status *st)
{
	const struct daemon_stat	*s;
	json_t				*o = json_object();

	for (s = st->stats; s != NULL; s = s->next)
		json_object_set_new(o, s->name, json_integer((json_int_t)s->n));
	return o;
}

static json_t *
warnings_json(const struct daemon_status *st)
{
	const struct daemon_text	*t;
	json_t				*a = json_array();

	for (t = st->warnings; t != NULL; t = t->next)
		json_array_append_new(a, daemon_json_text(t->text));
	return a;
}

struct json_t *
daemon_status_json(const struct daemon_status *st)
{
	char	 when[CLOCK_RFC3339_LEN];
	json_t	*o;

	o = json_pack("{s:b,s:i,s:o,s:o,s:o,s:i,s:o,s:o,s:s,s:I,s:I,s:b,s:b}",
	    "running", 1,
	    "pid", (int)st->pid,
	    "version", daemon_json_text(st->version),
	    "state", daemon_json_text(st->state),
	    "host", daemon_json_text(st->host),
	    "port", st->port,
	    "config", daemon_json_text(st->config),
	    "home", daemon_json_text(st->home),
	    "started", clock_rfc3339(st->started_s * 1000000, when),
	    "uptime_s", (json_int_t)(clock_wall_us() / 1000000 - st->started_s),
	    "generation", (json_int_t)st->generation,
	    "anonymous", st->anonymous,
	    "no_reload", st->no_reload);
	must(o != NULL);
	json_object_set_new(o, "workers", workers_json(st));
	json_object_set_new(o, "logger", json_pack("{s:i,s:o}", "pid",
	    (int)st->logger_pid, "state", daemon_json_text(st->logger_state)));
	json_object_set_new(o, "counters", stats_json(st));
	json_object_set_new(o, "warnings", warnings_json(st));
	return o;
}
