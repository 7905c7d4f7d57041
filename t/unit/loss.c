/*
 * What is lost between dialects.  Of an answer the report's paths are those of
 * the provider's answer, in a body and in a stream; of an answer as of a
 * request's conversation, what no decoder reads is in it, too.
 */
#include "wire_test.h"

/* Actions and paths of the report, one a line, in its order. */
static void
report(const char *name, const char *want)
{
	const struct loss_item	*it;
	struct buf		 b;

	buf_init(&b, WT_MAX);
	for (it = wt_loss.first; it != NULL; it = it->next)
		buf_addf(&b, "%s %.*s\n", loss_action_name(it->action),
		    STR_FMT(it->path));
	ok(str_is(buf_str(&b), want), "%s", name);
	if (!str_is(buf_str(&b), want))
		printf("#   got\n%.*s#   want\n%s", STR_FMT(buf_str(&b)), want);
	buf_release(&b);
}

static void
body(const struct dialect *from, const struct dialect *to, const char *name,
    const char *text, const char *want)
{
	ok(wt_answer(from, to, FRAME_NONE, FRAME_NONE, text) == 0,
	    "%s to %s: %s", from->name, to->name, name);
	report("the report", want);
}

static void
stream(const struct dialect *from, const struct dialect *to, const char *name,
    const char *text, const char *want)
{
	ok(wt_answer(from, to, FRAME_SSE, FRAME_SSE, text) == 0,
	    "%s to %s: %s", from->name, to->name, name);
	report("the report", want);
}

/* --- the report's room ---------------------------------------------------- */

static void
test_room(void)
{
	static char	 path[2000];
	struct arena	 a;
	struct loss	 l;
	struct json	 j;
	struct jv	 v, last = { 0 };
	struct buf	 b;
	size_t		 i, n = 0;

	arena_init(&a);
	loss_init(&l, &a);
	json_init(&j);
	buf_init(&b, WT_MAX);
	for (i = 0; i < LOSS_MAX + 9; i++) {
		snprintf(path, sizeof(path), "messages[%zu].name", i);
		if (i == 2)
			memset(path, 'p', sizeof(path) - 1);
		loss_add(&l, LOSS_DROPPED, str_of(path), "not known there");
	}
	loss_json_max(&l, &b, 2048);
	ok(b.len <= 2048 && json_parse(&j, buf_str(&b), NULL) == 0,
	    "a report in little room is whole JSON");
	for (v = json_first(json_root(&j)); json_ok(v); v = json_next(v)) {
		last = v;
		n++;
	}
	snprintf(path, sizeof(path), "and %zu more", LOSS_MAX + 9 - (n - 1));
	ok(n > 10 && str_is(json_str(&a, json_get(last, "why")), path),
	    "and says how many it does not tell: %s", path);
	buf_release(&b);
	json_release(&j);
	arena_release(&a);
}

/* --- Anthropic ------------------------------------------------------------ */

