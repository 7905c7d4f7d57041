/*
 * Rules by what they need.
 */
#include <stdlib.h>

#include "state/rule_index.h"
#include "state/snapshot.h"

/* A pattern without '*', what stands before its first, or behind its last. */
enum kind { WHOLE, HEAD, TAIL, KINDS };

/* What is looked at; from HEADERS on, a header each. */
enum { WORD, MODEL, TENANT, CLIENT_KEY, PATH, HEADERS };

/* The rules of a text.  A tail stands backwards, so that it is a head, too. */
struct entry {
	struct str	 text;
	unsigned	 first, n;		/* in rule */
	unsigned	 shorter;		/* the longest other that this one
						   begins with, + 1; 0: none */
};

struct dim {
	struct str	 header;
	struct entry	*entry[KINDS];		/* sorted by text */
	unsigned	 n[KINDS];
};

struct rule_index {
	unsigned	 nrules;
	struct dim	*dim;
	unsigned	 ndims;
	unsigned	*rule;
	uint64_t	*always;		/* bits: those that hang on nothing */
	unsigned	*of_word, nwords;	/* rule, + 1; 0: none */
};

static size_t
bits_size(const struct rule_index *x)
{
	return (x->nrules / 64 + 1) * sizeof(uint64_t);
}

static void
bits_set(uint64_t *bits, unsigned i)
{
	bits[i / 64] |= (uint64_t)1 << i % 64;
}

static bool
begins(struct str s, struct str head)
{
	return s.n >= head.n && (head.n == 0 ||
	    memcmp(s.p, head.p, head.n) == 0);
}

static struct str
backwards(struct arena *a, struct str s)
{
	char	*p = arena_bytes(a, s.n + 1);
	size_t	 i;

	for (i = 0; i < s.n; i++)
		p[i] = s.p[s.n - 1 - i];
	return (struct str){ p, s.n };
}

/* --- made ------------------------------------------------------------------- */

/* A rule could hang here; on all of an offer, as one of them is enough to match. */
struct use {
	unsigned	 rule, offer;
	unsigned	 dim;
	enum kind	 kind;
	struct str	 text;
	unsigned	 word;
	unsigned	 crowd;			/* how many there are of that text */
};

struct making {
	struct rule_index *x;
	struct arena	*arena, tmp;
	struct use	*use;
	unsigned	 n;
	unsigned	 rule, offer;		/* of the moment */
};

static struct use *
use_add(struct making *m, unsigned dim, enum kind kind, struct str text)
{
	struct use	*u;

	m->use = snapshot_grow(&m->tmp, m->use, m->n, sizeof(*m->use));
	u = &m->use[m->n++];
	*u = (struct use){ .rule = m->rule, .offer = m->offer, .dim = dim,
	    .kind = kind, .text = text };
	return u;
}

/* "": nothing to hang on. */
static struct str
pattern_text(struct making *m, struct str p, enum kind *kind)
{
	const char	*star = memchr(p.p, '*', p.n);
	size_t		 n = 0;

	*kind = WHOLE;
	if (star == NULL)
		return p;
	*kind = HEAD;
	if (star > p.p)
		return (struct str){ p.p, (size_t)(star - p.p) };
	while (p.p[p.n - 1 - n] != '*')
		n++;
	if (n == 0)
		return STR("");
	*kind = TAIL;
	return backwards(m->arena, str_skip(p, p.n - n));
}

/* Any value of a header is still one; of a name it says nothing. */
static void
offer_patterns(struct making *m, unsigned dim, const struct str *s, unsigned n)
{
	unsigned	 i, before = m->n;
	enum kind	 kind;
	struct str	 text;

	for (i = 0; i < n; i++) {
		text = pattern_text(m, s[i], &kind);
		if (text.n == 0 && dim < HEADERS) {
			m->n = before;
			return;
		}
		(void)use_add(m, dim, kind, text);
	}
	m->offer++;
}

static unsigned
header_dim(struct making *m, struct str name)
{
	struct rule_index	*x = m->x;
	unsigned		 i;

	for (i = HEADERS; i < x->ndims; i++)
		if (str_is_nocase(x->dim[i].header, name.p))
			return i;
	x->dim = snapshot_grow(m->arena, x->dim, x->ndims, sizeof(*x->dim));
	x->dim[x->ndims].header = name;
	return x->ndims++;
}

