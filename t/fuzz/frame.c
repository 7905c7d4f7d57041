/*
 * Any bytes as a stream.  The first byte chooses the framing, the second how
 * the rest is cut: the frames must be those of the uncut stream.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/frame.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Lengths go before the bytes, so that nothing can look like something else. */
static int
collect_cb(void *arg, const struct frame *f)
{
	struct buf	*b = arg;

	buf_addf(b, "%zu,%zu:", f->event.n, f->data.n);
	buf_adds(b, f->event);
	return buf_adds(b, f->data);
}

/* The length of the next piece; seed 0 cuts nowhere. */
static size_t
piece_next(uint32_t *seed, size_t left)
{
	size_t	 n;

	if (*seed == 0)
		return left;
	*seed = *seed * 1664525u + 1013904223u;
	n = (*seed >> 24) % 9 == 0 ? *seed >> 26 : 1 + (*seed >> 28);
	return n < left ? n : left;
}

static void
run(enum framing kind, struct str s, uint32_t seed, struct buf *out)
{
	struct framer	 f;
	size_t		 n;
	int		 res = 0;

	framer_init(&f, kind);
	while (s.n > 0 && res == 0) {
		n = piece_next(&seed, s.n);
		res = framer_feed(&f, (struct str){ s.p, n }, collect_cb, out);
		s = str_skip(s, n);
	}
	if (res == 0)
		res = framer_end(&f, collect_cb, out);
	buf_addf(out, "%d,%d", res, res == 0 && framer_partial(&f));
	framer_release(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf	 whole, cut;
	struct str	 s = { (const char *)data, n };
	enum framing	 kind;

	if (n < 2)
		return 0;
	kind = data[0] % 2 == 0 ? FRAME_SSE : FRAME_JSON_ARRAY;
	s = str_skip(s, 2);
	buf_init(&whole, SIZE_MAX / 8);
	buf_init(&cut, SIZE_MAX / 8);
	run(kind, s, 0, &whole);
	run(kind, s, 1 + data[1], &cut);
	must(str_eq(buf_str(&whole), buf_str(&cut)));
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
