/*
 * check: what app.yml and the database say, without starting anything.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "proxyctl/db.h"
#include "proxyctl/words.h"
#include "state/daemon.h"
#include "state/snapshot.h"
#include "state/store.h"

static unsigned
keys_of(const struct conf_provider *p)
{
	const struct conf_key	*k;
	unsigned		 n = 0;

	for (k = p->keys; k != NULL; k = k->next)
		n++;
	return n;
}

static bool
serves(const struct conf *c, struct str name)
{
	const struct conf_provider	*p;

	if (str_is(name, "mock"))
		return true;
	for (p = c->providers; p != NULL; p = p->next)
		if (str_eq(p->name, name))
			return p->keys != NULL || p->keyless;
	return false;
}

/* --- app.yml ------------------------------------------------------------------ */

static void
print_providers(const struct conf *c)
{
	const struct conf_provider	*p;
	unsigned			 n;

	printf("providers\n");
	for (p = c->providers; p != NULL; p = p->next) {
		n = keys_of(p);
		printf("  %-14.*s %-17.*s ", STR_FMT(p->name),
		    STR_FMT(p->dialect));
		if (n == 0 && p->keyless)
			printf("no key needed");
		else
			printf("%u key%s", n, n == 1 ? "" : "s");
		if (p->default_model.n > 0)
			printf(", %.*s by default", STR_FMT(p->default_model));
		if (p->base_url.n > 0)
			printf(", %.*s", STR_FMT(p->base_url));
		printf("\n");
	}
	printf("  %-14s %-17s no key needed\n", "mock", "built in");
}

static void
print_models(const struct conf *c)
{
	const struct conf_model	*m;

	if (c->models != NULL)
		printf("models\n");
	for (m = c->models; m != NULL; m = m->next)
		printf("  %.*s: %.*s of %.*s%s\n", STR_FMT(m->route_key),
		    STR_FMT(m->target.n > 0 ? m->target : m->route_key),
		    STR_FMT(m->provider), m->mode == CONF_DIRECT ?
		    ", direct" : "");
}

static void
print_conf(const struct conf *c)
{
	const struct conf_process	*p = &c->process;

	printf("  HOST %s, PORT %d, ADMIN_HOST %s, ADMIN_PORT %d\n", p->host,
	    p->port, p->admin_host, p->admin_port);
	printf("  MODE %s, PREFERRED_PROVIDER %.*s, WORKERS ",
	    c->mode == CONF_DIRECT ? "direct" : "transformer",
	    STR_FMT(c->preferred_provider.n > 0 ? c->preferred_provider :
	    STR("none")));
	if (p->workers == 0)
		printf("one a core\n");
	else
		printf("%d\n", p->workers);
	print_providers(c);
	print_models(c);
}

static void
warn_conf(const struct ctl *ctl, const struct conf *c)
{
	const struct conf_provider	*p;
	const struct conf_model		*m;
	bool				 any = false;

	for (p = c->providers; p != NULL; p = p->next)
		any = any || p->keys != NULL || p->keyless;
	if (!any)
		printf("warning: no provider has a key, so only the mock "
		    "answers, until one is added (proxyctl keys add, or "
		    "API_KEY_POOLS in app.yml(5))\n");
	if (c->allow_anonymous)
		printf("warning: ALLOW_ANONYMOUS: whoever reaches %s port %d "
		    "uses your keys\n", c->process.host, c->process.port);
	else if (!daemon_host_is_local(c->process.host) &&
	    ctl_client_keys(ctl) == 0)
		printf("warning: HOST is %s, but no client key is defined: "
		    "only requests of this machine are served\n",
		    c->process.host);
	if (any && c->preferred_provider.n > 0 &&
	    !serves(c, c->preferred_provider))
		printf("warning: PREFERRED_PROVIDER %.*s has no key\n",
		    STR_FMT(c->preferred_provider));
	for (m = c->models; m != NULL; m = m->next)
		if (!serves(c, m->provider))
			printf("warning: model '%.*s' goes to '%.*s', which "
			    "has no key\n", STR_FMT(m->route_key),
			    STR_FMT(m->provider));
}

static int
check_conf(const struct ctl *c)
{
	char		 file[4096], err[2048];
	struct conf	*conf;
	int		 r;

	if ((r = ctl_config(c, file, sizeof(file))) == -1)
		return -1;
	conf = conf_load(r == 1 ? file : NULL, err, sizeof(err));
	if (conf == NULL) {
		ctl_fail("%s", err);
		return -1;
	}
	if (r == 1)
		printf("%s: ok\n", file);
	else
		printf("configuration: what is built in (no ./app.yml here, "
		    "no --config)\n");
	print_conf(conf);
	warn_conf(c, conf);
	conf_free(conf);
	return 0;
}

/* --- the database ----------------------------------------------------------------- */

/* That every key can be opened is part of it. */
static int
check_snapshot(const struct ctl *c, struct store *s,
    const struct store_summary *sum)
{
	struct secret_box	*box;
	struct snapshot		*snap;
	char			 err[2048];

	if (access(c->paths.secret, F_OK) == -1) {
		if (sum->keys == 0)
			return 0;
		ctl_fail("'%s' is missing: without it the %lld keys in the "
		    "database cannot be read; put it back, or delete '%s' to "
		    "begin anew", c->paths.secret, (long long)sum->keys,
		    c->paths.db);
		return -1;
	}
	if ((box = secret_box_open(c->paths.secret, err, sizeof(err))) ==
	    NULL) {
		ctl_fail("%s", err);
		return -1;
	}
	snap = snapshot_load(s, box, err, sizeof(err));
	secret_box_close(box);
	if (snap == NULL) {
		ctl_fail("%s: %s", c->paths.db, err);
		return -1;
	}
	snapshot_unref(snap);
	return 0;
}

static int
check_store(const struct ctl *c)
{
	struct store_summary	 sum;
	struct store		*s;
	char			 err[2048];
	int			 r;

	if (access(c->paths.db, F_OK) == -1 && errno == ENOENT) {
		printf("%s: not there yet, made at the first start\n",
		    c->paths.db);
		return 0;
	}
	s = store_open(c->paths.db, STORE_READ, err, sizeof(err));
	if (s == NULL) {
		ctl_fail("%s", err);
		return -1;
	}
	if (store_summary(s, &sum) == -1) {
		r = -1;
		ctl_fail("%s: %s", c->paths.db, store_error(s));
	} else if ((r = check_snapshot(c, s, &sum)) == 0)
		printf("%s: ok, schema %d, configuration %llu\n  %lld "
		    "providers, %lld keys, %lld models, %lld requests "
		    "logged\n", c->paths.db, store_schema_version(s),
		    (unsigned long long)sum.generation,
		    (long long)sum.providers, (long long)sum.keys,
		    (long long)sum.models, (long long)sum.requests);
	store_close(s);
	return r;
}

int
ctl_check(struct ctl *c)
{
	int	 r = check_conf(c);

	/* Both, so that one run tells of all that is wrong. */
	if (check_store(c) == -1)
		r = -1;
	return r == -1 ? CTL_ERROR : CTL_OK;
}
