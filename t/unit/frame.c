/*
 * Framing: what arrives in any pieces gives the same frames.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "tap.h"
#include "wire/frame.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define BOM	"\xef\xbb\xbf"

/*
 * A sample and what it gives: frames as "event=data|", then "~" where bytes
 * were left over, or "!" where it is refused.
 */
struct sample {
	enum framing	 kind;
	struct str	 in;
	const char	*want;
};

static const struct sample	 samples[] = {
	{ FRAME_SSE, STR(""), "" },
	{ FRAME_SSE, STR("data: a\n\n"), "=a|" },
	{ FRAME_SSE, STR("data: a\r\n\r\n"), "=a|" },
	{ FRAME_SSE, STR("data: a\r\r"), "=a|" },
	{ FRAME_SSE, STR("data: a\r\n\ndata: b\n\r\n"), "=a|=b|" },
	{ FRAME_SSE, STR("data: a\n\r\ndata: b\r\r\ndata: c\n\r"),
	    "=a|=b|=c|" },
	{ FRAME_SSE, STR("data:a\n\ndata:  b\n\ndata: \n\n"), "=a|= b|=|" },
	{ FRAME_SSE, STR("data\n\n"), "=|" },
	{ FRAME_SSE, STR("data\ndata\n\n"), "=\n|" },
	{ FRAME_SSE, STR("event: x\ndata: a\n\ndata: b\n\n"), "x=a|=b|" },
	{ FRAME_SSE, STR("data: a\nevent: x\nevent: y\n\n"), "y=a|" },
	{ FRAME_SSE, STR("event: x\nevent\ndata: a\n\n"), "=a|" },
	{ FRAME_SSE, STR("data: {\ndata:  \"a\": 1\ndata: }\n\n"),
	    "={\n \"a\": 1\n}|" },
	{ FRAME_SSE, STR(": ping\n\n: ping\ndata: a\n:\n\n"), "=a|" },
	{ FRAME_SSE, STR("id: 7\nretry: 100\nwhat\ndata: a\n\n"), "=a|" },
	{ FRAME_SSE, STR("event: x\n\ndata: a\n\n"), "=a|" },
	{ FRAME_SSE, STR("\n\n\n\r\n"), "" },
	{ FRAME_SSE, STR("data : a\nDATA: b\n data: c\n\n"), "" },
	{ FRAME_SSE, STR("data: a:b: c\n\n"), "=a:b: c|" },
	{ FRAME_SSE, STR(BOM "data: a\n\n"), "=a|" },
	{ FRAME_SSE, STR(BOM BOM "data: a\n\n"), "" },
	{ FRAME_SSE, STR("data: a\n\n" BOM "data: b\n\n"), "=a|" },
	{ FRAME_SSE, STR(BOM "\ndata: a\n\n"), "=a|" },
	{ FRAME_SSE, STR("\xef\xbb" "data: a\n\n"), "" },
	{ FRAME_SSE, STR("data: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\n"),
	    "=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|" },
	{ FRAME_SSE, STR("data: \xe2\x80\xa8\xc2\x85\v\f\n\n"),
	    "=\xe2\x80\xa8\xc2\x85\v\f|" },
	/* The closing empty line is missing. */
	{ FRAME_SSE, STR("data: a\n"), "=a|" },
	{ FRAME_SSE, STR("event: x\r\ndata: a\r\n"), "x=a|" },
	{ FRAME_SSE, STR("data: a\n\ndata: b\r"), "=a|=b|" },
	{ FRAME_SSE, STR("event: x\n"), "" },
	/* Cut within a line. */
	{ FRAME_SSE, STR("data: a\n\ndata: b"), "=a|~" },
	{ FRAME_SSE, STR("data: a\ndata: b"), "~" },
	{ FRAME_SSE, STR("data: a\n\nd"), "=a|~" },
	{ FRAME_SSE, STR("event: message_start\ndata: {\"type\":"
	    "\"message_start\"}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"
	    ": keep\n\ndata: [DONE]\n\n"),
	    "message_start={\"type\":\"message_start\"}|"
	    "ping={\"type\":\"ping\"}|=[DONE]|" },

	{ FRAME_JSON_ARRAY, STR(""), "" },
	{ FRAME_JSON_ARRAY, STR("[]"), "" },
	{ FRAME_JSON_ARRAY, STR(" [ ] \r\n"), "" },
	{ FRAME_JSON_ARRAY, STR("[{}]"), "={}|" },
	{ FRAME_JSON_ARRAY, STR("[{\"a\":1}\n,\r\n{\"b\":[2,{}]}\n]\n"),
	    "={\"a\":1}|={\"b\":[2,{}]}|" },
	{ FRAME_JSON_ARRAY, STR("[{\n  \"a\": \"]}\\\"[{\"\n},{}]"),
	    "={\n  \"a\": \"]}\\\"[{\"\n}|={}|" },
	{ FRAME_JSON_ARRAY, STR("[{\"a\":\"\\\\\"},{\"\\\"\":\"\\\\\\\"\"}]"),
	    "={\"a\":\"\\\\\"}|={\"\\\"\":\"\\\\\\\"\"}|" },
	{ FRAME_JSON_ARRAY, STR("[{\"a\":\"\xc3\xa4\xf0\x9f\x98\x80 long"
	    " enough\"}]"),
	    "={\"a\":\"\xc3\xa4\xf0\x9f\x98\x80 long enough\"}|" },
	{ FRAME_JSON_ARRAY, STR("[[1,2],[],[[\"a\"]]]"),
	    "=[1,2]|=[]|=[[\"a\"]]|" },
	{ FRAME_JSON_ARRAY, STR("[1 ,null,\"a,]\" , -2e5\n,true]"),
	    "=1|=null|=\"a,]\"|=-2e5|=true|" },
	{ FRAME_JSON_ARRAY, STR("[{}, ]"), "={}|" },
	/* Cut. */
	{ FRAME_JSON_ARRAY, STR("["), "" },
	{ FRAME_JSON_ARRAY, STR("[{}"), "={}|" },
	{ FRAME_JSON_ARRAY, STR("[{},"), "={}|" },
	{ FRAME_JSON_ARRAY, STR("[{},{\"a\":"), "={}|~" },
	{ FRAME_JSON_ARRAY, STR("[\"a"), "~" },
	/* Not an array. */
	{ FRAME_JSON_ARRAY, STR("{\"error\":{}}"), "!" },
	{ FRAME_JSON_ARRAY, STR("data: {}\n\n"), "!" },
	{ FRAME_JSON_ARRAY, STR("[{}]x"), "={}|!" },
	{ FRAME_JSON_ARRAY, STR("[{}][{}]"), "={}|!" },
	{ FRAME_JSON_ARRAY, STR("[{}{}]"), "={}|!" },
	{ FRAME_JSON_ARRAY, STR("[{},,{}]"), "={}|!" },
	{ FRAME_JSON_ARRAY, STR("[,{}]"), "!" },
	{ FRAME_JSON_ARRAY, STR("[}]"), "!" },

	{ FRAME_NONE, STR("x"), "!" },
};

