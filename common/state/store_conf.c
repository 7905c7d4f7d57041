/*
 * The configuration in the database: making the rows that come from app.yml
 * equal to it.  Every write is an upsert that changes nothing where nothing
 * differs, so that the count of changed rows says whether there is a new
 * generation.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/shm.h"
#include "state/store_sql.h"

/* A key of the file and its fingerprint. */
struct print {
	const struct conf_provider	*provider;
	struct str			 plain;
	char				 hex[65];
};

struct apply {
	struct store			*s;
	const struct conf		*c;
	const struct secret_box		*box;
	struct arena			 arena;
	int				 changed;
	bool				 slot_used[SHM_KEYS];
	struct print			*prints;
	unsigned			 nprints;
};

static int
count(struct apply *a, int rc)
{
	if (rc == 0)
		a->changed += sql_changes(a->s);
	return rc;
}

int
store_generation(struct store *s, uint64_t *generation)
{
	int64_t	 v = 0;

	if (sql_get(s, &v, "SELECT generation FROM meta", "") != 1)
		return -1;
	*generation = (uint64_t)v;
	return 0;
}

int
store_setting(struct store *s, const char *name, int64_t *v)
{
	int	 rc;

	rc = sql_get(s, v, "SELECT value FROM settings WHERE name = ?", "s",
	    str_of(name));
	if (rc == 0)
		store_fail(s, "no setting '%s' yet: no configuration was "
		    "loaded", name);
	return rc == 1 ? 0 : -1;
}

/* Numbers of struct conf that are kept as settings. */
#define STORE_SETTINGS							\
	STORE_SETTING(mode)						\
	STORE_SETTING(allow_anonymous)					\
	STORE_SETTING(strict)						\
	STORE_SETTING(refusal_ms)					\
	STORE_SETTING(max_body)						\
	STORE_SETTING(keepalive_ms)					\
	STORE_SETTING(retry_tries)					\
	STORE_SETTING(retry_ms)						\
	STORE_SETTING(cooldown_ms)					\
	STORE_SETTING(cooldown_max_ms)					\
	STORE_SETTING(recheck_ms)					\
	STORE_SETTING(queue_ms)						\
	STORE_SETTING(queue_length)					\
	STORE_SETTING(breaker_share)					\
	STORE_SETTING(breaker_least)					\
	STORE_SETTING(breaker_window_ms)				\
	STORE_SETTING(breaker_rest_ms)					\
	STORE_SETTING(budget_unpriced)					\
	STORE_SETTING(choices_max)					\
	STORE_SETTING(fetch_count)					\
	STORE_SETTING(fetch_size)					\
	STORE_SETTING(fetch_total)					\
	STORE_SETTING(fetch_ms)						\
	STORE_SETTING(fetch_parallel)					\
	STORE_SETTING(fetch_private)					\
	STORE_SETTING(revisions)					\
	STORE_SETTING(log_days)						\
	STORE_SETTING(log_size)						\
	STORE_SETTING(body_mode)					\
	STORE_SETTING(body_max)						\
	STORE_SETTING(body_sample)					\
	STORE_SETTING(body_days)					\
	STORE_SETTING(body_size)					\
	STORE_SETTING(state_days)					\
	STORE_SETTING(state_size)

/* --- settings and hosts --------------------------------------------------- */

/* A value of the database's own stays; what the file says is beside it. */
#define PUT_SETTING							\
	"INSERT INTO settings (name, value, source, file_value, given) "	\
	"VALUES (?1, ?2, 'file', ?2, ?3) ON CONFLICT (name) DO UPDATE SET " \
	"value = CASE source WHEN 'db' THEN value ELSE excluded.value END, " \
	"file_value = excluded.file_value, given = excluded.given "	\
	"WHERE (file_value, given) IS NOT "				\
	"(excluded.file_value, excluded.given) "			\
	"OR (source = 'file' AND value IS NOT excluded.value)"

static const struct {
	const char	*name;
	size_t		 off;
} setting_columns[] = {
#define STORE_SETTING(name)	{ #name, offsetof(struct conf, name) },
	STORE_SETTINGS
#undef STORE_SETTING
	{ "server_tools", 0 },		/* of no row: by its kind */
	{ "fetch_types", offsetof(struct conf, fetch_types) },
	{ "models", offsetof(struct conf, models_text) },
	{ "preferred_provider", offsetof(struct conf, preferred_provider) }
};

