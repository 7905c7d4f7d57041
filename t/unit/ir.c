/* The common form: common/wire/ir*.c, loss.c, decoder.c, dialect.c. */
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#include "tap.h"

static struct arena	 arena;

static struct json
parsed(const char *text)
{
	struct json		 j;
	struct json_error	 je;

	json_init(&j);
	ok(json_parse(&j, str_of(text), &je) == 0, "parses: %s", text);
	return j;
}

/* --- the sequence --------------------------------------------------------- */

/*
 * One letter an event: S start, T text part, F function call, O opaque part,
 * t its text delta, a an arguments delta, n a signature of nobody, e part end,
 * u usage, p ping, x stop, E end, ! error.  A digit in front: the choice.
 */
static const struct {
	const char	*events;
	bool		 good;
	const char	*why;
} sequences[] = {
	{ "SE",			true,	"an empty answer" },
	{ "SxE",		true,	"a stop without a part" },
	{ "STtteuxE",		true,	"text" },
	{ "STteFaaexuE",	true,	"text, a call, usage behind the stop" },
	{ "SpTptpepxpE",	true,	"pings anywhere" },
	{ "S0Tte1Tte0x1xE",	true,	"two choices" },
	{ "S0Tte1Tte1x0Ftex",	true,	"choices in turns" },
	{ "S0T1Tt0t1e0e0x1xE",	true,	"parts of two choices overlap" },
	{ "SOexE",		true,	"an opaque part" },
	{ "!",			true,	"an error at once" },
	{ "STt!",		true,	"an error in a part" },
	{ "SFtexE",		true,	"a custom tool's input" },
	{ "T",			false,	"no start" },
	{ "E",			false,	"an end without a start" },
	{ "SS",			false,	"two starts" },
	{ "STT",		false,	"a part in a part" },
	{ "St",			false,	"a delta without a part" },
	{ "Se",			false,	"an end of no part" },
	{ "STee",		false,	"an end too many" },
	{ "STx",		false,	"a stop in a part" },
	{ "STexx",		false,	"two stops" },
	{ "STexT",		false,	"a part behind the stop" },
	{ "STE",		false,	"the end in a part" },
	{ "STeE",		false,	"the end without a stop" },
	{ "S0Te1Te0xE",		false,	"one choice without a stop" },
	{ "STexEE",		false,	"two ends" },
	{ "STexE!",		false,	"an error behind the end" },
	{ "S!E",		false,	"an end behind an error" },
	{ "S!u",		false,	"usage behind an error" },
	{ "STa",		false,	"arguments in text" },
	{ "SFd",		false,	"media data in a call" },
	{ "STn",		false,	"a signature of nobody" },
	{ "SOt",		false,	"text in an opaque part" },
	{ "So",			false,	"an opaque part without bytes" }
};

struct script {
	struct ir_check		 check;
	struct ir_error		 err;
	unsigned		 choice, next;
	unsigned		 index[2];
	enum ir_part_type	 part[2];
};

static void
event_of(struct script *s, char c, struct ir_event *ev)
{
	static const struct dialect	 someone = { .name = "someone" };

	memset(ev, 0, sizeof(*ev));
	ev->choice = s->choice;
	ev->text = JSTR("x");
	switch (c) {
	case 'T': case 'F': case 'O': case 'o':
		ev->type = IR_EV_PART_START;
		ev->part = c == 'T' ? IR_TEXT : c == 'F' ? IR_TOOL_CALL :
		    IR_OPAQUE;
		ev->from = &someone;
		if (c == 'O')
			ev->raw = STR("{}");
		s->part[s->choice] = ev->part;
		s->index[s->choice] = s->next++;
		break;
	case 't': case 'a': case 'd': case 'n':
		ev->type = IR_EV_DELTA;
		ev->delta = c == 't' ? IR_D_TEXT : c == 'a' ? IR_D_ARGS :
		    c == 'd' ? IR_D_DATA : IR_D_SIGNATURE;
		break;
	case 'S': ev->type = IR_EV_START; break;
	case 'e': ev->type = IR_EV_PART_END; break;
	case 'u': ev->type = IR_EV_USAGE; break;
	case 'p': ev->type = IR_EV_PING; break;
	case 'x':
		ev->type = IR_EV_STOP;
		ev->stop = IR_STOP_END;
		break;
	case 'E': ev->type = IR_EV_END; break;
	default:
		ev->type = IR_EV_ERROR;
		ev->error = &s->err;
		break;
	}
	ev->part = s->part[s->choice];
	ev->index = s->index[s->choice];
}

