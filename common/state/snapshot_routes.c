/*
 * Pools and rules of a snapshot.
 */
#include <stdlib.h>

#include "base/log.h"
#include "state/snapshot.h"
#include "state/store_sql.h"
#include "wire/json.h"

void *
snapshot_grow(struct arena *a, void *old, unsigned n, size_t size)
{
	void	*p;

	if (n < 8 ? n != 0 : (n & (n - 1)) != 0)
		return old;
	p = arena_array(a, n == 0 ? 8 : (size_t)n * 2, size);
	if (n > 0)
		memcpy(p, old, n * size);
	return p;
}

void
snapshot_patterns(struct arena *a, struct str text, struct rule_list *l)
{
	struct rule_error	 e;
	struct json		 j;

	*l = (struct rule_list){ NULL, 0 };
	json_init(&j);
	if (json_parse(&j, text, NULL) == -1 ||
	    rule_list_parse(a, json_root(&j), "", l, &e) == -1)
		l->n = 0;
	json_release(&j);
}

/* --- pools ------------------------------------------------------------------ */

static const char *const strategy_names[] = { "round_robin", "least_used",
    "random", "priority", "weighted" };

const char *
pool_strategy_name(enum pool_strategy s)
{
	return strategy_names[s];
}

static enum pool_strategy
strategy_of(struct str s)
{
	unsigned	 i;

	for (i = 0; i < 5; i++)
		if (str_is(s, strategy_names[i]))
			return (enum pool_strategy)i;
	return POOL_ROUND_ROBIN;
}

static void
pool_add_key(struct snapshot *n, struct snap_pool *p, int64_t id)
{
	const struct snap_provider	*pr = &n->providers[p->provider];
	unsigned			 i;

	for (i = pr->first_key; i < pr->first_key + pr->nkeys; i++)
		if (n->keys[i].id == id) {
			p->keys = snapshot_grow(&n->arena, p->keys, p->nkeys,
			    sizeof(*p->keys));
			p->keys[p->nkeys++] = i;
		}
}

/* The pools of all keys, one a provider, in the providers' order. */
static int
own_pools(struct store *s, struct snapshot *n)
{
	struct sqlite3_stmt	*st;
	struct snap_pool	*p;
	unsigned		 i, k;
	int			 rc = 0;

	n->pools = arena_array(&n->arena, n->nproviders, sizeof(*n->pools));
	for (i = 0; i < n->nproviders && rc != -1; i++) {
		p = &n->pools[n->npools++];
		p->name = STR("");
		p->provider = i;
		p->nkeys = n->providers[i].nkeys;
		p->keys = arena_array(&n->arena, p->nkeys + 1,
		    sizeof(*p->keys));
		for (k = 0; k < p->nkeys; k++)
			p->keys[k] = n->providers[i].first_key + k;
		st = sql_open(s, "SELECT strategy FROM providers "
		    "WHERE id = ?", "i", n->providers[i].id);
		if (st == NULL)
			return -1;
		if ((rc = sql_step(s, st)) == 1)
			p->strategy = strategy_of(sql_str(st, 0));
		sql_end(st);
	}
	return rc == -1 ? -1 : 0;
}

static void
fill_pool(struct snapshot *n, struct snap_pool *p, struct str keys)
{
	struct json	 j;
	struct jv	 v;
	int64_t		 id;

	json_init(&j);
	if (json_parse(&j, keys, NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v))
			if (json_int(v, &id) == 0)
				pool_add_key(n, p, id);
	json_release(&j);
}

