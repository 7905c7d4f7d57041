/*
 * Rate limits that providers tell with their answers.
 */
#include <stdlib.h>
#include <time.h>

#include "base/codec.h"
#include "policy/headroom.h"

#define LEFT_MAX	((int64_t)1 << 40)
#define MINUTE_MS	60000

/* --- times ---------------------------------------------------------------- */

static int
digits(struct str *s, unsigned n, int *to)
{
	int64_t		 v;
	struct str	 head = { s->p, n };

	if (s->n < n || str_to_int(head, 0, 9999, &v) == -1)
		return -1;
	*to = (int)v;
	*s = str_skip(*s, n);
	return 0;
}

static int
one(struct str *s, const char *of)
{
	if (s->n == 0 || strchr(of, s->p[0]) == NULL)
		return -1;
	*s = str_skip(*s, 1);
	return 0;
}

/* "Z", "+02:00": minutes. */
static int
zone(struct str s, int *minutes)
{
	int	 h, m, sign;

	*minutes = 0;
	if (str_is(s, "Z") || str_is(s, "z"))
		return 0;
	if (s.n != 6)
		return -1;
	sign = s.p[0] == '-' ? -1 : 1;
	if (one(&s, "+-") == -1 || digits(&s, 2, &h) == -1 ||
	    one(&s, ":") == -1 || digits(&s, 2, &m) == -1)
		return -1;
	*minutes = sign * (h * 60 + m);
	return 0;
}

/* RFC 3339, section 5.6; seconds since 1970, or -1. */
static int64_t
date(struct str s)
{
	struct tm	 tm = { .tm_isdst = 0 };
	int		 minutes;

	if (digits(&s, 4, &tm.tm_year) == -1 || one(&s, "-") == -1 ||
	    digits(&s, 2, &tm.tm_mon) == -1 || one(&s, "-") == -1 ||
	    digits(&s, 2, &tm.tm_mday) == -1 || one(&s, "Tt ") == -1 ||
	    digits(&s, 2, &tm.tm_hour) == -1 || one(&s, ":") == -1 ||
	    digits(&s, 2, &tm.tm_min) == -1 || one(&s, ":") == -1 ||
	    digits(&s, 2, &tm.tm_sec) == -1)
		return -1;
	if (one(&s, ".") == 0)
		while (one(&s, "0123456789") == 0)
			continue;
	if (zone(s, &minutes) == -1 || tm.tm_year < 1970 || tm.tm_mon < 1 ||
	    tm.tm_mon > 12)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (int64_t)timegm(&tm) - (int64_t)minutes * 60;
}

static double
unit(struct str *s)
{
	double	 ms = str_starts(*s, "ms") ? 1 : str_starts(*s, "s") ? 1000 :
		    str_starts(*s, "m") ? 60000 : str_starts(*s, "h") ?
		    3600000 : str_starts(*s, "d") ? 86400000 : -1;

	*s = str_skip(*s, ms == 1 ? 2 : ms < 0 ? 0 : 1);
	return ms;
}

/* Digits and at most one point: what strtod reads beyond that is refused. */
static int
decimal(struct str *s, double *to)
{
	char	 text[24];
	size_t	 n = 0, points = 0;

	while (n < s->n && n < sizeof(text) - 1 && ((s->p[n] >= '0' &&
	    s->p[n] <= '9') || (s->p[n] == '.' && points++ == 0))) {
		text[n] = s->p[n];
		n++;
	}
	text[n] = '\0';
	if (n == 0 || text[0] == '.')
		return -1;
	*to = strtod(text, NULL);
	*s = str_skip(*s, n);
	return 0;
}

/* "1h2m3.5s"; a lone number is seconds, or a time of Unix. */
static int64_t
span(struct str s, int64_t wall_us)
{
	double	 sum = 0, v, ms;
	double	 now = (double)wall_us / 1000;

	if (decimal(&s, &v) == -1)
		return -1;
	if (s.n == 0) {
		sum = v > 1e11 ? v - now : v > 1e9 ? v * 1000 - now :
		    v * 1000;
		return sum < 0 ? 0 : sum > 1e12 ? (int64_t)1e12 :
		    (int64_t)sum;
	}
	for (;;) {
		if ((ms = unit(&s)) < 0)
			return -1;
		sum += v * ms;
		if (s.n == 0)
			return sum > 1e12 ? (int64_t)1e12 : (int64_t)sum;
		if (decimal(&s, &v) == -1)
			return -1;
	}
}

int64_t
headroom_time(struct str s, int64_t wall_us)
{
	int64_t	 at;

	s = str_trim(s);
	if (s.n > 10 && s.p[4] == '-') {
		if ((at = date(s)) < 0)
			return -1;
		at = at * 1000 - wall_us / 1000;
		return at < 0 ? 0 : at;
	}
	return span(s, wall_us);
}

/* --- headers -------------------------------------------------------------- */

static const struct {
	const char	*left, *reset;
	bool		 tokens;
} known[] = {
	{ "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
	    false },
	{ "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", true },
	{ "anthropic-ratelimit-requests-remaining",
	    "anthropic-ratelimit-requests-reset", false },
	{ "anthropic-ratelimit-tokens-remaining",
	    "anthropic-ratelimit-tokens-reset", true },
	{ "anthropic-ratelimit-input-tokens-remaining",
	    "anthropic-ratelimit-input-tokens-reset", true },
};

void
headroom_read(struct str (*header)(void *, const char *), void *arg,
    int64_t wall_us, int64_t mono_ms, struct keys_room *r)
{
	int64_t		 left, ms, *to, *until;
	unsigned	 i;

	*r = (struct keys_room){ -1, -1, 0, 0 };
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_to_int(str_trim(header(arg, known[i].left)), 0,
		    LEFT_MAX, &left) == -1)
			continue;
		ms = headroom_time(header(arg, known[i].reset), wall_us);
		if (ms < 0)
			ms = MINUTE_MS;
		to = known[i].tokens ? &r->tokens : &r->requests;
		until = known[i].tokens ? &r->tokens_until_ms :
		    &r->requests_until_ms;
		if (*to >= 0 && *to <= left)
			continue;
		*to = left;
		*until = mono_ms + (ms > HEADROOM_MAX_MS ? HEADROOM_MAX_MS :
		    ms);
	}
}

int64_t
headroom_wait(const struct keys_room *r, int64_t mono_ms)
{
	int64_t	 until = -1;

	if (r->requests == 0)
		until = r->requests_until_ms;
	if (r->tokens == 0 && r->tokens_until_ms > until)
		until = r->tokens_until_ms;
	return until < 0 ? -1 : until < mono_ms ? 0 : until - mono_ms;
}
