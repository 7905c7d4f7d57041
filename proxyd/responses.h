#ifndef PROXYD_RESPONSES_H
#define PROXYD_RESPONSES_H

#include <stdbool.h>

#include "base/str.h"
#include "wire/ir.h"

/*
 * The state of OpenAI's Responses API for providers that have none of it:
 * store, previous_response_id, conversation, item_reference, and the paths by
 * which a stored response is read and deleted.  Kept in state.db, each tenant's
 * apart.  Where a request is forwarded to a provider of the same dialect, that
 * provider keeps the state, and none is kept here.
 */
struct request;

/*
 * Once it is known where a request goes: what it refers to is put into its body,
 * which is then decoded anew.  -1 with err: it refers to what is not kept.
 */
int	 responses_resolve(struct request *, struct ir_error *err)
	    __attribute__((__warn_unused_result__));
/* An event of the answer, before it is encoded. */
void	 responses_event(struct request *, const struct ir_event *);
/* The answer as a whole body, before it is sent. */
void	 responses_keep(struct request *, struct str object);
void	 responses_end(struct request *);

/* Serves GET and DELETE of a stored response and its parts; false: it is none. */
bool	 responses_serve(struct request *);

#endif /* PROXYD_RESPONSES_H */
