/*
 * How long the request log takes to answer: a database of five million rows
 * (or the number given), thirty days of them, and the first page of each filter,
 * with an answer's longest step.
 *
 *	rows [-k] [-n rows] [file]
 *
 * -k keeps the file, which is used as it is where it is there already.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "state/store.h"
#include "state/store_page.h"
#include "state/store_rollup.h"

#define DAYS	30
#define BATCH	2000
#define PAGE	50

static int64_t	 rows = 5000000, begin_us;
static uint64_t	 seed = 88172645463325252u;

static uint64_t
chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
row_make(struct acct_rec *r, int64_t i)
{
	static const char *const	 providers[] = { "openai", "anthropic",
					    "gemini", "local" };
	static const char *const	 models[] = { "gpt-5.5",
					    "claude-sonnet-5", "gemini-3-flash",
					    "qwen" };
	static const char *const	 dialects[] = { "anthropic",
					    "openai-responses", "openai-chat",
					    "gemini" };
	static char			 id[40];
	unsigned			 p = (unsigned)(chance() % 100);

	p = p < 60 ? 0 : p < 90 ? 1 : p < 99 ? 2 : 3;
	memset(r, 0, sizeof(*r));
	r->f.time_us = begin_us + (int64_t)((double)i / (double)rows * DAYS *
	    86400e6) - (int64_t)(chance() % 20000000);
	id_timed(id, sizeof(id), "req_", r->f.time_us);
	r->f.status = r->f.upstream_status = chance() % 200 ? 200 :
	    chance() % 10 ? 429 : 503;
	r->f.key_id = 1 + (int64_t)(chance() % 100);
	r->f.total_us = (int64_t)(chance() % 20000000);
	if (chance() % 10000 == 0)
		r->f.total_us *= 10;
	r->f.ttfb_us = 400000;
	r->f.overhead_us = 120;
	r->f.stream = chance() % 3 > 0;
	r->f.translated = chance() % 2;
	r->f.input = 12000;
	r->f.output = 300;
	r->f.attempts = 1;
	r->s[ACCT_ID] = str_of(id);
	r->s[ACCT_PROVIDER] = str_of(providers[p]);
	r->s[ACCT_MODEL_ASKED] = str_of(i == 12345 ? "once" :
	    chance() % 3 ? models[p] : "default");
	r->s[ACCT_MODEL_SENT] = str_of(models[p]);
	r->s[ACCT_DIALECT] = str_of(dialects[chance() % 1000 == 0 ? 3 :
	    chance() % 3]);
	r->s[ACCT_TARGET_DIALECT] = r->s[ACCT_DIALECT];
	r->s[ACCT_PATH] = str_of("/v1/messages");
	r->s[ACCT_ROUTE] = str_of("model");
	r->s[ACCT_KEY_MASK] = str_of("sk-...abcd");
	r->s[ACCT_CLIENT] = str_of("127.0.0.1");
	r->s[ACCT_USER_AGENT] = str_of("claude-cli/2.1.330 (external, sdk)");
	r->s[ACCT_STOP] = str_of("end_turn");
	r->s[ACCT_CLOSE] = str_of("done");
	r->s[ACCT_ATTEMPTS] = str_of("[{\"provider\":\"openai\",\"key\":"
	    "\"sk-...abcd\",\"status\":200,\"ms\":812,\"why\":\"ok\"}]");
	if (r->f.status != 200)
		r->s[ACCT_ERROR] = str_of(i % 50000 == 0 ?
		    "the unusual thing happened" :
		    "provider 'openai' answered 429: rate limit reached");
}

static void
fill(struct store *s)
{
	uint64_t	 tail[STORE_RINGS] = { 0 };
	struct acct_rec	 r;
	int64_t		 i, t0 = clock_mono_us(), t, longest = 0;

	for (i = 0; i < rows; i++) {
		if (i % BATCH == 0 && store_log_begin(s) == -1)
			errx(1, "%s", store_error(s));
		row_make(&r, i);
		if (store_log_row(s, &r) == -1)
			errx(1, "%s", store_error(s));
		if (i % BATCH != BATCH - 1 && i != rows - 1)
			continue;
		tail[0] = (uint64_t)i + 1;
		t = clock_mono_us();
		if (store_log_commit(s, 1, tail) == -1)
			errx(1, "%s", store_error(s));
		if ((t = clock_mono_us() - t) > longest)
			longest = t;
		if (i % 500000 == 499999)
			fprintf(stderr, "%lld rows, %lld/s\n",
			    (long long)i + 1, (long long)(i * 1000000 /
			    (clock_mono_us() - t0)));
	}
	printf("written: %lld rows/s, longest commit %lld ms\n",
	    (long long)(rows * 1000000 / (clock_mono_us() - t0)),
	    (long long)longest / 1000);
}

static void
count_cb(void *arg, const struct log_row *row)
{
	(void)row;
	++*(int *)arg;
}

/* The first page, and how often one has to ask until it is full. */
static void
ask(struct store *s, const char *name, const struct log_filter *f)
{
	struct log_cursor	 c = { 0, 0 };
	int64_t			 t, took, first = 0, longest = 0;
	int			 n = 0, asked = 0, rc = 1;

	while (rc == 1 && n < PAGE) {
		t = clock_mono_us();
		rc = store_log_page(s, f, &c, PAGE - n, 60, count_cb, &n);
		if (rc == -1)
			errx(1, "%s", store_error(s));
		took = clock_mono_us() - t;
		if (asked++ == 0)
			first = took;
		if (took > longest)
			longest = took;
	}
	printf("%-34s %5d rows %8.1f ms first answer %8.1f ms longest, "
	    "%d answers\n", name, n, (double)first / 1e3,
	    (double)longest / 1e3, asked);
}

