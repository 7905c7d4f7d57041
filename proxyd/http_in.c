/*
 * The client's side.  Owns connections and calls; requests own what is said.
 *
 * libmicrohttpd runs in external-epoll mode: its epoll descriptor is one of
 * ours.  A call is suspended while it waits for its request, and a suspended
 * connection does not notice that its client left: so each client descriptor
 * stands in our own epoll, edge-triggered, for EPOLLRDHUP.
 *
 * libmicrohttpd reads a body through the memory of its connection, half of that
 * at a time, and clears it for each request.  So there are two of it: what a
 * connection announces first tells in which it will be.
 *
 * An answer in pieces begins and ends with libmicrohttpd.  Between them, while
 * its connection is suspended, pieces go straight into the socket: to resume it
 * for each one costs two runs of it, and a walk over all that are suspended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/loop.h"
#include "proxyd/http_in.h"
#include "proxyd/http_push.h"
#include "wire/http1.h"

#define CONN_MEMORY	(16u << 10)	/* MHD's pool: request head, chunks */
#define LARGE_MEMORY	(64u << 10)	/* of connections with large bodies */
#define LARGE_BODY	(64 << 10)	/* and more */
#define LOOK_MAX	4096		/* of a head, for its Content-Length */
#define CONN_IDLE_S	75		/* between bytes, and kept alive */
#define CONN_EVENTS	(EPOLLRDHUP | EPOLLET)
#define PIECE		((size_t)64 << 10)	/* of an answer, at most */
#define CHUNK		(4u << 10)	/* of a body without chunks, at a time */
#define ACCEPT_BATCH	32
#define RUNS		8		/* of MHD, in one turn */
#define ACCEPT_PAUSE_MS	100		/* when descriptors have run out */
#define DRAIN_GRACE_MS	1000		/* a request may be on its way */
#define DRAIN_LOOK_MS	100

struct conn {
	struct http_in		*in;
	struct side		*side;		/* NULL: nothing has come yet */
	struct loop_fd		 fd;		/* EPOLLRDHUP */
	struct sockaddr_storage	 addr;
	socklen_t		 addr_len;
	bool			 gone;		/* the client has left */
	bool			 loopback;
	char			 peer[INET6_ADDRSTRLEN];
	bool			 ended;		/* by us, as idle in a drain */
	int64_t			 idle_ms;	/* no call since then */
	struct http_call	*call;		/* NULL: idle */
	struct conn		*next, **prev;
};

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
	struct conn		*conn;
	struct MHD_Connection	*mhd;
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
	struct side		 side[SIDES];
	struct loop_fd		 listen_fd;
	bool			 listening;
	unsigned		 waiting;	/* connections of neither side */
	struct loop_timer	 pause;
	struct loop_timer	 tick;		/* MHD's own time-outs */
	struct loop_timer	 again;		/* work left for the next turn */
	struct loop_timer	 drain;		/* looks for idle connections */
	struct conn		*conns;
	struct conn		*opening;	/* MHD is told of it */
	struct http_call	*woken;
	unsigned		 nconns;
};

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
	MHD_resume_connection(c->mhd);
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
	MHD_suspend_connection(c->mhd);
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
	struct http_in	*in = c->conn->in;

	if (waits)
		loop_timer_set(in->wk->loop, &c->stall, CONN_IDLE_S * 1000);
	else
		loop_timer_clear(in->wk->loop, &c->stall);
	if (loop_mod(in->wk->loop, &c->conn->fd, waits ? CONN_EVENTS |
	    EPOLLOUT : CONN_EVENTS) == -1)
		log_warn("epoll_ctl");
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

/* The socket can be written again. */
static void
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
	r = MHD_queue_response(c->mhd, (unsigned)c->status, c->response);
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
	struct http_in	*in = c->conn->in;

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
	int	 n = MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, NULL,
		    NULL);

	c->head = reallocarray(NULL, (size_t)n + 1, sizeof(*c->head));
	if (c->head == NULL)
		fatal("headers");
	MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, header_cb, c);
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

	(void)arg;
	ci = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (ci == NULL || ci->socket_context == NULL)
		return NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->uri = strdup(uri)) == NULL)
		fatal("call");
	c->conn = ci->socket_context;
	c->mhd = mhd;
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
	enum MHD_Result	 r;

	if (c->aborted)
		return MHD_NO;
	if (c->state == CALL_ANSWERED && !c->queued) {
		r = call_queue(c);
		return r;
	}
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
	c->conn->call = NULL;
	c->conn->idle_ms = loop_now(c->conn->in->wk->loop);
	free(c->uri);
	free(c->head);
	free(c);
}

static void
conn_free(struct conn *cn)
{
	struct http_in	*in = cn->in;

	loop_forget(in->wk->loop, &cn->fd);
	if ((*cn->prev = cn->next) != NULL)
		cn->next->prev = cn->prev;
	if (cn->side != NULL)
		cn->side->n--;
	else
		in->waiting--;
	in->nconns--;
	in->wk->row->open = in->nconns;
	free(cn);
	worker_check(in->wk);
}

