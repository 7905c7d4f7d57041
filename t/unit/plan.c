/*
 * Rules against requests, as a table; the order of targets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/route_plan.h"
#include "state/store_object.h"
#include "tap.h"
#include "wire/ir.h"

static struct store	*store;
static struct secret_box *box;
static struct object_error e;
static char		 err[512];

static void
make(enum object_kind k, const char *json)
{
	int64_t	 id;

	ok(store_object_create(store, box, k, str_of(json), &id, &e) ==
	    OBJECT_OK, "%s %s %s", json, e.field, e.text);
}

#define RULE(name, match)						\
	make(OBJECT_RULE, "{\"name\":\"" name "\",\"match\":" match ","	\
	    "\"targets\":[{\"provider\":\"one\"}]}")

static void
rules(void)
{
	RULE("client", "{\"client\":\"gemini\",\"path\":\"/v1beta/*\"}");
	RULE("tokens", "{\"tokens\":{\"above\":100,\"below\":200}}");
	RULE("media", "{\"has\":[\"image\",\"tools\"],\"has_not\":\"audio\"}");
	RULE("night", "{\"time\":{\"from\":\"22:00\",\"to\":\"06:00\","
	    "\"days\":[\"fri\"]}}");
	RULE("all", "{\"keywords\":{\"all\":[\"red\",\"blue\"],"
	    "\"in\":\"system\"}}");
	RULE("tenant", "{\"tenant\":\"team-*\",\"client_key\":\"k\"}");
	RULE("stream", "{\"stream\":true,\"model\":[\"a*\",\"b\"]}");
}

static const struct {
	const char		*what, *rule;
	struct plan_facts	 f;
} tests[] = {
#define F(...)	{ .name = { STR("anthropic"), STR("x") }, .tokens = 5,	\
	.minute = 720, __VA_ARGS__ }
	{ "nothing", NULL, F(.weekday = 1) },
	{ "a dialect and a path", "client", { .name = { STR("gemini"),
	    STR("x") }, .path = STR("/v1beta/models/x"), .minute = 720 } },
	{ "another path", NULL, { .name = { STR("gemini"), STR("x") },
	    .path = STR("/v1/models"), .minute = 720 } },
	{ "tokens: at the lower bound", NULL, { .name = { STR("anthropic"),
	    STR("x") }, .tokens = 100, .minute = 720 } },
	{ "above it", "tokens", { .name = { STR("anthropic"), STR("x") },
	    .tokens = 101, .minute = 720 } },
	{ "at the upper bound", NULL, { .name = { STR("anthropic"),
	    STR("x") }, .tokens = 200, .minute = 720 } },
	{ "both needs", "media", F(.need = IR_NEED_IMAGE | IR_NEED_TOOLS) },
	{ "one of them", NULL, F(.need = IR_NEED_IMAGE) },
	{ "what it must not have", NULL, F(.need = IR_NEED_IMAGE |
	    IR_NEED_TOOLS | IR_NEED_AUDIO) },
	{ "friday night", "night", { .name = { STR("anthropic"), STR("x") },
	    .tokens = 5, .minute = 23 * 60, .weekday = 5 } },
	{ "... which lasts till saturday", "night", { .name = {
	    STR("anthropic"), STR("x") }, .tokens = 5, .minute = 359,
	    .weekday = 6 } },
	{ "... till six", NULL, { .name = { STR("anthropic"), STR("x") },
	    .tokens = 5, .minute = 360, .weekday = 6 } },
	{ "not that of thursday", NULL, { .name = { STR("anthropic"),
	    STR("x") }, .tokens = 5, .minute = 30, .weekday = 5 } },
	{ "all words", "all", F(.system = STR("BLUE and Red")) },
	{ "one word", NULL, F(.system = STR("blue")) },
	{ "words elsewhere", NULL, F(.user = STR("blue red")) },
	{ "a tenant's key", "tenant", F(.tenant = STR("team-a"),
	    .client_key = STR("k")) },
	{ "a tenant's other key", NULL, F(.tenant = STR("team-a"),
	    .client_key = STR("j")) },
	{ "a stream of a model", "stream", { .name = { STR("anthropic"),
	    STR("abc") }, .tokens = 5, .stream = true, .minute = 720 } },
	{ "of another", NULL, F(.stream = true) },
};

static void
each_rule(void *arg, const struct snap_rule *r, const char *why_not)
{
	unsigned	*seen = arg;

	(void)r;
	(void)why_not;
	++*seen;
}

/* By the index, and with every rule looked at: it is the same one. */
static int
plan(const struct snapshot *n, const struct plan_facts *f, struct plan *p)
{
	struct plan	 traced;
	struct arena	 a;
	unsigned	 seen = 0;
	int		 rc;

	arena_init(&a);
	rc = plan_make(n, f, &a, p, NULL, NULL);
	if (plan_make(n, f, &a, &traced, each_rule, &seen) != rc ||
	    (rc == 0 && traced.rule != p->rule) ||
	    (rc == 0 && traced.rule == NULL && seen != n->nrules))
		ok(false, "the index passes no rule over that matches");
	arena_release(&a);
	return rc;
}

