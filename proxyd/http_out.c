/*
 * The providers' side.  Owns the multi handle, its connections and a few easy
 * handles kept for reuse.
 *
 * libcurl asks for its socket to be removed after each transfer and added again
 * for the next.  We leave an idle one registered, level-triggered, and remove
 * it only when an event finds that no transfer wants it: a kept-alive
 * connection then costs no epoll_ctl at all.  Descriptors of libcurl's own, which
 * its resolver closes, are removed at once.
 */
#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "policy/netguard.h"
#include "proxyd/http_conn.h"
#include "proxyd/http_out.h"

#define EASY_KEPT	64		/* handles kept for reuse */
#define CONNS_KEPT	256		/* idle connections, a worker */
#define READ_SIZE	(16l << 10)
#define READ_STREAM	(4l << 10)	/* held as long as the stream is open */
#define UPLOAD_SIZE	(64l << 10)
#define HEADER_MAX	(64u << 10)	/* all of an answer's head */
#define CA_BUNDLE	"/etc/ssl/certs/ca-certificates.crt"

struct out_socket {
	struct http_out	*out;
	struct loop_fd	 fd;
	bool		 registered;
	bool		 wanted;	/* by a transfer */
	bool		 connection;	/* curl_close_cb will close it */
};

struct http_out {
	struct worker		 *wk;
	CURLM			 *multi;
	bool			  has_bundle;	/* CA_BUNDLE can be read */
	struct loop_timer	  timer;
	struct out_socket	**socket;	/* by descriptor */
	int			  nsocket;
	struct out_easy		 *kept;		/* the last used first */
	unsigned		  nkept;
	struct loop_task	  start;	/* what was added */
	struct loop_task	  finish;	/* reads curl's messages */
	struct conn_pool	 *conns;
};

/*
 * A handle keeps its options from one transfer to the next: setting all of them
 * anew cost a tenth of a small request.
 */
struct out_easy {
	CURL			 *e;
	int			  connect_ms;
	char			 *proxy, *ca_file;	/* as set; NULL: none */
	bool			  fresh;		/* FRESH_CONNECT */
	struct out_easy		 *next;
};

/* --- sockets --------------------------------------------------------------------- */

static void
out_act(struct http_out *o, int fd, int what)
{
	int	 running;

	if (curl_multi_socket_action(o->multi, fd, what, &running) !=
	    CURLM_OK)
		log_warnx("libcurl refused an event");
	loop_post(o->wk->loop, &o->finish);
}

static void
socket_event_cb(void *arg, uint32_t events)
{
	struct out_socket	*s = arg;
	int			 what = 0;

	if (!s->wanted) {
		loop_del(s->out->wk->loop, &s->fd);
		s->registered = false;
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	out_act(s->out, s->fd.fd, what);
}

static struct out_socket *
socket_get(struct http_out *o, int fd)
{
	struct out_socket	*s;
	int			 n = o->nsocket;
	void			*p;

	if (fd >= n) {
		n = fd + 64;
		p = reallocarray(o->socket, (size_t)n, sizeof(*o->socket));
		if (p == NULL)
			fatal("sockets");
		o->socket = p;
		while (o->nsocket < n)
			o->socket[o->nsocket++] = NULL;
	}
	if ((s = o->socket[fd]) != NULL)
		return s;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("socket");
	s->out = o;
	s->fd = (struct loop_fd){ .fd = fd, .cb = socket_event_cb, .arg = s };
	return o->socket[fd] = s;
}

static int
curl_socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *sarg)
{
	struct http_out		*o = arg;
	struct out_socket	*s = socket_get(o, fd);
	uint32_t		 events = 0;
	int			 r;

	(void)easy;
	(void)sarg;
	s->wanted = what != CURL_POLL_REMOVE;
	if (!s->wanted) {
		if (!s->connection && s->registered) {
			loop_del(o->wk->loop, &s->fd);
			s->registered = false;
		}
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	r = s->registered ? loop_mod(o->wk->loop, &s->fd, events) :
	    loop_add(o->wk->loop, &s->fd, events);
	if (r == -1)
		fatal("cannot watch a provider's socket");
	s->registered = true;
	return 0;
}

/*
 * A connection's.  libcurl's resolver has others, which it closes without a
 * word, so that none of those may stay registered: its number would come back
 * with another socket behind it.
 */
static int
curl_sockopt_cb(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)purpose;
	socket_get(arg, fd)->connection = true;
	return CURL_SOCKOPT_OK;
}

