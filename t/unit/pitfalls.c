/*
 * Bugs that gateways like this one have had, by number: what goes in, and what
 * must or must not stand in what comes out.  Those that need more than one
 * translation are below the tables; more are named pitfall-N in other tests.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/loss.h"

#include "tap.h"

#define OUT_MAX	((size_t)1 << 24)

static struct arena	 arena;
static struct buf	 out;

/* Texts of JSON are written with ' for ". */
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

static bool
has(const char *text)
{
	struct str	 s = json(text);

	return memmem(buf_str(&out).p, out.len, s.p, s.n) != NULL;
}

/* --- requests ------------------------------------------------------------- */

static const char	 anthropic_tail[] =
    "{'role':'user','content':[{'type':'tool_result','tool_use_id':'t1',"
    "'content':[{'type':'text','text':'5'}],"
    "'cache_control':{'type':'ephemeral'}},"
    "{'type':'image','source':{'type':'base64','media_type':'image/png',"
    "'data':'AAAA'},'cache_control':{'type':'ephemeral'}}]}]}";

static const struct {
	unsigned	 n;
	const char	*name;
	const struct dialect *from, *to;
	const char	*model, *in;
	const char	*has, *lacks;		/* NULL: nothing */
} requests[] = {
	{ 18, "signature-only and redacted thinking are replayed as they came",
	    &dialect_anthropic, &dialect_anthropic, "claude-sonnet-5",
	    "{'model':'m','max_tokens':9,'messages':[{'role':'user',"
	    "'content':'hi'},{'role':'assistant','content':["
	    "{'type':'thinking','thinking':'','signature':'c2ln'},"
	    "{'type':'redacted_thinking','data':'b3BhcXVl'},"
	    "{'type':'tool_use','id':'t1','name':'f','input':{}}]},"
	    "{'role':'user','content':[{'type':'tool_result',"
	    "'tool_use_id':'t1','content':'5'}]}]}",
	    "{'type':'thinking','thinking':'','signature':'c2ln'},"
	    "{'type':'redacted_thinking','data':'b3BhcXVl'},"
	    "{'type':'tool_use','id':'t1'", NULL },
	{ 19, "two blocks of thinking are not joined",
	    &dialect_anthropic, &dialect_anthropic, "claude-sonnet-5",
	    "{'model':'m','max_tokens':9,'messages':[{'role':'user',"
	    "'content':'hi'},{'role':'assistant','content':["
	    "{'type':'thinking','thinking':'a','signature':'MQ=='},"
	    "{'type':'thinking','thinking':'b','signature':'Mg=='},"
	    "{'type':'text','text':'c'}]},{'role':'user','content':'d'}]}",
	    "{'type':'thinking','thinking':'a','signature':'MQ=='},"
	    "{'type':'thinking','thinking':'b','signature':'Mg=='}", NULL },
	{ 24, "an effort that no table knows passes as it is",
	    &dialect_openai_chat, &dialect_openai_responses, "gpt-5.5",
	    "{'model':'m','reasoning_effort':'xhigh','messages':["
	    "{'role':'user','content':'hi'}]}", "'effort':'xhigh'", NULL },
	{ 27, "a pattern goes to Anthropic byte by byte",
	    &dialect_openai_chat, &dialect_anthropic, "claude-sonnet-5",
	    "{'model':'m','messages':[{'role':'user','content':'hi'}],"
	    "'tools':[{'type':'function','function':{'name':'f','parameters':"
	    "{'type':'object','properties':{'a':{'type':'string',"
	    "'pattern':'^(?!x)\\\\p{L}+$'}}}}}]}",
	    "'pattern':'^(?!x)\\\\p{L}+$'", NULL },
	{ 32, "structured output is Anthropic's own, beside the real tools",
	    &dialect_openai_chat, &dialect_anthropic, "claude-sonnet-5",
	    "{'model':'m','messages':[{'role':'user','content':'hi'}],"
	    "'tools':[{'type':'function','function':{'name':'real'}}],"
	    "'response_format':{'type':'json_schema','json_schema':{"
	    "'name':'n','schema':{'type':'object','properties':{},"
	    "'additionalProperties':false}}}}",
	    "'output_config':{'format':{'type':'json_schema'",
	    "'tool_choice'" },
	{ 38, "marks for the cache stay on a tool's result and an image",
	    &dialect_anthropic, &dialect_anthropic, "claude-sonnet-5", NULL,
	    "'data':'AAAA'},'cache_control':{'type':'ephemeral'}}", NULL }
};

