/*
 * Texts in tokens by 64 bytes at a time: a bit for each byte of a class, and
 * runs counted by where they begin.  What words_piece would say, to the
 * hundredth.  The compiler is told of AVX2 for these functions only.
 */
#include "base/scan.h"
#include "wire/words.h"

#ifdef SCAN_WIDE

#include <immintrin.h>

#define WIDE	__attribute__((__target__("avx2,popcnt,bmi")))
#define INLINE	WIDE static inline __attribute__((__always_inline__))

#define EVEN	0x5555555555555555u
#define REST_MIN 24		/* fewer bytes are cheaper piece by piece */

struct block {
	__m256i	 a, b;
};

/* Bytes of a block by class; those of escapes are in none. */
struct classes {
	uint64_t	 lower, upper, digit, blank, line, wide, sign;
	uint64_t	 begin;		/* backslashes that begin an escape */
	uint64_t	 newline, hex;	/* the byte behind: n, u */
};

INLINE int64_t
count(uint64_t bits)
{
	return __builtin_popcountll(bits);
}

INLINE uint64_t
starts(uint64_t runs)
{
	return runs & ~(runs << 1);
}

INLINE uint64_t
mask(__m256i a, __m256i b)
{
	return (uint64_t)(unsigned)_mm256_movemask_epi8(a) |
	    (uint64_t)(unsigned)_mm256_movemask_epi8(b) << 32;
}

INLINE uint64_t
is(const struct block *k, char c)
{
	__m256i	 w = _mm256_set1_epi8(c);

	return mask(_mm256_cmpeq_epi8(k->a, w), _mm256_cmpeq_epi8(k->b, w));
}

INLINE __m256i
one_of(__m256i v, char c, char d)
{
	return _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(c)),
	    _mm256_cmpeq_epi8(v, _mm256_set1_epi8(d)));
}

INLINE uint64_t
either(const struct block *k, char c, char d)
{
	return mask(one_of(k->a, c, d), one_of(k->b, c, d));
}

/* From c on, n of them: moved to where signed bytes begin. */
INLINE __m256i
within(__m256i v, int c, int n)
{
	return _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(n - 128)),
	    _mm256_add_epi8(v, _mm256_set1_epi8((char)(-128 - c))));
}

INLINE uint64_t
range(const struct block *k, int c, int n)
{
	return mask(within(k->a, c, n), within(k->b, c, n));
}

/* At least c, as unsigned bytes. */
INLINE uint64_t
above(const struct block *k, unsigned char c)
{
	__m256i	 w = _mm256_set1_epi8((char)c);

	return mask(_mm256_cmpeq_epi8(_mm256_max_epu8(k->a, w), k->a),
	    _mm256_cmpeq_epi8(_mm256_max_epu8(k->b, w), k->b));
}

/* --- classes ---------------------------------------------------------------- */

/*
 * false: something in it is no JSON.  *most: no piece that is cut by the end of
 * the block begins before it.
 */
INLINE bool
escapes(const struct block *k, struct classes *c, uint64_t *gone, int *most)
{
	uint64_t	 bs = is(k, '\\'), behind, carry = 0, digits;

	*gone = 0;
	*most = 63;
	c->begin = c->newline = c->hex = 0;
	if (bs == 0)
		return true;
	behind = scan_behind(bs, &carry);
	c->begin = bs & ~behind;
	c->newline = behind & is(k, 'n');
	c->hex = behind & is(k, 'u');
	digits = c->hex << 1 | c->hex << 2 | c->hex << 3 | c->hex << 4;
	*gone = c->begin | behind | digits;
	if (c->hex >> 59 != 0)
		*most = 58 + __builtin_ctzll(c->hex >> 59);
	return (digits & bs) == 0;
}

INLINE bool
classify(const char *p, struct block *k, struct classes *c, int *most)
{
	uint64_t	 gone;

	k->a = _mm256_loadu_si256((const __m256i *)(const void *)p);
	k->b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
	if (!escapes(k, c, &gone, most))
		return false;
	c->lower = range(k, 'a', 26) & ~gone;
	c->upper = range(k, 'A', 26) & ~gone;
	c->digit = range(k, '0', 10) & ~gone;
	c->blank = either(k, ' ', '\t') & ~gone;
	c->line = either(k, '\n', '\r') & ~gone;
	c->wide = mask(k->a, k->b) & ~gone;
	c->sign = ~(c->lower | c->upper | c->digit | c->blank | c->line |
	    c->wide | gone);
	return true;
}

/* --- what runs cost, in tokens but for the last ------------------------------ */

/*
 * Of each run how many times it is as long as r tells, and by each more again:
 * as many rounds as the longest has parts, without a look at any single one.
 */
INLINE int64_t
parts(uint64_t r, int each)
{
	int64_t	 n = 0;

	for (; r != 0; r &= r << each)
		n += count(starts(r));
	return n;
}

/* Each (n - 1) / 6 above one. */
INLINE int64_t
words_long(uint64_t lower)
{
	uint64_t	 r = lower & lower << 1;

	r &= r << 2;			/* four in a row */
	return parts(r & r << 3, 6);	/* seven */
}

