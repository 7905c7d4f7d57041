/*
 * The database: its file, what app.yml makes of it, the snapshot of it, the
 * request log.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "state/acct.h"
#include "state/snapshot.h"
#include "state/store.h"
#include "tap.h"

static char			 dir[] = "/tmp/proxyd-store-XXXXXX";
static char			 path[64];
static char			 err[2048];
static struct secret_box	*box;

static struct store *
open_store(enum store_open_mode mode)
{
	err[0] = '\0';
	return store_open(path, mode, err, sizeof(err));
}

static struct store *
must_open(void)
{
	struct store	*s = open_store(STORE_WRITE);

	if (s == NULL)
		fatalx("%s", err);
	return s;
}

static void
remove_store(void)
{
	char	 name[80];

	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
}

/* Behind the store's back, as somebody with the sqlite3 shell. */
static void
sql(const char *text)
{
	sqlite3	*db;
	char	*why = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fatalx("%s: %s", text, why);
	sqlite3_close(db);
}

static int64_t
sql_number(const char *text)
{
	sqlite3_stmt	*st;
	sqlite3		*db;
	int64_t		 v = -1;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
		fatalx("%s: %s", text, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}

static uint64_t
generation(struct store *s)
{
	uint64_t	 g = 0;

	if (store_generation(s, &g) == -1)
		fatalx("%s", store_error(s));
	return g;
}

static int
apply_text(struct store *s, const char *text)
{
	struct conf	*c;
	int		 rc;

	c = conf_parse(str_of(text), "app.yml", err, sizeof(err));
	if (c == NULL)
		fatalx("%s", err);
	rc = store_apply_conf(s, c, box);
	conf_free(c);
	return rc;
}

/* --- the file ------------------------------------------------------------- */

static mode_t
mode_of(const char *suffix)
{
	struct stat	 st;
	char		 name[80];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
test_open(void)
{
	struct store	*s, *r;
	mode_t		 old = umask(0);

	r = open_store(STORE_READ);
	ok(r == NULL && strstr(err, "No such file") != NULL,
	    "reading what is not there: %s", err);
	s = open_store(STORE_WRITE);
	ok(s != NULL && store_schema_version(s) > 0, "made from nothing %s",
	    err);
	ok(apply_text(s, "") == 1, "written to");
	ok(mode_of("") == 0600 && mode_of("-wal") == 0600 &&
	    mode_of("-shm") == 0600, "for its owner alone");
	r = open_store(STORE_READ);
	ok(r != NULL && generation(r) == generation(s), "opened for reading");
	ok(apply_text(r, "PORT: 1") == -1 &&
	    strstr(store_error(r), "opened for reading") != NULL,
	    "which cannot write: %s", store_error(r));
	ok(store_log_begin(r) == -1, "nor log");
	store_close(r);
	store_close(s);
	store_close(NULL);
	chmod(path, 0644);
	s = open_store(STORE_WRITE);
	ok(s != NULL && mode_of("") == 0600, "a laxer mode is mended");
	store_close(s);
	umask(old);
	r = open_store(STORE_READ);
	ok(r != NULL && generation(r) == 2, "read with nobody writing");
	store_close(r);
	s = store_open("/nowhere/proxyd.db", STORE_WRITE, err, sizeof(err));
	ok(s == NULL && strcmp(err, "cannot create '/nowhere/proxyd.db': "
	    "No such file or directory") == 0, "no directory: %s", err);
}

static void
test_foreign(void)
{
	struct store	*s;
	FILE		*f;

	sql("PRAGMA user_version = 99");
	s = open_store(STORE_WRITE);
	ok(s == NULL && strstr(err, "has schema 99 of a newer proxyd; this "
	    "one knows up to ") != NULL, "%s", err);
	s = open_store(STORE_READ);
	ok(s == NULL && strstr(err, "of a newer proxyd") != NULL,
	    "also for reading");
	sql("PRAGMA user_version = 0");
	s = open_store(STORE_READ);
	ok(s == NULL && strstr(err, "has schema 0, this program ") != NULL &&
	    strstr(err, ": start proxyd once to migrate it") != NULL, "%s", err);
	remove_store();
	sql("CREATE TABLE other (a)");
	s = open_store(STORE_WRITE);
	ok(s == NULL && strstr(err, "is a database of another program") !=
	    NULL, "%s", err);
	ok(sql_number("SELECT count(*) FROM sqlite_schema") == 1,
	    "which was left alone");
	remove_store();
	if ((f = fopen(path, "w")) == NULL)
		fatal("%s", path);
	fprintf(f, "this is no database, and it is long enough to be seen as "
	    "none, because SQLite reads a header of a hundred bytes\n");
	fclose(f);
	s = open_store(STORE_WRITE);
	ok(s == NULL && strstr(err, "file is not a database") != NULL, "%s",
	    err);
	remove_store();
}

/* Both daemons start at once on nothing. */
static void
test_race(void)
{
	struct store	*s;
	int		 i, st, good = 0;

	for (i = 0; i < 8; i++)
		if (fork() == 0) {
			s = open_store(STORE_WRITE);
			if (s == NULL)
				log_warnx("%s", err);
			else if (apply_text(s, "LOG_DAYS: 7") == -1)
				log_warnx("%s", store_error(s));
			else
				_exit(0);
			_exit(1);
		}
	for (i = 0; i < 8; i++)
		good += wait(&st) > 0 && WIFEXITED(st) && WEXITSTATUS(st) == 0;
	ok(good == 8, "%d of 8 processes opened a new file at once", good);
	s = open_store(STORE_READ);
	ok(s != NULL && generation(s) == 2, "it was written once");
	store_close(s);
	ok(sql_number("SELECT count(*) = (SELECT user_version FROM "
	    "pragma_user_version) FROM migrations") == 1, "and migrated once");
}

/* A writer holds the database for 300 ms; another waits. */
static void
test_locked(void)
{
	struct store	*s, *r;
	int64_t		 t;
	int		 fd[2], rc;
	char		 c;

	if (pipe(fd) == -1)
		fatal("pipe");
	if (fork() == 0) {
		s = must_open();
		if (store_log_begin(s) == -1 || write(fd[1], "x", 1) != 1)
			_exit(1);
		usleep(300000);
		store_log_rollback(s);
		_exit(0);
	}
	s = must_open();
	r = open_store(STORE_READ);
	if (read(fd[0], &c, 1) != 1)
		fatal("read");
	t = clock_mono_ms();
	ok(r != NULL && generation(r) > 0 && clock_mono_ms() - t < 200,
	    "a reader does not wait for a writer");
	rc = apply_text(s, "LOG_DAYS: 8");
	ok(rc == 1 && clock_mono_ms() - t >= 100, "a writer waits for another "
	    "(%lld ms)", (long long)(clock_mono_ms() - t));
	wait(NULL);
	store_close(r);
	store_close(s);
	close(fd[0]);
	close(fd[1]);
	remove_store();
}

/* --- app.yml in the database ---------------------------------------------- */

struct stats {
	unsigned		 n;
	struct store_key_stat	 k[8];
	char			 provider[8][16], mask[8][SECRET_MASK_LEN];
	int64_t			 status_key[16], count[16];
	int			 status[16];
	unsigned		 nstatus;
	char			 error[64];	/* of the first */
};

static void
key_cb(void *arg, const struct store_key_stat *k)
{
	struct stats	*t = arg;

	if (t->n == 8)
		return;
	t->k[t->n] = *k;
	if (t->n == 0)
		snprintf(t->error, sizeof(t->error), "%.*s",
		    STR_FMT(k->error));
	snprintf(t->provider[t->n], 16, "%.*s", STR_FMT(k->provider));
	snprintf(t->mask[t->n], SECRET_MASK_LEN, "%s", k->mask);
	t->n++;
}

static void
status_cb(void *arg, int64_t key_id, int status, int64_t n)
{
	struct stats	*t = arg;

	if (t->nstatus == 16)
		return;
	t->status_key[t->nstatus] = key_id;
	t->status[t->nstatus] = status;
	t->count[t->nstatus++] = n;
}

static struct stats
stats(struct store *s)
{
	struct stats	 t = { .n = 0 };

	if (store_key_stats(s, key_cb, status_cb, &t) == -1)
		fatalx("%s", store_error(s));
	return t;
}

static void
test_apply(struct store *s)
{
	static const char	 text[] =
	    "API_KEY_POOLS: {openai: [key-one, key-two], gemini: [key-one]}\n"
	    "PROVIDERS: {local: {dialect: openai-chat, headers: {A: b, C: d},\n"
	    "  proxy: 'http://u:p@h:1'}}\n"
	    "MODELS: [{name: a, provider: local}]\nALLOWED_HOSTS: [x.y, z]\n";
	struct stats		 t;
	uint64_t		 g = generation(s);
	int64_t			 v;

	ok(store_setting(s, "log_days", &v) == -1 &&
	    strstr(store_error(s), "no setting 'log_days' yet") != NULL,
	    "no settings at first: %s", store_error(s));
	ok(apply_text(s, text) == 1 && generation(s) == g + 1, "applied %s",
	    store_error(s));
	ok(store_setting(s, "log_days", &v) == 0 && v == 30, "a setting");
	t = stats(s);
	ok(t.n == 3 && t.k[0].slot == 0 && t.k[1].slot == 1 &&
	    t.k[2].slot == 2 && strcmp(t.provider[0], "openai") == 0 &&
	    strcmp(t.provider[2], "gemini") == 0 && t.k[0].enabled &&
	    t.k[0].file && t.k[0].last_used_us == 0,
	    "keys have slots, in their order");
	ok(apply_text(s, text) == 0 && generation(s) == g + 1,
	    "a second time changes nothing");
	ok(sql_number("SELECT sum(instr(CAST(value AS TEXT), 'key-') + "
	    "instr(print, 'key-')) FROM keys") == 0 &&
	    sql_number("SELECT instr(CAST(proxy AS TEXT), 'u:p') "
	    "FROM providers WHERE name = 'local'") == 0,
	    "nothing secret is to be read");
	ok(apply_text(s, "PORT: 9\nLOG_DAYS: 31\n") == 1, "all gone again");
	ok(stats(s).n == 0 && sql_number("SELECT count(*) FROM models") == 0 &&
	    sql_number("SELECT count(*) FROM hosts") == 0,
	    "keys, models and hosts too");
	ok(apply_text(s, "LOG_DAYS: 31\nPORT: 10\n") == 0,
	    "settings of processes are not the snapshot's");
}

/* t is the statistics before; a key keeps what it had. */
static void
test_keys_return(struct store *s)
{
	struct acct_rec	 r;
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct stats	 a, b;

	apply_text(s, "API_KEY_POOLS: {openai: [k1, k2]}");
	a = stats(s);
	memset(&r, 0, sizeof(r));
	r.f.time_us = 1000;
	r.f.nkeys = 1;
	r.f.key[0].key_id = a.k[1].key_id;
	r.f.key[0].status = 200;
	r.f.key[0].ok = 1;
	if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1 ||
	    store_log_commit(s, 1, tail) == -1)
		fatalx("%s", store_error(s));
	ok(apply_text(s, "API_KEY_POOLS: {openai: [k1]}") == 1 &&
	    stats(s).n == 1, "a key leaves");
	ok(apply_text(s, "API_KEY_POOLS: {openai: [k3, k1]}") == 1,
	    "another comes");
	b = stats(s);
	ok(b.n == 2 && b.k[0].slot != a.k[0].slot && b.k[0].slot !=
	    a.k[1].slot && b.k[1].key_id == a.k[0].key_id,
	    "and has a slot of its own, first in the order");
	ok(apply_text(s, "API_KEY_POOLS: {openai: [k2, k3]}") == 1,
	    "the first comes back");
	b = stats(s);
	ok(b.n == 2 && b.k[0].key_id == a.k[1].key_id && b.k[0].slot ==
	    a.k[1].slot && b.k[0].ok == 1 && b.k[0].last_used_us == 1000,
	    "with its id, slot and statistics");
	ok(b.nstatus == 1 && b.status[0] == 200 && b.count[0] == 1 &&
	    b.status_key[0] == b.k[0].key_id, "of statuses too");
}

static struct stats
failed(struct store *s, int64_t key, int64_t time_us, const char *tries)
{
	struct acct_rec	 r;
	uint64_t	 tail[STORE_RINGS] = { 0 };

	memset(&r, 0, sizeof(r));
	r.f.time_us = time_us;
	r.f.nkeys = 1;
	r.f.key[0].key_id = key;
	r.f.key[0].status = 401;
	r.s[ACCT_ATTEMPTS] = str_of(tries);
	if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1 ||
	    store_log_commit(s, 1, tail) == -1)
		fatalx("%s", store_error(s));
	return stats(s);
}

