/*
 * The only file of admind that knows libmicrohttpd.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admind/http.h"
#include "base/codec.h"
#include "base/log.h"
#include "policy/access.h"
#include "wire/json.h"

#define CONN_MEMORY	(32u << 10)
#define CONN_IDLE_S	30
#define CONN_MAX	256
#define ANSWER_MAX	(64u << 20)
#define SENT_MAX	(64u << 20)	/* a body that nobody allowed */
#define CHUNK		(16u << 10)
#define TICK_MS		1000		/* libmicrohttpd's own time-outs */
#define RUNS		8		/* in one turn */

/* Where a page does not say otherwise: no script at all. */
#define POLICY	"default-src 'none'; style-src 'self'; base-uri 'none'; " \
		"form-action 'none'; frame-ancestors 'none'"

struct http {
	struct loop		*loop;
	struct MHD_Daemon	*mhd;
	struct loop_fd		 fd;
	struct loop_timer	 tick;
	const char		*host;
	struct http_server	 server;
	struct http_stream	*streams;
	struct http_conn	*waiting;	/* for http_answer */
};

/* One request; freed when libmicrohttpd has done with it. */
struct http_conn {
	struct http		*h;
	struct MHD_Connection	*mhd;
	struct arena		 arena;
	struct http_request	 rq;
	struct http_reply	 reply;
	struct buf		 in;
	char			*uri;
	long			 max;		/* bytes of body; -1: answered */
	bool			 begun, too_large, served;
	bool			 deferred;	/* suspended till http_answer */
	bool			 answered;	/* the reply is MHD's */
	void			(*gone)(void *);
	void			*arg;
	struct loop_fd		 fd;		/* EPOLLRDHUP; -1: not watched */
	struct http_conn	*next, **prev;	/* while deferred */
	char			 peer[INET6_ADDRSTRLEN];
	bool			 loopback;
};

struct http_stream {
	struct http		*h;
	struct http_conn	*conn;
	struct MHD_Connection	*mhd;
	struct buf		 out;
	size_t			 off;
	bool			 suspended, ended, broken;
	void			(*gone)(void *);
	void			(*room)(void *);
	void			*arg;
	struct http_stream	*next, **prev;
};

const char *
http_title(int status)
{
	static const struct {
		int		 status;
		const char	*title;
	} t[] = {
		{ 400, "Bad request" }, { 401, "Not logged in" },
		{ 403, "Not allowed" }, { 404, "Not found" },
		{ 405, "Method not allowed" }, { 409, "Conflict" },
		{ 412, "Changed by somebody else" },
		{ 413, "Too large" }, { 415, "Not JSON" },
		{ 422, "Not valid" }, { 428, "If-Match is needed" },
		{ 429, "Too many tries" }, { 503, "Not available" },
	};
	size_t	 i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (t[i].status == status)
			return t[i].title;
	return "Internal error";
}

void
http_error(const struct http_request *rq, struct http_reply *r, int status,
    const char *text)
{
	struct jw	 w;

	r->status = status;
	buf_clear(&r->body);
	if (!str_starts(rq->path, "/api/") && !str_starts(rq->path, "/v1/")) {
		r->type = "text/plain; charset=utf-8";
		buf_addf(&r->body, "%s\n", text);
		return;
	}
	jw_init(&w, &r->body);
	jw_object(&w);
	if (str_starts(rq->path, "/api/v1/")) {
		r->type = "application/problem+json";
		jw_key(&w, "type");
		jw_strz(&w, "about:blank");
		jw_key(&w, "title");
		jw_strz(&w, http_title(status));
		jw_key(&w, "status");
		jw_int(&w, status);
		jw_key(&w, "detail");
		jw_strz(&w, text);
		jw_object_end(&w);
		return;
	}
	r->type = "application/json";
	jw_key(&w, "error");
	jw_object(&w);
	jw_key(&w, "message");
	jw_strz(&w, text);
	jw_object_end(&w);
	jw_object_end(&w);
}

void
http_reply_header(struct http_reply *r, const char *name, const char *value)
{
	must(r->nheaders < HTTP_HEADERS);
	r->header[r->nheaders].name = name;
	r->header[r->nheaders++].value = value;
}

/* --- what a request says ------------------------------------------------------------ */

struct header_find {
	const char	*name;
	unsigned	 n;
	const char	*value;
};

