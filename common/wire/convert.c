/*
 * Translation without a network: the same decoders, encoders and guard that the
 * gateway uses, fed from memory.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

/* In place of the id that the gateway makes by chance. */
#define CONVERT_ID	"convert00000000000000000"

/* --- requests ------------------------------------------------------------- */

static bool
model_in_path(const struct dialect *d)
{
	const struct endpoint	*ep;

	for (ep = d->endpoints; ep->method != NULL; ep++) {
		if (ep->op == DIALECT_GENERATE &&
		    strstr(ep->path, "{model}") != NULL)
			return true;
	}
	return false;
}

static void
exchange_init(struct ir_exchange *x, struct arena *a,
    const struct convert_opts *o, struct loss *loss)
{
	memset(x, 0, sizeof(*x));
	x->arena = a;
	x->rq = o->rq;
	x->loss = loss;
	x->id = STR(CONVERT_ID);
	x->created = o->created;
	x->target.model = o->model;
}

static int
request_encode(struct arena *a, const struct convert_opts *o,
    const struct ir_request *rq, struct buf *path, struct buf *out,
    struct loss *loss, struct ir_error *err)
{
	struct ir_exchange	 x;

	exchange_init(&x, a, o, loss);
	x.rq = rq;
	x.stream = o->stream || rq->stream;
	x.framing = rq->framing;
	x.target.dialect = o->to;
	x.target.stream = x.stream;
	x.target.framing = rq->framing;
	if (x.target.model.n == 0)
		x.target.model = rq->model;
	if (x.target.model.n == 0) {
		ir_error_set(err, IR_ERR_BAD_REQUEST,
		    "the request names no model, and none was given");
		return -1;
	}
	o->to->request_path(&x.target, path);
	if (o->to->request_encode(&x, out, err) == -1)
		return -1;
	if (!buf_ok(out)) {
		ir_error_set(err, IR_ERR_TOO_LARGE,
		    "the translated request is too large");
		return -1;
	}
	return 0;
}

int
convert_request(struct arena *a, const struct convert_opts *o, struct str body,
    struct buf *path, struct buf *out, struct loss *loss,
    struct ir_error *err)
{
	struct json		 j;
	struct json_error	 je;
	struct ir_request	 rq;
	int			 res = -1;

	json_init(&j);
	if (json_parse(&j, body, &je) == -1) {
		ir_error_set(err, IR_ERR_BAD_REQUEST,
		    "the body is not JSON: %s at byte %zu", je.what, je.offset);
		goto done;
	}
	ir_request_init(&rq, a, o->from, &j);
	if (model_in_path(o->from) && !o->lenient) {
		rq.path_model = o->model;
		rq.path_stream = o->stream;
	}
	rq.framing = o->out == FRAME_NONE ? FRAME_SSE : o->out;
	rq.lenient = o->lenient;
	if (o->from->request_decode(&rq, err) == -1)
		goto done;
	res = request_encode(a, o, &rq, path, out, loss, err);
done:
	json_release(&j);
	return res;
}

/* --- answers -------------------------------------------------------------- */

struct convert {
	enum framing		 in, out;
	const struct dialect	*to;
	struct ir_exchange	 x;
	struct framer		 framer;
	struct buf		 body;		/* in is FRAME_NONE */
	struct ir_decoder	 dec;
	struct ir_encoder	 enc;
	struct ir_response	 folded;	/* out is FRAME_NONE */
	struct buf		*dst;
	bool			 begun;		/* something is in dst */
	bool			 done;		/* END or ERROR has passed */
	bool			 failed;	/* it was ERROR */
	bool			 toobig;
	struct ir_error		 err;
};

static int
sink_cb(void *arg, const struct ir_event *ev)
{
	struct convert	*c = arg;
	size_t		 len = c->dst->len;

	if (ev->type == IR_EV_ERROR) {
		c->failed = true;
		c->err = *ev->error;
	}
	if (ev->type == IR_EV_ERROR || ev->type == IR_EV_END)
		c->done = true;
	if (c->out == FRAME_NONE) {
		if (ir_response_fold(&c->folded, ev) == -1)
			c->toobig = true;
	} else {
		/* An error before any output is no event but a body. */
		if (c->failed && !c->begun)
			c->to->error_encode(&c->err, c->x.id, c->dst);
		else
			c->to->event_encode(&c->enc, ev);
		if (c->dst->len > len)
			c->begun = true;
		if (!buf_ok(c->dst))
			c->toobig = true;
	}
	return c->toobig ? -1 : 0;
}

