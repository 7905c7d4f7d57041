/*
 * Texts in tokens, roughly: see words.h.
 */
#include "base/scan.h"
#include "wire/words.h"

enum cls { C_SIGN, C_LOWER, C_UPPER, C_DIGIT, C_BLANK, C_LINE, C_WIDE };

/* By a table: what follows what in a text is not foreseen by any branch. */
static const uint8_t	 classes[256] = {
	['\t'] = C_BLANK, [' '] = C_BLANK,
	['\n'] = C_LINE, ['\r'] = C_LINE,
	['0' ... '9'] = C_DIGIT,
	['A' ... 'Z'] = C_UPPER,
	['a' ... 'z'] = C_LOWER,
	[0x80 ... 0xff] = C_WIDE	/* and all else C_SIGN */
};

static inline enum cls
class_of(unsigned char c)
{
	return (enum cls)classes[c];
}

/* The end of the run that begins at p; capitals begin a new word. */
static const char *
run_end(const char *p, const char *e, enum cls c)
{
	const char	*q = p + 1;

	if (c == C_UPPER) {
		while (q < e && class_of((unsigned char)*q) == C_UPPER)
			q++;
		if (q - p == 1)
			c = C_LOWER;
	}
	if (c == C_LOWER)
		return scan_lower(q, e);
	while (q < e && class_of((unsigned char)*q) == c && *q != '\\')
		q++;
	return q;
}

/* A character outside ASCII costs the more the rarer its script is. */
static int64_t
wide_cost(const char *p, const char *e)
{
	int64_t	 cost = 0;

	for (; p < e; p++) {
		if ((unsigned char)*p >= 0xf0)
			cost += 300;
		else if ((unsigned char)*p >= 0xe0)
			cost += 130;
		else if ((unsigned char)*p >= 0xc0)
			cost += 75;
	}
	return cost;
}

static int64_t
run_cost(const char *p, const char *e, enum cls c)
{
	int64_t	 n = e - p;

	switch (c) {
	case C_LOWER:
		return WORDS_TOKEN * (1 + (n - 1) / 6);
	case C_UPPER:
		return WORDS_TOKEN * (1 + (n - 1) / 3);
	case C_DIGIT:
		return WORDS_TOKEN * ((n + 1) / 2);
	case C_BLANK:			/* one belongs to the word behind */
		return n == 1 ? 0 : WORDS_TOKEN * (1 + n / 16);
	case C_LINE:
		return WORDS_TOKEN;
	case C_SIGN:
		return WORDS_TOKEN * ((n + 1) / 2);
	case C_WIDE:
		return wide_cost(p, e);
	}
	return 0;
}

/* Behind the escape at p, whose price goes to *cost. */
static const char *
escape_cost(const char *p, const char *e, int64_t *cost)
{
	if (e - p >= 6 && p[1] == 'u') {
		*cost += 130;
		return p + 6;
	}
	*cost += e - p >= 2 && p[1] == 'n' ? WORDS_TOKEN : WORDS_TOKEN / 2;
	return e - p >= 2 ? p + 2 : e;
}

const char *
words_piece(const char *p, const char *e, bool escaped, int64_t *cost)
{
	const char	*q;
	enum cls	 c;

	if (escaped && *p == '\\')
		return escape_cost(p, e, cost);
	c = class_of((unsigned char)*p);
	q = run_end(p, e, c);
	*cost += run_cost(p, q, c);
	return q;
}

int64_t
words_cost_plain(const char *p, size_t n, bool escaped)
{
	const char	*e = p + n;
	int64_t		 cost = 0;

	while (p < e)
		p = words_piece(p, e, escaped, &cost);
	return cost;
}

int64_t
words_cost(const char *p, size_t n, bool escaped)
{
	const char	*e = p + n;
	int64_t		 cost = 0;

	if (escaped)
		p = words_wide(p, e, &cost);
	return cost + words_cost_plain(p, (size_t)(e - p), escaped);
}