static void
test_rules(const struct snapshot *n)
{
	struct plan	 p;
	unsigned	 i;
	int		 rc;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		rc = plan(n, &tests[i].f, &p);
		ok(tests[i].rule == NULL ? rc == -1 || p.rule == NULL :
		    rc == 0 && p.rule != NULL &&
		    str_is(p.rule->name, tests[i].rule), "%s: %s",
		    tests[i].what, tests[i].rule == NULL ? "by name" :
		    tests[i].rule);
	}
}

static int64_t
price(void *arg, unsigned provider, struct str model)
{
	(void)arg;
	(void)provider;
	return str_is(model, "cheap") ? 1 : str_is(model, "dear") ? 9 : -1;
}

static void
test_targets(const struct snapshot *n)
{
	struct plan_facts	 f = { .name = { STR("anthropic"),
				    STR("money") }, .price = price,
				    .minute = 720 };
	struct plan		 p;

	ok(plan(n, &f, &p) == 0 && p.n == 3 &&
	    str_is(p.step[0].route.model, "cheap") &&
	    str_is(p.step[1].route.model, "dear") &&
	    str_is(p.step[2].route.model, "unknown"),
	    "the cheapest first, the unpriced last");
	f.name.model = STR("loop");
	ok(plan(n, &f, &p) == 0 && p.n == 1 &&
	    str_is(n->providers[p.step[0].route.provider].name, "mock"),
	    "a target by name does not ask the rules again");
}

int
main(void)
{
	char		 dir[] = "/tmp/plan-XXXXXX", db[64], key[64];
	struct snapshot	*n;
	struct conf	*c;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(db, sizeof(db), "%s/proxyd.db", dir);
	snprintf(key, sizeof(key), "%s/secret.key", dir);
	box = secret_box_open(key, err, sizeof(err));
	store = store_open(db, STORE_WRITE, err, sizeof(err));
	c = conf_parse(STR("PORT: 0\n"), "x", err, sizeof(err));
	ok(box != NULL && store != NULL && c != NULL &&
	    store_apply_conf(store, c, box) == 1, "a database %s", err);
	conf_free(c);
	make(OBJECT_PROVIDER, "{\"name\":\"one\",\"dialect\":\"openai-chat\","
	    "\"base_url\":\"http://h:1\",\"keyless\":true}");
	rules();
	make(OBJECT_RULE, "{\"name\":\"money\",\"match\":{\"model\":\"money\""
	    "},\"strategy\":\"cheapest\",\"targets\":[{\"provider\":\"one\","
	    "\"model\":\"unknown\"},{\"provider\":\"one\",\"model\":\"dear\"},"
	    "{\"provider\":\"one\",\"model\":\"cheap\"}]}");
	make(OBJECT_RULE, "{\"name\":\"loop\",\"match\":{\"model\":[\"loop\","
	    "\"mock-*\"]},\"targets\":[{\"model\":\"mock-echo\"}]}");
	n = snapshot_load(store, box, err, sizeof(err));
	ok(n != NULL && n->nrules == 9, "a snapshot %s", err);
	if (n != NULL) {
		test_rules(n);
		test_targets(n);
	}
	snapshot_unref(n);
	store_close(store);
	secret_box_close(box);
	unlink(db);
	unlink(key);
	rmdir(dir);
	return done();
}
