/*
 * Events and folded answers as Gemini's.  A stream is a sequence of answers of
 * which each holds what is new; calls are written whole, when their arguments
 * are.  The last chunk has the reason to stop and the usage: clients repeat a
 * request whose stream ends without them.
 */
#include <string.h>

#include "wire/answer_loss.h"
#include "wire/cite.h"
#include "wire/dialect_gemini.h"

/* --- values --------------------------------------------------------------- */

static const char *
stop_name(enum ir_stop stop)
{
	switch (stop) {
	case IR_STOP_END:
	case IR_STOP_TOOL:
	case IR_STOP_SEQUENCE:
	case IR_STOP_PAUSE:
		return "STOP";
	case IR_STOP_LENGTH:
	case IR_STOP_CONTEXT:
		return "MAX_TOKENS";
	case IR_STOP_FILTER:
	case IR_STOP_REFUSAL:
		return "SAFETY";
	case IR_STOP_BAD_CALL:
		return "MALFORMED_FUNCTION_CALL";
	case IR_STOP_OTHER:
	case IR_STOP_NONE:
		break;
	}
	return "OTHER";
}

/* Thoughts go to those who asked for them, and where that is not known. */
static bool
thoughts_wanted(const struct ir_exchange *x)
{
	return x->rq == NULL || x->rq->from != &dialect_gemini ||
	    x->rq->reasoning.visible == IR_YES;
}

static void
lose(struct ir_exchange *x, enum ir_member what, const char *why)
{
	answer_lost(x, what, LOSS_DROPPED, why);
}

static void
lose_thoughts(struct ir_exchange *x)
{
	lose(x, ANSWER_PART, "thoughts were not asked for");
}

static void
signature_write(struct jw *w, struct jstr sig)
{
	if (sig.n > 0) {
		jw_key(w, "thoughtSignature");
		jw_jstr(w, sig);
	}
}

static void
text_write(struct jw *w, struct jstr text, bool thought, struct jstr sig)
{
	jw_object(w);
	jw_key(w, "text");
	jw_jstr(w, text);
	if (thought) {
		jw_key(w, "thought");
		jw_bool(w, true);
	}
	signature_write(w, sig);
	jw_object_end(w);
}

/* args is what arrived: JSON text, still as the contents of a string. */
static void
call_write(struct ir_exchange *x, struct jw *w, struct str id, struct str name,
    enum ir_tool_kind kind, struct str text, struct jstr sig)
{
	struct ir_args	 args = { .escaped = { text.p, text.n } };
	struct str	 object;

	jw_object(w);
	jw_key(w, "functionCall");
	jw_object(w);
	if (id.n > 0) {
		jw_key(w, "id");
		jw_str(w, id);
	}
	jw_key(w, "name");
	jw_str(w, ir_name_restore(&x->names, name));
	jw_key(w, "args");
	if (kind == IR_CUSTOM) {
		jw_object(w);
		jw_key(w, "input");
		jw_jstr(w, args.escaped);
		jw_object_end(w);
	} else {
		if (ir_args_object(x->arena, &args, &object) == -1)
			answer_lost(x, ANSWER_ARGS, LOSS_APPROXIMATED,
			    "arguments that are no JSON object");
		jw_raw(w, object);
	}
	jw_object_end(w);
	signature_write(w, sig);
	jw_object_end(w);
}

static void
media_write(struct jw *w, struct str type, struct str data, struct jstr sig)
{
	jw_object(w);
	jw_key(w, "inlineData");
	jw_object(w);
	jw_key(w, "mimeType");
	jw_str(w, type.n > 0 ? type : STR("application/octet-stream"));
	jw_key(w, "data");
	jw_str(w, data);
	jw_object_end(w);
	signature_write(w, sig);
	jw_object_end(w);
}

/* Counts that nobody told are left out: absent is not zero. */
static void
usage_member(struct jw *w, const char *name, int64_t n)
{
	if (n == -1)
		return;
	jw_key(w, name);
	jw_int(w, n);
}

