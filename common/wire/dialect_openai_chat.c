/*
 * OpenAI Chat Completions: struct dialect, what models' names tell, errors and
 * the lists of models.  Requests and answers are in the files that
 * dialect_openai_chat.h names.
 */
#include "wire/dialect_openai_chat.h"

#include <stdint.h>

#include "wire/ops.h"

/* --- providers and models ------------------------------------------------- */

bool
chat_provider_openai(const struct ir_exchange *x)
{
	return str_is(x->target.provider, "openai") ||
	    str_starts(x->target.provider, "azure");
}

bool
chat_provider_compatible(const struct ir_exchange *x)
{
	return x->target.provider.n > 0 && !chat_provider_openai(x);
}

/* Words of OpenAI and of servers that speak its dialect. */
static const struct {
	const char	*word;
	enum ir_errkind	 kind;
} error_words[] = {
	{ "invalid_api_key",		IR_ERR_AUTH },
	{ "authentication_error",	IR_ERR_AUTH },
	{ "insufficient_quota",		IR_ERR_RATE },
	{ "rate_limit_exceeded",	IR_ERR_RATE },
	{ "rate_limit_error",		IR_ERR_RATE },
	{ "too_many_requests",		IR_ERR_RATE },
	{ "requests",			IR_ERR_RATE },
	{ "tokens",			IR_ERR_RATE },
	{ "model_not_found",		IR_ERR_NOT_FOUND },
	{ "not_found_error",		IR_ERR_NOT_FOUND },
	{ "NotFoundError",		IR_ERR_NOT_FOUND },
	{ "permission_error",		IR_ERR_FORBIDDEN },
	{ "request_forbidden",		IR_ERR_FORBIDDEN },
	{ "server_is_overloaded",	IR_ERR_OVERLOADED },
	{ "overloaded_error",		IR_ERR_OVERLOADED },
	{ "service_unavailable_error",	IR_ERR_UNAVAILABLE },
	{ "timeout",			IR_ERR_TIMEOUT },
	{ "timeout_error",		IR_ERR_TIMEOUT },
	{ "invalid_request_error",	IR_ERR_BAD_REQUEST },
	{ "BadRequestError",		IR_ERR_BAD_REQUEST },
	{ "content_filter",		IR_ERR_BAD_REQUEST },
	{ "context_length_exceeded",	IR_ERR_BAD_REQUEST },
	{ "server_error",		IR_ERR_INTERNAL },
	{ "api_error",			IR_ERR_INTERNAL },
	{ "internal_server_error",	IR_ERR_INTERNAL },
	{ "internal_error",		IR_ERR_INTERNAL },
	{ "InternalServerError",	IR_ERR_INTERNAL },
};

static bool
kind_of_word(const char *word, enum ir_errkind *kind)
{
	for (size_t i = 0; i < sizeof(error_words) / sizeof(*error_words); i++)
		if (strcmp(error_words[i].word, word) == 0) {
			*kind = error_words[i].kind;
			return true;
		}
	return false;
}

/* An error under a good status: its words tell what kind it is. */
static void
classify(struct jv code, struct ir_error *err)
{
	int64_t	 n;

	if (err->upstream >= 400)
		return;
	if (json_int(code, &n) == 0 && n >= 400 && n < 600)
		err->kind = ir_error_kind((int)n);
	else if (!kind_of_word(err->code, &err->kind) &&
	    !kind_of_word(err->type, &err->kind))
		return;
	err->status = ir_error_status(err->kind);
}

static void
read_word(struct arena *a, struct jv v, char *dst, size_t size)
{
	if (json_type(v) == JSON_STRING)
		ir_error_copy(dst, size, json_str(a, v));
	else if (json_type(v) == JSON_NUMBER)
		ir_error_copy(dst, size, json_raw(v));
}

/* A message, in the shapes that it has: text, FastAPI's list, an object. */
static void
read_message(struct arena *a, struct jv v, struct ir_error *err)
{
	struct jv	 in = v;

	if (json_type(in) == JSON_OBJECT && json_ok(json_get(in, "detail")))
		in = json_get(in, "detail");
	if (json_type(in) == JSON_ARRAY)
		in = json_first(in);
	if (json_type(in) == JSON_OBJECT) {
		v = in;
		in = json_get(v, "message");
		if (!json_ok(in))
			in = json_get(v, "msg");
	}
	if (json_type(in) == JSON_STRING && json_jstr(in).n > 0)
		ir_error_copy(err->msg, sizeof(err->msg), json_str(a, in));
	else if (!json_empty(v))
		ir_error_copy(err->msg, sizeof(err->msg), json_raw(v));
}

