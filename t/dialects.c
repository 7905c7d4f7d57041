/*
 * The table of proxyd-dialects(7), from the code: every feature of every dialect
 * goes through the translation to the three others, and the loss report tells
 * what became of it.  Prints the page given, with what stands between its two
 * marks made anew.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/loss.h"

#define BEGIN	".\\\" generated: from here\n"
#define END	".\\\" generated: to here\n"

/* Texts of JSON have ' for ". */
struct feature {
	const char	*name, *json;
};

#define AN(rest)	"{'model':'m','max_tokens':4000,'messages':[" \
			"{'role':'user','content':'a'}]" rest "}"
#define AN_USER(part)	"{'model':'m','max_tokens':4000,'messages':[{'role':" \
			"'user','content':[" part "]}]}"
#define OC(rest)	"{'model':'m','messages':[{'role':'user'," \
			"'content':'a'}]" rest "}"
#define OC_USER(part)	"{'model':'m','messages':[{'role':'user'," \
			"'content':[" part "]}]}"
#define OC_F		",'tools':[{'type':'function','function':{'name':" \
			"'f','parameters':{'type':'object'}}}]"
#define OR(rest)	"{'model':'m','input':'a'" rest "}"
#define OR_USER(part)	"{'model':'m','input':[{'role':'user','content':[" \
			part "]}]}"
#define OR_F		",'tools':[{'type':'function','name':'f'," \
			"'parameters':{'type':'object'},'strict':false}]"
#define GE(rest)	"{'contents':[{'role':'user','parts':[{'text':" \
			"'a'}]}]" rest "}"
#define GE_USER(part)	"{'contents':[{'role':'user','parts':[" part "]}]}"
#define GE_C(member)	GE(",'generationConfig':{" member "}")
#define SCHEMA		"{'type':'object','properties':{'a':{'type':" \
			"'string'}},'required':['a']," \
			"'additionalProperties':false}"

static const struct feature chat[] = {
	{ "system message", "{'model':'m','messages':[{'role':'system',"
	    "'content':'s'},{'role':'user','content':'a'}]}" },
	{ "system amid the messages", "{'model':'m','messages':[{'role':"
	    "'user','content':'a'},{'role':'system','content':'s'},{'role':"
	    "'user','content':'b'}]}" },
	{ "name of a participant", "{'model':'m','messages':[{'role':'user',"
	    "'name':'x','content':'a'}]}" },
	{ "image, data", OC_USER("{'type':'image_url','image_url':{'url':"
	    "'data:image/png;base64,AAAA'}}") },
	{ "image, URL", OC_USER("{'type':'image_url','image_url':{'url':"
	    "'https://example.com/a.png'}}") },
	{ "audio", OC_USER("{'type':'input_audio','input_audio':{'data':"
	    "'AAAA','format':'wav'}}") },
	{ "file, data", OC_USER("{'type':'file','file':{"
	    "'file_data':'data:application/pdf;base64,AAAA'}}") },
	{ "file, its name", OC_USER("{'type':'file','file':{'filename':"
	    "'a.pdf','file_data':'data:application/pdf;base64,AAAA'}}") },
	{ "file, id", OC_USER("{'type':'file','file':{'file_id':'f1'}}") },
	{ "function", OC(OC_F) },
	{ "custom tool", OC(",'tools':[{'type':'custom','custom':{'name':"
	    "'c'}}]") },
	{ "tool_choice required", OC(OC_F ",'tool_choice':'required'") },
	{ "tool_choice allowed_tools", OC(OC_F ",'tool_choice':{'type':"
	    "'allowed_tools','allowed_tools':{'mode':'auto','tools':[{"
	    "'type':'function','function':{'name':'f'}}]}}") },
	{ "parallel_tool_calls false", OC(OC_F ",'parallel_tool_calls':"
	    "false") },
	{ "response_format: JSON", OC(",'response_format':{'type':"
	    "'json_object'}") },
	{ "response_format: schema", OC(",'response_format':{'type':"
	    "'json_schema','json_schema':{'name':'r','schema':" SCHEMA
	    ",'strict':true}}") },
	{ "temperature", OC(",'temperature':0.5") },
	{ "top_p", OC(",'top_p':0.5") },
	{ "max_completion_tokens", OC(",'max_completion_tokens':100") },
	{ "stop", OC(",'stop':['x']") },
	{ "seed", OC(",'seed':1") },
	{ "frequency_penalty", OC(",'frequency_penalty':1") },
	{ "presence_penalty", OC(",'presence_penalty':1") },
	{ "logprobs", OC(",'logprobs':true,'top_logprobs':2") },
	{ "logit_bias", OC(",'logit_bias':{'1':1}") },
	{ "n", OC(",'n':2") },
	{ "reasoning_effort", OC(",'reasoning_effort':'high'") },
	{ "verbosity", OC(",'verbosity':'low'") },
	{ "user", OC(",'user':'u'") },
	{ "metadata", OC(",'metadata':{'a':'b'}") },
	{ "service_tier priority", OC(",'service_tier':'priority'") },
	{ "store", OC(",'store':true") },
	{ "prompt_cache_key", OC(",'prompt_cache_key':'k'") },
	{ "stream_options", OC(",'stream_options':{'include_usage':true}") },
	{ "prediction", OC(",'prediction':{'type':'content','content':'x'}") },
	{ "web_search_options", OC(",'web_search_options':{}") },
	{ NULL, NULL }
};