/* Gemini's prompt includes what was cached, its candidates no thoughts. */
static void
usage_write(struct jw *w, const struct ir_usage *u)
{
	int64_t	 in, out = u->output;

	in = ir_usage_sum(ir_usage_sum(u->input, u->cache_read),
	    ir_usage_sum(u->cache_write_5m, u->cache_write_1h));
	if (in == 0 && u->input == -1)
		in = -1;
	if (in == -1 && out == -1 && u->reasoning == -1)
		return;
	jw_key(w, "usageMetadata");
	jw_object(w);
	usage_member(w, "promptTokenCount", in);
	usage_member(w, "candidatesTokenCount", out);
	if (u->cache_read > 0)
		usage_member(w, "cachedContentTokenCount", u->cache_read);
	if (u->reasoning > 0)
		usage_member(w, "thoughtsTokenCount", u->reasoning);
	usage_member(w, "totalTokenCount",
	    ir_usage_sum(in, ir_usage_sum(out, u->reasoning)));
	if (ir_tier_name(u->tier, IR_TIER_GEMINI) != NULL) {
		jw_key(w, "serviceTier");
		jw_strz(w, ir_tier_name(u->tier, IR_TIER_GEMINI));
	}
	jw_object_end(w);
}

static void
logprob_write(struct jw *w, struct jv v)
{
	jw_object(w);
	jw_key(w, "token");
	jw_raw(w, json_type(json_get(v, "token")) == JSON_STRING ?
	    json_raw(json_get(v, "token")) : STR("\"\""));
	jw_key(w, "logProbability");
	jw_raw(w, json_type(json_get(v, "logprob")) == JSON_NUMBER ?
	    json_raw(json_get(v, "logprob")) : STR("0"));
	jw_object_end(w);
}

/* raw: OpenAI's objects, comma between. */
static void
logprobs_write(struct ir_exchange *x, struct jw *w, struct str raw)
{
	struct json		 j;
	struct json_error	 je;
	struct jv		 v, t;

	if (raw.n == 0)
		return;
	raw = arena_strf(x->arena, "[%.*s]", STR_FMT(raw));
	json_init(&j);
	if (json_parse(&j, raw, &je) == 0) {
		jw_key(w, "logprobsResult");
		jw_object(w);
		jw_key(w, "chosenCandidates");
		jw_array(w);
		v = json_first(json_root(&j));
		for (; json_ok(v); v = json_next(v))
			logprob_write(w, v);
		jw_array_end(w);
		jw_key(w, "topCandidates");
		jw_array(w);
		v = json_first(json_root(&j));
		for (; json_ok(v); v = json_next(v)) {
			jw_object(w);
			jw_key(w, "candidates");
			jw_array(w);
			t = json_first(json_get(v, "top_logprobs"));
			for (; json_ok(t); t = json_next(t))
				logprob_write(w, t);
			jw_array_end(w);
			jw_object_end(w);
		}
		jw_array_end(w);
		jw_object_end(w);
	}
	json_release(&j);
}

/* The same member in a note behind this one. */
static struct jv
note_later(struct jv note, const char *name, struct jv key)
{
	struct jstr	 k = json_jstr(key), have;
	struct jv	 v, m;

	for (v = json_next(note); json_ok(v); v = json_next(v))
		for (m = json_first(json_get(v, name)); json_ok(m);
		    m = json_next(m)) {
			have = json_jstr(json_key(m));
			if (have.n == k.n && memcmp(have.p, k.p, k.n) == 0)
				return m;
		}
	return JV_NONE;
}

