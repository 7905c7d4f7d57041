#ifndef PROXYD_HTTP_PUSH_H
#define PROXYD_HTTP_PUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Pieces of an answer straight into a client's socket, each a chunk (RFC 9112
 * 7.1) or, for one who takes no chunks, as it is.  What finds no room is kept,
 * and nothing may follow it before push_rest has got rid of it.
 */
struct push {
	struct buf	 rest;
	size_t		 off;			/* of it has gone */
};

#define PUSH_FRAME	32		/* a chunk's, at most */

/* max: of what is kept, framing and all. */
void	 push_init(struct push *, size_t max);
void	 push_release(struct push *);

/* 1: something is kept until the socket can be written; 0; -1 with errno. */
int	 push_send(struct push *, int fd, struct str piece, bool chunk)
	    __attribute__((__warn_unused_result__));
/* The same, of what is kept. */
int	 push_rest(struct push *, int fd) __attribute__((__warn_unused_result__));
bool	 push_waits(const struct push *);

#endif /* PROXYD_HTTP_PUSH_H */