static const char *
play(const char *events)
{
	struct script	 s = { .choice = 0 };
	struct ir_event	 ev;
	const char	*what = NULL;

	ir_error_set(&s.err, IR_ERR_UPSTREAM, "broken");
	for (; *events != '\0' && what == NULL; events++) {
		if (*events == '0' || *events == '1') {
			s.choice = (unsigned)(*events - '0');
			continue;
		}
		event_of(&s, *events, &ev);
		what = ir_check(&s.check, &ev);
		/* Only the last event of a bad sequence may be the bad one. */
		if (what != NULL && events[1] != '\0')
			return "too early";
	}
	return what;
}

static void
test_check(void)
{
	struct ir_check	 ck = { .started = true };
	struct ir_event	 ev = { .type = IR_EV_PART_START };
	const char	*what;
	size_t		 i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		what = play(sequences[i].events);
		ok(what == NULL ? sequences[i].good : !sequences[i].good &&
		    strcmp(what, "too early") != 0, "%s: %s (%s)",
		    sequences[i].events, sequences[i].why,
		    what == NULL ? "fine" : what);
	}
	ev.choice = IR_CHOICES_MAX;
	ok(ir_check(&ck, &ev) != NULL, "a choice beyond the limit");
	ev.choice = 0;
	ev.index = 3;
	ok(ir_check(&ck, &ev) != NULL, "a part out of count");
	ev.index = 0;
	ev.part = IR_TOOL_RESULT;
	ok(ir_check(&ck, &ev) != NULL, "a tool result in an answer");
	ev = (struct ir_event){ .type = IR_EV_STOP };
	ok(ir_check(&ck, &ev) != NULL, "a stop without a reason");
	ev = (struct ir_event){ .type = IR_EV_ERROR };
	ok(ir_check(&ck, &ev) != NULL, "an error without its text");
}

/* --- the guard ------------------------------------------------------------ */

/* A dialect that emits the sequence that the frame's data names. */
static int
scripted(struct ir_decoder *dec, struct str events)
{
	struct script	*s = dec->state;
	struct ir_event	 ev;
	size_t		 i;

	ir_error_set(&s->err, IR_ERR_RATE, "slow down");
	for (i = 0; i < events.n; i++) {
		event_of(s, events.p[i], &ev);
		if (ir_emit(&dec->sink, &ev) == -1)
			return -1;
	}
	return 0;
}

static int
scripted_event(struct ir_decoder *dec, const struct frame *f)
{
	return scripted(dec, f->data);
}

static int
scripted_end(struct ir_decoder *dec)
{
	(void)dec;
	return 0;
}

static int
scripted_body(struct ir_decoder *dec)
{
	return scripted(dec, json_str(dec->x->arena, json_root(&dec->json)));
}

static const struct dialect	 scripted_dialect = {
	.name = "scripted",
	.dec_size = sizeof(struct script),
	.event_decode = scripted_event,
	.event_end = scripted_end,
	.body_decode = scripted_body
};

struct seen {
	char		 types[32];	/* of the events, as in sequences[] */
	size_t		 n;
	char		 refuse;	/* the sink says no to this one */
	struct ir_error	 err;
};

static int
seen_cb(void *arg, const struct ir_event *ev)
{
	struct seen	*s = arg;
	char		 c = "STteupxE!"[ev->type];

	if (s->n + 1 < sizeof(s->types))
		s->types[s->n++] = c;
	if (ev->type == IR_EV_ERROR)
		s->err = *ev->error;
	return c == s->refuse ? -1 : 0;
}

static int
guard_run(const char *frames, const char *body, struct seen *s)
{
	struct ir_exchange	 x = { .arena = &arena };
	struct ir_decoder	 dec;
	struct str		 rest = str_of(frames);
	struct frame		 f = { .event = STR("") };
	int			 res = 0;

	ir_decoder_init(&dec, &scripted_dialect, &x,
	    (struct ir_sink){ seen_cb, s });
	while (rest.n > 0 && res == 0) {
		f.data = str_cut(&rest, '|');
		res = ir_decoder_frame(&dec, &f);
	}
	if (res == 0)
		res = body != NULL ? ir_decoder_body(&dec, str_of(body)) :
		    ir_decoder_end(&dec);
	ir_decoder_release(&dec);
	return res;
}

