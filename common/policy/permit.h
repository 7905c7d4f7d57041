#ifndef POLICY_PERMIT_H
#define POLICY_PERMIT_H

#include <stdbool.h>

#include "base/str.h"
#include "state/snapshot.h"

/*
 * What a client key and its tenant may use.  Either may be NULL: nobody said
 * anything against it.
 */
struct permit {
	const struct snap_client_key	*key;
	const struct snap_tenant	*tenant;
};

/* NULL: the key is good and its tenant too; else why not, for the client. */
const char *permit_ended(struct permit, int64_t wall_us);
/* By the name that was asked for, or by the provider's. */
bool	 permit_model(struct permit, struct str asked, struct str resolved);
/* By a rule's name, or how a model's name was understood. */
bool	 permit_route(struct permit, struct str route);
/*
 * A provider's key of one tenant serves nobody else, and where he has one there
 * he uses no other.
 */
bool	 permit_key(struct permit, const struct snapshot *,
	    const struct snap_key *);

#endif /* POLICY_PERMIT_H */