static bool
request(const struct dialect *from, const struct dialect *to,
    const char *model, const char *in)
{
	struct convert_opts	 o = { .from = from, .to = to,
	    .model = str_of(model) };
	struct loss		 loss;
	struct ir_error		 err;
	struct buf		 path;
	int			 res;

	buf_clear(&out);
	buf_init(&path, OUT_MAX);
	loss_init(&loss, &arena);
	res = convert_request(&arena, &o, json(in), &path, &out, &loss, &err);
	if (res == -1)
		printf("# %s\n", err.msg);
	buf_release(&path);
	return res == 0;
}

static void
test_requests(void)
{
	const char	*in;
	size_t		 i;
	bool		 good;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		in = requests[i].in;
		if (in == NULL)
			in = arena_strf(&arena, "{'model':'m','max_tokens':9,"
			    "'messages':[{'role':'user','content':'hi'},"
			    "{'role':'assistant','content':[{'type':'tool_use'"
			    ",'id':'t1','name':'f','input':{}}]},%s",
			    anthropic_tail).p;
		good = request(requests[i].from, requests[i].to,
		    requests[i].model, in) && has(requests[i].has) &&
		    (requests[i].lacks == NULL || !has(requests[i].lacks));
		ok(good, "pitfall-%u: %s", requests[i].n, requests[i].name);
		if (!good)
			printf("# %.*s\n", STR_FMT(buf_str(&out)));
	}
}

/* --- streams -------------------------------------------------------------- */

#define MESSAGE_START							\
	"event: message_start\ndata: {'type':'message_start','message':{"	\
	"'id':'msg_1','type':'message','role':'assistant','model':'m',"	\
	"'content':[],'stop_reason':null,'stop_sequence':null,"		\
	"'usage':{'input_tokens':7,'output_tokens':1}}}\n\n"
#define TEXT(s)								\
	"event: content_block_start\ndata: {'type':'content_block_start',"	\
	"'index':0,'content_block':{'type':'text','text':''}}\n\n"	\
	"event: content_block_delta\ndata: {'type':'content_block_delta',"	\
	"'index':0,'delta':{'type':'text_delta','text':'" s "'}}\n\n"	\
	"event: content_block_stop\ndata: {'type':'content_block_stop',"	\
	"'index':0}\n\n"
#define DELTA(n)							\
	"event: message_delta\ndata: {'type':'message_delta','delta':{"	\
	"'stop_reason':'end_turn','stop_sequence':null},'usage':{"	\
	"'output_tokens':" n "}}\n\n"
#define STOP	"event: message_stop\ndata: {'type':'message_stop'}\n\n"

/* Fed step bytes at a time; 0: at once. */
static bool
stream(const struct dialect *from, const struct dialect *to, const char *in,
    size_t step)
{
	struct convert_opts	 o = { .from = from, .to = to,
	    .in = FRAME_SSE, .out = FRAME_SSE, .created = 1 };
	struct loss		 loss;
	struct ir_error		 err;
	struct convert		*c;
	struct str		 bytes = json(in), piece;
	int			 res;

	buf_clear(&out);
	loss_init(&loss, &arena);
	c = convert_new(&arena, &o, &out, &loss);
	for (; bytes.n > 0; bytes = str_skip(bytes, piece.n)) {
		piece = bytes;
		if (step > 0 && piece.n > step)
			piece.n = step;
		if (convert_feed(c, piece) == -1)
			break;
	}
	res = convert_end(c, &err);
	convert_free(c);
	return res == 0;
}

