/*
 * The Anthropic Messages dialect, requests: one case a rule.  They come in as
 * OpenAI or Gemini clients send them.
 */
#include "base/log.h"
#include "wire_test.h"

/* A request of that dialect for that model of Anthropic's. */
static int
to_model(const struct dialect *from, const char *model, const char *body)
{
	struct convert_opts	 o = { .from = from, .to = WT_AN };
	struct buf		 path;
	int			 r;

	wt_fresh();
	o.model = str_of(model);
	buf_init(&path, WT_MAX);
	r = convert_request(&wt_arena, &o, str_of(body), &path, &wt_out, &wt_loss, &wt_err);
	if (r == 0 && !str_is(buf_str(&path), "/v1/messages"))
		r = -2;
	buf_release(&path);
	if (r == -1)
		printf("#   %s\n", wt_err.msg);
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
	struct convert_opts	 o = { .from = WT_AN, .to = to, .lenient = true };
	struct buf		 path;
	int			 r;

	wt_fresh();
	buf_init(&path, WT_MAX);
	r = convert_request(&wt_arena, &o, str_of(body), &path, &wt_out, &wt_loss, &wt_err);
	buf_release(&path);
	return r;
}

/* An OpenAI chat request with these messages and further members. */
static int
chat(const char *model, const char *messages, const char *more)
{
	struct str	 s = arena_strf(&wt_arena,
			    "{\"model\":\"m\",\"messages\":[%s]%s%s}",
			    messages, more[0] == '\0' ? "" : ",", more);

	return to_model(WT_OC, model, s.p);
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

	wt_fresh();
	json_init(&d->j);
	if (json_parse(&d->j, str_of(body), &bad) == -1)
		fatalx("test body: %s at %zu in %s", bad.what, bad.offset, body);
	ir_request_init(&d->rq, &wt_arena, WT_AN, &d->j);
	d->rq.lenient = is_lenient;
	d->r = WT_AN->request_decode(&d->rq, &wt_err);
}

