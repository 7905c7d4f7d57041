/*
 * The configuration as workers use it, read from the database in one
 * transaction.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "state/caps_file.h"
#include "state/store_refusal.h"
#include "state/store_sql.h"
#include "state/snapshot.h"
#include "state/snapshot_tenants.h"

struct load {
	struct store			*s;
	const struct secret_box		*box;
	struct snapshot			*snap;
	struct arena			*arena;
};

static struct str
text(struct load *l, struct sqlite3_stmt *st, int column)
{
	return arena_str(l->arena, sql_str(st, column));
}

/* --- settings ------------------------------------------------------------- */

static int
load_bodies(struct load *l)
{
	struct snapshot	*n = l->snap;
	int64_t		 mode, sample;

	if (store_setting(l->s, "body_mode", &mode) == -1 ||
	    store_setting(l->s, "body_sample", &sample) == -1 ||
	    store_setting(l->s, "body_max", &n->body_max) == -1)
		return -1;
	n->body_mode = (int)mode;
	n->body_sample = (int)sample;
	return 0;
}

static int
load_fetch(struct load *l)
{
	struct snapshot		*n = l->snap;
	struct sqlite3_stmt	*st;
	int64_t			 choices, most, ms, parallel, private;
	int			 rc;

	if (store_setting(l->s, "choices_max", &choices) == -1 ||
	    store_setting(l->s, "fetch_count", &most) == -1 ||
	    store_setting(l->s, "fetch_ms", &ms) == -1 ||
	    store_setting(l->s, "fetch_parallel", &parallel) == -1 ||
	    store_setting(l->s, "fetch_private", &private) == -1 ||
	    store_setting(l->s, "fetch_size", &n->fetch_size) == -1 ||
	    store_setting(l->s, "fetch_total", &n->fetch_total) == -1 ||
	    (st = sql_open(l->s, "SELECT value FROM settings "
	    "WHERE name = 'fetch_types'", "")) == NULL)
		return -1;
	if ((rc = sql_step(l->s, st)) == 1)
		n->fetch_types = text(l, st, 0);
	sql_end(st);
	n->choices_max = (int)choices;
	n->fetch_count = (int)most;
	n->fetch_ms = (int)ms;
	n->fetch_parallel = (int)parallel;
	n->fetch_private = private != 0;
	return rc == -1 ? -1 : 0;
}

static int
load_number(struct load *l, const char *name, int *to)
{
	int64_t	 n;

	if (store_setting(l->s, name, &n) == -1)
		return -1;
	*to = (int)n;
	return 0;
}

static int
load_breaker(struct load *l)
{
	struct breaker_rule	*b = &l->snap->breaker;

	return load_number(l, "queue_ms", &l->snap->queue_ms) == -1 ||
	    load_number(l, "queue_length", &l->snap->queue_length) == -1 ||
	    load_number(l, "breaker_share", &b->share) == -1 ||
	    load_number(l, "breaker_least", &b->least) == -1 ||
	    load_number(l, "breaker_window_ms", &b->window_ms) == -1 ||
	    load_number(l, "breaker_rest_ms", &b->rest_ms) == -1 ? -1 : 0;
}

static int
load_settings(struct load *l)
{
	struct snapshot	*n = l->snap;
	int64_t		 mode, anon, body, alive, tries, retry, cool, max,
			 recheck;
	int64_t		 strict;
	uint64_t	 generation;

	if (store_generation(l->s, &generation) == -1 ||
	    load_bodies(l) == -1 || load_fetch(l) == -1 ||
	    load_breaker(l) == -1 || store_setting(l->s, "mode", &mode) == -1 ||
	    store_setting(l->s, "allow_anonymous", &anon) == -1 ||
	    store_setting(l->s, "strict", &strict) == -1 ||
	    store_setting(l->s, "max_body", &body) == -1 ||
	    store_setting(l->s, "keepalive_ms", &alive) == -1 ||
	    store_setting(l->s, "retry_tries", &tries) == -1 ||
	    store_setting(l->s, "retry_ms", &retry) == -1 ||
	    store_setting(l->s, "cooldown_ms", &cool) == -1 ||
	    store_setting(l->s, "cooldown_max_ms", &max) == -1 ||
	    store_setting(l->s, "recheck_ms", &recheck) == -1)
		return -1;
	n->generation = generation;
	n->mode = mode == CONF_DIRECT ? CONF_DIRECT : CONF_TRANSFORMER;
	n->strict = strict != 0;
	n->allow_anonymous = anon != 0;
	n->max_body = body;
	n->keepalive_ms = (int)alive;
	n->retry_tries = (int)tries;
	n->retry_ms = (int)retry;
	n->cooldown_ms = (int)cool;
	n->cooldown_max_ms = (int)max;
	n->recheck_ms = (int)recheck;
	return 0;
}

