/*
 * admind: the management server's process.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admind/api.h"
#include "admind/assets.h"
#include "admind/auth.h"
#include "admind/http.h"
#include "admind/live.h"
#include "admind/lock.h"
#include "admind/metrics.h"
#include "admind/status.h"
#include "admind/upstream.h"
#include "base/codec.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/version.h"

#define EXIT_CONFIG	2

static const unsigned char style_css[] = {
#include "style_css.h"
};

static void __attribute__((__noreturn__))
usage(void)
{
	fprintf(stderr, "usage: admind [-v] [-d home] [-f app.yml] [-p port] "
	    "[-R fd]\n");
	exit(EXIT_CONFIG);
}

static void
ready_tell(struct admind *ad, const char *line)
{
	if (ad->ready_fd == -1)
		return;
	if (dprintf(ad->ready_fd, "%s\n", line) < 0)
		log_debug("nobody waits for the ready line");
	close(ad->ready_fd);
	ad->ready_fd = -1;
}

static void __attribute__((__noreturn__))
give_up(struct admind *ad, int status, const char *text)
{
	char	 line[2200];

	snprintf(line, sizeof(line), "error %s", text);
	ready_tell(ad, line);
	errx(status, "%s", text);
}

/* --- what is served ------------------------------------------------------------- */

static void
serve_page(struct admind *ad, const struct http_request *rq,
    struct http_reply *r)
{
	static struct status_view	 v;
	struct arena			 arena;

	arena_init(&arena);
	status_gather(&v, &arena, &ad->paths);
	if (str_is(rq->path, "/status")) {
		r->type = "text/html; charset=utf-8";
		status_page(&v, &r->body);
	} else if (str_is(rq->path, "/metrics")) {
		r->type = "text/plain; version=0.0.4; charset=utf-8";
		metrics_text(&v, &ad->paths, &r->body);
	} else if (str_is(rq->path, "/api/status")) {
		r->type = "application/json";
		status_json(&v, ad->process.admin_host, ad->bound_port,
		    &r->body);
	} else if (!v.stored)
		http_error(rq, r, 503, v.store_err);
	else {
		r->type = "application/json";
		status_stats_json(&v, &r->body);
	}
	arena_release(&arena);
}

static void
serve_healthz(struct admind *ad, const struct http_request *rq,
    struct http_reply *r)
{
	(void)rq;
	r->type = "application/json";
	(void)buf_addz(&r->body, status_proxyd_runs(&ad->paths) ?
	    "{\"status\":\"ok\",\"proxyd\":\"running\"}\n" :
	    "{\"status\":\"ok\",\"proxyd\":\"down\"}\n");
}

static void
serve_style(struct admind *ad, const struct http_request *rq,
    struct http_reply *r)
{
	(void)ad;
	(void)rq;
	r->type = "text/css; charset=utf-8";
	r->cache = "no-cache";
	(void)buf_add(&r->body, style_css, sizeof(style_css));
}

static const struct {
	const char	*path;
	void		(*serve)(struct admind *, const struct http_request *,
			    struct http_reply *);
} paths[] = {
	{ "/status", serve_page },
	{ "/style.css", serve_style },
	{ "/healthz", serve_healthz },
	{ "/api/status", serve_page },
	{ "/metrics", serve_page },
	{ "/v1/api-keys/stats", serve_page },
};

static bool
is_api(const struct http_request *rq)
{
	return str_starts(rq->path, "/api/v1/");
}

/* What tells of keys and requests is for this machine, and for who may ask. */
static bool
open_to(struct admind *ad, struct http_request *rq, struct http_reply *r)
{
	if (assets_has(rq) || str_is(rq->path, "/healthz") ||
	    str_is(rq->path, "/style.css") ||
	    (http_peer_loopback(rq) && http_header(rq, "Forwarded") == NULL &&
	    http_header(rq, "X-Forwarded-For") == NULL))
		return true;
	if (api_visitor(ad, rq, r))
		return true;
	http_error(rq, r, 401, "log in first, or send an API token");
	return false;
}

/* Everything besides the API is looked at and not changed. */
static long
begin_cb(void *arg, struct http_request *rq, struct http_reply *r)
{
	if (is_api(rq))
		return api_begin(arg, rq, r);
	if (str_is(rq->method, "GET") || str_is(rq->method, "HEAD"))
		return open_to(arg, rq, r) ? 0 : -1;
	http_reply_header(r, "Allow", "GET, HEAD");
	http_error(rq, r, 405, "only GET and HEAD are served here");
	return -1;
}

static void
serve_cb(void *arg, struct http_request *rq, struct http_reply *r)
{
	size_t	 i;

	if (is_api(rq)) {
		api_serve(arg, rq, r);
		return;
	}
	if (assets_has(rq)) {
		assets_serve(rq, r);
		return;
	}
	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (str_is(rq->path, paths[i].path)) {
			paths[i].serve(arg, rq, r);
			return;
		}
	http_error(rq, r, 404, "there is no such page");
}

