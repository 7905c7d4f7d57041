/*
 * What clients of Anthropic's and Gemini's APIs send to the other dialects:
 * whatever is put into a request shows, in what is sent or in the report, and
 * what is sent is something that the provider takes.
 */
#include "wire_test.h"

static const struct dialect *const all[] = { WT_AN, WT_OC, WT_OR, WT_GE };

/* --- nothing is lost in silence ------------------------------------------- */

#define SCHEMA	"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":" \
	"\"string\"}}}"

/* A mark, '@', where something may be put in. */
static const struct {
	const struct dialect	*from;
	const char		*body;		/* with one mark */
	const char		*put;		/* in its place */
} members[] = {
#define AN(body, put)	{ WT_AN, "{\"model\":\"m\",\"max_tokens\":9000," \
	"\"messages\":[" body, put }
#define AN_HI	"{\"role\":\"user\",\"content\":\"hi\"}"
#define AN_MEMBER(m)	AN(AN_HI "]@}", "," m)
	AN_MEMBER("\"metadata\":{\"user_id\":\"u\",\"more\":\"x\"}"),
	AN_MEMBER("\"tool_choice\":{\"type\":\"any\"}"),
	AN_MEMBER("\"mcp_servers\":[{\"type\":\"url\"}]"),
	AN_MEMBER("\"thread\":{\"type\":\"create\"}"),
	AN_MEMBER("\"container\":\"c\""),
	AN_MEMBER("\"context_management\":{\"edits\":[{\"type\":\"x\"}]}"),
	AN_MEMBER("\"cache_control\":{\"type\":\"ephemeral\"}"),
	AN_MEMBER("\"speed\":\"fast\""),
	AN_MEMBER("\"top_k\":3"),
	AN_MEMBER("\"stop_sequences\":[\"s\"]"),
	AN_MEMBER("\"output_config\":{\"task_budget\":{\"total\":9}}"),
	AN_MEMBER("\"output_config\":{\"effort\":\"low\"}"),
	AN_MEMBER("\"thinking\":{\"type\":\"between_tools\"}"),
	AN_MEMBER("\"thinking\":{\"type\":\"adaptive\",\"block_binding\":"
	    "{\"type\":\"x\"}}"),
#define AN_MESSAGE(m)	AN(AN_HI ",{\"role\":\"system\",\"content\":\"s\"@}," \
	AN_HI "]}", "," m)
	AN_MESSAGE("\"clear_at\":\"next_user_message\""),
	AN_MESSAGE("\"output_config\":{\"effort\":\"high\"}"),
	AN_MESSAGE("\"output_config\":{\"more\":1}"),
	AN_MESSAGE("\"of_the_future\":1"),
	AN_MEMBER("\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}"),
#define AN_TOOL(m)	AN(AN_HI "],\"tools\":[{\"name\":\"f\"," \
	"\"input_schema\":" SCHEMA "@}]}", "," m)
	AN_TOOL("\"defer_loading\":true"),
	AN_TOOL("\"eager_input_streaming\":true"),
	AN_TOOL("\"allowed_callers\":[\"code_execution_20250825\"]"),
	AN_TOOL("\"input_examples\":[{\"a\":\"x\"}]"),
	AN_TOOL("\"of_the_future\":{\"a\":1}"),
#define AN_EDIT(m)	AN(AN_HI "],\"tools\":[{\"type\":" \
	"\"text_editor_20250728\",\"name\":\"e\"@}]}", "," m)
	AN_EDIT("\"max_characters\":9"),
#define AN_DOC(m)	AN("{\"role\":\"user\",\"content\":[{\"type\":" \
	"\"document\",\"source\":{\"type\":\"base64\",\"media_type\":" \
	"\"application/pdf\",\"data\":\"JVBERi0=\"}@}]}]}", "," m)
	AN_DOC("\"context\":\"c\""),
	AN_DOC("\"title\":\"t\""),
#define AN_TEXT(m)	AN("{\"role\":\"user\",\"content\":[{\"type\":" \
	"\"document\",\"source\":{\"type\":\"text\",\"media_type\":" \
	"\"text/plain\",\"data\":\"d\"}@}]}]}", "," m)
	AN_TEXT("\"context\":\"c\""),
	AN_TEXT("\"title\":\"t\""),
	AN_TEXT("\"citations\":{\"enabled\":true}"),
#define AN_RESULT(m)	"{\"model\":\"m\",\"max_tokens\":9000," \
	"\"messages\":[" AN_HI ",{\"role\":\"assistant\",\"content\":[{" \
	"\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{}}]}," \
	"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"," \
	"\"tool_use_id\":\"t1\",\"content\":[{\"type\":\"text\",\"text\":" \
	"\"r\"}" m "}]}]}"
	{ WT_AN, AN_RESULT("]@"), ",\"is_error\":true" },
	{ WT_AN, AN_RESULT("@]"), ",{\"type\":\"browser_state\"}" },
	{ WT_AN, AN_RESULT("@]"), ",{\"type\":\"of_the_future\"}" },
