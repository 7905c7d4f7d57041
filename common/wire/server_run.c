/*
 * Runs of providers' own tools: read from one dialect's form into a struct,
 * written from it as another's, or told as text.
 */
#include <string.h>

#include "base/buf.h"
#include "wire/answer_loss.h"
#include "wire/server_run.h"

enum run_kind { RUN_NONE, RUN_SEARCH, RUN_FETCH, RUN_CODE, RUN_FILES };

struct source {
	struct str	 url, title;
	struct source	*next;
};

struct server_run {
	enum run_kind		 kind;
	struct str		 id;		/* the provider's; may be none */
	bool			 called, done;	/* which halves are known */
	bool			 failed;
	struct ir_str_list	*queries;	/* of a search */
	struct str		 input;		/* address, or code */
	struct source		*sources;	/* what was found or read */
	struct str		 output;	/* of code; text of a page */
	struct ir_place		 at;		/* of a call that waits */
	struct server_run	*next;
};

#define TEXT_MAX	((size_t)16 << 20)

/* --- reading: common ------------------------------------------------------ */

static struct str
text_of(struct arena *a, struct jv v)
{
	return json_type(v) == JSON_STRING ?
	    arena_str(a, json_str(a, v)) : STR_NONE;
}

static void
query_add(struct arena *a, struct server_run *r, struct jv v)
{
	struct ir_str_list	**q = &r->queries;
	struct str		 s = text_of(a, v);

	while (*q != NULL) {
		if (str_eq((*q)->s, s))
			return;
		q = &(*q)->next;
	}
	if (s.n == 0)
		return;
	*q = ARENA_NEW(a, struct ir_str_list);
	(*q)->s = s;
}

static void
queries_add(struct arena *a, struct server_run *r, struct jv list)
{
	struct jv	 v;

	for (v = json_first(list); json_ok(v); v = json_next(v))
		query_add(a, r, v);
}

static void
source_add(struct arena *a, struct server_run *r, struct jv url,
    struct jv title)
{
	struct source	**s = &r->sources;
	struct str	 u = text_of(a, url);

	if (u.n == 0)
		return;
	while (*s != NULL)
		s = &(*s)->next;
	*s = ARENA_NEW(a, struct source);
	(*s)->url = u;
	(*s)->title = text_of(a, title);
}

static void
output_add(struct arena *a, struct server_run *r, struct jv v)
{
	struct str	 s = text_of(a, v);

	if (s.n == 0)
		return;
	r->output = r->output.n == 0 ? s : arena_strf(a, "%.*s\n%.*s",
	    STR_FMT(r->output), STR_FMT(s));
}

/* --- reading: Anthropic --------------------------------------------------- */

static const struct {
	const char	*name;		/* of the tool; its result's type is
					   this and "_tool_result" */
	enum run_kind	 kind;
} an_tools[] = {
	{ "web_search", RUN_SEARCH },
	{ "web_fetch", RUN_FETCH },
	{ "code_execution", RUN_CODE },
	{ "bash_code_execution", RUN_CODE },
	{ "text_editor_code_execution", RUN_CODE },
};

#define NANTOOLS	(sizeof(an_tools) / sizeof(an_tools[0]))

static enum run_kind
an_kind(struct str name)
{
	size_t	 i;

	for (i = 0; i < NANTOOLS; i++)
		if (str_is(name, an_tools[i].name))
			return an_tools[i].kind;
	return RUN_NONE;
}

static void
an_call(struct arena *a, struct jv v, struct server_run *r)
{
	static const char *const inputs[] = { "url", "code", "command",
	    "file_text", "path" };
	struct jv	 in = json_get(v, "input");
	size_t		 i;

	r->kind = an_kind(text_of(a, json_get(v, "name")));
	r->id = text_of(a, json_get(v, "id"));
	r->called = true;
	query_add(a, r, json_get(in, "query"));
	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]) &&
	    r->input.n == 0; i++)
		r->input = text_of(a, json_get(in, inputs[i]));
	if (r->kind == RUN_CODE && json_is(json_get(v, "name"),
	    "text_editor_code_execution"))
		r->input = arena_str(a, json_raw(in));
}

