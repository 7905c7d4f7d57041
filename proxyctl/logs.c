/*
 * logs: the request log, by any filter, as it grows, or one request.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/conf_row.h"
#include "state/row_json.h"
#include "state/store_page.h"
#include "state/store_tenants.h"

#define ROWS		20
#define ROWS_MAX	100000
#define PAGE		500
#define PAGE_MS		1000
#define FOLLOW_MS	250

static volatile sig_atomic_t stopped;

static void
stop_cb(int sig)
{
	(void)sig;
	stopped = 1;
}

/* --- filters ------------------------------------------------------------------------- */

enum filter_type { F_STR, F_STATUS, F_TRI, F_MS, F_KEY, F_TENANT, F_CLIENT_KEY };

#define AT(member)	offsetof(struct log_filter, member)
static const struct filter_name {
	const char		*name;
	enum filter_type	 type;
	size_t			 off;
} filter_names[] = {
	{ "status", F_STATUS, 0 }, { "provider", F_STR, AT(provider) },
	{ "model", F_STR, AT(model) }, { "sent", F_STR, AT(sent) },
	{ "dialect", F_STR, AT(dialect) }, { "error", F_STR, AT(error) },
	{ "close", F_STR, AT(close) }, { "key", F_KEY, AT(key_id) },
	{ "tenant", F_TENANT, AT(tenant_id) },
	{ "client_key", F_CLIENT_KEY, AT(client_key_id) },
	{ "min_ms", F_MS, AT(min_us) }, { "failed", F_TRI, AT(failed) },
	{ "stream", F_TRI, AT(stream) },
	{ "translated", F_TRI, AT(translated) },
	{ "lossy", F_TRI, AT(lossy) }
};
#define FILTERS	(sizeof(filter_names) / sizeof(*filter_names))

static int
bad_value(const char *arg, const char *want)
{
	ctl_fail("--filter '%s': expected %s", arg, want);
	return -1;
}

static int
bad_name(const char *arg, struct str name)
{
	struct conf_nearest	 near = { .want = name };
	char			 all[256] = "";
	size_t			 i, n = 0;

	for (i = 0; i < FILTERS; i++) {
		conf_nearest_try(&near, str_of(filter_names[i].name));
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s",
		    i > 0 ? ", " : "", filter_names[i].name);
	}
	if (near.best.n > 0)
		ctl_fail("--filter '%s': there is no '%.*s', did you mean "
		    "'%.*s'?", arg, STR_FMT(name), STR_FMT(near.best));
	else
		ctl_fail("--filter '%s': expected name=value, name one of %s",
		    arg, all);
	return -1;
}

static int
status_of(struct log_filter *f, const char *arg, struct str s)
{
	int64_t	 n;

	if (str_is(s, "error")) {
		f->status_min = 400;
		f->status_max = 599;
	} else if (s.n == 3 && s.p[0] >= '1' && s.p[0] <= '5' &&
	    str_is(str_skip(s, 1), "xx")) {
		f->status_min = (s.p[0] - '0') * 100;
		f->status_max = f->status_min + 99;
	} else if (str_to_int(s, 100, 999, &n) == 0)
		f->status_min = f->status_max = (int)n;
	else
		return bad_value(arg, "a status such as 429, 4xx, or error");
	return 0;
}

struct by_name {
	struct str	 want;
	int64_t		 id;
};

static void
tenant_cb(void *arg, const struct store_tenant *t)
{
	struct by_name	*b = arg;

	if (str_eq(t->name, b->want))
		b->id = t->id;
}

static void
client_key_cb(void *arg, const struct store_client_key *k)
{
	struct by_name	*b = arg;

	if (str_eq(k->name, b->want))
		b->id = k->id;
}

/* A name, or the id of one that is gone. */
static int
id_of(const struct ctl *c, struct store *s, const struct filter_name *f,
    const char *arg, struct str value, int64_t *id)
{
	struct by_name	 b = { .want = value };
	int		 rc = 0;

	if (f->type == F_KEY) {
		if (store_object_find(s, OBJECT_KEY, value, &b.id) ==
		    OBJECT_STORE)
			rc = -1;
	} else if (f->type == F_TENANT)
		rc = store_tenants(s, tenant_cb, &b);
	else
		rc = store_client_keys(s, client_key_cb, &b);
	if (rc == -1) {
		ctl_store_failed(c, s);
		return -1;
	}
	*id = b.id;
	if (b.id != 0 || str_to_int(value, 1, INT64_MAX, id) == 0)
		return 0;
	ctl_fail("--filter '%s': there is no such %s", arg, f->type == F_KEY ?
	    "key, or several" : f->type == F_TENANT ? "tenant" : "client key");
	return -1;
}