static int
curl_close_cb(void *arg, curl_socket_t fd)
{
	struct http_out		*o = arg;
	struct out_socket	*s;

	if (fd < o->nsocket && (s = o->socket[fd]) != NULL) {
		if (s->registered)
			loop_del(o->wk->loop, &s->fd);
		o->socket[fd] = NULL;
		free(s);
	}
	return close(fd);
}

/*
 * The socket of a fetch.  The name has been resolved, and this very address is
 * connected to: a name that answers otherwise the next time gains nothing.
 */
static curl_socket_t
curl_open_cb(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct upstream	*up = arg;

	(void)purpose;
	up->up_denied = netguard_address(&to->addr, up->up_private);
	if (up->up_denied != NULL)
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int
curl_timer_cb(CURLM *multi, long ms, void *arg)
{
	struct http_out	*o = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_clear(o->wk->loop, &o->timer);
	else
		loop_timer_set(o->wk->loop, &o->timer, ms);
	return 0;
}

static void
timer_cb(void *arg)
{
	out_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl asks for a time-out of 0, which would come a turn later. */
static void
start_cb(void *arg)
{
	out_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* --- a transfer's data ------------------------------------------------------------- */

static void
upstream_post(struct upstream *up)
{
	loop_post(up->up_out->wk->loop, &up->up_task);
}

static void
task_cb(void *arg)
{
	struct upstream	*up = arg;

	if (up->up_cb != NULL)
		up->up_cb(up->up_arg);
}

void
upstream_head_done(struct upstream *up, int status)
{
	up->up_status = status;
	up->up_headers_done = true;
	up->up_first_us = clock_mono_us();
	upstream_post(up);
}

/* Resolving, connecting, TLS; a transfer that found a connection made none. */
static int64_t
connect_time(CURL *e)
{
	curl_off_t	 tcp = 0, tls = 0;
	long		 made = 0;

	curl_easy_getinfo(e, CURLINFO_NUM_CONNECTS, &made);
	if (made == 0)
		return 0;
	curl_easy_getinfo(e, CURLINFO_CONNECT_TIME_T, &tcp);
	curl_easy_getinfo(e, CURLINFO_APPCONNECT_TIME_T, &tls);
	return tls > 0 ? tls : tcp;
}

static size_t
curl_header_cb(char *data, size_t size, size_t n, void *arg)
{
	struct upstream	*up = arg;
	struct str	 line = str_trim((struct str){ data, size * n });
	long		 code = 0;

	if (str_starts(line, "HTTP/")) {	/* also after a 1xx */
		up->up_nheaders = 0;
		return size * n;
	}
	if (line.n == 0) {
		curl_easy_getinfo(up->up_easy->e, CURLINFO_RESPONSE_CODE, &code);
		if (code >= 200) {
			up->up_connect_us = connect_time(up->up_easy->e);
			upstream_head_done(up, (int)code);
		}
		return size * n;
	}
	if (up->up_arena.total > HEADER_MAX)
		return 0;
	if (up->up_nheaders < UPSTREAM_HEADERS)
		up->up_header[up->up_nheaders++] = arena_str(&up->up_arena,
		    line);
	return size * n;
}

bool
upstream_full(const struct upstream *up)
{
	return up->up_flow && up->up_in.len > UPSTREAM_HIGH;
}

static void
upstream_large(struct upstream *up)
{
	snprintf(up->up_error, sizeof(up->up_error),
	    "the answer is larger than %lld bytes",
	    (long long)(up->up_max < UPSTREAM_WHOLE ? up->up_max :
	    UPSTREAM_WHOLE));
}

int
upstream_add(struct upstream *up, const char *data, size_t n)
{
	up->up_received += (int64_t)n;
	if (up->up_received > up->up_max || up->up_in.len + n >
	    UPSTREAM_WHOLE || buf_add(&up->up_in, data, n) == -1) {
		up->up_toolarge = true;
		upstream_large(up);
		return -1;
	}
	upstream_post(up);
	return 0;
}

void
upstream_end(struct upstream *up, enum upstream_fault fault, const char *why)
{
	up->up_done = true;
	up->up_fault = fault;
	if (fault != UPSTREAM_OK && up->up_error[0] == '\0')
		snprintf(up->up_error, sizeof(up->up_error), "%s", why);
	upstream_post(up);
}

static size_t
curl_write_cb(char *data, size_t size, size_t n, void *arg)
{
	struct upstream	*up = arg;

	if (upstream_full(up) && !up->up_paused) {
		up->up_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	return upstream_add(up, data, size * n) == -1 ? 0 : size * n;
}

static enum upstream_fault
fault_of(CURLcode r, const struct upstream *up)
{
	switch (r) {
	case CURLE_OK:
		return UPSTREAM_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return UPSTREAM_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return UPSTREAM_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return UPSTREAM_TLS;
	case CURLE_WEIRD_SERVER_REPLY:
		return UPSTREAM_BAD;
	case CURLE_GOT_NOTHING:
		return UPSTREAM_CUT;
	default:
		return up->up_headers_done ? UPSTREAM_CUT : UPSTREAM_CONNECT;
	}
}

/*
 * The provider closed a kept connection while the body was on its way: a new
 * one will do.  libcurl does so by itself where it learns of it by reading, but
 * a long body makes it learn by writing.
 */
static bool
upstream_resend(struct upstream *up, CURLcode r)
{
	CURLM	*multi = up->up_out->multi;
	long	 made = 1;

	curl_easy_getinfo(up->up_easy->e, CURLINFO_NUM_CONNECTS, &made);
	if ((r != CURLE_SEND_ERROR && r != CURLE_RECV_ERROR) || made > 0 ||
	    up->up_nheaders > 0 ||
	    up->up_headers_done)
		return false;
	curl_multi_remove_handle(multi, up->up_easy->e);
	curl_easy_setopt(up->up_easy->e, CURLOPT_FRESH_CONNECT, 1l);
	up->up_easy->fresh = true;
	up->up_error[0] = '\0';
	return curl_multi_add_handle(multi, up->up_easy->e) == CURLM_OK;
}

static void	 upstream_easy_end(struct upstream *);

static void
upstream_finish(struct upstream *up, CURLcode r)
{
	/* libcurl's own text says that nothing could be written. */
	if (up->up_toolarge)
		upstream_large(up);
	up->up_unknown = r == CURLE_COULDNT_RESOLVE_HOST;
	upstream_end(up, fault_of(r, up), curl_easy_strerror(r));
}

/*
 * A connection for http_conn.c.  It gets a descriptor of its own: libcurl closes
 * its with the handle.
 */
static void
upstream_opened(struct upstream *up, CURLcode r)
{
	curl_socket_t	 fd = -1;

	if (r == CURLE_OK) {
		curl_easy_getinfo(up->up_easy->e, CURLINFO_ACTIVESOCKET, &fd);
		if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
			r = CURLE_COULDNT_CONNECT;
		up->up_connect_us = connect_time(up->up_easy->e);
	}
	upstream_easy_end(up);
	if (r == CURLE_OK)
		conn_connected(up, fd);
	else {
		conn_abandon(up);
		upstream_finish(up, r);
	}
}

static void
finish_cb(void *arg)
{
	struct http_out	*o = arg;
	struct upstream	*up;
	CURLMsg		*msg;
	CURLcode	 r;
	char		*p;
	int		 left;

	while ((msg = curl_multi_info_read(o->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		r = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &p);
		up = (struct upstream *)(void *)p;
		if (up->up_conn != NULL)
			upstream_opened(up, r);
		else if (!upstream_resend(up, r))
			upstream_finish(up, r);
	}
}

/* --- a transfer's life ----------------------------------------------------------------- */

static struct out_easy *
easy_new(struct http_out *o)
{
	struct out_easy	*h;
	CURL		*e;

	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (e = h->e = curl_easy_init()) == NULL)
		fatalx("cannot make a curl handle");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1l);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0l);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_SIZE);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1l);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2l);
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "identity");
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1l);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1l);
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, curl_sockopt_cb);
	curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, o);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, curl_close_cb);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, o);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, curl_header_cb);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, curl_write_cb);
	curl_easy_setopt(e, CURLOPT_PROXY, "");	/* nor the environment's */
	if (o->has_bundle) {
		curl_easy_setopt(e, CURLOPT_CAINFO, CA_BUNDLE);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	return h;
}