/* The members of all values of that name; of what is told twice, the last. */
static void
note_merge(struct jw *w, struct jv notes, const char *name)
{
	struct jv	 v, m;

	jw_object(w);
	for (v = json_first(notes); json_ok(v); v = json_next(v))
		for (m = json_first(json_get(v, name)); json_ok(m);
		    m = json_next(m)) {
			if (json_ok(note_later(v, name, json_key(m))))
				continue;
			jw_key_jstr(w, json_jstr(json_key(m)));
			jw_raw(w, json_raw(m));
		}
	jw_object_end(w);
}

static void
note_write(struct jw *w, struct jv notes, const char *name)
{
	struct jv	 v, last = JV_NONE;
	unsigned	 n = 0;

	for (v = json_first(notes); json_ok(v); v = json_next(v))
		if (json_ok(json_get(v, name))) {
			last = json_get(v, name);
			n++;
		}
	if (n == 0)
		return;
	jw_key(w, name);
	if (n == 1)
		jw_raw(w, json_raw(last));
	else
		note_merge(w, notes, name);
}

/* raw: {"groundingMetadata":..} and the like, comma between. */
static void
notes_write(struct ir_exchange *x, struct jw *w, struct str raw)
{
	static const char *const names[] = { "citationMetadata",
				    "groundingMetadata",
				    "urlContextMetadata" };
	struct json		 j;
	struct json_error	 je;
	size_t			 i;

	if (raw.n == 0)
		return;
	raw = arena_strf(x->arena, "[%.*s]", STR_FMT(raw));
	json_init(&j);
	if (json_parse(&j, raw, &je) == 0)
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			note_write(w, json_root(&j), names[i]);
	json_release(&j);
}

/* The provider's own word, if the provider is of this dialect. */
static void
stop_write(struct ir_exchange *x, struct jw *w, enum ir_stop stop,
    struct str raw)
{
	jw_key(w, "finishReason");
	if (x->target.dialect == &dialect_gemini && raw.n > 0)
		jw_str(w, raw);
	else {
		if (stop != IR_STOP_BAD_CALL)
			dialect_lose_stop(x, stop, raw);
		jw_strz(w, stop_name(stop));
	}
}

static void
candidate_open(struct jw *w)
{
	jw_object(w);
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, "parts");
	jw_array(w);
}

/* The caller adds what stands behind the content, and closes. */
static void
content_close(struct jw *w)
{
	jw_array_end(w);
	jw_key(w, "role");
	jw_strz(w, "model");
	jw_object_end(w);
}

static void
candidate_close(struct jw *w, unsigned index)
{
	jw_key(w, "index");
	jw_int(w, index);
	jw_object_end(w);
}

static void
ids_write(struct ir_exchange *x, struct jw *w, struct str id, struct str model)
{
	jw_key(w, "modelVersion");
	jw_str(w, model.n > 0 ? model : x->target.model);
	jw_key(w, "responseId");
	jw_str(w, id.n > 0 ? id : x->id);
}

/* --- streams -------------------------------------------------------------- */

static struct gem_choice *
choice_get(struct ir_encoder *enc, unsigned index)
{
	struct gem_enc	*e = enc->state;

	if (index == 0 || index >= IR_CHOICES_MAX)
		return &e->first;
	if (e->more == NULL)
		e->more = arena_array(enc->x->arena, IR_CHOICES_MAX,
		    sizeof(*e->more));
	return &e->more[index];
}

/* Between the two stands one JSON value. */
static void
frame_open(struct ir_encoder *enc)
{
	struct gem_enc	*e = enc->state;

	if (enc->x->framing == FRAME_JSON_ARRAY)
		(void)buf_addz(enc->out, e->begun ? "\n,\n" : "[");
	else
		sse_open(enc->out, NULL);
	e->begun = true;
}

static void
frame_close(struct ir_encoder *enc)
{
	if (enc->x->framing != FRAME_JSON_ARRAY)
		sse_close(enc->out);
}

static void
chunk_open(struct ir_encoder *enc, struct jw *w)
{
	frame_open(enc);
	jw_init(w, enc->out);
	jw_object(w);
	jw_key(w, "candidates");
	jw_array(w);
}

