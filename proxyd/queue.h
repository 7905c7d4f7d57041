#ifndef PROXYD_QUEUE_H
#define PROXYD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"

/*
 * Requests for which no key is free wait here, as long as QUEUE_WAIT lets them
 * and no more than QUEUE_LENGTH of them over all workers.  Who came first to a
 * worker is served first there.  Workers tell each other since when the first of
 * theirs waits for a model and its keys: none serves one that came later, by more
 * than it takes for a worker to look again.
 */
struct ir_error;
struct request;
struct worker;

struct queue {
	struct request		*first, **last;
	struct loop_timer	 tick;
};

void	 queue_init(struct worker *);
/*
 * wait_ms: until a key is rested, as far as is known; -1: never.  err is what
 * the client gets when it has waited in vain, NULL: that no key is free.
 * False: it does not wait, because that is not wanted, would not help, or there
 * are too many already.
 */
bool	 queue_enter(struct request *, const struct ir_error *err,
	    int64_t wait_ms);
/* Does somebody wait for that provider here, who comes first? */
bool	 queue_before(const struct request *);
/* Does one in another worker, who came before it, wait for the same keys? */
bool	 queue_behind(const struct request *);
/* The client left, or it is over; one that does not wait is let be. */
void	 queue_leave(struct request *);
/* An attempt has ended: there may be room for another. */
void	 queue_kick(struct worker *);

#endif /* PROXYD_QUEUE_H */
