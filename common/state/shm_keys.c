/*
 * The states of keys in shared memory.
 */
#include "base/codec.h"
#include "state/shm_keys.h"

#define PROBES		8		/* places looked at for a name */
#define MINUTE_US	((int64_t)60000000)

/* --- a key and a model ------------------------------------------------------ */

static uint64_t
tag_of(unsigned slot, struct str model)
{
	uint64_t	 h = hash64(model, slot + 1);

	return h == 0 ? 1 : h;
}

static unsigned
find(const struct shm *m, uint64_t tag)
{
	unsigned	 i, at;

	for (i = 0; i < PROBES; i++) {
		at = (unsigned)(tag + i) % SHM_COOLS;
		if (m->cool[at].tag == tag)
			return at;
	}
	return SHM_COOLS;
}

/* A free place, else the one that is over first. */
static unsigned
make(struct shm *m, uint64_t tag)
{
	unsigned	 i, at, best = (unsigned)(tag % SHM_COOLS);

	for (i = 0; i < PROBES; i++) {
		at = (unsigned)(tag + i) % SHM_COOLS;
		if (m->cool[at].tag == 0 || m->cool[at].tag == tag) {
			best = at;
			break;
		}
		if (m->cool[at].until_ms < m->cool[best].until_ms)
			best = at;
	}
	if (m->cool[best].tag != tag) {
		m->cool[best].until_ms = 0;
		m->cool[best].strikes = 0;
		m->cool[best].slot = 0;
		m->cool[best].req_until_ms = 0;
		m->cool[best].tok_until_ms = 0;
		m->cool[best].tag = tag;
	}
	return best;
}

/* The model's, for people. */
static void
name_set(struct shm_cool *c, struct str model)
{
	uint64_t	 word[SHM_NAME / 8] = { 0 };
	unsigned	 i;

	memcpy(word, model.p, model.n < SHM_NAME ? model.n : SHM_NAME);
	for (i = 0; i < SHM_NAME / 8; i++)
		c->name[i] = word[i];
}

int64_t
keys_until(const struct shm *m, unsigned slot, struct str model)
{
	unsigned	 at = find(m, tag_of(slot, model));
	int64_t		 parked = m->key[slot].parked_until_ms, cool;

	cool = at == SHM_COOLS ? 0 : m->cool[at].until_ms;
	return parked > cool ? parked : cool;
}

unsigned
keys_strikes(const struct shm *m, unsigned slot, struct str model)
{
	unsigned	 at = find(m, tag_of(slot, model));

	return at == SHM_COOLS ? 0 : m->cool[at].strikes;
}

void
keys_rest(struct shm *m, unsigned slot, struct str model, int status,
    int64_t until_ms)
{
	unsigned	 at = make(m, tag_of(slot, model));

	name_set(&m->cool[at], model);
	m->cool[at].slot = (int32_t)slot + 1;
	m->cool[at].strikes++;
	m->cool[at].until_ms = until_ms;
	m->key[slot].last_status = status;
	if (m->key[slot].cool_until_ms < until_ms)
		m->key[slot].cool_until_ms = until_ms;
}

void
keys_restore(struct shm *m, unsigned slot, uint64_t tag, int64_t until_ms,
    uint32_t strikes)
{
	unsigned	 at = make(m, tag == 0 ? 1 : tag);

	m->cool[at].slot = (int32_t)slot + 1;
	m->cool[at].strikes = strikes;
	m->cool[at].until_ms = until_ms;
	if (m->key[slot].cool_until_ms < until_ms)
		m->key[slot].cool_until_ms = until_ms;
}

/* --- headroom ---------------------------------------------------------------- */

static void
room_of(const struct shm_cool *c, int64_t now_ms, struct keys_room *r)
{
	*r = (struct keys_room){ -1, -1, c->req_until_ms, c->tok_until_ms };
	if (r->requests_until_ms > now_ms)
		r->requests = c->req_left > 0 ? c->req_left : 0;
	if (r->tokens_until_ms > now_ms)
		r->tokens = c->tok_left > 0 ? c->tok_left : 0;
}

void
keys_room(const struct shm *m, unsigned slot, struct str model,
    int64_t now_ms, struct keys_room *r)
{
	unsigned	 at;

	*r = (struct keys_room){ -1, -1, 0, 0 };
	if (m->key[slot].room_until_ms <= now_ms)
		return;
	if ((at = find(m, tag_of(slot, model))) != SHM_COOLS)
		room_of(&m->cool[at], now_ms, r);
}

void
keys_room_set(struct shm *m, unsigned slot, struct str model,
    const struct keys_room *r)
{
	struct shm_cool	*c;

	if (r->requests < 0 && r->tokens < 0)
		return;
	c = &m->cool[make(m, tag_of(slot, model))];
	if (c->slot != (int32_t)slot + 1)
		name_set(c, model);
	c->slot = (int32_t)slot + 1;
	if (m->key[slot].room_until_ms < r->requests_until_ms)
		m->key[slot].room_until_ms = r->requests_until_ms;
	if (m->key[slot].room_until_ms < r->tokens_until_ms)
		m->key[slot].room_until_ms = r->tokens_until_ms;
	if (r->requests >= 0) {
		c->req_left = r->requests;
		c->req_until_ms = r->requests_until_ms;
	}
	if (r->tokens >= 0) {
		c->tok_left = r->tokens;
		c->tok_until_ms = r->tokens_until_ms;
	}
}