static void
offer_words(struct making *m, const struct snap_rule *r)
{
	const struct rule_match	*w = &r->match;
	unsigned		 i;

	for (i = 0; i < w->any.n; i++)
		use_add(m, WORD, WHOLE, w->any.s[i])->word =
		    r->first_word + i;
	m->offer++;
	for (i = 0; i < w->all.n; i++, m->offer++)
		use_add(m, WORD, WHOLE, w->all.s[i])->word =
		    r->first_word + w->any.n + i;
}

static void
offers(struct making *m, const struct snap_rule *r)
{
	const struct rule_match	*w = &r->match;
	unsigned		 i;

	m->offer = 0;
	offer_patterns(m, MODEL, w->model.s, w->model.n);
	offer_patterns(m, TENANT, w->tenant.s, w->tenant.n);
	offer_patterns(m, CLIENT_KEY, w->client_key.s, w->client_key.n);
	offer_patterns(m, PATH, w->path.s, w->path.n);
	for (i = 0; i < w->nheaders; i++)
		offer_patterns(m, header_dim(m, w->headers[i].name),
		    &w->headers[i].pattern, 1);
	offer_words(m, r);
}

static int
use_cmp(const void *a, const void *b)
{
	const struct use	*x = a, *y = b;
	int			 c;

	if (x->dim != y->dim)
		return x->dim < y->dim ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if ((c = str_cmp(x->text, y->text)) != 0)
		return c;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

static bool
same_text(const struct use *a, const struct use *b)
{
	return a->dim == b->dim && a->kind == b->kind &&
	    str_eq(a->text, b->text);
}

/* How many uses from i on are of one text. */
static unsigned
run(const struct making *m, unsigned i)
{
	unsigned	 k = i + 1;

	while (k < m->n && same_text(&m->use[k], &m->use[i]))
		k++;
	return k - i;
}

static int
by_offer_cmp(const void *a, const void *b)
{
	const struct use	*x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return (x->offer > y->offer) - (x->offer < y->offer);
}

static void
count_crowds(struct making *m)
{
	unsigned	 i, k, n;

	if (m->n > 0)
		qsort(m->use, m->n, sizeof(*m->use), use_cmp);
	for (i = 0; i < m->n; i += n)
		for (n = run(m, i), k = 0; k < n; k++)
			m->use[i + k].crowd = n;
	if (m->n > 0)
		qsort(m->use, m->n, sizeof(*m->use), by_offer_cmp);
}

/* The end of the uses of one offer, and how many hang there in all. */
static unsigned
offer_end(const struct making *m, unsigned i, uint64_t *crowd)
{
	unsigned	 k;

	*crowd = 0;
	for (k = i; k < m->n && m->use[k].rule == m->use[i].rule &&
	    m->use[k].offer == m->use[i].offer; k++)
		*crowd += m->use[k].crowd;
	return k;
}

/* Of each rule the uses of its best offer stay. */
static void
choose(struct making *m)
{
	unsigned	 at = 0, end, rule, kept = 0, best, best_end;
	uint64_t	 crowd, least;

	for (rule = 0; rule < m->x->nrules; rule++) {
		least = UINT64_MAX;
		best = best_end = 0;
		for (; at < m->n && m->use[at].rule == rule; at = end) {
			end = offer_end(m, at, &crowd);
			if (crowd < least) {
				least = crowd;
				best = at;
				best_end = end;
			}
		}
		if (best == best_end)
			bits_set(m->x->always, rule);
		for (; best < best_end; best++)
			m->use[kept++] = m->use[best];
	}
	m->n = kept;
}

static void
entry_add(struct making *m, struct dim *d, unsigned i, unsigned n)
{
	const struct use	*u = &m->use[i];
	struct entry		**v = &d->entry[u->kind], *e;
	unsigned		 *count = &d->n[u->kind], k;

	*v = snapshot_grow(m->arena, *v, *count, sizeof(**v));
	e = &(*v)[*count];
	*e = (struct entry){ .text = u->text, .first = i, .n = n,
	    .shorter = *count };
	while (e->shorter != 0 &&
	    !begins(e->text, (*v)[e->shorter - 1].text))
		e->shorter = (*v)[e->shorter - 1].shorter;
	++*count;
	for (k = 0; k < n; k++)
		m->x->rule[i + k] = m->use[i + k].rule;
}

static void
hang(struct making *m)
{
	struct rule_index	*x = m->x;
	unsigned		 i, n;

	x->rule = arena_array(m->arena, m->n + 1, sizeof(*x->rule));
	x->of_word = arena_array(m->arena, x->nwords + 1,
	    sizeof(*x->of_word));
	if (m->n > 0)
		qsort(m->use, m->n, sizeof(*m->use), use_cmp);
	for (i = 0; i < m->n; i += n) {
		n = 1;
		if (m->use[i].dim == WORD)
			x->of_word[m->use[i].word] = m->use[i].rule + 1;
		else
			entry_add(m, &x->dim[m->use[i].dim], i,
			    n = run(m, i));
	}
}

struct rule_index *
rule_index_new(struct arena *a, const struct snap_rule *r, unsigned n)
{
	struct rule_index	*x = arena_alloc(a, sizeof(*x));
	struct making		 m = { .x = x, .arena = a };

	arena_init(&m.tmp);
	x->nrules = n;
	x->always = arena_alloc(a, bits_size(x));
	for (; x->ndims < HEADERS; x->ndims++)
		x->dim = snapshot_grow(a, x->dim, x->ndims,
		    sizeof(*x->dim));
	for (m.rule = 0; m.rule < n; m.rule++) {
		offers(&m, &r[m.rule]);
		x->nwords = r[m.rule].first_word + r[m.rule].match.any.n +
		    r[m.rule].match.all.n;
	}
	count_crowds(&m);
	choose(&m);
	hang(&m);
	arena_release(&m.tmp);
	return x;
}

/* --- asked ------------------------------------------------------------------ */

/* How many entries are not behind s: the last of them is s, or most like it. */
static unsigned
up_to(const struct entry *e, unsigned n, struct str s)
{
	unsigned	 lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (str_cmp(e[mid].text, s) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
mark(const struct rule_index *x, const struct entry *e, uint64_t *bits)
{
	unsigned	 i;

	for (i = 0; i < e->n; i++)
		bits_set(bits, x->rule[e->first + i]);
}

/*
 * What s begins with is the last entry that is not behind s, or one that this
 * one begins with: whatever lies between a text and its own head has that head.
 */
static void
mark_heads(const struct rule_index *x, const struct entry *e, unsigned n,
    struct str s, uint64_t *bits)
{
	unsigned	 at;

	for (at = up_to(e, n, s); at != 0; at = e[at - 1].shorter)
		if (begins(s, e[at - 1].text))
			mark(x, &e[at - 1], bits);
}

static void
mark_dim(const struct rule_index *x, struct arena *a, unsigned dim,
    struct str s, uint64_t *bits)
{
	const struct dim	*d = &x->dim[dim];
	unsigned		 at;

	if (d->n[WHOLE] > 0 && (at = up_to(d->entry[WHOLE], d->n[WHOLE],
	    s)) != 0 && str_eq(d->entry[WHOLE][at - 1].text, s))
		mark(x, &d->entry[WHOLE][at - 1], bits);
	if (d->n[HEAD] > 0)
		mark_heads(x, d->entry[HEAD], d->n[HEAD], s, bits);
	if (d->n[TAIL] > 0)
		mark_heads(x, d->entry[TAIL], d->n[TAIL], backwards(a, s),
		    bits);
}

uint64_t *
rule_index_find(const struct rule_index *x, struct arena *a,
    const struct rule_ask *ask)
{
	uint64_t	*bits = arena_alloc(a, bits_size(x));
	struct str	 v;
	unsigned	 i;

	memcpy(bits, x->always, bits_size(x));
	mark_dim(x, a, MODEL, ask->model, bits);
	mark_dim(x, a, TENANT, ask->tenant, bits);
	mark_dim(x, a, CLIENT_KEY, ask->client_key, bits);
	mark_dim(x, a, PATH, ask->path, bits);
	for (i = HEADERS; i < x->ndims && ask->header != NULL; i++) {
		v = ask->header(ask->arg, x->dim[i].header.p);
		if (v.p != NULL)
			mark_dim(x, a, i, v, bits);
	}
	return bits;
}

void
rule_index_words(const struct rule_index *x, const bool *found,
    uint64_t *bits)
{
	unsigned	 i;

	for (i = 0; i < x->nwords; i++)
		if (found[i] && x->of_word[i] != 0)
			bits_set(bits, x->of_word[i] - 1);
}

unsigned
rule_index_next(const struct rule_index *x, const uint64_t *bits,
    unsigned from)
{
	unsigned	 at = from / 64;
	uint64_t	 word;

	if (from >= x->nrules)
		return x->nrules;
	word = bits[at] & UINT64_MAX << from % 64;
	while (word == 0 && ++at <= x->nrules / 64)
		word = bits[at];
	return word == 0 ? x->nrules :
	    at * 64 + (unsigned)__builtin_ctzll(word);
}
