/*
 * The database file: opening, migrating, statements and transactions.  The
 * only file that sees SQLite; what is asked is in store_conf.c, store_log.c
 * and snapshot.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Debian builds the library with both; the header asks. */
#define SQLITE_ENABLE_SESSION		1
#define SQLITE_ENABLE_PREUPDATE_HOOK	1
#include <sqlite3.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/store_sql.h"

#define BUSY_MS		5000

/* Numbered from 1, each one step; never changed once released. */
struct migration {
	const char	*name, *sql;
};

static const struct migration main_migrations[] = {
#include "schema_sql.h"
};
static const struct migration bodies_migrations[] = {
#include "schema_bodies_sql.h"
};

static const struct migration state_migrations[] = {
#include "schema_state_sql.h"
};

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))
static const struct store_schema {
	int			 app_id;	/* PRAGMA application_id */
	const struct migration	*step;
	int			 version;	/* of the last step */
} schemas[] = {
	[STORE_MAIN] = { 0x50585944, main_migrations,	/* "PXYD" */
	    COUNT(main_migrations) },
	[STORE_BODIES] = { 0x50584244, bodies_migrations, /* "PXBD" */
	    COUNT(bodies_migrations) },
	[STORE_STATE] = { 0x50585354, state_migrations,	/* "PXST" */
	    COUNT(state_migrations) },
};

int
store_fail(struct store *s, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(s->err, sizeof(s->err), fmt, ap);
	va_end(ap);
	return -1;
}

static int
fail_db(struct store *s)
{
	const char	*why = s->db == NULL ? "out of memory" :
			    sqlite3_errmsg(s->db);

	if (!s->opened)			/* later, the caller knows which */
		return store_fail(s, "cannot open '%s': %s", s->path, why);
	return store_fail(s, "%s", why);
}

const char *
store_error(const struct store *s)
{
	return s->err;
}

/* --- statements ----------------------------------------------------------- */

struct sqlite3_stmt *
sql_prepare(struct store *s, const char *text)
{
	sqlite3_stmt	*st;
	unsigned	 i;

	for (i = 0; i < SQL_CACHE && s->cache[i].text != NULL; i++)
		if (s->cache[i].text == text)
			return s->cache[i].st;
	must(i < SQL_CACHE);
	if (sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &st,
	    NULL) != SQLITE_OK) {
		fail_db(s);
		return NULL;
	}
	s->cache[i].text = text;
	s->cache[i].st = st;
	return st;
}

void
sql_bind_int(struct sqlite3_stmt *st, int i, int64_t v)
{
	must(sqlite3_bind_int64(st, i, v) == SQLITE_OK);
}

void
sql_bind_str(struct sqlite3_stmt *st, int i, struct str v)
{
	must(v.n <= INT32_MAX && sqlite3_bind_text(st, i, v.n == 0 ? "" : v.p,
	    (int)v.n, SQLITE_STATIC) == SQLITE_OK);
}

void
sql_bind_blob(struct sqlite3_stmt *st, int i, struct str v)
{
	must(v.n <= INT32_MAX && sqlite3_bind_blob(st, i, v.n == 0 ? "" : v.p,
	    (int)v.n, SQLITE_STATIC) == SQLITE_OK);
}

static struct sqlite3_stmt *
open_va(struct store *s, const char *text, const char *fmt, va_list ap)
{
	struct sqlite3_stmt	*st;
	int			 i;

	if ((st = sql_prepare(s, text)) == NULL)
		return NULL;
	must(!sqlite3_stmt_busy(st) &&
	    sqlite3_bind_parameter_count(st) == (int)strlen(fmt));
	for (i = 1; *fmt != '\0'; fmt++, i++)
		if (*fmt == 'i')
			sql_bind_int(st, i, va_arg(ap, int64_t));
		else if (*fmt == 's')
			sql_bind_str(st, i, va_arg(ap, struct str));
		else
			sql_bind_blob(st, i, va_arg(ap, struct str));
	return st;
}