#define GE(parts, more)	"{\"contents\":[{\"role\":\"user\",\"parts\":[" \
	parts "]}]" more "}"
#define GE_MEMBER(m)	{ WT_GE, GE("{\"text\":\"hi\"}", "@"), "," m }
	GE_MEMBER("\"safetySettings\":[{\"category\":\"x\"}]"),
	GE_MEMBER("\"cachedContent\":\"c\""),
	GE_MEMBER("\"labels\":{\"a\":\"b\"}"),
	GE_MEMBER("\"serviceTier\":\"flex\""),
	GE_MEMBER("\"of_the_future\":1"),
	GE_MEMBER("\"toolConfig\":{\"retrievalConfig\":{\"a\":1}}"),
	GE_MEMBER("\"toolConfig\":{\"functionCallingConfig\":{\"mode\":"
	    "\"ANY\"}}"),
	GE_MEMBER("\"toolConfig\":{\"functionCallingConfig\":{"
	    "\"streamFunctionCallArguments\":true}}"),
	GE_MEMBER("\"systemInstruction\":{\"parts\":[],\"more\":1}"),
#define GE_CONFIG(m)	GE_MEMBER("\"generationConfig\":{" m "}")
	GE_CONFIG("\"thinkingConfig\":{\"more\":1}"),
	GE_CONFIG("\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}"),
	GE_CONFIG("\"responseJsonSchemaOrdered\":" SCHEMA),
	GE_CONFIG("\"responseMimeType\":\"application/json\""),
	GE_CONFIG("\"responseMimeType\":\"text/x.enum\""),
	GE_CONFIG("\"responseModalities\":[\"IMAGE\"]"),
	GE_CONFIG("\"mediaResolution\":\"MEDIA_RESOLUTION_LOW\""),
	GE_CONFIG("\"speechConfig\":{\"languageCode\":\"de\"}"),
	GE_CONFIG("\"seed\":7"),
	GE_CONFIG("\"topK\":7"),
	GE_CONFIG("\"candidateCount\":2"),
	GE_CONFIG("\"responseLogprobs\":true"),
	GE_CONFIG("\"logprobs\":2"),
	GE_CONFIG("\"stopSequences\":[\"s\"]"),
#define GE_TOOL(m)	{ WT_GE, GE("{\"text\":\"hi\"}", ",\"tools\":[{" \
	"\"functionDeclarations\":[{\"name\":\"f\"@}]}]"), "," m }
	GE_TOOL("\"behavior\":\"NON_BLOCKING\""),
	GE_TOOL("\"response\":{\"type\":\"STRING\"}"),
	GE_TOOL("\"of_the_future\":1"),
	{ WT_GE, GE("{\"text\":\"hi\"@}", ""),
	    ",\"partMetadata\":{\"a\":1}" },
	{ WT_GE, GE("{\"text\":\"hi\"}@", ""), ",{\"of_the_future\":1}" },
	{ WT_GE, GE("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":"
	    "\"iVBORw0K\"@}}", ""), ",\"displayName\":\"n\"" },
#define GE_CALL(call, result)	GE("{\"text\":\"hi\"}]},{\"role\":" \
	"\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\"" call "}}]}," \
	"{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":" \
	"\"f\",\"response\":{\"output\":\"x\"}" result "}}", "")
	{ WT_GE, GE_CALL("@", ""), ",\"willContinue\":true" },
	{ WT_GE, GE_CALL("", "@"), ",\"willContinue\":true" },
	{ WT_GE, GE_CALL("", "@"), ",\"scheduling\":\"SILENT\"" },
	{ WT_GE, GE_CALL("", "@"), ",\"parts\":[{\"of_the_future\":1}]" },
	{ NULL, NULL, NULL }
};

/* The request with put in the mark's place; its output and report as one. */
static struct str
shown(const struct dialect *from, const struct dialect *to, const char *body,
    const char *put)
{
	const char	*mark = strchr(body, '@');
	struct str	 whole;
	struct buf	 b;

	whole = arena_strf(&wt_arena, "%.*s%s%s", (int)(mark - body), body,
	    put, mark + 1);
	if (wt_request(from, to, whole.p) == -1)
		return arena_strf(&wt_arena, "400 %s", wt_err.msg);
	buf_init(&b, WT_MAX);
	buf_adds(&b, buf_str(&wt_out));
	loss_json(&wt_loss, &b);
	whole = arena_str(&wt_arena, buf_str(&b));
	buf_release(&b);
	return whole;
}