static bool
refused(const char *body, const char *param)
{
	struct decoded	 d;
	bool		 res;

	decode(&d, body, false);
	res = d.r == -1 && wt_err.status == 400 && strcmp(wt_err.param, param) == 0;
	if (!res)
		printf("#   %d '%s' %s\n", d.r, wt_err.param, wt_err.msg);
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
	ok(to_model(WT_AN, "", full) == 0, "same dialect: encodes");
	ok(wt_same(buf_str(&wt_out), full), "same dialect: nothing changes");
	ok(wt_nothing_lost(), "same dialect: nothing is lost");
	ok(to_model(WT_AN, "claude-opus-5", full) == 0 &&
	    wt_has("\"model\":\"claude-opus-5\""), "same dialect: another model");
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
	    wt_in(nth(m, 0)->extra, "citations"), "text: cache, citations");
	ok(nth(m, 1)->type == IR_IMAGE &&
	    str_is(nth(m, 1)->media.type, "image/png") &&
	    str_is(nth(m, 1)->media.data, "iVBO"), "image: base64");
	ok(jstr_is(nth(m, 2)->media.url, "https://e/x"), "image: url");
	ok(jstr_is(nth(m, 3)->media.file_id, "f1"), "image: file");
	ok(nth(m, 4)->type == IR_DOCUMENT &&
	    jstr_is(nth(m, 4)->media.text, "words") &&
	    jstr_is(nth(m, 4)->media.title, "T") &&
	    jstr_is(nth(m, 4)->media.context, "C") &&
	    wt_in(nth(m, 4)->extra, "citations"),
	    "document: text, title, context, citations");
	ok(jstr_is(nth(m, 5)->media.text, "one\\n\\ntwo"), "document: content");
	ok(nth(m, 6)->type == IR_DOCUMENT &&
	    jstr_is(nth(m, 6)->media.text, "found"), "search_result: a document");
	ok(nth(m, 7)->type == IR_OPAQUE && nth(m, 7)->from == WT_AN &&
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
	    jstr_is(nth(m, 0)->signature, "sig") && nth(m, 0)->from == WT_AN,
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
	    p->parts->next->next->told,
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
	ok(d.r == 0, "decode: %s", wt_err.msg);
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

/*
 * Names are told apart by length and bytes unless they have an escape in them:
 * with the first byte of every name written as one, all must be as before.
 */
static struct str
escape_names(const char *body)
{
	struct buf	 b;
	struct str	 s;
	const char	*p, *q;

	buf_init(&b, WT_MAX);
	for (p = body; *p != '\0'; p = q) {
		if (*p != '"') {
			q = p + 1;
			(void)buf_addc(&b, *p);
			continue;
		}
		q = strchr(p + 1, '"') + 1;
		if (*q == ':')
			(void)buf_addf(&b, "\"\\u%04x", (unsigned)p[1]);
		(void)buf_add(&b, p + (*q == ':' ? 2 : 0),
		    (size_t)(q - p) - (*q == ':' ? 2 : 0));
	}
	s = arena_strf(&wt_arena, "%.*s", STR_FMT(buf_str(&b)));
	buf_release(&b);
	return s;
}

/*
 * What becomes of it in that dialect, and how much is told of that; paths have
 * the names as they stand.
 */
static struct str
told(const struct dialect *to, const char *body)
{
	if (wt_request(WT_AN, to, body) == -1)
		return arena_strf(&wt_arena, "%s", wt_err.msg);
	return arena_strf(&wt_arena, "%.*s %u", STR_FMT(buf_str(&wt_out)),
	    (unsigned)wt_loss.n);
}

static void
test_names(void)
{
	static const char	 body[] = "{\"model\":\"m\",\"max_tokens\":9,"
	    "\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":"
	    "{\"type\":\"ephemeral\"}}],\"tools\":[{\"type\":\"custom\","
	    "\"name\":\"f\",\"description\":\"d\",\"strict\":true,"
	    "\"input_schema\":{},\"cache_control\":null,\"defer\":1}],"
	    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"image\",\"source\":{\"type\":\"url\",\"url\":\"http://x/y\"}},"
	    "{\"type\":\"document\",\"title\":\"t\",\"context\":\"c\","
	    "\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\","
	    "\"data\":\"x\"},\"citations\":{\"enabled\":true}},"
	    "{\"type\":\"tool_addition\",\"tool\":{\"type\":"
	    "\"tool_reference\",\"name\":\"f\"}}]},"
	    "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
	    "\"thinking\":\"h\",\"signature\":\"s\"},{\"type\":"
	    "\"redacted_thinking\",\"data\":\"r\"},{\"type\":\"text\","
	    "\"text\":\"a\",\"more\":\"m\"},{\"type\":\"tool_use\",\"id\":"
	    "\"toolu_1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
	    "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
	    "\"toolu_1\",\"is_error\":true,\"content\":[{\"type\":"
	    "\"tool_reference\",\"tool_name\":\"f\"},{\"type\":"
	    "\"search_result\",\"source\":\"s\",\"title\":\"t\",\"content\":"
	    "[{\"type\":\"text\",\"text\":\"x\"}]}]},{\"type\":\"text\","
	    "\"text\":\"b\"}]},{\"role\":\"system\",\"content\":\"z\","
	    "\"clear_at\":\"never\",\"output_config\":{\"effort\":\"low\"}}]}";
	static const struct dialect *const	 to[] = { WT_OC, WT_OR, WT_GE };
	struct str	 plain, escaped;
	unsigned	 i;

	for (i = 0; i < 3; i++) {
		plain = told(to[i], body);
		escaped = told(to[i], escape_names(body).p);
		ok(plain.p[0] == '{' && str_eq(plain, escaped),
		    "names with escapes in them are read to %s",
		    to[i]->name);
		if (!str_eq(plain, escaped))
			printf("#   %s\n#   %s\n", plain.p, escaped.p);
	}
	ok(refused("{\"model\":\"m\",\"max_tokens\":1,\"messages\":["
	    "{\"role\":\"user\",\"content\":\"x\",\"role\":7}]}",
	    "messages[0].role"), "of a name that stands twice the last counts");
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
	ok(lenient(WT_AN, "{\"model\":\"claude-3-opus-20240229\",\"messages\":["
	    HI "]}") == 0 && wt_same(buf_str(&wt_out),
	    "{\"model\":\"claude-3-opus-20240229\",\"max_tokens\":4096,"
	    "\"messages\":[" HI "]}"), "lenient: max_tokens is filled in");
	ok(lenient(WT_AN, "{\"model\":\"claude-3-5-haiku-x\",\"messages\":["
	    "{\"role\":\"system\",\"content\":\"s\"}," HI "]}") == 0 &&
	    wt_same(buf_str(&wt_out), "{\"model\":\"claude-3-5-haiku-x\","
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
	    wt_has("\"system\":[{\"type\":\"text\",\"text\":\"s\"},"
	    "{\"type\":\"text\",\"text\":\"d\"}]") && wt_nothing_lost(),
	    "system and developer go in front");
	ok(chat(S45, HI "," HI, "") == 0 && wt_has("\"messages\":[{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
	    "{\"type\":\"text\",\"text\":\"hi\"}]}]"), "turns are merged");
	ok(chat(S45, HI ",{\"role\":\"system\",\"content\":\"s\"}", "") == 0 &&
	    wt_has("\"text\":\"s\"") && wt_hasnt("\"system\"") &&
	    wt_told("approximated messages[1]"),
	    "a system message in the middle is the user's");
	ok(chat(S45, "{\"role\":\"assistant\",\"content\":\"a\"}," HI, "") == 0 &&
	    wt_has("\"messages\":[{\"role\":\"user\",\"content\":\".\"}") &&
	    wt_told("approximated messages[0]"), "the first turn is the user's");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"content\":\"\"},"
	    "{\"role\":\"user\",\"content\":\" \\n\"}", "") == 0 &&
	    wt_has("\"messages\":[" HI "]"), "no empty texts (pitfall 36)");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"content\":\"So \\n\\t\"}",
	    "") == 0 && wt_has("\"text\":\"So\"") &&
	    wt_told("approximated messages[1]"), "no space behind a prefill");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"content\":\"a\\\\n\"}",
	    "") == 0 && wt_has("\"content\":\"a\\\\n\""),
	    "a backslash and an n are no space");
	ok(chat(S45, "{\"role\":\"system\",\"content\":\"only\"}", "") == 0 &&
	    wt_has("\"messages\":[{\"role\":\"user\",\"content\":\"only\"}]") &&
	    wt_hasnt("\"system\""), "instructions alone are the question");
	ok(chat(S45, "{\"role\":\"user\",\"content\":\"\"}", "") == -1 &&
	    wt_err.status == 400, "no content at all is refused");
	ok(chat(S45, "{\"role\":\"user\",\"name\":\"bob\",\"content\":\"x\"}",
	    "") == 0 && wt_told("dropped messages[0]"), "names are reported");
	ok(chat(S45, HI ",{\"role\":\"assistant\",\"refusal\":\"no\","
	    "\"content\":null}," HI, "") == 0 && wt_has("\"text\":\"no\""),
	    "a refusal is text");
}

