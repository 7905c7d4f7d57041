/*
 * prices: what models cost, the operator's before those that came with the
 * program.  Amounts are dollars a million tokens.  Re-pricing is reprice.c.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyctl/objects.h"
#include "proxyctl/prices.h"
#include "proxyctl/values.h"
#include "state/row_json.h"
#include "state/rules.h"
#include "state/store_tenants.h"

static const unsigned char prices_yaml[] = {
#include "prices_yaml.h"
};

/* With the table of this program in it, also before proxyd ran. */
struct store *
prices_store(struct ctl *c, bool change)
{
	struct str	 yaml = { (const char *)prices_yaml,
			    sizeof(prices_yaml) };
	struct store	*s = ctl_store(c, change);

	if (s != NULL && access(c->paths.db, W_OK) == 0 &&
	    store_prices_builtin(s, yaml) == -1) {
		ctl_store_failed(c, s);
		store_close(s);
		return NULL;
	}
	return s;
}

/* --- list ------------------------------------------------------------------------- */

static json_t *
dollars(int64_t micros)
{
	return micros < 0 ? json_null() : json_real((double)micros / 1e6);
}

struct listing {
	const struct ctl	*c;
	json_t			*all;
};

static void
price_cb(void *arg, const struct store_price *p)
{
	struct listing	*l = arg;
	const char	*model = l->c->opt[OPT_PRICE_OF];
	const char	*provider = l->c->opt[OPT_PROVIDER];

	if ((model != NULL && !rule_glob(str_of(model), p->model)) ||
	    (provider != NULL && !str_is(p->provider, provider)) ||
	    (l->c->opt[OPT_OWN] != NULL && p->builtin))
		return;
	json_array_append_new(l->all, json_pack(
	    "{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "id",
	    (json_int_t)p->id, "provider", text_json(p->provider), "model",
	    text_json(p->model), "input", dollars(p->input), "output",
	    dollars(p->output), "cache_read", dollars(p->cache_read),
	    "cache_write_5m", dollars(p->cache_write_5m), "cache_write_1h",
	    dollars(p->cache_write_1h), "date", text_json(p->date), "source",
	    text_json(p->source), "builtin", p->builtin));
}

static const struct column price_cols[] = {
	{ "MODEL", false, true }, { "PROVIDER", false, true },
	{ "INPUT", true, false }, { "OUTPUT", true, false },
	{ "CACHE READ", true, false }, { "WRITE 5M", true, false },
	{ "WRITE 1H", true, false }, { "DATE", false, false },
	{ "FROM", false, true }, { .name = NULL }
};

static void
price_row(struct table *t, const json_t *o)
{
	static const char *const	 amounts[] = { "input", "output",
					    "cache_read", "cache_write_5m",
					    "cache_write_1h" };
	const json_t			*v;
	char				 text[MONEY_LEN];
	size_t				 i;

	table_addz(t, json_text(o, "model"));
	table_addz(t, json_text(o, "provider")[0] == '\0' ? "any" :
	    json_text(o, "provider"));
	for (i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
		v = json_object_get(o, amounts[i]);
		table_addz(t, ctl_money_text(json_is_null(v) ? -1 :
		    (int64_t)(json_number_value(v) * 1e6 + 0.5), text));
	}
	table_addz(t, json_text(o, "date"));
	table_addz(t, json_is_true(json_object_get(o, "builtin")) ?
	    "built in" : json_text(o, "source")[0] != '\0' ?
	    json_text(o, "source") : "set");
}

static int
prices_list(struct ctl *c)
{
	struct listing	 l = { .c = c, .all = json_array() };
	struct store	*s = prices_store(c, false);
	struct table	*t;
	json_t		*o;
	size_t		 i;
	int		 r = CTL_OK;

	if (s == NULL || store_prices(s, price_cb, &l) == -1)
		r = s == NULL ? CTL_ERROR : ctl_store_failed(c, s);
	else if (c->opt[OPT_JSON] != NULL)
		r = json_print(json_incref(l.all));
	else {
		t = table_new(price_cols);
		json_array_foreach(l.all, i, o)
			price_row(t, o);
		table_print(t, "none");
		table_free(t);
	}
	json_decref(l.all);
	store_close(s);
	return r;
}

/* --- set, delete --------------------------------------------------------------------- */

static int
amounts(const struct ctl *c, struct store_price *p)
{
	return ctl_money(c, OPT_INPUT, false, &p->input) == -1 ||
	    ctl_money(c, OPT_OUTPUT, false, &p->output) == -1 ||
	    ctl_money(c, OPT_CACHE_READ, true, &p->cache_read) == -1 ||
	    ctl_money(c, OPT_CACHE_WRITE_5M, true, &p->cache_write_5m) ==
	    -1 || ctl_money(c, OPT_CACHE_WRITE_1H, true, &p->cache_write_1h) ==
	    -1 ? -1 : 0;
}

