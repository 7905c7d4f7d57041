/*
 * OpenAI Chat Completions: answers into events.
 *
 * Parts of a choice must not overlap in the common form, but on the wire pieces
 * of several calls may be mixed, and text may come between them.  So each
 * choice has a queue of parts; the one in front is open and its pieces pass
 * through, those behind it are held until it may be closed: text at once, a
 * call when its arguments are a whole JSON value, anything at the end.
 *
 * The reason for the end is told when the stream is over: some servers name
 * one in the middle, or the same one twice.
 */
#include "wire/answer_loss.h"
#include "wire/dialect_openai_chat.h"

#define CALLS_MAX	1024		/* in one choice */
#define HELD_MAX	((size_t)32 << 20)

/* Where the text of a JSON value stands: is it whole? */
struct track {
	unsigned	 depth;
	bool		 in_string, backslash;
	bool		 begun;
	bool		 whole;
};

/* A delta that is held back; its bytes are in the arena. */
struct piece {
	enum ir_delta	 delta;
	struct jstr	 text;
	struct str	 raw;
	struct piece	*next;
};

struct slot {
	enum ir_part_type	 type;
	enum ir_tool_kind	 tool;
	unsigned		 index;
	bool			 begun;		/* PART_START is out */
	bool			 closed;	/* PART_END too */
	bool			 single;	/* nothing more will come */
	bool			 legacy;	/* function_call */
	int64_t			 key;		/* index on the wire, or -1 */
	unsigned		 place;		/* of several: which */
	struct str		 id, name, media_type, raw;
	struct track		 args;
	struct piece		*pieces, **last;
	struct slot		*next;		/* in the queue */
	struct slot		*older;		/* call before this one */
};

struct chat_dec_choice {
	unsigned	 index;
	struct slot	*head, *tail;		/* the queue */
	struct slot	*calls;			/* newest first */
	unsigned	 n_calls;
	bool		 seen_call;
	struct piece	*notes, **last_note;	/* wait for a text part */
	bool		 finished;
	struct str	 reason;
	struct jstr	 stop_seq;
};

/* One call of a decode function; res is the sink's answer. */
struct rd {
	struct ir_decoder	*dec;
	struct chat_dec		*st;
	struct arena		*a;
	int			 res;
};

static struct rd
rd_begin(struct ir_decoder *dec)
{
	return (struct rd){ .dec = dec, .st = dec->state, .a = dec->x->arena };
}

static void
emit(struct rd *d, const struct ir_event *ev)
{
	if (d->res == 0)
		d->res = ir_emit(&d->dec->sink, ev);
}

/* --- whole JSON values ---------------------------------------------------- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

static void
track_char(struct track *t, char c)
{
	if (t->in_string) {
		if (t->backslash)
			t->backslash = false;
		else if (c == '\\')
			t->backslash = true;
		else if (c == '"')
			t->in_string = false;
	} else if (c == '"')
		t->in_string = t->begun = true;
	else if (c == '{' || c == '[') {
		t->depth++;
		t->begun = true;
	} else if ((c == '}' || c == ']') && t->depth > 0)
		t->depth--;
	t->whole = t->begun && t->depth == 0 && !t->in_string;
}

/* Unescapes one level as it goes: s is what stands in a JSON string. */
static void
track_feed(struct track *t, struct jstr s)
{
	size_t	 i = 0;
	char	 c;

	while (i < s.n) {
		c = s.p[i++];
		if (c != '\\' || i == s.n) {
			track_char(t, c);
			continue;
		}
		c = s.p[i++];
		if (c == 'u' && s.n - i >= 4) {
			c = 'x';
			if (s.p[i] == '0' && s.p[i + 1] == '0')
				c = (char)(hex(s.p[i + 2]) * 16 +
				    hex(s.p[i + 3]));
			i += 4;
		} else if (c != '"' && c != '\\')
			c = ' ';
		track_char(t, c);
	}
}

/* --- the queue ------------------------------------------------------------ */

/* Of the whole message, which a stream tells in pieces. */
static const char *
slot_path(const struct slot *s)
{
	switch (s->type) {
	case IR_TEXT:
		return "choices[$c].message.content";
	case IR_THINKING:
		return "choices[$c].message.reasoning_content";
	case IR_REFUSAL:
		return "choices[$c].message.refusal";
	case IR_TOOL_CALL:
		return s->legacy ? "choices[$c].message.function_call" :
		    "choices[$c].message.tool_calls[$i]";
	case IR_IMAGE:
		return "choices[$c].message.images[$i]";
	default:
		return "choices[$c].message.audio";
	}
}