static void
test_guard(void)
{
	struct seen	 s = { .n = 0 };

	ok(guard_run("STt|ex|E", NULL, &s) == 0 &&
	    strcmp(s.types, "STtexE") == 0, "a good sequence passes");
	s = (struct seen){ .n = 0 };
	ok(guard_run("STtexETt|Tt", NULL, &s) == 0 &&
	    strcmp(s.types, "STtexE") == 0, "nothing passes the end");
	s = (struct seen){ .n = 0 };
	ok(guard_run("ST!te|x", NULL, &s) == 0 &&
	    strcmp(s.types, "ST!") == 0 && s.err.kind == IR_ERR_RATE,
	    "nothing passes an error");
	s = (struct seen){ .n = 0 };
	ok(guard_run("STtT|tex", NULL, &s) == 0 &&
	    strcmp(s.types, "STt!") == 0 && s.err.kind == IR_ERR_UPSTREAM,
	    "a violation becomes one error");
	s = (struct seen){ .n = 0 };
	ok(guard_run("STt", NULL, &s) == 0 && strcmp(s.types, "STt!") == 0,
	    "a decoder that forgets the end is helped");
	s = (struct seen){ .refuse = 't' };
	ok(guard_run("STtex|E", NULL, &s) == -1 && strcmp(s.types, "STt") == 0,
	    "the sink ends it");
	s = (struct seen){ .n = 0 };
	ok(guard_run("", "\"STtexE\"", &s) == 0 &&
	    strcmp(s.types, "STtexE") == 0, "a body");
	s = (struct seen){ .n = 0 };
	ok(guard_run("", "<html>", &s) == 0 && strcmp(s.types, "!") == 0 &&
	    s.err.status == 502, "a body that is no JSON is an error");
	s = (struct seen){ .n = 0 };
	ok(guard_run("", "", &s) == 0 && strcmp(s.types, "!") == 0,
	    "no body is an error");
}

/* --- folding -------------------------------------------------------------- */

static int
fold(struct ir_response *r, struct ir_event ev)
{
	return ir_response_fold(r, &ev);
}

static void
test_fold(void)
{
	struct ir_response	 r;
	struct ir_out_part	*p;
	struct ir_usage		 u;
	int			 bad = 0;

	ir_usage_init(&u);
	u.output = 7;
	ir_response_init(&r, &arena, 1024);
	ok(r.usage.input == -1, "usage is not said");
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_START,
	    .id = STR("id"), .name = STR("m"), .created = 5 });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_PART_START,
	    .choice = 1, .part = IR_TEXT });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .part = IR_TEXT, .text = JSTR("a\\n") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .part = IR_TEXT, .text = JSTR("b") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .delta = IR_D_LOGPROBS, .raw = STR("[ 1, 2 ]") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .delta = IR_D_LOGPROBS, .raw = STR("[]") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .delta = IR_D_LOGPROBS, .raw = STR("[3]") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .delta = IR_D_ANNOTATION, .raw = STR("{}") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .delta = IR_D_ANNOTATION, .raw = STR("[]") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_PART_START,
	    .choice = 0, .index = 1, .part = IR_TOOL_CALL, .id = STR("c"),
	    .name = STR("f") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .index = 1,
	    .delta = IR_D_ARGS, .text = JSTR("{}") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_PART_START,
	    .choice = 1, .index = 2, .part = IR_THINKING });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_DELTA, .choice = 1,
	    .index = 2, .delta = IR_D_SIGNATURE, .text = JSTR("sig") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_STOP, .choice = 1,
	    .stop = IR_STOP_SEQUENCE, .stop_raw = STR("s"),
	    .stop_seq = JSTR("q") });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_USAGE, .usage = u });
	bad |= fold(&r, (struct ir_event){ .type = IR_EV_END });

	ok(bad == 0, "all events fold");
	ok(str_is(r.id, "id") && str_is(r.model, "m") && r.created == 5 &&
	    r.ended && !r.failed && r.usage.output == 7, "the head");
	ok(r.choices->index == 0 && r.choices->next->index == 1 &&
	    r.choices->next->next == NULL, "choices lie in order");
	p = r.choices->parts;
	ok(p->type == IR_TOOL_CALL && str_is(p->id, "c") &&
	    str_is(buf_str(&p->text), "{}"), "a call");
	p = r.choices->next->parts;
	ok(str_is(buf_str(&p->text), "a\\nb"), "text stays escaped");
	ok(str_is(buf_str(&p->logprobs), "1, 2,3"), "logprobs are joined");
	ok(str_is(buf_str(&p->annotations), "{},[]"), "annotations are joined");
	ok(str_is((struct str){ p->next->signature.p, p->next->signature.n },
	    "sig"), "a signature");
	ok(r.choices->next->stop == IR_STOP_SEQUENCE &&
	    r.choices->next->stop_seq.n == 1, "a stop sequence");
	ir_response_release(&r);

	ir_response_init(&r, &arena, 4);
	(void)!fold(&r, (struct ir_event){ .type = IR_EV_PART_START });
	ok(fold(&r, (struct ir_event){ .type = IR_EV_DELTA,
	    .text = JSTR("1234") }) == 0, "text up to the limit");
	ok(fold(&r, (struct ir_event){ .type = IR_EV_DELTA,
	    .text = JSTR("5") }) == -1, "and not beyond");
	ir_response_release(&r);
}

/* --- ids and names -------------------------------------------------------- */