static void
test_silence(void)
{
	struct str	 with, without;
	size_t		 i, k;

	for (i = 0; members[i].from != NULL; i++)
		for (k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
			if (all[k] == members[i].from)
				continue;
			without = shown(members[i].from, all[k],
			    members[i].body, "");
			with = shown(members[i].from, all[k], members[i].body,
			    members[i].put);
			ok(!str_eq(with, without) && !str_starts(without,
			    "400"), "%s to %s: %s", members[i].from->name,
			    all[k]->name, members[i].put);
		}
}

/* --- what providers take -------------------------------------------------- */

#define AN_ASK(messages, more)	"{\"model\":\"m\",\"max_tokens\":99," \
	"\"messages\":[" messages "]" more "}"

static void
test_empty(void)
{
	size_t	 k;

	for (k = 1; k < sizeof(all) / sizeof(all[0]); k++) {
		ok(wt_request(WT_AN, all[k], AN_ASK("{\"role\":\"user\","
		    "\"content\":[]}", "")) == -1 &&
		    strstr(wt_err.msg, "no message") != NULL,
		    "nothing is left for %s: a 400", all[k]->name);
		ok(wt_request(WT_AN, all[k], AN_ASK("{\"role\":\"user\","
		    "\"content\":\"\"}", ",\"system\":\"Sys\"")) == 0 &&
		    wt_has("Sys") && wt_hasnt("[]") &&
		    wt_hasnt("systemInstruction") && wt_hasnt("instructions"),
		    "system text alone is the question for %s", all[k]->name);
	}
	ok(wt_request(WT_GE, WT_OR, "{\"contents\":[]}") == -1,
	    "no contents: a 400");
	ok(wt_request(WT_AN, WT_OR, AN_ASK(AN_HI, ",\"system\":[{\"type\":"
	    "\"text\",\"text\":\"x-anthropic-billing-header: a\"}]")) == 0 &&
	    wt_hasnt("billing"), "nor is the billing header ever said");
}

#define AN_FN(schema)	",\"tools\":[{\"name\":\"f\",\"input_schema\":" \
	schema "}]"
#define BRANCHES	"{\"description\":\"d\",\"properties\":{\"a\":true}," \
	"\"anyOf\":[{\"properties\":{\"b\":{}},\"required\":[\"b\"]}," \
	"{\"properties\":{\"a\":{},\"c\":{}}}],\"allOf\":[{\"required\":" \
	"[\"a\"]}]}"
#define ROOT		"{\"type\":\"object\",\"description\":\"d\"," \
	"\"properties\":{\"a\":true,\"b\":{},\"c\":{}},\"required\":[\"a\"]}"

/* OpenAI and Anthropic refuse roots that are not plain objects. */
static void
test_parameters(void)
{
	const struct dialect	*openai[] = { WT_OC, WT_OR };
	size_t			 k;

	for (k = 0; k < 2; k++) {
		ok(wt_request(WT_AN, openai[k], AN_ASK(AN_HI,
		    AN_FN("{\"type\":\"object\"}"))) == 0 &&
		    wt_has("{\"type\":\"object\",\"properties\":{}}") &&
		    wt_nothing_lost(), "properties are said to %s",
		    openai[k]->name);
		ok(wt_request(WT_GE, openai[k], "{\"contents\":[{\"parts\":"
		    "[{\"text\":\"hi\"}]}],\"tools\":[{"
		    "\"functionDeclarations\":[{\"name\":\"f\","
		    "\"parameters\":{\"type\":\"OBJECT\"}}]}]}") == 0 &&
		    wt_has("{\"type\":\"object\",\"properties\":{}}") &&
		    wt_nothing_lost(), "from Gemini's form, too");
		ok(wt_request(WT_AN, openai[k], AN_ASK(AN_HI,
		    AN_FN(BRANCHES))) == 0 && wt_has(ROOT) &&
		    wt_told("approximated tools[0]"),
		    "no choice at the root for %s", openai[k]->name);
	}
	ok(wt_request(WT_GE, WT_AN, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":"
	    "\"f\",\"parametersJsonSchema\":" BRANCHES "}]}]}") == 0 &&
	    wt_has(ROOT) && wt_told("approximated tools[0]"),
	    "nor for anthropic");
}

/* What is the default is no loss. */
static void
test_defaults(void)
{
	static const char	 sampling[] = "{\"contents\":[{\"parts\":[{"
	    "\"text\":\"hi\"}]}],\"generationConfig\":{\"temperature\":1,"
	    "\"topP\":1.0,\"presencePenalty\":0,\"frequencyPenalty\":0}}";

	ok(wt_request(WT_GE, WT_OC, sampling) == 0 && wt_nothing_lost(),
	    "defaults that a model refuses, chat");
	ok(wt_request(WT_GE, WT_OR, sampling) == 0 && wt_nothing_lost(),
	    "defaults that a model refuses, responses");
	ok(wt_request(WT_AN, WT_OR, AN_RESULT("],\"is_error\":true")) == 0 &&
	    wt_has("\"output\":\"Error: r\""), "an error says so, responses");
}

