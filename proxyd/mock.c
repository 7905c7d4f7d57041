/*
 * The built-in provider: answers any dialect through the same events as a real
 * one, without a key or a network.  proxyd(8) tells users what its models do,
 * for their own tests.
 */
#include <stdlib.h>

#include "base/log.h"
#include "proxyd/request.h"

#define MOCK_SLOW_MS	2000
#define MOCK_LONG	1000		/* deltas of mock-long */
#define MOCK_BATCH	50		/* ... in one turn */

enum mock_kind {
	MOCK_ECHO, MOCK_TOOL, MOCK_429, MOCK_500, MOCK_SLOW, MOCK_LONG_TEXT,
	MOCK_CUT
};

static const struct {
	const char	*name;
	enum mock_kind	 kind;
} mock_models[] = {
	{ "mock-echo", MOCK_ECHO },
	{ "mock-tool", MOCK_TOOL },
	{ "mock-429", MOCK_429 },
	{ "mock-500", MOCK_500 },
	{ "mock-slow", MOCK_SLOW },
	{ "mock-long", MOCK_LONG_TEXT },
	{ "mock-cut", MOCK_CUT },
};

struct mock {
	struct request		*rq;
	enum mock_kind		 kind;
	struct loop_timer	 timer;
	unsigned		 step;		/* deltas said */
	int64_t			 words;
	struct ir_check		 check;		/* of its own events */
};

/* --- events ------------------------------------------------------------------------ */

static void
mock_emit(struct mock *m, struct ir_event *ev)
{
	const char	*wrong = ir_check(&m->check, ev);

	if (wrong != NULL)
		fatalx("mock: %s", wrong);
	/* A fold that is too large marks the request as failed itself. */
	if (answer_event(m->rq, ev) == -1)
		m->step = MOCK_LONG;
}

static void
mock_begin(struct mock *m)
{
	struct ir_event	 ev = { .type = IR_EV_START };
	struct request	*rq = m->rq;

	memset(&m->check, 0, sizeof(m->check));
	answer_begin(rq, FRAME_NONE);
	ev.id = str_of(rq->rq_id + 4);
	ev.name = rq->rq_route.model;
	ev.created = rq->rq_wall_us / 1000000;
	mock_emit(m, &ev);
	ev = (struct ir_event){ .type = IR_EV_USAGE };
	ir_usage_init(&ev.usage);
	ev.usage.input = (int64_t)(rq->rq_body.len / 4 + 1);
	ev.usage.output = 0;
	mock_emit(m, &ev);
}

static void
mock_part(struct mock *m, enum ir_event_type type, enum ir_part_type part)
{
	struct ir_event	 ev = { .type = type, .part = part };

	mock_emit(m, &ev);
}

static void
mock_delta(struct mock *m, struct jstr text)
{
	struct ir_event	 ev = { .type = IR_EV_DELTA, .part = IR_TEXT,
			    .delta = IR_D_TEXT, .text = text };

	if (text.n > 0)
		mock_emit(m, &ev);
	m->words++;
}

static void
mock_end(struct mock *m, enum ir_stop stop, const char *raw)
{
	struct ir_event	 ev = { .type = IR_EV_STOP, .stop = stop };

	ev.stop_raw = str_of(raw);
	mock_emit(m, &ev);
	ev = (struct ir_event){ .type = IR_EV_USAGE };
	ir_usage_init(&ev.usage);
	ev.usage.input = (int64_t)(m->rq->rq_body.len / 4 + 1);
	ev.usage.output = m->words;
	mock_emit(m, &ev);
	ev = (struct ir_event){ .type = IR_EV_END };
	mock_emit(m, &ev);
	answer_progress(m->rq);
}

/* Word by word, as a model would; a space is never within an escape. */
static void
mock_text(struct mock *m, struct jstr text)
{
	struct jstr	 word;
	const char	*q;

	mock_part(m, IR_EV_PART_START, IR_TEXT);
	while (text.n > 0) {
		q = memchr(text.p, ' ', text.n);
		word = text;
		if (q != NULL)
			word.n = (size_t)(q - text.p) + 1;
		mock_delta(m, word);
		text.p += word.n;
		text.n -= word.n;
	}
	mock_part(m, IR_EV_PART_END, IR_TEXT);
}

