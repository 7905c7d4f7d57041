#ifndef POLICY_ROUTE_TRACE_H
#define POLICY_ROUTE_TRACE_H

#include "policy/route_plan.h"
#include "wire/json.h"

/*
 * A rule that was tried, as an object: id, rule, matched; and where it was not
 * the one, the first condition that did not hold ("why"), what it wanted, and
 * what the request has.
 */
void	 trace_rule(struct jw *, const struct snap_rule *,
	    const char *why_not, const struct plan_facts *);
/* One that is disabled, and so was not tried. */
void	 trace_rule_off(struct jw *, const struct snap_rule_off *);
/* IR_NEED_ bits by the words that rules use, as an array. */
void	 trace_needs(struct jw *, uint32_t need);

#endif /* POLICY_ROUTE_TRACE_H */