static void
chunk_close(struct ir_encoder *enc, struct jw *w, bool last)
{
	struct gem_enc	*e = enc->state;

	jw_array_end(w);
	if (last && e->has_usage)
		usage_write(w, &e->usage);
	ids_write(enc->x, w, e->id, e->model);
	jw_object_end(w);
	frame_close(enc);
}

static void
part_open(struct ir_encoder *enc, struct jw *w)
{
	chunk_open(enc, w);
	candidate_open(w);
}

static void
part_close(struct ir_encoder *enc, struct jw *w, unsigned choice)
{
	content_close(w);
	candidate_close(w, choice);
	chunk_close(enc, w, false);
}

static void
text_chunk(struct ir_encoder *enc, const struct ir_event *ev,
    struct jstr text, struct jstr sig)
{
	struct jw	 w;
	bool		 thought = ev->part == IR_THINKING;

	if (text.n == 0 && sig.n == 0)
		return;
	if (thought && text.n > 0 && !thoughts_wanted(enc->x)) {
		lose_thoughts(enc->x);
		return;
	}
	part_open(enc, &w);
	text_write(&w, text, thought && thoughts_wanted(enc->x), sig);
	part_close(enc, &w, ev->choice);
}

static void
signature_event(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct gem_choice	*c = choice_get(enc, ev->choice);
	struct str		 s;

	if (ev->from != &dialect_gemini) {
		lose(enc->x, ANSWER_SIGNATURE, answer_state_why);
		return;
	}
	if (ev->part == IR_TEXT || ev->part == IR_THINKING ||
	    ev->part == IR_REFUSAL) {
		text_chunk(enc, ev, JSTR(""), ev->text);
		return;
	}
	s = arena_str(enc->x->arena, (struct str){ ev->text.p, ev->text.n });
	c->signature = (struct jstr){ s.p, s.n };
}

/* Those of another dialect's answer in this dialect's form, or nothing. */
static struct str
notes_fit(struct ir_exchange *x, struct cite_hold *h)
{
	const struct cite_span	*span;
	struct buf		 b;
	struct jw		 w;
	struct str		 res;

	buf_init(&b, SIZE_MAX / 2);
	jw_init(&w, &b);
	cite_write_parts(x->arena, h, &w);
	for (span = h->spans; span != NULL; span = span->next) {
		x->at = span->at;
		if (span->lost > 0)
			lose(x, ANSWER_NOTES,
			    "a citation of what only its provider knows");
		else
			answer_lost(x, ANSWER_NOTES, LOSS_APPROXIMATED,
			    "citations in another provider's form");
	}
	res = arena_str(x->arena, buf_str(&b));
	buf_release(&b);
	return res;
}

/* As it arrives: later ones of the same kind would not fit in one chunk. */
static void
note_chunk(struct ir_encoder *enc, unsigned choice, struct str notes)
{
	struct jw	 w;

	if (notes.n == 0)
		return;
	part_open(enc, &w);
	text_write(&w, JSTR(""), false, JSTR_NONE);
	content_close(&w);
	notes_write(enc->x, &w, notes);
	candidate_close(&w, choice);
	chunk_close(enc, &w, false);
}

static void
logprobs_event(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct str	 s = str_trim(ev->raw);
	struct jw	 w;

	if (s.n >= 2 && s.p[0] == '[')
		s = (struct str){ s.p + 1, s.n - 2 };
	if (s.n == 0)
		return;
	part_open(enc, &w);
	text_write(&w, JSTR(""), false, JSTR_NONE);
	content_close(&w);
	logprobs_write(enc->x, &w, s);
	candidate_close(&w, ev->choice);
	chunk_close(enc, &w, false);
}

