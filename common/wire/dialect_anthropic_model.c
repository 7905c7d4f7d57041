/*
 * What Anthropic's models take, by their names: claude-3-5-haiku-20241022,
 * claude-opus-4-1, claude-fable-5-1, also behind another platform's prefix.
 * A name without a version that we can read is taken for the newest kind, a
 * model of someone else (who speaks this dialect) for a middle one.
 */
#include "wire/dialect_anthropic.h"

#include <string.h>

#define VERSION(major, minor)	((major) * 100 + (minor))
#define NEWEST			VERSION(99, 0)
#define DATE_DIGITS		6	/* a number this long is no version */

static bool
digit(struct str s)
{
	return s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9';
}

/*
 * The number that rest begins with, and the "-" or "." behind it; -1 if it is
 * none, or a date.
 */
static int
number(struct str *rest)
{
	unsigned	 digits = 0;
	int		 n = 0;

	for (; digit(*rest); *rest = str_skip(*rest, 1)) {
		if (++digits < DATE_DIGITS)
			n = n * 10 + (rest->p[0] - '0');
	}
	if (rest->n > 0 && (rest->p[0] == '-' || rest->p[0] == '.'))
		*rest = str_skip(*rest, 1);
	return digits == 0 || digits >= DATE_DIGITS ? -1 : n;
}

/* name begins behind "claude-". */
static int
version(struct str name)
{
	int	 major, minor;

	while (name.n > 0 && !digit(name))
		(void)str_cut(&name, '-');
	if ((major = number(&name)) == -1)
		return NEWEST;
	minor = digit(name) ? number(&name) : 0;
	if (minor < 0 || minor > 99)
		minor = 0;
	return major > 90 ? NEWEST : VERSION(major, minor);
}

static bool
find(struct str s, const char *word, struct str *behind)
{
	size_t	 n = strlen(word);

	for (; s.n >= n; s = str_skip(s, 1)) {
		if (strncasecmp(s.p, word, n) == 0) {
			*behind = str_skip(s, n);
			return true;
		}
	}
	return false;
}

static void
claude(struct str family, struct an_model *m)
{
	int		 v = version(family);
	struct str	 rest;
	bool		 opus = find(family, "opus", &rest);

	m->thinking = v < VERSION(3, 7) ? AN_THINK_NONE :
	    v < VERSION(4, 6) ? AN_THINK_BUDGET : AN_THINK_ADAPTIVE;
	m->max_tokens = v < VERSION(3, 5) ? 4096 :
	    v < VERSION(4, 0) ? 8192 : 32000;
	m->ceiling = v < VERSION(3, 7) ? m->max_tokens :
	    opus && v < VERSION(4, 5) ? 32000 : 64000;
	/* Claude 3 takes both; 4.1 refuses them together, 4.7 either. */
	m->sampling = v < VERSION(4, 7);
	m->both = v < VERSION(4, 1);
	m->forced = !find(family, "fable", &rest) &&
	    !find(family, "mythos", &rest);
	m->strict = v >= VERSION(4, 5) || (opus && v >= VERSION(4, 1));
	m->xhigh = v >= VERSION(4, 7);
}

void
anthropic_model(struct str name, struct an_model *m)
{
	struct str	 family;

	if (find(name, "claude-", &family)) {
		claude(family, m);
		return;
	}
	*m = (struct an_model){
		.thinking = AN_THINK_BUDGET,
		.max_tokens = 32000,
		.ceiling = 64000,
		.sampling = true,
		.both = true,
		.forced = true,
		.strict = true,
		.xhigh = true
	};
}

/* --- effort and budget ---------------------------------------------------- */

static const struct {
	const char	*effort;
	int64_t		 budget;
} efforts[] = {
	{ "minimal",	1024 },
	{ "low",	2048 },
	{ "medium",	8192 },
	{ "high",	16384 },
	{ "xhigh",	24576 },
	{ "max",	31999 }
};

#define NEFFORTS	(sizeof(efforts) / sizeof(efforts[0]))

/* One that we do not know is more likely a new top than a new bottom. */
int64_t
anthropic_effort_budget(struct str effort)
{
	size_t	 i;

	for (i = 0; i < NEFFORTS; i++) {
		if (str_is_nocase(effort, efforts[i].effort))
			return efforts[i].budget;
	}
	return effort.n == 0 ? 8192 : 16384;
}

/* Anthropic has no "minimal". */
struct str
anthropic_budget_effort(int64_t budget)
{
	size_t	 i;

	for (i = 1; i < NEFFORTS - 1; i++) {
		if (budget <= efforts[i].budget)
			break;
	}
	return str_of(efforts[i].effort);
}
