/* The list of models: see served.h. */
#include "policy/served.h"

static const char *const mock_names[] = {
	"mock-echo", "mock-tool", "mock-429", "mock-500", "mock-slow",
	"mock-long", "mock-cut"
};
#define MOCK_NAMES	(sizeof(mock_names) / sizeof(*mock_names))

static size_t
add(struct ir_model *m, size_t n, struct str id, struct str owner)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (str_eq(m[i].id, id))
			return n;
	m[n] = (struct ir_model){ .id = id, .owner = owner };
	return n + 1;
}

struct ir_model *
served_models(struct arena *arena, const struct snapshot *s,
    struct permit who, size_t *n)
{
	const struct snap_provider	*p;
	struct ir_model			*m;
	struct str			 name;
	size_t				 i;

	m = arena_array(arena, s->nmodels + s->nproviders + MOCK_NAMES,
	    sizeof(*m));
	*n = 0;
	for (i = 0; i < s->nmodels; i++)
		if (permit_model(who, s->models[i].route_key,
		    s->models[i].target))
			*n = add(m, *n, s->models[i].route_key,
			    s->providers[s->models[i].provider].name);
	for (i = 0; i < s->nproviders; i++) {
		p = &s->providers[i];
		if (p->default_model.n > 0 && (p->nkeys > 0 || p->keyless) &&
		    permit_model(who, p->default_model, p->default_model))
			*n = add(m, *n, p->default_model, p->name);
	}
	for (i = 0; i < MOCK_NAMES; i++) {
		name = str_of(mock_names[i]);
		if (permit_model(who, name, name))
			*n = add(m, *n, name, STR("mock"));
	}
	return m;
}
