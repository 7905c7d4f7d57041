/*
 * What reaches us damaged, over all recorded exchanges.
 *
 *	split		each stream cut into pieces in many ways: same events
 *	cut		each stream ended early: exactly one END or ERROR
 *	slices		frames and events that vanish after each call
 *	types		requests and answers with values of wrong types
 */
#include "matrix.h"

#define SPLITS		150		/* cuts of one stream */
#define CUTS		200
#define MUTANTS		12		/* of one request or answer */

/* --- split and cut -------------------------------------------------------- */

static void
check_split(struct report *r, const struct fixture *fx, struct arena *a)
{
	struct decoded	 whole, d;
	size_t		 cut, stride = fx->answer.n / SPLITS + 1;

	(void)!decode(a, r->from, fx->framing, fx->answer, 0, 0, &whole);
	ir_response_release(&whole.r);
	(void)!decode(a, r->from, fx->framing, fx->answer, 1, 0, &d);
	ir_response_release(&d.r);
	if (d.hash != whole.hash)
		fail(r, fx, "byte by byte: %u events became %u", whole.events,
		    d.events);
	for (cut = 1; cut < fx->answer.n; cut += stride) {
		arena_clear(a);
		(void)!decode(a, r->from, fx->framing, fx->answer, 0, cut, &d);
		ir_response_release(&d.r);
		if (d.hash != whole.hash) {
			fail(r, fx, "cut at %zu: %u events became %u", cut,
			    whole.events, d.events);
			return;
		}
	}
}

/* An END behind a cut is right only when all of the answer had come. */
static void
check_cut(struct report *r, const struct fixture *fx, struct arena *a)
{
	struct arena	 whole_arena;
	struct decoded	 whole, d;
	struct str	 part = fx->answer;
	const char	*what = NULL;
	size_t		 stride = fx->answer.n / CUTS + 1;

	arena_init(&whole_arena);
	(void)!decode(&whole_arena, r->from, fx->framing, fx->answer, 0, 0,
	    &whole);
	for (part.n = 0; part.n < fx->answer.n && what == NULL;
	    part.n += stride) {
		arena_clear(a);
		if (decode(a, r->from, fx->framing, part, 0, 0, &d) == -1)
			what = "not decoded to its end";
		else if (d.violation)
			what = "broken sequence, see the alert";
		else if (d.ends != 1)
			what = "not exactly one end";
		else if (!d.r.failed && !whole.r.failed)
			what = diff_choice(a, whole.r.choices, d.r.choices,
			    false);
		if (what != NULL)
			fail(r, fx, "cut at %zu: %s%s", part.n, d.r.failed ?
			    "" : "a whole answer, but ", what);
		ir_response_release(&d.r);
	}
	ir_response_release(&whole.r);
	arena_release(&whole_arena);
}

/* --- slices --------------------------------------------------------------- */

/*
 * A frame's bytes, and what an event points to, are valid for one call.  Here
 * they are copies that are overwritten and freed behind it: what was kept of
 * them shows in the output, or in the address sanitizer.
 */
struct passing {
	struct ir_encoder	 enc;
	struct ir_decoder	 dec;
	bool			 vanish;
};

static void
vanish(const void *p, size_t n)
{
	union { const void *c; void *p; } u = { p };

	if (p == NULL)
		return;
	memset(u.p, 0xdd, n);
	free(u.p);
}

static const char *
copied(const char *p, size_t n)
{
	char	*q;

	if (n == 0)
		return NULL;
	if ((q = malloc(n)) == NULL)
		abort();
	memcpy(q, p, n);
	return q;
}

static int
passing_event(void *arg, const struct ir_event *in)
{
	struct passing	*p = arg;
	struct ir_event	 ev = *in;

	if (!p->vanish) {
		p->enc.dialect->event_encode(&p->enc, in);
		return 0;
	}
	ev.id.p = copied(ev.id.p, ev.id.n);
	ev.name.p = copied(ev.name.p, ev.name.n);
	ev.media_type.p = copied(ev.media_type.p, ev.media_type.n);
	ev.text.p = copied(ev.text.p, ev.text.n);
	ev.raw.p = copied(ev.raw.p, ev.raw.n);
	ev.stop_raw.p = copied(ev.stop_raw.p, ev.stop_raw.n);
	ev.stop_seq.p = copied(ev.stop_seq.p, ev.stop_seq.n);
	p->enc.dialect->event_encode(&p->enc, &ev);
	vanish(ev.id.p, ev.id.n);
	vanish(ev.name.p, ev.name.n);
	vanish(ev.media_type.p, ev.media_type.n);
	vanish(ev.text.p, ev.text.n);
	vanish(ev.raw.p, ev.raw.n);
	vanish(ev.stop_raw.p, ev.stop_raw.n);
	vanish(ev.stop_seq.p, ev.stop_seq.n);
	return 0;
}

