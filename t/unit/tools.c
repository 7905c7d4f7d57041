/*
 * Tools and content between the dialects: what holds for every pair, and the
 * known bugs of other gateways by their numbers (pitfall-NN).
 */
#include "wire_test.h"
#include "wire/media.h"

/* --- media by URL --------------------------------------------------------- */

static struct json		 fetch_json;
static struct ir_request	 fetch_rq;

/* The URLs that somebody has to fetch, with blanks between. */
static struct ir_fetch *
fetches(const struct dialect *from, const struct dialect *to,
    const char *model, const char *body)
{
	struct ir_exchange	 x = { .arena = &wt_arena, .rq = &fetch_rq,
				     .loss = &wt_loss };
	struct ir_fetch		*first, *f;

	wt_fresh();
	json_release(&fetch_json);
	json_init(&fetch_json);
	if (json_parse(&fetch_json, str_of(body), NULL) == -1)
		return NULL;
	ir_request_init(&fetch_rq, &wt_arena, from, &fetch_json);
	if (from->request_decode(&fetch_rq, &wt_err) == -1)
		return NULL;
	x.target = (struct ir_target){ .dialect = to,
	    .model = str_of(model) };
	first = ir_fetch_list(&x, &fetch_rq);
	for (f = first; f != NULL; f = f->next)
		buf_addf(&wt_out, "%.*s ", STR_FMT(f->url));
	return first;
}

