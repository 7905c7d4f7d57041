/*
 * All that is configured, into one file.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "base/version.h"
#include "state/export_seal.h"
#include "state/store_export.h"
#include "state/store_object.h"
#include "state/store_settings.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

struct exporting {
	struct store			*s;
	const struct secret_box		*box;		/* the database's */
	const struct secret_box		*seal;		/* the passphrase's */
	json_t				*data;
};

static json_t *
text_json(struct str s)
{
	json_t	*o = json_stringn(s.n == 0 ? "" : s.p, s.n);

	return o != NULL ? o : json_string("?");
}

/* --- sealed ---------------------------------------------------------------------- */

json_t *
export_seal(const struct secret_box *seal, const char *context,
    struct str plain)
{
	struct buf	 b, text;
	json_t		*o = NULL;

	buf_init(&b, 65536);
	buf_init(&text, 65536 * 2);
	if (secret_seal(seal, str_of(context), plain, &b) == 0 &&
	    base64_encode(&text, buf_str(&b)) == 0)
		o = text_json(buf_str(&text));
	buf_release(&b);
	buf_release(&text);
	return o;
}

int
export_open(const struct secret_box *seal, const char *context,
    const json_t *sealed, struct buf *plain)
{
	struct buf	 b;
	int		 rc = -1;

	if (!json_is_string(sealed))
		return -1;
	buf_init(&b, 65536);
	if (base64_decode(&b, (struct str){ json_string_value(sealed),
	    json_string_length(sealed) }) == 0)
		rc = secret_open(seal, str_of(context), buf_str(&b), plain);
	buf_release(&b);
	return rc;
}

void
export_hash(const json_t *data, char hex[65])
{
	char	*text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);

	if (text == NULL)
		fatalx("cannot write an export");
	secret_sha256(str_of(text), hex);
	free(text);
}

/* Of the database, into the file; NULL with the store's error. */
static json_t *
reseal(struct exporting *x, const char *kind, struct str provider,
    struct str name, struct str sealed)
{
	char		 context[STORE_CONTEXT_MAX];
	struct buf	 b;
	json_t		*o = NULL;

	(void)store_context(context, kind, provider, name);
	buf_init(&b, SECRET_MAX + 64);
	if (secret_open(x->box, str_of(context), sealed, &b) == 0)
		o = export_seal(x->seal, context, buf_str(&b));
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	if (o == NULL)
		store_fail(x->s, "a %s of provider '%.*s' cannot be opened: "
		    "it is damaged, or sealed under another secret.key", kind,
		    STR_FMT(provider));
	return o;
}

/* --- objects ---------------------------------------------------------------------- */

static json_t *
objects(struct exporting *x, enum object_kind k)
{
	struct buf	 b;
	json_t		*list = NULL;

	buf_init(&b, (size_t)64 << 20);
	if (store_object_list(x->s, k, &b) == OBJECT_OK &&
	    (list = json_loadb(b.data, b.len, 0, NULL)) == NULL)
		store_fail(x->s, "%ss cannot be read", object_name(k));
	buf_release(&b);
	return list;
}

static int
add_objects(struct exporting *x, const char *name, enum object_kind k)
{
	json_t	*list = objects(x, k);

	return list == NULL ? -1 : json_object_set_new(x->data, name, list);
}

static int
key_value(struct exporting *x, json_t *key)
{
	struct sqlite3_stmt	*st;
	json_t			*o = NULL;
	int			 rc;

	st = sql_open(x->s, "SELECT p.name, k.value FROM keys k "
	    "JOIN providers p ON p.id = k.provider_id WHERE k.id = ?", "i",
	    (int64_t)json_integer_value(json_object_get(key, "id")));
	if (st == NULL)
		return -1;
	if ((rc = sql_step(x->s, st)) == 1)
		o = reseal(x, "key", sql_str(st, 0), STR(""),
		    sql_str(st, 1));
	sql_end(st);
	if (rc == -1 || o == NULL)
		return -1;
	return json_object_set_new(key, "value", o);
}

static int
add_keys(struct exporting *x)
{
	json_t	*list = objects(x, OBJECT_KEY), *key;
	size_t	 i;

	if (list == NULL)
		return -1;
	json_object_set_new(x->data, "keys", list);
	json_array_foreach(list, i, key)
		if (key_value(x, key) == -1)
			return -1;
	return 0;
}

