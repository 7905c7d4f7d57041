/*
 * What comes back.  The provider's bytes become events; the client gets bytes
 * made from them, or, in its own dialect, the very same bytes while the decoder
 * looks on.  Nothing goes out before the first content: providers report
 * overload inside a 200 stream, and until then another key may be tried.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyd/capture.h"
#include "proxyd/choices.h"
#include "proxyd/request.h"
#include "proxyd/responses.h"

#define BODY_ROOM	1024		/* what an answer has beside its text */

/* --- events -------------------------------------------------------------------------- */

static void
answer_usage(struct request *rq, const struct ir_usage *u)
{
	struct acct_fixed	*f = &rq->rq_acct.f;

	f->input = u->input;
	f->cache_read = u->cache_read;
	f->cache_write_5m = u->cache_write_5m;
	f->cache_write_1h = u->cache_write_1h;
	f->output = u->output;
	f->reasoning = u->reasoning;
}

/* What the log wants to know, whoever encodes the event. */
static void
answer_look(struct request *rq, const struct ir_event *ev)
{
	struct acct_rec	*a = &rq->rq_acct;

	switch (ev->type) {
	case IR_EV_START:
		rq->rq_start = *ev;
		rq->rq_start.id = arena_str(&rq->rq_arena, ev->id);
		rq->rq_start.name = arena_str(&rq->rq_arena, ev->name);
		if (ev->name.n > 0)
			a->s[ACCT_MODEL_ANSWERED] = rq->rq_start.name;
		break;
	case IR_EV_DELTA:
		request_live_said(rq, ev->text.n + ev->raw.n);
		rq->rq_content = rq->rq_said = true;
		break;
	case IR_EV_PART_END:
		provider_spoke(rq);
		rq->rq_content = rq->rq_said = true;
		break;
	case IR_EV_USAGE:
		answer_usage(rq, &ev->usage);
		break;
	case IR_EV_STOP:
		rq->rq_content = true;
		if (ev->stop_raw.n > 0)
			a->s[ACCT_STOP] = arena_str(&rq->rq_arena,
			    ev->stop_raw);
		break;
	case IR_EV_END:
		rq->rq_content = true;
		rq->rq_ended = true;
		break;
	case IR_EV_ERROR:
		rq->rq_failed = true;
		*request_error(rq) = *ev->error;
		try_hide_key(rq, rq->rq_err->msg, strlen(rq->rq_err->msg));
		break;
	default:
		break;
	}
}

int
answer_event(void *arg, const struct ir_event *in)
{
	struct request	*rq = arg;
	struct ir_event	 ev = *in;
	bool		 told = choices_event(rq, &ev);

	answer_look(rq, &ev);
	if (ev.type == IR_EV_ERROR || !told)
		return 0;
	responses_event(rq, &ev);
	if (rq->rq_same)
		return 0;
	request_vault_event(rq, &ev);
	if (rq->rq_ir.stream)
		rq->rq_client->event_encode(&rq->rq_enc, &ev);
	else if (ir_response_fold(&rq->rq_resp, &ev) == -1) {
		ir_error_set(request_error(rq), IR_ERR_UPSTREAM,
		    "the provider's answer is too large");
		rq->rq_failed = true;
		return -1;
	}
	return 0;
}

/* The extra chunk of OpenAI's dialect: no choices, only usage. */
static bool
answer_is_usage(const struct request *rq, const struct frame *f)
{
	struct jv	 root = json_root(&rq->rq_dec.json);
	struct jv	 choices = json_get(root, "choices");

	return str_starts(str_trim(f->data), "{") &&
	    json_type(choices) == JSON_ARRAY && json_count(choices) == 0 &&
	    json_type(json_get(root, "usage")) == JSON_OBJECT;
}