/* The content is a list (searches), or one object. */
static void
an_content(struct arena *a, struct jv c, struct server_run *r)
{
	struct jv	 doc = json_get(c, "content"), e;
	int64_t		 code = 0;

	if (json_type(c) == JSON_ARRAY) {
		for (e = json_first(c); json_ok(e); e = json_next(e))
			source_add(a, r, json_get(e, "url"),
			    json_get(e, "title"));
		return;
	}
	e = json_get(c, "error_code");
	if (json_type(e) == JSON_STRING) {
		r->failed = true;
		r->output = text_of(a, e);
		return;
	}
	source_add(a, r, json_get(c, "url"), json_get(doc, "title"));
	output_add(a, r, json_get(c, "stdout"));
	output_add(a, r, json_get(c, "stderr"));
	output_add(a, r, json_type(doc) == JSON_STRING ? doc :
	    json_get(json_get(doc, "source"), "data"));
	if (json_int(json_get(c, "return_code"), &code) == 0 && code != 0)
		r->failed = true;
}

static void
read_anthropic(struct arena *a, struct jv v, struct server_run *r)
{
	struct str	 type = text_of(a, json_get(v, "type"));
	static const char end[] = "_tool_result";
	size_t		 n = sizeof(end) - 1;

	if (str_is(type, "server_tool_use")) {
		an_call(a, v, r);
		return;
	}
	if (type.n <= n || !str_ends(type, end))
		return;
	r->kind = an_kind((struct str){ type.p, type.n - n });
	r->id = text_of(a, json_get(v, "tool_use_id"));
	r->done = true;
	an_content(a, json_get(v, "content"), r);
	/* A PDF is no text. */
	if (r->kind == RUN_FETCH && json_is(json_get(json_get(json_get(
	    json_get(v, "content"), "content"), "source"), "type"), "base64"))
		r->output = STR_NONE;
}

/* --- reading: Responses --------------------------------------------------- */

static void
or_search(struct arena *a, struct jv act, struct server_run *r)
{
	struct jv	 v;

	r->kind = RUN_SEARCH;
	if (json_is(json_get(act, "type"), "open_page") ||
	    json_is(json_get(act, "type"), "find_in_page")) {
		r->kind = RUN_FETCH;
		r->input = text_of(a, json_get(act, "url"));
		source_add(a, r, json_get(act, "url"), JV_NONE);
	}
	query_add(a, r, json_get(act, "query"));
	queries_add(a, r, json_get(act, "queries"));
	v = json_first(json_get(act, "sources"));
	for (; json_ok(v); v = json_next(v))
		source_add(a, r, json_get(v, "url"), json_get(v, "title"));
}

static void
or_files(struct arena *a, struct jv item, struct server_run *r)
{
	struct jv	 v = json_first(json_get(item, "results"));

	r->kind = RUN_FILES;
	queries_add(a, r, json_get(item, "queries"));
	for (; json_ok(v); v = json_next(v)) {
		source_add(a, r, json_get(v, "filename"), JV_NONE);
		output_add(a, r, json_get(v, "text"));
	}
}

static void
read_responses(struct arena *a, struct jv v, struct server_run *r)
{
	struct jv	 type = json_get(v, "type"), o;

	if (json_is(type, "web_search_call")) {
		or_search(a, json_get(v, "action"), r);
	} else if (json_is(type, "file_search_call")) {
		or_files(a, v, r);
	} else if (json_is(type, "code_interpreter_call")) {
		r->kind = RUN_CODE;
		r->input = text_of(a, json_get(v, "code"));
		o = json_first(json_get(v, "outputs"));
		for (; json_ok(o); o = json_next(o))
			output_add(a, r, json_get(o, "logs"));
	} else {
		return;
	}
	r->id = text_of(a, json_get(v, "id"));
	r->called = r->done = true;
	r->failed = json_is(json_get(v, "status"), "failed");
}

/* --- reading: Gemini ------------------------------------------------------ */

static void
ge_grounding(struct arena *a, struct jv meta, struct server_run *r)
{
	struct jv	 v, in;

	queries_add(a, r, json_get(meta, "webSearchQueries"));
	if (r->queries == NULL)
		return;
	r->kind = RUN_SEARCH;
	r->called = r->done = true;
	v = json_first(json_get(meta, "groundingChunks"));
	for (; json_ok(v); v = json_next(v)) {
		in = json_first(v);
		source_add(a, r, json_get(in, "uri"), json_get(in, "title"));
	}
}

static void
ge_urls(struct arena *a, struct jv meta, struct server_run *r)
{
	struct jv	 v = json_first(json_get(meta, "urlMetadata"));

	for (; json_ok(v); v = json_next(v)) {
		r->kind = RUN_FETCH;
		r->called = r->done = true;
		source_add(a, r, json_get(v, "retrievedUrl"), JV_NONE);
		if (r->input.n == 0 && r->sources != NULL)
			r->input = r->sources->url;
	}
}

