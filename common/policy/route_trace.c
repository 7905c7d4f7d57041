/*
 * Why a rule was not the one.
 */
#include <stdio.h>

#include "policy/route_trace.h"
#include "wire/ir.h"

static void
list_json(struct jw *w, const struct rule_list *l)
{
	unsigned	 i;

	jw_array(w);
	for (i = 0; i < l->n; i++)
		jw_str(w, l->s[i]);
	jw_array_end(w);
}

static void
list_got(struct jw *w, const struct rule_list *l, struct str got)
{
	jw_key(w, "wanted");
	list_json(w, l);
	jw_key(w, "got");
	jw_str(w, got);
}

void
trace_needs(struct jw *w, uint32_t need)
{
	unsigned	 i;

	jw_array(w);
	for (i = 0; rule_needs[i].name != NULL; i++)
		if ((need & rule_needs[i].bit) != 0)
			jw_strz(w, rule_needs[i].name);
	jw_array_end(w);
}

static void
needs_got(struct jw *w, uint32_t wanted, uint32_t got)
{
	jw_key(w, "wanted");
	trace_needs(w, wanted);
	jw_key(w, "got");
	trace_needs(w, got);
}

static void
tokens_got(struct jw *w, const struct rule_match *m, int64_t got)
{
	jw_key(w, "wanted");
	jw_object(w);
	if (m->above >= 0) {
		jw_key(w, "above");
		jw_int(w, m->above);
	}
	if (m->below >= 0) {
		jw_key(w, "below");
		jw_int(w, m->below);
	}
	jw_object_end(w);
	jw_key(w, "got");
	jw_int(w, got);
}

static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu",
    "fri", "sat" };

static void
minute_json(struct jw *w, const char *name, int minute)
{
	char	 text[16];

	snprintf(text, sizeof(text), "%02d:%02d", minute / 60 % 24,
	    minute % 60);
	jw_key(w, name);
	jw_strz(w, text);
}

static void
time_got(struct jw *w, const struct rule_match *m, const struct plan_facts *f)
{
	char		 text[16];
	unsigned	 i;

	jw_key(w, "wanted");
	jw_object(w);
	if (m->from >= 0) {
		minute_json(w, "from", m->from);
		minute_json(w, "to", m->to);
	}
	if (m->days != 0) {
		jw_key(w, "days");
		jw_array(w);
		for (i = 0; i < 7; i++)
			if ((m->days >> i & 1) != 0)
				jw_strz(w, day_names[i]);
		jw_array_end(w);
	}
	jw_object_end(w);
	snprintf(text, sizeof(text), "%s %02d:%02d",
	    day_names[f->weekday % 7], f->minute / 60 % 24, f->minute % 60);
	jw_key(w, "got");
	jw_strz(w, text);
}

static void
headers_got(struct jw *w, const struct rule_match *m,
    const struct plan_facts *f)
{
	struct str	 v;
	unsigned	 i;

	jw_key(w, "wanted");
	jw_object(w);
	for (i = 0; i < m->nheaders; i++) {
		jw_key_str(w, m->headers[i].name);
		jw_str(w, m->headers[i].pattern);
	}
	jw_object_end(w);
	jw_key(w, "got");
	jw_object(w);
	for (i = 0; i < m->nheaders; i++) {
		v = f->header == NULL ? STR_NONE : f->header(f->arg,
		    m->headers[i].name.p);
		if (v.p == NULL)
			continue;
		jw_key_str(w, m->headers[i].name);
		jw_str(w, v);
	}
	jw_object_end(w);
}

/* The texts themselves are prompts, and are not said. */
static void
words_wanted(struct jw *w, const struct rule_match *m)
{
	jw_key(w, "wanted");
	jw_object(w);
	if (m->any.n > 0) {
		jw_key(w, "any");
		list_json(w, &m->any);
	}
	if (m->all.n > 0) {
		jw_key(w, "all");
		list_json(w, &m->all);
	}
	jw_key(w, "in");
	jw_strz(w, m->in_user && m->in_system ? "both" : m->in_user ?
	    "user" : "system");
	jw_object_end(w);
}

static void
got(struct jw *w, const struct snap_rule *r, struct str why,
    const struct plan_facts *f)
{
	const struct rule_match	*m = &r->match;

	if (str_is(why, "client"))
		list_got(w, &m->client, f->name.dialect);
	else if (str_is(why, "path"))
		list_got(w, &m->path, f->path);
	else if (str_is(why, "model"))
		list_got(w, &m->model, f->name.model);
	else if (str_is(why, "tenant"))
		list_got(w, &m->tenant, f->tenant);
	else if (str_is(why, "client_key"))
		list_got(w, &m->client_key, f->client_key);
	else if (str_is(why, "has"))
		needs_got(w, m->has, f->need);
	else if (str_is(why, "has_not"))
		needs_got(w, m->has_not, f->need);
	else if (str_is(why, "tokens"))
		tokens_got(w, m, f->tokens);
	else if (str_is(why, "time"))
		time_got(w, m, f);
	else if (str_is(why, "header"))
		headers_got(w, m, f);
	else if (str_is(why, "keywords"))
		words_wanted(w, m);
	else if (str_is(why, "stream")) {
		jw_key(w, "wanted");
		jw_bool(w, m->stream != 0);
		jw_key(w, "got");
		jw_bool(w, f->stream);
	}
}

void
trace_rule(struct jw *w, const struct snap_rule *r, const char *why_not,
    const struct plan_facts *f)
{
	jw_object(w);
	jw_key(w, "id");
	jw_int(w, r->id);
	jw_key(w, "rule");
	jw_str(w, r->name);
	jw_key(w, "matched");
	jw_bool(w, why_not == NULL);
	if (why_not != NULL) {
		jw_key(w, "why");
		jw_strz(w, why_not);
		got(w, r, str_of(why_not), f);
	}
	jw_object_end(w);
}

void
trace_rule_off(struct jw *w, const struct snap_rule_off *r)
{
	jw_object(w);
	jw_key(w, "id");
	jw_int(w, r->id);
	jw_key(w, "rule");
	jw_str(w, r->name);
	jw_key(w, "matched");
	jw_bool(w, false);
	jw_key(w, "why");
	jw_strz(w, "disabled");
	jw_object_end(w);
}
