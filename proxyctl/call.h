#ifndef PROXYCTL_CALL_H
#define PROXYCTL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * One HTTP request, waited for.  It goes to the host that the URL names, and to
 * no other: no redirect is followed, no proxy taken from the environment.
 */
#define CALL_BODY_MAX	((size_t)4 << 20)

struct call {
	const char		*url;
	const char *const	*headers;	/* lines; NULL ends them */
	struct str		 body;		/* POST */
	const char		*proxy, *ca_file;	/* or NULL */
	int			 connect_ms, total_ms;
};

struct call_answer {
	int		 status;		/* 0: none; see err */
	int64_t		 connect_us, first_us, total_us;
	struct buf	 head;			/* lines as they came */
	struct buf	 body;
	char		 err[300];
};

/* Initializes *a; call_release frees it.  -1: there was no whole answer. */
int	 call_make(const struct call *, struct call_answer *a)
	    __attribute__((__warn_unused_result__));
void	 call_release(struct call_answer *);

#endif /* PROXYCTL_CALL_H */
