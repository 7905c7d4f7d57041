/*
 * Reasoning state: gathered from events, put back into a request.
 */
#include "base/buf.h"
#include "wire/dialect.h"
#include "wire/vault.h"
#include "tap.h"

static struct arena		 arena;
static struct vault_item	*items;
static const char		*family = "gemini";
static unsigned			 asked;

static void
part(struct vault_taker *v, enum ir_part_type type, const char *id,
    const char *text, const char *sig)
{
	struct ir_event	 ev = { .type = IR_EV_PART_START, .part = type,
			    .id = str_of(id) };

	vault_take(v, &ev);
	ev.type = IR_EV_DELTA;
	if (text != NULL) {
		ev.delta = IR_D_TEXT;
		ev.text = (struct jstr){ text, strlen(text) };
		vault_take(v, &ev);
	}
	if (sig != NULL) {
		ev.delta = IR_D_SIGNATURE;
		ev.text = (struct jstr){ sig, strlen(sig) };
		vault_take(v, &ev);
	}
	ev.type = IR_EV_PART_END;
	vault_take(v, &ev);
}

static bool
find_cb(void *arg, struct str name, struct vault_found *f)
{
	struct vault_item	*it;

	(void)arg;
	asked++;
	for (it = items; it != NULL; it = it->next)
		if (str_eq(it->name, name)) {
			f->family = str_of(family);
			f->value = it->value;
			return true;
		}
	return false;
}

/* "T(sig) text call(sig)": what a turn consists of. */
static const char *
shape(const struct ir_message *m)
{
	static char		 s[512];
	const struct ir_part	*p;
	struct buf		 b;

	buf_init(&b, sizeof(s) - 1);
	for (p = m->parts; p != NULL; p = p->next) {
		(void)buf_addf(&b, "%s%s", p == m->parts ? "" : " ",
		    p->type == IR_THINKING ? "T" : p->type == IR_TEXT ?
		    "text" : "call");
		if (p->signature.n > 0)
			(void)buf_addf(&b, "(%.*s)", (int)p->signature.n,
			    p->signature.p);
	}
	memcpy(s, b.data == NULL ? "" : b.data, b.len);
	s[b.len] = '\0';
	buf_release(&b);
	return s;
}

static struct ir_message *
turn(struct ir_request *rq, const char *text, const char *id, const char *id2)
{
	struct ir_message	*m;

	ir_request_init(rq, &arena, &dialect_openai_chat, NULL);
	m = ir_message_add(rq, IR_ASSISTANT, 0);
	if (text != NULL)
		ir_part_add(rq, m, IR_TEXT, 0)->text =
		    (struct jstr){ text, strlen(text) };
	if (id != NULL)
		ir_part_add(rq, m, IR_TOOL_CALL, 0)->id = str_of(id);
	if (id2 != NULL)
		ir_part_add(rq, m, IR_TOOL_CALL, 0)->id = str_of(id2);
	return m;
}

static const char *
restored(const char *text, const char *id, const char *id2, struct loss *loss)
{
	struct ir_request	 rq;
	struct ir_message	*m = turn(&rq, text, id, id2);

	loss_init(loss, &arena);
	(void)vault_restore(&rq, &dialect_gemini, loss, NULL, find_cb, NULL);
	return shape(m);
}

static void
test_order(void)
{
	struct vault_taker	 v;
	struct ir_request	 rq;
	struct loss		 loss;

	ir_request_init(&rq, &arena, &dialect_openai_chat, NULL);
	vault_taker_init(&v, &arena, &rq);
	part(&v, IR_THINKING, "", "one", "S1");
	part(&v, IR_THINKING, "", "unsigned", NULL);
	part(&v, IR_TEXT, "", "Say \\u0022x\\u0022\\n", NULL);
	part(&v, IR_THINKING, "", "", "S2");
	part(&v, IR_TOOL_CALL, "a", NULL, "S3");
	part(&v, IR_TOOL_CALL, "b", NULL, NULL);
	items = v.first;
	ok(v.n == 3 && !v.spoiled, "one a part that had state so far");
	ok(strcmp(restored("Say \\\"x\\\"", "a", "b", &loss),
	    "T(S1) text T(S2) call(S3) call") == 0 && loss.n == 0,
	    "put back in place, whatever the escapes: %s",
	    restored("Say \\\"x\\\"", "a", "b", &loss));
	ok(strcmp(restored(NULL, "a", "b", &loss),
	    "T(S1) T(S2) call(S3) call") == 0,
	    "a client that drops the text loses no state");
	ok(strcmp(restored(NULL, "b", NULL, &loss), "T(S1) T(S2) call") == 0,
	    "nor one that drops a call");
	ok(strcmp(restored("other", "z", NULL, &loss), "text call") == 0,
	    "what is not known stays as it is");
	family = "anthropic";
	ok(strcmp(restored(NULL, "a", NULL, &loss), "call") == 0 &&
	    loss.n == 1, "another family's is dropped, and told");
	family = "gemini";
	vault_taker_release(&v);
}

