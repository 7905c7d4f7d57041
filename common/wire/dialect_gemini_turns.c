/*
 * The conversation of a request from another dialect as Gemini's contents:
 * turns that alternate, results of calls in the order of the calls.
 */
#include <string.h>

#include "base/codec.h"
#include "wire/dialect_gemini_rq.h"
#include "wire/server_tool.h"

#define NAME_LEN	64
#define NAME_EXTRA	".:"
#define CHAIN_MAX	256		/* results looked at for one call */
#define SKIP_SIGNATURE	"skip_thought_signature_validator"

void
gem_lose(struct gem_writer *e, enum loss_action action, uint32_t node,
    const char *suffix,
    const char *why)
{
	loss_node(e->x->loss, action, e->rq->json, node, suffix, why);
}

/* --- names -------------------------------------------------------------- */

/*
 * As ir_name_fit, and the first character is a letter or an underscore.  What
 * begins otherwise gets an underscore, fitted apart so that the record that
 * the answer is restored by holds the client's own name.
 */
struct str
gem_fit_name(struct gem_writer *e, struct str name)
{
	struct ir_names	 apart = { NULL };
	struct ir_name	*n;
	struct str	 s;
	char		 c = name.n > 0 ? name.p[0] : '_';

	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
		return ir_name_fit(e->a, &e->x->names, name, NAME_EXTRA,
		    NAME_LEN);
	for (n = e->x->names.first; n != NULL; n = n->next)
		if (str_eq(n->client, name))
			return n->target;
	s = arena_strf(e->a, "_%.*s", STR_FMT(name));
	s = ir_name_fit(e->a, &apart, s, NAME_EXTRA, NAME_LEN);
	n = ARENA_NEW(e->a, struct ir_name);
	n->client = name;
	n->target = s;
	n->next = e->x->names.first;
	e->x->names.first = n;
	return s;
}

/* --- turns -------------------------------------------------------------- */

static void
turn_end(struct gem_writer *e)
{
	if (e->turn == GEM_TURN_NONE)
		return;
	jw_array_end(&e->w);
	jw_object_end(&e->w);
	e->turn = GEM_TURN_NONE;
}

/* A conversation begins with the user. */
static void
turn_open(struct gem_writer *e, enum gem_turn turn)
{
	const struct ir_message	*m;

	if (e->turn == turn)
		return;
	turn_end(e);
	if (!e->any && turn == GEM_TURN_MODEL) {
		jw_raw(&e->w,
		    STR("{\"role\":\"user\",\"parts\":[{\"text\":\".\"}]}"));
		for (m = e->rq->messages; m->role != IR_ASSISTANT &&
		    m->next != NULL; m = m->next)
			;
		gem_lose(e, LOSS_APPROXIMATED, m->node, NULL,
		    "a user's turn \".\" was put before the model's first");
	}
	jw_object(&e->w);
	jw_key(&e->w, "role");
	jw_strz(&e->w, turn == GEM_TURN_USER ? "user" : "model");
	jw_key(&e->w, "parts");
	jw_array(&e->w);
	e->turn = turn;
	e->any = true;
	e->called = false;
}

static bool
own(const struct ir_part *p)
{
	return p->from == &dialect_gemini;
}

static void
signature_write(struct gem_writer *e, const struct ir_part *p)
{
	if (p->signature.n > 0 && own(p)) {
		jw_key(&e->w, "thoughtSignature");
		jw_jstr(&e->w, p->signature);
	}
}

static void
text_write(struct gem_writer *e, enum gem_turn turn, const struct ir_part *p)
{
	if (p->text.n == 0 && (p->signature.n == 0 || !own(p)))
		return;
	turn_open(e, turn);
	jw_object(&e->w);
	jw_key(&e->w, "text");
	jw_jstr(&e->w, p->text);
	signature_write(e, p);
	jw_object_end(&e->w);
}

/* Thoughts are worth something only to the model that had them. */
static void
thinking_write(struct gem_writer *e, const struct ir_part *p)
{
	if (!own(p)) {
		gem_lose(e, LOSS_DROPPED, p->node, NULL,
		    "another provider's thinking");
		return;
	}
	if (p->text.n == 0 && p->signature.n == 0)
		return;
	turn_open(e, GEM_TURN_MODEL);
	jw_object(&e->w);
	jw_key(&e->w, "text");
	jw_jstr(&e->w, p->text);
	if (p->text.n > 0) {
		jw_key(&e->w, "thought");
		jw_bool(&e->w, true);
	}
	signature_write(e, p);
	jw_object_end(&e->w);
}