/* --- what only one dialect has -------------------------------------------- */

#define CHANGE(type, tool)	AN_HI ",{\"role\":\"system\",\"content\":[{" \
	"\"type\":\"" type "\",\"tool\":" tool "}]}"
#define REFERENCE(name)	"{\"type\":\"tool_reference\",\"name\":\"" name "\"}"
#define DEFINITION(words)	"{\"type\":\"tool_definition\",\"definition\":" \
	"{\"name\":\"f\",\"description\":\"" words "\",\"input_schema\":" \
	SCHEMA "}}"

/* Tools that come and go amid the conversation. */
static void
test_tool_changes(void)
{
	size_t	 k;

	for (k = 1; k < sizeof(all) / sizeof(all[0]); k++) {
		ok(wt_request(WT_AN, all[k], AN_ASK(CHANGE("tool_addition",
		    REFERENCE("f")), AN_FN(SCHEMA))) == 0 &&
		    wt_has("The tool f can be called now.") &&
		    wt_told("approximated messages[1]"),
		    "a tool is added by name for %s", all[k]->name);
		ok(wt_request(WT_AN, all[k], AN_ASK(CHANGE("tool_removal",
		    REFERENCE("f")), AN_FN(SCHEMA))) == 0 &&
		    wt_has("The tool f can no longer be called."),
		    "and taken away");
		ok(wt_request(WT_AN, all[k], AN_ASK(CHANGE("tool_addition",
		    DEFINITION("new")), ",\"tool_choice\":{\"type\":\"tool\","
		    "\"name\":\"f\"}")) == 0 && wt_has("\"tools\":[") &&
		    wt_has("\"description\":\"new\"") && wt_loss.refused == 0,
		    "one that is defined there can be called");
		ok(wt_request(WT_AN, all[k], AN_ASK(CHANGE("tool_addition",
		    DEFINITION("new")), ",\"tools\":[{\"name\":\"f\","
		    "\"description\":\"old\",\"input_schema\":" SCHEMA "},"
		    "{\"name\":\"g\",\"input_schema\":" SCHEMA "}]")) == 0 &&
		    wt_has("\"description\":\"new\"") && wt_has("\"g\"") &&
		    wt_hasnt("old"), "or takes the place of an older one");
	}
	for (k = 1; k < sizeof(all) / sizeof(all[0]); k++)
		ok(wt_request(WT_AN, all[k], AN_ASK(AN_HI, ",\"tools\":[{"
		    "\"name\":\"f\",\"eager_input_streaming\":true}]")) == 0 &&
		    wt_lost("ignored") && wt_nothing_lost(),
		    "how arguments stream is no loss for %s", all[k]->name);
	ok(wt_request(WT_AN, WT_GE, AN_ASK(CHANGE("tool_addition",
	    "{\"type\":\"tool_definition\"}"), "")) == -1 &&
	    strstr(wt_err.msg, "definition") != NULL, "a definition is needed");
	ok(wt_request(WT_AN, WT_OR, AN_ASK(AN_HI ",{\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
	    "\"input\":{},\"caller\":{\"type\":\"direct\"}}]},{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
	    "\"t\"}]}", AN_FN(SCHEMA))) == 0 && wt_nothing_lost(),
	    "a call by the model itself is no loss");
}

/* Pictures in a document are not lost with it. */
static void
test_composed(void)
{
	static const char	 body[] = AN_ASK("{\"role\":\"user\","
	    "\"content\":[{\"type\":\"document\",\"title\":\"T\",\"source\":"
	    "{\"type\":\"content\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"one\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\","
	    "\"media_type\":\"image/png\",\"data\":\"iVBORw0K\"}}]}}]}", "");
	size_t	 k;

	for (k = 1; k < sizeof(all) / sizeof(all[0]); k++)
		ok(wt_request(WT_AN, all[k], body) == 0 &&
		    wt_has("Document: T") && wt_has("one") &&
		    wt_has("iVBORw0K") && wt_hasnt("media_type") &&
		    wt_told("approximated messages[0].content[0]"),
		    "a document of text and images for %s", all[k]->name);
}

#define GE_FORMAT(m)	GE("{\"text\":\"hi\"}", ",\"generationConfig\":{" \
	"\"responseMimeType\":\"application/json\"," m "}")

