/*
 * Changesets for people: rows with their names, columns with what they mean,
 * and nothing that is secret.  Rendered when the change is made, as only then
 * everything that it names is there.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/store_sql.h"

enum show {
	SHOW_PLAIN, SHOW_NOT, SHOW_SECRET, SHOW_BOOL, SHOW_TIME, SHOW_DOLLARS,
	SHOW_JSON, SHOW_MODE, SHOW_SETTING, SHOW_PROVIDER, SHOW_TENANT
};

/* name: the row's by its primary key: name, whose it is, source. */
struct table {
	const char	*table, *kind, *name_column, *name;
};

#define OF(t)	"(SELECT name FROM providers p WHERE p.id = " t ".provider_id)"
static const struct table tables[] = {
	{ "providers", "provider", "name",
	    "SELECT name, '', source FROM providers WHERE id = ?" },
	{ "provider_headers", "header", "name",
	    "SELECT name, " OF("provider_headers") ", (SELECT source "
	    "FROM providers p WHERE p.id = provider_id) "
	    "FROM provider_headers WHERE provider_id = ? AND pos = ?" },
	{ "keys", "key", "mask",
	    "SELECT mask, " OF("keys") ", source FROM keys WHERE id = ?" },
	{ "pools", "pool", "name",
	    "SELECT name, " OF("pools") ", source FROM pools WHERE id = ?" },
	{ "models", "model", "route_key",
	    "SELECT route_key, " OF("models") ", source FROM models "
	    "WHERE id = ?" },
	{ "rules", "rule", "name",
	    "SELECT name, '', source FROM rules WHERE id = ?" },
	{ "tenants", "tenant", "name",
	    "SELECT name, '', iif(gone_us > 0, 'gone', 'db') FROM tenants "
	    "WHERE id = ?" },
	{ "client_keys", "client key", "name",
	    "SELECT name, '', iif(gone_us > 0, 'gone', 'db') "
	    "FROM client_keys WHERE id = ?" },
	{ "client_hash_keys", "hash key", "print",
	    "SELECT print, '', 'db' FROM client_hash_keys WHERE id = ?" },
	{ "prices", "price", "model",
	    "SELECT model, provider, 'db' FROM prices WHERE id = ?" },
	{ "settings", "setting", "name",
	    "SELECT name, '', source FROM settings WHERE name = ?" },
	{ "hosts", "host", "name",
	    "SELECT name, '', source FROM hosts WHERE name = ?" },
	{ "users", "user", "name",
	    "SELECT name, '', 'db' FROM users WHERE id = ?" },
	{ "api_tokens", "token", "name",
	    "SELECT name, '', 'db' FROM api_tokens WHERE id = ?" },
};
#undef OF

