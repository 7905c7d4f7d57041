/*
 * The Gemini dialect: one case a rule.  Requests are looked at as a line a
 * message ("U text 'hi'"), answers as a line of events.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "jsoneq.h"
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
static struct buf	 path;

/* --- helpers -------------------------------------------------------------- */

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
	struct json		 a, b;
	struct json_error	 je;
	uint32_t		 where;
	bool			 eq;

	json_init(&a);
	json_init(&b);
	eq = json_parse(&a, got, &je) == 0 &&
	    json_parse(&b, str_of(want), &je) == 0 &&
	    json_same(&arena, json_root(&a), json_root(&b), &where);
	ok(eq, "%s", name);
	if (!eq)
		printf("#   got  %.*s\n#   want %s\n", STR_FMT(got), want);
	json_release(&a);
	json_release(&b);
}

static bool
in(struct str s, const char *piece)
{
	if (memmem(s.p, s.n, piece, strlen(piece)) != NULL)
		return true;
	printf("#   no %s\n#   in %.*s\n", piece, STR_FMT(s));
	return false;
}

static bool
has(const char *piece)
{
	return in(buf_str(&out), piece);
}

static bool
lost(const char *piece)
{
	struct buf	 b;
	bool		 found;

	buf_init(&b, OUT_MAX);
	loss_json(&loss, &b);
	found = in(buf_str(&b), piece);
	buf_release(&b);
	return found;
}

static void
fresh(void)
{
	buf_clear(&out);
	buf_clear(&path);
	loss_init(&loss, &arena);
	memset(&err, 0, sizeof(err));
}

/* --- requests of this dialect --------------------------------------------- */

struct decoded {
	struct json		 j;
	struct ir_request	 rq;
	int			 r;
};

static struct decoded	 d;

static void
decode_as(const char *body, bool lenient)
{
	struct json_error	 bad;

	fresh();
	json_release(&d.j);
	json_init(&d.j);
	if (json_parse(&d.j, str_of(body), &bad) == -1)
		abort();
	ir_request_init(&d.rq, &arena, &dialect_gemini, &d.j);
	d.rq.lenient = lenient;
	if (!lenient)
		d.rq.path_model = STR("gemini-2.5-flash");
	d.r = dialect_gemini.request_decode(&d.rq, &err);
}

static void
dump_parts(const struct ir_part *p, unsigned depth)
{
	static const char *const kinds[] = { "text", "image", "audio", "video",
	    "document", "call", "result", "think", "refusal", "opaque" };

	for (; p != NULL && depth < 3; p = p->next) {
		buf_addf(&out, " %s", kinds[p->type]);
		if (p->type == IR_TEXT || p->type == IR_THINKING)
			buf_addf(&out, " '%.*s'", STR_FMT(p->text));
		if (p->media.type.n > 0)
			buf_addf(&out, " %.*s", STR_FMT(p->media.type));
		if (p->media.data.n > 0)
			buf_addf(&out, " %.*s", STR_FMT(p->media.data));
		if (p->media.url.n > 0)
			buf_addf(&out, " <%.*s>", STR_FMT(p->media.url));
		if (p->id.n > 0)
			buf_addf(&out, " #%.*s", STR_FMT(p->id));
		if (p->name.n > 0)
			buf_addf(&out, " %.*s", STR_FMT(p->name));
		if (p->args.json.n > 0)
			buf_addf(&out, " %.*s", STR_FMT(p->args.json));
		if (p->type == IR_OPAQUE)
			buf_addf(&out, " %.*s", STR_FMT(p->raw));
		if (p->signature.n > 0 && p->from == &dialect_gemini)
			buf_addf(&out, " !%.*s", STR_FMT(p->signature));
		if (p->extra.n > 0)
			buf_addf(&out, " +%.*s", STR_FMT(p->extra));
		if (p->is_error)
			buf_addz(&out, " failed");
		if (p->type == IR_TOOL_RESULT) {
			buf_addz(&out, " [");
			dump_parts(p->parts, depth + 1);
			buf_addz(&out, " ]");
		}
	}
}

/* "S" system, "U" user, "A" model, "T" results. */
static void
turns(const char *name, const char *contents, const char *want)
{
	const struct ir_message	*m;

	decode_as(arena_strf(&arena, "{\"contents\":%s}", contents).p, false);
	ok(d.r == 0, "%s: decodes", name);
	if (d.r == -1)
		printf("#   %s\n", err.msg);
	for (m = d.rq.messages; m != NULL; m = m->next) {
		buf_addf(&out, "%s%c", m == d.rq.messages ? "" : " / ",
		    "SDUAT"[m->role]);
		dump_parts(m->parts, 0);
	}
	same(name, buf_str(&out), want);
}

