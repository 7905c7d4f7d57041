/*
 * Members that a provider's error says its model does not take.
 */
#include "wire/refusal.h"

#include <string.h>

#define OPENAI		0x1u	/* both of its dialects */
#define ANTHROPIC	0x2u
#define GEMINI		0x4u

/* Which member of the common form it came from. */
enum origin {
	O_NONE, O_TEMPERATURE, O_TOP_P, O_TOP_K, O_FREQUENCY, O_PRESENCE,
	O_SEED, O_LOGPROBS, O_TOP_LOGPROBS, O_MAX_TOKENS, O_REASONING, O_USER,
	O_METADATA, O_TIER, O_STOP
};

/* All that may be left out.  words: how else errors speak of it. */
static const struct known {
	unsigned	 dialects;
	const char	*name, *rename;
	const char	*words;
	enum origin	 origin;
} known[] = {
	{ OPENAI, "max_tokens", "max_completion_tokens", NULL, O_MAX_TOKENS },
	{ OPENAI, "max_completion_tokens", "max_tokens", NULL, O_MAX_TOKENS },
	{ OPENAI | ANTHROPIC, "temperature", NULL, NULL, O_TEMPERATURE },
	{ OPENAI | ANTHROPIC, "top_p", NULL, NULL, O_TOP_P },
	{ OPENAI | ANTHROPIC, "top_k", NULL, NULL, O_TOP_K },
	{ OPENAI, "frequency_penalty", NULL, NULL, O_FREQUENCY },
	{ OPENAI, "presence_penalty", NULL, NULL, O_PRESENCE },
	{ OPENAI, "seed", NULL, NULL, O_SEED },
	{ OPENAI, "logprobs", NULL, NULL, O_LOGPROBS },
	{ OPENAI, "top_logprobs", NULL, "logprobs", O_TOP_LOGPROBS },
	{ OPENAI, "logit_bias", NULL, NULL, O_NONE },
	{ OPENAI, "stop", NULL, NULL, O_STOP },
	{ OPENAI, "parallel_tool_calls", NULL, NULL, O_NONE },
	{ OPENAI, "reasoning_effort", NULL, NULL, O_REASONING },
	{ OPENAI, "reasoning.effort", NULL, NULL, O_REASONING },
	{ OPENAI, "reasoning.summary", NULL, NULL, O_REASONING },
	{ OPENAI, "reasoning", NULL, NULL, O_REASONING },
	{ OPENAI, "verbosity", NULL, NULL, O_NONE },
	{ OPENAI, "text.verbosity", NULL, NULL, O_NONE },
	{ OPENAI, "include", NULL, "encrypted content", O_NONE },
	{ OPENAI, "truncation", NULL, NULL, O_NONE },
	{ OPENAI, "stream_options", NULL, NULL, O_NONE },
	{ OPENAI, "prediction", NULL, NULL, O_NONE },
	{ OPENAI, "prompt_cache_key", NULL, NULL, O_NONE },
	{ OPENAI, "prompt_cache_retention", NULL, NULL, O_NONE },
	{ OPENAI, "safety_identifier", NULL, NULL, O_USER },
	{ OPENAI, "user", NULL, NULL, O_USER },
	{ OPENAI | ANTHROPIC, "metadata", NULL, NULL, O_METADATA },
	{ OPENAI, "store", NULL, NULL, O_NONE },
	{ OPENAI | ANTHROPIC, "service_tier", NULL, NULL, O_TIER },
	{ ANTHROPIC, "output_config.effort", NULL, "effort", O_REASONING },
	{ ANTHROPIC, "thinking.display", NULL, NULL, O_NONE },
	{ ANTHROPIC, "thinking", NULL, "thinking", O_REASONING },
	{ ANTHROPIC, "stop_sequences", NULL, NULL, O_STOP },
	{ ANTHROPIC, "context_management", NULL, NULL, O_NONE },
	{ GEMINI, "generationConfig.temperature", NULL, "temperature",
	    O_TEMPERATURE },
	{ GEMINI, "generationConfig.topP", NULL, "top_p", O_TOP_P },
	{ GEMINI, "generationConfig.topK", NULL, "top_k", O_TOP_K },
	{ GEMINI, "generationConfig.presencePenalty", NULL, "penalty",
	    O_PRESENCE },
	{ GEMINI, "generationConfig.frequencyPenalty", NULL, "penalty",
	    O_FREQUENCY },
	{ GEMINI, "generationConfig.seed", NULL, "seed", O_SEED },
	{ GEMINI, "generationConfig.responseLogprobs", NULL, "logprobs",
	    O_LOGPROBS },
	{ GEMINI, "generationConfig.logprobs", NULL, "logprobs",
	    O_TOP_LOGPROBS },
	{ GEMINI, "generationConfig.thinkingConfig.thinkingLevel", NULL,
	    "thinking level", O_REASONING },
	{ GEMINI, "generationConfig.thinkingConfig.thinkingLevel", NULL,
	    "thinking_level", O_REASONING },
	{ GEMINI, "generationConfig.thinkingConfig.thinkingBudget", NULL,
	    "thinking budget", O_REASONING },
	{ GEMINI, "generationConfig.thinkingConfig.thinkingBudget", NULL,
	    "thinking_budget", O_REASONING },
	{ GEMINI, "generationConfig.thinkingConfig", NULL, "thinking_config",
	    O_REASONING },
	{ GEMINI, "generationConfig.thinkingConfig", NULL, "thinking",
	    O_REASONING },
	{ GEMINI, "generationConfig.mediaResolution", NULL,
	    "media resolution", O_NONE },
	{ GEMINI, "generationConfig.stopSequences", NULL, "stop sequences",
	    O_STOP },
	{ GEMINI, "labels", NULL, NULL, O_METADATA },
	{ GEMINI, "serviceTier", NULL, "service_tier", O_TIER },
};