int
snapshot_load_pools(struct store *s, struct snapshot *n)
{
	struct snap_pool	*all;
	struct sqlite3_stmt	*st;
	int64_t			 count = 0;
	int			 rc, provider;
	unsigned		 i;

	if (own_pools(s, n) == -1 ||
	    sql_get(s, &count, "SELECT count(*) FROM pools", "") == -1)
		return -1;
	all = arena_array(&n->arena, n->npools + (size_t)count,
	    sizeof(*all));
	memcpy(all, n->pools, n->npools * sizeof(*all));
	n->pools = all;
	st = sql_open(s, "SELECT pools.name, p.name, pools.strategy, "
	    "pools.keys FROM pools JOIN providers p ON p.id = provider_id "
	    "WHERE p.source <> 'gone' ORDER BY pools.id", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		if ((provider = snapshot_provider(n, sql_str(st, 1))) == -1)
			continue;
		all[n->npools] = (struct snap_pool){
			.name = arena_str(&n->arena, sql_str(st, 0)),
			.provider = (unsigned)provider,
			.strategy = strategy_of(sql_str(st, 2))
		};
		fill_pool(n, &all[n->npools++], sql_str(st, 3));
	}
	sql_end(st);
	for (i = 0; i < n->npools; i++)
		all[i].met = arena_array(&n->arena, 1, sizeof(bool));
	return rc;
}

int
snapshot_pool(const struct snapshot *n, int provider, struct str name)
{
	unsigned	 i;

	if (name.n == 0)
		return provider;
	for (i = n->nproviders; i < n->npools; i++)
		if ((int)n->pools[i].provider == provider &&
		    str_eq(n->pools[i].name, name))
			return (int)i;
	return -1;
}

/* --- rules ------------------------------------------------------------------ */

static void
fill_targets(struct snapshot *n, struct snap_rule *r,
    const struct rule_target *t)
{
	struct snap_target	*to;
	unsigned		 i;

	r->targets = arena_array(&n->arena, r->ntargets,
	    sizeof(*r->targets));
	for (i = 0; i < r->ntargets; i++) {
		to = &r->targets[i];
		to->rule = &t[i];
		to->provider = to->pool = -1;
		if (t[i].provider.n == 0)
			continue;
		to->provider = snapshot_provider(n, t[i].provider);
		if (to->provider >= 0)
			to->pool = snapshot_pool(n, to->provider, t[i].pool);
		if (to->pool == -1)
			to->provider = -2;
	}
}

/* -1: it does not compile, which only a hand in the database can bring about. */
static int
fill_rule(struct snapshot *n, struct sqlite3_stmt *st, struct snap_rule *r)
{
	struct rule_error	 e;
	struct rule_target	*t = NULL;
	struct json		 match, targets;
	struct str		 strategy = sql_str(st, 4);
	unsigned		 i;
	int			 rc = -1;

	*r = (struct snap_rule){ .id = sql_int(st, 0),
		.name = arena_str(&n->arena, sql_str(st, 1)),
		.affinity = sql_int(st, 5) != 0 };
	for (i = 0; rule_strategies[i] != NULL; i++)
		if (str_is(strategy, rule_strategies[i]))
			r->strategy = (enum rule_strategy)i;
	json_init(&match);
	json_init(&targets);
	if (json_parse(&match, sql_str(st, 2), NULL) == 0 &&
	    json_parse(&targets, sql_str(st, 3), NULL) == 0 &&
	    rule_match_parse(&n->arena, json_root(&match), &r->match,
	    &e) == 0 && rule_targets_parse(&n->arena, json_root(&targets), &t,
	    &r->ntargets, &e) == 0) {
		fill_targets(n, r, t);
		rc = 0;
	} else
		log_warnx("rule '%s' does not compile, and is left out",
		    r->name.p);
	json_release(&targets);
	json_release(&match);
	return rc;
}

/* One machine for the words of all rules: a text is read once. */
static void
fill_words(struct snapshot *n)
{
	struct rule_match	*m;
	struct str		*all;
	unsigned		 i, k;

	for (i = 0; i < n->nrules; i++)
		n->nwords += n->rules[i].match.any.n + n->rules[i].match.all.n;
	all = arena_array(&n->arena, n->nwords + 1, sizeof(*all));
	n->nwords = 0;
	for (i = 0; i < n->nrules; i++) {
		m = &n->rules[i].match;
		n->rules[i].first_word = n->nwords;
		for (k = 0; k < m->any.n; k++)
			all[n->nwords++] = m->any.s[k];
		for (k = 0; k < m->all.n; k++)
			all[n->nwords++] = m->all.s[k];
		n->want_tokens = n->want_tokens || m->above >= 0 ||
		    m->below >= 0;
		n->want_time = n->want_time || m->from >= 0 || m->days != 0;
	}
	n->words = fold_words_new(&n->arena, all, n->nwords);
}

