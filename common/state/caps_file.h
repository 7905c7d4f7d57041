#ifndef STATE_CAPS_FILE_H
#define STATE_CAPS_FILE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/caps.h"

/*
 * models.yaml: a list of maps, each with "dialect" (a dialect's name, or openai
 * for both of its own), "model" (a pattern or a list of them) and members of
 * struct model_caps by their names.
 *
 * The rules lie in the arena, in the file's order, one a pattern.  -1 with err
 * set: "models.yaml:12: [3].thinking: expected unknown, none, ...".
 */
int	 caps_file_parse(struct arena *, struct str text, const char *name,
	    struct caps_table *, char *err, size_t errsize)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_CAPS_FILE_H */
