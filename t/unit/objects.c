/*
 * Managed objects: what may be made, changed and deleted, and what the errors
 * say; folding and keywords; rules as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fold.h"
#include "state/rules.h"
#include "state/snapshot.h"
#include "state/store_object.h"
#include "tap.h"
#include "wire/json.h"

static struct secret_box	*box;
static struct object_error	 e;
static char			 err[512];

static enum object_result
make(struct store *s, enum object_kind k, const char *json, int64_t *id)
{
	return store_object_create(s, box, k, str_of(json), id, &e);
}

static enum object_result
set(struct store *s, enum object_kind k, int64_t id, const char *json)
{
	return store_object_update(s, box, k, id, str_of(json), &e);
}

static bool
listed(struct store *s, enum object_kind k, const char *text)
{
	struct buf	 b;
	bool		 is;

	buf_init(&b, 1 << 20);
	is = store_object_list(s, k, &b) == OBJECT_OK &&
	    strstr(b.data, text) != NULL;
	if (!is)
		printf("# %s\n", b.data);
	buf_release(&b);
	return is;
}

static bool
refused(struct store *s, enum object_kind k, const char *json,
    const char *field, const char *text)
{
	int64_t	 id;
	bool	 is;

	is = make(s, k, json, &id) == OBJECT_REFUSED &&
	    strcmp(e.field, field) == 0 && strstr(e.text, text) != NULL;
	if (!is)
		printf("# '%s': %s\n", e.field, e.text);
	return is;
}

/* --- what is refused, with field, value and what is allowed ------------------ */

static const struct {
	enum object_kind	 k;
	const char		*json, *field, *text;
} bad[] = {
	{ OBJECT_MODEL, "", "", "JSON" },
	{ OBJECT_MODEL, "[]", "", "expected a JSON object" },
	{ OBJECT_MODEL, "{}", "route_key", "must be given" },
	{ OBJECT_MODEL, "{\"route_key\":1}", "route_key", "a number" },
	{ OBJECT_MODEL, "{\"nam\":1}", "nam", "allowed are route_key" },
	{ OBJECT_MODEL, "{\"route_key\":\"a\",\"target_model\":\"b\","
	    "\"provider\":\"none\"}", "provider", "no provider 'none'" },
	{ OBJECT_MODEL, "{\"route_key\":\"a\",\"target_model\":\"b\","
	    "\"provider\":\"mock\",\"pool\":\"p\"}", "pool", "no pool 'p'" },
	{ OBJECT_MODEL, "{\"mode\":\"fast\"}", "mode", "transformer, direct" },
	{ OBJECT_MODEL, "{\"enabled\":1}", "enabled", "true or false" },
	{ OBJECT_PROVIDER, "{\"name\":\"a b\"}", "name", "'a b' is no name" },
	{ OBJECT_PROVIDER, "{\"dialect\":\"openai\"}", "dialect",
	    "unknown dialect" },
	{ OBJECT_PROVIDER, "{\"base_url\":\"ftp://x\"}", "base_url",
	    "http://" },
	{ OBJECT_PROVIDER, "{\"idle_ms\":0}", "idle_ms", "from 1 to" },
	{ OBJECT_PROVIDER, "{\"idle_ms\":9e99}", "idle_ms", "9e99" },
	{ OBJECT_PROVIDER, "{\"auth_header\":\"Host\"}", "auth_header",
	    "the gateway sets" },
	{ OBJECT_PROVIDER, "{\"auth_format\":\"x\"}", "auth_format",
	    "{key}" },
	{ OBJECT_PROVIDER, "{\"name\":\"mock\",\"dialect\":\"gemini\"}",
	    "name", "already" },
	{ OBJECT_KEY, "{\"provider\":\"mock\"}", "api_key", "1 to" },
	{ OBJECT_KEY, "{\"provider\":\"mock\",\"api_key\":\"a b\"}",
	    "api_key", "spaces" },
	{ OBJECT_KEY, "{\"weight\":-1}", "weight", "from 0 to 1000000" },
	{ OBJECT_KEY, "{\"models\":[1]}", "models", "a string" },
	{ OBJECT_POOL, "{\"name\":\"p\",\"provider\":\"mock\","
	    "\"keys\":[77]}", "keys", "ids of keys" },
	{ OBJECT_POOL, "{\"strategy\":\"best\"}", "strategy",
	    "'best' is none of round_robin, least_used, random, priority, "
	    "weighted" },
	{ OBJECT_RULE, "{\"name\":\"r\"}", "targets", "must be given" },
	{ OBJECT_RULE, "{\"targets\":[]}", "targets", "1 to 16" },
	{ OBJECT_RULE, "{\"targets\":[{\"wieght\":1}]}", "targets[0]",
	    "unknown member 'wieght'" },
	{ OBJECT_RULE, "{\"targets\":[{},{\"weight\":-1}]}",
	    "targets[1].weight", "from 0" },
	{ OBJECT_RULE, "{\"targets\":[{\"set\":{\"temperature\":3}}]}",
	    "targets[0].set", "temperature: expected a number from 0 to 2" },
	{ OBJECT_RULE, "{\"targets\":[{\"set\":{\"model\":3}}]}",
	    "targets[0].set", "unknown parameter 'model'" },
	{ OBJECT_RULE, "{\"targets\":[{\"pool\":\"x\"}]}", "targets[0]",
	    "needs its provider" },
	{ OBJECT_RULE, "{\"name\":\"r\",\"targets\":[{\"provider\":\"x\"}]}",
	    "targets[0].provider", "no provider 'x'" },
	{ OBJECT_RULE, "{\"match\":{\"client\":\"openai\"}}", "match.client",
	    "unknown dialect 'openai'" },
	{ OBJECT_RULE, "{\"match\":{\"tokens\":{\"above\":9,\"below\":9}}}",
	    "match.tokens", "nothing is above" },
	{ OBJECT_RULE, "{\"match\":{\"time\":{\"from\":\"24:00\"}}}",
	    "match.time.from", "00:00 to 23:59" },
	{ OBJECT_RULE, "{\"match\":{\"time\":{\"from\":\"02:00\"}}}",
	    "match.time", "both" },
	{ OBJECT_RULE, "{\"match\":{\"time\":{\"days\":[\"x\"]}}}",
	    "match.time.days", "unknown day 'x'" },
	{ OBJECT_RULE, "{\"match\":{\"keywords\":{}}}", "match.keywords",
	    "any or all" },
	{ OBJECT_RULE, "{\"match\":{\"has\":[\"smell\"]}}", "match.has",
	    "unknown 'smell'" },
	{ OBJECT_RULE, "{\"match\":{\"header\":{\"a b\":\"*\"}}}",
	    "match.header", "no name of a header" },
	{ OBJECT_RULE, "{\"match\":{\"model\":[]}, \"x\":1}", "x",
	    "unknown member of a rule" },
	{ OBJECT_RULE, "{\"match\":{\"modell\":[]}}", "match",
	    "unknown member 'modell'" },
};

