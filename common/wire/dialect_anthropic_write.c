/*
 * Common form to Anthropic's answer, as a stream of events or a message.
 *
 * A block is opened at its first content, so a part that stays empty leaves
 * nothing that the client would send back; only calls open at once, as theirs
 * is the name.  message_start waits for the first block or end: some providers
 * tell the input's tokens right behind the start.
 */
#include "wire/answer_loss.h"
#include "wire/cite.h"
#include "wire/dialect_anthropic.h"

#include <string.h>

static void
lost(struct ir_exchange *x, enum ir_member what, const char *why)
{
	answer_lost(x, what, LOSS_DROPPED, why);
}

/* --- what streams and bodies share ---------------------------------------- */

static struct str
message_id(struct ir_exchange *x, struct str id)
{
	return ir_id_prefixed(x->arena, id.n > 0 ? id : x->id, "msg_");
}

/* Some clients drop a call that has no id. */
static struct str
call_id(struct ir_exchange *x, struct str id, unsigned n)
{
	if (id.n > 0)
		return id;
	return arena_strf(x->arena, "toolu_%.*s%u", STR_FMT(x->id), n);
}

/* JSON from elsewhere on one line: between its tokens only space may go. */
static struct str
one_line(struct arena *a, struct str json)
{
	size_t	 i;
	char	*p;

	if (memchr(json.p, '\n', json.n) == NULL &&
	    memchr(json.p, '\r', json.n) == NULL)
		return json;
	p = arena_bytes(a, json.n);
	for (i = 0; i < json.n; i++)
		p[i] = json.p[i] == '\n' || json.p[i] == '\r' ? ' ' :
		    json.p[i];
	return (struct str){ p, json.n };
}

static void
write_count(struct jw *w, const char *name, int64_t n)
{
	jw_key(w, name);
	jw_int(w, ir_usage_clamp(n));
}

static void
write_usage(struct jw *w, const struct ir_usage *u)
{
	jw_key(w, "usage");
	jw_object(w);
	write_count(w, "input_tokens", u->input);
	write_count(w, "cache_creation_input_tokens",
	    ir_usage_sum(u->cache_write_5m, u->cache_write_1h));
	write_count(w, "cache_read_input_tokens", u->cache_read);
	if (u->cache_write_5m >= 0 || u->cache_write_1h >= 0) {
		jw_key(w, "cache_creation");
		jw_object(w);
		write_count(w, "ephemeral_5m_input_tokens", u->cache_write_5m);
		write_count(w, "ephemeral_1h_input_tokens", u->cache_write_1h);
		jw_object_end(w);
	}
	write_count(w, "output_tokens", ir_usage_sum(u->output, u->reasoning));
	if (u->reasoning >= 0) {
		jw_key(w, "output_tokens_details");
		jw_object(w);
		write_count(w, "thinking_tokens", u->reasoning);
		jw_object_end(w);
	}
	if (ir_tier_name(u->tier, IR_TIER_ANTHROPIC) != NULL) {
		jw_key(w, "service_tier");
		jw_strz(w, ir_tier_name(u->tier, IR_TIER_ANTHROPIC));
	}
	jw_object_end(w);
}

static struct str
stop_reason(struct ir_exchange *x, enum ir_stop stop, struct str raw,
    bool called, bool refused)
{
	switch (stop) {
	case IR_STOP_LENGTH:
		return STR("max_tokens");
	case IR_STOP_TOOL:
		return STR("tool_use");
	case IR_STOP_SEQUENCE:
		return STR("stop_sequence");
	case IR_STOP_FILTER:
	case IR_STOP_REFUSAL:
		return STR("refusal");
	case IR_STOP_PAUSE:
		return STR("pause_turn");
	case IR_STOP_CONTEXT:
		return STR("model_context_window_exceeded");
	case IR_STOP_OTHER:
		if (x->target.dialect == &dialect_anthropic && raw.n > 0)
			return raw;
		break;
	case IR_STOP_NONE:
	case IR_STOP_END:
	case IR_STOP_BAD_CALL:
		break;
	}
	dialect_lose_stop(x, stop, raw);
	if (called)
		return STR("tool_use");
	return refused ? STR("refusal") : STR("end_turn");
}

