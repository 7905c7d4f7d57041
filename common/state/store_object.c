/*
 * Managed objects: listed, made, changed and deleted, each change checked and
 * one transaction.
 */
#include <stdio.h>

#include "base/clock.h"
#include "state/object_sealed.h"
#include "state/rules.h"
#include "state/shm.h"

/*
 * Statements of a kind.  Columns of all, one: id, source, mask, then the
 * fields in their order.  insert: ?1 ... the fields; update: ... and the id.
 */
struct kind {
	const char	*name;
	const char	*all, *one, *by_name, *insert, *update, *drop;
};

#define PROVIDER(n)							\
	"(SELECT id FROM providers WHERE name = ?" n " AND source <> 'gone')"
#define NAME_OF(t)							\
	"(SELECT name FROM providers WHERE id = " t ".provider_id)"

#define MODEL_SQL	"SELECT id, source, '', route_key, target, "	\
	NAME_OF("models") ", pool, mode, enabled FROM models "
#define RULE_SQL	"SELECT id, source, '', name, pos, enabled, "	\
	"match, targets, strategy, affinity FROM rules "
#define POOL_SQL	"SELECT id, source, '', name, " NAME_OF("pools")	\
	", strategy, keys FROM pools "
#define KEY_SQL		"SELECT id, source, mask, " NAME_OF("keys") ", "	\
	"enabled, weight, priority, max_concurrent, rpm, tpm, models, note, " \
	"expires_us, disabled_by, disabled_why, coalesce((SELECT name "	\
	"FROM tenants WHERE id = keys.tenant_id AND gone_us = 0), '') "	\
	"FROM keys "
#define PROVIDER_SQL	"SELECT id, source, '', name, dialect, base_url, " \
	"auth_header, auth_format, default_model, ca_file, keyless, "	\
	"connect_ms, first_byte_ms, idle_ms, total_ms, strategy, enabled, " \
	"(SELECT json_group_object(name, mask) FROM (SELECT name, mask "	\
	"FROM provider_headers h WHERE h.provider_id = providers.id "	\
	"ORDER BY pos)), proxy_mask FROM providers "