static void
delta_event(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct gem_choice	*c = choice_get(enc, ev->choice);
	struct arena		*a = enc->x->arena;

	switch (ev->delta) {
	case IR_D_TEXT:
		if (ev->part == IR_TOOL_CALL)
			gem_acc_add(a, &c->acc, ev->text.p, ev->text.n);
		else
			text_chunk(enc, ev, ev->text, JSTR_NONE);
		break;
	case IR_D_ARGS:
		gem_acc_add(a, &c->acc, ev->text.p, ev->text.n);
		break;
	case IR_D_DATA:
		gem_acc_add(a, &c->acc, ev->raw.p, ev->raw.n);
		break;
	case IR_D_SIGNATURE:
		signature_event(enc, ev);
		break;
	case IR_D_REDACTED:
		lose(enc->x, ANSWER_REDACTED, answer_state_why);
		break;
	case IR_D_ANNOTATION:
		if (ev->from == &dialect_gemini)
			note_chunk(enc, ev->choice, ev->raw);
		else
			cite_hold_note(enc->x->arena,
			    &choice_get(enc, ev->choice)->hold, ev->from,
			    ev->raw);
		break;
	case IR_D_LOGPROBS:
		logprobs_event(enc, ev);
		break;
	}
}

/* Pieces that are parts go out at once, others stand beside the text. */
static void
run_chunks(struct ir_encoder *enc, unsigned choice,
    const struct server_piece *p)
{
	struct gem_choice	*c = choice_get(enc, choice);
	struct jw		 w;

	for (; p != NULL; p = p->next) {
		if (p->event != NULL) {
			gem_acc_value(enc->x->arena, &c->beside, p->raw);
			continue;
		}
		part_open(enc, &w);
		jw_raw(&w, p->raw);
		part_close(enc, &w, choice);
	}
}

/* What only its provider knows, but for what its own tools did. */
static void
opaque_event(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct gem_choice	*c = choice_get(enc, ev->choice);
	struct server_piece	*p;
	struct jw		 w;

	if (ev->from == &dialect_gemini) {
		part_open(enc, &w);
		jw_raw(&w, ev->raw);
		part_close(enc, &w, ev->choice);
	} else if (server_run_take(enc->x, &c->runs, ev->from, ev->raw,
	    &dialect_gemini, &p))
		run_chunks(enc, ev->choice, p);
	else
		lose(enc->x, ANSWER_PART,
		    "only its own provider's clients know this");
}

static void
part_start_event(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct gem_choice	*c = choice_get(enc, ev->choice);
	struct arena		*a = enc->x->arena;

	c->seen = true;
	c->acc.n = 0;
	c->acc.toobig = false;
	c->signature = JSTR_NONE;
	if (ev->part == IR_TOOL_CALL) {
		c->id = arena_str(a, ev->id);
		c->name = arena_str(a, ev->name);
		c->tool = ev->tool;
	} else if (ev->part >= IR_IMAGE && ev->part <= IR_DOCUMENT)
		c->media_type = arena_str(a, ev->media_type);
	else if (ev->part == IR_OPAQUE)
		opaque_event(enc, ev);
}

static void
part_end_event(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct gem_choice	*c = choice_get(enc, ev->choice);
	struct str		 s = { c->acc.p, c->acc.n };
	struct jw		 w;

	if (ev->part == IR_TOOL_CALL) {
		part_open(enc, &w);
		call_write(enc->x, &w, c->id, c->name, c->tool, s,
		    c->signature);
		part_close(enc, &w, ev->choice);
	} else if (ev->part >= IR_IMAGE && ev->part <= IR_DOCUMENT) {
		part_open(enc, &w);
		media_write(&w, c->media_type, s, c->signature);
		part_close(enc, &w, ev->choice);
	} else if (ev->part == IR_TEXT)
		cite_hold_part(enc->x, &c->hold);
}

