/*
 * Merges several calls into one answer.  They run one after another: parts of
 * a stream's choices then come in order, and nothing has to be held back.
 */
#include "base/caps.h"
#include "base/codec.h"
#include "proxyd/choices.h"

/* Does the model give several by itself? */
static bool
choices_native(const struct request *rq)
{
	struct model_caps	 m;

	if ((rq->rq_target->caps & IR_NEED_CHOICES) == 0)
		return false;
	caps_get(rq->rq_x.target.caps, rq->rq_target->name,
	    rq->rq_x.target.model, &m);
	return m.choices != 0;
}

/*
 * What is forwarded, or goes to a dialect that can, is left as it is, and the
 * provider judges it; a model that is known to refuse it is asked anew.
 */
static bool
choices_wanted(struct request *rq, int64_t *n)
{
	if (rq->rq_target == NULL || rq->rq_op != NULL ||
	    rq->rq_route.mode == CONF_DIRECT ||
	    str_to_int(rq->rq_ir.sampling.n.raw, 2, INT64_MAX, n) == -1 ||
	    choices_native(rq))
		return false;
	rq->rq_same = false;
	rq->rq_x.target.framing = FRAME_SSE;
	return true;
}

int
choices_begin(struct request *rq, struct ir_error *err)
{
	struct ir_number	*n = &rq->rq_ir.sampling.n;
	int64_t			 v;

	if (!choices_wanted(rq, &v))
		return 0;
	if (v > rq->rq_snap->choices_max) {
		ir_error_field(err, &rq->rq_arena, rq->rq_ir.json, n->node,
		    "provider '%s' gives one answer at a time, and at most %d "
		    "(CHOICES_MAX) are asked for one by one",
		    rq->rq_provider->name.p, rq->rq_snap->choices_max);
		return -1;
	}
	rq->rq_choices = (unsigned)v;
	n->raw = STR_NONE;
	rq->rq_ir.need &= ~IR_NEED_CHOICES;
	ir_usage_init(&rq->rq_choices_usage);
	return 0;
}

static int64_t
add(int64_t a, int64_t b)
{
	return a < 0 && b < 0 ? -1 : ir_usage_sum(a, b);
}

static struct ir_usage
usage_add(const struct ir_usage *a, const struct ir_usage *b)
{
	return (struct ir_usage){
		.input = add(a->input, b->input),
		.cache_read = add(a->cache_read, b->cache_read),
		.cache_write_5m = add(a->cache_write_5m, b->cache_write_5m),
		.cache_write_1h = add(a->cache_write_1h, b->cache_write_1h),
		.output = add(a->output, b->output),
		.reasoning = add(a->reasoning, b->reasoning),
		.tier = b->tier
	};
}

bool
choices_event(struct request *rq, struct ir_event *ev)
{
	if (rq->rq_choices == 0)
		return true;
	switch (ev->type) {
	case IR_EV_START:
		return !choices_later(rq);
	case IR_EV_PART_START:
		/* It may go out at once: from here on there is no way back. */
		if (choices_later(rq))
			rq->rq_content = true;
		rq->rq_choice_parts = ev->index + 1;
		break;
	case IR_EV_USAGE:
		rq->rq_choice_usage = ev->usage;
		ev->usage = usage_add(&rq->rq_choices_usage, &ev->usage);
		return true;
	case IR_EV_END:
		return rq->rq_choice + 1 == rq->rq_choices;
	default:
		break;
	}
	if (ev->choice > 0)
		return false;		/* nobody asked this call for it */
	ev->choice = rq->rq_choice;
	ev->index += rq->rq_choices_parts;
	return true;
}

bool
choices_more(struct request *rq)
{
	if (rq->rq_choices == 0 || rq->rq_choice + 1 == rq->rq_choices)
		return false;
	try_end(rq, rq->rq_up->up_status, true, "ok");
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	rq->rq_choices_usage = usage_add(&rq->rq_choices_usage,
	    &rq->rq_choice_usage);
	ir_usage_init(&rq->rq_choice_usage);
	rq->rq_choices_parts += rq->rq_choice_parts;
	rq->rq_choice_parts = 0;
	rq->rq_choice++;
	rq->rq_call_tries = 0;
	memset(rq->rq_tried, 0, rq->rq_snap->nkeys * sizeof(bool));
	answer_again(rq);
	rq->rq_content = rq->rq_ended = rq->rq_finishing = false;
	try_next(rq);
	return true;
}