static void
test_ids(void)
{
	struct ir_names	 names = { NULL };
	struct str	 a, b, c;

	a = ir_id_fit(&arena, STR("call_abc-1"), "toolu_", 64);
	ok(str_is(a, "call_abc-1"), "an id that fits stays");
	a = ir_id_fit(&arena, STR("call.abc"), "toolu_", 64);
	b = ir_id_fit(&arena, STR("call.abc"), "toolu_", 64);
	c = ir_id_fit(&arena, STR("call.abd"), "toolu_", 64);
	ok(str_starts(a, "toolu_") && a.n == 30 && str_eq(a, b) &&
	    !str_eq(a, c), "one that does not is derived: %.*s", STR_FMT(a));
	ok(str_eq(ir_id_fit(&arena, a, "toolu_", 64), a), "once only");
	a = ir_id_fit(&arena,
	    STR("0123456789012345678901234567890123456789x"), "call_", 40);
	ok(a.n == 29 && str_starts(a, "call_"), "one that is too long");
	a = ir_id_fit(&arena, STR("a.b"), "call_", 9);
	ok(a.n == 9, "a limit shorter than the digest");
	a = ir_id_fit(&arena, STR(""), "call_", 40);
	ok(a.n == 29, "an id is never empty");

	a = ir_id_prefixed(&arena, STR("msg_1"), "msg_");
	ok(str_is(a, "msg_1"), "a prefix that is there");
	a = ir_id_prefixed(&arena, STR("chatcmpl-1"), "msg_");
	ok(str_is(a, "msg_1"), "another dialect's prefix goes");
	a = ir_id_prefixed(&arena, STR("xyz"), "resp_");
	ok(str_is(a, "resp_xyz"), "a prefix is added");

	a = ir_name_fit(&arena, &names, STR("get_weather"), "", 64);
	ok(str_is(a, "get_weather") && names.first == NULL, "a name that fits");
	a = ir_name_fit(&arena, &names, STR("mcp.server/read"), ".", 64);
	b = ir_name_fit(&arena, &names, STR("mcp.server_read"), ".", 64);
	ok(str_is(b, "mcp.server_read") && !str_eq(a, b), "what extra allows");
	a = ir_name_fit(&arena, &names, STR("a.b"), "", 64);
	b = ir_name_fit(&arena, &names, STR("a/b"), "", 64);
	ok(str_starts(a, "a_b_") && a.n == 12 && !str_eq(a, b),
	    "a changed name is unique: %.*s", STR_FMT(a));
	ok(str_is(ir_name_restore(&names, a), "a.b") &&
	    str_is(ir_name_restore(&names, b), "a/b"), "and comes back");
	ok(str_is(ir_name_restore(&names, STR("other")), "other"),
	    "an unknown name stays");
	c = ir_name_fit(&arena, &names,
	    STR("0123456789012345678901234567890123456789"
	    "0123456789012345678901234x"), "", 64);
	ok(c.n == 64 && str_starts(c, "012345"), "a long one is cut");
	c = ir_name_fit(&arena, &names, STR("\xe5\xa4\xa9\xe6\xb0\x94"), "",
	    64);
	ok(c.n == 9 && c.p[0] == '_', "a name of other letters: %.*s",
	    STR_FMT(c));
	ok(str_eq(ir_name_fit(&arena, &names, STR("a.b"), "", 64), a),
	    "the same every time");
}

/* --- loss report ---------------------------------------------------------- */

/* What means nothing to the target is told, and is no loss. */
static void
test_ignored(struct loss *l, struct buf *b)
{
	struct ir_error	 err;
	unsigned	 i;

	loss_init(l, &arena);
	loss_add(l, LOSS_IGNORED, STR("key"), "nothing");
	loss_header(l, b);
	ok(l->n == 0 && b->len == 0 && loss_strict(l, &err) == 0,
	    "ignored: no loss");
	loss_json(l, b);
	ok(str_is(buf_str(b), "[{\"path\":\"key\",\"action\":"
	    "\"ignored\",\"why\":\"nothing\"}]"), "ignored: %.*s",
	    STR_FMT(buf_str(b)));
	loss_add(l, LOSS_DROPPED, STR("x"), "gone");
	ok(loss_strict(l, &err) == -1 && strcmp(err.param, "x") == 0 &&
	    strstr(err.msg, "key") == NULL, "ignored: not named by strict");
	loss_add(l, LOSS_APPROXIMATED, STR("key"), "after all");
	ok(l->n == 2, "ignored: a loss replaces it");
	for (i = 0; i < 200; i++)
		loss_add(l, LOSS_IGNORED, arena_strf(&arena, "k%u", i), "no");
	buf_clear(b);
	loss_json(l, b);
	ok(l->n == 2 && memmem(b->data, b->len, " more", 5) == NULL,
	    "ignored: many are not counted");
}