static void
test_key_errors(struct store *s)
{
	int64_t		 key = stats(s).k[0].key_id;
	char		 tries[256];
	struct stats	 t;

	ok(stats(s).k[0].error_us == 0, "no failure yet");
	snprintf(tries, sizeof(tries), "[{\"key_id\":%lld,\"why\":\"first\"},"
	    "{\"key_id\":%lld,\"why\":\"it is revoked\"},{\"key_id\":99999,"
	    "\"why\":\"other\"},{\"why\":\"ok\"}]", (long long)key,
	    (long long)key);
	t = failed(s, key, 5000, tries);
	ok(t.k[0].error_us == 5000 && t.k[0].error_status == 401 &&
	    strcmp(t.error, "it is revoked") == 0, "the last one: '%s'",
	    t.error);
	t = failed(s, key, 4000, "[]");
	ok(t.k[0].error_us == 5000 && t.error[0] != '\0',
	    "not one that began before it");
	t = failed(s, key, 6000, "[{\"key_id\":");
	ok(t.k[0].error_us == 6000 && t.error[0] == '\0',
	    "one whose attempts were cut has no text");
}

/* Every slot is taken by keys that are gone or not. */
static void
test_slots(struct store *s)
{
	struct buf	 b;
	int		 i, round, rc = 0;

	buf_init(&b, 1 << 20);
	for (round = 0; round < 3; round++) {
		buf_clear(&b);
		buf_addz(&b, "API_KEY_POOLS: {openai: [x");
		for (i = 0; i < 1000; i++)
			buf_addf(&b, ",k%d-%d", round, i);
		buf_addz(&b, "]}");
		rc += apply_text(s, b.data);
	}
	ok(rc == 3, "three times 1,000 keys %s", store_error(s));
	ok(sql_number("SELECT count(*) FROM keys WHERE source = 'file' AND "
	    "slot IS NOT NULL") == 1001 &&
	    sql_number("SELECT count(DISTINCT slot) = count(slot) FROM keys"),
	    "each with a slot");
	sql("UPDATE keys SET source = 'db' WHERE source = 'file'");
	buf_clear(&b);
	buf_addz(&b, "API_KEY_POOLS: {gemini: [x");
	for (i = 0; i < 100; i++)
		buf_addf(&b, ",z%d", i);
	buf_addz(&b, "]}");
	ok(apply_text(s, b.data) == -1 &&
	    strcmp(store_error(s), "more than 1024 keys") == 0, "%s",
	    store_error(s));
	ok(sql_number("SELECT count(*) FROM keys WHERE source = 'file'") == 0,
	    "which left no half");
	sql("DELETE FROM keys");
	buf_release(&b);
}

