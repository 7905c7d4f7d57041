#ifndef STATE_STATUS_VIEW_H
#define STATE_STATUS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "state/conf.h"
#include "state/daemon.h"
#include "state/shm_provider.h"
#include "state/store.h"

/*
 * What is to be seen of the gateway at one moment: asked of proxyd, and read
 * from the database, which are there or not independently of each other.
 */
struct status_code {
	int			 status;	/* 0: no answer */
	int64_t			 n;
	struct status_code	*next;
};

/* A model of which a key rests, or of which its provider told what is left. */
struct status_model {
	const char		*model;
	int64_t			 until_us;	/* it rests; 0: it does not */
	int64_t			 requests, tokens;	/* left; -1: not said */
	int64_t			 requests_until_us, tokens_until_us;
	struct status_model	*next;
};

/* A provider and its circuit (shm_provider.h); counts are of its window. */
struct status_provider {
	int64_t			 id;
	const char		*name;
	bool			 enabled;
	const char		*circuit;	/* closed, open, half-open */
	int64_t			 until_us;	/* of an open one; else 0 */
	int64_t			 ok, failed, opened;
	struct status_provider	*next;
};

struct status_key {
	int64_t			 id;
	unsigned		 slot;
	const char		*provider;
	const char		*name;		/* masked; "#id" added where two
						   look the same */
	bool			 enabled;
	int64_t			 ok, failed;
	int64_t			 last_us;	/* 0: never */
	int64_t			 inflight;
	const char		*state;		/* active, cooling, parked ... */
	int64_t			 until_us;	/* wall clock; 0: no end */
	int64_t			 expires_us;	/* 0: never */
	const char		*reason;	/* or "" */
	int64_t			 error_us;	/* its last failure; 0: none */
	int			 error_status;	/* 0: no answer */
	const char		*error;
	struct status_code	*codes;
	struct status_model	*models;
	struct status_key	*next;
};

struct status_view {
	enum daemon_answer	 answer;	/* proxyd's */
	struct daemon_status	 proxyd;	/* where that is DAEMON_OK */
	bool			 stored;	/* the database could be read */
	int			 schema;
	struct store_summary	 sum;
	char			 db[1100];	/* its path */
	struct breaker_rule	 breaker;
	struct status_provider	*providers;
	struct status_key	*keys;		/* by provider; counts are proxyd's
						   while it runs */
	char			 proxyd_err[1400];
	char			 store_err[2048];
};

/* proxyd is there; does not wait for it. */
bool	 status_proxyd_runs(const struct conf_paths *);

/* Filled in; texts are in the arena. */
void	 status_gather(struct status_view *, struct arena *,
	    const struct conf_paths *);
/* The same without sum, which counts rows: for once a second. */
void	 status_watch(struct status_view *, struct arena *,
	    const struct conf_paths *);

/* As JSON; jansson's, the caller's.  status_json.c */
struct json_t;
struct json_t	*status_key_json(const struct status_key *);
/* Its last failure, or null. */
struct json_t	*status_error_json(const struct status_key *);
struct json_t	*status_keys_json(const struct status_view *);
struct json_t	*status_providers_json(const struct status_view *);

#endif /* STATE_STATUS_VIEW_H */
