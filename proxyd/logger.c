/*
 * The log writer.  Rows and the new tail of each ring are one transaction, then
 * the tails are stored: killed in between, the next logger reads the tails from
 * the database and no row is written twice.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "policy/account_view.h"
#include "proxyd/logger.h"
#include "state/bodies.h"
#include "state/statedb.h"
#include "state/shm_keys.h"
#include "state/store.h"
#include "state/store_accounts.h"
#include "state/store_refusal.h"
#include "state/store_rollup.h"
#include "state/store_seconds.h"

#define DRAIN_MS	25		/* rings are looked at so often */
/*
 * A transaction costs what hundreds of rows do: sums of keys, roll-ups, pages,
 * and the disk.  So rows are gathered.  A busy worker on the same core needs
 * room meanwhile for what comes before the rings are looked at, and while it
 * shares the core with the rows: several times as much.
 */
#define GATHER_MS	200
#define GATHER_BYTES	(512u << 10)
#define LATE_BYTES	(SHM_RING / 4 * 3)
#define STRETCH		16		/* rows without giving way, */
#define STRETCH_WRITES	8		/* or writes */
#define WATCH_MS	250
#define RETRY_MS	1000		/* after a failure of the database */
#define EXPIRE_MS	60000
#define EXPIRE_SOON_MS	50		/* there was more than one slice */
#define EXPIRE_ROWS	500		/* in one transaction, at first */
#define EXPIRE_BODIES	20
#define SLICE_US	25000		/* a slice is to hold the lock so long */
#define TAKE		64		/* captures at a time */
#define DAY_US		((int64_t)86400 * 1000000)
#define BATCH		2000		/* rows in one transaction */

struct logger_state {
	struct logger		*lg;
	struct store		*store;
	struct loop		*loop;
	struct loop_fd		 signals, parent;
	struct loop_timer	 drain, watch, expire;
	struct store		*state;		/* NULL until it is there */
	struct store		*bodies;	/* NULL until it is needed */
	int			 slice;		/* rows */
	bool			 bodies_failing;
	uint64_t		 tail[STORE_RINGS];
	int64_t			 since_ms;	/* rows wait; 0: none does */
	bool			 late;		/* rings fill up */
	bool			 ending;
	bool			 orphan;
	bool			 failing;	/* said so already */
};

static struct logger_state	 st;	/* one logger a process */

_Static_assert(STORE_RINGS == SHM_WORKERS, "one position a ring");

/* A worker may wait for this core. */
static void
give_way(void)
{
	if (!st.late)
		sched_yield();
}

/* --- rings into rows ------------------------------------------------------------------ */

/* Does a ring hold more than that? */
static bool
waiting_more(uint64_t bytes)
{
	unsigned	 i;

	for (i = 0; i < SHM_WORKERS; i++)
		if (st.lg->shm->ring[i].head - st.tail[i] > bytes)
			return true;
	return false;
}

static int
drain_ring(unsigned i, int room)
{
	struct shm_ring	*r = &st.lg->shm->ring[i];
	struct acct_rec	 rec;
	struct str	 packed;
	int		 n = 0, got;

	while (n < room && (got = ring_get(r, &st.tail[i], &packed)) != 0) {
		if (got == -1) {
			log_alert("ring %u is damaged, its records are lost",
			    i);
			st.tail[i] = r->head;
			break;
		}
		if (acct_unpack(packed, &rec) == -1) {
			log_alert("a record of ring %u is damaged", i);
			continue;
		}
		if (store_log_row(st.store, &rec) == -1)
			return -1;
		if (++n % STRETCH == 0)
			give_way();
	}
	return n;
}

static bool
drain_waiting(void)
{
	unsigned	 i;

	for (i = 0; i < SHM_WORKERS; i++)
		if (st.lg->shm->ring[i].head != st.tail[i])
			return true;
	return false;
}

