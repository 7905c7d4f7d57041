/*
 * start, stop, restart, reload, upgrade.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyctl/foreground.h"
#include "proxyctl/launch.h"
#include "proxyctl/words.h"

#define COMMAND_MS	60000
#define STATUS_MS	3000
#define PROGRESS_MS	2000

/* Which of the two are meant: all where nothing is said, or proxyd alone. */
struct chosen {
	struct service	 s[2];
	int		 n;
};

static void
choose(struct chosen *ch, const struct ctl *c, bool all)
{
	bool	 web = c->opt[OPT_WEB] != NULL, api = c->opt[OPT_API] != NULL;

	if (c->opt[OPT_ALL] != NULL || (all && !web && !api))
		web = api = true;
	ch->n = 0;
	if (api || !web)
		service_init(&ch->s[ch->n++], c, false);
	if (web)
		service_init(&ch->s[ch->n++], c, true);
}

/* --- start ---------------------------------------------------------------------- */

static void
say_config(const struct launch *l)
{
	if (l->config[0] != '\0')
		printf("configuration: %s\n", l->config);
	else
		printf("configuration: built in, with keys of the "
		    "environment (no ./app.yml here, no --config)\n");
}

/* Where it serves, as status and its pid file tell. */
static void
service_address(struct service *s, const struct ctl *c)
{
	struct daemon_status	 st;
	struct arena		 arena;
	struct buf		 b;
	char			 err[1400];

	if (strcmp(s->name, "admind") == 0) {
		memcpy(s->host, s->proc.host, sizeof(s->host));
		s->port = s->proc.port;
		return;
	}
	arena_init(&arena);
	buf_init(&b, 1 << 20);
	if (daemon_ask(c->paths.control, "status", STATUS_MS, &b, err,
	    sizeof(err)) == DAEMON_OK) {
		daemon_status_parse(&arena, buf_str(&b), &st);
		snprintf(s->host, sizeof(s->host), "%s", st.host);
		s->port = st.port;
	}
	buf_release(&b);
	arena_release(&arena);
}

static void
say_runs(const struct service *s, const char *how)
{
	char	 url[DAEMON_URL_MAX];

	printf("%s %s (pid %d)%s%s\n", s->name, how, (int)s->proc.pid,
	    s->host[0] != '\0' ? ", " : "", s->host[0] != '\0' ?
	    daemon_url(url, s->host, s->port) : "");
	(void)fflush(stdout);
}

static int
service_launch(struct service *s, const struct launch *l)
{
	struct child	 ch;

	if (launch_spawn(s, l, false, &ch) == -1 || launch_wait(s, &ch) == -1)
		return -1;
	say_runs(s, "started");
	return 0;
}

static int
service_start(struct service *s, const struct ctl *c, bool first)
{
	static struct launch	 l;
	int			 r;

	if ((r = service_find(s)) == -1)
		return -1;
	if (r == 1) {
		service_address(s, c);
		say_runs(s, "runs already");
		close(s->proc.fd);
		if (c->opt[OPT_PORT] != NULL || c->opt[OPT_CONFIG] != NULL ||
		    c->opt[OPT_NO_RELOAD] != NULL)
			printf("  as it was started; proxyctl restart takes "
			    "other options\n");
		return 0;
	}
	memset(&l, 0, sizeof(l));
	if (launch_options(&l, c, strcmp(s->name, "admind") == 0) == -1)
		return -1;
	if (first)
		say_config(&l);
	return service_launch(s, &l);
}

