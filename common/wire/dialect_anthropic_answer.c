/*
 * Anthropic's answer, a stream of events or a whole message, to common form.
 *
 * A stream is message_start, blocks one after the other (content_block_start,
 * _delta ..., _stop), message_delta with stop reason and usage, message_stop;
 * ping and error may stand anywhere.  Servers that only speak like Anthropic
 * leave things out: a block that is not stopped ends where the next begins, a
 * delta without a start begins its part, and a stream that ends behind its
 * stop reason is complete.
 */
#include "wire/answer_loss.h"
#include "wire/dialect_anthropic.h"

#include <string.h>

/* Part events share these members. */
static struct ir_event
event(const struct an_dec *d, enum ir_event_type type)
{
	return (struct ir_event){ .type = type, .index = d->index,
	    .part = d->part };
}

/* --- start, usage, stop --------------------------------------------------- */

static int
start(struct ir_decoder *dec, struct jv message)
{
	struct an_dec	*d = dec->state;
	struct arena	*a = dec->x->arena;
	struct ir_event	 ev = { .type = IR_EV_START };

	if (d->started)
		return 0;
	d->started = true;
	d->block = -1;
	if (json_type(json_get(message, "id")) == JSON_STRING)
		ev.id = json_str(a, json_get(message, "id"));
	if (json_type(json_get(message, "model")) == JSON_STRING)
		ev.name = json_str(a, json_get(message, "model"));
	return ir_emit(&dec->sink, &ev);
}

static void
count(struct jv v, const char *name, int64_t *n)
{
	struct jv	 c = json_get(v, name);
	int64_t		 value;
	double		 f;

	if (json_type(c) != JSON_NUMBER)
		return;
	if (json_int(c, &value) == 0)
		*n = ir_usage_clamp(value);
	else if (json_double(c, &f) == 0)
		*n = f > 0 ? IR_USAGE_MAX : 0;
}

/* Counts are totals: what is said later replaces what was said before. */
static void
read_usage(struct an_dec *d, struct jv v)
{
	struct an_usage	*u = &d->usage;
	struct jv		 cc = json_get(v, "cache_creation");

	if (json_type(v) != JSON_OBJECT)
		return;
	if (!d->has_usage)
		*u = (struct an_usage){ -1, -1, -1, -1, -1, -1, -1,
		    IR_TIER_UNSET };
	d->has_usage = true;
	count(v, "input_tokens", &u->input);
	count(v, "cache_read_input_tokens", &u->cache_read);
	count(v, "cache_creation_input_tokens", &u->cache_write);
	count(cc, "ephemeral_5m_input_tokens", &u->write_5m);
	count(cc, "ephemeral_1h_input_tokens", &u->write_1h);
	count(v, "output_tokens", &u->output);
	count(json_get(v, "output_tokens_details"), "thinking_tokens",
	    &u->thinking);
	if (json_ok(json_get(v, "service_tier")))
		u->tier = ir_tier_of(json_get(v, "service_tier"));
}

/* The parts of what was written to the cache may be older than their sum. */
static void
usage_cache(const struct an_usage *u, struct ir_usage *out)
{
	out->cache_write_5m = u->write_5m;
	out->cache_write_1h = u->write_1h;
	if (u->cache_write < 0 || u->cache_write ==
	    ir_usage_sum(u->write_5m, u->write_1h)) {
		if (u->cache_write == 0 && u->write_5m < 0)
			out->cache_write_5m = 0;
		return;
	}
	if (u->write_1h > u->cache_write)
		out->cache_write_1h = u->cache_write;
	out->cache_write_5m = u->cache_write -
	    ir_usage_clamp(out->cache_write_1h);
}

static int
emit_usage(struct ir_decoder *dec)
{
	struct an_dec		*d = dec->state;
	const struct an_usage	*u = &d->usage;
	struct ir_event		 ev = { .type = IR_EV_USAGE };

	if (!d->has_usage)
		return 0;
	ir_usage_init(&ev.usage);
	ev.usage.input = u->input;
	ev.usage.cache_read = u->cache_read;
	usage_cache(u, &ev.usage);
	ev.usage.output = u->output;
	ev.usage.reasoning = u->thinking;
	ev.usage.tier = u->tier;
	if (u->thinking >= 0 && u->output >= 0)
		ev.usage.output = ir_usage_clamp(u->output - u->thinking);
	return ir_emit(&dec->sink, &ev);
}

