/*
 * models test, keys test, bench-key: real requests, and what came of them.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/price.h"
#include "proxyctl/objects.h"
#include "proxyctl/probe.h"
#include "proxyctl/values.h"
#include "state/row_json.h"

#define MAX_TOKENS	16
#define COUNT		10
#define COUNT_MAX	1000

static volatile sig_atomic_t stopped;

static void
stop_cb(int sig)
{
	(void)sig;
	stopped = 1;
}

static bool
good(const struct probe *p)
{
	return p->status >= 200 && p->status < 300 && p->error[0] == '\0';
}

static json_t *
tokens_json(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *
limits_json(const struct probe *p)
{
	json_t		*o = json_object();
	unsigned	 i;

	for (i = 0; i < p->nlimits; i++)
		json_object_set_new(o, p->limit[i].name,
		    text_json(str_of(p->limit[i].value)));
	return o;
}

static json_t *
probe_json(const struct probe *p)
{
	return json_pack("{s:b,s:i,s:o,s:f,s:f,s:f,s:o,s:o,s:o,s:o,s:o,s:o}",
	    "ok", good(p), "status", p->status, "error",
	    text_json(str_of(p->error)), "connect_ms",
	    (double)p->connect_us / 1e3, "first_byte_ms",
	    (double)p->first_us / 1e3, "total_ms", (double)p->total_us / 1e3,
	    "model", text_json(str_of(p->model)), "input",
	    tokens_json(p->input), "output", tokens_json(p->output), "text",
	    text_json(str_of(p->text)), "request_id",
	    text_json(str_of(p->id)), "rate_limits", limits_json(p));
}

/* "gpt4: 200 in 0.412 s (first byte 0.400 s), gpt-4, 12 + 2 tokens: ok" */
static void
probe_print(const char *what, const struct probe *p)
{
	struct buf	 b;
	char		*safe;

	buf_init(&b, 1 << 16);
	(void)buf_addf(&b, "%s: ", what);
	if (p->status > 0)
		(void)buf_addf(&b, "%d in %.3f s", p->status,
		    (double)p->total_us / 1e6);
	else
		(void)buf_addf(&b, "no answer after %.3f s",
		    (double)p->total_us / 1e6);
	if (good(p)) {
		(void)buf_addf(&b, " (first byte after %.3f s), %s",
		    (double)p->first_us / 1e6, p->model);
		if (p->input >= 0)
			(void)buf_addf(&b, ", %lld + %lld tokens",
			    (long long)p->input, (long long)p->output);
		(void)buf_addf(&b, ": %s", p->text);
	} else
		(void)buf_addf(&b, ": %s", p->error);
	if (p->id[0] != '\0')
		(void)buf_addf(&b, " [%s]", p->id);
	safe = text_safe(buf_str(&b));
	printf("%s\n", safe);
	free(safe);
	buf_release(&b);
}

static int
max_tokens(const struct ctl *c, int64_t *n)
{
	*n = MAX_TOKENS;
	return ctl_int(c, OPT_MAX_TOKENS, 1, 100000, n);
}

/* --- models ------------------------------------------------------------------------------ */

int
models_test(struct ctl *c)
{
	static struct probe	 p;
	json_t			*list = json_array(), *o;
	int64_t			 n;
	unsigned		 i;
	int			 r = CTL_OK, rc = 0;

	if (max_tokens(c, &n) == -1)
		rc = CTL_ERROR;
	for (i = 0; i < c->noperands && rc == 0; i++) {
		if ((rc = probe_model(c, c->operand[i], n, &p)) != 0)
			break;
		if (!good(&p))
			r = CTL_ERROR;
		o = probe_json(&p);
		json_object_set_new(o, "asked",
		    text_json(str_of(c->operand[i])));
		json_array_append_new(list, o);
		if (c->opt[OPT_JSON] == NULL)
			probe_print(c->operand[i], &p);
	}
	if (rc == 0 && c->opt[OPT_JSON] != NULL)
		json_print(json_incref(list));
	json_decref(list);
	return rc != 0 ? (rc == CTL_DOWN ? CTL_DOWN : CTL_ERROR) : r;
}