static void
slot_event(struct rd *d, const struct chat_dec_choice *c,
    const struct slot *s, struct ir_event *ev)
{
	struct ir_place	*at = &d->dec->x->at;

	at->choice = c->index;
	at->item = s->place;
	at->path = slot_path(s);
	at->args = s->legacy ? ".arguments" : NULL;
	ev->choice = c->index;
	ev->index = s->index;
	ev->part = s->type;
	ev->tool = s->tool;
	emit(d, ev);
}

static void
emit_piece(struct rd *d, const struct chat_dec_choice *c,
    const struct slot *s, enum ir_delta delta, struct jstr text,
    struct str raw)
{
	struct ir_event	 ev = { .type = IR_EV_DELTA, .delta = delta,
			     .text = text, .raw = raw,
			     .from = &dialect_openai_chat };

	slot_event(d, c, s, &ev);
}

static struct piece *
piece_new(struct rd *d, enum ir_delta delta, struct jstr text, struct str raw)
{
	struct piece	*p = ARENA_NEW(d->a, struct piece);
	struct str	 t = { text.p, text.n };

	d->st->held += text.n + raw.n + sizeof(*p);
	p->delta = delta;
	if (t.n > 0)
		t = arena_str(d->a, t);
	p->text = (struct jstr){ t.p, t.n };
	if (raw.n > 0)
		p->raw = arena_str(d->a, raw);
	return p;
}

static void
slot_delta(struct rd *d, struct chat_dec_choice *c, struct slot *s,
    enum ir_delta delta, struct jstr text, struct str raw)
{
	struct piece	*p;

	if (s->closed)
		return;
	if (s->begun) {
		emit_piece(d, c, s, delta, text, raw);
		return;
	}
	p = piece_new(d, delta, text, raw);
	*s->last = p;
	s->last = &p->next;
}

static struct slot *
slot_add(struct rd *d, struct chat_dec_choice *c, enum ir_part_type type)
{
	struct slot	*s = ARENA_NEW(d->a, struct slot);

	s->type = type;
	s->key = -1;
	s->last = &s->pieces;
	if (c->head == NULL)
		c->head = s;
	else
		c->tail->next = s;
	c->tail = s;
	if (type == IR_TEXT && c->notes != NULL) {
		*s->last = c->notes;
		s->last = c->last_note;
		c->notes = NULL;
		c->last_note = &c->notes;
	}
	return s;
}

static void
slot_begin(struct rd *d, struct chat_dec_choice *c, struct slot *s)
{
	struct ir_event	 ev = { .type = IR_EV_PART_START, .id = s->id,
			     .name = s->name, .media_type = s->media_type,
			     .raw = s->raw, .from = &dialect_openai_chat };

	s->begun = true;
	s->index = d->st->next_index++;
	slot_event(d, c, s, &ev);
	for (struct piece *p = s->pieces; p != NULL; p = p->next)
		emit_piece(d, c, s, p->delta, p->text, p->raw);
	s->pieces = NULL;
}

static void
slot_end(struct rd *d, struct chat_dec_choice *c, struct slot *s)
{
	struct ir_event	 ev = { .type = IR_EV_PART_END };

	slot_event(d, c, s, &ev);
	s->closed = true;
}

/* May it be closed when another waits behind it? */
static bool
slot_ripe(const struct slot *s)
{
	if (s->type != IR_TOOL_CALL)
		return true;
	return s->tool == IR_FUNCTION && s->args.whole;
}

static bool
slot_ready(const struct slot *s)
{
	return s->type != IR_TOOL_CALL || s->name.n > 0;
}

static void
queue_pop(struct chat_dec_choice *c)
{
	c->head = c->head->next;
	if (c->head == NULL)
		c->tail = NULL;
}

/* Opens and closes what can be, from the front. */
static void
advance(struct rd *d, struct chat_dec_choice *c)
{
	struct slot	*s;

	while ((s = c->head) != NULL) {
		if (!s->begun) {
			if (!slot_ready(s))
				break;
			slot_begin(d, c, s);
		}
		if (!s->single && (s->next == NULL || !slot_ripe(s)))
			break;
		slot_end(d, c, s);
		queue_pop(c);
	}
}

