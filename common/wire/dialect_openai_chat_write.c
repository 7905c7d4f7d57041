/*
 * OpenAI Chat Completions: events into chunks, a folded answer into a body.
 *
 * A choice's first chunk has the role, a call's first one everything but its
 * arguments; "finish_reason" comes with an empty delta, usage in a chunk of its
 * own where the client asked for it, then [DONE].
 */
#include "wire/answer_loss.h"
#include "wire/cite.h"
#include "wire/dialect_openai_chat.h"

/* How the call at hand is written. */
enum call_mode {
	CALL_FUNCTION,
	CALL_CUSTOM,
	CALL_UNWRAP,		/* a function, for the client's custom tool */
	CALL_LEGACY,		/* function_call */
	CALL_SKIP		/* a second one for a client of functions */
};

/* Bytes that are written when their part ends. */
struct held {
	struct str	 s;
	struct held	*next;
};

struct chat_enc_choice {
	bool		 stopped;
	unsigned	 n_calls;
	enum call_mode	 mode;
	bool		 any_args;
	struct held	*held, **last_held;
	struct str	 media_type;
	int64_t		 chars;		/* of text, all parts' */
	struct cite_hold hold;
};

/* --- what both forms share ------------------------------------------------ */

static struct str
answer_id(struct ir_exchange *x, struct str id)
{
	return ir_id_prefixed(x->arena, id.n > 0 ? id : x->id, "chatcmpl-");
}

static struct str
answer_model(const struct ir_exchange *x, struct str model)
{
	if (model.n > 0)
		return model;
	if (x->target.model.n > 0)
		return x->target.model;
	return x->rq != NULL ? x->rq->model : STR_NONE;
}

static void
write_head(struct jw *w, struct str id, const char *object, int64_t created,
    struct str model)
{
	jw_key(w, "id");
	jw_str(w, id);
	jw_key(w, "object");
	jw_strz(w, object);
	jw_key(w, "created");
	jw_int(w, created);
	jw_key(w, "model");
	jw_str(w, model);
}

/* Does the client know functions only, as before there were tools? */
static bool
legacy_client(const struct ir_exchange *x)
{
	struct jv	 root;

	if (x->rq == NULL || x->rq->json == NULL ||
	    x->rq->from != &dialect_openai_chat)
		return false;
	root = json_root(x->rq->json);
	return !json_empty(json_get(root, "functions")) &&
	    json_empty(json_get(root, "tools"));
}

static enum call_mode
call_mode(const struct ir_exchange *x, enum ir_tool_kind kind,
    struct str name, unsigned n_calls)
{
	const struct ir_tool	*t;

	if (legacy_client(x))
		return n_calls == 0 ? CALL_LEGACY : CALL_SKIP;
	if (kind == IR_CUSTOM)
		return CALL_CUSTOM;
	t = ir_tool_find(x->rq, name);
	return t != NULL && t->kind == IR_CUSTOM ? CALL_UNWRAP :
	    CALL_FUNCTION;
}

/* Providers without ids: one that no other call of any answer has. */
static struct str
call_id(struct ir_exchange *x, struct str id, unsigned choice, unsigned n)
{
	if (id.n > 0)
		return id;
	return arena_strf(x->arena, "call_%.*s_%u_%u", STR_FMT(x->id), choice,
	    n);
}

/* The input of a custom tool that was run as a function of one string. */
static struct jstr
unwrap(struct arena *a, struct jstr args)
{
	struct json		 j;
	struct json_error	 bad;
	struct jstr		 input = args;
	struct jv		 v;

	json_init(&j);
	if (json_parse(&j, jstr_decode(a, args), &bad) == 0) {
		v = json_get(json_root(&j), "input");
		if (json_type(v) == JSON_STRING)
			input = json_jstr(v);
	}
	json_release(&j);
	return input;
}

static const char *
finish_reason(struct ir_exchange *x, enum ir_stop stop, struct str raw)
{
	switch (stop) {
	case IR_STOP_LENGTH:
	case IR_STOP_CONTEXT:
		return "length";
	case IR_STOP_TOOL:
		return legacy_client(x) ? "function_call" : "tool_calls";
	case IR_STOP_FILTER:
	case IR_STOP_REFUSAL:
		return "content_filter";
	case IR_STOP_OTHER:
		/* A word of this dialect, if not of OpenAI, is kept. */
		if (x->target.dialect == &dialect_openai_chat && raw.n > 0)
			return arena_str(x->arena, raw).p;
		/* FALLTHROUGH */
	default:
		dialect_lose_stop(x, stop, raw);
		return "stop";
	}
}

