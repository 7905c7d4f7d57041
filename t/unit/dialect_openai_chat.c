/*
 * OpenAI Chat Completions.  Requests are read and written through the dialects
 * that they come from and go to; answers are fed as frames and looked at as a
 * list of events, and written from the same list.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/dialect_openai_chat.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#include "tap.h"

#define OUT_MAX	(1u << 24)

static struct arena	 arena;
static struct buf	 out;
static struct loss	 loss;
static struct ir_error	 err;
static char		 lost[16384];

/* --- harness: requests ---------------------------------------------------- */

/* Parsed requests, which live as long as the test. */
#define REQUESTS_MAX	256
static struct json	 requests[REQUESTS_MAX];
static size_t		 n_requests;

static const struct json *
parse(const char *text)
{
	struct json		*j = &requests[n_requests++];
	struct json_error	 bad;

	if (n_requests == REQUESTS_MAX) {
		printf("Bail out! too many requests\n");
		exit(1);
	}
	json_init(j);
	if (json_parse(j, arena_str(&arena, str_of(text)), &bad) == -1) {
		printf("Bail out! test's JSON: %s\n", bad.what);
		exit(1);
	}
	return j;
}

static int
decode_as(const struct dialect *from, const char *text, struct ir_request *rq)
{
	ir_request_init(rq, &arena, from, parse(text));
	memset(&err, 0, sizeof(err));
	return from->request_decode(rq, &err);
}

static int
decode(const char *text, struct ir_request *rq)
{
	return decode_as(&dialect_openai_chat, text, rq);
}

static void
note_losses(void)
{
	struct buf	 b;

	buf_init(&b, sizeof(lost) - 1);
	loss_json(&loss, &b);
	snprintf(lost, sizeof(lost), "%s", b.data == NULL ? "" : b.data);
	buf_release(&b);
}

/* A request of another dialect for a provider of this one. */
static const char *
to_chat(const struct dialect *from, const char *text, const char *provider,
    const char *model)
{
	struct ir_request	 rq;
	struct ir_exchange	 x = { .arena = &arena, .rq = &rq,
				     .loss = &loss, .id = STR("ID") };

	buf_clear(&out);
	loss_init(&loss, &arena);
	if (decode_as(from, text, &rq) == -1)
		return err.msg;
	x.target = (struct ir_target){ .dialect = &dialect_openai_chat,
	    .provider = str_of(provider), .model = str_of(model),
	    .stream = rq.stream, .framing = FRAME_SSE };
	if (dialect_openai_chat.request_encode(&x, &out, &err) == -1)
		return err.msg;
	note_losses();
	buf_addc(&out, '\0');
	if (getenv("SHOW") != NULL)
		printf("# %s\n#    %s\n", out.data, lost);
	return out.data;
}

static const char *
from_anthropic(const char *text)
{
	return to_chat(&dialect_anthropic, text, "openai", "gpt-4o");
}

static bool
has(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		return true;
	printf("# missing: %s\n#      in: %.1500s\n", part, text);
	return false;
}

static bool
hasnt(const char *text, const char *part)
{
	return strstr(text, part) == NULL;
}

#define MSG(s)	"{\"model\":\"m\",\"messages\":[" s "]}"
#define USER	"{\"role\":\"user\",\"content\":\"hi\"}"
#define WITH(s)	"{\"model\":\"m\",\"messages\":[" USER "]," s "}"

/* Is the request refused, and does the message name the field? */
static bool
refused(const char *text, const char *field)
{
	struct ir_request	 rq;

	return decode(text, &rq) == -1 && err.status == 400 &&
	    has(err.msg, field);
}

/* --- harness: answers ----------------------------------------------------- */

struct record {
	struct buf		 log;
	struct ir_encoder	*enc;	/* events go there too, if set */
	struct ir_response	*fold;
};

static const char *const part_names[] = { "text", "image", "audio", "video",
    "document", "call", "result", "thinking", "refusal", "opaque" };
static const char *const stop_names[] = { "none", "end", "length", "tool",
    "sequence", "filter", "refusal", "pause", "context", "bad-call",
    "other" };

static int
record_event(void *arg, const struct ir_event *ev)
{
	struct record	*r = arg;
	struct buf	*b = &r->log;

	switch (ev->type) {
	case IR_EV_START:
		buf_addf(b, "start %.*s %.*s|", STR_FMT(ev->id),
		    STR_FMT(ev->name));
		break;
	case IR_EV_PART_START:
		buf_addf(b, "%u.%u %s", ev->choice, ev->index,
		    part_names[ev->part]);
		if (ev->part == IR_TOOL_CALL)
			buf_addf(b, "%s(%.*s,%.*s)",
			    ev->tool == IR_CUSTOM ? "/custom" : "",
			    STR_FMT(ev->id), STR_FMT(ev->name));
		buf_addz(b, " ");
		buf_adds(b, ev->raw);
		break;
	case IR_EV_DELTA:
		buf_addf(b, "<%s", ev->delta == IR_D_ANNOTATION ? "note:" :
		    ev->delta == IR_D_LOGPROBS ? "logprobs:" : "");
		buf_add(b, ev->text.p, ev->text.n);
		buf_adds(b, ev->raw);
		buf_addz(b, ">");
		break;
	case IR_EV_PART_END:
		buf_addz(b, "|");
		break;
	case IR_EV_USAGE:
		buf_addf(b, "usage %ld+%ld+%ld %ld+%ld|",
		    (long)ev->usage.input, (long)ev->usage.cache_read,
		    (long)ev->usage.cache_write_5m, (long)ev->usage.output,
		    (long)ev->usage.reasoning);
		break;
	case IR_EV_STOP:
		buf_addf(b, "stop %u %s|", ev->choice, stop_names[ev->stop]);
		break;
	case IR_EV_END:
		buf_addz(b, "end");
		break;
	case IR_EV_ERROR:
		buf_addf(b, "error %d %s", ev->error->status, ev->error->msg);
		break;
	case IR_EV_PING:
		break;
	}
	if (r->enc != NULL)
		dialect_openai_chat.event_encode(r->enc, ev);
	return r->fold == NULL ? 0 : ir_response_fold(r->fold, ev);
}

static int
frame_cb(void *arg, const struct frame *f)
{
	return ir_decoder_frame(arg, f);
}

/*
 * Reads a stream or a body.  The client (x->rq, may be NULL) is of this
 * dialect: what it gets is in out, as a stream or as a body.
 */
static const char *
read_answer(const char *text, bool stream, struct ir_exchange *x, bool back)
{
	struct record		 r = { .enc = NULL };
	struct ir_encoder	 enc;
	struct ir_response	 fold;
	struct ir_decoder	 dec;
	struct framer		 fr;
	struct ir_sink		 sink = { record_event, &r };
	int			 res = 0;

	buf_clear(&out);
	buf_init(&r.log, OUT_MAX);
	ir_encoder_init(&enc, &dialect_openai_chat, x, &out);
	ir_response_init(&fold, &arena, OUT_MAX);
	r.enc = back ? &enc : NULL;
	r.fold = &fold;
	ir_decoder_init(&dec, x->target.dialect, x, sink);
	framer_init(&fr, FRAME_SSE);
	if (stream) {
		res |= framer_feed(&fr, str_of(text), frame_cb, &dec);
		res |= framer_end(&fr, frame_cb, &dec);
		res |= ir_decoder_end(&dec);
	} else
		res = ir_decoder_body(&dec, str_of(text));
	if (!back && !fold.failed)
		dialect_openai_chat.body_encode(x, &fold, &out);
	framer_release(&fr);
	ir_decoder_release(&dec);
	ir_response_release(&fold);
	buf_addc(&out, '\0');
	text = arena_str(&arena, buf_str(&r.log)).p;
	buf_release(&r.log);
	if (getenv("SHOW") != NULL)
		printf("# %s\n# %s\n", text, out.data);
	return res == 0 ? text : "the sink was told to stop";
}

