#ifndef PROXYD_FETCH_H
#define PROXYD_FETCH_H

#include "proxyd/request.h"

/*
 * Media that the client names by URL and the target does not fetch itself: the
 * gateway does, before it encodes.  Whoever may send a request chooses the URL,
 * so each hop's URL and each address are judged (netguard.h), and number,
 * sizes, types and time are bounded by FETCH_* in app.yml(5).
 */
struct fetch;

/*
 * Looks for such media of rq_ir as rq_x says where it goes, and fetches them.
 * 0: there are none.  1: begun; then is called when all are in their places,
 * or the client has been answered that one could not be had.  -1: refused, with
 * the error.
 */
int	 fetch_begin(struct request *, void (*then)(struct request *),
	    struct ir_error *) __attribute__((__warn_unused_result__));
/* Ends what is under way; then is not called any more. */
void	 fetch_stop(struct request *);

#endif /* PROXYD_FETCH_H */
