#ifndef PROXYD_HTTP_IN_H
#define PROXYD_HTTP_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/str.h"
#include "proxyd/worker.h"

/*
 * The client's side: libmicrohttpd on our loop.  http_in.c is the only file
 * that knows it.  A call is one HTTP request and its answer; it belongs to
 * http_in and is gone after request_call_done.
 */
struct http_call;
struct request;

struct http_header {
	const char	*name, *value;		/* NUL terminated */
};

struct http_in	*http_in_create(struct worker *);
void		 http_in_destroy(struct http_in *);

/*
 * No new connections; what comes on those that are there is answered, and they
 * end with the answer, or idle after a second.  worker_check is called when
 * one has.
 */
void	 http_in_drain(struct http_in *);
unsigned http_in_connections(const struct http_in *);

/* --- what a request may ask of its call -------------------------------------- */

struct str	 call_method(const struct http_call *);
struct str	 call_path(const struct http_call *);	/* as sent, undecoded */
struct str	 call_query(const struct http_call *);	/* as sent, no "?" */
/* NULL where there is none; valid until request_call_done. */
const char	*call_header(struct http_call *, const char *name);
unsigned	 call_header_count(struct http_call *, const char *name);
bool		 call_peer_loopback(const struct http_call *);
/* Loopback, or from the very address that it came to: this machine. */
bool		 call_peer_here(const struct http_call *);
const char	*call_peer(const struct http_call *);

/*
 * A whole answer; headers are copied.  The body becomes the call's (taken from
 * buf, which is cleared).  Once a call.  close: end the connection with it.
 */
void	 call_reply(struct http_call *, int status, const struct http_header *,
	    size_t nheaders, struct buf *body, bool close);
/*
 * An answer in pieces: bytes are taken from out whenever the client can have
 * some; call_wake after adding to it.  out is the request's and must live until
 * request_call_done.
 */
void	 call_stream(struct http_call *, int status,
	    const struct http_header *, size_t nheaders, struct buf *out);
void	 call_wake(struct http_call *);
/* What the first buffer holds is still sent; then more is taken from out. */
void	 call_then(struct http_call *, struct buf *out);
/* The stream is complete: what out holds is still sent. */
void	 call_end(struct http_call *);
/* Drops the connection: the client sees that the answer is not complete. */
void	 call_abort(struct http_call *);
/* The same for a call whose body is still to come. */
void	 call_cut(struct http_call *);
/* Bytes taken from out so far. */
int64_t	 call_sent(const struct http_call *);

/* --- what http_in asks of requests (request.c) -------------------------------- */

/* Headers are read.  NULL: drop the connection. */
struct request	*request_open(struct worker *, struct http_call *);
/* A piece of the body. */
void	 request_body(struct request *, struct str);
/* The body is complete. */
void	 request_run(struct request *);
/* A piece of out is on its way to the client. */
void	 request_piece(struct request *, struct str);
/* Bytes were taken from out: there is room again. */
void	 request_drained(struct request *);
/* The client has left before the answer was complete. */
void	 request_left(struct request *);
/* The call ends; the request must forget it.  Always the last of them. */
void	 request_call_done(struct request *);

#endif /* PROXYD_HTTP_IN_H */
