/*
 * Finding the daemons' programs, starting them, waiting until they serve.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "proxyctl/launch.h"

#define READY_MS	30000
#define GONE_MS		5000
#define TAIL		2048		/* bytes of the log shown on failure */
#define ARGS		20

struct argv {
	char	*v[ARGS];
	int	 n;
};

/* --- services ----------------------------------------------------------------- */

void
service_init(struct service *s, const struct ctl *c, bool web)
{
	memset(s, 0, sizeof(*s));
	s->name = web ? "admind" : "proxyd";
	s->pid_file = web ? c->paths.admin_pid : c->paths.pid;
	s->log = web ? c->paths.admin_log : c->paths.log;
	s->home = c->paths.home;
}

int
service_find(struct service *s)
{
	char	 err[1400];
	int	 r;

	r = daemon_find(s->pid_file, &s->proc, err, sizeof(err));
	if (r == -1)
		ctl_fail("%s: %s", s->name, err);
	return r;
}

/* --- programs ------------------------------------------------------------------ */

static bool
program_in(char *dst, size_t size, const char *dir, size_t n,
    const char *name)
{
	struct stat	 sb;

	return snprintf(dst, size, "%.*s/%s", (int)n, dir, name) <
	    (int)size && stat(dst, &sb) == 0 && S_ISREG(sb.st_mode) &&
	    access(dst, X_OK) == 0;
}

/* Beside ourselves, in ../sbin, on the path. */
static int
program_find(char *dst, size_t size, const char *name)
{
	const char	*path = getenv("PATH");
	struct str	 rest, dir;
	char		 self[4096], *slash;
	ssize_t		 n;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (program_in(dst, size, self, (size_t)(slash - self), name))
			return 0;
		*slash = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL) {
			snprintf(slash, sizeof(self) - (size_t)(slash - self),
			    "/sbin");
			if (program_in(dst, size, self, strlen(self), name))
				return 0;
		}
	}
	for (rest = str_of(path); rest.n > 0;) {
		dir = str_cut(&rest, ':');
		if (dir.n > 0 && program_in(dst, size, dir.p, dir.n, name))
			return 0;
	}
	ctl_fail("cannot find the program '%s': it is neither beside proxyctl "
	    "nor in ../sbin nor on the PATH; build it with make", name);
	return -1;
}

/* --- command lines --------------------------------------------------------------- */

static int
port_take(struct launch *l, const char *arg)
{
	int64_t	 n;

	if (str_to_int(str_of(arg), 0, 65535, &n) == -1) {
		ctl_fail("--port '%s': expected a number from 0 to 65535", arg);
		return -1;
	}
	snprintf(l->port, sizeof(l->port), "%d", (int)n);
	return 0;
}

/* --port is admind's only where proxyd is not meant too. */
int
launch_options(struct launch *l, const struct ctl *c, bool web)
{
	bool	 only_web = c->opt[OPT_ALL] == NULL && c->opt[OPT_API] == NULL &&
		    c->opt[OPT_WEB] != NULL;

	if (c->opt[OPT_CONFIG] != NULL || l->config[0] == '\0')
		if (ctl_config(c, l->config, sizeof(l->config)) == -1)
			return -1;
	if (c->opt[OPT_PORT] != NULL && web == only_web &&
	    port_take(l, c->opt[OPT_PORT]) == -1)
		return -1;
	if (c->opt[OPT_NO_RELOAD] != NULL)
		l->no_reload = true;
	return 0;
}

static void
launch_take(struct launch *l, char opt, const char *arg)
{
	switch (opt) {
	case 'f':
		snprintf(l->config, sizeof(l->config), "%s", arg);
		break;
	case 'p':
		snprintf(l->port, sizeof(l->port), "%s", arg);
		break;
	case 'w':
		snprintf(l->workers, sizeof(l->workers), "%s", arg);
		break;
	case 'n':
		l->no_reload = true;
		break;
	case 'v':
		l->verbose = true;
		break;
	}
}