static struct ir_exchange
exchange(const struct ir_request *rq)
{
	loss_init(&loss, &arena);
	return (struct ir_exchange){ .arena = &arena, .rq = rq,
	    .loss = &loss, .id = STR("ID"), .created = 7,
	    .target = { .dialect = &dialect_openai_chat,
	    .provider = STR("openai"), .model = STR("gpt-4o") } };
}

static const char *
events(const char *text)
{
	struct ir_exchange	 x = exchange(NULL);

	return read_answer(text, true, &x, true);
}

static const char *
body_events(const char *text)
{
	struct ir_exchange	 x = exchange(NULL);

	return read_answer(text, false, &x, false);
}

/* The frames of a stream: one choice's delta each, then its end. */
#define D(delta)	"data: {\"id\":\"c1\",\"model\":\"g\",\"choices\":" \
	"[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]}\n\n"
#define FIN(reason)	"data: {\"id\":\"c1\",\"model\":\"g\",\"choices\":" \
	"[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE		"data: [DONE]\n\n"
#define CALL(i, rest)	D("{\"tool_calls\":[{\"index\":" #i "," rest "}]}")
#define NAMED(i, id, name, args) CALL(i, "\"id\":\"" id "\",\"type\":" \
	"\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":\"" \
	args "\"}")
#define ARGS(i, args)	CALL(i, "\"function\":{\"arguments\":\"" args "\"}")

static bool
is(const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return true;
	printf("# got:  %s\n# want: %s\n", got, want);
	return false;
}

/* --- requests: reading ---------------------------------------------------- */

static void
test_decode_messages(void)
{
	struct ir_request	 rq;
	const struct ir_message	*m;

	ok(decode(MSG("{\"role\":\"system\",\"content\":\"s\"},"
	    "{\"role\":\"developer\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"d\"}]},{\"role\":\"user\",\"name\":\"bob\","
	    "\"content\":null},{\"role\":\"assistant\",\"content\":\"\"}"),
	    &rq) == 0, "every plain role");
	m = rq.messages;
	ok(m->role == IR_SYSTEM && m->parts->type == IR_TEXT &&
	    m->next->role == IR_DEVELOPER && m->next->parts->text.n == 1,
	    "system and developer, string and array");
	m = m->next->next;
	ok(m->role == IR_USER && str_is(m->name, "bob") && m->parts == NULL &&
	    m->next->parts == NULL, "null and empty content are no part");
	ok(str_is(rq.model, "m") && rq.native && !rq.stream, "the plain rest");
}

static void
test_decode_media(void)
{
	struct ir_request	 rq;
	const struct ir_part	*p;

	ok(decode(MSG("{\"role\":\"user\",\"content\":["
	    "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;"
	    "base64,AAAA\",\"detail\":\"low\"}},"
	    "{\"type\":\"image_url\",\"image_url\":\"https://x/y.png\"},"
	    "{\"type\":\"image_url\",\"image_url\":{\"url\":"
	    "\"data:application\\/pdf;base64,BBBB\"}},"
	    "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"CCCC\","
	    "\"format\":\"mp3\"}},"
	    "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
	    "\"data:application/pdf;base64,DDDD\"}},"
	    "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
	    "{\"type\":\"odd\",\"x\":1}]}"), &rq) == 0, "media");
	p = rq.messages->parts;
	ok(p->type == IR_IMAGE && str_is(p->media.type, "image/png") &&
	    str_is(p->media.data, "AAAA") && str_is(p->media.detail, "low"),
	    "image by data URL, with detail");
	p = p->next;
	ok(p->type == IR_IMAGE && p->media.url.n == 15, "image by bare URL");
	p = p->next;
	ok(p->type == IR_DOCUMENT && str_is(p->media.type, "application/pdf"),
	    "pitfall-33: a PDF in image_url is a document");
	p = p->next;
	ok(p->type == IR_AUDIO && str_is(p->media.type, "audio/mp3"), "audio");
	p = p->next;
	ok(p->type == IR_DOCUMENT && p->media.filename.n == 5 &&
	    str_is(p->media.data, "DDDD"), "file by data");
	p = p->next;
	ok(p->type == IR_DOCUMENT && p->media.file_id.n == 6, "file by id");
	p = p->next;
	ok(p->type == IR_OPAQUE && p->raw.n > 0 &&
	    p->from == &dialect_openai_chat, "unknown parts are opaque");
	ok(rq.need == (IR_NEED_IMAGE | IR_NEED_AUDIO | IR_NEED_DOCUMENT),
	    "needs of media");
}

static void
test_decode_assistant(void)
{
	struct ir_request	 rq;
	const struct ir_part	*p;

	ok(decode(MSG("{\"role\":\"assistant\",\"content\":null,"
	    "\"reasoning_content\":\"hm\",\"refusal\":\"no\","
	    "\"annotations\":[],\"audio\":{\"id\":\"au\"},"
	    "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
	    "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},"
	    "{\"id\":\"c2\",\"type\":\"custom\",\"custom\":{\"name\":\"g\","
	    "\"input\":\"free\"}}]},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":"
	    "[{\"type\":\"text\",\"text\":\"r\"}]}"), &rq) == 0,
	    "an assistant message with everything");
	p = rq.messages->parts;
	ok(p->type == IR_THINKING && p->text.n == 2,
	    "pitfall-23: reasoning_content");
	p = p->next;
	ok(p->type == IR_REFUSAL && p->text.n == 2, "refusal");
	p = p->next;
	ok(p->type == IR_TOOL_CALL && str_is(p->id, "c1") &&
	    p->args.escaped.n == 9, "function call, arguments untouched");
	p = p->next;
	ok(p->tool == IR_CUSTOM && str_is(p->name, "g") && p->text.n == 4,
	    "custom call");
	p = p->next;
	ok(p->type == IR_OPAQUE && p->next == NULL &&
	    str_is(p->raw, "{\"audio\":{\"id\":\"au\"}}"),
	    "audio is opaque, empty annotations are nothing");
	p = rq.messages->next->parts;
	ok(p->type == IR_TOOL_RESULT && str_is(p->name, "f") &&
	    p->parts->text.n == 1, "a result knows its tool's name");
	ok(decode(MSG("{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":"
	    "\"r\"},{\"role\":\"assistant\",\"content\":\"a\","
	    "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":"
	    "\"t\",\"signature\":\"s\"}]}"), &rq) == 0 &&
	    rq.messages->parts->type == IR_THINKING &&
	    rq.messages->next->parts->type == IR_THINKING &&
	    rq.messages->next->parts->next->type == IR_TEXT,
	    "pitfall-23: reasoning and reasoning_details");
}

