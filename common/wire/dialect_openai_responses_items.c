/*
 * OpenAI Responses: the conversation of a request from another dialect, part by
 * part, as input items.  Every call is followed by its result.
 */
#include "base/codec.h"
#include "wire/dialect_openai_responses.h"
#include "wire/media.h"

void
resp_lose(struct resp_req *e, enum loss_action action, uint32_t node,
    const char *suffix, const char *why)
{
	if (e->x->loss != NULL)
		loss_node(e->x->loss, action, e->rq->json, node, suffix, why);
}

struct str
resp_fit_name(struct resp_req *e, struct str name)
{
	return ir_name_fit(e->x->arena, &e->x->names, name, "", RESP_NAME_MAX);
}

/* --- content parts -------------------------------------------------------- */

/* Chat Completions has the same mark. */
static void
cache_mark(struct resp_req *e, const struct ir_part *p)
{
	struct jv	 mark = dialect_cache_mark(e->x, p);

	if (!json_ok(mark))
		return;
	jw_key(&e->w, "prompt_cache_breakpoint");
	jw_raw(&e->w, json_raw(mark));
}

static void
text_part(struct resp_req *e, const char *type, struct jstr text)
{
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, type);
	jw_key(&e->w, "text");
	jw_jstr(&e->w, text);
	jw_object_end(&e->w);
}

/* "data:<type>;base64,<data>" */
static void
data_url(struct resp_req *e, const struct ir_media *m, const char *type)
{
	jw_open(&e->w);
	jw_piece_str(&e->w, STR("data:"));
	jw_piece_str(&e->w, m->type.n > 0 ? m->type : str_of(type));
	jw_piece_str(&e->w, STR(";base64,"));
	jw_piece_str(&e->w, m->data);
	jw_close(&e->w);
}

static bool
is_web_url(struct jstr url)
{
	struct str	 s = { url.p, url.n };

	return str_starts(s, "http:") || str_starts(s, "https:");
}

/* The sources that only one side can read: is this one of them? */
static bool
media_unreadable(struct resp_req *e, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	if (m->data.n > 0 && p->type == IR_IMAGE && !media_image_common(m)) {
		resp_lose(e, LOSS_REFUSED, p->node, NULL,
		    "no images of this type there");
		return true;
	}
	if (m->data.n > 0 || m->text.n > 0)
		return false;
	if (m->file_id.n > 0 && e->rq->from == &dialect_openai_chat)
		return false;
	if (m->file_id.n == 0 && is_web_url(m->url))
		return false;
	resp_lose(e, LOSS_REFUSED, p->node, NULL, m->file_id.n > 0 ?
	    "a file id of another provider" : "not a URL that OpenAI fetches");
	return true;
}

static void
image_part(struct resp_req *e, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "input_image");
	jw_key(&e->w, "detail");
	jw_str(&e->w, m->detail.n > 0 ? m->detail : STR("auto"));
	if (m->data.n > 0) {
		jw_key(&e->w, "image_url");
		data_url(e, m, "image/png");
	} else if (m->file_id.n > 0) {
		jw_key(&e->w, "file_id");
		jw_jstr(&e->w, m->file_id);
	} else {
		jw_key(&e->w, "image_url");
		jw_jstr(&e->w, m->url);
	}
	cache_mark(e, p);
	jw_object_end(&e->w);
}

/* A name is asked for, and its ending tells the type. */
static void
file_name(struct resp_req *e, const struct ir_media *m)
{
	struct str	 sub = m->type;

	jw_key(&e->w, "filename");
	if (m->filename.n > 0 || m->title.n > 0) {
		jw_jstr(&e->w, m->filename.n > 0 ? m->filename : m->title);
		return;
	}
	(void)str_cut(&sub, '/');
	if (str_is(sub, "plain"))
		sub = STR("txt");
	jw_open(&e->w);
	jw_piece_str(&e->w, STR("document."));
	jw_piece_str(&e->w, sub.n > 0 && sub.n < 8 ? sub : STR("pdf"));
	jw_close(&e->w);
}

