#ifndef WIRE_LEFTOVER_H
#define WIRE_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/json.h"
#include "wire/loss.h"

/*
 * Members of an object that a decoder reads, or that say nothing of the answer
 * (the name of an object's type, padding, what the request asked for).  An
 * array stands for its elements.  in: those of the member's own value, NULL
 * where all of it is read; by_type: in lists values of "type" ("" for none),
 * others of which are reported as a whole by who writes them.  Ended by name
 * NULL.
 */
struct json_known {
	const char		*name;
	size_t			 n;		/* its length */
	const struct json_known	*in;
	bool			 by_type;
	bool			 open;		/* others are told elsewhere */
};

#define JSON_KNOWN(z)	.name = z, .n = sizeof(z) - 1

/* How what is left over is reported. */
struct leftover {
	struct loss	*loss;
	const char	*prefix;	/* of paths that do not begin so */
	const char	*why;
	bool		 zero_says_nothing;	/* nor false; null never does */
};

/* Reports as dropped what j has beyond k's in: k itself stands for the root. */
void	 leftover_tell(const struct leftover *, const struct json_known *k,
	    const struct json *j);

#endif /* WIRE_LEFTOVER_H */
