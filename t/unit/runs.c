/*
 * What providers' own tools did, in answers and in the turns after them.
 */
#include "wire_test.h"
#include "wire/server_tool.h"

#define AN_END	"],\"stop_reason\":\"end_turn\",\"stop_sequence\":null," \
	"\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}"
#define AN_MSG	"{\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\"," \
	"\"model\":\"c\",\"content\":["
#define AN_SEARCH "{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_1\"," \
	"\"name\":\"web_search\",\"input\":{\"query\":\"sun\"}}," \
	"{\"type\":\"web_search_tool_result\",\"tool_use_id\":" \
	"\"srvtoolu_1\",\"content\":[{\"type\":\"web_search_result\"," \
	"\"url\":\"https://a\",\"title\":\"A\",\"encrypted_content\":\"x\"," \
	"\"page_age\":null}]}"
#define AN_BASH	"{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_2\"," \
	"\"name\":\"bash_code_execution\",\"input\":{\"command\":\"ls\"}}," \
	"{\"type\":\"bash_code_execution_tool_result\",\"tool_use_id\":" \
	"\"srvtoolu_2\",\"content\":{\"type\":\"bash_code_execution_result\"," \
	"\"stdout\":\"a\\nb\",\"stderr\":\"\",\"return_code\":0," \
	"\"content\":[]}}"
#define AN_FETCH "{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_3\"," \
	"\"name\":\"web_fetch\",\"input\":{\"url\":\"https://p\"}}," \
	"{\"type\":\"web_fetch_tool_result\",\"tool_use_id\":" \
	"\"srvtoolu_3\",\"content\":{\"type\":\"web_fetch_result\"," \
	"\"url\":\"https://p\",\"content\":{\"type\":\"document\"," \
	"\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\"," \
	"\"data\":\"page\"},\"title\":\"P\"},\"retrieved_at\":null}}"
#define AN_TEXT	"{\"type\":\"text\",\"text\":\"hi\"}"

#define OR_SEARCH "{\"id\":\"ws_1\",\"type\":\"web_search_call\"," \
	"\"status\":\"completed\",\"action\":{\"type\":\"search\"," \
	"\"query\":\"sun\",\"sources\":[{\"type\":\"url\",\"url\":" \
	"\"https://a\"}]}}"
#define OR_CODE "{\"id\":\"ci_1\",\"type\":\"code_interpreter_call\"," \
	"\"status\":\"completed\",\"container_id\":\"cntr_1\",\"code\":" \
	"\"print(1)\",\"outputs\":[{\"type\":\"logs\",\"logs\":\"1\"}]}"
#define OR_FILES "{\"id\":\"fs_1\",\"type\":\"file_search_call\"," \
	"\"status\":\"completed\",\"queries\":[\"q\"],\"results\":[{" \
	"\"file_id\":\"f\",\"filename\":\"a.txt\",\"score\":1,\"text\":" \
	"\"found\"}]}"
#define OR_IMAGE "{\"id\":\"ig_1\",\"type\":\"image_generation_call\"," \
	"\"status\":\"completed\",\"output_format\":\"webp\",\"result\":" \
	"\"aGk=\"}"
#define OR_RESP(items) "{\"id\":\"resp_1\",\"object\":\"response\"," \
	"\"created_at\":1,\"status\":\"completed\",\"model\":\"g\"," \
	"\"output\":[" items "]}"

#define GE_PARTS(p, more) "{\"candidates\":[{\"content\":{\"role\":" \
	"\"model\",\"parts\":[" p "]},\"finishReason\":\"STOP\"" more "}]}"
#define GE_CODE "{\"executableCode\":{\"language\":\"PYTHON\",\"code\":" \
	"\"print(1)\"}},{\"codeExecutionResult\":{\"outcome\":" \
	"\"OUTCOME_OK\",\"output\":\"1\"}}"
#define GE_GROUND ",\"groundingMetadata\":{\"webSearchQueries\":[\"sun\"]," \
	"\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\",\"title\":" \
	"\"A\"}}]}"
#define GE_URLS	",\"urlContextMetadata\":{\"urlMetadata\":[{" \
	"\"retrievedUrl\":\"https://p\",\"urlRetrievalStatus\":" \
	"\"URL_RETRIEVAL_STATUS_SUCCESS\"}]}"

static int
plain(const struct dialect *from, const struct dialect *to, const char *s)
{
	return wt_answer(from, to, FRAME_NONE, FRAME_NONE, s);
}

static int
streamed(const struct dialect *from, const struct dialect *to, const char *s)
{
	return wt_answer(from, to, FRAME_NONE, FRAME_SSE, s);
}

