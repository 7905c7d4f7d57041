/*
 * The JSON reader and writer.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "tap.h"
#include "wire/json.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static struct arena	 ar;

/* Parses a copy of exactly that size, so that a sanitizer sees what is read. */
static int
parses(struct str s, struct json_error *err)
{
	struct json	 j;
	char		*copy = malloc(s.n + (s.n == 0));
	int		 res;

	if (copy == NULL)
		abort();
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	json_init(&j);
	res = json_parse(&j, (struct str){ copy, s.n }, err);
	if (res == -1 && json_ok(json_root(&j)))
		res = -2;
	json_release(&j);
	free(copy);
	return res;
}

/* --- what is JSON and what is not ------------------------------------------- */

static void
test_accept(void)
{
	static const struct str	 good[] = {
		STR("null"), STR("true"), STR("false"), STR("0"), STR("-0"),
		STR("\"\""), STR("[]"), STR("{}"), STR(" [ ] "), STR("\t{\n}\r"),
		STR("[[]]"), STR("[{}]"), STR("{\"\":[]}"), STR("[1,2]"),
		STR("[ 1 , 2 ]"), STR("{\"a\":1,\"b\":2}"),
		STR("{ \"a\" : 1 , \"a\" : 2 }"), STR("[null,true,false,0,\"\"]"),
		STR("1.5"), STR("-1.5"), STR("1e5"), STR("1E5"), STR("1e+5"),
		STR("1e-5"), STR("0e1"), STR("0.0"), STR("-0.0e-0"), STR("1.5e10"),
		STR("[1e400]"), STR("123456789012345678901234567890"),
		STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uABcd\""),
		STR("\"\\u0000\""), STR("\"\\ud83d\\ude00\""), STR("\"\\ud800\""),
		STR("\"\\udc00\\ud800\""), STR("\"\\ud800\\n\""),
		STR("\"\xc3\xa4\""), STR("\"\xe2\x82\xac\""),
		STR("\"\xf0\x9f\x98\x80\""), STR("\"\xef\xbf\xbf\""),
		STR("\"\x7f\""), STR("\"\xe2\x80\xa8\""), STR("\"a/b\""),
		STR("\"12345678\""), STR("\"1234567\\n12345678\\\\\""),
		STR("\"123456789012345\xc3\xa4\xc3\xa4x\""),
	};
	struct json_error	 err;
	size_t			 i;

	for (i = 0; i < N(good); i++)
		ok(parses(good[i], &err) == 0, "accepts row %zu", i);
}