static int
collect_cb(void *arg, const struct frame *f)
{
	struct buf	*b = arg;

	return buf_adds(b, f->event) == -1 || buf_addc(b, '=') == -1 ||
	    buf_adds(b, f->data) == -1 || buf_addc(b, '|') == -1 ? -1 : 0;
}

/* A copy of exactly that size, so that a sanitizer sees what is read. */
static int
feed_copy(struct framer *f, struct str s, struct buf *out)
{
	char	*copy = malloc(s.n + (s.n == 0));
	int	 res;

	if (copy == NULL)
		abort();
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	res = framer_feed(f, (struct str){ copy, s.n }, collect_cb, out);
	free(copy);
	return res;
}

/* Feeds s cut at a, then at b, then every step bytes (0: not). */
static void
run(const struct sample *s, size_t a, size_t b, size_t step, struct buf *out)
{
	struct framer	 f;
	struct str	 rest = s->in;
	size_t		 off = 0, n;
	int		 res = 0;

	buf_clear(out);
	framer_init(&f, s->kind);
	while (off < s->in.n && res == 0) {
		n = off < a ? a - off : off < b ? b - off :
		    step > 0 ? step : s->in.n - off;
		if (n > rest.n)
			n = rest.n;
		res = feed_copy(&f, (struct str){ rest.p, n }, out);
		if (res == 0)
			res = feed_copy(&f, STR_NONE, out);
		rest = str_skip(rest, n);
		off += n;
	}
	if (res == 0)
		res = framer_end(&f, collect_cb, out);
	if (res == -1)
		buf_addc(out, '!');
	else if (framer_partial(&f))
		buf_addc(out, '~');
	framer_release(&f);
}

