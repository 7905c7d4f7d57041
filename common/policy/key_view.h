#ifndef POLICY_KEY_VIEW_H
#define POLICY_KEY_VIEW_H

#include <stdbool.h>

#include "policy/permit.h"
#include "state/shm.h"

/* Whether a provider's key may be used, and if not, why and until when. */
enum key_state {
	KEY_ACTIVE,
	KEY_COOLING,		/* after a rate limit on this model */
	KEY_PARKED,		/* the provider refused it; re-checked then */
	KEY_FULL,		/* max_concurrent is reached */
	/* from here on it serves this request never */
	KEY_EXPIRED,
	KEY_DISABLED,
	KEY_MODEL,		/* not for this model */
	KEY_FOREIGN		/* a tenant's own, or his own come first */
};

struct key_view {
	enum key_state	 state;
	int64_t		 until_ms;	/* monotonic; 0: not by time */
	unsigned	 inflight;	/* summed only where max_concurrent asks */
};

/*
 * shm may be NULL: then it has never been used.  An empty model: a limit on any
 * model counts.
 */
void	 key_view(const struct snapshot *, const struct snap_key *,
	    const struct shm *, struct permit, struct str model,
	    int64_t wall_us, int64_t mono_ms, struct key_view *);
const char	*key_state_name(enum key_state);

static inline bool
key_serves(const struct key_view *v)
{
	return v->state < KEY_EXPIRED;
}

#endif /* POLICY_KEY_VIEW_H */
