/*
 * The dry run of a request, by the functions that route requests.
 */
#include <stdio.h>

#include "admind/dry_run.h"
#include "base/clock.h"
#include "base/id.h"
#include "policy/route_explain.h"
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

int
dry_run(struct dry_run *d, struct store *store, struct buf *out)
{
	struct secret_box	*box;
	struct snapshot		*s;
	int			 r = -1;

	box = secret_box_open(d->paths->secret, d->err, sizeof(d->err));
	if (box == NULL)
		return -1;
	s = snapshot_load(store, box, d->err, sizeof(d->err));
	if (s != NULL)
		r = explain(d, s, out);
	snapshot_unref(s);
	secret_box_close(box);
	return r;
}
