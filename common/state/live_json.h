#ifndef STATE_LIVE_JSON_H
#define STATE_LIVE_JSON_H

#include <stdint.h>

#include "state/shm_live.h"

/* A request in flight, as REST and proxyctl tell it; jansson's, the caller's. */
struct json_t;
struct json_t	*live_json(const struct live_now *, int64_t now_us);

/*
 * The word of the control socket that ends a request; -1: that is no id of a
 * request, so there is none.
 */
#define LIVE_CANCEL_WORD	80
int	 live_cancel_word(char dst[LIVE_CANCEL_WORD], struct str id)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_LIVE_JSON_H */
