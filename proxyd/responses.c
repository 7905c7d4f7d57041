/*
 * Stored responses.
 */
#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyd/conversations.h"
#include "proxyd/items.h"
#include "proxyd/request.h"
#include "proxyd/responses.h"
#include "state/statedb.h"

#define CHAIN_MAX	256		/* responses of one conversation */
#define NAME_MAX_LEN	256		/* of an id that a client gives */

/* What a request on /v1/responses has to do with state. */
struct responses {
	struct str		 previous, conversation;
	struct str		 input;		/* of this turn, a JSON array */
	bool			 keep;		/* store is not false */
	bool			 kept;
	bool			 whole;		/* the body says it all */
	bool			 talks;		/* the conversation is kept here */
	bool			 background;
	size_t			 referred;	/* bytes read for references */
	bool			 folding;
	struct ir_response	 fold;		/* of a stream */
	struct buf		 old;		/* the body as it came */
};

static int64_t
tenant_of(const struct request *rq)
{
	return rq->rq_tenant == NULL ? 0 : rq->rq_tenant->id;
}

static void
failed(struct request *rq, const char *what, struct store *s)
{
	rq->rq_wk->row->stat.state_errors++;
	log_warnx("%s: a response cannot be %s: %s", rq->rq_id, what,
	    s == NULL ? "state.db is not open" : store_error(s));
}

/* --- what a request refers to --------------------------------------------------------- */

struct chain {
	struct response_row		*row[CHAIN_MAX]; /* newest first */
	unsigned			 n;
	struct conversation_item	*items;
};

static int
not_found(struct ir_error *err, const char *param, struct str id)
{
	ir_error_set(err, IR_ERR_BAD_REQUEST, "no response '%.*s' is kept "
	    "here: it was not stored, has been deleted, or is too old (or a "
	    "provider keeps it, to which this model does not go)",
	    STR_FMT(id));
	ir_error_copy(err->param, sizeof(err->param), str_of(param));
	ir_error_copy(err->code, sizeof(err->code),
	    STR("previous_response_not_found"));
	return -1;
}

static int
chain_load(struct request *rq, struct chain *c, struct str id,
    struct ir_error *err)
{
	struct store		*s = worker_state(rq->rq_wk);
	struct response_row	*r;
	int			 rc;

	while (id.n > 0) {
		if (c->n == CHAIN_MAX) {
			ir_error_set(err, IR_ERR_BAD_REQUEST, "the "
			    "conversation has more than %u responses: begin "
			    "anew, with a summary", CHAIN_MAX);
			ir_error_copy(err->param, sizeof(err->param),
			    STR("previous_response_id"));
			return -1;
		}
		r = ARENA_NEW(&rq->rq_arena, struct response_row);
		rc = s == NULL || id.n > NAME_MAX_LEN ? -1 : response_get(s,
		    rq->rq_wk->box, tenant_of(rq), id, &rq->rq_arena, r);
		if (rc == -1)
			failed(rq, "read", s);
		if (rc != 1)
			return not_found(err, "previous_response_id", id);
		c->row[c->n++] = r;
		id = r->previous;
	}
	return 0;
}

/* "conv_1", or {"id": "conv_1"}. */
static struct str
conversation_id(struct request *rq, struct jv v)
{
	if (json_type(v) == JSON_OBJECT)
		v = json_get(v, "id");
	return json_type(v) == JSON_STRING ? json_str(&rq->rq_arena, v) :
	    STR_NONE;
}

static int
no_conversation(struct ir_error *err, struct str id)
{
	ir_error_set(err, IR_ERR_BAD_REQUEST, "no conversation '%.*s' is kept "
	    "here: POST /v1/conversations makes one", STR_FMT(id));
	ir_error_copy(err->param, sizeof(err->param), STR("conversation"));
	return -1;
}

