/*
 * The Gemini dialect: answers, looked at as a line of events; errors; lists of
 * models.
 */
#include <stdlib.h>

#include "wire_test.h"

static void
same(const char *name, struct str got, const char *want)
{
	bool	 eq = str_is(got, want);

	ok(eq, "%s", name);
	if (!eq)
		printf("#   got  %.*s\n#   want %s\n", STR_FMT(got), want);
}

static void
same_json(const char *name, struct str got, const char *want)
{
	ok(wt_same(got, want), "%s", name);
}

/* --- answers of this dialect ---------------------------------------------- */

static int
record(void *arg, const struct ir_event *ev)
{
	static const char *const kinds[] = { "text", "image", "audio", "video",
	    "document", "call", "result", "think", "refusal", "opaque" };
	static const char *const stops[] = { "none", "end", "length", "tool",
	    "sequence", "filter", "refusal", "pause", "context", "bad_call",
	    "other" };
	static const char *const deltas[] = { "'", "args ", "!", "redacted ",
	    "data ", "note ", "logprobs " };
	struct buf	*b = arg;
	struct str	 s = { ev->text.p, ev->text.n };

	switch (ev->type) {
	case IR_EV_START:
		buf_addf(b, "start %.*s %.*s", STR_FMT(ev->id),
		    STR_FMT(ev->name));
		break;
	case IR_EV_PART_START:
		buf_addf(b, " %u.%u(%s", ev->choice, ev->index,
		    kinds[ev->part]);
		if (ev->name.n > 0)
			buf_addf(b, " #%.*s %.*s", STR_FMT(ev->id),
			    STR_FMT(ev->name));
		if (ev->media_type.n > 0)
			buf_addf(b, " %.*s", STR_FMT(ev->media_type));
		if (ev->part == IR_OPAQUE)
			buf_addf(b, " %.*s", STR_FMT(ev->raw));
		break;
	case IR_EV_DELTA:
		buf_addf(b, " %s", deltas[ev->delta]);
		buf_adds(b, ev->raw.n > 0 ? ev->raw : s);
		break;
	case IR_EV_PART_END:
		buf_addc(b, ')');
		break;
	case IR_EV_USAGE:
		buf_addf(b, " usage %d/%d/%d/%d", (int)ev->usage.input,
		    (int)ev->usage.cache_read, (int)ev->usage.output,
		    (int)ev->usage.reasoning);
		break;
	case IR_EV_STOP:
		buf_addf(b, " %u=%s", ev->choice, stops[ev->stop]);
		if (ev->stop_raw.n > 0)
			buf_addf(b, ":%.*s", STR_FMT(ev->stop_raw));
		break;
	case IR_EV_END:
		buf_addz(b, " end");
		break;
	case IR_EV_ERROR:
		buf_addf(b, " error %d %s", ev->error->status,
		    ev->error->msg);
		break;
	case IR_EV_PING:
		break;
	}
	return 0;
}

/* chunks: JSON values, one a line; NULL: a whole body. */
static void
events(const char *name, const char *const *chunks, const char *body,
    const char *want)
{
	struct ir_exchange	 x = { .arena = &wt_arena, .loss = &wt_loss,
				    .id = STR("ours") };
	struct ir_decoder	 dec;
	struct frame		 f = { STR_NONE, STR_NONE };

	wt_fresh();
	x.target.dialect = &dialect_gemini;
	ir_decoder_init(&dec, &dialect_gemini, &x,
	    (struct ir_sink){ record, &wt_out });
	if (chunks == NULL)
		(void)!ir_decoder_body(&dec, str_of(body));
	else {
		for (; *chunks != NULL; chunks++) {
			f.data = str_of(*chunks);
			(void)!ir_decoder_frame(&dec, &f);
		}
		(void)!ir_decoder_end(&dec);
	}
	ir_decoder_release(&dec);
	same(name, buf_str(&wt_out), want);
}

#define CHUNKS(...)	(const char *const []){ __VA_ARGS__, NULL }
#define PARTS(p)	"{\"candidates\":[{\"content\":{\"parts\":[" p "]}}]}"
#define LAST(p, reason)	"{\"candidates\":[{\"content\":{\"parts\":[" p "]}," \
			"\"finishReason\":" reason "}]}"

