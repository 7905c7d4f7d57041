/* The loss report of an answer: see answer_loss.h. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/answer_loss.h"

#define EMPTY_DEPTH	4	/* containers in containers that say nothing */
#define KNOWN_DEPTH	12	/* of any dialect's tables */
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
		member = d->answer->members[m];
	if (member == NULL)
		member = "";
	if (part == NULL || (member[0] != '.' && member[0] != '\0'))
		part = "";
	tell(x, part, member, action, why);
}

/* --- members that nobody reads -------------------------------------------- */

/* null, false, 0, "", and containers of nothing else. */
static bool
says_nothing(struct jv v, unsigned depth)
{
	double	 n;

	switch (json_type(v)) {
	case JSON_NUMBER:
		return json_double(v, &n) == 0 && n == 0;
	case JSON_FALSE:
		return true;
	case JSON_OBJECT:
	case JSON_ARRAY:
		if (depth == 0)
			return json_empty(v);
		for (v = json_first(v); json_ok(v); v = json_next(v))
			if (!says_nothing(v, depth - 1))
				return false;
		return true;
	case JSON_STRING:
		return json_jstr(v).n == 0;
	default:
		return json_empty(v);
	}
}

static void
member_left(struct ir_exchange *x, struct jv member)
{
	struct arena	*a = x->loss->arena;
	struct str	 path;

	if (says_nothing(member, EMPTY_DEPTH))
		return;
	if (x->loss->kept == LOSS_MAX) {
		x->loss->n++;
		return;
	}
	path = json_path(a, member.j, member.i);
	if (!str_starts(path, "response."))
		path = arena_strf(a, "response.%.*s", STR_FMT(path));
	loss_add(x->loss, LOSS_DROPPED, path, "nothing in the client's "
	    "dialect says it");
}

/*
 * Members mostly come in one order, which is the tables': so the search goes on
 * behind the one before, and around once.  A name with an escape is unknown.
 */
static const struct json_known *
known(const struct json_known *first, const struct json_known *from,
    const char *name, size_t n)
{
	const struct json_known	*k;

	for (k = from; k->name != NULL; k++)
		if (k->n == n && memcmp(k->name, name, n) == 0)
			return k;
	for (k = first; k != from; k++)
		if (k->n == n && memcmp(k->name, name, n) == 0)
			return k;
	return NULL;
}

/*
 * Of the value at i; as deep as the tables are, which is KNOWN_DEPTH at most.
 * Every event of a stream passes here: it walks over the nodes themselves.
 */
static void
left(struct ir_exchange *x, const struct json_known *k, const struct json *j,
    uint32_t i, unsigned depth)
{
	const struct json_node	*nodes = j->nodes, *name;
	const struct json_known	*in, *at = k->in;
	struct jstr		 type;
	uint32_t		 end = nodes[i].next, e = i + 1;

	if (depth == 0)
		return;
	if (nodes[i].type == JSON_ARRAY) {
		for (; e < end; e = nodes[e].next)
			left(x, k, j, e, depth - 1);
		return;
	}
	if (nodes[i].type != JSON_OBJECT)
		return;
	if (k->by_type) {
		type = json_jstr(json_get(json_at(j, i), "type"));
		in = known(at, at, type.p, type.n);
		if (in != NULL && in->in != NULL)
			left(x, in, j, i, depth - 1);
		return;
	}
	for (; e < end; e = nodes[e + 1].next) {
		name = &nodes[e];
		in = known(k->in, at, j->text.p + name->off, name->len);
		if (in == NULL) {
			member_left(x, json_at(j, e + 1));
			continue;
		}
		at = in + 1;
		if (in->in != NULL)
			left(x, in, j, e + 1, depth - 1);
	}
}

void
answer_leftover(struct ir_exchange *x, const struct json_known *k,
    const struct json *j)
{
	if (x->loss != NULL && !x->forwarded && j->n > 0)
		left(x, k, j, 0, KNOWN_DEPTH);
}