struct sqlite3_stmt *
sql_open(struct store *s, const char *text, const char *fmt, ...)
{
	struct sqlite3_stmt	*st;
	va_list			 ap;

	va_start(ap, fmt);
	st = open_va(s, text, fmt, ap);
	va_end(ap);
	return st;
}

int
sql_step(struct store *s, struct sqlite3_stmt *st)
{
	int	 rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail_db(s);
}

int64_t
sql_int(struct sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

struct str
sql_str(struct sqlite3_stmt *st, int column)
{
	const char	*p = sqlite3_column_blob(st, column);

	return (struct str){ p == NULL ? "" : p,
	    (size_t)sqlite3_column_bytes(st, column) };
}

void
sql_end(struct sqlite3_stmt *st)
{
	if (st == NULL)
		return;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

static int
run_va(struct store *s, const char *text, const char *fmt, va_list ap)
{
	struct sqlite3_stmt	*st = open_va(s, text, fmt, ap);
	int			 rc;

	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1)
		;
	sql_end(st);
	return rc;
}

int
sql_run(struct store *s, const char *text, const char *fmt, ...)
{
	va_list	 ap;
	int	 rc;

	va_start(ap, fmt);
	rc = run_va(s, text, fmt, ap);
	va_end(ap);
	return rc;
}

int
sql_get(struct store *s, int64_t *v, const char *text, const char *fmt, ...)
{
	struct sqlite3_stmt	*st;
	va_list			 ap;
	int			 rc;

	va_start(ap, fmt);
	st = open_va(s, text, fmt, ap);
	va_end(ap);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1)
		*v = sql_int(st, 0);
	sql_end(st);
	return rc;
}

int
sql_changes(struct store *s)
{
	return sqlite3_changes(s->db);
}

int
sql_begin(struct store *s)
{
	if (!s->write)
		return store_fail(s, "the database was opened for reading");
	return sql_run(s, "BEGIN IMMEDIATE", "");
}

int
sql_begin_read(struct store *s)
{
	return sql_run(s, "BEGIN", "");
}

int
sql_commit(struct store *s)
{
	return sql_run(s, "COMMIT", "");
}

/* Some errors, such as a full disk, end a transaction by themselves. */
int
sql_in_transaction(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		return 0;
	return store_fail(s, "no transaction is open");
}