/* What is known of it stands in front. */
static void
document_text(struct resp_req *e, const struct ir_media *m)
{
	const struct jstr	 head[] = { m->title, m->context };
	size_t			 i;

	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "input_text");
	jw_key(&e->w, "text");
	jw_open(&e->w);
	for (i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
		if (head[i].n == 0)
			continue;
		jw_piece_jstr(&e->w, head[i]);
		jw_piece_str(&e->w, STR("\n"));
	}
	jw_piece_jstr(&e->w, m->text);
	jw_close(&e->w);
	jw_object_end(&e->w);
}

static void
file_part(struct resp_req *e, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	if (m->text.n > 0) {
		resp_lose(e, LOSS_APPROXIMATED, p->node, NULL,
		    "a text document is sent as text");
		document_text(e, m);
		return;
	}
	if (m->context.n > 0)
		resp_lose(e, LOSS_DROPPED, p->node, ".context",
		    "no context of a document there");
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "input_file");
	if (m->data.n > 0) {
		file_name(e, m);
		jw_key(&e->w, "file_data");
		data_url(e, m, "application/pdf");
	} else if (m->file_id.n > 0) {
		jw_key(&e->w, "file_id");
		jw_jstr(&e->w, m->file_id);
	} else {
		jw_key(&e->w, "file_url");
		jw_jstr(&e->w, m->url);
	}
	cache_mark(e, p);
	jw_object_end(&e->w);
}

/* What only its own dialect has is still what somebody said. */
static void
opaque_part(struct resp_req *e, const struct ir_part *p)
{
	if (p->internal) {
		resp_lose(e, LOSS_DROPPED, p->node, NULL,
		    "it concerns its own provider alone");
		return;
	}
	if (p->text.n == 0 && !dialect_can_tell(p)) {
		resp_lose(e, LOSS_REFUSED, p->node, NULL, DIALECT_NOT_TOLD);
		return;
	}
	resp_lose(e, LOSS_APPROXIMATED, p->node, NULL,
	    "sent as the text of its JSON");
	text_part(e, "input_text", p->text.n > 0 ? p->text :
	    jstr_encode(e->x->arena, p->raw));
}

static void
input_text(struct resp_req *e, const struct ir_part *p)
{
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "input_text");
	jw_key(&e->w, "text");
	jw_jstr(&e->w, p->text);
	cache_mark(e, p);
	jw_object_end(&e->w);
}

/* What cannot be shown to the model at all is refused: see the callers. */
static void
content_part(struct resp_req *e, const struct ir_part *p)
{
	switch (p->type) {
	case IR_TEXT:
	case IR_REFUSAL:
		if (p->text.n > 0)
			input_text(e, p);
		break;
	case IR_IMAGE:
		if (!media_unreadable(e, p))
			image_part(e, p);
		break;
	case IR_DOCUMENT:
		if (!media_unreadable(e, p))
			file_part(e, p);
		break;
	case IR_AUDIO:
	case IR_VIDEO:
		resp_lose(e, LOSS_REFUSED, p->node, NULL,
		    "no audio or video in the Responses API");
		break;
	case IR_OPAQUE:
		opaque_part(e, p);
		break;
	default:
		resp_lose(e, LOSS_DROPPED, p->node, NULL,
		    "only its own provider knows it");
	}
}

static void
lose_marks(struct resp_req *e, const struct ir_part *p)
{
	if (p->signature.n > 0 && p->from != e->x->target.dialect)
		resp_lose(e, LOSS_DROPPED, p->node, NULL,
		    "a signature of another provider");
}

/* --- the conversation ----------------------------------------------------- */

static bool
is_system(const struct ir_message *m)
{
	return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
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

static void
message_open(struct resp_req *e, const char *role)
{
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "message");
	jw_key(&e->w, "role");
	jw_strz(&e->w, role);
	jw_key(&e->w, "content");
}

static void
plain_message(struct resp_req *e, const struct ir_message *m, const char *role)
{
	const struct ir_part	*p;

	if (m->name.n > 0)
		resp_lose(e, LOSS_DROPPED, m->node, ".name",
		    "no names of participants there");
	if (!has_content(m))
		return;
	message_open(e, role);
	if (m->parts->next == NULL && m->parts->type == IR_TEXT &&
	    !json_ok(dialect_cache_mark(e->x, m->parts))) {
		jw_jstr(&e->w, m->parts->text);
	} else {
		jw_array(&e->w);
		for (p = m->parts; p != NULL; p = p->next)
			content_part(e, p);
		jw_array_end(&e->w);
	}
	jw_object_end(&e->w);
	for (p = m->parts; p != NULL; p = p->next)
		lose_marks(e, p);
}

