#ifndef STATE_STORE_SQL_H
#define STATE_STORE_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "state/store.h"

/*
 * SQL for the files of common/state/ alone.  Texts are literals: a value goes
 * in by a ? and never by printf.  Statements stay prepared, found again by the
 * address of their text, so a text is used by one caller at a time.
 *
 * fmt has a letter a value: i int64_t, s struct str as TEXT, b struct str as
 * BLOB.  Bytes must live until sql_end.
 */
struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_session;
struct store_log;			/* of store_log.c */
struct store_rollup;			/* of store_rollup.c */
struct store_seconds;			/* of store_seconds.c */
struct statedb_puts;			/* of statedb_put.c */

#define SQL_CACHE	256

/* Which tables a file has: schema/NNN-*.sql, schema/bodies/NNN-*.sql ... */
enum store_kind { STORE_MAIN, STORE_BODIES, STORE_STATE };
struct store_schema;			/* of store.c */

struct store {
	const struct store_schema *schema;
	struct sqlite3		*db;
	bool			 write;
	bool			 opened;
	int			 busy_ms;
	char			 path[1100];
	char			 err[1400];
	struct store_log	*log;
	struct store_rollup	*rollup;
	struct store_seconds	*seconds;
	struct statedb_puts	*puts;
	struct sqlite3_session	*track;		/* see sql_track */
	unsigned		 scope;		/* of the change that is open */
	unsigned		 depth;		/* changes within changes */
	char			 author[128];
	int64_t			 revision;	/* the last one made; 0: none */
	struct {
		const char		*text;
		struct sqlite3_stmt	*st;
	}			 cache[SQL_CACHE];
};

/* As store_open, for a file of any kind. */
struct store	*sql_open_file(const char *path, enum store_kind,
		    enum store_open_mode, char *err, size_t errsize);

/* Leaves it to another connection; and does it, without waiting for readers. */
int		 sql_checkpoint_never(struct store *)
		    __attribute__((__warn_unused_result__));
int		 sql_checkpoint(struct store *)
		    __attribute__((__warn_unused_result__));
/* How long a lock of another is waited for. */
void		 sql_busy(struct store *, int ms);

/* NULL: the error is in store->err. */
struct sqlite3_stmt	*sql_open(struct store *, const char *text,
			    const char *fmt, ...)
			    __attribute__((__warn_unused_result__));
/* 1: a row, 0: no more, -1: error. */
int		 sql_step(struct store *, struct sqlite3_stmt *)
		    __attribute__((__warn_unused_result__));
int64_t		 sql_int(struct sqlite3_stmt *, int column);
/* Valid until the next step. */
struct str	 sql_str(struct sqlite3_stmt *, int column);
/* Ready for its next use; takes NULL. */
void		 sql_end(struct sqlite3_stmt *);

/* open, step to the end, end. */
int		 sql_run(struct store *, const char *text, const char *fmt, ...)
		    __attribute__((__warn_unused_result__));
/* The same, but without waiting for the lock of another.  1: done; 0: there is
 * one; -1. */
int		 sql_run_now(struct store *, const char *text, const char *fmt,
		    ...) __attribute__((__warn_unused_result__));
/* The one number that text selects; 1, 0 where there is no row, or -1. */
int		 sql_get(struct store *, int64_t *, const char *text,
		    const char *fmt, ...)
		    __attribute__((__warn_unused_result__));
/* Rows changed by the last statement. */
int		 sql_changes(struct store *);

/* For a statement of many values: 1-based, as 'i' and 's' above. */
struct sqlite3_stmt	*sql_prepare(struct store *, const char *text)
		    __attribute__((__warn_unused_result__));
void		 sql_bind_int(struct sqlite3_stmt *, int i, int64_t);
void		 sql_bind_str(struct sqlite3_stmt *, int i, struct str);
void		 sql_bind_blob(struct sqlite3_stmt *, int i, struct str);

int		 sql_begin(struct store *)		/* to write */
		    __attribute__((__warn_unused_result__));
int		 sql_begin_read(struct store *)
		    __attribute__((__warn_unused_result__));
int		 sql_commit(struct store *)
		    __attribute__((__warn_unused_result__));
void		 sql_rollback(struct store *);
/* -1: none is open any more; what was to be written with it must not be. */
int		 sql_in_transaction(struct store *)
		    __attribute__((__warn_unused_result__));

/* --- changes of rows -------------------------------------------------------- */

/*
 * What a transaction does to some tables is gathered as a changeset (SQLite's
 * session extension): bytes to be kept, looked at and taken back.  A row that
 * was added, changed and deleted shows what it came to, once.
 */
int		 sql_track(struct store *, const char *const *tables)
		    __attribute__((__warn_unused_result__));
int		 sql_track_take(struct store *, struct buf *changeset)
		    __attribute__((__warn_unused_result__));
void		 sql_track_end(struct store *);

enum sql_op { SQL_ADD, SQL_CHANGE, SQL_REMOVE };

/* type: i, s, b as above, n NULL; 0: not said, as the column did not change. */
struct sql_value {
	char		 type;
	int64_t		 i;
	struct str	 s;
};