/* Keeps the text of the error that led here. */
void
sql_rollback(struct store *s)
{
	unsigned	 i;

	for (i = 0; i < SQL_CACHE && s->cache[i].text != NULL; i++)
		sqlite3_reset(s->cache[i].st);
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int
sql_checkpoint_never(struct store *s)
{
	return sqlite3_wal_autocheckpoint(s->db, 0) == SQLITE_OK ? 0 :
	    fail_db(s);
}

int
sql_checkpoint(struct store *s)
{
	return sqlite3_wal_checkpoint_v2(s->db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK ? 0 :
	    fail_db(s);
}

void
sql_busy(struct store *s, int ms)
{
	s->busy_ms = ms;
	sqlite3_busy_timeout(s->db, ms);
}

int
sql_run_now(struct store *s, const char *text, const char *fmt, ...)
{
	va_list	 ap;
	int	 rc;

	sqlite3_busy_timeout(s->db, 0);
	va_start(ap, fmt);
	rc = run_va(s, text, fmt, ap);
	va_end(ap);
	if (rc == 0)
		rc = 1;
	else if (sqlite3_errcode(s->db) == SQLITE_BUSY)
		rc = 0;
	sqlite3_busy_timeout(s->db, s->busy_ms);
	return rc;
}

void
store_patience(struct store *s, int ms)
{
	sql_busy(s, ms);
}

int
store_unlocked(struct store *s)
{
	int	 rc = sql_run_now(s, "BEGIN IMMEDIATE", "");

	if (rc == 1)
		sql_rollback(s);
	return rc;
}

/* --- changes of rows ---------------------------------------------------------- */

static int
fail_code(struct store *s, int rc)
{
	return store_fail(s, "changes of rows: %s", sqlite3_errstr(rc));
}

int
sql_track(struct store *s, const char *const *tables)
{
	int	 rc = SQLITE_OK;

	if (s->track == NULL)
		rc = sqlite3session_create(s->db, "main", &s->track);
	for (; rc == SQLITE_OK && *tables != NULL; tables++)
		rc = sqlite3session_attach(s->track, *tables);
	return rc == SQLITE_OK ? 0 : fail_code(s, rc);
}

int
sql_track_take(struct store *s, struct buf *changeset)
{
	void	*p = NULL;
	int	 n, rc;

	if ((rc = sqlite3session_changeset(s->track, &n, &p)) != SQLITE_OK)
		return fail_code(s, rc);
	rc = buf_add(changeset, p, (size_t)n);
	sqlite3_free(p);
	return rc == 0 ? 0 : store_fail(s, "more than %zu bytes are changed "
	    "at once", changeset->max);
}

void
sql_track_end(struct store *s)
{
	if (s->track != NULL)
		sqlite3session_delete(s->track);
	s->track = NULL;
}

static struct sql_value
value_of(sqlite3_value *v)
{
	struct sql_value	 to = { .type = 0 };
	const char		*p;

	if (v == NULL)
		return to;
	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		to.type = 'i';
		to.i = sqlite3_value_int64(v);
		return to;
	case SQLITE_NULL:
		to.type = 'n';
		return to;
	}
	to.type = sqlite3_value_type(v) == SQLITE_BLOB ? 'b' : 's';
	p = sqlite3_value_blob(v);
	to.s = (struct str){ p == NULL ? "" : p,
	    (size_t)sqlite3_value_bytes(v) };
	return to;
}

static int
change_read(sqlite3_changeset_iter *it, struct sql_change *c)
{
	sqlite3_value	*v;
	unsigned char	*pk;
	int		 i, op, indirect, rc;

	rc = sqlite3changeset_op(it, &c->table, &c->n, &op, &indirect);
	if (rc == SQLITE_OK)
		rc = sqlite3changeset_pk(it, &pk, &i);
	if (rc != SQLITE_OK)
		return rc;
	c->pk = pk;
	c->op = op == SQLITE_INSERT ? SQL_ADD : op == SQLITE_DELETE ?
	    SQL_REMOVE : SQL_CHANGE;
	if (c->n > SQL_COLUMNS)
		return SQLITE_RANGE;
	for (i = 0; i < c->n; i++) {
		v = NULL;
		if (c->op != SQL_ADD)
			(void)sqlite3changeset_old(it, i, &v);
		c->old[i] = value_of(v);
		v = NULL;
		if (c->op != SQL_REMOVE)
			(void)sqlite3changeset_new(it, i, &v);
		c->new[i] = value_of(v);
	}
	return SQLITE_OK;
}

int
sql_changes_each(struct store *s, struct str changeset,
    int (*cb)(void *, const struct sql_change *), void *arg)
{
	sqlite3_changeset_iter	*it;
	struct sql_change	 c;
	int			 rc, end, said = 0;

	rc = sqlite3changeset_start(&it, (int)changeset.n,
	    (void *)(uintptr_t)changeset.p);
	if (rc != SQLITE_OK)
		return fail_code(s, rc);
	while (said == 0 && (rc = sqlite3changeset_next(it)) == SQLITE_ROW) {
		if ((rc = change_read(it, &c)) != SQLITE_OK)
			break;
		said = cb(arg, &c);
	}
	end = sqlite3changeset_finalize(it);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		return fail_code(s, rc);
	return end != SQLITE_OK ? fail_code(s, end) : said;
}

struct undoing {
	struct store		*s;
	const struct sql_undo	*u;
	bool			 conflict;
};

static int
undo_table_cb(void *arg, const char *table)
{
	struct undoing	*un = arg;

	return un->u->table(un->u, table);
}

static bool
value_same(sqlite3_value *a, sqlite3_value *b)
{
	struct sql_value	 x = value_of(a), y = value_of(b);

	return x.type == y.type && x.i == y.i && str_eq(x.s, y.s);
}

/* The columns that are not as the changeset left them: do they count? */
static bool
only_soft(struct undoing *un, sqlite3_changeset_iter *it, const char *table,
    int n)
{
	sqlite3_value	*was, *is;
	int		 i;

	for (i = 0; i < n; i++)
		if (sqlite3changeset_old(it, i, &was) == SQLITE_OK &&
		    was != NULL &&
		    sqlite3changeset_conflict(it, i, &is) == SQLITE_OK &&
		    !value_same(was, is) && !un->u->soft(un->u, table, i))
			return false;
	return true;
}

static int
undo_conflict_cb(void *arg, int why, sqlite3_changeset_iter *it)
{
	static const char *const text[] = {
		[SQLITE_CHANGESET_DATA] = "was changed again since",
		[SQLITE_CHANGESET_NOTFOUND] = "is not there any more",
		[SQLITE_CHANGESET_CONFLICT] = "is there again",
		[SQLITE_CHANGESET_CONSTRAINT] = "would clash with another",
		[SQLITE_CHANGESET_FOREIGN_KEY] = "is in use"
	};
	struct undoing		*un = arg;
	struct sql_change	 c = { .table = "" };
	char			 id[128] = "";
	const struct sql_value	*v;
	int			 i;

	if (why == SQLITE_CHANGESET_FOREIGN_KEY ||
	    change_read(it, &c) != SQLITE_OK)
		c.n = 0;
	if (why == SQLITE_CHANGESET_DATA && only_soft(un, it, c.table, c.n))
		return SQLITE_CHANGESET_REPLACE;
	if (why == SQLITE_CHANGESET_NOTFOUND && c.op == SQL_REMOVE)
		return SQLITE_CHANGESET_OMIT;
	for (i = 0; i < c.n && id[0] == '\0'; i++) {
		v = c.op == SQL_ADD ? &c.new[i] : &c.old[i];
		if (c.pk[i] && v->type == 'i')
			snprintf(id, sizeof(id), "%lld", (long long)v->i);
		else if (c.pk[i])
			snprintf(id, sizeof(id), "%.*s", STR_FMT(v->s));
	}
	store_fail(un->s, "row '%s' of %s %s", id, c.table, text[why]);
	un->conflict = true;
	return SQLITE_CHANGESET_ABORT;
}

int
sql_changes_undo(struct store *s, struct str changeset,
    const struct sql_undo *u)
{
	struct undoing	 un = { .s = s, .u = u };
	int		 rc;

	rc = sqlite3changeset_apply_v2(s->db, (int)changeset.n,
	    (void *)(uintptr_t)changeset.p, undo_table_cb, undo_conflict_cb,
	    &un, NULL, NULL, SQLITE_CHANGESETAPPLY_INVERT);
	if (rc == SQLITE_OK)
		return 1;
	return un.conflict ? 0 : fail_code(s, rc);
}

void
sql_references(struct store *s, bool checked)
{
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, (int)checked,
	    NULL);
}

