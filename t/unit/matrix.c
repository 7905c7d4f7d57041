/*
 * Whole ranges instead of single cases: every recorded exchange against every
 * dialect of the registry.
 *
 *	request		each recorded request, to every dialect
 *	answer		each recorded answer, plain and streamed, to every
 *			dialect, plain and streamed, and decoded again there
 *	error		each recorded error body, to every dialect
 *	split		each stream cut into pieces in many ways: same events
 *	cut		each stream ended early: exactly one END or ERROR
 *
 * MATRIX_ONLY (or arguments) narrows a run: an-0123,from=anthropic,to=gemini,
 * test=answer; MATRIX_ALL=1 prints every failure, not the first of each kind.
 */
#include <stdarg.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#include "fixtures.h"
#include "jsoneq.h"
#include "tap.h"

#define BUF_MAX		((size_t)64 << 20)
#define SHOWN		12		/* failures shown of one report */
#define SPLITS		150		/* cuts of one stream */
#define CUTS		200
#define VIOLATION	"the provider's answer could not be translated"

/* What is known to differ, and why that is right. */
static const struct {
	const char	*id, *test, *to;	/* to NULL: any */
	const char	*why;
} known[] = {
	/* Older Gemini models end every chunk with a finishReason. */
	{ "ge-433aaa41404b", "cut", NULL, "a finishReason in each chunk" },
	{ "ge-bcb5dbe375cb", "cut", NULL, "a finishReason in each chunk" },
	{ "ge-d1c8c0c3b801", "cut", NULL, "a finishReason before the last" },
	{ "ge-e3c1a756b113", "cut", NULL, "a finishReason in each chunk" },
	/* Audio comes in pieces of JSON and becomes one object. */
	{ "oc-b33696b75f53", "answer", "openai-chat", "streamed audio" },
	/* A target without a list of allowed tools is sent only those. */
	{ "or-94993c5e3fb4", "request", "anthropic", "allowed tools" },
	{ "or-f1516d6fe64d", "request", "anthropic", "allowed tools" },
	{ NULL, NULL, NULL, NULL }
};

/* --- reports -------------------------------------------------------------- */

static const char	*only_id, *only_from, *only_to, *only_test;

struct report {
	const char		*test, *mode;
	const struct dialect	*from, *to;
	unsigned		 n, bad, excused;
};

static bool
known_difference(const struct report *r, const struct fixture *fx)
{
	size_t	 i;

	for (i = 0; known[i].id != NULL; i++) {
		if (strcmp(known[i].id, fx->id) == 0 &&
		    strcmp(known[i].test, r->test) == 0 &&
		    (known[i].to == NULL || (r->to != NULL &&
		    strcmp(known[i].to, r->to->name) == 0)))
			return true;
	}
	return false;
}

