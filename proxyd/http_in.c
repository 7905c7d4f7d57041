/*
 * Calls, on libmicrohttpd in external-epoll mode: its epoll descriptor is one of
 * ours.  A connection is suspended while its call waits for its request, and
 * between two calls (http_client.h).
 *
 * libmicrohttpd reads a body through the memory of its connection, half of that
 * at a time, and clears it for each request.  So there are two of it: what a
 * connection announces first tells in which it will be.
 *
 * What has a time-out of its own, libmicrohttpd looks at before it reads what is
 * said to be ready, as all that it resumes is.  So whoever waits for us has one:
 * the answer goes out in the first run, and nothing is read in vain.  Those that
 * wait for their clients have the same, which is the one they are sorted by.
 *
 * An answer in pieces begins and ends with libmicrohttpd.  Between them, while
 * its connection is suspended, pieces go straight into the socket: to resume it
 * for each one costs two runs of it, and a walk over all that are suspended.
 */
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxyd/http_client.h"
#include "proxyd/http_in.h"
#include "proxyd/http_push.h"

#define CONN_MEMORY	(16u << 10)	/* MHD's pool: request head, chunks */
#define LARGE_MEMORY	(64u << 10)	/* of connections with large bodies */
#define CONN_IDLE_S	75u		/* between bytes, and kept alive */
#define LOOK_FIRST_S	(CONN_IDLE_S - 1)	/* any other than that */
#define PIECE		((size_t)64 << 10)	/* of an answer, at most */
#define CHUNK		(4u << 10)	/* of a body without chunks, at a time */
#define RUNS		8		/* of MHD, in one turn */
#define TICK_MS		1000

struct head {
	const char	*name, *value;	/* libmicrohttpd's */
	size_t		 n;		/* of the name */
};

enum call_state {
	CALL_READING,		/* headers or body still come */
	CALL_WAITING,		/* the request has it all */
	CALL_ANSWERED		/* response is queued or ready to be */
};

struct http_call {
	struct http_in		*in;
	struct conn		*conn;
	struct request		*rq;
	char			*uri;		/* as sent */
	struct str		 method, path, query;
	enum call_state		 state;
	bool			 suspended;
	bool			 queued;	/* given to MHD */
	bool			 ended, aborted;
	bool			 chunks;	/* the client takes them */
	struct MHD_Response	*response;
	int			 status;
	struct buf		*out;		/* streaming; the request's */
	size_t			 out_off;
	struct buf		*next;		/* follows out, or NULL */
	int64_t			 sent;
	struct push		 push;
	struct loop_timer	 stall;		/* of what push keeps */
	struct http_call	*wake_next, **wake_prev; /* to be pushed */
	struct head		*head;		/* NULL: not asked for yet */
	int			 nhead;
};

/* One of the two. */
struct side {
	struct MHD_Daemon	*mhd;
	struct loop_fd		 fd;
	bool			 run;		/* it has something to do */
	unsigned		 n;		/* connections */
};

enum { SMALL, LARGE, SIDES };

struct http_in {
	struct worker		*wk;
	struct clients		*clients;
	struct side		 side[SIDES];
	struct loop_timer	 tick;		/* MHD's own time-outs */
	struct loop_timer	 again;		/* work left for the next turn */
	struct conn		*opening;	/* MHD is told of it */
	struct http_call	*woken;
};

/* --- connections, for http_client.c -------------------------------------------- */

static void
conn_timeout(struct conn *cn, unsigned s)
{
	MHD_set_connection_option(cn->mhd, MHD_CONNECTION_OPTION_TIMEOUT, s);
}

void
http_in_look(struct conn *cn)
{
	cn->side->run = true;
}

void
http_in_suspend(struct conn *cn)
{
	MHD_suspend_connection(cn->mhd);
	conn_timeout(cn, LOOK_FIRST_S);
}

void
http_in_idle(struct conn *cn)
{
	conn_timeout(cn, CONN_IDLE_S);
}

void
http_in_resume(struct conn *cn)
{
	conn_timeout(cn, CONN_IDLE_S);
	MHD_resume_connection(cn->mhd);
	cn->side->run = true;
}

/* On failure MHD has closed the descriptor, with or without notice. */
bool
http_in_take(struct http_in *in, struct conn *cn, bool large)
{
	char	 peer[INET6_ADDRSTRLEN];

	memcpy(peer, cn->peer, sizeof(peer));
	cn->side = &in->side[large ? LARGE : SMALL];
	cn->side->n++;
	cn->side->run = true;
	in->opening = cn;
	if (MHD_add_connection(cn->side->mhd, cn->fd.fd,
	    (const struct sockaddr *)&cn->addr, cn->addr_len) == MHD_YES) {
		in->opening = NULL;
		return true;
	}
	log_warnx("connection of %s refused: too many", peer);
	if (in->opening != NULL) {
		cn->side->n--;
		conn_free(cn);
	}
	in->opening = NULL;
	return false;
}

