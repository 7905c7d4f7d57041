/* What models take: common/base/caps.c and common/state/caps_file.c. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "state/caps_file.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/refusal.h"

#include "tap.h"

static struct arena	 arena;
static struct buf	 out;
static struct loss	 loss;

/* --- patterns and rows ------------------------------------------------------ */

static const struct {
	const char	*pattern, *name;
	bool		 fits;
} patterns[] = {
	{ "*",			"",			true },
	{ "gpt-5",		"gpt-5",		true },
	{ "gpt-5",		"gpt-5.1",		false },
	{ "GPT-5*",		"gpt-5.1",		true },
	{ "*4[-.]5*",		"claude-opus-4-5-2025",	true },
	{ "*4[-.]5*",		"claude-opus-4.5",	true },
	{ "*4[-.]5*",		"claude-opus-4_5",	false },
	{ "o[1-9]*",		"o3-mini",		true },
	{ "o[1-9]*",		"olmo",			false },
	{ "*pro",		"pro-pro-pr",		false },
	{ "*a*b*c",		"xxaxxbxxbc",		true },
	{ "a?c",		"abc",			true },
	{ "a?c",		"ac",			false },
	{ "[",			"[",			false },
};

static void
test_patterns(void)
{
	size_t	 i;

	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		ok(caps_match(patterns[i].pattern,
		    str_of(patterns[i].name)) == patterns[i].fits,
		    "'%s' %s '%s'", patterns[i].pattern, patterns[i].fits ?
		    "fits" : "does not fit", patterns[i].name);
}

/* What the table must say of the families that there are. */
static const struct {
	const char	*dialect, *model;
	int64_t		 thinking, sampling, forced, max_output;
} families[] = {
	{ "openai-chat", "gpt-4o-mini", CAPS_THINK_NONE, CAPS_YES, CAPS_YES,
	    16384 },
	{ "openai-chat", "gpt-5", CAPS_THINK_EFFORT, CAPS_NO, CAPS_YES,
	    128000 },
	{ "openai-responses", "gpt-5.5", CAPS_THINK_EFFORT, CAPS_NOT_THINKING,
	    CAPS_YES, 128000 },
	{ "openai-responses", "gpt-5.6-sol", CAPS_THINK_EFFORT,
	    CAPS_NOT_THINKING, CAPS_YES, 0 },
	{ "openai-responses", "gpt-6-mini", CAPS_THINK_EFFORT,
	    CAPS_NOT_THINKING, CAPS_YES, 0 },
	{ "openai-chat", "gpt-12", CAPS_THINK_EFFORT, CAPS_NOT_THINKING,
	    CAPS_YES, 0 },
	{ "openai-chat", "gpt-6-chat-latest", CAPS_THINK_NONE, CAPS_YES,
	    CAPS_YES, 0 },
	{ "openai-chat", "o4-mini", CAPS_THINK_EFFORT, CAPS_NO, CAPS_YES,
	    100000 },
	{ "openai-chat", "llama-3.1-8b", CAPS_THINK_UNKNOWN, CAPS_YES,
	    CAPS_YES, 0 },
	{ "anthropic", "claude-opus-5", CAPS_THINK_ADAPTIVE, CAPS_NO,
	    CAPS_NOT_THINKING, 0 },
	{ "anthropic", "claude-sonnet-5", CAPS_THINK_ADAPTIVE, CAPS_NO,
	    CAPS_NOT_THINKING, 0 },
	{ "anthropic", "claude-fable-5-1", CAPS_THINK_ADAPTIVE, CAPS_NO,
	    CAPS_NO, 0 },
	{ "anthropic", "claude-opus-4-6", CAPS_THINK_ADAPTIVE, CAPS_YES,
	    CAPS_NOT_THINKING, 0 },
	{ "anthropic", "claude-haiku-4-5-20251001", CAPS_THINK_BUDGET,
	    CAPS_YES, CAPS_NOT_THINKING, 64000 },
	{ "anthropic", "us.anthropic.claude-opus-4-1-20250805-v1:0",
	    CAPS_THINK_BUDGET, CAPS_YES, CAPS_NOT_THINKING, 32000 },
	{ "anthropic", "claude-opus-4-20250514", CAPS_THINK_BUDGET, CAPS_YES,
	    CAPS_NOT_THINKING, 32000 },
	{ "anthropic", "claude-sonnet-4-20250514", CAPS_THINK_BUDGET,
	    CAPS_YES, CAPS_NOT_THINKING, 64000 },
	{ "anthropic", "claude-3-7-sonnet-latest", CAPS_THINK_BUDGET,
	    CAPS_YES, CAPS_NOT_THINKING, 64000 },
	{ "anthropic", "claude-3-5-haiku-20241022", CAPS_THINK_NONE, CAPS_YES,
	    CAPS_NOT_THINKING, 8192 },
	{ "anthropic", "claude-3-opus-20240229", CAPS_THINK_NONE, CAPS_YES,
	    CAPS_NOT_THINKING, 4096 },
	{ "anthropic", "kimi-k3", CAPS_THINK_BUDGET, CAPS_YES,
	    CAPS_NOT_THINKING, 0 },
	{ "gemini", "gemini-3-flash-preview", CAPS_THINK_LEVEL, CAPS_YES,
	    CAPS_YES, 65536 },
	{ "gemini", "models/gemini-3.1-pro", CAPS_THINK_LEVEL, CAPS_YES,
	    CAPS_YES, 65536 },
	{ "gemini", "gemini-3.5-flash", CAPS_THINK_LEVEL, CAPS_YES, CAPS_YES,
	    65536 },
	{ "gemini", "gemini-2.5-pro", CAPS_THINK_BUDGET, CAPS_YES, CAPS_YES,
	    65536 },
	{ "gemini", "gemini-2.0-flash", CAPS_THINK_NONE, CAPS_YES, CAPS_YES,
	    8192 },
	{ "gemini", "gemini-flash-latest", CAPS_THINK_BUDGET, CAPS_YES,
	    CAPS_YES, 0 },
};