static void
test_anthropic(void)
{
	static const char	 all[] = AN_MSG AN_SEARCH "," AN_BASH ","
				    AN_FETCH "," AN_TEXT AN_END;

	ok(plain(WT_AN, WT_OR, all) == 0 &&
	    wt_has("\"type\":\"web_search_call\",\"status\":\"completed\","
	    "\"action\":{\"type\":\"search\",\"query\":\"sun\",\"queries\":"
	    "[\"sun\"],\"sources\":[{\"type\":\"url\",\"url\":\"https://a\"}"
	    "]}}") && wt_has("\"type\":\"code_interpreter_call\",\"status\":"
	    "\"completed\",\"code\":\"ls\"") && wt_has("\"outputs\":[{\"type\""
	    ":\"logs\",\"logs\":\"a\\nb\"}]") && wt_has("\"action\":{\"type\":"
	    "\"open_page\",\"url\":\"https://p\"}") &&
	    wt_lost("response.content[5]"),
	    "runs: three of anthropic's as items");
	ok(streamed(WT_AN, WT_OR, all) == 0 &&
	    wt_has("event: response.web_search_call.in_progress") &&
	    wt_has("event: response.web_search_call.searching") &&
	    wt_has("event: response.web_search_call.completed") &&
	    wt_has("event: response.code_interpreter_call_code.done") &&
	    wt_has("\"output_index\":3"), "runs: with their stages in a stream");
	ok(plain(WT_AN, WT_GE, all) == 0 &&
	    wt_has("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":"
	    "\"ls\"}},{\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\","
	    "\"output\":\"a\\nb\"}}") && wt_has("\"webSearchQueries\":"
	    "[\"sun\"]") && wt_has("\"retrievedUrl\":\"https://p\""),
	    "runs: as gemini's parts and metadata");
	ok(streamed(WT_AN, WT_GE, all) == 0 && wt_has("executableCode") &&
	    wt_has("\"webSearchQueries\":[\"sun\"],\"groundingChunks\":[{"),
	    "runs: in gemini's stream");
	ok(plain(WT_AN, WT_OC, all) == 0 && wt_has("\"content\":\"hi\"") &&
	    wt_lost("dropped"), "runs: chat has no form, told");
	ok(plain(WT_AN, WT_OR, AN_MSG "{\"type\":\"server_tool_use\",\"id\":"
	    "\"srvtoolu_1\",\"name\":\"web_search\",\"input\":{\"query\":"
	    "\"sun\"}}],\"stop_reason\":\"pause_turn\",\"usage\":{}}") == 0 &&
	    wt_has("web_search_call") && wt_lost("gave no result"),
	    "runs: a turn that paused within a call");
}

static void
test_responses(void)
{
	static const char	 all[] = OR_RESP(OR_SEARCH "," OR_CODE);

	ok(plain(WT_OR, WT_AN, all) == 0 &&
	    wt_has("{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_pxd") &&
	    wt_has("\"name\":\"web_search\",\"input\":{\"query\":\"sun\"}}") &&
	    wt_has("{\"type\":\"web_search_tool_result\",\"tool_use_id\":"
	    "\"srvtoolu_pxd") && wt_has("\"input\":{\"code\":\"print(1)\"}") &&
	    wt_has("\"stdout\":\"1\""), "runs: responses' items as blocks");
	ok(streamed(WT_OR, WT_AN, all) == 0 &&
	    wt_has("\"index\":0,\"content_block\":{\"type\":"
	    "\"server_tool_use\"") && wt_has("\"index\":3,\"content_block\":{"
	    "\"type\":\"code_execution_tool_result\"") &&
	    wt_has("{\"type\":\"content_block_stop\",\"index\":3}"),
	    "runs: blocks in a stream");
	ok(plain(WT_OR, WT_GE, all) == 0 && wt_has("executableCode") &&
	    wt_has("webSearchQueries"), "runs: responses' items for gemini");
	ok(plain(WT_OR, WT_AN, OR_RESP(OR_FILES)) == 0 &&
	    wt_hasnt("server_tool_use") && wt_lost("dropped"),
	    "runs: a search of files has no form, told");
	ok(plain(WT_OR, WT_GE, OR_RESP(OR_IMAGE)) == 0 &&
	    wt_has("\"inlineData\":{\"mimeType\":\"image/webp\",\"data\":"
	    "\"aGk=\"}"), "an image that was made is an image");
	ok(plain(WT_OR, WT_OC, OR_RESP(OR_IMAGE)) == 0 &&
	    wt_has("aGk="), "also in chat");
	ok(plain(WT_OR, WT_AN, OR_RESP(OR_IMAGE)) == 0 &&
	    wt_lost("answers hold no media"), "anthropic has none, told");
}

static void
test_gemini(void)
{
	static const char	 text[] = GE_PARTS(GE_CODE ",{\"text\":\"hi\"}",
				    GE_GROUND GE_URLS);

	ok(plain(WT_GE, WT_AN, text) == 0 &&
	    wt_has("\"name\":\"code_execution\",\"input\":{\"code\":"
	    "\"print(1)\"}}") && wt_has("\"stdout\":\"1\"") &&
	    wt_has("\"name\":\"web_search\",\"input\":{\"query\":\"sun\"}}") &&
	    wt_has("{\"type\":\"web_search_result\",\"url\":\"https://a\","
	    "\"title\":\"A\"") && wt_has("\"name\":\"web_fetch\",\"input\":{"
	    "\"url\":\"https://p\"}"), "runs: gemini's for anthropic");
	ok(streamed(WT_GE, WT_AN, text) == 0 && wt_has("web_search_result") &&
	    wt_has("code_execution_tool_result") && wt_has("web_fetch_result"),
	    "runs: gemini's in anthropic's stream");
	ok(plain(WT_GE, WT_OR, text) == 0 && wt_has("code_interpreter_call") &&
	    wt_has("\"query\":\"sun\"") && wt_has("open_page"),
	    "runs: gemini's for responses");
	ok(streamed(WT_GE, WT_OR, text) == 0 &&
	    wt_has("response.code_interpreter_call.completed") &&
	    wt_has("response.web_search_call.completed"),
	    "runs: gemini's in responses' stream");
}

/* --- the turn after ------------------------------------------------------- */

#define AN_AGAIN(blocks) "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{" \
	"\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\"," \
	"\"content\":[" blocks "]},{\"role\":\"user\",\"content\":\"go\"}]}"
#define OURS	"{\"type\":\"server_tool_use\",\"id\":\"srvtoolu_pxd1\"," \
	"\"name\":\"code_execution\",\"input\":{\"code\":\"print(1)\"}}," \
	"{\"type\":\"code_execution_tool_result\",\"tool_use_id\":" \
	"\"srvtoolu_pxd1\",\"content\":{\"type\":\"code_execution_result\"," \
	"\"stdout\":\"1\",\"stderr\":\"\",\"return_code\":0,\"content\":[]}}"
