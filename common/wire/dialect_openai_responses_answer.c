/*
 * OpenAI Responses: an answer into events of the common form.
 *
 * The wire may interleave items (output_index tells them apart); the common
 * form may not.  So the first item that is not complete is live and its frames
 * become events at once, while the frames of later ones are kept and replayed
 * when their turn comes.  An item ends with output_item.done, which holds all
 * of it once more: what had no delta of its own is taken from there.
 */
#include "wire/answer_loss.h"
#include "wire/dialect_openai_chat.h"
#include "wire/dialect_openai_responses.h"

static struct resp_dec *
state(struct ir_decoder *d)
{
	return d->state;
}

static struct jv
member(struct jv o, const char *name)
{
	struct jv	 v = json_get(o, name);

	return json_empty(v) ? JV_NONE : v;
}

static bool
non_empty(struct jv v)
{
	return json_type(v) == JSON_ARRAY && json_count(v) > 0;
}

/* --- events --------------------------------------------------------------- */

static int
emit_error(struct ir_decoder *d, const struct ir_error *err)
{
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = err };

	state(d)->ended = true;
	return ir_emit(&d->sink, &ev);
}

static int
fail(struct ir_decoder *d, const char *why)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "%s", why);
	err.upstream = 200;
	return emit_error(d, &err);
}

/* What the provider itself says went wrong. */
static int
fail_with(struct ir_decoder *d, struct jv holder)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "the provider reported an error");
	err.upstream = 200;
	(void)chat_error_read(d->x->arena, holder, &err);
	if (err.kind == IR_ERR_UPSTREAM && (strncmp(err.code, "invalid_", 8) ==
	    0 || strncmp(err.code, "image_", 6) == 0)) {
		err.kind = IR_ERR_BAD_REQUEST;
		err.status = ir_error_status(err.kind);
	}
	return emit_error(d, &err);
}

static int
start(struct ir_decoder *d, struct jv response)
{
	struct ir_event	 ev = { .type = IR_EV_START };
	double		 t;

	if (state(d)->started)
		return 0;
	state(d)->started = true;
	ev.id = json_str(d->x->arena, json_get(response, "id"));
	ev.name = json_str(d->x->arena, json_get(response, "model"));
	if (json_double(json_get(response, "created_at"), &t) == 0 &&
	    t > 0 && t < 1e12)
		ev.created = (int64_t)t;
	return ir_emit(&d->sink, &ev);
}

/* Where the item that is written stands, for the loss report. */
static void
place(struct ir_decoder *d, const struct resp_in *it)
{
	bool	 message = it->kind == RESP_MESSAGE;

	d->x->at.item = (unsigned)it->index;
	d->x->at.part = message && it->cur > 0 ? (unsigned)it->cur : 0;
	d->x->at.path = message ? "output[$i].content[$p]" : "output[$i]";
}

static int
part_open(struct ir_decoder *d, struct ir_event *ev)
{
	struct resp_dec	*s = state(d);

	s->open = true;
	s->part = ev->part;
	ev->type = IR_EV_PART_START;
	ev->index = s->parts++;
	return ir_emit(&d->sink, ev);
}

static int
part_close(struct ir_decoder *d)
{
	struct resp_dec	*s = state(d);
	struct ir_event	 ev = { .type = IR_EV_PART_END, .part = s->part };

	if (!s->open)
		return 0;
	s->open = false;
	ev.index = s->parts - 1;
	return ir_emit(&d->sink, &ev);
}

static int
part_delta(struct ir_decoder *d, struct ir_event *ev)
{
	struct resp_dec	*s = state(d);

	ev->type = IR_EV_DELTA;
	ev->index = s->parts - 1;
	ev->part = s->part;
	ev->from = d->dialect;
	return ir_emit(&d->sink, ev);
}

static int
emit_text(struct ir_decoder *d, enum ir_delta kind, struct jstr text)
{
	struct ir_event	 ev = { .delta = kind, .text = text };

	return part_delta(d, &ev);
}

static int
emit_raw(struct ir_decoder *d, enum ir_delta kind, struct jv v)
{
	struct ir_event	 ev = { .delta = kind, .raw = json_raw(v) };

	return part_delta(d, &ev);
}

/* --- messages: text and refusals ------------------------------------------ */

