#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

/*
 * Memory that is freed in one go.  All calls are fatal when memory runs out
 * and when a size overflows; what is put in is bounded by the limits on input.
 * Nothing obtained from an arena outlives its arena_release or arena_clear.
 */
struct arena_chunk;

struct arena {
	struct arena_chunk	*head;
	char			*next;
	char			*end;
	size_t			 total;		/* bytes handed out */
};

void	 arena_init(struct arena *);
void	 arena_release(struct arena *);
void	 arena_clear(struct arena *);		/* keeps one chunk */

/* Zeroed, aligned for any type. */
void	*arena_alloc(struct arena *, size_t);
void	*arena_array(struct arena *, size_t n, size_t size);
/* Not zeroed, not aligned: for bytes. */
char	*arena_bytes(struct arena *, size_t);

/* Copies; the result is also NUL terminated. */
struct str	 arena_str(struct arena *, struct str);
/* n slices, one behind the other. */
struct str	 arena_join(struct arena *, const struct str *, size_t n);
struct str	 arena_strf(struct arena *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

#define ARENA_NEW(a, type)	((type *)arena_alloc((a), sizeof(type)))

#endif /* BASE_ARENA_H */