#define F(...)	(&(struct log_filter){ __VA_ARGS__ })
#define DAY_US	((int64_t)86400000000)

static void
ask_all(struct store *s)
{
	ask(s, "none", F(.key_id = 0));
	ask(s, "a day, two weeks ago", F(.from_us = begin_us + 14 * DAY_US,
	    .to_us = begin_us + 15 * DAY_US));
	ask(s, "status 200", F(.status_min = 200, .status_max = 200));
	ask(s, "status 503", F(.status_min = 503, .status_max = 503));
	ask(s, "status 5xx", F(.status_min = 500, .status_max = 599));
	ask(s, "status 418: none", F(.status_min = 418, .status_max = 418));
	ask(s, "model, common", F(.model = STR("gpt-5.5")));
	ask(s, "model, once in all", F(.model = STR("once")));
	ask(s, "model, never", F(.model = STR("never")));
	ask(s, "provider, 1 in 100", F(.provider = STR("local")));
	ask(s, "provider, never", F(.provider = STR("never")));
	ask(s, "key", F(.key_id = 77));
	ask(s, "dialect, 1 in 1000", F(.dialect = STR("gemini")));
	ask(s, "text in error, common", F(.error = STR("rate limit")));
	ask(s, "text in error, rare", F(.error = STR("unusual")));
	ask(s, "text in error, never", F(.error = STR("xyzzy")));
	ask(s, "took 10 s", F(.min_us = 10000000));
	ask(s, "took 25 s: rare", F(.min_us = 25000000));
	ask(s, "took 60 s: rare", F(.min_us = 60000000));
	ask(s, "took 300 s: never", F(.min_us = 300000000));
	ask(s, "provider, key and status", F(.provider = STR("local"),
	    .key_id = 5, .status_min = 429, .status_max = 429));
	ask(s, "two common that never meet", F(.provider = STR("openai"),
	    .sent = STR("claude-sonnet-5")));
}

static void
sums_cb(void *arg, const struct rollup_row *row)
{
	(void)row;
	++*(int *)arg;
}

static void
ask_rollups(struct store *s)
{
	int64_t	 t = clock_mono_us();
	int	 n = 0;

	if (store_rollups(s, ROLLUP_TARGET, ROLLUP_DAY, 0, INT64_MAX,
	    str_of(""), sums_cb, &n) == -1)
		errx(1, "%s", store_error(s));
	printf("%-34s %5d rows %8.1f ms\n", "all days by target", n,
	    (double)(clock_mono_us() - t) / 1e3);
}

int
main(int argc, char **argv)
{
	const char	*path = "build/rows.db";
	struct store	*s;
	char		 text[2048];
	bool		 keep = false;
	int		 ch;

	while ((ch = getopt(argc, argv, "kn:")) != -1)
		if (ch == 'k')
			keep = true;
		else if (ch != 'n' || str_to_int(str_of(optarg), 1000,
		    100000000, &rows) == -1)
			errx(2, "usage: rows [-k] [-n rows] [file]");
	if (optind < argc)
		path = argv[optind];
	log_init("rows", false);
	begin_us = (int64_t)1790000000 * 1000000;
	if (!keep)
		unlink(path);
	if ((s = store_open(path, STORE_WRITE, text, sizeof(text))) == NULL)
		errx(1, "%s", text);
	if (store_log_count(s) == 0)
		fill(s);
	ask_all(s);
	ask_rollups(s);
	store_close(s);
	if (!keep) {
		unlink(path);
		snprintf(text, sizeof(text), "%s-wal", path);
		unlink(text);
		snprintf(text, sizeof(text), "%s-shm", path);
		unlink(text);
	}
	return 0;
}
