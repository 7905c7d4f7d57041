#ifndef T_MATRIX_H
#define T_MATRIX_H

#include <stdarg.h>
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

#include "fixtures.h"
#include "jsoneq.h"
#include "tap.h"

/*
 * What the tests over all recorded exchanges share: filters, reports, decoding
 * and comparing.
 *
 * MATRIX_ONLY (or arguments) narrows a run: an-0123,from=anthropic,to=gemini,
 * test=answer; MATRIX_ALL=1 prints every failure, not the first of each kind.
 */
#define BUF_MAX		((size_t)64 << 20)
#define SHOWN		12		/* failures shown of one report */
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
	{ "oc-b33696b75f53", "trip", "openai-chat", "streamed audio" },
	/* A target without a list of allowed tools is sent only those. */
	{ "or-94993c5e3fb4", "request", "anthropic", "allowed tools" },
	{ "or-f1516d6fe64d", "request", "anthropic", "allowed tools" },
	{ "or-94993c5e3fb4", "trip", "anthropic", "allowed tools" },
	{ "or-f1516d6fe64d", "trip", "anthropic", "allowed tools" },
	/* A string has no additional properties. */
	{ "oc-9fb995c47a12", "trip", "anthropic", "a needless keyword" },
	/* OpenAPI's "default" is for readers of documentation. */
	{ "ge-2919a51c988f", "trip", NULL, "default in a schema" },
	/* An object without properties gets an empty list of them. */
	{ "an-5c27ac9dfe78", "trip", "openai-chat", "no properties" },
	{ NULL, NULL, NULL, NULL }
};

/* --- reports -------------------------------------------------------------- */

static const char	*only_id, *only_from, *only_to, *only_test;

struct report {
	const char		*test, *mode;
	const struct dialect	*from, *to;
	unsigned		 n, bad, excused;
};

static inline bool
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

static inline void
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

static inline void
report(const struct report *r)
{
	if (r->n == 0)
		return;
	ok(r->bad == 0, "%s %s>%s %s: %u of %u, %u known differences", r->test,
	    r->from->name, r->to == NULL ? "" : r->to->name, r->mode,
	    r->n - r->bad, r->n, r->excused);
}

static inline bool
wanted(const char *filter, const char *what)
{
	return filter == NULL || strcmp(filter, what) == 0;
}

static inline bool
wanted_fixture(const struct fixture *fx, const struct dialect *from)
{
	return fx->dialect == from && fx->generate &&
	    (only_id == NULL || strstr(fx->id, only_id) != NULL);
}

static inline void
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

static inline void
set_filters(int argc, char *argv[])
{
	int	 i;

	set_filter(getenv("MATRIX_ONLY"));
	for (i = 1; i < argc; i++)
		set_filter(argv[i]);
}

static inline bool
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
static inline bool
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

/* --- answers decoded ------------------------------------------------------ */

struct decoded {
	struct ir_response	 r;
	uint64_t		 hash;		/* of all events */
	unsigned		 ends;		/* END and ERROR */
	unsigned		 events;
	bool			 violation;
};

static inline void
mix(struct decoded *d, const void *p, size_t n)
{
	const unsigned char	*c = p;
	size_t			 i;

	for (i = 0; i < n; i++)
		d->hash = (d->hash ^ c[i]) * 0x100000001b3u;
	d->hash = (d->hash ^ n) * 0x100000001b3u;
}

static inline void
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

static inline int
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

static inline int
frame_cb(void *arg, const struct frame *f)
{
	return ir_decoder_frame(arg, f);
}

/* Feeds pieces of step bytes (0: the whole), with a cut at byte `cut`. */
static inline int
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
static inline int
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

/* --- answers compared ----------------------------------------------------- */

/* Text of all parts of one kind; a refusal is text, as some have no other. */
static inline struct str
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
static inline struct str
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

static inline const char *
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
static inline int
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

static inline bool
has_part(const struct ir_out_choice *c, enum ir_part_type type)
{
	const struct ir_out_part	*p;

	for (p = c->parts; p != NULL; p = p->next) {
		if (p->type == type)
			return true;
	}
	return false;
}

static inline const char *
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

static inline int64_t
total_in(const struct ir_usage *u)
{
	return ir_usage_sum(ir_usage_sum(u->input, u->cache_read),
	    ir_usage_sum(u->cache_write_5m, u->cache_write_1h));
}

static inline const char *
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
	/* Every dialect has words for these. */
	if ((u->tier == IR_TIER_STANDARD || u->tier == IR_TIER_PRIORITY) &&
	    u->output != -1 && u->tier != v->tier)
		return "the service tier differs";
	if (same && ((u->reasoning > 0 && u->reasoning != v->reasoning) ||
	    (u->cache_write_1h > 0 && u->cache_write_1h != v->cache_write_1h)))
		return "reasoning or cache write tokens differ";
	return NULL;
}

static inline size_t
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
static inline const char *
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

static inline const char *
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

static inline const char *
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
static inline const char *
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

/* --- requests translated -------------------------------------------------- */

static inline int
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

#endif /* T_MATRIX_H */
