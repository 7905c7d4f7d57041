/*
 * Gemini answers into events.  A stream's chunks have the form of a whole
 * answer, so there is one decoder for both: a body is one chunk and the end.
 *
 * A part has no index and no end on the wire: text goes on from chunk to chunk
 * until something else comes.  The reason to stop may stand in any chunk, and
 * parts may follow it, so it is told at the end only.
 */
#include <string.h>
#include <time.h>

#include "base/codec.h"
#include "wire/answer_loss.h"
#include "wire/dialect_gemini.h"

/* A call whose arguments come in pieces, "$.city" by "$.city". */
struct gem_partial {
	struct str	 id, name;
	struct jstr	 signature;
	struct gem_acc	 args;		/* JSON so far, without its end */
	struct str	 path;		/* of the string that is open */
};

static const struct {
	const char	*name;
	enum ir_stop	 stop;
} reasons[] = {
	/* The first ones are numbered so in the enum. */
	{ "FINISH_REASON_UNSPECIFIED", IR_STOP_OTHER },
	{ "STOP", IR_STOP_END },
	{ "MAX_TOKENS", IR_STOP_LENGTH },
	{ "SAFETY", IR_STOP_FILTER },
	{ "RECITATION", IR_STOP_FILTER },
	{ "OTHER", IR_STOP_OTHER },
	{ "LANGUAGE", IR_STOP_OTHER },
	{ "BLOCKLIST", IR_STOP_FILTER },
	{ "PROHIBITED_CONTENT", IR_STOP_FILTER },
	{ "SPII", IR_STOP_FILTER },
	{ "MALFORMED_FUNCTION_CALL", IR_STOP_BAD_CALL },
	{ "IMAGE_SAFETY", IR_STOP_FILTER },
	{ "UNEXPECTED_TOOL_CALL", IR_STOP_BAD_CALL },
	{ "TOO_MANY_TOOL_CALLS", IR_STOP_BAD_CALL },
	{ "IMAGE_PROHIBITED_CONTENT", IR_STOP_FILTER },
	{ "IMAGE_RECITATION", IR_STOP_FILTER },
	{ "MODEL_ARMOR", IR_STOP_FILTER },
};

#define NREASONS	(sizeof(reasons) / sizeof(reasons[0]))
#define NUMBERED	13

/* --- helpers -------------------------------------------------------------- */

static struct gem_dec *
state(struct ir_decoder *dec)
{
	return dec->state;
}

static int
emit(struct ir_decoder *dec, struct ir_event *ev)
{
	if (ev->type == IR_EV_ERROR || ev->type == IR_EV_END)
		state(dec)->ended = true;
	return ir_emit(&dec->sink, ev);
}

static int
emit_error(struct ir_decoder *dec, const struct ir_error *err)
{
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = err };

	return emit(dec, &ev);
}

static int
fail(struct ir_decoder *dec, const char *what)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_UPSTREAM, "%s", what);
	return emit_error(dec, &err);
}

static struct gem_candidate *
candidate(struct ir_decoder *dec, int64_t index)
{
	struct gem_dec	*d = state(dec);

	if (index < 0 || index >= IR_CHOICES_MAX)
		return NULL;
	if (index == 0)
		return &d->first;
	if (d->more == NULL)
		d->more = arena_array(dec->x->arena, IR_CHOICES_MAX,
		    sizeof(*d->more));
	return &d->more[index];
}

static int64_t
count(struct jv v)
{
	int64_t	 n;
	struct jstr	 s;

	if (json_type(v) == JSON_STRING) {
		s = json_jstr(v);
		if (str_to_int((struct str){ s.p, s.n }, 0, IR_USAGE_MAX,
		    &n) == 0)
			return n;
	} else if (json_int(v, &n) == 0)
		return ir_usage_clamp(n);
	return -1;
}

static struct str
str_or_none(struct arena *a, struct jv v)
{
	return json_type(v) == JSON_STRING ? json_str(a, v) : STR_NONE;
}

/* --- parts ---------------------------------------------------------------- */

