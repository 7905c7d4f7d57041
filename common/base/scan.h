#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#define SCAN_WIDE	1	/* there is code for processors with AVX2 */
#endif

/*
 * Searches that look at many bytes at a time.  Each returns the first byte in
 * [p, e) that is of the kind looked for, or e.
 */
#define SCAN_ONES	0x0101010101010101u
#define SCAN_HIGHS	0x8080808080808080u

/*
 * The top bit of each byte that is c.  A byte above a true one may be set as
 * well, a byte below never is: good for finding the first.
 */
static inline uint64_t
scan_is(uint64_t w, unsigned char c)
{
	w ^= SCAN_ONES * c;
	return (w - SCAN_ONES) & ~w & SCAN_HIGHS;
}

/* Bytes of a word before the first one marked. */
static inline unsigned
scan_first(uint64_t mark)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return (unsigned)__builtin_ctzll(mark) / 8;
	return 0;		/* the byte loop finds it */
}

/* What cannot stand plainly in a JSON string: " \ control, and not ASCII. */
static inline bool
scan_json_byte(unsigned char c)
{
	return c < ' ' || c == '"' || c == '\\' || c >= 0x80;
}

#ifdef SCAN_WIDE

static inline bool
scan_is_wide(void)
{
	return __builtin_cpu_supports("avx2");
}

/* For long strings, where scan_is_wide(): see scan_json_string. */
const char *scan_json_string_wide(const char *p, const char *e,
    bool *escaped);
/*
 * Where scan_is_wide(): all before what it returns is UTF-8; the rest, which is
 * short or begins with a fault near by, is left to others.
 */
const char *scan_utf8_wide(const char *p, const char *e);

/* As signed bytes, what is below a blank is control or not ASCII. */
static inline unsigned
scan_json_mark(const char *p)
{
	__m128i	 w = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i	 mark = _mm_cmplt_epi8(w, _mm_set1_epi8(' '));

	mark = _mm_or_si128(mark, _mm_cmpeq_epi8(w, _mm_set1_epi8('"')));
	mark = _mm_or_si128(mark, _mm_cmpeq_epi8(w, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(mark);
}

/* The end of a string that is plain and shorter than 16 bytes; else NULL. */
static inline const char *
scan_json_short(const char *p, const char *e)
{
	unsigned	 mark;

	if (e - p < 16 || (mark = scan_json_mark(p)) == 0)
		return NULL;
	p += __builtin_ctz(mark);
	return *p == '"' ? p : NULL;
}

static inline const char *
scan_json(const char *p, const char *e)
{
	unsigned	 mark;

	for (; e - p >= 16; p += 16)
		if ((mark = scan_json_mark(p)) != 0)
			return p + __builtin_ctz(mark);
	while (p < e && !scan_json_byte((unsigned char)*p))
		p++;
	return p;
}

struct scan_block {
	__m128i	 v[4];
};

static inline struct scan_block
scan_load(const char *p)
{
	struct scan_block	 b;
	int			 i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
		b.v[i] = _mm_loadu_si128((const __m128i *)(const void *)
		    (p + 16 * i));
	return b;
}

static inline uint64_t
scan_bits(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(a) |
	    (uint64_t)(unsigned)_mm_movemask_epi8(b) << 16 |
	    (uint64_t)(unsigned)_mm_movemask_epi8(c) << 32 |
	    (uint64_t)(unsigned)_mm_movemask_epi8(d) << 48;
}

static inline uint64_t
scan_eq(const struct scan_block *b, char c)
{
	__m128i	 w = _mm_set1_epi8(c);

	return scan_bits(_mm_cmpeq_epi8(b->v[0], w),
	    _mm_cmpeq_epi8(b->v[1], w), _mm_cmpeq_epi8(b->v[2], w),
	    _mm_cmpeq_epi8(b->v[3], w));
}

/* The end of a string, or control: unsigned, what 31 does not make smaller. */
static inline uint64_t
scan_stop(const struct scan_block *b)
{
	__m128i	 r[4];
	int	 i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
		r[i] = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(b->v[i],
		    _mm_set1_epi8(' ' - 1)), b->v[i]),
		    _mm_cmpeq_epi8(b->v[i], _mm_set1_epi8('"')));
	return scan_bits(r[0], r[1], r[2], r[3]);
}

/* What may follow a backslash, but for u. */
static inline uint64_t
scan_escapable(const struct scan_block *b)
{
	__m128i	 r[4], w;
	int	 i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++) {
		w = b->v[i];
		r[i] = _mm_cmpeq_epi8(w, _mm_set1_epi8('n'));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('"')));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('\\')));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('t')));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('/')));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('r')));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('b')));
		r[i] = _mm_or_si128(r[i], _mm_cmpeq_epi8(w, _mm_set1_epi8('f')));
	}
	return scan_bits(r[0], r[1], r[2], r[3]);
}

