#ifndef WIRE_ESTIMATE_H
#define WIRE_ESTIMATE_H

#include <stdint.h>

#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"

/*
 * Tokens that a request will cost as input, without any provider's tokeniser:
 * for routing, budgets, and clients that ask for a count where the provider has
 * no counter.  It is biased high, since a request that turns out to be smaller
 * than said does no harm; t/unit/estimate.c holds it to recorded usage.
 *
 * Time is linear in the request.  Media count by the providers' formulas and
 * never as text; what lies elsewhere (URLs, file ids, a conversation that the
 * provider keeps) counts as a usual one of its kind, or not at all.  Never 0 for
 * a request that says something.
 */
int64_t	 ir_estimate_input(const struct ir_request *);

/*
 * The same when that model of a provider of that dialect (NULL: rq->from) is to
 * read it.
 */
int64_t	 ir_estimate_for(const struct ir_request *, const struct dialect *,
	    struct str model);

/* Plain text alone. */
int64_t	 ir_estimate_text(struct str);

#endif /* WIRE_ESTIMATE_H */
