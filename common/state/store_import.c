/*
 * An export back into a database.  Objects go through the checks that every
 * change of them goes through.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "state/export_seal.h"
#include "state/store_export.h"
#include "state/store_object.h"
#include "state/store_settings.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

#define CHANGESET_MAX	((size_t)256 << 20)
#define ROUNDS_MAX	10000000

struct importing {
	struct store			*s;
	const struct secret_box		*box;		/* the database's */
	struct secret_box		*seal;		/* the passphrase's */
	const json_t			*data;
	struct import			*im;
	struct arena			 arena;
	json_t				*key_ids;	/* old id -> new */
	json_t				*seen[OBJECT_KINDS];	/* ids */
	bool				 same_secret;
	int64_t				 new_values;	/* client keys */
};

static enum import_result __attribute__((__format__(printf, 4, 5)))
refuse(struct importing *x, enum import_result r, const char *field,
    const char *fmt, ...)
{
	va_list	 ap;

	snprintf(x->im->field, sizeof(x->im->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(x->im->text, sizeof(x->im->text), fmt, ap);
	va_end(ap);
	return r;
}

static void __attribute__((__format__(printf, 2, 3)))
note(struct importing *x, const char *fmt, ...)
{
	char	 text[512];
	va_list	 ap;
	json_t	*o;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if ((o = json_string(text)) != NULL)
		json_array_append_new(x->im->notes, o);
}

static struct str
text_of(const json_t *o, const char *name)
{
	const json_t	*v = json_object_get(o, name);

	return (struct str){ json_is_string(v) ? json_string_value(v) : "",
	    json_string_length(v) };
}

static int64_t
int_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* --- the file ------------------------------------------------------------------- */

static enum import_result
open_seal(struct importing *x, const json_t *file, struct str passphrase)
{
	const json_t	*kdf = json_object_get(file, "kdf");
	int64_t		 rounds = int_of(kdf, "rounds");
	struct buf	 salt;
	bool		 ok;

	buf_init(&salt, 1024);
	ok = str_is(text_of(kdf, "name"), "pbkdf2-hmac-sha256") &&
	    rounds > 0 && rounds <= ROUNDS_MAX &&
	    base64_decode(&salt, text_of(kdf, "salt")) == 0 && salt.len >= 8;
	if (ok)
		x->seal = secret_box_passphrase(passphrase, buf_str(&salt),
		    (unsigned)rounds);
	buf_release(&salt);
	return ok ? IMPORT_DONE : refuse(x, IMPORT_FILE, "kdf",
	    "is damaged: expected how the key is made of the passphrase");
}

static enum import_result
check_file(struct importing *x, const json_t *file, struct str passphrase)
{
	enum import_result	 r;
	int64_t			 version = int_of(file, "version");
	struct buf		 b;
	char			 hex[65];
	bool			 same;

	if (!str_is(text_of(file, "format"), "proxyd-export"))
		return refuse(x, IMPORT_FILE, "format", "this is no export of "
		    "proxyd");
	if (version > EXPORT_VERSION)
		return refuse(x, IMPORT_FILE, "version", "the file is of "
		    "version %lld, made by proxyd %.64s: this one reads up to "
		    "%d", (long long)version, text_of(file, "program").p,
		    EXPORT_VERSION);
	x->data = json_object_get(file, "data");
	if (version < 1 || !json_is_object(x->data))
		return refuse(x, IMPORT_FILE, "data", "is damaged: it is no "
		    "object");
	if ((r = open_seal(x, file, passphrase)) != IMPORT_DONE)
		return r;
	buf_init(&b, 256);
	if (export_open(x->seal, "check", json_object_get(file, "check"),
	    &b) == -1) {
		buf_release(&b);
		return refuse(x, IMPORT_PASSPHRASE, "passphrase", "does not "
		    "open this file: it is wrong, or the file is damaged");
	}
	export_hash(x->data, hex);
	same = str_is(buf_str(&b), hex);
	buf_release(&b);
	return same ? IMPORT_DONE : refuse(x, IMPORT_FILE, "data", "is not "
	    "what was exported: the file was changed or damaged");
}

/* --- objects ----------------------------------------------------------------------- */

static const json_t *
list_of(struct importing *x, const char *name)
{
	return json_object_get(x->data, name);
}

/* What the object's checks take, without what they do not. */
static struct str
members(struct importing *x, const json_t *o, const char *const *only,
    struct str api_key)
{
	static const char *const	 own[] = { "id", "source", "mask",
					    "value", "sealed_headers",
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
	return refuse(x, IMPORT_REFUSED, field, "%s", r == OBJECT_NONE ?
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
		*own = str_is(text_of(o, "source"), "db");
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

static const char *
name_member(enum object_kind k)
{
	return k == OBJECT_MODEL ? "route_key" : "name";
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
	struct str			 name = text_of(o, name_member(k));
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
	r = store_object_update(x->s, k, *id, members(x, o, own ? NULL :
	    overlay, STR("")), &e);
	return object_result(x, r, k, i, &e);
}

/* --- providers ------------------------------------------------------------------------ */

/* Sealed anew, for here; *print compares it. */
static int
seal_here(struct importing *x, const char *kind, struct str provider,
    struct str name, const json_t *sealed, struct buf *out, char print[65])
{
	char		 context[STORE_CONTEXT_MAX];
	struct str	 c = store_context(context, kind, provider, name);
	struct buf	 plain;
	int		 rc = -1;

	buf_init(&plain, SECRET_MAX + 64);
	if (export_open(x->seal, context, sealed, &plain) == 0 &&
	    secret_seal(x->box, c, buf_str(&plain), out) == 0) {
		secret_fingerprint(x->box, c, buf_str(&plain), print);
		rc = 0;
	}
	if (plain.data != NULL)
		explicit_bzero(plain.data, plain.len);
	buf_release(&plain);
	return rc;
}

static int
put_header(struct importing *x, struct str provider, int64_t id, int64_t pos,
    const json_t *h)
{
	struct str	 name = text_of(h, "name");
	struct buf	 b;
	char		 print[65];
	int		 rc;

	buf_init(&b, SECRET_MAX + 64);
	rc = seal_here(x, "header", provider, name,
	    json_object_get(h, "value"), &b, print);
	if (rc == -1)
		store_fail(x->s, "a header of provider '%.*s' cannot be "
		    "opened", STR_FMT(provider));
	else
		rc = sql_run(x->s, "INSERT INTO provider_headers (provider_id, "
		    "pos, name, value, print) VALUES (?, ?, ?, ?, ?) "
		    "ON CONFLICT (provider_id, pos) DO UPDATE SET "
		    "name = excluded.name, value = excluded.value, "
		    "print = excluded.print WHERE (name, print) IS NOT "
		    "(excluded.name, excluded.print)", "iisbs", id, pos, name,
		    buf_str(&b), str_of(print));
	buf_release(&b);
	return rc;
}

static int
put_proxy(struct importing *x, struct str provider, int64_t id,
    const json_t *sealed)
{
	struct buf	 b;
	char		 print[65];
	int		 rc;

	if (sealed == NULL)
		return sql_run(x->s, "UPDATE providers SET proxy = x'', "
		    "proxy_print = '' WHERE id = ?", "i", id);
	buf_init(&b, SECRET_MAX + 64);
	rc = seal_here(x, "proxy", provider, STR(""), sealed, &b, print);
	if (rc == -1)
		store_fail(x->s, "the proxy of provider '%.*s' cannot be "
		    "opened", STR_FMT(provider));
	else
		rc = sql_run(x->s, "UPDATE providers SET proxy = ?1, "
		    "proxy_print = ?2 WHERE id = ?3 AND proxy_print <> ?2",
		    "bsi", buf_str(&b), str_of(print), id);
	buf_release(&b);
	return rc;
}

static enum import_result
put_provider(struct importing *x, size_t i, const json_t *o)
{
	const json_t		*list = json_object_get(o, "sealed_headers");
	const json_t		*h;
	struct str		 name = text_of(o, "name");
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
	if (sql_run(x->s, "DELETE FROM provider_headers WHERE provider_id = ? "
	    "AND pos >= ?", "ii", id, (int64_t)json_array_size(list)) == -1)
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
	rc = key_here(x, text_of(o, "provider"), context, plain, id);
	if (rc == -1)
		return IMPORT_STORE;
	if (rc == 1)
		r = store_object_update(x->s, OBJECT_KEY, *id, members(x, o,
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
	context = store_context(buffer, "key", text_of(o, "provider"),
	    STR(""));
	buf_init(&plain, SECRET_MAX + 64);
	if (export_open(x->seal, buffer, json_object_get(o, "value"),
	    &plain) == 0)
		r = put_plain_key(x, i, o, context, buf_str(&plain), &id);
	else
		r = refuse(x, IMPORT_FILE, field, "cannot be opened");
	if (plain.data != NULL)
		explicit_bzero(plain.data, plain.len);
	buf_release(&plain);
	if (r == IMPORT_DONE) {
		seen(x, OBJECT_KEY, id);
		snprintf(old, sizeof(old), "%lld",
		    (long long)int_of(o, "id"));
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
	*l = (struct store_limits){ int_of(o, "rpm"), int_of(o, "tpm"),
	    int_of(o, "concurrent"), int_of(o, "budget_day"),
	    int_of(o, "budget_month"), int_of(o, "budget_total") };
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
	return refuse(x, IMPORT_REFUSED, field, "%s", bad->text);
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
	struct store_tenant	 t = { .name = text_of(o, "name"),
				    .note = text_of(o, "note"),
				    .models = text_of(o, "models"),
				    .routes = text_of(o, "routes"),
				    .enabled = json_is_true(json_object_get(o,
				    "enabled")) };
	struct store_bad	 bad;

	limits_of(o, &t.limits);
	if ((t.id = id_of(x, sql, t.name)) == -1)
		return IMPORT_STORE;
	return bad_result(x, store_tenant_put(x->s, &t, &bad), "tenants", i,
	    &bad);
}

/* The value that it had: as a hash, which is good under the same key alone. */
static int
put_hash(struct importing *x, const json_t *o, int64_t id)
{
	struct buf	 hash, old;
	int		 rc = -1;

	buf_init(&hash, 256);
	buf_init(&old, 256);
	if (export_open(x->seal, "client key", json_object_get(o, "hash"),
	    &hash) == -1 || export_open(x->seal, "old client key",
	    json_object_get(o, "old_hash"), &old) == -1)
		store_fail(x->s, "the value of client key '%.*s' cannot be "
		    "opened", STR_FMT(text_of(o, "name")));
	else
		rc = sql_run(x->s, "UPDATE OR IGNORE client_keys SET hash = ?, "
		    "old_hash = ?, old_until_us = ?, mask = ? WHERE id = ?",
		    "ssisi", buf_str(&hash), old.len == 0 ? STR("") :
		    buf_str(&old), int_of(o, "old_until_us"), text_of(o,
		    "mask"), id);
	buf_release(&hash);
	buf_release(&old);
	return rc;
}

static enum import_result
put_client_key(struct importing *x, size_t i, const json_t *o)
{
	static const char	 tenant_sql[] = TENANT_SQL;
	static const char	 key_sql[] = CLIENT_KEY_SQL;
	struct store_client_key	 k = { .name = text_of(o, "name"),
				    .note = text_of(o, "note"),
				    .models = text_of(o, "models"),
				    .routes = text_of(o, "routes"),
				    .enabled = json_is_true(json_object_get(o,
				    "enabled")),
				    .expires_us = int_of(o, "expires_us") };
	char			 plain[CLIENT_KEY_LEN + 1] = "";
	struct store_bad	 bad;
	enum import_result	 r;

	limits_of(o, &k.limits);
	k.tenant_id = text_of(o, "tenant").n == 0 ? 0 :
	    id_of(x, tenant_sql, text_of(o, "tenant"));
	if (k.tenant_id == -1 ||
	    (k.id = id_of(x, key_sql, k.name)) == -1)
		return IMPORT_STORE;
	r = bad_result(x, store_client_key_put(x->s, x->box, &k, plain, &bad),
	    "client_keys", i, &bad);
	if (r == IMPORT_DONE && x->same_secret)
		return put_hash(x, o, k.id) == -1 ? IMPORT_STORE : r;
	x->new_values += r == IMPORT_DONE && plain[0] != '\0';
	explicit_bzero(plain, sizeof(plain));	/* nobody will know it */
	return r;
}

static enum import_result
put_price(struct importing *x, size_t i, const json_t *o)
{
	struct store_price	 p = { .provider = text_of(o, "provider"),
				    .model = text_of(o, "model"),
				    .input = int_of(o, "input"),
				    .output = int_of(o, "output"),
				    .cache_read = int_of(o, "cache_read"),
				    .cache_write_5m = int_of(o,
				    "cache_write_5m"),
				    .cache_write_1h = int_of(o,
				    "cache_write_1h"),
				    .date = text_of(o, "date"),
				    .source = text_of(o, "source") };
	struct store_bad	 bad;

	return bad_result(x, store_price_put(x->s, &p, &bad), "prices", i,
	    &bad);
}

struct holding {
	const json_t	*want;		/* name -> text */
	json_t		*differ;
	size_t		 known;
};

/* Those that are not as wanted here, and may be set. */
static void
holding_cb(void *arg, const struct store_setting *o)
{
	struct holding	*h = arg;
	json_t		*v = json_object_get(h->want, o->conf->name);

	h->known++;
	if (json_is_string(v) && o->fixed == NULL && !str_eq(o->value,
	    (struct str){ json_string_value(v), json_string_length(v) }))
		json_object_set(h->differ, o->conf->name, v);
}

static void
fixed_cb(void *arg, const struct store_setting *o)
{
	struct importing	*x = arg;
	const json_t		*v = json_object_get(json_object_get(x->data,
				    "settings"), o->conf->name);

	if (json_is_string(v) && o->fixed != NULL &&
	    !str_is(o->value, json_string_value(v)))
		note(x, "%s was '%.200s' there: it is set in app.yml alone",
		    o->conf->name, json_string_value(v));
}

static void
replace_cb(void *arg, const struct store_setting *o)
{
	struct holding	*h = arg;

	if (o->source == SETTING_DATABASE &&
	    json_object_get(h->want, o->conf->name) == NULL)
		json_object_set_new(h->differ, o->conf->name, json_null());
}

static enum import_result
put_settings(struct importing *x)
{
	struct holding		 h = { json_object_get(x->data, "settings"),
				    json_object(), 0 };
	struct setting_put	*put;
	struct store_bad	 bad;
	const char		*name;
	json_t			*v;
	size_t			 n = 0;
	int			 rc = STORE_DONE;

	if (store_settings(x->s, holding_cb, &h) == -1 ||
	    store_settings(x->s, fixed_cb, x) == -1 || (x->im->replace &&
	    store_settings(x->s, replace_cb, &h) == -1))
		rc = -1;
	else if (h.known == 0)
		rc = store_fail(x->s, "no configuration was loaded yet: start "
		    "proxyd once");
	put = arena_array(&x->arena, json_object_size(h.differ) + 1,
	    sizeof(*put));
	json_object_foreach(h.differ, name, v) {
		put[n].name = str_of(name);
		put[n++].text = json_is_null(v) ? STR_NONE :
		    (struct str){ json_string_value(v),
		    json_string_length(v) };
	}
	if (rc == STORE_DONE && n > 0)
		rc = store_settings_put(x->s, put, n, &bad);
	json_decref(h.differ);
	if (rc != STORE_BAD)
		return rc == STORE_DONE ? IMPORT_DONE : IMPORT_STORE;
	return refuse(x, IMPORT_REFUSED, bad.field, "%s", bad.text);
}

/* --- users and tokens ------------------------------------------------------------------- */

static json_t *
row_open(struct importing *x, const char *list, size_t i, const json_t *o)
{
	struct buf	 b;
	json_t		*row = NULL;
	char		 field[64];

	buf_init(&b, 65536);
	if (export_open(x->seal, list, json_object_get(o, "sealed"), &b) == 0)
		row = json_loadb(b.data, b.len, 0, NULL);
	buf_release(&b);
	snprintf(field, sizeof(field), "%s[%zu]", list, i);
	if (row == NULL)
		(void)refuse(x, IMPORT_FILE, field, "cannot be opened");
	return row;
}

static struct str
bytes_of(struct importing *x, const json_t *row, const char *name)
{
	struct str	 hex = text_of(row, name);
	size_t		 n = hex.n / 2;
	char		*to = arena_alloc(&x->arena, n + 1);

	return hex_decode((unsigned char *)to, n, hex) == -1 ? STR("") :
	    (struct str){ to, n };
}

/* Those that are here stay as they are: an import takes nobody's place. */
static enum import_result
put_user(struct importing *x, size_t i, const json_t *o)
{
	json_t	*row = row_open(x, "users", i, o);
	int	 rc;

	if (row == NULL)
		return IMPORT_FILE;
	rc = sql_run(x->s, "INSERT INTO users (name, role, enabled, salt, "
	    "rounds, hash, created_us) VALUES (?, ?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (name) DO NOTHING", "ssibibi", text_of(o, "name"),
	    text_of(row, "role"), int_of(row, "enabled"), bytes_of(x, row,
	    "salt"), int_of(row, "rounds"), bytes_of(x, row, "hash"),
	    clock_wall_us());
	json_decref(row);
	return rc == -1 ? IMPORT_STORE : IMPORT_DONE;
}

static enum import_result
put_token(struct importing *x, size_t i, const json_t *o)
{
	json_t	*row = row_open(x, "tokens", i, o);
	int	 rc;

	if (row == NULL)
		return IMPORT_FILE;
	rc = sql_run(x->s, "INSERT INTO api_tokens (name, role, hash, mask, "
	    "expires_us, created_us) VALUES (?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT DO NOTHING", "ssssii", text_of(o, "name"),
	    text_of(row, "role"), text_of(row, "hash"), text_of(row, "mask"),
	    int_of(row, "expires_us"), clock_wall_us());
	json_decref(row);
	return rc == -1 ? IMPORT_STORE : IMPORT_DONE;
}

/* --- what is not in the file --------------------------------------------------------------- */

static enum import_result
drop_one(struct importing *x, enum object_kind k, const json_t *o)
{
	struct object_error	 e;
	char			 id[24], field[160];
	enum object_result	 r;

	snprintf(id, sizeof(id), "%lld", (long long)int_of(o, "id"));
	if (!str_is(text_of(o, "source"), "db") ||
	    json_object_get(x->seen[k], id) != NULL)
		return IMPORT_DONE;
	memset(&e, 0, sizeof(e));
	r = store_object_delete(x->s, k, int_of(o, "id"), &e);
	if (r == OBJECT_OK)
		return IMPORT_DONE;
	snprintf(field, sizeof(field), "%s '%.100s'", object_name(k),
	    k == OBJECT_KEY ? text_of(o, "mask").p :
	    text_of(o, name_member(k)).p);
	return r == OBJECT_STORE ? IMPORT_STORE : refuse(x, IMPORT_REFUSED,
	    field, "cannot be deleted: %s", e.text);
}

static enum import_result
drop_kind(struct importing *x, enum object_kind k)
{
	enum import_result	 r = IMPORT_STORE;
	struct buf		 b;
	json_t			*list, *o;
	size_t			 i;

	buf_init(&b, (size_t)64 << 20);
	if (store_object_list(x->s, k, &b) == OBJECT_OK &&
	    (list = json_loadb(b.data, b.len, 0, NULL)) != NULL) {
		r = IMPORT_DONE;
		json_array_foreach(list, i, o)
			if (r == IMPORT_DONE)
				r = drop_one(x, k, o);
		json_decref(list);
	}
	buf_release(&b);
	return r;
}

struct dropping {
	struct importing	*x;
	const char		*list;
	int64_t			 id[CLIENT_KEYS_MAX];
	size_t			 n;
};

static void
drop_add(struct dropping *d, int64_t id)
{
	if (d->n < CLIENT_KEYS_MAX)
		d->id[d->n++] = id;
}

static void
drop_unnamed(struct dropping *d, int64_t id, struct str name)
{
	json_t	*o;
	size_t	 i;

	json_array_foreach(list_of(d->x, d->list), i, o)
		if (str_is_nocase(name, text_of(o, "name").p))
			return;
	drop_add(d, id);
}

static void
drop_tenant_cb(void *arg, const struct store_tenant *t)
{
	drop_unnamed(arg, t->id, t->name);
}

static void
drop_client_key_cb(void *arg, const struct store_client_key *k)
{
	drop_unnamed(arg, k->id, k->name);
}

static void
drop_price_cb(void *arg, const struct store_price *p)
{
	struct dropping	*d = arg;
	json_t		*o;
	size_t		 i;

	json_array_foreach(list_of(d->x, d->list), i, o)
		if (str_eq(text_of(o, "model"), p->model) &&
		    str_eq(text_of(o, "provider"), p->provider))
			return;
	if (!p->builtin)
		drop_add(d, p->id);
}

static enum import_result
drop_list(struct importing *x, const char *list,
    int (*delete)(struct store *, int64_t))
{
	struct dropping	 d = { .x = x, .list = list };
	int		 rc;
	size_t		 i;

	rc = strcmp(list, "tenants") == 0 ?
	    store_tenants(x->s, drop_tenant_cb, &d) :
	    strcmp(list, "prices") == 0 ?
	    store_prices(x->s, drop_price_cb, &d) :
	    store_client_keys(x->s, drop_client_key_cb, &d);
	for (i = 0; rc != -1 && i < d.n; i++)
		rc = delete(x->s, d.id[i]);
	return rc == -1 ? IMPORT_STORE : IMPORT_DONE;
}

static enum import_result
drop_rest(struct importing *x)
{
	static const enum object_kind	 order[] = { OBJECT_RULE,
					    OBJECT_MODEL, OBJECT_POOL,
					    OBJECT_KEY, OBJECT_PROVIDER };
	enum import_result		 r = IMPORT_DONE;
	size_t				 i;

	for (i = 0; r == IMPORT_DONE && i < OBJECT_KINDS; i++)
		r = drop_kind(x, order[i]);
	if (r == IMPORT_DONE)
		r = drop_list(x, "client_keys", store_client_key_delete);
	if (r == IMPORT_DONE)
		r = drop_list(x, "tenants", store_tenant_delete);
	return r != IMPORT_DONE ? r :
	    drop_list(x, "prices", store_price_delete);
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
	{ "rules", put_rule }, { "client_keys", put_client_key },
	{ "prices", put_price }, { "users", put_user },
	{ "tokens", put_token }
};

static enum import_result
put_all(struct importing *x)
{
	enum import_result	 r = IMPORT_DONE;
	const json_t		*list;
	json_t			*o;
	size_t			 p, i;

	for (p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
		list = list_of(x, parts[p].list);
		if (!json_is_array(list))
			return refuse(x, IMPORT_FILE, parts[p].list,
			    "is missing, or no list");
		json_array_foreach(list, i, o)
			if ((r = parts[p].put(x, i, o)) != IMPORT_DONE)
				return r;
	}
	if ((r = put_settings(x)) == IMPORT_DONE && x->im->replace)
		r = drop_rest(x);
	if (r == IMPORT_DONE && x->new_values > 0)
		note(x, "%lld client keys are of another secret.key: each "
		    "needs a new value before it is of use",
		    (long long)x->new_values);
	return r;
}

static void
know_secret(struct importing *x)
{
	struct buf	 b;
	char		 hex[65];

	export_probe(x->box, hex);
	buf_init(&b, 256);
	x->same_secret = export_open(x->seal, "probe",
	    json_object_get(x->data, "secret_key"), &b) == 0 &&
	    str_is(buf_str(&b), hex);
	buf_release(&b);
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
		return change_commit(x->s, "import", STR("")) == -1 ?
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
	if ((r = check_file(&x, file, passphrase)) == IMPORT_DONE) {
		know_secret(&x);
		r = import(&x);
	}
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
