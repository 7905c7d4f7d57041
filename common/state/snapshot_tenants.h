#ifndef STATE_SNAPSHOT_TENANTS_H
#define STATE_SNAPSHOT_TENANTS_H

#include "state/snapshot.h"
#include "state/store.h"

/*
 * The part of a snapshot that is about who asks and what it costs; for
 * snapshot.c, within its read transaction.  -1: see store_error.
 */
int	 snapshot_tenants(struct store *, const struct secret_box *,
	    struct snapshot *)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_SNAPSHOT_TENANTS_H */
