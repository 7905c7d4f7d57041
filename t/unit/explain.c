/*
 * The dry run as a table: what is asked, and what its answer must and must not
 * hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/route_explain.h"
#include "state/shm_keys.h"
#include "state/store_object.h"
#include "state/store_tenants.h"
#include "tap.h"

static struct store		*store;
static struct secret_box	*box;
static struct object_error	 e;
static char			 err[512];
static struct shm		*shm;

static int64_t
make(enum object_kind k, const char *json)
{
	int64_t	 id = 0;

	ok(store_object_create(store, box, k, str_of(json), &id, &e) ==
	    OBJECT_OK, "%.60s %s %s", json, e.field, e.text);
	return id;
}

#define CHAT(model, ...)						\
	"{\"model\":\"" model "\",\"messages\":[{\"role\":\"user\","	\
	"\"content\":\"hello\"}]" __VA_ARGS__ "}"

static const struct {
	const char	*what, *dialect, *path, *body;
	const char	*want[5], *not;
} tests[] = {
	{ "by a model's family", "openai-chat", "", CHAT("mock-echo"),
	    { "\"route\":\"family\",\"by\":\"name\"",
	    "\"provider\":\"mock\"", "\"chosen\":0",
	    "\"path\":\"/v1/chat/completions\"" }, "\"error\"" },
	{ "nobody", "openai-chat", "", CHAT("what"),
	    { "\"targets\":[]", "\"status\":404", "no provider serves" },
	    "\"chosen\"" },
	{ "a rule", "openai-chat", "", CHAT("r", ",\"max_tokens\":10"),
	    { "\"rule\":\"words\",\"matched\":false,\"why\":\"keywords\"",
	    "\"rule\":\"plain\",\"matched\":true}]", "\"route\":\"plain\","
	    "\"by\":\"rule\"", "\"sets\":{\"temperature\":0.5}",
	    "\"chosen\":0" }, "\"rule\":\"after\"" },
	{ "a disabled rule", "openai-chat", "", CHAT("r"),
	    { "\"rule\":\"asleep\",\"matched\":false,\"why\":"
	    "\"disabled\"}" }, NULL },
	{ "and one behind the last", "openai-chat", "", CHAT("mock-echo"),
	    { "\"rule\":\"asleep\"", "\"rule\":\"last\",\"matched\":false,"
	    "\"why\":\"disabled\"}]" }, NULL },
	{ "its price and cost", "openai-chat", "",
	    CHAT("r", ",\"max_tokens\":10"),
	    { "\"price\":{\"input\":1000000,\"output\":2000000,",
	    "\"max_tokens\":10", "\"cost_estimate\":" }, NULL },
	{ "what a model writes at most, where the client does not say",
	    "openai-chat", "", CHAT("written"), { "\"model\":\"gpt-4.1\"",
	    "\"cost_estimate\":65585," }, NULL },
	{ "or what nobody knows", "openai-chat", "", CHAT("r"),
	    { "\"cost_estimate\":8241," }, NULL },
	{ "a cache that is written to", "anthropic", "", "{\"model\":"
	    "\"cached\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"hello\","
	    "\"cache_control\":{\"type\":\"ephemeral\"}}]}]}",
	    { "\"cost_estimate\":2002," }, NULL },
	{ "as a whole", "anthropic", "", "{\"model\":\"cached\","
	    "\"max_tokens\":1,\"cache_control\":{\"type\":\"ephemeral\"},"
	    "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
	    { "\"cost_estimate\":2002," }, NULL },
	{ "for an hour", "anthropic", "", "{\"model\":"
	    "\"cached\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"hello\","
	    "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]}]}",
	    { "\"cost_estimate\":20002," }, NULL },
	{ "what has no price", "openai-chat", "", CHAT("mock-echo"),
	    { "\"price\":null" }, "cost_estimate" },
	{ "a loss on the way", "openai-chat", "", CHAT("to-claude",
	    ",\"seed\":3"),
	    { "\"translated\":true", "\"path\":\"seed\",\"action\":"
	    "\"dropped\"" }, "\"error\"" },
	{ "a loss that is not allowed", "openai-chat", "", CHAT("strict",
	    ",\"seed\":3"),
	    { "\"strict\":true", "\"status\":400", "no loss is allowed" },
	    "\"chosen\"" },
	{ "no key", "openai-chat", "", CHAT("keyless-pool"),
	    { "\"status\":429", "rests or is at its limit",
	    "\"state\":\"parked\",\"for_ms\":" }, "\"chosen\"" },
	{ "the next target has one", "openai-chat", "", CHAT("second"),
	    { "\"chosen\":1", "\"state\":\"parked\"",
	    "\"state\":\"active\"" }, "\"error\"" },
	{ "a disabled key", "openai-chat", "", CHAT("to-claude"),
	    { "\"state\":\"disabled\"", "\"key_id\":" }, "sk-" },
	{ "gemini, by a path", NULL,
	    "/v1beta/models/r:streamGenerateContent?alt=sse",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
	    "\"hello\"}]}]}",
	    { "\"dialect\":\"gemini\"", "\"stream\":true",
	    "\"route\":\"plain\"" }, NULL },
	{ "anthropic, with tools", "anthropic", "",
	    CHAT("r", ",\"max_tokens\":5,\"tools\":[{\"name\":\"t\","
	    "\"input_schema\":{\"type\":\"object\"}}]"),
	    { "\"has\":[\"tools\"]", "\"why\":\"has\",\"wanted\":"
	    "[\"image\",\"tools\"],\"got\":[\"tools\"]" }, NULL },
	{ "embeddings", NULL, "/v1/embeddings",
	    "{\"model\":\"r\",\"input\":\"some text\"}",
	    { "\"route\":\"plain\"", "\"sets\":{\"temperature\":0.5}" },
	    NULL },
};

static void
test_table(struct explain_ask *in)
{
	struct ir_error	 ie;
	struct json	 j;
	struct buf	 b;
	unsigned	 i, k;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		buf_init(&b, 1 << 20);
		json_init(&j);
		in->dialect = tests[i].dialect == NULL ? NULL :
		    dialect_byname(str_of(tests[i].dialect));
		in->path = str_of(tests[i].path);
		in->body = str_of(tests[i].body);
		ok(route_explain(in, &b, &ie) == 0 && json_parse(&j,
		    buf_str(&b), NULL) == 0, "%s: JSON", tests[i].what);
		(void)buf_addc(&b, '\0');
		for (k = 0; k < 5 && tests[i].want[k] != NULL; k++)
			ok(strstr(b.data, tests[i].want[k]) != NULL,
			    "%s: %s in %s", tests[i].what, tests[i].want[k],
			    b.data);
		if (tests[i].not != NULL)
			ok(strstr(b.data, tests[i].not) == NULL,
			    "%s: no %s in %s", tests[i].what, tests[i].not,
			    b.data);
		json_release(&j);
		buf_release(&b);
	}
}

static void
fails(struct explain_ask in, const char *dialect, const char *path,
    const char *body, const char *want)
{
	struct ir_error	 ie;
	struct buf	 b;

	buf_init(&b, 1 << 20);
	in.dialect = dialect == NULL ? NULL : dialect_byname(str_of(dialect));
	in.path = str_of(path);
	in.body = str_of(body);
	ie.msg[0] = '\0';
	ok(route_explain(&in, &b, &ie) == -1 && strstr(ie.msg, want) != NULL,
	    "%s: %s", want, ie.msg);
	buf_release(&b);
}

static void
test_errors(struct explain_ask in)
{
	fails(in, NULL, "/v1/nothing", "{}", "is no path");
	fails(in, "anthropic", "/v1/chat/completions", "{}",
	    "under which 'anthropic' is asked");
	fails(in, NULL, "/v1/models", "{}", "is no path");
	fails(in, "gemini", "", "{}", "has its model in the path");
	fails(in, "openai-chat", "", "[]", "expected a JSON object");
	fails(in, "openai-chat", "", "{", "not valid JSON");
	fails(in, "openai-chat", "", "{\"model\":3}", "model");
	in.tenant_id = 77;
	fails(in, "openai-chat", "", CHAT("r"), "no tenant 77");
	in.client_key_id = 78;
	fails(in, "openai-chat", "", CHAT("r"), "no client key 78");
}

/* A client key with limits, and a model that it may not use. */
static void
test_who(struct explain_ask in)
{
	static const struct explain_header	 h[] = { { STR("X-Team"),
						    STR("blue") } };
	struct ir_error	 ie;
	struct buf	 b;

	in.dialect = &dialect_openai_chat;
	in.path = STR("");
	in.client_key_id = in.snap->client_keys[0].id;
	in.headers = h;
	in.nheaders = 1;
	in.body = STR(CHAT("r"));
	buf_init(&b, 1 << 20);
	ok(route_explain(&in, &b, &ie) == 0, "with a client key");
	(void)buf_addc(&b, '\0');
	ok(strstr(b.data, "\"of\":\"client key\",\"name\":\"k\",\"rpm\":60,"
	    "\"rpm_left\":10") != NULL && strstr(b.data, "\"budget_day\":"
	    "5000000,\"spent_day\":0") != NULL, "limits: %s", b.data);
	ok(strstr(b.data, "\"route\":\"team\"") != NULL,
	    "a header leads to a rule");
	ok(strstr(b.data, "\"status\":403") != NULL,
	    "to a model that it may not use");
	buf_release(&b);
}