static void
end_event(struct ir_encoder *enc)
{
	struct gem_enc		*e = enc->state;
	struct gem_choice	*c;
	struct jw		 w;
	unsigned		 i;

	chunk_open(enc, &w);
	for (i = 0; i < IR_CHOICES_MAX && (i == 0 || e->more != NULL); i++) {
		c = i == 0 ? &e->first : &e->more[i];
		if (!c->seen && i > 0)
			continue;
		candidate_open(&w);
		text_write(&w, JSTR(""), false, JSTR_NONE);
		content_close(&w);
		stop_write(enc->x, &w, c->stop, c->stop_raw);
		candidate_close(&w, i);
	}
	chunk_close(enc, &w, true);
	if (enc->x->framing == FRAME_JSON_ARRAY)
		(void)buf_addz(enc->out, "]");
}

static void
error_event(struct ir_encoder *enc, const struct ir_error *err)
{
	struct jw	 w;

	frame_open(enc);
	jw_init(&w, enc->out);
	gem_error_write(err, STR_NONE, &w);
	frame_close(enc);
	if (enc->x->framing == FRAME_JSON_ARRAY)
		(void)buf_addz(enc->out, "]");
}

/* A candidate has one list of sources, whatever parts its text is in. */
static void
held_notes(struct ir_encoder *enc, unsigned choice)
{
	struct gem_choice	*c = choice_get(enc, choice);
	struct cite_hold	*h = &c->hold;

	run_chunks(enc, choice, server_run_rest(enc->x, &c->runs,
	    &dialect_gemini));
	cite_hold_part(enc->x, h);
	gem_acc_value(enc->x->arena, &c->beside, notes_fit(enc->x, h));
	h->spans = NULL;
	note_chunk(enc, choice, (struct str){ c->beside.p, c->beside.n });
	c->beside.n = 0;
}

void
gem_event_encode(struct ir_encoder *enc, const struct ir_event *ev)
{
	struct gem_enc		*e = enc->state;
	struct gem_choice	*c;

	switch (ev->type) {
	case IR_EV_START:
		e->id = arena_str(enc->x->arena, ev->id);
		e->model = arena_str(enc->x->arena, ev->name);
		break;
	case IR_EV_PART_START:
		part_start_event(enc, ev);
		break;
	case IR_EV_DELTA:
		if (ev->delta == IR_D_TEXT && ev->part == IR_TEXT)
			cite_hold_text(enc->x->arena,
			    &choice_get(enc, ev->choice)->hold, ev->text);
		delta_event(enc, ev);
		break;
	case IR_EV_PART_END:
		part_end_event(enc, ev);
		break;
	case IR_EV_USAGE:
		e->usage = ev->usage;
		e->has_usage = true;
		break;
	case IR_EV_STOP:
		held_notes(enc, ev->choice);
		c = choice_get(enc, ev->choice);
		c->seen = true;
		c->stop = ev->stop;
		c->stop_raw = arena_str(enc->x->arena, ev->stop_raw);
		break;
	case IR_EV_END:
		end_event(enc);
		break;
	case IR_EV_ERROR:
		error_event(enc, ev->error);
		break;
	case IR_EV_PING:
		break;
	}
}

/* --- whole answers -------------------------------------------------------- */

static void
body_text(struct ir_exchange *x, struct jw *w, const struct ir_out_part *p,
    struct jstr sig)
{
	struct str	 s = buf_str(&p->text);
	struct jstr	 text = { s.p, s.n };
	bool		 thought = p->type == IR_THINKING;

	if (p->redacted.n > 0)
		lose(x, ANSWER_REDACTED, answer_state_why);
	if (thought && text.n > 0 && !thoughts_wanted(x)) {
		lose_thoughts(x);
		text = JSTR("");
		thought = false;
	}
	if (text.n > 0 || sig.n > 0)
		text_write(w, text, thought && text.n > 0, sig);
}

struct beside {
	struct server_runs	 runs;
	struct gem_acc		 notes;
};