static void
test_reject(void)
{
	static const struct { struct str text; size_t off; const char *what; }
	bad[] = {
		{ STR(""), 0, "unexpected end" },
		{ STR(" \n"), 2, "unexpected end" },
		{ STR("["), 1, "unexpected end" },
		{ STR("{"), 1, "unexpected end" },
		{ STR("[1"), 2, "unexpected end" },
		{ STR("[1,"), 3, "unexpected end" },
		{ STR("{\"a\""), 4, "unexpected end" },
		{ STR("{\"a\":"), 5, "unexpected end" },
		{ STR("{\"a\":1"), 6, "unexpected end" },
		{ STR("{\"a\":1,"), 7, "unexpected end" },
		{ STR("\""), 1, "unexpected end" },
		{ STR("\"abc"), 4, "unexpected end" },
		{ STR("\"abc\\"), 4, "unexpected end" },
		{ STR("\"\\u12"), 1, "unexpected end" },
		{ STR("-"), 1, "unexpected end" },
		{ STR("1."), 2, "unexpected end" },
		{ STR("1e"), 2, "unexpected end" },
		{ STR("1e+"), 3, "unexpected end" },
		{ STR("tru"), 3, "unexpected end" },
		{ STR("[1,]"), 3, "expected a value" },
		{ STR("[,1]"), 1, "expected a value" },
		{ STR("[,]"), 1, "expected a value" },
		{ STR("[1,,2]"), 3, "expected a value" },
		{ STR("]"), 0, "expected a value" },
		{ STR("}"), 0, "expected a value" },
		{ STR("{\"a\":}"), 5, "expected a value" },
		{ STR("'a'"), 0, "expected a value" },
		{ STR("+1"), 0, "expected a value" },
		{ STR(".5"), 0, "expected a value" },
		{ STR("NaN"), 0, "expected a value" },
		{ STR("Infinity"), 0, "expected a value" },
		{ STR("TRUE"), 0, "expected a value" },
		{ STR("trUe"), 2, "expected a value" },
		{ STR("nul]"), 3, "expected a value" },
		{ STR("a"), 0, "expected a value" },
		{ STR("\0"), 0, "expected a value" },
		{ STR("\xef\xbb\xbf{}"), 0, "expected a value" },
		{ STR("[/* */]"), 1, "expected a value" },
		{ STR("\f[]"), 0, "expected a value" },
		{ STR("\xc2\xa0[]"), 0, "expected a value" },
		{ STR("{1:2}"), 1, "expected a member name" },
		{ STR("{a:2}"), 1, "expected a member name" },
		{ STR("{,}"), 1, "expected a member name" },
		{ STR("{\"a\":1,}"), 7, "expected a member name" },
		{ STR("{]"), 1, "expected a member name" },
		{ STR("{\"a\" 1}"), 5, "expected ':' after a member name" },
		{ STR("{\"a\"}"), 4, "expected ':' after a member name" },
		{ STR("{\"a\",1}"), 4, "expected ':' after a member name" },
		{ STR("{\"a\":1 \"b\":2}"), 7, "expected ',' or '}'" },
		{ STR("{\"a\":1]"), 6, "expected ',' or '}'" },
		{ STR("{\"a\":1:2}"), 6, "expected ',' or '}'" },
		{ STR("[1 2]"), 3, "expected ',' or ']'" },
		{ STR("[1}"), 2, "expected ',' or ']'" },
		{ STR("[\"a\":1]"), 4, "expected ',' or ']'" },
		{ STR("[1true]"), 2, "expected ',' or ']'" },
		{ STR("[0x1]"), 2, "expected ',' or ']'" },
		{ STR("[1\0]"), 2, "expected ',' or ']'" },
		{ STR("1 2"), 2, "expected nothing behind the value" },
		{ STR("{}}"), 2, "expected nothing behind the value" },
		{ STR("[]]"), 2, "expected nothing behind the value" },
		{ STR("{},"), 2, "expected nothing behind the value" },
		{ STR("\"a\"b"), 3, "expected nothing behind the value" },
		{ STR("nulll"), 4, "expected nothing behind the value" },
		{ STR("1\0"), 1, "expected nothing behind the value" },
		{ STR("01"), 1, "leading zero in a number" },
		{ STR("-01"), 2, "leading zero in a number" },
		{ STR("00"), 1, "leading zero in a number" },
		{ STR("-a"), 1, "expected a digit in a number" },
		{ STR("1.e5"), 2, "expected a digit in a number" },
		{ STR("1.]"), 2, "expected a digit in a number" },
		{ STR("1e]"), 2, "expected a digit in a number" },
		{ STR("1e+-1"), 3, "expected a digit in a number" },
		{ STR("--1"), 1, "expected a digit in a number" },
		{ STR("\"\\x41\""), 1, "unknown escape in a string" },
		{ STR("\"\\'\""), 1, "unknown escape in a string" },
		{ STR("\"\\\n\""), 1, "unknown escape in a string" },
		{ STR("\"\\U0041\""), 1, "unknown escape in a string" },
		{ STR("\"\\\0\""), 1, "unknown escape in a string" },
		{ STR("\"\\u004g\""), 1, "\\u without four hex digits" },
		{ STR("\"\\u\""), 1, "\\u without four hex digits" },
		{ STR("\"a\nb\""), 2, "control character in a string" },
		{ STR("\"\t\""), 1, "control character in a string" },
		{ STR("\"12345678901\0\""), 12, "control character in a string" },
		{ STR("\"\x1f\""), 1, "control character in a string" },
		{ STR("\"\x80\""), 1, "invalid UTF-8" },
		{ STR("\"\xc3\""), 1, "invalid UTF-8" },
		{ STR("\"\xc3"), 1, "invalid UTF-8" },
		{ STR("\"\xc0\x80\""), 1, "invalid UTF-8" },
		{ STR("\"\xed\xa0\x80\""), 1, "invalid UTF-8" },
		{ STR("\"\xf4\x90\x80\x80\""), 1, "invalid UTF-8" },
		{ STR("\"\xff\""), 1, "invalid UTF-8" },
		{ STR("\"12345678\xc3\xa4\xa4\""), 11, "invalid UTF-8" },
		{ STR("{\"\xc3\xa4\xff\":1}"), 4, "invalid UTF-8" },
	};
	struct json_error	 err = { 0, NULL };
	size_t			 i;
	int			 res;

	for (i = 0; i < N(bad); i++) {
		res = parses(bad[i].text, &err);
		ok(res == -1 && strcmp(err.what, bad[i].what) == 0 &&
		    err.offset == bad[i].off, "refuses row %zu: %s", i,
		    bad[i].what);
		if (res == 0 || strcmp(err.what, bad[i].what) != 0 ||
		    err.offset != bad[i].off)
			printf("# %d at %zu: %s\n", res, err.offset, err.what);
	}
	ok(parses(STR("["), NULL) == -1, "an error may go to nobody");
}

