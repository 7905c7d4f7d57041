/*
 * The Anthropic Messages dialect: its endpoints, errors and models.  See
 * dialect_anthropic.h for where the rest is.
 */
#include "wire/dialect_anthropic.h"

#include <string.h>

#include "base/clock.h"
#include "wire/ops.h"

/* --- errors --------------------------------------------------------------- */

static const struct {
	const char	*type;
	enum ir_errkind	 kind;
} error_types[] = {
	{ "invalid_request_error",	IR_ERR_BAD_REQUEST },
	{ "authentication_error",	IR_ERR_AUTH },
	{ "billing_error",		IR_ERR_BILLING },
	{ "permission_error",		IR_ERR_FORBIDDEN },
	{ "not_found_error",		IR_ERR_NOT_FOUND },
	{ "request_too_large",		IR_ERR_TOO_LARGE },
	{ "rate_limit_error",		IR_ERR_RATE },
	{ "timeout_error",		IR_ERR_TIMEOUT },
	{ "api_error",			IR_ERR_INTERNAL },
	{ "overloaded_error",		IR_ERR_OVERLOADED },
	/* below: only from a kind to a type */
	{ "invalid_request_error",	IR_ERR_METHOD },
	{ "invalid_request_error",	IR_ERR_CONFLICT },
	{ "invalid_request_error",	IR_ERR_MEDIA_TYPE },
	{ "invalid_request_error",	IR_ERR_UPGRADE },
	{ "api_error",			IR_ERR_UPSTREAM },
	{ "api_error",			IR_ERR_UNAVAILABLE }
};

#define NTYPES	(sizeof(error_types) / sizeof(error_types[0]))

static const char *
error_type(enum ir_errkind kind)
{
	size_t	 i;

	for (i = 0; i < NTYPES; i++) {
		if (error_types[i].kind == kind)
			return error_types[i].type;
	}
	return "api_error";
}

/* The type tells more than a status that the HTTP layer did not have. */
static void
error_kind(struct ir_error *err, struct str type)
{
	size_t	 i;

	if (err->status >= 400 && err->kind != IR_ERR_UPSTREAM)
		return;
	for (i = 0; i < NTYPES; i++) {
		if (str_is(type, error_types[i].type)) {
			err->kind = error_types[i].kind;
			err->status = ir_error_status(err->kind);
			return;
		}
	}
}

static struct str
string(struct arena *a, struct jv v)
{
	return json_type(v) == JSON_STRING ? json_str(a, v) : STR_NONE;
}

int
anthropic_error_read(struct arena *a, struct jv root, struct ir_error *err)
{
	struct jv	 e = json_get(root, "error");
	struct str	 type, msg, code;

	if (json_empty(e) && json_is(json_get(root, "type"), "error"))
		e = root;
	if (json_empty(e))
		return -1;
	type = string(a, json_get(e, "type"));
	msg = json_type(e) == JSON_STRING ? json_str(a, e) :
	    string(a, json_get(e, "message"));
	code = string(a, json_get(json_get(e, "details"), "error_code"));
	error_kind(err, type);
	ir_error_copy(err->type, sizeof(err->type), type);
	ir_error_copy(err->code, sizeof(err->code), code);
	if (msg.n > 0)
		ir_error_copy(err->msg, sizeof(err->msg), msg);
	return 0;
}

/* Clients of message threads fall back to whole histories by these details. */
static void
write_details(struct jw *w, const struct ir_error *err)
{
	if (strncmp(err->code, "thread_", strlen("thread_")) != 0)
		return;
	jw_key(w, "details");
	jw_object(w);
	jw_key(w, "error_code");
	jw_str(w, str_of(err->code));
	if (strcmp(err->code, "thread_unsupported_request") == 0) {
		jw_key(w, "unsupported");
		jw_array(w);
		jw_str(w, err->param[0] != '\0' ? str_of(err->param) :
		    STR("thread"));
		jw_array_end(w);
	}
	jw_object_end(w);
}

void
anthropic_error_write(struct jw *w, const struct ir_error *err,
    struct str request_id)
{
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "error");
	jw_key(w, "error");
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, error_type(err->kind));
	jw_key(w, "message");
	jw_str(w, str_of(err->msg));
	write_details(w, err);
	jw_object_end(w);
	jw_key(w, "request_id");
	if (request_id.n > 0)
		jw_str(w, request_id);
	else
		jw_null(w);
	jw_object_end(w);
}

static void
error_decode(struct arena *a, struct str body, struct ir_error *err)
{
	struct json_error	 je;
	struct json		 j;

	json_init(&j);
	if (json_parse(&j, body, &je) == 0 &&
	    anthropic_error_read(a, json_root(&j), err) == -1)
		err->type[0] = '\0';
	json_release(&j);
}

static void
error_encode(const struct ir_error *err, struct str request_id,
    struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	anthropic_error_write(&w, err, request_id);
}

