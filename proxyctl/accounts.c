/*
 * tenants and client-keys: who may ask, for what, and for how much.  Their
 * members are those of the management server's REST; budgets are dollars.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/row_json.h"
#include "state/store_tenants.h"

#define DOLLARS_MAX	1e9
#define GRACE_S		86400

#define ACCOUNT_MEMBERS							\
	{ OPT_NAME, "name", MEMBER_TEXT },				\
	{ OPT_NOTE, "note", MEMBER_TEXT },				\
	{ OPT_MODELS, "models", MEMBER_LIST },				\
	{ OPT_ROUTES, "routes", MEMBER_LIST },				\
	{ OPT_ENABLED, "enabled", MEMBER_YES },				\
	{ OPT_RPM, "rpm", MEMBER_INT },					\
	{ OPT_TPM, "tpm", MEMBER_INT },					\
	{ OPT_CONCURRENT, "concurrent", MEMBER_INT },			\
	{ OPT_BUDGET_DAY, "budget_day", MEMBER_MONEY },			\
	{ OPT_BUDGET_MONTH, "budget_month", MEMBER_MONEY },		\
	{ OPT_BUDGET_TOTAL, "budget_total", MEMBER_MONEY }

static const struct member tenant_members[] = {
	ACCOUNT_MEMBERS, { .name = NULL }
};
static const struct member client_key_members[] = {
	ACCOUNT_MEMBERS, { OPT_OF_TENANT, "tenant", MEMBER_TEXT },
	{ OPT_EXPIRES, "expires_us", MEMBER_TIME }, { .name = NULL }
};

static const struct family tenant_family = { OBJECT_KINDS, "tenant",
    "tenants", "name", tenant_members, NULL, NULL, NULL, NULL };
static const struct family client_key_family = { OBJECT_KINDS, "client key",
    "client-keys", "name", client_key_members, NULL, NULL, NULL, NULL };

struct accounts {
	struct ctl		*c;
	const struct family	*f;
	struct store		*s;
	bool			 keys;		/* client keys, not tenants */
	json_t			*all;		/* an array */
	json_t			*tenants;	/* where keys */
};

/* --- read ---------------------------------------------------------------------------- */

static json_t *
dollars(int64_t micros)
{
	return micros < 0 ? json_null() : json_real((double)micros / 1e6);
}

static json_t *
lines_json(struct str lines)
{
	json_t		*list = json_array();
	struct str	 line;

	while (lines.n > 0) {
		line = str_trim(str_cut(&lines, '\n'));
		if (line.n > 0)
			json_array_append_new(list, text_json(line));
	}
	return list;
}

static json_t *
time_json(int64_t us)
{
	char	 when[CLOCK_RFC3339_LEN];

	return us == 0 ? json_null() : json_string(clock_rfc3339(us, when));
}

static void
limits_json(json_t *o, const struct store_limits *l)
{
	json_object_set_new(o, "rpm", json_integer(l->rpm));
	json_object_set_new(o, "tpm", json_integer(l->tpm));
	json_object_set_new(o, "concurrent", json_integer(l->concurrent));
	json_object_set_new(o, "budget_day", dollars(l->budget_day));
	json_object_set_new(o, "budget_month", dollars(l->budget_month));
	json_object_set_new(o, "budget_total", dollars(l->budget_total));
}

static void
tenant_cb(void *arg, const struct store_tenant *t)
{
	json_t	*o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:b}", "id",
		    (json_int_t)t->id, "name", text_json(t->name), "note",
		    text_json(t->note), "models", lines_json(t->models),
		    "routes", lines_json(t->routes), "enabled", t->enabled);

	limits_json(o, &t->limits);
	json_object_set_new(o, "created", time_json(t->created_us));
	json_array_append_new(arg, o);
}

static void
client_key_cb(void *arg, const struct store_client_key *k)
{
	json_t	*o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:I}", "id",
		    (json_int_t)k->id, "name", text_json(k->name), "mask",
		    text_json(k->mask), "tenant", text_json(k->tenant), "note",
		    text_json(k->note), "models", lines_json(k->models),
		    "routes", lines_json(k->routes), "enabled", k->enabled,
		    "expires_us", (json_int_t)k->expires_us);

	json_object_set_new(o, "expires", time_json(k->expires_us));
	limits_json(o, &k->limits);
	json_object_set_new(o, "old_until", time_json(k->old_until_us));
	json_object_set_new(o, "created", time_json(k->created_us));
	json_array_append_new(arg, o);
}