/* --- keys ---------------------------------------------------------------------------------- */

struct keys {
	struct ctl		*c;
	struct store		*s;
	struct secret_box	*box;
	struct snapshot		*snap;
	json_t			*all;
};

static int
keys_open(struct keys *k, struct ctl *c)
{
	char	 err[2048];

	*k = (struct keys){ .c = c };
	if ((k->s = ctl_store(c, true)) == NULL ||
	    (k->box = ctl_box(c, k->s)) == NULL ||
	    (k->all = ctl_objects(c, k->s, OBJECT_KEY)) == NULL)
		return -1;
	k->snap = snapshot_load(k->s, k->box, err, sizeof(err));
	if (k->snap == NULL)
		ctl_fail("%s: %s", c->paths.db, err);
	return k->snap == NULL ? -1 : 0;
}

static int
keys_close(struct keys *k, int r)
{
	snapshot_unref(k->snap);
	json_decref(k->all);
	secret_box_close(k->box);
	store_close(k->s);
	return r;
}

/* Also one that is disabled or rests. */
static const struct snap_key *
key_find(struct keys *k, const char *name)
{
	json_t		*o = objects_find(&key_family, k->all, name);
	unsigned	 i;

	if (o == NULL)
		return NULL;
	for (i = 0; i < k->snap->nkeys; i++)
		if (k->snap->keys[i].id == objects_id(o))
			return &k->snap->keys[i];
	ctl_fail("key '%s' cannot be opened: see proxyctl check", name);
	return NULL;
}

static const char *
model_of(const struct keys *k, const struct snap_key *key, char dst[256])
{
	const struct snap_provider	*p = &k->snap->providers[key->provider];
	const char			*asked = k->c->opt[OPT_ASK_MODEL];
	struct str			 model = p->default_model;
	unsigned			 i;

	if (asked != NULL)
		return asked;
	for (i = 0; i < k->snap->nmodels && model.n == 0; i++)
		if (k->snap->models[i].provider == key->provider)
			model = k->snap->models[i].target;
	if (model.n == 0 || model.n > 255) {
		ctl_fail("which model? provider '%.*s' has no default model: "
		    "--model names one", STR_FMT(p->name));
		return NULL;
	}
	snprintf(dst, 256, "%.*s", STR_FMT(model));
	return dst;
}

static void
key_what(const struct keys *k, const struct snap_key *key, char dst[160])
{
	snprintf(dst, 160, "key %lld %s of %.*s", (long long)key->id,
	    key->mask, STR_FMT(k->snap->providers[key->provider].name));
}

static int
key_test(struct keys *k, const char *name, int64_t n, json_t *list)
{
	static struct probe	 p;
	const struct snap_key	*key = key_find(k, name);
	const char		*model;
	char			 copy[256], what[160];
	json_t			*o;

	if (key == NULL || (model = model_of(k, key, copy)) == NULL ||
	    probe_key(k->snap, key, model, n, &p) == -1)
		return CTL_ERROR;
	ctl_audit(k->s, "test key", key->mask, good(&p), NULL);
	o = probe_json(&p);
	json_object_set_new(o, "key_id", json_integer(key->id));
	json_object_set_new(o, "asked", text_json(str_of(model)));
	json_array_append_new(list, o);
	key_what(k, key, what);
	if (k->c->opt[OPT_JSON] == NULL)
		probe_print(what, &p);
	return good(&p) ? CTL_OK : CTL_ERROR;
}

int
keys_test(struct ctl *c)
{
	struct keys	 k;
	json_t		*list;
	int64_t		 n;
	unsigned	 i;
	int		 r = CTL_OK;

	if (max_tokens(c, &n) == -1)
		return CTL_ERROR;
	if (keys_open(&k, c) == -1)
		return keys_close(&k, CTL_ERROR);
	list = json_array();
	for (i = 0; i < c->noperands; i++)
		if (key_test(&k, c->operand[i], n, list) != CTL_OK)
			r = CTL_ERROR;
	if (c->opt[OPT_JSON] != NULL && json_array_size(list) > 0)
		json_print(json_incref(list));
	json_decref(list);
	return keys_close(&k, r);
}