/* The client's end was closed, and with it the epoll registration. */
static void
mhd_connection_cb(void *arg, struct MHD_Connection *mhd, void **ctx,
    enum MHD_ConnectionNotificationCode code)
{
	struct http_in	*in = arg;
	struct conn	*cn;

	(void)mhd;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if ((cn = *ctx) != NULL)
			conn_free(cn);
		*ctx = NULL;
		return;
	}
	*ctx = in->opening;	/* MHD_add_connection is at work */
	in->opening = NULL;
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

/* --- connections ------------------------------------------------------------------- */

/* One that has said nothing. */
static void
conn_drop(struct conn *cn)
{
	int	 fd = cn->fd.fd;

	loop_del(cn->in->wk->loop, &cn->fd);
	conn_free(cn);
	close(fd);
}

/* Does a head, or what has come of it, announce a large body? */
static bool
announces_large(struct str head)
{
	static const char	 name[] = "content-length:";
	const size_t		 len = sizeof(name) - 1;
	struct str		 line;
	int64_t			 n;

	while (http1_field(&head, &line))
		if (line.n > len && strncasecmp(line.p, name, len) == 0)
			return str_to_int(str_trim(str_skip(line, len)),
			    LARGE_BODY, INT64_MAX, &n) == 0;
	return false;
}

/*
 * Gives a connection to the side for what it sends first, which stays unread.
 * 0: nothing has come yet.  -1: it could not, and is gone.
 */
static int
conn_begin(struct conn *cn)
{
	struct http_in	*in = cn->in;
	struct side	*side = &in->side[SMALL];
	char		 head[LOOK_MAX], peer[INET6_ADDRSTRLEN];
	ssize_t		 n = recv(cn->fd.fd, head, sizeof(head),
			    MSG_PEEK | MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0 && announces_large((struct str){ head, (size_t)n }))
		side = &in->side[LARGE];
	cn->side = side;
	side->n++;
	side->run = true;
	in->waiting--;
	in->opening = cn;
	memcpy(peer, cn->peer, sizeof(peer));
	/* On failure MHD has closed the descriptor, with or without notice. */
	if (MHD_add_connection(side->mhd, cn->fd.fd,
	    (const struct sockaddr *)&cn->addr, cn->addr_len) == MHD_YES) {
		in->opening = NULL;
		return 1;
	}
	log_warnx("connection of %s refused: too many", peer);
	if (in->opening != NULL)
		conn_free(in->opening);
	in->opening = NULL;
	return -1;
}

static void
conn_event_cb(void *arg, uint32_t events)
{
	struct conn	*cn = arg;

	if (cn->side == NULL) {
		if (conn_begin(cn) != 1)
			return;
		if (loop_mod(cn->in->wk->loop, &cn->fd, CONN_EVENTS) == -1)
			fatal("epoll_ctl");
	}
	if ((events & EPOLLOUT) != 0 && cn->call != NULL)
		call_room(cn->call);
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 || cn->ended)
		return;
	cn->gone = true;
	if (cn->call != NULL && cn->call->suspended && cn->call->rq != NULL) {
		request_left(cn->call->rq);
		return;
	}
	/*
	 * MHD reads once an edge: where the end came with data it has not seen
	 * it.  This wakes it again; what is queued can still be read.
	 */
	shutdown(cn->fd.fd, SHUT_RD);
	cn->side->run = true;
}

static void
conn_peer(struct conn *cn, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in	*v4 = (const void *)ss;
	const struct sockaddr_in6	*v6 = (const void *)ss;

	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, cn->peer, sizeof(cn->peer));
		cn->loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	} else if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, cn->peer,
		    sizeof(cn->peer));
		cn->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		    v6->sin6_addr.s6_addr[12] == 127);
	}
}

/* As libmicrohttpd would, which counts only those of one side. */
static bool
conn_too_many(struct http_in *in, int fd, const char *peer)
{
	if (in->nconns < (unsigned)in->wk->process.max_connections)
		return false;
	log_warnx("connection of %s refused: too many", peer);
	close(fd);
	return true;
}

static void
conn_open(struct http_in *in, int fd, const struct sockaddr_storage *ss,
    socklen_t len)
{
	struct conn	*cn;
	int		 r, on = 1;

	if ((cn = calloc(1, sizeof(*cn))) == NULL)
		fatal("connection");
	cn->in = in;
	cn->idle_ms = loop_now(in->wk->loop);
	cn->fd.fd = fd;
	cn->fd.cb = conn_event_cb;
	cn->fd.arg = cn;
	cn->addr = *ss;
	cn->addr_len = len;
	conn_peer(cn, ss);
	in->wk->row->stat.connections++;
	if (conn_too_many(in, fd, cn->peer)) {
		free(cn);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((cn->next = in->conns) != NULL)
		cn->next->prev = &cn->next;
	in->conns = cn;
	cn->prev = &in->conns;
	in->nconns++;
	in->waiting++;
	in->wk->row->open = in->nconns;
	if ((r = conn_begin(cn)) != -1 && loop_add(in->wk->loop, &cn->fd,
	    r == 0 ? EPOLLIN | CONN_EVENTS : CONN_EVENTS) == -1)
		fatal("epoll_ctl");
}

static void
listen_stop(struct http_in *in)
{
	if (in->listening)
		loop_del(in->wk->loop, &in->listen_fd);
	in->listening = false;
}

static void
listen_start(struct http_in *in)
{
	if (in->listening || in->wk->draining)
		return;
	if (loop_add(in->wk->loop, &in->listen_fd,
	    EPOLLIN | EPOLLEXCLUSIVE) == -1)
		fatal("cannot watch the listener");
	in->listening = true;
}

static void
pause_cb(void *arg)
{
	listen_start(arg);
}

/* Accepts one; false: none is there, or none can be had now. */
static bool
listen_accept(struct http_in *in)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	int			 fd;

	fd = accept4(in->listen_fd.fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		conn_open(in, fd, &ss, len);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		log_warn("cannot accept a connection");
		listen_stop(in);
		loop_timer_set(in->wk->loop, &in->pause, ACCEPT_PAUSE_MS);
	}
	return false;
}