static void
test_families(void)
{
	struct model_caps	 m;
	size_t			 i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		caps_get(NULL, families[i].dialect, str_of(families[i].model),
		    &m);
		ok(m.thinking == families[i].thinking &&
		    m.sampling == families[i].sampling &&
		    m.forced == families[i].forced &&
		    m.max_output == families[i].max_output,
		    "%s (%lld %lld %lld %lld)", families[i].model,
		    (long long)m.thinking, (long long)m.sampling,
		    (long long)m.forced, (long long)m.max_output);
	}
	caps_get(NULL, "gemini", STR("gemini-2.5-flash-lite"), &m);
	ok(caps_budget_fit(&m, 100) == 512 && caps_budget_fit(&m, 0) == 0 &&
	    caps_budget_fit(&m, 99999) == 24576, "budgets of 2.5 lite");
	caps_get(NULL, "gemini", STR("gemini-2.0-flash"), &m);
	ok(!m.json_schema && !m.urls && !m.json_with_tools, "of 2.0");
	caps_get(NULL, "gemini", STR("gemini-3.1-pro"), &m);
	ok(m.json_schema && m.signatures && !m.think_off, "of 3.1");
}

static void
test_efforts(void)
{
	struct model_caps	 m;

	caps_get(NULL, "openai-chat", STR("gpt-5.6-sol"), &m);
	ok(str_is(caps_effort_fit(&m, STR("xhigh")), "xhigh") &&
	    str_is(caps_effort_fit(&m, STR("max")), "max") &&
	    str_is(caps_effort_fit(&m, STR("ultra")), "ultra"),
	    "pitfall-24: no effort is lowered that the table does not know");
	caps_get(NULL, "openai-chat", STR("gpt-5"), &m);
	ok(str_is(caps_effort_fit(&m, STR("xhigh")), "high") &&
	    str_is(caps_effort_fit(&m, STR("ultra")), "ultra"),
	    "pitfall-24: one that the model lacks becomes the nearest");
	caps_get(NULL, "anthropic", STR("claude-opus-4-6"), &m);
	ok(str_is(caps_effort_fit(&m, STR("xhigh")), "high") &&
	    str_is(caps_effort_fit(&m, STR("max")), "max") &&
	    str_is(caps_effort_fit(&m, STR("minimal")), "low"), "4.6");
	ok(str_is(caps_budget_effort(&m, 1), "low") &&
	    str_is(caps_budget_effort(&m, 16384), "high") &&
	    str_is(caps_budget_effort(&m, 1000000), "max"),
	    "a budget's effort");
	caps_get(NULL, "gemini", STR("gemini-3-pro-preview"), &m);
	ok(str_is(caps_effort_fit(&m, STR("medium")), "high") &&
	    str_is(caps_effort_fit(&m, STR("minimal")), "low") &&
	    str_is(caps_budget_effort(&m, 100000), "high"), "3 pro");
}

