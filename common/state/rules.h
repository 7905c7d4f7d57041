#ifndef STATE_RULES_H
#define STATE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct jv;			/* wire/json.h */

/*
 * A rule as JSON, checked and compiled: what it matches, and the targets that
 * it leads to.  proxyd-routes(7) describes the members.  The same functions
 * check a rule where it enters and read it into a snapshot.
 */
#define RULE_LIST_MAX		64	/* entries of a list */
#define RULE_TEXT_MAX		256	/* bytes of a pattern, a word */
#define RULE_TARGETS_MAX	16

struct rule_list {
	struct str	*s;
	unsigned	 n;
};

struct rule_header {
	struct str	 name, pattern;
};

/* Each condition that is given must hold; within a list one entry is enough. */
struct rule_match {
	struct rule_list	 client;	/* names of dialects */
	struct rule_list	 path, model, tenant, client_key; /* patterns */
	struct rule_list	 any, all;	/* keywords, case-folded */
	bool			 in_user, in_system;
	int64_t			 above, below;	/* tokens; -1: not given */
	uint32_t		 has, has_not;	/* IR_NEED_ */
	int			 stream;	/* 0, 1; -1: either */
	struct rule_header	*headers;
	unsigned		 nheaders;
	int			 from, to;	/* minute of the day; -1 */
	unsigned		 days;		/* bit 0: Sunday; 0: all */
};

/* A parameter of requests and a JSON value; empty: to be removed. */
struct rule_param {
	struct str	 name, json;
	bool		 weak;		/* only where the client said none */
};

struct rule_target {
	struct str		 provider;	/* "": as the model's name says */
	struct str		 model;		/* "": as asked */
	struct str		 pool;		/* "": all the provider's keys */
	int			 weight;
	bool			 strict;	/* a loss is a 400 */
	struct rule_param	*params;
	unsigned		 nparams;
};

enum rule_strategy {
	RULE_ORDERED, RULE_WEIGHTED, RULE_FASTEST, RULE_CHEAPEST
};
extern const char *const rule_strategies[];	/* words, ends in NULL */

/* What "has" may ask for. */
struct rule_need {
	const char	*name;		/* NULL ends them */
	uint32_t	 bit;		/* IR_NEED_ */
};
extern const struct rule_need rule_needs[];

/* What is wrong, and where: "targets[0].weight". */
struct rule_error {
	char	 field[96];
	char	 text[256];
};
int	 rule_fail(struct rule_error *, const char *field, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

int	 rule_match_parse(struct arena *, struct jv, struct rule_match *,
	    struct rule_error *) __attribute__((__warn_unused_result__));
int	 rule_targets_parse(struct arena *, struct jv, struct rule_target **,
	    unsigned *n, struct rule_error *)
	    __attribute__((__warn_unused_result__));
/* An array of texts; field names it in the error. */
int	 rule_list_parse(struct arena *, struct jv, const char *field,
	    struct rule_list *, struct rule_error *)
	    __attribute__((__warn_unused_result__));

/* Does a pattern, in which * stands for any bytes, fit the whole of s? */
bool	 rule_glob(struct str pattern, struct str s);
bool	 rule_list_fits(const struct rule_list *, struct str);

#endif /* STATE_RULES_H */
