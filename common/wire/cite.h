#ifndef WIRE_CITE_H
#define WIRE_CITE_H

#include "base/arena.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/json.h"

/*
 * Citations between dialects.  What all have is the address of a page and its
 * title; OpenAI tells the cited stretch of the answer in characters, Gemini in
 * bytes, Anthropic by cutting the answer into blocks, and quotes the source.
 * Citations of files and of documents in the prompt go where a file can be
 * cited: to Gemini by name, to Responses by its id; else they stay behind.
 */

/* The text that a list of citations is about. */
struct cite_text {
	struct jstr	 text;		/* as far as it is known; may be none */
	int64_t		 chars;		/* its length; -1: count text */
	int64_t		 before;	/* characters of the message before it */
};

/* Characters (code points) of a text; an escape of JSON counts as what it is. */
int64_t	 cite_chars(struct jstr);

/*
 * Writes the annotations in list (raw values of dialect from, commas between)
 * as array elements, commas by w, in the form of dialect to, which is not
 * Gemini: see cite_write_parts.  Returns how many could not be expressed.
 */
unsigned cite_write(struct arena *, const struct dialect *from,
	    const struct dialect *to, struct str list,
	    const struct cite_text *, struct jw *w);

/*
 * For a stream: a part's text and the citations of another dialect in it, held
 * until the part ends, when the whole is known.  Zeroed it is empty.
 */
struct cite_acc {
	char		*p;
	size_t		 n, cap;
};

/* The notes of one part, and where its text begins and ends. */
struct cite_span {
	size_t			 text, text_end, notes, notes_end;
	struct ir_place		 at;
	unsigned		 lost;		/* by cite_write_parts */
	struct cite_span	*next;
};

struct cite_hold {
	struct cite_acc		 text, notes;
	const struct dialect	*from;
	struct cite_span	*spans, **last;	/* of parts that have ended */
	size_t			 text_mark, notes_mark;
};

void	 cite_hold_clear(struct cite_hold *);	/* keeps its memory */
void	 cite_hold_text(struct arena *, struct cite_hold *, struct jstr);
void	 cite_hold_note(struct arena *, struct cite_hold *,
	    const struct dialect *from, struct str raw);
/* A part has ended: the notes since the last one are about its text alone. */
void	 cite_hold_part(const struct ir_exchange *, struct cite_hold *);
/*
 * The notes of all parts as Gemini's {"groundingMetadata":..}, which counts the
 * bytes of the answer's whole text.  Each span tells what it has lost.
 */
void	 cite_write_parts(struct arena *, struct cite_hold *, struct jw *);
struct jstr	 cite_held_text(const struct cite_hold *);
struct str	 cite_held_notes(const struct cite_hold *);

#endif /* WIRE_CITE_H */