static int
load_hosts(struct load *l)
{
	struct snapshot		*n = l->snap;
	struct sqlite3_stmt	*st;
	int			 rc;

	if ((st = sql_open(l->s, "SELECT name FROM hosts ORDER BY name",
	    "")) == NULL)
		return -1;
	while ((rc = sql_step(l->s, st)) == 1) {
		n->hosts = snapshot_grow(l->arena, n->hosts, n->nhosts,
		    sizeof(*n->hosts));
		n->hosts[n->nhosts++] = text(l, st, 0);
	}
	sql_end(st);
	return rc;
}

/* --- providers ------------------------------------------------------------ */

/* Opened into the arena; empty stays empty.  -1: it cannot be opened. */
static int
unseal(struct load *l, struct str context, struct str sealed,
    struct str *plain)
{
	struct buf	 b;
	int		 rc;

	*plain = STR("");
	if (sealed.n == 0)
		return 0;
	buf_init(&b, SECRET_MAX + 64);
	if ((rc = secret_open(l->box, context, sealed, &b)) == 0)
		*plain = arena_str(l->arena, buf_str(&b));
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

static int
cannot_open(struct load *l, const char *what, struct str provider)
{
	return store_fail(l->s, "%s of provider '%.*s' cannot be opened: it "
	    "is damaged, or sealed under another secret.key", what,
	    STR_FMT(provider));
}

static int
fill_provider(struct load *l, struct sqlite3_stmt *st,
    struct snap_provider *p)
{
	char	 context[STORE_CONTEXT_MAX];

	*p = (struct snap_provider){
		.id = sql_int(st, 0),
		.name = text(l, st, 1),
		.dialect = text(l, st, 2),
		.base_url = text(l, st, 3),
		.auth_header = text(l, st, 4),
		.auth_format = text(l, st, 5),
		.default_model = text(l, st, 6),
		.ca_file = text(l, st, 8),
		.keyless = sql_int(st, 9) != 0,
		.connect_ms = (int)sql_int(st, 10),
		.first_byte_ms = (int)sql_int(st, 11),
		.idle_ms = (int)sql_int(st, 12),
		.total_ms = (int)sql_int(st, 13),
		.disabled = sql_int(st, 15) == 0
	};
	if (unseal(l, store_context(context, "proxy", p->name, STR("")),
	    sql_str(st, 7), &p->proxy) == -1)
		return cannot_open(l, "the proxy", p->name);
	return 0;
}

static int
load_providers(struct load *l)
{
	struct snapshot		*n = l->snap;
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(l->s, "SELECT id, name, dialect, base_url, auth_header, "
	    "auth_format, default_model, proxy, ca_file, keyless, connect_ms, "
	    "first_byte_ms, idle_ms, total_ms, strategy, enabled "
	    "FROM providers WHERE source <> 'gone' ORDER BY source = 'builtin', pos, id", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(l->s, st)) == 1) {
		n->providers = snapshot_grow(l->arena, n->providers, n->nproviders,
		    sizeof(*n->providers));
		rc = fill_provider(l, st, &n->providers[n->nproviders++]);
		if (rc == -1)
			break;
	}
	sql_end(st);
	return rc;
}

static int
load_headers(struct load *l, struct snap_provider *p)
{
	struct sqlite3_stmt	*st;
	struct snap_header	*h;
	struct str		 name, value;
	char			 context[STORE_CONTEXT_MAX];
	int			 rc;

	st = sql_open(l->s, "SELECT name, value FROM provider_headers "
	    "WHERE provider_id = ? ORDER BY pos", "i", p->id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(l->s, st)) == 1) {
		p->headers = snapshot_grow(l->arena, p->headers, p->nheaders,
		    sizeof(*p->headers));
		h = &p->headers[p->nheaders++];
		name = text(l, st, 0);
		h->name = name.p;
		rc = unseal(l, store_context(context, "header", p->name, name),
		    sql_str(st, 1), &value);
		h->value = value.p;
		if (rc == -1) {
			cannot_open(l, "a header", p->name);
			break;
		}
	}
	sql_end(st);
	return rc;
}

