/*
 * A canned provider: answers every generate request of every dialect with text
 * made beforehand, as fast as one thread on one core can.
 *
 * Two listeners: what comes to the first gets a whole body, what comes to the
 * second gets a stream of -n events, one each -t ms, the first at once.  Each
 * event's text begins with '@' and the monotonic clock in ns, 16 digits, so that
 * whoever reads it at the other end knows how long it was on its way.
 *
 * Prints "ready PORT PORT" and serves until it is killed.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "t/bench/canned.h"

#define HEAD_MAX	16384
#define NANO		1000000000LL
#define STAMP_DIGITS	16

enum conn_state {
	CONN_HEAD,		/* bytes of a head are collected */
	CONN_BODY,		/* the rest of a body is skipped */
	CONN_STREAM		/* events go out; input waits */
};

struct conn {
	int			 fd;
	bool			 streams;	/* came to the second port */
	enum conn_state		 state;
	struct canned		*what;
	char			 head[HEAD_MAX];
	size_t			 nhead;
	uint64_t		 body;		/* bytes still to skip */
	char			*out;		/* what the socket did not take */
	size_t			 nout;
	unsigned		 sent;		/* events */
	int64_t			 due;		/* ns; next event */
	struct conn		*next, **prev;	/* of streams, by due */
};

struct listener {
	int	 fd;
	bool	 streams;
};

static int		 epfd;
static unsigned		 nevents = 100;
static int64_t		 gap_ns = 20 * 1000 * 1000;
static size_t		 body_size = 500, text_size = 24;
static struct canned	*canned;
static struct conn	*due_first, **due_last = &due_first;
static char		 scratch[256 << 10];

static int64_t
now_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NANO + ts.tv_nsec;
}

/* --- streams by the time of their next event: one gap, so a queue will do ---- */

static void
due_add(struct conn *c)
{
	c->next = NULL;
	c->prev = due_last;
	*due_last = c;
	due_last = &c->next;
}

static void
due_remove(struct conn *c)
{
	if ((*c->prev = c->next) != NULL)
		c->next->prev = c->prev;
	else
		due_last = c->prev;
}

/* --- connections ------------------------------------------------------------ */

static void
conn_close(struct conn *c)
{
	if (c->state == CONN_STREAM)
		due_remove(c);
	close(c->fd);
	free(c->out);
	free(c);
}

static void
conn_watch(struct conn *c, uint32_t events)
{
	struct epoll_event	 ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
conn_keep(struct conn *c, const char *data, size_t n)
{
	if ((c->out = realloc(c->out, c->nout + n)) == NULL)
		err(1, NULL);
	memcpy(c->out + c->nout, data, n);
	c->nout += n;
}

/* -1: the peer is gone. */
static int
conn_write(struct conn *c, const char *data, size_t n)
{
	ssize_t	 r = 0;

	if (c->nout == 0) {
		r = send(c->fd, data, n, MSG_NOSIGNAL);
		if (r == -1 && errno != EAGAIN)
			return -1;
		if (r == -1)
			r = 0;
		if ((size_t)r == n)
			return 0;
		conn_watch(c, EPOLLIN | EPOLLOUT);
	}
	conn_keep(c, data + r, n - (size_t)r);
	return 0;
}

static int
conn_flush(struct conn *c)
{
	ssize_t	 r;

	if (c->nout == 0)
		return 0;
	if ((r = send(c->fd, c->out, c->nout, MSG_NOSIGNAL)) == -1)
		return errno == EAGAIN ? 0 : -1;
	c->nout -= (size_t)r;
	memmove(c->out, c->out + r, c->nout);
	if (c->nout == 0)
		conn_watch(c, EPOLLIN);
	return 0;
}

/* --- answers ---------------------------------------------------------------- */

/* One event with the time written into its place. */
static int
conn_event(struct conn *c)
{
	struct canned	*k = c->what;
	char		 number[STAMP_DIGITS + 8];

	snprintf(number, sizeof(number), "%016lld", (long long)now_ns());
	memcpy(k->event.p + k->stamp, number, STAMP_DIGITS);
	c->sent++;
	return conn_write(c, k->event.p, k->event.n);
}

/* The next event, or after the last one the end.  -1: the peer is gone. */
static int
conn_step(struct conn *c)
{
	if (c->sent < nevents) {
		due_remove(c);
		c->due += gap_ns;
		due_add(c);
		return conn_event(c);
	}
	due_remove(c);
	c->state = CONN_HEAD;
	return conn_write(c, c->what->tail.p, c->what->tail.n);
}

static int
conn_answer(struct conn *c)
{
	c->state = CONN_HEAD;
	if (!c->streams)
		return conn_write(c, c->what->plain.p, c->what->plain.n);
	c->state = CONN_STREAM;
	c->sent = 0;
	c->due = now_ns() + gap_ns;
	due_add(c);
	if (conn_write(c, c->what->start.p, c->what->start.n) == -1)
		return -1;
	return conn_event(c);
}

/* --- requests --------------------------------------------------------------- */

static uint64_t
content_length(struct str head)
{
	static const char	 name[] = "\r\ncontent-length:";
	const char		*p;

	for (p = head.p; p + sizeof(name) < head.p + head.n; p++)
		if (*p == '\r' && strncasecmp(p, name, sizeof(name) - 1) == 0)
			return strtoull(p + sizeof(name) - 1, NULL, 10);
	return 0;
}

/* A whole head is there, end bytes long.  -1: not for us. */
static int
conn_request(struct conn *c, size_t end)
{
	static const char	 go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct str		 head = { c->head, end };
	size_t			 rest = c->nhead - end;

	if ((c->what = canned_find(canned, head)) == NULL) {
		warnx("no such path: %.*s", (int)strcspn(c->head, "\r"),
		    c->head);
		return -1;
	}
	c->body = content_length(head);
	if (c->body > rest &&
	    memmem(head.p, head.n, "100-continue", 12) != NULL &&
	    conn_write(c, go_on, sizeof(go_on) - 1) == -1)
		return -1;
	if (rest > c->body)
		return -1;		/* no pipelining here */
	c->body -= rest;
	c->nhead = 0;
	c->state = CONN_BODY;
	return c->body == 0 ? conn_answer(c) : 0;
}

static int
conn_read_head(struct conn *c)
{
	char	*end;
	ssize_t	 n;

	n = recv(c->fd, c->head + c->nhead, sizeof(c->head) - c->nhead, 0);
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	c->nhead += (size_t)n;
	end = memmem(c->head, c->nhead, "\r\n\r\n", 4);
	if (end != NULL)
		return conn_request(c, (size_t)(end + 4 - c->head));
	return c->nhead == sizeof(c->head) ? -1 : 0;
}

static int
conn_read_body(struct conn *c)
{
	size_t	 most = c->body < sizeof(scratch) ? (size_t)c->body :
	    sizeof(scratch);
	ssize_t	 n = recv(c->fd, scratch, most, 0);

	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return -1;
	c->body -= (uint64_t)n;
	return c->body == 0 ? conn_answer(c) : 0;
}

static int
conn_read(struct conn *c)
{
	char	 byte;

	switch (c->state) {
	case CONN_HEAD:
		return conn_read_head(c);
	case CONN_BODY:
		return conn_read_body(c);
	case CONN_STREAM:
		/* Nothing is due while we answer, except the end. */
		return recv(c->fd, &byte, 1, MSG_PEEK) == 0 ? -1 : 0;
	}
	return -1;
}

static void
accept_all(const struct listener *l)
{
	struct epoll_event	 ev = { .events = EPOLLIN };
	struct conn		*c;
	int			 fd, on = 1;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if ((c = calloc(1, sizeof(*c))) == NULL)
			err(1, NULL);
		c->fd = fd;
		c->streams = l->streams;
		ev.data.ptr = c;
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == -1)
			err(1, "epoll_ctl");
	}
}

