/*
 * Rules against a request, and the order of their targets.
 */
#include <limits.h>

#include "base/codec.h"
#include "policy/keypick.h"
#include "policy/route_plan.h"
#include "state/shm_affinity.h"

/* --- does a rule match? --------------------------------------------------- */

/* Words of all rules: in the user's message, in the system's; any: of either. */
struct found {
	bool	*user, *system, any;
};

static void
find_words(const struct snapshot *s, const struct plan_facts *f,
    struct arena *a, struct found *w)
{
	unsigned	 n;

	w->user = arena_array(a, s->nwords + 1, sizeof(bool));
	w->system = arena_array(a, s->nwords + 1, sizeof(bool));
	w->any = false;
	if (s->words == NULL)
		return;
	n = fold_words_find(s->words, fold_case(a, f->user), w->user);
	n += fold_words_find(s->words, fold_case(a, f->system), w->system);
	w->any = n > 0;
}

static bool
words_fit(const struct snap_rule *r, const struct found *w)
{
	const struct rule_match	*m = &r->match;
	unsigned		 i, at = r->first_word;
	bool			 is, any = m->any.n == 0;

	for (i = 0; i < m->any.n + m->all.n; i++, at++) {
		is = (m->in_user && w->user[at]) ||
		    (m->in_system && w->system[at]);
		if (i < m->any.n)
			any = any || is;
		else if (!is)
			return false;
	}
	return any;
}

static bool
time_fits(const struct rule_match *m, const struct plan_facts *f)
{
	unsigned	 day = f->weekday;
	bool		 in = true;

	if (m->from >= 0 && m->from <= m->to)
		in = f->minute >= m->from && f->minute < m->to;
	else if (m->from >= 0) {
		in = f->minute >= m->from || f->minute < m->to;
		if (f->minute < m->to)
			day = (day + 6) % 7;	/* the night's own day */
	}
	return in && (m->days == 0 || (m->days >> day & 1) != 0);
}

static bool
headers_fit(const struct rule_match *m, const struct plan_facts *f)
{
	struct str	 v;
	unsigned	 i;

	for (i = 0; i < m->nheaders; i++) {
		v = f->header == NULL ? STR_NONE : f->header(f->arg,
		    m->headers[i].name.p);
		if (v.p == NULL || !rule_glob(m->headers[i].pattern, v))
			return false;
	}
	return true;
}

static bool
list_fits(const struct rule_list *l, struct str s)
{
	return l->n == 0 || rule_list_fits(l, s);
}

/* NULL: it matches.  Else the first condition that does not hold. */
static const char *
why_not(const struct snap_rule *r, const struct plan_facts *f,
    const struct found *w)
{
	const struct rule_match	*m = &r->match;

	if (!list_fits(&m->client, f->name.dialect))
		return "client";
	if (!list_fits(&m->path, f->path))
		return "path";
	if (!list_fits(&m->model, f->name.model))
		return "model";
	if (!list_fits(&m->tenant, f->tenant))
		return "tenant";
	if (!list_fits(&m->client_key, f->client_key))
		return "client_key";
	if (m->stream >= 0 && m->stream != f->stream)
		return "stream";
	if ((f->need & m->has) != m->has)
		return "has";
	if ((f->need & m->has_not) != 0)
		return "has_not";
	if ((m->above >= 0 && f->tokens <= m->above) ||
	    (m->below >= 0 && f->tokens >= m->below))
		return "tokens";
	if (!time_fits(m, f))
		return "time";
	if (!headers_fit(m, f))
		return "header";
	return words_fit(r, w) ? NULL : "keywords";
}

/* --- targets -------------------------------------------------------------- */

static int
by_name(const struct snapshot *s, const struct route_facts *f,
    struct plan_step *to)
{
	const struct snap_model	*m = snapshot_model(s, f->model);

	if (route_pick(s, f, &to->route) == -1 ||
	    s->providers[to->route.provider].disabled)
		return -1;
	to->pool = m != NULL && m->provider == to->route.provider ?
	    m->pool : to->route.provider;
	return 0;
}

