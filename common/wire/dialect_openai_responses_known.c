/*
 * OpenAI Responses: what is read of a request's items, tools and formats, for
 * the loss reports of the others.
 */
#include "wire/dialect_openai_responses.h"

static const struct json_known text_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("text") },
	{ JSON_KNOWN("prompt_cache_breakpoint") }, { .name = NULL }
};

static const struct json_known refusal_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("refusal") }, { .name = NULL }
};

static const struct json_known media_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("detail") },
	{ JSON_KNOWN("image_url") }, { JSON_KNOWN("file_id") },
	{ JSON_KNOWN("filename") }, { JSON_KNOWN("file_data") },
	{ JSON_KNOWN("file_url") }, { JSON_KNOWN("input_audio") },
	{ JSON_KNOWN("prompt_cache_breakpoint") }, { .name = NULL }
};

static const struct json_known parts_read[] = {
	{ JSON_KNOWN("input_text"), .in = text_read },
	{ JSON_KNOWN("output_text"), .in = text_read },
	{ JSON_KNOWN("text"), .in = text_read },
	{ JSON_KNOWN("refusal"), .in = refusal_read },
	{ JSON_KNOWN("input_image"), .in = media_read },
	{ JSON_KNOWN("input_file"), .in = media_read },
	{ JSON_KNOWN("input_audio"), .in = media_read }, { .name = NULL }
};

static const struct json_known message_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") }, { JSON_KNOWN("role") },
	{ JSON_KNOWN("status") },
	{ JSON_KNOWN("content"), .in = parts_read, .by_type = true },
	{ .name = NULL }
};

/* "direct" is what every call is, another one names its caller. */
static const struct json_known caller_read[] = {
	{ JSON_KNOWN("type") }, { .name = NULL }
};

static const struct json_known call_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("call_id") },
	{ JSON_KNOWN("name") }, { JSON_KNOWN("namespace") },
	{ JSON_KNOWN("arguments") }, { JSON_KNOWN("input") },
	{ JSON_KNOWN("caller"), .in = caller_read }, { .name = NULL }
};

static const struct json_known result_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("call_id") },
	{ JSON_KNOWN("output"), .in = parts_read, .by_type = true },
	{ JSON_KNOWN("caller"), .in = caller_read }, { .name = NULL }
};

/* shell_call and the like: run by the client, where it runs things. */
static const struct json_known client_call_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("call_id") },
	{ JSON_KNOWN("action") }, { JSON_KNOWN("operation") },
	{ JSON_KNOWN("environment"), .in = caller_read },
	{ JSON_KNOWN("caller"), .in = caller_read }, { .name = NULL }
};

static const struct json_known client_result_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("call_id") },
	{ JSON_KNOWN("output") },
	{ JSON_KNOWN("caller"), .in = caller_read }, { .name = NULL }
};

static const struct json_known reasoning_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("summary") },
	{ JSON_KNOWN("content") }, { JSON_KNOWN("encrypted_content") },
	{ .name = NULL }
};

static const struct json_known function_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("name") },
	{ JSON_KNOWN("description") }, { JSON_KNOWN("parameters") },
	{ JSON_KNOWN("strict") }, { .name = NULL }
};

static const struct json_known custom_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("name") },
	{ JSON_KNOWN("description") }, { JSON_KNOWN("format") },
	{ .name = NULL }
};

static const struct json_known members_read[] = {
	{ JSON_KNOWN("function"), .in = function_read },
	{ JSON_KNOWN("custom"), .in = custom_read }, { .name = NULL }
};

/* A namespace is its name before those of its tools. */
static const struct json_known namespace_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("name") },
	{ JSON_KNOWN("tools"), .in = members_read, .by_type = true },
	{ .name = NULL }
};

static const struct json_known tools_read[] = {
	{ JSON_KNOWN("function"), .in = function_read },
	{ JSON_KNOWN("custom"), .in = custom_read },
	{ JSON_KNOWN("namespace"), .in = namespace_read }, { .name = NULL }
};

/* Tools that a search by the client has brought are declared, too. */
static const struct json_known found_read[] = {
	{ JSON_KNOWN("tools"), .in = tools_read, .by_type = true },
	{ .name = NULL }
};

static const struct json_known schema_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("name") },
	{ JSON_KNOWN("description") }, { JSON_KNOWN("schema") },
	{ JSON_KNOWN("strict") }, { .name = NULL }
};

static const struct json_known formats_read[] = {
	{ JSON_KNOWN("json_schema"), .in = schema_read }, { .name = NULL }
};

static const struct json_known output_read[] = {
	{ JSON_KNOWN("format"), .in = formats_read, .by_type = true },
	{ .name = NULL }
};

static const struct json_known additional_read[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") }, { JSON_KNOWN("role") },
	{ JSON_KNOWN("status") },
	{ JSON_KNOWN("tools"), .in = tools_read, .by_type = true },
	{ .name = NULL }
};

static const struct json_known items_read[] = {
	{ JSON_KNOWN("message"), .in = message_read },
	{ JSON_KNOWN(""), .in = message_read },
	{ JSON_KNOWN("function_call"), .in = call_read },
	{ JSON_KNOWN("custom_tool_call"), .in = call_read },
	{ JSON_KNOWN("additional_tools"), .in = additional_read },
	{ JSON_KNOWN("tool_search_output"), .in = found_read, .open = true },
	{ JSON_KNOWN("function_call_output"), .in = result_read },
	{ JSON_KNOWN("custom_tool_call_output"), .in = result_read },
	{ JSON_KNOWN("local_shell_call"), .in = client_call_read },
	{ JSON_KNOWN("local_shell_call_output"), .in = client_result_read },
	{ JSON_KNOWN("shell_call"), .in = client_call_read },
	{ JSON_KNOWN("shell_call_output"), .in = client_result_read },
	{ JSON_KNOWN("apply_patch_call"), .in = client_call_read },
	{ JSON_KNOWN("apply_patch_call_output"), .in = client_result_read },
	{ JSON_KNOWN("reasoning"), .in = reasoning_read }, { .name = NULL }
};

static const struct json_known root_read[] = {
	{ JSON_KNOWN("input"), .in = items_read, .by_type = true },
	{ JSON_KNOWN("tools"), .in = tools_read, .by_type = true },
	{ JSON_KNOWN("text"), .in = output_read, .open = true },
	{ .name = NULL }
};

const struct json_known resp_request_known = { .in = root_read, .open = true };
