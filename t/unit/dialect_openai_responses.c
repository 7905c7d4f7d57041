/*
 * The OpenAI Responses dialect: one case a rule.  Requests are looked at as
 * what they become, answers as a line of events ("S" start, "(" part, "t"
 * text, "a" arguments, "g" signature, ")" ...).
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "tap.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#define OUT_MAX	(1u << 24)

static struct arena	 arena;
static struct loss	 loss;
static struct ir_error	 err;
static struct buf	 out;

/* --- helpers -------------------------------------------------------------- */

static void
same(const char *name, struct str got, const char *want)
{
	bool	 eq = str_is(got, want);

	ok(eq, "%s", name);
	if (!eq)
		printf("#   got  %.*s\n#   want %s\n", STR_FMT(got), want);
}

static bool
has(const char *piece)
{
	struct str	 s = buf_str(&out);

	if (memmem(s.p, s.n, piece, strlen(piece)) != NULL)
		return true;
	printf("#   no %s\n#   in %.*s\n", piece, STR_FMT(s));
	return false;
}

static bool
lost(const char *piece)
{
	struct buf	 b;
	bool		 found;

	buf_init(&b, OUT_MAX);
	loss_json(&loss, &b);
	found = memmem(buf_str(&b).p, b.len, piece, strlen(piece)) != NULL;
	if (!found)
		printf("#   no loss %s in %.*s\n", piece, STR_FMT(buf_str(&b)));
	buf_release(&b);
	return found;
}

static void
fresh(void)
{
	buf_clear(&out);
	loss_init(&loss, &arena);
	memset(&err, 0, sizeof(err));
}

static int
request(const struct dialect *from, const struct dialect *to, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = to };
	struct buf		 path;
	int			 r;

	fresh();
	buf_init(&path, OUT_MAX);
	r = convert_request(&arena, &o, str_of(body), &path, &out, &loss,
	    &err);
	buf_release(&path);
	if (r == -1)
		printf("#   %s\n", err.msg);
	return r;
}

/* Same dialect: members and items come back as they were. */
static void
round_trip(const char *name, const char *body)
{
	ok(request(&dialect_openai_responses, &dialect_openai_responses,
	    body) == 0, "%s: encodes", name);
	same(name, buf_str(&out), body);
	ok(loss.n == 0, "%s: nothing lost", name);
}

struct decoded {
	struct json		 j;
	struct ir_request	 rq;
	int			 r;
};

static void
decode(struct decoded *d, const char *body)
{
	struct json_error	 bad;

	fresh();
	json_init(&d->j);
	if (json_parse(&d->j, str_of(body), &bad) == -1)
		abort();
	ir_request_init(&d->rq, &arena, &dialect_openai_responses, &d->j);
	d->r = dialect_openai_responses.request_decode(&d->rq, &err);
}

static int
record(void *arg, const struct ir_event *ev)
{
	static const char *const kinds[] = { "text", "image", "audio", "video",
	    "document", "call", "result", "think", "refusal", "opaque" };
	static const char *const deltas[] = { "t", "a", "g", "r", "d", "n",
	    "l" };
	struct buf	*b = arg;

	switch (ev->type) {
	case IR_EV_START:
		buf_addf(b, "S %.*s %.*s\n", STR_FMT(ev->id),
		    STR_FMT(ev->name));
		break;
	case IR_EV_PART_START:
		buf_addf(b, "(%u %s", ev->index, kinds[ev->part]);
		if (ev->part == IR_TOOL_CALL)
			buf_addf(b, " %s%.*s %.*s", ev->tool == IR_CUSTOM ?
			    "custom " : "", STR_FMT(ev->id), STR_FMT(ev->name));
		if (ev->part == IR_OPAQUE)
			buf_addf(b, " %.*s", STR_FMT(ev->raw));
		buf_addc(b, '\n');
		break;
	case IR_EV_DELTA:
		buf_addf(b, "%s ", deltas[ev->delta]);
		if (ev->raw.n > 0)
			buf_adds(b, ev->raw);
		buf_add(b, ev->text.p == NULL ? "" : ev->text.p, ev->text.n);
		buf_addc(b, '\n');
		break;
	case IR_EV_PART_END:
		buf_addz(b, ")\n");
		break;
	case IR_EV_USAGE:
		buf_addf(b, "U %d %d %d %d %d\n", (int)ev->usage.input,
		    (int)ev->usage.cache_read, (int)ev->usage.cache_write_5m,
		    (int)ev->usage.output, (int)ev->usage.reasoning);
		break;
	case IR_EV_STOP:
		buf_addf(b, "stop %d %.*s\n", (int)ev->stop,
		    STR_FMT(ev->stop_raw));
		break;
	case IR_EV_END:
		buf_addz(b, "E\n");
		break;
	case IR_EV_ERROR:
		buf_addf(b, "error %d %s: %s\n", ev->error->status,
		    ev->error->code, ev->error->msg);
		break;
	case IR_EV_PING:
		break;
	}
	return 0;
}

static struct ir_exchange
exchange(void)
{
	return (struct ir_exchange){ .arena = &arena, .loss = &loss,
	    .id = STR("x1"), .created = 5, .stream = true,
	    .framing = FRAME_SSE,
	    .target = { .dialect = &dialect_openai_responses,
	    .stream = true, .framing = FRAME_SSE },
	    .at = { .from = &dialect_anthropic, .path = "content[$i]" } };
}

/* Events of a stream given as frames' data, ended by NULL. */
static struct str
stream(const char *const *frames)
{
	struct ir_exchange	 x = exchange();
	struct ir_decoder	 d;
	struct frame		 f = { STR_NONE, STR_NONE };

	fresh();
	ir_decoder_init(&d, &dialect_openai_responses, &x,
	    (struct ir_sink){ record, &out });
	for (; *frames != NULL; frames++) {
		f.data = str_of(*frames);
		if (ir_decoder_frame(&d, &f) == -1)
			abort();
	}
	if (ir_decoder_end(&d) == -1)
		abort();
	ir_decoder_release(&d);
	return buf_str(&out);
}

static struct str
body(const char *text)
{
	struct ir_exchange	 x = exchange();
	struct ir_decoder	 d;

	fresh();
	ir_decoder_init(&d, &dialect_openai_responses, &x,
	    (struct ir_sink){ record, &out });
	if (ir_decoder_body(&d, str_of(text)) == -1)
		abort();
	ir_decoder_release(&d);
	return buf_str(&out);
}

