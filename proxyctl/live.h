#ifndef PROXYCTL_LIVE_H
#define PROXYCTL_LIVE_H

#include "proxyctl/proxyctl.h"

/* The ids of requests in flight, a line each; the exit status. */
int	 live_names(const struct ctl *);

#endif /* PROXYCTL_LIVE_H */