static const char	 sample[] =
	"{\"model\":\"m\\\"x\",\"n\":-12.5e+3,\"t\":true,\"f\":false,"
	"\"z\":null,\"messages\":[{\"role\":\"user\",\"content\":"
	"\"gr\xc3\xbc\xc3\x9f \\u00e4\\ud83d\\ude00\"},[],{},[[1],2]],"
	"\"role\":\"last\"}";

/* Cut anywhere, a text is refused; and what is missing is the rest. */
static void
test_cut(void)
{
	struct str		 s = STR(sample);
	struct json_error	 err;
	bool			 good = true;

	for (s.n = 0; s.n + 1 < sizeof(sample); s.n++)
		good &= parses(s, &err) == -1 && err.offset <= s.n &&
		    (strcmp(err.what, "unexpected end") == 0 ||
		    (strcmp(err.what, "invalid UTF-8") == 0 &&
		    (unsigned char)s.p[s.n] >= 0x80));
	ok(good, "a text cut anywhere is refused");
	ok(parses(s, &err) == 0, "the whole of it is not");
}

static int
depth_parses(unsigned n, const char *open, const char *inner,
    const char *close, const char **what)
{
	struct buf		 b;
	struct json_error	 err = { 0, "" };
	unsigned		 i;
	int			 res;

	buf_init(&b, 1 << 20);
	for (i = 0; i < n; i++)
		buf_addz(&b, open);
	buf_addz(&b, inner);
	for (i = 0; i < n; i++)
		buf_addz(&b, close);
	res = parses(buf_str(&b), &err);
	buf_release(&b);
	*what = err.what;
	return res;
}

static void
test_depth(void)
{
	const char	*what;

	ok(depth_parses(128, "[", "1", "]", &what) == 0, "128 arrays");
	ok(depth_parses(129, "[", "1", "]", &what) == -1 &&
	    strcmp(what, "nested too deeply") == 0, "129 arrays");
	ok(depth_parses(128, "{\"a\":", "{}", "}", &what) == -1 &&
	    strcmp(what, "nested too deeply") == 0, "129 objects");
	ok(depth_parses(64, "[{\"a\":", "1", "}]", &what) == 0,
	    "64 arrays of 64 objects");
	ok(depth_parses(100000, "[", "", "", &what) == -1,
	    "100,000 open brackets");
}

/* --- walking ---------------------------------------------------------------- */

