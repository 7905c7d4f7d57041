#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * A growable byte buffer with a hard upper limit given at birth.
 *
 * data is followed by a NUL that len does not count, once anything was added.
 * A call that would take len past max changes nothing but the mark toobig,
 * which stays until buf_clear, and fails with -1.  Running out of memory is
 * fatal, so a failure always means "limit": a writer of many pieces may ignore
 * the single results and ask buf_ok once at the end.
 *
 * Life cycle: buf_init .. buf_release; buf_clear keeps the memory for reuse.
 */
struct buf {
	char	*data;
	size_t	 len;
	size_t	 cap;
	size_t	 max;
	bool	 toobig;
};

void	 buf_init(struct buf *, size_t max);
void	 buf_release(struct buf *);
void	 buf_clear(struct buf *);

int	 buf_add(struct buf *, const void *, size_t);
int	 buf_adds(struct buf *, struct str);
int	 buf_addz(struct buf *, const char *);
int	 buf_addf(struct buf *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));
int	 buf_addv(struct buf *, const char *, va_list);

/* Makes room for n more bytes; the caller writes to data + len, adds to len. */
int	 buf_reserve(struct buf *, size_t n);

/* Removes the first n bytes. */
void	 buf_drain(struct buf *, size_t n);

/* Here, as writers of JSON call it for every mark. */
static inline int
buf_addc(struct buf *b, char c)
{
	if (b->len >= b->max || b->cap < b->len + 2)
		return buf_add(b, &c, 1);
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
	return 0;
}

static inline bool
buf_ok(const struct buf *b)
{
	return !b->toobig;
}

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->data == NULL ? "" : b->data, b->len };
}

#endif /* BASE_BUF_H */