/* --- snapshots ------------------------------------------------------------ */

static void
test_snapshot_providers(const struct snapshot *n)
{
	const struct snap_provider	*p;
	int				 i;

	ok(n->nproviders == 5 && str_is(n->providers[3].name, "local") &&
	    str_is(n->providers[4].name, "mock") &&
	    str_is(n->providers[4].dialect, "mock") && n->providers[4].keyless,
	    "providers in their order, the mock last");
	i = snapshot_provider(n, STR("local"));
	ok(i == 3 && snapshot_provider(n, STR("loca")) == -1, "by name");
	p = &n->providers[3];
	ok(str_is(p->base_url, "http://h:1/v1") && p->keyless &&
	    str_is(p->proxy, "http://u:p@h:1") && p->connect_ms == 500 &&
	    p->total_ms == 60000 && str_is(p->default_model, "m") &&
	    str_is(p->auth_header, "X-K") && str_is(p->auth_format, "{key}") &&
	    str_is(p->ca_file, "/ca"), "what it is");
	ok(p->nheaders == 2 && strcmp(p->headers[0].name, "A") == 0 &&
	    strcmp(p->headers[0].value, "b") == 0 &&
	    strcmp(p->headers[1].name, "C") == 0 &&
	    strcmp(p->headers[1].value, "") == 0, "its headers");
	ok(p->first_key == 2 && p->nkeys == 1 && n->nkeys == 3 &&
	    str_is(secret_reveal(n->keys[2].value), "k3") &&
	    n->keys[2].provider == 3 && n->keys[2].enabled &&
	    strcmp(n->keys[0].mask, "****") == 0, "its keys");
}

