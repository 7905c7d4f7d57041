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

/* What the operator wants of a tool, instead of what is usual. */
enum server_tool_rule {
	SERVER_RULE_NONE,
	SERVER_RULE_PASS,	/* as it is: the target is said to know it */
	SERVER_RULE_MAP,	/* the target's own or a function, or refused */
	SERVER_RULE_DROP,
	SERVER_RULE_REFUSE
};

/* "pass", "map", "drop", "refuse"; SERVER_RULE_NONE: another word. */
enum server_tool_rule	 server_tool_rule_byname(struct str);

/*
 * The rule for a tool's type at a provider.  rules are lines "TYPE VERDICT" or
 * "PROVIDER/TYPE VERDICT"; TYPE is the beginning of a type, for these carry
 * dates, or "*".  The longest one that fits counts, a provider's own first.
 */
enum server_tool_rule	 server_tool_rule(struct str rules,
			    struct str provider, struct str type);

/*
 * The verdict on t, an IR_SERVER tool of another dialect, for x->target.
 * Reports every loss.  A tool that the target has not is dropped if clients
 * offer it unasked and the model can do without it (a search, images), else
 * refused by name, as is one that the request forces the model to use.
 * x->target.tool_rules come before all that.
 * functions: functions are sent beside it, which Gemini does not allow with
 * tools of its own.
 */
enum server_tool_verdict
	 server_tool_verdict(const struct ir_exchange *x,
	    const struct ir_tool *t, bool functions, struct ir_tool *as);

/* Will the verdict on an IR_SERVER tool be SERVER_TOOL_FUNCTION? */
bool	 server_tool_is_function(const struct ir_exchange *,
	    const struct ir_tool *);

/*
 * Tools of Responses that the client runs have calls of their own (the items
 * local_shell_call, shell_call, apply_patch_call, tool_search_call), whose input
 * is a member, "action", "operation" or "arguments".
 */
struct server_call {
	const char	*tool;		/* type of the tool, name elsewhere */
	const char	*item;		/* type of the call's item */
	const char	*output;	/* type of its result's */
	const char	*member;
	const char	*deflt;		/* what clients look for in it */
};

/* By the type of an item, the call's or its result's; NULL: none of these. */
const struct server_call	*server_call_of_item(struct str type);
/* By the name that a model calls, if the client has declared such a tool. */
const struct server_call	*server_call_of_tool(const struct ir_request *,
				    struct str name);
/* The function's arguments, an object, as the item's member and back. */
struct str	 server_call_member(struct arena *, const struct server_call *,
		    struct str args);
struct str	 server_call_args(struct arena *, const struct server_call *,
		    struct jv member);
/* What an item of output says, as text; failed: it did not work. */
struct jstr	 server_call_output(struct arena *, struct jv item,
		    bool *failed);

/*
 * The tool that the choice names, if it is one of this file's (c->kind may say
 * so, or the name of a tool); NULL: it is not.
 */
const struct ir_tool	*server_tool_chosen(const struct ir_request *rq);

/*
 * Is the tool that the choice names among those that are sent?  What no tool is
 * called would be refused as a choice.
 */
bool	 server_tool_choice_sent(const struct ir_exchange *);
#define SERVER_TOOL_NOT_SENT	"the tool that is asked for is not sent"

/* What a target calls a kind of tool: its "type" in a tool_choice of
 * Responses, its "name" at Anthropic; NULL: it has none, or it is run by the
 * client. */
const char	*server_tool_name(const struct dialect *to,
		    const struct ir_tool *);

#endif /* WIRE_SERVER_TOOL_H */