static int
answer_frame(void *arg, const struct frame *f)
{
	struct request	*rq = arg;
	int		 r;

	if (rq->rq_ended || rq->rq_failed)
		return 0;
	r = ir_decoder_frame(&rq->rq_dec, f);
	rq->rq_hide = rq->rq_hide_usage && !rq->rq_failed &&
	    answer_is_usage(rq, f);
	return r;
}

/* --- one attempt's answer -------------------------------------------------------------- */

/* The first call's answer begins: nothing has gone to the client. */
static void
answer_begin_first(struct request *rq)
{
	buf_clear(&rq->rq_out);
	buf_clear(&rq->rq_hold);
	request_vault_begin(rq);
	rq->rq_start = (struct ir_event){ .type = IR_EV_START };
	ir_encoder_init(&rq->rq_enc, rq->rq_client, &rq->rq_x, &rq->rq_out);
	ir_response_init(&rq->rq_resp, &rq->rq_arena, REQUEST_ANSWER_MAX);
	rq->rq_folding = true;
}

void
answer_begin(struct request *rq, enum framing framing)
{
	struct ir_sink	 sink = { answer_event, rq };

	answer_again(rq);
	rq->rq_answering = true;
	rq->rq_framing = framing;
	rq->rq_content = rq->rq_ended = rq->rq_failed = false;
	rq->rq_said = rq->rq_finishing = rq->rq_hide = false;
	rq->rq_x.forwarded = rq->rq_same;
	if (framing != FRAME_NONE)
		framer_init(&rq->rq_framer, framing);
	if (rq->rq_target != NULL)
		ir_decoder_init(&rq->rq_dec, rq->rq_target, &rq->rq_x, sink);
	if (!choices_later(rq))
		answer_begin_first(rq);
}

static void
answer_unfold(struct request *rq)
{
	if (rq->rq_folding)
		ir_response_release(&rq->rq_resp);
	rq->rq_folding = false;
}

void
answer_again(struct request *rq)
{
	if (!choices_later(rq))
		answer_unfold(rq);
	if (!rq->rq_answering)
		return;
	rq->rq_answering = false;
	if (rq->rq_framing != FRAME_NONE)
		framer_release(&rq->rq_framer);
	if (rq->rq_target != NULL)
		ir_decoder_release(&rq->rq_dec);
}

void
answer_release(struct request *rq)
{
	answer_again(rq);
	answer_unfold(rq);
}

/* --- to the client ---------------------------------------------------------------------- */

static void
answer_complete(struct request *rq)
{
	struct buf	 body;

	if (choices_more(rq))
		return;
	try_end(rq, rq->rq_up == NULL ? 200 : rq->rq_up->up_status, true,
	    "ok");
	if (rq->rq_state == RQ_STREAM) {
		request_done(rq, "done");
		call_end(rq->rq_call);
		return;
	}
	request_done(rq, "done");
	buf_init(&body, REQUEST_ANSWER_MAX * 2);
	(void)buf_reserve(&body, BODY_ROOM + (rq->rq_up == NULL ? 0 :
	    rq->rq_up->up_in.len));
	rq->rq_client->body_encode(&rq->rq_x, &rq->rq_resp, &body);
	responses_keep(rq, buf_ok(&body) ? buf_str(&body) : STR_NONE);
	request_reply(rq, 200, "application/json", &body);
	buf_release(&body);
}

void
answer_progress(struct request *rq)
{
	if (rq->rq_state == RQ_DONE)
		return;
	if (rq->rq_failed) {
		try_failed(rq, rq->rq_up == NULL ? 0 : rq->rq_up->up_status,
		    request_error(rq));
		return;
	}
	if (rq->rq_content && rq->rq_state == RQ_TRY && rq->rq_ir.stream)
		request_commit(rq);
	else if (rq->rq_state == RQ_STREAM && rq->rq_out.len > 0)
		call_wake(rq->rq_call);
	/* In its own dialect the client gets whatever follows, too. */
	if (rq->rq_ended && !(rq->rq_same && rq->rq_framing != FRAME_NONE))
		answer_complete(rq);
}