static int
part_event(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct ir_event *ev)
{
	ev->choice = choice;
	ev->index = c->index;
	ev->part = c->type;
	return emit(dec, ev);
}

static int
part_close(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice)
{
	struct ir_event	 ev = { .type = IR_EV_PART_END };

	if (!c->open)
		return 0;
	c->open = c->sealed = false;
	return part_event(dec, c, choice, &ev);
}

/* ev is the PART_START, with what is known beyond the type. */
static int
part_start(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    enum ir_part_type type, struct ir_event *ev)
{
	if (part_close(dec, c, choice) == -1)
		return -1;
	c->open = c->parts = true;
	c->type = type;
	c->index = state(dec)->next_index++;
	ev->type = IR_EV_PART_START;
	return part_event(dec, c, choice, ev);
}

static int
delta(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    enum ir_delta what, struct jstr text, struct str raw)
{
	struct ir_event	 ev = { .type = IR_EV_DELTA, .delta = what,
			    .text = text, .raw = raw };

	if (what == IR_D_SIGNATURE || what == IR_D_ANNOTATION)
		ev.from = &dialect_gemini;
	return part_event(dec, c, choice, &ev);
}

static int
signature(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jstr sig)
{
	if (sig.n == 0)
		return 0;
	c->sealed = true;
	return delta(dec, c, choice, IR_D_SIGNATURE, sig, STR_NONE);
}

/*
 * A signature on an empty text belongs to the text before it; where there is
 * none it is told as thinking of which nothing is shown.
 */
static int
text_part(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    bool thought, struct jstr text, struct jstr sig)
{
	enum ir_part_type	 type = thought ? IR_THINKING : IR_TEXT;
	struct ir_event		 ev = { 0 };

	if (text.n == 0 && sig.n == 0)
		return 0;
	if (text.n == 0 && c->open && !c->sealed &&
	    (c->type == IR_TEXT || c->type == type))
		return signature(dec, c, choice, sig);
	if (text.n == 0)
		type = IR_THINKING;
	if (!c->open || c->type != type || c->sealed || text.n == 0)
		if (part_start(dec, c, choice, type, &ev) == -1)
			return -1;
	if (text.n > 0 && delta(dec, c, choice, IR_D_TEXT, text,
	    STR_NONE) == -1)
		return -1;
	return signature(dec, c, choice, sig);
}

/* --- calls ---------------------------------------------------------------- */

static int
call_emit(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct str id, struct str name, struct str args, struct jstr sig)
{
	struct gem_dec	*d = state(dec);
	struct ir_event	 ev = { .tool = IR_FUNCTION, .name = name, .id = id };
	struct jstr	 text = { args.p, args.n };

	if (ev.id.n == 0)
		ev.id = gem_call_id(dec->x->arena, d->id.n > 0 ? d->id :
		    dec->x->id, d->calls, name);
	d->calls++;
	c->called = true;
	if (args.n == 0)
		text = JSTR("{}");
	else
		text = jstr_encode(dec->x->arena, args);
	if (part_start(dec, c, choice, IR_TOOL_CALL, &ev) == -1 ||
	    delta(dec, c, choice, IR_D_ARGS, text, STR_NONE) == -1 ||
	    signature(dec, c, choice, sig) == -1)
		return -1;
	return part_close(dec, c, choice);
}

static void
partial_add(struct arena *a, struct gem_partial *p, struct str s)
{
	gem_acc_add(a, &p->args, s.p, s.n);
}

/* Ends the string that is open, if it is not the one of path. */
static void
partial_path(struct arena *a, struct gem_partial *p, struct str path)
{
	struct jstr	 key;

	if (p->path.n > 0 && str_eq(p->path, path))
		return;
	if (p->path.n > 0)
		partial_add(a, p, STR("\""));
	p->path = STR_NONE;
	if (path.n == 0)
		return;
	partial_add(a, p, p->args.n == 0 ? STR("{\"") : STR(",\""));
	key = jstr_encode(a, str_starts(path, "$.") ? str_skip(path, 2) :
	    path);
	partial_add(a, p, (struct str){ key.p, key.n });
	partial_add(a, p, STR("\":"));
}

