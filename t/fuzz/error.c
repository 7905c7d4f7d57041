/*
 * Any bytes as the body of an error of any dialect, to every dialect.
 *
 * The first byte picks the dialect (bits 0-1) and the status (the rest).  What
 * comes out is JSON, of the same kind, and read again says the same words.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"

#define OUT_MAX		((size_t)1 << 20)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const int statuses[] = { 400, 401, 402, 403, 404, 405, 409, 413, 415,
    422, 426, 429, 500, 502, 503, 504, 529, 599, 418, 302 };

static void
broken(const struct dialect *from, const struct dialect *to, const char *what,
    struct str s)
{
	fprintf(stderr, "%s to %s: %s: %.*s\n", from->name, to->name, what,
	    STR_FMT(s));
	abort();
}

static bool
is_json(struct str s)
{
	struct json	 j;
	int		 res;

	json_init(&j);
	res = json_parse(&j, s, NULL);
	json_release(&j);
	return res == 0;
}

static void
decode(struct arena *a, const struct dialect *d, int status, struct str body,
    struct ir_error *err)
{
	ir_error_set(err, ir_error_kind(status), "%s", "");
	err->status = err->upstream = status;
	d->error_decode(a, body, err);
}

static void
check(struct arena *a, const struct dialect *from, const struct dialect *to,
    const struct ir_error *err)
{
	struct ir_error	 again;
	struct buf	 out;

	buf_init(&out, OUT_MAX);
	to->error_encode(err, STR("req_fuzz"), &out);
	if (!is_json(buf_str(&out)))
		broken(from, to, "no JSON", buf_str(&out));
	decode(a, to, err->status, buf_str(&out), &again);
	/* Of words that are only blanks anything may come. */
	if (str_trim(str_of(err->msg)).n > 0 &&
	    !str_eq(str_trim(str_of(err->msg)), str_trim(str_of(again.msg))))
		broken(from, to, "other words", buf_str(&out));
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dialect	*from;
	struct ir_error		 err;
	struct arena		 a;
	size_t			 i;

	if (size == 0)
		return 0;
	arena_init(&a);
	from = dialects[data[0] & 3];
	i = (data[0] >> 2) % (sizeof(statuses) / sizeof(statuses[0]));
	decode(&a, from, statuses[i], (struct str){ (const char *)data + 1,
	    size - 1 }, &err);
	if (!utf8_valid(str_of(err.msg)) || !utf8_valid(str_of(err.type)) ||
	    !utf8_valid(str_of(err.code)) || !utf8_valid(str_of(err.param)))
		broken(from, from, "half a character", str_of(err.msg));
	for (i = 0; dialects[i] != NULL; i++)
		check(&a, from, dialects[i], &err);
	arena_release(&a);
	return 0;
}