static void
fail(struct report *r, const struct fixture *fx, const char *fmt, ...)
{
	va_list	 ap;

	if (known_difference(r, fx)) {
		r->excused++;
		return;
	}
	if (r->bad++ >= SHOWN && getenv("MATRIX_ALL") == NULL)
		return;
	printf("# %s %s %s>%s %s: ", r->test, fx->id, r->from->name,
	    r->to == NULL ? "" : r->to->name, r->mode);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void
report(const struct report *r)
{
	if (r->n == 0)
		return;
	ok(r->bad == 0, "%s %s>%s %s: %u of %u, %u known differences", r->test,
	    r->from->name, r->to == NULL ? "" : r->to->name, r->mode,
	    r->n - r->bad, r->n, r->excused);
}

static bool
wanted(const char *filter, const char *what)
{
	return filter == NULL || strcmp(filter, what) == 0;
}

static bool
wanted_fixture(const struct fixture *fx, const struct dialect *from)
{
	return fx->dialect == from && fx->generate &&
	    (only_id == NULL || strstr(fx->id, only_id) != NULL);
}

static void
set_filter(char *s)
{
	char	*next;

	for (; s != NULL; s = next) {
		if ((next = strchr(s, ',')) != NULL)
			*next++ = '\0';
		if (strncmp(s, "from=", 5) == 0)
			only_from = s + 5;
		else if (strncmp(s, "to=", 3) == 0)
			only_to = s + 3;
		else if (strncmp(s, "test=", 5) == 0)
			only_test = s + 5;
		else if (*s != '\0')
			only_id = s;
	}
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

/* Do two texts hold the same value?  Where not, *where tells. */
static bool
same_json(struct arena *a, struct str s, struct str t, struct str *where)
{
	struct json		 j, k;
	struct json_error	 je;
	uint32_t		 node = 0;
	bool			 same = false;

	json_init(&j);
	json_init(&k);
	*where = STR("(no JSON)");
	if (json_parse(&j, s, &je) == 0 && json_parse(&k, t, &je) == 0) {
		same = json_same(a, json_root(&j), json_root(&k), &node);
		*where = arena_str(a, json_path(a, &j, node));
	}
	json_release(&j);
	json_release(&k);
	return same;
}

/* --- answers decoded -------------------------------------------------------- */

struct decoded {
	struct ir_response	 r;
	uint64_t		 hash;		/* of all events */
	unsigned		 ends;		/* END and ERROR */
	unsigned		 events;
	bool			 violation;
};

static void
mix(struct decoded *d, const void *p, size_t n)
{
	const unsigned char	*c = p;
	size_t			 i;

	for (i = 0; i < n; i++)
		d->hash = (d->hash ^ c[i]) * 0x100000001b3u;
	d->hash = (d->hash ^ n) * 0x100000001b3u;
}

static void
mix_event(struct decoded *d, const struct ir_event *ev)
{
	const uint64_t	 num[] = { ev->type, ev->choice, ev->index, ev->part,
	    ev->tool, ev->delta, ev->stop, (uint64_t)ev->usage.input,
	    (uint64_t)ev->usage.output, (uint64_t)ev->created };

	mix(d, num, sizeof(num));
	mix(d, ev->id.p, ev->id.n);
	mix(d, ev->name.p, ev->name.n);
	mix(d, ev->text.p, ev->text.n);
	mix(d, ev->raw.p, ev->raw.n);
	mix(d, ev->stop_raw.p, ev->stop_raw.n);
}

static int
decoded_cb(void *arg, const struct ir_event *ev)
{
	struct decoded	*d = arg;

	d->events++;
	mix_event(d, ev);
	if (ev->type == IR_EV_END || ev->type == IR_EV_ERROR)
		d->ends++;
	if (ev->type == IR_EV_ERROR && strcmp(ev->error->msg, VIOLATION) == 0)
		d->violation = true;
	return ir_response_fold(&d->r, ev);
}

static int
frame_cb(void *arg, const struct frame *f)
{
	return ir_decoder_frame(arg, f);
}

/* Feeds pieces of step bytes (0: the whole), with a cut at byte `cut`. */
static int
feed(struct ir_decoder *dec, struct framer *fr, struct str bytes, size_t step,
    size_t cut)
{
	struct str	 piece;
	size_t		 off = 0;

	while (off < bytes.n) {
		piece = str_skip(bytes, off);
		if (step != 0 && piece.n > step)
			piece.n = step;
		if (off < cut && off + piece.n > cut)
			piece.n = cut - off;
		if (framer_feed(fr, piece, frame_cb, dec) == -1)
			return -1;
		off += piece.n;
	}
	return 0;
}

/* The caller releases d->r; what it holds lies in the arena. */
static int
decode(struct arena *a, const struct dialect *dialect, enum framing framing,
    struct str bytes, size_t step, size_t cut, struct decoded *d)
{
	struct ir_exchange	 x = { .arena = a, .id = STR("matrix"),
	    .created = 1, .framing = framing };
	struct loss		 loss;
	struct framer		 fr;
	struct ir_decoder	 dec;
	int			 res;

	memset(d, 0, sizeof(*d));
	loss_init(&loss, a);
	x.loss = &loss;
	x.stream = framing != FRAME_NONE;
	x.target.dialect = dialect;
	ir_response_init(&d->r, a, BUF_MAX);
	ir_decoder_init(&dec, dialect, &x, (struct ir_sink){ decoded_cb, d });
	if (framing == FRAME_NONE) {
		res = ir_decoder_body(&dec, bytes);
	} else {
		framer_init(&fr, framing);
		res = feed(&dec, &fr, bytes, step, cut);
		if (res == 0)
			res = framer_end(&fr, frame_cb, &dec);
		if (res == 0)
			res = ir_decoder_end(&dec);
		framer_release(&fr);
	}
	ir_decoder_release(&dec);
	return res;
}

/* --- answers compared ------------------------------------------------------- */

/* Text of all parts of one kind; a refusal is text, as some have no other. */
static struct str
text_of(struct arena *a, const struct ir_out_choice *c, bool thinking)
{
	const struct ir_out_part	*p;
	struct buf			 b;
	struct str			 s;

	buf_init(&b, BUF_MAX);
	for (p = c == NULL ? NULL : c->parts; p != NULL; p = p->next) {
		if (thinking ? p->type == IR_THINKING :
		    p->type == IR_TEXT || p->type == IR_REFUSAL)
			buf_adds(&b, buf_str(&p->text));
	}
	s = arena_str(a, jstr_decode(a, (struct jstr){ buf_str(&b).p, b.len }));
	buf_release(&b);
	return s;
}

static const struct ir_out_part *
next_call(const struct ir_out_part *p)
{
	while (p != NULL && p->type != IR_TOOL_CALL)
		p = p->next;
	return p;
}

/* A custom tool's input and the function that stands for it are equal. */
static struct str
args_of(struct arena *a, const struct ir_out_part *p)
{
	struct str	 s = buf_str(&p->text);
	struct ir_args	 args = { .escaped = { s.p, s.n } };

	if (p->tool == IR_CUSTOM)
		return arena_strf(a, "{\"input\":\"%.*s\"}", STR_FMT(s));
	if (ir_args_object(a, &args, &s) == -1)
		return s;
	return s;
}

static const char *
diff_calls(struct arena *a, const struct ir_out_choice *c,
    const struct ir_out_choice *d)
{
	const struct ir_out_part	*p, *q;
	struct str			 where;

	p = next_call(c == NULL ? NULL : c->parts);
	q = next_call(d == NULL ? NULL : d->parts);
	while (p != NULL && q != NULL) {
		if (!str_eq(p->name, q->name))
			return arena_strf(a, "tool name '%.*s' became '%.*s'",
			    STR_FMT(p->name), STR_FMT(q->name)).p;
		if (!same_json(a, args_of(a, p), args_of(a, q), &where))
			return arena_strf(a, "arguments %.*s became %.*s",
			    STR_FMT(args_of(a, p)), STR_FMT(args_of(a, q))).p;
		p = next_call(p->next);
		q = next_call(q->next);
	}
	return p != NULL ? "a tool call is lost" :
	    q != NULL ? "a tool call too many" : NULL;
}

/* 0: no equal in other dialects, so anything may come of it. */
static int
stop_class(enum ir_stop stop)
{
	switch (stop) {
	case IR_STOP_END:
	case IR_STOP_SEQUENCE:
		return 1;
	case IR_STOP_LENGTH:
	case IR_STOP_CONTEXT:
		return 2;
	case IR_STOP_TOOL:
		return 3;
	case IR_STOP_FILTER:
	case IR_STOP_REFUSAL:
		return 4;
	default:
		return 0;
	}
}

static bool
has_part(const struct ir_out_choice *c, enum ir_part_type type)
{
	const struct ir_out_part	*p;

	for (p = c->parts; p != NULL; p = p->next) {
		if (p->type == type)
			return true;
	}
	return false;
}

static const char *
diff_stop(struct arena *a, const struct ir_out_choice *c,
    const struct ir_out_choice *d, bool same)
{
	enum ir_stop	 s = c == NULL ? IR_STOP_NONE : c->stop;
	enum ir_stop	 t = d == NULL ? IR_STOP_NONE : d->stop;

	if (s == t)
		return NULL;
	if (!same && (stop_class(s) == 0 || stop_class(s) == stop_class(t)))
		return NULL;
	if (!same && c != NULL && has_part(c, IR_REFUSAL) &&
	    stop_class(t) % 3 == 1)
		return NULL;
	return arena_strf(a, "stop %d became %d", s, t).p;
}

static int64_t
total_in(const struct ir_usage *u)
{
	return ir_usage_sum(ir_usage_sum(u->input, u->cache_read),
	    ir_usage_sum(u->cache_write_5m, u->cache_write_1h));
}

static const char *
diff_usage(struct arena *a, const struct ir_usage *u, const struct ir_usage *v,
    bool same)
{
	int64_t	 out = ir_usage_sum(u->output, u->reasoning);

	if (u->input != -1 && total_in(u) != total_in(v))
		return arena_strf(a, "input tokens %lld became %lld",
		    (long long)total_in(u), (long long)total_in(v)).p;
	if (u->output != -1 && out != ir_usage_sum(v->output, v->reasoning))
		return arena_strf(a, "output tokens %lld became %lld",
		    (long long)out, (long long)ir_usage_sum(v->output,
		    v->reasoning)).p;
	if (u->cache_read > 0 && u->cache_read != v->cache_read)
		return arena_strf(a, "cache reads %lld became %lld",
		    (long long)u->cache_read, (long long)v->cache_read).p;
	if (same && ((u->reasoning > 0 && u->reasoning != v->reasoning) ||
	    (u->cache_write_1h > 0 && u->cache_write_1h != v->cache_write_1h)))
		return "reasoning or cache write tokens differ";
	return NULL;
}

static size_t
extras(const struct ir_out_choice *c, enum ir_delta what)
{
	const struct ir_out_part	*p;
	size_t				 n = 0;

	for (p = c == NULL ? NULL : c->parts; p != NULL; p = p->next) {
		if (what == IR_D_SIGNATURE)
			n += p->signature.n;
		else if (what == IR_D_REDACTED)
			n += p->redacted.n;
		else if (what == IR_D_ANNOTATION)
			n += p->annotations.len;
		else if (what == IR_D_DATA)
			n += p->data.len + p->raw.n;
		else
			n += p->logprobs.len;
	}
	return n;
}

/* What only a dialect's own clients get, and they get all of it. */
static const char *
diff_extras(struct arena *a, const struct ir_out_choice *c,
    const struct ir_out_choice *d)
{
	static const struct {
		enum ir_delta	 what;
		const char	*name;
	} kinds[] = {
		{ IR_D_SIGNATURE, "signatures" },
		{ IR_D_REDACTED, "redacted data" },
		{ IR_D_ANNOTATION, "annotations" },
		{ IR_D_DATA, "opaque parts and media" },
		{ IR_D_LOGPROBS, "logprobs" }
	};
	size_t	 i, m, n;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		m = extras(c, kinds[i].what);
		n = extras(d, kinds[i].what);
		if (m != n)
			return arena_strf(a, "%s: %zu bytes became %zu",
			    kinds[i].name, m, n).p;
	}
	return NULL;
}

static const char *
diff_text(struct arena *a, struct str s, struct str t, const char *what)
{
	size_t	 i = 0;

	if (str_eq(s, t))
		return NULL;
	while (i < s.n && i < t.n && s.p[i] == t.p[i])
		i++;
	s = str_skip(s, i);
	t = str_skip(t, i);
	return arena_strf(a, "%s differs at %zu: '%.*s' became '%.*s'", what,
	    i, s.n > 40 ? 40 : (int)s.n, s.p, t.n > 40 ? 40 : (int)t.n,
	    t.p).p;
}

static const char *
diff_choice(struct arena *a, const struct ir_out_choice *c,
    const struct ir_out_choice *d, bool same)
{
	const char	*what;

	if ((what = diff_text(a, text_of(a, c, false), text_of(a, d, false),
	    "text")) != NULL)
		return what;
	if ((what = diff_text(a, text_of(a, c, true), text_of(a, d, true),
	    "thinking")) != NULL)
		return what;
	if ((what = diff_calls(a, c, d)) != NULL)
		return what;
	if ((what = diff_stop(a, c, d, same)) != NULL)
		return what;
	return same ? diff_extras(a, c, d) : NULL;
}

/* NULL, or in words what the answer r lost on its way to s. */
static const char *
diff(struct arena *a, const struct ir_response *r, const struct ir_response *s,
    bool same)
{
	const struct ir_out_choice	*c = r->choices, *d = s->choices;
	const char			*what;

	if (!str_eq(r->model, s->model) && r->model.n > 0)
		return arena_strf(a, "model '%.*s' became '%.*s'",
		    STR_FMT(r->model), STR_FMT(s->model)).p;
	do {
		if ((what = diff_choice(a, c, d, same)) != NULL)
			return what;
		c = c == NULL ? NULL : c->next;
		d = d == NULL ? NULL : d->next;
	} while (c != NULL && d != NULL);
	if (same && c != NULL)
		return "a choice is lost";
	return diff_usage(a, &r->usage, &s->usage, same);
}

/* --- answers, all pairs ------------------------------------------------------ */

struct mode {
	const char	*name;
	enum framing	 out;
};

static const struct mode modes[] = {
	{ "plain", FRAME_NONE },
	{ "stream", FRAME_SSE },
	{ "array", FRAME_JSON_ARRAY }	/* Gemini only */
};

/* An answer that failed must fail for the client, too, with the same words. */
static void
check_failed(struct report *r, const struct fixture *fx, struct arena *a,
    const struct ir_error *want, struct str out, enum framing framing)
{
	struct ir_error	 err;
	struct decoded	 d;

	if (framing == FRAME_NONE || convert_detect(out) == FRAME_NONE) {
		ir_error_set(&err, want->kind, "%s", "");
		err.status = want->status;
		if (!is_json(out)) {
			fail(r, fx, "the error's body is not JSON");
			return;
		}
		r->to->error_decode(a, out, &err);
	} else {
		if (decode(a, r->to, framing, out, 0, 0, &d) == -1 ||
		    !d.r.failed)
			fail(r, fx, "an error became a success");
		err = d.r.error;
		ir_response_release(&d.r);
	}
	if (strcmp(err.msg, want->msg) != 0)
		fail(r, fx, "error '%s' became '%s'", want->msg, err.msg);
}

static void
check_answer(struct report *r, const struct fixture *fx, struct arena *a,
    const struct decoded *direct, enum framing framing)
{
	struct convert_opts	 o = { .from = r->from, .to = r->to,
	    .in = fx->framing, .out = framing, .created = 1 };
	struct loss		 loss;
	struct buf		 out;
	struct ir_error		 err;
	struct decoded		 d;
	const char		*what;
	int			 res;

	buf_init(&out, BUF_MAX);
	loss_init(&loss, a);
	res = convert_response(a, &o, fx->answer, &out, &loss, &err);
	if (res == -1)
		fail(r, fx, "%s", err.msg);
	else if (res == 1)
		check_failed(r, fx, a, &err, buf_str(&out), framing);
	else if (framing == FRAME_NONE && !is_json(buf_str(&out)))
		fail(r, fx, "the body is not JSON");
	else {
		if (decode(a, r->to, framing, buf_str(&out), 0, 0, &d) == -1)
			fail(r, fx, "cannot be decoded again");
		else if (d.r.failed)
			fail(r, fx, "decoded again: %s", d.r.error.msg);
		else if ((what = diff(a, &direct->r, &d.r,
		    r->from == r->to)) != NULL)
			fail(r, fx, "%s", what);
		ir_response_release(&d.r);
	}
	buf_release(&out);
}

static void
test_answers_to(const struct fixture *all, const struct dialect *from,
    const struct dialect *to, const struct mode *mode)
{
	struct report		 r = { .test = "answer", .mode = mode->name,
	    .from = from, .to = to };
	const struct fixture	*fx;
	struct decoded		 d;
	struct arena		 a;

	arena_init(&a);
	for (fx = all; fx != NULL; fx = fx->next) {
		if (!wanted_fixture(fx, from) || fx->answer.n == 0 ||
		    fx->status >= 400)
			continue;
		r.n++;
		if (decode(&a, from, fx->framing, fx->answer, 0, 0,
		    &d) == 0 && !d.violation)
			check_answer(&r, fx, &a, &d, mode->out);
		ir_response_release(&d.r);
		arena_clear(&a);
	}
	arena_release(&a);
	report(&r);
}

/* The decoder by itself; who failed here fails nowhere else. */
static void
test_decode(const struct fixture *all, const struct dialect *from)
{
	struct report		 r = { .test = "decode", .mode = "",
	    .from = from };
	const struct fixture	*fx;
	struct decoded		 d;
	struct arena		 a;

	arena_init(&a);
	for (fx = all; fx != NULL; fx = fx->next) {
		if (!wanted_fixture(fx, from) || fx->answer.n == 0 ||
		    fx->status >= 400)
			continue;
		r.n++;
		if (decode(&a, from, fx->framing, fx->answer, 0, 0, &d) == -1)
			fail(&r, fx, "not decoded to its end");
		else if (d.violation)
			fail(&r, fx, "broken sequence, see the alert");
		else if (d.ends != 1)
			fail(&r, fx, "%u ends", d.ends);
		ir_response_release(&d.r);
		arena_clear(&a);
	}
	arena_release(&a);
	report(&r);
}

static void
test_answers(const struct fixture *all, const struct dialect *from)
{
	size_t	 i, m;

	test_decode(all, from);
	for (i = 0; dialects[i] != NULL; i++) {
		for (m = 0; m < 3 && wanted(only_to, dialects[i]->name); m++) {
			if (modes[m].out == FRAME_JSON_ARRAY &&
			    dialects[i] != &dialect_gemini)
				continue;
			test_answers_to(all, from, dialects[i], &modes[m]);
		}
	}
}

/* --- errors ----------------------------------------------------------------- */

static void
check_error(struct report *r, const struct fixture *fx, struct arena *a)
{
	struct ir_error	 err, again;
	struct buf	 out;

	ir_error_set(&err, ir_error_kind(fx->status), "%s", "");
	err.status = err.upstream = fx->status;
	r->from->error_decode(a, fx->answer, &err);
	if (err.msg[0] == '\0')
		fail(r, fx, "no message");
	if (ir_error_kind(err.status) != err.kind)
		fail(r, fx, "kind %d under status %d", err.kind, err.status);
	buf_init(&out, BUF_MAX);
	r->to->error_encode(&err, STR("req_matrix"), &out);
	ir_error_set(&again, ir_error_kind(err.status), "%s", "");
	again.status = again.upstream = err.status;
	if (!is_json(buf_str(&out)))
		fail(r, fx, "the error's body is not JSON");
	r->to->error_decode(a, buf_str(&out), &again);
	if (strcmp(err.msg, again.msg) != 0)
		fail(r, fx, "'%s' became '%s'", err.msg, again.msg);
	if (err.kind != again.kind)
		fail(r, fx, "kind %d became %d", err.kind, again.kind);
	buf_release(&out);
}

static void
test_errors(const struct fixture *all, const struct dialect *from)
{
	const struct fixture	*fx;
	struct arena		 a;
	size_t			 i;

	arena_init(&a);
	for (i = 0; dialects[i] != NULL; i++) {
		struct report	 r = { .test = "error", .mode = "",
		    .from = from, .to = dialects[i] };

		if (!wanted(only_to, dialects[i]->name))
			continue;
		for (fx = all; fx != NULL; fx = fx->next) {
			if (!wanted_fixture(fx, from) || fx->status < 400 ||
			    fx->answer.n == 0)
				continue;
			r.n++;
			check_error(&r, fx, &a);
			arena_clear(&a);
		}
		report(&r);
	}
	arena_release(&a);
}

/* --- requests ---------------------------------------------------------------- */

static int
translate(struct arena *a, const struct fixture *fx, const struct dialect *from,
    const struct dialect *to, struct str body, struct buf *out,
    struct loss *loss, struct ir_error *err)
{
	struct convert_opts	 o = { .from = from, .to = to,
	    .model = fx->model.n > 0 ? fx->model : STR("some-model"),
	    .stream = fx->path_stream };
	struct buf		 path;
	int			 res;

	buf_init(&path, BUF_MAX);
	loss_init(loss, a);
	res = convert_request(a, &o, body, &path, out, loss, err);
	if (res == 0 && (path.len == 0 || path.data[0] != '/')) {
		ir_error_set(err, IR_ERR_INTERNAL, "no path");
		res = -1;
	}
	buf_release(&path);
	return res;
}

/* All text that people and models said, and the calls, of a parsed request. */
static void
said(struct arena *a, const struct ir_part *p, struct buf *b, unsigned depth)
{
	for (; p != NULL && depth < 4; p = p->next) {
		if (p->type == IR_TEXT || p->type == IR_REFUSAL) {
			buf_adds(b, jstr_decode(a, p->text));
			buf_addc(b, '\n');
		} else if (p->type == IR_TOOL_RESULT)
			said(a, p->parts, b, depth + 1);
	}
}

static unsigned
calls(const struct ir_request *rq)
{
	const struct ir_message	*m;
	const struct ir_part	*p;
	unsigned		 n = 0;

	for (m = rq->messages; m != NULL; m = m->next) {
		for (p = m->parts; p != NULL; p = p->next)
			n += p->type == IR_TOOL_CALL && p->tool != IR_SERVER;
	}
	return n;
}

static unsigned
tools(const struct ir_request *rq)
{
	const struct ir_tool	*t;
	unsigned		 n = 0;

	for (t = rq->tools; t != NULL; t = t->next)
		n += t->kind != IR_SERVER;
	return n;
}

static int
parse_request(struct arena *a, const struct fixture *fx,
    const struct dialect *d, struct str body, struct json *j,
    struct ir_request *rq, struct ir_error *err)
{
	struct json_error	 je;

	if (json_parse(j, body, &je) == -1) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "not JSON: %s at %zu",
		    je.what, je.offset);
		return -1;
	}
	ir_request_init(rq, a, d, j);
	if (d == &dialect_gemini) {
		rq->path_model = fx->model;
		rq->path_stream = fx->path_stream;
	}
	return d->request_decode(rq, err);
}

