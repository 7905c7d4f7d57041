#ifndef WIRE_ANSWER_LOSS_H
#define WIRE_ANSWER_LOSS_H

#include <stdbool.h>

#include "base/str.h"
#include "wire/dialect.h"
#include "wire/json.h"
#include "wire/loss.h"

/*
 * The loss report of an answer.  Its paths are those of the provider's answer,
 * behind "response.": "response.content[2].signature".  A decoder says where it
 * stands (x->at) and a writer, which knows only the common form, what of that
 * it cannot write.  What no decoder reads is told here, too: a member that is
 * in none of the dialect's tables and says something.
 *
 * Where the client gets the provider's own bytes (x->forwarded), nothing is
 * lost and nothing is told.
 */

/* Why signatures and hidden thoughts are lost; unless they are kept for the
 * client, which takes the lines back: loss_remove_why. */
extern const char	 answer_state_why[];

/* Reports the member of what stands at x->at. */
void	 answer_lost(struct ir_exchange *, enum ir_member, enum loss_action,
	    const char *why);

/*
 * The same of notes: list, values with commas between, as events have them.
 * Where a dialect has them under several names ("$n" in its path), under which.
 */
void	 answer_lost_notes(struct ir_exchange *, struct str list,
	    enum loss_action, const char *why);

/* Reports a path that is no part's: a format with $c, $i and $p of x->at. */
void	 answer_lost_at(struct ir_exchange *, const char *format,
	    enum loss_action, const char *why);

/*
 * Reports what j, a body or an event, has beyond what k (a dialect_answer's
 * body or event) lists.
 */
void	 answer_leftover(struct ir_exchange *, const struct json_known *k,
	    const struct json *j);

#endif /* WIRE_ANSWER_LOSS_H */
