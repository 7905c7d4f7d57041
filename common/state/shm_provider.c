/*
 * Circuit breakers and speeds of providers in shared memory.
 */
#include "base/codec.h"
#include "state/shm_provider.h"

#define PROBES		16		/* places looked at for an id */

/* --- finding ---------------------------------------------------------------- */

static unsigned
place(int64_t id, unsigned i)
{
	return (unsigned)(((uint64_t)id * 0x9e3779b97f4a7c15u >> 40) + i) %
	    SHM_PROVIDERS;
}

static const struct shm_provider *
find(const struct shm *m, int64_t id)
{
	unsigned	 i;

	for (i = 0; i < PROBES; i++)
		if (m->provider[place(id, i)].id == id)
			return &m->provider[place(id, i)];
	return NULL;
}

/* NULL: no room, and it goes without. */
static struct shm_provider *
make(struct shm *m, int64_t id)
{
	struct shm_provider	*p;
	int64_t			 none;
	unsigned		 i;

	for (i = 0; i < PROBES; i++) {
		p = &m->provider[place(id, i)];
		none = 0;
		if (p->id == id || (p->id == 0 &&
		    atomic_compare_exchange_strong(&p->id, &none, id)) ||
		    none == id)
			return p;
	}
	return NULL;
}

/* --- the window --------------------------------------------------------------- */

/*
 * A bucket is one word: its number (24 bits), what went well and what failed
 * (20 bits each, which stop at their most).
 */
#define COUNT_BITS	20
#define COUNT_MAX	(((uint64_t)1 << COUNT_BITS) - 1)
#define NUMBER_MASK	(((uint64_t)1 << 24) - 1)

static uint64_t
number(int64_t now_ms, int window_ms)
{
	int64_t	 each = window_ms / SHM_BUCKETS;

	return (uint64_t)(now_ms / (each > 0 ? each : 1)) & NUMBER_MASK;
}

static void
count(struct shm_provider *p, int window_ms, bool ok, int64_t now_ms)
{
	uint64_t		 no = number(now_ms, window_ms), old, next;
	uint64_t		 one = ok ? (uint64_t)1 << COUNT_BITS : 1;
	_Atomic uint64_t	*b = &p->bucket[no % SHM_BUCKETS];

	old = *b;
	do {
		next = old >> (2 * COUNT_BITS) == no ? old :
		    no << (2 * COUNT_BITS);
		if ((next / one & COUNT_MAX) < COUNT_MAX)
			next += one;
	} while (!atomic_compare_exchange_weak(b, &old, next));
}

static void
sum(const struct shm_provider *p, int window_ms, int64_t now_ms, unsigned *ok,
    unsigned *failed)
{
	uint64_t	 no = number(now_ms, window_ms), word;
	unsigned	 i;

	*ok = *failed = 0;
	for (i = 0; i < SHM_BUCKETS; i++) {
		word = p->bucket[i];
		if (((no - (word >> (2 * COUNT_BITS))) & NUMBER_MASK) >=
		    SHM_BUCKETS)
			continue;
		*ok += (unsigned)(word >> COUNT_BITS & COUNT_MAX);
		*failed += (unsigned)(word & COUNT_MAX);
	}
}

static void
clear(struct shm_provider *p)
{
	unsigned	 i;

	for (i = 0; i < SHM_BUCKETS; i++)
		p->bucket[i] = 0;
	p->strikes = 0;
	p->until_ms = 0;
}

/* --- the breaker ---------------------------------------------------------------- */

const char *
breaker_state_name(enum breaker_state s)
{
	return s == BREAKER_CLOSED ? "closed" : s == BREAKER_OPEN ? "open" :
	    "half-open";
}

void
breaker_view(const struct shm *m, int64_t id, const struct breaker_rule *r,
    int64_t now_ms, struct breaker_view *v)
{
	const struct shm_provider	*p = find(m, id);

	*v = (struct breaker_view){ .state = BREAKER_CLOSED };
	if (p == NULL)
		return;
	sum(p, r->window_ms, now_ms, &v->ok, &v->failed);
	v->opened = p->opened;
	v->until_ms = p->until_ms;
	if (p->strikes > 0)
		v->state = v->until_ms > now_ms && !p->trying ? BREAKER_OPEN :
		    BREAKER_HALF;
}