#define NKNOWN	(sizeof(known) / sizeof(known[0]))

static unsigned
bit_of(const struct dialect *d)
{
	return d == &dialect_anthropic ? ANTHROPIC :
	    d == &dialect_gemini ? GEMINI : OPENAI;
}

/* --- the error's words ------------------------------------------------------ */

static bool
says(struct str text, const char *word)
{
	size_t	 n = strlen(word);

	for (; text.n >= n; text = str_skip(text, 1))
		if (strncasecmp(text.p, word, n) == 0)
			return true;
	return false;
}

static bool
says_refused(struct str msg)
{
	static const char *const	 phrases[] = {
		"unsupported parameter", "unsupported value",
		"unknown parameter", "unrecognized request argument",
		"is not supported", "are not supported", "not supported with",
		"not supported by", "does not support", "is deprecated for",
		"is not enabled for", "is not configurable",
		"extra inputs are not permitted", "cannot both be specified",
		"unknown name", "is unsupported",
		"must be verified to generate reasoning summaries", NULL
	};
	size_t	 i;

	for (i = 0; phrases[i] != NULL; i++)
		if (says(msg, phrases[i]))
			return true;
	return false;
}

static bool
is_quote(char c)
{
	return c == '\'' || c == '`' || c == '"';
}

/*
 * The first thing that the text quotes, or what Azure says was supplied.  Later
 * ones may be values, or what is allowed.
 */
static struct str
first_name(struct str msg)
{
	static const char	 supplied[] = "argument supplied: ";
	const char		*q;
	struct str		 s = msg;
	size_t			 i;

	q = memmem(s.p, s.n, supplied, sizeof(supplied) - 1);
	if (q != NULL) {
		s = str_skip(s, (size_t)(q - s.p) + sizeof(supplied) - 1);
		return str_cut(&s, ' ');
	}
	for (; s.n > 1; s = str_skip(s, 1)) {
		if (!is_quote(s.p[0]))
			continue;
		for (i = 1; i < s.n && s.p[i] != s.p[0]; i++)
			;
		if (i < s.n)
			return (struct str){ s.p + 1, i - 1 };
	}
	return STR_NONE;
}

