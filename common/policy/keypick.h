#ifndef POLICY_KEYPICK_H
#define POLICY_KEYPICK_H

#include <stdbool.h>
#include <stdint.h>

#include "state/snapshot.h"

/*
 * Which key of a pool an attempt gets: one that is enabled, was not tried by
 * this request, is not full and does not rest; among these by the strategy, or,
 * for a conversation, the one that it always gets while that is there.
 */
struct keypick {
	uint64_t	 id;
	bool		 enabled;
	bool		 tried;
	bool		 spare;		/* its headroom is used up: last */
	int64_t		 cool_until_ms;
	unsigned	 weight, priority, inflight;
};

struct keypick_how {
	enum pool_strategy strategy;
	uint32_t	 ticket;	/* counts up, over all workers */
	uint64_t	 random;
	uint64_t	 session;	/* of a conversation; 0: none */
	uint64_t	 kept;		/* id of the key it had; 0: unknown */
};

/*
 * The index, or -1; then *wait_ms is the time until the first untried key is
 * rested, or -1 where there is none that ever could serve.
 */
int	 keypick(const struct keypick *, unsigned n,
	    const struct keypick_how *, int64_t now_ms, int64_t *wait_ms)
	    __attribute__((__warn_unused_result__));

/*
 * Of a conversation's own key, and where keys take turns of each in its turn:
 * is this the one, whatever the others are?
 */
bool	 keypick_sure(const struct keypick *, const struct keypick_how *,
	    int64_t now_ms);
bool	 keypick_turns(const struct keypick_how *);
/* The index of the key whose turn comes i-th, of n. */
unsigned keypick_turn(const struct keypick_how *, unsigned n, unsigned i);

/*
 * How long a key rests after a 429: the provider's hint in seconds (-1: none),
 * or first, doubled with each strike before this one; at most max, never
 * negative.  Milliseconds.
 */
int64_t	 keypick_rest(int hint_s, unsigned strikes, int64_t first_ms,
	    int64_t max_ms);

/*
 * A place for each thing that a conversation could go to: the least one wins,
 * and what is taken away moves only the conversations that it had (Thaler and
 * Ravishankar, 1998).  Chances are as the weights; weight 0 comes behind all.
 */
double	 keypick_rank(uint64_t conversation, uint64_t id, unsigned weight);

/* Full jitter: from 0 to base doubled with each try, at most max. */
int64_t	 keypick_backoff(unsigned tries, int64_t base_ms, int64_t max_ms,
	    uint64_t random);

#endif /* POLICY_KEYPICK_H */