static void
test_walk(void)
{
	struct json	 j;
	struct jv	 root, v, e;
	char		 order[64] = "";
	size_t		 n = 0;

	json_init(&j);
	if (json_parse(&j, STR(sample), NULL) == -1)
		abort();
	root = json_root(&j);
	ok(json_type(root) == JSON_OBJECT && json_count(root) == 7, "the root");
	ok(str_eq(json_raw(root), STR(sample)), "the root's text");
	for (e = json_first(root); json_ok(e); e = json_next(e))
		n += (size_t)snprintf(order + n, sizeof(order) - n, "%.*s.",
		    STR_FMT(json_str(&ar, json_key(e))));
	ok(strcmp(order, "model.n.t.f.z.messages.role.") == 0,
	    "members in order");
	ok(str_is(json_raw(json_get(root, "n")), "-12.5e+3"), "a number's text");
	ok(str_is(json_raw(json_get(root, "model")), "\"m\\\"x\""),
	    "a string's text has its quotes");
	ok(json_get(root, "model").i != 0 &&
	    str_is(json_str(&ar, json_get(root, "model")), "m\"x"), "json_str");
	ok(json_is(json_get(root, "model"), "m\"x") &&
	    !json_is(json_get(root, "model"), "m\"xx") &&
	    !json_is(json_get(root, "model"), "m\"") &&
	    !json_is(json_get(root, "n"), "-12.5e+3"), "json_is");
	ok(json_type(json_get(root, "t")) == JSON_TRUE &&
	    json_type(json_get(root, "f")) == JSON_FALSE &&
	    json_type(json_get(root, "z")) == JSON_NULL, "words");
	ok(json_empty(json_get(root, "z")) && json_empty(json_get(root, "x")) &&
	    !json_empty(json_get(root, "f")), "json_empty");

	v = json_get(root, "messages");
	ok(json_type(v) == JSON_ARRAY && json_count(v) == 4, "an array");
	e = json_first(v);
	ok(!json_ok(json_key(e)) && !json_key_is(e, "role"),
	    "an element has no name");
	ok(json_is(json_get(e, "role"), "user"), "a member of an element");
	ok(json_is(json_get(e, "content"),
	    "gr\xc3\xbc\xc3\x9f \xc3\xa4\xf0\x9f\x98\x80"), "escapes compared");
	e = json_next(e);
	ok(json_type(e) == JSON_ARRAY && !json_ok(json_first(e)) &&
	    json_count(e) == 0, "an empty array");
	e = json_next(e);
	ok(json_type(e) == JSON_OBJECT && !json_ok(json_first(e)) &&
	    !json_ok(json_get(e, "role")), "an empty object");
	e = json_next(e);
	ok(json_count(e) == 2 && !json_ok(json_next(e)), "the last element");
	ok(json_is(json_get(root, "role"), "last"),
	    "a member behind deeper ones");

	v = json_at(&j, json_get(root, "messages").i);
	ok(json_count(v) == 4 && !json_ok(json_next(v)) &&
	    json_key_is(v, "messages"), "json_at");
	ok(json_key_in(v, (const char *const[]){ "mess", "messagesX", "messages",
	    NULL }) && !json_key_in(v, (const char *const[]){ "mess",
	    "messages2", "", NULL }) && !json_key_in(JV_NONE,
	    (const char *const[]){ "", NULL }), "json_key_in");
	ok(!json_ok(json_at(&j, j.n)), "json_at behind the end");
	json_release(&j);
	ok(!json_ok(json_root(&j)), "nothing is left when released");
}

static void
test_missing(void)
{
	struct jv	 v = json_get(json_get(JV_NONE, "a"), "b");
	int64_t		 n;
	double		 d;

	ok(json_type(v) == JSON_MISSING && json_empty(v) && json_count(v) == 0 &&
	    json_raw(v).p == NULL && json_jstr(v).p == NULL &&
	    json_str(&ar, v).p == NULL && !json_is(v, "") &&
	    !json_ok(json_first(v)) && !json_ok(json_next(v)) &&
	    !json_ok(json_key(v)) && json_int(v, &n) == -1 &&
	    json_double(v, &d) == -1, "every accessor takes what is missing");
	ok(strcmp(json_type_name(JSON_STRING), "a string") == 0 &&
	    strcmp(json_type_name(JSON_OBJECT), "an object") == 0 &&
	    strcmp(json_type_name(JSON_NULL), "null") == 0,
	    "json_type_name");
}

static void
test_duplicates(void)
{
	struct json	 j;
	struct jv	 root;

	json_init(&j);
	ok(json_parse(&j, STR("{\"a\":1,\"b\":2,\"\\u0061\":3}"), NULL) == 0,
	    "a name twice is JSON");
	root = json_root(&j);
	ok(str_is(json_raw(json_get(root, "a")), "3"),
	    "the last one counts, escaped or not");
	ok(json_parse(&j, STR("[{\"a\":{\"b\":1}},{\"b\":2}]"), NULL) == 0 &&
	    j.n == 9, "used again");
	ok(!json_ok(json_get(json_root(&j), "a")) &&
	    !json_ok(json_get(json_first(json_root(&j)), "b")),
	    "json_get stays in its object");
	json_release(&j);
}

