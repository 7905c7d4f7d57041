#ifndef STATE_ROW_JSON_H
#define STATE_ROW_JSON_H

#include "base/str.h"
#include "state/rollup.h"
#include "state/store.h"
#include "state/store_page.h"

struct json_t;

/* Every column by its name, times also as text; attempts and loss as arrays.
 * jansson's, the caller's. */
struct json_t	*row_json(const struct log_row *);
/* Its sums by their names, and quantiles of durations: "total_ms", "ttfb_ms",
 * "overhead_ms", null where there are none. */
struct json_t	*rollup_json(const struct rollup *);
/*
 * Each budget of a tenant or client key of which at least percent is spent: whose
 * it is, period (day, month, total), limit and spent in dollars, share, and when
 * it begins anew.  NULL: the store failed.
 */
struct json_t	*budgets_json(struct store *, int64_t now_us, int64_t percent);
/* A text of the database or a provider: what is not UTF-8 becomes U+FFFD. */
struct json_t	*text_json(struct str);

#endif /* STATE_ROW_JSON_H */
