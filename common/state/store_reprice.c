/*
 * Re-pricing.  A batch of rows is read without a lock and priced; those whose
 * cost changes are then written in slices, each one transaction with its
 * roll-ups.  How many rows a slice has follows from how long the last one took,
 * and it ends before if it takes longer than that one did.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/rules.h"
#include "state/store_reprice.h"
#include "state/store_sql.h"

#define BATCH		2048		/* rows */
#define SLICE_MIN	1
#define LONG_US		(REPRICE_LOCK_US / 5)	/* then half as many */
#define QUICK_US	(REPRICE_LOCK_US / 10)	/* then twice as many */
#define NAME_MAX	512		/* bytes of a provider or model */

struct row {
	int64_t			 id, time_us;
	int64_t			 cost, fresh;	/* old and new */
	struct acct_rec		 rec;		/* what roll-ups go by */
	char			 provider[NAME_MAX], model[NAME_MAX];
};

struct work {
	struct store		*s;
	const struct reprice	*r;
	struct reprice_sum	*sum;
	int64_t			 time_us, id;	/* the last one that was read */
	int64_t			 to_us;
	unsigned		 slice, n;	/* n: rows to be written */
	bool			 end;
	struct row		 row[BATCH];
};

static void
add(int64_t *to, int64_t n)
{
	if (n > 0 && __builtin_add_overflow(*to, n, to))
		*to = INT64_MAX;
}

/* --- read ----------------------------------------------------------------- */

static struct str
keep(char to[NAME_MAX], struct str s)
{
	if (s.n > NAME_MAX)
		s.n = NAME_MAX;
	memcpy(to, s.p, s.n);
	return (struct str){ to, s.n };
}

static bool
told(const struct reprice_use *u)
{
	return u->input >= 0 || u->output >= 0;
}

static void
count(struct work *w, const struct row *row, bool guess)
{
	struct reprice_sum	*sum = w->sum;

	sum->matched++;
	add(&sum->before, row->cost);
	add(&sum->after, row->fresh);
	sum->guessed += guess;
	sum->no_price += row->fresh < 0;
	sum->changed += row->fresh != row->cost;
	sum->priced += row->cost < 0 && row->fresh >= 0;
	sum->unpriced += row->cost >= 0 && row->fresh < 0;
}

/* Into the next place, which is kept where the cost changes. */
static void
take(struct work *w, struct sqlite3_stmt *st)
{
	struct row		*row = &w->row[w->n];
	struct reprice_use	 u = { sql_int(st, 5), sql_int(st, 6),
				    sql_int(st, 7), sql_int(st, 8),
				    sql_int(st, 9), sql_int(st, 10) };
	bool			 guess = sql_int(st, 4) != 0;
	struct str		 provider = sql_str(st, 11);
	struct str		 model = sql_str(st, 12);

	w->id = sql_int(st, 0);
	w->time_us = sql_int(st, 1);
	w->sum->seen++;
	if (w->r->model.n > 0 && !rule_glob(w->r->model, model))
		return;
	row->id = w->id;
	row->time_us = w->time_us;
	row->cost = row->fresh = sql_int(st, 3);
	if (told(&u) && !guess)
		row->fresh = w->r->price(w->r->arg, provider, model, &u);
	count(w, row, guess);
	if (row->fresh == row->cost)
		return;
	memset(&row->rec, 0, sizeof(row->rec));
	row->rec.f.time_us = w->time_us;
	row->rec.f.key_id = sql_int(st, 13);
	row->rec.f.tenant_id = sql_int(st, 14);
	row->rec.f.client_key_id = sql_int(st, 15);
	row->rec.s[ACCT_PROVIDER] = keep(row->provider, provider);
	row->rec.s[ACCT_MODEL_SENT] = keep(row->model, model);
	w->n++;
}