static void
partial_arg(struct arena *a, struct gem_partial *p, struct jv v)
{
	struct str	 path = str_or_none(a, gem_get(v, "jsonPath"));
	struct jv	 s = gem_get(v, "stringValue"), other;
	struct jstr	 piece;
	bool		 fresh = p->path.n == 0 || !str_eq(p->path, path);

	if (path.n == 0)
		return;
	partial_path(a, p, path);
	if (json_type(s) == JSON_STRING) {
		if (fresh)
			partial_add(a, p, STR("\""));
		piece = json_jstr(s);
		partial_add(a, p, (struct str){ piece.p, piece.n });
		p->path = arena_str(a, path);
		if (json_type(gem_get(v, "willContinue")) != JSON_TRUE)
			partial_path(a, p, STR_NONE);
		return;
	}
	other = gem_get(v, "numberValue");
	if (!json_ok(other))
		other = gem_get(v, "boolValue");
	partial_add(a, p, json_ok(other) ? json_raw(other) : STR("null"));
}

/*
 * {"name":..,"willContinue":true} {"partialArgs":[..],"willContinue":true} {}:
 * Vertex does that when it is asked to stream arguments.
 */
static int
call_partial(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v, struct jstr sig)
{
	struct arena		*a = dec->x->arena;
	struct gem_partial	*p = c->partial;
	struct str		 name = str_or_none(a, gem_get(v, "name"));
	struct str		 args;
	struct jv		 e;

	if (name.n > 0 || p == NULL) {
		p = c->partial = ARENA_NEW(a, struct gem_partial);
		p->name = arena_str(a, name);
		p->id = arena_str(a, str_or_none(a, gem_get(v, "id")));
		if (sig.n > 0) {
			args = arena_str(a, (struct str){ sig.p, sig.n });
			p->signature = (struct jstr){ args.p, args.n };
		}
	}
	for (e = json_first(gem_get(v, "partialArgs")); json_ok(e);
	    e = json_next(e))
		partial_arg(a, p, e);
	if (json_type(gem_get(v, "willContinue")) == JSON_TRUE)
		return 0;
	c->partial = NULL;
	if (p->name.n == 0)
		return 0;
	partial_path(a, p, STR_NONE);
	partial_add(a, p, p->args.n == 0 ? STR("{}") : STR("}"));
	return call_emit(dec, c, choice, p->id, p->name,
	    (struct str){ p->args.p, p->args.n }, p->signature);
}

static int
call_part(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v, struct jstr sig)
{
	struct arena	*a = dec->x->arena;
	struct str	 name = str_or_none(a, gem_get(v, "name"));
	struct jv	 args = gem_get(v, "args");

	if (json_type(v) != JSON_OBJECT)
		return 0;
	if (name.n == 0 || json_ok(gem_get(v, "partialArgs")) ||
	    json_type(gem_get(v, "willContinue")) == JSON_TRUE)
		return call_partial(dec, c, choice, v, sig);
	return call_emit(dec, c, choice, str_or_none(a, gem_get(v, "id")),
	    name, json_ok(args) ? json_raw(args) : STR_NONE, sig);
}

/* --- other parts ---------------------------------------------------------- */

static int
media_part(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v, struct jstr sig)
{
	struct arena	*a = dec->x->arena;
	struct ir_event	 ev = { .media_type =
			    str_or_none(a, gem_get(v, "mimeType")) };
	struct str	 data = str_or_none(a, gem_get(v, "data"));

	if (part_start(dec, c, choice, gem_media_part(ev.media_type),
	    &ev) == -1)
		return -1;
	if (data.n > 0 && delta(dec, c, choice, IR_D_DATA, JSTR_NONE,
	    gem_base64(a, data)) == -1)
		return -1;
	if (signature(dec, c, choice, sig) == -1)
		return -1;
	return part_close(dec, c, choice);
}

static int
opaque_part(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv part)
{
	struct ir_event	 ev = { .raw = json_raw(part),
			    .from = &dialect_gemini };

	if (part_start(dec, c, choice, IR_OPAQUE, &ev) == -1)
		return -1;
	return part_close(dec, c, choice);
}

