/*
 * The registry of dialects, and what is asked of it: which one is meant by a
 * name or a path, and the one change that forwarding makes to a body.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/answer_loss.h"
#include "wire/dialect.h"
#include "wire/dialect_openai_chat.h"
#include "wire/json.h"

#define TOLD_MAX	((size_t)16 << 10)	/* of a part's JSON */
#define MODEL_MAX	1024		/* bytes of a model's name in a path */

const struct dialect *const dialects[] = {
	&dialect_openai_chat,
	&dialect_openai_responses,
	&dialect_anthropic,
	&dialect_gemini,
	NULL
};

const struct dialect *
dialect_byname(struct str name)
{
	size_t	 i;

	for (i = 0; dialects[i] != NULL; i++) {
		if (str_is(name, dialects[i]->name))
			return dialects[i];
	}
	return NULL;
}

/* --- paths ---------------------------------------------------------------- */

/* No empty segment, no "." and "..": the name becomes part of a path again. */
static bool
model_valid(struct str model)
{
	struct str	 seg, rest = model;
	size_t		 i;

	for (i = 0; i < model.n; i++) {
		if ((unsigned char)model.p[i] <= ' ' || model.p[i] == 0x7f)
			return false;
	}
	if (model.n == 0 || model.n > MODEL_MAX || !utf8_valid(model) ||
	    model.p[model.n - 1] == '/')
		return false;
	do {
		seg = str_cut(&rest, '/');
		if (seg.n == 0 || str_is(seg, ".") || str_is(seg, ".."))
			return false;
	} while (rest.n > 0);
	return true;
}

static int
model_decode(struct arena *a, struct str raw, struct str *model)
{
	struct buf	 b;
	struct str	 s;
	int		 res = -1;

	buf_init(&b, MODEL_MAX);
	if (url_decode(&b, raw, false) == 0) {
		s = buf_str(&b);
		if (str_starts(s, "models/"))
			s = str_skip(s, strlen("models/"));
		if (model_valid(s)) {
			*model = arena_str(a, s);
			res = 0;
		}
	}
	buf_release(&b);
	return res;
}

/* Is there ":verb" in the path's last segment, as Google's APIs have it? */
static bool
has_verb(struct str path)
{
	static const char *const verbs[] = { ":generateContent",
	    ":streamGenerateContent", ":countTokens", ":embedContent",
	    ":batchEmbedContents", NULL };
	size_t			 i;

	for (i = 0; verbs[i] != NULL; i++) {
		if (str_ends(path, verbs[i]))
			return true;
	}
	return false;
}

/* Cuts "/NAME" off path, whose pattern ends in "/{item}". */
static bool
item_cut(struct arena *a, struct str *path, struct str *item)
{
	struct str	 name = *path;

	while (name.n > 0 && name.p[name.n - 1] != '/')
		name.n--;
	name = str_skip(*path, name.n);
	path->n -= name.n;
	return path->n > 0 && model_decode(a, name, item) == 0;
}

/* Does path fit an endpoint's pattern?  What it names goes to model and item. */
static bool
path_fits(struct arena *a, const char *pattern, struct str path,
    struct str *model, struct str *item)
{
	const char	*tail, *second;
	size_t		 head, end;

	*model = *item = STR_NONE;
	for (head = 0; head < path.n && pattern[head] == path.p[head] &&
	    pattern[head] != '\0' && pattern[head] != '{'; head++)
		continue;
	if (pattern[head] == '\0')
		return path.n == head;
	if (pattern[head] != '{' || path.n == head)
		return false;
	path = str_skip(path, head);
	tail = pattern + head + strlen("{model}");
	second = strstr(tail, "{item}");
	end = second == NULL ? strlen(tail) : (size_t)(second - tail);
	if ((second != NULL && !item_cut(a, &path, item)) || path.n <= end ||
	    memcmp(path.p + path.n - end, tail, end) != 0 ||
	    (end == 0 && has_verb(path)))
		return false;
	path.n -= end;
	return model_decode(a, path, model) == 0;
}

int
dialect_match(struct arena *a, struct str method, struct str path,
    struct dialect_match *m)
{
	const struct endpoint	*ep;
	struct str		 model, item;
	size_t			 i;
	int			 res = 0;

	memset(m, 0, sizeof(*m));
	for (i = 0; dialects[i] != NULL; i++) {
		for (ep = dialects[i]->endpoints; ep->method != NULL; ep++) {
			if (res == -1 && !str_is(method, ep->method))
				continue;
			if (!path_fits(a, ep->path, path, &model, &item))
				continue;
			m->dialect = dialects[i];
			m->endpoint = ep;
			m->model = model;
			m->item = item;
			if (str_is(method, ep->method))
				return 1;
			res = -1;
		}
	}
	return res;
}