static void
test_sample(size_t row, const struct sample *s)
{
	struct buf	 out;
	size_t		 i, k, step;
	bool		 two = true, three = true, steps = true;

	buf_init(&out, 1 << 16);
	run(s, 0, 0, 0, &out);
	ok(str_is(buf_str(&out), s->want), "sample %zu in one piece", row);
	if (!str_is(buf_str(&out), s->want))
		printf("# %.*s\n", STR_FMT(buf_str(&out)));
	for (i = 0; i < s->in.n; i++) {
		run(s, i, i, 0, &out);
		two &= str_is(buf_str(&out), s->want);
		for (k = i + 1; k < s->in.n; k++) {
			run(s, i, k, 0, &out);
			three &= str_is(buf_str(&out), s->want);
		}
	}
	for (step = 1; step < 9; step++) {
		run(s, 0, 0, step, &out);
		steps &= str_is(buf_str(&out), s->want);
	}
	ok(two && three && steps, "sample %zu cut anywhere", row);
	buf_release(&out);
}

/* --- limits ----------------------------------------------------------------- */

/* Feeds n bytes c in pieces. */
static int
feed_many(struct framer *f, char c, size_t n, struct buf *out)
{
	static char	 piece[65536];
	size_t		 k;
	int		 res = 0;

	memset(piece, c, sizeof(piece));
	for (; n > 0 && res == 0; n -= k) {
		k = n < sizeof(piece) ? n : sizeof(piece);
		res = framer_feed(f, (struct str){ piece, k }, collect_cb, out);
	}
	return res;
}

static int
feed_z(struct framer *f, const char *z, struct buf *out)
{
	return framer_feed(f, str_of(z), collect_cb, out);
}

/* Data of n bytes between head and tail. */
static bool
limit_is(enum framing kind, const char *head, size_t n, const char *tail)
{
	struct framer	 f;
	struct buf	 out;
	bool		 good;

	buf_init(&out, FRAME_MAX + 16);
	framer_init(&f, kind);
	good = feed_z(&f, head, &out) == 0 &&
	    feed_many(&f, 'a', n, &out) == 0 && feed_z(&f, tail, &out) == 0;
	framer_release(&f);
	buf_release(&out);
	return good;
}

static void
test_limits(void)
{
	struct framer	 f;
	struct buf	 out;
	size_t		 i;
	int		 res = 0;

	ok(limit_is(FRAME_SSE, "data: ", FRAME_MAX, "\n\n"),
	    "an event of FRAME_MAX");
	ok(!limit_is(FRAME_SSE, "data: ", FRAME_MAX + 1, "\n\n"),
	    "an event one byte longer");
	ok(!limit_is(FRAME_SSE, "data: ", FRAME_MAX + 1000, ""),
	    "a line without end");
	ok(!limit_is(FRAME_SSE, "data: b\ndata: ", FRAME_MAX - 1, "\n"),
	    "lines that are too long together");
	ok(limit_is(FRAME_JSON_ARRAY, "[\"", FRAME_MAX - 2, "\"]"),
	    "an element of FRAME_MAX");
	ok(!limit_is(FRAME_JSON_ARRAY, "[\"", FRAME_MAX - 1, "\"]"),
	    "an element one byte longer");
	ok(!limit_is(FRAME_JSON_ARRAY, "[\"", FRAME_MAX + 1000, ""),
	    "an element without end");

	buf_init(&out, 1 << 20);
	framer_init(&f, FRAME_SSE);
	for (i = 0; i < 100000 && res == 0; i++)
		res = feed_z(&f, "event: x\n\n: comment\n", &out);
	ok(res == 0 && out.len == 0 && f.line.len == 0 && f.data.len == 0,
	    "what is skipped leaves nothing");
	framer_release(&f);

	buf_init(&out, 3);
	framer_init(&f, FRAME_SSE);
	ok(feed_z(&f, "data: a\n\ndata: b\n\ndata: c\n\n", &out) == -1 &&
	    str_is(buf_str(&out), "=a|"), "a -1 of the callback ends it");
	framer_release(&f);
	buf_release(&out);
}

static void
test_write(void)
{
	struct buf		 b;
	struct sample		 s = { .kind = FRAME_SSE };
	struct buf		 out;

	buf_init(&b, 1000);
	buf_init(&out, 1000);
	sse_open(&b, "ping");
	buf_addz(&b, "{}");
	sse_close(&b);
	sse_open(&b, NULL);
	buf_addz(&b, "[DONE]");
	sse_close(&b);
	ok(str_is(buf_str(&b), "event: ping\ndata: {}\n\ndata: [DONE]\n\n"),
	    "events are written");
	s.in = buf_str(&b);
	run(&s, 0, 0, 1, &out);
	ok(str_is(buf_str(&out), "ping={}|=[DONE]|"), "and read");
	buf_release(&b);
	buf_release(&out);
}

int
main(void)
{
	size_t	 i;

	for (i = 0; i < N(samples); i++)
		test_sample(i, &samples[i]);
	test_limits();
	test_write();
	return done();
}
