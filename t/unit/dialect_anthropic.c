/*
 * The Anthropic Messages dialect: one case a rule.  Requests come in as OpenAI
 * or Gemini clients send them, answers as the provider writes them.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#include "jsoneq.h"
#include "tap.h"

#define OUT_MAX	((size_t)1 << 20)

#define AN	(&dialect_anthropic)
#define OC	(&dialect_openai_chat)
#define OR	(&dialect_openai_responses)
#define GE	(&dialect_gemini)

static struct arena	 arena;
static struct buf	 out;
static struct loss	 loss;
static struct ir_error	 err;

/* --- helpers -------------------------------------------------------------- */

static bool
contains(struct str s, const char *piece)
{
	if (memmem(s.p, s.n, piece, strlen(piece)) != NULL)
		return true;
	printf("#   no %s\n#   in %.*s\n", piece, STR_FMT(s));
	return false;
}

static bool
has(const char *piece)
{
	return contains(buf_str(&out), piece);
}

static bool
hasnt(const char *piece)
{
	struct str	 s = buf_str(&out);

	if (memmem(s.p, s.n, piece, strlen(piece)) == NULL)
		return true;
	printf("#   %s\n#   in %.*s\n", piece, STR_FMT(s));
	return false;
}

/* "dropped seed": action and path of a line of the report. */
static bool
lost(const char *what)
{
	struct buf	 b;
	bool		 found;

	buf_init(&b, OUT_MAX);
	loss_header(&loss, &b);
	found = contains(buf_str(&b), what);
	buf_release(&b);
	return found;
}

static bool
nothing_lost(void)
{
	struct buf	 b;

	if (loss.n == 0)
		return true;
	buf_init(&b, OUT_MAX);
	loss_json(&loss, &b);
	printf("#   lost: %.*s\n", STR_FMT(buf_str(&b)));
	buf_release(&b);
	return false;
}

static bool
same(struct str got, const char *want)
{
	struct json		 j, k;
	struct json_error	 je;
	uint32_t		 node = 0;
	bool			 res = false;

	json_init(&j);
	json_init(&k);
	if (json_parse(&j, got, &je) == 0 &&
	    json_parse(&k, str_of(want), &je) == 0)
		res = json_same(&arena, json_root(&j), json_root(&k), &node);
	if (!res)
		printf("#   got  %.*s\n#   want %s\n", STR_FMT(got), want);
	json_release(&j);
	json_release(&k);
	return res;
}

static void
fresh(void)
{
	buf_clear(&out);
	loss_init(&loss, &arena);
	memset(&err, 0, sizeof(err));
}

/* A request of that dialect for that model of Anthropic's. */
static int
to_model(const struct dialect *from, const char *model, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = AN };
	struct buf		 path;
	int			 r;

	fresh();
	o.model = str_of(model);
	buf_init(&path, OUT_MAX);
	r = convert_request(&arena, &o, str_of(body), &path, &out, &loss, &err);
	if (r == 0 && !str_is(buf_str(&path), "/v1/messages"))
		r = -2;
	buf_release(&path);
	if (r == -1)
		printf("#   %s\n", err.msg);
	return r;
}

static int
request(const struct dialect *from, const char *body)
{
	return to_model(from, "claude-sonnet-4-5", body);
}

static int
lenient(const struct dialect *to, const char *body)
{
	struct convert_opts	 o = { .from = AN, .to = to, .lenient = true };
	struct buf		 path;
	int			 r;

	fresh();
	buf_init(&path, OUT_MAX);
	r = convert_request(&arena, &o, str_of(body), &path, &out, &loss, &err);
	buf_release(&path);
	return r;
}

/* An OpenAI chat request with these messages and further members. */
static int
chat(const char *model, const char *messages, const char *more)
{
	struct str	 s = arena_strf(&arena,
			    "{\"model\":\"m\",\"messages\":[%s]%s%s}",
			    messages, more[0] == '\0' ? "" : ",", more);

	return to_model(OC, model, s.p);
}

#define HI	"{\"role\":\"user\",\"content\":\"hi\"}"
#define S45	"claude-sonnet-4-5"

struct decoded {
	struct json		 j;
	struct ir_request	 rq;
	int			 r;
};

static void
decode(struct decoded *d, const char *body, bool is_lenient)
{
	struct json_error	 bad;

	fresh();
	json_init(&d->j);
	if (json_parse(&d->j, str_of(body), &bad) == -1)
		fatalx("test body: %s at %zu in %s", bad.what, bad.offset, body);
	ir_request_init(&d->rq, &arena, AN, &d->j);
	d->rq.lenient = is_lenient;
	d->r = AN->request_decode(&d->rq, &err);
}

static bool
refused(const char *body, const char *param)
{
	struct decoded	 d;
	bool		 res;

	decode(&d, body, false);
	res = d.r == -1 && err.status == 400 && strcmp(err.param, param) == 0;
	if (!res)
		printf("#   %d '%s' %s\n", d.r, err.param, err.msg);
	json_release(&d.j);
	return res;
}

/* --- requests of this dialect --------------------------------------------- */

static const char	 full[] = "{\"model\":\"claude-sonnet-4-5\","
    "\"max_tokens\":1000,\"system\":["
    "{\"type\":\"text\",\"text\":\"x-anthropic-billing-header: a=1\"},"
    "{\"type\":\"text\",\"text\":\"Be brief.\","
    "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],"
    "\"messages\":["
    "{\"role\":\"user\",\"content\":["
    "{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"type\":\"x\"}],"
    "\"cache_control\":{\"type\":\"ephemeral\"}},"
    "{\"type\":\"image\",\"source\":{\"type\":\"base64\","
    "\"media_type\":\"image/png\",\"data\":\"iVBO\"}},"
    "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://e/x\"}},"
    "{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"f1\"}},"
    "{\"type\":\"document\",\"source\":{\"type\":\"text\","
    "\"media_type\":\"text/plain\",\"data\":\"words\"},\"title\":\"T\","
    "\"context\":\"C\",\"citations\":{\"enabled\":true}},"
    "{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":["
    "{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"}]}},"
    "{\"type\":\"search_result\",\"source\":\"s\",\"title\":\"t\","
    "\"content\":[{\"type\":\"text\",\"text\":\"found\"}]},"
    "{\"type\":\"container_upload\",\"file_id\":\"f2\"}]},"
    "{\"role\":\"system\",\"content\":[],\"output_config\":{\"effort\":\"low\"}},"
    "{\"role\":\"assistant\",\"content\":["
    "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"sig\"},"
    "{\"type\":\"redacted_thinking\",\"data\":\"red\"},"
    "{\"type\":\"server_tool_use\",\"id\":\"s1\",\"name\":\"web_search\","
    "\"input\":{\"q\":1}},"
    "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s1\",\"content\":[]},"
    "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{\"x\":1.0}},"
    "{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"g\",\"input\":{}}]},"
    "{\"role\":\"user\",\"content\":["
    "{\"type\":\"tool_result\",\"tool_use_id\":\"c2\"},"
    "{\"type\":\"text\",\"text\":\"and\"},"
    "{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"is_error\":true,"
    "\"content\":[{\"type\":\"text\",\"text\":\"bad\"},"
    "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://e/y\"}},"
    "{\"type\":\"tool_reference\",\"tool_name\":\"g\"}]}]}],"
    "\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"},"
    "\"defer_loading\":true},{\"type\":\"custom\",\"name\":\"g\","
    "\"description\":\"d\",\"strict\":true,\"input_schema\":{\"type\":\"object\"},"
    "\"cache_control\":{\"type\":\"ephemeral\"}},"
    "{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}],"
    "\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\","
    "\"disable_parallel_tool_use\":true},"
    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024,"
    "\"display\":\"summarized\"},\"output_config\":{\"effort\":\"high\","
    "\"task_budget\":{\"total\":1},\"format\":{\"type\":\"json_schema\","
    "\"schema\":{\"type\":\"object\"}}},"
    "\"temperature\":1.0,\"top_p\":0.95,\"top_k\":5,"
    "\"stop_sequences\":[\"END\"],\"metadata\":{\"user_id\":\"u\",\"k\":1},"
    "\"service_tier\":\"auto\",\"stream\":true,"
    "\"context_management\":{\"edits\":[]},\"container\":\"c\","
    "\"mcp_servers\":[],\"speed\":\"fast\",\"inference_geo\":\"eu\","
    "\"thread\":{\"type\":\"create\"}}";