void
ctl_hello(const struct service *api, const struct service *web)
{
	char		 url[DAEMON_URL_MAX];
	char		 token[DAEMON_SETUP_MAX];
	const char	*say = "\"messages\":[{\"role\":\"user\","
			    "\"content\":\"Hello!\"}]";

	printf("\nAPI server:         %s  (documentation: /docs)\n",
	    daemon_url(url, api->host, api->port));
	if (web->host[0] != '\0')
		printf("management server:  %s\n",
		    daemon_url(url, web->host, web->port));
	if (web->host[0] != '\0' && daemon_setup_token(web->home, token))
		printf("\nNobody can log in there yet.  Set up an "
		    "administrator with this link:\n\n%s/#setup=%s\n", url,
		    token);
	daemon_url(url, api->host, api->port);
	printf("\nThe built-in mock provider needs no key.  As an OpenAI "
	    "client, as an Anthropic one\nthat streams, as a Gemini one:\n\n");
	printf("curl %s/v1/chat/completions -d '{\"model\":\"mock-echo\","
	    "%s}'\n", url, say);
	printf("curl -N %s/v1/messages -d '{\"model\":\"mock-echo\","
	    "\"max_tokens\":100,\"stream\":true,%s}'\n", url, say);
	printf("curl %s/v1beta/models/mock-echo:generateContent -d "
	    "'{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"Hello!\"}]}]}'\n", url);
	(void)fflush(stdout);
}

static int
ctl_start(struct ctl *c)
{
	static struct chosen	 ch;
	int			 i;

	choose(&ch, c, false);
	if (c->opt[OPT_FOREGROUND] != NULL)
		return foreground(c, ch.s, ch.n);
	for (i = 0; i < ch.n; i++)
		if (service_start(&ch.s[i], c, i == 0) == -1)
			return CTL_ERROR;
	if (ch.n == 2)
		ctl_hello(&ch.s[0], &ch.s[1]);
	return CTL_OK;
}

/* --- stop ------------------------------------------------------------------------- */

static unsigned
inflight(const struct ctl *c)
{
	const struct daemon_worker	*w;
	struct daemon_status		 st;
	struct arena			 arena;
	struct buf			 b;
	char				 err[1400];
	unsigned			 n = 0;

	arena_init(&arena);
	buf_init(&b, 1 << 20);
	if (daemon_ask(c->paths.control, "status", STATUS_MS, &b, err,
	    sizeof(err)) == DAEMON_OK) {
		daemon_status_parse(&arena, buf_str(&b), &st);
		for (w = st.workers; w != NULL; w = w->next)
			n += w->inflight;
	}
	buf_release(&b);
	arena_release(&arena);
	return n;
}

/* TERM lets requests end, INT cuts them off: proxyd(8). */
static int
service_stop(struct service *s, const struct ctl *c)
{
	unsigned	 n;
	int		 sig = c->opt[OPT_NOW] != NULL ? SIGINT : SIGTERM;

	if (daemon_kill(&s->proc, sig) == -1 && errno != ESRCH) {
		ctl_fail("cannot stop %s (pid %d): %s%s", s->name,
		    (int)s->proc.pid, strerror(errno), errno == EPERM ?
		    "; do it as the user that it runs as, or as root" : "");
		close(s->proc.fd);
		return -1;
	}
	while (!daemon_wait(&s->proc, PROGRESS_MS)) {
		n = strcmp(s->name, "proxyd") == 0 ? inflight(c) : 0;
		if (n > 0)
			printf("%s: %u request%s in flight, waiting; proxyctl "
			    "stop --now cuts them off\n", s->name, n,
			    n == 1 ? "" : "s");
		else
			printf("%s: waiting for its end\n", s->name);
		(void)fflush(stdout);
	}
	close(s->proc.fd);
	printf("%s stopped\n", s->name);
	(void)fflush(stdout);
	return 0;
}

static int
ctl_stop(struct ctl *c)
{
	static struct chosen	 ch;
	int			 i, r, stopped = 0;

	choose(&ch, c, true);
	for (i = ch.n - 1; i >= 0; i--) {
		if ((r = service_find(&ch.s[i])) == -1)
			return CTL_ERROR;
		if (r == 0)
			continue;
		if (service_stop(&ch.s[i], c) == -1)
			return CTL_ERROR;
		stopped++;
	}
	if (stopped > 0)
		return CTL_OK;
	ctl_fail("nothing runs in '%s'; proxyctl start --all starts it",
	    c->paths.home);
	return CTL_DOWN;
}

/* --- restart ------------------------------------------------------------------------ */

static int
service_restart(struct service *s, const struct ctl *c)
{
	static struct launch	 l;

	launch_of(&l, s->proc.pid);
	/* Before it is stopped: a mistake costs nothing then. */
	if (launch_options(&l, c, strcmp(s->name, "admind") == 0) == -1) {
		close(s->proc.fd);
		return -1;
	}
	if (service_stop(s, c) == -1)
		return -1;
	if (strcmp(s->name, "proxyd") == 0)
		say_config(&l);
	return service_launch(s, &l);
}

