#ifndef WIRE_DIALECT_OPENAI_CHAT_H
#define WIRE_DIALECT_OPENAI_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

/*
 * What the files of the OpenAI Chat Completions dialect share:
 *
 *	_decode.c	request to common form
 *	_messages.c	its messages
 *	_encode.c	common form to request
 *	_turns.c	its messages
 *	_answer.c	answer (events, body) to common form
 *	_write.c	common form to answer
 *	dialect_openai_chat.c	errors, lists of models,
 *			and struct dialect
 *	dialect_openai_format.c	formats of answers, for both of OpenAI's APIs
 *	dialect_openai_strict.c	what their strict schemas may have
 */

/* The key of the end user's id in both of OpenAI's APIs: as the client has it. */
const char	*chat_user_key(const struct ir_request *);
/*
 * What OpenAI asks of a strict schema: every object closed, every property
 * required, no keyword that it does not know.  Another dialect's guarantee can
 * be kept only where this holds.
 */
bool	 chat_strict_fits(struct str schema);
/* Likewise; to the empty out the schema is written with its objects closed. */
enum chat_strict {
	CHAT_STRICT_NO,
	CHAT_STRICT_KEPT,	/* as it is */
	CHAT_STRICT_CLOSED	/* as it was written: it did not say so */
};
enum chat_strict	 chat_strict_write(struct str schema,
			    struct buf *out);
#define CHAT_CLOSED	"objects of constrained output are closed"
#define CHAT_NOT_STRICT	"not strict: all properties would have to be " \
	"required, and no keyword refused"

/*
 * A tool's schema as both of OpenAI's APIs take it; false: in another form,
 * for CHAT_NO_CHOICE.
 */
#define CHAT_NO_CHOICE	"an object is what parameters are there, without a " \
	"choice at the root"
bool	 chat_parameters_write(const struct ir_request *,
	    const struct ir_tool *, struct jw *);

/* Will the model think, by what is asked of it?  Then few take sampling. */
bool	 chat_thinks(const struct ir_request *, const struct model_caps *);
#define CHAT_MEDIUM	"thinking without a measure is sent as medium effort"

/*
 * What becomes of the format of answers that is asked for.  JSON mode is
 * refused unless one of the messages names JSON (instructions do not count),
 * and so is a schema that is not an object's.
 */
enum chat_format {
	CHAT_FORMAT_KEPT,
	CHAT_FORMAT_NAMED,	/* a message must name JSON */
	CHAT_FORMAT_TOLD	/* a message must tell the schema instead */
};
enum chat_format	 chat_format(const struct ir_request *,
			    const struct ir_message *);
/* For the report. */
const char		*chat_format_why(enum chat_format);
/* That message's content, a string. */
void			 chat_format_say(const struct ir_request *,
			    enum chat_format, struct jw *);
/*
 * The schema of rq->format, closed where other dialects' clients are given
 * answers that keep to it without asking.  Can that be promised?
 */
enum chat_strict	 chat_format_schema(const struct ir_request *,
			    struct jw *);

/*
 * Is the provider OpenAI itself (or Azure's copy of it)?  An unnamed one, as
 * in offline translation, is neither that nor a compatible server.
 */
bool	 chat_provider_openai(const struct ir_exchange *);
bool	 chat_provider_compatible(const struct ir_exchange *);

/* What reading a request needs. */
struct chat_read {
	struct ir_request	*rq;
	struct arena		*a;
	struct ir_error		*err;
	struct ir_message	*calls;		/* last message with calls */
	struct str		 legacy_id;	/* of the last function_call */
	unsigned		 n_messages;
};

/*
 * Typed access: missing and null are the same (JV_NONE, empty), anything else
 * is checked.  types is a set of CHAT_T_*.  -1 with err set.
 */
#define CHAT_T_STRING	(1u << JSON_STRING)
#define CHAT_T_NUMBER	(1u << JSON_NUMBER)
#define CHAT_T_BOOL		(1u << JSON_TRUE | 1u << JSON_FALSE)
#define CHAT_T_ARRAY		(1u << JSON_ARRAY)
#define CHAT_T_OBJECT	(1u << JSON_OBJECT)

int	 chat_want(struct chat_read *, struct jv, unsigned types,
	    const char *expected) __attribute__((__warn_unused_result__));