/* Moves to content part (or summary) number i, if it is not the one at hand. */
static void
cur_set(struct resp_in *it, int64_t i)
{
	if (it->cur == i)
		return;
	it->cur = i;
	it->cur_sent = it->cur_closed = it->cur_logprobs = false;
	it->cur_notes = 0;
}

static int
text_piece(struct ir_decoder *d, struct resp_in *it, int64_t i,
    enum ir_part_type type, struct jstr text)
{
	struct resp_dec	*s = state(d);
	struct ir_event	 ev = { .part = type };

	if (text.n == 0)
		return 0;
	if (s->open && (s->part != type || it->cur != i) &&
	    part_close(d) == -1)
		return -1;
	cur_set(it, i);
	place(d, it);
	if (!s->open && part_open(d, &ev) == -1)
		return -1;
	it->cur_sent = it->any = true;
	return emit_text(d, IR_D_TEXT, text);
}

static int
text_logprobs(struct ir_decoder *d, struct resp_in *it, struct jv list)
{
	if (!non_empty(list) || !state(d)->open)
		return 0;
	it->cur_logprobs = true;
	return emit_raw(d, IR_D_LOGPROBS, list);
}

/* The annotations from the one on that was not sent yet. */
static int
text_notes(struct ir_decoder *d, struct resp_in *it, struct jv list)
{
	struct jv	 v;
	uint32_t	 n = 0;

	if (!non_empty(list) || !state(d)->open)
		return 0;
	for (v = json_first(list); json_ok(v); v = json_next(v))
		if (n++ >= it->cur_notes) {
			it->cur_notes++;
			if (emit_raw(d, IR_D_ANNOTATION, v) == -1)
				return -1;
		}
	return 0;
}

/* Whatever of a whole content part has not come in pieces; closes it. */
static int
text_rest(struct ir_decoder *d, struct resp_in *it, int64_t i, struct jv part)
{
	bool		 refusal = json_is(json_get(part, "type"), "refusal");
	struct jstr	 text;

	if (i < it->cur || (i == it->cur && it->cur_closed))
		return 0;
	if (!refusal && !json_is(json_get(part, "type"), "output_text") &&
	    !json_is(json_get(part, "type"), "text"))
		return 0;
	text = json_jstr(json_get(part, refusal ? "refusal" : "text"));
	if ((i > it->cur || !it->cur_sent) && text_piece(d, it, i,
	    refusal ? IR_REFUSAL : IR_TEXT, text) == -1)
		return -1;
	if (it->cur != i)
		return 0;		/* empty, so there was no part */
	if ((!it->cur_logprobs &&
	    text_logprobs(d, it, json_get(part, "logprobs")) == -1) ||
	    text_notes(d, it, json_get(part, "annotations")) == -1)
		return -1;
	it->cur_closed = true;
	return part_close(d);
}

static int
message_done(struct ir_decoder *d, struct resp_in *it, struct jv item)
{
	struct jv	 v;
	int64_t		 i = 0;

	for (v = json_first(member(item, "content")); json_ok(v);
	    v = json_next(v))
		if (text_rest(d, it, i++, v) == -1)
			return -1;
	return 0;
}

static int
message_note(struct ir_decoder *d, struct resp_in *it, int64_t i,
    struct jv note)
{
	if (i != it->cur || !state(d)->open || json_type(note) != JSON_OBJECT)
		return 0;
	it->cur_notes++;
	return emit_raw(d, IR_D_ANNOTATION, note);
}

/* The whole of a text: nothing new unless no piece of it has come. */
static int
message_whole(struct ir_decoder *d, struct resp_in *it, int64_t i,
    enum ir_part_type type, struct jstr text, struct jv logprobs)
{
	if (i < it->cur || (i == it->cur && it->cur_sent))
		return 0;
	if (text_piece(d, it, i, type, text) == -1)
		return -1;
	return text_logprobs(d, it, logprobs);
}

static int
message_event(struct ir_decoder *d, struct resp_in *it, const char *what,
    struct jv ev)
{
	struct jv	 logprobs = json_get(ev, "logprobs");
	struct jstr	 delta = json_jstr(json_get(ev, "delta"));
	int64_t		 i = 0;

