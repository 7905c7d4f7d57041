/*
 * routes: rules, made of options that read like their conditions, or of JSON as
 * proxyd-routes(7) has it; and their order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/row_json.h"

static const struct member rule_members[] = {
	{ OPT_NAME, "name", MEMBER_TEXT },
	{ OPT_POSITION, "position", MEMBER_INT },
	{ OPT_ENABLED, "enabled", MEMBER_YES },
	{ OPT_RULE_STRATEGY, "strategy", MEMBER_TEXT },
	{ OPT_AFFINITY, "affinity", MEMBER_YES },
	{ .name = NULL }
};

/* --- conditions --------------------------------------------------------------------- */

/* Lists of texts, each a member of match, or of an object in it. */
static const struct {
	enum ctl_opt	 o;
	const char	*in, *name;
} lists[] = {
	{ OPT_IF_CLIENT, NULL, "client" }, { OPT_IF_PATH, NULL, "path" },
	{ OPT_IF_MODEL, NULL, "model" }, { OPT_IF_TENANT, NULL, "tenant" },
	{ OPT_IF_CLIENT_KEY, NULL, "client_key" },
	{ OPT_IF_ANY, "keywords", "any" }, { OPT_IF_ALL, "keywords", "all" },
	{ OPT_IF_HAS, NULL, "has" }, { OPT_IF_HAS_NOT, NULL, "has_not" },
	{ OPT_IF_DAY, "time", "days" }
};

static json_t *
object_in(json_t *o, const char *name)
{
	json_t	*in = name == NULL ? o : json_object_get(o, name);

	if (!json_is_object(in)) {
		in = json_object();
		json_object_set_new(o, name, in);
	}
	return in;
}

static void
match_lists(const struct ctl *c, json_t *match)
{
	json_t		*list;
	const char	*s;
	unsigned	 i;
	size_t		 k;

	for (k = 0; k < sizeof(lists) / sizeof(*lists); k++) {
		if (c->opt[lists[k].o] == NULL)
			continue;
		list = json_array();
		for (i = 0; (s = words_next(c, lists[k].o, &i)) != NULL;)
			json_array_append_new(list, text_json(str_of(s)));
		json_object_set_new(object_in(match, lists[k].in),
		    lists[k].name, list);
	}
}

static int
match_tokens(const struct ctl *c, json_t *match)
{
	int64_t	 n;
	int	 r;

	if ((r = ctl_int(c, OPT_IF_ABOVE, 0, INT64_MAX / 2, &n)) == 1)
		json_object_set_new(object_in(match, "tokens"), "above",
		    json_integer(n));
	if (r == -1 ||
	    (r = ctl_int(c, OPT_IF_BELOW, 0, INT64_MAX / 2, &n)) == -1)
		return -1;
	if (r == 1)
		json_object_set_new(object_in(match, "tokens"), "below",
		    json_integer(n));
	return 0;
}

static int
match_headers(const struct ctl *c, json_t *match)
{
	const char	*s, *eq;
	json_t		*o = NULL;
	char		*name;
	unsigned	 i = 0;

	while ((s = words_next(c, OPT_IF_HEADER, &i)) != NULL) {
		if ((eq = strchr(s, '=')) == NULL || eq == s) {
			ctl_fail("--header '%s': expected name=pattern", s);
			return -1;
		}
		if (o == NULL) {
			o = json_object();
			json_object_set_new(match, "header", o);
		}
		name = strndup(s, (size_t)(eq - s));
		must(name != NULL);
		json_object_set_new(o, name, text_json(str_of(eq + 1)));
		free(name);
	}
	return 0;
}

static void
match_rest(const struct ctl *c, json_t *match)
{
	static const struct {
		enum ctl_opt	 o;
		const char	*in, *name;
	} texts[] = {
		{ OPT_IF_IN, "keywords", "in" }, { OPT_IF_FROM, "time", "from" },
		{ OPT_IF_UNTIL, "time", "to" }
	};
	size_t	 k;

	for (k = 0; k < sizeof(texts) / sizeof(*texts); k++)
		if (c->opt[texts[k].o] != NULL)
			json_object_set_new(object_in(match, texts[k].in),
			    texts[k].name, text_json(str_of(
			    c->opt[texts[k].o])));
	if (c->opt[OPT_IF_STREAM] != NULL)
		json_object_set_new(match, "stream", json_boolean(ctl_yes(
		    c->opt[OPT_IF_STREAM])));
}

