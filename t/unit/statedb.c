/*
 * state.db: what is put is got back by its tenant alone, nothing of it can be
 * read in the file, and old rows go.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/statedb.h"
#include "tap.h"

static char			 path[] = "/tmp/proxyd-state-XXXXXX";
static char			 secret[80], err[2048];
static struct secret_box	*box;

static struct store *
must_open(void)
{
	struct store	*s = statedb_open(path, err, sizeof(err));

	if (s == NULL)
		fatalx("%s", err);
	return s;
}

/* As a worker at the end of a turn. */
static int
vault_now(struct store *s, int64_t tenant_id, const struct vault_row *r,
    size_t n)
{
	return vault_put(s, box, tenant_id, r, n) == 0 ? statedb_flush(s) : -1;
}

static int
response_now(struct store *s, int64_t tenant_id, const struct response_row *r)
{
	return response_put(s, box, tenant_id, r) == 0 ? statedb_flush(s) :
	    -1;
}

static void
test_vault(struct store *s, struct arena *a)
{
	struct vault_row	 r[2] = {
		{ STR("call:1"), STR("gemini"), STR("g"), STR("m"), 7,
		    STR("{\"signature\":\"very secret thoughts\"}") },
		{ STR("call:2"), STR("anthropic"), STR("a"), STR("c"), 8,
		    STR("") }
	};
	struct vault_row	 got;

	ok(vault_now(s, 0, r, 2) == 0 && vault_now(s, 0, r, 0) == 0,
	    "put %s", store_error(s));
	ok(vault_get(s, box, 0, STR("call:1"), STR("gemini"), a, &got) == 1 &&
	    str_eq(got.value, r[0].value) && got.key_id == 7 &&
	    str_is(got.family, "gemini") && str_is(got.provider, "g") &&
	    str_is(got.model, "m"), "and got");
	ok(vault_get(s, box, 0, STR("call:2"), STR("gemini"), a, &got) == 1 &&
	    got.value.n == 0, "also an empty one");
	ok(statedb_read_begin(s) == 0 && vault_any(s, 0) == 1 &&
	    vault_any(s, 5) == 0 && vault_get(s, box, 0, STR("call:1"),
	    STR("gemini"), a, &got) == 1, "read together");
	statedb_read_end(s);
	ok(vault_get(s, box, 5, STR("call:1"), STR("gemini"), a, &got) == 0 &&
	    vault_get(s, box, 0, STR("call:3"), STR("gemini"), a, &got) == 0,
	    "not by another tenant, nor another name");
	r[0].value = arena_strf(a, "%050000d", 1);
	ok(vault_now(s, 0, r, 1) == 0 && vault_get(s, box, 0,
	    STR("call:1"), STR("gemini"), a, &got) == 1 &&
	    str_eq(got.value, r[0].value), "long thoughts");
	r[0].value = STR("new");
	ok(vault_now(s, 0, r, 1) == 0 && vault_get(s, box, 0,
	    STR("call:1"), STR("gemini"), a, &got) == 1 && str_is(got.value, "new"),
	    "replaced");
}

static void
test_responses(struct store *s, struct arena *a)
{
	struct response_row	 r = { STR("resp_1"), STR("resp_0"),
				    1000, STR("{\"id\":1}"),
				    STR("[]") }, got;

	ok(response_now(s, 3, &r) == 0, "a response %s", store_error(s));
	ok(response_get(s, box, 3, r.id, a, &got) == 1 &&
	    str_eq(got.object, r.object) && str_eq(got.input, r.input) &&
	    str_is(got.previous, "resp_0") && got.time_us == 1000, "got");
	ok(response_get(s, box, 4, r.id, a, &got) == 0 &&
	    response_delete(s, 4, r.id) == 0, "not by another tenant");
	r.id = STR("resp_2");
	r.time_us = 2000;
	ok(response_now(s, 3, &r) == 0, "another");
	ok(response_delete(s, 3, r.id) == 1 &&
	    response_delete(s, 3, r.id) == 0, "deleted once");
	r.object = arena_strf(a, "\"%0100000d\"", 1);
	r.input = arena_strf(a, "[\"%0200000d\"]", 2);
	ok(response_now(s, 3, &r) == 0 && response_get(s, box, 3, r.id, a,
	    &got) == 1 && str_eq(got.object, r.object) &&
	    str_eq(got.input, r.input), "a long one");
}

static const char *
said(struct store *s, struct arena *a)
{
	struct conversation_item	*it;
	static char			 text[128];
	struct buf			 b;

	buf_init(&b, sizeof(text) - 1);
	if (conversation_items(s, box, 3, STR("c"), a, &it) == -1)
		return "error";
	for (; it != NULL; it = it->next)
		(void)buf_addf(&b, "%.*s=%.*s ", STR_FMT(it->id),
		    STR_FMT(it->json));
	snprintf(text, sizeof(text), "%.*s", STR_FMT(buf_str(&b)));
	buf_release(&b);
	return text;
}

