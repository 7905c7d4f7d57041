/*
 * Circuit breakers and headroom: clocks are the test's own.
 */
#include "policy/headroom.h"
#include "state/shm_provider.h"
#include "tap.h"

static struct shm			*m;
static const struct breaker_rule	 rule = { 50, 4, 10000, 1000 };

static int
attempt(int64_t id, bool good, int64_t now)
{
	bool	 trial;

	if (breaker_enter(m, id, now, &trial) != 0)
		return 9;
	return breaker_leave(m, id, &rule, trial, good, now);
}

static void
test_breaker(void)
{
	struct breaker_view	 v;
	bool			 trial, other;
	unsigned		 i;

	ok(attempt(7, false, 100000) == 0 && attempt(7, false, 100000) == 0 &&
	    attempt(7, false, 100000) == 0, "too few to tell");
	ok(attempt(7, false, 111000) == 0, "the window has moved on");
	for (i = 0; i < 5; i++)
		ok(attempt(7, true, 112000) == 0, "a good one");
	ok(attempt(7, false, 112000) == 0 && attempt(7, false, 112000) == 0 &&
	    attempt(7, false, 112000) == 0, "less than half");
	ok(attempt(7, false, 112000) == 1, "half: open");
	ok(breaker_enter(m, 7, 112500, &trial) == 500, "left alone");
	ok(breaker_enter(m, 8, 112500, &trial) == 0, "another is not");
	ok(breaker_leave(m, 7, &rule, false, true, 112600) == 0 &&
	    breaker_enter(m, 7, 112600, &trial) == 400,
	    "a late answer of before does not close it");
	ok(breaker_enter(m, 7, 113000, &trial) == 0 && trial, "a trial");
	ok(breaker_enter(m, 7, 113000, &other) > 0 && !other, "only one");
	breaker_view(m, 7, &rule, 113000, &v);
	ok(v.state == BREAKER_HALF, "half-open meanwhile");
	ok(breaker_leave(m, 7, &rule, true, false, 113100) == 1 &&
	    breaker_enter(m, 7, 113100, &trial) == 2000, "twice as long");
	ok(breaker_enter(m, 7, 115100, &trial) == 0 && trial, "again");
	breaker_forget(m, 7, true, 115200);
	ok(breaker_enter(m, 7, 115200, &trial) == 0 && trial,
	    "one that told nothing leaves it to the next");
	ok(breaker_enter(m, 7, 115200 + BREAKER_PROBE_MS, &other) == 0 &&
	    other, "one that never ended does, too, in time");
	ok(breaker_leave(m, 7, &rule, true, true, 200000) == -1 &&
	    attempt(7, true, 200000) == 0, "closed");
	for (i = 0; i < 12; i++)
		(void)breaker_leave(m, 9, &rule, false, false, 300000);
	for (i = 0; i < 40; i++) {
		breaker_view(m, 9, &rule, 300000, &v);
		(void)breaker_enter(m, 9, v.until_ms, &trial);
		(void)breaker_leave(m, 9, &rule, trial, false, v.until_ms);
	}
	breaker_view(m, 9, &rule, 300000, &v);
	ok(v.until_ms > 0 && v.until_ms < 300000 + 41 *
	    BREAKER_REST_MAX_MS, "it never rests longer than it may");
	breaker_reset(m, 9);
	ok(breaker_enter(m, 9, 300000, &trial) == 0 && !trial, "reset");
	ok(attempt(0x7fffffffffffffff, false, 1) == 0, "any id");
}

static void
test_speed(void)
{
	struct str	 a = STR("a");
	unsigned	 i;

	ok(speed_of(m, 1, a, false, 1000) == -1, "not known");
	speed_note(m, 1, a, false, 8000, 1000);
	ok(speed_of(m, 1, a, false, 1000) == 8000, "the first is believed");
	ok(speed_of(m, 1, a, true, 1000) == -1, "streams apart");
	ok(speed_of(m, 2, a, false, 1000) == -1, "another provider");
	speed_note(m, 1, a, false, 4000, 1001);
	ok(speed_of(m, 1, a, false, 1001) == 7000, "then it moves");
	for (i = 0; i < 30; i++)
		speed_note(m, 1, a, false, 100, 1002);
	ok(speed_of(m, 1, a, false, 1002) < 150, "and arrives");
	ok(speed_of(m, 1, a, false, 1003 + SPEED_OLD_MS) == -1, "and ages");
}

