#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/caps.h"
#include "base/fold.h"
#include "base/str.h"
#include "state/conf.h"
#include "state/rule_index.h"
#include "state/rules.h"
#include "state/secret.h"
#include "state/shm_provider.h"
#include "state/store.h"

/*
 * The configuration as workers use it: immutable, built in one read
 * transaction, named by its generation.  A request holds a reference to the
 * snapshot that it started with.  One thread: the count is a plain number.
 */
struct snap_header {
	const char	*name, *value;		/* NUL terminated */
};

struct snap_provider {
	int64_t		 id;
	struct str	 name;
	struct str	 dialect;		/* a name; "mock" for the mock */
	struct str	 base_url;		/* "": the dialect's own */
	struct str	 auth_header;		/* "": the dialect's own */
	struct str	 auth_format;		/* "": the dialect's own */
	struct str	 default_model;
	struct str	 proxy;
	struct str	 ca_file;
	bool		 keyless;
	int		 connect_ms, first_byte_ms, idle_ms, total_ms;
	struct snap_header *headers;
	unsigned	 nheaders;
	unsigned	 first_key, nkeys;	/* in snapshot's keys */
	bool		 disabled;
	bool		 owned;			/* some keys are a tenant's */
};

struct snap_key {
	int64_t		 id;
	unsigned	 slot;			/* in shared memory */
	unsigned	 provider;		/* index */
	struct secret	 value;
	char		 mask[SECRET_MASK_LEN];
	bool		 enabled;
	int64_t		 tenant_id;		/* whose alone; 0: all */
	unsigned	 weight, priority;
	unsigned	 max_concurrent, rpm, tpm; /* 0: no limit */
	struct rule_list models;		/* patterns; none: all */
	int64_t		 expires_us;		/* 0: never */
};

enum pool_strategy {
	POOL_ROUND_ROBIN, POOL_LEAST_USED, POOL_RANDOM, POOL_PRIORITY,
	POOL_WEIGHTED
};

const char	*pool_strategy_name(enum pool_strategy);

/* Keys of one provider.  Pool i < nproviders has all keys of provider i. */
struct snap_pool {
	struct str	 name;			/* "": all of a provider */
	unsigned	 provider;
	enum pool_strategy strategy;
	unsigned	*keys, nkeys;		/* indices */
	bool		*met;			/* the worker's mark: their slots
						   are theirs */
};

/* Limits of a tenant or client key; 0: none; budgets, micro-dollars: -1. */
struct snap_limits {
	int64_t		 rpm, tpm, concurrent;
	int64_t		 budget_day, budget_month, budget_total;
};

/* Patterns are lines; none: all. */
struct snap_tenant {
	int64_t			 id;
	unsigned		 slot;
	struct str		 name, models, routes;
	bool			 enabled;
	struct snap_limits	 limits;
};

/* Client keys that were imported may be hashed under one of these. */
struct snap_hash_key {
	unsigned char		 key[SECRET_PRINT_KEY];
};

struct snap_client_key {
	int64_t			 id;
	unsigned		 slot;
	int			 tenant;	/* index; -1: none */
	struct str		 name, models, routes;
	struct str		 hash, old_hash;	/* hex; see client_key_hash */
	int64_t			 old_until_us, expires_us;
	bool			 enabled;
	struct snap_limits	 limits;
};

/* Micro-dollars a million tokens; -1: as input. */
struct snap_price {
	struct str	 provider, model;
	int64_t		 input, output;
	int64_t		 cache_read, cache_write_5m, cache_write_1h;
	bool		 operators;		/* not built in */
};

struct snap_model {
	struct str	 route_key, target;
	unsigned	 provider;		/* index */
	int		 mode;			/* enum conf_mode */
	unsigned	 pool;			/* index */
};

/* A rule's target; provider -1: by the model's name, -2: it is gone. */
struct snap_target {
	const struct rule_target *rule;
	int		 provider, pool;
};

struct snap_rule {
	int64_t		 id;
	struct str	 name;
	struct rule_match match;
	struct snap_target *targets;
	unsigned	 ntargets;
	enum rule_strategy strategy;
	bool		 affinity;
	unsigned	 first_word;		/* of any, then all; in words */
};

/* A disabled one, for the dry run: it stands before the rule of that index. */
struct snap_rule_off {
	int64_t		 id;
	struct str	 name;
	unsigned	 before;
};

/* What a model turned out not to take: see store_refusal.h. */
struct snap_refusal {
	unsigned	 provider;		/* index */
	struct str	 model, name, rename;
	int64_t		 expires_us;
};

/*
 * Rules that need a certain model, tenant or client key are told of where it is
 * that one; those that ask for none always.  Each rule is in one of these: of
 * indices of rules, ascending.
 */