int64_t
breaker_enter(struct shm *m, int64_t id, int64_t now_ms, bool *trial)
{
	struct shm_provider	*p = make(m, id);
	int64_t			 until;

	*trial = false;
	if (p == NULL || p->strikes == 0)
		return 0;
	until = p->until_ms;
	/* Whoever moves the time has the trial. */
	if (until > now_ms || !atomic_compare_exchange_strong(&p->until_ms,
	    &until, now_ms + BREAKER_PROBE_MS))
		return until > now_ms && !p->trying ? until - now_ms : 1000;
	p->trying = 1;
	*trial = true;
	return 0;
}

static int64_t
rest(const struct breaker_rule *r, uint32_t strikes)
{
	int64_t	 ms = r->rest_ms;

	for (; strikes > 0 && ms < BREAKER_REST_MAX_MS; strikes--)
		ms *= 2;
	return ms > BREAKER_REST_MAX_MS ? BREAKER_REST_MAX_MS : ms;
}

static int
trial_ended(struct shm_provider *p, const struct breaker_rule *r, bool ok,
    int64_t now_ms)
{
	p->trying = 0;
	if (ok) {
		clear(p);
		return -1;
	}
	p->until_ms = now_ms + rest(r, p->strikes);
	p->strikes++;
	return 1;
}

int
breaker_leave(struct shm *m, int64_t id, const struct breaker_rule *r,
    bool trial, bool ok, int64_t now_ms)
{
	struct shm_provider	*p = make(m, id);
	uint32_t		 none = 0;
	unsigned		 good, bad;

	if (p == NULL)
		return 0;
	if (trial && p->strikes > 0)
		return trial_ended(p, r, ok, now_ms);
	count(p, r->window_ms, ok, now_ms);
	if (ok || r->share == 0 || p->strikes > 0)
		return 0;
	sum(p, r->window_ms, now_ms, &good, &bad);
	if (good + bad < (unsigned)r->least || (uint64_t)bad * 100 <
	    (uint64_t)(good + bad) * (unsigned)r->share)
		return 0;
	/* The time stands before the strike that makes it count. */
	p->until_ms = now_ms + rest(r, 0);
	if (!atomic_compare_exchange_strong(&p->strikes, &none, 1))
		return 0;
	p->opened++;
	return 1;
}

void
breaker_forget(struct shm *m, int64_t id, bool trial, int64_t now_ms)
{
	struct shm_provider	*p = trial ? make(m, id) : NULL;

	if (p == NULL)
		return;
	p->trying = 0;
	p->until_ms = now_ms;
}

void
breaker_reset(struct shm *m, int64_t id)
{
	struct shm_provider	*p = make(m, id);

	if (p == NULL)
		return;
	clear(p);
	p->trying = 0;
}

/* --- speeds ----------------------------------------------------------------------- */

static uint64_t
tag_of(int64_t id, struct str model, bool stream)
{
	uint64_t	 h = hash64(model, (uint64_t)id * 2 + stream);

	return h == 0 ? 1 : h;
}

/* A place that has it, or is free; else the one that was used longest ago. */
static unsigned
speed_place(const struct shm *m, uint64_t tag)
{
	unsigned	 i, at, best = (unsigned)(tag % SHM_SPEEDS);

	for (i = 0; i < PROBES; i++) {
		at = (unsigned)(tag + i) % SHM_SPEEDS;
		if (m->speed[at].tag == tag || m->speed[at].tag == 0)
			return at;
		if (m->speed[at].at_ms < m->speed[best].at_ms)
			best = at;
	}
	return best;
}

int64_t
speed_of(const struct shm *m, int64_t id, struct str model, bool stream,
    int64_t now_ms)
{
	uint64_t		 tag = tag_of(id, model, stream);
	const struct shm_speed	*s = &m->speed[speed_place(m, tag)];

	if (s->tag != tag || now_ms - s->at_ms > SPEED_OLD_MS)
		return -1;
	return s->us;
}

/* A quarter of each new one: a change is believed after a few. */
void
speed_note(struct shm *m, int64_t id, struct str model, bool stream,
    int64_t us, int64_t now_ms)
{
	uint64_t	 tag = tag_of(id, model, stream);
	struct shm_speed *s = &m->speed[speed_place(m, tag)];
	int64_t		 old = s->us;

	if (s->tag != tag || now_ms - s->at_ms > SPEED_OLD_MS) {
		s->us = us;
		s->at_ms = now_ms;
		s->tag = tag;
		return;
	}
	while (!atomic_compare_exchange_weak(&s->us, &old,
	    old + (us - old) / 4))
		continue;
	s->at_ms = now_ms;
}
