/*
 * Patterns, prices, rates; and tenants, client keys and prices in the database.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/account_view.h"
#include "policy/limit.h"
#include "policy/pattern.h"
#include "policy/price.h"
#include "state/snapshot.h"
#include "state/store_accounts.h"
#include "state/store_rollup.h"
#include "state/store_tenants.h"
#include "tap.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define SECOND	((int64_t)1000000)

static char			 path[] = "/tmp/proxyd-money-XXXXXX";
static char			 secret[80], err[2048];
static struct secret_box	*box;

static void
test_patterns(void)
{
	static const struct {
		const char	*pattern, *name;
		bool		 fits;
	} t[] = {
		{ "a", "a", true }, { "a", "b", false }, { "a", "ab", false },
		{ "*", "", true }, { "*", "anything", true },
		{ "claude-*", "claude-opus-5", true },
		{ "claude-*", "claude-", true }, { "claude-*", "claud", false },
		{ "*-mini", "gpt-mini", true }, { "*-mini", "gpt-minis", false },
		{ "a*b*c", "axxbyyc", true }, { "a*b*c", "axxcyyb", false },
		{ "a*ab", "aab", true }, { "a*ab", "aaab", true },
		{ "**", "x", true }, { "", "", true }, { "", "x", false },
		{ "A", "a", false }, { "a?", "ab", false },
		{ "\xe4\xb8*", "\xe4\xb8\xad", true },
	};
	char	 long_name[4001];
	size_t	 i;

	for (i = 0; i < N(t); i++)
		ok(pattern_match(str_of(t[i].pattern), str_of(t[i].name)) ==
		    t[i].fits, "'%s' %s '%s'", t[i].pattern, t[i].fits ?
		    "fits" : "does not fit", t[i].name);
	memset(long_name, 'a', sizeof(long_name));
	ok(!pattern_match(STR("*a*a*a*a*a*a*a*a*b"), (struct str){ long_name,
	    sizeof(long_name) }), "many stars are no trouble");
	ok(pattern_lines_match(STR(""), STR("x")) &&
	    pattern_lines_match(STR("a\n b* \n"), STR("bc")) &&
	    !pattern_lines_match(STR("a\nb*"), STR("c")) &&
	    !pattern_lines_match(STR("\n"), STR("c")), "lines of them");
}

/* --- prices ------------------------------------------------------------------------- */

static void
test_find(void)
{
	struct snap_price	 list[] = {
		{ STR("openai"), STR("gpt-*"), 1, 1, -1, -1, -1, false },
		{ STR("openai"), STR("gpt-5*"), 2, 1, -1, -1, -1, false },
		{ STR("openai"), STR("gpt-5.5"), 3, 1, -1, -1, -1, false },
		{ STR(""), STR("gpt-5.5"), 4, 1, -1, -1, -1, false },
		{ STR("local"), STR("*"), 5, 1, -1, -1, -1, true },
		{ STR("openai"), STR("gpt-4*"), 6, 1, -1, -1, -1, true },
		{ STR("openai"), STR("gpt-4o"), 7, 1, -1, -1, -1, false },
	};
	static const struct {
		const char	*provider, *model;
		int64_t		 input;
	} t[] = {
		{ "openai", "gpt-3", 1 }, { "openai", "gpt-5-mini", 2 },
		{ "openai", "gpt-5.5", 3 }, { "other", "gpt-5.5", 4 },
		{ "local", "whatever", 5 }, { "openai", "gpt-4o", 6 },
		{ "openai", "o3", -1 }, { "other", "gpt-5", -1 },
	};
	struct snapshot		 s = { .prices = list, .nprices = N(list) };
	const struct snap_price	*p;
	size_t			 i;

	for (i = 0; i < N(t); i++) {
		p = price_find(&s, str_of(t[i].provider),
		    str_of(t[i].model));
		ok((p == NULL ? -1 : p->input) == t[i].input, "%s/%s: %lld",
		    t[i].provider, t[i].model, (long long)t[i].input);
	}
}

