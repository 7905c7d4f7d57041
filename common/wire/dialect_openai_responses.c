/*
 * OpenAI Responses: struct dialect.  It shares its provider, and so its
 * address, headers, errors and lists of models, with Chat Completions.
 *
 * What a server would have to remember (previous_response_id, conversation,
 * item_reference, background) is kept in the request for a provider of this
 * dialect, and is refused by the encoders of others.
 */
#include "wire/dialect_openai_responses.h"

#include "wire/dialect_openai_chat.h"
#include "wire/ops.h"

static void
request_path(const struct ir_target *target, struct buf *out)
{
	(void)target;
	buf_addz(out, "/v1/responses");
}

static void
error_decode(struct arena *a, struct str body, struct ir_error *err)
{
	dialect_openai_chat.error_decode(a, body, err);
}

static void
error_encode(const struct ir_error *err, struct str request_id,
    struct buf *out)
{
	dialect_openai_chat.error_encode(err, request_id, out);
}

static void
models_encode(const struct ir_model *m, size_t n, struct buf *out)
{
	dialect_openai_chat.models_encode(m, n, out);
}

static void
model_encode(const struct ir_model *m, struct buf *out)
{
	dialect_openai_chat.model_encode(m, out);
}

static const struct endpoint endpoints[] = {
	{ .method = "POST", .path = "/v1/responses", .op = DIALECT_GENERATE },
	{ .method = "POST", .path = "/v1/responses/input_tokens",
	    .op = DIALECT_COUNT },
	{ .method = "GET", .path = "/v1/responses/{model}/input_items",
	    .op = DIALECT_STATE_ITEMS },
	{ .method = "POST", .path = "/v1/responses/{model}/cancel",
	    .op = DIALECT_STATE_CANCEL },
	{ .method = "GET", .path = "/v1/responses/{model}",
	    .op = DIALECT_STATE_GET },
	{ .method = "DELETE", .path = "/v1/responses/{model}",
	    .op = DIALECT_STATE_DELETE },
	{ .method = "POST", .path = "/v1/conversations",
	    .op = DIALECT_TALK_CREATE },
	{ .method = "GET", .path = "/v1/conversations/{model}/items/{item}",
	    .op = DIALECT_TALK_ITEM },
	{ .method = "DELETE", .path = "/v1/conversations/{model}/items/{item}",
	    .op = DIALECT_TALK_ITEM_DELETE },
	{ .method = "GET", .path = "/v1/conversations/{model}/items",
	    .op = DIALECT_TALK_ITEMS },
	{ .method = "POST", .path = "/v1/conversations/{model}/items",
	    .op = DIALECT_TALK_ADD },
	{ .method = "GET", .path = "/v1/conversations/{model}",
	    .op = DIALECT_TALK_GET },
	{ .method = "POST", .path = "/v1/conversations/{model}",
	    .op = DIALECT_TALK_UPDATE },
	{ .method = "DELETE", .path = "/v1/conversations/{model}",
	    .op = DIALECT_TALK_DELETE },
	{ .method = NULL }
};

static const char *const headers[] = { NULL };

const struct dialect dialect_openai_responses = {
	.name = "openai-responses",
	.title = "OpenAI Responses",
	.caps = IR_NEED_TOOLS | IR_NEED_IMAGE | IR_NEED_DOCUMENT |
	    IR_NEED_THINKING | IR_NEED_SCHEMA | IR_NEED_LOGPROBS |
	    IR_NEED_SERVER_TOOL | IR_NEED_CUSTOM_TOOL | IR_NEED_STATE,
	.endpoints = endpoints,
	.base_url = "https://api.openai.com",
	.auth_header = "Authorization",
	.auth_format = "Bearer {key}",
	.headers = headers,
	.pass_request = chat_pass_request,
	.pass_response = chat_pass_response,
	.request_decode = resp_request_decode,
	.request_encode = resp_request_encode,
	.request_known = &resp_request_known,
	.request_path = request_path,
	.takes_url = resp_takes_url,
	.dec_size = sizeof(struct resp_dec),
	.event_decode = resp_event_decode,
	.event_end = resp_event_end,
	.body_decode = resp_body_decode,
	.error_decode = error_decode,
	.answer = &resp_answer,
	.enc_size = sizeof(struct resp_enc),
	.event_encode = resp_event_encode,
	.body_encode = resp_body_encode,
	.error_encode = error_encode,
	.keepalive = ": keep-alive\n\n",
	.count = &count_responses,
	.embed = &embed_openai,
	.models_encode = models_encode,
	.model_encode = model_encode,
};
