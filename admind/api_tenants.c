/*
 * Tenants, client keys, prices.  Money is in dollars here, and null where there
 * is no budget; patterns are lists.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admind/api.h"
#include "base/clock.h"
#include "state/store_tenants.h"

#define DOLLARS_MAX	1e9

/* --- values -------------------------------------------------------------------------- */

static json_t *
money_json(int64_t micros)
{
	return micros < 0 ? json_null() : json_real((double)micros / 1e6);
}

static json_t *
lines_json(struct str lines)
{
	json_t		*list = json_array();
	struct str	 line;

	while (lines.n > 0) {
		line = str_trim(str_cut(&lines, '\n'));
		if (line.n > 0)
			json_array_append_new(list, api_text(line));
	}
	return list;
}

static void
limits_json(json_t *o, const struct store_limits *l)
{
	json_object_set_new(o, "rpm", json_integer(l->rpm));
	json_object_set_new(o, "tpm", json_integer(l->tpm));
	json_object_set_new(o, "concurrent", json_integer(l->concurrent));
	json_object_set_new(o, "budget_day", money_json(l->budget_day));
	json_object_set_new(o, "budget_month", money_json(l->budget_month));
	json_object_set_new(o, "budget_total", money_json(l->budget_total));
}

/* Absent: as it is; null: none. */
static bool
money_of(struct api *a, const char *name, int64_t none, int64_t *micros)
{
	json_t	*v = json_object_get(a->body, name);
	double	 d;

	if (v == NULL)
		return true;
	if (json_is_null(v)) {
		*micros = none;
		return true;
	}
	d = json_number_value(v);
	if (!json_is_number(v) || !(d >= 0 && d <= DOLLARS_MAX)) {
		api_problem(a, 422, name, "must be an amount of dollars, 0 or "
		    "more, or null");
		return false;
	}
	*micros = (int64_t)(d * 1e6 + 0.5);
	return true;
}

static bool
limits_of(struct api *a, struct store_limits *l)
{
	return api_int(a, "rpm", false, 0, INT64_MAX, &l->rpm) &&
	    api_int(a, "tpm", false, 0, INT64_MAX, &l->tpm) &&
	    api_int(a, "concurrent", false, 0, INT64_MAX, &l->concurrent) &&
	    money_of(a, "budget_day", -1, &l->budget_day) &&
	    money_of(a, "budget_month", -1, &l->budget_month) &&
	    money_of(a, "budget_total", -1, &l->budget_total);
}

/* A list of patterns, or one string with a pattern a line. */
static bool
lines_of(struct api *a, const char *name, struct str *lines)
{
	json_t		*v = json_object_get(a->body, name), *e;
	struct buf	 b;
	size_t		 i;
	bool		 ok = true;

	if (v == NULL || json_is_null(v))
		return true;
	if (json_is_string(v))
		return api_str(a, name, false, lines);
	buf_init(&b, 64 << 10);
	ok = json_is_array(v);
	json_array_foreach(v, i, e) {
		ok = ok && json_is_string(e) &&
		    strchr(json_string_value(e), '\n') == NULL;
		if (ok)
			(void)buf_addf(&b, "%s%s", i > 0 ? "\n" : "",
			    json_string_value(e));
	}
	if (ok && buf_ok(&b))
		*lines = arena_str(a->rq->arena, buf_str(&b));
	else
		api_problem(a, 422, name, "must be a list of patterns such as "
		    "\"claude-*\"");
	ok = ok && buf_ok(&b);
	buf_release(&b);
	return ok;
}

/* The answer to a change that is not STORE_DONE. */
static void
changed_badly(struct api *a, int rc, const struct store_bad *bad,
    const char *what)
{
	if (rc == STORE_BAD)
		api_problem(a, 422, bad->field, "%s", bad->text);
	else if (rc == STORE_NONE)
		api_problem(a, 404, NULL, "there is no such %s", what);
	else
		api_store_failed(a);
}

static void
changed(struct api *a, const char *action, struct str name, json_t *answer)
{
	char	*detail = a->body == NULL ? NULL :
		    json_dumps(a->body, JSON_COMPACT);

	api_audit(a, action, arena_str(a->rq->arena, name).p, true, detail);
	free(detail);
	if (answer == NULL)
		api_empty(a);
	else
		api_json(a, 200, answer);
}

static void
answer_list(struct api *a, const char *name, json_t *list)
{
	json_t	*o;
	size_t	 i;

	json_array_foreach(list, i, o)
		api_etag_add(a, o);
	api_list(a, name, list);
}