static void
test_cost(void)
{
	struct snap_price	 p = { .input = 3000000, .output = 15000000,
				    .cache_read = 300000, .cache_write_5m = -1,
				    .cache_write_1h = 6000000 };
	struct price_use	 u = { .input = 1000000, .output = 1000000 };

	ok(price_cost(NULL, &u) == -1, "unpriced is not 0");
	ok(price_cost(&p, &u) == 18000000, "a million each");
	u = (struct price_use){ 0, 1000000, 1000000, 1000000, 0, 1000000 };
	ok(price_cost(&p, &u) == 300000 + 3000000 + 6000000 + 15000000,
	    "cache and reasoning");
	u = (struct price_use){ .input = 1 };
	ok(price_cost(&p, &u) == 3, "one token");
	p.input = 1;
	ok(price_cost(&p, &u) == 1, "a part of a micro-dollar is a whole one");
	u = (struct price_use){ -1, -1, -1, -1, -1, -1 };
	ok(price_cost(&p, &u) == 0, "nothing said, nothing counted");
	u.input = u.output = INT64_MAX;
	p.input = p.output = INT64_MAX;
	ok(price_cost(&p, &u) > 0 && price_cost(&p, &u) <= INT64_MAX / 4,
	    "absurd counts do not overflow");
	u.input = u.output = INT64_MIN;
	ok(price_cost(&p, &u) == 0, "nor do negative ones pay back");
}

static void
test_money(void)
{
	static const struct {
		const char	*text;
		int64_t		 micros;
	} t[] = {
		{ "0", 0 }, { "1", 1000000 }, { "2.50", 2500000 },
		{ "0.000001", 1 }, { "0.0000001", -1 }, { "", -1 },
		{ ".5", -1 }, { "5.", -1 }, { "-1", -1 }, { "1e3", -1 },
		{ "1,5", -1 }, { "1000000", 1000000000000 },
		{ "1000000.1", -1 }, { "99999999999999999999", -1 },
	};
	size_t	 i;

	for (i = 0; i < N(t); i++)
		ok(store_money(str_of(t[i].text)) == t[i].micros, "'%s' is %lld",
		    t[i].text, (long long)t[i].micros);
}

/* --- rates ------------------------------------------------------------------------------ */

/* How many of a steady stream are let through in so many seconds. */
static int64_t
let_through_of(struct limit l, int64_t per_second, int seconds, int64_t each)
{
	_Atomic int64_t	 word = 0;
	int64_t		 now = 5 * SECOND, end = now + seconds * SECOND;
	int64_t		 wait, n = 0;

	for (; now < end; now += SECOND / per_second)
		n += limit_take(&word, &l, each, now, &wait) ? each : 0;
	return n;
}

static int64_t
let_through(struct limit l, int64_t per_second, int seconds)
{
	return let_through_of(l, per_second, seconds, 1);
}

static void
test_periods(void)
{
	_Atomic int64_t	 no = 0, base = 0;

	ok(account_since(&no, &base, 100, 50) == 0, "a day begins");
	ok(account_since(&no, &base, 100, 80) == 30, "and is spent");
	ok(account_since(&no, &base, 99, 90) == 40,
	    "a clock that is set back gives nothing back");
	ok(account_since(&no, &base, 100, 95) == 45, "nor does its return");
	ok(account_since(&no, &base, 101, 95) == 0, "the next day does");
	ok(account_since(&no, &base, 36500, 99) == 0 &&
	    account_since(&no, &base, 102, 109) == 10,
	    "a leap ahead begins a period that lasts until then");
}

/*
 * Processes that share one word take what they can, as workers do.  The time
 * moves on when one of them has been refused at it.
 */
#define TAKERS	4
#define STEP	20000		/* microseconds */