static void
read_gemini(struct arena *a, struct jv v, struct server_run *r)
{
	struct jv	 code = json_get(v, "executableCode");
	struct jv	 res = json_get(v, "codeExecutionResult");

	if (json_ok(code)) {
		r->kind = RUN_CODE;
		r->called = true;
		r->input = text_of(a, json_get(code, "code"));
	} else if (json_ok(res)) {
		r->kind = RUN_CODE;
		r->done = true;
		r->output = text_of(a, json_get(res, "output"));
		r->failed = json_ok(json_get(res, "outcome")) &&
		    !json_is(json_get(res, "outcome"), "OUTCOME_OK");
	} else {
		ge_grounding(a, json_get(v, "groundingMetadata"), r);
		if (r->kind == RUN_NONE)
			ge_urls(a, json_get(v, "urlContextMetadata"), r);
	}
}

/* NULL: nothing that is known. */
static struct server_run *
run_read(struct arena *a, const struct dialect *from, struct str raw)
{
	struct server_run	*r = ARENA_NEW(a, struct server_run);
	struct json		 j;

	json_init(&j);
	if (json_parse(&j, raw, NULL) == 0) {
		if (from == &dialect_anthropic)
			read_anthropic(a, json_root(&j), r);
		else if (from == &dialect_openai_responses)
			read_responses(a, json_root(&j), r);
		else if (from == &dialect_gemini)
			read_gemini(a, json_root(&j), r);
	}
	json_release(&j);
	return r->kind == RUN_NONE ? NULL : r;
}

/* --- writing -------------------------------------------------------------- */

static void
key_text(struct jw *w, const char *key, struct str s)
{
	jw_key(w, key);
	jw_str(w, s);
}

static void
key_strz(struct jw *w, const char *key, const char *s)
{
	jw_key(w, key);
	jw_strz(w, s);
}

/* The mark is what server_run_ours looks for. */
static struct str
marked_id(struct ir_exchange *x, const struct server_run *r,
    const char *prefix, unsigned n)
{
	return ir_id_fit(x->arena, arena_strf(x->arena, "%.*s.%.*s.%u",
	    STR_FMT(x->id), STR_FMT(r->id), n), prefix, 64);
}

static struct str
first_query(const struct server_run *r)
{
	return r->queries != NULL ? r->queries->s : STR_NONE;
}

static void
an_write_input(struct jw *w, const struct server_run *r)
{
	jw_key(w, "input");
	jw_object(w);
	if (r->kind == RUN_SEARCH)
		key_text(w, "query", first_query(r));
	else if (r->kind == RUN_FETCH)
		key_text(w, "url", r->input);
	else
		key_text(w, "code", r->input);
	jw_object_end(w);
}

static const char *
an_name(const struct server_run *r)
{
	return r->kind == RUN_SEARCH ? "web_search" :
	    r->kind == RUN_FETCH ? "web_fetch" : "code_execution";
}

static void
an_write_call(struct jw *w, const struct server_run *r, struct str id)
{
	jw_object(w);
	key_strz(w, "type", "server_tool_use");
	key_text(w, "id", id);
	key_strz(w, "name", an_name(r));
	an_write_input(w, r);
	jw_object_end(w);
}

