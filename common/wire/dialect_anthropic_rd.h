#ifndef WIRE_DIALECT_ANTHROPIC_RD_H
#define WIRE_DIALECT_ANTHROPIC_RD_H

#include "wire/dialect_anthropic.h"

/* Reading Anthropic's requests: what _decode.c and _content.c share. */

struct an_reader {
	struct ir_request	*rq;
	struct arena		*a;
	struct ir_error		*err;
	const struct ir_message	*assistant;	/* the last one */
};

/*
 * The members of messages, blocks and tools.  A conversation has hundreds of
 * these, with two to five members each: they are gone over once.
 */
enum an_name {
	AN_CACHE_CONTROL, AN_CLEAR_AT, AN_CONTENT, AN_CONTEXT, AN_DATA,
	AN_DESCRIPTION, AN_ID, AN_INPUT, AN_INPUT_SCHEMA, AN_IS_ERROR, AN_NAME,
	AN_OUTPUT_CONFIG, AN_ROLE, AN_SIGNATURE, AN_SOURCE, AN_STRICT, AN_TEXT,
	AN_THINKING, AN_TITLE, AN_TOOL, AN_TOOL_NAME, AN_TOOL_USE_ID, AN_TYPE,
	AN_OTHER			/* all others; the number of those */
};

#define AN_BIT(name)	(1u << (name))

struct an_object {
	struct jv	 v;
	uint32_t	 node[AN_OTHER];	/* 0: it has none */
	uint32_t	 seen;			/* AN_BITs */
};

/* v is an object.  Of a name that stands twice the last one counts. */
void	 an_object_read(struct an_object *, struct jv v);

/* Missing, where there is none. */
static inline struct jv
an_member(const struct an_object *o, enum an_name name)
{
	const struct json	*j = o->v.j;

	return o->node[name] == 0 ? JV_NONE : (struct jv){ j, o->node[name],
	    j->nodes[o->v.i].next };
}

/*
 * Typed access: 0, or -1 with err set.  A member that is missing or null
 * becomes JV_NONE, an empty string, or leaves what it would set as it is.
 */
int	 an_get(struct an_reader *, struct jv object, const char *name,
	    enum json_type, struct jv *) __attribute__((__warn_unused_result__));
int	 an_need_str(struct an_reader *, struct jv object, const char *name,
	    struct jv *) __attribute__((__warn_unused_result__));
int	 an_get_str(struct an_reader *, struct jv object, const char *name,
	    struct str *) __attribute__((__warn_unused_result__));
int	 an_get_bool(struct an_reader *, struct jv object, const char *name,
	    enum ir_tri *) __attribute__((__warn_unused_result__));
int	 an_cache_at(struct an_reader *, const struct an_object *,
	    enum ir_cache *)
	    __attribute__((__warn_unused_result__));
/* The same of members that are found. */
int	 an_at(struct an_reader *, const struct an_object *, enum an_name,
	    enum json_type, struct jv *) __attribute__((__warn_unused_result__));
int	 an_need_at(struct an_reader *, const struct an_object *, enum an_name,
	    struct jv *) __attribute__((__warn_unused_result__));
int	 an_str_at(struct an_reader *, const struct an_object *, enum an_name,
	    struct str *) __attribute__((__warn_unused_result__));
int	 an_jstr_at(struct an_reader *, const struct an_object *, enum an_name,
	    struct jstr *) __attribute__((__warn_unused_result__));
int	 an_bool_at(struct an_reader *, const struct an_object *, enum an_name,
	    enum ir_tri *) __attribute__((__warn_unused_result__));
/* Sets err: the member is missing, and what it should be.  Returns -1. */
int	 an_required(struct an_reader *, struct jv object, const char *name,
	    const char *what);

/*
 * The members of object that known (it ends with NULL) does not name, and that
 * say something: as one JSON object, empty if there is none; or one by one for
 * the reports of other dialects.
 */
struct str	 an_further(struct an_reader *, struct jv object,
		    const char *const *known);
void		 an_further_ext(struct an_reader *, struct jv object,
		    const char *const *known);

/* The same; known are AN_BITs. */
struct str	 an_further_of(struct an_reader *, const struct an_object *,
		    uint32_t known);
void		 an_further_ext_of(struct an_reader *,
		    const struct an_object *, uint32_t known);

/* The tool v, at the end of the list. */
int	 an_tool_read(struct an_reader *, struct jv v)
	    __attribute__((__warn_unused_result__));
/* The value of "system"; the member "messages" of root. */
int	 an_system_read(struct an_reader *, struct jv v)
	    __attribute__((__warn_unused_result__));
int	 an_messages_read(struct an_reader *, struct jv root)
	    __attribute__((__warn_unused_result__));

#endif /* WIRE_DIALECT_ANTHROPIC_RD_H */