static void
test_same(void)
{
	ok(to_model(AN, "", full) == 0, "same dialect: encodes");
	ok(same(buf_str(&out), full), "same dialect: nothing changes");
	ok(nothing_lost(), "same dialect: nothing is lost");
	ok(to_model(AN, "claude-opus-5", full) == 0 &&
	    has("\"model\":\"claude-opus-5\""), "same dialect: another model");
}

static const struct ir_part *
nth(const struct ir_message *m, unsigned n)
{
	const struct ir_part	*p = m->parts;

	while (n-- > 0 && p != NULL)
		p = p->next;
	return p;
}

static bool
jstr_is(struct jstr s, const char *z)
{
	return str_is((struct str){ s.p, s.n }, z);
}

static void
test_decode_user(const struct ir_message *m)
{
	ok(m->role == IR_USER && nth(m, 0)->cache == IR_CACHE_5M &&
	    contains(nth(m, 0)->extra, "citations"), "text: cache, citations");
	ok(nth(m, 1)->type == IR_IMAGE &&
	    str_is(nth(m, 1)->media.type, "image/png") &&
	    str_is(nth(m, 1)->media.data, "iVBO"), "image: base64");
	ok(jstr_is(nth(m, 2)->media.url, "https://e/x"), "image: url");
	ok(jstr_is(nth(m, 3)->media.file_id, "f1"), "image: file");
	ok(nth(m, 4)->type == IR_DOCUMENT &&
	    jstr_is(nth(m, 4)->media.text, "words") &&
	    jstr_is(nth(m, 4)->media.title, "T") &&
	    jstr_is(nth(m, 4)->media.context, "C") &&
	    contains(nth(m, 4)->extra, "citations"),
	    "document: text, title, context, citations");
	ok(jstr_is(nth(m, 5)->media.text, "one\\n\\ntwo"), "document: content");
	ok(nth(m, 6)->type == IR_DOCUMENT &&
	    jstr_is(nth(m, 6)->media.text, "found"), "search_result: a document");
	ok(nth(m, 7)->type == IR_OPAQUE && nth(m, 7)->from == AN &&
	    str_starts(nth(m, 7)->raw, "{\"type\":\"container_upload\""),
	    "unknown block: opaque");
}

static void
test_decode_turns(const struct ir_message *m)
{
	const struct ir_part	*p;

	ok(m->role == IR_SYSTEM && m->parts == NULL,
	    "system message without content");
	m = m->next;
	ok(nth(m, 0)->type == IR_THINKING && nth(m, 0)->text.n == 0 &&
	    jstr_is(nth(m, 0)->signature, "sig") && nth(m, 0)->from == AN,
	    "thinking: empty text with a signature (pitfall 18)");
	ok(jstr_is(nth(m, 1)->redacted, "red"), "redacted_thinking");
	ok(nth(m, 2)->type == IR_OPAQUE && nth(m, 3)->type == IR_OPAQUE,
	    "server tools: opaque");
	ok(nth(m, 4)->type == IR_TOOL_CALL && str_is(nth(m, 4)->id, "c1") &&
	    str_is(nth(m, 4)->args.json, "{\"x\":1.0}"), "tool_use");
	m = m->next;
	ok(m->role == IR_TOOL && nth(m, 0)->parts == NULL &&
	    str_is(nth(m, 0)->id, "c2") && str_is(nth(m, 0)->name, "g"),
	    "tool_result without content");
	p = nth(m, 1);
	ok(p->is_error && str_is(p->name, "f") &&
	    p->parts->type == IR_TEXT && p->parts->next->type == IR_IMAGE &&
	    p->parts->next->next->type == IR_TEXT &&
	    p->parts->next->next->extra.n > 0,
	    "tool_result: error, text, image, tool_reference");
	ok(m->next->role == IR_USER && nth(m->next, 0)->type == IR_TEXT &&
	    m->next->node == m->node, "text beside results: a message behind");
}

static void
test_decode_rest(const struct ir_request *rq)
{
	const struct ir_tool	*t = rq->tools;
	const struct ir_ext	*e;
	unsigned		 n = 0;

	ok(t->kind == IR_FUNCTION && t->next->strict == IR_YES &&
	    t->next->cache == IR_CACHE_5M &&
	    t->next->next->kind == IR_SERVER &&
	    str_is(t->next->next->server_type, "web_search_20250305"), "tools");
	ok(rq->choice.mode == IR_CHOICE_NAMED && str_is(rq->choice.name, "g") &&
	    rq->parallel == IR_NO, "tool_choice");
	ok(rq->reasoning.mode == IR_REASON_ON && rq->reasoning.budget == 1024 &&
	    rq->reasoning.visible == IR_YES, "thinking");
	ok(str_is(rq->reasoning.effort, "low"),
	    "the last message's effort holds");
	ok(rq->format.kind == IR_FORMAT_SCHEMA &&
	    str_is(rq->format.schema, "{\"type\":\"object\"}"), "output format");
	ok(str_is(rq->sampling.temperature.raw, "1.0") &&
	    rq->sampling.max_tokens == 1000, "numbers stay as written");
	ok(jstr_is(rq->user, "u") && str_is(rq->metadata, "{\"k\":1}"),
	    "metadata");
	for (e = rq->ext; e != NULL; e = e->next)
		n++;
	ok(n == 7, "what is not known is kept: %u", n);
	ok(rq->need & IR_NEED_STATE && rq->need & IR_NEED_CACHE &&
	    rq->need & IR_NEED_SERVER_TOOL && rq->native, "need");
}

static void
test_decode(void)
{
	const struct ir_message	*m;
	struct decoded		 d;

	decode(&d, full, false);
	ok(d.r == 0, "decode: %s", err.msg);
	m = d.rq.messages;
	ok(m->role == IR_SYSTEM && nth(m, 0)->type == IR_OPAQUE &&
	    nth(m, 1)->cache == IR_CACHE_1H,
	    "system: billing header is nobody else's, cache for an hour");
	test_decode_user(m->next);
	test_decode_turns(m->next->next);
	test_decode_rest(&d.rq);
	json_release(&d.j);

	decode(&d, "{\"model\":\"m\",\"max_tokens\":1,\"system\":\"s\","
	    "\"messages\":[{\"role\":\"user\",\"content\":\"\"}],"
	    "\"output_format\":{\"type\":\"json_schema\",\"schema\":{}},"
	    "\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"}}",
	    false);
	ok(d.r == 0 && d.rq.format.kind == IR_FORMAT_SCHEMA &&
	    d.rq.reasoning.mode == IR_REASON_ADAPTIVE &&
	    d.rq.reasoning.visible == IR_NO, "older output_format, adaptive");
	json_release(&d.j);
}

