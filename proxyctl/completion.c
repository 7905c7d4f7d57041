/*
 * Completion for bash and zsh.  Both get one table, made of the words: what
 * each takes and of which kind its values are; around it a walk over the
 * command line in the words of that shell.
 */
#include <stdio.h>
#include <string.h>

#include "proxyctl/completion.h"
#include "proxyctl/db.h"
#include "proxyctl/words.h"
#include "wire/dialect.h"

static const char *const kind_names[] = {
	[ARG_NONE] = "", [ARG_TEXT] = "text", [ARG_NUMBER] = "number",
	[ARG_MONEY] = "money", [ARG_TIME] = "time", [ARG_FILE] = "file",
	[ARG_DIR] = "dir", [ARG_DIALECT] = "dialect",
	[ARG_COMMAND] = "command", [ARG_PROVIDER] = "provider",
	[ARG_MODEL] = "model", [ARG_RULE] = "rule", [ARG_POOL] = "pool",
	[ARG_KEY] = "key", [ARG_TENANT] = "tenant",
	[ARG_CLIENT_KEY] = "client-key", [ARG_USER] = "user",
	[ARG_REQUEST] = "request"
};

/* What _proxyctl_word sets: subs, the words that may follow; opts, "--x:kind"
 * each; kind, of operands. */
static const char bash_walk[] =
"_proxyctl_values() {	# kind, home\n"
"	case $1 in\n"
"	*'|'*) echo \"$1\" | tr '|' '\\n' ;;\n"
"	dialect) printf '%s\\n' $(_proxyctl_dialects) ;;\n"
"	command) local subs opts kind; _proxyctl_word ''\n"
"		printf '%s\\n' $subs ;;\n"
"	provider|model|rule|pool|key|tenant|client-key|user|request)\n"
"		\"$prog\" ${2:+--home \"$2\"} completion --names \"$1\" \\\n"
"		    2>/dev/null ;;\n"
"	esac\n"
"}\n"
"\n"
"_proxyctl_step() {	# one word before the cursor\n"
"	local o\n"
"	if [ -n \"$want\" ]; then\n"
"		[ \"$1\" = = ] && return\n"
"		[ \"$last\" = --home ] && home=$1\n"
"		want=\n"
"		return\n"
"	fi\n"
"	case $1 in\n"
"	--home=*) home=${1#--home=} ;;\n"
"	-*)	last=$1\n"
"		for o in $opts; do\n"
"			[ \"${o%%:*}\" = \"$1\" ] && want=${o#*:}\n"
"		done ;;\n"
"	*)	if [ -n \"$subs\" ]; then\n"
"			walk=${walk:+$walk }$1\n"
"			_proxyctl_word \"$walk\"\n"
"		fi ;;\n"
"	esac\n"
"}\n"
"\n"
"_proxyctl_offer() {	# what may stand at the cursor, a line each\n"
"	local o\n"
"	if [ -n \"$want\" ]; then\n"
"		_proxyctl_values \"$want\" \"$home\"\n"
"		return\n"
"	fi\n"
"	case $1 in\n"
"	-*)	for o in $opts; do echo \"${o%%:*}\"; done ;;\n"
"	*)	if [ -n \"$subs\" ]; then\n"
"			printf '%s\\n' $subs\n"
"		elif [ -n \"$kind\" ]; then\n"
"			_proxyctl_values \"$kind\" \"$home\"\n"
"		else\n"
"			for o in $opts; do echo \"${o%%:*}\"; done\n"
"		fi ;;\n"
"	esac\n"
"}\n"
"\n";

/* Bash cuts words at = and :, the whole one is taken from the line. */
static const char bash_end[] =
"_proxyctl() {\n"
"	local cur=${COMP_WORDS[COMP_CWORD]} walk= home= last= want=\n"
"	local subs opts kind i line full prog=${COMP_WORDS[0]}\n"
"	COMPREPLY=()\n"
"	_proxyctl_word ''\n"
"	for ((i = 1; i < COMP_CWORD; i++)); do\n"
"		_proxyctl_step \"${COMP_WORDS[i]}\"\n"
"	done\n"
"	[ \"$cur\" = = ] && cur=\n"
"	full=${COMP_LINE:0:COMP_POINT}\n"
"	full=${full##*[[:space:]]}\n"
"	case $full in --*=*) full=${full#*=} ;; esac\n"
"	case $cur in -*) [ -n \"$want\" ] || kind= ;; esac\n"
"	case ${want:-$kind} in\n"
"	file)	COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
"	dir)	COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
"	esac\n"
"	while IFS= read -r line; do\n"
"		[[ -n $line && $line == \"$full\"* ]] || continue\n"
"		printf -v line %q \"${line#\"${full%\"$cur\"}\"}\"\n"
"		COMPREPLY+=(\"$line\")\n"
"	done < <(_proxyctl_offer \"$cur\")\n"
"}\n"
"complete -F _proxyctl proxyctl\n";