static void
test_results(void)
{
	ok(chat(S45, HI "," CALLS(CALL("call_1", "f") "," CALL("call_2", "g"))
	    "," RESULT("call_2", "two") "," RESULT("call_1", "one") "," HI,
	    "") == 0 &&
	    wt_has("{\"role\":\"user\",\"content\":["
	    "{\"type\":\"tool_result\",\"tool_use_id\":\"call_1\","
	    "\"content\":\"one\"},"
	    "{\"type\":\"tool_result\",\"tool_use_id\":\"call_2\","
	    "\"content\":\"two\"},{\"type\":\"text\",\"text\":\"hi\"}]}") &&
	    wt_nothing_lost(), "results first, in order of the calls (pitfall 28)");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")) "," HI, "") == 0 &&
	    wt_has("\"tool_use_id\":\"c\",\"content\":\"This call was given no "
	    "result.\",\"is_error\":true") && wt_told("approximated messages[1]"),
	    "a missing result is made up");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")), "") == 0 &&
	    wt_has("\"is_error\":true"), "also at the end");
	ok(chat(S45, HI "," RESULT("zz", "x") ",{\"role\":\"assistant\","
	    "\"content\":\"a\"}," RESULT("yy", "x") ",{\"role\":\"assistant\","
	    "\"content\":\"b\"}," HI, "") == 0 && wt_hasnt("tool_result") &&
	    wt_has("[{\"type\":\"text\",\"text\":\"a\"},"
	    "{\"type\":\"text\",\"text\":\"b\"}]") &&
	    wt_told("dropped messages[1]") && wt_told("dropped messages[3]"),
	    "orphans are dropped, and the turns around them merged");
	ok(chat(S45, RESULT("zz", "x") "," HI, "") == 0 &&
	    wt_has("\"messages\":[" HI "]"), "an orphan in front");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")) "," RESULT("c", "1") ","
	    CALLS(CALL("c", "f")) "," RESULT("c", "2"), "") == 0 &&
	    wt_has("\"tool_use_id\":\"c\",\"content\":\"1\"") &&
	    wt_hasnt("\"tool_use_id\":\"c\",\"content\":\"2\"") &&
	    wt_has("\"content\":\"2\""), "ids that repeat become unique");
	ok(chat(S45, HI "," CALLS("{\"id\":\"c\",\"type\":\"function\","
	    "\"function\":{\"name\":\"f\",\"arguments\":\"oops\"}}") ","
	    RESULT("c", ""), "") == 0 &&
	    wt_has("\"input\":{\"input\":\"oops\"}") &&
	    wt_has("\"tool_use_id\":\"c\"}") && wt_told("approximated messages[1]"),
	    "broken arguments, an empty result");
}