static void
test_turns(void)
{
	turns("roles and parts", "[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"a\"},{\"text\":\"b\"}]},{\"role\":\"model\",\"parts\":"
	    "[{\"text\":\"c\"}]}]", "U text 'a' text 'b' / A text 'c'");
	turns("one content, one part, no role",
	    "{\"parts\":{\"text\":\"a\"}}", "U text 'a'");
	turns("escapes stay", "[{\"parts\":[{\"text\":\"\\n\\u00e9\"}]}]",
	    "U text '\\n\\u00e9'");
	turns("null is missing", "[{\"role\":null,\"parts\":[{\"text\":\"a\","
	    "\"thought\":null,\"functionCall\":null}]}]", "U text 'a'");
	turns("thoughts and signatures", "[{\"role\":\"model\",\"parts\":"
	    "[{\"text\":\"hm\",\"thought\":true},{\"text\":\"a\","
	    "\"thoughtSignature\":\"c2ln\"},{\"text\":\"\","
	    "\"thought_signature\":\"Mg==\"},{\"text\":\"\"}]}]",
	    "A think 'hm' text 'a' !c2ln text '' !Mg==");
	turns("chunks of a stream, given back", "[{\"role\":\"model\","
	    "\"parts\":[{\"text\":\"h\",\"thought\":true},{\"text\":"
	    "\"m\",\"thought\":true},{\"text\":\"a \"}]},{\"role\":"
	    "\"model\",\"parts\":[{\"text\":\"b\"}]},{\"role\":"
	    "\"model\",\"parts\":[{\"text\":\"c\"},{\"text\":\"d\","
	    "\"thoughtSignature\":\"c2ln\"},{\"functionCall\":{\"id\":"
	    "\"1\",\"name\":\"f\"}},{\"text\":\"e\"}]},{\"parts\":"
	    "[{\"text\":\"u\"},{\"text\":\"v\"}]},{\"role\":"
	    "\"model\",\"parts\":[{\"text\":\"w\"}]}]",
	    "A think 'hm' text 'a bc' text 'd' !c2ln call #1 f {} "
	    "text 'e' / U text 'u' text 'v' / A text 'w'");
	turns("media", "[{\"parts\":[{\"inlineData\":{\"mimeType\":"
	    "\"image/png\",\"data\":\"aGk=\"}},{\"inline_data\":"
	    "{\"mime_type\":\"audio/mp3\",\"data\":\"_-\\/4\"}},{\"fileData\":"
	    "{\"fileUri\":\"gs://b/x.pdf\",\"mimeType\":\"application/pdf\"}},"
	    "{\"file_data\":{\"file_uri\":\"https://youtu.be/x\"},"
	    "\"videoMetadata\":{\"fps\":5}}]}]",
	    "U image image/png aGk= audio audio/mp3 /+/4 "
	    "document application/pdf <gs://b/x.pdf> "
	    "video <https://youtu.be/x> +{\"videoMetadata\":{\"fps\":5}}");
	turns("unpadded base64", "[{\"parts\":[{\"inlineData\":{\"mimeType\":"
	    "\"image/png\",\"data\":\"aGk\"}}]}]", "U image image/png aGk=");
	turns("what only Google knows", "[{\"role\":\"model\",\"parts\":"
	    "[{\"executableCode\":{\"code\":\"1\"}},{\"someday\":1}]}]",
	    "A opaque {\"executableCode\":{\"code\":\"1\"}} opaque "
	    "{\"someday\":1}");
}

static void
test_results(void)
{
	turns("calls with ids", "[{\"role\":\"model\",\"parts\":"
	    "[{\"functionCall\":{\"id\":\"i1\",\"name\":\"f\",\"args\":"
	    "{\"a\":1}}}]},{\"role\":\"function\",\"parts\":"
	    "[{\"functionResponse\":{\"id\":\"i1\",\"name\":\"f\","
	    "\"response\":{\"output\":\"ok\"}}}]}]",
	    "A call #i1 f {\"a\":1} / T result #i1 f [ text 'ok' ]");
	turns("results before text", "[{\"role\":\"model\",\"parts\":"
	    "[{\"function_call\":{\"id\":\"i\",\"name\":\"f\"}}]},"
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"x\"},"
	    "{\"function_response\":{\"id\":\"i\",\"name\":\"f\","
	    "\"response\":{}}}]}]",
	    "A call #i f {} / T result #i f [ ] / U text 'x'");
	turns("the forms of a result", "[{\"parts\":["
	    "{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":"
	    "{\"error\":\"bad\"}}},"
	    "{\"functionResponse\":{\"id\":\"2\",\"name\":\"f\",\"response\":"
	    "{\"output\":{\"a\":1}}}},"
	    "{\"functionResponse\":{\"id\":\"3\",\"name\":\"f\",\"response\":"
	    "{\"result\":\"r\"}}}]}]",
	    "T result #1 f failed [ text 'bad' ] "
	    "result #2 f [ text '{\\\"output\\\":{\\\"a\\\":1}}' ] "
	    "result #3 f [ text '{\\\"result\\\":\\\"r\\\"}' ]");
	turns("media within and beside a result", "[{\"parts\":["
	    "{\"functionResponse\":{\"id\":\"1\",\"name\":\"f\",\"response\":"
	    "{\"output\":\"o\"},\"parts\":[{\"inlineData\":{\"mimeType\":"
	    "\"image/png\",\"data\":\"aGk=\"}}]}},{\"inlineData\":"
	    "{\"mimeType\":\"image/gif\",\"data\":\"aGk=\"}},{\"text\":\"t\"},"
	    "{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":"
	    "\"aGk=\"}}]}]",
	    "T result #1 f [ text 'o' image image/png aGk= image image/gif "
	    "aGk= ] / U text 't' image image/jpeg aGk=");
}

/* The n-th part of that type, over all messages. */
static const struct ir_part *
nth(enum ir_part_type type, unsigned n)
{
	static const struct ir_part	 none;
	const struct ir_message		*m;
	const struct ir_part		*p;

	for (m = d.rq.messages; m != NULL; m = m->next)
		for (p = m->parts; p != NULL; p = p->next)
			if (p->type == type && n-- == 0)
				return p;
	return &none;
}

