#ifndef PROXYD_MASTER_H
#define PROXYD_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/version.h"
#include "proxyd/loader.h"
#include "state/conf.h"
#include "state/shm.h"

/*
 * The master: holds the sockets and the shared memory, forks and watches the
 * others.  It never sees a key, a body or HTTP.
 */

/* A child's place: workers by slot in shared memory, and the logger. */
struct child {
	pid_t			 pid;		/* 0: none */
	bool			 wanted;	/* to be respawned */
	bool			 told;		/* to end */
	unsigned		 series;	/* generation of workers */
	unsigned		 deaths;	/* in a row */
	int64_t			 born_ms;
	struct loop_timer	 respawn;
	struct master		*m;
	unsigned		 slot;
};

struct control;

struct master {
	struct conf_paths	 paths;
	const char		*file;		/* app.yml; NULL: embedded */
	bool			 no_reload;
	bool			 verbose;
	int			 port;		/* -p; -1: as in the file */
	int			 workers;	/* -w; 0: as in the file */
	int			 ready_fd;	/* -R; -1 */
	struct conf_process	 process;	/* in service */
	struct loader_result	 loaded;	/* the latest that was good */
	struct shm		*shm;
	int			 shm_fd;
	struct loop		*loop;
	int			 listen_fd;
	int			 bound_port;
	int			 life[2];	/* its end tells of our death */
	unsigned		 series;
	struct child		 worker[SHM_WORKERS];
	struct child		 logger;
	struct loop_fd		 signals;
	struct loop_timer	 tick;
	bool			 ready;
	bool			 stopping;
	int			 status;	/* exit status */
	int64_t			 started_s;
	pid_t			 loader;	/* running, or 0 */
	struct loop_fd		 loader_fd;
	struct control		*control;
	uint64_t		 file_seen;	/* size, time, inode mixed */
	uint64_t		 file_next;
	char			 alert[2048];	/* what needs attention, or "" */
	char *const		*argv;		/* ours, for an upgrade */
	char			 exe[1024];	/* path of the program */
	int			 inherited_fd;	/* listener, of the old; -1 */
	bool			 upgrading;
	bool			 handed_over;	/* the new one serves */
	struct loop_fd		 upgrade_fd;
};

int	 master_main(struct master *);

/* For the control socket. */
void	 master_status(struct master *, struct buf *);
/* Starts a loader; -1: one is under way. */
int	 master_reload(struct master *) __attribute__((__warn_unused_result__));
void	 master_stop(struct master *);
/* Starts a new master on our listener; -1: not now. */
int	 master_upgrade(struct master *) __attribute__((__warn_unused_result__));
/* The listener that an old master left us, or -1. */
int	 upgrade_inherited(void);
/* Until we serve, pid file and control socket stand beside the old ones. */
void	 upgrade_begin(struct master *);
void	 upgrade_ready(struct master *);
/* What the control socket is told: err NULL: the new one serves. */
void	 control_upgraded(struct master *, const char *err);

/* What the control socket is told: a reload has ended (err NULL: well). */
void	 control_reloaded(struct master *, const char *err,
	    const struct loader_result *, bool replaced);

#endif /* PROXYD_MASTER_H */