static int
filter_take(const struct ctl *c, struct store *s, struct log_filter *f,
    const char *arg)
{
	const struct filter_name	*n = filter_names;
	struct str			 value = str_of(arg), name;
	char				*at;
	int64_t				 ms;

	name = str_cut(&value, '=');
	while (n < filter_names + FILTERS && !str_is(name, n->name))
		n++;
	if (n == filter_names + FILTERS || value.p == NULL)
		return bad_name(arg, name);
	at = (char *)f + n->off;
	switch (n->type) {
	case F_STR:
		*(struct str *)(void *)at = value;
		return 0;
	case F_STATUS:
		return status_of(f, arg, value);
	case F_TRI:
		if (!str_is(value, "yes") && !str_is(value, "no"))
			return bad_value(arg, "yes or no");
		*(enum log_tri *)(void *)at = str_is(value, "yes") ? LOG_YES :
		    LOG_NO;
		return 0;
	case F_MS:
		if (str_to_int(value, 0, INT64_MAX / 1000, &ms) == -1)
			return bad_value(arg, "milliseconds");
		*(int64_t *)(void *)at = ms * 1000;
		return 0;
	default:
		return id_of(c, s, n, arg, value, (int64_t *)(void *)at);
	}
}

static int
filter_of(const struct ctl *c, struct store *s, struct log_filter *f)
{
	const char	*arg;
	unsigned	 i = 0;

	memset(f, 0, sizeof(*f));
	while ((arg = words_next(c, OPT_FILTER, &i)) != NULL)
		if (filter_take(c, s, f, arg) == -1)
			return -1;
	if (ctl_time(c, OPT_SINCE, false, &f->from_us) == -1 ||
	    ctl_time(c, OPT_UNTIL, false, &f->to_us) == -1)
		return -1;
	if (f->to_us == 0 || f->from_us < f->to_us)
		return 0;
	ctl_fail("logs: --since must be before --until");
	return -1;
}

/* --- printed ------------------------------------------------------------------------- */

/* "123+45/67": read, of these from the cache, written. */
static void
tokens_text(char *dst, size_t size, const struct acct_fixed *f)
{
	int64_t	 in = (f->input > 0 ? f->input : 0) + (f->cache_read > 0 ?
		    f->cache_read : 0);
	int64_t	 out = (f->output > 0 ? f->output : 0) + (f->reasoning > 0 ?
		    f->reasoning : 0);

	if (f->input < 0 && f->output < 0)
		snprintf(dst, size, "-");
	else
		snprintf(dst, size, "%lld/%lld", (long long)in,
		    (long long)out);
}

static void
line_of(struct buf *b, const struct acct_rec *r)
{
	char		 when[WHEN_LEN], tokens[48], money[MONEY_LEN];
	struct str	 error = r->s[ACCT_ERROR];

	tokens_text(tokens, sizeof(tokens), &r->f);
	(void)buf_addf(b, "%s  %3d  %8.3f s  %-16.*s  %.*s%s%.*s  %s tokens",
	    ctl_when(r->f.time_us, when), r->f.status,
	    (double)r->f.total_us / 1e6, STR_FMT(r->s[ACCT_DIALECT]),
	    STR_FMT(r->s[ACCT_PROVIDER]), r->s[ACCT_MODEL_SENT].n > 0 ? "/" :
	    "", STR_FMT(r->s[ACCT_MODEL_SENT].n > 0 ? r->s[ACCT_MODEL_SENT] :
	    r->s[ACCT_MODEL_ASKED]), tokens);
	if (r->f.cost > 0)
		(void)buf_addf(b, "  $%s", ctl_money_text(r->f.cost, money));
	if (r->s[ACCT_TENANT].n > 0)
		(void)buf_addf(b, "  %.*s", STR_FMT(r->s[ACCT_TENANT]));
	(void)buf_addf(b, "  %.*s", STR_FMT(r->s[ACCT_ID]));
	if (error.n > 0)
		(void)buf_addf(b, "  %.*s", STR_FMT(error));
}

