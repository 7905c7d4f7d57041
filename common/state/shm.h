#ifndef STATE_SHM_H
#define STATE_SHM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * The memory that the master maps before it forks.  No pointer and no lock in
 * it; every word has one writer, named here, and any number of readers.
 */
#define SHM_MAGIC	0x50585933u
#define SHM_WORKERS	64
#define SHM_KEYS	1024
#define SHM_RING	(4u << 20)		/* bytes; a power of two */
#define SHM_WORDS	256
#define SHM_TOKEN	32

/*
 * Counters of a worker: SHM_STAT(name, "one line for people").  proxyctl(8)
 * lists them, and a test holds it to this table.
 */
#define SHM_STATS							\
	SHM_STAT(connections,	"client connections accepted")		\
	SHM_STAT(requests,	"requests begun")			\
	SHM_STAT(requests_done,	"requests ended, with a row in the log") \
	SHM_STAT(refused,	"requests answered 4xx by the gateway")	\
	SHM_STAT(failed,	"requests that ended in an error")	\
	SHM_STAT(client_left,	"clients gone before the end")		\
	SHM_STAT(cancelled,	"requests ended by the operator")	\
	SHM_STAT(attempts,	"attempts at providers")		\
	SHM_STAT(retries,	"attempts after the first of a request")	\
	SHM_STAT(translated,	"requests between two dialects")	\
	SHM_STAT(losses,	"translations with a loss report")	\
	SHM_STAT(input_tokens,	"tokens read by models")		\
	SHM_STAT(output_tokens,	"tokens written by models")		\
	SHM_STAT(ring_spills,	"records that went by the spill file")	\
	SHM_STAT(state_errors,	"times that reasoning state was not kept or read")	\
	SHM_STAT(queued,	"times that a request waited for a key") \
	SHM_STAT(queue_full,	"times that too many waited already")	\
	SHM_STAT(captures,	"requests whose bodies were kept")	\
	SHM_STAT(captures_dropped, "bodies not kept: no room")		\
	SHM_STAT(snapshots,	"configurations loaded")		\
	SHM_STAT(snapshot_errors, "configurations that did not load")

/* Status codes are counted in classes of their own, the rest under 0xx-5xx. */
#define SHM_STATUSES	32
unsigned	 shm_status_slot(int http_status);	/* 0: no answer */
int		 shm_status_of(unsigned slot);		/* 100 ... 500: others */

struct shm_keycount {
	_Atomic uint64_t	 ok, failed;
	_Atomic int64_t		 last_us;	/* wall clock, 0: never */
	_Atomic uint32_t	 inflight;
	_Atomic uint32_t	 status[SHM_STATUSES];
};

/*
 * What requests of a tenant or a client key hold and have cost, in
 * micro-dollars: tenants first, then client keys, by their slots.
 */
#define SHM_TENANTS	1024
#define SHM_ACCOUNTS	(SHM_TENANTS + 4096)
#define SHM_SPENT_MAX	(INT64_MAX / 256)	/* of each sum: they add up */
struct shm_use {
	_Atomic uint32_t	 inflight;
	_Atomic int64_t		 reserved;
	_Atomic int64_t		 settled;	/* since the worker began */
};

/*
 * What all workers agree on.  The rates are words of policy/limit.h; day and
 * month are numbers that only grow, and base what was spent when each began,
 * written by who first sees it.
 */
struct shm_account {
	_Atomic int64_t		 rpm_at, tpm_at;
	_Atomic int64_t		 base;		/* before this memory, and what
						   changed it; loader, logger */
	_Atomic int64_t		 day, day_base;
	_Atomic int64_t		 month, month_base;
};

enum shm_state {
	SHM_FREE, SHM_STARTING, SHM_RUNNING, SHM_DRAINING, SHM_DEAD
};

/*
 * A record on its way into the ring and its cost into the accounts: where the
 * ring and the accounts stood before.  n 0: none is.
 */
struct shm_settle {
	_Atomic uint32_t n;
	_Atomic uint32_t slot[2];
	_Atomic int64_t	 before[2];
	_Atomic int64_t	 cost;
	_Atomic uint64_t head;
	_Atomic int64_t	 spill;		/* end of the record in the spill file;
					   0: it goes into the ring */
};

