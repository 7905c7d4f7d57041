#ifndef WIRE_DIALECT_H
#define WIRE_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "wire/frame.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/leftover.h"
#include "wire/loss.h"

/*
 * A dialect is one file, dialect_*.c, that defines one struct dialect, listed
 * in dialect.c.  It knows bytes and the common form; of sockets, headers and
 * keys it only tells what they are called.
 */

enum dialect_op {
	DIALECT_GENERATE,	/* an answer of the model, streamed or not */
	DIALECT_MODELS,		/* the list of models */
	DIALECT_MODEL,		/* one model of it */
	DIALECT_COUNT,		/* how many tokens a request has */
	DIALECT_EMBED,		/* embeddings, of one text or several */
	DIALECT_EMBED_BATCH,	/* ... where several have their own path */
	DIALECT_STATE_GET,	/* a stored response, named like a model */
	DIALECT_STATE_DELETE,
	DIALECT_STATE_ITEMS,	/* what it was asked */
	DIALECT_STATE_CANCEL,
	DIALECT_TALK_CREATE,	/* a stored conversation, likewise */
	DIALECT_TALK_GET,
	DIALECT_TALK_UPDATE,
	DIALECT_TALK_DELETE,
	DIALECT_TALK_ITEMS,	/* what was said in it */
	DIALECT_TALK_ADD,
	DIALECT_TALK_ITEM,
	DIALECT_TALK_ITEM_DELETE
};

struct endpoint {
	const char	*method;
	const char	*path;		/* "{model}" stands for a name, which
					   may hold slashes; "{item}" at the
					   end for another, which may not */
	enum dialect_op	 op;
	bool		 stream;	/* the path asks for a stream */
	bool		 lenient;	/* the body may lack what is required
					   (max_tokens), and Gemini's may be in
					   "messages" form; see issue texts */
};

/* Where a request goes: data about the target that an encoder needs. */
struct ir_target {
	const struct dialect	*dialect;
	struct str		 provider;
	struct str		 model;
	bool			 stream;	/* ask for a stream */
	enum framing		 framing;	/* the upstream's, if stream */
	const struct caps_table	*caps;		/* over the built-in one, or
						   NULL */
	struct str		 tool_rules;	/* server_tool_rule */
};

/* What both directions of one exchange share; lives in the arena. */
struct ir_exchange {
	struct arena		*arena;
	const struct ir_request	*rq;		/* NULL: only an answer is known
						   (proxyctl convert) */
	struct ir_target	 target;
	struct ir_names		 names;
	struct loss		*loss;
	struct str		 id;		/* ours, [0-9A-Za-z], for answers
						   to which the provider gave
						   none, and those kept here */
	int64_t			 created;	/* unix seconds, the same use */
	bool			 stream;	/* the client wants a stream */
	enum framing		 framing;	/* the client's, if stream */
	/* Responses: what the answer says of itself */
	bool			 stored;	/* it can be asked for later */
	struct str		 previous;	/* the response before it */
	struct str		 conversation;	/* that it is part of */
	/* The same, of the object written last: its id, and from where to where
	 * in it the list of its output stands. */
	struct {
		struct str	 id;
		size_t		 at, end;
	}			 wrote;
	/* The answer's loss report: see answer_loss.h */
	struct ir_place		 at;
	bool			 forwarded;	/* as the provider's bytes */
};

/* What of a place in an answer was lost; ANSWER_PART: all of it. */
enum ir_member {
	ANSWER_PART, ANSWER_TEXT, ANSWER_SIGNATURE, ANSWER_REDACTED,
	ANSWER_NOTES, ANSWER_LOGPROBS, ANSWER_ARGS, ANSWER_CHOICE, ANSWER_STOP,
	ANSWER_MEMBERS
};

struct dialect_answer {
	/* By ir_member: the path of what is lost, behind the part's if it
	 * begins with a dot; NULL: the part's. */
	const char		*members[ANSWER_MEMBERS];
	struct json_known	 body;		/* its in, at the root */
	struct json_known	 event;
};

/* Bytes of the provider's answer into events. */
struct ir_decoder {
	const struct dialect	*dialect;
	struct ir_exchange	*x;
	struct ir_sink		 sink;
	void			*state;		/* dec_size zeroed bytes */
	struct json		 json;		/* for the frame at hand */
	int64_t			 sequence;	/* of the next event, where the
						   wire numbers them; or 0 */
};

/* Events into bytes for the client. */
struct ir_encoder {
	const struct dialect	*dialect;
	struct ir_exchange	*x;
	struct buf		*out;
	void			*state;		/* enc_size zeroed bytes */
};

/* For GET /v1/models. */
struct ir_model {
	struct str	 id;
	struct str	 owner;		/* provider */
	int64_t		 created;	/* unix seconds */
};

