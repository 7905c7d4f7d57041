#ifndef POLICY_ROUTE_PLAN_H
#define POLICY_ROUTE_PLAN_H

#include "base/arena.h"
#include "policy/route.h"
#include "state/snapshot.h"

/*
 * The targets of a request, in the order in which they are tried: those of the
 * first rule that it matches, else the one that its model's name gives
 * (route_pick).  Pure; what it must know of the world stands in the facts.
 */
struct plan_facts {
	struct route_facts name;	/* client's dialect, model as asked */
	struct str	 path, tenant, client_key;
	struct str	 user, system;	/* last user message, system prompt */
	int64_t		 tokens;	/* estimated; used where want_tokens */
	uint32_t	 need;		/* IR_NEED_ */
	bool		 stream;
	struct str	 (*header)(void *, const char *name);
	/* moving time to first byte in us, price of an exchange; -1: unknown */
	int64_t		 (*ttfb)(void *, unsigned provider, struct str model);
	int64_t		 (*price)(void *, unsigned provider, struct str model);
	void		*arg;		/* of these; each may be NULL */
	int		 minute;	/* of the day; used where want_time */
	unsigned	 weekday;	/* 0: Sunday */
	uint64_t	 session;	/* of a conversation; 0: none */
	uint64_t	 random;
};

struct plan_step {
	struct route	 route;
	unsigned	 pool;		/* index */
	const struct rule_target *rule;	/* NULL: by name */
};

/* A rule that was looked at and was not the one. */
#define PLAN_MISSED	8		/* told of; the rest is counted */
struct plan_missed {
	const struct snap_rule *rule;
	const char	*why;
};

struct plan {
	struct plan_step step[RULE_TARGETS_MAX];
	unsigned	 n;
	const struct snap_rule *rule;	/* NULL: by name */
	bool		 affinity;
	struct plan_missed missed[PLAN_MISSED];
	unsigned	 nmissed;
};

/* For the dry run: each rule looked at, and why it was not the one (NULL). */
typedef void plan_trace(void *, const struct snap_rule *,
    const char *why_not);

/* -1: nothing serves this model. */
int	 plan_make(const struct snapshot *, const struct plan_facts *,
	    struct arena *, struct plan *, plan_trace *, void *)
	    __attribute__((__warn_unused_result__));

/*
 * A conversation goes where it was answered last: *key is the id of its key (0:
 * not known), and of targets that are equal by their rule that one comes first.
 */
struct shm;
void	 plan_hold(const struct snapshot *, const struct shm *, struct plan *,
	    uint64_t conversation, uint64_t *key);

#endif /* POLICY_ROUTE_PLAN_H */
