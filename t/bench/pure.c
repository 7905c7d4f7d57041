/*
 * The parts of a request that do no I/O, for callgrind: reads a request body
 * from a file and translates it -n times from one dialect to another.
 *
 *	valgrind --tool=callgrind build/opt/bench/pure anthropic gemini FILE
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
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
	if (convert_request(a, o, in, path, out, &loss, &e) == -1)
		errx(1, "%s", e.msg);
	arena_clear(a);
	return out->len;
}

int
main(int argc, char **argv)
{
	struct convert_opts	 o = { .model = STR("canned") };
	struct arena		 a;
	struct buf		 in, path, out;
	unsigned long		 n = 1;
	size_t			 len = 0;
	int			 ch;

	while ((ch = getopt(argc, argv, "n:")) == 'n')
		n = strtoul(optarg, NULL, 10);
	if (ch != -1 || argc - optind != 3 ||
	    (o.from = dialect_byname(str_of(argv[optind]))) == NULL ||
	    (o.to = dialect_byname(str_of(argv[optind + 1]))) == NULL) {
		fprintf(stderr, "usage: pure [-n times] from to file\n");
		return 1;
	}
	arena_init(&a);
	buf_init(&in, CONVERT_OUT_MAX);
	buf_init(&path, CONVERT_OUT_MAX);
	buf_init(&out, CONVERT_OUT_MAX);
	read_file(&in, argv[optind + 2]);
	while (n-- > 0)
		len = translate(&a, &o, buf_str(&in), &path, &out);
	printf("%zu bytes in, %zu out\n", in.len, len);
	buf_release(&in);
	buf_release(&path);
	buf_release(&out);
	arena_release(&a);
	return 0;
}