/* --- what the models say ------------------------------------------------------------ */

static struct jstr
mock_last(const struct request *rq, enum ir_role role,
    enum ir_part_type container)
{
	const struct ir_message	*msg;
	const struct ir_part	*p;
	struct jstr		 last = JSTR_NONE;

	for (msg = rq->rq_ir.messages; msg != NULL; msg = msg->next) {
		if (msg->role != role)
			continue;
		for (p = msg->parts; p != NULL; p = p->next) {
			if (p->type == container && container == IR_TEXT)
				last = p->text;
			else if (p->type == container && p->parts != NULL)
				last = p->parts->text;
		}
	}
	return last;
}

static void
mock_echo(struct mock *m)
{
	struct jstr	 text = mock_last(m->rq, IR_USER, IR_TEXT);

	mock_begin(m);
	mock_text(m, jstr_empty(text) ? JSTR("(nothing was said)") : text);
	mock_end(m, IR_STOP_END, "stop");
}

static const char *
mock_value(struct jv type)
{
	if (json_is(type, "string") || json_is(type, "STRING"))
		return "\"mock\"";
	if (json_is(type, "boolean") || json_is(type, "BOOLEAN"))
		return "true";
	if (json_is(type, "array") || json_is(type, "ARRAY"))
		return "[]";
	if (json_is(type, "object") || json_is(type, "OBJECT"))
		return "{}";
	return "1";
}

/* What the schema requires, with a value of each one's type. */
static struct str
mock_arguments(struct request *rq, const struct ir_tool *t)
{
	struct json		 j;
	struct json_error	 je;
	struct jv		 req, prop, value;
	struct jw		 w;
	struct buf		 b;
	struct str		 out;

	buf_init(&b, 64 << 10);
	jw_init(&w, &b);
	json_init(&j);
	jw_object(&w);
	if (t->kind == IR_CUSTOM) {
		jw_key(&w, "input");
		jw_strz(&w, "mock");
	} else if (t->schema.n > 0 && json_parse(&j, t->schema, &je) == 0) {
		prop = json_get(json_root(&j), "properties");
		req = json_first(json_get(json_root(&j), "required"));
		for (; json_ok(req); req = json_next(req)) {
			for (value = json_first(prop); json_ok(value);
			    value = json_next(value))
				if (str_eq(json_raw(json_key(value)),
				    json_raw(req)))
					break;
			jw_key_jstr(&w, json_jstr(req));
			jw_raw(&w, str_of(mock_value(json_get(value,
			    "type"))));
		}
	}
	jw_object_end(&w);
	out = arena_str(&rq->rq_arena, buf_str(&b));
	json_release(&j);
	buf_release(&b);
	return out;
}

static void
mock_call(struct mock *m, const struct ir_tool *t)
{
	struct request	*rq = m->rq;
	struct ir_event	 ev = { .type = IR_EV_PART_START,
			    .part = IR_TOOL_CALL };
	struct str	 args = mock_arguments(rq, t);

	mock_begin(m);
	ev.tool = IR_FUNCTION;
	ev.id = arena_strf(&rq->rq_arena, "call_%s", rq->rq_id + 4);
	ev.name = t->name;
	mock_emit(m, &ev);
	ev = (struct ir_event){ .type = IR_EV_DELTA, .part = IR_TOOL_CALL,
	    .delta = IR_D_ARGS };
	ev.text = jstr_encode(&rq->rq_arena, args);
	mock_emit(m, &ev);
	m->words = 8;
	mock_part(m, IR_EV_PART_END, IR_TOOL_CALL);
	mock_end(m, IR_STOP_TOOL, "tool_calls");
}

