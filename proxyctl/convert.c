/*
 * convert: a translation from standard input to standard output, without a
 * network.  What was lost on the way is told on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxyctl/words.h"
#include "state/conf_row.h"
#include "wire/convert.h"

#define INPUT_MAX	((size_t)256 << 20)

struct conversion {
	struct ctl		*c;
	struct convert_opts	 o;
	struct arena		 arena;
	struct buf		 in, path, out;
	struct loss		 loss;
	struct ir_error		 err;
	bool			 failed;	/* err is set */
};

static int
bad_dialect(const char *name)
{
	struct conf_nearest	 near = { .want = str_of(name) };
	struct buf		 known;
	size_t			 i;

	buf_init(&known, 1024);
	for (i = 0; dialects[i] != NULL; i++) {
		conf_nearest_try(&near, str_of(dialects[i]->name));
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", dialects[i]->name);
	}
	if (near.best.n > 0)
		ctl_fail("unknown dialect '%s', did you mean '%.*s'? (known: "
		    "%s)", name, STR_FMT(near.best), known.data);
	else
		ctl_fail("unknown dialect '%s' (known: %s)", name,
		    known.data);
	buf_release(&known);
	return -1;
}

int
ctl_dialect(const struct dialect **d, const char *name)
{
	*d = dialect_byname(str_of(name));
	return *d == NULL ? bad_dialect(name) : 0;
}

int
ctl_input(const char *file, struct buf *in)
{
	const char	*name = file == NULL ? "standard input" : file;
	int		 fd = file == NULL ? STDIN_FILENO :
			    open(file, O_RDONLY | O_CLOEXEC);
	ssize_t		 n = fd;

	if (file == NULL && isatty(STDIN_FILENO))
		fprintf(stderr, "proxyctl: reads standard input, up to ^D\n");
	while (n != -1) {
		if (buf_reserve(in, 64 << 10) == -1) {
			ctl_fail("%s is longer than %zu MiB", name,
			    in->max >> 20);
			break;
		}
		n = read(fd, in->data + in->len, 64 << 10);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n > 0)
			in->len += (size_t)n;
		else
			break;
	}
	if (n == -1)
		ctl_fail("cannot read %s: %s", name, strerror(errno));
	if (fd > STDIN_FILENO)
		close(fd);
	return n == 0 ? 0 : -1;
}

static int
output_write(struct str s)
{
	ssize_t	 n;

	while (s.n > 0) {
		n = write(STDOUT_FILENO, s.p, s.n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			ctl_fail("cannot write standard output: %s",
			    strerror(errno));
			return -1;
		}
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* --- the report ------------------------------------------------------------------ */

static void
report_text(const struct conversion *v)
{
	const struct loss_item	*it;
	unsigned		 n = v->loss.n;

	for (it = v->loss.first; it != NULL; it = it->next) {
		fprintf(stderr, "%s %.*s: %s\n", loss_action_name(it->action),
		    STR_FMT(it->path), it->why);
		n -= it->action != LOSS_IGNORED;
	}
	if (n > 0)
		fprintf(stderr, "and %u more\n", n);
	if (v->failed)
		fprintf(stderr, "%s: %s\n", v->out.len > 0 ?
		    "the answer is an error" : "proxyctl: not translated",
		    v->err.msg);
}

static void
report_json(const struct conversion *v)
{
	struct buf	 b;
	struct jw	 w;
	struct buf	 loss;

	buf_init(&b, 1 << 20);
	buf_init(&loss, 1 << 20);
	loss_json(&v->loss, &loss);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "from");
	jw_strz(&w, v->o.from->name);
	jw_key(&w, "to");
	jw_strz(&w, v->o.to->name);
	if (v->path.len > 0) {
		jw_key(&w, "path");
		jw_str(&w, buf_str(&v->path));
	}
	jw_key(&w, "losses");
	jw_int(&w, v->loss.n);
	jw_key(&w, "loss");
	jw_raw(&w, buf_str(&loss));
	if (v->failed) {
		jw_key(&w, "error");
		jw_object(&w);
		jw_key(&w, "status");
		jw_int(&w, v->err.status);
		jw_key(&w, "message");
		jw_strz(&w, v->err.msg);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	fprintf(stderr, "%.*s\n", STR_FMT(buf_str(&b)));
	buf_release(&loss);
	buf_release(&b);
}

/* --- translating ------------------------------------------------------------------- */

/* 0: out is to be written; -1: there is nothing. */
static int
translate(struct conversion *v)
{
	bool	 stream = v->c->opt[OPT_STREAM] != NULL;
	int	 r;

	if (v->c->opt[OPT_RESPONSE] == NULL) {
		v->o.stream = stream;
		v->o.out = FRAME_SSE;
		r = convert_request(&v->arena, &v->o, buf_str(&v->in),
		    &v->path, &v->out, &v->loss, &v->err);
		v->failed = r != 0;
		return r;
	}
	v->o.in = convert_detect(buf_str(&v->in));
	v->o.out = stream ? FRAME_SSE : FRAME_NONE;
	v->o.created = clock_wall_us() / 1000000;
	r = convert_response(&v->arena, &v->o, buf_str(&v->in), &v->out,
	    &v->loss, &v->err);
	v->failed = r != 0;
	return r == -1 ? -1 : 0;
}

int
ctl_convert(struct ctl *c)
{
	static struct conversion	 v;
	int				 r = CTL_ERROR;

	v.c = c;
	if (ctl_dialect(&v.o.from, c->opt[OPT_FROM]) == -1 ||
	    ctl_dialect(&v.o.to, c->opt[OPT_TO]) == -1)
		return CTL_ERROR;
	v.o.model = str_of(c->opt[OPT_MODEL]);
	arena_init(&v.arena);
	buf_init(&v.in, INPUT_MAX);
	buf_init(&v.path, 64 << 10);
	buf_init(&v.out, CONVERT_OUT_MAX);
	loss_init(&v.loss, &v.arena);
	if (ctl_input(NULL, &v.in) == 0) {
		if (translate(&v) == 0) {
			r = output_write(buf_str(&v.out)) == -1 ? CTL_ERROR :
			    CTL_OK;
			if (r == CTL_OK && isatty(STDOUT_FILENO))
				printf("\n");
		} else
			buf_clear(&v.out);
		if (c->opt[OPT_EXPLAIN] != NULL)
			report_json(&v);
		else
			report_text(&v);
	}
	buf_release(&v.in);
	buf_release(&v.path);
	buf_release(&v.out);
	arena_release(&v.arena);
	return r;
}
