/*
 * To try things out: requests through proxyd as the operator, translation
 * without a provider.
 */
#include <stdlib.h>

#include "admind/api.h"
#include "admind/lab.h"
#include "admind/operator.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"

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

/* --- one small request --------------------------------------------------------- */

/* What the model said, or what went wrong, in one text. */
static json_t *
test_text(struct str body)
{
	json_t	*o = json_loadb(body.p, body.n, 0, NULL), *text;

	text = json_object_get(json_object_get(json_array_get(
	    json_object_get(o, "choices"), 0), "message"), "content");
	if (!json_is_string(text))
		text = json_object_get(json_object_get(o, "error"), "message");
	text = json_is_string(text) ? json_incref(text) : api_text(
	    (struct str){ body.p, body.n < 200 ? body.n : 200 });
	json_decref(o);
	return text;
}

static void
test_done(struct api *a, int status, struct str body, const char *err)
{
	if (status == 0)
		api_problem(a, 503, NULL, "%s", err);
	else
		api_json(a, 200, json_pack("{s:b,s:i,s:f,s:o}", "ok",
		    status == 200, "status", status, "ms",
		    (double)(clock_mono_us() - a->sent_us) / 1e3, "text",
		    test_text(body)));
}

static bool
test_read(struct api *a, struct str *model, struct str *provider,
    int64_t *key_id)
{
	static const char *const names[] = { "model", "provider", "key_id",
	    NULL };

	if (!api_known(a, names) || !api_str(a, "model", true, model) ||
	    !api_str(a, "provider", false, provider) ||
	    !api_int(a, "key_id", false, 1, INT64_MAX, key_id))
		return false;
	if (model->n > 0 && model->n <= 256)
		return true;
	api_problem(a, 422, "model", "must be 1 to 256 characters");
	return false;
}

/* With a provider: of that one, and by that key, instead of as routed. */
static void
serve_test(struct api *a)
{
	struct operator_call	 c = { .method = "POST", .path =
				    STR("/v1/chat/completions") };
	struct str		 model = STR_NONE, provider = STR_NONE;
	json_t			*o;
	char			*text;

	if (!test_read(a, &model, &provider, &c.key_id))
		return;
	o = json_pack("{s:s%,s:i,s:[{s:s,s:s}]}", "model", model.p, model.n,
	    "max_tokens", 16, "messages", "role", "user", "content",
	    "Say OK.");
	text = json_dumps(o, JSON_COMPACT);
	must(text != NULL);
	c.body = arena_str(a->rq->arena, str_of(text));
	free(text);
	if (provider.n > 0)
		c.target = arena_strf(a->rq->arena, "%.*s/%.*s",
		    STR_FMT(provider), STR_FMT(model));
	c.done = test_done;
	a->sent_us = clock_mono_us();
	api_audit(a, "test model", arena_str(a->rq->arena, model).p, true,
	    provider.n > 0 ? arena_str(a->rq->arena, provider).p : NULL);
	operator_send(a, &c);
	json_decref(o);
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
	{ "POST", "/api/v1/test", ADMIN_ADMIN, serve_test,
	    API_BODY + API_KEEPS, NULL },
	{ "POST", "/api/v1/convert", ADMIN_VIEWER, serve_convert,
	    LAB_TEXT_MAX, NULL },
	{ "GET", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy, 0, "*" },
	{ "POST", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy,
	    SEND_BODY + API_RAW + API_KEEPS, "*" },
	{ "DELETE", "/api/v1/proxy/{path...}", ADMIN_ADMIN, serve_proxy,
	    API_KEEPS, "*" },
	{ .method = NULL }
};
