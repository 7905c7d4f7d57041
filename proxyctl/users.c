/*
 * users of the management server, its API tokens, and the audit log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "proxyctl/ask.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/conf_row.h"
#include "state/daemon.h"
#include "state/row_json.h"
#include "state/store_admin.h"

#define AUDIT_ROWS	50
#define AUDIT_MAX	100000

/* --- passwords ----------------------------------------------------------------------- */

/* From a file, standard input, or twice from a person.  -1: said already. */
static int
password(const struct ctl *c, struct buf *b)
{
	const char	*bad;

	if (ctl_secret("password", "--password-file",
	    c->opt[OPT_PASSWORD_FILE], true, b) == -1)
		return -1;
	if ((bad = admin_password_bad(buf_str(b))) == NULL)
		return 0;
	ctl_fail("the password %s", bad);
	ctl_wipe(b);
	return -1;
}

/* --- users --------------------------------------------------------------------------- */

static void
user_cb(void *arg, const struct admin_user *u)
{
	char	 created[CLOCK_RFC3339_LEN], login[CLOCK_RFC3339_LEN];

	json_array_append_new(arg, json_pack("{s:I,s:o,s:s,s:b,s:s,s:o}", "id",
	    (json_int_t)u->id, "name", text_json(u->name), "role",
	    admin_role_name(u->role), "enabled", u->enabled, "created",
	    clock_rfc3339(u->created_us, created), "last_login",
	    u->login_us == 0 ? json_null() :
	    json_string(clock_rfc3339(u->login_us, login))));
}

static const struct member no_members[] = { { .name = NULL } };
static const struct family user_family = { OBJECT_KINDS, "user", "users",
    "name", no_members, NULL, NULL, NULL, NULL };
static const struct family token_family = { OBJECT_KINDS, "API token",
    "tokens", "name", no_members, NULL, NULL, NULL, NULL };

struct users {
	struct store	*s;
	json_t		*all;
};

static int
users_open(struct users *u, struct ctl *c, bool change)
{
	u->all = json_array();
	if ((u->s = ctl_store(c, change)) == NULL)
		return -1;
	if (store_users(u->s, user_cb, u->all) != -1)
		return 0;
	ctl_store_failed(c, u->s);
	return -1;
}

static int
users_close(struct users *u, int r)
{
	json_decref(u->all);
	store_close(u->s);
	return r;
}

static int
print_list(const struct ctl *c, json_t *all, const struct column *cols,
    const char *const *members, const char *none)
{
	struct table	*t;
	json_t		*o;
	size_t		 i, k;

	if (c->opt[OPT_JSON] != NULL)
		return json_print(json_incref(all));
	t = table_new(cols);
	json_array_foreach(all, i, o)
		for (k = 0; members[k] != NULL; k++)
			table_add_json(t, json_object_get(o, members[k]));
	table_print(t, none);
	table_free(t);
	return CTL_OK;
}

static int
users_list(struct ctl *c)
{
	static const struct column cols[] = {
		{ "NAME", false, true }, { "ROLE", false, false },
		{ "ENABLED", false, false }, { "CREATED", false, true },
		{ "LAST LOGIN", false, true }, { .name = NULL }
	};
	static const char *const members[] = { "name", "role", "enabled",
					    "created", "last_login", NULL };
	struct users	 u;

	if (users_open(&u, c, false) == -1)
		return users_close(&u, CTL_ERROR);
	return users_close(&u, print_list(c, u.all, cols, members, "none: "
	    "proxyctl users link shows where an administrator is set up"));
}

/* The set-up link is for nobody any more. */
static void
setup_end(const struct ctl *c)
{
	char	 path[1200];

	snprintf(path, sizeof(path), "%s/setup.token", c->paths.home);
	(void)unlink(path);
}