/* --- media -------------------------------------------------------------- */

static const char *
default_mime(enum ir_part_type t)
{
	switch (t) {
	case IR_IMAGE:
		return "image/jpeg";
	case IR_AUDIO:
		return "audio/wav";
	case IR_VIDEO:
		return "video/mp4";
	default:
		return "application/pdf";
	}
}

/* By the extension, before a query or fragment. */
static const char *
mime_of_url(struct str url, enum ir_part_type t)
{
	static const char *const types[][2] = {
		{ ".png", "image/png" }, { ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" }, { ".webp", "image/webp" },
		{ ".gif", "image/gif" }, { ".heic", "image/heic" },
		{ ".pdf", "application/pdf" }, { ".txt", "text/plain" },
		{ ".html", "text/html" }, { ".csv", "text/csv" },
		{ ".md", "text/markdown" }, { ".json", "application/json" },
		{ ".mp3", "audio/mp3" }, { ".wav", "audio/wav" },
		{ ".flac", "audio/flac" }, { ".ogg", "audio/ogg" },
		{ ".mp4", "video/mp4" }, { ".webm", "video/webm" },
		{ ".mov", "video/quicktime" }
	};
	struct str		 rest = url;
	size_t			 i, n;

	url = str_cut(&rest, '#');
	rest = url;
	url = str_cut(&rest, '?');
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		n = strlen(types[i][0]);
		if (url.n > n && strncasecmp(url.p + url.n - n, types[i][0],
		    n) == 0)
			return types[i][1];
	}
	return default_mime(t);
}

static bool
is_googles(struct str url)
{
	return str_starts(url, "gs://") ||
	    str_starts(url, "https://generativelanguage.googleapis.com/") ||
	    str_starts(url, "https://www.youtube.com/") ||
	    str_starts(url, "https://youtu.be/");
}

static void
file_write(struct gem_writer *e, const struct ir_part *p)
{
	struct jstr	 uri = p->media.url.n > 0 ? p->media.url :
			    p->media.file_id;
	struct str	 url = jstr_decode(e->a, uri);

	if (!is_googles(url))
		gem_lose(e, LOSS_APPROXIMATED, p->node, NULL,
		    "not every model fetches from this address");
	jw_key(&e->w, "fileData");
	jw_object(&e->w);
	if (p->media.type.n > 0 || !is_googles(url)) {
		jw_key(&e->w, "mimeType");
		if (p->media.type.n > 0)
			jw_str(&e->w, p->media.type);
		else
			jw_strz(&e->w, mime_of_url(url, p->type));
	}
	jw_key(&e->w, "fileUri");
	jw_jstr(&e->w, uri);
	jw_object_end(&e->w);
}

/* What is known of it stands in front. */
static struct str
document_text(struct gem_writer *e, const struct ir_media *m)
{
	struct str	 title = jstr_decode(e->a, m->title);
	struct str	 context = jstr_decode(e->a, m->context);
	struct str	 text = jstr_decode(e->a, m->text);

	if (title.n + context.n == 0)
		return text;
	return arena_strf(e->a, "%.*s%s%.*s%s%.*s", STR_FMT(title),
	    title.n > 0 ? "\n" : "", STR_FMT(context),
	    context.n > 0 ? "\n" : "", STR_FMT(text));
}

static void
inline_write(struct gem_writer *e, const struct ir_part *p)
{
	struct buf	 b;

	jw_key(&e->w, "inlineData");
	jw_object(&e->w);
	jw_key(&e->w, "mimeType");
	if (p->media.data.n == 0) {
		jw_strz(&e->w, "text/plain");
		buf_init(&b, e->w.b->max);
		(void)base64_encode(&b, document_text(e, &p->media));
		jw_key(&e->w, "data");
		jw_str(&e->w, buf_str(&b));
		buf_release(&b);
	} else {
		if (p->media.type.n > 0)
			jw_str(&e->w, p->media.type);
		else
			jw_strz(&e->w, default_mime(p->type));
		jw_key(&e->w, "data");
		jw_str(&e->w, p->media.data);
	}
	jw_object_end(&e->w);
}

