/*
 * Users, sessions, tokens, audit.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "state/secret.h"
#include "state/store_admin.h"
#include "state/store_sql.h"

#define SALT_LEN	16
#define ROUNDS		300000		/* PBKDF2; a tenth of a second */
#define TOUCH_US	((int64_t)60000000)

const char *
admin_role_name(enum admin_role r)
{
	return r == ADMIN_ADMIN ? "admin" : r == ADMIN_VIEWER ? "viewer" :
	    "none";
}

enum admin_role
admin_role_of(struct str s)
{
	return str_is(s, "admin") ? ADMIN_ADMIN : str_is(s, "viewer") ?
	    ADMIN_VIEWER : ADMIN_NONE;
}

const char *
admin_name_bad(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
		    "WXYZ0123456789.-_@", s.p[i]) == NULL || s.p[i] == '\0')
			break;
	return s.n >= 1 && s.n <= ADMIN_NAME_MAX && i == s.n ? NULL :
	    "must be 1 to 64 characters: letters, digits, '.', '-', '_' "
	    "or '@'";
}

const char *
admin_password_bad(struct str s)
{
	size_t	 i, chars = 0;

	for (i = 0; i < s.n; i++)
		chars += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	if (chars < ADMIN_PASSWORD_MIN)
		return "must have 10 characters or more";
	if (s.n > ADMIN_PASSWORD_MAX)
		return "must have 256 bytes or fewer";
	if (!utf8_valid(s))
		return "must be valid UTF-8";
	return NULL;
}

/* --- users ---------------------------------------------------------------------- */

int64_t
store_users_count(struct store *s)
{
	int64_t	 n = 0;

	return sql_get(s, &n, "SELECT count(*) FROM users", "") == 1 ? n : -1;
}

static void
user_read(struct sqlite3_stmt *st, struct admin_user *u)
{
	u->id = sql_int(st, 0);
	u->name = sql_str(st, 1);
	u->role = admin_role_of(sql_str(st, 2));
	u->enabled = sql_int(st, 3) != 0;
	u->created_us = sql_int(st, 4);
	u->login_us = sql_int(st, 5);
}

int
store_users(struct store *s, void (*cb)(void *, const struct admin_user *),
    void *arg)
{
	struct sqlite3_stmt	*st;
	struct admin_user	 u;
	int			 rc;

	st = sql_open(s, "SELECT id, name, role, enabled, created_us, "
	    "login_us FROM users ORDER BY name", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		user_read(st, &u);
		cb(arg, &u);
	}
	sql_end(st);
	return rc;
}

struct hashed {
	unsigned char	 salt[SALT_LEN], hash[SECRET_PBKDF2_LEN];
	struct str	 salt_str, hash_str;
};

static void
password_hash(struct hashed *h, struct str password)
{
	id_random(h->salt, sizeof(h->salt));
	h->salt_str = (struct str){ (const char *)h->salt, SALT_LEN };
	h->hash_str = (struct str){ (const char *)h->hash, sizeof(h->hash) };
	secret_pbkdf2(password, h->salt_str, ROUNDS, h->hash);
}

/* 1: committed; else what rc says, and nothing is changed. */
static int
finish(struct store *s, int rc)
{
	if (rc == 1)
		return change_commit(s, NULL, STR("")) == 0 ? 1 : -1;
	change_rollback(s);
	return rc;
}

int
store_user_add(struct store *s, struct str name, struct str password,
    enum admin_role role, int64_t *id)
{
	struct hashed	 h;

	password_hash(&h, password);
	if (change_begin(s, CHANGE_ACCESS) == -1)
		return -1;
	return finish(s, sql_get(s, id, "INSERT INTO users (name, role, salt, "
	    "rounds, hash, created_us) VALUES (?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (name) DO NOTHING RETURNING id", "ssbibi", name,
	    str_of(admin_role_name(role)), h.salt_str, (int64_t)ROUNDS,
	    h.hash_str, clock_wall_us()));
}

/* Is there an enabled administrator besides him? */
static int
others(struct store *s, int64_t id)
{
	int64_t	 n = 0;

	return sql_get(s, &n, "SELECT count(*) FROM users WHERE id <> ? "
	    "AND role = 'admin' AND enabled", "i", id) == -1 ? -1 : n > 0;
}

static int
user_write(struct store *s, int64_t id, const struct hashed *h,
    enum admin_role role, bool enabled)
{
	if (h != NULL && sql_run(s, "UPDATE users SET salt = ?, rounds = ?, "
	    "hash = ? WHERE id = ?", "bibi", h->salt_str, (int64_t)ROUNDS,
	    h->hash_str, id) == -1)
		return -1;
	if (sql_run(s, "UPDATE users SET role = ?, enabled = ? WHERE id = ?",
	    "sii", str_of(admin_role_name(role)), (int64_t)enabled, id) == -1)
		return -1;
	return sql_run(s, "DELETE FROM sessions WHERE user_id = ?", "i", id);
}

