#ifndef PROXYCTL_H
#define PROXYCTL_H

#include <stdbool.h>

#include "base/buf.h"
#include "state/conf.h"

/*
 * The control program: a table of words (main.c), each with a function in the
 * file of its role.  Functions return the exit status.
 */
enum ctl_exit { CTL_OK = 0, CTL_ERROR = 1, CTL_DOWN = 3 };

enum ctl_opt {
	OPT_HOME, OPT_CONFIG, OPT_PORT, OPT_WEB, OPT_API, OPT_ALL,
	OPT_NO_RELOAD, OPT_FOREGROUND, OPT_NOW, OPT_JSON, OPT_FROM, OPT_TO,
	OPT_RESPONSE, OPT_STREAM, OPT_MODEL, OPT_EXPLAIN, OPT_COUNT
};

struct ctl {
	/* Argument of each option, "" of one that takes none; NULL: absent. */
	const char		*opt[OPT_COUNT];
	const char		*operand;	/* of help */
	struct conf_paths	 paths;
};

int	 ctl_start(struct ctl *);
int	 ctl_stop(struct ctl *);
int	 ctl_restart(struct ctl *);
int	 ctl_reload(struct ctl *);
int	 ctl_upgrade(struct ctl *);
int	 ctl_status(struct ctl *);
int	 ctl_check(struct ctl *);
int	 ctl_convert(struct ctl *);

/*
 * Which app.yml: --config, else ./app.yml where there is one; its absolute path
 * in dst.  1: a file; 0: none, so what is built in; -1: there is no such file,
 * said already.
 */
int	 ctl_config(const struct ctl *, char *dst, size_t size)
	    __attribute__((__warn_unused_result__));

/* What is told on standard error: "proxyctl: ..."; returns CTL_ERROR. */
int	 ctl_fail(const char *, ...) __attribute__((__format__(printf, 1, 2)));

#endif /* PROXYCTL_H */