/* pitfall-29: equal names in order, ids the same in every turn. */
static void
test_made_ids(void)
{
	const char	*body = "{\"contents\":[{\"role\":\"model\",\"parts\":"
			    "[{\"functionCall\":{\"name\":\"f\",\"args\":"
			    "{\"n\":1}}},{\"functionCall\":{\"name\":\"g\"}},"
			    "{\"functionCall\":{\"name\":\"f\"}}]},"
			    "{\"parts\":[{\"functionResponse\":{\"name\":\"g\","
			    "\"response\":{}}},{\"functionResponse\":"
			    "{\"name\":\"f\",\"response\":{}}},"
			    "{\"functionResponse\":{\"id\":\"z\",\"name\":"
			    "\"f\",\"response\":{}}},{\"functionResponse\":"
			    "{\"name\":\"f\",\"response\":{}}}]}]}";
	struct str	 first;

	decode_as(body, false);
	ok(d.r == 0, "calls without ids");
	first = nth(IR_TOOL_CALL, 0)->id;
	ok(str_starts(first, "call_") && first.n == 29, "an id is made");
	ok(!str_eq(first, nth(IR_TOOL_CALL, 2)->id), "another for each");
	ok(str_eq(nth(IR_TOOL_RESULT, 0)->id, nth(IR_TOOL_CALL, 1)->id),
	    "by name");
	ok(str_eq(nth(IR_TOOL_RESULT, 1)->id, first), "in order of a name");
	ok(str_eq(nth(IR_TOOL_RESULT, 2)->id, nth(IR_TOOL_CALL, 2)->id),
	    "an id that only the result has");
	ok(nth(IR_TOOL_RESULT, 3)->id.n > 0 &&
	    !str_eq(nth(IR_TOOL_RESULT, 3)->id, first), "an orphan's own");
	decode_as(body, false);
	ok(str_eq(nth(IR_TOOL_CALL, 0)->id, first), "the same each time");
}

static void
test_system(void)
{
	static const char *const forms[] = { "\"s\"",
	    "{\"parts\":[{\"text\":\"s\"}]}", "{\"parts\":{\"text\":\"s\"}}",
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"s\"}]}",
	    "{\"text\":\"s\"}", "[{\"text\":\"s\"}]" };
	size_t			 i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		decode_as(arena_strf(&arena, "{\"%s\":%s,\"contents\":"
		    "[{\"parts\":[{\"text\":\"u\"}]}]}", i % 2 == 0 ?
		    "systemInstruction" : "system_instruction", forms[i]).p,
		    false);
		ok(d.r == 0 && d.rq.messages != NULL &&
		    d.rq.messages->role == IR_SYSTEM &&
		    str_is(nth(IR_TEXT, 0)->text.n == 1 ? STR("s") : STR(""),
		    "s"), "system instruction %s", forms[i]);
	}
}

static void
test_tools(void)
{
	const struct ir_tool	*t;

	decode_as("{\"contents\":[],\"tools\":[{\"functionDeclarations\":"
	    "[{\"name\":\"a\",\"description\":\"d\",\"parameters\":"
	    "{\"type\":\"OBJECT\"}},{\"name\":\"b\",\"parametersJsonSchema\":"
	    "{\"type\":\"object\"},\"response\":{\"type\":\"STRING\"}},"
	    "{\"name\":\"c\",\"parameters_json_schema\":"
	    "{\"type\":\"OBJECT\"}}],\"codeExecution\":null},"
	    "{\"google_search\":{}}],\"tool_config\":"
	    "{\"function_calling_config\":{\"mode\":\"ANY\","
	    "\"allowed_function_names\":[\"b\"]}}}", false);
	ok(d.r == 0, "tools decode");
	t = d.rq.tools;
	ok(t != NULL && str_is(t->name, "a") && t->schema_is_openapi &&
	    str_is(t->schema, "{\"type\":\"OBJECT\"}"), "parameters");
	t = t->next;
	ok(str_is(t->name, "b") && !t->schema_is_openapi &&
	    t->response_schema.n > 0, "parametersJsonSchema");
	t = t->next;
	ok(t->schema_is_openapi, "JSON Schema with upper-case types");
	t = t->next;
	ok(t->kind == IR_SERVER && str_is(t->server_type, "google_search") &&
	    str_is(t->raw, "{\"google_search\":{}}"), "a tool of Google's");
	ok(t->next == NULL, "null is no tool");
	ok(d.rq.choice.mode == IR_CHOICE_NAMED && str_is(d.rq.choice.name,
	    "b"), "one allowed of any is named");
	ok(d.rq.need == (IR_NEED_TOOLS | IR_NEED_SERVER_TOOL), "needs");
}

static enum ir_choice_mode
mode(const char *json)
{
	decode_as(arena_strf(&arena, "{\"contents\":[],\"toolConfig\":"
	    "{\"functionCallingConfig\":{\"mode\":%s}}}", json).p, false);
	return d.rq.choice.mode;
}