/* What a provider's row holds sealed: the proxy; and its headers. */
static int
provider_sealed(struct exporting *x, json_t *p, int64_t id)
{
	struct str		 name = str_of(json_string_value(
				    json_object_get(p, "name")));
	struct sqlite3_stmt	*st;
	json_t			*list = json_array(), *o;
	int			 rc;

	json_object_del(p, "headers");
	json_object_del(p, "proxy");
	json_object_set_new(p, "sealed_headers", list);
	st = sql_open(x->s, "SELECT name, value FROM provider_headers "
	    "WHERE provider_id = ? ORDER BY pos", "i", id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(x->s, st)) == 1) {
		o = reseal(x, "header", name, sql_str(st, 0), sql_str(st, 1));
		if (o == NULL) {
			rc = -1;
			break;
		}
		json_array_append_new(list, json_pack("{s:o,s:o}", "name",
		    text_json(sql_str(st, 0)), "value", o));
	}
	sql_end(st);
	if (rc == -1 || (st = sql_open(x->s, "SELECT proxy FROM providers "
	    "WHERE id = ? AND length(proxy) > 0", "i", id)) == NULL)
		return -1;
	if ((rc = sql_step(x->s, st)) == 1)
		json_object_set_new(p, "sealed_proxy", reseal(x, "proxy", name,
		    STR(""), sql_str(st, 0)));
	sql_end(st);
	return rc;
}

static int
add_providers(struct exporting *x)
{
	json_t	*list = objects(x, OBJECT_PROVIDER), *p;
	size_t	 i;

	if (list == NULL)
		return -1;
	json_object_set_new(x->data, "providers", list);
	json_array_foreach(list, i, p)
		if (provider_sealed(x, p, json_integer_value(
		    json_object_get(p, "id"))) == -1)
			return -1;
	return 0;
}

/* --- tenants, prices, settings ------------------------------------------------------ */

static void
limits_add(json_t *o, const struct store_limits *l)
{
	json_object_set_new(o, "rpm", json_integer(l->rpm));
	json_object_set_new(o, "tpm", json_integer(l->tpm));
	json_object_set_new(o, "concurrent", json_integer(l->concurrent));
	json_object_set_new(o, "budget_day", json_integer(l->budget_day));
	json_object_set_new(o, "budget_month",
	    json_integer(l->budget_month));
	json_object_set_new(o, "budget_total",
	    json_integer(l->budget_total));
}

static void
tenant_cb(void *arg, const struct store_tenant *t)
{
	json_t	*o = json_pack("{s:o,s:o,s:o,s:o,s:b}", "name",
		    text_json(t->name), "note", text_json(t->note), "models",
		    text_json(t->models), "routes", text_json(t->routes),
		    "enabled", t->enabled);

	limits_add(o, &t->limits);
	json_array_append_new(arg, o);
}

static void
client_key_cb(void *arg, const struct store_client_key *k)
{
	json_t	*o = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:I,s:I}",
		    "name", text_json(k->name), "tenant",
		    text_json(k->tenant), "note", text_json(k->note), "mask",
		    text_json(k->mask), "models", text_json(k->models),
		    "routes", text_json(k->routes), "enabled", k->enabled,
		    "expires_us", (json_int_t)k->expires_us, "old_until_us",
		    (json_int_t)k->old_until_us);

	limits_add(o, &k->limits);
	json_object_set_new(o, "id", json_integer(k->id));
	json_array_append_new(arg, o);
}

static int
client_key_hashes(struct exporting *x, json_t *key)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(x->s, "SELECT hash, old_hash FROM client_keys "
	    "WHERE id = ?", "i", (int64_t)json_integer_value(
	    json_object_get(key, "id")));
	if (st == NULL)
		return -1;
	if ((rc = sql_step(x->s, st)) == 1) {
		json_object_set_new(key, "hash", export_seal(x->seal,
		    "client key", sql_str(st, 0)));
		json_object_set_new(key, "old_hash", export_seal(x->seal,
		    "old client key", sql_str(st, 1)));
	}
	sql_end(st);
	json_object_del(key, "id");
	return rc == 1 ? 0 : -1;
}

static void
add_hash_key(json_t *list, const struct exporting *x, struct str key)
{
	json_array_append_new(list, json_pack("{s:o}", "sealed",
	    export_seal(x->seal, CLIENT_HASH_CONTEXT, key)));
}