/* --- files ---------------------------------------------------------------- */

static const struct {
	const char	*text, *err;
} wrong[] = {
	{ "a: 1\n", "m:1: expected a list of rules, not a map" },
	{ "- 7\n", "m:1: [0]: expected a map with dialect, model" },
	{ "- model: x\n", "m:1: [0]: 'dialect' is missing" },
	{ "- dialect: openai\n", "m:1: [0]: 'model' is missing" },
	{ "- dialect: klingon\n  model: x\n", "m:1: [0].dialect: expected "
	    "openai-chat, openai-responses, anthropic, gemini or openai" },
	{ "- dialect: gemini\n  model: x\n  thinkin: no\n",
	    "m:3: [0]: unknown key 'thinkin', did you mean 'thinking'?" },
	{ "- dialect: gemini\n  model: x\n  thinking: much\n",
	    "m:3: [0].thinking: expected unknown, none, budget, adaptive, "
	    "effort or level" },
	{ "- dialect: gemini\n  model: x\n  max_output: -1\n",
	    "m:3: [0].max_output: expected a number of tokens" },
	{ "- dialect: gemini\n  model: x\n  max_output: 99999999999999\n",
	    "m:3: [0].max_output: expected a number of tokens" },
	{ "- dialect: gemini\n  model: x\n  efforts: high\n",
	    "m:3: [0].efforts: expected a list of efforts" },
	{ "- dialect: gemini\n  model: x\n  efforts: [huge]\n",
	    "m:3: [0].efforts[0]: expected none, minimal" },
	{ "- dialect: gemini\n  model: ''\n", "m:2: [0].model: expected a "
	    "model's name" },
	{ "- dialect: gemini\n  model: [{}]\n", "m:2: [0].model[0]: " },
	{ "- dialect: gemini\n  model: x\n  stop: maybe\n",
	    "m:3: [0].stop: expected no or yes" },
	{ "]", "m:1: not YAML" },
};

static void
test_files(void)
{
	struct caps_table	 t;
	struct model_caps	 m;
	char			 err[512];
	size_t			 i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err[0] = '\0';
		ok(caps_file_parse(&arena, str_of(wrong[i].text), "m", &t,
		    err, sizeof(err)) == -1 && strncmp(err, wrong[i].err,
		    strlen(wrong[i].err)) == 0, "%s (%s)", wrong[i].err, err);
	}
	ok(caps_file_parse(&arena, STR("# nothing\n"), "m", &t, err,
	    sizeof(err)) == 0 && t.n == 0, "an empty file has no rules");
	ok(caps_file_parse(&arena, STR("- {dialect: openai, model: "
	    "[gpt-5.5, my-*], sampling: yes, max_output: 77}\n"), "m", &t,
	    err, sizeof(err)) == 0 && t.n == 2, "a rule a pattern");
	caps_get(&t, "openai-chat", STR("gpt-5.5"), &m);
	ok(m.sampling == CAPS_YES && m.max_output == 77 && !m.stop,
	    "pitfall-37: one line changes one fact");
	caps_get(&t, "anthropic", STR("gpt-5.5"), &m);
	ok(m.max_output == 0, "of its dialect only");
}

/* --- in translations ------------------------------------------------------ */

