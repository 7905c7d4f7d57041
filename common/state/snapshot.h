#ifndef STATE_SNAPSHOT_H
#define STATE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "state/conf.h"
#include "state/secret.h"
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
};

struct snap_key {
	int64_t		 id;
	unsigned	 slot;			/* in shared memory */
	unsigned	 provider;		/* index */
	struct secret	 value;
	char		 mask[SECRET_MASK_LEN];
	bool		 enabled;
};

struct snap_model {
	struct str	 route_key, target;
	unsigned	 provider;		/* index */
	int		 mode;			/* enum conf_mode */
};

struct snapshot {
	struct arena		 arena;
	unsigned		 refs;
	uint64_t		 generation;
	enum conf_mode		 mode;
	int			 preferred;	/* provider's index, -1: none */
	bool			 allow_anonymous;
	struct str		*hosts;		/* allowed Host names */
	unsigned		 nhosts;
	int64_t			 max_body;
	int			 body_mode;	/* enum body_mode */
	int			 body_sample;
	int64_t			 body_max;
	int			 keepalive_ms;
	struct str		 server_tools;	/* lines: server_tool_rule */
	int			 retry_tries, retry_ms;
	int			 cooldown_ms, cooldown_max_ms;
	struct snap_provider	*providers;	/* "mock" is always there */
	unsigned		 nproviders;
	struct snap_key		*keys;		/* grouped by provider */
	unsigned		 nkeys;
	struct snap_model	*models;	/* sorted by route_key */
	unsigned		 nmodels;
};

/* One read transaction; NULL with err.  The caller holds one reference. */
struct snapshot	*snapshot_load(struct store *, const struct secret_box *,
		    char *err, size_t errsize);
struct snapshot	*snapshot_ref(struct snapshot *);
void		 snapshot_unref(struct snapshot *);	/* takes NULL */

/* -1 where there is none. */
int	 snapshot_provider(const struct snapshot *, struct str name);
const struct snap_model	*snapshot_model(const struct snapshot *,
			    struct str route_key);

#endif /* STATE_SNAPSHOT_H */