/*
 * For what keys requests wait in a worker's queue, and since when the first of
 * each; seen_ms: when the worker looked last.
 */
#define SHM_WAITS	4
struct shm_waits {
	_Atomic int64_t	 seen_ms;		/* monotonic */
	struct {
		_Atomic uint64_t tag;		/* 0: none */
		_Atomic int64_t	 since_ms;
	} first[SHM_WAITS];
};

/* Written by the worker in it only; the master clears it when that is gone. */
struct shm_worker {
	_Alignas(4096) _Atomic int32_t	 pid;
	_Atomic int32_t		 state;		/* enum shm_state */
	_Atomic int64_t		 beat_ms;	/* monotonic, of its last turn */
	_Atomic uint64_t	 generation;	/* of the snapshot in service */
	_Atomic uint32_t	 inflight;	/* requests */
	_Atomic uint32_t	 open;		/* connections */
	_Atomic uint32_t	 waiting;	/* requests, for a key */
	struct shm_waits	 waits;
	/* Where its spill file has been read to; see ring_spill_*. */
	_Atomic uint64_t	 spill_old, spill_new, spill_head;
	char			 words[SHM_WORDS];	/* its last ones */
#define SHM_STAT(name, text)	_Atomic uint64_t name;
	struct shm_stats { SHM_STATS } stat;
#undef SHM_STAT
	struct shm_keycount	 key[SHM_KEYS];
	struct shm_use		 use[SHM_ACCOUNTS];
	struct shm_settle	 settle;
};

/* Whole records lie in [tail, head); both only grow. */
struct shm_ring {
	_Alignas(64) _Atomic uint64_t	 head;	/* its worker */
	_Alignas(64) _Atomic uint64_t	 tail;	/* the logger */
	_Alignas(64) unsigned char	 data[SHM_RING];
};

/* A key's state, written by any worker: see shm_keys.h. */
struct shm_key {
	_Atomic int64_t	 id;			/* whose it is */
	_Atomic int64_t	 cool_until_ms;		/* of the model that rests
						   longest */
	_Atomic int64_t	 parked_until_ms;	/* monotonic */
	_Atomic int64_t	 room_until_ms;		/* headroom of any model */
	_Atomic uint32_t park_strikes;		/* in a row; 0: not parked */
	_Atomic int32_t	 park_status;
	_Atomic int64_t	 rpm_full_us, tpm_full_us; /* see keys_take */
	_Atomic int32_t	 last_status;		/* of its last failure */
	_Atomic int32_t	 loaded;		/* base is filled in; loader */
	_Atomic uint32_t rr;			/* tickets of the pool whose
						   first key this is */
};

/* A provider's circuit breaker, written by any worker: see shm_provider.h. */
#define SHM_PROVIDERS	512
#define SHM_BUCKETS	10
struct shm_provider {
	_Atomic int64_t	 id;			/* 0: free */
	_Atomic uint64_t bucket[SHM_BUCKETS];
	_Atomic int64_t	 until_ms;		/* monotonic */
	_Atomic uint32_t strikes;		/* in a row; 0: closed */
	_Atomic uint32_t trying;		/* one request finds out */
	_Atomic uint64_t opened;		/* how often */
};

/* The moving time to the first byte of a provider's model. */
#define SHM_SPEEDS	4096
struct shm_speed {
	_Atomic uint64_t tag;			/* 0: free */
	_Atomic int64_t	 us, at_ms;
};

/* A rate limit of a key for one model, found by a hash of both. */
#define SHM_COOLS	8192
#define SHM_NAME	64
struct shm_cool {
	_Atomic uint64_t tag;			/* 0: free */
	_Atomic int64_t	 until_ms;
	_Atomic uint32_t strikes;		/* in a row */
	_Atomic int32_t	 slot;			/* + 1 */
	/* Headroom: what the provider said is left, until when; 0: nothing. */
	_Atomic int64_t	 req_left, req_until_ms;
	_Atomic int64_t	 tok_left, tok_until_ms;
	_Atomic uint64_t name[SHM_NAME / 8];	/* the model, for people */
};

/* Where a conversation was answered last: see shm_affinity.h. */
#define SHM_AFFINITY	16384
struct shm_affinity {
	_Atomic uint64_t conversation;		/* 0: none */
	_Atomic uint64_t where;
};

