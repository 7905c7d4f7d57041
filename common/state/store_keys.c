/*
 * What rests keys, in the database: monotonic times become wall times and back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "state/shm_keys.h"
#include "state/store_sql.h"

static uint64_t
mix(uint64_t sum, int64_t a, int64_t b)
{
	int64_t	 pair[2] = { a, b };

	return hash64((struct str){ (const char *)pair, sizeof(pair) }, sum);
}

uint64_t
keys_sum(const struct shm *m)
{
	uint64_t	 sum = 0;
	unsigned	 i;

	for (i = 0; i < SHM_KEYS; i++)
		if (m->key[i].park_strikes > 0)
			sum = mix(sum, m->key[i].id, m->key[i].parked_until_ms);
	for (i = 0; i < SHM_COOLS; i++)
		if (m->cool[i].strikes > 0)
			sum = mix(sum, (int64_t)m->cool[i].tag,
			    m->cool[i].until_ms);
	return sum;
}

static int
put(struct store *s, int64_t id, struct str model, int64_t until_ms,
    uint32_t strikes, int status)
{
	int64_t	 until = clock_wall_us() +
		    (until_ms - clock_mono_ms()) * 1000;

	return sql_run(s, "INSERT OR REPLACE INTO key_states (key_id, model, "
	    "until_us, strikes, status) VALUES (?, ?, ?, ?, ?)", "isiii", id,
	    model, until, (int64_t)strikes, (int64_t)status);
}

static int
put_all(struct store *s, const struct shm *m)
{
	const struct shm_key	*k;
	char			 tag[24];
	unsigned		 i;

	for (i = 0; i < SHM_KEYS; i++) {
		k = &m->key[i];
		if (k->park_strikes > 0 && put(s, k->id, STR(""),
		    k->parked_until_ms, k->park_strikes, k->park_status) == -1)
			return -1;
	}
	for (i = 0; i < SHM_COOLS; i++) {
		if (m->cool[i].strikes == 0 || m->cool[i].slot < 1 ||
		    m->cool[i].slot > SHM_KEYS)
			continue;
		k = &m->key[m->cool[i].slot - 1];
		snprintf(tag, sizeof(tag), "%016llx",
		    (unsigned long long)m->cool[i].tag);
		if (put(s, k->id, str_of(tag), m->cool[i].until_ms,
		    m->cool[i].strikes, 429) == -1)
			return -1;
	}
	return 0;
}

int
keys_save(struct store *s, const struct shm *m)
{
	if (sql_begin(s) == -1)
		return -1;
	if (sql_run(s, "DELETE FROM key_states", "") == 0 &&
	    put_all(s, m) == 0 && sql_commit(s) == 0)
		return 0;
	sql_rollback(s);
	return -1;
}

/* A clock that was set must not lock a key for longer than it could be. */
static int64_t
mono_of(int64_t until_us)
{
	int64_t	 left = (until_us - clock_wall_us()) / 1000;

	if (left > KEYS_PARK_MAX_MS)
		left = KEYS_PARK_MAX_MS;
	return clock_mono_ms() + (left < 0 ? 0 : left);
}

static void
fill(struct shm *m, unsigned slot, struct sqlite3_stmt *st)
{
	struct str	 model = sql_str(st, 2);
	struct shm_key	*k = &m->key[slot];
	int64_t		 until = mono_of(sql_int(st, 3));
	char		 tag[24];

	k->id = sql_int(st, 1);
	if (model.n == 0) {
		k->parked_until_ms = until;
		k->park_strikes = (uint32_t)sql_int(st, 4);
		k->park_status = (int32_t)sql_int(st, 5);
		return;
	}
	snprintf(tag, sizeof(tag), "%.*s", STR_FMT(model));
	keys_restore(m, slot, strtoull(tag, NULL, 16), until,
	    (uint32_t)sql_int(st, 4));
}

int
keys_load(struct store *s, struct shm *m, const bool *fresh)
{
	struct sqlite3_stmt	*st;
	int64_t			 slot;
	int			 rc;

	st = sql_open(s, "SELECT keys.slot, keys.id, model, until_us, strikes, "
	    "status FROM key_states JOIN keys ON keys.id = key_id "
	    "WHERE keys.slot IS NOT NULL AND source <> 'gone'", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		slot = sql_int(st, 0);
		if (slot >= 0 && slot < SHM_KEYS && fresh[slot])
			fill(m, (unsigned)slot, st);
	}
	sql_end(st);
	return rc;
}

int
keys_kept(struct store *s, void (*cb)(void *, int64_t, bool, int64_t, int),
    void *arg)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT key_id, model = '' AS parked, max(until_us), "
	    "status FROM key_states GROUP BY key_id, parked ORDER BY parked",
	    "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1)
		cb(arg, sql_int(st, 0), sql_int(st, 1) != 0, sql_int(st, 2),
		    (int)sql_int(st, 3));
	sql_end(st);
	return rc;
}

int
keys_forget(struct store *s, int64_t id)
{
	return sql_run(s, "DELETE FROM key_states WHERE ?1 = 0 OR "
	    "key_id = ?1", "i", id);
}