/* One transaction; how many rows, or -1. */
static int
drain_batch(void)
{
	uint64_t	 before[STORE_RINGS];
	unsigned	 i;
	int		 n = 0, got;

	memcpy(before, st.tail, sizeof(before));
	st.late = waiting_more(LATE_BYTES);
	if (store_log_begin(st.store) == -1)
		return -1;
	for (i = 0; i < SHM_WORKERS; i++) {
		if ((got = drain_ring(i, BATCH - n)) == -1)
			goto fail;
		n += got;
	}
	if (store_log_commit(st.store, st.lg->shm->epoch, st.tail) == -1)
		goto fail;
	for (i = 0; i < SHM_WORKERS; i++)
		atomic_store_explicit(&st.lg->shm->ring[i].tail, st.tail[i],
		    memory_order_release);
	st.lg->shm->rows += (uint64_t)n;
	return n;
fail:
	store_log_rollback(st.store);
	memcpy(st.tail, before, sizeof(before));
	return -1;
}

/* What comes meanwhile is gathered again, unless there is much of it. */
static int
drain_all(void)
{
	int	 n;

	do {
		if ((n = drain_batch()) == -1) {
			if (!st.failing)
				log_alert("cannot write the request log: %s",
				    store_error(st.store));
			st.failing = true;
			return -1;
		}
		st.lg->shm->logger_beat_ms = clock_mono_ms();
	} while (drain_waiting() && (st.ending || waiting_more(GATHER_BYTES)));
	if (st.failing)
		log_warnx("the request log can be written again");
	st.failing = false;
	return 0;
}

/* Is it time to write what waits? */
static bool
drain_due(void)
{
	int64_t	 now = loop_now(st.loop);

	if (!drain_waiting()) {
		st.since_ms = 0;
		return false;
	}
	if (st.since_ms == 0)
		st.since_ms = now;
	return st.ending || now - st.since_ms >= GATHER_MS ||
	    waiting_more(GATHER_BYTES);
}

static bool
workers_gone(void)
{
	unsigned	 i;
	int		 pid;

	for (i = 0; i < SHM_WORKERS; i++) {
		pid = st.lg->shm->worker[i].pid;
		if (pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH))
			return false;
	}
	return true;
}

static void
drain_cb(void *arg)
{
	int	 r = 0;

	(void)arg;
	if (st.orphan && !st.ending && workers_gone())
		st.ending = true;
	if (drain_due()) {
		r = drain_all();
		st.since_ms = 0;
	}
	/* A signal to the whole group comes before the workers have ended. */
	if (st.ending && workers_gone() && (r == -1 || !drain_waiting())) {
		loop_stop(st.loop);
		return;
	}
	loop_timer_set(st.loop, &st.drain, r == -1 ? RETRY_MS : DRAIN_MS);
}

/* --- bodies ------------------------------------------------------------------------------- */

static bool
bodies_ready(void)
{
	char	 err[1500];

	if (st.bodies == NULL)
		st.bodies = bodies_open(st.lg->paths->bodies, STORE_WRITE,
		    err, sizeof(err));
	if (st.bodies == NULL && !st.bodies_failing)
		log_alert("bodies cannot be kept: %s", err);
	st.bodies_failing = st.bodies == NULL;
	return st.bodies != NULL;
}

/* The directory is there once a worker has kept something. */
static void
bodies_take(void)
{
	int	 n;

	if (access(st.lg->paths->capture, F_OK) == -1 || !bodies_ready())
		return;
	n = captures_take(st.bodies, st.lg->paths->capture, TAKE);
	if (n == -1) {
		log_warnx("bodies cannot be kept: %s",
		    store_error(st.bodies));
		return;
	}
	st.lg->shm->captured += (uint64_t)n;
	if (n == TAKE)
		loop_timer_set(st.loop, &st.watch, 0);
}

