/*
 * Rows of the log, roll-ups and budgets as JSON, and texts that may not be UTF-8.
 */
#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/row_json.h"
#include "state/store_accounts.h"
#include "state/store_row.h"

json_t *
text_json(struct str s)
{
	struct buf	 b;
	json_t		*o;
	size_t		 n;

	o = json_stringn(s.n == 0 ? "" : s.p, s.n);
	if (o != NULL)
		return o;
	buf_init(&b, s.n * 3 + 16);
	for (; s.n > 0; s = str_skip(s, n)) {
		n = (unsigned char)s.p[0] < 0x80 ? 1 : utf8_run(s);
		if (n > 0)
			(void)buf_add(&b, s.p, n);
		else
			(void)buf_addz(&b, "\xef\xbf\xbd");
		n += n == 0;
	}
	o = json_stringn(b.data, b.len);
	must(o != NULL);
	buf_release(&b);
	return o;
}

/* A column that holds JSON; what does not parse is shown as it is. */
static json_t *
nested(struct str s)
{
	json_t	*o;

	if (s.n == 0)
		return json_array();
	o = json_loadb(s.p, s.n, 0, NULL);
	return o == NULL ? text_json(s) : o;
}

json_t *
row_json(const struct log_row *row)
{
	json_t	*o = json_object();
	char	 when[CLOCK_RFC3339_LEN];

	json_object_set_new(o, "id", json_integer(row->id));
	json_object_set_new(o, "time",
	    json_string(clock_rfc3339(row->rec.f.time_us, when)));
#define NUM(column, value)						\
	json_object_set_new(o, #column, json_integer(row->rec.f.value));
#define TXT(column, value)						\
	json_object_set_new(o, #column, text_json(row->rec.s[value]));
	STORE_ROW
#undef NUM
#undef TXT
	json_object_del(o, "attempts_json");
	json_object_del(o, "loss_json");
	json_object_del(o, "trace_json");
	json_object_set_new(o, "trace", nested(row->rec.s[ACCT_TRACE]));
	json_object_set_new(o, "tries", nested(row->rec.s[ACCT_ATTEMPTS]));
	json_object_set_new(o, "loss", nested(row->rec.s[ACCT_LOSS]));
	json_object_set_new(o, "stream", json_boolean(row->rec.f.stream));
	json_object_set_new(o, "translated",
	    json_boolean(row->rec.f.translated));
	json_object_set_new(o, "incomplete",
	    json_boolean(row->rec.f.incomplete));
	return o;
}

static json_t *
quantiles(const uint32_t hist[ROLLUP_BUCKETS])
{
	if (rollup_count(hist) == 0)
		return json_null();
	return json_pack("{s:f,s:f,s:f}", "p50", rollup_quantile(hist, 0.5),
	    "p95", rollup_quantile(hist, 0.95), "p99",
	    rollup_quantile(hist, 0.99));
}

json_t *
rollup_json(const struct rollup *r)
{
	json_t	*o = json_object();

#define SUM(name)	json_object_set_new(o, #name, json_integer(r->name));
	ROLLUP_SUMS
#undef SUM
	json_object_set_new(o, "total_ms",
	    quantiles(r->hist[ROLLUP_TOTAL]));
	json_object_set_new(o, "ttfb_ms", quantiles(r->hist[ROLLUP_TTFB]));
	json_object_set_new(o, "overhead_ms",
	    quantiles(r->hist[ROLLUP_OVERHEAD]));
	return o;
}

/* --- budgets ---------------------------------------------------------------- */

struct budgets {
	json_t			*list;
	int64_t			 percent;	/* those from there on */
	struct store_periods	 now;
};

static void
budget_add(struct budgets *bs, const struct store_budget *b,
    const char *period, int64_t limit, int64_t spent, int64_t end_s)
{
	double	 share = limit > 0 ? (double)spent / (double)limit : 1;
	char	 when[CLOCK_RFC3339_LEN];

	if (limit < 0 || share * 100 < (double)bs->percent)
		return;
	json_array_append_new(bs->list, json_pack(
	    "{s:s,s:I,s:o,s:b,s:s,s:f,s:f,s:f,s:o}", "kind", b->client_key ?
	    "client_key" : "tenant", "id", (json_int_t)b->id, "name",
	    text_json(b->name), "enabled", b->enabled, "period", period,
	    "limit", (double)limit / 1e6, "spent", (double)spent / 1e6,
	    "share", share, "ends", end_s == 0 ? json_null() : json_string(
	    clock_rfc3339(end_s * 1000000, when))));
}

static void
budget_cb(void *arg, const struct store_budget *b)
{
	struct budgets	*bs = arg;

	budget_add(bs, b, "day", b->day, b->spent_day, bs->now.day_end);
	budget_add(bs, b, "month", b->month, b->spent_month,
	    bs->now.month_end);
	budget_add(bs, b, "total", b->total, b->spent_total, 0);
}

json_t *
budgets_json(struct store *s, int64_t now_us, int64_t percent)
{
	struct budgets	 bs = { .list = json_array(), .percent = percent };

	store_periods(&bs.now, now_us);
	if (store_budgets(s, now_us, budget_cb, &bs) == 0)
		return bs.list;
	json_decref(bs.list);
	return NULL;
}