static void
test_events(void)
{
	events("text over chunks", CHUNKS("{\"candidates\":[{\"content\":"
	    "{\"parts\":[{\"text\":\"a\"}]}}],\"responseId\":\"r\","
	    "\"modelVersion\":\"m\"}", PARTS("{\"text\":\"b\"},{\"text\":\"\"}"),
	    LAST("{\"text\":\"c\"}", "\"STOP\"")), NULL,
	    "start r m 0.0(text 'a 'b 'c) 0=end:STOP end");
	events("pitfall-5: a reason in every chunk", CHUNKS(
	    LAST("{\"text\":\"a\"}", "\"STOP\""),
	    LAST("{\"text\":\"b\"}", "\"MAX_TOKENS\"")), NULL,
	    "start   0.0(text 'a 'b) 0=length:MAX_TOKENS end");
	events("thoughts, text, call", CHUNKS(
	    PARTS("{\"text\":\"hm\",\"thought\":true}"),
	    PARTS("{\"text\":\"a\"}"),
	    LAST("{\"functionCall\":{\"id\":\"i\",\"name\":\"f\",\"args\":"
	    "{\"a\":\"x\"}},\"thoughtSignature\":\"c2ln\"}", "\"STOP\"")),
	    NULL, "start   0.0(think 'hm) 0.1(text 'a) 0.2(call #i f args "
	    "{\\\"a\\\":\\\"x\\\"} !c2ln) 0=tool:STOP end");
	events("pitfall-3, pitfall-29: parallel calls without ids", NULL,
	    "{\"responseId\":\"r\",\"candidates\":[{\"content\":{\"parts\":["
	    "{\"functionCall\":{\"name\":\"f\"}},{\"functionCall\":{\"name\":"
	    "\"f\",\"args\":{}}}]},\"finishReason\":\"STOP\"}]}",
	    "start r  0.0(call #call_d1d7ea0aa1d789b6951a90d9 f args {}) "
	    "0.1(call #call_1d4402814e53e8c070a80a3d f args {}) 0=tool:STOP "
	    "end");
	events("pitfall-4: never from length", CHUNKS(
	    LAST("{\"functionCall\":{\"id\":\"i\",\"name\":\"f\"}}",
	    "\"MAX_TOKENS\"")), NULL,
	    "start   0.0(call #i f args {}) 0=length:MAX_TOKENS end");
	events("pitfall-16: a signature on an empty text", CHUNKS(
	    PARTS("{\"text\":\"a\"}"),
	    LAST("{\"text\":\"\",\"thoughtSignature\":\"s\"}", "\"STOP\"")),
	    NULL, "start   0.0(text 'a !s) 0=end:STOP end");
	events("pitfall-16: and nothing before it", CHUNKS(
	    PARTS("{\"functionCall\":{\"id\":\"i\",\"name\":\"f\"}}"),
	    LAST("{\"text\":\"\",\"thoughtSignature\":\"s\"}", "\"STOP\"")),
	    NULL, "start   0.0(call #i f args {}) 0.1(think !s) "
	    "0=tool:STOP end");
	events("two signed texts are two parts", CHUNKS(
	    LAST("{\"text\":\"a\",\"thoughtSignature\":\"1\"},{\"text\":\"b\","
	    "\"thoughtSignature\":\"2\"}", "\"STOP\"")), NULL,
	    "start   0.0(text 'a !1) 0.1(text 'b !2) 0=end:STOP end");
	events("media and what only Google knows", NULL,
	    LAST("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":"
	    "\"aGk=\"}},{\"executableCode\":{\"code\":\"1\"}}", "\"STOP\""),
	    "start   0.0(image image/png data aGk=) 0.1(opaque "
	    "{\"executableCode\":{\"code\":\"1\"}}) 0=end:STOP end");
	events("arguments in pieces", CHUNKS(
	    PARTS("{\"functionCall\":{\"name\":\"f\",\"id\":\"i\","
	    "\"willContinue\":true},\"thoughtSignature\":\"s\"}"),
	    PARTS("{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":"
	    "\"$.a\",\"stringValue\":\"x\",\"willContinue\":true}],"
	    "\"willContinue\":true}}"),
	    PARTS("{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":"
	    "\"$.a\",\"stringValue\":\"y\"},{\"jsonPath\":\"$.n\","
	    "\"numberValue\":2}],\"willContinue\":true}}"),
	    LAST("{\"functionCall\":{}}", "\"STOP\"")), NULL,
	    "start   0.0(call #i f args {\\\"a\\\":\\\"xy\\\",\\\"n\\\":2} "
	    "!s) 0=tool:STOP end");
	events("candidates", NULL, "{\"candidates\":[{\"content\":{\"parts\":"
	    "[{\"text\":\"a\"}]},\"finishReason\":1},{\"index\":1,\"content\":"
	    "{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"SOMEDAY\"}]}",
	    "start   0.0(text 'a 1.1(text 'b) 0=end:STOP) 1=other:SOMEDAY "
	    "end");
	events("logprobs and notes", NULL, "{\"candidates\":[{\"content\":"
	    "{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\","
	    "\"citationMetadata\":{\"x\":1},\"logprobsResult\":"
	    "{\"chosenCandidates\":[{\"token\":\"a\",\"logProbability\":-1}],"
	    "\"topCandidates\":[{\"candidates\":[{\"token\":\"b\","
	    "\"logProbability\":-2}]}]}}]}",
	    "start   0.0(text 'a logprobs [{\"token\":\"a\",\"logprob\":-1,"
	    "\"bytes\":null,\"top_logprobs\":[{\"token\":\"b\",\"logprob\":-2,"
	    "\"bytes\":null}]}] note {\"citationMetadata\":{\"x\":1}}) "
	    "0=end:STOP end");
}

