/*
 * What programs need of the configuration that no key stands in: the settings
 * of processes, read by a child, and the places of files.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "state/conf.h"

struct answer {
	int			 ok;
	struct conf_process	 process;
	char			 err[1024];
};

/* In the child: parses, answers, ends. */
static void
child(int fd, const char *path)
{
	struct answer	 a;
	struct conf	*c;
	const char	*p = (const char *)&a;
	size_t		 done = 0;
	ssize_t		 n;

	memset(&a, 0, sizeof(a));
	if ((c = conf_load(path, a.err, sizeof(a.err))) != NULL) {
		a.ok = 1;
		a.process = c->process;
	}
	conf_free(c);
	while (done < sizeof(a) &&
	    (n = write(fd, p + done, sizeof(a) - done)) > 0)
		done += (size_t)n;
	_exit(done == sizeof(a) ? 0 : 1);
}

static int
read_answer(int fd, struct answer *a)
{
	char	*p = (char *)a;
	size_t	 done = 0;
	ssize_t	 n;

	while (done < sizeof(*a)) {
		n = read(fd, p + done, sizeof(*a) - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int
conf_process_load(const char *path, struct conf_process *to, char *err,
    size_t errsize)
{
	struct answer	 a;
	pid_t		 pid;
	int		 fd[2], rc;

	if (pipe(fd) == -1 || (pid = fork()) == -1) {
		snprintf(err, errsize, "cannot start a process: %s",
		    strerror(errno));
		return -1;
	}
	if (pid == 0) {
		close(fd[0]);
		child(fd[1], path);
	}
	close(fd[1]);
	rc = read_answer(fd[0], &a);
	close(fd[0]);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	if (rc == -1) {
		snprintf(err, errsize, "the process that reads the "
		    "configuration died");
		return -1;
	}
	if (!a.ok) {
		snprintf(err, errsize, "%s", a.err);
		return -1;
	}
	*to = a.process;
	return 0;
}

/* --- places --------------------------------------------------------------- */

static int
place(char *dst, size_t size, const char *dir, const char *name)
{
	int	 n = snprintf(dst, size, "%s/%s", dir, name);

	return n > 0 && (size_t)n < size ? 0 : -1;
}

/* A systemd credential of that name stands in for the key file. */
static int
place_secret(struct conf_paths *p)
{
	const char	*dir = getenv("CREDENTIALS_DIRECTORY");

	if (dir != NULL && dir[0] != '\0' &&
	    place(p->secret, sizeof(p->secret), dir, "secret.key") == 0 &&
	    access(p->secret, R_OK) == 0)
		return 0;
	return place(p->secret, sizeof(p->secret), p->home, "secret.key");
}

static int
place_home(struct conf_paths *p, const char *home)
{
	char	 cwd[sizeof(p->home)];
	size_t	 n;

	if (home == NULL)
		home = getenv("PROXYD_HOME");
	if (home == NULL || home[0] == '\0')
		home = "var";
	if (home[0] == '/') {
		if (snprintf(p->home, sizeof(p->home), "%s", home) >=
		    (int)sizeof(p->home))
			return -1;
	} else if (getcwd(cwd, sizeof(cwd)) == NULL ||
	    place(p->home, sizeof(p->home), cwd, home) == -1)
		return -1;
	for (n = strlen(p->home); n > 1 && p->home[n - 1] == '/'; n--)
		p->home[n - 1] = '\0';
	return 0;
}

int
conf_paths_init(struct conf_paths *p, const char *home)
{
	memset(p, 0, sizeof(*p));
	if (place_home(p, home) == -1 || place_secret(p) == -1)
		return -1;
#define PLACE(field, name)						\
	place(p->field, sizeof(p->field), p->home, name)
	if (PLACE(db, "proxyd.db") == -1 ||
	    PLACE(control, "proxyd.sock") == -1 ||
	    PLACE(pid, "proxyd.pid") == -1 ||
	    PLACE(admin_pid, "admind.pid") == -1 ||
	    PLACE(log, "proxyd.log") == -1 ||
	    PLACE(admin_log, "admind.log") == -1 ||
	    PLACE(spill, "spill") == -1 ||
	    PLACE(bodies, "bodies.db") == -1 ||
	    PLACE(state, "state.db") == -1 ||
	    PLACE(capture, "capture") == -1)
		return -1;
#undef PLACE
	return 0;
}