static void
test_decode_legacy(void)
{
	struct ir_request	 rq;
	const struct ir_part	*call, *result;

	ok(decode("{\"model\":\"m\",\"functions\":[{\"name\":\"f\","
	    "\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}],"
	    "\"function_call\":{\"name\":\"f\"},\"messages\":[" USER ","
	    "{\"role\":\"assistant\",\"content\":null,\"function_call\":"
	    "{\"name\":\"f\",\"arguments\":\"{}\"}},"
	    "{\"role\":\"function\",\"name\":\"f\",\"content\":\"r\"}]}", &rq)
	    == 0, "legacy functions");
	call = rq.messages->next->parts;
	result = rq.messages->next->next->parts;
	ok(rq.tools->kind == IR_FUNCTION && str_is(rq.tools->name, "f") &&
	    rq.choice.mode == IR_CHOICE_NAMED && str_is(rq.choice.name, "f"),
	    "functions are tools");
	ok(call->id.n > 0 && str_eq(call->id, result->id),
	    "function_call and its result share an id");
}

static void
test_decode_tools(void)
{
	struct ir_request	 rq;
	const struct ir_tool	*t;

	ok(decode(WITH("\"tools\":[{\"type\":\"function\",\"function\":{"
	    "\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":"
	    "\"object\"},\"strict\":true}},{\"type\":\"custom\",\"custom\":{"
	    "\"name\":\"g\",\"format\":{\"type\":\"text\"}}},"
	    "{\"type\":\"openrouter:web_search\",\"parameters\":{}}],"
	    "\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{"
	    "\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"f\"}}]}},\"parallel_tool_calls\":false"),
	    &rq) == 0, "tools of every kind");
	t = rq.tools;
	ok(t->strict == IR_YES && t->schema.n == 17 && t->raw.n > 0,
	    "function with schema and strict");
	ok(t->next->kind == IR_CUSTOM && str_is(t->next->name, "g"), "custom");
	t = t->next->next;
	ok(t->kind == IR_SERVER && str_is(t->server_type,
	    "openrouter:web_search"), "unknown tools run elsewhere");
	ok(rq.choice.mode == IR_CHOICE_REQUIRED && rq.choice.allowed != NULL &&
	    str_is(rq.choice.allowed->s, "f") && rq.parallel == IR_NO,
	    "allowed tools, parallel switch");
	ok(rq.need == (IR_NEED_TOOLS | IR_NEED_CUSTOM_TOOL |
	    IR_NEED_SERVER_TOOL), "needs of tools");
	ok(decode(WITH("\"tool_choice\":\"required\""), &rq) == 0 &&
	    rq.choice.mode == IR_CHOICE_REQUIRED &&
	    decode(WITH("\"tool_choice\":{\"type\":\"custom\",\"custom\":"
	    "{\"name\":\"g\"}}"), &rq) == 0 &&
	    rq.choice.kind == IR_CUSTOM && str_is(rq.choice.name, "g"),
	    "choice by word and by name");
}

static void
test_decode_parameters(void)
{
	struct ir_request	 rq;

	ok(decode(WITH("\"temperature\":0.70,\"top_p\":1,\"n\":2,\"stop\":"
	    "\"END\",\"max_tokens\":5,\"max_completion_tokens\":6,"
	    "\"logprobs\":true,\"top_logprobs\":3,\"seed\":-4,\"user\":\"u\","
	    "\"metadata\":{\"a\":\"b\"},\"store\":true,\"stream\":true,"
	    "\"stream_options\":{\"include_usage\":true},"
	    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
	    "\"name\":\"n\",\"schema\":{\"type\":\"object\"},\"strict\":true}},"
	    "\"reasoning_effort\":\"xhigh\",\"logit_bias\":{\"1\":2},"
	    "\"nothing\":null"), &rq) == 0, "parameters");
	ok(str_is(rq.sampling.temperature.raw, "0.70"), "numbers keep bytes");
	ok(rq.sampling.max_tokens == 6, "the newer name of max_tokens wins");
	ok(rq.stop != NULL && rq.stop->s.n == 3 && rq.stop->next == NULL,
	    "pitfall-37: stop as a string");
	ok(rq.stream && rq.stream_usage, "stream with usage");
	ok(rq.format.kind == IR_FORMAT_SCHEMA && str_is(rq.format.name, "n") &&
	    rq.format.strict == IR_YES, "schema of the answer");
	ok(str_is(rq.reasoning.effort, "xhigh") &&
	    rq.reasoning.mode == IR_REASON_ON, "unknown efforts pass");
	ok(rq.ext != NULL && str_is(rq.ext->name, "max_tokens") &&
	    str_is(rq.ext->next->name, "logit_bias") &&
	    rq.ext->next->next == NULL, "the rest is kept, null is nothing");
	ok((rq.need & IR_NEED_CHOICES) && (rq.need & IR_NEED_LOGPROBS) &&
	    (rq.need & IR_NEED_SCHEMA) && (rq.need & IR_NEED_THINKING),
	    "needs of parameters");
	ok(decode(WITH("\"stop\":[\"a\",\"\",\"b\"],\"max_tokens\":-1,"
	    "\"thinking\":{\"type\":\"disabled\"}"), &rq) == 0 &&
	    rq.stop->next != NULL && rq.stop->next->next == NULL &&
	    rq.sampling.max_tokens == -1 &&
	    rq.reasoning.mode == IR_REASON_OFF, "forms of other servers");
	ok(decode(WITH("\"reasoning\":{\"max_tokens\":2000,\"exclude\":true}"),
	    &rq) == 0 && rq.reasoning.budget == 2000 &&
	    rq.reasoning.visible == IR_NO, "OpenRouter's reasoning");
	ok(decode(WITH("\"temperature\":1,\"temperature\":2"), &rq) == 0 &&
	    str_is(rq.sampling.temperature.raw, "2"), "the last one counts");
}

static void
test_decode_wrong(void)
{
	ok(refused("[]", "an object"), "not an object");
	ok(refused("{\"messages\":[" USER "]}", "'model'"), "no model");
	ok(refused("{\"model\":\"m\"}", "'messages'"), "no messages");
	ok(refused(MSG(""), "messages"), "empty messages");
	ok(refused(MSG("{\"content\":\"x\"}"), "messages[0]"), "no role");
	ok(refused(MSG("{\"role\":\"boss\"}"), "messages[0].role"),
	    "unknown role");
	ok(refused(MSG("{\"role\":\"user\",\"content\":7}"),
	    "messages[0].content"), "content of a wrong type");
	ok(refused(MSG("{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}"),
	    "messages[0].content[0]"), "a text part without text");
	ok(refused(WITH("\"temperature\":\"hot\""), "temperature"),
	    "a number that is a string");
	ok(refused(WITH("\"max_tokens\":1.5"), "max_tokens"), "half a token");
	ok(refused(WITH("\"n\":0"), "'n'"), "no choices");
	ok(refused(WITH("\"tools\":[{\"type\":\"function\"}]"), "tools[0]"),
	    "a tool without function");
	ok(refused(WITH("\"stop\":[1]"), "stop[0]"), "a stop that is none");
	ok(refused(WITH("\"tool_choice\":\"maybe\""), "tool_choice"),
	    "unknown choice");
	ok(refused(WITH("\"response_format\":{}"), "response_format"),
	    "a format without type");
}

