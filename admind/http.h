#ifndef ADMIND_HTTP_H
#define ADMIND_HTTP_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/str.h"

/*
 * HTTP/1.1 for the management server, over libmicrohttpd on our loop.  What
 * comes here has passed the checks that hold for everything: the method is GET
 * or HEAD, there is one Host, and it names this machine (DNS rebinding: a web
 * page in the operator's browser cannot make it anything else).
 */
struct http_request {
	struct str	 path;		/* as sent, without its query */
};

struct http_reply {
	int		 status;	/* 200 at first */
	const char	*type;		/* static */
	const char	*cache;		/* Cache-Control; static */
	struct buf	 body;
};

struct http;

/*
 * Serves on fd, which it closes in the end, calling serve for each request.
 * host: the configured name; it and loopback names may stand in Host, and the
 * address that a connection came to.
 */
struct http	*http_create(struct loop *, int fd, const char *host,
		    void (*serve)(void *, const struct http_request *,
		    struct http_reply *), void *);
void		 http_destroy(struct http *);

/* An error: plain text, or JSON below /api/ and /v1/. */
void		 http_error(const struct http_request *, struct http_reply *,
		    int status, const char *text);

#endif /* ADMIND_HTTP_H */