	if (json_int(json_get(ev, "content_index"), &i) == -1)
		i = it->cur < 0 ? 0 : it->cur;
	if (strcmp(what, "output_text.delta") == 0) {
		if (text_piece(d, it, i, IR_TEXT, delta) == -1)
			return -1;
		return text_logprobs(d, it, logprobs);
	}
	if (strcmp(what, "refusal.delta") == 0)
		return text_piece(d, it, i, IR_REFUSAL, delta);
	if (strcmp(what, "content_part.done") == 0)
		return text_rest(d, it, i, json_get(ev, "part"));
	if (strcmp(what, "output_text.annotation.added") == 0)
		return message_note(d, it, i, json_get(ev, "annotation"));
	if (strcmp(what, "output_text.done") == 0)
		return message_whole(d, it, i, IR_TEXT,
		    json_jstr(json_get(ev, "text")), logprobs);
	if (strcmp(what, "refusal.done") == 0)
		return message_whole(d, it, i, IR_REFUSAL,
		    json_jstr(json_get(ev, "refusal")), JV_NONE);
	return 0;
}

/* --- calls ---------------------------------------------------------------- */

static int
call_open(struct ir_decoder *d, struct resp_in *it, struct jv item)
{
	const struct ir_request	*rq = d->x->rq;
	struct ir_event		 ev = { .part = IR_TOOL_CALL };

	if (state(d)->open || !json_ok(member(item, "name")))
		return 0;
	if (rq != NULL && rq->from != d->dialect)
		rq = NULL;
	ev.tool = it->kind == RESP_CUSTOM_CALL ? IR_CUSTOM : IR_FUNCTION;
	ev.id = json_str(d->x->arena, member(item, "call_id"));
	ev.name = resp_tool_name(rq,
	    json_str(d->x->arena, member(item, "namespace")),
	    json_str(d->x->arena, member(item, "name")));
	state(d)->called = true;
	return part_open(d, &ev);
}

static int
call_piece(struct ir_decoder *d, struct resp_in *it, struct jstr text)
{
	if (text.n == 0 || !state(d)->open)
		return 0;
	it->any = true;
	return emit_text(d, it->kind == RESP_CUSTOM_CALL ? IR_D_TEXT :
	    IR_D_ARGS, text);
}

static int
call_event(struct ir_decoder *d, struct resp_in *it, const char *what,
    struct jv ev)
{
	const char	*whole;

	if (strcmp(what, "function_call_arguments.delta") == 0 ||
	    strcmp(what, "custom_tool_call_input.delta") == 0)
		return call_piece(d, it, json_jstr(json_get(ev, "delta")));
	if (strcmp(what, "function_call_arguments.done") == 0)
		whole = "arguments";
	else if (strcmp(what, "custom_tool_call_input.done") == 0)
		whole = "input";
	else
		return 0;
	return it->any ? 0 :
	    call_piece(d, it, json_jstr(json_get(ev, whole)));
}

static int
call_done(struct ir_decoder *d, struct resp_in *it, struct jv item)
{
	if (call_open(d, it, item) == -1)
		return -1;
	if (it->any)
		return 0;
	return call_piece(d, it, json_jstr(member(item,
	    it->kind == RESP_CUSTOM_CALL ? "input" : "arguments")));
}

/* --- reasoning ------------------------------------------------------------ */

static int
thinking_open(struct ir_decoder *d, struct resp_in *it)
{
	struct ir_event	 ev = { .part = IR_THINKING, .id = it->id,
	    .from = d->dialect };

	return state(d)->open ? 0 : part_open(d, &ev);
}

/*
 * A piece of summary or content number i.  An item with both says the same
 * twice: the kind that comes first is taken.
 */
static int
thinking_piece(struct ir_decoder *d, struct resp_in *it, bool summary,
    int64_t i, struct jstr text)
{
	bool	 more = it->any && it->cur != i;

	if (text.n == 0 || (it->any && it->summary != summary))
		return 0;
	it->summary = summary;
	cur_set(it, i);
	if (thinking_open(d, it) == -1 || (more &&
	    emit_text(d, IR_D_TEXT, JSTR("\\n\\n")) == -1))
		return -1;
	it->any = it->cur_sent = true;
	return emit_text(d, IR_D_TEXT, text);
}

static int
reasoning_event(struct ir_decoder *d, struct resp_in *it, const char *what,
    struct jv ev)
{
	bool		 summary = strncmp(what, "reasoning_summary_", 18) == 0;
	int64_t		 i = 0;