static void
test_anthropic(void)
{
	static const char	 text[] = "{\"id\":\"msg_1\",\"type\":"
	    "\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":["
	    "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"S\"},"
	    "{\"type\":\"redacted_thinking\",\"data\":\"R\"},"
	    "{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"type\":"
	    "\"unheard_of\"}],\"odd\":7},"
	    "{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":{},"
	    "\"caller\":{\"type\":\"direct\"}},"
	    "{\"type\":\"tool_use\",\"id\":\"j\",\"name\":\"f\",\"input\":{},"
	    "\"caller\":{\"type\":\"code\",\"tool_id\":\"s\"}},"
	    "{\"type\":\"container_upload\",\"file_id\":\"x\"}],"
	    "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,"
	    "\"stop_details\":null,\"container\":{\"id\":\"c\"},"
	    "\"context_management\":{\"applied_edits\":[]},"
	    "\"usage\":{\"input_tokens\":1,\"output_tokens\":2,"
	    "\"inference_geo\":\"eu\",\"server_tool_use\":{\"web_search_"
	    "requests\":0,\"web_fetch_requests\":2}}}";
	static const char	 common[] =
	    "dropped response.content[2].odd\n"
	    "dropped response.content[4].caller.tool_id\n"
	    "dropped response.container\n"
	    "dropped response.usage.server_tool_use\n";
	char			 want[1024];

	snprintf(want, sizeof(want), "%s%s", common,
	    "dropped response.content[0].signature\n"
	    "dropped response.content[1].data\n"
	    "dropped response.content[2].citations\n"
	    "dropped response.content[5]\n");
	body(WT_AN, WT_OR, "all that a message has", text, want);
	snprintf(want, sizeof(want), "%s%s", common,
	    "dropped response.content[5]\n"
	    "dropped response.content[0].signature\n"
	    "dropped response.content[1].data\n"
	    "dropped response.content[2].citations\n");
	body(WT_AN, WT_OC, "all that a message has", text, want);
	snprintf(want, sizeof(want), "%s%s", common,
	    "dropped response.content[0].signature\n"
	    "dropped response.content[1].data\n"
	    "dropped response.content[5]\n"
	    "dropped response.content[2].citations\n");
	body(WT_AN, WT_GE, "all that a message has", text, want);
	stream(WT_AN, WT_OC, "a stream",
	    "event: message_start\ndata: {\"type\":\"message_start\","
	    "\"message\":{\"id\":\"m\",\"content\":[],\"odd\":1}}\n\n"
	    "event: content_block_start\ndata: {\"type\":"
	    "\"content_block_start\",\"index\":3,\"content_block\":{\"type\":"
	    "\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n"
	    "event: content_block_delta\ndata: {\"type\":"
	    "\"content_block_delta\",\"index\":3,\"delta\":{\"type\":"
	    "\"signature_delta\",\"signature\":\"S\"}}\n\n"
	    "event: content_block_stop\ndata: {\"type\":"
	    "\"content_block_stop\",\"index\":3}\n\n"
	    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
	    "{\"stop_reason\":\"end_turn\",\"container\":{\"id\":\"c\"}},"
	    "\"usage\":{\"output_tokens\":1}}\n\n"
	    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
	    "dropped response.message.odd\n"
	    "dropped response.content[3].signature\n"
	    "dropped response.delta.container\n");
}

/* --- OpenAI --------------------------------------------------------------- */

static void
test_chat(void)
{
	body(WT_OC, WT_AN, "all that a completion has",
	    "{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"m\","
	    "\"system_fingerprint\":\"fp\",\"provider\":\"P\",\"choices\":[{"
	    "\"index\":0,\"finish_reason\":\"odd\",\"native_reason\":\"x\","
	    "\"message\":{\"role\":\"assistant\",\"content\":\"a\","
	    "\"reasoning_details\":[{\"data\":\"E\"}],\"tool_calls\":[{"
	    "\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"arguments\":\"[1\"},\"extra_content\":{\"google\":{\"s\":1}}}]},"
	    "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-1}]}},{"
	    "\"index\":1,\"finish_reason\":\"stop\",\"message\":{\"content\":"
	    "\"b\"}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,"
	    "\"cost\":0.1,\"prompt_tokens_details\":{\"audio_tokens\":1}}}",
	    "dropped response.provider\n"
	    "dropped response.choices[0].native_reason\n"
	    "dropped response.choices[0].message.reasoning_details\n"
	    "dropped response.choices[0].message.tool_calls[0].extra_content\n"
	    "dropped response.usage.cost\n"
	    "dropped response.choices[1]\n"
	    "dropped response.choices[0].logprobs\n"
	    "approximated response.choices[0].message.tool_calls[0].function."
	    "arguments\n"
	    "approximated response.choices[0].finish_reason\n");
	stream(WT_OC, WT_GE, "a stream",
	    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
	    "\"content\":\"a\",\"channel\":\"x\"}}]}\n\n"
	    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
	    "\"content\":\"b\",\"channel\":\"x\"}}],\"obfuscation\":\"zz\"}\n\n"
	    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},"
	    "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
	    "dropped response.choices[0].delta.channel\n");
}