static enum MHD_Result
header_cb(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct header_find	*f = arg;

	(void)kind;
	if (strcasecmp(name, f->name) == 0 && f->n++ == 0)
		f->value = value;
	return MHD_YES;
}

const char *
http_header(const struct http_request *rq, const char *name)
{
	struct header_find	 f = { name, 0, NULL };

	MHD_get_connection_values(rq->conn->mhd, MHD_HEADER_KIND, header_cb,
	    &f);
	return f.n == 1 ? f.value : NULL;
}

unsigned
http_header_count(const struct http_request *rq, const char *name)
{
	struct header_find	 f = { name, 0, NULL };

	MHD_get_connection_values(rq->conn->mhd, MHD_HEADER_KIND, header_cb,
	    &f);
	return f.n;
}

struct str
http_cookie(const struct http_request *rq, const char *name)
{
	struct str	 rest = str_of(http_header(rq, "Cookie")), item, value;

	while (rest.n > 0) {
		item = str_trim(str_cut(&rest, ';'));
		value = item;
		if (str_is(str_cut(&value, '='), name))
			return value;
	}
	return STR_NONE;
}

static bool
query_decode(struct arena *a, struct str s, struct str *out)
{
	struct buf	 b;
	bool		 ok;

	buf_init(&b, CONN_MEMORY);
	ok = url_decode(&b, s, true) == 0 && utf8_valid(buf_str(&b));
	*out = arena_str(a, buf_str(&b));
	buf_release(&b);
	return ok;
}

bool
http_query(const struct http_request *rq, const char *name, struct str *value)
{
	struct str	 rest = rq->query, item;

	while (rest.n > 0) {
		item = str_cut(&rest, '&');
		if (str_is(str_cut(&item, '='), name))
			return query_decode(rq->arena, item, value);
	}
	return false;
}

bool
http_peer_loopback(const struct http_request *rq)
{
	return rq->conn->loopback;
}

const char *
http_peer(const struct http_request *rq)
{
	return rq->conn->peer;
}

static void
conn_peer(struct http_conn *c)
{
	const union MHD_ConnectionInfo	*ci;
	const struct sockaddr_in	*v4;
	const struct sockaddr_in6	*v6;

	ci = MHD_get_connection_info(c->mhd,
	    MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (ci == NULL || ci->client_addr == NULL)
		return;
	v4 = (const void *)ci->client_addr;
	v6 = (const void *)ci->client_addr;
	if (v4->sin_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, c->peer, sizeof(c->peer));
		c->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	} else if (v4->sin_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, c->peer, sizeof(c->peer));
		c->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		    v6->sin6_addr.s6_addr[12] == 127);
	}
}

/* --- who may ask ------------------------------------------------------------------ */

/* Address that the client connected to: a name cannot be rebound to look so. */
static void
local_address(struct MHD_Connection *c, char *dst, size_t size)
{
	const union MHD_ConnectionInfo	*ci;
	struct sockaddr_storage		 ss;
	struct sockaddr_in		*v4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6		*v6 = (struct sockaddr_in6 *)&ss;
	socklen_t			 len = sizeof(ss);

	dst[0] = '\0';
	ci = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (ci == NULL || getsockname(ci->connect_fd, (struct sockaddr *)&ss,
	    &len) == -1)
		return;
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, dst, (socklen_t)size);
	else if (ss.ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], dst,
		    (socklen_t)size);
	else if (ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, dst, (socklen_t)size);
}

static bool
host_ok(const struct http_conn *c)
{
	const char	*found = http_header(&c->rq, "Host");
	struct str	 names[2];
	char		 address[INET6_ADDRSTRLEN];

	if (found == NULL)
		return false;
	local_address(c->mhd, address, sizeof(address));
	names[0] = str_of(address);
	names[1] = str_of(c->h->host);
	if (str_is(names[1], "0.0.0.0") || str_is(names[1], "::"))
		names[1] = STR_NONE;
	return access_host_ok(str_of(found), names, 2);
}

/* --- streams ---------------------------------------------------------------------- */

static void	 conn_gone(struct http_conn *);

static void
stream_wake(struct http_stream *s)
{
	if (s->suspended) {
		s->suspended = false;
		MHD_resume_connection(s->mhd);
		loop_timer_set(s->h->loop, &s->h->tick, 0);
	}
}