static void
test_config(void)
{
	const struct ir_sampling	*s = &d.rq.sampling;

	decode_as("{\"contents\":[],\"generationConfig\":{\"temperature\":0.70,"
	    "\"topP\":0.9,\"top_k\":40,\"candidateCount\":2,"
	    "\"maxOutputTokens\":\"100\",\"stopSequences\":[\"a\",\"b\"],"
	    "\"seed\":7,\"presencePenalty\":0.1,\"frequencyPenalty\":-1,"
	    "\"responseLogprobs\":true,\"logprobs\":3,\"responseMimeType\":"
	    "\"application/json\",\"responseSchema\":{\"type\":\"OBJECT\"},"
	    "\"responseModalities\":[\"TEXT\"],\"speechConfig\":{\"x\":1}},"
	    "\"safetySettings\":[{\"category\":7,\"threshold\":1}],"
	    "\"cachedContent\":\"cachedContents/x\",\"labels\":{}}", false);
	ok(d.r == 0, "generationConfig decodes");
	ok(str_is(s->temperature.raw, "0.70") && str_is(s->top_p.raw, "0.9") &&
	    str_is(s->top_k.raw, "40") && str_is(s->n.raw, "2") &&
	    str_is(s->seed.raw, "7") && str_is(s->presence_penalty.raw,
	    "0.1") && str_is(s->frequency_penalty.raw, "-1"), "numbers");
	ok(s->max_tokens == 100 && s->logprobs == IR_YES &&
	    str_is(s->top_logprobs.raw, "3"), "limits and logprobs");
	ok(d.rq.stop != NULL && d.rq.stop->next != NULL, "stop sequences");
	ok(d.rq.format.kind == IR_FORMAT_SCHEMA &&
	    d.rq.format.schema_is_openapi, "schema of the answer");
	ok(d.rq.ext != NULL && str_is(d.rq.ext->name, "speechConfig") &&
	    str_is(d.rq.ext->next->name, "safetySettings") &&
	    str_is(d.rq.ext->next->next->name, "cachedContent") &&
	    d.rq.ext->next->next->next == NULL, "what is kept beside");
	ok((d.rq.need & IR_NEED_STATE) != 0, "cached content is state");

	decode_as("{\"contents\":[],\"generationConfig\":{},\"tools\":null,"
	    "\"safetySettings\":null,\"systemInstruction\":null}", false);
	ok(d.r == 0 && d.rq.native && d.rq.ext == NULL, "empty and null");
	ok(mode("\"AUTO\"") == IR_CHOICE_AUTO, "AUTO");
	ok(mode("\"any\"") == IR_CHOICE_REQUIRED, "any");
	ok(mode("3") == IR_CHOICE_NONE, "NONE by number");
	ok(mode("\"VALIDATED\"") == IR_CHOICE_AUTO && d.rq.ext != NULL,
	    "VALIDATED is AUTO and told");
	(void)mode("\"SOMETIMES\"");
	ok(d.r == -1, "an unknown mode");
}

static void
thinking(const char *json, enum ir_reasoning_mode m, int64_t budget,
    const char *effort)
{
	decode_as(arena_strf(&arena, "{\"contents\":[],\"generationConfig\":"
	    "{\"thinkingConfig\":%s}}", json).p, false);
	ok(d.r == 0 && d.rq.reasoning.mode == m &&
	    d.rq.reasoning.budget == budget &&
	    str_is(d.rq.reasoning.effort, effort), "thinking %s", json);
}

static void
test_thinking(void)
{
	thinking("{\"thinkingBudget\":0}", IR_REASON_OFF, -1, "");
	thinking("{\"thinkingBudget\":-1}", IR_REASON_ADAPTIVE, -1, "");
	thinking("{\"thinking_budget\":512}", IR_REASON_ON, 512, "");
	thinking("{\"thinkingLevel\":\"HIGH\"}", IR_REASON_ON, -1, "high");
	thinking("{\"thinkingLevel\":\"Ultra\"}", IR_REASON_ON, -1, "ultra");
	thinking("{\"includeThoughts\":true}", IR_REASON_ADAPTIVE, -1, "");
	ok(d.rq.reasoning.visible == IR_YES, "thoughts are wanted");
	thinking("{}", IR_REASON_UNSET, -1, "");
}

static void
refused(const char *body, const char *field)
{
	decode_as(body, false);
	ok(d.r == -1 && in(str_of(err.msg), field), "refused: %s", err.msg);
}

static void
test_refused(void)
{
	refused("[]", "an object");
	refused("{}", "contents");
	refused("{\"contents\":1}", "contents");
	refused("{\"contents\":[1]}", "contents[0]");
	refused("{\"contents\":[{\"role\":\"x\",\"parts\":[]}]}", "role");
	refused("{\"contents\":[{\"parts\":[1]}]}", "contents[0].parts[0]");
	refused("{\"contents\":[{\"parts\":[{\"text\":1}]}]}", "text");
	refused("{\"contents\":[{\"parts\":[{\"inlineData\":{}}]}]}", "data");
	refused("{\"contents\":[{\"parts\":[{\"functionCall\":{}}]}]}",
	    "name");
	refused("{\"contents\":[{\"parts\":[{\"functionCall\":{\"name\":\"f\","
	    "\"args\":[]}}]}]}", "args");
	refused("{\"contents\":[],\"tools\":1}", "tools");
	refused("{\"contents\":[],\"tools\":[{\"functionDeclarations\":[{}]}]}",
	    "name");
	refused("{\"contents\":[],\"generationConfig\":{\"temperature\":"
	    "\"hot\"}}", "generationConfig.temperature");
	refused("{\"contents\":[],\"generationConfig\":{\"maxOutputTokens\":"
	    "-1}}", "maxOutputTokens");
	refused("{\"contents\":[],\"systemInstruction\":1}",
	    "systemInstruction");
}

static void
test_lenient(void)
{
	decode_as("{\"model\":\"gemini-pro\",\"stream\":true,\"messages\":["
	    "{\"role\":\"system\",\"content\":\"s\"},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"u\"}]},{\"role\":\"assistant\",\"content\":\"a\"}],"
	    "\"max_tokens\":5,\"temperature\":1}", true);
	ok(d.r == 0 && str_is(d.rq.model, "gemini-pro") && d.rq.stream &&
	    !d.rq.native && d.rq.sampling.max_tokens == 5, "messages form");
	ok(d.rq.messages->role == IR_SYSTEM &&
	    d.rq.messages->next->role == IR_USER &&
	    d.rq.messages->next->next->role == IR_ASSISTANT, "its roles");
	decode_as("{\"model\":\"models/gemini-pro\",\"contents\":"
	    "[{\"parts\":[{\"text\":\"u\"}]}]}", true);
	ok(d.r == 0 && str_is(d.rq.model, "gemini-pro") && !d.rq.stream,
	    "contents beside a model");
	decode_as("{\"contents\":[]}", true);
	ok(d.r == -1 && in(str_of(err.msg), "model"), "no model");
	decode_as("{\"model\":\"m\"}", true);
	ok(d.r == -1 && in(str_of(err.msg), "contents"), "no contents");
}

