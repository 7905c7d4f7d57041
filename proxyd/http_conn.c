/*
 * HTTP/1.1 over plain sockets.  Owns the connections that http_out.c opened for
 * it, idle and busy.
 *
 * A socket is registered once, level-triggered for reading, and stays so while
 * idle: whatever happens to it then (the provider closed it, or says something
 * unasked) ends it before it is used again.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "proxyd/http_conn.h"
#include "proxyd/inflate.h"
#include "wire/http1.h"

#define CONNS_IDLE	256		/* kept, a worker */
#define IDLE_MS		118000		/* by then one between may forget it */
#define READ_SIZE	(64u << 10)
#define READS		4		/* in one turn, for one connection */
#define REQUEST_HEAD	(256u << 10)

struct out_conn {
	struct conn_pool	*pool;
	struct conn_host	*host;
	struct loop_fd		 fd;		/* -1: not connected */
	struct upstream		*up;		/* NULL: idle */
	bool			 used;		/* carried an answer before */
	bool			 heard;		/* a byte of this answer */
	bool			 paused;	/* not registered */
	struct buf		 head;		/* of the request */
	struct str		 body;
	size_t			 sent;		/* of both */
	bool			 broken;	/* takes no more of them */
	struct http1		 answer;
	struct inflater		*inflater;	/* NULL: as it comes */
	int64_t			 idle_ms;	/* since when */
	TAILQ_ENTRY(out_conn)	 by_host, by_age;	/* while idle */
};

TAILQ_HEAD(conn_list, out_conn);

/* One "host:port". */
struct conn_host {
	struct str		 name;
	unsigned		 nconn;		/* idle or not */
	struct conn_list	 idle;		/* the last used first */
	LIST_ENTRY(conn_host)	 next;
};

LIST_HEAD(host_list, conn_host);

struct conn_pool {
	struct http_out		*out;
	struct loop		*loop;
	struct host_list	 hosts;		/* the last asked first */
	struct conn_list	 idle;		/* the last used first */
	unsigned		 nidle;
	char			 bytes[READ_SIZE];
};

/* --- hosts ------------------------------------------------------------------------ */

static struct conn_host *
host_get(struct conn_pool *p, struct str name)
{
	struct conn_host	*h;
	char			*copy;

	LIST_FOREACH(h, &p->hosts, next)
		if (str_eq(h->name, name))
			break;
	if (h != NULL && h != LIST_FIRST(&p->hosts))
		LIST_REMOVE(h, next);
	else if (h != NULL)
		return h;
	else {
		if ((h = calloc(1, sizeof(*h))) == NULL ||
		    (copy = strndup(name.p, name.n)) == NULL)
			fatal("host");
		h->name = (struct str){ copy, name.n };
		TAILQ_INIT(&h->idle);
	}
	LIST_INSERT_HEAD(&p->hosts, h, next);
	return h;
}

static void
host_put(struct conn_host *h)
{
	if (--h->nconn > 0)
		return;
	LIST_REMOVE(h, next);
	free((char *)(uintptr_t)h->name.p);
	free(h);
}

/* --- a connection's life ------------------------------------------------------------- */

static void	 conn_event_cb(void *, uint32_t);

static struct out_conn *
conn_new(struct conn_pool *p, struct conn_host *h)
{
	struct out_conn	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("connection");
	c->pool = p;
	c->host = h;
	h->nconn++;
	c->fd = (struct loop_fd){ .fd = -1, .cb = conn_event_cb, .arg = c };
	buf_init(&c->head, REQUEST_HEAD);
	http1_init(&c->answer);
	return c;
}

static void
conn_shut(struct out_conn *c)
{
	if (c->fd.fd == -1)
		return;
	if (!c->paused)
		loop_del(c->pool->loop, &c->fd);
	close(c->fd.fd);
	c->fd.fd = -1;
	c->paused = false;
}

static void
conn_unlink(struct out_conn *c)
{
	TAILQ_REMOVE(&c->host->idle, c, by_host);
	TAILQ_REMOVE(&c->pool->idle, c, by_age);
	c->pool->nidle--;
}

static void
conn_free(struct out_conn *c)
{
	conn_shut(c);
	host_put(c->host);
	buf_release(&c->head);
	http1_release(&c->answer);
	inflater_free(c->inflater);
	free(c);
}

static void
conn_drop_idle(struct out_conn *c)
{
	conn_unlink(c);
	conn_free(c);
}

static void
conn_watch(struct out_conn *c, uint32_t events)
{
	if (loop_mod(c->pool->loop, &c->fd, events) == -1)
		fatal("cannot watch a provider's socket");
}

/* What was of the last answer goes. */
static void
conn_answer_begin(struct out_conn *c)
{
	http1_release(&c->answer);
	http1_init(&c->answer);
	inflater_free(c->inflater);
	c->inflater = NULL;
}