#define CITED(index) "{\"type\":\"text\",\"text\":\"sun\",\"citations\":[{" \
	"\"type\":\"web_search_result_location\",\"url\":\"https://a\"," \
	"\"title\":\"A\",\"encrypted_index\":\"" index "\",\"cited_text\":" \
	"\"q\"}]}"

static void
test_again(void)
{
	const struct dialect	*to[] = { WT_OC, WT_OR, WT_GE };
	size_t			 i;

	for (i = 0; i < 3; i++)
		ok(wt_request(WT_AN, to[i], AN_AGAIN(AN_SEARCH "," AN_TEXT))
		    == 0 && wt_has("[searched the web for \\\"sun\\\"]") &&
		    wt_has("[found\\nhttps://a A]") && wt_lost("told as text"),
		    "again: a search is told to %s", to[i]->name);
	ok(wt_request(WT_AN, WT_AN, AN_AGAIN(AN_SEARCH "," CITED("x"))) == 0 &&
	    wt_has(AN_SEARCH) && wt_has(CITED("x")),
	    "again: at its own provider it is as it was");
	ok(wt_request(WT_AN, WT_GE, AN_AGAIN(OURS)) == 0 &&
	    wt_has("{\"executableCode\":{\"language\":\"PYTHON\",\"code\":"
	    "\"print(1)\"}}") && wt_has("{\"codeExecutionResult\":{\"outcome\""
	    ":\"OUTCOME_OK\",\"output\":\"1\"}}"),
	    "again: gemini's code is gemini's once more");
	ok(wt_request(WT_AN, WT_AN, AN_AGAIN(OURS "," CITED(""))) == 0 &&
	    wt_hasnt("srvtoolu_pxd") && wt_has("[ran code:\\nprint(1)\\n]") &&
	    wt_has("{\"type\":\"text\",\"text\":\"sun\"}") &&
	    wt_hasnt("encrypted_index"),
	    "again: what anthropic never made is text there");
	ok(wt_request(WT_OR, WT_AN, "{\"model\":\"m\",\"input\":[{\"role\":"
	    "\"user\",\"content\":\"q\"}," OR_SEARCH "," OR_FILES ",{\"role\":"
	    "\"user\",\"content\":\"go\"}]}") == 0 &&
	    wt_has("[searched the web for") && wt_has("[searched files for") &&
	    wt_has("a.txt"), "again: responses' items for anthropic");
	ok(wt_request(WT_OR, WT_OR, "{\"model\":\"m\",\"input\":[{\"role\":"
	    "\"user\",\"content\":\"q\"},{\"id\":\"ws_pxd1\",\"type\":"
	    "\"web_search_call\",\"status\":\"completed\",\"action\":{"
	    "\"type\":\"search\",\"query\":\"sun\"}}," OR_CODE "]}") == 0 &&
	    wt_hasnt("ws_pxd1") && wt_has(OR_CODE) && wt_has("{\"role\":"
	    "\"assistant\",\"content\":\"[searched the web for"),
	    "again: what openai never made is text there");
	ok(wt_request(WT_GE, WT_OC, "{\"contents\":[{\"role\":\"user\","
	    "\"parts\":[{\"text\":\"q\"}]},{\"role\":\"model\",\"parts\":["
	    GE_CODE "]},{\"role\":\"user\",\"parts\":[{\"text\":\"go\"}]}]}")
	    == 0 && wt_has("[ran code:") && wt_has("[its output:\\n1]"),
	    "again: gemini's code for chat");
}

/* --- tools of responses that the client runs ------------------------------ */

#define OR_TOOLS "\"tools\":[{\"type\":\"local_shell\"},{\"type\":" \
	"\"shell\",\"environment\":{\"type\":\"local\"}},{\"type\":" \
	"\"apply_patch\"},{\"type\":\"tool_search\",\"execution\":" \
	"\"client\"}]"
#define OR_ASK	"{\"model\":\"m\",\"input\":\"hi\"," OR_TOOLS "}"
#define OR_RUN	"{\"model\":\"m\"," OR_TOOLS ",\"input\":[{\"role\":" \
	"\"user\",\"content\":\"q\"},{\"type\":\"local_shell_call\"," \
	"\"id\":\"lsh_1\",\"call_id\":\"call_1\",\"status\":" \
	"\"completed\",\"action\":{\"type\":\"exec\",\"command\":[" \
	"\"ls\"],\"env\":{}}},{\"type\":\"shell_call\",\"call_id\":" \
	"\"call_2\",\"action\":{\"commands\":[\"pwd\"]},\"status\":" \
	"\"completed\"},{\"type\":\"apply_patch_call\",\"call_id\":" \
	"\"call_3\",\"status\":\"completed\",\"operation\":{\"type\":" \
	"\"delete_file\",\"path\":\"a\"}},{\"type\":" \
	"\"local_shell_call_output\",\"id\":\"call_1\",\"output\":" \
	"\"one\"},{\"type\":\"shell_call_output\",\"call_id\":" \
	"\"call_2\",\"output\":[{\"stdout\":\"two\",\"stderr\":\"\"," \
	"\"outcome\":{\"type\":\"exit\",\"exit_code\":3}}]},{\"type\":" \
	"\"apply_patch_call_output\",\"call_id\":\"call_3\",\"status\":" \
	"\"failed\",\"output\":\"no file\"}]}"

