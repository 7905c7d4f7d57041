/*
 * The state of the gateway, gathered from proxyd and the database.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "state/shm_keys.h"
#include "state/status_view.h"
#include "state/store_tenants.h"

#define ASK_MS	2000		/* everybody else waits as long */

struct gather {
	struct arena		*arena;
	struct status_view	*v;
	struct status_key	**key;		/* where the next goes */
	struct status_key	*at;		/* the last one */
	struct status_code	**code;
	struct status_provider	**provider;	/* where the next goes */
	struct status_key	**by_slot;
	int64_t			 wall_us, now_ms;
};

/* A monotonic time as one of the clock on the wall. */
static int64_t
wall(const struct gather *g, int64_t mono_ms)
{
	return g->wall_us + (mono_ms - g->now_ms) * 1000;
}

/* "by admin: it leaked" */
static const char *
disabled(struct gather *g, const struct store_key_stat *k)
{
	if (k->disabled_by.n + k->disabled_why.n == 0)
		return "";
	return arena_strf(g->arena, "%s%.*s%s%.*s", k->disabled_by.n > 0 ?
	    "by " : "", STR_FMT(k->disabled_by), k->disabled_by.n > 0 &&
	    k->disabled_why.n > 0 ? ": " : "", STR_FMT(k->disabled_why)).p;
}

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
	key->state = "active";
	key->reason = "";
	if (!k->enabled) {
		key->state = "disabled";
		key->reason = disabled(g, k);
	} else if (k->expires_us != 0 && k->expires_us <= g->wall_us)
		key->state = "expired";
	if (k->expires_us != 0)
		key->expires_us = k->expires_us;
	key->ok = k->ok;
	key->failed = k->failed;
	key->last_us = k->last_used_us;
	key->error_us = k->error_us;
	key->error_status = k->error_status;
	key->error = arena_str(g->arena, k->error).p;
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
provider_cb(void *arg, int64_t id, struct str name, bool enabled)
{
	struct gather		*g = arg;
	struct status_provider	*p = ARENA_NEW(g->arena,
				    struct status_provider);

	p->id = id;
	p->name = arena_str(g->arena, name).p;
	p->enabled = enabled;
	p->circuit = breaker_state_name(BREAKER_CLOSED);
	*g->provider = p;
	g->provider = &p->next;
}

/* Before the first configuration there is none, and nothing to count. */
static int
breaker_gather(struct store *s, struct breaker_rule *r)
{
	int64_t	 window = 0;

	if (store_setting(s, "breaker_window_ms", &window) == -1)
		window = 10000;
	r->window_ms = (int)window;
	return 0;
}

/* While proxyd does not run: what rests its keys when it does again. */
static void
kept_cb(void *arg, int64_t key_id, bool parked, int64_t until_us, int status)
{
	struct gather		*g = arg;
	struct status_key	*k;

	for (k = g->v->keys; k != NULL && k->id != key_id; k = k->next)
		;
	if (k == NULL || strcmp(k->state, "disabled") == 0 ||
	    strcmp(k->state, "expired") == 0 ||
	    (!parked && until_us <= g->wall_us))
		return;
	k->state = parked ? "parked" : "cooling";
	k->reason = parked ? arena_strf(g->arena, "the provider answered %d",
	    status).p : "rate limit";
	k->until_us = until_us;
}

static void
store_gather(struct gather *g, const struct conf_paths *paths, bool sums)
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
	if ((sums && store_summary(s, &v->sum) == -1) ||
	    breaker_gather(s, &v->breaker) == -1 ||
	    store_provider_names(s, provider_cb, g) == -1 ||
	    store_key_stats(s, key_cb, code_cb, g) == -1 ||
	    (v->answer == DAEMON_NOBODY && keys_kept(s, kept_cb, g) == -1))
		snprintf(v->store_err, sizeof(v->store_err), "%.1000s: %.900s",
		    paths->db, store_error(s));
	else
		v->stored = true;
	if (v->answer == DAEMON_OK && store_client_key_count(s) == 0)
		daemon_warn_host(g->arena, &v->proxyd);
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
	int64_t			 now = g->now_ms, until;

	if (strcmp(k->state, "active") != 0 || s->id != k->id)
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
	k->until_us = wall(g, until);
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

static void
model_cb(void *arg, unsigned slot, const struct keys_model *km)
{
	struct gather		*g = arg;
	struct status_key	*k = g->by_slot[slot];
	struct status_model	*s;

	if (k == NULL)
		return;
	s = ARENA_NEW(g->arena, struct status_model);
	s->model = arena_str(g->arena, str_of(km->model)).p;
	s->until_us = km->until_ms > g->now_ms ? wall(g, km->until_ms) : 0;
	s->requests = km->room.requests;
	s->tokens = km->room.tokens;
	s->requests_until_us = wall(g, km->room.requests_until_ms);
	s->tokens_until_us = wall(g, km->room.tokens_until_ms);
	s->next = k->models;
	k->models = s;
}

static void
providers_live(struct gather *g, const struct shm *m)
{
	struct status_provider	*p;
	struct breaker_view	 b;

	for (p = g->v->providers; p != NULL; p = p->next) {
		breaker_view(m, p->id, &g->v->breaker, g->now_ms, &b);
		p->circuit = breaker_state_name(b.state);
		p->ok = b.ok;
		p->failed = b.failed;
		p->opened = (int64_t)b.opened;
		if (b.state == BREAKER_OPEN)
			p->until_us = wall(g, b.until_ms);
	}
}

/* The database has what the logger wrote; proxyd knows of this moment. */
static void
keys_live(struct gather *g, const char *socket)
{
	const struct shm	*m = daemon_shm(socket, ASK_MS);
	struct status_key	*k;

	if (m == NULL)
		return;
	g->by_slot = arena_array(g->arena, SHM_KEYS, sizeof(*g->by_slot));
	for (k = g->v->keys; k != NULL; k = k->next)
		if (k->slot < SHM_KEYS && m->key[k->slot].loaded) {
			key_live(g, m, k);
			if (m->key[k->slot].id == k->id)
				g->by_slot[k->slot] = k;
		}
	keys_models(m, g->now_ms, model_cb, g);
	providers_live(g, m);
	shm_unmap(m);
}

static void
view_gather(struct status_view *v, struct arena *arena,
    const struct conf_paths *paths, bool sums)
{
	struct gather	 g = { .arena = arena, .v = v, .key = &v->keys,
			    .provider = &v->providers,
			    .wall_us = clock_wall_us(),
			    .now_ms = clock_mono_ms() };
	struct buf	 b;

	memset(v, 0, sizeof(*v));
	snprintf(v->db, sizeof(v->db), "%s", paths->db);
	buf_init(&b, 1 << 20);
	v->answer = daemon_ask(paths->control, "status", ASK_MS, &b,
	    v->proxyd_err, sizeof(v->proxyd_err));
	if (v->answer == DAEMON_OK)
		daemon_status_parse(arena, buf_str(&b), &v->proxyd);
	buf_release(&b);
	store_gather(&g, paths, sums);
	if (v->answer == DAEMON_OK && v->stored)
		keys_live(&g, paths->control);
}

void
status_gather(struct status_view *v, struct arena *arena,
    const struct conf_paths *paths)
{
	view_gather(v, arena, paths, true);
}

void
status_watch(struct status_view *v, struct arena *arena,
    const struct conf_paths *paths)
{
	view_gather(v, arena, paths, false);
}
