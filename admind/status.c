/*
 * The state of the gateway, gathered and as JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "admind/status.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "state/shm.h"
#include "state/store_refusal.h"

#define ASK_MS	2000		/* everybody else waits as long */

/* --- gathering ---------------------------------------------------------------------- */

struct gather {
	struct arena		*arena;
	struct status_view	*v;
	struct status_key	**key;		/* where the next goes */
	struct status_key	*at;		/* the last one */
	struct status_code	**code;
};

static void
key_cb(void *arg, const struct store_key_stat *k)
{
	struct gather		*g = arg;
	struct status_key	*key = ARENA_NEW(g->arena, struct status_key);

	key->id = k->key_id;
	key->slot = k->slot;
	key->provider = arena_str(g->arena, k->provider).p;
	key->name = arena_str(g->arena, str_of(k->mask)).p;
	key->enabled = k->enabled;
	key->state = k->enabled ? "active" : "disabled";
	key->reason = "";
	key->ok = k->ok;
	key->failed = k->failed;
	key->last_us = k->last_used_us;
	*g->key = key;
	g->key = &key->next;
	g->at = key;
	g->code = &key->codes;
}

static void
code_cb(void *arg, int64_t key_id, int status, int64_t n)
{
	struct gather		*g = arg;
	struct status_code	*c = ARENA_NEW(g->arena, struct status_code);

	if (g->at == NULL || g->at->id != key_id)
		return;
	c->status = status;
	c->n = n;
	*g->code = c;
	g->code = &c->next;
}

/* Two keys of a pool may look the same when masked. */
static void
keys_name(struct gather *g)
{
	struct status_key	*a, *b;
	const char		*mask;
	bool			 twin;

	for (a = g->v->keys; a != NULL; a = a->next) {
		mask = a->name;
		twin = false;
		for (b = a->next; b != NULL &&
		    strcmp(a->provider, b->provider) == 0; b = b->next) {
			if (strcmp(b->name, mask) != 0)
				continue;
			twin = true;
			b->name = arena_strf(g->arena, "%s#%lld", mask,
			    (long long)b->id).p;
		}
		if (twin)
			a->name = arena_strf(g->arena, "%s#%lld", mask,
			    (long long)a->id).p;
	}
}

static void
store_gather(struct gather *g, const struct conf_paths *paths)
{
	struct status_view	*v = g->v;
	struct store		*s;

	if (access(paths->db, F_OK) == -1 && errno == ENOENT) {
		snprintf(v->store_err, sizeof(v->store_err), "'%s' is not "
		    "there yet: proxyd makes it when it starts", paths->db);
		return;
	}
	s = store_open(paths->db, STORE_READ, v->store_err,
	    sizeof(v->store_err));
	if (s == NULL)
		return;
	v->schema = store_schema_version(s);
	if (store_summary(s, &v->sum) == -1 ||
	    store_key_stats(s, key_cb, code_cb, g) == -1)
		snprintf(v->store_err, sizeof(v->store_err), "%.1000s: %.900s",
		    paths->db, store_error(s));
	else
		v->stored = true;
	store_close(s);
	keys_name(g);
}

bool
status_proxyd_runs(const struct conf_paths *paths)
{
	struct daemon_proc	 p;
	char			 err[1400];

	if (daemon_find(paths->pid, &p, err, sizeof(err)) != 1)
		return false;
	close(p.fd);
	return true;
}

/* What rests it, as keys in service are told from others by their users. */
static void
key_state(struct gather *g, const struct shm *m, struct status_key *k)
{
	const struct shm_key	*s = &m->key[k->slot];
	int64_t			 now = clock_mono_ms(), until;

	if (!k->enabled || s->id != k->id)
		return;
	if (s->park_strikes > 0) {
		k->state = "parked";
		until = s->parked_until_ms;
		k->reason = arena_strf(g->arena, "the provider answered %d",
		    (int)s->park_status).p;
	} else if ((until = s->cool_until_ms) > now) {
		k->state = "cooling";
		k->reason = "rate limit";
	} else
		return;
	k->until_us = clock_wall_us() + (until - now) * 1000;
}

static void
key_live(struct gather *g, const struct shm *m, struct status_key *k)
{
	struct shm_keysum	 sum;
	struct status_code	*c, **last = &k->codes;
	unsigned		 i;

	shm_key_sum(m, k->slot, &sum);
	key_state(g, m, k);
	k->ok = (int64_t)sum.ok;
	k->failed = (int64_t)sum.failed;
	k->last_us = sum.last_us;
	k->inflight = (int64_t)sum.inflight;
	for (i = 0; i < SHM_STATUSES; i++) {
		if (sum.status[i] == 0)
			continue;
		c = ARENA_NEW(g->arena, struct status_code);
		c->status = shm_status_of(i);
		c->n = (int64_t)sum.status[i];
		*last = c;
		last = &c->next;
	}
	*last = NULL;
}

/* The database has what the logger wrote; proxyd knows of this moment. */
static void
keys_live(struct gather *g, const char *socket)
{
	const struct shm	*m = daemon_shm(socket, ASK_MS);
	struct status_key	*k;

	if (m == NULL)
		return;
	for (k = g->v->keys; k != NULL; k = k->next)
		if (k->slot < SHM_KEYS && m->key[k->slot].loaded)
			key_live(g, m, k);
	shm_unmap(m);
}

