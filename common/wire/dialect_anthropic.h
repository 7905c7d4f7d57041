#ifndef WIRE_DIALECT_ANTHROPIC_H
#define WIRE_DIALECT_ANTHROPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/cite.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"
#include "wire/server_run.h"

/*
 * What the files of the Anthropic Messages dialect share.
 *
 *	_decode.c	request to common form: all but the conversation
 *	_content.c	its system text and messages
 *	_encode.c	common form to request: all but its messages
 *	_turns.c	common form to request: system and messages
 *	_schema.c	schemas of tools and structured output
 *	_answer.c	answer (events, body) to common form
 *	_write.c	common form to answer
 *	dialect_anthropic.c	the rest, and struct dialect
 *
 * A request that goes back to this dialect is copied member by member from the
 * body, so the common form holds only what other dialects can use.
 */

/* --- requests ------------------------------------------------------------- */

#define AN_ID_MAX	64
#define AN_BUDGET_MIN	1024
#define AN_NAME_MAX	128

int	 anthropic_request_decode(struct ir_request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
bool	 anthropic_takes_url(const struct ir_exchange *, const struct ir_part *,
	    struct str url);
int	 anthropic_request_encode(struct ir_exchange *, struct buf *,
	    struct ir_error *) __attribute__((__warn_unused_result__));

/* One block or result of a turn that is being put together. */
struct an_item {
	const struct ir_part	*part;	/* NULL: a result that nobody gave */
	struct str		 id;	/* calls and results: on the wire */
	unsigned		 order;	/* of the call that it is or answers */
	bool			 trim;	/* without the space at its end */
	struct an_item		*next;
};

struct an_items {
	struct an_item	*first, **last;
};

/* The turns alternate, and the first is the user's. */
struct an_turn {
	bool		 assistant;
	struct an_items	 results;	/* user: come first */
	struct an_items	 blocks;
	struct an_items	 system;	/* user: said by the system behind it */
	struct an_turn	*next;
};

struct an_request {
	struct ir_exchange	*x;
	const struct ir_request	*rq;
	struct arena		*a;
	struct loss		*loss;
	struct jw		 w;
	struct model_caps		 model;
	const struct ir_message	*body;		/* first behind the system's */
	struct an_turn		*turns;
	int64_t			 max_tokens;
	bool			 think;		/* thinking is asked for */
	int64_t			 budget;	/* CAPS_THINK_BUDGET */
	struct str		 effort;	/* output_config.effort */
};

/* Adds a line to the report, for a node of the client's body. */
void	 anthropic_loss(struct an_request *, enum loss_action, uint32_t node,
	    const char *why);

/* Is escaped text nothing but space? */
bool	 anthropic_blank(struct jstr);

/*
 * Writes a schema as constrained output takes it (Structured outputs, JSON
 * Schema limitations): objects are closed, bounds of numbers, strings and
 * arrays are left out.  Losses name node.
 */
void	 anthropic_schema_strict(struct an_request *, struct str schema,
	    bool openapi, uint32_t node);
/* Writes a tool's schema: the root says that it is an object. */
void	 anthropic_schema_tool(struct an_request *, struct str schema,
	    bool openapi, uint32_t node);

/* Puts r->turns together from messages of another dialect; -1: none left. */
int	 anthropic_turns(struct an_request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
/* What the last turn must be like; r->think and r->model are known. */
void	 anthropic_turns_end(struct an_request *);
/* Are tools at work whose call does not follow a signed thought? */
bool	 anthropic_turns_unthought(const struct an_request *);
/* The members "system" and "messages". */
void	 anthropic_turns_write(struct an_request *);

/* --- answers -------------------------------------------------------------- */

/* The states of decoder and encoder; only their own file looks inside. */

/* Usage as the wire has it; -1 is "not said". */
struct an_usage {
	int64_t	 input, cache_read, cache_write, write_5m, write_1h;
	int64_t	 output, thinking;
	enum ir_tier tier;
};

/* Pieces of a block that is passed on whole. */
struct an_piece {
	struct str	 s;
	struct an_piece	*next;
};

struct an_dec {
	bool			 started;
	bool			 open;		/* a part is open */
	bool			 held;		/* a block is collected */
	bool			 stopped;	/* stop is known */
	bool			 called;	/* there was a tool call */
	bool			 has_args;	/* of the open call */
	unsigned		 index;		/* of the open or next part */
	int64_t			 block;		/* of the wire, -1: none */
	enum ir_part_type	 part;
	struct str		 input;		/* a call's, from its start */
	struct str		 raw;		/* held: the start's block */
	struct an_piece		*pieces, **last;	/* held: input */
	struct str		 patch;		/* held: other delta */
	enum ir_stop		 stop;
	struct str		 stop_raw;
	struct jstr		 stop_seq;
	bool			 has_usage;
	struct an_usage	 usage;
};

struct an_enc {
	struct cite_hold hold;
	struct server_runs runs;
	bool		 started;	/* START was seen */
	bool		 begun;		/* message_start is written */
	bool		 open;		/* a block is */
	bool		 wrap;		/* free text as a call's arguments */
	bool		 skip;		/* the part cannot be expressed */
	bool		 called;
	bool		 refused;
	unsigned	 block;		/* index of the open or next one */
	unsigned	 calls;
	struct str	 id, model;
	struct ir_usage	 usage;
	enum ir_stop	 stop;
	struct str	 stop_raw;
	struct jstr	 stop_seq;
};

int	 anthropic_event_decode(struct ir_decoder *, const struct frame *)
	    __attribute__((__warn_unused_result__));
bool	 anthropic_event_finished(const struct ir_decoder *);
extern const struct dialect_answer	 anthropic_answer;
int	 anthropic_event_end(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
int	 anthropic_body_decode(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
void	 anthropic_event_encode(struct ir_encoder *, const struct ir_event *);
void	 anthropic_body_encode(struct ir_exchange *, const struct ir_response *,
	    struct buf *);

/* --- errors --------------------------------------------------------------- */

/* {"type":"error","error":{..}}, or what else has an "error" in it; fills in
 * what is there.  -1 if it is none. */
int	 anthropic_error_read(struct arena *, struct jv root,
	    struct ir_error *) __attribute__((__warn_unused_result__));
void	 anthropic_error_write(struct jw *, const struct ir_error *,
	    struct str request_id);

#endif /* WIRE_DIALECT_ANTHROPIC_H */