static void
test_responses(void)
{
	static const char	 text[] = "{\"id\":\"resp_1\",\"object\":"
	    "\"response\",\"status\":\"completed\",\"model\":\"m\","
	    "\"instructions\":\"be\",\"billing\":{\"payer\":\"d\"},\"odd\":1,"
	    "\"output\":[{\"id\":\"rs\",\"type\":\"reasoning\",\"summary\":[{"
	    "\"type\":\"summary_text\",\"text\":\"s\"}],\"content\":[{"
	    "\"type\":\"reasoning_text\",\"text\":\"r\"}],"
	    "\"encrypted_content\":\"E\"},{\"id\":\"m\",\"type\":\"message\","
	    "\"role\":\"assistant\",\"status\":\"completed\",\"phase\":"
	    "\"final\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\","
	    "\"annotations\":[]},{\"type\":\"output_text\",\"text\":\"b\","
	    "\"annotations\":[{\"type\":\"file_path\",\"file_id\":\"f\"}]}]},"
	    "{\"type\":\"mcp_call\",\"id\":\"x\",\"name\":\"t\"}],"
	    "\"usage\":{\"input_tokens\":1,\"output_tokens\":1,"
	    "\"total_tokens\":2}}";

	body(WT_OR, WT_AN, "all that a response has", text,
	    "dropped response.odd\n"
	    "dropped response.output[1].phase\n"
	    "dropped response.output[0].content\n"
	    "dropped response.output[0].encrypted_content\n"
	    "dropped response.output[1].content[1].annotations\n"
	    "dropped response.output[2]\n");
	wt_fresh();
	stream(WT_OR, WT_AN, "a stream that ends with all of it",
	    "event: response.completed\ndata: {\"type\":\"response.completed\","
	    "\"sequence_number\":1,\"response\":{\"id\":\"resp_1\",\"status\":"
	    "\"completed\",\"odd\":1,\"output\":[{\"type\":\"message\","
	    "\"phase\":\"final\",\"content\":[{\"type\":\"output_text\","
	    "\"text\":\"a\"}]},{\"type\":\"mcp_call\"}]}}\n\n",
	    "dropped response.output[1]\n"
	    "dropped response.odd\n"
	    "dropped response.output[0].phase\n");
}

/* --- Gemini --------------------------------------------------------------- */

static void
test_gemini(void)
{
	body(WT_GE, WT_AN, "all that a candidate has",
	    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":["
	    "{\"text\":\"t\",\"thought\":true},{\"text\":\"a\","
	    "\"thoughtSignature\":\"U0lH\",\"partMetadata\":{\"k\":1}},"
	    "{\"functionCall\":{\"name\":\"f\",\"args\":{}}},"
	    "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"QUJD\"}}]},"
	    "\"finishReason\":\"STOP\",\"finishMessage\":\"m\",\"avgLogprobs\":"
	    "-0.5,\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{"
	    "\"uri\":\"https://g\",\"title\":\"G\"}}]},\"index\":0},{"
	    "\"index\":1,\"content\":{\"parts\":[{\"text\":\"b\"}]},"
	    "\"finishReason\":\"STOP\"}],\"modelStatus\":{\"stage\":\"OLD\"},"
	    "\"promptFeedback\":{\"safetyRatings\":[{\"category\":\"X\"}]},"
	    "\"usageMetadata\":{\"promptTokenCount\":1,\"trafficType\":\"T\"}}",
	    "dropped response.candidates[0].content.parts[1].partMetadata\n"
	    "dropped response.candidates[0].finishMessage\n"
	    "dropped response.candidates[0].avgLogprobs\n"
	    "dropped response.modelStatus\n"
	    "dropped response.promptFeedback.safetyRatings\n"
	    "dropped response.candidates[1]\n"
	    "dropped response.candidates[0].content.parts[1].thoughtSignature\n"
	    "approximated response.candidates[0].groundingMetadata\n"
	    "dropped response.candidates[0].content.parts[3]\n");
	ok(wt_has("https://g"), "sources of a text with other parts behind it");
	stream(WT_GE, WT_OC, "a stream whose sources come after its text",
	    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"},"
	    "{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]}}]}\n\n"
	    "data: {\"candidates\":[{\"finishReason\":\"STOP\","
	    "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":"
	    "\"https://g\"}}]}}],\"modelStatus\":{\"stage\":\"OLD\"}}\n\n",
	    "dropped response.candidates[0].groundingMetadata\n"
	    "dropped response.modelStatus\n");
}

