#ifndef PROXYCTL_PROBE_H
#define PROXYCTL_PROBE_H

#include <stdint.h>

#include "proxyctl/proxyctl.h"
#include "state/snapshot.h"

/*
 * One small real request: of a key, directly to its own provider and to no
 * other host; of a model, through the running proxyd, as the operator.
 */
#define PROBE_LIMITS	16

struct probe {
	int		 status;	/* 0: no answer */
	int64_t		 connect_us, first_us, total_us;
	char		 url[1024];	/* asked */
	char		 model[256];	/* that answered, or "" */
	char		 text[128];	/* the beginning of the answer */
	char		 error[1100];	/* or "" */
	char		 id[128];	/* of the request in the log, or "" */
	int64_t		 input, output;	/* tokens; -1: not said */
	struct {
		char	 name[64], value[96];
	}		 limit[PROBE_LIMITS];	/* rate-limit headers */
	unsigned	 nlimits;
};

/* -1: there is no way to ask, said already.  Else see status and error. */
int	 probe_key(const struct snapshot *, const struct snap_key *,
	    const char *model, int64_t max_tokens, struct probe *)
	    __attribute__((__warn_unused_result__));
/* As above; CTL_DOWN where proxyd does not run, said already. */
int	 probe_model(const struct ctl *, const char *model, int64_t max_tokens,
	    struct probe *) __attribute__((__warn_unused_result__));

#endif /* PROXYCTL_PROBE_H */
