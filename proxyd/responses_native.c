/*
 * Responses that a provider keeps: which one, and under which key, so that they
 * are gone on from, read, cancelled and deleted where they are.
 */
#include <stdio.h>

#include "base/log.h"
#include "proxyd/request.h"
#include "proxyd/responses.h"
#include "state/statedb.h"

#define NAME_MAX_LEN	256		/* of an id that a client gives */

static struct str
row_name(struct request *rq, struct str id)
{
	return arena_strf(&rq->rq_arena, "response:%.*s", STR_FMT(id));
}

static int64_t
tenant_of(const struct request *rq)
{
	return rq->rq_tenant == NULL ? 0 : rq->rq_tenant->id;
}

static void
failed(struct request *rq, const char *what, struct store *s)
{
	rq->rq_wk->row->stat.state_errors++;
	log_warnx("%s: who keeps a response cannot be %s: %s", rq->rq_id, what,
	    s == NULL ? "state.db is not open" : store_error(s));
}

/* Who keeps it; false: not known, or another tenant's. */
static bool
owner(struct request *rq, struct str id, struct vault_row *row)
{
	struct store	*s = worker_state(rq->rq_wk);
	int		 rc = -1;

	if (id.n == 0 || id.n > NAME_MAX_LEN)
		return false;
	if (s != NULL)
		rc = vault_get(s, rq->rq_wk->box, tenant_of(rq),
		    row_name(rq, id), STR("response"), &rq->rq_arena, row);
	if (rc == -1)
		failed(rq, "read", s);
	return rc == 1;
}

bool
responses_native_kept(struct request *rq, struct str id)
{
	struct vault_row	 row;

	return owner(rq, id, &row);
}

void
responses_native_note(struct request *rq, struct str id)
{
	struct store		*s = worker_state_put(rq->rq_wk);
	struct vault_row	 row = { .family = STR("response"),
				    .provider = rq->rq_provider->name,
				    .model = rq->rq_route.model,
				    .value = STR("kept") };

	if (id.n == 0 || id.n > NAME_MAX_LEN)
		return;
	row.name = row_name(rq, id);
	if (rq->rq_key != NULL)
		row.key_id = rq->rq_key->id;
	if (s == NULL || vault_put(s, rq->rq_wk->box, tenant_of(rq), &row,
	    1) == -1)
		failed(rq, "written", s);
}

bool
responses_native_prefer(struct request *rq, struct str id)
{
	struct vault_row	 row;

	if (!owner(rq, id, &row))
		return false;
	rq->rq_key_hint = row.key_id;
	return request_prefer(rq, row.provider);
}

/* --- passed on -------------------------------------------------------------------- */

bool
responses_asks_stream(struct request *rq)
{
	struct str	 query = call_query(rq->rq_call);

	while (query.n > 0)
		if (str_is(str_cut(&query, '&'), "stream=true"))
			return true;
	return false;
}

bool
responses_native_serve(struct request *rq)
{
	struct vault_row	 row;

	if (!owner(rq, rq->rq_match.model, &row) ||
	    !request_to(rq, row.provider, row.model))
		return false;
	rq->rq_native = true;
	rq->rq_ir.stream = rq->rq_match.endpoint->op == DIALECT_STATE_GET &&
	    responses_asks_stream(rq);
	rq->rq_key_hint = row.key_id;
	request_start(rq);
	return true;
}

const char *
responses_native_method(const struct request *rq)
{
	return rq->rq_match.endpoint->method;
}

void
responses_native_path(const struct request *rq, struct buf *b)
{
	struct str	 query = call_query(rq->rq_call);

	(void)buf_adds(b, call_path(rq->rq_call));
	if (query.n > 0)
		(void)buf_addf(b, "?%.*s", STR_FMT(query));
}

static void
native_broke(struct request *rq)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "provider '%s' broke off: %s",
	    rq->rq_provider->name.p, rq->rq_up->up_error);
	try_failed(rq, rq->rq_up->up_status, &err);
}

/* The events of a response, byte for byte, from wherever they begin. */
static void
native_stream(struct request *rq)
{
	struct upstream	*up = rq->rq_up;

	up->up_flow = true;
	if (rq->rq_out.len > REQUEST_OUT_HIGH)
		return;
	if (up->up_in.len > 0) {
		if (rq->rq_state == RQ_TRY)
			answer_begin(rq, FRAME_NONE);
		(void)buf_adds(&rq->rq_out, buf_str(&up->up_in));
		buf_clear(&up->up_in);
		upstream_taken(up);
		request_timer(rq, rq->rq_provider->idle_ms);
		if (rq->rq_state == RQ_TRY)
			request_commit(rq);
		else
			call_wake(rq->rq_call);
	}
	if (!up->up_done || up->up_in.len > 0)
		return;
	if (up->up_fault != UPSTREAM_OK || rq->rq_state == RQ_TRY) {
		native_broke(rq);
		return;
	}
	try_end(rq, up->up_status, true, "ok");
	request_done(rq, "done");
	call_end(rq->rq_call);
}

void
responses_native_answer(struct request *rq)
{
	struct upstream	*up = rq->rq_up;
	struct str	 type = upstream_header(up, "Content-Type");

	if (str_starts(type, "text/event-stream")) {
		native_stream(rq);
		return;
	}
	if (!up->up_done)
		return;
	if (up->up_fault != UPSTREAM_OK) {
		native_broke(rq);
		return;
	}
	try_end(rq, up->up_status, true, "ok");
	request_done(rq, "done");
	request_reply(rq, up->up_status, type.n == 0 ? "application/json" :
	    arena_str(&rq->rq_arena, type).p, &up->up_in);
}