/* --- the answer --------------------------------------------------------------- */

static void
call_sleep(struct http_call *c)
{
	if (c->wake_prev == NULL)
		return;
	if ((*c->wake_prev = c->wake_next) != NULL)
		c->wake_next->wake_prev = c->wake_prev;
	c->wake_prev = NULL;
}

static void
call_resume(struct http_call *c)
{
	if (!c->suspended)
		return;
	call_sleep(c);
	c->suspended = false;
	MHD_resume_connection(c->conn->mhd);
	c->conn->side->run = true;
}

/* Nobody would notice, once suspended, that the client had left before. */
static void
call_suspend(struct http_call *c)
{
	if (c->conn->gone && c->rq != NULL) {
		request_left(c->rq);
		return;
	}
	c->suspended = true;
	http_in_suspend(c->conn);
}

/* When the first buffer is empty. */
static void
call_turn(struct http_call *c)
{
	if (c->out_off < c->out->len || c->next == NULL)
		return;
	c->out = c->next;
	c->out_off = 0;
	c->next = NULL;
}

/* n bytes of out are on their way. */
static void
call_take(struct http_call *c, size_t n)
{
	if (c->rq != NULL)
		request_piece(c->rq, (struct str){ c->out->data + c->out_off,
		    n });
	c->out_off += n;
	c->sent += (int64_t)n;
	if (c->out_off < c->out->len)
		return;
	buf_clear(c->out);
	c->out_off = 0;
	if (c->rq != NULL)
		request_drained(c->rq);
}

static ssize_t
call_read_cb(void *arg, uint64_t pos, char *dst, size_t max)
{
	struct http_call	*c = arg;
	size_t			 n;

	(void)pos;
	if (c->aborted)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	call_turn(c);
	n = c->out->len - c->out_off;
	if (n == 0 && c->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		call_suspend(c);
		return c->aborted ? MHD_CONTENT_READER_END_WITH_ERROR : 0;
	}
	if (n > max)
		n = max;
	memcpy(dst, c->out->data + c->out_off, n);
	call_take(c, n);
	return (ssize_t)n;
}

/* --- pieces, past libmicrohttpd ------------------------------------------------------ */

static void
call_stall(struct http_call *c, bool waits)
{
	struct loop	*loop = c->in->wk->loop;

	if (waits)
		loop_timer_set(loop, &c->stall, (int64_t)CONN_IDLE_S * 1000);
	else
		loop_timer_clear(loop, &c->stall);
	conn_watch(c->conn, waits);
}

static void
stall_cb(void *arg)
{
	struct http_call	*c = arg;

	log_debug("http: %s takes nothing more", c->conn->peer);
	request_left(c->rq);
}

/* r: of push_send or push_rest; can more be sent? */
static bool
call_pushed(struct http_call *c, int r)
{
	if (r == -1) {
		c->conn->gone = true;
		request_left(c->rq);
	} else if (r == 1)
		call_stall(c, true);
	return r == 0;
}

/* All that out has. */
static void
call_push(struct http_call *c)
{
	struct str	 piece;
	int		 r;

	while (c->suspended && !push_waits(&c->push)) {
		call_turn(c);
		piece = str_skip(buf_str(c->out), c->out_off);
		if (piece.n == 0)
			return;
		if (piece.n > PIECE)
			piece.n = PIECE;
		r = push_send(&c->push, c->conn->fd.fd, piece, c->chunks);
		if (r != -1)
			call_take(c, piece.n);
		if (!call_pushed(c, r))
			return;
	}
}

void
call_room(struct http_call *c)
{
	if (c->aborted || !push_waits(&c->push) ||
	    !call_pushed(c, push_rest(&c->push, c->conn->fd.fd)))
		return;
	call_stall(c, false);
	if (c->ended)
		call_resume(c);
	else
		call_push(c);
}

static void
calls_push(struct http_in *in)
{
	struct http_call	*c;

	while ((c = in->woken) != NULL) {
		call_sleep(c);
		call_push(c);
	}
}

/* --- how it begins and ends ---------------------------------------------------------- */

static void
call_headers(struct http_call *c, const struct http_header *h, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (MHD_add_response_header(c->response, h[i].name,
		    h[i].value) != MHD_YES)
			log_warnx("response header '%s' refused", h[i].name);
}

