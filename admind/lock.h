#ifndef ADMIND_LOCK_H
#define ADMIND_LOCK_H

#include <stdbool.h>

#include "state/store_admin.h"

/*
 * Another program may hold the database's lock for long, and admind has one
 * thread.  So whoever is to change something waits here, at most LOCK_WAIT_MS,
 * while all that only read are served; and what is to stand in the audit log is
 * kept until it can be written.
 */
#define LOCK_WAIT_MS	5000
#define LOCK_WAITING	64		/* requests; more are refused */
/* For what takes the lock between our look and the change itself. */
#define LOCK_PATIENCE_MS 1000

struct admind;
struct api;
struct lock;

struct lock	*lock_create(struct admind *);
/* After http_destroy: none waits any more.  Writes what is kept. */
void		 lock_destroy(struct lock *);

/*
 * May this request go on?  false: it is served anew, from its begin, once the
 * lock is free, or it was answered with a problem.
 */
bool		 lock_passes(struct api *);

/* Writes act, now or as soon as it can; its strings are copied. */
void		 lock_audit(struct lock *, const struct admin_act *);

#endif /* ADMIND_LOCK_H */