static void
test_snapshot(struct store *s)
{
	const struct snap_model	*m;
	struct snapshot		*n;

	apply_text(s, "PREFERRED_PROVIDER: local\nMODE: direct\n"
	    "PROVIDERS: {local: {dialect: openai-chat, base_url: "
	    "'http://h:1/v1', headers: {A: b, C: ''}, keyless: true,\n"
	    "  proxy: 'http://u:p@h:1', connect_timeout: 500ms,\n"
	    "  total_timeout: 1m, default_model: m, auth_header: X-K,\n"
	    "  auth_format: '{key}', ca_file: /ca, keys: [k3]}}\n"
	    "API_KEY_POOLS: {openai: [k1, k2]}\n"
	    "MODELS: [{name: zz, provider: mock}, {name: a, model: b, "
	    "provider: openai, mode: transformer}, {name: ab, provider: "
	    "local}]\nALLOWED_HOSTS: [x.y]\nCOOLDOWN: 1500ms\n");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && n->generation == generation(s) &&
	    n->mode == CONF_DIRECT && n->preferred == 3 &&
	    n->cooldown_ms == 1500 && n->max_body == 32 << 20 &&
	    n->retry_tries == 4 && !n->allow_anonymous, "a snapshot %s", err);
	if (n == NULL)
		return;
	ok(n->nhosts == 1 && str_is(n->hosts[0], "x.y"), "hosts");
	test_snapshot_providers(n);
	m = snapshot_model(n, STR("a"));
	ok(n->nmodels == 3 && m != NULL && str_is(m->target, "b") &&
	    m->provider == 0 && m->mode == CONF_TRANSFORMER, "a model");
	m = snapshot_model(n, STR("zz"));
	ok(m != NULL && m->provider == 4 && m->mode == CONF_DIRECT,
	    "one of the mock");
	ok(snapshot_model(n, STR("ab")) != NULL &&
	    snapshot_model(n, STR("")) == NULL &&
	    snapshot_model(n, STR("abc")) == NULL &&
	    snapshot_model(n, STR("zzz")) == NULL, "none else");
	ok(snapshot_ref(n) == n, "a second reference");
	snapshot_unref(n);
	ok(n->nproviders == 5, "still there");
	snapshot_unref(n);
	snapshot_unref(NULL);
}

