/*
 * Picking a key of a pool: pure, on a table that the caller fills in from the
 * snapshot and from shared memory.
 */
#include <float.h>

#include "base/codec.h"
#include "policy/keypick.h"

/*
 * Exponential variables with the weights as rates: the least of them is each
 * one's with a chance as its weight.  ln by the series of atanh, for u in (0, 1),
 * because the C library's is not bound to be the same everywhere.
 */
static double
minus_ln(double u)
{
	double	 ln = 0, t, square, term;
	int	 i;

	while (u < 0.5) {
		u *= 2;
		ln += 0.69314718055994530942;
	}
	t = (1 - u) / (1 + u);
	square = t * t;
	for (i = 1, term = t; i < 30; i += 2, term *= square)
		ln += 2 * term / i;
	return ln;
}

double
keypick_rank(uint64_t conversation, uint64_t id, unsigned weight)
{
	uint64_t	 h = hash64((struct str){ (const char *)&id,
			    sizeof(id) }, conversation);
	double		 u = ((double)(h >> 11) + 0.5) / 9007199254740992.0;

	return weight == 0 ? DBL_MAX / 4 * (2 - u) :
	    minus_ln(u) / (double)weight;
}

static bool
ready(const struct keypick *k, int64_t now)
{
	return k->enabled && !k->tried && k->cool_until_ms <= now;
}

/* Is a to be preferred to b for what it is, before any strategy? */
static int
better(const struct keypick *a, const struct keypick *b,
    const struct keypick_how *how)
{
	if (a->spare != b->spare)
		return a->spare ? -1 : 1;
	if (how->kept != 0 && a->id != b->id &&
	    (a->id == how->kept || b->id == how->kept))
		return a->id == how->kept ? 1 : -1;
	if (how->strategy == POOL_PRIORITY && a->priority != b->priority)
		return a->priority > b->priority ? 1 : -1;
	if (how->session == 0 && how->strategy == POOL_LEAST_USED &&
	    a->inflight != b->inflight)
		return a->inflight < b->inflight ? 1 : -1;
	return 0;
}

static double
rank(const struct keypick *k, const struct keypick_how *how, unsigned turn)
{
	bool	 weights = how->strategy == POOL_WEIGHTED;

	if (how->session != 0)
		return keypick_rank(how->session, k->id,
		    weights ? k->weight : 1);
	if (how->strategy == POOL_RANDOM || weights)
		return keypick_rank(how->random, k->id,
		    weights ? k->weight : 1);
	return turn;
}

static int64_t
soonest(const struct keypick *k, unsigned n, int64_t now)
{
	int64_t		 wait = -1;
	unsigned	 i;

	for (i = 0; i < n; i++)
		if (k[i].enabled && !k[i].tried &&
		    (wait == -1 || k[i].cool_until_ms - now < wait))
			wait = k[i].cool_until_ms - now;
	return wait;
}

bool
keypick_turns(const struct keypick_how *how)
{
	return how->session == 0 && how->strategy == POOL_ROUND_ROBIN;
}

unsigned
keypick_turn(const struct keypick_how *how, unsigned n, unsigned i)
{
	return (how->ticket % n + i) % n;	/* tickets wrap */
}

bool
keypick_sure(const struct keypick *k, const struct keypick_how *how,
    int64_t now)
{
	if (!ready(k, now) || k->spare)
		return false;
	return how->kept != 0 ? k->id == how->kept : keypick_turns(how);
}

int
keypick(const struct keypick *k, unsigned n, const struct keypick_how *how,
    int64_t now, int64_t *wait_ms)
{
	double		 mine, best = 0;
	unsigned	 i, at;
	int		 got = -1, cmp;

	*wait_ms = -1;
	for (i = 0; i < n; i++) {
		at = keypick_turn(how, n, i);
		if (!ready(&k[at], now))
			continue;
		mine = rank(&k[at], how, i);
		cmp = got == -1 ? 1 : better(&k[at], &k[got], how);
		if (cmp > 0 || (cmp == 0 && mine < best)) {
			got = (int)at;
			best = mine;
		}
	}
	if (got == -1)
		*wait_ms = soonest(k, n, now);
	return got;
}

int64_t
keypick_rest(int hint_s, unsigned strikes, int64_t first_ms, int64_t max_ms)
{
	int64_t	 ms = hint_s < 0 ? first_ms : (int64_t)hint_s * 1000;

	for (; hint_s < 0 && strikes > 0 && ms < max_ms && ms > 0; strikes--)
		ms *= 2;
	return ms > max_ms ? max_ms : ms;
}

int64_t
keypick_backoff(unsigned tries, int64_t base_ms, int64_t max_ms,
    uint64_t random)
{
	int64_t	 ms = base_ms;

	for (; tries > 1 && ms < max_ms; tries--)
		ms *= 2;
	if (ms > max_ms)
		ms = max_ms;
	return ms <= 0 ? 0 : (int64_t)(random % (uint64_t)(ms + 1));
}