/* "-nv", "-p8000" and "-p", "8000": words end in NUL. */
static void
launch_parse(struct launch *l, struct str args)
{
	struct str	 a;

	(void)str_cut(&args, '\0');
	while (args.n > 0) {
		a = str_cut(&args, '\0');
		if (a.n < 2 || a.p[0] != '-')
			continue;
		for (a = str_skip(a, 1); a.n > 0; a = str_skip(a, 1)) {
			if (strchr("dfpwR", a.p[0]) == NULL) {
				launch_take(l, a.p[0], "");
				continue;
			}
			launch_take(l, a.p[0], a.n > 1 ? a.p + 1 :
			    str_cut(&args, '\0').p);
			break;
		}
	}
}

void
launch_of(struct launch *l, pid_t pid)
{
	char	 path[64], text[16384];
	ssize_t	 n;
	int	 fd;

	memset(l, 0, sizeof(*l));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n > 0 && text[n - 1] == '\0')
		launch_parse(l, (struct str){ text, (size_t)n });
}

static void
argv_add(struct argv *a, const char *opt, const char *value)
{
	a->v[a->n++] = (char *)(uintptr_t)opt;
	if (value != NULL)
		a->v[a->n++] = (char *)(uintptr_t)value;
	a->v[a->n] = NULL;
}

static void
argv_make(struct argv *a, const struct service *s, const struct launch *l,
    const char *program, const char *ready)
{
	a->n = 0;
	argv_add(a, program, NULL);
	argv_add(a, "-d", s->home);
	if (l->config[0] != '\0')
		argv_add(a, "-f", l->config);
	if (l->port[0] != '\0')
		argv_add(a, "-p", l->port);
	if (l->workers[0] != '\0')
		argv_add(a, "-w", l->workers);
	if (l->no_reload && strcmp(s->name, "proxyd") == 0)
		argv_add(a, "-n", NULL);
	if (l->verbose)
		argv_add(a, "-v", NULL);
	if (ready != NULL)
		argv_add(a, "-R", ready);
}

/* --- starting -------------------------------------------------------------------- */

static int
home_make(const struct service *s)
{
	if (mkdir(s->home, 0700) == 0 || errno == EEXIST)
		return 0;
	ctl_fail("cannot make the directory '%s': %s; name another with "
	    "--home", s->home, strerror(errno));
	return -1;
}

static int
log_open(const struct service *s, struct child *ch)
{
	struct stat	 sb;
	int		 fd;

	fd = open(s->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		ctl_fail("cannot write the log '%s': %s", s->log,
		    strerror(errno));
		return -1;
	}
	ch->log_from = sb.st_size;
	return fd;
}