static const struct {
	const char	*text;
	int64_t		 ms;
} times[] = {
	{ "1s", 1000 }, { "6m0s", 360000 }, { "20ms", 20 },
	{ "1h2m3.5s", 3723500 }, { "12", 12000 }, { "0.5", 500 },
	{ "1700000060", 60000 }, { "1700000060000", 60000 },
	{ "1600000000", 0 }, { "2023-11-14T22:14:20Z", 60000 },
	{ "2023-11-14T22:14:20.250Z", 60000 },
	{ "2023-11-15T00:14:20+02:00", 60000 },
	{ "2023-11-14T22:00:00Z", 0 }, { "", -1 }, { "soon", -1 },
	{ "1x", -1 }, { "-5", -1 }, { "1e9", -1 }, { "inf", -1 },
	{ "9999999999999999999999999999", -1 }, { "2023-99-14T22:14:20Z", -1 },
	{ "2023-11-14", -1 }, { ".5", -1 }, { "1.2.3", -1 },
	{ "1s1", -1 }, { "99999999d", (int64_t)1e12 },
};

static const char *const	*given;

static struct str
header(void *arg, const char *name)
{
	const char *const	*h;

	(void)arg;
	for (h = given; *h != NULL; h += 2)
		if (strcasecmp(h[0], name) == 0)
			return str_of(h[1]);
	return STR_NONE;
}

#define READ(...) do {							\
	static const char *const	 list_[] = { __VA_ARGS__, NULL };	\
	given = list_;							\
	headroom_read(header, NULL, 1700000000000000, 5000, &r);	\
} while (0)

static void
test_headroom(void)
{
	struct keys_room	 r;
	unsigned		 i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		ok(headroom_time(str_of(times[i].text), 1700000000000000) ==
		    times[i].ms, "time '%s'", times[i].text);
	READ("x-other", "1");
	ok(r.requests == -1 && r.tokens == -1, "nothing is said");
	READ("x-ratelimit-remaining-requests", "12",
	    "x-ratelimit-reset-requests", "2s");
	ok(r.requests == 12 && r.requests_until_ms == 7000 && r.tokens == -1,
	    "requests");
	READ("anthropic-ratelimit-tokens-remaining", "900",
	    "anthropic-ratelimit-tokens-reset", "2023-11-14T22:13:30Z",
	    "anthropic-ratelimit-input-tokens-remaining", "30",
	    "anthropic-ratelimit-input-tokens-reset", "2023-11-14T22:13:50Z");
	ok(r.tokens == 30 && r.tokens_until_ms == 35000, "the least counts");
	ok(headroom_wait(&r, 5000) == -1, "while some is left there is no "
	    "waiting");
	READ("x-ratelimit-remaining-requests", "0",
	    "x-ratelimit-reset-requests", "2s",
	    "x-ratelimit-remaining-tokens", "0",
	    "x-ratelimit-reset-tokens", "1m2.5s");
	ok(headroom_wait(&r, 5000) == 62500 && headroom_wait(&r, 99999) == 0,
	    "the later of both is waited for");
	r.tokens = 1;
	ok(headroom_wait(&r, 5000) == 2000, "of those that are spent");
	READ("x-ratelimit-remaining-tokens", "0");
	ok(r.tokens == 0 && r.tokens_until_ms == 65000, "no time: a minute");
	READ("x-ratelimit-remaining-tokens", "-4",
	    "x-ratelimit-remaining-requests", "99999999999999999999");
	ok(r.requests == -1 && r.tokens == -1, "absurd numbers are not there");
	READ("x-ratelimit-remaining-tokens", "1",
	    "x-ratelimit-reset-tokens", "400h");
	ok(r.tokens_until_ms == 5000 + HEADROOM_MAX_MS, "an hour at most");
}

static void
test_room(void)
{
	struct keys_room	 r = { 2, 100, 9000, 9000 };
	struct str		 a = STR("model-a");

	m->key[3].id = 33;
	keys_room_set(m, 3, a, &r);
	keys_room(m, 3, a, 8000, &r);
	ok(r.requests == 2 && r.tokens == 100, "kept");
	keys_room_take(m, 3, a, 130);
	keys_room(m, 3, a, 8000, &r);
	ok(r.requests == 1 && r.tokens == 0, "taken, and never below nothing");
	keys_room(m, 3, STR("model-b"), 8000, &r);
	ok(r.requests == -1, "not of another model");
	keys_room(m, 3, a, 9000, &r);
	ok(r.requests == -1 && r.tokens == -1, "over when it said so");
	keys_reset(m, 3);
	keys_room(m, 3, a, 8000, &r);
	ok(r.requests == -1, "reset");
}

int
main(void)
{
	int	 fd;

	m = shm_create(&fd);
	test_breaker();
	test_speed();
	test_headroom();
	test_room();
	return done();
}