enum snap_rule_by { RULE_BY_MODEL, RULE_BY_TENANT, RULE_BY_KEY, RULE_BYS };
struct snap_rule_name {
	struct str	 name;
	unsigned	 rule;
};

struct snapshot {
	struct arena		 arena;
	unsigned		 refs;
	uint64_t		 generation;
	enum conf_mode		 mode;
	int			 preferred;	/* provider's index, -1: none */
	bool			 strict;	/* a loss is a 400 */
	struct caps_table	 caps;		/* of MODELS_FILE */
	struct snap_refusal	*refusals;
	unsigned		 nrefusals;
	bool			 allow_anonymous;
	struct str		*hosts;		/* allowed Host names */
	unsigned		 nhosts;
	int64_t			 max_body;
	int			 body_mode;	/* enum body_mode */
	int			 body_sample;
	int64_t			 body_max;
	int			 keepalive_ms;
	struct str		 server_tools;	/* lines: server_tool_rule */
	int			 choices_max;
	int			 fetch_count, fetch_ms, fetch_parallel;
	int64_t			 fetch_size, fetch_total;
	bool			 fetch_private;
	struct str		 fetch_types;
	int			 retry_tries, retry_ms;
	int			 cooldown_ms, cooldown_max_ms;
	int			 recheck_ms;	/* 0: never parked */
	struct breaker_rule	 breaker;
	int			 queue_ms, queue_length;
	struct snap_provider	*providers;	/* "mock" is always there */
	unsigned		 nproviders;
	struct snap_key		*keys;		/* grouped by provider */
	unsigned		 nkeys;
	struct snap_model	*models;	/* sorted by route_key */
	unsigned		 nmodels;
	struct snap_tenant	*tenants;
	unsigned		 ntenants;
	struct snap_client_key	*client_keys;	/* sorted by hash */
	unsigned		 nclient_keys;
	unsigned		*old_keys;	/* indices of those that were
						   rotated, by their old hash */
	unsigned		 nold_keys;
	struct snap_hash_key	*hash_keys;	/* of other installations */
	unsigned		 nhash_keys;
	struct snap_price	*prices;
	unsigned		 nprices;
	bool			 budget_unpriced;	/* allowed */
	struct snap_pool	*pools;
	unsigned		 npools;
	struct snap_rule	*rules;		/* enabled ones, in order */
	unsigned		 nrules;
	struct snap_rule_off	*off;		/* in order */
	unsigned		 noff;
	struct snap_rule_name	*rule_by[RULE_BYS];	/* by name, rule */
	unsigned		 nrule_by[RULE_BYS];
	unsigned		*rule_any, nrule_any;
	struct rule_index	*rule_index;	/* finer than these */
	struct fold_words	*words;		/* of all rules; or NULL */
	unsigned		 nwords;
	bool			 want_tokens;	/* a rule asks for them */
	bool			 want_time;	/* ... for that of the day */
};

/* One read transaction; NULL with err.  The caller holds one reference. */
struct snapshot	*snapshot_load(struct store *, const struct secret_box *,
		    char *err, size_t errsize);
struct snapshot	*snapshot_ref(struct snapshot *);
void		 snapshot_unref(struct snapshot *);	/* takes NULL */

/* -1 where there is none. */
int	 snapshot_provider(const struct snapshot *, struct str name);
/* By the current hash, or one that is still good now; NULL: there is none. */
const struct snap_client_key	*snapshot_client_key(const struct snapshot *,
			    struct str hash, int64_t now_us);
/* The pool of a provider by name; -1: it has none called that. */
int	 snapshot_pool(const struct snapshot *, int provider, struct str name);
const struct snap_model	*snapshot_model(const struct snapshot *,
			    struct str route_key);

/* Those of a name: the first, and *n how many. */
const struct snap_rule_name	*snapshot_rules(const struct snapshot *,
			    enum snap_rule_by, struct str name, unsigned *n);

/* snapshot_routes.c, for snapshot.c: pools and rules, once the rest is read. */
int	 snapshot_load_pools(struct store *, struct snapshot *)
	    __attribute__((__warn_unused_result__));
int	 snapshot_load_rules(struct store *, struct snapshot *)
	    __attribute__((__warn_unused_result__));
/* An array of the arena that grows; old pieces stay until its end. */
void	*snapshot_grow(struct arena *, void *old, unsigned n, size_t size);
/* Patterns kept as a JSON array; what is none gives no entries. */
void	 snapshot_patterns(struct arena *, struct str json,
	    struct rule_list *);

#endif /* STATE_SNAPSHOT_H */