/* Files that only Google can read, and a text's title. */
static void
test_files(void)
{
	static const char *const uris[] = { "gs://b/x",
	    "https://generativelanguage.googleapis.com/v1beta/files/x" };
	static const char *const types[] = { "image/png", "application/pdf" };
	const char		*body;
	size_t			 i, k;

	for (i = 0; i < 4; i++)
		for (k = 0; k < 3; k++) {
			body = arena_strf(&wt_arena, GE("{\"text\":\"hi\"},"
			    "{\"fileData\":{\"fileUri\":\"%s\",\"mimeType\":"
			    "\"%s\"}}", ""), uris[i % 2], types[i / 2]).p;
			ok(wt_request(WT_GE, all[k], body) == 0 &&
			    wt_told("refused contents[0].parts[1]"),
			    "%s of Google's for %s: refused", types[i / 2],
			    all[k]->name);
		}
	ok(wt_request(WT_AN, WT_GE, AN_ASK("{\"role\":\"user\",\"content\":[{"
	    "\"type\":\"search_result\",\"source\":\"S\",\"title\":\"T\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}", "")) == 0 &&
	    wt_has("\"data\":\"VApTCng=\"") &&
	    wt_told("approximated messages[0].content[0]"),
	    "a found text's title and source stand in front of it");
	for (k = 0; k < 3; k++)
		ok(wt_request(WT_GE, all[k], GE("{\"text\":\"hi\"},{"
		    "\"inlineData\":{\"mimeType\":\"image/heic\",\"data\":"
		    "\"AAAA\"}}", "")) == 0 &&
		    wt_told("refused contents[0].parts[1]"),
		    "an image that %s does not take", all[k]->name);
	ok(wt_request(WT_GE, WT_AN, GE("{\"text\":\"hi\"},{}", "")) == 0 &&
	    wt_nothing_lost(), "a part without data is nothing");
}

/* What is large is data: no model reads its JSON. */
static void
test_large(void)
{
	char	*data = arena_bytes(&wt_arena, 20001);
	size_t	 k;

	memset(data, 'A', 20000);
	data[20000] = '\0';
	for (k = 0; k < 3; k++)
		ok(wt_request(WT_GE, all[k], arena_strf(&wt_arena,
		    GE("{\"text\":\"hi\"},{\"new\":\"%s\"}", ""), data).p) == 0 &&
		    wt_told("refused contents[0].parts[1]") && wt_hasnt("AAA"),
		    "a large part of another dialect for %s", all[k]->name);
}

static void
test_tiers(void)
{
	static const struct {
		const char	*asked, *openai, *anthropic;
	} tiers[] = {
		{ "standard", "default", "standard_only" },
		{ "SERVICE_TIER_STANDARD", "default", "standard_only" },
		{ "flex", "flex", NULL },
		{ "PRIORITY", "priority", NULL },
	};
	const char	*body;
	size_t		 i, k;

	for (i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		body = arena_strf(&wt_arena, GE("{\"text\":\"hi\"}",
		    ",\"serviceTier\":\"%s\""), tiers[i].asked).p;
		for (k = 1; k < 3; k++)
			ok(wt_request(WT_GE, all[k], body) == 0 &&
			    wt_has(arena_strf(&wt_arena, "\"service_tier\":"
			    "\"%s\"", tiers[i].openai).p) &&
			    wt_nothing_lost(), "the tier %s for %s",
			    tiers[i].asked, all[k]->name);
		ok(wt_request(WT_GE, WT_AN, body) == 0 &&
		    (tiers[i].anthropic == NULL ? wt_told("serviceTier") :
		    wt_has(tiers[i].anthropic)), "and for anthropic");
	}
}

