#ifndef ADMIND_METRICS_H
#define ADMIND_METRICS_H

#include "admind/status.h"
#include "base/buf.h"

/*
 * /metrics, the Prometheus text format, version 0.0.4: what shared memory
 * counts now, and sums over all requests from the roll-ups, which survive
 * restarts.  Names are those of OpenTelemetry's conventions for generative AI
 * where it has one, else proxyd_*.  No label holds a key, a prompt or a client.
 */
void	 metrics_text(const struct status_view *, const struct conf_paths *,
	    struct buf *);

#endif /* ADMIND_METRICS_H */