static const struct {
	const char	*name;
	enum ir_stop	 stop;
} stops[] = {
	{ "end_turn",				IR_STOP_END },
	{ "max_tokens",				IR_STOP_LENGTH },
	{ "tool_use",				IR_STOP_TOOL },
	{ "stop_sequence",			IR_STOP_SEQUENCE },
	{ "pause_turn",				IR_STOP_PAUSE },
	{ "refusal",				IR_STOP_REFUSAL },
	{ "model_context_window_exceeded",	IR_STOP_CONTEXT }
};

#define NSTOPS	(sizeof(stops) / sizeof(stops[0]))

/* v holds stop_reason and stop_sequence: a message, or a delta of one. */
static void
read_stop(struct ir_decoder *dec, struct jv v)
{
	struct an_dec	*d = dec->state;
	struct arena	*a = dec->x->arena;
	struct jv	 reason = json_get(v, "stop_reason"), seq;
	struct jstr	 s;
	size_t		 i;

	if (json_type(reason) != JSON_STRING)
		return;
	d->stopped = true;
	d->stop_raw = arena_str(a, json_str(a, reason));
	d->stop = IR_STOP_OTHER;
	for (i = 0; i < NSTOPS; i++) {
		if (str_is(d->stop_raw, stops[i].name))
			d->stop = stops[i].stop;
	}
	seq = json_get(v, "stop_sequence");
	if (json_type(seq) == JSON_STRING) {
		s = json_jstr(seq);
		d->stop_seq.n = s.n;
		d->stop_seq.p = arena_str(a, (struct str){ s.p, s.n }).p;
	}
}

static int
emit_stop(struct ir_decoder *dec)
{
	struct an_dec	*d = dec->state;
	struct ir_event	 ev = { .type = IR_EV_STOP };

	ev.stop = d->stopped ? d->stop : IR_STOP_END;
	if (ev.stop == IR_STOP_END && d->called)
		ev.stop = IR_STOP_TOOL;
	ev.stop_raw = d->stop_raw;
	ev.stop_seq = d->stop_seq;
	return ir_emit(&dec->sink, &ev);
}

/* --- parts ---------------------------------------------------------------- */

static int
open_part(struct ir_decoder *dec, enum ir_part_type type, struct str id,
    struct str name, struct str raw)
{
	struct an_dec	*d = dec->state;
	struct ir_event	 ev;

	d->open = true;
	d->part = type;
	ev = event(d, IR_EV_PART_START);
	ev.id = id;
	ev.name = name;
	ev.raw = raw;
	if (type == IR_OPAQUE)
		ev.from = &dialect_anthropic;
	return ir_emit(&dec->sink, &ev);
}

static int
delta(struct ir_decoder *dec, enum ir_delta kind, struct jstr text,
    struct str raw)
{
	struct an_dec	*d = dec->state;
	struct ir_event	 ev = event(d, IR_EV_DELTA);

	ev.delta = kind;
	ev.text = text;
	ev.raw = raw;
	ev.from = &dialect_anthropic;
	return ir_emit(&dec->sink, &ev);
}

static int
text_delta(struct ir_decoder *dec, enum ir_delta kind, struct jv v)
{
	if (json_type(v) != JSON_STRING || json_jstr(v).n == 0)
		return 0;
	return delta(dec, kind, json_jstr(v), STR_NONE);
}

/* The block but for what comes anew: its input, or members of patch. */
static void
held_write(struct jw *w, struct arena *a, struct jv block, struct str input,
    struct jv patch)
{
	struct jv	 m;
	struct str	 name;

	jw_object(w);
	for (m = json_first(block); json_ok(m); m = json_next(m)) {
		name = arena_str(a, json_str(a, json_key(m)));
		if ((input.n > 0 && str_is(name, "input")) ||
		    json_ok(json_get(patch, name.p)))
			continue;
		jw_key_str(w, name);
		jw_raw(w, json_raw(m));
	}
	if (input.n > 0) {
		jw_key(w, "input");
		jw_raw(w, input);
	}
	for (m = json_first(patch); json_ok(m); m = json_next(m)) {
		jw_key_jstr(w, json_jstr(json_key(m)));
		jw_raw(w, json_raw(m));
	}
	jw_object_end(w);
}