/* In the child. */
static void __attribute__((__noreturn__))
child_exec(const struct argv *a, int ready, int log)
{
	sigset_t	 none;
	int		 fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (log == -1) {
		/* Signals of the terminal and of supervisors come by us. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	} else {
		setsid();
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
	}
	if ((fd = open("/dev/null", O_RDONLY)) != -1)
		dup2(fd, STDIN_FILENO);
	if (fd > STDIN_FILENO)
		close(fd);
	fcntl(ready, F_SETFD, 0);
	execv(a->v[0], a->v);
	dprintf(ready, "error cannot run '%s': %s\n", a->v[0],
	    strerror(errno));
	_exit(127);
}

int
launch_spawn(const struct service *s, const struct launch *l, bool stay,
    struct child *ch)
{
	struct argv	 a;
	char		 program[4200], number[16];
	int		 p[2], log = -1;

	memset(ch, 0, sizeof(*ch));
	if (program_find(program, sizeof(program), s->name) == -1 ||
	    home_make(s) == -1 ||
	    (!stay && (log = log_open(s, ch)) == -1))
		return -1;
	if (pipe2(p, O_CLOEXEC) == -1 || (ch->pid = fork()) == -1) {
		ctl_fail("cannot start '%s': %s", s->name, strerror(errno));
		return -1;
	}
	if (ch->pid == 0) {
		snprintf(number, sizeof(number), "%d", p[1]);
		argv_make(&a, s, l, program, number);
		child_exec(&a, p[1], log);
	}
	close(p[1]);
	if (log != -1)
		close(log);
	ch->ready = p[0];
	return 0;
}

void
launch_exec(const struct service *s, const struct launch *l)
{
	struct argv	 a;
	char		 program[4200];

	if (program_find(program, sizeof(program), s->name) == -1 ||
	    home_make(s) == -1)
		return;
	argv_make(&a, s, l, program, NULL);
	execv(program, a.v);
	ctl_fail("cannot run '%s': %s", program, strerror(errno));
}

/* --- waiting -------------------------------------------------------------------- */

/* The last lines that it wrote to its log since it was started. */
static void
log_tail(const struct service *s, const struct child *ch)
{
	struct stat	 sb;
	struct str	 text, line;
	char		 data[TAIL];
	off_t		 from = ch->log_from;
	ssize_t		 n = 0;
	int		 fd;

	if ((fd = open(s->log, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	if (fstat(fd, &sb) == 0 && sb.st_size - from > TAIL)
		from = sb.st_size - TAIL;
	if (sb.st_size > from)
		n = pread(fd, data, sizeof(data), from);
	close(fd);
	text = (struct str){ data, n > 0 ? (size_t)n : 0 };
	while (text.n > 0) {
		line = str_cut(&text, '\n');
		fprintf(stderr, "  %.*s\n", STR_FMT(line));
	}
}

/* 1: a line; 0: it has ended without one; -1: time is up. */
static int
ready_read(int fd, struct buf *b)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	int64_t		 end = clock_mono_ms() + READY_MS, left;
	char		 data[512];
	ssize_t		 n;

	while ((left = end - clock_mono_ms()) > 0) {
		if (poll(&pfd, 1, (int)left) <= 0)
			continue;
		n = read(fd, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || buf_add(b, data, (size_t)n) == -1)
			return 0;
		if (memchr(b->data, '\n', b->len) != NULL)
			return 1;
	}
	return -1;
}

static int
ready_take(struct service *s, struct str line)
{
	struct str	 host;
	int64_t		 port;

	if (str_starts(line, "error ")) {
		line = str_skip(line, 6);
		ctl_fail("%s did not start: %.*s", s->name, STR_FMT(line));
		return -1;
	}
	(void)str_cut(&line, ' ');
	host = str_cut(&line, ' ');
	if (host.n == 0 || host.n >= sizeof(s->host) ||
	    str_to_int(line, 0, 65535, &port) == -1) {
		ctl_fail("%s said something that this proxyctl does not know; "
		    "are both of one version?", s->name);
		return -1;
	}
	memcpy(s->host, host.p, host.n);
	s->host[host.n] = '\0';
	s->port = (int)port;
	return 0;
}

/* It had its time; whatever it is doing, it must not be left behind. */
static void
child_end(const struct child *ch)
{
	int64_t	 end = clock_mono_ms() + GONE_MS;

	kill(ch->pid, SIGTERM);
	while (waitpid(ch->pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() > end)
			kill(ch->pid, SIGKILL);
		(void)poll(NULL, 0, 20);
	}
}

int
launch_wait(struct service *s, struct child *ch)
{
	struct buf	 b;
	struct str	 text;
	int		 r;

	buf_init(&b, 8192);
	r = ready_read(ch->ready, &b);
	text = buf_str(&b);
	if (r == 1)
		r = ready_take(s, str_cut(&text, '\n'));
	else {
		ctl_fail("%s %s; '%s' ends with:", s->name, r == 0 ?
		    "ended before it served" :
		    "did not serve within 30 seconds and was stopped", s->log);
		log_tail(s, ch);
		r = -1;
	}
	if (r == -1)
		child_end(ch);
	s->proc.pid = ch->pid;
	close(ch->ready);
	buf_release(&b);
	return r;
}
