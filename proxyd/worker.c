/*
 * A worker: its loop, its snapshot, its end.  It only reads the database, and
 * only to load a snapshot.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyd/account.h"
#include "proxyd/http_in.h"
#include "proxyd/http_out.h"
#include "proxyd/request.h"
#include "proxyd/worker.h"
#include "state/store_tenants.h"

#define TICK_MS		250

/*
 * Bodies of agents are hundreds of kilobytes: given back to the kernel with
 * each request, their pages would be taken and cleared anew for the next.
 */
#define HEAP_MMAP	(4 << 20)	/* larger pieces are mapped */
#define HEAP_KEEP	(16 << 20)	/* free memory kept at the top */
#define HEAP_TRIM_TICKS	40		/* idle for so long: give all back */

struct worker_events {
	struct worker		*wk;
	struct loop_fd		 signals, parent;
	struct loop_timer	 tick, deadline;
	struct loop_task	 check;
	uint64_t		 seen;		/* requests, a tick ago */
	unsigned		 idle;		/* ticks without one */
};

static struct worker_events	 events;	/* one worker a process */

static void
worker_words(const char *text)
{
	snprintf(events.wk->row->words, sizeof(events.wk->row->words), "%s",
	    text);
}

/* --- the snapshot --------------------------------------------------------------------- */

static int
worker_load(struct worker *wk)
{
	struct snapshot	*s;
	char		 err[512];

	if (wk->store == NULL &&
	    (wk->store = store_open(wk->paths->db, STORE_READ, err,
	    sizeof(err))) == NULL) {
		log_alert("configuration not loaded: %s", err);
		return -1;
	}
	s = snapshot_load(wk->store, wk->box, err, sizeof(err));
	store_close(wk->store);		/* its cache is not worth keeping */
	wk->store = NULL;
	if (s == NULL) {
		wk->row->stat.snapshot_errors++;
		log_alert("configuration not loaded: %s", err);
		return -1;
	}
	snapshot_unref(wk->snap);
	wk->snap = s;
	wk->row->generation = s->generation;
	wk->row->stat.snapshots++;
	log_debug("configuration %llu in service",
	    (unsigned long long)s->generation);
	return 0;
}

/* --- its end --------------------------------------------------------------------------- */

static void
check_cb(void *arg)
{
	struct worker	*wk = arg;

	if (wk->draining && wk->requests == 0 && wk->in != NULL &&
	    http_in_connections(wk->in) == 0 && !account_pending(wk))
		loop_stop(wk->loop);
}

void
worker_check(struct worker *wk)
{
	if (wk->draining)
		loop_post(wk->loop, &events.check);
}

static void
deadline_cb(void *arg)
{
	struct worker	*wk = arg;

	if (wk->requests > 0)
		log_warnx("%u requests cut off at the end of the drain time",
		    wk->requests);
	loop_stop(wk->loop);
}

static void
worker_drain(struct worker *wk)
{
	if (wk->draining)
		return;
	log_debug("draining, %u requests in flight", wk->requests);
	wk->draining = true;
	wk->row->state = SHM_DRAINING;
	http_in_drain(wk->in);
	loop_timer_set(wk->loop, &events.deadline, wk->process.drain_ms);
	loop_post(wk->loop, &events.check);
}

static void
signal_cb(void *arg, uint32_t ev)
{
	struct worker		*wk = arg;
	struct signalfd_siginfo	 si;

	(void)ev;
	while (read(events.signals.fd, &si, sizeof(si)) ==
	    (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM)
			worker_drain(wk);
		else if (si.ssi_signo == SIGQUIT) {
			worker_drain(wk);
			loop_timer_set(wk->loop, &events.deadline, 0);
		}
}

static void
parent_cb(void *arg, uint32_t ev)
{
	struct worker	*wk = arg;

	(void)ev;
	loop_del(wk->loop, &events.parent);
	log_warnx("the master is gone");
	worker_drain(wk);
}

/* --- its beat ---------------------------------------------------------------------------- */

static void
worker_trim(struct worker *wk)
{
	if (wk->requests > 0 || wk->row->stat.requests != events.seen) {
		events.seen = wk->row->stat.requests;
		events.idle = 0;
	} else if (events.idle < HEAP_TRIM_TICKS &&
	    ++events.idle == HEAP_TRIM_TICKS)
		malloc_trim(0);
}

static void
tick_cb(void *arg)
{
	struct worker	*wk = arg;

	wk->row->beat_ms = loop_now(wk->loop);
	if (wk->shm->generation > wk->row->generation &&
	    worker_load(wk) == -1)
		wk->row->generation = wk->shm->generation;	/* told once */
	request_cancels(wk);
	account_flush(wk);
	worker_trim(wk);
	if (wk->draining)
		loop_post(wk->loop, &events.check);
	loop_timer_set(wk->loop, &events.tick, account_pending(wk) ?
	    TICK_MS / 10 : TICK_MS);
}

static void
worker_signals(struct worker *wk)
{
	sigset_t	 set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);	/* the same, at once */
	sigaddset(&set, SIGINT);	/* the terminal's: the master decides */
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	events.signals = (struct loop_fd){ .cb = signal_cb, .arg = wk };
	events.signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	events.parent = (struct loop_fd){ .fd = wk->parent_fd,
	    .cb = parent_cb, .arg = wk };
	if (events.signals.fd == -1 ||
	    loop_add(wk->loop, &events.signals, EPOLLIN) == -1 ||
	    loop_add(wk->loop, &events.parent, EPOLLIN | EPOLLRDHUP) == -1)
		fatal("worker signals");
}

int
worker_main(struct worker *wk)
{
	char	 name[32], err[512];

	snprintf(name, sizeof(name), "proxyd worker %u", wk->slot);
	log_setprocname(name);
	events.wk = wk;
	mallopt(M_MMAP_THRESHOLD, HEAP_MMAP);
	mallopt(M_TRIM_THRESHOLD, HEAP_KEEP);
	log_onfatal(worker_words);
	wk->spill_fd = -1;
	wk->row = &wk->shm->worker[wk->slot];
	wk->loop = loop_create();
	wk->row->beat_ms = loop_now(wk->loop);
	events.tick = (struct loop_timer){ .cb = tick_cb, .arg = wk };
	events.deadline = (struct loop_timer){ .cb = deadline_cb, .arg = wk };
	events.check = (struct loop_task){ .cb = check_cb, .arg = wk };
	worker_signals(wk);
	wk->box = secret_box_open(wk->paths->secret, err, sizeof(err));
	if (wk->box == NULL) {
		log_alert("%s", err);
		return 2;
	}
	wk->client_print = client_hash_print(wk->box);
	if (worker_load(wk) == -1)
		return 2;
	wk->out = http_out_create(wk);
	queue_init(wk);
	wk->in = http_in_create(wk);
	tick_cb(wk);
	wk->row->state = SHM_RUNNING;
	loop_run(wk->loop);
	http_in_destroy(wk->in);
	wk->in = NULL;
	http_out_destroy(wk->out);
	loop_turn(wk->loop);		/* what was deferred */
	account_end(wk);
	snapshot_unref(wk->snap);
	store_close(wk->state);
	secret_print_free(wk->client_print);
	secret_box_close(wk->box);
	close(events.signals.fd);
	loop_destroy(wk->loop);
	return 0;
}