/* Does what was said in rq stand in the translated request, too? */
static const char *
diff_requests(struct arena *a, const struct ir_request *rq,
    const struct ir_request *tr)
{
	const struct ir_message	*m;
	const struct ir_part	*p;
	struct buf		 b;
	struct str		 s;
	const char		*what = NULL;

	buf_init(&b, BUF_MAX);
	for (m = tr->messages; m != NULL; m = m->next)
		said(a, m->parts, &b, 0);
	for (m = rq->messages; m != NULL; m = m->next) {
		for (p = m->parts; p != NULL && what == NULL; p = p->next) {
			if (p->type != IR_TEXT)
				continue;
			s = str_trim(jstr_decode(a, p->text));
			if (s.n > 0 && memmem(buf_str(&b).p, b.len, s.p,
			    s.n) == NULL)
				what = arena_strf(a, "text is lost: %.*s",
				    s.n > 60 ? 60 : (int)s.n, s.p).p;
		}
	}
	buf_release(&b);
	if (what == NULL && calls(rq) != calls(tr))
		what = arena_strf(a, "%u calls became %u", calls(rq),
		    calls(tr)).p;
	if (what == NULL && tools(rq) != tools(tr))
		what = arena_strf(a, "%u tools became %u", tools(rq),
		    tools(tr)).p;
	return what;
}

