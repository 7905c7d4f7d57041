/*
 * A request's life: what is read, where it is refused, how it ends.  Attempts
 * are in request_try.c, what comes back in request_answer.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "proxyd/account.h"
#include "proxyd/capture.h"
#include "proxyd/choices.h"
#include "proxyd/fetch.h"
#include "proxyd/operator.h"
#include "proxyd/request.h"
#include "proxyd/responses.h"

#define DISCARD_MAX	(64 << 20)	/* read past a refusal, then hang up */
#define LOSS_HEADER_MAX	1024
#define REQUEST_WAIT_MAX	4096	/* signs of life not yet taken */

void
request_log(const struct request *rq, const char *fmt, ...)
{
	char	 line[1024];
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_info("%s %s: %s", rq->rq_id, rq->rq_provider == NULL ? "-" :
	    rq->rq_provider->name.p, line);
}

static void
request_state(struct request *rq, enum request_state to)
{
	must(to >= rq->rq_state);
	rq->rq_state = to;
}

/* --- refused before it is read ------------------------------------------------------ */

static struct str
header(const struct request *rq, const char *name)
{
	return str_of(call_header(rq->rq_call, name));
}

static const char *
request_denied(struct request *rq)
{
	const char	*why;

	if (call_header_count(rq->rq_call, "Host") > 1)
		return "more than one Host header";
	switch (operator_who(rq, &why)) {
	case OPERATOR_IS:
		return NULL;
	case OPERATOR_DENIED:
		return why;
	case OPERATOR_NOT:
		break;
	}
	return admit_who(rq);
}

/*
 * GET /v1/models is the same path in three dialects: told by the header that
 * only one of them sends.
 */
static void
request_models_dialect(struct request *rq)
{
	struct str	 query = call_query(rq->rq_call), item;
	bool		 google = header(rq, "x-goog-api-key").n > 0;

	if ((rq->rq_match.endpoint->op != DIALECT_MODELS &&
	    rq->rq_match.endpoint->op != DIALECT_MODEL) ||
	    !str_starts(call_path(rq->rq_call), "/v1/"))
		return;
	while (query.n > 0) {
		item = str_cut(&query, '&');
		google = google || str_starts(item, "key=");
	}
	if (header(rq, "anthropic-version").n > 0)
		rq->rq_match.dialect = &dialect_anthropic;
	else if (google)
		rq->rq_match.dialect = &dialect_gemini;
	rq->rq_client = rq->rq_match.dialect;
}

static void
request_match(struct request *rq, struct ir_error *err)
{
	struct str	 method = call_method(rq->rq_call);
	struct str	 path = call_path(rq->rq_call);
	int		 r;

	r = dialect_match(&rq->rq_arena, method, path, &rq->rq_match);
	if (r != 0) {
		rq->rq_client = rq->rq_match.dialect;
		if (r == 1) {
			request_models_dialect(rq);
			return;
		}
	} else if (api_has(path)) {
		if (str_is(method, "GET") || str_is(method, "HEAD"))
			return;
		r = -1;
	}
	if (r == -1)
		ir_error_set(err, IR_ERR_METHOD,
		    "method %.*s is not allowed for path '%.*s'",
		    STR_FMT(method), STR_FMT(path));
	else
		ir_error_set(err, IR_ERR_NOT_FOUND,
		    "no such path '%.*s'; GET /docs lists them",
		    STR_FMT(path));
	rq->rq_early = true;
}

/* Where two could see different ends of the body: NULL, or what is wrong. */
static const char *
length_unclear(const struct request *rq)
{
	if (header(rq, "Content-Length").n > 0 &&
	    header(rq, "Transfer-Encoding").n > 0)
		return "both Content-Length and Transfer-Encoding are given";
	if (call_header_count(rq->rq_call, "Content-Length") > 1)
		return "more than one Content-Length header";
	if (call_header_count(rq->rq_call, "Transfer-Encoding") > 1)
		return "more than one Transfer-Encoding header";
	return NULL;
}

