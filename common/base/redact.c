/*
 * Masking.  One pass over the text: runs of the characters of which both keys
 * and base64 are made are looked at as a whole.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/redact.h"

#define MEDIA_MIN	512
#define KEY_MIN		16
#define SECRET_MIN	8

static bool
is_run(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '+' || c == '/' ||
	    c == '.' || c == '~';
}

static bool
has_digit(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return true;
	return false;
}

/* How many bytes of a run that looks like a key stay readable; 0: it is none. */
static size_t
key_prefix(struct str run, bool bearer)
{
	static const char *const	 known[] = { "sk-", "AIza", "ghp_",
					    "gho_", "xai-", "gsk_", "hf_",
					    "nvapi-", "AKIA", "ya29." };
	size_t				 i;

	if (run.n < KEY_MIN || !has_digit(run))
		return 0;
	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (str_starts(run, known[i]))
			return strlen(known[i]);
	return bearer ? 1 : 0;
}

/* Escaped slashes belong to base64 as some write it: "\/". */
static size_t
run_length(const char *p, const char *e)
{
	const char	*q = p;

	while (q < e && (is_run((unsigned char)*q) || (*q == '\\' &&
	    q + 1 < e && q[1] == '/')))
		q += *q == '\\' ? 2 : 1;
	return (size_t)(q - p);
}

static bool
after_bearer(const char *begin, const char *p)
{
	return p - begin >= 7 && strncasecmp(p - 7, "bearer ", 7) == 0;
}

static size_t
put_run(char *to, struct str run, bool bearer)
{
	char	 note[40];
	size_t	 keep;
	int	 n;

	if (run.n >= MEDIA_MIN) {
		n = snprintf(note, sizeof(note), "[base64, %zu]", run.n);
		memcpy(to, note, (size_t)n);
		return (size_t)n;
	}
	if ((keep = key_prefix(run, bearer)) > 0) {
		memmove(to, run.p, keep);
		memset(to + keep, '*', 4);
		return keep + 4;
	}
	memmove(to, run.p, run.n);
	return run.n;
}

size_t
redact(char *p, size_t n)
{
	const char	*from = p, *e = p + n;
	char		*to = p;
	struct str	 run;
	bool		 bearer;

	while (from < e) {
		if (!is_run((unsigned char)*from)) {
			*to++ = *from++;
			continue;
		}
		/* The word before was copied unchanged, if moved. */
		bearer = after_bearer(p, to);
		run = (struct str){ from, run_length(from, e) };
		from += run.n;
		to += put_run(to, run, bearer);
	}
	return (size_t)(to - p);
}

void
redact_secret(char *p, size_t n, struct str secret)
{
	char	*at;

	if (secret.n < SECRET_MIN)
		return;
	while (n >= secret.n &&
	    (at = memmem(p, n, secret.p, secret.n)) != NULL) {
		memset(at, '*', secret.n);
		n -= (size_t)(at - p) + secret.n;
		p = at + secret.n;
	}
}
