/*
 * What client keys and tenants may use.
 */
#include <stddef.h>

#include "policy/pattern.h"
#include "policy/permit.h"

const char *
permit_ended(struct permit p, int64_t wall_us)
{
	if (p.key != NULL && !p.key->enabled)
		return "this client key is disabled";
	if (p.key != NULL && p.key->expires_us > 0 &&
	    p.key->expires_us <= wall_us)
		return "this client key has expired";
	if (p.tenant != NULL && !p.tenant->enabled)
		return "the tenant of this client key is disabled";
	return NULL;
}

static bool
fits(struct str patterns, struct str asked, struct str resolved)
{
	return pattern_lines_match(patterns, resolved) ||
	    pattern_lines_match(patterns, asked);
}

bool
permit_model(struct permit p, struct str asked, struct str resolved)
{
	return (p.key == NULL || fits(p.key->models, asked, resolved)) &&
	    (p.tenant == NULL || fits(p.tenant->models, asked, resolved));
}

bool
permit_route(struct permit p, struct str route)
{
	return (p.key == NULL || pattern_lines_match(p.key->routes, route)) &&
	    (p.tenant == NULL ||
	    pattern_lines_match(p.tenant->routes, route));
}

bool
permit_key(struct permit p, const struct snapshot *s,
    const struct snap_key *k)
{
	const struct snap_provider	*pr = &s->providers[k->provider];
	unsigned			 i;
	bool				 own = false;

	for (i = 0; pr->owned && p.tenant != NULL && i < pr->nkeys; i++)
		own = own || s->keys[pr->first_key + i].tenant_id ==
		    p.tenant->id;
	return k->tenant_id == (own ? p.tenant->id : 0);
}
