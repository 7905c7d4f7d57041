/*
 * OpenAI Responses: the response object and its output items, as they stand in
 * a body and, again and again, in the events of a stream.
 */
#include "base/id.h"
#include "wire/answer_loss.h"
#include "wire/cite.h"
#include "wire/dialect_openai_responses.h"

/* --- the response object -------------------------------------------------- */

/* The request that the client sent, if it is at hand. */
static struct jv
asked(const struct ir_exchange *x)
{
	if (x->rq == NULL || x->rq->from != &dialect_openai_responses)
		return JV_NONE;
	return json_root(x->rq->json);
}

static void
echo(struct jw *w, struct jv root, const char *key, const char *otherwise)
{
	struct jv	 v = json_get(root, key);

	jw_key(w, key);
	jw_raw(w, json_empty(v) ? str_of(otherwise) : json_raw(v));
}

static bool
usage_said(const struct ir_usage *u)
{
	return u->input != -1 || u->cache_read != -1 ||
	    u->cache_write_5m != -1 || u->cache_write_1h != -1 ||
	    u->output != -1 || u->reasoning != -1;
}

static void
write_usage(struct jw *w, const struct ir_usage *u)
{
	int64_t	 write = ir_usage_sum(u->cache_write_5m, u->cache_write_1h);
	int64_t	 in, out;

	in = ir_usage_sum(u->input, ir_usage_sum(u->cache_read, write));
	out = ir_usage_sum(u->output, u->reasoning);
	jw_object(w);
	jw_key(w, "input_tokens");
	jw_int(w, in);
	jw_key(w, "input_tokens_details");
	jw_object(w);
	jw_key(w, "cached_tokens");
	jw_int(w, ir_usage_sum(u->cache_read, 0));
	jw_key(w, "cache_write_tokens");
	jw_int(w, write);
	jw_object_end(w);
	jw_key(w, "output_tokens");
	jw_int(w, out);
	jw_key(w, "output_tokens_details");
	jw_object(w);
	jw_key(w, "reasoning_tokens");
	jw_int(w, ir_usage_sum(u->reasoning, 0));
	jw_object_end(w);
	jw_key(w, "total_tokens");
	jw_int(w, ir_usage_sum(in, out));
	jw_object_end(w);
}

const char *
resp_error_code(const struct ir_error *err)
{
	if (err->code[0] != '\0')
		return err->code;
	switch (err->kind) {
	case IR_ERR_RATE:
		return "rate_limit_exceeded";
	case IR_ERR_BILLING:
		return "insufficient_quota";
	case IR_ERR_BAD_REQUEST:
	case IR_ERR_TOO_LARGE:
		return "invalid_prompt";
	case IR_ERR_UNAVAILABLE:
	case IR_ERR_OVERLOADED:
		return "server_is_overloaded";
	default:
		return "server_error";
	}
}

static void
write_error(struct jw *w, const struct ir_error *err)
{
	jw_key(w, "error");
	if (err == NULL) {
		jw_null(w);
		return;
	}
	jw_object(w);
	key_strz(w, "code", resp_error_code(err));
	key_strz(w, "message", err->msg);
	jw_object_end(w);
}

static void
write_text_format(struct jw *w, struct jv text)
{
	jw_key(w, "text");
	jw_object(w);
	echo(w, text, "format", "{\"type\":\"text\"}");
	echo(w, text, "verbosity", "\"medium\"");
	jw_object_end(w);
}

