/*
 * What clients of OpenAI's two APIs send to the other dialects: whatever is put
 * into a request shows, in what is sent or in the report, by its own path.
 */
#include "wire_test.h"

static const struct dialect *const all[] = { WT_OC, WT_OR, WT_AN, WT_GE };

#define SCHEMA	"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":" \
	"\"string\"}}}"
#define OC(more)	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"hi\"}]" more "}"
#define OR(more)	"{\"model\":\"m\",\"input\":\"hi\"" more "}"

/* --- nothing is lost in silence ------------------------------------------- */

/* path: what the report calls it, where the target cannot have it. */
static const struct {
	const struct dialect	*from, *to;
	const char		*body, *path;
} lost[] = {
#define FN(m)	",\"tools\":[{\"type\":\"function\",\"name\":\"f\"," \
	"\"parameters\":" SCHEMA "," m "}]"
	{ WT_OR, WT_OC, OR(FN("\"defer_loading\":true")),
	    "dropped tools[0].defer_loading" },
	{ WT_OR, WT_AN, OR(FN("\"output_schema\":{\"type\":\"object\"}")),
	    "dropped tools[0].output_schema" },
	{ WT_OR, WT_GE, OR(FN("\"allowed_callers\":[\"programmatic\"]")),
	    "dropped tools[0].allowed_callers" },
	{ WT_OR, WT_OC, OR(",\"tools\":[{\"type\":\"namespace\",\"name\":"
	    "\"n\",\"tools\":[{\"type\":\"custom\",\"name\":\"c\","
	    "\"defer_loading\":true}]}]"),
	    "dropped tools[0].tools[0].defer_loading" },
	{ WT_OR, WT_AN, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"hi\"},{\"type\":\"tool_search_call\",\"call_id\":"
	    "\"t\",\"arguments\":{}},{\"type\":\"tool_search_output\","
	    "\"call_id\":\"t\",\"tools\":[{\"type\":\"function\",\"name\":"
	    "\"f\",\"defer_loading\":true}]}]}",
	    "dropped input[2].tools[0].defer_loading" },
	{ WT_OR, WT_GE, OR(",\"text\":{\"format\":{\"type\":\"json_schema\","
	    "\"name\":\"n\",\"schema\":" SCHEMA "}}"),
	    "ignored text.format.name" },
	{ WT_OR, WT_AN, OR(",\"text\":{\"format\":{\"type\":\"json_schema\","
	    "\"name\":\"n\",\"schema\":" SCHEMA ",\"of_the_future\":1}}"),
	    "dropped text.format.of_the_future" },
	{ WT_OR, WT_GE, OR(",\"reasoning\":{\"generate_summary\":"
	    "\"detailed\"}"), "approximated reasoning.generate_summary" },
	{ WT_OR, WT_AN, OR(",\"include\":[\"message.output_text.logprobs\"]"),
	    "dropped include" },
	{ WT_OR, WT_GE, OR(",\"top_logprobs\":3"), "dropped top_logprobs" },
	{ WT_OC, WT_GE, OC(",\"tools\":[{\"type\":\"function\",\"function\":{"
	    "\"name\":\"f\",\"strict\":true}}]"),
	    "dropped tools[0].function.strict" },
	{ WT_OC, WT_AN, OC(",\"tools\":[{\"type\":\"function\",\"function\":{"
	    "\"name\":\"f\",\"of_the_future\":1}}]"),
	    "dropped tools[0].function.of_the_future" },
	{ WT_OC, WT_AN, OC(",\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"n\",\"description\":\"d\","
	    "\"schema\":" SCHEMA "}}"),
	    "dropped response_format.json_schema.description" },
	{ WT_OC, WT_GE, OC(",\"tools\":[{\"type\":\"function\",\"function\":{"
	    "\"name\":\"f\"}}],\"tool_choice\":\"auto\","
	    "\"parallel_tool_calls\":false"), "dropped parallel_tool_calls" },
	{ WT_OC, WT_GE, OC(",\"functions\":[{\"name\":\"f\"}],"
	    "\"function_call\":\"auto\""), "ignored functions" },
	{ WT_OC, WT_AN, OC(",\"max_tokens\":9,\"max_completion_tokens\":8"),
	    "ignored max_tokens" },
	{ WT_OC, WT_AN, OC(",\"stream\":true,\"stream_options\":{"
	    "\"include_obfuscation\":false}"),
	    "ignored stream_options.include_obfuscation" },
#define OC_PART(part)	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":[" part "]}]}"
	{ WT_OC, WT_AN, OC_PART("{\"type\":\"image_url\",\"image_url\":{"
	    "\"url\":\"https://a.b/c\",\"detail\":\"low\"}}"),
	    "dropped messages[0].content[0].image_url.detail" },
	{ WT_OC, WT_GE, OC_PART("{\"type\":\"text\",\"text\":\"t\","
	    "\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}"),
	    "dropped messages[0].content[0].prompt_cache_breakpoint" },
	{ WT_OC, WT_AN, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
	    "\"name\":\"n\",\"content\":\"hi\"}]}",
	    "dropped messages[0].name" },
};

