/* The loss report of an answer: see answer_loss.h. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/answer_loss.h"
#include "wire/leftover.h"

#define PATH_MAX_LEN	256

const char	 answer_state_why[] =
		    "state of reasoning, for its own provider only";

/* --- places --------------------------------------------------------------- */

/* "$c" is the choice, "$i" the item, "$p" the part in it. */
static void
place_add(struct buf *b, const char *format, const struct ir_place *at)
{
	const char	*s;

	for (s = format; *s != '\0'; s++) {
		if (*s != '$') {
			buf_addc(b, *s);
			continue;
		}
		s++;
		buf_addf(b, "%u", *s == 'c' ? at->choice : *s == 'i' ?
		    at->item : at->part);
	}
}

static void
tell(struct ir_exchange *x, const char *first, const char *second,
    enum loss_action action, const char *why)
{
	struct buf	 b;

	if (x->loss == NULL || x->forwarded)
		return;
	buf_init(&b, PATH_MAX_LEN);
	buf_addz(&b, "response");
	if (first[0] != '\0' || (second[0] != '\0' && second[0] != '.'))
		buf_addc(&b, '.');
	place_add(&b, first, &x->at);
	place_add(&b, second, &x->at);
	loss_add(x->loss, action, buf_str(&b), why);
	buf_release(&b);
}

void
answer_lost_at(struct ir_exchange *x, const char *format,
    enum loss_action action, const char *why)
{
	tell(x, format, "", action, why);
}

void
answer_lost(struct ir_exchange *x, enum ir_member m, enum loss_action action,
    const char *why)
{
	const struct dialect	*d = x->at.from;
	const char		*part = x->at.path, *member = NULL;

	if (d != NULL && d->answer != NULL)
		member = m == ANSWER_ARGS && x->at.args != NULL ?
		    x->at.args : d->answer->members[m];
	if (member == NULL)
		member = "";
	if (part == NULL || (member[0] != '.' && member[0] != '\0'))
		part = "";
	tell(x, part, member, action, why);
}

void
answer_lost_notes(struct ir_exchange *x, struct str list,
    enum loss_action action, const char *why)
{
	const struct dialect	*d = x->at.from;
	const char		*path = NULL, *n = NULL;
	struct json		 j;
	struct jv		 v;

	if (d != NULL && d->answer != NULL)
		path = d->answer->members[ANSWER_NOTES];
	if (path != NULL)
		n = strstr(path, "$n");
	if (n == NULL) {
		answer_lost(x, ANSWER_NOTES, action, why);
		return;
	}
	json_init(&j);
	if (json_parse(&j, arena_strf(x->arena, "[%.*s]", STR_FMT(list)),
	    NULL) == -1)
		answer_lost(x, ANSWER_CHOICE, action, why);
	else for (v = json_first(json_root(&j)); json_ok(v); v = json_next(v))
		answer_lost_at(x, arena_strf(x->arena, "%.*s%.*s",
		    (int)(n - path), path, STR_FMT(json_str(x->arena,
		    json_key(json_first(v))))).p, action, why);
	json_release(&j);
}

void
answer_leftover(struct ir_exchange *x, const struct json_known *k,
    const struct json *j)
{
	struct leftover	 l = { .loss = x->loss, .prefix = "response.",
			    .why = "nothing in the client's dialect says it",
			    .zero_says_nothing = true };

	if (x->loss != NULL && !x->forwarded)
		leftover_tell(&l, k, j);
}
