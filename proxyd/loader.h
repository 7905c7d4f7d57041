#ifndef PROXYD_LOADER_H
#define PROXYD_LOADER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "state/conf.h"
#include "state/shm.h"

/*
 * Reads app.yml into the database, in a process of its own: the master never
 * holds a key.  What the master needs comes back over a pipe.
 */
struct loader_result {
	bool			 ok;
	bool			 changed;	/* the database */
	uint64_t		 generation;
	bool			 anonymous;
	bool			 keyless;	/* no provider has a key */
	struct conf_process	 process;
	char			 err[2048];
};

/*
 * Forks; *fd is where the result will come.  check, called in the child before
 * anything is written, may refuse what was read: -1 with err.  The child's pid,
 * or -1.
 */
struct loader {
	const struct conf_paths	*paths;
	const char		*file;
	struct shm		*shm;
	int			(*check)(void *, struct conf_process *,
				    char *err, size_t);
	void			*arg;
};
pid_t	 loader_start(const struct loader *, int *fd);
/* Reads the result: whole, or -1 when the loader died. */
int	 loader_read(int fd, struct loader_result *)
	    __attribute__((__warn_unused_result__));

#endif /* PROXYD_LOADER_H */