/* --- a stream ----------------------------------------------------------------------------- */

/*
 * The same bytes, but never part of a frame: should the provider die within
 * one, an error event of our own must stand on a line of its own.
 */
static int
answer_forward(struct request *rq, struct str in)
{
	char		 end = rq->rq_framing == FRAME_SSE ? '\n' : '}';
	struct str	 piece;
	const char	*q;

	while (in.n > 0) {
		/* Some go on behind the end; clients choke on that. */
		if (rq->rq_ended && rq->rq_framing == FRAME_SSE &&
		    rq->rq_target->stream_end != NULL)
			return 0;
		q = memchr(in.p, end, in.n);
		piece = in;
		if (q != NULL)
			piece.n = (size_t)(q - in.p) + 1;
		in = str_skip(in, piece.n);
		if (buf_adds(&rq->rq_hold, piece) == -1 ||
		    framer_feed(&rq->rq_framer, piece, answer_frame,
		    rq) == -1)
			return -1;
		if (framer_partial(&rq->rq_framer))
			continue;
		if (rq->rq_failed && rq->rq_state != RQ_STREAM)
			return 0;
		if (!rq->rq_hide &&
		    buf_adds(&rq->rq_out, buf_str(&rq->rq_hold)) == -1)
			return -1;
		rq->rq_hide = false;
		buf_clear(&rq->rq_hold);
	}
	return 0;
}

/*
 * How long the next bytes may take.  Behind the finish reason that time runs
 * out whatever else comes: providers have sent heartbeats for ever there.
 */
static void
answer_clock(struct request *rq)
{
	int64_t	 ms = rq->rq_provider->idle_ms;

	if (rq->rq_finishing && !rq->rq_said)
		return;
	rq->rq_said = false;
	rq->rq_finishing = rq->rq_ended ||
	    (rq->rq_target->event_finished != NULL &&
	    rq->rq_target->event_finished(&rq->rq_dec));
	if (rq->rq_finishing && ms > REQUEST_FINISH_MS)
		ms = REQUEST_FINISH_MS;
	request_timer(rq, ms);
}

static void
answer_feed(struct request *rq)
{
	struct upstream	*up = rq->rq_up;
	int		 r;

	if (up->up_in.len == 0 || rq->rq_state == RQ_DONE)
		return;
	if (rq->rq_same)
		r = answer_forward(rq, buf_str(&up->up_in));
	else
		r = framer_feed(&rq->rq_framer, buf_str(&up->up_in),
		    answer_frame, rq);
	answer_clock(rq);
	buf_clear(&up->up_in);
	upstream_taken(up);
	if (r == -1 && !rq->rq_failed && !rq->rq_ended) {
		ir_error_set(request_error(rq), IR_ERR_UPSTREAM, "provider '%s' "
		    "sent a stream that cannot be read",
		    rq->rq_provider->name.p);
		rq->rq_failed = true;
	}
}

/*
 * The error event that the provider sent itself has gone out with the rest;
 * a second one would follow it.
 */
static bool
answer_error_sent(struct request *rq)
{
	return rq->rq_same && rq->rq_failed && rq->rq_state == RQ_STREAM &&
	    rq->rq_hold.len == 0;
}

static void
answer_forwarded_error(struct request *rq)
{
	rq->rq_wk->row->stat.failed++;
	rq->rq_acct.f.incomplete = 1;
	rq->rq_acct.s[ACCT_ERROR] = arena_str(&rq->rq_arena,
	    str_of(request_error(rq)->msg));
	try_end(rq, rq->rq_up->up_status, false, "error in the stream");
	request_done(rq, "error");
	call_end(rq->rq_call);
}