static int
part(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv p)
{
	struct jv	 v = gem_get(p, "thoughtSignature");
	struct jstr	 sig = JSTR_NONE;
	bool		 thought;

	if (json_type(p) != JSON_OBJECT || json_count(p) == 0)
		return 0;
	if (json_type(v) == JSON_STRING)
		sig = json_jstr(v);
	thought = json_type(gem_get(p, "thought")) == JSON_TRUE;
	if (json_ok(v = gem_get(p, "functionCall")))
		return call_part(dec, c, choice, v, sig);
	if (json_ok(v = gem_get(p, "inlineData")))
		return media_part(dec, c, choice, v, sig);
	if (json_type(v = gem_get(p, "text")) == JSON_STRING)
		return text_part(dec, c, choice, thought, json_jstr(v), sig);
	if (sig.n > 0 && json_count(p) == 1)
		return text_part(dec, c, choice, thought, JSTR_NONE, sig);
	return opaque_part(dec, c, choice, p);
}

/* --- what hangs on a candidate -------------------------------------------- */

/*
 * Grounding and citations are about text; {"groundingMetadata":..} as they
 * stand.  A text that has ended cannot take them any more.
 */
static int
annotation(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v, const char *name)
{
	struct arena	*a = dec->x->arena;
	struct str	 raw = json_raw(v);

	if (json_type(v) != JSON_OBJECT || json_count(v) == 0)
		return 0;
	if (!c->open || c->type != IR_TEXT) {
		answer_lost_at(dec->x, arena_strf(a, "candidates[$c].%s",
		    name).p, LOSS_DROPPED, "the text that it is about has "
		    "ended");
		return 0;
	}
	return delta(dec, c, choice, IR_D_ANNOTATION, JSTR_NONE,
	    arena_strf(a, "{\"%s\":%.*s}", name, STR_FMT(raw)));
}

static void
logprob_write(struct jw *w, struct jv v)
{
	struct jv	 t = gem_get(v, "token");
	struct jv	 p = gem_get(v, "logProbability");

	jw_key(w, "token");
	jw_jstr(w, json_type(t) == JSON_STRING ? json_jstr(t) : JSTR(""));
	jw_key(w, "logprob");
	jw_raw(w, json_type(p) == JSON_NUMBER ? json_raw(p) : STR("0"));
	jw_key(w, "bytes");
	jw_null(w);
}

/* [{"token":..,"logprob":..,"bytes":null,"top_logprobs":[..]}, ..] */
static int
logprobs(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v)
{
	struct jv	 t, top = json_first(gem_get(v, "topCandidates")), u;
	struct buf	 b;
	struct jw	 w;
	int		 rc;

	t = json_first(gem_get(v, "chosenCandidates"));
	if (!json_ok(t))
		return 0;
	if (!c->open || c->type != IR_TEXT) {
		answer_lost(dec->x, ANSWER_LOGPROBS, LOSS_DROPPED,
		    "the text that they are about has ended");
		return 0;
	}
	buf_init(&b, GEM_ACC_MAX);
	jw_init(&w, &b);
	jw_array(&w);
	for (; json_ok(t); t = json_next(t)) {
		jw_object(&w);
		logprob_write(&w, t);
		jw_key(&w, "top_logprobs");
		jw_array(&w);
		u = json_ok(top) ? json_first(gem_get(top, "candidates")) :
		    JV_NONE;
		for (; json_ok(u); u = json_next(u)) {
			jw_object(&w);
			logprob_write(&w, u);
			jw_object_end(&w);
		}
		jw_array_end(&w);
		jw_object_end(&w);
		if (json_ok(top))
			top = json_next(top);
	}
	jw_array_end(&w);
	rc = buf_ok(&b) ? delta(dec, c, choice, IR_D_LOGPROBS, JSTR_NONE,
	    buf_str(&b)) : 0;
	buf_release(&b);
	return rc;
}