void
status_gather(struct status_view *v, struct arena *arena,
    const struct conf_paths *paths)
{
	struct gather	 g = { .arena = arena, .v = v, .key = &v->keys };
	struct buf	 b;

	memset(v, 0, sizeof(*v));
	snprintf(v->db, sizeof(v->db), "%s", paths->db);
	buf_init(&b, 1 << 20);
	v->answer = daemon_ask(paths->control, "status", ASK_MS, &b,
	    v->proxyd_err, sizeof(v->proxyd_err));
	if (v->answer == DAEMON_OK)
		daemon_status_parse(arena, buf_str(&b), &v->proxyd);
	buf_release(&b);
	store_gather(&g, paths);
	if (v->answer == DAEMON_OK && v->keys != NULL)
		keys_live(&g, paths->control);
}

/* --- JSON ------------------------------------------------------------------------------ */

static void
json_out(json_t *o, struct buf *b)
{
	char	*text;

	must(o != NULL);
	text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	must(text != NULL);
	(void)buf_addz(b, text);
	(void)buf_addc(b, '\n');
	free(text);
	json_decref(o);
}

static json_t *
running_json(const struct daemon_status *st)
{
	const struct daemon_stat	*s;
	json_t				*o = daemon_status_json(st), *texts;

	texts = json_object();
	for (s = st->stats; s != NULL; s = s->next)
		json_object_set_new(texts, s->name, json_string(s->text));
	json_object_set_new(o, "counter_texts", texts);
	return o;
}

static json_t *
proxyd_json(const struct status_view *v)
{
	if (v->answer == DAEMON_OK)
		return running_json(&v->proxyd);
	if (v->answer == DAEMON_NOBODY)
		return json_pack("{s:b}", "running", 0);
	return json_pack("{s:b,s:s,s:o}", "running", 1, "state", "silent",
	    "error", daemon_json_text(v->proxyd_err));
}

static json_t *
store_json(const struct status_view *v)
{
	if (!v->stored)
		return json_pack("{s:o}", "error",
		    daemon_json_text(v->store_err));
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I}", "schema", v->schema,
	    "generation", (json_int_t)v->sum.generation,
	    "providers", (json_int_t)v->sum.providers,
	    "keys", (json_int_t)v->sum.keys,
	    "models", (json_int_t)v->sum.models,
	    "requests", (json_int_t)v->sum.requests);
}

void
status_json(const struct status_view *v, const char *host, int port,
    struct buf *b)
{
	json_out(json_pack("{s:o,s:{s:b,s:i,s:s,s:s,s:i},s:o,s:o}",
	    "proxyd", proxyd_json(v),
	    "admind", "running", 1, "pid", (int)getpid(), "version",
	    PROXYD_VERSION, "host", host, "port", port,
	    "database", store_json(v), "refused_parameters",
	    store_refusals_json(v->db)), b);
}

static json_t *
key_json(const struct status_key *k)
{
	const struct status_code	*c;
	char				 when[CLOCK_RFC3339_LEN], code[16];
	int64_t				 total = k->ok + k->failed;
	json_t				*codes = json_object();

	for (c = k->codes; c != NULL; c = c->next) {
		snprintf(code, sizeof(code), "%d", c->status);
		json_object_set_new(codes, c->status == 0 ? "no_answer" : code,
		    json_integer(c->n));
	}
	return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o,s:I,s:I}",
	    "total_requests", (json_int_t)total,
	    "successful_requests", (json_int_t)k->ok,
	    "failed_requests", (json_int_t)k->failed,
	    "success_rate", total == 0 ? json_null() :
	    json_real((double)k->ok / (double)total),
	    "last_used", k->last_us == 0 ? json_null() :
	    json_string(clock_rfc3339(k->last_us, when)),
	    "status_codes", codes,
	    "in_flight", (json_int_t)k->inflight,
	    "key_id", (json_int_t)k->id);
}

static void
state_json(json_t *o, const struct status_key *k)
{
	char	 when[CLOCK_RFC3339_LEN];

	json_object_set_new(o, "state", json_string(k->state));
	json_object_set_new(o, "until", k->until_us == 0 ? json_null() :
	    json_string(clock_rfc3339(k->until_us, when)));
	json_object_set_new(o, "reason", json_string(k->reason));
}

static json_t *
keys_json(const struct status_view *v)
{
	const struct status_key	*k;
	json_t			*list = json_array(), *o;

	for (k = v->keys; k != NULL; k = k->next) {
		o = key_json(k);
		json_object_set_new(o, "provider", json_string(k->provider));
		json_object_set_new(o, "name", daemon_json_text(k->name));
		state_json(o, k);
		json_array_append_new(list, o);
	}
	return list;
}

void
status_live_json(const struct status_view *v, struct buf *b)
{
	json_t	*o = json_pack("{s:o,s:o}", "proxyd", proxyd_json(v), "keys",
		    keys_json(v));
	char	*text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

	must(text != NULL);
	(void)buf_addz(b, text);
	free(text);
	json_decref(o);
}

void
status_stats_json(const struct status_view *v, struct buf *b)
{
	const struct status_key	*k;
	json_t			*o = json_object(), *pool;

	for (k = v->keys; k != NULL; k = k->next) {
		pool = json_object_get(o, k->provider);
		if (pool == NULL) {
			pool = json_object();
			json_object_set_new(o, k->provider, pool);
		}
		json_object_set_new(pool, k->name, key_json(k));
	}
	json_out(o, b);
}
