/*
 * start --foreground: for containers, supervisors and a developer's terminal.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "proxyctl/foreground.h"

#define CHILDREN	2

struct family {
	struct child	 child[CHILDREN];
	int		 n;
	int		 alive;
	int		 status;	/* ours, in the end */
	bool		 told;		/* to end */
};

static int
signals_open(void)
{
	static const int	 wanted[] = { SIGCHLD, SIGTERM, SIGINT,
				    SIGHUP };
	sigset_t		 set;
	size_t			 i;
	int			 fd;

	sigemptyset(&set);
	for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if ((fd = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		fatal("signalfd");
	return fd;
}

static void
tell(struct family *f, int sig)
{
	int	 i;

	for (i = 0; i < f->n; i++)
		if (f->child[i].pid > 0)
			kill(f->child[i].pid, sig);
}

static void
reap(struct family *f)
{
	pid_t	 pid;
	int	 i, ws;

	while ((pid = waitpid(-1, &ws, WNOHANG)) > 0) {
		for (i = 0; i < f->n && f->child[i].pid != pid; i++)
			continue;
		if (i == f->n)
			continue;
		f->child[i].pid = 0;
		f->alive--;
		if (!WIFEXITED(ws) || WEXITSTATUS(ws) != 0)
			f->status = CTL_ERROR;
		if (!f->told)
			tell(f, SIGTERM);
		f->told = true;
	}
}

static int
family_run(struct family *f, int signals)
{
	struct signalfd_siginfo	 si;

	while (f->alive > 0) {
		if (read(signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
			continue;
		if (si.ssi_signo == SIGCHLD) {
			reap(f);
			continue;
		}
		if (si.ssi_signo != SIGHUP)
			f->told = true;
		tell(f, (int)si.ssi_signo);
	}
	return f->status;
}

static int
family_start(struct family *f, struct service *s, const struct ctl *c, int n)
{
	static struct launch	 l;
	int			 i;

	for (i = 0; i < n; i++) {
		memset(&l, 0, sizeof(l));
		if (launch_options(&l, c, i == 1) == -1 ||
		    launch_spawn(&s[i], &l, true, &f->child[i]) == -1 ||
		    launch_wait(&s[i], &f->child[i]) == -1)
			return -1;
		f->n = ++f->alive;
	}
	return 0;
}

int
foreground(const struct ctl *c, struct service *s, int n)
{
	static struct family	 f;
	static struct launch	 l;
	int			 i, signals;

	for (i = 0; i < n; i++)
		switch (service_find(&s[i])) {
		case 1:
			return ctl_fail("%s runs already (pid %d); proxyctl "
			    "stop stops it", s[i].name, (int)s[i].proc.pid);
		case -1:
			return CTL_ERROR;
		}
	if (n == 1) {
		if (launch_options(&l, c, strcmp(s[0].name, "admind") == 0) ==
		    0)
			launch_exec(&s[0], &l);
		return CTL_ERROR;
	}
	signals = signals_open();
	if (family_start(&f, s, c, n) == 0)
		ctl_hello(&s[0], &s[1]);
	else {
		f.status = CTL_ERROR;
		f.told = true;
		tell(&f, SIGTERM);
	}
	return family_run(&f, signals);
}