const char *
store_setting_column(const struct conf_setting *cs)
{
	size_t	 i;

	if (cs->section[0] != '\0')
		return NULL;
	if (cs->kind == CONF_TOOLS)
		return "server_tools";
	for (i = 0; i < sizeof(setting_columns) / sizeof(*setting_columns);
	    i++)
		if (cs->off != 0 && cs->off == setting_columns[i].off)
			return setting_columns[i].name;
	return NULL;
}

struct given_find {
	const struct conf	*c;
	const char		*name;
	bool			 given;
};

static void
given_cb(void *arg, const struct conf_setting *cs)
{
	struct given_find	*f = arg;
	const char		*column = store_setting_column(cs);

	if (column != NULL && strcmp(column, f->name) == 0)
		f->given = f->c->given[cs->index];
}

static int64_t
given(struct apply *a, const char *name)
{
	struct given_find	 f = { a->c, name, false };

	conf_settings_each(given_cb, &f);
	return f.given;
}

static int
put_number(struct apply *a, const char *name, int64_t v)
{
	static const char	 text[] = PUT_SETTING;

	return count(a, sql_run(a->s, text, "sii", str_of(name), v,
	    given(a, name)));
}

static int
put_text(struct apply *a, const char *name, struct str v)
{
	static const char	 text[] = PUT_SETTING;

	return count(a, sql_run(a->s, text, "ssi", str_of(name), v,
	    given(a, name)));
}