/* Is path prefix, or below it? */
static bool
below(struct str path, const char *prefix)
{
	size_t	 n = strlen(prefix);

	return str_starts(path, prefix) && (path.n == n || path.p[n] == '/');
}

const struct dialect *
dialect_for_path(struct str path)
{
	if (below(path, "/v1beta") || below(path, "/v1/gemini") ||
	    has_verb(path))
		return &dialect_gemini;
	if (below(path, "/v1/messages") || below(path, "/v1/anthropic"))
		return &dialect_anthropic;
	if (below(path, "/v1/responses") || below(path, "/v1/conversations"))
		return &dialect_openai_responses;
	return &dialect_openai_chat;
}

/* --- forwarding ----------------------------------------------------------- */

static void
splice_model(struct str model, struct buf *out)
{
	buf_addc(out, '"');
	json_escape(out, model);
	buf_addc(out, '"');
}

/* The object v with include_usage: true. */
static void
splice_usage(struct jv v, struct buf *out)
{
	struct jv	 e;

	buf_addc(out, '{');
	if (json_type(v) == JSON_OBJECT)
		for (e = json_first(v); json_ok(e); e = json_next(e)) {
			if (json_key_is(e, "include_usage"))
				continue;
			buf_adds(out, json_raw(json_key(e)));
			buf_addc(out, ':');
			buf_adds(out, json_raw(e));
			buf_addc(out, ',');
		}
	buf_addz(out, "\"include_usage\":true}");
}

/* What the object lacks comes first in it.  Returns where the rest begins. */
static const char *
splice_missing(struct jv root, struct str text, struct str model, bool usage,
    struct buf *out)
{
	const char	*open = json_raw(root).p + 1;

	model = json_ok(json_get(root, "model")) ? STR_NONE : model;
	usage = usage && !json_ok(json_get(root, "stream_options"));
	if (model.n == 0 && !usage)
		return text.p;
	buf_add(out, text.p, (size_t)(open - text.p));
	if (model.n > 0) {
		buf_addz(out, "\"model\":");
		splice_model(model, out);
	}
	if (usage) {
		buf_addz(out, model.n > 0 ? ",\"stream_options\":" :
		    "\"stream_options\":");
		splice_usage(JV_NONE, out);
	}
	if (json_count(root) > 0)
		buf_addc(out, ',');
	return open;
}

bool
dialect_splice_none(const struct ir_request *rq, struct str model, bool usage)
{
	struct jv	 root = json_root(rq->json), v;
	bool		 found = false;

	if (json_type(root) != JSON_OBJECT)
		return true;
	if (usage || rq->path_model.n > 0 || model.n == 0)
		return !usage;
	for (v = json_first(root); json_ok(v); v = json_next(v)) {
		if (!json_key_is(v, "model"))
			continue;
		found = true;
		if (json_type(v) != JSON_STRING ||
		    !str_eq(json_str(rq->arena, v), model))
			return false;
	}
	return found;
}

/*
 * Every member of that name is replaced, not only the one that counts: a
 * provider whose parser takes the first would see the other value.
 */
void
dialect_splice(const struct ir_request *rq, struct str model, bool usage,
    struct buf *out)
{
	struct jv	 root = json_root(rq->json), v;
	struct str	 text = rq->json->text, raw;
	const char	*done;
	bool		 is_model, is_usage;

	if (rq->path_model.n > 0)
		model = STR_NONE;
	if (json_type(root) != JSON_OBJECT) {
		buf_adds(out, text);
		return;
	}
	done = splice_missing(root, text, model, usage, out);
	for (v = json_first(root); json_ok(v); v = json_next(v)) {
		is_model = model.n > 0 && json_key_is(v, "model");
		is_usage = usage && json_key_is(v, "stream_options");
		if (!is_model && !is_usage)
			continue;
		if (is_model && json_type(v) == JSON_STRING &&
		    str_eq(json_str(rq->arena, v), model))
			continue;
		raw = json_raw(v);
		buf_add(out, done, (size_t)(raw.p - done));
		if (is_model)
			splice_model(model, out);
		else
			splice_usage(v, out);
		done = raw.p + raw.n;
	}
	buf_adds(out, str_skip(text, (size_t)(done - text.p)));
}

/* --- what parts carry that stays behind ------------------------------------ */

/* Members that say nothing: "citations": null, "annotations": []. */
static bool
says_something(struct str extra)
{
	struct json	 j;
	struct jv	 e;
	bool		 res = false;

	if (extra.n == 0)
		return false;
	json_init(&j);
	if (json_parse(&j, extra, NULL) == 0) {
		for (e = json_first(json_root(&j)); json_ok(e); e = json_next(e))
			res |= !json_empty(e) && json_type(e) != JSON_FALSE &&
			    !json_is(e, "") && (json_type(e) < JSON_ARRAY ||
			    json_count(e) > 0);
	}
	json_release(&j);
	return res;
}

