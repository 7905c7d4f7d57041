#ifndef STATE_STATEDB_SEAL_H
#define STATE_STATEDB_SEAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "state/secret.h"

/*
 * Values of state.db, for the files of common/state/ alone: sealed for their
 * kind, tenant and name, so that one that is moved does not open.  Appended to out,
 * whose maximum is STATEDB_VALUE_MAX.
 */
#define STATEDB_VALUE_MAX	((size_t)64 << 20)
int	 statedb_seal(const struct secret_box *, const char *kind,
	    int64_t tenant_id, struct str name, struct str plain,
	    struct buf *out) __attribute__((__warn_unused_result__));
/* In the arena; false: it does not open. */
bool	 statedb_unseal(const struct secret_box *, const char *kind,
	    int64_t tenant_id, struct str name, struct str value,
	    struct arena *a, struct str *plain)
	    __attribute__((__warn_unused_result__));

/* As statedb_expire, within its transaction: at most n conversations. */
struct store;
int	 conversations_expire(struct store *, int64_t before_us, int n)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STATEDB_SEAL_H */
