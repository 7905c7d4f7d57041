/*
 * The two scans that go over every byte of a body, by 32 bytes at a time.  The
 * compiler is told of AVX2 for these functions only: whether there is any is
 * asked before they are called.
 */
#include "base/scan.h"

#ifdef SCAN_WIDE

#include <immintrin.h>

#define WIDE	__attribute__((__target__("avx2")))
#define INLINE	WIDE static inline __attribute__((__always_inline__))

INLINE __m256i
load(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE uint64_t
bits(__m256i a, __m256i b)
{
	return (uint64_t)(unsigned)_mm256_movemask_epi8(a) |
	    (uint64_t)(unsigned)_mm256_movemask_epi8(b) << 32;
}

/* The same 16 values in both halves, as shuffles see them. */
INLINE __m256i
table(__m128i t)
{
	return _mm256_broadcastsi128_si256(t);
}

/* --- strings of JSON -------------------------------------------------------- */

/* The end of a string, or control: unsigned, what 31 does not make smaller. */
INLINE __m256i
stops(__m256i v)
{
	__m256i	 low = _mm256_min_epu8(v, _mm256_set1_epi8(' ' - 1));

	return _mm256_or_si256(_mm256_cmpeq_epi8(low, v),
	    _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
}

/*
 * What may follow a backslash, but for u.  The low half of a byte tells which
 * one it must be; of the three that end in 2, two are asked for by name.  The
 * 1 stands where 0 would find itself; bytes above 0x7f find 0.
 */
INLINE __m256i
escapables(__m256i v)
{
	__m256i	 t = table(_mm_setr_epi8(1, 0, 'b', 0, 't', 0, 'f', 0, 0, 0, 0,
		    0, '\\', 0, 'n', '/'));
	__m256i	 r = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(t, v), v);

	r = _mm256_or_si256(r, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
	return _mm256_or_si256(r, _mm256_cmpeq_epi8(v,
	    _mm256_set1_epi8('r')));
}

WIDE const char *
scan_json_string_wide(const char *p, const char *e, bool *escaped)
{
	const __m256i	 back = _mm256_set1_epi8('\\');
	__m256i		 a, b;
	uint64_t	 bs, behind, bad, stop, carry = 0;

	for (; e - p >= 64; p += 64) {
		a = load(p);
		b = load(p + 32);
		bs = bits(_mm256_cmpeq_epi8(a, back),
		    _mm256_cmpeq_epi8(b, back));
		stop = bits(stops(a), stops(b));
		bad = 0;
		if ((bs | carry) != 0) {
			behind = scan_behind(bs, &carry);
			bad = behind & ~bits(escapables(a), escapables(b));
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

/* --- UTF-8 ------------------------------------------------------------------ */

/*
 * Two bytes that follow each other tell all that can be wrong (Keiser and
 * Lemire, "Validating UTF-8 in less than one instruction per byte", 2020): each
 * half of the first and the upper half of the second rules some faults out.
 * What is left of all three is the fault, but for TWO_CONTS, which is right
 * where the byte two or three before begins a character of that length.
 */
#define TOO_SHORT	0x01	/* a character begins inside another */
#define TOO_LONG	0x02	/* ASCII, then a continuation */
#define OVERLONG_3	0x04	/* e0 80..9f */
#define TOO_LARGE	0x08	/* f4 90..bf, f5.. 90..bf */
#define SURROGATE	0x10	/* ed a0..bf */
#define OVERLONG_2	0x20	/* c0, c1 */
#define OVERLONG_4	0x40	/* f0 80..8f, and f5.. 80..8f */
#define TWO_CONTS	((char)0x80)
#define ALWAYS		(TOO_SHORT | TOO_LONG | TWO_CONTS)

/* By the upper half of the first byte. */
INLINE __m256i
first_high(__m256i half)
{
	return _mm256_shuffle_epi8(table(_mm_setr_epi8(TOO_LONG, TOO_LONG,
	    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
	    TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS,
	    TOO_SHORT | OVERLONG_2, TOO_SHORT,
	    TOO_SHORT | OVERLONG_3 | SURROGATE,
	    TOO_SHORT | TOO_LARGE | OVERLONG_4)), half);
}

/* By its lower half. */
INLINE __m256i
first_low(__m256i half)
{
	const char	 over = ALWAYS | TOO_LARGE | OVERLONG_4;

	return _mm256_shuffle_epi8(table(_mm_setr_epi8(
	    ALWAYS | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
	    ALWAYS | OVERLONG_2, ALWAYS, ALWAYS, ALWAYS | TOO_LARGE,
	    over, over, over, over, over, over, over, over,
	    over | SURROGATE, over, over)), half);
}

/* By the upper half of the second byte. */
INLINE __m256i
second_high(__m256i half)
{
	const char	 cont = TOO_LONG | OVERLONG_2 | TWO_CONTS;

	return _mm256_shuffle_epi8(table(_mm_setr_epi8(TOO_SHORT, TOO_SHORT,
	    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
	    cont | OVERLONG_3 | OVERLONG_4, cont | OVERLONG_3 | TOO_LARGE,
	    cont | SURROGATE | TOO_LARGE, cont | SURROGATE | TOO_LARGE,
	    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT)), half);
}

/* Nothing but 0: a byte of v is not as it must be behind those before it. */
INLINE __m256i
faults(__m256i v, __m256i before)
{
	const __m256i	 low = _mm256_set1_epi8(0x0f);
	__m256i		 join, one, two, three, fault, third;

	join = _mm256_permute2x128_si256(before, v, 0x21);
	one = _mm256_alignr_epi8(v, join, 15);
	two = _mm256_alignr_epi8(v, join, 14);
	three = _mm256_alignr_epi8(v, join, 13);
	fault = _mm256_and_si256(
	    first_high(_mm256_and_si256(_mm256_srli_epi16(one, 4), low)),
	    first_low(_mm256_and_si256(one, low)));
	fault = _mm256_and_si256(fault, second_high(
	    _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
	third = _mm256_or_si256(
	    _mm256_subs_epu8(two, _mm256_set1_epi8(0xe0 - 0x80)),
	    _mm256_subs_epu8(three, _mm256_set1_epi8(0xf0 - 0x80)));
	return _mm256_xor_si256(fault, _mm256_and_si256(third,
	    _mm256_set1_epi8(TWO_CONTS)));
}

/* Back to where the character begins that may not have ended before p. */
static const char *
begin_of(const char *s, const char *p)
{
	int	 i;

	for (i = 1; i <= 3 && p - s >= i; i++)
		if ((unsigned char)p[-i] >= 0xc0)
			return p - i;
	return p;
}

WIDE const char *
scan_utf8_wide(const char *s, const char *e)
{
	__m256i		 v, before = _mm256_setzero_si256(), fault;
	unsigned	 high, open = 0;	/* not ASCII: here, and before */
	const char	*p;

	for (p = s; e - p >= 32; p += 32) {
		v = load(p);
		high = (unsigned)_mm256_movemask_epi8(v);
		if (high != 0 || open >> 29 != 0) {
			fault = faults(v, before);
			if (!_mm256_testz_si256(fault, fault))
				break;
		}
		before = v;
		open = high;
	}
	return begin_of(s, p);
}

#endif
