#ifndef POLICY_SERVED_H
#define POLICY_SERVED_H

#include <stddef.h>

#include "base/arena.h"
#include "policy/permit.h"
#include "state/snapshot.h"
#include "wire/dialect.h"

/*
 * The models that may be asked for, each once: the names of the models table,
 * the default model of each provider that has a key or needs none, the mock's;
 * as far as who asks may use them.  Other names may be served, too, by what they
 * are called.
 */
struct ir_model	*served_models(struct arena *, const struct snapshot *,
	    struct permit, size_t *n);

#endif /* POLICY_SERVED_H */
