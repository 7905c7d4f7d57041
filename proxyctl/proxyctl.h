#ifndef PROXYCTL_H
#define PROXYCTL_H

#include <stdbool.h>

#include "base/buf.h"
#include "proxyctl/options.h"
#include "state/conf.h"

/*
 * The control program: groups of words (words.h), each with a function in the
 * file of its role.  Functions return the exit status.
 */
enum ctl_exit { CTL_OK = 0, CTL_ERROR = 1, CTL_DOWN = 3 };

enum ctl_opt {
#define OPT(id, name, kind, arg, text)	OPT_##id,
	CTL_OPTIONS
#undef OPT
	OPT_COUNT
};

struct ctl_given {
	enum ctl_opt	 o;
	const char	*value;
};

struct ctl {
	/* Argument of each option, "" of one that takes none; NULL: absent. */
	const char		*opt[OPT_COUNT];
	struct ctl_given	*given;		/* all, in their order */
	unsigned		 ngiven;
	char			**operand;	/* NULL behind the last */
	unsigned		 noperands;
	const struct word	*word;
	const struct word_group	*group;
	struct conf_paths	 paths;
};

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