/* --- bench-key ------------------------------------------------------------------------------ */

struct bench {
	struct keys		 k;
	const struct snap_key	*key;
	const char		*model;
	char			 copy[256];
	int64_t			 count, max, interval_s;
	int64_t			 total_us[COUNT_MAX], first_us[COUNT_MAX];
	int64_t			 n, done, limited, input, output;
	json_t			*statuses, *errors;
	struct probe		 last;
};

static int
by_size(const void *a, const void *b)
{
	int64_t	 x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Nearest rank; v is sorted. */
static double
quantile_ms(const int64_t *v, int64_t n, int percent)
{
	int64_t	 rank = (n * percent + 99) / 100;

	return n == 0 ? -1 : (double)v[rank < 1 ? 0 : rank - 1] / 1e3;
}

static void
count_up(json_t *o, const char *name)
{
	json_object_set_new(o, name, json_integer(json_integer_value(
	    json_object_get(o, name)) + 1));
}

static void
bench_take(struct bench *b)
{
	const struct probe	*p = &b->last;
	char			 status[16];

	snprintf(status, sizeof(status), "%d", p->status);
	count_up(b->statuses, p->status == 0 ? "no answer" : status);
	b->n++;
	if (!good(p)) {
		json_object_set_new(b->errors, status,
		    text_json(str_of(p->error)));
		b->limited += p->status == 429;
		return;
	}
	b->total_us[b->done] = p->total_us;
	b->first_us[b->done++] = p->first_us;
	b->input += p->input > 0 ? p->input : 0;
	b->output += p->output > 0 ? p->output : 0;
}

/* One after another, and no more once the provider says that it is enough. */
static int
bench_run(struct bench *b)
{
	int64_t	 next = clock_mono_ms(), wait;

	while (b->n < b->count && b->limited == 0 && !stopped) {
		wait = next - clock_mono_ms();
		if (wait > 0)
			(void)poll(NULL, 0, (int)wait);
		next += b->interval_s * 1000;
		if (stopped)
			break;
		if (probe_key(b->k.snap, b->key, b->model, b->max,
		    &b->last) == -1)
			return -1;
		bench_take(b);
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r%lld of %lld", (long long)b->n,
			    (long long)b->count);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\n");
	qsort(b->total_us, (size_t)b->done, sizeof(*b->total_us), by_size);
	qsort(b->first_us, (size_t)b->done, sizeof(*b->first_us), by_size);
	return 0;
}

static int64_t
bench_cost(const struct bench *b)
{
	struct price_use	 u = { .input = b->input, .output = b->output,
				    .cache_read = -1, .cache_write_5m = -1,
				    .cache_write_1h = -1, .reasoning = -1 };

	return price_cost(price_find(b->k.snap, b->k.snap->providers[
	    b->key->provider].name, str_of(b->model)), &u);
}

static void
bench_print(const struct bench *b)
{
	char		 what[160], money[MONEY_LEN];
	const char	*name;
	json_t		*v;
	unsigned	 i;

	key_what(&b->k, b->key, what);
	printf("%s, model %s: %lld requests, %lld good\n", what, b->model,
	    (long long)b->n, (long long)b->done);
	if (b->done > 0)
		printf("first byte  p50 %.0f ms, p95 %.0f ms\n"
		    "whole       p50 %.0f ms, p95 %.0f ms, at most %.0f ms\n",
		    quantile_ms(b->first_us, b->done, 50),
		    quantile_ms(b->first_us, b->done, 95),
		    quantile_ms(b->total_us, b->done, 50),
		    quantile_ms(b->total_us, b->done, 95),
		    quantile_ms(b->total_us, b->done, 100));
	printf("tokens      %lld read, %lld written: %s dollars\n",
	    (long long)b->input, (long long)b->output,
	    ctl_money_text(bench_cost(b), money));
	json_object_foreach(b->statuses, name, v)
		printf("status      %s: %lld times%s%s\n", name,
		    (long long)json_integer_value(v),
		    json_text(b->errors, name)[0] != '\0' ? ", " : "",
		    json_text(b->errors, name));
	for (i = 0; i < b->last.nlimits; i++)
		printf("%s  %s\n", b->last.limit[i].name,
		    b->last.limit[i].value);
	if (b->limited > 0)
		printf("ended at the first rate limit\n");
}

static json_t *
ms_json(double ms)
{
	return ms < 0 ? json_null() : json_real(ms);
}

static json_t *
quantiles_json(const int64_t *v, int64_t n)
{
	return json_pack("{s:o,s:o,s:o}", "p50", ms_json(quantile_ms(v, n,
	    50)), "p95", ms_json(quantile_ms(v, n, 95)), "max",
	    ms_json(quantile_ms(v, n, 100)));
}

static json_t *
bench_json(const struct bench *b)
{
	int64_t	 cost = bench_cost(b);

	return json_pack("{s:I,s:o,s:I,s:I,s:o,s:o,s:I,s:I,s:o,s:O,s:O,s:o,"
	    "s:b}", "key_id", (json_int_t)b->key->id, "asked",
	    text_json(str_of(b->model)), "requests", (json_int_t)b->n, "good",
	    (json_int_t)b->done, "first_byte_ms", quantiles_json(b->first_us,
	    b->done), "total_ms", quantiles_json(b->total_us, b->done),
	    "input", (json_int_t)b->input, "output", (json_int_t)b->output,
	    "cost", cost < 0 ? json_null() : json_real((double)cost / 1e6),
	    "statuses", b->statuses, "errors", b->errors, "rate_limits",
	    limits_json(&b->last), "limited", b->limited > 0);
}

/* Nobody is to be surprised by it. */
static bool
agreed(const struct bench *b)
{
	char	 what[160], line[16] = "";

	key_what(&b->k, b->key, what);
	fprintf(stderr, "proxyctl: warning: sends up to %lld real requests "
	    "for model %s with %s, which are charged for and count towards "
	    "its rate limits\n", (long long)b->count, b->model, what);
	if (b->k.c->opt[OPT_YES] != NULL)
		return true;
	if (!isatty(STDIN_FILENO)) {
		ctl_fail("bench-key: --yes is needed where nobody can be "
		    "asked");
		return false;
	}
	fprintf(stderr, "Go on? [y/N] ");
	return fgets(line, sizeof(line), stdin) != NULL &&
	    (line[0] == 'y' || line[0] == 'Y');
}

static int
bench(struct bench *b)
{
	if (!agreed(b))
		return CTL_ERROR;
	ctl_audit(b->k.s, "bench key", b->key->mask, true, json_pack("{s:I}",
	    "count", (json_int_t)b->count));
	signal(SIGINT, stop_cb);
	signal(SIGTERM, stop_cb);
	if (bench_run(b) == -1)
		return CTL_ERROR;
	if (b->k.c->opt[OPT_JSON] != NULL)
		json_print(bench_json(b));
	else
		bench_print(b);
	return b->done > 0 ? CTL_OK : CTL_ERROR;
}

int
ctl_bench_key(struct ctl *c)
{
	static struct bench	 b;
	int			 r = CTL_ERROR;

	b.count = COUNT;
	b.interval_s = 1;
	if (ctl_int(c, OPT_TIMES, 1, COUNT_MAX, &b.count) == -1 ||
	    ctl_span(c, OPT_INTERVAL, &b.interval_s) == -1 ||
	    max_tokens(c, &b.max) == -1)
		return CTL_ERROR;
	b.statuses = json_object();
	b.errors = json_object();
	if (keys_open(&b.k, c) == 0 &&
	    (b.key = key_find(&b.k, c->operand[0])) != NULL &&
	    (b.model = model_of(&b.k, b.key, b.copy)) != NULL)
		r = bench(&b);
	json_decref(b.statuses);
	json_decref(b.errors);
	return keys_close(&b.k, r);
}