static bool
usage_known(const struct ir_usage *u)
{
	return u->input >= 0 || u->output >= 0 || u->cache_read >= 0 ||
	    u->reasoning >= 0;
}

static void
write_tier(struct jw *w, const struct ir_usage *u)
{
	if (ir_tier_name(u->tier, IR_TIER_OPENAI) == NULL)
		return;
	jw_key(w, "service_tier");
	jw_strz(w, ir_tier_name(u->tier, IR_TIER_OPENAI));
}

/* The prompt's count holds what came from the cache and went into it. */
static void
write_usage(struct jw *w, const struct ir_usage *u)
{
	int64_t	 written = ir_usage_sum(u->cache_write_5m, u->cache_write_1h);
	int64_t	 in = ir_usage_sum(u->input, u->cache_read) + written;
	int64_t	 out = ir_usage_sum(u->output, u->reasoning);

	jw_object(w);
	jw_key(w, "prompt_tokens");
	jw_int(w, in);
	jw_key(w, "completion_tokens");
	jw_int(w, out);
	jw_key(w, "total_tokens");
	jw_int(w, in + out);
	jw_key(w, "prompt_tokens_details");
	jw_object(w);
	jw_key(w, "cached_tokens");
	jw_int(w, ir_usage_sum(u->cache_read, 0));
	if (written > 0) {
		jw_key(w, "cache_write_tokens");
		jw_int(w, written);
	}
	jw_object_end(w);
	jw_key(w, "completion_tokens_details");
	jw_object(w);
	jw_key(w, "reasoning_tokens");
	jw_int(w, ir_usage_sum(u->reasoning, 0));
	jw_object_end(w);
	jw_object_end(w);
}

/* The Responses API has the citation's members one level higher. */
static bool
write_citation(struct jw *w, struct jv v, int64_t before)
{
	static const char *const names[] = { "start_index", "end_index",
	    "url", "title", NULL };
	int64_t	 n;

	if (!json_is(json_get(v, "type"), "url_citation"))
		return false;
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "url_citation");
	jw_key(w, "url_citation");
	jw_object(w);
	for (int i = 0; names[i] != NULL; i++) {
		if (!json_ok(json_get(v, names[i])))
			continue;
		jw_key(w, names[i]);
		/* Of the message there, of the part here. */
		if (i < 2 && json_int(json_get(v, names[i]), &n) == 0)
			jw_int(w, n + before);
		else
			jw_raw(w, json_raw(json_get(v, names[i])));
	}
	jw_object_end(w);
	jw_object_end(w);
	return true;
}

/*
 * Adds those in list (values, commas between) that this dialect has a form for
 * to w, an array's elements.
 */
static void
notes_fit(struct ir_exchange *x, struct jw *w, struct str list,
    const struct dialect *from, const struct cite_text *about)
{
	struct json	 j;
	struct jv	 e;
	unsigned	 n = 0;

	if (from == &dialect_openai_chat) {
		jw_raw(w, list);
		return;
	}
	json_init(&j);
	if (from != &dialect_openai_responses) {
		n = cite_write(x->arena, from, &dialect_openai_chat, list,
		    about, w);
		if (n == 0)
			answer_lost_notes(x, list, LOSS_APPROXIMATED,
			    "citations in another provider's form");
	} else if (json_parse(&j, arena_strf(x->arena, "[%.*s]",
	    STR_FMT(list)), NULL) == 0)
		for (e = json_first(json_root(&j)); json_ok(e);
		    e = json_next(e))
			n += !write_citation(w, e, about->before);
	json_release(&j);
	if (n > 0)
		answer_lost_notes(x, list, LOSS_DROPPED,
		    "a citation of what only its provider knows");
}

/* list: in this dialect's form, commas between. */
static void
write_annotations(struct jw *w, struct str list)
{
	if (list.n == 0)
		return;
	jw_key(w, "annotations");
	jw_array(w);
	jw_raw(w, list);
	jw_array_end(w);
}

