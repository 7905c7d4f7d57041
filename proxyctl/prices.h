#ifndef PROXYCTL_PRICES_H
#define PROXYCTL_PRICES_H

#include "proxyctl/db.h"

/* As ctl_store, with the built-in prices of this program in it. */
struct store	*prices_store(struct ctl *, bool change);
int		 prices_reprice(struct ctl *);		/* reprice.c */

#endif /* PROXYCTL_PRICES_H */
