#ifndef WIRE_SERVER_RUN_H
#define WIRE_SERVER_RUN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"

/*
 * What a provider's own tools did, a search, a page that was read, code that
 * ran, between dialects.  Anthropic tells it by two blocks, Responses by one
 * item, Gemini by two parts (code) or beside the text (grounding); Chat has no
 * form for it.  In the common form it is IR_OPAQUE, or Gemini's annotation.
 *
 *	server_tool_use, *_tool_result		Anthropic, content blocks
 *	web_search_call, code_interpreter_call,
 *	file_search_call			OpenAI, response output items
 *	executableCode, codeExecutionResult,
 *	groundingMetadata, urlContextMetadata	Gemini, Part and Candidate
 *
 * The ids of what is written for another dialect's client carry the mark
 * "_pxd", so that it is known when the client sends it back.
 */

/* Runs of one answer whose result has not come yet.  Zeroed it is empty. */
struct server_run;

struct server_runs {
	struct server_run	*first;
	unsigned		 n;		/* begun so far: makes ids */
};

/* One item of Responses has stages in a stream, so its kind is told. */
struct server_piece {
	const char		*event;		/* "web_search_call", else NULL */
	struct str		 raw;		/* block, item or part */
	struct server_piece	*next;
};

/*
 * Takes the raw part (or Gemini's annotation) of dialect from into an answer
 * for a client of dialect to.  False: it is nothing of this kind, or to has no
 * form for it: the caller reports the loss.  True, with what is to be written
 * now in *out, which may be nothing: a call waits for its result.  What cannot
 * go along is reported.  All is from x->arena.
 */
bool	 server_run_take(struct ir_exchange *x, struct server_runs *,
	    const struct dialect *from, struct str raw,
	    const struct dialect *to, struct server_piece **out);

/* The end of the answer: calls that never had a result, in order. */
struct server_piece	*server_run_rest(struct ir_exchange *,
			    struct server_runs *, const struct dialect *to);

/*
 * For decoders of requests, on an IR_OPAQUE part: its text becomes what other
 * dialects' models are told of it.
 */
void	 server_run_mark(struct arena *, struct ir_part *);

/* The same for raw JSON; empty: it is none of these. */
struct jstr	 server_run_text(struct arena *, const struct dialect *from,
		    struct str raw);

/*
 * A part of a request that server_run_take wrote for the client, back at
 * Gemini: code and its output as parts again; empty: neither.
 */
struct str	 server_run_code(struct arena *, const struct ir_part *);

/* Was this block or item, or its citation, written by server_run or cite? */
bool	 server_run_ours(struct str raw);

#endif /* WIRE_SERVER_RUN_H */