/* The provider has ended: frames that it left open, then what it meant. */
static void
answer_last_frames(struct request *rq)
{
	struct upstream	*up = rq->rq_up;

	if (framer_end(&rq->rq_framer, answer_frame, rq) == -1 ||
	    (!rq->rq_failed && !rq->rq_ended &&
	    ir_decoder_end(&rq->rq_dec) == -1))
		rq->rq_failed = true;
	if (rq->rq_failed && up->up_error[0] != '\0')
		ir_error_set(request_error(rq), IR_ERR_UPSTREAM,
		    "provider '%s' broke off: %s", rq->rq_provider->name.p,
		    up->up_error);
}

/*
 * In its own dialect the client needs the frame that says "complete", or an
 * error; what was held back goes out only if it is a whole line.
 */
static void
answer_forward_end(struct request *rq, bool closed)
{
	struct upstream	*up = rq->rq_up;
	bool		 partial = framer_partial(&rq->rq_framer);

	if (!closed && (partial || (up->up_fault != UPSTREAM_OK &&
	    !rq->rq_target->open_ended))) {
		ir_error_set(request_error(rq), IR_ERR_UPSTREAM,
		    "provider '%s' broke off before the end of its stream",
		    rq->rq_provider->name.p);
		rq->rq_failed = true;
		answer_progress(rq);
		return;
	}
	if (!partial && rq->rq_hold.len > 0) {
		(void)buf_adds(&rq->rq_out, buf_str(&rq->rq_hold));
		if (rq->rq_framing == FRAME_SSE)
			(void)buf_addc(&rq->rq_out, '\n');
	}
	if (!closed && rq->rq_framing == FRAME_SSE &&
	    rq->rq_target->stream_end != NULL)
		(void)buf_addz(&rq->rq_out, rq->rq_target->stream_end);
	if (rq->rq_state == RQ_TRY)
		request_commit(rq);
	answer_complete(rq);
}

static void
answer_stream_end(struct request *rq)
{
	bool	 closed = rq->rq_ended;

	if (!rq->rq_failed && !rq->rq_ended)
		answer_last_frames(rq);
	if (rq->rq_ended && !rq->rq_failed && rq->rq_same)
		answer_forward_end(rq, closed);
	else
		answer_progress(rq);
}

void
answer_end_late(struct request *rq)
{
	request_log(rq, "the provider gave a finish reason, but does not end "
	    "its stream");
	rq->rq_acct.s[ACCT_CLOSE] = STR("provider did not end");
	answer_stream_end(rq);
}

static void
answer_stream(struct request *rq)
{
	if (rq->rq_out.len > REQUEST_OUT_HIGH)
		return;
	answer_feed(rq);
	if (answer_error_sent(rq)) {
		answer_forwarded_error(rq);
		return;
	}
	answer_progress(rq);
	if (rq->rq_state != RQ_DONE && rq->rq_up != NULL &&
	    rq->rq_up->up_done && rq->rq_up->up_in.len == 0)
		answer_stream_end(rq);
}

/* --- a whole body ---------------------------------------------------------------------------- */

static void
answer_pass_body(struct request *rq, int status)
{
	struct buf	*in = &rq->rq_up->up_in;
	struct str	 type = upstream_header(rq->rq_up, "Content-Type");

	request_reply(rq, status, type.n > 0 ?
	    arena_str(&rq->rq_arena, type).p : "application/json", in);
}

/* A cut, a garbled answer, or an error under 200. */
static void
answer_body(struct request *rq)
{
	struct upstream	*up = rq->rq_up;

	if (up->up_fault != UPSTREAM_OK) {
		ir_error_set(request_error(rq), IR_ERR_UPSTREAM,
		    "provider '%s' broke off: %s", rq->rq_provider->name.p,
		    up->up_error);
		rq->rq_failed = true;
	} else if (ir_decoder_body(&rq->rq_dec, buf_str(&up->up_in)) == -1 &&
	    !rq->rq_failed)
		rq->rq_failed = true;
	if (rq->rq_ended && rq->rq_same && !rq->rq_ir.stream) {
		try_end(rq, up->up_status, true, "ok");
		request_done(rq, "done");
		responses_keep(rq, buf_str(&up->up_in));
		answer_pass_body(rq, up->up_status);
		return;
	}
	answer_progress(rq);
}