/* Names, strings and numbers of a text, a line each. */
static void
leaves(struct arena *a, const struct json *j, struct buf *b)
{
	struct jv	 v;
	uint32_t	 i;

	for (i = 0; i < j->n; i++) {
		v = json_at(j, i);
		buf_addc(b, '\n');
		if (json_type(v) == JSON_STRING)
			buf_adds(b, json_str(a, v));
		else if (json_type(v) == JSON_NUMBER)
			buf_adds(b, json_raw(v));
	}
	buf_addc(b, '\n');
}

/*
 * In the same dialect nothing may be lost, though the form may be another:
 * NULL, or a name or value of the one text that the other has nowhere.
 */
static const char *
diff_leaves(struct arena *a, const struct json *j, const struct json *k)
{
	const char	*what = NULL;
	struct buf	 b;
	struct jv	 v;
	struct str	 s;
	uint32_t	 i;

	buf_init(&b, BUF_MAX);
	leaves(a, k, &b);
	for (i = 1; i < j->n && what == NULL; i++) {
		v = json_at(j, i);
		/* Gemini's may stand in the path instead. */
		if (json_is(v, "model") || json_is(json_at(j, i - 1), "model"))
			continue;
		s = json_type(v) == JSON_STRING ? json_str(a, v) :
		    json_type(v) == JSON_NUMBER ? json_raw(v) : STR_NONE;
		if (s.n > 0 && memmem(b.data, b.len, s.p, s.n) == NULL)
			what = arena_strf(a, "lost: %.*s", s.n > 80 ? 80 :
			    (int)s.n, s.p).p;
	}
	buf_release(&b);
	return what;
}

