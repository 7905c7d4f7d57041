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

int
sql_run(struct store *s, const char *text, const char *fmt, ...)
{
	struct sqlite3_stmt	*st;
	va_list			 ap;
	int			 rc;

	va_start(ap, fmt);
	st = open_va(s, text, fmt, ap);
	va_end(ap);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1)
		;
	sql_end(st);
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
	sqlite3_busy_timeout(s->db, ms);
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
	sqlite3_busy_timeout(s->db, BUSY_MS);
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

static int
open_db(struct store *s)
{
	int	 flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

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
	for (i = 0; i < SQL_CACHE && s->cache[i].text != NULL; i++)
		sqlite3_finalize(s->cache[i].st);
	if (s->db != NULL && sqlite3_close(s->db) != SQLITE_OK)
		log_warnx("'%s' was closed in use", s->path);
	store_log_free(s->log);
	store_rollup_free(s->rollup);
	free(s);
}

int
store_schema_version(struct store *s)
{
	int	 v;

	return pragma_int(s, "PRAGMA user_version", &v) == -1 ? -1 : v;
}