/* A name or, from some servers, a number; one we do not know is kept. */
static void
finish_reason(struct ir_decoder *dec, struct gem_candidate *c, struct jv v)
{
	struct arena	*a = dec->x->arena;
	struct str	 s;
	int64_t		 n;
	size_t		 i;

	if (json_type(v) == JSON_NUMBER)
		s = json_int(v, &n) == 0 && n >= 0 && n < NUMBERED ?
		    str_of(reasons[n].name) : json_raw(v);
	else
		s = str_or_none(a, v);
	if (s.n == 0)
		return;
	c->stop = IR_STOP_OTHER;
	for (i = 0; i < NREASONS; i++)
		if (str_is(s, reasons[i].name))
			c->stop = reasons[i].stop;
	if (!c->finished || !str_eq(s, c->stop_raw))
		c->stop_raw = arena_str(a, s);
	c->finished = true;
}

/* What hangs on the candidate v: it is about its text. */
static int
notes(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v)
{
	if (logprobs(dec, c, choice, gem_get(v, "logprobsResult")) == -1 ||
	    annotation(dec, c, choice, gem_get(v, "citationMetadata"),
	    "citationMetadata") == -1 ||
	    annotation(dec, c, choice, gem_get(v, "groundingMetadata"),
	    "groundingMetadata") == -1)
		return -1;
	return annotation(dec, c, choice, gem_get(v, "urlContextMetadata"),
	    "urlContextMetadata");
}

static bool
is_text(struct jv p)
{
	return json_type(gem_get(p, "text")) == JSON_STRING &&
	    json_type(gem_get(p, "thought")) != JSON_TRUE;
}

/* Of the parts from p on, the last that is text; none if p is the only one. */
static struct jv
last_text(struct jv p)
{
	struct jv	 last = JV_NONE;

	if (!json_ok(json_next(p)))
		return last;
	for (; json_ok(p); p = json_next(p))
		if (is_text(p))
			last = p;
	return last;
}

/* The notes follow the last text: behind other parts it has ended. */
static int
parts_decode(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice,
    struct jv v)
{
	struct jv	 parts = gem_get(gem_get(v, "content"), "parts"), p;
	struct jv	 last;
	bool		 noted = false;

	if (json_type(parts) == JSON_OBJECT) {
		if (part(dec, c, choice, parts) == -1)
			return -1;
		return notes(dec, c, choice, v);
	}
	p = json_first(parts);
	for (last = last_text(p); json_ok(p); p = json_next(p)) {
		if (part(dec, c, choice, p) == -1)
			return -1;
		if (json_ok(last) && p.i == last.i) {
			noted = true;
			if (notes(dec, c, choice, v) == -1)
				return -1;
		}
		dec->x->at.item++;
	}
	return noted ? 0 : notes(dec, c, choice, v);
}

static int
candidate_decode(struct ir_decoder *dec, struct jv v, int64_t position)
{
	struct jv		 index = gem_get(v, "index");
	struct gem_candidate	*c;
	unsigned		 choice;

	if (json_type(v) != JSON_OBJECT)
		return 0;
	if (json_ok(index) && json_int(index, &position) == -1)
		return 0;
	if ((c = candidate(dec, position)) == NULL)
		return 0;
	choice = (unsigned)position;
	c->seen = true;
	dec->x->at.choice = choice;
	dec->x->at.item = 0;
	dec->x->at.path = "candidates[$c].content.parts[$i]";
	if (parts_decode(dec, c, choice, v) == -1)
		return -1;
	finish_reason(dec, c, gem_get(v, "finishReason"));
	return 0;
}

/* --- the answer ----------------------------------------------------------- */

/*
 * promptTokenCount includes what was read from the cache, candidatesTokenCount
 * is without thoughts.  A count of zero is left out on the wire, so the output
 * of a blocked prompt follows from the total.
 */
