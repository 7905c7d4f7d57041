#ifndef WIRE_MEDIA_H
#define WIRE_MEDIA_H

#include "base/arena.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"

/*
 * Media that a request names by URL and that the target does not fetch itself:
 * somebody must fetch them before request_encode, which else refuses the part
 * in the loss report.  Nothing here does I/O.
 */
struct ir_fetch {
	struct ir_part	*part;
	struct str	 url;		/* decoded; http: or https: */
	struct ir_fetch	*next;
};

/*
 * Those of rq (which x->rq may be) that x->target cannot take by URL, in the
 * order of the conversation, those within tool results among them.  The same
 * URL may stand more than once.  NULL: nothing to fetch, as always when client
 * and provider speak one dialect.  From rq's arena.
 */
struct ir_fetch	*ir_fetch_list(const struct ir_exchange *x,
		    struct ir_request *rq);

/*
 * Puts what was fetched in the URL's place: base64 without line ends, and the
 * type that the server told (its parameters are cut off; empty: the part's own
 * type stays).  Both must live as long as the request.  -1: the type is of
 * another kind than the part (an HTML page for an image), which stays as it is.
 */
int		 ir_fetch_done(struct ir_part *, struct str type,
		    struct str base64) __attribute__((__warn_unused_result__));

/* Images of the types that Anthropic and OpenAI take, or of one not said. */
bool		 media_image_common(const struct ir_media *);

#endif /* WIRE_MEDIA_H */
