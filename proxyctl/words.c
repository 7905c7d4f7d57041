/*
 * The groups of words, and what is made of their tables for people: usage,
 * help, errors with the nearest word, and the command line itself.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "proxyctl/completion.h"
#include "proxyctl/words.h"
#include "state/conf_row.h"

const struct word_group word_groups[] = {
	{ NULL, NULL, daemon_words },
	{ NULL, NULL, look_words },
	{ "models", "names that clients ask for", model_words },
	{ "routes", "rules that choose targets", route_words },
	{ "providers", "where requests go", provider_words },
	{ "keys", "the providers' keys", key_words },
	{ "pools", "keys of one provider that belong together", pool_words },
	{ "revisions", "changes of the configuration, and back again",
	    revision_words },
	{ "settings", "what can be set while everything runs",
	    setting_words },
	{ NULL, NULL, export_words },
	{ "requests", "what is in flight", request_words },
	{ "stats", "what was asked, and what it cost", stat_words },
	{ "tenants", "who shares limits and a budget", tenant_words },
	{ "client-keys", "keys that clients have for this server",
	    client_key_words },
	{ "prices", "what models cost", price_words },
	{ "users", "who may log in at the management server", user_words },
	{ "tokens", "what programs log in with there", token_words },
	{ NULL, NULL, help_words },
	{ NULL, NULL, NULL }
};

const struct word_option word_options[OPT_COUNT] = {
#define OPT(id, name, kind, arg, text)	[OPT_##id] = { name, kind, arg, text },
	CTL_OPTIONS
#undef OPT
};

static int	 ctl_version(struct ctl *);

const struct word help_words[] = {
	{ "completion", ctl_completion,
	    "print completion for a shell: source it, or install it",
	    "[bash|zsh]", ARG_ONE, { OPT_NAMES } },
	{ "version", ctl_version, "print the version", NULL, ARG_NONE, { 0 } },
	{ "help", ctl_help, "print this, or help on some commands",
	    "[command ...]", ARG_COMMAND, { 0 } },
	{ .name = NULL }
};

void
words_each(void (*cb)(void *, const struct word_group *, const struct word *),
    void *arg)
{
	const struct word_group	*g;
	const struct word	*w;

	for (g = word_groups; g->words != NULL; g++)
		for (w = g->words; w->name != NULL; w++)
			cb(arg, g, w);
}

const char *
word_path(const struct word_group *g, const struct word *w,
    char dst[WORD_PATH_MAX])
{
	snprintf(dst, WORD_PATH_MAX, "%s%s%s", g->name == NULL ? "" : g->name,
	    g->name == NULL ? "" : " ", w->name);
	return dst;
}

/* --- help ------------------------------------------------------------------ */

static void
word_line(FILE *to, const struct word_group *g, const struct word *w)
{
	const struct word_option	*o;
	char				 path[WORD_PATH_MAX];
	unsigned			 i;
	bool				 need;

	fprintf(to, "%s", word_path(g, w, path));
	if (w->operand != NULL)
		fprintf(to, " %s", w->operand);
	for (i = 0; w->opts[i] != 0; i++) {
		o = &word_options[OPT_OF(w->opts[i])];
		need = (w->opts[i] & NEED) != 0;
		fprintf(to, " %s%s%s%s%s%s", need ? "" : "[", o->name,
		    o->kind != ARG_NONE ? " " : "", o->arg,
		    need ? "" : "]", (w->opts[i] & MANY) != 0 ? " ..." : "");
	}
	fprintf(to, "\n");
}

static void
word_line_cb(void *to, const struct word_group *g, const struct word *w)
{
	word_line(to, g, w);
}

static void
option_line(FILE *to, const struct word_option *o)
{
	char	 left[256];

	snprintf(left, sizeof(left), "%s%s%s", o->name,
	    o->kind != ARG_NONE ? " " : "", o->arg);
	fprintf(to, "  %-24s %s\n", left, o->text);
}

