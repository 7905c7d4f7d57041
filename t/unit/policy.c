/*
 * common/policy: who may ask, where a request goes, which key it gets.
 */
#include "policy/access.h"
#include "policy/keypick.h"
#include "policy/route.h"
#include "tap.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* --- who may ask -------------------------------------------------------------- */

static void
test_host(void)
{
	static const struct {
		const char	*host;
		bool		 ok;
	} tests[] = {
		{ "localhost", true },
		{ "localhost:8000", true },
		{ "LOCALHOST", true },
		{ "LocalHost:1", true },
		{ "localhost:", true },
		{ "127.0.0.1", true },
		{ "127.0.0.1:8000", true },
		{ "127.9.9.9", true },
		{ "127.255.255.254:80", true },
		{ "[::1]", true },
		{ "[::1]:1", true },
		{ "[0:0:0:0:0:0:0:1]:8000", true },
		{ "gate.example", true },
		{ "Gate.Example:8000", true },
		{ "", false },
		{ ":8000", false },
		{ "localhost.evil.example", false },
		{ "evil.example", false },
		{ "evil.localhost", false },
		{ "localhost@evil.example", false },
		{ "localhost,evil.example", false },
		{ "localhost evil.example", false },
		{ " localhost", false },
		{ "localhos", false },
		{ "localhostx", false },
		{ "gate.example.evil.example", false },
		{ "xgate.example", false },
		{ "gate.exampl", false },
		{ "127.0.0.1.evil.example", false },
		{ "127.0.0.1.nip.io:8000", false },
		{ "128.0.0.1", false },
		{ "126.255.255.255", false },
		{ "0.0.0.0:8000", false },
		{ "0", false },
		{ "10.0.0.1", false },
		{ "192.168.127.1", false },
		/* Other spellings of 127.0.0.1, which only a trick would use. */
		{ "2130706433", false },
		{ "0x7f000001", false },
		{ "0x7f.0.0.1", false },
		{ "0177.0.0.1", false },
		{ "127.1", false },
		{ "127.0.1", false },
		{ "127.0.0.01", false },
		{ "127.0.0.256", false },
		{ "127.0.0.1.", false },
		{ "::1", false },
		{ "[::1", false },
		{ "[]", false },
		{ "[", false },
		{ "[::]", false },
		{ "[::2]:8000", false },
		{ "[::ffff:127.0.0.1]", false },
		{ "[::1%25lo]", false },
		{ "[fe80::1]", false },
		{ "[::1].evil.example", false },
		{ "[localhost].evil.example:8000", false },
		{ "[::1]evil.example", false },
		{ "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]",
		    false },
	};
	struct str	 names[] = { STR("other.example"),
			    STR("gate.example") };
	struct str	 empty = STR_NONE;
	size_t		 i;

	for (i = 0; i < N(tests); i++)
		ok(access_host_ok(str_of(tests[i].host), names, N(names)) ==
		    tests[i].ok, "Host '%s': %s", tests[i].host,
		    tests[i].ok ? "this machine" : "refused");
	ok(!access_host_ok(STR("gate.example"), names, 0),
	    "a name is refused that is not in the list");
	ok(!access_host_ok(STR_NONE, &empty, 1),
	    "no Host is refused, even where a name is empty");
	ok(!access_host_ok(STR("localhost.evil.example"), &empty, 1),
	    "an empty name matches nothing");
}