/* The slot that more of this kind goes to: the last one, or a new one. */
static struct slot *
slot_for(struct rd *d, struct chat_dec_choice *c, enum ir_part_type type)
{
	if (c->tail != NULL && c->tail->type == type && !c->tail->single)
		return c->tail;
	return slot_add(d, c, type);
}

static void
add_text(struct rd *d, struct chat_dec_choice *c, enum ir_part_type type,
    struct jv v)
{
	struct slot	*s;

	if (json_type(v) != JSON_STRING || json_jstr(v).n == 0)
		return;
	s = slot_for(d, c, type);
	slot_delta(d, c, s, IR_D_TEXT, json_jstr(v), STR_NONE);
	advance(d, c);
}

/* Citations and probabilities belong to a text, which may not be there yet. */
static void
add_note(struct rd *d, struct chat_dec_choice *c, enum ir_part_type type,
    enum ir_delta delta, struct str raw)
{
	struct piece	*p;

	if (c->tail != NULL && c->tail->type == type) {
		slot_delta(d, c, c->tail, delta, JSTR_NONE, raw);
		return;
	}
	if (type != IR_TEXT) {
		d->dec->x->at.choice = c->index;
		answer_lost_at(d->dec->x, "choices[$c].logprobs.refusal",
		    LOSS_DROPPED, "there is no refusal before them");
		return;
	}
	p = piece_new(d, delta, JSTR_NONE, raw);
	if (c->notes == NULL)
		c->last_note = &c->notes;
	*c->last_note = p;
	c->last_note = &p->next;
}

/* --- calls ---------------------------------------------------------------- */

static struct slot *
call_add(struct rd *d, struct chat_dec_choice *c, enum ir_tool_kind kind)
{
	struct slot	*s;

	if (c->n_calls == CALLS_MAX)
		return NULL;
	s = slot_add(d, c, IR_TOOL_CALL);
	s->tool = kind;
	s->place = c->n_calls;
	s->older = c->calls;
	c->calls = s;
	c->n_calls++;
	c->seen_call = true;
	return s;
}

/* Some servers give every call the index 0: is this another one? */
static bool
another_call(const struct slot *s, struct str id, struct str name)
{
	if (name.n == 0 || s->name.n == 0)
		return false;
	if (id.n > 0 && s->id.n > 0)
		return !str_eq(id, s->id) && (s->args.whole || !s->args.begun);
	return s->args.whole;
}

static struct slot *
call_by_key(struct chat_dec_choice *c, int64_t key, struct str id,
    struct str name)
{
	struct slot	*s;

	for (s = c->calls; s != NULL && s->key != key; s = s->older)
		;
	return s != NULL && another_call(s, id, name) ? NULL : s;
}

/* Without an index: by the id; a name alone begins a call, nothing goes on. */
static struct slot *
call_by_id(struct chat_dec_choice *c, struct str id, struct str name)
{
	struct slot	*s;

	if (id.n == 0)
		return name.n > 0 ? NULL : c->calls;
	for (s = c->calls; s != NULL; s = s->older)
		if (str_eq(s->id, id))
			return s;
	return c->calls != NULL && c->calls->id.n == 0 && name.n == 0 ?
	    c->calls : NULL;
}

static struct str
own_str(struct rd *d, struct jv v)
{
	if (json_type(v) != JSON_STRING || json_jstr(v).n == 0)
		return STR_NONE;
	return arena_str(d->a, json_str(d->a, v));
}

/* Arguments as text in a string; a few servers send them as an object. */
static void
add_args(struct rd *d, struct chat_dec_choice *c, struct slot *s, struct jv v)
{
	struct jstr	 text;

	if (json_type(v) == JSON_STRING)
		text = json_jstr(v);
	else if (json_type(v) == JSON_OBJECT)
		text = jstr_encode(d->a, json_raw(v));
	else
		return;
	if (jstr_empty(text))
		return;
	track_feed(&s->args, text);
	slot_delta(d, c, s, IR_D_ARGS, text, STR_NONE);
}

