#ifndef PROXYD_CHOICES_H
#define PROXYD_CHOICES_H

#include "proxyd/request.h"

/*
 * Several answers to one request (n, candidateCount) from a target that gives
 * one at a time: as many calls, one after another, whose events become those of
 * one answer.  Each call has its own attempts, until it has said something.
 */

/*
 * Before encoding: sets rq_choices where the target cannot do it itself, and
 * takes the field from what is encoded.  -1: more than CHOICES_MAX.
 */
int	 choices_begin(struct request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
/* An event of one call as that of the whole; false: it is not told. */
bool	 choices_event(struct request *, struct ir_event *);
/* One call is complete: true when another has been begun. */
bool	 choices_more(struct request *);
/* Is this one of the later calls, whose answer is added to what is there? */
static inline bool
choices_later(const struct request *rq)
{
	return rq->rq_choice > 0;
}

#endif /* PROXYD_CHOICES_H */