/* The types of the events in out, one a line. */
static struct str
types(struct buf *b)
{
	struct str	 rest = buf_str(&out), line;

	buf_clear(b);
	while (rest.n > 0) {
		line = str_cut(&rest, '\n');
		if (!str_starts(line, "event: "))
			continue;
		line = str_skip(line, 7);
		if (str_starts(line, "response."))
			line = str_skip(line, 9);
		buf_adds(b, line);
		buf_addc(b, '\n');
	}
	return buf_str(b);
}

/* --- requests, decoded ---------------------------------------------------- */

static void
test_input(void)
{
	struct decoded	 d;

	decode(&d, "{\"model\":\"m\",\"instructions\":\"be\",\"input\":\"hi\","
	    "\"max_output_tokens\":9,\"temperature\":0.70,\"stream\":true}");
	ok(d.r == 0, "string input");
	ok(d.rq.messages->role == IR_SYSTEM &&
	    d.rq.messages->next->role == IR_USER, "instructions first");
	ok(str_is(d.rq.sampling.temperature.raw, "0.70") &&
	    d.rq.sampling.max_tokens == 9 && d.rq.stream && d.rq.native,
	    "numbers as they are written");
	json_release(&d.j);
}

static void
test_roles_and_media(void)
{
	struct decoded		 d;
	const struct ir_part	*p;

	decode(&d, "{\"model\":\"m\",\"input\":["
	    "{\"role\":\"developer\",\"content\":\"d\"},"
	    "{\"type\":\"message\",\"role\":\"user\",\"content\":["
	    "{\"type\":\"input_text\",\"text\":\"a\\nb\"},"
	    "{\"type\":\"input_image\",\"detail\":\"low\","
	    "\"image_url\":\"data:image/png;base64,QUJD\"},"
	    "{\"type\":\"input_file\",\"filename\":\"f.pdf\","
	    "\"file_data\":\"data:application/pdf;base64,QUJD\"},"
	    "{\"type\":\"input_image\","
	    "\"image_url\":\"data:application/pdf;base64,QUJD\"},"
	    "{\"type\":\"input_audio\",\"input_audio\":"
	    "{\"data\":\"QUJD\",\"format\":\"wav\"}},"
	    "{\"type\":\"input_new\",\"x\":1}]}]}");
	ok(d.r == 0 && d.rq.messages->role == IR_DEVELOPER, "developer");
	p = d.rq.messages->next->parts;
	ok(p->type == IR_TEXT && p->text.n == 4, "text stays escaped");
	p = p->next;
	ok(p->type == IR_IMAGE && str_is(p->media.type, "image/png") &&
	    str_is(p->media.data, "QUJD") && str_is(p->media.detail, "low"),
	    "image by data URL");
	p = p->next;
	ok(p->type == IR_DOCUMENT && p->media.filename.n == 5, "file");
	p = p->next;
	ok(p->type == IR_DOCUMENT, "a PDF as image_url is a document");
	p = p->next;
	ok(p->type == IR_AUDIO && str_is(p->media.type, "audio/wav"), "audio");
	p = p->next;
	ok(p->type == IR_OPAQUE && p->from == &dialect_openai_responses,
	    "an unknown part is kept");
	json_release(&d.j);
}

