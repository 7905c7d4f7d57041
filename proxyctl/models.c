/*
 * models, providers, pools: their members, and how a list shows them.
 */
#include <stdio.h>

#include "base/codec.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/daemon.h"
#include "state/store_revision.h"

#define ASK_MS		3000

static const char *
yes(const json_t *o, const char *member)
{
	return json_is_true(json_object_get(o, member)) ? "yes" : "no";
}

/* --- models ---------------------------------------------------------------------- */

static const struct member model_members[] = {
	{ OPT_ROUTE_KEY, "route_key", MEMBER_TEXT },
	{ OPT_TARGET_MODEL, "target_model", MEMBER_TEXT },
	{ OPT_PROVIDER, "provider", MEMBER_TEXT },
	{ OPT_USE_POOL, "pool", MEMBER_TEXT },
	{ OPT_MODE, "mode", MEMBER_TEXT },
	{ OPT_ENABLED, "enabled", MEMBER_YES },
	{ .name = NULL }
};

static const struct column model_cols[] = {
	{ "ROUTE KEY", false, true }, { "TARGET MODEL", false, true },
	{ "PROVIDER", false, true }, { "POOL", false, true },
	{ "MODE", false, false }, { "ENABLED", false, false },
	{ "FROM", false, false }, { .name = NULL }
};

static void
model_row(struct table *t, const json_t *o)
{
	table_addz(t, json_text(o, "route_key"));
	table_addz(t, json_text(o, "target_model"));
	table_addz(t, json_text(o, "provider"));
	table_addz(t, json_text(o, "pool"));
	table_addz(t, json_text(o, "mode"));
	table_addz(t, yes(o, "enabled"));
	table_addz(t, json_text(o, "source"));
}

const struct family model_family = { OBJECT_MODEL, "model", "models", "route_key",
    model_members, NULL, NULL, model_cols, model_row };

#define MODEL_OPTS	OPT_TARGET_MODEL, OPT_PROVIDER, OPT_USE_POOL,	\
	OPT_MODE, OPT_ENABLED, OPT_SET | MANY, OPT_FILE, OPT_JSON

const struct word model_words[] = {
	{ "list", objects_list, "show all of them", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "show", objects_show, "show one", "name", ARG_MODEL, { OPT_JSON } },
	{ "create", objects_create, "make one: route key, target model and "
	    "provider are needed", NULL, ARG_NONE,
	    { OPT_ROUTE_KEY, MODEL_OPTS } },
	{ "update", objects_update, "change what is given", "name", ARG_MODEL,
	    { MODEL_OPTS } },
	{ "delete", objects_delete, "delete them", "name ...", ARG_MODEL,
	    { OPT_JSON } },
	{ "enable", objects_enable, "use them again", "name ...", ARG_MODEL,
	    { OPT_JSON } },
	{ "disable", objects_enable, "as if they were not there", "name ...",
	    ARG_MODEL, { OPT_JSON } },
	{ "test", models_test, "one small real request through proxyd; any "
	    "name that clients may ask for", "name ...", ARG_MODEL,
	    { OPT_MAX_TOKENS, OPT_JSON } },
	{ .name = NULL }
};

/* --- providers --------------------------------------------------------------------- */

static const struct member provider_members[] = {
	{ OPT_NAME, "name", MEMBER_TEXT },
	{ OPT_DIALECT, "dialect", MEMBER_TEXT },
	{ OPT_BASE_URL, "base_url", MEMBER_TEXT },
	{ OPT_AUTH_HEADER, "auth_header", MEMBER_TEXT },
	{ OPT_AUTH_FORMAT, "auth_format", MEMBER_TEXT },
	{ OPT_DEFAULT_MODEL, "default_model", MEMBER_TEXT },
	{ OPT_CA_FILE, "ca_file", MEMBER_TEXT },
	{ OPT_KEYLESS, "keyless", MEMBER_YES },
	{ OPT_CONNECT_MS, "connect_ms", MEMBER_INT },
	{ OPT_FIRST_BYTE_MS, "first_byte_ms", MEMBER_INT },
	{ OPT_IDLE_MS, "idle_ms", MEMBER_INT },
	{ OPT_TOTAL_MS, "total_ms", MEMBER_INT },
	{ OPT_STRATEGY, "strategy", MEMBER_TEXT },
	{ OPT_ENABLED, "enabled", MEMBER_YES },
	{ .name = NULL }
};

static const struct column provider_cols[] = {
	{ "NAME", false, true }, { "DIALECT", false, false },
	{ "BASE URL", false, true }, { "DEFAULT MODEL", false, true },
	{ "KEYLESS", false, false }, { "STRATEGY", false, false },
	{ "ENABLED", false, false }, { "FROM", false, false },
	{ .name = NULL }
};

static void
provider_row(struct table *t, const json_t *o)
{
	table_addz(t, json_text(o, "name"));
	table_addz(t, json_text(o, "dialect"));
	table_addz(t, json_text(o, "base_url"));
	table_addz(t, json_text(o, "default_model"));
	table_addz(t, yes(o, "keyless"));
	table_addz(t, json_text(o, "strategy"));
	table_addz(t, yes(o, "enabled"));
	table_addz(t, json_text(o, "source"));
}

const struct family provider_family = { OBJECT_PROVIDER, "provider", "providers", "name",
    provider_members, NULL, NULL, provider_cols, provider_row };

