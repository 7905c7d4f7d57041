/*
 * Any bytes as a provider's answer.  The first byte says how they are cut: what
 * is read must be the same as from the uncut.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/http1.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Everything that was said, and the number of bytes taken. */
static void
run(struct str in, size_t piece, struct buf *content, struct buf *rest)
{
	struct http1		 h;
	struct str		 s, out;
	enum http1_event	 e = HTTP1_MORE;
	size_t			 taken = 0, n;

	http1_init(&h);
	while (e == HTTP1_MORE && in.n > 0) {
		s = (struct str){ in.p, in.n < piece ? in.n : piece };
		n = s.n;
		while ((e = http1_next(&h, &s, &out)) == HTTP1_HEAD ||
		    e == HTTP1_BODY)
			(void)buf_adds(e == HTTP1_HEAD ? rest : content, out);
		must(e != HTTP1_MORE || s.n == 0);
		taken += n - s.n;
		in = str_skip(in, n);
	}
	if (e == HTTP1_FAULT)
		must(h.fault != NULL);
	else if (http1_eof(&h) == -1)
		must(h.fault != NULL);
	if (e == HTTP1_END)
		buf_addf(rest, "%zu,", taken);
	buf_addf(rest, "%d,%d,%d", e, h.status, h.keep);
	http1_release(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf	 content[2], rest[2];
	struct str	 s = { (const char *)data, n };
	unsigned	 i;

	if (n < 1)
		return 0;
	for (i = 0; i < 2; i++) {
		buf_init(&content[i], SIZE_MAX / 8);
		buf_init(&rest[i], SIZE_MAX / 8);
		run(str_skip(s, 1), i == 0 ? n : 1u + data[0] % 64u,
		    &content[i], &rest[i]);
	}
	must(str_eq(buf_str(&content[0]), buf_str(&content[1])));
	must(str_eq(buf_str(&rest[0]), buf_str(&rest[1])));
	for (i = 0; i < 2; i++) {
		buf_release(&content[i]);
		buf_release(&rest[i]);
	}
	return 0;
}
