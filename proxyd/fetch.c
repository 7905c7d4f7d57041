/*
 * Fetches media for targets that take none by URL.  What the client is told of
 * a failure names the URL without its query, which may hold a signature, and
 * never an address: that a name exists inside of the operator's network must not
 * show either, so a name that leads there and one that leads nowhere read the
 * same.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "policy/netguard.h"
#include "proxyd/fetch.h"
#include "wire/media.h"

#define HOPS_MAX	3		/* redirects of one URL */
#define URL_MAX		8192
#define CONNECT_MS	5000
#define SHOWN_MAX	200		/* bytes of a URL in an error */

struct item {
	struct fetch		*f;
	struct ir_fetch		*of;	/* the first part with this URL */
	const char		*url;	/* after redirects */
	unsigned		 hops;
	bool			 begun, had;
	struct upstream		*up;
	struct buf		 in;
};

struct fetch {
	struct request		*rq;
	void			(*then)(struct request *);
	struct item		*item;
	unsigned		 n, had, running;
	int64_t			 total;		/* bytes so far */
	struct loop_timer	 timer;
	struct loop_task	 done;
};

static const char *const fetch_headers[] = {
	"Accept: */*", "User-Agent: proxyd", NULL
};

/* --- what went wrong ---------------------------------------------------------- */

static void
fetch_error(struct request *rq, const struct ir_fetch *of,
    enum ir_errkind kind, const char *why, struct ir_error *err)
{
	struct str	 url = of->url;
	size_t		 n;

	for (n = 0; n < url.n && n < SHOWN_MAX && url.p[n] != '?' &&
	    url.p[n] != '#'; n++)
		if ((unsigned char)url.p[n] <= ' ' || url.p[n] == 0x7f)
			break;
	/* A user's password would stand before an @. */
	if (memchr(url.p, '@', n) != NULL)
		n = 0;
	ir_error_field(err, &rq->rq_arena, rq->rq_ir.json, of->part->node,
	    "cannot fetch '%.*s': %s", (int)n, url.p, why);
	err->kind = kind;
	err->status = ir_error_status(kind);
}

static void
fetch_fail(struct item *it, enum ir_errkind kind, const char *why)
{
	struct request	*rq = it->f->rq;
	struct ir_error	 err;

	fetch_error(rq, it->of, kind, why, &err);
	fetch_stop(rq);
	rq->rq_wk->row->stat.refused++;
	request_fail(rq, &err);
}

static void
fetch_denied(struct item *it, const char *why)
{
	request_log(it->f->rq, "a medium is not fetched: an address of its "
	    "host %s", why);
	fetch_fail(it, IR_ERR_BAD_REQUEST, "its host has no address that may "
	    "be opened");
}

/* --- one of them ------------------------------------------------------------------ */

static void	 item_cb(void *);

static void
item_open(struct item *it)
{
	struct fetch		*f = it->f;
	const struct snapshot	*s = f->rq->rq_snap;
	struct upstream_call	 call = {
		.url = it->url,
		.headers = fetch_headers,
		.connect_ms = CONNECT_MS,
		.max_answer = s->fetch_size,
		.fetch = true,
		.allow_private = s->fetch_private
	};

	it->begun = true;
	it->up = upstream_start(f->rq->rq_wk->out, &call, item_cb, it);
}

static void
item_close(struct item *it)
{
	upstream_close(it->up);
	it->up = NULL;
}

static void
item_redirect(struct item *it)
{
	const struct snapshot	*s = it->f->rq->rq_snap;
	struct str		 to = upstream_redirect(it->up);
	const char		*why;

	if (++it->hops > HOPS_MAX)
		why = "it redirects more than three times";
	else if (to.n == 0 || to.n > URL_MAX)
		why = "it redirects to no usable URL";
	else if (netguard_url(to, s->fetch_private) != NULL)
		why = "it redirects to a URL that may not be opened";
	else if (strncasecmp(it->url, "https:", 6) == 0 &&
	    strncasecmp(to.p, "https:", 6) != 0)
		why = "it redirects from https to http";
	else {
		it->url = arena_str(&it->f->rq->rq_arena, to).p;
		item_close(it);
		item_open(it);
		return;
	}
	fetch_fail(it, IR_ERR_BAD_REQUEST, why);
}