	if (json_int(json_get(ev, summary ? "summary_index" :
	    "content_index"), &i) == -1)
		i = it->cur < 0 ? 0 : it->cur;
	if (strcmp(what, "reasoning_summary_text.delta") == 0 ||
	    strcmp(what, "reasoning_text.delta") == 0)
		return thinking_piece(d, it, summary, i,
		    json_jstr(json_get(ev, "delta")));
	if (strcmp(what, "reasoning_summary_text.done") != 0 &&
	    strcmp(what, "reasoning_text.done") != 0)
		return 0;
	if (i < it->cur || (i == it->cur && it->cur_sent))
		return 0;
	return thinking_piece(d, it, summary, i,
	    json_jstr(json_get(ev, "text")));
}

static int
thinking_list(struct ir_decoder *d, struct resp_in *it, bool summary,
    struct jv list)
{
	struct jv	 v;
	int64_t		 i = 0;

	for (v = json_first(list); json_ok(v); v = json_next(v), i++)
		if (i > it->cur && thinking_piece(d, it, summary, i,
		    json_jstr(json_get(v, "text"))) == -1)
			return -1;
	return 0;
}

static int
reasoning_done(struct ir_decoder *d, struct resp_in *it, struct jv item)
{
	struct ir_event	 ev = { .delta = IR_D_SIGNATURE };

	if (it->id.n == 0)
		it->id = arena_str(d->x->arena,
		    json_str(d->x->arena, member(item, "id")));
	if (non_empty(member(item, "summary")) &&
	    non_empty(member(item, "content")))
		answer_lost_at(d->x, it->any && !it->summary ?
		    "output[$i].summary" : "output[$i].content", LOSS_DROPPED,
		    "one of the reasoning's two texts can be told");
	if (thinking_list(d, it, true, member(item, "summary")) == -1 ||
	    thinking_list(d, it, false, member(item, "content")) == -1)
		return -1;
	ev.text = json_jstr(member(item, "encrypted_content"));
	if (ev.text.n == 0)
		return 0;
	if (thinking_open(d, it) == -1)
		return -1;
	return part_delta(d, &ev);
}

/* --- items ---------------------------------------------------------------- */

static enum resp_kind
item_kind(struct jv item)
{
	struct jv	 t = json_get(item, "type");

	return json_is(t, "message") ? RESP_MESSAGE :
	    json_is(t, "function_call") ? RESP_CALL :
	    json_is(t, "custom_tool_call") ? RESP_CUSTOM_CALL :
	    json_is(t, "reasoning") ? RESP_REASONING : RESP_OTHER;
}

/* An image that the model had made is one for every client. */
static int
image_done(struct ir_decoder *d, struct jv item)
{
	struct ir_event	 ev = { .part = IR_IMAGE, .from = d->dialect };
	struct jv	 format = json_get(item, "output_format");

	ev.id = json_str(d->x->arena, member(item, "id"));
	ev.media_type = json_type(format) != JSON_STRING ? STR("image/png") :
	    arena_strf(d->x->arena, "image/%.*s",
	    STR_FMT(json_str(d->x->arena, format)));
	if (part_open(d, &ev) == -1)
		return -1;
	ev = (struct ir_event){ .delta = IR_D_DATA };
	ev.raw = json_str(d->x->arena, json_get(item, "result"));
	return part_delta(d, &ev);
}

static int
opaque_done(struct ir_decoder *d, struct jv item)
{
	struct ir_event	 ev = { .part = IR_OPAQUE, .raw = json_raw(item),
	    .from = d->dialect };

	if (json_is(json_get(item, "type"), "image_generation_call") &&
	    json_jstr(json_get(item, "result")).n > 0)
		return image_done(d, item);
	return json_type(item) == JSON_OBJECT ? part_open(d, &ev) : 0;
}

/* The whole item: what is left of it, and its end. */
static int
item_done(struct ir_decoder *d, struct resp_in *it, struct jv item)
{
	int	 r = 0;

	if (json_ok(item)) {
		if (!it->any && !state(d)->open)
			it->kind = item_kind(item);
		place(d, it);
		switch (it->kind) {
		case RESP_MESSAGE:
			r = message_done(d, it, item);
			break;
		case RESP_CALL:
		case RESP_CUSTOM_CALL:
			r = call_done(d, it, item);
			break;
		case RESP_REASONING:
			r = reasoning_done(d, it, item);
			break;
		case RESP_OTHER:
			r = opaque_done(d, item);
			break;
		}
	}
	it->done = true;
	return r == -1 ? -1 : part_close(d);
}