static void
assistant_text(struct resp_req *e, const struct ir_part *p)
{
	bool	 refusal = p->type == IR_REFUSAL;

	if (p->text.n == 0)
		return;
	message_open(e, "assistant");
	jw_array(&e->w);
	if (refusal) {
		jw_object(&e->w);
		jw_key(&e->w, "type");
		jw_strz(&e->w, "refusal");
		jw_key(&e->w, "refusal");
		jw_jstr(&e->w, p->text);
		jw_object_end(&e->w);
	} else {
		text_part(e, "output_text", p->text);
	}
	jw_array_end(&e->w);
	jw_object_end(&e->w);
}

static void
reasoning_item(struct resp_req *e, const struct ir_part *p)
{
	if (p->from != e->x->target.dialect || p->signature.n == 0) {
		resp_lose(e, LOSS_DROPPED, p->node, NULL,
		    "reasoning of another provider");
		return;
	}
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, "reasoning");
	if (p->item_id.n > 0) {
		jw_key(&e->w, "id");
		jw_str(&e->w, p->item_id);
	}
	jw_key(&e->w, "summary");
	jw_array(&e->w);
	if (p->text.n > 0)
		text_part(e, "summary_text", p->text);
	jw_array_end(&e->w);
	jw_key(&e->w, "encrypted_content");
	jw_jstr(&e->w, p->signature);
	jw_object_end(&e->w);
}

static struct str
call_id(struct resp_req *e, const struct ir_part *p)
{
	if (p->id.n > 0)
		return ir_id_fit(e->x->arena, p->id, "call_", RESP_ID_MAX);
	return arena_strf(e->x->arena, "call_%04u", ++e->anon);
}

static void
call_item(struct resp_req *e, const struct ir_part *p, struct str id)
{
	bool	 custom = p->tool == IR_CUSTOM;

	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, custom ? "custom_tool_call" : "function_call");
	jw_key(&e->w, "call_id");
	jw_str(&e->w, id);
	jw_key(&e->w, "name");
	jw_str(&e->w, resp_fit_name(e, p->name));
	if (custom) {
		jw_key(&e->w, "input");
		jw_jstr(&e->w, p->text);
	} else {
		struct jstr	 args = ir_args_escaped(e->x->arena, &p->args);

		jw_key(&e->w, "arguments");
		jw_jstr(&e->w, args.n > 0 ? args : JSTR("{}"));
	}
	jw_object_end(&e->w);
	lose_marks(e, p);
}

/* Its one text, or what is none: else NULL. */
static const struct jstr *
only_text(struct resp_req *e, const struct ir_part *result)
{
	static const struct jstr	 none;
	const struct jstr		*text = &none;
	const struct ir_part		*p;

	for (p = result->parts; p != NULL; p = p->next) {
		if (p->type == IR_TEXT && p->text.n == 0)
			continue;
		if (p->type != IR_TEXT || text != &none ||
		    json_ok(dialect_cache_mark(e->x, p)))
			return NULL;
		text = &p->text;
	}
	return text;
}

static void
result_output(struct resp_req *e, const struct ir_part *r)
{
	const struct ir_part	*p = r == NULL ? NULL : r->parts;
	const struct jstr	*text;

	if (r == NULL) {
		jw_strz(&e->w, "error: the tool gave no result");
		return;
	}
	if ((text = only_text(e, r)) != NULL) {
		jw_open(&e->w);
		if (r->is_error)
			jw_piece_str(&e->w, STR("Error: "));
		jw_piece_jstr(&e->w, *text);
		jw_close(&e->w);
		return;
	}
	jw_array(&e->w);
	if (r->is_error)
		text_part(e, "input_text", JSTR("Error:"));
	for (; p != NULL; p = p->next)
		content_part(e, p);
	jw_array_end(&e->w);
}