/* The request's own members, with what holds where it said nothing. */
static void
write_echo(struct jw *w, const struct ir_exchange *x,
    const struct resp_view *v, struct jv root)
{
	const char	*tier = v->usage == NULL ? NULL :
			    ir_tier_name(v->usage->tier, IR_TIER_OPENAI);
	struct jv	 r = json_get(root, "reasoning");

	if (x->conversation.n > 0) {
		jw_key(w, "conversation");
		jw_object(w);
		key_str(w, "id", x->conversation);
		jw_object_end(w);
	}
	echo(w, root, "parallel_tool_calls", "true");
	if (x->previous.n > 0)
		key_str(w, "previous_response_id", x->previous);
	else
		echo(w, root, "previous_response_id", "null");
	echo(w, root, "prompt_cache_key", "null");
	jw_key(w, "reasoning");
	jw_object(w);
	echo(w, r, "effort", "null");
	echo(w, r, "summary", "null");
	jw_object_end(w);
	echo(w, root, "safety_identifier", "null");
	/* Begun, it is not known yet which it will be. */
	key_strz(w, "service_tier", tier != NULL ? tier : strcmp(v->status,
	    "in_progress") == 0 ? "auto" : "default");
	jw_key(w, "store");
	jw_bool(w, x->stored);
	echo(w, root, "temperature", "1.0");
	write_text_format(w, json_get(root, "text"));
	echo(w, root, "tool_choice", "\"auto\"");
	echo(w, root, "tools", "[]");
	echo(w, root, "top_logprobs", "0");
	echo(w, root, "top_p", "1.0");
	echo(w, root, "truncation", "\"disabled\"");
	echo(w, root, "user", "null");
	echo(w, root, "metadata", "{}");
}

void
resp_response_write(struct jw *w, struct ir_exchange *x,
    const struct resp_view *v)
{
	struct jv	 root = asked(x);
	size_t		 from;

	jw_object(w);
	from = w->b->len - 1;
	key_str(w, "id", v->id);
	key_strz(w, "object", "response");
	jw_key(w, "created_at");
	jw_int(w, v->created);
	key_strz(w, "status", v->status);
	jw_key(w, "background");
	jw_bool(w, false);
	write_error(w, v->error);
	jw_key(w, "incomplete_details");
	if (v->incomplete != NULL) {
		jw_object(w);
		key_strz(w, "reason", v->incomplete);
		jw_object_end(w);
	} else {
		jw_null(w);
	}
	echo(w, root, "instructions", "null");
	echo(w, root, "max_output_tokens", "null");
	echo(w, root, "max_tool_calls", "null");
	key_str(w, "model", v->model);
	jw_key(w, "output");
	jw_array(w);
	x->wrote.id = v->id;
	x->wrote.at = w->b->len - 1 - from;
	if (v->output.n > 0)
		jw_raw(w, v->output);
	jw_array_end(w);
	x->wrote.end = w->b->len - from;
	write_echo(w, x, v, root);
	/* Absent is not zero, and clients take no null at the end. */
	if (v->usage != NULL && usage_said(v->usage)) {
		jw_key(w, "usage");
		write_usage(w, v->usage);
	} else if (strcmp(v->status, "in_progress") == 0 || v->error != NULL) {
		jw_key(w, "usage");
		jw_null(w);
	}
	jw_object_end(w);
}

struct str
resp_response_id(struct ir_exchange *x, struct str id)
{
	/* It is kept under ours: another's may come again (Ollama's do). */
	return ir_id_prefixed(x->arena, id.n == 0 || x->stored ? x->id : id,
	    "resp_");
}

struct str
resp_response_model(struct ir_exchange *x, struct str model)
{
	if (model.n == 0)
		model = x->target.model;
	if (model.n == 0 && x->rq != NULL)
		model = x->rq->model;
	return model;
}

const char *
resp_incomplete(enum ir_stop stop)
{
	switch (stop) {
	case IR_STOP_LENGTH:
	case IR_STOP_CONTEXT:
		return "max_output_tokens";
	case IR_STOP_FILTER:
	case IR_STOP_REFUSAL:
		return "content_filter";
	default:
		return NULL;
	}
}

