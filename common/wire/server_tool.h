#ifndef WIRE_SERVER_TOOL_H
#define WIRE_SERVER_TOOL_H

#include "wire/dialect.h"
#include "wire/ir.h"

/*
 * Tools that a client names by a type of its dialect instead of a schema: some
 * are run by the provider (web search, code execution), some by the client,
 * which has been trained together with the model (bash, text editor).  What
 * becomes of one at a provider of another dialect is decided here for all.
 */
enum server_tool_verdict {
	SERVER_TOOL_LEAVE,	/* is not sent; the loss report says why */
	SERVER_TOOL_OWN,	/* the target has one of that kind: as->raw */
	SERVER_TOOL_FUNCTION	/* the client runs it: as is a function */
};

/*
 * The verdict on t, an IR_SERVER tool of another dialect, for x->target.
 * Reports every loss.  A tool that the target has not is dropped if clients
 * offer it unasked and the model can do without it (a search, images), else
 * refused by name, as is one that the request forces the model to use.
 * functions: functions are sent beside it, which Gemini does not allow with
 * tools of its own.
 */
enum server_tool_verdict
	 server_tool_verdict(const struct ir_exchange *x,
	    const struct ir_tool *t, bool functions, struct ir_tool *as);

/* Will the verdict on an IR_SERVER tool be SERVER_TOOL_FUNCTION? */
bool	 server_tool_is_function(const struct ir_tool *);

/*
 * The tool that the choice names, if it is one of this file's (c->kind may say
 * so, or the name of a tool); NULL: it is not.
 */
const struct ir_tool	*server_tool_chosen(const struct ir_request *rq);

/* What a target calls a kind of tool: its "type" in a tool_choice of
 * Responses, its "name" at Anthropic; NULL: it has none, or it is run by the
 * client. */
const char	*server_tool_name(const struct dialect *to,
		    const struct ir_tool *);

#endif /* WIRE_SERVER_TOOL_H */
