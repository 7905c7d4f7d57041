/*
 * The Anthropic Messages dialect: answers as the provider writes them, and as
 * its clients read them; errors; lists of models.
 */
#include "base/log.h"
#include "wire_test.h"

/* --- answers -------------------------------------------------------------- */

static int
record(void *arg, const struct ir_event *ev)
{
	static const char *const kinds[] = { "text", "image", "audio", "video",
	    "document", "call", "result", "think", "refusal", "opaque" };
	static const char	 deltas[] = "tagrdnl";
	struct buf		*b = arg;

	switch (ev->type) {
	case IR_EV_START:
		buf_addf(b, "S %.*s %.*s\n", STR_FMT(ev->id),
		    STR_FMT(ev->name));
		break;
	case IR_EV_PART_START:
		buf_addf(b, "(%u %s", ev->index, kinds[ev->part]);
		if (ev->part == IR_TOOL_CALL)
			buf_addf(b, " %.*s %.*s", STR_FMT(ev->id),
			    STR_FMT(ev->name));
		if (ev->part == IR_OPAQUE)
			buf_addf(b, " %.*s", STR_FMT(ev->raw));
		buf_addc(b, '\n');
		break;
	case IR_EV_DELTA:
		buf_addf(b, "%c %.*s%.*s\n", deltas[ev->delta],
		    STR_FMT(ev->raw), STR_FMT(ev->text));
		break;
	case IR_EV_PART_END:
		buf_addz(b, ")\n");
		break;
	case IR_EV_USAGE:
		buf_addf(b, "U %d %d %d %d %d %d\n", (int)ev->usage.input,
		    (int)ev->usage.cache_read, (int)ev->usage.cache_write_5m,
		    (int)ev->usage.cache_write_1h, (int)ev->usage.output,
		    (int)ev->usage.reasoning);
		break;
	case IR_EV_STOP:
		buf_addf(b, "stop %d %.*s %.*s\n", (int)ev->stop,
		    STR_FMT(ev->stop_raw), STR_FMT(ev->stop_seq));
		break;
	case IR_EV_END:
		buf_addz(b, "E\n");
		break;
	case IR_EV_ERROR:
		buf_addf(b, "error %d %s: %s\n", ev->error->status,
		    ev->error->type, ev->error->msg);
		break;
	case IR_EV_PING:
		buf_addz(b, "ping\n");
		break;
	}
	return 0;
}

static struct ir_exchange
exchange(const struct dialect *provider)
{
	return (struct ir_exchange){ .arena = &wt_arena, .loss = &wt_loss,
	    .id = STR("x1"), .created = 5, .stream = true,
	    .framing = FRAME_SSE, .target = { .dialect = provider,
	    .model = STR("asked"), .stream = true, .framing = FRAME_SSE } };
}

/* The events of a stream whose frames stand one a line. */
static void
stream(const char *frames)
{
	struct ir_exchange	 x = exchange(WT_AN);
	struct str		 rest = str_of(frames);
	struct frame		 f = { STR_NONE, STR_NONE };
	struct ir_decoder	 d;

	wt_fresh();
	ir_decoder_init(&d, WT_AN, &x, (struct ir_sink){ record, &wt_out });
	while (rest.n > 0) {
		f.data = str_cut(&rest, '\n');
		if (ir_decoder_frame(&d, &f) == -1)
			fatalx("the recorder stopped");
	}
	if (ir_decoder_end(&d) == -1)
		fatalx("the recorder stopped");
	ir_decoder_release(&d);
}

static void
body(const char *text)
{
	struct ir_exchange	 x = exchange(WT_AN);
	struct ir_decoder	 d;

	wt_fresh();
	ir_decoder_init(&d, WT_AN, &x, (struct ir_sink){ record, &wt_out });
	if (ir_decoder_body(&d, str_of(text)) == -1)
		fatalx("the recorder stopped");
	ir_decoder_release(&d);
}