static void
test_loss(void)
{
	struct json	 j = parsed("{\"a\":[{\"b\":1}]}");
	struct loss	 l;
	struct buf	 b;
	unsigned	 i;

	buf_init(&b, 1 << 20);
	loss_init(&l, &arena);
	loss_header(&l, &b);
	ok(b.len == 0, "nothing lost, nothing said");
	loss_json(&l, &b);
	ok(str_is(buf_str(&b), "[]"), "an empty report");
	buf_clear(&b);

	loss_add(&l, LOSS_DROPPED, STR("top_k"), "has no equal");
	loss_add(&l, LOSS_DROPPED, STR("top_k"), "again");
	ok(l.n == 1, "a path is reported once");
	loss_node(&l, LOSS_APPROXIMATED, &j,
	    json_get(json_first(json_get(json_root(&j), "a")), "b").i, ".x",
	    "other form");
	loss_header(&l, &b);
	ok(str_is(buf_str(&b), "dropped top_k; approximated a[0].b.x"),
	    "header: %.*s", STR_FMT(buf_str(&b)));
	buf_clear(&b);
	loss_add(&l, LOSS_REFUSED, STR("top_k"), "no");
	ok(l.n == 2 && l.refused == 1 && l.first->action == LOSS_REFUSED,
	    "a graver action replaces");
	loss_json(&l, &b);
	ok(str_is(buf_str(&b), "[{\"path\":\"top_k\",\"action\":\"refused\","
	    "\"why\":\"no\"},{\"path\":\"a[0].b.x\",\"action\":"
	    "\"approximated\",\"why\":\"other form\"}]"), "json: %.*s",
	    STR_FMT(buf_str(&b)));
	buf_clear(&b);

	loss_init(&l, &arena);
	loss_add(&l, LOSS_DROPPED, STR("x\xc3\xa4\ny"), "odd name");
	loss_header(&l, &b);
	ok(str_is(buf_str(&b), "dropped x???y"), "a header is ASCII");
	buf_clear(&b);
	for (i = 0; i < 200; i++)
		loss_add(&l, LOSS_DROPPED, arena_strf(&arena,
		    "messages[%u].content[0].cache_control", i), "many");
	loss_header(&l, &b);
	ok(l.n == 201 && b.len < 600 &&
	    memmem(b.data, b.len, " more", 5) != NULL, "many: ...%s",
	    b.data + b.len - 20);
	buf_clear(&b);
	test_ignored(&l, &b);
	buf_release(&b);
	json_release(&j);
}

/* --- data URLs, arguments, errors ----------------------------------------- */

static const struct {
	const char	*url, *type, *data;	/* type NULL: refused */
} urls[] = {
	{ "data:image/png;base64,QUJD", "image/png", "QUJD" },
	{ "DATA:image/png;Base64,QUI=", "image/png", "QUI=" },
	{ "data:image/svg+xml;charset=utf-8;base64,QQ==", "image/svg+xml",
	    "QQ==" },
	{ "data:;base64,QQ==", "text/plain", "QQ==" },
	{ "data:text/plain,a%20b", "text/plain", "YSBi" },
	{ "data:,hi", "text/plain", "aGk=" },
	{ "data:image\\/png;base64,Q\\/A=", "image/png", "Q/A=" },
	{ "data:image/png;base64,QU\\nJD", "image/png", "QUJD" },
	{ "data:image/png;base64,Q-_D", "image/png", "Q+/D" },
	{ "data:image/png;base64,QUI%3D", "image/png", "QUI=" },
	{ "data:image/png;base64,", "image/png", "" },
	{ "data:image/png;base64,Q\\\"U", NULL, NULL },
	{ "data:image/png;base64", NULL, NULL },
	{ "data:text/plain,%zz", NULL, NULL },
	{ "https://example.org/x.png", NULL, NULL },
	{ "", NULL, NULL }
};

static void
test_urls(void)
{
	struct ir_media	 m;
	struct jstr	 url;
	size_t		 i;
	int		 res;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		memset(&m, 0, sizeof(m));
		url = (struct jstr){ urls[i].url, strlen(urls[i].url) };
		res = ir_data_url(&arena, url, &m);
		if (urls[i].type == NULL)
			ok(res == -1, "refused: %s", urls[i].url);
		else
			ok(res == 0 && str_is(m.type, urls[i].type) &&
			    str_is(m.data, urls[i].data), "%s: %.*s",
			    urls[i].url, STR_FMT(m.data));
	}
}

