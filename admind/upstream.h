#ifndef ADMIND_UPSTREAM_H
#define ADMIND_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"
#include "base/str.h"

/*
 * HTTP requests that the management server makes itself, over libcurl on our
 * loop: to proxyd on this machine.  No proxy, no redirect, no connection kept.
 */
struct upstream;
struct upstream	*upstream_create(struct loop *);
void		 upstream_destroy(struct upstream *);

#define TRANSFER_MAX	32		/* at once */

/*
 * Called from the loop, never from within transfer_start.  end is the last one:
 * err is NULL, or what went wrong.  Strings live as long as the call.
 */
struct transfer_cb {
	/* One line of the head; the first is "HTTP/1.1 200 OK". */
	void	(*line)(void *, struct str);
	void	(*data)(void *, struct str);
	void	(*end)(void *, const char *err);
	/* More than it should be has not been taken: come again later. */
	bool	(*full)(void *);
};

/* Headers are lines, ended by NULL; all is copied.  NULL: too many at once. */
struct transfer;
struct transfer	*transfer_start(struct upstream *, const char *method,
		    const char *url, const char *const *headers,
		    struct str body, const struct transfer_cb *, void *);
/* full may say no now. */
void		 transfer_more(struct transfer *);
/* No call comes any more; takes one that has ended, once. */
void		 transfer_free(struct transfer *);

#endif /* ADMIND_UPSTREAM_H */
