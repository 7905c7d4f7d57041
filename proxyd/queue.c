/*
 * The queue for keys.
 */
#include "base/clock.h"
#include "proxyd/queue.h"
#include "proxyd/request.h"
#include "proxyd/worker.h"
#include "state/shm_affinity.h"

#define TICK_MS	50		/* other workers' requests end unseen */

#define SLACK_MS	50		/* and so are not quite in order */
#define GONE_MS		500		/* a worker that does not look */

/* --- over workers ------------------------------------------------------------ */

/* Requests that wait for one thing have the same; never 0. */
static uint64_t
tag_of(const struct request *rq)
{
	const struct plan_step	*st = &rq->rq_plan->step[0];
	const struct snap_provider *p = &rq->rq_snap->providers[
				    st->route.provider];
	uint64_t		 h = affinity_target(p->id, st->route.model);

	h ^= (uint64_t)affinity_target(p->id, rq->rq_snap->pools[
	    st->pool].name) << 32;
	if (p->owned && rq->rq_tenant != NULL)
		h ^= (uint64_t)rq->rq_tenant->id * 0xff51afd7ed558ccdu;
	return h | 1;
}

/* The first of each kind, as far as there are places. */
static void
publish(struct worker *wk)
{
	struct shm_waits	*w = &wk->row->waits;
	const struct request	*rq;
	uint64_t		 tag[SHM_WAITS], t;
	unsigned		 i, n = 0;

	for (rq = wk->queue.first; rq != NULL && n < SHM_WAITS;
	    rq = rq->rq_queue_next) {
		t = tag_of(rq);
		for (i = 0; i < n && tag[i] != t; i++)
			;
		if (i < n)
			continue;
		w->first[n].since_ms = rq->rq_queue_since_ms;
		w->first[n].tag = tag[n] = t;
		n++;
	}
	for (; n < SHM_WAITS; n++)
		w->first[n].tag = 0;
	w->seen_ms = clock_mono_ms();
}

/* Is it the first of its kind? */
static bool
is_told(const struct request *rq)
{
	const struct shm_waits	*w = &rq->rq_wk->row->waits;
	uint64_t		 tag = tag_of(rq);
	unsigned		 i;

	for (i = 0; i < SHM_WAITS; i++)
		if (w->first[i].tag == tag)
			return w->first[i].since_ms == rq->rq_queue_since_ms;
	return false;
}

static bool
older_there(const struct shm_waits *w, uint64_t tag, int64_t since_ms,
    int64_t now_ms)
{
	unsigned	 i;

	if (now_ms - w->seen_ms > GONE_MS)
		return false;
	for (i = 0; i < SHM_WAITS; i++)
		if (w->first[i].tag == tag && w->first[i].since_ms <
		    since_ms - SLACK_MS)
			return true;
	return false;
}

bool
queue_behind(const struct request *rq)
{
	const struct worker	*wk = rq->rq_wk;
	const struct shm_worker	*row = wk->shm->worker;
	int64_t			 now = 0, since;
	unsigned		 i, n = wk->shm->workers;

	if (rq->rq_snap->queue_ms == 0 || rq->rq_only != NULL ||
	    rq->rq_plan == NULL)
		return false;
	for (i = 0; i < n; i++) {
		if (i == wk->slot || row[i].waiting == 0)
			continue;
		if (now == 0)
			now = clock_mono_ms();
		since = rq->rq_queue_until_ms == 0 ? now :
		    rq->rq_queue_since_ms;
		if (older_there(&row[i].waits, tag_of(rq), since, now))
			return true;
	}
	return false;
}

/* --- in this one -------------------------------------------------------------- */

static void
unlink_it(struct request *rq)
{
	struct queue	*q = &rq->rq_wk->queue;

	if ((*rq->rq_queue_prev = rq->rq_queue_next) != NULL)
		rq->rq_queue_next->rq_queue_prev = rq->rq_queue_prev;
	else
		q->last = rq->rq_queue_prev;
	rq->rq_queue_prev = NULL;
	rq->rq_acct.f.queue_us += clock_mono_us() - rq->rq_queue_us;
	rq->rq_wk->row->waiting--;
	if (is_told(rq))
		publish(rq->rq_wk);
}

