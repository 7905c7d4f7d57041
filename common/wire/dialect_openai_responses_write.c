/*
 * OpenAI Responses: events of the common form into a stream.
 *
 * One part is one output item, as in a body.  A stream
 *
 *	response.created, response.in_progress,
 *	( output_item.added, [content_part.added,] deltas, their .done,
 *	  [content_part.done,] output_item.done )*,
 *	response.completed | response.incomplete | error, response.failed
 *
 * repeats all text at the end, so it is kept, in the arena.  An item is closed
 * when the next thing comes: its status depends on why the answer ended.
 */
#include "wire/answer_loss.h"
#include "wire/dialect_openai_responses.h"

static void
acc_add(struct arena *a, struct resp_acc *acc, const char *p, size_t n)
{
	char	*grown;

	if (n == 0)
		return;
	if (acc->cap - acc->n < n) {
		acc->cap = acc->cap * 2 + n + 64;
		grown = arena_bytes(a, acc->cap);
		if (acc->n > 0)
			memcpy(grown, acc->p, acc->n);
		acc->p = grown;
	}
	memcpy(acc->p + acc->n, p, n);
	acc->n += n;
}

static void
acc_list(struct arena *a, struct resp_acc *acc, struct str value)
{
	if (value.n == 0)
		return;
	if (acc->n > 0)
		acc_add(a, acc, ",", 1);
	acc_add(a, acc, value.p, value.n);
}

static struct str
acc_str(const struct resp_acc *acc)
{
	return (struct str){ acc->p, acc->n };
}

/* "[a,b]" without its brackets. */
static struct str
inside(struct str array)
{
	array = str_trim(array);
	if (array.n < 2 || array.p[0] != '[')
		return STR_NONE;
	return str_trim((struct str){ array.p + 1, array.n - 2 });
}

/* --- the stream ----------------------------------------------------------- */

static struct resp_enc *
state(struct ir_encoder *e)
{
	return e->state;
}

static void
event_open(struct ir_encoder *e, struct jw *w, const char *type)
{
	sse_open(e->out, type);
	jw_init(w, e->out);
	jw_object(w);
	key_strz(w, "type", type);
	jw_key(w, "sequence_number");
	jw_int(w, state(e)->seq++);
}

static void
event_close(struct ir_encoder *e, struct jw *w)
{
	jw_object_end(w);
	sse_close(e->out);
}

static void
response_event(struct ir_encoder *e, const char *type, struct resp_view *v)
{
	struct resp_enc	*s = state(e);
	struct jw	 w;

	v->id = s->id;
	v->model = s->model;
	v->created = s->created;
	event_open(e, &w, type);
	jw_key(&w, "response");
	resp_response_write(&w, e->x, v);
	event_close(e, &w);
}

static void
begin(struct ir_encoder *e, struct str id, struct str model, int64_t created)
{
	struct resp_view	 v = { .status = "in_progress" };
	struct resp_enc	*s = state(e);

	if (s->begun)
		return;
	s->begun = true;
	s->id = arena_str(e->x->arena, resp_response_id(e->x, id));
	s->model = arena_str(e->x->arena, resp_response_model(e->x, model));
	s->created = created > 0 ? created : e->x->created;
	response_event(e, "response.created", &v);
	response_event(e, "response.in_progress", &v);
}

/* An event about the item at hand, or about its one content part. */
static void
item_event_open(struct ir_encoder *e, struct jw *w, const char *type,
    const char *part_index)
{
	struct resp_enc	*s = state(e);

	event_open(e, w, type);
	key_str(w, "item_id", s->item.item_id);
	jw_key(w, "output_index");
	jw_int(w, s->items);
	if (part_index != NULL) {
		jw_key(w, part_index);
		jw_int(w, 0);
	}
}

static void
item_whole(struct ir_encoder *e, const char *type, bool begun)
{
	struct resp_enc	*s = state(e);
	struct jw	 w;
	size_t		 from;

	event_open(e, &w, type);
	jw_key(&w, "output_index");
	jw_int(&w, s->items);
	jw_key(&w, "item");
	from = e->out->len;
	resp_item_write(&w, &s->item, begun);
	if (!begun)
		acc_list(e->x->arena, &s->output, (struct str){
		    e->out->data + from, e->out->len - from });
	event_close(e, &w);
}

