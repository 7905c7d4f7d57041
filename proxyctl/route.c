/*
 * route: where a request would go, by the database and, where proxyd runs, its
 * memory.  Nobody is asked.
 */
#include "base/clock.h"
#include "base/id.h"
#include "policy/route_explain.h"
#include "proxyctl/db.h"
#include "proxyctl/words.h"
#include "state/daemon.h"
#include "state/shm.h"

#define INPUT_MAX	((size_t)256 << 20)
#define OUTPUT_MAX	((size_t)64 << 20)
#define MEMORY_MS	2000

struct dry_run {
	struct ctl		*c;
	struct store		*store;
	struct secret_box	*box;
	struct explain_ask	 in;
	struct snapshot		*snap;
	struct arena		 arena;
	struct buf		 body, out;
};

static int
headers_take(struct dry_run *d)
{
	struct explain_header	*h;
	struct str		 rest;
	const char		*v;
	unsigned		 i = 0;

	h = arena_array(&d->arena, d->c->ngiven + 1, sizeof(*h));
	d->in.headers = h;
	while ((v = words_next(d->c, OPT_ASK_HEADER, &i)) != NULL) {
		rest = str_of(v);
		h->name = str_trim(str_cut(&rest, ':'));
		h->value = arena_str(&d->arena, str_trim(rest));
		if (rest.p == NULL || h->name.n == 0) {
			ctl_fail("--header '%s': expected 'name: value'", v);
			return -1;
		}
		h++;
		d->in.nheaders++;
	}
	return 0;
}

static int
who_take(struct dry_run *d)
{
	const struct snapshot	*s = d->snap;
	const char		*key = d->c->opt[OPT_ASK_CLIENT_KEY];
	const char		*tenant = d->c->opt[OPT_ASK_TENANT];
	unsigned		 i;

	for (i = 0; key != NULL && i < s->nclient_keys; i++)
		if (str_is(s->client_keys[i].name, key))
			d->in.client_key_id = s->client_keys[i].id;
	for (i = 0; tenant != NULL && i < s->ntenants; i++)
		if (str_is(s->tenants[i].name, tenant))
			d->in.tenant_id = s->tenants[i].id;
	if (key != NULL && d->in.client_key_id == 0)
		return ctl_fail("there is no client key '%s'", key);
	if (tenant != NULL && d->in.tenant_id == 0)
		return ctl_fail("there is no tenant '%s'", tenant);
	return 0;
}

static int
ask(struct dry_run *d)
{
	struct explain_ask	*in = &d->in;
	const char		*path = d->c->opt[OPT_ASK_PATH];
	const char		*dialect = d->c->opt[OPT_ASK_DIALECT];
	struct ir_error		 err;

	if (dialect == NULL && path == NULL)
		dialect = dialect_openai_chat.name;
	if (dialect != NULL && ctl_dialect(&in->dialect, dialect) == -1)
		return -1;
	in->snap = d->snap;
	in->path = str_of(path == NULL ? "" : path);
	in->model = str_of(d->c->opt[OPT_MODEL]);
	in->body = buf_str(&d->body);
	in->wall_us = clock_wall_us();
	in->mono_us = clock_mono_us();
	id_random(&in->random, sizeof(in->random));
	if (headers_take(d) == -1 || who_take(d) != 0)
		return -1;
	if (route_explain(in, &d->out, &err) == 0)
		return 0;
	ctl_fail("%s%s%s", err.msg, err.param[0] == '\0' ? "" : ": ",
	    err.param);
	return -1;
}

static int
dry_run(struct dry_run *d)
{
	char	 err[2048];

	if (ctl_input(d->c->noperands > 0 ? d->c->operand[0] : NULL,
	    &d->body) == -1 ||
	    (d->store = ctl_store(d->c, false)) == NULL ||
	    (d->box = ctl_box(d->c, d->store)) == NULL)
		return CTL_ERROR;
	d->snap = snapshot_load(d->store, d->box, err, sizeof(err));
	if (d->snap == NULL)
		return ctl_fail("%s: %s", d->c->paths.db, err);
	d->in.shm = daemon_shm(d->c->paths.control, MEMORY_MS);
	return ask(d) == -1 ? CTL_ERROR : ctl_route_tell(d->c,
	    buf_str(&d->out));
}

int
ctl_route(struct ctl *c)
{
	static struct dry_run	 d;
	int			 r;

	d.c = c;
	arena_init(&d.arena);
	buf_init(&d.body, INPUT_MAX);
	buf_init(&d.out, OUTPUT_MAX);
	r = dry_run(&d);
	if (d.in.shm != NULL)
		shm_unmap(d.in.shm);
	snapshot_unref(d.snap);
	secret_box_close(d.box);
	store_close(d.store);
	buf_release(&d.out);
	buf_release(&d.body);
	arena_release(&d.arena);
	return r;
}