/* --- keys and models ------------------------------------------------------ */

/* A key that cannot be opened serves nobody; the rest of its pool still does. */
static void
fill_key(struct load *l, struct sqlite3_stmt *st, unsigned provider,
    struct snap_key *k)
{
	char		 context[STORE_CONTEXT_MAX];
	struct str	 mask = sql_str(st, 3), plain;

	*k = (struct snap_key){
		.id = sql_int(st, 0),
		.slot = (unsigned)sql_int(st, 1),
		.provider = provider,
		.enabled = sql_int(st, 4) != 0,
		.weight = (unsigned)sql_int(st, 5),
		.priority = (unsigned)sql_int(st, 6),
		.max_concurrent = (unsigned)sql_int(st, 7),
		.rpm = (unsigned)sql_int(st, 8),
		.tpm = (unsigned)sql_int(st, 9),
		.expires_us = sql_int(st, 11),
		.tenant_id = sql_int(st, 12)
	};
	snapshot_patterns(l->arena, sql_str(st, 10), &k->models);
	snprintf(k->mask, sizeof(k->mask), "%.*s", STR_FMT(mask));
	if (unseal(l, store_context(context, "key",
	    l->snap->providers[provider].name, STR("")), sql_str(st, 2),
	    &plain) == 0) {
		k->value = (struct secret){ plain.p, plain.n };
		return;
	}
	log_warnx("key %lld (%s) cannot be opened, and rests: it is damaged, "
	    "or sealed under another secret.key", (long long)k->id, k->mask);
	k->enabled = false;
}

static int
load_keys(struct load *l, unsigned provider)
{
	struct snapshot		*n = l->snap;
	struct snap_provider	*p = &n->providers[provider];
	struct sqlite3_stmt	*st;
	int			 rc;

	p->first_key = n->nkeys;
	st = sql_open(l->s, "SELECT id, slot, value, mask, enabled, weight, "
	    "priority, max_concurrent, rpm, tpm, models, expires_us, "
	    "tenant_id FROM keys "
	    "WHERE provider_id = ? AND source <> 'gone' AND slot IS NOT NULL "
	    "ORDER BY pos, id", "i", p->id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(l->s, st)) == 1) {
		n->keys = snapshot_grow(l->arena, n->keys, n->nkeys, sizeof(*n->keys));
		fill_key(l, st, provider, &n->keys[n->nkeys]);
		p->owned = p->owned || n->keys[n->nkeys++].tenant_id != 0;
	}
	sql_end(st);
	p->nkeys = n->nkeys - p->first_key;
	return rc;
}

/* A name that both the file and the operator define is the file's. */
static int
load_models(struct load *l)
{
	struct snapshot		*n = l->snap;
	struct sqlite3_stmt	*st;
	struct snap_model	*m;
	int			 rc, provider, mode, pool;

	st = sql_open(l->s, "SELECT m.route_key, m.target, p.name, m.mode, "
	    "m.pool FROM models m JOIN providers p ON p.id = m.provider_id "
	    "WHERE p.source <> 'gone' AND m.enabled AND (m.source = 'file' OR NOT EXISTS "
	    "(SELECT 1 FROM models f WHERE f.route_key = m.route_key "
	    "AND f.source = 'file')) ORDER BY m.route_key", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(l->s, st)) == 1) {
		if ((provider = snapshot_provider(n, sql_str(st, 2))) == -1)
			continue;
		n->models = snapshot_grow(l->arena, n->models, n->nmodels,
		    sizeof(*n->models));
		m = &n->models[n->nmodels++];
		mode = (int)sql_int(st, 3);
		m->route_key = text(l, st, 0);
		m->target = text(l, st, 1);
		m->provider = (unsigned)provider;
		/* A pool that is gone must not open all other keys. */
		if ((pool = snapshot_pool(n, provider, sql_str(st, 4))) ==
		    -1) {
			n->nmodels--;
			continue;
		}
		m->pool = (unsigned)pool;
		m->mode = mode == CONF_DIRECT || mode == CONF_TRANSFORMER ?
		    mode : (int)n->mode;
	}
	sql_end(st);
	return rc;
}