static void
test_client_calls(void)
{
	const struct dialect	*to[] = { WT_AN, WT_OC, WT_GE };
	size_t			 i;

	for (i = 0; i < 3; i++) {
		ok(wt_request(WT_OR, to[i], OR_ASK) == 0 &&
		    wt_loss.refused == 0 && wt_has("\"local_shell\"") &&
		    wt_has("\"shell\"") && wt_has("\"apply_patch\"") &&
		    wt_has("\"commands\":{\"type\":\"array\"") &&
		    wt_lost("described as a function"),
		    "pitfall-35: shells and patches are functions of %s",
		    to[i]->name);
		ok(wt_request(WT_OR, to[i], OR_RUN) == 0 && wt_has("ls") &&
		    wt_has("one") && wt_has("two[exit code 3]") &&
		    wt_has("delete_file") && wt_has("no file") &&
		    wt_loss.refused == 0,
		    "pitfall-35: their calls and outputs, for %s",
		    to[i]->name);
	}
	ok(wt_request(WT_OR, WT_AN, OR_RUN) == 0 &&
	    wt_has("\"name\":\"local_shell\",\"input\":{\"command\":"
	    "[\"ls\"],\"env\":{}}") && wt_has("\"is_error\":true"),
	    "pitfall-35: as what the function was called with");
	ok(wt_request(WT_OR, WT_OR, OR_RUN) == 0 && wt_has("lsh_1") &&
	    wt_has("\"exit_code\":3"), "pitfall-35: untouched at openai");
}

static struct json		 asked_json;
static struct ir_request	 asked;

/* The answer of a dialect to a client of Responses that asked OR_ASK. */
static int
answer_to(const struct dialect *from, enum framing out, const char *bytes)
{
	struct convert_opts	 o = { .from = from, .to = WT_OR,
				     .out = out, .rq = &asked };

	wt_fresh();
	json_release(&asked_json);
	json_init(&asked_json);
	if (json_parse(&asked_json, STR(OR_ASK), NULL) == -1)
		return -1;
	ir_request_init(&asked, &wt_arena, WT_OR, &asked_json);
	if (WT_OR->request_decode(&asked, &wt_err) == -1)
		return -1;
	return convert_response(&wt_arena, &o, str_of(bytes), &wt_out,
	    &wt_loss, &wt_err);
}

#define AN_USES	AN_MSG "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":" \
	"\"local_shell\",\"input\":{\"command\":\"ls -l\"}},{\"type\":" \
	"\"tool_use\",\"id\":\"t2\",\"name\":\"shell\",\"input\":{" \
	"\"commands\":[\"pwd\"],\"timeout_ms\":5}},{\"type\":\"tool_use\"," \
	"\"id\":\"t3\",\"name\":\"apply_patch\",\"input\":{\"type\":" \
	"\"create_file\",\"path\":\"a\",\"diff\":\"+x\"}},{\"type\":" \
	"\"tool_use\",\"id\":\"t4\",\"name\":\"tool_search\",\"input\":" \
	"{\"query\":\"mail\"}}" AN_END

static void
test_client_items(void)
{
	static const char *const whole[] = {
	    "\"type\":\"local_shell_call\",\"status\":\"completed\","
	    "\"call_id\":\"t1\",\"action\":{\"type\":\"exec\",\"env\":{},"
	    "\"command\":[\"bash\",\"-lc\",\"ls -l\"]}",
	    "\"type\":\"shell_call\",\"status\":\"completed\","
	    "\"call_id\":\"t2\",\"action\":{\"max_output_length\":null,"
	    "\"commands\":[\"pwd\"],\"timeout_ms\":5}",
	    "\"type\":\"apply_patch_call\",\"status\":\"completed\","
	    "\"call_id\":\"t3\",\"operation\":{\"type\":\"create_file\","
	    "\"path\":\"a\",\"diff\":\"+x\"}",
	    "\"type\":\"tool_search_call\",\"status\":\"completed\","
	    "\"call_id\":\"t4\",\"execution\":\"client\",\"arguments\":{"
	    "\"query\":\"mail\"}" };
	size_t	 i;

	for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		ok(answer_to(WT_AN, FRAME_NONE, AN_USES) == 0 &&
		    wt_has(whole[i]), "pitfall-35: call %zu as its item", i);
		ok(answer_to(WT_AN, FRAME_SSE, AN_USES) == 0 &&
		    wt_has(whole[i]) && wt_hasnt("function_call"),
		    "pitfall-35: call %zu in a stream", i);
	}
	json_release(&asked_json);
}

/* --- what agents send besides --------------------------------------------- */

#define OR_IN(items, tools) "{\"model\":\"m\",\"input\":[{\"role\":" \
	"\"user\",\"content\":\"q\"}," items "],\"tools\":[" tools "]}"
#define FN(name) "{\"type\":\"function\",\"name\":\"" name "\"," \
	"\"parameters\":{\"type\":\"object\"}}"

