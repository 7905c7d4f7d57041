/*
 * The paths that are no model's: health, documentation, key statistics, lists
 * of models.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/served.h"
#include "proxyd/request.h"

static void
api_json(struct request *rq, struct buf *b)
{
	request_done(rq, "done");
	request_reply(rq, 200, "application/json", b);
}

static void
api_root(struct request *rq)
{
	struct buf	 b;
	struct jw	 w;

	buf_init(&b, 1 << 10);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "name");
	jw_strz(&w, "proxyd");
	jw_key(&w, "docs");
	jw_strz(&w, "/docs");
	jw_object_end(&w);
	api_json(rq, &b);
	buf_release(&b);
}

static void
api_healthz(struct request *rq)
{
	struct buf	 b;
	struct jw	 w;

	buf_init(&b, 1 << 10);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "status");
	jw_strz(&w, rq->rq_wk->draining ? "draining" : "ok");
	jw_key(&w, "generation");
	jw_int(&w, (int64_t)rq->rq_snap->generation);
	jw_key(&w, "worker");
	jw_int(&w, rq->rq_wk->slot);
	jw_object_end(&w);
	api_json(rq, &b);
	buf_release(&b);
}

/* --- statistics of keys ----------------------------------------------------------- */

static void
stats_status(struct jw *w, const struct shm_keysum *s)
{
	char		 code[16];
	unsigned	 i;

	jw_key(w, "status_codes");
	jw_object(w);
	for (i = 0; i < SHM_STATUSES; i++) {
		if (s->status[i] == 0)
			continue;
		snprintf(code, sizeof(code), "%d", shm_status_of(i));
		jw_key(w, i == 0 ? "no_answer" : code);
		jw_int(w, (int64_t)s->status[i]);
	}
	jw_object_end(w);
}

static void
stats_rate(struct jw *w, uint64_t ok, uint64_t total)
{
	char	 rate[32];

	jw_key(w, "success_rate");
	if (total == 0) {
		jw_null(w);
		return;
	}
	snprintf(rate, sizeof(rate), "%.4f", (double)ok / (double)total);
	jw_raw(w, str_of(rate));
}

static void
stats_key(struct request *rq, struct jw *w, const struct snap_key *k)
{
	struct shm_keysum	 s;
	char			 when[CLOCK_RFC3339_LEN];

	shm_key_sum(rq->rq_wk->shm, k->slot, &s);
	jw_object(w);
	jw_key(w, "total_requests");
	jw_int(w, (int64_t)(s.ok + s.failed));
	jw_key(w, "successful_requests");
	jw_int(w, (int64_t)s.ok);
	jw_key(w, "failed_requests");
	jw_int(w, (int64_t)s.failed);
	stats_rate(w, s.ok, s.ok + s.failed);
	jw_key(w, "last_used");
	if (s.last_us == 0)
		jw_null(w);
	else
		jw_strz(w, clock_rfc3339(s.last_us, when));
	stats_status(w, &s);
	jw_key(w, "in_flight");
	jw_int(w, (int64_t)s.inflight);
	jw_key(w, "key_id");
	jw_int(w, k->id);
	jw_object_end(w);
}

/* Two keys of a pool may look the same when masked. */
static void
stats_name(struct jw *w, const struct snap_key *keys, unsigned n, unsigned i)
{
	char		 name[SECRET_MASK_LEN + 32];
	unsigned	 j;

	for (j = 0; j < n; j++)
		if (j != i && str_is(str_of(keys[j].mask), keys[i].mask))
			break;
	if (j == n)
		snprintf(name, sizeof(name), "%s", keys[i].mask);
	else
		snprintf(name, sizeof(name), "%s#%lld", keys[i].mask,
		    (long long)keys[i].id);
	jw_key_str(w, str_of(name));
}

/* A tenant's keys are nobody else's business; the operator sees them all. */
static bool
stats_shown(const struct request *rq, const struct snap_key *k)
{
	return rq->rq_operator || permit_key(request_permit(rq), rq->rq_snap,
	    k);
}