static void
usage_word(FILE *to, const struct word_group *g, const struct word *w)
{
	unsigned	 i;

	fprintf(to, "usage: proxyctl ");
	word_line(to, g, w);
	fprintf(to, "  %s\n", w->text);
	for (i = 0; w->opts[i] != 0; i++)
		option_line(to, &word_options[OPT_OF(w->opts[i])]);
}

static void
usage_group(FILE *to, const struct word_group *g)
{
	const struct word	*w;

	fprintf(to, "usage: proxyctl %s command [options]\n", g->name);
	for (w = g->words; w->name != NULL; w++)
		fprintf(to, "  %-9s %s\n", w->name, w->text);
	fprintf(to, "proxyctl help %s lists their options.\n", g->name);
}

static void
usage(FILE *to)
{
	const struct word_group	*g;
	const struct word	*w;

	fprintf(to, "usage: proxyctl [--home dir] command [options]\n");
	for (g = word_groups; g->words != NULL; g++) {
		if (g->name != NULL) {
			fprintf(to, "  %-11s %s:", g->name, g->text);
			for (w = g->words; w->name != NULL; w++)
				fprintf(to, "%s %s", w == g->words ? "" : ",",
				    w->name);
			fprintf(to, "\n");
			continue;
		}
		for (w = g->words; w->name != NULL; w++)
			fprintf(to, "  %-11s %s\n", w->name, w->text);
	}
	fprintf(to, "proxyctl help command lists its options.\n");
}

static int
ctl_version(struct ctl *c)
{
	(void)c;
	printf("proxyctl %s\n", PROXYD_VERSION);
	return CTL_OK;
}

/* --- looking words up --------------------------------------------------------- */