/* Each (n - 1) / 3 above one, of runs of two and more. */
INLINE int64_t
capitals_long(uint64_t upper)
{
	uint64_t	 r = upper & upper << 1;

	return parts(r & r << 2, 3);
}

/* A capital takes the small letters behind it along: each n / 3 of those. */
INLINE int64_t
capitalised(uint64_t joined)
{
	return parts(joined & joined << 1 & joined << 2, 3);
}

/* Each (n + 1) / 2: half of all, and of those runs that are odd. */
INLINE int64_t
pairs(uint64_t runs)
{
	uint64_t	 s = starts(runs), even, odd;

	even = (runs + (s & EVEN)) & ~runs & ~EVEN;
	odd = (runs + (s & ~EVEN)) & ~runs & EVEN;
	return (count(runs) + count(even | odd)) / 2;
}

/* One is the next word's; of more, one, and a sixteenth. */
INLINE int64_t
blanks(uint64_t blank)
{
	uint64_t	 r = blank & blank << 1;
	int64_t		 n = count(starts(r));

	r &= r << 2;
	r &= r << 4;
	return n + parts(r & r << 8, 16);
}

INLINE int64_t
words(uint64_t lower, uint64_t upper)
{
	uint64_t	 single = starts(upper) & ~(upper >> 1), first, joined;
	int64_t		 n;

	first = starts(lower) & single << 1;
	joined = lower & ~(lower + first);
	n = count(single) + capitalised(joined);
	n += count(starts(lower & ~joined)) + words_long(lower & ~joined);
	upper &= ~single;
	return n + count(starts(upper)) + capitals_long(upper);
}

/* Characters by their first byte, in hundredths. */
INLINE int64_t
foreign(const struct block *k, uint64_t wide)
{
	return 75 * count(wide & above(k, 0xc0)) +
	    (130 - 75) * count(wide & above(k, 0xe0)) +
	    (300 - 130) * count(wide & above(k, 0xf0));
}

/* --- blocks ------------------------------------------------------------------ */

/* Where in the block the last piece begins that may reach out of it; 0: none. */
INLINE int
cut(const struct classes *c, int most)
{
	uint64_t	 s, single = starts(c->upper) & ~(c->upper >> 1);

	s = (starts(c->lower) & ~(single << 1)) | starts(c->upper) |
	    starts(c->digit) | starts(c->blank) | starts(c->line) |
	    starts(c->sign) | c->wide | c->begin;
	s &= most == 63 ? ~UINT64_C(1) : (UINT64_C(2) << most) - 2;
	return s == 0 ? 0 : 63 - __builtin_clzll(s);
}

INLINE int64_t
block_cost(const struct block *k, const struct classes *c, uint64_t in)
{
	uint64_t	 begin = c->begin & in, n = c->newline & in;
	uint64_t	 u = c->hex & in;
	int64_t		 cost;

	cost = WORDS_TOKEN * (words(c->lower & in, c->upper & in) +
	    pairs(c->digit & in) + blanks(c->blank & in) +
	    count(starts(c->line & in)) + pairs(c->sign & in));
	if ((c->wide & in) != 0)
		cost += foreign(k, c->wide & in);
	if (begin != 0)
		cost += WORDS_TOKEN / 2 * (count(begin) + count(n) - count(u)) +
		    130 * count(u);
	return cost;
}

/*
 * Less than a block is one whose other bytes do not count: every piece ends with
 * the text.  An escape that the end might cut is left to words_piece.
 */
INLINE const char *
rest(const char *p, const char *e, int64_t *cost)
{
	struct classes	 c;
	struct block	 k;
	char		 bytes[64] = { 0 };
	size_t		 n = (size_t)(e - p);
	int		 most;

	memcpy(bytes, p, n);
	if (!classify(bytes, &k, &c, &most) || c.begin >> (n - 6) != 0)
		return p;
	*cost += block_cost(&k, &c, (UINT64_C(1) << n) - 1);
	return e;
}

WIDE static const char *
blocks(const char *p, const char *e, int64_t *cost)
{
	struct classes	 c;
	struct block	 k;
	int		 at, most;

	while (e - p >= 64) {
		at = classify(p, &k, &c, &most) ? cut(&c, most) : 0;
		if (at == 0) {
			p = words_piece(p, e, true, cost);
			continue;
		}
		*cost += block_cost(&k, &c, (UINT64_C(1) << at) - 1);
		p += at;
	}
	return e - p < REST_MIN ? p : rest(p, e, cost);
}

const char *
words_wide(const char *p, const char *e, int64_t *cost)
{
	if (!scan_is_wide() || !__builtin_cpu_supports("popcnt") ||
	    !__builtin_cpu_supports("bmi"))
		return p;
	return blocks(p, e, cost);
}

#else

const char *
words_wide(const char *p, const char *e, int64_t *cost)
{
	(void)e;
	(void)cost;
	return p;
}

#endif