/* What is said of r, asked with client key 0, changed so. */
static void
refused(struct explain_ask in, struct snap_limits l, const char *want)
{
	struct snap_client_key	*k = &in.snap->client_keys[0];
	struct snap_limits	 was = k->limits;
	struct str		 models = k->models;
	struct ir_error		 ie;
	struct buf		 b;

	in.dialect = &dialect_openai_chat;
	in.path = STR("");
	in.client_key_id = k->id;
	in.body = STR(CHAT("r", ",\"max_tokens\":1000"));
	k->limits = l;
	k->models = STR("");
	buf_init(&b, 1 << 20);
	ok(route_explain(&in, &b, &ie) == 0, "%s: explained", want);
	(void)buf_addc(&b, '\0');
	ok(strstr(b.data, want) != NULL, "%s in %s", want, b.data);
	ok((strstr(b.data, "\"chosen\"") == NULL) == (strstr(b.data,
	    "\"error\"") != NULL) && strstr(b.data, "\"provider\":\"one\"") !=
	    NULL, "%s: refused, but the target is told", want);
	buf_release(&b);
	k->limits = was;
	k->models = models;
}

static void
test_limits(struct explain_ask in)
{
	struct snap_client_key	*k = &in.snap->client_keys[0];
	struct shm_account	*a = &shm->account[SHM_TENANTS + k->slot];
	struct shm_use		*u = &shm->worker[3].use[SHM_TENANTS +
				    k->slot];
	struct snap_limits	 none = { .budget_day = -1,
				    .budget_month = -1, .budget_total = -1 };
	struct snap_limits	 l = none;

	shm->workers = 4;
	refused(in, none, "\"chosen\":0");
	l.rpm = 60;
	refused(in, l, "\"chosen\":0");
	a->rpm_at = in.mono_us + 30000000;
	refused(in, l, "\"error\":{\"status\":429,\"retry_after\":21,"
	    "\"message\":\"client key 'k' may have 60 requests a minute");
	ok(a->rpm_at == in.mono_us + 30000000, "nothing is taken");
	l = none;
	l.tpm = 60;
	a->tpm_at = in.mono_us + 30000000;
	refused(in, l, "\"message\":\"client key 'k' may have 60 tokens a ");
	l = none;
	l.concurrent = 2;
	u->inflight = 1;
	refused(in, l, "\"chosen\":0");
	u->inflight = 2;
	refused(in, l, "\"message\":\"client key 'k' may have 2 requests at ");
	u->inflight = 0;
	l = none;
	l.budget_total = 10000;
	refused(in, l, "\"chosen\":0");
	u->reserved = 9000;
	refused(in, l, "\"error\":{\"status\":402,\"message\":\"the total "
	    "budget of client key 'k' is spent");
	u->reserved = 0;
	a->base = 9000;
	refused(in, l, "\"error\":{\"status\":402,");
	a->base = 0;
	in.shm = NULL;
	l.budget_total = 10;
	refused(in, l, "\"error\":{\"status\":402,");
	k->enabled = false;
	refused(in, none, "\"error\":{\"status\":401,\"message\":\"this "
	    "client key is disabled");
	k->enabled = true;
}

