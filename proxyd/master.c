/*
 * The master.  Forks, watches, respawns, replaces; a signal handler it has not:
 * signals come through the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/listen.h"
#include "base/log.h"
#include "proxyd/account.h"
#include "proxyd/control.h"
#include "proxyd/logger.h"
#include "proxyd/master.h"
#include "proxyd/worker.h"

#define TICK_MS		500
#define HUNG_MS		30000		/* without a beat: killed */
#define BACKOFF_MAX_S	60
#define EXIT_CONFIG	2

/* --- listening ---------------------------------------------------------------------- */

static int
listen_open(const struct conf_process *p, int *port, char *err, size_t size)
{
	int	 fd = listen_tcp(p->host, p->port, "", err, size);

	if (fd != -1)
		*port = listen_port(fd);
	return fd;
}

/* --- children --------------------------------------------------------------------------- */

static void
child_prepare(struct master *m)
{
	control_close(m);
	close(m->signals.fd);
	close(m->life[1]);
	if (m->ready_fd != -1)
		close(m->ready_fd);
	loop_destroy(m->loop);
}

static int
worker_run(struct master *m, unsigned slot)
{
	static struct worker	 wk;

	child_prepare(m);
	prctl(PR_SET_DUMPABLE, 0);	/* it holds keys */
	wk.slot = slot;
	wk.shm = m->shm;
	wk.paths = &m->paths;
	wk.process = m->process;
	wk.listen_fd = m->listen_fd;
	wk.parent_fd = m->life[0];
	return worker_main(&wk);
}

static int
logger_run(struct master *m)
{
	struct logger	 lg;

	child_prepare(m);
	close(m->listen_fd);
	lg.shm = m->shm;
	lg.paths = &m->paths;
	lg.parent_fd = m->life[0];
	return logger_main(&lg);
}

/*
 * It begins with every signal blocked and takes those it knows once it listens:
 * what it is told before then waits, and does not kill it.
 */
static pid_t
child_fork(void)
{
	sigset_t	 all, mine;
	pid_t		 pid;
	int		 err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mine);
	pid = fork();
	err = errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &mine, NULL);
	errno = err;
	return pid;
}

static void
child_spawn(struct child *c)
{
	struct master	*m = c->m;
	bool		 logger = c == &m->logger;

	c->born_ms = clock_mono_ms();
	c->told = false;
	if (!logger) {
		if (m->shm->workers <= c->slot)
			m->shm->workers = c->slot + 1;
		m->shm->worker[c->slot].state = SHM_STARTING;
		m->shm->worker[c->slot].beat_ms = c->born_ms;
	}
	if ((c->pid = child_fork()) == -1) {
		log_alert("cannot fork: %s", strerror(errno));
		c->pid = 0;
		loop_timer_set(m->loop, &c->respawn, 1000);
		return;
	}
	if (c->pid == 0)
		exit(logger ? logger_run(m) : worker_run(m, c->slot));
	if (logger)
		m->shm->logger_pid = c->pid;
	else
		m->shm->worker[c->slot].pid = c->pid;
}

static void
respawn_cb(void *arg)
{
	struct child	*c = arg;

	if (c->wanted && c->pid == 0 && !c->m->stopping)
		child_spawn(c);
}

static void
child_tell(struct child *c, int sig)
{
	c->wanted = false;
	c->told = true;
	loop_timer_clear(c->m->loop, &c->respawn);
	if (c->pid > 0)
		kill(c->pid, sig);
}

static unsigned
workers_alive(const struct master *m)
{
	unsigned	 i, n = 0;

	for (i = 0; i < SHM_WORKERS; i++)
		n += m->worker[i].pid > 0;
	return n;
}

static void
workers_start(struct master *m)
{
	int		 n = m->workers > 0 ? m->workers : m->process.workers;
	unsigned	 i;
	struct child	*c;

	if (n <= 0)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (n > SHM_WORKERS / 2)	/* the next series needs room, too */
		n = SHM_WORKERS / 2;
	m->series++;
	for (i = 0; i < SHM_WORKERS && n > 0; i++) {
		c = &m->worker[i];
		if (c->pid > 0 || c->wanted)
			continue;
		c->wanted = true;
		c->series = m->series;
		c->deaths = 0;
		child_spawn(c);
		n--;
	}
}

