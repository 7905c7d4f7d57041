/*
 * Revisions: what is made one, what its diff says, and that a roll-back to any
 * of them leads to what was there then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/log.h"
#include "state/store_admin.h"
#include "state/store_object.h"
#include "state/store_revision.h"
#include "state/store_tenants.h"
#include "tap.h"

#define STEPS	220

static char			 path[] = "/tmp/proxyd-revisions-XXXXXX";
static char			 secret[80], err[2048];
static struct secret_box	*box;
static struct object_error	 oe;
static struct store_bad		 bad;

/* Behind the store's back. */
static void
sql(const char *text)
{
	sqlite3	*db;
	char	*why = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, text,
	    NULL, NULL, &why) != SQLITE_OK)
		fatalx("%s: %s", text, why);
	sqlite3_close(db);
}

static char *
select_text(const char *text)
{
	sqlite3		*db;
	sqlite3_stmt	*st;
	char		*to;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		fatalx("%s: %s", text, sqlite3_errmsg(db));
	to = strdup(sqlite3_column_text(st, 0) == NULL ? "" :
	    (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return to;
}

/* All that is configured and in force, as text. */
static char *
state(void)
{
	return select_text(
	    "SELECT group_concat(t, char(10)) FROM ("
	    "SELECT 'm' || json_array(id, route_key, target, provider_id, "
	    "mode, enabled, pool) AS t FROM models UNION ALL "
	    "SELECT 'p' || json_array(id, name, dialect, base_url, enabled, "
	    "source) FROM providers WHERE source <> 'gone' UNION ALL "
	    "SELECT 'k' || json_array(id, provider_id, hex(value), print, mask, "
	    "enabled, rpm, note) FROM keys WHERE source <> 'gone' UNION ALL "
	    "SELECT 'o' || json_array(id, name, provider_id, strategy, keys) "
	    "FROM pools UNION ALL "
	    "SELECT 'r' || json_array(id, pos, name, match, targets) "
	    "FROM rules UNION ALL "
	    "SELECT 't' || json_array(id, name, enabled, rpm, budget_day, note) "
	    "FROM tenants WHERE gone_us = 0 UNION ALL "
	    "SELECT 'c' || json_array(id, tenant_id, name, hash, mask, enabled) "
	    "FROM client_keys WHERE gone_us = 0 UNION ALL "
	    "SELECT 'x' || json_array(id, provider, model, input, output) "
	    "FROM prices WHERE origin = 'db' ORDER BY 1)");
}

static struct store *
must_open(void)
{
	struct store	*s = store_open(path, STORE_WRITE, err, sizeof(err));

	if (s == NULL)
		fatalx("%s", err);
	store_author(s, STR("tester"));
	return s;
}

static void
clean(void)
{
	char	 name[96];

	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
}

/* --- what a revision says ------------------------------------------------------- */

static json_t	*diff;
static char	 line[512];

static void
get_cb(void *arg, const struct store_revision *r)
{
	(void)arg;
	json_decref(diff);
	diff = json_loadb(r->diff.p, r->diff.n, 0, NULL);
	snprintf(line, sizeof(line), "%.*s: %.*s '%.*s' %lld", STR_FMT(
	    r->author), STR_FMT(r->action), STR_FMT(r->object),
	    (long long)r->rows);
}

static const char *
told(struct store *s)
{
	snprintf(line, sizeof(line), "none");
	if (store_revision_get(s, store_revision_made(s), get_cb, NULL) == -1)
		snprintf(line, sizeof(line), "%s", store_error(s));
	return line;
}

static bool
said(struct store *s, const char *want)
{
	const char	*got = told(s);

	if (strcmp(got, want) == 0)
		return true;
	printf("# %s\n", got);
	return false;
}

static bool
differs(const char *want)
{
	char	*got = json_dumps(diff, JSON_COMPACT | JSON_SORT_KEYS);
	bool	 is = strcmp(got, want) == 0;

	if (!is)
		printf("# %s\n", got);
	free(got);
	return is;
}

static bool
diff_has(const char *text)
{
	char	*got = json_dumps(diff, JSON_COMPACT);
	bool	 has = strstr(got, text) != NULL;

	free(got);
	return has;
}

static int64_t
object(struct store *s, enum object_kind k, const char *json)
{
	int64_t	 id = 0;

	if (store_object_create(s, box, k, str_of(json), &id, &oe) !=
	    OBJECT_OK)
		printf("# %s: %s %s\n", json, oe.field, oe.text);
	return id;
}

static void
test_told(void)
{
	struct store		*s = must_open();
	struct store_tenant	 t = { .name = STR("web"), .enabled = true };
	struct store_price	 p = { .model = STR("m"), .input = 2500000,
				    .output = 1, .cache_read = -1,
				    .cache_write_5m = -1, .cache_write_1h = -1,
				    .provider = STR(""), .date = STR(""),
				    .source = STR("") };
	int64_t			 id, key;
	uint64_t		 before, after;
	enum object_result	 r;

	ok(store_revision_made(s) == 0, "none yet");
	id = object(s, OBJECT_PROVIDER, "{\"name\":\"local\",\"dialect\":"
	    "\"openai-chat\",\"base_url\":\"http://127.0.0.1:1/v1\"}");
	ok(said(s, "tester: add provider 'local' 1"), "a provider");
	ok(json_array_size(diff) == 1 && strstr(json_string_value(
	    json_object_get(json_array_get(diff, 0), "op")), "add") != NULL,
	    "its diff");
	key = object(s, OBJECT_KEY, "{\"provider\":\"local\",\"api_key\":"
	    "\"sk-abcdefghijklmnopqrstuvwxyz\",\"rpm\":60}");
	ok(said(s, "tester: add key 'sk-a****wxyz' 1"), "a key: %s", line);
	ok(differs("[{\"fields\":[{\"name\":\"provider\",\"new\":\"local\"},"
	    "{\"name\":\"value\",\"secret\":true},"
	    "{\"name\":\"source\",\"new\":\"db\"},{\"name\":"
	    "\"weight\",\"new\":1},{\"name\":\"rpm\",\"new\":60}],\"kind\":"
	    "\"key\",\"name\":\"sk-a****wxyz\",\"of\":\"local\",\"op\":"
	    "\"add\"}]"), "nothing of the key itself");
	ok(store_generation(s, &before) == 0, "generation");
	r = store_object_update(s, box, OBJECT_KEY, key, STR("{\"rpm\":30}"), &oe);
	ok(r == OBJECT_OK && said(s, "tester: change key 'sk-a****wxyz' 1"),
	    "changed");
	ok(differs("[{\"fields\":[{\"name\":\"rpm\",\"new\":30,\"old\":60}],"
	    "\"kind\":\"key\",\"name\":\"sk-a****wxyz\",\"of\":\"local\","
	    "\"op\":\"change\"}]"), "from what to what");
	ok(store_generation(s, &after) == 0 && after == before + 1,
	    "a new generation");
	id = store_revision_made(s);
	r = store_object_update(s, box, OBJECT_KEY, key, STR("{\"rpm\":30}"), &oe);
	ok(r == OBJECT_OK && store_revision_made(s) == id &&
	    store_generation(s, &before) == 0 && after == before,
	    "no change, no revision");
	r = store_object_update(s, box, OBJECT_KEY, key, STR("{\"rpm\":-1}"), &oe);
	ok(r == OBJECT_REFUSED && store_revision_made(s) == id, "refused");
	r = store_object_delete(s, OBJECT_KEY, key, &oe);
	ok(r == OBJECT_OK && said(s, "tester: remove key 'sk-a****wxyz' 1"),
	    "deleted, though the row stays");
	store_limits_init(&t.limits);
	t.limits.budget_day = 5000000;
	ok(store_tenant_put(s, &t, &bad) == STORE_DONE &&
	    said(s, "tester: add tenant 'web' 1"), "a tenant: %s", line);
	ok(store_price_put(s, &p, &bad) == STORE_DONE &&
	    said(s, "tester: add price 'm' 1"), "a price");
	ok(diff_has("\"input\",\"new\":2.5"), "in dollars");
	store_close(s);
}

/* --- anything, and back ------------------------------------------------------------ */

static unsigned long	 seed = 4711;

static unsigned
dice(unsigned n)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(seed >> 33) % n;
}

static int64_t
some(const char *table, const char *where)
{
	char	 text[256], *n;
	int64_t	 id;

	snprintf(text, sizeof(text), "SELECT coalesce((SELECT id FROM %s "
	    "WHERE %s ORDER BY abs(id * %u %% 97) LIMIT 1), 0)", table, where,
	    1 + dice(96));
	n = select_text(text);
	id = atoll(n);
	free(n);
	return id;
}

static void
step_object(struct store *s, unsigned i)
{
	char	 json[512];
	int64_t	 id;

	switch (dice(9)) {
	case 0:
		snprintf(json, sizeof(json), "{\"name\":\"p%u\",\"dialect\":"
		    "\"anthropic\"}", dice(6));
		(void)store_object_create(s, box, OBJECT_PROVIDER,
		    str_of(json), &id, &oe);
		break;
	case 1:
		(void)!store_object_delete(s, OBJECT_PROVIDER,
		    some("providers", "source = 'db'"), &oe);
		break;
	case 2:
	case 3:
		snprintf(json, sizeof(json), "{\"provider\":\"p%u\","
		    "\"api_key\":\"sk-%08u-0123456789-abcdef\"}", dice(6),
		    dice(12));
		(void)store_object_create(s, box, OBJECT_KEY, str_of(json),
		    &id, &oe);
		break;
	case 4:
		(void)!store_object_delete(s, OBJECT_KEY,
		    some("keys", "source = 'db'"), &oe);
		break;
	case 5:
		snprintf(json, sizeof(json), "{\"rpm\":%u,\"note\":\"n%u\"}",
		    dice(4), i);
		(void)store_object_update(s, box, OBJECT_KEY,
		    some("keys", "source = 'db'"), str_of(json), &oe);
		break;
	case 6:
		snprintf(json, sizeof(json), "{\"route_key\":\"m%u\","
		    "\"target_model\":\"t\",\"provider\":\"p%u\"}", dice(8),
		    dice(6));
		(void)store_object_create(s, box, OBJECT_MODEL, str_of(json),
		    &id, &oe);
		break;
	case 7:
		(void)!store_object_delete(s, OBJECT_MODEL,
		    some("models", "1"), &oe);
		break;
	case 8:
		snprintf(json, sizeof(json), "{\"name\":\"q%u\","
		    "\"provider\":\"p%u\",\"keys\":[%lld]}", dice(4), dice(6),
		    (long long)some("keys", "source = 'db'"));
		if (dice(2) == 0)
			(void)store_object_create(s, box, OBJECT_POOL,
			    str_of(json), &id, &oe);
		else
			(void)!store_object_delete(s, OBJECT_POOL,
			    some("pools", "1"), &oe);
	}
}

static void
step_tenant(struct store *s, unsigned i)
{
	struct store_tenant	 t = { .enabled = true };
	struct store_client_key	 k = { .enabled = true };
	char			 name[32], plain[CLIENT_KEY_LEN + 1];

	store_limits_init(&t.limits);
	store_limits_init(&k.limits);
	switch (dice(6)) {
	case 0:
	case 1:
		snprintf(name, sizeof(name), "t%u", dice(8));
		t.name = str_of(name);
		t.limits.rpm = i;
		t.id = dice(2) == 0 ? 0 : some("tenants", "gone_us = 0");
		(void)!store_tenant_put(s, &t, &bad);
		break;
	case 2:
		(void)!store_tenant_delete(s, some("tenants", "gone_us = 0"));
		break;
	case 3:
		snprintf(name, sizeof(name), "c%u", dice(8));
		k.name = str_of(name);
		k.tenant_id = some("tenants", "gone_us = 0");
		(void)!store_client_key_put(s, box, &k, plain, &bad);
		break;
	case 4:
		(void)!store_client_key_delete(s, some("client_keys",
		    "gone_us = 0"));
		break;
	case 5:
		(void)!store_client_key_rotate(s, box, some("client_keys",
		    "gone_us = 0"), 60, plain, &bad);
	}
}

static bool
back(struct store *s, int64_t n, const char *want)
{
	struct rollback	 rb = { .n = n };
	char		*got;
	bool		 same;

	if (store_rollback(s, &rb) != ROLLBACK_DONE) {
		printf("# to %lld: %s\n", (long long)n, store_error(s));
		return false;
	}
	json_decref(rb.diff);
	got = state();
	if (!(same = strcmp(got, want) == 0))
		printf("# to %lld: got\n%s\n# want\n%s\n", (long long)n, got,
		    want);
	free(got);
	return same;
}

static void
test_any(void)
{
	static char	*was[4 * STEPS];
	struct store	*s = must_open();
	unsigned	 i, backs = 0, bads = 0;
	int64_t		 n, top;
	char		*now;

	for (i = 0; i < STEPS; i++) {
		if (dice(3) > 0)
			step_object(s, i);
		else
			step_tenant(s, i);
		if (dice(12) == 0)
			(void)!store_tenants_purge(s);
		top = store_revision_made(s);
		if (top > 0 && was[top] == NULL)
			was[top] = state();
		if (top < 2 || dice(7) > 0)
			continue;
		n = 1 + (int64_t)dice((unsigned)top - 1);
		if (was[n] == NULL)
			continue;
		backs++;
		bads += !back(s, n, was[n]);
		top = store_revision_made(s);
		free(was[top]);
		was[top] = state();
	}
	ok(backs > 10, "%u times", backs);
	ok(bads == 0, "each roll-back leads to what was there");
	now = select_text("SELECT count(*) FROM keys WHERE slot IS NULL AND "
	    "source <> 'gone'");
	ok(strcmp(now, "0") == 0, "all keys have slots");
	free(now);
	now = select_text("SELECT count(*) FROM pragma_foreign_key_check");
	ok(strcmp(now, "0") == 0, "all references hold");
	free(now);
	for (i = 0; i < 4 * STEPS; i++)
		free(was[i]);
	store_close(s);
}

/* --- conflicts, users, retention ------------------------------------------------------ */

/* Its row is older than columns that migrations added. */
static void
test_old_row(void)
{
	struct store	*s = must_open();
	struct rollback	 rb;
	int64_t		 id = 0;

	ok(store_object_find(s, OBJECT_PROVIDER, STR("mock"), &id) ==
	    OBJECT_OK && store_object_update(s, box, OBJECT_PROVIDER, id,
	    STR("{\"enabled\":false}"), &oe) == OBJECT_OK, "mock is disabled");
	(void)told(s);
	ok(differs("[{\"fields\":[{\"name\":\"enabled\",\"new\":false,"
	    "\"old\":true}],\"kind\":\"provider\",\"name\":\"mock\","
	    "\"op\":\"change\"}]"), "from what it was");
	rb = (struct rollback){ .n = store_revision_made(s), .only = true };
	ok(store_rollback(s, &rb) == ROLLBACK_DONE, "undone: %s",
	    store_error(s));
	json_decref(rb.diff);
	store_close(s);
}

static void
test_conflict(void)
{
	struct store	*s = must_open();
	struct rollback	 rb = { .n = 0 };
	int64_t		 id, first, now;
	char		*before, *after;

	id = object(s, OBJECT_PROVIDER, "{\"name\":\"solo\",\"dialect\":"
	    "\"gemini\"}");
	first = store_revision_made(s);
	ok(store_object_update(s, box, OBJECT_PROVIDER, id, STR("{\"base_url\":"
	    "\"http://127.0.0.1:2\"}"), &oe) == OBJECT_OK, "a change");
	now = store_revision_made(s);
	rb = (struct rollback){ .n = now, .dry = true };
	before = state();
	ok(store_rollback(s, &rb) == ROLLBACK_DONE && rb.undone == 0 &&
	    json_array_size(rb.diff) == 0, "back to now: nothing");
	json_decref(rb.diff);
	rb = (struct rollback){ .n = first, .dry = true };
	ok(store_rollback(s, &rb) == ROLLBACK_DONE && rb.undone == 1 &&
	    json_array_size(rb.diff) == 1, "what would change");
	json_decref(rb.diff);
	after = state();
	ok(strcmp(before, after) == 0 && store_revision_made(s) == now,
	    "and it did not");
	free(before);
	free(after);
	sql("UPDATE providers SET base_url = 'http://127.0.0.1:3' "
	    "WHERE name = 'solo'");
	before = state();
	rb.dry = false;
	ok(store_rollback(s, &rb) == ROLLBACK_CONFLICT &&
	    strstr(store_error(s), "was changed again since") != NULL,
	    "changed by others: %s", store_error(s));
	json_decref(rb.diff);
	after = state();
	ok(strcmp(before, after) == 0, "nothing was changed");
	free(before);
	free(after);
	rb = (struct rollback){ .n = 100000 };
	ok(store_rollback(s, &rb) == ROLLBACK_NONE, "no such revision");
	store_close(s);
}

static void
test_users(void)
{
	struct store	*s = must_open();
	struct rollback	 rb;
	int64_t		 root, guest, n, made;
	char		*left;

	ok(store_user_add(s, STR("root"), STR("correct horse"), ADMIN_ADMIN,
	    &root) == 1 && said(s, "tester: add user 'root' 1"), "a user");
	ok(diff_has("{\"name\":\"password\",\"secret\":true}"),
	    "no hash of his password");
	ok(store_user_add(s, STR("guest"), STR("just looking"), ADMIN_VIEWER,
	    &guest) == 1, "another");
	n = store_revision_made(s);
	(void)object(s, OBJECT_PROVIDER, "{\"name\":\"later\",\"dialect\":"
	    "\"gemini\"}");
	ok(store_user_delete(s, guest) == 1, "who goes");
	made = store_revision_made(s);
	rb = (struct rollback){ .n = n };
	ok(store_rollback(s, &rb) == ROLLBACK_DONE && rb.undone == 1 &&
	    rb.left == 1, "a roll-back passes over users");
	json_decref(rb.diff);
	left = select_text("SELECT group_concat(name) FROM (SELECT name "
	    "FROM users ORDER BY id)");
	ok(strcmp(left, "root") == 0, "and leaves them");
	free(left);
	rb = (struct rollback){ .n = made, .only = true };
	ok(store_rollback(s, &rb) == ROLLBACK_DONE && rb.undone == 1,
	    "one may be undone alone: %s", store_error(s));
	json_decref(rb.diff);
	left = select_text("SELECT group_concat(name) FROM (SELECT name "
	    "FROM users ORDER BY id)");
	ok(strcmp(left, "root,guest") == 0, "he is back");
	free(left);
	ok(store_user_set(s, root, STR(""), ADMIN_VIEWER, true) == -2,
	    "the last administrator");
	rb = (struct rollback){ .n = n - 1, .only = true };
	ok(store_rollback(s, &rb) == ROLLBACK_CONFLICT &&
	    strstr(store_error(s), "administrator") != NULL,
	    "is not undone, either: %s", store_error(s));
	json_decref(rb.diff);
	store_close(s);
}

static void
count_cb(void *arg, const struct store_revision *r)
{
	int64_t	*n = arg;

	n[0]++;
	n[1] = r->n;
	n[2] = r->since;
}

static void
test_keep(void)
{
	struct store	*s;
	struct rollback	 rb;
	int64_t		 id, n[3] = { 0, 0, 0 };
	int		 i;
	char		 json[64];

	sql("INSERT INTO settings (name, value, source) VALUES "
	    "('revisions', 10, 'db')");
	s = must_open();
	id = object(s, OBJECT_PROVIDER, "{\"name\":\"much\",\"dialect\":"
	    "\"gemini\"}");
	for (i = 0; i < 30; i++) {
		snprintf(json, sizeof(json), "{\"connect_ms\":%d}", 100 + i);
		(void)store_object_update(s, box, OBJECT_PROVIDER, id,
		    str_of(json), &oe);
	}
	ok(store_revisions(s, 0, 1000, count_cb, n) == 0 && n[0] == 11 &&
	    n[1] == store_revision_made(s) - 10 && n[2] == 1,
	    "ten are kept, and one that stands for all before: %lld, %lld, "
	    "since %lld", (long long)n[0], (long long)n[1], (long long)n[2]);
	rb = (struct rollback){ .n = n[1], .only = true };
	ok(store_rollback(s, &rb) == ROLLBACK_CONFLICT &&
	    strstr(store_error(s), "merged") != NULL, "which cannot be undone");
	rb = (struct rollback){ .n = n[1] };
	ok(store_rollback(s, &rb) == ROLLBACK_DONE && rb.undone == 10,
	    "but one may go back to where it ended");
	json_decref(rb.diff);
	rb = (struct rollback){ .n = n[1] - 1 };
	ok(store_rollback(s, &rb) == ROLLBACK_NONE, "and no further");
	store_close(s);
}

int
main(void)
{
	int	 fd;

	if ((fd = mkstemp(path)) == -1)
		fatal("%s", path);
	close(fd);
	unlink(path);
	snprintf(secret, sizeof(secret), "%s.key", path);
	if ((box = secret_box_open(secret, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	test_told();
	clean();
	test_any();
	clean();
	test_old_row();
	clean();
	test_conflict();
	test_users();
	test_keep();
	clean();
	json_decref(diff);
	secret_box_close(box);
	unlink(secret);
	return done();
}