static const struct kind kinds[OBJECT_KINDS] = {
	[OBJECT_MODEL] = { "model",
	    MODEL_SQL "ORDER BY route_key, source",
	    MODEL_SQL "WHERE id = ?",
	    "SELECT id FROM models WHERE route_key = ? ORDER BY source DESC",
	    "INSERT INTO models (route_key, target, provider_id, pool, mode, "
	    "enabled, source) VALUES (?1, ?2, " PROVIDER("3") ", ?4, ?5, ?6, "
	    "'db') ON CONFLICT (route_key, source) DO NOTHING RETURNING id",
	    "UPDATE models SET route_key = ?1, target = ?2, provider_id = "
	    PROVIDER("3") ", pool = ?4, mode = ?5, enabled = ?6 "
	    "WHERE id = ?7",
	    "DELETE FROM models WHERE id = ?" },
	[OBJECT_RULE] = { "rule",
	    RULE_SQL "ORDER BY pos, id",
	    RULE_SQL "WHERE id = ?",
	    "SELECT id FROM rules WHERE name = ?",
	    "INSERT INTO rules (name, pos, enabled, match, targets, strategy, "
	    "affinity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
	    "ON CONFLICT (name) DO NOTHING RETURNING id",
	    "UPDATE rules SET name = ?1, pos = ?2, enabled = ?3, match = ?4, "
	    "targets = ?5, strategy = ?6, affinity = ?7 WHERE id = ?8",
	    "DELETE FROM rules WHERE id = ?" },
	[OBJECT_POOL] = { "pool",
	    POOL_SQL "ORDER BY name",
	    POOL_SQL "WHERE id = ?",
	    "SELECT id FROM pools WHERE name = ?",
	    "INSERT INTO pools (name, provider_id, strategy, keys) VALUES "
	    "(?1, " PROVIDER("2") ", ?3, ?4) "
	    "ON CONFLICT (name) DO NOTHING RETURNING id",
	    "UPDATE pools SET name = ?1, provider_id = " PROVIDER("2") ", "
	    "strategy = ?3, keys = ?4 WHERE id = ?5",
	    "DELETE FROM pools WHERE id = ?" },
	[OBJECT_KEY] = { "key",
	    KEY_SQL "WHERE source <> 'gone' ORDER BY provider_id, pos, id",
	    KEY_SQL "WHERE id = ? AND source <> 'gone'",
	    "SELECT id FROM keys WHERE mask = ? AND source <> 'gone'",
	    NULL,
	    "UPDATE keys SET provider_id = " PROVIDER("1") ", enabled = ?2, "
	    "weight = ?3, priority = ?4, max_concurrent = ?5, rpm = ?6, "
	    "tpm = ?7, models = ?8, note = ?9, expires_us = ?10, "
	    "disabled_by = ?11, disabled_why = ?12, tenant_id = CASE "
	    "WHEN ?13 <> '' THEN (SELECT id FROM tenants WHERE name = ?13 "
	    "COLLATE NOCASE AND gone_us = 0) WHEN EXISTS (SELECT 1 FROM "
	    "tenants t WHERE t.id = tenant_id AND gone_us = 0) THEN 0 "
	    /* A key of one who is gone is not everybody's. */
	    "ELSE tenant_id END WHERE id = ?14",
	    "UPDATE keys SET source = 'gone', gone_us = unixepoch() * 1000000 "
	    "WHERE id = ?" },
	[OBJECT_PROVIDER] = { "provider",
	    PROVIDER_SQL "WHERE source <> 'gone' ORDER BY pos, id",
	    PROVIDER_SQL "WHERE id = ? AND source <> 'gone'",
	    "SELECT id FROM providers WHERE name = ? AND source <> 'gone'",
	    "INSERT INTO providers (name, dialect, base_url, auth_header, "
	    "auth_format, default_model, ca_file, keyless, connect_ms, "
	    "first_byte_ms, idle_ms, total_ms, strategy, enabled, pos, "
	    "source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
	    "?12, ?13, ?14, 1000000, 'db') ON CONFLICT (name) DO UPDATE SET "
	    "dialect = excluded.dialect, base_url = excluded.base_url, "
	    "auth_header = excluded.auth_header, "
	    "auth_format = excluded.auth_format, "
	    "default_model = excluded.default_model, "
	    "ca_file = excluded.ca_file, keyless = excluded.keyless, "
	    "connect_ms = excluded.connect_ms, "
	    "first_byte_ms = excluded.first_byte_ms, "
	    "idle_ms = excluded.idle_ms, total_ms = excluded.total_ms, "
	    "strategy = excluded.strategy, enabled = excluded.enabled, "
	    "pos = excluded.pos, "
	    "source = 'db' WHERE source = 'gone' RETURNING id",
	    "UPDATE providers SET name = ?1, dialect = ?2, base_url = ?3, "
	    "auth_header = ?4, auth_format = ?5, default_model = ?6, "
	    "ca_file = ?7, keyless = ?8, connect_ms = ?9, "
	    "first_byte_ms = ?10, idle_ms = ?11, total_ms = ?12, "
	    "strategy = ?13, enabled = ?14 WHERE id = ?15",
	    "UPDATE providers SET source = 'gone' WHERE id = ?" }
};

const char *
object_name(enum object_kind k)
{
	return kinds[k].name;
}

enum object_kind
object_kind_of(struct str name)
{
	unsigned	 k;

	for (k = 0; k < OBJECT_KINDS && !str_is(name, kinds[k].name); k++)
		;
	return (enum object_kind)k;
}

/* --- read ----------------------------------------------------------------- */

struct object {
	int64_t			 id;
	struct str		 source, mask;
	struct object_value	 v[OBJECT_FIELDS_MAX];
};

static void
object_read(struct sqlite3_stmt *st, const struct object_field *f,
    struct object *o)
{
	unsigned	 i;

	o->id = sql_int(st, 0);
	o->source = sql_str(st, 1);
	o->mask = sql_str(st, 2);
	for (i = 0; f[i].name != NULL; i++)
		if (object_is_number(&f[i]))
			o->v[i].i = sql_int(st, (int)i + 3);
		else
			o->v[i].s = sql_str(st, (int)i + 3);
}

static void
object_json(struct jw *w, const struct object_field *f,
    const struct object *o)
{
	unsigned	 i;

	jw_object(w);
	jw_key(w, "id");
	jw_int(w, o->id);
	jw_key(w, "source");
	jw_str(w, o->source);
	if (o->mask.n > 0) {
		jw_key(w, "mask");
		jw_str(w, o->mask);
	}
	for (i = 0; f[i].name != NULL; i++)
		object_write(w, &f[i], &o->v[i]);
	jw_object_end(w);
}