static void
body_pieces(struct ir_exchange *x, struct jw *w, struct beside *b,
    const struct server_piece *p)
{
	for (; p != NULL; p = p->next)
		if (p->event != NULL)
			gem_acc_value(x->arena, &b->notes, p->raw);
		else
			jw_raw(w, p->raw);
}

static void
body_opaque(struct ir_exchange *x, struct jw *w, struct beside *b,
    const struct ir_out_part *p)
{
	struct server_piece	*pieces;

	if (p->from == &dialect_gemini)
		jw_raw(w, p->raw);
	else if (server_run_take(x, &b->runs, p->from, p->raw,
	    &dialect_gemini, &pieces))
		body_pieces(x, w, b, pieces);
	else
		lose(x, ANSWER_PART,
		    "only its own provider's clients know this");
}

static void
body_part(struct ir_exchange *x, struct jw *w, struct beside *b,
    const struct ir_out_part *p)
{
	struct jstr	 sig = p->signature;

	if (sig.n > 0 && p->from != &dialect_gemini) {
		lose(x, ANSWER_SIGNATURE, answer_state_why);
		sig = JSTR_NONE;
	}
	switch (p->type) {
	case IR_TEXT:
	case IR_REFUSAL:
	case IR_THINKING:
		body_text(x, w, p, sig);
		break;
	case IR_IMAGE:
	case IR_AUDIO:
	case IR_VIDEO:
	case IR_DOCUMENT:
		media_write(w, p->media_type, buf_str(&p->data), sig);
		break;
	case IR_TOOL_CALL:
		call_write(x, w, p->id, p->name, p->tool, buf_str(&p->text),
		    sig);
		break;
	case IR_OPAQUE:
		body_opaque(x, w, b, p);
		break;
	case IR_TOOL_RESULT:
		break;
	}
}

static void
body_choice(struct ir_exchange *x, struct jw *w, const struct ir_out_choice *c)
{
	const struct ir_out_part	*p;
	struct gem_acc			 logprobs = { 0 };
	struct beside			 b = { .notes = { 0 } };
	struct cite_hold		 hold = { .from = NULL };
	size_t				 len;

	candidate_open(w);
	len = w->b->len;
	for (p = c->parts; p != NULL; p = p->next) {
		x->at = p->at;
		body_part(x, w, &b, p);
		gem_acc_value(x->arena, &logprobs, buf_str(&p->logprobs));
		if (p->type == IR_TEXT)
			cite_hold_text(x->arena, &hold,
			    (struct jstr){ p->text.data, p->text.len });
		if (p->annotations.len > 0 && p->from == &dialect_gemini)
			gem_acc_value(x->arena, &b.notes,
			    buf_str(&p->annotations));
		else if (p->annotations.len > 0)
			cite_hold_note(x->arena, &hold, p->from,
			    buf_str(&p->annotations));
		cite_hold_part(x, &hold);
	}
	body_pieces(x, w, &b, server_run_rest(x, &b.runs, &dialect_gemini));
	if (w->b->len == len)
		text_write(w, JSTR(""), false, JSTR_NONE);
	content_close(w);
	x->at = c->at;
	stop_write(x, w, c->stop, c->stop_raw);
	logprobs_write(x, w, (struct str){ logprobs.p, logprobs.n });
	gem_acc_value(x->arena, &b.notes, notes_fit(x, &hold));
	notes_write(x, w, (struct str){ b.notes.p, b.notes.n });
	candidate_close(w, c->index);
}

void
gem_body_encode(struct ir_exchange *x, const struct ir_response *r,
    struct buf *out)
{
	const struct ir_out_choice	*c;
	struct jw			 w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "candidates");
	jw_array(&w);
	for (c = r->choices; c != NULL; c = c->next)
		body_choice(x, &w, c);
	jw_array_end(&w);
	usage_write(&w, &r->usage);
	ids_write(x, &w, r->id, r->model);
	jw_object_end(&w);
}