/* The call is over: idle, or gone. */
static void
conn_release(struct out_conn *c, bool keep)
{
	struct conn_pool	*p = c->pool;

	c->up->up_conn = NULL;
	c->up = NULL;
	if (!keep) {
		conn_free(c);
		return;
	}
	buf_clear(&c->head);
	conn_answer_begin(c);
	c->body = STR_NONE;
	c->used = true;
	c->idle_ms = loop_now(p->loop);
	TAILQ_INSERT_HEAD(&c->host->idle, c, by_host);
	TAILQ_INSERT_HEAD(&p->idle, c, by_age);
	if (++p->nidle > CONNS_IDLE)
		conn_drop_idle(TAILQ_LAST(&p->idle, conn_list));
}

/* Of a connection that is closed before its answer has ended. */
static enum upstream_fault
fault_of_end(const struct out_conn *c)
{
	return c->heard ? UPSTREAM_CUT : UPSTREAM_CONNECT;
}

/*
 * The provider may have closed a kept connection before it saw the request: if
 * not a byte of an answer came, it is sent anew, once, over a new one.
 */
static void
conn_fail(struct out_conn *c, enum upstream_fault fault, const char *why)
{
	struct upstream	*up = c->up;

	if (up->up_headers_done)
		fault = UPSTREAM_CUT;
	if (c->used && !c->heard) {
		conn_shut(c);
		conn_answer_begin(c);
		c->used = false;
		upstream_connect(up, c->host->name);
		return;
	}
	conn_release(c, false);
	upstream_end(up, fault, why);
}

/* --- the request out --------------------------------------------------------------- */

/*
 * 0: gone, or some of it for now.  -1: failed; what the provider may have said
 * before it stopped reading is read first.
 */
