/*
 * An export back into a database.  Objects go through the checks that every
 * change of them goes through.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "state/import_parts.h"
#include "state/store_settings.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

#define CHANGESET_MAX	((size_t)256 << 20)
#define ROUNDS_MAX	2000000

/* --- the file ------------------------------------------------------------------- */

static enum import_result
open_seal(struct importing *x, const json_t *file, struct str passphrase)
{
	const json_t	*kdf = json_object_get(file, "kdf");
	int64_t		 rounds = import_int(kdf, "rounds");
	struct buf	 salt;
	bool		 ok;

	buf_init(&salt, 1024);
	ok = str_is(import_text(kdf, "name"), "pbkdf2-hmac-sha256") &&
	    rounds > 0 && rounds <= ROUNDS_MAX &&
	    base64_decode(&salt, import_text(kdf, "salt")) == 0 && salt.len >= 8;
	if (ok)
		x->seal = secret_box_passphrase(passphrase, buf_str(&salt),
		    (unsigned)rounds);
	buf_release(&salt);
	return ok ? IMPORT_DONE : import_refuse(x, IMPORT_FILE, "kdf",
	    "is damaged: expected how the key is made of the passphrase");
}

static enum import_result
check_file(struct importing *x, const json_t *file, struct str passphrase)
{
	enum import_result	 r;
	int64_t			 version = import_int(file, "version");
	struct buf		 b;
	char			 hex[65];
	bool			 same;

	if (!str_is(import_text(file, "format"), "proxyd-export"))
		return import_refuse(x, IMPORT_FILE, "format", "this is no export of "
		    "proxyd");
	if (version > EXPORT_VERSION)
		return import_refuse(x, IMPORT_FILE, "version", "the file is of "
		    "version %lld, made by proxyd %.64s: this one reads up to "
		    "%d", (long long)version, import_text(file, "program").p,
		    EXPORT_VERSION);
	x->data = json_object_get(file, "data");
	if (version < 1 || !json_is_object(x->data))
		return import_refuse(x, IMPORT_FILE, "data", "is damaged: it is no "
		    "object");
	if ((r = open_seal(x, file, passphrase)) != IMPORT_DONE)
		return r;
	buf_init(&b, 256);
	if (export_open(x->seal, "check", json_object_get(file, "check"),
	    &b) == -1) {
		buf_release(&b);
		return import_refuse(x, IMPORT_PASSPHRASE, "passphrase", "does not "
		    "open this file: it is wrong, or the file is damaged");
	}
	export_hash(x->data, hex);
	same = str_is(buf_str(&b), hex);
	buf_release(&b);
	return same ? IMPORT_DONE : import_refuse(x, IMPORT_FILE, "data", "is not "
	    "what was exported: the file was changed or damaged");
}

/* --- objects ----------------------------------------------------------------------- */

/* What the object's checks take, without what they do not. */
static struct str
members(struct importing *x, const json_t *o, const char *const *only,
    struct str api_key)
{
	static const char *const	 own[] = { "id", "source", "mask",
					    "value", "headers", "proxy",
					    "sealed_headers",
					    "sealed_proxy" };
	json_t				*c = only != NULL ? json_object() :
					    json_copy((json_t *)(uintptr_t)o);
	struct str			 text;
	char				*p;
	size_t				 i;

	for (i = 0; only != NULL && only[i] != NULL; i++)
		json_object_set(c, only[i], json_object_get(o, only[i]));
	for (i = 0; i < sizeof(own) / sizeof(*own); i++)
		json_object_del(c, own[i]);
	if (api_key.n > 0)
		json_object_set_new(c, "api_key", json_stringn(api_key.p,
		    api_key.n));
	if ((p = json_dumps(c, JSON_COMPACT)) == NULL)
		fatalx("cannot write an object");
	text = arena_str(&x->arena, str_of(p));
	explicit_bzero(p, strlen(p));
	free(p);
	json_decref(c);
	return text;
}

