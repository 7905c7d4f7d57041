/*
 * A request while it is in flight: what is shown of it, and its end by the
 * operator.
 */
#include "proxyd/capture.h"
#include "proxyd/request.h"
#include "state/shm_live.h"

void
request_live_begin(struct request *rq)
{
	struct worker	*wk = rq->rq_wk;

	if ((rq->rq_next = wk->list) != NULL)
		wk->list->rq_prev = &rq->rq_next;
	wk->list = rq;
	rq->rq_prev = &wk->list;
	rq->rq_live = live_begin(wk->shm, wk->slot, rq->rq_id,
	    rq->rq_wall_us);
}

void
request_live_show(struct request *rq)
{
	struct live_facts	 f = {
		.client = rq->rq_operator ? STR("operator") :
		    str_of(call_peer(rq->rq_call)),
		.agent = str_of(call_header(rq->rq_call, "User-Agent")),
		.dialect = str_of(rq->rq_client->name),
		.asked = rq->rq_ir.model,
		.model = rq->rq_route.model,
		.stream = rq->rq_ir.stream
	};

	if (rq->rq_provider != NULL)
		f.provider = rq->rq_provider->name;
	if (rq->rq_tenant != NULL)
		f.tenant = rq->rq_tenant->name;
	rq->rq_live_step = rq->rq_step;
	live_show(rq->rq_wk->shm, rq->rq_wk->slot, rq->rq_live, &f);
}

/* An attempt begins; mostly the target is that which is shown already. */
void
request_live_tried(struct request *rq)
{
	if (rq->rq_live_step != rq->rq_step)
		request_live_show(rq);
	live_tried(rq->rq_wk->shm, rq->rq_wk->slot, rq->rq_live,
	    rq->rq_tries);
}

void
request_live_said(struct request *rq, size_t bytes)
{
	rq->rq_live_said += bytes;
	live_said(rq->rq_wk->shm, rq->rq_wk->slot, rq->rq_live,
	    rq->rq_live_said);
}

void
request_live_end(struct request *rq)
{
	live_end(rq->rq_wk->shm, rq->rq_wk->slot, rq->rq_live);
	rq->rq_live = -1;
	if ((*rq->rq_prev = rq->rq_next) != NULL)
		rq->rq_next->rq_prev = rq->rq_prev;
}

/* 499: clients of all dialects try again after a 5xx, and not after this. */
static void
request_cancel(struct request *rq)
{
	struct ir_error	 err;

	if (rq->rq_state == RQ_DONE)
		return;
	request_log(rq, "cancelled by the operator");
	rq->rq_wk->row->stat.cancelled++;
	rq->rq_acct.s[ACCT_CLOSE] = STR("cancelled");
	if (rq->rq_state == RQ_READ) {
		/* Nothing can be said before its body has come. */
		request_done(rq, "cancelled");
		call_cut(rq->rq_call);
		return;
	}
	if (rq->rq_trying)
		try_end(rq, 0, false, "cancelled");
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	mock_free(rq->rq_mock);
	rq->rq_mock = NULL;
	ir_error_set(&err, IR_ERR_BAD_REQUEST, "cancelled by the operator");
	err.status = 499;
	ir_error_copy(err.code, sizeof(err.code), STR("cancelled"));
	request_fail(rq, &err);
}

void
request_cancels(struct worker *wk)
{
	struct request	*rq;
	char		 id[SHM_LIVE_ID];

	while (live_cancelled(wk->shm, wk->slot, id))
		for (rq = wk->list; rq != NULL; rq = rq->rq_next)
			if (str_is(str_of(id), rq->rq_id)) {
				request_cancel(rq);
				break;
			}
}
