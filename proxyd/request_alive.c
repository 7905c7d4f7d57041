/*
 * Signs of life.  Proxies on the way, and clients, give up on a stream that is
 * silent while the model thinks.  Whatever is held for the client ends with a
 * whole frame at any time, so that a sign never falls within one.
 */
#include "proxyd/request.h"

/*
 * Before the first content the head goes out, too, and what follows is a
 * comment in any dialect: other attempts are still open, and an event of the
 * answer would bind it to this one.
 */
static void
alive_waiting(struct request *rq)
{
	if (rq->rq_wait.len == 0)
		(void)buf_addz(&rq->rq_wait, ": keep-alive\n\n");
	if (rq->rq_headed)
		call_wake(rq->rq_call);
	else
		request_head(rq, &rq->rq_wait);
}

static void
alive_streaming(struct request *rq)
{
	int64_t	 said = call_sent(rq->rq_call) + (int64_t)rq->rq_out.len;

	if (said == rq->rq_alive_sent && rq->rq_out.len == 0) {
		(void)buf_addz(&rq->rq_out, rq->rq_client->keepalive);
		said += (int64_t)rq->rq_out.len;
		call_wake(rq->rq_call);
	}
	rq->rq_alive_sent = said;
}

static void
alive_cb(void *arg)
{
	struct request	*rq = arg;

	if (rq->rq_state == RQ_TRY)
		alive_waiting(rq);
	else
		alive_streaming(rq);
	loop_timer_set(rq->rq_wk->loop, &rq->rq_alive,
	    rq->rq_snap->keepalive_ms);
}

void
request_alive(struct request *rq)
{
	if (!rq->rq_ir.stream || rq->rq_snap->keepalive_ms == 0 ||
	    rq->rq_client->keepalive == NULL)
		return;
	rq->rq_alive = (struct loop_timer){ .cb = alive_cb, .arg = rq };
	loop_timer_set(rq->rq_wk->loop, &rq->rq_alive,
	    rq->rq_snap->keepalive_ms);
}