static void
test_parallel_calls(void)
{
	struct decoded			 d;
	const struct ir_message		*m;

	decode(&d, "{\"model\":\"m\",\"input\":["
	    "{\"role\":\"user\",\"content\":\"q\"},"
	    "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":["
	    "{\"type\":\"summary_text\",\"text\":\"a\"},"
	    "{\"type\":\"summary_text\",\"text\":\"b\"}],"
	    "\"encrypted_content\":\"ENC\"},"
	    "{\"type\":\"message\",\"role\":\"assistant\",\"id\":\"msg_1\","
	    "\"content\":[{\"type\":\"output_text\",\"text\":\"t\"}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
	    "\"arguments\":\"{\\\"x\\\":1}\"},"
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\","
	    "\"name\":\"g\",\"input\":\"raw\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\","
	    "\"output\":\"one\"},"
	    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\","
	    "\"output\":[{\"type\":\"input_text\",\"text\":\"two\"},"
	    "{\"type\":\"input_image\",\"image_url\":\"http://x/\"}]}]}");
	ok(d.r == 0, "calls and results");
	m = d.rq.messages->next;
	ok(m->role == IR_ASSISTANT && m->parts->type == IR_THINKING &&
	    m->parts->text.n == 6 && m->parts->signature.n == 3 &&
	    m->parts->from == &dialect_openai_responses &&
	    str_is(m->parts->item_id, "rs_1"), "reasoning is thinking");
	ok(m->parts->next->type == IR_TEXT &&
	    m->parts->next->next->type == IR_TOOL_CALL &&
	    m->parts->next->next->next->tool == IR_CUSTOM &&
	    m->parts->next->next->next->next == NULL,
	    "one turn of the assistant is one message");
	m = m->next;
	ok(m->role == IR_TOOL && m->next == NULL &&
	    m->parts->next->parts->next->type == IR_IMAGE,
	    "results are one message, with media");
	ok((d.rq.need & IR_NEED_CUSTOM_TOOL) != 0, "needs custom tools");
	json_release(&d.j);
}

static void
test_tools(void)
{
	struct decoded		 d;
	const struct ir_tool	*t;

	decode(&d, "{\"model\":\"m\",\"input\":["
	    "{\"type\":\"additional_tools\",\"role\":\"developer\","
	    "\"tools\":[{\"type\":\"namespace\",\"name\":\"ns\","
	    "\"description\":\"\",\"tools\":["
	    "{\"type\":\"custom\",\"name\":\"exec\"},"
	    "{\"type\":\"function\",\"name\":\"f\"}]}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"namespace\":\"ns\",\"arguments\":\"{}\"}],"
	    "\"tools\":[{\"type\":\"function\",\"name\":\"f\","
	    "\"parameters\":{\"type\":\"object\"},\"strict\":true},"
	    "{\"type\":\"web_search\"}],"
	    "\"tool_choice\":{\"type\":\"allowed_tools\","
	    "\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
	    "\"name\":\"f\"}]}}");
	ok(d.r == 0, "tools");
	t = d.rq.tools;
	ok(str_is(t->name, "f") && t->strict == IR_YES && t->ns.n == 0,
	    "function");
	t = t->next;
	ok(t->kind == IR_SERVER && str_is(t->server_type, "web_search"),
	    "hosted tool");
	t = t->next;
	ok(t->kind == IR_CUSTOM && str_is(t->name, "exec") &&
	    str_is(t->ns, "ns"), "additional_tools: namespace, custom");
	t = t->next;
	ok(str_is(t->name, "ns__f"), "a name that is taken gets the namespace");
	ok(d.rq.messages->parts == NULL &&
	    str_is(d.rq.messages->next->parts->name, "ns__f"),
	    "and so does its call");
	ok(d.rq.choice.mode == IR_CHOICE_REQUIRED &&
	    str_is(d.rq.choice.allowed->s, "f"), "allowed tools");
	json_release(&d.j);
}

static void
test_parameters(void)
{
	struct decoded	 d;

	decode(&d, "{\"model\":\"m\",\"input\":\"x\",\"reasoning\":"
	    "{\"effort\":\"high\",\"summary\":\"auto\",\"context\":\"c\"},"
	    "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
	    "\"schema\":{},\"strict\":true},\"verbosity\":\"low\"},"
	    "\"include\":[\"message.output_text.logprobs\"],"
	    "\"safety_identifier\":\"u\",\"store\":false,"
	    "\"parallel_tool_calls\":false,\"truncation\":\"auto\"}");
	ok(d.r == 0 && str_is(d.rq.reasoning.effort, "high") &&
	    d.rq.reasoning.visible == IR_YES, "reasoning");
	ok(d.rq.format.kind == IR_FORMAT_SCHEMA &&
	    d.rq.format.strict == IR_YES, "format");
	ok(d.rq.sampling.logprobs == IR_YES, "include asks for logprobs");
	ok(d.rq.user.n == 1 && d.rq.store == IR_NO &&
	    d.rq.parallel == IR_NO, "user, store, parallel");
	ok(d.rq.ext != NULL && str_is(d.rq.ext->name, "verbosity"),
	    "the rest is kept");
	json_release(&d.j);
}

static void
test_bad_requests(void)
{
	static const struct {
		const char	*body, *field;
	} bad[] = {
		{ "[]", "object" },
		{ "{\"input\":\"x\"}", "model" },
		{ "{\"model\":1,\"input\":\"x\"}", "model" },
		{ "{\"model\":\"m\"}", "input" },
		{ "{\"model\":\"m\",\"input\":1}", "input" },
		{ "{\"model\":\"m\",\"input\":[1]}", "input[0]" },
		{ "{\"model\":\"m\",\"input\":[{}]}", "input[0]" },
		{ "{\"model\":\"m\",\"input\":[{\"role\":\"x\"}]}",
		    "input[0].role" },
		{ "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
		    "\"content\":[{\"type\":\"input_text\"}]}]}",
		    "input[0].content[0]" },
		{ "{\"model\":\"m\",\"input\":[{\"type\":\"function_call\","
		    "\"name\":\"f\",\"arguments\":\"{}\"}]}", "call_id" },
		{ "{\"model\":\"m\",\"input\":\"x\",\"temperature\":\"1\"}",
		    "temperature" },
		{ "{\"model\":\"m\",\"input\":\"x\",\"stream\":1}", "stream" },
		{ "{\"model\":\"m\",\"input\":\"x\",\"tools\":{}}", "tools" },
		{ "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":"
		    "\"function\"}]}", "tools[0]" },
		{ "{\"model\":\"m\",\"input\":\"x\",\"tool_choice\":\"any\"}",
		    "tool_choice" },
		{ "{\"model\":\"m\",\"input\":\"x\","
		    "\"max_output_tokens\":0}", "max_output_tokens" },
	};
	struct decoded	 d;
	size_t		 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		decode(&d, bad[i].body);
		ok(d.r == -1 && err.status == 400 &&
		    strstr(err.msg, bad[i].field) != NULL, "bad: %s",
		    err.msg);
		json_release(&d.j);
	}
}

/* --- requests, the same dialect ------------------------------------------- */

static void
test_round_trips(void)
{
	round_trip("string", "{\"model\":\"m\",\"input\":\"hi\"}");
	round_trip("instructions behind input", "{\"model\":\"m\","
	    "\"input\":[{\"role\":\"user\",\"content\":\"q\"}],"
	    "\"instructions\":\"i\",\"stream\":false}");
	round_trip("items", "{\"model\":\"m\",\"instructions\":\"i\","
	    "\"input\":[{\"type\":\"message\",\"role\":\"user\","
	    "\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},"
	    "{\"type\":\"input_file\",\"file_id\":\"file-1\"}]},"
	    "{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[],"
	    "\"content\":null,\"encrypted_content\":\"E\"},"
	    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
	    "\"status\":\"completed\",\"phase\":\"final_answer\","
	    "\"content\":[{\"type\":\"output_text\",\"text\":\"a\","
	    "\"annotations\":[]},{\"type\":\"output_text\","
	    "\"text\":\"b\"}]},"
	    "{\"role\":\"assistant\",\"content\":[]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
	    "\"arguments\":\"{}\",\"namespace\":\"n\"},"
	    "{\"type\":\"web_search_call\",\"id\":\"ws_1\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\","
	    "\"output\":[]},"
	    "{\"type\":\"mcp_approval_response\",\"approve\":true},"
	    "{\"type\":\"item_reference\",\"id\":\"rs_2\"},"
	    "{\"id\":\"msg_3\"},"
	    "{\"type\":\"additional_tools\",\"role\":\"developer\","
	    "\"tools\":[]}]}");
	round_trip("parameters", "{\"model\":\"m\",\"input\":\"x\","
	    "\"tools\":[{\"type\":\"namespace\",\"name\":\"n\","
	    "\"description\":\"d\",\"tools\":[]},{\"type\":\"web_search\"}],"
	    "\"tool_choice\":{\"type\":\"web_search\"},"
	    "\"parallel_tool_calls\":false,\"max_output_tokens\":100,"
	    "\"temperature\":1.0,\"top_p\":0.5,\"top_logprobs\":2,"
	    "\"include\":[],\"text\":{\"verbosity\":\"low\"},"
	    "\"reasoning\":{\"effort\":null,\"generate_summary\":\"auto\"},"
	    "\"metadata\":{\"a\":\"b\"},\"user\":\"u\",\"store\":true,"
	    "\"safety_identifier\":\"s\",\"service_tier\":\"flex\","
	    "\"truncation\":null,\"prompt_cache_key\":\"k\","
	    "\"client_metadata\":{\"x\":1},\"stream\":true,"
	    "\"previous_response_id\":\"resp_1\",\"background\":false,"
	    "\"stream_options\":{\"include_obfuscation\":false}}");
	round_trip("state alone", "{\"model\":\"m\","
	    "\"previous_response_id\":\"resp_1\"}");
	round_trip("custom", "{\"model\":\"m\",\"input\":[{\"type\":"
	    "\"custom_tool_call_output\",\"call_id\":\"c\","
	    "\"output\":[{\"type\":\"input_text\",\"text\":\"\"}]}],"
	    "\"tools\":[{\"type\":\"custom\",\"name\":\"apply_patch\","
	    "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\","
	    "\"definition\":\"start: x\"}}]}");
}

