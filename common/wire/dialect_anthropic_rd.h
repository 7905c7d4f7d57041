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
 * Typed access: 0, or -1 with err set.  A member that is missing or null
 * becomes JV_NONE, an empty string, or leaves what it would set as it is.
 */
int	 an_get(struct an_reader *, struct jv object, const char *name,
	    enum json_type, struct jv *) __attribute__((__warn_unused_result__));
int	 an_need_str(struct an_reader *, struct jv object, const char *name,
	    struct jv *) __attribute__((__warn_unused_result__));
int	 an_get_str(struct an_reader *, struct jv object, const char *name,
	    struct str *) __attribute__((__warn_unused_result__));
int	 an_get_jstr(struct an_reader *, struct jv object, const char *name,
	    struct jstr *) __attribute__((__warn_unused_result__));
int	 an_get_bool(struct an_reader *, struct jv object, const char *name,
	    enum ir_tri *) __attribute__((__warn_unused_result__));
int	 an_get_cache(struct an_reader *, struct jv object, enum ir_cache *)
	    __attribute__((__warn_unused_result__));
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

/* The tool v, at the end of the list. */
int	 an_tool_read(struct an_reader *, struct jv v)
	    __attribute__((__warn_unused_result__));
/* The value of "system"; the member "messages" of root. */
int	 an_system_read(struct an_reader *, struct jv v)
	    __attribute__((__warn_unused_result__));
int	 an_messages_read(struct an_reader *, struct jv root)
	    __attribute__((__warn_unused_result__));

#endif /* WIRE_DIALECT_ANTHROPIC_RD_H */