struct shared {
	_Atomic int64_t	 word, clock, refused_at, taken;
};

static void
taker(struct shared *s, const struct limit *l)
{
	int64_t	 now, wait;

	while ((now = s->clock) >= 0)
		if (limit_take(&s->word, l, 1, now, &wait))
			s->taken++;
		else {
			s->refused_at = now;
			sched_yield();
		}
	_exit(0);
}

static int64_t
taken_by_many(struct limit l, int64_t seconds)
{
	struct shared	*s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t		 now, n;
	pid_t		 pid[TAKERS];
	int		 i;

	s->clock = 5 * SECOND;
	for (i = 0; i < TAKERS; i++)
		if ((pid[i] = fork()) == 0)
			taker(s, &l);
	for (now = 5 * SECOND; now < (5 + seconds) * SECOND; now += STEP) {
		s->clock = now;
		while (s->refused_at < now)
			sched_yield();
	}
	s->clock = -1;
	for (i = 0; i < TAKERS; i++)
		(void)waitpid(pid[i], NULL, 0);
	n = s->taken;
	munmap(s, sizeof(*s));
	return n;
}

static void
test_processes(void)
{
	int64_t	 n;

	fflush(stdout);
	n = taken_by_many(limit_requests(60000), 10);
	ok(n >= 9970 && n <= 10100, "four processes, 1000 a second for 10 s: "
	    "%lld", (long long)n);
}

static void
test_rates(void)
{
	_Atomic int64_t	 word = 0;
	struct limit	 l = limit_requests(6000);
	int64_t		 n, wait, full;
	int		 i;

	n = let_through(l, 1000, 10);
	ok(n >= 1000 && n <= 1010, "6000 a minute, for 10 s: %lld of 10000",
	    (long long)n);
	n = let_through(limit_requests(60000), 1000, 10);
	ok(n > 9990, "as many as asked for: %lld", (long long)n);
	n = let_through(limit_requests(60000), 5000, 10);
	ok(n >= 10000 && n <= 10100, "1000 a second, for 10 s: %lld of 50000, "
	    "one in a hundred too many at most", (long long)n);
	n = let_through_of(limit_tokens(6000000), 5000, 10, 100);
	ok(n >= 1000000 && n <= 1010100, "100,000 tokens a second, for 10 s: "
	    "%lld, one in a hundred and one request too many at most",
	    (long long)n);
	n = let_through_of(limit_tokens(60000), 100, 10, 100);
	ok(n >= 10000 && n <= 20100, "1,000 a second: %lld", (long long)n);
	l = limit_requests(6);
	for (i = 0, n = 0; i < 20; i++)
		n += limit_take(&word, &l, 1, SECOND, &wait);
	ok(n == 6 && wait > 9 * SECOND && wait <= 10 * SECOND,
	    "6 a minute: six at once, then one in 10 s");
	ok(limit_take(&word, &l, 1, SECOND + wait, &full),
	    "and it is let in when it was told to come");
	l = limit_tokens(600);
	word = 0;
	ok(limit_take(&word, &l, 100000, SECOND, &wait) &&
	    !limit_take(&word, &l, 1, 2 * SECOND, &wait) && wait > SECOND,
	    "a large one goes through, the next waits for it");
	limit_correct(&word, &l, -99990, 2 * SECOND);
	ok(limit_take(&word, &l, 1, 2 * SECOND, &wait),
	    "what was not used comes back");
	n = limit_left(word, &l, 2 * SECOND, &full);
	ok(n > 80 && n < 100 && full > 0, "what is left: %lld", (long long)n);
	word = INT64_MAX / 2;
	ok(!limit_take(&word, &l, 1, SECOND, &wait) && wait > 0,
	    "a clock that was set back keeps nothing from working");
}

/* --- the database ------------------------------------------------------------------------ */