enum object_result
store_object_list(struct store *s, enum object_kind k, struct buf *b)
{
	struct sqlite3_stmt	*st;
	struct object		 o;
	struct jw		 w;
	int			 rc;

	if ((st = sql_open(s, kinds[k].all, "")) == NULL)
		return OBJECT_STORE;
	jw_init(&w, b);
	jw_array(&w);
	while ((rc = sql_step(s, st)) == 1) {
		object_read(st, object_fields[k], &o);
		object_json(&w, object_fields[k], &o);
	}
	jw_array_end(&w);
	sql_end(st);
	return rc == -1 ? OBJECT_STORE : OBJECT_OK;
}

enum object_result
store_object_get(struct store *s, enum object_kind k, int64_t id,
    struct buf *b)
{
	struct sqlite3_stmt	*st;
	struct object		 o;
	struct jw		 w;
	int			 rc;

	if ((st = sql_open(s, kinds[k].one, "i", id)) == NULL)
		return OBJECT_STORE;
	if ((rc = sql_step(s, st)) == 1) {
		jw_init(&w, b);
		object_read(st, object_fields[k], &o);
		object_json(&w, object_fields[k], &o);
	}
	sql_end(st);
	return rc == 1 ? OBJECT_OK : rc == 0 ? OBJECT_NONE : OBJECT_STORE;
}

enum object_result
store_object_find(struct store *s, enum object_kind k, struct str name,
    int64_t *id)
{
	struct sqlite3_stmt	*st;
	int			 rc, more = 0;

	if ((st = sql_open(s, kinds[k].by_name, "s", name)) == NULL)
		return OBJECT_STORE;
	if ((rc = sql_step(s, st)) == 1) {
		*id = sql_int(st, 0);
		if (k == OBJECT_KEY)
			more = sql_step(s, st);
	}
	sql_end(st);
	if (rc == -1 || more == -1)
		return OBJECT_STORE;
	return rc == 1 && more == 0 ? OBJECT_OK : OBJECT_NONE;
}

/* --- a change -------------------------------------------------------------- */

struct change {
	struct store			*s;
	const struct secret_box		*box;
	enum object_kind		 k;
	const struct object_field	*f;
	struct arena			 arena;
	struct json			 json;
	struct object			 o;
	bool				 given[OBJECT_FIELDS_MAX];
	bool				 create;
	struct str			 secret;	/* a new key's value */
	struct object_error		*e;
};

static enum object_result
refuse(struct change *c, const char *field, const char *text)
{
	c->e->conflict = true;
	object_fail(c->e, field, "%s", text);
	return OBJECT_REFUSED;
}

static int
change_member(struct change *c, struct jv m)
{
	struct str	 name = json_str(&c->arena, json_key(m));
	char		 all[400] = "";
	size_t		 n = 0;
	unsigned	 i;

	if (c->k == OBJECT_KEY && c->create && str_is(name, "api_key")) {
		if (json_type(m) != JSON_STRING)
			return object_fail(c->e, "api_key",
			    "expected a string");
		c->secret = json_str(&c->arena, m);
		return 0;
	}
	for (i = 0; c->f[i].name != NULL; i++) {
		if (str_is(name, c->f[i].name)) {
			c->given[i] = true;
			return object_check(&c->arena, &c->f[i], m,
			    &c->o.v[i], c->e);
		}
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s",
		    i == 0 ? "" : ", ", c->f[i].name);
	}
	return object_fail(c->e, arena_strf(&c->arena, "%.*s", name.n > 64 ?
	    64 : (int)name.n, name.p).p, "unknown member of a %s: allowed "
	    "are %s", kinds[c->k].name, all);
}

static int
change_parse(struct change *c, struct str text)
{
	struct json_error	 je;
	struct jv		 m, root;

	if (text.n > OBJECT_TEXT_MAX)
		return object_fail(c->e, "", "the object is larger than %u "
		    "bytes", OBJECT_TEXT_MAX);
	if (json_parse(&c->json, text, &je) == -1)
		return object_fail(c->e, "", "no valid JSON: %s at byte %zu",
		    je.what, je.offset);
	root = json_root(&c->json);
	if (json_type(root) != JSON_OBJECT)
		return object_fail(c->e, "", "expected a JSON object, got %s",
		    json_type_name(json_type(root)));
	for (m = json_first(root); json_ok(m); m = json_next(m))
		if (change_member(c, m) == -1)
			return -1;
	return 0;
}