static int
bodies_old(void)
{
	int64_t	 days, size, before = 0;
	int	 n;

	if (access(st.lg->paths->bodies, F_OK) == -1 || !bodies_ready() ||
	    store_setting(st.store, "body_days", &days) == -1 ||
	    store_setting(st.store, "body_size", &size) == -1)
		return 0;
	if (days > 0)
		before = clock_wall_us() - days * DAY_US;
	n = bodies_expire(st.bodies, before, size, EXPIRE_BODIES);
	if (n == -1)
		log_warnx("cannot expire bodies: %s", store_error(st.bodies));
	return n;
}

/* --- the generation, old rows ------------------------------------------------------------ */

static void	 state_tidy(void);

static void
keys_keep(void)
{
	static uint64_t	 kept;
	uint64_t	 sum = keys_sum(st.lg->shm);

	if (sum == kept)
		return;
	if (keys_save(st.store, st.lg->shm) == -1)
		log_warnx("what rests keys was not written: %s",
		    store_error(st.store));
	else
		kept = sum;
}

static void
change_cb(void *arg, const struct account_change *c)
{
	struct shm	*m = st.lg->shm;
	int64_t		 slots = c->client_key ? SHM_ACCOUNTS - SHM_TENANTS :
			    SHM_TENANTS;

	(void)arg;
	if (c->slot >= 0 && c->slot < slots)
		account_correct(m, (unsigned)(c->client_key ? SHM_TENANTS +
		    c->slot : c->slot), c->day, c->cost, clock_wall_us());
	m->accounts_seq = c->seq;
}

/* What accounts have spent is not what the workers have counted. */
static void
accounts_follow(void)
{
	if (store_account_changes(st.store, st.lg->shm->epoch,
	    st.lg->shm->accounts_seq, change_cb, NULL) == -1)
		log_warnx("changes of what was spent were not read: %s",
		    store_error(st.store));
}

static void
watch_cb(void *arg)
{
	uint64_t	 gen;

	(void)arg;
	st.lg->shm->logger_beat_ms = loop_now(st.loop);
	if (store_generation(st.store, &gen) == 0)
		st.lg->shm->generation = gen;
	loop_timer_set(st.loop, &st.watch, WATCH_MS);
	accounts_follow();
	bodies_take();
	state_tidy();
	keys_keep();
}

static int
rows_old(void)
{
	int64_t	 days, size, before = 0, t0 = clock_mono_us();
	int	 n;

	if (store_setting(st.store, "log_days", &days) == -1 ||
	    store_setting(st.store, "log_size", &size) == -1)
		return 0;
	if (days > 0)
		before = clock_wall_us() - days * DAY_US;
	n = store_log_expire(st.store, before, size, st.slice);
	if (n == -1)
		log_warnx("cannot expire log rows: %s",
		    store_error(st.store));
	/* The next slice is as long as this machine allows. */
	t0 = clock_mono_us() - t0;
	if (t0 > SLICE_US && st.slice > 20)
		st.slice /= 2;
	else if (t0 < SLICE_US / 4 && st.slice < EXPIRE_ROWS * 8)
		st.slice *= 2;
	return n;
}

static int
seconds_old(void)
{
	int	 n = store_seconds_expire(st.store, EXPIRE_ROWS);

	if (n == -1)
		log_warnx("cannot expire seconds of log rows: %s",
		    store_error(st.store));
	return n;
}

/* Made by the workers; nothing is there before the first needs it. */
static bool
state_ready(void)
{
	char	 err[1500];

	if (st.state == NULL && access(st.lg->paths->state, F_OK) == 0)
		st.state = statedb_open(st.lg->paths->state, err, sizeof(err));
	return st.state != NULL;
}

static int
state_old(void)
{
	int64_t	 days, size, before = 0;
	int	 n;

	if (!state_ready() ||
	    store_setting(st.store, "state_days", &days) == -1 ||
	    store_setting(st.store, "state_size", &size) == -1)
		return 0;
	if (days > 0)
		before = clock_wall_us() - days * DAY_US;
	n = statedb_expire(st.state, before, size, EXPIRE_ROWS / 5);
	if (n == -1)
		log_warnx("cannot expire conversations' state: %s",
		    store_error(st.state));
	return n;
}