static int
put_tenant(struct store *s, struct store_tenant *t, const char *field)
{
	struct store_bad	 bad = { "", "" };
	int			 rc = store_tenant_put(s, t, &bad);

	if (field != NULL)
		ok(rc == STORE_BAD && strcmp(bad.field, field) == 0,
		    "%s %s", bad.field, bad.text);
	return rc;
}

static void
test_tenants(struct store *s)
{
	struct store_tenant	 t = { .name = STR("Team A"), .enabled = true,
				    .models = STR("claude-*") }, u;
	uint64_t		 g, h;

	store_limits_init(&t.limits);
	ok(store_generation(s, &g) == 0 && put_tenant(s, &t, NULL) ==
	    STORE_DONE && t.id > 0 && store_generation(s, &h) == 0 && h > g,
	    "a tenant, which workers see");
	u = t;
	u.id = 0;
	u.name = STR("TEAM a");
	put_tenant(s, &u, "name");
	u.name = STR("");
	put_tenant(s, &u, "name");
	u.name = STR("bad\nname");
	put_tenant(s, &u, "name");
	u.name = STR("b");
	u.limits.rpm = -1;
	put_tenant(s, &u, "rpm");
	u.limits.rpm = 0;
	u.limits.budget_day = -2;
	put_tenant(s, &u, "budget_day");
	u.limits.budget_day = INT64_MAX;
	put_tenant(s, &u, "budget_day");
	t.limits.rpm = 60;
	ok(put_tenant(s, &t, NULL) == STORE_DONE, "changed");
	t.id = 999;
	t.name = STR("nobody");
	ok(put_tenant(s, &t, NULL) == STORE_NONE, "one that is not there");
}

static void
test_client_keys(struct store *s)
{
	struct store_client_key	 k = { .name = STR("laptop"), .enabled = true,
				    .tenant_id = 1 };
	struct store_bad	 bad;
	struct snapshot		*n;
	char			 plain[CLIENT_KEY_LEN + 1], hash[65];
	char			 next[CLIENT_KEY_LEN + 1], other[65];
	char			 again[65];
	struct secret_print	*print;
	int64_t			 now = clock_wall_us();

	store_limits_init(&k.limits);
	ok(store_client_key_put(s, box, &k, plain, &bad) == STORE_DONE &&
	    strlen(plain) == CLIENT_KEY_LEN, "a client key");
	client_key_hash(box, str_of(plain), hash);
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && n->nclient_keys == 1 && n->ntenants == 1 &&
	    snapshot_client_key(n, str_of(hash), now) != NULL &&
	    n->client_keys[0].tenant == 0, "is found by its hash %s", err);
	client_key_hash(box, STR("sk-proxy-another"), other);
	print = client_hash_print(box);
	secret_print_with(print, str_of(plain), again);
	ok(strcmp(again, hash) == 0, "made ready, it hashes as it does once");
	secret_print_with(print, STR("sk-proxy-another"), again);
	ok(strcmp(again, other) == 0, "... and the next one, too");
	secret_print_free(print);
	ok(n != NULL && snapshot_client_key(n, str_of(other), now) == NULL,
	    "and no other");
	snapshot_unref(n);
	ok(store_client_key_rotate(s, box, k.id, 60, next, &bad) ==
	    STORE_DONE && strcmp(plain, next) != 0, "changed");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && snapshot_client_key(n, str_of(hash), now) != NULL &&
	    snapshot_client_key(n, str_of(hash), now + 61 * SECOND) == NULL,
	    "the old one is good for a minute");
	client_key_hash(box, str_of(next), hash);
	ok(n != NULL && snapshot_client_key(n, str_of(hash), now) != NULL,
	    "so is the new one");
	snapshot_unref(n);
	k.id = 0;
	ok(store_client_key_put(s, box, &k, plain, &bad) == STORE_BAD &&
	    strcmp(bad.field, "name") == 0, "its name is taken");
	k.name = STR("other");
	k.tenant_id = 77;
	ok(store_client_key_put(s, box, &k, plain, &bad) == STORE_BAD &&
	    strcmp(bad.field, "tenant_id") == 0, "of no tenant");
	ok(store_tenant_delete(s, 1) == STORE_DONE &&
	    store_tenant_delete(s, 1) == STORE_NONE, "the tenant goes");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && n->ntenants == 0 && n->nclient_keys == 0,
	    "with its keys");
	snapshot_unref(n);
	ok(store_tenants_purge(s) == 0, "and leaves at the next start");
}

