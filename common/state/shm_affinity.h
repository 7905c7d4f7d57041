#ifndef STATE_SHM_AFFINITY_H
#define STATE_SHM_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

#include "state/shm.h"

/*
 * Where conversations were answered last, for all workers: so that the next
 * turn goes where the provider's cache has the one before.  A table of a fixed
 * size, in which a newer conversation takes the place of an older one; what is
 * forgotten, or torn between two writers, costs a cache hit and no more.
 */
struct affinity {
	uint32_t	 target;	/* affinity_target of it */
	uint32_t	 key;		/* of the key's id; 0: without one */
};

uint32_t	 affinity_target(int64_t provider_id, struct str model);
void		 affinity_put(struct shm *, uint64_t conversation,
		    struct affinity);
/* false: it is not known. */
bool		 affinity_get(const struct shm *, uint64_t conversation,
		    struct affinity *);

#endif /* STATE_SHM_AFFINITY_H */
