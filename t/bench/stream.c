/*
 * A client of many streams at once: opens -k of them within -r ms, each with
 * one POST, and reads until their ends.  The events carry the time at which
 * upstream.c sent them.
 *
 * Prints "open" when each stream has had its first event, and at the end one
 * JSON object: events, streams that failed, and in us, p50, p99 and the most of
 * first (request sent to first event read), delay (event sent to event read)
 * and gap (between two events of one stream).
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NANO		1000000000LL
#define STAMP_DIGITS	16
#define QUIET_MS	30000		/* then what is still open has failed */

struct samples {
	int64_t	*v;
	size_t	 n, cap;
};

struct stream {
	int	 fd;
	int64_t	 asked;			/* ns */
	int64_t	 last;			/* event; 0: none yet */
	int64_t	 stamp;			/* as far as it is read */
	int	 digits;		/* 0: none is being read; 1: '@' seen */
	bool	 headed;		/* the status was looked at */
	char	 end[5];		/* of what came */
};

static int		 epfd;
static unsigned		 nopen, nbegun, ndone, nfailed;
static size_t		 nevents;
static struct samples	 first, delay, gap;
static char		*request;
static size_t		 nrequest;
static struct sockaddr_in sin_gateway = { .sin_family = AF_INET };

static int64_t
now_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NANO + ts.tv_nsec;
}

/* --- figures ---------------------------------------------------------------- */

static void
sample(struct samples *s, int64_t v)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 4096 : 2 * s->cap;
		if ((s->v = reallocarray(s->v, s->cap, sizeof(*s->v))) == NULL)
			err(1, NULL);
	}
	s->v[s->n++] = v;
}