static const char zsh_end[] =
"_proxyctl() {\n"
"	setopt localoptions shwordsplit\n"
"	local walk= home= last= want= subs opts kind i prog=${words[1]}\n"
"	local -a found\n"
"	_proxyctl_word ''\n"
"	for ((i = 2; i < CURRENT; i++)); do\n"
"		_proxyctl_step \"${words[i]}\"\n"
"	done\n"
"	case ${words[CURRENT]} in -*) [ -n \"$want\" ] || kind= ;; esac\n"
"	case ${want:-$kind} in\n"
"	file)	_files; return ;;\n"
"	dir)	_files -/; return ;;\n"
"	esac\n"
"	found=(\"${(@f)$(_proxyctl_offer \"${words[CURRENT]}\")}\")\n"
"	compadd -- \"${(@)found:#}\"\n"
"}\n"
"if [ \"${funcstack[1]}\" = _proxyctl ]; then\n"
"	_proxyctl \"$@\"\n"
"else\n"
"	compdef _proxyctl proxyctl\n"
"fi\n";

/* --- the table ---------------------------------------------------------------- */

static void
put_opts(const struct word *w)
{
	const struct word_option	*o = &word_options[OPT_HOME];
	unsigned			 i;

	printf("\t\topts='%s:dir", o->name);
	for (i = 0; w != NULL && w->opts[i] != 0; i++) {
		o = &word_options[OPT_OF(w->opts[i])];
		printf(" %s:%s", o->name, o->kind == ARG_ONE ? o->arg :
		    kind_names[o->kind]);
	}
	printf(" --help:'");
}

/* "[bash|zsh]" */
static void
put_kind(const struct word *w)
{
	const char	*s = w->operand;

	if (s == NULL)
		return;
	if (w->kind != ARG_ONE) {
		printf(" kind=%s", kind_names[w->kind]);
		return;
	}
	s += s[0] == '[';
	printf(" kind='%.*s'", (int)strcspn(s, "] "), s);
}

static void
put_subs(const struct word_group *g)
{
	const struct word	*w;

	for (w = g->words; w->name != NULL; w++)
		printf(" %s", w->name);
}

static void
word_cb(void *arg, const struct word_group *g, const struct word *w)
{
	char	 path[WORD_PATH_MAX];

	(void)arg;
	if (g->name != NULL && w == g->words) {
		printf("\t%s) subs='", g->name);
		put_subs(g);
		printf("'\n");
		put_opts(NULL);
		printf(" ;;\n");
	}
	printf("\t'%s')\n", word_path(g, w, path));
	put_opts(w);
	put_kind(w);
	printf(" ;;\n");
}

static void
put_table(void)
{
	const struct word_group	*g;
	size_t			 i;

	printf("_proxyctl_dialects() {\n\techo");
	for (i = 0; dialects[i] != NULL; i++)
		printf(" %s", dialects[i]->name);
	printf("\n}\n\n_proxyctl_word() {\n\tsubs= opts= kind=\n"
	    "\tcase $1 in\n\t'') subs='");
	for (g = word_groups; g->words != NULL; g++)
		if (g->name == NULL)
			put_subs(g);
		else
			printf(" %s", g->name);
	printf("'\n");
	put_opts(NULL);
	printf(" ;;\n");
	words_each(word_cb, NULL);
	printf("\tesac\n}\n\n");
}

static int
bad_shell(void)
{
	return ctl_fail("completion: for which shell? bash or zsh");
}

int
ctl_completion(struct ctl *c)
{
	if (c->opt[OPT_NAMES] != NULL)
		return ctl_names(c, c->opt[OPT_NAMES]);
	if (c->noperands == 0)
		return bad_shell();
	if (strcmp(c->operand[0], "zsh") == 0) {
		printf("#compdef proxyctl\n\n");
		put_table();
		printf("%s%s", bash_walk, zsh_end);
	} else {
		printf("# bash completion for proxyctl, made by proxyctl "
		    "completion bash\n\n");
		put_table();
		printf("%s%s", bash_walk, bash_end);
	}
	return CTL_OK;
}