static void
media_losses(struct gem_writer *e, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;
	bool			 chat = e->rq->from == &dialect_openai_chat;

	if (m->filename.n > 0)
		gem_lose(e, LOSS_DROPPED, p->node, chat ? ".file.filename" :
		    ".filename", "gemini's files have no names");
	if (m->detail.n > 0 && !str_is(m->detail, "auto"))
		gem_lose(e, LOSS_DROPPED, p->node, chat ?
		    ".image_url.detail" : ".detail",
		    "gemini has no detail of one image");
	if (m->data.n == 0 && m->url.n == 0) {
		if (m->context.n + m->title.n > 0)
			gem_lose(e, LOSS_APPROXIMATED, p->node, NULL,
			    "title and context stand in front of the text");
		return;
	}
	if (m->context.n > 0)
		gem_lose(e, LOSS_DROPPED, p->node, ".context",
		    "gemini's documents have no context");
	if (m->title.n > 0)
		gem_lose(e, LOSS_DROPPED, p->node, ".title",
		    "gemini's documents have no title");
}

static void
media_write(struct gem_writer *e, enum gem_turn turn, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	bool			 ours = m->file_id.n > 0 &&
				    e->rq->from == &dialect_gemini;

	if (m->data.n == 0 && m->url.n == 0 && m->text.n == 0 && !ours) {
		gem_lose(e, LOSS_REFUSED, p->node, NULL,
		    "a file that only another provider holds");
		return;
	}
	media_losses(e, p);
	turn_open(e, turn);
	jw_object(&e->w);
	if (m->data.n > 0 || (m->url.n == 0 && !ours))
		inline_write(e, p);
	else
		file_write(e, p);
	signature_write(e, p);
	jw_object_end(&e->w);
}

/* --- calls -------------------------------------------------------------- */

/*
 * Gemini 3 refuses a turn whose first call has no signature; for calls that it
 * did not make, Google documents a value that stands for one.
 */
static void
call_signature(struct gem_writer *e, const struct ir_part *p)
{
	if (p->signature.n > 0 && own(p))
		signature_write(e, p);
	else if (!e->called && e->model.signatures) {
		jw_key(&e->w, "thoughtSignature");
		jw_strz(&e->w, SKIP_SIGNATURE);
	}
	e->called = true;
}

static void
call_write(struct gem_writer *e, const struct ir_part *p)
{
	struct str	 args;

	turn_open(e, GEM_TURN_MODEL);
	jw_object(&e->w);
	jw_key(&e->w, "functionCall");
	jw_object(&e->w);
	if (p->id.n > 0) {
		jw_key(&e->w, "id");
		jw_str(&e->w, p->id);
	}
	jw_key(&e->w, "name");
	jw_str(&e->w, gem_fit_name(e, p->name));
	jw_key(&e->w, "args");
	if (p->tool == IR_CUSTOM) {
		jw_object(&e->w);
		jw_key(&e->w, "input");
		jw_jstr(&e->w, p->text);
		jw_object_end(&e->w);
	} else {
		if (ir_args_object(e->a, &p->args, &args) == -1)
			gem_lose(e, LOSS_APPROXIMATED, p->node, NULL,
			    "arguments that are no JSON object");
		jw_raw(&e->w, args);
	}
	jw_object_end(&e->w);
	call_signature(e, p);
	jw_object_end(&e->w);
}

/* Is the text a JSON object?  Then it is a result as it stands. */
static bool
text_object(struct gem_writer *e, struct jstr text, struct str *out)
{
	struct json		 j;
	struct json_error	 je;
	bool			 object = false;

	if (text.n == 0 || memchr(text.p, '{', text.n < 64 ? text.n : 64) ==
	    NULL)
		return false;
	*out = str_trim(jstr_decode(e->a, text));
	if (out->n < 2 || out->p[0] != '{' || out->p[out->n - 1] != '}')
		return false;
	json_init(&j);
	if (json_parse(&j, *out, &je) == 0)
		object = json_type(json_root(&j)) == JSON_OBJECT;
	json_release(&j);
	return object;
}