static void
write_stop_seq(struct jw *w, enum ir_stop stop, struct jstr seq)
{
	jw_key(w, "stop_sequence");
	if (stop == IR_STOP_SEQUENCE && seq.p != NULL)
		jw_jstr(w, seq);
	else
		jw_null(w);
}

/* --- events --------------------------------------------------------------- */

static void
open_event(struct ir_encoder *enc, struct jw *w, const char *type)
{
	sse_open(enc->out, type);
	jw_init(w, enc->out);
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, type);
}

static void
close_event(struct ir_encoder *enc, struct jw *w)
{
	jw_object_end(w);
	sse_close(enc->out);
}

static void
write_start(struct ir_encoder *enc)
{
	struct an_enc	*e = enc->state;
	struct jw	 w;

	if (e->begun)
		return;
	e->begun = true;
	open_event(enc, &w, "message_start");
	jw_key(&w, "message");
	jw_object(&w);
	jw_key(&w, "id");
	jw_str(&w, message_id(enc->x, e->id));
	jw_key(&w, "type");
	jw_strz(&w, "message");
	jw_key(&w, "role");
	jw_strz(&w, "assistant");
	jw_key(&w, "model");
	jw_str(&w, e->model.n > 0 ? e->model : enc->x->target.model);
	jw_key(&w, "content");
	jw_array(&w);
	jw_array_end(&w);
	jw_key(&w, "stop_reason");
	jw_null(&w);
	jw_key(&w, "stop_sequence");
	jw_null(&w);
	write_usage(&w, &e->usage);
	jw_object_end(&w);
	close_event(enc, &w);
}

static void
begin_block(struct ir_encoder *enc, struct jw *w)
{
	struct an_enc	*e = enc->state;

	write_start(enc);
	e->open = true;
	open_event(enc, w, "content_block_start");
	jw_key(w, "index");
	jw_int(w, e->block);
	jw_key(w, "content_block");
}

/* A block whose members are empty strings at first. */
static void
begin_text(struct ir_encoder *enc, const char *type, const char *second)
{
	struct an_enc	*e = enc->state;
	struct jw	 w;

	if (e->open)
		return;
	begin_block(enc, &w);
	jw_object(&w);
	jw_key(&w, "type");
	jw_strz(&w, type);
	jw_key(&w, type);
	jw_strz(&w, "");
	if (second != NULL) {
		jw_key(&w, second);
		jw_strz(&w, "");
	}
	jw_object_end(&w);
	close_event(enc, &w);
}

static void
begin_call(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;
	struct jw	 w;

	e->called = true;
	e->wrap = ev->tool == IR_CUSTOM;
	begin_block(enc, &w);
	jw_object(&w);
	jw_key(&w, "type");
	jw_strz(&w, "tool_use");
	jw_key(&w, "id");
	jw_str(&w, call_id(enc->x, ev->id, e->calls++));
	jw_key(&w, "name");
	jw_str(&w, ir_name_restore(&enc->x->names, ev->name));
	jw_key(&w, "input");
	jw_object(&w);
	jw_object_end(&w);
	jw_object_end(&w);
	close_event(enc, &w);
}

/* A block that comes whole. */
static void
whole_block(struct ir_encoder *enc, struct str raw)
{
	struct jw	 w;

	begin_block(enc, &w);
	jw_raw(&w, one_line(enc->x->arena, raw));
	close_event(enc, &w);
}

static void	 part_end(struct ir_encoder *);

/* What another provider's own tool did; false: nothing of the kind. */
static bool
run_blocks(struct ir_encoder *enc, const struct dialect *from, struct str raw)
{
	struct an_enc		*e = enc->state;
	struct server_piece	*p;

	if (!server_run_take(enc->x, &e->runs, from, raw, &dialect_anthropic,
	    &p))
		return false;
	for (; p != NULL; p = p->next) {
		whole_block(enc, p->raw);
		part_end(enc);
	}
	return true;
}

static void
run_rest(struct ir_encoder *enc)
{
	struct an_enc		*e = enc->state;
	struct server_piece	*p;

	p = server_run_rest(enc->x, &e->runs, &dialect_anthropic);
	for (; p != NULL; p = p->next) {
		whole_block(enc, p->raw);
		part_end(enc);
	}
}

