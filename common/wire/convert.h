#ifndef WIRE_CONVERT_H
#define WIRE_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/ir.h"
#include "wire/loss.h"

/*
 * Translation without a network: what proxyctl convert does, and the tests.
 * A request or an answer in one dialect goes in, the same in another comes out.
 * Nothing depends on the clock or on chance: equal input gives equal output.
 */

#define CONVERT_OUT_MAX	((size_t)256 << 20)	/* for the caller's buf */

struct convert_opts {
	const struct dialect	*from;	/* of what comes in */
	const struct dialect	*to;	/* of what goes out */

	/* Requests: model to ask for, empty: the request's own.  It also is the
	 * model of a dialect that has it in the path.  Answers: the model that
	 * is named where the answer names none. */
	struct str		 model;

	/* Requests: the target is asked for a stream, also if the input does
	 * not ask for one. */
	bool			 stream;
	bool			 lenient;	/* see struct endpoint */

	/* Answers: how they come in and go out.  FRAME_NONE is a whole body.
	 * Requests: out is the framing of a stream that is asked for. */
	enum framing		 in, out;

	/* Answers: the request, in the dialect `to`, if it is known: custom
	 * tools are unwrapped by it.  May be NULL. */
	const struct ir_request	*rq;
	int64_t			 created;	/* if the answer has no time */
};

/*
 * Translates a request body.  Its target's path and query are added to path,
 * its body to out.  -1 with err set: not JSON, not a request, or one that the
 * target cannot express.  loss is initialized by the caller, with the arena,
 * and is filled in either way.
 */
int	 convert_request(struct arena *, const struct convert_opts *,
	    struct str body, struct buf *path, struct buf *out, struct loss *,
	    struct ir_error *err) __attribute__((__warn_unused_result__));

/*
 * Translates an answer that is at hand as a whole: a body, or all bytes of a
 * stream.  An answer that is or holds an error is translated too, into the
 * other dialect's error: that is 1, with err set to it.  0: done.  -1 with err
 * set: limits, nothing useful in out.
 */
int	 convert_response(struct arena *, const struct convert_opts *,
	    struct str bytes, struct buf *out, struct loss *,
	    struct ir_error *err) __attribute__((__warn_unused_result__));

/*
 * The same in pieces, cut anywhere: convert_new, convert_feed ..., then
 * convert_end, convert_free.  out grows with each piece, and the caller may
 * drain it in between; where opts->out is FRAME_NONE it stays empty until the
 * end.  convert_feed returns 0, or -1 when no more input is wanted: then, too,
 * convert_end tells as convert_response does.  opts need not outlive the call.
 */
struct convert;

struct convert	*convert_new(struct arena *, const struct convert_opts *,
		    struct buf *out, struct loss *);
int		 convert_feed(struct convert *, struct str)
		    __attribute__((__warn_unused_result__));
int		 convert_end(struct convert *, struct ir_error *)
		    __attribute__((__warn_unused_result__));
void		 convert_free(struct convert *);

/* What an answer's first bytes look like: a JSON object is a whole body. */
enum framing	 convert_detect(struct str);

#endif /* WIRE_CONVERT_H */