static const struct {
	const char	*json, *escaped, *object;
	int		 res;
} args_table[] = {
	{ "{\"a\":1}", "", "{\"a\":1}", 0 },
	{ "", "{\\\"a\\\":1}", "{\"a\":1}", 0 },
	{ "", "", "{}", 0 },
	{ "", "  ", "{}", 0 },
	{ "null", "", "{}", 0 },
	{ "[1]", "", "{\"input\":[1]}", -1 },
	{ "", "\\\"x\\\"", "{\"input\":\"x\"}", -1 },
	{ "", "{\\\"a\\\":", "{\"input\":\"{\\\"a\\\":\"}", -1 },
	{ "", "say \\\"hi\\\"\\n", "{\"input\":\"say \\\"hi\\\"\"}", -1 }
};

static void
test_args(void)
{
	struct ir_args	 args;
	struct str	 out;
	struct jstr	 s;
	size_t		 i;
	int		 res;

	for (i = 0; i < sizeof(args_table) / sizeof(args_table[0]); i++) {
		args.json = str_of(args_table[i].json);
		args.escaped = (struct jstr){ args_table[i].escaped,
		    strlen(args_table[i].escaped) };
		res = ir_args_object(&arena, &args, &out);
		ok(res == args_table[i].res &&
		    str_is(out, args_table[i].object), "arguments %s%s: %.*s",
		    args_table[i].json, args_table[i].escaped, STR_FMT(out));
	}
	args = (struct ir_args){ .json = STR("{\"a\":\"b\"}") };
	s = ir_args_escaped(&arena, &args);
	ok(str_is((struct str){ s.p, s.n }, "{\\\"a\\\":\\\"b\\\"}"),
	    "arguments are escaped");
	args = (struct ir_args){ .json = STR_NONE };
	s = ir_args_escaped(&arena, &args);
	ok(s.n == 2, "none are {}");
}

static void
test_errors(void)
{
	struct json	 j = parsed("{\"messages\":[{\"role\":7}]}");
	struct jv	 role = json_get(json_first(json_get(json_root(&j),
			    "messages")), "role");
	struct ir_error	 err;
	char		 dst[6], big[4096];

	ir_error_type(&err, &arena, role, "a string");
	ok(strcmp(err.msg, "'messages[0].role': expected a string, "
	    "got a number") == 0 && err.status == 400, "%s", err.msg);
	ok(strcmp(err.param, "messages[0].role") == 0 && err.upstream == 0 &&
	    err.retry_after == -1, "the field is named");
	ir_error_type(&err, &arena, json_root(&j), "an array");
	ok(strcmp(err.msg, "the body: expected an array, got an object") == 0,
	    "%s", err.msg);
	ir_error_field(&err, &arena, &j, role.i, "no role '%s'", "x");
	ok(strcmp(err.msg, "'messages[0].role': no role 'x'") == 0, "%s",
	    err.msg);

	ir_error_copy(dst, sizeof(dst), STR("abc\xe4\xbd\xa0"));
	ok(strcmp(dst, "abc") == 0, "no half characters");
	ir_error_copy(dst, sizeof(dst), STR("ab\xe4\xbd\xa0x"));
	ok(strcmp(dst, "ab\xe4\xbd\xa0") == 0, "whole ones fit");
	ir_error_copy(dst, sizeof(dst), STR("a\xff\xe4z"));
	ok(strcmp(dst, "a??z") == 0, "what is no UTF-8 is marked");
	ir_error_copy(dst, 1, STR("a"));
	ok(dst[0] == '\0', "room for nothing");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	ir_error_set(&err, IR_ERR_RATE, "%s", big);
	ok(strlen(err.msg) == sizeof(err.msg) - 1 && err.status == 429,
	    "a long message is cut");

	ok(ir_error_kind(429) == IR_ERR_RATE &&
	    ir_error_kind(529) == IR_ERR_OVERLOADED &&
	    ir_error_kind(422) == IR_ERR_BAD_REQUEST &&
	    ir_error_kind(408) == IR_ERR_TIMEOUT &&
	    ir_error_kind(599) == IR_ERR_UPSTREAM, "kinds of a status");
	ok(ir_error_status(IR_ERR_TIMEOUT) == 504 &&
	    ir_error_status(IR_ERR_NOT_FOUND) == 404, "status of a kind");

	ok(ir_usage_clamp(-5) == 0 && ir_usage_clamp(INT64_MAX) ==
	    IR_USAGE_MAX && ir_usage_sum(-1, 3) == 3 &&
	    ir_usage_sum(-1, -1) == 0, "usage is clamped");
	json_release(&j);
}

/* --- paths ---------------------------------------------------------------- */