static void
test_ids(void)
{
	struct str	 first;

	ok(chat(S45, HI "," CALLS(CALL("call:x.y/1", "a.b")) ","
	    RESULT("call:x.y/1", "r"), "\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"a.b\"}}]") == 0 &&
	    wt_hasnt("call:x.y/1") && wt_has("\"id\":\"toolu_") && wt_hasnt("\"a.b\""),
	    "ids and names are fitted (pitfall 29)");
	first = arena_str(&wt_arena, buf_str(&wt_out));
	ok(chat(S45, HI "," CALLS(CALL("call:x.y/1", "a.b")) ","
	    RESULT("call:x.y/1", "r"), "\"tools\":[{\"type\":\"function\","
	    "\"function\":{\"name\":\"a.b\"}}]") == 0 &&
	    str_eq(first, buf_str(&wt_out)), "equal requests, equal bytes "
	    "(pitfall 39)");
	ok(request(WT_GE, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"q\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
	    "\"f\",\"args\":{\"n\":1}}},{\"functionCall\":{\"name\":\"f\","
	    "\"args\":{\"n\":2}}}]},{\"role\":\"user\",\"parts\":["
	    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"r\":1}}},"
	    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"r\":2}}}]}]}")
	    == 0 && wt_hasnt("\"id\":\"\"") && wt_hasnt("is_error"),
	    "calls without ids get some, results find them");
}