static void
workers_retire(struct master *m)
{
	unsigned	 i;

	for (i = 0; i < SHM_WORKERS; i++)
		if (m->worker[i].series != m->series &&
		    (m->worker[i].wanted || m->worker[i].pid > 0))
			child_tell(&m->worker[i], SIGTERM);
}

/* --- the end ------------------------------------------------------------------------------- */

static void
stop_progress(struct master *m)
{
	if (!m->stopping || workers_alive(m) > 0)
		return;
	if (m->logger.pid > 0) {
		if (!m->logger.told)
			child_tell(&m->logger, SIGTERM);
		return;
	}
	loop_stop(m->loop);
}

void
master_stop(struct master *m)
{
	unsigned	 i;

	if (m->stopping)
		return;
	log_info("stopping");
	m->stopping = true;
	for (i = 0; i < SHM_WORKERS; i++)
		child_tell(&m->worker[i], SIGTERM);
	stop_progress(m);
}

/* No more waiting for requests. */
static void
workers_cut(struct master *m)
{
	unsigned	 i;

	for (i = 0; i < SHM_WORKERS; i++)
		if (m->worker[i].pid > 0)
			kill(m->worker[i].pid, SIGQUIT);
}

/* --- the dead --------------------------------------------------------------------------------- */

static void
child_report(struct child *c, int ws, const char *words)
{
	const char	*what = c == &c->m->logger ? "logger" : "worker";

	if (WIFEXITED(ws) && WEXITSTATUS(ws) == 0 &&
	    (c->told || c->m->stopping))
		log_debug("%s %u has ended", what, c->slot);
	else if (WIFSIGNALED(ws))
		log_alert("%s %u (pid %d) was killed by signal %d %s", what,
		    c->slot, (int)c->pid, WTERMSIG(ws), words);
	else
		log_alert("%s %u (pid %d) exited %d: %s", what, c->slot,
		    (int)c->pid, WEXITSTATUS(ws), words);
}

/* 0, 1, 2, 4 .. 60 s; a minute's life wipes the slate. */
static void
child_back(struct child *c)
{
	int64_t	 delay = 0;

	if (clock_mono_ms() - c->born_ms > BACKOFF_MAX_S * 1000)
		c->deaths = 0;
	if (c->deaths > 0)
		delay = 1000ll << (c->deaths > 6 ? 6 : c->deaths - 1);
	if (delay > BACKOFF_MAX_S * 1000)
		delay = BACKOFF_MAX_S * 1000;
	c->deaths++;
	loop_timer_set(c->m->loop, &c->respawn, delay);
}

static void
child_dead(struct child *c, int ws)
{
	struct master	*m = c->m;
	bool		 logger = c == &m->logger;

	child_report(c, ws, logger ? m->shm->logger_words :
	    m->shm->worker[c->slot].words);
	c->pid = 0;
	if (logger)
		m->shm->logger_pid = 0;
	else
		shm_fold(m->shm, c->slot, account_spilled(&m->paths, c->slot,
		    m->shm->epoch));
	if (WIFEXITED(ws) && WEXITSTATUS(ws) == EXIT_CONFIG && c->wanted) {
		c->wanted = false;
		snprintf(m->alert, sizeof(m->alert), "%s %u could not load "
		    "the configuration and is not respawned; see the log",
		    logger ? "logger" : "worker", c->slot);
		if (!m->ready) {
			m->status = EXIT_CONFIG;
			master_stop(m);
		}
	}
	if (c->wanted && !m->stopping)
		child_back(c);
	/* A logger that dies while stopping has rows to write still. */
	else if (logger && m->stopping && !(WIFEXITED(ws) &&
	    WEXITSTATUS(ws) == 0) && c->deaths++ < 3)
		child_spawn(c);
	stop_progress(m);
}

static void	 loader_dead(struct master *);

static void
reap(struct master *m)
{
	pid_t		 pid;
	unsigned	 i;
	int		 ws;

	while ((pid = waitpid(-1, &ws, WNOHANG)) > 0) {
		if (pid == m->logger.pid)
			child_dead(&m->logger, ws);
		for (i = 0; i < SHM_WORKERS; i++)
			if (pid == m->worker[i].pid) {
				child_dead(&m->worker[i], ws);
				break;
			}
	}
}

