/*
 * The providers' counters of tokens: what each takes of a request, and how it
 * says the number.
 */
#include "base/codec.h"
#include "wire/dialect_gemini.h"
#include "wire/ops.h"

/*
 * A counter refuses what does not change the count, and what it does not know:
 * only the members that it lists go there.
 */
static void
write_members(struct jv request, const char *const *names, struct jw *w)
{
	const char *const	*name;
	struct jv		 v;

	jw_object(w);
	for (name = names; *name != NULL; name++) {
		v = json_get(request, *name);
		if (!json_ok(v))
			continue;
		jw_key(w, *name);
		jw_raw(w, json_raw(v));
	}
	jw_object_end(w);
}

static int
read_member(struct jv answer, const char *name, int64_t *tokens)
{
	if (json_type(answer) != JSON_OBJECT ||
	    json_int(json_get(answer, name), tokens) == -1 || *tokens < 0)
		return -1;
	*tokens = ir_usage_clamp(*tokens);
	return 0;
}

/* --- Anthropic: POST /v1/messages/count_tokens ------------------------------ */

static void
anthropic_path(const struct ir_target *t, struct buf *b)
{
	(void)t;
	(void)buf_addz(b, "/v1/messages/count_tokens");
}

static void
anthropic_body(const struct ir_target *t, struct jv request, struct buf *out)
{
	static const char *const names[] = { "model", "system", "messages",
	    "tools", "tool_choice", "thinking", "output_config",
	    "output_format", "cache_control", "context_management",
	    "mcp_servers", "speed", NULL };
	struct jw	 w;

	(void)t;
	jw_init(&w, out);
	write_members(request, names, &w);
}

static int
anthropic_read(struct jv answer, int64_t *tokens)
{
	return read_member(answer, "input_tokens", tokens);
}

static void
anthropic_write(int64_t tokens, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "input_tokens");
	jw_int(&w, tokens);
	jw_object_end(&w);
}

const struct dialect_count	 count_anthropic = {
	.path = anthropic_path,
	.body = anthropic_body,
	.read = anthropic_read,
	.write = anthropic_write
};

/* --- OpenAI: POST /v1/responses/input_tokens -------------------------------- */

static void
responses_path(const struct ir_target *t, struct buf *b)
{
	(void)t;
	(void)buf_addz(b, "/v1/responses/input_tokens");
}

static void
responses_body(const struct ir_target *t, struct jv request, struct buf *out)
{
	static const char *const names[] = { "model", "instructions", "input",
	    "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text",
	    "previous_response_id", "conversation", "truncation",
	    "personality", NULL };
	struct jw	 w;

	(void)t;
	jw_init(&w, out);
	write_members(request, names, &w);
}

static int
responses_read(struct jv answer, int64_t *tokens)
{
	return read_member(answer, "input_tokens", tokens);
}

static void
responses_write(int64_t tokens, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "object");
	jw_strz(&w, "response.input_tokens");
	jw_key(&w, "input_tokens");
	jw_int(&w, tokens);
	jw_object_end(&w);
}

const struct dialect_count	 count_responses = {
	.path = responses_path,
	.body = responses_body,
	.read = responses_read,
	.write = responses_write
};

/* --- Gemini: models/{model}:countTokens ------------------------------------- */

static void
gemini_path(const struct ir_target *t, struct buf *b)
{
	(void)buf_addz(b, "/v1beta/");
	gem_model_path(t->model, true, b);
	(void)buf_addz(b, ":countTokens");
}

/* All of it counts, which plain "contents" would leave out. */
static void
gemini_body(const struct ir_target *t, struct jv request, struct buf *out)
{
	struct buf	 model;
	struct jw	 w;
	struct jv	 m;

	buf_init(&model, 8 << 10);
	gem_model_path(t->model, false, &model);
	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "generateContentRequest");
	jw_object(&w);
	jw_key(&w, "model");
	jw_str(&w, buf_str(&model));
	for (m = json_first(request); json_ok(m); m = json_next(m)) {
		if (gem_key_is(m, "model"))
			continue;
		jw_key_jstr(&w, json_jstr(json_key(m)));
		jw_raw(&w, json_raw(m));
	}
	jw_object_end(&w);
	jw_object_end(&w);
	buf_release(&model);
}

static int
gemini_read(struct jv answer, int64_t *tokens)
{
	return read_member(answer, "totalTokens", tokens);
}

static void
gemini_write(int64_t tokens, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "totalTokens");
	jw_int(&w, tokens);
	jw_object_end(&w);
}

static struct jv
gemini_inner(struct jv body)
{
	return gem_get(body, "generateContentRequest");
}

const struct dialect_count	 count_gemini = {
	.path = gemini_path,
	.body = gemini_body,
	.read = gemini_read,
	.write = gemini_write,
	.inner = gemini_inner
};