static void
test_refused(void)
{
	ok(refused("[1]", ""), "refused: no object");
	ok(refused("{\"max_tokens\":1,\"messages\":[]}", "model"), "no model");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1}", "messages"),
	    "no messages");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":[]}",
	    "messages"), "empty messages");
	ok(refused("{\"model\":\"m\",\"messages\":[" HI "]}", "max_tokens"),
	    "no max_tokens");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1.5,\"messages\":[" HI "]}",
	    "max_tokens"), "a broken max_tokens");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":["
	    "{\"role\":\"tool\",\"content\":\"x\"}]}", "messages[0].role"),
	    "an unknown role");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":["
	    "{\"role\":\"user\"}]}", "messages[0].content"), "no content");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":["
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]}",
	    "messages[0].content[0].text"), "a text that is none");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":[" HI "],"
	    "\"tools\":[{\"name\":\"f\",\"input_schema\":\"x\"}]}",
	    "tools[0].input_schema"), "a schema that is none");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":[" HI "],"
	    "\"stop_sequences\":[1]}", "stop_sequences[0]"), "a broken stop");
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":[" HI "],"
	    "\"stream\":\"yes\"}", "stream"), "a broken stream");
}

static void
test_lenient(void)
{
	struct decoded	 d;

	decode(&d, "{\"model\":\"claude-3-opus-20240229\",\"messages\":[" HI "]}",
	    true);
	ok(d.r == 0 && !d.rq.native, "lenient: no max_tokens, not native");
	json_release(&d.j);
	decode(&d, "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[" HI "]}",
	    true);
	ok(d.r == 0 && d.rq.native, "lenient: whole, native");
	json_release(&d.j);
	ok(lenient(AN, "{\"model\":\"claude-3-opus-20240229\",\"messages\":["
	    HI "]}") == 0 && same(buf_str(&out),
	    "{\"model\":\"claude-3-opus-20240229\",\"max_tokens\":4096,"
	    "\"messages\":[" HI "]}"), "lenient: max_tokens is filled in");
	ok(lenient(AN, "{\"model\":\"claude-3-5-haiku-x\",\"messages\":["
	    "{\"role\":\"system\",\"content\":\"s\"}," HI "]}") == 0 &&
	    same(buf_str(&out), "{\"model\":\"claude-3-5-haiku-x\","
	    "\"max_tokens\":8192,\"system\":\"s\",\"messages\":[" HI "]}"),
	    "lenient: a system message goes to its place");
}

/* --- turns from other dialects -------------------------------------------- */

#define CALL(id, name)	"{\"id\":\"" id "\",\"type\":\"function\"," \
    "\"function\":{\"name\":\"" name "\",\"arguments\":\"{\\\"a\\\":1}\"}}"
#define CALLS(c)	"{\"role\":\"assistant\",\"content\":null," \
    "\"tool_calls\":[" c "]}"
#define RESULT(id, t)	"{\"role\":\"tool\",\"tool_call_id\":\"" id "\"," \
    "\"content\":\"" t "\"}"

static void
test_turns(void)
{
	ok(chat(S45, "{\"role\":\"system\",\"content\":\"s\"},"
	    "{\"role\":\"developer\",\"content\":\"d\"}," HI, "") == 0 &&
	    has("\"system\":[{\"type\":\"text\",\"text\":\"s\"},"
	    "{\"type\":\"text\",\"text\":\"d\"}]") && nothing_lost(),
	    "system and developer go in front");
	ok(chat(S45, HI "," HI, "") == 0 && has("\"messages\":[{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
	    "{\"type\":\"text\",\"text\":\"hi\"}]}]"), "turns are merged");
	ok(chat(S45, HI ",{\"role\":\"system\",\"content\":\"s\"}", "") == 0 &&
	    has("\"text\":\"s\"") && hasnt("\"system\"") &&
	    lost("approximated messages[1]"),
	    "a system message in the middle is the user's");
	ok(chat(S45, "{\"role\":\"assistant\",\"content\":\"a\"}," HI, "") == 0 &&
	    has("\"messages\":[{\"role\":\"user\",\"content\":\".\"}") &&
	    lost("approximated messages[0]"), "the first turn is the user's");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"content\":\"\"},"
	    "{\"role\":\"user\",\"content\":\" \\n\"}", "") == 0 &&
	    has("\"messages\":[" HI "]"), "no empty texts (pitfall 36)");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"content\":\"So \\n\\t\"}",
	    "") == 0 && has("\"text\":\"So\"") &&
	    lost("approximated messages[1]"), "no space behind a prefill");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"content\":\"a\\\\n\"}",
	    "") == 0 && has("\"content\":\"a\\\\n\""),
	    "a backslash and an n are no space");
	ok(chat(S45, "{\"role\":\"system\",\"content\":\"only\"}", "") == 0 &&
	    has("\"messages\":[{\"role\":\"user\",\"content\":\"only\"}]") &&
	    hasnt("\"system\""), "instructions alone are the question");
	ok(chat(S45, "{\"role\":\"user\",\"content\":\"\"}", "") == -1 &&
	    err.status == 400, "no content at all is refused");
	ok(chat(S45, "{\"role\":\"user\",\"name\":\"bob\",\"content\":\"x\"}",
	    "") == 0 && lost("dropped messages[0]"), "names are reported");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"refusal\":\"no\","
	    "\"content\":null}," HI, "") == 0 && has("\"text\":\"no\""),
	    "a refusal is text");
}

static void
test_results(void)
{
	ok(chat(S45, HI "," CALLS(CALL("call_1", "f") "," CALL("call_2", "g"))
	    "," RESULT("call_2", "two") "," RESULT("call_1", "one") "," HI,
	    "") == 0 &&
	    has("{\"role\":\"user\",\"content\":["
	    "{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\","
	    "\"content\":\"one\"},"
	    "{\"type\":\"tool_result\",\"tool_use_id\":\"call_2\","
	    "\"content\":\"two\"},{\"type\":\"text\",\"text\":\"hi\"}]}") &&
	    nothing_lost(), "results first, in order of the calls (pitfall 28)");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")) "," HI, "") == 0 &&
	    has("\"tool_use_id\":\"c\",\"content\":\"This call was given no "
	    "result.\",\"is_error\":true") && lost("approximated messages[1]"),
	    "a missing result is made up");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")), "") == 0 &&
	    has("\"is_error\":true"), "also at the end");
	ok(chat(S45, HI "," RESULT("zz", "x") ",{\"role\":\"assistant\","
	    "\"content\":\"a\"}," RESULT("yy", "x") ",{\"role\":\"assistant\","
	    "\"content\":\"b\"}," HI, "") == 0 && hasnt("tool_result") &&
	    has("[{\"type\":\"text\",\"text\":\"a\"},"
	    "{\"type\":\"text\",\"text\":\"b\"}]") &&
	    lost("dropped messages[1]") && lost("dropped messages[3]"),
	    "orphans are dropped, and the turns around them merged");
	ok(chat(S45, RESULT("zz", "x") "," HI, "") == 0 &&
	    has("\"messages\":[" HI "]"), "an orphan in front");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")) "," RESULT("c", "1") ","
	    CALLS(CALL("c", "f")) "," RESULT("c", "2"), "") == 0 &&
	    has("\"tool_use_id\":\"c\",\"content\":\"1\"") &&
	    hasnt("\"tool_use_id\":\"c\",\"content\":\"2\"") &&
	    has("\"content\":\"2\""), "ids that repeat become unique");
	ok(chat(S45, HI "," CALLS("{\"id\":\"c\",\"type\":\"function\","
	    "\"function\":{\"name\":\"f\",\"arguments\":\"oops\"}}") ","
	    RESULT("c", ""), "") == 0 &&
	    has("\"input\":{\"input\":\"oops\"}") &&
	    has("\"tool_use_id\":\"c\"}") && lost("approximated messages[1]"),
	    "broken arguments, an empty result");
}