const char *
resp_status(struct ir_exchange *x, enum ir_stop stop, struct str raw)
{
	static const char *const own[] = { "queued", "in_progress",
	    "cancelled", NULL };
	size_t	 i;

	if (resp_incomplete(stop) != NULL)
		return "incomplete";
	for (i = 0; stop == IR_STOP_OTHER && own[i] != NULL; i++)
		if (str_is(raw, own[i]))
			return own[i];
	dialect_lose_stop(x, stop, raw);
	return "completed";
}

/* --- items ---------------------------------------------------------------- */

/* Deterministic: the response's id and the item's place. */
struct str
resp_item_id(struct ir_exchange *x, const char *prefix, struct str response,
    unsigned index)
{
	static const char	 digit[] = "0123456789";
	struct str		 id = str_skip(response, 5), place;

	place = index < 10 ? (struct str){ digit + index, 1 } :
	    arena_strf(x->arena, "%u", index);
	id = arena_join(x->arena, (struct str[]){ str_of(prefix), id,
	    index < 10 ? STR("0") : STR_NONE, place }, 4);
	return ir_id_fit(x->arena, id, prefix, RESP_ID_MAX);
}

struct str
responses_item_response(struct arena *a, struct str item)
{
	struct str	 kind = str_cut(&item, '_');

	if (kind.n == 0 || item.n <= ID_RAND_LEN)
		return STR_NONE;
	item.n = ID_RAND_LEN;
	return arena_join(a, (struct str[]){ STR("resp_"), item }, 2);
}

/* Fills in what a call is to the client: its declared name, kind, namespace. */
void
resp_item_call(struct ir_exchange *x, struct resp_out *o, enum ir_tool_kind ran,
    struct str id, struct str name, struct str response, unsigned index)
{
	const struct ir_tool	*t = NULL;

	name = ir_name_restore(&x->names, name);
	if (json_ok(asked(x)))
		t = ir_tool_find(x->rq, name);
	o->call = server_call_of_tool(x->rq, name);
	o->name = arena_str(x->arena, t != NULL ? resp_wire_name(x->rq, t) :
	    name);
	o->ns = t != NULL ? t->ns : STR_NONE;
	o->tool = ran == IR_CUSTOM || (t != NULL && t->kind == IR_CUSTOM) ?
	    IR_CUSTOM : IR_FUNCTION;
	o->wrapped = o->tool == IR_CUSTOM && ran != IR_CUSTOM;
	o->item_id = resp_item_id(x, o->tool == IR_CUSTOM ? "ctc_" : "fc_",
	    response, index);
	o->call_id = id.n > 0 ? arena_str(x->arena, id) :
	    resp_item_id(x, "call_", response, index);
}

/* {"input": "..."} as the tool was run; the client wants what is inside. */
struct str
resp_item_unwrap(struct ir_exchange *x, struct str escaped)
{
	struct json		 j;
	struct json_error	 bad;
	struct jv		 in;
	struct jstr		 text;
	struct str		 args;

	args = jstr_decode(x->arena, (struct jstr){ escaped.p, escaped.n });
	json_init(&j);
	if (json_parse(&j, args, &bad) == 0) {
		in = json_get(json_root(&j), "input");
		if (json_type(in) == JSON_STRING) {
			text = json_jstr(in);
			escaped = (struct str){ text.p, text.n };
		}
	}
	json_release(&j);
	return escaped;
}

/* OpenAI's own citations are flat in one API and nested in the other. */
static void
write_note(struct jw *w, struct jv note)
{
	struct jv	 in = json_get(note, "url_citation"), v;

	if (json_type(in) != JSON_OBJECT) {
		jw_raw(w, json_raw(note));
		return;
	}
	jw_object(w);
	key_strz(w, "type", "url_citation");
	for (v = json_first(in); json_ok(v); v = json_next(v)) {
		jw_key_jstr(w, json_jstr(json_key(v)));
		jw_raw(w, json_raw(v));
	}
	jw_object_end(w);
}

