#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "base/str.h"
#include "state/snapshot.h"

/*
 * Which provider and model a request gets: by exact name in the routes table,
 * else by the name's family, else the preferred provider with its default
 * model.  In direct mode it is always the provider of the path's dialect.
 */
struct route_facts {
	struct str	 dialect;	/* client's */
	struct str	 model;		/* as asked */
};

struct route {
	unsigned	 provider;	/* index in the snapshot */
	struct str	 model;		/* to ask the provider for */
	int		 mode;		/* enum conf_mode */
	const char	*why;		/* "model", "family", "preferred",
					   "direct" */
};

/* -1: nothing serves this model. */
int	 route_pick(const struct snapshot *, const struct route_facts *,
	    struct route *) __attribute__((__warn_unused_result__));

/* The dialect in which provider p is asked for a client of dialect client. */
struct str	 route_dialect(const struct snap_provider *p,
		    struct str client);

/* "anthropic" for a model called claude-...; empty: no family known. */
struct str	 route_family(struct str model);

#endif /* POLICY_ROUTE_H */