static void
add_call(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct jv	 custom = json_get(v, "custom");
	struct jv	 in = json_ok(custom) ? custom :
			    json_get(v, "function");
	struct str	 id = own_str(d, json_get(v, "id"));
	struct str	 name = own_str(d, json_get(in, "name"));
	struct slot	*s;
	int64_t		 key = -1;

	if (json_int(json_get(v, "index"), &key) == 0 && key >= 0)
		s = call_by_key(c, key, id, name);
	else
		s = call_by_id(c, id, name);
	if (s == NULL)
		s = call_add(d, c, json_ok(custom) ||
		    json_is(json_get(v, "type"), "custom") ?
		    IR_CUSTOM : IR_FUNCTION);
	if (s == NULL)
		return;
	if (s->key == -1)
		s->key = key;
	if (s->id.n == 0)
		s->id = id;
	if (s->name.n == 0)
		s->name = name;
	if (s->tool == IR_FUNCTION)
		add_args(d, c, s, json_get(in, "arguments"));
	else if (json_type(json_get(in, "input")) == JSON_STRING)
		slot_delta(d, c, s, IR_D_TEXT,
		    json_jstr(json_get(in, "input")), STR_NONE);
	advance(d, c);
}

/* One call a message, without an id. */
static void
add_function_call(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct slot	*s;

	if (json_type(v) != JSON_OBJECT)
		return;
	for (s = c->calls; s != NULL && !s->legacy; s = s->older)
		;
	if (s == NULL) {
		s = call_add(d, c, IR_FUNCTION);
		if (s == NULL)
			return;
		s->legacy = true;
	}
	if (s->name.n == 0)
		s->name = own_str(d, json_get(v, "name"));
	add_args(d, c, s, json_get(v, "arguments"));
	advance(d, c);
}

/* --- what a message or a delta holds -------------------------------------- */

/* {"audio":{..}}: whole in a body, a piece of it in a stream. */
static void
add_audio(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct str	 raw = json_raw(v);
	struct slot	*s;

	if (json_type(v) != JSON_OBJECT)
		return;
	s = slot_add(d, c, IR_OPAQUE);
	s->raw = arena_strf(d->a, "{\"audio\":%.*s}", STR_FMT(raw));
	s->single = true;
	advance(d, c);
}

/* OpenRouter's: {"type":"image_url","image_url":{"url":"data:.."}} */
static void
add_image(struct rd *d, struct chat_dec_choice *c, struct jv v,
    unsigned place)
{
	struct jv	 url = json_get(json_get(v, "image_url"), "url");
	struct ir_media	 m = { 0 };
	struct slot	*s;

	if (json_type(url) != JSON_STRING ||
	    ir_data_url(d->a, json_jstr(url), &m) == -1)
		return;
	s = slot_add(d, c, IR_IMAGE);
	s->place = place;
	s->media_type = arena_str(d->a, m.type);
	s->single = true;
	slot_delta(d, c, s, IR_D_DATA, JSTR_NONE, m.data);
	advance(d, c);
}

/* Text, or Mistral's list of parts with text and thinking. */
static void
add_content(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct jv	 e, in;

	if (json_type(v) == JSON_STRING)
		add_text(d, c, IR_TEXT, v);
	if (json_type(v) != JSON_ARRAY)
		return;
	for (e = json_first(v); json_ok(e); e = json_next(e)) {
		if (json_type(e) != JSON_OBJECT)
			continue;
		add_text(d, c, IR_TEXT, json_get(e, "text"));
		in = json_get(e, "thinking");
		if (json_type(in) == JSON_STRING)
			add_text(d, c, IR_THINKING, in);
		else if (json_type(in) == JSON_ARRAY)
			for (in = json_first(in); json_ok(in);
			    in = json_next(in))
				add_text(d, c, IR_THINKING,
				    json_get(in, "text"));
	}
}

static void
add_message(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct jv	 thought = json_get(v, "reasoning_content"), e;
	unsigned	 i = 0;

	if (json_type(v) != JSON_OBJECT)
		return;
	if (json_type(thought) != JSON_STRING || json_jstr(thought).n == 0)
		thought = json_get(v, "reasoning");
	add_text(d, c, IR_THINKING, thought);
	add_content(d, c, json_get(v, "content"));
	add_text(d, c, IR_REFUSAL, json_get(v, "refusal"));
	for (e = json_first(json_get(v, "annotations")); json_ok(e);
	    e = json_next(e))
		add_note(d, c, IR_TEXT, IR_D_ANNOTATION, json_raw(e));
	for (e = json_first(json_get(v, "images")); json_ok(e);
	    e = json_next(e))
		add_image(d, c, e, i++);
	add_audio(d, c, json_get(v, "audio"));
}