static int
batch_read(struct work *w)
{
	struct sqlite3_stmt	*st;
	unsigned		 n = 0;
	int			 rc;

	w->n = 0;
	st = sql_open(w->s, "SELECT id, time_us, status, cost, cost_guess, "
	    "input, cache_read, cache_write_5m, cache_write_1h, output, "
	    "reasoning, provider, model_sent, key_id, tenant_id, "
	    "client_key_id FROM requests INDEXED BY requests_time "
	    "WHERE (time_us, id) > (?, ?) AND time_us < ? "
	    "ORDER BY time_us, id LIMIT ?", "iiii", w->time_us, w->id,
	    w->to_us, (int64_t)BATCH);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(w->s, st)) == 1) {
		n++;
		take(w, st);
	}
	sql_end(st);
	w->end = n < BATCH;
	return rc;
}

/* --- written ---------------------------------------------------------------- */

/* One that the logger has deleted meanwhile has left the roll-ups as they are. */
static int
slice_rows(struct work *w, const struct row *row, unsigned n, unsigned *done)
{
	int64_t	 until = clock_mono_us() + LONG_US;

	for (*done = 0; *done < n; row++, ++*done) {
		if (*done > 0 && clock_mono_us() > until)
			break;
		if (sql_run(w->s, "UPDATE requests SET cost = ? WHERE id = ? "
		    "AND time_us = ? AND cost = ?", "iiii", row->fresh,
		    row->id, row->time_us, row->cost) == -1)
			return -1;
		if (sql_changes(w->s) > 0 && store_rollup_adjust(w->s,
		    &row->rec, row->cost, row->fresh) == -1)
			return -1;
	}
	return store_rollup_flush(w->s);
}

static void
pace(struct work *w, int64_t us)
{
	struct timespec	 ts = { us / 1000000, us % 1000000 * 1000 };

	if (us > w->sum->longest_us)
		w->sum->longest_us = us;
	w->sum->slices++;
	if (us > LONG_US && w->slice > SLICE_MIN)
		w->slice /= 2;
	else if (us < QUICK_US && w->slice < BATCH)
		w->slice *= 2;
	/* Who waits for the lock asks again now and then: as long as we had
	 * it, nobody has. */
	(void)nanosleep(&ts, NULL);
}

/* *n: of so many rows; how many were written. */
static int
slice_write(struct work *w, const struct row *row, unsigned *n)
{
	int64_t	 t0, cpu;

	if (sql_begin(w->s) == -1)
		return -1;
	t0 = clock_mono_us();
	cpu = clock_cpu_us();
	if (slice_rows(w, row, *n, n) == -1 || sql_commit(w->s) == -1) {
		store_rollup_forget(w->s);
		sql_rollback(w->s);
		return -1;
	}
	cpu = clock_cpu_us() - cpu;
	if (cpu > w->sum->longest_cpu_us)
		w->sum->longest_cpu_us = cpu;
	pace(w, clock_mono_us() - t0);
	return 0;
}

static int
batch_write(struct work *w)
{
	unsigned	 at, n;

	if (w->r->dry || w->n == 0)
		return 0;
	for (at = 0; at < w->n; at += n) {
		n = w->n - at < w->slice ? w->n - at : w->slice;
		if (slice_write(w, &w->row[at], &n) == -1)
			return -1;
	}
	return sql_checkpoint(w->s);
}

int
store_reprice(struct store *s, const struct reprice *r,
    struct reprice_sum *sum)
{
	struct work	*w = calloc(1, sizeof(*w));
	int		 rc;

	must(w != NULL);
	memset(sum, 0, sizeof(*sum));
	w->s = s;
	w->r = r;
	w->sum = sum;
	w->slice = 4 * SLICE_MIN;
	w->time_us = r->from_us - 1;
	w->id = INT64_MAX;
	w->to_us = r->to_us > 0 ? r->to_us : clock_wall_us();
	if (!r->dry && sql_checkpoint_never(s) == -1)
		rc = -1;
	else
		rc = sql_get(s, &sum->rows, "SELECT count(*) FROM "
		    "requests INDEXED BY requests_time WHERE time_us >= ? "
		    "AND time_us < ?", "ii", r->from_us, w->to_us);
	while (rc == 1 && !w->end) {
		rc = batch_read(w) == -1 || batch_write(w) == -1 ? -1 : 1;
		if (rc == 1 && !r->progress(r->arg, sum) && !w->end)
			rc = 0;
	}
	free(w);
	return rc;
}