/* What the user said, and the model upon it. */
static struct ir_message *
talk(struct ir_request *rq, const char *said, const char *text, const char *id)
{
	struct ir_message	*m;

	ir_request_init(rq, &arena, &dialect_openai_chat, NULL);
	m = ir_message_add(rq, IR_USER, 0);
	ir_part_add(rq, m, IR_TEXT, 0)->text =
	    (struct jstr){ said, strlen(said) };
	if (text == NULL)
		return m;
	m = ir_message_add(rq, IR_ASSISTANT, 0);
	ir_part_add(rq, m, IR_TEXT, 0)->text =
	    (struct jstr){ text, strlen(text) };
	ir_part_add(rq, m, IR_TOOL_CALL, 0)->id = str_of(id);
	return m;
}

/* "Done.", and call_0, are said in every conversation. */
static void
test_said_again(void)
{
	char			*text = arena_bytes(&arena, 301);
	struct ir_request	 rq;
	struct ir_message	*m;
	struct vault_taker	 v;
	struct loss		 loss;

	memset(text, 'x', 300);
	text[300] = '\0';
	loss_init(&loss, &arena);
	(void)talk(&rq, "one", NULL, NULL);
	vault_taker_init(&v, &arena, &rq);
	part(&v, IR_THINKING, "", "", "S1");
	part(&v, IR_TEXT, "", "Done.", NULL);
	part(&v, IR_TOOL_CALL, "call_0", NULL, NULL);
	items = v.first;
	m = talk(&rq, "two", "Done.", "call_0");
	ok(vault_restore(&rq, &dialect_gemini, &loss, NULL, find_cb, NULL) == 0 &&
	    strcmp(shape(m), "text call") == 0,
	    "another conversation's is not put back");
	m = talk(&rq, " one", "Done.", "call_0");
	ok(vault_restore(&rq, &dialect_gemini, &loss, NULL, find_cb, NULL) == 2 &&
	    strcmp(shape(m), "T(S1) text call") == 0, "its own is: %s",
	    shape(m));
	vault_taker_release(&v);
	(void)talk(&rq, "one", NULL, NULL);
	vault_taker_init(&v, &arena, &rq);
	part(&v, IR_THINKING, "", "", "S1");
	part(&v, IR_TEXT, "", text, NULL);
	part(&v, IR_TOOL_CALL, "call_0123456789abcdef", NULL, NULL);
	items = v.first;
	m = talk(&rq, "shortened", text, "call_0123456789abcdef");
	ok(vault_restore(&rq, &dialect_gemini, &loss, NULL, find_cb, NULL) == 2 &&
	    strcmp(shape(m), "T(S1) text call") == 0,
	    "what does not come again needs no such help: %s", shape(m));
	vault_taker_release(&v);
}

static void
test_bounds(void)
{
	struct ir_request	 rq;
	struct ir_message	*m;
	struct vault_taker	 v;
	struct loss		 loss;
	char			*big = arena_bytes(&arena, (2 << 20) + 1);
	int			 i;

	ir_request_init(&rq, &arena, &dialect_openai_chat, NULL);
	vault_taker_init(&v, &arena, &rq);
	part(&v, IR_TEXT, "", "plain", NULL);
	part(&v, IR_TOOL_CALL, "c", NULL, NULL);
	ok(v.n == 0, "an answer without state leaves none");
	memset(big, 'x', 2 << 20);
	big[2 << 20] = '\0';
	part(&v, IR_THINKING, "", "t", "S");
	part(&v, IR_TEXT, "", big, NULL);
	ok(v.n == 0, "a text too long is no name");
	part(&v, IR_TOOL_CALL, "d", NULL, NULL);
	ok(v.n == 1, "but a call behind it is");
	vault_taker_release(&v);
	ir_request_init(&rq, &arena, &dialect_openai_chat, NULL);
	for (i = 0; i < 1000; i++) {
		m = ir_message_add(&rq, IR_ASSISTANT, 0);
		ir_part_add(&rq, m, IR_TOOL_CALL, 0)->id = STR("q");
	}
	loss_init(&loss, &arena);
	asked = 0;
	items = NULL;
	(void)vault_restore(&rq, &dialect_gemini, &loss, NULL, find_cb, NULL);
	ok(asked == VAULT_LOOKUPS, "look-ups are bounded: %u", asked);
}

static void
test_shown(void)
{
	struct vault_item	 it = { STR("call:call_0123456789abcdef"), STR("{\"e\":[],\"b\":"
				    "[{\"t\":\"\",\"s\":\"S\",\"r\":\"\","
				    "\"i\":\"\"}],\"s\":\"\"}"), NULL };
	struct ir_request	 rq;
	struct ir_message	*m = turn(&rq, NULL, NULL, NULL);
	struct loss		 loss;

	items = &it;
	ir_part_add(&rq, m, IR_THINKING, 0)->from = &dialect_anthropic;
	ir_part_add(&rq, m, IR_TOOL_CALL, 0)->id =
	    STR("call_0123456789abcdef");
	loss_init(&loss, &arena);
	(void)vault_restore(&rq, &dialect_gemini, &loss, NULL, find_cb, NULL);
	ok(strcmp(shape(m), "T(S) call") == 0,
	    "what the client was shown makes room: %s", shape(m));
	it.value = STR("{\"b\":");
	m = turn(&rq, NULL, "call_0123456789abcdef", NULL);
	ok(vault_restore(&rq, &dialect_gemini, &loss, NULL, find_cb, NULL) == 0 &&
	    strcmp(shape(m), "call") == 0, "a damaged value is none");
}

int
main(void)
{
	arena_init(&arena);
	test_order();
	test_said_again();
	test_bounds();
	test_shown();
	arena_release(&arena);
	return done();
}