/* With its ETag. */
static json_t *
one(struct api *a, json_t *o)
{
	api_etag_reply(a, o);
	return o;
}

/* Takes the reference of now. */
static bool
unchanged(struct api *a, json_t *now, const char *what)
{
	bool	 same = api_etag_holds(a, now, what);

	json_decref(now);
	return same;
}

/* --- tenants ---------------------------------------------------------------------------- */

static json_t *
tenant_json(const struct store_tenant *t)
{
	json_t	*o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:b,s:o}", "id",
		    (json_int_t)t->id, "name", api_text(t->name), "note",
		    api_text(t->note), "models", lines_json(t->models),
		    "routes", lines_json(t->routes), "enabled", t->enabled,
		    "created", api_time(t->created_us));

	limits_json(o, &t->limits);
	return o;
}

static void
tenant_cb(void *arg, const struct store_tenant *t)
{
	json_array_append_new(arg, tenant_json(t));
}

static void
serve_tenants(struct api *a)
{
	json_t	*list;

	if (api_store(a, STORE_READ) == NULL)
		return;
	list = json_array();
	if (store_tenants(a->store, tenant_cb, list) == -1) {
		json_decref(list);
		api_store_failed(a);
	} else
		answer_list(a, "tenants", list);
}

static bool
tenant_of(struct api *a, struct store_tenant *t)
{
	static const char *const	 names[] = { "name", "note", "models",
					    "routes", "enabled", "rpm", "tpm",
					    "concurrent", "budget_day",
					    "budget_month", "budget_total",
					    NULL };

	return api_known(a, names) &&
	    api_str(a, "name", t->id == 0, &t->name) &&
	    api_str(a, "note", false, &t->note) &&
	    lines_of(a, "models", &t->models) &&
	    lines_of(a, "routes", &t->routes) &&
	    api_bool(a, "enabled", false, &t->enabled) &&
	    limits_of(a, &t->limits);
}

static bool
tenant_put(struct api *a, struct store_tenant *t)
{
	struct store_bad	 bad;
	int			 rc;

	if (!tenant_of(a, t))
		return false;
	rc = store_tenant_put(a->store, t, &bad);
	if (rc != STORE_DONE)
		changed_badly(a, rc, &bad, "tenant");
	return rc == STORE_DONE;
}

static void
serve_tenant_add(struct api *a)
{
	struct store_tenant	 t = { .enabled = true };

	store_limits_init(&t.limits);
	if (api_store(a, STORE_WRITE) != NULL && tenant_put(a, &t))
		changed(a, "add tenant", t.name, json_pack("{s:I}", "id",
		    (json_int_t)t.id));
}

struct tenant_find {
	struct api		*a;
	int64_t			 id;
	struct store_tenant	 t;
};

static void
tenant_find_cb(void *arg, const struct store_tenant *t)
{
	struct tenant_find	*f = arg;
	struct arena		*arena = f->a->rq->arena;

	if (t->id != f->id)
		return;
	f->t = *t;
	f->t.name = arena_str(arena, t->name);
	f->t.note = arena_str(arena, t->note);
	f->t.models = arena_str(arena, t->models);
	f->t.routes = arena_str(arena, t->routes);
}

/* In the store, or change, that is open. */
static bool
tenant_find(struct api *a, struct tenant_find *f)
{
	*f = (struct tenant_find){ .a = a };
	if (!api_id(a, 0, &f->id))
		return false;
	if (store_tenants(a->store, tenant_find_cb, f) == -1)
		api_store_failed(a);
	else if (f->t.id == 0)
		api_problem(a, 404, NULL, "there is no tenant %lld",
		    (long long)f->id);
	return !a->replied;
}

static void
serve_tenant(struct api *a)
{
	struct tenant_find	 f;

	if (api_store(a, STORE_READ) != NULL && tenant_find(a, &f))
		api_json(a, 200, one(a, tenant_json(&f.t)));
}

static void
serve_tenant_set(struct api *a)
{
	struct tenant_find	 f;

	if (api_change(a, NULL) == NULL || !tenant_find(a, &f) ||
	    !unchanged(a, tenant_json(&f.t), "tenant") ||
	    !tenant_put(a, &f.t) || !tenant_find(a, &f))
		return;
	changed(a, "change tenant", f.t.name, one(a, tenant_json(&f.t)));
}

static void
serve_tenant_delete(struct api *a)
{
	struct tenant_find	 f;
	int			 rc;

	if (api_change(a, NULL) == NULL || !tenant_find(a, &f) ||
	    !unchanged(a, tenant_json(&f.t), "tenant"))
		return;
	rc = store_tenant_delete(a->store, f.id);
	if (rc == STORE_DONE)
		changed(a, "delete tenant", f.t.name, NULL);
	else
		changed_badly(a, rc, NULL, "tenant");
}