static const struct word *
word_in(const struct word_group *g, const char *name)
{
	const struct word	*w;

	for (w = g->words; w->name != NULL; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}

/* A group, or a word that stands alone; *w NULL for the former. */
static const struct word_group *
first_find(const char *name, const struct word **w)
{
	const struct word_group	*g;

	for (g = word_groups; g->words != NULL; g++) {
		*w = NULL;
		if (g->name == NULL ? (*w = word_in(g, name)) != NULL :
		    strcmp(g->name, name) == 0)
			return g;
	}
	return NULL;
}

struct near {
	struct conf_nearest	 n;
	struct str		 begins;	/* name is its beginning */
	bool			 several;
};

static void
near_try(struct near *near, const char *name)
{
	conf_nearest_try(&near->n, str_of(name));
	if (strlen(name) < near->n.want.n || memcmp(name, near->n.want.p,
	    near->n.want.n) != 0)
		return;
	near->several = near->begins.n > 0;
	near->begins = str_of(name);
}

static void
near_group(struct near *near, const struct word_group *g)
{
	const struct word	*w;

	for (w = g->words; w->name != NULL; w++)
		near_try(near, w->name);
}

static int
bad_word(const struct word_group *g, const char *name)
{
	const struct word_group	*all;
	struct near		 near = { .n.want = str_of(name) };

	if (g != NULL)
		near_group(&near, g);
	for (all = word_groups; g == NULL && all->words != NULL; all++)
		if (all->name != NULL)
			near_try(&near, all->name);
		else
			near_group(&near, all);
	if (near.begins.n > 0 && !near.several)
		near.n.best = near.begins;
	if (near.n.best.n > 0)
		warnx("%s%sunknown command '%s', did you mean '%.*s'?",
		    g == NULL ? "" : g->name, g == NULL ? "" : ": ", name,
		    STR_FMT(near.n.best));
	else
		warnx("%s%sunknown command '%s'", g == NULL ? "" : g->name,
		    g == NULL ? "" : ": ", name);
	if (g == NULL)
		usage(stderr);
	else
		usage_group(stderr, g);
	return CTL_ERROR;
}

static int
help_on(char **name)
{
	const struct word_group	*g;
	const struct word	*w;

	for (; *name != NULL; name++) {
		if ((g = first_find(*name, &w)) == NULL)
			return bad_word(NULL, *name);
		if (w == NULL && name[1] == NULL) {
			usage_group(stdout, g);
			printf("\n");
			for (w = g->words; w->name != NULL; w++)
				usage_word(stdout, g, w);
			return CTL_OK;
		}
		if (w == NULL && (w = word_in(g, *++name)) == NULL)
			return bad_word(g, *name);
		usage_word(stdout, g, w);
	}
	return CTL_OK;
}

int
ctl_help(struct ctl *c)
{
	if (c->noperands > 0)
		return help_on(c->operand);
	usage(stdout);
	printf("\n");
	words_each(word_line_cb, stdout);
	return CTL_OK;
}

/* --- the command line -------------------------------------------------------- */

/* -1: it takes none of that name. */
static int
option_of(const struct word *w, struct str name)
{
	unsigned	 i;

	if (str_is(name, word_options[OPT_HOME].name))
		return OPT_HOME;
	for (i = 0; w != NULL && w->opts[i] != 0; i++)
		if (str_is(name, word_options[OPT_OF(w->opts[i])].name))
			return (int)w->opts[i];
	return -1;
}

static int
bad_option(const struct ctl *c, struct str name, const char *what)
{
	struct conf_nearest	 near = { .want = name };
	const struct word	*w = c->word;
	char			 path[WORD_PATH_MAX] = "proxyctl";
	unsigned		 i;

	conf_nearest_try(&near, str_of(word_options[OPT_HOME].name));
	for (i = 0; w != NULL && w->opts[i] != 0; i++)
		conf_nearest_try(&near, str_of(word_options[OPT_OF(
		    w->opts[i])].name));
	if (w != NULL)
		word_path(c->group, w, path);
	if (near.best.n > 0 && !str_eq(near.best, name))
		warnx("%s: %s '%.*s', did you mean '%.*s'?", path, what,
		    STR_FMT(name), STR_FMT(near.best));
	else
		warnx("%s: %s '%.*s'", path, what, STR_FMT(name));
	if (w == NULL)
		usage(stderr);
	else
		usage_word(stderr, c->group, w);
	return -1;
}

static bool
option_known(struct str name)
{
	int	 o;

	for (o = 0; o < OPT_COUNT; o++)
		if (str_is(name, word_options[o].name))
			return true;
	return false;
}

/* "a|b|c" */
static int
one_of(const struct ctl *c, const char *what, const char *list,
    const char *value)
{
	struct conf_nearest	 near = { .want = str_of(value) };
	struct str		 rest = str_of(list), one;
	char			 path[WORD_PATH_MAX];

	/* "a|b|": the empty text, too. */
	if (value[0] == '\0' && str_ends(rest, "|"))
		return 0;
	while (rest.n > 0) {
		one = str_cut(&rest, '|');
		if (str_is(one, value))
			return 0;
		conf_nearest_try(&near, one);
	}
	warnx("%s: %s '%s': expected %s%s%.*s%s", word_path(c->group, c->word,
	    path), what, value, list, near.best.n > 0 ? "; did you mean '" :
	    "", STR_FMT(near.best), near.best.n > 0 ? "'?" : "");
	return -1;
}

static int
option_put(struct ctl *c, int o, const char *value)
{
	enum ctl_opt			 id = OPT_OF((unsigned)o);
	const struct word_option	*wo = &word_options[id];

	if (c->opt[id] != NULL && id != OPT_HOME && ((unsigned)o & MANY) == 0)
		return bad_option(c, str_of(wo->name), "given twice:");
	if (wo->kind == ARG_ONE && one_of(c, wo->name, wo->arg, value) == -1)
		return -1;
	c->opt[id] = value;
	c->given[c->ngiven].o = id;
	c->given[c->ngiven++].value = value;
	return 0;
}

/* "--port 1" and "--port=1"; -1: said already. */
static int
option_take(struct ctl *c, char **argv, int *i)
{
	struct str	 rest = str_of(argv[*i]), name = str_cut(&rest, '=');
	bool		 joined = rest.p != NULL;
	int		 o = option_of(c->word, name);

	if (o == -1 && option_known(name))
		return bad_option(c, name, "takes no option");
	if (o == -1)
		return bad_option(c, name, "unknown option");
	if (word_options[OPT_OF((unsigned)o)].kind == ARG_NONE) {
		if (joined)
			return bad_option(c, str_of(argv[*i]),
			    "no value wanted in");
		return option_put(c, o, "");
	}
	if (!joined && (argv[*i + 1] == NULL ||
	    option_of(c->word, str_of(argv[*i + 1])) != -1))
		return bad_option(c, name, "a value is missing for");
	return option_put(c, o, joined ? rest.p : argv[++*i]);
}

static bool
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static int
operands_check(struct ctl *c)
{
	const char	*want = c->word->operand;
	char		 list[64];
	bool		 many;

	if (want == NULL)
		return c->noperands == 0 ? 0 : bad_option(c,
		    str_of(c->operand[0]), "unexpected");
	many = strstr(want, "...") != NULL;
	if (c->noperands > 1 && !many)
		return bad_option(c, str_of(c->operand[1]), "unexpected");
	if (c->noperands == 0 && want[0] != '[')
		return bad_option(c, str_of(want), "is missing:");
	if (c->word->kind != ARG_ONE || c->noperands == 0)
		return 0;
	snprintf(list, sizeof(list), "%.*s", (int)strcspn(want + 1, "]"),
	    want + 1);
	return one_of(c, "operand", list, c->operand[0]);
}

/* Operands move to the front of what is left of argv. */
static int
rest_take(struct ctl *c, char **argv)
{
	bool		 plain = false;		/* behind "--" */
	unsigned	 n;
	int		 i;

	c->operand = argv;
	for (i = 0; argv[i] != NULL; i++) {
		if (!plain && is_help(argv[i])) {
			usage_word(stdout, c->group, c->word);
			return 1;
		}
		if (!plain && strcmp(argv[i], "--") == 0)
			plain = true;
		else if (plain || argv[i][0] != '-' || argv[i][1] == '\0')
			argv[c->noperands++] = argv[i];
		else if (option_take(c, argv, &i) == -1)
			return -1;
	}
	argv[c->noperands] = NULL;
	for (n = 0; c->word->opts[n] != 0; n++)
		if ((c->word->opts[n] & NEED) != 0 &&
		    c->opt[OPT_OF(c->word->opts[n])] == NULL)
			return bad_option(c, str_of(word_options[OPT_OF(
			    c->word->opts[n])].name), "needs option");
	return operands_check(c);
}

static int
say_usage(const struct word_group *g, FILE *to)
{
	if (g == NULL)
		usage(to);
	else
		usage_group(to, g);
	return to == stdout ? 1 : -1;
}

int
words_parse(struct ctl *c, int argc, char **argv)
{
	int	 i;

	c->given = calloc((size_t)argc + 1, sizeof(*c->given));
	must(c->given != NULL);
	for (i = 0; argv[i] != NULL && argv[i][0] == '-'; i++) {
		if (is_help(argv[i])) {
			ctl_help(c);
			return 1;
		}
		if (strcmp(argv[i], "--version") == 0) {
			ctl_version(c);
			return 1;
		}
		if (option_take(c, argv, &i) == -1)
			return -1;
	}
	if (argv[i] == NULL)
		return say_usage(NULL, stderr);
	if ((c->group = first_find(argv[i], &c->word)) == NULL)
		return bad_word(NULL, argv[i]), -1;
	i++;
	if (c->word != NULL)
		return rest_take(c, argv + i);
	if (argv[i] == NULL)
		return say_usage(c->group, stderr);
	if (is_help(argv[i]))
		return say_usage(c->group, stdout);
	if ((c->word = word_in(c->group, argv[i])) == NULL)
		return bad_word(c->group, argv[i]), -1;
	return rest_take(c, argv + i + 1);
}

const char *
words_next(const struct ctl *c, enum ctl_opt o, unsigned *i)
{
	for (; *i < c->ngiven; ++*i)
		if (c->given[*i].o == o)
			return c->given[(*i)++].value;
	return NULL;
}