void
resp_notes_write(struct ir_exchange *x, struct jw *w,
    const struct dialect *from, struct str list, struct str text)
{
	struct cite_text	 about = { .chars = -1 };
	struct json		 j;
	struct json_error	 bad;
	struct jv		 v;

	if (from != &dialect_openai_responses && from != &dialect_openai_chat) {
		about.text = (struct jstr){ text.p, text.n };
		if (cite_write(x->arena, from, &dialect_openai_responses, list,
		    &about, w) > 0)
			answer_lost_notes(x, list, LOSS_DROPPED,
			    "citations of what only their provider knows");
		else
			answer_lost_notes(x, list, LOSS_APPROXIMATED,
			    "citations in another provider's form");
		return;
	}
	list = arena_strf(x->arena, "[%.*s]", STR_FMT(list));
	json_init(&j);
	if (json_parse(&j, list, &bad) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			write_note(w, v);
	json_release(&j);
}

void
resp_content_write(struct jw *w, const struct resp_out *o)
{
	bool	 refusal = o->type == IR_REFUSAL;

	jw_object(w);
	if (refusal) {
		key_strz(w, "type", "refusal");
		key_text(w, "refusal", o->text);
	} else {
		key_strz(w, "type", "output_text");
		jw_key(w, "annotations");
		jw_array(w);
		if (o->annotations.n > 0)
			jw_raw(w, o->annotations);
		jw_array_end(w);
		jw_key(w, "logprobs");
		jw_array(w);
		if (o->logprobs.n > 0)
			jw_raw(w, o->logprobs);
		jw_array_end(w);
		key_text(w, "text", o->text);
	}
	jw_object_end(w);
}

void
resp_summary_write(struct jw *w, struct str text)
{
	jw_object(w);
	key_strz(w, "type", "summary_text");
	key_text(w, "text", text);
	jw_object_end(w);
}

/* shell_call and the like: o->text is the member already. */
static void
write_own_call(struct jw *w, const struct resp_out *o, bool begun,
    const char *status)
{
	key_strz(w, "type", o->call->item);
	key_strz(w, "status", status);
	key_str(w, "call_id", o->call_id);
	if (strcmp(o->call->member, "arguments") == 0)
		key_strz(w, "execution", "client");
	jw_key(w, o->call->member);
	jw_raw(w, begun ? str_of(o->call->deflt) : o->text);
}

struct str
resp_item_own_call(struct ir_exchange *x, const struct resp_out *o,
    struct str escaped)
{
	struct ir_args	 args = { .escaped = { escaped.p, escaped.n } };
	struct str	 object;

	if (ir_args_object(x->arena, &args, &object) == -1)
		answer_lost(x, ANSWER_ARGS, LOSS_APPROXIMATED,
		    "arguments that are no JSON object");
	return server_call_member(x->arena, o->call, object);
}

static void
write_call(struct jw *w, const struct resp_out *o, const char *status)
{
	bool	 custom = o->tool == IR_CUSTOM;

	key_strz(w, "type", custom ? "custom_tool_call" : "function_call");
	key_strz(w, "status", status);
	key_text(w, custom ? "input" : "arguments", o->text);
	key_str(w, "call_id", o->call_id);
	key_str(w, "name", o->name);
	if (o->ns.n > 0)
		key_str(w, "namespace", o->ns);
}

/* begun: as output_item.added shows it, without its contents. */
void
resp_item_write(struct jw *w, const struct resp_out *o, bool begun)
{
	const char	*status = begun ? "in_progress" : o->cut ?
	    "incomplete" : "completed";

	if (o->type == IR_OPAQUE) {
		jw_raw(w, o->raw);
		return;
	}
	jw_object(w);
	key_str(w, "id", o->item_id);
	switch (o->type) {
	case IR_THINKING:
		key_strz(w, "type", "reasoning");
		jw_key(w, "summary");
		jw_array(w);
		if (!begun && o->text.n > 0)
			resp_summary_write(w, o->text);
		jw_array_end(w);
		if (!begun && o->signature.n > 0) {
			jw_key(w, "encrypted_content");
			jw_jstr(w, o->signature);
		}
		break;
	case IR_TOOL_CALL:
		if (o->call != NULL)
			write_own_call(w, o, begun, status);
		else
			write_call(w, o, status);
		break;
	case IR_IMAGE:
		key_strz(w, "type", "image_generation_call");
		key_strz(w, "status", begun ? status : "completed");
		jw_key(w, "result");
		if (begun)
			jw_null(w);
		else
			jw_str(w, o->text);
		break;
	default:
		key_strz(w, "type", "message");
		key_strz(w, "status", status);
		jw_key(w, "content");
		jw_array(w);
		if (!begun)
			resp_content_write(w, o);
		jw_array_end(w);
		key_strz(w, "role", "assistant");
	}
	jw_object_end(w);
}

/* True if a part can be an item; else it goes to the loss report. */
bool
resp_part_fits(struct ir_exchange *x, enum ir_part_type type, unsigned choice,
    const struct dialect *from)
{
	if (choice > 0) {
		answer_lost(x, ANSWER_CHOICE, LOSS_DROPPED,
		    "only one choice in the Responses API");
		return false;
	}
	switch (type) {
	case IR_TEXT:
	case IR_REFUSAL:
	case IR_THINKING:
	case IR_TOOL_CALL:
	case IR_IMAGE:
		return true;
	case IR_OPAQUE:
		if (from == &dialect_openai_responses)
			return true;
		answer_lost(x, ANSWER_PART, LOSS_DROPPED,
		    "only its own provider's dialect knows it");
		return false;
	default:
		answer_lost(x, ANSWER_PART, LOSS_DROPPED,
		    "no audio or video in the Responses API");
		return false;
	}
}

bool
resp_signature_fits(struct ir_exchange *x, const struct dialect *from)
{
	if (from == &dialect_openai_responses)
		return true;
	answer_lost(x, ANSWER_SIGNATURE, LOSS_DROPPED, answer_state_why);
	return false;
}

/* --- the body ------------------------------------------------------------- */

const char	 resp_logprobs_why[] = "refusals have no logprobs there";

static void
body_item(struct ir_exchange *x, struct jw *w, const struct ir_out_part *p,
    struct str id, unsigned index, bool cut)
{
	struct resp_out	 o = { .type = p->type, .raw = p->raw, .cut = cut };
	struct buf	 notes;
	struct jw	 nw;

	buf_init(&notes, SIZE_MAX);
	o.text = p->type == IR_IMAGE ? buf_str(&p->data) : buf_str(&p->text);
	o.logprobs = buf_str(&p->logprobs);
	if (p->type != IR_TEXT && o.logprobs.n > 0)
		answer_lost(x, ANSWER_LOGPROBS, LOSS_DROPPED,
		    resp_logprobs_why);
	if (p->annotations.len > 0) {
		jw_init(&nw, &notes);
		resp_notes_write(x, &nw, p->from, buf_str(&p->annotations),
		    o.text);
		o.annotations = buf_str(&notes);
	}
	if (p->redacted.n > 0)
		answer_lost(x, ANSWER_REDACTED, LOSS_DROPPED,
		    answer_state_why);
	if (p->signature.n > 0 && resp_signature_fits(x, p->from))
		o.signature = p->signature;
	if (p->type == IR_TOOL_CALL) {
		resp_item_call(x, &o, p->tool, p->id, p->name, id, index);
		if (o.call != NULL)
			o.text = resp_item_own_call(x, &o, o.text);
		else if (o.wrapped)
			o.text = resp_item_unwrap(x, o.text);
		else if (o.tool == IR_FUNCTION && o.text.n == 0)
			o.text = STR("{}");
	} else if (p->type == IR_THINKING && p->id.n > 0 &&
	    p->from == &dialect_openai_responses)
		o.item_id = p->id;
	else
		o.item_id = resp_item_id(x, p->type == IR_THINKING ? "rs_" :
		    p->type == IR_IMAGE ? "ig_" : "msg_", id, index);
	resp_item_write(w, &o, false);
	buf_release(&notes);
}

/* What another provider's own tool did; false: nothing of the kind. */
static bool
body_run(struct ir_exchange *x, struct server_runs *runs, struct jw *w,
    const struct dialect *from, struct str raw, unsigned *n)
{
	struct server_piece	*p;

	if (from == &dialect_openai_responses || !server_run_take(x, runs,
	    from, raw, &dialect_openai_responses, &p))
		return false;
	for (; p != NULL; p = p->next, (*n)++)
		jw_raw(w, p->raw);
	return true;
}

/* Gemini tells of its searches beside the text: they follow it. */
static void
body_run_notes(struct ir_exchange *x, struct server_runs *runs, struct jw *w,
    const struct ir_out_part *p, unsigned *n)
{
	struct json	 j;
	struct jv	 v;

	if (p->from != &dialect_gemini || p->annotations.len == 0)
		return;
	json_init(&j);
	if (json_parse(&j, arena_strf(x->arena, "[%.*s]",
	    STR_FMT(buf_str(&p->annotations))), NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			(void)body_run(x, runs, w, p->from, json_raw(v), n);
	json_release(&j);
}

static void
body_part(struct ir_exchange *x, struct server_runs *runs, struct jw *w,
    const struct ir_out_choice *c, const struct ir_out_part *p, struct str id,
    unsigned *n)
{
	x->at = p->at;
	if (c->index == 0 && p->type == IR_OPAQUE &&
	    body_run(x, runs, w, p->from, p->raw, n))
		return;
	if (!resp_part_fits(x, p->type, c->index, p->from))
		return;
	body_item(x, w, p, id, (*n)++, p->next == NULL &&
	    resp_incomplete(c->stop) != NULL);
	body_run_notes(x, runs, w, p, n);
}

/* Items of the first choice; commas between, for write_response. */
static void
body_output(struct ir_exchange *x, const struct ir_response *r, struct str id,
    struct buf *out)
{
	const struct ir_out_choice	*c;
	const struct ir_out_part	*p;
	struct server_runs		 runs = { NULL, 0 };
	struct server_piece		*rest;
	struct jw			 w;
	unsigned			 n = 0;

	jw_init(&w, out);
	for (c = r->choices; c != NULL; c = c->next)
		for (p = c->parts; p != NULL; p = p->next)
			body_part(x, &runs, &w, c, p, id, &n);
	rest = server_run_rest(x, &runs, &dialect_openai_responses);
	for (; rest != NULL; rest = rest->next)
		jw_raw(&w, rest->raw);
}

void
resp_body_encode(struct ir_exchange *x, const struct ir_response *r,
    struct buf *out)
{
	struct resp_view	 v = { .id = resp_response_id(x, r->id) };
	enum ir_stop	 stop = IR_STOP_NONE;
	struct str	 raw = STR_NONE;
	struct buf	 output;
	struct jw	 w;

	if (r->choices != NULL && r->choices->index == 0) {
		x->at = r->choices->at;
		stop = r->choices->stop;
		raw = r->choices->stop_raw;
	}
	v.model = resp_response_model(x, r->model);
	v.created = r->created > 0 ? r->created : x->created;
	v.incomplete = resp_incomplete(stop);
	v.status = resp_status(x, stop, raw);
	if (r->failed) {
		v.status = "failed";
		v.error = r->error;
	}
	v.usage = &r->usage;
	buf_init(&output, SIZE_MAX);
	body_output(x, r, v.id, &output);
	v.output = buf_str(&output);
	jw_init(&w, out);
	resp_response_write(&w, x, &v);
	buf_release(&output);
}