static void
print_row(const struct ctl *c, const struct log_row *row)
{
	struct buf	 b;
	json_t		*o;
	char		*text;

	if (c->opt[OPT_JSON] != NULL) {
		o = row_json(row);
		json_dumpf(o, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(o);
		return;
	}
	buf_init(&b, 1 << 20);
	line_of(&b, &row->rec);
	text = text_safe(buf_str(&b));
	printf("%s\n", text);
	free(text);
	buf_release(&b);
}

/* --- a page, oldest first --------------------------------------------------------------- */

struct page {
	const struct ctl	*c;
	int64_t			 last;		/* no later ids; 0: any */
	char			**line;		/* newest first */
	size_t			 n, max;
};

static void
page_cb(void *arg, const struct log_row *row)
{
	struct page	*p = arg;
	struct buf	 b;
	json_t		*o;

	if ((p->last > 0 && row->id > p->last) || p->n == p->max)
		return;
	if (p->c->opt[OPT_JSON] != NULL) {
		o = row_json(row);
		p->line[p->n] = json_dumps(o, JSON_COMPACT);
		json_decref(o);
	} else {
		buf_init(&b, 1 << 20);
		line_of(&b, &row->rec);
		p->line[p->n] = text_safe(buf_str(&b));
		buf_release(&b);
	}
	must(p->line[p->n++] != NULL);
}

static int
page_print(const struct ctl *c, struct store *s, const struct log_filter *f,
    int64_t max, int64_t last)
{
	struct page		 p = { .c = c, .last = last,
				    .max = (size_t)max };
	struct log_cursor	 at = { 0, 0 };
	int			 rc = 1;

	p.line = calloc(p.max + 1, sizeof(*p.line));
	must(p.line != NULL);
	while (rc == 1 && p.n < p.max && !stopped)
		rc = store_log_page(s, f, &at, max - (int64_t)p.n < PAGE ?
		    (int)(max - (int64_t)p.n) : PAGE, PAGE_MS, page_cb, &p);
	while (p.n > 0) {
		if (rc != -1)
			printf("%s\n", p.line[p.n - 1]);
		free(p.line[--p.n]);
	}
	free(p.line);
	if (rc == -1)
		ctl_store_failed(c, s);
	return rc == -1 ? -1 : 0;
}

/* --- as they end ------------------------------------------------------------------------- */

static void
row_cb(void *arg, const struct log_row *row)
{
	print_row(arg, row);
}

/* Whoever reads our output is gone: it must be seen without a row, too. */
static bool
reader_gone(void)
{
	struct pollfd	 p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

static int
follow(struct ctl *c, struct store *s, const struct log_filter *f,
    int64_t max)
{
	int64_t	 id = -1;

	if (store_log_follow(s, f, &id, 1, row_cb, c) == -1 ||
	    page_print(c, s, f, max, id == 0 ? -1 : id) == -1)
		return -1;
	while (!stopped) {
		if (store_log_follow(s, f, &id, PAGE, row_cb, c) == -1) {
			ctl_store_failed(c, s);
			return -1;
		}
		if (fflush(stdout) != 0 || reader_gone())
			break;
		(void)poll(NULL, 0, FOLLOW_MS);
	}
	return 0;
}

/* --- one ---------------------------------------------------------------------------------- */

static void
found_cb(void *arg, const struct log_row *row)
{
	*(json_t **)arg = row_json(row);
}

static void
print_one(json_t *o)
{
	json_t		*tries = json_object_get(o, "tries"), *loss, *v;
	size_t		 i, more, n = 0;
	const char	*name;
	void		*next;

	loss = json_object_get(o, "loss");
	json_incref(tries);
	json_incref(loss);
	json_object_foreach_safe(o, next, name, v)
		if ((json_is_string(v) && json_string_length(v) == 0) ||
		    v == tries || v == loss)
			json_object_del(o, name);
	json_print_pairs(o);
	json_array_foreach(tries, i, v) {
		more = (size_t)json_integer_value(json_object_get(v, "more"));
		if (more > 0)
			printf("\nattempts %zu to %zu\n", n + 1, n + more);
		else
			printf("\nattempt %zu\n", n + 1);
		json_print_pairs(v);
		n += more > 0 ? more : 1;
	}
	json_array_foreach(loss, i, v) {
		printf("\nloss %zu\n", i + 1);
		json_print_pairs(v);
	}
	json_decref(tries);
	json_decref(loss);
}

static int
one(struct ctl *c, struct store *s)
{
	json_t	*o = NULL;
	int	 r = CTL_OK;

	if (store_log_find(s, str_of(c->operand[0]), found_cb, &o) == -1)
		r = ctl_store_failed(c, s);
	else if (o == NULL)
		r = ctl_fail("there is no request '%s' in the log",
		    c->operand[0]);
	else if (c->opt[OPT_JSON] != NULL)
		r = json_print(json_incref(o));
	else
		print_one(o);
	json_decref(o);
	return r;
}

int
ctl_logs(struct ctl *c)
{
	struct log_filter	 f;
	struct store		*s;
	int64_t			 max = ROWS;
	int			 r = -1;

	if (ctl_int(c, OPT_LIMIT, 1, ROWS_MAX, &max) == -1 ||
	    (s = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	signal(SIGINT, stop_cb);
	signal(SIGTERM, stop_cb);
	signal(SIGPIPE, SIG_IGN);
	if (c->noperands > 0)
		r = one(c, s) == CTL_OK ? 0 : -1;
	else if (filter_of(c, s, &f) == -1)
		r = -1;
	else if (c->opt[OPT_FOLLOW] != NULL)
		r = follow(c, s, &f, max);
	else
		r = page_print(c, s, &f, max, 0);
	store_close(s);
	return r == -1 ? CTL_ERROR : CTL_OK;
}
