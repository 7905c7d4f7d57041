#ifndef ADMIND_H
#define ADMIND_H

#include <stdint.h>

#include "base/loop.h"
#include "state/conf.h"

/* The process: what its parts share. */
struct live;				/* live.c */
struct lock;				/* lock.c */
struct throttle;			/* auth.c */
struct upstream;			/* upstream.c */

struct admind {
	struct conf_paths	 paths;
	struct conf_process	 process;
	const char		*file;		/* app.yml; NULL: embedded */
	int			 port;		/* -p; -1: as in the file */
	int			 ready_fd;	/* -R; -1 */
	int			 bound_port;
	struct loop		*loop;
	struct loop_fd		 signals;
	struct live		*live;
	struct lock		*lock;
	struct throttle		*throttle;
	struct upstream		*upstream;
};

#endif /* ADMIND_H */