/* The texts of a result; media follow it as parts of their own. */
static void
output_write(struct gem_writer *e, const struct ir_part *r)
{
	const struct ir_part	*p, *one = NULL;
	struct str		 object;
	unsigned		 n = 0;

	for (p = r->parts; p != NULL; p = p->next)
		if ((p->type == IR_TEXT || p->type == IR_REFUSAL) &&
		    p->text.n > 0) {
			one = p;
			n++;
		}
	if (n == 1 && text_object(e, one->text, &object)) {
		if (!r->is_error) {
			jw_raw(&e->w, object);
			return;
		}
		jw_object(&e->w);
		jw_key(&e->w, "error");
		jw_raw(&e->w, object);
		jw_object_end(&e->w);
		return;
	}
	jw_object(&e->w);
	if (n > 0 || r->is_error) {
		jw_key(&e->w, r->is_error ? "error" : "output");
		jw_open(&e->w);
		for (p = r->parts; p != NULL; p = p->next) {
			if ((p->type != IR_TEXT && p->type != IR_REFUSAL) ||
			    p->text.n == 0)
				continue;
			jw_piece_jstr(&e->w, p->text);
			if (--n > 0)
				jw_piece_str(&e->w, STR("\n"));
		}
		jw_close(&e->w);
	}
	jw_object_end(&e->w);
}

static void
response_open(struct gem_writer *e, const struct ir_part *call)
{
	turn_open(e, GEM_TURN_USER);
	jw_object(&e->w);
	jw_key(&e->w, "functionResponse");
	jw_object(&e->w);
	if (call->id.n > 0) {
		jw_key(&e->w, "id");
		jw_str(&e->w, call->id);
	}
	jw_key(&e->w, "name");
	jw_str(&e->w, gem_fit_name(e, call->name));
	jw_key(&e->w, "response");
}

static void
response_close(struct gem_writer *e)
{
	jw_object_end(&e->w);
	jw_object_end(&e->w);
}

/* What was said to the model is not left out, though it has no form here. */
static void
json_write(struct gem_writer *e, const struct ir_part *p)
{
	if (!dialect_can_tell(p)) {
		gem_lose(e, LOSS_REFUSED, p->node, NULL, DIALECT_NOT_TOLD);
		return;
	}
	gem_lose(e, LOSS_APPROXIMATED, p->node, NULL,
	    "sent as the text of its JSON");
	turn_open(e, GEM_TURN_USER);
	jw_object(&e->w);
	jw_key(&e->w, "text");
	jw_str(&e->w, p->raw);
	jw_object_end(&e->w);
}

static void
result_write(struct gem_writer *e, const struct ir_part *call,
    const struct ir_part *r)
{
	const struct ir_part	*p;

	response_open(e, call);
	output_write(e, r);
	response_close(e);
	for (p = r->parts; p != NULL; p = p->next) {
		if (p->type >= IR_IMAGE && p->type <= IR_DOCUMENT)
			media_write(e, GEM_TURN_USER, p);
		else if (p->type == IR_OPAQUE && !own(p))
			json_write(e, p);
	}
}

/* What a provider's own tool did: code that ran here is code again. */
static void
told_write(struct gem_writer *e, enum gem_turn turn, const struct ir_part *p)
{
	struct str	 code = server_run_code(e->a, p);

	gem_lose(e, LOSS_APPROXIMATED, p->node, NULL, code.n > 0 ?
	    "code that was run, as gemini has it" :
	    "what a provider's own tool did is told as text");
	turn_open(e, turn);
	if (code.n > 0) {
		jw_raw(&e->w, code);
		return;
	}
	jw_object(&e->w);
	jw_key(&e->w, "text");
	jw_jstr(&e->w, p->text);
	jw_object_end(&e->w);
}

/* --- messages ----------------------------------------------------------- */

static void
part_write(struct gem_writer *e, enum gem_turn turn, const struct ir_part *p)
{
	switch (p->type) {
	case IR_TEXT:
	case IR_REFUSAL:
		text_write(e, turn, p);
		break;
	case IR_IMAGE:
	case IR_AUDIO:
	case IR_VIDEO:
	case IR_DOCUMENT:
		media_write(e, turn, p);
		break;
	case IR_THINKING:
		thinking_write(e, p);
		break;
	case IR_TOOL_CALL:
		if (p->tool == IR_SERVER)
			gem_lose(e, LOSS_DROPPED, p->node, NULL,
			    "a tool that another provider ran");
		else
			call_write(e, p);
		break;
	case IR_OPAQUE:
		if (own(p)) {
			turn_open(e, turn);
			jw_raw(&e->w, p->raw);
		} else if (p->text.n > 0)
			told_write(e, turn, p);
		else if (turn == GEM_TURN_USER && !p->vital && !p->internal)
			json_write(e, p);
		else
			gem_lose(e, p->vital ? LOSS_REFUSED : LOSS_DROPPED,
			    p->node, NULL, p->vital ?
			    "it stands for messages that only its provider has" :
			    "only its own provider knows this");
		break;
	case IR_TOOL_RESULT:
		gem_lose(e, LOSS_DROPPED, p->node, NULL,
		    "a result in a turn where none can be");
		break;
	}
}