struct str
store_context(char dst[STORE_CONTEXT_MAX], const char *kind,
    struct str provider, struct str name)
{
	int	 n = snprintf(dst, STORE_CONTEXT_MAX, "%s:%.*s:%.*s", kind,
		    STR_FMT(provider), STR_FMT(name));

	must(n > 0 && n < STORE_CONTEXT_MAX);
	return (struct str){ dst, (size_t)n };
}

/* --- opening -------------------------------------------------------------- */

/*
 * The file is made here, not by SQLite, to have its mode from the first byte
 * on.  O_EXCL, because closing a descriptor of a file that this process has
 * open as a database would drop SQLite's locks on it.
 */
static int
make_file(struct store *s)
{
	static const char *const suffix[] = { "", "-wal", "-shm" };
	struct stat	 st;
	char		 name[sizeof(s->path) + 8];
	unsigned	 i;
	int		 fd;

	fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST)
		return store_fail(s, "cannot create '%s': %s", s->path,
		    strerror(errno));
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", s->path, suffix[i]);
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 077) != 0 && chmod(name, 0600) == -1)
			return store_fail(s, "cannot make '%s' mode 0600: %s",
			    name, strerror(errno));
	}
	return 0;
}

static int
run_script(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    fail_db(s);
}

/* Two programs that open a new file at once: here SQLite itself won't wait. */
static int
set_wal(struct store *s)
{
	int64_t	 until = clock_mono_ms() + BUSY_MS;

	while (sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL,
	    NULL) != SQLITE_OK) {
		if (sqlite3_errcode(s->db) != SQLITE_BUSY ||
		    clock_mono_ms() > until)
			return fail_db(s);
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	return 0;
}

