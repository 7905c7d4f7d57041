/*
 * Google's generateContent: what the dialect is called and where it lives, its
 * errors and lists of models, and the look-ups that its other files share.
 */
#include <string.h>

#include "base/codec.h"
#include "wire/dialect_gemini.h"
#include "wire/ops.h"

/* --- look-ups ----------------------------------------------------------- */

/* Compares with camel as it is and as snake_case. */
static bool
name_fits(struct str name, const char *camel)
{
	size_t	 i = 0;

	for (; *camel != '\0'; camel++, i++) {
		if (i < name.n && name.p[i] == *camel)
			continue;
		if (*camel < 'A' || *camel > 'Z' || i + 1 >= name.n ||
		    name.p[i] != '_' || name.p[i + 1] != *camel - 'A' + 'a')
			return false;
		i++;
	}
	return i == name.n;
}

/*
 * The name at node i.  Most are none of what is asked for, and begin otherwise
 * already.  One with an escape in it is compared as it is only.
 */
static inline bool
key_fits(const struct json *j, uint32_t i, const char *camel)
{
	const struct json_node	*k = &j->nodes[i];
	const char		*p = j->text.p + k->off;

	if (k->escaped)
		return json_is(json_at(j, i), camel);
	return k->len > 0 && *p == *camel &&
	    name_fits((struct str){ p, k->len }, camel);
}

bool
gem_key_is(struct jv member, const char *camel)
{
	struct jv	 key = json_key(member);

	return json_ok(key) && key_fits(key.j, key.i, camel);
}

struct jv
gem_get(struct jv object, const char *camel)
{
	const struct json_node	*nodes;
	struct jv		 found = JV_NONE;
	uint32_t		 i, end;

	if (json_type(object) != JSON_OBJECT)
		return found;
	nodes = object.j->nodes;
	end = nodes[object.i].next;
	for (i = object.i + 1; i < end; i = nodes[i + 1].next)
		if (key_fits(object.j, i, camel))
			found = (struct jv){ object.j, i + 1, end };
	return json_type(found) == JSON_NULL ? JV_NONE : found;
}

enum ir_part_type
gem_media_part(struct str mime)
{
	if (mime.n > 6 && strncasecmp(mime.p, "image/", 6) == 0)
		return IR_IMAGE;
	if (mime.n > 6 && strncasecmp(mime.p, "audio/", 6) == 0)
		return IR_AUDIO;
	if (mime.n > 6 && strncasecmp(mime.p, "video/", 6) == 0)
		return IR_VIDEO;
	return IR_DOCUMENT;
}

struct str
gem_base64(struct arena *a, struct str in)
{
	static const char	 odd[] = "-_\r\n \t";
	size_t			 i, n = 0;
	bool			 plain = in.n % 4 == 0;
	char			*p;

	for (i = 0; plain && i < sizeof(odd) - 1; i++)
		if (in.n > 0 && memchr(in.p, odd[i], in.n) != NULL)
			plain = false;
	if (plain)
		return in;
	p = arena_bytes(a, in.n + 4);
	for (i = 0; i < in.n; i++) {
		if (in.p[i] == '-')
			p[n++] = '+';
		else if (in.p[i] == '_')
			p[n++] = '/';
		else if (strchr(odd, in.p[i]) == NULL)
			p[n++] = in.p[i];
	}
	while (n % 4 != 0)
		p[n++] = '=';
	return (struct str){ p, n };
}

struct str
gem_call_id(struct arena *a, struct str seed, unsigned position,
    struct str name)
{
	struct str	 s = arena_strf(a, "%.*s/%u/%.*s", STR_FMT(seed),
			     position, STR_FMT(name));

	return arena_strf(a, "call_%016llx%08llx",
	    (unsigned long long)hash64(s, 1),
	    (unsigned long long)hash64(s, 2) & 0xffffffffULL);
}

int
gem_enum(struct arena *a, struct jv v, const char *const *names)
{
	struct str	 s;
	int64_t		 n;
	int		 i;

	if (json_type(v) == JSON_NUMBER) {
		if (json_int(v, &n) == -1 || n < 0)
			return -1;
		for (i = 0; names[i] != NULL; i++)
			if (i == n)
				return i;
		return -1;
	}
	if (json_type(v) != JSON_STRING)
		return -1;
	s = json_str(a, v);
	for (i = 0; names[i] != NULL; i++)
		if (str_is_nocase(s, names[i]))
			return i;
	return -1;
}

