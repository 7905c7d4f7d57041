/*
 * state.db as a worker has it: opened when it is first needed, and again later
 * where that failed.
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