static int
set_pragmas(struct store *s)
{
	sqlite3_extended_result_codes(s->db, 0);
	sql_busy(s, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (run_script(s, "PRAGMA trusted_schema = OFF;"
	    "PRAGMA foreign_keys = ON;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA mmap_size = 0;") == -1)
		return -1;
	if (!s->write)
		return run_script(s, "PRAGMA cache_size = -256;"
		    "PRAGMA query_only = ON;");
	return run_script(s, "PRAGMA synchronous = NORMAL;"
	    "PRAGMA cache_size = -4096;"
	    "PRAGMA journal_size_limit = 67108864;");
}

static int
pragma_int(struct store *s, const char *text, int *v)
{
	sqlite3_stmt	*st;
	int		 rc = -1;

	/* Not cached: the answer changes what is asked next. */
	if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) != SQLITE_OK)
		return fail_db(s);
	if (sqlite3_step(st) == SQLITE_ROW) {
		*v = sqlite3_column_int(st, 0);
		rc = 0;
	} else
		fail_db(s);
	sqlite3_finalize(st);
	return rc;
}

static int
schema_of_file(struct store *s, int *version)
{
	int	 app, objects;

	if (pragma_int(s, "PRAGMA application_id", &app) == -1 ||
	    pragma_int(s, "PRAGMA user_version", version) == -1 ||
	    pragma_int(s, "SELECT count(*) FROM sqlite_schema", &objects) ==
	    -1)
		return -1;
	if (objects > 0 && app != s->schema->app_id)
		return store_fail(s, "'%s' is a database of another program",
		    s->path);
	if (*version > s->schema->version)
		return store_fail(s, "'%s' has schema %d of a newer proxyd; "
		    "this one knows up to %d", s->path, *version,
		    s->schema->version);
	return 0;
}

static int
migrate_step(struct store *s, int version)
{
	const struct migration	*m = &s->schema->step[version - 1];
	char			 pragma[128];

	if (run_script(s, m->sql) == -1)
		return -1;
	/* A pragma takes no ?; these are our own numbers. */
	snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d;"
	    "PRAGMA user_version = %d", s->schema->app_id, version);
	if (run_script(s, pragma) == -1)
		return -1;
	return sql_run(s, "INSERT INTO migrations (version, name, time_us) "
	    "VALUES (?, ?, ?)", "isi", (int64_t)version, str_of(m->name),
	    clock_wall_us());
}

/* All steps in one transaction: whoever comes second finds them done. */
static int
migrate(struct store *s)
{
	int	 version;

	if (schema_of_file(s, &version) == -1)
		return -1;
	if (version == s->schema->version)
		return 0;
	if (run_script(s, "BEGIN IMMEDIATE") == -1)
		return -1;
	if (schema_of_file(s, &version) == -1)
		goto bad;
	while (version < s->schema->version)
		if (migrate_step(s, ++version) == -1)
			goto bad;
	if (s->schema == &schemas[STORE_MAIN] && change_rows_whole(s) == -1)
		goto bad;
	if (sql_commit(s) == 0)
		return 0;
bad:
	sql_rollback(s);
	return -1;
}

static int
check_schema(struct store *s)
{
	int	 version;

	if (schema_of_file(s, &version) == -1)
		return -1;
	if (version != s->schema->version)
		return store_fail(s, "'%s' has schema %d, this program %d: "
		    "start proxyd once to migrate it", s->path, version,
		    s->schema->version);
	return 0;
}

/*
 * No program of ours has a second thread that comes here: a row of the log took
 * 49 locks.  What memory SQLite has is not asked for by anybody either.
 */