static void
test_ends(void)
{
	events("pitfall-6: cut", CHUNKS(PARTS("{\"text\":\"a\"}")), NULL,
	    "start   0.0(text 'a error 502 the provider's stream was cut");
	events("no chunk at all", CHUNKS("[DONE]"), NULL,
	    " error 502 the provider's stream was cut");
	events("pitfall-7: an error in the stream", CHUNKS(
	    PARTS("{\"text\":\"a\"}"), "{\"error\":{\"code\":503,\"message\":"
	    "\"busy\",\"status\":\"UNAVAILABLE\"}}", PARTS("{\"text\":\"b\"}")),
	    NULL, "start   0.0(text 'a error 503 busy");
	events("garbage", CHUNKS("{"), NULL,
	    " error 502 the provider's stream is not JSON");
	events("a prompt that was blocked", CHUNKS(
	    "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},"
	    "\"usageMetadata\":{\"promptTokenCount\":5,"
	    "\"totalTokenCount\":5}}"), NULL,
	    "start   usage 5/-1/0/-1 0=filter:SAFETY end");
	events("safety", CHUNKS(LAST("", "\"SAFETY\"")), NULL,
	    "start   0=filter:SAFETY end");
	events("a call that was none", CHUNKS(LAST("",
	    "\"MALFORMED_FUNCTION_CALL\"")), NULL,
	    "start   0=bad_call:MALFORMED_FUNCTION_CALL end");
	events("a body without a reason", NULL, PARTS("{\"text\":\"a\"}"),
	    "start   0.0(text 'a) 0=end end");
	events("a body without anything", NULL, "{}",
	    "start   error 502 the provider's answer has no candidates");
	events("pitfall-40: usage, replaced and disjoint", CHUNKS(
	    "{\"usageMetadata\":{\"promptTokenCount\":10,"
	    "\"totalTokenCount\":10}}",
	    LAST("{\"text\":\"a\"}", "\"STOP\""),
	    "{\"usageMetadata\":{\"promptTokenCount\":10,"
	    "\"cachedContentTokenCount\":4,\"candidatesTokenCount\":3,"
	    "\"thoughtsTokenCount\":2,\"toolUsePromptTokenCount\":1,"
	    "\"totalTokenCount\":16}}"), NULL,
	    "start   usage 10/-1/0/-1 0.0(text 'a usage 7/4/3/2) 0=end:STOP "
	    "end");
	events("an array as a body", NULL, "[" PARTS("{\"text\":\"a\"}") ","
	    LAST("{\"text\":\"b\"}", "\"STOP\"") "]",
	    "start   0.0(text 'a 'b) 0=end:STOP end");
}

/* --- answers to clients of this dialect ----------------------------------- */

static void
answer(const struct dialect *from, enum framing in_framing,
    enum framing out_framing, const char *bytes)
{
	struct convert_opts	 o = { .from = from, .to = &dialect_gemini,
				    .in = in_framing, .out = out_framing };

	wt_fresh();
	(void)!convert_response(&wt_arena, &o, str_of(bytes), &wt_out, &wt_loss, &wt_err);
}