static void
test_agents(void)
{
	const struct dialect	*to[] = { WT_AN, WT_OC, WT_GE };
	static const char *const gone[] = { "{\"type\":\"item_reference\","
	    "\"id\":\"msg_1\"}", "{\"id\":\"fc_1\"}",
	    "{\"type\":\"compaction\",\"id\":\"c\","
	    "\"encrypted_content\":\"x\"}" };
	size_t			 i, k;

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++)
			ok(wt_request(WT_OR, to[i], arena_strf(&wt_arena,
			    OR_IN("%s", FN("f")), gone[k]).p) == 0 &&
			    wt_loss.refused == 1 && wt_lost("input[1]") &&
			    wt_lost("stands for messages"),
			    "agents: what stands for messages is refused, "
			    "%zu for %s", k, to[i]->name);
		ok(wt_request(WT_OR, to[i], OR_IN("{\"type\":"
		    "\"additional_tools\",\"tools\":[" FN("late") "]},"
		    "{\"type\":\"tool_search_call\",\"call_id\":\"c9\","
		    "\"execution\":\"server\",\"arguments\":{},\"status\":"
		    "\"completed\"},{\"type\":\"tool_search_output\","
		    "\"call_id\":\"c9\",\"execution\":\"server\","
		    "\"status\":\"completed\",\"tools\":[" FN("found") "]},"
		    "{\"role\":\"user\",\"content\":\"go\"}",
		    "{\"type\":\"namespace\",\"name\":\"crm\",\"tools\":["
		    FN("get") "]},{\"type\":\"tool_search\"}," FN("df"))) ==
		    0 && wt_loss.refused == 0 && wt_has("\"late\"") &&
		    wt_has("\"found\"") && wt_has("\"get\"") &&
		    wt_has("\"df\"") && wt_hasnt("tool_search") &&
		    wt_lost("input[3]") && wt_lost("tool_search"),
		    "agents: tools wherever they stand, for %s", to[i]->name);
		ok(wt_request(WT_OR, to[i], OR_IN("{\"type\":"
		    "\"custom_tool_call\",\"call_id\":\"k\",\"name\":"
		    "\"ap\",\"input\":\"*** a\"},{\"type\":"
		    "\"custom_tool_call_output\",\"call_id\":\"k\","
		    "\"output\":[{\"type\":\"input_text\",\"text\":"
		    "\"done\"},{\"type\":\"input_image\",\"image_url\":"
		    "\"data:image/png;base64,iVBORw0K\"}]}", "{\"type\":"
		    "\"custom\",\"name\":\"ap\"}")) == 0 && wt_has("done") &&
		    wt_has("*** a") && wt_has("iVBORw0K") &&
		    wt_loss.refused == 0,
		    "pitfall-34: a custom tool's output with an image, for %s",
		    to[i]->name);
	}
}

#define AN_AGENT "{\"model\":\"m\",\"max_tokens\":99,\"tools\":[{" \
	"\"type\":\"tool_search_tool_regex_20251119\",\"name\":" \
	"\"tool_search_tool_regex\"},{\"name\":\"a\",\"input_schema\":{" \
	"\"type\":\"object\"},\"defer_loading\":true},{\"name\":" \
	"\"DeferredToolPlaceholder\",\"input_schema\":{\"type\":" \
	"\"object\"},\"defer_loading\":true}],\"context_management\":{" \
	"\"edits\":[{\"type\":\"clear_thinking_20251015\"}]}," \
	"\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":" \
	"\"system\",\"content\":[],\"output_config\":{\"effort\":" \
	"\"low\"}},{\"role\":\"assistant\",\"content\":[{\"type\":" \
	"\"compaction\",\"content\":\"so far\"},{\"type\":\"tool_use\"," \
	"\"id\":\"t1\",\"name\":\"a\",\"input\":{}},{\"type\":" \
	"\"tool_use\",\"id\":\"t2\",\"name\":\"a\",\"input\":{\"x\":1}}" \
	"]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"," \
	"\"tool_use_id\":\"t2\",\"content\":\"two\"},{\"type\":" \
	"\"tool_result\",\"tool_use_id\":\"t1\",\"content\":[{\"type\":" \
	"\"tool_reference\",\"tool_name\":\"a\"}]},{\"type\":\"text\"," \
	"\"text\":\"Tool loaded.\"}]}]}"

static void
test_claude_code(void)
{
	const struct dialect	*to[] = { WT_OC, WT_OR, WT_GE };
	size_t			 i;

	for (i = 0; i < 3; i++)
		ok(wt_request(WT_AN, to[i], AN_AGENT) == 0 &&
		    wt_loss.refused == 0 && wt_has("so far") &&
		    wt_has("The tool a can be called now.") &&
		    wt_has("Tool loaded.") && wt_has("two") &&
		    wt_has("DeferredToolPlaceholder") && wt_has("\"low\"") &&
		    wt_hasnt("defer_loading") && wt_hasnt("tool_search") &&
		    wt_lost("context_management") &&
		    wt_lost("messages[2].content[0]") &&
		    wt_lost("messages[3].content[1].content[0]"),
		    "agents: deferred tools and compaction for %s",
		    to[i]->name);
	ok(wt_request(WT_AN, WT_AN, AN_AGENT) == 0 && wt_loss.n == 0 &&
	    wt_has("{\"type\":\"tool_reference\",\"tool_name\":\"a\"}") &&
	    wt_has("{\"type\":\"compaction\",\"content\":\"so far\"}"),
	    "agents: at their own provider all is as it was");
	for (i = 0; i < 3; i++)
		ok(wt_request(WT_AN, to[i], "{\"model\":\"m\",\"max_tokens\""
		    ":9,\"thread\":{\"type\":\"create\"},\"messages\":[{"
		    "\"role\":\"user\",\"content\":\"q\"}]}") == 0 &&
		    wt_loss.refused == 1 && wt_lost("thread"),
		    "agents: a thread is refused for %s", to[i]->name);
}

/* --- choice, old functions, names that come twice ------------------------- */

#define OC_LEGACY "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"q\"},{\"role\":\"assistant\",\"content\":null," \
	"\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}," \
	"{\"role\":\"function\",\"name\":\"f\",\"content\":\"old\"}]," \
	"\"functions\":[{\"name\":\"f\",\"parameters\":{\"type\":" \
	"\"object\"}}],\"function_call\":{\"name\":\"f\"}}"
#define OC_FN(n) "{\"type\":\"function\",\"function\":{\"name\":\"" n \
	"\",\"parameters\":{\"type\":\"object\"}}}"
