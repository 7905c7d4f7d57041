/*
 * Two words a conversation: its name, and where it was.  Whoever writes changes
 * the place first, under no name.
 */
#include "base/codec.h"
#include "state/shm_affinity.h"

uint32_t
affinity_target(int64_t provider_id, struct str model)
{
	return (uint32_t)hash64(model, (uint64_t)provider_id);
}

void
affinity_put(struct shm *m, uint64_t conversation, struct affinity a)
{
	struct shm_affinity	*e = &m->affinity[conversation %
				    SHM_AFFINITY];
	uint64_t		 where = (uint64_t)a.target << 32 | a.key;

	if (atomic_load(&e->conversation) == conversation &&
	    atomic_load(&e->where) == where)
		return;
	atomic_store(&e->conversation, 0);
	atomic_store(&e->where, where);
	atomic_store(&e->conversation, conversation);
}

bool
affinity_get(const struct shm *m, uint64_t conversation, struct affinity *a)
{
	const struct shm_affinity	*e = &m->affinity[conversation %
					    SHM_AFFINITY];
	uint64_t			 where;

	if (conversation == 0 ||
	    atomic_load(&e->conversation) != conversation)
		return false;
	where = atomic_load(&e->where);
	if (atomic_load(&e->conversation) != conversation)
		return false;
	*a = (struct affinity){ (uint32_t)(where >> 32), (uint32_t)where };
	return true;
}