/* The input's pieces together; empty if they are no JSON. */
static struct str
held_input(struct ir_decoder *dec)
{
	struct an_dec		*d = dec->state;
	const struct an_piece	*p;
	struct json_error	 je;
	struct json		 j;
	struct buf		 b;
	struct str		 s = STR_NONE;

	buf_init(&b, FRAME_MAX);
	json_init(&j);
	for (p = d->pieces; p != NULL; p = p->next)
		buf_adds(&b, p->s);
	if (buf_ok(&b) && json_parse(&j, buf_str(&b), &je) == 0)
		s = arena_str(dec->x->arena, buf_str(&b));
	json_release(&j);
	buf_release(&b);
	return s;
}

/* The held block: its "input" is what came in pieces, patch goes over it. */
static struct str
held_block(struct ir_decoder *dec)
{
	struct an_dec		*d = dec->state;
	struct arena		*a = dec->x->arena;
	struct json_error	 je;
	struct json		 block, patch;
	struct buf		 b;
	struct jw		 w;
	struct str		 out = d->raw;

	if (d->pieces == NULL && d->patch.n == 0)
		return out;
	buf_init(&b, FRAME_MAX);
	json_init(&block);
	json_init(&patch);
	if (d->patch.n == 0)
		d->patch = STR("{}");
	if (json_parse(&block, d->raw, &je) == 0 &&
	    json_parse(&patch, d->patch, &je) == 0) {
		jw_init(&w, &b);
		held_write(&w, a, json_root(&block), held_input(dec),
		    json_root(&patch));
		if (buf_ok(&b))
			out = arena_str(a, buf_str(&b));
	}
	json_release(&block);
	json_release(&patch);
	buf_release(&b);
	return out;
}

/* Ends what is open: a call gets its arguments, a held block goes out. */
static int
close_part(struct ir_decoder *dec)
{
	struct an_dec	*d = dec->state;
	struct arena	*a = dec->x->arena;
	struct ir_event	 ev;

	d->block = -1;
	if (d->held) {
		d->held = false;
		if (open_part(dec, IR_OPAQUE, STR_NONE, STR_NONE,
		    held_block(dec)) == -1)
			return -1;
	}
	if (!d->open)
		return 0;
	if (d->part == IR_TOOL_CALL && !d->has_args &&
	    delta(dec, IR_D_ARGS, jstr_encode(a, d->input), STR_NONE) == -1)
		return -1;
	ev = event(d, IR_EV_PART_END);
	d->open = false;
	d->index++;
	return ir_emit(&dec->sink, &ev);
}

static int
start_text(struct ir_decoder *dec, struct jv block)
{
	struct jv	 v;

	if (open_part(dec, IR_TEXT, STR_NONE, STR_NONE, STR_NONE) == -1 ||
	    text_delta(dec, IR_D_TEXT, json_get(block, "text")) == -1)
		return -1;
	v = json_get(block, "citations");
	if (json_type(v) != JSON_ARRAY)
		return 0;
	for (v = json_first(v); json_ok(v); v = json_next(v)) {
		if (delta(dec, IR_D_ANNOTATION, JSTR_NONE, json_raw(v)) == -1)
			return -1;
	}
	return 0;
}

static int
start_call(struct ir_decoder *dec, struct jv block)
{
	struct an_dec	*d = dec->state;
	struct arena	*a = dec->x->arena;
	struct jv	 input = json_get(block, "input"), v;
	struct str	 id = STR_NONE, name = STR_NONE;

	d->called = true;
	d->has_args = false;
	d->input = STR("{}");
	if (json_type(input) == JSON_OBJECT)
		d->input = arena_str(a, json_raw(input));
	if (json_type(v = json_get(block, "id")) == JSON_STRING)
		id = json_str(a, v);
	if (json_type(v = json_get(block, "name")) == JSON_STRING)
		name = json_str(a, v);
	return open_part(dec, IR_TOOL_CALL, id, name, STR_NONE);
}

static int
start_thinking(struct ir_decoder *dec, struct jv block)
{
	if (open_part(dec, IR_THINKING, STR_NONE, STR_NONE, STR_NONE) == -1 ||
	    text_delta(dec, IR_D_TEXT, json_get(block, "thinking")) == -1)
		return -1;
	return text_delta(dec, IR_D_SIGNATURE, json_get(block, "signature"));
}

static int
start_redacted(struct ir_decoder *dec, struct jv block)
{
	if (open_part(dec, IR_THINKING, STR_NONE, STR_NONE, STR_NONE) == -1)
		return -1;
	return text_delta(dec, IR_D_REDACTED, json_get(block, "data"));
}