static void
write_image_part(struct jw *w, struct str type, const struct held *held,
    struct str data)
{
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "image_url");
	jw_key(w, "image_url");
	jw_object(w);
	jw_key(w, "url");
	jw_open(w);
	jw_piece_str(w, STR("data:"));
	jw_piece_str(w, type.n > 0 ? type : STR("image/png"));
	jw_piece_str(w, STR(";base64,"));
	jw_piece_str(w, data);
	for (; held != NULL; held = held->next)
		jw_piece_str(w, held->s);
	jw_close(w);
	jw_object_end(w);
	jw_object_end(w);
}

/* --- chunks --------------------------------------------------------------- */

static void
chunk_head(struct ir_encoder *enc, struct jw *w)
{
	struct chat_enc	*st = enc->state;

	sse_open(enc->out, NULL);
	jw_init(w, enc->out);
	jw_object(w);
	write_head(w, st->id, "chat.completion.chunk", st->created, st->model);
	jw_key(w, "choices");
	jw_array(w);
}

static bool
wants_usage(const struct ir_encoder *enc)
{
	return enc->x->rq == NULL || enc->x->rq->stream_usage;
}

/* As far as the delta's members. */
static void
chunk_open(struct ir_encoder *enc, struct jw *w, unsigned choice)
{
	chunk_head(enc, w);
	jw_object(w);
	jw_key(w, "index");
	jw_int(w, choice);
	jw_key(w, "delta");
	jw_object(w);
}

/* Behind the delta: its choice's rest and the chunk's. */
static void
chunk_rest(struct ir_encoder *enc, struct jw *w, const char *reason)
{
	jw_key(w, "finish_reason");
	if (reason != NULL)
		jw_strz(w, reason);
	else
		jw_null(w);
	jw_object_end(w);
	jw_array_end(w);
	if (wants_usage(enc)) {
		jw_key(w, "usage");
		jw_null(w);
	}
	jw_object_end(w);
	sse_close(enc->out);
}

static void
chunk_close(struct ir_encoder *enc, struct jw *w)
{
	jw_object_end(w);
	jw_key(w, "logprobs");
	jw_null(w);
	chunk_rest(enc, w, NULL);
}

/* A choice's first chunk; calls and thoughts come before any content. */
static struct chat_enc_choice *
choice_open(struct ir_encoder *enc, unsigned index, bool content)
{
	struct chat_enc		*st = enc->state;
	struct chat_enc_choice	**c = &st->choice[index];
	struct jw		 w;

	if (*c != NULL)
		return *c;
	*c = ARENA_NEW(enc->x->arena, struct chat_enc_choice);
	(*c)->last_held = &(*c)->held;
	chunk_open(enc, &w, index);
	jw_key(&w, "role");
	jw_strz(&w, "assistant");
	jw_key(&w, "content");
	if (content)
		jw_strz(&w, "");
	else
		jw_null(&w);
	chunk_close(enc, &w);
	return *c;
}

static void
chunk_text(struct ir_encoder *enc, unsigned choice, const char *member,
    struct jstr text)
{
	struct jw	 w;

	chunk_open(enc, &w, choice);
	jw_key(&w, member);
	jw_jstr(&w, text);
	chunk_close(enc, &w);
}

/* --- calls in chunks ------------------------------------------------------ */

static void
call_open(struct jw *w, const struct chat_enc_choice *c)
{
	jw_key(w, "tool_calls");
	jw_array(w);
	jw_object(w);
	jw_key(w, "index");
	jw_int(w, (int64_t)c->n_calls - 1);
}

static void
call_close(struct jw *w)
{
	jw_object_end(w);
	jw_array_end(w);
}

static void
call_start(struct ir_encoder *enc, struct chat_enc_choice *c,
    const struct ir_event *ev)
{
	struct str	 name = ir_name_restore(&enc->x->names, ev->name);
	bool		 custom;
	struct jw	 w;

	c->mode = call_mode(enc->x, ev->tool, name, c->n_calls++);
	c->any_args = false;
	if (c->mode == CALL_SKIP) {
		answer_lost(enc->x, ANSWER_PART, LOSS_DROPPED,
		    "the client takes one call only");
		return;
	}
	custom = c->mode == CALL_CUSTOM || c->mode == CALL_UNWRAP;
	chunk_open(enc, &w, ev->choice);
	if (c->mode == CALL_LEGACY)
		jw_key(&w, "function_call");
	else {
		call_open(&w, c);
		jw_key(&w, "id");
		jw_str(&w, call_id(enc->x, ev->id, ev->choice,
		    c->n_calls - 1));
		jw_key(&w, "type");
		jw_strz(&w, custom ? "custom" : "function");
		jw_key(&w, custom ? "custom" : "function");
	}
	jw_object(&w);
	jw_key(&w, "name");
	jw_str(&w, name);
	jw_key(&w, custom ? "input" : "arguments");
	jw_strz(&w, "");
	jw_object_end(&w);
	if (c->mode != CALL_LEGACY)
		call_close(&w);
	chunk_close(enc, &w);
}