/* --- requests: writing ---------------------------------------------------- */

static void
test_encode_own(void)
{
	static const char	 text[] = "{\"model\":\"m\",\"messages\":["
	    "{\"role\":\"assistant\",\"content\":null,\"refusal\":null,"
	    "\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"},"
	    "\"reasoning_details\":[{\"x\":1}]}],\"functions\":[{\"name\":"
	    "\"f\"}],\"max_tokens\":7,\"safety_identifier\":\"s\",\"odd\":"
	    "{\"a\":[1.0]},\"temperature\":0.70}";
	const char		*s;

	s = to_chat(&dialect_openai_chat, text, "openai", "m");
	ok(is(s, text) && loss.n == 0, "to itself: nothing is changed");
	s = to_chat(&dialect_openai_chat, text, "openai", "gpt-9");
	ok(has(s, "{\"model\":\"gpt-9\",\"messages\""), "but the model's name");
}

static void
test_encode_messages(void)
{
	const char	*s;

	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":9,\"system\":"
	    "[{\"type\":\"text\",\"text\":\"x-anthropic-billing-header: y\"},"
	    "{\"type\":\"text\",\"text\":\"one\",\"cache_control\":{\"type\":"
	    "\"ephemeral\"}},{\"type\":\"text\",\"text\":\"two\"}],"
	    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"\"},{\"type\":\"text\",\"text\":\"a\\u00e9\\n\"}]},"
	    "{\"role\":\"assistant\",\"content\":\"b\"}]}");
	ok(has(s, "{\"role\":\"system\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"}]}"),
	    "system first, its blocks as parts");
	ok(hasnt(s, "billing"), "pitfall-48: the billing block stays behind");
	ok(has(lost, "cache_control") && loss.n <= 4,
	    "cache marks are told once");
	ok(has(s, "{\"role\":\"user\",\"content\":\"a\\u00e9\\n\"}"),
	    "pitfall-36: empty text is dropped, escapes are copied");
	ok(has(s, "{\"role\":\"assistant\",\"content\":\"b\"}"), "assistant");
	ok(has(s, "\"max_tokens\":9"), "pitfall-37: older models");
	s = to_chat(&dialect_anthropic, "{\"model\":\"c\",\"max_tokens\":9,"
	    "\"system\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":"
	    "\"text\",\"text\":\"two\"}],\"messages\":[" USER "]}", "vllm",
	    "q");
	ok(has(s, "\"content\":\"one\\n\\ntwo\""),
	    "compatible servers get one string");
}

#define TOOL_TURN "{\"role\":\"assistant\",\"content\":[" \
	"{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"sig\"}," \
	"{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":" \
	"{\"a\":1}},{\"type\":\"tool_use\",\"id\":\"t.2\",\"name\":\"g\"," \
	"\"input\":{}}]}"

static void
test_encode_results(void)
{
	const char	*s, *a, *b, *u;

	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":9,\"messages\":["
	    USER "," TOOL_TURN ",{\"role\":\"user\",\"content\":["
	    "{\"type\":\"tool_result\",\"tool_use_id\":\"t.2\",\"is_error\":"
	    "true,\"content\":\"bad\"},{\"type\":\"tool_result\","
	    "\"tool_use_id\":\"toolu_1\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"r\"},{\"type\":\"image\",\"source\":{\"type\":"
	    "\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]},"
	    "{\"type\":\"text\",\"text\":\"and?\"}]}]}");
	ok(has(s, "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
	    "{\"id\":\"toolu_1\",\"type\":\"function\",\"function\":{\"name\":"
	    "\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}"),
	    "calls with escaped arguments, null content only with calls");
	ok(hasnt(s, "hm") && has(lost, "reasoning"),
	    "thinking has no place at OpenAI");
	a = strstr(s, "\"role\":\"tool\",\"tool_call_id\":\"toolu_1\"");
	b = strstr(s, "\"content\":\"Error: bad\"");
	u = strstr(s, "\"role\":\"user\",\"content\":[{\"type\":\"text\","
	    "\"text\":\"From the result");
	ok(a != NULL && b != NULL && u != NULL && a < b && b < u,
	    "results in the order of the calls, then the user's part");
	ok(u != NULL && has(u, "data:image/png;base64,AAAA") &&
	    has(u, "\"text\":\"and?\"}]}"),
	    "pitfall-33: an image moves to the user message behind");
	ok(hasnt(s, "t.2"), "pitfall-29: ids fit");
}

static void
test_encode_pairing(void)
{
	const char	*s;

	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":9,\"messages\":["
	    USER "," TOOL_TURN ",{\"role\":\"user\",\"content\":["
	    "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\","
	    "\"content\":\"r\"},{\"type\":\"tool_result\",\"tool_use_id\":"
	    "\"gone\",\"content\":\"orphan\"}]}]}");
	ok(has(s, "no result of this call is known") && hasnt(s, "orphan"),
	    "pitfall-28: calls without result, results without call");
	s = to_chat(&dialect_anthropic, "{\"model\":\"c\",\"max_tokens\":9,"
	    "\"messages\":[" USER "," TOOL_TURN ",{\"role\":\"user\","
	    "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
	    "\"toolu_1\",\"content\":\"r\"}]}]}", "deepseek", "d");
	ok(has(s, "\"reasoning_content\":\"hm\""),
	    "pitfall-23: reasoning goes back to servers that know it");
	s = to_chat(&dialect_gemini, "{\"contents\":[{\"role\":\"model\","
	    "\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"n\":1}}},"
	    "{\"functionCall\":{\"name\":\"f\",\"args\":{\"n\":2}}}]},"
	    "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":"
	    "\"f\",\"response\":{\"r\":1}}},{\"functionResponse\":{\"name\":"
	    "\"f\",\"response\":{\"r\":2}}}]}]}", "openai", "gpt-4o");
	ok(strstr(s, "\\\"r\\\":1") != NULL && strstr(s, "\\\"r\\\":2") != NULL
	    && strstr(s, "\\\"r\\\":1") < strstr(s, "\\\"r\\\":2") &&
	    hasnt(s, "\"id\":\"\""), "calls without ids are paired in order");
}