static void
test_deny(void)
{
	static const struct {
		const char	*what;
		bool		 loopback;
		const char	*host;
		const char	*origin;
		bool		 forwarded;
		const char	*names;		/* in the reason; NULL: may */
	} tests[] = {
		{ "this machine", true, "localhost:8000", "", false,
		    NULL },
		{ "a configured Host", true, "gate.example", "", false,
		    NULL },
		{ "another machine", false, "localhost:8000", "", false,
		    "ALLOW_ANONYMOUS" },
		{ "another machine, by a configured Host", false,
		    "gate.example", "", false, "ALLOW_ANONYMOUS" },
		{ "through a proxy", true, "localhost", "", true,
		    "forwarded" },
		{ "a web page", true, "localhost:8000", "http://evil.example",
		    false, "Origin" },
		{ "a sandboxed one", true, "localhost:8000", "null", false,
		    "Origin" },
		{ "a page of another port", true, "localhost:8000",
		    "http://localhost:3000", false, "Origin" },
		{ "our own page", true, "localhost:8000",
		    "http://LOCALHOST:8000", false, NULL },
		{ "our own page, by a configured Host", true, "gate.example",
		    "https://gate.example", false, NULL },
		{ "its page after DNS rebinding", true, "evil.example:8000",
		    "http://evil.example:8000", false, "ALLOWED_HOSTS" },
		{ "no Host, and an empty Origin", true, "", "http://", false,
		    "Origin" },
		{ "DNS rebinding", true, "evil.example:8000", "", false,
		    "ALLOWED_HOSTS" },
		{ "no Host", true, "", "", false, "ALLOWED_HOSTS" },
	};
	struct str		 hosts[] = { STR("gate.example") };
	struct snapshot		 s = { .hosts = hosts, .nhosts = 1 };
	struct access_facts	 f;
	const char		*why;
	size_t			 i;

	for (i = 0; i < N(tests); i++) {
		f = (struct access_facts){ tests[i].loopback,
		    str_of(tests[i].host), str_of(tests[i].origin),
		    tests[i].forwarded };
		s.allow_anonymous = false;
		why = access_deny(&s, &f);
		if (tests[i].names == NULL)
			ok(why == NULL, "%s: served", tests[i].what);
		else
			ok(why != NULL && strstr(why, tests[i].names) != NULL,
			    "%s: refused, and told of %s", tests[i].what,
			    tests[i].names);
		s.allow_anonymous = true;
		ok(access_deny(&s, &f) == NULL,
		    "%s: served with ALLOW_ANONYMOUS", tests[i].what);
	}
}

/* --- where it goes ------------------------------------------------------------ */

static void
test_family(void)
{
	static const struct {
		const char	*model, *family;
	} tests[] = {
		{ "claude-3-opus-20240229", "anthropic" },
		{ "claude-", "anthropic" },
		{ "gemini-pro", "gemini" },
		{ "gpt-4o-mini", "openai" },
		{ "chatgpt-4o", "openai" },
		{ "chatgpt-4o-latest", "openai" },
		{ "o1", "openai" },
		{ "o3-mini", "openai" },
		{ "o4-mini-2025-04-16", "openai" },
		{ "o10", "openai" },
		{ "mock-echo", "mock" },
		{ "oz", "" },
		{ "opus", "" },
		{ "o", "" },
		{ "o-1", "" },
		{ "o1x", "" },
		{ "o1.5", "" },
		{ "1o", "" },
		{ "claude", "" },
		{ "gpt4", "" },
		{ "my-gpt-4", "" },
		{ "anthropic/claude-3", "" },
		{ "mock", "" },
		{ "", "" },
	};
	size_t	 i;

	for (i = 0; i < N(tests); i++)
		ok(str_is(route_family(str_of(tests[i].model)),
		    tests[i].family), "family of '%s' is '%s'",
		    tests[i].model, tests[i].family);
}

enum { OPENAI, ANTHROPIC, GEMINI, MOCK, LOCAL, SECOND, PROVIDERS };

/* Six providers, six models by exact names; what a test varies, it sets. */
static struct snapshot
snapshot_make(void)
{
	static struct snap_provider	 p[PROVIDERS];
	static struct snap_model	 m[] = {
		{ STR("alias"), STR("claude-x"), ANTHROPIC, -1, 0 },
		{ STR("claude-3-opus"), STR("llama"), LOCAL, -1, 0 },
		{ STR("direct"), STR("direct"), LOCAL, CONF_DIRECT, 0 },
		{ STR("gpt-4"), STR("claude-y"), ANTHROPIC,
		    CONF_TRANSFORMER, 0 },
		{ STR("mock-echo"), STR("gpt-real"), OPENAI, -1, 0 },
		{ STR("zeta"), STR("mock-echo"), MOCK, -1, 0 },
	};
	static const struct {
		struct str	 name, dialect, model;
	} init[PROVIDERS] = {
		[OPENAI] = { STR("openai"), STR("openai-chat"),
		    STR("gpt-default") },
		[ANTHROPIC] = { STR("anthropic"), STR("anthropic"),
		    STR("claude-default") },
		[GEMINI] = { STR("gemini"), STR("gemini"), STR_NONE },
		[MOCK] = { STR("mock"), STR("mock"), STR_NONE },
		[LOCAL] = { STR("local"), STR("openai-chat"),
		    STR("llama-default") },
		[SECOND] = { STR("second"), STR("anthropic"), STR_NONE },
	};
	struct snapshot	 s = { .mode = CONF_TRANSFORMER, .preferred = -1,
			    .providers = p, .nproviders = PROVIDERS,
			    .models = m, .nmodels = N(m) };
	size_t		 i;

	memset(p, 0, sizeof(p));
	for (i = 0; i < PROVIDERS; i++) {
		p[i].name = init[i].name;
		p[i].dialect = init[i].dialect;
		p[i].default_model = init[i].model;
	}
	return s;
}

