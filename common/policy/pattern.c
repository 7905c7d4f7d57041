/*
 * Wildcards: what was matched by the last '*' grows until the rest fits.
 */
#include <stddef.h>

#include "policy/pattern.h"

bool
pattern_match(struct str p, struct str s)
{
	size_t	 i = 0, k = 0, star = (size_t)-1, from = 0;

	while (k < s.n) {
		if (i < p.n && p.p[i] == '*') {
			star = i++;
			from = k;
		} else if (i < p.n && p.p[i] == s.p[k]) {
			i++;
			k++;
		} else if (star != (size_t)-1) {
			i = star + 1;
			k = ++from;
		} else
			return false;
	}
	while (i < p.n && p.p[i] == '*')
		i++;
	return i == p.n;
}

bool
pattern_lines_match(struct str lines, struct str name)
{
	struct str	 line;

	if (lines.n == 0)
		return true;
	while (lines.n > 0) {
		line = str_trim(str_cut(&lines, '\n'));
		if (line.n > 0 && pattern_match(line, name))
			return true;
	}
	return false;
}
