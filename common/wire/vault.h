#ifndef WIRE_VAULT_H
#define WIRE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/ir.h"
#include "wire/loss.h"

/*
 * Reasoning state: what a provider wants back exactly as it said it, and the
 * client's wire has no place for.  Gemini's thought signatures, Anthropic's
 * signed and redacted thinking, the encrypted reasoning items of Responses.
 *
 * A vault_taker looks on while an answer goes by and gathers it, under names by
 * which a later turn can be recognized: the id of the tool call that it came
 * before, or the text; where these are so short that they may come again, with
 * what was said right before the turn.  vault_restore puts it back in place.  Where it is kept
 * in between is the caller's business.
 */
#define VAULT_NAME_MAX	128

/* Gathered: one a tool call or text that had state before it or upon it. */
struct vault_item {
	struct str		 name;	/* "call:..." or "text:..." */
	struct str		 value;	/* JSON */
	struct vault_item	*next;
};

struct vault_taker {
	struct arena		*arena;
	struct vault_item	*first, **last;
	size_t			 n;
	struct ir_part		*earlier, *before;	/* of choice 0 */
	struct ir_part		*now;		/* the part at hand */
	struct buf		 text;		/* of it */
	const struct ir_message	*after;		/* what it answers */
	struct jstr		 signature;	/* upon it */
	bool			 spoiled;	/* too much: nothing is kept */
};

/* The request, which is answered, is looked at as long as the taker lives. */
void	 vault_taker_init(struct vault_taker *, struct arena *,
	    const struct ir_request *);
void	 vault_taker_release(struct vault_taker *);
void	 vault_take(struct vault_taker *, const struct ir_event *);

/* What was kept under a name. */
struct vault_found {
	struct str	 family;	/* name of the dialect that can read it */
	struct str	 value;
};

/*
 * Puts state back into a request that another dialect's client sent, before it
 * is encoded for target.  any is asked once, before the first name is made: is
 * anything kept at all?  (NULL: yes.)  find is asked for names, the newest turns
 * first, at most VAULT_LOOKUPS times; state of another family is dropped with a
 * line in loss.  Equal requests and equal finds give equal results.  Returns how many
 * parts got theirs back.
 */
#define VAULT_LOOKUPS	256
unsigned	 vault_restore(struct ir_request *, const struct dialect *target,
		    struct loss *, bool (*any)(void *),
		    bool (*find)(void *, struct str name,
		    struct vault_found *), void *);

#endif /* WIRE_VAULT_H */