static enum MHD_Result
call_queue(struct http_call *c)
{
	enum MHD_Result	 r;

	c->queued = true;
	r = MHD_queue_response(c->conn->mhd, (unsigned)c->status, c->response);
	MHD_destroy_response(c->response);
	c->response = NULL;
	return r;
}

static void
call_answered(struct http_call *c, int status)
{
	c->status = status;
	c->state = CALL_ANSWERED;
	call_resume(c);
}

void
call_reply(struct http_call *c, int status, const struct http_header *h,
    size_t n, struct buf *body, bool close_it)
{
	static char	 none[1];

	must(c->state != CALL_ANSWERED);
	if (body->len == 0)
		c->response = MHD_create_response_from_buffer(0, none,
		    MHD_RESPMEM_PERSISTENT);
	else
		c->response = MHD_create_response_from_buffer(body->len,
		    body->data, MHD_RESPMEM_MUST_FREE);
	if (c->response == NULL)
		fatalx("cannot create a response");
	c->sent = (int64_t)body->len;
	if (body->len > 0)
		buf_init(body, body->max);	/* its memory is MHD's now */
	call_headers(c, h, n);
	if (close_it)
		MHD_add_response_header(c->response, "Connection", "close");
	call_answered(c, status);
}

void
call_stream(struct http_call *c, int status, const struct http_header *h,
    size_t n, struct buf *out)
{
	must(c->state != CALL_ANSWERED);
	c->out = out;
	c->out_off = 0;
	/* Chunks are made in the connection's memory, not in this. */
	c->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
	    c->chunks ? 1 : CHUNK, call_read_cb, c, NULL);
	if (c->response == NULL)
		fatalx("cannot create a response");
	call_headers(c, h, n);
	call_answered(c, status);
}

/* At the end of the turn, with all that it brings. */
void
call_wake(struct http_call *c)
{
	struct http_in	*in = c->in;

	if (!c->suspended || c->wake_prev != NULL || push_waits(&c->push))
		return;
	if ((c->wake_next = in->woken) != NULL)
		c->wake_next->wake_prev = &c->wake_next;
	c->wake_prev = &in->woken;
	in->woken = c;
}

void
call_then(struct http_call *c, struct buf *out)
{
	c->next = out;
	call_wake(c);
}

void
call_end(struct http_call *c)
{
	c->ended = true;
	if (!push_waits(&c->push))
		call_resume(c);
}

void
call_abort(struct http_call *c)
{
	c->aborted = true;
	if (c->state != CALL_ANSWERED)
		c->state = CALL_WAITING;
	call_resume(c);
}

bool
call_left(struct http_call *c)
{
	if (!c->suspended || c->rq == NULL)
		return false;
	request_left(c->rq);
	return true;
}

bool
call_open(const struct http_call *c)
{
	return c->rq != NULL;
}

/* libmicrohttpd, which waits for data, sees the end of it. */
void
call_cut(struct http_call *c)
{
	c->aborted = true;
	shutdown(c->conn->fd.fd, SHUT_RDWR);
	c->conn->side->run = true;
}

int64_t
call_sent(const struct http_call *c)
{
	return c->sent;
}

/* --- the request ----------------------------------------------------------------- */

struct str
call_method(const struct http_call *c)
{
	return c->method;
}

struct str
call_path(const struct http_call *c)
{
	return c->path;
}

struct str
call_query(const struct http_call *c)
{
	return c->query;
}

static enum MHD_Result
header_cb(void *arg, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
	struct http_call	*c = arg;

	(void)kind;
	c->head[c->nhead++] = (struct head){ key, value, strlen(key) };
	return MHD_YES;
}

/* One walk over libmicrohttpd's list, for some thirty questions. */
static void
headers_read(struct http_call *c)
{
	struct MHD_Connection	*mhd = c->conn->mhd;
	int			 n = MHD_get_connection_values(mhd,
				    MHD_HEADER_KIND, NULL, NULL);

	c->head = reallocarray(NULL, (size_t)n + 1, sizeof(*c->head));
	if (c->head == NULL)
		fatal("headers");
	MHD_get_connection_values(mhd, MHD_HEADER_KIND, header_cb, c);
}

/* How many there are, and the first one's value. */
static unsigned
header_find(struct http_call *c, const char *name, const char **value)
{
	const struct head	*h;
	size_t			 n = strlen(name);
	unsigned		 found = 0;
	int			 i;

	if (c->head == NULL)
		headers_read(c);
	for (i = 0; i < c->nhead; i++) {
		h = &c->head[i];
		if (h->n == n && strcasecmp(h->name, name) == 0 &&
		    found++ == 0)
			*value = h->value;
	}
	return found;
}