/* --- requests to this dialect --------------------------------------------- */

static int
request(const struct dialect *from, const char *model, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = &dialect_gemini,
				    .model = str_of(model) };
	int			 r;

	fresh();
	r = convert_request(&arena, &o, str_of(body), &path, &out, &loss,
	    &err);
	if (r == -1)
		printf("#   %s\n", err.msg);
	return r;
}

/* messages and further members in OpenAI's form */
static void
chat(const char *name, const char *model, const char *members,
    const char *want)
{
	ok(request(&dialect_openai_chat, model, arena_strf(&arena,
	    "{\"model\":\"%s\",%s}", model, members).p) == 0, "%s: encodes",
	    name);
	if (want != NULL)
		same_json(name, buf_str(&out), want);
}

#define HI	"\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define HI_OUT	"\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]"

static void
test_conversation(void)
{
	chat("merged turns and system", "gemini-2.5-flash", "\"messages\":["
	    "{\"role\":\"system\",\"content\":\"s\"},"
	    "{\"role\":\"developer\",\"content\":\"d\"},"
	    "{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"role\":\"user\",\"content\":\"b\"},"
	    "{\"role\":\"assistant\",\"content\":\"c\"}]",
	    "{\"systemInstruction\":{\"parts\":[{\"text\":\"s\"},"
	    "{\"text\":\"d\"}]},\"contents\":[{\"role\":\"user\",\"parts\":"
	    "[{\"text\":\"a\"},{\"text\":\"b\"}]},{\"role\":\"model\","
	    "\"parts\":[{\"text\":\"c\"}]}]}");
	chat("system in the middle", "gemini-2.5-flash", "\"messages\":["
	    "{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"role\":\"system\",\"content\":\"s\"}]",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},"
	    "{\"text\":\"s\"}]}]}");
	ok(lost("messages[1]"), "and told");
	chat("only a system message", "gemini-2.5-flash", "\"messages\":["
	    "{\"role\":\"system\",\"content\":\"s\"}]",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"s\"}]}]}");
	chat("pitfall-36: model first, empty text", "gemini-2.5-flash",
	    "\"messages\":[{\"role\":\"user\",\"content\":\"\"},"
	    "{\"role\":\"assistant\",\"content\":\"c\"},"
	    "{\"role\":\"user\",\"content\":\"u\"}]",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\".\"}]},"
	    "{\"role\":\"model\",\"parts\":[{\"text\":\"c\"}]},"
	    "{\"role\":\"user\",\"parts\":[{\"text\":\"u\"}]}]}");
	chat("images", "gemini-2.5-flash", "\"messages\":[{\"role\":\"user\","
	    "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	    "\"data:image/png;base64,aGk=\"}},{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"https://x.example/a.webp?y=1\"}}]}]",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":"
	    "{\"mimeType\":\"image/png\",\"data\":\"aGk=\"}},{\"fileData\":"
	    "{\"mimeType\":\"image/webp\",\"fileUri\":"
	    "\"https://x.example/a.webp?y=1\"}}]}]}");
	ok(lost("content[1]"), "an address is told");
}

#define CALLS	"{\"role\":\"assistant\",\"tool_calls\":["		\
	"{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","	\
	"\"arguments\":\"{\\\"a\\\":1}\"}},"					\
	"{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\","	\
	"\"arguments\":\"\"}}]}"
#define ASK	"{\"role\":\"user\",\"content\":\"q\"}"
#define CALLS_OUT(sig)							\
	"{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]},"		\
	"{\"role\":\"model\",\"parts\":["					\
	"{\"functionCall\":{\"id\":\"c1\",\"name\":\"f\",\"args\":{\"a\":1}}"	\
	sig "},{\"functionCall\":{\"id\":\"c2\",\"name\":\"g\",\"args\":{}}}]}"
#define RESULT_OUT(id, name, response)					\
	"{\"functionResponse\":{\"id\":\"" id "\",\"name\":\"" name	\
	"\",\"response\":" response "}}"

static void
test_calls(void)
{
	chat("pitfall-28: results in the order of calls", "gemini-2.5-flash",
	    "\"messages\":[" ASK "," CALLS ","
	    "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":"
	    "\"{\\\"x\\\":2}\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"zz\",\"content\":\"?\"},"
	    "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"one\"},"
	    "{\"role\":\"user\",\"content\":\"go on\"}]",
	    "{\"contents\":[" CALLS_OUT("") ",{\"role\":\"user\",\"parts\":["
	    RESULT_OUT("c1", "f", "{\"output\":\"one\"}") ","
	    RESULT_OUT("c2", "g", "{\"x\":2}") ",{\"text\":\"go on\"}]}]}");
	ok(lost("messages[3]"), "an orphan is told");
	chat("pitfall-28: a call without a result", "gemini-2.5-flash",
	    "\"messages\":[" ASK "," CALLS ","
	    "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"1\"}]",
	    "{\"contents\":[" CALLS_OUT("") ",{\"role\":\"user\",\"parts\":["
	    RESULT_OUT("c1", "f", "{\"output\":\"1\"}") ","
	    RESULT_OUT("c2", "g", "{\"error\":\"no result\"}") "]}]}");
	chat("calls at the end want none", "gemini-2.5-flash",
	    "\"messages\":[" ASK "," CALLS "]",
	    "{\"contents\":[" CALLS_OUT("") "]}");
	chat("pitfall-15: Gemini 3's first call", "gemini-3-flash-preview",
	    "\"messages\":[" ASK "," CALLS "]",
	    "{\"contents\":[" CALLS_OUT(",\"thoughtSignature\":"
	    "\"skip_thought_signature_validator\"") "]}");

	ok(request(&dialect_anthropic, "gemini-2.5-pro", "{\"model\":\"x\","
	    "\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"q\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
	    "\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"},{\"type\":"
	    "\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
	    "\"tool_use_id\":\"t\",\"is_error\":true,\"content\":[{\"type\":"
	    "\"text\",\"text\":\"no\"},{\"type\":\"image\",\"source\":"
	    "{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":"
	    "\"aGk=\"}}]}]}]}") == 0, "from Anthropic");
	same_json("pitfall-33: media beside the result", buf_str(&out),
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]},"
	    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"t\","
	    "\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":["
	    RESULT_OUT("t", "f", "{\"error\":\"no\"}") ",{\"inlineData\":"
	    "{\"mimeType\":\"image/png\",\"data\":\"aGk=\"}}]}],"
	    "\"generationConfig\":{\"maxOutputTokens\":9}}");
	ok(lost("messages[1].content[0]"), "another's thinking is dropped");
}