static void
call_piece(struct ir_encoder *enc, struct chat_enc_choice *c, unsigned choice,
    struct jstr text)
{
	bool		 custom = c->mode == CALL_CUSTOM ||
			    c->mode == CALL_UNWRAP;
	struct jw	 w;

	if (jstr_empty(text) || c->mode == CALL_SKIP)
		return;
	c->any_args = true;
	chunk_open(enc, &w, choice);
	if (c->mode == CALL_LEGACY)
		jw_key(&w, "function_call");
	else {
		call_open(&w, c);
		jw_key(&w, custom ? "custom" : "function");
	}
	jw_object(&w);
	jw_key(&w, custom ? "input" : "arguments");
	jw_jstr(&w, text);
	jw_object_end(&w);
	if (c->mode != CALL_LEGACY)
		call_close(&w);
	chunk_close(enc, &w);
}

static void
hold(struct ir_encoder *enc, struct chat_enc_choice *c, struct str s)
{
	struct held	*h;

	if (s.n == 0)
		return;
	h = ARENA_NEW(enc->x->arena, struct held);
	h->s = arena_str(enc->x->arena, s);
	*c->last_held = h;
	c->last_held = &h->next;
}

static struct str
held_take(struct arena *a, struct chat_enc_choice *c)
{
	size_t	 n = 0;
	char	*p, *q;

	for (struct held *h = c->held; h != NULL; h = h->next)
		n += h->s.n;
	p = q = arena_bytes(a, n + 1);
	for (struct held *h = c->held; h != NULL; h = h->next) {
		memcpy(q, h->s.p, h->s.n);
		q += h->s.n;
	}
	c->held = NULL;
	c->last_held = &c->held;
	return (struct str){ p, n };
}

static void
call_args(struct ir_encoder *enc, struct chat_enc_choice *c,
    const struct ir_event *ev)
{
	if (c->mode == CALL_UNWRAP)
		hold(enc, c, (struct str){ ev->text.p, ev->text.n });
	else
		call_piece(enc, c, ev->choice, ev->text);
}

/* A client's JSON.parse("") fails: no arguments are {}. */
static void
call_end(struct ir_encoder *enc, struct chat_enc_choice *c, unsigned choice)
{
	struct str	 args;

	if (c->mode == CALL_UNWRAP) {
		args = held_take(enc->x->arena, c);
		call_piece(enc, c, choice, unwrap(enc->x->arena,
		    (struct jstr){ args.p, args.n }));
	} else if (!c->any_args && c->mode != CALL_CUSTOM)
		call_piece(enc, c, choice, JSTR("{}"));
}

/* --- events --------------------------------------------------------------- */

static void
part_start(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct chat_enc_choice	*c;
	struct jw		 w;

	c = choice_open(enc, ev->choice,
	    ev->part == IR_TEXT || ev->part == IR_REFUSAL);
	c->chars += cite_chars(cite_held_text(&c->hold));
	cite_hold_clear(&c->hold);
	c->media_type = STR_NONE;
	if (ev->part == IR_TOOL_CALL)
		call_start(enc, c, ev);
	else if (ev->part == IR_IMAGE && ev->media_type.n > 0)
		c->media_type = arena_str(enc->x->arena, ev->media_type);
	else if (ev->part == IR_OPAQUE && ev->from == &dialect_openai_chat) {
		/* Its raw form is the delta: {"audio":{..}}. */
		chunk_head(enc, &w);
		jw_object(&w);
		jw_key(&w, "index");
		jw_int(&w, ev->choice);
		jw_key(&w, "delta");
		jw_raw(&w, ev->raw);
		jw_key(&w, "logprobs");
		jw_null(&w);
		chunk_rest(enc, &w, NULL);
	} else if (ev->part == IR_OPAQUE)
		answer_lost(enc->x, ANSWER_PART, LOSS_DROPPED,
		    "a part that only its own dialect knows");
	else if (ev->part == IR_AUDIO || ev->part == IR_VIDEO ||
	    ev->part == IR_DOCUMENT)
		answer_lost(enc->x, ANSWER_PART, LOSS_DROPPED,
		    "media that has no place there");
}