/* Server tools, their results, and whatever comes next: passed on whole. */
static void
start_held(struct ir_decoder *dec, struct jv block)
{
	struct an_dec	*d = dec->state;

	d->held = true;
	d->raw = arena_str(dec->x->arena, json_raw(block));
	d->patch = STR_NONE;
	d->pieces = NULL;
	d->last = &d->pieces;
}

/* index: among the message's blocks. */
static int
start_block(struct ir_decoder *dec, struct jv block, int64_t index)
{
	struct jv	 type = json_get(block, "type");

	if (close_part(dec) == -1)
		return -1;
	dec->x->at.item = (unsigned)index;
	dec->x->at.path = "content[$i]";
	if (json_type(block) != JSON_OBJECT)
		return 0;
	if (json_is(type, "text"))
		return start_text(dec, block);
	if (json_is(type, "tool_use"))
		return start_call(dec, block);
	if (json_is(type, "thinking"))
		return start_thinking(dec, block);
	if (json_is(type, "redacted_thinking"))
		return start_redacted(dec, block);
	start_held(dec, block);
	return 0;
}

/* --- deltas --------------------------------------------------------------- */

/* An open part of that type; one is begun where the server forgot to. */
static int
want_part(struct ir_decoder *dec, enum ir_part_type type)
{
	struct an_dec	*d = dec->state;

	if (d->open && d->part == type)
		return 0;
	if (close_part(dec) == -1)
		return -1;
	return open_part(dec, type, STR_NONE, STR_NONE, STR_NONE);
}

static int
delta_args(struct ir_decoder *dec, struct jv text)
{
	struct an_dec	*d = dec->state;
	struct arena	*a = dec->x->arena;
	struct an_piece	*p;

	if (json_type(text) != JSON_STRING || json_jstr(text).n == 0)
		return 0;
	if (d->held) {
		p = ARENA_NEW(a, struct an_piece);
		p->s = arena_str(a, json_str(a, text));
		*d->last = p;
		d->last = &p->next;
		return 0;
	}
	if (!d->open || d->part != IR_TOOL_CALL)
		return 0;
	d->has_args = true;
	return text_delta(dec, IR_D_ARGS, text);
}

/* compaction_delta and the like: its members are the block's. */
static void
delta_held(struct ir_decoder *dec, struct jv v)
{
	struct an_dec	*d = dec->state;
	struct buf	 b;
	struct jw	 w;
	struct jv	 m;

	buf_init(&b, FRAME_MAX);
	jw_init(&w, &b);
	jw_object(&w);
	for (m = json_first(v); json_ok(m); m = json_next(m)) {
		if (json_key_is(m, "type"))
			continue;
		jw_key_jstr(&w, json_jstr(json_key(m)));
		jw_raw(&w, json_raw(m));
	}
	jw_object_end(&w);
	if (buf_ok(&b))
		d->patch = arena_str(dec->x->arena, buf_str(&b));
	buf_release(&b);
}

static int
block_delta(struct ir_decoder *dec, struct jv v)
{
	struct an_dec	*d = dec->state;
	struct jv	 type = json_get(v, "type"), c;

	if (json_is(type, "input_json_delta"))
		return delta_args(dec, json_get(v, "partial_json"));
	if (d->held) {
		if (!json_is(type, "citations_delta"))
			delta_held(dec, v);
		return 0;
	}
	if (json_is(type, "text_delta")) {
		if (want_part(dec, IR_TEXT) == -1)
			return -1;
		return text_delta(dec, IR_D_TEXT, json_get(v, "text"));
	}
	if (json_is(type, "thinking_delta")) {
		if (want_part(dec, IR_THINKING) == -1)
			return -1;
		return text_delta(dec, IR_D_TEXT, json_get(v, "thinking"));
	}
	if (json_is(type, "signature_delta")) {
		if (want_part(dec, IR_THINKING) == -1)
			return -1;
		return text_delta(dec, IR_D_SIGNATURE,
		    json_get(v, "signature"));
	}
	if (json_is(type, "citations_delta")) {
		c = json_get(v, "citation");
		if (json_type(c) == JSON_OBJECT && d->open &&
		    d->part == IR_TEXT)
			return delta(dec, IR_D_ANNOTATION, JSTR_NONE,
			    json_raw(c));
	}
	return 0;
}