static const struct feature responses[] = {
	{ "instructions", OR(",'instructions':'s'") },
	{ "image, data", OR_USER("{'type':'input_image','detail':'auto',"
	    "'image_url':'data:image/png;base64,AAAA'}") },
	{ "file, data", OR_USER("{'type':'input_file',"
	    "'file_data':'data:application/pdf;base64,AAAA'}") },
	{ "file, its name", OR_USER("{'type':'input_file','filename':'a.pdf',"
	    "'file_data':'data:application/pdf;base64,AAAA'}") },
	{ "file, id", OR_USER("{'type':'input_file','file_id':'f1'}") },
	{ "function", OR(OR_F) },
	{ "custom tool", OR(",'tools':[{'type':'custom','name':'c'}]") },
	{ "web_search", OR(",'tools':[{'type':'web_search'}]") },
	{ "tool_search by the client",
	    OR(",'tools':[{'type':'tool_search','execution':'client'}]") },
	{ "defer_loading", OR(",'tools':[{'type':'function','name':'f',"
	    "'defer_loading':true}]") },
	{ "tool_choice required", OR(OR_F ",'tool_choice':'required'") },
	{ "parallel_tool_calls false", OR(OR_F ",'parallel_tool_calls':"
	    "false") },
	{ "text.format json_schema", OR(",'text':{'format':{'type':"
	    "'json_schema','name':'r','schema':" SCHEMA ",'strict':true}}") },
	{ "text.verbosity", OR(",'text':{'verbosity':'low'}") },
	{ "reasoning.effort", OR(",'reasoning':{'effort':'high'}") },
	{ "reasoning.summary", OR(",'reasoning':{'effort':'high','summary':"
	    "'auto'}") },
	{ "reasoning item, encrypted", "{'model':'m','input':[{'role':'user',"
	    "'content':'a'},{'type':'reasoning','id':'rs_1','summary':[],"
	    "'encrypted_content':'x'},{'role':'assistant','content':'b'},"
	    "{'role':'user','content':'c'}]}" },
	{ "phase of a message", "{'model':'m','input':[{'role':'user',"
	    "'content':'a'},{'role':'assistant','phase':'commentary',"
	    "'content':'b'},{'role':'user','content':'c'}]}" },
	{ "temperature", OR(",'temperature':0.5") },
	{ "top_p", OR(",'top_p':0.5") },
	{ "max_output_tokens", OR(",'max_output_tokens':100") },
	{ "user", OR(",'user':'u'") },
	{ "metadata", OR(",'metadata':{'a':'b'}") },
	{ "service_tier flex", OR(",'service_tier':'flex'") },
	{ "prompt_cache_key", OR(",'prompt_cache_key':'k'") },
	{ "include", OR(",'include':['file_search_call.results']") },
	{ "client_metadata", OR(",'client_metadata':{'a':'b'}") },
	{ "truncation auto", OR(",'truncation':'auto'") },
	{ "previous_response_id", OR(",'previous_response_id':'resp_1'") },
	{ NULL, NULL }
};

