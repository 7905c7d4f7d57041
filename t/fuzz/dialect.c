/*
 * Any bytes as a request or an answer in any dialect, to every dialect.
 *
 * The first byte picks: bits 0-1 the dialect, bits 2-3 what it is (a request, a
 * body, a stream of events, a JSON array), bit 4 a lenient request or a cut in
 * two pieces, bit 5 a request for a stream.
 *
 * What comes out is JSON; a sequence of events never breaks its contract; what
 * was translated can be read by the dialect it is in.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#define OUT_MAX		((size_t)64 << 20)
#define VIOLATION	"the provider's answer could not be translated"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
broken(const struct convert_opts *o, const char *what, struct str s)
{
	fprintf(stderr, "%s to %s, framing %d to %d: %s: %.*s\n",
	    o->from->name, o->to->name, o->in, o->out, what, STR_FMT(s));
	abort();
}

static bool
is_json(struct str s)
{
	struct json		 j;
	struct json_error	 je;
	int			 res;

	json_init(&j);
	res = json_parse(&j, s, &je);
	json_release(&j);
	return res == 0;
}

static int
frame_cb(void *arg, const struct frame *f)
{
	if (!str_is(f->data, "[DONE]") && !is_json(f->data))
		broken(arg, "an event is no JSON", f->data);
	return 0;
}

static void
check_stream(struct convert_opts *o, struct str out)
{
	struct framer	 fr;

	framer_init(&fr, FRAME_SSE);
	if (framer_feed(&fr, out, frame_cb, o) == -1 || framer_partial(&fr))
		broken(o, "broken framing", out);
	framer_release(&fr);
}

/* What was written for a client is an answer in the client's dialect. */
static void
check_again(struct arena *a, const struct convert_opts *o, struct str out)
{
	struct convert_opts	 again = { .from = o->to, .to = o->to,
	    .in = o->out, .out = FRAME_NONE };
	struct loss		 loss;
	struct buf		 b;
	struct ir_error		 err;

	buf_init(&b, OUT_MAX);
	loss_init(&loss, a);
	if (convert_response(a, &again, out, &b, &loss, &err) != 0)
		broken(o, err.msg, out);
	buf_release(&b);
}

static void
answer(struct arena *a, struct convert_opts *o, struct str in, bool pieces)
{
	struct convert	*c;
	struct loss	 loss;
	struct buf	 out;
	struct ir_error	 err;
	struct str	 head = in;
	int		 res;

	buf_init(&out, OUT_MAX);
	loss_init(&loss, a);
	c = convert_new(a, o, &out, &loss);
	if (pieces)
		head.n /= 2;
	if (convert_feed(c, head) == 0 && head.n < in.n)
		(void)!convert_feed(c, str_skip(in, head.n));
	res = convert_end(c, &err);
	convert_free(c);

	if (res == 1 && str_is(str_of(err.msg), VIOLATION))
		broken(o, "broken sequence", in);
	if (res != -1) {
		if (o->out == FRAME_SSE && convert_detect(buf_str(&out)) !=
		    FRAME_NONE)
			check_stream(o, buf_str(&out));
		else if (!is_json(buf_str(&out)))
			broken(o, "no JSON", buf_str(&out));
	}
	if (res == 0)
		check_again(a, o, buf_str(&out));
	buf_release(&out);
}

/* What was written for a provider is a request in the provider's dialect. */
static void
request_again(struct arena *a, const struct convert_opts *o, struct str one)
{
	struct convert_opts	 again = { .from = o->to, .to = o->to,
	    .model = o->model, .stream = o->stream };
	struct loss		 loss;
	struct buf		 out, path;
	struct ir_error		 err;

	buf_init(&out, OUT_MAX);
	buf_init(&path, OUT_MAX);
	loss_init(&loss, a);
	if (convert_request(a, &again, one, &path, &out, &loss, &err) == -1)
		broken(o, err.msg, one);
	buf_release(&out);
	buf_release(&path);
}

static void
request(struct arena *a, const struct convert_opts *o, struct str in)
{
	struct loss	 loss;
	struct buf	 out, path;
	struct ir_error	 err = { .status = 0 };

	buf_init(&out, OUT_MAX);
	buf_init(&path, OUT_MAX);
	loss_init(&loss, a);
	if (convert_request(a, o, in, &path, &out, &loss, &err) == -1) {
		if (err.status < 400 || err.msg[0] == '\0')
			broken(o, "refused without a reason", in);
	} else if (!is_json(buf_str(&out)))
		broken(o, "no JSON", buf_str(&out));
	else if (path.len == 0 || path.data[0] != '/')
		broken(o, "no path", buf_str(&path));
	else if (loss.refused == 0 && !(o->lenient && o->from == o->to))
		request_again(a, o, buf_str(&out));
	buf_clear(&out);
	loss_json(&loss, &out);
	if (!is_json(buf_str(&out)))
		broken(o, "the loss report is no JSON", buf_str(&out));
	buf_release(&out);
	buf_release(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct convert_opts	 o = { .model = STR("model") };
	struct arena		 a;
	struct str		 in;
	unsigned		 what, i;
	int			 out;

	if (size == 0)
		return 0;
	in = (struct str){ (const char *)data + 1, size - 1 };
	o.from = dialects[data[0] & 3];
	what = data[0] >> 2 & 3;
	o.lenient = what == 0 && (data[0] & 0x10) != 0;
	o.stream = (data[0] & 0x20) != 0;
	o.in = what == 2 ? FRAME_SSE : what == 3 ? FRAME_JSON_ARRAY :
	    FRAME_NONE;
	arena_init(&a);
	for (i = 0; dialects[i] != NULL; i++) {
		o.to = dialects[i];
		if (what == 0) {
			request(&a, &o, in);
			arena_clear(&a);
			continue;
		}
		for (out = FRAME_NONE; out <= FRAME_JSON_ARRAY; out++) {
			o.out = (enum framing)out;
			if (o.out == FRAME_JSON_ARRAY && i != 3)
				continue;
			answer(&a, &o, in, (data[0] & 0x10) != 0);
			arena_clear(&a);
		}
	}
	arena_release(&a);
	return 0;
}