static bool
events(const char *want)
{
	if (str_is(buf_str(&wt_out), want))
		return true;
	printf("# got\n%.*s# want\n%s", STR_FMT(buf_str(&wt_out)), want);
	return false;
}

#define START	"{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\"," \
    "\"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":10," \
    "\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":7," \
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":5," \
    "\"ephemeral_1h_input_tokens\":2},\"output_tokens\":1}}}\n"
#define BLOCK(b)	"{\"type\":\"content_block_start\",\"index\":0," \
    "\"content_block\":" b "}\n"
#define DELTA(d)	"{\"type\":\"content_block_delta\",\"index\":0," \
    "\"delta\":" d "}\n"
#define STOPB	"{\"type\":\"content_block_stop\",\"index\":0}\n"
#define FINAL(r)	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" \
    "\"" r "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n" \
    "{\"type\":\"message_stop\"}\n"

static void
test_stream(void)
{
	stream(START "{\"type\":\"ping\"}\n"
	    BLOCK("{\"type\":\"text\",\"text\":\"\"}")
	    DELTA("{\"type\":\"text_delta\",\"text\":\"a\\n\"}")
	    DELTA("{\"type\":\"citations_delta\",\"citation\":{\"k\":1}}")
	    STOPB FINAL("end_turn") "{\"type\":\"ping\"}\n");
	ok(events("S msg_1 claude-x\nU 10 3 5 2 1 -1\nping\n(0 text\nt a\\n\n"
	    "n {\"k\":1}\n)\nU 10 3 5 2 9 -1\nstop 1 end_turn \nE\n"),
	    "stream: text, citation, usage that replaces (pitfall 11)");

	stream(START BLOCK("{\"type\":\"thinking\",\"thinking\":\"\","
	    "\"signature\":\"\"}")
	    DELTA("{\"type\":\"signature_delta\",\"signature\":\"sig\"}") STOPB
	    BLOCK("{\"type\":\"redacted_thinking\",\"data\":\"rr\"}") STOPB
	    BLOCK("{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\","
	    "\"input\":{}}") DELTA("{\"type\":\"input_json_delta\","
	    "\"partial_json\":\"\"}") DELTA("{\"type\":\"input_json_delta\","
	    "\"partial_json\":\"{\\\"a\\\":\"}")
	    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}")
	    STOPB BLOCK("{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"g\","
	    "\"input\":{\"b\":2}}") STOPB
	    BLOCK("{\"type\":\"tool_use\",\"id\":\"t3\",\"name\":\"h\"}") STOPB
	    FINAL("tool_use"));
	ok(events("S msg_1 claude-x\nU 10 3 5 2 1 -1\n(0 think\ng sig\n)\n"
	    "(1 think\nr rr\n)\n(2 call t1 f\na {\\\"a\\\":\na 1}\n)\n"
	    "(3 call t2 g\na {\\\"b\\\":2}\n)\n(4 call t3 h\na {}\n)\n"
	    "U 10 3 5 2 9 -1\nstop 3 tool_use \nE\n"),
	    "stream: thinking, calls and their arguments (pitfalls 1, 18)");

	stream(START BLOCK("{\"type\":\"server_tool_use\",\"id\":\"s\","
	    "\"name\":\"web_search\",\"input\":{}}")
	    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\"\"}")
	    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\":1}\"}")
	    STOPB BLOCK("{\"type\":\"compaction\",\"content\":null}")
	    DELTA("{\"type\":\"compaction_delta\",\"content\":\"c\"}") STOPB
	    FINAL("pause_turn"));
	ok(events("S msg_1 claude-x\nU 10 3 5 2 1 -1\n(0 opaque {\"type\":"
	    "\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\","
	    "\"input\":{\"q\":1}}\n)\n(1 opaque {\"type\":\"compaction\","
	    "\"content\":\"c\"}\n)\nU 10 3 5 2 9 -1\nstop 7 pause_turn \nE\n"),
	    "stream: other blocks are put together whole");
}