static void
test_price_table(struct store *s)
{
	struct store_price	 p = { .provider = STR(""), .model = STR("x*"),
				    .input = 1, .output = 2, .cache_read = -1,
				    .cache_write_5m = -1, .cache_write_1h = -1,
				    .date = STR(""), .source = STR("") };
	struct store_bad	 bad;
	struct snapshot		*n;

	ok(store_prices_builtin(s, STR("- {provider: a, model: m, input: 1, "
	    "output: 2.5, date: 2026-01-01, source: x}\n")) == 1,
	    "a table %s", store_error(s));
	ok(store_prices_builtin(s, STR("- {provider: a, model: m, input: 1, "
	    "output: 2.5, date: 2026-01-01, source: x}\n")) == 0,
	    "the same again changes nothing");
	ok(store_prices_builtin(s, STR("- {provider: a, model: m, input: x, "
	    "output: 1}")) == -1 && strstr(store_error(s), "line 1: 'input'")
	    != NULL, "%s", store_error(s));
	ok(store_prices_builtin(s, STR("a: b")) == -1, "%s", store_error(s));
	ok(store_price_put(s, &p, &bad) == STORE_DONE, "one of the operator");
	n = snapshot_load(s, box, err, sizeof(err));
	ok(n != NULL && n->nprices == 2 && price_find(n, STR("a"), STR("m"))
	    ->output == 2500000 && price_find(n, STR("b"), STR("xy"))->input ==
	    1, "both in the snapshot");
	snapshot_unref(n);
	p.input = -1;
	ok(store_price_put(s, &p, &bad) == STORE_BAD &&
	    strcmp(bad.field, "input") == 0, "%s %s", bad.field, bad.text);
	ok(store_price_delete(s, p.id) == STORE_DONE &&
	    store_price_delete(s, p.id) == STORE_NONE, "deleted");
	ok(store_price_delete(s, 1) == STORE_NONE, "built-in ones stay");
}

/* --- what was spent ------------------------------------------------------------------------- */

struct spent {
	int64_t	 day, month, total;
};

static void
spent_cb(void *arg, bool client_key, unsigned slot, int64_t day,
    int64_t month, int64_t total)
{
	struct spent	*sp = arg;

	if (client_key && slot == 0)
		*sp = (struct spent){ day, month, total };
}

static struct spent
spent(struct store *s, uint64_t epoch, int64_t *seq)
{
	struct spent	 sp = { 0, 0, 0 };

	ok(store_spent(s, epoch, clock_wall_us(), spent_cb, &sp, seq) == 0,
	    "what was spent %s", store_error(s));
	return sp;
}

static void
log_row(struct store *s, uint64_t epoch, int64_t key, int64_t time_us,
    int64_t cost)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct acct_rec	 r;

	memset(&r, 0, sizeof(r));
	r.f.time_us = time_us;
	r.f.client_key_id = key;
	r.f.cost = cost;
	r.f.epoch = epoch;
	if (store_log_begin(s) == -1 || store_log_row(s, &r) == -1 ||
	    store_log_commit(s, 1, tail) == -1)
		fatalx("%s", store_error(s));
}

struct changes {
	int64_t	 n, cost, seq, day;
};

