/* Members of a JSON text that nobody reads: see leftover.h. */
#include <string.h>

#include "base/arena.h"
#include "wire/leftover.h"

#define EMPTY_DEPTH	4	/* containers in containers that say nothing */
#define KNOWN_DEPTH	12	/* of any dialect's tables */

/* null, "", and containers of nothing else; with zero, false and 0, too. */
static bool
says_nothing(struct jv v, bool zero, unsigned depth)
{
	double	 n;

	switch (json_type(v)) {
	case JSON_NUMBER:
		return zero && json_double(v, &n) == 0 && n == 0;
	case JSON_FALSE:
		return zero;
	case JSON_OBJECT:
	case JSON_ARRAY:
		if (depth == 0)
			return json_empty(v);
		for (v = json_first(v); json_ok(v); v = json_next(v))
			if (!says_nothing(v, zero, depth - 1))
				return false;
		return true;
	case JSON_STRING:
		return json_jstr(v).n == 0;
	default:
		return json_empty(v);
	}
}

static void
member_left(const struct leftover *l, struct jv member)
{
	struct arena	*a = l->loss->arena;
	struct str	 path;

	if (says_nothing(member, l->zero_says_nothing, EMPTY_DEPTH))
		return;
	if (l->loss->kept == LOSS_MAX) {
		l->loss->n++;
		return;
	}
	path = json_path(a, member.j, member.i);
	if (!str_starts(path, l->prefix))
		path = arena_strf(a, "%s%.*s", l->prefix, STR_FMT(path));
	loss_add(l->loss, LOSS_DROPPED, path, l->why);
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
		if (k->n == n && (n == 0 || memcmp(k->name, name, n) == 0))
			return k;
	for (k = first; k != from; k++)
		if (k->n == n && (n == 0 || memcmp(k->name, name, n) == 0))
			return k;
	return NULL;
}

/*
 * Of the value at i; as deep as the tables are, which is KNOWN_DEPTH at most.
 * Every event of a stream passes here: it walks over the nodes themselves.
 */
static void
left(const struct leftover *l, const struct json_known *k, const struct json *j,
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
			left(l, k, j, e, depth - 1);
		return;
	}
	if (nodes[i].type != JSON_OBJECT)
		return;
	if (k->by_type) {
		type = json_jstr(json_get(json_at(j, i), "type"));
		in = known(at, at, type.p, type.n);
		if (in != NULL && in->in != NULL)
			left(l, in, j, i, depth - 1);
		return;
	}
	for (; e < end; e = nodes[e + 1].next) {
		name = &nodes[e];
		in = known(k->in, at, j->text.p + name->off, name->len);
		if (in == NULL) {
			if (!k->open)
				member_left(l, json_at(j, e + 1));
			continue;
		}
		at = in + 1;
		if (in->in != NULL)
			left(l, in, j, e + 1, depth - 1);
	}
}

void
leftover_tell(const struct leftover *l, const struct json_known *k,
    const struct json *j)
{
	if (j->n > 0)
		left(l, k, j, 0, KNOWN_DEPTH);
}
