/*
 * Reasoning state of a request: what is taken of its answer, and what an
 * earlier answer left for it.  In the same dialect the client carries it
 * himself.
 */
#include "base/log.h"
#include "proxyd/request.h"
#include "state/statedb.h"
#include "wire/answer_loss.h"
#include "wire/vault.h"

#define ROWS_MAX	512

static int64_t
tenant_of(const struct request *rq)
{
	return rq->rq_tenant == NULL ? 0 : rq->rq_tenant->id;
}

static void
failed(struct request *rq, const char *what, struct store *s)
{
	rq->rq_wk->row->stat.state_errors++;
	log_warnx("%s: reasoning state cannot be %s: %s", rq->rq_id, what,
	    s == NULL ? "state.db is not open" : store_error(s));
}

/* --- put back -------------------------------------------------------------------------- */

struct finding {
	struct request	*rq;
	struct store	*s;		/* being read; NULL: not yet */
};

/* A long conversation asks for hundreds of names: one lock is for all. */
static bool
any_cb(void *arg)
{
	struct finding	*fi = arg;
	struct store	*s = worker_state(fi->rq->rq_wk);
	int		 rc = -1;

	if (s == NULL)
		return false;
	if (statedb_read_begin(s) == 0) {
		fi->s = s;
		rc = vault_any(s, tenant_of(fi->rq));
	}
	if (rc == -1)
		failed(fi->rq, "read", s);
	return rc == 1;
}

static bool
find_cb(void *arg, struct str name, struct vault_found *f)
{
	struct finding		*fi = arg;
	struct request		*rq = fi->rq;
	struct vault_row	 row;
	int			 rc;

	rc = vault_get(fi->s, rq->rq_wk->box, tenant_of(rq), name,
	    str_of(rq->rq_target->name), &rq->rq_arena, &row);
	if (rc == -1)
		failed(rq, "read", fi->s);
	if (rc != 1)
		return false;
	f->family = row.family;
	f->value = row.value;
	if (rq->rq_key_hint == 0)
		rq->rq_key_hint = row.key_id;
	return true;
}

static bool
applies(const struct request *rq)
{
	return rq->rq_target != NULL && rq->rq_target != rq->rq_match.dialect &&
	    rq->rq_match.endpoint->op == DIALECT_GENERATE;
}

void
request_vault_restore(struct request *rq)
{
	struct finding	 fi = { .rq = rq };

	if (!applies(rq))
		return;
	(void)vault_restore(&rq->rq_ir, rq->rq_target, &rq->rq_loss, any_cb,
	    find_cb, &fi);
	if (fi.s != NULL)
		statedb_read_end(fi.s);
}

/* --- taken ------------------------------------------------------------------------------- */

void
request_vault_begin(struct request *rq)
{
	rq->rq_vaulted = false;
	if (!applies(rq))
		return;
	if (rq->rq_taker == NULL)
		rq->rq_taker = ARENA_NEW(&rq->rq_arena, struct vault_taker);
	else
		vault_taker_release(rq->rq_taker);
	vault_taker_init(rq->rq_taker, &rq->rq_arena, &rq->rq_ir);
}

void
request_vault_end(struct request *rq)
{
	if (rq->rq_taker != NULL)
		vault_taker_release(rq->rq_taker);
	rq->rq_taker = NULL;
}

/* Before the end goes out: the next turn may be on its way at once. */
static void
save(struct request *rq)
{
	struct vault_taker	*v = rq->rq_taker;
	struct vault_row	*row;
	struct vault_item	*it;
	struct store		*s;
	size_t			 n = 0;

	if (v->n == 0 || v->spoiled)
		return;
	s = worker_state_put(rq->rq_wk);
	row = arena_array(&rq->rq_arena, v->n, sizeof(*row));
	for (it = v->first; it != NULL && n < ROWS_MAX; it = it->next)
		row[n++] = (struct vault_row){ .name = it->name,
		    .family = str_of(rq->rq_target->name),
		    .provider = rq->rq_provider->name,
		    .model = rq->rq_route.model,
		    .key_id = rq->rq_key == NULL ? 0 : rq->rq_key->id,
		    .value = it->value };
	if (s == NULL || vault_put(s, rq->rq_wk->box, tenant_of(rq), row,
	    n) == -1)
		failed(rq, "kept", s);
	else
		rq->rq_vaulted = true;
}

void
request_vault_event(struct request *rq, const struct ir_event *ev)
{
	if (rq->rq_taker == NULL)
		return;
	vault_take(rq->rq_taker, ev);
	if (ev->type == IR_EV_END)
		save(rq);
}

/* What is kept is not lost. */
void
request_vault_loss(struct request *rq)
{
	if (rq->rq_vaulted)
		loss_remove_why(&rq->rq_loss, answer_state_why);
}
