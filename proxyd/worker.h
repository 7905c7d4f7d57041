#ifndef PROXYD_WORKER_H
#define PROXYD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "proxyd/queue.h"
#include "state/conf.h"
#include "state/shm.h"
#include "state/snapshot.h"

/*
 * A worker process: one loop, one thread.  It owns everything here; requests
 * live on a list of http_in's connections and hold a reference to a snapshot.
 */
struct http_in;
struct http_out;
struct request;

struct worker {
	unsigned		 slot;		/* in shared memory */
	struct shm		*shm;
	struct shm_worker	*row;
	const struct conf_paths	*paths;
	struct conf_process	 process;
	int			 listen_fd;
	int			 parent_fd;	/* EOF: the master is gone */
	struct loop		*loop;
	struct store		*store;
	struct secret_box	*box;
	struct secret_print	*client_print;	/* of clients' keys */
	struct store		*state;		/* state.db; NULL: not open */
	struct loop_task	 state_end;	/* of the turn: it is written */
	struct snapshot		*snap;
	struct http_in		*in;
	struct http_out		*out;
	bool			 draining;
	unsigned		 requests;	/* in flight */
	struct request		*list;		/* these */
	struct queue		 queue;		/* for keys */
	int			 spill_fd;	/* -1: none open */
	int64_t			 spill_end;	/* the file's size */
};

/* state.db, opened when first asked for; NULL: it cannot be had now. */
struct store	*worker_state(struct worker *);
/* The same for who puts something there: it is written by the end of this turn
 * at the latest. */
struct store	*worker_state_put(struct worker *);
/* Writes what was put, before any answer goes out. */
void		 worker_state_flush(struct worker *);

/* Runs in the forked child; returns its exit status. */
int	 worker_main(struct worker *);

/* A request or a connection has ended: when draining, the worker may go now. */
void	 worker_check(struct worker *);

#endif /* PROXYD_WORKER_H */
