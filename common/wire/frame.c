/*
 * Streams cut into frames: server-sent events and JSON arrays.  Bytes come cut
 * anywhere; what is unfinished is held here and nowhere else.
 */
#include "wire/frame.h"

void
framer_init(struct framer *f, enum framing kind)
{
	*f = (struct framer){ .kind = kind };
	buf_init(&f->line, FRAME_MAX);
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
	if (f->kind == FRAME_JSON_ARRAY)
		return f->depth > 0 || f->line.len > 0;
	return f->line.len > 0 || f->has_data || f->event.len > 0;
}

#define FRAME_CB int (*cb)(void *, const struct frame *)

/* --- server-sent events ------------------------------------------------------------ */

/* The empty line: an event ends, if it had data. */
static int
sse_dispatch(struct framer *f, FRAME_CB, void *arg)
{
	struct frame	 fr;
	int		 r = 0;

	if (f->has_data) {
		fr.event = buf_str(&f->event);
		fr.data = buf_str(&f->data);
		r = cb(arg, &fr);
	}
	buf_clear(&f->data);
	buf_clear(&f->event);
	f->has_data = false;
	return r;
}

static int
sse_field(struct framer *f, struct str line)
{
	struct str	 name = str_cut(&line, ':');

	if (line.n > 0 && line.p[0] == ' ')
		line = str_skip(line, 1);
	if (str_is(name, "event")) {
		buf_clear(&f->event);
		return buf_adds(&f->event, line);
	}
	if (!str_is(name, "data"))
		return 0;
	if (f->has_data && buf_addc(&f->data, '\n') == -1)
		return -1;
	f->has_data = true;
	return buf_adds(&f->data, line);
}

static int
sse_line(struct framer *f, struct str line, FRAME_CB, void *arg)
{
	if (!f->begun && str_starts(line, "\xef\xbb\xbf"))
		line = str_skip(line, 3);
	f->begun = true;
	if (line.n == 0)
		return sse_dispatch(f, cb, arg);
	if (line.p[0] == ':')
		return 0;
	return sse_field(f, line);
}

/* The first CR or LF. */
static const char *
line_end(struct str s)
{
	const char	*lf = memchr(s.p, '\n', s.n), *cr;

	cr = memchr(s.p, '\r', lf == NULL ? s.n : (size_t)(lf - s.p));
	return cr != NULL ? cr : lf;
}

static int
sse_feed(struct framer *f, struct str in, FRAME_CB, void *arg)
{
	struct str	 line;
	const char	*q;
	int		 r;

	while (in.n > 0) {
		if (f->skip_lf && in.p[0] == '\n')
			in = str_skip(in, 1);
		f->skip_lf = false;
		if (in.n == 0)
			break;
		if ((q = line_end(in)) == NULL)
			return buf_adds(&f->line, in);
		line = (struct str){ in.p, (size_t)(q - in.p) };
		f->skip_lf = *q == '\r';
		in = str_skip(in, line.n + 1);
		if (f->line.len > 0) {
			if (buf_adds(&f->line, line) == -1)
				return -1;
			line = buf_str(&f->line);
		}
		r = sse_line(f, line, cb, arg);
		buf_clear(&f->line);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* --- arrays --------------------------------------------------------------------------- */

static int
array_element(struct framer *f, FRAME_CB, void *arg)
{
	struct frame	 fr = { .event = STR_NONE };
	int		 r = 0;

	fr.data = str_trim(buf_str(&f->line));
	if (fr.data.n > 0)
		r = cb(arg, &fr);
	buf_clear(&f->line);
	return r;
}

/* Outside of any element: the brackets and commas of the array itself. */
static int
array_outside(struct framer *f, char c, FRAME_CB, void *arg)
{
	if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
		return f->line.len > 0 ? buf_addc(&f->line, c) : 0;
	if (f->done)
		return -1;
	if (!f->begun) {
		f->begun = true;
		return c == '[' ? 0 : -1;
	}
	if (c == ']') {
		f->done = true;
		return array_element(f, cb, arg);
	}
	if (c == ',')
		return array_element(f, cb, arg);
	if (c == '{' || c == '[')
		f->depth++;
	else if (c == '"')
		return -1;	/* elements are objects, in every dialect */
	return buf_addc(&f->line, c);
}

static int
array_inside(struct framer *f, char c, FRAME_CB, void *arg)
{
	if (buf_addc(&f->line, c) == -1)
		return -1;
	if (f->in_string) {
		if (f->backslash)
			f->backslash = false;
		else if (c == '\\')
			f->backslash = true;
		else if (c == '"')
			f->in_string = false;
		return 0;
	}
	if (c == '"')
		f->in_string = true;
	else if (c == '{' || c == '[')
		f->depth++;
	else if ((c == '}' || c == ']') && --f->depth == 0)
		return array_element(f, cb, arg);
	return 0;
}

static int
array_feed(struct framer *f, struct str in, FRAME_CB, void *arg)
{
	size_t	 i;
	int	 r;

	for (i = 0; i < in.n; i++) {
		r = f->depth > 0 ? array_inside(f, in.p[i], cb, arg) :
		    array_outside(f, in.p[i], cb, arg);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* --- both -------------------------------------------------------------------------------- */

int
framer_feed(struct framer *f, struct str in, FRAME_CB, void *arg)
{
	if (f->kind == FRAME_JSON_ARRAY)
		return array_feed(f, in, cb, arg);
	return sse_feed(f, in, cb, arg);
}

int
framer_end(struct framer *f, FRAME_CB, void *arg)
{
	if (f->kind == FRAME_JSON_ARRAY)
		return 0;
	/* A line without its end may lack bytes: it is no line. */
	if (f->line.len > 0)
		return 0;
	return sse_dispatch(f, cb, arg);
}

void
sse_open(struct buf *b, const char *event)
{
	if (event != NULL) {
		(void)buf_addz(b, "event: ");
		(void)buf_addz(b, event);
		(void)buf_addc(b, '\n');
	}
	(void)buf_addz(b, "data: ");
}

void
sse_close(struct buf *b)
{
	(void)buf_add(b, "\n\n", 2);
}
