/*
 * A response folded into a tree: what a client that does not stream gets, and
 * what the log and the tests look at.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/ir.h"
#include "wire/json.h"

void
ir_response_init(struct ir_response *r, struct arena *a, size_t max)
{
	memset(r, 0, sizeof(*r));
	r->arena = a;
	r->max = max;
	ir_usage_init(&r->usage);
}

void
ir_response_release(struct ir_response *r)
{
	struct ir_out_choice	*c;
	struct ir_out_part	*p;

	for (c = r->choices; c != NULL; c = c->next) {
		for (p = c->parts; p != NULL; p = p->next) {
			buf_release(&p->text);
			buf_release(&p->data);
			buf_release(&p->annotations);
			buf_release(&p->logprobs);
		}
	}
	r->choices = NULL;
}

static struct str
keep(struct ir_response *r, struct str s)
{
	r->size += s.n;
	return s.n == 0 ? STR_NONE : arena_str(r->arena, s);
}

static struct jstr
keep_jstr(struct ir_response *r, struct jstr s)
{
	struct str	 k = keep(r, (struct str){ s.p, s.n });

	return (struct jstr){ k.p, k.n };
}

static void
add(struct ir_response *r, struct buf *b, const char *p, size_t n)
{
	r->size += n;
	if (r->size <= r->max)
		buf_add(b, p, n);
}

static void
add_value(struct ir_response *r, struct buf *b, struct str s)
{
	if (s.n == 0)
		return;
	if (b->len > 0)
		add(r, b, ",", 1);
	add(r, b, s.p, s.n);
}

/* Each delta is an array; what is kept are the elements of all of them. */
static void
add_logprobs(struct ir_response *r, struct buf *b, struct str s)
{
	s = str_trim(s);
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_trim((struct str){ s.p + 1, s.n - 2 });
	add_value(r, b, s);
}

/* The choice's place in the list, which is kept in order of index. */
static struct ir_out_choice *
choice_get(struct ir_response *r, unsigned index)
{
	struct ir_out_choice	**p = &r->choices, *c;

	while (*p != NULL && (*p)->index < index)
		p = &(*p)->next;
	if (*p != NULL && (*p)->index == index)
		return *p;
	c = ARENA_NEW(r->arena, struct ir_out_choice);
	c->index = index;
	c->last = &c->parts;
	c->next = *p;
	*p = c;
	return c;
}

static void
fold_part(struct ir_response *r, const struct ir_event *ev)
{
	struct ir_out_choice	*c = choice_get(r, ev->choice);
	struct ir_out_part	*p = ARENA_NEW(r->arena, struct ir_out_part);

	p->type = ev->part;
	p->tool = ev->tool;
	p->id = keep(r, ev->id);
	p->name = keep(r, ev->name);
	p->media_type = keep(r, ev->media_type);
	p->raw = keep(r, ev->raw);
	p->from = ev->from;
	p->at = ev->at;
	buf_init(&p->text, r->max);
	buf_init(&p->data, r->max);
	buf_init(&p->annotations, r->max);
	buf_init(&p->logprobs, r->max);
	*c->last = p;
	c->last = &p->next;
}

/* The part a delta belongs to is the choice's last: parts do not overlap. */
static struct ir_out_part *
part_last(struct ir_out_choice *c)
{
	struct ir_out_part	*p = c->parts;

	if (p == NULL)
		return NULL;
	return (struct ir_out_part *)(void *)((char *)c->last -
	    offsetof(struct ir_out_part, next));
}

static void
fold_delta(struct ir_response *r, const struct ir_event *ev)
{
	struct ir_out_part	*p = part_last(choice_get(r, ev->choice));

	if (p == NULL)
		return;
	if (ev->from != NULL)
		p->from = ev->from;
	switch (ev->delta) {
	case IR_D_TEXT:
	case IR_D_ARGS:
		add(r, &p->text, ev->text.p, ev->text.n);
		break;
	case IR_D_SIGNATURE:
		p->signature = keep_jstr(r, ev->text);
		break;
	case IR_D_REDACTED:
		p->redacted = keep_jstr(r, ev->text);
		break;
	case IR_D_DATA:
		add(r, &p->data, ev->raw.p, ev->raw.n);
		break;
	case IR_D_ANNOTATION:
		add_value(r, &p->annotations, ev->raw);
		break;
	case IR_D_LOGPROBS:
		add_logprobs(r, &p->logprobs, ev->raw);
		break;
	}
}

static void
fold_stop(struct ir_response *r, const struct ir_event *ev)
{
	struct ir_out_choice	*c = choice_get(r, ev->choice);

	c->stop = ev->stop;
	c->stop_raw = keep(r, ev->stop_raw);
	c->stop_seq = keep_jstr(r, ev->stop_seq);
	c->at = ev->at;
}

int
ir_response_fold(struct ir_response *r, const struct ir_event *ev)
{
	switch (ev->type) {
	case IR_EV_START:
		r->id = keep(r, ev->id);
		r->model = keep(r, ev->name);
		r->created = ev->created;
		break;
	case IR_EV_PART_START:
		fold_part(r, ev);
		break;
	case IR_EV_DELTA:
		fold_delta(r, ev);
		break;
	case IR_EV_USAGE:
		r->usage = ev->usage;
		break;
	case IR_EV_STOP:
		fold_stop(r, ev);
		break;
	case IR_EV_END:
		r->ended = true;
		break;
	case IR_EV_ERROR:
		r->failed = true;
		r->error = ARENA_NEW(r->arena, struct ir_error);
		*r->error = *ev->error;
		break;
	case IR_EV_PART_END:
	case IR_EV_PING:
		break;
	}
	return r->size > r->max ? -1 : 0;
}