void
gem_acc_add(struct arena *a, struct gem_acc *acc, const char *p, size_t n)
{
	char	*q;
	size_t	 cap;

	if (n > GEM_ACC_MAX - acc->n) {
		acc->toobig = true;
		return;
	}
	if (n > acc->cap - acc->n) {
		for (cap = acc->cap == 0 ? 256 : 2 * acc->cap;
		    cap < acc->n + n; cap *= 2)
			;
		q = arena_bytes(a, cap);
		if (acc->n > 0)
			memcpy(q, acc->p, acc->n);
		acc->p = q;
		acc->cap = cap;
	}
	if (n > 0)
		memcpy(acc->p + acc->n, p, n);
	acc->n += n;
}

/* With a comma before all but the first. */
void
gem_acc_value(struct arena *a, struct gem_acc *acc, struct str s)
{
	if (s.n == 0)
		return;
	if (acc->n > 0)
		gem_acc_add(a, acc, ",", 1);
	gem_acc_add(a, acc, s.p, s.n);
}

/* --- errors ------------------------------------------------------------- */

static const struct {
	enum ir_errkind	 kind;
	const char	*status;
} statuses[] = {
	{ IR_ERR_BAD_REQUEST, "INVALID_ARGUMENT" },
	{ IR_ERR_AUTH, "UNAUTHENTICATED" },
	{ IR_ERR_BILLING, "FAILED_PRECONDITION" },
	{ IR_ERR_FORBIDDEN, "PERMISSION_DENIED" },
	{ IR_ERR_NOT_FOUND, "NOT_FOUND" },
	{ IR_ERR_METHOD, "UNIMPLEMENTED" },
	{ IR_ERR_CONFLICT, "ABORTED" },
	{ IR_ERR_TOO_LARGE, "INVALID_ARGUMENT" },
	{ IR_ERR_MEDIA_TYPE, "INVALID_ARGUMENT" },
	{ IR_ERR_UPGRADE, "FAILED_PRECONDITION" },
	{ IR_ERR_RATE, "RESOURCE_EXHAUSTED" },
	{ IR_ERR_INTERNAL, "INTERNAL" },
	{ IR_ERR_UPSTREAM, "UNAVAILABLE" },
	{ IR_ERR_UNAVAILABLE, "UNAVAILABLE" },
	{ IR_ERR_TIMEOUT, "DEADLINE_EXCEEDED" },
	{ IR_ERR_OVERLOADED, "UNAVAILABLE" }
};

static const char *
status_name(enum ir_errkind kind)
{
	size_t	 i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].kind == kind)
			return statuses[i].status;
	return "UNKNOWN";
}

/* "48.939s" in whole seconds, rounded up; -1 if it is none. */
static int
duration(struct str s)
{
	struct str	 whole;
	int64_t		 n;

	if (s.n < 2 || s.p[s.n - 1] != 's')
		return -1;
	s.n--;
	whole = str_cut(&s, '.');
	if (str_to_int(whole, 0, 1 << 30, &n) == -1)
		return -1;
	return (int)n + (s.n > 0);
}

static void
error_details(struct arena *a, struct jv details, struct ir_error *err)
{
	struct jv	 d, v;
	int		 n;

	for (d = json_first(details); json_ok(d); d = json_next(d)) {
		v = gem_get(d, "retryDelay");
		if (json_type(v) == JSON_STRING &&
		    (n = duration(json_str(a, v))) >= 0)
			err->retry_after = n;
		v = gem_get(d, "reason");
		if (json_type(v) == JSON_STRING)
			ir_error_copy(err->code, sizeof(err->code),
			    json_str(a, v));
	}
	/* Google says 400 of a wrong key. */
	if (strcmp(err->code, "API_KEY_INVALID") == 0) {
		err->kind = IR_ERR_AUTH;
		err->status = ir_error_status(IR_ERR_AUTH);
	}
}