/* Without options: those that run; where none does, proxyd. */
static int
ctl_restart(struct ctl *c)
{
	static struct chosen	 ch;
	int			 i, r, found = 0;
	bool			 named = c->opt[OPT_WEB] != NULL ||
				    c->opt[OPT_API] != NULL ||
				    c->opt[OPT_ALL] != NULL;

	choose(&ch, c, true);
	for (i = 0; i < ch.n; i++) {
		if ((r = service_find(&ch.s[i])) == -1)
			return CTL_ERROR;
		found += r;
		if (r == 1)
			r = service_restart(&ch.s[i], c);
		else if (named)
			r = service_start(&ch.s[i], c, i == 0);
		if (r == -1)
			return CTL_ERROR;
	}
	if (found > 0 || named)
		return CTL_OK;
	return service_start(&ch.s[0], c, true) == -1 ? CTL_ERROR : CTL_OK;
}

/* --- reload, upgrade -------------------------------------------------------------------------- */

static void
reload_say(struct str lines)
{
	struct str	 line, generation = STR("?");
	bool		 changed = false, replaced = false;

	while (lines.n > 0) {
		line = str_cut(&lines, '\n');
		if (str_starts(line, "changed "))
			changed = str_is(line, "changed 1");
		else if (str_starts(line, "generation "))
			generation = str_skip(line, strlen("generation "));
		else if (str_is(line, "workers replaced"))
			replaced = true;
	}
	printf("reloaded, configuration %.*s: %s\n", STR_FMT(generation),
	    replaced ? "new workers serve, the old ones end with their "
	    "requests" : changed ? "changes are in service" :
	    "nothing has changed");
}

static void
upgrade_say(struct str lines)
{
	(void)lines;
	printf("upgraded: the new program serves, the old one ends with its "
	    "requests\n");
}

/* A command of which nothing happens when it is refused. */
static int
command(struct ctl *c, const char *word, void (*say)(struct str))
{
	struct buf	 b;
	char		 err[4096];
	int		 r = CTL_OK;

	buf_init(&b, 1 << 16);
	switch (daemon_ask(c->paths.control, word, COMMAND_MS, &b, err,
	    sizeof(err))) {
	case DAEMON_OK:
		say(buf_str(&b));
		break;
	case DAEMON_REFUSED:
		r = ctl_fail("no %s, what was in service stays: %s", word,
		    err);
		break;
	case DAEMON_NOBODY:
		ctl_fail("proxyd does not run in '%s'; proxyctl start starts "
		    "it", c->paths.home);
		r = CTL_DOWN;
		break;
	case DAEMON_SILENT:
		r = ctl_fail("no %s: %s", word, err);
		break;
	}
	buf_release(&b);
	return r;
}

static int
ctl_reload(struct ctl *c)
{
	return command(c, "reload", reload_say);
}

static int
ctl_upgrade(struct ctl *c)
{
	return command(c, "upgrade", upgrade_say);
}

#define WHICH	OPT_WEB, OPT_API, OPT_ALL

const struct word daemon_words[] = {
	{ "start", ctl_start, "start proxyd, or what the options name", NULL,
	    ARG_NONE, { WHICH, OPT_CONFIG, OPT_PORT, OPT_NO_RELOAD,
	    OPT_FOREGROUND } },
	{ "stop", ctl_stop, "stop what runs, once running requests have "
	    "ended", NULL, ARG_NONE, { WHICH, OPT_NOW } },
	{ "restart", ctl_restart, "stop what runs and start it as it was",
	    NULL, ARG_NONE, { WHICH, OPT_CONFIG, OPT_PORT, OPT_NO_RELOAD,
	    OPT_NOW } },
	{ "reload", ctl_reload, "make proxyd read app.yml again", NULL,
	    ARG_NONE, { 0 } },
	{ "upgrade", ctl_upgrade, "replace proxyd by its program file as it "
	    "is now", NULL, ARG_NONE, { 0 } },
	{ .name = NULL }
};