/* --- loading the configuration ------------------------------------------------------ */

static uint64_t
file_print(const struct master *m)
{
	struct stat	 sb;
	uint64_t	 v[4];

	if (m->file == NULL || stat(m->file, &sb) == -1)
		return 0;
	v[0] = (uint64_t)sb.st_size;
	v[1] = (uint64_t)sb.st_mtim.tv_sec;
	v[2] = (uint64_t)sb.st_mtim.tv_nsec;
	v[3] = (uint64_t)sb.st_ino;
	return hash64((struct str){ (const char *)v, sizeof(v) }, 1);
}

static void
process_override(const struct master *m, struct conf_process *p)
{
	if (m->port != -1)
		p->port = m->port;
	if (m->verbose)
		p->debug = true;
}

/* What is in the file changed in a way that needs new workers. */
static bool
process_differs(const struct conf_process *a, const struct conf_process *b)
{
	return strcmp(a->host, b->host) != 0 || a->port != b->port ||
	    a->workers != b->workers || a->debug != b->debug ||
	    a->max_connections != b->max_connections ||
	    a->drain_ms != b->drain_ms;
}

static int
listener_replace(struct master *m, const struct conf_process *p, char *err,
    size_t size)
{
	int	 fd, port;

	if (strcmp(m->process.host, p->host) == 0 &&
	    m->process.port == p->port)
		return 0;
	if ((fd = listen_open(p, &port, err, size)) == -1)
		return -1;
	close(m->listen_fd);
	m->listen_fd = fd;
	m->bound_port = port;
	return 0;
}

static void
reload_apply(struct master *m, struct loader_result *r)
{
	bool	 replace;

	replace = process_differs(&m->process, &r->process);
	if (replace && listener_replace(m, &r->process, r->err,
	    sizeof(r->err)) == -1) {
		control_reloaded(m, r->err, NULL, false);
		log_alert("%s", r->err);
		return;
	}
	m->loaded = *r;
	m->process = r->process;
	m->alert[0] = '\0';
	m->shm->generation = r->generation;
	log_setdebug(m->process.debug);
	if (replace) {
		log_info("new workers for the new settings");
		workers_start(m);
		workers_retire(m);
	}
	control_reloaded(m, NULL, r, replace);
}

static void
loader_dead(struct master *m)
{
	static struct loader_result	 r;

	loop_del(m->loop, &m->loader_fd);
	if (loader_read(m->loader_fd.fd, &r) == -1) {
		memset(&r, 0, sizeof(r));
		snprintf(r.err, sizeof(r.err), "the loader died");
	}
	close(m->loader_fd.fd);
	m->loader = 0;
	if (r.ok) {
		reload_apply(m, &r);
		return;
	}
	log_warnx("configuration refused, the old one stays in service: %s",
	    r.err);
	snprintf(m->alert, sizeof(m->alert), "configuration refused: %.1900s",
	    r.err);
	control_reloaded(m, r.err, NULL, false);
}

static void
loader_cb(void *arg, uint32_t events)
{
	(void)events;
	loader_dead(arg);
}

/*
 * In the loader: an address that cannot be had is refused before the database
 * changes.
 */
static int
loader_check(void *arg, struct conf_process *p, char *err, size_t size)
{
	struct master	*m = arg;
	int		 fd, port;

	process_override(m, p);
	if (!m->ready || (strcmp(m->process.host, p->host) == 0 &&
	    m->process.port == p->port))
		return 0;
	if ((fd = listen_open(p, &port, err, size)) == -1)
		return -1;
	close(fd);
	return 0;
}

static pid_t
master_loader(struct master *m, int *fd)
{
	struct loader	 ld = { &m->paths, m->file, m->shm, loader_check, m };

	m->file_seen = m->file_next = file_print(m);
	return loader_start(&ld, fd);
}

int
master_reload(struct master *m)
{
	int	 fd;

	if (m->loader > 0 || m->stopping)
		return -1;
	if ((m->loader = master_loader(m, &fd)) == -1) {
		m->loader = 0;
		return -1;
	}
	m->loader_fd = (struct loop_fd){ .fd = fd, .cb = loader_cb,
	    .arg = m };
	if (loop_add(m->loop, &m->loader_fd, EPOLLIN) == -1)
		fatal("loader");
	return 0;
}