static void
test_media(void)
{
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0K\"}},"
	    "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://e/x\","
	    "\"detail\":\"low\"}}]}", "") == 0 &&
	    wt_has("{\"type\":\"image\",\"source\":{\"type\":\"base64\","
	    "\"media_type\":\"image/png\",\"data\":\"iVBORw0K\"}}") &&
	    wt_has("{\"type\":\"image\",\"source\":{\"type\":\"url\","
	    "\"url\":\"https://e/x\"}}") &&
	    wt_told("dropped messages[0].content[1]"), "images");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	    "\"image_url\":{\"url\":\"data:application/pdf;base64,JVBERi0=\"}}]}",
	    "") == 0 && wt_has("{\"type\":\"document\",\"source\":{\"type\":"
	    "\"base64\",\"media_type\":\"application/pdf\""),
	    "a PDF in an image is a document (pitfall 33)");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"file\","
	    "\"file\":{\"filename\":\"a.txt\",\"file_data\":"
	    "\"data:text/plain;base64,aGkh\"}}]}", "") == 0 &&
	    wt_has("{\"type\":\"text\",\"media_type\":\"text/plain\","
	    "\"data\":\"hi!\"},\"title\":\"a.txt\""), "a text file is text");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"file\","
	    "\"file\":{\"file_id\":\"file-1\"}}]}," HI, "") == 0 &&
	    wt_loss.refused == 1 && wt_told("refused messages[0].content[0]"),
	    "another provider's file is refused");
	ok(chat(S45, "{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\","
	    "\"input_audio\":{\"data\":\"AAAA\",\"format\":\"wav\"}}]}," HI,
	    "") == 0 && wt_told("refused messages[0].content[0]"),
	    "audio is refused");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":["
	    "{\"type\":\"input_text\",\"text\":\"see\"},{\"type\":\"input_image\","
	    "\"image_url\":\"https://e/x\"}]}]}") == 0 &&
	    wt_has("\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
	    "{\"type\":\"image\",\"source\":{\"type\":\"url\""),
	    "an image in a result (pitfall 33)");
	ok(request(WT_GE, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"q\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":"
	    "\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":["
	    "{\"functionResponse\":{\"name\":\"f\",\"response\":{\"error\":\"E\"}}},"
	    "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"iVBO\"}}]}]}")
	    == 0 && wt_has("\"image/png\"") && wt_hasnt("\"is_error\":true"),
	    "no image stands in a result that is an error");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":["
	    "{\"type\":\"weird\",\"x\":1}]}]}") == 0 &&
	    wt_has("{\\\"type\\\":\\\"weird\\\",\\\"x\\\":1}") &&
	    wt_told("approximated input[2].output[0]"),
	    "what a result holds that is not known is text");
}

static void
test_thoughts(void)
{
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"reasoning\",\"id\":\"rs_1\","
	    "\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"}],"
	    "\"encrypted_content\":\"zz\"},{\"role\":\"assistant\",\"content\":"
	    "[{\"type\":\"output_text\",\"text\":\"a\"}]},"
	    "{\"role\":\"user\",\"content\":\"b\"}]}") == 0 &&
	    wt_hasnt("thinking") && wt_told("dropped input[1]"),
	    "another provider's thoughts are dropped (pitfall 20)");
}

/* --- parameters ----------------------------------------------------------- */

static void
test_max_tokens(void)
{
	ok(chat("claude-3-opus-20240229", HI, "") == 0 &&
	    wt_has("\"max_tokens\":4096"), "claude-3: 4096");
	ok(chat("claude-3-7-sonnet-20250219", HI, "") == 0 &&
	    wt_has("\"max_tokens\":8192"), "claude-3-7: 8192");
	ok(chat("claude-opus-5", HI, "") == 0 && wt_has("\"max_tokens\":32000"),
	    "newer: 32000");
	ok(chat(S45, HI, "\"max_completion_tokens\":7") == 0 &&
	    wt_has("\"max_tokens\":7"), "as given");
}