static void
stats_provider(struct request *rq, struct jw *w,
    const struct snap_provider *p)
{
	const struct snap_key	*keys = rq->rq_snap->keys + p->first_key;
	unsigned		 k;
	bool			 any = false;

	for (k = 0; k < p->nkeys; k++) {
		if (!stats_shown(rq, &keys[k]))
			continue;
		if (!any) {
			jw_key_str(w, p->name);
			jw_object(w);
		}
		any = true;
		stats_name(w, keys, p->nkeys, k);
		stats_key(rq, w, &keys[k]);
	}
	if (any)
		jw_object_end(w);
}

static void
api_stats(struct request *rq)
{
	const struct snapshot	*s = rq->rq_snap;
	struct buf		 b;
	struct jw		 w;
	unsigned		 i;

	buf_init(&b, 4 << 20);
	jw_init(&w, &b);
	jw_object(&w);
	for (i = 0; i < s->nproviders; i++)
		stats_provider(rq, &w, &s->providers[i]);
	jw_object_end(&w);
	api_json(rq, &b);
	buf_release(&b);
}

/* --- models ------------------------------------------------------------------------- */

static struct ir_model *
models_list(struct request *rq, size_t *n)
{
	return served_models(&rq->rq_arena, rq->rq_snap, request_permit(rq),
	    n);
}

static void
api_models(struct request *rq)
{
	struct ir_model	*m;
	struct buf	 b;
	size_t		 n;

	m = models_list(rq, &n);
	buf_init(&b, 4 << 20);
	rq->rq_client->models_encode(m, n, &b);
	api_json(rq, &b);
	buf_release(&b);
}

static void
api_model(struct request *rq)
{
	struct ir_model	*m;
	struct ir_error	 err;
	struct buf	 b;
	size_t		 i, n;

	m = models_list(rq, &n);
	for (i = 0; i < n; i++)
		if (str_eq(m[i].id, rq->rq_match.model))
			break;
	if (i == n) {
		ir_error_set(&err, IR_ERR_NOT_FOUND, "no model '%.*s' in the "
		    "list of models", STR_FMT(rq->rq_match.model));
		request_fail(rq, &err);
		return;
	}
	buf_init(&b, 64 << 10);
	rq->rq_client->model_encode(&m[i], &b);
	api_json(rq, &b);
	buf_release(&b);
}

/* --- the table ---------------------------------------------------------------------- */

static const struct {
	const char	*path;
	void		(*serve)(struct request *);
	bool		 open;		/* for anyone */
} api_paths[] = {
	{ "/", api_root, true },
	{ "/healthz", api_healthz, true },
	{ "/docs", docs_serve, true },
	{ "/openapi.json", docs_serve, true },
	{ "/v1/api-keys/stats", api_stats, false },
};
#define API_PATHS	(sizeof(api_paths) / sizeof(*api_paths))

static int
api_find(struct str path)
{
	size_t	 i;

	for (i = 0; i < API_PATHS; i++)
		if (str_is(path, api_paths[i].path))
			return (int)i;
	return docs_has(path) ? api_find(STR("/docs")) : -1;
}

bool
api_has(struct str path)
{
	return api_find(path) >= 0;
}

bool
api_is_public(struct str method, struct str path)
{
	int	 i = api_find(path);

	return i >= 0 && api_paths[i].open &&
	    (str_is(method, "GET") || str_is(method, "HEAD"));
}

bool
api_serve(struct request *rq)
{
	int	 i;

	if (rq->rq_match.endpoint == NULL) {
		i = api_find(call_path(rq->rq_call));
		must(i >= 0);
		api_paths[i].serve(rq);
		return true;
	}
	switch (rq->rq_match.endpoint->op) {
	case DIALECT_MODELS:
		api_models(rq);
		return true;
	case DIALECT_MODEL:
		api_model(rq);
		return true;
	default:
		return false;
	}
}