/* Every few seconds: the workers leave it to us. */
static void
state_tidy(void)
{
	static unsigned	 turn;

	if (turn++ % 16 == 0 && state_ready() && statedb_tidy(st.state) == -1)
		log_debug("state.db: %s", store_error(st.state));
}

static void
expire_cb(void *arg)
{
	int	 n;

	(void)arg;
	n = rows_old();
	if (n == 0)
		n = seconds_old();
	if (n == 0)
		n = store_rollups_expire(st.store, clock_wall_us() / 1000000,
		    EXPIRE_ROWS / 5);
	if (n == 0)
		n = bodies_old();
	if (n == 0)
		n = state_old();
	if (n == 0)
		n = store_account_changes_expire(st.store);
	if (n == 0 && store_refusals_expire(st.store) == -1)
		log_warnx("cannot expire refused parameters: %s",
		    store_error(st.store));
	loop_timer_set(st.loop, &st.expire, n > 0 ? EXPIRE_SOON_MS :
	    EXPIRE_MS);
}

/* --- life ----------------------------------------------------------------------------------- */

static void
signal_cb(void *arg, uint32_t ev)
{
	struct signalfd_siginfo	 si;

	(void)arg;
	(void)ev;
	while (read(st.signals.fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM) {
			st.ending = true;
			loop_timer_set(st.loop, &st.drain, 0);
		}
}

static void
parent_cb(void *arg, uint32_t ev)
{
	(void)arg;
	(void)ev;
	loop_del(st.loop, &st.parent);
	st.orphan = true;
}

static void
logger_words(const char *text)
{
	snprintf(st.lg->shm->logger_words, sizeof(st.lg->shm->logger_words),
	    "%s", text);
}

static void
logger_open(void)
{
	char		 err[512];
	unsigned	 i;

	store_pace(STRETCH_WRITES, give_way);
	st.store = store_open(st.lg->paths->db, STORE_WRITE, err, sizeof(err));
	if (st.store == NULL)
		fatalx("%s", err);
	if (store_log_tails(st.store, st.lg->shm->epoch, st.tail) == -1)
		fatalx("cannot read the log's position: %s",
		    store_error(st.store));
	for (i = 0; i < SHM_WORKERS; i++) {
		if (st.tail[i] < st.lg->shm->ring[i].tail)
			st.tail[i] = st.lg->shm->ring[i].tail;
		st.lg->shm->ring[i].tail = st.tail[i];
	}
}

int
logger_main(struct logger *lg)
{
	sigset_t	 set;

	log_setprocname("proxyd logger");
	st.lg = lg;
	st.slice = EXPIRE_ROWS;
	log_onfatal(logger_words);
	st.loop = loop_create();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	st.signals = (struct loop_fd){ .cb = signal_cb };
	st.signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	st.parent = (struct loop_fd){ .fd = lg->parent_fd, .cb = parent_cb };
	if (st.signals.fd == -1 ||
	    loop_add(st.loop, &st.signals, EPOLLIN) == -1 ||
	    loop_add(st.loop, &st.parent, EPOLLIN | EPOLLRDHUP) == -1)
		fatal("logger signals");
	logger_open();
	st.drain = (struct loop_timer){ .cb = drain_cb };
	st.watch = (struct loop_timer){ .cb = watch_cb };
	st.expire = (struct loop_timer){ .cb = expire_cb };
	watch_cb(NULL);
	drain_cb(NULL);
	loop_timer_set(st.loop, &st.expire, EXPIRE_MS);
	loop_run(st.loop);
	store_close(st.store);
	store_close(st.bodies);
	store_close(st.state);
	close(st.signals.fd);
	loop_destroy(st.loop);
	return 0;
}