/* --- client keys -------------------------------------------------------------------------- */

static json_t *
client_key_json(const struct store_client_key *k)
{
	json_t	*o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o,s:o,"
		    "s:o}", "id", (json_int_t)k->id, "tenant_id",
		    k->tenant_id == 0 ? json_null() :
		    json_integer(k->tenant_id), "tenant", api_text(k->tenant),
		    "name", api_text(k->name), "note", api_text(k->note),
		    "mask", api_text(k->mask), "models",
		    lines_json(k->models), "routes", lines_json(k->routes),
		    "enabled", k->enabled, "expires", api_time(k->expires_us),
		    "old_until", api_time(k->old_until_us), "created",
		    api_time(k->created_us));

	limits_json(o, &k->limits);
	return o;
}

static void
client_key_cb(void *arg, const struct store_client_key *k)
{
	json_array_append_new(arg, client_key_json(k));
}

static void
serve_client_keys(struct api *a)
{
	json_t	*list;

	if (api_store(a, STORE_READ) == NULL)
		return;
	list = json_array();
	if (store_client_keys(a->store, client_key_cb, list) == -1) {
		json_decref(list);
		api_store_failed(a);
	} else
		answer_list(a, "client_keys", list);
}

static bool
client_key_of(struct api *a, struct store_client_key *k)
{
	static const char *const	 names[] = { "name", "note", "models",
					    "routes", "enabled", "rpm", "tpm",
					    "concurrent", "budget_day",
					    "budget_month", "budget_total",
					    "tenant_id", "days", NULL };
	int64_t				 days = -1;

	if (!api_known(a, names) ||
	    !api_str(a, "name", k->id == 0, &k->name) ||
	    !api_str(a, "note", false, &k->note) ||
	    !lines_of(a, "models", &k->models) ||
	    !lines_of(a, "routes", &k->routes) ||
	    !api_bool(a, "enabled", false, &k->enabled) ||
	    !api_int(a, "tenant_id", false, 0, INT64_MAX, &k->tenant_id) ||
	    !api_int(a, "days", false, 0, 36500, &days) ||
	    !limits_of(a, &k->limits))
		return false;
	if (days >= 0)
		k->expires_us = days == 0 ? 0 : clock_wall_us() +
		    days * 86400 * (int64_t)1000000;
	return true;
}

/* The key under which client keys are hashed; the same as proxyd's. */
static struct secret_box *
box_open(struct api *a)
{
	struct secret_box	*box;
	char			 err[1400];

	box = secret_box_open(a->ad->paths.secret, err, sizeof(err));
	if (box == NULL)
		api_problem(a, 503, NULL, "%s", err);
	return box;
}

/* plain: of a new one. */
static bool
client_key_put(struct api *a, struct store_client_key *k,
    char plain[CLIENT_KEY_LEN + 1])
{
	struct secret_box	*box;
	struct store_bad	 bad;
	int			 rc;

	if (!client_key_of(a, k) || (box = box_open(a)) == NULL)
		return false;
	rc = store_client_key_put(a->store, box, k, plain, &bad);
	secret_box_close(box);
	if (rc != STORE_DONE)
		changed_badly(a, rc, &bad, "client key");
	return rc == STORE_DONE;
}

static void
serve_client_key_add(struct api *a)
{
	struct store_client_key	 k = { .enabled = true };
	char			 plain[CLIENT_KEY_LEN + 1] = "";

	store_limits_init(&k.limits);
	if (api_store(a, STORE_WRITE) != NULL && client_key_put(a, &k, plain))
		changed(a, "add client key", k.name, json_pack("{s:I,s:s}",
		    "id", (json_int_t)k.id, "key", plain));
}

struct client_key_find {
	struct api		*a;
	int64_t			 id;
	struct store_client_key	 k;
};

static void
client_key_find_cb(void *arg, const struct store_client_key *k)
{
	struct client_key_find	*f = arg;
	struct arena		*arena = f->a->rq->arena;

	if (k->id != f->id)
		return;
	f->k = *k;
	f->k.tenant = arena_str(arena, k->tenant);
	f->k.name = arena_str(arena, k->name);
	f->k.note = arena_str(arena, k->note);
	f->k.mask = arena_str(arena, k->mask);
	f->k.models = arena_str(arena, k->models);
	f->k.routes = arena_str(arena, k->routes);
}