static void
test_ids(void)
{
	struct str	 first;

	ok(chat(S45, HI "," CALLS(CALL("call:x.y/1", "a.b")) ","
	    RESULT("call:x.y/1", "r"), "\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"a.b\"}}]") == 0 &&
	    hasnt("call:x.y/1") && has("\"id\":\"toolu_") && hasnt("\"a.b\""),
	    "ids and names are fitted (pitfall 29)");
	first = arena_str(&arena, buf_str(&out));
	ok(chat(S45, HI "," CALLS(CALL("call:x.y/1", "a.b")) ","
	    RESULT("call:x.y/1", "r"), "\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"a.b\"}}]") == 0 &&
	    str_eq(first, buf_str(&out)), "equal requests, equal bytes "
	    "(pitfall 39)");
	ok(request(GE, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"q\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
	    "\"f\",\"args\":{\"n\":1}}},{\"functionCall\":{\"name\":\"f\","
	    "\"args\":{\"n\":2}}}]},{\"role\":\"user\",\"parts\":["
	    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"r\":1}}},"
	    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"r\":2}}}]}]}")
	    == 0 && hasnt("\"id\":\"\"") && hasnt("is_error"),
	    "calls without ids get some, results find them");
}

static void
test_media(void)
{
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0K\"}},"
	    "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://e/x\","
	    "\"detail\":\"low\"}}]}", "") == 0 &&
	    has("{\"type\":\"image\",\"source\":{\"type\":\"base64\","
	    "\"media_type\":\"image/png\",\"data\":\"iVBORw0K\"}}") &&
	    has("{\"type\":\"image\",\"source\":{\"type\":\"url\","
	    "\"url\":\"https://e/x\"}}") &&
	    lost("dropped messages[0].content[1]"), "images");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"data:application/pdf;base64,JVBERi0=\"}}]}",
	    "") == 0 && has("{\"type\":\"document\",\"source\":{\"type\":"
	    "\"base64\",\"media_type\":\"application/pdf\""),
	    "a PDF in an image is a document (pitfall 33)");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"file\","
	    "\"file\":{\"filename\":\"a.txt\",\"file_data\":"
	    "\"data:text/plain;base64,aGkh\"}}]}", "") == 0 &&
	    has("{\"type\":\"text\",\"media_type\":\"text/plain\","
	    "\"data\":\"hi!\"},\"title\":\"a.txt\""), "a text file is text");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"file\","
	    "\"file\":{\"file_id\":\"file-1\"}}]}," HI, "") == 0 &&
	    loss.refused == 1 && lost("refused messages[0].content[0]"),
	    "another provider's file is refused");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\","
	    "\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}]}," HI,
	    "") == 0 && lost("refused messages[0].content[0]"),
	    "audio is refused");
	ok(request(OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":["
	    "{\"type\":\"input_text\",\"text\":\"see\"},{\"type\":\"input_image\","
	    "\"image_url\":\"https://e/x\"}]}]}") == 0 &&
	    has("\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
	    "{\"type\":\"image\",\"source\":{\"type\":\"url\""),
	    "an image in a result (pitfall 33)");
	ok(request(GE, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"q\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
	    "\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":["
	    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"error\":\"E\"}}},"
	    "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBO\"}}]}]}")
	    == 0 && has("\"image/png\"") && hasnt("\"is_error\":true"),
	    "no image stands in a result that is an error");
	ok(request(OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":["
	    "{\"type\":\"weird\",\"x\":1}]}]}") == 0 &&
	    has("{\\\"type\\\":\\\"weird\\\",\\\"x\\\":1}") &&
	    lost("approximated input[2].output[0]"),
	    "what a result holds that is not known is text");
}

static void
test_thoughts(void)
{
	ok(request(OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"reasoning\",\"id\":\"rs_1\","
	    "\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"}],"
	    "\"encrypted_content\":\"zz\"},{\"role\":\"assistant\",\"content\":"
	    "[{\"type\":\"output_text\",\"text\":\"a\"}]},"
	    "{\"role\":\"user\",\"content\":\"b\"}]}") == 0 &&
	    hasnt("thinking") && lost("dropped input[1]"),
	    "another provider's thoughts are dropped (pitfall 20)");
}

/* --- parameters ----------------------------------------------------------- */

static void
test_max_tokens(void)
{
	ok(chat("claude-3-opus-20240229", HI, "") == 0 &&
	    has("\"max_tokens\":4096"), "claude-3: 4096");
	ok(chat("claude-3-7-sonnet-20250219", HI, "") == 0 &&
	    has("\"max_tokens\":8192"), "claude-3-7: 8192");
	ok(chat("claude-opus-5", HI, "") == 0 && has("\"max_tokens\":32000"),
	    "newer: 32000");
	ok(chat(S45, HI, "\"max_completion_tokens\":7") == 0 &&
	    has("\"max_tokens\":7"), "as given");
}

static void
test_sampling(void)
{
	ok(chat("claude-3-haiku-20240307", HI, "\"temperature\":1.7,"
	    "\"top_p\":0.5") == 0 && has("\"temperature\":1,") &&
	    has("\"top_p\":0.5") && lost("approximated temperature"),
	    "temperature is at most 1");
	ok(chat(S45, HI, "\"temperature\":0.70,\"top_p\":0.5") == 0 &&
	    has("\"temperature\":0.70") && hasnt("top_p") &&
	    lost("dropped top_p"), "4.5: temperature or top_p");
	ok(chat("claude-opus-5", HI, "\"temperature\":0.7") == 0 &&
	    hasnt("temperature") && lost("dropped temperature"),
	    "newest: no temperature (pitfall 37)");
	ok(chat(S45, HI, "\"stop\":[\"END\",\"\\n\"]") == 0 &&
	    has("\"stop_sequences\":[\"END\"]") && lost("dropped stop[1]"),
	    "a stop of space is dropped");
	ok(chat(S45, HI, "\"n\":2,\"seed\":1,\"presence_penalty\":1,"
	    "\"frequency_penalty\":0,\"logprobs\":true") == 0 &&
	    lost("dropped n") && lost("dropped seed") &&
	    lost("dropped presence_penalty") && lost("dropped logprobs") &&
	    loss.n == 4, "what there is not is reported");
	ok(request(GE, "{\"contents\":[{\"parts\":[{\"text\":\"q\"}]}],"
	    "\"generationConfig\":{\"topK\":40}}") == 0 && has("\"top_k\":40"),
	    "top_k");
	ok(chat(S45, HI, "\"user\":\"u1\",\"service_tier\":\"default\"") == 0 &&
	    has("\"metadata\":{\"user_id\":\"u1\"}") &&
	    has("\"service_tier\":\"standard_only\""), "user, service tier");
	ok(chat(S45, HI, "\"store\":false,\"stream_options\":{}") == 0 &&
	    nothing_lost(), "harmless members go in silence");
	ok(request(OR, "{\"model\":\"m\",\"input\":[{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"}],"
	    "\"previous_response_id\":\"resp_1\"}") == -1 &&
	    strcmp(err.param, "previous_response_id") == 0,
	    "and named where nothing else is left");
	ok(request(OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"tool_search_output\","
	    "\"call_id\":\"c\",\"tools\":[]}]}") == 0 && loss.refused == 0 &&
	    lost("dropped input[1]"), "what a provider's tool did is dropped");
	ok(request(OR, "{\"model\":\"m\",\"input\":\"q\","
	    "\"previous_response_id\":\"resp_1\"}") == 0 && loss.refused == 1,
	    "state that lies elsewhere is refused");
}