const char *
call_header(struct http_call *c, const char *name)
{
	const char	*value = NULL;

	(void)header_find(c, name, &value);
	return value;
}

unsigned
call_header_count(struct http_call *c, const char *name)
{
	const char	*value;

	return header_find(c, name, &value);
}

bool
call_peer_loopback(const struct http_call *c)
{
	return c->conn->loopback;
}

bool
call_peer_here(const struct http_call *c)
{
	struct sockaddr_storage	 a, b;
	socklen_t		 an = sizeof(a), bn = sizeof(b);
	struct sockaddr_in	*a4 = (void *)&a, *b4 = (void *)&b;
	struct sockaddr_in6	*a6 = (void *)&a, *b6 = (void *)&b;
	int			 fd = c->conn->fd.fd;

	if (c->conn->loopback)
		return true;
	if (getsockname(fd, (struct sockaddr *)&a, &an) == -1 ||
	    getpeername(fd, (struct sockaddr *)&b, &bn) == -1 ||
	    a.ss_family != b.ss_family)
		return false;
	return a.ss_family == AF_INET ?
	    a4->sin_addr.s_addr == b4->sin_addr.s_addr :
	    a.ss_family == AF_INET6 &&
	    memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) ==
	    0;
}

const char *
call_peer(const struct http_call *c)
{
	return c->conn->peer;
}

/* --- libmicrohttpd's callbacks ------------------------------------------------------ */

/* The first sight of a request: its target, as the client wrote it. */
static void *
mhd_uri_cb(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo	*ci;
	struct http_call		*c;
	struct str			 rest;

	ci = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (ci == NULL || ci->socket_context == NULL)
		return NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->uri = strdup(uri)) == NULL)
		fatal("call");
	c->in = arg;
	c->conn = ci->socket_context;
	push_init(&c->push, PIECE + PUSH_FRAME);
	c->stall = (struct loop_timer){ .cb = stall_cb, .arg = c };
	rest = str_of(c->uri);
	c->path = str_cut(&rest, '?');
	c->query = rest;
	c->conn->call = c;
	return c;
}

static enum MHD_Result
call_continue(struct http_call *c)
{
	if (c->aborted)
		return MHD_NO;
	if (c->state == CALL_ANSWERED && !c->queued)
		return call_queue(c);
	if (c->state == CALL_WAITING && !c->suspended)
		call_suspend(c);
	return c->aborted ? MHD_NO : MHD_YES;
}

static enum MHD_Result
mhd_handler_cb(void *arg, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *n,
    void **ctx)
{
	struct http_in		*in = arg;
	struct http_call	*c = *ctx;

	(void)mhd;
	(void)url;
	if (c == NULL || c->aborted)
		return MHD_NO;
	if (c->rq == NULL && c->state == CALL_READING) {
		c->method = str_of(method);
		c->chunks = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
		c->rq = request_open(in->wk, c);
		return c->rq == NULL ? MHD_NO : call_continue(c);
	}
	if (*n > 0) {
		if (c->state == CALL_READING)
			request_body(c->rq, (struct str){ data, *n });
		*n = 0;
		return c->aborted ? MHD_NO : MHD_YES;
	}
	if (c->state == CALL_READING) {
		c->state = CALL_WAITING;
		request_run(c->rq);
	}
	return call_continue(c);
}

static void
mhd_completed_cb(void *arg, struct MHD_Connection *mhd, void **ctx,
    enum MHD_RequestTerminationCode why)
{
	struct http_call	*c = *ctx;
	struct conn		*cn;

	(void)arg;
	(void)mhd;
	if (c == NULL)
		return;
	*ctx = NULL;
	if (c->rq != NULL) {
		if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
			request_left(c->rq);
		request_call_done(c->rq);
	}
	if (c->response != NULL)
		MHD_destroy_response(c->response);
	call_sleep(c);
	if (push_waits(&c->push))
		call_stall(c, false);
	push_release(&c->push);
	cn = c->conn;
	cn->call = NULL;
	cn->idle_ms = loop_now(c->in->wk->loop);
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		conn_done(cn);
	free(c->uri);
	free(c->head);
	free(c);
}

/* The client's end was closed, and with it the epoll registration. */
static void
mhd_connection_cb(void *arg, struct MHD_Connection *mhd, void **ctx,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_in	*in = arg;
	struct conn	*cn;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if ((cn = *ctx) != NULL) {
			cn->side->n--;
			conn_free(cn);
		}
		*ctx = NULL;
		return;
	}
	*ctx = cn = in->opening;	/* MHD_add_connection is at work */
	in->opening = NULL;
	if (cn != NULL)
		cn->mhd = mhd;
}