static void
request_check_head(struct request *rq, struct ir_error *err)
{
	struct str	 encoding = header(rq, "Content-Encoding");
	const char	*why;

	if (header(rq, "Upgrade").n > 0 &&
	    str_is_nocase(header(rq, "Upgrade"), "websocket"))
		ir_error_set(err, IR_ERR_UPGRADE, "WebSocket is not offered "
		    "here: send a POST to the same path");
	else if ((why = length_unclear(rq)) != NULL)
		ir_error_set(err, IR_ERR_BAD_REQUEST, "%s", why);
	else if (!api_is_public(call_method(rq->rq_call),
	    call_path(rq->rq_call)) && (why = request_denied(rq)) != NULL)
		ir_error_set(err, IR_ERR_AUTH, "%s", why);
	else if (encoding.n > 0 && !str_is_nocase(encoding, "identity"))
		ir_error_set(err, IR_ERR_MEDIA_TYPE, "Content-Encoding "
		    "'%.*s' is not supported: send the body plain",
		    STR_FMT(encoding));
	else {
		request_match(rq, err);
		return;
	}
	rq->rq_early = true;
	rq->rq_client = dialect_for_path(call_path(rq->rq_call));
}

/* --- read ------------------------------------------------------------------------------ */

struct ir_error *
request_error(struct request *rq)
{
	if (rq->rq_err == NULL)
		rq->rq_err = ARENA_NEW(&rq->rq_arena, struct ir_error);
	return rq->rq_err;
}

static void
request_toolarge(struct request *rq)
{
	ir_error_set(request_error(rq), IR_ERR_TOO_LARGE, "the body is larger than "
	    "%lld bytes (MAX_BODY in app.yml)",
	    (long long)rq->rq_snap->max_body);
	rq->rq_early = true;
	buf_release(&rq->rq_body);
}

static void
request_reserve(struct request *rq)
{
	int64_t	 n;

	if (rq->rq_early || str_to_int(header(rq, "Content-Length"), 0,
	    INT64_MAX, &n) == -1)
		return;
	if (n > rq->rq_snap->max_body)
		request_toolarge(rq);
	else
		(void)buf_reserve(&rq->rq_body, (size_t)n);
}

static void	 timer_cb(void *);
static void	 free_cb(void *);

struct request *
request_open(struct worker *wk, struct http_call *call)
{
	struct ir_error	 err;
	struct request	*rq;

	if ((rq = calloc(1, sizeof(*rq))) == NULL)
		fatal("request");
	rq->rq_wk = wk;
	rq->rq_call = call;
	rq->rq_snap = snapshot_ref(wk->snap);
	rq->rq_wall_us = clock_wall_us();
	rq->rq_start_us = clock_mono_us();
	rq->rq_first_us = -1;
	id_timed(rq->rq_id, sizeof(rq->rq_id), "req_", rq->rq_wall_us);
	arena_init(&rq->rq_arena);
	json_init(&rq->rq_json);
	loss_init(&rq->rq_loss, &rq->rq_arena);
	buf_init(&rq->rq_body, (size_t)rq->rq_snap->max_body);
	buf_init(&rq->rq_send, (size_t)rq->rq_snap->max_body * 2);
	buf_init(&rq->rq_out, REQUEST_ANSWER_MAX);
	buf_init(&rq->rq_hold, FRAME_MAX);
	buf_init(&rq->rq_wait, REQUEST_WAIT_MAX);
	attempts_init(rq);
	rq->rq_acct.f.input = rq->rq_acct.f.output = -1;
	rq->rq_acct.f.cache_read = rq->rq_acct.f.reasoning = -1;
	rq->rq_acct.f.connect_us = -1;
	rq->rq_acct.f.cache_write_5m = rq->rq_acct.f.cache_write_1h = -1;
	rq->rq_timer = (struct loop_timer){ .cb = timer_cb, .arg = rq };
	rq->rq_free = (struct loop_task){ .cb = free_cb, .arg = rq };
	request_live_begin(rq);
	capture_begin(rq);
	wk->requests++;
	wk->row->inflight = wk->requests;
	wk->row->stat.requests++;
	request_check_head(rq, &err);
	if (rq->rq_early)
		*request_error(rq) = err;
	if (rq->rq_client == NULL)
		rq->rq_client = dialect_for_path(call_path(call));
	request_reserve(rq);
	return rq;
}