static struct str *
member(struct change *c, const char *name)
{
	unsigned	 i;

	for (i = 0; c->f[i].name != NULL; i++)
		if (strcmp(c->f[i].name, name) == 0)
			return &c->o.v[i].s;
	return NULL;
}

/* --- what it refers to ------------------------------------------------------ */

static int
has_provider(struct change *c, const char *field, struct str name)
{
	int64_t	 n = 0;

	if (sql_get(c->s, &n, "SELECT count(*) FROM providers WHERE name = ? "
	    "AND source <> 'gone'", "s", name) == -1)
		return OBJECT_STORE;
	if (n > 0)
		return OBJECT_OK;
	object_fail(c->e, field, "there is no provider '%.*s'",
	    STR_FMT(name));
	return OBJECT_REFUSED;
}

static int
has_pool(struct change *c, const char *field, struct str name,
    struct str provider)
{
	int64_t	 n = 0;

	if (name.n == 0)
		return OBJECT_OK;
	if (sql_get(c->s, &n, "SELECT count(*) FROM pools JOIN providers p "
	    "ON p.id = provider_id WHERE pools.name = ? AND p.name = ?", "ss",
	    name, provider) == -1)
		return OBJECT_STORE;
	if (n > 0)
		return OBJECT_OK;
	object_fail(c->e, field, "provider '%.*s' has no pool '%.*s'",
	    STR_FMT(provider), STR_FMT(name));
	return OBJECT_REFUSED;
}

static int
refers_targets(struct change *c)
{
	struct rule_target	*t = NULL;
	struct rule_error	 re;
	struct json		 j;
	char			 field[64];
	unsigned		 n = 0, i;
	int			 rc = OBJECT_OK;

	json_init(&j);
	if (json_parse(&j, *member(c, "targets"), NULL) == -1 ||
	    rule_targets_parse(&c->arena, json_root(&j), &t, &n, &re) == -1)
		n = 0;
	for (i = 0; i < n && rc == OBJECT_OK; i++) {
		if (t[i].provider.n == 0)
			continue;
		snprintf(field, sizeof(field), "targets[%u].provider", i);
		rc = has_provider(c, field, t[i].provider);
		snprintf(field, sizeof(field), "targets[%u].pool", i);
		if (rc == OBJECT_OK)
			rc = has_pool(c, field, t[i].pool, t[i].provider);
	}
	json_release(&j);
	return rc;
}

/* Each id once, and a key of the pool's provider. */
static int
refers_keys(struct change *c)
{
	int64_t	 all = 0, known = 0;

	if (sql_get(c->s, &all, "SELECT count(*) FROM json_each(?)", "s",
	    *member(c, "keys")) == -1 || sql_get(c->s, &known, "SELECT "
	    "count(*) FROM keys JOIN providers p ON p.id = provider_id WHERE "
	    "keys.source <> 'gone' AND p.name = ? AND keys.id IN (SELECT "
	    "value FROM json_each(?))", "ss", *member(c, "provider"),
	    *member(c, "keys")) == -1)
		return OBJECT_STORE;
	if (all == known)
		return OBJECT_OK;
	object_fail(c->e, "keys", "expected ids of keys of provider '%.*s', "
	    "each once", STR_FMT(*member(c, "provider")));
	return OBJECT_REFUSED;
}

static int
has_tenant(struct change *c, struct str name)
{
	int64_t	 n = 0;

	if (name.n == 0)
		return OBJECT_OK;
	if (sql_get(c->s, &n, "SELECT count(*) FROM tenants WHERE name = ? "
	    "COLLATE NOCASE AND gone_us = 0", "s", name) == -1)
		return OBJECT_STORE;
	if (n > 0)
		return OBJECT_OK;
	object_fail(c->e, "tenant", "there is no tenant '%.*s'",
	    STR_FMT(name));
	return OBJECT_REFUSED;
}

