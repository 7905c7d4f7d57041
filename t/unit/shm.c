/*
 * common/state/shm: rings between two processes, sums, status codes, mapping.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/shm.h"
#include "tap.h"

#define RECORDS		400000u
#define OFFSET(pos)	((pos) & (SHM_RING - 1))

static char	 bytes[SHM_RING];

static struct str
record(size_t n)
{
	return (struct str){ bytes, n };
}

static void
ring_empty(struct shm_ring *r)
{
	r->head = r->tail = 0;
	memset(r->data, 0xee, sizeof(r->data));
}

/* --- one process ---------------------------------------------------------------- */

static void
test_ring(struct shm_ring *r)
{
	struct str	 got;
	uint64_t	 pos = 0;

	ring_empty(r);
	ok(ring_get(r, &pos, &got) == 0 && pos == 0, "an empty ring");
	ok(ring_put(r, STR("one")) == 0 && ring_put(r, STR("")) == 0 &&
	    ring_put(r, STR("three and more")) == 0, "three records");
	ok(ring_get(r, &pos, &got) == 1 && str_is(got, "one"), "the first");
	ok(pos == 8, "is 8 bytes with its length");
	ok(ring_get(r, &pos, &got) == 1 && got.n == 0, "an empty one");
	ok(ring_get(r, &pos, &got) == 1 && str_is(got, "three and more"),
	    "the third");
	ok(pos == r->head, "and that was all");
	ok(ring_get(r, &pos, &got) == 0, "no fourth");
}

static void
test_full(struct shm_ring *r)
{
	struct str	 got;
	uint64_t	 pos = 0;
	unsigned	 n = 0, m = 0;

	ring_empty(r);
	ok(ring_put(r, record(SHM_RING / 2 - 4)) == 0,
	    "the largest record is half a ring");
	ok(ring_put(r, record(SHM_RING / 2 - 3)) == -1, "none is larger");
	ok(ring_put(r, record(SHM_RING / 2 - 4)) == 0, "two of them fit");
	ok(ring_put(r, STR("")) == -1 && r->head == SHM_RING,
	    "then it is full");
	ok(ring_get(r, &pos, &got) == 1 && got.n == SHM_RING / 2 - 4 &&
	    ring_get(r, &pos, &got) == 1 && pos == SHM_RING, "and read");

	ring_empty(r);
	while (ring_put(r, record(100)) == 0)
		n++;
	ok(n == SHM_RING / 104, "%u small ones fill it", n);
	for (pos = 0; ring_get(r, &pos, &got) == 1; m += got.n == 100)
		r->tail = pos;
	ok(m == n && pos == r->head, "all of them come out");
	ok(ring_put(r, record(100)) == 0, "and there is room again");
}

static void
test_wrap(struct shm_ring *r)
{
	struct str	 got;
	uint64_t	 pos = 0;
	unsigned	 i, wraps = 0;
	bool		 same = true;
	size_t		 n;

	ring_empty(r);
	for (i = 0; i < 60000; i++) {
		n = i * 37 % 9001;
		memset(bytes, (int)(i % 251), n);
		same &= ring_put(r, record(n)) == 0;
		wraps += OFFSET(r->head) < OFFSET(r->tail);
		same &= ring_get(r, &pos, &got) == 1 && got.n == n &&
		    memcmp(got.p, bytes, n) == 0;
		r->tail = pos;
	}
	ok(same && wraps > 50, "60,000 records of all sizes, %u times round",
	    wraps);
}