/* An event of the live item. */
static int
item_event(struct ir_decoder *d, struct resp_in *it, const char *what,
    struct jv ev)
{
	struct jv	 item = json_get(ev, "item");

	place(d, it);
	if (strcmp(what, "output_item.done") == 0)
		return item_done(d, it, item);
	if (strcmp(what, "output_item.added") == 0) {
		if (it->kind != RESP_CALL && it->kind != RESP_CUSTOM_CALL)
			return 0;
		return call_open(d, it, item);
	}
	switch (it->kind) {
	case RESP_MESSAGE:
		return message_event(d, it, what, ev);
	case RESP_CALL:
	case RESP_CUSTOM_CALL:
		return call_event(d, it, what, ev);
	case RESP_REASONING:
		return reasoning_event(d, it, what, ev);
	case RESP_OTHER:
		break;
	}
	return 0;
}

/* --- the list of items ---------------------------------------------------- */

static void
item_init(struct resp_in *it, enum resp_kind kind, int64_t index)
{
	*it = (struct resp_in){ .kind = kind, .index = index, .cur = -1 };
	it->held_last = &it->held;
}

static struct resp_in *
item_add(struct ir_decoder *d, enum resp_kind kind, int64_t index)
{
	struct resp_dec	*s = state(d);
	struct resp_in	*it = ARENA_NEW(d->x->arena, struct resp_in);

	item_init(it, kind, index);
	if (s->last == NULL)
		s->last = &s->first;
	*s->last = it;
	s->last = &it->next;
	s->items++;
	if (s->live == NULL)
		s->live = it;
	return it;
}

/* Servers that skip output_item.added: the event tells what it is about. */
static enum resp_kind
kind_of_event(const char *what)
{
	static const struct {
		const char	*prefix;
		enum resp_kind	 kind;
	} prefixes[] = {
		{ "output_text.", RESP_MESSAGE },
		{ "refusal.", RESP_MESSAGE },
		{ "content_part.", RESP_MESSAGE },
		{ "function_call_arguments.", RESP_CALL },
		{ "custom_tool_call_input.", RESP_CUSTOM_CALL },
		{ "reasoning_", RESP_REASONING }
	};
	size_t	 i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(what, prefixes[i].prefix,
		    strlen(prefixes[i].prefix)) == 0)
			return prefixes[i].kind;
	return RESP_OTHER;
}

static struct resp_in *
item_find(struct ir_decoder *d, const char *what, struct jv ev)
{
	struct resp_dec	*s = state(d);
	struct jv	 item = json_get(ev, "item");
	struct resp_in	*it;
	int64_t		 index;

	if (json_int(json_get(ev, "output_index"), &index) == -1) {
		if (s->live != NULL)
			return s->live;
		index = s->items;
	}
	if (s->live != NULL && s->live->index == index)
		return s->live;
	for (it = s->first; it != NULL; it = it->next)
		if (it->index == index)
			return it;
	it = item_add(d, json_ok(item) ? item_kind(item) : kind_of_event(what),
	    index);
	it->id = json_str(d->x->arena, member(item, "id"));
	if (it->id.n > 0)
		it->id = arena_str(d->x->arena, it->id);
	return it;
}

static int
item_hold(struct ir_decoder *d, struct resp_in *it, const char *what,
    struct str data)
{
	struct resp_held	*h;

	state(d)->held += data.n;
	if (state(d)->held > RESP_HELD_MAX)
		return fail(d, "the provider's answer is too far out of order");
	h = ARENA_NEW(d->x->arena, struct resp_held);
	h->type = arena_str(d->x->arena, str_of(what));
	h->data = arena_str(d->x->arena, data);
	*it->held_last = h;
	it->held_last = &h->next;
	return 0;
}

/* What was kept of an item that is live now. */
static int
item_replay(struct ir_decoder *d, struct resp_in *it)
{
	struct resp_held	*h;
	struct json		 j;
	struct json_error	 bad;
	int			 r = 0;

	json_init(&j);
	for (h = it->held; h != NULL && r == 0 && !it->done; h = h->next)
		if (json_parse(&j, h->data, &bad) == 0)
			r = item_event(d, it, h->type.p, json_root(&j));
	json_release(&j);
	it->held = NULL;
	it->held_last = &it->held;
	return r;
}