/* --- listening ---------------------------------------------------------------------- */

static int
listen_open(struct admind *ad)
{
	const struct conf_process	*p = &ad->process;
	char				 text[1024];
	int				 fd;

	fd = listen_tcp(p->admin_host, p->admin_port, "ADMIN_", text,
	    sizeof(text));
	if (fd == -1)
		give_up(ad, EXIT_CONFIG, text);
	ad->bound_port = listen_port(fd);
	return fd;
}

/* --- life ------------------------------------------------------------------------------ */

static void
signal_cb(void *arg, uint32_t events)
{
	struct admind		*ad = arg;
	struct signalfd_siginfo	 si;

	(void)events;
	while (read(ad->signals.fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGHUP)
			loop_stop(ad->loop);
}

static void
signals_open(struct admind *ad)
{
	sigset_t	 set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);	/* it holds nothing to be read again */
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	ad->signals = (struct loop_fd){ .cb = signal_cb, .arg = ad };
	ad->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (ad->signals.fd == -1 ||
	    loop_add(ad->loop, &ad->signals, EPOLLIN) == -1)
		fatal("signals");
}

static void
admind_run(struct admind *ad, int pid_fd)
{
	struct http	*http;
	char		 line[320];
	int		 fd = listen_open(ad);

	ad->loop = loop_create();
	signals_open(ad);
	ad->throttle = throttle_create();
	ad->lock = lock_create(ad);
	ad->live = live_create(ad);
	ad->upstream = upstream_create(ad->loop);
	auth_start(ad);
	http = http_create(ad->loop, fd, ad->process.admin_host,
	    &(struct http_server){ begin_cb, serve_cb, ad });
	if (daemon_tell(pid_fd, ad->process.admin_host, ad->bound_port) == -1)
		log_warn("cannot write '%s'", ad->paths.admin_pid);
	log_info("admind %s serves on %s port %d", PROXYD_VERSION,
	    ad->process.admin_host, ad->bound_port);
	snprintf(line, sizeof(line), "ready %s %d", ad->process.admin_host,
	    ad->bound_port);
	ready_tell(ad, line);
	loop_run(ad->loop);
	http_destroy(http);
	lock_destroy(ad->lock);
	upstream_destroy(ad->upstream);
	live_destroy(ad->live);
	throttle_destroy(ad->throttle);
	loop_del(ad->loop, &ad->signals);
	close(ad->signals.fd);
	loop_destroy(ad->loop);
	log_info("stopped");
}

static int
number(const char *arg, int max, const char *what)
{
	int64_t	 v;

	if (str_to_int(str_of(arg), 0, max, &v) == -1)
		errx(EXIT_CONFIG, "%s '%s': expected a number from 0 to %d",
		    what, arg, max);
	return (int)v;
}

static void
options(struct admind *ad, int argc, char **argv)
{
	const char	*home = NULL;
	bool		 verbose = false;
	int		 ch;

	while ((ch = getopt(argc, argv, "d:f:p:vR:")) != -1) {
		switch (ch) {
		case 'd':
			home = optarg;
			break;
		case 'f':
			ad->file = optarg;
			break;
		case 'p':
			ad->port = number(optarg, 65535, "port");
			break;
		case 'v':
			verbose = true;
			break;
		case 'R':
			ad->ready_fd = number(optarg, 1 << 20, "descriptor");
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (ad->ready_fd != -1)
		(void)fcntl(ad->ready_fd, F_SETFD, FD_CLOEXEC);
	log_init("admind", verbose);
	if (conf_paths_init(&ad->paths, home) == -1)
		give_up(ad, EXIT_CONFIG, "the path of the home directory is "
		    "too long");
}

int
main(int argc, char **argv)
{
	static struct admind	 ad = { .port = -1, .ready_fd = -1 };
	char			 text[2048];
	int			 pid_fd;

	options(&ad, argc, argv);
	umask(077);
	prctl(PR_SET_DUMPABLE, 0);
	if (mkdir(ad.paths.home, 0700) == -1 && errno != EEXIST) {
		snprintf(text, sizeof(text), "cannot make directory '%s': %s",
		    ad.paths.home, strerror(errno));
		give_up(&ad, 1, text);
	}
	pid_fd = daemon_lock(ad.paths.admin_pid, "admind", text, sizeof(text));
	if (pid_fd == -1)
		give_up(&ad, 1, text);
	/* Of its own; the keys that it reads end with it. */
	if (conf_process_load(ad.file, &ad.process, text, sizeof(text)) == -1)
		give_up(&ad, EXIT_CONFIG, text);
	if (ad.port != -1)
		ad.process.admin_port = ad.port;
	log_setdebug(ad.process.debug || log_isdebug());
	admind_run(&ad, pid_fd);
	unlink(ad.paths.admin_pid);
	close(pid_fd);
	return 0;
}