#define META	"\"modelVersion\":\"m\",\"responseId\":\"r\""
#define CHAT_STREAM							\
	"data: {\"id\":\"r\",\"object\":\"chat.completion.chunk\","	\
	"\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"	\
	"\"assistant\",\"content\":\"hi\"}}]}\n\n"			\
	"data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,"	\
	"\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":"	\
	"\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\""	\
	"}}]}}]}\n\n"							\
	"data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,"	\
	"\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"	\
	"\"\\\":1}\"}}]}}]}\n\n"						\
	"data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,"	\
	"\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"		\
	"data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[],\"usage\":"	\
	"{\"prompt_tokens\":5,\"completion_tokens\":7,"			\
	"\"prompt_tokens_details\":{\"cached_tokens\":2},"		\
	"\"completion_tokens_details\":{\"reasoning_tokens\":3}}}\n\n"	\
	"data: [DONE]\n\n"
#define CAND(parts, rest)						\
	"{\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":"	\
	"\"model\"}" rest ",\"index\":0}]"
#define USAGE								\
	",\"usageMetadata\":{\"promptTokenCount\":5,"			\
	"\"candidatesTokenCount\":4,\"cachedContentTokenCount\":2,"	\
	"\"thoughtsTokenCount\":3,\"totalTokenCount\":12},"
#define CALL_PART							\
	"{\"functionCall\":{\"id\":\"c\",\"name\":\"f\",\"args\":{\"a\":1}}}"
#define STOPPED	",\"finishReason\":\"STOP\""

static void
test_write(void)
{
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_SSE, CHAT_STREAM);
	same("a stream", buf_str(&wt_out),
	    "data: " CAND("{\"text\":\"hi\"}", "") "," META "}\n\n"
	    "data: " CAND(CALL_PART, "") "," META "}\n\n"
	    "data: " CAND("{\"text\":\"\"}", STOPPED) USAGE META "}\n\n");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_JSON_ARRAY, CHAT_STREAM);
	same("an array", buf_str(&wt_out),
	    "[" CAND("{\"text\":\"hi\"}", "") "," META "}\n,\n"
	    CAND(CALL_PART, "") "," META "}\n,\n"
	    CAND("{\"text\":\"\"}", STOPPED) USAGE META "}]");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_NONE, CHAT_STREAM);
	same("a body", buf_str(&wt_out), CAND("{\"text\":\"hi\"}," CALL_PART,
	    STOPPED) USAGE META "}");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_SSE,
	    "data: {\"id\":\"r\",\"choices\":[{\"index\":0,\"delta\":"
	    "{\"content\":\"hi\"}}]}\n\n");
	ok(wt_has("\"error\":{\"code\":502,") && wt_has("\"status\":"
	    "\"UNAVAILABLE\"}}\n\n"), "pitfall-7: an error event");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_JSON_ARRAY,
	    "data: {\"id\":\"r\",\"choices\":[{\"index\":0,\"delta\":"
	    "{\"content\":\"hi\"}}]}\n\n");
	ok(wt_has("\n,\n{\"error\":{") && str_ends(buf_str(&wt_out), "}}]"),
	    "an error in an array");
	answer(&dialect_gemini, FRAME_NONE, FRAME_SSE,
	    LAST("{\"text\":\"a\",\"thoughtSignature\":\"c2ln\"}",
	    "\"BLOCKLIST\""));
	ok(wt_has("\"thoughtSignature\":\"c2ln\"") && wt_has("BLOCKLIST"),
	    "the signature and the word that Gemini said");
	answer(&dialect_anthropic, FRAME_NONE, FRAME_NONE, "{\"id\":\"r\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
	    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
	    "\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"a\"}],"
	    "\"stop_reason\":\"max_tokens\",\"usage\":{\"input_tokens\":1,"
	    "\"cache_read_input_tokens\":2,\"output_tokens\":3}}");
	ok(wt_has("{\"text\":\"hm\",\"thought\":true},{\"text\":\"a\"}") &&
	    wt_has("MAX_TOKENS") && wt_has("\"promptTokenCount\":3") &&
	    wt_has("\"totalTokenCount\":6"), "from Anthropic");
	ok(wt_lost("response.content[0].signature"), "another's signature");
}

