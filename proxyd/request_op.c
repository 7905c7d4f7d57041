/*
 * Counting tokens and embeddings: requests that get one whole body and no
 * events.  Keys, attempts, rows and errors are those of any request; here is
 * what is decoded, sent, and made of the answer.
 */
#include "base/log.h"
#include "proxyd/request.h"
#include "wire/estimate.h"
#include "wire/ops.h"

struct op {
	bool		 count;		/* tokens; else embeddings */
	bool		 inner;		/* what is counted is a member */
	bool		 ready;		/* decoded and routed */
	bool		 estimated;
	bool		 unread;	/* direct mode: not understood */
	struct embed	 embed;
	struct embed	 part;		/* what is asked for at once */
	struct embed_vector *v;		/* of the parts before */
	size_t		 have;
	int64_t		 tokens;	/* of them; -1: not said */
};

#define COUNT_OUT_MAX	(4u << 10)

bool
op_begin(struct request *rq)
{
	enum dialect_op	 op = rq->rq_match.endpoint->op;

	if (op != DIALECT_COUNT && op != DIALECT_EMBED &&
	    op != DIALECT_EMBED_BATCH)
		return false;
	rq->rq_op = ARENA_NEW(&rq->rq_arena, struct op);
	rq->rq_op->count = op == DIALECT_COUNT;
	rq->rq_op->embed.single = op == DIALECT_EMBED;
	return true;
}

bool
op_estimated(const struct request *rq)
{
	return rq->rq_op != NULL && rq->rq_op->estimated;
}

bool
op_is_free(const struct request *rq)
{
	return rq->rq_op != NULL && rq->rq_op->count;
}

const struct embed *
op_embed(const struct request *rq)
{
	return rq->rq_op == NULL || rq->rq_op->count ? NULL :
	    &rq->rq_op->embed;
}

int64_t
op_input(const struct request *rq)
{
	if (op_is_free(rq))
		return 0;
	return route_tokens(&rq->rq_ask);
}

/* --- what was asked ------------------------------------------------------------- */

/*
 * The request that is to be counted need not say all that one for an answer
 * must: max_tokens is no matter of the input.
 */
static int
count_decode(struct request *rq, struct ir_error *err)
{
	const struct dialect	*d = rq->rq_match.dialect;
	struct ir_request	*ir = &rq->rq_ir;
	struct json_error	 je;
	struct jv		 v = JV_NONE;

	if (d->count->inner != NULL)
		v = d->count->inner(json_root(&rq->rq_json));
	if (json_type(v) == JSON_OBJECT) {
		rq->rq_op->inner = true;
		if (json_parse(&rq->rq_json, json_raw(v), &je) == -1) {
			ir_error_set(err, IR_ERR_BAD_REQUEST,
			    "the request to be counted: %s", je.what);
			return -1;
		}
	}
	ir->lenient = d == &dialect_anthropic;
	if (d->request_decode(ir, err) == -1)
		return -1;
	ir->stream = false;
	return 0;
}

static int
embed_decode(struct request *rq, struct ir_error *err)
{
	struct embed	*e = &rq->rq_op->embed;

	e->from = rq->rq_match.dialect;
	e->arena = &rq->rq_arena;
	e->json = &rq->rq_json;
	e->path_model = rq->rq_match.model;
	e->loss = &rq->rq_loss;
	rq->rq_op->unread = e->from->embed->decode(e, err) == -1;
	rq->rq_ir.model = e->model;
	return rq->rq_op->unread ? -1 : 0;
}

int
op_decode(struct request *rq, struct ir_error *err)
{
	return rq->rq_op->count ? count_decode(rq, err) :
	    embed_decode(rq, err);
}

/* --- what is sent --------------------------------------------------------------- */

static struct str
op_model(const struct request *rq)
{
	return rq->rq_route.mode == CONF_DIRECT ? rq->rq_ir.model :
	    rq->rq_route.model;
}

/* The bytes of the client, but for the model's name. */
static void
count_forward(struct request *rq)
{
	if (rq->rq_op->inner)
		rq->rq_target->count->body(&rq->rq_x.target,
		    json_root(&rq->rq_json), &rq->rq_send);
	else
		dialect_splice(&rq->rq_ir, op_model(rq), false,
		    &rq->rq_send);
}

/* As a request for an answer in the provider's dialect, and what counts of it. */
static int
count_encode(struct request *rq, struct ir_error *err)
{
	struct buf	 whole;
	struct json	 j;
	int		 res = -1;

	buf_init(&whole, rq->rq_send.max);
	json_init(&j);
	if (rq->rq_target->request_encode(&rq->rq_x, &whole, err) == 0) {
		if (!buf_ok(&whole) ||
		    json_parse(&j, buf_str(&whole), NULL) == -1)
			ir_error_set(err, IR_ERR_TOO_LARGE,
			    "the translated body is too large");
		else {
			rq->rq_target->count->body(&rq->rq_x.target,
			    json_root(&j), &rq->rq_send);
			res = 0;
		}
	}
	json_release(&j);
	buf_release(&whole);
	return res;
}