/* Each text's own stretch, where one list is about several. */
static void
test_stretches(void)
{
	static const enum framing	 out[] = { FRAME_NONE, FRAME_SSE };
	size_t				 i;

	for (i = 0; i < 2; i++) {
		ok(wt_answer(WT_AN, WT_GE, FRAME_NONE, out[i],
		    "{\"type\":\"message\",\"content\":[{\"type\":\"text\","
		    "\"text\":\"\\u00e4b\"},{\"type\":\"text\",\"text\":"
		    "\"cd\",\"citations\":[{\"type\":"
		    "\"web_search_result_location\",\"url\":\"https://a\","
		    "\"title\":\"A\",\"cited_text\":\"q\"}]}],\"stop_reason\":"
		    "\"end_turn\"}") == 0 && wt_has("\"startIndex\":3,"
		    "\"endIndex\":5,\"text\":\"cd\"}"),
		    "a block's citations are about that block %zu", i);
		ok(wt_answer(WT_OR, WT_OC, FRAME_NONE, out[i],
		    "{\"status\":\"completed\",\"output\":[{\"type\":"
		    "\"message\",\"content\":[{\"type\":\"output_text\","
		    "\"text\":\"\xc3\xa4" "b\"},{\"type\":\"output_text\","
		    "\"text\":\"cd\",\"annotations\":[{\"type\":"
		    "\"url_citation\",\"start_index\":0,\"end_index\":2,"
		    "\"url\":\"https://a\"}]}]}]}") == 0 &&
		    wt_has("\"start_index\":2,\"end_index\":4"),
		    "a part's stretch is one of the message %zu", i);
	}
}

/* --- requests ------------------------------------------------------------- */

static void
request(const struct dialect *from, const struct dialect *to, const char *text,
    const char *want)
{
	ok(wt_request(from, to, text) == 0, "%s to %s: a request",
	    from->name, to->name);
	report("the report", want);
}

static void
test_requests(void)
{
	request(WT_OR, WT_OC, "{\"model\":\"m\",\"include\":[],\"input\":["
	    "{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
	    "\"phase\":\"commentary\",\"content\":[{\"type\":\"output_text\","
	    "\"text\":\"x\",\"annotations\":[{\"type\":\"file_path\"}],"
	    "\"logprobs\":[]}]},{\"type\":\"additional_tools\",\"role\":"
	    "\"developer\",\"tools\":[{\"type\":\"namespace\",\"name\":"
	    "\"n\",\"description\":\"d\",\"tools\":[{\"type\":\"function\","
	    "\"name\":\"f\",\"parameters\":{}}]}]},{\"type\":"
	    "\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
	    "\"namespace\":\"n\",\"arguments\":\"{}\",\"caller\":{\"type\":"
	    "\"program\",\"id\":\"q\"}},{\"type\":\"function_call_output\","
	    "\"call_id\":\"c\",\"output\":[{\"type\":\"input_text\",\"text\":"
	    "\"r\",\"odd\":false}]}]}",
	    "dropped input[1].phase\n"
	    "dropped input[1].content[0].annotations\n"
	    "dropped input[2].tools[0].description\n"
	    "dropped input[3].caller.id\n"
	    "dropped input[4].output[0].odd\n");
	request(WT_OC, WT_GE, "{\"model\":\"m\",\"prompt_cache_key\":\"k\","
	    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"text\",\"text\":\"a\",\"odd\":1},{\"type\":\"file\",\"file\":{"
	    "\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;"
	    "base64,JVBERi0=\"}},{\"type\":\"image_url\",\"image_url\":{"
	    "\"url\":\"data:image/png;base64,AAAA\",\"detail\":\"low\"}}]},{"
	    "\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":"
	    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},"
	    "\"extra_content\":{\"s\":1}}]},{\"role\":\"tool\","
	    "\"tool_call_id\":\"c\",\"content\":\"r\"}]}",
	    "dropped messages[0].content[1].file.filename\n"
	    "dropped messages[0].content[2].image_url.detail\n"
	    "ignored prompt_cache_key\n"
	    "dropped messages[0].content[0].odd\n"
	    "dropped messages[1].tool_calls[0].extra_content\n");
}