static void
test_bad(struct store *s)
{
	unsigned	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(refused(s, bad[i].k, bad[i].json, bad[i].field,
		    bad[i].text), "%s %s", object_name(bad[i].k),
		    bad[i].json);
}

/* --- a life ------------------------------------------------------------------ */

static void
test_life(struct store *s)
{
	int64_t		 p, k, pool, m, r;
	uint64_t	 before, after;
	char		 text[256];

	ok(store_generation(s, &before) == 0, "generation");
	ok(make(s, OBJECT_PROVIDER, "{\"name\":\"one\",\"dialect\":"
	    "\"openai-chat\",\"base_url\":\"http://127.0.0.1:1/v1/\"}", &p) ==
	    OBJECT_OK && listed(s, OBJECT_PROVIDER,
	    "\"base_url\":\"http://127.0.0.1:1/v1\""), "a provider: %s",
	    e.text);
	ok(make(s, OBJECT_KEY, "{\"provider\":\"one\",\"api_key\":"
	    "\"sk-a-secret-of-mine\",\"weight\":3,\"models\":[\"gpt-*\"]}",
	    &k) == OBJECT_OK, "a key: %s %s", e.text, store_error(s));
	ok(listed(s, OBJECT_KEY, "\"mask\":\"sk-****ine\",\"provider\":"
	    "\"one\",\"enabled\":true,\"weight\":3"), "shown by its mask");
	ok(refused(s, OBJECT_KEY, "{\"provider\":\"one\",\"api_key\":"
	    "\"sk-a-secret-of-mine\"}", "provider", "already"), "not twice");
	snprintf(text, sizeof(text), "{\"name\":\"p\",\"provider\":\"one\","
	    "\"strategy\":\"weighted\",\"keys\":[%lld]}", (long long)k);
	ok(make(s, OBJECT_POOL, text, &pool) == OBJECT_OK, "a pool: %s",
	    e.text);
	ok(make(s, OBJECT_MODEL, "{\"route_key\":\"m\",\"target_model\":"
	    "\"gpt-x\",\"provider\":\"one\",\"pool\":\"p\"}", &m) ==
	    OBJECT_OK, "a model: %s", e.text);
	ok(make(s, OBJECT_RULE, "{\"name\":\"r\",\"match\":{\"model\":"
	    "\"claude-*\"},\"targets\":[{\"provider\":\"one\",\"pool\":\"p\"}"
	    "]}", &r) == OBJECT_OK, "a rule: %s", e.text);
	ok(store_generation(s, &after) == 0 && after == before + 5,
	    "each a generation");
	ok(store_object_delete(s, OBJECT_PROVIDER, p, &e) == OBJECT_REFUSED &&
	    e.conflict, "a provider in use stays: %s", e.text);
	ok(store_object_delete(s, OBJECT_POOL, pool, &e) == OBJECT_REFUSED,
	    "and a pool: %s", e.text);
	ok(store_object_delete(s, OBJECT_KEY, k, &e) == OBJECT_REFUSED,
	    "and its key: %s", e.text);
	ok(set(s, OBJECT_RULE, r, "{\"position\":7}") == OBJECT_OK &&
	    listed(s, OBJECT_RULE, "\"position\":7,\"enabled\":true,\"match\":"
	    "{\"model\":\"claude-*\"}"), "the rest stays: %s", e.text);
	ok(set(s, OBJECT_RULE, 99, "{}") == OBJECT_NONE, "none of that id");
	ok(set(s, OBJECT_POOL, pool, "{\"provider\":\"mock\"}") ==
	    OBJECT_REFUSED && strcmp(e.field, "provider") == 0,
	    "a fixed member: %s", e.text);
	ok(store_object_delete(s, OBJECT_RULE, r, &e) == OBJECT_OK &&
	    store_object_delete(s, OBJECT_MODEL, m, &e) == OBJECT_OK &&
	    store_object_delete(s, OBJECT_POOL, pool, &e) == OBJECT_OK &&
	    store_object_delete(s, OBJECT_KEY, k, &e) == OBJECT_OK &&
	    store_object_delete(s, OBJECT_PROVIDER, p, &e) == OBJECT_OK,
	    "all goes, in order: %s", e.text);
	ok(make(s, OBJECT_PROVIDER, "{\"name\":\"one\",\"dialect\":"
	    "\"gemini\"}", &p) == OBJECT_OK, "and may come back");
	ok(store_object_delete(s, OBJECT_PROVIDER, p, &e) == OBJECT_OK, "gone");
}