static const struct feature anthropic[] = {
	{ "system", AN(",'system':'s'") },
	{ "cache_control", AN_USER("{'type':'text','text':'a',"
	    "'cache_control':{'type':'ephemeral'}}") },
	{ "image, data", AN_USER("{'type':'image','source':{'type':'base64',"
	    "'media_type':'image/png','data':'AAAA'}}") },
	{ "image, URL", AN_USER("{'type':'image','source':{'type':'url',"
	    "'url':'https://example.com/a.png'}}") },
	{ "document, data", AN_USER("{'type':'document','source':{'type':"
	    "'base64','media_type':'application/pdf','data':'AAAA'}}") },
	{ "document with citations", AN_USER("{'type':'document','source':{"
	    "'type':'text','media_type':'text/plain','data':'x'},"
	    "'citations':{'enabled':true}}") },
	{ "tool", AN(",'tools':[{'name':'f','input_schema':{'type':"
	    "'object'}}]") },
	{ "tool, strict", AN(",'tools':[{'name':'f','strict':true,"
	    "'input_schema':" SCHEMA "}]") },
	{ "web search", AN(",'tools':[{'type':'web_search_20250305','name':"
	    "'web_search'}]") },
	{ "tool_choice any", AN(",'tools':[{'name':'f','input_schema':{"
	    "'type':'object'}}],'tool_choice':{'type':'any'}") },
	{ "image in a tool's result", "{'model':'m','max_tokens':4000,"
	    "'messages':[{'role':'user','content':'a'},{'role':'assistant',"
	    "'content':[{'type':'tool_use','id':'t1','name':'f','input':{}}]}"
	    ",{'role':'user','content':[{'type':'tool_result','tool_use_id':"
	    "'t1','content':[{'type':'image','source':{'type':'base64',"
	    "'media_type':'image/png','data':'AAAA'}}]}]}]}" },
	{ "thinking, a budget", AN(",'thinking':{'type':'enabled',"
	    "'budget_tokens':2048}") },
	{ "thinking, adaptive", AN(",'thinking':{'type':'adaptive'}") },
	{ "thinking block, signed", "{'model':'m','max_tokens':4000,"
	    "'messages':[{'role':'user','content':'a'},{'role':'assistant',"
	    "'content':[{'type':'thinking','thinking':'t','signature':'s'},"
	    "{'type':'text','text':'b'}]},{'role':'user','content':'c'}]}" },
	{ "output_config.effort", AN(",'output_config':{'effort':'high'}") },
	{ "output_config.format", AN(",'output_config':{'format':{'type':"
	    "'json_schema','schema':" SCHEMA "}}") },
	{ "temperature", AN(",'temperature':0.5") },
	{ "top_p", AN(",'top_p':0.5") },
	{ "top_k", AN(",'top_k':5") },
	{ "stop_sequences", AN(",'stop_sequences':['x']") },
	{ "metadata.user_id", AN(",'metadata':{'user_id':'u'}") },
	{ "service_tier: standard", AN(",'service_tier':"
	    "'standard_only'") },
	{ "context_management", AN(",'context_management':{'edits':[]}") },
	{ NULL, NULL }
};

