/*
 * An import: settings, users and tokens, and what is not in the file.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "state/import_parts.h"
#include "state/store_settings.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

enum import_result
import_refuse(struct importing *x, enum import_result r, const char *field,
    const char *fmt, ...)
{
	va_list	 ap;

	snprintf(x->im->field, sizeof(x->im->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(x->im->text, sizeof(x->im->text), fmt, ap);
	va_end(ap);
	return r;
}

void
import_note(struct importing *x, const char *fmt, ...)
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

struct str
import_text(const json_t *o, const char *name)
{
	const json_t	*v = json_object_get(o, name);

	return (struct str){ json_is_string(v) ? json_string_value(v) : "",
	    json_string_length(v) };
}

int64_t
import_int(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

const json_t *
import_list(const struct importing *x, const char *name)
{
	return json_object_get(x->data, name);
}

const char *
import_name(enum object_kind k)
{
	return k == OBJECT_MODEL ? "route_key" : "name";
}

/* --- settings ----------------------------------------------------------------------- */

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
		import_note(x, "%s was '%.200s' there: it is set in app.yml alone",
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

enum import_result
import_settings(struct importing *x)
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
	return import_refuse(x, IMPORT_REFUSED, bad.field, "%s", bad.text);
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
		(void)import_refuse(x, IMPORT_FILE, field, "cannot be opened");
	return row;
}

static struct str
bytes_of(struct importing *x, const json_t *row, const char *name)
{
	struct str	 hex = import_text(row, name);
	size_t		 n = hex.n / 2;
	char		*to = arena_alloc(&x->arena, n + 1);

	return hex_decode((unsigned char *)to, n, hex) == -1 ? STR("") :
	    (struct str){ to, n };
}

/* Those that are here stay as they are: an import takes nobody's place. */
enum import_result
import_user(struct importing *x, size_t i, const json_t *o)
{
	json_t	*row = row_open(x, "users", i, o);
	int	 rc;

	if (row == NULL)
		return IMPORT_FILE;
	rc = sql_run(x->s, "INSERT INTO users (name, role, enabled, salt, "
	    "rounds, hash, created_us) VALUES (?, ?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (name) DO NOTHING", "ssibibi", import_text(o, "name"),
	    import_text(row, "role"), import_int(row, "enabled"), bytes_of(x, row,
	    "salt"), import_int(row, "rounds"), bytes_of(x, row, "hash"),
	    clock_wall_us());
	json_decref(row);
	return rc == -1 ? IMPORT_STORE : IMPORT_DONE;
}

enum import_result
import_token(struct importing *x, size_t i, const json_t *o)
{
	json_t	*row = row_open(x, "tokens", i, o);
	int	 rc;

	if (row == NULL)
		return IMPORT_FILE;
	rc = sql_run(x->s, "INSERT INTO api_tokens (name, role, hash, mask, "
	    "expires_us, created_us) VALUES (?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT DO NOTHING", "ssssii", import_text(o, "name"),
	    import_text(row, "role"), import_text(row, "hash"), import_text(row, "mask"),
	    import_int(row, "expires_us"), clock_wall_us());
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

	snprintf(id, sizeof(id), "%lld", (long long)import_int(o, "id"));
	if (!str_is(import_text(o, "source"), "db") ||
	    json_object_get(x->seen[k], id) != NULL)
		return IMPORT_DONE;
	memset(&e, 0, sizeof(e));
	r = store_object_delete(x->s, k, import_int(o, "id"), &e);
	if (r == OBJECT_OK)
		return IMPORT_DONE;
	snprintf(field, sizeof(field), "%s '%.100s'", object_name(k),
	    k == OBJECT_KEY ? import_text(o, "mask").p :
	    import_text(o, import_name(k)).p);
	return r == OBJECT_STORE ? IMPORT_STORE : import_refuse(x, IMPORT_REFUSED,
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

	json_array_foreach(import_list(d->x, d->list), i, o)
		if (str_is_nocase(name, import_text(o, "name").p))
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

	json_array_foreach(import_list(d->x, d->list), i, o)
		if (str_eq(import_text(o, "model"), p->model) &&
		    str_eq(import_text(o, "provider"), p->provider))
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

enum import_result
import_drop_rest(struct importing *x)
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

