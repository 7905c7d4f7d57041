#ifndef PROXYCTL_ASK_H
#define PROXYCTL_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A line from a person, without an echo; false: there is none. */
bool	 ctl_ask(const char *what, char *line, size_t size);
/*
 * A secret from a file ("-": standard input), from standard input where that is
 * no terminal, or asked for, twice where it is a new one.  option: named in
 * errors.  -1: said already; to be wiped.
 */
int	 ctl_secret(const char *what, const char *option, const char *file,
	    bool twice, struct buf *) __attribute__((__warn_unused_result__));
void	 ctl_wipe(struct buf *);

#endif /* PROXYCTL_ASK_H */