struct route_test {
	const char	*dialect, *model;	/* asked */
	int		 mode, preferred;
	int		 provider;		/* -1: nothing serves it */
	const char	*sent, *why;
	int		 how;
};

#define T	CONF_TRANSFORMER
#define D	CONF_DIRECT
#define NOBODY	-1, NULL, NULL, 0

static const struct route_test route_tests[] = {
	/* exact names */
	{ "anthropic", "alias", T, -1, ANTHROPIC, "claude-x", "model", T },
	{ "openai-chat", "claude-3-opus", T, -1, LOCAL, "llama", "model", T },
	{ "openai-chat", "claude-3-opus", D, -1, LOCAL, "llama", "model", D },
	{ "openai-chat", "direct", T, -1, LOCAL, "direct", "model", D },
	{ "gemini", "gpt-4", D, GEMINI, ANTHROPIC, "claude-y", "model", T },
	{ "gemini", "mock-echo", T, -1, OPENAI, "gpt-real", "model", T },
	{ "gemini", "zeta", T, -1, MOCK, "mock-echo", "model", T },
	{ "gemini", "alia", T, -1, NOBODY },
	{ "gemini", "Alias", T, -1, NOBODY },
	/* families */
	{ "openai-chat", "claude-3", T, -1, ANTHROPIC, "claude-3", "family",
	    T },
	{ "openai-chat", "claude-3", T, OPENAI, ANTHROPIC, "claude-3",
	    "family", T },
	{ "anthropic", "gpt-5", T, ANTHROPIC, OPENAI, "gpt-5", "family", T },
	{ "anthropic", "o3-mini", T, ANTHROPIC, OPENAI, "o3-mini", "family",
	    T },
	{ "anthropic", "gemini-pro", T, -1, GEMINI, "gemini-pro", "family",
	    T },
	{ "gemini", "mock-tool", T, OPENAI, MOCK, "mock-tool", "family", T },
	{ "gemini", "mock-tool", D, OPENAI, MOCK, "mock-tool", "family", T },
	/* preferred */
	{ "openai-chat", "llama", T, ANTHROPIC, ANTHROPIC, "claude-default",
	    "preferred", T },
	{ "anthropic", "opus", T, LOCAL, LOCAL, "llama-default", "preferred",
	    T },
	{ "anthropic", "opus", T, GEMINI, NOBODY },	/* no default model */
	{ "anthropic", "opus", T, -1, NOBODY },
	{ "anthropic", "", T, -1, NOBODY },
	/* direct: the path's dialect decides */
	{ "anthropic", "gpt-5", D, -1, ANTHROPIC, "gpt-5", "direct", D },
	{ "anthropic", "gpt-5", D, SECOND, SECOND, "gpt-5", "direct", D },
	{ "anthropic", "gpt-5", D, OPENAI, ANTHROPIC, "gpt-5", "direct", D },
	{ "openai-chat", "claude-3", D, -1, OPENAI, "claude-3", "direct", D },
	{ "openai-chat", "x", D, LOCAL, LOCAL, "x", "direct", D },
	{ "openai-responses", "x", D, -1, OPENAI, "x", "direct", D },
	{ "openai-responses", "x", D, LOCAL, OPENAI, "x", "direct", D },
	{ "gemini", "x", D, OPENAI, GEMINI, "x", "direct", D },
	{ "unheard-of", "x", D, OPENAI, NOBODY },
};

static void
test_route(void)
{
	const struct route_test	*t;
	struct snapshot		 s = snapshot_make();
	struct route_facts	 f;
	struct route		 r;
	size_t			 i;
	bool			 right;
	int			 ret;

	for (i = 0; i < N(route_tests); i++) {
		t = &route_tests[i];
		s.mode = t->mode;
		s.preferred = t->preferred;
		f.dialect = str_of(t->dialect);
		f.model = str_of(t->model);
		ret = route_pick(&s, &f, &r);
		if (t->provider == -1)
			right = ret == -1;
		else
			right = ret == 0 && (int)r.provider == t->provider &&
			    str_is(r.model, t->sent) &&
			    strcmp(r.why, t->why) == 0 && r.mode == t->how;
		ok(right, "%s '%s', %s, preferred %d: %s '%s'", t->dialect,
		    t->model, t->mode == T ? "transformer" : "direct",
		    t->preferred, t->provider == -1 ? "nobody" : t->why,
		    t->provider == -1 ? "" : t->sent);
	}
}

