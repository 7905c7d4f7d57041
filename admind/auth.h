#ifndef ADMIND_AUTH_H
#define ADMIND_AUTH_H

#include "admind/api.h"

/*
 * Who asks.  A browser has a session's cookie, and for anything but reading
 * also the session's CSRF token in a header; a program has a token.  Before
 * the first user there is a set-up link, whose token lies in a file of mode
 * 0600 in the home directory.
 */
#define AUTH_COOKIE	"proxyd_session"

struct throttle	*throttle_create(void);
void		 throttle_destroy(struct throttle *);

/*
 * Fills in a->who.  False: what was given is not valid, or no page of ours sent
 * it; a problem was answered.
 */
bool	 auth_who(struct api *);
/* What he is known by: a token (bearer) or a session's cookie; and whether that
 * has ended since.  A database that cannot say has not ended it. */
struct str	 auth_proof(const struct http_request *, bool *bearer);
bool	 auth_ended(struct store *, struct str proof, bool bearer);
/* Is there no user yet?  Makes the set-up file where it is missing. */
bool	 auth_setup_needed(struct admind *);
/* At the start: as above, and the file goes once it is of no use. */
void	 auth_start(struct admind *);

#endif /* ADMIND_AUTH_H */