#define PROVIDER_OPTS	OPT_DIALECT, OPT_BASE_URL, OPT_AUTH_HEADER,	\
	OPT_AUTH_FORMAT, OPT_DEFAULT_MODEL, OPT_CA_FILE, OPT_KEYLESS,	\
	OPT_CONNECT_MS, OPT_FIRST_BYTE_MS, OPT_IDLE_MS, OPT_TOTAL_MS,	\
	OPT_STRATEGY, OPT_ENABLED, OPT_SET | MANY, OPT_FILE, OPT_JSON

/* --- a circuit that is open ------------------------------------------------------- */

static int
reset(struct ctl *c, struct store *s, int64_t id, const char *name)
{
	struct buf		 b;
	char			 word[64], err[1400];
	enum daemon_answer	 a;

	buf_init(&b, 4096);
	snprintf(word, sizeof(word), "reset-provider %lld", (long long)id);
	a = daemon_ask(c->paths.control, word, ASK_MS, &b, err, sizeof(err));
	buf_release(&b);
	if (a == DAEMON_NOBODY)
		return ctl_fail("providers reset: proxyd does not run, so no "
		    "circuit is open");
	if (a != DAEMON_OK)
		return ctl_fail("providers reset: %s: %s", name, err);
	ctl_audit(s, "reset provider", name, true, NULL);
	printf("provider reset: %s\n", name);
	return CTL_OK;
}

static int
providers_reset(struct ctl *c)
{
	struct store	*s = ctl_store(c, true);
	json_t		*all, *o;
	unsigned	 i;
	int		 r = CTL_OK;

	if (s == NULL)
		return CTL_ERROR;
	if ((all = ctl_objects(c, s, OBJECT_PROVIDER)) == NULL)
		r = CTL_ERROR;
	for (i = 0; i < c->noperands && r == CTL_OK; i++)
		r = (o = objects_find(&provider_family, all, c->operand[i]))
		    == NULL ? CTL_ERROR : reset(c, s, objects_id(o),
		    json_text(o, "name"));
	json_decref(all);
	store_close(s);
	return r;
}

const struct word provider_words[] = {
	{ "list", objects_list, "show all of them", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "show", objects_show, "show one", "name", ARG_PROVIDER,
	    { OPT_JSON } },
	{ "create", objects_create, "make one: name and dialect are needed",
	    NULL, ARG_NONE, { OPT_NAME, PROVIDER_OPTS } },
	{ "update", objects_update, "change what is given", "name",
	    ARG_PROVIDER, { PROVIDER_OPTS } },
	{ "delete", objects_delete, "delete those that nothing uses",
	    "name ...", ARG_PROVIDER, { OPT_JSON } },
	{ "enable", objects_enable, "use them again", "name ...",
	    ARG_PROVIDER, { OPT_JSON } },
	{ "disable", objects_enable, "send them nothing new", "name ...",
	    ARG_PROVIDER, { OPT_JSON } },
	{ "reset", providers_reset, "close their circuits: they are asked "
	    "again", "name ...", ARG_PROVIDER, { 0 } },
	{ .name = NULL }
};

/* --- pools ------------------------------------------------------------------------- */

static const struct member pool_members[] = {
	{ OPT_NAME, "name", MEMBER_TEXT },
	{ OPT_PROVIDER, "provider", MEMBER_TEXT },
	{ OPT_STRATEGY, "strategy", MEMBER_TEXT },
	{ .name = NULL }
};

static const struct column pool_cols[] = {
	{ "NAME", false, true }, { "PROVIDER", false, true },
	{ "STRATEGY", false, false }, { "KEYS", false, true },
	{ .name = NULL }
};

/* Keys by id or mask. */
static int
pool_keys(const struct ctl *c, struct store *s, const json_t *old,
    json_t *body)
{
	json_t		*all, *ids, *key = NULL;
	const char	*name;
	unsigned	 i = 0;

	(void)old;
	if (c->opt[OPT_KEY] == NULL)
		return 0;
	if ((all = ctl_objects(c, s, OBJECT_KEY)) == NULL)
		return -1;
	ids = json_array();
	while ((name = words_next(c, OPT_KEY, &i)) != NULL && (name[0] ==
	    '\0' || (key = objects_find(&key_family, all, name)) != NULL))
		if (name[0] != '\0')
			json_array_append_new(ids,
			    json_integer(objects_id(key)));
	json_object_set_new(body, "keys", ids);
	json_decref(all);
	return name == NULL ? 0 : -1;
}

static void
pool_row(struct table *t, const json_t *o)
{
	table_addz(t, json_text(o, "name"));
	table_addz(t, json_text(o, "provider"));
	table_addz(t, json_text(o, "strategy"));
	table_add_json(t, json_object_get(o, "keys"));
}

const struct family pool_family = { OBJECT_POOL, "pool", "pools", "name",
    pool_members, pool_keys, NULL, pool_cols, pool_row };

#define POOL_OPTS	OPT_STRATEGY, OPT_KEY | MANY, OPT_SET | MANY,	\
	OPT_FILE, OPT_JSON

const struct word pool_words[] = {
	{ "list", objects_list, "show all of them", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "show", objects_show, "show one", "name", ARG_POOL, { OPT_JSON } },
	{ "create", objects_create, "make one: name and provider are needed",
	    NULL, ARG_NONE, { OPT_NAME, OPT_PROVIDER, POOL_OPTS } },
	{ "update", objects_update, "change what is given", "name", ARG_POOL,
	    { POOL_OPTS } },
	{ "delete", objects_delete, "delete those that nothing uses",
	    "name ...", ARG_POOL, { OPT_JSON } },
	{ .name = NULL }
};
