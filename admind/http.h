#ifndef ADMIND_HTTP_H
#define ADMIND_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/str.h"

/*
 * HTTP/1.1 for the management server, over libmicrohttpd on our loop.  What
 * comes here has passed the check that holds for everything: there is one Host,
 * and it names this machine (DNS rebinding: a web page in the operator's browser
 * cannot make it anything else).
 */
struct http_conn;

struct http_request {
	struct str		 method;
	struct str		 path;	/* as sent, without its query */
	struct str		 query;	/* as sent, without "?" */
	struct str		 body;	/* empty in begin */
	struct arena		*arena;	/* lives as long as the request */
	struct http_conn	*conn;
	void			*state;	/* the server's own, from begin on */
};

/* NULL where there is none or more than one; lives as long as the request. */
const char	*http_header(const struct http_request *, const char *name);
unsigned	 http_header_count(const struct http_request *, const char *name);
/* Empty where there is none. */
struct str	 http_cookie(const struct http_request *, const char *name);
/* The first value of a query's member, decoded; false: there is none, or it is
 * not well-formed. */
bool		 http_query(const struct http_request *, const char *name,
		    struct str *value);
bool		 http_peer_loopback(const struct http_request *);
const char	*http_peer(const struct http_request *);

#define HTTP_HEADERS	12

struct http_stream;

struct http_reply {
	int			 status;	/* 200 at first */
	const char		*type;		/* static */
	const char		*cache;		/* Cache-Control; static */
	const char		*policy;	/* Content-Security-Policy */
	struct {
		const char	*name, *value;	/* live as long as the request */
	}			 header[HTTP_HEADERS];
	size_t			 nheaders;
	struct buf		 body;
	struct http_stream	*stream;	/* instead of body */
};

void	 http_reply_header(struct http_reply *, const char *name,
	    const char *value);

/*
 * An answer that stays open: server-sent events.  What is sent goes out when
 * the client takes it; one that does not take HTTP_STREAM_MAX is dropped.  gone
 * is called once, when the client has left or http_stream_close was called;
 * after it the stream is not there any more.
 */
#define HTTP_STREAM_MAX	((size_t)1 << 20)
struct http_stream	*http_stream_open(struct http_reply *,
			    const struct http_request *,
			    void (*gone)(void *), void *);
void	 http_stream_send(struct http_stream *, struct str);
void	 http_stream_close(struct http_stream *);
/* The client sees that there should have been more. */
void	 http_stream_break(struct http_stream *);
/* Bytes that the client has not taken; cb is called when it has taken all. */
size_t	 http_stream_held(const struct http_stream *);
void	 http_stream_room(struct http_stream *, void (*cb)(void *));

/*
 * The answer comes later: serve calls http_defer, and http_answer is called when
 * the reply is filled in.  gone is called, instead of that, when the client has
 * left before; then the request must be forgotten.
 */
void	 http_defer(struct http_request *, void (*gone)(void *), void *);
void	 http_answer(struct http_request *);
/* Instead of http_answer: serve is called once more, with the reply as it is. */
void	 http_again(struct http_request *);

/*
 * begin sees a request's head: it returns how many bytes its body may have (0:
 * none), or -1 with the answer, for which no body is read.  serve then answers.
 */
struct http_server {
	long	(*begin)(void *, struct http_request *, struct http_reply *);
	void	(*serve)(void *, struct http_request *, struct http_reply *);
	void	*arg;
};

/*
 * Serves on fd, which it closes in the end.  host: the configured name; it and
 * loopback names may stand in Host, and the address that a connection came to.
 */
struct http;
struct http	*http_create(struct loop *, int fd, const char *host,
		    const struct http_server *);
void		 http_destroy(struct http *);

/* What a status means, in two words. */
const char	*http_title(int status);
/* An error: a problem (RFC 9457) below /api/v1/, JSON below /api/ and /v1/,
 * else plain text. */
void		 http_error(const struct http_request *, struct http_reply *,
		    int status, const char *text);

#endif /* ADMIND_HTTP_H */
