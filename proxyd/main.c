/*
 * proxyd: what the command line says.  See proxyd(8) and control.h.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyd/master.h"
#include "state/daemon.h"

static void __attribute__((__noreturn__))
usage(void)
{
	fprintf(stderr, "usage: proxyd [-nv] [-d home] [-f app.yml] "
	    "[-p port] [-w workers] [-R fd]\n");
	exit(2);
}

static int
number(const char *arg, int min, int max, const char *what)
{
	int64_t	 v;

	if (str_to_int(str_of(arg), min, max, &v) == -1)
		errx(2, "%s '%s': expected a number from %d to %d", what, arg,
		    min, max);
	return (int)v;
}

static void
say_error(int fd, const char *text)
{
	if (fd != -1)
		dprintf(fd, "error %s\n", text);
}

/* The pid file is locked as long as we live: a stale one misleads nobody. */
static int
pid_lock(const struct master *m)
{
	char	 text[1400];
	int	 fd;

	fd = daemon_lock(m->paths.pid, "proxyd", text, sizeof(text));
	if (fd == -1) {
		say_error(m->ready_fd, text);
		errx(1, "%s", text);
	}
	return fd;
}

static void
home_make(const struct master *m)
{
	char	 text[1200];

	if (mkdir(m->paths.home, 0700) == 0 || errno == EEXIST)
		return;
	snprintf(text, sizeof(text), "cannot make directory '%s': %s",
	    m->paths.home, strerror(errno));
	say_error(m->ready_fd, text);
	errx(1, "%s", text);
}

int
main(int argc, char **argv)
{
	static struct master	 m;
	const char		*home = NULL;
	int			 ch, pid_fd, r;

	m.argv = argv;
	m.inherited_fd = upgrade_inherited();
	if (readlink("/proc/self/exe", m.exe, sizeof(m.exe) - 1) == -1)
		err(1, "own path");
	m.port = -1;
	m.ready_fd = -1;
	while ((ch = getopt(argc, argv, "d:f:np:vw:R:")) != -1) {
		switch (ch) {
		case 'd':
			home = optarg;
			break;
		case 'f':
			m.file = optarg;
			break;
		case 'n':
			m.no_reload = true;
			break;
		case 'p':
			m.port = number(optarg, 0, 65535, "port");
			break;
		case 'v':
			m.verbose = true;
			break;
		case 'w':
			m.workers = number(optarg, 1, SHM_WORKERS / 2,
			    "workers");
			break;
		case 'R':
			m.ready_fd = number(optarg, 0, 1 << 20, "descriptor");
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (m.ready_fd != -1)
		(void)fcntl(m.ready_fd, F_SETFD, FD_CLOEXEC);
	if (conf_paths_init(&m.paths, home) == -1)
		errx(2, "path of the home directory is too long");
	log_init("proxyd", m.verbose);
	umask(077);
	home_make(&m);
	if (m.inherited_fd != -1)
		upgrade_begin(&m);
	pid_fd = pid_lock(&m);
	r = master_main(&m);
	if (!m.handed_over)
		unlink(m.paths.pid);
	close(pid_fd);
	return r;
}