static int
users_add(struct ctl *c)
{
	const char	*role = c->opt[OPT_ROLE] == NULL ? "viewer" :
			    c->opt[OPT_ROLE];
	const char	*name = c->operand[0], *bad;
	struct users	 u;
	struct buf	 b;
	int64_t		 id = 0;
	int		 rc, r = CTL_ERROR;

	if ((bad = admin_name_bad(str_of(name))) != NULL)
		return ctl_fail("users add: name '%s': %s", name, bad);
	if (users_open(&u, c, true) == -1 || password(c, &b) == -1)
		return users_close(&u, CTL_ERROR);
	if (json_array_size(u.all) == 0 && strcmp(role, "admin") != 0) {
		ctl_wipe(&b);
		return users_close(&u, ctl_fail("users add: the first user "
		    "must be an administrator: --role admin"));
	}
	rc = store_user_add(u.s, str_of(name), buf_str(&b),
	    admin_role_of(str_of(role)), &id);
	ctl_wipe(&b);
	if (rc == 0)
		ctl_fail("users add: there is a user '%s' already", name);
	else if (rc == -1)
		ctl_store_failed(c, u.s);
	else {
		ctl_audit(u.s, "add user", name, true, json_pack("{s:s}",
		    "role", role));
		setup_end(c);
		printf("user added: %s, %s (id %lld)\n", name, role,
		    (long long)id);
		r = CTL_OK;
	}
	return users_close(&u, r);
}

/* What store_user_set and store_user_delete say. */
static int
told(struct ctl *c, struct users *u, int rc, const char *action,
    const char *name, const char *done)
{
	if (rc == -2)
		return ctl_fail("'%s' is the last administrator who can log "
		    "in, and stays it", name);
	if (rc == 0)
		return ctl_fail("it is gone: another has deleted it just now");
	if (rc == -1)
		return ctl_store_failed(c, u->s);
	ctl_audit(u->s, action, name, true, NULL);
	printf("user %s: %s\n", done, name);
	return CTL_OK;
}

static int
users_password(struct ctl *c)
{
	struct users	 u;
	struct buf	 b;
	json_t		*o;
	int		 rc;

	if (users_open(&u, c, true) == -1 ||
	    (o = objects_find(&user_family, u.all, c->operand[0])) == NULL ||
	    password(c, &b) == -1)
		return users_close(&u, CTL_ERROR);
	rc = store_user_set(u.s, objects_id(o), buf_str(&b), admin_role_of(
	    str_of(json_text(o, "role"))), json_is_true(json_object_get(o,
	    "enabled")));
	ctl_wipe(&b);
	return users_close(&u, told(c, &u, rc, "set password",
	    json_text(o, "name"), "has a new password, and is logged out"));
}

static int
users_role(struct ctl *c)
{
	struct users	 u;
	json_t		*o;
	int		 rc;

	if (users_open(&u, c, true) == -1 ||
	    (o = objects_find(&user_family, u.all, c->operand[0])) == NULL)
		return users_close(&u, CTL_ERROR);
	rc = store_user_set(u.s, objects_id(o), STR(""), admin_role_of(
	    str_of(c->opt[OPT_ROLE])), json_is_true(json_object_get(o,
	    "enabled")));
	return users_close(&u, told(c, &u, rc, "set role",
	    json_text(o, "name"), strcmp(c->opt[OPT_ROLE], "admin") == 0 ?
	    "is an administrator" : "is a viewer"));
}

static int
users_enable(struct ctl *c)
{
	bool		 on = strcmp(c->word->name, "enable") == 0;
	struct users	 u;
	json_t		*o;
	int		 rc;

	if (users_open(&u, c, true) == -1 ||
	    (o = objects_find(&user_family, u.all, c->operand[0])) == NULL)
		return users_close(&u, CTL_ERROR);
	rc = store_user_set(u.s, objects_id(o), STR(""), admin_role_of(
	    str_of(json_text(o, "role"))), on);
	return users_close(&u, told(c, &u, rc, on ? "enable user" :
	    "disable user", json_text(o, "name"), on ? "enabled" :
	    "disabled, and logged out"));
}

static int
users_delete(struct ctl *c)
{
	struct users	 u;
	json_t		*o;
	int		 rc;

	if (users_open(&u, c, true) == -1 ||
	    (o = objects_find(&user_family, u.all, c->operand[0])) == NULL)
		return users_close(&u, CTL_ERROR);
	rc = store_user_delete(u.s, objects_id(o));
	return users_close(&u, told(c, &u, rc, "delete user",
	    json_text(o, "name"), "deleted"));
}

