#ifndef STATE_OBJECT_FIELD_H
#define STATE_OBJECT_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "state/conf_row.h"
#include "state/store_object.h"
#include "wire/json.h"

/*
 * The members of managed objects: what each may be.  A table a kind, in the
 * order of the columns that its statements name.
 */
enum object_type {
	OT_NAME,		/* letters, digits and ._:/@- */
	OT_TEXT,		/* min to max bytes, UTF-8 */
	OT_INT, OT_BOOL,
	OT_WORD,		/* one of words */
	OT_MODE,		/* "", transformer, direct: as number */
	OT_PROXY,		/* a URL, sealed: object_sealed.h */
	OT_PATTERNS,		/* array of patterns */
	OT_IDS,			/* array of ids */
	OT_CONF,		/* as app.yml takes it: check */
	OT_MATCH, OT_TARGETS,	/* of a rule */
	OT_HEADERS		/* names and values, sealed */
};

struct object_field {
	const char		*name;
	enum object_type	 type;
	int64_t			 min, max;
	const char		*deflt;		/* NULL: must be given */
	const char *const	*words;
	int			(*check)(struct conf_reader *,
				    const struct conf_row *,
				    const struct yml *, void *);
	bool			 fixed;		/* not after it was made */
	bool			 overlay;	/* also where the file has it */
};

/* A value as it is stored: i for numbers, else s. */
struct object_value {
	int64_t		 i;
	struct str	 s;
};

#define OBJECT_FIELDS_MAX	20

/* NULL-named field at the end. */
extern const struct object_field *const object_fields[OBJECT_KINDS];

bool	 object_is_number(const struct object_field *);
/* Not in the row, but by object_sealed.h; such fields are the last ones. */
bool	 object_is_sealed(const struct object_field *);
void	 object_default(const struct object_field *, struct object_value *);
/* Checks v and puts it into *to. */
int	 object_check(struct arena *, const struct object_field *, struct jv v,
	    struct object_value *to, struct object_error *)
	    __attribute__((__warn_unused_result__));
void	 object_write(struct jw *, const struct object_field *,
	    const struct object_value *);
/* Sets both texts; returns -1. */
int	 object_fail(struct object_error *, const char *field, const char *,
	    ...) __attribute__((__format__(printf, 3, 4)));

#endif /* STATE_OBJECT_FIELD_H */
