#ifndef STATE_CONF_YAML_H
#define STATE_CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

/*
 * A YAML file as a tree of scalars, lists and maps, each with its line.  Only
 * what a configuration needs: one document, no anchors, aliases, tags or
 * merges, map keys that are scalars and occur once, and limits on size, depth
 * and number.  ${NAME} in a scalar is replaced after parsing, so that a value
 * from the environment never adds structure.
 */
#define YML_SIZE_MAX	(1u << 20)	/* bytes of text */
#define YML_DEPTH_MAX	8
#define YML_NODES_MAX	16384
#define YML_SCALAR_MAX	8192		/* bytes of one value */

enum yml_type { YML_SCALAR, YML_LIST, YML_MAP };

struct yml {
	enum yml_type	 type;
	int		 line;
	unsigned	 index;		/* in its list or map */
	struct str	 key;		/* of a map's member */
	struct str	 text;		/* of a scalar */
	struct yml	*child;		/* of a list or map */
	struct yml	*last;
	struct yml	*parent;
	struct yml	*next;
};

/* A file without any value is an empty map.  NULL with "name:line: ...". */
struct yml	*yml_parse(struct arena *, struct str text, const char *name,
		    char *err, size_t errsize);

/* The member of a map, or NULL. */
struct yml	*yml_get(const struct yml *, const char *key);

#endif /* STATE_CONF_YAML_H */