#define OC_SUBSET "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
	"\"content\":\"q\"}],\"tools\":[" OC_FN("aaa") "," OC_FN("bbb") \
	"],\"tool_choice\":{\"type\":\"allowed_tools\"," \
	"\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{" \
	"\"type\":\"function\",\"function\":{\"name\":\"aaa\"}}]}}," \
	"\"parallel_tool_calls\":false}"
#define GE_TWICE "{\"contents\":[{\"role\":\"user\",\"parts\":[{" \
	"\"text\":\"q\"}]},{\"role\":\"model\",\"parts\":[{" \
	"\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":1}}},{" \
	"\"functionCall\":{\"name\":\"f\",\"args\":{\"a\":2}}}]},{" \
	"\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":" \
	"\"f\",\"response\":{\"output\":\"one\"}}},{" \
	"\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":" \
	"\"two\"}}}]}]}"

static void
test_choices(void)
{
	const struct dialect	*to[] = { WT_AN, WT_OR, WT_GE };
	size_t			 i;

	for (i = 0; i < 3; i++)
		ok(wt_request(WT_OC, to[i], OC_LEGACY) == 0 &&
		    wt_has("call_legacy_2") && wt_has("old") &&
		    wt_hasnt("\"functions\"") && wt_hasnt("function_call\":{"),
		    "legacy functions for %s", to[i]->name);
	ok(wt_request(WT_OC, WT_AN, OC_SUBSET) == 0 && wt_hasnt("bbb") &&
	    wt_has("{\"type\":\"any\",\"disable_parallel_tool_use\":true}")
	    && wt_lost("only the allowed tools are sent"),
	    "a subset: anthropic gets no others, told");
	ok(wt_request(WT_OC, WT_OR, OC_SUBSET) == 0 && wt_has("bbb") &&
	    wt_has("{\"type\":\"allowed_tools\",\"mode\":\"required\","
	    "\"tools\":[{\"type\":\"function\",\"name\":\"aaa\"}]}"),
	    "a subset: as it is in responses");
	ok(wt_request(WT_OC, WT_GE, OC_SUBSET) == 0 && wt_has("{\"mode\":"
	    "\"ANY\",\"allowedFunctionNames\":[\"aaa\"]}") &&
	    wt_lost("parallel"), "a subset: by names in gemini");
	ok(wt_request(WT_GE, WT_OC, GE_TWICE) == 0 &&
	    wt_has("\"content\":\"one\"},{\"role\":\"tool\"") &&
	    wt_has("\"content\":\"two\"}"), "the same name twice, by order");
}

#define AN_CUSTOM AN_MSG "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":" \
	"\"patch\",\"input\":{\"input\":\"*** a\\nb\"}}" AN_END

/* pitfall-34, the way back: an answer for a client with a custom tool. */
static void
test_custom_back(void)
{
	static const char	 ask[] = "{\"model\":\"m\",\"input\":\"q\","
	    "\"tools\":[{\"type\":\"custom\",\"name\":\"patch\"}]}";
	struct convert_opts	 o = { .from = WT_AN, .to = WT_OR,
				     .rq = &asked };
	enum framing		 out[] = { FRAME_NONE, FRAME_SSE };
	size_t			 i;

	for (i = 0; i < 2; i++) {
		wt_fresh();
		json_release(&asked_json);
		json_init(&asked_json);
		ir_request_init(&asked, &wt_arena, WT_OR, &asked_json);
		o.out = out[i];
		ok(json_parse(&asked_json, STR(ask), NULL) == 0 &&
		    WT_OR->request_decode(&asked, &wt_err) == 0 &&
		    convert_response(&wt_arena, &o, STR(AN_CUSTOM), &wt_out,
		    &wt_loss, &wt_err) == 0 && wt_has("\"type\":"
		    "\"custom_tool_call\"") && wt_has("\"input\":"
		    "\"*** a\\nb\"") && wt_hasnt("\"arguments\""),
		    "pitfall-34: a custom call back, %zu", i);
	}
	json_release(&asked_json);
}

/* --- where it stood ------------------------------------------------------- */

#define GE_CITED ",\"citationMetadata\":{\"citationSources\":[{" \
	"\"startIndex\":0,\"endIndex\":1,\"uri\":\"https://b\"}]}"
#define GE_HALF	"{\"executableCode\":{\"language\":\"PYTHON\"," \
	"\"code\":\"1\"}}"
#define OC_YES "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0," \
	"\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\"," \
	"\"content\":\"yes\"},\"logprobs\":{\"refusal\":[{\"token\":\"no\"," \
	"\"logprob\":-1}]}}]}"
#define OC_NO "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1," \
	"\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":" \
	"\"stop\",\"message\":{\"role\":\"assistant\",\"content\":null," \
	"\"refusal\":\"no\"},\"logprobs\":{\"content\":null,\"refusal\":[{" \
	"\"token\":\"no\",\"logprob\":-1,\"bytes\":null,\"top_logprobs\":" \
	"[]}]}}]}"

/* A line of the report names the member that came, streamed or not. */
static void
test_places(void)
{
	const struct dialect	*to[] = { WT_OC, WT_AN, WT_OR };
	enum framing		 out[] = { FRAME_NONE, FRAME_SSE };
	size_t			 f, i;

	for (f = 0; f < 2; f++) {
		for (i = 0; i < 3; i++)
			ok(wt_answer(WT_GE, to[i], FRAME_NONE, out[f], GE_PARTS(
			    "{\"text\":\"hi\"}", GE_CITED)) == 0 &&
			    wt_has("https://b") && wt_loss.n == 1 &&
			    wt_lost("candidates[0].citationMetadata\""),
			    "citations for %s, %zu", to[i]->name, f);
		ok(wt_answer(WT_GE, WT_OC, FRAME_NONE, out[f], GE_PARTS(
		    "{\"text\":\"hi\"}", GE_URLS)) == 0 &&
		    wt_lost("candidates[0].urlContextMetadata"),
		    "what was read, %zu", f);
		for (i = 1; i < 3; i++)
			ok(wt_answer(WT_GE, to[i], FRAME_NONE, out[f], GE_PARTS(GE_HALF,
			    "")) == 0 && wt_loss.n == 1 &&
			    wt_lost("candidates[0].content.parts[0]\""),
			    "a run without a result for %s, %zu",
			    to[i]->name, f);
		ok(wt_answer(WT_OC, WT_OR, FRAME_NONE, out[f], OC_NO) == 0 &&
		    wt_lost("response.choices[0].logprobs"),
		    "logprobs of a refusal, %zu", f);
		ok(wt_answer(WT_OC, WT_GE, FRAME_NONE, out[f], OC_YES) == 0 &&
		    wt_lost("choices[0].logprobs.refusal"),
		    "logprobs of a refusal that did not come, %zu", f);
		(void)!wt_answer(WT_AN, WT_OC, FRAME_NONE, out[f], "{\"type\":"
		    "\"error\",\"error\":{\"type\":\"api_error\",\"message\":"
		    "\"went wrong\"}}");
		ok(wt_has("went wrong") && wt_loss.n == 0,
		    "an error that is told is no loss, %zu", f);
	}
}

/* --- why it ended, and what files are cited ------------------------------- */

static void
test_stops(void)
{
	static const char	 odd[] = "{\"candidates\":[{\"content\":{"
	    "\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"NEW_ONE\"}]}";
	static const char	 blocked[] = "{\"promptFeedback\":{"
	    "\"blockReason\":\"PROHIBITED_CONTENT\"}}";
	static const char	 two[] = "{\"candidates\":[{\"index\":0,"
	    "\"content\":{\"parts\":[{\"text\":\"one\"}]},"
	    "\"finishReason\":\"STOP\"},{\"index\":1,\"content\":{"
	    "\"parts\":[{\"text\":\"two\"}]},\"finishReason\":"
	    "\"MAX_TOKENS\"}]}";
	const struct dialect	*to[] = { WT_AN, WT_OC, WT_OR };
	enum framing		 out[] = { FRAME_NONE, FRAME_SSE };
	size_t			 i, k;

	for (i = 0; i < 3; i++)
		for (k = 0; k < 2; k++) {
			ok(wt_answer(WT_GE, to[i], FRAME_NONE, out[k], odd) ==
			    0 && wt_lost("'NEW_ONE'"),
			    "stop: an unknown reason is told, for %s %zu",
			    to[i]->name, k);
			ok(wt_answer(WT_GE, to[i], FRAME_NONE, out[k], blocked)
			    == 0 && wt_has(i == 0 ? "\"refusal\"" :
			    "content_filter"),
			    "stop: a blocked prompt, for %s %zu",
			    to[i]->name, k);
			ok(wt_answer(WT_GE, to[i], FRAME_NONE, out[k], two) ==
			    0 && wt_has("one") && (i == 1 ? wt_has("two") &&
			    wt_has("\"length\"") : wt_hasnt("two") &&
			    wt_lost("response.candidates[1]")),
			    "choices: two of them, for %s %zu", to[i]->name,
			    k);
		}
	ok(plain(WT_AN, WT_GE, AN_MSG AN_TEXT "],\"stop_reason\":"
	    "\"strange\",\"usage\":{}}") == 0 && wt_has("\"OTHER\"") &&
	    wt_lost("'strange'"), "stop: an unknown reason for gemini");
	ok(plain(WT_AN, WT_OC, AN_MSG AN_TEXT "],\"stop_reason\":"
	    "\"refusal\",\"usage\":{}}") == 0 && wt_has("content_filter"),
	    "stop: a refusal for chat");
}

#define AN_DOC(t) AN_MSG "{\"type\":\"text\",\"text\":\"sun\"," \
	"\"citations\":[{\"type\":\"" t "\",\"cited_text\":\"q\"," \
	"\"document_index\":0,\"document_title\":\"D\",\"file_id\":" \
	"\"file_1\"}]}" AN_END

static void
test_files(void)
{
	static const char *const docs[] = { AN_DOC("char_location"),
	    AN_DOC("page_location"), AN_DOC("content_block_location") };
	static const char	 cited[] = OR_RESP("{\"id\":\"msg_1\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"status\":"
	    "\"completed\",\"content\":[{\"type\":\"output_text\","
	    "\"text\":\"sun\",\"annotations\":[{\"type\":"
	    "\"file_citation\",\"file_id\":\"file_1\",\"filename\":"
	    "\"a.txt\",\"index\":3}]}]}");
	size_t	 i;

	for (i = 0; i < 3; i++) {
		ok(plain(WT_AN, WT_OR, docs[i]) == 0 && wt_has("{\"type\":"
		    "\"file_citation\",\"file_id\":\"file_1\","
		    "\"filename\":\"D\",\"index\":3}"),
		    "files: document %zu for responses", i);
		ok(plain(WT_AN, WT_GE, docs[i]) == 0 &&
		    wt_has("{\"retrievedContext\":{\"title\":\"D\","
		    "\"text\":\"q\"}}"), "files: document %zu for gemini",
		    i);
		ok(plain(WT_AN, WT_OC, docs[i]) == 0 &&
		    wt_lost("only its provider knows"),
		    "files: chat has no form, told");
	}
	ok(plain(WT_OR, WT_GE, cited) == 0 && wt_has("{\"retrievedContext\":"
	    "{\"title\":\"a.txt\"}}"), "files: of openai, for gemini");
	ok(plain(WT_OR, WT_AN, cited) == 0 && wt_hasnt("citations") &&
	    wt_lost("only its provider knows"),
	    "files: anthropic cites none that it did not get, told");
}

/* --- pitfall-33: media in results, to each target ------------------------- */

#define AN_MEDIA "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{" \
	"\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\"," \
	"\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":" \
	"\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{" \
	"\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":[{" \
	"\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image\"," \
	"\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\"," \
	"\"data\":\"iVBORw0K\"}},{\"type\":\"document\",\"source\":{" \
	"\"type\":\"base64\",\"media_type\":\"application/pdf\"," \
	"\"data\":\"JVBERi0x\"}},{\"type\":\"image\",\"source\":{" \
	"\"type\":\"url\",\"url\":\"https://h/a.png\"}}]}]}]}"

static void
test_result_media(void)
{
	ok(wt_request(WT_AN, WT_OC, AN_MEDIA) == 0 && wt_has("\"role\":"
	    "\"tool\",\"tool_call_id\":\"t1\",\"content\":\"see\"},{"
	    "\"role\":\"user\"") && wt_has("data:image/png;base64,iVBORw0K")
	    && wt_has("data:application/pdf;base64,JVBERi0x") &&
	    wt_has("https://h/a.png") && wt_lost("moved to the user message"),
	    "pitfall-33: chat has them in the message behind");
	ok(wt_request(WT_AN, WT_OR, AN_MEDIA) == 0 && wt_has("\"output\":[{"
	    "\"type\":\"input_text\",\"text\":\"see\"},{\"type\":"
	    "\"input_image\"") && wt_has("\"type\":\"input_file\"") &&
	    wt_has("JVBERi0x") && wt_has("https://h/a.png"),
	    "pitfall-33: responses has them in the output");
	ok(wt_request(WT_AN, WT_GE, AN_MEDIA) == 0 && wt_has("\"output\":"
	    "\"see\"") && wt_has("{\"inlineData\":{\"mimeType\":"
	    "\"image/png\",\"data\":\"iVBORw0K\"}}") &&
	    wt_has("\"mimeType\":\"application/pdf\"") &&
	    wt_has("\"fileUri\":\"https://h/a.png\""),
	    "pitfall-33: gemini has them beside the response");
	ok(wt_request(WT_OR, WT_AN, "{\"model\":\"m\",\"input\":[{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"input_image\","
	    "\"image_url\":\"data:application/pdf;base64,JVBERi0x\"}]}]}")
	    == 0 && wt_has("{\"type\":\"document\",\"source\":{\"type\":"
	    "\"base64\",\"media_type\":\"application/pdf\""),
	    "pitfall-33: a PDF called an image is a document");
}

/* --- the operator's rules ------------------------------------------------- */

static enum server_tool_rule
rule(const char *rules, const char *provider, const char *type)
{
	return server_tool_rule(str_of(rules), str_of(provider),
	    str_of(type));
}

static void
test_rules(void)
{
	static const char	 rules[] = "web_search drop\n* refuse\n"
				    "web_search_2025 map\nx/web pass\n";
	struct ir_exchange	 x = { .arena = &wt_arena, .loss = &wt_loss,
				     .rq = &asked };
	struct ir_tool		 t = { .kind = IR_SERVER,
				     .server_type = STR("web_search"),
				     .raw = STR("{}") }, as;

	ok(rule("", "p", "shell") == SERVER_RULE_NONE, "no rules, no rule");
	ok(rule(rules, "p", "shell") == SERVER_RULE_REFUSE, "rule for all");
	ok(rule(rules, "p", "web_search") == SERVER_RULE_DROP, "by its type");
	ok(rule(rules, "p", "web_search_20250305") == SERVER_RULE_MAP,
	    "the longest counts");
	ok(rule(rules, "x", "web_search_20250305") == SERVER_RULE_PASS,
	    "but a provider's own before all");
	wt_fresh();
	(void)answer_to(WT_AN, FRAME_NONE, AN_USES);
	x.target.dialect = WT_OC;
	x.target.tool_rules = STR("* drop\n");
	ok(server_tool_verdict(&x, &t, false, &as) == SERVER_TOOL_LEAVE &&
	    wt_loss.refused == 0 && wt_lost("is left out, by SERVER_TOOLS"),
	    "rule: dropped");
	x.target.tool_rules = STR("* pass\n");
	ok(server_tool_verdict(&x, &t, false, &as) == SERVER_TOOL_OWN &&
	    str_is(as.raw, "{}"), "rule: passed on as it is");
	x.target.tool_rules = STR("* map\n");
	ok(server_tool_verdict(&x, &t, false, &as) == SERVER_TOOL_LEAVE &&
	    wt_loss.refused == 1, "rule: mapped or refused");
	wt_fresh();
	x.target.tool_rules = STR("* refuse\n");
	ok(server_tool_verdict(&x, &t, false, &as) == SERVER_TOOL_LEAVE &&
	    wt_loss.refused == 1 && wt_lost("is refused, by SERVER_TOOLS"),
	    "rule: refused");
	json_release(&asked_json);
}

int
main(void)
{
	wt_init();
	test_anthropic();
	test_responses();
	test_gemini();
	test_again();
	json_init(&asked_json);
	test_client_calls();
	test_client_items();
	test_rules();
	test_agents();
	test_claude_code();
	test_result_media();
	test_choices();
	test_custom_back();
	test_places();
	test_stops();
	test_files();
	wt_release();
	return done();
}