static enum import_result
object_result(struct importing *x, enum object_result r, enum object_kind k,
    size_t i, const struct object_error *e)
{
	char	 field[160];

	if (r == OBJECT_OK)
		return IMPORT_DONE;
	if (r == OBJECT_STORE)
		return IMPORT_STORE;
	snprintf(field, sizeof(field), "%ss[%zu]%s%s", object_name(k), i,
	    e->field[0] == '\0' ? "" : ".", e->field);
	return import_refuse(x, IMPORT_REFUSED, field, "%s", r == OBJECT_NONE ?
	    "is not there any more" : e->text);
}

/* Is the row here the operator's?  The file's and built-in ones stay. */
static int
is_own(struct importing *x, enum object_kind k, int64_t id, bool *own)
{
	struct buf	 b;
	json_t		*o;
	int		 rc = -1;

	buf_init(&b, OBJECT_TEXT_MAX * 4);
	if (store_object_get(x->s, k, id, &b) == OBJECT_OK &&
	    (o = json_loadb(b.data, b.len, 0, NULL)) != NULL) {
		*own = str_is(import_text(o, "source"), "db");
		json_decref(o);
		rc = 0;
	}
	buf_release(&b);
	return rc;
}

static void
seen(struct importing *x, enum object_kind k, int64_t id)
{
	char	 text[24];

	snprintf(text, sizeof(text), "%lld", (long long)id);
	json_object_set_new(x->seen[k], text, json_true());
}

/* Models of one name may be the file's and the operator's. */
static enum object_result
find(struct importing *x, enum object_kind k, struct str name, int64_t *id)
{
	int	 rc;

	if (k != OBJECT_MODEL)
		return store_object_find(x->s, k, name, id);
	rc = sql_get(x->s, id, "SELECT id FROM models WHERE route_key = ? "
	    "ORDER BY source = 'db' DESC", "s", name);
	return rc == 1 ? OBJECT_OK : rc == 0 ? OBJECT_NONE : OBJECT_STORE;
}

static enum import_result
put_object(struct importing *x, enum object_kind k, size_t i, const json_t *o,
    int64_t *id)
{
	static const char *const	 overlay[] = { "strategy", "enabled",
					    NULL };
	struct object_error		 e;
	enum object_result		 r;
	struct str			 name = import_text(o, import_name(k));
	bool				 own = true;

	memset(&e, 0, sizeof(e));
	if ((r = find(x, k, name, id)) == OBJECT_STORE)
		return IMPORT_STORE;
	if (r == OBJECT_NONE) {
		r = store_object_create(x->s, x->box, k, members(x, o, NULL,
		    STR("")), id, &e);
		if (r == OBJECT_OK)
			seen(x, k, *id);
		return object_result(x, r, k, i, &e);
	}
	seen(x, k, *id);
	if (is_own(x, k, *id, &own) == -1)
		return IMPORT_STORE;
	if (!own && k == OBJECT_MODEL)
		return IMPORT_DONE;
	r = store_object_update(x->s, x->box, k, *id, members(x, o, own ? NULL :
	    overlay, STR("")), &e);
	return object_result(x, r, k, i, &e);
}

/* --- providers ------------------------------------------------------------------------ */

/* What it is in clear, in a buffer that is to be wiped. */
static int
opened(struct importing *x, const char *kind, struct str provider,
    struct str name, const json_t *sealed, struct buf *plain)
{
	char	 context[STORE_CONTEXT_MAX];

	(void)store_context(context, kind, provider, name);
	buf_init(plain, SECRET_MAX + 64);
	if (export_open(x->seal, context, sealed, plain) == 0)
		return 0;
	return store_fail(x->s, "the %s of provider '%.*s' cannot be opened",
	    kind, STR_FMT(provider));
}

static void
wipe(struct buf *plain)
{
	if (plain->data != NULL)
		explicit_bzero(plain->data, plain->len);
	buf_release(plain);
}

static int
put_header(struct importing *x, struct str provider, int64_t id, int64_t pos,
    const json_t *h)
{
	struct str	 name = import_text(h, "name");
	struct buf	 plain;
	int		 rc;

	rc = opened(x, "header", provider, name, json_object_get(h, "value"),
	    &plain);
	if (rc == 0)
		rc = store_header_put(x->s, x->box, id, provider, pos, name,
		    buf_str(&plain));
	wipe(&plain);
	return rc;
}

