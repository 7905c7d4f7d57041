#ifndef PROXYD_LOGGER_H
#define PROXYD_LOGGER_H

#include "state/conf.h"
#include "state/shm.h"

/*
 * The log writer: the only process that drains the workers' rings, and the one
 * that watches the configuration's generation in the database.  Told to end by
 * SIGTERM, it writes what is left first.
 */
struct logger {
	struct shm		*shm;
	const struct conf_paths	*paths;
	int			 parent_fd;	/* EOF: the master is gone */
};

/* Runs in the forked child; returns its exit status. */
int	 logger_main(struct logger *);

#endif /* PROXYD_LOGGER_H */
