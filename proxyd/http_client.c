/*
 * Each descriptor stands in our own epoll, edge-triggered: a suspended
 * connection does not notice that its client left, a parked one not that it
 * speaks, and one that nothing has come on is nobody else's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyd/http_client.h"
#include "proxyd/http_in.h"
#include "wire/http1.h"

#define LARGE_BODY	(64 << 10)	/* and more */
#define LOOK_MAX	4096		/* of a head, for its Content-Length */
#define CONN_EVENTS	(EPOLLIN | EPOLLRDHUP | EPOLLET)
#define CONN_IDLE_S	75		/* as libmicrohttpd's, for the silent */
#define ACCEPT_BATCH	32
#define ACCEPT_PAUSE_MS	100		/* when descriptors have run out */
#define DRAIN_GRACE_MS	1000		/* a request may be on its way */
#define DRAIN_LOOK_MS	100
#define TICK_MS		1000
/* libmicrohttpd walks all that are suspended when it resumes one. */
#define PARKED_MAX	128

struct clients {
	struct worker		*wk;
	struct http_in		*in;
	struct loop_fd		 listen_fd;
	bool			 listening;
	struct conn		*conns;
	unsigned		 n;
	unsigned		 waiting;	/* nothing has come on them */
	struct conn		*done;		/* their calls, in this turn */
	struct conn		*parked;	/* the last one first */
	unsigned		 nparked;
	struct loop_timer	 pause;
	struct loop_timer	 tick;		/* those at rest for long */
	struct loop_timer	 drain;		/* looks for idle connections */
};

/* --- at rest ---------------------------------------------------------------------- */

static void
rest_in(struct conn *cn, struct conn **list)
{
	if ((cn->rest_next = *list) != NULL)
		cn->rest_next->rest_prev = &cn->rest_next;
	cn->rest_prev = list;
	*list = cn;
}

static void
rest_out(struct conn *cn)
{
	if (cn->rest_prev == NULL)
		return;
	if ((*cn->rest_prev = cn->rest_next) != NULL)
		cn->rest_next->rest_prev = cn->rest_prev;
	cn->rest_prev = NULL;
	if (cn->parked)
		cn->all->nparked--;
	cn->parked = false;
}

void
conn_done(struct conn *cn)
{
	if (cn->rest_prev == NULL)
		rest_in(cn, &cn->all->done);
}

