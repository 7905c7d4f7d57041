/*
 * One text in one dialect, told in others, with what is lost on the way.
 */
#include "admind/lab.h"
#include "wire/convert.h"
#include "wire/json.h"

#define OUT_MAX		((size_t)16 << 20)
#define LOSS_BYTES	((size_t)1 << 20)

struct conversion {
	struct arena		 arena;
	const struct lab_job	*job;
	struct convert_opts	 o;
};

bool
lab_dialect(struct str name)
{
	return dialect_byname(name) != NULL;
}

const char *
lab_kind_name(enum lab_kind k)
{
	return k == LAB_REQUEST ? "request" : k == LAB_RESPONSE ?
	    "response" : "stream";
}

static void
member_int(struct jw *w, const char *name, int64_t v)
{
	jw_key(w, name);
	jw_int(w, v);
}

static void
member_str(struct jw *w, const char *name, struct str s)
{
	jw_key(w, name);
	if (s.n > 0)
		jw_str(w, s);
	else
		jw_null(w);
}

/* Where byte `at` is, as an editor counts: both from 1, in characters. */
static void
error_place(struct jw *w, struct str text, size_t at)
{
	int64_t	 line = 1, column = 1;
	size_t	 i;

	for (i = 0; i < at && i < text.n; i++) {
		if (text.p[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80)
			column++;
	}
	member_int(w, "offset", (int64_t)at);
	member_int(w, "line", line);
	member_int(w, "column", column);
}

/* false: it is not JSON, which was written. */
static bool
syntax_ok(const struct lab_job *job, struct jw *w)
{
	struct json_error	 je;
	struct json		 j;
	bool			 ok;

	json_init(&j);
	ok = job->kind == LAB_STREAM || json_parse(&j, job->text, &je) == 0;
	jw_key(w, "error");
	if (ok)
		jw_null(w);
	else {
		jw_object(w);
		member_str(w, "message", str_of(je.what));
		error_place(w, job->text, je.offset);
		jw_object_end(w);
	}
	json_release(&j);
	return ok;
}

static void
error_write(struct jw *w, const struct ir_error *err)
{
	jw_object(w);
	member_str(w, "message", str_of(err->msg));
	member_int(w, "status", err->status);
	member_str(w, "param", str_of(err->param));
	jw_object_end(w);
}

static void
losses_write(struct jw *w, const struct loss *l)
{
	struct buf	 b;

	buf_init(&b, LOSS_BYTES);
	if (l->first != NULL)
		loss_json(l, &b);
	member_int(w, "losses", l->n);
	jw_key(w, "loss");
	jw_raw(w, b.len == 0 || !buf_ok(&b) ? STR("[]") : buf_str(&b));
	buf_release(&b);
}

static int
run(struct conversion *c, struct buf *path, struct buf *out,
    struct loss *loss, struct ir_error *err)
{
	struct str	 text = c->job->text;

	if (c->job->kind == LAB_REQUEST) {
		c->o.out = FRAME_SSE;
		return convert_request(&c->arena, &c->o, text, path, out,
		    loss, err);
	}
	c->o.in = c->job->kind == LAB_RESPONSE ? FRAME_NONE :
	    convert_detect(text);
	if (c->job->kind == LAB_STREAM && c->o.in == FRAME_NONE)
		c->o.in = FRAME_SSE;
	c->o.out = c->o.stream ? FRAME_SSE : FRAME_NONE;
	return convert_response(&c->arena, &c->o, text, out, loss, err);
}

static void
result_write(struct conversion *c, struct jw *w)
{
	struct buf	 path, out;
	struct ir_error	 err;
	struct loss	 loss;
	int		 rc;

	buf_init(&path, 64 << 10);
	buf_init(&out, OUT_MAX);
	loss_init(&loss, &c->arena);
	rc = run(c, &path, &out, &loss, &err);
	jw_object(w);
	member_str(w, "to", str_of(c->o.to->name));
	member_str(w, "path", buf_str(&path));
	member_str(w, "text", rc == -1 || !buf_ok(&out) ? STR_NONE :
	    buf_str(&out));
	losses_write(w, &loss);
	jw_key(w, "error");
	if (rc == 0)
		jw_null(w);
	else
		error_write(w, &err);
	jw_object_end(w);
	buf_release(&path);
	buf_release(&out);
}

static void
results_write(const struct lab_job *job, struct jw *w)
{
	struct conversion	 c = { .job = job };
	size_t			 i;

	arena_init(&c.arena);
	c.o.from = dialect_byname(job->from);
	c.o.model = job->model;
	c.o.stream = job->stream;
	c.o.created = job->created;
	for (i = 0; dialects[i] != NULL; i++) {
		c.o.to = dialects[i];
		if (job->to.n > 0 ? str_is(job->to, c.o.to->name) :
		    c.o.to != c.o.from)
			result_write(&c, w);
	}
	arena_release(&c.arena);
}

void
lab_convert(const struct lab_job *job, struct buf *out)
{
	struct jw	 w;

	jw_init(&w, out);
	jw_object(&w);
	member_str(&w, "kind", str_of(lab_kind_name(job->kind)));
	member_str(&w, "from", job->from);
	if (syntax_ok(job, &w)) {
		jw_key(&w, "results");
		jw_array(&w);
		results_write(job, &w);
		jw_array_end(&w);
	} else {
		jw_key(&w, "results");
		jw_raw(&w, STR("[]"));
	}
	jw_object_end(&w);
}