/* r is NULL for a call that was never answered. */
static void
result_item(struct resp_req *e, const struct ir_part *call, struct str id,
    const struct ir_part *r)
{
	if (r == NULL)
		resp_lose(e, LOSS_APPROXIMATED, call->node, NULL,
		    "no result: an error result is put in");
	else if (r->is_error)
		resp_lose(e, LOSS_APPROXIMATED, r->node, NULL,
		    "an error is told in the result's text");
	jw_object(&e->w);
	jw_key(&e->w, "type");
	jw_strz(&e->w, call->tool == IR_CUSTOM ? "custom_tool_call_output" :
	    "function_call_output");
	jw_key(&e->w, "call_id");
	jw_str(&e->w, id);
	jw_key(&e->w, "output");
	result_output(e, r);
	jw_object_end(&e->w);
}

/* --- which result belongs to which call ----------------------------------- */

/* Where the wire has no ids, calls and results pair by name, in order. */
static struct str
pair_key(const struct ir_part *p)
{
	return p->id.n > 0 ? p->id : p->name;
}

static int
result_cmp(const void *va, const void *vb)
{
	const struct resp_result	*a = va, *b = vb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* The results up to the assistant's next turn, which m does not hold yet. */
static void
results_collect(struct resp_req *e, const struct ir_message *m)
{
	const struct ir_message	*first = m;
	const struct ir_part	*p;
	size_t			 n = 0;

	for (; m != NULL && m->role != IR_ASSISTANT; m = m->next)
		for (p = m->role == IR_TOOL ? m->parts : NULL; p != NULL;
		    p = p->next)
			n++;
	e->n_results = n;
	e->results = arena_array(e->x->arena, n + 1, sizeof(*e->results));
	n = 0;
	for (m = first; n < e->n_results; m = m->next)
		for (p = m->role == IR_TOOL ? m->parts : NULL; p != NULL;
		    p = p->next) {
			e->results[n].part = p;
			e->results[n].place = n;
			e->results[n++].hash = hash64(pair_key(p), 0);
		}
	qsort(e->results, e->n_results, sizeof(*e->results), result_cmp);
}

/* Takes the first result of call that is left. */
static const struct ir_part *
result_take(struct resp_req *e, const struct ir_part *call)
{
	uint64_t	 h = hash64(pair_key(call), 0);
	size_t		 lo = 0, hi = e->n_results, mid, i;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (e->results[mid].hash < h)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == e->n_results || e->results[lo].hash != h)
		return NULL;
	i = lo + e->results[lo].next;
	if (i >= e->n_results || e->results[i].hash != h)
		return NULL;
	e->results[lo].next++;
	e->results[i].taken = true;
	return e->results[i].part;
}

static void
results_drop_rest(struct resp_req *e)
{
	size_t	 i;

	for (i = 0; i < e->n_results; i++)
		if (!e->results[i].taken)
			resp_lose(e, LOSS_DROPPED, e->results[i].part->node,
			    NULL, "a result without a call");
	e->n_results = 0;
}

/* --- turns ---------------------------------------------------------------- */

static void
assistant_part(struct resp_req *e, const struct ir_part *p)
{
	switch (p->type) {
	case IR_TEXT:
	case IR_REFUSAL:
		assistant_text(e, p);
		lose_marks(e, p);
		break;
	case IR_THINKING:
		reasoning_item(e, p);
		break;
	case IR_TOOL_CALL:
		break;
	case IR_OPAQUE:
		if (p->from == e->x->target.dialect) {
			jw_raw(&e->w, p->raw);
			break;
		}
		if (p->text.n > 0) {
			resp_lose(e, LOSS_APPROXIMATED, p->node, NULL,
			    "what a provider's own tool did is told as text");
			assistant_text(e, p);
			break;
		}
		/* FALLTHROUGH */
	default:
		resp_lose(e, LOSS_DROPPED, p->node, NULL,
		    "not something an assistant's message can hold there");
	}
}

struct pending {
	const struct ir_part	*call;
	struct str		 id;
};

/*
 * The messages of the assistant from m on, then the results of their calls.
 * Returns the first message behind them; the results themselves are skipped
 * when it comes to them.
 */