static const struct {
	const char	*method, *path;
	int		 res;
	const char	*dialect, *model;
} paths[] = {
	{ "POST", "/v1/chat/completions", 1, "openai-chat", "" },
	{ "POST", "/v1/responses", 1, "openai-responses", "" },
	{ "POST", "/v1/messages", 1, "anthropic", "" },
	{ "POST", "/v1/anthropic/completions", 1, "anthropic", "" },
	{ "POST", "/v1/gemini/completions", 1, "gemini", "" },
	{ "POST", "/v1beta/models/gemini-pro:generateContent", 1, "gemini",
	    "gemini-pro" },
	{ "POST", "/v1/models/gemini-pro:streamGenerateContent", 1, "gemini",
	    "gemini-pro" },
	{ "POST", "/v1beta/models/openrouter/a/b:free:generateContent", 1,
	    "gemini", "openrouter/a/b:free" },
	{ "POST", "/v1beta/models/a%2Fb:generateContent", 1, "gemini", "a/b" },
	{ "POST", "/v1beta/models/models/x:generateContent", 1, "gemini",
	    "x" },
	{ "POST", "/v1beta/models/models%2Fx:generateContent", 1, "gemini",
	    "x" },
	{ "GET", "/v1/models", 1, "openai-chat", "" },
	{ "GET", "/v1beta/models", 1, "gemini", "" },
	{ "GET", "/v1/chat/completions", -1, "openai-chat", "" },
	{ "GET", "/v1/messages", -1, "anthropic", "" },
	{ "DELETE", "/v1beta/models", -1, "gemini", "" },
	{ "post", "/v1/messages", -1, "anthropic", "" },
	{ "POST", "/v1/messages/", 0, NULL, NULL },
	{ "POST", "/v1//messages", 0, NULL, NULL },
	{ "POST", "//v1/messages", 0, NULL, NULL },
	{ "POST", "/V1/messages", 0, NULL, NULL },
	{ "POST", "/v1/message", 0, NULL, NULL },
	{ "POST", "/v1/messages%20", 0, NULL, NULL },
	{ "POST", "/v1/%6dessages", 0, NULL, NULL },
	{ "POST", "", 0, NULL, NULL },
	{ "POST", "/", 0, NULL, NULL },
	{ "POST", "/v1beta/models/:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a//b:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a/../b:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/%2e%2e:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a%zz:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a%00b:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a%0ab:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a%ffb:generateContent", 0, NULL, NULL },
	{ "POST", "/v1beta/models/a/:generateContent", 0, NULL, NULL }
};

static const struct {
	const char	*path, *dialect;
} envelopes[] = {
	{ "/v1beta/nothing", "gemini" },
	{ "/v1beta", "gemini" },
	{ "/v1betamax", "openai-chat" },
	{ "/v1/models/x:generateContent", "gemini" },
	{ "/v1/gemini/x", "gemini" },
	{ "/v1/messages/count_tokens", "anthropic" },
	{ "/v1/anthropic", "anthropic" },
	{ "/v1/responses/resp_1", "openai-responses" },
	{ "/v1/nothing", "openai-chat" },
	{ "/", "openai-chat" },
	{ "", "openai-chat" }
};

static void
test_paths(void)
{
	struct dialect_match	 m;
	size_t			 i;
	int			 res;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		res = dialect_match(&arena, str_of(paths[i].method),
		    str_of(paths[i].path), &m);
		ok(res == paths[i].res && (res == 0 ||
		    (strcmp(m.dialect->name, paths[i].dialect) == 0 &&
		    str_is(m.model, paths[i].model))), "%s %s: %d %s '%.*s'",
		    paths[i].method, paths[i].path, res, res == 0 ? "" :
		    m.dialect->name, STR_FMT(m.model));
	}
	for (i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++)
		ok(strcmp(dialect_for_path(str_of(envelopes[i].path))->name,
		    envelopes[i].dialect) == 0, "envelope of '%s'",
		    envelopes[i].path);
	for (i = 0; dialects[i] != NULL; i++)
		ok(dialect_byname(str_of(dialects[i]->name)) == dialects[i],
		    "%s by its name", dialects[i]->name);
	ok(i == 4 && dialect_byname(STR("")) == NULL &&
	    dialect_byname(STR("OpenAI-chat")) == NULL, "and no other");
}

/* --- splicing ------------------------------------------------------------- */