void
dialect_lose_member(const struct ir_exchange *x, enum loss_action action,
    uint32_t node, const char *const *names, const char *why)
{
	uint32_t	 member;

	if (x->loss == NULL)
		return;
	member = ir_member_node(x->rq, node, names);
	if (member == 0 && node == 0)
		loss_add(x->loss, action, str_of(*names), why);
	else
		loss_node(x->loss, action, x->rq->json, member != 0 ? member :
		    node, NULL, why);
}

void
dialect_lose_parallel(const struct ir_exchange *x, enum loss_action action,
    const char *why)
{
	static const char *const	 inside[] = {
		"disable_parallel_tool_use", NULL };
	static const char *const	 member[] = { "parallel_tool_calls",
					    NULL };
	static const char *const	 functions[] = { "functions", NULL };
	uint32_t			 choice = x->rq->choice.node;

	if (choice != 0 && ir_member_node(x->rq, choice, inside) != 0)
		dialect_lose_member(x, action, choice, inside, why);
	else if (ir_member_node(x->rq, 0, member) != 0)
		dialect_lose_member(x, action, 0, member, why);
	else
		dialect_lose_member(x, LOSS_IGNORED, 0, functions,
		    "the first of several calls is told");
}

const char *const	 dialect_summary[] = { "summary", "generate_summary",
    NULL };

void
dialect_lose_logprobs(const struct ir_exchange *x, enum loss_action action,
    const char *why)
{
	static const char *const	 names[] = { "responseLogprobs",
					    "response_logprobs", "logprobs",
					    "include", NULL };

	dialect_lose_member(x, action, 0, names, why);
}

static void
lose_cache(const struct ir_exchange *x, enum ir_cache cache, uint32_t node)
{
	static const char *const	 names[] = { "cache_control",
					    "prompt_cache_breakpoint", NULL };

	if (cache != IR_CACHE_NONE &&
	    (x->target.dialect->caps & IR_NEED_CACHE) == 0)
		dialect_lose_member(x, LOSS_DROPPED, node, names,
		    "prompts are cached without being asked to");
}

struct jv
dialect_cache_mark(const struct ir_exchange *x, const struct ir_part *p)
{
	const struct dialect	*from = x->rq->from, *to = x->target.dialect;
	struct jv		 v;

	if (p->cache == IR_CACHE_NONE || x->rq->json == NULL ||
	    (from == &dialect_openai_chat ? to != &dialect_openai_responses :
	    from != &dialect_openai_responses || to != &dialect_openai_chat ||
	    chat_provider_compatible(x)))
		return JV_NONE;
	v = json_get(json_at(x->rq->json, p->node), "prompt_cache_breakpoint");
	return json_type(v) == JSON_OBJECT ? v : JV_NONE;
}

static void
lose_marks_of(const struct ir_exchange *x, const struct ir_part *p, bool said)
{
	const struct dialect	*to = x->target.dialect;

	/* What the model has said is marked in none of them but Chat's. */
	if (said || !json_ok(dialect_cache_mark(x, p)))
		lose_cache(x, p->cache, p->node);
	if (p->told && p->from != to)
		loss_node(x->loss, LOSS_APPROXIMATED, x->rq->json, p->node,
		    NULL, "what only its own dialect has is told as text");
	if (!jstr_empty(p->signature) && p->from != to)
		loss_node(x->loss, LOSS_DROPPED, x->rq->json, p->node, NULL,
		    "its signature is for its own provider only");
	if (p->from != to && says_something(p->extra))
		loss_node(x->loss, LOSS_DROPPED, x->rq->json, p->node, NULL,
		    "it has members that only its own dialect knows");
}

bool
dialect_can_tell(const struct ir_part *p)
{
	return p->raw.n <= TOLD_MAX;
}

/* Gemini's: are images or sound all that is asked for?  TEXT is 1. */
static bool
wants_no_text(const struct ir_ext *e)
{
	return (str_is(e->name, "responseModalities") ||
	    str_is(e->name, "response_modalities")) &&
	    memmem(e->json.p, e->json.n, "TEXT", 4) == NULL &&
	    memchr(e->json.p, '1', e->json.n) == NULL;
}

const char *
dialect_vital(const struct ir_ext *e)
{
	static const char *const messages[] = { "previous_response_id",
	    "conversation", "prompt", "thread", "cachedContent",
	    "cached_content", NULL };
	size_t	 i;

	for (i = 0; messages[i] != NULL; i++)
		if (str_is(e->name, messages[i]))
			return "it stands for messages that only its provider "
			    "has";
	if (str_is(e->name, "mcp_servers"))
		return "its tools can be called by its own provider only";
	if (wants_no_text(e))
		return "answers there are text";
	return NULL;
}