static int
refers(struct change *c)
{
	int	 rc = OBJECT_OK;

	if (c->k == OBJECT_RULE)
		return refers_targets(c);
	if (c->k != OBJECT_PROVIDER)
		rc = has_provider(c, "provider", *member(c, "provider"));
	if (rc == OBJECT_OK && c->k == OBJECT_MODEL)
		rc = has_pool(c, "pool", *member(c, "pool"),
		    *member(c, "provider"));
	if (rc == OBJECT_OK && c->k == OBJECT_POOL)
		rc = refers_keys(c);
	if (rc == OBJECT_OK && c->k == OBJECT_KEY)
		rc = has_tenant(c, *member(c, "tenant"));
	return rc;
}

/* --- written ---------------------------------------------------------------- */

static int
bind_run(struct change *c, const char *text, int64_t id, int64_t *got)
{
	struct sqlite3_stmt	*st;
	unsigned		 i;
	int			 rc;

	if ((st = sql_prepare(c->s, text)) == NULL)
		return -1;
	for (i = 0; c->f[i].name != NULL && !object_is_sealed(&c->f[i]); i++)
		if (object_is_number(&c->f[i]))
			sql_bind_int(st, (int)i + 1, c->o.v[i].i);
		else
			sql_bind_str(st, (int)i + 1, c->o.v[i].s);
	if (id > 0)
		sql_bind_int(st, (int)i + 1, id);
	rc = sql_step(c->s, st);
	if (rc == 1 && got != NULL)
		*got = sql_int(st, 0);
	sql_end(st);
	return rc;
}

/* The bare row of a key; one that is gone comes back. */
static int
insert_key(struct change *c, int64_t *id)
{
	struct str	 provider = *member(c, "provider"), context;
	char		 buffer[STORE_CONTEXT_MAX], print[65];
	char		 mask[SECRET_MASK_LEN];
	struct buf	 b;
	int64_t		 slot;
	int		 rc;

	if (store_slot_take(c->s, &slot) == -1)
		return -1;
	context = store_context(buffer, "key", provider, STR(""));
	buf_init(&b, SECRET_MAX + 64);
	if (secret_seal(c->box, context, c->secret, &b) == -1) {
		buf_release(&b);
		return store_fail(c->s, "cannot seal the key");
	}
	secret_fingerprint(c->box, context, c->secret, print);
	secret_mask(mask, c->secret);
	rc = sql_get(c->s, id, "INSERT INTO keys (provider_id, slot, pos, "
	    "value, print, mask, source, added_us) VALUES ((SELECT id FROM "
	    "providers WHERE name = ? AND source <> 'gone'), ?, 1000000, ?, "
	    "?, ?, 'db', ?) ON CONFLICT (provider_id, print) DO UPDATE SET "
	    "source = 'db', slot = excluded.slot WHERE source = 'gone' "
	    "RETURNING id", "sibssi", provider, slot, buf_str(&b),
	    str_of(print), str_of(mask), clock_wall_us());
	buf_release(&b);
	return rc;
}

/* now: of the proxy, what is shown of it; not given are those of before. */
static enum object_result
put_sealed(struct change *c, int64_t id, struct str now)
{
	struct str		 provider = c->o.v[0].s;
	enum object_result	 r = OBJECT_OK;
	unsigned		 i;

	for (i = 0; r == OBJECT_OK && c->f[i].name != NULL; i++)
		if (c->f[i].type == OT_HEADERS && c->given[i])
			r = object_headers_put(c->s, c->box, id, provider,
			    c->o.v[i].s, c->e);
		else if (c->f[i].type == OT_PROXY && c->given[i])
			r = object_proxy_put(c->s, c->box, id, provider,
			    c->o.v[i].s, now, c->e);
	return r;
}

static enum object_result
finish(struct change *c, enum object_result r)
{
	if (r != OBJECT_OK)
		change_rollback(c->s);
	else if (change_commit(c->s, NULL, STR("")) == -1)
		r = OBJECT_STORE;
	json_release(&c->json);
	arena_release(&c->arena);
	return r;
}

static enum object_result
begin(struct change *c, struct store *s, enum object_kind k,
    struct object_error *e)
{
	memset(c, 0, sizeof(*c));
	memset(e, 0, sizeof(*e));
	c->s = s;
	c->k = k;
	c->f = object_fields[k];
	c->e = e;
	arena_init(&c->arena);
	json_init(&c->json);
	return change_begin(s, CHANGE_CONF) == -1 ? OBJECT_STORE : OBJECT_OK;
}