void
request_body(struct request *rq, struct str data)
{
	rq->rq_body_seen += (int64_t)data.n;
	if (rq->rq_early) {
		if (rq->rq_body_seen > rq->rq_snap->max_body + DISCARD_MAX)
			call_abort(rq->rq_call);
		return;
	}
	if (buf_adds(&rq->rq_body, data) == -1)
		request_toolarge(rq);
}

/* --- understood ------------------------------------------------------------------------ */

static int
request_parse(struct request *rq, struct ir_error *err)
{
	struct json_error	 je;

	if (rq->rq_body.len == 0) {
		ir_error_set(err, IR_ERR_BAD_REQUEST,
		    "the body is empty: expected a JSON object");
		return -1;
	}
	if (json_parse(&rq->rq_json, buf_str(&rq->rq_body), &je) == -1) {
		ir_error_set(err, IR_ERR_BAD_REQUEST,
		    "the body is not valid JSON: %s at byte %zu", je.what,
		    je.offset);
		return -1;
	}
	if (json_type(json_root(&rq->rq_json)) != JSON_OBJECT) {
		ir_error_set(err, IR_ERR_BAD_REQUEST,
		    "the body: expected a JSON object, got %s",
		    json_type_name(json_type(json_root(&rq->rq_json))));
		return -1;
	}
	return 0;
}

/* Gemini streams as server-sent events with alt=sse, else as a JSON array. */
static enum framing
request_framing(const struct request *rq)
{
	struct str	 query = call_query(rq->rq_call), item;

	if (rq->rq_match.dialect != &dialect_gemini ||
	    rq->rq_match.endpoint->lenient)
		return FRAME_SSE;
	while (query.n > 0) {
		item = str_cut(&query, '&');
		if (str_is(item, "alt=sse"))
			return FRAME_SSE;
	}
	return FRAME_JSON_ARRAY;
}

static int
request_decode(struct request *rq, struct ir_error *err)
{
	struct ir_request	*ir = &rq->rq_ir;
	int			 r;

	ir_request_init(ir, &rq->rq_arena, rq->rq_match.dialect,
	    &rq->rq_json);
	ir->path_model = rq->rq_match.model;
	ir->path_stream = rq->rq_match.endpoint->stream;
	ir->lenient = rq->rq_match.endpoint->lenient;
	ir->framing = request_framing(rq);
	r = op_begin(rq) ? op_decode(rq, err) :
	    rq->rq_match.dialect->request_decode(ir, err);
	/* In direct mode the provider judges what we do not understand. */
	if (r == -1 && rq->rq_snap->mode == CONF_DIRECT && ir->model.n > 0) {
		ir->native = true;
		return 0;
	}
	return r;
}

int
request_redecode(struct request *rq, struct ir_error *err)
{
	json_release(&rq->rq_json);
	json_init(&rq->rq_json);
	if (request_parse(rq, err) == -1 || request_decode(rq, err) == -1)
		return -1;
	if (rq->rq_plan != NULL)
		request_said(rq, true);
	return 0;
}

static void
request_refuse(struct request *rq, const struct ir_error *err)
{
	rq->rq_wk->row->stat.refused++;
	request_fail(rq, err);
}

void
request_start(struct request *rq)
{
	request_state(rq, RQ_TRY);
	request_alive(rq);
	try_next(rq);
}

static void
request_go(struct request *rq)
{
	struct ir_error	 err;
	int		 r;

	request_live_show(rq);
	if ((r = request_translate(rq, &err)) == -1) {
		request_refuse(rq, &err);
		return;
	}
	if (r == 1)
		return;
	request_start(rq);
}

static void
request_generate(struct request *rq)
{
	struct ir_error	 err;
	int		 r;

	if (request_parse(rq, &err) == -1 || request_decode(rq, &err) == -1 ||
	    responses_recall(rq, &err) == -1 ||
	    request_route(rq, &err) == -1 ||
	    responses_resolve(rq, &err) == -1 || admit_take(rq, &err) == -1 ||
	    (r = request_fetch(rq, request_go, &err)) == -1)
		request_refuse(rq, &err);
	else if (r == 0)
		request_go(rq);
}

