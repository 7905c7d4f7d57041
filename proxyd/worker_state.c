/*
 * state.db as a worker has it: opened when it is first needed, and again later
 * where that failed.  What the answers of a turn of the loop leave there is one
 * transaction.
 */
#include "base/clock.h"
#include "base/log.h"
#include "proxyd/worker.h"
#include "state/statedb.h"

#define AGAIN_MS	10000

struct store *
worker_state(struct worker *wk)
{
	static int64_t	 again_ms;
	char		 err[1500];

	if (wk->state != NULL || clock_mono_ms() < again_ms)
		return wk->state;
	wk->state = statedb_open(wk->paths->state, err, sizeof(err));
	if (wk->state == NULL) {
		log_alert("conversations cannot be kept: %s", err);
		again_ms = clock_mono_ms() + AGAIN_MS;
	}
	return wk->state;
}

void
worker_state_flush(struct worker *wk)
{
	unsigned	 n;

	if (wk->state == NULL || (n = statedb_gathered(wk->state)) == 0 ||
	    statedb_flush(wk->state) == 0)
		return;
	wk->row->stat.state_errors += n;
	log_warnx("%u rows of conversations' state cannot be kept: %s", n,
	    store_error(wk->state));
}

static void
end_cb(void *arg)
{
	worker_state_flush(arg);
}

struct store *
worker_state_put(struct worker *wk)
{
	wk->state_end.cb = end_cb;
	wk->state_end.arg = wk;
	loop_defer(wk->loop, &wk->state_end);
	return worker_state(wk);
}