static int
refers_to(struct request *rq, struct responses *o, struct chain *c,
    struct ir_error *err)
{
	if (o->previous.n > 0 && o->conversation.n > 0) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "previous_response_id "
		    "and conversation cannot both be given");
		return -1;
	}
	if (o->conversation.n == 0)
		return chain_load(rq, c, o->previous, err);
	switch (conversations_recall(rq, o->conversation, &c->items)) {
	case 1:
		o->talks = true;
		return 0;
	case 0:
		return no_conversation(err, o->conversation);
	default:
		ir_error_set(err, IR_ERR_UNAVAILABLE, "the conversation "
		    "cannot be read now");
		return -1;
	}
}

/* --- a body that says it all ------------------------------------------------------------ */

static void
element(struct jw *w, struct str json)
{
	jw_raw(w, json);
}

static void
elements(struct request *rq, struct jw *w, struct str array)
{
	struct json		*j = ARENA_NEW(&rq->rq_arena, struct json);
	struct json_error	 je;
	struct jv		 v;

	json_init(j);
	if (json_parse(j, array, &je) == 0)
		for (v = json_first(json_root(j)); json_ok(v);
		    v = json_next(v))
			element(w, json_raw(v));
	json_release(j);
}

/* The output of a stored response, which is one of its members. */
static void
output_of(struct request *rq, struct jw *w, struct str object)
{
	struct json		*j = ARENA_NEW(&rq->rq_arena, struct json);
	struct json_error	 je;
	struct jv		 v;

	json_init(j);
	if (json_parse(j, object, &je) == 0)
		for (v = json_first(json_get(json_root(j), "output"));
		    json_ok(v); v = json_next(v))
			element(w, json_raw(v));
	json_release(j);
}

/* The item of that id in a response's output. */
static bool
item_of(struct request *rq, struct jw *w, struct str object, struct str id)
{
	struct json		*j = ARENA_NEW(&rq->rq_arena, struct json);
	struct json_error	 je;
	struct jv		 v;
	bool			 found = false;

	json_init(j);
	if (json_parse(j, object, &je) == 0)
		for (v = json_first(json_get(json_root(j), "output"));
		    json_ok(v) && !found; v = json_next(v)) {
			found = str_eq(json_str(&rq->rq_arena,
			    json_get(v, "id")), id);
			if (found)
				element(w, json_raw(v));
		}
	json_release(j);
	return found;
}

/* Of a body with many references, each to a long answer, some are enough. */
static bool
may_refer(struct request *rq, size_t n)
{
	struct responses	*o = rq->rq_responses;

	o->referred += n;
	return o->referred <= (size_t)rq->rq_snap->max_body * 4;
}

/*
 * An item that was kept: in its response, or under its own id; false: none is.
 */
static bool
reference(struct request *rq, struct jw *w, struct jv item)
{
	struct store		*s = worker_state(rq->rq_wk);
	struct arena		*a = &rq->rq_arena;
	struct vault_row	 row;
	struct response_row	 r;
	struct str		 id = json_str(a, json_get(item, "id")), in;

	if (s == NULL || id.n == 0 || id.n > NAME_MAX_LEN || !may_refer(rq, 0))
		return false;
	in = responses_item_response(a, id);
	if (in.n > 0 && response_get(s, rq->rq_wk->box, tenant_of(rq), in, a,
	    &r) == 1 && may_refer(rq, r.object.n) && item_of(rq, w, r.object,
	    id))
		return true;
	if (vault_get(s, rq->rq_wk->box, tenant_of(rq), arena_strf(a,
	    "item:%.*s", STR_FMT(id)), STR("item"), a, &row) != 1 ||
	    !may_refer(rq, row.value.n))
		return false;
	element(w, row.value);
	return true;
}

static bool
is_reference(struct request *rq, struct jv item)
{
	struct jv	 type = json_get(item, "type");

	return json_type(item) == JSON_OBJECT &&
	    ((json_type(type) == JSON_STRING && str_is(json_str(
	    &rq->rq_arena, type), "item_reference")) || (!json_ok(type) &&
	    !json_ok(json_get(item, "role")) && json_ok(json_get(item, "id"))));
}

