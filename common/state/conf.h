#ifndef STATE_CONF_H
#define STATE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "state/secret.h"

/*
 * app.yml, read whole and checked, with every default filled in; see
 * app.yml(5).  A struct conf is immutable and lives in its own arena.
 *
 * Values are scalars, lists and maps of YAML 1.1; ${NAME} and ${NAME:-default}
 * inside a scalar take a value from the environment and never add structure.
 * An unknown key, a wrong type or a value out of range is an error that names
 * file, line, key, what was expected and the nearest known key.
 */

enum conf_mode { CONF_TRANSFORMER, CONF_DIRECT };

/* A provider: built in (openai, anthropic, gemini), or PROVIDERS in the file. */
struct conf_provider {
	struct str		 name;
	struct str		 dialect;	/* "openai-chat" ...; "" is unknown */
	struct str		 base_url;	/* "" for the dialect's own */
	struct str		 auth_header;	/* "" for the dialect's own */
	struct str		 auth_format;	/* "" for the dialect's own */
	struct str		 default_model;
	struct str		 proxy;		/* curl's CURLOPT_PROXY, or "" */
	struct str		 ca_file;	/* or "" for the system's */
	bool			 keyless;	/* works without any key */
	int			 connect_ms;	/* time-outs */
	int			 first_byte_ms;
	int			 idle_ms;	/* between two reads */
	int			 total_ms;	/* 0: none */
	struct conf_header	*headers;	/* sent with every request */
	struct conf_key		*keys;
	struct conf_provider	*next;
};

struct conf_header {
	struct str		 name, value;
	struct conf_header	*next;
};

struct conf_key {
	struct secret		 value;
	struct conf_key		*next;
};

/* MODELS in the file: the routes table, exact names. */
struct conf_model {
	struct str		 route_key;	/* what the client asks for */
	struct str		 target;	/* what the provider is asked for */
	struct str		 provider;
	int			 mode;		/* enum conf_mode; -1: as MODE */
	struct conf_model	*next;
};

struct conf_strs {
	struct str		 s;
	struct conf_strs	*next;
};

/* What the master needs, and nothing that is secret. */
struct conf_process {
	char		 host[256];
	int		 port;			/* 0: any free one */
	int		 workers;		/* 0: one a core */
	bool		 debug;
	int		 max_connections;	/* a worker */
	int		 drain_ms;		/* stop: wait this long at most */
	char		 admin_host[256];
	int		 admin_port;
};

#define CONF_KEYS_MAX	128		/* of the file's outermost map */

struct conf {
	struct arena		 arena;
	struct conf_process	 process;
	enum conf_mode		 mode;
	bool			 strict;	/* a loss is a 400 */
	struct str		 models_text;	/* of MODELS_FILE; "" none */
	int			 refusal_ms;	/* what a model refused is
						   left out so long; 0: once */
	struct str		 preferred_provider;	/* "" none */
	bool			 allow_anonymous;
	struct conf_strs	*allowed_hosts;	/* Host names besides loopback */
	int64_t			 max_body;	/* bytes */
	int			 keepalive_ms;	/* silence in a stream; 0: off */
	int			 retry_tries;	/* attempts a request, at most */
	int			 retry_ms;	/* ... within this time */
	int			 cooldown_ms;	/* a 429 rests a key this long */
	int			 cooldown_max_ms;	/* cap on provider's hint */
	int			 recheck_ms;	/* of a refused key; 0: off */
	int			 queue_ms;	/* 0: nobody waits for a key */
	int			 queue_length;
	int			 breaker_share;	/* percent; 0: off */
	int			 breaker_least;	/* attempts in the window */
	int			 breaker_window_ms, breaker_rest_ms;
	struct str		 server_tools;	/* lines: server_tool_rule */
	bool			 budget_unpriced;
	int			 choices_max;	/* calls for one answer */
	int			 fetch_count;	/* media URLs a request; 0: none */
	int64_t			 fetch_size;	/* bytes of one */
	int64_t			 fetch_total;	/* bytes of a request's all */
	int			 fetch_ms;	/* for a request's all */
	int			 fetch_parallel;
	bool			 fetch_private;	/* also of private networks */
	struct str		 fetch_types;	/* beginnings, between spaces */
	int			 log_days;	/* 0: kept for ever */
	int64_t			 log_size;	/* bytes of all rows; 0: any */
	int			 body_mode;	/* enum body_mode */
	int64_t			 body_max;	/* bytes of one side */
	int			 body_sample;	/* percent of good requests */
	int			 body_days;	/* 0: kept for ever */
	int64_t			 body_size;	/* bytes of all; 0: any */
	int			 revisions;	/* of the configuration */
	int			 state_days;	/* 0: kept for ever */
	int64_t			 state_size;	/* bytes; 0: any */
	bool			 given[CONF_KEYS_MAX];	/* in the file, by
						   conf_setting.index */
	struct conf_provider	*providers;	/* also built-in ones */
	struct conf_model	*models;
};