#define TOOL(name, schema)						\
	"{\"type\":\"function\",\"function\":{\"name\":\"" name		\
	"\",\"parameters\":" schema "}}"
#define SCHEMA	"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"	\
	"\"string\"}}}"
#define LOWERED	"{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":"	\
	"\"STRING\"}}}"

static void
choice(const char *json, const char *want)
{
	chat("tool choice", "gemini-2.5-flash", arena_strf(&arena, HI
	    ",\"tools\":[" TOOL("f", SCHEMA) "],\"tool_choice\":%s", json).p,
	    NULL);
	ok(has(want), "tool choice %s", json);
}

static void
test_encode_tools(void)
{
	chat("JSON Schema as it is", "gemini-2.5-flash",
	    HI ",\"tools\":[" TOOL("f", SCHEMA) "]",
	    "{" HI_OUT ",\"tools\":[{\"functionDeclarations\":[{\"name\":"
	    "\"f\",\"parametersJsonSchema\":" SCHEMA "}]}]}");
	chat("OpenAPI for old models", "gemini-2.0-flash",
	    HI ",\"tools\":[" TOOL("f", SCHEMA) ","
	    TOOL("g", "{\"type\":\"object\",\"properties\":{}}") "]",
	    "{" HI_OUT ",\"tools\":[{\"functionDeclarations\":[{\"name\":"
	    "\"f\",\"parameters\":" LOWERED "},{\"name\":\"g\"}]}]}");
	chat("pitfall-30: names", "gemini-2.5-flash",
	    HI ",\"tools\":[" TOOL("1st", SCHEMA) "," TOOL("a.b:c", SCHEMA)
	    "," TOOL("sp ace", SCHEMA) "]", NULL);
	ok(has("\"_1st\"") && has("\"a.b:c\"") && has("\"sp_ace_"),
	    "pitfall-30: fitted");
	choice("\"auto\"", "\"mode\":\"AUTO\"");
	choice("\"none\"", "\"mode\":\"NONE\"");
	choice("\"required\"", "\"mode\":\"ANY\"");
	choice("{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
	    "\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]");
	chat("no parallel calls", "gemini-2.5-flash", HI ",\"tools\":["
	    TOOL("f", SCHEMA) "],\"parallel_tool_calls\":false", NULL);
	ok(lost("parallel"), "cannot be kept");

	ok(request(&dialect_anthropic, "gemini-2.5-flash", "{\"model\":\"x\","
	    "\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"hi\"}],\"tools\":[{\"type\":\"web_search_20250305\",\"name\":"
	    "\"web_search\"}]}") == 0 && has("[{\"googleSearch\":{}}]") &&
	    lost("tools[0]"), "a search alone is Google's");
}

static void
test_encode_config(void)
{
	chat("numbers", "gemini-2.5-flash", HI ",\"temperature\":0.70,"
	    "\"top_p\":0.5,\"n\":2,\"max_tokens\":9,\"seed\":1,"
	    "\"presence_penalty\":1,\"frequency_penalty\":-1,\"logprobs\":true,"
	    "\"top_logprobs\":2,\"stop\":[\"a\",\"b\",\"c\",\"d\"]",
	    "{" HI_OUT ",\"generationConfig\":{\"temperature\":0.70,"
	    "\"topP\":0.5,\"candidateCount\":2,\"maxOutputTokens\":9,"
	    "\"seed\":1,\"presencePenalty\":1,\"frequencyPenalty\":-1,"
	    "\"responseLogprobs\":true,\"logprobs\":2,\"stopSequences\":"
	    "[\"a\",\"b\",\"c\",\"d\"]}}");
	ok(loss.n == 0, "nothing lost");
	ok(request(&dialect_anthropic, "gemini-2.5-flash", "{\"model\":\"x\","
	    "\"max_tokens\":9,\"top_k\":4,\"stop_sequences\":[\"1\",\"2\","
	    "\"3\",\"4\",\"5\",\"6\"],\"metadata\":{\"user_id\":\"u\"},"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}") == 0 &&
	    has("\"topK\":4") && lost("stop_sequences[5]") &&
	    lost("metadata"), "the sixth stop sequence, and metadata");
	chat("JSON mode", "gemini-2.5-flash",
	    HI ",\"response_format\":{\"type\":\"json_object\"}",
	    "{" HI_OUT ",\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\"}}");
	chat("structured output", "gemini-2.5-flash",
	    HI ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	    "{\"name\":\"n\",\"schema\":" SCHEMA "}}",
	    "{" HI_OUT ",\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\",\"responseJsonSchema\":" SCHEMA "}}");
	chat("structured output, old", "gemini-1.5-pro",
	    HI ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	    "{\"name\":\"n\",\"schema\":" SCHEMA "}}",
	    "{" HI_OUT ",\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\",\"responseSchema\":" LOWERED "}}");
}