/* OpenRouter's "Provider returned error" hides what the provider said. */
static void
read_metadata(struct arena *a, struct jv meta, struct ir_error *err)
{
	struct jv	 raw = json_get(meta, "raw");
	struct str	 text;

	if (json_type(raw) != JSON_STRING || json_jstr(raw).n == 0)
		return;
	text = json_str(a, raw);
	text = arena_strf(a, "%s: %.*s", err->msg,
	    text.n > 800 ? 800 : (int)text.n, text.p);
	ir_error_copy(err->msg, sizeof(err->msg), text);
}

static void
read_members(struct arena *a, struct jv v, struct ir_error *err)
{
	read_word(a, json_get(v, "type"), err->type, sizeof(err->type));
	read_word(a, json_get(v, "code"), err->code, sizeof(err->code));
	read_word(a, json_get(v, "param"), err->param, sizeof(err->param));
}

bool
chat_error_read(struct arena *a, struct jv v, struct ir_error *err)
{
	struct jv	 e;

	if (json_type(v) == JSON_ARRAY)
		v = json_first(v);
	if (json_type(v) != JSON_OBJECT)
		return false;
	e = json_get(v, "error");
	if (json_type(e) == JSON_OBJECT) {
		read_members(a, e, err);
		read_message(a, json_get(e, "message"), err);
		read_metadata(a, json_get(e, "metadata"), err);
		classify(json_get(e, "code"), err);
		return true;
	}
	if (json_type(e) == JSON_STRING)
		read_message(a, e, err);
	else if (json_ok(json_get(v, "choices")))
		return false;
	else if (!json_empty(json_get(v, "message")))
		read_message(a, json_get(v, "message"), err);
	else if (!json_empty(json_get(v, "detail")))
		read_message(a, json_get(v, "detail"), err);
	else
		return false;
	read_members(a, v, err);
	classify(json_get(v, "code"), err);
	return true;
}

static void
error_decode(struct arena *a, struct str body, struct ir_error *err)
{
	struct json		 j;
	struct json_error	 bad;

	body = str_trim(body);
	json_init(&j);
	if (json_parse(&j, body, &bad) == 0) {
		(void)chat_error_read(a, json_root(&j), err);
		if (json_type(json_root(&j)) == JSON_STRING)
			read_message(a, json_root(&j), err);
	} else if (body.n > 0 && body.p[0] != '<')
		ir_error_copy(err->msg, sizeof(err->msg), body);
	json_release(&j);
}

/* What the official clients and their users compare with. */
static void
error_names(enum ir_errkind kind, const char **type, const char **code)
{
	*type = "invalid_request_error";
	*code = NULL;
	switch (kind) {
	case IR_ERR_AUTH:
		*code = "invalid_api_key";
		break;
	case IR_ERR_BILLING:
		*type = *code = "insufficient_quota";
		break;
	case IR_ERR_FORBIDDEN:
		*type = "request_forbidden";
		break;
	case IR_ERR_RATE:
		*type = "rate_limit_error";
		*code = "rate_limit_exceeded";
		break;
	case IR_ERR_INTERNAL:
	case IR_ERR_UPSTREAM:
		*type = "server_error";
		break;
	case IR_ERR_TIMEOUT:
		*type = "server_error";
		*code = "timeout";
		break;
	case IR_ERR_UNAVAILABLE:
	case IR_ERR_OVERLOADED:
		*type = "service_unavailable_error";
		*code = "server_is_overloaded";
		break;
	default:
		break;
	}
}

/* The provider's own word is kept where it is one of OpenAI's. */
static bool
own_type(const struct ir_error *err)
{
	static const char *const types[] = { "invalid_request_error",
	    "insufficient_quota", "requests", "tokens", "rate_limit_error",
	    "server_error", "service_unavailable_error", "request_forbidden" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(err->type, types[i]) == 0)
			return true;
	return false;
}