static void
mhd_log_cb(void *arg, const char *fmt, va_list ap)
{
	char	 line[512];

	(void)arg;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\r\n")] = '\0';
	log_debug("http: %s", line);
}

/* --- life cycle ------------------------------------------------------------------------ */

static void
side_fd_cb(void *arg, uint32_t events)
{
	struct side	*side = arg;

	(void)events;
	side->run = true;
}

static void
sides_run(struct http_in *in)
{
	unsigned	 i;

	for (i = 0; i < SIDES; i++)
		in->side[i].run = in->side[i].run || in->side[i].n > 0;
}

/* Time-outs are libmicrohttpd's own. */
static void
tick_cb(void *arg)
{
	struct http_in	*in = arg;

	sides_run(in);
	loop_timer_set(in->wk->loop, &in->tick, TICK_MS);
}

/* It has read more than it has looked at, or a connection was resumed. */
static bool
side_ready(struct side *side)
{
	MHD_UNSIGNED_LONG_LONG	 ms;

	return side->run || (side->n > 0 &&
	    MHD_get_timeout(side->mhd, &ms) == MHD_YES && ms == 0);
}

/*
 * Once a turn, when requests have said what they have to say.  What a client
 * has sent meanwhile is read and suspended again at once.
 */
static void
hook_cb(void *arg)
{
	struct http_in	*in = arg;
	struct side	*side;
	int		 i, k;
	bool		 any = true;

	for (i = 0; i < RUNS && any; i++) {
		if ((any = in->woken != NULL)) {
			worker_state_flush(in->wk);
			calls_push(in);
		}
		for (k = 0; k < SIDES; k++) {
			side = &in->side[k];
			if (!side_ready(side))
				continue;
			any = true;
			side->run = false;
			worker_state_flush(in->wk);
			MHD_run(side->mhd);
			clients_park(in->clients);
		}
	}
	if (any)
		loop_timer_set(in->wk->loop, &in->again, 0);
}

static void
again_cb(void *arg)
{
	sides_run(arg);
}

static void
side_start(struct http_in *in, struct side *side, size_t memory)
{
	const union MHD_DaemonInfo	*di;

	side->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    mhd_handler_cb, in,
	    MHD_OPTION_EXTERNAL_LOGGER, mhd_log_cb, NULL,
	    MHD_OPTION_URI_LOG_CALLBACK, mhd_uri_cb, in,
	    MHD_OPTION_NOTIFY_COMPLETED, mhd_completed_cb, in,
	    MHD_OPTION_NOTIFY_CONNECTION, mhd_connection_cb, in,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)in->wk->process.max_connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, CONN_IDLE_S,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_END);
	if (side->mhd == NULL)
		fatalx("cannot start libmicrohttpd");
	di = MHD_get_daemon_info(side->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	side->fd = (struct loop_fd){ .fd = di->epoll_fd, .cb = side_fd_cb,
	    .arg = side };
	if (loop_add(in->wk->loop, &side->fd, EPOLLIN) == -1)
		fatal("cannot watch libmicrohttpd");
}

struct http_in *
http_in_create(struct worker *wk)
{
	struct http_in	*in;

	if ((in = calloc(1, sizeof(*in))) == NULL)
		fatal("http_in");
	in->wk = wk;
	side_start(in, &in->side[SMALL], CONN_MEMORY);
	side_start(in, &in->side[LARGE], LARGE_MEMORY);
	in->tick = (struct loop_timer){ .cb = tick_cb, .arg = in };
	in->again = (struct loop_timer){ .cb = again_cb, .arg = in };
	in->clients = clients_create(wk, in);
	tick_cb(in);
	loop_hook(wk->loop, hook_cb, in);
	return in;
}

void
http_in_drain(struct http_in *in)
{
	clients_drain(in->clients);
}

unsigned
http_in_connections(const struct http_in *in)
{
	return clients_count(in->clients);
}

void
http_in_destroy(struct http_in *in)
{
	unsigned	 i;

	clients_abort(in->clients);
	for (i = 0; i < SIDES; i++)
		MHD_run(in->side[i].mhd);
	loop_timer_clear(in->wk->loop, &in->tick);
	loop_timer_clear(in->wk->loop, &in->again);
	loop_hook(in->wk->loop, NULL, NULL);
	for (i = 0; i < SIDES; i++) {
		loop_del(in->wk->loop, &in->side[i].fd);
		MHD_stop_daemon(in->side[i].mhd);
	}
	clients_destroy(in->clients);
	free(in);
}