/* --- models --------------------------------------------------------------- */

static void
write_model(struct jw *w, const struct ir_model *m)
{
	char	 when[CLOCK_RFC3339_LEN];

	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "model");
	jw_key(w, "id");
	jw_str(w, m->id);
	jw_key(w, "display_name");
	jw_str(w, m->id);
	jw_key(w, "created_at");
	jw_strz(w, clock_rfc3339(m->created * 1000000, when));
	jw_object_end(w);
}

static void
models_encode(const struct ir_model *m, size_t n, struct buf *out)
{
	struct jw	 w;
	size_t		 i;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "data");
	jw_array(&w);
	for (i = 0; i < n; i++)
		write_model(&w, &m[i]);
	jw_array_end(&w);
	jw_key(&w, "has_more");
	jw_bool(&w, false);
	jw_key(&w, "first_id");
	if (n > 0)
		jw_str(&w, m[0].id);
	else
		jw_null(&w);
	jw_key(&w, "last_id");
	if (n > 0)
		jw_str(&w, m[n - 1].id);
	else
		jw_null(&w);
	jw_object_end(&w);
}

static void
model_encode(const struct ir_model *m, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	write_model(&w, m);
}

/* --- the dialect ---------------------------------------------------------- */

static void
request_path(const struct ir_target *t, struct buf *out)
{
	(void)t;
	buf_addz(out, "/v1/messages");
}

static const struct endpoint	 endpoints[] = {
	{ "POST", "/v1/messages", DIALECT_GENERATE, false, false },
	{ "POST", "/v1/anthropic/completions", DIALECT_GENERATE, false, true },
	{ "POST", "/v1/messages/count_tokens", DIALECT_COUNT, false, false },
	{ "GET", "/v1/models", DIALECT_MODELS, false, false },
	{ "GET", "/v1/models/{model}", DIALECT_MODEL, false, false },
	{ NULL, NULL, DIALECT_GENERATE, false, false }
};

static const char *const	 headers[] = {
	"anthropic-version", "2023-06-01",
	NULL
};

static const char *const	 pass_request[] = {
	"anthropic-version",
	"anthropic-beta",
	NULL
};

static const char *const	 pass_response[] = {
	"request-id",
	"retry-after",
	"retry-after-ms",
	"x-should-retry",
	"anthropic-ratelimit-requests-limit",
	"anthropic-ratelimit-requests-remaining",
	"anthropic-ratelimit-requests-reset",
	"anthropic-ratelimit-tokens-limit",
	"anthropic-ratelimit-tokens-remaining",
	"anthropic-ratelimit-tokens-reset",
	"anthropic-ratelimit-input-tokens-limit",
	"anthropic-ratelimit-input-tokens-remaining",
	"anthropic-ratelimit-input-tokens-reset",
	"anthropic-ratelimit-output-tokens-limit",
	"anthropic-ratelimit-output-tokens-remaining",
	"anthropic-ratelimit-output-tokens-reset",
	"anthropic-priority-input-tokens-limit",
	"anthropic-priority-input-tokens-remaining",
	"anthropic-priority-input-tokens-reset",
	"anthropic-priority-output-tokens-limit",
	"anthropic-priority-output-tokens-remaining",
	"anthropic-priority-output-tokens-reset",
	"anthropic-ratelimit-unified-status",
	"anthropic-ratelimit-unified-reset",
	NULL
};

const struct dialect	 dialect_anthropic = {
	.name = "anthropic",
	.title = "Anthropic Messages",
	.caps = IR_NEED_TOOLS | IR_NEED_IMAGE | IR_NEED_DOCUMENT |
	    IR_NEED_THINKING | IR_NEED_SCHEMA | IR_NEED_CACHE |
	    IR_NEED_SERVER_TOOL,
	.endpoints = endpoints,
	.base_url = "https://api.anthropic.com",
	.auth_header = "x-api-key",
	.auth_format = "{key}",
	.headers = headers,
	.pass_request = pass_request,
	.pass_response = pass_response,
	.request_decode = anthropic_request_decode,
	.request_encode = anthropic_request_encode,
	.request_path = request_path,
	.takes_url = anthropic_takes_url,
	.dec_size = sizeof(struct an_dec),
	.event_decode = anthropic_event_decode,
	.event_end = anthropic_event_end,
	.event_finished = anthropic_event_finished,
	.body_decode = anthropic_body_decode,
	.error_decode = error_decode,
	.answer = &anthropic_answer,
	.enc_size = sizeof(struct an_enc),
	.event_encode = anthropic_event_encode,
	.body_encode = anthropic_body_encode,
	.error_encode = error_encode,
	.stream_end = "event: message_stop\n"
	    "data: {\"type\":\"message_stop\"}\n\n",
	.keepalive = "event: ping\ndata: {\"type\": \"ping\"}\n\n",
	.count = &count_anthropic,
	.models_encode = models_encode,
	.model_encode = model_encode
};
