/*
 * common/base: arenas, buffers, encodings, numbers, ids, clocks, the log.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/scan.h"
#include "base/str.h"
#include "tap.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* --- memory ----------------------------------------------------------------- */

static void
test_arena(void)
{
	struct arena	 a;
	struct str	 s;
	char		*p[2000], *q;
	size_t		 i, k;
	bool		 aligned = true, zero = true, kept = true;

	arena_init(&a);
	for (i = 0; i < N(p); i++) {
		/* Sizes that end chunks at odd places, now and then large. */
		k = i % 97 == 0 ? 70000 : i % 300 + 1;
		(void)memset(arena_bytes(&a, i % 7), 0xee, i % 7);
		p[i] = arena_alloc(&a, k);
		aligned &= (uintptr_t)p[i] % _Alignof(max_align_t) == 0;
		zero &= p[i][0] == 0 && p[i][k - 1] == 0;
		memset(p[i], (int)(i & 0xff), k);
	}
	for (i = 0; i < N(p); i++) {
		k = i % 97 == 0 ? 70000 : i % 300 + 1;
		kept &= p[i][0] == (char)i && p[i][k - 1] == (char)i;
	}
	ok(aligned, "arena_alloc aligns");
	ok(zero, "arena_alloc gives zeros");
	ok(kept, "no allocation overlaps another");

	s = arena_str(&a, STR("hello"));
	ok(str_is(s, "hello") && s.p[5] == '\0', "arena_str copies and ends");
	s = arena_str(&a, STR_NONE);
	ok(s.p != NULL && s.n == 0 && s.p[0] == '\0', "arena_str of nothing");
	s = arena_strf(&a, "%d-%s", 42, "x");
	ok(str_is(s, "42-x"), "arena_strf");
	s = arena_strf(&a, "%*d", 9000, 1);
	ok(s.n == 9000 && s.p[8999] == '1', "arena_strf longer than a chunk");
	arena_clear(&a);
	ok(a.total == 0 && a.head != NULL, "arena_clear keeps a chunk");
	q = arena_alloc(&a, 100);
	ok(q[0] == 0 && q[99] == 0, "memory used again is zeroed");
	arena_release(&a);
	ok(a.head == NULL, "arena_release");

	arena_bytes(&a, 1 << 20);
	arena_clear(&a);
	ok(a.head == NULL, "arena_clear keeps no large chunk");
	ok(arena_array(&a, 3, 5) != NULL, "arena_array");
	arena_release(&a);
}

static void
test_buf(void)
{
	struct buf	 b;
	size_t		 i;

	buf_init(&b, 10);
	ok(b.data == NULL && buf_str(&b).n == 0 && buf_str(&b).p != NULL,
	    "a new buffer is an empty string");
	ok(buf_addz(&b, "12345") == 0 && buf_addz(&b, "67890") == 0,
	    "filled to the limit");
	ok(str_is(buf_str(&b), "1234567890") && b.data[10] == '\0',
	    "contents end in NUL");
	ok(buf_ok(&b) && buf_addc(&b, 'x') == -1 && !buf_ok(&b),
	    "one byte too many");
	ok(str_is(buf_str(&b), "1234567890"), "a failure changes nothing");
	ok(buf_add(&b, "", 0) == 0 && !buf_ok(&b), "the mark stays");
	buf_drain(&b, 4);
	ok(str_is(buf_str(&b), "567890") && b.data[6] == '\0', "buf_drain");
	ok(buf_addf(&b, "%s", "12345") == -1 &&
	    str_is(buf_str(&b), "567890"), "buf_addf at the limit");
	ok(buf_addf(&b, "%d", 1234) == 0 &&
	    str_is(buf_str(&b), "5678901234"), "buf_addf that just fits");
	ok(buf_reserve(&b, SIZE_MAX) == -1, "sizes do not overflow");
	buf_drain(&b, 100);
	ok(b.len == 0, "draining more than there is");
	buf_clear(&b);
	ok(buf_ok(&b) && buf_addz(&b, "again") == 0, "buf_clear");
	buf_release(&b);
	ok(b.data == NULL && b.max == 10, "buf_release");

	buf_init(&b, 1 << 20);
	for (i = 0; i < 1 << 20; i++)
		if (buf_addc(&b, (char)('a' + i % 26)) == -1)
			break;
	ok(i == 1 << 20 && b.data[i - 1] == (char)('a' + (i - 1) % 26),
	    "a mebibyte byte by byte");
	ok(buf_addc(&b, 'x') == -1, "and no byte more");
	buf_release(&b);
}

