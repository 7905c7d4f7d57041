/*
 * Users, tokens for programs, the audit log.
 */
#include <stdio.h>

#include "admind/api.h"
#include "base/clock.h"
#include "base/id.h"

/* --- users --------------------------------------------------------------------------- */

static json_t *
user_json(const struct admin_user *u)
{
	return json_pack("{s:I,s:o,s:s,s:b,s:o}", "id", (json_int_t)u->id,
	    "name", api_text(u->name), "role", admin_role_name(u->role),
	    "enabled", u->enabled, "created", api_time(u->created_us));
}

struct users {
	struct api	*a;
	json_t		*list;
};

static void
user_cb(void *arg, const struct admin_user *u)
{
	struct users	*us = arg;
	json_t		*o = user_json(u);

	api_etag_add(us->a, o);
	json_object_set_new(o, "last_login", api_time(u->login_us));
	json_array_append_new(us->list, o);
}

static void
serve_users(struct api *a)
{
	struct users	 us = { .a = a };

	if (api_store(a, STORE_READ) == NULL)
		return;
	us.list = json_array();
	if (store_users(a->store, user_cb, &us) == 0)
		api_list(a, "users", us.list);
	else {
		json_decref(us.list);
		api_store_failed(a);
	}
}

static bool
role_of(struct api *a, bool need, enum admin_role *role)
{
	struct str	 s = STR_NONE;

	if (!api_str(a, "role", need, &s))
		return false;
	if (s.p == NULL)
		return true;
	if ((*role = admin_role_of(s)) != ADMIN_NONE)
		return true;
	api_problem(a, 422, "role", "must be admin or viewer");
	return false;
}

static bool
name_good(struct api *a, struct str *name)
{
	const char	*bad;

	if (!api_str(a, "name", true, name))
		return false;
	if ((bad = admin_name_bad(*name)) != NULL)
		api_problem(a, 422, "name", "%s", bad);
	return bad == NULL;
}

static bool
password_good(struct api *a, bool need, struct str *password)
{
	const char	*bad;

	if (!api_str(a, "password", need, password))
		return false;
	if (password->p == NULL)
		return true;
	if ((bad = admin_password_bad(*password)) != NULL)
		api_problem(a, 422, "password", "%s", bad);
	return bad == NULL;
}

static void
serve_user_add(struct api *a)
{
	static const char *const	 names[] = { "name", "password",
					    "role", NULL };
	enum admin_role			 role = ADMIN_NONE;
	struct str			 name, password = STR_NONE;
	int64_t				 id;
	int				 rc;

	if (!api_known(a, names) || !name_good(a, &name) ||
	    !password_good(a, true, &password) || !role_of(a, true, &role) ||
	    api_store(a, STORE_WRITE) == NULL)
		return;
	rc = store_user_add(a->store, name, password, role, &id);
	if (rc == -1)
		api_store_failed(a);
	else if (rc == 0)
		api_problem(a, 409, "name", "is taken");
	else {
		api_audit(a, "add user", arena_str(a->rq->arena, name).p,
		    true, admin_role_name(role));
		api_json(a, 201, json_pack("{s:I}", "id", (json_int_t)id));
	}
}

struct user_find {
	int64_t			 id;
	bool			 found;
	struct admin_user	 u;
	char			 name[ADMIN_NAME_MAX + 1];
};

static void
find_cb(void *arg, const struct admin_user *u)
{
	struct user_find	*f = arg;

	if (u->id != f->id)
		return;
	f->found = true;
	f->u = *u;
	snprintf(f->name, sizeof(f->name), "%.*s", STR_FMT(u->name));
	f->u.name = str_of(f->name);
}

/* In the store, or change, that is open. */
static bool
user_find(struct api *a, struct user_find *f)
{
	*f = (struct user_find){ .id = 0 };
	if (!api_id(a, 0, &f->id))
		return false;
	if (store_users(a->store, find_cb, f) == -1)
		api_store_failed(a);
	else if (!f->found)
		api_problem(a, 404, NULL, "there is no user %lld",
		    (long long)f->id);
	else
		return true;
	return false;
}

/* For a change, and as who makes it has seen him. */
static bool
user_change(struct api *a, struct user_find *f)
{
	json_t	*now;
	bool	 same;

	if (api_change(a, NULL) == NULL || !user_find(a, f))
		return false;
	now = user_json(&f->u);
	same = api_etag_holds(a, now, "user");
	json_decref(now);
	return same;
}

static void
serve_user(struct api *a)
{
	struct user_find	 f;
	json_t			*o;

	if (api_store(a, STORE_READ) == NULL || !user_find(a, &f))
		return;
	o = user_json(&f.u);
	api_etag_reply(a, o);
	json_object_set_new(o, "last_login", api_time(f.u.login_us));
	api_json(a, 200, o);
}

static void
user_done(struct api *a, int rc, const struct user_find *f, const char *action)
{
	if (rc == -1)
		api_store_failed(a);
	else if (rc == -2)
		api_problem(a, 409, NULL, "'%s' is the last administrator who "
		    "can log in", f->name);
	else if (rc == 0)
		api_problem(a, 404, NULL, "there is no such user");
	else {
		api_audit(a, action, f->name, true, NULL);
		api_empty(a);
	}
}

static void
serve_user_set(struct api *a)
{
	static const char *const	 names[] = { "password", "role",
					    "enabled", NULL };
	struct user_find		 f;
	struct str			 password = STR_NONE;

	if (!api_known(a, names) || !user_change(a, &f) ||
	    !password_good(a, false, &password) ||
	    !role_of(a, false, &f.u.role) ||
	    !api_bool(a, "enabled", false, &f.u.enabled))
		return;
	user_done(a, store_user_set(a->store, f.id, password, f.u.role,
	    f.u.enabled), &f, "change user");
}