static void
test_budget(void)
{
	ok(chat("claude-sonnet-4-20250514", HI, "\"reasoning_effort\":\"high\"")
	    == 0 && has("\"thinking\":{\"type\":\"enabled\","
	    "\"budget_tokens\":16384}") && has("\"max_tokens\":32000") &&
	    lost("approximated reasoning_effort"), "effort as a budget");
	ok(chat("claude-3-7-sonnet-latest", HI, "\"reasoning_effort\":\"high\"")
	    == 0 && has("\"budget_tokens\":16384") &&
	    has("\"max_tokens\":20480"), "max_tokens is raised (pitfall 25)");
	ok(chat("claude-opus-4-1", HI, "\"reasoning_effort\":\"max\"") == 0 &&
	    has("\"budget_tokens\":27904") && has("\"max_tokens\":32000"),
	    "no higher than the model's");
	ok(chat(S45, HI, "\"reasoning_effort\":\"high\",\"max_tokens\":4000")
	    == 0 && has("\"budget_tokens\":3200") &&
	    has("\"max_tokens\":4000"), "below the client's max_tokens");
	ok(chat(S45, HI, "\"reasoning_effort\":\"low\",\"max_tokens\":1000")
	    == 0 && hasnt("thinking") && lost("dropped reasoning_effort"),
	    "no room to think");
	ok(chat("claude-3-opus-20240229", HI, "\"reasoning_effort\":\"low\"")
	    == 0 && hasnt("thinking") && lost("dropped reasoning_effort"),
	    "a model that does not think");
	ok(chat(S45, HI, "\"reasoning_effort\":\"none\"") == 0 &&
	    has("\"thinking\":{\"type\":\"disabled\"}"), "none");
	ok(chat(S45, HI, "\"reasoning_effort\":\"low\",\"temperature\":0.5")
	    == 0 && hasnt("temperature") && lost("dropped temperature"),
	    "thinking takes no temperature");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")) "," RESULT("c", "r"),
	    "\"reasoning_effort\":\"low\"") == 0 && hasnt("thinking") &&
	    lost("dropped reasoning_effort"),
	    "thinking does not begin between call and result");
}

static void
test_adaptive(void)
{
	ok(chat("claude-opus-5", HI, "\"reasoning_effort\":\"xhigh\"") == 0 &&
	    has("\"thinking\":{\"type\":\"adaptive\"}") &&
	    has("\"output_config\":{\"effort\":\"xhigh\"}") && nothing_lost(),
	    "effort goes as it is (pitfall 24)");
	ok(chat("claude-fable-5-1", HI, "\"reasoning_effort\":\"stellar\"") == 0
	    && has("\"effort\":\"stellar\""), "one that we do not know, too");
	ok(chat("claude-opus-5", HI, "\"reasoning_effort\":\"minimal\"") == 0 &&
	    has("\"effort\":\"low\"") && lost("approximated reasoning_effort"),
	    "minimal is low");
	ok(chat("claude-opus-4-6", HI, "\"reasoning_effort\":\"xhigh\"") == 0 &&
	    has("\"effort\":\"high\"") && lost("approximated reasoning_effort"),
	    "4.6 has no xhigh");
	ok(to_model(GE, "claude-sonnet-5", "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"q\"}]}],\"generationConfig\":{\"thinkingConfig\":"
	    "{\"thinkingBudget\":8000,\"includeThoughts\":true}}}") == 0 &&
	    has("\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}")
	    && has("\"effort\":\"medium\""), "a budget as effort; display");
	ok(chat("anthropic/claude-sonnet-4.5", HI,
	    "\"reasoning_effort\":\"low\"") == 0 && has("\"enabled\""),
	    "names of other platforms");
}

#define TOOL(name, more)	"{\"type\":\"function\",\"function\":" \
    "{\"name\":\"" name "\"" more "}}"

static void
test_tools(void)
{
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", ",\"description\":\"d\","
	    "\"parameters\":{\"properties\":{}}") "," TOOL("g", "") "]") == 0 &&
	    has("{\"name\":\"f\",\"description\":\"d\",\"input_schema\":"
	    "{\"type\":\"object\",\"properties\":{}}}") &&
	    has("{\"name\":\"g\",\"input_schema\":{\"type\":\"object\","
	    "\"properties\":{}}}"), "a schema says that it is an object");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", ",\"strict\":true,"
	    "\"parameters\":{\"type\":\"object\",\"properties\":{\"minimum\":"
	    "{\"type\":\"integer\",\"minimum\":1}}}") "]") == 0 &&
	    has("\"properties\":{\"minimum\":{\"type\":\"integer\"}},"
	    "\"additionalProperties\":false},\"strict\":true") &&
	    lost("dropped tools[0]"), "a strict tool's schema is lowered");
	ok(chat("claude-3-haiku-20240307", HI, "\"tools\":[" TOOL("f",
	    ",\"strict\":true") "]") == 0 && hasnt("strict"),
	    "older models have no strict tools");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "\"required\",\"parallel_tool_calls\":false") == 0 &&
	    has("\"tool_choice\":{\"type\":\"any\","
	    "\"disable_parallel_tool_use\":true}"), "required is any "
	    "(pitfall 31)");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}") == 0 &&
	    has("\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}"), "named");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "\"none\",\"parallel_tool_calls\":false") == 0 &&
	    has("\"tool_choice\":{\"type\":\"none\"}"), "none");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "\"required\",\"reasoning_effort\":\"low\"") == 0 &&
	    has("\"tool_choice\":{\"type\":\"auto\"}") &&
	    lost("approximated tool_choice"),
	    "not forced while thinking (pitfall 31)");
	ok(chat("claude-fable-5-1", HI, "\"tools\":[" TOOL("f", "") "],"
	    "\"tool_choice\":\"required\"") == 0 &&
	    has("\"tool_choice\":{\"type\":\"auto\"}"), "fable lets none force");
	ok(chat(S45, HI, "\"tools\":[],\"tool_choice\":\"none\"") == 0 &&
	    hasnt("tool_choice"), "no choice without tools");
	ok(request(OR, "{\"model\":\"m\",\"input\":\"q\",\"tools\":["
	    "{\"type\":\"custom\",\"name\":\"p\",\"description\":\"d\","
	    "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\","
	    "\"definition\":\"start: x\"}},{\"type\":\"web_search\"}]}") == 0 &&
	    has("\"description\":\"d\\n\\nThe input follows this grammar (lark):"
	    "\\nstart: x\",\"input_schema\":{\"type\":\"object\",\"properties\":"
	    "{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}") &&
	    lost("approximated tools[1]"), "custom tools are wrapped (pitfall 34)");
	ok(request(OR, "{\"model\":\"m\",\"input\":\"q\",\"tools\":["
	    "{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"function\","
	    "\"name\":\"g\"}],\"tool_choice\":{\"type\":\"allowed_tools\","
	    "\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
	    "\"name\":\"g\"}]}}") == 0 && hasnt("\"name\":\"f\"") &&
	    has("\"name\":\"g\"") && has("\"any\""), "allowed tools alone");
	ok(request(GE, "{\"contents\":[{\"parts\":[{\"text\":\"q\"}]}],"
	    "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
	    "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":"
	    "{\"type\":\"STRING\"}}}}]}]}") == 0 &&
	    has("\"type\":\"object\"") && has("\"type\":\"string\"") &&
	    hasnt("OBJECT"), "Gemini's schema");
}

static void
test_format(void)
{
	ok(chat(S45, HI, "\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\","
	    "\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{}}},"
	    "\"required\":[\"a\"]}}}") == 0 &&
	    has("\"output_config\":{\"format\":{\"type\":\"json_schema\","
	    "\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
	    "\"object\",\"properties\":{},\"additionalProperties\":false}},"
	    "\"required\":[\"a\"],\"additionalProperties\":false}}}") &&
	    hasnt("\"tools\""), "a schema, natively (pitfall 32)");
	ok(chat(S45, HI, "\"response_format\":{\"type\":\"json_object\"}") == 0
	    && hasnt("output_config") && lost("dropped response_format"),
	    "JSON without a schema is reported");
}

