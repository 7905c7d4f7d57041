/*
 * Prices, and the table of them that the program comes with.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/codec.h"
#include "state/conf_yaml.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

#define MONEY_MAX	((int64_t)1000000000000)

int64_t
store_money(struct str s)
{
	int64_t	 v = 0, unit = 1000000;
	size_t	 i = 0;

	for (; i < s.n && isdigit((unsigned char)s.p[i]); i++) {
		v = v * 10 + (s.p[i] - '0') * unit;
		if (v > MONEY_MAX * 10)
			return -1;
	}
	if (i == 0)
		return -1;
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && isdigit((unsigned char)s.p[i]) &&
		    unit > 1; i++) {
			unit /= 10;
			v += (s.p[i] - '0') * unit;
		}
	return i == s.n && s.p[s.n - 1] != '.' && v <= MONEY_MAX ? v : -1;
}

int
store_prices(struct store *s, void (*cb)(void *, const struct store_price *),
    void *arg)
{
	struct sqlite3_stmt	*st;
	struct store_price	 p;
	int			 rc;

	st = sql_open(s, "SELECT id, provider, model, input, output, "
	    "cache_read, cache_write_5m, cache_write_1h, date, source, "
	    "origin = 'builtin' FROM prices "
	    "ORDER BY provider, model, origin DESC", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		p = (struct store_price){ .id = sql_int(st, 0),
		    .provider = sql_str(st, 1), .model = sql_str(st, 2),
		    .input = sql_int(st, 3), .output = sql_int(st, 4),
		    .cache_read = sql_int(st, 5),
		    .cache_write_5m = sql_int(st, 6),
		    .cache_write_1h = sql_int(st, 7), .date = sql_str(st, 8),
		    .source = sql_str(st, 9),
		    .builtin = sql_int(st, 10) != 0 };
		cb(arg, &p);
	}
	sql_end(st);
	return rc;
}

static int
bad_value(struct store_bad *bad, const char *field, const char *text)
{
	snprintf(bad->field, sizeof(bad->field), "%s", field);
	snprintf(bad->text, sizeof(bad->text), "%s", text);
	return STORE_BAD;
}

static bool
is_line(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static int
check(const struct store_price *p, struct store_bad *bad)
{
	const struct {
		const char	*name;
		int64_t		 v, min;
	} n[] = {
		{ "input", p->input, 0 }, { "output", p->output, 0 },
		{ "cache_read", p->cache_read, -1 },
		{ "cache_write_5m", p->cache_write_5m, -1 },
		{ "cache_write_1h", p->cache_write_1h, -1 }
	};
	size_t	 i;

	if (p->model.n == 0 || p->model.n > 255 || !is_line(p->model))
		return bad_value(bad, "model", "must be a name, perhaps with "
		    "'*', of 1 to 255 bytes");
	if (p->provider.n > 64 || !is_line(p->provider))
		return bad_value(bad, "provider", "must be a provider's name, "
		    "or empty for any");
	for (i = 0; i < sizeof(n) / sizeof(*n); i++)
		if (n[i].v < n[i].min || n[i].v > MONEY_MAX)
			return bad_value(bad, n[i].name, "must be an amount "
			    "of dollars a million tokens, at most 1000000");
	if (p->date.n > 32 || !is_line(p->date))
		return bad_value(bad, "date", "must be at most 32 bytes of "
		    "text");
	if (p->source.n > 255 || !is_line(p->source))
		return bad_value(bad, "source", "must be at most 255 bytes of "
		    "text");
	return 0;
}

static int
put(struct store *s, struct store_price *p, struct str origin)
{
	return sql_get(s, &p->id, "INSERT INTO prices (provider, model, "
	    "input, output, cache_read, cache_write_5m, cache_write_1h, date, "
	    "source, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (provider, model, origin) DO UPDATE SET "
	    "input = excluded.input, output = excluded.output, "
	    "cache_read = excluded.cache_read, "
	    "cache_write_5m = excluded.cache_write_5m, "
	    "cache_write_1h = excluded.cache_write_1h, date = excluded.date, "
	    "source = excluded.source RETURNING id", "ssiiiiisss",
	    p->provider, p->model, p->input, p->output, p->cache_read,
	    p->cache_write_5m, p->cache_write_1h, p->date, p->source, origin);
}

static int
finish(struct store *s, int rc)
{
	if (rc == STORE_DONE)
		return change_commit(s, NULL, STR("")) == 0 ? rc : -1;
	change_rollback(s);
	return rc;
}

int
store_price_put(struct store *s, struct store_price *p, struct store_bad *bad)
{
	if (check(p, bad) != 0)
		return STORE_BAD;
	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	return finish(s, put(s, p, STR("db")) == 1 ? STORE_DONE : -1);
}

int
store_price_delete(struct store *s, int64_t id)
{
	int	 rc;

	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	rc = sql_run(s, "DELETE FROM prices WHERE id = ? AND origin = 'db'",
	    "i", id);
	if (rc == 0)
		rc = sql_changes(s) > 0 ? STORE_DONE : STORE_NONE;
	return finish(s, rc);
}

/* --- the table that the program comes with ---------------------------------------- */