#define MEDIA "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" \
	"{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":" \
	"{\"type\":\"url\",\"url\":\"https:\\/\\/h/a.png\"}}," \
	"{\"type\":\"document\",\"source\":{\"type\":\"url\"," \
	"\"url\":\"https://h/b.pdf\"}}]}," \
	"{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\"," \
	"\"id\":\"t1\",\"name\":\"f\",\"input\":{}}]}," \
	"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"," \
	"\"tool_use_id\":\"t1\",\"content\":[{\"type\":\"image\"," \
	"\"source\":{\"type\":\"url\",\"url\":\"http://h/c.gif\"}}]}]}]}"

static void
test_fetch(void)
{
	struct ir_fetch	*f;

	ok(fetches(WT_AN, WT_AN, "m", MEDIA) == NULL,
	    "one dialect on both sides: nothing is fetched");
	(void)fetches(WT_AN, WT_OC, "gpt-5.1", MEDIA);
	ok(str_is(buf_str(&wt_out), "https://h/b.pdf "),
	    "chat: documents are fetched, images not");
	ok(fetches(WT_AN, WT_OR, "gpt-5.1", MEDIA) == NULL,
	    "responses takes images and files by URL");
	(void)fetches(WT_AN, WT_GE, "gemini-2.5-pro", MEDIA);
	ok(str_is(buf_str(&wt_out), "http://h/c.gif "),
	    "gemini 2.5 fetches, but by TLS only; in tool results, too");
	f = fetches(WT_AN, WT_GE, "gemini-2.0-flash", MEDIA);
	ok(str_is(buf_str(&wt_out), "https://h/a.png https://h/b.pdf "
	    "http://h/c.gif "), "gemini 2.0 fetches nothing");
	ok(f != NULL && ir_fetch_done(f->part, STR("text/html"),
	    STR("aGk=")) == -1 && f->part->media.url.n > 0,
	    "a page is no image: the part stays");
	ok(f != NULL && ir_fetch_done(f->part, STR("image/webp; q=1"),
	    STR("aGk=")) == 0 && str_is(f->part->media.type, "image/webp") &&
	    str_is(f->part->media.data, "aGk=") && f->part->media.url.n == 0,
	    "what was fetched takes the URL's place");
	json_release(&fetch_json);
}

/* --- pitfall-35: tools by type -------------------------------------------- */

#define AN_TOOL(t)	"{\"model\":\"m\",\"max_tokens\":9,\"messages\":" \
	"[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[" t "]}"
#define AN_FN	"{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}"
#define AN_WEB	"{\"type\":\"web_search_20250305\",\"name\":\"web_search\"," \
	"\"allowed_domains\":[\"a.org\"]}"

static void
test_server_tools(void)
{
	ok(wt_request(WT_AN, WT_OR, AN_TOOL(AN_WEB)) == 0 &&
	    wt_has("\"tools\":[{\"type\":\"web_search\",\"filters\":"
	    "{\"allowed_domains\":[\"a.org\"]}}]"),
	    "pitfall-35: a search and its filter, anthropic to responses");
	ok(wt_request(WT_OR, WT_AN, "{\"model\":\"m\",\"input\":\"hi\","
	    "\"tools\":[{\"type\":\"web_search_preview\",\"filters\":"
	    "{\"allowed_domains\":[\"a.org\"]}}],\"tool_choice\":{\"type\":"
	    "\"web_search_preview\"}}") == 0 && wt_has("{\"type\":"
	    "\"web_search_20250305\",\"name\":\"web_search\","
	    "\"allowed_domains\":[\"a.org\"]}") && wt_has("\"tool_choice\":"
	    "{\"type\":\"tool\",\"name\":\"web_search\"}"),
	    "pitfall-35: and back, forced");
	ok(wt_request(WT_AN, WT_OR, "{\"model\":\"m\",\"max_tokens\":9,"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
	    "\"tools\":[" AN_WEB "],\"tool_choice\":{\"type\":\"tool\","
	    "\"name\":\"web_search\"}}") == 0 && wt_has("\"tool_choice\":"
	    "{\"type\":\"web_search_preview\"}"),
	    "pitfall-35: the forced search of an agent");
	ok(wt_request(WT_AN, WT_GE, AN_TOOL(AN_WEB)) == 0 &&
	    wt_has("\"tools\":[{\"googleSearch\":{}}]") &&
	    wt_lost("web_search_20250305"), "pitfall-35: a search at gemini");
	ok(wt_request(WT_AN, WT_GE, AN_TOOL(AN_WEB "," AN_FN)) == 0 &&
	    wt_hasnt("googleSearch") && wt_lost("beside functions"),
	    "pitfall-35: gemini's search gives way to functions, told");
	ok(wt_request(WT_GE, WT_AN, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"hi\"}]}],\"tools\":[{\"googleSearch\":{}},"
	    "{\"codeExecution\":{}},{\"urlContext\":{}}]}") == 0 &&
	    wt_has("web_search_20250305") && wt_has("code_execution_20250825")
	    && wt_has("web_fetch_20250910"), "pitfall-35: gemini's three");
	ok(wt_request(WT_GE, WT_OR, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"hi\"}]}],\"tools\":[{\"codeExecution\":{}}]}") == 0 &&
	    wt_has("{\"type\":\"code_interpreter\",\"container\":{\"type\":"
	    "\"auto\"}}"), "pitfall-35: code to code");
	ok(wt_request(WT_AN, WT_OC, AN_TOOL(AN_WEB "," AN_FN)) == 0 &&
	    wt_loss.refused == 0 && wt_lost("the tool 'web_search_20250305' "
	    "is not offered there"), "pitfall-35: chat has no search, told");
}

/* Left out they would change what an agent can do: refused by name. */
static void
test_server_tools_refused(void)
{
	static const char *const types[] = { "file_search", "mcp",
	    "computer_use_preview", "computer", "of_the_future" };
	const struct dialect	*to[] = { WT_AN, WT_OC, WT_GE };
	size_t			 i, k;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (k = 0; k < 3; k++) {
			int r = wt_request(WT_OR, to[k], arena_strf(&wt_arena,
			    "{\"model\":\"m\",\"input\":\"hi\",\"tools\":"
			    "[{\"type\":\"%s\"}]}", types[i]).p);

			ok(r == -1 || (wt_loss.refused == 1 &&
			    wt_lost(types[i]) && wt_lost("refused")),
			    "pitfall-35: %s is refused by name for %s",
			    types[i], to[k]->name);
		}
}

/* The client runs them: a model that knows no bash tool gets a function. */
static void
test_client_tools(void)
{
	const struct dialect	*to[] = { WT_OC, WT_OR, WT_GE };
	size_t			 k;

	for (k = 0; k < 3; k++) {
		ok(wt_request(WT_AN, to[k], AN_TOOL("{\"type\":"
		    "\"bash_20250124\",\"name\":\"bash\"},{\"type\":"
		    "\"text_editor_20250728\",\"name\":"
		    "\"str_replace_based_edit_tool\"},{\"type\":"
		    "\"memory_20250818\",\"name\":\"memory\"},{\"type\":"
		    "\"computer_20250124\",\"name\":\"computer\","
		    "\"display_width_px\":1,\"display_height_px\":1}")) == 0 &&
		    wt_has("\"name\":\"bash\"") &&
		    wt_has("\"name\":\"str_replace_based_edit_tool\"") &&
		    wt_has("\"name\":\"memory\"") &&
		    wt_has("\"name\":\"computer\"") &&
		    wt_has("\"command\":{\"type\":\"string\"}") &&
		    wt_loss.refused == 0 && wt_lost("bash_20250124"),
		    "pitfall-35: the client's tools as functions of %s",
		    to[k]->name);
		ok(wt_request(WT_AN, to[k], "{\"model\":\"m\",\"max_tokens\":"
		    "9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
		    "\"tools\":[{\"type\":\"bash_20250124\",\"name\":\"bash\"}"
		    "],\"tool_choice\":{\"type\":\"tool\",\"name\":\"bash\"}}")
		    == 0 && wt_loss.refused == 0 &&
		    wt_has("oice") == (to[k] != WT_GE) &&
		    (to[k] != WT_GE || wt_has("[\"bash\"]")),
		    "pitfall-35: forced, at %s", to[k]->name);
	}
}

/* --- citations ------------------------------------------------------------ */

#define AN_CITED "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\"," \
	"\"model\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"h\xc3\xa9 \"}," \
	"{\"type\":\"text\",\"text\":\"sun\",\"citations\":[{\"type\":" \
	"\"web_search_result_location\",\"url\":\"https://a\",\"title\":\"A\"," \
	"\"encrypted_index\":\"x\",\"cited_text\":\"q\"},{\"type\":" \
	"\"char_location\",\"cited_text\":\"q\",\"document_index\":0," \
	"\"document_title\":null,\"start_char_index\":0,\"end_char_index\":1}]" \
	"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1," \
	"\"output_tokens\":1}}"
#define GE_CITED "{\"candidates\":[{\"content\":{\"role\":\"model\"," \
	"\"parts\":[{\"text\":\"h\xc3\xa9 sun\"}]},\"finishReason\":\"STOP\"," \
	"\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":" \
	"\"https://a\",\"title\":\"A\"}},{\"web\":{\"uri\":\"https://b\"," \
	"\"title\":\"B\"}}],\"groundingSupports\":[{\"segment\":{" \
	"\"startIndex\":4,\"endIndex\":7,\"text\":\"sun\"}," \
	"\"groundingChunkIndices\":[1,0]}]}}]}"
#define OC_CITED "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1," \
	"\"model\":\"g\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"," \
	"\"message\":{\"role\":\"assistant\",\"content\":\"h\xc3\xa9 sun\"," \
	"\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{" \
	"\"start_index\":3,\"end_index\":6,\"url\":\"https://a\",\"title\":" \
	"\"A\"}}]}}]}"

static void
test_citations(void)
{
	ok(wt_answer(WT_AN, WT_OC, FRAME_NONE, FRAME_NONE, AN_CITED) == 0 &&
	    wt_has("\"annotations\":[{\"type\":\"url_citation\","
	    "\"url_citation\":{\"start_index\":3,\"end_index\":6,\"url\":"
	    "\"https://a\",\"title\":\"A\"}}]") && wt_lost("content[1].citations"),
	    "citations: a block becomes a stretch of the message");
	ok(wt_answer(WT_AN, WT_OR, FRAME_NONE, FRAME_NONE, AN_CITED) == 0 &&
	    wt_has("{\"type\":\"url_citation\",\"start_index\":0,"
	    "\"end_index\":3,\"url\":\"https://a\",\"title\":\"A\"}"),
	    "citations: of its own text in responses");
	ok(wt_answer(WT_AN, WT_OR, FRAME_NONE, FRAME_SSE, AN_CITED) == 0 &&
	    wt_has("response.output_text.annotation.added") &&
	    wt_has("\"annotation_index\":0,\"annotation\":{\"type\":"
	    "\"url_citation\""), "citations: an event each in a stream");
	ok(wt_answer(WT_GE, WT_OC, FRAME_NONE, FRAME_NONE, GE_CITED) == 0 &&
	    wt_has("{\"start_index\":3,\"end_index\":6,\"url\":\"https://b\","
	    "\"title\":\"B\"}") && wt_has("\"https://a\""),
	    "citations: grounding, bytes into characters");
	ok(wt_answer(WT_GE, WT_AN, FRAME_NONE, FRAME_NONE, GE_CITED) == 0 &&
	    wt_has("{\"type\":\"web_search_result_location\",\"url\":"
	    "\"https://b\",\"title\":\"B\",\"encrypted_index\":\"\","
	    "\"cited_text\":\"sun\"}"), "citations: grounding for anthropic");
	ok(wt_answer(WT_GE, WT_AN, FRAME_NONE, FRAME_SSE, GE_CITED) == 0 &&
	    wt_has("{\"type\":\"citations_delta\",\"citation\":{\"type\":"
	    "\"web_search_result_location\",\"url\":\"https://a\""),
	    "citations: in a stream of anthropic's");
	ok(wt_answer(WT_OC, WT_GE, FRAME_NONE, FRAME_NONE, OC_CITED) == 0 &&
	    wt_has("\"groundingMetadata\":{\"groundingChunks\":[{\"web\":"
	    "{\"uri\":\"https://a\",\"title\":\"A\"}}],\"groundingSupports\":"
	    "[{\"segment\":{\"startIndex\":4,\"endIndex\":7,\"text\":"
	    "\"sun\"},\"groundingChunkIndices\":[0]}]}"),
	    "citations: as grounding, characters into bytes");
	ok(wt_answer(WT_OC, WT_GE, FRAME_NONE, FRAME_SSE, OC_CITED) == 0 &&
	    wt_has("groundingChunks"), "citations: grounding in a stream");
	ok(wt_answer(WT_GE, WT_OC, FRAME_NONE, FRAME_SSE, GE_CITED) == 0 &&
	    wt_has("\"delta\":{\"annotations\":[{\"type\":\"url_citation\""),
	    "citations: in a stream of chat's");
}

/* --- further known bugs --------------------------------------------------- */

#define GE_SCHEMA "{\"type\":\"object\",\"$schema\":\"x\"," \
	"\"additionalProperties\":false,\"properties\":{\"properties\":" \
	"{\"const\":\"a\"},\"l\":{\"type\":\"array\"},\"r\":{\"$ref\":" \
	"\"#/$defs/d\",\"description\":\"D\"}},\"$defs\":{\"d\":{\"type\":" \
	"\"string\"}},\"required\":[\"properties\"]}"
#define AN_TURNS(t) "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" t "]}"
#define AN_U(t)	"{\"role\":\"user\",\"content\":" t "}"
#define AN_A(t)	"{\"role\":\"assistant\",\"content\":" t "}"
#define AN_USE(id, name) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" \
	name "\",\"input\":{}}"
#define AN_RES(id, c) "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\"," \
	"\"content\":" c "}"
#define LONG_ID	"call_0123456789.0123456789:0123456789_0123456789_0123456789_" \
	"0123456789_0123456789"

static int
to_old_gemini(const char *body)
{
	struct convert_opts	 o = { .from = WT_AN, .to = WT_GE,
				     .model = STR("gemini-2.0-flash") };

	wt_fresh();
	return convert_request(&wt_arena, &o, str_of(body), &wt_path, &wt_out,
	    &wt_loss, &wt_err);
}

static void
test_pitfalls(void)
{
	struct str	 first;

	ok(to_old_gemini(AN_TOOL("{\"name\":\"f\",\"input_schema\":" GE_SCHEMA
	    "}")) == 0 && wt_hasnt("$schema") && wt_hasnt("const") &&
	    wt_hasnt("$ref") && wt_hasnt("additionalProperties") &&
	    wt_has("\"enum\":[\"a\"]") && wt_has("\"items\""),
	    "pitfall-26: a schema is lowered by position");
	ok(wt_request(WT_AN, WT_GE, AN_TOOL("{\"name\":\"f\","
	    "\"input_schema\":" GE_SCHEMA "}")) == 0 &&
	    wt_has("\"parametersJsonSchema\":" GE_SCHEMA),
	    "pitfall-26: or goes as it is where the model takes that");
	ok(wt_request(WT_AN, WT_OC, AN_TOOL("{\"name\":\"f\",\"input_schema\":"
	    "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"string\","
	    "\"pattern\":\"^(?!x)\\\\p{L}+$\"}}}}")) == 0 &&
	    wt_has("\"pattern\":\"^(?!x)\\\\p{L}+$\""),
	    "pitfall-27: patterns go on byte by byte");
	ok(wt_request(WT_AN, WT_OC, AN_TURNS(AN_U("\"q\"") "," AN_A("["
	    AN_USE("a", "f") "," AN_USE("b", "f") "]") "," AN_U("["
	    AN_RES("b", "\"two\"") "," AN_RES("a", "\"one\"")
	    ",{\"type\":\"text\",\"text\":\"go\"}]"))) == 0 &&
	    wt_has("\"tool_call_id\":\"a\",\"content\":\"one\"},{\"role\":"
	    "\"tool\",\"tool_call_id\":\"b\",\"content\":\"two\"},{\"role\":"
	    "\"user\",\"content\":\"go\"}"),
	    "pitfall-28: results in the order of their calls, then text");
	ok(wt_request(WT_AN, WT_OC, AN_TURNS(AN_U("\"q\"") "," AN_A("["
	    AN_USE(LONG_ID, "f") "]") "," AN_U("[" AN_RES(LONG_ID, "\"r\"")
	    "]"))) == 0 && wt_hasnt("0123456789.0123"),
	    "pitfall-29: an id that is too long is mapped");
	first = arena_str(&wt_arena, buf_str(&wt_out));
	ok(wt_request(WT_AN, WT_OC, AN_TURNS(AN_U("\"q\"") "," AN_A("["
	    AN_USE(LONG_ID, "f") "]") "," AN_U("[" AN_RES(LONG_ID, "\"r\"")
	    "]"))) == 0 && str_eq(first, buf_str(&wt_out)),
	    "pitfall-29: to the same each time");
	ok(wt_request(WT_GE, WT_OC, "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"q\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":"
	    "\"a.b:c\"}]}]}") == 0 && wt_hasnt("a.b:c"),
	    "pitfall-30: a name with dots is mapped");
	ok(wt_request(WT_AN, WT_OC, "{\"model\":\"m\",\"max_tokens\":9,"
	    "\"messages\":[" AN_U("\"q\"") "],\"tools\":[" AN_FN "],"
	    "\"tool_choice\":{\"type\":\"any\"}}") == 0 &&
	    wt_has("\"tool_choice\":\"required\""),
	    "pitfall-31: any is required");
	ok(wt_request(WT_OC, WT_AN, "{\"model\":\"m\",\"messages\":["
	    AN_U("\"q\"") "],\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\","
	    "\"properties\":{},\"additionalProperties\":false}}}}") == 0 &&
	    wt_has("\"format\":{\"type\":\"json_schema\"") &&
	    wt_hasnt("tool_choice"), "pitfall-32: a format, natively");
}

static void
test_more_pitfalls(void)
{
	const struct dialect	*to[] = { WT_OC, WT_OR, WT_GE };
	size_t			 k;

	for (k = 0; k < 3; k++)
		ok(wt_request(WT_AN, to[k], AN_TURNS(AN_U("\"q\"") "," AN_A("["
		    AN_USE("a", "f") "]") "," AN_U("[" AN_RES("a",
		    "[{\"type\":\"image\",\"source\":{\"type\":\"base64\","
		    "\"media_type\":\"image/png\",\"data\":\"aGk=\"}}]") "]")))
		    == 0 && wt_has("aGk=") && wt_loss.refused == 0,
		    "pitfall-33: an image in a result, %s", to[k]->name);
	ok(wt_request(WT_OR, WT_GE, "{\"model\":\"m\",\"input\":[{\"role\":"
	    "\"user\",\"content\":\"q\"},{\"type\":\"custom_tool_call\","
	    "\"call_id\":\"c\",\"name\":\"p\",\"input\":\"a\\nb\"},{\"type\":"
	    "\"custom_tool_call_output\",\"call_id\":\"c\",\"output\":\"ok\"}"
	    "],\"tools\":[{\"type\":\"custom\",\"name\":\"p\"}]}") == 0 &&
	    wt_has("{\"input\":\"a\\nb\"}") && wt_has("functionResponse"),
	    "pitfall-34: a free-form call of an earlier turn, wrapped");
	ok(wt_request(WT_AN, WT_OC, AN_TURNS(AN_A("\"hello\"") ","
	    AN_U("[{\"type\":\"text\",\"text\":\"q\"}]"))) == 0 &&
	    wt_hasnt("null"), "pitfall-36: never a null content");
	ok(wt_request(WT_OC, WT_AN, "{\"model\":\"m\",\"messages\":["
	    AN_A("\"hello\"") "," AN_U("\"q\"") "," AN_A("\"\"") ","
	    AN_U("\"r\"") "]}") == 0 && wt_has("\"messages\":[{\"role\":"
	    "\"user\"") && wt_hasnt("\"text\":\"\""),
	    "pitfall-36: a user begins, nothing is empty");
}

/* As Gemini's clients write schemas, wherever they send them. */
static void
test_upper_case(void)
{
	static const char	 schema[] = "{\"type\":\"OBJECT\","
				    "\"properties\":{\"type\":{\"type\":"
				    "[\"STRING\",\"NULL\"]},\"e\":{"
				    "\"type\":\"INTEGER\"}}}";
	const struct dialect	*to[] = { WT_OC, WT_OR, WT_AN, WT_GE };
	char			 body[1024];
	size_t			 k;

	for (k = 0; k < 4; k++) {
		snprintf(body, sizeof(body), "{\"model\":\"m\","
		    "\"max_tokens\":99,\"messages\":[{\"role\":\"user\","
		    "\"content\":\"x\"}],\"tools\":[{\"name\":\"f\","
		    "\"input_schema\":%s}]}", schema);
		ok(to[k] == WT_AN || (wt_request(WT_AN, to[k], body) == 0 &&
		    wt_hasnt(to[k] == WT_GE ? "\"NULL\"" : "\"OBJECT\"")),
		    "upper case from Anthropic, %s", to[k]->name);
		snprintf(body, sizeof(body), "{\"model\":\"m\","
		    "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
		    "\"tools\":[{\"type\":\"function\",\"function\":{"
		    "\"name\":\"f\",\"parameters\":%s}}]}", schema);
		ok(to[k] == WT_OC || (wt_request(WT_OC, to[k], body) == 0 &&
		    wt_hasnt(to[k] == WT_GE ? "\"NULL\"" : "\"OBJECT\"")),
		    "upper case from OpenAI, %s", to[k]->name);
	}
}

int
main(void)
{
	wt_init();
	json_init(&fetch_json);
	test_fetch();
	test_server_tools();
	test_server_tools_refused();
	test_client_tools();
	test_citations();
	test_pitfalls();
	test_more_pitfalls();
	test_upper_case();
	wt_release();
	return done();
}