static void
an_write_found(struct jw *w, const struct server_run *r)
{
	const struct source	*s;

	jw_array(w);
	for (s = r->sources; s != NULL; s = s->next) {
		jw_object(w);
		key_strz(w, "type", "web_search_result");
		key_text(w, "url", s->url);
		key_text(w, "title", s->title);
		/* Opaque to clients; there is none outside of the provider. */
		key_strz(w, "encrypted_content", "");
		jw_key(w, "page_age");
		jw_null(w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void
an_write_page(struct jw *w, const struct server_run *r)
{
	jw_object(w);
	key_strz(w, "type", "web_fetch_result");
	key_text(w, "url", r->sources != NULL ? r->sources->url : r->input);
	jw_key(w, "content");
	jw_object(w);
	key_strz(w, "type", "document");
	jw_key(w, "source");
	jw_object(w);
	key_strz(w, "type", "text");
	key_strz(w, "media_type", "text/plain");
	key_text(w, "data", r->output);
	jw_object_end(w);
	jw_key(w, "title");
	jw_null(w);
	jw_key(w, "citations");
	jw_null(w);
	jw_object_end(w);
	jw_key(w, "retrieved_at");
	jw_null(w);
	jw_object_end(w);
}

static void
an_write_output(struct jw *w, const struct server_run *r)
{
	jw_object(w);
	key_strz(w, "type", "code_execution_result");
	key_text(w, "stdout", r->failed ? STR("") : r->output);
	key_text(w, "stderr", r->failed ? r->output : STR(""));
	jw_key(w, "return_code");
	jw_int(w, r->failed);
	jw_key(w, "content");
	jw_array(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void
an_write_result(struct jw *w, struct arena *a, const struct server_run *r,
    struct str id)
{
	jw_object(w);
	key_text(w, "type", arena_strf(a, "%s_tool_result", an_name(r)));
	key_text(w, "tool_use_id", id);
	jw_key(w, "content");
	if (r->failed && r->kind != RUN_CODE) {
		jw_object(w);
		key_text(w, "type", arena_strf(a, "%s_tool_result_error",
		    an_name(r)));
		key_strz(w, "error_code", "unavailable");
		jw_object_end(w);
	} else if (r->kind == RUN_SEARCH) {
		an_write_found(w, r);
	} else if (r->kind == RUN_FETCH) {
		an_write_page(w, r);
	} else {
		an_write_output(w, r);
	}
	jw_object_end(w);
}

static void
or_write_action(struct jw *w, const struct server_run *r)
{
	const struct ir_str_list	*q;
	const struct source		*s;

	jw_key(w, "action");
	jw_object(w);
	if (r->kind == RUN_FETCH) {
		key_strz(w, "type", "open_page");
		key_text(w, "url", r->input);
		jw_object_end(w);
		return;
	}
	key_strz(w, "type", "search");
	key_text(w, "query", first_query(r));
	jw_key(w, "queries");
	jw_array(w);
	for (q = r->queries; q != NULL; q = q->next)
		jw_str(w, q->s);
	jw_array_end(w);
	jw_key(w, "sources");
	jw_array(w);
	for (s = r->sources; s != NULL; s = s->next) {
		jw_object(w);
		key_strz(w, "type", "url");
		key_text(w, "url", s->url);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static void
or_write(struct jw *w, const struct server_run *r, struct str id)
{
	jw_object(w);
	key_text(w, "id", id);
	key_strz(w, "type", r->kind == RUN_CODE ? "code_interpreter_call" :
	    "web_search_call");
	key_strz(w, "status", r->failed ? "failed" : "completed");
	if (r->kind != RUN_CODE) {
		or_write_action(w, r);
		jw_object_end(w);
		return;
	}
	key_text(w, "code", r->input);
	/* None of the client's: it cannot be asked for. */
	key_strz(w, "container_id", "");
	jw_key(w, "outputs");
	jw_array(w);
	if (r->done && r->output.n > 0) {
		jw_object(w);
		key_strz(w, "type", "logs");
		key_text(w, "logs", r->output);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static void
ge_write_code(struct jw *w, const struct server_run *r)
{
	jw_object(w);
	jw_key(w, "executableCode");
	jw_object(w);
	key_strz(w, "language", "PYTHON");
	key_text(w, "code", r->input);
	jw_object_end(w);
	jw_object_end(w);
}

static void
ge_write_output(struct jw *w, const struct server_run *r)
{
	jw_object(w);
	jw_key(w, "codeExecutionResult");
	jw_object(w);
	key_strz(w, "outcome", r->failed ? "OUTCOME_FAILED" : "OUTCOME_OK");
	key_text(w, "output", r->output);
	jw_object_end(w);
	jw_object_end(w);
}

/* Beside the text; event is what an annotation is told by. */
static void
ge_write_search(struct jw *w, const struct server_run *r)
{
	const struct ir_str_list	*q;
	const struct source		*s;

	jw_object(w);
	jw_key(w, "groundingMetadata");
	jw_object(w);
	jw_key(w, "webSearchQueries");
	jw_array(w);
	for (q = r->queries; q != NULL; q = q->next)
		jw_str(w, q->s);
	jw_array_end(w);
	jw_key(w, "groundingChunks");
	jw_array(w);
	for (s = r->sources; s != NULL; s = s->next) {
		jw_object(w);
		jw_key(w, "web");
		jw_object(w);
		key_text(w, "uri", s->url);
		key_text(w, "title", s->title);
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

static void
ge_write_urls(struct jw *w, const struct server_run *r)
{
	const struct source	*s;

	jw_object(w);
	jw_key(w, "urlContextMetadata");
	jw_object(w);
	jw_key(w, "urlMetadata");
	jw_array(w);
	for (s = r->sources; s != NULL; s = s->next) {
		jw_object(w);
		key_text(w, "retrievedUrl", s->url);
		key_strz(w, "urlRetrievalStatus", r->failed ?
		    "URL_RETRIEVAL_STATUS_ERROR" :
		    "URL_RETRIEVAL_STATUS_SUCCESS");
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

/* --- pieces --------------------------------------------------------------- */

enum half { CALL, RESULT, WHOLE };

static void
half_write(struct jw *w, struct arena *a, const struct server_run *r,
    const struct dialect *to, enum half half, struct str id)
{
	if (to == &dialect_openai_responses)
		or_write(w, r, id);
	else if (to == &dialect_anthropic && half == CALL)
		an_write_call(w, r, id);
	else if (to == &dialect_anthropic)
		an_write_result(w, a, r, id);
	else if (r->kind == RUN_SEARCH)
		ge_write_search(w, r);
	else if (r->kind == RUN_FETCH)
		ge_write_urls(w, r);
	else if (half == CALL)
		ge_write_code(w, r);
	else
		ge_write_output(w, r);
}

static struct server_piece **
piece_add(struct ir_exchange *x, struct server_piece **last,
    const struct server_run *r, const struct dialect *to, enum half half,
    struct str id)
{
	struct server_piece	*p = ARENA_NEW(x->arena, struct server_piece);
	struct buf		 b;
	struct jw		 w;

	buf_init(&b, TEXT_MAX);
	jw_init(&w, &b);
	half_write(&w, x->arena, r, to, half, id);
	p->raw = buf_ok(&b) ? arena_str(x->arena, buf_str(&b)) : STR("{}");
	buf_release(&b);
	if (to == &dialect_openai_responses)
		p->event = r->kind == RUN_CODE ? "code_interpreter_call" :
		    "web_search_call";
	else if (to == &dialect_gemini && r->kind != RUN_CODE)
		p->event = "annotation";
	*last = p;
	return &p->next;
}

static const char *
id_prefix(const struct server_run *r, const struct dialect *to)
{
	return to == &dialect_anthropic ? "srvtoolu_pxd" :
	    r->kind == RUN_CODE ? "ci_pxd" : "ws_pxd";
}

static struct server_piece *
pieces(struct ir_exchange *x, struct server_runs *rs,
    const struct server_run *r, const struct dialect *to)
{
	struct server_piece	*first = NULL, **last = &first;
	struct str		 id = marked_id(x, r, id_prefix(r, to),
				    rs->n++);
	bool			 code = r->kind == RUN_CODE;

	if (to == &dialect_openai_responses ||
	    (to == &dialect_gemini && !code)) {
		(void)piece_add(x, last, r, to, WHOLE, id);
		return first;
	}
	last = piece_add(x, last, r, to, CALL, id);
	if (r->done)
		(void)piece_add(x, last, r, to, RESULT, id);
	return first;
}

/* The call that a result belongs to, taken off the list. */
static struct server_run *
waiting(struct server_runs *rs, const struct server_run *result)
{
	struct server_run	**r, *found;

	for (r = &rs->first; *r != NULL; r = &(*r)->next) {
		if ((*r)->kind != result->kind ||
		    !str_eq((*r)->id, result->id))
			continue;
		found = *r;
		*r = found->next;
		return found;
	}
	return NULL;
}

static void
wait_for(struct server_runs *rs, struct server_run *r)
{
	struct server_run	**last = &rs->first;

	while (*last != NULL)
		last = &(*last)->next;
	*last = r;
}

static void
tell(struct ir_exchange *x, enum loss_action what, const char *why)
{
	answer_lost(x, ANSWER_PART, what, why);
}

bool
server_run_take(struct ir_exchange *x, struct server_runs *rs,
    const struct dialect *from, struct str raw, const struct dialect *to,
    struct server_piece **out)
{
	struct server_run	*r, *call;

	*out = NULL;
	if (to == &dialect_openai_chat || to == from)
		return false;
	r = run_read(x->arena, from, raw);
	if (r == NULL || r->kind == RUN_FILES)
		return false;
	if (!r->done) {
		r->at = x->at;
		wait_for(rs, r);
		return true;
	}
	if (!r->called && (call = waiting(rs, r)) != NULL) {
		r->queries = call->queries;
		r->input = call->input;
	}
	if (r->kind == RUN_SEARCH && to == &dialect_anthropic &&
	    r->queries != NULL && r->queries->next != NULL)
		tell(x, LOSS_DROPPED, "one search asks one thing there");
	tell(x, LOSS_APPROXIMATED,
	    "a run of the provider's tool in the client's form");
	*out = pieces(x, rs, r, to);
	return true;
}

struct server_piece *
server_run_rest(struct ir_exchange *x, struct server_runs *rs,
    const struct dialect *to)
{
	struct server_piece	*first = NULL, **last = &first;
	struct server_run	*r = rs->first;
	struct ir_place		 at = x->at;

	for (rs->first = NULL; r != NULL; r = r->next) {
		x->at = r->at;
		tell(x, LOSS_APPROXIMATED,
		    "a tool of the provider that gave no result");
		*last = pieces(x, rs, r, to);
		while (*last != NULL)
			last = &(*last)->next;
	}
	x->at = at;
	return first;
}

/* --- as text -------------------------------------------------------------- */

static void
told_call(struct buf *b, const struct server_run *r)
{
	const struct ir_str_list	*q;

	switch (r->kind) {
	case RUN_SEARCH:
	case RUN_FILES:
		buf_addz(b, r->kind == RUN_SEARCH ? "[searched the web for" :
		    "[searched files for");
		for (q = r->queries; q != NULL; q = q->next)
			buf_addf(b, " \"%.*s\"", STR_FMT(q->s));
		buf_addz(b, "]");
		break;
	case RUN_FETCH:
		buf_addz(b, "[read the page ");
		buf_adds(b, r->input);
		buf_addz(b, "]");
		break;
	case RUN_CODE:
		buf_addz(b, "[ran code:\n");
		buf_adds(b, r->input);
		buf_addz(b, "\n]");
		break;
	case RUN_NONE:
		break;
	}
}

static void
told_result(struct buf *b, const struct server_run *r)
{
	const struct source	*s;

	buf_addz(b, r->failed ? "[it failed" : r->kind == RUN_CODE ?
	    "[its output" : "[found");
	for (s = r->sources; s != NULL; s = s->next)
		buf_addf(b, "\n%.*s %.*s", STR_FMT(s->url), STR_FMT(s->title));
	if (r->output.n > 0) {
		buf_addz(b, ":\n");
		buf_adds(b, r->output);
	}
	buf_addz(b, "]");
}

struct jstr
server_run_text(struct arena *a, const struct dialect *from, struct str raw)
{
	const struct server_run	*r = run_read(a, from, raw);
	struct jstr		 text;
	struct buf		 b;

	if (r == NULL)
		return JSTR_NONE;
	buf_init(&b, TEXT_MAX);
	if (r->called)
		told_call(&b, r);
	if (r->called && r->done)
		buf_addc(&b, '\n');
	if (r->done)
		told_result(&b, r);
	text = buf_ok(&b) ? jstr_encode(a, arena_str(a, buf_str(&b))) :
	    JSTR_NONE;
	buf_release(&b);
	return text;
}

void
server_run_mark(struct arena *a, struct ir_part *p)
{
	if (p->raw.n > 0)
		p->text = server_run_text(a, p->from, p->raw);
}

struct str
server_run_code(struct arena *a, const struct ir_part *p)
{
	const struct server_run	*r;
	struct str		 s = STR_NONE;
	struct buf		 b;
	struct jw		 w;

	if (!server_run_ours(p->raw))
		return s;
	r = run_read(a, p->from, p->raw);
	if (r == NULL || r->kind != RUN_CODE)
		return s;
	buf_init(&b, TEXT_MAX);
	jw_init(&w, &b);
	if (r->called)
		ge_write_code(&w, r);
	if (r->called && r->done)
		buf_addc(&b, ',');
	jw_init(&w, &b);
	if (r->done)
		ge_write_output(&w, r);
	if (buf_ok(&b))
		s = arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}

bool
server_run_ours(struct str raw)
{
	static const char *const marks[] = { "\"srvtoolu_pxd", "\"ws_pxd",
	    "\"ci_pxd", "\"encrypted_index\":\"\"",
	    "\"encrypted_index\": \"\"" };
	size_t	 i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (memmem(raw.p, raw.n, marks[i], strlen(marks[i])) != NULL)
			return true;
	return false;
}