static void
test_utf8(void)
{
	static const char	 in[] = MESSAGE_START
	    TEXT("\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80") DELTA("3") STOP;
	struct str		 whole;
	size_t			 i, step;
	bool			 same = true;

	for (i = 0; dialects[i] != NULL; i++) {
		same &= stream(&dialect_anthropic, dialects[i], in, 0);
		same &= has("\xe4\xbd\xa0\xe5\xa5\xbd");
		whole = arena_str(&arena, buf_str(&out));
		for (step = 1; step < 4; step++)
			same &= stream(&dialect_anthropic, dialects[i], in,
			    step) && str_eq(whole, buf_str(&out));
	}
	ok(same, "pitfall-8: characters cut between reads stay whole");
}

static void
test_cumulative(void)
{
	ok(stream(&dialect_anthropic, &dialect_openai_chat, MESSAGE_START
	    TEXT("a") DELTA("5") DELTA("9") STOP, 0) &&
	    has("'prompt_tokens':7,'completion_tokens':9,'total_tokens':16"),
	    "pitfall-11: Anthropic's counts replace the earlier ones");
}

static void
test_ids(void)
{
	ok(stream(&dialect_gemini, &dialect_openai_chat,
	    "data: {'candidates':[{'content':{'role':'model','parts':[{"
	    "'functionCall':{'name':'f','args':{}},"
	    "'thoughtSignature':'c2VjcmV0'}]},'finishReason':'STOP'}],"
	    "'modelVersion':'m','responseId':'r'}\n\n", 0) &&
	    has("'tool_calls'") && !has("c2VjcmV0"),
	    "pitfall-17: no signature in the id of a call");
}

/* --- turns ---------------------------------------------------------------- */

#define ASKED	"{'role':'user','content':'hi'}"
#define CALLED	",{'role':'assistant','content':null,'tool_calls':[{"	\
	"'id':'call.1','type':'function','function':{'name':'a.b',"	\
	"'arguments':'{}'}}]},{'role':'tool','tool_call_id':'call.1',"	\
	"'content':'5'}"
#define NEXT	",{'role':'assistant','content':'five'},"		\
	"{'role':'user','content':'and now?'}"
#define CHAT(messages)							\
	"{'model':'m','tools':[{'type':'function','function':{"		\
	"'name':'a.b','parameters':{'type':'object','properties':{}}}}],"	\
	"'messages':[" messages "]}"

/* What a cache has read of one turn, the next one begins with. */
static void
test_prefix(void)
{
	static const struct dialect *const to[] = { &dialect_anthropic,
	    &dialect_gemini, &dialect_openai_responses };
	struct str	 first, again;
	const char	*result;
	size_t		 i;
	bool		 same = true;

	for (i = 0; i < 3; i++) {
		same &= request(&dialect_openai_chat, to[i], "m",
		    CHAT(ASKED CALLED));
		first = arena_str(&arena, buf_str(&out));
		same &= request(&dialect_openai_chat, to[i], "m",
		    CHAT(ASKED CALLED)) && str_eq(first, buf_str(&out));
		same &= request(&dialect_openai_chat, to[i], "m",
		    CHAT(ASKED CALLED NEXT));
		again = buf_str(&out);
		result = memmem(first.p, first.n, "\"5\"", 3);
		same &= result != NULL && again.n > first.n &&
		    memcmp(first.p, again.p, (size_t)(result - first.p)) == 0;
	}
	ok(same, "pitfall-39: the same conversation is the same bytes");
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, OUT_MAX);
	test_requests();
	test_utf8();
	test_cumulative();
	test_ids();
	test_prefix();
	buf_release(&out);
	arena_release(&arena);
	return done();
}
