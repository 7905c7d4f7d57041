/*
 * The Gemini dialect, requests: one case a rule.  They are looked at as a line
 * a message ("U text 'hi'").
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

	wt_fresh();
	json_release(&d.j);
	json_init(&d.j);
	if (json_parse(&d.j, str_of(body), &bad) == -1)
		abort();
	ir_request_init(&d.rq, &wt_arena, &dialect_gemini, &d.j);
	d.rq.lenient = lenient;
	if (!lenient)
		d.rq.path_model = STR("gemini-2.5-flash");
	d.r = dialect_gemini.request_decode(&d.rq, &wt_err);
}

static void
dump_parts(const struct ir_part *p, unsigned depth)
{
	static const char *const kinds[] = { "text", "image", "audio", "video",
	    "document", "call", "result", "think", "refusal", "opaque" };

	for (; p != NULL && depth < 3; p = p->next) {
		buf_addf(&wt_out, " %s", kinds[p->type]);
		if (p->type == IR_TEXT || p->type == IR_THINKING)
			buf_addf(&wt_out, " '%.*s'", STR_FMT(p->text));
		if (p->media.type.n > 0)
			buf_addf(&wt_out, " %.*s", STR_FMT(p->media.type));
		if (p->media.data.n > 0)
			buf_addf(&wt_out, " %.*s", STR_FMT(p->media.data));
		if (p->media.url.n > 0)
			buf_addf(&wt_out, " <%.*s>", STR_FMT(p->media.url));
		if (p->media.file_id.n > 0)
			buf_addf(&wt_out, " #%.*s",
			    STR_FMT(p->media.file_id));
		if (p->id.n > 0)
			buf_addf(&wt_out, " #%.*s", STR_FMT(p->id));
		if (p->name.n > 0)
			buf_addf(&wt_out, " %.*s", STR_FMT(p->name));
		if (p->args.json.n > 0)
			buf_addf(&wt_out, " %.*s", STR_FMT(p->args.json));
		if (p->type == IR_OPAQUE)
			buf_addf(&wt_out, " %.*s", STR_FMT(p->raw));
		if (p->signature.n > 0 && p->from == &dialect_gemini)
			buf_addf(&wt_out, " !%.*s", STR_FMT(p->signature));
		if (p->extra.n > 0)
			buf_addf(&wt_out, " +%.*s", STR_FMT(p->extra));
		if (p->is_error)
			buf_addz(&wt_out, " failed");
		if (p->type == IR_TOOL_RESULT) {
			buf_addz(&wt_out, " [");
			dump_parts(p->parts, depth + 1);
			buf_addz(&wt_out, " ]");
		}
	}
}

/* "S" system, "U" user, "A" model, "T" results. */
static void
turns(const char *name, const char *contents, const char *want)
{
	const struct ir_message	*m;

	decode_as(arena_strf(&wt_arena, "{\"contents\":%s}", contents).p, false);
	ok(d.r == 0, "%s: decodes", name);
	if (d.r == -1)
		printf("#   %s\n", wt_err.msg);
	for (m = d.rq.messages; m != NULL; m = m->next) {
		buf_addf(&wt_out, "%s%c", m == d.rq.messages ? "" : " / ",
		    "SDUAT"[m->role]);
		dump_parts(m->parts, 0);
	}
	same(name, buf_str(&wt_out), want);
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
	turns("a name with an escape in it", "[{\"p\\u0061rts\":[{\"\\u0074ext\":"
	    "\"a\"},{\"inlineData\":{\"mime\\u0054ype\":\"image/png\",\"data\":"
	    "\"AAAA\"}}]}]", "U text 'a' image image/png AAAA");
	turns("a name that stands twice: the last", "[{\"parts\":[{\"text\":\"a\","
	    "\"te\":1,\"text\":\"b\",\"t\":2}]}]", "U text 'b' +{\"te\":1,\"t\":2}");
	turns("snake_case", "[{\"parts\":[{\"inline_data\":{\"mime_type\":"
	    "\"image/png\",\"mime_typ\":\"x/y\",\"data\":\"AAAA\"}}]}]",
	    "U image image/png AAAA");
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
	    "document application/pdf #gs://b/x.pdf "
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
		decode_as(arena_strf(&wt_arena, "{\"%s\":%s,\"contents\":"
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
	decode_as(arena_strf(&wt_arena, "{\"contents\":[],\"toolConfig\":"
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
	decode_as(arena_strf(&wt_arena, "{\"contents\":[],\"generationConfig\":"
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
	ok(d.r == -1 && wt_in(str_of(wt_err.msg), field), "refused: %s", wt_err.msg);
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
	ok(d.r == -1 && wt_in(str_of(wt_err.msg), "model"), "no model");
	decode_as("{\"model\":\"m\"}", true);
	ok(d.r == -1 && wt_in(str_of(wt_err.msg), "contents"), "no contents");
}

/* --- requests to this dialect --------------------------------------------- */

static int
request(const struct dialect *from, const char *model, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = &dialect_gemini,
				    .model = str_of(model) };
	int			 r;

	wt_fresh();
	r = convert_request(&wt_arena, &o, str_of(body), &wt_path, &wt_out, &wt_loss,
	    &wt_err);
	if (r == -1)
		printf("#   %s\n", wt_err.msg);
	return r;
}

/* messages and further members in OpenAI's form */
static void
chat(const char *name, const char *model, const char *members,
    const char *want)
{
	ok(request(&dialect_openai_chat, model, arena_strf(&wt_arena,
	    "{\"model\":\"%s\",%s}", model, members).p) == 0, "%s: encodes",
	    name);
	if (want != NULL)
		same_json(name, buf_str(&wt_out), want);
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
	ok(wt_lost("messages[1]"), "and told");
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
	ok(wt_lost("content[1]"), "an address is told");
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
	ok(wt_lost("messages[3]"), "an orphan is told");
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
	same_json("pitfall-33: media beside the result", buf_str(&wt_out),
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]},"
	    "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"t\","
	    "\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":["
	    RESULT_OUT("t", "f", "{\"error\":\"no\"}") ",{\"inlineData\":"
	    "{\"mimeType\":\"image/png\",\"data\":\"aGk=\"}}]}],"
	    "\"generationConfig\":{\"maxOutputTokens\":9}}");
	ok(wt_lost("messages[1].content[0]"), "another's thinking is dropped");
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
	chat("tool choice", "gemini-2.5-flash", arena_strf(&wt_arena, HI
	    ",\"tools\":[" TOOL("f", SCHEMA) "],\"tool_choice\":%s", json).p,
	    NULL);
	ok(wt_has(want), "tool choice %s", json);
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
	ok(wt_has("\"_1st\"") && wt_has("\"a.b:c\"") && wt_has("\"sp_ace_"),
	    "pitfall-30: fitted");
	choice("\"auto\"", "\"mode\":\"AUTO\"");
	choice("\"none\"", "\"mode\":\"NONE\"");
	choice("\"required\"", "\"mode\":\"ANY\"");
	choice("{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
	    "\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]");
	chat("no parallel calls", "gemini-2.5-flash", HI ",\"tools\":["
	    TOOL("f", SCHEMA) "],\"parallel_tool_calls\":false", NULL);
	ok(wt_lost("parallel"), "cannot be kept");

	ok(request(&dialect_anthropic, "gemini-2.5-flash", "{\"model\":\"x\","
	    "\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"hi\"}],\"tools\":[{\"type\":\"web_search_20250305\",\"name\":"
	    "\"web_search\"}]}") == 0 && wt_has("[{\"googleSearch\":{}}]") &&
	    wt_lost("tools[0]"), "a search alone is Google's");
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
	ok(wt_loss.n == 0, "nothing lost");
	ok(request(&dialect_anthropic, "gemini-2.5-flash", "{\"model\":\"x\","
	    "\"max_tokens\":9,\"top_k\":4,\"stop_sequences\":[\"1\",\"2\","
	    "\"3\",\"4\",\"5\",\"6\"],\"metadata\":{\"user_id\":\"u\"},"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}") == 0 &&
	    wt_has("\"topK\":4") && wt_lost("stop_sequences[5]") &&
	    wt_lost("metadata"), "the sixth stop sequence, and metadata");
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
	chat("effort", model, arena_strf(&wt_arena, HI
	    ",\"reasoning_effort\":\"%s\"", word).p, NULL);
	ok(wt_has(want), "%s for %s: %s", word, model, want);
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
	ok(wt_lost("reasoning_effort"), "2.5 Pro cannot do without");
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
	ok(wt_lost("reasoning_effort"), "and told");
	ok(request(&dialect_anthropic, "gemini-2.5-flash", "{\"model\":\"x\","
	    "\"max_tokens\":9000,\"thinking\":{\"type\":\"enabled\","
	    "\"budget_tokens\":2000},\"messages\":[{\"role\":\"user\","
	    "\"content\":\"hi\"}]}") == 0 && wt_has("{\"thinkingBudget\":2000,"
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
	same("copied", buf_str(&wt_out), body);
	ok(wt_loss.n == 0, "nothing lost");
	ok(request(&dialect_gemini, "gemini-2.5-flash", "{\"contents\":"
	    "[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
	    "\"f\"}}]}]}") == 0 && memmem(buf_str(&wt_out).p, wt_out.len, "call_",
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
		wt_fresh();
		t.model = str_of(c[i].model);
		t.stream = c[i].stream;
		t.framing = c[i].framing;
		dialect_gemini.request_path(&t, &wt_path);
		same("path", buf_str(&wt_path), c[i].want);
	}
}

int
main(void)
{
	wt_init();
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
	json_release(&d.j);
	wt_release();
	return done();
}
