#ifndef STATE_ACCT_H
#define STATE_ACCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * The record of one finished request, as it goes through a ring from a worker
 * to the logger and becomes one row.  Packed it is: the struct acct_fixed as it
 * lies in memory (both ends are the same program), then each string as a
 * 32-bit length and its bytes, in the order of enum acct_str.
 */
enum acct_str {
	ACCT_ID,		/* ours, "req_..." */
	ACCT_UPSTREAM_ID,	/* provider's request id */
	ACCT_CLIENT,		/* address */
	ACCT_DIALECT,		/* client's */
	ACCT_PATH,
	ACCT_ROUTE,		/* why this target: "model", "family" ... */
	ACCT_PROVIDER,		/* of the last attempt */
	ACCT_TARGET_DIALECT,
	ACCT_KEY_MASK,
	ACCT_MODEL_ASKED, ACCT_MODEL_SENT, ACCT_MODEL_ANSWERED,
	ACCT_STOP,		/* stop reason, provider's word */
	ACCT_ATTEMPTS,		/* JSON array: provider, key, status, ms, why */
	ACCT_LOSS,		/* JSON array, or "" */
	ACCT_ERROR,		/* text, or "" */
	ACCT_CLOSE,		/* how it ended: "done", "client left" ... */
	ACCT_USER_AGENT,
	ACCT_TENANT,		/* its name */
	ACCT_REFUSED,		/* members that the model does not take, each
				   "name\trename\n": see store_refusal.h */
	ACCT_SESSION,		/* conversation: 16 hex digits, or "" */
	ACCT_TRACE,		/* JSON array of rules: rule, why not; or "" */
	ACCT_ASKED,		/* providers, each "name\tattempts\tfailed\n":
				   failed by the provider's own fault */
	ACCT_KEYS,		/* struct acct_key behind those of acct_fixed */
	ACCT_STR_COUNT
};

#define ACCT_ATTEMPTS_MAX	8	/* keys counted in acct_fixed itself */
#define ACCT_STR_MAX		8192	/* bytes; longer ones are cut */

/* Attempts with one key that went one way. */
struct acct_key {
	int64_t		 key_id;
	int32_t		 status;	/* 0: no answer */
	uint16_t	 ok;		/* counts as successful */
	uint16_t	 again;		/* so many besides the first */
};

struct acct_fixed {
	int64_t		 time_us;	/* wall clock at its start */
	int64_t		 key_id;	/* of the last attempt; 0: none */
	int32_t		 status;	/* to the client; 0: it left before */
	int32_t		 upstream_status;
	int32_t		 attempts;
	int32_t		 worker;
	uint8_t		 stream;	/* to the client */
	uint8_t		 translated;
	uint8_t		 incomplete;	/* a stream that was cut */
	uint8_t		 nkeys;
	int64_t		 bytes_in, bytes_out;		/* client's side, bodies */
	int64_t		 bytes_up, bytes_down;		/* provider's side */
	int64_t		 ttfb_us;	/* to the first byte sent; -1: none */
	int64_t		 total_us;
	int64_t		 overhead_us;	/* our own CPU in it */
	int64_t		 input, cache_read, cache_write_5m, cache_write_1h;
	int64_t		 output, reasoning;		/* -1: not said */
	int64_t		 tenant_id, client_key_id;	/* 0: none */
	int64_t		 cost;		/* micro-dollars; -1: not known */
	int64_t		 cost_guess;	/* 1: no usage was told */
	int64_t		 queue_us;	/* in the queue for a key */
	int64_t		 connect_us;	/* of the last attempt: name, socket,
					   TLS; 0: a kept one; -1: none */
	uint64_t	 epoch;		/* memory in which it is paid */
	/* the attempts with keys: what key_stats adds up */
	struct acct_key	 key[ACCT_ATTEMPTS_MAX];
};

struct acct_rec {
	struct acct_fixed	 f;
	struct str		 s[ACCT_STR_COUNT];
};

#define ACCT_REC_MAX	(64 << 10)	/* packed */

/* Appends the packed form; strings are cut so that ACCT_REC_MAX holds. */
void	 acct_pack(const struct acct_rec *, struct buf *);
/* Slices into packed; -1 if it is no whole record. */
int	 acct_unpack(struct str packed, struct acct_rec *)
	    __attribute__((__warn_unused_result__));

/* The i-th of both places; false: there are no more. */
bool	 acct_key(const struct acct_rec *, size_t i, struct acct_key *);

#endif /* STATE_ACCT_H */