/* --- frames --------------------------------------------------------------- */

static int
emit_error(struct ir_decoder *dec, const struct ir_error *err)
{
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = err };

	return ir_emit(&dec->sink, &ev);
}

static int
finish(struct ir_decoder *dec)
{
	struct ir_event	 ev = { .type = IR_EV_END };

	if (start(dec, JV_NONE) == -1 || close_part(dec) == -1 ||
	    emit_usage(dec) == -1 || emit_stop(dec) == -1)
		return -1;
	return ir_emit(&dec->sink, &ev);
}

static int
frame_message(struct ir_decoder *dec, struct jv root)
{
	struct an_dec	*d = dec->state;
	struct jv	 m = json_get(root, "message");

	if (start(dec, m) == -1)
		return -1;
	read_usage(d, json_get(m, "usage"));
	return emit_usage(dec);
}

static int
frame_block(struct ir_decoder *dec, struct jv root)
{
	struct an_dec	*d = dec->state;
	int64_t		 index;

	if (json_int(json_get(root, "index"), &index) == -1)
		index = -1;
	if (start(dec, JV_NONE) == -1 || start_block(dec,
	    json_get(root, "content_block"), index) == -1)
		return -1;
	d->block = index;
	return 0;
}

static int
frame_delta(struct ir_decoder *dec, struct jv root)
{
	struct an_dec	*d = dec->state;
	int64_t		 index;

	if (start(dec, JV_NONE) == -1)
		return -1;
	/* Of a block that has ended: nowhere to put it. */
	if (json_int(json_get(root, "index"), &index) == 0 &&
	    d->block >= 0 && index != d->block)
		return 0;
	return block_delta(dec, json_get(root, "delta"));
}

static int
frame_ping(struct ir_decoder *dec)
{
	struct an_dec	*d = dec->state;
	struct ir_event	 ev = { .type = IR_EV_PING };

	return d->started ? ir_emit(&dec->sink, &ev) : 0;
}

static int
frame_error(struct ir_decoder *dec, struct jv root)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "the provider reported an error");
	if (anthropic_error_read(dec->x->arena, root, &err) == -1)
		return 0;
	return emit_error(dec, &err);
}

int
anthropic_event_decode(struct ir_decoder *dec, const struct frame *f)
{
	struct an_dec		*d = dec->state;
	struct json_error	 je;
	struct jv		 root, type;

	if (json_parse(&dec->json, f->data, &je) == -1)
		return 0;
	root = json_root(&dec->json);
	type = json_get(root, "type");
	if (json_is(type, "content_block_delta"))
		return frame_delta(dec, root);
	if (json_is(type, "content_block_start"))
		return frame_block(dec, root);
	if (json_is(type, "content_block_stop"))
		return d->started ? close_part(dec) : 0;
	if (json_is(type, "message_start"))
		return frame_message(dec, root);
	if (json_is(type, "message_delta")) {
		read_stop(dec, json_get(root, "delta"));
		read_usage(d, json_get(root, "usage"));
		return 0;
	}
	if (json_is(type, "message_stop"))
		return finish(dec);
	if (json_is(type, "ping"))
		return frame_ping(dec);
	if (json_is(type, "error") || !json_empty(json_get(root, "error")))
		return frame_error(dec, root);
	return 0;
}

bool
anthropic_event_finished(const struct ir_decoder *dec)
{
	const struct an_dec	*d = dec->state;

	return d->stopped;
}

int
anthropic_event_end(struct ir_decoder *dec)
{
	struct an_dec	*d = dec->state;
	struct ir_error	 err;

	if (d->stopped)
		return finish(dec);
	ir_error_set(&err, IR_ERR_UPSTREAM, d->started ?
	    "the provider's stream was cut before its end" :
	    "the provider's stream ended before it began");
	return emit_error(dec, &err);
}

int
anthropic_body_decode(struct ir_decoder *dec)
{
	struct an_dec	*d = dec->state;
	struct jv	 root = json_root(&dec->json), v;
	struct ir_error	 err;
	int64_t		 i = 0;

	if (json_type(json_get(root, "content")) != JSON_ARRAY) {
		ir_error_set(&err, IR_ERR_UPSTREAM,
		    "the provider reported an error");
		if (anthropic_error_read(dec->x->arena, root, &err) == -1)
			ir_error_set(&err, IR_ERR_UPSTREAM,
			    "the provider's answer is no message");
		return emit_error(dec, &err);
	}
	if (start(dec, root) == -1)
		return -1;
	for (v = json_first(json_get(root, "content")); json_ok(v);
	    v = json_next(v)) {
		if (start_block(dec, v, i++) == -1)
			return -1;
	}
	read_stop(dec, root);
	read_usage(d, json_get(root, "usage"));
	return finish(dec);
}

