/*
 * The loader: app.yml into the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyd/loader.h"
#include "state/secret.h"
#include "state/shm_keys.h"
#include "state/store.h"
#include "state/store_revision.h"
#include "state/store_settings.h"
#include "state/store_accounts.h"
#include "state/store_tenants.h"

/* Lifetime counters of keys that this shared memory has not met yet. */
struct base_ctx {
	struct shm	*shm;
	int64_t		 id[SHM_KEYS];
	bool		 fresh[SHM_KEYS];
};

static void
base_key_cb(void *arg, const struct store_key_stat *k)
{
	struct base_ctx		*c = arg;
	struct shm_keycount	*b;

	if (k->slot >= SHM_KEYS || c->shm->key[k->slot].loaded)
		return;
	b = &c->shm->base[k->slot];
	b->ok = (uint64_t)k->ok;
	b->failed = (uint64_t)k->failed;
	b->last_us = k->last_used_us;
	c->id[k->slot] = k->key_id;
	c->fresh[k->slot] = true;
	c->shm->key[k->slot].loaded = 1;
}

static void
base_status_cb(void *arg, int64_t key_id, int status, int64_t n)
{
	struct base_ctx	*c = arg;
	unsigned	 i;

	for (i = 0; i < SHM_KEYS; i++)
		if (c->fresh[i] && c->id[i] == key_id)
			c->shm->base[i].status[shm_status_slot(status)] +=
			    (uint32_t)n;
}

static const unsigned char prices_yaml[] = {
#include "prices_yaml.h"
};

static void
spent_cb(void *arg, bool client_key, unsigned slot, int64_t day,
    int64_t month, int64_t total)
{
	struct shm		*shm = arg;
	struct shm_account	*a;
	int64_t			 now = clock_wall_us();

	if (slot >= (client_key ? SHM_ACCOUNTS - SHM_TENANTS : SHM_TENANTS))
		return;
	a = &shm->account[client_key ? SHM_TENANTS + slot : slot];
	a->base = total;
	a->day = clock_day(now);
	a->day_base = total - day;
	a->month = clock_month(now);
	a->month_base = total - month;
}

/* Once for each shared memory: nothing runs yet that could be counted twice. */
static int
accounts_load(struct store *s, struct shm *shm)
{
	struct str	 yaml = { (const char *)prices_yaml,
			    sizeof(prices_yaml) };
	int64_t		 seq;

	if (store_prices_builtin(s, yaml) == -1)
		return -1;
	if (shm->accounts_loaded)
		return 0;
	if (store_tenants_purge(s) == -1 || store_spent(s, shm->epoch,
	    clock_wall_us(), spent_cb, shm, &seq) == -1)
		return -1;
	shm->accounts_seq = seq;
	shm->accounts_loaded = 1;
	return 0;
}

static void
unused_cb(void *arg, const struct store_setting *o)
{
	(void)arg;
	if (o->source == SETTING_DATABASE && !str_eq(o->value, o->file))
		log_info("%s of app.yml is not used: the database has '%.*s'",
		    o->conf->name, o->value.n > 64 ? 64 : (int)o->value.n,
		    o->value.p);
}

static bool
no_keys(const struct conf *c)
{
	const struct conf_provider	*p;

	for (p = c->providers; p != NULL; p = p->next)
		if (p->keys != NULL || p->keyless)
			return false;
	return true;
}

static int
loader_apply(const struct conf_paths *paths, const struct conf *c,
    struct shm *shm, struct loader_result *r)
{
	static struct base_ctx	 base;
	struct secret_box	*box;
	struct store		*s;
	int			 n;

	if ((box = secret_box_open(paths->secret, r->err,
	    sizeof(r->err))) == NULL)
		return -1;
	s = store_open(paths->db, STORE_WRITE, r->err, sizeof(r->err));
	if (s == NULL) {
		secret_box_close(box);
		return -1;
	}
	base.shm = shm;
	store_author(s, STR("app.yml"));
	n = store_apply_conf(s, c, box);
	r->changed = n == 1;
	if (n != -1 && store_settings(s, unused_cb, NULL) == -1)
		n = -1;
	if (n != -1 && accounts_load(s, shm) == -1)
		n = -1;
	if (n == -1 || store_generation(s, &r->generation) == -1 ||
	    store_key_stats(s, base_key_cb, base_status_cb, &base) == -1 ||
	    keys_load(s, shm, base.fresh) == -1) {
		snprintf(r->err, sizeof(r->err), "%s: %s", paths->db,
		    store_error(s));
		n = -1;
	}
	store_close(s);
	secret_box_close(box);
	return n == -1 ? -1 : 0;
}

static void
loader_run(const struct loader *ld, struct loader_result *r)
{
	struct conf	*c;

	if ((c = conf_load(ld->file, r->err, sizeof(r->err))) == NULL)
		return;
	r->process = c->process;
	r->anonymous = c->allow_anonymous;
	r->keyless = no_keys(c);
	r->ok = ld->check(ld->arg, &r->process, r->err,
	    sizeof(r->err)) == 0 &&
	    loader_apply(ld->paths, c, ld->shm, r) == 0;
	conf_free(c);
}

pid_t
loader_start(const struct loader *ld, int *fd)
{
	static struct loader_result	 r;
	sigset_t			 none;
	pid_t				 pid;
	int				 p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == -1) {
		close(p[0]);
		close(p[1]);
		return -1;
	}
	if (pid > 0) {
		close(p[1]);
		*fd = p[0];
		return pid;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	log_setprocname("proxyd loader");
	memset(&r, 0, sizeof(r));
	loader_run(ld, &r);
	if (write(p[1], &r, sizeof(r)) != (ssize_t)sizeof(r))
		log_warn("loader's result");
	_exit(r.ok ? 0 : 2);
}

int
loader_read(int fd, struct loader_result *r)
{
	char	*p = (char *)r;
	size_t	 have = 0;
	ssize_t	 n;

	while (have < sizeof(*r)) {
		n = read(fd, p + have, sizeof(*r) - have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		have += (size_t)n;
	}
	r->err[sizeof(r->err) - 1] = '\0';
	return 0;
}