/*
 * The bytes behind a backslash that is not itself behind one.  In a run of
 * backslashes that is every second: a run that begins at an odd place is added
 * to itself, and the carry tells where it ends.  *carry: the first byte of the
 * block, and then of the next, is one of them.
 */
static inline uint64_t
scan_behind(uint64_t bs, uint64_t *carry)
{
	const uint64_t		 even = 0x5555555555555555u;
	unsigned long long	 sum;
	uint64_t		 follows;

	bs &= ~*carry;
	follows = bs << 1 | *carry;
	*carry = __builtin_uaddll_overflow(bs & ~even & ~follows, bs, &sum);
	return (even ^ (uint64_t)sum << 1) & follows;
}

/* The first byte that is not ASCII. */
static inline const char *
scan_ascii(const char *p, const char *e)
{
	struct scan_block	 b;
	uint64_t		 high;

	for (; e - p >= 64; p += 64) {
		b = scan_load(p);
		if ((high = scan_bits(b.v[0], b.v[1], b.v[2], b.v[3])) != 0)
			return p + __builtin_ctzll(high);
	}
	for (; e - p >= 16; p += 16) {
		high = (unsigned)_mm_movemask_epi8(_mm_loadu_si128(
		    (const __m128i *)(const void *)p));
		if (high != 0)
			return p + __builtin_ctzll(high);
	}
	while (p < e && (unsigned char)*p < 0x80)
		p++;
	return p;
}

/*
 * Goes over what is plain or not ASCII and over escapes of two bytes, without a branch for
 * each of them: texts of code have one every ten bytes.  Returns where the
 * string ends, what must be looked at (any other escape at its backslash), or
 * what is left for byte by byte.  Sets *escaped when it went over a backslash.
 */
static inline const char *
scan_json_string(const char *p, const char *e, bool *escaped)
{
	struct scan_block	 b;
	uint64_t		 bs, behind, bad, stop, carry = 0;

	if (scan_is_wide())
		return scan_json_string_wide(p, e, escaped);
	for (; e - p >= 64; p += 64) {
		b = scan_load(p);
		bs = scan_eq(&b, '\\');
		stop = scan_stop(&b);
		bad = 0;
		if ((bs | carry) != 0) {
			behind = scan_behind(bs, &carry);
			bad = behind & ~scan_escapable(&b);
			stop = (stop & ~behind) | bad;
		}
		if (stop == 0) {
			*escaped = *escaped || bs != 0;
			continue;
		}
		if ((bs & ((stop & -stop) - 1)) != 0)
			*escaped = true;
		p += __builtin_ctzll(stop);
		return (bad & stop & -stop) != 0 ? p - 1 : p;
	}
	return p - carry;
}

#else

static inline bool
scan_is_wide(void)
{
	return false;
}

static inline const char *
scan_utf8_wide(const char *p, const char *e)
{
	(void)e;
	return p;
}

/* None is looked for. */
static inline const char *
scan_json_short(const char *p, const char *e)
{
	(void)p;
	(void)e;
	return NULL;
}

static inline const char *
scan_json(const char *p, const char *e)
{
	uint64_t	 w, mark;

	for (; e - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		mark = scan_is(w, '"') | scan_is(w, '\\') |
		    (((w - SCAN_ONES * ' ') | w) & SCAN_HIGHS);
		if (mark != 0) {
			p += scan_first(mark);
			break;
		}
	}
	while (p < e && !scan_json_byte((unsigned char)*p))
		p++;
	return p;
}

static inline const char *
scan_ascii(const char *p, const char *e)
{
	uint64_t	 w;

	for (; e - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		if ((w & SCAN_HIGHS) != 0)
			break;
	}
	while (p < e && (unsigned char)*p < 0x80)
		p++;
	return p;
}

static inline const char *
scan_json_string(const char *p, const char *e, bool *escaped)
{
	(void)escaped;
	return scan_json(p, e);
}

#endif

/* The first byte that is no small letter. */
static inline const char *
scan_lower(const char *p, const char *e)
{
#ifdef __SSE2__
	__m128i		 v;
	unsigned	 is;

	for (; e - p >= 16; p += 16) {
		v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const
		    void *)p), _mm_set1_epi8('a'));
		is = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v,
		    _mm_min_epu8(v, _mm_set1_epi8('z' - 'a'))));
		if (is != 0xffff)
			return p + __builtin_ctz(~is);
	}
#endif
	while (p < e && *p >= 'a' && *p <= 'z')
		p++;
	return p;
}

/* The end of a line: LF or CR. */
static inline const char *
scan_line(const char *p, const char *e)
{
	uint64_t	 w, mark;

	for (; e - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		mark = scan_is(w, '\n') | scan_is(w, '\r');
		if (mark != 0) {
			p += scan_first(mark);
			break;
		}
	}
	while (p < e && *p != '\n' && *p != '\r')
		p++;
	return p;
}

#endif /* BASE_SCAN_H */