/* Results of one window, found by the id of their call. */
struct result {
	const struct ir_part	*p;
	struct result		*next;
};

struct results {
	struct result	**heads;
	struct result	***tails;
	size_t		 mask;
};

static const struct ir_message *
window_end(const struct ir_message *m)
{
	while (m != NULL && m->role != IR_ASSISTANT)
		m = m->next;
	return m;
}

static void
results_index(struct gem_writer *e, struct results *rs,
    const struct ir_message *m,
    const struct ir_message *end)
{
	const struct ir_message	*q;
	const struct ir_part	*p;
	struct result		*r;
	size_t			 n = 0, h;

	for (q = m; q != end; q = q->next)
		for (p = q->role == IR_TOOL ? q->parts : NULL; p != NULL;
		    p = p->next)
			n++;
	for (rs->mask = 7; rs->mask < n; rs->mask = 2 * rs->mask + 1)
		;
	rs->heads = arena_array(e->a, rs->mask + 1, sizeof(*rs->heads));
	rs->tails = arena_array(e->a, rs->mask + 1, sizeof(*rs->tails));
	for (q = m; q != end; q = q->next)
		for (p = q->role == IR_TOOL ? q->parts : NULL; p != NULL;
		    p = p->next) {
			h = hash64(p->id, 0) & rs->mask;
			r = ARENA_NEW(e->a, struct result);
			r->p = p;
			if (rs->tails[h] == NULL)
				rs->tails[h] = &rs->heads[h];
			*rs->tails[h] = r;
			rs->tails[h] = &r->next;
		}
}

static const struct ir_part *
results_take(struct results *rs, struct str id)
{
	struct result	**p = &rs->heads[hash64(id, 0) & rs->mask], *r;
	unsigned	 i;

	for (i = 0; *p != NULL && i < CHAIN_MAX; i++, p = &(*p)->next)
		if (str_eq((*p)->p->id, id)) {
			r = *p;
			*p = r->next;
			return r->p;
		}
	return NULL;
}

static void
results_orphans(struct gem_writer *e, const struct results *rs)
{
	const struct result	*r;
	size_t			 i;

	for (i = 0; i <= rs->mask; i++)
		for (r = rs->heads[i]; r != NULL; r = r->next)
			gem_lose(e, LOSS_DROPPED, r->p->node, NULL,
			    "a result without its call");
}

/*
 * The results that follow a run of the model's messages, in the order of its
 * calls.  Gemini wants one for each call, once the conversation has gone on.
 */
static void
results_write(struct gem_writer *e, const struct ir_message *run,
    const struct ir_message *m, const struct ir_message *end)
{
	struct results		 rs;
	const struct ir_part	*p, *r;

	results_index(e, &rs, m, end);
	for (; run != m; run = run->next)
		for (p = run->parts; p != NULL; p = p->next) {
			if (p->type != IR_TOOL_CALL || p->tool == IR_SERVER)
				continue;
			if ((r = results_take(&rs, p->id)) != NULL) {
				result_write(e, p, r);
				continue;
			}
			gem_lose(e, LOSS_APPROXIMATED, p->node, NULL,
			    "a call without a result was given an error");
			response_open(e, p);
			jw_raw(&e->w, STR("{\"error\":\"no result\"}"));
			response_close(e);
		}
	results_orphans(e, &rs);
}

