/*
 * Routing: a pure function of the snapshot and of a request's facts.
 */
#include <stddef.h>

#include "policy/route.h"

static const struct {
	const char	*prefix, *provider;
} route_families[] = {
	{ "claude-", "anthropic" },
	{ "gemini-", "gemini" },
	{ "gpt-", "openai" },
	{ "chatgpt-", "openai" },
	{ "text-embedding-3-", "openai" },
	{ "text-embedding-ada-", "openai" },
	{ "text-embedding-00", "gemini" },
	{ "embedding-00", "gemini" },
	{ "mock-", "mock" },
};

/* o1, o3-mini, o4-mini-2025-04-16: an o, a digit, then the end or a dash. */
static bool
is_o_series(struct str m)
{
	size_t	 i = 1;

	if (m.n < 2 || m.p[0] != 'o')
		return false;
	while (i < m.n && m.p[i] >= '0' && m.p[i] <= '9')
		i++;
	return i > 1 && (i == m.n || m.p[i] == '-');
}

struct str
route_family(struct str model)
{
	size_t	 i;

	for (i = 0; i < sizeof(route_families) / sizeof(*route_families); i++)
		if (str_starts(model, route_families[i].prefix))
			return str_of(route_families[i].provider);
	if (is_o_series(model))
		return STR("openai");
	return STR_NONE;
}

/* The built-in openai offers both of OpenAI's dialects. */
struct str
route_dialect(const struct snap_provider *p, struct str client)
{
	if (str_is(p->name, "openai") && str_is(client, "openai-responses"))
		return client;
	return p->dialect;
}

static int
route_direct(const struct snapshot *s, struct str dialect)
{
	unsigned	 i;

	if (s->preferred >= 0 && str_eq(route_dialect(
	    &s->providers[s->preferred], dialect), dialect))
		return s->preferred;
	for (i = 0; i < s->nproviders; i++)
		if (str_eq(route_dialect(&s->providers[i], dialect), dialect))
			return (int)i;
	return -1;
}

static int
route_set(struct route *r, int provider, struct str model, int mode,
    const char *why)
{
	if (provider < 0)
		return -1;
	r->provider = (unsigned)provider;
	r->model = model;
	r->mode = mode;
	r->why = why;
	return 0;
}

int
route_pick(const struct snapshot *s, const struct route_facts *f,
    struct route *r)
{
	const struct snap_model	*m = snapshot_model(s, f->model);
	struct str		 family;

	if (m != NULL)
		return route_set(r, (int)m->provider, m->target,
		    m->mode < 0 ? (int)s->mode : m->mode, "model");
	family = route_family(f->model);
	if (str_is(family, "mock"))
		return route_set(r, snapshot_provider(s, family), f->model,
		    CONF_TRANSFORMER, "family");
	if (s->mode == CONF_DIRECT)
		return route_set(r, route_direct(s, f->dialect), f->model,
		    CONF_DIRECT, "direct");
	if (family.n > 0 && snapshot_provider(s, family) >= 0)
		return route_set(r, snapshot_provider(s, family), f->model,
		    CONF_TRANSFORMER, "family");
	if (s->preferred >= 0 && s->providers[s->preferred].default_model.n > 0)
		return route_set(r, s->preferred,
		    s->providers[s->preferred].default_model,
		    CONF_TRANSFORMER, "preferred");
	return -1;
}