static bool
client_key_find(struct api *a, struct client_key_find *f)
{
	*f = (struct client_key_find){ .a = a };
	if (!api_id(a, 0, &f->id))
		return false;
	if (store_client_keys(a->store, client_key_find_cb, f) == -1)
		api_store_failed(a);
	else if (f->k.id == 0)
		api_problem(a, 404, NULL, "there is no client key %lld",
		    (long long)f->id);
	return !a->replied;
}

/* For a change, and as who makes it has seen it. */
static bool
client_key_change(struct api *a, struct client_key_find *f, const char *change)
{
	return api_change(a, change) != NULL && client_key_find(a, f) &&
	    unchanged(a, client_key_json(&f->k), "client key");
}

static void
serve_client_key(struct api *a)
{
	struct client_key_find	 f;

	if (api_store(a, STORE_READ) != NULL && client_key_find(a, &f))
		api_json(a, 200, one(a, client_key_json(&f.k)));
}

static void
serve_client_key_set(struct api *a)
{
	struct client_key_find	 f;
	char			 plain[CLIENT_KEY_LEN + 1];

	if (!client_key_change(a, &f, NULL) ||
	    !client_key_put(a, &f.k, plain) || !client_key_find(a, &f))
		return;
	changed(a, "change client key", f.k.name, one(a,
	    client_key_json(&f.k)));
}

static void
serve_client_key_delete(struct api *a)
{
	struct client_key_find	 f;
	int			 rc;

	if (!client_key_change(a, &f, NULL))
		return;
	rc = store_client_key_delete(a->store, f.id);
	if (rc == STORE_DONE)
		changed(a, "delete client key", f.k.name, NULL);
	else
		changed_badly(a, rc, NULL, "client key");
}

static void
serve_client_key_rotate(struct api *a)
{
	static const char *const	 names[] = { "grace_s", NULL };
	struct client_key_find		 f;
	struct secret_box		*box;
	struct store_bad		 bad;
	char				 plain[CLIENT_KEY_LEN + 1];
	int64_t				 grace = 86400;
	int				 rc;

	if ((a->body != NULL && (!api_known(a, names) || !api_int(a,
	    "grace_s", false, 0, 365 * 86400, &grace))) ||
	    !client_key_change(a, &f, "rotate client key") ||
	    (box = box_open(a)) == NULL)
		return;
	rc = store_client_key_rotate(a->store, box, f.id, grace, plain, &bad);
	secret_box_close(box);
	if (rc == STORE_DONE)
		changed(a, "rotate client key", f.k.name, json_pack("{s:s}",
		    "key", plain));
	else
		changed_badly(a, rc, &bad, "client key");
}

/* --- prices ------------------------------------------------------------------------------- */

static json_t *
price_json(const struct store_price *p)
{
	return json_pack(
	    "{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "id",
	    (json_int_t)p->id, "provider", api_text(p->provider), "model",
	    api_text(p->model), "input", money_json(p->input), "output",
	    money_json(p->output), "cache_read", money_json(p->cache_read),
	    "cache_write_5m", money_json(p->cache_write_5m), "cache_write_1h",
	    money_json(p->cache_write_1h), "date", api_text(p->date), "source",
	    api_text(p->source), "builtin", p->builtin);
}

static void
price_cb(void *arg, const struct store_price *p)
{
	json_array_append_new(arg, price_json(p));
}

static void
serve_prices(struct api *a)
{
	json_t	*list;

	if (api_store(a, STORE_READ) == NULL)
		return;
	list = json_array();
	if (store_prices(a->store, price_cb, list) == -1) {
		json_decref(list);
		api_store_failed(a);
	} else
		answer_list(a, "prices", list);
}

/* By its id; or, id 0, the operator's of that provider and model. */
struct price_find {
	int64_t		 id;
	struct str	 provider, model;
	json_t		*o;		/* out: to be released; NULL: none */
};

static void
price_find_cb(void *arg, const struct store_price *p)
{
	struct price_find	*f = arg;

	if (f->id != 0 ? p->id == f->id : !p->builtin &&
	    str_eq(p->provider, f->provider) && str_eq(p->model, f->model))
		f->o = price_json(p);
}

static bool
price_find(struct api *a, struct price_find *f)
{
	f->o = NULL;
	if (store_prices(a->store, price_find_cb, f) == 0)
		return true;
	json_decref(f->o);
	api_store_failed(a);
	return false;
}

