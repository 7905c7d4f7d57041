#ifndef PROXYCTL_OBJECTS_H
#define PROXYCTL_OBJECTS_H

#include <jansson.h>

#include "proxyctl/db.h"
#include "proxyctl/table.h"
#include "proxyctl/words.h"
#include "state/store_object.h"

/*
 * The words that models, rules, pools, keys and providers have in common: an
 * object is made of options, or of a JSON file, and goes to the functions that
 * check every change (state/store_object.h).
 */
enum member_type {
	MEMBER_TEXT, MEMBER_INT, MEMBER_YES,
	MEMBER_LIST,			/* of texts; may be given many times */
	MEMBER_TIME,			/* to come: microseconds */
	MEMBER_MONEY			/* dollars, or null */
};

struct member {
	enum ctl_opt		 o;
	const char		*name;
	enum member_type	 type;
};

struct family {
	enum object_kind	 kind;		/* or OBJECT_KINDS */
	const char		*what;		/* "model" */
	const char		*group;		/* "models" */
	const char		*name;		/* member that names one */
	const struct member	*members;	/* a name of NULL ends them */
	/* What only this family takes; -1: said already; or NULL. */
	int			(*more)(const struct ctl *, struct store *,
				    const json_t *old, json_t *body);
	/* Adds "live": what proxyd knows of this moment; or NULL. */
	void			(*live)(const struct ctl *, json_t *all);
	const struct column	*cols;		/* of list */
	void			(*row)(struct table *, const json_t *);
};

extern const struct family model_family, provider_family, pool_family;
extern const struct family key_family, rule_family;

/* The words, of the family whose group was named. */
int	 objects_list(struct ctl *);
int	 objects_show(struct ctl *);
int	 objects_create(struct ctl *);
int	 objects_update(struct ctl *);
int	 objects_delete(struct ctl *);
int	 objects_enable(struct ctl *);		/* and disable */

/* An array of all of a kind, or NULL: said already. */
json_t	*objects_all(struct ctl *, const struct family *, struct store *);
/* The one of that name, or id; NULL: said already. */
json_t	*objects_find(const struct family *, json_t *all, const char *name);
int64_t	 objects_id(const json_t *);
/* The name of a member on the command line: its option, where it came by one. */
const char	*objects_option(const struct ctl *, const struct family *,
		    const char *member);
/* What the options and --file say; NULL: said already. */
json_t	*objects_body(const struct ctl *, const struct family *,
	    struct store *, const json_t *old);
/* One change with its audit line; says what went wrong.  create: *id 0. */
int	 objects_put(const struct ctl *, const struct family *, struct store *,
	    const struct secret_box *, int64_t *id, json_t *body,
	    const char *object) __attribute__((__warn_unused_result__));
/* Prints what stands there now. */
int	 objects_print(const struct ctl *, const struct family *,
	    struct store *, int64_t id, const char *done);

/* Texts of members, "" where there is none. */
const char	*json_text(const json_t *, const char *member);
/* Any value as one line, to be freed. */
char		*json_line(const json_t *);
void		 table_add_json(struct table *, const json_t *);
/* As JSON to standard output, with two spaces and a line end; takes it. */
int		 json_print(json_t *);
/* What a program of --json or a person gets: each member a line. */
void		 json_print_pairs(const json_t *);

#endif /* PROXYCTL_OBJECTS_H */