static void
usage_parse(struct jv v, struct ir_usage *u)
{
	int64_t	 prompt = count(gem_get(v, "promptTokenCount"));
	int64_t	 cached = count(gem_get(v, "cachedContentTokenCount"));
	int64_t	 out = count(gem_get(v, "candidatesTokenCount"));
	int64_t	 thoughts = count(gem_get(v, "thoughtsTokenCount"));
	int64_t	 tools = count(gem_get(v, "toolUsePromptTokenCount"));
	int64_t	 total = count(gem_get(v, "totalTokenCount"));
	int64_t	 rest = total - ir_usage_clamp(thoughts) -
		    ir_usage_clamp(tools);

	ir_usage_init(u);
	if (out == -1 && prompt != -1 && rest >= prompt)
		out = rest - prompt;
	if (prompt == -1 && out != -1 && rest >= out)
		prompt = rest - out;
	if (prompt != -1 || tools != -1) {
		u->input = ir_usage_sum(prompt, tools) -
		    ir_usage_clamp(cached);
		u->input = ir_usage_clamp(u->input);
	}
	u->cache_read = cached;
	u->output = out;
	u->reasoning = thoughts;
	u->tier = ir_tier_of(gem_get(v, "serviceTier"));
}

static int
usage_decode(struct ir_decoder *dec, struct jv v)
{
	struct gem_dec	*d = state(dec);
	struct ir_event	 ev = { .type = IR_EV_USAGE };

	if (json_type(v) != JSON_OBJECT || json_count(v) == 0)
		return 0;
	usage_parse(v, &ev.usage);
	if (d->has_usage && memcmp(&d->usage, &ev.usage,
	    sizeof(d->usage)) == 0)
		return 0;
	d->usage = ev.usage;
	d->has_usage = true;
	return emit(dec, &ev);
}

/* "2026-01-31T12:00:00.123Z" in seconds; 0 if it is none. */
static int64_t
seconds(struct str s)
{
	static const char	 form[] = "dddd-dd-ddTdd:dd:dd";
	int			 f[6] = { 0 };
	struct tm		 tm = { 0 };
	size_t			 i, k = 0;

	if (s.n < sizeof(form) - 1)
		return 0;
	for (i = 0; form[i] != '\0'; i++) {
		if (form[i] != 'd') {
			if (s.p[i] != form[i])
				return 0;
			k++;
		} else if (s.p[i] >= '0' && s.p[i] <= '9')
			f[k] = f[k] * 10 + (s.p[i] - '0');
		else
			return 0;
	}
	tm.tm_year = f[0] - 1900;
	tm.tm_mon = f[1] - 1;
	tm.tm_mday = f[2];
	tm.tm_hour = f[3];
	tm.tm_min = f[4];
	tm.tm_sec = f[5];
	return (int64_t)timegm(&tm);
}

static int
start(struct ir_decoder *dec, struct jv root)
{
	struct gem_dec	*d = state(dec);
	struct arena	*a = dec->x->arena;
	struct ir_event	 ev = { .type = IR_EV_START };

	d->started = true;
	d->id = str_or_none(a, gem_get(root, "responseId"));
	if (d->id.n > 0)
		d->id = arena_str(a, d->id);
	ev.id = d->id;
	ev.name = str_or_none(a, gem_get(root, "modelVersion"));
	ev.created = seconds(str_or_none(a, gem_get(root, "createTime")));
	return emit(dec, &ev);
}

static int
error_chunk(struct ir_decoder *dec, struct jv v)
{
	struct ir_error	 err;
	int64_t		 code = 0;

	if (json_int(gem_get(v, "code"), &code) == -1 || code < 400 ||
	    code > 599)
		code = 0;
	ir_error_set(&err, code == 0 ? IR_ERR_UPSTREAM :
	    ir_error_kind((int)code), "the provider reported an error");
	err.upstream = (int)code;
	gem_error(dec->x->arena, v, &err);
	return emit_error(dec, &err);
}

static void
feedback(struct ir_decoder *dec, struct jv v)
{
	struct gem_dec	*d = state(dec);
	struct jv	 reason = gem_get(v, "blockReason");

	if (json_type(reason) == JSON_STRING)
		d->block_raw = arena_str(dec->x->arena,
		    json_str(dec->x->arena, reason));
	else if (json_type(reason) == JSON_NUMBER)
		d->block_raw = arena_str(dec->x->arena, json_raw(reason));
	else
		return;
	d->blocked = true;
}