/* A suspended connection is not looked at by libmicrohttpd. */
static void
left_cb(void *arg, uint32_t events)
{
	struct http_conn	*c = arg;

	(void)events;
	loop_del(c->h->loop, &c->fd);
	c->fd.fd = -1;
	if (c->deferred)
		conn_gone(c);
	else if (c->reply.stream != NULL)
		http_stream_close(c->reply.stream);
}

static void
conn_watch(struct http_conn *c)
{
	const union MHD_ConnectionInfo	*ci;

	ci = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (ci == NULL || c->fd.fd != -1)
		return;
	c->fd = (struct loop_fd){ .fd = ci->connect_fd, .cb = left_cb,
	    .arg = c };
	if (loop_add(c->h->loop, &c->fd, EPOLLRDHUP) == -1)
		c->fd.fd = -1;
}

static ssize_t
stream_read_cb(void *arg, uint64_t pos, char *dst, size_t max)
{
	struct http_stream	*s = arg;
	size_t			 n = s->out.len - s->off;

	(void)pos;
	if (n == 0 && s->ended)
		return s->broken ? MHD_CONTENT_READER_END_WITH_ERROR :
		    MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		s->suspended = true;
		MHD_suspend_connection(s->mhd);
		return 0;
	}
	if (n > max)
		n = max;
	memcpy(dst, s->out.data + s->off, n);
	if ((s->off += n) == s->out.len) {
		buf_clear(&s->out);
		s->off = 0;
		if (s->room != NULL)
			s->room(s->arg);
	}
	return (ssize_t)n;
}

/* Its response is destroyed: the client has it all, or has left. */
static void
stream_free_cb(void *arg)
{
	struct http_stream	*s = arg;

	if ((*s->prev = s->next) != NULL)
		s->next->prev = s->prev;
	if (s->conn != NULL)
		s->conn->reply.stream = NULL;
	if (s->gone != NULL)
		s->gone(s->arg);
	buf_release(&s->out);
	free(s);
}

struct http_stream *
http_stream_open(struct http_reply *r, const struct http_request *rq,
    void (*gone)(void *), void *arg)
{
	struct http		*h = rq->conn->h;
	struct http_stream	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("stream");
	s->h = h;
	s->conn = rq->conn;
	s->mhd = rq->conn->mhd;
	s->gone = gone;
	s->arg = arg;
	buf_init(&s->out, HTTP_STREAM_MAX);
	if ((s->next = h->streams) != NULL)
		s->next->prev = &s->next;
	h->streams = s;
	s->prev = &h->streams;
	r->stream = s;
	r->type = "text/event-stream";
	conn_watch(rq->conn);
	return s;
}

void
http_stream_send(struct http_stream *s, struct str text)
{
	if (s->off > 0) {
		buf_drain(&s->out, s->off);
		s->off = 0;
	}
	if (!s->ended && buf_adds(&s->out, text) == -1)
		s->ended = true;	/* it does not read: let it come again */
	stream_wake(s);
}

void
http_stream_close(struct http_stream *s)
{
	s->ended = true;
	stream_wake(s);
}

void
http_stream_break(struct http_stream *s)
{
	s->broken = true;
	http_stream_close(s);
}

size_t
http_stream_held(const struct http_stream *s)
{
	return s->out.len - s->off;
}

void
http_stream_room(struct http_stream *s, void (*cb)(void *))
{
	s->room = cb;
}

/* --- answers that come later --------------------------------------------------------- */

static void
conn_unwait(struct http_conn *c)
{
	if (!c->deferred)
		return;
	c->deferred = false;
	if ((*c->prev = c->next) != NULL)
		c->next->prev = c->prev;
}

void
http_defer(struct http_request *rq, void (*gone)(void *), void *arg)
{
	struct http_conn	*c = rq->conn;

	c->deferred = true;
	c->gone = gone;
	c->arg = arg;
	if ((c->next = c->h->waiting) != NULL)
		c->next->prev = &c->next;
	c->h->waiting = c;
	c->prev = &c->h->waiting;
	conn_watch(c);
}

/* libmicrohttpd calls handler_cb again, which sends the reply. */
void
http_answer(struct http_request *rq)
{
	struct http_conn	*c = rq->conn;

	conn_unwait(c);
	MHD_resume_connection(c->mhd);
	loop_timer_set(c->h->loop, &c->h->tick, 0);
}

void
http_again(struct http_request *rq)
{
	rq->conn->served = false;
	http_answer(rq);
}