/* Makes the next item live while the one before is complete. */
static int
items_advance(struct ir_decoder *d)
{
	struct resp_dec	*s = state(d);

	while (s->live != NULL && s->live->done) {
		s->live = s->live->next;
		if (s->live != NULL && item_replay(d, s->live) == -1)
			return -1;
	}
	return 0;
}

/* --- the end -------------------------------------------------------------- */

static int64_t
count(struct jv o, const char *name)
{
	int64_t	 n;

	if (json_int(json_get(o, name), &n) == -1)
		return -1;
	return ir_usage_clamp(n);
}

static int64_t
less(int64_t all, int64_t part)
{
	if (all == -1 || part == -1)
		return all;
	return all > part ? all - part : 0;
}

static int
emit_usage(struct ir_decoder *d, struct jv response)
{
	struct ir_event	 ev = { .type = IR_EV_USAGE };
	struct jv	 u = member(response, "usage");
	struct jv	 in = member(u, "input_tokens_details");
	struct jv	 out = member(u, "output_tokens_details");
	struct ir_usage	*n = &ev.usage;

	if (json_type(u) != JSON_OBJECT)
		return 0;
	ir_usage_init(n);
	n->cache_read = count(in, "cached_tokens");
	n->cache_write_5m = count(in, "cache_write_tokens");
	n->reasoning = count(out, "reasoning_tokens");
	n->input = less(less(count(u, "input_tokens"), n->cache_read),
	    n->cache_write_5m);
	n->output = less(count(u, "output_tokens"), n->reasoning);
	n->tier = ir_tier_of(json_get(response, "service_tier"));
	return ir_emit(&d->sink, &ev);
}

static int
emit_stop(struct ir_decoder *d, struct jv response)
{
	struct ir_event	 ev = { .type = IR_EV_STOP, .stop = IR_STOP_END };
	struct jv	 status = json_get(response, "status");
	struct jv	 reason = json_get(member(response,
	    "incomplete_details"), "reason");

	ev.stop_raw = json_str(d->x->arena, member(response, "status"));
	if (json_is(status, "incomplete")) {
		if (json_ok(reason))
			ev.stop_raw = json_str(d->x->arena, reason);
		ev.stop = json_empty(reason) ||
		    json_is(reason, "max_output_tokens") ||
		    json_is(reason, "max_tokens") ? IR_STOP_LENGTH :
		    json_is(reason, "content_filter") ? IR_STOP_FILTER :
		    IR_STOP_OTHER;
	} else if (json_is(status, "in_progress") ||
	    json_is(status, "queued") || json_is(status, "cancelled"))
		ev.stop = IR_STOP_OTHER;
	else if (state(d)->called)
		ev.stop = IR_STOP_TOOL;
	return ir_emit(&d->sink, &ev);
}

static int
finish(struct ir_decoder *d, struct jv response)
{
	struct ir_event	 ev = { .type = IR_EV_END };

	if (emit_usage(d, response) == -1 ||
	    emit_stop(d, response) == -1)
		return -1;
	state(d)->ended = true;
	return ir_emit(&d->sink, &ev);
}

static struct jv
output_at(struct jv output, int64_t index)
{
	struct jv	 v;

	for (v = json_first(output); json_ok(v) && index > 0; index--)
		v = json_next(v);
	return v;
}

/* Was this item of the final list in the stream? */
static bool
item_streamed(struct resp_dec *s, struct jv item, int64_t index,
    struct arena *a)
{
	struct str	 id = json_str(a, member(item, "id"));
	struct resp_in	*it;

	for (it = s->first; it != NULL; it = it->next)
		if (it->index == index || (id.n > 0 && str_eq(it->id, id)))
			return true;
	return false;
}

/* The final list of items completes what the stream left out. */
static int
finish_items(struct ir_decoder *d, struct jv output)
{
	struct resp_dec	*s = state(d);
	struct resp_in	*it;
	struct jv	 v;
	int64_t		 i = 0;

	for (; s->live != NULL; s->live = s->live->next) {
		if (item_replay(d, s->live) == -1)
			return -1;
		if (s->live->done)
			continue;
		v = output_at(output, s->live->index);
		if (json_ok(v) && item_kind(v) != s->live->kind)
			v = JV_NONE;
		if (item_done(d, s->live, v) == -1)
			return -1;
	}
	for (v = json_first(output); json_ok(v); v = json_next(v), i++) {
		if (item_streamed(s, v, i, d->x->arena))
			continue;
		if (s->items >= RESP_ITEMS_MAX)
			return 0;
		it = item_add(d, item_kind(v), i);
		if (item_done(d, it, v) == -1)
			return -1;
		s->live = NULL;
	}
	return 0;
}