static int
put_settings(struct apply *a)
{
#define STORE_SETTING(name)						\
	if (put_number(a, #name, (int64_t)a->c->name) == -1)		\
		return -1;
	STORE_SETTINGS
#undef STORE_SETTING
	if (put_text(a, "server_tools", a->c->server_tools) == -1 ||
	    put_text(a, "fetch_types", a->c->fetch_types) == -1 ||
	    put_text(a, "models", a->c->models_text) == -1)
		return -1;
	return put_text(a, "preferred_provider", a->c->preferred_provider);
}

static bool
conf_has_host(const struct conf *c, struct str name)
{
	const struct conf_strs	*h;

	for (h = c->allowed_hosts; h != NULL; h = h->next)
		if (str_eq(h->s, name))
			return true;
	return false;
}

/* A column of rows, copied, so that they can be changed while it is read. */
struct name_list {
	int64_t			 id;
	struct str		 name;
	struct name_list	*next;
};

static int
list_names(struct apply *a, const char *text, struct name_list **list)
{
	struct sqlite3_stmt	*st;
	struct name_list	*n;
	int			 rc;

	*list = NULL;
	if ((st = sql_open(a->s, text, "")) == NULL)
		return -1;
	while ((rc = sql_step(a->s, st)) == 1) {
		n = ARENA_NEW(&a->arena, struct name_list);
		n->id = sql_int(st, 0);
		n->name = arena_str(&a->arena, sql_str(st, 1));
		n->next = *list;
		*list = n;
	}
	sql_end(st);
	return rc;
}

static int
put_hosts(struct apply *a)
{
	const struct conf_strs	*h;
	struct name_list	*n;

	for (h = a->c->allowed_hosts; h != NULL; h = h->next)
		if (count(a, sql_run(a->s, "INSERT INTO hosts (name, source) "
		    "VALUES (?, 'file') ON CONFLICT (name) DO NOTHING", "s",
		    h->s)) == -1)
			return -1;
	if (list_names(a, "SELECT 0, name FROM hosts WHERE source = 'file'",
	    &n) == -1)
		return -1;
	for (; n != NULL; n = n->next)
		if (!conf_has_host(a->c, n->name) && count(a, sql_run(a->s,
		    "DELETE FROM hosts WHERE name = ?", "s", n->name)) == -1)
			return -1;
	return 0;
}

/* --- providers ------------------------------------------------------------ */

static const struct conf_provider *
conf_find_provider(const struct conf *c, struct str name)
{
	const struct conf_provider	*p;

	for (p = c->providers; p != NULL; p = p->next)
		if (str_eq(p->name, name))
			return p;
	return NULL;
}

/* Sealed bytes, and their print to compare: the nonce is new each time. */
static int
seal(struct apply *a, struct str context, struct str plain,
    struct str *sealed, char print[65])
{
	struct buf	 b;

	buf_init(&b, SECRET_MAX + 64);
	if (secret_seal(a->box, context, plain, &b) == -1) {
		buf_release(&b);
		return store_fail(a->s, "cannot seal '%.*s'",
		    STR_FMT(context));
	}
	*sealed = arena_str(&a->arena, buf_str(&b));
	secret_fingerprint(a->box, context, plain, print);
	buf_release(&b);
	return 0;
}

static int
put_headers(struct apply *a, const struct conf_provider *p, int64_t id)
{
	const struct conf_header	*h;
	int64_t				 pos = 0;

	for (h = p->headers; h != NULL; h = h->next)
		if (count(a, store_header_put(a->s, a->box, id, p->name,
		    pos++, h->name, h->value)) == -1)
			return -1;
	return count(a, store_headers_end(a->s, id, pos));
}

static const char put_provider_sql[] =
    "INSERT INTO providers (name, pos, dialect, base_url, auth_header, "
    "auth_format, default_model, ca_file, keyless, "
    "connect_ms, first_byte_ms, idle_ms, total_ms, source) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'file') "
    "ON CONFLICT (name) DO UPDATE SET pos = excluded.pos, "
    "dialect = excluded.dialect, base_url = excluded.base_url, "
    "auth_header = excluded.auth_header, auth_format = excluded.auth_format, "
    "default_model = excluded.default_model, ca_file = excluded.ca_file, "
    "keyless = excluded.keyless, connect_ms = excluded.connect_ms, "
    "first_byte_ms = excluded.first_byte_ms, idle_ms = excluded.idle_ms, "
    "total_ms = excluded.total_ms, source = 'file' "
    "WHERE (pos, dialect, base_url, auth_header, auth_format, default_model, "
    "ca_file, keyless, connect_ms, first_byte_ms, idle_ms, "
    "total_ms, source) IS NOT (excluded.pos, excluded.dialect, "
    "excluded.base_url, excluded.auth_header, excluded.auth_format, "
    "excluded.default_model, excluded.ca_file, "
    "excluded.keyless, excluded.connect_ms, excluded.first_byte_ms, "
    "excluded.idle_ms, excluded.total_ms, 'file')";

static int
put_provider(struct apply *a, const struct conf_provider *p, int64_t pos,
    int64_t *id)
{
	if (count(a, sql_run(a->s, put_provider_sql, "sissssssiiiii",
	    p->name, pos, p->dialect, p->base_url, p->auth_header,
	    p->auth_format, p->default_model, p->ca_file,
	    (int64_t)p->keyless, (int64_t)p->connect_ms,
	    (int64_t)p->first_byte_ms, (int64_t)p->idle_ms,
	    (int64_t)p->total_ms)) == -1)
		return -1;
	if (sql_get(a->s, id, "SELECT id FROM providers WHERE name = ?", "s",
	    p->name) != 1 || count(a, store_proxy_put(a->s, a->box, *id,
	    p->name, p->proxy)) == -1)
		return -1;
	return put_headers(a, p, *id);
}

/* --- keys ----------------------------------------------------------------- */

static int
read_slots(struct apply *a)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(a->s, "SELECT slot FROM keys WHERE slot IS NOT NULL",
	    "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(a->s, st)) == 1)
		a->slot_used[sql_int(st, 0)] = true;
	sql_end(st);
	return rc;
}

/* A free slot; where there is none, that of the key that is gone longest. */
static int
take_slot(struct apply *a, int64_t *slot)
{
	int64_t	 id;
	int	 rc;

	for (*slot = 0; *slot < SHM_KEYS; ++*slot)
		if (!a->slot_used[*slot]) {
			a->slot_used[*slot] = true;
			return 0;
		}
	rc = sql_get(a->s, &id, "SELECT id FROM keys WHERE source = 'gone' "
	    "AND slot IS NOT NULL ORDER BY gone_us, id LIMIT 1", "");
	if (rc == 0)
		store_fail(a->s, "more than %d keys", SHM_KEYS);
	if (rc != 1 || sql_get(a->s, slot, "SELECT slot FROM keys "
	    "WHERE id = ?", "i", id) != 1)
		return -1;
	return sql_run(a->s, "UPDATE keys SET slot = NULL WHERE id = ?", "i",
	    id);
}

int
store_slot_take(struct store *s, int64_t *slot)
{
	struct apply	 a = { .s = s };

	return read_slots(&a) == -1 ? -1 : take_slot(&a, slot);
}

static int
insert_key(struct apply *a, int64_t provider, struct str context,
    struct str plain, int64_t pos)
{
	char		 print[65], mask[SECRET_MASK_LEN];
	struct str	 sealed;
	int64_t		 slot;

	if (seal(a, context, plain, &sealed, print) == -1 ||
	    take_slot(a, &slot) == -1)
		return -1;
	secret_mask(mask, plain);
	return count(a, sql_run(a->s, "INSERT INTO keys (provider_id, slot, "
	    "pos, value, print, mask, source, added_us) "
	    "VALUES (?, ?, ?, ?, ?, ?, 'file', ?)", "iiibssi", provider, slot,
	    pos, sealed, str_of(print), str_of(mask), clock_wall_us()));
}

/* The key is there: in its place in the order, and back if it was gone. */
static int
update_key(struct apply *a, int64_t id, int64_t slot, int64_t pos)
{
	if (slot == -1 && take_slot(a, &slot) == -1)
		return -1;
	return count(a, sql_run(a->s, "UPDATE keys SET source = 'file', "
	    "slot = ?1, pos = ?2 WHERE id = ?3 AND (source, slot, pos) IS NOT "
	    "('file', ?1, ?2)", "iii", slot, pos, id));
}

static int
put_key(struct apply *a, const struct print *k, int64_t provider, int64_t pos)
{
	struct sqlite3_stmt	*st;
	char			 context[STORE_CONTEXT_MAX];
	int64_t			 id = 0, slot = -1;
	int			 rc;

	st = sql_open(a->s, "SELECT id, coalesce(slot, -1) FROM keys "
	    "WHERE provider_id = ? AND print = ?", "is", provider,
	    str_of(k->hex));
	if (st == NULL)
		return -1;
	if ((rc = sql_step(a->s, st)) == 1) {
		id = sql_int(st, 0);
		slot = sql_int(st, 1);
	}
	sql_end(st);
	if (rc == -1)
		return -1;
	if (rc == 1)
		return update_key(a, id, slot, pos);
	return insert_key(a, provider, store_context(context, "key",
	    k->provider->name, STR("")), k->plain, pos);
}

static int
put_keys(struct apply *a, const struct conf_provider *p, int64_t provider)
{
	unsigned	 i;
	int64_t		 pos = 0;

	for (i = 0; i < a->nprints; i++)
		if (a->prints[i].provider == p &&
		    put_key(a, &a->prints[i], provider, pos++) == -1)
			return -1;
	return 0;
}

static void
make_prints(struct apply *a)
{
	const struct conf_provider	*p;
	const struct conf_key		*k;
	char				 context[STORE_CONTEXT_MAX];
	struct print			*to;
	unsigned			 n = 0;

	for (p = a->c->providers; p != NULL; p = p->next)
		for (k = p->keys; k != NULL; k = k->next)
			n++;
	a->prints = arena_array(&a->arena, n, sizeof(*a->prints));
	for (p = a->c->providers; p != NULL; p = p->next)
		for (k = p->keys; k != NULL; k = k->next) {
			to = &a->prints[a->nprints++];
			to->provider = p;
			to->plain = secret_reveal(k->value);
			secret_fingerprint(a->box, store_context(context,
			    "key", p->name, STR("")), to->plain, to->hex);
		}
}

static bool
conf_has_key(const struct apply *a, struct str provider, struct str hex)
{
	unsigned	 i;

	for (i = 0; i < a->nprints; i++)
		if (str_is(hex, a->prints[i].hex) &&
		    str_eq(provider, a->prints[i].provider->name))
			return true;
	return false;
}

/* Before the others come, as their slots may be needed. */
static int
part_keys(struct apply *a)
{
	struct sqlite3_stmt	*st;
	struct name_list	*gone = NULL, *n;
	int			 rc;

	st = sql_open(a->s, "SELECT keys.id, providers.name, keys.print "
	    "FROM keys JOIN providers ON providers.id = keys.provider_id "
	    "WHERE keys.source = 'file'", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(a->s, st)) == 1) {
		if (conf_has_key(a, sql_str(st, 1), sql_str(st, 2)))
			continue;
		n = ARENA_NEW(&a->arena, struct name_list);
		n->id = sql_int(st, 0);
		n->next = gone;
		gone = n;
	}
	sql_end(st);
	for (; rc == 0 && gone != NULL; gone = gone->next)
		rc = count(a, sql_run(a->s, "UPDATE keys SET source = 'gone', "
		    "gone_us = ? WHERE id = ?", "ii", clock_wall_us(),
		    gone->id));
	return rc;
}

static int
put_providers(struct apply *a)
{
	const struct conf_provider	*p;
	struct name_list		*n;
	int64_t				 pos = 0, id;

	for (p = a->c->providers; p != NULL; p = p->next)
		if (put_provider(a, p, pos++, &id) == -1 ||
		    put_keys(a, p, id) == -1)
			return -1;
	if (list_names(a, "SELECT id, name FROM providers "
	    "WHERE source = 'file'", &n) == -1)
		return -1;
	for (; n != NULL; n = n->next)
		if (conf_find_provider(a->c, n->name) == NULL &&
		    count(a, sql_run(a->s, "UPDATE providers "
		    "SET source = 'gone' WHERE id = ?", "i", n->id)) == -1)
			return -1;
	return 0;
}

/* --- models --------------------------------------------------------------- */

static int
put_model(struct apply *a, const struct conf_model *m)
{
	return count(a, sql_run(a->s, "INSERT INTO models (route_key, target, "
	    "provider_id, mode, source) SELECT ?1, ?2, id, ?4, 'file' "
	    "FROM providers WHERE name = ?3 "
	    "ON CONFLICT (route_key, source) DO UPDATE SET "
	    "target = excluded.target, provider_id = excluded.provider_id, "
	    "mode = excluded.mode WHERE (target, provider_id, mode) IS NOT "
	    "(excluded.target, excluded.provider_id, excluded.mode)", "sssi",
	    m->route_key, m->target, m->provider, (int64_t)m->mode));
}

static bool
conf_has_model(const struct conf *c, struct str route_key)
{
	const struct conf_model	*m;

	for (m = c->models; m != NULL; m = m->next)
		if (str_eq(m->route_key, route_key))
			return true;
	return false;
}

static int
put_models(struct apply *a)
{
	const struct conf_model	*m;
	struct name_list	*n;

	for (m = a->c->models; m != NULL; m = m->next)
		if (put_model(a, m) == -1)
			return -1;
	if (list_names(a, "SELECT id, route_key FROM models "
	    "WHERE source = 'file'", &n) == -1)
		return -1;
	for (; n != NULL; n = n->next)
		if (!conf_has_model(a->c, n->name) && count(a, sql_run(a->s,
		    "DELETE FROM models WHERE id = ?", "i", n->id)) == -1)
			return -1;
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

static int
apply_rows(struct apply *a)
{
	if (put_settings(a) == -1 || put_hosts(a) == -1 ||
	    part_keys(a) == -1 || read_slots(a) == -1 ||
	    put_providers(a) == -1 || put_models(a) == -1)
		return -1;
	if (a->changed == 0) {
		change_rollback(a->s);
		return 0;
	}
	return change_commit(a->s, "load", STR("app.yml")) == -1 ? -1 : 1;
}

int
store_apply_conf(struct store *s, const struct conf *c,
    const struct secret_box *box)
{
	struct apply	 a = { .s = s, .c = c, .box = box };
	int		 rc;

	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	arena_init(&a.arena);
	make_prints(&a);
	if ((rc = apply_rows(&a)) == -1)
		change_rollback(s);
	arena_release(&a.arena);
	return rc;
}