static struct str
given(const struct ctl *c, enum ctl_opt o)
{
	return c->opt[o] == NULL ? STR("") : str_of(c->opt[o]);
}

static int
prices_set(struct ctl *c)
{
	struct store_price	 p = { .cache_read = -1, .cache_write_5m = -1,
				    .cache_write_1h = -1,
				    .provider = given(c, OPT_PROVIDER),
				    .model = str_of(c->operand[0]),
				    .source = given(c, OPT_SOURCE) };
	struct store_bad	 bad;
	struct store		*s;
	char			 when[CLOCK_RFC3339_LEN];
	int			 rc;

	if (amounts(c, &p) == -1 || (s = prices_store(c, true)) == NULL)
		return CTL_ERROR;
	clock_rfc3339(clock_wall_us(), when);
	p.date = c->opt[OPT_DATE] != NULL ? str_of(c->opt[OPT_DATE]) :
	    (struct str){ when, 10 };
	rc = store_price_put(s, &p, &bad);
	if (rc == STORE_BAD)
		ctl_fail("prices set: %s: %s", bad.field, bad.text);
	else if (rc != STORE_DONE)
		ctl_store_failed(c, s);
	else {
		ctl_audit(s, "set price", c->operand[0], true, json_pack(
		    "{s:o,s:o,s:o}", "provider", text_json(p.provider),
		    "input", dollars(p.input), "output", dollars(p.output)));
		printf("price set: %s (id %lld); proxyctl prices reprice "
		    "applies it to what is logged already\n", c->operand[0],
		    (long long)p.id);
	}
	store_close(s);
	return rc == STORE_DONE ? CTL_OK : CTL_ERROR;
}

struct wanted {
	struct str	 model, provider;
	int64_t		 id;
	bool		 builtin;		/* there is one built in */
};

static void
wanted_cb(void *arg, const struct store_price *p)
{
	struct wanted	*w = arg;

	if (!str_eq(p->model, w->model) || !str_eq(p->provider, w->provider))
		return;
	if (p->builtin)
		w->builtin = true;
	else
		w->id = p->id;
}

static int
prices_delete(struct ctl *c)
{
	struct wanted	 w = { .model = str_of(c->operand[0]),
			    .provider = given(c, OPT_PROVIDER) };
	struct store	*s = prices_store(c, true);
	int		 r = CTL_ERROR;

	if (s == NULL)
		return CTL_ERROR;
	if (store_prices(s, wanted_cb, &w) == -1)
		ctl_store_failed(c, s);
	else if (w.id == 0)
		ctl_fail("no price is set for '%s'%s%.*s%s%s", c->operand[0],
		    w.provider.n > 0 ? " of provider '" : "",
		    STR_FMT(w.provider), w.provider.n > 0 ? "'" : "",
		    w.builtin ? "; the built-in one stays, and one that is "
		    "set goes before it" : "");
	else if (store_price_delete(s, w.id) != STORE_DONE)
		ctl_store_failed(c, s);
	else {
		ctl_audit(s, "delete price", c->operand[0], true, NULL);
		printf("price deleted: %s (id %lld)%s\n", c->operand[0],
		    (long long)w.id, w.builtin ? "; the built-in one is used "
		    "again" : "");
		r = CTL_OK;
	}
	store_close(s);
	return r;
}

const struct word price_words[] = {
	{ "list", prices_list, "show them, dollars a million tokens", NULL,
	    ARG_NONE, { OPT_PRICE_OF, OPT_PROVIDER, OPT_OWN, OPT_JSON } },
	{ "set", prices_set, "set one, for a model or a pattern", "model",
	    ARG_TEXT, { OPT_INPUT | NEED, OPT_OUTPUT | NEED, OPT_CACHE_READ,
	    OPT_CACHE_WRITE_5M, OPT_CACHE_WRITE_1H, OPT_PROVIDER, OPT_DATE,
	    OPT_SOURCE } },
	{ "delete", prices_delete, "delete one that was set", "model",
	    ARG_TEXT, { OPT_PROVIDER } },
	{ "reprice", prices_reprice, "what is logged already, by the prices "
	    "of now", NULL, ARG_NONE, { OPT_SINCE, OPT_UNTIL, OPT_PRICE_OF,
	    OPT_DRY_RUN, OPT_JSON } },
	{ .name = NULL }
};