/* response.created, .in_progress, .queued; .completed and its like. */
static int
response_event(struct ir_decoder *d, const char *what, struct jv ev)
{
	struct jv	 response = member(ev, "response");

	if (strcmp(what, "failed") == 0)
		return fail_with(d, response);
	if (start(d, response) == -1)
		return -1;
	if (strcmp(what, "completed") != 0 && strcmp(what, "incomplete") != 0 &&
	    strcmp(what, "cancelled") != 0)
		return 0;
	if (finish_items(d, member(response, "output")) == -1)
		return -1;
	return state(d)->ended ? 0 : finish(d, response);
}

static int
output_event(struct ir_decoder *d, const char *what, struct jv ev,
    struct str data)
{
	struct resp_dec	*s = state(d);
	struct resp_in	*it;

	if (start(d, JV_NONE) == -1)
		return -1;
	if (!json_ok(json_get(ev, "output_index")) &&
	    kind_of_event(what) == RESP_OTHER && !json_ok(json_get(ev, "item")))
		return 0;		/* nothing that we know */
	it = item_find(d, what, ev);
	if (s->items > RESP_ITEMS_MAX)
		return fail(d, "the provider's answer has too many items");
	if (it->done)
		return 0;
	if (it != s->live)
		return item_hold(d, it, what, data);
	if (item_event(d, it, what, ev) == -1)
		return -1;
	return items_advance(d);
}

static void
number_seen(struct ir_decoder *d, struct jv root)
{
	int64_t	 n;

	if (json_int(json_get(root, "sequence_number"), &n) == 0 &&
	    n >= d->sequence && n < INT32_MAX)
		d->sequence = n + 1;
}

int
resp_event_decode(struct ir_decoder *d, const struct frame *f)
{
	struct json_error	 bad;
	struct jv		 root;
	struct str		 type;
	char			 what[64];

	if (state(d)->ended || json_parse(&d->json, f->data, &bad) == -1)
		return 0;
	root = json_root(&d->json);
	if (json_type(root) != JSON_OBJECT)
		return 0;
	number_seen(d, root);
	type = json_str(d->x->arena, json_get(root, "type"));
	if (type.n == 0)
		type = f->event;
	if (str_is(type, "error") || (json_ok(member(root, "error")) &&
	    !str_starts(type, "response.")))
		return fail_with(d, root);
	if (!str_starts(type, "response.") || type.n >= sizeof(what))
		return 0;
	ir_error_copy(what, sizeof(what), str_skip(type, 9));
	if (strchr(what, '.') == NULL)
		return response_event(d, what, root);
	return output_event(d, what, root, f->data);
}

int
resp_event_end(struct ir_decoder *d)
{
	if (state(d)->ended)
		return 0;
	return fail(d, "the provider's stream broke off");
}

int
resp_body_decode(struct ir_decoder *d)
{
	struct jv	 root = json_root(&d->json), v;
	struct resp_in	 it;
	int64_t		 i = 0;

	if (json_ok(member(root, "error")) ||
	    json_is(json_get(root, "status"), "failed"))
		return fail_with(d, root);
	if (json_type(json_get(root, "output")) != JSON_ARRAY)
		return fail(d, "the provider's answer is not a response");
	if (start(d, root) == -1)
		return -1;
	for (v = json_first(json_get(root, "output")); json_ok(v);
	    v = json_next(v)) {
		item_init(&it, item_kind(v), i++);
		if (item_done(d, &it, v) == -1)
			return -1;
	}
	return finish(d, root);
}

/* --- for the loss report -------------------------------------------------- */

static const struct json_known text_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("text") },
	{ JSON_KNOWN("annotations") }, { JSON_KNOWN("logprobs") },
	{ JSON_KNOWN("refusal") }, { .name = NULL }
};

static const struct json_known message_known[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("type") }, { JSON_KNOWN("role") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("content"), .in = text_known },
	{ .name = NULL }
};

/* "direct" is what every call is, another one names its caller. */
static const struct json_known caller_known[] = {
	{ JSON_KNOWN("type") }, { .name = NULL }
};