static int
put_proxy(struct importing *x, struct str provider, int64_t id,
    const json_t *sealed)
{
	struct buf	 plain;
	int		 rc;

	if (sealed == NULL)
		return store_proxy_put(x->s, x->box, id, provider, STR(""));
	rc = opened(x, "proxy", provider, STR(""), sealed, &plain);
	if (rc == 0)
		rc = store_proxy_put(x->s, x->box, id, provider,
		    buf_str(&plain));
	wipe(&plain);
	return rc;
}

static enum import_result
put_provider(struct importing *x, size_t i, const json_t *o)
{
	const json_t		*list = json_object_get(o, "sealed_headers");
	const json_t		*h;
	struct str		 name = import_text(o, "name");
	enum import_result	 r;
	int64_t			 id = 0;
	size_t			 n;
	bool			 own = false;

	r = put_object(x, OBJECT_PROVIDER, i, o, &id);
	if (r != IMPORT_DONE)
		return r;
	if (is_own(x, OBJECT_PROVIDER, id, &own) == -1)
		return IMPORT_STORE;
	if (!own)
		return IMPORT_DONE;
	json_array_foreach(list, n, h)
		if (put_header(x, name, id, (int64_t)n, h) == -1)
			return IMPORT_STORE;
	if (store_headers_end(x->s, id, (int64_t)json_array_size(list)) == -1)
		return IMPORT_STORE;
	return put_proxy(x, name, id, json_object_get(o, "sealed_proxy")) ==
	    -1 ? IMPORT_STORE : IMPORT_DONE;
}

/* --- keys and pools ---------------------------------------------------------------------- */

static int
key_here(struct importing *x, struct str provider, struct str context,
    struct str plain, int64_t *id)
{
	char	 print[65];

	secret_fingerprint(x->box, context, plain, print);
	return sql_get(x->s, id, "SELECT k.id FROM keys k JOIN providers p "
	    "ON p.id = k.provider_id WHERE p.name = ? AND k.print = ? "
	    "AND k.source <> 'gone'", "ss", provider, str_of(print));
}

static enum import_result
put_plain_key(struct importing *x, size_t i, const json_t *o,
    struct str context, struct str plain, int64_t *id)
{
	struct object_error	 e;
	enum object_result	 r;
	int			 rc;

	memset(&e, 0, sizeof(e));
	rc = key_here(x, import_text(o, "provider"), context, plain, id);
	if (rc == -1)
		return IMPORT_STORE;
	if (rc == 1)
		r = store_object_update(x->s, x->box, OBJECT_KEY, *id, members(x, o,
		    NULL, STR("")), &e);
	else
		r = store_object_create(x->s, x->box, OBJECT_KEY, members(x,
		    o, NULL, plain), id, &e);
	return object_result(x, r, OBJECT_KEY, i, &e);
}

static enum import_result
put_key(struct importing *x, size_t i, const json_t *o)
{
	char			 buffer[STORE_CONTEXT_MAX], old[24];
	char			 field[40];
	struct str		 context;
	struct buf		 plain;
	enum import_result	 r;
	int64_t			 id = 0;

	snprintf(field, sizeof(field), "keys[%zu].value", i);
	context = store_context(buffer, "key", import_text(o, "provider"),
	    STR(""));
	buf_init(&plain, SECRET_MAX + 64);
	if (export_open(x->seal, buffer, json_object_get(o, "value"),
	    &plain) == 0)
		r = put_plain_key(x, i, o, context, buf_str(&plain), &id);
	else
		r = import_refuse(x, IMPORT_FILE, field, "cannot be opened");
	if (plain.data != NULL)
		explicit_bzero(plain.data, plain.len);
	buf_release(&plain);
	if (r == IMPORT_DONE) {
		seen(x, OBJECT_KEY, id);
		snprintf(old, sizeof(old), "%lld",
		    (long long)import_int(o, "id"));
		json_object_set_new(x->key_ids, old, json_integer(id));
	}
	return r;
}