/* Requests in flight: see shm_live.h. */
#define SHM_LIVE	128			/* shown, a worker */
#define SHM_LIVE_ID	40
#define SHM_CANCELS	16			/* not yet looked at, a worker */
struct shm_live {
	int64_t	 time_us;			/* wall clock at its start */
	bool	 stream;
	char	 id[SHM_LIVE_ID];		/* "": free */
	char	 client[48], agent[48], dialect[24], tenant[40];
	char	 asked[72], provider[40], model[72];
};

struct shm_live_line {
	_Atomic uint32_t	 turn;		/* odd: being written */
	_Atomic uint32_t	 attempts;
	_Atomic uint64_t	 said;		/* bytes of text */
	struct shm_live		 is;
};

/* Written by its worker, but for cancels and cancel: by the master. */
struct shm_live_table {
	unsigned		 hint;
	_Atomic uint64_t	 cancels, cancels_done;
	char			 cancel[SHM_CANCELS][SHM_LIVE_ID];
	struct shm_live_line	 line[SHM_LIVE];
};

struct shm {
	uint32_t		 magic;
	uint32_t		 size;		/* of struct shm */
	uint64_t		 epoch;		/* names this memory */
	char			 operator_token[SHM_TOKEN]; /* see
							   proxyd/operator.h */
	_Atomic uint64_t	 generation;	/* in the database; the logger */
	/* Rows from there on were never a worker's; the master, before it forks. */
	_Atomic uint32_t	 workers;
	_Atomic int32_t		 logger_pid;
	_Atomic int64_t		 logger_beat_ms;
	_Atomic uint64_t	 rows;		/* written; the logger */
	_Atomic uint64_t	 captured;	/* captures stored; logger */
	char			 logger_words[SHM_WORDS];
	struct shm_key		 key[SHM_KEYS];
	struct shm_cool		 cool[SHM_COOLS];
	struct shm_affinity	 affinity[SHM_AFFINITY];
	struct shm_provider	 provider[SHM_PROVIDERS];
	struct shm_speed	 speed[SHM_SPEEDS];
	_Atomic int32_t		 accounts_loaded;	/* the loader */
	_Atomic int64_t		 accounts_seq;	/* the last change that base
						   has; loader, logger */
	struct shm_account	 account[SHM_ACCOUNTS];
	struct shm_keycount	 base[SHM_KEYS];	/* from the database,
							   by the loader */
	struct shm_worker	 departed;	/* sums of the dead; master */
	struct shm_worker	 worker[SHM_WORKERS];
	struct shm_live_table	 live[SHM_WORKERS];
	struct shm_ring		 ring[SHM_WORKERS];
};

/* Maps new, zeroed memory; *fd is its descriptor.  Fatal on failure. */
struct shm	*shm_create(int *fd);
/* Maps it for reading; NULL with errno when it is none of this program's. */
const struct shm *shm_map(int fd);
void		 shm_unmap(const struct shm *);
/* A descriptor of it that cannot be written through; -1 with errno. */
int		 shm_readonly(int fd);

/*
 * The master: what worker i counted is added to departed, the rest cleared.
 * spilled: bytes in its spill file, by which a cost is settled whose record went
 * there.
 */
void	 shm_fold(struct shm *, unsigned i, int64_t spilled);

/* Sums over base, departed and workers. */
struct shm_keysum {
	uint64_t	 ok, failed, inflight;
	int64_t		 last_us;
	uint64_t	 status[SHM_STATUSES];
};
void	 shm_key_sum(const struct shm *, unsigned slot, struct shm_keysum *);

/* Calls cb with each counter's name, text and sum. */
void	 shm_stats_each(const struct shm *,
	    void (*cb)(void *, const char *name, const char *text, uint64_t),
	    void *);

/*
 * Rings: one producer, one consumer.  A record is a 32-bit length and its
 * bytes, 8-byte aligned, in one piece: what does not fit before the end is
 * skipped.  ring_put: -1 when there is no room now.
 */
int	 ring_put(struct shm_ring *, struct str record)
	    __attribute__((__warn_unused_result__));
/* The record at *pos and *pos behind it; 0: none, -1: damaged. */
int	 ring_get(const struct shm_ring *, uint64_t *pos, struct str *record)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_SHM_H */