/* Whoever would answer is told that nobody waits any more. */
static void
conn_gone(struct http_conn *c)
{
	void	(*gone)(void *) = c->gone;

	conn_unwait(c);
	gone(c->arg);
	http_error(&c->rq, &c->reply, 503, "stopped before there was an "
	    "answer");
	MHD_resume_connection(c->mhd);
	loop_timer_set(c->h->loop, &c->h->tick, 0);
}

/* --- one request -------------------------------------------------------------------- */

static struct MHD_Response *
reply_response(struct http_reply *r)
{
	struct MHD_Response	*res;

	if (r->stream != NULL)
		res = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		    CHUNK, stream_read_cb, r->stream, stream_free_cb);
	else
		res = MHD_create_response_from_buffer(r->body.len,
		    r->body.data, MHD_RESPMEM_MUST_COPY);
	if (res == NULL)
		fatalx("cannot create a response");
	return res;
}

static enum MHD_Result
reply_send(struct http_conn *c)
{
	static const char *const	 always[] = {
		"X-Content-Type-Options", "nosniff",
		"X-Frame-Options", "DENY",
		"Referrer-Policy", "no-referrer",
		"Cross-Origin-Resource-Policy", "same-origin",
		"Cross-Origin-Opener-Policy", "same-origin",
	};
	struct http_reply		*r = &c->reply;
	struct MHD_Response		*res = reply_response(r);
	enum MHD_Result			 ok;
	size_t				 i;

	for (i = 0; i < sizeof(always) / sizeof(*always); i += 2)
		(void)MHD_add_response_header(res, always[i], always[i + 1]);
	(void)MHD_add_response_header(res, "Content-Security-Policy",
	    r->policy);
	(void)MHD_add_response_header(res, "Content-Type", r->type);
	(void)MHD_add_response_header(res, "Cache-Control", r->cache);
	for (i = 0; i < r->nheaders; i++)
		(void)MHD_add_response_header(res, r->header[i].name,
		    r->header[i].value);
	/* A body that was not asked for is not read. */
	if (c->max == -1 || c->too_large)
		(void)MHD_add_response_header(res, "Connection", "close");
	c->answered = true;
	ok = MHD_queue_response(c->mhd, (unsigned)r->status, res);
	MHD_destroy_response(res);
	return ok;
}

static void
conn_begin(struct http_conn *c)
{
	const struct http_server	*s = &c->h->server;
	const char			*length;
	int64_t				 n = 0;

	if (!host_ok(c)) {
		http_error(&c->rq, &c->reply, 403, "the Host header must name "
		    "this machine: localhost, ADMIN_HOST, or the address that "
		    "you connect to");
		c->max = -1;
		return;
	}
	c->max = s->begin(s->arg, &c->rq, &c->reply);
	length = http_header(&c->rq, "Content-Length");
	if (c->max >= 0 && length != NULL &&
	    str_to_int(str_of(length), 0, INT64_MAX, &n) == 0 && n > c->max)
		c->too_large = true;
}

static enum MHD_Result
conn_answer(struct http_conn *c)
{
	const struct http_server	*s = &c->h->server;
	char				 text[96];

	if (c->too_large) {
		snprintf(text, sizeof(text), "the body is larger than %ld "
		    "bytes", c->max);
		http_error(&c->rq, &c->reply, 413, text);
	} else if (c->max >= 0 && !c->served) {
		c->rq.body = buf_str(&c->in);
		c->served = true;
		s->serve(s->arg, &c->rq, &c->reply);
	}
	if (c->deferred) {
		MHD_suspend_connection(c->mhd);
		return MHD_YES;
	}
	if (!buf_ok(&c->reply.body))
		http_error(&c->rq, &c->reply, 500, "the answer is too large");
	return reply_send(c);
}

/* Called with the head, with pieces of the body, and once more behind it. */
static enum MHD_Result
handler_cb(void *arg, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **state)
{
	struct http_conn	*c = *state;

	(void)arg;
	(void)url;
	(void)version;
	if (c == NULL)
		return MHD_NO;
	if (!c->begun) {
		c->begun = true;
		c->mhd = mhd;
		c->rq.method = str_of(method);
		conn_peer(c);
		conn_begin(c);
		return c->max == -1 || c->too_large ? conn_answer(c) : MHD_YES;
	}
	if (*size > 0) {
		if (buf_add(&c->in, data, *size) == -1 ||
		    c->in.len > (size_t)c->max)
			c->too_large = true;
		*size = 0;
		return c->in.toobig ? MHD_NO : MHD_YES;
	}
	return conn_answer(c);
}