/* A schema's losses by keyword, where they stand in the client's request. */
static void
test_schemas(void)
{
	static const char	 chat[] = "{\"model\":\"m\","
	    "\"max_completion_tokens\":9,\"messages\":[{\"role\":\"user\","
	    "\"content\":\"a\"}],\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
	    "\"object\",\"properties\":{\"n\":{\"type\":\"integer\","
	    "\"minimum\":1}},\"additionalProperties\":false},\"strict\":"
	    "true}}],\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"r\",\"description\":\"d\","
	    "\"schema\":{\"type\":\"object\",\"properties\":{\"p\":{"
	    "\"type\":\"string\",\"maxLength\":3}}}}}}";

	request(WT_OC, WT_AN, chat,
	    "dropped tools[0].function.parameters.properties.n.minimum\n"
	    "dropped response_format.json_schema.description\n"
	    "ignored response_format.json_schema.name\n"
	    "dropped response_format.json_schema.schema.properties.p."
	    "maxLength\n"
	    "approximated response_format.json_schema.schema\n");
	request(WT_OC, WT_GE, chat,
	    "dropped tools[0].function.strict\n"
	    "dropped response_format.json_schema.description\n"
	    "ignored response_format.json_schema.name\n");
}

/* The system amid messages, where the model knows of it, and in its place. */
static void
test_system(void)
{
	static const char	 said[] = "{\"model\":\"m\",\"messages\":["
	    "{\"role\":\"system\",\"content\":\"be\"},{\"role\":\"user\","
	    "\"content\":\"a\"},{\"role\":\"developer\",\"content\":\"b\"},"
	    "{\"role\":\"assistant\",\"content\":\"c\"},{\"role\":\"system\","
	    "\"content\":\"d\"},{\"role\":\"user\",\"content\":\"e\"},"
	    "{\"role\":\"system\",\"content\":\"f\"}]}";
	struct convert_opts	 o = { .from = WT_OC, .to = WT_AN,
				     .model = STR("claude-opus-4-8") };
	struct buf		 path;

	buf_init(&path, WT_MAX);
	wt_fresh();
	ok(convert_request(&wt_arena, &o, str_of(said), &path, &wt_out,
	    &wt_loss, &wt_err) == 0 && wt_has("\"system\":\"be\"") &&
	    wt_has("[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
	    "\"system\",\"content\":\"b\"},{\"role\":\"assistant\","
	    "\"content\":\"c\"},{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"text\",\"text\":\"d\"},{\"type\":\"text\",\"text\":\"e\"}]},"
	    "{\"role\":\"system\",\"content\":\"f\"}]"),
	    "the system speaks behind the user");
	report("but not in front of one", "approximated messages[4]\n");
	o.model = STR("claude-sonnet-5");
	wt_fresh();
	ok(convert_request(&wt_arena, &o, str_of(said), &path, &wt_out,
	    &wt_loss, &wt_err) == 0 && wt_hasnt("\"role\":\"system\""),
	    "to a model that knows of none: as the user");
	report("told", "approximated messages[2]\napproximated messages[4]\n"
	    "approximated messages[6]\n");
	buf_release(&path);
}

int
main(void)
{
	wt_init();
	test_room();
	test_anthropic();
	test_chat();
	test_responses();
	test_gemini();
	test_stretches();
	test_requests();
	test_schemas();
	test_system();
	wt_release();
	return done();
}
