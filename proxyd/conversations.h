#ifndef PROXYD_CONVERSATIONS_H
#define PROXYD_CONVERSATIONS_H

#include <stdbool.h>

#include "base/str.h"
#include "state/statedb.h"
#include "wire/json.h"

/*
 * OpenAI's Conversations API: lists of items that requests on /v1/responses go on
 * from by "conversation".  Kept in state.db, each tenant's apart, for models of
 * every provider.
 */
struct request;

/* What was said in it so far, in the arena.  1; 0: none is kept here; -1: told. */
int	 conversations_recall(struct request *, struct str id,
	    struct conversation_item **) __attribute__((__warn_unused_result__));
/*
 * What a turn said: each item of input (JSON, an array) and of output (the
 * same).  One that was deleted meanwhile is made anew.
 */
void	 conversations_say(struct request *, struct str id, struct str input,
	    struct jv output);

/* Serves the paths below /v1/conversations; false: it is none of them. */
bool	 conversations_serve(struct request *);

#endif /* PROXYD_CONVERSATIONS_H */
