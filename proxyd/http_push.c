/*
 * Pieces of a stream on their way to the client, past libmicrohttpd: while its
 * connection is suspended it leaves the socket alone, and each piece is framed
 * by itself, so that neither can tell who sent it.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "proxyd/http_push.h"

#define SIZE_MAX_LEN	(2 * sizeof(size_t) + 2)	/* in hex, line end */

void
push_init(struct push *p, size_t max)
{
	buf_init(&p->rest, max);
	p->off = 0;
}

void
push_release(struct push *p)
{
	buf_release(&p->rest);
	p->off = 0;
}

bool
push_waits(const struct push *p)
{
	return p->off < p->rest.len;
}

/* The line before a chunk, at the end of text. */
static struct str
size_line(char text[SIZE_MAX_LEN], size_t n)
{
	char	*end = text + SIZE_MAX_LEN, *p = end;

	*--p = '\n';
	*--p = '\r';
	do {
		*--p = "0123456789abcdef"[n % 16];
		n /= 16;
	} while (n > 0);
	return (struct str){ p, (size_t)(end - p) };
}

/* Bytes that went; 0 where the socket is full; -1. */
static ssize_t
send_parts(int fd, struct iovec *iov, size_t n)
{
	struct msghdr	 msg = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t		 sent;

	do
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent == -1 && errno == EINTR);
	return sent == -1 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 :
	    sent;
}

int
push_send(struct push *p, int fd, struct str piece, bool chunk)
{
	char		 text[SIZE_MAX_LEN];
	struct str	 part[] = { STR(""), piece, STR("") };
	struct iovec	 iov[3];
	size_t		 i, sum = 0;
	ssize_t		 sent;

	if (chunk) {
		part[0] = size_line(text, piece.n);
		part[2] = STR("\r\n");
	}
	for (i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ (void *)(uintptr_t)part[i].p,
		    part[i].n };
		sum += part[i].n;
	}
	if ((sent = send_parts(fd, iov, 3)) == -1)
		return -1;
	if ((size_t)sent == sum)
		return 0;
	for (i = 0; i < 3; i++) {
		if ((size_t)sent < part[i].n)
			(void)buf_adds(&p->rest, str_skip(part[i],
			    (size_t)sent));
		sent -= (size_t)sent < part[i].n ? sent :
		    (ssize_t)part[i].n;
	}
	if (!buf_ok(&p->rest)) {
		errno = ENOBUFS;
		return -1;
	}
	return 1;
}

int
push_rest(struct push *p, int fd)
{
	struct iovec	 iov = { p->rest.data + p->off,
			    p->rest.len - p->off };
	ssize_t		 sent;

	if (!push_waits(p))
		return 0;
	if ((sent = send_parts(fd, &iov, 1)) == -1)
		return -1;
	p->off += (size_t)sent;
	if (push_waits(p))
		return 1;
	push_release(p);
	return 0;
}
