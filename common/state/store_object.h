#ifndef STATE_STORE_OBJECT_H
#define STATE_STORE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "state/secret.h"
#include "state/store.h"

/*
 * What is managed, as JSON objects: models, rules, pools, keys, providers.  The
 * one entry for every change, whoever asks for it: each value is checked, an
 * error names field, value and what is allowed, and meta.generation is raised
 * in the same transaction, so that workers see the change at once.
 *
 * Rows of app.yml ("source":"file") are shown and not changed, but for those
 * members of a key that the file does not have.
 */
enum object_kind {
	OBJECT_MODEL, OBJECT_RULE, OBJECT_POOL, OBJECT_KEY, OBJECT_PROVIDER,
	OBJECT_KINDS
};

#define OBJECT_TEXT_MAX		(64u << 10)	/* bytes of one object */

const char	*object_name(enum object_kind);		/* "model" ... */
/* OBJECT_KINDS where there is none called that. */
enum object_kind object_kind_of(struct str name);

/* Why not: the member at fault ("" for none) and a text for people. */
struct object_error {
	char	 field[96];
	char	 text[512];
	bool	 conflict;	/* with another object, or with app.yml */
};

enum object_result {
	OBJECT_STORE = -1,	/* see store_error */
	OBJECT_NONE,		/* there is none of that id */
	OBJECT_OK,
	OBJECT_REFUSED		/* see struct object_error */
};

/* An array of all, or one; members as proxyd-routes(7) has them, and "id",
 * "source".  Never a key's value: its mask. */
enum object_result	 store_object_list(struct store *, enum object_kind,
			    struct buf *json);
enum object_result	 store_object_get(struct store *, enum object_kind,
			    int64_t id, struct buf *json);
/* The id of an object by its name (a key: by its mask, if only one has it). */
enum object_result	 store_object_find(struct store *, enum object_kind,
			    struct str name, int64_t *id);

/* json: an object; members that are not given get their defaults. */
enum object_result	 store_object_create(struct store *,
			    const struct secret_box *, enum object_kind,
			    struct str json, int64_t *id,
			    struct object_error *);
/* ... or stay as they are.  box: for what is sealed; NULL: that is refused. */
enum object_result	 store_object_update(struct store *,
			    const struct secret_box *, enum object_kind, int64_t id, struct str json,
			    struct object_error *);
enum object_result	 store_object_delete(struct store *,
			    enum object_kind, int64_t id,
			    struct object_error *);
/*
 * Puts the rules into the order of ids, in one transaction: positions are given
 * anew.  Refused unless ids are those of all rules, each once.
 */
enum object_result	 store_rules_order(struct store *,
			    const int64_t *ids, size_t n,
			    struct object_error *);

#endif /* STATE_STORE_OBJECT_H */