/* The object in "error"; some servers in between give a string there. */
void
gem_error(struct arena *a, struct jv error, struct ir_error *err)
{
	struct jv	 v;

	v = json_type(error) == JSON_STRING ? error :
	    gem_get(error, "message");
	if (json_type(v) == JSON_STRING)
		ir_error_copy(err->msg, sizeof(err->msg),
		    str_trim(json_str(a, v)));
	v = gem_get(error, "status");
	if (json_type(v) != JSON_STRING)
		v = gem_get(error, "type");
	if (json_type(v) == JSON_STRING)
		ir_error_copy(err->type, sizeof(err->type), json_str(a, v));
	v = gem_get(error, "code");
	if (json_type(v) == JSON_STRING)
		ir_error_copy(err->code, sizeof(err->code), json_str(a, v));
	error_details(a, gem_get(error, "details"), err);
}

static void
gem_error_decode(struct arena *a, struct str body, struct ir_error *err)
{
	struct json		 j;
	struct json_error	 je;
	struct jv		 v, e;

	json_init(&j);
	if (json_parse(&j, body, &je) == 0) {
		v = json_root(&j);
		if (json_type(v) == JSON_ARRAY)
			v = json_first(v);
		e = gem_get(v, "error");
		gem_error(a, json_ok(e) ? e : v, err);
	}
	json_release(&j);
}

void
gem_error_write(const struct ir_error *err, struct str id, struct jw *w)
{
	char		 delay[32];
	struct buf	 b;

	jw_object(w);
	jw_key(w, "error");
	jw_object(w);
	jw_key(w, "code");
	jw_int(w, err->status);
	jw_key(w, "message");
	jw_strz(w, err->msg);
	jw_key(w, "status");
	jw_strz(w, status_name(err->kind));
	if (err->retry_after > 0 || id.n > 0) {
		jw_key(w, "details");
		jw_array(w);
		if (err->retry_after > 0) {
			buf_init(&b, sizeof(delay));
			(void)buf_addf(&b, "%ds", err->retry_after);
			jw_object(w);
			jw_key(w, "@type");
			jw_strz(w, "type.googleapis.com/google.rpc.RetryInfo");
			jw_key(w, "retryDelay");
			jw_str(w, buf_str(&b));
			jw_object_end(w);
			buf_release(&b);
		}
		if (id.n > 0) {
			jw_object(w);
			jw_key(w, "@type");
			jw_strz(w,
			    "type.googleapis.com/google.rpc.RequestInfo");
			jw_key(w, "requestId");
			jw_str(w, id);
			jw_object_end(w);
		}
		jw_array_end(w);
	}
	jw_object_end(w);
	jw_object_end(w);
}

static void
gem_error_encode(const struct ir_error *err, struct str id, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	gem_error_write(err, id, &w);
}

/* --- models ------------------------------------------------------------- */

static void
model_write(const struct ir_model *m, struct jw *w)
{
	jw_object(w);
	jw_key(w, "name");
	jw_open(w);
	jw_piece_str(w, STR("models/"));
	jw_piece_str(w, m->id);
	jw_close(w);
	jw_key(w, "version");
	jw_strz(w, "001");
	jw_key(w, "displayName");
	jw_str(w, m->id);
	jw_key(w, "supportedGenerationMethods");
	jw_array(w);
	jw_strz(w, "generateContent");
	jw_strz(w, "streamGenerateContent");
	jw_strz(w, "countTokens");
	jw_array_end(w);
	jw_object_end(w);
}

static void
gem_models_encode(const struct ir_model *m, size_t n, struct buf *out)
{
	struct jw	 w;
	size_t		 i;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "models");
	jw_array(&w);
	for (i = 0; i < n; i++)
		model_write(&m[i], &w);
	jw_array_end(&w);
	jw_object_end(&w);
}

static void
gem_model_encode(const struct ir_model *m, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	model_write(m, &w);
}

/* --- the dialect -------------------------------------------------------- */

void
gem_model_path(struct str model, bool encode, struct buf *b)
{
	if (str_starts(model, "models/"))
		model = str_skip(model, strlen("models/"));
	if (str_starts(model, "tunedModels/")) {
		(void)buf_addz(b, "tunedModels/");
		model = str_skip(model, strlen("tunedModels/"));
	} else
		(void)buf_addz(b, "models/");
	if (encode)
		(void)url_encode(b, model);
	else
		(void)buf_adds(b, model);
}

