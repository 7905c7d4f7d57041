#ifndef STATE_STORE_REVISION_H
#define STATE_STORE_REVISION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/store.h"

/*
 * Revisions: every change of the configuration has a number, an author, a time
 * and a diff, and can be taken back.  Whatever writes rows of configuration is
 * one, wherever it comes from; common/state makes it in the same transaction
 * (change_begin of store_sql.h).  Changes of users and tokens are revisions,
 * too, but none that a roll-back of the configuration goes through: they are
 * undone one by one.
 *
 * A diff is an array of {"kind":"key","name":"sk-****1234","op":"add",
 * "fields":[{"name":"rpm","old":0,"new":60}]}; op: add, change or remove; what
 * is secret has "secret":true instead of its values.  "file":true: the row
 * follows app.yml, and is made equal to it when that is next read.
 */
struct json_t;

/* Who changes; for all that this store does from now on.  Copied. */
void	 store_author(struct store *, struct str name);
/* ... by the name of the user that this process belongs to. */
void	 store_author_user(struct store *);
/* The last revision that this store made; 0: none. */
int64_t	 store_revision_made(const struct store *);

/*
 * Several changes, by whichever functions, as one revision: all or none.  -1: a
 * store error, and nothing is changed.
 */
int	 store_changes_begin(struct store *)
	    __attribute__((__warn_unused_result__));
int	 store_changes_commit(struct store *, const char *action,
	    struct str object) __attribute__((__warn_unused_result__));
void	 store_changes_drop(struct store *);

struct store_revision {
	int64_t		 n, time_us;
	struct str	 author;
	bool		 conf, access;	/* what it changed */
	struct str	 action, object;	/* "change tenant", its name */
	int64_t		 rows;
	int64_t		 since;		/* < n: stands for those from there */
	struct str	 diff;		/* only of store_revision_get */
};

/* Newest first, those before n (0: from the newest), at most limit. */
int	 store_revisions(struct store *, int64_t before, int limit,
	    void (*cb)(void *, const struct store_revision *), void *)
	    __attribute__((__warn_unused_result__));
/* 1, 0: there is none of that number, or -1.  Texts live until the next call. */
int	 store_revision_get(struct store *, int64_t n,
	    void (*cb)(void *, const struct store_revision *), void *)
	    __attribute__((__warn_unused_result__));

/*
 * Makes the configuration what it was after revision n, by taking back all
 * later ones, newest first, in one transaction that is itself a revision; or,
 * with only, takes back n and no other.  A row that is not as its revision left
 * it is a conflict, and nothing is changed.  dry: changes nothing, says what
 * would be.
 */
enum rollback_result {
	ROLLBACK_STORE = -1,	/* see store_error */
	ROLLBACK_NONE,		/* there is no revision n, or none later */
	ROLLBACK_DONE,
	ROLLBACK_CONFLICT,	/* see store_error, for people */
};

struct rollback {
	int64_t		 n;
	bool		 only, dry;
	struct json_t	*diff;		/* out: to be released; or NULL */
	int64_t		 undone;	/* out: revisions that are taken back */
	int64_t		 left;		/* out: those of users and tokens */
};

enum rollback_result	 store_rollback(struct store *, struct rollback *);

#endif /* STATE_STORE_REVISION_H */