static const struct {
	const char	*in, *model, *out;
	bool		 usage;
} splices[] = {
	{ "{\"model\":\"a\",\"x\":1}", "b", "{\"model\":\"b\",\"x\":1}", false },
	{ "{\"model\":\"a\",\"x\":1}", "a", "{\"model\":\"a\",\"x\":1}", false },
	{ " { \"x\" : 1.0 , \"model\" : \"a\" } ", "b/c",
	    " { \"x\" : 1.0 , \"model\" : \"b/c\" } ", false },
	{ "{\"model\":\"a\",\"y\":0,\"model\":\"b\"}", "c",
	    "{\"model\":\"c\",\"y\":0,\"model\":\"c\"}", false },
	{ "{\"mod\\u0065l\":\"a\"}", "b", "{\"mod\\u0065l\":\"b\"}", false },
	{ "{\"model\":\"\\u0061\"}", "a", "{\"model\":\"\\u0061\"}", false },
	{ "{\"model\":\"a\"}", "q\"\\", "{\"model\":\"q\\\"\\\\\"}", false },
	{ "{\"tools\":[{\"model\":\"a\"}],\"m\":{\"model\":\"a\"}}", "b",
	    "{\"model\":\"b\",\"tools\":[{\"model\":\"a\"}],"
	    "\"m\":{\"model\":\"a\"}}", false },
	{ "{\"model\":{\"model\":\"a\"}}", "b", "{\"model\":\"b\"}", false },
	{ "{\"model\":null}", "b", "{\"model\":\"b\"}", false },
	{ "{}", "b", "{\"model\":\"b\"}", false },
	{ "{\"model\":\"a\"}", "", "{\"model\":\"a\"}", false },
	{ "{\"model\":\"a\"}", "b", "{\"stream_options\":"
	    "{\"include_usage\":true},\"model\":\"b\"}", true },
	{ " {}", "b", " {\"model\":\"b\",\"stream_options\":"
	    "{\"include_usage\":true}}", true },
	{ "{\"stream_options\":null,\"model\":\"a\"}", "a",
	    "{\"stream_options\":{\"include_usage\":true},"
	    "\"model\":\"a\"}", true },
	{ "{\"model\":\"a\", \"stream_options\" : {\"x\":[1],"
	    "\"include_usage\":false,\"y\": 1.0} }", "b",
	    "{\"model\":\"b\", \"stream_options\" : {\"x\":[1],"
	    "\"y\":1.0,\"include_usage\":true} }", true },
};

static void
test_splice(void)
{
	struct ir_request	 rq;
	struct json		 j;
	struct buf		 b;
	size_t			 i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < sizeof(splices) / sizeof(splices[0]); i++) {
		j = parsed(splices[i].in);
		ir_request_init(&rq, &arena, NULL, &j);
		buf_clear(&b);
		dialect_splice(&rq, str_of(splices[i].model),
		    splices[i].usage, &b);
		ok(str_is(buf_str(&b), splices[i].out), "becomes %.*s",
		    STR_FMT(buf_str(&b)));
		ok(dialect_splice_none(&rq, str_of(splices[i].model),
		    splices[i].usage) == str_is(buf_str(&b), splices[i].in),
		    "and it is known whether it changes");
		json_release(&j);
	}
	j = parsed("{\"model\":\"a\"}");
	ir_request_init(&rq, &arena, NULL, &j);
	rq.path_model = STR("in-the-path");
	buf_clear(&b);
	dialect_splice(&rq, STR("b"), false, &b);
	ok(str_is(buf_str(&b), "{\"model\":\"a\"}") &&
	    dialect_splice_none(&rq, STR("b"), false),
	    "a body is left alone where the path names the model");
	json_release(&j);
	buf_release(&b);
}

/* --- requests ------------------------------------------------------------- */

static void
test_request(void)
{
	struct json		 j = parsed("{\"x\\n\":[1, 2]}");
	struct ir_request	 rq;
	struct ir_message	*m;

	ir_request_init(&rq, &arena, NULL, &j);
	ok(rq.sampling.max_tokens == -1 && rq.reasoning.budget == -1 &&
	    rq.native && rq.parallel == IR_UNSET, "nothing is given");
	m = ir_message_add(&rq, IR_USER, 1);
	ir_part_add(&rq, m, IR_TEXT, 2);
	ir_part_add(&rq, m, IR_IMAGE, 3);
	ir_message_add(&rq, IR_ASSISTANT, 4);
	ok(rq.messages == m && m->parts->next->type == IR_IMAGE &&
	    m->next->role == IR_ASSISTANT && m->next->next == NULL,
	    "messages and parts lie in order");
	ir_tool_add(&rq, IR_SERVER, 5)->name = STR("f");
	ir_tool_add(&rq, IR_CUSTOM, 6)->name = STR("f");
	ok(ir_tool_find(&rq, STR("f"))->kind == IR_CUSTOM &&
	    ir_tool_find(&rq, STR("g")) == NULL &&
	    ir_tool_find(NULL, STR("f")) == NULL, "a tool by its name");
	ir_ext_add(&rq, json_first(json_root(&j)));
	ok(str_is(rq.ext->name, "x\n") && str_is(rq.ext->json, "[1, 2]"),
	    "an unknown member");
	json_release(&j);
}

int
main(void)
{
	arena_init(&arena);
	test_check();
	test_guard();
	test_fold();
	test_ids();
	test_loss();
	test_urls();
	test_args();
	test_errors();
	test_paths();
	test_splice();
	test_request();
	arena_release(&arena);
	return done();
}
