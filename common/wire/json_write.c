/*
 * The JSON writer, and the way of strings between their escaped and their plain
 * form.
 */
#include <stdint.h>

#include "base/codec.h"
#include "wire/json.h"

/* --- escaping ------------------------------------------------------------------- */

static size_t
plain_run(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == '"' ||
		    s.p[i] == '\\')
			break;
	return i;
}

static void
escape_one(struct buf *b, unsigned char c)
{
	static const char	 from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char		*at;

	at = c == '\0' ? NULL : strchr(from, c);
	if (at != NULL)
		(void)buf_add(b, (char[]){ '\\', to[at - from] }, 2);
	else
		(void)buf_addf(b, "\\u%04x", c);
}

void
json_escape(struct buf *b, struct str s)
{
	size_t	 n;

	while (s.n > 0) {
		n = plain_run(s);
		(void)buf_add(b, s.p, n);
		s = str_skip(s, n);
		if (s.n > 0) {
			escape_one(b, (unsigned char)s.p[0]);
			s = str_skip(s, 1);
		}
	}
}

struct jstr
jstr_encode(struct arena *a, struct str s)
{
	struct str	 copy;
	struct buf	 b;

	if (plain_run(s) == s.n)
		return (struct jstr){ s.p, s.n };
	buf_init(&b, s.n * 6 + 1);
	json_escape(&b, s);
	copy = arena_str(a, buf_str(&b));
	buf_release(&b);
	return (struct jstr){ copy.p, copy.n };
}

/* --- unescaping ------------------------------------------------------------------- */

static char *
utf8_put(char *d, uint32_t c)
{
	if (c < 0x80)
		*d++ = (char)c;
	else if (c < 0x800) {
		*d++ = (char)(0xc0 | c >> 6);
		*d++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*d++ = (char)(0xe0 | c >> 12);
		*d++ = (char)(0x80 | (c >> 6 & 63));
		*d++ = (char)(0x80 | (c & 63));
	} else {
		*d++ = (char)(0xf0 | c >> 18);
		*d++ = (char)(0x80 | (c >> 12 & 63));
		*d++ = (char)(0x80 | (c >> 6 & 63));
		*d++ = (char)(0x80 | (c & 63));
	}
	return d;
}

/* The four hex digits at p; -1 if there are none. */
static int32_t
hex4(struct str s, size_t at)
{
	unsigned char	 two[2];

	if (s.n < at + 6 || s.p[at] != '\\' || s.p[at + 1] != 'u' ||
	    hex_decode(two, 2, (struct str){ s.p + at + 2, 4 }) == -1)
		return -1;
	return two[0] << 8 | two[1];
}

/* The escape at the start of s; *used is its length. */
static char *
unescape_one(char *d, struct str s, size_t *used)
{
	static const char	 from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char		*at;
	int32_t			 c, lo;

	*used = s.n < 2 ? s.n : 2;
	if (s.n < 2)
		return d;
	if (s.p[1] != 'u') {
		at = s.p[1] == '\0' ? NULL : strchr(from, s.p[1]);
		*d++ = at == NULL ? s.p[1] : to[at - from];
		return d;
	}
	if ((c = hex4(s, 0)) == -1)
		return d;
	*used = 6;
	if (c >= 0xd800 && c <= 0xdbff && (lo = hex4(s, 6)) >= 0xdc00 &&
	    lo <= 0xdfff) {
		*used = 12;
		c = 0x10000 + ((c - 0xd800) << 10) + (lo - 0xdc00);
	} else if (c >= 0xd800 && c <= 0xdfff)
		c = 0xfffd;
	return utf8_put(d, (uint32_t)c);
}

struct str
jstr_decode(struct arena *a, struct jstr j)
{
	struct str	 s = { j.p, j.n };
	const char	*q;
	char		*out, *d;
	size_t		 n;

	if (s.n == 0 || memchr(s.p, '\\', s.n) == NULL)
		return s;
	/* An escape is never shorter than what it stands for. */
	out = d = arena_bytes(a, s.n + 1);
	while (s.n > 0) {
		q = memchr(s.p, '\\', s.n);
		n = q == NULL ? s.n : (size_t)(q - s.p);
		memcpy(d, s.p, n);
		d += n;
		s = str_skip(s, n);
		if (s.n == 0)
			break;
		d = unescape_one(d, s, &n);
		s = str_skip(s, n);
	}
	*d = '\0';
	return (struct str){ out, (size_t)(d - out) };
}

/* --- writing --------------------------------------------------------------------------- */

void
jw_init(struct jw *w, struct buf *b)
{
	w->b = b;
	w->comma = false;
}

static void
jw_begin(struct jw *w)
{
	if (w->comma)
		(void)buf_addc(w->b, ',');
	w->comma = true;
}

void
jw_object(struct jw *w)
{
	jw_begin(w);
	(void)buf_addc(w->b, '{');
	w->comma = false;
}

void
jw_object_end(struct jw *w)
{
	(void)buf_addc(w->b, '}');
	w->comma = true;
}

void
jw_array(struct jw *w)
{
	jw_begin(w);
	(void)buf_addc(w->b, '[');
	w->comma = false;
}

void
jw_array_end(struct jw *w)
{
	(void)buf_addc(w->b, ']');
	w->comma = true;
}

void
jw_key_jstr(struct jw *w, struct jstr k)
{
	jw_jstr(w, k);
	(void)buf_addc(w->b, ':');
	w->comma = false;
}

void
jw_key(struct jw *w, const char *k)
{
	jw_key_jstr(w, (struct jstr){ k, strlen(k) });
}

void
jw_key_str(struct jw *w, struct str k)
{
	jw_str(w, k);
	(void)buf_addc(w->b, ':');
	w->comma = false;
}

void
jw_open(struct jw *w)
{
	jw_begin(w);
	(void)buf_addc(w->b, '"');
}

void
jw_piece_str(struct jw *w, struct str s)
{
	json_escape(w->b, s);
}

void
jw_piece_jstr(struct jw *w, struct jstr s)
{
	(void)buf_add(w->b, s.p, s.n);
}

void
jw_close(struct jw *w)
{
	(void)buf_addc(w->b, '"');
}

void
jw_str(struct jw *w, struct str s)
{
	jw_open(w);
	jw_piece_str(w, s);
	jw_close(w);
}

void
jw_strz(struct jw *w, const char *z)
{
	jw_str(w, str_of(z));
}

void
jw_jstr(struct jw *w, struct jstr s)
{
	jw_open(w);
	jw_piece_jstr(w, s);
	jw_close(w);
}

void
jw_raw(struct jw *w, struct str s)
{
	jw_begin(w);
	(void)buf_adds(w->b, s);
}

void
jw_int(struct jw *w, int64_t n)
{
	jw_begin(w);
	(void)buf_addf(w->b, "%lld", (long long)n);
}

void
jw_bool(struct jw *w, bool v)
{
	jw_begin(w);
	(void)buf_addz(w->b, v ? "true" : "false");
}

void
jw_null(struct jw *w)
{
	jw_begin(w);
	(void)buf_addz(w->b, "null");
}
