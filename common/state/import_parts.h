#ifndef STATE_IMPORT_PARTS_H
#define STATE_IMPORT_PARTS_H

#include <jansson.h>

#include "base/arena.h"
#include "state/export_seal.h"
#include "state/store_export.h"
#include "state/store_object.h"

/* An import as it runs; between store_import.c and import_rest.c. */
struct importing {
	struct store			*s;
	const struct secret_box		*box;		/* the database's */
	struct secret_box		*seal;		/* the passphrase's */
	const json_t			*data;
	struct import			*im;
	struct arena			 arena;
	json_t				*key_ids;	/* old id -> new */
	json_t				*seen[OBJECT_KINDS];	/* ids */
};

/* Why it will not do, and where; returns r. */
enum import_result	 import_refuse(struct importing *,
			    enum import_result r, const char *field,
			    const char *, ...)
			    __attribute__((__format__(printf, 4, 5)));
/* What is left to be done by hand. */
void			 import_note(struct importing *, const char *, ...)
			    __attribute__((__format__(printf, 2, 3)));
/* Members, "" and 0 where there is none; a list of the data. */
struct str		 import_text(const json_t *, const char *name);
int64_t			 import_int(const json_t *, const char *name);
const json_t		*import_list(const struct importing *,
			    const char *name);
/* The member that names an object. */
const char		*import_name(enum object_kind);

enum import_result	 import_settings(struct importing *);
enum import_result	 import_user(struct importing *, size_t i,
			    const json_t *);
enum import_result	 import_token(struct importing *, size_t i,
			    const json_t *);
/* Deletes what the file does not have. */
enum import_result	 import_drop_rest(struct importing *);

#endif /* STATE_IMPORT_PARTS_H */