static int
chunk(struct ir_decoder *dec, struct jv root)
{
	struct jv	 v, c;
	int64_t		 i = 0;

	if (state(dec)->ended || json_type(root) != JSON_OBJECT)
		return 0;
	if (json_ok(v = gem_get(root, "error")))
		return error_chunk(dec, v);
	/* Some servers put the answer into an envelope. */
	if (!json_ok(gem_get(root, "candidates")) &&
	    json_type(v = gem_get(root, "response")) == JSON_OBJECT)
		root = v;
	if (!state(dec)->started && start(dec, root) == -1)
		return -1;
	if (usage_decode(dec, gem_get(root, "usageMetadata")) == -1)
		return -1;
	feedback(dec, gem_get(root, "promptFeedback"));
	v = gem_get(root, "candidates");
	for (c = json_first(v); json_ok(c); c = json_next(c))
		if (candidate_decode(dec, c, i++) == -1)
			return -1;
	return 0;
}

static int
stop(struct ir_decoder *dec, struct gem_candidate *c, unsigned choice)
{
	struct ir_event	 ev = { .type = IR_EV_STOP, .choice = choice,
			    .stop = c->stop, .stop_raw = c->stop_raw };

	dec->x->at.choice = choice;
	if (part_close(dec, c, choice) == -1)
		return -1;
	if (ev.stop == IR_STOP_END && c->called)
		ev.stop = IR_STOP_TOOL;
	return emit(dec, &ev);
}

/*
 * Is every candidate that was seen complete?  A whole body is complete by its
 * length, so there a missing reason is no more than that.
 */
static bool
complete(struct gem_dec *d, bool whole)
{
	unsigned		 i, n = 0;
	struct gem_candidate	*c;

	for (i = 0; i < IR_CHOICES_MAX && (i == 0 || d->more != NULL); i++) {
		c = i == 0 ? &d->first : &d->more[i];
		if (!c->seen)
			continue;
		n++;
		if (c->finished)
			continue;
		if (!whole && !d->blocked)
			return false;
		c->stop = d->blocked ? IR_STOP_FILTER : IR_STOP_END;
		c->stop_raw = d->block_raw;
	}
	if (n == 0 && d->blocked) {
		d->first.seen = true;
		d->first.stop = IR_STOP_FILTER;
		d->first.stop_raw = d->block_raw;
	}
	return n > 0 || d->blocked;
}

static int
finish(struct ir_decoder *dec, bool whole)
{
	struct gem_dec		*d = state(dec);
	struct gem_candidate	*c;
	struct ir_event		 ev = { .type = IR_EV_END };
	unsigned		 i;

	if (d->ended)
		return 0;
	if (!complete(d, whole))
		return fail(dec, whole ?
		    "the provider's answer has no candidates" :
		    "the provider's stream was cut");
	for (i = 0; i < IR_CHOICES_MAX && (i == 0 || d->more != NULL); i++) {
		c = i == 0 ? &d->first : &d->more[i];
		if (c->seen && stop(dec, c, i) == -1)
			return -1;
	}
	return emit(dec, &ev);
}

int
gem_event_decode(struct ir_decoder *dec, const struct frame *f)
{
	struct json_error	 je;
	struct str		 data = str_trim(f->data);

	if (state(dec)->ended || data.n == 0 || str_is(data, "[DONE]"))
		return 0;
	if (json_parse(&dec->json, data, &je) == -1)
		return fail(dec, "the provider's stream is not JSON");
	return chunk(dec, json_root(&dec->json));
}

bool
gem_event_finished(const struct ir_decoder *dec)
{
	const struct gem_dec		*d = dec->state;
	const struct gem_candidate	*c;
	bool				 all = false;
	unsigned			 i;

	for (i = 0; i < IR_CHOICES_MAX && (i == 0 || d->more != NULL); i++) {
		c = i == 0 ? &d->first : &d->more[i];
		if (!c->seen)
			continue;
		all = c->finished;
		if (!all)
			break;
	}
	return all;
}

int
gem_event_end(struct ir_decoder *dec)
{
	return finish(dec, false);
}

