/*
 * The state of a provider's key, for those who pick one and those who look.
 */
#include "policy/key_view.h"
#include "state/shm_keys.h"

#define FULL_MS		1000		/* when to look again */

const char *
key_state_name(enum key_state s)
{
	static const char *const	 name[] = { "active", "cooling",
					    "parked", "full", "expired",
					    "disabled", "other models",
					    "another tenant's" };

	return name[s];
}

/* What does not depend on how it went so far. */
static enum key_state
lasting(const struct snapshot *s, const struct snap_key *k, struct permit who,
    struct str model, int64_t wall_us)
{
	if (!k->enabled)
		return KEY_DISABLED;
	if (k->expires_us != 0 && k->expires_us <= wall_us)
		return KEY_EXPIRED;
	if (model.n > 0 && k->models.n > 0 &&
	    !rule_list_fits(&k->models, model))
		return KEY_MODEL;
	return permit_key(who, s, k) ? KEY_ACTIVE : KEY_FOREIGN;
}

void
key_view(const struct snapshot *s, const struct snap_key *k,
    const struct shm *m, struct permit who, struct str model, int64_t wall_us,
    int64_t mono_ms, struct key_view *v)
{
	int64_t	 cool;

	*v = (struct key_view){ .state = lasting(s, k, who, model, wall_us) };
	/* A slot that another key had tells nothing of this one. */
	if (m == NULL || m->key[k->slot].id != k->id)
		return;
	if (v->state != KEY_ACTIVE)
		return;
	if (k->max_concurrent > 0)
		v->inflight = keys_inflight(m, k->slot);
	cool = m->key[k->slot].cool_until_ms;
	if (cool > mono_ms && model.n > 0)
		cool = keys_until(m, k->slot, model);
	if (m->key[k->slot].parked_until_ms > mono_ms) {
		v->state = KEY_PARKED;
		v->until_ms = m->key[k->slot].parked_until_ms;
	}
	if (cool > mono_ms && cool > v->until_ms) {
		v->state = KEY_COOLING;
		v->until_ms = cool;
	}
	if (v->until_ms == 0 && k->max_concurrent > 0 &&
	    v->inflight >= k->max_concurrent) {
		v->state = KEY_FULL;
		v->until_ms = mono_ms + FULL_MS;
	}
}