static void
fill(void)
{
	make(OBJECT_PROVIDER, "{\"name\":\"one\",\"dialect\":\"openai-chat\","
	    "\"base_url\":\"http://h:1\",\"keyless\":true}");
	make(OBJECT_PROVIDER, "{\"name\":\"two\",\"dialect\":\"anthropic\","
	    "\"base_url\":\"http://h:2\"}");
	make(OBJECT_PROVIDER, "{\"name\":\"three\",\"dialect\":"
	    "\"openai-chat\",\"base_url\":\"http://h:3\"}");
	make(OBJECT_KEY, "{\"provider\":\"two\",\"api_key\":\"sk-two-1234567\"}");
	make(OBJECT_KEY, "{\"provider\":\"two\",\"api_key\":\"sk-two-7654321\","
	    "\"enabled\":false}");
	make(OBJECT_KEY, "{\"provider\":\"three\",\"api_key\":"
	    "\"sk-three-123456\"}");
#define RULE(name, match, targets)					\
	make(OBJECT_RULE, "{\"name\":\"" name "\",\"match\":" match	\
	    ",\"targets\":[" targets "]}")
	RULE("team", "{\"header\":{\"x-team\":\"blue\"}}",
	    "{\"provider\":\"one\",\"model\":\"blue\"}");
	RULE("words", "{\"model\":\"r\",\"keywords\":{\"any\":[\"nothing\"]}}",
	    "{\"provider\":\"one\"}");
	make(OBJECT_RULE, "{\"name\":\"asleep\",\"enabled\":false,"
	    "\"match\":{},\"targets\":[{\"provider\":\"one\"}]}");
	RULE("media", "{\"model\":\"r\",\"has\":[\"image\",\"tools\"]}",
	    "{\"provider\":\"one\"}");
	RULE("plain", "{\"model\":\"r\"}", "{\"provider\":\"one\","
	    "\"model\":\"m\",\"set\":{\"temperature\":0.5}}");
	RULE("after", "{\"model\":\"r*\"}", "{\"provider\":\"one\"}");
	RULE("claude", "{\"model\":\"to-claude\"}",
	    "{\"provider\":\"two\",\"model\":\"claude-x\"}");
	RULE("strict", "{\"model\":\"strict\"}", "{\"provider\":\"two\","
	    "\"model\":\"claude-x\",\"strict\":true}");
	RULE("resting", "{\"model\":\"keyless-pool\"}",
	    "{\"provider\":\"three\"}");
	RULE("written", "{\"model\":\"written\"}",
	    "{\"provider\":\"one\",\"model\":\"gpt-4.1\"}");
	RULE("cached", "{\"model\":\"cached\"}",
	    "{\"provider\":\"two\",\"model\":\"claude-x\"}");
	RULE("second", "{\"model\":\"second\"}", "{\"provider\":\"three\"},"
	    "{\"provider\":\"two\",\"model\":\"claude-x\"}");
	make(OBJECT_RULE, "{\"name\":\"last\",\"enabled\":false,"
	    "\"match\":{},\"targets\":[{\"provider\":\"one\"}]}");
}