/* The paths of all nodes, one a line. */
static void
test_path(void)
{
	static const char	 want[] =
	    "\n" "a\n" "a\n" "a.b\n" "a.b\n" "a.b[0]\n" "a.b[1]\n"
	    "a.b[1].x y\n" "a.b[1].x y\n" "a.b[2]\n" "a.b[2][0]\n"
	    "a.b[2][0][0]\n" "c\n" "c\n";
	struct json	 j;
	struct buf	 b;
	uint32_t	 i;

	buf_init(&b, 1000);
	json_init(&j);
	if (json_parse(&j, STR("{\"a\":{\"b\":[1,{\"x y\":2},[[3]]]},"
	    "\"c\":null}"), NULL) == -1)
		abort();
	for (i = 0; i < j.n; i++) {
		buf_adds(&b, json_path(&ar, &j, i));
		buf_addc(&b, '\n');
	}
	ok(str_is(buf_str(&b), want), "json_path of every node");
	ok(json_path(&ar, &j, j.n).n == 0, "json_path of none");
	ok(json_parse(&j, STR("[[],[7]]"), NULL) == 0 &&
	    str_is(json_path(&ar, &j, 3), "[1][0]"), "json_path from an array");
	json_release(&j);
	buf_release(&b);
}

/* --- numbers and strings ---------------------------------------------------- */

static void
test_int(void)
{
	static const struct { const char *text; bool whole; int64_t v; } t[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "3", true, 3 },
		{ "3.0", true, 3 }, { "3e2", true, 300 }, { "3E+2", true, 300 },
		{ "300e-2", true, 3 }, { "-1.50e1", true, -15 },
		{ "0.003e3", true, 3 }, { "0e400", true, 0 },
		{ "0.000e-400", true, 0 }, { "1.000000000000000000000", true, 1 },
		{ "1000000000000000000000e-21", true, 1 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9.223372036854775807e18", true, INT64_MAX },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "9223372036854775807e1", false, 0 },
		{ "1e18", true, 1000000000000000000 }, { "1e19", false, 0 },
		{ "1e400", false, 0 }, { "1e-1", false, 0 }, { "1.5", false, 0 },
		{ "0.1", false, 0 }, { "1e99999999999999999999", false, 0 },
		{ "1e-99999999999999999999", false, 0 },
		{ "0e99999999999999999999", true, 0 },
		{ "123456789012345678901234567890", false, 0 },
		{ "\"3\"", false, 0 }, { "null", false, 0 }, { "[3]", false, 0 },
	};
	struct json	 j;
	int64_t		 v;
	size_t		 i;
	int		 res;

	json_init(&j);
	for (i = 0; i < N(t); i++) {
		if (json_parse(&j, str_of(t[i].text), NULL) == -1)
			abort();
		v = 0;
		res = json_int(json_root(&j), &v);
		ok(t[i].whole ? res == 0 && v == t[i].v : res == -1,
		    "json_int of %s", t[i].text);
	}
	json_release(&j);
}

static void
test_double(void)
{
	struct json	 j;
	struct buf	 b;
	double		 d = 0;
	int		 i;

	json_init(&j);
	buf_init(&b, 1000);
	ok(json_parse(&j, STR("[0.7,1e400,-2.5e-3,5e-324]"), NULL) == 0 &&
	    json_double(json_at(&j, 1), &d) == 0 && d > 0.69999 && d < 0.70001,
	    "json_double");
	ok(json_double(json_at(&j, 2), &d) == -1, "json_double of 1e400");
	ok(json_double(json_at(&j, 3), &d) == 0 && fabs(d + 0.0025) < 1e-9,
	    "json_double below zero");
	ok(json_double(json_at(&j, 4), &d) == 0 && d > 0,
	    "json_double of the smallest");
	buf_addz(&b, "1.");
	for (i = 0; i < 500; i++)
		buf_addc(&b, '0');
	buf_addz(&b, "e2");
	ok(json_parse(&j, buf_str(&b), NULL) == 0 &&
	    json_double(json_root(&j), &d) == 0 && fabs(d - 100) < 1e-9,
	    "json_double of a long one");
	json_release(&j);
	buf_release(&b);
}

