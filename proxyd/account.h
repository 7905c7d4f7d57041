#ifndef PROXYD_ACCOUNT_H
#define PROXYD_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/acct.h"
#include "state/conf.h"

struct request;
struct worker;

/*
 * Records on their way from a worker to the logger: the ring, and the spill
 * file of the worker's slot for what finds no room in it.
 */

/* Packs the record into the worker's ring, or its spill file. */
void	 account_write(struct worker *, const struct acct_rec *);
/* Now and then: the spill file back into the ring. */
void	 account_flush(struct worker *);
/* Is anything in the spill file still? */
bool	 account_pending(const struct worker *);
/* As the worker ends: an empty spill file goes. */
void	 account_end(struct worker *);

/*
 * What an earlier run left in spill files becomes that of this one's workers,
 * the first slots first.  The master, before it forks; not in an upgrade.
 */
void	 account_adopt(const struct conf_paths *, uint64_t epoch);

/* How many bytes the spill file of a slot has; the master. */
int64_t	 account_spilled(const struct conf_paths *, unsigned slot,
	    uint64_t epoch);

/* The key of an attempt that has ended: its counters. */
void	 account_key(struct request *, int status, bool ok);

#endif /* PROXYD_ACCOUNT_H */