/*
 * Reads path; NULL path: the embedded default, with keys from the environment
 * (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY).  A file may name those
 * three as settings too; where it does not, the environment's are used.
 * NULL with err filled in ("etc/app.yml:12: unknown key 'PROT', did you mean
 * 'PORT'?").  conf_free takes NULL.
 */
struct conf	*conf_load(const char *path, char *err, size_t errsize);
struct conf	*conf_parse(struct str text, const char *name, char *err,
		    size_t errsize);
void		 conf_free(struct conf *);

/*
 * The known keys, for manuals, tests and completion: section is "", or the key
 * whose members it is one of; deflt "" where there is none.
 */
enum conf_kind {
	CONF_OTHER, CONF_BOOL, CONF_INT, CONF_SIZE, CONF_MS, CONF_WORD,
	CONF_TEXT, CONF_PROVIDER, CONF_TOOLS
};

struct conf_setting {
	const char		*section, *name, *deflt, *text;
	enum conf_kind		 kind;
	int64_t			 min, max;
	const char *const	*words;	/* of CONF_WORD, ended by NULL */
	size_t			 off;	/* of the field of struct conf */
	unsigned		 index;	/* in its section */
};
void	 conf_settings_each(void (*cb)(void *, const struct conf_setting *),
	    void *);

/*
 * One value as the file would take it, checked; a number in *i, a text in *s,
 * in the arena.  -1 with err, a sentence's end: "expected a duration ...".
 */
int	 conf_setting_parse(const struct conf_setting *, struct arena *,
	    struct str text, int64_t *i, struct str *s, char *err,
	    size_t errsize) __attribute__((__warn_unused_result__));
/* ... and back: what would be written in the file. */
#define CONF_SETTING_TEXT	32
struct str	 conf_setting_text(const struct conf_setting *, int64_t i,
		    char dst[CONF_SETTING_TEXT]);

/*
 * As conf_load, in a child process that hands back only what is not secret: the
 * caller never holds a key.
 */
int	 conf_process_load(const char *path, struct conf_process *, char *err,
	    size_t errsize) __attribute__((__warn_unused_result__));

/*
 * Places of files.  Where $PROXYD_HOME or a directory is given, it holds all of
 * them; the default is "var" below the current directory.  proxyd is told it
 * by proxyctl with -d.
 */
struct conf_paths {
	char	 home[1024];
	char	 db[1100];		/* proxyd.db */
	char	 secret[1100];		/* secret.key */
	char	 control[1100];		/* proxyd.sock: control socket */
	char	 pid[1100];		/* proxyd.pid */
	char	 admin_pid[1100];	/* admind.pid */
	char	 log[1100];		/* proxyd.log */
	char	 admin_log[1100];	/* admind.log */
	char	 spill[1100];		/* spill: records that found no room */
	char	 bodies[1100];		/* bodies.db */
	char	 state[1100];		/* state.db */
	char	 capture[1100];		/* capture: bodies on their way there */
};

/* home: NULL for the default.  -1: the path is too long. */
int	 conf_paths_init(struct conf_paths *, const char *home)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_CONF_H */