/* --- requests from others ------------------------------------------------- */

static void
test_from_chat(void)
{
	ok(request(&dialect_openai_chat, &dialect_openai_responses,
	    "{\"model\":\"m\",\"messages\":["
	    "{\"role\":\"system\",\"content\":\"s1\"},"
	    "{\"role\":\"developer\",\"content\":\"s2\"},"
	    "{\"role\":\"user\",\"content\":\"q\"},"
	    "{\"role\":\"assistant\",\"content\":\"t\",\"tool_calls\":["
	    "{\"id\":\"c1\",\"type\":\"function\",\"function\":"
	    "{\"name\":\"f.g\",\"arguments\":\"{\\\"a\\\":1}\"}},"
	    "{\"id\":\"c2\",\"type\":\"function\",\"function\":"
	    "{\"name\":\"f.g\",\"arguments\":\"{}\"}}]},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"r2\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r1\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c9\",\"content\":\"r9\"},"
	    "{\"role\":\"system\",\"content\":\"mid\"}],"
	    "\"stop\":[\"x\"],\"seed\":1,\"max_tokens\":5}") == 0,
	    "from Chat Completions");
	ok(has("\"store\":false"), "never stored");
	ok(has("\"instructions\":\"s1\\n\\ns2\""), "leading system text");
	ok(has("{\"type\":\"message\",\"role\":\"user\",\"content\":\"q\"},"
	    "{\"type\":\"message\",\"role\":\"assistant\",\"content\":"
	    "[{\"type\":\"output_text\",\"text\":\"t\"}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\""), "items");
	ok(has("{\"type\":\"function_call_output\",\"call_id\":\"c1\","
	    "\"output\":\"r1\"},{\"type\":\"function_call_output\","
	    "\"call_id\":\"c2\",\"output\":\"r2\"}"),
	    "pitfall-28: results in the order of the calls");
	ok(lost("a result without a call"), "orphan result dropped");
	ok(has("\"role\":\"system\",\"content\":\"mid\""),
	    "system in the middle stays");
	ok(!memmem(out.data, out.len, "f.g", 3) && has("\"name\":\"f_g_"),
	    "pitfall-30: names fit");
	ok(lost("stop") && lost("seed") && has("\"max_output_tokens\":16"),
	    "what is not offered is reported");
}

static void
test_from_chat_calls(void)
{
	ok(request(&dialect_openai_chat, &dialect_openai_responses,
	    "{\"model\":\"m\",\"messages\":["
	    "{\"role\":\"user\",\"content\":\"q\"},"
	    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"bad id!\","
	    "\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"arguments\":\"\"}}]},{\"role\":\"user\",\"content\":\"w\"}],"
	    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"parameters\":{\"type\":\"object\"}}}],"
	    "\"tool_choice\":{\"type\":\"function\",\"function\":"
	    "{\"name\":\"f\"}},\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":"
	    "\"object\"},\"strict\":true}},\"verbosity\":\"low\","
	    "\"reasoning_effort\":\"high\",\"stream\":true}") == 0,
	    "from Chat Completions, tools");
	ok(has("\"arguments\":\"{}\"},{\"type\":\"function_call_output\","
	    "\"call_id\":\"call_"), "pitfall-28: a call without result");
	ok(has("{\"type\":\"function\",\"name\":\"f\",\"parameters\":"
	    "{\"type\":\"object\",\"properties\":{}},\"strict\":false}"),
	    "strict is said, or it would be true");
	ok(has("\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}"),
	    "named choice");
	ok(has("\"text\":{\"format\":{\"type\":\"json_schema\","
	    "\"name\":\"n\",\"schema\":{\"type\":\"object\"},"
	    "\"strict\":true},\"verbosity\":\"low\"}"), "format, verbosity");
	ok(has("\"include\":[\"reasoning.encrypted_content\"]") &&
	    has("\"reasoning\":{\"effort\":\"high\"") &&
	    has("\"stream\":true"), "reasoning and its state");
}

static void
test_from_anthropic(void)
{
	ok(request(&dialect_anthropic, &dialect_openai_responses,
	    "{\"model\":\"gpt-5\",\"max_tokens\":20000,\"temperature\":0.5,"
	    "\"system\":[{\"type\":\"text\",\"text\":"
	    "\"x-anthropic-billing-header: cc=1\"},"
	    "{\"type\":\"text\",\"text\":\"sys\"}],"
	    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":10000},"
	    "\"tools\":[{\"name\":\"f\",\"input_schema\":"
	    "{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"any\"},"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
	    "{\"role\":\"assistant\",\"content\":["
	    "{\"type\":\"thinking\",\"thinking\":\"h\","
	    "\"signature\":\"S\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\","
	    "\"name\":\"f\",\"input\":{\"a\":\"\\\"\"}}]},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
	    "\"tool_use_id\":\"toolu_1\",\"content\":["
	    "{\"type\":\"text\",\"text\":\"r\"},{\"type\":\"image\","
	    "\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
	    "\"data\":\"QUJD\"}}]},{\"type\":\"text\",\"text\":\"go\"}]}]}")
	    == 0, "from Anthropic");
	ok(has("\"instructions\":\"sys\"") && lost("system[0]"),
	    "pitfall-48: no billing header");
	ok(has("\"reasoning\":{\"effort\":\"medium\""), "budget to effort");
	ok(has("\"arguments\":\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\""),
	    "arguments are a string");
	ok(has("\"output\":[{\"type\":\"input_text\",\"text\":\"r\"},"
	    "{\"type\":\"input_image\",\"detail\":\"auto\",\"image_url\":"
	    "\"data:image/png;base64,QUJD\"}]"),
	    "pitfall-33: an image in a result");
	ok(has("\"tool_choice\":\"required\""), "pitfall-31: any is required");
	ok(lost("reasoning of another provider"), "thinking stays behind");
	ok(!memmem(out.data, out.len, "temperature", 11) &&
	    lost("temperature"), "reasoning models take no temperature");
}