/* Gemini tells of its searches beside the text: they follow it. */
static void
run_notes(struct ir_encoder *enc, const struct dialect *from, struct str notes)
{
	struct json	 j;
	struct jv	 v;

	if (from != &dialect_gemini || notes.n == 0)
		return;
	notes = arena_strf(enc->x->arena, "[%.*s]", STR_FMT(notes));
	json_init(&j);
	if (json_parse(&j, notes, NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			(void)run_blocks(enc, from, json_raw(v));
	json_release(&j);
}

static void
open_delta(struct ir_encoder *enc, struct jw *w, const char *type)
{
	struct an_enc	*e = enc->state;

	open_event(enc, w, "content_block_delta");
	jw_key(w, "index");
	jw_int(w, e->block);
	jw_key(w, "delta");
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, type);
}

static void
close_delta(struct ir_encoder *enc, struct jw *w)
{
	jw_object_end(w);
	close_event(enc, w);
}

static void
string_delta(struct ir_encoder *enc, const char *type, const char *name,
    struct jstr text)
{
	struct jw	 w;

	open_delta(enc, &w, type);
	jw_key(&w, name);
	jw_jstr(&w, text);
	close_delta(enc, &w);
}

static void
args_delta(struct ir_encoder *enc, struct jstr json)
{
	string_delta(enc, "input_json_delta", "partial_json", json);
}

/* --- parts as events ------------------------------------------------------ */

static void
part_start(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;

	e->skip = false;
	e->wrap = false;
	switch (ev->part) {
	case IR_TEXT:
	case IR_THINKING:
		return;
	case IR_REFUSAL:
		e->refused = true;
		return;
	case IR_TOOL_CALL:
		begin_call(enc, ev);
		if (e->wrap)
			args_delta(enc, JSTR("{\\\"input\\\":\\\""));
		return;
	case IR_OPAQUE:
		if (ev->from == &dialect_anthropic) {
			whole_block(enc, ev->raw);
			return;
		}
		if (run_blocks(enc, ev->from, ev->raw)) {
			e->skip = true;
			return;
		}
		break;
	default:
		break;
	}
	e->skip = true;
	lost(enc->x, ANSWER_PART, ev->part == IR_OPAQUE ?
	    "a part that only the provider's dialect has" :
	    "answers hold no media");
}

/* Escaped once more: the text is a string within a string. */
static void
wrapped_delta(struct ir_encoder *enc, struct jstr text)
{
	struct jw	 w;

	open_delta(enc, &w, "input_json_delta");
	jw_key(&w, "partial_json");
	jw_str(&w, (struct str){ text.p, text.n });
	close_delta(enc, &w);
}

static void
delta_text(struct ir_encoder *enc, const struct ir_event *ev)
{
	if (jstr_empty(ev->text))
		return;
	if (ev->part == IR_TOOL_CALL) {
		wrapped_delta(enc, ev->text);
	} else if (ev->part == IR_THINKING) {
		begin_text(enc, "thinking", "signature");
		string_delta(enc, "thinking_delta", "thinking", ev->text);
	} else {
		begin_text(enc, "text", NULL);
		string_delta(enc, "text_delta", "text", ev->text);
	}
}

static void
delta_signature(struct ir_encoder *enc, const struct ir_event *ev)
{
	if (ev->from != &dialect_anthropic || ev->part != IR_THINKING) {
		lost(enc->x, ANSWER_SIGNATURE, answer_state_why);
		return;
	}
	begin_text(enc, "thinking", "signature");
	string_delta(enc, "signature_delta", "signature", ev->text);
}

static void
delta_redacted(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;
	struct jw	 w;

	if (ev->from != &dialect_anthropic || e->open) {
		lost(enc->x, ANSWER_REDACTED, answer_state_why);
		return;
	}
	begin_block(enc, &w);
	jw_object(&w);
	jw_key(&w, "type");
	jw_strz(&w, "redacted_thinking");
	jw_key(&w, "data");
	jw_jstr(&w, ev->text);
	jw_object_end(&w);
	close_event(enc, &w);
}

/*
 * Citations in this dialect's form into b, commas between; what has none is
 * reported.
 */
static void
citations(struct ir_exchange *x, const struct dialect *from, struct str list,
    struct jstr text, struct buf *b)
{
	struct cite_text	 about = { .text = text, .chars = -1 };
	struct jw		 w;

	if (list.n == 0)
		return;
	jw_init(&w, b);
	if (from == &dialect_anthropic)
		jw_raw(&w, list);
	else if (cite_write(x->arena, from, &dialect_anthropic, list, &about,
	    &w) > 0)
		answer_lost_notes(x, list, LOSS_DROPPED,
		    "a citation of what only its provider knows");
	else
		answer_lost_notes(x, list, LOSS_APPROXIMATED,
		    "citations in another provider's form");
}

static void
write_citations(struct ir_encoder *enc, const struct dialect *from,
    struct str list)
{
	struct an_enc	*e = enc->state;
	struct json	 j;
	struct buf	 b;
	struct jw	 w;
	struct jv	 v;

	buf_init(&b, SIZE_MAX / 2);
	json_init(&j);
	buf_addc(&b, '[');
	citations(enc->x, from, list, cite_held_text(&e->hold), &b);
	buf_addc(&b, ']');
	if (json_parse(&j, buf_str(&b), NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v)) {
			begin_text(enc, "text", NULL);
			open_delta(enc, &w, "citations_delta");
			jw_key(&w, "citation");
			jw_raw(&w, one_line(enc->x->arena, json_raw(v)));
			close_delta(enc, &w);
		}
	json_release(&j);
	buf_release(&b);
}

static void
delta_annotation(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;

	if (ev->part != IR_TEXT)
		return;
	if (ev->from == &dialect_anthropic)
		write_citations(enc, ev->from, ev->raw);
	else
		cite_hold_note(enc->x->arena, &e->hold, ev->from, ev->raw);
}

static void
part_delta(struct ir_encoder *enc, const struct ir_event *ev)
{
	const struct an_enc	*e = enc->state;

	if (e->skip)
		return;
	switch (ev->delta) {
	case IR_D_TEXT:
		delta_text(enc, ev);
		break;
	case IR_D_ARGS:
		if (!jstr_empty(ev->text))
			args_delta(enc, ev->text);
		break;
	case IR_D_SIGNATURE:
		delta_signature(enc, ev);
		break;
	case IR_D_REDACTED:
		delta_redacted(enc, ev);
		break;
	case IR_D_ANNOTATION:
		delta_annotation(enc, ev);
		break;
	case IR_D_LOGPROBS:
		lost(enc->x, ANSWER_LOGPROBS, "answers hold no logprobs");
		break;
	case IR_D_DATA:
		break;
	}
}

static void
part_end(struct ir_encoder *enc)
{
	struct an_enc	*e = enc->state;
	struct jw	 w;

	if (!e->open)
		return;
	if (e->wrap)
		args_delta(enc, JSTR("\\\"}"));
	e->wrap = false;
	open_event(enc, &w, "content_block_stop");
	jw_key(&w, "index");
	jw_int(&w, e->block++);
	close_event(enc, &w);
	e->open = false;
}

/* --- the other events ----------------------------------------------------- */

static void
message_end(struct ir_encoder *enc)
{
	struct an_enc	*e = enc->state;
	struct jw	 w;

	run_rest(enc);
	write_start(enc);
	open_event(enc, &w, "message_delta");
	jw_key(&w, "delta");
	jw_object(&w);
	jw_key(&w, "stop_reason");
	jw_str(&w, stop_reason(enc->x, e->stop, e->stop_raw, e->called,
	    e->refused));
	write_stop_seq(&w, e->stop, e->stop_seq);
	jw_object_end(&w);
	write_usage(&w, &e->usage);
	close_event(enc, &w);

	open_event(enc, &w, "message_stop");
	close_event(enc, &w);
}

static void
error_event(struct ir_encoder *enc, const struct ir_error *err)
{
	struct jw	 w;

	sse_open(enc->out, "error");
	jw_init(&w, enc->out);
	anthropic_error_write(&w, err, enc->x->id.n == 0 ? STR_NONE :
	    ir_id_prefixed(enc->x->arena, enc->x->id, "req_"));
	sse_close(enc->out);
}

static void
message_begin(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;

	e->started = true;
	e->id = arena_str(enc->x->arena, ev->id);
	e->model = arena_str(enc->x->arena, ev->name);
	ir_usage_init(&e->usage);
}

static void
message_stop(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;
	struct str	 seq = { ev->stop_seq.p, ev->stop_seq.n };

	e->stop = ev->stop;
	e->stop_raw = arena_str(enc->x->arena, ev->stop_raw);
	if (seq.p != NULL)
		e->stop_seq = (struct jstr){
		    arena_str(enc->x->arena, seq).p, seq.n };
}

void
anthropic_event_encode(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct an_enc	*e = enc->state;

	if (ev->choice > 0) {
		lost(enc->x, ANSWER_CHOICE, "one answer at a time");
		return;
	}
	switch (ev->type) {
	case IR_EV_START:
		message_begin(enc, ev);
		break;
	case IR_EV_PART_START:
		cite_hold_clear(&e->hold);
		part_start(enc, ev);
		break;
	case IR_EV_DELTA:
		if (ev->delta == IR_D_TEXT && ev->part == IR_TEXT)
			cite_hold_text(enc->x->arena, &e->hold, ev->text);
		part_delta(enc, ev);
		break;
	case IR_EV_PART_END:
		if (e->hold.notes.n > 0)
			write_citations(enc, e->hold.from,
			    cite_held_notes(&e->hold));
		part_end(enc);
		run_notes(enc, e->hold.from, cite_held_notes(&e->hold));
		break;
	case IR_EV_USAGE:
		e->usage = ev->usage;
		break;
	case IR_EV_PING:
		if (e->started)
			write_start(enc);
		buf_addz(enc->out, dialect_anthropic.keepalive);
		break;
	case IR_EV_STOP:
		message_stop(enc, ev);
		break;
	case IR_EV_END:
		message_end(enc);
		break;
	case IR_EV_ERROR:
		error_event(enc, ev->error);
		break;
	}
}

/* --- a whole message ------------------------------------------------------ */

struct body {
	struct ir_exchange	*x;
	struct jw		 w;
	unsigned		 calls;
	bool			 refused;
	struct server_runs	 runs;
};

static void
body_pieces(struct body *b, const struct server_piece *p)
{
	for (; p != NULL; p = p->next)
		jw_raw(&b->w, p->raw);
}

static bool
body_run(struct body *b, const struct dialect *from, struct str raw)
{
	struct server_piece	*p;

	if (!server_run_take(b->x, &b->runs, from, raw, &dialect_anthropic,
	    &p))
		return false;
	body_pieces(b, p);
	return true;
}

static void
body_run_notes(struct body *b, const struct ir_out_part *p)
{
	struct json	 j;
	struct jv	 v;

	if (p->from != &dialect_gemini || p->annotations.len == 0)
		return;
	json_init(&j);
	if (json_parse(&j, arena_strf(b->x->arena, "[%.*s]",
	    STR_FMT(buf_str(&p->annotations))), NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			(void)body_run(b, p->from, json_raw(v));
	json_release(&j);
}

static struct jstr
part_text(const struct ir_out_part *p)
{
	struct str	 s = buf_str(&p->text);

	return (struct jstr){ s.p, s.n };
}

static void
body_open(struct body *b, const char *type)
{
	jw_object(&b->w);
	jw_key(&b->w, "type");
	jw_strz(&b->w, type);
}

static void
body_text(struct body *b, const struct ir_out_part *p)
{
	struct buf	 notes;

	if (p->logprobs.len > 0)
		lost(b->x, ANSWER_LOGPROBS, "answers hold no logprobs");
	if (p->signature.n > 0)
		lost(b->x, ANSWER_SIGNATURE, answer_state_why);
	buf_init(&notes, SIZE_MAX / 2);
	citations(b->x, p->from, buf_str(&p->annotations), part_text(p),
	    &notes);
	if (p->text.len > 0 || notes.len > 0) {
		body_open(b, "text");
		jw_key(&b->w, "text");
		jw_jstr(&b->w, part_text(p));
		if (notes.len > 0) {
			jw_key(&b->w, "citations");
			jw_array(&b->w);
			jw_raw(&b->w, buf_str(&notes));
			jw_array_end(&b->w);
		}
		jw_object_end(&b->w);
	}
	buf_release(&notes);
}

static void
body_call(struct body *b, const struct ir_out_part *p)
{
	struct ir_args	 args = { .escaped = part_text(p) };
	struct str	 input;

	if (p->signature.n > 0)
		lost(b->x, ANSWER_SIGNATURE, answer_state_why);
	body_open(b, "tool_use");
	jw_key(&b->w, "id");
	jw_str(&b->w, call_id(b->x, p->id, b->calls++));
	jw_key(&b->w, "name");
	jw_str(&b->w, ir_name_restore(&b->x->names, p->name));
	jw_key(&b->w, "input");
	if (p->tool == IR_CUSTOM) {
		jw_object(&b->w);
		jw_key(&b->w, "input");
		jw_jstr(&b->w, part_text(p));
		jw_object_end(&b->w);
	} else {
		if (ir_args_object(b->x->arena, &args, &input) == -1)
			answer_lost(b->x, ANSWER_ARGS, LOSS_APPROXIMATED,
			    "arguments that are no JSON object");
		jw_raw(&b->w, input);
	}
	jw_object_end(&b->w);
}

static void
body_thinking(struct body *b, const struct ir_out_part *p)
{
	bool	 ours = p->from == &dialect_anthropic;

	if (p->redacted.n > 0 && ours) {
		body_open(b, "redacted_thinking");
		jw_key(&b->w, "data");
		jw_jstr(&b->w, p->redacted);
		jw_object_end(&b->w);
		return;
	}
	if (!ours && (p->signature.n > 0 || p->redacted.n > 0))
		lost(b->x, p->redacted.n > 0 ? ANSWER_REDACTED :
		    ANSWER_SIGNATURE, answer_state_why);
	if (p->text.len == 0 && (p->signature.n == 0 || !ours))
		return;
	body_open(b, "thinking");
	jw_key(&b->w, "thinking");
	jw_jstr(&b->w, part_text(p));
	jw_key(&b->w, "signature");
	jw_jstr(&b->w, ours ? p->signature : JSTR(""));
	jw_object_end(&b->w);
}

static void
body_part(struct body *b, const struct ir_out_part *p)
{
	b->x->at = p->at;
	switch (p->type) {
	case IR_REFUSAL:
		b->refused = true;
		/* FALLTHROUGH */
	case IR_TEXT:
		body_text(b, p);
		body_run_notes(b, p);
		return;
	case IR_TOOL_CALL:
		body_call(b, p);
		return;
	case IR_THINKING:
		body_thinking(b, p);
		return;
	case IR_OPAQUE:
		if (p->from == &dialect_anthropic) {
			jw_raw(&b->w, p->raw);
			return;
		}
		if (body_run(b, p->from, p->raw))
			return;
		lost(b->x, ANSWER_PART,
		    "a part that only the provider's dialect has");
		return;
	default:
		lost(b->x, ANSWER_PART, "answers hold no media");
		return;
	}
}

void
anthropic_body_encode(struct ir_exchange *x, const struct ir_response *rs,
    struct buf *out)
{
	static const struct ir_out_choice	 none;
	const struct ir_out_choice	*c = rs->choices, *o;
	const struct ir_out_part	*p;
	struct body			 b = { .x = x };
	struct jw			*w = &b.w;

	if (c == NULL || c->index != 0)
		c = &none;
	for (o = rs->choices; o != NULL; o = o->next) {
		if (o == c)
			continue;
		x->at = o->at;
		lost(x, ANSWER_CHOICE, "one answer at a time");
	}
	jw_init(w, out);
	jw_object(w);
	jw_key(w, "id");
	jw_str(w, message_id(x, rs->id));
	jw_key(w, "type");
	jw_strz(w, "message");
	jw_key(w, "role");
	jw_strz(w, "assistant");
	jw_key(w, "model");
	jw_str(w, rs->model.n > 0 ? rs->model : x->target.model);
	jw_key(w, "content");
	jw_array(w);
	for (p = c->parts; p != NULL; p = p->next)
		body_part(&b, p);
	body_pieces(&b, server_run_rest(x, &b.runs, &dialect_anthropic));
	jw_array_end(w);
	jw_key(w, "stop_reason");
	x->at = c->at;
	jw_str(w, stop_reason(x, c->stop, c->stop_raw, b.calls > 0,
	    b.refused));
	write_stop_seq(w, c->stop, c->stop_seq);
	write_usage(w, &rs->usage);
	jw_object_end(w);
}
