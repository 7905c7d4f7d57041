/*
 * Requests of the operator.
 */
#include "base/codec.h"
#include "proxyd/operator.h"
#include "proxyd/request.h"
#include "state/secret.h"

#define TOKEN	"x-proxyd-operator"
#define TARGET	"x-proxyd-target"
#define KEY	"x-proxyd-key"

enum operator_is
operator_who(struct request *rq, const char **why)
{
	struct http_call	*c = rq->rq_call;
	struct str		 token = str_of(rq->rq_wk->shm->operator_token);
	struct str		 given = str_of(call_header(c, TOKEN));

	if (call_header_count(c, TOKEN) == 0) {
		*why = TARGET " and " KEY " are for the operator's requests";
		return call_header_count(c, TARGET) == 0 &&
		    call_header_count(c, KEY) == 0 ? OPERATOR_NOT :
		    OPERATOR_DENIED;
	}
	*why = "the header " TOKEN " is not valid: it is for the management "
	    "server of this machine";
	if (!call_peer_here(c) || call_header_count(c, TOKEN) > 1 ||
	    call_header_count(c, TARGET) > 1 ||
	    call_header_count(c, KEY) > 1 ||
	    call_header(c, "Origin") != NULL ||
	    call_header(c, "Forwarded") != NULL ||
	    call_header(c, "X-Forwarded-For") != NULL ||
	    token.n == 0 || !secret_equal(given, token))
		return OPERATOR_DENIED;
	rq->rq_operator = true;
	return OPERATOR_IS;
}

/* rq_only, of whatever provider it is. */
static int
only_find(struct request *rq, struct str id, struct ir_error *err)
{
	const struct snapshot	*s = rq->rq_snap;
	int64_t			 want;
	unsigned		 i;

	if (str_to_int(id, 1, INT64_MAX, &want) == 0)
		for (i = 0; i < s->nkeys; i++)
			if (s->keys[i].id == want) {
				rq->rq_only = &s->keys[i];
				return 0;
			}
	ir_error_set(err, IR_ERR_NOT_FOUND, "the header " KEY ": there is no "
	    "key '%.*s'", STR_FMT(id));
	return -1;
}

int
operator_plan(struct request *rq, struct plan *p, struct ir_error *err)
{
	struct str	 model = str_of(call_header(rq->rq_call, TARGET));
	struct str	 key = str_of(call_header(rq->rq_call, KEY)), name;
	int		 provider;

	if (!rq->rq_operator || (model.n == 0 && key.n == 0))
		return 0;
	if (key.n > 0 && only_find(rq, key, err) == -1)
		return -1;
	name = str_cut(&model, '/');
	provider = name.n > 0 ? snapshot_provider(rq->rq_snap, name) :
	    (int)rq->rq_only->provider;
	if (provider == -1) {
		ir_error_set(err, IR_ERR_NOT_FOUND, "the header " TARGET
		    ": there is no provider '%.*s'", STR_FMT(name));
		return -1;
	}
	if (rq->rq_only != NULL &&
	    rq->rq_only->provider != (unsigned)provider) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "the header " KEY
		    ": the key is not of provider '%.*s'", STR_FMT(name));
		return -1;
	}
	p->n = 1;
	p->step[0].pool = (unsigned)provider;
	p->step[0].route = (struct route){ .provider = (unsigned)provider,
	    .model = model.n > 0 ? arena_str(&rq->rq_arena, model) :
	    rq->rq_ir.model, .mode = CONF_TRANSFORMER, .why = "operator" };
	return 1;
}