static void
test_jstr(void)
{
	static const struct { struct jstr esc; struct str plain; } t[] = {
		{ JSTR(""), STR("") }, { JSTR("abc"), STR("abc") },
		{ JSTR("\\n"), STR("\n") },
		{ JSTR("a\\\"b\\\\c\\/d"), STR("a\"b\\c/d") },
		{ JSTR("\\b\\f\\n\\r\\t"), STR("\b\f\n\r\t") },
		{ JSTR("\\u0000x"), STR("\0x") },
		{ JSTR("\\u007f\\u0080\\u07ff\\u0800\\uffff"),
		    STR("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf") },
		{ JSTR("\\ud83d\\uDE00!"), STR("\xf0\x9f\x98\x80!") },
		{ JSTR("\\ud800\\udc00\\udbff\\udfff"),
		    STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },
		{ JSTR("\\ud83d"), STR("\xef\xbf\xbd") },
		{ JSTR("\\ud83dx"), STR("\xef\xbf\xbdx") },
		{ JSTR("\\ud83d\\n"), STR("\xef\xbf\xbd\n") },
		{ JSTR("\\ud83d\\u0041"), STR("\xef\xbf\xbd" "A") },
		{ JSTR("\\ud83d\\ud83d\\ude00"),
		    STR("\xef\xbf\xbd\xf0\x9f\x98\x80") },
		{ JSTR("\\ude00\\ud83d"), STR("\xef\xbf\xbd\xef\xbf\xbd") },
		/* Never out of json_parse, yet nothing may break. */
		{ JSTR("\\u"), STR("u") }, { JSTR("\\u12"), STR("u12") },
		{ JSTR("x\\"), STR("x\\") }, { JSTR("\\ud83d\\u"),
		    STR("\xef\xbf\xbdu") }, { JSTR("\\q"), STR("q") },
	};
	size_t		 i;
	struct str	 s;
	struct arena	 a;

	for (i = 0; i < N(t); i++) {
		arena_init(&a);
		s = jstr_decode(&a, t[i].esc);
		ok(str_eq(s, t[i].plain), "jstr_decode of %.*s",
		    STR_FMT(t[i].esc));
		arena_release(&a);
	}
	s = jstr_decode(&ar, t[1].esc);
	ok(s.p == t[1].esc.p, "jstr_decode copies only if need be");
}

static bool
escapes_to(struct str s, const char *want)
{
	struct jstr	 e = jstr_encode(&ar, s);

	return str_is((struct str){ e.p, e.n }, want);
}