/* The input of this turn as items; what cannot be resolved stays as it is. */
static struct str
this_input(struct request *rq)
{
	struct jv	 in = json_get(json_root(&rq->rq_json), "input"), v;
	struct buf	 b;
	struct jw	 w;
	struct str	 s;

	buf_init(&b, (size_t)rq->rq_snap->max_body * 2);
	jw_init(&w, &b);
	jw_array(&w);
	if (json_type(in) == JSON_STRING) {
		jw_object(&w);
		jw_key(&w, "role");
		jw_strz(&w, "user");
		jw_key(&w, "content");
		jw_jstr(&w, json_jstr(in));
		jw_object_end(&w);
	} else if (json_type(in) == JSON_ARRAY)
		for (v = json_first(in); json_ok(v); v = json_next(v))
			if (!is_reference(rq, v) || !reference(rq, &w, v))
				element(&w, json_raw(v));
	jw_array_end(&w);
	s = arena_str(&rq->rq_arena, buf_str(&b));
	buf_release(&b);
	return s;
}

static void
whole_body(struct request *rq, const struct responses *o,
    const struct chain *c, struct buf *out)
{
	const struct conversation_item	*it;
	struct jv			 v;
	struct jw			 w;
	unsigned			 i;

	jw_init(&w, out);
	jw_object(&w);
	for (v = json_first(json_root(&rq->rq_json)); json_ok(v);
	    v = json_next(v))
		if (!json_key_is(v, "input") && !json_key_is(v,
		    "previous_response_id") && !json_key_is(v,
		    "conversation")) {
			jw_key_jstr(&w, json_jstr(json_key(v)));
			jw_raw(&w, json_raw(v));
		}
	jw_key(&w, "input");
	jw_array(&w);
	for (i = c->n; i-- > 0;) {
		elements(rq, &w, c->row[i]->input);
		output_of(rq, &w, c->row[i]->object);
	}
	for (it = c->items; it != NULL; it = it->next)
		element(&w, it->json);
	elements(rq, &w, o->input);
	jw_array_end(&w);
	jw_object_end(&w);
}

static struct str
member_str(struct request *rq, const char *name)
{
	struct jv	 v = json_get(json_root(&rq->rq_json), name);

	return json_type(v) == JSON_STRING ? json_str(&rq->rq_arena, v) :
	    STR_NONE;
}

/*
 * What a forwarded request goes on from: is it here, after all?  A conversation
 * is the provider's, even if there is one of that name here.
 */
static bool
kept_here(struct request *rq, const struct responses *o)
{
	struct store		*s = worker_state(rq->rq_wk);
	struct response_row	 r;

	return s != NULL && o->previous.n > 0 && o->previous.n <=
	    NAME_MAX_LEN && response_get(s, rq->rq_wk->box, tenant_of(rq),
	    o->previous, &rq->rq_arena, &r) == 1;
}

/* Puts what the request refers to into its body. */
static int
put_together(struct request *rq, struct responses *o, struct ir_error *err)
{
	struct chain	 c = { .n = 0 };
	struct buf	 b;

	o->whole = true;
	if (refers_to(rq, o, &c, err) == -1)
		return -1;
	o->input = this_input(rq);
	if (c.n == 0 && o->conversation.n == 0 &&
	    (rq->rq_ir.need & IR_NEED_STATE) == 0)
		return 0;
	buf_init(&b, (size_t)rq->rq_snap->max_body * 4);
	whole_body(rq, o, &c, &b);
	if (!buf_ok(&b)) {
		buf_release(&b);
		ir_error_set(err, IR_ERR_TOO_LARGE, "the whole conversation is "
		    "too large");
		return -1;
	}
	/* What was decoded before may still point into it. */
	o->old = rq->rq_body;
	rq->rq_body = b;
	return request_redecode(rq, err);
}

