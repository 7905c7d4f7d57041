/*
 * Requests as the operator: whom to ask, and the way back.
 */
#include <stdlib.h>

#include "admind/operator.h"
#include "admind/upstream.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/daemon.h"

#define ASK_MS		2000
#define HELD_MAX	(256u << 10)	/* for a client that reads slowly */
#define LINES_MAX	10

/* One request; freed when nobody waits for its answer any more. */
struct operation {
	struct api		*a;	/* NULL: its answer is a stream */
	struct transfer		*transfer;
	struct http_stream	*stream;
	void			(*done)(struct api *, int, struct str,
				    const char *);
	int			 status;
	bool			 full;
	struct buf		 body;		/* gathered */
};

static void
op_free(struct operation *op)
{
	transfer_free(op->transfer);
	buf_release(&op->body);
	free(op);
}

/* The client has left: while it waited, or while it read. */
static void
gone_cb(void *arg)
{
	op_free(arg);
}

static void
room_cb(void *arg)
{
	struct operation	*op = arg;

	transfer_more(op->transfer);
}

/* --- the head ---------------------------------------------------------------- */

/* Nothing that a browser would run, whatever came. */
static const char *
type_of(struct str type)
{
	struct str	 rest = type;

	type = str_trim(str_cut(&rest, ';'));
	if (str_is_nocase(type, "text/event-stream"))
		return "text/event-stream";
	return str_is_nocase(type, "application/json") ? "application/json" :
	    "application/octet-stream";
}

