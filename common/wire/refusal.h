#ifndef WIRE_REFUSAL_H
#define WIRE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/loss.h"

/*
 * Members that a model turns out not to take.  A provider's 400 names one; if
 * the request means the same without it, the gateway leaves it out (or writes
 * its other name), asks again, and remembers.  What carries the conversation,
 * tools or the form of the answer is never left out.
 */
#define REFUSAL_NAME_MAX	64

struct refusal {
	const char	*name;		/* member as a path in the body, as in
					   "generationConfig.topK" */
	const char	*rename;	/* its other name there, or NULL */
	bool		 lasting;	/* the member, not only its value */
};

/*
 * What does err, the answer of a provider of the dialect to the body sent,
 * refuse?  False: nothing that may be left out, or that the body has.
 */
bool	 refusal_read(const struct dialect *, const struct ir_error *err,
	    struct str sent, struct refusal *) __attribute__((__nonnull__));

/* One that is remembered by its names; false: none that this program knows. */
bool	 refusal_byname(const struct dialect *, struct str name,
	    struct str rename, struct refusal *);

/*
 * Writes the body without that member, or with its other name, into out, and a
 * line into the loss report, of the client's own member where it is known which
 * that was.  False, and nothing is written: the body has no such member.
 */
bool	 refusal_apply(const struct ir_exchange *, const struct refusal *,
	    struct str body, struct buf *out);

#endif /* WIRE_REFUSAL_H */