static int
conn_send(struct out_conn *c)
{
	struct iovec	 iov[2];
	struct msghdr	 m = { .msg_iov = iov };
	size_t		 total = c->head.len + c->body.n, skip;
	ssize_t		 n;

	if (c->sent < c->head.len) {
		iov[m.msg_iovlen++] = (struct iovec){ c->head.data + c->sent,
		    c->head.len - c->sent };
		skip = 0;
	} else
		skip = c->sent - c->head.len;
	if (c->body.n > skip)
		iov[m.msg_iovlen++] = (struct iovec){
		    (char *)(uintptr_t)c->body.p + skip, c->body.n - skip };
	do {
		n = sendmsg(c->fd.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN) {
		c->broken = true;
		return -1;
	}
	if (n > 0)
		c->sent += (size_t)n;
	conn_watch(c, c->sent < total ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return 0;
}

static bool
conn_sending(const struct out_conn *c)
{
	return !c->broken && c->sent < c->head.len + c->body.n;
}

/* --- the answer in ------------------------------------------------------------------- */

static int
inflated_cb(void *arg, struct str s)
{
	return upstream_add(arg, s.p, s.n);
}

/* NULL, or why it is no good. */
static const char *
conn_head(struct out_conn *c, struct str lines)
{
	struct upstream	*up = c->up;
	struct str	 coding, line;

	/* An arena would take 4 KiB, as long as a stream is open. */
	if ((up->up_lines = malloc(lines.n + 1)) == NULL)
		fatal("an answer's head");
	memcpy(up->up_lines, lines.p, lines.n);
	lines.p = up->up_lines;
	while (up->up_nheaders < UPSTREAM_HEADERS && http1_field(&lines, &line))
		up->up_header[up->up_nheaders++] = line;
	coding = upstream_header(up, "Content-Encoding");
	if (coding.n > 0 && (c->inflater = inflater_new(coding)) == NULL)
		return "its Content-Encoding is not known";
	upstream_head_done(up, c->answer.status);
	return NULL;
}

static const char *
conn_body(struct out_conn *c, struct str s)
{
	if (c->inflater == NULL)
		return upstream_add(c->up, s.p, s.n) == 0 ? NULL :
		    "its answer is too large";
	return inflater_feed(c->inflater, s, inflated_cb, c->up) == 0 ? NULL :
	    "its compressed answer is damaged";
}

static void
conn_done(struct out_conn *c, bool keep)
{
	struct upstream	*up = c->up;

	if (c->inflater != NULL && inflater_end(c->inflater) == -1) {
		conn_fail(c, UPSTREAM_CUT, "its compressed answer is cut off");
		return;
	}
	conn_release(c, keep && !c->broken);
	upstream_end(up, UPSTREAM_OK, NULL);
}

/* false: the call is over, and the connection may be gone. */
static bool
conn_answer(struct out_conn *c, struct str in)
{
	struct str	 out;
	const char	*why = NULL;

	c->heard = true;
	for (;;) {
		switch (http1_next(&c->answer, &in, &out)) {
		case HTTP1_MORE:
			return true;
		case HTTP1_HEAD:
			why = conn_head(c, out);
			break;
		case HTTP1_BODY:
			why = conn_body(c, out);
			break;
		case HTTP1_END:
			conn_done(c, c->answer.keep && in.n == 0 &&
			    !conn_sending(c));
			return false;
		case HTTP1_FAULT:
			why = c->answer.fault;
			break;
		}
		if (why != NULL) {
			conn_fail(c, UPSTREAM_BAD, why);
			return false;
		}
	}
}

static void
conn_pause(struct out_conn *c)
{
	loop_del(c->pool->loop, &c->fd);
	c->paused = true;
	c->up->up_paused = true;
}

static void
conn_read(struct out_conn *c)
{
	unsigned	 i;
	ssize_t		 n;

	for (i = 0; i < READS; i++) {
		if (upstream_full(c->up)) {
			conn_pause(c);
			return;
		}
		n = recv(c->fd.fd, c->pool->bytes, READ_SIZE, MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR) &&
		    !c->broken)
			return;
		if (n == -1) {
			conn_fail(c, fault_of_end(c), errno == ECONNRESET ||
			    c->broken ? "it reset the connection" :
			    strerror(errno));
			return;
		}
		if (n == 0) {
			if (http1_eof(&c->answer) == -1)
				conn_fail(c, fault_of_end(c),
				    c->answer.fault);
			else
				conn_done(c, false);
			return;
		}
		if (!conn_answer(c, (struct str){ c->pool->bytes, (size_t)n }))
			return;
		if ((size_t)n < READ_SIZE && !c->broken)
			return;
	}
}

static void
conn_event_cb(void *arg, uint32_t events)
{
	struct out_conn	*c = arg;

	if (c->up == NULL) {
		conn_drop_idle(c);
		return;
	}
	if ((events & EPOLLOUT) && conn_sending(c) && conn_send(c) == -1)
		events |= EPOLLIN;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		conn_read(c);
}

/* --- calls ----------------------------------------------------------------------------- */

static void
conn_begin(struct out_conn *c)
{
	c->sent = 0;
	c->heard = c->broken = false;
	if (conn_send(c) == -1)
		conn_read(c);
}

void
conn_connected(struct upstream *up, int fd)
{
	struct out_conn	*c = up->up_conn;

	c->fd.fd = fd;
	if (loop_add(c->pool->loop, &c->fd, EPOLLIN) == -1)
		fatal("cannot watch a provider's socket");
	conn_begin(c);
}

/* One that is idle, else a new one, not connected. */
static struct out_conn *
conn_get(struct conn_pool *p, struct str name)
{
	struct conn_host	*h = host_get(p, name);
	struct out_conn		*c, *fresh;

	if ((c = TAILQ_FIRST(&h->idle)) != NULL &&
	    loop_now(p->loop) - c->idle_ms < IDLE_MS) {
		conn_unlink(c);
		return c;
	}
	fresh = conn_new(p, h);		/* holds the host */
	while ((c = TAILQ_FIRST(&h->idle)) != NULL)
		conn_drop_idle(c);	/* all are older */
	return fresh;
}

bool
conn_start(struct conn_pool *p, struct upstream *up,
    const struct upstream_call *call)
{
	struct http1_url	 u;
	struct out_conn		*c;

	if (call->fetch || call->proxy != NULL || (call->method != NULL &&
	    strcmp(call->method, "POST") != 0) ||
	    http1_url(&u, call->url) == -1)
		return false;
	c = conn_get(p, u.authority);
	c->up = up;
	up->up_conn = c;
	c->body = call->body;
	if (http1_request(&c->head, "POST", &u, call->headers,
	    call->body.n) == -1) {
		conn_release(c, false);
		upstream_end(up, UPSTREAM_CONNECT,
		    "a header of the request cannot be written");
	} else if (c->fd.fd == -1)
		upstream_connect(up, c->host->name);
	else {
		up->up_connect_us = 0;
		conn_begin(c);
	}
	return true;
}

void
conn_abandon(struct upstream *up)
{
	conn_release(up->up_conn, false);
}

void
conn_resume(struct upstream *up)
{
	struct out_conn	*c = up->up_conn;

	if (!c->paused)
		return;
	c->paused = false;
	if (loop_add(c->pool->loop, &c->fd, conn_sending(c) ?
	    EPOLLIN | EPOLLOUT : EPOLLIN) == -1)
		fatal("cannot watch a provider's socket");
}

struct conn_pool *
conn_pool_create(struct http_out *o, struct loop *l)
{
	struct conn_pool	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("connections");
	p->out = o;
	p->loop = l;
	LIST_INIT(&p->hosts);
	TAILQ_INIT(&p->idle);
	return p;
}

/* Those that are busy were closed with their calls. */
void
conn_pool_destroy(struct conn_pool *p)
{
	while (!TAILQ_EMPTY(&p->idle))
		conn_drop_idle(TAILQ_FIRST(&p->idle));
	free(p);
}