static bool
type_fits(struct str types, struct str type)
{
	struct str	 t;

	type = str_trim(str_cut(&type, ';'));
	if (type.n == 0)
		return true;
	while (types.n > 0) {
		t = str_cut(&types, ' ');
		if (t.n > 0 && t.n <= type.n &&
		    strncasecmp(t.p, type.p, t.n) == 0)
			return true;
	}
	return false;
}

/* Head and limits; NULL: it may go on. */
static const char *
item_check(const struct item *it, enum ir_errkind *kind)
{
	const struct snapshot	*s = it->f->rq->rq_snap;
	struct str		 v;
	int64_t			 n;

	*kind = IR_ERR_BAD_REQUEST;
	if (it->up->up_status >= 500) {
		*kind = IR_ERR_UPSTREAM;
		return "its server answers with an error of its own";
	}
	if (it->up->up_status != 200)
		return it->up->up_status == 404 ? "its server says 404, not "
		    "found" : "its server does not hand it out";
	v = upstream_header(it->up, "Content-Encoding");
	if (v.n > 0 && !str_is_nocase(v, "identity")) {
		*kind = IR_ERR_UPSTREAM;
		return "its server compresses it, unasked";
	}
	if (!type_fits(s->fetch_types, upstream_header(it->up,
	    "Content-Type")))
		return "its Content-Type is not one of FETCH_TYPES";
	v = upstream_header(it->up, "Content-Length");
	if (it->up->up_received > s->fetch_size ||
	    (str_to_int(v, 0, INT64_MAX, &n) == 0 && n > s->fetch_size))
		return "it is larger than FETCH_SIZE";
	if (it->f->total > s->fetch_total)
		return "all media together are larger than FETCH_TOTAL";
	return NULL;
}

static void
item_fault(struct item *it)
{
	if (it->up->up_denied != NULL)
		fetch_denied(it, it->up->up_denied);
	else if (it->up->up_unknown)
		fetch_denied(it, "is not known to any name server");
	else if (it->up->up_fault == UPSTREAM_TIMEOUT)
		fetch_fail(it, IR_ERR_UPSTREAM, "its server takes too long");
	else if (it->up->up_fault == UPSTREAM_TLS)
		fetch_fail(it, IR_ERR_UPSTREAM,
		    "its server has no valid TLS certificate");
	else if (it->up->up_fault == UPSTREAM_CONNECT)
		fetch_fail(it, IR_ERR_UPSTREAM,
		    "its server cannot be reached");
	else
		fetch_fail(it, IR_ERR_UPSTREAM, "its server broke off");
}

static void	 fetch_more(struct fetch *);

/* The whole of it is here: into all parts that name it. */
static void
item_put(struct item *it)
{
	struct arena	*a = &it->f->rq->rq_arena;
	struct ir_fetch	*of;
	struct str	 type, data;
	struct buf	 b;

	if (it->in.len == 0) {
		fetch_fail(it, IR_ERR_UPSTREAM, "it is empty");
		return;
	}
	buf_init(&b, (it->in.len + 2) / 3 * 4 + 1);
	(void)base64_encode(&b, buf_str(&it->in));
	data = arena_str(a, buf_str(&b));
	buf_release(&b);
	buf_release(&it->in);
	type = arena_str(a, upstream_header(it->up, "Content-Type"));
	for (of = it->of; of != NULL; of = of->next) {
		if (!str_eq(of->url, it->of->url))
			continue;
		if (ir_fetch_done(of->part, type, data) == -1) {
			fetch_fail(it, IR_ERR_BAD_REQUEST, "its Content-Type "
			    "is of another kind than the field");
			return;
		}
	}
	item_close(it);
	it->had = true;
	it->f->had++;
	it->f->running--;
	fetch_more(it->f);
}

static void
item_step(struct item *it)
{
	struct upstream	*up = it->up;
	enum ir_errkind	 kind;
	const char	*why;

	if (!up->up_headers_done) {
		if (up->up_done)
			item_fault(it);
		return;
	}
	if (up->up_status >= 300 && up->up_status <= 399 &&
	    up->up_status != 304) {
		item_redirect(it);
		return;
	}
	it->f->total += (int64_t)up->up_in.len;
	if ((why = item_check(it, &kind)) != NULL) {
		fetch_fail(it, kind, why);
		return;
	}
	(void)buf_adds(&it->in, buf_str(&up->up_in));
	buf_clear(&up->up_in);
	upstream_taken(up);
	if (!up->up_done)
		return;
	if (up->up_fault != UPSTREAM_OK)
		item_fault(it);
	else
		item_put(it);
}

