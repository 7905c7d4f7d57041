/*
 * HTTP/1.1 as bytes: heads out, answers in.
 */
#include <string.h>

#include "wire/http1.h"

/* --- out -------------------------------------------------------------------------- */

static bool
is_host(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr(".-_:[]", c) != NULL) ||
	    (c >= 'A' && c <= 'Z');
}

int
http1_url(struct http1_url *u, const char *url)
{
	const char	*p;

	if (strncmp(url, "http://", 7) != 0)
		return -1;
	url += 7;
	for (p = url; is_host(*p); p++)
		;
	u->authority = (struct str){ url, (size_t)(p - url) };
	if (u->authority.n == 0 || (*p != '\0' && *p != '/' && *p != '?'))
		return -1;
	u->target = str_of(p);
	for (; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#' || *p == '\\' ||
		    (*p == '/' && p[1] == '.'))
			return -1;
	return 0;
}

/* Is the line a field of this name?  Names of ours: ASCII, one case. */
static inline bool
line_is(const char *line, const char *name, size_t n)
{
	return (line[0] | 0x20) == (name[0] | 0x20) &&
	    strncasecmp(line, name, n) == 0 && line[n] == ':';
}

#define LINE_IS(line, lit)	line_is((line), (lit), sizeof(lit) - 1)

static void
request_line(struct buf *b, const char *line)
{
	const char	*v = strchr(line, ':');

	if (v == NULL || v[1 + strspn(v + 1, " \t")] == '\0' ||
	    LINE_IS(line, "Content-Length") ||
	    LINE_IS(line, "Transfer-Encoding"))
		return;
	buf_addz(b, line);
	buf_add(b, "\r\n", 2);
}

int
http1_request(struct buf *b, const char *method, const struct http1_url *u,
    const char *const *lines, size_t length)
{
	struct str	 host = u->authority;
	bool		 has_host = false, has_coding = false;
	char		 digit[24], *p = digit + sizeof(digit);
	size_t		 i;

	for (i = 0; lines[i] != NULL; i++) {
		if (strpbrk(lines[i], "\r\n") != NULL)
			return -1;
		has_host |= LINE_IS(lines[i], "Host");
		has_coding |= LINE_IS(lines[i], "Accept-Encoding");
	}
	if (str_ends(host, ":80"))
		host.n -= 3;
	buf_addz(b, method);
	buf_addc(b, ' ');
	if (u->target.n == 0 || u->target.p[0] != '/')
		buf_addc(b, '/');
	buf_adds(b, u->target);
	buf_addz(b, " HTTP/1.1\r\n");
	if (!has_host) {
		buf_addz(b, "Host: ");
		buf_adds(b, host);
		buf_addz(b, "\r\n");
	}
	if (!has_coding)
		buf_addz(b, "Accept-Encoding: identity\r\n");
	for (i = 0; lines[i] != NULL; i++)
		request_line(b, lines[i]);
	do {
		*--p = (char)('0' + length % 10);
	} while ((length /= 10) > 0);
	buf_addz(b, "Content-Length: ");
	buf_add(b, p, (size_t)(digit + sizeof(digit) - p));
	buf_addz(b, "\r\n\r\n");
	return buf_ok(b) ? 0 : -1;
}

/* --- in: the head ------------------------------------------------------------------- */

void
http1_init(struct http1 *h)
{
	*h = (struct http1){ .state = HTTP1_S_HEAD };
	buf_init(&h->head, HTTP1_HEAD_MAX + 1);
}

void
http1_release(struct http1 *h)
{
	buf_release(&h->head);
}

static enum http1_event
http1_fail(struct http1 *h, const char *why)
{
	h->fault = why;
	h->state = HTTP1_S_FAULT;
	return HTTP1_FAULT;
}

bool
http1_field(struct str *lines, struct str *line)
{
	if (lines->n == 0)
		return false;
	*line = str_cut(lines, '\n');
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return line->n > 0;
}

