/*
 * A file of what models take, into rules.
 */
#include <stdio.h>

#include "base/buf.h"
#include "state/caps_file.h"
#include "state/conf_row.h"

#define RULES_MAX	1024
#define PATTERN_MAX	256
#define NUMBER_MAX	((int64_t)1 << 40)

#define SHOW(s)	((s).n > 64 ? 64 : (int)(s).n), (s).p

struct caps_reader {
	struct conf_reader	 r;	/* its messages only: r.c is NULL */
	struct arena		*arena;
	struct caps_rule	*rules;
	size_t			 n;
};

/* "yes, no or unknown" */
static int
expected(struct caps_reader *c, const struct yml *y, const char *const *words)
{
	struct buf	 b;

	buf_init(&b, 512);
	for (; *words != NULL; words++)
		buf_addf(&b, "%s%s", b.len == 0 ? "" :
		    words[1] == NULL ? " or " : ", ", *words);
	conf_fail(&c->r, y, "expected %.*s", STR_FMT(buf_str(&b)));
	buf_release(&b);
	return -1;
}

static int
word_value(struct caps_reader *c, const struct yml *y,
    const char *const *words, int64_t *v)
{
	int64_t	 i;

	/* YAML's other names of the first two. */
	if (y->type == YML_SCALAR && strcmp(words[0], "no") == 0) {
		if (str_is(y->text, "false") || str_is(y->text, "true")) {
			*v = str_is(y->text, "true");
			return 0;
		}
	}
	for (i = 0; y->type == YML_SCALAR && words[i] != NULL; i++) {
		if (str_is(y->text, words[i])) {
			*v = i;
			return 0;
		}
	}
	return expected(c, y, words);
}

static int
efforts_value(struct caps_reader *c, const struct yml *y, int64_t *v)
{
	const struct yml	*e;
	int64_t			 bit;

	*v = 0;
	if (y->type != YML_LIST)
		return conf_fail(&c->r, y, "expected a list of efforts");
	for (e = y->child; e != NULL; e = e->next) {
		if (word_value(c, e, caps_effort_names, &bit) == -1)
			return -1;
		*v |= (int64_t)1 << bit;
	}
	return 0;
}

static int
member_value(struct caps_reader *c, const struct yml *y, enum caps_kind kind,
    int64_t *v)
{
	size_t	 i;

	if (kind == CAPS_KIND_EFFORTS)
		return efforts_value(c, y, v);
	if (kind != CAPS_KIND_NUMBER)
		return word_value(c, y, caps_words(kind), v);
	*v = 0;
	for (i = 0; y->type == YML_SCALAR && i < y->text.n && i < 14; i++) {
		if (y->text.p[i] < '0' || y->text.p[i] > '9')
			break;
		*v = *v * 10 + (y->text.p[i] - '0');
	}
	if (y->type != YML_SCALAR || i == 0 || i < y->text.n ||
	    *v > NUMBER_MAX)
		return conf_fail(&c->r, y, "expected a number of tokens");
	return 0;
}

static int
dialect_value(struct caps_reader *c, const struct yml *y, unsigned *bits)
{
	static const char *const	 names[] = { "openai-chat",
					    "openai-responses", "anthropic",
					    "gemini", "openai", NULL };
	int64_t				 i;

	if (word_value(c, y, names, &i) == -1)
		return -1;
	*bits = i == 4 ? CAPS_OPENAI_CHAT | CAPS_OPENAI_RESPONSES :
	    1u << i;
	return 0;
}

static int
unknown_member(struct caps_reader *c, const struct yml *y)
{
	struct conf_nearest	 near = { .want = y->key };
	struct yml		 at = *y->parent;
	size_t			 i;

	at.line = y->line;
	for (i = 0; i < CAPS_N; i++)
		conf_nearest_try(&near, str_of(caps_members[i].name));
	conf_nearest_try(&near, STR("dialect"));
	conf_nearest_try(&near, STR("model"));
	if (near.best.n > 0)
		return conf_fail(&c->r, &at, "unknown key '%.*s', did you "
		    "mean '%.*s'?", SHOW(y->key), STR_FMT(near.best));
	return conf_fail(&c->r, &at, "unknown key '%.*s'; app.yml(5) lists "
	    "those that are known, under MODELS_FILE", SHOW(y->key));
}