static void
head_line(struct operation *op, struct str line)
{
	static const char *const	 passed[] = {
		"x-proxyd-request-id", "x-proxyd-loss",
		"x-proxyd-token-count", "retry-after"
	};
	struct http_reply		*r = op->a->r;
	struct arena			*arena = op->a->rq->arena;
	struct str			 value = line, name;
	size_t				 i;

	name = str_cut(&value, ':');
	value = str_trim(value);
	if (str_is_nocase(name, "content-type"))
		r->type = type_of(value);
	for (i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		if (str_is_nocase(name, passed[i]) &&
		    r->nheaders < HTTP_HEADERS)
			http_reply_header(r, passed[i],
			    arena_str(arena, value).p);
}

static void
stream_begin(struct operation *op)
{
	struct api	*a = op->a;
	const char	*type = a->r->type;

	a->r->status = op->status;
	op->stream = http_stream_open(a->r, a->rq, gone_cb, op);
	http_stream_room(op->stream, room_cb);
	a->r->type = type == NULL ? "application/octet-stream" : type;
	op->a = NULL;
	http_answer(a->rq);
}

static void
line_cb(void *arg, struct str line)
{
	struct operation	*op = arg;
	struct str		 rest = line;
	int64_t			 status;

	if (op->a == NULL)
		return;			/* trailers */
	if (str_starts(line, "HTTP/")) {
		(void)str_cut(&rest, ' ');
		if (str_to_int(str_cut(&rest, ' '), 100, 599, &status) == 0)
			op->status = (int)status;
	} else if (line.n > 0 && op->done == NULL)
		head_line(op, line);
	else if (line.n == 0 && op->done == NULL && op->status >= 200)
		stream_begin(op);
}

/* --- the body ---------------------------------------------------------------- */

static bool
full_cb(void *arg)
{
	const struct operation	*op = arg;

	return op->stream != NULL && http_stream_held(op->stream) > HELD_MAX;
}

static void
data_cb(void *arg, struct str data)
{
	struct operation	*op = arg;

	if (op->stream != NULL)
		http_stream_send(op->stream, data);
	else if (op->done != NULL && buf_adds(&op->body, data) == -1)
		op->full = true;
}

static void
end_cb(void *arg, const char *err)
{
	struct operation	*op = arg;
	struct api		*a = op->a;

	if (op->stream != NULL) {
		if (err == NULL)
			http_stream_close(op->stream);
		else
			http_stream_break(op->stream);
		return;
	}
	if (op->full)
		err = "the answer is too large";
	if (op->done != NULL)
		op->done(a, err == NULL ? op->status : 0,
		    err == NULL ? buf_str(&op->body) : STR_NONE, err);
	else
		api_problem(a, 503, NULL, "proxyd broke off: %s",
		    err == NULL ? "no answer" : err);
	store_close(a->store);
	a->store = NULL;
	op_free(op);
	http_answer(a->rq);
}

/* --- the way there ----------------------------------------------------------- */

struct whom {
	char		 url[DAEMON_URL_MAX];
	struct str	 token;
};

/* false: a problem was answered. */
static bool
whom_find(struct api *a, struct whom *w)
{
	struct str		 rest, line, name, host = STR_NONE;
	enum daemon_answer	 r;
	struct buf		 b;
	char			 err[1400];
	int64_t			 port = 0;

	buf_init(&b, 8 << 10);
	r = daemon_ask(a->ad->paths.control, "operator", ASK_MS, &b, err,
	    sizeof(err));
	rest = arena_str(a->rq->arena, buf_str(&b));
	buf_release(&b);
	while (rest.n > 0) {
		line = str_cut(&rest, '\n');
		name = str_cut(&line, ' ');
		if (str_is(name, "host"))
			host = arena_str(a->rq->arena, line);
		else if (str_is(name, "token"))
			w->token = line;
		else if (str_is(name, "port") &&
		    str_to_int(line, 1, 65535, &port) == -1)
			port = 0;
	}
	if (r == DAEMON_OK && host.n > 0 && port > 0 && w->token.n > 0) {
		daemon_url(w->url, host.p, (int)port);
		return true;
	}
	api_problem(a, 503, NULL, r == DAEMON_NOBODY ? "proxyd does not run, "
	    "so nothing can be sent: 'proxyctl start' starts it" :
	    "proxyd cannot be asked: %s", r == DAEMON_OK ?
	    "it is another version" : err);
	return false;
}

/* What comes from a header or a body must not begin another line. */
static bool
is_line(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static void
lines_make(struct api *a, const struct operator_call *c, struct str token,
    const char *line[LINES_MAX])
{
	struct arena	*arena = a->rq->arena;
	unsigned	 n = 0;

	line[n++] = arena_strf(arena, "x-proxyd-operator: %.*s",
	    STR_FMT(token)).p;
	if (c->target.n > 0)
		line[n++] = arena_strf(arena, "x-proxyd-target: %.*s",
		    STR_FMT(c->target)).p;
	if (c->key_id > 0)
		line[n++] = arena_strf(arena, "x-proxyd-key: %lld",
		    (long long)c->key_id).p;
	if (c->version != NULL)
		line[n++] = arena_strf(arena, "anthropic-version: %s",
		    c->version).p;
	if (c->beta != NULL)
		line[n++] = arena_strf(arena, "anthropic-beta: %s",
		    c->beta).p;
	line[n++] = "Content-Type: application/json";
	line[n++] = "User-Agent: proxyd-operator";
	line[n++] = "Expect:";
	line[n] = NULL;
}

void
operator_send(struct api *a, const struct operator_call *c)
{
	static const struct transfer_cb	 cb = { line_cb, data_cb, end_cb,
					    full_cb };
	const char			*line[LINES_MAX];
	struct operation		*op;
	struct whom			 w;
	const char			*url;

	if (!is_line(c->target) || !is_line(c->path)) {
		api_problem(a, 400, NULL, "target and path must not hold "
		    "control characters");
		return;
	}
	if (!whom_find(a, &w))
		return;
	lines_make(a, c, w.token, line);
	url = arena_strf(a->rq->arena, "%s%.*s", w.url, STR_FMT(c->path)).p;
	if ((op = calloc(1, sizeof(*op))) == NULL)
		fatal("operation");
	op->a = a;
	op->done = c->done;
	a->r->type = NULL;
	buf_init(&op->body, OPERATOR_GATHER);
	op->transfer = transfer_start(a->ad->upstream, c->method, url, line,
	    c->body, &cb, op);
	if (op->transfer == NULL) {
		op_free(op);
		api_problem(a, 429, NULL, "%d requests are under way already",
		    TRANSFER_MAX);
		return;
	}
	a->later = true;
	http_defer(a->rq, gone_cb, op);
}