/* --- answers -------------------------------------------------------------- */

static int
record(void *arg, const struct ir_event *ev)
{
	static const char *const kinds[] = { "text", "image", "audio", "video",
	    "document", "call", "result", "think", "refusal", "opaque" };
	static const char	 deltas[] = "tagrdnl";
	struct buf		*b = arg;

	switch (ev->type) {
	case IR_EV_START:
		buf_addf(b, "S %.*s %.*s\n", STR_FMT(ev->id),
		    STR_FMT(ev->name));
		break;
	case IR_EV_PART_START:
		buf_addf(b, "(%u %s", ev->index, kinds[ev->part]);
		if (ev->part == IR_TOOL_CALL)
			buf_addf(b, " %.*s %.*s", STR_FMT(ev->id),
			    STR_FMT(ev->name));
		if (ev->part == IR_OPAQUE)
			buf_addf(b, " %.*s", STR_FMT(ev->raw));
		buf_addc(b, '\n');
		break;
	case IR_EV_DELTA:
		buf_addf(b, "%c %.*s%.*s\n", deltas[ev->delta],
		    STR_FMT(ev->raw), STR_FMT(ev->text));
		break;
	case IR_EV_PART_END:
		buf_addz(b, ")\n");
		break;
	case IR_EV_USAGE:
		buf_addf(b, "U %d %d %d %d %d %d\n", (int)ev->usage.input,
		    (int)ev->usage.cache_read, (int)ev->usage.cache_write_5m,
		    (int)ev->usage.cache_write_1h, (int)ev->usage.output,
		    (int)ev->usage.reasoning);
		break;
	case IR_EV_STOP:
		buf_addf(b, "stop %d %.*s %.*s\n", (int)ev->stop,
		    STR_FMT(ev->stop_raw), STR_FMT(ev->stop_seq));
		break;
	case IR_EV_END:
		buf_addz(b, "E\n");
		break;
	case IR_EV_ERROR:
		buf_addf(b, "error %d %s: %s\n", ev->error->status,
		    ev->error->type, ev->error->msg);
		break;
	case IR_EV_PING:
		buf_addz(b, "ping\n");
		break;
	}
	return 0;
}

static struct ir_exchange
exchange(const struct dialect *provider)
{
	return (struct ir_exchange){ .arena = &arena, .loss = &loss,
	    .id = STR("x1"), .created = 5, .stream = true,
	    .framing = FRAME_SSE, .target = { .dialect = provider,
	    .model = STR("asked"), .stream = true, .framing = FRAME_SSE } };
}

/* The events of a stream whose frames stand one a line. */
static void
stream(const char *frames)
{
	struct ir_exchange	 x = exchange(AN);
	struct str		 rest = str_of(frames);
	struct frame		 f = { STR_NONE, STR_NONE };
	struct ir_decoder	 d;

	fresh();
	ir_decoder_init(&d, AN, &x, (struct ir_sink){ record, &out });
	while (rest.n > 0) {
		f.data = str_cut(&rest, '\n');
		if (ir_decoder_frame(&d, &f) == -1)
			fatalx("the recorder stopped");
	}
	if (ir_decoder_end(&d) == -1)
		fatalx("the recorder stopped");
	ir_decoder_release(&d);
}

static void
body(const char *text)
{
	struct ir_exchange	 x = exchange(AN);
	struct ir_decoder	 d;

	fresh();
	ir_decoder_init(&d, AN, &x, (struct ir_sink){ record, &out });
	if (ir_decoder_body(&d, str_of(text)) == -1)
		fatalx("the recorder stopped");
	ir_decoder_release(&d);
}

static bool
events(const char *want)
{
	if (str_is(buf_str(&out), want))
		return true;
	printf("# got\n%.*s# want\n%s", STR_FMT(buf_str(&out)), want);
	return false;
}

#define START	"{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\"," \
    "\"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":10," \
    "\"cache_read_input_tokens\":3,\"cache_creation_input_tokens\":7," \
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":5," \
    "\"ephemeral_1h_input_tokens\":2},\"output_tokens\":1}}}\n"
#define BLOCK(b)	"{\"type\":\"content_block_start\",\"index\":0," \
    "\"content_block\":" b "}\n"
#define DELTA(d)	"{\"type\":\"content_block_delta\",\"index\":0," \
    "\"delta\":" d "}\n"
#define STOPB	"{\"type\":\"content_block_stop\",\"index\":0}\n"
#define FINAL(r)	"{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" \
    "\"" r "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n" \
    "{\"type\":\"message_stop\"}\n"

static void
test_stream(void)
{
	stream(START "{\"type\":\"ping\"}\n"
	    BLOCK("{\"type\":\"text\",\"text\":\"\"}")
	    DELTA("{\"type\":\"text_delta\",\"text\":\"a\\n\"}")
	    DELTA("{\"type\":\"citations_delta\",\"citation\":{\"k\":1}}")
	    STOPB FINAL("end_turn") "{\"type\":\"ping\"}\n");
	ok(events("S msg_1 claude-x\nU 10 3 5 2 1 -1\nping\n(0 text\nt a\\n\n"
	    "n {\"k\":1}\n)\nU 10 3 5 2 9 -1\nstop 1 end_turn \nE\n"),
	    "stream: text, citation, usage that replaces (pitfall 11)");

	stream(START BLOCK("{\"type\":\"thinking\",\"thinking\":\"\","
	    "\"signature\":\"\"}")
	    DELTA("{\"type\":\"signature_delta\",\"signature\":\"sig\"}") STOPB
	    BLOCK("{\"type\":\"redacted_thinking\",\"data\":\"rr\"}") STOPB
	    BLOCK("{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\","
	    "\"input\":{}}") DELTA("{\"type\":\"input_json_delta\","
	    "\"partial_json\":\"\"}") DELTA("{\"type\":\"input_json_delta\","
	    "\"partial_json\":\"{\\\"a\\\":\"}")
	    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}")
	    STOPB BLOCK("{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"g\","
	    "\"input\":{\"b\":2}}") STOPB
	    BLOCK("{\"type\":\"tool_use\",\"id\":\"t3\",\"name\":\"h\"}") STOPB
	    FINAL("tool_use"));
	ok(events("S msg_1 claude-x\nU 10 3 5 2 1 -1\n(0 think\ng sig\n)\n"
	    "(1 think\nr rr\n)\n(2 call t1 f\na {\\\"a\\\":\na 1}\n)\n"
	    "(3 call t2 g\na {\\\"b\\\":2}\n)\n(4 call t3 h\na {}\n)\n"
	    "U 10 3 5 2 9 -1\nstop 3 tool_use \nE\n"),
	    "stream: thinking, calls and their arguments (pitfalls 1, 18)");

	stream(START BLOCK("{\"type\":\"server_tool_use\",\"id\":\"s\","
	    "\"name\":\"web_search\",\"input\":{}}")
	    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\"\"}")
	    DELTA("{\"type\":\"input_json_delta\",\"partial_json\":\":1}\"}")
	    STOPB BLOCK("{\"type\":\"compaction\",\"content\":null}")
	    DELTA("{\"type\":\"compaction_delta\",\"content\":\"c\"}") STOPB
	    FINAL("pause_turn"));
	ok(events("S msg_1 claude-x\nU 10 3 5 2 1 -1\n(0 opaque {\"type\":"
	    "\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\","
	    "\"input\":{\"q\":1}}\n)\n(1 opaque {\"type\":\"compaction\","
	    "\"content\":\"c\"}\n)\nU 10 3 5 2 9 -1\nstop 7 pause_turn \nE\n"),
	    "stream: other blocks are put together whole");
}