static void
test_from_strict(void)
{
	ok(request(&dialect_anthropic, &dialect_openai_responses,
	    "{\"model\":\"gpt-5\",\"max_tokens\":99,\"tools\":["
	    "{\"name\":\"f\",\"strict\":true,\"input_schema\":{\"type\":"
	    "\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
	    "\"required\":[\"a\"],\"additionalProperties\":false}},"
	    "{\"name\":\"g\",\"strict\":true,\"input_schema\":{\"type\":"
	    "\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},"
	    "\"additionalProperties\":false}}],\"messages\":["
	    "{\"role\":\"user\",\"content\":\"q\"}]}") == 0,
	    "from Anthropic, strict tools");
	ok(has("\"required\":[\"a\"],\"additionalProperties\":false},"
	    "\"strict\":true}"), "strict where OpenAI can be");
	ok(has("\"additionalProperties\":false},\"strict\":false}") &&
	    lost("not strict"), "not with an optional property");
	ok(request(&dialect_anthropic, &dialect_openai_responses,
	    "{\"model\":\"gpt-5\",\"max_tokens\":99,\"output_config\":"
	    "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":"
	    "\"object\",\"properties\":{\"a\":{\"type\":[\"object\","
	    "\"null\"],\"additionalProperties\":true}},\"required\":[\"a\"],\"additionalProperties\":"
	    "false}}},"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}") == 0,
	    "from Anthropic, a schema");
	ok(has("\"strict\":false"), "nor with an open object");
}

/* --- answers, decoded ----------------------------------------------------- */

#define CREATED "{\"type\":\"response.created\",\"response\":{\"id\":" \
	"\"resp_1\",\"model\":\"m\",\"created_at\":7,\"output\":[]}}"
#define ADDED(i, item) "{\"type\":\"response.output_item.added\"," \
	"\"output_index\":" #i ",\"item\":" item "}"
#define DONE(i, item) "{\"type\":\"response.output_item.done\"," \
	"\"output_index\":" #i ",\"item\":" item "}"
#define EVENT(i, type, rest) "{\"type\":\"response." type "\"," \
	"\"output_index\":" #i "," rest "}"
#define COMPLETED "{\"type\":\"response.completed\",\"response\":{" \
	"\"status\":\"completed\",\"output\":[],\"usage\":{" \
	"\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4," \
	"\"cache_write_tokens\":1},\"output_tokens\":8," \
	"\"output_tokens_details\":{\"reasoning_tokens\":3}," \
	"\"total_tokens\":18}}}"
#define USAGE "U 5 4 1 5 3\n"

