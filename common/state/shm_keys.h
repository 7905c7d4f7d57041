#ifndef STATE_SHM_KEYS_H
#define STATE_SHM_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/shm.h"

/*
 * What rests a key: a rate limit rests it for one model, a refusal of the key
 * itself (401, 402, 403) parks it for all.  In shared memory, so that every
 * worker knows at once; words are stored plainly or by compare-and-swap, and
 * a lost race costs one attempt at most.  Times are monotonic milliseconds.
 */
#define KEYS_PARK_MAX_MS	((int64_t)6 * 3600 * 1000)
#define KEYS_PROBE_MS		60000	/* a re-check has this long */

/* Until when it must not be used for that model; 0 or past: it may. */
int64_t	 keys_until(const struct shm *, unsigned slot, struct str model);
/* A rate limit; how many there were in a row before. */
unsigned keys_strikes(const struct shm *, unsigned slot, struct str model);
void	 keys_rest(struct shm *, unsigned slot, struct str model, int status,
	    int64_t until_ms);
/* Refused: parked for first_ms, doubled each time, up to KEYS_PARK_MAX_MS. */
int64_t	 keys_park(struct shm *, unsigned slot, int status, int64_t first_ms,
	    int64_t now_ms);
/*
 * To be called before a key is used: a parked one whose time has come is given
 * to one request only, until that has ended.
 */
bool	 keys_probe(struct shm *, unsigned slot, int64_t now_ms);
/* It worked: it is forgotten what was. */
void	 keys_worked(struct shm *, unsigned slot, struct str model);
/* By hand. */
void	 keys_reset(struct shm *, unsigned slot);

/*
 * Headroom: requests and tokens that a provider said a key has left for a
 * model, and until when that holds; -1: not said.
 */
struct keys_room {
	int64_t	 requests, tokens;
	int64_t	 requests_until_ms, tokens_until_ms;
};
void	 keys_room(const struct shm *, unsigned slot, struct str model,
	    int64_t now_ms, struct keys_room *);
/* As said; what is -1 there stays. */
void	 keys_room_set(struct shm *, unsigned slot, struct str model,
	    const struct keys_room *);
/* Another request goes out, before anything new is said. */
void	 keys_room_take(struct shm *, unsigned slot, struct str model,
	    int64_t tokens);

/* Each key and model of which there is something to tell. */
struct keys_model {
	char			 model[SHM_NAME + 1];
	int64_t			 until_ms;	/* it rests; 0 or past: not */
	struct keys_room	 room;
};
void	 keys_models(const struct shm *, int64_t now_ms, void (*cb)(void *,
	    unsigned slot, const struct keys_model *), void *);

/*
 * Takes one request and tokens of what the key may have a minute (0: any); 0,
 * or the milliseconds until there is room.
 */
int64_t	 keys_take(struct shm *, unsigned slot, unsigned rpm, unsigned tpm,
	    int64_t tokens, int64_t now_ms);
/* Requests under way with it, over all workers. */
unsigned keys_inflight(const struct shm *, unsigned slot);

/*
 * What rests keys, kept in the database so that a restart does not forget it.
 * keys_sum tells by a number whether anything has changed; keys_save writes
 * all of it, keys_load fills in slots that this memory has not met (fresh).
 */
struct store;
void	 keys_restore(struct shm *, unsigned slot, uint64_t tag,
	    int64_t until_ms, uint32_t strikes);
uint64_t keys_sum(const struct shm *);
int	 keys_save(struct store *, const struct shm *)
	    __attribute__((__warn_unused_result__));
int	 keys_load(struct store *, struct shm *, const bool *fresh)
	    __attribute__((__warn_unused_result__));
/*
 * What is kept of keys: parked until then by what the provider answered, or
 * cooling for some model.
 */
int	 keys_kept(struct store *, void (*cb)(void *arg, int64_t key_id,
	    bool parked, int64_t until_us, int status), void *arg)
	    __attribute__((__warn_unused_result__));
/* As keys_reset, of a key by its id; 0: of all. */
int	 keys_forget(struct store *, int64_t id)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_SHM_KEYS_H */
