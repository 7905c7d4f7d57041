/*
 * The JSON writer.
 */
#include <stdint.h>

#include "base/codec.h"
#include "base/scan.h"
#include "wire/json.h"

/* --- escapes ---------------------------------------------------------------- */

/* Writes one byte that is a quote, a backslash or a control character. */
static void
escape_byte(struct buf *b, unsigned char c)
{
	static const char	 digit[] = "0123456789abcdef";
	char			 e[6] = { '\\', 'u', '0', '0', 0, 0 };
	size_t			 n = 2;

	switch (c) {
	case '"':
	case '\\':
		e[1] = (char)c;
		break;
	case '\b':
		e[1] = 'b';
		break;
	case '\f':
		e[1] = 'f';
		break;
	case '\n':
		e[1] = 'n';
		break;
	case '\r':
		e[1] = 'r';
		break;
	case '\t':
		e[1] = 't';
		break;
	default:
		e[4] = digit[c >> 4];
		e[5] = digit[c & 15];
		n = 6;
	}
	(void)buf_add(b, e, n);
}

/* The first byte from p on that cannot be copied. */
static const char *
plain_end(const char *p, const char *end)
{
	size_t	 n;

	for (;;) {
		p = scan_json(p, end);
		if (p == end || (unsigned char)*p < 0x80)
			return p;
		n = utf8_run((struct str){ p, (size_t)(end - p) });
		if (n == 0)
			return p;
		p += n;
	}
}

void
json_escape(struct buf *b, struct str s)
{
	const char	*p = s.p, *end = s.n == 0 ? p : p + s.n, *q;

	while (p < end) {
		q = plain_end(p, end);
		(void)buf_add(b, p, (size_t)(q - p));
		for (p = q; p < end && scan_json_byte((unsigned char)*p); p++) {
			if ((unsigned char)*p < 0x80)
				escape_byte(b, (unsigned char)*p);
			else if (utf8_run((struct str){ p,
			    (size_t)(end - p) }) > 0)
				break;
			else
				(void)buf_addz(b, "\xef\xbf\xbd");
		}
	}
}

struct jstr
jstr_encode(struct arena *a, struct str s)
{
	struct buf	 b;
	struct str	 copy;

	if (s.n == 0 || plain_end(s.p, s.p + s.n) == s.p + s.n)
		return (struct jstr){ s.p, s.n };
	buf_init(&b, SIZE_MAX / 8);
	json_escape(&b, s);
	copy = arena_str(a, buf_str(&b));
	buf_release(&b);
	return (struct jstr){ copy.p, copy.n };
}

/* --- the writer ------------------------------------------------------------- */

void
jw_init(struct jw *w, struct buf *b)
{
	*w = (struct jw){ .b = b };
}

/* Before a value or a name. */
static void
begin(struct jw *w)
{
	if (w->comma)
		(void)buf_addc(w->b, ',');
	w->comma = true;
}

void
jw_object(struct jw *w)
{
	begin(w);
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
	begin(w);
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
jw_key_jstr(struct jw *w, struct jstr name)
{
	jw_jstr(w, name);
	(void)buf_addc(w->b, ':');
	w->comma = false;
}

void
jw_name(struct jw *w, const char *name, size_t n)
{
	struct buf	*b = w->b;
	char		*p;

	if (buf_reserve(b, n + 4) == -1)
		return;
	p = b->data + b->len;
	if (w->comma)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, name, n);
	p += n;
	*p++ = '"';
	*p++ = ':';
	*p = '\0';
	b->len = (size_t)(p - b->data);
	w->comma = false;
}

void
jw_key_str(struct jw *w, struct str name)
{
	jw_str(w, name);
	(void)buf_addc(w->b, ':');
	w->comma = false;
}

/* Bytes that need no escape, as a value. */
static void
quoted(struct jw *w, const char *s, size_t n)
{
	struct buf	*b = w->b;
	char		*p;

	if (buf_reserve(b, n + 2 + w->comma) == -1)
		return;
	p = b->data + b->len;
	if (w->comma)
		*p++ = ',';
	*p++ = '"';
	if (n > 0)
		memcpy(p, s, n);
	p += n;
	*p++ = '"';
	*p = '\0';
	b->len = (size_t)(p - b->data);
	w->comma = true;
}

void
jw_str(struct jw *w, struct str s)
{
	size_t	 plain = s.n == 0 ? 0 : (size_t)(plain_end(s.p,
		    s.p + s.n) - s.p);

	if (plain == s.n) {
		quoted(w, s.p, s.n);
		return;
	}
	jw_open(w);
	(void)buf_add(w->b, s.p, plain);
	json_escape(w->b, str_skip(s, plain));
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
	quoted(w, s.p, s.n);
}

/* No line end stands within a token, so none is needed between tokens. */
void
jw_raw(struct jw *w, struct str s)
{
	const char	*p = s.p, *end, *q;

	if (s.n == 0) {
		jw_null(w);
		return;
	}
	begin(w);
	if (buf_reserve(w->b, s.n) == -1)
		return;
	end = p + s.n;
	while (p < end) {
		q = scan_line(p, end);
		(void)buf_add(w->b, p, (size_t)(q - p));
		for (p = q; p < end && (*p == '\n' || *p == '\r'); p++)
			;
	}
}

void
jw_int(struct jw *w, int64_t v)
{
	char		 digits[20];
	size_t		 i = sizeof(digits);
	uint64_t	 n = v < 0 ? -(uint64_t)v : (uint64_t)v;

	begin(w);
	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	if (v < 0)
		(void)buf_addc(w->b, '-');
	(void)buf_add(w->b, digits + i, sizeof(digits) - i);
}

void
jw_bool(struct jw *w, bool v)
{
	begin(w);
	(void)buf_addz(w->b, v ? "true" : "false");
}

void
jw_null(struct jw *w)
{
	begin(w);
	(void)buf_addz(w->b, "null");
}

void
jw_open(struct jw *w)
{
	begin(w);
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