static void
easy_free(struct out_easy *h)
{
	curl_easy_cleanup(h->e);
	free(h->proxy);
	free(h->ca_file);
	free(h);
}

/* Is what a handle has another one than what is wanted?  Then it has that. */
static bool
easy_differs(char **has, const char *want)
{
	if (*has == want || (*has != NULL && want != NULL &&
	    strcmp(*has, want) == 0))
		return false;
	free(*has);
	*has = NULL;
	if (want != NULL && (*has = strdup(want)) == NULL)
		fatal("curl handle");
	return true;
}

/*
 * One file is trusted.  libcurl's default is a folder, too, which would be
 * trusted beside the file, and which is parsed anew, some 300 files of it, for
 * each connection: 30 ms in which nothing else runs, against 10 for the file.
 */
static void
easy_trust(const struct http_out *o, struct out_easy *h)
{
	const char	*file = h->ca_file;

	if (file == NULL && o->has_bundle)
		file = CA_BUNDLE;
	curl_easy_setopt(h->e, CURLOPT_CAINFO, file);
	curl_easy_setopt(h->e, CURLOPT_CAPATH, NULL);
}

static struct out_easy *
easy_get(struct http_out *o, const struct upstream_call *call)
{
	struct out_easy	*h = o->kept;

	if (h == NULL)
		h = easy_new(o);
	else {
		o->kept = h->next;
		o->nkept--;
	}
	if (h->fresh)
		curl_easy_setopt(h->e, CURLOPT_FRESH_CONNECT, 0l);
	h->fresh = false;
	if (h->connect_ms != call->connect_ms)
		curl_easy_setopt(h->e, CURLOPT_CONNECTTIMEOUT_MS,
		    (long)call->connect_ms);
	h->connect_ms = call->connect_ms;
	if (easy_differs(&h->proxy, call->proxy))
		curl_easy_setopt(h->e, CURLOPT_PROXY,
		    call->proxy == NULL ? "" : call->proxy);
	if (easy_differs(&h->ca_file, call->ca_file))
		easy_trust(o, h);
	return h;
}