static void
test_encode_media(void)
{
	const char	*s;

	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":9,\"messages\":["
	    "{\"role\":\"user\",\"content\":[{\"type\":\"document\","
	    "\"source\":{\"type\":\"base64\",\"media_type\":"
	    "\"application/pdf\",\"data\":\"PDFF\"}},{\"type\":\"document\","
	    "\"title\":\"T\",\"source\":{\"type\":\"text\",\"media_type\":"
	    "\"text/plain\",\"data\":\"plain\"}},{\"type\":\"image\","
	    "\"source\":{\"type\":\"url\",\"url\":\"https://x/i.png\"}}]}]}");
	ok(has(s, "{\"type\":\"file\",\"file\":{\"filename\":\"document.pdf\","
	    "\"file_data\":\"data:application/pdf;base64,PDFF\"}}"), "PDF");
	ok(has(s, "{\"type\":\"text\",\"text\":\"T\\nplain\"}"), "plain text");
	ok(has(s, "{\"type\":\"image_url\",\"image_url\":{\"url\":"
	    "\"https://x/i.png\"}}"), "image by URL");
	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":9,\"messages\":["
	    "{\"role\":\"user\",\"content\":[{\"type\":\"document\","
	    "\"source\":{\"type\":\"url\",\"url\":\"https://x/d.pdf\"}}]}]}");
	ok(loss.refused == 1 && has(lost, "messages[0].content[0]"),
	    "a document by URL is refused, not forgotten");
	s = to_chat(&dialect_gemini, "{\"contents\":[{\"role\":\"user\","
	    "\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/mpeg\",\"data\":"
	    "\"AUDI\"}},{\"inlineData\":{\"mimeType\":\"video/mp4\",\"data\":"
	    "\"VIDE\"}}]}]}", "openai", "gpt-4o");
	ok(has(s, "\"input_audio\":{\"data\":\"AUDI\",\"format\":\"mp3\"}"),
	    "audio");
	ok(loss.refused == 1, "video is refused");
}

static void
test_encode_tools(void)
{
	char		 text[1024];
	const char	*s;

	snprintf(text, sizeof(text), "{\"model\":\"c\",\"max_tokens\":9,"
	    "\"messages\":[" USER "],\"tools\":[{\"name\":\"f\",\"description\""
	    ":\"d\",\"input_schema\":{\"type\":\"object\"}},{\"name\":\"%s\","
	    "\"input_schema\":{\"type\":\"object\",\"properties\":{}}},"
	    "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}],"
	    "\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":"
	    "true}}", "a.name.with.dots");
	s = from_anthropic(text);
	ok(has(s, "{\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"description\":\"d\",\"parameters\":{\"type\":\"object\","
	    "\"properties\":{}}}}"), "an object schema gets its properties");
	ok(hasnt(s, "a.name"), "pitfall-30: names fit");
	ok(has(s, "\"tool_choice\":\"required\",\"parallel_tool_calls\":false"),
	    "pitfall-31: any is required");
	ok(hasnt(s, "web_search") && has(lost, "tools[2]"),
	    "pitfall-35: a server tool is told of");
	s = to_chat(&dialect_gemini, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"x\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
	    "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{"
	    "\"type\":\"STRING\"}}}}]}]}", "openai", "gpt-4o");
	ok(has(s, "\"type\":\"object\"") && has(s, "\"type\":\"string\""),
	    "OpenAPI types in lower case");
	s = to_chat(&dialect_openai_responses, "{\"model\":\"m\",\"input\":"
	    "\"x\",\"tools\":[{\"type\":\"custom\",\"name\":\"p\","
	    "\"description\":\"d\",\"format\":{\"type\":\"grammar\","
	    "\"syntax\":\"lark\",\"definition\":\"start: X\"}}]}", "openai",
	    "gpt-5");
	ok(has(s, "{\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	    "\"description\":\"d\",\"format\":{\"type\":\"grammar\","
	    "\"grammar\":{\"syntax\":\"lark\",\"definition\":\"start: X\"}}}}"),
	    "a custom tool of the other OpenAI dialect");
	s = to_chat(&dialect_openai_responses, "{\"model\":\"m\",\"input\":"
	    "\"x\",\"tools\":[{\"type\":\"custom\",\"name\":\"p\","
	    "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\","
	    "\"definition\":\"start: X\"}}]}", "ollama", "q");
	ok(has(s, "\"required\":[\"input\"]") && has(s, "start: X"),
	    "pitfall-34: wrapped for servers without custom tools");
}

static void
test_encode_parameters(void)
{
	const char	*s;

	s = to_chat(&dialect_anthropic, "{\"model\":\"c\",\"max_tokens\":9000,"
	    "\"temperature\":0.5,\"top_k\":4,\"stop_sequences\":[\"a\"],"
	    "\"stream\":true,\"metadata\":{\"user_id\":\"u\"},\"thinking\":{"
	    "\"type\":\"enabled\",\"budget_tokens\":8000},\"messages\":["
	    USER "]}", "openai", "gpt-5.1");
	ok(has(s, "\"max_completion_tokens\":9000") &&
	    hasnt(s, "\"max_tokens\""), "pitfall-37: newer models");
	ok(hasnt(s, "temperature") && hasnt(s, "\"stop\"") &&
	    has(lost, "temperature") && has(lost, "stop_sequences[0]") &&
	    has(lost, "top_k"), "what reasoning models refuse is left out");
	ok(has(s, "\"reasoning_effort\":\"medium\""), "budget to effort");
	ok(has(s, "\"user\":\"u\""), "the end user's id");
	ok(has(s, "\"stream\":true,\"stream_options\":{\"include_usage\":"
	    "true}"), "pitfall-10: usage is always asked for");
	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":64000,"
	    "\"temperature\":0.50,\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\","
	    "\"e\"],\"messages\":[" USER "]}");
	ok(has(s, "\"temperature\":0.50,\"max_tokens\":16384,\"stop\":[\"a\","
	    "\"b\",\"c\",\"d\"]") && has(lost, "stop_sequences[4]"),
	    "at most four stops, at most what the model can say");
	s = to_chat(&dialect_anthropic, "{\"model\":\"c\",\"max_tokens\":64000,"
	    "\"messages\":[" USER "]}", "ollama", "llama");
	ok(has(s, "\"max_tokens\":64000"), "other servers: max_tokens");
	s = to_chat(&dialect_gemini, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"x\"}]}],\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\"}}}",
	    "openai", "gpt-4o");
	ok(has(s, "\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"response\",\"schema\":{\"type\":"
	    "\"object\""), "a schema gets a name");
	s = to_chat(&dialect_gemini, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"x\"}]}],\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\"}}", "openai", "gpt-4o");
	ok(has(s, "\"json_object\"") && has(s, "Answer in JSON."),
	    "json_object with the word that it needs");
	s = from_anthropic("{\"model\":\"c\",\"max_tokens\":9,\"messages\":["
	    "{\"role\":\"user\",\"content\":\"\"}]}");
	ok(has(s, "no message is left"), "nothing to say is an error");
}

static void
test_models_names(void)
{
	struct model_caps	 m;

	caps_get(NULL, "openai-chat", STR("openai/gpt-5.2-mini"), &m);
	ok(m.thinking == CAPS_THINK_EFFORT && m.think_off,
	    "gpt-5.2 reasons, with a prefix too");
	caps_get(NULL, "openai-chat", STR("o4-mini"), &m);
	ok(m.thinking == CAPS_THINK_EFFORT && !m.think_off && !m.parallel,
	    "o-series");
	caps_get(NULL, "openai-chat", STR("gpt-5-chat-latest"), &m);
	ok(m.thinking == CAPS_THINK_NONE && m.sampling == CAPS_YES,
	    "gpt-5-chat does not reason");
	caps_get(NULL, "openai-chat", STR("ft:gpt-4o-mini:org"), &m);
	ok(m.thinking == CAPS_THINK_NONE && m.max_output == 16384,
	    "fine-tuned");
	caps_get(NULL, "openai-chat", STR("deepseek-x"), &m);
	ok(m.sampling == CAPS_YES && m.stop && m.max_completion_tokens == 2,
	    "what nobody knows is refused nothing");
}