static void
test_dialect(void)
{
	struct snapshot	 s = snapshot_make();

	ok(str_is(route_dialect(&s.providers[OPENAI],
	    STR("openai-responses")), "openai-responses"),
	    "openai is asked in Responses by a client of it");
	ok(str_is(route_dialect(&s.providers[OPENAI], STR("anthropic")),
	    "openai-chat"), "and in Chat Completions by others");
	ok(str_is(route_dialect(&s.providers[LOCAL],
	    STR("openai-responses")), "openai-chat"),
	    "another provider only in what it is said to speak");
}

/* --- which key ------------------------------------------------------------------ */

static int
pick(const struct keypick *k, unsigned n, uint32_t ticket, int64_t now,
    int64_t *wait)
{
	struct keypick_how	 how = { .ticket = ticket };

	return keypick(k, n, &how, now, wait);
}

static void
test_keypick(void)
{
	struct keypick	 k[4] = { { .enabled = true }, { .enabled = true },
			    { .enabled = true }, { .enabled = true } };
	int64_t		 wait;
	unsigned	 i;
	int		 seen[3] = { 0, 0, 0 };
	bool		 in_turn = true;

	for (i = 0; i < 8; i++)
		in_turn &= pick(k, 4, i, 1000, &wait) == (int)(i % 4);
	ok(in_turn, "keys take turns");
	ok(wait == -1, "no wait where one is found");
	ok(pick(k, 0, 7, 1000, &wait) == -1 && wait == -1,
	    "no keys: none, and no wait");
	k[1].tried = true;
	ok(pick(k, 4, 1, 1000, &wait) == 2, "a tried one is passed over");
	k[2].enabled = false;
	ok(pick(k, 4, 1, 1000, &wait) == 3, "so is a disabled one");
	k[3].cool_until_ms = 1001;
	ok(pick(k, 4, 1, 1000, &wait) == 0, "and one that rests");
	ok(pick(k, 4, 3, 1001, &wait) == 3, "until its time has come");
	k[0].cool_until_ms = 5000;
	ok(pick(k, 4, 0, 1000, &wait) == -1 && wait == 1,
	    "all rest: the shortest wait");
	ok(pick(k, 4, 3, 900, &wait) == -1 && wait == 101,
	    "whichever is looked at first");
	k[3].tried = true;
	ok(pick(k, 4, 0, 1000, &wait) == -1 && wait == 4000,
	    "a tried one is not waited for");
	k[0].enabled = false;
	ok(pick(k, 4, 0, 1000, &wait) == -1 && wait == -1,
	    "nor a disabled one");
	ok(pick(k, 1, 9, 1000, &wait) == -1 && wait == -1,
	    "one key, disabled");

	for (i = 0; i < 3; i++) {
		k[0] = k[1] = k[2] = (struct keypick){ .enabled = true,
		    .tried = true };
		k[i].tried = false;
		seen[i] = pick(k, 3, UINT32_MAX, 0, &wait);
	}
	ok(seen[0] == 0 && seen[1] == 1 && seen[2] == 2,
	    "every key is looked at where the ticket wraps");
}

static void
test_rest(void)
{
	ok(keypick_rest(-1, 0, 30000, 300000) == 30000, "no hint: the default");
	ok(keypick_rest(7, 0, 30000, 300000) == 7000, "the provider's hint");
	ok(keypick_rest(0, 0, 30000, 300000) == 0, "a hint of nothing");
	ok(keypick_rest(300, 0, 30000, 300000) == 300000, "a hint at the cap");
	ok(keypick_rest(301, 0, 30000, 300000) == 300000, "above it: the cap");
	ok(keypick_rest(INT32_MAX, 0, 30000, 300000) == 300000,
	    "a hint out of all proportion");
	ok(keypick_rest(-1, 0, 30000, 1000) == 1000,
	    "the cap holds for the default, too");
	ok(keypick_rest(-1, 3, 1000, 300000) == 8000 &&
	    keypick_rest(-1, 4000000000, 1000, 300000) == 300000 &&
	    keypick_rest(5, 3, 1000, 300000) == 5000 &&
	    keypick_rest(-1, 9, 0, 300000) == 0,
	    "it doubles, unless the provider says");
}