static void
test_stream_ends(void)
{
	stream(START BLOCK("{\"type\":\"text\",\"text\":\"\"}")
	    DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}"));
	ok(wt_has("error 502 : the provider's stream was cut"), "cut: an error");
	stream(START BLOCK("{\"type\":\"text\",\"text\":\"a\"}")
	    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
	    "\"max_tokens\"},\"usage\":{\"output_tokens\":2}}\n");
	ok(wt_has("t a\n)\nU 10 3 5 2 2 -1\nstop 2 max_tokens \nE\n"),
	    "ends behind the stop reason: complete (pitfall 6)");
	stream(START "{\"type\":\"error\",\"error\":{\"type\":"
	    "\"overloaded_error\",\"message\":\"Overloaded\"}}\n" FINAL("x"));
	ok(wt_has("error 529 overloaded_error: Overloaded\n") && wt_hasnt("E\n"),
	    "an error inside the stream (pitfall 7)");
	stream("");
	ok(wt_has("error 502"), "nothing at all: an error");
	stream("{\"type\":\"message_stop\"}\n{\"type\":\"message_stop\"}\n");
	ok(events("S  \nstop 1  \nE\n"), "one end (pitfall 13)");
	stream(DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}")
	    DELTA("{\"type\":\"thinking_delta\",\"thinking\":\"b\"}")
	    "[DONE]\n\"x\"\n" BLOCK("null") FINAL("brand_new"));
	ok(events("S  \n(0 text\nt a\n)\n(1 think\nt b\n)\n"
	    "U -1 -1 -1 -1 9 -1\nstop 10 brand_new \nE\n"),
	    "what is left out or strange; an unknown stop reason");
	stream(START BLOCK("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}")
	    FINAL("end_turn"));
	ok(wt_has("stop 3 end_turn"), "a call upgrades a plain stop (pitfall 4)");
	stream(START BLOCK("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}")
	    FINAL("max_tokens"));
	ok(wt_has("stop 2 max_tokens"), "but no length");
}

static void
test_body(void)
{
	body("{\"type\":\"message\",\"id\":\"m\",\"model\":\"c\",\"content\":["
	    "{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"k\":1}]},"
	    "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
	    "\"input\":{\"a\":\"\\\"\"}},{\"type\":\"x_result\",\"v\":1}],"
	    "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\","
	    "\"usage\":{\"input_tokens\":1,\"cache_creation_input_tokens\":4,"
	    "\"output_tokens\":9,\"output_tokens_details\":"
	    "{\"thinking_tokens\":6}}}");
	ok(events("S m c\n(0 text\nt a\nn {\"k\":1}\n)\n(1 call t f\n"
	    "a {\\\"a\\\":\\\"\\\\\\\"\\\"}\n)\n"
	    "(2 opaque {\"type\":\"x_result\",\"v\":1}\n)\n"
	    "U 1 -1 4 -1 3 6\nstop 4 stop_sequence END\nE\n"), "body");
	body("{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	    "\"message\":\"slow\"}}");
	ok(events("error 429 rate_limit_error: slow\n"), "body: an error");
	body("{\"hello\":1}");
	ok(wt_has("error 502 : the provider's answer is no message"),
	    "body: something else");
	body("{\"content\":[],\"stop_reason\":\"refusal\"}");
	ok(events("S  \nstop 6 refusal \nE\n"), "body: a refusal, no content");
}

/* Chat answers as bytes, to Anthropic as a stream or a body. */
static bool
from_chat(const char *bytes, enum framing in, enum framing to)
{
	struct convert_opts	 o = { .from = WT_OC, .to = WT_AN, .in = in,
				    .out = to, .model = STR("asked") };

	wt_fresh();
	return convert_response(&wt_arena, &o, str_of(bytes), &wt_out, &wt_loss,
	    &wt_err) == 0;
}

#define CHUNK(delta, finish)	"data: {\"id\":\"chatcmpl-1\",\"model\":\"g\"," \
    "\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish \
    "}]}\n\n"