/* A target without a provider goes by name, never by rules: no loop. */
static int
resolve(const struct snapshot *s, const struct plan_facts *f,
    const struct snap_target *t, struct plan_step *to)
{
	struct route_facts	 name = f->name;

	*to = (struct plan_step){ .rule = t->rule };
	if (t->rule->model.n > 0)
		name.model = t->rule->model;
	if (t->provider == -1)
		return by_name(s, &name, to);
	if (t->provider < 0 || s->providers[t->provider].disabled)
		return -1;
	to->pool = (unsigned)t->pool;
	to->route.provider = (unsigned)t->provider;
	to->route.model = name.model;
	to->route.mode = CONF_TRANSFORMER;
	return 0;
}

static double
rank(const struct snap_rule *r, const struct plan_facts *f,
    const struct plan_step *p, unsigned i)
{
	int64_t	 v = -1;
	bool	 held = r->affinity && f->session != 0;

	switch (r->strategy) {
	case RULE_WEIGHTED:
		return keypick_rank(held ? f->session : f->random, i + 1,
		    (unsigned)p->rule->weight);
	case RULE_FASTEST:		/* unknown: to be found out */
		if (f->ttfb != NULL)
			v = f->ttfb(f->arg, p->route.provider,
			    p->route.model);
		return (double)v;
	case RULE_CHEAPEST:		/* unknown: behind what is known */
		if (f->price != NULL)
			v = f->price(f->arg, p->route.provider,
			    p->route.model);
		return v < 0 ? 1e30 : (double)v;
	default:
		return 0;
	}
}

/* Stable, and there are few. */
static void
order(struct plan *p, double *key)
{
	struct plan_step	 step;
	unsigned		 i, k;
	double			 mine;

	for (i = 1; i < p->n; i++) {
		step = p->step[i];
		mine = key[i];
		for (k = i; k > 0 && key[k - 1] > mine; k--) {
			p->step[k] = p->step[k - 1];
			key[k] = key[k - 1];
		}
		p->step[k] = step;
		key[k] = mine;
	}
}

static void
targets(const struct snapshot *s, const struct plan_facts *f,
    const struct snap_rule *r, struct plan *p)
{
	double		 key[RULE_TARGETS_MAX];
	unsigned	 i;

	p->n = 0;
	p->rule = r;
	p->affinity = r->affinity;
	for (i = 0; i < r->ntargets; i++) {
		if (resolve(s, f, &r->targets[i], &p->step[p->n]) == -1)
			continue;
		p->step[p->n].route.why = "rule";
		key[p->n] = rank(r, f, &p->step[p->n], i);
		p->n++;
	}
	order(p, key);
}

/* --- which rules come into question ----------------------------------------- */

/* The lists of what is told of, for these facts, each ascending. */
struct candidates {
	const struct snap_rule_name *name[RULE_BYS];
	unsigned		 left[RULE_BYS];
	const unsigned		*any;
	unsigned		 nany;
};

static void
candidates(const struct snapshot *s, const struct plan_facts *f,
    struct candidates *c)
{
	c->name[RULE_BY_MODEL] = snapshot_rules(s, RULE_BY_MODEL,
	    f->name.model, &c->left[RULE_BY_MODEL]);
	c->name[RULE_BY_TENANT] = snapshot_rules(s, RULE_BY_TENANT,
	    f->tenant, &c->left[RULE_BY_TENANT]);
	c->name[RULE_BY_KEY] = snapshot_rules(s, RULE_BY_KEY,
	    f->client_key, &c->left[RULE_BY_KEY]);
	c->any = s->rule_any;
	c->nany = s->nrule_any;
}

/* The first that is left, and it is taken out; NULL: there is none. */
static const struct snap_rule *
next_rule(const struct snapshot *s, struct candidates *c)
{
	unsigned	 i, best = UINT_MAX;
	int		 at = -1;

	if (c->nany > 0)
		best = c->any[0];
	for (i = 0; i < RULE_BYS; i++)
		if (c->left[i] > 0 && c->name[i]->rule < best) {
			best = c->name[i]->rule;
			at = (int)i;
		}
	if (best == UINT_MAX)
		return NULL;
	if (at == -1) {
		c->any++;
		c->nany--;
	} else {
		c->name[at]++;
		c->left[at]--;
	}
	return &s->rules[best];
}

/* How many are left that stand before that rule. */
static unsigned
left_before(const struct candidates *c, unsigned rule)
{
	unsigned	 i, k, n = 0, lo = 0, hi = c->nany, mid;

	for (i = 0; i < RULE_BYS; i++)
		for (k = 0; k < c->left[i] && c->name[i][k].rule < rule; k++)
			n++;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (c->any[mid] < rule)
			lo = mid + 1;
		else
			hi = mid;
	}
	return n + lo;
}

