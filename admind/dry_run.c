/*
 * The dry run of a request, by the functions that route requests; and the list
 * of models, by the one that proxyd has.
 */
#include <stdio.h>

#include "admind/dry_run.h"
#include "base/clock.h"
#include "base/id.h"
#include "policy/route_explain.h"
#include "policy/served.h"
#include "state/daemon.h"

#define MEMORY_MS	500		/* to have proxyd's memory */

static int
explain(struct dry_run *d, const struct snapshot *s, struct buf *out)
{
	struct explain_header	 h[DRY_RUN_HEADERS];
	struct explain_ask	 in = { .snap = s, .path = d->path,
				    .model = d->model, .headers = h,
				    .nheaders = d->nheaders, .body = d->body,
				    .tenant_id = d->tenant_id,
				    .client_key_id = d->client_key_id };
	struct ir_error		 err;
	unsigned		 i;
	int			 r;

	for (i = 0; i < d->nheaders; i++)
		h[i] = (struct explain_header){ d->header[i].name,
		    d->header[i].value };
	in.wall_us = clock_wall_us();
	in.mono_us = clock_mono_us();
	id_random(&in.random, sizeof(in.random));
	if (d->dialect.n > 0 &&
	    (in.dialect = dialect_byname(d->dialect)) == NULL) {
		snprintf(d->field, sizeof(d->field), "dialect");
		snprintf(d->err, sizeof(d->err), "must be openai-chat, "
		    "openai-responses, anthropic or gemini");
		return 1;
	}
	if (in.dialect == NULL && d->path.n == 0)
		in.dialect = &dialect_openai_chat;
	in.shm = daemon_shm(d->paths->control, MEMORY_MS);
	r = route_explain(&in, out, &err);
	if (in.shm != NULL)
		shm_unmap(in.shm);
	if (r == 0)
		return 0;
	snprintf(d->field, sizeof(d->field), "%s%.80s", err.param[0] == '\0' ?
	    "" : "body.", err.param);
	snprintf(d->err, sizeof(d->err), "%s", err.msg);
	return 1;
}

/* As it is in the database now; NULL: err says why not. */
static struct snapshot *
configuration(const struct conf_paths *paths, struct store *store, char *err,
    size_t errlen)
{
	struct secret_box	*box = secret_box_open(paths->secret, err,
				    errlen);
	struct snapshot		*s;

	if (box == NULL)
		return NULL;
	s = snapshot_load(store, box, err, errlen);
	secret_box_close(box);
	return s;
}

int
dry_run(struct dry_run *d, struct store *store, struct buf *out)
{
	struct snapshot	*s = configuration(d->paths, store, d->err,
			    sizeof(d->err));
	int		 r = -1;

	if (s != NULL)
		r = explain(d, s, out);
	snapshot_unref(s);
	return r;
}

int
dry_models(const struct conf_paths *paths, struct store *store,
    struct buf *out, char *err, size_t errlen)
{
	struct snapshot	*s = configuration(paths, store, err, errlen);
	struct ir_model	*m;
	struct arena	 arena;
	size_t		 n;

	if (s == NULL)
		return -1;
	arena_init(&arena);
	m = served_models(&arena, s, (struct permit){ NULL, NULL }, &n);
	dialect_openai_chat.models_encode(m, n, out);
	arena_release(&arena);
	snapshot_unref(s);
	return 0;
}
