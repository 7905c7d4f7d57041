#ifndef PROXYCTL_LAUNCH_H
#define PROXYCTL_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "proxyctl/proxyctl.h"
#include "state/daemon.h"

/* One of the two daemons. */
struct service {
	const char		*name;		/* "proxyd" */
	const char		*pid_file, *log;
	const char		*home;
	struct daemon_proc	 proc;		/* once it was found */
	char			 host[256];	/* once it serves */
	int			 port;
};

/* Its command line. */
struct launch {
	char		 config[4096];		/* "": what is built in */
	char		 port[16], workers[16];	/* "": as configured */
	bool		 no_reload, verbose;
};

struct child {
	pid_t		 pid;
	int		 ready;		/* where its ready line comes from */
	off_t		 log_from;	/* where its lines in the log begin */
};

void	 service_init(struct service *, const struct ctl *, bool web);
/* 1: it runs, and proc is filled in; 0: it does not; -1: said already. */
int	 service_find(struct service *) __attribute__((__warn_unused_result__));

/* What the options ask for. -1: said already. */
int	 launch_options(struct launch *, const struct ctl *, bool web)
	    __attribute__((__warn_unused_result__));
/* What a process that runs was started with; nothing where it cannot be read. */
void	 launch_of(struct launch *, pid_t);

/* Starts it; stay: with our standard error, and gone when we are.  -1: said already. */
int	 launch_spawn(const struct service *, const struct launch *, bool stay,
	    struct child *) __attribute__((__warn_unused_result__));
/* Waits for its ready line.  -1: said already, and it is gone. */
int	 launch_wait(struct service *, struct child *)
	    __attribute__((__warn_unused_result__));
/* Replaces this program by it; returns only on failure, said already. */
void	 launch_exec(const struct service *, const struct launch *);

#endif /* PROXYCTL_LAUNCH_H */