static void
part_text(struct ir_encoder *enc, struct chat_enc_choice *c,
    const struct ir_event *ev)
{
	if (jstr_empty(ev->text))
		return;
	if (ev->part == IR_TOOL_CALL)
		call_piece(enc, c, ev->choice, ev->text);
	else
		chunk_text(enc, ev->choice,
		    ev->part == IR_THINKING ? "reasoning_content" :
		    ev->part == IR_REFUSAL ? "refusal" : "content", ev->text);
	if (ev->part == IR_TEXT)
		cite_hold_text(enc->x->arena, &c->hold, ev->text);
}

static void
write_chunk_notes(struct ir_encoder *enc, struct chat_enc_choice *c,
    unsigned choice, const struct dialect *from, struct str notes)
{
	struct cite_text	 about = { .text = cite_held_text(&c->hold),
				     .chars = -1, .before = c->chars };
	struct buf		 b;
	struct jw		 w;

	buf_init(&b, SIZE_MAX / 2);
	jw_init(&w, &b);
	notes_fit(enc->x, &w, notes, from, &about);
	if (b.len > 0) {
		chunk_open(enc, &w, choice);
		write_annotations(&w, buf_str(&b));
		chunk_close(enc, &w);
	}
	buf_release(&b);
}

static void
part_annotation(struct ir_encoder *enc, struct chat_enc_choice *c,
    const struct ir_event *ev)
{
	if (ev->from == &dialect_openai_chat ||
	    ev->from == &dialect_openai_responses)
		write_chunk_notes(enc, c, ev->choice, ev->from, ev->raw);
	else
		cite_hold_note(enc->x->arena, &c->hold, ev->from, ev->raw);
}

static void
part_logprobs(struct ir_encoder *enc, const struct ir_event *ev)
{
	bool		 refusal = ev->part == IR_REFUSAL;
	struct jw	 w;

	chunk_open(enc, &w, ev->choice);
	jw_object_end(&w);
	jw_key(&w, "logprobs");
	jw_object(&w);
	jw_key(&w, refusal ? "refusal" : "content");
	jw_raw(&w, ev->raw);
	jw_key(&w, refusal ? "content" : "refusal");
	jw_null(&w);
	jw_object_end(&w);
	chunk_rest(enc, &w, NULL);
}

static void
part_delta(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct chat_enc_choice	*c = choice_open(enc, ev->choice, true);

	switch (ev->delta) {
	case IR_D_TEXT:
		part_text(enc, c, ev);
		break;
	case IR_D_ARGS:
		call_args(enc, c, ev);
		break;
	case IR_D_DATA:
		if (ev->part == IR_IMAGE)
			hold(enc, c, ev->raw);
		break;
	case IR_D_ANNOTATION:
		part_annotation(enc, c, ev);
		break;
	case IR_D_LOGPROBS:
		part_logprobs(enc, ev);
		break;
	case IR_D_SIGNATURE:
		answer_lost(enc->x, ANSWER_SIGNATURE, LOSS_DROPPED,
		    answer_state_why);
		break;
	case IR_D_REDACTED:
		answer_lost(enc->x, ANSWER_REDACTED, LOSS_DROPPED,
		    answer_state_why);
		break;
	}
}

static void
held_notes(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct chat_enc_choice	*c = choice_open(enc, ev->choice, true);

	if (c->hold.notes.n > 0)
		write_chunk_notes(enc, c, ev->choice, c->hold.from,
		    cite_held_notes(&c->hold));
	c->hold.notes.n = 0;
}

static void
part_end(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct chat_enc_choice	*c = choice_open(enc, ev->choice, true);
	struct jw		 w;

	if (ev->part == IR_TOOL_CALL)
		call_end(enc, c, ev->choice);
	if (ev->part != IR_IMAGE || c->held == NULL)
		return;
	chunk_open(enc, &w, ev->choice);
	jw_key(&w, "images");
	jw_array(&w);
	write_image_part(&w, c->media_type, c->held, STR_NONE);
	jw_array_end(&w);
	chunk_close(enc, &w);
	c->held = NULL;
	c->last_held = &c->held;
	answer_lost(enc->x, ANSWER_PART, LOSS_APPROXIMATED,
	    "in a member that not all clients know");
}