/* --- for the loss report -------------------------------------------------- */

static const struct json_known text_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("text") },
	{ JSON_KNOWN("citations") }, { .name = NULL }
};

/* "direct" is what every call is, another one names its caller. */
static const struct json_known caller_known[] = {
	{ JSON_KNOWN("type") }, { .name = NULL }
};

static const struct json_known tool_use_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("id") }, { JSON_KNOWN("name") },
	{ JSON_KNOWN("input") }, { JSON_KNOWN("caller"), .in = caller_known },
	{ .name = NULL }
};

static const struct json_known thinking_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("thinking") },
	{ JSON_KNOWN("signature") }, { .name = NULL }
};

static const struct json_known redacted_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("data") }, { .name = NULL }
};

static const struct json_known blocks_known[] = {
	{ JSON_KNOWN("text"), .in = text_known },
	{ JSON_KNOWN("tool_use"), .in = tool_use_known },
	{ JSON_KNOWN("thinking"), .in = thinking_known },
	{ JSON_KNOWN("redacted_thinking"), .in = redacted_known },
	{ .name = NULL }
};

static const struct json_known cache_known[] = {
	{ JSON_KNOWN("ephemeral_5m_input_tokens") },
	{ JSON_KNOWN("ephemeral_1h_input_tokens") }, { .name = NULL }
};

static const struct json_known output_known[] = {
	{ JSON_KNOWN("thinking_tokens") }, { .name = NULL }
};

/* The region is about the provider, as iterations are of sums told here. */
static const struct json_known usage_known[] = {
	{ JSON_KNOWN("input_tokens") }, { JSON_KNOWN("output_tokens") },
	{ JSON_KNOWN("cache_creation_input_tokens") },
	{ JSON_KNOWN("cache_read_input_tokens") },
	{ JSON_KNOWN("cache_creation"), .in = cache_known },
	{ JSON_KNOWN("output_tokens_details"), .in = output_known },
	{ JSON_KNOWN("service_tier") }, { JSON_KNOWN("inference_geo") },
	{ JSON_KNOWN("iterations") }, { .name = NULL }
};

static const struct json_known message_known[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("type") }, { JSON_KNOWN("role") },
	{ JSON_KNOWN("model") }, { JSON_KNOWN("stop_reason") },
	{ JSON_KNOWN("stop_sequence") },
	{ JSON_KNOWN("content"), .in = blocks_known, .by_type = true },
	{ JSON_KNOWN("usage"), .in = usage_known },
	{ JSON_KNOWN("error") }, { .name = NULL }
};

static const struct json_known start_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("message"), .in = message_known },
	{ .name = NULL }
};

static const struct json_known block_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("index") },
	{ JSON_KNOWN("content_block"), .in = blocks_known, .by_type = true },
	{ .name = NULL }
};

static const struct json_known stop_known[] = {
	{ JSON_KNOWN("stop_reason") }, { JSON_KNOWN("stop_sequence") },
	{ .name = NULL }
};

static const struct json_known delta_known[] = {
	{ JSON_KNOWN("type") }, { JSON_KNOWN("delta"), .in = stop_known },
	{ JSON_KNOWN("usage"), .in = usage_known }, { .name = NULL }
};

static const struct json_known events_known[] = {
	{ JSON_KNOWN("message_start"), .in = start_known },
	{ JSON_KNOWN("content_block_start"), .in = block_known },
	{ JSON_KNOWN("message_delta"), .in = delta_known }, { .name = NULL }
};

const struct dialect_answer anthropic_answer = {
	.members = {
		[ANSWER_TEXT] = ".text",
		[ANSWER_SIGNATURE] = ".signature",
		[ANSWER_REDACTED] = ".data",
		[ANSWER_NOTES] = ".citations",
		[ANSWER_ARGS] = ".input",
		[ANSWER_STOP] = "stop_reason",
	},
	.body = { .in = message_known },
	.event = { .in = events_known, .by_type = true },
};
