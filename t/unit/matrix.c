/*
 * Whole ranges instead of single cases: every recorded exchange against every
 * dialect of the registry.
 *
 *	request		each recorded request, to every dialect
 *	answer		each recorded answer, plain and streamed, to every
 *			dialect, plain and streamed, and decoded again there
 *	error		each recorded error body, to every dialect
 */
#include "matrix.h"
#include "wire/server_tool.h"

/* --- answers, all pairs --------------------------------------------------- */

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
		err = *d.r.error;
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
			fail(r, fx, "decoded again: %s", d.r.error->msg);
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

/* --- errors --------------------------------------------------------------- */

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

/* --- requests ------------------------------------------------------------- */

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
		n += t->kind != IR_SERVER ||
		    server_tool_is_function(&(struct ir_exchange){ 0 },
			    t);
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

int
main(int argc, char *argv[])
{
	struct arena	 a;
	struct fixture	*all;
	size_t		 i;

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
		if (wanted(only_test, "request"))
			test_requests(all, dialects[i]);
		if (wanted(only_test, "answer"))
			test_answers(all, dialects[i]);
		if (wanted(only_test, "error"))
			test_errors(all, dialects[i]);
	}
	arena_release(&a);
	return done();
}
