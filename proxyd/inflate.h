#ifndef PROXYD_INFLATE_H
#define PROXYD_INFLATE_H

#include "base/str.h"

/*
 * Content-Encoding of answers (RFC 9110 8.4): gzip and deflate, up to four of
 * them one upon the other.  We ask for identity, and some compress all the same.
 */
struct inflater;

/* NULL: it has a coding that is not known, or too many.  identity is none. */
struct inflater	*inflater_new(struct str coding);
void		 inflater_free(struct inflater *);

/*
 * Hands what comes out to cb, in pieces.  -1: damaged, and inflater_why tells,
 * or cb did not return 0.
 */
int	 inflater_feed(struct inflater *, struct str,
	    int (*cb)(void *, struct str), void *)
	    __attribute__((__warn_unused_result__));
/* The bytes have ended: -1 if the compressed ones had not. */
int	 inflater_end(const struct inflater *)
	    __attribute__((__warn_unused_result__));

#endif /* PROXYD_INFLATE_H */
