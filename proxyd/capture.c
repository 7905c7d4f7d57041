/*
 * Captures: the sides of one request in buffers of their own, each up to
 * LOG_BODY_MAX.  Masked when it is clear that they are kept, because only then
 * is it worth the time, and before they touch a disk.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "proxyd/capture.h"
#include "proxyd/request.h"
#include "state/bodies.h"

#define OFFSETS_MAX	(64u << 10)
#define PENDING_MAX	512		/* waiting for the logger */

struct gather {
	struct buf	 data, offsets;
	int64_t		 size;
	int64_t		 last_us;
	struct str	 type;
	int		 status;
	const struct snap_key *key;
};

struct capturing {
	struct gather	 client_request, client_response;
	struct gather	 request[ACCT_ATTEMPTS_MAX];
	struct gather	 response[ACCT_ATTEMPTS_MAX];
	unsigned	 attempts;
	int64_t		 seen;		/* bytes of this attempt's answer */
};

static void
gather_init(struct gather *g, size_t max, int64_t start_us)
{
	buf_init(&g->data, max);
	buf_init(&g->offsets, OFFSETS_MAX);
	g->last_us = start_us;
}

static void
gather_release(struct gather *g)
{
	buf_release(&g->data);
	buf_release(&g->offsets);
}

static void
gather_add(struct gather *g, struct str s)
{
	size_t	 room = g->data.max - g->data.len;
	int64_t	 now = clock_mono_us();

	if (s.n == 0)
		return;
	g->size += (int64_t)s.n;
	body_offset(&g->offsets, s.n, (uint64_t)(now - g->last_us));
	g->last_us = now;
	if (s.n > room)
		s.n = room;
	(void)buf_adds(&g->data, s);
}

/* A share of the good ones, by the id, which is random. */
static bool
sampled(const struct request *rq)
{
	const char	*p;
	uint32_t	 h = 2166136261u;

	for (p = rq->rq_id; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return (int)(h % 100) < rq->rq_snap->body_sample;
}

/* The logger is behind, or cannot write: the disk is not to fill up. */
static bool
too_many(const struct request *rq)
{
	const struct shm	*shm = rq->rq_wk->shm;
	uint64_t		 saved = shm->departed.stat.captures;
	unsigned		 i;

	for (i = 0; i < SHM_WORKERS; i++)
		saved += shm->worker[i].stat.captures;
	return saved > shm->captured + PENDING_MAX;
}

void
capture_begin(struct request *rq)
{
	struct capturing	*c;
	size_t			 max = (size_t)rq->rq_snap->body_max;
	unsigned		 i;

	if (rq->rq_snap->body_mode == BODIES_NONE)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("capture");
	gather_init(&c->client_request, max, rq->rq_start_us);
	gather_init(&c->client_response, max, rq->rq_start_us);
	for (i = 0; i < ACCT_ATTEMPTS_MAX; i++) {
		gather_init(&c->request[i], max, rq->rq_start_us);
		gather_init(&c->response[i], max, rq->rq_start_us);
	}
	rq->rq_capture = c;
}

void
capture_client_request(struct request *rq, struct str body)
{
	if (rq->rq_capture != NULL)
		gather_add(&rq->rq_capture->client_request, body);
}

void
capture_client(struct request *rq, struct str piece)
{
	if (rq->rq_capture != NULL)
		gather_add(&rq->rq_capture->client_response, piece);
}

void
capture_upstream_request(struct request *rq, struct str body)
{
	struct capturing	*c = rq->rq_capture;
	struct gather		*g;

	if (c == NULL || c->attempts == ACCT_ATTEMPTS_MAX)
		return;
	g = &c->request[c->attempts];
	g->key = rq->rq_key;
	gather_add(g, body);
	c->response[c->attempts].key = rq->rq_key;
	c->attempts++;
	c->seen = 0;
}

/* http_out only adds to up_in: what is new stands at its end. */
void
capture_upstream(struct request *rq)
{
	struct capturing	*c = rq->rq_capture;
	const struct upstream	*up = rq->rq_up;
	struct gather		*g;
	struct str		 in;
	size_t			 n;

	if (c == NULL || up == NULL || c->attempts == 0 ||
	    up->up_received <= c->seen)
		return;
	n = (size_t)(up->up_received - c->seen);
	c->seen = up->up_received;
	in = buf_str(&up->up_in);
	if (n < in.n)
		in = str_skip(in, in.n - n);
	g = &c->response[c->attempts - 1];
	g->status = up->up_status;
	if (g->type.n == 0)
		g->type = arena_str(&rq->rq_arena,
		    upstream_header(up, "Content-Type"));
	gather_add(g, in);
}

/* --- handed over -------------------------------------------------------------------- */

static void
mask(struct gather *g)
{
	if (g->key != NULL && g->data.len > 0)
		redact_secret(g->data.data, g->data.len,
		    secret_reveal(g->key->value));
	if (g->data.len > 0)
		g->data.len = redact(g->data.data, g->data.len);
}

static void
add(struct capture *to, struct gather *g, enum body_side side, unsigned attempt)
{
	if (g->size == 0 || to->n == BODIES_MAX)
		return;
	mask(g);
	to->body[to->n++] = (struct body){ .side = side,
	    .attempt = (int)attempt, .status = g->status, .size = g->size,
	    .type = g->type, .data = buf_str(&g->data),
	    .offsets = buf_str(&g->offsets) };
}

static void
save(struct request *rq)
{
	struct capturing	*c = rq->rq_capture;
	struct shm_stats	*stat = &rq->rq_wk->row->stat;
	struct capture		 cap = { .time_us = rq->rq_wall_us };
	unsigned		 i;

	if (too_many(rq)) {
		stat->captures_dropped++;
		return;
	}
	cap.request_id = str_of(rq->rq_id);
	c->client_response.status = rq->rq_acct.f.status;
	add(&cap, &c->client_request, BODY_CLIENT_REQUEST, 0);
	for (i = 0; i < c->attempts; i++) {
		add(&cap, &c->request[i], BODY_UPSTREAM_REQUEST, i);
		add(&cap, &c->response[i], BODY_UPSTREAM_RESPONSE, i);
	}
	add(&cap, &c->client_response, BODY_CLIENT_RESPONSE, 0);
	if (cap.n == 0)
		return;
	if (capture_save(rq->rq_wk->paths->capture, &cap) == -1) {
		log_warnx("%s: the bodies cannot be kept in '%s': %s",
		    rq->rq_id, rq->rq_wk->paths->capture, strerror(errno));
		stat->captures_dropped++;
	} else
		stat->captures++;
}

void
capture_end(struct request *rq)
{
	struct capturing	*c = rq->rq_capture;
	bool			 failed;
	unsigned		 i;

	if (c == NULL)
		return;
	failed = rq->rq_acct.s[ACCT_ERROR].n > 0 ||
	    rq->rq_acct.f.status >= 400 || rq->rq_acct.f.incomplete;
	if (failed || (rq->rq_snap->body_mode == BODIES_ALL && sampled(rq)))
		save(rq);
	gather_release(&c->client_request);
	gather_release(&c->client_response);
	for (i = 0; i < ACCT_ATTEMPTS_MAX; i++) {
		gather_release(&c->request[i]);
		gather_release(&c->response[i]);
	}
	free(c);
	rq->rq_capture = NULL;
}