int	 chat_get(struct chat_read *, struct jv object, const char *name,
	    unsigned types, const char *expected, struct jv *)
	    __attribute__((__warn_unused_result__));
int	 chat_get_str(struct chat_read *, struct jv object, const char *name,
	    struct str *) __attribute__((__warn_unused_result__));
int	 chat_get_jstr(struct chat_read *, struct jv object, const char *name,
	    struct jstr *) __attribute__((__warn_unused_result__));
int	 chat_get_tri(struct chat_read *, struct jv object, const char *name,
	    enum ir_tri *) __attribute__((__warn_unused_result__));
int	 chat_get_object(struct chat_read *, struct jv object,
	    const char *name, struct jv *)
	    __attribute__((__warn_unused_result__));
/* Sets err: the member is missing.  Returns -1. */
int	 chat_required(struct chat_read *, struct jv object, const char *name)
	    __attribute__((__warn_unused_result__));
void	 chat_read_cache(struct chat_read *, struct jv, enum ir_cache *);
int	 chat_read_messages(struct chat_read *, struct jv)
	    __attribute__((__warn_unused_result__));

int	 chat_request_decode(struct ir_request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
/* What writing a request for another dialect's client needs. */
struct chat_media;
struct chat_req {
	struct ir_exchange	*x;
	const struct ir_request	*rq;
	struct arena		*a;
	struct jw		 w;
	bool			 openai;	/* chat_provider_openai */
	bool			 compatible;	/* chat_provider_compatible */
	bool			 quiet;		/* tell of no losses */
	enum chat_format	 format;
	bool			 answered;	/* results of the last turn's
						   calls are written */
	struct chat_media	*media;		/* for the next user message */
	struct chat_media	**last_media;
	unsigned		 n_messages;	/* written */
};

void	 chat_lose(struct chat_req *, enum loss_action, uint32_t node,
	    const char *suffix, const char *why);
/* A tool's name as OpenAI takes it. */
struct str	 chat_fit_name(struct chat_req *, struct str);
/* Told once: the cache is automatic here. */
/* The value of "messages". */
void	 chat_write_messages(struct chat_req *);

bool	 chat_takes_url(const struct ir_exchange *, const struct ir_part *,
	    struct str url);
int	 chat_request_encode(struct ir_exchange *, struct buf *,
	    struct ir_error *) __attribute__((__warn_unused_result__));

/* State of a decoder of answers: one for all choices, one for each. */
struct chat_dec_choice;
struct chat_dec {
	struct chat_dec_choice	*choice[IR_CHOICES_MAX];
	unsigned		 top;		/* none is here or above */
	unsigned		 next_index;	/* of the next part */
	bool			 started;	/* START is out */
	bool			 over;		/* END or ERROR is out */
	bool			 has_usage;
	struct ir_usage		 usage;
	size_t			 held;		/* bytes held back */
};

/* Likewise of an encoder. */
struct chat_enc_choice;
struct chat_enc {
	struct chat_enc_choice	*choice[IR_CHOICES_MAX];
	struct str		 id, model;
	int64_t			 created;
	bool			 started;
	bool			 over;
	bool			 has_usage;
	struct ir_usage		 usage;
};

int	 chat_event_decode(struct ir_decoder *, const struct frame *)
	    __attribute__((__warn_unused_result__));
bool	 chat_event_finished(const struct ir_decoder *);
extern const struct json_known		 chat_request_known;
extern const struct dialect_answer	 chat_answer;
int	 chat_event_end(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
int	 chat_body_decode(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
void	 chat_event_encode(struct ir_encoder *, const struct ir_event *);
void	 chat_body_encode(struct ir_exchange *, const struct ir_response *,
	    struct buf *);

/* Headers that pass, in both of OpenAI's dialects. */
extern const char *const	 chat_pass_request[], *const chat_pass_response[];

/*
 * Finds the error in a value of any shape that is in use: {"error":{..}},
 * {"error":"text"}, {"object":"error","message":..}, {"detail":..}.  false: it
 * is none, err is untouched.  Under status 200 the kind comes from the words.
 */
bool	 chat_error_read(struct arena *, struct jv, struct ir_error *);
/* The envelope, as one JSON value. */
void	 chat_error_write(const struct ir_error *, struct jw *);

#endif /* WIRE_DIALECT_OPENAI_CHAT_H */