static int
check_secret(struct change *c)
{
	size_t	 i;

	if (c->k != OBJECT_KEY)
		return 0;
	for (i = 0; i < c->secret.n; i++)
		if (c->secret.p[i] <= ' ' || c->secret.p[i] > '~')
			return object_fail(c->e, "api_key", "must not hold "
			    "spaces, controls or letters outside ASCII");
	if (c->secret.n == 0 || c->secret.n > SECRET_MAX)
		return object_fail(c->e, "api_key", "expected 1 to %d bytes",
		    SECRET_MAX);
	return 0;
}

static enum object_result
create(struct change *c, struct str text, int64_t *id)
{
	unsigned	 i;
	int		 rc;

	for (i = 0; c->f[i].name != NULL; i++)
		object_default(&c->f[i], &c->o.v[i]);
	if (change_parse(c, text) == -1 || check_secret(c) == -1)
		return OBJECT_REFUSED;
	for (i = 0; c->f[i].name != NULL; i++)
		if (!c->given[i] && c->f[i].deflt == NULL) {
			object_fail(c->e, c->f[i].name, "must be given");
			return OBJECT_REFUSED;
		}
	if ((rc = refers(c)) != OBJECT_OK)
		return (enum object_result)rc;
	rc = c->k == OBJECT_KEY ? insert_key(c, id) :
	    bind_run(c, kinds[c->k].insert, 0, id);
	if (rc == 0)
		return refuse(c, c->f[0].name, "there is one like it "
		    "already");
	if (rc == 1 && c->k == OBJECT_KEY && bind_run(c,
	    kinds[c->k].update, *id, NULL) == -1)
		rc = -1;
	if (rc == -1)
		return OBJECT_STORE;
	/* One of its name that is gone may have had some. */
	for (i = 0; c->f[i].name != NULL; i++)
		c->given[i] = true;
	return put_sealed(c, *id, STR(""));
}

enum object_result
store_object_create(struct store *s, const struct secret_box *box,
    enum object_kind k, struct str json, int64_t *id,
    struct object_error *e)
{
	struct change		 c;
	enum object_result	 r;

	r = begin(&c, s, k, e);
	c.box = box;
	c.create = true;
	return finish(&c, r == OBJECT_OK ? create(&c, json, id) : r);
}

/* The row as it is, copied. */
static enum object_result
current(struct change *c, int64_t id)
{
	struct sqlite3_stmt	*st;
	unsigned		 i;
	int			 rc;

	if ((st = sql_open(c->s, kinds[c->k].one, "i", id)) == NULL)
		return OBJECT_STORE;
	if ((rc = sql_step(c->s, st)) == 1) {
		object_read(st, c->f, &c->o);
		c->o.source = arena_str(&c->arena, c->o.source);
		for (i = 0; c->f[i].name != NULL; i++)
			c->o.v[i].s = arena_str(&c->arena, c->o.v[i].s);
	}
	sql_end(st);
	return rc == 1 ? OBJECT_OK : rc == 0 ? OBJECT_NONE : OBJECT_STORE;
}

static enum object_result
update(struct change *c, int64_t id, struct str text)
{
	struct object_value	 old[OBJECT_FIELDS_MAX];
	enum object_result	 r;
	bool			 same;
	unsigned		 i;

	if ((r = current(c, id)) != OBJECT_OK)
		return r;
	memcpy(old, c->o.v, sizeof(old));
	if (change_parse(c, text) == -1)
		return OBJECT_REFUSED;
	for (i = 0; c->f[i].name != NULL; i++) {
		same = object_is_number(&c->f[i]) ? old[i].i == c->o.v[i].i :
		    str_eq(old[i].s, c->o.v[i].s);
		if (same)
			continue;
		if (c->f[i].fixed)
			return refuse(c, c->f[i].name, "cannot be changed: "
			    "delete it and make another one");
		if (!str_is(c->o.source, "db") && !c->f[i].overlay)
			return refuse(c, c->f[i].name, "comes from app.yml: "
			    "change it there");
	}
	if ((r = (enum object_result)refers(c)) != OBJECT_OK)
		return r;
	if (bind_run(c, kinds[c->k].update, id, NULL) == -1)
		return OBJECT_STORE;
	for (i = 0; c->f[i].name != NULL && c->f[i].type != OT_PROXY; i++)
		;
	return put_sealed(c, id, old[i].s);
}

