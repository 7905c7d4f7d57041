#ifndef WIRE_DIALECT_GEMINI_H
#define WIRE_DIALECT_GEMINI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/cite.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/server_run.h"

/*
 * What the files of the Gemini dialect share:
 *
 *	_decode.c, _contents.c	request to common form
 *	_encode.c, _turns.c	common form to request
 *	_answer.c		answer (chunks, body) to common form
 *	_write.c		common form to answer
 *	dialect_gemini.c	look-ups, errors, lists of
 *			models, and struct dialect
 *
 * The wire form is that of the proto messages in google/ai/generativelanguage/
 * v1beta, in proto3 JSON: names in camelCase or snake_case, enums as names or
 * numbers, null as if it were not there.
 */

/*
 * Member by its camelCase name, whichever form the text has; the last one where
 * it stands twice.  Null is JV_NONE.
 */
struct jv	 gem_get(struct jv object, const char *camel);
/* Is that the member's name, in either form? */
bool		 gem_key_is(struct jv member, const char *camel);

/*
 * What kind of part a MIME type makes: IR_IMAGE, IR_AUDIO, IR_VIDEO, else
 * IR_DOCUMENT.
 */
enum ir_part_type	 gem_media_part(struct str mime);

/*
 * Base64 in the standard alphabet, padded, without line ends: proto3 JSON takes
 * the URL-safe one too, and clients send it.
 */
struct str	 gem_base64(struct arena *, struct str);

/*
 * "models/x", also where the name says so already, percent-encoded for a path
 * if encode.  A model is one segment there, so that its name cannot lead
 * elsewhere at the provider; only tuned models have their own collection.
 */
void	 gem_model_path(struct str model, bool encode, struct buf *);

/* "call_" and 24 characters that depend on the arguments alone. */
struct str	 gem_call_id(struct arena *, struct str seed, unsigned position,
		    struct str name);

/*
 * The place of a string in an enum: its number there.  v is a name (in any
 * case) or a number; -1: none of them.  names ends with NULL.
 */
int	 gem_enum(struct arena *, struct jv, const char *const *names);

/* An error object, or its HTTP code, into err. */
void	 gem_error(struct arena *, struct jv error, struct ir_error *err);
/* {"error":{..}} */
void	 gem_error_write(const struct ir_error *, struct str request_id,
	    struct jw *);

int	 gem_request_decode(struct ir_request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
bool	 gem_takes_url(const struct ir_exchange *, const struct ir_part *,
	    struct str url);
int	 gem_request_encode(struct ir_exchange *, struct buf *,
	    struct ir_error *) __attribute__((__warn_unused_result__));

/* Bytes that grow in an arena. */
struct gem_acc {
	char	*p;
	size_t	 n, cap;
	bool	 toobig;
};

#define GEM_ACC_MAX	((size_t)64 << 20)

/* What would pass GEM_ACC_MAX is left out and marked. */
void	 gem_acc_add(struct arena *, struct gem_acc *, const char *, size_t);
void	 gem_acc_value(struct arena *, struct gem_acc *, struct str);

/* State of a decoder of answers. */
struct gem_candidate {
	bool			 seen;		/* anything at all of it */
	bool			 open;
	bool			 parts;		/* had one */
	bool			 called;
	bool			 sealed;	/* the open part has its
						   signature: text goes on in
						   another */
	enum ir_part_type	 type;		/* of the open part */
	unsigned		 index;		/* likewise */
	bool			 finished;
	enum ir_stop		 stop;
	struct str		 stop_raw;
	struct gem_partial	*partial;	/* a call in pieces */
};

struct gem_dec {
	bool			 started, ended;
	bool			 blocked;
	struct str		 block_raw;
	bool			 has_usage;
	struct ir_usage		 usage;
	struct str		 id;
	unsigned		 next_index;
	unsigned		 calls;
	struct gem_candidate	 first;
	struct gem_candidate	*more;		/* IR_CHOICES_MAX of them */
};

int	 gem_event_decode(struct ir_decoder *, const struct frame *)
	    __attribute__((__warn_unused_result__));
bool	 gem_event_finished(const struct ir_decoder *);
extern const struct dialect_answer	 gem_answer;
int	 gem_event_end(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));
int	 gem_body_decode(struct ir_decoder *)
	    __attribute__((__warn_unused_result__));

/* State of an encoder of answers. */
struct gem_choice {
	struct cite_hold	 hold;
	struct server_runs	 runs;
	struct gem_acc		 beside;	/* of runs: {"groundingMeta.. */
	bool			 seen;
	enum ir_tool_kind	 tool;
	struct str		 id, name, media_type;
	struct gem_acc		 acc;		/* arguments or media so far */
	struct jstr		 signature;
	enum ir_stop		 stop;
	struct str		 stop_raw;
};

struct gem_enc {
	bool			 begun;		/* bytes were written */
	struct str		 id, model;
	struct ir_usage		 usage;
	bool			 has_usage;
	struct gem_choice	 first;
	struct gem_choice	*more;		/* IR_CHOICES_MAX of them */
};

void	 gem_event_encode(struct ir_encoder *, const struct ir_event *);
void	 gem_body_encode(struct ir_exchange *, const struct ir_response *,
	    struct buf *);

#endif /* WIRE_DIALECT_GEMINI_H */