static void
test_escape(void)
{
	static const char	 plain[] = "nothing to escape \xc3\xa4\x7f";
	struct buf		 b;
	struct str		 s;
	struct jstr		 e;
	char			 one[20];
	unsigned		 c;
	size_t			 i;
	bool			 good = true;

	e = jstr_encode(&ar, STR(plain));
	ok(e.p == plain && e.n == sizeof(plain) - 1,
	    "jstr_encode copies only if need be");
	ok(escapes_to(STR("a\"b\\c/\b\f\n\r\t\x01\x1f\0"),
	    "a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000"),
	    "what must be escaped");
	ok(escapes_to(STR("a\xff\xc3\xa4\xc3\n\xed\xa0\x80"),
	    "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\\n"
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	    "what is not UTF-8 is replaced");
	ok(escapes_to(STR_NONE, ""), "nothing");
	buf_init(&b, 1000);
	for (c = 0; c < 0x80; c++) {
		for (i = 0; i < sizeof(one); i++) {
			memset(one, 'x', sizeof(one));
			one[i] = (char)c;
			s = (struct str){ one, sizeof(one) };
			buf_clear(&b);
			buf_addc(&b, '"');
			json_escape(&b, s);
			buf_addc(&b, '"');
			good &= parses(buf_str(&b), NULL) == 0 && str_eq(s,
			    jstr_decode(&ar, (struct jstr){ b.data + 1,
			    b.len - 2 }));
		}
	}
	ok(good, "every ASCII byte at every place comes back");
	buf_release(&b);
}

/* --- writing ---------------------------------------------------------------- */

static void
write_all(struct jw *w)
{
	jw_object(w);
	jw_key(w, "a");
	jw_array(w);
	jw_int(w, 0);
	jw_int(w, INT64_MIN);
	jw_int(w, INT64_MAX);
	jw_object(w);
	jw_object_end(w);
	jw_array(w);
	jw_array_end(w);
	jw_bool(w, true);
	jw_bool(w, false);
	jw_null(w);
	jw_array_end(w);
	jw_key_str(w, STR("b\n"));
	jw_str(w, STR("x\"y"));
	jw_key_jstr(w, JSTR("c\\n"));
	jw_jstr(w, JSTR("z\\u0041"));
	jw_key(w, "d");
	jw_raw(w, STR("{\r\n \"e\": [1,\n\n 2]\n}"));
	jw_key(w, "e");
	jw_raw(w, STR_NONE);
	jw_key(w, "f");
	jw_open(w);
	jw_piece_str(w, STR("p\t"));
	jw_piece_jstr(w, JSTR("\\t"));
	jw_close(w);
	jw_key(w, "g");
	jw_strz(w, "");
	jw_object_end(w);
}

static void
test_write(void)
{
	static const char	 want[] =
	    "{\"a\":[0,-9223372036854775808,9223372036854775807,{},[],true,"
	    "false,null],\"b\\n\":\"x\\\"y\",\"c\\n\":\"z\\u0041\","
	    "\"d\":{ \"e\": [1, 2]},\"e\":null,\"f\":\"p\\t\\t\",\"g\":\"\"}";
	struct buf	 b;
	struct jw	 w;
	size_t		 max;
	bool		 good = true;

	buf_init(&b, 1000);
	jw_init(&w, &b);
	write_all(&w);
	ok(str_is(buf_str(&b), want), "the writer");
	ok(parses(buf_str(&b), NULL) == 0, "what it writes is JSON");
	buf_release(&b);
	for (max = 0; max < sizeof(want) - 1; max++) {
		buf_init(&b, max);
		jw_init(&w, &b);
		write_all(&w);
		good &= !buf_ok(&b) && b.len <= max;
		buf_release(&b);
	}
	ok(good, "a full buffer is seen at the end");
}

/* --- time ------------------------------------------------------------------- */

/* What a coding agent sends: turns of code, full of escapes. */
static void
body_make(struct buf *b, size_t size)
{
	static const char	 code[] =
	    "static int\nnode_add(struct node *n, const char *name)\n{\n"
	    "\tif (n->count == 0)\n\t\treturn fault(n, \"no room: '%s'\\n\");\n"
	    "\t/* Order is kept, as the caller reads them in turn. */\n"
	    "\tn->names[n->count++] = name;\n\treturn 0;\n}\n\n";
	struct jw	 w;
	int		 i, k;

	jw_init(&w, b);
	jw_object(&w);
	jw_key(&w, "messages");
	jw_array(&w);
	for (i = 0; b->len < size; i++) {
		jw_object(&w);
		jw_key(&w, "role");
		jw_strz(&w, i % 2 == 0 ? "user" : "assistant");
		jw_key(&w, "content");
		jw_open(&w);
		for (k = 0; k < 10; k++)
			jw_piece_str(&w, STR(code));
		jw_close(&w);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
}

/* Is text, in quotes, a string of JSON?  Byte by byte; plain ASCII only. */
static bool
is_string(const char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		if ((unsigned char)p[i] < ' ' || p[i] == '"')
			return false;
		if (p[i] == '\\' && (++i == n ||
		    strchr("\"\\/bfnrt", p[i]) == NULL))
			return false;
	}
	return true;
}

/*
 * The string of n bytes at text, with its quotes; alone, or with others around
 * it: short ones are looked at otherwise where more follows.
 */
static bool
string_parses(struct json *j, const char *text, size_t n, bool amid,
    bool *escaped, size_t *len)
{
	char	 list[300];
	size_t	 at = amid ? 4 : 0;

	memset(list, ' ', sizeof(list));
	memcpy(list, "[\"\",", at);
	memcpy(list + at, text, n + 2);
	list[sizeof(list) - 1] = ']';
	if (json_parse(j, (struct str){ list, amid ? sizeof(list) : n + 2 },
	    NULL) == -1)
		return false;
	*escaped = j->nodes[amid ? 2 : 0].escaped;
	*len = j->nodes[amid ? 2 : 0].len;
	return true;
}

/* Escapes and UTF-8 at all places of the blocks that are looked at at once. */
static void
test_blocks(void)
{
	static const char	 set[] = "aaaaaaaa\\\\\\\\n\"tx\x01\xc3\xc3";
	char			 text[256];
	uint32_t		 seed = 1;
	struct json		 j;
	size_t			 n, i, len = 0, good = 0, wrong = 0;
	int			 round;
	bool			 want, got, escaped, has = false;

	json_init(&j);
	for (round = 0; round < 200000; round++) {
		seed = seed * 1664525 + 1013904223;
		n = (seed >> 16) % (round % 8 < 4 ? 200 : 20);
		for (i = 0; i < n; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i + 1] = (seed >> 16) % 4 != 0 ? 'a' :
			    set[(seed >> 20) % (sizeof(set) - 1)];
		}
		/* Most of them right: pairs in place of what is wrong. */
		for (i = 1; i <= n && round % 4 != 0; i++) {
			if (text[i] == '\\' && i < n)
				text[++i] = "n\"\\t"[seed >> 30];
			else if (text[i] == '\xc3' && i < n)
				text[++i] = '\xa4';
			else if (text[i] == '"' || i == n ||
			    (unsigned char)text[i] < ' ')
				text[i] = 'b';
		}
		text[0] = text[n + 1] = '"';
		want = is_string(text + 1, n) &&
		    utf8_valid((struct str){ text + 1, n });
		escaped = memchr(text + 1, '\\', n) != NULL;
		got = string_parses(&j, text, n, round % 16 < 8, &has, &len);
		good += want;
		wrong += got != want || (got && (len != n || has != escaped));
	}
	ok(wrong == 0 && good > 50000, "%zu strings, good and bad, are taken "
	    "for what they are", (size_t)round);
	json_release(&j);
}

