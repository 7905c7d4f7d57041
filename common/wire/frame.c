/*
 * Streams cut into frames, whatever the pieces that they arrive in.
 */
#include "base/scan.h"
#include "wire/frame.h"

/* A line holds more than its data: the name of the field, a BOM. */
#define LINE_LIMIT	(FRAME_MAX + 64)

void
framer_init(struct framer *f, enum framing kind)
{
	*f = (struct framer){ .kind = kind };
	buf_init(&f->line, LINE_LIMIT);
	buf_init(&f->data, FRAME_MAX);
	buf_init(&f->event, FRAME_MAX);
}

void
framer_release(struct framer *f)
{
	buf_release(&f->line);
	buf_release(&f->data);
	buf_release(&f->event);
}

bool
framer_partial(const struct framer *f)
{
	return f->line.len > 0 || f->has_data || f->event.len > 0;
}

/* --- server-sent events ----------------------------------------------------- */

static struct str
bom_skip(struct str s)
{
	return str_skip(s, str_starts(s, "\xef\xbb\xbf") ? 3 : 0);
}

/* An event without any data line is none. */
static int
sse_dispatch(struct framer *f, int (*frame_cb)(void *, const struct frame *),
    void *arg)
{
	struct frame	 frame = { buf_str(&f->event), buf_str(&f->data) };
	int		 res = 0;

	if (f->has_data)
		res = frame_cb(arg, &frame);
	f->has_data = false;
	buf_clear(&f->event);
	buf_clear(&f->data);
	return res;
}

/* A line that is not empty, without its end. */
static int
sse_field(struct framer *f, struct str value)
{
	struct str	 name = str_cut(&value, ':');

	if (value.n > 0 && value.p[0] == ' ')
		value = str_skip(value, 1);
	if (str_is(name, "event")) {
		buf_clear(&f->event);
		return buf_adds(&f->event, value);
	}
	if (!str_is(name, "data"))
		return 0;
	if (f->has_data && buf_addc(&f->data, '\n') == -1)
		return -1;
	f->has_data = true;
	return buf_adds(&f->data, value);
}

static int
sse_line(struct framer *f, struct str line,
    int (*frame_cb)(void *, const struct frame *), void *arg)
{
	if (line.n > LINE_LIMIT)
		return -1;
	if (!f->begun) {
		line = bom_skip(line);
		f->begun = true;
	}
	if (line.n == 0)
		return sse_dispatch(f, frame_cb, arg);
	return sse_field(f, line);
}

/*
 * A line that arrived whole is used where it stands.  CR ends a line at once;
 * an LF that turns out to follow it is passed over.
 */
static int
sse_feed(struct framer *f, struct str s,
    int (*frame_cb)(void *, const struct frame *), void *arg)
{
	const char	*p = s.p, *end = p + s.n, *q;
	struct str	 line;
	int		 res;

	while (p < end) {
		if (f->skip_lf && *p == '\n')
			p++;
		f->skip_lf = false;
		q = scan_line(p, end);
		line = (struct str){ p, (size_t)(q - p) };
		if ((q == end || f->line.len > 0) &&
		    buf_adds(&f->line, line) == -1)
			return -1;
		if (q == end)
			return 0;
		f->skip_lf = *q == '\r';
		if (f->line.len > 0)
			line = buf_str(&f->line);
		res = sse_line(f, line, frame_cb, arg);
		buf_clear(&f->line);
		if (res == -1)
			return -1;
		p = q + 1;
	}
	return 0;
}

/* --- an array --------------------------------------------------------------- */

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Between elements: moves *p to the next element's first byte, or to end.
 * A comma before the "]" does no harm.
 */
static int
array_between(struct framer *f, const char **p, const char *end)
{
	char	 c;

	for (; *p < end; ++*p) {
		c = **p;
		if (is_space(c))
			continue;
		if (f->done)
			return -1;
		if (!f->begun) {
			if (c != '[')
				return -1;
			f->begun = true;
		} else if (c == ']')
			f->done = true;
		else if (c == ',' && f->comma_due)
			f->comma_due = false;
		else if (c == ',' || f->comma_due)
			return -1;
		else
			return 0;
	}
	return 0;
}

/* Moves *p past a part of a string; true if its quote was the element's end. */
static bool
array_string(struct framer *f, const char **p, const char *end)
{
	const char	*q = *p;

	if (f->backslash) {
		f->backslash = false;
		++*p;
		return false;
	}
	if ((q = scan_json(q, end)) < end) {
		f->backslash = *q == '\\';
		f->in_string = *q != '"';
		q++;
	}
	*p = q;
	return !f->in_string && f->depth == 0;
}

/*
 * Moves *p to the end of the element that has begun, and returns true, or to
 * end.  A scalar outside of any bracket ends before what cannot belong to it.
 */
static bool
array_element(struct framer *f, const char **p, const char *end)
{
	char	 c;

	while (*p < end) {
		if (f->in_string) {
			if (array_string(f, p, end))
				return true;
			continue;
		}
		c = **p;
		if (f->depth == 0 && (is_space(c) || c == ',' || c == ']' ||
		    c == '}'))
			return true;
		++*p;
		if (c == '"')
			f->in_string = true;
		else if (c == '{' || c == '[')
			f->depth++;
		else if ((c == '}' || c == ']') && --f->depth == 0)
			return true;
	}
	return false;
}

static int
array_emit(struct framer *f, struct str element,
    int (*frame_cb)(void *, const struct frame *), void *arg)
{
	struct frame	 frame = { STR(""), element };
	int		 res;

	if (element.n == 0 || element.n > FRAME_MAX)
		return -1;
	res = frame_cb(arg, &frame);
	buf_clear(&f->line);
	f->comma_due = true;
	return res;
}

static int
array_feed(struct framer *f, struct str s,
    int (*frame_cb)(void *, const struct frame *), void *arg)
{
	const char	*p = s.p, *end = p + s.n;
	struct str	 piece;
	bool		 whole;

	for (;;) {
		if (f->line.len == 0 && array_between(f, &p, end) == -1)
			return -1;
		if (p == end)
			return 0;
		piece.p = p;
		whole = array_element(f, &p, end);
		piece.n = (size_t)(p - piece.p);
		if ((!whole || f->line.len > 0) &&
		    buf_adds(&f->line, piece) == -1)
			return -1;
		if (whole && array_emit(f, f->line.len > 0 ?
		    buf_str(&f->line) : piece, frame_cb, arg) == -1)
			return -1;
	}
}

/* --- both ------------------------------------------------------------------- */

int
framer_feed(struct framer *f, struct str s,
    int (*frame_cb)(void *, const struct frame *), void *arg)
{
	if (s.n == 0)
		return 0;
	switch (f->kind) {
	case FRAME_SSE:
		return sse_feed(f, s, frame_cb, arg);
	case FRAME_JSON_ARRAY:
		return array_feed(f, s, frame_cb, arg);
	case FRAME_NONE:
		break;
	}
	return -1;
}

int
framer_end(struct framer *f, int (*frame_cb)(void *, const struct frame *),
    void *arg)
{
	if (f->kind != FRAME_SSE || f->line.len > 0)
		return 0;
	return sse_dispatch(f, frame_cb, arg);
}

void
sse_open(struct buf *b, const char *event)
{
	if (event != NULL) {
		(void)buf_add(b, "event: ", 7);
		(void)buf_addz(b, event);
		(void)buf_addc(b, '\n');
	}
	(void)buf_add(b, "data: ", 6);
}

void
sse_close(struct buf *b)
{
	(void)buf_add(b, "\n\n", 2);
}
