/*
 * The event loop.  Owns the epoll descriptor and the heap of timers; the
 * registered objects belong to their modules.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

#define LOOP_EVENTS	128
#define LOOP_WAIT_MS	60000

struct loop_queue {
	struct loop_task	 *first;
	struct loop_task	**last;
};

struct loop {
	int			 epfd;
	bool			 stop;
	bool			 firing;	/* timers' callbacks run */
	int64_t			 now;
	struct epoll_event	 ev[LOOP_EVENTS];
	int			 nev, cur;	/* of the batch being served */
	struct loop_timer	**heap;		/* from 1; the earliest first */
	unsigned		 nheap, heapcap;
	struct loop_queue	 posted, deferred;
	void			(*hook)(void *);
	void			*hook_arg;
};

struct loop *
loop_create(void)
{
	struct loop	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("loop");
	if ((l->epfd = epoll_create1(EPOLL_CLOEXEC)) == -1)
		fatal("epoll_create1");
	l->posted.last = &l->posted.first;
	l->deferred.last = &l->deferred.first;
	l->now = clock_mono_ms();
	return l;
}

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

void
loop_hook(struct loop *l, void (*cb)(void *), void *arg)
{
	l->hook = cb;
	l->hook_arg = arg;
}

/* --- descriptors ------------------------------------------------------------ */

static int
loop_ctl(struct loop *l, int op, struct loop_fd *f, uint32_t events)
{
	struct epoll_event	 ev = { .events = events, .data.ptr = f };

	if (epoll_ctl(l->epfd, op, f->fd, &ev) == -1)
		return -1;
	f->events = events;
	return 0;
}

int
loop_add(struct loop *l, struct loop_fd *f, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_ADD, f, events);
}

int
loop_mod(struct loop *l, struct loop_fd *f, uint32_t events)
{
	if (f->events == events)
		return 0;
	return loop_ctl(l, EPOLL_CTL_MOD, f, events);
}

void
loop_forget(struct loop *l, struct loop_fd *f)
{
	int	 i;

	for (i = l->cur; i < l->nev; i++)
		if (l->ev[i].data.ptr == f)
			l->ev[i].data.ptr = NULL;
	f->events = 0;
}

void
loop_del(struct loop *l, struct loop_fd *f)
{
	if (epoll_ctl(l->epfd, EPOLL_CTL_DEL, f->fd, NULL) == -1 &&
	    errno != ENOENT && errno != EBADF)
		log_warn("cannot remove descriptor %d", f->fd);
	loop_forget(l, f);
}

static void
loop_serve(struct loop *l)
{
	struct loop_fd	*f;

	for (l->cur = 0; l->cur < l->nev; l->cur++) {
		f = l->ev[l->cur].data.ptr;
		if (f != NULL)
			f->cb(f->arg, l->ev[l->cur].events);
	}
	l->nev = 0;
}

/* --- timers: a binary heap that knows where each timer is --------------------- */

static void
heap_put(struct loop *l, unsigned slot, struct loop_timer *t)
{
	l->heap[slot] = t;
	t->slot = slot;
}

static void
heap_up(struct loop *l, unsigned i)
{
	struct loop_timer	*t = l->heap[i];

	for (; i > 1 && l->heap[i / 2]->at_ms > t->at_ms; i /= 2)
		heap_put(l, i, l->heap[i / 2]);
	heap_put(l, i, t);
}

static void
heap_down(struct loop *l, unsigned i)
{
	struct loop_timer	*t = l->heap[i];
	unsigned		 c;

	while ((c = 2 * i) <= l->nheap) {
		if (c < l->nheap && l->heap[c + 1]->at_ms < l->heap[c]->at_ms)
			c++;
		if (l->heap[c]->at_ms >= t->at_ms)
			break;
		heap_put(l, i, l->heap[c]);
		i = c;
	}
	heap_put(l, i, t);
}

void
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t in_ms)
{
	void	*p;

	/* One that sets itself to 0 waits for the next turn. */
	t->at_ms = l->now + (in_ms > 0 ? in_ms : l->firing);
	if (t->slot == 0) {
		if (l->nheap + 2 > l->heapcap) {
			l->heapcap = l->heapcap ? l->heapcap * 2 : 64;
			p = reallocarray(l->heap, l->heapcap,
			    sizeof(*l->heap));
			if (p == NULL)
				fatal("timers");
			l->heap = p;
		}
		heap_put(l, ++l->nheap, t);
	}
	heap_up(l, t->slot);
	heap_down(l, t->slot);
}

void
loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	struct loop_timer	*moved;
	unsigned		 slot = t->slot;

	if (slot == 0)
		return;
	moved = l->heap[l->nheap--];
	t->slot = 0;
	if (moved == t)
		return;
	heap_put(l, slot, moved);
	heap_up(l, moved->slot);
	heap_down(l, moved->slot);
}

static void
loop_timers(struct loop *l)
{
	struct loop_timer	*t;

	l->firing = true;
	while (l->nheap > 0 && l->heap[1]->at_ms <= l->now) {
		t = l->heap[1];
		loop_timer_clear(l, t);
		t->cb(t->arg);
	}
	l->firing = false;
}

static int
loop_timeout(const struct loop *l)
{
	int64_t	 ms;

	if (l->posted.first != NULL || l->deferred.first != NULL)
		return 0;
	if (l->nheap == 0)
		return LOOP_WAIT_MS;
	ms = l->heap[1]->at_ms - clock_mono_ms();
	if (ms < 0)
		return 0;
	return ms > LOOP_WAIT_MS ? LOOP_WAIT_MS : (int)ms;
}

/* --- posted and deferred calls -------------------------------------------------- */

static void
queue_add(struct loop_queue *q, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	*q->last = t;
	q->last = &t->next;
}

static void
queue_run(struct loop_queue *q)
{
	struct loop_task	*t;

	while ((t = q->first) != NULL) {
		if ((q->first = t->next) == NULL)
			q->last = &q->first;
		t->queued = false;
		t->cb(t->arg);
	}
}

void
loop_post(struct loop *l, struct loop_task *t)
{
	queue_add(&l->posted, t);
}

void
loop_defer(struct loop *l, struct loop_task *t)
{
	queue_add(&l->deferred, t);
}

/* What waits to be freed still is: a child after fork has that, too. */
void
loop_destroy(struct loop *l)
{
	if (l == NULL)
		return;
	queue_run(&l->deferred);
	close(l->epfd);
	free(l->heap);
	free(l);
}

/* --- the turn --------------------------------------------------------------------- */

void
loop_turn(struct loop *l)
{
	int	 n;

	n = epoll_wait(l->epfd, l->ev, LOOP_EVENTS, loop_timeout(l));
	if (n == -1 && errno != EINTR)
		fatal("epoll_wait");
	l->nev = n == -1 ? 0 : n;
	l->now = clock_mono_ms();
	loop_serve(l);
	loop_timers(l);
	queue_run(&l->posted);
	if (l->hook != NULL)
		l->hook(l->hook_arg);
	queue_run(&l->posted);
	queue_run(&l->deferred);
}

void
loop_run(struct loop *l)
{
	while (!l->stop)
		loop_turn(l);
}