static int
accounts_open(struct accounts *a, struct ctl *c, bool change)
{
	int	 rc;

	*a = (struct accounts){ .c = c };
	a->keys = strcmp(c->group->name, "client-keys") == 0;
	a->f = a->keys ? &client_key_family : &tenant_family;
	if ((a->s = ctl_store(c, change)) == NULL)
		return -1;
	a->all = json_array();
	a->tenants = json_array();
	rc = store_tenants(a->s, tenant_cb, a->keys ? a->tenants : a->all);
	if (rc != -1 && a->keys)
		rc = store_client_keys(a->s, client_key_cb, a->all);
	if (rc == -1)
		ctl_store_failed(c, a->s);
	return rc == -1 ? -1 : 0;
}

static int
accounts_close(struct accounts *a, int r)
{
	json_decref(a->all);
	json_decref(a->tenants);
	store_close(a->s);
	return r;
}

/* --- written ------------------------------------------------------------------------- */

/* A text of the object, which lives as long as that. */
static int
take_text(const json_t *o, const char *name, struct str *s)
{
	json_t	*v = json_object_get(o, name);

	*s = v == NULL || json_is_null(v) ? STR("") :
	    (struct str){ json_string_value(v), json_string_length(v) };
	if (v == NULL || json_is_null(v) || json_is_string(v))
		return 0;
	ctl_fail("%s: expected a string", name);
	return -1;
}

static int
take_int(const json_t *o, const char *name, int64_t *n)
{
	json_t	*v = json_object_get(o, name);

	if (v == NULL)
		return 0;
	*n = json_integer_value(v);
	if (json_is_integer(v))
		return 0;
	ctl_fail("%s: expected a whole number", name);
	return -1;
}

static int
take_bool(const json_t *o, const char *name, bool *b)
{
	json_t	*v = json_object_get(o, name);

	if (v == NULL)
		return 0;
	*b = json_is_true(v);
	if (json_is_boolean(v))
		return 0;
	ctl_fail("%s: expected true or false", name);
	return -1;
}

static int
take_money(const json_t *o, const char *name, int64_t *micros)
{
	json_t	*v = json_object_get(o, name);
	double	 d = json_number_value(v);

	*micros = -1;
	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_number(v) || !(d >= 0 && d <= DOLLARS_MAX)) {
		ctl_fail("%s: expected dollars, 0 or more, or null", name);
		return -1;
	}
	*micros = (int64_t)(d * 1e6 + 0.5);
	return 0;
}

/* A list as lines; *b holds them. */
static int
take_lines(const json_t *o, const char *name, struct buf *b, struct str *s)
{
	json_t	*v = json_object_get(o, name), *e;
	bool	 ok = v == NULL || json_is_array(v);
	size_t	 i;

	buf_init(b, 1 << 20);
	json_array_foreach(v, i, e) {
		ok = ok && json_is_string(e) &&
		    strchr(json_string_value(e), '\n') == NULL;
		if (ok)
			(void)buf_addf(b, "%s\n", json_string_value(e));
	}
	*s = buf_str(b);
	if (ok && buf_ok(b))
		return 0;
	ctl_fail("%s: expected a list of patterns", name);
	return -1;
}

static int
take_limits(const json_t *o, struct store_limits *l)
{
	store_limits_init(l);
	if (take_int(o, "rpm", &l->rpm) == -1 ||
	    take_int(o, "tpm", &l->tpm) == -1 ||
	    take_int(o, "concurrent", &l->concurrent) == -1 ||
	    take_money(o, "budget_day", &l->budget_day) == -1 ||
	    take_money(o, "budget_month", &l->budget_month) == -1)
		return -1;
	return take_money(o, "budget_total", &l->budget_total);
}

