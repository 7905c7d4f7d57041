/*
 * Picking a key of a pool: pure, on a table that the caller fills in from the
 * snapshot and from shared memory.
 */
#include "policy/keypick.h"

int
keypick(const struct keypick *k, unsigned n, uint32_t ticket, int64_t now,
    int64_t *wait_ms)
{
	unsigned	 i, at;

	*wait_ms = -1;
	for (i = 0; i < n; i++) {
		at = (ticket % n + i) % n;	/* tickets wrap */
		if (!k[at].enabled || k[at].tried)
			continue;
		if (k[at].cool_until_ms <= now)
			return (int)at;
		if (*wait_ms == -1 || k[at].cool_until_ms - now < *wait_ms)
			*wait_ms = k[at].cool_until_ms - now;
	}
	return -1;
}

int64_t
keypick_rest(int hint_s, int64_t default_ms, int64_t max_ms)
{
	int64_t	 ms = hint_s < 0 ? default_ms : (int64_t)hint_s * 1000;

	return ms > max_ms ? max_ms : ms;
}
