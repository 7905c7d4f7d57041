#ifndef WIRE_LOSS_H
#define WIRE_LOSS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/json.h"

/*
 * The loss report: what a translation could not carry over as it was.  Every
 * encoder adds to it; it goes to the log row, to the x-proxyd-loss header in
 * short, and makes a 400 where the route is strict.
 */
enum loss_action {
	LOSS_IGNORED,		/* means nothing there: told, but no loss */
	LOSS_APPROXIMATED,	/* carried in another form */
	LOSS_DROPPED,		/* left out; the rest still means the same */
	LOSS_REFUSED		/* cannot be left out: the request is a 400 */
};

#define LOSS_MAX	64	/* items kept; the rest is counted */

struct loss_item {
	enum loss_action	 action;
	struct str		 path;	/* JSON path in what came in */
	const char		*why;	/* static text, lower case */
	struct loss_item	*next;
};

struct loss {
	struct arena		*arena;
	struct loss_item	*first;
	struct loss_item	**last;
	unsigned		 n;	/* all losses, also beyond LOSS_MAX */
	unsigned		 kept;	/* items in the list */
	unsigned		 refused;
};

void	 loss_init(struct loss *, struct arena *);

/* path is copied; one that was reported before is not added again. */
void	 loss_add(struct loss *, enum loss_action, struct str path,
	    const char *why);
/* Takes back all that was added for this reason, the very same text. */
void	 loss_remove_why(struct loss *, const char *why);
/* The path is that of a node in j, with suffix (may be NULL) appended. */
void	 loss_node(struct loss *, enum loss_action, const struct json *j,
	    uint32_t node, const char *suffix, const char *why);

/*
 * Where no loss is allowed: 0 if there was none, else -1 with a 400 that names
 * the fields.  What has been refused counts, too.
 */
struct ir_error;
int	 loss_strict(const struct loss *, struct ir_error *)
	    __attribute__((__warn_unused_result__));

const char	*loss_action_name(enum loss_action);

/* [{"path":..,"action":..,"why":..}, ...]; what is only counted is the last
 * one, without a path. */
void	 loss_json(const struct loss *, struct buf *);
/* In max bytes, 1,024 or more: what has no room is only counted, too. */
void	 loss_json_max(const struct loss *, struct buf *, size_t max);
/* "dropped top_k; approximated messages[2].content[0]; +3 more", ASCII; what
 * is ignored is not in it. */
void	 loss_header(const struct loss *, struct buf *);

#endif /* WIRE_LOSS_H */
