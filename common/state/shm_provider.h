#ifndef STATE_SHM_PROVIDER_H
#define STATE_SHM_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/shm.h"

/*
 * What all workers know of a provider, found by its id: how its attempts went
 * of late, whether it is left alone for that (the circuit is open), and how fast
 * it is.  Any worker writes, by compare-and-swap.  Times are monotonic
 * milliseconds.
 *
 *	closed	attempts are counted; too large a share of failures opens it
 *	open	nobody asks it, until a time
 *	half	that time has come: one request tries it, and closes it, or
 *		opens it again for twice as long
 */
enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF };

struct breaker_rule {
	int	 share;			/* percent of failures; 0: never opens */
	int	 least;			/* attempts in the window, for that */
	int	 window_ms;
	int	 rest_ms;		/* of the first opening */
};
#define BREAKER_REST_MAX_MS	((int64_t)300 * 1000)
#define BREAKER_PROBE_MS	60000	/* a trial has this long */

struct breaker_view {
	enum breaker_state	 state;
	int64_t			 until_ms;	/* where it is open */
	unsigned		 ok, failed;	/* in the window */
	uint64_t		 opened;	/* how often, ever */
};
void	 breaker_view(const struct shm *, int64_t id,
	    const struct breaker_rule *, int64_t now_ms,
	    struct breaker_view *);
const char	*breaker_state_name(enum breaker_state);

/*
 * Before an attempt.  0: it may be made; where *trial is set then it is the one
 * that is to find out.  Else the milliseconds until somebody may.
 */
int64_t	 breaker_enter(struct shm *, int64_t id, int64_t now_ms, bool *trial);
/*
 * After it.  1: this opened the circuit, -1: this closed it, 0: neither.  trial
 * is what breaker_enter said.
 */
int	 breaker_leave(struct shm *, int64_t id, const struct breaker_rule *,
	    bool trial, bool ok, int64_t now_ms);
/* It told nothing: the client left, or no key was there. */
void	 breaker_forget(struct shm *, int64_t id, bool trial, int64_t now_ms);
/* By hand, and for a provider that is changed: as if it were new. */
void	 breaker_reset(struct shm *, int64_t id);

/*
 * Moving time to the first byte, microseconds, of a provider's model, for
 * streams and whole answers apart.  -1: not known, or not since SPEED_OLD_MS.
 */
#define SPEED_OLD_MS	600000
int64_t	 speed_of(const struct shm *, int64_t id, struct str model,
	    bool stream, int64_t now_ms);
void	 speed_note(struct shm *, int64_t id, struct str model, bool stream,
	    int64_t us, int64_t now_ms);

#endif /* STATE_SHM_PROVIDER_H */