void
request_run(struct request *rq)
{
	int64_t	 t0 = clock_mono_us();

	capture_client_request(rq, buf_str(&rq->rq_body));
	if (rq->rq_early) {
		rq->rq_wk->row->stat.refused++;
		request_fail(rq, rq->rq_err);
	} else if (!api_serve(rq) && !responses_serve(rq))
		request_generate(rq);
	rq->rq_cpu_us += clock_mono_us() - t0;
}

/* --- answered --------------------------------------------------------------------------- */

static void
headers_loss(struct request *rq, struct headers *hs)
{
	struct buf	 b;

	request_vault_loss(rq);
	if (rq->rq_loss.n == 0)
		return;
	buf_init(&b, LOSS_HEADER_MAX);
	loss_header(&rq->rq_loss, &b);
	head_add(hs, "x-proxyd-loss",
	    arena_str(&rq->rq_arena, buf_str(&b)).p);
	buf_release(&b);
}

static void
headers_common(struct request *rq, struct headers *hs, const char *type)
{
	const char	*id;

	head_add(hs, "Content-Type", type);
	head_add(hs, "X-Content-Type-Options", "nosniff");
	head_provider(rq, hs);
	id = rq->rq_client == &dialect_anthropic ? "request-id" :
	    "x-request-id";
	if (!head_has(hs, id))
		head_add(hs, id, head_request_id(rq).p);
	head_add(hs, "x-proxyd-request-id", rq->rq_id);
	if (op_estimated(rq))
		head_add(hs, "x-proxyd-token-count", "estimate");
	hs->n += admit_headers(rq, hs->h + hs->n, REQUEST_HEADERS - hs->n);
	headers_loss(rq, hs);
}

static void
request_send(struct request *rq, int status, struct headers *hs,
    struct buf *body)
{
	bool	 hangup = rq->rq_wk->draining ||
	    rq->rq_body_seen > rq->rq_snap->max_body ||
	    (rq->rq_early && length_unclear(rq) != NULL);

	rq->rq_acct.f.status = status;
	rq->rq_first_us = clock_mono_us();
	request_state(rq, RQ_DONE);
	capture_client(rq, buf_str(body));
	call_reply(rq->rq_call, status, hs->h, hs->n, body, hangup);
}

void
request_reply_with(struct request *rq, int status, const char *type,
    const struct http_header *more, size_t n, struct buf *body)
{
	struct headers	 hs = { .n = 0 };
	size_t		 i;

	headers_common(rq, &hs, type);
	for (i = 0; i < n; i++)
		head_add(&hs, more[i].name, more[i].value);
	request_send(rq, status, &hs, body);
}

void
request_reply(struct request *rq, int status, const char *type,
    struct buf *body)
{
	request_reply_with(rq, status, type, NULL, 0, body);
}

void
request_head(struct request *rq, struct buf *out)
{
	struct headers	 hs = { .n = 0 };

	headers_common(rq, &hs, rq->rq_ir.framing == FRAME_JSON_ARRAY ?
	    "application/json" : "text/event-stream");
	head_add(&hs, "Cache-Control", "no-cache");
	head_add(&hs, "X-Accel-Buffering", "no");
	if (rq->rq_wk->draining)
		head_add(&hs, "Connection", "close");
	rq->rq_acct.f.status = 200;
	rq->rq_acct.f.stream = 1;
	rq->rq_headed = true;
	call_stream(rq->rq_call, 200, hs.h, hs.n, out);
}

void
request_commit(struct request *rq)
{
	rq->rq_first_us = clock_mono_us();
	request_state(rq, RQ_STREAM);
	if (rq->rq_headed)
		call_then(rq->rq_call, &rq->rq_out);
	else
		request_head(rq, &rq->rq_out);
}

static void
request_note(struct request *rq, const struct ir_error *err)
{
	struct buf	 b;

	buf_init(&b, sizeof(err->msg));
	(void)buf_addz(&b, err->msg);
	rq->rq_acct.s[ACCT_ERROR] = arena_str(&rq->rq_arena, buf_str(&b));
	buf_release(&b);
	if (rq->rq_provider != NULL || err->status >= 500)
		request_log(rq, "the client gets %d, %s", err->status,
		    err->upstream > 0 ? "as the provider said" :
		    "by the gateway");
}

