/*
 * The parts of a request that do no I/O, for callgrind: reads a request body,
 * with -s the SSE stream of an answer, from a file and translates it -n times
 * from one dialect to another.  With -n 0 it only reads the file: what the
 * program costs without a translation.
 *
 *	valgrind --tool=callgrind build/opt/bench/pure anthropic gemini FILE
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/loss.h"

static void
read_file(struct buf *b, const char *name)
{
	FILE	*f = fopen(name, "r");
	size_t	 n;

	if (f == NULL)
		err(1, "%s", name);
	do {
		if (buf_reserve(b, BUFSIZ) == -1)
			errx(1, "%s is too long", name);
		n = fread(b->data + b->len, 1, BUFSIZ, f);
		b->len += n;
	} while (n > 0);
	fclose(f);
}

static size_t
translate(struct arena *a, const struct convert_opts *o, struct str in,
    struct buf *path, struct buf *out)
{
	struct ir_error	 e;
	struct loss	 loss;

	buf_clear(path);
	buf_clear(out);
	loss_init(&loss, a);
	if (o->in == FRAME_SSE) {
		if (convert_response(a, o, in, out, &loss, &e) != 0)
			errx(1, "%s", e.msg);
	} else if (convert_request(a, o, in, path, out, &loss, &e) == -1)
		errx(1, "%s", e.msg);
	arena_clear(a);
	return out->len;
}

/* Events of a stream, or 1 for a body. */
static unsigned long
units(struct str in, bool stream)
{
	unsigned long	 n = 0;
	size_t		 i;

	for (i = 0; stream && i + 1 < in.n; i++)
		n += in.p[i] == '\n' && in.p[i + 1] == '\n';
	return n == 0 ? 1 : n;
}

static void
run(const struct convert_opts *o, struct str in, unsigned long n)
{
	struct arena	 a;
	struct buf	 path, out;
	unsigned long	 i;
	size_t		 len = 0;
	clock_t		 t;

	arena_init(&a);
	buf_init(&path, CONVERT_OUT_MAX);
	buf_init(&out, CONVERT_OUT_MAX);
	t = clock();
	for (i = 0; i < n; i++)
		len = translate(&a, o, in, &path, &out);
	t = clock() - t;
	printf("%zu bytes in, %zu out, %.3f us each\n", in.n, len,
	    n == 0 ? 0.0 : (double)t * 1e6 / CLOCKS_PER_SEC / (double)n /
	    (double)units(in, o->in == FRAME_SSE));
	buf_release(&path);
	buf_release(&out);
	arena_release(&a);
}

int
main(int argc, char **argv)
{
	struct convert_opts	 o = { .model = STR("canned"), .created = 1 };
	struct buf		 in;
	unsigned long		 n = 1;
	int			 ch;

	while ((ch = getopt(argc, argv, "n:s")) != -1) {
		if (ch == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (ch == 's')
			o.in = o.out = FRAME_SSE;
		else
			break;
	}
	if (ch != -1 || argc - optind != 3 ||
	    (o.from = dialect_byname(str_of(argv[optind]))) == NULL ||
	    (o.to = dialect_byname(str_of(argv[optind + 1]))) == NULL) {
		fprintf(stderr, "usage: pure [-s] [-n times] from to file\n");
		return 1;
	}
	buf_init(&in, CONVERT_OUT_MAX);
	read_file(&in, argv[optind + 2]);
	run(&o, buf_str(&in), n);
	buf_release(&in);
	return 0;
}