static void
add_calls(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct jv	 calls = json_get(v, "tool_calls"), e;

	if (json_type(calls) == JSON_ARRAY)
		for (e = json_first(calls); json_ok(e); e = json_next(e))
			if (json_type(e) == JSON_OBJECT)
				add_call(d, c, e);
	add_function_call(d, c, json_get(v, "function_call"));
}

/* --- choices -------------------------------------------------------------- */

static void
add_logprobs(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	struct jv	 list = json_get(v, "content");

	if (json_type(list) == JSON_ARRAY && json_count(list) > 0)
		add_note(d, c, IR_TEXT, IR_D_LOGPROBS, json_raw(list));
	list = json_get(v, "refusal");
	if (json_type(list) == JSON_ARRAY && json_count(list) > 0)
		add_note(d, c, IR_REFUSAL, IR_D_LOGPROBS, json_raw(list));
}

/* vLLM names the sequence that was hit; others put other things there. */
static void
read_stop_seq(struct rd *d, struct chat_dec_choice *c, struct jv v)
{
	const struct ir_request	*rq = d->dec->x->rq;
	struct str		 s, want;

	if (json_type(v) != JSON_STRING || rq == NULL)
		return;
	s = json_str(d->a, v);
	for (const struct ir_stop_seq *q = rq->stop; q != NULL; q = q->next) {
		want = jstr_decode(d->a, q->s);
		if (str_eq(s, want))
			c->stop_seq = q->s;
	}
}

static struct chat_dec_choice *
choice_get(struct rd *d, int64_t index)
{
	struct chat_dec_choice	**c;

	if (index < 0 || index >= IR_CHOICES_MAX)
		return NULL;
	c = &d->st->choice[index];
	if (*c == NULL) {
		*c = ARENA_NEW(d->a, struct chat_dec_choice);
		(*c)->index = (unsigned)index;
		if (d->st->top <= index)
			d->st->top = (unsigned)index + 1;
		(*c)->last_note = &(*c)->notes;
	}
	return *c;
}

/* name is "delta" or "message"; some servers use the other one. */
static void
read_choice(struct rd *d, struct jv v, int64_t place, const char *name)
{
	struct chat_dec_choice	*c;
	struct jv		 said = json_get(v, name), reason;
	int64_t			 index;

	if (json_int(json_get(v, "index"), &index) == -1)
		index = place;
	c = choice_get(d, index);
	if (c == NULL)
		return;
	if (!json_ok(said))
		said = json_get(v, name[0] == 'd' ? "message" : "delta");
	add_message(d, c, said);
	add_logprobs(d, c, json_get(v, "logprobs"));
	add_calls(d, c, said);
	reason = json_get(v, "finish_reason");
	if (json_type(reason) == JSON_STRING && json_jstr(reason).n > 0) {
		c->finished = true;
		c->reason = own_str(d, reason);
	}
	read_stop_seq(d, c, json_get(v, "stop_reason"));
}

/* --- usage ---------------------------------------------------------------- */

static int64_t
count(struct jv object, const char *name)
{
	int64_t	 n;

	if (json_int(json_get(object, name), &n) == -1)
		return -1;
	return ir_usage_clamp(n);
}

static int64_t
minus(int64_t from, int64_t n)
{
	if (from < 0 || n < 0)
		return from;
	return from > n ? from - n : 0;
}

/*
 * Prompt counts hold the cached ones, completion counts the reasoning; only
 * xAI leaves the reasoning out of these, which its total gives away.
 */
static void
read_usage(struct rd *d, struct jv v)
{
	struct jv	 in = json_get(v, "prompt_tokens_details");
	struct jv	 out = json_get(v, "completion_tokens_details");
	int64_t		 prompt = count(v, "prompt_tokens");
	int64_t		 done = count(v, "completion_tokens");
	int64_t		 total = count(v, "total_tokens");
	struct ir_usage	*u = &d->st->usage;
	int64_t		 tier = u->tier;

	if (json_type(v) != JSON_OBJECT || (prompt < 0 && done < 0))
		return;
	ir_usage_init(u);
	u->tier = tier;
	u->cache_read = count(in, "cached_tokens");
	if (u->cache_read < 0)
		u->cache_read = count(v, "prompt_cache_hit_tokens");
	u->cache_write_5m = count(in, "cache_write_tokens");
	u->input = minus(minus(prompt, u->cache_read), u->cache_write_5m);
	u->reasoning = count(out, "reasoning_tokens");
	if (u->reasoning > 0 && prompt >= 0 && done >= 0 &&
	    total == prompt + done + u->reasoning)
		u->output = done;
	else {
		if (u->reasoning > done && done >= 0)
			u->reasoning = done;
		u->output = minus(done, u->reasoning);
	}
	d->st->has_usage = true;
}