/* Has theirs every member that ours has, with a value of the same type? */
static bool
members_cover(struct jv ours, struct jv theirs)
{
	struct jv	 v, w;

	for (v = json_first(ours); json_ok(v); v = json_next(v)) {
		for (w = json_first(theirs); json_ok(w); w = json_next(w))
			if (str_eq(json_raw(json_key(v)),
			    json_raw(json_key(w))))
				break;
		if (!json_ok(w) && !json_key_is(v, "request_id") &&
		    !json_key_is(v, "details"))
			return false;
		if (json_ok(w) && json_type(v) != json_type(w) &&
		    json_type(v) != JSON_NULL && json_type(w) != JSON_NULL)
			return false;
	}
	return true;
}

/* Is body an error in the client's envelope, as we would write it? */
static bool
request_native_error(struct request *rq, const struct ir_error *err,
    struct str body)
{
	struct json_error	 je;
	struct json		 ours, theirs;
	struct buf		 b;
	bool			 same;

	buf_init(&b, 64 << 10);
	json_init(&ours);
	json_init(&theirs);
	rq->rq_client->error_encode(err, str_of(rq->rq_id), &b);
	same = json_parse(&ours, buf_str(&b), &je) == 0 &&
	    json_parse(&theirs, body, &je) == 0 &&
	    members_cover(json_root(&ours), json_root(&theirs)) &&
	    members_cover(json_get(json_root(&ours), "error"),
	    json_get(json_root(&theirs), "error"));
	json_release(&theirs);
	json_release(&ours);
	buf_release(&b);
	return same;
}

static void
headers_retry(struct request *rq, struct headers *hs,
    const struct ir_error *err)
{
	if (err->retry_after >= 0 && !head_has(hs, "retry-after"))
		head_add(hs, "retry-after", arena_strf(&rq->rq_arena, "%d",
		    err->retry_after).p);
}

/* In its own dialect the client gets the provider's error as it came. */
static bool
request_pass_error(struct request *rq, const struct ir_error *err)
{
	struct upstream		*up = rq->rq_up;
	struct headers		 hs = { .n = 0 };

	if (up == NULL || err->upstream < 400 || !up->up_done ||
	    rq->rq_target != rq->rq_client ||
	    !request_native_error(rq, err, buf_str(&up->up_in)))
		return false;
	headers_common(rq, &hs, "application/json");
	if (rq->rq_sooner)
		headers_retry(rq, &hs, err);
	request_done(rq, "error");
	request_send(rq, up->up_status, &hs, &up->up_in);
	return true;
}

/*
 * One more element behind those that were forwarded.  What is held did not go
 * out; it tells whether their comma did.
 */
static void
request_array_error(struct request *rq, const struct ir_error *err)
{
	struct str	 held = str_trim(buf_str(&rq->rq_hold));

	if (held.n > 0 ? held.p[0] == ',' : rq->rq_framer.comma_due)
		(void)buf_addc(&rq->rq_out, ',');
	rq->rq_client->error_encode(err, STR_NONE, &rq->rq_out);
	(void)buf_addc(&rq->rq_out, ']');
}

/* The encoder learns what was forwarded so far, and says no more than that. */
static void
request_event_error(struct request *rq, const struct ir_error *err)
{
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = err };
	struct buf	 said;

	if (rq->rq_same)
		ev.sequence = rq->rq_dec.sequence;

	if (rq->rq_same) {
		buf_init(&said, REQUEST_ANSWER_MAX);
		rq->rq_enc.out = &said;
		rq->rq_client->event_encode(&rq->rq_enc, &rq->rq_start);
		rq->rq_enc.out = &rq->rq_out;
		buf_release(&said);
	}
	rq->rq_client->event_encode(&rq->rq_enc, &ev);
}

/* The head has gone out, but nothing that an attempt said. */
static void
request_first_error(struct request *rq, const struct ir_error *err)
{
	struct ir_event	 ev = { .type = IR_EV_START };

	buf_clear(&rq->rq_out);
	ir_encoder_init(&rq->rq_enc, rq->rq_client, &rq->rq_x, &rq->rq_out);
	ev.name = rq->rq_route.model;
	rq->rq_client->event_encode(&rq->rq_enc, &ev);
	ev = (struct ir_event){ .type = IR_EV_ERROR, .error = err };
	rq->rq_client->event_encode(&rq->rq_enc, &ev);
	call_then(rq->rq_call, &rq->rq_out);
}

