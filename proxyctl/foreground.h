#ifndef PROXYCTL_FOREGROUND_H
#define PROXYCTL_FOREGROUND_H

#include "proxyctl/launch.h"

/*
 * Runs the services until they end, with our standard error as their log.  One
 * replaces this program; two are children, signals are handed on to them, and
 * when one ends the other is stopped.  Returns the exit status.
 */
int	 foreground(const struct ctl *, struct service *, int n);

/* Both addresses, and three requests to paste (daemon.c). */
void	 ctl_hello(const struct service *api, const struct service *web);

#endif /* PROXYCTL_FOREGROUND_H */
