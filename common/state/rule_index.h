#ifndef STATE_RULE_INDEX_H
#define STATE_RULE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct snap_rule;		/* state/snapshot.h */

/*
 * Which of many rules a request may match.  A rule hangs on one thing that it
 * needs, of those which it names on the one that fewest others need, too: a
 * name or how one begins or ends (model, tenant, client key, path, value of a
 * header), or a keyword.  A rule that names none comes into question always.
 * What is found are some too many, never one too few.
 */
struct rule_index;

/* In the arena; of rules in their order, whose words are numbered. */
struct rule_index *rule_index_new(struct arena *, const struct snap_rule *,
	    unsigned n);

/* What a request has. */
struct rule_ask {
	struct str	 model, tenant, client_key, path;
	/* NULL: it has none of that name */
	struct str	 (*header)(void *, const char *name);
	void		*arg;
};

/* A bit a rule, in the arena: those that come into question without words. */
uint64_t *rule_index_find(const struct rule_index *, struct arena *,
	    const struct rule_ask *);
/* Also those that need one of these words, by their numbers. */
void	 rule_index_words(const struct rule_index *, const bool *found,
	    uint64_t *bits);
/* The first from that number on; as many as there are rules: none. */
unsigned rule_index_next(const struct rule_index *, const uint64_t *bits,
	    unsigned from);

#endif /* STATE_RULE_INDEX_H */
