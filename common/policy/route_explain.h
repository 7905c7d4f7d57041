#ifndef POLICY_ROUTE_EXPLAIN_H
#define POLICY_ROUTE_EXPLAIN_H

#include <stdint.h>

#include "base/buf.h"
#include "state/snapshot.h"
#include "wire/dialect.h"
#include "wire/ir.h"

struct shm;

/*
 * The dry run: what a request would get, by the functions that route requests,
 * and why.  Nobody is asked and nothing is taken.
 */
struct explain_header {
	struct str	 name, value;	/* value: NUL terminated */
};

struct explain_ask {
	const struct snapshot	*snap;
	/* proxyd's memory; NULL: it does not run, and what rests a key, what
	 * accounts have used and how fast providers are is not known. */
	const struct shm	*shm;
	const struct dialect	*dialect;	/* the client's; NULL: by path */
	struct str		 path;		/* and query; "": the dialect's */
	struct str		 model;		/* "": as the body or path says */
	const struct explain_header *headers;
	unsigned		 nheaders;
	struct str		 body;
	int64_t			 tenant_id, client_key_id;	/* 0: none */
	int64_t			 wall_us, mono_us;	/* for time and rests */
	uint64_t		 random;	/* of weighted choices */
};

/*
 * Appends a JSON object to out, as proxyd-routes(7) describes it.  What the
 * gateway would refuse is told in its member "error".  -1 with err: there is
 * nothing to explain, because path, tenant or client key are not known, or the
 * body is no request.
 */
int	 route_explain(const struct explain_ask *, struct buf *out,
	    struct ir_error *err) __attribute__((__warn_unused_result__));

#endif /* POLICY_ROUTE_EXPLAIN_H */