static void
test_snapshot_faults(struct store *s)
{
	struct secret_box	*other;
	struct snapshot		*n;
	char			 name[80];

	sql("UPDATE keys SET value = substr(value, 1, 20) WHERE id = "
	    "(SELECT min(id) FROM keys WHERE source = 'file')");
	log_setprocname("expected");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && !n->keys[0].enabled && n->keys[1].enabled,
	    "a damaged key rests, the others do not");
	snapshot_unref(n);
	/* A sealed value is good for its own provider only. */
	sql("UPDATE keys SET value = (SELECT value FROM keys k JOIN providers "
	    "p ON p.id = k.provider_id WHERE p.name = 'local') WHERE id = "
	    "(SELECT min(id) FROM keys WHERE source = 'file')");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && !n->keys[0].enabled, "so does one that was moved");
	snapshot_unref(n);
	sql("INSERT INTO models (route_key, target, provider_id, source) "
	    "SELECT 'zz', 'other', id, 'db' FROM providers "
	    "WHERE name = 'openai'");
	sql("INSERT INTO models (route_key, target, provider_id, source) "
	    "SELECT 'lost', 'other', id, 'db' FROM providers "
	    "WHERE name = 'local'");
	snprintf(name, sizeof(name), "%s/other.key", dir);
	other = secret_box_open(name, err, sizeof(err));
	n = snapshot_load(s, other, err, sizeof(err));
	ok(n == NULL && strcmp(err, "the proxy of provider 'local' cannot be "
	    "opened: it is damaged, or sealed under another secret.key") == 0,
	    "another secret.key: %s", err);
	secret_box_close(other);
	unlink(name);
	apply_text(s, "MODELS: [{name: zz, provider: mock}]\n");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && n->nmodels == 1 && str_is(n->models[0].target, "zz"),
	    "the file's model goes before; one without provider is not there");
	ok(n != NULL && n->nproviders == 4 && n->preferred == -1 &&
	    n->nkeys == 0, "what left the file is not in the snapshot");
	snapshot_unref(n);
	log_setprocname("store.t");
}

/* --- records -------------------------------------------------------------- */

static struct acct_rec
record(int i)
{
	struct acct_rec	 r;
	unsigned	 k;

	memset(&r, 0, sizeof(r));
	r.f.time_us = 1700000000000000 + i;
	r.f.key_id = 7;
	r.f.status = 200;
	r.f.upstream_status = 200;
	r.f.attempts = 1;
	r.f.nkeys = 1;
	r.f.key[0].key_id = 1 + i % 5;
	r.f.key[0].status = 200;
	r.f.key[0].ok = 1;
	r.f.input = 1234;
	r.f.output = i;
	r.f.total_us = 1000000;
	r.f.overhead_us = 85;
	for (k = 0; k < ACCT_STR_COUNT; k++)
		r.s[k] = STR("claude-sonnet-5");
	r.s[ACCT_ID] = STR("req_0123456789abcdefghijklmn");
	r.s[ACCT_UPSTREAM_ID] = STR("msg_0123456789abcdefghijklmn");
	r.s[ACCT_PROVIDER] = STR("anthropic");
	r.s[ACCT_LOSS] = STR("");
	r.s[ACCT_ERROR] = STR("");
	r.s[ACCT_KEYS] = STR("");
	r.s[ACCT_ATTEMPTS] = STR("[{\"provider\":\"anthropic\",\"key\":7,"
	    "\"status\":200,\"ms\":1000}]");
	return r;
}