static int
passing_frame(void *arg, const struct frame *f)
{
	struct passing	*p = arg;
	struct frame	 g = *f;
	int		 res;

	if (!p->vanish)
		return ir_decoder_frame(&p->dec, f);
	g.event.p = copied(f->event.p, f->event.n);
	g.data.p = copied(f->data.p, f->data.n);
	res = ir_decoder_frame(&p->dec, &g);
	vanish(g.event.p, g.event.n);
	vanish(g.data.p, g.data.n);
	return res;
}

static void
pass(struct arena *a, const struct fixture *fx, const struct dialect *to,
    bool vanishing, struct buf *out)
{
	struct ir_exchange	 x = { .arena = a, .id = STR("damage"),
	    .created = 1, .stream = true, .framing = FRAME_SSE };
	struct passing		 p = { .vanish = vanishing };
	struct loss		 loss;
	struct framer		 fr;

	loss_init(&loss, a);
	x.loss = &loss;
	x.target.dialect = fx->dialect;
	ir_encoder_init(&p.enc, to, &x, out);
	ir_decoder_init(&p.dec, fx->dialect, &x,
	    (struct ir_sink){ passing_event, &p });
	framer_init(&fr, fx->framing);
	(void)!framer_feed(&fr, fx->answer, passing_frame, &p);
	(void)!framer_end(&fr, passing_frame, &p);
	(void)!ir_decoder_end(&p.dec);
	framer_release(&fr);
	ir_decoder_release(&p.dec);
}

static void
check_slices(struct report *r, const struct fixture *fx, struct arena *a)
{
	struct buf	 lasting, vanishing;
	size_t		 i;

	buf_init(&lasting, BUF_MAX);
	buf_init(&vanishing, BUF_MAX);
	for (i = 0; dialects[i] != NULL; i++) {
		buf_clear(&lasting);
		buf_clear(&vanishing);
		pass(a, fx, dialects[i], false, &lasting);
		pass(a, fx, dialects[i], true, &vanishing);
		if (!str_eq(buf_str(&lasting), buf_str(&vanishing)))
			fail(r, fx, "something is kept on the way to %s",
			    dialects[i]->name);
	}
	buf_release(&lasting);
	buf_release(&vanishing);
}

static void
test_streams(const struct fixture *all, const struct dialect *from,
    const char *test, void (*check)(struct report *, const struct fixture *,
    struct arena *))
{
	struct report		 r = { .test = test, .mode = "", .from = from };
	const struct fixture	*fx;
	struct arena		 a;

	arena_init(&a);
	for (fx = all; fx != NULL; fx = fx->next) {
		if (!wanted_fixture(fx, from) || fx->framing == FRAME_NONE ||
		    fx->status >= 400)
			continue;
		r.n++;
		check(&r, fx, &a);
		arena_clear(&a);
	}
	arena_release(&a);
	report(&r);
}

/* --- wrong types ---------------------------------------------------------- */

static const char *const junk[] = { "null", "7", "-1e300", "\"x\"", "\"\"",
    "[]", "{}", "true", "[{}]", "[null]", "{\"type\":\"x\"}",
    "[[{\"type\":\"text\"}]]" };

/* A member's name cannot be replaced by any value. */
static bool
is_key(struct str text, struct str raw)
{
	text = str_trim(str_skip(text, (size_t)(raw.p + raw.n - text.p)));
	return text.n > 0 && text.p[0] == ':';
}

/* The text with one value, which seed picks, replaced by junk or by another. */
static struct str
mutant(struct arena *a, struct str text, uint64_t seed)
{
	struct json		 j;
	struct json_error	 je;
	struct str		 raw, by, res = text;
	size_t			 head;

	json_init(&j);
	if (json_parse(&j, text, &je) == 0) {
		raw = json_raw(json_at(&j, (uint32_t)(seed % j.n)));
		by = str_of(junk[seed / 7 % (sizeof(junk) / sizeof(junk[0]))]);
		if (seed % 5 == 0)
			by = json_raw(json_at(&j,
			    (uint32_t)(seed / 11 % j.n)));
		head = (size_t)(raw.p - text.p);
		if (!is_key(text, raw))
			res = arena_strf(a, "%.*s%.*s%.*s", (int)head, text.p,
			    STR_FMT(by), (int)(text.n - head - raw.n),
			    raw.p + raw.n);
	}
	json_release(&j);
	return res;
}

