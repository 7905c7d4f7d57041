/*
 * What models take: what the rows of a table say of a name.
 */
#include "base/caps.h"
#include "base/codec.h"

#include <string.h>

const struct caps_member caps_members[CAPS_N] = {
#define CAPS(kind, name, deflt, text)					\
	{ #name, CAPS_KIND_##kind, deflt, text },
	CAPS_MEMBERS
#undef CAPS
};

_Static_assert(CAPS_N <= 32, "one bit of caps_rule.set a member");

const char *const caps_effort_names[CAPS_EFFORTS + 1] = {
	"none", "minimal", "low", "medium", "high", "xhigh", "max", NULL
};

const char *const *
caps_words(enum caps_kind kind)
{
	static const char *const	 tri[] = { "no", "yes", "unknown", NULL };
	static const char *const	 boolean[] = { "no", "yes", NULL };
	static const char *const	 when[] = { "no", "yes", "not_thinking",
					    NULL };
	static const char *const	 thinking[] = { "unknown", "none",
					    "budget", "adaptive", "effort",
					    "level", NULL };

	switch (kind) {
	case CAPS_KIND_BOOL:
		return boolean;
	case CAPS_KIND_TRI:
		return tri;
	case CAPS_KIND_WHEN:
		return when;
	case CAPS_KIND_THINKING:
		return thinking;
	case CAPS_KIND_EFFORTS:
		return caps_effort_names;
	case CAPS_KIND_NUMBER:
		break;
	}
	return NULL;
}

/* --- patterns ------------------------------------------------------------- */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* One character against what *p begins with; *p moves behind that. */
static bool
match_one(const char **p, char c)
{
	const char	*q = *p;
	bool		 hit = false;

	c = lower(c);
	if (*q != '[') {
		*p = q + 1;
		return *q == '?' || lower(*q) == c;
	}
	for (q++; *q != '\0' && *q != ']'; q++) {
		if (q[1] == '-' && q[2] != '\0' && q[2] != ']') {
			hit = hit || (c >= lower(q[0]) && c <= lower(q[2]));
			q += 2;
		} else
			hit = hit || lower(*q) == c;
	}
	*p = *q == ']' ? q + 1 : q;
	return hit;
}

bool
caps_match(const char *pattern, struct str name)
{
	const char	*star = NULL;
	size_t		 i = 0, from = 0;

	/* Only the last star is tried again: that is enough. */
	while (i < name.n) {
		if (*pattern == '*') {
			star = ++pattern;
			from = i;
			if (*pattern == '\0')
				return true;
		} else if (*pattern != '\0' && match_one(&pattern, name.p[i]))
			i++;
		else if (star != NULL) {
			pattern = star;
			i = ++from;
		} else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* --- rows ----------------------------------------------------------------- */

static unsigned
dialect_bit(const char *name)
{
	static const char *const	 names[] = { "openai-chat",
					    "openai-responses", "anthropic",
					    "gemini" };
	unsigned			 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return 1u << i;
	return 0;
}

static void
apply(const struct caps_table *t, unsigned dialect, struct str model,
    struct model_caps *m)
{
	const struct caps_rule	*r;
	int64_t			*to = (int64_t *)m;
	const int64_t		*from;
	size_t			 i;

	for (r = t->rules; r < t->rules + t->n; r++) {
		if ((r->dialects & dialect) == 0 ||
		    !caps_match(r->model, model))
			continue;
		from = (const int64_t *)&r->v;
		for (i = 0; i < CAPS_N; i++)
			if ((r->set >> i & 1) != 0)
				to[i] = from[i];
	}
}

/*
 * What the built-in table says of the models asked for last: matching all its
 * patterns is a tenth of a small request's translation.
 */
#define KNOWN		32		/* a power of two */
#define KNOWN_NAME	64		/* a longer one is looked up each time */

static void
apply_builtin(unsigned dialect, struct str model, struct model_caps *m)
{
	static _Thread_local struct {
		unsigned		 dialect;	/* 0: free */
		size_t			 n;
		char			 model[KNOWN_NAME];
		struct model_caps	 caps;
	}		 known[KNOWN], *k;

	if (model.n == 0 || model.n > KNOWN_NAME || dialect == 0) {
		apply(&caps_builtin, dialect, model, m);
		return;
	}
	k = &known[hash64(model, dialect) & (KNOWN - 1)];
	if (k->dialect != dialect || !str_eq(model,
	    (struct str){ k->model, k->n })) {
		apply(&caps_builtin, dialect, model, m);
		k->dialect = dialect;
		k->n = model.n;
		memcpy(k->model, model.p, model.n);
		k->caps = *m;
	}
	*m = k->caps;
}

void
caps_get(const struct caps_table *more, const char *dialect,
    struct str model, struct model_caps *m)
{
	static const struct model_caps	 open = {
#define CAPS(kind, name, deflt, text)	.name = deflt,
		CAPS_MEMBERS
#undef CAPS
	};
	unsigned			 bit = dialect_bit(dialect);

	*m = open;
	while (model.n > 0 && memchr(model.p, '/', model.n) != NULL)
		(void)str_cut(&model, '/');
	if (str_starts(model, "ft:"))
		model = str_skip(model, 3);
	apply_builtin(bit, model, m);
	if (more != NULL)
		apply(more, bit, model, m);
}

/* --- efforts and budgets -------------------------------------------------- */

int
caps_effort(struct str word)
{
	int	 i;

	for (i = 0; i < CAPS_EFFORTS; i++)
		if (str_is_nocase(word, caps_effort_names[i]))
			return i;
	return -1;
}

bool
caps_has_effort(const struct model_caps *m, enum caps_effort e)
{
	return m->efforts == 0 || (m->efforts >> e & 1) != 0;
}

static struct str
effort_name(int e)
{
	return str_of(caps_effort_names[e]);
}

struct str
caps_effort_fit(const struct model_caps *m, struct str word)
{
	int	 want = caps_effort(word), e;

	if (want == -1 || caps_has_effort(m, (enum caps_effort)want))
		return word;
	/* "none" would switch off what was only to be little. */
	for (e = want; want >= CAPS_E_XHIGH && e > CAPS_E_NONE; e--)
		if (caps_has_effort(m, (enum caps_effort)e))
			return effort_name(e);
	for (e = want; e < CAPS_EFFORTS; e++)
		if (caps_has_effort(m, (enum caps_effort)e))
			return effort_name(e);
	for (e = want; e > CAPS_E_NONE; e--)
		if (caps_has_effort(m, (enum caps_effort)e))
			return effort_name(e);
	return word;
}

static int64_t
tokens_of(const struct model_caps *m, int e)
{
	switch (e) {
	case CAPS_E_NONE:
		return 0;
	case CAPS_E_MINIMAL:
		return m->budget_minimal;
	case CAPS_E_LOW:
		return m->budget_low;
	case CAPS_E_MEDIUM:
		return m->budget_medium;
	case CAPS_E_XHIGH:
		return m->budget_xhigh;
	case CAPS_E_MAX:
		return m->budget_max;
	default:
		return m->budget_high;
	}
}

/* One that we do not know is more likely a new top than a new bottom. */
int64_t
caps_effort_budget(const struct model_caps *m, struct str word)
{
	int	 e = caps_effort(word);

	return tokens_of(m, word.n == 0 ? CAPS_E_MEDIUM : e);
}

struct str
caps_budget_effort(const struct model_caps *m, int64_t budget)
{
	int	 e, best = -1;

	for (e = CAPS_E_MINIMAL; e < CAPS_EFFORTS; e++) {
		if (!caps_has_effort(m, (enum caps_effort)e) ||
		    (tokens_of(m, e) == 0 && e != CAPS_E_HIGH))
			continue;
		best = e;
		if (tokens_of(m, e) == 0 || budget <= tokens_of(m, e))
			break;
	}
	return effort_name(best == -1 ? CAPS_E_HIGH : best);
}

int64_t
caps_budget_fit(const struct model_caps *m, int64_t budget)
{
	if (budget == 0 && m->think_off)
		return 0;
	if (budget < m->budget_least)
		return m->budget_least;
	return m->budget_most > 0 && budget > m->budget_most ?
	    m->budget_most : budget;
}
