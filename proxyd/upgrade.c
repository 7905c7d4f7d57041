/*
 * Upgrade: a new master, from the program file as it is now, takes over the
 * listening socket; when it serves, the old one drains and goes.  Streams in
 * flight end in the old workers.  A new one that cannot start changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyd/master.h"

#define LISTEN_ENV	"PROXYD_LISTEN_FD"
#define ARGS_MAX	64

static void
fd_keep(int fd)
{
	if (fcntl(fd, F_SETFD, 0) == -1)
		log_warn("descriptor %d", fd);
}

/* Our own arguments, but for -R, which is for the new one to have. */
static void __attribute__((__noreturn__))
upgrade_exec(struct master *m, int ready)
{
	char		*args[ARGS_MAX + 3], fd[16], rfd[16];
	sigset_t	 none;
	int		 i, n = 0;

	for (i = 0; m->argv[i] != NULL && n < ARGS_MAX; i++) {
		if (strcmp(m->argv[i], "-R") == 0 && m->argv[i + 1] != NULL)
			i++;
		else if (strncmp(m->argv[i], "-R", 2) != 0)
			args[n++] = m->argv[i];
	}
	snprintf(rfd, sizeof(rfd), "-R%d", ready);
	args[n++] = rfd;
	args[n] = NULL;
	snprintf(fd, sizeof(fd), "%d", m->listen_fd);
	setenv(LISTEN_ENV, fd, 1);
	fd_keep(m->listen_fd);
	fd_keep(ready);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(m->exe, args);
	dprintf(ready, "error cannot execute '%s': %s\n", m->exe,
	    strerror(errno));
	_exit(1);
}

static void
upgrade_cb(void *arg, uint32_t events)
{
	struct master	*m = arg;
	char		 line[512];
	ssize_t		 n;

	(void)events;
	n = read(m->upgrade_fd.fd, line, sizeof(line) - 1);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	loop_del(m->loop, &m->upgrade_fd);
	close(m->upgrade_fd.fd);
	m->upgrading = false;
	if (strncmp(line, "ready ", 6) == 0) {
		log_info("the new master serves, this one goes");
		m->handed_over = true;
		control_upgraded(m, NULL);
		master_stop(m);
		return;
	}
	snprintf(m->alert, sizeof(m->alert), "upgrade failed, the old program "
	    "stays in service: %s", line[0] != '\0' ? line :
	    "the new one died");
	log_warnx("%s", m->alert);
	control_upgraded(m, m->alert);
}

int
master_upgrade(struct master *m)
{
	pid_t	 pid;
	int	 p[2];

	if (m->upgrading || m->stopping || !m->ready || m->loader > 0)
		return -1;
	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0)
		upgrade_exec(m, p[1]);
	close(p[1]);
	if (pid == -1) {
		close(p[0]);
		return -1;
	}
	log_info("upgrading: new master %d", (int)pid);
	m->upgrading = true;
	m->upgrade_fd = (struct loop_fd){ .fd = p[0], .cb = upgrade_cb,
	    .arg = m };
	if (loop_add(m->loop, &m->upgrade_fd, EPOLLIN) == -1)
		fatal("upgrade");
	return 0;
}

int
upgrade_inherited(void)
{
	const char	*env = getenv(LISTEN_ENV);
	int64_t		 fd;

	if (env == NULL)
		return -1;
	if (str_to_int(str_of(env), 3, 1 << 20, &fd) == -1 ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == -1)
		fd = -1;
	unsetenv(LISTEN_ENV);
	return (int)fd;
}

static const char	 suffix[] = ".new";

static void
path_begin(char *path, size_t size)
{
	size_t	 n = strlen(path);

	if (n + sizeof(suffix) > size)
		fatalx("path '%s' is too long", path);
	memcpy(path + n, suffix, sizeof(suffix));
}

static void
path_ready(char *path)
{
	char	 was[1200];

	snprintf(was, sizeof(was), "%s", path);
	path[strlen(path) - (sizeof(suffix) - 1)] = '\0';
	if (rename(was, path) == -1)
		log_warn("cannot rename '%s'", was);
}

void
upgrade_begin(struct master *m)
{
	path_begin(m->paths.pid, sizeof(m->paths.pid));
	path_begin(m->paths.control, sizeof(m->paths.control));
}

void
upgrade_ready(struct master *m)
{
	if (m->inherited_fd == -1)
		return;
	path_ready(m->paths.pid);
	path_ready(m->paths.control);
	m->inherited_fd = -1;
}
