#ifndef STATE_BODIES_H
#define STATE_BODIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "state/store.h"

/*
 * Bodies of requests, kept where LOG_BODIES says so, in a file of their own.
 *
 * A worker puts all sides of one request into one file of the capture directory
 * and renames it to its final name; the logger moves it into the database and
 * removes it.  So no worker waits for the database, and none is lost by a kill.
 */
enum body_mode { BODIES_NONE, BODIES_ERRORS, BODIES_ALL };

enum body_side {
	BODY_CLIENT_REQUEST,
	BODY_UPSTREAM_REQUEST,
	BODY_UPSTREAM_RESPONSE,
	BODY_CLIENT_RESPONSE,
	BODY_SIDES
};
const char	*body_side_name(enum body_side);

/*
 * offsets: for each piece as it came, two numbers in LEB128: its bytes, and
 * microseconds since the piece before (the first: since the request began).
 */
struct body {
	enum body_side	 side;
	int		 attempt;	/* from 0 */
	int		 status;	/* of an answer; 0 */
	int64_t		 size;		/* before it was cut and masked */
	struct str	 type;		/* Content-Type */
	struct str	 data;
	struct str	 offsets;
};

#define BODIES_MAX	24		/* of one request */

struct capture {
	struct str	 request_id;
	int64_t		 time_us;
	unsigned	 n;
	struct body	 body[BODIES_MAX];
};

/* Adds a piece to offsets. */
void	 body_offset(struct buf *offsets, uint64_t bytes, uint64_t us);
/* Takes the next piece from *offsets; false at its end. */
bool	 body_offset_next(struct str *offsets, uint64_t *bytes, uint64_t *us);

/* Writes dir/<request_id>.cap; -1 with errno. */
int	 capture_save(const char *dir, const struct capture *)
	    __attribute__((__warn_unused_result__));
/*
 * Moves what lies in dir into the database, at most n files; how many, or -1
 * with the text in store_error.  A file that is none is removed and skipped.
 */
int	 captures_take(struct store *, const char *dir, int n)
	    __attribute__((__warn_unused_result__));

/* bodies.db; see store_open. */
struct store	*bodies_open(const char *path, enum store_open_mode, char *err,
		    size_t errsize);
/* cb for each side that was kept, in the order of time; 0: none was. */
int	 bodies_of(struct store *, struct str request_id,
	    void (*cb)(void *, const struct body *), void *)
	    __attribute__((__warn_unused_result__));
/* Deletes at most n captures that are older, or the oldest while all together
 * are larger than max_bytes (0: no limit); how many, or -1. */
int	 bodies_expire(struct store *, int64_t before_us, int64_t max_bytes,
	    int n) __attribute__((__warn_unused_result__));

#endif /* STATE_BODIES_H */
