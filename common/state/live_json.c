/*
 * Requests in flight, told.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "state/daemon.h"
#include "state/live_json.h"

#define TOKEN_BYTES	4		/* of text, about */

json_t *
live_json(const struct live_now *now, int64_t now_us)
{
	const struct shm_live	*is = &now->is;
	int64_t			 age = now_us - is->time_us;
	char			 when[CLOCK_RFC3339_LEN];

	return json_pack(
	    "{s:o,s:s,s:I,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:b,s:I}",
	    "id", daemon_json_text(is->id), "time",
	    clock_rfc3339(is->time_us, when), "age_ms",
	    (json_int_t)(age < 0 ? 0 : age / 1000), "worker",
	    (int)now->worker, "client", daemon_json_text(is->client),
	    "user_agent", daemon_json_text(is->agent), "tenant",
	    daemon_json_text(is->tenant), "dialect",
	    daemon_json_text(is->dialect), "model_asked",
	    daemon_json_text(is->asked), "provider",
	    daemon_json_text(is->provider), "model_sent",
	    daemon_json_text(is->model), "attempts", (int)now->attempts,
	    "stream", (int)is->stream, "tokens",
	    (json_int_t)((now->said + TOKEN_BYTES - 1) / TOKEN_BYTES));
}

/* It becomes a word of a line. */
int
live_cancel_word(char dst[LIVE_CANCEL_WORD], struct str id)
{
	if (id.n >= SHM_LIVE_ID || !str_starts(id, "req_") ||
	    memchr(id.p, '\n', id.n) != NULL)
		return -1;
	snprintf(dst, LIVE_CANCEL_WORD, "cancel %.*s", STR_FMT(id));
	return 0;
}