/* Where a format cannot be asked for, it is asked for in words. */
static void
test_formats(void)
{
	static const char	 list[] = GE_FORMAT("\"responseSchema\":{"
	    "\"type\":\"ARRAY\",\"items\":{\"type\":\"STRING\"}}");
	static const char	 untyped[] = GE_FORMAT("\"responseJsonSchema\":"
	    "{\"properties\":{\"a\":{}}}");
	const struct dialect	*openai[] = { WT_OC, WT_OR };
	size_t			 k;

	for (k = 0; k < 2; k++) {
		ok(wt_request(WT_GE, openai[k], list) == 0 &&
		    wt_hasnt("json_schema") && wt_has("fits this schema, "
		    "without any text around it: {\\\"type\\\":\\\"array\\\","
		    "\\\"items\\\"") && wt_told("approximated "
		    "generationConfig.responseSchema"),
		    "a list that is to be answered, %s", openai[k]->name);
		ok(wt_request(WT_GE, openai[k], untyped) == 0 &&
		    wt_has("\"schema\":{\"type\":\"object\",\"properties\":"
		    "{\"a\":{}}}"), "no type: an object, %s",
		    openai[k]->name);
		ok(wt_request(WT_GE, openai[k], GE_FORMAT("\"topK\":1")) == 0 &&
		    wt_has("\"json_object\"") && wt_has("Answer in JSON."),
		    "JSON mode is named, %s", openai[k]->name);
	}
	/* OpenAI looks for the word in the input, not in the instructions. */
	ok(wt_request(WT_GE, WT_OR, GE("{\"text\":\"hi\"}",
	    ",\"systemInstruction\":{\"parts\":[{\"text\":\"Use JSON.\"}]},"
	    "\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\"}")) == 0 && wt_has("{\"type\":\"message\","
	    "\"role\":\"developer\",\"content\":\"Answer in JSON.\"}"),
	    "JSON named in the instructions alone");
	ok(wt_request(WT_GE, WT_OR, GE("{\"text\":\"in JSON\"}",
	    ",\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\"}")) == 0 && wt_hasnt("developer") &&
	    wt_nothing_lost(), "JSON named in a message");
	ok(wt_request(WT_GE, WT_AN, GE("{\"text\":\"hi\"}",
	    ",\"systemInstruction\":{\"parts\":[{\"text\":\"Sys\"}]},"
	    "\"generationConfig\":{\"responseMimeType\":"
	    "\"application/json\"}")) == 0 && wt_has("\"system\":[{\"type\":"
	    "\"text\",\"text\":\"Sys\"},{\"type\":\"text\",\"text\":"
	    "\"Answer only with JSON"), "JSON mode for anthropic");
	for (k = 0; k < 3; k++) {
		ok(wt_request(WT_GE, all[k], GE("{\"text\":\"hi\"}",
		    ",\"generationConfig\":{\"responseModalities\":"
		    "[\"IMAGE\"]}")) == 0 && wt_told("refused "
		    "generationConfig.responseModalities"),
		    "an image and no text of %s: refused", all[k]->name);
		ok(wt_request(WT_GE, all[k], GE("{\"text\":\"hi\"}",
		    ",\"generationConfig\":{\"responseModalities\":"
		    "[\"TEXT\",\"IMAGE\"]}")) == 0 && wt_told("dropped "
		    "generationConfig.responseModalities"),
		    "text and perhaps an image: text");
		ok(wt_request(WT_GE, all[k], GE("{\"text\":\"hi\"}",
		    ",\"generationConfig\":{\"responseMimeType\":"
		    "\"text/x.enum\"}")) == 0 && wt_told("refused "
		    "generationConfig.responseMimeType"),
		    "a format of Gemini's alone for %s", all[k]->name);
	}
}

/* A search that is kept from some places is not let there in silence. */
static void
test_search(void)
{
	static const char	 tools[] = ",\"tools\":[{\"type\":"
	    "\"web_search_20250305\",\"name\":\"web_search\",\"max_uses\":"
	    "3,\"blocked_domains\":[\"a\"],\"allowed_domains\":[\"b\"]}]";
	const char		*body;

	body = arena_strf(&wt_arena, AN_ASK(AN_HI, "%s"), tools).p;
	ok(wt_request(WT_AN, WT_OR, body) == 0 && wt_loss.n == 3 &&
	    wt_told("dropped tools[0].max_uses") &&
	    wt_told("dropped tools[0].blocked_domains"),
	    "what a search is told and not carried, responses");
	ok(wt_request(WT_AN, WT_GE, body) == 0 && wt_loss.n == 4 &&
	    wt_told("dropped tools[0].allowed_domains"), "and gemini");
}

/* --- schemas -------------------------------------------------------------- */

/* As wt_request, for a model of one's own choice. */
static int
asked(const struct dialect *from, const struct dialect *to,
    const char *model, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = to,
				     .model = str_of(model) };

	wt_fresh();
	return convert_request(&wt_arena, &o, str_of(body), &wt_path, &wt_out,
	    &wt_loss, &wt_err);
}

static int
old_gemini(const char *schema)
{
	return asked(WT_AN, WT_GE, "gemini-2.0-flash", arena_strf(&wt_arena,
	    AN_ASK(AN_HI, AN_FN("%s")), schema).p);
}

static void
test_lowered(void)
{
	ok(old_gemini("{\"type\":\"object\",\"properties\":{\"a\":false,"
	    "\"b\":{\"type\":\"string\"}}}") == 0 && wt_has("\"properties\":"
	    "{\"b\":{\"type\":\"STRING\"}}") &&
	    wt_told("dropped tools[0].input_schema.properties.a"),
	    "what must not be is no string");
	ok(old_gemini("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
	    "\"array\"}}}") == 0 && wt_has("\"items\":{\"type\":\"STRING\"}") &&
	    wt_told("approximated tools[0].input_schema.properties.a"),
	    "a list of anything, told");
	ok(old_gemini(BRANCHES) == 0 && wt_has("\"parameters\":{") &&
	    wt_has("\"c\":{\"type\":\"STRING\"}") &&
	    wt_has("\"required\":[\"a\"]") && wt_told("approximated tools[0]"),
	    "a choice at the root is not left out");
}

