#ifndef PROXYCTL_WORDS_H
#define PROXYCTL_WORDS_H

#include <stdbool.h>

#include "proxyctl/proxyctl.h"

/*
 * The words of the command line.  Usage, help, errors and the completion of
 * shells are made of these tables alone.  A family's table stands in the file
 * with its functions; a line in words.c makes it known.
 */
enum ctl_arg {
	ARG_NONE,		/* takes no value */
	ARG_TEXT, ARG_NUMBER, ARG_MONEY, ARG_TIME,
	ARG_FILE, ARG_DIR,
	ARG_ONE,		/* one of its name: "a|b|c" */
	ARG_DIALECT, ARG_COMMAND,
	/* What the database has: completed by completion --names. */
	ARG_PROVIDER, ARG_MODEL, ARG_RULE, ARG_POOL, ARG_KEY, ARG_TENANT,
	ARG_CLIENT_KEY, ARG_USER,
	ARG_REQUEST		/* in flight; of proxyd's memory */
};

/* With an option of a word: */
#define NEED	0x8000u			/* must be given */
#define MANY	0x4000u			/* may be given more than once */
#define OPT_OF(o)	((enum ctl_opt)((o) & 0x0fffu))

#define WORD_OPTS	32

/* --home is taken by all of them, so 0 ends the list. */
struct word {
	const char	*name;
	int		(*run)(struct ctl *);
	const char	*text;		/* one line */
	const char	*operand;	/* "name", "[name]", "name ..."; or NULL */
	enum ctl_arg	 kind;		/* of operands */
	unsigned short	 opts[WORD_OPTS];
};

struct word_group {
	const char		*name;	/* NULL: its words stand alone */
	const char		*text;
	const struct word	*words;	/* a name of NULL ends them */
};

struct word_option {
	const char	*name;
	enum ctl_arg	 kind;
	const char	*arg;
	const char	*text;
};

extern const struct word_group word_groups[];	/* words of NULL end them */
extern const struct word_option word_options[OPT_COUNT];

/* Calls cb for each word of each group, in their order. */
void	 words_each(void (*cb)(void *, const struct word_group *,
	    const struct word *), void *);
/* "models create" */
#define WORD_PATH_MAX	64
const char	*word_path(const struct word_group *, const struct word *,
		    char dst[WORD_PATH_MAX]);

/*
 * Reads the command line behind the program's name into c: the word, its
 * options and operands.  -1: said already; 1: there is nothing left to do, as
 * after --help.
 */
int	 words_parse(struct ctl *c, int argc, char **argv)
	    __attribute__((__warn_unused_result__));
/* The next value of an option that may be given more than once; NULL: no more.
 * *i begins at 0. */
const char	*words_next(const struct ctl *, enum ctl_opt, unsigned *i);

/* Prints help on what the operands name, or on all. */
int	 ctl_help(struct ctl *);

int	 ctl_check(struct ctl *);		/* check.c */
int	 ctl_convert(struct ctl *);		/* convert.c */
int	 models_test(struct ctl *);		/* try.c */
int	 keys_test(struct ctl *);
int	 ctl_bench_key(struct ctl *);
int	 ctl_logs(struct ctl *);		/* logs.c */
int	 ctl_audit_list(struct ctl *);		/* users.c */
int	 ctl_route(struct ctl *);		/* route.c */

/* Prints what route_explain says: route_text.c. */
int	 ctl_route_tell(const struct ctl *, struct str json);

/* convert.c: -1: said already.  A file, or NULL for standard input. */
struct buf;
struct dialect;
int	 ctl_input(const char *file, struct buf *)
	    __attribute__((__warn_unused_result__));
int	 ctl_dialect(const struct dialect **, const char *name)
	    __attribute__((__warn_unused_result__));

/* --- the families ---------------------------------------------------------- */

extern const struct word daemon_words[];	/* daemon.c */
extern const struct word look_words[];		/* status.c */
extern const struct word model_words[];		/* models.c */
extern const struct word provider_words[];
extern const struct word pool_words[];
extern const struct word key_words[];		/* keys.c */
extern const struct word route_words[];		/* routes.c */
extern const struct word tenant_words[];	/* accounts.c */
extern const struct word client_key_words[];
extern const struct word price_words[];		/* prices.c */
extern const struct word user_words[];		/* users.c */
extern const struct word token_words[];
extern const struct word revision_words[];	/* revisions.c */
extern const struct word setting_words[];
extern const struct word export_words[];
extern const struct word request_words[];	/* live.c */
extern const struct word stat_words[];		/* stats.c */
extern const struct word help_words[];		/* words.c */

#endif /* PROXYCTL_WORDS_H */