static void
content_event(struct ir_encoder *e, const char *type)
{
	struct jw	 w;

	item_event_open(e, &w, type, "content_index");
	jw_key(&w, "part");
	resp_content_write(&w, &state(e)->item);
	event_close(e, &w);
}

static void
text_event(struct ir_encoder *e, const char *type, const char *index,
    const char *key, struct str text)
{
	struct jw	 w;

	item_event_open(e, &w, type, index);
	key_text(&w, key, text);
	if (strncmp(type, "response.output_text.", 21) == 0) {
		jw_key(&w, "logprobs");
		jw_array(&w);
		if (strcmp(key, "text") == 0 && state(e)->item.logprobs.n > 0)
			jw_raw(&w, state(e)->item.logprobs);
		jw_array_end(&w);
	}
	event_close(e, &w);
}

static void
summary_event(struct ir_encoder *e, const char *type, struct str text)
{
	struct jw	 w;

	item_event_open(e, &w, type, "summary_index");
	jw_key(&w, "part");
	resp_summary_write(&w, text);
	event_close(e, &w);
}

static const char *
delta_type(const struct resp_out *o)
{
	switch (o->type) {
	case IR_REFUSAL:
		return "response.refusal.delta";
	case IR_THINKING:
		return "response.reasoning_summary_text.delta";
	case IR_TOOL_CALL:
		return o->tool == IR_CUSTOM ?
		    "response.custom_tool_call_input.delta" :
		    "response.function_call_arguments.delta";
	default:
		return "response.output_text.delta";
	}
}

static const char *
delta_index(const struct resp_out *o)
{
	return o->type == IR_TOOL_CALL ? NULL :
	    o->type == IR_THINKING ? "summary_index" : "content_index";
}

/* A piece of text, arguments, summary. */
static void
piece(struct ir_encoder *e, struct str text)
{
	struct resp_enc	*s = state(e);

	if (text.n == 0)
		return;
	if (s->item.type == IR_THINKING && !s->summary) {
		s->summary = true;
		summary_event(e, "response.reasoning_summary_part.added",
		    STR_NONE);
	}
	text_event(e, delta_type(&s->item), delta_index(&s->item), "delta",
	    text);
}

static void
close_call(struct ir_encoder *e)
{
	struct resp_out	*o = &state(e)->item;
	struct jw	 w;

	if (o->call != NULL) {
		o->text = resp_item_own_call(e->x, o, o->text);
		return;
	}
	if (o->wrapped) {
		o->text = resp_item_unwrap(e->x, o->text);
		piece(e, o->text);
	} else if (o->tool == IR_FUNCTION && o->text.n == 0) {
		o->text = STR("{}");	/* clients parse it */
		piece(e, o->text);
	}
	if (o->tool == IR_CUSTOM) {
		text_event(e, "response.custom_tool_call_input.done", NULL,
		    "input", o->text);
		return;
	}
	item_event_open(e, &w, "response.function_call_arguments.done", NULL);
	key_text(&w, "arguments", o->text);
	key_str(&w, "name", o->name);
	event_close(e, &w);
}

static void
annotation_add(struct ir_encoder *e, struct str note)
{
	struct resp_enc	*s = state(e);
	struct jw	 w;

	item_event_open(e, &w, "response.output_text.annotation.added",
	    "content_index");
	jw_key(&w, "annotation_index");
	jw_int(&w, s->notes++);
	jw_key(&w, "annotation");
	jw_raw(&w, note);
	event_close(e, &w);
	acc_list(e->x->arena, &s->annotations, note);
}

/* One of another provider may hold several. */
static void
annotations_add(struct ir_encoder *e, const struct dialect *from,
    struct str list)
{
	struct json	 j;
	struct buf	 b;
	struct jw	 w;
	struct jv	 v;