static const struct feature gemini[] = {
	{ "systemInstruction", GE(",'systemInstruction':{'parts':[{'text':"
	    "'s'}]}") },
	{ "inlineData, image", GE_USER("{'inlineData':{'mimeType':"
	    "'image/png','data':'AAAA'}}") },
	{ "inlineData, audio", GE_USER("{'inlineData':{'mimeType':"
	    "'audio/wav','data':'AAAA'}}") },
	{ "inlineData, video", GE_USER("{'inlineData':{'mimeType':"
	    "'video/mp4','data':'AAAA'}}") },
	{ "inlineData, PDF", GE_USER("{'inlineData':{'mimeType':"
	    "'application/pdf','data':'AAAA'}}") },
	{ "fileData", GE_USER("{'fileData':{'mimeType':'image/png',"
	    "'fileUri':'https://example.com/a.png'}}") },
	{ "functionDeclarations", GE(",'tools':[{'functionDeclarations':[{"
	    "'name':'f','parameters':{'type':'OBJECT','properties':{'a':{"
	    "'type':'STRING'}}}}]}]") },
	{ "googleSearch", GE(",'tools':[{'googleSearch':{}}]") },
	{ "codeExecution", GE(",'tools':[{'codeExecution':{}}]") },
	{ "mode ANY", GE(",'tools':[{'functionDeclarations':[{'name':'f'}]}],"
	    "'toolConfig':{'functionCallingConfig':{'mode':'ANY'}}") },
	{ "thinkingBudget", GE_C("'thinkingConfig':{'thinkingBudget':2048}") },
	{ "thinkingLevel", GE_C("'thinkingConfig':{'thinkingLevel':'high'}") },
	{ "includeThoughts", GE_C("'thinkingConfig':{'includeThoughts':"
	    "true}") },
	{ "thoughtSignature", "{'contents':[{'role':'user','parts':[{'text':"
	    "'a'}]},{'role':'model','parts':[{'text':'b',"
	    "'thoughtSignature':'AAAA'}]},{'role':'user','parts':[{'text':"
	    "'c'}]}]}" },
	{ "responseMimeType", GE_C("'responseMimeType':'application/json'") },
	{ "responseJsonSchema", GE_C("'responseMimeType':'application/json',"
	    "'responseJsonSchema':" SCHEMA) },
	{ "temperature", GE_C("'temperature':0.5") },
	{ "topP", GE_C("'topP':0.5") },
	{ "topK", GE_C("'topK':5") },
	{ "maxOutputTokens", GE_C("'maxOutputTokens':100") },
	{ "stopSequences", GE_C("'stopSequences':['x']") },
	{ "seed", GE_C("'seed':1") },
	{ "presencePenalty", GE_C("'presencePenalty':1") },
	{ "responseLogprobs", GE_C("'responseLogprobs':true,'logprobs':2") },
	{ "candidateCount", GE_C("'candidateCount':2") },
	{ "safetySettings", GE(",'safetySettings':[{'category':"
	    "'HARM_CATEGORY_HARASSMENT','threshold':'BLOCK_NONE'}]") },
	{ "cachedContent", GE(",'cachedContent':'cachedContents/x'") },
	{ NULL, NULL }
};

/* --- answers: whole bodies --------------------------------------------------- */

#define OC_A(choice)	"{'id':'c','object':'chat.completion','created':1," \
			"'model':'m','choices':[{'index':0," choice "}]}"
#define AN_A(block, stop) "{'id':'m','type':'message','role':'assistant'," \
			"'model':'m','content':[" block "],'stop_reason':'" \
			stop "','stop_sequence':null,'usage':{" \
			"'input_tokens':1,'output_tokens':1}}"
#define GE_A(part, more) "{'candidates':[{'content':{'role':'model'," \
			"'parts':[" part "]},'finishReason':'STOP'" more \
			"}],'modelVersion':'m'}"
#define OR_A(item)	"{'id':'resp_1','object':'response','created_at':1," \
			"'status':'completed','model':'m','output':[" item \
			"]}"

