#ifndef POLICY_KEYPICK_H
#define POLICY_KEYPICK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which key of a pool an attempt gets: the next one round robin that is
 * enabled, was not tried by this request, and does not rest.
 */
struct keypick {
	bool		 enabled;
	bool		 tried;
	int64_t		 cool_until_ms;
};

/*
 * The index, or -1; then *wait_ms is the time until the first untried key is
 * rested, or -1 where there is none that ever could serve.
 */
int	 keypick(const struct keypick *, unsigned n, uint32_t ticket,
	    int64_t now_ms, int64_t *wait_ms)
	    __attribute__((__warn_unused_result__));

/*
 * How long a key rests after a 429: the provider's hint in seconds (-1: none)
 * or the default, at most max, never negative.  Milliseconds.
 */
int64_t	 keypick_rest(int hint_s, int64_t default_ms, int64_t max_ms);

#endif /* POLICY_KEYPICK_H */
