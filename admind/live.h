#ifndef ADMIND_LIVE_H
#define ADMIND_LIVE_H

#include "admind/api.h"
#include "state/store_page.h"

/*
 * Server-sent events: figures of this moment once a second ("figures", the
 * object of /api/v1/status), and rows of the log as requests end ("row").  A
 * comment every 15 s keeps proxies quiet.  One gathering serves every client
 * that watches.
 */
#define LIVE_CLIENTS	32		/* at once, of each kind */

struct live	*live_create(struct admind *);
void		 live_destroy(struct live *);

void	 live_figures(struct api *);
void	 live_follow(struct api *, const struct log_filter *);

#endif /* ADMIND_LIVE_H */