static int
cmp(const void *a, const void *b)
{
	int64_t	 x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
print_samples(const char *name, struct samples *s)
{
	double	 p50 = 0, p99 = 0, most = 0;

	if (s->n > 0) {
		qsort(s->v, s->n, sizeof(*s->v), cmp);
		p50 = (double)s->v[s->n / 2] / 1000;
		p99 = (double)s->v[s->n * 99 / 100] / 1000;
		most = (double)s->v[s->n - 1] / 1000;
	}
	printf(",\"%s\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}", name, p50,
	    p99, most);
}

/* --- streams ---------------------------------------------------------------- */

static void
stream_open(struct stream *s)
{
	struct epoll_event	 ev = { .events = EPOLLIN, .data.ptr = s };
	size_t			 off = 0;
	ssize_t			 n;
	int			 on = 1;

	nopen++;
	if ((s->fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (connect(s->fd, (void *)&sin_gateway, sizeof(sin_gateway)) == -1)
		err(1, "connect");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->asked = now_ns();
	for (; off < nrequest; off += (size_t)n)
		if ((n = send(s->fd, request + off, nrequest - off,
		    MSG_NOSIGNAL)) == -1)
			err(1, "send");
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
stream_close(struct stream *s, bool good)
{
	close(s->fd);
	ndone++;
	if (!good)
		nfailed++;
}

static void
stream_event(struct stream *s, int64_t now)
{
	nevents++;
	sample(&delay, now - s->stamp);
	if (s->last != 0)
		sample(&gap, now - s->last);
	else {
		sample(&first, now - s->asked);
		nbegun++;
	}
	s->last = now;
}

/* Finds the stamps, wherever reads cut them. */
static void
stream_scan(struct stream *s, const char *p, size_t n, int64_t now)
{
	const char	*end = p + n;

	while (p < end) {
		if (s->digits == 0) {
			if ((p = memchr(p, '@', (size_t)(end - p))) == NULL)
				return;
			p++;
			s->digits = 1;
			s->stamp = 0;
			continue;
		}
		if (*p < '0' || *p > '9') {
			s->digits = 0;
			continue;
		}
		s->stamp = s->stamp * 10 + (*p++ - '0');
		if (s->digits++ == STAMP_DIGITS) {
			s->digits = 0;
			stream_event(s, now);
		}
	}
}

static void
stream_keep_end(struct stream *s, const char *p, size_t n)
{
	size_t	 keep = sizeof(s->end);

	if (n >= keep) {
		memcpy(s->end, p + n - keep, keep);
		return;
	}
	memmove(s->end, s->end + n, keep - n);
	memcpy(s->end + keep - n, p, n);
}

static void
stream_read(struct stream *s)
{
	static char	 data[64 << 10];
	ssize_t		 n = recv(s->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		stream_close(s, false);
		return;
	}
	if (!s->headed && (n < 12 || memcmp(data + 8, " 200", 4) != 0)) {
		warnx("%.*s", (int)n, data);
		stream_close(s, false);
		return;
	}
	s->headed = true;
	stream_scan(s, data, (size_t)n, now_ns());
	stream_keep_end(s, data, (size_t)n);
	if (memcmp(s->end, "0\r\n\r\n", sizeof(s->end)) == 0)
		stream_close(s, true);
}

/* --- the run ---------------------------------------------------------------- */

static void
run(struct stream *st, unsigned k, int64_t ramp)
{
	struct epoll_event	 ev[256];
	int64_t			 t0 = now_ns();
	bool			 told = false;
	int			 i, n;

	while (ndone < k) {
		while (nopen < k && now_ns() - t0 >= ramp * nopen / k)
			stream_open(&st[nopen]);
		n = epoll_wait(epfd, ev, 256, nopen < k ? 1 : QUIET_MS);
		if (n == 0 && nopen == k) {
			nfailed += k - ndone;
			return;
		}
		for (i = 0; i < n; i++)
			stream_read(ev[i].data.ptr);
		if (!told && nbegun + nfailed >= k) {
			told = true;
			printf("open\n");
			fflush(stdout);
		}
	}
}

static void
make_request(const char *path, const char *file, const char *auth)
{
	struct stat	 sb;
	size_t		 n;
	char		*p;
	int		 fd, head;

	if ((fd = open(file, O_RDONLY)) == -1 || fstat(fd, &sb) == -1)
		err(1, "%s", file);
	head = asprintf(&p, "POST %s HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: application/json\r\n%s%s%s"
	    "Content-Length: %lld\r\n\r\n", path,
	    auth == NULL ? "" : "Authorization: Bearer ",
	    auth == NULL ? "" : auth, auth == NULL ? "" : "\r\n",
	    (long long)sb.st_size);
	if (head == -1)
		err(1, NULL);
	n = (size_t)head + (size_t)sb.st_size;
	if ((request = realloc(p, n)) == NULL)
		err(1, NULL);
	if (read(fd, request + head, (size_t)sb.st_size) != sb.st_size)
		err(1, "%s", file);
	nrequest = n;
	close(fd);
}

int
main(int argc, char **argv)
{
	const char	*path = "/v1/messages", *file = NULL, *auth = NULL;
	unsigned	 k = 1;
	struct stream	*st;
	int64_t		 ramp = NANO / 2;
	int		 ch;

	sin_gateway.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((ch = getopt(argc, argv, "a:f:k:p:r:u:")) != -1) {
		switch (ch) {
		case 'a':
			auth = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'k':
			k = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			sin_gateway.sin_port = htons((uint16_t)strtoul(optarg,
			    NULL, 10));
			break;
		case 'r':
			ramp = strtoll(optarg, NULL, 10) * 1000 * 1000;
			break;
		case 'u':
			path = optarg;
			break;
		default:
			file = NULL;
			break;
		}
	}
	if (file == NULL || k == 0) {
		fprintf(stderr, "usage: stream -p port -f body [-k streams] "
		    "[-r ms] [-u path] [-a key]\n");
		return 1;
	}
	make_request(path, file, auth);
	if ((epfd = epoll_create1(0)) == -1 ||
	    (st = calloc(k, sizeof(*st))) == NULL)
		err(1, NULL);
	run(st, k, ramp);
	printf("{\"streams\":%u,\"failed\":%u,\"events\":%zu", k, nfailed,
	    nevents);
	print_samples("first", &first);
	print_samples("delay", &delay);
	print_samples("gap", &gap);
	printf("}\n");
	free(first.v);
	free(delay.v);
	free(gap.v);
	free(request);
	free(st);
	return 0;
}