/* Each chunk may say it; that with usage does. */
static void
read_tier(struct rd *d, struct jv root)
{
	enum ir_tier	 tier = ir_tier_of(json_get(root, "service_tier"));

	if (tier != IR_TIER_UNSET)
		d->st->usage.tier = tier;
}

static void
emit_usage(struct rd *d)
{
	struct ir_event	 ev = { .type = IR_EV_USAGE, .usage = d->st->usage };

	if (d->st->has_usage && d->st->started)
		emit(d, &ev);
}

/* --- beginning and end ---------------------------------------------------- */

static void
start(struct rd *d, struct jv root)
{
	struct ir_event	 ev = { .type = IR_EV_START };
	int64_t		 created;

	if (d->st->started)
		return;
	d->st->started = true;
	ev.id = own_str(d, json_get(root, "id"));
	ev.name = own_str(d, json_get(root, "model"));
	if (json_int(json_get(root, "created"), &created) == 0 && created > 0)
		ev.created = created;
	emit(d, &ev);
}

static void
fail(struct rd *d, const struct ir_error *err)
{
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = err };

	emit_usage(d);
	emit(d, &ev);
	d->st->over = true;
}

static void
fail_with(struct rd *d, const char *what)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "%s", what);
	fail(d, &err);
}

/* Is there an error in v?  Then it is the end. */
static bool
read_error(struct rd *d, struct jv v)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM,
	    "the provider reported an error without a text");
	err.upstream = 200;
	if (!chat_error_read(d->a, v, &err))
		return false;
	fail(d, &err);
	return true;
}

static enum ir_stop
stop_of(const struct chat_dec_choice *c)
{
	static const struct {
		const char	*word;
		enum ir_stop	 stop;
	} words[] = {
		{ "stop", IR_STOP_END }, { "length", IR_STOP_LENGTH },
		{ "tool_calls", IR_STOP_TOOL },
		{ "function_call", IR_STOP_TOOL },
		{ "content_filter", IR_STOP_FILTER },
		{ "max_tokens", IR_STOP_LENGTH },
		{ "model_length", IR_STOP_CONTEXT },
		{ "refusal", IR_STOP_REFUSAL },
		{ "eos", IR_STOP_END }, { "end_turn", IR_STOP_END },
	};
	enum ir_stop	 stop = c->reason.n == 0 ? IR_STOP_END :
			    IR_STOP_OTHER;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_is(c->reason, words[i].word))
			stop = words[i].stop;
	if (stop == IR_STOP_END && c->seen_call)
		return IR_STOP_TOOL;
	if (stop == IR_STOP_END && !jstr_empty(c->stop_seq))
		return IR_STOP_SEQUENCE;
	return stop;
}

static void
lose(struct rd *d, const struct chat_dec_choice *c, const char *path,
    const char *why)
{
	d->dec->x->at.choice = c->index;
	answer_lost_at(d->dec->x, path, LOSS_DROPPED, why);
}

static void
lose_call(struct rd *d, const struct chat_dec_choice *c, const struct slot *s)
{
	d->dec->x->at.item = s->place;
	lose(d, c, slot_path(s), "a call without a name");
}

/* Citations without any text: one is opened for them. */
static void
place_notes(struct rd *d, struct chat_dec_choice *c)
{
	struct piece	*p;

	for (p = c->notes; p != NULL; p = p->next)
		if (p->delta == IR_D_ANNOTATION) {
			(void)slot_add(d, c, IR_TEXT);
			return;
		}
	if (c->notes != NULL)
		lose(d, c, "choices[$c].logprobs", "there is no text behind "
		    "them");
}

