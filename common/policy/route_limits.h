#ifndef POLICY_ROUTE_LIMITS_H
#define POLICY_ROUTE_LIMITS_H

#include <stdint.h>

#include "policy/permit.h"
#include "wire/json.h"

struct shm;

/*
 * The member "limits": of the client key and of its tenant, with what is left or
 * spent where shm is there.
 */
void	 limits_json(struct jw *, const struct shm *, struct permit,
	    int64_t wall_us, int64_t mono_us);

#endif /* POLICY_ROUTE_LIMITS_H */
