/*
 * Compressed answers, by zlib.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/log.h"
#include "proxyd/inflate.h"

#define CODINGS		4
#define PIECE		(16u << 10)
#define ANY_HEADER	(MAX_WBITS + 32)	/* gzip's or zlib's */

struct stage {
	z_stream	 z;
	bool		 gzip, begun, ended;
	unsigned char	 first;		/* byte of all */
};

struct inflater {
	unsigned	 n;
	struct stage	 stage[CODINGS];	/* the outermost first */
};

struct output {
	int		(*cb)(void *, struct str);
	void		*arg;
};

void
inflater_free(struct inflater *f)
{
	if (f == NULL)
		return;
	while (f->n > 0)
		inflateEnd(&f->stage[--f->n].z);
	free(f);
}

static int
stage_add(struct inflater *f, struct str name)
{
	struct stage	*s;
	bool		 gzip = str_is_nocase(name, "gzip") ||
			    str_is_nocase(name, "x-gzip");

	if (str_is_nocase(name, "identity") || name.n == 0)
		return 0;
	if (f->n == CODINGS || (!gzip && !str_is_nocase(name, "deflate")))
		return -1;
	s = &f->stage[f->n];
	s->gzip = gzip;
	if (inflateInit2(&s->z, ANY_HEADER) != Z_OK)
		fatalx("out of memory: inflate");
	f->n++;
	return 0;
}

/* They stand in the order in which they were applied. */
struct inflater *
inflater_new(struct str coding)
{
	struct inflater	*f;
	struct str	 name;
	size_t		 i;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		fatal("inflate");
	while (coding.n > 0) {
		for (i = coding.n; i > 0 && coding.p[i - 1] != ','; i--)
			;
		name = str_trim(str_skip(coding, i));
		coding.n = i > 0 ? i - 1 : 0;
		if (stage_add(f, name) == -1) {
			inflater_free(f);
			return NULL;
		}
	}
	return f;
}

static void
stage_input(struct stage *s, const void *p, size_t n)
{
	s->z.next_in = (Bytef *)(uintptr_t)p;
	s->z.avail_in = (uInt)n;
}

/*
 * Some send deflate without zlib's header of two bytes: then it is begun anew,
 * as raw.  The first of the two may have come before.
 */
static int
stage_retry(struct stage *s, struct str in)
{
	size_t	 before = s->z.total_in - (in.n - s->z.avail_in);

	if (s->begun || s->gzip || before > 1 ||
	    inflateReset2(&s->z, -MAX_WBITS) != Z_OK)
		return -1;
	s->begun = true;
	if (before == 1) {
		stage_input(s, &s->first, 1);
		if (inflate(&s->z, Z_SYNC_FLUSH) != Z_OK)
			return -1;
	}
	stage_input(s, in.p, in.n);
	return 0;
}

/* From the stage at on: recursion is bounded by CODINGS. */
static int
stage_feed(struct inflater *f, unsigned at, struct str in,
    const struct output *out)
{
	struct stage	*s = &f->stage[at];
	char		 piece[PIECE];
	int		 r;

	if (at == f->n)
		return in.n == 0 ? 0 : out->cb(out->arg, in);
	if (s->z.total_in == 0 && in.n > 0)
		s->first = (unsigned char)in.p[0];
	stage_input(s, in.p, in.n);
	/* What stands behind the end is ignored. */
	while (!s->ended) {
		s->z.next_out = (Bytef *)piece;
		s->z.avail_out = sizeof(piece);
		r = inflate(&s->z, Z_SYNC_FLUSH);
		if (r == Z_DATA_ERROR && stage_retry(s, in) == 0)
			continue;
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			return -1;
		s->begun |= s->z.total_out > 0;
		s->ended = r == Z_STREAM_END;
		if (stage_feed(f, at + 1, (struct str){ piece,
		    sizeof(piece) - s->z.avail_out }, out) == -1)
			return -1;
		if (s->z.avail_out > 0)
			break;
	}
	return 0;
}

int
inflater_feed(struct inflater *f, struct str in,
    int (*cb)(void *, struct str), void *arg)
{
	struct output	 out = { cb, arg };

	return stage_feed(f, 0, in, &out);
}

int
inflater_end(const struct inflater *f)
{
	unsigned	 i;

	for (i = 0; i < f->n; i++)
		if (!f->stage[i].ended && f->stage[i].z.total_in > 0)
			return -1;
	return 0;
}
