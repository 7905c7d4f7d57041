/*
 * Rules of routing: JSON into structs, with every value checked.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/fold.h"
#include "state/conf_row.h"
#include "state/rules.h"
#include "wire/ir.h"
#include "wire/json.h"

const char *const rule_strategies[] = { "ordered", "weighted", "fastest",
    "cheapest", NULL };

const struct rule_need rule_needs[] = {
	{ "image", IR_NEED_IMAGE }, { "audio", IR_NEED_AUDIO },
	{ "video", IR_NEED_VIDEO }, { "document", IR_NEED_DOCUMENT },
	{ "tools", IR_NEED_TOOLS }, { "thinking", IR_NEED_THINKING },
	{ "schema", IR_NEED_SCHEMA }, { NULL, 0 }
};

int
rule_fail(struct rule_error *e, const char *field, const char *fmt, ...)
{
	va_list	 ap;

	snprintf(e->field, sizeof(e->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

/* --- patterns ------------------------------------------------------------- */

/* Goes back to the last star only: linear for one, bounded for all. */
bool
rule_glob(struct str p, struct str s)
{
	size_t	 i = 0, j = 0, star = SIZE_MAX, mark = 0;

	while (j < s.n) {
		if (i < p.n && p.p[i] == '*') {
			star = i++;
			mark = j;
		} else if (i < p.n && p.p[i] == s.p[j]) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++mark;
		} else
			return false;
	}
	while (i < p.n && p.p[i] == '*')
		i++;
	return i == p.n;
}

/* Most patterns do not fit, and say so at one of their ends. */
static bool
ends_fit(struct str p, struct str s)
{
	char	 first = p.n == 0 ? '*' : p.p[0];
	char	 last = p.n == 0 ? '*' : p.p[p.n - 1];

	return (first == '*' || (s.n > 0 && s.p[0] == first)) &&
	    (last == '*' || (s.n > 0 && s.p[s.n - 1] == last));
}

bool
rule_list_fits(const struct rule_list *l, struct str s)
{
	unsigned	 i;

	for (i = 0; i < l->n; i++)
		if (ends_fit(l->s[i], s) && rule_glob(l->s[i], s))
			return true;
	return false;
}

/* --- kinds of members ----------------------------------------------------- */

struct parse {
	struct arena		*arena;
	struct rule_error	*e;
	const char		*at;		/* the object, for errors */
};

static int
text(struct parse *p, struct jv v, const char *field, struct str *to)
{
	if (json_type(v) != JSON_STRING)
		return rule_fail(p->e, field, "expected a string, got %s",
		    json_type_name(json_type(v)));
	*to = arena_str(p->arena, json_str(p->arena, v));
	if (to->n == 0 || to->n > RULE_TEXT_MAX)
		return rule_fail(p->e, field, "expected 1 to %d bytes, got "
		    "%zu", RULE_TEXT_MAX, to->n);
	if (memchr(to->p, '\0', to->n) != NULL)
		return rule_fail(p->e, field, "must not hold a NUL");
	return 0;
}

int
rule_list_parse(struct arena *a, struct jv v, const char *field,
    struct rule_list *l, struct rule_error *e)
{
	struct parse	 p = { a, e, "" };
	struct jv	 m;

	l->n = 0;
	if (json_type(v) == JSON_STRING) {
		l->s = arena_array(a, 1, sizeof(*l->s));
		l->n = 1;
		return text(&p, v, field, &l->s[0]);
	}
	if (json_type(v) != JSON_ARRAY)
		return rule_fail(e, field, "expected an array of strings, got "
		    "%s", json_type_name(json_type(v)));
	if (json_count(v) > RULE_LIST_MAX)
		return rule_fail(e, field, "expected at most %d entries, got "
		    "%zu", RULE_LIST_MAX, json_count(v));
	l->s = arena_array(a, json_count(v) + 1, sizeof(*l->s));
	for (m = json_first(v); json_ok(m); m = json_next(m))
		if (text(&p, m, field, &l->s[l->n++]) == -1)
			return -1;
	return 0;
}

static int
number(struct parse *p, struct jv v, const char *field, int64_t min,
    int64_t max, int64_t *to)
{
	if (json_int(v, to) == 0 && *to >= min && *to <= max)
		return 0;
	return rule_fail(p->e, field, "expected a whole number from %lld to "
	    "%lld", (long long)min, (long long)max);
}