static void
effort(const char *model, const char *word, const char *want)
{
	chat("effort", model, arena_strf(&arena, HI
	    ",\"reasoning_effort\":\"%s\"", word).p, NULL);
	ok(has(want), "%s for %s: %s", word, model, want);
}

static void
test_encode_thinking(void)
{
	effort("gemini-2.5-flash", "none", "{\"thinkingBudget\":0}");
	effort("gemini-2.5-flash", "minimal", "{\"thinkingBudget\":512}");
	effort("gemini-2.5-flash", "low", "{\"thinkingBudget\":1024}");
	effort("gemini-2.5-flash", "medium", "{\"thinkingBudget\":8192}");
	effort("gemini-2.5-flash", "high", "{\"thinkingBudget\":24576}");
	effort("gemini-2.5-pro", "none", "{\"thinkingBudget\":128}");
	ok(lost("reasoning_effort"), "2.5 Pro cannot do without");
	effort("gemini-flash-latest", "low", "{\"thinkingBudget\":1024}");
	effort("gemini-3-flash-preview", "minimal",
	    "{\"thinkingLevel\":\"minimal\"}");
	effort("gemini-3-pro-preview", "medium",
	    "{\"thinkingLevel\":\"high\"}");
	effort("gemini-3.1-pro", "medium", "{\"thinkingLevel\":\"medium\"}");
	effort("gemini-3.5-flash", "high", "{\"thinkingLevel\":\"high\"}");
	effort("gemini-3.5-flash", "none", "{\"thinkingLevel\":\"minimal\"}");
	chat("no thinking in old models", "gemini-1.5-pro",
	    HI ",\"reasoning_effort\":\"high\"", "{" HI_OUT "}");
	ok(lost("reasoning_effort"), "and told");
	ok(request(&dialect_anthropic, "gemini-2.5-flash", "{\"model\":\"x\","
	    "\"max_tokens\":9000,\"thinking\":{\"type\":\"enabled\","
	    "\"budget_tokens\":2000},\"messages\":[{\"role\":\"user\","
	    "\"content\":\"hi\"}]}") == 0 && has("{\"thinkingBudget\":2000,"
	    "\"includeThoughts\":true}"), "Anthropic's thoughts are visible");
}

static void
test_same(void)
{
	static const char	 body[] = "{\"system_instruction\":\"s\","
				    "\"contents\":{\"parts\":{\"text\":\"a\"}},"
				    "\"tools\":[{\"googleSearch\":{}}],"
				    "\"generationConfig\":{\"topK\":1.0},"
				    "\"someday\":[1]}";

	ok(request(&dialect_gemini, "gemini-2.5-flash", body) == 0,
	    "same dialect");
	same("copied", buf_str(&out), body);
	ok(loss.n == 0, "nothing lost");
	ok(request(&dialect_gemini, "gemini-2.5-flash", "{\"contents\":"
	    "[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
	    "\"f\"}}]}]}") == 0 && memmem(buf_str(&out).p, out.len, "call_",
	    5) == NULL, "no id is invented");
}

static void
test_path(void)
{
	static const struct {
		const char	*model;
		bool		 stream;
		enum framing	 framing;
		const char	*want;
	} c[] = {
		{ "gemini-pro", false, FRAME_NONE,
		    "/v1beta/models/gemini-pro:generateContent" },
		{ "models/gemini-pro", true, FRAME_SSE,
		    "/v1beta/models/gemini-pro:streamGenerateContent?alt=sse" },
		{ "gemini-pro", true, FRAME_JSON_ARRAY,
		    "/v1beta/models/gemini-pro:streamGenerateContent" },
		{ "tunedModels/a b", false, FRAME_NONE,
		    "/v1beta/tunedModels/a%20b:generateContent" },
		{ "../files?x", false, FRAME_NONE,
		    "/v1beta/models/..%2Ffiles%3Fx:generateContent" },
	};
	struct ir_target	 t = { .dialect = &dialect_gemini };
	size_t			 i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		fresh();
		t.model = str_of(c[i].model);
		t.stream = c[i].stream;
		t.framing = c[i].framing;
		dialect_gemini.request_path(&t, &path);
		same("path", buf_str(&path), c[i].want);
	}
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
	struct ir_exchange	 x = { .arena = &arena, .loss = &loss,
				    .id = STR("ours") };
	struct ir_decoder	 dec;
	struct frame		 f = { STR_NONE, STR_NONE };

	fresh();
	x.target.dialect = &dialect_gemini;
	ir_decoder_init(&dec, &dialect_gemini, &x,
	    (struct ir_sink){ record, &out });
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
	same(name, buf_str(&out), want);
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

	fresh();
	(void)!convert_response(&arena, &o, str_of(bytes), &out, &loss, &err);
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
	same("a stream", buf_str(&out),
	    "data: " CAND("{\"text\":\"hi\"}", "") "," META "}\n\n"
	    "data: " CAND(CALL_PART, "") "," META "}\n\n"
	    "data: " CAND("{\"text\":\"\"}", STOPPED) USAGE META "}\n\n");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_JSON_ARRAY, CHAT_STREAM);
	same("an array", buf_str(&out),
	    "[" CAND("{\"text\":\"hi\"}", "") "," META "}\n,\n"
	    CAND(CALL_PART, "") "," META "}\n,\n"
	    CAND("{\"text\":\"\"}", STOPPED) USAGE META "}]");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_NONE, CHAT_STREAM);
	same("a body", buf_str(&out), CAND("{\"text\":\"hi\"}," CALL_PART,
	    STOPPED) USAGE META "}");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_SSE,
	    "data: {\"id\":\"r\",\"choices\":[{\"index\":0,\"delta\":"
	    "{\"content\":\"hi\"}}]}\n\n");
	ok(has("\"error\":{\"code\":502,") && has("\"status\":"
	    "\"UNAVAILABLE\"}}\n\n"), "pitfall-7: an error event");
	answer(&dialect_openai_chat, FRAME_SSE, FRAME_JSON_ARRAY,
	    "data: {\"id\":\"r\",\"choices\":[{\"index\":0,\"delta\":"
	    "{\"content\":\"hi\"}}]}\n\n");
	ok(has("\n,\n{\"error\":{") && str_ends(buf_str(&out), "}}]"),
	    "an error in an array");
	answer(&dialect_gemini, FRAME_NONE, FRAME_SSE,
	    LAST("{\"text\":\"a\",\"thoughtSignature\":\"c2ln\"}",
	    "\"BLOCKLIST\""));
	ok(has("\"thoughtSignature\":\"c2ln\"") && has("BLOCKLIST"),
	    "the signature and the word that Gemini said");
	answer(&dialect_anthropic, FRAME_NONE, FRAME_NONE, "{\"id\":\"r\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\","
	    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
	    "\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"a\"}],"
	    "\"stop_reason\":\"max_tokens\",\"usage\":{\"input_tokens\":1,"
	    "\"cache_read_input_tokens\":2,\"output_tokens\":3}}");
	ok(has("{\"text\":\"hm\",\"thought\":true},{\"text\":\"a\"}") &&
	    has("MAX_TOKENS") && has("\"promptTokenCount\":3") &&
	    has("\"totalTokenCount\":6"), "from Anthropic");
	ok(lost("response.signature"), "another's signature");
}