/* Under which the hashes of client keys are: without them, no key fits. */
static int
add_hash_keys(struct exporting *x)
{
	unsigned char		 own[SECRET_PRINT_KEY];
	struct sqlite3_stmt	*st;
	struct buf		 b;
	json_t			*list = json_array();
	int			 rc;

	json_object_set_new(x->data, "client_hash_keys", list);
	client_hash_key(x->box, own);
	add_hash_key(list, x, (struct str){ (const char *)own, sizeof(own) });
	explicit_bzero(own, sizeof(own));
	if ((st = sql_open(x->s, "SELECT key FROM client_hash_keys "
	    "ORDER BY id", "")) == NULL)
		return -1;
	buf_init(&b, SECRET_MAX + 64);
	while ((rc = sql_step(x->s, st)) == 1) {
		buf_clear(&b);
		if (secret_open(x->box, STR(CLIENT_HASH_CONTEXT),
		    sql_str(st, 0), &b) == 0)
			add_hash_key(list, x, buf_str(&b));
	}
	sql_end(st);
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

static void
price_cb(void *arg, const struct store_price *p)
{
	if (!p->builtin)
		json_array_append_new(arg, json_pack(
		    "{s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "provider",
		    text_json(p->provider), "model", text_json(p->model),
		    "input", (json_int_t)p->input, "output",
		    (json_int_t)p->output, "cache_read",
		    (json_int_t)p->cache_read, "cache_write_5m",
		    (json_int_t)p->cache_write_5m, "cache_write_1h",
		    (json_int_t)p->cache_write_1h, "date", text_json(p->date),
		    "source", text_json(p->source)));
}

static void
setting_cb(void *arg, const struct store_setting *o)
{
	if (o->source != SETTING_DEFAULT)
		json_object_set_new(arg, o->conf->name, text_json(o->value));
}

static int
add_others(struct exporting *x)
{
	json_t	*tenants = json_array(), *keys = json_array(), *key;
	json_t	*prices = json_array(), *settings = json_object();
	size_t	 i;

	json_object_set_new(x->data, "tenants", tenants);
	json_object_set_new(x->data, "client_keys", keys);
	json_object_set_new(x->data, "prices", prices);
	json_object_set_new(x->data, "settings", settings);
	if (store_tenants(x->s, tenant_cb, tenants) == -1 ||
	    store_client_keys(x->s, client_key_cb, keys) == -1 ||
	    store_prices(x->s, price_cb, prices) == -1 ||
	    store_settings(x->s, setting_cb, settings) == -1)
		return -1;
	json_array_foreach(keys, i, key)
		if (client_key_hashes(x, key) == -1)
			return -1;
	return 0;
}

/* --- users and tokens ------------------------------------------------------------------ */

/* A row as one sealed JSON text; its hashes are nobody else's concern. */
static int
add_rows(struct exporting *x, const char *name, const char *sql)
{
	struct sqlite3_stmt	*st = sql_open(x->s, sql, "");
	json_t			*list = json_array(), *o;
	int			 rc;

	json_object_set_new(x->data, name, list);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(x->s, st)) == 1) {
		o = export_seal(x->seal, name, sql_str(st, 1));
		if (o == NULL)
			break;
		json_array_append_new(list, json_pack("{s:o,s:o}", "name",
		    text_json(sql_str(st, 0)), "sealed", o));
	}
	sql_end(st);
	return rc == 1 ? store_fail(x->s, "a row of %s is too long", name) :
	    rc;
}

static int
add_access(struct exporting *x)
{
	if (add_rows(x, "users", "SELECT name, json_object('role', role, "
	    "'enabled', enabled, 'salt', lower(hex(salt)), 'rounds', rounds, "
	    "'hash', lower(hex(hash))) FROM users ORDER BY name") == -1)
		return -1;
	return add_rows(x, "tokens", "SELECT name, json_object('role', role, "
	    "'hash', hash, 'mask', mask, 'expires_us', expires_us) "
	    "FROM api_tokens ORDER BY name");
}

/* --- all of it -------------------------------------------------------------------------- */

static int
gather(struct exporting *x)
{
	return add_providers(x) == -1 || add_keys(x) == -1 ||
	    add_objects(x, "pools", OBJECT_POOL) == -1 ||
	    add_objects(x, "models", OBJECT_MODEL) == -1 ||
	    add_objects(x, "rules", OBJECT_RULE) == -1 ||
	    add_others(x) == -1 || add_hash_keys(x) == -1 ||
	    add_access(x) == -1 ? -1 : 0;
}

static json_t *
wrap(struct exporting *x, struct str salt)
{
	char		 hex[65], when[CLOCK_RFC3339_LEN];
	struct buf	 b;
	json_t		*o;

	export_hash(x->data, hex);
	buf_init(&b, 256);
	(void)base64_encode(&b, salt);
	o = json_pack("{s:s,s:i,s:s,s:s,s:{s:s,s:i,s:o},s:o,s:O}", "format",
	    "proxyd-export", "version", EXPORT_VERSION, "program",
	    PROXYD_VERSION, "time", clock_rfc3339(clock_wall_us(), when),
	    "kdf", "name", "pbkdf2-hmac-sha256", "rounds", EXPORT_ROUNDS,
	    "salt", text_json(buf_str(&b)), "check", export_seal(x->seal,
	    "check", str_of(hex)), "data", x->data);
	buf_release(&b);
	return o;
}

json_t *
store_export(struct store *s, const struct secret_box *box,
    struct str passphrase)
{
	struct exporting	 x = { .s = s, .box = box };
	unsigned char		 bytes[16];
	struct str		 salt = { (const char *)bytes, sizeof(bytes) };
	struct secret_box	*seal;
	json_t			*o = NULL;

	id_random(bytes, sizeof(bytes));
	seal = secret_box_passphrase(passphrase, salt, EXPORT_ROUNDS);
	x.seal = seal;
	x.data = json_object();
	if (sql_begin_read(s) == 0) {		/* one state of it all */
		if (gather(&x) == 0)
			o = wrap(&x, salt);
		sql_rollback(s);
	}
	json_decref(x.data);
	secret_box_close(seal);
	return o;
}