static void
test_stream_text(void)
{
	static const char *const frames[] = { CREATED,
	    ADDED(0, "{\"type\":\"reasoning\",\"id\":\"rs_1\","
	    "\"summary\":[]}"),
	    EVENT(0, "reasoning_summary_text.delta",
	    "\"summary_index\":0,\"delta\":\"a\""),
	    EVENT(0, "reasoning_summary_text.done",
	    "\"summary_index\":0,\"text\":\"a\""),
	    EVENT(0, "reasoning_summary_text.delta",
	    "\"summary_index\":1,\"delta\":\"b\""),
	    DONE(0, "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":["
	    "{\"text\":\"a\"},{\"text\":\"b\"}],"
	    "\"encrypted_content\":\"ENC\"}"),
	    ADDED(1, "{\"type\":\"message\",\"content\":[]}"),
	    EVENT(1, "content_part.added", "\"content_index\":0,"
	    "\"part\":{\"type\":\"output_text\",\"text\":\"\"}"),
	    EVENT(1, "output_text.delta", "\"content_index\":0,"
	    "\"delta\":\"he\",\"logprobs\":[]"),
	    EVENT(1, "output_text.delta", "\"content_index\":0,"
	    "\"delta\":\"\",\"logprobs\":[]"),
	    EVENT(1, "output_text.delta", "\"content_index\":0,"
	    "\"delta\":\"y\\n\",\"logprobs\":[{\"token\":\"y\"}]"),
	    EVENT(1, "output_text.annotation.added", "\"content_index\":0,"
	    "\"annotation\":{\"type\":\"url_citation\"}"),
	    EVENT(1, "output_text.done", "\"content_index\":0,"
	    "\"text\":\"hey\\n\""),
	    EVENT(1, "content_part.done", "\"content_index\":0,\"part\":{"
	    "\"type\":\"output_text\",\"text\":\"hey\\n\",\"annotations\":"
	    "[{\"type\":\"url_citation\"},{\"n\":2}]}"),
	    DONE(1, "{\"type\":\"message\",\"content\":[{\"type\":"
	    "\"output_text\",\"text\":\"hey\\n\"}]}"),
	    COMPLETED, "[DONE]", NULL };

	same("text and reasoning", stream(frames), "S resp_1 m\n"
	    "(0 think\nt a\nt \\n\\n\nt b\ng ENC\n)\n"
	    "(1 text\nt he\nt y\\n\nl [{\"token\":\"y\"}]\n"
	    "n {\"type\":\"url_citation\"}\nn {\"n\":2}\n)\n"
	    USAGE "stop 1 completed\nE\n");
}

static void
test_stream_calls(void)
{
	static const char *const late[] = { CREATED,
	    ADDED(0, "{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"\"}"),
	    EVENT(0, "function_call_arguments.done",
	    "\"arguments\":\"{\\\"x\\\":1}\""),
	    DONE(0, "{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}"),
	    COMPLETED, NULL };
	static const char *const latest[] = { CREATED,
	    DONE(0, "{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{}\"}"), COMPLETED, NULL };
	static const char *const custom[] = { CREATED,
	    ADDED(0, "{\"type\":\"custom_tool_call\",\"call_id\":\"c\","
	    "\"name\":\"p\",\"input\":\"\"}"),
	    EVENT(0, "custom_tool_call_input.delta", "\"delta\":\"*** \""),
	    EVENT(0, "custom_tool_call_input.delta", "\"delta\":\"x\""),
	    DONE(0, "{\"type\":\"custom_tool_call\",\"call_id\":\"c\","
	    "\"name\":\"p\",\"input\":\"*** x\"}"), COMPLETED, NULL };

	same("pitfall-1: arguments only in .done", stream(late),
	    "S resp_1 m\n(0 call c f\na {\\\"x\\\":1}\n)\n" USAGE
	    "stop 3 completed\nE\n");
	same("arguments only in the item", stream(latest),
	    "S resp_1 m\n(0 call c f\na {}\n)\n" USAGE
	    "stop 3 completed\nE\n");
	same("custom tool call", stream(custom),
	    "S resp_1 m\n(0 call custom c p\nt *** \nt x\n)\n" USAGE
	    "stop 3 completed\nE\n");
}

static void
test_stream_order(void)
{
	static const char *const frames[] = { CREATED,
	    ADDED(0, "{\"type\":\"function_call\",\"call_id\":\"c0\","
	    "\"name\":\"f\"}"),
	    ADDED(1, "{\"type\":\"function_call\",\"call_id\":\"c1\","
	    "\"name\":\"g\"}"),
	    EVENT(1, "function_call_arguments.delta", "\"delta\":\"{1\""),
	    EVENT(0, "function_call_arguments.delta", "\"delta\":\"{0\""),
	    EVENT(1, "function_call_arguments.delta", "\"delta\":\"}\""),
	    DONE(1, "{\"type\":\"function_call\",\"call_id\":\"c1\","
	    "\"name\":\"g\",\"arguments\":\"{1}\"}"),
	    EVENT(0, "function_call_arguments.delta", "\"delta\":\"}\""),
	    DONE(0, "{\"type\":\"function_call\",\"call_id\":\"c0\","
	    "\"name\":\"f\",\"arguments\":\"{0}\"}"),
	    COMPLETED, NULL };
	static const char *const open[] = { CREATED,
	    ADDED(0, "{\"type\":\"message\"}"),
	    EVENT(0, "output_text.delta", "\"delta\":\"a\""),
	    ADDED(1, "{\"type\":\"message\"}"),
	    EVENT(1, "output_text.delta", "\"delta\":\"b\""),
	    COMPLETED, NULL };

	same("pitfall-3: interleaved items", stream(frames),
	    "S resp_1 m\n(0 call c0 f\na {0\na }\n)\n"
	    "(1 call c1 g\na {1\na }\n)\n" USAGE "stop 3 completed\nE\n");
	same("items that never end", stream(open),
	    "S resp_1 m\n(0 text\nt a\n)\n(1 text\nt b\n)\n" USAGE
	    "stop 1 completed\nE\n");
}

static void
test_stream_odd(void)
{
	static const char *const unknown[] = { CREATED,
	    "{\"type\":\"response.new_thing\"}", "not json", "{}", "[]",
	    "{\"type\":\"response.new.thing\"}",
	    ADDED(0, "{\"type\":\"web_search_call\",\"id\":\"w\"}"),
	    EVENT(0, "web_search_call.searching", "\"item_id\":\"w\""),
	    DONE(0, "{\"type\":\"web_search_call\",\"id\":\"w\","
	    "\"action\":{}}"),
	    ADDED(1, "{\"type\":\"message\"}"),
	    EVENT(1, "refusal.delta", "\"content_index\":0,"
	    "\"delta\":\"no\""),
	    EVENT(1, "refusal.done", "\"content_index\":0,"
	    "\"refusal\":\"no\""),
	    DONE(1, "{\"type\":\"message\",\"content\":["
	    "{\"type\":\"refusal\",\"refusal\":\"no\"}]}"),
	    COMPLETED, NULL };
	static const char *const whole[] = { CREATED,
	    "{\"type\":\"response.completed\",\"response\":{\"status\":"
	    "\"completed\",\"output\":[{\"type\":\"message\",\"content\":["
	    "{\"type\":\"output_text\",\"text\":\"all\"}]}]}}", NULL };
	static const char *const bare[] = {
	    EVENT(0, "output_text.delta", "\"delta\":\"a\""),
	    "{\"type\":\"response.incomplete\",\"response\":{\"status\":"
	    "\"incomplete\",\"incomplete_details\":"
	    "{\"reason\":\"max_output_tokens\"}}}", NULL };

	same("unknown items and events", stream(unknown),
	    "S resp_1 m\n(0 opaque {\"type\":\"web_search_call\","
	    "\"id\":\"w\",\"action\":{}}\n)\n(1 refusal\nt no\n)\n" USAGE
	    "stop 1 completed\nE\n");
	same("all in response.completed", stream(whole),
	    "S resp_1 m\n(0 text\nt all\n)\nstop 1 completed\nE\n");
	same("no created, no added; incomplete", stream(bare),
	    "S  \n(0 text\nt a\n)\nstop 2 max_output_tokens\nE\n");
}

static void
test_stream_errors(void)
{
	static const char *const failed[] = { CREATED,
	    "{\"type\":\"response.failed\",\"response\":{\"status\":"
	    "\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\","
	    "\"message\":\"slow\"}}}", NULL };
	static const char *const flat[] = { CREATED,
	    "{\"type\":\"error\",\"code\":\"server_error\","
	    "\"message\":\"oops\",\"param\":null}", NULL };
	static const char *const nested[] = { CREATED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"t\",\"code\":"
	    "\"insufficient_quota\",\"message\":\"pay\"}}", COMPLETED, NULL };
	static const char *const cut[] = { CREATED,
	    EVENT(0, "output_text.delta", "\"delta\":\"a\""), NULL };
	static const char *const nothing[] = { NULL };

	same("pitfall-7: response.failed", stream(failed),
	    "S resp_1 m\nerror 429 rate_limit_exceeded: slow\n");
	same("error, flat", stream(flat),
	    "S resp_1 m\nerror 500 server_error: oops\n");
	same("error, nested; nothing behind it", stream(nested),
	    "S resp_1 m\nerror 429 insufficient_quota: pay\n");
	same("pitfall-6: a stream that breaks off", stream(cut),
	    "S resp_1 m\n(0 text\nt a\nerror 502 : the provider's stream "
	    "broke off\n");
	same("an empty stream", stream(nothing),
	    "error 502 : the provider's stream broke off\n");
}

static void
test_body(void)
{
	same("body", body("{\"id\":\"resp_1\",\"model\":\"m\",\"object\":"
	    "\"response\",\"status\":\"completed\",\"error\":null,"
	    "\"output\":[{\"type\":\"reasoning\",\"id\":\"rs\","
	    "\"summary\":[],\"content\":[{\"type\":\"reasoning_text\","
	    "\"text\":\"c\"}]},{\"type\":\"message\",\"content\":["
	    "{\"type\":\"output_text\",\"text\":\"a\"},"
	    "{\"type\":\"output_text\",\"text\":\"b\"}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
	    "\"arguments\":\"{}\"},{\"type\":\"compaction\"}],"
	    "\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}"),
	    "S resp_1 m\n(0 think\nt c\n)\n(1 text\nt a\n)\n(2 text\nt b\n)\n"
	    "(3 call c f\na {}\n)\n(4 opaque {\"type\":\"compaction\"}\n)\n"
	    "U 3 -1 -1 4 -1\nstop 3 completed\nE\n");
	same("length beats the tool call", body("{\"status\":\"incomplete\","
	    "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},"
	    "\"output\":[{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{\"}]}"),
	    "S  \n(0 call c f\na {\n)\nstop 2 max_output_tokens\nE\n");
	same("failed body", body("{\"status\":\"failed\",\"output\":[],"
	    "\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}"),
	    "error 500 server_error: m\n");
	same("no response", body("{\"object\":\"list\"}"),
	    "error 502 : the provider's answer is not a response\n");
}

/* --- answers, encoded ----------------------------------------------------- */

struct client {
	struct decoded		 d;
	struct ir_exchange	 x;
	struct ir_encoder	 e;
	struct ir_response	 r;
	unsigned		 parts;
	enum ir_part_type	 part;
	bool			 whole;		/* a body, no stream */
};

static void
client_open(struct client *c, const char *request_body, bool whole)
{
	memset(c, 0, sizeof(*c));
	if (request_body != NULL)
		decode(&c->d, request_body);
	fresh();
	c->x = exchange();
	if (request_body != NULL)
		c->x.rq = &c->d.rq;
	c->whole = whole;
	ir_encoder_init(&c->e, &dialect_openai_responses, &c->x, &out);
	ir_response_init(&c->r, &arena, OUT_MAX);
}

static void
give(struct client *c, struct ir_event ev)
{
	c->x.at.item = ev.index;
	ev.at = c->x.at;
	if (!c->whole)
		dialect_openai_responses.event_encode(&c->e, &ev);
	else if (ir_response_fold(&c->r, &ev) == -1)
		abort();
}

static void
give_start(struct client *c, const char *id)
{
	give(c, (struct ir_event){ .type = IR_EV_START, .id = str_of(id),
	    .name = STR("up-model"), .created = 9 });
}

static void
give_part(struct client *c, struct ir_event start, const char *text,
    enum ir_delta kind)
{
	start.type = IR_EV_PART_START;
	start.index = c->parts++;
	c->part = start.part;
	give(c, start);
	if (text != NULL)
		give(c, (struct ir_event){ .type = IR_EV_DELTA,
		    .index = start.index, .part = start.part, .delta = kind,
		    .text = { text, strlen(text) } });
	give(c, (struct ir_event){ .type = IR_EV_PART_END,
	    .index = start.index, .part = start.part });
}

static void
give_end(struct client *c, enum ir_stop stop)
{
	struct ir_event	 ev = { .type = IR_EV_USAGE, .usage = { .input = 5,
	    .cache_read = 4, .cache_write_5m = 1, .cache_write_1h = -1,
	    .output = 5, .reasoning = 3 } };

	give(c, ev);
	give(c, (struct ir_event){ .type = IR_EV_STOP, .stop = stop });
	give(c, (struct ir_event){ .type = IR_EV_END });
	if (c->whole)
		dialect_openai_responses.body_encode(&c->x, &c->r, &out);
}

static void
client_close(struct client *c)
{
	ir_response_release(&c->r);
	if (c->x.rq != NULL)
		json_release(&c->d.j);
}

#define USAGE_OUT "\"usage\":{\"input_tokens\":10," \
	"\"input_tokens_details\":{\"cached_tokens\":4," \
	"\"cache_write_tokens\":1},\"output_tokens\":8," \
	"\"output_tokens_details\":{\"reasoning_tokens\":3}," \
	"\"total_tokens\":18}"

static void
test_encode_text(void)
{
	struct client	 c;
	struct buf	 b;

	buf_init(&b, OUT_MAX);
	client_open(&c, "{\"model\":\"m\",\"input\":\"x\","
	    "\"temperature\":0.2}", false);
	give_start(&c, "msg_abc");
	give_part(&c, (struct ir_event){ .part = IR_THINKING }, "hm",
	    IR_D_TEXT);
	give_part(&c, (struct ir_event){ .part = IR_TEXT }, "a\\n",
	    IR_D_TEXT);
	give_end(&c, IR_STOP_END);
	same("the sequence of a stream", types(&b),
	    "created\nin_progress\n"
	    "output_item.added\nreasoning_summary_part.added\n"
	    "reasoning_summary_text.delta\nreasoning_summary_text.done\n"
	    "reasoning_summary_part.done\noutput_item.done\n"
	    "output_item.added\ncontent_part.added\noutput_text.delta\n"
	    "output_text.done\ncontent_part.done\noutput_item.done\n"
	    "completed\n");
	ok(has("event: response.created\ndata: {\"type\":"
	    "\"response.created\",\"sequence_number\":0,\"response\":{"
	    "\"id\":\"resp_abc\",\"object\":\"response\",\"created_at\":9,"
	    "\"status\":\"in_progress\""), "created");
	ok(has("\"model\":\"up-model\",\"output\":[]"), "output is empty");
	ok(has("\"temperature\":0.2"), "the request's echo");
	ok(has("\"item\":{\"id\":\"msg_abc01\",\"type\":\"message\","
	    "\"status\":\"in_progress\",\"content\":[],"
	    "\"role\":\"assistant\"}"), "added");
	ok(has("\"item_id\":\"msg_abc01\",\"output_index\":1,"
	    "\"content_index\":0,\"delta\":\"a\\n\",\"logprobs\":[]"),
	    "delta");
	ok(has("\"output\":[{\"id\":\"rs_abc00\",\"type\":\"reasoning\","
	    "\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"}]},"
	    "{\"id\":\"msg_abc01\",\"type\":\"message\",\"status\":"
	    "\"completed\",\"content\":[{\"type\":\"output_text\","
	    "\"annotations\":[],\"logprobs\":[],\"text\":\"a\\n\"}],"
	    "\"role\":\"assistant\"}]"), "completed has all output");
	ok(has(USAGE_OUT), "pitfall-40: usage is inclusive again");
	client_close(&c);
	buf_release(&b);
}

