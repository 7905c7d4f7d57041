/*
 * Parameters that a model turns out not to take: left out, asked again without,
 * and remembered.  What is sent in direct mode is never changed.
 */
#include "base/clock.h"
#include "proxyd/request.h"
#include "wire/refusal.h"

#define REFUSALS_MAX	4		/* in one request */

static bool
refusal_use(struct request *rq, const struct refusal *r)
{
	struct str	 sent = request_sent(rq);
	struct buf	 b;

	buf_init(&b, sent.n + 64);
	if (!refusal_apply(&rq->rq_x, r, sent, &b) ||
	    !buf_ok(&b)) {
		buf_release(&b);
		return false;
	}
	buf_release(&rq->rq_send);
	rq->rq_send = b;
	rq->rq_as_came = false;
	return true;
}

void
refusals_apply(struct request *rq)
{
	const struct snapshot		*n = rq->rq_snap;
	const struct snap_refusal	*s;
	struct refusal			 r;
	int64_t				 now = clock_wall_us();

	if (rq->rq_target == NULL || rq->rq_route.mode == CONF_DIRECT)
		return;
	for (s = n->refusals; s < n->refusals + n->nrefusals; s++) {
		if (rq->rq_provider != &n->providers[s->provider] ||
		    !str_eq(s->model, rq->rq_route.model) ||
		    s->expires_us <= now ||
		    !refusal_byname(rq->rq_target, s->name, s->rename, &r))
			continue;
		(void)refusal_use(rq, &r);
	}
}

bool
refusals_again(struct request *rq, const struct ir_error *err)
{
	struct str	*said = &rq->rq_acct.s[ACCT_REFUSED];
	struct refusal	 r;

	if (rq->rq_state != RQ_TRY || rq->rq_target == NULL ||
	    rq->rq_route.mode == CONF_DIRECT || rq->rq_strict ||
	    rq->rq_refusals >= REFUSALS_MAX ||
	    !refusal_read(rq->rq_target, err, request_sent(rq), &r) ||
	    !refusal_use(rq, &r))
		return false;
	rq->rq_refusals++;
	request_log(rq, "model %.*s does not take '%s': %s%s",
	    STR_FMT(rq->rq_route.model), r.name, r.rename == NULL ?
	    "asked again without it" : "asked again with ",
	    r.rename == NULL ? "" : r.rename);
	if (r.lasting)
		*said = arena_strf(&rq->rq_arena, "%.*s%s\t%s\n",
		    STR_FMT(*said), r.name, r.rename == NULL ? "" : r.rename);
	return true;
}
