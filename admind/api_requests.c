/*
 * Requests in flight, as proxyd's shared memory shows them, and their end.
 */
#include "admind/api.h"
#include "base/clock.h"
#include "state/daemon.h"
#include "state/live_json.h"

#define ASK_MS		2000

struct listing {
	json_t	*list;
	int64_t	 now_us;
};

static void
one_cb(void *arg, const struct live_now *now)
{
	struct listing	*l = arg;

	json_array_append_new(l->list, live_json(now, l->now_us));
}

static void
serve_requests(struct api *a)
{
	struct listing		 l = { json_array(), clock_wall_us() };
	const struct shm	*m;
	unsigned		 i;
	int64_t			 n = 0;

	if ((m = daemon_shm(a->ad->paths.control, ASK_MS)) != NULL) {
		live_each(m, one_cb, &l);
		for (i = 0; i < SHM_WORKERS; i++)
			if (m->worker[i].state != SHM_FREE)
				n += m->worker[i].inflight;
		shm_unmap(m);
	}
	api_json(a, 200, json_pack("{s:b,s:I,s:o}", "running", m != NULL,
	    "in_flight", (json_int_t)n, "requests", l.list));
}

static void
serve_cancel(struct api *a)
{
	char			 word[LIVE_CANCEL_WORD], err[1400];
	enum daemon_answer	 r = DAEMON_REFUSED;
	struct buf		 b;

	snprintf(err, sizeof(err), "no such request is in flight");
	buf_init(&b, 1 << 10);
	if (live_cancel_word(word, a->id[0]) == 0)
		r = daemon_ask(a->ad->paths.control, word, ASK_MS, &b, err,
		    sizeof(err));
	buf_release(&b);
	if (r == DAEMON_NOBODY || r == DAEMON_SILENT)
		api_problem(a, 503, NULL, "%s", r == DAEMON_NOBODY ?
		    "proxyd does not run" : err);
	else if (r == DAEMON_REFUSED)
		api_problem(a, 404, NULL, "%s", err);
	else {
		api_audit(a, "cancel request", arena_str(a->rq->arena,
		    a->id[0]).p, true, NULL);
		api_empty(a);
	}
}

const struct api_route api_requests_routes[] = {
	{ "GET", "/api/v1/requests", ADMIN_VIEWER, serve_requests, 0, NULL },
	{ "DELETE", "/api/v1/requests/{id}", ADMIN_ADMIN, serve_cancel,
	    API_KEEPS, NULL },
	{ .method = NULL }
};
