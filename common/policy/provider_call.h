#ifndef POLICY_PROVIDER_CALL_H
#define POLICY_PROVIDER_CALL_H

#include "base/buf.h"
#include "state/snapshot.h"
#include "wire/dialect.h"

/*
 * How a provider is called, of its own settings and its dialect's defaults: who
 * sends requests, and who tries a key, do it the same way.
 */

/*
 * Its base and the path of a dialect.  Where the base names a version already,
 * as is the custom for OpenAI's dialect (https://host/v1), the path's own is
 * left out.
 */
void	 provider_url(const struct snap_provider *, const struct dialect *,
	    struct str path, struct buf *url);

/* A header's name, and its value before and behind the key; false: none. */
struct provider_auth {
	struct str	 name, before, behind;
};
bool	 provider_auth(const struct snap_provider *, const struct dialect *,
	    struct provider_auth *);

#endif /* POLICY_PROVIDER_CALL_H */
