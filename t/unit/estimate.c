/*
 * Estimated tokens against what the providers counted, for every recorded
 * exchange that says both; and what must hold for any text.
 */
#include <stdlib.h>

#include "matrix.h"
#include "wire/estimate.h"
#include "wire/words.h"

static bool
is_elsewhere(const struct ir_part *p)
{
	return !jstr_empty(p->media.url) || !jstr_empty(p->media.file_id);
}

/* A provider adds to such a request what is not in it. */
static bool
is_open(const struct ir_request *rq)
{
	const struct ir_message	*m;
	const struct ir_part	*p, *q;
	const struct ir_tool	*t;
	const struct ir_ext	*e;

	for (t = rq->tools; t != NULL; t = t->next)
		if (t->kind == IR_SERVER)
			return true;
	for (e = rq->ext; e != NULL; e = e->next)
		if (str_is(e->name, "cachedContent") ||
		    str_is(e->name, "cached_content") ||
		    str_is(e->name, "prompt") ||
		    str_is(e->name, "mcp_servers") ||
		    str_is(e->name, "conversation"))
			return true;
	for (m = rq->messages; m != NULL; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			if (is_elsewhere(p))
				return true;
			for (q = p->parts; q != NULL; q = q->next)
				if (is_elsewhere(q))
					return true;
		}
	return (rq->need & IR_NEED_STATE) != 0;
}

struct tally {
	unsigned	 n, low, high;
};

static void
weigh(struct tally *t, const struct fixture *fx, struct arena *a,
    const struct ir_usage *u)
{
	struct ir_request	 rq;
	struct ir_error		 err;
	struct json		 j;
	int64_t			 real, got;

	real = ir_usage_sum(u->input, ir_usage_sum(u->cache_read,
	    ir_usage_sum(u->cache_write_5m, u->cache_write_1h)));
	json_init(&j);
	if (real <= 0 || json_parse(&j, fx->request, NULL) == -1)
		goto out;
	ir_request_init(&rq, a, fx->dialect, &j);
	rq.path_model = fx->model;
	if (fx->dialect->request_decode(&rq, &err) == -1 || is_open(&rq))
		goto out;
	got = ir_estimate_input(&rq);
	t->n++;
	if (getenv("ESTIMATE_ALL") != NULL)
		printf("# %s %lld %lld %.2f\n", fx->id, (long long)real,
		    (long long)got, (double)got / (double)real);
	if (got < real) {
		t->low++;
		printf("# %s: %lld are %lld\n", fx->id, (long long)got,
		    (long long)real);
	}
	/* Short ones are mostly what the provider adds to any. */
	if (got > 3 * real + 600) {
		t->high++;
		printf("# %s: %lld are only %lld\n", fx->id, (long long)got,
		    (long long)real);
	}
out:
	json_release(&j);
}

static void
test_recorded(const struct fixture *all, const struct dialect *d)
{
	const struct fixture	*fx;
	struct tally		 t = { 0, 0, 0 };
	struct decoded		 dec;
	struct arena		 a;

	arena_init(&a);
	for (fx = all; fx != NULL; fx = fx->next) {
		if (!wanted_fixture(fx, d) || fx->status >= 400 ||
		    !fx->genuine || !fx->whole || fx->request.n == 0 ||
		    fx->answer.n == 0)
			continue;
		if (decode(&a, d, fx->framing, fx->answer, 0, 0, &dec) == 0 &&
		    !dec.r.failed)
			weigh(&t, fx, &a, &dec.r.usage);
		ir_response_release(&dec.r);
		arena_clear(&a);
	}
	arena_release(&a);
	ok(t.n > 0 && t.low * 100 <= t.n * 5, "%s: %u of %u estimates are "
	    "below what was counted", d->name, t.low, t.n);
	ok(t.high * 100 <= t.n * 5, "%s: %u of %u estimates are absurd",
	    d->name, t.high, t.n);
}

static int64_t
estimate(const struct dialect *d, const char *body, const struct dialect *to)
{
	static struct arena	 a;
	struct ir_request	 rq;
	struct ir_error		 err;
	struct json		 j;
	int64_t			 n = -1;

	arena_init(&a);
	json_init(&j);
	if (json_parse(&j, str_of(body), NULL) == 0) {
		ir_request_init(&rq, &a, d, &j);
		if (d->request_decode(&rq, &err) == 0)
			n = ir_estimate_for(&rq, to, rq.model);
	}
	json_release(&j);
	arena_release(&a);
	return n;
}

#define CHAT(content)	"{\"model\":\"gpt-5\",\"messages\":[{\"role\":\"user\"," \
			"\"content\":" content "}]}"

static void
test_text(void)
{
	struct str	 zh = STR("\xe4\xbb\x8a\xe5\xa4\xa9\xe5\xa4\xa9\xe6\xb0"
			    "\x94\xe6\x80\x8e\xe4\xb9\x88\xe6\xa0\xb7");
	int64_t		 plain, esc;

	ok(ir_estimate_text(STR("")) == 0, "no text costs nothing");
	ok(ir_estimate_text(STR("a")) == 1, "a letter costs a token");
	ok(ir_estimate_text(zh) >= 7, "seven Chinese characters cost as many");
	ok(ir_estimate_text(STR("internationalisation")) >= 4,
	    "a long word costs several");
	plain = estimate(&dialect_openai_chat, CHAT("\"\xe4\xbb\x8a\xe5\xa4"
	    "\xa9 x\\ny\""), NULL);
	esc = estimate(&dialect_openai_chat, CHAT("\"\\u4eca\\u5929 x\\ny\""),
	    NULL);
	ok(plain > 0 && plain == esc, "written as escapes it costs the same");
	ok(estimate(&dialect_openai_chat, CHAT("\"hello\""), NULL) > 0 &&
	    estimate(&dialect_openai_chat, CHAT("\"hello\""),
	    &dialect_anthropic) >= estimate(&dialect_openai_chat,
	    CHAT("\"hello\""), NULL), "the reader's tokeniser counts");
}