static const struct feature chat_answers[] = {
	{ "answer: refusal", OC_A("'message':{'role':'assistant','content':"
	    "null,'refusal':'no'},'finish_reason':'stop'") },
	{ "answer: reasoning_content", OC_A("'message':{'role':'assistant',"
	    "'reasoning_content':'t','content':'a'},'finish_reason':"
	    "'stop'") },
	{ "answer: logprobs", OC_A("'message':{'role':'assistant','content':"
	    "'a'},'logprobs':{'content':[{'token':'a','logprob':-1,'bytes':"
	    "null,'top_logprobs':[]}]},'finish_reason':'stop'") },
	{ "answer: url_citation", OC_A("'message':{'role':'assistant',"
	    "'content':'a','annotations':[{'type':'url_citation',"
	    "'url_citation':{'url':'https://e.com','title':'t',"
	    "'start_index':0,'end_index':1}}]},'finish_reason':'stop'") },
	{ "answer: content_filter", OC_A("'message':{'role':'assistant',"
	    "'content':'a'},'finish_reason':'content_filter'") },
	{ NULL, NULL }
};

static const struct feature responses_answers[] = {
	{ "answer: encrypted_content", OR_A("{'type':'reasoning','id':"
	    "'rs_1','summary':[{'type':'summary_text','text':'t'}],"
	    "'encrypted_content':'x'}") },
	{ "answer: refusal", OR_A("{'type':'message','id':'msg_1','role':"
	    "'assistant','status':'completed','content':[{'type':'refusal',"
	    "'refusal':'no'}]}") },
	{ "answer: url_citation", OR_A("{'type':'message','id':'msg_1',"
	    "'role':'assistant','status':'completed','content':[{'type':"
	    "'output_text','text':'a','annotations':[{'type':'url_citation',"
	    "'url':'https://e.com','title':'t','start_index':0,'end_index':"
	    "1}]}]}") },
	{ NULL, NULL }
};

static const struct feature anthropic_answers[] = {
	{ "answer: thinking, signed", AN_A("{'type':'thinking',"
	    "'thinking':'t','signature':'s'},{'type':'text','text':'a'}",
	    "end_turn") },
	{ "answer: redacted_thinking", AN_A("{'type':'redacted_thinking',"
	    "'data':'x'},{'type':'text','text':'a'}", "end_turn") },
	{ "answer: citations", AN_A("{'type':'text','text':'a','citations':[{"
	    "'type':'char_location','cited_text':'x','document_index':0,"
	    "'document_title':null,'start_char_index':0,'end_char_index':1}]"
	    "}", "end_turn") },
	{ "answer: pause_turn", AN_A("{'type':'text','text':'a'}",
	    "pause_turn") },
	{ "answer: refusal", AN_A("{'type':'text','text':'a'}", "refusal") },
	{ NULL, NULL }
};

static const struct feature gemini_answers[] = {
	{ "answer: thoughtSignature", GE_A("{'text':'a','thoughtSignature':"
	    "'AAAA'}", "") },
	{ "answer: thought", GE_A("{'text':'t','thought':true},{'text':'a'}",
	    "") },
	{ "answer: image", GE_A("{'inlineData':{'mimeType':'image/png',"
	    "'data':'AAAA'}}", "") },
	{ "answer: executableCode", GE_A("{'executableCode':{'language':"
	    "'PYTHON','code':'1'}}", "") },
	{ "answer: logprobs", GE_A("{'text':'a'}", ",'logprobsResult':{"
	    "'chosenCandidates':[{'token':'a','logProbability':-1}]}") },
	{ NULL, NULL }
};

static const struct {
	const struct dialect	*from;
	const char		*heading;
	const struct feature	*requests, *answers;
} all[] = {
	{ &dialect_openai_chat, "Chat", chat, chat_answers },
	{ &dialect_openai_responses, "Responses", responses,
	    responses_answers },
	{ &dialect_anthropic, "Anthropic", anthropic, anthropic_answers },
	{ &dialect_gemini, "Gemini", gemini, gemini_answers },
};

#define NAME_WIDTH	25		/* a line has 78 columns */
#define NALL	(sizeof(all) / sizeof(all[0]))

static struct arena	 arena;

static struct str
json(const char *text)
{
	struct str	 s = str_of(text);
	char		*p = arena_bytes(&arena, s.n + 1);
	size_t		 i;

	for (i = 0; i <= s.n; i++)
		p[i] = text[i] == '\'' ? '"' : text[i];
	return (struct str){ p, s.n };
}