static void
gem_request_path(const struct ir_target *t, struct buf *b)
{
	(void)buf_addz(b, "/v1beta/");
	gem_model_path(t->model, true, b);
	if (!t->stream)
		(void)buf_addz(b, ":generateContent");
	else if (t->framing == FRAME_JSON_ARRAY)
		(void)buf_addz(b, ":streamGenerateContent");
	else
		(void)buf_addz(b, ":streamGenerateContent?alt=sse");
}

static const struct endpoint endpoints[] = {
	{ "POST", "/v1beta/models/{model}:generateContent",
	    DIALECT_GENERATE, false, false },
	{ "POST", "/v1beta/models/{model}:streamGenerateContent",
	    DIALECT_GENERATE, true, false },
	{ "POST", "/v1/models/{model}:generateContent",
	    DIALECT_GENERATE, false, false },
	{ "POST", "/v1/models/{model}:streamGenerateContent",
	    DIALECT_GENERATE, true, false },
	{ "POST", "/v1/gemini/completions", DIALECT_GENERATE, false, true },
	{ "POST", "/v1beta/models/{model}:countTokens",
	    DIALECT_COUNT, false, false },
	{ "POST", "/v1/models/{model}:countTokens",
	    DIALECT_COUNT, false, false },
	{ "POST", "/v1beta/models/{model}:embedContent",
	    DIALECT_EMBED, false, false },
	{ "POST", "/v1/models/{model}:embedContent",
	    DIALECT_EMBED, false, false },
	{ "POST", "/v1beta/models/{model}:batchEmbedContents",
	    DIALECT_EMBED_BATCH, false, false },
	{ "POST", "/v1/models/{model}:batchEmbedContents",
	    DIALECT_EMBED_BATCH, false, false },
	{ "GET", "/v1beta/models", DIALECT_MODELS, false, false },
	{ "GET", "/v1beta/models/{model}", DIALECT_MODEL, false, false },
	{ "GET", "/v1/models", DIALECT_MODELS, false, false },
	{ "GET", "/v1/models/{model}", DIALECT_MODEL, false, false },
	{ NULL, NULL, DIALECT_GENERATE, false, false }
};

static const char *const no_headers[] = { NULL };
static const char *const pass_request[] = { "x-goog-api-client", NULL };
static const char *const pass_response[] = {
	"retry-after", "server-timing", "x-request-id",
	"x-gemini-service-tier", NULL
};

const struct dialect dialect_gemini = {
	.name = "gemini",
	.title = "Gemini generateContent",
	.caps = IR_NEED_TOOLS | IR_NEED_IMAGE | IR_NEED_AUDIO | IR_NEED_VIDEO |
	    IR_NEED_DOCUMENT | IR_NEED_THINKING | IR_NEED_SCHEMA |
	    IR_NEED_LOGPROBS | IR_NEED_CHOICES | IR_NEED_SERVER_TOOL,
	.endpoints = endpoints,
	.base_url = "https://generativelanguage.googleapis.com",
	.auth_header = "x-goog-api-key",
	.auth_format = "{key}",
	.headers = no_headers,
	.pass_request = pass_request,
	.pass_response = pass_response,
	.request_decode = gem_request_decode,
	.request_encode = gem_request_encode,
	.request_path = gem_request_path,
	.takes_url = gem_takes_url,
	.dec_size = sizeof(struct gem_dec),
	.event_decode = gem_event_decode,
	.event_end = gem_event_end,
	.event_finished = gem_event_finished,
	.body_decode = gem_body_decode,
	.error_decode = gem_error_decode,
	.answer = &gem_answer,
	.enc_size = sizeof(struct gem_enc),
	.event_encode = gem_event_encode,
	.body_encode = gem_body_encode,
	.error_encode = gem_error_encode,
	.open_ended = true,
	.keepalive = NULL,
	.count = &count_gemini,
	.embed = &embed_gemini,
	.models_encode = gem_models_encode,
	.model_encode = gem_model_encode
};
