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
#include "base/log.h"
#include "policy/access.h"
#include "wire/json.h"

#define CONN_MEMORY	(32u << 10)
#define CONN_IDLE_S	30
#define CONN_MAX	256
#define BODY_MAX	(8u << 20)
#define TICK_MS		1000		/* libmicrohttpd's own time-outs */
#define RUNS		8		/* in one turn */

/* Nothing but our own style sheet; no frame, no form, no script. */
#define POLICY	"default-src 'none'; style-src 'self'; base-uri 'none'; " \
		"form-action 'none'; frame-ancestors 'none'"

struct http {
	struct loop		*loop;
	struct MHD_Daemon	*mhd;
	struct loop_fd		 fd;
	struct loop_timer	 tick;
	const char		*host;
	void			(*serve)(void *, const struct http_request *,
				    struct http_reply *);
	void			*arg;
};

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
	r->type = "application/json";
	jw_init(&w, &r->body);
	jw_object(&w);
	jw_key(&w, "error");
	jw_object(&w);
	jw_key(&w, "message");
	jw_strz(&w, text);
	jw_object_end(&w);
	jw_object_end(&w);
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

struct hosts {
	unsigned	 n;
	const char	*first;
};

static enum MHD_Result
host_cb(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct hosts	*h = arg;

	(void)kind;
	if (strcasecmp(name, "Host") == 0 && h->n++ == 0)
		h->first = value;
	return MHD_YES;
}

static bool
host_ok(const struct http *h, struct MHD_Connection *c)
{
	struct hosts	 found = { 0, NULL };
	struct str	 names[2];
	char		 address[INET6_ADDRSTRLEN];

	MHD_get_connection_values(c, MHD_HEADER_KIND, host_cb, &found);
	if (found.n != 1 || found.first == NULL)
		return false;
	local_address(c, address, sizeof(address));
	names[0] = str_of(address);
	names[1] = str_of(h->host);
	if (str_is(names[1], "0.0.0.0") || str_is(names[1], "::"))
		names[1] = STR_NONE;
	return access_host_ok(str_of(found.first), names, 2);
}

/* --- one request -------------------------------------------------------------------- */

static enum MHD_Result
reply_send(struct MHD_Connection *c, struct http_reply *r, const char *allow)
{
	static const char *const	 always[] = {
		"Content-Security-Policy", POLICY,
		"X-Content-Type-Options", "nosniff",
		"X-Frame-Options", "DENY",
		"Referrer-Policy", "no-referrer",
		"Cross-Origin-Resource-Policy", "same-origin",
	};
	struct MHD_Response		*res;
	enum MHD_Result			 ok;
	size_t				 i;

	res = MHD_create_response_from_buffer(r->body.len, r->body.data,
	    MHD_RESPMEM_MUST_COPY);
	if (res == NULL)
		fatalx("cannot create a response");
	for (i = 0; i < sizeof(always) / sizeof(*always); i += 2)
		(void)MHD_add_response_header(res, always[i], always[i + 1]);
	(void)MHD_add_response_header(res, "Content-Type", r->type);
	(void)MHD_add_response_header(res, "Cache-Control", r->cache);
	if (allow != NULL) {
		(void)MHD_add_response_header(res, "Allow", allow);
		/* Its body, if there is one, is not read. */
		(void)MHD_add_response_header(res, "Connection", "close");
	}
	ok = MHD_queue_response(c, (unsigned)r->status, res);
	MHD_destroy_response(res);
	return ok;
}

static enum MHD_Result
request_serve(struct http *h, struct MHD_Connection *c, const char *url,
    const char *method)
{
	struct http_request	 rq = { .path = str_of(url) };
	struct http_reply	 r = { .status = 200, .cache = "no-store" };
	const char		*allow = NULL;
	enum MHD_Result		 ok;

	buf_init(&r.body, BODY_MAX);
	if (!host_ok(h, c))
		http_error(&rq, &r, 403, "the Host header must name this "
		    "machine: localhost, ADMIN_HOST, or the address that you "
		    "connect to");
	else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		allow = "GET, HEAD";
		http_error(&rq, &r, 405, "only GET and HEAD are served here");
	} else
		h->serve(h->arg, &rq, &r);
	if (!buf_ok(&r.body))
		http_error(&rq, &r, 500, "the answer is too large");
	ok = reply_send(c, &r, allow);
	buf_release(&r.body);
	return ok;
}

/* Called with the header, then once more where there is no body. */
static enum MHD_Result
handler_cb(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *size,
    void **state)
{
	static int	 seen;

	(void)version;
	(void)data;
	if (*size > 0)
		return MHD_NO;
	if (*state == NULL && (strcmp(method, "GET") == 0 ||
	    strcmp(method, "HEAD") == 0)) {
		*state = &seen;
		return MHD_YES;
	}
	return request_serve(arg, c, url, method);
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
    void (*serve)(void *, const struct http_request *, struct http_reply *),
    void *arg)
{
	const union MHD_DaemonInfo	*di;
	struct http			*h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("http");
	h->loop = loop;
	h->host = host;
	h->serve = serve;
	h->arg = arg;
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL,
	    NULL, handler_cb, h,
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
	loop_timer_clear(h->loop, &h->tick);
	loop_del(h->loop, &h->fd);
	MHD_stop_daemon(h->mhd);
	free(h);
}