static int
users_link(struct ctl *c)
{
	struct daemon_proc	 p = { .fd = -1 };
	char			 token[DAEMON_SETUP_MAX], err[1400];
	char			 url[DAEMON_URL_MAX];
	int			 r;

	if (!daemon_setup_token(c->paths.home, token))
		return ctl_fail("there is no set-up link: either there is a "
		    "user already (proxyctl users list; proxyctl users "
		    "password gives him another password), or admind has not "
		    "run yet in '%s'", c->paths.home);
	if ((r = daemon_find(c->paths.admin_pid, &p, err, sizeof(err))) == 1)
		close(p.fd);
	if (r != 1 || p.port == 0)
		return ctl_fail("admind does not run: proxyctl start --web "
		    "starts it, and shows the link");
	printf("%s/#setup=%s\n", daemon_url(url, p.host, p.port), token);
	return CTL_OK;
}

const struct word user_words[] = {
	{ "list", users_list, "show all of them", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "add", users_add, "add one; the password is asked for", "name",
	    ARG_TEXT, { OPT_ROLE, OPT_PASSWORD_FILE } },
	{ "password", users_password, "a new password, and log him out",
	    "name", ARG_USER, { OPT_PASSWORD_FILE } },
	{ "role", users_role, "what he may do", "name", ARG_USER,
	    { OPT_ROLE | NEED } },
	{ "enable", users_enable, "let him log in again", "name", ARG_USER,
	    { 0 } },
	{ "disable", users_enable, "log him out, and keep him out", "name",
	    ARG_USER, { 0 } },
	{ "delete", users_delete, "delete him", "name", ARG_USER, { 0 } },
	{ "link", users_link, "where the first administrator is set up", NULL,
	    ARG_NONE, { 0 } },
	{ .name = NULL }
};

/* --- tokens --------------------------------------------------------------------------- */

static void
token_cb(void *arg, const struct admin_token *t)
{
	char	 created[CLOCK_RFC3339_LEN], expires[CLOCK_RFC3339_LEN];
	char	 used[CLOCK_RFC3339_LEN];

	json_array_append_new(arg, json_pack("{s:I,s:o,s:o,s:s,s:s,s:o,s:o}",
	    "id", (json_int_t)t->id, "name", text_json(t->name), "mask",
	    text_json(t->mask), "role", admin_role_name(t->role), "created",
	    clock_rfc3339(t->created_us, created), "expires",
	    t->expires_us == 0 ? json_null() :
	    json_string(clock_rfc3339(t->expires_us, expires)), "last_used",
	    t->used_us == 0 ? json_null() :
	    json_string(clock_rfc3339(t->used_us, used))));
}

static int
tokens_open(struct users *u, struct ctl *c, bool change)
{
	u->all = json_array();
	if ((u->s = ctl_store(c, change)) == NULL)
		return -1;
	if (store_tokens(u->s, token_cb, u->all) != -1)
		return 0;
	ctl_store_failed(c, u->s);
	return -1;
}

static int
tokens_list(struct ctl *c)
{
	static const struct column cols[] = {
		{ "NAME", false, true }, { "TOKEN", false, false },
		{ "ROLE", false, false }, { "CREATED", false, true },
		{ "EXPIRES", false, true }, { "LAST USED", false, true },
		{ .name = NULL }
	};
	static const char *const members[] = { "name", "mask", "role",
					    "created", "expires", "last_used",
					    NULL };
	struct users	 u;

	if (tokens_open(&u, c, false) == -1)
		return users_close(&u, CTL_ERROR);
	return users_close(&u, print_list(c, u.all, cols, members, "none"));
}