/* Its keys have other ids here. */
static enum import_result
put_pool(struct importing *x, size_t i, const json_t *o)
{
	json_t			*copy, *ids = json_array(), *v, *id;
	enum import_result	 r;
	char			 old[24];
	size_t			 n;
	int64_t			 made;

	json_array_foreach(json_object_get(o, "keys"), n, v) {
		snprintf(old, sizeof(old), "%lld",
		    (long long)json_integer_value(v));
		if ((id = json_object_get(x->key_ids, old)) != NULL)
			json_array_append(ids, id);
	}
	copy = json_copy((json_t *)(uintptr_t)o);
	json_object_set_new(copy, "keys", ids);
	r = put_object(x, OBJECT_POOL, i, copy, &made);
	json_decref(copy);
	return r;
}

/* --- tenants, client keys, prices, settings --------------------------------------------- */

static void
limits_of(const json_t *o, struct store_limits *l)
{
	*l = (struct store_limits){ import_int(o, "rpm"), import_int(o, "tpm"),
	    import_int(o, "concurrent"), import_int(o, "budget_day"),
	    import_int(o, "budget_month"), import_int(o, "budget_total") };
}

static enum import_result
bad_result(struct importing *x, int rc, const char *list, size_t i,
    const struct store_bad *bad)
{
	char	 field[160];

	if (rc == STORE_DONE)
		return IMPORT_DONE;
	if (rc != STORE_BAD)
		return IMPORT_STORE;
	snprintf(field, sizeof(field), "%s[%zu].%s", list, i, bad->field);
	return import_refuse(x, IMPORT_REFUSED, field, "%s", bad->text);
}

static int64_t
id_of(struct importing *x, const char *sql, struct str name)
{
	int64_t	 id = 0;

	return sql_get(x->s, &id, sql, "s", name) == -1 ? -1 : id;
}

#define TENANT_SQL	"SELECT id FROM tenants WHERE name = ? "	\
			"COLLATE NOCASE AND gone_us = 0"
#define CLIENT_KEY_SQL	"SELECT id FROM client_keys WHERE name = ? "	\
			"COLLATE NOCASE AND gone_us = 0"

static enum import_result
put_tenant(struct importing *x, size_t i, const json_t *o)
{
	static const char	 sql[] = TENANT_SQL;
	struct store_tenant	 t = { .name = import_text(o, "name"),
				    .note = import_text(o, "note"),
				    .models = import_text(o, "models"),
				    .routes = import_text(o, "routes"),
				    .enabled = json_is_true(json_object_get(o,
				    "enabled")) };
	struct store_bad	 bad;

	limits_of(o, &t.limits);
	if ((t.id = id_of(x, sql, t.name)) == -1)
		return IMPORT_STORE;
	return bad_result(x, store_tenant_put(x->s, &t, &bad), "tenants", i,
	    &bad);
}

/* A key that was deleted here may be this one: its row lets go of the hash. */
static enum import_result
take_hash(struct importing *x, size_t i, struct str hash, int64_t id)
{
	int64_t	 n = 0;
	char	 field[40];

	if (sql_run(x->s, "UPDATE client_keys SET hash = hash || '~' || id "
	    "WHERE hash = ? AND gone_us > 0", "s", hash) == -1 ||
	    sql_get(x->s, &n, "SELECT count(*) FROM client_keys WHERE hash = ? "
	    "AND id <> ?", "si", hash, id) == -1)
		return IMPORT_STORE;
	if (n == 0)
		return IMPORT_DONE;
	snprintf(field, sizeof(field), "client_keys[%zu].hash", i);
	return import_refuse(x, IMPORT_REFUSED, field, "is that of a client "
	    "key with another name here");
}