/* As wt_told, but what is ignored counts, too, and no is no surprise. */
static bool
told(const char *line)
{
	const struct loss_item	*it;

	for (it = wt_loss.first; it != NULL; it = it->next)
		if (str_is(arena_strf(&wt_arena, "%s %.*s",
		    loss_action_name(it->action), STR_FMT(it->path)), line))
			return true;
	return false;
}

static void
test_lost(void)
{
	size_t	 i;

	for (i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		ok(wt_request(lost[i].from, lost[i].to, lost[i].body) == 0 &&
		    told(lost[i].path), "%s to %s: %s", lost[i].from->name,
		    lost[i].to->name, lost[i].path);
	ok(wt_request(WT_OC, WT_AN, lost[i - 1].body) == 0 && wt_loss.n == 1,
	    "a name is told once");
	for (i = 0; i < 4; i++)
		ok(wt_request(WT_OC, all[i], OC(",\"modalities\":[\"text\"],"
		    "\"stream\":true,\"stream_options\":{\"include_usage\":"
		    "true}")) == 0 && wt_nothing_lost(),
		    "what happens anyway is no loss for %s", all[i]->name);
}

/* --- the choice of a tool ------------------------------------------------- */

#define TOOL(t)	",\"tools\":[{\"type\":\"function\",\"name\":\"f\"," \
	"\"parameters\":" SCHEMA "}," t "]"
#define CHOICE(c)	",\"tool_choice\":" c

static void
test_choice(void)
{
	static const char *const named[] = { "\"tool_choice\":{\"type\":"
	    "\"function\",\"function\":{\"name\":\"shell\"}}", NULL,
	    "\"tool_choice\":{\"type\":\"tool\",\"name\":\"shell\"}",
	    "\"allowedFunctionNames\":[\"shell\"]" };
	size_t	 k;

	for (k = 0; k < 4; k++) {
		if (all[k] == WT_OR)
			continue;
		ok(wt_request(WT_OR, all[k], OR(TOOL("{\"type\":\"shell\"}")
		    CHOICE("{\"type\":\"shell\"}"))) == 0 && wt_has(named[k]) &&
		    !told("approximated tool_choice"),
		    "the shell is chosen as a function, %s", all[k]->name);
		ok(wt_request(WT_OR, all[k], OR(TOOL("{\"type\":\"shell\"}")
		    CHOICE("{\"type\":\"mcp\",\"server_label\":\"l\"}"))) ==
		    0 && wt_hasnt("mcp") &&
		    told("approximated tool_choice"),
		    "what is not there is not chosen, %s", all[k]->name);
		ok(wt_request(WT_OR, all[k], OR(TOOL("{\"type\":"
		    "\"web_search\"}") CHOICE("{\"type\":\"allowed_tools\","
		    "\"mode\":\"auto\",\"tools\":[{\"type\":\"web_search\"}]}"
		    ))) == 0 && told("approximated tool_choice"),
		    "tools allowed by type are told, %s", all[k]->name);
		ok(wt_request(WT_OR, all[k], OR(TOOL("{\"type\":"
		    "\"web_search\"}") CHOICE("{\"type\":\"allowed_tools\","
		    "\"mode\":\"required\",\"tools\":[{\"type\":"
		    "\"web_search\"}]}"))) == 0 &&
		    told("refused tool_choice"),
		    "no function is forced instead of them, %s", all[k]->name);
	}
	ok(wt_request(WT_OC, WT_OR, OC(",\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"f\"}}],\"tool_choice\":{\"type\":"
	    "\"function\",\"function\":{\"name\":\"g\"}}")) == 0 &&
	    wt_has("\"tool_choice\":\"auto\"") &&
	    told("approximated tool_choice"), "nor by Responses");
}

/* --- what providers take -------------------------------------------------- */

static void
test_taken(void)
{
	char	 user[400];

	ok(wt_request(WT_OC, WT_GE, OC(",\"seed\":12345678901")) == 0 &&
	    wt_has("\"seed\":1608260661") && told("approximated seed"),
	    "a seed of 32 bits for Gemini");
	ok(wt_request(WT_OC, WT_GE, OC(",\"seed\":-5")) == 0 &&
	    wt_has("\"seed\":-5") && wt_nothing_lost(), "a small one stays");
	memset(user, 'u', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	ok(wt_request(WT_OC, WT_AN, arena_strf(&wt_arena,
	    OC(",\"user\":\"%s\""), user).p) == 0 && wt_hasnt(user) &&
	    wt_has("\"user_id\":\"user_") && told("approximated user"),
	    "a digest of a long user for Anthropic");
	ok(wt_request(WT_OC, WT_OR, OC(",\"safety_identifier\":\"s\"")) == 0 &&
	    wt_has("\"safety_identifier\":\"s\"") && wt_hasnt("\"user\":\"s") &&
	    wt_request(WT_OR, WT_OC, OR(",\"safety_identifier\":\"s\"")) == 0 &&
	    wt_has("\"safety_identifier\":\"s\"") && wt_nothing_lost(),
	    "a safety identifier keeps its name between OpenAI's APIs");
	ok(wt_request(WT_OC, WT_OR, OC(",\"stream\":true,\"stream_options\":"
	    "{\"include_obfuscation\":false}")) == 0 &&
	    wt_has("\"stream_options\":{\"include_obfuscation\":false}") &&
	    wt_nothing_lost() && wt_request(WT_OR, WT_OC, OR(",\"stream\":"
	    "true,\"stream_options\":{\"include_obfuscation\":false}")) == 0 &&
	    wt_has("\"stream_options\":{\"include_obfuscation\":false,"
	    "\"include_usage\":true}") && wt_nothing_lost(),
	    "so do options of the stream");
}

/* A request for a model that is not wt_model's. */
static int
request_model(const struct dialect *from, const struct dialect *to,
    const char *model, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = to,
				     .model = str_of(model) };

	wt_fresh();
	return convert_request(&wt_arena, &o, str_of(body), &wt_path, &wt_out,
	    &wt_loss, &wt_err);
}

#define OC_FN	",\"tools\":[{\"type\":\"function\",\"function\":{" \
	"\"name\":\"f\"}}]"
#define OC_SCHEMA	",\"response_format\":{\"type\":\"json_schema\"," \
	"\"json_schema\":{\"name\":\"n\",\"schema\":" SCHEMA "}}"

static void
test_words(void)
{
	ok(request_model(WT_OC, WT_GE, "gemini-2.5-flash", OC(OC_FN OC_SCHEMA))
	    == 0 && wt_has("\"systemInstruction\":{\"parts\":[{\"text\":"
	    "\"When you call no function, answer only with JSON, without any "
	    "text around it, that fits this schema: {\\\"type\\\":") &&
	    wt_hasnt("responseMimeType") &&
	    told("approximated response_format"),
	    "beside functions a schema is told in words");
	ok(request_model(WT_OR, WT_GE, "gemini-2.5-flash", OR(
	    ",\"instructions\":\"I\",\"tools\":[{\"type\":\"function\","
	    "\"name\":\"f\"}],\"text\":{\"format\":{\"type\":"
	    "\"json_object\"}}")) == 0 && wt_has("{\"text\":\"I\"},{"
	    "\"text\":\"When you call no function") &&
	    told("approximated text.format"), "so is JSON of any kind");
	ok(request_model(WT_OC, WT_GE, "gemini-2.5-flash", OC(OC_SCHEMA)) == 0
	    && wt_has("responseMimeType") && wt_hasnt("systemInstruction"),
	    "not where it can be asked for");
}

/* Items that stand alone are not in the user's mouth. */
static void
test_items(void)
{
	size_t	 k;

	for (k = 0; k < 4; k++)
		ok(all[k] == WT_OR || (wt_request(WT_OR, all[k], "{\"model\":"
		    "\"m\",\"input\":[{\"role\":\"user\",\"content\":\"hi\"},{"
		    "\"type\":\"mcp_approval_response\","
		    "\"approval_request_id\":\"a\",\"approve\":true}]}") == 0 &&
		    wt_hasnt("approve") && told("dropped input[1]")),
		    "an approval is left out for %s", all[k]->name);
}

#define OC_SEARCH	",\"web_search_options\":{\"user_location\":{" \
	"\"type\":\"approximate\",\"approximate\":{\"country\":\"DE\"}}," \
	"\"search_context_size\":\"high\"}"
#define DE	"\"user_location\":{\"type\":\"approximate\"," \
	"\"country\":\"DE\"}"

/* Chat Completions alone has no tool for it. */
static void
test_web_search(void)
{
	ok(wt_request(WT_OC, WT_OR, OC(OC_SEARCH)) == 0 &&
	    wt_has("{\"type\":\"web_search\"," DE
	    ",\"search_context_size\":\"high\"}") && wt_loss.n == 1 &&
	    told("approximated web_search_options"),
	    "a search of Chat's is a tool of Responses");
	ok(wt_request(WT_OC, WT_AN, OC(OC_SEARCH)) == 0 &&
	    wt_has("\"name\":\"web_search\"," DE "}") &&
	    told("dropped web_search_options.search_context_size"),
	    "and of Anthropic");
	ok(wt_request(WT_OC, WT_GE, OC(",\"web_search_options\":{}")) == 0 &&
	    wt_has("\"tools\":[{\"googleSearch\":{}}]") &&
	    wt_loss.n == 1, "and Gemini's, also without options");
	ok(wt_request(WT_OC, WT_GE, OC(OC_SEARCH OC_FN)) == 0 &&
	    wt_hasnt("googleSearch") && told("dropped web_search_options"),
	    "but not beside functions");
	ok(wt_request(WT_OC, WT_OC, OC(OC_SEARCH)) == 0 &&
	    wt_has("\"approximate\":{\"country\"") && wt_hasnt("tools"),
	    "Chat itself has it as it was");
}

#define MARK	",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}"
#define TEXT(t)	"{\"type\":\"text\",\"text\":\"" t "\"" MARK "}"
#define INPUT(t)	"{\"type\":\"input_text\",\"text\":\"" t "\"" MARK "}"

/* Both of OpenAI's APIs have them. */
static void
test_marks(void)
{
	ok(wt_request(WT_OC, WT_OR, "{\"model\":\"m\",\"messages\":[{\"role\":"
	    "\"system\",\"content\":\"s\"},{\"role\":\"developer\","
	    "\"content\":[" TEXT("d") "]},{\"role\":\"user\",\"content\":["
	    TEXT("u") "]},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
	    "\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
	    "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
	    "\"c\",\"content\":[" TEXT("r") "]}]}") == 0 &&
	    wt_has("\"instructions\":\"s\"") && wt_has("\"role\":"
	    "\"developer\",\"content\":[" INPUT("d") "]") &&
	    wt_has("\"content\":[" INPUT("u") "]") &&
	    wt_has("\"output\":[" INPUT("r") "]") && wt_nothing_lost(),
	    "marks for the cache stay where they are");
	ok(wt_request(WT_OC, WT_OR, "{\"model\":\"m\",\"messages\":[{\"role\":"
	    "\"user\",\"content\":\"u\"},{\"role\":\"assistant\","
	    "\"content\":[" TEXT("a") "]},{\"role\":\"user\",\"content\":"
	    "\"v\"}]}") == 0 && wt_hasnt("breakpoint") &&
	    told("dropped messages[1].content[0].prompt_cache_breakpoint"),
	    "but for what the model has said");
	ok(wt_request(WT_OR, WT_OC, "{\"model\":\"m\",\"input\":[{\"role\":"
	    "\"developer\",\"content\":[" INPUT("d") "]},{\"role\":"
	    "\"user\",\"content\":[" INPUT("u") ",{\"type\":"
	    "\"input_image\",\"image_url\":\"https://a.b/c\"" MARK "}]},{"
	    "\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
	    "\"arguments\":\"{}\"},{\"type\":\"function_call_output\","
	    "\"call_id\":\"c\",\"output\":[" INPUT("r") "]}]}") == 0 &&
	    wt_has("\"role\":\"developer\",\"content\":[" TEXT("d") "]") &&
	    wt_has("\"content\":[" TEXT("u") ",{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"https://a.b/c\"}" MARK "}]") &&
	    wt_has("\"tool_call_id\":\"c\",\"content\":[" TEXT("r") "]") &&
	    wt_nothing_lost(), "and back");
}

static void
test_vital(void)
{
	size_t	 k;

	for (k = 0; k < 4; k++)
		ok(all[k] == WT_OR || (wt_request(WT_OR, all[k], "{\"model\":"
		    "\"m\",\"previous_response_id\":\"resp_1\",\"input\":[{"
		    "\"type\":\"function_call_output\",\"call_id\":\"c\","
		    "\"output\":\"r\"}]}") == -1 && strcmp(wt_err.param,
		    "previous_response_id") == 0),
		    "what stands for the messages is named, %s", all[k]->name);
}

/* --- a search for tools by the client -------------------------------------- */

#define SEARCH	"{\"type\":\"tool_search\",\"execution\":\"client\"," \
	"\"description\":\"Find more.\",\"parameters\":{\"type\":" \
	"\"object\",\"properties\":{\"goal\":{\"type\":\"string\"}}}}"
#define SEARCHED(how)	"{\"model\":\"m\",\"input\":[{\"role\":\"user\"," \
	"\"content\":\"hi\"},{\"type\":\"tool_search_call\",\"id\":" \
	"\"tsc_1\",\"call_id\":\"s1\",\"execution\":\"" how "\"," \
	"\"arguments\":{\"goal\":\"mail\"},\"status\":\"completed\"},{" \
	"\"type\":\"tool_search_output\",\"call_id\":\"s1\"," \
	"\"execution\":\"" how "\",\"status\":\"completed\",\"tools\":[{" \
	"\"type\":\"namespace\",\"name\":\"mail\",\"tools\":[{\"type\":" \
	"\"function\",\"name\":\"send\",\"parameters\":" SCHEMA "}]},{" \
	"\"type\":\"function\",\"name\":\"list\",\"parameters\":" SCHEMA \
	"}]}],\"tools\":[" SEARCH "]}"

static void
test_search(void)
{
	static const char *const call[] = { "\"function\":{\"name\":"
	    "\"tool_search\",\"arguments\":\"{\\\"goal\\\":"
	    "\\\"mail\\\"}\"", NULL, "\"name\":\"tool_search\",\"input\":"
	    "{\"goal\":\"mail\"}", "\"name\":\"tool_search\",\"args\":{"
	    "\"goal\":\"mail\"}" };
	size_t	 k;

	for (k = 0; k < 4; k++) {
		if (all[k] == WT_OR)
			continue;
		ok(wt_request(WT_OR, all[k], SEARCHED("client")) == 0 &&
		    wt_has(call[k]) && wt_has("Find more.") &&
		    wt_has("can be called now: send, list") &&
		    wt_has("\"name\":\"send\"") &&
		    wt_has("\"name\":\"list\"") && wt_loss.n == 1 &&
		    told("approximated tools[0]"),
		    "a search by the client is a function for %s",
		    all[k]->name);
		ok(wt_request(WT_OR, all[k], SEARCHED("server")) == 0 &&
		    wt_hasnt("can be called now") &&
		    wt_has("\"name\":\"send\"") && told("dropped input[1]"),
		    "one by the provider is none for %s", all[k]->name);
	}
	ok(wt_request(WT_OR, WT_OR, SEARCHED("client")) == 0 &&
	    wt_has("tool_search_output") && wt_has("tsc_1") &&
	    wt_nothing_lost(), "untouched at openai");
}

int
main(void)
{
	wt_init();
	test_lost();
	test_choice();
	test_taken();
	test_words();
	test_items();
	test_web_search();
	test_marks();
	test_vital();
	test_search();
	wt_release();
	return done();
}