static void
test_str(void)
{
	struct str	 rest = STR("a,b,,c"), s;
	int		 n = 0;

	while (rest.p != NULL) {
		s = str_cut(&rest, ',');
		n = n * 10 + (int)s.n;
	}
	ok(n == 1101, "str_cut gives a, b, nothing, c");
	ok(str_is(str_trim(STR(" \t x y\r\n")), "x y"), "str_trim");
	ok(str_is_nocase(STR("Content-TYPE"), "content-type"),
	    "str_is_nocase");
	ok(str_ends(STR("a.json"), ".json") && !str_ends(STR("n"), ".json"),
	    "str_ends");
	ok(str_eq(STR_NONE, STR("")), "nothing equals the empty string");
}

/* --- encodings -------------------------------------------------------------- */

static void
test_hex(void)
{
	struct buf	 b;
	unsigned char	 raw[4];

	buf_init(&b, 8);
	ok(hex_encode(&b, "\x00\x7f\xab\xff", 4) == 0 &&
	    str_is(buf_str(&b), "007fabff"), "hex_encode");
	ok(hex_encode(&b, "x", 1) == -1, "hex_encode at the limit");
	ok(hex_decode(raw, 4, STR("007FabfF")) == 0 &&
	    memcmp(raw, "\x00\x7f\xab\xff", 4) == 0, "hex_decode");
	ok(hex_decode(raw, 4, STR("007FabfFa")) == -1 &&
	    hex_decode(raw, 4, STR("007Fabf")) == -1 &&
	    hex_decode(raw, 4, STR("007Fabfg")) == -1, "hex_decode refuses");
	buf_release(&b);
}

static bool
base64_gives(const char *in, const char *want, size_t n)
{
	struct buf	 b;
	bool		 good;

	buf_init(&b, 100);
	good = base64_decode(&b, str_of(in)) == 0 &&
	    str_eq(buf_str(&b), (struct str){ want, n });
	buf_release(&b);
	return good;
}

static void
test_base64(void)
{
	static const char *const	 bad[] = { "A", "AAAAA", "=", "A=", "A==",
	    "A===", "AA=", "AAA==", "AAAA=", "AA=A", "AA A", "AA\nA", "A*AA" };
	static const struct { const char *plain, *text; } rfc[] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" }
	};
	struct buf	 b, c;
	unsigned char	 raw[256];
	bool		 good = true;
	size_t		 i;

	buf_init(&b, 1000);
	buf_init(&c, 1000);
	for (i = 0; i < N(rfc); i++) {
		buf_clear(&b);
		good &= base64_encode(&b, str_of(rfc[i].plain)) == 0 &&
		    str_is(buf_str(&b), rfc[i].text) &&
		    base64_gives(rfc[i].text, rfc[i].plain,
		    strlen(rfc[i].plain));
	}
	ok(good, "base64: the vectors of RFC 4648");
	ok(base64_gives("Zg", "f", 1) && base64_gives("Zm8", "fo", 2),
	    "base64: padding may be missing");
	ok(base64_gives("+/+/", "\xfb\xff\xbf", 3) &&
	    base64_gives("-_-_", "\xfb\xff\xbf", 3), "base64: both alphabets");
	for (i = 0; i < N(bad); i++) {
		buf_clear(&b);
		if (base64_decode(&b, str_of(bad[i])) == 0)
			ok(false, "base64: '%s' is refused", bad[i]);
	}
	for (i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)i;
	for (i = 0; i <= sizeof(raw) && good; i++) {
		struct str	 s = { (const char *)raw, i };

		buf_clear(&b);
		buf_clear(&c);
		good = base64_encode(&b, s) == 0 &&
		    base64_decode(&c, buf_str(&b)) == 0 &&
		    str_eq(buf_str(&c), s);
	}
	ok(good, "base64: every length up to 256 comes back");
	buf_release(&b);
	buf_release(&c);
}