/* The value that it had, as a hash. */
static enum import_result
put_hash(struct importing *x, size_t i, const json_t *o, int64_t id)
{
	enum import_result	 r;
	struct buf		 hash, old;
	char			 field[40];

	snprintf(field, sizeof(field), "client_keys[%zu].hash", i);
	buf_init(&hash, 256);
	buf_init(&old, 256);
	if (export_open(x->seal, "client key", json_object_get(o, "hash"),
	    &hash) == -1 || export_open(x->seal, "old client key",
	    json_object_get(o, "old_hash"), &old) == -1)
		r = import_refuse(x, IMPORT_FILE, field, "cannot be opened");
	else if ((r = take_hash(x, i, buf_str(&hash), id)) == IMPORT_DONE &&
	    sql_run(x->s, "UPDATE client_keys SET hash = ?, old_hash = ?, "
	    "old_until_us = ?, mask = ? WHERE id = ?", "ssisi",
	    buf_str(&hash), old.len == 0 ? STR("") : buf_str(&old),
	    import_int(o, "old_until_us"), import_text(o, "mask"), id) == -1)
		r = IMPORT_STORE;
	buf_release(&hash);
	buf_release(&old);
	return r;
}

/* Under which the hashes are; not kept where it is our own. */
static enum import_result
put_hash_key(struct importing *x, size_t i, const json_t *o)
{
	unsigned char		 own[SECRET_PRINT_KEY];
	struct str		 mine = { (const char *)own, sizeof(own) };
	struct buf		 b, sealed;
	char			 field[48], print[65];
	enum import_result	 r = IMPORT_DONE;

	snprintf(field, sizeof(field), "client_hash_keys[%zu]", i);
	client_hash_key(x->box, own);
	buf_init(&b, SECRET_MAX + 64);
	buf_init(&sealed, SECRET_MAX + 64);
	if (export_open(x->seal, CLIENT_HASH_CONTEXT, json_object_get(o,
	    "sealed"), &b) == -1 || b.len != sizeof(own))
		r = import_refuse(x, IMPORT_FILE, field, "cannot be opened");
	else if (json_array_size(import_list(x, "client_keys")) > 0 &&
	    !secret_equal(buf_str(&b), mine)) {
		secret_sha256(buf_str(&b), print);
		if (secret_seal(x->box, STR(CLIENT_HASH_CONTEXT), buf_str(&b),
		    &sealed) == -1 || sql_run(x->s, "INSERT INTO "
		    "client_hash_keys (print, key) VALUES (?, ?) "
		    "ON CONFLICT (print) DO NOTHING", "sb", str_of(print),
		    buf_str(&sealed)) == -1)
			r = IMPORT_STORE;
	}
	explicit_bzero(own, sizeof(own));
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	buf_release(&sealed);
	return r;
}

static enum import_result
put_client_key(struct importing *x, size_t i, const json_t *o)
{
	static const char	 tenant_sql[] = TENANT_SQL;
	static const char	 key_sql[] = CLIENT_KEY_SQL;
	struct store_client_key	 k = { .name = import_text(o, "name"),
				    .note = import_text(o, "note"),
				    .models = import_text(o, "models"),
				    .routes = import_text(o, "routes"),
				    .enabled = json_is_true(json_object_get(o,
				    "enabled")),
				    .expires_us = import_int(o, "expires_us") };
	char			 plain[CLIENT_KEY_LEN + 1] = "";
	struct store_bad	 bad;
	enum import_result	 r;

	limits_of(o, &k.limits);
	k.tenant_id = import_text(o, "tenant").n == 0 ? 0 :
	    id_of(x, tenant_sql, import_text(o, "tenant"));
	if (k.tenant_id == -1 ||
	    (k.id = id_of(x, key_sql, k.name)) == -1)
		return IMPORT_STORE;
	r = bad_result(x, store_client_key_put(x->s, x->box, &k, plain, &bad),
	    "client_keys", i, &bad);
	explicit_bzero(plain, sizeof(plain));	/* it has one already */
	return r != IMPORT_DONE ? r : put_hash(x, i, o, k.id);
}