static void
test_encode_stream(void)
{
	ok(from_chat(CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null")
	    CHUNK("{\"content\":\"he\"}", "null")
	    CHUNK("{\"content\":\"y\",\"tool_calls\":[]}", "null")
	    CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
	    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
	    "\"{\\\"a\\\":1}\"}}]}", "null")
	    CHUNK("{}", "\"tool_calls\"")
	    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
	    "\"completion_tokens\":4,\"total_tokens\":13,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":6}}}\n\n"
	    "data: [DONE]\n\n", FRAME_SSE, FRAME_SSE), "stream: encodes");
	ok(str_is(buf_str(&wt_out),
	    "event: message_start\n"
	    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"g\","
	    "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
	    "\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,"
	    "\"cache_read_input_tokens\":0,\"output_tokens\":0}}}\n\n"
	    "event: content_block_start\n"
	    "data: {\"type\":\"content_block_start\",\"index\":0,"
	    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
	    "event: content_block_delta\n"
	    "data: {\"type\":\"content_block_delta\",\"index\":0,"
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"he\"}}\n\n"
	    "event: content_block_delta\n"
	    "data: {\"type\":\"content_block_delta\",\"index\":0,"
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"y\"}}\n\n"
	    "event: content_block_stop\n"
	    "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
	    "event: content_block_start\n"
	    "data: {\"type\":\"content_block_start\",\"index\":1,"
	    "\"content_block\":{\"type\":\"tool_use\",\"id\":\"call_1\","
	    "\"name\":\"f\",\"input\":{}}}\n\n"
	    "event: content_block_delta\n"
	    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
	    "{\"type\":\"input_json_delta\","
	    "\"partial_json\":\"{\\\"a\\\":1}\"}}\n\n"
	    "event: content_block_stop\n"
	    "data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
	    "event: message_delta\n"
	    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
	    "\"tool_use\",\"stop_sequence\":null},\"usage\":"
	    "{\"input_tokens\":3,\"cache_creation_input_tokens\":0,"
	    "\"cache_read_input_tokens\":6,\"output_tokens\":4}}\n\n"
	    "event: message_stop\n"
	    "data: {\"type\":\"message_stop\"}\n\n"),
	    "stream: every event, every field (pitfalls 1, 10, 40)");
	ok(from_chat(CHUNK("{\"role\":\"assistant\"}", "null")
	    CHUNK("{}", "\"content_filter\""), FRAME_SSE, FRAME_SSE) &&
	    wt_has("message_start") && wt_hasnt("content_block") &&
	    wt_has("\"stop_reason\":\"refusal\""), "a filter is a refusal");
}

static void
test_encode_body(void)
{
	ok(from_chat("{\"id\":\"chatcmpl-7\",\"model\":\"g\",\"choices\":["
	    "{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
	    "\"assistant\",\"content\":\"yes\",\"reasoning_content\":\"hm\"}},"
	    "{\"index\":1,\"finish_reason\":\"stop\",\"message\":{\"content\":"
	    "\"no\"}}],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":5,"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":4}}}",
	    FRAME_NONE, FRAME_NONE) && wt_same(buf_str(&wt_out),
	    "{\"id\":\"msg_7\",\"type\":\"message\",\"role\":\"assistant\","
	    "\"model\":\"g\",\"content\":[{\"type\":\"thinking\","
	    "\"thinking\":\"hm\",\"signature\":\"\"},{\"type\":\"text\","
	    "\"text\":\"yes\"}],\"stop_reason\":\"end_turn\","
	    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":2,"
	    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
	    "\"output_tokens\":5,\"output_tokens_details\":"
	    "{\"thinking_tokens\":4}}}") &&
	    wt_told("dropped response.choices[1]"),
	    "body: thinking, text, the first choice");
	ok(from_chat("{\"choices\":[{\"index\":0,\"finish_reason\":\"length\","
	    "\"message\":{\"content\":null}}]}", FRAME_NONE, FRAME_NONE) &&
	    wt_has("\"content\":[]") && wt_has("\"max_tokens\"") &&
	    wt_has("\"model\":\"asked\"") && wt_has("\"id\":\"msg_"),
	    "body: empty");
}