/* Without alt=sse a stream that is read as a whole is an array of chunks. */
int
gem_body_decode(struct ir_decoder *dec)
{
	struct jv	 root = json_root(&dec->json), e;

	if (json_type(root) == JSON_ARRAY) {
		for (e = json_first(root); json_ok(e); e = json_next(e))
			if (chunk(dec, e) == -1)
				return -1;
	} else if (chunk(dec, root) == -1)
		return -1;
	return finish(dec, true);
}

/* --- for the loss report -------------------------------------------------- */

/* What a part can be besides text is told as a whole, where it is lost. */
static const struct json_known part_known[] = {
	{ JSON_KNOWN("text") }, { JSON_KNOWN("thought") },
	{ JSON_KNOWN("functionCall") }, { JSON_KNOWN("thoughtSignature") },
	{ JSON_KNOWN("inlineData") }, { JSON_KNOWN("fileData") },
	{ JSON_KNOWN("executableCode") },
	{ JSON_KNOWN("codeExecutionResult") },
	{ JSON_KNOWN("functionResponse") }, { JSON_KNOWN("toolCall") },
	{ JSON_KNOWN("toolResponse") }, { JSON_KNOWN("function_call") },
	{ JSON_KNOWN("thought_signature") }, { JSON_KNOWN("inline_data") },
	{ JSON_KNOWN("file_data") }, { JSON_KNOWN("executable_code") },
	{ JSON_KNOWN("code_execution_result") },
	{ JSON_KNOWN("function_response") }, { JSON_KNOWN("tool_call") },
	{ JSON_KNOWN("tool_response") }, { .name = NULL }
};

static const struct json_known content_known[] = {
	{ JSON_KNOWN("parts"), .in = part_known }, { JSON_KNOWN("role") },
	{ .name = NULL }
};

static const struct json_known candidate_known[] = {
	{ JSON_KNOWN("content"), .in = content_known },
	{ JSON_KNOWN("finishReason") }, { JSON_KNOWN("index") },
	{ JSON_KNOWN("citationMetadata") }, { JSON_KNOWN("tokenCount") },
	{ JSON_KNOWN("groundingMetadata") },
	{ JSON_KNOWN("urlContextMetadata") }, { JSON_KNOWN("logprobsResult") },
	{ JSON_KNOWN("finish_reason") }, { JSON_KNOWN("citation_metadata") },
	{ JSON_KNOWN("token_count") }, { JSON_KNOWN("grounding_metadata") },
	{ JSON_KNOWN("url_context_metadata") },
	{ JSON_KNOWN("logprobs_result") }, { .name = NULL }
};

static const struct json_known feedback_known[] = {
	{ JSON_KNOWN("blockReason") }, { JSON_KNOWN("block_reason") },
	{ .name = NULL }
};

/*
 * The usage's counts split by medium are sums' parts, which no other dialect
 * has; the kind of traffic is about the provider's account.
 */
static const struct json_known answer_known[] = {
	{ JSON_KNOWN("candidates"), .in = candidate_known },
	{ JSON_KNOWN("promptFeedback"), .in = feedback_known },
	{ JSON_KNOWN("usageMetadata") }, { JSON_KNOWN("modelVersion") },
	{ JSON_KNOWN("createTime") }, { JSON_KNOWN("responseId") },
	{ JSON_KNOWN("prompt_feedback"), .in = feedback_known },
	{ JSON_KNOWN("usage_metadata") }, { JSON_KNOWN("model_version") },
	{ JSON_KNOWN("create_time") }, { JSON_KNOWN("response_id") },
	{ JSON_KNOWN("response") }, { JSON_KNOWN("error") }, { .name = NULL }
};

const struct dialect_answer gem_answer = {
	.members = {
		[ANSWER_TEXT] = ".text",
		[ANSWER_SIGNATURE] = ".thoughtSignature",
		[ANSWER_NOTES] = "candidates[$c].$n",
		[ANSWER_LOGPROBS] = "candidates[$c].logprobsResult",
		[ANSWER_ARGS] = ".functionCall.args",
		[ANSWER_CHOICE] = "candidates[$c]",
		[ANSWER_STOP] = "candidates[$c].finishReason",
	},
	.body = { .in = answer_known },
	.event = { .in = answer_known },
};