static void
test_stream_ends(void)
{
	stream(START BLOCK("{\"type\":\"text\",\"text\":\"\"}")
	    DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}"));
	ok(has("error 502 : the provider's stream was cut"), "cut: an error");
	stream(START BLOCK("{\"type\":\"text\",\"text\":\"a\"}")
	    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
	    "\"max_tokens\"},\"usage\":{\"output_tokens\":2}}\n");
	ok(has("t a\n)\nU 10 3 5 2 2 -1\nstop 2 max_tokens \nE\n"),
	    "ends behind the stop reason: complete (pitfall 6)");
	stream(START "{\"type\":\"error\",\"error\":{\"type\":"
	    "\"overloaded_error\",\"message\":\"Overloaded\"}}\n" FINAL("x"));
	ok(has("error 529 overloaded_error: Overloaded\n") && hasnt("E\n"),
	    "an error inside the stream (pitfall 7)");
	stream("");
	ok(has("error 502"), "nothing at all: an error");
	stream("{\"type\":\"message_stop\"}\n{\"type\":\"message_stop\"}\n");
	ok(events("S  \nstop 1  \nE\n"), "one end (pitfall 13)");
	stream(DELTA("{\"type\":\"text_delta\",\"text\":\"a\"}")
	    DELTA("{\"type\":\"thinking_delta\",\"thinking\":\"b\"}")
	    "[DONE]\n\"x\"\n" BLOCK("null") FINAL("brand_new"));
	ok(events("S  \n(0 text\nt a\n)\n(1 think\nt b\n)\n"
	    "U -1 -1 -1 -1 9 -1\nstop 10 brand_new \nE\n"),
	    "what is left out or strange; an unknown stop reason");
	stream(START BLOCK("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}")
	    FINAL("end_turn"));
	ok(has("stop 3 end_turn"), "a call upgrades a plain stop (pitfall 4)");
	stream(START BLOCK("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\"}")
	    FINAL("max_tokens"));
	ok(has("stop 2 max_tokens"), "but no length");
}

static void
test_body(void)
{
	body("{\"type\":\"message\",\"id\":\"m\",\"model\":\"c\",\"content\":["
	    "{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"k\":1}]},"
	    "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\","
	    "\"input\":{\"a\":\"\\\"\"}},{\"type\":\"x_result\",\"v\":1}],"
	    "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\","
	    "\"usage\":{\"input_tokens\":1,\"cache_creation_input_tokens\":4,"
	    "\"output_tokens\":9,\"output_tokens_details\":"
	    "{\"thinking_tokens\":6}}}");
	ok(events("S m c\n(0 text\nt a\nn {\"k\":1}\n)\n(1 call t f\n"
	    "a {\\\"a\\\":\\\"\\\\\\\"\\\"}\n)\n"
	    "(2 opaque {\"type\":\"x_result\",\"v\":1}\n)\n"
	    "U 1 -1 4 -1 3 6\nstop 4 stop_sequence END\nE\n"), "body");
	body("{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	    "\"message\":\"slow\"}}");
	ok(events("error 429 rate_limit_error: slow\n"), "body: an error");
	body("{\"hello\":1}");
	ok(has("error 502 : the provider's answer is no message"),
	    "body: something else");
	body("{\"content\":[],\"stop_reason\":\"refusal\"}");
	ok(events("S  \nstop 6 refusal \nE\n"), "body: a refusal, no content");
}

/* Chat answers as bytes, to Anthropic as a stream or a body. */
static bool
from_chat(const char *bytes, enum framing in, enum framing to)
{
	struct convert_opts	 o = { .from = OC, .to = AN, .in = in,
				    .out = to, .model = STR("asked") };

	fresh();
	return convert_response(&arena, &o, str_of(bytes), &out, &loss,
	    &err) == 0;
}

#define CHUNK(delta, finish)	"data: {\"id\":\"chatcmpl-1\",\"model\":\"g\"," \
    "\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish \
    "}]}\n\n"

static void
test_encode_stream(void)
{
	ok(from_chat(CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null")
	    CHUNK("{\"content\":\"he\"}", "null")
	    CHUNK("{\"content\":\"y\",\"tool_calls\":[]}", "null")
	    CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
	    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
	    "\"{\\\"a\\\":1}\"}}]}", "null")
	    CHUNK("{}", "\"tool_calls\"")
	    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
	    "\"completion_tokens\":4,\"total_tokens\":13,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":6}}}\n\n"
	    "data: [DONE]\n\n", FRAME_SSE, FRAME_SSE), "stream: encodes");
	ok(str_is(buf_str(&out),
	    "event: message_start\n"
	    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\","
	    "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"g\","
	    "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
	    "\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,"
	    "\"cache_read_input_tokens\":0,\"output_tokens\":0}}}\n\n"
	    "event: content_block_start\n"
	    "data: {\"type\":\"content_block_start\",\"index\":0,"
	    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
	    "event: content_block_delta\n"
	    "data: {\"type\":\"content_block_delta\",\"index\":0,"
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"he\"}}\n\n"
	    "event: content_block_delta\n"
	    "data: {\"type\":\"content_block_delta\",\"index\":0,"
	    "\"delta\":{\"type\":\"text_delta\",\"text\":\"y\"}}\n\n"
	    "event: content_block_stop\n"
	    "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
	    "event: content_block_start\n"
	    "data: {\"type\":\"content_block_start\",\"index\":1,"
	    "\"content_block\":{\"type\":\"tool_use\",\"id\":\"call_1\","
	    "\"name\":\"f\",\"input\":{}}}\n\n"
	    "event: content_block_delta\n"
	    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
	    "{\"type\":\"input_json_delta\","
	    "\"partial_json\":\"{\\\"a\\\":1}\"}}\n\n"
	    "event: content_block_stop\n"
	    "data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
	    "event: message_delta\n"
	    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
	    "\"tool_use\",\"stop_sequence\":null},\"usage\":"
	    "{\"input_tokens\":3,\"cache_creation_input_tokens\":0,"
	    "\"cache_read_input_tokens\":6,\"output_tokens\":4}}\n\n"
	    "event: message_stop\n"
	    "data: {\"type\":\"message_stop\"}\n\n"),
	    "stream: every event, every field (pitfalls 1, 10, 40)");
	ok(from_chat(CHUNK("{\"role\":\"assistant\"}", "null")
	    CHUNK("{}", "\"content_filter\""), FRAME_SSE, FRAME_SSE) &&
	    has("message_start") && hasnt("content_block") &&
	    has("\"stop_reason\":\"refusal\""), "a filter is a refusal");
}

static void
test_encode_body(void)
{
	ok(from_chat("{\"id\":\"chatcmpl-7\",\"model\":\"g\",\"choices\":["
	    "{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
	    "\"assistant\",\"content\":\"yes\",\"reasoning_content\":\"hm\"}},"
	    "{\"index\":1,\"finish_reason\":\"stop\",\"message\":{\"content\":"
	    "\"no\"}}],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":5,"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":4}}}",
	    FRAME_NONE, FRAME_NONE) && same(buf_str(&out),
	    "{\"id\":\"msg_7\",\"type\":\"message\",\"role\":\"assistant\","
	    "\"model\":\"g\",\"content\":[{\"type\":\"thinking\","
	    "\"thinking\":\"hm\",\"signature\":\"\"},{\"type\":\"text\","
	    "\"text\":\"yes\"}],\"stop_reason\":\"end_turn\","
	    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":2,"
	    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
	    "\"output_tokens\":5,\"output_tokens_details\":"
	    "{\"thinking_tokens\":4}}}") &&
	    lost("dropped response.choices[1]"),
	    "body: thinking, text, the first choice");
	ok(from_chat("{\"choices\":[{\"index\":0,\"finish_reason\":\"length\","
	    "\"message\":{\"content\":null}}]}", FRAME_NONE, FRAME_NONE) &&
	    has("\"content\":[]") && has("\"max_tokens\"") &&
	    has("\"model\":\"asked\"") && has("\"id\":\"msg_"),
	    "body: empty");
}