/* Answers with an estimate; why goes into the loss report. */
static void
count_estimate(struct request *rq, const char *why)
{
	struct buf	 b;
	int64_t		 n;

	n = ir_estimate_for(&rq->rq_ir, rq->rq_target, op_model(rq));
	rq->rq_op->estimated = true;
	loss_add(&rq->rq_loss, LOSS_APPROXIMATED,
	    STR("response.input_tokens"), why);
	buf_init(&b, COUNT_OUT_MAX);
	rq->rq_client->count->write(n, &b);
	request_done(rq, "done");
	/* Headers of a failure are not this answer's. */
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	request_reply(rq, 200, "application/json", &b);
	buf_release(&b);
}

/* OpenAI counts for Chat's models where Responses are at home. */
static void
count_target(struct request *rq)
{
	const struct dialect	*d;

	if (rq->rq_target == NULL || rq->rq_target->count != NULL)
		return;
	d = dialect_byname(route_dialect(rq->rq_provider,
	    str_of(dialect_openai_responses.name)));
	if (d != NULL && d->count != NULL)
		rq->rq_target = rq->rq_x.target.dialect = d;
}

static int
count_translate(struct request *rq, struct ir_error *err)
{
	count_target(rq);
	if (rq->rq_target == NULL || rq->rq_target->count == NULL) {
		count_estimate(rq, "estimated: the provider counts no tokens");
		return 1;
	}
	rq->rq_same = rq->rq_target == rq->rq_client;
	rq->rq_op->ready = true;
	if (rq->rq_same)
		count_forward(rq);
	else if (count_encode(rq, err) == -1)
		return -1;
	return 0;
}

/* The next of several requests, where the provider takes so many texts. */
static int
embed_part(struct request *rq, struct ir_error *err)
{
	struct op	*op = rq->rq_op;
	size_t		 max = rq->rq_target->embed->max;
	size_t		 left = op->embed.n - op->have;

	op->part.n = left < max ? left : max;
	buf_clear(&rq->rq_send);
	return rq->rq_target->embed->encode(&op->part, &rq->rq_x.target,
	    &rq->rq_send, err);
}

static int
embed_translate(struct request *rq, struct ir_error *err)
{
	struct embed	*e = &rq->rq_op->embed;

	if (rq->rq_target == NULL || rq->rq_target->embed == NULL) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "provider '%s' (%s) has "
		    "no embeddings: route model '%.*s' to another one",
		    rq->rq_provider->name.p, rq->rq_target == NULL ?
		    "the mock" : rq->rq_target->title,
		    STR_FMT(rq->rq_ir.model));
		ir_error_copy(err->param, sizeof(err->param), STR("model"));
		return -1;
	}
	rq->rq_same = rq->rq_target->embed == e->from->embed;
	if (rq->rq_same && (rq->rq_ir.path_model.n == 0 ||
	    str_eq(rq->rq_ir.model, op_model(rq)))) {
		dialect_splice(&rq->rq_ir, op_model(rq), false, &rq->rq_send);
		return 0;
	}
	rq->rq_op->part = *e;
	return embed_part(rq, err);
}

/* An estimate looks at no media, and embeddings have none. */
bool
op_fetches(const struct request *rq)
{
	return rq->rq_op->count && rq->rq_target->count != NULL &&
	    rq->rq_target != rq->rq_client;
}

int
op_translate(struct request *rq, struct ir_error *err)
{
	int	 r = rq->rq_op->count ? count_translate(rq, err) :
		    embed_translate(rq, err);

	if (r == 0 && !buf_ok(&rq->rq_send)) {
		ir_error_set(err, IR_ERR_TOO_LARGE,
		    "the translated body is too large");
		return -1;
	}
	if (r == 0 && !rq->rq_same)
		rq->rq_wk->row->stat.translated++;
	return r;
}

void
op_path(const struct request *rq, struct buf *b)
{
	if (rq->rq_op->count)
		rq->rq_target->count->path(&rq->rq_x.target, b);
	else
		rq->rq_target->embed->path(&rq->rq_op->embed,
		    &rq->rq_x.target, b);
}

/* --- what comes back ------------------------------------------------------------ */

/* The answer as the client is to have it: the provider's bytes, or out. */
static int
count_answer(struct request *rq, struct jv root, struct buf *out)
{
	int64_t	 n;

	if (rq->rq_target->count->read(root, &n) == -1)
		return -1;
	if (!rq->rq_same)
		rq->rq_client->count->write(n, out);
	return 0;
}

/*
 * Keeps what a part of the answer holds, in the client's form.  true: there is
 * more to ask for; false: *a is the answer to all of it.
 */
