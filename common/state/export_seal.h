#ifndef STATE_EXPORT_SEAL_H
#define STATE_EXPORT_SEAL_H

#include "base/buf.h"
#include "base/str.h"
#include "state/secret.h"

/* For store_export.c and store_import.c: what is sealed in the file. */
struct json_t;

/* BASE64 of it; NULL: too long. */
struct json_t	*export_seal(const struct secret_box *, const char *context,
		    struct str plain);
/* Appends; -1: no such text, damaged, or of another passphrase. */
int		 export_open(const struct secret_box *, const char *context,
		    const struct json_t *sealed, struct buf *plain)
		    __attribute__((__warn_unused_result__));
/* SHA-256 of the data as compact JSON, members in the order of their names. */
void		 export_hash(const struct json_t *data, char hex[65]);

#endif /* STATE_EXPORT_SEAL_H */