static enum import_result
put_price(struct importing *x, size_t i, const json_t *o)
{
	struct store_price	 p = { .provider = import_text(o, "provider"),
				    .model = import_text(o, "model"),
				    .input = import_int(o, "input"),
				    .output = import_int(o, "output"),
				    .cache_read = import_int(o, "cache_read"),
				    .cache_write_5m = import_int(o,
				    "cache_write_5m"),
				    .cache_write_1h = import_int(o,
				    "cache_write_1h"),
				    .date = import_text(o, "date"),
				    .source = import_text(o, "source") };
	struct store_bad	 bad;

	return bad_result(x, store_price_put(x->s, &p, &bad), "prices", i,
	    &bad);
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum import_result
put_model(struct importing *x, size_t i, const json_t *o)
{
	int64_t	 id;

	return put_object(x, OBJECT_MODEL, i, o, &id);
}

static enum import_result
put_rule(struct importing *x, size_t i, const json_t *o)
{
	int64_t	 id;

	return put_object(x, OBJECT_RULE, i, o, &id);
}

/* What others refer to goes before them. */
static const struct {
	const char		*list;
	enum import_result	(*put)(struct importing *, size_t,
				    const json_t *);
} parts[] = {
	{ "tenants", put_tenant }, { "providers", put_provider },
	{ "keys", put_key }, { "pools", put_pool }, { "models", put_model },
	{ "rules", put_rule }, { "client_hash_keys", put_hash_key },
	{ "client_keys", put_client_key },
	{ "prices", put_price }, { "users", import_user },
	{ "tokens", import_token }
};

static enum import_result
put_all(struct importing *x)
{
	enum import_result	 r = IMPORT_DONE;
	const json_t		*list;
	json_t			*o;
	size_t			 p, i;

	for (p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
		list = import_list(x, parts[p].list);
		if (!json_is_array(list))
			return import_refuse(x, IMPORT_FILE, parts[p].list,
			    "is missing, or no list");
		json_array_foreach(list, i, o)
			if ((r = parts[p].put(x, i, o)) != IMPORT_DONE)
				return r;
	}
	if ((r = import_settings(x)) == IMPORT_DONE && x->im->replace)
		r = import_drop_rest(x);
	return r;
}

static int
tell_changes(struct importing *x)
{
	struct buf	 b;
	int		 rc;

	buf_init(&b, CHANGESET_MAX);
	rc = sql_track_take(x->s, &b);
	if (rc == 0)
		x->im->diff = change_diff(x->s, buf_str(&b));
	buf_release(&b);
	return rc == 0 && x->im->diff != NULL ? 0 : -1;
}

static enum import_result
import(struct importing *x)
{
	enum import_result	 r;
	char			 why[sizeof(x->s->err)];

	if (change_begin(x->s, CHANGE_CONF | CHANGE_ACCESS) == -1)
		return IMPORT_STORE;
	r = put_all(x);
	if (r == IMPORT_DONE && tell_changes(x) == -1)
		r = IMPORT_STORE;
	if (r == IMPORT_DONE && !x->im->dry)
		return change_commit(x->s, "import", STR("a file")) == -1 ?
		    IMPORT_STORE : r;
	snprintf(why, sizeof(why), "%s", x->s->err);
	change_rollback(x->s);
	store_fail(x->s, "%s", why);
	return r;
}

enum import_result
store_import(struct store *s, const struct secret_box *box,
    const json_t *file, struct str passphrase, struct import *im)
{
	struct importing	 x = { .s = s, .box = box, .im = im };
	enum import_result	 r;
	unsigned		 k;

	im->diff = NULL;
	im->notes = json_array();
	im->field[0] = im->text[0] = '\0';
	arena_init(&x.arena);
	x.key_ids = json_object();
	for (k = 0; k < OBJECT_KINDS; k++)
		x.seen[k] = json_object();
	if ((r = check_file(&x, file, passphrase)) == IMPORT_DONE)
		r = import(&x);
	for (k = 0; k < OBJECT_KINDS; k++)
		json_decref(x.seen[k]);
	json_decref(x.key_ids);
	secret_box_close(x.seal);
	arena_release(&x.arena);
	return r;
}

void
import_release(struct import *im)
{
	json_decref(im->diff);
	json_decref(im->notes);
	im->diff = im->notes = NULL;
}
