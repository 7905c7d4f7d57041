#ifndef STATE_SHM_LIVE_H
#define STATE_SHM_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/shm.h"

/*
 * Requests in flight, in shared memory: a table a worker, which that worker
 * writes and anybody may read.  Each line has a number that is odd while it is
 * being written; a reader takes a copy and believes it when the number was even
 * and has not changed.  What finds no line in the table runs as well and is not
 * shown.
 */

/* The line taken; -1: the table is full.  id names it from then on. */
int	 live_begin(struct shm *, unsigned worker, const char *id,
	    int64_t wall_us);
/* What is known by now; strings are cut. */
struct live_facts {
	struct str	 client, agent, dialect, asked, provider, model, tenant;
	bool		 stream;
};
void	 live_show(struct shm *, unsigned worker, int line,
	    const struct live_facts *);
/* Attempts so far, and bytes of text that the model has said. */
void	 live_tried(struct shm *, unsigned worker, int line, unsigned n);
void	 live_said(struct shm *, unsigned worker, int line, uint64_t bytes);
void	 live_end(struct shm *, unsigned worker, int line);
/* The master: its worker is gone. */
void	 live_clear(struct shm *, unsigned worker);

/* Calls cb with a copy of each line there is. */
struct live_now {
	unsigned	 worker, attempts;
	uint64_t	 said;
	struct shm_live	 is;
};
void	 live_each(const struct shm *, void (*cb)(void *,
	    const struct live_now *), void *);

/*
 * Cancelling: the master notes an id for the worker that shows it; 0, or -1
 * where no such request is shown, or so many wait already that it is better to
 * try again.
 */
int	 live_cancel(struct shm *, struct str id)
	    __attribute__((__warn_unused_result__));
/* The worker: the next id that it is to end; false: there is none. */
bool	 live_cancelled(struct shm *, unsigned worker, char id[SHM_LIVE_ID]);

#endif /* STATE_SHM_LIVE_H */