/* --- targets ------------------------------------------------------------------------- */

static json_t *
value_of(const char *text)
{
	json_t	*v = json_loads(text, JSON_DECODE_ANY, NULL);

	return v != NULL ? v : text_json(str_of(text));
}

static int
target_part(json_t *t, char *part, const char *arg)
{
	char	*eq = strchr(part, '=');
	json_t	*list;

	if (eq == NULL || eq[1] == '\0') {
		ctl_fail("--target '%s': '%s' is none of weight=, pool=, "
		    "strict=, set.NAME=, default.NAME=, remove=", arg, part);
		return -1;
	}
	*eq++ = '\0';
	if (strcmp(part, "strict") == 0 && strcmp(eq, "yes") != 0 &&
	    strcmp(eq, "no") != 0) {
		ctl_fail("--target '%s': strict '%s': expected yes or no", arg, eq);
		return -1;
	}
	if (strcmp(part, "strict") == 0)
		json_object_set_new(t, part, json_boolean(ctl_yes(eq)));
	else if (strncmp(part, "set.", 4) == 0)
		json_object_set_new(object_in(t, "set"), part + 4,
		    value_of(eq));
	else if (strncmp(part, "default.", 8) == 0)
		json_object_set_new(object_in(t, "default"), part + 8,
		    value_of(eq));
	else if (strcmp(part, "remove") == 0) {
		if ((list = json_object_get(t, "remove")) == NULL) {
			list = json_array();
			json_object_set_new(t, "remove", list);
		}
		json_array_append_new(list, text_json(str_of(eq)));
	} else
		json_object_set_new(t, part, strcmp(part, "weight") == 0 ?
		    value_of(eq) : text_json(str_of(eq)));
	return 0;
}

/* "provider/model,weight=3": of a model with a comma, --file. */
static json_t *
target_of(const char *arg)
{
	char	*text = strdup(arg), *rest = text, *part, *slash;
	json_t	*t = json_object();
	int	 r = 0;

	must(text != NULL && t != NULL);
	part = strsep(&rest, ",");
	if ((slash = strchr(part, '/')) != NULL)
		*slash++ = '\0';
	if (part[0] != '\0')
		json_object_set_new(t, "provider", text_json(str_of(part)));
	if (slash != NULL && slash[0] != '\0')
		json_object_set_new(t, "model", text_json(str_of(slash)));
	while (r == 0 && (part = strsep(&rest, ",")) != NULL)
		r = target_part(t, part, arg);
	free(text);
	if (r == 0)
		return t;
	json_decref(t);
	return NULL;
}

static int
targets_of(const struct ctl *c, json_t *body)
{
	json_t		*list, *t;
	const char	*arg;
	unsigned	 i = 0;

	if (c->opt[OPT_TARGET] == NULL)
		return 0;
	list = json_array();
	json_object_set_new(body, "targets", list);
	while ((arg = words_next(c, OPT_TARGET, &i)) != NULL) {
		if ((t = target_of(arg)) == NULL)
			return -1;
		json_array_append_new(list, t);
	}
	return 0;
}

/* Conditions that are given replace the rule's own of that kind. */
static int
rule_more(const struct ctl *c, struct store *s, const json_t *old,
    json_t *body)
{
	json_t	*match = json_object_get(body, "match"), *was;

	(void)s;
	was = json_object_get(old, "match");
	if (match != NULL)
		match = json_incref(match);
	else if (was != NULL && c->opt[OPT_MATCH_ALL] == NULL)
		match = json_deep_copy(was);
	else
		match = json_object();
	must(match != NULL);
	match_lists(c, match);
	match_rest(c, match);
	if (match_tokens(c, match) == -1 || match_headers(c, match) == -1) {
		json_decref(match);
		return -1;
	}
	if ((was != NULL && !json_equal(was, match)) ||
	    (was == NULL && json_object_size(match) > 0))
		json_object_set(body, "match", match);
	json_decref(match);
	return targets_of(c, body);
}

/* --- shown ---------------------------------------------------------------------------- */

