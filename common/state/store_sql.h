#ifndef STATE_STORE_SQL_H
#define STATE_STORE_SQL_H

#include <stdbool.h>
#include <stdint.h>

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
struct store_log;			/* of store_log.c */
struct store_rollup;			/* of store_rollup.c */

#define SQL_CACHE	256

/* Which tables a file has: schema/NNN-*.sql, schema/bodies/NNN-*.sql ... */
enum store_kind { STORE_MAIN, STORE_BODIES, STORE_STATE };
struct store_schema;			/* of store.c */

struct store {
	const struct store_schema *schema;
	struct sqlite3		*db;
	bool			 write;
	bool			 opened;
	char			 path[1100];
	char			 err[1400];
	struct store_log	*log;
	struct store_rollup	*rollup;
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

/* Sets store->err; returns -1. */
int		 store_fail(struct store *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));

void		 store_log_free(struct store_log *);	/* takes NULL */

/* Adds a row to the roll-ups of this transaction; they are written at its end,
 * or forgotten with it. */
int		 store_rollup_row(struct store *, const struct acct_rec *)
		    __attribute__((__warn_unused_result__));
int		 store_rollup_flush(struct store *)
		    __attribute__((__warn_unused_result__));
void		 store_rollup_forget(struct store *);
void		 store_rollup_free(struct store_rollup *);	/* takes NULL */

/* A row of shared memory for a key; within a transaction. */
int		 store_slot_take(struct store *, int64_t *slot)
		    __attribute__((__warn_unused_result__));

/* What a sealed value is bound to: "key:openai", "header:openai:x-team". */
#define STORE_CONTEXT_MAX	512
struct str	 store_context(char dst[STORE_CONTEXT_MAX], const char *kind,
		    struct str provider, struct str name);

#endif /* STATE_STORE_SQL_H */