static void
configure(void)
{
	static bool	 done;

	if (!done)
		must(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK &&
		    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
	done = true;
}

/*
 * SQLite's own way to files, but for the writes of those that it opens.  Only
 * the table of a file's functions is another; a database has one, its WAL
 * another.
 */
struct pace_kind {
	sqlite3_io_methods		 ours;	/* first: a file leads here */
	const sqlite3_io_methods	*plain;
};

#define PACE_KINDS	4

static struct {
	sqlite3_vfs		 vfs, *real;
	struct pace_kind	 kind[PACE_KINDS];
	unsigned		 every, n;
	void			(*cb)(void);
} pace;

static int
pace_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	const struct pace_kind	*k = (const void *)f->pMethods;
	int			 rc = k->plain->xWrite(f, p, n, at);

	if (++pace.n >= pace.every) {
		pace.n = 0;
		pace.cb();
	}
	return rc;
}

static int
pace_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	int	 rc = pace.real->xOpen(pace.real, name, f, flags, out);
	size_t	 i;

	(void)vfs;
	for (i = 0; f->pMethods != NULL && i < PACE_KINDS; i++) {
		struct pace_kind	*k = &pace.kind[i];

		if (k->plain == NULL) {
			k->plain = f->pMethods;
			k->ours = *f->pMethods;
			k->ours.xWrite = pace_write;
		}
		if (k->plain == f->pMethods) {
			f->pMethods = &k->ours;
			break;
		}
	}
	return rc;
}

void
store_pace(unsigned every, void (*cb)(void))
{
	must(pace.cb == NULL);
	configure();
	pace.real = sqlite3_vfs_find(NULL);
	pace.vfs = *pace.real;
	pace.vfs.zName = "proxyd-pace";
	pace.vfs.xOpen = pace_open;
	pace.every = every;
	pace.cb = cb;
	must(sqlite3_vfs_register(&pace.vfs, 1) == SQLITE_OK);
}

static int
open_db(struct store *s)
{
	int	 flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

	configure();
	if (s->write && make_file(s) == -1)
		return -1;
	if (!s->write && access(s->path, R_OK) == -1)
		return store_fail(s, "cannot open '%s': %s", s->path,
		    strerror(errno));
	flags |= s->write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK ||
	    set_pragmas(s) == -1)
		return fail_db(s);
	if (!s->write)
		return check_schema(s);
	/* Before WAL is set: another program's file is not touched. */
	return migrate(s) == -1 ? -1 : set_wal(s);
}

struct store *
sql_open_file(const char *path, enum store_kind kind,
    enum store_open_mode mode, char *err, size_t errsize)
{
	struct store	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("calloc");
	s->schema = &schemas[kind];
	s->write = mode == STORE_WRITE;
	if (snprintf(s->path, sizeof(s->path), "%s", path) >=
	    (int)sizeof(s->path))
		store_fail(s, "'%.64s...': name too long", path);
	else if (open_db(s) == 0) {
		s->opened = true;
		return s;
	}
	snprintf(err, errsize, "%s", s->err);
	store_close(s);
	return NULL;
}

struct store *
store_open(const char *path, enum store_open_mode mode, char *err,
    size_t errsize)
{
	return sql_open_file(path, STORE_MAIN, mode, err, errsize);
}

void
store_close(struct store *s)
{
	unsigned	 i;

	if (s == NULL)
		return;
	sql_track_end(s);
	for (i = 0; i < SQL_CACHE && s->cache[i].text != NULL; i++)
		sqlite3_finalize(s->cache[i].st);
	if (s->db != NULL && sqlite3_close(s->db) != SQLITE_OK)
		log_warnx("'%s' was closed in use", s->path);
	store_log_free(s->log);
	store_rollup_free(s->rollup);
	store_seconds_free(s->seconds);
	statedb_puts_free(s->puts);
	free(s);
}

int
store_schema_version(struct store *s)
{
	int	 v;

	return pragma_int(s, "PRAGMA user_version", &v) == -1 ? -1 : v;
}