static void
emit(struct ir_encoder *e, struct ir_event ev)
{
	AN->event_encode(e, &ev);
}

static void
test_encode_events(void)
{
	struct ir_exchange	 x = exchange(GE);
	struct ir_encoder	 e;
	struct ir_event		 ev = { .type = IR_EV_START };

	fresh();
	ir_encoder_init(&e, AN, &x, &out);
	emit(&e, ev);
	ok(out.len == 0, "message_start waits for what comes behind it");
	ev.type = IR_EV_USAGE;
	ir_usage_init(&ev.usage);
	ev.usage.input = 11;
	emit(&e, ev);
	emit(&e, (struct ir_event){ .type = IR_EV_PING });
	ok(has("\"model\":\"asked\"") && has("\"id\":\"msg_x1\"") &&
	    has("\"input_tokens\":11") && has("event: ping\n"),
	    "usage that is known by then; ping");
	buf_clear(&out);
	emit(&e, (struct ir_event){ .type = IR_EV_PART_START,
	    .part = IR_THINKING });
	emit(&e, (struct ir_event){ .type = IR_EV_DELTA, .part = IR_THINKING,
	    .delta = IR_D_SIGNATURE, .text = JSTR("g"), .from = GE });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_END,
	    .part = IR_THINKING });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_START, .index = 1,
	    .part = IR_IMAGE });
	emit(&e, (struct ir_event){ .type = IR_EV_DELTA, .index = 1,
	    .part = IR_IMAGE, .delta = IR_D_DATA, .raw = STR("AAAA") });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_END, .index = 1,
	    .part = IR_IMAGE });
	ok(out.len == 0 && lost("dropped response.signature") &&
	    lost("dropped response.content"),
	    "foreign signatures and media leave no block");
	emit(&e, (struct ir_event){ .type = IR_EV_PART_START, .index = 2,
	    .part = IR_TOOL_CALL, .tool = IR_CUSTOM, .name = STR("p") });
	emit(&e, (struct ir_event){ .type = IR_EV_DELTA, .index = 2,
	    .part = IR_TOOL_CALL, .delta = IR_D_TEXT, .text = JSTR("a\\n") });
	emit(&e, (struct ir_event){ .type = IR_EV_PART_END, .index = 2,
	    .part = IR_TOOL_CALL });
	ok(has("\"id\":\"toolu_x10\"") &&
	    has("\"partial_json\":\"{\\\"input\\\":\\\"\"") &&
	    has("\"partial_json\":\"a\\\\n\"") &&
	    has("\"partial_json\":\"\\\"}\""), "free text as arguments; an id");
	buf_clear(&out);
	ir_error_set(&err, IR_ERR_OVERLOADED, "busy");
	emit(&e, (struct ir_event){ .type = IR_EV_ERROR, .error = &err });
	ok(str_is(buf_str(&out), "event: error\ndata: {\"type\":\"error\","
	    "\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},"
	    "\"request_id\":\"req_x1\"}\n\n"), "an error event");
}

/* A body that was indented comes out as a stream of lines. */
static void
test_one_line(void)
{
	struct convert_opts	 o = { .from = AN, .to = AN,
				    .out = FRAME_SSE };

	fresh();
	ok(convert_response(&arena, &o, STR("{\"content\":[{\n\"type\":"
	    "\"x_result\",\r\n\"v\":1}],\n\"stop_reason\":\"end_turn\"}"),
	    &out, &loss, &err) == 0 && hasnt("\r") &&
	    has("\"content_block\":{ \"type\":\"x_result\",  \"v\":1}"),
	    "a block with line ends in it");
}

/* --- errors, models ------------------------------------------------------- */

static void
test_errors(void)
{
	static const struct {
		enum ir_errkind	 kind;
		const char	*type;
	} types[] = {
		{ IR_ERR_BAD_REQUEST, "invalid_request_error" },
		{ IR_ERR_AUTH, "authentication_error" },
		{ IR_ERR_BILLING, "billing_error" },
		{ IR_ERR_FORBIDDEN, "permission_error" },
		{ IR_ERR_NOT_FOUND, "not_found_error" },
		{ IR_ERR_TOO_LARGE, "request_too_large" },
		{ IR_ERR_RATE, "rate_limit_error" },
		{ IR_ERR_TIMEOUT, "timeout_error" },
		{ IR_ERR_INTERNAL, "api_error" },
		{ IR_ERR_UPSTREAM, "api_error" },
		{ IR_ERR_OVERLOADED, "overloaded_error" }
	};
	size_t	 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		fresh();
		ir_error_set(&err, types[i].kind, "m\"");
		AN->error_encode(&err, STR("req_1"), &out);
		ok(same(buf_str(&out), arena_strf(&arena, "{\"type\":\"error\","
		    "\"error\":{\"type\":\"%s\",\"message\":\"m\\\"\"},"
		    "\"request_id\":\"req_1\"}", types[i].type).p),
		    "error: %s", types[i].type);
	}
	fresh();
	ir_error_set(&err, IR_ERR_BAD_REQUEST, "no threads");
	ir_error_copy(err.code, sizeof(err.code),
	    STR("thread_unsupported_request"));
	AN->error_encode(&err, STR_NONE, &out);
	ok(has("\"details\":{\"error_code\":\"thread_unsupported_request\","
	    "\"unsupported\":[\"thread\"]}") && has("\"request_id\":null"),
	    "error: threads");
	ir_error_set(&err, IR_ERR_UPSTREAM, "status");
	AN->error_decode(&arena, STR("{\"type\":\"error\",\"error\":{\"type\":"
	    "\"not_found_error\",\"message\":\"model: x\"}}"), &err);
	ok(err.status == 404 && strcmp(err.msg, "model: x") == 0 &&
	    strcmp(err.type, "not_found_error") == 0, "error: read");
	ir_error_set(&err, IR_ERR_RATE, "status");
	AN->error_decode(&arena, STR("<html>"), &err);
	ok(err.status == 429 && strcmp(err.msg, "status") == 0,
	    "error: no JSON");
}

static void
test_models(void)
{
	const struct ir_model	 m[] = {
		{ STR("a"), STR("p"), 1700000000 }, { STR("b"), STR("p"), 0 }
	};

	fresh();
	AN->models_encode(m, 2, &out);
	ok(has("\"data\":[{\"type\":\"model\",\"id\":\"a\","
	    "\"display_name\":\"a\",\"created_at\":\"2023-11-14T22:13:20") &&
	    has("\"has_more\":false,\"first_id\":\"a\",\"last_id\":\"b\"}"),
	    "models");
	fresh();
	AN->models_encode(m, 0, &out);
	ok(same(buf_str(&out), "{\"data\":[],\"has_more\":false,"
	    "\"first_id\":null,\"last_id\":null}"), "no models");
}

int
main(void)
{
	arena_init(&arena);
	buf_init(&out, OUT_MAX);
	test_same();
	test_decode();
	test_refused();
	test_lenient();
	test_turns();
	test_results();
	test_ids();
	test_media();
	test_thoughts();
	test_max_tokens();
	test_sampling();
	test_budget();
	test_adaptive();
	test_tools();
	test_format();
	test_stream();
	test_stream_ends();
	test_body();
	test_encode_stream();
	test_encode_body();
	test_encode_events();
	test_one_line();
	test_errors();
	test_models();
	buf_release(&out);
	arena_release(&arena);
	return done();
}
