#ifndef WIRE_OPS_H
#define WIRE_OPS_H

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
 * What the dialects offer besides answers of a model: counting the tokens of a
 * request, and embeddings.  Neither streams.  A dialect without one of them has
 * NULL in its place.
 */

/* --- counting --------------------------------------------------------------- */

/*
 * The request that is counted is one for an answer; what the counter takes of
 * it, body writes.
 */
struct dialect_count {
	void	(*path)(const struct ir_target *, struct buf *);
	/* From a request of this dialect, parsed, to the counter's own. */
	void	(*body)(const struct ir_target *, struct jv request,
		    struct buf *);
	/* The count in an answer; -1: there is none. */
	int	(*read)(struct jv answer, int64_t *tokens)
		    __attribute__((__warn_unused_result__));
	void	(*write)(int64_t tokens, struct buf *);
	/* The request to be counted within the client's body, JV_NONE where
	 * the body is it; or NULL. */
	struct jv	(*inner)(struct jv body);
};

extern const struct dialect_count	 count_anthropic;
extern const struct dialect_count	 count_gemini;
extern const struct dialect_count	 count_responses;

/* --- embeddings ------------------------------------------------------------- */

/* One text to be embedded.  Node 0: the request has only this one. */
struct embed_text {
	struct jstr		 text;
	struct str		 tokens;	/* raw JSON: numbers instead */
	struct jstr		 title;
	struct str		 task;		/* Gemini's taskType */
	uint32_t		 node;
	struct embed_text	*next;
};

struct embed {
	/* set by the caller before decode */
	const struct dialect	*from;
	struct arena		*arena;
	const struct json	*json;
	struct str		 path_model;
	bool			 single;	/* Gemini's :embedContent */
	struct loss		*loss;

	/* set by decode */
	struct str		 model;
	struct embed_text	*texts;
	struct embed_text	**last;
	size_t			 n;		/* of texts; less where only a
						   part of them is asked for */
	int64_t			 dims;		/* -1: not given */
	bool			 base64;	/* how the client wants them */
	bool			 user;		/* an end user is named */
	bool			 truncate;	/* autoTruncate is asked for */
	uint32_t		 media;		/* node of what is no text */
	uint32_t		 mixed;		/* ... whose dims differ */
};

/* An embedding in an answer: one of the three forms. */
struct embed_vector {
	struct str	 text;		/* JSON, as the client is to have it */
	struct jv	 numbers;	/* an array */
	struct str	 floats;	/* 4 bytes each, little-endian */
};

struct embed_answer {
	struct embed_vector	*v;	/* in the order of the texts */
	size_t			 n;
	struct str		 model;
	int64_t			 tokens;	/* -1: not said */
};

struct dialect_embed {
	size_t	 max;		/* texts in a request; more go in several */
	/* Checks the type of every member that it knows.  -1 with err set. */
	int	(*decode)(struct embed *, struct ir_error *)
		    __attribute__((__warn_unused_result__));
	void	(*path)(const struct embed *, const struct ir_target *,
		    struct buf *);
	/* -1 with err set when e cannot be expressed; adds to e->loss. */
	int	(*encode)(const struct embed *, const struct ir_target *,
		    struct buf *, struct ir_error *)
		    __attribute__((__warn_unused_result__));
	/* -1: it is no answer with as many vectors as e has texts.  What is
	 * read points into the answer's JSON and e's arena. */
	int	(*read)(const struct embed *, struct jv answer,
		    struct embed_answer *)
		    __attribute__((__warn_unused_result__));
	void	(*write)(const struct embed *, const struct embed_answer *,
		    struct buf *);
};

extern const struct dialect_embed	 embed_openai;
extern const struct dialect_embed	 embed_gemini;

struct embed_text	*embed_text_add(struct embed *, uint32_t node);
/* As numbers in a JSON array, or as base64 of floats with its quotes. */
void	 embed_vector_write(const struct embed_vector *, bool base64,
	    struct buf *);
/* Tokens of all texts, biased high. */
int64_t	 embed_estimate(const struct embed *);

#endif /* WIRE_OPS_H */