static void
test_acct(void)
{
	static char	 big[40000];
	struct acct_rec	 r = record(3), u;
	struct acct_key	 more[3], k;
	struct str	 p;
	struct buf	 b;
	size_t		 i;
	int		 bad = 0;

	buf_init(&b, 1 << 20);
	acct_pack(&r, &b);
	ok(acct_unpack(buf_str(&b), &u) == 0 &&
	    memcmp(&u.f, &r.f, sizeof(u.f)) == 0 &&
	    str_eq(u.s[ACCT_ID], r.s[ACCT_ID]) &&
	    str_eq(u.s[ACCT_USER_AGENT], r.s[ACCT_USER_AGENT]),
	    "packed and unpacked");
	for (i = 0; i < b.len; i++)
		bad += acct_unpack((struct str){ b.data, i }, &u) == 0;
	buf_addc(&b, 'x');
	bad += acct_unpack(buf_str(&b), &u) == 0;
	ok(bad == 0, "no other length is taken");
	r.f.nkeys = ACCT_ATTEMPTS_MAX + 1;
	buf_clear(&b);
	acct_pack(&r, &b);
	ok(acct_unpack(buf_str(&b), &u) == -1, "too many keys");
	r.f.nkeys = ACCT_ATTEMPTS_MAX;
	for (i = 0; i < 3; i++)
		more[i] = (struct acct_key){ .key_id = 100 + (int64_t)i,
		    .status = 429, .again = 2 };
	r.s[ACCT_KEYS] = (struct str){ (char *)more, sizeof(more) - 1 };
	buf_clear(&b);
	acct_pack(&r, &b);
	ok(acct_unpack(buf_str(&b), &u) == 0 && acct_key(&u, 0, &k) &&
	    k.key_id == 4 && k.again == 0 &&
	    acct_key(&u, ACCT_ATTEMPTS_MAX + 1, &k) && k.key_id == 101 &&
	    k.again == 2 && !acct_key(&u, ACCT_ATTEMPTS_MAX + 2, &k),
	    "more keys stand behind, as far as they are whole");
	r.s[ACCT_KEYS] = STR("");
	r.f.nkeys = 1;

	memset(big, 'x', sizeof(big));
	memcpy(big + 8190, "\xe4\xbd\xa0", 3);
	r.s[ACCT_ERROR] = (struct str){ big, sizeof(big) };
	buf_clear(&b);
	acct_pack(&r, &b);
	ok(acct_unpack(buf_str(&b), &u) == 0 && u.s[ACCT_ERROR].n == 8190,
	    "a long text is cut between characters");
	memset(big, 'x', sizeof(big));
	for (i = 0; i < ACCT_STR_COUNT; i++)
		r.s[i] = (struct str){ big, sizeof(big) };
	buf_clear(&b);
	acct_pack(&r, &b);
	ok(b.len <= ACCT_REC_MAX && acct_unpack(buf_str(&b), &u) == 0 &&
	    u.s[ACCT_ID].n == 2048, "all long: %zu bytes", b.len);

	r = record(1);
	for (i = 0; i + 20 < sizeof(big); i += 20)
		memcpy(big + i, ",{\"a\\\"]\":[\"x\",1,{}]}", 20);
	big[0] = '[';
	big[i] = ']';
	r.s[ACCT_LOSS] = (struct str){ big, i + 1 };
	buf_clear(&b);
	acct_pack(&r, &b);
	p = acct_unpack(buf_str(&b), &u) == 0 ? u.s[ACCT_LOSS] : STR("");
	ok(p.n == 8181 && str_ends(p, "{}]}]") && str_starts(p, "[{\"a"),
	    "a long JSON array is cut between elements (%zu)", p.n);
	buf_release(&b);
}

static void
test_rows(struct store *s)
{
	struct acct_rec	 r = record(1);
	uint64_t	 tail[STORE_RINGS] = { 5, 6 }, got[STORE_RINGS];
	int64_t		 n = store_log_count(s);

	r.s[ACCT_MODEL_ASKED] = STR("x'); DROP TABLE requests; --\0\"%_");
	r.s[ACCT_USER_AGENT] = STR("a\xff\xfe\xe4\xbd\xa0z");
	r.s[ACCT_ERROR] = STR("\xe4\xbd\xa0 </script>");
	ok(store_log_begin(s) == 0 && store_log_row(s, &r) == 0 &&
	    store_log_commit(s, 77, tail) == 0, "a row %s", store_error(s));
	ok(store_log_count(s) == n + 1, "it is there");
	ok(sql_number("SELECT count(*) FROM requests WHERE model_asked = "
	    "'x''); DROP TABLE requests; --?\"%_' AND user_agent = 'a?????z' "
	    "AND error = '\xe4\xbd\xa0 </script>' AND input = 1234 AND "
	    "key_id = 7 AND dialect = 'claude-sonnet-5' AND "
	    "request_id LIKE 'req_%'") == 1, "each value in its column");
	ok(store_log_tails(s, 77, got) == 0 && got[0] == 5 && got[1] == 6 &&
	    got[2] == 0, "with the rings' positions");
	ok(store_log_begin(s) == 0 && store_log_row(s, &r) == 0,
	    "another row");
	store_log_rollback(s);
	ok(store_log_count(s) == n + 1, "that is taken back");
	ok(store_log_tails(s, 78, got) == 0 && got[0] == 0 && got[1] == 0,
	    "another memory has no positions");
	tail[1] = 9;
	ok(store_log_begin(s) == 0 && store_log_commit(s, 77, tail) == 0 &&
	    store_log_tails(s, 77, got) == 0 && got[1] == 9, "one moves on");
	ok(store_log_begin(s) == 0 && store_log_commit(s, 78, tail) == 0 &&
	    store_log_tails(s, 77, got) == 0 && got[0] == 0 &&
	    store_log_tails(s, 78, got) == 0 && got[1] == 9,
	    "positions of another memory are forgotten");
	ok(store_log_begin(s) == 0 && store_log_begin(s) == -1,
	    "no transaction in another: %s", store_error(s));
	store_log_rollback(s);
	n = store_log_count(s);
	ok(store_log_row(s, &r) == -1 && store_log_commit(s, 77, tail) == -1 &&
	    store_log_count(s) == n, "no row without one: %s",
	    store_error(s));
}