static int
boolean(struct parse *p, struct jv v, const char *field, bool *to)
{
	if (json_type(v) != JSON_TRUE && json_type(v) != JSON_FALSE)
		return rule_fail(p->e, field, "expected true or false");
	*to = json_type(v) == JSON_TRUE;
	return 0;
}

static int
object(struct parse *p, struct jv v, const char *field)
{
	if (json_type(v) == JSON_OBJECT)
		return 0;
	return rule_fail(p->e, field, "expected an object, got %s",
	    json_type_name(json_type(v)));
}

static int
unknown(struct parse *p, struct jv member, const char *field,
    const char *allowed)
{
	struct str	 name = json_str(p->arena, json_key(member));

	return rule_fail(p->e, field, "unknown member '%.*s': allowed are %s",
	    name.n > 64 ? 64 : (int)name.n, name.p, allowed);
}

/* --- match ---------------------------------------------------------------- */

static int
match_client(struct parse *p, struct jv v, struct rule_match *m)
{
	static const char *const	 known[] = { "openai-chat",
					    "openai-responses", "anthropic",
					    "gemini" };
	unsigned			 i, k;

	if (rule_list_parse(p->arena, v, "match.client", &m->client,
	    p->e) == -1)
		return -1;
	for (i = 0; i < m->client.n; i++) {
		for (k = 0; k < 4 && !str_is(m->client.s[i], known[k]); k++)
			;
		if (k == 4)
			return rule_fail(p->e, "match.client", "unknown "
			    "dialect '%.*s': expected openai-chat, "
			    "openai-responses, anthropic or gemini",
			    STR_FMT(m->client.s[i]));
	}
	return 0;
}

static int
words(struct parse *p, struct jv v, const char *field, struct rule_list *l)
{
	unsigned	 i;

	if (rule_list_parse(p->arena, v, field, l, p->e) == -1)
		return -1;
	for (i = 0; i < l->n; i++)
		l->s[i] = fold_case(p->arena, l->s[i]);
	return 0;
}

static int
match_keywords(struct parse *p, struct jv v, struct rule_match *m)
{
	struct jv	 e;
	int		 rc = 0;

	if (object(p, v, "match.keywords") == -1)
		return -1;
	m->in_user = m->in_system = true;
	for (e = json_first(v); rc == 0 && json_ok(e); e = json_next(e))
		if (json_key_is(e, "any"))
			rc = words(p, e, "match.keywords.any", &m->any);
		else if (json_key_is(e, "all"))
			rc = words(p, e, "match.keywords.all", &m->all);
		else if (!json_key_is(e, "in"))
			rc = unknown(p, e, "match.keywords", "any, all, in");
		else if (json_is(e, "user"))
			m->in_system = false;
		else if (json_is(e, "system"))
			m->in_user = false;
		else if (!json_is(e, "both"))
			rc = rule_fail(p->e, "match.keywords.in",
			    "expected user, system or both");
	if (rc == 0 && m->any.n + m->all.n == 0)
		rc = rule_fail(p->e, "match.keywords", "needs any or all");
	return rc;
}

static int
match_tokens(struct parse *p, struct jv v, struct rule_match *m)
{
	struct jv	 e;
	int		 rc = 0;

	if (object(p, v, "match.tokens") == -1)
		return -1;
	for (e = json_first(v); rc == 0 && json_ok(e); e = json_next(e))
		if (json_key_is(e, "above"))
			rc = number(p, e, "match.tokens.above", 0, 1000000000,
			    &m->above);
		else if (json_key_is(e, "below"))
			rc = number(p, e, "match.tokens.below", 1, 1000000000,
			    &m->below);
		else
			rc = unknown(p, e, "match.tokens", "above, below");
	if (rc == 0 && m->above >= 0 && m->below >= 0 &&
	    m->above + 1 >= m->below)
		rc = rule_fail(p->e, "match.tokens", "nothing is above %lld "
		    "and below %lld", (long long)m->above,
		    (long long)m->below);
	return rc;
}