static void
write_finish(struct ir_encoder *enc, unsigned choice, const char *reason)
{
	struct chat_enc_choice	*c = choice_open(enc, choice, true);
	struct jw		 w;

	c->stopped = true;
	chunk_open(enc, &w, choice);
	jw_object_end(&w);
	jw_key(&w, "logprobs");
	jw_null(&w);
	chunk_rest(enc, &w, reason);
}

static void
write_end(struct ir_encoder *enc)
{
	struct chat_enc	*st = enc->state;
	bool		 any = false;
	struct jw	 w;

	for (unsigned i = 0; i < IR_CHOICES_MAX; i++)
		any = any || st->choice[i] != NULL;
	if (!any)
		write_finish(enc, 0, "stop");
	if (st->has_usage && wants_usage(enc)) {
		chunk_head(enc, &w);
		jw_array_end(&w);
		jw_key(&w, "usage");
		write_usage(&w, &st->usage);
		write_tier(&w, &st->usage);
		jw_object_end(&w);
		sse_close(enc->out);
	}
	sse_open(enc->out, NULL);
	buf_addz(enc->out, "[DONE]");
	sse_close(enc->out);
}

/* The official clients throw at this; nothing may follow. */
static void
write_error(struct ir_encoder *enc, const struct ir_error *err)
{
	struct jw	 w;

	sse_open(enc->out, NULL);
	jw_init(&w, enc->out);
	chat_error_write(err, &w);
	sse_close(enc->out);
}

static void
enc_start(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct chat_enc	*st = enc->state;
	struct arena	*a = enc->x->arena;

	st->started = true;
	st->id = arena_str(a, answer_id(enc->x, ev->id));
	st->model = arena_str(a, answer_model(enc->x, ev->name));
	st->created = ev->created > 0 ? ev->created : enc->x->created;
}

void
chat_event_encode(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct chat_enc	*st = enc->state;

	if (st->over)
		return;
	switch (ev->type) {
	case IR_EV_START:
		enc_start(enc, ev);
		break;
	case IR_EV_PART_START:
		part_start(enc, ev);
		break;
	case IR_EV_DELTA:
		part_delta(enc, ev);
		break;
	case IR_EV_PART_END:
		held_notes(enc, ev);
		part_end(enc, ev);
		break;
	case IR_EV_USAGE:
		st->usage = ev->usage;
		st->has_usage = usage_known(&ev->usage);
		break;
	case IR_EV_STOP:
		write_finish(enc, ev->choice,
		    finish_reason(enc->x, ev->stop, ev->stop_raw));
		break;
	case IR_EV_END:
		write_end(enc);
		st->over = true;
		break;
	case IR_EV_ERROR:
		write_error(enc, ev->error);
		st->over = true;
		break;
	case IR_EV_PING:
		break;
	}
}

/* --- a body --------------------------------------------------------------- */

static unsigned
parts_of(const struct ir_out_choice *c, enum ir_part_type type)
{
	unsigned	 n = 0;

	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next)
		n += p->type == type;
	return n;
}

/* The parts of one type as one string, as the chunks of a stream add up. */
static void
write_texts(struct jw *w, const struct ir_out_choice *c,
    enum ir_part_type type)
{
	jw_open(w);
	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next)
		if (p->type == type)
			jw_piece_jstr(w, (struct jstr){ buf_str(&p->text).p,
			    p->text.len });
	jw_close(w);
}

static void
write_content(struct jw *w, const struct ir_out_choice *c)
{
	jw_key(w, "content");
	if (parts_of(c, IR_TEXT) > 0)
		write_texts(w, c, IR_TEXT);
	else if (parts_of(c, IR_TOOL_CALL) + parts_of(c, IR_REFUSAL) +
	    parts_of(c, IR_OPAQUE) + parts_of(c, IR_IMAGE) > 0)
		jw_null(w);
	else
		jw_strz(w, "");
	jw_key(w, "refusal");
	if (parts_of(c, IR_REFUSAL) > 0)
		write_texts(w, c, IR_REFUSAL);
	else
		jw_null(w);
	if (parts_of(c, IR_THINKING) > 0) {
		jw_key(w, "reasoning_content");
		write_texts(w, c, IR_THINKING);
	}
}