static void
test_stats(struct store *s)
{
	static const struct {
		int	 status;
		uint32_t ok;
	} a[] = { { 429, 0 }, { 0, 0 }, { 200, 1 }, { -5, 0 }, { 99999, 0 } };
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct acct_rec	 r = record(9);
	struct stats	 t;
	unsigned	 i;

	apply_text(s, "API_KEY_POOLS: {openai: [only]}");
	t = stats(s);
	r.f.nkeys = 5;
	for (i = 0; i < 5; i++) {
		r.f.key[i].key_id = t.k[0].key_id;
		r.f.key[i].status = a[i].status;
		r.f.key[i].ok = a[i].ok;
	}
	for (i = 0; i < 2; i++)
		if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1 ||
		    store_log_row(s, &r) == -1 ||
		    store_log_commit(s, 79, tail) == -1)
			fatalx("%s", store_error(s));
	if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1)
		fatalx("%s", store_error(s));
	store_log_rollback(s);
	t = stats(s);
	ok(t.n == 1 && t.k[0].ok == 4 && t.k[0].failed == 16 &&
	    t.k[0].last_used_us == r.f.time_us, "a key's attempts add up");
	ok(t.nstatus == 3 && t.status[0] == 0 && t.count[0] == 12 &&
	    t.status[1] == 200 && t.count[1] == 4 && t.status[2] == 429 &&
	    t.count[2] == 4, "by status");
	/* More keys in one transaction than are summed at once. */
	if (store_log_begin(s) == -1)
		fatalx("%s", store_error(s));
	for (i = 0; i < 4000; i++) {
		r.f.nkeys = 1;
		r.f.key[0].key_id = 100000 + i % 1000;
		if (store_log_row(s, &r) == -1)
			fatalx("%s", store_error(s));
	}
	ok(store_log_commit(s, 79, tail) == 0 &&
	    sql_number("SELECT count(*) FROM key_use WHERE key_id >= 100000 "
	    "AND failed = 4") == 1000 &&
	    sql_number("SELECT sum(n) FROM key_stats WHERE key_id >= 100000")
	    == 4000, "a thousand keys in one transaction");
}

static void
test_expire(struct store *s)
{
	int64_t	 n = store_log_count(s);

	ok(n > 1000 && store_log_expire(s, 1, 0, 100) == 0, "nothing is so old");
	ok(store_log_expire(s, INT64_MAX, 0, 1000) == 1000 &&
	    store_log_count(s) == n - 1000, "at most n at once");
	while (store_log_expire(s, INT64_MAX, 0, 1000) > 0)
		;
	ok(store_log_count(s) == 0, "until none is left");
}

/*
 * A writer is killed at any point; what it had committed is there, rows and
 * positions alike, and nothing else.
 */
static void
writer(int fd)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct store	*s = must_open();
	struct acct_rec	 r;
	int		 i, k;

	if (store_log_tails(s, 80, tail) == -1)
		_exit(1);
	for (i = (int)tail[0];;) {
		if (store_log_begin(s) == -1)
			_exit(1);
		for (k = 0; k < 20; k++, i++) {
			r = record(i);
			if (store_log_row(s, &r) == -1)
				_exit(1);
		}
		tail[0] = (uint64_t)i;
		if (store_log_commit(s, 80, tail) == -1 ||
		    write(fd, ".", 1) != 1)
			_exit(1);
	}
}