/* What does not fit before the end leaves a mark and begins anew. */
static void
test_skip(struct shm_ring *r)
{
	struct str	 got;
	uint64_t	 pos = 0;

	ring_empty(r);
	r->head = r->tail = pos = SHM_RING - 16;
	ok(ring_put(r, STR("0123456789ab")) == 0 && r->head == SHM_RING,
	    "one that ends with the ring");
	ok(ring_get(r, &pos, &got) == 1 && str_is(got, "0123456789ab") &&
	    pos == SHM_RING, "is one");
	r->head = r->tail = pos = SHM_RING - 16;
	ok(ring_put(r, STR("0123456789abc")) == 0 &&
	    r->head == SHM_RING + 24, "one byte more: at the beginning");
	ok(ring_get(r, &pos, &got) == 1 && got.p == (char *)r->data + 4 &&
	    str_is(got, "0123456789abc") && pos == r->head,
	    "the mark is skipped");

	/* The room before the end counts as used. */
	r->head = SHM_RING + SHM_RING - 16;
	r->tail = SHM_RING + 24;
	ok(ring_put(r, STR("0123456789abcdefghi")) == 0 &&
	    r->head == 2 * SHM_RING + 24, "as much as there is");
	r->head = SHM_RING + SHM_RING - 16;
	r->tail = SHM_RING + 16;
	ok(ring_put(r, STR("0123456789abcdefghi")) == -1 &&
	    r->head == SHM_RING + SHM_RING - 16, "8 bytes less are too few");
	r->head = SHM_RING - 8;
	r->tail = SHM_RING - 8;
	ok(ring_put(r, record(SHM_RING / 2 - 4)) == 0,
	    "an empty ring takes the largest, wherever it stands");
}

static void
test_damaged(struct shm_ring *r)
{
	struct str	 got;
	uint64_t	 pos;
	uint32_t	 n;

	ring_empty(r);
	ok(ring_put(r, STR("0123")) == 0, "8 bytes");
	pos = 16;
	ok(ring_get(r, &pos, &got) == -1, "a place behind the head");
	memset(r->data, 0, 8);
	pos = 4;
	ok(ring_get(r, &pos, &got) == -1, "a place that is no record's");
	r->head = SHM_RING + 16;
	pos = 0;
	ok(ring_get(r, &pos, &got) == -1, "a place written over since");

	ring_empty(r);
	ok(ring_put(r, STR("0123")) == 0, "a record");
	n = SHM_RING / 2 + 1;
	memcpy(r->data, &n, sizeof(n));
	pos = 0;
	ok(ring_get(r, &pos, &got) == -1, "a length that no record has");
	n = 5;
	memcpy(r->data, &n, sizeof(n));
	pos = 0;
	ok(ring_get(r, &pos, &got) == -1, "a length past the head");
	n = 0xfffffffe;
	memcpy(r->data, &n, sizeof(n));
	pos = 0;
	ok(ring_get(r, &pos, &got) == -1, "a length that would overflow");
	n = 0xffffffff;
	memcpy(r->data, &n, sizeof(n));
	pos = 0;
	ok(ring_get(r, &pos, &got) == -1, "a mark with nothing behind it");
	r->head = SHM_RING;
	pos = SHM_RING - 8;
	n = 100;
	memcpy(r->data + pos, &n, sizeof(n));
	ok(ring_get(r, &pos, &got) == -1, "a record across the end");
}

/* --- two processes ---------------------------------------------------------------- */

/* Sizes vary; each record holds its number, all over. */
static size_t
size_of(uint32_t i)
{
	return 4 * (1 + i * 7919u % 300u);
}

static void
produce(struct shm_ring *r)
{
	static uint32_t	 w[400];
	uint32_t	 i;
	size_t		 k;

	for (i = 0; i < RECORDS; i++) {
		for (k = 0; k < size_of(i) / 4; k++)
			w[k] = i;
		while (ring_put(r, (struct str){ (char *)w,
		    size_of(i) }) == -1)
			sched_yield();
	}
}

static uint32_t
consume(struct shm_ring *r)
{
	struct str	 got;
	uint64_t	 pos = 0;
	uint32_t	 i, w;
	size_t		 k;
	int		 ret;

	for (i = 0; i < RECORDS; i++) {
		while ((ret = ring_get(r, &pos, &got)) == 0)
			sched_yield();
		if (ret == -1 || got.n != size_of(i))
			return i;
		for (k = 0; k < got.n; k += 4) {
			memcpy(&w, got.p + k, sizeof(w));
			if (w != i)
				return i;
		}
		atomic_store_explicit(&r->tail, pos, memory_order_release);
	}
	return i;
}