/* --- answers: reading ----------------------------------------------------- */

static void
test_stream_text(void)
{
	ok(is(events("data: {\"id\":\"\",\"model\":\"\",\"choices\":[],"
	    "\"prompt_filter_results\":[]}\n\n"
	    D("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}")
	    D("{\"content\":\"a\\n\",\"tool_calls\":[]}") D("{\"content\":"
	    "\"b\"}") FIN("stop") "data: {\"id\":\"c1\",\"choices\":[],"
	    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
	    "\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":"
	    "4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n\n"
	    DONE D("{\"content\":\"late\"}")),
	    "start c1 g|0.0 text <a\\n><b>|usage 6+4+-1 3+2|stop 0 end|end"),
	    "pitfall-2, 13: text, usage, nothing after [DONE]");
	ok(is(events(D("{\"content\":\"a\"}") FIN("stop")),
	    "start c1 g|0.0 text <a>|stop 0 end|end"),
	    "pitfall-6: no [DONE] but a reason is an end");
	ok(is(events(D("{\"content\":\"a\"}")), "start c1 g|0.0 text <a>error "
	    "502 the provider ended the stream before the answer was "
	    "complete"), "pitfall-6: cut is an error");
	ok(is(events(D("{\"content\":\"a\"}") DONE),
	    "start c1 g|0.0 text <a>|stop 0 end|end"), "[DONE] is an end");
	ok(has(events(DONE), "error 502"), "pitfall-7: empty is an error");
	ok(is(events(D("{\"content\":\"a\"}") FIN("stop") D("{\"content\":"
	    "\"b\"}") FIN("length") DONE),
	    "start c1 g|0.0 text <a><b>|stop 0 length|end"),
	    "pitfall-5: one reason, the last");
	ok(is(events(D("{\"content\":\"a\"}") FIN("odd") DONE),
	    "start c1 g|0.0 text <a>|stop 0 other|end"), "unknown reason");
	ok(has(events("data: {nonsense\n\n"), "error 502"), "garbage");
}

static void
test_stream_parts(void)
{
	ok(is(events(D("{\"reasoning\":\"r\"}") D("{\"content\":\"a\"}")
	    D("{\"reasoning_content\":\"s\"}") D("{\"content\":null,\"refusal\""
	    ":\"no\"}") FIN("stop") DONE), "start c1 g|0.0 thinking <r>|"
	    "0.1 text <a>|0.2 thinking <s>|0.3 refusal <no>|stop 0 end|end"),
	    "pitfall-23: both names of reasoning; refusal");
	ok(is(events(D("{\"content\":[{\"type\":\"thinking\",\"thinking\":["
	    "{\"type\":\"text\",\"text\":\"t\"}]},{\"type\":\"text\",\"text\":"
	    "\"a\"}]}") FIN("stop") DONE),
	    "start c1 g|0.0 thinking <t>|0.1 text <a>|stop 0 end|end"),
	    "Mistral's parts");
	ok(is(events("data: {\"id\":\"c1\",\"model\":\"g\",\"choices\":["
	    "{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":"
	    "{\"content\":[{\"token\":\"a\"}]}},{\"index\":1,\"delta\":"
	    "{\"content\":\"b\"}}]}\n\n" D("{\"annotations\":[{\"n\":1}]}")
	    FIN("stop") "data: {\"choices\":[{\"index\":1,\"delta\":{},"
	    "\"finish_reason\":\"length\"}]}\n\n"),
	    "start c1 g|0.0 text <a><logprobs:[{\"token\":\"a\"}]>1.1 text <b>"
	    "<note:{\"n\":1}>||stop 0 end|stop 1 length|end"),
	    "several choices, logprobs, citations");
	ok(is(events(D("{\"annotations\":[{\"n\":1}]}") D("{\"content\":"
	    "\"a\"}") FIN("stop") DONE),
	    "start c1 g|0.0 text <note:{\"n\":1}><a>|stop 0 end|end"),
	    "citations wait for their text");
	ok(is(events(D("{\"audio\":{\"id\":\"x\"}}") FIN("stop") DONE),
	    "start c1 g|0.0 opaque {\"audio\":{\"id\":\"x\"}}|stop 0 end|end"),
	    "audio");
}

static void
test_stream_calls(void)
{
	ok(is(events(NAMED(0, "i", "f", "{\\\"a\\\":1}") FIN("tool_calls")
	    DONE), "start c1 g|0.0 call(i,f) <{\\\"a\\\":1}>|stop 0 tool|end"),
	    "pitfall-1: arguments complete in the first chunk");
	ok(is(events(NAMED(0, "i", "f", "") ARGS(0, "{\\\"a\\\"")
	    NAMED(1, "j", "g", "") ARGS(1, "{}") ARGS(0, ":1}")
	    ARGS(1, "") FIN("tool_calls") DONE),
	    "start c1 g|0.0 call(i,f) <{\\\"a\\\"><:1}>|0.1 call(j,g) <{}>|"
	    "stop 0 tool|end"), "pitfall-3: mixed calls are put in a row");
	ok(is(events(NAMED(0, "i", "f", "{}") NAMED(0, "j", "g", "{}")
	    FIN("stop") DONE), "start c1 g|0.0 call(i,f) <{}>|0.1 call(j,g) "
	    "<{}>|stop 0 tool|end"),
	    "pitfall-3, 4: every index 0, and reason stop");
	ok(is(events(D("{\"tool_calls\":[{\"function\":{\"name\":\"f\","
	    "\"arguments\":\"{\"}}]}") D("{\"tool_calls\":[{\"function\":{"
	    "\"arguments\":\"}\"}}]}") FIN("length") DONE),
	    "start c1 g|0.0 call(,f) <{><}>|stop 0 length|end"),
	    "pitfall-4: no index, id or type; length stays length");
	ok(is(events(NAMED(0, "i", "f", "{\\\"s\\\":\\\"}\\\\\\\"\\u007d")
	    D("{\"content\":\"x\"}") ARGS(0, "\\u0022}")
	    FIN("tool_calls") DONE),
	    "start c1 g|0.0 call(i,f) <{\\\"s\\\":\\\"}\\\\\\\"\\u007d>"
	    "<\\u0022}>|0.1 text <x>|stop 0 tool|end"),
	    "text waits until the arguments are whole");
	ok(is(events(CALL(0, "\"id\":\"i\",\"type\":\"custom\",\"custom\":{"
	    "\"name\":\"f\",\"input\":\"a\"}") CALL(0, "\"custom\":{\"input\":"
	    "\"b\"}") FIN("tool_calls") DONE),
	    "start c1 g|0.0 call/custom(i,f) <a><b>|stop 0 tool|end"),
	    "custom tools");
	ok(is(events(D("{\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}}"
	    ) D("{\"function_call\":{\"arguments\":\"{}\"}}")
	    FIN("function_call") DONE),
	    "start c1 g|0.0 call(,f) <{}>|stop 0 tool|end"), "legacy calls");
	ok(is(events(CALL(0, "\"function\":{\"arguments\":\"{}\"}")
	    FIN("stop") DONE), "start c1 g|stop 0 tool|end") && loss.n == 1,
	    "a call without a name is told of");
}