static const struct ir_message *
assistant_turn(struct resp_req *e, const struct ir_message *m)
{
	const struct ir_message	*q, *end;
	const struct ir_part	*p;
	struct pending		*calls;
	size_t			 n = 0, i;

	for (end = m; end != NULL && end->role == IR_ASSISTANT; end = end->next)
		for (p = end->parts; p != NULL; p = p->next)
			n += p->type == IR_TOOL_CALL;
	calls = arena_array(e->x->arena, n + 1, sizeof(*calls));
	results_collect(e, end);
	n = 0;
	for (q = m; q != end; q = q->next)
		for (p = q->parts; p != NULL; p = p->next) {
			if (p->type != IR_TOOL_CALL) {
				assistant_part(e, p);
				continue;
			}
			calls[n].call = p;
			calls[n].id = call_id(e, p);
			call_item(e, p, calls[n].id);
			n++;
		}
	for (i = 0; i < n; i++)
		result_item(e, calls[i].call, calls[i].id,
		    result_take(e, calls[i].call));
	results_drop_rest(e);
	if (end == NULL && n == 0)
		resp_lose(e, LOSS_APPROXIMATED, m->node, NULL,
		    "a begun answer is not continued there");
	return end;
}

void
resp_message_write(struct resp_req *e, const struct ir_message *m)
{
	plain_message(e, m, m->role == IR_USER ? "user" :
	    m->role == IR_DEVELOPER ? "developer" : "system");
}

static void
format_message(struct resp_req *e)
{
	if (e->format == CHAT_FORMAT_KEPT)
		return;
	message_open(e, "developer");
	chat_format_say(e->rq, e->format, &e->w);
	jw_object_end(&e->w);
	resp_lose(e, LOSS_APPROXIMATED, e->rq->format.node, NULL,
	    chat_format_why(e->format));
}

bool
resp_input_write(struct resp_req *e, const struct ir_message *m)
{
	bool	 turn = false, any;
	size_t	 start;

	jw_key(&e->w, "input");
	jw_array(&e->w);
	format_message(e);
	start = e->w.b->len;
	while (m != NULL) {
		if (m->role == IR_ASSISTANT) {
			m = assistant_turn(e, m);
			turn = true;
			continue;
		}
		if (m->role == IR_TOOL && !turn) {
			results_collect(e, m);
			results_drop_rest(e);
			turn = true;
		}
		if (m->role != IR_TOOL)
			resp_message_write(e, m);
		m = m->next;
	}
	any = e->w.b->len > start;
	jw_array_end(&e->w);
	return any;
}

static void
lose_instruction(struct resp_req *e, const struct ir_part *p)
{
	if (p->type != IR_OPAQUE)
		resp_lose(e, LOSS_REFUSED, p->node, NULL,
		    "instructions are text only");
	else
		resp_lose(e, LOSS_DROPPED, p->node, NULL, p->internal ?
		    "it concerns its own provider alone" :
		    "only its own provider knows it");
}

/* Instructions cannot hold a mark for the cache. */
static bool
is_marked(struct resp_req *e, const struct ir_message *m)
{
	const struct ir_part	*p = m->parts;

	while (p != NULL && !json_ok(dialect_cache_mark(e->x, p)))
		p = p->next;
	return p != NULL;
}

/* Leading system text.  Returns the first message that is none. */
const struct ir_message *
resp_instructions_write(struct resp_req *e)
{
	const struct ir_message	*m, *end = e->rq->messages;
	const struct ir_part	*p;
	bool			 any = false, more = false;

	while (end != NULL && is_system(end) && !is_marked(e, end))
		end = end->next;
	for (m = end; m != NULL && !more; m = m->next)
		more = has_content(m);
	/* Instructions alone are refused: then they are the input. */
	if (!more)
		return e->rq->messages;
	for (m = e->rq->messages; m != end; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			if (p->type != IR_TEXT) {
				lose_instruction(e, p);
				continue;
			}
			if (p->text.n == 0)
				continue;
			if (!any) {
				jw_key(&e->w, "instructions");
				jw_open(&e->w);
			} else {
				jw_piece_jstr(&e->w, JSTR("\\n\\n"));
			}
			any = true;
			jw_piece_jstr(&e->w, p->text);
		}
	if (any)
		jw_close(&e->w);
	return end;
}

bool
resp_takes_url(const struct ir_exchange *x, const struct ir_part *p,
    struct str url)
{
	(void)x;
	(void)url;
	return p->type == IR_IMAGE || p->type == IR_DOCUMENT;
}
