#ifndef STATE_STORE_PAGE_H
#define STATE_STORE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/acct.h"
#include "state/store.h"

/*
 * The request log as people read it: pages by the time at which requests began,
 * newest first, through any filter.  A page is found within a bound of time,
 * not of rows: where the filter is rare and no index helps, it comes with fewer
 * rows than asked for, and the cursor says how far back was looked.
 */
enum log_tri { LOG_ANY, LOG_NO, LOG_YES };

/* Empty strings, 0 and LOG_ANY do not restrict. */
struct log_filter {
	int64_t		 from_us, to_us;	/* begun in [from, to) */
	int		 status_min, status_max;
	int64_t		 key_id, tenant_id, client_key_id;
	int64_t		 min_us;		/* took at least */
	struct str	 provider;
	struct str	 model;			/* asked for */
	struct str	 sent;			/* asked of the provider */
	struct str	 dialect;
	struct str	 request_id;
	struct str	 error;			/* within its text, any case */
	struct str	 close;			/* how it ended */
	enum log_tri	 failed;		/* has an error's text */
	enum log_tri	 stream, translated, lossy;
};

/* Rows before (time, id) come next; all zero: from the newest on. */
struct log_cursor {
	int64_t	 time_us, id;
};

struct log_row {
	int64_t		 id;
	struct acct_rec	 rec;		/* slices valid during the call */
};

/*
 * Up to limit rows, for at most some ms (one step of the search may pass that a
 * little).  1: there may be more, *cursor is where; 0: that was the oldest one;
 * -1.
 */
int	 store_log_page(struct store *, const struct log_filter *,
	    struct log_cursor *cursor, int limit, int ms,
	    void (*cb)(void *, const struct log_row *), void *)
	    __attribute__((__warn_unused_result__));

/*
 * Rows as they end: up to limit of those after *id that the filter lets through,
 * oldest first; *id becomes the last one looked at.  With *id -1 nothing but
 * that.
 */
int	 store_log_follow(struct store *, const struct log_filter *, int64_t *id,
	    int limit, void (*cb)(void *, const struct log_row *), void *)
	    __attribute__((__warn_unused_result__));

/* The row of a request; 0 where there is none. */
int	 store_log_find(struct store *, struct str request_id,
	    void (*cb)(void *, const struct log_row *), void *)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_PAGE_H */