/* Where UTF-8 ends, told by the place of the fault, at all places of blocks. */
static void
test_utf8_places(void)
{
	static const char *const	 part[] = { "abcdefgh", "a", "\xc3\xa4",
	    "\xe4\xbd\xa0", "\xed\x9f\xbf", "\xf0\x9f\x98\x80",
	    "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80" };
	static char		 text[20000];
	uint32_t		 seed = 7;
	struct json_error	 je;
	struct json		 j;
	size_t			 n, good, faults = 0, wrong = 0;
	int			 round, got;

	json_init(&j);
	for (round = 0; round < 100000; round++) {
		text[0] = '"';
		for (n = 1; n < 400 || (round % 100 == 0 && n < 19000);
		    n += strlen(part[seed >> 29])) {
			seed = seed * 1664525 + 1013904223;
			memcpy(text + n, part[seed >> 29],
			    strlen(part[seed >> 29]));
		}
		if (round % 4 != 0)
			text[1 + (seed >> 8) % (n - 1)] = (char)(0x80 |
			    seed >> 24);
		text[n] = '"';
		for (good = 0; good <= n && (text[good] & 0x80) == 0; )
			good += 1 + utf8_run((struct str){ text + good + 1,
			    n - good });
		got = json_parse(&j, (struct str){ text, n + 1 }, &je);
		faults += got == -1;
		wrong += got == 0 ? good <= n : good > n ||
		    je.offset != good;
	}
	ok(wrong == 0 && faults > 30000 && faults < 70000, "%zu of %d texts "
	    "that are not UTF-8 end where they do", faults, round);
	json_release(&j);
}

static void
test_time(void)
{
	struct buf	 b;
	struct json	 j;
	int64_t		 t, best = INT64_MAX;
	int		 i;

	buf_init(&b, 1 << 20);
	json_init(&j);
	body_make(&b, 400000);
	for (i = 0; i < 20; i++) {
		t = clock_mono_us();
		if (json_parse(&j, buf_str(&b), NULL) == -1)
			break;
		t = clock_mono_us() - t;
		best = t < best ? t : best;
	}
	ok(i == 20, "a body of %zu bytes", b.len);
	printf("# parsed in %lld us\n", (long long)best);
	json_release(&j);
	buf_release(&b);
}

int
main(void)
{
	arena_init(&ar);
	test_accept();
	test_reject();
	test_cut();
	test_depth();
	test_walk();
	test_missing();
	test_duplicates();
	test_path();
	test_int();
	test_double();
	test_jstr();
	test_escape();
	test_write();
	test_blocks();
	test_utf8_places();
	test_time();
	arena_release(&ar);
	return done();
}
