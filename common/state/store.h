#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "state/acct.h"
#include "state/conf.h"
#include "state/secret.h"

/*
 * The database: configuration, statistics and the request log, in one SQLite
 * file in WAL mode.  Nothing outside common/state/ knows that it is SQLite.
 * Every call that can fail returns -1 (or NULL) and leaves a text in
 * store_error, or in err where there is no store yet.  Write transactions are
 * BEGIN IMMEDIATE and short; a database locked by another is waited for, 5 s.
 * A store is not carried across a fork.
 */
struct store;

enum store_open_mode { STORE_READ, STORE_WRITE };

/*
 * STORE_WRITE makes the file (0600) and migrates it to this program's schema; a
 * file of a newer program is refused.  STORE_READ changes nothing, and refuses
 * a file that is absent or has another schema than this program's.
 */
struct store	*store_open(const char *path, enum store_open_mode, char *err,
		    size_t errsize);
void		 store_close(struct store *);		/* takes NULL */
const char	*store_error(const struct store *);
int		 store_schema_version(struct store *);
/* How long a lock of another is waited for, instead of 5 s. */
void		 store_patience(struct store *, int ms);
/* Could it be written to now?  1; 0: another holds it; -1: no, for another
 * reason.  Waits for nothing. */
int		 store_unlocked(struct store *)
		    __attribute__((__warn_unused_result__));

/*
 * Has cb called after each so many writes to any file opened from here on: the
 * commit of a large transaction is hundreds of them in a row.  Once a process,
 * before the first store_open.
 */
void	 store_pace(unsigned every, void (*cb)(void));

/* Names the configuration; raised by every write of it. */
int	 store_generation(struct store *, uint64_t *)
	    __attribute__((__warn_unused_result__));

/*
 * Makes the rows that are marked "file" equal to conf: providers, keys, models
 * and settings, in one transaction; raises the generation only if something
 * changed (1), else 0.  Keys keep their row, id and slot as long as their value
 * is the same (compared by a keyed hash), also when they leave and come back.
 */
int	 store_apply_conf(struct store *, const struct conf *,
	    const struct secret_box *) __attribute__((__warn_unused_result__));

/*
 * A number that app.yml sets, by the name of its field in struct conf, such as
 * "log_days"; -1 also where nothing was applied yet.
 */
int	 store_setting(struct store *, const char *name, int64_t *)
	    __attribute__((__warn_unused_result__));

/* --- request log ---------------------------------------------------------- */

/*
 * Several rows and the position of each ring they came from are one
 * transaction, so that each finished request has exactly one row.  epoch names
 * the rings' memory: positions of another epoch are forgotten.
 */
#define STORE_RINGS	64

int	 store_log_begin(struct store *) __attribute__((__warn_unused_result__));
/* Copies the record; the row is written by store_log_commit at the latest. */
int	 store_log_row(struct store *, const struct acct_rec *)
	    __attribute__((__warn_unused_result__));
int	 store_log_commit(struct store *, uint64_t epoch,
	    const uint64_t tail[STORE_RINGS])
	    __attribute__((__warn_unused_result__));
void	 store_log_rollback(struct store *);
/* 0s where nothing is known of that epoch. */
int	 store_log_tails(struct store *, uint64_t epoch,
	    uint64_t tail[STORE_RINGS]) __attribute__((__warn_unused_result__));

/*
 * Deletes at most n rows that began before then, or the oldest ones while the
 * database holds more than max_bytes (0: any size); returns how many, or -1.
 */
int	 store_log_expire(struct store *, int64_t before_us,
	    int64_t max_bytes, int n);
int64_t	 store_log_count(struct store *);	/* -1: error */

/* --- in a few numbers ------------------------------------------------------ */

struct store_summary {
	int64_t		 providers, keys, models;	/* in service */
	int64_t		 requests;			/* rows of the log */
	uint64_t	 generation;
};

int	 store_summary(struct store *, struct store_summary *)
	    __attribute__((__warn_unused_result__));

/* --- statistics of keys --------------------------------------------------- */

struct store_key_stat {
	int64_t		 key_id;
	unsigned	 slot;
	struct str	 provider;		/* valid during the call */
	const char	*mask;
	bool		 enabled;
	bool		 file;			/* from app.yml */
	int64_t		 expires_us;		/* 0: never */
	struct str	 disabled_by, disabled_why;
	int64_t		 ok, failed;
	int64_t		 last_used_us;		/* 0: never */
	int64_t		 error_us;		/* its last failure; 0: none */
	int		 error_status;		/* 0: no answer */
	struct str	 error;
};

/* One call a key for its lifetime counters, by provider and id; with
 * status_cb one for each status code it met (0: no answer). */
int	 store_key_stats(struct store *,
	    void (*key_cb)(void *, const struct store_key_stat *),
	    void (*status_cb)(void *, int64_t key_id, int status, int64_t n),
	    void *) __attribute__((__warn_unused_result__));

/* Each provider, in its order. */
int	 store_provider_names(struct store *, void (*cb)(void *, int64_t id,
	    struct str name, bool enabled), void *)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_H */