static int
url_gives(const char *in, bool plus, const char *want)
{
	struct buf	 b;
	int		 res;

	buf_init(&b, 100);
	res = url_decode(&b, str_of(in), plus);
	if (res == 0 && (want == NULL || !str_is(buf_str(&b), want)))
		res = 1;
	buf_release(&b);
	return res;
}

static void
test_url(void)
{
	struct buf	 b, c;
	char		 all[255];
	size_t		 i;

	ok(url_gives("a%2Fb+c%20d", false, "a/b+c d") == 0, "url: a path");
	ok(url_gives("a%2fb+c%2Bd", true, "a/b c+d") == 0, "url: a query");
	ok(url_gives("%zz", false, NULL) == -1 &&
	    url_gives("%4", false, NULL) == -1 &&
	    url_gives("%", false, NULL) == -1, "url: half an escape");
	ok(url_gives("a%00b", false, NULL) == -1, "url: no NUL");
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);
	buf_init(&b, 1000);
	buf_init(&c, 1000);
	ok(url_encode(&b, (struct str){ all, sizeof(all) }) == 0 &&
	    url_decode(&c, buf_str(&b), true) == 0 &&
	    str_eq(buf_str(&c), (struct str){ all, sizeof(all) }),
	    "url: every byte comes back");
	buf_clear(&b);
	ok(url_encode(&b, STR("az-._~/ \xc3\xa4")) == 0 &&
	    str_is(buf_str(&b), "az-._~%2F%20%C3%A4"), "url_encode");
	buf_release(&b);
	buf_release(&c);
}

static void
test_utf8(void)
{
	static const char *const	 good[] = { "", "plain", "\x7f",
	    "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
	    "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
	    "\xf4\x8f\xbf\xbf", "12345678\xc3\xa4" "12345678" };
	static const char *const	 bad[] = { "\x80", "\xbf", "\xc0\x80",
	    "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xe0\xa0",
	    "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
	    "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
	    "\xfe", "1234567\xc3", "12345678\xc3\xa4\xa4" };
	size_t		 i;

	for (i = 0; i < N(good); i++)
		if (!utf8_valid(str_of(good[i])))
			ok(false, "utf8: good %zu", i);
	for (i = 0; i < N(bad); i++)
		if (utf8_valid(str_of(bad[i])))
			ok(false, "utf8: bad %zu", i);
	ok(utf8_valid(STR("a\0b")), "utf8: NUL is a character");
	ok(utf8_run(STR("\xc3\xa4\xe2\x82\xac" "a")) == 5 &&
	    utf8_run(STR("a")) == 0 && utf8_run(STR("\xc3\xa4\xc3")) == 2,
	    "utf8_run");
}

static bool
int_is(const char *z, int64_t min, int64_t max, int64_t want)
{
	int64_t	 v = ~want;

	return str_to_int(str_of(z), min, max, &v) == 0 && v == want;
}

