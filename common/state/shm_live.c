/*
 * Requests in flight.
 */
#include <stdio.h>

#include "state/shm_live.h"

#define READ_TRIES	4

static struct shm_live_line *
line_of(struct shm *m, unsigned worker, int line)
{
	return &m->live[worker].line[line];
}

static void
write_begin(struct shm_live_line *l)
{
	atomic_store_explicit(&l->turn, l->turn + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void
write_end(struct shm_live_line *l)
{
	atomic_store_explicit(&l->turn, l->turn + 1, memory_order_release);
}

static void
text_set(char *dst, size_t size, struct str s)
{
	size_t	 n = s.n < size - 1 ? s.n : size - 1;

	/* Not in the middle of a character. */
	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
}

/* --- its worker ------------------------------------------------------------- */

int
live_begin(struct shm *m, unsigned worker, const char *id, int64_t wall_us)
{
	struct shm_live_table	*t = &m->live[worker];
	struct shm_live_line	*l;
	unsigned		 i, at;

	for (i = 0; i < SHM_LIVE; i++) {
		at = (t->hint + i) % SHM_LIVE;
		if (t->line[at].is.id[0] == '\0')
			break;
	}
	if (i == SHM_LIVE)
		return -1;
	t->hint = (at + 1) % SHM_LIVE;
	l = &t->line[at];
	write_begin(l);
	memset(&l->is, 0, sizeof(l->is));
	text_set(l->is.id, sizeof(l->is.id), str_of(id));
	l->is.time_us = wall_us;
	l->attempts = 0;
	l->said = 0;
	write_end(l);
	return (int)at;
}

void
live_show(struct shm *m, unsigned worker, int line,
    const struct live_facts *f)
{
	struct shm_live_line	*l;

	if (line == -1)
		return;
	l = line_of(m, worker, line);
	write_begin(l);
	text_set(l->is.client, sizeof(l->is.client), f->client);
	text_set(l->is.agent, sizeof(l->is.agent), f->agent);
	text_set(l->is.dialect, sizeof(l->is.dialect), f->dialect);
	text_set(l->is.asked, sizeof(l->is.asked), f->asked);
	text_set(l->is.provider, sizeof(l->is.provider), f->provider);
	text_set(l->is.model, sizeof(l->is.model), f->model);
	text_set(l->is.tenant, sizeof(l->is.tenant), f->tenant);
	l->is.stream = f->stream;
	write_end(l);
}

void
live_tried(struct shm *m, unsigned worker, int line, unsigned n)
{
	if (line != -1)
		atomic_store_explicit(&line_of(m, worker, line)->attempts, n,
		    memory_order_relaxed);
}

void
live_said(struct shm *m, unsigned worker, int line, uint64_t bytes)
{
	if (line != -1)
		atomic_store_explicit(&line_of(m, worker, line)->said, bytes,
		    memory_order_relaxed);
}

void
live_end(struct shm *m, unsigned worker, int line)
{
	struct shm_live_line	*l;

	if (line == -1)
		return;
	l = line_of(m, worker, line);
	write_begin(l);
	l->is.id[0] = '\0';
	write_end(l);
}

bool
live_cancelled(struct shm *m, unsigned worker, char id[SHM_LIVE_ID])
{
	struct shm_live_table	*t = &m->live[worker];
	uint64_t		 done = t->cancels_done;

	if (done == atomic_load_explicit(&t->cancels, memory_order_acquire))
		return false;
	memcpy(id, t->cancel[done % SHM_CANCELS], SHM_LIVE_ID);
	id[SHM_LIVE_ID - 1] = '\0';
	atomic_store_explicit(&t->cancels_done, done + 1,
	    memory_order_release);
	return true;
}

/* --- the master ------------------------------------------------------------- */

void
live_clear(struct shm *m, unsigned worker)
{
	struct shm_live_table	*t = &m->live[worker];
	unsigned		 i;

	for (i = 0; i < SHM_LIVE; i++)
		if (t->line[i].is.id[0] != '\0') {
			/* It may have died while it wrote. */
			t->line[i].turn |= 1;
			t->line[i].is.id[0] = '\0';
			write_end(&t->line[i]);
		}
	t->cancels_done = (uint64_t)t->cancels;
}

static bool
line_is(const struct shm_live_line *l, struct str id)
{
	struct shm_live	 copy;

	memcpy(&copy, &l->is, sizeof(copy));
	copy.id[SHM_LIVE_ID - 1] = '\0';
	return str_is(id, copy.id);
}

int
live_cancel(struct shm *m, struct str id)
{
	struct shm_live_table	*t;
	unsigned		 w, i;

	for (w = 0; w < SHM_WORKERS && id.n > 0; w++) {
		if (m->worker[w].state == SHM_FREE)
			continue;
		t = &m->live[w];
		for (i = 0; i < SHM_LIVE && !line_is(&t->line[i], id); i++)
			continue;
		if (i == SHM_LIVE)
			continue;
		if (t->cancels - t->cancels_done >= SHM_CANCELS)
			return -1;
		text_set(t->cancel[t->cancels % SHM_CANCELS], SHM_LIVE_ID,
		    id);
		atomic_store_explicit(&t->cancels, t->cancels + 1,
		    memory_order_release);
		return 0;
	}
	return -1;
}

/* --- whoever looks ------------------------------------------------------------ */

static bool
line_read(const struct shm_live_line *l, struct live_now *to)
{
	uint32_t	 turn;
	int		 i;

	for (i = 0; i < READ_TRIES; i++) {
		turn = atomic_load_explicit(&l->turn, memory_order_acquire);
		memcpy(&to->is, &l->is, sizeof(to->is));
		to->said = atomic_load_explicit(&l->said,
		    memory_order_relaxed);
		to->attempts = atomic_load_explicit(&l->attempts,
		    memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if ((turn & 1) == 0 && turn == atomic_load_explicit(&l->turn,
		    memory_order_relaxed))
			return to->is.id[0] != '\0';
	}
	return false;
}

void
live_each(const struct shm *m, void (*cb)(void *, const struct live_now *),
    void *arg)
{
	struct live_now	 now;
	unsigned	 i;

	for (now.worker = 0; now.worker < SHM_WORKERS; now.worker++) {
		if (m->worker[now.worker].state == SHM_FREE)
			continue;
		for (i = 0; i < SHM_LIVE; i++)
			if (line_read(&m->live[now.worker].line[i], &now))
				cb(arg, &now);
	}
}