/* one: the request in the target's dialect. */
static void
check_target(struct report *r, const struct fixture *fx, struct arena *a,
    const struct ir_request *rq, struct str one)
{
	struct ir_request	 tr;
	struct ir_error		 err;
	struct json		 j;
	struct buf		 two;
	struct loss		 loss;
	struct str		 where;
	const char		*what;

	json_init(&j);
	buf_init(&two, BUF_MAX);
	if (parse_request(a, fx, r->to, one, &j, &tr, &err) == -1) {
		/* What the provider refused may be wrong anywhere. */
		if (fx->status == 200)
			fail(r, fx, "the target refuses it: %s", err.msg);
	} else if ((what = diff_requests(a, rq, &tr)) != NULL)
		fail(r, fx, "%s", what);
	else if (translate(a, fx, r->to, r->to, one, &two, &loss, &err) == -1)
		fail(r, fx, "a second time: %s", err.msg);
	else if (!same_json(a, one, buf_str(&two), &where))
		fail(r, fx, "no fixed point at '%.*s'", STR_FMT(where));
	else if (r->from == r->to &&
	    (what = diff_leaves(a, rq->json, &j)) != NULL)
		fail(r, fx, "%s", what);
	else if (r->from == r->to && loss.n > 0) {
		buf_clear(&two);
		loss_json(&loss, &two);
		fail(r, fx, "loss in the same dialect: %.*s",
		    STR_FMT(buf_str(&two)));
	}
	buf_release(&two);
	json_release(&j);
}