/* What stands in it but no word knows. */
static int
check_known(const struct accounts *a, const json_t *o)
{
	static const char *const shown[] = { "created", "old_until", "expires",
				    NULL };
	const struct member	*m;
	const char		*name;
	json_t			*v;
	int			 i;

	json_object_foreach((json_t *)(uintptr_t)o, name, v) {
		for (m = a->f->members; m->name != NULL; m++)
			if (strcmp(m->name, name) == 0)
				break;
		for (i = 0; shown[i] != NULL; i++)
			if (strcmp(shown[i], name) == 0)
				break;
		if (m->name != NULL || shown[i] != NULL)
			continue;
		ctl_fail("%s: unknown member of a %s", name, a->f->what);
		return -1;
	}
	return 0;
}

static int
said(const struct accounts *a, int rc, const struct store_bad *bad)
{
	char	 path[WORD_PATH_MAX];

	if (rc == STORE_DONE)
		return 0;
	if (rc == STORE_BAD)
		ctl_fail("%s: %s: %s", word_path(a->c->group, a->c->word,
		    path), objects_option(a->c, a->f, bad->field), bad->text);
	else if (rc == STORE_NONE)
		ctl_fail("it is gone: another has deleted it just now");
	else
		ctl_store_failed(a->c, a->s);
	return -1;
}

static void
audit(const struct accounts *a, const char *name, json_t *detail)
{
	char	 action[64];

	snprintf(action, sizeof(action), "%s %s", a->c->word->name,
	    a->f->what);
	ctl_audit(a->s, action, name, true, detail);
}

/* The lists of both, while they are written. */
struct lists {
	struct buf	 models, routes;
};

static int
put_tenant(struct accounts *a, json_t *o, struct lists *l, int64_t *id)
{
	struct store_tenant	 t = { .id = *id, .enabled = true };
	struct store_bad	 bad;
	int			 r;

	if (take_text(o, "name", &t.name) == -1 ||
	    take_text(o, "note", &t.note) == -1 ||
	    take_lines(o, "models", &l->models, &t.models) == -1 ||
	    take_lines(o, "routes", &l->routes, &t.routes) == -1 ||
	    take_bool(o, "enabled", &t.enabled) == -1 ||
	    take_limits(o, &t.limits) == -1)
		return -1;
	r = said(a, store_tenant_put(a->s, &t, &bad), &bad);
	*id = t.id;
	return r;
}

static int
tenant_id(struct accounts *a, const json_t *o, int64_t *id)
{
	struct str	 name;
	json_t		*t;

	*id = 0;
	if (take_text(o, "tenant", &name) == -1)
		return -1;
	if (name.n == 0)
		return 0;
	if ((t = objects_find(&tenant_family, a->tenants, name.p)) == NULL)
		return -1;
	*id = objects_id(t);
	return 0;
}

static int
put_client_key(struct accounts *a, json_t *o, struct lists *l, int64_t *id,
    char plain[CLIENT_KEY_LEN + 1])
{
	struct store_client_key	 k = { .id = *id, .enabled = true };
	struct secret_box	*box;
	struct store_bad	 bad;
	int			 r;

	if (take_text(o, "name", &k.name) == -1 ||
	    take_text(o, "note", &k.note) == -1 ||
	    tenant_id(a, o, &k.tenant_id) == -1 ||
	    take_lines(o, "models", &l->models, &k.models) == -1 ||
	    take_lines(o, "routes", &l->routes, &k.routes) == -1 ||
	    take_bool(o, "enabled", &k.enabled) == -1 ||
	    take_int(o, "expires_us", &k.expires_us) == -1 ||
	    take_limits(o, &k.limits) == -1 ||
	    (box = ctl_box(a->c, a->s)) == NULL)
		return -1;
	r = said(a, store_client_key_put(a->s, box, &k, plain, &bad), &bad);
	secret_box_close(box);
	*id = k.id;
	return r;
}

static int
account_put(struct accounts *a, json_t *o, int64_t *id,
    char plain[CLIENT_KEY_LEN + 1])
{
	struct lists	 l;
	int		 r;

	buf_init(&l.models, 1);
	buf_init(&l.routes, 1);
	plain[0] = '\0';
	if (check_known(a, o) == -1)
		return -1;
	r = a->keys ? put_client_key(a, o, &l, id, plain) :
	    put_tenant(a, o, &l, id);
	buf_release(&l.models);
	buf_release(&l.routes);
	return r;
}