/* Does it ask for what happens anyway, at any provider? */
static bool
says_default(const struct ir_ext *e)
{
	if (str_is(e->json, "null"))
		return true;
	return str_is(e->json, "[]") || str_is(e->json, "{}") ||
	    (str_is(e->name, "background") && str_is(e->json, "false")) ||
	    (str_is(e->name, "truncation") &&
	    str_is(e->json, "\"disabled\"")) ||
	    (str_is(e->name, "modalities") &&
	    str_is(e->json, "[\"text\"]"));
}

/* Means it nothing to another provider, without a loss: why, or NULL. */
static const char *
ignored(const struct ir_ext *e)
{
	static const char *const names[] = { "stream_options",
	    "include_obfuscation", "include", "client_metadata",
	    "prompt_cache_key", "prompt_cache_retention",
	    "prompt_cache_options", "eager_input_streaming", NULL };
	size_t	 i;

	/* The other name of it is heeded, or this would not stand here. */
	if (str_is(e->name, "max_tokens"))
		return "max_completion_tokens goes before it";
	for (i = 0; names[i] != NULL; i++)
		if (str_is(e->name, names[i]))
			return "it means nothing there, or happens anyway";
	return NULL;
}

void
dialect_lose_ext(const struct ir_exchange *x, const struct ir_ext *e,
    const char *why)
{
	enum loss_action	 action = LOSS_DROPPED;
	const char		*better;

	if (says_default(e) || x->loss == NULL)
		return;
	if ((better = dialect_vital(e)) != NULL)
		action = LOSS_REFUSED;
	else if ((better = ignored(e)) != NULL)
		action = LOSS_IGNORED;
	loss_node(x->loss, action, x->rq->json, e->node, NULL,
	    better != NULL ? better : why);
}

int
dialect_nothing_left(const struct ir_exchange *x, struct ir_error *err)
{
	const struct loss_item	*li = x->loss->first;

	while (li != NULL && li->action != LOSS_REFUSED)
		li = li->next;
	if (li == NULL) {
		ir_error_set(err, IR_ERR_BAD_REQUEST,
		    "no message is left to send: all are empty");
		return -1;
	}
	ir_error_set(err, IR_ERR_BAD_REQUEST, "'%.*s': %s", STR_FMT(li->path),
	    li->why);
	ir_error_copy(err->param, sizeof(err->param), li->path);
	return -1;
}

void
dialect_lose_stop(struct ir_exchange *x, enum ir_stop stop,
    struct str raw)
{
	if (stop != IR_STOP_OTHER && stop != IR_STOP_BAD_CALL &&
	    stop != IR_STOP_PAUSE)
		return;
	answer_lost(x, ANSWER_STOP, LOSS_APPROXIMATED,
	    arena_strf(x->loss->arena, "no word for why it ended, '%.*s'",
	    STR_FMT(raw)).p);
}

/* Members of the conversation that the client's own dialect does not read. */
static void
lose_unread(const struct ir_exchange *x)
{
	const struct json_known	*k = x->rq->from->request_known;
	struct leftover		 l = { .loss = x->loss, .prefix = "",
				    .why = "only its own dialect has this" };

	if (k != NULL && x->rq->json != NULL)
		leftover_tell(&l, k, x->rq->json);
}

/* A choice among functions can be told anywhere, one among types nowhere. */
static void
lose_types(const struct ir_exchange *x)
{
	const struct ir_tool_choice	*c = &x->rq->choice;

	if (c->types)
		loss_node(x->loss, c->mode == IR_CHOICE_REQUIRED &&
		    c->allowed == NULL ? LOSS_REFUSED : LOSS_APPROXIMATED,
		    x->rq->json, c->node, NULL,
		    "a provider's tools are not allowed one by one there");
}

void
dialect_lose_marks(const struct ir_exchange *x, bool names)
{
	const struct ir_message	*m;
	const struct ir_part	*p, *q;
	const struct ir_tool	*t;

	lose_unread(x);
	for (m = x->rq->messages; m != NULL; m = m->next) {
		if (!names && m->name.n > 0 && m->role != IR_TOOL)
			loss_node(x->loss, LOSS_DROPPED, x->rq->json, m->node,
			    ".name", "participants have no names there");
		for (p = m->parts; p != NULL; p = p->next) {
			lose_marks_of(x, p, m->role == IR_ASSISTANT ||
			    m->role == IR_TOOL);
			for (q = p->parts; q != NULL; q = q->next)
				lose_marks_of(x, q, false);
		}
	}
	for (t = x->rq->tools; t != NULL; t = t->next)
		lose_cache(x, t->cache, t->node);
	lose_types(x);
}