/* --- rows of app.yml ----------------------------------------------------------- */

static void
test_file(struct store *s)
{
	struct conf	*c;
	int64_t		 id;

	c = conf_parse(STR("API_KEY_POOLS: {openai: [sk-key-of-the-file-01]}\n"
	    "MODELS: [{name: f, provider: openai}]\n"), "x", err,
	    sizeof(err));
	ok(c != NULL && store_apply_conf(s, c, box) == 1, "app.yml %s", err);
	conf_free(c);
	ok(store_object_find(s, OBJECT_MODEL, STR("f"), &id) == OBJECT_OK &&
	    set(s, OBJECT_MODEL, id, "{\"enabled\":false}") ==
	    OBJECT_REFUSED && strstr(e.text, "app.yml") != NULL,
	    "its models are shown, not changed: %s", e.text);
	ok(store_object_delete(s, OBJECT_MODEL, id, &e) == OBJECT_REFUSED,
	    "nor deleted: %s", e.text);
	id = 2;			/* 1 was made and deleted above */
	ok(set(s, OBJECT_KEY, id, "{\"enabled\":false,"
	    "\"disabled_why\":\"leaked\"}") == OBJECT_OK,
	    "its keys may be disabled");
}

/* --- snapshots ------------------------------------------------------------------- */

static void
test_snapshot(struct store *s)
{
	struct snapshot	*n;
	int64_t		 id;

	ok(make(s, OBJECT_RULE, "{\"name\":\"a\",\"position\":2,\"match\":{"
	    "\"keywords\":{\"any\":[\"Stra\\u00dfe\",\"\\u4f60\\u597d\"]}},"
	    "\"targets\":[{\"model\":\"mock-echo\"}]}", &id) == OBJECT_OK &&
	    make(s, OBJECT_RULE, "{\"name\":\"b\",\"position\":1,\"match\":{"
	    "\"tokens\":{\"above\":5},\"keywords\":{\"all\":[\"x\"]}},"
	    "\"targets\":[{\"provider\":\"mock\",\"set\":{\"max_tokens\":5},"
	    "\"remove\":[\"seed\"]}],\"strategy\":\"weighted\"}", &id) ==
	    OBJECT_OK, "two rules: %s", e.text);
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && n->nrules == 2 && str_is(n->rules[0].name, "b") &&
	    n->rules[0].strategy == RULE_WEIGHTED &&
	    n->rules[0].targets[0].rule->nparams == 2, "in their order: %s",
	    err);
	ok(n->nwords == 3 && n->rules[1].first_word == 1 && n->want_tokens,
	    "their words");
	ok(n->npools == n->nproviders, "a pool a provider");
	snapshot_unref(n);
}

