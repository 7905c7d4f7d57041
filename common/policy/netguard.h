#ifndef POLICY_NETGUARD_H
#define POLICY_NETGUARD_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/str.h"

/*
 * May the gateway itself open what somebody else's URL names?  Pure: the caller
 * resolves names, asks about each address, and connects to exactly that one.
 * Addresses of this machine and of private networks need allow_private; those
 * where clouds keep their credentials (link-local and the like) are never
 * allowed.  Ranges: IANA's special-purpose registries, RFC 6890 and after.
 */

/* NULL: yes.  Else what the address is, for an error: "is private". */
const char	*netguard_address(const struct sockaddr *, bool allow_private);

/*
 * The URL itself, before its name is resolved: http or https, no user in it,
 * port 80 or 443 (any with allow_private), a host that is a plain name, an IPv4
 * address in any of the forms that resolvers take (0x7f.1, 017700000001), or an
 * IPv6 address in brackets; addresses are judged as above.
 */
const char	*netguard_url(struct str url, bool allow_private);

#endif /* POLICY_NETGUARD_H */