static int
match_has(struct parse *p, struct jv v, const char *field, uint32_t *bits)
{
	struct rule_list	 l = { NULL, 0 };
	unsigned		 i, k;

	if (rule_list_parse(p->arena, v, field, &l, p->e) == -1)
		return -1;
	for (i = 0; i < l.n; i++) {
		for (k = 0; rule_needs[k].name != NULL &&
		    !str_is(l.s[i], rule_needs[k].name); k++)
			;
		if (rule_needs[k].name == NULL)
			return rule_fail(p->e, field, "unknown '%.*s': "
			    "expected image, audio, video, document, tools, "
			    "thinking or schema", STR_FMT(l.s[i]));
		*bits |= rule_needs[k].bit;
	}
	return 0;
}

static int
match_header(struct parse *p, struct jv v, struct rule_match *m)
{
	struct rule_header	*h;
	struct jv		 e;

	if (object(p, v, "match.header") == -1)
		return -1;
	if (json_count(v) > RULE_LIST_MAX)
		return rule_fail(p->e, "match.header", "more than %d headers",
		    RULE_LIST_MAX);
	m->nheaders = 0;
	m->headers = arena_array(p->arena, json_count(v) + 1,
	    sizeof(*m->headers));
	for (e = json_first(v); json_ok(e); e = json_next(e)) {
		h = &m->headers[m->nheaders++];
		h->name = arena_str(p->arena, json_str(p->arena,
		    json_key(e)));
		if (!conf_is_token(h->name))
			return rule_fail(p->e, "match.header", "'%.*s' is no "
			    "name of a header", h->name.n > 64 ? 64 :
			    (int)h->name.n, h->name.p);
		if (text(p, e, "match.header", &h->pattern) == -1)
			return -1;
	}
	return 0;
}

/* "22:30" */
static int
clock_time(struct parse *p, struct jv v, const char *field, int *to)
{
	struct str	 s = STR_NONE;
	int		 h, m;

	if (json_type(v) == JSON_STRING)
		s = json_str(p->arena, v);
	if (s.n == 5 && s.p[2] == ':' && strspn(s.p, "0123456789") >= 2 &&
	    strspn(s.p + 3, "0123456789") >= 2) {
		h = (s.p[0] - '0') * 10 + s.p[1] - '0';
		m = (s.p[3] - '0') * 10 + s.p[4] - '0';
		*to = h * 60 + m;
		if (h < 24 && m < 60)
			return 0;
	}
	return rule_fail(p->e, field, "expected a time from 00:00 to 23:59");
}

static int
match_days(struct parse *p, struct jv v, struct rule_match *m)
{
	static const char *const day[] = { "sun", "mon", "tue", "wed", "thu",
	    "fri", "sat" };
	struct rule_list	 l = { NULL, 0 };
	unsigned		 i, k;

	if (rule_list_parse(p->arena, v, "match.time.days", &l, p->e) == -1)
		return -1;
	for (i = 0; i < l.n; i++) {
		for (k = 0; k < 7 && !str_is_nocase(l.s[i], day[k]); k++)
			;
		if (k == 7)
			return rule_fail(p->e, "match.time.days", "unknown "
			    "day '%.*s': expected sun, mon, tue, wed, thu, "
			    "fri or sat", STR_FMT(l.s[i]));
		m->days |= 1u << k;
	}
	return 0;
}

static int
match_time(struct parse *p, struct jv v, struct rule_match *m)
{
	struct jv	 e;
	int		 rc = 0;

	if (object(p, v, "match.time") == -1)
		return -1;
	for (e = json_first(v); rc == 0 && json_ok(e); e = json_next(e))
		if (json_key_is(e, "from"))
			rc = clock_time(p, e, "match.time.from", &m->from);
		else if (json_key_is(e, "to"))
			rc = clock_time(p, e, "match.time.to", &m->to);
		else if (json_key_is(e, "days"))
			rc = match_days(p, e, m);
		else
			rc = unknown(p, e, "match.time", "from, to, days");
	if (rc == 0 && (m->from < 0) != (m->to < 0))
		rc = rule_fail(p->e, "match.time", "needs from and to both");
	return rc;
}