static void
test_encode_calls(bool whole)
{
	static const char	 request_body[] =
	    "{\"model\":\"m\",\"input\":\"x\",\"tools\":["
	    "{\"type\":\"custom\",\"name\":\"patch\"},"
	    "{\"type\":\"namespace\",\"name\":\"ns\",\"description\":\"\","
	    "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}]}";
	struct client	 c;

	client_open(&c, request_body, whole);
	give_start(&c, "resp_1");
	give_part(&c, (struct ir_event){ .part = IR_TOOL_CALL,
	    .id = STR("toolu_1"), .name = STR("f") }, "{\\\"x\\\":1}",
	    IR_D_ARGS);
	give_part(&c, (struct ir_event){ .part = IR_TOOL_CALL,
	    .name = STR("patch") }, "{\\\"input\\\":\\\"a\\\\nb\\\"}",
	    IR_D_ARGS);
	give_part(&c, (struct ir_event){ .part = IR_TOOL_CALL,
	    .id = STR("c3"), .name = STR("g") }, NULL, IR_D_ARGS);
	give_end(&c, IR_STOP_TOOL);
	ok(has("{\"id\":\"fc_100\",\"type\":\"function_call\",\"status\":"
	    "\"completed\",\"arguments\":\"{\\\"x\\\":1}\",\"call_id\":"
	    "\"toolu_1\",\"name\":\"f\",\"namespace\":\"ns\"}"),
	    "call with its namespace");
	ok(has("{\"id\":\"ctc_101\",\"type\":\"custom_tool_call\","
	    "\"status\":\"completed\",\"input\":\"a\\nb\",\"call_id\":"
	    "\"call_101\",\"name\":\"patch\"}"),
	    "pitfall-34: a custom tool's input is unwrapped");
	ok(has("\"arguments\":\"{}\",\"call_id\":\"c3\""),
	    "no arguments are {}");
	if (!whole)
		ok(has("\"type\":\"response.custom_tool_call_input.delta\"") &&
		    has("\"delta\":\"a\\nb\""), "and streamed");
	client_close(&c);
}