static void
mock_tool(struct mock *m)
{
	const struct ir_tool	*t;
	struct jstr		 result;

	result = mock_last(m->rq, IR_TOOL, IR_TOOL_RESULT);
	for (t = m->rq->rq_ir.tools; t != NULL; t = t->next)
		if (t->kind != IR_SERVER)
			break;
	if (t != NULL && jstr_empty(result)) {
		mock_call(m, t);
		return;
	}
	mock_begin(m);
	if (jstr_empty(result))
		mock_text(m, JSTR("No tool was offered."));
	else {
		mock_part(m, IR_EV_PART_START, IR_TEXT);
		mock_delta(m, JSTR("The tool said: "));
		mock_delta(m, result);
		mock_part(m, IR_EV_PART_END, IR_TEXT);
	}
	mock_end(m, IR_STOP_END, "stop");
}

static void
mock_long(struct mock *m)
{
	unsigned	 i;
	char		 word[32];

	if (m->step == 0) {
		mock_begin(m);
		mock_part(m, IR_EV_PART_START, IR_TEXT);
	}
	for (i = 0; i < MOCK_BATCH && m->step < MOCK_LONG; i++) {
		snprintf(word, sizeof(word), "word%u ", ++m->step);
		mock_delta(m, (struct jstr){ word, strlen(word) });
	}
	if (m->step >= MOCK_LONG) {
		mock_part(m, IR_EV_PART_END, IR_TEXT);
		mock_end(m, IR_STOP_END, "stop");
		return;
	}
	answer_progress(m->rq);
	mock_again(m);
}

static void
mock_cut(struct mock *m)
{
	struct ir_error	 err;
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = &err };

	mock_begin(m);
	mock_part(m, IR_EV_PART_START, IR_TEXT);
	mock_delta(m, JSTR("This answer ends in the mid"));
	answer_progress(m->rq);
	ir_error_set(&err, IR_ERR_UPSTREAM,
	    "the stream ended before it was complete");
	mock_emit(m, &ev);
	answer_progress(m->rq);
}

static void
mock_error(struct mock *m)
{
	struct ir_error	 err;

	if (m->kind == MOCK_429) {
		ir_error_set(&err, IR_ERR_RATE, "mock rate limit");
		err.retry_after = 1;
	} else
		ir_error_set(&err, IR_ERR_INTERNAL, "mock server error");
	err.upstream = err.status;
	try_failed(m->rq, err.status, &err);
}

static void
mock_timer_cb(void *arg)
{
	struct mock	*m = arg;

	switch (m->kind) {
	case MOCK_ECHO:
	case MOCK_SLOW:
		mock_echo(m);
		break;
	case MOCK_TOOL:
		mock_tool(m);
		break;
	case MOCK_LONG_TEXT:
		mock_long(m);
		break;
	case MOCK_CUT:
		mock_cut(m);
		break;
	case MOCK_429:
	case MOCK_500:
		mock_error(m);
		break;
	}
}

/* --- life ------------------------------------------------------------------------------- */

void
mock_start(struct request *rq)
{
	struct ir_error	 err;
	struct mock	*m;
	size_t		 i, n = sizeof(mock_models) / sizeof(*mock_models);

	for (i = 0; i < n; i++)
		if (str_is(rq->rq_route.model, mock_models[i].name))
			break;
	if (i == n) {
		ir_error_set(&err, IR_ERR_NOT_FOUND, "the mock provider has "
		    "no model '%.*s'", STR_FMT(rq->rq_route.model));
		try_failed(rq, 404, &err);
		return;
	}
	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("mock");
	m->rq = rq;
	m->kind = mock_models[i].kind;
	m->timer = (struct loop_timer){ .cb = mock_timer_cb, .arg = m };
	rq->rq_mock = m;
	loop_timer_set(rq->rq_wk->loop, &m->timer,
	    m->kind == MOCK_SLOW ? MOCK_SLOW_MS : 0);
}

void
mock_again(struct mock *m)
{
	if (m->timer.slot == 0 && m->step > 0 && m->step < MOCK_LONG &&
	    m->rq->rq_out.len <= REQUEST_OUT_HIGH)
		loop_timer_set(m->rq->rq_wk->loop, &m->timer, 1);
}

void
mock_free(struct mock *m)
{
	if (m == NULL)
		return;
	loop_timer_clear(m->rq->rq_wk->loop, &m->timer);
	free(m);
}
