/*
 * Any bytes as a request for embeddings and as an answer to one, of each
 * dialect that has them, to each; and as what a counter of tokens answers.
 *
 * The first byte picks the dialects (bits 0-1) and whether one text is asked
 * for (bit 2).  Behind the first NUL stands the answer.  Whatever is written is
 * JSON, and read again it has as many texts, or vectors.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/dialect.h"
#include "wire/json.h"
#include "wire/loss.h"
#include "wire/ops.h"

#define OUT_MAX		((size_t)4 << 20)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct dialect *const with_embed[] = { &dialect_openai_chat,
    &dialect_gemini };
static const struct dialect_count *const counters[] = { &count_anthropic,
    &count_gemini, &count_responses };

static void
broken(const char *what, struct str s)
{
	fprintf(stderr, "%s: %.*s\n", what, STR_FMT(s));
	abort();
}

/* -1: it is no request for embeddings of that dialect. */
static int
request_decode(struct embed *e, struct arena *a, struct json *j,
    struct loss *l, const struct dialect *d, bool single, struct str body)
{
	struct ir_error	 err;

	*e = (struct embed){ .from = d, .arena = a, .json = j,
	    .path_model = STR("m"), .single = single, .loss = l };
	json_init(j);
	loss_init(l, a);
	if (json_parse(j, body, NULL) == -1 ||
	    json_type(json_root(j)) != JSON_OBJECT)
		return -1;
	return d->embed->decode(e, &err);
}

static void
reencode(struct arena *a, const struct embed *e, const struct dialect *to)
{
	struct ir_target	 t = { .dialect = to, .model = STR("m"),
				    .provider = STR("p") };
	struct ir_error		 err;
	struct embed		 again;
	struct json		 j;
	struct loss		 l;
	struct buf		 out;

	buf_init(&out, OUT_MAX);
	if (to->embed->encode(e, &t, &out, &err) == 0 && buf_ok(&out) &&
	    e->loss->refused == 0) {
		if (request_decode(&again, a, &j, &l, to, to ==
		    &dialect_gemini && e->single, buf_str(&out)) == -1)
			broken("a request that is none", buf_str(&out));
		if (again.n != e->n)
			broken("another number of texts", buf_str(&out));
		json_release(&j);
	}
	buf_release(&out);
}

static void
answered(const struct embed *e, const struct dialect *by, struct str body)
{
	struct embed_answer	 v = { .tokens = -1 };
	struct json		 j, again;
	struct buf		 out;

	json_init(&j);
	json_init(&again);
	buf_init(&out, OUT_MAX);
	if (json_parse(&j, body, NULL) == 0 && by->embed->read(e,
	    json_root(&j), &v) == 0) {
		if (v.n != e->n)
			broken("fewer vectors than texts", body);
		e->from->embed->write(e, &v, &out);
		if (buf_ok(&out) && json_parse(&again, buf_str(&out), NULL) ==
		    -1)
			broken("no JSON", buf_str(&out));
	}
	buf_release(&out);
	json_release(&again);
	json_release(&j);
}

static void
counted(struct str body)
{
	struct json	 j;
	int64_t		 n;
	size_t		 i;

	json_init(&j);
	if (json_parse(&j, body, NULL) == 0)
		for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
			if (counters[i]->read(json_root(&j), &n) == 0 &&
			    (n < 0 || n > IR_USAGE_MAX))
				broken("an absurd count", body);
	json_release(&j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dialect	*from, *to;
	struct str		 answer, body;
	struct embed		 e;
	struct arena		 a;
	struct json		 j;
	struct loss		 l;

	if (size == 0)
		return 0;
	answer = (struct str){ (const char *)data + 1, size - 1 };
	body = str_cut(&answer, '\0');
	from = with_embed[data[0] & 1];
	to = with_embed[data[0] >> 1 & 1];
	arena_init(&a);
	if (request_decode(&e, &a, &j, &l, from, from == &dialect_gemini &&
	    (data[0] & 4) != 0, body) == 0) {
		if (embed_estimate(&e) < 0)
			broken("an estimate below 0", body);
		reencode(&a, &e, to);
		answered(&e, to, answer);
	}
	json_release(&j);
	counted(answer);
	arena_release(&a);
	return 0;
}