static void
test_two(struct shm_ring *r)
{
	uint32_t	 n;
	pid_t		 pid;
	int		 status;

	ring_empty(r);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		produce(r);
		_exit(0);
	}
	n = consume(r);
	if (n < RECORDS)
		kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && status == 0,
	    "a producer ends in peace");
	ok(n == RECORDS, "%u of %u records, whole and in order", n, RECORDS);
	ok(r->head == r->tail && r->head > 16 * SHM_RING,
	    "many times round the ring");
}

/* --- sums ------------------------------------------------------------------------- */

static void
count(struct shm_keycount *k, unsigned ok, unsigned failed, int64_t last)
{
	k->ok += ok;
	k->failed += failed;
	k->last_us = last;
	k->status[shm_status_slot(200)] += ok;
	k->status[shm_status_slot(429)] += failed;
}

struct stats_seen {
	unsigned	 n;
	uint64_t	 requests, losses;
	bool		 texts;
};

static void
stats_cb(void *arg, const char *name, const char *text, uint64_t v)
{
	struct stats_seen	*seen = arg;

	seen->n++;
	seen->texts &= *name != '\0' && *text != '\0';
	if (strcmp(name, "requests") == 0)
		seen->requests = v;
	if (strcmp(name, "losses") == 0)
		seen->losses = v;
}

static bool
stats_are(const struct shm *m, uint64_t requests, uint64_t losses)
{
	struct stats_seen	 seen = { .texts = true };

	shm_stats_each(m, stats_cb, &seen);
	return seen.n == sizeof(struct shm_stats) / sizeof(uint64_t) &&
	    seen.texts && seen.requests == requests && seen.losses == losses;
}

static bool
key_is(const struct shm *m, unsigned slot, uint64_t good, uint64_t bad,
    uint64_t inflight, int64_t last)
{
	struct shm_keysum	 s;

	shm_key_sum(m, slot, &s);
	return s.ok == good && s.failed == bad && s.inflight == inflight &&
	    s.last_us == last && s.status[shm_status_slot(200)] == good &&
	    s.status[shm_status_slot(429)] == bad;
}

static void
test_fold(struct shm *m)
{
	struct shm_worker	*a = &m->worker[0], *b = &m->worker[63];
	struct shm_keysum	 s;

	a->state = b->state = SHM_RUNNING;
	a->pid = 1;
	a->open = 5;
	a->stat.requests = 10;
	b->stat.requests = 7;
	b->stat.losses = 1;
	count(&m->base[3], 100, 10, 1000);
	count(&a->key[3], 5, 2, 3000);
	a->key[3].inflight = 2;
	count(&b->key[3], 1, 1, 2000);
	b->key[3].inflight = 1;
	count(&b->key[1023], 9, 0, 1);
	snprintf(a->words, sizeof(a->words), "last words");
	ok(stats_are(m, 17, 1), "counters are summed, each with a text");
	ok(key_is(m, 3, 106, 13, 3, 3000), "a key's sum");
	ok(key_is(m, 1023, 9, 0, 0, 1), "the last key's");
	ok(key_is(m, 2, 0, 0, 0, 0), "a key that was never used");
	shm_key_sum(m, SHM_KEYS, &s);
	ok(s.ok == 0 && s.last_us == 0, "a slot that there is not");

	shm_fold(m, 0, 0);
	ok(a->state == SHM_FREE && a->pid == 0 && a->open == 0 &&
	    a->words[0] == '\0', "a worker's row is cleared");
	ok(a->stat.requests == 0 && a->key[3].ok == 0, "with its counters");
	ok(stats_are(m, 17, 1), "the sums stay");
	ok(key_is(m, 3, 106, 13, 1, 3000),
	    "a key's too, but for what was in flight");
	a->state = SHM_RUNNING;
	a->stat.requests = 3;
	count(&a->key[3], 1, 0, 4000);
	shm_fold(m, 0, 0);
	shm_fold(m, 63, 0);
	shm_fold(m, 63, 0);
	ok(stats_are(m, 20, 1), "again, and folding twice counts once");
	ok(key_is(m, 3, 107, 13, 0, 4000), "for keys as well");
	ok(key_is(m, 1023, 9, 0, 0, 1), "whatever the slot");
}

