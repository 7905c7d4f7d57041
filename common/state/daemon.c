/*
 * Daemons from outside: pid files with a lock, the control socket's other end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/daemon.h"
#include "state/shm.h"

#define LOCK_TRIES	50		/* of 10 ms */
#define PID_TEXT	512

/* --- pid files ------------------------------------------------------------ */

/* Whoever looks for us holds the lock for a moment. */
static int
lock_take(int fd)
{
	int	 i;

	for (i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_TRIES)
			return -1;
		(void)poll(NULL, 0, 10);
	}
	return 0;
}

int
daemon_lock(const char *path, const char *name, char *err, size_t errsize)
{
	int	 fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1) {
		snprintf(err, errsize, "cannot open '%s': %s", path,
		    strerror(errno));
		return -1;
	}
	if (lock_take(fd) == -1) {
		if (errno == EWOULDBLOCK)
			snprintf(err, errsize, "another %s holds '%s': it runs "
			    "already, see proxyctl status", name, path);
		else
			snprintf(err, errsize, "cannot lock '%s': %s", path,
			    strerror(errno));
		close(fd);
		return -1;
	}
	if (ftruncate(fd, 0) == -1 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		snprintf(err, errsize, "cannot write '%s': %s", path,
		    strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int
daemon_tell(int lock_fd, const char *host, int port)
{
	return dprintf(lock_fd, "%s %d\n", host, port) < 0 ? -1 : 0;
}

static int
pid_parse(struct str text, struct daemon_proc *p)
{
	struct str	 host;
	int64_t		 n;

	if (str_to_int(str_cut(&text, '\n'), 1, INT32_MAX, &n) == -1)
		return -1;
	p->pid = (pid_t)n;
	p->host[0] = '\0';
	p->port = 0;
	text = str_cut(&text, '\n');
	host = str_cut(&text, ' ');
	if (host.n == 0 || host.n >= sizeof(p->host) ||
	    str_to_int(text, 0, 65535, &n) == -1)
		return 0;
	memcpy(p->host, host.p, host.n);
	p->host[host.n] = '\0';
	p->port = (int)n;
	return 0;
}

static bool
lock_is_held(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == -1)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

/* The pid is read again once it is pinned: then it is the holder's. */
static int
proc_pin(int fd, struct daemon_proc *p)
{
	struct daemon_proc	 again;
	char			 text[PID_TEXT];
	ssize_t			 n;

	n = pread(fd, text, sizeof(text), 0);
	if (n <= 0 || pid_parse((struct str){ text, (size_t)n }, p) == -1 ||
	    (p->fd = pidfd_open(p->pid, 0)) == -1)
		return -1;
	n = pread(fd, text, sizeof(text), 0);
	if (n > 0 && pid_parse((struct str){ text, (size_t)n }, &again) == 0 &&
	    again.pid == p->pid && lock_is_held(fd))
		return 0;
	close(p->fd);
	return -1;
}

int
daemon_find(const char *path, struct daemon_proc *p, char *err, size_t errsize)
{
	int	 fd, r;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		snprintf(err, errsize, "cannot read '%s': %s", path,
		    strerror(errno));
		return -1;
	}
	if (!lock_is_held(fd))
		r = 0;
	else if (proc_pin(fd, p) == 0)
		r = 1;
	else {
		r = lock_is_held(fd) ? -1 : 0;
		snprintf(err, errsize, "'%s' is locked by a process that "
		    "starts or ends; try again in a moment", path);
	}
	close(fd);
	return r;
}

int
daemon_wait(const struct daemon_proc *p, int timeout_ms)
{
	struct pollfd	 pfd = { .fd = p->fd, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1;
}

int
daemon_kill(const struct daemon_proc *p, int sig)
{
	return pidfd_send_signal(p->fd, sig, NULL, 0);
}

/* --- the control socket --------------------------------------------------- */

static int
control_connect(const char *path, char *err, size_t errsize)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 fd, saved;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		snprintf(err, errsize, "'%s' is too long for a socket; choose "
		    "a shorter home directory", path);
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		fatal("socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	saved = errno;
	snprintf(err, errsize, "cannot connect to '%s': %s", path,
	    strerror(errno));
	close(fd);
	errno = saved;
	return -1;
}

/* The whole answer, up to the end of the stream. */
static int
control_read(int fd, int timeout_ms, struct buf *in)
{
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	char		 data[4096];
	ssize_t		 n;

	for (;;) {
		if ((n = poll(&pfd, 1, timeout_ms)) == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		n = recv(fd, data, sizeof(data), 0);
		if (n == 0)
			return 0;
		if (n == -1 || buf_add(in, data, (size_t)n) == -1)
			return -1;
	}
}

static enum daemon_answer
control_judge(struct str answer, struct buf *out, char *err, size_t errsize)
{
	struct str	 head = str_cut(&answer, '\n');

	if (str_is(head, "ok")) {
		buf_adds(out, answer);
		return DAEMON_OK;
	}
	if (str_starts(head, "error ")) {
		snprintf(err, errsize, "%.*s", STR_FMT(str_skip(head, 6)));
		return DAEMON_REFUSED;
	}
	snprintf(err, errsize, "proxyd gave no answer");
	return DAEMON_SILENT;
}

enum daemon_answer
daemon_ask(const char *socket, const char *command, int timeout_ms,
    struct buf *out, char *err, size_t errsize)
{
	enum daemon_answer	 r;
	struct buf		 in;
	char			 line[64];
	int			 fd;

	if ((fd = control_connect(socket, err, errsize)) == -1)
		return errno == ENOENT || errno == ECONNREFUSED ||
		    errno == ENOTDIR ? DAEMON_NOBODY : DAEMON_SILENT;
	snprintf(line, sizeof(line), "%s\n", command);
	buf_init(&in, 1 << 20);
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == -1 ||
	    control_read(fd, timeout_ms, &in) == -1) {
		snprintf(err, errsize, "proxyd does not answer at '%s'",
		    socket);
		r = DAEMON_SILENT;
	} else
		r = control_judge(buf_str(&in), out, err, errsize);
	buf_release(&in);
	close(fd);
	return r;
}

/* The descriptor that comes with the answer's first bytes; -1: none. */
static int
control_descriptor(int fd, int timeout_ms)
{
	union {
		struct cmsghdr	 hdr;
		char		 space[CMSG_SPACE(sizeof(int))];
	}		 u = { .space = { 0 } };
	char		 data[64];
	struct iovec	 iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u,
			    .msg_controllen = sizeof(u.space) };
	struct pollfd	 pfd = { .fd = fd, .events = POLLIN };
	struct cmsghdr	*c;
	int		 got;

	if (poll(&pfd, 1, timeout_ms) <= 0 ||
	    recvmsg(fd, &msg, MSG_CMSG_CLOEXEC) <= 0 ||
	    (c = CMSG_FIRSTHDR(&msg)) == NULL ||
	    c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&got, CMSG_DATA(c), sizeof(got));
	return got;
}

const struct shm *
daemon_shm(const char *socket, int timeout_ms)
{
	const struct shm	*m = NULL;
	char			 err[1400];
	int			 fd, got = -1;

	if ((fd = control_connect(socket, err, sizeof(err))) == -1)
		return NULL;
	if (send(fd, "shm\n", 4, MSG_NOSIGNAL) == 4)
		got = control_descriptor(fd, timeout_ms);
	close(fd);
	if (got != -1) {
		m = shm_map(got);
		close(got);
	}
	return m;
}

/* --- addresses ------------------------------------------------------------ */

char *
daemon_url(char dst[DAEMON_URL_MAX], const char *host, int port)
{
	bool	 v6 = strchr(host, ':') != NULL;

	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	snprintf(dst, DAEMON_URL_MAX, "http://%s%s%s:%d", v6 ? "[" : "", host,
	    v6 ? "]" : "", port);
	return dst;
}

bool
daemon_setup_token(const char *home, char token[DAEMON_SETUP_MAX])
{
	char	 path[1300];
	FILE	*f;
	bool	 ok;

	snprintf(path, sizeof(path), "%s/setup.token", home);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	ok = fgets(token, DAEMON_SETUP_MAX, f) != NULL;
	fclose(f);
	if (ok)
		token[strcspn(token, "\r\n")] = '\0';
	return ok && token[0] != '\0';
}

bool
daemon_host_is_local(const char *host)
{
	struct in_addr	 v4;
	struct in6_addr	 v6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 &&
	    IN6_IS_ADDR_LOOPBACK(&v6);
}