static const struct json_known call_known[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("type") }, { JSON_KNOWN("status") },
	{ JSON_KNOWN("call_id") }, { JSON_KNOWN("name") },
	{ JSON_KNOWN("namespace") }, { JSON_KNOWN("arguments") },
	{ JSON_KNOWN("input") }, { JSON_KNOWN("caller"), .in = caller_known },
	{ .name = NULL }
};

static const struct json_known reasoning_known[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("type") }, { JSON_KNOWN("status") },
	{ JSON_KNOWN("summary") }, { JSON_KNOWN("content") },
	{ JSON_KNOWN("encrypted_content") }, { .name = NULL }
};

static const struct json_known items_known[] = {
	{ JSON_KNOWN("message"), .in = message_known },
	{ JSON_KNOWN("function_call"), .in = call_known },
	{ JSON_KNOWN("custom_tool_call"), .in = call_known },
	{ JSON_KNOWN("reasoning"), .in = reasoning_known }, { .name = NULL }
};

static const struct json_known detail_known[] = {
	{ JSON_KNOWN("cached_tokens") }, { JSON_KNOWN("cache_write_tokens") },
	{ JSON_KNOWN("reasoning_tokens") }, { .name = NULL }
};

static const struct json_known usage_known[] = {
	{ JSON_KNOWN("input_tokens") }, { JSON_KNOWN("output_tokens") },
	{ JSON_KNOWN("total_tokens") },
	{ JSON_KNOWN("input_tokens_details"), .in = detail_known },
	{ JSON_KNOWN("output_tokens_details"), .in = detail_known },
	{ .name = NULL }
};

/*
 * From "instructions" on: what the request asked for, told once more, who pays
 * and which machines it were.
 */
static const struct json_known response_known[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("object") },
	{ JSON_KNOWN("created_at") }, { JSON_KNOWN("completed_at") },
	{ JSON_KNOWN("status") }, { JSON_KNOWN("error") },
	{ JSON_KNOWN("incomplete_details") }, { JSON_KNOWN("model") },
	{ JSON_KNOWN("output"), .in = items_known, .by_type = true },
	{ JSON_KNOWN("output_text") },
	{ JSON_KNOWN("usage"), .in = usage_known },
	{ JSON_KNOWN("service_tier") }, { JSON_KNOWN("instructions") },
	{ JSON_KNOWN("background") }, { JSON_KNOWN("conversation") },
	{ JSON_KNOWN("frequency_penalty") },
	{ JSON_KNOWN("max_output_tokens") }, { JSON_KNOWN("max_tool_calls") },
	{ JSON_KNOWN("metadata") }, { JSON_KNOWN("parallel_tool_calls") },
	{ JSON_KNOWN("presence_penalty") },
	{ JSON_KNOWN("previous_response_id") }, { JSON_KNOWN("prompt") },
	{ JSON_KNOWN("prompt_cache_key") },
	{ JSON_KNOWN("prompt_cache_retention") }, { JSON_KNOWN("reasoning") },
	{ JSON_KNOWN("safety_identifier") }, { JSON_KNOWN("store") },
	{ JSON_KNOWN("temperature") }, { JSON_KNOWN("text") },
	{ JSON_KNOWN("tool_choice") }, { JSON_KNOWN("tools") },
	{ JSON_KNOWN("top_logprobs") }, { JSON_KNOWN("top_p") },
	{ JSON_KNOWN("truncation") }, { JSON_KNOWN("user") },
	{ JSON_KNOWN("prompt_cache_options") }, { JSON_KNOWN("billing") },
	{ JSON_KNOWN("system_fingerprint") }, { .name = NULL }
};

static const struct json_known end_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("sequence_number") },
	{ JSON_KNOWN("response"), .in = response_known }, { .name = NULL }
};

/* The last event holds all of the others once more. */
static const struct json_known events_known[] = {
	{ JSON_KNOWN("response.completed"), .in = end_known },
	{ JSON_KNOWN("response.incomplete"), .in = end_known },
	{ .name = NULL }
};

const struct dialect_answer resp_answer = {
	.members = {
		[ANSWER_SIGNATURE] = "output[$i].encrypted_content",
		[ANSWER_NOTES] = ".annotations",
		[ANSWER_LOGPROBS] = ".logprobs",
		[ANSWER_ARGS] = ".arguments",
		[ANSWER_STOP] = "incomplete_details.reason",
	},
	.body = { .in = response_known },
	.event = { .in = events_known, .by_type = true },
};