static int
match_member(struct parse *p, struct jv e, struct rule_match *m)
{
	bool	 stream = false;

#define LIST(name)							\
	if (json_key_is(e, #name))					\
		return rule_list_parse(p->arena, e, "match." #name,	\
		    &m->name, p->e);
	LIST(path)
	LIST(model)
	LIST(tenant)
	LIST(client_key)
#undef LIST
	if (json_key_is(e, "client"))
		return match_client(p, e, m);
	if (json_key_is(e, "keywords"))
		return match_keywords(p, e, m);
	if (json_key_is(e, "tokens"))
		return match_tokens(p, e, m);
	if (json_key_is(e, "has"))
		return match_has(p, e, "match.has", &m->has);
	if (json_key_is(e, "has_not"))
		return match_has(p, e, "match.has_not", &m->has_not);
	if (json_key_is(e, "header"))
		return match_header(p, e, m);
	if (json_key_is(e, "time"))
		return match_time(p, e, m);
	if (!json_key_is(e, "stream"))
		return unknown(p, e, "match", "client, path, model, keywords, "
		    "tokens, has, has_not, stream, tenant, client_key, "
		    "header, time");
	if (boolean(p, e, "match.stream", &stream) == -1)
		return -1;
	m->stream = stream;
	return 0;
}

int
rule_match_parse(struct arena *a, struct jv v, struct rule_match *m,
    struct rule_error *e)
{
	struct parse	 p = { a, e, "match" };
	struct jv	 member;

	*m = (struct rule_match){ .above = -1, .below = -1, .stream = -1,
	    .from = -1, .to = -1 };
	if (object(&p, v, "match") == -1)
		return -1;
	for (member = json_first(v); json_ok(member);
	    member = json_next(member))
		if (match_member(&p, member, m) == -1)
			return -1;
	return 0;
}

/* --- targets -------------------------------------------------------------- */

static const struct {
	const char	*name;
	bool		 number;
	double		 min, max;
} params[] = {
	{ "temperature", true, 0, 2 },
	{ "top_p", true, 0, 1 },
	{ "top_k", true, 0, 100000 },
	{ "max_tokens", true, 1, 100000000 },
	{ "frequency_penalty", true, -2, 2 },
	{ "presence_penalty", true, -2, 2 },
	{ "seed", true, -9e15, 9e15 },
	{ "reasoning_effort", false, 0, 0 },
	{ "reasoning_budget", true, 0, 100000000 },
	{ "service_tier", false, 0, 0 },
	{ "user", false, 0, 0 },
};
#define NPARAMS	(sizeof(params) / sizeof(params[0]))
#define PARAM_NAMES	"temperature, top_p, top_k, max_tokens, "		\
	"frequency_penalty, presence_penalty, seed, reasoning_effort, "		\
	"reasoning_budget, service_tier, user"

static int
param_find(struct parse *p, struct str name, unsigned *at)
{
	for (*at = 0; *at < NPARAMS; ++*at)
		if (str_is(name, params[*at].name))
			return 0;
	return rule_fail(p->e, p->at, "unknown parameter '%.*s': allowed are "
	    PARAM_NAMES, name.n > 64 ? 64 : (int)name.n, name.p);
}

static int
param_add(struct parse *p, struct rule_target *t, struct jv v, bool weak)
{
	struct str	 name = json_str(p->arena, json_key(v)), s;
	struct rule_param *to;
	int64_t		 whole;
	unsigned	 i;
	double		 d;

	if (t->nparams >= NPARAMS * 3)
		return rule_fail(p->e, p->at, "a member stands there twice");
	to = &t->params[t->nparams++];
	if (param_find(p, name, &i) == -1)
		return -1;
	if (!params[i].number && text(p, v, p->at, &s) == -1)
		return -1;
	if (params[i].number && (json_double(v, &d) == -1 ||
	    !(d >= params[i].min && d <= params[i].max)))
		return rule_fail(p->e, p->at, "%s: expected a number from %g "
		    "to %g", params[i].name, params[i].min, params[i].max);
	if ((str_is(name, "max_tokens") || str_is(name, "top_k") ||
	    str_is(name, "seed") || str_is(name, "reasoning_budget")) &&
	    json_int(v, &whole) == -1)
		return rule_fail(p->e, p->at, "%s: expected a whole number",
		    params[i].name);
	to->name = str_of(params[i].name);
	to->json = arena_str(p->arena, json_raw(v));
	to->weak = weak;
	return 0;
}

static int
params_add(struct parse *p, struct rule_target *t, struct jv v,
    const char *field, bool weak)
{
	struct jv	 e;

	p->at = arena_strf(p->arena, "%s.%s", p->at, field).p;
	if (object(p, v, p->at) == -1)
		return -1;
	if (json_count(v) > NPARAMS)
		return rule_fail(p->e, p->at, "a parameter stands there "
		    "twice");
	for (e = json_first(v); json_ok(e); e = json_next(e))
		if (param_add(p, t, e, weak) == -1)
			return -1;
	return 0;
}

static int
params_remove(struct parse *p, struct rule_target *t, struct jv v)
{
	struct rule_list	 l = { NULL, 0 };
	unsigned		 i, at;

	p->at = arena_strf(p->arena, "%s.remove", p->at).p;
	if (rule_list_parse(p->arena, v, p->at, &l, p->e) == -1)
		return -1;
	if (l.n > NPARAMS)
		return rule_fail(p->e, p->at, "a parameter stands there "
		    "twice");
	for (i = 0; i < l.n; i++) {
		if (param_find(p, l.s[i], &at) == -1)
			return -1;
		if (t->nparams >= NPARAMS * 3)
			return rule_fail(p->e, p->at, "a member stands there "
			    "twice");
		t->params[t->nparams++].name = str_of(params[at].name);
	}
	return 0;
}

static int
target_member(struct parse *p, struct jv e, struct rule_target *t)
{
	struct parse	 sub = *p;
	int64_t		 n;
	const char	*field;

#define AT(name) (field = arena_strf(p->arena, "%s." name, p->at).p)
	if (json_key_is(e, "provider"))
		return text(p, e, AT("provider"), &t->provider);
	if (json_key_is(e, "model"))
		return text(p, e, AT("model"), &t->model);
	if (json_key_is(e, "pool"))
		return text(p, e, AT("pool"), &t->pool);
	if (json_key_is(e, "strict"))
		return boolean(p, e, AT("strict"), &t->strict);
	if (json_key_is(e, "set"))
		return params_add(&sub, t, e, "set", false);
	if (json_key_is(e, "default"))
		return params_add(&sub, t, e, "default", true);
	if (json_key_is(e, "remove"))
		return params_remove(&sub, t, e);
	if (!json_key_is(e, "weight"))
		return unknown(p, e, p->at, "provider, model, pool, weight, "
		    "strict, set, default, remove");
	if (number(p, e, AT("weight"), 0, 1000000, &n) == -1)
		return -1;
	(void)field;
	t->weight = (int)n;
	return 0;
#undef AT
}

static int
target_parse(struct parse *p, struct jv v, struct rule_target *t)
{
	struct jv	 e;

	t->weight = 1;
	t->params = arena_array(p->arena, NPARAMS * 3, sizeof(*t->params));
	if (object(p, v, p->at) == -1)
		return -1;
	if (json_count(v) > 8)
		return rule_fail(p->e, p->at, "a member stands there twice");
	for (e = json_first(v); json_ok(e); e = json_next(e))
		if (target_member(p, e, t) == -1)
			return -1;
	if (t->pool.n > 0 && t->provider.n == 0)
		return rule_fail(p->e, p->at, "a pool needs its provider");
	return 0;
}

int
rule_targets_parse(struct arena *a, struct jv v, struct rule_target **to,
    unsigned *n, struct rule_error *e)
{
	struct parse	 p = { a, e, "targets" };
	struct jv	 m;

	*n = 0;
	if (json_type(v) != JSON_ARRAY)
		return rule_fail(e, "targets", "expected an array of targets, "
		    "got %s", json_type_name(json_type(v)));
	if (json_count(v) < 1 || json_count(v) > RULE_TARGETS_MAX)
		return rule_fail(e, "targets", "expected 1 to %d targets, got "
		    "%zu", RULE_TARGETS_MAX, json_count(v));
	*to = arena_array(a, json_count(v), sizeof(**to));
	for (m = json_first(v); json_ok(m); m = json_next(m)) {
		p.at = arena_strf(a, "targets[%u]", *n).p;
		if (target_parse(&p, m, &(*to)[(*n)++]) == -1)
			return -1;
	}
	return 0;
}
