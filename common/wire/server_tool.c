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
	/* Agents load further tools by it; all that there are have been sent. */
	{ { "tool_search" }, DROP, NULL, NULL, NULL, NULL, NULL, NULL, NULL },
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

static bool
is_client_run(const struct kind *k)
{
	return k != NULL && k->schema != NULL;
}

bool
server_tool_is_function(const struct ir_tool *t)
{
	return is_client_run(kind_of(t));
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

enum server_tool_verdict
server_tool_verdict(const struct ir_exchange *x, const struct ir_tool *t,
    bool functions, struct ir_tool *as)
{
	const struct kind	*k = kind_of(t);
	bool			 forced = server_tool_chosen(x->rq) == t;

	if (is_client_run(k)) {
		*as = *t;
		as->kind = IR_FUNCTION;
		if (as->name.n == 0)
			as->name = t->server_type;
		as->description = jstr_encode(x->arena, str_of(k->words));
		as->schema = str_of(k->schema);
		report(x, t, LOSS_APPROXIMATED, "is described as a function");
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
	return SERVER_TOOL_OWN;
}