static void
check_request(struct report *r, const struct fixture *fx, struct arena *a)
{
	struct ir_request	 rq;
	struct ir_error		 err;
	struct json		 j;
	struct buf		 one;
	struct loss		 loss;

	json_init(&j);
	buf_init(&one, BUF_MAX);
	if (parse_request(a, fx, r->from, fx->request, &j, &rq, &err) == -1) {
		/* The provider refused it, too. */
		if (fx->status == 200)
			fail(r, fx, "%s", err.msg);
	} else if (translate(a, fx, r->from, r->to, fx->request, &one, &loss,
	    &err) == -1) {
		if (r->from == r->to || err.msg[0] == '\0')
			fail(r, fx, "refused: %s", err.msg);
	} else if (loss.refused == 0)
		check_target(r, fx, a, &rq, buf_str(&one));
	else if (!is_json(buf_str(&one)))
		fail(r, fx, "the body is not JSON");
	buf_release(&one);
	json_release(&j);
}

static void
test_requests(const struct fixture *all, const struct dialect *from)
{
	const struct fixture	*fx;
	struct arena		 a;
	size_t			 i;

	arena_init(&a);
	for (i = 0; dialects[i] != NULL; i++) {
		struct report	 r = { .test = "request", .mode = "",
		    .from = from, .to = dialects[i] };

		if (!wanted(only_to, dialects[i]->name))
			continue;
		for (fx = all; fx != NULL; fx = fx->next) {
			if (!wanted_fixture(fx, from) || fx->request.n == 0)
				continue;
			r.n++;
			check_request(&r, fx, &a);
			arena_clear(&a);
		}
		report(&r);
	}
	arena_release(&a);
}

/* --- split and cut ------------------------------------------------------------ */

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

int
main(int argc, char *argv[])
{
	struct arena	 a;
	struct fixture	*all;
	size_t		 i;
	int		 n;

	set_filter(getenv("MATRIX_ONLY"));
	for (n = 1; n < argc; n++)
		set_filter(argv[n]);
	arena_init(&a);
	if ((all = fixtures_load(&a)) == NULL) {
		printf("1..0 # SKIP no recorded exchanges: set FIXTURES\n");
		arena_release(&a);
		return 0;
	}
	for (i = 0; dialects[i] != NULL; i++) {
		if (!wanted(only_from, dialects[i]->name))
			continue;
		if (wanted(only_test, "request"))
			test_requests(all, dialects[i]);
		if (wanted(only_test, "answer"))
			test_answers(all, dialects[i]);
		if (wanted(only_test, "error"))
			test_errors(all, dialects[i]);
		if (wanted(only_test, "split"))
			test_streams(all, dialects[i], "split", check_split);
		if (wanted(only_test, "cut"))
			test_streams(all, dialects[i], "cut", check_cut);
	}
	arena_release(&a);
	return done();
}