struct dialect_count;
struct dialect_embed;

struct dialect {
	const char	*name;		/* "openai-chat" */
	const char	*title;		/* "OpenAI Chat Completions" */
	uint32_t	 caps;		/* IR_NEED_* that it can express */
	const struct endpoint *endpoints;	/* ended by method NULL */

	/* --- towards providers: defaults of a provider of this dialect --- */
	const char	*base_url;
	const char	*auth_header;		/* "x-api-key" */
	const char	*auth_format;		/* "{key}" */
	/* Sent unless the client's own allowed header says otherwise:
	 * name, value, name, value ..., NULL. */
	const char *const *headers;
	/* Names of client headers that pass to a provider of this dialect when
	 * the client speaks it too, lower case, NULL at the end. */
	const char *const *pass_request;
	/* Names of provider's headers that pass back to such a client. */
	const char *const *pass_response;

	/*
	 * Decodes rq->json into rq.  Checks the type of every member it knows;
	 * keeps what it does not know in ext or IR_OPAQUE.  -1 with err set.
	 */
	int	(*request_decode)(struct ir_request *, struct ir_error *)
		    __attribute__((__warn_unused_result__));
	/*
	 * Writes x->rq for x->target into out; adds to x->loss and x->names.
	 * Equal requests give equal bytes.  -1 with err set when the request
	 * cannot be expressed at all.
	 */
	int	(*request_encode)(struct ir_exchange *, struct buf *out,
		    struct ir_error *err)
		    __attribute__((__warn_unused_result__));
	/* What is read of a request's conversation, for the loss report of
	 * other dialects' encoders; NULL: the decoder keeps all members. */
	const struct json_known	*request_known;
	/* Path and query for the target, percent-encoded: "/v1/messages". */
	void	(*request_path)(const struct ir_target *, struct buf *);
	/* Does x->target take this medium by its (decoded) http(s) URL?  What
	 * it does not take is fetched for it: see media.h. */
	bool	(*takes_url)(const struct ir_exchange *x,
		    const struct ir_part *, struct str url);

	/*
	 * The answer.  A decoder never sees part of a frame, emits a sequence
	 * that ir_check accepts whatever it is fed, and ends it with END or
	 * ERROR in body_decode, and in event_decode or event_end.  What it
	 * does not understand it skips.  -1 when the sink said so.
	 */
	size_t	 dec_size;
	int	(*event_decode)(struct ir_decoder *, const struct frame *)
		    __attribute__((__warn_unused_result__));
	/* End of the stream: END if it was complete, ERROR if it was cut. */
	int	(*event_end)(struct ir_decoder *)
		    __attribute__((__warn_unused_result__));
	/* Has the provider told why it stopped, in a stream that has not ended?
	 * What can follow are counts and the end.  NULL: never in between. */
	bool	(*event_finished)(const struct ir_decoder *);
	/* A whole body, parsed into dec->json. */
	int	(*body_decode)(struct ir_decoder *)
		    __attribute__((__warn_unused_result__));
	/* A body under an error status, or one that holds an error.  Fills in
	 * what it finds; err comes with kind and status set from the status. */
	void	(*error_decode)(struct arena *, struct str body,
		    struct ir_error *err);

	const struct dialect_answer	*answer;	/* for the loss report;
						   or NULL: tells none */

	size_t	 enc_size;
	/* Appends to enc->out in the client's framing.  An ERROR before any
	 * output is for error_encode: the caller sees to that. */
	void	(*event_encode)(struct ir_encoder *, const struct ir_event *);
	void	(*body_encode)(struct ir_exchange *, const struct ir_response *,
		    struct buf *out);
	void	(*error_encode)(const struct ir_error *, struct str request_id,
		    struct buf *out);
	/* The other operations, see ops.h; NULL: the provider has none. */
	const struct dialect_count	*count;
	const struct dialect_embed	*embed;
	/* No frame says that the stream is complete: its end does. */
	bool	 open_ended;
	/* The last event of a stream, for one whose provider left it out; NULL:
	 * none that can be written without knowing the rest. */
	const char	*stream_end;
	/* What may be sent while the provider is silent; NULL: nothing. */
	const char	*keepalive;
	void	(*models_encode)(const struct ir_model *, size_t n,
		    struct buf *out);
	void	(*model_encode)(const struct ir_model *, struct buf *out);
};

extern const struct dialect	 dialect_openai_chat;
extern const struct dialect	 dialect_openai_responses;
extern const struct dialect	 dialect_anthropic;
extern const struct dialect	 dialect_gemini;

extern const struct dialect *const dialects[];	/* ended by NULL */

/*
 * The stored response in which an item of that id would be, if it is one of
 * ours: in the arena, empty if it cannot be.
 */