static void
easy_put(struct http_out *o, struct out_easy *h)
{
	curl_easy_setopt(h->e, CURLOPT_ERRORBUFFER, NULL);
	if (o->nkept == EASY_KEPT) {
		easy_free(h);
		return;
	}
	h->next = o->kept;
	o->kept = h;
	o->nkept++;
}

/* The lines stay put, so they need no copy. */
static struct curl_slist *
upstream_lines(struct upstream *up, const char *const *line)
{
	struct curl_slist	*l;
	size_t			 n = 0, i;

	while (line[n] != NULL)
		n++;
	l = arena_array(&up->up_arena, n + 1, sizeof(*l));
	for (i = 0; i < n; i++) {
		l[i].data = (char *)(uintptr_t)line[i];
		l[i].next = i + 1 < n ? &l[i + 1] : NULL;
	}
	return n > 0 ? l : NULL;
}

/*
 * No connection of a provider is used, whose address nobody judged for a
 * stranger's URL, and none is left for one; nor is the handle kept.
 */
static void
upstream_fetch_options(struct upstream *up, const struct upstream_call *call)
{
	CURL	*e = up->up_easy->e;

	up->up_private = call->allow_private;
	curl_easy_setopt(e, CURLOPT_HTTPGET, 1l);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_ms);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1l);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1l);
	curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, curl_open_cb);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, up);
}

static void
upstream_options(struct upstream *up, const struct upstream_call *call)
{
	CURL	*e = up->up_easy->e;

	curl_easy_setopt(e, CURLOPT_URL, call->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER,
	    upstream_lines(up, call->headers));
	if (call->fetch)
		upstream_fetch_options(up, call);
	else if (call->method != NULL && strcmp(call->method, "POST") != 0) {
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1l);
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method);
	} else {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)call->body.n);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body.p);
	}
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, call->stream ? READ_STREAM :
	    READ_SIZE);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, up->up_error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, up);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, up);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, up);
}

/* Only opens a connection, which ends in upstream_opened. */
void
upstream_connect(struct upstream *up, struct str authority)
{
	struct http_out	*o = up->up_out;
	char		*url;
	CURL		*e;

	up->up_easy = easy_new(o);
	up->up_once = true;
	e = up->up_easy->e;
	if (asprintf(&url, "http://%.*s/", STR_FMT(authority)) == -1)
		fatal("a provider's URL");
	curl_easy_setopt(e, CURLOPT_URL, url);	/* copies it */
	free(url);
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1l);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)up->up_connect_ms);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, up->up_error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, up);
	if (curl_multi_add_handle(o->multi, e) != CURLM_OK)
		fatalx("cannot start a transfer");
	loop_post(o->wk->loop, &o->start);
}

static void
upstream_easy_end(struct upstream *up)
{
	curl_multi_remove_handle(up->up_out->multi, up->up_easy->e);
	if (up->up_once)
		easy_free(up->up_easy);
	else
		easy_put(up->up_out, up->up_easy);
	up->up_easy = NULL;
}

static void
upstream_free_cb(void *arg)
{
	struct upstream	*up = arg;

	buf_release(&up->up_in);
	arena_release(&up->up_arena);
	free(up->up_lines);
	free(up);
}