static void
test_sampling(void)
{
	ok(chat("claude-3-haiku-20240307", HI, "\"temperature\":1.7,"
	    "\"top_p\":0.5") == 0 && wt_has("\"temperature\":1,") &&
	    wt_has("\"top_p\":0.5") && wt_told("approximated temperature"),
	    "temperature is at most 1");
	ok(chat(S45, HI, "\"temperature\":0.70,\"top_p\":0.5") == 0 &&
	    wt_has("\"temperature\":0.70") && wt_hasnt("top_p") &&
	    wt_told("dropped top_p"), "4.5: temperature or top_p");
	ok(chat("claude-opus-5", HI, "\"temperature\":0.7") == 0 &&
	    wt_hasnt("temperature") && wt_told("dropped temperature"),
	    "newest: no temperature (pitfall 37)");
	ok(chat(S45, HI, "\"stop\":[\"END\",\"\\n\"]") == 0 &&
	    wt_has("\"stop_sequences\":[\"END\"]") && wt_told("dropped stop[1]"),
	    "a stop of space is dropped");
	ok(chat(S45, HI, "\"n\":2,\"seed\":1,\"presence_penalty\":1,"
	    "\"frequency_penalty\":0,\"logprobs\":true") == 0 &&
	    wt_told("dropped n") && wt_told("dropped seed") &&
	    wt_told("dropped presence_penalty") && wt_told("dropped logprobs") &&
	    wt_loss.n == 4, "what there is not is reported");
	ok(request(WT_GE, "{\"contents\":[{\"parts\":[{\"text\":\"q\"}]}],"
	    "\"generationConfig\":{\"topK\":40}}") == 0 && wt_has("\"top_k\":40"),
	    "top_k");
	ok(chat(S45, HI, "\"user\":\"u1\",\"service_tier\":\"default\"") == 0 &&
	    wt_has("\"metadata\":{\"user_id\":\"u1\"}") &&
	    wt_has("\"service_tier\":\"standard_only\""), "user, service tier");
	ok(chat(S45, HI, "\"store\":false,\"stream_options\":{}") == 0 &&
	    wt_nothing_lost(), "harmless members go in silence");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":[{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"}],"
	    "\"previous_response_id\":\"resp_1\"}") == -1 &&
	    strcmp(wt_err.param, "previous_response_id") == 0,
	    "and named where nothing else is left");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
	    "\"content\":\"q\"},{\"type\":\"tool_search_output\","
	    "\"call_id\":\"c\",\"tools\":[]}]}") == 0 && wt_loss.refused == 0 &&
	    wt_told("dropped input[1]"), "what a provider's tool did is dropped");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":\"q\","
	    "\"previous_response_id\":\"resp_1\"}") == 0 && wt_loss.refused == 1,
	    "state that lies elsewhere is refused");
}

static void
test_budget(void)
{
	ok(chat("claude-sonnet-4-20250514", HI, "\"reasoning_effort\":\"high\"")
	    == 0 && wt_has("\"thinking\":{\"type\":\"enabled\","
	    "\"budget_tokens\":16384}") && wt_has("\"max_tokens\":32000") &&
	    wt_told("approximated reasoning_effort"), "effort as a budget");
	ok(chat("claude-3-7-sonnet-latest", HI, "\"reasoning_effort\":\"high\"")
	    == 0 && wt_has("\"budget_tokens\":16384") &&
	    wt_has("\"max_tokens\":20480"), "max_tokens is raised (pitfall 25)");
	ok(chat("claude-opus-4-1", HI, "\"reasoning_effort\":\"max\"") == 0 &&
	    wt_has("\"budget_tokens\":27904") && wt_has("\"max_tokens\":32000"),
	    "no higher than the model's");
	ok(chat(S45, HI, "\"reasoning_effort\":\"high\",\"max_tokens\":4000")
	    == 0 && wt_has("\"budget_tokens\":3200") &&
	    wt_has("\"max_tokens\":4000"), "below the client's max_tokens");
	ok(chat(S45, HI, "\"reasoning_effort\":\"low\",\"max_tokens\":1000")
	    == 0 && wt_hasnt("thinking") && wt_told("dropped reasoning_effort"),
	    "no room to think");
	ok(chat("claude-3-opus-20240229", HI, "\"reasoning_effort\":\"low\"")
	    == 0 && wt_hasnt("thinking") && wt_told("dropped reasoning_effort"),
	    "a model that does not think");
	ok(chat(S45, HI, "\"reasoning_effort\":\"none\"") == 0 &&
	    wt_has("\"thinking\":{\"type\":\"disabled\"}"), "none");
	ok(chat(S45, HI, "\"reasoning_effort\":\"low\",\"temperature\":0.5")
	    == 0 && wt_hasnt("temperature") && wt_told("dropped temperature"),
	    "thinking takes no temperature");
	ok(chat(S45, HI "," CALLS(CALL("c", "f")) "," RESULT("c", "r"),
	    "\"reasoning_effort\":\"low\"") == 0 && wt_hasnt("thinking") &&
	    wt_told("dropped reasoning_effort"),
	    "thinking does not begin between call and result");
}