static void
test_encode_ends(void)
{
	struct ir_error	 e;
	struct client	 c;
	struct buf	 b;

	buf_init(&b, OUT_MAX);
	client_open(&c, NULL, false);
	give_start(&c, "");
	give_part(&c, (struct ir_event){ .part = IR_TEXT }, "a", IR_D_TEXT);
	give_end(&c, IR_STOP_LENGTH);
	ok(has("event: response.incomplete") && has("\"status\":\"incomplete\","
	    "\"content\":[{") && has("\"incomplete_details\":{\"reason\":"
	    "\"max_output_tokens\"}"), "incomplete");
	ok(has("\"id\":\"resp_x1\""), "our own id");
	client_close(&c);

	client_open(&c, NULL, false);
	give_start(&c, "resp_1");
	give_part(&c, (struct ir_event){ .part = IR_REFUSAL }, "no",
	    IR_D_TEXT);
	ir_error_set(&e, IR_ERR_RATE, "slow");
	give(&c, (struct ir_event){ .type = IR_EV_ERROR, .error = &e });
	same("an error inside a stream", types(&b), "created\nin_progress\n"
	    "output_item.added\ncontent_part.added\nrefusal.delta\nerror\n"
	    "failed\n");
	ok(has("\"status\":\"failed\",\"background\":false,\"error\":{"
	    "\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}"),
	    "response.failed");
	client_close(&c);
	buf_release(&b);
}

static void
test_encode_body(void)
{
	struct client	 c;

	client_open(&c, NULL, true);
	give_start(&c, "chatcmpl-q");
	give_part(&c, (struct ir_event){ .part = IR_THINKING,
	    .from = &dialect_anthropic }, "S", IR_D_SIGNATURE);
	give_part(&c, (struct ir_event){ .part = IR_TEXT }, "a", IR_D_TEXT);
	give_part(&c, (struct ir_event){ .part = IR_OPAQUE,
	    .raw = STR("{\"type\":\"x\"}"), .from = &dialect_anthropic },
	    NULL, IR_D_TEXT);
	give_end(&c, IR_STOP_FILTER);
	ok(has("{\"id\":\"resp_q\",\"object\":\"response\",\"created_at\":9,"
	    "\"status\":\"incomplete\"") && has("\"reason\":"
	    "\"content_filter\""), "body");
	ok(has(USAGE_OUT) && has("\"text\":{\"format\":{\"type\":\"text\"}"),
	    "usage and defaults");
	ok(lost("state of reasoning") &&
	    lost("only its own provider's dialect knows it"),
	    "what has no place is reported");
	client_close(&c);
}

/* Parts of several choices overlap; the first is answered. */
static void
test_encode_choices(void)
{
	struct client	 c;
	unsigned	 i;

	client_open(&c, NULL, false);
	give_start(&c, "resp_1");
	for (i = 0; i < 2; i++)
		give(&c, (struct ir_event){ .type = IR_EV_PART_START,
		    .choice = i, .index = i });
	for (i = 0; i < 4; i++)
		give(&c, (struct ir_event){ .type = IR_EV_DELTA,
		    .choice = i % 2, .index = i % 2,
		    .text = { "0123" + i, 1 } });
	for (i = 0; i < 2; i++) {
		give(&c, (struct ir_event){ .type = IR_EV_PART_END,
		    .choice = i, .index = i });
		give(&c, (struct ir_event){ .type = IR_EV_STOP, .choice = i,
		    .stop = IR_STOP_END });
	}
	give(&c, (struct ir_event){ .type = IR_EV_END });
	ok(has("\"logprobs\":[],\"text\":\"02\"}") &&
	    lost("only one choice"), "the first of several choices");
	client_close(&c);
}

static void
test_errors(void)
{
	struct ir_error	 e;

	fresh();
	ir_error_set(&e, IR_ERR_AUTH, "x");
	dialect_openai_responses.error_decode(&arena, STR("{\"code\":"
	    "\"invalid-argument\",\"error\":\"Incorrect API key\"}"), &e);
	ok(strcmp(e.msg, "Incorrect API key") == 0, "an error that is text");
	dialect_openai_responses.error_encode(&e, STR("id"), &out);
	ok(has("{\"error\":{\"message\":\"Incorrect API key\""),
	    "error envelope");
	ok(strcmp(dialect_openai_responses.keepalive, ": keep-alive\n\n") == 0,
	    "keep-alive is a comment");
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, OUT_MAX);
	test_input();
	test_roles_and_media();
	test_parallel_calls();
	test_tools();
	test_parameters();
	test_bad_requests();
	test_round_trips();
	test_from_chat();
	test_from_chat_calls();
	test_from_anthropic();
	test_from_strict();
	test_stream_text();
	test_stream_calls();
	test_stream_order();
	test_stream_odd();
	test_stream_errors();
	test_body();
	test_encode_text();
	test_encode_calls(false);
	test_encode_calls(true);
	test_encode_ends();
	test_encode_body();
	test_encode_choices();
	test_errors();
	buf_release(&out);
	arena_release(&arena);
	return done();
}