static int
user_exists(struct store *s, int64_t id)
{
	int64_t	 n = 0;

	return sql_get(s, &n, "SELECT count(*) FROM users WHERE id = ?", "i",
	    id) == -1 ? -1 : n > 0;
}

int
store_user_set(struct store *s, int64_t id, struct str password,
    enum admin_role role, bool enabled)
{
	struct hashed	 h;
	int		 rc;

	if (password.n > 0)
		password_hash(&h, password);	/* before the lock is held */
	if (change_begin(s, CHANGE_ACCESS) == -1)
		return -1;
	rc = user_exists(s, id);
	if (rc == 1 && (role != ADMIN_ADMIN || !enabled) &&
	    (rc = others(s, id)) == 0)
		rc = -2;
	if (rc == 1 && user_write(s, id, password.n > 0 ? &h : NULL, role,
	    enabled) == -1)
		rc = -1;
	return finish(s, rc);
}

int
store_user_delete(struct store *s, int64_t id)
{
	int	 rc;

	if (change_begin(s, CHANGE_ACCESS) == -1)
		return -1;
	rc = user_exists(s, id);
	if (rc == 1 && (rc = others(s, id)) == 0)
		rc = -2;
	if (rc == 1 && sql_run(s, "DELETE FROM users WHERE id = ?", "i",
	    id) == -1)
		rc = -1;
	return finish(s, rc);
}

/* A name that nobody has costs the same time as a wrong password. */
static bool
password_right(struct sqlite3_stmt *st, struct str password)
{
	static const char	 nobody[SALT_LEN];
	unsigned char		 hash[SECRET_PBKDF2_LEN];
	struct str		 got = { (const char *)hash, sizeof(hash) };

	if (st == NULL) {
		secret_pbkdf2(password, (struct str){ nobody, SALT_LEN },
		    ROUNDS, hash);
		return false;
	}
	secret_pbkdf2(password, sql_str(st, 6), (unsigned)sql_int(st, 7),
	    hash);
	return secret_equal(got, sql_str(st, 8));
}

int
store_login(struct store *s, struct str name, struct str password,
    struct admin_user *u, char name_out[ADMIN_NAME_MAX + 1])
{
	struct sqlite3_stmt	*st;
	bool			 right;
	int			 rc;

	st = sql_open(s, "SELECT id, name, role, enabled, created_us, "
	    "login_us, salt, rounds, hash FROM users WHERE name = ?", "s",
	    name);
	if (st == NULL || (rc = sql_step(s, st)) == -1) {
		sql_end(st);
		return -1;
	}
	right = password_right(rc == 1 ? st : NULL, password);
	if (rc == 1) {
		user_read(st, u);
		snprintf(name_out, ADMIN_NAME_MAX + 1, "%.*s",
		    STR_FMT(u->name));
		u->name = str_of(name_out);
		right = right && u->enabled;
	}
	sql_end(st);
	if (!right)
		return 0;
	return sql_run(s, "UPDATE users SET login_us = ? WHERE id = ?", "ii",
	    clock_wall_us(), u->id) == -1 ? -1 : 1;
}

/* --- sessions ---------------------------------------------------------------------- */

int
store_session_add(struct store *s, struct str token, int64_t user_id,
    struct str csrf, struct str client, struct str user_agent)
{
	char	 hash[65];
	int64_t	 now = clock_wall_us();

	secret_sha256(token, hash);
	if (sql_run(s, "DELETE FROM sessions WHERE used_us < ? OR "
	    "created_us < ?", "ii", now - SESSION_IDLE_S * (int64_t)1000000,
	    now - SESSION_MAX_S * (int64_t)1000000) == -1)
		return -1;
	return sql_run(s, "INSERT INTO sessions (hash, user_id, csrf, "
	    "created_us, used_us, client, user_agent) VALUES "
	    "(?, ?, ?, ?, ?, ?, ?)", "sisiiss", str_of(hash), user_id, csrf,
	    now, now, client, user_agent);
}

static void
session_fill(struct admin_session *ss, struct sqlite3_stmt *st)
{
	snprintf(ss->name, sizeof(ss->name), "%.*s", STR_FMT(sql_str(st, 1)));
	ss->user_id = sql_int(st, 0);
	ss->role = admin_role_of(sql_str(st, 2));
	snprintf(ss->csrf, sizeof(ss->csrf), "%.*s", STR_FMT(sql_str(st, 3)));
}

