/*
 * Opening the database, the audit line of each change, lists of names.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/db.h"
#include "proxyctl/live.h"
#include "proxyctl/words.h"
#include "state/daemon.h"
#include "state/store_admin.h"
#include "state/store_revision.h"
#include "state/store_tenants.h"

#define SERVE_MS	1000
#define SERVE_PAUSE_MS	20

/* What root makes in another's home is that one's. */
static void
give_to_owner(const struct ctl *c, const char *path)
{
	struct stat	 sb;

	if (geteuid() != 0 || stat(c->paths.home, &sb) == -1 || sb.st_uid == 0)
		return;
	if (chown(path, sb.st_uid, sb.st_gid) == -1)
		ctl_fail("cannot give '%s' to the owner of '%s': %s", path,
		    c->paths.home, strerror(errno));
}

static int
home_make(const struct ctl *c)
{
	if (mkdir(c->paths.home, 0700) == 0 || errno == EEXIST)
		return 0;
	ctl_fail("cannot make the directory '%s': %s; name another with "
	    "--home", c->paths.home, strerror(errno));
	return -1;
}

/*
 * A database that no proxyd has seen gets its configuration now: built-in
 * providers, those of app.yml, and settings.
 */
static int
configure(const struct ctl *c, struct store *s)
{
	struct secret_box	*box;
	struct conf		*conf;
	char			 file[4096], err[2048];
	int64_t			 days;
	int			 r;

	if (store_setting(s, "log_days", &days) == 0)
		return 0;
	if ((r = ctl_config(c, file, sizeof(file))) == -1)
		return -1;
	conf = conf_load(r == 1 ? file : NULL, err, sizeof(err));
	if (conf == NULL) {
		ctl_fail("%s", err);
		return -1;
	}
	r = -1;
	if ((box = ctl_box(c, s)) != NULL &&
	    (r = store_apply_conf(s, conf, box)) == -1)
		ctl_store_failed(c, s);
	secret_box_close(box);
	conf_free(conf);
	return r;
}

/* The words that begin something; others have nothing to work on. */
static bool
makes(const struct ctl *c)
{
	static const char *const words[] = { "create", "add", "import", "set" };
	size_t			 i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(c->word->name, words[i]) == 0)
			return true;
	return false;
}

static bool	 may_change;		/* the word has opened it for that */
static uint64_t	 before;		/* the generation then */

/* 1: all that run do; 0: not yet; -1: nobody runs, or it does not say. */
static int
workers_serve(const struct ctl *c, uint64_t generation)
{
	const struct daemon_worker	*w;
	struct daemon_status		 st;
	struct arena			 arena;
	struct buf			 b;
	char				 err[1400];
	int				 r = -1;

	arena_init(&arena);
	buf_init(&b, 1 << 20);
	if (daemon_ask(c->paths.control, "status", SERVE_MS, &b, err,
	    sizeof(err)) == DAEMON_OK) {
		daemon_status_parse(&arena, buf_str(&b), &st);
		r = st.workers != NULL;
		for (w = st.workers; w != NULL; w = w->next)
			if (strcmp(w->state, "running") == 0 &&
			    w->generation < generation)
				r = 0;
	}
	buf_release(&b);
	arena_release(&arena);
	return r;
}