static void
test_int(void)
{
	static const char *const	 bad[] = { "", "-", "+1", " 1", "1 ", "1a",
	    "0x1", "--1", "1.0", "9223372036854775808",
	    "-9223372036854775809", "99999999999999999999" };
	int64_t		 v;
	size_t		 i;

	ok(int_is("0", 0, 9, 0) && int_is("-0", 0, 9, 0) &&
	    int_is("007", 0, 9, 7), "str_to_int");
	ok(int_is("9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX) &&
	    int_is("-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN),
	    "str_to_int at both ends");
	ok(str_to_int(STR("10"), 0, 9, &v) == -1 &&
	    str_to_int(STR("-1"), 0, 9, &v) == -1 &&
	    int_is("9", 0, 9, 9), "str_to_int keeps the range");
	for (i = 0; i < N(bad); i++)
		if (str_to_int(str_of(bad[i]), INT64_MIN, INT64_MAX, &v) == 0)
			ok(false, "str_to_int: '%s' is refused", bad[i]);
}

static void
test_hash(void)
{
	static uint64_t	 seen[4096];
	char		 key[64];
	uint64_t	 h;
	size_t		 i, k, n = 0;
	unsigned	 flips = 0;

	/* Ids made from it are compared across releases. */
	ok(hash64(STR("proxyd worker"), 1) == 0x9b02dfa116f2d952u,
	    "hash64 is what it always was");
	ok(hash64(STR(""), 0) == hash64(STR_NONE, 0), "hash64 of nothing");
	ok(hash64(STR("a"), 0) != hash64(STR("a"), 1), "hash64 has a seed");
	ok(hash64(STR("a"), 0) != hash64(STR("a\0"), 0),
	    "hash64 tells lengths apart");
	for (i = 0; i < N(seen); i++) {
		snprintf(key, sizeof(key), "key-%zu", i);
		seen[i] = hash64(str_of(key), 7);
		for (k = 0; k < i; k++)
			n += seen[k] == seen[i];
	}
	ok(n == 0, "hash64: 4,096 keys, no collision");
	memset(key, 'x', sizeof(key));
	h = hash64((struct str){ key, 40 }, 0);
	for (i = 0; i < 320; i++) {
		key[i / 8] ^= (char)(1 << i % 8);
		flips += (unsigned)__builtin_popcountll(h ^
		    hash64((struct str){ key, 40 }, 0));
		key[i / 8] ^= (char)(1 << i % 8);
	}
	ok(flips > 320 * 28 && flips < 320 * 36,
	    "hash64: one bit in flips half of those out");
	printf("# %u.%02u bits a flip\n", flips / 320,
	    flips % 320 * 100 / 320);
}

/* Every kind of byte at every place of a word. */
static void
test_scan(void)
{
	char		 s[40];
	size_t		 i;
	unsigned	 c;
	bool		 json = true, line = true;

	for (c = 0; c < 256; c++) {
		for (i = 0; i < sizeof(s); i++) {
			const char	*e = s + sizeof(s);

			memset(s, 'a', sizeof(s));
			s[i] = (char)c;
			json &= scan_json(s, e) == (c < 0x20 || c == '"' ||
			    c == '\\' || c >= 0x80 ? s + i : e);
			line &= scan_line(s, e) ==
			    (c == '\n' || c == '\r' ? s + i : e);
			if (i + 1 < sizeof(s)) {
				s[i + 1] = '"';
				json &= scan_json(s, e) <= s + i + 1;
			}
		}
	}
	ok(json, "scan_json finds the first");
	ok(line, "scan_line finds the first");
}

/* --- ids, clocks, the log --------------------------------------------------- */

static void
test_id(void)
{
	char	 a[64], b[64];
	size_t	 i;
	bool	 set = true;

	ok(id_new(a, sizeof(a), "req_") == a && strlen(a) == 4 + ID_RAND_LEN &&
	    strncmp(a, "req_", 4) == 0, "id_new");
	id_timed(a, sizeof(a), "req_", 1790000000000000);
	id_timed(b, sizeof(b), "req_", 1790000000000062);
	ok(strlen(a) == 4 + ID_RAND_LEN && strcmp(a, b) < 0 &&
	    strncmp(a, b, 11) == 0 && strncmp(a + 13, b + 13, 15) != 0,
	    "ids that begin with the time: %s", a);
	id_new(b, 4 + ID_RAND_LEN + 1, "req_");
	ok(strcmp(a, b) != 0, "two ids differ");
	for (i = 4; i < 4 + ID_RAND_LEN; i++)
		set &= strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz", a[i]) != NULL;
	ok(set, "an id is letters and digits");
}

/* What a child is given must not be what its parent is given. */
static void
test_id_fork(void)
{
	char	 mine[64], child[64] = "";
	int	 fd[2];
	pid_t	 pid;
	ssize_t	 n;

	id_timed(mine, sizeof(mine), "", 1);
	if (pipe(fd) == -1 || (pid = fork()) == -1)
		fatal("fork");
	if (pid == 0) {
		id_timed(child, sizeof(child), "", 1);
		_exit(write(fd[1], child, sizeof(child)) == -1);
	}
	id_timed(mine, sizeof(mine), "", 1);
	n = read(fd[0], child, sizeof(child));
	waitpid(pid, NULL, 0);
	ok(n == (ssize_t)sizeof(child) &&
	    strlen(child) == ID_RAND_LEN && strcmp(mine, child) != 0,
	    "parent and child make different ids");
	close(fd[0]);
	close(fd[1]);
}

static bool
time_is(int64_t us, const char *want)
{
	char	 dst[CLOCK_RFC3339_LEN];

	return strcmp(clock_rfc3339(us, dst), want) == 0;
}

static const char *
redacted(const char *text)
{
	static char	 s[4096];
	size_t		 n = strlen(text);

	memcpy(s, text, n + 1);
	s[redact(s, n)] = '\0';
	return s;
}

static void
test_redact(void)
{
	static const struct {
		const char	*text, *want;
	} t[] = {
		{ "", "" },
		{ "nothing to hide", "nothing to hide" },
		{ "{\"k\":\"sk-abc123def456ghi789\"}", "{\"k\":\"sk-****\"}" },
		{ "a risk-assessment-of-2024-things",
		    "a risk-assessment-of-2024-things" },
		{ "sk-short1", "sk-short1" },
		{ "sk-learn-is-no-secret-at-all",
		    "sk-learn-is-no-secret-at-all" },
		{ "key=AIzaSyA0123456789abcdefghijk",
		    "key=AIza****" },
		{ "\"AIzaSyA0123456789abcdefghijk\"", "\"AIza****\"" },
		{ "Authorization: Bearer abcdef0123456789abcdef",
		    "Authorization: Bearer a****" },
		{ "bearer of good news", "bearer of good news" },
	};
	char		 s[1200], secret[] = "x hunter2hunter2 y hunter2hunter2";
	size_t		 i;

	for (i = 0; i < N(t); i++)
		ok(strcmp(redacted(t[i].text), t[i].want) == 0, "redact %s: %s",
		    t[i].text, redacted(t[i].text));
	memset(s, 'Q', sizeof(s));
	memcpy(s, "\"", 1);
	memcpy(s + sizeof(s) - 2, "\"", 2);
	ok(strcmp(redacted(s), "\"[base64, 1197]\"") == 0, "media: %s",
	    redacted(s));
	redact_secret(secret, sizeof(secret) - 1, STR("hunter2hunter2"));
	ok(strcmp(secret, "x ************** y **************") == 0,
	    "a known secret");
	redact_secret(secret, 4, STR("hunter2hunter2"));
	redact_secret(secret, 4, STR("x"));
	ok(secret[0] == 'x', "one too short to be one stays");
}

/* Each day of some centuries, as the C library has it. */
static unsigned
months_wrong(void)
{
	struct tm	 tm;
	int64_t		 day;
	time_t		 t;
	unsigned	 wrong = 0;

	for (day = 0; day < 365 * 700; day++) {
		t = (time_t)(day * 86400 + day % 86400);
		wrong += gmtime_r(&t, &tm) == NULL ||
		    clock_month((int64_t)t * 1000000) !=
		    ((int64_t)tm.tm_year + 1900) * 12 + tm.tm_mon;
	}
	return wrong;
}

static void
test_clock(void)
{
	int64_t	 a = clock_mono_us(), ms = clock_mono_ms();

	ok(clock_mono_us() >= a && ms >= a / 1000, "time goes on");
	ok(months_wrong() == 0, "clock_month");
	ok(clock_wall_us() > 1600000000 * (int64_t)1000000, "it is late");
	ok(time_is(0, "1970-01-01T00:00:00.000Z") &&
	    time_is(1709210096789012, "2024-02-29T12:34:56.789Z") &&
	    time_is(INT64_MAX, "1970-01-01T00:00:00.000Z") &&
	    time_is(-1, "1970-01-01T00:00:00.000Z"), "clock_rfc3339");
}

/* Runs fn in a child and returns what it wrote to stderr. */
static int
child_says(void (*fn)(void), char *text, size_t size)
{
	int	 fd[2], status;
	pid_t	 pid;
	ssize_t	 r;
	size_t	 n = 0;

	fflush(stdout);
	if (pipe(fd) == -1 || (pid = fork()) == -1)
		fatal("pipe or fork");
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(fd[1]);
	while ((r = read(fd[0], text + n, size - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	close(fd[0]);
	if (waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void
say_all(void)
{
	log_init("proxyd worker 3", false);
	log_alert("first");
	errno = ENOENT;
	log_warn("cannot open '%s'", "x");
	log_warnx("second\nline");
	log_debug("not this");
	log_setdebug(true);
	log_debug("but this");
	errno = EINTR;
	log_info("%0*d", 5000, 7);
	if (errno != EINTR)
		log_alert("errno is changed");
}

static void
fatal_cb(const char *text)
{
	log_info("told: %s", text);
}

static void
say_fatal(void)
{
	log_init("a", false);
	log_onfatal(fatal_cb);
	must(1 + 1 == 2);
	must(1 + 1 == 3);
}

static void
test_log(void)
{
	char		 text[16384], *line, *rest;
	size_t		 n;
	int		 lines = 0;
	bool		 shape = true;

	ok(child_says(say_all, text, sizeof(text)) == 0, "log lines are written");
	ok(strstr(text, "]: alert: first\n") != NULL, "log_alert");
	ok(strstr(text, "]: warn: cannot open 'x': No such file or directory\n")
	    != NULL, "log_warn adds the error");
	ok(strstr(text, "]: warn: second line\n") != NULL,
	    "a line end in the text is none in the log");
	ok(strstr(text, "not this") == NULL &&
	    strstr(text, "]: debug: but this\n") != NULL, "log_debug");
	ok(strstr(text, "errno is changed") == NULL, "errno stays");
	for (line = text; *line != '\0'; line = rest + 1, lines++) {
		if ((rest = strchr(line, '\n')) == NULL)
			break;
		n = (size_t)(rest - line);
		shape &= n > 45 && n < 2048 && line[10] == 'T' &&
		    line[23] == 'Z' &&
		    strncmp(line + 24, " proxyd worker 3[", 17) == 0;
	}
	ok(lines == 5 && shape, "the shape of a line");

	ok(child_says(say_fatal, text, sizeof(text)) == 1, "fatal exits 1");
	ok(strstr(text, "fatal: assertion failed: 1 + 1 == 3, ") != NULL,
	    "must says what failed");
	ok(strstr(text, "info: told: assertion failed") != NULL,
	    "log_onfatal is told");
}

int
main(void)
{
	test_arena();
	test_buf();
	test_str();
	test_hex();
	test_base64();
	test_url();
	test_utf8();
	test_int();
	test_hash();
	test_scan();
	test_id();
	test_id_fork();
	test_redact();
	test_clock();
	test_log();
	return done();
}