int
store_session_find(struct store *s, struct str token, struct admin_session *ss)
{
	struct sqlite3_stmt	*st;
	char			 hash[65];
	int64_t			 now = clock_wall_us(), used = now;
	int			 rc;

	secret_sha256(token, hash);
	st = sql_open(s, "SELECT u.id, u.name, u.role, s.csrf, s.used_us "
	    "FROM sessions s JOIN users u ON u.id = s.user_id "
	    "WHERE s.hash = ? AND u.enabled AND s.used_us > ? "
	    "AND s.created_us > ?", "sii", str_of(hash),
	    now - SESSION_IDLE_S * (int64_t)1000000,
	    now - SESSION_MAX_S * (int64_t)1000000);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		session_fill(ss, st);
		used = sql_int(st, 4);
	}
	sql_end(st);
	/* It can be marked later, too, if another has the lock now. */
	if (rc == 1 && now - used > TOUCH_US && sql_run_now(s, "UPDATE sessions "
	    "SET used_us = ? WHERE hash = ?", "is", now, str_of(hash)) == -1)
		return -1;
	return rc;
}

int
store_session_end(struct store *s, struct str token)
{
	char	 hash[65];

	secret_sha256(token, hash);
	return sql_run(s, "DELETE FROM sessions WHERE hash = ?", "s",
	    str_of(hash));
}

/* --- tokens for programs -------------------------------------------------------------- */

int
store_tokens(struct store *s, void (*cb)(void *, const struct admin_token *),
    void *arg)
{
	struct sqlite3_stmt	*st;
	struct admin_token	 t;
	int			 rc;

	st = sql_open(s, "SELECT id, name, mask, role, created_us, "
	    "expires_us, used_us FROM api_tokens ORDER BY name", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		t.id = sql_int(st, 0);
		t.name = sql_str(st, 1);
		t.mask = sql_str(st, 2);
		t.role = admin_role_of(sql_str(st, 3));
		t.created_us = sql_int(st, 4);
		t.expires_us = sql_int(st, 5);
		t.used_us = sql_int(st, 6);
		cb(arg, &t);
	}
	sql_end(st);
	return rc;
}

int
store_token_add(struct store *s, struct str name, enum admin_role role,
    struct str token, int64_t expires_us, int64_t *id)
{
	char	 hash[65], mask[SECRET_MASK_LEN];

	secret_sha256(token, hash);
	secret_mask(mask, token);
	if (change_begin(s, CHANGE_ACCESS) == -1)
		return -1;
	return finish(s, sql_get(s, id, "INSERT INTO api_tokens (name, role, "
	    "hash, mask, created_us, expires_us) VALUES (?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (name) DO NOTHING RETURNING id", "ssssii", name,
	    str_of(admin_role_name(role)), str_of(hash), str_of(mask),
	    clock_wall_us(), expires_us));
}

int
store_token_delete(struct store *s, int64_t id)
{
	int	 rc;

	if (change_begin(s, CHANGE_ACCESS) == -1)
		return -1;
	rc = sql_run(s, "DELETE FROM api_tokens WHERE id = ?", "i", id);
	return finish(s, rc == -1 ? -1 : sql_changes(s) > 0);
}

int
store_token_find(struct store *s, struct str token, struct admin_session *ss)
{
	struct sqlite3_stmt	*st;
	char			 hash[65];
	int64_t			 now = clock_wall_us(), used = now;
	int			 rc;

	secret_sha256(token, hash);
	st = sql_open(s, "SELECT 0, name, role, '', used_us FROM api_tokens "
	    "WHERE hash = ? AND (expires_us = 0 OR expires_us > ?)", "si",
	    str_of(hash), now);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		session_fill(ss, st);
		used = sql_int(st, 4);
	}
	sql_end(st);
	/* It can be marked later, too, if another has the lock now. */
	if (rc == 1 && now - used > TOUCH_US && sql_run_now(s, "UPDATE api_tokens "
	    "SET used_us = ? WHERE hash = ?", "is", now, str_of(hash)) == -1)
		return -1;
	return rc;
}

/* --- audit ------------------------------------------------------------------------------ */

int
store_audit_add(struct store *s, const struct admin_act *a)
{
	return sql_run(s, "INSERT INTO audit (time_us, actor, client, action, "
	    "object, ok, detail) VALUES (?, ?, ?, ?, ?, ?, ?)", "issssis",
	    a->time_us, a->actor, a->client, a->action, a->object,
	    (int64_t)a->ok, a->detail);
}

int
store_audit(struct store *s, int64_t before, int limit,
    void (*cb)(void *, const struct admin_act *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct admin_act	 a;
	int			 rc;

	st = sql_open(s, "SELECT id, time_us, actor, client, action, object, "
	    "ok, detail FROM audit WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC "
	    "LIMIT ?2", "ii", before, (int64_t)limit);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		a.id = sql_int(st, 0);
		a.time_us = sql_int(st, 1);
		a.actor = sql_str(st, 2);
		a.client = sql_str(st, 3);
		a.action = sql_str(st, 4);
		a.object = sql_str(st, 5);
		a.ok = sql_int(st, 6) != 0;
		a.detail = sql_str(st, 7);
		cb(arg, &a);
	}
	sql_end(st);
	return rc;
}