void
keys_room_take(struct shm *m, unsigned slot, struct str model, int64_t tokens)
{
	unsigned	 at;

	if (m->key[slot].room_until_ms == 0 ||
	    (at = find(m, tag_of(slot, model))) == SHM_COOLS)
		return;
	if (m->cool[at].req_until_ms != 0)
		m->cool[at].req_left--;
	if (m->cool[at].tok_until_ms != 0)
		m->cool[at].tok_left -= tokens;
}

void
keys_models(const struct shm *m, int64_t now_ms, void (*cb)(void *,
    unsigned slot, const struct keys_model *), void *arg)
{
	const struct shm_cool	*c;
	struct keys_model	 km;
	uint64_t		 word[SHM_NAME / 8];
	unsigned		 i, k;

	for (i = 0; i < SHM_COOLS; i++) {
		c = &m->cool[i];
		if (c->slot < 1 || c->slot > SHM_KEYS)
			continue;
		room_of(c, now_ms, &km.room);
		km.until_ms = c->until_ms;
		if (km.until_ms <= now_ms && km.room.requests < 0 &&
		    km.room.tokens < 0)
			continue;
		for (k = 0; k < SHM_NAME / 8; k++)
			word[k] = c->name[k];
		memcpy(km.model, word, SHM_NAME);
		km.model[SHM_NAME] = '\0';
		cb(arg, (unsigned)c->slot - 1, &km);
	}
}

/* --- the key itself ---------------------------------------------------------- */

int64_t
keys_park(struct shm *m, unsigned slot, int status, int64_t first_ms,
    int64_t now_ms)
{
	struct shm_key	*k = &m->key[slot];
	int64_t		 ms = first_ms;
	uint32_t	 i;

	for (i = 0; i < k->park_strikes && ms < KEYS_PARK_MAX_MS; i++)
		ms *= 2;
	if (ms > KEYS_PARK_MAX_MS)
		ms = KEYS_PARK_MAX_MS;
	k->last_status = status;
	k->park_status = status;
	k->parked_until_ms = now_ms + ms;
	k->park_strikes++;
	return ms;
}

bool
keys_probe(struct shm *m, unsigned slot, int64_t now_ms)
{
	struct shm_key	*k = &m->key[slot];
	int64_t		 until = k->parked_until_ms;

	if (k->park_strikes == 0)
		return true;
	return until <= now_ms && atomic_compare_exchange_strong(
	    &k->parked_until_ms, &until, now_ms + KEYS_PROBE_MS);
}

void
keys_worked(struct shm *m, unsigned slot, struct str model)
{
	struct shm_key	*k = &m->key[slot];
	unsigned	 at = k->cool_until_ms == 0 ? SHM_COOLS : find(m,
			    tag_of(slot, model));	/* it rested once */

	if (at != SHM_COOLS && m->cool[at].strikes != 0) {
		m->cool[at].strikes = 0;
		m->cool[at].until_ms = 0;
	}
	if (k->park_strikes != 0) {
		k->park_strikes = 0;
		k->park_status = 0;
		k->parked_until_ms = 0;
	}
}

void
keys_reset(struct shm *m, unsigned slot)
{
	struct shm_key	*k = &m->key[slot];
	unsigned	 i;

	for (i = 0; i < SHM_COOLS; i++)
		if (m->cool[i].slot == (int32_t)slot + 1) {
			m->cool[i].strikes = 0;
			m->cool[i].until_ms = 0;
			m->cool[i].req_until_ms = 0;
			m->cool[i].tok_until_ms = 0;
		}
	k->cool_until_ms = 0;
	k->room_until_ms = 0;
	k->park_strikes = 0;
	k->park_status = 0;
	k->parked_until_ms = 0;
}

/* --- what it may have a minute ------------------------------------------------ */

/*
 * A bucket as one word: the time at which it will be full again (the virtual
 * scheduling of ITU-T I.371).  A whole minute's amount may come at once.
 */
static int64_t
bucket(_Atomic int64_t *full_us, int64_t cost_us, int64_t now_us)
{
	int64_t	 old = *full_us, next;

	do {
		next = (old < now_us ? now_us : old) + cost_us;
		if (old > now_us && next - now_us > MINUTE_US)
			return (next - now_us - MINUTE_US + 999) / 1000;
	} while (!atomic_compare_exchange_weak(full_us, &old, next));
	return 0;
}

int64_t
keys_take(struct shm *m, unsigned slot, unsigned rpm, unsigned tpm,
    int64_t tokens, int64_t now_ms)
{
	struct shm_key	*k = &m->key[slot];
	int64_t		 wait = 0, cost = rpm == 0 ? 0 : MINUTE_US / rpm;

	if (rpm > 0)
		wait = bucket(&k->rpm_full_us, cost, now_ms * 1000);
	if (wait > 0 || tpm == 0)
		return wait;
	if (tokens > tpm)
		tokens = tpm;
	wait = bucket(&k->tpm_full_us, tokens * MINUTE_US / tpm,
	    now_ms * 1000);
	if (wait > 0 && rpm > 0)
		k->rpm_full_us -= cost;
	return wait;
}

unsigned
keys_inflight(const struct shm *m, unsigned slot)
{
	unsigned	 i, n = m->workers, sum = 0;

	for (i = 0; i < n; i++)
		sum += m->worker[i].key[slot].inflight;
	return sum;
}
