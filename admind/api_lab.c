/*
 * To try things out: requests through proxyd as the operator.
 */
#include "admind/api.h"
#include "admind/operator.h"
#include "base/codec.h"

#define SEND_BODY	(48L << 20)	/* proxyd has a limit of its own */

/* Only what has a dialect: no page of proxyd's is shown under our address. */
static bool
path_ok(struct str rest)
{
	return str_starts(rest, "v1/") || str_starts(rest, "v1beta/");
}

/*
 * "/api/v1/proxy/v1/messages": the rest of the path and the query are proxyd's,
 * and its answer is the answer.
 */
static void
serve_proxy(struct api *a)
{
	struct operator_call	 c = { .method = a->route->method };
	struct str		 key = str_of(http_header(a->rq,
				    "x-proxyd-key"));

	if (!path_ok(a->id[0])) {
		api_problem(a, 404, NULL, "below /api/v1/proxy/ are the paths "
		    "/v1/... and /v1beta/... of proxyd");
		return;
	}
	if (key.n > 0 && str_to_int(key, 1, INT64_MAX, &c.key_id) == -1) {
		api_problem(a, 400, "x-proxyd-key", "must be the id of a key");
		return;
	}
	c.path = arena_strf(a->rq->arena, "/%.*s%s%.*s", STR_FMT(a->id[0]),
	    a->rq->query.n > 0 ? "?" : "", STR_FMT(a->rq->query));
	c.target = str_of(http_header(a->rq, "x-proxyd-target"));
	c.version = http_header(a->rq, "anthropic-version");
	c.beta = http_header(a->rq, "anthropic-beta");
	c.body = a->rq->body;
	if (strcmp(c.method, "GET") != 0)
		api_audit(a, "send request", arena_strf(a->rq->arena,
		    "/%.*s", STR_FMT(a->id[0])).p, true, c.target.n > 0 ?
		    c.target.p : NULL);
	operator_send(a, &c);
}

const struct api_route api_lab_routes[] = {
	{ "GET", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy, 0 },
	{ "POST", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy,
	    SEND_BODY + API_RAW },
	{ "DELETE", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy, 0 },
	{ .method = NULL }
};
