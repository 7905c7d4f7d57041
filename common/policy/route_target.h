#ifndef POLICY_ROUTE_TARGET_H
#define POLICY_ROUTE_TARGET_H

#include "policy/price.h"
#include "policy/route_facts.h"

/* A step of a plan, with what follows from it. */
struct route_target {
	const struct plan_step		*step;
	const struct snap_provider	*provider;
	const struct snap_pool		*pool;
	const struct dialect		*dialect;	/* NULL: the mock */
	bool				 same;	/* bytes are forwarded */
};

/* The error where a plan has no target. */
void	 route_nobody(struct ir_error *, struct str model);

/*
 * The error where there is no key: wait_ms until the first one is rested, -1
 * where there is none that ever could serve.
 */
void	 route_keyless(struct ir_error *, const struct snap_provider *,
	    int64_t wait_ms);

/* The error where a provider is left alone because it fails. */
void	 route_broken(struct ir_error *, const struct snap_provider *,
	    int64_t wait_ms);

/* -1 with err: this one cannot take the request. */
int	 route_target(const struct route_ask *, const struct plan_step *,
	    struct route_target *, struct ir_error *err)
	    __attribute__((__warn_unused_result__));

/*
 * Parameters that a target sets.  route_said keeps what the client said; from
 * that each target begins anew.
 */
struct route_said {
	struct ir_sampling	 sampling;
	struct ir_reasoning	 reasoning;
	struct str		 service_tier;
	struct jstr		 user;
	uint32_t		 need;
};
void	 route_said(const struct ir_request *, struct route_said *);
void	 route_params(struct ir_request *, const struct route_said *,
	    const struct rule_target *);	/* NULL: as it was said */

/*
 * What refers to state that another provider keeps cannot be left out: the
 * conversation would be lost in silence.  -1 with err.
 */
int	 route_stateful(const struct route_ask *, const struct route_target *,
	    struct ir_error *err) __attribute__((__warn_unused_result__));

/* Has the encoder met what the provider cannot be told?  -1 with err. */
int	 route_refused(const struct loss *, const struct snap_provider *,
	    struct ir_error *err) __attribute__((__warn_unused_result__));
/*
 * Is a loss a 400?  The client asks for it, the operator, or the target's rule;
 * a client cannot ask for less.  -1 with err: its header makes no sense.
 */
int	 route_strict(const struct route_ask *, const struct rule_target *,
	    bool *strict, struct ir_error *err)
	    __attribute__((__warn_unused_result__));

/*
 * What it may cost at the target, in micro-dollars, where that many tokens go
 * in: what a budget has to have room for.  -1: unpriced.
 */
int64_t	 route_cost(const struct route_ask *, const struct route_target *,
	    int64_t input);

#endif /* POLICY_ROUTE_TARGET_H */
