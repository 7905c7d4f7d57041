/*
 * proxyctl: the command line.  Two tables say all of it: the options, and the
 * words with the options that each takes; usage and help are made of them.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "proxyctl/proxyctl.h"
#include "state/conf_row.h"

#define BIT(o)	(1u << OPT_##o)

static const struct ctl_option {
	const char	*name;
	const char	*arg;		/* NULL: takes none */
	const char	*text;
} options[OPT_COUNT] = {
	[OPT_HOME] = { "--home", "dir",
	    "where database, keys and sockets are ($PROXYD_HOME, or var)" },
	[OPT_CONFIG] = { "--config", "file",
	    "app.yml (default: ./app.yml if there is one)" },
	[OPT_PORT] = { "--port", "number", "listen there instead" },
	[OPT_WEB] = { "--web", NULL, "admind, the management server" },
	[OPT_API] = { "--api", NULL, "proxyd, the API server" },
	[OPT_ALL] = { "--all", NULL, "both" },
	[OPT_NO_RELOAD] = { "--no-reload", NULL,
	    "do not reload when app.yml changes" },
	[OPT_FOREGROUND] = { "--foreground", NULL,
	    "stay, log to standard error" },
	[OPT_NOW] = { "--now", NULL, "cut requests off that run" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
	[OPT_FROM] = { "--from", "dialect", "of standard input" },
	[OPT_TO] = { "--to", "dialect", "of standard output" },
	[OPT_RESPONSE] = { "--response", NULL, "an answer, not a request" },
	[OPT_STREAM] = { "--stream", NULL,
	    "ask for a stream; of an answer: write one" },
	[OPT_MODEL] = { "--model", "name",
	    "ask for this model; needed from gemini" },
	[OPT_EXPLAIN] = { "--explain", NULL,
	    "report as JSON, with the target's path" },
};

static int	 ctl_version(struct ctl *);
static int	 ctl_help(struct ctl *);

static const struct word {
	const char	*name;
	int		(*run)(struct ctl *);
	unsigned	 takes;		/* besides --home */
	unsigned	 needs;
	const char	*text;
} words[] = {
	{ "start", ctl_start, BIT(WEB) | BIT(API) | BIT(ALL) | BIT(PORT) |
	    BIT(NO_RELOAD) | BIT(CONFIG) | BIT(FOREGROUND), 0,
	    "start proxyd, or what the options name" },
	{ "stop", ctl_stop, BIT(WEB) | BIT(API) | BIT(ALL) | BIT(NOW), 0,
	    "stop what runs, once running requests have ended" },
	{ "restart", ctl_restart, BIT(WEB) | BIT(API) | BIT(ALL) | BIT(PORT) |
	    BIT(NO_RELOAD) | BIT(CONFIG) | BIT(NOW), 0,
	    "stop what runs and start it as it was" },
	{ "reload", ctl_reload, 0, 0, "make proxyd read app.yml again" },
	{ "upgrade", ctl_upgrade, 0, 0,
	    "replace proxyd by its program file as it is now" },
	{ "status", ctl_status, BIT(JSON), 0, "show what runs and how it does" },
	{ "check", ctl_check, BIT(CONFIG), 0,
	    "validate app.yml and the database" },
	{ "convert", ctl_convert, BIT(FROM) | BIT(TO) | BIT(RESPONSE) |
	    BIT(STREAM) | BIT(MODEL) | BIT(EXPLAIN), BIT(FROM) | BIT(TO),
	    "translate standard input between two dialects" },
	{ "version", ctl_version, 0, 0, "print the version" },
	{ "help", ctl_help, 0, 0, "print this, or help on one command" },
};
#define WORDS	(sizeof(words) / sizeof(*words))

/* --- help ------------------------------------------------------------------ */

static void
word_line(FILE *to, const struct word *w)
{
	const struct ctl_option	*o;
	int			 i;
	bool			 need;

	fprintf(to, "%s", w->name);
	if (w->run == ctl_help)
		fprintf(to, " [command]");
	for (i = 0; i < OPT_COUNT; i++) {
		if (((w->takes >> i) & 1) == 0)
			continue;
		o = &options[i];
		need = ((w->needs >> i) & 1) != 0;
		fprintf(to, " %s%s%s%s%s", need ? "" : "[", o->name,
		    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "",
		    need ? "" : "]");
	}
	fprintf(to, "\n");
}

static void
usage(FILE *to)
{
	size_t	 i;

	fprintf(to, "usage: proxyctl [--home dir] command [options]\n");
	for (i = 0; i < WORDS; i++)
		fprintf(to, "  %-8s %s\n", words[i].name, words[i].text);
	fprintf(to, "proxyctl help command lists its options.\n");
}

static void
usage_word(FILE *to, const struct word *w)
{
	int	 i;

	fprintf(to, "usage: proxyctl ");
	word_line(to, w);
	for (i = 0; i < OPT_COUNT; i++)
		if (((w->takes >> i) & 1) != 0)
			fprintf(to, "  %-12s %-8s %s\n", options[i].name,
			    options[i].arg != NULL ? options[i].arg : "",
			    options[i].text);
}

static const struct word *
word_find(const char *name)
{
	size_t	 i;

	for (i = 0; i < WORDS; i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

/* The one that name is the beginning of; none where there are several. */
static struct str
word_begins(const char *name)
{
	struct str	 found = STR_NONE;
	size_t		 i;

	for (i = 0; i < WORDS; i++) {
		if (!str_starts(str_of(words[i].name), name))
			continue;
		if (found.n > 0)
			return STR_NONE;
		found = str_of(words[i].name);
	}
	return found;
}

static int
bad_word(const char *name)
{
	struct conf_nearest	 near = { .want = str_of(name) };
	size_t			 i;

	for (i = 0; i < WORDS; i++)
		conf_nearest_try(&near, str_of(words[i].name));
	if (word_begins(name).n > 0)
		near.best = word_begins(name);
	if (near.best.n > 0)
		warnx("unknown command '%s', did you mean '%.*s'?", name,
		    STR_FMT(near.best));
	else
		warnx("unknown command '%s'", name);
	usage(stderr);
	return CTL_ERROR;
}

static int
bad_option(const struct word *w, const char *name, const char *what)
{
	struct conf_nearest	 near = { .want = str_of(name) };
	int			 i;

	for (i = 0; i < OPT_COUNT; i++)
		if (i == OPT_HOME || ((w->takes >> i) & 1) != 0)
			conf_nearest_try(&near, str_of(options[i].name));
	if (near.best.n > 0 && !str_is(near.best, name))
		warnx("%s: %s '%s', did you mean '%.*s'?", w->name, what, name,
		    STR_FMT(near.best));
	else
		warnx("%s: %s '%s'", w->name, what, name);
	if (w->run == NULL)
		usage(stderr);
	else
		usage_word(stderr, w);
	return -1;
}

static int
ctl_version(struct ctl *c)
{
	(void)c;
	printf("proxyctl %s\n", PROXYD_VERSION);
	return CTL_OK;
}

static int
ctl_help(struct ctl *c)
{
	const struct word	*w;
	size_t			 i;

	if (c->operand != NULL) {
		if ((w = word_find(c->operand)) == NULL)
			return bad_word(c->operand);
		usage_word(stdout, w);
		return CTL_OK;
	}
	usage(stdout);
	printf("\n");
	for (i = 0; i < WORDS; i++)
		word_line(stdout, &words[i]);
	printf("\noptions:\n");
	for (i = 0; i < OPT_COUNT; i++)
		printf("  %-12s %-8s %s\n", options[i].name,
		    options[i].arg != NULL ? options[i].arg : "",
		    options[i].text);
	return CTL_OK;
}

/* --- the command line -------------------------------------------------------- */

/* "--port 1" and "--port=1"; -1: said already. */
static int
option_take(struct ctl *c, const struct word *w, char **argv, int *i)
{
	struct str	 rest = str_of(argv[*i]), name = str_cut(&rest, '=');
	bool		 joined = rest.p != NULL;
	int		 o;

	for (o = 0; o < OPT_COUNT; o++)
		if (str_is(name, options[o].name))
			break;
	if (o == OPT_COUNT)
		return bad_option(w, argv[*i], "unknown option");
	if (o != OPT_HOME && ((w->takes >> o) & 1) == 0)
		return bad_option(w, options[o].name, "takes no option");
	if (options[o].arg == NULL) {
		if (joined)
			return bad_option(w, argv[*i], "no value wanted in");
		c->opt[o] = "";
		return 0;
	}
	if (!joined && argv[*i + 1] == NULL)
		return bad_option(w, options[o].name, "a value is missing for");
	c->opt[o] = joined ? rest.p : argv[++*i];
	return 0;
}

static int
options_take(struct ctl *c, const struct word *w, char **argv)
{
	int	 i, o;

	for (i = 0; argv[i] != NULL; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			usage_word(stdout, w);
			exit(CTL_OK);
		}
		if (argv[i][0] != '-' && w->run == ctl_help &&
		    c->operand == NULL) {
			c->operand = argv[i];
			continue;
		}
		if (argv[i][0] != '-')
			return bad_option(w, argv[i], "unexpected");
		if (option_take(c, w, argv, &i) == -1)
			return -1;
	}
	for (o = 0; o < OPT_COUNT; o++)
		if (((w->needs >> o) & 1) != 0 && c->opt[o] == NULL)
			return bad_option(w, options[o].name, "needs option");
	return 0;
}

int
ctl_fail(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vwarnx(fmt, ap);
	va_end(ap);
	return CTL_ERROR;
}

int
ctl_config(const struct ctl *c, char *dst, size_t size)
{
	const char	*file = c->opt[OPT_CONFIG];
	char		*real;

	if (file == NULL && access("app.yml", F_OK) == -1)
		return 0;
	if ((real = realpath(file == NULL ? "app.yml" : file, NULL)) == NULL) {
		ctl_fail("cannot read '%s': %s", file == NULL ? "app.yml" :
		    file, strerror(errno));
		return -1;
	}
	if ((size_t)snprintf(dst, size, "%s", real) >= size)
		fatalx("'%s' is too long", real);
	free(real);
	return 1;
}

/* What stands before the command: --home, --help, --version. */
static char **
global_take(struct ctl *c, char **argv)
{
	static const struct word	 global = { .name = "proxyctl" };
	int				 i;

	for (i = 0; argv[i] != NULL && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			exit(ctl_help(c));
		if (strcmp(argv[i], "--version") == 0)
			exit(ctl_version(c));
		if (option_take(c, &global, argv, &i) == -1)
			exit(CTL_ERROR);
	}
	return argv + i;
}

int
main(int argc, char **argv)
{
	static struct ctl	 c;
	const struct word	*w;

	(void)argc;
	log_init("proxyctl", false);
	argv = global_take(&c, argv + 1);
	if (argv[0] == NULL) {
		usage(stderr);
		return CTL_ERROR;
	}
	if ((w = word_find(argv[0])) == NULL)
		return bad_word(argv[0]);
	if (options_take(&c, w, argv + 1) == -1)
		return CTL_ERROR;
	if (conf_paths_init(&c.paths, c.opt[OPT_HOME]) == -1)
		return ctl_fail("the path of the home directory is too long");
	return w->run(&c);
}
