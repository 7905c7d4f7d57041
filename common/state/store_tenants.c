/*
 * Tenants and client keys.
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "state/store_rollup.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

#define NAME_LEN	64
#define NOTE_LEN	1000
#define PATTERNS_LEN	16384
#define RATE_MAX	((int64_t)1000000000)
#define BUDGET_MAX	((int64_t)1000000000000000)	/* a thousand million */

static int __attribute__((__format__(printf, 3, 4)))
bad_value(struct store_bad *bad, const char *field, const char *fmt, ...)
{
	va_list	 ap;

	snprintf(bad->field, sizeof(bad->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(bad->text, sizeof(bad->text), fmt, ap);
	va_end(ap);
	return STORE_BAD;
}

void
store_limits_init(struct store_limits *l)
{
	*l = (struct store_limits){ .budget_day = -1, .budget_month = -1,
	    .budget_total = -1 };
}

/* --- what will do -------------------------------------------------------------- */

static bool
is_text(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\n') ||
		    s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static int
check_name(struct str s, struct store_bad *bad)
{
	if (s.n == 0 || s.n > NAME_LEN || !is_text(s) ||
	    memchr(s.p, '\n', s.n) != NULL || !str_eq(str_trim(s), s))
		return bad_value(bad, "name", "must be 1 to %d bytes of text "
		    "without control characters, or spaces at its ends",
		    NAME_LEN);
	return 0;
}

static int
check_text(const char *field, struct str s, size_t max, struct store_bad *bad)
{
	if (s.n > max || !is_text(s))
		return bad_value(bad, field, "must be at most %zu bytes of "
		    "text without control characters", max);
	return 0;
}

static int
check_range(const char *field, int64_t v, int64_t min, int64_t max,
    struct store_bad *bad)
{
	if (v < min || v > max)
		return bad_value(bad, field, "must be from %lld to %lld, not "
		    "%lld", (long long)min, (long long)max, (long long)v);
	return 0;
}

static int
check_limits(const struct store_limits *l, struct store_bad *bad)
{
	if (check_range("rpm", l->rpm, 0, RATE_MAX, bad) != 0 ||
	    check_range("tpm", l->tpm, 0, RATE_MAX, bad) != 0 ||
	    check_range("concurrent", l->concurrent, 0, 1000000, bad) != 0 ||
	    check_range("budget_day", l->budget_day, -1, BUDGET_MAX,
	    bad) != 0 ||
	    check_range("budget_month", l->budget_month, -1, BUDGET_MAX,
	    bad) != 0)
		return STORE_BAD;
	return check_range("budget_total", l->budget_total, -1, BUDGET_MAX,
	    bad);
}

static int
check_common(struct str name, struct str note, struct str models,
    struct str routes, const struct store_limits *l, struct store_bad *bad)
{
	if (check_name(name, bad) != 0 ||
	    check_text("note", note, NOTE_LEN, bad) != 0 ||
	    check_text("models", models, PATTERNS_LEN, bad) != 0 ||
	    check_text("routes", routes, PATTERNS_LEN, bad) != 0)
		return STORE_BAD;
	return check_limits(l, bad);
}

/* --- one change --------------------------------------------------------------------- */

/* With what rc says: commits, or takes it back. */
static int
finish_as(struct store *s, int rc, const char *action)
{
	if (rc == STORE_DONE)
		return change_commit(s, action, STR("")) == 0 ? rc : -1;
	change_rollback(s);
	return rc;
}

static int
finish(struct store *s, int rc)
{
	return finish_as(s, rc, NULL);
}

/* The lowest that no row has, also none that is gone; -1: all are taken. */
static int
free_slot(struct store *s, const char *text, int64_t max, int64_t *slot)
{
	if (sql_get(s, slot, text, "") == -1)
		return -1;
	return *slot < max ? 1 : 0;
}

static int
name_taken(struct store *s, const char *text, struct str name, int64_t id)
{
	int64_t	 n = 0;

	return sql_get(s, &n, text, "si", name, id) == -1 ? -1 : n > 0;
}

/* --- tenants ------------------------------------------------------------------------- */

int
store_tenants(struct store *s, void (*cb)(void *, const struct store_tenant *),
    void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_tenant	 t;
	int			 rc;

	st = sql_open(s, "SELECT id, name, note, models, routes, enabled, "
	    "rpm, tpm, concurrent, budget_day, budget_month, budget_total, "
	    "created_us FROM tenants WHERE gone_us = 0 ORDER BY name", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		t = (struct store_tenant){ .id = sql_int(st, 0),
		    .name = sql_str(st, 1), .note = sql_str(st, 2),
		    .models = sql_str(st, 3), .routes = sql_str(st, 4),
		    .enabled = sql_int(st, 5) != 0, .limits = {
		    sql_int(st, 6), sql_int(st, 7), sql_int(st, 8),
		    sql_int(st, 9), sql_int(st, 10), sql_int(st, 11) },
		    .created_us = sql_int(st, 12) };
		cb(arg, &t);
	}
	sql_end(st);
	return rc;
}

static int
tenant_add(struct store *s, struct store_tenant *t, struct store_bad *bad)
{
	int64_t	 slot = 0;
	int	 rc;

	rc = free_slot(s, "SELECT coalesce(min(slot + 1), 0) FROM (SELECT -1 "
	    "AS slot UNION ALL SELECT slot FROM tenants WHERE slot NOTNULL) "
	    "WHERE slot + 1 NOT IN (SELECT slot FROM tenants "
	    "WHERE slot NOTNULL)", TENANTS_MAX, &slot);
	if (rc == 0)
		return bad_value(bad, "name", "is one too many: there are %d "
		    "tenants, or were since proxyd started", TENANTS_MAX);
	if (rc == -1 || sql_get(s, &t->id, "INSERT INTO tenants (slot, name, "
	    "created_us) VALUES (?, ?, ?) RETURNING id", "isi", slot, t->name,
	    clock_wall_us()) != 1)
		return -1;
	return STORE_DONE;
}

static int
tenant_write(struct store *s, const struct store_tenant *t)
{
	const struct store_limits	*l = &t->limits;

	if (sql_run(s, "UPDATE tenants SET name = ?, note = ?, models = ?, "
	    "routes = ?, enabled = ?, rpm = ?, tpm = ?, concurrent = ?, "
	    "budget_day = ?, budget_month = ?, budget_total = ? "
	    "WHERE id = ? AND gone_us = 0", "ssssiiiiiiii", t->name, t->note,
	    t->models, t->routes, (int64_t)t->enabled, l->rpm, l->tpm,
	    l->concurrent, l->budget_day, l->budget_month, l->budget_total,
	    t->id) == -1)
		return -1;
	return sql_changes(s) > 0 ? STORE_DONE : STORE_NONE;
}

int
store_tenant_put(struct store *s, struct store_tenant *t,
    struct store_bad *bad)
{
	int	 rc;

	if (check_common(t->name, t->note, t->models, t->routes, &t->limits,
	    bad) != 0)
		return STORE_BAD;
	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	rc = name_taken(s, "SELECT count(*) FROM tenants WHERE name = ? "
	    "COLLATE NOCASE AND id <> ? AND gone_us = 0", t->name, t->id);
	if (rc == 1)
		rc = bad_value(bad, "name", "is another tenant's");
	else if (rc == 0)
		rc = t->id != 0 ? STORE_DONE : tenant_add(s, t, bad);
	if (rc == STORE_DONE)
		rc = tenant_write(s, t);
	return finish(s, rc);
}

int
store_tenant_delete(struct store *s, int64_t id)
{
	int64_t	 now = clock_wall_us();
	int	 rc;

	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	rc = sql_run(s, "UPDATE tenants SET gone_us = ? WHERE id = ? "
	    "AND gone_us = 0", "ii", now, id);
	if (rc == 0 && sql_changes(s) == 0)
		return finish(s, STORE_NONE);
	if (rc == -1 || sql_run(s, "UPDATE client_keys SET gone_us = ? "
	    "WHERE tenant_id = ? AND gone_us = 0", "ii", now, id) == -1 ||
	    sql_run(s, "UPDATE keys SET enabled = 0 WHERE tenant_id = ?", "i",
	    id) == -1)
		return finish(s, -1);
	return finish(s, STORE_DONE);
}

/* --- client keys ------------------------------------------------------------------------ */

#define CONTEXT		STR("client key")

void
client_hash_key(const struct secret_box *box,
    unsigned char key[SECRET_PRINT_KEY])
{
	secret_print_key(box, CONTEXT, key);
}

struct secret_print *
client_hash_print(const struct secret_box *box)
{
	struct secret_print	*p;
	unsigned char		 key[SECRET_PRINT_KEY];

	client_hash_key(box, key);
	p = secret_print_new(key);
	explicit_bzero(key, sizeof(key));
	return p;
}

void
client_key_hash(const struct secret_box *box, struct str plain, char hex[65])
{
	secret_fingerprint(box, CONTEXT, plain, hex);
}

int64_t
store_client_key_count(struct store *s)
{
	int64_t	 n = 0;

	return sql_get(s, &n, "SELECT count(*) FROM client_keys "
	    "WHERE gone_us = 0", "") == 1 ? n : -1;
}

int
store_client_keys(struct store *s, void (*cb)(void *,
    const struct store_client_key *), void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_client_key	 k;
	int			 rc;

	st = sql_open(s, "SELECT k.id, coalesce(k.tenant_id, 0), "
	    "coalesce(t.name, ''), k.name, k.note, k.mask, k.models, k.routes, "
	    "k.enabled, k.expires_us, k.old_until_us, k.rpm, k.tpm, "
	    "k.concurrent, k.budget_day, k.budget_month, k.budget_total, "
	    "k.created_us FROM client_keys k LEFT JOIN tenants t "
	    "ON t.id = k.tenant_id WHERE k.gone_us = 0 ORDER BY k.name", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		k = (struct store_client_key){ .id = sql_int(st, 0),
		    .tenant_id = sql_int(st, 1), .tenant = sql_str(st, 2),
		    .name = sql_str(st, 3), .note = sql_str(st, 4),
		    .mask = sql_str(st, 5), .models = sql_str(st, 6),
		    .routes = sql_str(st, 7), .enabled = sql_int(st, 8) != 0,
		    .expires_us = sql_int(st, 9),
		    .old_until_us = sql_int(st, 10), .limits = {
		    sql_int(st, 11), sql_int(st, 12), sql_int(st, 13),
		    sql_int(st, 14), sql_int(st, 15), sql_int(st, 16) },
		    .created_us = sql_int(st, 17) };
		cb(arg, &k);
	}
	sql_end(st);
	return rc;
}

static void
key_make(const struct secret_box *box, char plain[CLIENT_KEY_LEN + 1],
    char hash[65], char mask[SECRET_MASK_LEN])
{
	id_new(plain, CLIENT_KEY_LEN + 1, CLIENT_KEY_PREFIX);
	client_key_hash(box, str_of(plain), hash);
	snprintf(mask, SECRET_MASK_LEN, "sk-proxy-****%s",
	    plain + CLIENT_KEY_LEN - 4);
}

static int
key_add(struct store *s, const struct secret_box *box,
    struct store_client_key *k, char plain[CLIENT_KEY_LEN + 1],
    struct store_bad *bad)
{
	char	 hash[65], mask[SECRET_MASK_LEN];
	int64_t	 slot = 0;
	int	 rc;

	rc = free_slot(s, "SELECT coalesce(min(slot + 1), 0) FROM (SELECT -1 "
	    "AS slot UNION ALL SELECT slot FROM client_keys WHERE slot "
	    "NOTNULL) WHERE slot + 1 NOT IN (SELECT slot FROM client_keys "
	    "WHERE slot NOTNULL)", CLIENT_KEYS_MAX, &slot);
	if (rc == 0)
		return bad_value(bad, "name", "is one too many: there are %d "
		    "client keys, or were since proxyd started",
		    CLIENT_KEYS_MAX);
	key_make(box, plain, hash, mask);
	if (rc == -1 || sql_get(s, &k->id, "INSERT INTO client_keys (slot, "
	    "name, hash, mask, created_us) VALUES (?, ?, ?, ?, ?) "
	    "RETURNING id", "isssi", slot, k->name, str_of(hash),
	    str_of(mask), clock_wall_us()) != 1)
		return -1;
	return STORE_DONE;
}

static int
key_write(struct store *s, const struct store_client_key *k)
{
	const struct store_limits	*l = &k->limits;

	if (sql_run(s, "UPDATE client_keys SET tenant_id = nullif(?, 0), "
	    "name = ?, note = ?, models = ?, routes = ?, enabled = ?, "
	    "expires_us = ?, rpm = ?, tpm = ?, concurrent = ?, "
	    "budget_day = ?, budget_month = ?, budget_total = ? "
	    "WHERE id = ? AND gone_us = 0", "issssiiiiiiiii", k->tenant_id,
	    k->name, k->note, k->models, k->routes, (int64_t)k->enabled,
	    k->expires_us, l->rpm, l->tpm, l->concurrent, l->budget_day,
	    l->budget_month, l->budget_total, k->id) == -1)
		return -1;
	return sql_changes(s) > 0 ? STORE_DONE : STORE_NONE;
}

static int
check_tenant(struct store *s, int64_t id, struct store_bad *bad)
{
	int64_t	 n = 0;

	if (id == 0)
		return 0;
	if (sql_get(s, &n, "SELECT count(*) FROM tenants WHERE id = ? "
	    "AND gone_us = 0", "i", id) == -1)
		return -1;
	return n > 0 ? 0 : bad_value(bad, "tenant_id", "is no tenant's: %lld",
	    (long long)id);
}

int
store_client_key_put(struct store *s, const struct secret_box *box,
    struct store_client_key *k, char plain[CLIENT_KEY_LEN + 1],
    struct store_bad *bad)
{
	int	 rc;

	if (check_common(k->name, k->note, k->models, k->routes, &k->limits,
	    bad) != 0 ||
	    check_range("expires", k->expires_us, 0, INT64_MAX, bad) != 0)
		return STORE_BAD;
	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	rc = check_tenant(s, k->tenant_id, bad);
	if (rc == 0)
		rc = name_taken(s, "SELECT count(*) FROM client_keys "
		    "WHERE name = ? COLLATE NOCASE AND id <> ? "
		    "AND gone_us = 0", k->name, k->id);
	if (rc == 1)
		rc = bad_value(bad, "name", "is another client key's");
	else if (rc == 0)
		rc = k->id != 0 ? STORE_DONE : key_add(s, box, k, plain, bad);
	if (rc == STORE_DONE)
		rc = key_write(s, k);
	return finish(s, rc);
}

int
store_client_key_rotate(struct store *s, const struct secret_box *box,
    int64_t id, int64_t grace_s, char plain[CLIENT_KEY_LEN + 1],
    struct store_bad *bad)
{
	char	 hash[65], mask[SECRET_MASK_LEN];
	int	 rc;

	if (check_range("grace", grace_s, 0, 365 * 86400, bad) != 0)
		return STORE_BAD;
	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	key_make(box, plain, hash, mask);
	rc = sql_run(s, "UPDATE client_keys SET old_hash = hash, "
	    "old_until_us = ?, hash = ?, mask = ? WHERE id = ? "
	    "AND gone_us = 0", "issi", clock_wall_us() +
	    grace_s * (int64_t)1000000, str_of(hash), str_of(mask), id);
	if (rc == 0)
		rc = sql_changes(s) > 0 ? STORE_DONE : STORE_NONE;
	return finish_as(s, rc, "rotate client key");
}

int
store_client_key_delete(struct store *s, int64_t id)
{
	int	 rc;

	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	rc = sql_run(s, "UPDATE client_keys SET gone_us = ? WHERE id = ? "
	    "AND gone_us = 0", "ii", clock_wall_us(), id);
	if (rc == 0)
		rc = sql_changes(s) > 0 ? STORE_DONE : STORE_NONE;
	return finish(s, rc);
}

/* --- for proxyd's start -------------------------------------------------------------------- */

/* Before any revision that could bring it back, by more than a transaction. */
#define FORGOTTEN	"(SELECT coalesce(min(time_us) - 60000000, "		\
			"0x7fffffffffffffff) FROM revisions)"

int
store_tenants_purge(struct store *s)
{
	if (sql_begin(s) == -1)
		return -1;
	if (sql_run(s, "DELETE FROM client_keys WHERE gone_us > 0 AND "
	    "gone_us < " FORGOTTEN, "") == -1 ||
	    sql_run(s, "DELETE FROM tenants WHERE gone_us > 0 AND "
	    "gone_us < " FORGOTTEN, "") == -1 ||
	    sql_run(s, "UPDATE client_keys SET slot = NULL "
	    "WHERE gone_us > 0", "") == -1 ||
	    sql_run(s, "UPDATE tenants SET slot = NULL WHERE gone_us > 0",
	    "") == -1 || sql_commit(s) == -1) {
		sql_rollback(s);
		return -1;
	}
	return 0;
}