/* table NULL: of any; as: what it is called. */
static const struct column {
	const char	*table, *column, *as;
	enum show	 show;
} columns[] = {
	{ NULL, "id", NULL, SHOW_NOT },
	{ NULL, "slot", NULL, SHOW_NOT },
	{ NULL, "print", NULL, SHOW_NOT },
	{ NULL, "proxy_print", NULL, SHOW_NOT },
	{ NULL, "proxy_mask", NULL, SHOW_NOT },
	{ "provider_headers", "mask", NULL, SHOW_NOT },
	{ NULL, "added_us", NULL, SHOW_NOT },
	{ NULL, "created_us", NULL, SHOW_NOT },
	{ NULL, "gone_us", NULL, SHOW_NOT },
	{ NULL, "login_us", NULL, SHOW_NOT },
	{ NULL, "used_us", NULL, SHOW_NOT },
	{ NULL, "old_hash", NULL, SHOW_NOT },
	{ NULL, "salt", NULL, SHOW_NOT },
	{ NULL, "rounds", NULL, SHOW_NOT },
	{ "settings", "value", NULL, SHOW_SETTING },
	{ NULL, "file_value", "app.yml", SHOW_SETTING },
	{ NULL, "given", NULL, SHOW_NOT },
	{ "providers", "pos", NULL, SHOW_NOT },
	{ "provider_headers", "pos", NULL, SHOW_NOT },
	{ "keys", "pos", NULL, SHOW_NOT },
	{ "rules", "pos", "position", SHOW_PLAIN },
	{ "prices", "origin", NULL, SHOW_NOT },
	{ "keys", "value", "value", SHOW_SECRET },
	{ "provider_headers", "value", "value", SHOW_SECRET },
	{ "providers", "proxy", "proxy", SHOW_SECRET },
	{ "client_hash_keys", "key", "value", SHOW_SECRET },
	{ "users", "hash", "password", SHOW_SECRET },
	{ NULL, "hash", "value", SHOW_SECRET },
	{ NULL, "enabled", NULL, SHOW_BOOL },
	{ NULL, "keyless", NULL, SHOW_BOOL },
	{ NULL, "affinity", NULL, SHOW_BOOL },
	{ NULL, "expires_us", "expires", SHOW_TIME },
	{ NULL, "old_until_us", "old value good until", SHOW_TIME },
	{ NULL, "budget_day", NULL, SHOW_DOLLARS },
	{ NULL, "budget_month", NULL, SHOW_DOLLARS },
	{ NULL, "budget_total", NULL, SHOW_DOLLARS },
	{ "prices", "input", NULL, SHOW_DOLLARS },
	{ "prices", "output", NULL, SHOW_DOLLARS },
	{ "prices", "cache_read", NULL, SHOW_DOLLARS },
	{ "prices", "cache_write_5m", NULL, SHOW_DOLLARS },
	{ "prices", "cache_write_1h", NULL, SHOW_DOLLARS },
	{ "rules", "match", NULL, SHOW_JSON },
	{ "rules", "targets", NULL, SHOW_JSON },
	{ "keys", "models", NULL, SHOW_JSON },
	{ "pools", "keys", NULL, SHOW_JSON },
	{ "models", "mode", NULL, SHOW_MODE },
	{ NULL, "provider_id", "provider", SHOW_PROVIDER },
	{ NULL, "tenant_id", "tenant", SHOW_TENANT },
};

struct diff {
	struct store	*s;
	json_t		*list;
	const char	*table;		/* whose columns are in name */
	struct str	 name[SQL_COLUMNS];
	int		 names;
	struct arena	 arena;
};

static const struct column *
column_find(const char *table, struct str name)
{
	static const struct column	 plain = { .show = SHOW_PLAIN };
	size_t				 i;

	for (i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (str_is(name, columns[i].column) && (columns[i].table ==
		    NULL || strcmp(columns[i].table, table) == 0))
			return &columns[i];
	return &plain;
}

static const struct table *
table_find(const char *table)
{
	size_t	 i;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (strcmp(tables[i].table, table) == 0)
			return &tables[i];
	fatalx("a change of table '%s', which is not known", table);
}

static int
columns_read(struct diff *d, const char *table)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	if (d->table != NULL && strcmp(d->table, table) == 0)
		return 0;
	st = sql_open(d->s, "SELECT name FROM pragma_table_info(?)", "s",
	    str_of(table));
	if (st == NULL)
		return -1;
	d->names = 0;
	while ((rc = sql_step(d->s, st)) == 1 && d->names < SQL_COLUMNS)
		d->name[d->names++] = arena_str(&d->arena, sql_str(st, 0));
	sql_end(st);
	d->table = arena_str(&d->arena, str_of(table)).p;
	return rc == -1 ? -1 : 0;
}

static int
column_of(const struct diff *d, const char *name)
{
	int	 i;

	for (i = 0; i < d->names && !str_is(d->name[i], name); i++)
		;
	return i < d->names ? i : -1;
}

/* --- values ------------------------------------------------------------------ */

static json_t *
text_json(struct str s)
{
	json_t	*o = json_stringn(s.n == 0 ? "" : s.p, s.n);

	return o != NULL ? o : json_string("?");
}

static json_t *
name_of(struct diff *d, const char *sql, int64_t id)
{
	struct sqlite3_stmt	*st = sql_open(d->s, sql, "i", id);
	json_t			*o = NULL;

	if (st != NULL && sql_step(d->s, st) == 1)
		o = text_json(sql_str(st, 0));
	sql_end(st);
	return o != NULL ? o : json_integer(id);
}

static json_t *
plain_json(const struct sql_value *v)
{
	return v->type == 'i' ? json_integer(v->i) : v->type == 'n' ?
	    json_null() : text_json(v->s);
}

