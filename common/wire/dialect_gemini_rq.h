#ifndef WIRE_DIALECT_GEMINI_RQ_H
#define WIRE_DIALECT_GEMINI_RQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "wire/dialect_gemini.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

/*
 * Requests in two files each way: _contents.c reads and _turns.c writes the
 * conversation, _decode.c and _encode.c the rest.
 */

/* --- reading ------------------------------------------------------------ */

#define GEM_BUCKETS	256

struct gem_call;

struct gem_calls {
	struct gem_call	*first;
	struct gem_call	**last;
};

struct gem_reader {
	struct ir_request	*rq;
	struct ir_error		*err;
	struct arena		*a;
	struct gem_calls	 open[GEM_BUCKETS];	/* without a result */
	unsigned		 position;	/* of calls, counted */
};

/*
 * All return -1 with the error set.  The readers of values leave *out as it is
 * where the value is missing.
 */
int	 gem_wrong_type(struct gem_reader *, struct jv, const char *expected);
int	 gem_missing(struct gem_reader *, struct jv object, const char *name,
	    const char *expected);
int	 gem_boolean(struct gem_reader *, struct jv, enum ir_tri *out)
	    __attribute__((__warn_unused_result__));
int	 gem_string(struct gem_reader *, struct jv, struct str *out)
	    __attribute__((__warn_unused_result__));
int	 gem_text(struct gem_reader *, struct jv, struct jstr *out)
	    __attribute__((__warn_unused_result__));

/* Is the member's name among names, which NULL ends? */
bool	 gem_known(struct jv member, const char *const *names);

/*
 * Members of object that names does not have, and that say something: they go
 * to the reports of other dialects.
 */
void	 gem_others(struct gem_reader *, struct jv object,
	    const char *const *names);

/* The elements of an array, or the one thing that stands in its place. */
struct jv	 gem_each_first(struct jv);
struct jv	 gem_each_next(struct jv container, struct jv element);

int	 gem_contents_decode(struct gem_reader *, struct jv)
	    __attribute__((__warn_unused_result__));
/* The messages form of the lenient path. */
int	 gem_messages_decode(struct gem_reader *, struct jv)
	    __attribute__((__warn_unused_result__));
int	 gem_system_decode(struct gem_reader *, struct jv)
	    __attribute__((__warn_unused_result__));

/* --- writing ------------------------------------------------------------ */

enum gem_turn { GEM_TURN_NONE, GEM_TURN_USER, GEM_TURN_MODEL };

struct gem_writer {
	struct ir_exchange	*x;
	const struct ir_request	*rq;
	struct arena		*a;
	struct jw		 w;
	struct model_caps	 model;
	enum gem_turn		 turn;		/* the one that is open */
	bool			 any;		/* one was written */
	bool			 called;	/* the open one has a call */
	bool			 functions;	/* functionDeclarations exist */
	bool			 config;	/* generationConfig is open */
};

void	 gem_lose(struct gem_writer *, enum loss_action, uint32_t node,
	    const char *suffix, const char *why);
/* Of all cache marks the first is reported. */

/* A function's name as Gemini takes it. */
struct str	 gem_fit_name(struct gem_writer *, struct str);

/*
 * Writes systemInstruction from the leading system messages; returns the first
 * message that gem_contents_write then begins with.
 */
const struct ir_message	*gem_system_write(struct gem_writer *);
/* Is the format told in there, because functions keep the model from it? */
bool	 gem_format_told(const struct gem_writer *);
void	 gem_contents_write(struct gem_writer *, const struct ir_message *);

#endif /* WIRE_DIALECT_GEMINI_RQ_H */
