/*
 * The queue for keys.
 */
#include "base/clock.h"
#include "proxyd/queue.h"
#include "proxyd/request.h"
#include "proxyd/worker.h"

#define TICK_MS	50		/* other workers' requests end unseen */

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
	int	 r = request_any_target(rq);

	if (r == -1 && clock_mono_ms() >= rq->rq_queue_until_ms)
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
}

static unsigned
waiting(const struct shm *m)
{
	unsigned	 i, n = 0;

	for (i = 0; i < SHM_WORKERS; i++)
		n += m->worker[i].waiting;
	return n;
}

bool
queue_enter(struct request *rq, const struct ir_error *err, int64_t wait_ms)
{
	struct worker	*wk = rq->rq_wk;
	struct queue	*q = &wk->queue;
	int64_t		 now = clock_mono_ms();

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