static void
change_cb(void *arg, const struct account_change *c)
{
	struct changes	*ch = arg;

	ch->n++;
	ch->cost += c->client_key && c->slot == 0 ? c->cost : 0;
	ch->seq = c->seq;
	ch->day = c->day;
}

static struct changes
changes(struct store *s, uint64_t epoch, int64_t seq)
{
	struct changes	 ch = { 0, 0, seq, 0 };

	ok(store_account_changes(s, epoch, seq, change_cb, &ch) == 0,
	    "changes %s", store_error(s));
	return ch;
}

/* Rows expire, minutes and hours too; what a budget in total has had does not. */
static void
test_spent(struct store *s)
{
	struct store_client_key	 k = { .name = STR("spender"),
				    .enabled = true };
	struct store_bad	 bad;
	char			 plain[CLIENT_KEY_LEN + 1];
	int64_t			 now = clock_wall_us(), seq = -1, i;
	int64_t			 old = now - (int64_t)400 * 86400 * SECOND;
	struct spent		 sp;
	struct changes		 c;

	store_limits_init(&k.limits);
	ok(store_client_key_put(s, box, &k, plain, &bad) == STORE_DONE,
	    "a client key");
	(void)spent(s, 7, &seq);
	log_row(s, 7, k.id, old, 1000);
	log_row(s, 7, k.id, now, 30);
	c = changes(s, 7, seq);
	ok(c.n == 0, "what this memory has counted is no change");
	ok(store_log_expire(s, now - 86400 * SECOND, 0, 100) == 1,
	    "an old row goes");
	for (i = 0; store_rollups_expire(s, now / SECOND, 100) > 0; i++)
		;
	ok(i > 0, "its minute and hour, too");
	sp = spent(s, 8, &seq);
	ok(sp.day == 30 && sp.month == 30 && sp.total == 1030,
	    "what it cost stays spent: %lld %lld %lld", (long long)sp.day,
	    (long long)sp.month, (long long)sp.total);
	log_row(s, 7, k.id, now, 5);
	c = changes(s, 8, seq);
	ok(c.n == 1 && c.cost == 5 && c.day == clock_day(now),
	    "what another memory counts is a change for this one");
	ok(changes(s, 7, seq).n == 0, "and none for that one");
	ok(changes(s, 8, c.seq).n == 0, "and is seen once");
	sp = spent(s, 9, &seq);
	ok(sp.total == 1035 && seq == c.seq, "it is in the sums: %lld",
	    (long long)sp.total);
	ok(store_account_changes_expire(s) == 0, "changes of today are kept");
	for (i = 0; i < 3; i++)
		log_row(s, 9, k.id, old, INT64_MAX / 2);
	sp = spent(s, 10, &seq);
	ok(sp.total > (int64_t)1 << 50 && sp.day == 35,
	    "sums that overflow stop: %lld", (long long)sp.total);
}

static void
apply(struct store *s)
{
	struct conf	*c = conf_parse(STR(""), "app.yml", err, sizeof(err));

	if (c == NULL || store_apply_conf(s, c, box) == -1)
		fatalx("%s%s", err, store_error(s));
	conf_free(c);
}

int
main(void)
{
	struct store	*s;
	char		 name[64];
	int		 fd;

	log_init("money", false);
	if ((fd = mkstemp(path)) == -1)
		fatal("mkstemp");
	close(fd);
	unlink(path);
	snprintf(secret, sizeof(secret), "%s.key", path);
	test_patterns();
	test_find();
	test_cost();
	test_money();
	test_rates();
	test_processes();
	test_periods();
	if ((box = secret_box_open(secret, err, sizeof(err))) == NULL ||
	    (s = store_open(path, STORE_WRITE, err, sizeof(err))) == NULL)
		fatalx("%s", err);
	apply(s);
	test_tenants(s);
	test_client_keys(s);
	test_price_table(s);
	test_spent(s);
	store_close(s);
	secret_box_close(box);
	unlink(path);
	unlink(secret);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return done();
}