/* --- text ---------------------------------------------------------------------- */

static void
test_fold(void)
{
	static const char *const pair[][2] = {
		{ "ABC xyz", "abc xyz" }, { "\303\204\303\226", "\303\244"
		    "\303\266" }, { "\320\237\320\240\320\230",
		    "\320\277\321\200\320\270" }, { "\316\243", "\317\203" },
		{ "\344\275\240\345\245\275", "\344\275\240\345\245\275" },
		{ "\357\274\241", "\357\275\201" }, { "a\377B", "a\377b" },
		{ "\305\201", "\305\202" }, { "\303", "\303" },
		{ "@AMZ[`az{@AMZ[`az{", "@amz[`az{@amz[`az{" },
	};
	static const char *const word[] = { "he", "she", "his", "hers", "he",
	    "\345\245\275", "zz" };
	struct fold_words	*w;
	struct arena		 a;
	struct str		 s[7];
	bool			 found[7] = { false };
	unsigned		 i;

	arena_init(&a);
	for (i = 0; i < sizeof(pair) / sizeof(pair[0]); i++)
		ok(str_is(fold_case(&a, str_of(pair[i][0])), pair[i][1]),
		    "folds %s", pair[i][0]);
	for (i = 0; i < 7; i++)
		s[i] = str_of(word[i]);
	w = fold_words_new(&a, s, 7);
	fold_words_find(w, STR("ushers \344\275\240\345\245\275"), found);
	ok(found[0] && found[1] && !found[2] && found[3] && found[4] &&
	    found[5] && !found[6], "words within words");
	ok(fold_words_new(&a, s, 0) == NULL, "no words, no machine");
	ok(rule_glob(STR("claude-*"), STR("claude-x")) &&
	    !rule_glob(STR("claude-*"), STR("xclaude-")) &&
	    rule_glob(STR("*a*b"), STR("xaab")) &&
	    rule_glob(STR("*"), STR("")) && !rule_glob(STR(""), STR("x")) &&
	    !rule_glob(STR("a*a"), STR("a")), "patterns");
	arena_release(&a);
}

/* Few letters, so that words lie in words; long texts, so that eights are whole. */
static void
letters(char *to, size_t size, unsigned n)
{
	static const char *const letter[] = { "a", "B", "b", "\303\204",
	    "\320\237", "A" };
	struct buf		 b;

	buf_init(&b, size - 1);
	for (; n > 0; n--)
		(void)buf_addz(&b, letter[random() % 6]);
	snprintf(to, size, "%.*s", STR_FMT(buf_str(&b)));
	buf_release(&b);
}

/* As strstr finds them; how many are wrong. */
static unsigned
words_round(struct arena *a)
{
	char		 word[12][12], text[96];
	struct str	 s[12], t;
	bool		 found[12] = { false };
	unsigned	 i, more, wrong = 0;

	for (i = 0; i < 12; i++) {
		letters(word[i], sizeof(word[i]), 1 + random() % 4);
		s[i] = fold_case(a, str_of(word[i]));
	}
	letters(text, sizeof(text), random() % 40);
	t = fold_case(a, str_of(text));
	more = fold_words_find(fold_words_new(a, s, 12), t, found);
	for (i = 0; i < 12; i++) {
		more -= found[i];
		wrong += found[i] != (strstr(t.p, s[i].p) != NULL);
	}
	return wrong + (more != 0);
}

static void
test_words(void)
{
	struct arena	 a;
	unsigned	 i, wrong = 0;

	srandom(1);
	arena_init(&a);
	for (i = 0; i < 2000; i++) {
		wrong += words_round(&a);
		arena_clear(&a);
	}
	arena_release(&a);
	ok(wrong == 0, "words as strstr finds them, %u wrong", wrong);
}

int
main(void)
{
	char		 dir[] = "/tmp/objects-XXXXXX", db[64], key[64];
	struct store	*s;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(db, sizeof(db), "%s/proxyd.db", dir);
	snprintf(key, sizeof(key), "%s/secret.key", dir);
	box = secret_box_open(key, err, sizeof(err));
	s = store_open(db, STORE_WRITE, err, sizeof(err));
	ok(box != NULL && s != NULL, "a database %s", err);
	test_bad(s);
	test_life(s);
	test_file(s);
	test_snapshot(s);
	test_fold();
	test_words();
	store_close(s);
	secret_box_close(box);
	unlink(db);
	unlink(key);
	rmdir(dir);
	return done();
}