/* An error once bytes have gone out. */
static void
request_fail_stream(struct request *rq, const struct ir_error *err)
{
	bool	 array = rq->rq_same &&
		    rq->rq_ir.framing == FRAME_JSON_ARRAY;
	bool	 begun = rq->rq_state == RQ_STREAM;

	rq->rq_acct.f.incomplete = 1;
	request_done(rq, "error");
	if (array && rq->rq_framer.done) {
		/* It is closed, and too late to say anything. */
		call_abort(rq->rq_call);
		return;
	}
	if (!begun)
		request_first_error(rq, err);
	else if (array)
		request_array_error(rq, err);
	else
		request_event_error(rq, err);
	call_end(rq->rq_call);
}

void
request_fail(struct request *rq, const struct ir_error *err)
{
	struct headers	 hs = { .n = 0 };
	struct buf	 b;

	if (op_instead(rq, err))
		return;
	request_note(rq, err);
	if (rq->rq_provider != NULL)
		rq->rq_wk->row->stat.failed++;
	if (rq->rq_headed) {
		request_fail_stream(rq, err);
		return;
	}
	if (request_pass_error(rq, err))
		return;
	buf_init(&b, 64 << 10);
	rq->rq_client->error_encode(err, head_request_id(rq), &b);
	headers_common(rq, &hs, "application/json");
	headers_retry(rq, &hs, err);
	if (err->kind == IR_ERR_UPGRADE)
		head_add(&hs, "Upgrade", "HTTP/1.1");
	request_done(rq, "error");
	request_send(rq, err->status, &hs, &b);
	buf_release(&b);
}

/* --- ended ---------------------------------------------------------------------------------- */

void
request_done(struct request *rq, const char *how)
{
	loop_timer_clear(rq->rq_wk->loop, &rq->rq_timer);
	loop_timer_clear(rq->rq_wk->loop, &rq->rq_alive);
	fetch_stop(rq);
	if (rq->rq_acct.s[ACCT_CLOSE].n == 0)
		rq->rq_acct.s[ACCT_CLOSE] = str_of(how);
	if (rq->rq_trying)
		try_end(rq, 0, false, how);
	provider_drop(rq);
	queue_leave(rq);
	admit_ease(rq);
	request_state(rq, RQ_DONE);
}

void
request_left(struct request *rq)
{
	if (rq->rq_state == RQ_DONE && !rq->rq_trying) {
		call_abort(rq->rq_call);
		return;
	}
	rq->rq_wk->row->stat.client_left++;
	rq->rq_acct.f.incomplete = 1;
	request_done(rq, "client left");
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	mock_free(rq->rq_mock);
	rq->rq_mock = NULL;
	call_abort(rq->rq_call);
}