/* --- told ---------------------------------------------------------------------------- */

static int
print_account(struct accounts *a, int64_t id, const char *name,
    const char *done, const char *plain)
{
	struct accounts	 now;
	json_t		*o, *found = NULL;
	size_t		 i;
	int		 r = CTL_OK;

	if (a->c->opt[OPT_JSON] == NULL) {
		printf("%s %s %s (id %lld)\n", a->f->what, done, name,
		    (long long)id);
		if (plain[0] != '\0')
			printf("%s\nIt is shown this once only.\n", plain);
		return CTL_OK;
	}
	if (accounts_open(&now, a->c, false) == -1)
		return accounts_close(&now, CTL_ERROR);
	json_array_foreach(now.all, i, o)
		if (objects_id(o) == id)
			found = o;
	if (found != NULL && plain[0] != '\0')
		json_object_set_new(found, "key", json_string(plain));
	if (found != NULL)
		r = json_print(json_incref(found));
	return accounts_close(&now, r);
}

static const struct column tenant_cols[] = {
	{ "NAME", false, true }, { "ENABLED", false, false },
	{ "MODELS", false, true }, { "RPM", true, false },
	{ "TPM", true, false }, { "AT ONCE", true, false },
	{ "A DAY", true, false }, { "A MONTH", true, false },
	{ "IN ALL", true, false }, { "NOTE", false, true }, { .name = NULL }
};
static const struct column client_key_cols[] = {
	{ "NAME", false, true }, { "KEY", false, true },
	{ "TENANT", false, true }, { "ENABLED", false, false },
	{ "MODELS", false, true }, { "RPM", true, false },
	{ "TPM", true, false }, { "AT ONCE", true, false },
	{ "A DAY", true, false }, { "A MONTH", true, false },
	{ "IN ALL", true, false }, { "EXPIRES", false, false },
	{ "NOTE", false, true }, { .name = NULL }
};

static void
add_limit(struct table *t, const json_t *o, const char *name)
{
	const json_t	*v = json_object_get(o, name);
	char		 text[MONEY_LEN];

	if (json_is_real(v))
		table_addz(t, ctl_money_text((int64_t)(json_real_value(v) *
		    1e6 + 0.5), text));
	else if (json_integer_value(v) == 0)
		table_addz(t, "-");
	else
		table_add_json(t, v);
}

static void
account_row(struct table *t, const json_t *o, bool keys)
{
	static const char *const limits[] = { "rpm", "tpm", "concurrent",
				    "budget_day", "budget_month",
				    "budget_total" };
	const char	*expires = json_text(o, "expires");
	size_t		 i;

	table_addz(t, json_text(o, "name"));
	if (keys) {
		table_addz(t, json_text(o, "mask"));
		table_addz(t, json_text(o, "tenant"));
	}
	table_addz(t, json_is_true(json_object_get(o, "enabled")) ? "yes" :
	    "no");
	if (json_array_size(json_object_get(o, "models")) == 0)
		table_addz(t, "all");
	else
		table_add_json(t, json_object_get(o, "models"));
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		add_limit(t, o, limits[i]);
	if (keys)
		table_addf(t, "%.10s", expires[0] == '\0' ? "never" :
		    expires);
	table_addz(t, json_text(o, "note"));
}

/* --- the words ------------------------------------------------------------------------ */

static int
accounts_list(struct ctl *c)
{
	struct accounts	 a;
	struct table	*t;
	json_t		*o;
	size_t		 i;

	if (accounts_open(&a, c, false) == -1)
		return accounts_close(&a, CTL_ERROR);
	if (c->opt[OPT_JSON] != NULL)
		return accounts_close(&a, json_print(json_incref(a.all)));
	t = table_new(a.keys ? client_key_cols : tenant_cols);
	json_array_foreach(a.all, i, o)
		account_row(t, o, a.keys);
	table_print(t, a.keys ? "none: requests of this machine are served, "
	    "with any key" : "none");
	table_free(t);
	return accounts_close(&a, CTL_OK);
}