enum object_result
store_object_update(struct store *s, const struct secret_box *box,
    enum object_kind k, int64_t id, struct str json, struct object_error *e)
{
	struct change		 c;
	enum object_result	 r;

	r = begin(&c, s, k, e);
	c.box = box;
	return finish(&c, r == OBJECT_OK ? update(&c, id, json) : r);
}

/* A name that somebody refers to; 1: it is in use. */
static int
in_use(struct change *c, int64_t id, const char **by)
{
	int64_t	 n = 0;
	int	 rc = 0;

	if (c->k == OBJECT_PROVIDER) {
		*by = "a model, pool, rule or key uses it";
		rc = sql_get(c->s, &n, "SELECT (SELECT count(*) FROM models "
		    "WHERE provider_id = ?1) + (SELECT count(*) FROM pools "
		    "WHERE provider_id = ?1) + (SELECT count(*) FROM keys "
		    "WHERE provider_id = ?1 AND source <> 'gone') + (SELECT "
		    "count(*) FROM rules, json_each(targets) t WHERE "
		    "json_extract(t.value, '$.provider') = ?2)", "is", id,
		    c->o.v[0].s);
	} else if (c->k == OBJECT_POOL) {
		*by = "a model or rule uses it";
		rc = sql_get(c->s, &n, "SELECT (SELECT count(*) FROM models "
		    "WHERE pool = ?1) + (SELECT count(*) FROM rules, "
		    "json_each(targets) t WHERE json_extract(t.value, "
		    "'$.pool') = ?1)", "s", c->o.v[0].s);
	} else if (c->k == OBJECT_KEY) {
		*by = "a pool has it";
		rc = sql_get(c->s, &n, "SELECT count(*) FROM pools, "
		    "json_each(keys) WHERE value = ?", "i", id);
	}
	return rc == -1 ? -1 : n > 0;
}

static enum object_result
delete(struct change *c, int64_t id)
{
	enum object_result	 r;
	const char		*by = "";
	int			 used;

	if ((r = current(c, id)) != OBJECT_OK)
		return r;
	if (!str_is(c->o.source, "db"))
		return refuse(c, "", str_is(c->o.source, "file") ?
		    "it comes from app.yml: take it out there" :
		    "it is built in");
	if ((used = in_use(c, id, &by)) == -1)
		return OBJECT_STORE;
	if (used > 0)
		return refuse(c, "", by);
	return sql_run(c->s, kinds[c->k].drop, "i", id) == -1 ?
	    OBJECT_STORE : OBJECT_OK;
}

enum object_result
store_object_delete(struct store *s, enum object_kind k, int64_t id,
    struct object_error *e)
{
	struct change		 c;
	enum object_result	 r;

	r = begin(&c, s, k, e);
	return finish(&c, r == OBJECT_OK ? delete(&c, id) : r);
}

/* --- the order of rules ------------------------------------------------------ */

#define RULE_STEP	10		/* room for one between two */

static enum object_result
order(struct change *c, const int64_t *ids, size_t n)
{
	int64_t	 rules = 0, step = n > 100000 ? 1 : RULE_STEP;
	size_t	 i;

	if (sql_get(c->s, &rules, "SELECT count(*) FROM rules", "") == -1 ||
	    sql_run(c->s, "UPDATE rules SET pos = -1", "") == -1)
		return OBJECT_STORE;
	for (i = 0; i < n; i++) {
		if (sql_run(c->s, "UPDATE rules SET pos = ? WHERE id = ? "
		    "AND pos = -1", "ii", (int64_t)(i + 1) * step,
		    ids[i]) == -1)
			return OBJECT_STORE;
		if (sql_changes(c->s) == 0)
			break;
	}
	if (i == n && (int64_t)n == rules)
		return OBJECT_OK;
	return refuse(c, "", "expected the ids of all rules, each once; they "
	    "may have changed just now");
}

enum object_result
store_rules_order(struct store *s, const int64_t *ids, size_t n,
    struct object_error *e)
{
	struct change		 c;
	enum object_result	 r;

	r = begin(&c, s, OBJECT_RULE, e);
	return finish(&c, r == OBJECT_OK ? order(&c, ids, n) : r);
}
