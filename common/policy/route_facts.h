#ifndef POLICY_ROUTE_FACTS_H
#define POLICY_ROUTE_FACTS_H

#include "base/arena.h"
#include "policy/permit.h"
#include "policy/route_plan.h"
#include "wire/dialect.h"
#include "wire/ops.h"

struct shm;

/* A request as it was asked, for those who are to route it. */
struct route_ask {
	const struct snapshot	*snap;
	const struct shm	*shm;		/* or NULL: nothing measured */
	const struct dialect	*dialect;	/* the client's */
	const struct ir_request	*ir;
	const struct embed	*embed;		/* where it asks for those */
	bool			 generates;	/* an answer of a model */
	struct str		 path;
	struct permit		 who;
	/* NULL: it has no header of that name */
	const char		*(*header)(void *, const char *name);
	void			*arg;
	int64_t			 wall_us, mono_ms;
	uint64_t		 random;
};

/*
 * What rules ask about.  Texts and tokens are gathered only where a rule wants
 * them.  ask must outlive the facts.
 */
void	 route_facts(const struct route_ask *ask, struct arena *,
	    struct plan_facts *);

/* Tokens of input, estimated. */
int64_t	 route_tokens(const struct route_ask *);

/*
 * Names a conversation: the agents' own header, else what it began with.  0:
 * there is none yet, or nobody could tell it from another.
 */
uint64_t route_session(const struct route_ask *, struct arena *);
/* What one that has only begun will be called, once it has an answer. */
uint64_t route_beginning(const struct route_ask *, struct arena *);

#endif /* POLICY_ROUTE_FACTS_H */
