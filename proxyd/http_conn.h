#ifndef PROXYD_HTTP_CONN_H
#define PROXYD_HTTP_CONN_H

#include <stdbool.h>

#include "base/str.h"
#include "proxyd/http_out.h"

/*
 * HTTP/1.1 over plain sockets of our own: a part of http_out.  libcurl resolves
 * and connects; then the descriptor is here, and one sendmsg and one recv do for
 * a small request.
 */
struct conn_pool;

struct conn_pool	*conn_pool_create(struct http_out *, struct loop *);
void			 conn_pool_destroy(struct conn_pool *);

/*
 * Begins the call if it is one for this: a POST to http without a proxy.
 * false: libcurl has to do it.
 */
bool	 conn_start(struct conn_pool *, struct upstream *,
	    const struct upstream_call *)
	    __attribute__((__warn_unused_result__));
/* The owner is not interested any more, or connecting failed. */
void	 conn_abandon(struct upstream *);
/* The owner took bytes: reads on. */
void	 conn_resume(struct upstream *);

/*
 * What http_out.c does for it.  upstream_connect ends in conn_connected, with a
 * socket that is the connection's from then on, or in the call's failure.
 */
void	 upstream_connect(struct upstream *, struct str authority);
void	 conn_connected(struct upstream *, int fd);

/* Appends content; -1 if that is too much, with the text. */
int	 upstream_add(struct upstream *, const char *, size_t)
	    __attribute__((__warn_unused_result__));
/* Holds so much that it reads no more until the owner takes some. */
bool	 upstream_full(const struct upstream *);
void	 upstream_head_done(struct upstream *, int status);
/* The call has ended; an error text that is there stays. */
void	 upstream_end(struct upstream *, enum upstream_fault, const char *why);

#endif /* PROXYD_HTTP_CONN_H */