static const struct column rule_cols[] = {
	{ "POS", true, false }, { "NAME", false, true },
	{ "ENABLED", false, false }, { "MATCH", false, true },
	{ "TARGETS", false, true }, { "STRATEGY", false, false },
	{ .name = NULL }
};

/* "model claude-*; tokens above 150000"; one level of objects is told so. */
static void
match_text(struct buf *b, const json_t *match)
{
	const char	*name, *inner;
	json_t		*v, *w;
	char		*line;
	bool		 first = true;

	json_object_foreach((json_t *)(uintptr_t)match, name, v) {
		(void)buf_addf(b, "%s%s", first ? "" : "; ", name);
		first = false;
		if (!json_is_object(v)) {
			line = json_line(v);
			(void)buf_addf(b, " %s", line);
			free(line);
			continue;
		}
		json_object_foreach(v, inner, w) {
			line = json_line(w);
			(void)buf_addf(b, " %s %s", inner, line);
			free(line);
		}
	}
	if (first)
		(void)buf_addz(b, "everything");
}

static void
targets_text(struct buf *b, json_t *targets)
{
	json_t	*t, *weight;
	size_t	 i;

	(void)buf_addz(b, "");
	json_array_foreach(targets, i, t) {
		(void)buf_addf(b, "%s%s%s%s", i > 0 ? ", " : "",
		    json_text(t, "provider"), json_text(t, "model")[0] !=
		    '\0' ? "/" : "", json_text(t, "model"));
		weight = json_object_get(t, "weight");
		if (weight != NULL && json_integer_value(weight) != 1)
			(void)buf_addf(b, " x%lld",
			    (long long)json_integer_value(weight));
	}
}

static void
rule_row(struct table *t, const json_t *o)
{
	struct buf	 b;

	buf_init(&b, 1 << 16);
	table_add_json(t, json_object_get(o, "position"));
	table_addz(t, json_text(o, "name"));
	table_addz(t, json_is_true(json_object_get(o, "enabled")) ? "yes" :
	    "no");
	match_text(&b, json_object_get(o, "match"));
	table_add(t, buf_str(&b));
	buf_clear(&b);
	targets_text(&b, json_object_get(o, "targets"));
	table_add(t, buf_str(&b));
	table_addz(t, json_text(o, "strategy"));
	buf_release(&b);
}

const struct family rule_family = { OBJECT_RULE, "rule", "routes", "name",
    rule_members, rule_more, NULL, rule_cols, rule_row };

/* --- their order ------------------------------------------------------------------------ */

/* Where in the list without it; -1: said already. */
static int64_t
place(const struct ctl *c, json_t *all, int64_t id, size_t at)
{
	const char	*to = c->opt[OPT_MOVE], *where;
	json_t		*o, *other;
	int64_t		 n;
	size_t		 i, k = 0;
	bool		 after = to == NULL;

	if (to == NULL)
		to = c->opt[OPT_MOVE_AFTER];
	where = c->noperands > 1 ? c->operand[1] : NULL;
	if ((where != NULL) == (to != NULL) || (to != NULL &&
	    c->opt[OPT_MOVE] != NULL && c->opt[OPT_MOVE_AFTER] != NULL)) {
		ctl_fail("routes move: where to? up, down, first, last, "
		    "a number, --before or --after a rule");
		return -1;
	}
	if (to != NULL) {
		if ((other = objects_find(&rule_family, all, to)) == NULL)
			return -1;
		json_array_foreach(all, i, o) {
			if (o == other)
				return (int64_t)k + (after && objects_id(o) !=
				    id);
			k += objects_id(o) != id;
		}
	}
	if (str_to_int(str_of(where), 1, (int64_t)json_array_size(all), &n) ==
	    0)
		return n - 1;
	if (strcmp(where, "first") == 0 || (strcmp(where, "up") == 0 &&
	    at == 0))
		return 0;
	if (strcmp(where, "up") == 0)
		return (int64_t)at - 1;
	k = json_array_size(all) - 1;
	if (strcmp(where, "down") == 0)
		return (int64_t)(at < k ? at + 1 : k);
	if (strcmp(where, "last") == 0)
		return (int64_t)k;
	ctl_fail("routes move: '%s': expected up, down, first, last, or a "
	    "number from 1 to %zu", where, json_array_size(all));
	return -1;
}

