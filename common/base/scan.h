#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Searches that look at eight bytes at a time.  Each returns the first byte in
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