int
responses_recall(struct request *rq, struct ir_error *err)
{
	struct responses		*o;
	struct conversation_item	*items;

	if (rq->rq_match.dialect != &dialect_openai_responses ||
	    rq->rq_match.endpoint->op != DIALECT_GENERATE)
		return 0;
	o = rq->rq_responses = ARENA_NEW(&rq->rq_arena, struct responses);
	o->keep = rq->rq_ir.store != IR_NO;
	o->background = json_type(json_get(json_root(&rq->rq_json),
	    "background")) == JSON_TRUE;
	o->previous = member_str(rq, "previous_response_id");
	o->conversation = conversation_id(rq, json_get(json_root(
	    &rq->rq_json), "conversation"));
	if (o->conversation.n > 0 ? conversations_recall(rq, o->conversation,
	    &items) != 1 : o->previous.n == 0 ||
	    responses_native_kept(rq, o->previous) || !kept_here(rq, o))
		return 0;
	return put_together(rq, o, err);
}

/* The provider's key is for all tenants, so are the ids that it knows. */
static int
foreign(struct request *rq, const struct responses *o, struct ir_error *err)
{
	if (rq->rq_tenant == NULL)
		return 0;
	if (o->previous.n > 0)
		return not_found(err, "previous_response_id", o->previous);
	return o->conversation.n == 0 ? 0 :
	    no_conversation(err, o->conversation);
}

int
responses_resolve(struct request *rq, struct ir_error *err)
{
	struct responses	*o = rq->rq_responses;

	if (o == NULL)
		return 0;
	if (!o->whole && o->previous.n > 0 &&
	    responses_native_prefer(rq, o->previous) && rq->rq_same)
		return 0;
	if (!o->whole && rq->rq_same && !kept_here(rq, o))
		return foreign(rq, o, err);
	if (o->background && !rq->rq_same) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "'background' is not "
		    "offered for this provider: ask without it");
		ir_error_copy(err->param, sizeof(err->param),
		    STR("background"));
		return -1;
	}
	return o->whole ? 0 : put_together(rq, o, err);
}

void
responses_exchange(const struct request *rq, struct ir_exchange *x)
{
	const struct responses	*o = rq->rq_responses;

	if (o == NULL)
		return;
	if (o->talks)
		x->conversation = o->conversation;
	if (rq->rq_same)
		return;
	x->stored = o->keep;
	if (o->conversation.n == 0)
		x->previous = o->previous;
}

/* --- kept --------------------------------------------------------------------------------- */

/* For those who refer to an item whose id does not tell its response. */
static void
keep_items(struct request *rq, struct store *s, struct str response,
    struct jv output)
{
	struct vault_row	*row;
	struct str		 id;
	struct jv		 v;
	size_t			 n = 0;

	row = arena_array(&rq->rq_arena, json_count(output) + 1, sizeof(*row));
	for (v = json_first(output); json_ok(v); v = json_next(v)) {
		id = json_str(&rq->rq_arena, json_get(v, "id"));
		if (id.n == 0 || str_eq(response, responses_item_response(
		    &rq->rq_arena, id)))
			continue;
		row[n++] = (struct vault_row){ .name =
		    arena_strf(&rq->rq_arena, "item:%.*s", STR_FMT(id)),
		    .family = STR("item"), .provider = rq->rq_provider->name,
		    .model = rq->rq_route.model, .value = json_raw(v) };
	}
	if (vault_put(s, rq->rq_wk->box, tenant_of(rq), row, n) == -1)
		failed(rq, "kept", s);
}

static void
response_keep(struct request *rq, struct str object, struct jv output)
{
	struct responses	*o = rq->rq_responses;
	struct store		*s = worker_state_put(rq->rq_wk);
	struct response_row	 r;

	r = (struct response_row){ .id = rq->rq_x.wrote.id,
	    .previous = o->previous, .time_us = rq->rq_wall_us,
	    .object = object, .input = o->input };
	if (s == NULL || response_put(s, rq->rq_wk->box, tenant_of(rq),
	    &r) == -1)
		failed(rq, "kept", s);
	else
		keep_items(rq, s, r.id, output);
}