/* libmicrohttpd has read all that has come, and nothing has come since. */
static bool
conn_may_park(struct conn *cn)
{
	struct clients	*all = cn->all;
	char		 c;

	if (cn->call != NULL || cn->gone || cn->ended || all->wk->draining ||
	    all->nparked == PARKED_MAX)
		return false;
	if (!cn->stirred)
		return true;
	cn->stirred = false;
	return recv(cn->fd.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	    errno == EAGAIN;
}

void
clients_park(struct clients *all)
{
	struct conn	*cn;

	while ((cn = all->done) != NULL) {
		rest_out(cn);
		if (conn_may_park(cn)) {
			rest_in(cn, &all->parked);
			cn->parked = true;
			all->nparked++;
			http_in_suspend(cn);
		} else if (cn->call == NULL)
			http_in_idle(cn);
	}
}

/* libmicrohttpd's again. */
static void
conn_leave(struct conn *cn)
{
	rest_out(cn);
	http_in_resume(cn);
}

/* --- one connection ----------------------------------------------------------------- */

void
conn_free(struct conn *cn)
{
	struct clients	*all = cn->all;

	rest_out(cn);
	loop_forget(all->wk->loop, &cn->fd);
	if ((*cn->prev = cn->next) != NULL)
		cn->next->prev = cn->prev;
	if (cn->side == NULL)
		all->waiting--;
	all->n--;
	all->wk->row->open = all->n;
	free(cn);
	worker_check(all->wk);
}

/* One that has said nothing. */
static void
conn_drop(struct conn *cn)
{
	int	 fd = cn->fd.fd;

	loop_del(cn->all->wk->loop, &cn->fd);
	conn_free(cn);
	close(fd);
}

void
conn_watch(struct conn *cn, bool write)
{
	if (loop_mod(cn->all->wk->loop, &cn->fd, write ? CONN_EVENTS |
	    EPOLLOUT : CONN_EVENTS) == -1)
		log_warn("epoll_ctl");
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
 * Gives a connection to libmicrohttpd with a look at what it sends first, which
 * stays unread.  0: nothing has come yet.  -1: it could not, and is gone.
 */
static int
conn_begin(struct conn *cn)
{
	char	 head[LOOK_MAX];
	ssize_t	 n = recv(cn->fd.fd, head, sizeof(head),
		    MSG_PEEK | MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	cn->all->waiting--;
	return http_in_take(cn->all->in, cn, n > 0 &&
	    announces_large((struct str){ head, (size_t)n })) ? 1 : -1;
}

static void
conn_event_cb(void *arg, uint32_t events)
{
	struct conn	*cn = arg;

	if (cn->parked)
		conn_leave(cn);
	else if (cn->side != NULL)
		cn->stirred = cn->stirred || (events & EPOLLIN) != 0;
	else if (conn_begin(cn) != 1)
		return;
	if ((events & EPOLLOUT) != 0 && cn->call != NULL)
		call_room(cn->call);
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 || cn->ended)
		return;
	cn->gone = true;
	if (cn->call != NULL && call_left(cn->call))
		return;
	/*
	 * MHD reads once an edge: where the end came with data it has not seen
	 * it.  This wakes it again; what is queued can still be read.
	 */
	shutdown(cn->fd.fd, SHUT_RD);
	http_in_look(cn);
}

static void
conn_peer(struct conn *cn)
{
	const struct sockaddr_in	*v4 = (const void *)&cn->addr;
	const struct sockaddr_in6	*v6 = (const void *)&cn->addr;

	if (cn->addr.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, cn->peer, sizeof(cn->peer));
		cn->loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	} else if (cn->addr.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, cn->peer,
		    sizeof(cn->peer));
		cn->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
		    v6->sin6_addr.s6_addr[12] == 127);
	}
}

/* As libmicrohttpd would, which counts only those of one side. */
static bool
conn_too_many(const struct clients *all, int fd, const char *peer)
{
	if (all->n < (unsigned)all->wk->process.max_connections)
		return false;
	log_warnx("connection of %s refused: too many", peer);
	close(fd);
	return true;
}

static void
conn_open(struct clients *all, int fd, const struct sockaddr_storage *ss,
    socklen_t len)
{
	struct conn	*cn;
	int		 on = 1;

	if ((cn = calloc(1, sizeof(*cn))) == NULL)
		fatal("connection");
	cn->all = all;
	cn->idle_ms = loop_now(all->wk->loop);
	cn->fd.fd = fd;
	cn->fd.cb = conn_event_cb;
	cn->fd.arg = cn;
	cn->addr = *ss;
	cn->addr_len = len;
	conn_peer(cn);
	all->wk->row->stat.connections++;
	if (conn_too_many(all, fd, cn->peer)) {
		free(cn);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((cn->next = all->conns) != NULL)
		cn->next->prev = &cn->next;
	all->conns = cn;
	cn->prev = &all->conns;
	all->n++;
	all->waiting++;
	all->wk->row->open = all->n;
	if (conn_begin(cn) != -1 &&
	    loop_add(all->wk->loop, &cn->fd, CONN_EVENTS) == -1)
		fatal("epoll_ctl");
}

/* --- the listener ---------------------------------------------------------------------- */

static void
listen_stop(struct clients *all)
{
	if (all->listening)
		loop_del(all->wk->loop, &all->listen_fd);
	all->listening = false;
}

static void
listen_start(struct clients *all)
{
	if (all->listening || all->wk->draining)
		return;
	if (loop_add(all->wk->loop, &all->listen_fd,
	    EPOLLIN | EPOLLEXCLUSIVE) == -1)
		fatal("cannot watch the listener");
	all->listening = true;
}

static void
pause_cb(void *arg)
{
	listen_start(arg);
}

/* Accepts one; false: none is there, or none can be had now. */
static bool
listen_accept(struct clients *all)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	int			 fd;

	fd = accept4(all->listen_fd.fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		conn_open(all, fd, &ss, len);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		log_warn("cannot accept a connection");
		listen_stop(all);
		loop_timer_set(all->wk->loop, &all->pause, ACCEPT_PAUSE_MS);
	}
	return false;
}