/* Unchanged for a tick: whoever writes it has finished. */
static void
file_watch(struct master *m)
{
	uint64_t	 now;

	if (m->no_reload || m->file == NULL || m->loader > 0)
		return;
	now = file_print(m);
	if (now != 0 && now != m->file_seen && now == m->file_next) {
		log_info("'%s' has changed", m->file);
		if (master_reload(m) == -1)
			log_warnx("cannot reload now");
	}
	m->file_next = now;
}

/* --- watching ----------------------------------------------------------------------- */

static void
ready_tell(struct master *m, const char *line)
{
	if (m->ready_fd == -1)
		return;
	if (write(m->ready_fd, line, strlen(line)) == -1)
		log_debug("nobody waits for the ready line");
	close(m->ready_fd);
	m->ready_fd = -1;
}

static void
ready_check(struct master *m)
{
	char		 line[512];
	unsigned	 i;

	if (m->ready || m->stopping)
		return;
	for (i = 0; i < SHM_WORKERS; i++)
		if (m->worker[i].wanted &&
		    m->shm->worker[i].state != SHM_RUNNING)
			return;
	m->ready = true;
	upgrade_ready(m);
	log_info("serving on %s port %d, configuration %llu", m->process.host,
	    m->bound_port, (unsigned long long)m->loaded.generation);
	snprintf(line, sizeof(line), "ready %s %d\n", m->process.host,
	    m->bound_port);
	ready_tell(m, line);
}

static void
hang_check(struct master *m)
{
	int64_t		 now = clock_mono_ms();
	struct child	*c;
	unsigned	 i;

	for (i = 0; i < SHM_WORKERS; i++) {
		c = &m->worker[i];
		if (c->pid <= 0 ||
		    now - m->shm->worker[i].beat_ms < HUNG_MS)
			continue;
		log_alert("worker %u (pid %d) has not answered for %d s, "
		    "killed", i, (int)c->pid, HUNG_MS / 1000);
		kill(c->pid, SIGKILL);
	}
}

static void
tick_cb(void *arg)
{
	struct master	*m = arg;

	ready_check(m);
	hang_check(m);
	file_watch(m);
	loop_timer_set(m->loop, &m->tick, m->ready ? TICK_MS : 10);
}

static void
signal_cb(void *arg, uint32_t events)
{
	struct signalfd_siginfo	 si;
	struct master		*m = arg;

	(void)events;
	while (read(m->signals.fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGCHLD:
			reap(m);
			break;
		case SIGHUP:
			if (master_reload(m) == -1)
				log_warnx("a reload is under way already");
			break;
		case SIGUSR2:
			if (master_upgrade(m) == -1)
				log_warnx("cannot upgrade now");
			break;
		case SIGTERM:
			master_stop(m);
			break;
		case SIGINT:
			master_stop(m);
			workers_cut(m);
			break;
		}
	}
}

static const char *
state_name(int state)
{
	static const char *const names[] = {
		[SHM_FREE] = "free", [SHM_STARTING] = "starting",
		[SHM_RUNNING] = "running", [SHM_DRAINING] = "draining",
		[SHM_DEAD] = "dead",
	};

	return state >= 0 && state <= SHM_DEAD ? names[state] : "unknown";
}

static void
stat_cb(void *arg, const char *name, const char *text, uint64_t n)
{
	(void)text;
	buf_addf(arg, "stat %s %llu\n", name, (unsigned long long)n);
}

void
master_status(struct master *m, struct buf *b)
{
	const struct shm_worker	*w;
	unsigned		 i;

	buf_addf(b, "pid %d\nversion %s\nstate %s\nhost %s\nport %d\n",
	    (int)getpid(), PROXYD_VERSION,
	    m->stopping ? "draining" : "running", m->process.host,
	    m->bound_port);
	buf_addf(b, "config %s\nhome %s\nstarted %lld\ngeneration %llu\n",
	    m->file == NULL ? "embedded" : m->file, m->paths.home,
	    (long long)m->started_s, (unsigned long long)m->shm->generation);
	buf_addf(b, "anonymous %d\nno_reload %d\n", m->loaded.anonymous,
	    m->no_reload);
	for (i = 0; i < SHM_WORKERS; i++) {
		w = &m->shm->worker[i];
		if (m->worker[i].pid <= 0 && !m->worker[i].wanted)
			continue;
		buf_addf(b, "worker %u %d %s %lld %u %u %llu\n", i,
		    (int)m->worker[i].pid, m->worker[i].pid > 0 ?
		    state_name(w->state) : "respawning",
		    w->beat_ms == 0 ? -1ll :
		    (long long)(clock_mono_ms() - w->beat_ms),
		    w->inflight, w->open,
		    (unsigned long long)w->generation);
	}
	buf_addf(b, "logger %d %s\n", (int)m->logger.pid,
	    m->logger.pid > 0 ? "running" : "respawning");
	buf_addf(b, "stat rows %llu\n", (unsigned long long)m->shm->rows);
	shm_stats_each(m->shm, stat_cb, b);
	if (m->alert[0] != '\0')
		buf_addf(b, "alert %s\n", m->alert);
}