static void
write_call(struct ir_exchange *x, struct jw *w, const struct ir_out_part *p,
    unsigned choice, unsigned n)
{
	struct str	 name = ir_name_restore(&x->names, p->name);
	enum call_mode	 mode = call_mode(x, p->tool, name, n);
	struct jstr	 text = { buf_str(&p->text).p, p->text.len };
	bool		 custom = mode == CALL_CUSTOM || mode == CALL_UNWRAP;

	if (mode == CALL_UNWRAP)
		text = unwrap(x->arena, text);
	else if (mode != CALL_CUSTOM && jstr_empty(text))
		text = JSTR("{}");
	if (mode != CALL_LEGACY) {
		jw_object(w);
		jw_key(w, "id");
		jw_str(w, call_id(x, p->id, choice, n));
		jw_key(w, "type");
		jw_strz(w, custom ? "custom" : "function");
		jw_key(w, custom ? "custom" : "function");
	}
	jw_object(w);
	jw_key(w, "name");
	jw_str(w, name);
	jw_key(w, custom ? "input" : "arguments");
	jw_jstr(w, text);
	jw_object_end(w);
	if (mode != CALL_LEGACY)
		jw_object_end(w);
}

static void
write_calls(struct ir_exchange *x, struct jw *w,
    const struct ir_out_choice *c)
{
	unsigned	 n = 0;
	bool		 legacy = legacy_client(x);

	if (parts_of(c, IR_TOOL_CALL) == 0)
		return;
	jw_key(w, legacy ? "function_call" : "tool_calls");
	if (!legacy)
		jw_array(w);
	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next) {
		if (p->type != IR_TOOL_CALL)
			continue;
		x->at = p->at;
		if (legacy && n > 0) {
			answer_lost(x, ANSWER_PART, LOSS_DROPPED,
			    "the client takes one call only");
			break;
		}
		write_call(x, w, p, c->index, n++);
	}
	if (!legacy)
		jw_array_end(w);
}

/* Pieces of audio as a stream brought them, or the whole of it. */
static void
audio_text(struct jw *w, const struct json *j, unsigned n, const char *member)
{
	struct jv	 v;

	jw_key(w, member);
	jw_open(w);
	for (unsigned i = 0; i < n; i++) {
		v = json_get(json_get(json_root(&j[i]), "audio"), member);
		if (json_type(v) == JSON_STRING)
			jw_piece_jstr(w, json_jstr(v));
	}
	jw_close(w);
}

static void
audio_last(struct jw *w, const struct json *j, unsigned n, const char *member)
{
	struct jv	 v;

	while (n-- > 0) {
		v = json_get(json_get(json_root(&j[n]), "audio"), member);
		if (json_empty(v))
			continue;
		jw_key(w, member);
		jw_raw(w, json_raw(v));
		return;
	}
}

static void
write_audio(struct ir_exchange *x, struct jw *w,
    const struct ir_out_choice *c)
{
	unsigned		 n = 0, max = parts_of(c, IR_OPAQUE);
	struct json		*j = arena_array(x->arena, max, sizeof(*j));
	struct json_error	 bad;

	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next) {
		if (p->type != IR_OPAQUE)
			continue;
		json_init(&j[n]);
		if (p->from == &dialect_openai_chat &&
		    json_parse(&j[n], p->raw, &bad) == 0)
			n++;
		else {
			json_release(&j[n]);
			x->at = p->at;
			answer_lost(x, ANSWER_PART, LOSS_DROPPED,
			    "a part that only its own dialect knows");
		}
	}
	if (n > 0)
		jw_key(w, "audio");
	if (n == 1)
		jw_raw(w, json_raw(json_get(json_root(&j[0]), "audio")));
	else if (n > 1) {
		jw_object(w);
		audio_last(w, j, n, "id");
		audio_last(w, j, n, "expires_at");
		audio_text(w, j, n, "data");
		audio_text(w, j, n, "transcript");
		jw_object_end(w);
	}
	for (unsigned i = 0; i < n; i++)
		json_release(&j[i]);
}