/* --- the loop --------------------------------------------------------------- */

static void
send_due(void)
{
	struct conn	*c;
	int64_t		 now = now_ns();

	while ((c = due_first) != NULL && c->due <= now)
		if (conn_step(c) == -1)
			conn_close(c);
}

static int
wait_events(struct epoll_event *ev, int n)
{
	struct timespec	 ts;
	int64_t		 wait;

	if (due_first == NULL)
		return epoll_wait(epfd, ev, n, -1);
	wait = due_first->due - now_ns();
	if (wait < 0)
		wait = 0;
	ts.tv_sec = wait / NANO;
	ts.tv_nsec = wait % NANO;
	return epoll_pwait2(epfd, ev, n, &ts, NULL);
}

static void
serve(const struct listener l[2])
{
	struct epoll_event	 ev[256];
	struct conn		*c;
	int			 i, n;

	for (;;) {
		n = wait_events(ev, 256);
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr == &l[0] ||
			    ev[i].data.ptr == &l[1]) {
				accept_all(ev[i].data.ptr);
				continue;
			}
			c = ev[i].data.ptr;
			if (((ev[i].events & EPOLLOUT) != 0 &&
			    conn_flush(c) == -1) ||
			    ((ev[i].events & ~(uint32_t)EPOLLOUT) != 0 &&
			    conn_read(c) == -1))
				conn_close(c);
		}
		send_due();
	}
}

static unsigned
listen_on(struct listener *l, bool streams)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	struct epoll_event	 ev = { .events = EPOLLIN, .data.ptr = l };
	socklen_t		 len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->streams = streams;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (l->fd == -1 || bind(l->fd, (void *)&sin, sizeof(sin)) == -1 ||
	    listen(l->fd, 4096) == -1 ||
	    getsockname(l->fd, (void *)&sin, &len) == -1 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, l->fd, &ev) == -1)
		err(1, "listen");
	return ntohs(sin.sin_port);
}

int
main(int argc, char **argv)
{
	struct listener	 l[2];
	unsigned	 plain, stream;
	int		 ch;

	while ((ch = getopt(argc, argv, "b:e:n:t:")) != -1) {
		switch (ch) {
		case 'b':
			body_size = strtoul(optarg, NULL, 10);
			break;
		case 'e':
			text_size = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			nevents = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			gap_ns = strtoll(optarg, NULL, 10) * 1000 * 1000;
			break;
		default:
			fprintf(stderr, "usage: upstream [-b body bytes] "
			    "[-e text bytes] [-n events] [-t ms]\n");
			return 1;
		}
	}
	if (nevents == 0 || gap_ns <= 0)
		errx(1, "no events");
	canned = canned_make(body_size, text_size);
	if ((epfd = epoll_create1(0)) == -1)
		err(1, "epoll");
	plain = listen_on(&l[0], false);
	stream = listen_on(&l[1], true);
	printf("ready %u %u\n", plain, stream);
	fflush(stdout);
	serve(l);
	return 0;
}
