#ifndef STATE_DAEMON_H
#define STATE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/*
 * The daemons as other programs see them: pid files, the control socket of
 * proxyd (proxyd/control.h), and what its status command says.
 *
 * A pid file is locked (flock) as long as its daemon lives, so that one which
 * is left over never leads to a stranger's process.  Its first line is the pid;
 * the second, where the daemon wrote one, is "HOST PORT".
 */
struct daemon_proc {
	pid_t	 pid;
	int	 fd;			/* pidfd: readable when it has ended */
	char	 host[256];		/* "": not said */
	int	 port;
};

/* The descriptor, which holds the lock and is kept; -1 with err. */
int	 daemon_lock(const char *path, const char *name, char *err,
	    size_t errsize) __attribute__((__warn_unused_result__));
/* Adds the second line. */
int	 daemon_tell(int lock_fd, const char *host, int port)
	    __attribute__((__warn_unused_result__));

/*
 * Who holds the lock.  1: found, the caller closes p->fd; 0: nobody; -1: it is
 * held, but by no process that is named there (one that starts or ends), or
 * the file cannot be read: err says which.
 */
int	 daemon_find(const char *path, struct daemon_proc *p, char *err,
	    size_t errsize) __attribute__((__warn_unused_result__));

/* 1 when it has ended, 0 when timeout_ms (-1: none) have passed. */
int	 daemon_wait(const struct daemon_proc *, int timeout_ms);
/* By pidfd: never another process.  -1 with errno. */
int	 daemon_kill(const struct daemon_proc *, int sig)
	    __attribute__((__warn_unused_result__));

/*
 * Gives proxyd one command; the lines after "ok" are appended to out.  timeout
 * is for each read.
 */
enum daemon_answer {
	DAEMON_OK,
	DAEMON_REFUSED,		/* "error TEXT": the text is in err */
	DAEMON_NOBODY,		/* nobody listens there */
	DAEMON_SILENT		/* no answer in time, or none at all */
};
enum daemon_answer	 daemon_ask(const char *socket, const char *command,
			    int timeout_ms, struct buf *out, char *err,
			    size_t errsize);

/*
 * proxyd's shared memory (state/shm.h), for reading until shm_unmap; NULL where
 * nobody hands it out, or it is that of another version.
 */
struct shm;
const struct shm	*daemon_shm(const char *socket, int timeout_ms);

/* "http://127.0.0.1:8000", as a program on this machine reaches it. */
#define DAEMON_URL_MAX	300
char	*daemon_url(char dst[DAEMON_URL_MAX], const char *host, int port);
/* localhost, 127.0.0.0/8 or ::1. */
bool	 daemon_host_is_local(const char *host);

/*
 * The token of the management server's set-up link, as long as it has no user;
 * false: there is none, or it is not readable.
 */
#define DAEMON_SETUP_MAX	32
bool	 daemon_setup_token(const char *home, char token[DAEMON_SETUP_MAX]);

/* --- the answer to status (daemon_status.c) ------------------------------- */

struct daemon_worker {
	unsigned		 slot;
	pid_t			 pid;
	char			 state[16];
	int64_t			 beat_ms;	/* -1: none yet */
	unsigned		 inflight, open;
	uint64_t		 generation;	/* that it serves by */
	struct daemon_worker	*next;
};

struct daemon_stat {
	const char		*name;
	const char		*text;		/* for people */
	uint64_t		 n;
	struct daemon_stat	*next;
};

struct daemon_text {
	const char		*text;
	struct daemon_text	*next;
};

/* Texts are NUL terminated, in the arena. */
struct daemon_status {
	pid_t			 pid;
	const char		*version, *state, *host, *config, *home;
	int			 port;
	int64_t			 started_s;
	uint64_t		 generation;
	bool			 anonymous, no_reload;
	struct daemon_worker	*workers;
	pid_t			 logger_pid;
	char			 logger_state[16];
	struct daemon_stat	*stats;
	struct daemon_text	*warnings;	/* alerts, and what an operator
						   should know */
};

/* Lines that are not known are skipped: a newer proxyd may say more. */
void	 daemon_status_parse(struct arena *, struct str lines,
	    struct daemon_status *);
/* Where no client key is defined: adds the warning that then others than this
 * machine ask in vain, if they are listened to. */
void	 daemon_warn_host(struct arena *, struct daemon_status *);

/* For /api/status and proxyctl status --json; jansson's, the caller's. */
struct json_t;
struct json_t	*daemon_status_json(const struct daemon_status *);
/* A text that may not be UTF-8. */
struct json_t	*daemon_json_text(const char *);

#endif /* STATE_DAEMON_H */