static void
serve_user_delete(struct api *a)
{
	struct user_find	 f;

	if (user_change(a, &f))
		user_done(a, store_user_delete(a->store, f.id), &f,
		    "delete user");
}

/* --- tokens ---------------------------------------------------------------------------- */

static void
token_cb(void *arg, const struct admin_token *t)
{
	json_array_append_new(arg, json_pack("{s:I,s:o,s:o,s:s,s:o,s:o,s:o}",
	    "id", (json_int_t)t->id, "name", api_text(t->name), "mask",
	    api_text(t->mask), "role", admin_role_name(t->role), "created",
	    api_time(t->created_us), "expires", api_time(t->expires_us),
	    "last_used", api_time(t->used_us)));
}

static void
serve_tokens(struct api *a)
{
	json_t	*list = json_array();

	if (api_store(a, STORE_READ) == NULL)
		json_decref(list);
	else if (store_tokens(a->store, token_cb, list) == -1) {
		json_decref(list);
		api_store_failed(a);
	} else
		api_list(a, "tokens", list);
}

static void
serve_token_add(struct api *a)
{
	static const char *const	 names[] = { "name", "role", "days",
					    NULL };
	enum admin_role			 role = ADMIN_NONE;
	struct str			 name;
	char				 token[40];
	int64_t				 id, days = 0;
	int				 rc;

	if (!api_known(a, names) || !name_good(a, &name) ||
	    !role_of(a, true, &role) ||
	    !api_int(a, "days", false, 0, 3650, &days) ||
	    api_store(a, STORE_WRITE) == NULL)
		return;
	id_new(token, sizeof(token), ADMIN_TOKEN_PREFIX);
	rc = store_token_add(a->store, name, role, str_of(token), days == 0 ?
	    0 : clock_wall_us() + days * 86400 * (int64_t)1000000, &id);
	if (rc == -1)
		api_store_failed(a);
	else if (rc == 0)
		api_problem(a, 409, "name", "is taken");
	else {
		api_audit(a, "add token", arena_str(a->rq->arena, name).p,
		    true, admin_role_name(role));
		api_json(a, 201, json_pack("{s:I,s:s}", "id", (json_int_t)id,
		    "token", token));
	}
}

static void
serve_token_delete(struct api *a)
{
	int64_t	 id;
	char	 text[24];
	int	 rc;

	if (!api_id(a, 0, &id) || api_store(a, STORE_WRITE) == NULL)
		return;
	rc = store_token_delete(a->store, id);
	if (rc == -1)
		api_store_failed(a);
	else if (rc == 0)
		api_problem(a, 404, NULL, "there is no such token");
	else {
		snprintf(text, sizeof(text), "%lld", (long long)id);
		api_audit(a, "delete token", text, true, NULL);
		api_empty(a);
	}
}

/* --- audit ----------------------------------------------------------------------------- */

struct acts {
	json_t	*list;
	int64_t	 last;
};

static void
act_cb(void *arg, const struct admin_act *t)
{
	struct acts	*acts = arg;

	acts->last = t->id;
	json_array_append_new(acts->list, json_pack(
	    "{s:I,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "id", (json_int_t)t->id,
	    "time", api_time(t->time_us), "actor", api_text(t->actor),
	    "client", api_text(t->client), "action", api_text(t->action),
	    "object", api_text(t->object), "ok", t->ok, "detail",
	    api_text(t->detail)));
}

static void
serve_audit(struct api *a)
{
	struct acts	 acts = { .last = 0 };
	int64_t		 before = 0, limit = 100;

	if (!api_query_int(a, "before", 1, INT64_MAX, &before) ||
	    !api_query_int(a, "limit", 1, 1000, &limit) ||
	    api_store(a, STORE_READ) == NULL)
		return;
	acts.list = json_array();
	if (store_audit(a->store, before, (int)limit, act_cb, &acts) == -1) {
		json_decref(acts.list);
		api_store_failed(a);
		return;
	}
	api_json(a, 200, json_pack("{s:o,s:o}", "acts", acts.list, "next",
	    json_array_size(acts.list) < (size_t)limit ? json_null() :
	    json_integer(acts.last)));
}

const struct api_route api_users_routes[] = {
	{ "GET", "/api/v1/users", ADMIN_ADMIN, serve_users, 0,
	    API_PAGED },
	{ "POST", "/api/v1/users", ADMIN_ADMIN, serve_user_add, API_BODY,
	    NULL },
	{ "GET", "/api/v1/users/{id}", ADMIN_ADMIN, serve_user, 0, NULL },
	{ "PATCH", "/api/v1/users/{id}", ADMIN_ADMIN, serve_user_set,
	    API_BODY, NULL },
	{ "DELETE", "/api/v1/users/{id}", ADMIN_ADMIN, serve_user_delete, 0,
	    NULL },
	{ "GET", "/api/v1/tokens", ADMIN_ADMIN, serve_tokens, 0,
	    API_PAGED },
	{ "POST", "/api/v1/tokens", ADMIN_ADMIN, serve_token_add, API_BODY,
	    NULL },
	{ "DELETE", "/api/v1/tokens/{id}", ADMIN_ADMIN, serve_token_delete,
	    0, NULL },
	{ "GET", "/api/v1/audit", ADMIN_VIEWER, serve_audit, 0,
	    "before limit" },
	{ .method = NULL }
};
