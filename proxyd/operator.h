#ifndef PROXYD_OPERATOR_H
#define PROXYD_OPERATOR_H

#include "policy/route_plan.h"
#include "wire/ir.h"

/*
 * Requests of the operator: the management server sends them for a signed-in
 * administrator to try routes and keys, to talk, to repeat what is in the log.
 * They are proved by the token of shared memory, which only who may open the
 * control socket can have, and only from this machine; they are of no tenant,
 * need no client key, and "operator" stands in their rows as the client.
 *
 *	x-proxyd-operator	the token
 *	x-proxyd-target		"PROVIDER/MODEL" or "PROVIDER": there, instead of
 *				where the routes lead; without a model, the one
 *				that the request names
 *	x-proxyd-key		id of the one key to use, also while it rests or
 *				is disabled
 *
 * None of these headers is ever sent on, and from anybody else each of them is
 * an error: no client chooses where its request goes or what pays for it.
 */
struct request;

enum operator_is {
	OPERATOR_NOT,		/* a client's request */
	OPERATOR_IS,		/* rq_operator is set */
	OPERATOR_DENIED		/* why is for the client */
};
enum operator_is	 operator_who(struct request *, const char **why);

/*
 * Does the operator say where it goes?  1: the plan has that one target, and
 * rq_only the key, if one is named; 0: he does not; -1 with the error.
 */
int	 operator_plan(struct request *, struct plan *, struct ir_error *)
	    __attribute__((__warn_unused_result__));

#endif /* PROXYD_OPERATOR_H */