void
queue_leave(struct request *rq)
{
	if (rq->rq_queue_prev != NULL)
		unlink_it(rq);
}

static void
give_up(struct request *rq)
{
	struct ir_error	 err;
	int64_t		 ms = try_soonest(rq);

	queue_leave(rq);
	if (rq->rq_queue_err != NULL)
		err = *rq->rq_queue_err;
	else
		route_keyless(&err, rq->rq_provider, ms < 0 ? 0 : ms);
	if (ms > 0)
		err.retry_after = (int)((ms + 999) / 1000);
	request_fail(rq, &err);
}

/* One whose turn it is: gone from the queue when it has got a key. */
static void
serve(struct request *rq)
{
	bool	 late = clock_mono_ms() >= rq->rq_queue_until_ms;
	int	 r = !late && queue_behind(rq) ? -1 : request_any_target(rq);

	if (r == -1 && late)
		give_up(rq);
	else if (r != -1) {
		queue_leave(rq);
		if (r == 0)
			try_again(rq);
	}
}

static void
tick_cb(void *arg)
{
	struct worker	*wk = arg;
	struct queue	*q = &wk->queue;
	struct request	*rq, *next;

	for (rq = q->first; rq != NULL; rq = next) {
		next = rq->rq_queue_next;
		serve(rq);
	}
	publish(wk);
	if (q->first != NULL)
		loop_timer_set(wk->loop, &q->tick, TICK_MS);
}

void
queue_init(struct worker *wk)
{
	wk->queue.first = NULL;
	wk->queue.last = &wk->queue.first;
	wk->queue.tick = (struct loop_timer){ .cb = tick_cb, .arg = wk };
	wk->row->waiting = 0;
	publish(wk);
}

static unsigned
waiting(const struct shm *m)
{
	unsigned	 i, n = m->workers, sum = 0;

	for (i = 0; i < n; i++)
		sum += m->worker[i].waiting;
	return sum;
}

bool
queue_enter(struct request *rq, const struct ir_error *err, int64_t wait_ms)
{
	struct worker	*wk = rq->rq_wk;
	struct queue	*q = &wk->queue;
	int64_t		 now = clock_mono_ms();

	if (rq->rq_queue_until_ms == 0)
		rq->rq_queue_since_ms = now;
	if (rq->rq_queue_until_ms == 0)
		rq->rq_queue_until_ms = now + rq->rq_snap->queue_ms;
	if (rq->rq_snap->queue_ms == 0 || rq->rq_only != NULL ||
	    wait_ms < 0 || now + wait_ms > rq->rq_queue_until_ms)
		return false;
	if (waiting(wk->shm) >= (unsigned)rq->rq_snap->queue_length) {
		wk->row->stat.queue_full++;
		return false;
	}
	if (err != NULL) {
		rq->rq_queue_err = ARENA_NEW(&rq->rq_arena, struct ir_error);
		*rq->rq_queue_err = *err;
	}
	memset(rq->rq_tried, 0, (rq->rq_snap->nkeys + 1) * sizeof(bool));
	wk->row->stat.queued++;
	wk->row->waiting++;
	rq->rq_queue_us = clock_mono_us();
	rq->rq_queue_next = NULL;
	rq->rq_queue_prev = q->last;
	*q->last = rq;
	q->last = &rq->rq_queue_next;
	if (wk->row->waits.first[SHM_WAITS - 1].tag == 0)
		publish(wk);
	loop_timer_set(wk->loop, &q->tick, wait_ms < TICK_MS ? wait_ms :
	    TICK_MS);
	return true;
}

bool
queue_before(const struct request *rq)
{
	const struct request	*o;

	for (o = rq->rq_wk->queue.first; o != NULL; o = o->rq_queue_next)
		if (o->rq_provider->id == rq->rq_provider->id)
			return true;
	return false;
}

void
queue_kick(struct worker *wk)
{
	if (wk->queue.first != NULL)
		loop_timer_set(wk->loop, &wk->queue.tick, 0);
}