static void
test_stream_errors(void)
{
	ok(is(events(D("{\"content\":\"a\"}") "data: {\"error\":{\"message\":"
	    "\"slow down\",\"type\":\"requests\",\"code\":"
	    "\"rate_limit_exceeded\"}}\n\n" DONE),
	    "start c1 g|0.0 text <a>error 429 slow down"),
	    "pitfall-7: an error inside a stream");
	ok(is(events("data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":"
	    "{},\"error\":{\"code\":502,\"message\":\"gone\"},"
	    "\"finish_reason\":\"error\"}]}\n\n"), "error 502 gone"),
	    "an error inside a choice");
	ok(is(events("event: error\ndata: {\"message\":\"m\"}\n\n"),
	    "error 502 m"), "an error event");
	ok(is(events("data: {\"error\":\"text\"}\n\n"), "error 502 text"),
	    "an error that is a text");
}

static void
test_body(void)
{
	ok(is(body_events("{\"id\":\"c1\",\"model\":\"g\",\"created\":3,"
	    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
	    "\"content\":\"a\",\"reasoning_content\":\"r\",\"annotations\":["
	    "{\"n\":1}],\"tool_calls\":[{\"id\":\"i\",\"type\":\"function\","
	    "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
	    "\"logprobs\":{\"content\":[{\"token\":\"a\"}],\"refusal\":null},"
	    "\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":9,"
	    "\"completion_tokens\":1,\"prompt_cache_hit_tokens\":8}}"),
	    "start c1 g|0.0 thinking <r>|0.1 text <a><note:{\"n\":1}>"
	    "<logprobs:[{\"token\":\"a\"}]>|0.2 call(i,f) <{}>|"
	    "usage 1+8+-1 1+-1|stop 0 tool|end"), "a whole body");
	ok(has(out.data, "{\"id\":\"chatcmpl-c1\",\"object\":"
	    "\"chat.completion\",\"created\":3,\"model\":\"g\",\"choices\":["
	    "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
	    "\"a\",\"refusal\":null,\"reasoning_content\":\"r\",\"tool_calls\":"
	    "[{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"arguments\":\"{}\"}}],\"annotations\":[{\"n\":1}]},\"logprobs\":"
	    "{\"content\":[{\"token\":\"a\"}],\"refusal\":null},"
	    "\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":9,"
	    "\"completion_tokens\":1,\"total_tokens\":10"), "and back");
	ok(has(body_events("{\"choices\":[{\"message\":{\"content\":\"a\"},"
	    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"
	    "\"completion_tokens\":3,\"total_tokens\":12,"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":4}}}"),
	    "usage 5+-1+-1 3+4|"), "xAI counts reasoning apart");
	ok(is(body_events("{\"error\":{\"message\":\"m\",\"code\":429}}"),
	    "error 429 m"), "an error under 200");
	ok(has(body_events("{\"choices\":[]}"), "error 502") &&
	    has(body_events("{\"ok\":1}"), "error 502") &&
	    has(body_events("[1]"), "error 502"), "not an answer");
}

/* --- answers: writing ----------------------------------------------------- */

static void
test_write_stream(void)
{
	struct ir_request	 rq;
	struct ir_exchange	 x;

	ok(decode(WITH("\"stream\":true,\"stream_options\":{\"include_usage\":"
	    "true}"), &rq) == 0, "a client that wants usage");
	x = exchange(&rq);
	(void)read_answer(D("{\"reasoning_content\":\"r\"}")
	    D("{\"content\":\"a\"}") NAMED(0, "i", "f", "")
	    NAMED(1, "", "g", "{}") FIN("tool_calls") "data: {\"choices\":[],"
	    "\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2,"
	    "\"total_tokens\":6}}\n\n" DONE, true, &x, true);
	ok(has(out.data, "data: {\"id\":\"chatcmpl-c1\",\"object\":"
	    "\"chat.completion.chunk\",\"created\":7,\"model\":\"g\","
	    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
	    "\"content\":null},\"logprobs\":null,\"finish_reason\":null}],"
	    "\"usage\":null}\n\n"), "pitfall-14: the role comes first");
	ok(has(out.data, "\"delta\":{\"reasoning_content\":\"r\"}") &&
	    has(out.data, "\"delta\":{\"content\":\"a\"}"), "text");
	ok(has(out.data, "{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"type\":"
	    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}")
	    && has(out.data, "{\"index\":0,\"function\":{\"arguments\":\"{}\"}}"
	    ), "a call, {} where there are no arguments");
	ok(has(out.data, "{\"index\":1,\"id\":\"call_ID_0_1\"") &&
	    has(out.data, "{\"index\":1,\"function\":{\"arguments\":\"{}\"}}"),
	    "pitfall-29: a call without id gets one");
	ok(has(out.data, "\"delta\":{},\"logprobs\":null,\"finish_reason\":"
	    "\"tool_calls\"}],\"usage\":null}\n\ndata: {\"id\":\"chatcmpl-c1\","
	    "\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"g\""
	    ",\"choices\":[],\"usage\":{\"prompt_tokens\":4,"
	    "\"completion_tokens\":2,\"total_tokens\":6,"), "reason, usage");
	ok(has(out.data, "}}\n\ndata: [DONE]\n\n"), "pitfall-13: [DONE]");
	ok(decode(WITH("\"stream\":true"), &rq) == 0, "one that does not");
	x = exchange(&rq);
	(void)read_answer(D("{\"content\":\"a\"}") FIN("stop")
	    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4}}\n\n" DONE,
	    true, &x, true);
	ok(hasnt(out.data, "usage"), "pitfall-10: no usage unless asked for");
	(void)read_answer(D("{\"content\":\"a\"}") "data: {\"error\":{"
	    "\"message\":\"m\"}}\n\n", true, &x, true);
	ok(has(out.data, "data: {\"error\":{\"message\":\"m\"") &&
	    hasnt(out.data, "[DONE]"), "an error ends the stream");
}

static void
test_write_custom(void)
{
	struct ir_request	 rq;
	struct ir_exchange	 x;

	ok(decode(WITH("\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":"
	    "\"p\"}}]"), &rq) == 0, "a client of a custom tool");
	x = exchange(&rq);
	(void)read_answer(NAMED(0, "i", "p", "{\\\"inp") ARGS(0,
	    "ut\\\":\\\"a\\\\nb\\\"}") FIN("tool_calls") DONE, true, &x, true);
	ok(has(out.data, "\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	    "\"input\":\"\"}") && has(out.data, "\"custom\":{\"input\":"
	    "\"a\\nb\"}"), "pitfall-34: a wrapped tool is unwrapped");
	(void)read_answer("{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":"
	    "\"i\",\"function\":{\"name\":\"p\",\"arguments\":"
	    "\"{\\\"input\\\":\\\"x\\\"}\"}}]},\"finish_reason\":"
	    "\"tool_calls\"}]}", false, &x, false);
	ok(has(out.data, "\"content\":null") && has(out.data,
	    "{\"id\":\"i\",\"type\":\"custom\",\"custom\":{\"name\":\"p\","
	    "\"input\":\"x\"}}"), "in a body too");
	ok(decode(WITH("\"functions\":[{\"name\":\"f\"}]"), &rq) == 0,
	    "a client of functions");
	x = exchange(&rq);
	(void)read_answer(NAMED(0, "i", "f", "{}") FIN("tool_calls") DONE,
	    true, &x, true);
	ok(has(out.data, "{\"function_call\":{\"name\":\"f\",\"arguments\":"
	    "\"\"}}") && has(out.data, "\"finish_reason\":\"function_call\""),
	    "is answered with function_call");
}