static struct str
first_word(struct str msg)
{
	struct str	 s = str_cut(&msg, ' ');

	while (s.n > 0 && s.p[s.n - 1] == ':')
		s.n--;
	return s;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* "topK" is "top_k": protobuf's JSON has both. */
static bool
same_word(struct str a, struct str b)
{
	size_t	 i = 0, j = 0;

	for (;;) {
		while (i < a.n && a.p[i] == '_')
			i++;
		while (j < b.n && b.p[j] == '_')
			j++;
		if (i == a.n || j == b.n)
			return i == a.n && j == b.n;
		if (lower(a.p[i++]) != lower(b.p[j++]))
			return false;
	}
}

static struct str
last_piece(struct str path)
{
	const char	*dot = path.n == 0 ? NULL :
			    memrchr(path.p, '.', path.n);

	return dot == NULL ? path : str_skip(path,
	    (size_t)(dot - path.p) + 1);
}

/* A member that is not at the top may be said with its path or without. */
static bool
same_name(struct str said, const char *name)
{
	struct str	 path = str_of(name), last = last_piece(path);

	return same_word(said, path) || (last.n < path.n &&
	    same_word(last_piece(said), last));
}

/* Does the error speak of that member? */
static bool
speaks_of(const struct known *k, const struct ir_error *err)
{
	struct str	 msg = str_of(err->msg), said;

	if (err->param[0] != '\0')
		return same_name(str_of(err->param), k->name);
	said = first_name(msg);
	/* "does not support effort level 'xhigh'": a value. */
	if (said.n > 0 && !says(msg, " level '"))
		return same_name(said, k->name) ||
		    (k->words != NULL && says(said, k->words));
	return same_name(first_word(msg), k->name) ||
	    (k->words != NULL && says(msg, k->words));
}

static bool
of_value(const struct ir_error *err)
{
	struct str	 msg = str_of(err->msg);

	return str_is(str_of(err->code), "unsupported_value") ||
	    says(msg, "unsupported value") || says(msg, "level '") ||
	    says(msg, "thinking_level ") || says(msg, "supported values are") ||
	    says(msg, "cannot both");
}

/* --- the body --------------------------------------------------------------- */

static struct jv
member_of(struct jv object, struct str name)
{
	struct jv	 v, found = JV_NONE;
	struct str	 key;

	if (json_type(object) != JSON_OBJECT)
		return JV_NONE;
	for (v = json_first(object); json_ok(v); v = json_next(v)) {
		key = json_raw(json_key(v));
		if (key.n > 2 && same_word((struct str){ key.p + 1,
		    key.n - 2 }, name))
			found = v;
	}
	return found;
}

/* Gemini's members also have names with underscores. */
static bool
find_place(struct jv root, const char *path, struct jv *at)
{
	struct str	 rest = str_of(path);

	*at = root;
	while (rest.n > 0) {
		*at = member_of(*at, str_cut(&rest, '.'));
		if (!json_ok(*at))
			return false;
	}
	return true;
}

static bool
body_has(struct str body, const char *path)
{
	struct json_error	 je;
	struct jv		 at;
	struct json		 j;
	bool			 res;

	json_init(&j);
	res = json_parse(&j, body, &je) == 0 &&
	    find_place(json_root(&j), path, &at);
	json_release(&j);
	return res;
}

static void
fill(const struct known *k, struct refusal *r)
{
	r->name = k->name;
	r->rename = NULL;
	r->lasting = true;
}

bool
refusal_read(const struct dialect *d, const struct ir_error *err,
    struct str sent, struct refusal *r)
{
	const struct known	*k;
	struct str		 msg = str_of(err->msg);

	if ((err->upstream != 400 && err->upstream != 422) ||
	    (!says_refused(msg) &&
	    !str_is(str_of(err->code), "unsupported_parameter")))
		return false;
	for (k = known; k < known + NKNOWN; k++) {
		if ((k->dialects & bit_of(d)) == 0 || !speaks_of(k, err) ||
		    !body_has(sent, k->name))
			continue;
		if (says(msg, "cannot both") && k->origin == O_TEMPERATURE &&
		    body_has(sent, "top_p"))
			k++;
		fill(k, r);
		/* Of a temperature the default is taken, and nothing else. */
		r->lasting = !of_value(err) || says(msg, "must be verified") || (!says(msg, "cannot both") &&
		    k->origin == O_TEMPERATURE);
		if (k->rename == NULL)
			return true;
		/* Without any limit the answer would be another. */
		r->rename = k->rename;
		return says(msg, k->rename) && !body_has(sent, k->rename);
	}
	return false;
}

bool
refusal_byname(const struct dialect *d, struct str name, struct str rename,
    struct refusal *r)
{
	const struct known	*k;

	for (k = known; k < known + NKNOWN; k++) {
		if ((k->dialects & bit_of(d)) == 0 || !str_is(name, k->name))
			continue;
		fill(k, r);
		if (rename.n > 0 && (k->rename == NULL ||
		    !str_is(rename, k->rename)))
			continue;
		r->rename = rename.n > 0 ? k->rename : NULL;
		return k->rename == NULL || rename.n > 0;
	}
	return false;
}

/* --- leaving it out --------------------------------------------------------- */

static uint32_t
origin_node(const struct ir_request *rq, enum origin o)
{
	const struct ir_sampling	*s = &rq->sampling;

	switch (o) {
	case O_TEMPERATURE:
		return s->temperature.node;
	case O_TOP_P:
		return s->top_p.node;
	case O_TOP_K:
		return s->top_k.node;
	case O_FREQUENCY:
		return s->frequency_penalty.node;
	case O_PRESENCE:
		return s->presence_penalty.node;
	case O_SEED:
		return s->seed.node;
	case O_TOP_LOGPROBS:
		return s->top_logprobs.node;
	case O_MAX_TOKENS:
		return s->max_tokens_node;
	case O_REASONING:
		return rq->reasoning.node;
	case O_USER:
		return rq->user_node;
	case O_METADATA:
		return rq->metadata_node;
	case O_TIER:
		return rq->service_tier_node;
	case O_STOP:
		return rq->stop == NULL ? 0 : rq->stop->node;
	default:
		return 0;
	}
}

static void
lose(const struct ir_exchange *x, const struct refusal *r)
{
	const struct known	*k = known;
	const char		*why = r->rename != NULL ?
				    "the provider wants its other name" :
				    "the provider said that the model does "
				    "not take it";
	enum loss_action	 action = r->rename != NULL ?
				    LOSS_APPROXIMATED : LOSS_DROPPED;
	uint32_t		 node = 0;

	while (k < known + NKNOWN && strcmp(k->name, r->name) != 0)
		k++;
	if (x->rq != NULL && x->rq->from != x->target.dialect &&
	    k < known + NKNOWN)
		node = origin_node(x->rq, k->origin);
	if (node != 0)
		loss_node(x->loss, action, x->rq->json, node, NULL, why);
	else
		loss_add(x->loss, action, str_of(r->name), why);
}

/* The bytes around member stay as they are. */
static void
cut(struct str body, struct jv at, struct buf *out)
{
	const char	*from = json_raw(json_key(at)).p;
	struct str	 value = json_raw(at);
	const char	*to = value.p + value.n, *end = body.p + body.n;

	while (to < end && strchr(" \t\r\n", *to) != NULL)
		to++;
	if (to < end && *to == ',')
		to++;
	else {
		/* The last one: the comma before it goes. */
		while (from > body.p && strchr(" \t\r\n", from[-1]) != NULL)
			from--;
		if (from > body.p && from[-1] == ',')
			from--;
	}
	(void)buf_add(out, body.p, (size_t)(from - body.p));
	(void)buf_add(out, to, (size_t)(end - to));
}

static void
put_name(struct str body, struct jv at, const char *name,
    struct buf *out)
{
	struct str	 key = json_raw(json_key(at));

	(void)buf_add(out, body.p, (size_t)(key.p - body.p));
	(void)buf_addf(out, "\"%s\"", name);
	(void)buf_adds(out, str_skip(body, (size_t)(key.p - body.p) + key.n));
}

static bool
apply_one(const struct ir_exchange *x, const struct refusal *r,
    struct str body, struct buf *out)
{
	struct json_error	 je;
	struct jv		 at;
	struct json		 j;
	bool			 found;

	json_init(&j);
	found = json_parse(&j, body, &je) == 0 &&
	    find_place(json_root(&j), r->name, &at);
	if (found && r->rename != NULL)
		put_name(body, at, r->rename, out);
	else if (found)
		cut(body, at, out);
	json_release(&j);
	if (found)
		lose(x, r);
	return found;
}

/* What is refused without the other: its number. */
static const char *
goes_along(const char *name)
{
	if (strcmp(name, "logprobs") == 0)
		return "top_logprobs";
	if (strcmp(name, "generationConfig.responseLogprobs") == 0)
		return "generationConfig.logprobs";
	return NULL;
}

bool
refusal_apply(const struct ir_exchange *x, const struct refusal *r,
    struct str body, struct buf *out)
{
	struct refusal	 also = { .name = goes_along(r->name) };
	struct buf	 once;
	bool		 found;

	if (also.name == NULL)
		return apply_one(x, r, body, out);
	buf_init(&once, body.n + 64);
	found = apply_one(x, r, body, &once);
	if (found && !apply_one(x, &also, buf_str(&once), out))
		(void)buf_adds(out, buf_str(&once));
	buf_release(&once);
	return found;
}