/* In its own dialect a provider keeps the response, but not the conversation. */
static bool
keeps(const struct request *rq)
{
	const struct responses	*o = rq->rq_responses;

	return o != NULL && !o->kept && (o->talks ||
	    (o->keep && !rq->rq_same));
}

/* Of what was written here only the output is read again. */
static int
output_parse(struct request *rq, struct str object, struct json *j,
    struct jv *output)
{
	const struct ir_exchange	*x = &rq->rq_x;
	struct json_error		 je;

	if (!rq->rq_same) {
		if (object.n < x->wrote.end)
			return -1;
		object = (struct str){ object.p + x->wrote.at,
		    x->wrote.end - x->wrote.at };
	}
	if (json_parse(j, object, &je) == -1)
		return -1;
	*output = rq->rq_same ? json_get(json_root(j), "output") :
	    json_root(j);
	return 0;
}

void
responses_keep(struct request *rq, struct str object)
{
	struct responses	*o = rq->rq_responses;
	struct json		 j;
	struct jv		 output;

	if (!keeps(rq))
		return;
	o->kept = true;
	/* Failed over from a provider that keeps them itself. */
	if (o->input.n == 0)
		o->input = this_input(rq);
	json_init(&j);
	if (output_parse(rq, object, &j, &output) == -1) {
		failed(rq, "kept", NULL);
		json_release(&j);
		return;
	}
	if (o->keep && !rq->rq_same)
		response_keep(rq, object, output);
	if (o->talks)
		conversations_say(rq, o->conversation, o->input, output);
	json_release(&j);
}

/* A stream has no body: it is folded beside it, and kept before its end. */
void
responses_event(struct request *rq, const struct ir_event *ev)
{
	struct responses	*o = rq->rq_responses;
	struct buf		 b;

	if (o == NULL)
		return;
	if (rq->rq_same && o->keep && ev->type == IR_EV_START)
		responses_native_note(rq, ev->id);
	if (!keeps(rq) || !rq->rq_ir.stream)
		return;
	if (ev->type == IR_EV_START && !o->folding) {
		ir_response_init(&o->fold, &rq->rq_arena,
		    REQUEST_ANSWER_MAX);
		o->folding = true;
	}
	if (!o->folding || ir_response_fold(&o->fold, ev) == -1) {
		o->keep = o->talks = false;
		return;
	}
	if (ev->type != IR_EV_END)
		return;
	buf_init(&b, REQUEST_ANSWER_MAX * 2);
	rq->rq_client->body_encode(&rq->rq_x, &o->fold, &b);
	responses_keep(rq, buf_ok(&b) ? buf_str(&b) : STR_NONE);
	buf_release(&b);
}

void
responses_end(struct request *rq)
{
	struct responses	*o = rq->rq_responses;

	if (o == NULL)
		return;
	if (o->folding)
		ir_response_release(&o->fold);
	buf_release(&o->old);
	rq->rq_responses = NULL;
}

/* --- read and deleted ------------------------------------------------------------------------ */

static void
reply(struct request *rq, struct buf *b)
{
	request_done(rq, "done");
	request_reply(rq, 200, "application/json", b);
	buf_release(b);
}

static void
refuse(struct request *rq, enum ir_errkind kind, const char *text)
{
	struct ir_error	 err;

	ir_error_set(&err, kind, "%s", text);
	request_fail(rq, &err);
}