static void
write_images(struct ir_exchange *x, struct jw *w,
    const struct ir_out_choice *c)
{
	const struct ir_out_part	*p;

	if (parts_of(c, IR_IMAGE) > 0) {
		jw_key(w, "images");
		jw_array(w);
	}
	for (p = c->parts; p != NULL; p = p->next) {
		x->at = p->at;
		if (p->type == IR_IMAGE) {
			write_image_part(w, p->media_type, NULL,
			    buf_str(&p->data));
			answer_lost(x, ANSWER_PART, LOSS_APPROXIMATED,
			    "in a member that not all clients know");
		} else if (p->type == IR_AUDIO || p->type == IR_VIDEO ||
		    p->type == IR_DOCUMENT)
			answer_lost(x, ANSWER_PART, LOSS_DROPPED,
			    "media that has no place there");
	}
	if (parts_of(c, IR_IMAGE) > 0)
		jw_array_end(w);
}

/* Characters are counted as far as a note may refer to them. */
static const struct ir_out_part *
last_with_notes(const struct ir_out_choice *c)
{
	const struct ir_out_part	*p, *last = NULL;

	for (p = c->parts; p != NULL; p = p->next)
		if (p->annotations.len > 0)
			last = p;
	return last;
}

static void
write_notes(struct ir_exchange *x, struct jw *w,
    const struct ir_out_choice *c)
{
	const struct ir_out_part	*last = last_with_notes(c);
	struct cite_text		 about = { .chars = -1 };
	struct buf			 all;
	struct jw			 nw;

	buf_init(&all, SIZE_MAX / 2);
	jw_init(&nw, &all);
	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next) {
		x->at = p->at;
		if (p->signature.n + p->redacted.n > 0)
			answer_lost(x, p->redacted.n > 0 ? ANSWER_REDACTED :
			    ANSWER_SIGNATURE, LOSS_DROPPED, answer_state_why);
		if (p->type != IR_TEXT)
			continue;
		about.text = (struct jstr){ p->text.data, p->text.len };
		if (p->annotations.len > 0)
			notes_fit(x, &nw, buf_str(&p->annotations), p->from,
			    &about);
		if (p == last)
			last = NULL;
		if (last != NULL)
			about.before += cite_chars(about.text);
	}
	write_annotations(w, buf_str(&all));
	buf_release(&all);
}

static void
write_logprobs(struct jw *w, const struct ir_out_choice *c,
    enum ir_part_type type)
{
	bool	 any = false;

	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next) {
		if (p->type != type || p->logprobs.len == 0)
			continue;
		if (!any)
			jw_array(w);
		any = true;
		jw_raw(w, buf_str(&p->logprobs));
	}
	if (any)
		jw_array_end(w);
	else
		jw_null(w);
}

static void
write_choice(struct ir_exchange *x, struct jw *w,
    const struct ir_out_choice *c)
{
	bool	 logprobs = false;

	jw_object(w);
	jw_key(w, "index");
	jw_int(w, c->index);
	jw_key(w, "message");
	jw_object(w);
	jw_key(w, "role");
	jw_strz(w, "assistant");
	write_content(w, c);
	write_calls(x, w, c);
	write_audio(x, w, c);
	write_images(x, w, c);
	write_notes(x, w, c);
	jw_object_end(w);
	for (const struct ir_out_part *p = c->parts; p != NULL; p = p->next)
		logprobs = logprobs || p->logprobs.len > 0;
	jw_key(w, "logprobs");
	if (logprobs) {
		jw_object(w);
		jw_key(w, "content");
		write_logprobs(w, c, IR_TEXT);
		jw_key(w, "refusal");
		write_logprobs(w, c, IR_REFUSAL);
		jw_object_end(w);
	} else
		jw_null(w);
	jw_key(w, "finish_reason");
	x->at = c->at;
	jw_strz(w, finish_reason(x, c->stop, c->stop_raw));
	jw_object_end(w);
}

void
chat_body_encode(struct ir_exchange *x, const struct ir_response *r,
    struct buf *out)
{
	static const struct ir_out_choice	 empty = { .stop = IR_STOP_END };
	struct jw				 w;

	jw_init(&w, out);
	jw_object(&w);
	write_head(&w, answer_id(x, r->id), "chat.completion",
	    r->created > 0 ? r->created : x->created,
	    answer_model(x, r->model));
	jw_key(&w, "choices");
	jw_array(&w);
	if (r->choices == NULL)
		write_choice(x, &w, &empty);
	for (const struct ir_out_choice *c = r->choices; c != NULL;
	    c = c->next)
		write_choice(x, &w, c);
	jw_array_end(&w);
	if (usage_known(&r->usage)) {
		jw_key(&w, "usage");
		write_usage(&w, &r->usage);
	}
	write_tier(&w, &r->usage);
	jw_object_end(&w);
}