static void
test_strategies(void)
{
	struct keypick		 k[3] = {
		{ .id = 11, .enabled = true, .weight = 1, .priority = 1 },
		{ .id = 12, .enabled = true, .weight = 3, .priority = 2 },
		{ .id = 13, .enabled = true, .weight = 0, .priority = 2 } };
	struct keypick_how	 how = { .strategy = POOL_WEIGHTED };
	int			 n[3] = { 0, 0, 0 }, first, moved = 0;
	int64_t			 wait;
	uint64_t		 i;

	for (i = 1; i <= 4000; i++) {
		how.random = i * 0x9e3779b97f4a7c15;
		n[keypick(k, 3, &how, 0, &wait)]++;
	}
	ok(n[0] > 850 && n[0] < 1150 && n[2] == 0, "chances as the weights: "
	    "%d %d %d", n[0], n[1], n[2]);
	how.strategy = POOL_PRIORITY;
	ok(keypick(k, 3, &how, 0, &wait) == 1, "the highest priority");
	k[1].cool_until_ms = k[2].cool_until_ms = 5;
	ok(keypick(k, 3, &how, 0, &wait) == 0, "then the next");
	k[1].cool_until_ms = k[2].cool_until_ms = 0;
	how.strategy = POOL_LEAST_USED;
	k[0].inflight = 2;
	k[1].inflight = 1;
	k[2].inflight = 3;
	ok(keypick(k, 3, &how, 0, &wait) == 1, "the least used");
	how.strategy = POOL_ROUND_ROBIN;
	for (i = 1; i <= 300; i++) {
		how.session = i;
		how.ticket = 0;
		first = keypick(k, 3, &how, 0, &wait);
		how.ticket = 77;
		if (keypick(k, 3, &how, 0, &wait) != first)
			moved++;
		k[0].tried = true;
		if (first != 0 && keypick(k, 3, &how, 0, &wait) != first)
			moved++;
		k[0].tried = false;
	}
	ok(moved == 0, "a conversation keeps its key, whichever else goes");
	k[0].spare = k[1].spare = true;
	ok(keypick(k, 3, &how, 0, &wait) == 2, "headroom comes first");
	ok(keypick_backoff(1, 20, 1000, 20) == 20 &&
	    keypick_backoff(1, 20, 1000, 21) == 0 &&
	    keypick_backoff(9, 20, 1000, 1000) == 1000 &&
	    keypick_backoff(4000000000, 20, 1000, 1001) == 0,
	    "full jitter, within its bounds");
}

/* As a worker walks: the key that one look is enough for, or n. */
static unsigned
sure(const struct keypick *k, unsigned n, const struct keypick_how *how)
{
	unsigned	 i, at;

	for (i = 0; i < n; i++) {
		at = keypick_turn(how, n, i);
		if ((how->kept != 0 ? k[at].id == how->kept :
		    keypick_turns(how)) && keypick_sure(&k[at], how, 0))
			return at;
	}
	return n;
}

static void
test_sure(void)
{
	struct keypick		 k[7];
	struct keypick_how	 how;
	unsigned		 i, j, n, at, known = 0, wrong = 0;
	int64_t			 wait;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		n = 1 + (unsigned)random() % 7;
		for (j = 0; j < n; j++)
			k[j] = (struct keypick){ .id = j + 1,
			    .enabled = random() % 4 > 0,
			    .tried = random() % 4 == 0,
			    .spare = random() % 3 == 0,
			    .cool_until_ms = random() % 4 == 0,
			    .weight = (unsigned)random() % 3,
			    .priority = (unsigned)random() % 3,
			    .inflight = (unsigned)random() % 3 };
		how = (struct keypick_how){
		    .strategy = (enum pool_strategy)(random() % 5),
		    .ticket = (uint32_t)random() * 3,
		    .random = (uint64_t)random(),
		    .session = random() % 2 ? (uint64_t)random() : 0 };
		if (how.session != 0 && random() % 2)
			how.kept = 1 + (uint64_t)random() % 8;
		at = sure(k, n, &how);
		known += at < n;
		wrong += at < n && keypick(k, n, &how, 0, &wait) != (int)at;
	}
	ok(wrong == 0 && known > 2000, "sure of %u of 20000, wrong in %u",
	    known, wrong);
}

int
main(void)
{
	test_sure();
	test_host();
	test_deny();
	test_family();
	test_route();
	test_dialect();
	test_keypick();
	test_rest();
	test_strategies();
	return done();
}
