#ifndef WIRE_WORDS_H
#define WIRE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a text costs in hundredths of a token.  It is cut as byte-pair tokenisers
 * do it before they look anything up: into words, numbers, runs of signs and of
 * blanks; what one of them costs was fitted to recorded usage of the providers.
 * escaped: a JSON string's inside, as it was sent; its escapes are characters.
 */
#define WORDS_TOKEN	100

int64_t	 words_cost(const char *p, size_t n, bool escaped);

/* The same, a byte at a time: what words_cost is held to, and falls back on. */
int64_t	 words_cost_plain(const char *p, size_t n, bool escaped);

/* --- words_wide.c: many bytes at a time ------------------------------------ */

/* Behind the one piece at p, whose price is added to *cost. */
const char *words_piece(const char *p, const char *e, bool escaped,
    int64_t *cost);
/*
 * Escaped text by blocks of 64 bytes.  Returns where less than a block is left;
 * p where this processor cannot.
 */
const char *words_wide(const char *p, const char *e, int64_t *cost);

#endif /* WIRE_WORDS_H */
