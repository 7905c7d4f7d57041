#ifndef PROXYCTL_COMPLETION_H
#define PROXYCTL_COMPLETION_H

#include "proxyctl/proxyctl.h"

/*
 * The completion of a shell, from the word tables; with --names, what the
 * database has of a kind, which that completion asks for.
 */
int	 ctl_completion(struct ctl *);

#endif /* PROXYCTL_COMPLETION_H */