/* Anything that a text may be made of, and runs of it. */
static size_t
some_text(char *dst, size_t max)
{
	static const char *const	 pieces[] = {
		"a", "b", "Z", "Q", "7", " ", "\t", "\n", "\r", ".", "\"", "{",
		"\\n", "\\\\", "\\\"", "\\u00e9", "\\ud83d\\ude00", "\\/",
		"\xe4\xbb\x8a", "\xc3\xa9", "\xf0\x9f\x98\x80", "word", "Word",
		"        ", "0x1F", "\\", "\\u", "\x80", "\xff"
	};
	const char	*s;
	size_t		 n = 0, len;
	int		 i;

	while (n + 64 < max) {
		s = pieces[(size_t)random() % (sizeof(pieces) /
		    sizeof(*pieces))];
		len = strlen(s);
		for (i = random() % 8 == 0 ? (int)(random() % 90) : 1; i > 0 &&
		    n + len < max; i--, n += len)
			memcpy(dst + n, s, len);
	}
	return n;
}

static void
test_words(void)
{
	char	 text[1024];
	size_t	 n, bad = 0, i;
	bool	 escaped;

	for (i = 0; i < 60000; i++) {
		escaped = i % 8 != 0;
		n = some_text(text, 64 +
		    (size_t)random() % (i % 2 ? 90 : 900));
		if (words_cost(text, n, escaped) !=
		    words_cost_plain(text, n, escaped)) {
			if (bad++ == 0)
				printf("# %.*s\n", (int)n, text);
		}
	}
	ok(bad == 0, "by blocks as byte by byte: 60,000 texts");
	ok(words_cost("Hello, world", 12, false) == 4 * WORDS_TOKEN,
	    "a text that is known");
}

static void
test_media(void)
{
	struct buf	 b;
	int64_t		 small, large;
	unsigned	 i;

	small = estimate(&dialect_openai_chat, CHAT("[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"data:image/png;base64,"
	    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ\"}}]"), NULL);
	ok(small > 50 && small < 400, "an image of one pixel: %lld",
	    (long long)small);
	buf_init(&b, 8 << 20);
	buf_addz(&b, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
	    "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	    "\"data:image/webp;base64,");
	for (i = 0; i < 1 << 20; i++)
		buf_addz(&b, "QUJD");
	buf_addz(&b, "\"}}]}]}");
	buf_addc(&b, 0);
	large = estimate(&dialect_openai_chat, b.data, NULL);
	ok(large > 500 && large < 5000, "4 MB of base64 are an image: %lld",
	    (long long)large);
	buf_release(&b);
	ok(estimate(&dialect_openai_chat, CHAT("[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgoAAAAN"
	    "SUhEUv//////////CAYAAAAfFcSJ\"}}]"), NULL) < 5000,
	    "an image that claims to be huge");
}

/* A schema of a word of n, at a place, and perhaps a second one. */
static int64_t
schema_of_word(size_t before, size_t n, size_t second)
{
	struct ir_request	 rq = { .from = &dialect_openai_chat };
	struct buf		 b;
	int64_t			 tokens;

	buf_init(&b, 1 << 16);
	for (; before > 0; before--)
		(void)buf_addz(&b, before % 7 == 0 ? " " : "b");
	(void)buf_addc(&b, '"');
	for (; n > 0; n--)
		(void)buf_addc(&b, 'a');
	(void)buf_addz(&b, second > 0 ? "\\" : "\"");
	for (; second > 0; second--)
		(void)buf_addc(&b, 'c');
	rq.format.schema = buf_str(&b);
	tokens = ir_estimate_for(&rq, NULL, STR("x"));
	buf_release(&b);
	return tokens;
}

/* As text a word of 256 is 43 tokens, as base64 32, wherever it stands. */
static void
test_blobs(void)
{
	int64_t	 text, blob, two, none;
	size_t	 i;
	bool	 good = true;

	for (i = 0; i < 600; i++) {
		none = schema_of_word(i, 0, 0);
		text = schema_of_word(i, 255, 0) - none;
		blob = schema_of_word(i, 256, 0) - none;
		two = schema_of_word(i, 256, 256) - none;
		good = good && text >= 49 && blob >= 36 && blob < 41 &&
		    two >= 72 && two < 82 &&
		    schema_of_word(i, 255, 256) - none > two;
	}
	ok(good, "a long word is a medium from 256 bytes on, anywhere");
}

int
main(void)
{
	const struct dialect	*const *d;
	struct fixture		*all;
	struct arena		 a;

	test_text();
	test_words();
	test_media();
	test_blobs();
	arena_init(&a);
	if ((all = fixtures_load(&a)) == NULL)
		ok(true, "# SKIP no recorded exchanges in $FIXTURES");
	else
		for (d = dialects; *d != NULL; d++)
			test_recorded(all, *d);
	arena_release(&a);
	return done();
}