/* The client did not ask for thoughts; a tool's own name comes back. */
static void
test_asked(void)
{
	struct ir_exchange	 x = { .arena = &arena, .loss = &loss,
				    .rq = &d.rq, .stream = true,
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

	decode_as("{\"contents\":[]}", false);
	x.names.first = &n;
	ir_encoder_init(&enc, &dialect_gemini, &x, &out);
	dialect_gemini.event_encode(&enc, &start);
	dialect_gemini.event_encode(&enc, &open);
	dialect_gemini.event_encode(&enc, &text);
	ok(out.len == 0 && lost("response.thinking"), "unasked thoughts");
	dialect_gemini.event_encode(&enc, &call);
	dialect_gemini.event_encode(&enc, &args);
	ok(out.len == 0, "a call waits for its arguments");
	dialect_gemini.event_encode(&enc, &close);
	ok(has("\"name\":\"1st\",\"args\":{\"input\":\"[1\"}"),
	    "its own name, arguments that are an object");
}

/* --- errors and models ---------------------------------------------------- */

static void
test_errors(void)
{
	fresh();
	ir_error_set(&err, IR_ERR_RATE, "HTTP 429");
	dialect_gemini.error_decode(&arena, STR("[{\"error\":{\"code\":429,"
	    "\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\","
	    "\"details\":[{\"@type\":\"x\",\"reason\":\"RATE\"},{\"@type\":"
	    "\"y\",\"retryDelay\":\"12.5s\"}]}}]"), &err);
	ok(strcmp(err.msg, "slow") == 0 && err.retry_after == 13 &&
	    strcmp(err.type, "RESOURCE_EXHAUSTED") == 0 &&
	    strcmp(err.code, "RATE") == 0, "an error in an array");
	dialect_gemini.error_encode(&err, STR("q1"), &out);
	same_json("and out again", buf_str(&out), "{\"error\":{\"code\":429,"
	    "\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\","
	    "\"details\":[{\"@type\":"
	    "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":"
	    "\"13s\"},{\"@type\":"
	    "\"type.googleapis.com/google.rpc.RequestInfo\",\"requestId\":"
	    "\"q1\"}]}}");
	ir_error_set(&err, IR_ERR_BAD_REQUEST, "HTTP 400");
	dialect_gemini.error_decode(&arena, STR("{\"error\":{\"code\":400,"
	    "\"message\":\"API key not valid.\",\"details\":[{\"reason\":"
	    "\"API_KEY_INVALID\"}]}}"), &err);
	ok(err.kind == IR_ERR_AUTH && err.status == 401, "a wrong key is 401");
	ir_error_set(&err, IR_ERR_UPSTREAM, "kept");
	dialect_gemini.error_decode(&arena, STR("<html>"), &err);
	ok(strcmp(err.msg, "kept") == 0, "no JSON changes nothing");
}

static void
test_models(void)
{
	struct ir_model	 m[2] = { { .id = STR("a\"b") }, { .id = STR("c") } };

	fresh();
	dialect_gemini.models_encode(m, 2, &out);
	ok(has("{\"models\":[{\"name\":\"models/a\\\"b\",") &&
	    has("\"name\":\"models/c\""), "models");
	buf_clear(&out);
	dialect_gemini.model_encode(m, &out);
	ok(has("\"supportedGenerationMethods\":[\"generateContent\","),
	    "one model");
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, OUT_MAX);
	buf_init(&path, OUT_MAX);
	json_init(&d.j);
	test_turns();
	test_results();
	test_made_ids();
	test_system();
	test_tools();
	test_config();
	test_thinking();
	test_refused();
	test_lenient();
	test_conversation();
	test_calls();
	test_encode_tools();
	test_encode_config();
	test_encode_thinking();
	test_same();
	test_path();
	test_events();
	test_ends();
	test_write();
	test_asked();
	test_errors();
	test_models();
	json_release(&d.j);
	buf_release(&out);
	buf_release(&path);
	arena_release(&arena);
	return done();
}
