/*
 * To try things out: requests through proxyd as the operator, translation
 * without a provider.
 */
#include "admind/api.h"
#include "admind/lab.h"
#include "admind/operator.h"
#include "base/clock.h"
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

/* --- translation --------------------------------------------------------------- */

static bool
kind_of(struct api *a, enum lab_kind *k)
{
	struct str	 s = STR_NONE;

	if (!api_str(a, "kind", true, &s))
		return false;
	for (*k = LAB_REQUEST; *k <= LAB_STREAM; (*k)++)
		if (str_is(s, lab_kind_name(*k)))
			return true;
	api_problem(a, 422, "kind", "must be request, response or stream");
	return false;
}

static bool
dialect_of(struct api *a, const char *name, bool need, struct str *s)
{
	if (!api_str(a, name, need, s))
		return false;
	if ((!need && s->n == 0) || lab_dialect(*s))
		return true;
	api_problem(a, 422, name, "there is no dialect '%.*s'", STR_FMT(*s));
	return false;
}

/* What is wrong with the text is part of the answer: it is sent while it is
 * typed. */
static void
serve_convert(struct api *a)
{
	static const char *const names[] = { "kind", "from", "to", "text",
	    "model", "stream", NULL };
	struct lab_job	 job = { .created = clock_wall_us() / 1000000 };

	if (!api_known(a, names) || !kind_of(a, &job.kind) ||
	    !dialect_of(a, "from", true, &job.from) ||
	    !dialect_of(a, "to", false, &job.to) ||
	    !api_str(a, "text", true, &job.text) ||
	    !api_str(a, "model", false, &job.model) ||
	    !api_bool(a, "stream", false, &job.stream))
		return;
	lab_convert(&job, &a->r->body);
	a->r->type = "application/json";
	a->replied = true;
}

const struct api_route api_lab_routes[] = {
	{ "POST", "/api/v1/convert", ADMIN_VIEWER, serve_convert,
	    LAB_TEXT_MAX, NULL },
	{ "GET", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy, 0, "*" },
	{ "POST", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy,
	    SEND_BODY + API_RAW, "*" },
	{ "DELETE", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy, 0,
	    "*" },
	{ .method = NULL }
};