static void
write_word(struct jw *w, const char *key, const char *word)
{
	jw_key(w, key);
	if (word == NULL || word[0] == '\0')
		jw_null(w);
	else
		jw_strz(w, word);
}

void
chat_error_write(const struct ir_error *err, struct jw *w)
{
	const char	*type, *code;

	error_names(err->kind, &type, &code);
	jw_object(w);
	jw_key(w, "error");
	jw_object(w);
	jw_key(w, "message");
	jw_strz(w, err->msg);
	write_word(w, "type", own_type(err) ? err->type : type);
	write_word(w, "param", err->param);
	write_word(w, "code", err->code[0] != '\0' ? err->code : code);
	jw_object_end(w);
	jw_object_end(w);
}

static void
error_encode(const struct ir_error *err, struct str request_id,
    struct buf *out)
{
	struct jw	 w;

	/* The request's id has no place in the body, only in a header. */
	(void)request_id;
	jw_init(&w, out);
	chat_error_write(err, &w);
}

/* --- models --------------------------------------------------------------- */

static void
write_model(struct jw *w, const struct ir_model *m)
{
	jw_object(w);
	jw_key(w, "id");
	jw_str(w, m->id);
	jw_key(w, "object");
	jw_strz(w, "model");
	jw_key(w, "created");
	jw_int(w, m->created);
	jw_key(w, "owned_by");
	jw_str(w, m->owner);
	jw_object_end(w);
}

static void
models_encode(const struct ir_model *m, size_t n, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "object");
	jw_strz(&w, "list");
	jw_key(&w, "data");
	jw_array(&w);
	for (size_t i = 0; i < n; i++)
		write_model(&w, &m[i]);
	jw_array_end(&w);
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
request_path(const struct ir_target *target, struct buf *out)
{
	(void)target;
	buf_addz(out, "/v1/chat/completions");
}

static const struct endpoint endpoints[] = {
	{ "POST", "/v1/chat/completions", DIALECT_GENERATE, false, false },
	{ "POST", "/v1/embeddings", DIALECT_EMBED_BATCH, false, false },
	{ "GET", "/v1/models", DIALECT_MODELS, false, false },
	{ "GET", "/v1/models/{model}", DIALECT_MODEL, false, false },
	{ .method = NULL }
};

static const char *const no_headers[] = { NULL };

/* Not openai-organization and -project: they choose whose account pays. */
const char *const chat_pass_request[] = { "openai-beta", NULL };

const char *const chat_pass_response[] = {
	"x-request-id", "retry-after", "retry-after-ms", "x-should-retry",
	"x-ratelimit-limit-requests", "x-ratelimit-limit-tokens",
	"x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens",
	"x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
	"openai-processing-ms", "openai-version", NULL
};

const struct dialect dialect_openai_chat = {
	.name = "openai-chat",
	.title = "OpenAI Chat Completions",
	.caps = IR_NEED_TOOLS | IR_NEED_IMAGE | IR_NEED_AUDIO |
	    IR_NEED_DOCUMENT | IR_NEED_THINKING | IR_NEED_SCHEMA |
	    IR_NEED_LOGPROBS | IR_NEED_CHOICES | IR_NEED_CUSTOM_TOOL,
	.endpoints = endpoints,
	.base_url = "https://api.openai.com",
	.auth_header = "Authorization",
	.auth_format = "Bearer {key}",
	.headers = no_headers,
	.pass_request = chat_pass_request,
	.pass_response = chat_pass_response,
	.request_decode = chat_request_decode,
	.request_encode = chat_request_encode,
	.request_known = &chat_request_known,
	.request_path = request_path,
	.takes_url = chat_takes_url,
	.dec_size = sizeof(struct chat_dec),
	.event_decode = chat_event_decode,
	.event_end = chat_event_end,
	.event_finished = chat_event_finished,
	.body_decode = chat_body_decode,
	.error_decode = error_decode,
	.answer = &chat_answer,
	.enc_size = sizeof(struct chat_enc),
	.event_encode = chat_event_encode,
	.body_encode = chat_body_encode,
	.error_encode = error_encode,
	.stream_end = "data: [DONE]\n\n",
	.keepalive = ": keep-alive\n\n",
	.embed = &embed_openai,
	.models_encode = models_encode,
	.model_encode = model_encode,
};