static void
listen_cb(void *arg, uint32_t events)
{
	struct clients	*all = arg;
	int		 i;

	(void)events;
	for (i = 0; i < ACCEPT_BATCH && listen_accept(all); i++)
		continue;
}

/* --- time -------------------------------------------------------------------------------- */

/* libmicrohttpd knows of neither, and ends those that are idle for long. */
static void
tick_cb(void *arg)
{
	struct clients	*all = arg;
	struct conn	*cn, *next;
	int64_t		 now = loop_now(all->wk->loop);

	for (cn = all->waiting > 0 ? all->conns : NULL; cn != NULL; cn = next) {
		next = cn->next;
		if (cn->side == NULL && cn->idle_ms <= now - CONN_IDLE_S * 1000)
			conn_drop(cn);
	}
	for (cn = all->parked; cn != NULL; cn = next) {
		next = cn->rest_next;
		if (cn->idle_ms <= now - TICK_MS)
			conn_leave(cn);
	}
	loop_timer_set(all->wk->loop, &all->tick, TICK_MS);
}

/*
 * A kept-alive connection may carry a request that is not here yet.  So idle
 * ones live for a grace, in which the next answer says "Connection: close";
 * then they end, but for those where bytes wait to be read.
 */
static void
drain_cb(void *arg)
{
	struct clients	*all = arg;
	struct conn	*cn, *next;
	int64_t		 old = loop_now(all->wk->loop) - DRAIN_GRACE_MS;
	char		 c;

	for (cn = all->conns; cn != NULL; cn = next) {
		next = cn->next;
		if (cn->ended || cn->idle_ms > old ||
		    (cn->call != NULL && call_open(cn->call)) ||
		    recv(cn->fd.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
			continue;
		if (cn->side == NULL) {
			conn_drop(cn);
			continue;
		}
		cn->ended = true;
		shutdown(cn->fd.fd, SHUT_RD);
		http_in_look(cn);
	}
	loop_timer_set(all->wk->loop, &all->drain, DRAIN_LOOK_MS);
}

/* --- life cycle ---------------------------------------------------------------------------- */

struct clients *
clients_create(struct worker *wk, struct http_in *in)
{
	struct clients	*all;

	if ((all = calloc(1, sizeof(*all))) == NULL)
		fatal("clients");
	all->wk = wk;
	all->in = in;
	all->listen_fd = (struct loop_fd){ .fd = wk->listen_fd,
	    .cb = listen_cb, .arg = all };
	all->pause = (struct loop_timer){ .cb = pause_cb, .arg = all };
	all->tick = (struct loop_timer){ .cb = tick_cb, .arg = all };
	all->drain = (struct loop_timer){ .cb = drain_cb, .arg = all };
	listen_start(all);
	tick_cb(all);
	return all;
}

void
clients_drain(struct clients *all)
{
	struct conn	*cn;

	listen_stop(all);
	loop_timer_clear(all->wk->loop, &all->pause);
	/* We may have been the one to be woken for them. */
	while (listen_accept(all))
		continue;
	while (all->parked != NULL)
		conn_leave(all->parked);
	for (cn = all->conns; cn != NULL; cn = cn->next)
		cn->idle_ms = loop_now(all->wk->loop);
	drain_cb(all);
}

unsigned
clients_count(const struct clients *all)
{
	return all->n;
}

void
clients_abort(struct clients *all)
{
	struct conn	*cn, *next;

	while (all->parked != NULL)
		conn_leave(all->parked);
	for (cn = all->conns; cn != NULL; cn = next) {
		next = cn->next;
		if (cn->side == NULL)
			conn_drop(cn);
		else if (cn->call != NULL)
			call_abort(cn->call);
	}
	loop_timer_clear(all->wk->loop, &all->tick);
	loop_timer_clear(all->wk->loop, &all->pause);
	loop_timer_clear(all->wk->loop, &all->drain);
}

void
clients_destroy(struct clients *all)
{
	must(all->conns == NULL);
	free(all);
}
