#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * HTTP/1.1 as bytes, a client's side of it (RFC 9112): the head of a request is
 * written, an answer is read from pieces of any size.  No sockets.
 */

#define HTTP1_HEAD_MAX	(64u << 10)	/* heads and trailers of an answer */
#define HTTP1_CHUNK_EXT	4096u		/* extensions of one chunk */

/* Slices of an http URL. */
struct http1_url {
	struct str	 authority;	/* host, or host:port */
	struct str	 target;	/* path and query; may be empty or "?..." */
};

/*
 * -1 for any URL that needs more than to be cut in two: not http, with a user's
 * name, a fragment, dot segments, an escape in the host, a space or a control.
 */
int	 http1_url(struct http1_url *, const char *url)
	    __attribute__((__warn_unused_result__));

/*
 * Appends a whole head, with Host, Accept-Encoding: identity and Content-Length.
 * lines: "Name: value", NULL ended; a Host or Accept-Encoding there stands in
 * place of ours, a Content-Length or Transfer-Encoding is left out, and so is a
 * line without a value.  -1: a line has an end of line in it, or the limit.
 */
int	 http1_request(struct buf *, const char *method,
	    const struct http1_url *, const char *const *lines, size_t length)
	    __attribute__((__warn_unused_result__));

enum http1_state {
	HTTP1_S_HEAD,
	HTTP1_S_LENGTH,			/* left bytes of content */
	HTTP1_S_CLOSE,			/* content until the connection ends */
	HTTP1_S_SIZE,			/* of a chunk, in hex */
	HTTP1_S_EXT,			/* ; what nobody needs */
	HTTP1_S_SIZE_LF,
	HTTP1_S_CHUNK,			/* left bytes of it */
	HTTP1_S_CHUNK_CR,		/* its end of line */
	HTTP1_S_CHUNK_LF,
	HTTP1_S_TRAILER,		/* a line begins */
	HTTP1_S_TRAILER_LINE,
	HTTP1_S_TRAILER_LF,
	HTTP1_S_DONE,
	HTTP1_S_FAULT
};

enum http1_event {
	HTTP1_MORE,			/* all was taken: more bytes, please */
	HTTP1_HEAD,			/* out: the field lines */
	HTTP1_BODY,			/* out: some content */
	HTTP1_END,			/* in: what follows the answer */
	HTTP1_FAULT			/* fault says why */
};

struct http1 {
	int		 status;	/* of the head that was given */
	bool		 keep;		/* may the connection carry another? */
	const char	*fault;
	/* its own */
	enum http1_state state;
	int64_t		 left;
	unsigned	 digits;	/* of the chunk's size; bytes of its ext */
	size_t		 spent;		/* bytes of heads and trailers */
	struct buf	 head;		/* begun in a piece that did not end it */
};

void	 http1_init(struct http1 *);
void	 http1_release(struct http1 *);

/*
 * Takes bytes from in and says what they are, until it says MORE, END or FAULT.
 * out is valid until the next call, and lies in in but for a head in pieces.
 * Heads of 1xx are skipped.  Faults are: what is not HTTP/1.x, a field line that
 * is folded or has no name, or a space before its colon, NUL or a lone CR (5.1,
 * 5.2), Content-Length and Transfer-Encoding together, two lengths that
 * differ, codings other than chunked (6.1, 6.3), sizes and ends of chunks that
 * are none (7.1), and what is longer than the limits.  A lone LF ends a line (2.2).
 */
enum http1_event	 http1_next(struct http1 *, struct str *in,
			    struct str *out);

/* The connection has ended.  -1 with fault if the answer has not. */
int	 http1_eof(struct http1 *) __attribute__((__warn_unused_result__));

/* The next of the field lines, as they came, without their ends. */
bool	 http1_field(struct str *lines, struct str *line);

#endif /* WIRE_HTTP1_H */