static void
request_record(struct request *rq)
{
	struct acct_rec	*a = &rq->rq_acct;
	struct buf	 loss;

	admit_settle(rq);
	a->f.time_us = rq->rq_wall_us;
	a->f.worker = (int32_t)rq->rq_wk->slot;
	a->f.bytes_in = rq->rq_body_seen;
	a->f.bytes_out = call_sent(rq->rq_call);
	a->f.attempts = (int32_t)rq->rq_tries;
	a->f.translated = rq->rq_target != NULL && !rq->rq_same;
	a->f.ttfb_us = rq->rq_first_us < 0 ? -1 :
	    rq->rq_first_us - rq->rq_start_us;
	a->f.total_us = clock_mono_us() - rq->rq_start_us;
	a->f.overhead_us = rq->rq_cpu_us;
	a->s[ACCT_ID] = str_of(rq->rq_id);
	a->s[ACCT_CLIENT] = rq->rq_operator ? STR("operator") :
	    str_of(call_peer(rq->rq_call));
	a->s[ACCT_DIALECT] = str_of(rq->rq_client->name);
	a->s[ACCT_PATH] = call_path(rq->rq_call);
	a->s[ACCT_ROUTE] = request_route_name(rq);
	request_trace(rq);
	a->s[ACCT_USER_AGENT] = header(rq, "User-Agent");
	a->s[ACCT_MODEL_ASKED] = rq->rq_ir.model;
	a->s[ACCT_MODEL_SENT] = rq->rq_route.model;
	if (rq->rq_provider != NULL)
		a->s[ACCT_PROVIDER] = rq->rq_provider->name;
	if (rq->rq_provider != NULL)
		a->s[ACCT_TARGET_DIALECT] = rq->rq_target == NULL ?
		    STR("mock") : str_of(rq->rq_target->name);
	attempts_end(rq);
	a->s[ACCT_ASKED] = provider_asked(rq);
	request_vault_loss(rq);
	buf_init(&loss, 256 << 10);
	if (rq->rq_loss.first != NULL)
		loss_json_max(&rq->rq_loss, &loss, ACCT_STR_MAX);
	a->s[ACCT_LOSS] = buf_str(&loss);
	admit_note(rq);
	account_write(rq->rq_wk, a);
	admit_pay(rq);
	buf_release(&loss);
}

static void
free_cb(void *arg)
{
	struct request	*rq = arg;

	responses_end(rq);
	json_release(&rq->rq_json);
	buf_release(&rq->rq_body);
	buf_release(&rq->rq_send);
	buf_release(&rq->rq_out);
	buf_release(&rq->rq_hold);
	buf_release(&rq->rq_wait);
	attempts_release(rq);
	snapshot_unref(rq->rq_snap);
	arena_release(&rq->rq_arena);
	free(rq);
}

/* The only exit: everything is given back, and the record is written. */
static void
request_close(struct request *rq)
{
	struct worker	*wk = rq->rq_wk;

	request_done(rq, "done");
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	mock_free(rq->rq_mock);
	rq->rq_mock = NULL;
	answer_release(rq);
	request_vault_end(rq);
	request_live_end(rq);
	request_record(rq);
	capture_end(rq);
	wk->row->stat.requests_done++;
	wk->requests--;
	wk->row->inflight = wk->requests;
	loop_defer(wk->loop, &rq->rq_free);
	worker_check(wk);
}

void
request_call_done(struct request *rq)
{
	request_close(rq);
	rq->rq_call = NULL;
}

void
request_piece(struct request *rq, struct str piece)
{
	capture_client(rq, piece);
}

void
request_drained(struct request *rq)
{
	if (rq->rq_state != RQ_STREAM)
		return;
	if (rq->rq_up != NULL)
		upstream_again(rq->rq_up);
	else if (rq->rq_mock != NULL)
		mock_again(rq->rq_mock);
}

void
request_timer(struct request *rq, int64_t ms)
{
	int64_t	 total = rq->rq_provider->total_ms, left;

	if (total > 0) {
		left = total - (clock_mono_us() - rq->rq_start_us) / 1000;
		rq->rq_timer_total = left < ms;
		if (rq->rq_timer_total)
			ms = left;
	}
	loop_timer_set(rq->rq_wk->loop, &rq->rq_timer, ms);
}

/* --- out of time -------------------------------------------------------------------------- */

static void
timer_cb(void *arg)
{
	struct request	*rq = arg;
	struct ir_error	 err;

	if (rq->rq_resting) {
		rq->rq_resting = false;
		try_again(rq);
		return;
	}
	if (rq->rq_out.len > REQUEST_OUT_HIGH && rq->rq_state == RQ_STREAM &&
	    !rq->rq_timer_total) {
		/* The client is slow, not the provider. */
		request_timer(rq, rq->rq_provider->idle_ms);
		return;
	}
	if (rq->rq_finishing && rq->rq_up != NULL) {
		answer_end_late(rq);
		return;
	}
	ir_error_set(&err, IR_ERR_TIMEOUT, "provider '%s' %s",
	    rq->rq_provider->name.p, rq->rq_timer_total ?
	    "took longer than its total_timeout" :
	    rq->rq_state == RQ_STREAM ?
	    "stopped sending before the answer was complete" :
	    "did not answer in time");
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	try_failed(rq, 0, &err);
}
