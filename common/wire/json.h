#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/*
 * JSON (RFC 8259) without copies: a reader that validates a text and yields a
 * flat array of nodes over it, and a writer that appends to a struct buf.
 *
 * A JSON string that goes from one text to another need never be unescaped:
 * struct jstr is what stands between the quotes, escapes and all.  It is a
 * type of its own so that escaped and plain bytes cannot be mixed up.
 */
struct jstr {
	const char	*p;
	size_t		 n;
};

#define JSTR(lit)	((struct jstr){ (lit), sizeof(lit) - 1 })
#define JSTR_NONE	((struct jstr){ NULL, 0 })

#define JSON_MAX_DEPTH	128
#define JSON_MAX_NODES	(1u << 24)

enum json_type {
	JSON_MISSING, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER,
	JSON_STRING, JSON_ARRAY, JSON_OBJECT
};

/*
 * In document order.  The members of an object are key node, value node, key
 * node, value node ...
 */
struct json_node {
	uint32_t	 off;		/* of the value; of a string, behind " */
	uint32_t	 len;		/* of the value; of a string, without "" */
	uint32_t	 next;		/* index of the node after this subtree */
	uint8_t		 type;		/* enum json_type */
	bool		 escaped;	/* a string with a backslash in it */
	bool		 key;		/* a member's name */
};

struct json {
	struct str		 text;
	struct json_node	*nodes;
	uint32_t		 n;
	uint32_t		 cap;
};

struct json_error {
	size_t		 offset;	/* bytes before the fault */
	const char	*what;		/* static text */
};

/*
 * Parses and validates text: syntax, UTF-8, depth, number of nodes, nothing
 * behind the value.  text must outlive j, and be shorter than 4 GiB.  j may be
 * used again for another text; json_release frees the nodes.  After a failure
 * the root is missing; the error may be NULL.
 */
void	 json_init(struct json *);
void	 json_release(struct json *);
int	 json_parse(struct json *, struct str text, struct json_error *)
	    __attribute__((__warn_unused_result__));

/*
 * A value in a parsed text.  One that is not there has the type JSON_MISSING,
 * and every accessor takes it: look-ups can be chained without checks.
 */
struct jv {
	const struct json	*j;
	uint32_t		 i;		/* node */
	uint32_t		 end;		/* first node behind its parent */
};

#define JV_NONE		((struct jv){ NULL, 0, 0 })

/* Forgets the text, keeps the memory. */
void		 json_clear(struct json *);

struct jv	 json_root(const struct json *);
struct jv	 json_at(const struct json *, uint32_t node);
const char	*json_type_name(enum json_type);	/* "a string" ... */

static inline bool
json_ok(struct jv v)
{
	return v.j != NULL;
}

static inline enum json_type
json_type(struct jv v)
{
	return json_ok(v) ? (enum json_type)v.j->nodes[v.i].type :
	    JSON_MISSING;
}

/* True for a value that is missing or null. */
static inline bool
json_empty(struct jv v)
{
	return json_type(v) <= JSON_NULL;
}

/* Member of an object; the last one where a name stands twice. */
struct jv	 json_get_str(struct jv object, struct str name);

/* Here, so that the lengths of names are known when this is compiled. */
static inline struct jv
json_get(struct jv object, const char *name)
{
	return json_get_str(object, str_of(name));
}

/*
 * for (e = json_first(v); json_ok(e); e = json_next(e)): the elements of an
 * array, or the member values of an object; of these json_key gives the name.
 */
struct jv	 json_first(struct jv container);
struct jv	 json_next(struct jv element);
struct jv	 json_key(struct jv member);
size_t		 json_count(struct jv container);

/* The value's bytes as they stand in the text, a string with its quotes. */
struct str	 json_raw(struct jv);

/* A string's contents: still escaped, decoded (copied only if need be). */
struct jstr	 json_jstr(struct jv);
struct str	 json_str(struct arena *, struct jv);
/* Is it a string with this decoded value? */
bool		 json_is_str(struct jv, struct str);

static inline bool
json_is(struct jv v, const char *z)
{
	return json_is_str(v, str_of(z));
}

bool		 json_key_is(struct jv member, const char *);
/* Is its name one of these?  They end with NULL. */
bool		 json_key_in(struct jv member, const char *const *names);

/* A number that is a whole one in int64 ("3", "3.0", "3e2"); else -1. */
int	 json_int(struct jv, int64_t *) __attribute__((__warn_unused_result__));
int	 json_double(struct jv, double *)
	    __attribute__((__warn_unused_result__));

/* The array or object whose text begins at p, which lies in j's; or missing. */
struct jv	 json_find(const struct json *, const char *p);

/*
 * The place of a node in its text as "messages[3].content[0].type"; the root is
 * "".  Walks from the root: for error messages and the loss report only.
 */
struct str	 json_path(struct arena *, const struct json *, uint32_t node);

/* Unescapes; a lone surrogate becomes U+FFFD.  Returns s.p's bytes if plain. */
struct str	 jstr_decode(struct arena *, struct jstr);
/* Escapes into the arena, unless nothing needs it. */
struct jstr	 jstr_encode(struct arena *, struct str);

static inline bool
jstr_empty(struct jstr s)
{
	return s.n == 0;
}

/*
 * The writer.  Commas are its own matter; the caller pairs objects and arrays.
 * A full buf is seen by buf_ok(w->b) at the end.
 */
struct jw {
	struct buf	*b;
	bool		 comma;		/* one is due before the next value */
};

void	 jw_init(struct jw *, struct buf *);
void	 jw_object(struct jw *);
void	 jw_object_end(struct jw *);
void	 jw_array(struct jw *);
void	 jw_array_end(struct jw *);
void	 jw_name(struct jw *, const char *, size_t);	/* needs no escape */
void	 jw_key_str(struct jw *, struct str);
void	 jw_key_jstr(struct jw *, struct jstr);
void	 jw_str(struct jw *, struct str);		/* escapes */
void	 jw_strz(struct jw *, const char *);
void	 jw_jstr(struct jw *, struct jstr);		/* copies */
/*
 * Copies a value, but for line ends between its tokens, so that it fits into a
 * line of SSE.  An empty slice is written as null.
 */
void	 jw_raw(struct jw *, struct str json);
void	 jw_int(struct jw *, int64_t);
void	 jw_bool(struct jw *, bool);
void	 jw_null(struct jw *);

/* A name that needs no escape; here, as json_get. */
static inline void
jw_key(struct jw *w, const char *literal)
{
	jw_name(w, literal, strlen(literal));
}

/*
 * A JSON string written in pieces: jw_open, the pieces, jw_close.  A piece for
 * jw_piece_str holds whole characters.
 */
void	 jw_open(struct jw *);
void	 jw_piece_str(struct jw *, struct str);		/* escapes */
void	 jw_piece_jstr(struct jw *, struct jstr);
void	 jw_close(struct jw *);

/* Appends s escaped, without quotes; what is not UTF-8 becomes U+FFFD. */
void	 json_escape(struct buf *, struct str);

#endif /* WIRE_JSON_H */