/* One event of a stream is made a mutant. */
static struct str
mutant_stream(struct arena *a, struct str text, uint64_t seed)
{
	struct str	 rest = text, line, data;
	size_t		 n = 0, pick;

	while (rest.n > 0)
		n += str_starts(str_cut(&rest, '\n'), "data: {");
	if (n == 0)
		return text;
	pick = seed / 3 % n;
	for (rest = text; rest.n > 0;) {
		line = str_cut(&rest, '\n');
		if (str_starts(line, "data: {") && pick-- == 0)
			break;
	}
	line = str_trim(str_skip(line, 6));
	data = mutant(a, line, seed);
	return arena_strf(a, "%.*s%.*s%.*s", (int)(line.p - text.p), text.p,
	    STR_FMT(data), (int)(text.p + text.n - line.p - line.n),
	    line.p + line.n);
}

static void
check_mutant_request(struct report *r, const struct fixture *fx,
    struct arena *a, uint64_t seed)
{
	struct str	 body = mutant(a, fx->request, seed);
	struct loss	 loss;
	struct buf	 out;
	struct ir_error	 err = { .status = 0 };

	buf_init(&out, BUF_MAX);
	if (translate(a, fx, r->from, r->to, body, &out, &loss, &err) == -1) {
		if (err.msg[0] == '\0' || err.status >= 500)
			fail(r, fx, "mutant %llu: %d '%s'",
			    (unsigned long long)seed, err.status, err.msg);
	} else if (!is_json(buf_str(&out)))
		fail(r, fx, "mutant %llu: the body is not JSON",
		    (unsigned long long)seed);
	buf_release(&out);
}

static void
check_mutant_answer(struct report *r, const struct fixture *fx,
    struct arena *a, uint64_t seed)
{
	struct convert_opts	 o = { .from = r->from, .to = r->to,
	    .in = fx->framing, .out = seed % 2 ? FRAME_SSE : FRAME_NONE };
	struct str		 in = fx->framing == FRAME_SSE ?
	    mutant_stream(a, fx->answer, seed) : mutant(a, fx->answer, seed);
	struct loss		 loss;
	struct buf		 out;
	struct ir_error		 err;
	struct decoded		 d;
	int			 res;

	buf_init(&out, BUF_MAX);
	loss_init(&loss, a);
	res = convert_response(a, &o, in, &out, &loss, &err);
	if (res == -1 || (res == 1 && strcmp(err.msg, VIOLATION) == 0))
		fail(r, fx, "mutant %llu: %s", (unsigned long long)seed,
		    err.msg);
	else if (res == 0) {
		(void)!decode(a, r->to, o.out, buf_str(&out), 0, 0, &d);
		if (d.r.failed)
			fail(r, fx, "mutant %llu, decoded again: %s",
			    (unsigned long long)seed, d.r.error->msg);
		ir_response_release(&d.r);
	}
	buf_release(&out);
}

static void
test_types(const struct fixture *all, const struct dialect *from,
    const struct dialect *to)
{
	struct report		 r = { .test = "types", .mode = "",
	    .from = from, .to = to };
	const struct fixture	*fx;
	struct arena		 a;
	uint64_t		 seed = 1;
	unsigned		 i;

	arena_init(&a);
	for (fx = all; fx != NULL; fx = fx->next) {
		for (i = 0; i < MUTANTS && wanted_fixture(fx, from); i++) {
			r.n++;
			seed = seed * 6364136223846793005u + 1442695040888963u;
			if (fx->request.n > 0)
				check_mutant_request(&r, fx, &a, seed >> 20);
			if (fx->answer.n > 0 && fx->status < 400)
				check_mutant_answer(&r, fx, &a, seed >> 20);
			arena_clear(&a);
		}
	}
	arena_release(&a);
	report(&r);
}

int
main(int argc, char *argv[])
{
	struct arena	 a;
	struct fixture	*all;
	size_t		 i, j;

	set_filters(argc, argv);
	arena_init(&a);
	if ((all = fixtures_load(&a)) == NULL) {
		printf("1..0 # SKIP no recorded exchanges: set FIXTURES\n");
		arena_release(&a);
		return 0;
	}
	for (i = 0; dialects[i] != NULL; i++) {
		if (!wanted(only_from, dialects[i]->name))
			continue;
		if (wanted(only_test, "split"))
			test_streams(all, dialects[i], "split", check_split);
		if (wanted(only_test, "cut"))
			test_streams(all, dialects[i], "cut", check_cut);
		if (wanted(only_test, "slices"))
			test_streams(all, dialects[i], "slices", check_slices);
		for (j = 0; dialects[j] != NULL; j++) {
			if (wanted(only_test, "types") &&
			    wanted(only_to, dialects[j]->name))
				test_types(all, dialects[i], dialects[j]);
		}
	}
	arena_release(&a);
	return done();
}
