/*
 * Records of finished requests: packed for a ring, and unpacked.
 */
#include <string.h>

#include "state/acct.h"

/* What is left of a record for its strings, each with its length. */
#define ROOM	(ACCT_REC_MAX - sizeof(struct acct_fixed) -		\
		    ACCT_STR_COUNT * sizeof(uint32_t))
/* With every string cut to this, they fit. */
#define CUT_ALL	2048

_Static_assert(ACCT_STR_COUNT * CUT_ALL <= ROOM, "strings do not fit");

/* Not within a character of UTF-8. */
static struct str
cut_text(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	s.n = max;
	while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}

/*
 * Up to the last element of a JSON array that fits with the bracket that then
 * closes it; what is returned lacks that bracket.
 */
static struct str
cut_array(struct str s, size_t max)
{
	size_t	 i, end = 0;
	int	 depth = 0;
	bool	 quoted = false;

	for (i = 0; i < s.n && i < max; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (s.p[i] == '[' || s.p[i] == '{') {
			if (++depth == 1)
				end = i + 1;
		} else if (s.p[i] == ']' || s.p[i] == '}')
			depth--;
		else if (s.p[i] == ',' && depth == 1)
			end = i;
	}
	s.n = end;
	return s;
}

/* Where there is room; returns its end. */
static char *
pack_str(char *to, struct str s, size_t max, bool array)
{
	uint32_t	 n;
	bool		 close = false;

	if (s.n > max && array) {
		s = cut_array(s, max - 1);
		close = s.n > 0;
	} else if (s.n > max)
		s = cut_text(s, max);
	n = (uint32_t)s.n + close;
	memcpy(to, &n, sizeof(n));
	to += sizeof(n);
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to += s.n;
	if (close)
		*to++ = ']';
	return to;
}

void
acct_pack(const struct acct_rec *r, struct buf *out)
{
	size_t	 sum = 0, max = ACCT_STR_MAX;
	char	*to;
	int	 i;

	for (i = 0; i < ACCT_STR_COUNT; i++)
		sum += r->s[i].n < max ? r->s[i].n : max;
	if (sum > ROOM)
		max = CUT_ALL;
	if (buf_reserve(out, sizeof(r->f) + (sum < ROOM ? sum : ROOM) +
	    ACCT_STR_COUNT * sizeof(uint32_t)) == -1)
		return;
	to = out->data + out->len;
	memcpy(to, &r->f, sizeof(r->f));
	to += sizeof(r->f);
	for (i = 0; i < ACCT_STR_COUNT; i++)
		to = pack_str(to, r->s[i], max,
		    i == ACCT_ATTEMPTS || i == ACCT_LOSS);
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

int
acct_unpack(struct str packed, struct acct_rec *r)
{
	uint32_t	 n;
	int		 i;

	if (packed.n < sizeof(r->f) || packed.n > ACCT_REC_MAX)
		return -1;
	memcpy(&r->f, packed.p, sizeof(r->f));
	packed = str_skip(packed, sizeof(r->f));
	if (r->f.nkeys > ACCT_ATTEMPTS_MAX)
		return -1;
	for (i = 0; i < ACCT_STR_COUNT; i++) {
		if (packed.n < sizeof(n))
			return -1;
		memcpy(&n, packed.p, sizeof(n));
		packed = str_skip(packed, sizeof(n));
		if (n > packed.n)
			return -1;
		r->s[i] = (struct str){ packed.p, n };
		packed = str_skip(packed, n);
	}
	return packed.n == 0 ? 0 : -1;
}

bool
acct_key(const struct acct_rec *r, size_t i, struct acct_key *k)
{
	struct str	 more = r->s[ACCT_KEYS];

	if (i < r->f.nkeys && i < ACCT_ATTEMPTS_MAX) {
		*k = r->f.key[i];
		return true;
	}
	if (i < r->f.nkeys || (i - r->f.nkeys + 1) * sizeof(*k) > more.n)
		return false;
	memcpy(k, more.p + (i - r->f.nkeys) * sizeof(*k), sizeof(*k));
	return true;
}