/* Types in upper case, and only below the root. */
static void
test_upper(void)
{
	static const char	 deep[] = "{\"type\":\"object\",\"properties\":{"
	    "\"a\":{\"type\":[\"STRING\",\"NULL\"]},\"type\":{\"enum\":"
	    "[\"type\",\"Other\"]}}}";
	size_t			 k;

	for (k = 0; k < 4; k++)
		ok((all[k] == WT_AN ? wt_request(WT_GE, WT_AN, GE("{\"text\":"
		    "\"hi\"}", ",\"tools\":[{\"functionDeclarations\":[{"
		    "\"name\":\"f\",\"parametersJsonSchema\":{\"properties\":"
		    "{\"a\":{\"type\":\"STRING\"}}}}]}]")) :
		    wt_request(WT_AN, all[k], arena_strf(&wt_arena,
		    AN_ASK(AN_HI, AN_FN("%s")), deep).p)) == 0 &&
		    wt_hasnt("STRING") && wt_has("\"string\""),
		    "types in upper case below the root, %s", all[k]->name);
	ok(wt_request(WT_AN, WT_OC, AN_ASK(AN_HI, AN_FN("{\"type\":"
	    "\"object\",\"properties\":{\"a\":{\"enum\":[\"type\","
	    "\"Other\"],\"format\":\"int32\"}}}"))) == 0 && wt_has("int32"),
	    "a value that is called type is none");
}

/* What Gemini keeps to without asking is asked of OpenAI, where it can be. */
static void
test_strict(void)
{
	static const char *const not[] = {
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":"
	    "\"STRING\"}}}",
	    "{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"STRING\","
	    "\"maxLength\":\"3\"}},\"required\":[\"a\"]}" };
	const struct dialect	*openai[] = { WT_OC, WT_OR };
	size_t			 i, k;

	for (k = 0; k < 2; k++) {
		ok(wt_request(WT_GE, openai[k], GE_FORMAT("\"responseSchema\":"
		    "{\"type\":\"OBJECT\",\"properties\":{\"not\":{\"type\":"
		    "\"OBJECT\",\"properties\":{\"b\":{\"type\":\"STRING\"}},"
		    "\"required\":[\"b\"]}},\"required\":[\"not\"]}")) == 0 &&
		    wt_has("\"required\":[\"b\"],\"additionalProperties\":"
		    "false}},\"required\":[\"not\"],"
		    "\"additionalProperties\":false},\"strict\":true") &&
		    wt_told("approximated generationConfig.responseSchema"),
		    "a schema of Gemini's, closed and strict, %s",
		    openai[k]->name);
		for (i = 0; i < 2; i++)
			ok(wt_request(WT_GE, openai[k], arena_strf(&wt_arena,
			    GE_FORMAT("\"responseSchema\":%s"), not[i]).p) == 0
			    && wt_hasnt("\"strict\":true") &&
			    wt_hasnt("additionalProperties") &&
			    wt_lost("not strict"), "one that cannot be, %s",
			    openai[k]->name);
	}
}

/* --- thinking ------------------------------------------------------------- */

#define THINK(what)	AN_ASK(AN_HI, ",\"thinking\":{\"type\":\"" what "\"}")

static void
test_thinking(void)
{
	const struct dialect	*openai[] = { WT_OC, WT_OR };
	size_t			 k;

	for (k = 0; k < 2; k++) {
		ok(asked(WT_AN, openai[k], "gpt-5.4", THINK("adaptive")) == 0 &&
		    wt_has("\"medium\"") && wt_told("approximated thinking"),
		    "one that does not think unasked is asked, %s",
		    openai[k]->name);
		ok(asked(WT_AN, openai[k], "gpt-5.5", THINK("adaptive")) == 0 &&
		    wt_hasnt("effort") && wt_nothing_lost(),
		    "one that does thinks as it sees fit");
		ok(asked(WT_AN, openai[k], "gpt-5.4", AN_ASK(AN_HI,
		    ",\"temperature\":0.5")) == 0 && wt_has("0.5") &&
		    wt_nothing_lost(), "and while it does not, it samples");
		ok(asked(WT_AN, openai[k], "gpt-5.2-codex", AN_ASK(AN_HI,
		    ",\"temperature\":0.5")) == 0 && wt_hasnt("0.5"),
		    "which one that thinks does not");
		ok(asked(WT_AN, openai[k], "gpt-4.1", THINK("adaptive")) == 0 &&
		    wt_told("dropped thinking"), "one that cannot is told");
	}
}

