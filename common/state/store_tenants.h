#ifndef STATE_STORE_TENANTS_H
#define STATE_STORE_TENANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "state/secret.h"
#include "state/store.h"

/*
 * Tenants, their client keys, and prices: the one entry for every change, from
 * wherever it comes.  A value that will not do is told in *bad, and nothing is
 * changed.  Each change raises the generation, so that workers see it within a
 * second.
 */
struct store_bad {
	char	 field[64];
	char	 text[320];		/* a sentence's end: "must be ..." */
};

/* Results of changes: -1 is an error of the database. */
#define STORE_BAD	(-2)		/* see *bad */
#define STORE_NONE	0		/* there is no such row */
#define STORE_DONE	1

#define TENANTS_MAX		1024
#define CLIENT_KEYS_MAX		4096
#define CLIENT_KEY_PREFIX	"sk-proxy-"
#define CLIENT_KEY_LEN		(9 + 24)

/* 0: no limit; of budgets (micro-dollars), -1: none. */
struct store_limits {
	int64_t	 rpm, tpm, concurrent;
	int64_t	 budget_day, budget_month, budget_total;
};
void	 store_limits_init(struct store_limits *);

struct store_tenant {
	int64_t			 id;
	struct str		 name, note;
	struct str		 models, routes;	/* patterns, a line each */
	bool			 enabled;
	struct store_limits	 limits;
	int64_t			 created_us;
};

int	 store_tenants(struct store *, void (*cb)(void *,
	    const struct store_tenant *), void *)
	    __attribute__((__warn_unused_result__));
/* id 0: a new one, whose id is set.  Else all of it is written. */
int	 store_tenant_put(struct store *, struct store_tenant *,
	    struct store_bad *bad) __attribute__((__warn_unused_result__));
/* Its client keys go with it, and provider keys of its own rest. */
int	 store_tenant_delete(struct store *, int64_t id)
	    __attribute__((__warn_unused_result__));

struct store_client_key {
	int64_t			 id;
	int64_t			 tenant_id;	/* 0: none */
	struct str		 tenant;	/* its name; only read */
	struct str		 name, note, mask;
	struct str		 models, routes;
	bool			 enabled;
	int64_t			 expires_us;	/* 0: never */
	int64_t			 old_until_us;	/* of a rotation, or 0 */
	struct store_limits	 limits;
	int64_t			 created_us;
};

int	 store_client_keys(struct store *, void (*cb)(void *,
	    const struct store_client_key *), void *)
	    __attribute__((__warn_unused_result__));
/*
 * id 0: a new one; plain is filled in, and cannot be had again.  Else all but
 * the key itself is written.
 */
int	 store_client_key_put(struct store *, const struct secret_box *,
	    struct store_client_key *, char plain[CLIENT_KEY_LEN + 1],
	    struct store_bad *bad) __attribute__((__warn_unused_result__));
/* A new value; the old one is good for so many more seconds. */
int	 store_client_key_rotate(struct store *, const struct secret_box *,
	    int64_t id, int64_t grace_s, char plain[CLIENT_KEY_LEN + 1],
	    struct store_bad *bad) __attribute__((__warn_unused_result__));
int	 store_client_key_delete(struct store *, int64_t id)
	    __attribute__((__warn_unused_result__));
/* How many there are, or -1. */
int64_t	 store_client_key_count(struct store *);
/* What a client key is looked up by. */
void	 client_key_hash(const struct secret_box *, struct str plain,
	    char hex[65]);

/* Under which that is; and what a stored one of elsewhere is sealed as. */
void	 client_hash_key(const struct secret_box *,
	    unsigned char key[SECRET_PRINT_KEY]);
#define CLIENT_HASH_CONTEXT	"client hash key"
/* Prints as client_key_hash does; for secret_print_free. */
struct secret_print	*client_hash_print(const struct secret_box *);

/* --- prices -------------------------------------------------------------------- */

struct store_price {
	int64_t		 id;
	struct str	 provider;	/* empty: any */
	struct str	 model;		/* with wildcards */
	int64_t		 input, output;	/* micro-dollars a million tokens */
	int64_t		 cache_read, cache_write_5m, cache_write_1h; /* -1 */
	struct str	 date, source;
	bool		 builtin;
};

int	 store_prices(struct store *, void (*cb)(void *,
	    const struct store_price *), void *)
	    __attribute__((__warn_unused_result__));
/* Adds or replaces the operator's price of that provider and model. */
int	 store_price_put(struct store *, struct store_price *,
	    struct store_bad *bad) __attribute__((__warn_unused_result__));
int	 store_price_delete(struct store *, int64_t id)
	    __attribute__((__warn_unused_result__));
/*
 * Makes the built-in rows equal to the table of a YAML text (etc/prices.yaml);
 * 1: something changed.  A text that is wrong changes nothing: -1 with the
 * reason in store_error.
 */
int	 store_prices_builtin(struct store *, struct str yaml)
	    __attribute__((__warn_unused_result__));
/* "2.50" -> 2500000; -1: no amount of money, or more than a million. */
int64_t	 store_money(struct str);

/* --- for proxyd's start ----------------------------------------------------------- */

/* Rows that are gone give up their slots, and leave where no revision could
 * bring them back. */
int	 store_tenants_purge(struct store *)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_TENANTS_H */