static void
item_cb(void *arg)
{
	struct item	*it = arg;
	struct request	*rq = it->f->rq;
	int64_t		 t0 = clock_mono_us();

	if (it->up != NULL)
		item_step(it);
	rq->rq_cpu_us += clock_mono_us() - t0;
}

/* --- all of them --------------------------------------------------------------------- */

/* Later in the turn: the upstream whose callback runs is closed by then. */
static void
done_cb(void *arg)
{
	struct fetch	*f = arg;
	struct request	*rq = f->rq;

	int64_t		 t0 = clock_mono_us();

	if (rq->rq_fetch != f)
		return;
	fetch_stop(rq);
	f->then(rq);
	rq->rq_cpu_us += clock_mono_us() - t0;
}

static void
fetch_more(struct fetch *f)
{
	const struct snapshot	*s = f->rq->rq_snap;
	unsigned		 i;

	if (f->had == f->n) {
		loop_post(f->rq->rq_wk->loop, &f->done);
		return;
	}
	for (i = 0; i < f->n && f->running < (unsigned)s->fetch_parallel; i++)
		if (!f->item[i].begun) {
			f->running++;
			item_open(&f->item[i]);
		}
}

static void
late_cb(void *arg)
{
	struct fetch	*f = arg;
	unsigned	 i;

	for (i = 0; i < f->n && (!f->item[i].begun || f->item[i].had); i++)
		continue;
	fetch_fail(&f->item[i < f->n ? i : 0], IR_ERR_UPSTREAM,
	    "it did not arrive within FETCH_TIME");
}

static bool
fetch_is_first(const struct fetch *f, const struct ir_fetch *of)
{
	unsigned	 i;

	for (i = 0; i < f->n; i++)
		if (str_eq(f->item[i].of->url, of->url))
			return false;
	return true;
}

static int
fetch_add(struct fetch *f, struct ir_fetch *of, struct ir_error *err)
{
	struct request		*rq = f->rq;
	const struct snapshot	*s = rq->rq_snap;
	const char		*why;
	struct item		*it;

	if (!fetch_is_first(f, of))
		return 0;
	if (s->fetch_count == 0)
		why = "the provider takes no URL here, and the gateway "
		    "fetches none (FETCH_COUNT)";
	else if (f->n >= (unsigned)s->fetch_count)
		why = "there are more media by URL than FETCH_COUNT";
	else if (of->url.n > URL_MAX)
		why = "it is too long";
	else
		why = netguard_url(of->url, s->fetch_private);
	if (why != NULL) {
		fetch_error(rq, of, IR_ERR_BAD_REQUEST, why, err);
		return -1;
	}
	it = &f->item[f->n++];
	it->f = f;
	it->of = of;
	it->url = arena_str(&rq->rq_arena, of->url).p;
	buf_init(&it->in, (size_t)s->fetch_size);
	return 0;
}

int
fetch_begin(struct request *rq, void (*then)(struct request *),
    struct ir_error *err)
{
	struct ir_fetch	*list = ir_fetch_list(&rq->rq_x, &rq->rq_ir), *of;
	struct fetch	*f;

	if (list == NULL)
		return 0;
	f = ARENA_NEW(&rq->rq_arena, struct fetch);
	f->rq = rq;
	f->then = then;
	f->timer = (struct loop_timer){ .cb = late_cb, .arg = f };
	f->done = (struct loop_task){ .cb = done_cb, .arg = f };
	f->item = arena_array(&rq->rq_arena,
	    (size_t)rq->rq_snap->fetch_count + 1, sizeof(*f->item));
	for (of = list; of != NULL; of = of->next)
		if (fetch_add(f, of, err) == -1)
			return -1;
	rq->rq_fetch = f;
	loop_timer_set(rq->rq_wk->loop, &f->timer, rq->rq_snap->fetch_ms);
	fetch_more(f);
	return 1;
}

void
fetch_stop(struct request *rq)
{
	struct fetch	*f = rq->rq_fetch;
	unsigned	 i;

	if (f == NULL)
		return;
	rq->rq_fetch = NULL;
	loop_timer_clear(rq->rq_wk->loop, &f->timer);
	for (i = 0; i < f->n; i++) {
		item_close(&f->item[i]);
		buf_release(&f->item[i].in);
	}
}