static bool
is_system(const struct ir_message *m)
{
	return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

static void
user_write(struct gem_writer *e, const struct ir_message *m)
{
	const struct ir_part	*p;

	if (m->role == IR_TOOL)
		return;
	if (is_system(m) && m->parts != NULL)
		gem_lose(e, LOSS_APPROXIMATED, m->node, NULL,
		    "a system message amid the conversation became the user's");
	if (m->name.n > 0)
		gem_lose(e, LOSS_DROPPED, m->node, ".name",
		    "gemini has no names of participants");
	for (p = m->parts; p != NULL; p = p->next) {
		/* An item alone is what a tool did, not what the user said. */
		if (p->type == IR_OPAQUE && p->node == m->node &&
		    jstr_empty(p->text) && !p->vital)
			gem_lose(e, LOSS_DROPPED, p->node, NULL,
			    "only its own provider knows this");
		else
			part_write(e, GEM_TURN_USER, p);
	}
}

void
gem_contents_write(struct gem_writer *e, const struct ir_message *m)
{
	const struct ir_message	*run, *end, *q;
	const struct ir_part	*p;

	jw_key(&e->w, "contents");
	jw_array(&e->w);
	while (m != NULL) {
		for (run = m; m != NULL && m->role == IR_ASSISTANT; m = m->next)
			for (p = m->parts; p != NULL; p = p->next)
				part_write(e, GEM_TURN_MODEL, p);
		end = window_end(m);
		if (m != NULL)
			results_write(e, run, m, end);
		for (q = m; q != end; q = q->next)
			user_write(e, q);
		m = end;
	}
	turn_end(e);
	jw_array_end(&e->w);
}

static bool
has_content(const struct ir_message *m)
{
	const struct ir_part	*p;

	for (p = m->parts; p != NULL; p = p->next)
		if (p->type == IR_TEXT ? p->text.n > 0 : !p->internal)
			return true;
	return false;
}

/* One more part of the system instructions, which are opened for the first. */
static void
system_part_open(struct gem_writer *e, bool *open)
{
	if (!*open) {
		jw_key(&e->w, "systemInstruction");
		jw_object(&e->w);
		jw_key(&e->w, "parts");
		jw_array(&e->w);
	}
	*open = true;
	jw_object(&e->w);
	jw_key(&e->w, "text");
}

bool
gem_format_told(const struct gem_writer *e)
{
	const struct ir_format	*f = &e->rq->format;
	const struct ir_tool	*t = e->rq->tools;

	if (e->model.json_with_tools || (f->kind != IR_FORMAT_JSON &&
	    f->kind != IR_FORMAT_SCHEMA))
		return false;
	while (t != NULL && t->kind == IR_SERVER &&
	    !server_tool_is_function(e->x, t))
		t = t->next;
	return t != NULL;
}

static void
format_tell(struct gem_writer *e, bool *open)
{
	const struct ir_format	*f = &e->rq->format;

	system_part_open(e, open);
	jw_open(&e->w);
	jw_piece_str(&e->w, STR("When you call no function, answer only with "
	    "JSON, without any text around it"));
	if (f->kind == IR_FORMAT_SCHEMA) {
		jw_piece_str(&e->w, STR(", that fits this schema: "));
		jw_piece_str(&e->w, f->schema);
	} else {
		jw_piece_str(&e->w, STR("."));
	}
	jw_close(&e->w);
	jw_object_end(&e->w);
}

/* The leading system messages; returns the first message behind them. */
const struct ir_message *
gem_system_write(struct gem_writer *e)
{
	const struct ir_message	*m = e->rq->messages, *q, *rest;
	const struct ir_part	*p;
	bool			 open = false;

	for (rest = m; rest != NULL && is_system(rest); rest = rest->next)
		;
	/* Contents must not be empty: then it is the user who speaks. */
	for (q = rest; q != NULL && !has_content(q); q = q->next)
		;
	if (q == NULL)
		rest = m;
	for (; m != rest; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			if (p->type != IR_TEXT) {
				gem_lose(e, p->type == IR_OPAQUE ?
				    LOSS_DROPPED : LOSS_REFUSED, p->node,
				    NULL, p->internal ?
				    "it concerns its own provider alone" :
				    "system instructions are text");
				continue;
			}
			if (p->text.n == 0)
				continue;
			system_part_open(e, &open);
			jw_jstr(&e->w, p->text);
			jw_object_end(&e->w);
		}
	if (gem_format_told(e))
		format_tell(e, &open);
	if (open) {
		jw_array_end(&e->w);
		jw_object_end(&e->w);
	}
	return rest;
}

/* Since 2.5 models fetch public addresses, but not without TLS. */
bool
gem_takes_url(const struct ir_exchange *x, const struct ir_part *p,
    struct str url)
{
	struct model_caps	 model;

	(void)p;
	caps_get(x->target.caps, dialect_gemini.name, x->target.model,
	    &model);
	return is_googles(url) || (model.urls && str_starts(url, "https://"));
}