static bool
embed_keep(struct request *rq, struct embed_answer *a)
{
	struct op	*op = rq->rq_op;
	struct buf	 b;
	size_t		 i;

	if (op->have == 0 && a->n == op->embed.n)
		return false;
	if (op->have == 0)
		op->v = arena_array(&rq->rq_arena, op->embed.n,
		    sizeof(*op->v));
	buf_init(&b, REQUEST_ANSWER_MAX);
	for (i = 0; i < a->n; i++) {
		buf_clear(&b);
		embed_vector_write(&a->v[i], op->embed.base64, &b);
		op->v[op->have++].text = arena_str(&rq->rq_arena,
		    buf_str(&b));
		if (op->part.texts != NULL)
			op->part.texts = op->part.texts->next;
	}
	buf_release(&b);
	op->tokens = a->tokens < 0 || op->tokens < 0 ? -1 :
	    ir_usage_sum(op->tokens, a->tokens);
	a->v = op->v;
	a->n = op->have;
	a->tokens = op->tokens;
	return op->have < op->embed.n;
}

/* 0: out is the answer; 1: another part is to be asked for. */
static int
embed_answer(struct request *rq, struct jv root, struct buf *out)
{
	struct embed		*e = &rq->rq_op->embed;
	struct embed_answer	 a = { .tokens = -1 };

	if (rq->rq_op->unread)
		return 0;
	if (rq->rq_target->embed->read(rq->rq_same ? e : &rq->rq_op->part,
	    root, &a) == -1)
		return -1;
	if (!rq->rq_same && embed_keep(rq, &a))
		return 1;
	a.model = arena_str(&rq->rq_arena, a.model);
	rq->rq_acct.s[ACCT_MODEL_ANSWERED] = a.model;
	if (a.tokens >= 0)
		rq->rq_acct.f.input = ir_usage_clamp(a.tokens);
	if (rq->rq_same)
		return 0;
	if (a.tokens < 0 && rq->rq_client == &dialect_openai_chat) {
		a.tokens = embed_estimate(e);
		rq->rq_op->estimated = true;
		loss_add(&rq->rq_loss, LOSS_APPROXIMATED,
		    STR("response.usage"), "estimated: the provider did not "
		    "say it");
	}
	if (a.model.n == 0)
		a.model = op_model(rq);
	e->from->embed->write(e, &a, out);
	return buf_ok(out) ? 0 : -1;
}

static void
embed_more(struct request *rq)
{
	struct ir_error	 err;

	try_end(rq, rq->rq_up->up_status, true, "a part");
	upstream_close(rq->rq_up);
	rq->rq_up = NULL;
	rq->rq_call_tries = 0;
	memset(rq->rq_tried, 0, rq->rq_snap->nkeys * sizeof(bool));
	if (embed_part(rq, &err) == -1)
		request_fail(rq, &err);
	else
		try_next(rq);
}

/* Not what was asked for: an error under 200, or nonsense. */
static void
op_garbled(struct request *rq)
{
	struct upstream	*up = rq->rq_up;
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "provider '%s' sent an answer that "
	    "cannot be read", rq->rq_provider->name.p);
	if (up->up_fault != UPSTREAM_OK)
		ir_error_set(&err, IR_ERR_UPSTREAM, "provider '%s' broke off: "
		    "%s", rq->rq_provider->name.p, up->up_error);
	else {
		try_hide_key(rq, up->up_in.data, up->up_in.len);
		rq->rq_target->error_decode(&rq->rq_arena,
		    buf_str(&up->up_in), &err);
	}
	try_failed(rq, up->up_status, &err);
}

void
op_answer(struct request *rq)
{
	struct upstream	*up = rq->rq_up;
	struct buf	 out;
	struct json	 j;
	struct jv	 root;
	int		 r = -1;

	buf_init(&out, REQUEST_ANSWER_MAX * 2);
	json_init(&j);
	if (up->up_fault == UPSTREAM_OK &&
	    json_parse(&j, buf_str(&up->up_in), NULL) == 0) {
		root = json_root(&j);
		r = rq->rq_op->count ? count_answer(rq, root, &out) :
		    embed_answer(rq, root, &out);
	}
	json_release(&j);
	if (r == -1)
		op_garbled(rq);
	else if (r == 1)
		embed_more(rq);
	else {
		try_end(rq, up->up_status, true, "ok");
		request_done(rq, "done");
		request_reply(rq, 200, "application/json", rq->rq_same ?
		    &up->up_in : &out);
	}
	buf_release(&out);
}

/*
 * A counter that fails is no reason to leave the client without a number, but
 * a request that the provider refuses would be refused later, too.
 */
bool
op_instead(struct request *rq, const struct ir_error *err)
{
	struct op	*op = rq->rq_op;

	if (op == NULL || !op->count || !op->ready || op->estimated)
		return false;
	if (rq->rq_same && (err->kind == IR_ERR_BAD_REQUEST ||
	    err->kind == IR_ERR_TOO_LARGE))
		return false;
	request_log(rq, "its counter failed (%d): the count is estimated",
	    err->upstream);
	count_estimate(rq, "estimated: the provider's counter failed");
	return true;
}