static void
fill_money(void)
{
	struct store_price	 p = { .provider = STR("one"),
				    .model = STR("m"), .input = 1000000,
				    .output = 2000000, .cache_read = -1,
				    .cache_write_5m = -1,
				    .cache_write_1h = -1 };
	struct store_client_key	 k = { .name = STR("k"), .enabled = true,
				    .models = STR("m") };
	char			 plain[CLIENT_KEY_LEN + 1];
	struct store_bad	 bad;

	store_limits_init(&k.limits);
	k.limits.rpm = 60;
	k.limits.budget_day = 5000000;
	ok(store_price_put(store, &p, &bad) == STORE_DONE, "a price");
	p.id = 0;
	p.model = STR("gpt-4.1");
	ok(store_price_put(store, &p, &bad) == STORE_DONE, "another");
	p.id = 0;
	p.provider = STR("two");
	p.model = STR("claude-x");
	p.cache_write_5m = 100000000;
	p.cache_write_1h = 1000000000;
	ok(store_price_put(store, &p, &bad) == STORE_DONE, "of a cache");
	ok(store_client_key_put(store, box, &k, plain, &bad) ==
	    STORE_DONE,
	    "a client key");
}

static void
test_all(struct snapshot *n)
{
	struct explain_ask	 in = { .snap = n, .shm = shm,
				    .wall_us = 1700000000000000,
				    .mono_us = 1000000000 };
	unsigned		 slot = n->keys[n->nkeys - 1].slot;

	shm->key[slot].id = n->keys[n->nkeys - 1].id;
	(void)keys_park(shm, slot, 401, 60000, 1000000);
	test_table(&in);
	test_errors(in);
	test_who(in);
	test_limits(in);
	in.shm = NULL;
	in.dialect = &dialect_openai_chat;
	fails(in, NULL, "", "{}", "is no path");
}

int
main(void)
{
	char		 dir[] = "/tmp/explain-XXXXXX", db[64], key[64];
	struct snapshot	*n;
	struct conf	*c;
	int		 fd;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(db, sizeof(db), "%s/proxyd.db", dir);
	snprintf(key, sizeof(key), "%s/secret.key", dir);
	shm = shm_create(&fd);
	box = secret_box_open(key, err, sizeof(err));
	store = store_open(db, STORE_WRITE, err, sizeof(err));
	c = conf_parse(STR("PORT: 0\n"), "x", err, sizeof(err));
	ok(box != NULL && store != NULL && c != NULL &&
	    store_apply_conf(store, c, box) == 1, "a database %s", err);
	conf_free(c);
	fill();
	fill_money();
	n = snapshot_load(store, box, err, sizeof(err));
	ok(n != NULL && n->nkeys == 3 && n->nclient_keys == 1,
	    "a snapshot %s", err);
	if (n != NULL && n->nkeys == 3 && n->nclient_keys == 1)
		test_all(n);
	snapshot_unref(n);
	store_close(store);
	secret_box_close(box);
	unlink(db);
	unlink(key);
	rmdir(dir);
	return done();
}