/* --- the first that matches -------------------------------------------------- */

struct search {
	const struct snapshot	*s;
	const struct plan_facts	*f;
	struct arena		*arena;
	struct plan		*p;
	struct found		 words;
};

/* NULL: this is the one, and the plan has its targets. */
static const char *
rule_try(struct search *x, const struct snap_rule *r)
{
	const char	*why = why_not(r, x->f, &x->words);

	if (why != NULL)
		return why;
	targets(x->s, x->f, r, x->p);
	return x->p->n == 0 ? "targets" : NULL;
}

static void
missed(struct search *x, const struct snap_rule *r, const char *why)
{
	if (x->p->nmissed++ < PLAN_MISSED)
		x->p->missed[x->p->nmissed - 1] = (struct plan_missed){ r,
		    why };
}

/* Each one is looked at, and told of. */
static bool
search_all(struct search *x, plan_trace *trace, void *arg)
{
	const struct snap_rule	*r = x->s->rules;
	const char		*why;
	unsigned		 i;

	for (i = 0; i < x->s->nrules; i++, r++) {
		why = rule_try(x, r);
		trace(arg, r, why);
		if (why == NULL)
			return true;
		missed(x, r, why);
	}
	return false;
}

/* The first from that one on; the number of rules: there is none. */
static unsigned
search_index(struct search *x, unsigned from)
{
	const struct snapshot	*s = x->s;
	struct rule_ask		 ask = { x->f->name.model, x->f->tenant,
				    x->f->client_key, x->f->path,
				    x->f->header, x->f->arg };
	uint64_t		*bits = rule_index_find(s->rule_index,
				    x->arena, &ask);
	unsigned		 i;

	if (x->words.any) {
		rule_index_words(s->rule_index, x->words.user, bits);
		rule_index_words(s->rule_index, x->words.system, bits);
	}
	for (i = rule_index_next(s->rule_index, bits, from); i < s->nrules;
	    i = rule_index_next(s->rule_index, bits, i + 1))
		if (rule_try(x, &s->rules[i]) == NULL)
			break;
	return i;
}

/*
 * The first candidates are told of with their reasons, so those are looked at;
 * of the rest, which may be many, only what the index leaves, and the others
 * are counted.
 */
static bool
search(struct search *x)
{
	const struct snap_rule	*r = NULL;
	struct candidates	 c;
	const char		*why;
	unsigned		 i;

	candidates(x->s, x->f, &c);
	while (x->p->nmissed < PLAN_MISSED) {
		if ((r = next_rule(x->s, &c)) == NULL)
			return false;
		if ((why = rule_try(x, r)) == NULL)
			return true;
		missed(x, r, why);
	}
	i = search_index(x, (unsigned)(r - x->s->rules) + 1);
	x->p->nmissed += left_before(&c, i);
	return i < x->s->nrules;
}

int
plan_make(const struct snapshot *s, const struct plan_facts *f,
    struct arena *a, struct plan *p, plan_trace *trace, void *arg)
{
	struct search	 x = { .s = s, .f = f, .arena = a, .p = p };

	p->nmissed = 0;
	if (s->nrules > 0) {
		find_words(s, f, a, &x.words);
		if (trace != NULL ? search_all(&x, trace, arg) : search(&x))
			return 0;
	}
	p->n = 1;
	p->rule = NULL;
	p->affinity = true;
	p->step[0] = (struct plan_step){ .rule = NULL };
	return by_name(s, &f->name, &p->step[0]);
}

void
plan_hold(const struct snapshot *s, const struct shm *m, struct plan *p,
    uint64_t conversation, uint64_t *key)
{
	const struct route	*r;
	struct plan_step	 step;
	struct affinity		 was;
	unsigned		 i;

	*key = 0;
	if (!p->affinity || m == NULL || !affinity_get(m, conversation, &was))
		return;
	*key = was.key;
	if (p->rule == NULL || p->rule->strategy == RULE_ORDERED)
		return;
	for (i = 0; i < p->n; i++) {
		r = &p->step[i].route;
		if (affinity_target(s->providers[r->provider].id, r->model) ==
		    was.target)
			break;
	}
	if (i == p->n)
		return;
	step = p->step[i];
	for (; i > 0; i--)
		p->step[i] = p->step[i - 1];
	p->step[0] = step;
}