/* The client did not ask for thoughts; a tool's own name comes back. */
static void
test_asked(void)
{
	struct ir_request	 rq = { .from = WT_GE };
	struct ir_exchange	 x = { .arena = &wt_arena, .loss = &wt_loss,
				    .rq = &rq, .stream = true,
				    .framing = FRAME_SSE };
	struct ir_name		 n = { STR("1st"), STR("_1st"), NULL };
	struct ir_encoder	 enc;
	struct ir_event		 start = { .type = IR_EV_START };
	struct ir_event		 open = { .type = IR_EV_PART_START,
				    .part = IR_THINKING };
	struct ir_event		 text = { .type = IR_EV_DELTA,
				    .part = IR_THINKING, .delta = IR_D_TEXT,
				    .text = JSTR("hm") };
	struct ir_event		 call = { .type = IR_EV_PART_START, .index = 1,
				    .part = IR_TOOL_CALL, .name = STR("_1st"),
				    .id = STR("i") };
	struct ir_event		 args = { .type = IR_EV_DELTA, .index = 1,
				    .part = IR_TOOL_CALL, .delta = IR_D_ARGS,
				    .text = JSTR("[1") };
	struct ir_event		 close = { .type = IR_EV_PART_END, .index = 1,
				    .part = IR_TOOL_CALL };

	wt_fresh();
	x.names.first = &n;
	ir_encoder_init(&enc, &dialect_gemini, &x, &wt_out);
	dialect_gemini.event_encode(&enc, &start);
	dialect_gemini.event_encode(&enc, &open);
	dialect_gemini.event_encode(&enc, &text);
	ok(wt_out.len == 0 && wt_lost("not asked for"), "unasked thoughts");
	dialect_gemini.event_encode(&enc, &call);
	dialect_gemini.event_encode(&enc, &args);
	ok(wt_out.len == 0, "a call waits for its arguments");
	dialect_gemini.event_encode(&enc, &close);
	ok(wt_has("\"name\":\"1st\",\"args\":{\"input\":\"[1\"}"),
	    "its own name, arguments that are an object");
}

/* --- errors and models ---------------------------------------------------- */

static void
test_errors(void)
{
	wt_fresh();
	ir_error_set(&wt_err, IR_ERR_RATE, "HTTP 429");
	dialect_gemini.error_decode(&wt_arena, STR("[{\"error\":{\"code\":429,"
	    "\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\","
	    "\"details\":[{\"@type\":\"x\",\"reason\":\"RATE\"},{\"@type\":"
	    "\"y\",\"retryDelay\":\"12.5s\"}]}}]"), &wt_err);
	ok(strcmp(wt_err.msg, "slow") == 0 && wt_err.retry_after == 13 &&
	    strcmp(wt_err.type, "RESOURCE_EXHAUSTED") == 0 &&
	    strcmp(wt_err.code, "RATE") == 0, "an error in an array");
	dialect_gemini.error_encode(&wt_err, STR("q1"), &wt_out);
	same_json("and out again", buf_str(&wt_out), "{\"error\":{\"code\":429,"
	    "\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\","
	    "\"details\":[{\"@type\":"
	    "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":"
	    "\"13s\"},{\"@type\":"
	    "\"type.googleapis.com/google.rpc.RequestInfo\",\"requestId\":"
	    "\"q1\"}]}}");
	ir_error_set(&wt_err, IR_ERR_BAD_REQUEST, "HTTP 400");
	dialect_gemini.error_decode(&wt_arena, STR("{\"error\":{\"code\":400,"
	    "\"message\":\"API key not valid.\",\"details\":[{\"reason\":"
	    "\"API_KEY_INVALID\"}]}}"), &wt_err);
	ok(wt_err.kind == IR_ERR_AUTH && wt_err.status == 401, "a wrong key is 401");
	ir_error_set(&wt_err, IR_ERR_UPSTREAM, "kept");
	dialect_gemini.error_decode(&wt_arena, STR("<html>"), &wt_err);
	ok(strcmp(wt_err.msg, "kept") == 0, "no JSON changes nothing");
}

static void
test_models(void)
{
	struct ir_model	 m[2] = { { .id = STR("a\"b") }, { .id = STR("c") } };

	wt_fresh();
	dialect_gemini.models_encode(m, 2, &wt_out);
	ok(wt_has("{\"models\":[{\"name\":\"models/a\\\"b\",") &&
	    wt_has("\"name\":\"models/c\""), "models");
	buf_clear(&wt_out);
	dialect_gemini.model_encode(m, &wt_out);
	ok(wt_has("\"supportedGenerationMethods\":[\"generateContent\","),
	    "one model");
}

int
main(void)
{
	wt_init();
	test_events();
	test_ends();
	test_write();
	test_asked();
	test_errors();
	test_models();
	wt_release();
	return done();
}