static bool
load(struct request *rq, struct response_row *r)
{
	struct store	*s = worker_state(rq->rq_wk);
	struct str	 id = rq->rq_match.model;
	struct ir_error	 err;
	int		 rc;

	rc = s == NULL || id.n > NAME_MAX_LEN ? -1 : response_get(s,
	    rq->rq_wk->box, tenant_of(rq), id, &rq->rq_arena, r);
	if (rc == 1)
		return true;
	if (rc == -1)
		failed(rq, "read", s);
	(void)not_found(&err, "response_id", id);
	err.kind = IR_ERR_NOT_FOUND;
	err.status = 404;
	request_fail(rq, &err);
	return false;
}

static void
serve_get(struct request *rq)
{
	struct response_row	 r;
	struct buf		 b;

	if (!load(rq, &r))
		return;
	if (responses_asks_stream(rq)) {
		refuse(rq, IR_ERR_BAD_REQUEST, "'stream' is only for a response "
		    "that was made with background and stream set to true");
		return;
	}
	buf_init(&b, REQUEST_ANSWER_MAX);
	(void)buf_adds(&b, r.object);
	reply(rq, &b);
}

static void
serve_delete(struct request *rq)
{
	struct store		*s = worker_state(rq->rq_wk);
	struct response_row	 r;
	struct buf		 b;
	struct jw		 w;

	if (!load(rq, &r))
		return;
	if (response_delete(s, tenant_of(rq), r.id) == -1) {
		failed(rq, "deleted", s);
		refuse(rq, IR_ERR_UNAVAILABLE, "it cannot be deleted now");
		return;
	}
	buf_init(&b, 4096);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "id");
	jw_str(&w, r.id);
	jw_key(&w, "object");
	jw_strz(&w, "response.deleted");
	jw_key(&w, "deleted");
	jw_bool(&w, true);
	jw_object_end(&w);
	reply(rq, &b);
}

static struct str
item_id(struct request *rq, struct str response, struct jv item, size_t i)
{
	struct str	 id = json_str(&rq->rq_arena, json_get(item, "id"));

	if (id.n > 0)
		return id;
	return arena_strf(&rq->rq_arena, "msg_%016llx%04zx",
	    (unsigned long long)hash64(response, 1), i);
}

static void
serve_items(struct request *rq)
{
	struct response_row	 r;
	struct json		 j;
	struct json_error	 je;
	struct items_page	 p;
	struct item		*list;
	struct buf		 b;
	struct jw		 w;
	struct jv		 v;
	size_t			 n = 0;

	if (!items_page_of(rq, &p) || !load(rq, &r))
		return;
	json_init(&j);
	if (json_parse(&j, r.input, &je) == -1)
		n = 0;
	list = arena_array(&rq->rq_arena, json_count(json_root(&j)) + 1,
	    sizeof(*list));
	for (v = json_first(json_root(&j)); json_ok(v); v = json_next(v), n++)
		list[n] = (struct item){ item_id(rq, r.id, v, n), v };
	buf_init(&b, REQUEST_ANSWER_MAX);
	jw_init(&w, &b);
	items_write(rq, &w, &p, list, n);
	json_release(&j);
	reply(rq, &b);
}

static void
serve_cancel(struct request *rq)
{
	struct response_row	 r;

	if (load(rq, &r))
		refuse(rq, IR_ERR_BAD_REQUEST, "only a response with "
		    "background set to true can be cancelled; this one is "
		    "complete");
}

bool
responses_serve(struct request *rq)
{
	enum dialect_op	 op = rq->rq_match.endpoint == NULL ?
			    DIALECT_GENERATE : rq->rq_match.endpoint->op;

	if (op > DIALECT_STATE_CANCEL)
		return conversations_serve(rq);
	if (op >= DIALECT_STATE_GET && responses_native_serve(rq))
		return true;
	switch (op) {
	case DIALECT_STATE_GET:
		serve_get(rq);
		return true;
	case DIALECT_STATE_DELETE:
		serve_delete(rq);
		return true;
	case DIALECT_STATE_ITEMS:
		serve_items(rq);
		return true;
	case DIALECT_STATE_CANCEL:
		serve_cancel(rq);
		return true;
	default:
		return false;
	}
}