struct str	 responses_item_response(struct arena *, struct str item);

/* NULL if there is none. */
const struct dialect	*dialect_byname(struct str);

/* What a path of the API means. */
struct dialect_match {
	const struct dialect	*dialect;
	const struct endpoint	*endpoint;
	struct str		 model;		/* of the path, percent-decoded,
						   in the arena */
	struct str		 item;		/* the same */
};

/*
 * Finds the endpoint for a method and a path (as sent, without its query).
 * 1: found; 0: no such path; -1: the path exists for other methods, m holds it.
 * A path is matched byte for byte, only the model in it is decoded.
 */
int	 dialect_match(struct arena *, struct str method, struct str path,
	    struct dialect_match *m) __attribute__((__warn_unused_result__));

/*
 * The dialect whose error envelope fits a path that is none: by its beginning
 * (/v1beta/, /v1/messages ...), else OpenAI's.
 */
const struct dialect	*dialect_for_path(struct str path);

/*
 * Same dialect on both sides: writes the client's body with the value of every
 * top-level "model" member replaced by model, where the dialect has one and it
 * differs; else the bytes as they are.  usage: "stream_options" asks for usage,
 * whatever it said of that.
 */
void	 dialect_splice(const struct ir_request *, struct str model, bool usage,
	    struct buf *out);
/* Would dialect_splice write the bytes as they are? */
bool	 dialect_splice_none(const struct ir_request *, struct str model,
	    bool usage);

/*
 * For encoders of another dialect's requests: reports what the parts carry
 * that never crosses over, signatures and members that only their own dialect
 * knows; and, where the target has none, marks for the cache and names of
 * participants.
 */
void	 dialect_lose_marks(const struct ir_exchange *, bool names);
/*
 * Reports what becomes of the first of the members names of the client's object
 * at node, by its own path: see ir_member_node.  The object where it has none.
 */
void	 dialect_lose_member(const struct ir_exchange *, enum loss_action,
	    uint32_t node, const char *const *names, const char *why);
/* Likewise: that it wants one call at a time, or asks for logprobs. */
void	 dialect_lose_parallel(const struct ir_exchange *, enum loss_action,
	    const char *why);
/* Names of how thoughts are to be told. */
extern const char *const	 dialect_summary[];
void	 dialect_lose_logprobs(const struct ir_exchange *, enum loss_action,
	    const char *why);
/*
 * The mark for the cache that a part of one of OpenAI's APIs has, where the
 * target is the other one, which has the same; else JV_NONE.
 */
struct jv	 dialect_cache_mark(const struct ir_exchange *,
		    const struct ir_part *);
/*
 * Can a part that only the client's dialect has be told as the text of its
 * JSON?  What is large is data, and nothing to read.
 */
bool	 dialect_can_tell(const struct ir_part *);
#define DIALECT_NOT_TOLD	"only the client's own dialect has this"
/*
 * A member of the request that cannot be left out without a change of what the
 * request means: why not, or NULL.
 */
const char	*dialect_vital(const struct ir_ext *);
/*
 * Reports a member of the request that the target has no place for: not at all
 * if it asks for what happens anyway, as refused if dialect_vital, as ignored if
 * it means nothing to another provider; else as dropped for the reason why.
 */
void	 dialect_lose_ext(const struct ir_exchange *, const struct ir_ext *,
	    const char *why);
/*
 * No message is left to send, mostly because what was refused stood for the
 * conversation: sets a 400 that says so, or names that.  Returns -1.
 */
int	 dialect_nothing_left(const struct ir_exchange *, struct ir_error *)
	    __attribute__((__warn_unused_result__));

/*
 * For encoders of answers: a reason to stop for which the client's dialect has
 * no word goes to the report, with the provider's.
 */
void	 dialect_lose_stop(struct ir_exchange *, enum ir_stop,
	    struct str raw);

/*
 * Life cycle of decoder and encoder: init .. release; the state comes from
 * x->arena.  For a whole body, dec_body parses it and calls body_decode; text
 * that is not JSON emits ERROR.
 */
void	 ir_decoder_init(struct ir_decoder *, const struct dialect *,
	    struct ir_exchange *, struct ir_sink);
void	 ir_decoder_release(struct ir_decoder *);
int	 ir_decoder_frame(struct ir_decoder *, const struct frame *)
	    __attribute__((__warn_unused_result__));
int	 ir_decoder_end(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
int	 ir_decoder_body(struct ir_decoder *, struct str body)
	    __attribute__((__warn_unused_result__));

void	 ir_encoder_init(struct ir_encoder *, const struct dialect *,
	    struct ir_exchange *, struct buf *out);

#endif /* WIRE_DIALECT_H */