static json_t *
value_json(struct diff *d, enum show show, const struct sql_value *v)
{
	static const char *const	 modes[] = { "", "transformer",
					    "direct" };
	char				 when[CLOCK_RFC3339_LEN];
	json_t				*o;

	if (v->type != 'i' && show != SHOW_JSON)
		return plain_json(v);
	switch (show) {
	case SHOW_BOOL:
		return json_boolean(v->i != 0);
	case SHOW_TIME:
		return v->i == 0 ? json_null() :
		    json_string(clock_rfc3339(v->i, when));
	case SHOW_DOLLARS:
		return v->i < 0 ? json_null() :
		    json_real((double)v->i / 1e6);
	case SHOW_MODE:
		return json_string(modes[v->i < 0 || v->i > 1 ? 0 :
		    v->i + 1]);
	case SHOW_PROVIDER:
		return name_of(d, "SELECT name FROM providers WHERE id = ?",
		    v->i);
	case SHOW_TENANT:
		return v->i == 0 ? json_null() : name_of(d,
		    "SELECT name FROM tenants WHERE id = ?", v->i);
	case SHOW_JSON:
		o = v->type != 's' ? NULL : json_loadb(v->s.p, v->s.n,
		    JSON_DECODE_ANY, NULL);
		return o != NULL ? o : plain_json(v);
	default:
		return plain_json(v);
	}
}

/* What a new row need not say. */
static bool
is_nothing(enum show show, const struct sql_value *v)
{
	if (show == SHOW_BOOL)
		return v->i != 0;
	return v->type == 'n' || (v->type == 'i' && v->i <= 0) ||
	    (v->type == 's' && (v->s.n == 0 || str_is(v->s, "[]")));
}

/* "15s" of "keepalive_ms" 15000. */
static json_t *
setting_json(const struct sql_value *v, const struct conf_setting *cs)
{
	char	 text[CONF_SETTING_TEXT];

	return v->type != 'i' || cs->kind == CONF_INT ? plain_json(v) :
	    text_json(conf_setting_text(cs, v->i, text));
}

static json_t *
field_json(struct diff *d, const struct sql_change *c, enum show show,
    const struct sql_value *v)
{
	struct conf_setting	 cs;
	int			 name = column_of(d, "name");

	if (show == SHOW_SETTING && name != -1 && store_setting_of(
	    c->op == SQL_ADD ? c->new[name].s : c->old[name].s, &cs) &&
	    cs.kind != CONF_OTHER)
		return setting_json(v, &cs);
	return value_json(d, show, v);
}

/* What app.yml says matters where the setting's value is another. */
static bool
is_echo(const struct diff *d, const struct sql_change *c, int i)
{
	int	 value = column_of(d, "value");

	return str_is(d->name[i], "file_value") &&
	    (c->op != SQL_CHANGE || c->new[value].type != 0);
}

static void
field_add(struct diff *d, json_t *fields, const struct sql_change *c, int i)
{
	const struct column	*col = column_find(c->table, d->name[i]);
	json_t			*f;

	if (is_echo(d, c, i) || (c->op != SQL_CHANGE &&
	    str_is(d->name[i], table_find(c->table)->name_column)))
		return;
	if (col->show == SHOW_NOT || (c->op == SQL_CHANGE ?
	    c->old[i].type == 0 || c->new[i].type == 0 || c->pk[i] :
	    is_nothing(col->show, c->op == SQL_ADD ? &c->new[i] :
	    &c->old[i])))
		return;
	f = json_pack("{s:o}", "name", col->as != NULL ?
	    json_string(col->as) : text_json(d->name[i]));
	if (col->show == SHOW_SECRET) {
		json_object_set_new(f, "secret", json_true());
	} else {
		if (c->op != SQL_ADD)
			json_object_set_new(f, "old", field_json(d, c,
			    col->show, &c->old[i]));
		if (c->op != SQL_REMOVE)
			json_object_set_new(f, "new", field_json(d, c,
			    col->show, &c->new[i]));
	}
	json_array_append_new(fields, f);
}

/* --- rows ------------------------------------------------------------------------ */