static int
tokens_create(struct ctl *c)
{
	const char	*role = c->opt[OPT_ROLE] == NULL ? "viewer" :
			    c->opt[OPT_ROLE];
	const char	*name = c->operand[0], *bad;
	char		 token[ADMIN_CODE_LEN + sizeof(ADMIN_TOKEN_PREFIX)];
	struct users	 u;
	int64_t		 id, expires = 0;
	int		 rc;

	if ((bad = admin_name_bad(str_of(name))) != NULL)
		return ctl_fail("tokens create: name '%s': %s", name, bad);
	if (c->opt[OPT_EXPIRES] != NULL && strcmp(c->opt[OPT_EXPIRES],
	    "never") != 0 && ctl_time(c, OPT_EXPIRES, true, &expires) == -1)
		return CTL_ERROR;
	if (tokens_open(&u, c, true) == -1)
		return users_close(&u, CTL_ERROR);
	id_new(token, sizeof(token), ADMIN_TOKEN_PREFIX);
	rc = store_token_add(u.s, str_of(name), admin_role_of(str_of(role)),
	    str_of(token), expires, &id);
	if (rc != 1)
		return users_close(&u, rc == 0 ? ctl_fail("tokens create: "
		    "there is a token '%s' already", name) :
		    ctl_store_failed(c, u.s));
	ctl_audit(u.s, "add token", name, true, json_pack("{s:s}", "role",
	    role));
	if (c->opt[OPT_JSON] != NULL)
		return users_close(&u, json_print(json_pack("{s:I,s:s,s:s,s:s}",
		    "id", (json_int_t)id, "name", name, "role", role, "token",
		    token)));
	printf("API token created: %s, %s (id %lld)\n%s\nIt is shown this "
	    "once only.\n", name, role, (long long)id, token);
	return users_close(&u, CTL_OK);
}

static int
tokens_delete(struct ctl *c)
{
	struct users	 u;
	json_t		*o;
	int		 rc;

	if (tokens_open(&u, c, true) == -1 ||
	    (o = objects_find(&token_family, u.all, c->operand[0])) == NULL)
		return users_close(&u, CTL_ERROR);
	rc = store_token_delete(u.s, objects_id(o));
	if (rc == -1)
		return users_close(&u, ctl_store_failed(c, u.s));
	ctl_audit(u.s, "delete token", json_text(o, "name"), true, NULL);
	printf("API token deleted: %s\n", json_text(o, "name"));
	return users_close(&u, CTL_OK);
}

const struct word token_words[] = {
	{ "list", tokens_list, "show all of them, masked", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "create", tokens_create, "make one, and show it this once", "name",
	    ARG_TEXT, { OPT_ROLE, OPT_EXPIRES, OPT_JSON } },
	{ "delete", tokens_delete, "delete one", "name", ARG_TEXT, { 0 } },
	{ .name = NULL }
};

/* --- audit ----------------------------------------------------------------------------- */

static void
act_cb(void *arg, const struct admin_act *a)
{
	char	 when[CLOCK_RFC3339_LEN];

	json_array_append_new(arg, json_pack("{s:I,s:s,s:o,s:o,s:o,s:o,s:b,"
	    "s:o}", "id", (json_int_t)a->id, "time",
	    clock_rfc3339(a->time_us, when), "actor", text_json(a->actor),
	    "client", text_json(a->client), "action", text_json(a->action),
	    "object", text_json(a->object), "ok", a->ok, "detail",
	    text_json(a->detail)));
}

int
ctl_audit_list(struct ctl *c)
{
	static const struct column cols[] = {
		{ "TIME", false, false }, { "ACTOR", false, true },
		{ "FROM", false, true }, { "ACTION", false, true },
		{ "OBJECT", false, true }, { "DONE", false, false },
		{ "DETAIL", false, true }, { .name = NULL }
	};
	static const char *const members[] = { "time", "actor", "client",
					    "action", "object", "ok", "detail",
					    NULL };
	struct users	 u = { .all = json_array() };
	int64_t		 n = AUDIT_ROWS;
	int		 r;

	if (ctl_int(c, OPT_LIMIT, 1, AUDIT_MAX, &n) == -1 ||
	    (u.s = ctl_store(c, false)) == NULL)
		r = CTL_ERROR;
	else if (store_audit(u.s, 0, (int)n, act_cb, u.all) == -1)
		r = ctl_store_failed(c, u.s);
	else
		r = print_list(c, u.all, cols, members, "nothing was done yet");
	return users_close(&u, r);
}