static void
test_conversations(struct store *s, struct arena *a)
{
	struct conversation_item	 it[3] = {
		{ STR("i1"), STR("\"secret thoughts\""), &it[1] },
		{ STR("i2"), STR("2"), NULL },
		{ STR("i3"), STR("3"), NULL }
	};
	struct conversation_row		 r = { STR("c"), 1000, 1000,
					    STR("{\"a\":1}") }, got;

	ok(conversation_add(s, box, 3, &r, it, a) == 0, "a conversation: %s",
	    store_error(s));
	r.time_us = r.used_us = 2000;
	r.metadata = STR("{}");
	ok(conversation_add(s, box, 3, &r, &it[2], a) == 0 &&
	    conversation_get(s, box, 3, r.id, a, &got) == 1 &&
	    got.time_us == 1000 && got.used_us == 2000 &&
	    str_is(got.metadata, "{\"a\":1}"), "goes on, and is what it was");
	ok(strcmp(said(s, a), "i1=\"secret thoughts\" i2=2 i3=3 ") == 0,
	    "in order: %s", said(s, a));
	it[0].json = STR("1");
	ok(conversation_add(s, box, 3, &r, it, a) == 0 &&
	    strcmp(said(s, a), "i1=1 i2=2 i3=3 ") == 0,
	    "what is said again takes its place: %s", said(s, a));
	ok(conversation_item_delete(s, 3, r.id, STR("i2")) == 1 &&
	    conversation_item_delete(s, 3, r.id, STR("i2")) == 0 &&
	    strcmp(said(s, a), "i1=1 i3=3 ") == 0, "one is deleted");
	ok(conversation_get(s, box, 4, r.id, a, &got) == 0 &&
	    conversation_item_delete(s, 4, r.id, STR("i1")) == 0 &&
	    conversation_delete(s, 4, r.id) == 0, "not by another tenant");
	ok(statedb_expire(s, 1500, 0, 10) >= 0 &&
	    conversation_get(s, box, 3, r.id, a, &got) == 1,
	    "it grows old by its last use");
	ok(conversation_delete(s, 3, r.id) == 1 && said(s, a)[0] == '\0' &&
	    conversation_delete(s, 3, r.id) == 0, "deleted with all of it");
	ok(conversation_add(s, box, 3, &r, it, a) == 0 &&
	    statedb_expire(s, 2500, 0, 10) > 0 && said(s, a)[0] == '\0' &&
	    conversation_get(s, box, 3, r.id, a, &got) == 0,
	    "expired with all of it");
}

/* A row that somebody moved to another tenant is of no use there. */
static void
test_moved(struct arena *a)
{
	struct vault_row	 got;
	struct store		*s;
	char			 text[256];

	snprintf(text, sizeof(text), "sqlite3 %s \"UPDATE vault SET tenant_id "
	    "= 9 WHERE name = 'call:1'\"", path);
	if (system(text) != 0) {
		ok(true, "# SKIP sqlite3 is not installed");
		return;
	}
	s = must_open();
	ok(vault_get(s, box, 9, STR("call:1"), STR("gemini"), a, &got) == 0,
	    "a row moved to another tenant does not open");
	store_close(s);
}

static void
test_plain(void)
{
	char	 text[256];

	snprintf(text, sizeof(text), "grep -qa 'secret thoughts' %s*", path);
	ok(system(text) != 0, "nothing of it is to be read in the file");
}

/* Another worker holds the lock: it is waited for, but not for long. */
static void
test_busy(struct store *s)
{
	struct vault_row	 r = { STR("x"), STR("f"), STR("p"), STR("m"),
				    1, STR("v") };
	struct store		*other = must_open();
	int64_t			 t0 = clock_mono_ms();

	ok(vault_now(other, 0, &r, 1) == 0 &&
	    vault_now(s, 0, &r, 1) == 0, "two write in turn");
	ok(clock_mono_ms() - t0 < 2000, "without waiting for each other");
	store_close(other);
}

int
main(void)
{
	struct store	*s;
	struct arena	 a;
	char		 name[64];
	int		 fd;

	log_init("statedb", false);
	if ((fd = mkstemp(path)) == -1)
		fatal("mkstemp");
	close(fd);
	unlink(path);
	snprintf(secret, sizeof(secret), "%s.key", path);
	if ((box = secret_box_open(secret, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	arena_init(&a);
	s = must_open();
	test_vault(s, &a);
	test_responses(s, &a);
	test_conversations(s, &a);
	test_plain();
	test_busy(s);
	ok(statedb_expire(s, 1, 0, 10) == 0 &&
	    statedb_expire(s, INT64_MAX, 0, 10) > 0 &&
	    statedb_expire(s, INT64_MAX, 0, 10) == 0, "old rows go");
	test_vault(s, &a);
	store_close(s);
	test_moved(&a);
	arena_release(&a);
	secret_box_close(box);
	unlink(path);
	unlink(secret);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return done();
}
