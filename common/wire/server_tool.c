/*
 * Provider's and client's own tools between dialects: one table of kinds.  A
 * type not in it is known to its own dialect only.
 */
#include <string.h>

#include "base/buf.h"
#include "wire/json.h"
#include "wire/server_tool.h"

/* If the target has no such tool. */
enum absent { DROP, REFUSE };

struct kind {
	/* Beginnings of type names, any dialect's. */
	const char	*types[4];
	enum absent	 absent;
	/* The target's own; NULL: it has none. */
	const char	*anthropic;	/* type; its name is name */
	const char	*name;
	const char	*responses;	/* type */
	const char	*choice;	/* type in tool_choice of Responses */
	const char	*gemini;	/* member */
	/* Run by the client: schema and words for any model. */
	const char	*schema;
	const char	*words;
};

#define STRING		"{\"type\":\"string\"}"
#define INTEGER		"{\"type\":\"integer\"}"
#define STRINGS		"{\"type\":\"array\",\"items\":" STRING "}"
#define INTEGERS	"{\"type\":\"array\",\"items\":" INTEGER "}"

static const struct kind kinds[] = {
	{ { "web_search", "google_search", "googleSearch" }, DROP,
	  "web_search_20250305", "web_search", "web_search",
	  "web_search_preview", "googleSearch", NULL, NULL },
	{ { "web_fetch", "urlContext", "url_context" }, DROP,
	  "web_fetch_20250910", "web_fetch", NULL, NULL, "urlContext",
	  NULL, NULL },
	{ { "code_execution", "code_interpreter", "codeExecution" }, REFUSE,
	  "code_execution_20250825", "code_execution", "code_interpreter",
	  "code_interpreter", "codeExecution", NULL, NULL },
	{ { "image_generation" }, DROP, NULL, NULL, NULL, NULL, NULL, NULL,
	  NULL },
	/* Agents load further tools by it; all that there are have been sent,
	 * unless the client searches: see client_search. */
	{ { "tool_search" }, DROP, NULL, NULL, NULL, NULL, NULL, NULL, NULL },
	{ { "local_shell" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"command\":" STRINGS ","
	  "\"timeout_ms\":" INTEGER ",\"working_directory\":" STRING ","
	  "\"env\":{\"type\":\"object\"}},\"required\":[\"command\"]}",
	  "Run one command on the user's machine: command is the program and "
	  "its arguments. Returns what it writes." },
	{ { "shell" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"commands\":" STRINGS ","
	  "\"timeout_ms\":" INTEGER ",\"max_output_length\":" INTEGER "},"
	  "\"required\":[\"commands\"]}",
	  "Run shell commands on the user's machine, each a line of its own. "
	  "Returns what each of them writes and how it ends." },
	{ { "apply_patch" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":"
	  "\"string\",\"enum\":[\"create_file\",\"update_file\","
	  "\"delete_file\"]},\"path\":" STRING ",\"diff\":" STRING "},"
	  "\"required\":[\"type\",\"path\"]}",
	  "Change one file of the user's. diff, in the V4A format: hunks that "
	  "begin with @@ and a line to find the place by, then lines that "
	  "begin with a space (context), - (taken out) or + (put in); a new "
	  "file has + lines alone. Not given for delete_file." },
	{ { "bash_" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"command\":" STRING ","
	  "\"restart\":{\"type\":\"boolean\"}}}",
	  "Run a command in a persistent bash session. restart: true begins "
	  "a new session." },
	{ { "text_editor_" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":"
	  "\"string\",\"enum\":[\"view\",\"create\",\"str_replace\","
	  "\"insert\"]},\"path\":" STRING ",\"file_text\":" STRING ","
	  "\"old_str\":" STRING ",\"new_str\":" STRING ",\"insert_line\":"
	  INTEGER ",\"insert_text\":" STRING ",\"view_range\":" INTEGERS "},"
	  "\"required\":[\"command\",\"path\"]}",
	  "View and edit text files: view a file (view_range: first and last "
	  "line) or directory, create a file from file_text, replace the one "
	  "place of old_str by new_str, insert insert_text after a line." },
	{ { "memory_" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":"
	  "\"string\",\"enum\":[\"view\",\"create\",\"str_replace\","
	  "\"insert\",\"delete\",\"rename\"]},\"path\":" STRING ","
	  "\"file_text\":" STRING ",\"old_str\":" STRING ",\"new_str\":"
	  STRING ",\"insert_line\":" INTEGER ",\"insert_text\":" STRING ","
	  "\"view_range\":" INTEGERS ",\"old_path\":" STRING ","
	  "\"new_path\":" STRING "},\"required\":[\"command\"]}",
	  "Keep notes between conversations in files under /memories: view, "
	  "create, str_replace, insert, delete, rename." },
	{ { "computer_20" }, REFUSE, NULL, NULL, NULL, NULL, NULL,
	  "{\"type\":\"object\",\"properties\":{\"action\":{\"type\":"
	  "\"string\",\"enum\":[\"screenshot\",\"left_click\",\"type\","
	  "\"key\",\"mouse_move\",\"scroll\",\"left_click_drag\","
	  "\"right_click\",\"middle_click\",\"double_click\","
	  "\"triple_click\",\"left_mouse_down\",\"left_mouse_up\","
	  "\"hold_key\",\"wait\",\"cursor_position\"]},\"coordinate\":"
	  INTEGERS ",\"start_coordinate\":" INTEGERS ",\"text\":" STRING ","
	  "\"scroll_direction\":{\"type\":\"string\",\"enum\":[\"up\","
	  "\"down\",\"left\",\"right\"]},\"scroll_amount\":" INTEGER ","
	  "\"duration\":{\"type\":\"number\"}},\"required\":[\"action\"]}",
	  "Use the screen, mouse and keyboard. Coordinates are [x, y] pixels "
	  "from the top left corner." },
};

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *
kind_of(const struct ir_tool *t)
{
	size_t	 i, k;

	for (i = 0; i < NKINDS; i++)
		for (k = 0; k < 4 && kinds[i].types[k] != NULL; k++)
			if (str_starts(t->server_type, kinds[i].types[k]))
				return &kinds[i];
	return NULL;
}

/*
 * A search for tools by the client: what it finds is sent by then, so the model
 * must be able to ask.  as, if not NULL, becomes the function: the tool brings
 * its own words.
 */
static bool
client_search(const struct ir_tool *t, struct ir_tool *as)
{
	struct json	 j;
	struct jv	 o, v;
	bool		 res;

	if (!str_is(t->server_type, "tool_search"))
		return false;
	json_init(&j);
	res = json_parse(&j, t->raw, NULL) == 0 &&
	    json_is(json_get(json_root(&j), "execution"), "client");
	if (res && as != NULL) {
		o = json_root(&j);
		v = json_get(o, "description");
		as->description = json_type(v) == JSON_STRING ? json_jstr(v) :
		    JSTR("Find further tools, which can be called then.");
		v = json_get(o, "parameters");
		as->schema = json_type(v) == JSON_OBJECT ? json_raw(v) :
		    STR("{\"type\":\"object\",\"properties\":{\"query\":"
		    STRING "},\"required\":[\"query\"]}");
	}
	json_release(&j);
	return res;
}

static bool
is_client_run(const struct ir_tool *t, const struct kind *k)
{
	return k != NULL && (k->schema != NULL || client_search(t, NULL));
}

/* --- rules ----------------------------------------------------------------- */

enum server_tool_rule
server_tool_rule_byname(struct str s)
{
	static const char *const names[] = { "", "pass", "map", "drop",
	    "refuse" };
	size_t	 i;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(s, names[i]))
			return (enum server_tool_rule)i;
	return SERVER_RULE_NONE;
}

enum server_tool_rule
server_tool_rule(struct str rules, struct str provider, struct str type)
{
	enum server_tool_rule	 found = SERVER_RULE_NONE;
	struct str		 line, name, head;
	size_t			 best = 0, weight;
	bool			 own;

	while (rules.n > 0) {
		line = str_cut(&rules, '\n');
		name = str_cut(&line, ' ');
		own = memchr(name.p, '/', name.n) != NULL;
		head = own ? str_cut(&name, '/') : STR_NONE;
		if (own && !str_eq(head, provider))
			continue;
		if (str_is(name, "*"))
			name.n = 0;
		if (name.n > type.n || memcmp(name.p, type.p, name.n) != 0)
			continue;
		/* A provider's own weighs more than any length. */
		weight = 1 + name.n + (own ? (size_t)1 << 16 : 0);
		if (weight > best) {
			best = weight;
			found = server_tool_rule_byname(line);
		}
	}
	return found;
}

static enum server_tool_rule
rule_of(const struct ir_exchange *x, const struct ir_tool *t)
{
	return server_tool_rule(x->target.tool_rules, x->target.provider,
	    t->server_type);
}

bool
server_tool_is_function(const struct ir_exchange *x, const struct ir_tool *t)
{
	enum server_tool_rule	 r = rule_of(x, t);

	return is_client_run(t, kind_of(t)) && (r == SERVER_RULE_NONE ||
	    r == SERVER_RULE_MAP);
}

const struct ir_tool *
server_tool_chosen(const struct ir_request *rq)
{
	const struct ir_tool_choice	*c = &rq->choice;
	const struct ir_tool		*t;

	if (c->mode != IR_CHOICE_NAMED)
		return NULL;
	for (t = rq->tools; t != NULL; t = t->next)
		if (t->kind == IR_SERVER && (t->name.n > 0 ?
		    str_eq(t->name, c->name) : c->kind == IR_SERVER &&
		    str_eq(t->server_type, c->name)))
			return t;
	return NULL;
}

/* The target's name for it: what it is asked for, or its member. */
static const char *
own_type(const struct dialect *to, const struct kind *k)
{
	if (k == NULL)
		return NULL;
	return to == &dialect_anthropic ? k->anthropic :
	    to == &dialect_openai_responses ? k->responses :
	    to == &dialect_gemini ? k->gemini : NULL;
}

const char *
server_tool_name(const struct dialect *to, const struct ir_tool *t)
{
	const struct kind	*k = kind_of(t);

	if (own_type(to, k) == NULL)
		return NULL;
	return to == &dialect_openai_responses ? k->choice :
	    to == &dialect_anthropic ? k->name : k->gemini;
}

bool
server_tool_choice_sent(const struct ir_exchange *x)
{
	const struct ir_tool	*t = server_tool_chosen(x->rq);

	if (t == NULL)
		return ir_tool_find(x->rq, x->rq->choice.name) != NULL;
	return server_tool_is_function(x, t) ||
	    server_tool_name(x->target.dialect, t) != NULL;
}

/* --- the target's own ------------------------------------------------------ */

static void
copy(struct jw *w, struct jv o, const char *name)
{
	if (!json_empty(json_get(o, name))) {
		jw_key(w, name);
		jw_raw(w, json_raw(json_get(o, name)));
	}
}

/* Filters and place of a search: one API nests what the other has flat. */
static void
search_members(struct jw *w, struct jv o, const struct dialect *to)
{
	struct jv	 domains = json_get(json_get(o, "filters"),
			    "allowed_domains");

	if (to == &dialect_anthropic && json_count(domains) > 0) {
		jw_key(w, "allowed_domains");
		jw_raw(w, json_raw(domains));
	}
	domains = json_get(o, "allowed_domains");
	if (to == &dialect_openai_responses && json_count(domains) > 0) {
		jw_key(w, "filters");
		jw_object(w);
		copy(w, o, "allowed_domains");
		jw_object_end(w);
	}
	copy(w, o, "user_location");
	if (to == &dialect_openai_responses)
		copy(w, o, "search_context_size");
}

static struct str
own_write(const struct ir_exchange *x, const struct ir_tool *t,
    const struct kind *k)
{
	const struct dialect	*to = x->target.dialect;
	struct json		 j;
	struct buf		 b;
	struct jw		 w;
	struct str		 res;

	if (to == &dialect_gemini)
		return arena_strf(x->arena, "{\"%s\":{}}", k->gemini);
	buf_init(&b, t->raw.n + 4096);
	jw_init(&w, &b);
	json_init(&j);
	jw_object(&w);
	jw_key(&w, "type");
	jw_strz(&w, own_type(to, k));
	if (to == &dialect_anthropic) {
		jw_key(&w, "name");
		jw_strz(&w, k->name);
	} else if (strcmp(k->responses, "code_interpreter") == 0) {
		jw_key(&w, "container");
		jw_raw(&w, STR("{\"type\":\"auto\"}"));
	}
	if (k == &kinds[0] && json_parse(&j, t->raw, NULL) == 0)
		search_members(&w, json_root(&j), to);
	jw_object_end(&w);
	json_release(&j);
	res = arena_str(x->arena, buf_str(&b));
	buf_release(&b);
	return res;
}

/* --- the verdict ----------------------------------------------------------- */

static void
report(const struct ir_exchange *x, const struct ir_tool *t,
    enum loss_action action, const char *why)
{
	struct str	 s = arena_strf(x->loss->arena, "the tool '%.*s' %s",
			    STR_FMT(t->server_type), why);

	loss_node(x->loss, action, x->rq->json, t->node, NULL, s.p);
}

/* Nothing, or what is done anyway. */
static bool
is_default(struct jv m)
{
	switch (json_type(m)) {
	case JSON_FALSE:
		return true;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_count(m) == 0 || (json_key_is(m, "container") &&
		    json_count(m) == 1 && json_is(json_get(m, "type"), "auto"));
	default:
		return json_empty(m);
	}
}

static const char *const none_carried[] = { NULL };
static const char *const web_carried[] = { "filters", "allowed_domains",
    "user_location", NULL };
static const char *const openai_carried[] = { "allowed_domains",
    "user_location", "search_context_size", NULL };
static const char *const search_carried[] = { "execution", "description",
    "parameters", NULL };

/* Its settings that have no place there: a limit may matter. */
static void
report_members(const struct ir_exchange *x, const struct ir_tool *t,
    const char *const *carried)
{
	static const char *const names[] = { "type", "name", "cache_control",
	    NULL };
	struct jv		 m;

	if (x->rq->json == NULL || t->node == 0 ||
	    json_type(json_at(x->rq->json, t->node)) != JSON_OBJECT)
		return;
	m = json_first(json_at(x->rq->json, t->node));
	for (; json_ok(m); m = json_next(m))
		if (!json_key_in(m, names) && !json_key_in(m, carried) &&
		    !is_default(m))
			loss_node(x->loss, LOSS_DROPPED, x->rq->json, m.i,
			    NULL, "the tool has nothing like it there");
}

/* What the rules say, if they decide; false: what is usual counts. */
static bool
ruled(const struct ir_exchange *x, const struct ir_tool *t,
    enum server_tool_rule rule, struct ir_tool *as,
    enum server_tool_verdict *v)
{
	*v = SERVER_TOOL_LEAVE;
	switch (rule) {
	case SERVER_RULE_PASS:
		report(x, t, LOSS_APPROXIMATED, "is passed on, by SERVER_TOOLS");
		*as = *t;
		*v = SERVER_TOOL_OWN;
		return true;
	case SERVER_RULE_DROP:
		report(x, t, LOSS_DROPPED, "is left out, by SERVER_TOOLS");
		return true;
	case SERVER_RULE_REFUSE:
		report(x, t, LOSS_REFUSED, "is refused, by SERVER_TOOLS");
		return true;
	case SERVER_RULE_MAP:
	case SERVER_RULE_NONE:
		break;
	}
	return false;
}

enum server_tool_verdict
server_tool_verdict(const struct ir_exchange *x, const struct ir_tool *t,
    bool functions, struct ir_tool *as)
{
	const struct kind	*k = kind_of(t);
	bool			 forced = server_tool_chosen(x->rq) == t;
	enum server_tool_rule	 rule = rule_of(x, t);
	enum server_tool_verdict v;

	if (ruled(x, t, rule, as, &v))
		return v;
	if (rule == SERVER_RULE_MAP)
		forced = true;		/* not to be left out in silence */
	if (is_client_run(t, k)) {
		*as = *t;
		as->kind = IR_FUNCTION;
		if (as->name.n == 0)
			as->name = t->server_type;
		if (!client_search(t, as)) {
			as->description = jstr_encode(x->arena,
			    str_of(k->words));
			as->schema = str_of(k->schema);
		}
		report(x, t, LOSS_APPROXIMATED, "is described as a function");
		report_members(x, t, client_search(t, NULL) ?
		    search_carried : none_carried);
		return SERVER_TOOL_FUNCTION;
	}
	if (own_type(x->target.dialect, k) == NULL) {
		report(x, t, forced || k == NULL || k->absent == REFUSE ?
		    LOSS_REFUSED : LOSS_DROPPED, "is not offered there");
		return SERVER_TOOL_LEAVE;
	}
	if (functions && x->target.dialect == &dialect_gemini) {
		report(x, t, forced || k->absent == REFUSE ? LOSS_REFUSED :
		    LOSS_DROPPED, "cannot stand beside functions there");
		return SERVER_TOOL_LEAVE;
	}
	*as = *t;
	as->raw = own_write(x, t, k);
	report(x, t, LOSS_APPROXIMATED, "is replaced by the provider's own");
	report_members(x, t, k != &kinds[0] || x->target.dialect ==
	    &dialect_gemini ? none_carried : x->target.dialect ==
	    &dialect_openai_responses ? openai_carried : web_carried);
	return SERVER_TOOL_OWN;
}

/* --- calls that have items of their own ------------------------------------ */

static const struct server_call calls[] = {
	{ "local_shell", "local_shell_call", "local_shell_call_output",
	  "action", "{\"type\":\"exec\",\"command\":[],\"env\":{}}" },
	{ "shell", "shell_call", "shell_call_output", "action",
	  "{\"commands\":[],\"timeout_ms\":null,"
	  "\"max_output_length\":null}" },
	{ "apply_patch", "apply_patch_call", "apply_patch_call_output",
	  "operation", "{\"type\":\"update_file\",\"path\":\"\"}" },
	{ "tool_search", "tool_search_call", "tool_search_output",
	  "arguments", "{}" },
};

#define NCALLS	(sizeof(calls) / sizeof(calls[0]))

const struct server_call *
server_call_of_item(struct str type)
{
	size_t	 i;

	for (i = 0; i < NCALLS; i++)
		if (str_is(type, calls[i].item) ||
		    str_is(type, calls[i].output))
			return &calls[i];
	return NULL;
}

const struct server_call *
server_call_of_tool(const struct ir_request *rq, struct str name)
{
	const struct ir_tool	*t;
	size_t			 i;

	if (rq == NULL || rq->from != &dialect_openai_responses)
		return NULL;
	for (i = 0; i < NCALLS && !str_is(name, calls[i].tool); i++)
		;
	if (i == NCALLS || ir_tool_find(rq, name) != NULL)
		return NULL;
	for (t = rq->tools; t != NULL; t = t->next)
		if (t->kind == IR_SERVER && str_eq(t->server_type, name))
			return &calls[i];
	return NULL;
}

/* A line of shell where a list is asked for: models do that. */
static void
member_write(struct jw *w, struct arena *a, struct jv v)
{
	bool	 one = json_key_is(v, "command");

	jw_key_jstr(w, json_jstr(json_key(v)));
	if (json_type(v) != JSON_STRING || (!one &&
	    !json_key_is(v, "commands"))) {
		jw_raw(w, json_raw(v));
		return;
	}
	jw_array(w);
	if (one) {
		jw_strz(w, "bash");
		jw_strz(w, "-lc");
	}
	jw_str(w, json_str(a, v));
	jw_array_end(w);
}

/* The defaults first, as far as the object says nothing else. */
static void
members_write(struct jw *w, struct arena *a, struct jv deflt, struct jv o)
{
	struct jv	 v, own;
	bool		 fixed;

	jw_object(w);
	for (v = json_first(deflt); json_ok(v); v = json_next(v)) {
		own = json_get(o, arena_str(a, json_str(a, json_key(v))).p);
		/* "exec" is the only one. */
		fixed = json_is(v, "exec");
		if (json_ok(own) && !fixed)
			continue;
		jw_key_jstr(w, json_jstr(json_key(v)));
		jw_raw(w, json_raw(v));
	}
	for (v = json_first(o); json_ok(v); v = json_next(v))
		if (!json_key_is(v, "type") ||
		    !json_is(json_get(deflt, "type"), "exec"))
			member_write(w, a, v);
	jw_object_end(w);
}

struct str
server_call_member(struct arena *a, const struct server_call *c,
    struct str args)
{
	struct json	 d, j;
	struct buf	 b;
	struct jw	 w;
	struct str	 s = str_of(c->deflt);

	json_init(&d);
	json_init(&j);
	buf_init(&b, args.n * 2 + 4096);
	jw_init(&w, &b);
	if (json_parse(&d, s, NULL) == 0 && json_parse(&j, args, NULL) == 0)
		members_write(&w, a, json_root(&d), json_root(&j));
	if (buf_ok(&b) && b.len > 0)
		s = arena_str(a, buf_str(&b));
	buf_release(&b);
	json_release(&j);
	json_release(&d);
	return s;
}

struct str
server_call_args(struct arena *a, const struct server_call *c,
    struct jv member)
{
	struct buf	 b;
	struct jw	 w;
	struct jv	 v;
	struct str	 s;

	buf_init(&b, json_raw(member).n + 64);
	jw_init(&w, &b);
	jw_object(&w);
	for (v = json_first(member); json_ok(v); v = json_next(v)) {
		if (json_empty(v) || (json_key_is(v, "type") &&
		    strcmp(c->member, "action") == 0))
			continue;
		jw_key_jstr(&w, json_jstr(json_key(v)));
		jw_raw(&w, json_raw(v));
	}
	jw_object_end(&w);
	s = buf_ok(&b) ? arena_str(a, buf_str(&b)) : STR("{}");
	buf_release(&b);
	return s;
}

/* {"stdout":..,"stderr":..,"outcome":{"type":"exit","exit_code":n}} */
static void
output_piece(struct buf *b, struct arena *a, struct jv v, bool *failed)
{
	struct jv	 outcome = json_get(v, "outcome");
	int64_t		 code = 0;

	buf_adds(b, json_str(a, json_get(v, "stdout")));
	buf_adds(b, json_str(a, json_get(v, "stderr")));
	if (json_is(json_get(outcome, "type"), "timeout")) {
		buf_addz(b, "[it took too long]");
		*failed = true;
	} else if (json_int(json_get(outcome, "exit_code"), &code) == 0 &&
	    code != 0) {
		buf_addf(b, "[exit code %lld]", (long long)code);
	}
}

struct jstr
server_call_output(struct arena *a, struct jv item, bool *failed)
{
	struct jv	 out = json_get(item, "output"), v;
	struct jstr	 text;
	struct buf	 b;

	*failed = json_is(json_get(item, "status"), "failed");
	if (json_type(out) == JSON_STRING)
		return json_jstr(out);
	buf_init(&b, json_raw(out).n * 2 + 1024);
	for (v = json_first(out); json_ok(v); v = json_next(v)) {
		if (b.len > 0)
			buf_addc(&b, '\n');
		output_piece(&b, a, v, failed);
	}
	text = jstr_encode(a, arena_str(a, buf_str(&b)));
	buf_release(&b);
	return text;
}