static int
accounts_show(struct ctl *c)
{
	struct accounts	 a;
	json_t		*o;

	if (accounts_open(&a, c, false) == -1 ||
	    (o = objects_find(a.f, a.all, c->operand[0])) == NULL)
		return accounts_close(&a, CTL_ERROR);
	if (c->opt[OPT_JSON] != NULL)
		return accounts_close(&a, json_print(json_incref(o)));
	json_print_pairs(o);
	return accounts_close(&a, CTL_OK);
}

static int
accounts_create(struct ctl *c)
{
	struct accounts	 a;
	char		 plain[CLIENT_KEY_LEN + 1];
	json_t		*o = NULL;
	int64_t		 id = 0;
	int		 r = CTL_ERROR;

	if (accounts_open(&a, c, true) == 0 &&
	    (o = objects_body(c, a.f, a.s, NULL)) != NULL &&
	    account_put(&a, o, &id, plain) == 0) {
		audit(&a, json_text(o, "name"), json_incref(o));
		r = print_account(&a, id, json_text(o, "name"), "created:",
		    plain);
		if (a.keys && json_array_size(a.all) == 0)
			fprintf(stderr, "proxyctl: from now on every request "
			    "needs a client key\n");
	}
	json_decref(o);
	return accounts_close(&a, r);
}

/* Writes old with what body says instead. */
static int
change(struct accounts *a, const json_t *old, json_t *body, const char *done)
{
	json_t	*o = json_deep_copy(old);
	int64_t	 id = objects_id(old);
	char	 plain[CLIENT_KEY_LEN + 1];
	int	 r = CTL_ERROR;

	must(o != NULL && json_object_update(o, body) == 0);
	json_object_del(o, "id");
	json_object_del(o, "mask");
	if (account_put(a, o, &id, plain) == 0) {
		audit(a, json_text(old, "name"), json_incref(body));
		r = print_account(a, id, json_text(o, "name"), done, "");
	}
	json_decref(o);
	return r;
}

static int
accounts_update(struct ctl *c)
{
	struct accounts	 a;
	json_t		*old, *body;
	int		 r;

	if (accounts_open(&a, c, true) == -1 ||
	    (old = objects_find(a.f, a.all, c->operand[0])) == NULL ||
	    (body = objects_body(c, a.f, a.s, old)) == NULL)
		return accounts_close(&a, CTL_ERROR);
	if (json_object_size(body) == 0)
		r = ctl_fail("nothing to change is given; proxyctl %s update "
		    "--help lists the options", a.f->group);
	else
		r = change(&a, old, body, "updated:");
	json_decref(body);
	return accounts_close(&a, r);
}

/* All that are named are there, or none is touched. */
static int
each(struct ctl *c, int (*one)(struct accounts *, json_t *))
{
	struct accounts	 a;
	json_t		*o;
	unsigned	 i;
	int		 r = CTL_OK;

	if (accounts_open(&a, c, true) == -1)
		return accounts_close(&a, CTL_ERROR);
	for (i = 0; i < c->noperands; i++)
		if (objects_find(a.f, a.all, c->operand[i]) == NULL)
			return accounts_close(&a, CTL_ERROR);
	for (i = 0; i < c->noperands && r == CTL_OK; i++) {
		o = objects_find(a.f, a.all, c->operand[i]);
		r = o == NULL ? CTL_ERROR : one(&a, o);
	}
	return accounts_close(&a, r);
}

static int
enable_one(struct accounts *a, json_t *o)
{
	bool	 on = strcmp(a->c->word->name, "enable") == 0;
	json_t	*body = json_pack("{s:b}", "enabled", on);
	int	 r = change(a, o, body, on ? "enabled:" : "disabled:");

	json_decref(body);
	return r;
}

static int
accounts_enable(struct ctl *c)
{
	return each(c, enable_one);
}

static int
delete_one(struct accounts *a, json_t *o)
{
	int64_t	 before = store_client_key_count(a->s);
	int	 rc = a->keys ? store_client_key_delete(a->s, objects_id(o)) :
		    store_tenant_delete(a->s, objects_id(o));

	if (said(a, rc, NULL) == -1)
		return CTL_ERROR;
	audit(a, json_text(o, "name"), NULL);
	printf("%s deleted: %s (id %lld)\n", a->f->what, json_text(o, "name"),
	    (long long)objects_id(o));
	/* A tenant's keys go with it. */
	if (before > 0 && store_client_key_count(a->s) == 0)
		fprintf(stderr, "proxyctl: no client key is left: requests of "
		    "this machine are served again, with any key, and no "
		    "others\n");
	return CTL_OK;
}