static void
serve_price(struct api *a)
{
	struct price_find	 f;

	if (!api_id(a, 0, &f.id) || api_store(a, STORE_READ) == NULL ||
	    !price_find(a, &f))
		return;
	if (f.o == NULL)
		api_problem(a, 404, NULL, "there is no price %lld",
		    (long long)f.id);
	else
		api_json(a, 200, one(a, f.o));
}

static void
price_put(struct api *a, struct store_price *p)
{
	struct price_find	 f = { .provider = p->provider,
				    .model = p->model };
	struct store_bad	 bad;
	int			 rc;

	if (api_change(a, NULL) == NULL || !price_find(a, &f) ||
	    !unchanged(a, f.o, "price"))
		return;
	rc = store_price_put(a->store, p, &bad);
	f.id = p->id;
	if (rc != STORE_DONE)
		changed_badly(a, rc, &bad, "price");
	else if (price_find(a, &f))
		changed(a, "set price", p->model, one(a, f.o));
}

static void
serve_price_put(struct api *a)
{
	static const char *const names[] = { "provider", "model", "input",
				    "output", "cache_read", "cache_write_5m",
				    "cache_write_1h", "date", "source", NULL };
	struct store_price	 p = { .input = -1, .output = -1,
				    .cache_read = -1, .cache_write_5m = -1,
				    .cache_write_1h = -1, .provider = STR(""),
				    .date = STR(""), .source = STR("") };

	if (!api_known(a, names) ||
	    !api_str(a, "provider", false, &p.provider) ||
	    !api_str(a, "model", true, &p.model) ||
	    !money_of(a, "input", -1, &p.input) ||
	    !money_of(a, "output", -1, &p.output) ||
	    !money_of(a, "cache_read", -1, &p.cache_read) ||
	    !money_of(a, "cache_write_5m", -1, &p.cache_write_5m) ||
	    !money_of(a, "cache_write_1h", -1, &p.cache_write_1h) ||
	    !api_str(a, "date", false, &p.date) ||
	    !api_str(a, "source", false, &p.source))
		return;
	price_put(a, &p);
}

static void
serve_price_delete(struct api *a)
{
	struct price_find	 f;
	int			 rc;

	if (!api_id(a, 0, &f.id) || api_change(a, NULL) == NULL ||
	    !price_find(a, &f) || !unchanged(a, f.o, "price"))
		return;
	rc = store_price_delete(a->store, f.id);
	if (rc == STORE_DONE)
		changed(a, "delete price", a->id[0], NULL);
	else
		changed_badly(a, rc, NULL, "price of the operator's");
}

const struct api_route api_tenants_routes[] = {
	{ "GET", "/api/v1/tenants", ADMIN_VIEWER, serve_tenants, 0,
	    API_PAGED },
	{ "POST", "/api/v1/tenants", ADMIN_ADMIN, serve_tenant_add, API_BODY,
	    NULL },
	{ "GET", "/api/v1/tenants/{id}", ADMIN_VIEWER, serve_tenant, 0, NULL },
	{ "PATCH", "/api/v1/tenants/{id}", ADMIN_ADMIN, serve_tenant_set,
	    API_BODY, NULL },
	{ "DELETE", "/api/v1/tenants/{id}", ADMIN_ADMIN, serve_tenant_delete,
	    0, NULL },
	{ "GET", "/api/v1/client-keys", ADMIN_VIEWER, serve_client_keys, 0,
	    API_PAGED },
	{ "POST", "/api/v1/client-keys", ADMIN_ADMIN, serve_client_key_add,
	    API_BODY, NULL },
	{ "GET", "/api/v1/client-keys/{id}", ADMIN_VIEWER, serve_client_key,
	    0, NULL },
	{ "PATCH", "/api/v1/client-keys/{id}", ADMIN_ADMIN,
	    serve_client_key_set, API_BODY, NULL },
	{ "DELETE", "/api/v1/client-keys/{id}", ADMIN_ADMIN,
	    serve_client_key_delete, 0, NULL },
	{ "POST", "/api/v1/client-keys/{id}/rotate", ADMIN_ADMIN,
	    serve_client_key_rotate, API_BODY, NULL },
	{ "GET", "/api/v1/prices", ADMIN_VIEWER, serve_prices, 0,
	    API_PAGED },
	{ "PUT", "/api/v1/prices", ADMIN_ADMIN, serve_price_put, API_BODY,
	    NULL },
	{ "GET", "/api/v1/prices/{id}", ADMIN_VIEWER, serve_price, 0, NULL },
	{ "DELETE", "/api/v1/prices/{id}", ADMIN_ADMIN, serve_price_delete,
	    0, NULL },
	{ .method = NULL }
};
