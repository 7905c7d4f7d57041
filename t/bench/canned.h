#ifndef T_BENCH_CANNED_H
#define T_BENCH_CANNED_H

#include <stddef.h>

#include "base/str.h"

/* Bytes of an answer that may be written into. */
struct blob {
	char	*p;
	size_t	 n;
};

/* A provider's answers in one dialect, with the HTTP around them. */
struct canned {
	const char	*mark;	/* of a path: "/v1/messages" */
	struct blob	 plain;	/* a whole body */
	struct blob	 start;	/* head of a stream, what precedes text */
	struct blob	 event;	/* one chunk of text */
	size_t		 stamp;	/* offset in event of the 16 digits */
	struct blob	 tail;	/* what follows text, the last chunk */
};

/*
 * Answers of all dialects, ended by mark NULL: a whole body of about body
 * bytes, events whose text is text bytes long.  Never fails.
 */
struct canned	*canned_make(size_t body, size_t text);

/* By the first line of a request's head; NULL: a path of no dialect. */
struct canned	*canned_find(struct canned *, struct str head);

#endif /* T_BENCH_CANNED_H */
