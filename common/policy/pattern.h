#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Names with wildcards: '*' stands for any bytes, also none; all else for
 * itself.  Time is linear in the name for each '*'.
 */
bool	 pattern_match(struct str pattern, struct str name);
/* Lines, each a pattern; no line at all matches everything. */
bool	 pattern_lines_match(struct str lines, struct str name);

#endif /* POLICY_PATTERN_H */