/* The first sight of a request: its target, as it was sent. */
static void *
uri_cb(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	struct http_conn	*c;
	struct str		 rest;

	(void)mhd;
	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->uri = strdup(uri)) == NULL)
		fatal("request");
	c->h = arg;
	c->fd.fd = -1;
	arena_init(&c->arena);
	buf_init(&c->in, SENT_MAX);
	buf_init(&c->reply.body, ANSWER_MAX);
	c->reply.status = 200;
	c->reply.cache = "no-store";
	c->reply.policy = POLICY;
	rest = str_of(c->uri);
	c->rq.path = str_cut(&rest, '?');
	c->rq.query = rest;
	c->rq.arena = &c->arena;
	c->rq.conn = c;
	return c;
}

static void
completed_cb(void *arg, struct MHD_Connection *mhd, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct http_conn	*c = *state;

	(void)arg;
	(void)mhd;
	(void)why;
	*state = NULL;
	if (c == NULL)
		return;
	if (c->fd.fd != -1)
		loop_del(c->h->loop, &c->fd);
	if (c->deferred) {
		conn_unwait(c);
		c->gone(c->arg);
	}
	if (c->reply.stream != NULL && !c->answered)
		stream_free_cb(c->reply.stream);
	if (c->reply.stream != NULL)
		c->reply.stream->conn = NULL;
	buf_release(&c->in);
	buf_release(&c->reply.body);
	arena_release(&c->arena);
	free(c->uri);
	free(c);
}

/* Paths are compared as they were sent. */
static size_t
unescape_cb(void *arg, struct MHD_Connection *c, char *s)
{
	(void)arg;
	(void)c;
	return strlen(s);
}

static void
log_cb(void *arg, const char *fmt, va_list ap)
{
	char	 line[512];

	(void)arg;
	vsnprintf(line, sizeof(line), fmt, ap);
	log_debug("http: %s", line);
}

/* --- the loop ------------------------------------------------------------------------- */

static void
run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG	 ms;
	int			 i;

	for (i = 0; i < RUNS; i++) {
		MHD_run(h->mhd);
		if (MHD_get_timeout(h->mhd, &ms) != MHD_YES || ms > 0)
			break;
	}
	loop_timer_set(h->loop, &h->tick, i == RUNS ? 0 : TICK_MS);
}

static void
fd_cb(void *arg, uint32_t events)
{
	(void)events;
	run(arg);
}

static void
tick_cb(void *arg)
{
	run(arg);
}

struct http *
http_create(struct loop *loop, int fd, const char *host,
    const struct http_server *server)
{
	const union MHD_DaemonInfo	*di;
	struct http			*h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("http");
	h->loop = loop;
	h->host = host;
	h->server = *server;
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_ERROR_LOG, 0, NULL, NULL, handler_cb, h,
	    MHD_OPTION_URI_LOG_CALLBACK, uri_cb, h,
	    MHD_OPTION_NOTIFY_COMPLETED, completed_cb, h,
	    MHD_OPTION_EXTERNAL_LOGGER, log_cb, NULL,
	    MHD_OPTION_UNESCAPE_CALLBACK, unescape_cb, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_MEMORY,
	    MHD_OPTION_CONNECTION_LIMIT, CONN_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, CONN_IDLE_S,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_END);
	if (h->mhd == NULL)
		fatalx("cannot start libmicrohttpd");
	di = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	h->fd = (struct loop_fd){ .fd = di->epoll_fd, .cb = fd_cb, .arg = h };
	h->tick = (struct loop_timer){ .cb = tick_cb, .arg = h };
	if (loop_add(loop, &h->fd, EPOLLIN) == -1)
		fatal("cannot watch libmicrohttpd");
	run(h);
	return h;
}

void
http_destroy(struct http *h)
{
	struct http_stream	*s, *next;

	while (h->waiting != NULL)
		conn_gone(h->waiting);
	for (s = h->streams; s != NULL; s = next) {
		next = s->next;
		http_stream_close(s);
	}
	MHD_run(h->mhd);
	MHD_run(h->mhd);
	loop_timer_clear(h->loop, &h->tick);
	loop_del(h->loop, &h->fd);
	MHD_stop_daemon(h->mhd);
	free(h);
}