/* --- life --------------------------------------------------------------------------- */

static void
master_children_init(struct master *m)
{
	unsigned	 i;

	for (i = 0; i < SHM_WORKERS; i++) {
		m->worker[i].m = m;
		m->worker[i].slot = i;
		m->worker[i].respawn = (struct loop_timer){
		    .cb = respawn_cb, .arg = &m->worker[i] };
	}
	m->logger.m = m;
	m->logger.wanted = true;
	m->logger.respawn = (struct loop_timer){ .cb = respawn_cb,
	    .arg = &m->logger };
}

static void
master_signals(struct master *m)
{
	sigset_t	 set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	m->signals = (struct loop_fd){ .cb = signal_cb, .arg = m };
	m->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signals.fd == -1 ||
	    loop_add(m->loop, &m->signals, EPOLLIN) == -1)
		fatal("signals");
}

/* The first configuration: without one there is nothing to do. */
static int
master_load(struct master *m, char *err, size_t size)
{
	struct loader_result	*r = &m->loaded;
	pid_t			 pid;
	int			 fd, ws;

	if ((pid = master_loader(m, &fd)) == -1)
		fatal("cannot fork the loader");
	if (loader_read(fd, r) == -1)
		snprintf(r->err, sizeof(r->err), "the loader died");
	close(fd);
	while (waitpid(pid, &ws, 0) == -1 && errno == EINTR)
		continue;
	if (!r->ok) {
		snprintf(err, size, "%s", r->err);
		return -1;
	}
	m->process = r->process;
	m->shm->generation = r->generation;
	if (m->inherited_fd != -1) {
		m->bound_port = listen_port(m->inherited_fd);
		if (m->process.port == 0 ||
		    m->process.port == m->bound_port) {
			m->listen_fd = m->inherited_fd;
			return 0;
		}
		close(m->inherited_fd);
	}
	m->listen_fd = listen_open(&m->process, &m->bound_port, err, size);
	return m->listen_fd == -1 ? -1 : 0;
}

int
master_main(struct master *m)
{
	char	 err[2048], line[2100];

	m->started_s = clock_wall_us() / 1000000;
	m->shm = shm_create(&m->shm_fd);
	if (master_load(m, err, sizeof(err)) == -1) {
		log_warnx("%s", err);
		snprintf(line, sizeof(line), "error %s\n", err);
		ready_tell(m, line);
		return EXIT_CONFIG;
	}
	log_setdebug(m->process.debug);
	if (pipe2(m->life, O_CLOEXEC) == -1)
		fatal("pipe");
	m->loop = loop_create();
	master_signals(m);
	master_children_init(m);
	if (control_open(m, m->paths.control) == -1) {
		ready_tell(m, "error cannot open the control socket\n");
		return 1;
	}
	if (m->inherited_fd == -1)
		account_adopt(&m->paths, m->shm->epoch);
	child_spawn(&m->logger);
	workers_start(m);
	m->tick = (struct loop_timer){ .cb = tick_cb, .arg = m };
	tick_cb(m);
	loop_run(m->loop);
	if (m->ready_fd != -1)
		ready_tell(m, "error it stopped before it was ready\n");
	control_close(m);
	if (!m->handed_over)
		unlink(m->paths.control);
	close(m->listen_fd);
	close(m->signals.fd);
	close(m->life[0]);
	close(m->life[1]);
	loop_destroy(m->loop);
	log_info("stopped");
	return m->status;
}
