#ifndef POLICY_LIMIT_H
#define POLICY_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A rate that holds over all workers: the generic cell rate algorithm (ITU-T
 * I.371, the token bucket seen from its empty side) on one shared word, the
 * time at which the bucket would be full again.  Any number of writers, by
 * compare-and-swap; no lock.  Times are monotonic microseconds.
 *
 * What is taken may be more than there is (a large request): then the next has
 * to wait for it.
 */
struct limit {
	int64_t	 per_minute;
	int64_t	 burst;			/* at once, out of a full bucket */
};

/* True: taken.  Else *wait_us says when to come again. */
bool	 limit_take(_Atomic int64_t *word, const struct limit *, int64_t n,
	    int64_t now_us, int64_t *wait_us);
/* n more than was taken, or, negative, back again. */
void	 limit_correct(_Atomic int64_t *word, const struct limit *, int64_t n,
	    int64_t now_us);
/* How many could be taken now; *full_us: until the bucket is full. */
int64_t	 limit_left(int64_t word, const struct limit *, int64_t now_us,
	    int64_t *full_us);

/*
 * Requests: ten at once, or what a tenth of a second brings if that is more, so
 * that in ten seconds no more than one in a hundred is too many.
 */
struct limit	 limit_requests(int64_t rpm);
/*
 * Tokens: 10,000 at once, or what a tenth of a second brings if that is more, but
 * no more than what ten seconds bring if that is less than 10,000.
 */
struct limit	 limit_tokens(int64_t tpm);

#endif /* POLICY_LIMIT_H */
