#ifndef PROXYD_RESPONSES_H
#define PROXYD_RESPONSES_H

#include <stdbool.h>

#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"

/*
 * The state of OpenAI's Responses API.  For providers that have none of it:
 * store, previous_response_id, conversation, item_reference, and the paths by
 * which a stored response is read and deleted.  Where a request is forwarded to
 * a provider of the same dialect, that provider keeps the state, and here only
 * who it is.  Kept in state.db, each tenant's apart.
 */
struct request;

/*
 * Before it is known where a request goes: one that goes on from a response that
 * is kept here is put together, so that rules, the estimate and the session see
 * the conversation and not its last turn alone.  -1 with err: part of it is not
 * kept any more.
 */
int	 responses_recall(struct request *, struct ir_error *err)
	    __attribute__((__warn_unused_result__));
/*
 * Once that is known: what else it refers to is put into its body, which is then
 * decoded anew.  -1 with err: it refers to what is not kept.
 */
int	 responses_resolve(struct request *, struct ir_error *err)
	    __attribute__((__warn_unused_result__));
/* What the answer says of it: x->stored and x->previous. */
void	 responses_exchange(const struct request *, struct ir_exchange *x);
/* An event of the answer, before it is encoded. */
void	 responses_event(struct request *, const struct ir_event *);
/* The answer as a whole body, before it is sent: as its provider wrote it in its
 * own dialect, else as rq_client->body_encode wrote it last; none: it had no
 * room. */
void	 responses_keep(struct request *, struct str object);
void	 responses_end(struct request *);

/* Serves GET and DELETE of a stored response and its parts; false: it is none. */
bool	 responses_serve(struct request *);

/* --- responses_native.c: those that a provider keeps ------------------------- */

/* Does a provider keep it, and which is known? */
bool	 responses_native_kept(struct request *, struct str id);
/* Of an answer: its provider and key are remembered. */
void	 responses_native_note(struct request *, struct str id);
/*
 * Who keeps it is asked first, under the key that made it; false: that is not
 * known, or no target of this request.
 */
bool	 responses_native_prefer(struct request *, struct str id);
/* Passes a GET, DELETE or cancel on to it; false: it is not known. */
bool	 responses_native_serve(struct request *);
/* Does the query of a GET ask for its events? */
bool	 responses_asks_stream(struct request *);
/* Of such a request (rq_native). */
const char	*responses_native_method(const struct request *);
void	 responses_native_path(const struct request *, struct buf *);
/* What came of it, once its status is known to be good. */
void	 responses_native_answer(struct request *);

#endif /* PROXYD_RESPONSES_H */