static int
move(struct ctl *c, struct store *s, json_t *all, json_t *rule)
{
	struct object_error	 e;
	enum object_result	 r;
	int64_t			*ids, id = objects_id(rule), to;
	size_t			 n = json_array_size(all), i, k = 0, at = 0;
	json_t			*o;

	json_array_foreach(all, i, o)
		if (o == rule)
			at = i;
	if ((to = place(c, all, id, at)) == -1)
		return CTL_ERROR;
	ids = calloc(n, sizeof(*ids));
	must(ids != NULL);
	json_array_foreach(all, i, o) {
		if (k == (size_t)to)
			k++;
		if (objects_id(o) != id)
			ids[k++] = objects_id(o);
	}
	ids[to] = id;
	r = store_rules_order(s, ids, n, &e);
	free(ids);
	if (r == OBJECT_REFUSED)
		return ctl_fail("routes move: %s", e.text);
	if (r != OBJECT_OK)
		return ctl_store_failed(c, s);
	ctl_audit(s, "move rule", json_text(rule, "name"), true,
	    json_pack("{s:I}", "place", (json_int_t)to + 1));
	if (c->opt[OPT_JSON] == NULL)
		printf("rule moved: %s is number %lld of %zu\n",
		    json_text(rule, "name"), (long long)to + 1, n);
	else
		return objects_print(c, &rule_family, s, id, "moved:");
	return CTL_OK;
}

static int
routes_move(struct ctl *c)
{
	struct store	*s;
	json_t		*all, *rule;
	int		 r = CTL_ERROR;

	if (c->noperands > 2)
		return ctl_fail("routes move: unexpected '%s'",
		    c->operand[2]);
	if ((s = ctl_store(c, true)) == NULL)
		return CTL_ERROR;
	all = ctl_objects(c, s, OBJECT_RULE);
	if (all != NULL && (rule = objects_find(&rule_family, all,
	    c->operand[0])) != NULL)
		r = move(c, s, all, rule);
	json_decref(all);
	store_close(s);
	return r;
}

#define RULE_OPTS	OPT_TARGET | MANY, OPT_IF_MODEL | MANY,		\
	OPT_IF_CLIENT | MANY, OPT_IF_PATH | MANY, OPT_IF_TENANT | MANY,	\
	OPT_IF_CLIENT_KEY | MANY, OPT_IF_ANY | MANY, OPT_IF_ALL | MANY,	\
	OPT_IF_IN, OPT_IF_ABOVE, OPT_IF_BELOW, OPT_IF_HAS | MANY,	\
	OPT_IF_HAS_NOT | MANY, OPT_IF_STREAM, OPT_IF_HEADER | MANY,	\
	OPT_IF_FROM, OPT_IF_UNTIL, OPT_IF_DAY | MANY, OPT_RULE_STRATEGY, \
	OPT_AFFINITY, OPT_POSITION, OPT_ENABLED, OPT_SET | MANY,	\
	OPT_FILE, OPT_JSON

const struct word route_words[] = {
	{ "list", objects_list, "show all of them, in the order in which "
	    "they are tried", NULL, ARG_NONE, { OPT_JSON } },
	{ "show", objects_show, "show one", "name", ARG_RULE, { OPT_JSON } },
	{ "create", objects_create, "make one: name and targets are needed",
	    NULL, ARG_NONE, { OPT_NAME, RULE_OPTS } },
	{ "update", objects_update, "change what is given", "name", ARG_RULE,
	    { OPT_NAME, RULE_OPTS, OPT_MATCH_ALL } },
	{ "delete", objects_delete, "delete them", "name ...", ARG_RULE,
	    { OPT_JSON } },
	{ "enable", objects_enable, "use them again", "name ...", ARG_RULE,
	    { OPT_JSON } },
	{ "disable", objects_enable, "as if they were not there", "name ...",
	    ARG_RULE, { OPT_JSON } },
	{ "move", routes_move, "try it earlier or later: up, down, first, "
	    "last, a number, or --before or --after another", "name [where] ...",
	    ARG_RULE, { OPT_MOVE, OPT_MOVE_AFTER, OPT_JSON } },
	{ .name = NULL }
};
