/*
 * Rates.
 */
#include "policy/limit.h"

#define MINUTE_US	((int64_t)60000000)
#define BURST_TOKENS	((int64_t)10000)	/* of ten requests, say */

/* The time that n are worth; rounded, and bounded to an hour. */
static int64_t
worth(const struct limit *l, int64_t n)
{
	__int128	 us = (__int128)n * MINUTE_US / l->per_minute;
	int64_t		 most = 60 * MINUTE_US;

	return us > most ? most : us < -most ? -most : (int64_t)us;
}

bool
limit_take(_Atomic int64_t *word, const struct limit *l, int64_t n,
    int64_t now_us, int64_t *wait_us)
{
	int64_t	 old = *word, from;

	do {
		from = old > now_us ? old : now_us;
		/* Some must be left, not all: a large one is let through. */
		*wait_us = from + worth(l, 1) - worth(l, l->burst) - now_us;
		if (*wait_us > 0)
			return false;
	} while (!atomic_compare_exchange_weak(word, &old, from +
	    worth(l, n)));
	*wait_us = 0;
	return true;
}

void
limit_correct(_Atomic int64_t *word, const struct limit *l, int64_t n,
    int64_t now_us)
{
	int64_t	 old = *word, from;

	do
		from = old > now_us ? old : now_us;
	while (!atomic_compare_exchange_weak(word, &old, from + worth(l, n)));
}

int64_t
limit_left(int64_t word, const struct limit *l, int64_t now_us,
    int64_t *full_us)
{
	int64_t	 room;

	*full_us = word > now_us ? word - now_us : 0;
	room = worth(l, l->burst) - *full_us;
	if (room <= 0)
		return 0;
	return (int64_t)((__int128)room * l->per_minute / MINUTE_US);
}

struct limit
limit_requests(int64_t rpm)
{
	struct limit	 l = { rpm, rpm / 600 };

	if (l.burst < 10)
		l.burst = rpm < 10 ? rpm : 10;
	return l;
}

struct limit
limit_tokens(int64_t tpm)
{
	struct limit	 l = { tpm, tpm / 600 };
	int64_t		 few = tpm < 6 ? 1 : tpm / 6;

	if (l.burst < BURST_TOKENS)
		l.burst = few < BURST_TOKENS ? few : BURST_TOKENS;
	return l;
}