/* What became of it; why is empty where it was kept. */
static const char *
verdict(const struct dialect *from, const struct dialect *to,
    const struct feature *f, bool answer, struct str *why)
{
	struct convert_opts	 o = { .from = from, .to = to,
				     .model = STR("model") };
	const struct loss_item	*it;
	const char		*word = "kept";
	struct ir_error		 err;
	struct loss		 loss;
	struct buf		 path, out;
	int			 r;

	buf_init(&path, 4096);
	buf_init(&out, 1 << 20);
	loss_init(&loss, &arena);
	r = answer ? convert_response(&arena, &o, json(f->json), &out, &loss,
	    &err) : convert_request(&arena, &o, json(f->json), &path, &out,
	    &loss, &err);
	*why = STR_NONE;
	if (r != 0 && loss.n == 0)
		fatalx("%s to %s: '%s': %s", from->name, to->name, f->name,
		    err.msg);
	for (it = loss.first; it != NULL; it = it->next)
		if (why->n == 0 || it->action == LOSS_REFUSED) {
			word = loss_action_name(it->action);
			*why = str_of(it->why);
		}
	buf_release(&path);
	buf_release(&out);
	return word;
}

/* groff takes a cell's words apart, even in quotes. */
static void
print_name(const char *s)
{
	must(strlen(s) <= NAME_WIDTH);
	printf(".It ");
	for (; *s != '\0'; s++)
		printf(*s == ' ' ? "\\ " : "%c", *s);
}

static void
print_rows(size_t at, const struct feature *f, bool answer)
{
	struct str	 why;
	size_t		 i;

	for (; f->name != NULL; f++) {
		print_name(f->name);
		for (i = 0; i < NALL; i++)
			if (i != at)
				printf(" Ta %s", verdict(all[at].from,
				    all[i].from, f, answer, &why));
		printf("\n");
		arena_clear(&arena);
	}
}

static void
print_reasons(size_t at, const struct feature *f, bool answer)
{
	const char	*word;
	struct str	 why;
	size_t		 i;
	bool		 any;

	for (; f->name != NULL; f++) {
		any = false;
		for (i = 0; i < NALL; i++) {
			word = verdict(all[at].from, all[i].from, f, answer,
			    &why);
			if (i == at || why.n == 0)
				continue;
			if (!any)
				printf(".It %s\n", f->name);
			any = true;
			printf(".Li %s :\n%s,\n%.*s.\n", all[i].from->name,
			    word, STR_FMT(why));
		}
		arena_clear(&arena);
	}
}

static void
print_tables(void)
{
	size_t	 at, i;

	for (at = 0; at < NALL; at++) {
		printf(".Ss From %s\n", all[at].from->title);
		printf(".Bl -column \"%-*s\" \"approximated\" "
		    "\"approximated\" \"approximated\"\n", NAME_WIDTH, "x");
		print_name("a member");
		for (i = 0; i < NALL; i++)
			if (i != at)
				printf(" Ta %s", all[i].heading);
		printf("\n");
		print_rows(at, all[at].requests, false);
		print_rows(at, all[at].answers, true);
		printf(".El\n.Pp\nWhy:\n.Bl -tag -width Ds -compact\n");
		print_reasons(at, all[at].requests, false);
		print_reasons(at, all[at].answers, true);
		printf(".El\n");
	}
}

int
main(int argc, char **argv)
{
	static char	 page[1 << 20];
	char		*begin, *end;
	FILE		*f;
	size_t		 n;

	log_setprocname("dialects");
	if (argc != 2 || (f = fopen(argv[1], "r")) == NULL)
		fatalx("usage: dialects proxyd-dialects.7");
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	page[n] = '\0';
	begin = strstr(page, BEGIN);
	end = strstr(page, END);
	if (begin == NULL || end == NULL || end < begin)
		fatalx("%s: the two marks are missing", argv[1]);
	begin += strlen(BEGIN);
	printf("%.*s", (int)(begin - page), page);
	arena_init(&arena);
	print_tables();
	arena_release(&arena);
	printf("%s", end);
	return fflush(stdout) == 0 ? 0 : 1;
}