static int
add_rule(struct caps_reader *c, const struct yml *y, struct caps_rule *rule)
{
	if (y->type != YML_SCALAR || y->text.n == 0 ||
	    y->text.n > PATTERN_MAX)
		return conf_fail(&c->r, y, "expected a model's name, in which "
		    "* stands for anything");
	if (c->n == RULES_MAX)
		return conf_fail(&c->r, y, "more than %d patterns",
		    RULES_MAX);
	rule->model = arena_str(c->arena, y->text).p;
	c->rules[c->n++] = *rule;
	return 0;
}

static int
read_members(struct caps_reader *c, const struct yml *map,
    struct caps_rule *rule)
{
	const struct yml	*y;
	int64_t			*v = (int64_t *)&rule->v;
	size_t			 i;

	for (y = map->child; y != NULL; y = y->next) {
		if (str_is(y->key, "dialect") || str_is(y->key, "model"))
			continue;
		for (i = 0; i < CAPS_N; i++)
			if (str_is(y->key, caps_members[i].name))
				break;
		if (i == CAPS_N)
			return unknown_member(c, y);
		if (member_value(c, y, caps_members[i].kind, &v[i]) == -1)
			return -1;
		rule->set |= 1u << i;
	}
	return 0;
}

static int
read_rule(struct caps_reader *c, const struct yml *map)
{
	struct caps_rule	 rule = { .dialects = 0 };
	const struct yml	*y;

	if (map->type != YML_MAP)
		return conf_fail(&c->r, map, "expected a map with dialect, "
		    "model and what the model takes");
	if ((y = yml_get(map, "dialect")) == NULL)
		return conf_fail(&c->r, map, "'dialect' is missing");
	if (dialect_value(c, y, &rule.dialects) == -1 ||
	    read_members(c, map, &rule) == -1)
		return -1;
	if ((y = yml_get(map, "model")) == NULL)
		return conf_fail(&c->r, map, "'model' is missing");
	if (y->type != YML_LIST)
		return add_rule(c, y, &rule);
	for (y = y->child; y != NULL; y = y->next)
		if (add_rule(c, y, &rule) == -1)
			return -1;
	return 0;
}

/* At most: what is no rule is found out later. */
static size_t
count_rules(const struct yml *root)
{
	const struct yml	*y, *m;
	size_t			 n = 1;

	for (y = root->child; y != NULL; y = y->next, n++)
		if (y->type == YML_MAP && (m = yml_get(y, "model")) != NULL &&
		    m->last != NULL)
			n += m->last->index;
	return n;
}

int
caps_file_parse(struct arena *a, struct str text, const char *name,
    struct caps_table *t, char *err, size_t errsize)
{
	struct caps_reader	 c = { .arena = a };
	struct arena		 tree;
	const struct yml	*root, *y = NULL;
	int			 rc = -1;

	c.r = (struct conf_reader){ .name = name, .err = err,
	    .errsize = errsize };
	arena_init(&tree);
	root = yml_parse(&tree, text, name, err, errsize);
	if (root != NULL && root->type == YML_SCALAR)
		conf_fail(&c.r, root, "expected a list of rules");
	else if (root != NULL && root->type == YML_MAP && root->child != NULL)
		conf_fail(&c.r, root, "expected a list of rules, not a map");
	else if (root != NULL) {
		c.rules = arena_array(a, count_rules(root), sizeof(*c.rules));
		for (y = root->child; y != NULL; y = y->next)
			if (read_rule(&c, y) == -1)
				break;
		rc = y == NULL ? 0 : -1;
	}
	arena_release(&tree);
	t->rules = c.rules;
	t->n = c.n;
	return rc;
}