/* --- an error ----------------------------------------------------------------------- */

static void
answer_error(struct request *rq)
{
	struct upstream	*up = rq->rq_up;
	struct ir_error	 err;
	int		 hint;

	ir_error_set(&err, ir_error_kind(up->up_status),
	    "provider '%s' answered %d", rq->rq_provider->name.p,
	    up->up_status);
	if (up->up_status >= 400 && up->up_status < 600)
		err.status = up->up_status;
	err.upstream = up->up_status;
	try_hide_key(rq, up->up_in.data, up->up_in.len);
	rq->rq_target->error_decode(&rq->rq_arena, buf_str(&up->up_in), &err);
	if ((hint = head_retry_after(up)) >= 0)
		err.retry_after = hint;
	else if (err.kind == IR_ERR_RATE && err.retry_after < 0)
		err.retry_after = head_limit_wait(up);
	try_failed(rq, up->up_status, &err);
}

static void
answer_fault(struct request *rq)
{
	static const char *const what[] = {
		[UPSTREAM_OK] = "ended without an answer",
		[UPSTREAM_CONNECT] = "cannot be reached",
		[UPSTREAM_TIMEOUT] = "did not answer in time",
		[UPSTREAM_TLS] = "has no valid TLS certificate",
		[UPSTREAM_CUT] = "broke off",
		[UPSTREAM_BAD] = "did not answer by HTTP",
	};
	struct ir_error	 err;

	ir_error_set(&err, rq->rq_up->up_fault == UPSTREAM_TIMEOUT ?
	    IR_ERR_TIMEOUT : IR_ERR_UPSTREAM, "provider '%s' %s: %s",
	    rq->rq_provider->name.p, what[rq->rq_up->up_fault],
	    rq->rq_up->up_error);
	try_failed(rq, 0, &err);
}

/* --- what is it? -------------------------------------------------------------------- */

static enum framing
answer_framing(struct request *rq)
{
	struct str	 type = upstream_header(rq->rq_up, "Content-Type");

	if (type.n >= 17 && strncasecmp(type.p, "text/event-stream", 17) == 0)
		return FRAME_SSE;
	if (rq->rq_x.target.stream &&
	    rq->rq_x.target.framing == FRAME_JSON_ARRAY)
		return FRAME_JSON_ARRAY;
	return FRAME_NONE;
}

static void
answer_any(struct request *rq)
{
	struct upstream	*up = rq->rq_up;

	if (!up->up_headers_done) {
		if (up->up_done)
			answer_fault(rq);
		return;
	}
	if (up->up_status < 200 || up->up_status > 299) {
		if (up->up_done)
			answer_error(rq);
		return;
	}
	if (rq->rq_native) {
		responses_native_answer(rq);
		return;
	}
	if (rq->rq_op != NULL) {
		if (up->up_done)
			op_answer(rq);
		return;
	}
	if (!rq->rq_answering) {
		answer_begin(rq, answer_framing(rq));
		up->up_flow = rq->rq_framing != FRAME_NONE;
		/* Of another form than the client's: translate after all. */
		if (rq->rq_same && rq->rq_ir.stream !=
		    (rq->rq_framing != FRAME_NONE))
			rq->rq_same = rq->rq_x.forwarded = false;
	}
	if (rq->rq_framing != FRAME_NONE)
		answer_stream(rq);
	else if (up->up_done)
		answer_body(rq);
}

void
answer_cb(void *arg)
{
	struct request	*rq = arg;
	int64_t		 t0 = clock_mono_us();

	capture_upstream(rq);
	if (rq->rq_up != NULL && rq->rq_state != RQ_DONE)
		answer_any(rq);
	rq->rq_cpu_us += clock_mono_us() - t0;
}