static void
test_adaptive(void)
{
	ok(chat("claude-opus-5", HI, "\"reasoning_effort\":\"xhigh\"") == 0 &&
	    wt_has("\"thinking\":{\"type\":\"adaptive\"}") &&
	    wt_has("\"output_config\":{\"effort\":\"xhigh\"}") && wt_nothing_lost(),
	    "effort goes as it is (pitfall 24)");
	ok(chat("claude-fable-5-1", HI, "\"reasoning_effort\":\"stellar\"") == 0
	    && wt_has("\"effort\":\"stellar\""), "one that we do not know, too");
	ok(chat("claude-opus-5", HI, "\"reasoning_effort\":\"minimal\"") == 0 &&
	    wt_has("\"effort\":\"low\"") && wt_told("approximated reasoning_effort"),
	    "minimal is low");
	ok(chat("claude-opus-4-6", HI, "\"reasoning_effort\":\"xhigh\"") == 0 &&
	    wt_has("\"effort\":\"high\"") && wt_told("approximated reasoning_effort"),
	    "4.6 has no xhigh");
	ok(to_model(WT_GE, "claude-sonnet-5", "{\"contents\":[{\"parts\":[{\"text\":"
	    "\"q\"}]}],\"generationConfig\":{\"thinkingConfig\":"
	    "{\"thinkingBudget\":8000,\"includeThoughts\":true}}}") == 0 &&
	    wt_has("\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}")
	    && wt_has("\"effort\":\"medium\""), "a budget as effort; display");
	ok(chat("anthropic/claude-sonnet-4.5", HI,
	    "\"reasoning_effort\":\"low\"") == 0 && wt_has("\"enabled\""),
	    "names of other platforms");
}

#define TOOL(name, more)	"{\"type\":\"function\",\"function\":" \
    "{\"name\":\"" name "\"" more "}}"