static int
accounts_delete(struct ctl *c)
{
	return each(c, delete_one);
}

static int
client_keys_rotate(struct ctl *c)
{
	struct accounts		 a;
	struct secret_box	*box = NULL;
	struct store_bad	 bad;
	char			 plain[CLIENT_KEY_LEN + 1], span[SPAN_LEN];
	int64_t			 grace = GRACE_S;
	json_t			*o;
	int			 r = CTL_ERROR;

	if (ctl_span(c, OPT_GRACE, &grace) == -1)
		return CTL_ERROR;
	if (accounts_open(&a, c, true) == -1 ||
	    (o = objects_find(a.f, a.all, c->operand[0])) == NULL ||
	    (box = ctl_box(c, a.s)) == NULL ||
	    said(&a, store_client_key_rotate(a.s, box, objects_id(o), grace,
	    plain, &bad), &bad) == -1)
		goto out;
	audit(&a, json_text(o, "name"), json_pack("{s:I}", "grace_s",
	    (json_int_t)grace));
	r = print_account(&a, objects_id(o), json_text(o, "name"),
	    "has a new value:", plain);
	if (c->opt[OPT_JSON] == NULL)
		printf("The old one is good for %s more.\n",
		    ctl_span_text(grace, span));
out:
	secret_box_close(box);
	return accounts_close(&a, r);
}

#define LIMIT_OPTS	OPT_NOTE, OPT_MODELS | MANY, OPT_ROUTES | MANY,	\
	OPT_RPM, OPT_TPM, OPT_CONCURRENT, OPT_BUDGET_DAY,		\
	OPT_BUDGET_MONTH, OPT_BUDGET_TOTAL, OPT_ENABLED,		\
	OPT_SET | MANY, OPT_FILE, OPT_JSON

const struct word tenant_words[] = {
	{ "list", accounts_list, "show all of them", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "show", accounts_show, "show one", "name", ARG_TENANT,
	    { OPT_JSON } },
	{ "create", accounts_create, "make one", NULL, ARG_NONE,
	    { OPT_NAME, LIMIT_OPTS } },
	{ "update", accounts_update, "change what is given", "name",
	    ARG_TENANT, { OPT_NAME, LIMIT_OPTS } },
	{ "delete", accounts_delete, "delete them, and their client keys",
	    "name ...", ARG_TENANT, { 0 } },
	{ "enable", accounts_enable, "serve them again", "name ...",
	    ARG_TENANT, { OPT_JSON } },
	{ "disable", accounts_enable, "serve them no more", "name ...",
	    ARG_TENANT, { OPT_JSON } },
	{ .name = NULL }
};

const struct word client_key_words[] = {
	{ "list", accounts_list, "show all of them, masked", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "show", accounts_show, "show one, masked", "name", ARG_CLIENT_KEY,
	    { OPT_JSON } },
	{ "create", accounts_create, "make one, and show it this once", NULL,
	    ARG_NONE, { OPT_NAME, OPT_OF_TENANT, OPT_EXPIRES, LIMIT_OPTS } },
	{ "update", accounts_update, "change what is given", "name",
	    ARG_CLIENT_KEY, { OPT_NAME, OPT_OF_TENANT, OPT_EXPIRES,
	    LIMIT_OPTS } },
	{ "rotate", client_keys_rotate, "a new value; the old one is good for "
	    "some time", "name", ARG_CLIENT_KEY, { OPT_GRACE, OPT_JSON } },
	{ "delete", accounts_delete, "delete them; without any, this machine "
	    "alone is served", "name ...", ARG_CLIENT_KEY, { 0 } },
	{ "enable", accounts_enable, "serve them again", "name ...",
	    ARG_CLIENT_KEY, { OPT_JSON } },
	{ "disable", accounts_enable, "serve them no more", "name ...",
	    ARG_CLIENT_KEY, { OPT_JSON } },
	{ .name = NULL }
};
