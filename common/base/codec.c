/*
 * Encodings: hex, base64, percent, UTF-8; numbers from text; a hash.
 */
#include <stdint.h>

#include "base/codec.h"

/* --- hex ------------------------------------------------------------------ */

int
hex_encode(struct buf *b, const void *p, size_t n)
{
	static const char	 digit[] = "0123456789abcdef";
	const unsigned char	*s = p;
	size_t			 i;

	if (n > SIZE_MAX / 4 || buf_reserve(b, 2 * n) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		(void)buf_addc(b, digit[s[i] >> 4]);
		(void)buf_addc(b, digit[s[i] & 15]);
	}
	return 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
hex_decode(void *dst, size_t n, struct str s)
{
	unsigned char	*d = dst;
	size_t		 i;
	int		 hi, lo;

	if (s.n / 2 != n || s.n % 2 != 0)
		return -1;
	for (i = 0; i < n; i++) {
		hi = hex_value(s.p[2 * i]);
		lo = hex_value(s.p[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return -1;
		d[i] = (unsigned char)(hi << 4 | lo);
	}
	return 0;
}

/* --- base64 --------------------------------------------------------------- */

static const char	 base64_set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_encode(struct buf *b, struct str s)
{
	const unsigned char	*p = (const unsigned char *)s.p;
	size_t			 i, left;
	uint32_t		 v;
	char			 q[4];

	if (s.n > SIZE_MAX / 8 || buf_reserve(b, (s.n + 2) / 3 * 4) == -1)
		return -1;
	for (i = 0; i < s.n; i += 3) {
		left = s.n - i;
		v = (uint32_t)p[i] << 16;
		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		q[0] = base64_set[v >> 18];
		q[1] = base64_set[v >> 12 & 63];
		q[2] = left > 1 ? base64_set[v >> 6 & 63] : '=';
		q[3] = left > 2 ? base64_set[v & 63] : '=';
		(void)buf_add(b, q, sizeof(q));
	}
	return 0;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int
base64_decode(struct buf *b, struct str s)
{
	uint32_t	 v = 0;
	unsigned	 bits = 0;
	size_t		 i, pad = 0;
	int		 x;

	while (s.n > 0 && s.p[s.n - 1] == '=' && pad < 2) {
		s.n--;
		pad++;
	}
	if (s.n % 4 == 1 || (pad > 0 && (s.n + pad) % 4 != 0))
		return -1;
	for (i = 0; i < s.n; i++) {
		if ((x = base64_value(s.p[i])) == -1)
			return -1;
		v = v << 6 | (uint32_t)x;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (buf_addc(b, (char)(v >> bits)) == -1)
			return -1;
		v &= (1u << bits) - 1;
	}
	return 0;
}

/* --- percent -------------------------------------------------------------- */

int
url_decode(struct buf *b, struct str s, bool plus)
{
	unsigned char	 c;
	size_t		 i;

	for (i = 0; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if (c == '%') {
			if (s.n - i < 3 || hex_decode(&c, 1,
			    (struct str){ s.p + i + 1, 2 }) == -1)
				return -1;
			i += 2;
		} else if (c == '+' && plus)
			c = ' ';
		if (c == '\0' || buf_addc(b, (char)c) == -1)
			return -1;
	}
	return 0;
}

int
url_encode(struct buf *b, struct str s)
{
	static const char	 digit[] = "0123456789ABCDEF";
	unsigned char		 c;
	size_t			 i;
	int			 r;

	for (i = 0; i < s.n; i++) {
		c = (unsigned char)s.p[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		    c == '_' || c == '~')
			r = buf_addc(b, (char)c);
		else
			r = buf_addf(b, "%%%c%c", digit[c >> 4],
			    digit[c & 15]);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* --- UTF-8 ---------------------------------------------------------------- */

/* Length of the multi-byte sequence at p, 0 if there is no valid one. */
static size_t
utf8_one(const unsigned char *p, size_t n)
{
	unsigned char	 lo = 0x80, hi = 0xbf;
	size_t		 len, i;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

size_t
utf8_run(struct str s)
{
	const unsigned char	*p = (const unsigned char *)s.p;
	size_t			 i = 0, n;

	while (i < s.n && p[i] >= 0x80 && (n = utf8_one(p + i, s.n - i)) > 0)
		i += n;
	return i;
}

bool
utf8_valid(struct str s)
{
	uint64_t	 w;
	size_t		 i = 0, n;

	while (i < s.n) {
		if (s.n - i >= sizeof(w)) {
			memcpy(&w, s.p + i, sizeof(w));
			if ((w & 0x8080808080808080u) == 0) {
				i += sizeof(w);
				continue;
			}
		}
		if ((n = utf8_run(str_skip(s, i))) > 0)
			i += n;
		else if ((unsigned char)s.p[i] >= 0x80)
			return false;
		else
			i++;
	}
	return true;
}

/* --- numbers -------------------------------------------------------------- */

int
str_to_int(struct str s, int64_t min, int64_t max, int64_t *v)
{
	bool	 minus = s.n > 0 && s.p[0] == '-';
	int64_t	 n = 0;
	size_t	 i = minus;

	if (i == s.n)
		return -1;
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, s.p[i] - '0', &n))
			return -1;
	}
	/* Counted downwards, as INT64_MIN has no positive twin. */
	if (!minus && __builtin_sub_overflow(0, n, &n))
		return -1;
	if (n < min || n > max)
		return -1;
	*v = n;
	return 0;
}

/* --- a hash: multiply and fold, eight bytes at a time --------------------- */

static uint64_t
hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t	 m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t
hash64(struct str s, uint64_t seed)
{
	const uint64_t	 k1 = 0x9e3779b97f4a7c15u, k2 = 0xd6e8feb86659fd93u;
	uint64_t	 h = seed ^ hash_mix(s.n + k1, k2), w;
	size_t		 i;

	for (i = 0; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		h = hash_mix(h ^ w, k1);
	}
	w = 0;
	if (i < s.n)
		memcpy(&w, s.p + i, s.n - i);
	h = hash_mix(h ^ w ^ k2, k1);
	h ^= h >> 32;
	h *= k2;
	return h ^ h >> 29;
}