static void
test_level(void)
{
	ok(asked(WT_AN, WT_GE, "gemini-3-flash-preview", AN_ASK(AN_HI,
	    ",\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}"))
	    == 0 && wt_hasnt("thinkingConfig") && wt_nothing_lost(),
	    "nothing is said of thinking that is as it would be");
	ok(asked(WT_AN, WT_GE, "gemini-3-flash-preview", AN_ASK(AN_HI,
	    ",\"thinking\":{\"type\":\"adaptive\"}")) == 0 &&
	    wt_has("\"thinkingConfig\":{\"includeThoughts\":true}"),
	    "but that it is to be seen");
}

/* Thoughts that nobody asked for come back in the next turn as well. */
static void
test_state(void)
{
	static const char	 ask[] = AN_ASK(AN_HI, "");

	ok(asked(WT_AN, WT_OR, "gpt-5.5", ask) == 0 &&
	    wt_has("reasoning.encrypted_content"), "a model that thinks unasked");
	ok(asked(WT_AN, WT_OR, "gpt-5.4", ask) == 0 && wt_hasnt("include") &&
	    asked(WT_AN, WT_OR, "gpt-4.1", ask) == 0 && wt_hasnt("include") &&
	    asked(WT_AN, WT_OR, "unheard", ask) == 0 && wt_hasnt("include"),
	    "others might refuse to tell");
}

/* Agents ask for all that their own provider's newest model can write. */
static void
test_output(void)
{
	static const struct {
		const struct dialect	*to;
		const char		*model, *most;
	} models[] = {
		{ WT_GE, "gemini-3-flash-preview", ":65536" },
		{ WT_GE, "gemini-2.0-flash", ":8192" },
		{ WT_GE, "unheard", ":200000" },
		{ WT_OC, "o4-mini", ":100000" },
		{ WT_OC, "gpt-5.5", ":128000" },
		{ WT_OR, "gpt-5-mini", ":128000" },
		{ WT_OR, "gpt-4.1", ":32768" },
		{ WT_OR, "unheard", ":200000" },
	};
	size_t	 i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		ok(asked(WT_AN, models[i].to, models[i].model,
		    "{\"model\":\"m\",\"max_tokens\":200000,\"messages\":["
		    AN_HI "]}") == 0 && wt_has(models[i].most) &&
		    (strcmp(models[i].most, ":200000") == 0 ?
		    wt_nothing_lost() : wt_told("approximated max_tokens")),
		    "the most that %s writes", models[i].model);
}

/* --- turns ---------------------------------------------------------------- */

#define BEGUN(more)	"{\"contents\":[{\"role\":\"user\",\"parts\":[{" \
	"\"text\":\"q\"}]},{\"role\":\"model\",\"parts\":[{\"text\":" \
	"\"It is \"}]}]" more "}"
#define CONTINUE	"{\"role\":\"user\",\"content\":\"Continue.\"}]"

static void
test_turns(void)
{
	ok(asked(WT_GE, WT_AN, "claude-opus-4-6", BEGUN("")) == 0 &&
	    wt_has("\"content\":\"It is \"}," CONTINUE) &&
	    wt_told("approximated contents[1]"),
	    "an answer that was begun, where none may be");
	ok(asked(WT_GE, WT_AN, "claude-haiku-4-5", BEGUN("")) == 0 &&
	    wt_has("\"text\":\"It is\"}]}]") && wt_hasnt("Continue"),
	    "and where it may, without space at its end");
	ok(asked(WT_GE, WT_AN, "claude-haiku-4-5", BEGUN(",\"generationConfig\":"
	    "{\"thinkingConfig\":{\"thinkingBudget\":2000}}")) == 0 &&
	    wt_has(CONTINUE) && wt_has("budget_tokens"),
	    "but not while the model thinks");
	ok(wt_request(WT_AN, WT_OC, AN_ASK(AN_HI ",{\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
	    "\"input\":{}},{\"type\":\"text\",\"text\":\"after\"}]},{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
	    "\"t\"}]}", AN_FN(SCHEMA))) == 0 &&
	    wt_told("approximated messages[1].content[1]"),
	    "text behind a call: chat has it in front");
}

int
main(void)
{
	wt_init();
	test_silence();
	test_empty();
	test_parameters();
	test_defaults();
	test_tool_changes();
	test_composed();
	test_files();
	test_large();
	test_tiers();
	test_formats();
	test_search();
	test_lowered();
	test_upper();
	test_strict();
	test_thinking();
	test_level();
	test_state();
	test_output();
	test_turns();
	wt_release();
	return done();
}