static void
test_write_choices(void)
{
	struct ir_exchange	 x = exchange(NULL);

	(void)read_answer("data: {\"choices\":[{\"index\":1,\"delta\":"
	    "{\"content\":\"b\"},\"finish_reason\":\"length\"},{\"index\":0,"
	    "\"delta\":{\"refusal\":\"no\"},\"finish_reason\":"
	    "\"content_filter\"}]}\n\n" DONE, true, &x, false);
	ok(has(out.data, "{\"id\":\"chatcmpl-ID\"") && has(out.data,
	    "\"model\":\"gpt-4o\"") && has(out.data,
	    "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null,"
	    "\"refusal\":\"no\"},\"logprobs\":null,\"finish_reason\":"
	    "\"content_filter\"},{\"index\":1,\"message\":{\"role\":"
	    "\"assistant\",\"content\":\"b\""), "choices in their order");
	(void)read_answer(D("{\"audio\":{\"id\":\"x\",\"transcript\":\"a\"}}")
	    D("{\"audio\":{\"data\":\"AA\",\"transcript\":\"b\"}}")
	    D("{\"audio\":{\"expires_at\":5}}") FIN("stop") DONE, true, &x,
	    false);
	ok(has(out.data, "\"audio\":{\"id\":\"x\",\"expires_at\":5,\"data\":"
	    "\"AA\",\"transcript\":\"ab\"}"), "pieces of audio are joined");
	(void)read_answer(D("{\"audio\":{\"id\":\"x\"}}") FIN("stop") DONE,
	    true, &x, true);
	ok(has(out.data, "\"delta\":{\"audio\":{\"id\":\"x\"}}"),
	    "and pass in a stream");
	x.target.dialect = &dialect_anthropic;
	(void)read_answer("{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
	    "\"assistant\",\"model\":\"c\",\"content\":[{\"type\":\"thinking\","
	    "\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":\"text\","
	    "\"text\":\"a\"}],\"stop_reason\":\"max_tokens\",\"usage\":{"
	    "\"input_tokens\":1,\"cache_read_input_tokens\":2,"
	    "\"cache_creation_input_tokens\":4,\"output_tokens\":8}}", false,
	    &x, false);
	ok(has(out.data, "\"content\":\"a\",\"refusal\":null,"
	    "\"reasoning_content\":\"t\"") && has(out.data, "\"length\"") &&
	    loss.n == 1, "another dialect's answer; its signature is told of");
	ok(has(out.data, "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":"
	    "8,\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\""
	    ":2,\"cache_write_tokens\":4}"), "pitfall-40: usage is inclusive");
}

/* --- errors and models ---------------------------------------------------- */

static bool
error_is(int status, const char *body, const char *msg, const char *code)
{
	ir_error_set(&err, ir_error_kind(status), "none");
	err.status = err.upstream = status;
	dialect_openai_chat.error_decode(&arena, str_of(body), &err);
	return is(err.msg, msg) && is(err.code, code);
}

static const char *
error_out(enum ir_errkind kind)
{
	ir_error_set(&err, kind, "m \"q\"");
	buf_clear(&out);
	dialect_openai_chat.error_encode(&err, STR("req"), &out);
	buf_addc(&out, '\0');
	return out.data;
}

static void
test_errors(void)
{
	ok(error_is(401, "{\"error\":{\"message\":\"m\",\"type\":"
	    "\"invalid_request_error\",\"param\":null,\"code\":"
	    "\"invalid_api_key\"}}", "m", "invalid_api_key") &&
	    err.kind == IR_ERR_AUTH, "OpenAI's error");
	ok(error_is(429, "{\"error\":{\"message\":\"Provider returned error\","
	    "\"code\":429,\"metadata\":{\"raw\":\"slow\"}}}",
	    "Provider returned error: slow", "429"), "OpenRouter's");
	ok(error_is(400, "{\"object\":\"error\",\"message\":\"m\",\"code\":400}",
	    "m", "400"), "vLLM's");
	ok(error_is(422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"bad\"}]}",
	    "bad", "") && error_is(404, "{\"detail\":\"Not Found\"}",
	    "Not Found", ""), "FastAPI's");
	ok(error_is(500, "{\"error\":\"text\"}", "text", "") &&
	    error_is(500, "plain", "plain", "") &&
	    error_is(502, "<html>", "none", ""), "a text, a page");
	ok(is(error_out(IR_ERR_AUTH), "{\"error\":{\"message\":\"m \\\"q\\\"\","
	    "\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
	    "\"invalid_api_key\"}}"), "401");
	ok(has(error_out(IR_ERR_RATE), "\"rate_limit_error\"") &&
	    has(error_out(IR_ERR_BILLING), "\"insufficient_quota\"") &&
	    has(error_out(IR_ERR_INTERNAL), "\"server_error\"") &&
	    has(error_out(IR_ERR_OVERLOADED), "\"server_is_overloaded\""),
	    "types of other errors");
}

static void
test_models(void)
{
	struct ir_model	 m[2] = {
		{ STR("a/b"), STR("openai"), 5 }, { STR("c"), STR("x"), 0 }
	};

	buf_clear(&out);
	dialect_openai_chat.models_encode(m, 2, &out);
	buf_addc(&out, '\0');
	ok(is(out.data, "{\"object\":\"list\",\"data\":[{\"id\":\"a/b\","
	    "\"object\":\"model\",\"created\":5,\"owned_by\":\"openai\"},"
	    "{\"id\":\"c\",\"object\":\"model\",\"created\":0,\"owned_by\":"
	    "\"x\"}]}"), "list of models");
	buf_clear(&out);
	dialect_openai_chat.model_encode(m, &out);
	buf_addc(&out, '\0');
	ok(has(out.data, "{\"id\":\"a/b\",\"object\":\"model\""), "one model");
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, OUT_MAX);
	test_decode_messages();
	test_decode_media();
	test_decode_assistant();
	test_decode_legacy();
	test_decode_tools();
	test_decode_parameters();
	test_decode_wrong();
	test_encode_own();
	test_encode_messages();
	test_encode_results();
	test_encode_pairing();
	test_encode_media();
	test_encode_tools();
	test_encode_parameters();
	test_models_names();
	test_stream_text();
	test_stream_parts();
	test_stream_calls();
	test_stream_errors();
	test_body();
	test_write_stream();
	test_write_custom();
	test_write_choices();
	test_errors();
	test_models();
	while (n_requests > 0)
		json_release(&requests[--n_requests]);
	buf_release(&out);
	arena_release(&arena);
	return done();
}
