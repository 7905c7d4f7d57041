#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Lower-case hex of n bytes; appends 2n characters. */
int	 hex_encode(struct buf *, const void *, size_t n);
/* Exactly n bytes from 2n hex characters; -1 if it is anything else. */
int	 hex_decode(void *, size_t n, struct str)
	    __attribute__((__warn_unused_result__));

/* RFC 4648 section 4, with padding. */
int	 base64_encode(struct buf *, struct str);
/* Standard or URL-safe alphabet, padding optional; -1 if it is neither. */
int	 base64_decode(struct buf *, struct str)
	    __attribute__((__warn_unused_result__));

/* Percent-decodes in a path or, with plus, in a query; -1 on "%zz" or NUL. */
int	 url_decode(struct buf *, struct str, bool plus)
	    __attribute__((__warn_unused_result__));
/* Percent-encodes everything but RFC 3986 unreserved characters. */
int	 url_encode(struct buf *, struct str);

/* RFC 3629: no overlong forms, no surrogates, at most U+10FFFF. */
bool	 utf8_valid(struct str);
/* How many bytes at the front are whole characters outside ASCII. */
size_t	 utf8_run(struct str);

/* A whole string as a number in [min, max]; -1 if it is anything else. */
int	 str_to_int(struct str, int64_t min, int64_t max, int64_t *)
	    __attribute__((__warn_unused_result__));

/*
 * A 64-bit hash with the same value in every process and release, for
 * deterministic ids and tables; no protection against chosen input.
 */
uint64_t hash64(struct str, uint64_t seed);

#endif /* BASE_CODEC_H */