static void
test_crash(void)
{
	uint64_t	 tail[STORE_RINGS];
	struct store	*s;
	int64_t		 n = 0;
	int		 round, i, fd[2], bad = 0;
	pid_t		 pid;
	char		 c;

	for (round = 0; round < 12; round++) {
		if (pipe(fd) == -1)
			fatal("pipe");
		if ((pid = fork()) == 0)
			writer(fd[1]);
		close(fd[1]);
		for (i = 0; i < 3 && read(fd[0], &c, 1) == 1; i++)
			;
		usleep((useconds_t)round * 300);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(fd[0]);
		s = must_open();
		if (store_log_tails(s, 80, tail) == -1)
			fatalx("%s", store_error(s));
		n = store_log_count(s);
		bad += n != (int64_t)tail[0] || i != 3;
		store_close(s);
	}
	ok(bad == 0, "killed %d times, %lld rows: rows and positions agree",
	    round, (long long)n);
	ok(sql_number("SELECT count(DISTINCT output) = count(*) AND "
	    "max(output) = count(*) - 1 FROM requests"),
	    "each record once");
	ok(sql_number("SELECT (SELECT sum(ok) FROM key_use WHERE key_id <= 5) "
	    "- count(*) FROM requests") == 0,
	    "and counted once");
}

/* The disk is full for a while: nothing is half there, and then it goes on. */
static void
full_child(void)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct store	*s = must_open();
	struct rlimit	 old, low;
	struct acct_rec	 r = record(0);
	int		 i, rc = 0;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = old;
	low.rlim_cur = 200000;
	setrlimit(RLIMIT_FSIZE, &low);
	for (i = 0; i < 2000 && rc == 0; i++)
		if ((rc = store_log_begin(s)) == 0 &&
		    (rc = store_log_row(s, &r)) == 0) {
			tail[0] = (uint64_t)i + 1;
			rc = store_log_commit(s, 82, tail);
		}
	if (rc == 0)
		_exit(2);
	store_log_rollback(s);
	if (store_log_tails(s, 82, tail) == -1 ||
	    store_log_count(s) != (int64_t)tail[0] || tail[0] == 0)
		_exit(3);
	setrlimit(RLIMIT_FSIZE, &old);
	tail[0]++;
	if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1 ||
	    store_log_commit(s, 82, tail) == -1 ||
	    store_log_count(s) != (int64_t)tail[0])
		_exit(4);
	store_close(s);
	_exit(0);
}

static void
test_full(void)
{
	int	 st = -1;

	remove_store();
	if (fork() == 0)
		full_child();
	wait(&st);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 0, "a full disk: rows and "
	    "positions agree, and it goes on afterwards (%d)", st);
}

static void
test_rate(void)
{
	enum { BATCH = 2000, N = 100000 };
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct store	*s;
	int64_t		 t, t1, longest = 0;
	struct acct_rec	 r;
	int		 i;

	remove_store();
	s = must_open();
	t = clock_mono_us();
	for (i = 0; i < N; i++) {
		t1 = clock_mono_us();
		if (i % BATCH == 0 && store_log_begin(s) == -1)
			fatalx("%s", store_error(s));
		r = record(i);
		if (store_log_row(s, &r) == -1)
			fatalx("%s", store_error(s));
		tail[1] = (uint64_t)i;
		if (i % BATCH == BATCH - 1 &&
		    store_log_commit(s, 81, tail) == -1)
			fatalx("%s", store_error(s));
		t1 = clock_mono_us() - t1;
		if (t1 > longest)
			longest = t1;
	}
	t = clock_mono_us() - t;
	ok(store_log_count(s) == N, "%d rows in batches of %d", N, BATCH);
	printf("# %lld rows/s, longest commit %lld us\n",
	    (long long)N * 1000000 / (long long)(t + 1), (long long)longest);
	store_close(s);
}

int
main(void)
{
	struct store	*s;
	char		 name[80];

	log_init("store.t", false);
	unsetenv("OPENAI_API_KEY");
	unsetenv("ANTHROPIC_API_KEY");
	unsetenv("GEMINI_API_KEY");
	if (mkdtemp(dir) == NULL)
		fatal("mkdtemp");
	snprintf(name, sizeof(name), "%s/secret.key", dir);
	snprintf(path, sizeof(path), "%s/proxyd.db", dir);
	if ((box = secret_box_open(name, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	test_open();
	test_foreign();
	test_race();
	test_locked();
	s = must_open();
	ok(snapshot_load(s, box, err, sizeof(err)) == NULL &&
	    strstr(err, "no setting") != NULL, "no snapshot yet: %s", err);
	test_apply(s);
	test_keys_return(s);
	test_key_errors(s);
	test_slots(s);
	test_snapshot(s);
	test_snapshot_faults(s);
	test_acct();
	test_rows(s);
	test_stats(s);
	test_expire(s);
	sql("DELETE FROM key_use");
	store_close(s);
	test_crash();
	test_full();
	test_rate();
	remove_store();
	unlink(name);
	secret_box_close(box);
	ok(rmdir(dir) == 0, "nothing else was left behind");
	return done();
}