static void
emit(struct ir_encoder *e, struct ir_event ev)
{
	WT_AN->event_encode(e, &ev);
}

static void
test_encode_events(void)
{
	struct ir_exchange	 x = exchange(WT_GE);
	struct ir_encoder	 e;
	struct ir_event		 ev = { .type = IR_EV_START };

	wt_fresh();
	x.at = (struct ir_place){ .from = WT_GE, .item = 3,
	    .path = "candidates[$c].content.parts[$i]" };
	ir_encoder_init(&e, WT_AN, &x, &wt_out);
	emit(&e, ev);
	ok(wt_out.len == 0, "message_start waits for what comes behind it");
	ev.type = IR_EV_USAGE;
	ir_usage_init(&ev.usage);
	ev.usage.input = 11;
	emit(&e, ev);
	emit(&e, (struct ir_event){ .type = IR_EV_PING });
	ok(wt_has("\"model\":\"asked\"") && wt_has("\"id\":\"msg_x1\"") &&
	    wt_has("\"input_tokens\":11") && wt_has("event: ping\n"),
	    "usage that is known by then; ping");
	buf_clear(&wt_out);
	emit(&e, (struct ir_event){ .type = IR_EV_PART_START,
	    .part = IR_THINKING });
	emit(&e, (struct ir_event){ .type = IR_EV_DELTA, .part = IR_THINKING,
	    .delta = IR_D_SIGNATURE, .text = JSTR("g"), .from = WT_GE });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_END,
	    .part = IR_THINKING });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_START, .index = 1,
	    .part = IR_IMAGE });
	emit(&e, (struct ir_event){ .type = IR_EV_DELTA, .index = 1,
	    .part = IR_IMAGE, .delta = IR_D_DATA, .raw = STR("AAAA") });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_END, .index = 1,
	    .part = IR_IMAGE });
	ok(wt_out.len == 0 && wt_told("dropped response."
	    "candidates[0].content.parts[3].thoughtSignature") &&
	    wt_told("dropped response.candidates[0].content.parts[3]"),
	    "foreign signatures and media leave no block");
	emit(&e, (struct ir_event){ .type = IR_EV_PART_START, .index = 2,
	    .part = IR_TOOL_CALL, .tool = IR_CUSTOM, .name = STR("p") });
	emit(&e, (struct ir_event){ .type = IR_EV_DELTA, .index = 2,
	    .part = IR_TOOL_CALL, .delta = IR_D_TEXT, .text = JSTR("a\\n") });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_END, .index = 2,
	    .part = IR_TOOL_CALL });
	ok(wt_has("\"id\":\"toolu_x10\"") &&
	    wt_has("\"partial_json\":\"{\\\"input\\\":\\\"\"") &&
	    wt_has("\"partial_json\":\"a\\\\n\"") &&
	    wt_has("\"partial_json\":\"\\\"}\""), "free text as arguments; an id");
	buf_clear(&wt_out);
	ir_error_set(&wt_err, IR_ERR_OVERLOADED, "busy");
	emit(&e, (struct ir_event){ .type = IR_EV_ERROR, .error = &wt_err });
	ok(str_is(buf_str(&wt_out), "event: error\ndata: {\"type\":\"error\","
	    "\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_x1\"}\n\n"), "an error event");
}

/* A body that was indented comes out as a stream of lines. */
static void
test_one_line(void)
{
	struct convert_opts	 o = { .from = WT_AN, .to = WT_AN,
				    .out = FRAME_SSE };

	wt_fresh();
	ok(convert_response(&wt_arena, &o, STR("{\"content\":[{\n\"type\":"
	    "\"x_result\",\r\n\"v\":1}],\n\"stop_reason\":\"end_turn\"}"),
	    &wt_out, &wt_loss, &wt_err) == 0 && wt_hasnt("\r") &&
	    wt_has("\"content_block\":{ \"type\":\"x_result\",  \"v\":1}"),
	    "a block with line ends in it");
}

