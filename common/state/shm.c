/*
 * Shared memory: its making, its sums, its rings.  What the words mean is in
 * the header; who writes them is not checked here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "state/shm.h"
#include "state/shm_live.h"

#define RING_SKIP	0xffffffffu

struct shm *
shm_create(int *fd)
{
	struct shm	*m;

	if ((*fd = memfd_create("proxyd", MFD_CLOEXEC)) == -1 ||
	    ftruncate(*fd, sizeof(*m)) == -1)
		fatal("shared memory");
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (m == MAP_FAILED)
		fatal("cannot map shared memory");
	m->magic = SHM_MAGIC;
	m->size = sizeof(*m);
	id_random(&m->epoch, sizeof(m->epoch));
	m->epoch >>= 1;			/* SQLite's integers are signed */
	id_new(m->operator_token, sizeof(m->operator_token), "");
	return m;
}

const struct shm *
shm_map(int fd)
{
	const struct shm	*m;
	struct stat		 st;

	if (fstat(fd, &st) == -1)
		return NULL;
	if ((size_t)st.st_size != sizeof(*m)) {
		errno = EINVAL;
		return NULL;
	}
	m = mmap(NULL, sizeof(*m), PROT_READ, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return NULL;
	if (m->magic != SHM_MAGIC || m->size != sizeof(*m)) {
		shm_unmap(m);
		errno = EINVAL;
		return NULL;
	}
	return m;
}

void
shm_unmap(const struct shm *m)
{
	munmap((void *)(uintptr_t)m, sizeof(*m));
}

int
shm_readonly(int fd)
{
	char	 path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* --- status codes ------------------------------------------------------------- */

static const int shm_status[SHM_STATUSES] = {
	0, 100, 200, 300, 400, 500,	/* no answer; others of their class */
	201, 202, 204, 301, 302, 307, 401, 402, 403, 404, 405, 408, 409, 413,
	415, 422, 424, 429, 499, 501, 502, 503, 504, 520, 524, 529
};

unsigned
shm_status_slot(int status)
{
	unsigned	 i;

	for (i = 0; i < SHM_STATUSES; i++)
		if (shm_status[i] == status)
			return i;
	return status >= 100 && status < 600 ? (unsigned)status / 100 : 0;
}

int
shm_status_of(unsigned slot)
{
	return slot < SHM_STATUSES ? shm_status[slot] : 0;
}

/* --- sums ---------------------------------------------------------------------- */

static void
keycount_add(struct shm_keycount *to, struct shm_keycount *from)
{
	unsigned	 i;

	to->ok += from->ok;
	to->failed += from->failed;
	if (from->last_us > to->last_us)
		to->last_us = from->last_us;
	for (i = 0; i < SHM_STATUSES; i++)
		to->status[i] += from->status[i];
}

/* The record arrived, its cost perhaps not. */
static void
settle_end(struct shm_worker *w, const struct shm_ring *ring, int64_t spilled)
{
	struct shm_settle	*s = &w->settle;
	unsigned		 k;
	bool			 arrived;

	arrived = s->spill > 0 ? spilled >= s->spill : ring->head != s->head;
	for (k = 0; k < s->n && k < 2; k++)
		if (arrived && s->slot[k] < SHM_ACCOUNTS)
			w->use[s->slot[k]].settled = s->before[k] + s->cost;
	s->n = 0;
}

void
shm_fold(struct shm *m, unsigned i, int64_t spilled)
{
	struct shm_worker	*w = &m->worker[i], *d = &m->departed;
	unsigned		 k;

	settle_end(w, &m->ring[i], spilled);
#define SHM_STAT(name, text)	d->stat.name += w->stat.name; w->stat.name = 0;
	SHM_STATS
#undef SHM_STAT
	for (k = 0; k < SHM_KEYS; k++) {
		if (w->key[k].last_us == 0 && w->key[k].inflight == 0)
			continue;
		keycount_add(&d->key[k], &w->key[k]);
		memset(&w->key[k], 0, sizeof(w->key[k]));
	}
	for (k = 0; k < SHM_ACCOUNTS; k++) {
		if (w->use[k].inflight == 0 && w->use[k].settled == 0 &&
		    w->use[k].reserved == 0)
			continue;
		if (d->use[k].settled < SHM_SPENT_MAX)
			d->use[k].settled += w->use[k].settled;
		memset(&w->use[k], 0, sizeof(w->use[k]));
	}
	live_clear(m, i);
	w->pid = 0;
	w->state = SHM_FREE;
	w->inflight = 0;
	w->waiting = 0;
	memset(&w->waits, 0, sizeof(w->waits));
	w->open = 0;
	w->beat_ms = 0;
	memset(w->words, 0, sizeof(w->words));
}

static void
keysum_add(struct shm_keysum *s, const struct shm_keycount *c)
{
	unsigned	 i;

	if (c->last_us == 0 && c->inflight == 0)
		return;
	s->ok += c->ok;
	s->failed += c->failed;
	s->inflight += c->inflight;
	if (c->last_us > s->last_us)
		s->last_us = c->last_us;
	for (i = 0; i < SHM_STATUSES; i++)
		s->status[i] += c->status[i];
}

void
shm_key_sum(const struct shm *m, unsigned slot, struct shm_keysum *s)
{
	unsigned	 i;

	memset(s, 0, sizeof(*s));
	if (slot >= SHM_KEYS)
		return;
	keysum_add(s, &m->base[slot]);
	keysum_add(s, &m->departed.key[slot]);
	for (i = 0; i < SHM_WORKERS; i++)
		if (m->worker[i].state != SHM_FREE)
			keysum_add(s, &m->worker[i].key[slot]);
}

void
shm_stats_each(const struct shm *m,
    void (*cb)(void *, const char *, const char *, uint64_t), void *arg)
{
	unsigned	 i;
	uint64_t	 n;

#define SHM_STAT(name, text) do {					\
	n = m->departed.stat.name;					\
	for (i = 0; i < SHM_WORKERS; i++)				\
		n += m->worker[i].stat.name;				\
	cb(arg, #name, text, n);					\
} while (0);
	SHM_STATS
#undef SHM_STAT
}

/* --- rings --------------------------------------------------------------------- */

static uint64_t
ring_space(size_t n)
{
	return (sizeof(uint32_t) + n + 7) & ~(uint64_t)7;
}

int
ring_put(struct shm_ring *r, struct str rec)
{
	uint64_t	 head = r->head, need = ring_space(rec.n), left;
	uint32_t	 off = head & (SHM_RING - 1), n = (uint32_t)rec.n;

	if (need > SHM_RING / 2)
		return -1;
	left = SHM_RING - (head - atomic_load_explicit(&r->tail,
	    memory_order_acquire));
	if (off + need > SHM_RING) {
		if (left < SHM_RING - off + need)
			return -1;
		memcpy(r->data + off, &(uint32_t){ RING_SKIP }, sizeof(n));
		head += SHM_RING - off;
		off = 0;
	} else if (left < need)
		return -1;
	memcpy(r->data + off, &n, sizeof(n));
	memcpy(r->data + off + sizeof(n), rec.p, rec.n);
	atomic_store_explicit(&r->head, head + need, memory_order_release);
	return 0;
}

int
ring_get(const struct shm_ring *r, uint64_t *pos, struct str *rec)
{
	uint64_t	 head;
	uint32_t	 off, n;

	head = atomic_load_explicit(&r->head, memory_order_acquire);
	if (*pos == head)
		return 0;
	if (*pos > head || head - *pos > SHM_RING || (*pos & 7) != 0)
		return -1;
	off = *pos & (SHM_RING - 1);
	memcpy(&n, r->data + off, sizeof(n));
	if (n == RING_SKIP) {
		*pos += SHM_RING - off;
		if (*pos == head)
			return 0;
		off = 0;
		memcpy(&n, r->data, sizeof(n));
	}
	if (n > SHM_RING / 2 || off + ring_space(n) > SHM_RING ||
	    *pos + ring_space(n) > head)
		return -1;
	rec->p = (const char *)r->data + off + sizeof(n);
	rec->n = n;
	*pos += ring_space(n);
	return 1;
}