#define SQL_COLUMNS	32

/* One row, valid during the call; of SQL_CHANGE, both have the primary key. */
struct sql_change {
	const char		*table;
	enum sql_op		 op;
	int			 n;		/* columns */
	const unsigned char	*pk;		/* one a column: is it part? */
	struct sql_value	 old[SQL_COLUMNS], new[SQL_COLUMNS];
};

/* cb returns -1 to end it, which is then the result. */
int		 sql_changes_each(struct store *, struct str changeset,
		    int (*cb)(void *, const struct sql_change *), void *)
		    __attribute__((__warn_unused_result__));

/*
 * Takes a changeset back.  table says whether rows of a table are to be; soft,
 * whether a column may have changed since.  1: done; 0: a row is not as the
 * changeset left it, see store_error: take the transaction back; -1.
 */
struct sql_undo {
	bool	(*table)(const struct sql_undo *, const char *table);
	bool	(*soft)(const struct sql_undo *, const char *table, int column);
	unsigned	 scope;		/* for table and soft */
};
int		 sql_changes_undo(struct store *, struct str changeset,
		    const struct sql_undo *)
		    __attribute__((__warn_unused_result__));

/* Outside of transactions: are references checked? */
void		 sql_references(struct store *, bool checked);

/*
 * A change of the configuration: a transaction that becomes a revision
 * (store_revision.h) when it is committed, and raises the generation, if it
 * changed anything.  May be nested: the outermost one counts, and gives the
 * revision its name; one that is taken back leaves the others.
 */
#define CHANGE_CONF	1u	/* what workers see */
#define CHANGE_ACCESS	2u	/* users and tokens of the management server */
int		 change_begin(struct store *, unsigned scope)
		    __attribute__((__warn_unused_result__));
/* action: "rotate client key"; NULL: "add tenant", or what the first row that
 * changed tells.  object: its name; empty: of that row. */
int		 change_commit(struct store *, const char *action,
		    struct str object)
		    __attribute__((__warn_unused_result__));
void		 change_rollback(struct store *);
/* After a migration, in its transaction. */
int		 change_rows_whole(struct store *)
		    __attribute__((__warn_unused_result__));
/* Tables of a scope, ended by NULL. */
const char *const *change_tables(unsigned scope);
/* A changeset for people: a JSON array, see store_revision.h.  NULL: error. */
struct json_t	*change_diff(struct store *, struct str changeset);
/* Kept, shown to nobody, or of no interest: the column of a table. */
bool		 change_soft(const char *table, const char *column);

/* Sets store->err; returns -1. */
int		 store_fail(struct store *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

void		 store_log_free(struct store_log *);	/* takes NULL */
void		 statedb_puts_free(struct statedb_puts *);	/* takes NULL */
void		 store_seconds_free(struct store_seconds *);	/* takes NULL */

/* Adds a row to the roll-ups of this transaction; they are written at its end,
 * or forgotten with it. */
int		 store_rollup_row(struct store *, const struct acct_rec *)
		    __attribute__((__warn_unused_result__));
/* The cost of a row that is in them already has changed; -1: not known.  Sums
 * that are there no more are not made anew. */
int		 store_rollup_adjust(struct store *, const struct acct_rec *,
		    int64_t was, int64_t now)
		    __attribute__((__warn_unused_result__));
int		 store_rollup_flush(struct store *)
		    __attribute__((__warn_unused_result__));
void		 store_rollup_forget(struct store *);
void		 store_rollup_free(struct store_rollup *);	/* takes NULL */

/* A row of shared memory for a key; within a transaction. */
int		 store_slot_take(struct store *, int64_t *slot)
		    __attribute__((__warn_unused_result__));

/* The setting's row in the database; NULL: it has none. */
const char	*store_setting_column(const struct conf_setting *);

/* ... and back; false: it is no setting of app.yml. */
bool		 store_setting_of(struct str column, struct conf_setting *);

/* What a sealed value is bound to: "key:openai", "header:openai:x-team". */
#define STORE_CONTEXT_MAX	512
struct str	 store_context(char dst[STORE_CONTEXT_MAX], const char *kind,
		    struct str provider, struct str name);

/*
 * What a provider has sealed, and beside it what may be shown of it; within a
 * transaction, and nothing is written where it is the same.  A header by its
 * place, and how many there are; the proxy, empty for none.
 */
int		 store_header_put(struct store *, const struct secret_box *,
		    int64_t id, struct str provider, int64_t pos,
		    struct str name, struct str plain)
		    __attribute__((__warn_unused_result__));
int		 store_headers_end(struct store *, int64_t id, int64_t n)
		    __attribute__((__warn_unused_result__));
int		 store_proxy_put(struct store *, const struct secret_box *,
		    int64_t id, struct str provider, struct str url)
		    __attribute__((__warn_unused_result__));

/* Stands for what is not shown: sk-a****wxyz, ****@host:3128. */
#define STORE_HIDDEN	"****"
struct str	 store_proxy_mask(struct arena *, struct str url);

#endif /* STATE_STORE_SQL_H */