/* --- errors, models ------------------------------------------------------- */

static void
test_errors(void)
{
	static const struct {
		enum ir_errkind	 kind;
		const char	*type;
	} types[] = {
		{ IR_ERR_BAD_REQUEST, "invalid_request_error" },
		{ IR_ERR_AUTH, "authentication_error" },
		{ IR_ERR_BILLING, "billing_error" },
		{ IR_ERR_FORBIDDEN, "permission_error" },
		{ IR_ERR_NOT_FOUND, "not_found_error" },
		{ IR_ERR_TOO_LARGE, "request_too_large" },
		{ IR_ERR_RATE, "rate_limit_error" },
		{ IR_ERR_TIMEOUT, "timeout_error" },
		{ IR_ERR_INTERNAL, "api_error" },
		{ IR_ERR_UPSTREAM, "api_error" },
		{ IR_ERR_OVERLOADED, "overloaded_error" }
	};
	size_t	 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		wt_fresh();
		ir_error_set(&wt_err, types[i].kind, "m\"");
		WT_AN->error_encode(&wt_err, STR("req_1"), &wt_out);
		ok(wt_same(buf_str(&wt_out), arena_strf(&wt_arena, "{\"type\":\"error\","
		    "\"error\":{\"type\":\"%s\",\"message\":\"m\\\"\"},"
		    "\"request_id\":\"req_1\"}", types[i].type).p),
		    "error: %s", types[i].type);
	}
	wt_fresh();
	ir_error_set(&wt_err, IR_ERR_BAD_REQUEST, "no threads");
	ir_error_copy(wt_err.code, sizeof(wt_err.code),
	    STR("thread_unsupported_request"));
	WT_AN->error_encode(&wt_err, STR_NONE, &wt_out);
	ok(wt_has("\"details\":{\"error_code\":\"thread_unsupported_request\","
	    "\"unsupported\":[\"thread\"]}") && wt_has("\"request_id\":null"),
	    "error: threads");
	ir_error_set(&wt_err, IR_ERR_UPSTREAM, "status");
	WT_AN->error_decode(&wt_arena, STR("{\"type\":\"error\",\"error\":{\"type\":"
	    "\"not_found_error\",\"message\":\"model: x\"}}"), &wt_err);
	ok(wt_err.status == 404 && strcmp(wt_err.msg, "model: x") == 0 &&
	    strcmp(wt_err.type, "not_found_error") == 0, "error: read");
	ir_error_set(&wt_err, IR_ERR_RATE, "status");
	WT_AN->error_decode(&wt_arena, STR("<html>"), &wt_err);
	ok(wt_err.status == 429 && strcmp(wt_err.msg, "status") == 0,
	    "error: no JSON");
}

static void
test_models(void)
{
	const struct ir_model	 m[] = {
		{ STR("a"), STR("p"), 1700000000 }, { STR("b"), STR("p"), 0 }
	};

	wt_fresh();
	WT_AN->models_encode(m, 2, &wt_out);
	ok(wt_has("\"data\":[{\"type\":\"model\",\"id\":\"a\","
	    "\"display_name\":\"a\",\"created_at\":\"2023-11-14T22:13:20") &&
	    wt_has("\"has_more\":false,\"first_id\":\"a\",\"last_id\":\"b\"}"),
	    "models");
	wt_fresh();
	WT_AN->models_encode(m, 0, &wt_out);
	ok(wt_same(buf_str(&wt_out), "{\"data\":[],\"has_more\":false,"
	    "\"first_id\":null,\"last_id\":null}"), "no models");
}

int
main(void)
{
	wt_init();
	test_stream();
	test_stream_ends();
	test_body();
	test_encode_stream();
	test_encode_body();
	test_encode_events();
	test_one_line();
	test_errors();
	test_models();
	wt_release();
	return done();
}
