#ifndef POLICY_ACCESS_H
#define POLICY_ACCESS_H

#include <stdbool.h>

#include "base/str.h"
#include "state/snapshot.h"

/*
 * Who may ask while no client key is defined: this machine only, whatever the
 * listener is bound to, and no web page in its browser but our own of /docs.
 */
struct access_facts {
	bool		 peer_loopback;
	struct str	 host;		/* Host header; empty: none */
	struct str	 origin;	/* Origin header; empty: none */
	bool		 has_forwarded;	/* Forwarded or X-Forwarded-For */
};

/* NULL: yes.  Else why not, as a sentence for the client. */
const char	*access_deny(const struct snapshot *,
		    const struct access_facts *);

/* Host without port is localhost, 127.0.0.0/8, [::1] or one of names. */
bool	 access_host_ok(struct str host, const struct str *names, unsigned n);

#endif /* POLICY_ACCESS_H */
