/*
 * Arenas: memory in chunks, given back in one go.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

#define PRINT_MAX	256		/* longer ones are printed twice */
#define CHUNK_MIN	((size_t)4 << 10)
#define CHUNK_MAX	((size_t)256 << 10)
#define SPARE		64		/* chunks of CHUNK_MIN, for the next */
#define ALIGN		_Alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk	*next;
	size_t			 size;		/* of data */
	_Alignas(max_align_t) char data[];
};

void
arena_init(struct arena *a)
{
	*a = (struct arena){ .head = NULL };
}

/* Every arena begins with a chunk of CHUNK_MIN: some are kept. */
static struct {
	struct arena_chunk	*chunk[SPARE];
	unsigned		 n;
} spare;

static void
chunks_free(struct arena_chunk *c)
{
	struct arena_chunk	*next;

	for (; c != NULL; c = next) {
		next = c->next;
		if (c->size == CHUNK_MIN && spare.n < SPARE)
			spare.chunk[spare.n++] = c;
		else
			free(c);
	}
}

void
arena_release(struct arena *a)
{
	chunks_free(a->head);
	arena_init(a);
}

void
arena_clear(struct arena *a)
{
	struct arena_chunk	*c = a->head;

	if (c == NULL || c->size > CHUNK_MAX) {
		arena_release(a);
		return;
	}
	chunks_free(c->next);
	c->next = NULL;
	a->next = c->data;
	a->end = c->data + c->size;
	a->total = 0;
}

static struct arena_chunk *
chunk_new(size_t size)
{
	struct arena_chunk	*c;

	if (size == CHUNK_MIN && spare.n > 0) {
		c = spare.chunk[--spare.n];
		c->next = NULL;
		return c;
	}
	if (size > SIZE_MAX / 2 ||
	    (c = malloc(sizeof(*c) + size)) == NULL)
		fatalx("out of memory: arena of %zu bytes", size);
	c->size = size;
	c->next = NULL;
	return c;
}

/* What is large gets a chunk of its own, behind the one in use. */
static char *
arena_large(struct arena *a, size_t n)
{
	struct arena_chunk	*c = chunk_new(n);

	if (a->head == NULL) {
		a->head = c;
		a->next = a->end = c->data + n;
	} else {
		c->next = a->head->next;
		a->head->next = c;
	}
	return c->data;
}

static char *
arena_grow(struct arena *a, size_t n)
{
	struct arena_chunk	*c;
	size_t			 size = CHUNK_MIN;

	if (n > CHUNK_MAX / 4)
		return arena_large(a, n);
	if (a->head != NULL)
		size = a->head->size < CHUNK_MAX / 2 ? a->head->size * 2 :
		    CHUNK_MAX;
	while (size < n)
		size *= 2;
	c = chunk_new(size);
	c->next = a->head;
	a->head = c;
	a->next = c->data + n;
	a->end = c->data + size;
	return c->data;
}

char *
arena_bytes(struct arena *a, size_t n)
{
	char	*p = a->next;

	a->total += n;
	if (p == NULL || n > (size_t)(a->end - p))
		return arena_grow(a, n);
	a->next += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t	 pad = 0;
	char	*p;

	if (n > SIZE_MAX / 2)
		fatalx("out of memory: arena of %zu bytes", n);
	n = (n + ALIGN - 1) & ~(ALIGN - 1);
	if (a->next != NULL)
		pad = (ALIGN - (uintptr_t)a->next % ALIGN) % ALIGN;
	if (a->next != NULL && pad + n <= (size_t)(a->end - a->next)) {
		p = a->next + pad;
		a->next = p + n;
		a->total += n;
	} else {
		a->total += n;
		p = arena_grow(a, n);
	}
	return memset(p, 0, n);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t	 bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		fatalx("out of memory: array of %zu", n);
	return arena_alloc(a, bytes);
}

struct str
arena_str(struct arena *a, struct str s)
{
	char	*p = arena_bytes(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){ p, s.n };
}

struct str
arena_join(struct arena *a, const struct str *part, size_t n)
{
	size_t	 i, sum = 0;
	char	*p, *to;

	for (i = 0; i < n; i++)
		sum += part[i].n;
	p = to = arena_bytes(a, sum + 1);
	for (i = 0; i < n; i++)
		if (part[i].n > 0) {
			memcpy(to, part[i].p, part[i].n);
			to += part[i].n;
		}
	*to = '\0';
	return (struct str){ p, sum };
}

struct str
arena_strf(struct arena *a, const char *fmt, ...)
{
	char	 here[PRINT_MAX], *p;
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(here, sizeof(here), fmt, ap);
	va_end(ap);
	if (n < 0)
		fatalx("format '%s'", fmt);
	if (n < (int)sizeof(here))
		return arena_str(a, (struct str){ here, (size_t)n });
	p = arena_bytes(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)n };
}
