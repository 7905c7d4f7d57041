#ifndef BASE_LISTEN_H
#define BASE_LISTEN_H

#include <stddef.h>

/*
 * A listening TCP socket, non-blocking and closed on exec, on the first address
 * of host; port 0 is any free one.  prefix stands before HOST and PORT in what
 * is said when it fails: the settings' names are "HOST" or "ADMIN_HOST".  -1
 * with err.
 */
int	 listen_tcp(const char *host, int port, const char *prefix, char *err,
	    size_t errsize) __attribute__((__warn_unused_result__));

/* The port that a listener has. */
int	 listen_port(int fd);

#endif /* BASE_LISTEN_H */
