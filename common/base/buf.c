/*
 * Growable bytes with a limit.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"

#define BUF_MIN		64
#define PRINT_MAX	256		/* longer ones are printed twice */

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->toobig = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

static int
grow(struct buf *b, size_t n)
{
	size_t	 want, cap;
	char	*p;

	if (__builtin_add_overflow(b->len, n, &want) || want > b->max ||
	    want > SIZE_MAX / 4) {
		b->toobig = true;
		return -1;
	}
	cap = b->cap < BUF_MIN ? BUF_MIN : b->cap;
	while (cap <= want)
		cap *= cap < 1024 ? 4 : 2;
	if ((p = realloc(b->data, cap)) == NULL)
		fatal("out of memory: buffer of %zu bytes", cap);
	b->data = p;
	b->cap = cap;
	return 0;
}

/* len is below cap where there are any, and never above max. */
static inline int
room(struct buf *b, size_t n)
{
	if (n < b->cap - b->len && n <= b->max - b->len)
		return 0;
	return grow(b, n);
}

int
buf_reserve(struct buf *b, size_t n)
{
	return room(b, n);
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	if (room(b, n) == -1)
		return -1;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_adds(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

int
buf_addz(struct buf *b, const char *z)
{
	return buf_add(b, z, strlen(z));
}

int
buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	char	 here[PRINT_MAX];
	va_list	 again;
	int	 n;

	va_copy(again, ap);
	n = vsnprintf(here, sizeof(here), fmt, again);
	va_end(again);
	if (n < 0)
		fatalx("format '%s'", fmt);
	if (n < (int)sizeof(here))
		return buf_add(b, here, (size_t)n);
	if (buf_reserve(b, (size_t)n) == -1)
		return -1;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list	 ap;
	int	 r;

	va_start(ap, fmt);
	r = buf_addv(b, fmt, ap);
	va_end(ap);
	return r;
}

void
buf_drain(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
	b->data[b->len] = '\0';
}
