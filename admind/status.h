#ifndef ADMIND_STATUS_H
#define ADMIND_STATUS_H

#include "base/buf.h"
#include "state/status_view.h"

/* /api/status and /v1/api-keys/stats */
void	 status_json(const struct status_view *, const char *host, int port,
	    struct buf *);
/* What changes from second to second: proxyd's part and the keys. */
void	 status_live_json(const struct status_view *, struct buf *);
void	 status_stats_json(const struct status_view *, struct buf *);
/* The page; refreshed by the browser. */
void	 status_page(const struct status_view *, struct buf *);

#endif /* ADMIND_STATUS_H */