static void
finish_parts(struct rd *d, struct chat_dec_choice *c)
{
	place_notes(d, c);
	for (; c->head != NULL; queue_pop(c)) {
		if (!c->head->begun) {
			if (!slot_ready(c->head)) {
				lose_call(d, c, c->head);
				continue;
			}
			slot_begin(d, c, c->head);
		}
		slot_end(d, c, c->head);
	}
}

static void
emit_stop(struct rd *d, const struct chat_dec_choice *c)
{
	struct ir_event	 ev = { .type = IR_EV_STOP, .choice = c->index,
			     .stop_raw = c->reason, .stop_seq = c->stop_seq,
			     .from = &dialect_openai_chat };

	d->dec->x->at.choice = c->index;
	ev.stop = stop_of(c);
	emit(d, &ev);
}

static void
finish(struct rd *d)
{
	struct ir_event	 ev = { .type = IR_EV_END };
	unsigned	 n = 0;

	for (unsigned i = 0; i < d->st->top; i++)
		n += d->st->choice[i] != NULL;
	if (n == 0) {
		fail_with(d, "the provider's answer is empty");
		return;
	}
	for (unsigned i = 0; i < d->st->top; i++)
		if (d->st->choice[i] != NULL)
			finish_parts(d, d->st->choice[i]);
	/* In front of the reasons: Anthropic's last event has both. */
	emit_usage(d);
	for (unsigned i = 0; i < d->st->top; i++)
		if (d->st->choice[i] != NULL)
			emit_stop(d, d->st->choice[i]);
	emit(d, &ev);
	d->st->over = true;
}

/* --- frames and bodies ---------------------------------------------------- */

static void
read_choices(struct rd *d, struct jv root, const char *name)
{
	struct jv	 choices = json_get(root, "choices"), e;
	int64_t		 place = 0;

	if (json_type(choices) != JSON_ARRAY)
		return;
	for (e = json_first(choices); json_ok(e); e = json_next(e)) {
		if (json_type(e) != JSON_OBJECT)
			continue;
		if (!json_empty(json_get(e, "error")) && read_error(d, e))
			return;
		start(d, root);
		read_choice(d, e, place++, name);
	}
	if (d->st->held > HELD_MAX)
		fail_with(d, "the provider mixes too much of several calls");
}

static void
read_chunk(struct rd *d, const struct frame *f)
{
	struct jv	 root = json_root(&d->dec->json), usage;

	if (str_is(f->event, "error") || !json_empty(json_get(root, "error")) ||
	    !json_ok(json_get(root, "choices")))
		if (read_error(d, root))
			return;
	usage = json_get(root, "usage");
	if (json_type(usage) != JSON_OBJECT)
		usage = json_get(json_get(root, "x_groq"), "usage");
	if (json_type(usage) == JSON_OBJECT && !d->st->started &&
	    json_ok(json_get(root, "choices")))
		start(d, root);
	read_usage(d, usage);
	if (json_type(usage) == JSON_OBJECT)
		read_tier(d, root);
	read_choices(d, root, "delta");
}

int
chat_event_decode(struct ir_decoder *dec, const struct frame *f)
{
	struct rd		 d = rd_begin(dec);
	struct str		 data = str_trim(f->data);
	struct json_error	 bad;

	if (d.st->over || data.n == 0)
		return 0;
	if (str_is(data, "[DONE]")) {
		finish(&d);
		return d.res;
	}
	if (json_parse(&dec->json, data, &bad) == -1)
		fail_with(&d, "the provider sent an event that is not JSON");
	else
		read_chunk(&d, f);
	return d.res;
}

/* Have all choices that were seen given their reason? */
bool
chat_event_finished(const struct ir_decoder *dec)
{
	const struct chat_dec	*st = dec->state;
	bool			 complete = false;

	for (unsigned i = 0; i < st->top; i++) {
		if (st->choice[i] == NULL)
			continue;
		complete = st->choice[i]->finished;
		if (!complete)
			break;
	}
	return complete;
}

/* Without [DONE] the answer is complete if it is finished. */
int
chat_event_end(struct ir_decoder *dec)
{
	struct rd	 d = rd_begin(dec);

	if (d.st->over)
		return 0;
	if (chat_event_finished(dec))
		finish(&d);
	else
		fail_with(&d, "the provider ended the stream before the "
		    "answer was complete");
	return d.res;
}