static const struct {
	const char	*name;
	const struct dialect *from, *to;
	const char	*model, *in;	/* ' for " */
	const char	*has, *lacks;	/* NULL: nothing */
	const char	*lost;		/* in the report, NULL: none */
} bodies[] = {
	{ "pitfall-24: an unknown effort goes through",
	    &dialect_openai_chat, &dialect_openai_responses, "gpt-6-mini",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'reasoning_effort':'ultra'}", "'effort':'ultra'", NULL, NULL },
	{ "pitfall-24: xhigh and max reach those that have them",
	    &dialect_openai_chat, &dialect_anthropic, "claude-opus-5",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'reasoning_effort':'xhigh'}", "'effort':'xhigh'", NULL, NULL },
	{ "pitfall-24: what is lowered is told",
	    &dialect_openai_chat, &dialect_openai_responses, "gpt-5",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'reasoning_effort':'xhigh'}", "'effort':'high'", NULL,
	    "reasoning_effort" },
	{ "thoughts that Anthropic would show are asked for",
	    &dialect_anthropic, &dialect_openai_responses, "gpt-5.5",
	    "{'model':'m','max_tokens':5000,'messages':[{'role':'user',"
	    "'content':'a'}],'thinking':{'type':'enabled','budget_tokens':"
	    "2048}}", "'reasoning':{'effort':'low','summary':'auto'}", NULL,
	    "thinking" },
	{ "pitfall-25: a budget lies below max_tokens",
	    &dialect_gemini, &dialect_anthropic, "claude-haiku-4-5",
	    "{'contents':[{'role':'user','parts':[{'text':'a'}]}],"
	    "'generationConfig':{'maxOutputTokens':8000,"
	    "'thinkingConfig':{'thinkingBudget':20000}}}",
	    "'budget_tokens':6400", NULL, "thinking" },
	{ "pitfall-25: max_tokens is raised where the client gave none",
	    &dialect_openai_chat, &dialect_anthropic, "claude-haiku-4-5",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'reasoning_effort':'max'}", "'max_tokens':36095", NULL,
	    "reasoning_effort" },
	{ "pitfall-31: forced choice while thinking becomes auto",
	    &dialect_openai_chat, &dialect_anthropic, "claude-opus-5",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'reasoning_effort':'high','tool_choice':'required','tools':["
	    "{'type':'function','function':{'name':'f'}}]}",
	    "'tool_choice':{'type':'auto'}", NULL, "tool_choice" },
	{ "pitfall-31: forced choice stays without thinking",
	    &dialect_openai_chat, &dialect_anthropic, "claude-opus-5",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'tool_choice':'required','tools':["
	    "{'type':'function','function':{'name':'f'}}]}",
	    "'tool_choice':{'type':'any'}", NULL, NULL },
	{ "pitfall-31: a model that refuses it gets auto",
	    &dialect_openai_chat, &dialect_anthropic, "claude-fable-5-1",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'tool_choice':'required','tools':["
	    "{'type':'function','function':{'name':'f'}}]}",
	    "'tool_choice':{'type':'auto'}", NULL, "tool_choice" },
	{ "pitfall-32: structured output beside thinking and tools",
	    &dialect_openai_chat, &dialect_anthropic, "claude-opus-5",
	    "{'model':'m','messages':[{'role':'user','content':'a'}],"
	    "'reasoning_effort':'high','tools':[{'type':'function',"
	    "'function':{'name':'f'}}],'response_format':{'type':"
	    "'json_schema','json_schema':{'name':'r','schema':{'type':"
	    "'object','properties':{},'additionalProperties':false}}}}",
	    "'format':{'type':'json_schema'", "tool_choice", NULL },
	{ "pitfall-37: max_tokens has its new name",
	    &dialect_anthropic, &dialect_openai_chat, "gpt-6-mini",
	    "{'model':'m','max_tokens':5,'messages':[{'role':'user',"
	    "'content':'a'}]}", "'max_completion_tokens':5", "'max_tokens'",
	    NULL },
	{ "pitfall-37: a reasoning model refuses a temperature",
	    &dialect_anthropic, &dialect_openai_chat, "o4-mini",
	    "{'model':'m','max_tokens':5,'temperature':0.5,'messages':["
	    "{'role':'user','content':'a'}]}", NULL, "temperature",
	    "temperature" },
	{ "pitfall-37: a model that nobody knows is refused nothing",
	    &dialect_anthropic, &dialect_openai_chat, "what-comes-next",
	    "{'model':'m','max_tokens':5,'temperature':0.5,'messages':["
	    "{'role':'user','content':'a'}]}", "'temperature':0.5", NULL,
	    NULL },
	{ "more tokens than the model has are lowered, and told",
	    &dialect_openai_chat, &dialect_anthropic,
	    "claude-3-opus-20240229",
	    "{'model':'m','max_tokens':9999,'messages':[{'role':'user',"
	    "'content':'a'}]}", "'max_tokens':4096", NULL, "max_tokens" },
};

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

static void
test_bodies(void)
{
	struct convert_opts	 o;
	struct ir_error		 err;
	struct buf		 path, report;
	bool			 good;
	size_t			 i;

	buf_init(&path, 4096);
	buf_init(&report, 65536);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		o = (struct convert_opts){ .from = bodies[i].from,
		    .to = bodies[i].to, .model = str_of(bodies[i].model) };
		loss_init(&loss, &arena);
		buf_clear(&out);
		buf_clear(&report);
		good = convert_request(&arena, &o, json(bodies[i].in), &path,
		    &out, &loss, &err) == 0 &&
		    (bodies[i].has == NULL || has(bodies[i].has)) &&
		    (bodies[i].lacks == NULL || !has(bodies[i].lacks));
		loss_json(&loss, &report);
		if (bodies[i].lost == NULL)
			good = good && loss.n == 0;
		else
			good = good && memmem(report.data, report.len,
			    bodies[i].lost, strlen(bodies[i].lost)) != NULL;
		ok(good, "%s", bodies[i].name);
		if (!good)
			printf("# %.*s\n# %.*s\n", STR_FMT(buf_str(&out)),
			    STR_FMT(buf_str(&report)));
	}
	buf_release(&path);
	buf_release(&report);
}

/* --- what a provider's 400 refuses ------------------------------------------ */

static const struct {
	const struct dialect *d;
	int		 status;
	const char	*msg, *param, *code;
	const char	*sent;		/* ' for " */
	const char	*name;		/* NULL: nothing may be left out */
	bool		 lasting;
	const char	*then;		/* what is sent then */
} refusals[] = {
	{ &dialect_openai_chat, 400, "Unsupported parameter: 'temperature' is "
	    "not supported with this model.", "temperature",
	    "unsupported_parameter", "{'model':'m','temperature':1}",
	    "temperature", true, "{'model':'m'}" },
	{ &dialect_openai_chat, 400, "Unsupported parameter: 'max_tokens' is "
	    "not supported with this model. Use 'max_completion_tokens' "
	    "instead.", "max_tokens", "unsupported_parameter",
	    "{ 'max_tokens' : 5 , 'model':'m'}", "max_tokens", true,
	    "{ 'max_completion_tokens' : 5 , 'model':'m'}" },
	{ &dialect_openai_chat, 400, "max_tokens is not supported here", "",
	    "", "{'max_tokens':5}", NULL, false, NULL },
	{ &dialect_openai_chat, 400, "logprobs are not supported with "
	    "reasoning models.", "", "",
	    "{'logprobs':true,'top_logprobs':2,'n':1}", "logprobs", true,
	    "{'n':1}" },
	{ &dialect_openai_chat, 400, "This model does not support the "
	    "'logprobs' parameter.", "", "", "{'logprobs':true}", "logprobs",
	    true, "{}" },
	{ &dialect_openai_chat, 400, "Unrecognized request argument supplied: "
	    "reasoning_effort", "", "", "{'n':1,'reasoning_effort':'low'}",
	    "reasoning_effort", true, "{'n':1}" },
	{ &dialect_openai_responses, 400, "Unsupported parameter: "
	    "'reasoning.summary' is not supported with this model.",
	    "reasoning.summary", "unsupported_parameter",
	    "{'reasoning':{'effort':'low','summary':'auto'}}",
	    "reasoning.summary", true, "{'reasoning':{'effort':'low'}}" },
	{ &dialect_openai_responses, 400, "Your organization must be verified "
	    "to generate reasoning summaries.", "reasoning.summary",
	    "unsupported_value", "{'reasoning':{'summary':'auto'}}",
	    "reasoning.summary", true, "{'reasoning':{}}" },
	{ &dialect_openai_chat, 400, "Unsupported value: 'messages[0].role' "
	    "does not support 'user' with this model.", "messages[0].role",
	    "unsupported_value", "{'user':'u','messages':[]}", NULL, false,
	    NULL },
	{ &dialect_openai_chat, 400, "Invalid parameter: 'response_format' of "
	    "type 'json_object' is not supported with this model.",
	    "response_format", "", "{'response_format':{},'temperature':1}",
	    NULL, false, NULL },
	{ &dialect_openai_chat, 429, "Unsupported parameter: 'temperature'",
	    "temperature", "", "{'temperature':1}", NULL, false, NULL },
	{ &dialect_openai_chat, 400, "Unsupported parameter: 'temperature'",
	    "temperature", "", "{'n':1}", NULL, false, NULL },
	{ &dialect_anthropic, 400, "`temperature` is deprecated for this "
	    "model.", "", "", "{'a':1,'temperature':1,'b':[2]}",
	    "temperature", true, "{'a':1,'b':[2]}" },
	{ &dialect_anthropic, 400, "temperature is deprecated for this model.",
	    "", "", "{'temperature':1}", "temperature", true, "{}" },
	{ &dialect_anthropic, 400, "`temperature` and `top_p` cannot both be "
	    "specified for this model. Please use only one.", "", "",
	    "{'temperature':1,'top_p':1}", "top_p", false,
	    "{'temperature':1}" },
	{ &dialect_anthropic, 400, "This model does not support effort level "
	    "'xhigh'. Supported levels: high, low, max, medium.", "", "",
	    "{'output_config':{'effort':'xhigh'}}", "output_config.effort",
	    false, "{'output_config':{}}" },
	{ &dialect_anthropic, 400, "tools.0.custom: Invalid schema: Circular "
	    "reference. Self-referencing definitions are not supported.", "",
	    "", "{'tools':[1],'temperature':1}", NULL, false, NULL },
	{ &dialect_anthropic, 400, "context_management: Extra inputs are not "
	    "permitted", "", "", "{'context_management':{}}",
	    "context_management", true, "{}" },
	{ &dialect_gemini, 400, "Logprobs is not enabled for "
	    "models/gemini-2.5-pro", "", "", "{'generationConfig':{"
	    "'responseLogprobs':true,'logprobs':2,'topK':1}}",
	    "generationConfig.responseLogprobs", true,
	    "{'generationConfig':{'topK':1}}" },
	{ &dialect_gemini, 400, "Thinking level is not supported for this "
	    "model.", "", "", "{'generation_config':{'thinking_config':{"
	    "'thinking_level':'low'}}}",
	    "generationConfig.thinkingConfig.thinkingLevel", true,
	    "{'generation_config':{'thinking_config':{}}}" },
	{ &dialect_gemini, 400, "models/x is not found for API version v1beta, "
	    "or is not supported for generateContent.", "", "",
	    "{'generationConfig':{'temperature':1}}", NULL, false, NULL },
};

static void
test_refusals(void)
{
	struct ir_exchange	 x = { .arena = &arena, .loss = &loss };
	struct ir_error		 err;
	struct refusal		 r;
	struct str		 sent, then;
	bool			 good;
	size_t			 i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		ir_error_set(&err, IR_ERR_BAD_REQUEST, "%s", refusals[i].msg);
		err.upstream = refusals[i].status;
		snprintf(err.param, sizeof(err.param), "%s",
		    refusals[i].param);
		snprintf(err.code, sizeof(err.code), "%s", refusals[i].code);
		sent = json(refusals[i].sent);
		loss_init(&loss, &arena);
		buf_clear(&out);
		x.target.dialect = refusals[i].d;
		good = refusal_read(refusals[i].d, &err, sent, &r) ==
		    (refusals[i].name != NULL);
		if (good && refusals[i].name != NULL) {
			then = json(refusals[i].then);
			good = str_is(str_of(r.name), refusals[i].name) &&
			    r.lasting == refusals[i].lasting &&
			    refusal_apply(&x, &r, sent, &out) &&
			    str_eq(buf_str(&out), then) && loss.n > 0;
		}
		ok(good, "%s: %s", refusals[i].msg, refusals[i].name == NULL ?
		    "nothing is left out" : refusals[i].name);
		if (!good)
			printf("# %s: %.*s\n", refusals[i].name == NULL ?
			    r.name : "sent", STR_FMT(buf_str(&out)));
	}
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, 1 << 20);
	test_patterns();
	test_families();
	test_efforts();
	test_files();
	test_bodies();
	test_refusals();
	buf_release(&out);
	arena_release(&arena);
	return done();
}