struct upstream *
upstream_start(struct http_out *o, const struct upstream_call *call,
    void (*cb)(void *), void *arg)
{
	struct upstream	*up;

	_Static_assert(CURL_ERROR_SIZE <= sizeof(up->up_error),
	    "libcurl's error texts");
	if ((up = calloc(1, sizeof(*up))) == NULL)
		fatal("upstream");
	up->up_out = o;
	up->up_cb = cb;
	up->up_arg = arg;
	up->up_max = call->max_answer;
	up->up_connect_us = -1;
	up->up_task = (struct loop_task){ .cb = task_cb, .arg = up };
	up->up_free = (struct loop_task){ .cb = upstream_free_cb, .arg = up };
	buf_init(&up->up_in, (size_t)call->max_answer);
	arena_init(&up->up_arena);
	up->up_connect_ms = call->connect_ms;
	if (conn_start(o->conns, up, call))
		return up;
	up->up_once = call->fetch || call->method != NULL;
	up->up_easy = call->fetch ? easy_new(o) : easy_get(o, call);
	upstream_options(up, call);
	if (curl_multi_add_handle(o->multi, up->up_easy->e) != CURLM_OK)
		fatalx("cannot start a transfer");
	loop_post(o->wk->loop, &o->start);
	return up;
}

void
upstream_close(struct upstream *up)
{
	if (up == NULL)
		return;
	up->up_cb = NULL;
	if (up->up_conn != NULL)
		conn_abandon(up);
	if (up->up_easy != NULL)
		upstream_easy_end(up);
	loop_defer(up->up_out->wk->loop, &up->up_free);
}

void
upstream_taken(struct upstream *up)
{
	if (!up->up_paused || up->up_in.len > UPSTREAM_HIGH / 2)
		return;
	up->up_paused = false;
	if (up->up_conn != NULL)
		conn_resume(up);
	if (up->up_easy == NULL)
		return;
	/* Delivers what was held back, from within: the callbacks only post. */
	curl_easy_pause(up->up_easy->e, CURLPAUSE_CONT);
	loop_post(up->up_out->wk->loop, &up->up_out->finish);
}

void
upstream_again(struct upstream *up)
{
	if (up->up_in.len > 0 || up->up_done)
		upstream_post(up);
}

struct str
upstream_header(const struct upstream *up, const char *name)
{
	struct str	 line;
	size_t		 n = strlen(name);
	unsigned	 i;

	for (i = 0; i < up->up_nheaders; i++) {
		line = up->up_header[i];
		if (line.n > n && line.p[n] == ':' &&
		    strncasecmp(line.p, name, n) == 0)
			return str_trim(str_skip(line, n + 1));
	}
	return STR_NONE;
}

struct str
upstream_redirect(const struct upstream *up)
{
	char	*url = NULL;

	if (up->up_easy != NULL)
		curl_easy_getinfo(up->up_easy->e, CURLINFO_REDIRECT_URL, &url);
	return url == NULL ? STR_NONE : str_of(url);
}

/* --- life cycle ------------------------------------------------------------------------- */

struct http_out *
http_out_create(struct worker *wk)
{
	struct http_out	*o;

	if ((o = calloc(1, sizeof(*o))) == NULL)
		fatal("http_out");
	o->wk = wk;
	o->has_bundle = access(CA_BUNDLE, R_OK) == 0;
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
	    (o->multi = curl_multi_init()) == NULL)
		fatalx("cannot start libcurl");
	o->conns = conn_pool_create(o, wk->loop);
	o->timer = (struct loop_timer){ .cb = timer_cb, .arg = o };
	o->start = (struct loop_task){ .cb = start_cb, .arg = o };
	o->finish = (struct loop_task){ .cb = finish_cb, .arg = o };
	curl_multi_setopt(o->multi, CURLMOPT_SOCKETFUNCTION, curl_socket_cb);
	curl_multi_setopt(o->multi, CURLMOPT_SOCKETDATA, o);
	curl_multi_setopt(o->multi, CURLMOPT_TIMERFUNCTION, curl_timer_cb);
	curl_multi_setopt(o->multi, CURLMOPT_TIMERDATA, o);
	curl_multi_setopt(o->multi, CURLMOPT_PIPELINING,
	    (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, (long)CONNS_KEPT);
	return o;
}

void
http_out_destroy(struct http_out *o)
{
	struct out_easy	*h;
	int		 i;

	conn_pool_destroy(o->conns);
	while ((h = o->kept) != NULL) {
		o->kept = h->next;
		easy_free(h);
	}
	curl_multi_cleanup(o->multi);
	for (i = 0; i < o->nsocket; i++)
		free(o->socket[i]);
	free(o->socket);
	loop_timer_clear(o->wk->loop, &o->timer);
	free(o);
	curl_global_cleanup();
}