static int
frame_cb(void *arg, const struct frame *f)
{
	struct convert	*c = arg;

	return ir_decoder_frame(&c->dec, f);
}

struct convert *
convert_new(struct arena *a, const struct convert_opts *o, struct buf *out,
    struct loss *loss)
{
	struct convert	*c = ARENA_NEW(a, struct convert);

	c->in = o->in;
	c->out = o->out;
	c->to = o->to;
	c->dst = out;
	exchange_init(&c->x, a, o, loss);
	c->x.target.dialect = o->from;
	c->x.target.stream = o->in != FRAME_NONE;
	c->x.target.framing = o->in;
	c->x.stream = o->out != FRAME_NONE;
	c->x.framing = o->out;
	framer_init(&c->framer, o->in);
	buf_init(&c->body, CONVERT_OUT_MAX);
	ir_response_init(&c->folded, a, CONVERT_OUT_MAX);
	ir_decoder_init(&c->dec, o->from, &c->x,
	    (struct ir_sink){ sink_cb, c });
	ir_encoder_init(&c->enc, o->to, &c->x, out);
	return c;
}

void
convert_free(struct convert *c)
{
	framer_release(&c->framer);
	buf_release(&c->body);
	ir_response_release(&c->folded);
	ir_decoder_release(&c->dec);
}

/* The stream is no stream: its decoder cannot know, so it is said here. */
static void
broken(struct convert *c)
{
	struct ir_error	 err;
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = &err };

	if (c->done || c->toobig)
		return;
	ir_error_set(&err, IR_ERR_UPSTREAM, "the stream cannot be read");
	(void)sink_cb(c, &ev);
}

int
convert_feed(struct convert *c, struct str bytes)
{
	if (c->done || c->toobig)
		return -1;
	if (c->in == FRAME_NONE) {
		if (buf_adds(&c->body, bytes) == -1)
			c->toobig = true;
	} else if (framer_feed(&c->framer, bytes, frame_cb, c) == -1)
		broken(c);
	return c->done || c->toobig ? -1 : 0;
}

int
convert_end(struct convert *c, struct ir_error *err)
{
	int	 res = 0;

	if (!c->done && !c->toobig) {
		if (c->in == FRAME_NONE)
			res = ir_decoder_body(&c->dec, buf_str(&c->body));
		else if (framer_end(&c->framer, frame_cb, c) == -1)
			broken(c);
		else
			res = ir_decoder_end(&c->dec);
	}
	if (c->out == FRAME_NONE && res == 0 && !c->toobig) {
		if (c->failed)
			c->to->error_encode(&c->err, c->x.id, c->dst);
		else
			c->to->body_encode(&c->x, &c->folded, c->dst);
	}
	if (res == -1 || c->toobig || !buf_ok(c->dst)) {
		ir_error_set(err, IR_ERR_TOO_LARGE,
		    "the translated answer is too large");
		return -1;
	}
	if (c->failed)
		*err = c->err;
	return c->failed ? 1 : 0;
}

int
convert_response(struct arena *a, const struct convert_opts *o,
    struct str bytes, struct buf *out, struct loss *loss,
    struct ir_error *err)
{
	struct convert	*c = convert_new(a, o, out, loss);
	int		 res;

	/* -1: the answer is complete before its last byte. */
	(void)!convert_feed(c, bytes);
	res = convert_end(c, err);
	convert_free(c);
	return res;
}

enum framing
convert_detect(struct str s)
{
	if (str_starts(s, "\xef\xbb\xbf"))
		s = str_skip(s, 3);
	s = str_trim(s);
	if (s.n == 0 || s.p[0] == '{')
		return FRAME_NONE;
	return s.p[0] == '[' ? FRAME_JSON_ARRAY : FRAME_SSE;
}