void
ctl_in_service(const struct ctl *c)
{
	struct timespec	 pause = { 0, SERVE_PAUSE_MS * 1000000L };
	struct store	*s;
	uint64_t	 now = before;
	int64_t		 until = clock_mono_ms() + SERVE_MS;
	char		 err[2048];
	int		 r;

	if (!may_change || access(c->paths.control, F_OK) == -1)
		return;
	s = store_open(c->paths.db, STORE_READ, err, sizeof(err));
	if (s != NULL && store_generation(s, &now) == -1)
		now = before;
	store_close(s);
	if (now <= before)
		return;
	while ((r = workers_serve(c, now)) == 0 && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	if (r == 0)
		ctl_fail("done, but proxyd does not serve by it yet; proxyctl "
		    "status tells how its workers do");
}

struct store *
ctl_store(const struct ctl *c, bool change)
{
	struct store	*s;
	char		 err[2048];
	bool		 there = access(c->paths.db, F_OK) == 0;

	if (!there && (!change || !makes(c))) {
		ctl_fail("there is no database '%s' yet; proxyctl start makes "
		    "it, or is another --home meant?", c->paths.db);
		return NULL;
	}
	if (!there && home_make(c) == -1)
		return NULL;
	if (there && !change && access(c->paths.db, W_OK) == -1)
		s = store_open(c->paths.db, STORE_READ, err, sizeof(err));
	else
		s = store_open(c->paths.db, STORE_WRITE, err, sizeof(err));
	if (s == NULL)
		ctl_fail("%s", err);
	else {
		store_author_user(s);
		if (!there)
			give_to_owner(c, c->paths.db);
	}
	if (s != NULL && change && (configure(c, s) == -1 || (!may_change &&
	    store_generation(s, &before) == -1))) {
		store_close(s);
		s = NULL;
	}
	/* A word may open it again to show what it has done. */
	may_change = may_change || (change && s != NULL);
	return s;
}

int
ctl_store_failed(const struct ctl *c, struct store *s)
{
	const char	*why = store_error(s);

	return ctl_fail("%s: %s%s", c->paths.db, why, strcmp(why,
	    "database is locked") == 0 ? ": another program holds it for "
	    "longer than 5 s; nothing was changed, try again" : "");
}

int64_t
ctl_client_keys(const struct ctl *c)
{
	struct store	*s;
	char		 err[2048];
	int64_t		 n;

	if (access(c->paths.db, F_OK) == -1)
		return errno == ENOENT ? 0 : -1;
	s = store_open(c->paths.db, STORE_READ, err, sizeof(err));
	n = s == NULL ? -1 : store_client_key_count(s);
	store_close(s);
	return n;
}

struct secret_box *
ctl_box(const struct ctl *c, struct store *s)
{
	struct store_summary	 sum;
	struct secret_box	*box;
	char			 err[1400];
	int64_t			 n = 0;
	bool			 there = access(c->paths.secret, F_OK) == 0;

	if (!there && (store_summary(s, &sum) == -1 ||
	    (n = store_client_key_count(s)) == -1)) {
		ctl_store_failed(c, s);
		return NULL;
	}
	if (!there && sum.keys + n > 0) {
		ctl_fail("'%s' is missing: without it the %lld keys in the "
		    "database cannot be read; put it back", c->paths.secret,
		    (long long)(sum.keys + n));
		return NULL;
	}
	if ((box = secret_box_open(c->paths.secret, err, sizeof(err))) == NULL)
		ctl_fail("%s", err);
	else if (!there)
		give_to_owner(c, c->paths.secret);
	return box;
}

/* --- audit ----------------------------------------------------------------------- */

const char *
ctl_actor(char dst[CTL_ACTOR])
{
	const struct passwd	*pw = getpwuid(getuid());

	if (pw != NULL)
		snprintf(dst, CTL_ACTOR, "%.50s (shell)", pw->pw_name);
	else
		snprintf(dst, CTL_ACTOR, "uid %lu (shell)", (unsigned long)getuid());
	return dst;
}

void
ctl_audit(struct store *s, const char *action, const char *object, bool ok,
    json_t *detail)
{
	struct admin_act	 act = { .time_us = clock_wall_us(), .ok = ok };
	char			 who[CTL_ACTOR];
	char			*text = detail == NULL ? NULL :
				    json_dumps(detail, JSON_COMPACT);

	act.actor = str_of(ctl_actor(who));
	act.client = STR("proxyctl");
	act.action = str_of(action);
	act.object = str_of(object);
	act.detail = str_of(text == NULL ? "" : text);
	if (store_audit_add(s, &act) == -1)
		ctl_fail("not in the audit log: %s", store_error(s));
	free(text);
	json_decref(detail);
}

/* --- objects ---------------------------------------------------------------------- */

json_t *
ctl_objects(const struct ctl *c, struct store *s, enum object_kind k)
{
	struct buf	 b;
	json_t		*list = NULL;

	buf_init(&b, 64 << 20);
	if (store_object_list(s, k, &b) != OBJECT_OK || !buf_ok(&b))
		ctl_store_failed(c, s);
	else
		must((list = json_loadb(b.data, b.len, 0, NULL)) != NULL);
	buf_release(&b);
	return list;
}

/* --- names ------------------------------------------------------------------------- */

static int
object_names(const struct ctl *c, struct store *s, enum object_kind k)
{
	const char	*member = k == OBJECT_MODEL ? "route_key" : "name";
	json_t		*list = ctl_objects(c, s, k), *o;
	size_t		 i;

	json_array_foreach(list, i, o)
		if (k == OBJECT_KEY)
			printf("%lld\n", (long long)json_integer_value(
			    json_object_get(o, "id")));
		else
			printf("%s\n", json_string_value(json_object_get(o,
			    member)));
	json_decref(list);
	return list == NULL ? -1 : 0;
}

static void
tenant_cb(void *arg, const struct store_tenant *t)
{
	(void)arg;
	printf("%.*s\n", STR_FMT(t->name));
}

static void
client_key_cb(void *arg, const struct store_client_key *k)
{
	(void)arg;
	printf("%.*s\n", STR_FMT(k->name));
}

static void
user_cb(void *arg, const struct admin_user *u)
{
	(void)arg;
	printf("%.*s\n", STR_FMT(u->name));
}

int
ctl_names(const struct ctl *c, const char *kind)
{
	enum object_kind	 k = object_kind_of(str_of(kind));
	struct store		*s;
	int			 r;

	if (strcmp(kind, "request") == 0)
		return live_names(c);
	if ((s = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	if (k != OBJECT_KINDS)
		r = object_names(c, s, k);
	else if (strcmp(kind, "tenant") == 0)
		r = store_tenants(s, tenant_cb, NULL);
	else if (strcmp(kind, "client-key") == 0)
		r = store_client_keys(s, client_key_cb, NULL);
	else
		r = store_users(s, user_cb, NULL);
	store_close(s);
	return r == -1 ? CTL_ERROR : CTL_OK;
}