static void
listen_cb(void *arg, uint32_t events)
{
	struct http_in	*in = arg;
	int		 i;

	(void)events;
	for (i = 0; i < ACCEPT_BATCH && listen_accept(in); i++)
		continue;
}

/* --- the end -------------------------------------------------------------------------- */

/*
 * A kept-alive connection may carry a request that is not here yet.  So idle
 * ones live for a grace, in which the next answer says "Connection: close";
 * then they end, but for those where bytes wait to be read.
 */
static void
drain_cb(void *arg)
{
	struct http_in	*in = arg;
	struct conn	*cn, *next;
	int64_t		 old = loop_now(in->wk->loop) - DRAIN_GRACE_MS;
	char		 c;

	for (cn = in->conns; cn != NULL; cn = next) {
		next = cn->next;
		if (cn->ended || cn->idle_ms > old ||
		    (cn->call != NULL && cn->call->rq != NULL) ||
		    recv(cn->fd.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
			continue;
		if (cn->side == NULL) {
			conn_drop(cn);
			continue;
		}
		cn->ended = true;
		shutdown(cn->fd.fd, SHUT_RD);
		cn->side->run = true;
	}
	loop_timer_set(in->wk->loop, &in->drain, DRAIN_LOOK_MS);
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

/* libmicrohttpd does not know of those that have said nothing. */
static void
tick_cb(void *arg)
{
	struct http_in	*in = arg;
	struct conn	*cn, *next;
	int64_t		 old = loop_now(in->wk->loop) - CONN_IDLE_S * 1000;

	for (cn = in->waiting > 0 ? in->conns : NULL; cn != NULL; cn = next) {
		next = cn->next;
		if (cn->side == NULL && cn->idle_ms <= old)
			conn_drop(cn);
	}
	sides_run(in);
	loop_timer_set(in->wk->loop, &in->tick, 1000);
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
 * Once a turn, when requests have said what they have to say.  A resumed call
 * takes two runs to be answered, and may be read and suspended again at once.
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
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONN_IDLE_S,
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
	in->listen_fd = (struct loop_fd){ .fd = wk->listen_fd,
	    .cb = listen_cb, .arg = in };
	in->pause = (struct loop_timer){ .cb = pause_cb, .arg = in };
	in->tick = (struct loop_timer){ .cb = tick_cb, .arg = in };
	in->again = (struct loop_timer){ .cb = again_cb, .arg = in };
	in->drain = (struct loop_timer){ .cb = drain_cb, .arg = in };
	listen_start(in);
	tick_cb(in);
	loop_hook(wk->loop, hook_cb, in);
	return in;
}

void
http_in_drain(struct http_in *in)
{
	struct conn	*cn;

	listen_stop(in);
	loop_timer_clear(in->wk->loop, &in->pause);
	/* We may have been the one to be woken for them. */
	while (listen_accept(in))
		continue;
	for (cn = in->conns; cn != NULL; cn = cn->next)
		cn->idle_ms = loop_now(in->wk->loop);
	drain_cb(in);
}

unsigned
http_in_connections(const struct http_in *in)
{
	return in->nconns;
}

void
http_in_destroy(struct http_in *in)
{
	struct conn	*cn, *next;
	unsigned	 i;

	for (cn = in->conns; cn != NULL; cn = next) {
		next = cn->next;
		if (cn->side == NULL) {
			conn_drop(cn);
		} else if (cn->call != NULL) {
			cn->call->aborted = true;
			call_resume(cn->call);
		}
	}
	for (i = 0; i < SIDES; i++)
		MHD_run(in->side[i].mhd);
	loop_timer_clear(in->wk->loop, &in->tick);
	loop_timer_clear(in->wk->loop, &in->again);
	loop_timer_clear(in->wk->loop, &in->pause);
	loop_timer_clear(in->wk->loop, &in->drain);
	loop_hook(in->wk->loop, NULL, NULL);
	for (i = 0; i < SIDES; i++) {
		loop_del(in->wk->loop, &in->side[i].fd);
		MHD_stop_daemon(in->side[i].mhd);
	}
	free(in);
}
