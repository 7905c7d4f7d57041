#ifndef STATE_OBJECT_SEALED_H
#define STATE_OBJECT_SEALED_H

#include "state/object_field.h"
#include "state/store_sql.h"

/*
 * Headers and proxy of a provider, as members of its object.  They may hold
 * credentials: what is read is masked (sk-a****wxyz, ****@host:3128), and where
 * that is what is written, it stays what it is.
 */

/* A field's check: an object of names and texts, put into *to as compact JSON. */
int	 object_headers_check(struct arena *, const struct object_field *,
	    struct jv, struct object_value *to, struct object_error *)
	    __attribute__((__warn_unused_result__));

/* All headers of a provider, within a transaction.  box NULL: they are refused. */
enum object_result	 object_headers_put(struct store *,
			    const struct secret_box *, int64_t id,
			    struct str provider, struct str json,
			    struct object_error *);
/* now: what is shown of the one it has. */
enum object_result	 object_proxy_put(struct store *,
			    const struct secret_box *, int64_t id,
			    struct str provider, struct str url, struct str now,
			    struct object_error *);

#endif /* STATE_OBJECT_SEALED_H */