int
chat_body_decode(struct ir_decoder *dec)
{
	struct rd	 d = rd_begin(dec);
	struct jv	 root = json_root(&dec->json);

	if (!json_empty(json_get(root, "error")) ||
	    !json_ok(json_get(root, "choices")))
		if (read_error(&d, root))
			return d.res;
	if (json_type(json_get(root, "choices")) != JSON_ARRAY) {
		fail_with(&d, "the provider's answer has no 'choices'");
		return d.res;
	}
	read_usage(&d, json_get(root, "usage"));
	read_tier(&d, root);
	read_choices(&d, root, "message");
	if (!d.st->over)
		finish(&d);
	return d.res;
}

/* --- for the loss report -------------------------------------------------- */

static const struct json_known function_known[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("arguments") }, { .name = NULL }
};

static const struct json_known custom_known[] = {
	{ JSON_KNOWN("name") }, { JSON_KNOWN("input") }, { .name = NULL }
};

static const struct json_known call_known[] = {
	{ JSON_KNOWN("index") }, { JSON_KNOWN("id") }, { JSON_KNOWN("type") },
	{ JSON_KNOWN("function"), .in = function_known },
	{ JSON_KNOWN("custom"), .in = custom_known }, { .name = NULL }
};

static const struct json_known message_known[] = {
	{ JSON_KNOWN("role") }, { JSON_KNOWN("content") },
	{ JSON_KNOWN("refusal") }, { JSON_KNOWN("reasoning_content") },
	{ JSON_KNOWN("reasoning") },
	{ JSON_KNOWN("tool_calls"), .in = call_known },
	{ JSON_KNOWN("function_call"), .in = function_known },
	{ JSON_KNOWN("annotations") }, { JSON_KNOWN("images") },
	{ JSON_KNOWN("audio") }, { .name = NULL }
};

static const struct json_known choice_known[] = {
	{ JSON_KNOWN("index") }, { JSON_KNOWN("delta"), .in = message_known },
	{ JSON_KNOWN("message"), .in = message_known },
	{ JSON_KNOWN("logprobs") }, { JSON_KNOWN("finish_reason") },
	{ JSON_KNOWN("stop_reason") }, { JSON_KNOWN("error") },
	{ .name = NULL }
};

/* Sums' parts by medium, which no other dialect has, with what is read. */
static const struct json_known detail_known[] = {
	{ JSON_KNOWN("cached_tokens") }, { JSON_KNOWN("cache_write_tokens") },
	{ JSON_KNOWN("reasoning_tokens") }, { JSON_KNOWN("audio_tokens") },
	{ JSON_KNOWN("text_tokens") }, { JSON_KNOWN("image_tokens") },
	{ JSON_KNOWN("video_tokens") }, { .name = NULL }
};

static const struct json_known usage_known[] = {
	{ JSON_KNOWN("prompt_tokens") }, { JSON_KNOWN("completion_tokens") },
	{ JSON_KNOWN("total_tokens") },
	{ JSON_KNOWN("prompt_tokens_details"), .in = detail_known },
	{ JSON_KNOWN("completion_tokens_details"), .in = detail_known },
	{ JSON_KNOWN("prompt_cache_hit_tokens") },
	{ JSON_KNOWN("prompt_cache_miss_tokens") }, { .name = NULL }
};

/* The fingerprint is of the provider's machines, obfuscation is padding. */
static const struct json_known chunk_known[] = {
	{ JSON_KNOWN("id") }, { JSON_KNOWN("object") },
	{ JSON_KNOWN("created") }, { JSON_KNOWN("model") },
	{ JSON_KNOWN("service_tier") }, { JSON_KNOWN("system_fingerprint") },
	{ JSON_KNOWN("choices"), .in = choice_known },
	{ JSON_KNOWN("usage"), .in = usage_known },
	{ JSON_KNOWN("obfuscation") }, { JSON_KNOWN("x_groq") },
	{ JSON_KNOWN("error") }, { .name = NULL }
};

const struct dialect_answer chat_answer = {
	.members = {
		[ANSWER_NOTES] = "choices[$c].message.annotations",
		[ANSWER_LOGPROBS] = "choices[$c].logprobs",
		[ANSWER_ARGS] = ".function.arguments",
		[ANSWER_CHOICE] = "choices[$c]",
		[ANSWER_STOP] = "choices[$c].finish_reason",
	},
	.body = { .in = chunk_known },
	.event = { .in = chunk_known },
};
