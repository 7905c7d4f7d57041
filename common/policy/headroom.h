#ifndef POLICY_HEADROOM_H
#define POLICY_HEADROOM_H

#include <stdint.h>

#include "base/str.h"
#include "state/shm_keys.h"

/*
 * What a provider's answer says of the rate limits that are left:
 *
 *	x-ratelimit-remaining-requests, -tokens; x-ratelimit-reset-requests,
 *	-tokens ("6m0s", "20ms", seconds, or a time of Unix)
 *	anthropic-ratelimit-requests-remaining, -tokens-, -input-tokens-;
 *	...-reset (RFC 3339)
 *
 * Of several for one thing the least counts.  What is no number, or an absurd
 * one, is as if it were not there; without a time it holds for a minute, and
 * never longer than an hour.
 */
#define HEADROOM_MAX_MS	((int64_t)3600 * 1000)

void	 headroom_read(struct str (*header)(void *, const char *name),
	    void *arg, int64_t wall_us, int64_t mono_ms, struct keys_room *);

/*
 * Until what is spent comes back, the later of the two; -1: nothing is said to
 * be spent.  Milliseconds from mono_ms.
 */
int64_t	 headroom_wait(const struct keys_room *, int64_t mono_ms);

/* The two forms of a time; -1: neither.  Milliseconds from now, wall_us. */
int64_t	 headroom_time(struct str, int64_t wall_us);

#endif /* POLICY_HEADROOM_H */