/* Names without wildcards: what cannot be, if there are others. */
static const struct rule_list *
rule_names(const struct rule_match *m, enum snap_rule_by *by)
{
	const struct rule_list	*l[RULE_BYS] = { &m->model, &m->tenant,
				    &m->client_key };
	unsigned		 i, k;

	for (i = 0; i < RULE_BYS; i++) {
		for (k = 0; k < l[i]->n; k++)
			if (memchr(l[i]->s[k].p, '*', l[i]->s[k].n) != NULL)
				break;
		if (k > 0 && k == l[i]->n) {
			*by = (enum snap_rule_by)i;
			return l[i];
		}
	}
	return NULL;
}

static int
by_name_cmp(const void *a, const void *b)
{
	const struct snap_rule_name	*x = a, *y = b;
	int				 c = str_cmp(x->name, y->name);

	return c != 0 ? c : (x->rule > y->rule) - (x->rule < y->rule);
}

static bool
named_before(const struct rule_list *l, unsigned i)
{
	unsigned	 k;

	for (k = 0; k < i; k++)
		if (str_eq(l->s[k], l->s[i]))
			return true;
	return false;
}

static void
index_rules(struct snapshot *n)
{
	const struct rule_list	*l;
	struct snap_rule_name	*at;
	enum snap_rule_by	 by;
	unsigned		 i, k;

	n->rule_any = arena_array(&n->arena, n->nrules + 1,
	    sizeof(*n->rule_any));
	for (i = 0; i < n->nrules; i++) {
		l = rule_names(&n->rules[i].match, &by);
		if (l == NULL) {
			n->rule_any[n->nrule_any++] = i;
			continue;
		}
		for (k = 0; k < l->n; k++) {
			if (named_before(l, k))
				continue;
			n->rule_by[by] = snapshot_grow(&n->arena,
			    n->rule_by[by], n->nrule_by[by], sizeof(*at));
			at = &n->rule_by[by][n->nrule_by[by]++];
			*at = (struct snap_rule_name){ l->s[k], i };
		}
	}
	for (i = 0; i < RULE_BYS; i++)
		if (n->nrule_by[i] > 0)
			qsort(n->rule_by[i], n->nrule_by[i], sizeof(*at),
			    by_name_cmp);
}

const struct snap_rule_name *
snapshot_rules(const struct snapshot *s, enum snap_rule_by by,
    struct str name, unsigned *n)
{
	const struct snap_rule_name	*v = s->rule_by[by];
	unsigned			 lo = 0, hi = s->nrule_by[by], mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (str_cmp(v[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*n = 0; lo + *n < s->nrule_by[by] && str_eq(v[lo + *n].name,
	    name);)
		++*n;
	return v + lo;
}

static void
fill_off(struct snapshot *n, struct sqlite3_stmt *st)
{
	n->off = snapshot_grow(&n->arena, n->off, n->noff, sizeof(*n->off));
	n->off[n->noff++] = (struct snap_rule_off){ .id = sql_int(st, 0),
	    .name = arena_str(&n->arena, sql_str(st, 1)),
	    .before = n->nrules };
}

int
snapshot_load_rules(struct store *s, struct snapshot *n)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT id, name, match, targets, strategy, affinity, "
	    "enabled FROM rules ORDER BY pos, id", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		if (sql_int(st, 6) == 0) {
			fill_off(n, st);
			continue;
		}
		n->rules = snapshot_grow(&n->arena, n->rules, n->nrules,
		    sizeof(*n->rules));
		if (fill_rule(n, st, &n->rules[n->nrules]) == 0)
			n->nrules++;
	}
	sql_end(st);
	fill_words(n);
	index_rules(n);
	n->rule_index = rule_index_new(&n->arena, n->rules, n->nrules);
	return rc;
}