static int
amount(struct store *s, const struct yml *row, const char *name, bool need,
    int64_t *v)
{
	const struct yml	*y = yml_get(row, name);

	if (y == NULL && !need)
		return 0;
	if (y == NULL || y->type != YML_SCALAR ||
	    (*v = store_money(y->text)) == -1)
		return store_fail(s, "prices: line %d: '%s' must be an amount "
		    "of dollars", row->line, name);
	return 0;
}

static struct str
word(const struct yml *row, const char *name)
{
	const struct yml	*y = yml_get(row, name);

	return y == NULL || y->type != YML_SCALAR ? STR("") : y->text;
}

static int
put_row(struct store *s, const struct yml *row)
{
	struct store_price	 p = { .cache_read = -1, .cache_write_5m = -1,
				    .cache_write_1h = -1 };
	struct store_bad	 bad;

	if (row->type != YML_MAP)
		return store_fail(s, "prices: line %d: expected a map",
		    row->line);
	p.provider = word(row, "provider");
	p.model = word(row, "model");
	p.date = word(row, "date");
	p.source = word(row, "source");
	if (amount(s, row, "input", true, &p.input) == -1 ||
	    amount(s, row, "output", true, &p.output) == -1 ||
	    amount(s, row, "cache_read", false, &p.cache_read) == -1 ||
	    amount(s, row, "cache_write_5m", false, &p.cache_write_5m) == -1 ||
	    amount(s, row, "cache_write_1h", false, &p.cache_write_1h) == -1)
		return -1;
	if (check(&p, &bad) != 0)
		return store_fail(s, "prices: line %d: %s %s", row->line,
		    bad.field, bad.text);
	return put(s, &p, STR("builtin")) == 1 ? 0 : -1;
}

static int
put_rows(struct store *s, const struct yml *root)
{
	const struct yml	*row;

	if (root->type != YML_LIST)
		return store_fail(s, "prices: expected a list");
	if (sql_run(s, "DELETE FROM prices WHERE origin = 'builtin'", "") ==
	    -1)
		return -1;
	for (row = root->child; row != NULL; row = row->next)
		if (put_row(s, row) == -1)
			return -1;
	return 0;
}

/* 1: this very text is in the table already. */
static int
builtin_same(struct store *s, const char *print)
{
	int64_t	 n = 0;

	return sql_get(s, &n, "SELECT count(*) FROM settings WHERE name = "
	    "'prices_print' AND value = ?", "s", str_of(print)) == -1 ? -1 :
	    n > 0;
}

/* No revision: it comes with the program, and goes with it. */
static int
builtin_put(struct store *s, const struct yml *root, const char *print)
{
	int	 rc;

	if (sql_begin(s) == -1)
		return -1;
	rc = builtin_same(s, print);
	if (rc == 0)
		rc = put_rows(s, root) == -1 || sql_run(s, "INSERT INTO "
		    "settings (name, value, source) VALUES ('prices_print', ?, "
		    "'file') ON CONFLICT (name) DO UPDATE SET "
		    "value = excluded.value", "s", str_of(print)) == -1 ? -1 :
		    STORE_DONE;
	else if (rc == 1)
		rc = STORE_NONE;
	if (rc == STORE_DONE && sql_run(s, "UPDATE meta SET generation = "
	    "generation + 1", "") == 0 && sql_commit(s) == 0)
		return STORE_DONE;
	sql_rollback(s);
	return rc == STORE_DONE ? -1 : rc;
}

int
store_prices_builtin(struct store *s, struct str yaml)
{
	struct arena	 arena;
	struct yml	*root;
	char		 err[512], print[65];
	int		 rc;

	secret_sha256(yaml, print);
	arena_init(&arena);
	root = yml_parse(&arena, yaml, "prices.yaml", err, sizeof(err));
	rc = root == NULL ? store_fail(s, "%s", err) :
	    builtin_put(s, root, print);
	arena_release(&arena);
	return rc;
}