	buf_init(&b, SIZE_MAX / 2);
	json_init(&j);
	jw_init(&w, &b);
	jw_array(&w);
	resp_notes_write(e->x, &w, from, list, acc_str(&state(e)->text));
	jw_array_end(&w);
	if (json_parse(&j, buf_str(&b), NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			annotation_add(e, json_raw(v));
	json_release(&j);
	buf_release(&b);
}

static void
annotation(struct ir_encoder *e, const struct ir_event *ev)
{
	if (ev->from == &dialect_openai_responses ||
	    ev->from == &dialect_openai_chat)
		annotations_add(e, ev->from, ev->raw);
	else
		cite_hold_note(e->x->arena, &state(e)->hold, ev->from,
		    ev->raw);
}

/* A stage of an item, response.web_search_call.searching and the like. */
static void
stage(struct ir_encoder *e, struct str id, const char *what, const char *name)
{
	struct jw	 w;

	event_open(e, &w, arena_strf(e->x->arena, "response.%s.%s", what,
	    name).p);
	key_str(&w, "item_id", id);
	jw_key(&w, "output_index");
	jw_int(&w, state(e)->items);
	event_close(e, &w);
}

static void
run_code(struct ir_encoder *e, struct str id, struct jv item)
{
	static const char *const types[] = {
	    "response.code_interpreter_call_code.delta",
	    "response.code_interpreter_call_code.done" };
	struct jw	 w;
	size_t		 i;

	for (i = 0; i < 2; i++) {
		event_open(e, &w, types[i]);
		key_str(&w, "item_id", id);
		jw_key(&w, "output_index");
		jw_int(&w, state(e)->items);
		jw_key(&w, i == 0 ? "delta" : "code");
		jw_raw(&w, json_raw(json_get(item, "code")));
		event_close(e, &w);
	}
}

/* As it is when it has just begun. */
static void
run_begun(struct ir_encoder *e, struct jv item)
{
	struct jw	 w;
	struct jv	 v;

	event_open(e, &w, "response.output_item.added");
	jw_key(&w, "output_index");
	jw_int(&w, state(e)->items);
	jw_key(&w, "item");
	jw_object(&w);
	for (v = json_first(item); json_ok(v); v = json_next(v)) {
		jw_key_jstr(&w, json_jstr(json_key(v)));
		if (json_key_is(v, "status"))
			jw_strz(&w, "in_progress");
		else if (json_key_is(v, "code"))
			jw_strz(&w, "");
		else if (json_key_is(v, "outputs"))
			jw_null(&w);
		else
			jw_raw(&w, json_raw(v));
	}
	jw_object_end(&w);
	event_close(e, &w);
}

/* An item that came whole, with the events that clients wait for. */
static void
run_item(struct ir_encoder *e, const struct server_piece *p)
{
	struct resp_enc	*s = state(e);
	struct json	 j;
	struct str	 id;
	bool		 code = strcmp(p->event, "code_interpreter_call") == 0;

	json_init(&j);
	if (json_parse(&j, p->raw, NULL) == 0) {
		id = json_str(e->x->arena, json_get(json_root(&j), "id"));
		run_begun(e, json_root(&j));
		stage(e, id, p->event, "in_progress");
		if (code)
			run_code(e, id, json_root(&j));
		stage(e, id, p->event, code ? "interpreting" : "searching");
		stage(e, id, p->event, "completed");
		s->item = (struct resp_out){ .type = IR_OPAQUE,
		    .raw = p->raw };
		item_whole(e, "response.output_item.done", false);
		s->items++;
	}
	json_release(&j);
}

/* What another provider's own tool did; false: nothing of the kind. */
static bool
run_items(struct ir_encoder *e, const struct dialect *from, struct str raw)
{
	struct server_piece	*p;

	if (from == &dialect_openai_responses || !server_run_take(e->x,
	    &state(e)->runs, from, raw, &dialect_openai_responses, &p))
		return false;
	for (; p != NULL; p = p->next)
		run_item(e, p);
	return true;
}

/* Gemini tells of its searches beside the text: they follow it. */
static void
run_notes(struct ir_encoder *e, const struct dialect *from, struct str notes)
{
	struct json	 j;
	struct jv	 v;

	if (from != &dialect_gemini || notes.n == 0)
		return;
	json_init(&j);
	if (json_parse(&j, arena_strf(e->x->arena, "[%.*s]", STR_FMT(notes)),
	    NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			(void)run_items(e, from, json_raw(v));
	json_release(&j);
}

/* The item at hand is complete: its .done events. */
static void
item_close(struct ir_encoder *e, bool cut)
{
	struct resp_enc	*s = state(e);
	struct resp_out	*o = &s->item;
	struct str	 notes = cite_held_notes(&s->hold);

	if (!s->open)
		return;
	if (notes.n > 0) {
		annotations_add(e, s->hold.from, notes);
		notes = arena_str(e->x->arena, notes);
	}
	cite_hold_clear(&s->hold);
	s->open = false;
	o->cut = cut;
	o->text = acc_str(&s->text);
	o->annotations = acc_str(&s->annotations);
	o->logprobs = acc_str(&s->logprobs);
	switch (o->type) {
	case IR_TEXT:
		text_event(e, "response.output_text.done", "content_index",
		    "text", o->text);
		content_event(e, "response.content_part.done");
		break;
	case IR_REFUSAL:
		text_event(e, "response.refusal.done", "content_index",
		    "refusal", o->text);
		content_event(e, "response.content_part.done");
		break;
	case IR_THINKING:
		if (!s->summary)
			break;
		text_event(e, "response.reasoning_summary_text.done",
		    "summary_index", "text", o->text);
		summary_event(e, "response.reasoning_summary_part.done",
		    o->text);
		break;
	case IR_TOOL_CALL:
		close_call(e);
		break;
	default:
		break;
	}
	item_whole(e, "response.output_item.done", false);
	s->items++;
	run_notes(e, s->hold.from, notes);
}

static void
item_begin(struct ir_encoder *e, const struct ir_event *ev)
{
	struct resp_enc	*s = state(e);
	struct resp_out	*o = &s->item;
	const char	*prefix = ev->part == IR_THINKING ? "rs_" :
	    ev->part == IR_IMAGE ? "ig_" : "msg_";

	*o = (struct resp_out){ .type = ev->part };
	s->text = s->annotations = s->logprobs = (struct resp_acc){ 0 };
	s->summary = false;
	s->notes = 0;
	s->skip = ev->part == IR_OPAQUE && run_items(e, ev->from, ev->raw);
	if (s->skip)
		return;
	s->skip = !resp_part_fits(e->x, ev->part, ev->choice, ev->from);
	if (s->skip)
		return;
	s->open = true;
	if (ev->part == IR_TOOL_CALL)
		resp_item_call(e->x, o, ev->tool, ev->id, ev->name, s->id,
		    s->items);
	else if (ev->part == IR_THINKING && ev->id.n > 0 &&
	    ev->from == &dialect_openai_responses)
		o->item_id = arena_str(e->x->arena, ev->id);
	else
		o->item_id = resp_item_id(e->x, prefix, s->id, s->items);
	if (ev->part == IR_OPAQUE)
		o->raw = arena_str(e->x->arena, ev->raw);
	item_whole(e, "response.output_item.added", true);
	if (ev->part == IR_TEXT || ev->part == IR_REFUSAL)
		content_event(e, "response.content_part.added");
}

/* The wire has them beside a piece of text; here they come after it. */
static void
logprobs(struct ir_encoder *e, struct str list)
{
	struct resp_enc	*s = state(e);
	struct jw	 w;

	list = inside(list);
	if (list.n == 0)
		return;
	acc_list(e->x->arena, &s->logprobs, list);
	item_event_open(e, &w, "response.output_text.delta", "content_index");
	key_strz(&w, "delta", "");
	jw_key(&w, "logprobs");
	jw_array(&w);
	jw_raw(&w, list);
	jw_array_end(&w);
	event_close(e, &w);
}

static void
delta(struct ir_encoder *e, const struct ir_event *ev)
{
	struct resp_enc	*s = state(e);
	struct str	 text = { ev->text.p, ev->text.n };

	if (s->skip || !s->open)
		return;
	switch (ev->delta) {
	case IR_D_TEXT:
	case IR_D_ARGS:
		acc_add(e->x->arena, &s->text, text.p, text.n);
		if (!s->item.wrapped && s->item.call == NULL)
			piece(e, text);
		break;
	case IR_D_SIGNATURE:
		if (!resp_signature_fits(e->x, ev->from) ||
		    s->item.type != IR_THINKING)
			break;
		text = arena_str(e->x->arena, text);
		s->item.signature = (struct jstr){ text.p, text.n };
		break;
	case IR_D_REDACTED:
		answer_lost(e->x, ANSWER_REDACTED, LOSS_DROPPED,
		    answer_state_why);
		break;
	case IR_D_DATA:
		acc_add(e->x->arena, &s->text, ev->raw.p, ev->raw.n);
		break;
	case IR_D_ANNOTATION:
		if (s->item.type == IR_TEXT)
			annotation(e, ev);
		break;
	case IR_D_LOGPROBS:
		if (s->item.type == IR_TEXT)
			logprobs(e, ev->raw);
		else
			answer_lost(e->x, ANSWER_LOGPROBS, LOSS_DROPPED,
			    resp_logprobs_why);
		break;
	}
}

static void
end(struct ir_encoder *e)
{
	struct resp_enc	*s = state(e);
	const char	*why = resp_incomplete(s->stop);
	struct resp_view	 v = { .status = s->status != NULL ? s->status :
	    "completed", .incomplete = why };
	struct server_piece	*p;

	item_close(e, why != NULL);
	p = server_run_rest(e->x, &s->runs, &dialect_openai_responses);
	for (; p != NULL; p = p->next)
		run_item(e, p);
	v.output = acc_str(&s->output);
	v.usage = s->has_usage ? &s->usage : NULL;
	response_event(e, why != NULL ? "response.incomplete" :
	    "response.completed", &v);
	s->ended = true;
}

/*
 * OpenAI sends both: some clients look at the one, some at the other.  The
 * first is flat in its specification and nested on its wire.
 */
static void
failed(struct ir_encoder *e, const struct ir_error *err)
{
	struct resp_enc	*s = state(e);
	struct resp_view	 v = { .status = "failed", .error = err };
	struct jw	 w;

	begin(e, STR_NONE, STR_NONE, 0);
	event_open(e, &w, "error");
	key_strz(&w, "code", resp_error_code(err));
	key_strz(&w, "message", err->msg);
	jw_key(&w, "param");
	jw_null(&w);
	jw_key(&w, "error");
	jw_object(&w);
	key_strz(&w, "type", err->type[0] != '\0' ? err->type :
	    resp_error_code(err));
	key_strz(&w, "code", resp_error_code(err));
	key_strz(&w, "message", err->msg);
	jw_key(&w, "param");
	jw_null(&w);
	jw_object_end(&w);
	event_close(e, &w);
	v.output = acc_str(&s->output);
	v.usage = s->has_usage ? &s->usage : NULL;
	response_event(e, "response.failed", &v);
	s->ended = true;
}

void
resp_event_encode(struct ir_encoder *e, const struct ir_event *ev)
{
	struct resp_enc	*s = state(e);

	if (s->ended)
		return;
	/* Parts of other choices come in between; there is room for one. */
	if (ev->choice > 0) {
		if (ev->type == IR_EV_PART_START)
			(void)resp_part_fits(e->x, ev->part, ev->choice,
			    ev->from);
		return;
	}
	switch (ev->type) {
	case IR_EV_START:
		begin(e, ev->id, ev->name, ev->created);
		break;
	case IR_EV_PART_START:
		item_close(e, false);
		item_begin(e, ev);
		break;
	case IR_EV_DELTA:
		delta(e, ev);
		break;
	case IR_EV_USAGE:
		s->usage = ev->usage;
		s->has_usage = true;
		break;
	case IR_EV_STOP:
		s->stop = ev->stop;
		s->status = resp_status(e->x, ev->stop, ev->stop_raw);
		break;
	case IR_EV_END:
		end(e);
		break;
	case IR_EV_ERROR:
		if (ev->sequence > s->seq)
			s->seq = ev->sequence;
		failed(e, ev->error);
		break;
	case IR_EV_PART_END:		/* see above: closed later */
	case IR_EV_PING:
		break;
	}
}
