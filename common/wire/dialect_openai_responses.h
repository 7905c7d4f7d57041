#ifndef WIRE_DIALECT_OPENAI_RESPONSES_H
#define WIRE_DIALECT_OPENAI_RESPONSES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/cite.h"
#include "wire/dialect.h"
#include "wire/dialect_openai_chat.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/server_run.h"
#include "wire/server_tool.h"

/*
 * What the files of the OpenAI Responses dialect share.  A request is a list
 * of items, an answer another one; an item is a message, a call, a result of
 * one, a piece of reasoning, or one of some thirty things that only OpenAI
 * knows and that pass as IR_OPAQUE.
 *
 *	_decode.c	request to common form
 *	_encode.c	common form to request: parameters and tools
 *	_items.c	common form to request: the conversation
 *	_answer.c	answer (events, body) to common form
 *	_object.c	common form to answer: items, objects, bodies
 *	_write.c	common form to answer: streams
 *	dialect_openai_responses.c	the rest, and struct dialect
 */

int	 resp_request_decode(struct ir_request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
bool	 resp_takes_url(const struct ir_exchange *, const struct ir_part *,
	    struct str url);
int	 resp_request_encode(struct ir_exchange *, struct buf *,
	    struct ir_error *) __attribute__((__warn_unused_result__));

int	 resp_event_decode(struct ir_decoder *, const struct frame *)
	    __attribute__((__warn_unused_result__));
extern const struct json_known		 resp_request_known;
extern const struct dialect_answer	 resp_answer;
int	 resp_event_end(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
int	 resp_body_decode(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
void	 resp_event_encode(struct ir_encoder *, const struct ir_event *);
void	 resp_body_encode(struct ir_exchange *, const struct ir_response *,
	    struct buf *);

/* --- a request going out --- */

#define RESP_ID_MAX	64
#define RESP_NAME_MAX	64

/* A result that waits for its call; sorted by hash, then by place. */
struct resp_result {
	uint64_t		 hash;
	const struct ir_part	*part;
	size_t			 place;
	size_t			 next;		/* not taken of its hash */
	bool			 taken;
};

struct resp_req {
	struct ir_exchange	*x;
	const struct ir_request	*rq;
	struct jw		 w;
	struct model_caps	 model;
	enum chat_format	 format;
	unsigned		 anon;		/* calls without an id so far */
	struct resp_result	*results;	/* of the turn at hand */
	size_t			 n_results;
};

void	 resp_lose(struct resp_req *, enum loss_action, uint32_t node,
	    const char *suffix, const char *why);
struct str	 resp_fit_name(struct resp_req *, struct str name);
/*
 * Leading system text as "instructions"; returns the first message that is not
 * in there.  From it on, everything becomes "input".
 */
const struct ir_message	*resp_instructions_write(struct resp_req *);
/* False: nothing was left to write. */
bool	 resp_input_write(struct resp_req *, const struct ir_message *)
	    __attribute__((__warn_unused_result__));
/* A message of user or system text, as one item. */
void	 resp_message_write(struct resp_req *, const struct ir_message *);

/* --- an answer coming in --- */

enum resp_kind {
	RESP_MESSAGE, RESP_CALL, RESP_CUSTOM_CALL, RESP_REASONING, RESP_OTHER
};

/* A frame that waits until the items before its own are complete. */
struct resp_held {
	struct str		 type, data;
	struct resp_held	*next;
};

struct resp_in {
	enum resp_kind		 kind;
	int64_t			 index;		/* output_index */
	struct str		 id;
	bool			 done;
	bool			 any;		/* text or arguments came */
	/* the content or summary part at hand; -1: none yet */
	int64_t			 cur;
	bool			 cur_sent, cur_closed, cur_logprobs;
	uint32_t		 cur_notes;	/* annotations sent */
	bool			 summary;	/* reasoning: which of its two
						   texts cur counts */
	struct resp_held	*held;
	struct resp_held	**held_last;
	struct resp_in		*next;
};

#define RESP_ITEMS_MAX	8192		/* output items of one answer */
#define RESP_HELD_MAX	(32u << 20)	/* bytes of frames that wait */

struct resp_dec {
	bool			 started, ended;
	bool			 called;	/* a tool call was seen */
	bool			 open;		/* a part is */
	enum ir_part_type	 part;
	unsigned		 parts;		/* begun so far */
	unsigned		 items;
	size_t			 held;
	struct resp_in		*first;
	struct resp_in		**last;
	struct resp_in		*live;		/* first that is not done */
};

/* --- an answer going out --- */

/* Bytes that grow in an arena. */
struct resp_acc {
	char			*p;
	size_t			 n, cap;
};

struct resp_out {
	enum ir_part_type	 type;
	enum ir_tool_kind	 tool;		/* as the client declared it */
	bool			 wrapped;	/* its input is in arguments */
	const struct server_call *call;		/* an item of its own kind */
	struct str		 item_id, call_id, name, ns;
	struct str		 text;		/* jstr bytes, or base64 */
	struct jstr		 signature;
	struct str		 annotations, logprobs;	/* commas between */
	struct str		 raw;		/* IR_OPAQUE */
	bool			 cut;		/* status "incomplete" */
};

struct resp_enc {
	bool			 begun, ended;
	bool			 open;		/* an item is */
	bool			 skip;		/* part is not for this wire */
	bool			 summary;	/* its summary part is begun */
	int64_t			 seq;
	unsigned		 items;		/* finished ones */
	unsigned		 notes;
	struct str		 id, model;
	int64_t			 created;
	struct resp_out		 item;
	struct resp_acc		 text, annotations, logprobs;
	struct cite_hold	 hold;		/* its notes alone */
	struct server_runs	 runs;
	struct resp_acc		 output;	/* finished items, JSON */
	enum ir_stop		 stop;
	const char		*status;	/* static */
	struct ir_usage		 usage;
	bool			 has_usage;
};

/* What the response object says besides the request's echo. */
struct resp_view {
	struct str		 id, model;
	int64_t			 created;
	const char		*status;
	const char		*incomplete;	/* reason, or NULL */
	struct str		 output;	/* items, commas between */
	const struct ir_usage	*usage;		/* NULL: null, or left out */
	const struct ir_error	*error;
};

static inline void
key_str(struct jw *w, const char *key, struct str s)
{
	jw_key(w, key);
	jw_str(w, s);
}

static inline void
key_strz(struct jw *w, const char *key, const char *s)
{
	jw_key(w, key);
	jw_strz(w, s);
}

/* The text is escaped already. */
static inline void
key_text(struct jw *w, const char *key, struct str escaped)
{
	jw_key(w, key);
	jw_jstr(w, (struct jstr){ escaped.p, escaped.n });
}

void	 resp_response_write(struct jw *, struct ir_exchange *,
	    const struct resp_view *);
struct str	 resp_response_id(struct ir_exchange *, struct str id);
struct str	 resp_response_model(struct ir_exchange *, struct str model);
/* Why an answer is incomplete; NULL: it is not. */
const char	*resp_incomplete(enum ir_stop);
/* The response's status; what it has no word for goes to the loss report. */
const char	*resp_status(struct ir_exchange *, enum ir_stop,
		    struct str raw);
const char	*resp_error_code(const struct ir_error *);

/* Deterministic: made of the response's id and the item's place. */
struct str	 resp_item_id(struct ir_exchange *, const char *prefix,
		    struct str response, unsigned index);
/* Fills in what a call is to the client: its declared name, kind, namespace. */
void	 resp_item_call(struct ir_exchange *, struct resp_out *,
	    enum ir_tool_kind ran, struct str id, struct str name,
	    struct str response, unsigned index);
/* The text in {"input": text}, both escaped; anything else as it is. */
struct str	 resp_item_unwrap(struct ir_exchange *, struct str escaped);
/* The same for a call with an item of its own: its member, JSON. */
struct str	 resp_item_own_call(struct ir_exchange *,
		    const struct resp_out *, struct str escaped);
/* begun: as output_item.added shows it, without its contents. */
void	 resp_item_write(struct jw *, const struct resp_out *, bool begun);
void	 resp_content_write(struct jw *, const struct resp_out *);
void	 resp_summary_write(struct jw *, struct str text);
extern const char	 resp_logprobs_why[];	/* they are of text only */
/* Annotations of that dialect, commas between, about text (JSON-escaped), in
 * this dialect's form.  It may be none: what has no place here is reported. */
void	 resp_notes_write(struct ir_exchange *, struct jw *,
	    const struct dialect *from, struct str list, struct str text);

/* False, and in the loss report: it has no place on this wire. */
bool	 resp_part_fits(struct ir_exchange *, enum ir_part_type,
	    unsigned choice, const struct dialect *from);
bool	 resp_signature_fits(struct ir_exchange *, const struct dialect *from);

/*
 * A tool of a namespace has its own name in the common form, unless an earlier
 * tool has it: then it is "namespace__name".  resp_tool_name gives that name
 * for what the wire says; resp_wire_name undoes it.
 */
struct str	 resp_tool_name(const struct ir_request *, struct str ns,
		    struct str name);
struct str	 resp_wire_name(const struct ir_request *,
		    const struct ir_tool *);

#endif /* WIRE_DIALECT_OPENAI_RESPONSES_H */