static int
load_preferred(struct load *l)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	l->snap->preferred = -1;
	st = sql_open(l->s, "SELECT value FROM settings "
	    "WHERE name = 'preferred_provider'", "");
	if (st == NULL)
		return -1;
	if ((rc = sql_step(l->s, st)) == 1)
		l->snap->preferred = snapshot_provider(l->snap,
		    sql_str(st, 0));
	sql_end(st);
	return rc == -1 ? -1 : 0;
}

/* Checked when it was read; another version of this program may differ. */
static int
load_caps(struct load *l)
{
	struct sqlite3_stmt	*st;
	char			 err[512];
	int			 rc;

	st = sql_open(l->s, "SELECT value FROM settings "
	    "WHERE name = 'models'", "");
	if (st == NULL)
		return -1;
	if ((rc = sql_step(l->s, st)) == 1 &&
	    caps_file_parse(l->arena, sql_str(st, 0), "MODELS_FILE",
	    &l->snap->caps, err, sizeof(err)) == -1) {
		log_warnx("%s: it is left out", err);
		l->snap->caps.n = 0;
	}
	sql_end(st);
	return rc == -1 ? -1 : 0;
}

static void
refusal_cb(void *arg, const struct store_refusal *r)
{
	struct load	*l = arg;
	struct snapshot	*n = l->snap;
	int		 provider = snapshot_provider(n, r->provider);

	if (provider == -1)
		return;
	n->refusals = snapshot_grow(l->arena, n->refusals, n->nrefusals,
	    sizeof(*n->refusals));
	n->refusals[n->nrefusals++] = (struct snap_refusal){
		.provider = (unsigned)provider,
		.model = arena_str(l->arena, r->model),
		.name = arena_str(l->arena, r->name),
		.rename = arena_str(l->arena, r->rename),
		.expires_us = r->expires_us
	};
}

static int
load_server_tools(struct load *l)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(l->s, "SELECT value FROM settings "
	    "WHERE name = 'server_tools'", "");
	if (st == NULL)
		return -1;
	if ((rc = sql_step(l->s, st)) == 1)
		l->snap->server_tools = text(l, st, 0);
	sql_end(st);
	return rc == -1 ? -1 : 0;
}

static int
load_all(struct load *l)
{
	unsigned	 i;

	if (load_settings(l) == -1 || load_hosts(l) == -1 ||
	    load_server_tools(l) == -1 || load_providers(l) == -1)
		return -1;
	for (i = 0; i < l->snap->nproviders; i++)
		if (load_headers(l, &l->snap->providers[i]) == -1 ||
		    load_keys(l, i) == -1)
			return -1;
	if (snapshot_load_pools(l->s, l->snap) == -1 ||
	    load_models(l) == -1 || snapshot_tenants(l->s, l->box, l->snap) == -1 ||
	    load_preferred(l) == -1 || load_caps(l) == -1 ||
	    store_refusals_each(l->s, refusal_cb, l) == -1)
		return -1;
	return snapshot_load_rules(l->s, l->snap);
}

struct snapshot *
snapshot_load(struct store *s, const struct secret_box *box, char *err,
    size_t errsize)
{
	struct load	 l = { .s = s, .box = box };
	int		 rc = -1;

	if ((l.snap = calloc(1, sizeof(*l.snap))) == NULL)
		fatal("calloc");
	l.snap->refs = 1;
	arena_init(&l.snap->arena);
	l.arena = &l.snap->arena;
	if (sql_begin_read(s) == 0) {
		rc = load_all(&l);
		sql_rollback(s);
	}
	if (rc == 0)
		return l.snap;
	snprintf(err, errsize, "%s", store_error(s));
	snapshot_unref(l.snap);
	return NULL;
}

struct snapshot *
snapshot_ref(struct snapshot *n)
{
	n->refs++;
	return n;
}

void
snapshot_unref(struct snapshot *n)
{
	unsigned	 i;

	if (n == NULL || --n->refs > 0)
		return;
	for (i = 0; i < n->nkeys; i++)
		secret_wipe(n->keys[i].value);
	arena_release(&n->arena);
	free(n);
}

int
snapshot_provider(const struct snapshot *n, struct str name)
{
	unsigned	 i;

	for (i = 0; i < n->nproviders; i++)
		if (str_eq(n->providers[i].name, name))
			return (int)i;
	return -1;
}

const struct snap_model *
snapshot_model(const struct snapshot *n, struct str route_key)
{
	unsigned	 lo = 0, hi = n->nmodels, mid;
	int		 c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = str_cmp(route_key, n->models[mid].route_key);
		if (c == 0)
			return &n->models[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
