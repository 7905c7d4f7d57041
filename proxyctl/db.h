#ifndef PROXYCTL_DB_H
#define PROXYCTL_DB_H

#include <stdbool.h>

#include "proxyctl/proxyctl.h"
#include "state/secret.h"
#include "state/store.h"
#include "state/store_object.h"

struct json_t;

/*
 * The database as the words use it: with the daemons running or not.  It is
 * opened for writing and migrated as they do; a word that begins nothing makes no
 * file, and one that only reads does so where it may not write.  NULL: said
 * already.
 */
struct store	*ctl_store(const struct ctl *, bool change);
/*
 * After a word that has changed the configuration: waits, a second at most, until
 * the workers that run serve by it; says so if they do not.
 */
void	 ctl_in_service(const struct ctl *);
/* The key under which keys are sealed; not made anew where it would be wrong. */
struct secret_box *ctl_box(const struct ctl *, struct store *);
/* "proxyctl: PATH: TEXT" and CTL_ERROR. */
int	 ctl_store_failed(const struct ctl *, struct store *);

/*
 * One line of the audit log, with the Unix user as actor; also of what was
 * refused.  detail is what was asked for, without secrets; it is taken, and may
 * be NULL.  A line that cannot be written is told on standard error.
 */
void	 ctl_audit(struct store *, const char *action, const char *object,
	    bool ok, struct json_t *detail);

/* "alice (shell)", as the author of a revision; returns dst. */
#define CTL_ACTOR	64
const char	*ctl_actor(char dst[CTL_ACTOR]);

/* All objects of a kind as a JSON array; NULL: said already. */
struct json_t	*ctl_objects(const struct ctl *, struct store *, enum object_kind);

/* How many client keys there are; 0 also where there is no database yet, -1
 * where it cannot be read. */
int64_t	 ctl_client_keys(const struct ctl *);

/* Prints names of a kind (completion --names), a line each. */
int	 ctl_names(const struct ctl *, const char *kind);

#endif /* PROXYCTL_DB_H */
