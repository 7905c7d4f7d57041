#ifndef STATE_STATEDB_H
#define STATE_STATEDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "state/secret.h"
#include "state/store.h"

/*
 * state.db: reasoning state and stored responses, for conversations that go on.
 * Each worker has it open and writes it itself, one short transaction for the
 * answers that end in a turn of its loop, before their ends go out;
 * STATEDB_BUSY_MS bounds how long it may wait for another worker.  A failure
 * is told and loses no answer.
 * Everything is looked up within one tenant, and sealed with tenant and name as
 * context: a row that was moved to another tenant does not open.
 */
#define STATEDB_BUSY_MS	100

/* For a worker, which leaves it to the logger to sync and to tidy the file. */
struct store	*statedb_open(const char *path, char *err, size_t errsize);

/*
 * vault_put and response_put seal and gather; this writes what was gathered,
 * all of it or, after -1, nothing.  Until then nobody finds it, its own process
 * neither: nobody knows its names yet.
 */
int	 statedb_flush(struct store *) __attribute__((__warn_unused_result__));
unsigned statedb_gathered(const struct store *);	/* rows */

/* --- reasoning state --------------------------------------------------------- */

struct vault_row {
	struct str	 name;		/* see wire/vault.h */
	struct str	 family;	/* a dialect's name */
	struct str	 provider, model;
	int64_t		 key_id;
	struct str	 value;		/* plain */
};

/*
 * Between the two what is read is of one moment, and the file is locked once
 * instead of for each.
 */
int	 statedb_read_begin(struct store *) __attribute__((__warn_unused_result__));
void	 statedb_read_end(struct store *);
/* Is anything kept for the tenant?  1, 0, or -1. */
int	 vault_any(struct store *, int64_t tenant_id)
	    __attribute__((__warn_unused_result__));

/*
 * For the next statedb_flush, which replaces what was there of a name and
 * family; -1: one cannot be sealed, nor are those behind it.
 */
int	 vault_put(struct store *, const struct secret_box *,
	    int64_t tenant_id, const struct vault_row *, size_t n)
	    __attribute__((__warn_unused_result__));
/*
 * That of the family, or where there is none of another one.  1: found; the
 * strings of *row but its name are in the arena.  0: there is
 * none, or it does not open; -1.
 */
int	 vault_get(struct store *, const struct secret_box *,
	    int64_t tenant_id, struct str name, struct str family,
	    struct arena *, struct vault_row *row) __attribute__((__warn_unused_result__));

/* --- stored responses ---------------------------------------------------------- */

struct response_row {
	struct str	 id;
	struct str	 previous;	/* or empty */
	int64_t		 time_us;
	struct str	 object;	/* JSON: the response */
	struct str	 input;		/* JSON: array of its turn's items */
};

/* For the next statedb_flush, as vault_put. */
int	 response_put(struct store *, const struct secret_box *,
	    int64_t tenant_id, const struct response_row *)
	    __attribute__((__warn_unused_result__));
/* As vault_get. */
int	 response_get(struct store *, const struct secret_box *,
	    int64_t tenant_id, struct str id, struct arena *,
	    struct response_row *) __attribute__((__warn_unused_result__));
/* 1: deleted, 0: there was none. */
int	 response_delete(struct store *, int64_t tenant_id, struct str id)
	    __attribute__((__warn_unused_result__));

/* --- conversations ------------------------------------------------------------- */

struct conversation_row {
	struct str	 id;
	int64_t		 time_us;	/* made */
	int64_t		 used_us;	/* the last that was said */
	struct str	 metadata;	/* JSON, an object */
};

struct conversation_item {
	struct str			 id;
	struct str			 json;
	struct conversation_item	*next;
};

/* Its time_us stays what it was, if it was there. */
int	 conversation_put(struct store *, const struct secret_box *,
	    int64_t tenant_id, const struct conversation_row *)
	    __attribute__((__warn_unused_result__));
/* As vault_get. */
int	 conversation_get(struct store *, const struct secret_box *,
	    int64_t tenant_id, struct str id, struct arena *,
	    struct conversation_row *) __attribute__((__warn_unused_result__));
/* With all that was said in it.  1: deleted, 0: there was none. */
int	 conversation_delete(struct store *, int64_t tenant_id, struct str id)
	    __attribute__((__warn_unused_result__));
/*
 * Says more in it, at r->used_us, and makes it of r if it is not there, all in
 * one transaction.  An item whose id is there already takes its place.
 */
int	 conversation_add(struct store *, const struct secret_box *,
	    int64_t tenant_id, const struct conversation_row *r,
	    const struct conversation_item *, struct arena *)
	    __attribute__((__warn_unused_result__));
/* What was said, in its order, in the arena; 0, or -1. */
int	 conversation_items(struct store *, const struct secret_box *,
	    int64_t tenant_id, struct str id, struct arena *,
	    struct conversation_item **) __attribute__((__warn_unused_result__));
/* 1: deleted, 0: there was none. */
int	 conversation_item_delete(struct store *, int64_t tenant_id,
	    struct str id, struct str item)
	    __attribute__((__warn_unused_result__));

/* The logger, now and then: what workers wrote into the file proper. */
int	 statedb_tidy(struct store *) __attribute__((__warn_unused_result__));
/*
 * Deletes at most n rows of each kind that are older, or the oldest ones while
 * the file holds more than max_bytes (0: any); how many, or -1.
 */
int	 statedb_expire(struct store *, int64_t before_us, int64_t max_bytes,
	    int n) __attribute__((__warn_unused_result__));

#endif /* STATE_STATEDB_H */
