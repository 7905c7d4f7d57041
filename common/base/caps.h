#ifndef BASE_CAPS_H
#define BASE_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * What a model takes: data, not code.  etc/models.yaml is compiled in as the
 * table that holds where no other is given; a file of the same form, named by
 * MODELS_FILE, is laid over it (state/caps_file.h reads both).
 *
 * A table is a list of rules.  All whose dialect and pattern fit a name are
 * applied in order, and each sets only what it names: so one line of one's own
 * changes one fact of one model.  What no rule says stays open: unknown models
 * are refused nothing.
 */


enum caps_thinking {
	CAPS_THINK_UNKNOWN,	/* asked for as it comes */
	CAPS_THINK_NONE,	/* the model has none */
	CAPS_THINK_BUDGET,	/* a number of tokens */
	CAPS_THINK_ADAPTIVE,	/* Anthropic: adaptive, with an effort */
	CAPS_THINK_EFFORT,	/* OpenAI: an effort */
	CAPS_THINK_LEVEL	/* Gemini: a level */
};

enum caps_when {
	CAPS_NO, CAPS_YES,
	CAPS_NOT_THINKING	/* only while the model does not think */
};

/* Efforts, least first: bits of the member "efforts". */
enum caps_effort {
	CAPS_E_NONE, CAPS_E_MINIMAL, CAPS_E_LOW, CAPS_E_MEDIUM, CAPS_E_HIGH,
	CAPS_E_XHIGH, CAPS_E_MAX, CAPS_EFFORTS
};

/*
 * The members: kind (of the value in the file), name, default, text.  Kinds:
 * NUMBER of tokens, BOOL, WHEN (no, yes, not_thinking), THINKING, EFFORTS (a
 * list), TRI (no, yes, unknown).
 */
#define CAPS_MEMBERS							\
	CAPS(THINKING, thinking, 0,					\
	    "unknown, none, budget, adaptive, effort or level")		\
	CAPS(EFFORTS, efforts, 0,					\
	    "the efforts or levels that the model has; none named: any")	\
	CAPS(BOOL, think_off, 1, "can be told not to think")		\
	CAPS(BOOL, thinks_unasked, 1, "thinks where nothing is said of it") \
	CAPS(NUMBER, budget_least, 0, "the smallest budget of thoughts")	\
	CAPS(NUMBER, budget_most, 0, "the largest; 0: not known")	\
	CAPS(NUMBER, budget_minimal, 0, "tokens that an effort stands for") \
	CAPS(NUMBER, budget_low, 0, "likewise")				\
	CAPS(NUMBER, budget_medium, 0, "likewise")			\
	CAPS(NUMBER, budget_high, 0, "likewise; 0: without end")	\
	CAPS(NUMBER, budget_xhigh, 0, "likewise")			\
	CAPS(NUMBER, budget_max, 0, "likewise")				\
	CAPS(NUMBER, max_output, 0, "most tokens of an answer; 0: not known") \
	CAPS(NUMBER, max_tokens, 0,					\
	    "asked for where the client gave none and one is needed")	\
	CAPS(TRI, max_completion_tokens, 2,				\
	    "max_tokens has that name here")				\
	CAPS(WHEN, sampling, CAPS_YES,					\
	    "temperature, top_p, top_k, penalties, logprobs")		\
	CAPS(BOOL, temperature_and_top_p, 1, "both in one request")	\
	CAPS(BOOL, stop, 1, "stop sequences")				\
	CAPS(BOOL, parallel, 1, "parallel_tool_calls may be said")	\
	CAPS(WHEN, forced, CAPS_YES, "a tool may be forced")		\
	CAPS(BOOL, strict, 1, "strict tools")				\
	CAPS(BOOL, prefill, 1, "its answer may be begun for it")	\
	CAPS(BOOL, system_turns, 0, "messages of the system among others")	\
	CAPS(BOOL, json_schema, 1,					\
	    "JSON Schema as it is (parametersJsonSchema)")		\
	CAPS(BOOL, json_with_tools, 1, "JSON output beside functions")	\
	CAPS(BOOL, signatures, 0, "calls without a signature are refused") \
	CAPS(BOOL, choices, 1, "several answers to one request")		\
	CAPS(BOOL, urls, 1, "fetches media by https URL")

struct model_caps {
#define CAPS(kind, name, deflt, text)	int64_t name;
	CAPS_MEMBERS
#undef CAPS
};

#define CAPS_N	(sizeof(struct model_caps) / sizeof(int64_t))

enum caps_kind {
	CAPS_KIND_NUMBER, CAPS_KIND_BOOL, CAPS_KIND_TRI, CAPS_KIND_WHEN,
	CAPS_KIND_THINKING, CAPS_KIND_EFFORTS
};

/* The same as a table, member i being the i-th number of struct model_caps. */
struct caps_member {
	const char	*name;
	enum caps_kind	 kind;
	int64_t		 deflt;
	const char	*text;
};
extern const struct caps_member	 caps_members[CAPS_N];

/* Words of the kinds that have some, by value, NULL at the end. */
const char *const	*caps_words(enum caps_kind);
extern const char *const caps_effort_names[CAPS_EFFORTS + 1];

/* Dialects by bit: what "openai" in the file means is both of its own. */
#define CAPS_OPENAI_CHAT	0x1u
#define CAPS_OPENAI_RESPONSES	0x2u
#define CAPS_ANTHROPIC		0x4u
#define CAPS_GEMINI		0x8u

struct caps_rule {
	unsigned		 dialects;
	const char		*model;		/* pattern: * ? [a-z] */
	uint32_t		 set;		/* members, by bit */
	struct model_caps	 v;
};

struct caps_table {
	const struct caps_rule	*rules;
	size_t			 n;
};

/* What is compiled in. */
extern const struct caps_table	 caps_builtin;

/*
 * What the model takes that this name stands for at a provider of the dialect
 * (a name, "openai-chat").  A path before the name and "ft:" do not count, nor
 * does ASCII case.  more (may be NULL) is laid over the built-in table.
 */
void	 caps_get(const struct caps_table *more, const char *dialect,
	    struct str model, struct model_caps *);

/* Does the name fit the pattern? */
bool	 caps_match(const char *pattern, struct str name);

/* Which effort a word means; -1: one that nobody has told us of. */
int	 caps_effort(struct str word);
/* Has the model that effort?  It has all where its row names none. */
bool	 caps_has_effort(const struct model_caps *, enum caps_effort);
/*
 * The effort nearest to a word that the model has: the word itself where it has
 * it, or where the word is not known, which is never lowered; else the next
 * higher one, or the highest (for xhigh and max: the next lower one).
 */
struct str	 caps_effort_fit(const struct model_caps *, struct str word);
/* Tokens that stand for an effort; an unknown word is taken for "high". */
int64_t		 caps_effort_budget(const struct model_caps *, struct str);
/* The least effort of the model that stands for at least that many. */
struct str	 caps_budget_effort(const struct model_caps *, int64_t budget);
/* Within the model's range; 0 stays where it can do without thinking. */
int64_t		 caps_budget_fit(const struct model_caps *, int64_t budget);

#endif /* BASE_CAPS_H */
