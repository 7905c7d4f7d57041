#ifndef PROXYCTL_TOP_H
#define PROXYCTL_TOP_H

#include <stdint.h>

#include "proxyctl/proxyctl.h"
#include "state/rollup.h"
#include "state/status_view.h"

/* What proxyctl top shows: two moments and what lies between them. */
struct top_sample {
	int64_t			 at_ms;
	struct arena		 arena;
	struct status_view	 v;
	struct rollup		 minute;	/* the last whole one, or none */
};

struct top {
	const struct ctl	*c;
	struct top_sample	 sample[2];
	int			 now;		/* index of the newer one */
	bool			 two;		/* the older one is there */
};

void	 top_init(struct top *, const struct ctl *);
void	 top_release(struct top *);
/* Another moment. */
void	 top_take(struct top *);

/* Lines of text, none wider than width (0: any), at most so many (0: any). */
void	 top_lines(const struct top *, int width, int height, struct buf *);
struct json_t;
struct json_t	*top_json(const struct top *);

int	 ctl_top(struct ctl *);

#endif /* PROXYCTL_TOP_H */