/* A row stays, marked as gone, where statistics hang on it. */
static bool
is_gone(const struct diff *d, const struct sql_value *v)
{
	int	 source = column_of(d, "source"), us = column_of(d, "gone_us");

	if (source != -1)
		return v[source].type == 's' && str_is(v[source].s, "gone");
	return us != -1 && v[us].type == 'i' && v[us].i > 0;
}

static const char *
op_of(const struct diff *d, const struct sql_change *c)
{
	bool	 was = is_gone(d, c->old), is = is_gone(d, c->new);

	switch (c->op) {
	case SQL_ADD:
		return is ? NULL : "add";
	case SQL_REMOVE:
		return was ? NULL : "remove";
	default:
		if (was && is)
			return NULL;
		return is ? "remove" : was ? "add" : "change";
	}
}

static void
name_from_row(struct diff *d, const struct table *t,
    const struct sql_change *c, json_t *o)
{
	int	 name = column_of(d, t->name_column);
	int	 of = column_of(d, "provider_id");
	int	 source = column_of(d, "source");

	if (name != -1)
		json_object_set_new(o, "name", plain_json(&c->old[name]));
	if (of != -1)
		json_object_set_new(o, "of", value_json(d, SHOW_PROVIDER,
		    &c->old[of]));
	if (source != -1 && str_is(c->old[source].s, "file"))
		json_object_set_new(o, "file", json_true());
}

/* 1: the row is marked as gone. */
static int
name_from_database(struct diff *d, const struct table *t,
    const struct sql_change *c, json_t *o)
{
	struct sqlite3_stmt	*st;
	int			 i, n = 0, rc;
	bool			 gone = false;

	if ((st = sql_prepare(d->s, t->name)) == NULL)
		return -1;
	for (i = 0; i < c->n; i++) {
		const struct sql_value	*v = c->op == SQL_ADD ? &c->new[i] :
					    &c->old[i];

		if (c->pk[i] && v->type == 'i')
			sql_bind_int(st, ++n, v->i);
		else if (c->pk[i])
			sql_bind_str(st, ++n, v->s);
	}
	if ((rc = sql_step(d->s, st)) == 1) {
		json_object_set_new(o, "name", text_json(sql_str(st, 0)));
		if (sql_str(st, 1).n > 0)
			json_object_set_new(o, "of", text_json(sql_str(st,
			    1)));
		if (str_is(sql_str(st, 2), "file"))
			json_object_set_new(o, "file", json_true());
		gone = str_is(sql_str(st, 2), "gone");
	}
	sql_end(st);
	return rc == -1 ? -1 : gone;
}

static void
setting_name(json_t *o)
{
	struct conf_setting	 cs;
	const char		*name;

	name = json_string_value(json_object_get(o, "name"));
	if (name != NULL && store_setting_of(str_of(name), &cs))
		json_object_set_new(o, "name", json_string(cs.name));
}

static int
row_cb(void *arg, const struct sql_change *c)
{
	struct diff		*d = arg;
	const struct table	*t = table_find(c->table);
	const char		*op;
	json_t			*o, *fields;
	int			 i, rc = 0;

	if (columns_read(d, c->table) == -1)
		return -1;
	if ((op = op_of(d, c)) == NULL)
		return 0;
	o = json_pack("{s:s,s:s}", "kind", t->kind, "op", op);
	if (c->op == SQL_REMOVE)
		name_from_row(d, t, c, o);
	else
		rc = name_from_database(d, t, c, o);
	fields = json_array();
	for (i = 0; i < c->n && i < d->names; i++)
		field_add(d, fields, c, i);
	if (strcmp(t->kind, "setting") == 0)
		setting_name(o);
	if (strcmp(op, "change") == 0 &&
	    (json_array_size(fields) == 0 || rc == 1)) {
		json_decref(fields);	/* nobody's concern: a slot */
		json_decref(o);
	} else {
		json_object_set_new(o, "fields", fields);
		json_array_append_new(d->list, o);
	}
	return rc == -1 ? -1 : 0;
}

json_t *
change_diff(struct store *s, struct str changeset)
{
	struct diff	 d = { .s = s, .list = json_array() };

	arena_init(&d.arena);
	if (sql_changes_each(s, changeset, row_cb, &d) != 0) {
		json_decref(d.list);
		d.list = NULL;
	}
	arena_release(&d.arena);
	return d.list;
}
