#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * Searches that look at eight or sixteen bytes at a time.  Each returns the first byte in
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

#ifdef __SSE2__

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

#else

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

#endif

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