static void
test_tools(void)
{
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", ",\"description\":\"d\","
	    "\"parameters\":{\"properties\":{}}") "," TOOL("g", "") "]") == 0 &&
	    wt_has("{\"name\":\"f\",\"description\":\"d\",\"input_schema\":"
	    "{\"type\":\"object\",\"properties\":{}}}") &&
	    wt_has("{\"name\":\"g\",\"input_schema\":{\"type\":\"object\","
	    "\"properties\":{}}}"), "a schema says that it is an object");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", ",\"strict\":true,"
	    "\"parameters\":{\"type\":\"object\",\"properties\":{\"minimum\":"
	    "{\"type\":\"integer\",\"minimum\":1}}}") "]") == 0 &&
	    wt_has("\"properties\":{\"minimum\":{\"type\":\"integer\"}},"
	    "\"additionalProperties\":false},\"strict\":true") &&
	    wt_told("dropped tools[0]"), "a strict tool's schema is lowered");
	ok(chat("claude-3-haiku-20240307", HI, "\"tools\":[" TOOL("f",
	    ",\"strict\":true") "]") == 0 && wt_hasnt("strict"),
	    "older models have no strict tools");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "\"required\",\"parallel_tool_calls\":false") == 0 &&
	    wt_has("\"tool_choice\":{\"type\":\"any\","
	    "\"disable_parallel_tool_use\":true}"), "required is any "
	    "(pitfall 31)");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}") == 0 &&
	    wt_has("\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}"), "named");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "\"none\",\"parallel_tool_calls\":false") == 0 &&
	    wt_has("\"tool_choice\":{\"type\":\"none\"}"), "none");
	ok(chat(S45, HI, "\"tools\":[" TOOL("f", "") "],\"tool_choice\":"
	    "\"required\",\"reasoning_effort\":\"low\"") == 0 &&
	    wt_has("\"tool_choice\":{\"type\":\"auto\"}") &&
	    wt_told("approximated tool_choice"),
	    "not forced while thinking (pitfall 31)");
	ok(chat("claude-fable-5-1", HI, "\"tools\":[" TOOL("f", "") "],"
	    "\"tool_choice\":\"required\"") == 0 &&
	    wt_has("\"tool_choice\":{\"type\":\"auto\"}"), "fable lets none force");
	ok(chat(S45, HI, "\"tools\":[],\"tool_choice\":\"none\"") == 0 &&
	    wt_hasnt("tool_choice"), "no choice without tools");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":\"q\",\"tools\":["
	    "{\"type\":\"custom\",\"name\":\"p\",\"description\":\"d\","
	    "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\","
	    "\"definition\":\"start: x\"}},{\"type\":\"web_search\"}]}") == 0 &&
	    wt_has("\"description\":\"d\\n\\nThe input follows this grammar (lark):"
	    "\\nstart: x\",\"input_schema\":{\"type\":\"object\",\"properties\":"
	    "{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}") &&
	    wt_told("approximated tools[1]"), "custom tools are wrapped (pitfall 34)");
	ok(request(WT_OR, "{\"model\":\"m\",\"input\":\"q\",\"tools\":["
	    "{\"type\":\"function\",\"name\":\"f\"},{\"type\":\"function\","
	    "\"name\":\"g\"}],\"tool_choice\":{\"type\":\"allowed_tools\","
	    "\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
	    "\"name\":\"g\"}]}}") == 0 && wt_hasnt("\"name\":\"f\"") &&
	    wt_has("\"name\":\"g\"") && wt_has("\"any\""), "allowed tools alone");
	ok(request(WT_GE, "{\"contents\":[{\"parts\":[{\"text\":\"q\"}]}],"
	    "\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\","
	    "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":"
	    "{\"type\":\"STRING\"}}}}]}]}") == 0 &&
	    wt_has("\"type\":\"object\"") && wt_has("\"type\":\"string\"") &&
	    wt_hasnt("OBJECT"), "Gemini's schema");
}

static void
test_format(void)
{
	ok(chat(S45, HI, "\"response_format\":{\"type\":\"json_schema\","
	    "\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\","
	    "\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{}}},"
	    "\"required\":[\"a\"]}}}") == 0 &&
	    wt_has("\"output_config\":{\"format\":{\"type\":\"json_schema\","
	    "\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
	    "\"object\",\"properties\":{},\"additionalProperties\":false}},"
	    "\"required\":[\"a\"],\"additionalProperties\":false}}}") &&
	    wt_hasnt("\"tools\""), "a schema, natively (pitfall 32)");
	ok(chat(S45, HI, "\"response_format\":{\"type\":\"json_object\"}") == 0
	    && wt_hasnt("output_config") && wt_has("\"system\":\"Answer only "
	    "with JSON") && wt_told("approximated response_format"),
	    "JSON without a schema is asked for in words");
}

int
main(void)
{
	wt_init();
	test_same();
	test_decode();
	test_refused();
	test_names();
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
	wt_release();
	return done();
}