/* RFC 9110 5.6.2 */
static bool
is_token(unsigned char c)
{
	static const bool	 other[128] = {
		['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1,
		['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,
		['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
	};

	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    (c >= '0' && c <= '9') || (c < 128 && other[c]);
}

/* The members of a list; false when there is none left. */
static bool
list_next(struct str *list, struct str *member)
{
	while (list->n > 0) {
		*member = str_trim(str_cut(list, ','));
		if (member->n > 0)
			return true;
	}
	return false;
}

/* -1: no length, or another than is known. */
static int
length_add(int64_t *length, struct str list)
{
	struct str	 v;
	int64_t		 n;
	size_t		 i;

	if (list.n == 0)
		return -1;
	while (list_next(&list, &v)) {
		if (v.n > 18)
			return -1;
		for (n = 0, i = 0; i < v.n; i++) {
			if (v.p[i] < '0' || v.p[i] > '9')
				return -1;
			n = n * 10 + (v.p[i] - '0');
		}
		if (*length >= 0 && *length != n)
			return -1;
		*length = n;
	}
	return *length < 0 ? -1 : 0;
}

struct framing_facts {
	int64_t		 length;	/* -1: not said */
	bool		 chunked;
	bool		 close, keep;	/* Connection */
};

static const char *
field_framing(struct framing_facts *f, struct str name, struct str v)
{
	struct str	 member;

	if (str_is_nocase(name, "Content-Length")) {
		if (length_add(&f->length, v) == -1)
			return "its Content-Length is none, or there are two";
	} else if (str_is_nocase(name, "Transfer-Encoding")) {
		if (f->chunked || !str_is_nocase(v, "chunked"))
			return "its Transfer-Encoding is not chunked alone";
		f->chunked = true;
	} else if (str_is_nocase(name, "Connection")) {
		while (list_next(&v, &member)) {
			f->close |= str_is_nocase(member, "close");
			f->keep |= str_is_nocase(member, "keep-alive");
		}
	}
	return NULL;
}

/* Why a field line is none, or NULL; its name is returned in name. */
static const char *
field_check(struct str line, struct str *name)
{
	size_t	 i;

	for (i = 0; i < line.n && is_token((unsigned char)line.p[i]); i++)
		;
	*name = (struct str){ line.p, i };
	if (i == 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
		return "a line of its head is folded";
	if (i == 0 || i == line.n || line.p[i] != ':')
		return "a line of its head has no name";
	if (memchr(line.p, '\0', line.n) != NULL ||
	    memchr(line.p, '\r', line.n) != NULL)
		return "its head has a NUL or a lone CR";
	return NULL;
}

static const char *
head_fields(struct framing_facts *f, struct str lines)
{
	struct str	 line, name;
	const char	*why;

	while (http1_field(&lines, &line)) {
		if ((why = field_check(line, &name)) != NULL)
			return why;
		if (name.n != 14 && name.n != 17 && name.n != 10)
			continue;
		why = field_framing(f, name,
		    str_trim(str_skip(line, name.n + 1)));
		if (why != NULL)
			return why;
	}
	return f->chunked && f->length >= 0 ?
	    "it has Content-Length and Transfer-Encoding" : NULL;
}

/* HTTP/1.1 200 OK, section 4; the minor version, or -1. */
static int
head_status(struct http1 *h, struct str line)
{
	const char	*p = line.p;
	unsigned	 i;

	if (line.n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || p[7] < '0' ||
	    p[7] > '9' || p[8] != ' ' || (line.n > 12 && p[12] != ' '))
		return -1;
	h->status = 0;
	for (i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		h->status = h->status * 10 + (p[i] - '0');
	}
	return h->status < 100 ? -1 : p[7] - '0';
}

/* Section 6.3: how long is what follows? */
static enum http1_event
head_take(struct http1 *h, struct str head, struct str *out)
{
	struct framing_facts	 f = { .length = -1 };
	struct str		 line = STR_NONE;
	const char		*why;
	int			 minor;

	*out = head;
	(void)http1_field(out, &line);
	if ((minor = head_status(h, line)) == -1)
		return http1_fail(h, "it is not HTTP/1.1");
	if (h->status == 101)
		return http1_fail(h, "it switched protocols unasked");
	if ((why = head_fields(&f, *out)) != NULL)
		return http1_fail(h, why);
	if (h->status < 200)
		return HTTP1_MORE;
	h->keep = !f.close && (minor > 0 || f.keep);
	h->left = f.length;
	if (h->status == 204 || h->status == 304 ||
	    (f.length == 0 && !f.chunked))
		h->state = HTTP1_S_DONE;
	else if (f.chunked)
		h->state = HTTP1_S_SIZE;
	else
		h->state = f.length < 0 ? HTTP1_S_CLOSE : HTTP1_S_LENGTH;
	if (f.chunked) {
		h->left = h->digits = 0;
		h->keep &= minor > 0;	/* section 6.1 */
	} else if (h->state == HTTP1_S_CLOSE)
		h->keep = false;
	return HTTP1_HEAD;
}

/* Where the head ends, behind its empty line; 0: not here. */
static size_t
head_end(struct str s, size_t from)
{
	const char	*p = s.p + from, *end = s.p + s.n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (p < end && p[0] == '\n')
			return (size_t)(p + 1 - s.p);
		if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
			return (size_t)(p + 2 - s.p);
	}
	return 0;
}

/* MORE: not yet, or a 1xx was skipped. */
static enum http1_event
head_next(struct http1 *h, struct str *in, struct str *out)
{
	static const char	 begin[] = "HTTP/1.";
	size_t			 room = HTTP1_HEAD_MAX - h->spent, n;
	size_t			 had = h->head.len;
	struct str		 s = *in;

	if (had > 0 || (n = head_end(s, 0)) == 0) {
		if (s.n > room + 1 - had)
			s.n = room + 1 - had;
		(void)buf_adds(&h->head, s);
		s = buf_str(&h->head);
		n = head_end(s, had < 2 ? 0 : had - 2);
	}
	if (memcmp(s.p, begin, s.n < 7 ? s.n : 7) != 0)
		return http1_fail(h, "it is not HTTP/1.1");
	if (n > room || (n == 0 && s.n > room))
		return http1_fail(h, "its head is too long");
	if (n == 0) {
		*in = str_skip(*in, in->n);
		return HTTP1_MORE;
	}
	*in = str_skip(*in, n - had);
	h->spent += n;
	s.n = n;
	return head_take(h, s, out);
}

/* --- in: chunks, section 7.1 ---------------------------------------------------------- */

static int
hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The line of a size has ended. */
static void
chunk_begin(struct http1 *h)
{
	h->state = h->left > 0 ? HTTP1_S_CHUNK : HTTP1_S_TRAILER;
}

static const char *
chunk_size(struct http1 *h, char c)
{
	int	 x = hex_of(c);

	if (x >= 0) {
		if (++h->digits > 15)
			return "the size of a chunk is too large";
		h->left = h->left << 4 | x;
		return NULL;
	}
	if (h->digits == 0)
		return "a chunk has no size";
	if (c == '\n')
		chunk_begin(h);
	else if (c == '\r')
		h->state = HTTP1_S_SIZE_LF;
	else if (c == ';' || c == ' ' || c == '\t') {
		h->state = HTTP1_S_EXT;
		h->digits = 0;
	} else
		return "the size of a chunk is none";
	return NULL;
}

/* Between the bytes of chunks: one byte; why it is wrong, or NULL. */
static const char *
chunk_byte(struct http1 *h, char c)
{
	switch (h->state) {
	case HTTP1_S_SIZE:
		return chunk_size(h, c);
	case HTTP1_S_EXT:
		if (++h->digits > HTTP1_CHUNK_EXT)
			return "the extensions of a chunk are too long";
		if (c == '\n')
			chunk_begin(h);
		else if (c == '\r')
			h->state = HTTP1_S_SIZE_LF;
		return NULL;
	case HTTP1_S_SIZE_LF:
		chunk_begin(h);
		return c == '\n' ? NULL : "a CR stands alone in a chunk's size";
	case HTTP1_S_CHUNK_CR:
	case HTTP1_S_CHUNK_LF:
		if (c == '\r' && h->state == HTTP1_S_CHUNK_CR) {
			h->state = HTTP1_S_CHUNK_LF;
			return NULL;
		}
		h->state = HTTP1_S_SIZE;
		h->digits = 0;
		h->left = 0;
		return c == '\n' ? NULL : "a chunk does not end where it should";
	default:
		break;
	}
	if (++h->spent > HTTP1_HEAD_MAX)
		return "its trailers are too long";
	if (h->state == HTTP1_S_TRAILER_LF) {
		h->state = HTTP1_S_DONE;
		return c == '\n' ? NULL : "a CR stands alone in its trailers";
	}
	if (c == '\n')
		h->state = h->state == HTTP1_S_TRAILER ? HTTP1_S_DONE :
		    HTTP1_S_TRAILER;
	else if (h->state == HTTP1_S_TRAILER)
		h->state = c == '\r' ? HTTP1_S_TRAILER_LF :
		    HTTP1_S_TRAILER_LINE;
	return NULL;
}

/* --- in ------------------------------------------------------------------------------- */

static enum http1_event
body_next(struct http1 *h, struct str *in, struct str *out)
{
	*out = *in;
	if (h->state != HTTP1_S_CLOSE) {
		if ((int64_t)out->n > h->left)
			out->n = (size_t)h->left;
		if ((h->left -= (int64_t)out->n) == 0)
			h->state = h->state == HTTP1_S_LENGTH ? HTTP1_S_DONE :
			    HTTP1_S_CHUNK_CR;
	}
	*in = str_skip(*in, out->n);
	return HTTP1_BODY;
}

enum http1_event
http1_next(struct http1 *h, struct str *in, struct str *out)
{
	enum http1_event	 e;
	const char		*why;

	*out = STR_NONE;
	if (h->state == HTTP1_S_DONE)
		return HTTP1_END;
	if (h->state == HTTP1_S_FAULT)
		return HTTP1_FAULT;
	while (in->n > 0) {
		switch (h->state) {
		case HTTP1_S_HEAD:
			e = head_next(h, in, out);
			if (e != HTTP1_MORE)
				return e;
			if (h->status != 0)	/* a 1xx */
				buf_clear(&h->head);
			h->status = 0;
			break;
		case HTTP1_S_LENGTH:
		case HTTP1_S_CLOSE:
		case HTTP1_S_CHUNK:
			return body_next(h, in, out);
		default:
			why = chunk_byte(h, in->p[0]);
			*in = str_skip(*in, 1);
			if (why != NULL)
				return http1_fail(h, why);
			if (h->state == HTTP1_S_DONE)
				return HTTP1_END;
		}
	}
	return HTTP1_MORE;
}

int
http1_eof(struct http1 *h)
{
	if (h->state == HTTP1_S_DONE)
		return 0;
	if (h->state == HTTP1_S_CLOSE) {
		h->state = HTTP1_S_DONE;
		return 0;
	}
	if (h->state == HTTP1_S_HEAD)
		(void)http1_fail(h, h->head.len == 0 ?
		    "it closed the connection without an answer" :
		    "it closed the connection within an answer's head");
	else if (h->state != HTTP1_S_FAULT)
		(void)http1_fail(h, "it closed the connection before the "
		    "answer's end");
	return -1;
}