static void
test_status(void)
{
	static const int	 own[] = { 200, 201, 204, 302, 401, 402, 403,
				    404, 408, 413, 422, 429, 502, 503, 504,
				    529 };
	static const struct {
		int	 status, shown;
	} others[] = {
		{ 0, 0 }, { -1, 0 }, { 99, 0 }, { 600, 0 }, { 1000, 0 },
		{ 100, 100 }, { 101, 100 }, { 299, 200 }, { 399, 300 },
		{ 418, 400 }, { 400, 400 }, { 500, 500 }, { 599, 500 },
	};
	unsigned	 i;
	bool		 right = true;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		right &= shm_status_of(shm_status_slot(own[i])) == own[i];
	ok(right, "a status that is known counts by itself");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ok(shm_status_of(shm_status_slot(others[i].status)) ==
		    others[i].shown, "%d counts as %d", others[i].status,
		    others[i].shown);
	for (i = 0, right = true; i < SHM_STATUSES; i++)
		right &= shm_status_slot(shm_status_of(i)) == i;
	ok(right, "each slot is one status");
	ok(shm_status_of(SHM_STATUSES) == 0, "a slot that there is not");
}

/* --- mapping ------------------------------------------------------------------------ */

static void
test_map(struct shm *m, int fd)
{
	const struct shm	*r;
	int			 ro = shm_readonly(fd), other;

	ok(ro != -1, "a descriptor to read it by");
	r = shm_map(ro);
	ok(r != NULL && r->epoch == m->epoch, "is mapped");
	m->rows = 4711;
	ok(r != NULL && r->rows == 4711, "and shows what is written");
	if (r != NULL)
		shm_unmap(r);
	ok(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) ==
	    MAP_FAILED && errno == EACCES, "it is not written through");
	close(ro);
	m->magic++;
	ok(shm_map(fd) == NULL && errno == EINVAL, "another magic number");
	m->magic--;
	m->size--;
	ok(shm_map(fd) == NULL && errno == EINVAL, "another size");
	m->size++;
	other = memfd_create("other", MFD_CLOEXEC);
	ok(shm_map(other) == NULL && errno == EINVAL, "something else");
	close(other);
	ok(shm_map(-1) == NULL && errno == EBADF, "nothing");
}

/* A record that was on its way when its worker was killed, and its cost. */
static void
test_settle(struct shm *m)
{
	static const struct { int64_t spill, spilled, head, want; } t[] = {
		{ 0, 0, 0, 100 },	/* neither in the ring */
		{ 0, 0, 64, 107 },	/* in the ring */
		{ 500, 499, 64, 100 },	/* half of it in the file */
		{ 500, 500, 0, 107 },	/* in the file */
		{ 500, 0, 0, 100 },	/* not there at all */
	};
	struct shm_worker	*w = &m->worker[5];
	unsigned		 i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		m->departed.use[9].settled = 0;
		w->use[9].settled = 100;
		w->settle.n = 1;
		w->settle.slot[0] = 9;
		w->settle.before[0] = 100;
		w->settle.cost = 7;
		w->settle.head = m->ring[5].head;
		w->settle.spill = t[i].spill;
		m->ring[5].head += (uint64_t)t[i].head;
		shm_fold(m, 5, t[i].spilled);
		ok(m->departed.use[9].settled == t[i].want && w->settle.n == 0,
		    "killed between record and cost, %u: %lld", i,
		    (long long)m->departed.use[9].settled);
	}
}

int
main(void)
{
	struct shm	*m;
	int		 fd;

	m = shm_create(&fd);
	test_ring(&m->ring[0]);
	test_full(&m->ring[0]);
	test_wrap(&m->ring[0]);
	test_skip(&m->ring[0]);
	test_damaged(&m->ring[SHM_WORKERS - 1]);
	test_two(&m->ring[1]);
	test_fold(m);
	test_settle(m);
	test_status();
	test_map(m, fd);
	shm_unmap(m);
	close(fd);
	return done();
}
