/*
 * The control socket.  One command a connection; see control.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyd/control.h"
#include "proxyd/master.h"
#include "state/shm_keys.h"
#include "state/shm_live.h"
#include "state/shm_provider.h"

struct control_client {
	struct control		*ct;
	struct loop_fd		 fd;
	struct buf		 in;
	bool			 reloading;	/* waits for the loader */
	bool			 stopping;	/* waits for our end */
	bool			 upgrading;	/* waits for the new master */
	struct loop_task	 free;
	struct control_client	*next, **prev;
};

struct control {
	struct master		*m;
	struct loop_fd		 fd;
	struct control_client	*clients;
};

static void
client_free_cb(void *arg)
{
	struct control_client	*c = arg;

	buf_release(&c->in);
	free(c);
}

static void
client_close(struct control_client *c)
{
	loop_del(c->ct->m->loop, &c->fd);
	close(c->fd.fd);
	if ((*c->prev = c->next) != NULL)
		c->next->prev = c->prev;
	loop_defer(c->ct->m->loop, &c->free);
}

/* Answers are small against a socket's buffer; who does not read loses. */
static void
client_send(struct control_client *c, struct str text)
{
	ssize_t	 n;

	while (text.n > 0) {
		n = send(c->fd.fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text = str_skip(text, (size_t)n);
	}
}

static void
client_error(struct control_client *c, const char *text)
{
	char	 line[CONTROL_LINE_MAX];

	snprintf(line, sizeof(line), "error %s\n", text);
	client_send(c, str_of(line));
	client_close(c);
}

/* --- commands ---------------------------------------------------------------------- */

static void
do_status(struct control_client *c)
{
	struct buf	 b;

	buf_init(&b, 256 << 10);
	(void)buf_addz(&b, "ok\n");
	master_status(c->ct->m, &b);
	client_send(c, buf_str(&b));
	buf_release(&b);
	client_close(c);
}

static void
do_reload(struct control_client *c)
{
	if (master_reload(c->ct->m) == -1) {
		client_error(c, "a reload or a stop is under way already");
		return;
	}
	c->reloading = true;
}

static void
do_stop(struct control_client *c)
{
	client_send(c, STR("ok\n"));
	c->stopping = true;
	master_stop(c->ct->m);
}

static void
do_upgrade(struct control_client *c)
{
	if (master_upgrade(c->ct->m) == -1) {
		client_error(c, "cannot upgrade now: a reload, a stop or an "
		    "upgrade is under way");
		return;
	}
	c->upgrading = true;
}

static void
do_shm(struct control_client *c)
{
	union {
		struct cmsghdr	 hdr;
		char		 space[CMSG_SPACE(sizeof(int))];
	}		 u = { .space = { 0 } };
	struct iovec	 iov = { .iov_base = (void *)(uintptr_t)"ok\n",
			    .iov_len = 3 };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &u,
			    .msg_controllen = sizeof(u.space) };
	int		 fd = shm_readonly(c->ct->m->shm_fd);

	if (fd == -1) {
		client_error(c, "cannot hand out the shared memory");
		return;
	}
	u.hdr.cmsg_level = SOL_SOCKET;
	u.hdr.cmsg_type = SCM_RIGHTS;
	u.hdr.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.hdr), &fd, sizeof(fd));
	if (sendmsg(c->fd.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		log_warn("cannot hand out the shared memory");
	close(fd);
	client_close(c);
}

/* "reset-key ID": what rests a key is forgotten; ID 0: of all keys. */
static void
do_reset_key(struct control_client *c, struct str id)
{
	struct shm	*m = c->ct->m->shm;
	unsigned	 i, n = 0;
	int64_t		 want;

	if (str_to_int(id, 0, INT64_MAX, &want) == -1) {
		client_error(c, "reset-key needs a key's id, or 0 for all");
		return;
	}
	for (i = 0; i < SHM_KEYS; i++)
		if (m->key[i].id != 0 && (want == 0 || m->key[i].id == want)) {
			keys_reset(m, i);
			n++;
		}
	if (n == 0 && want != 0)
		client_error(c, "no key of that id was used yet");
	else {
		client_send(c, STR("ok\n"));
		client_close(c);
	}
}

/* "reset-provider ID": its circuit is closed, as if it had never failed. */
static void
do_reset_provider(struct control_client *c, struct str id)
{
	int64_t	 want;

	if (str_to_int(id, 1, INT64_MAX, &want) == -1) {
		client_error(c, "reset-provider needs a provider's id");
		return;
	}
	breaker_reset(c->ct->m->shm, want);
	client_send(c, STR("ok\n"));
	client_close(c);
}

/* Where the operator's requests go, and what proves them. */
static void
do_operator(struct control_client *c)
{
	struct master	*m = c->ct->m;
	struct buf	 b;

	buf_init(&b, CONTROL_LINE_MAX);
	(void)buf_addf(&b, "ok\nhost %s\nport %d\ntoken %s\n",
	    m->process.host, m->bound_port, m->shm->operator_token);
	client_send(c, buf_str(&b));
	buf_clear(&b);
	buf_release(&b);
	client_close(c);
}

/* "cancel ID": the worker that shows the request ends it at its next beat. */
static void
do_cancel(struct control_client *c, struct str id)
{
	if (live_cancel(c->ct->m->shm, id) == -1) {
		client_error(c, "no such request is in flight");
		return;
	}
	client_send(c, STR("ok\n"));
	client_close(c);
}

static const struct {
	const char	*word;
	void		(*run)(struct control_client *);
} control_words[] = {
	{ "status", do_status },
	{ "reload", do_reload },
	{ "stop", do_stop },
	{ "upgrade", do_upgrade },
	{ "shm", do_shm },
	{ "operator", do_operator },
};

static void
client_command(struct control_client *c, struct str line)
{
	size_t	 i;

	for (i = 0; i < sizeof(control_words) / sizeof(*control_words); i++)
		if (str_is(line, control_words[i].word)) {
			control_words[i].run(c);
			return;
		}
	if (str_starts(line, "reset-key "))
		do_reset_key(c, str_skip(line, 10));
	else if (str_starts(line, "reset-provider "))
		do_reset_provider(c, str_skip(line, 15));
	else if (str_starts(line, "cancel "))
		do_cancel(c, str_skip(line, 7));
	else
		client_error(c, "unknown command");
}

/* --- connections ---------------------------------------------------------------------- */

static void
client_cb(void *arg, uint32_t events)
{
	struct control_client	*c = arg;
	char			 data[512];
	struct str		 rest;
	ssize_t			 n;

	(void)events;
	n = recv(c->fd.fd, data, sizeof(data), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&c->in, data, (size_t)n) == -1) {
		client_close(c);
		return;
	}
	if (c->reloading || c->stopping || c->upgrading ||
	    memchr(c->in.data, '\n', c->in.len) == NULL)
		return;
	rest = buf_str(&c->in);
	client_command(c, str_trim(str_cut(&rest, '\n')));
}

static void
accept_cb(void *arg, uint32_t events)
{
	struct control		*ct = arg;
	struct control_client	*c;
	int			 fd;

	(void)events;
	fd = accept4(ct->fd.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("control");
	c->ct = ct;
	c->fd = (struct loop_fd){ .fd = fd, .cb = client_cb, .arg = c };
	c->free = (struct loop_task){ .cb = client_free_cb, .arg = c };
	buf_init(&c->in, CONTROL_LINE_MAX);
	if ((c->next = ct->clients) != NULL)
		c->next->prev = &c->next;
	ct->clients = c;
	c->prev = &ct->clients;
	if (loop_add(ct->m->loop, &c->fd, EPOLLIN) == -1)
		fatal("control");
}

void
control_reloaded(struct master *m, const char *err,
    const struct loader_result *r, bool replaced)
{
	struct control_client	*c, *next;
	char			 line[256];

	for (c = m->control->clients; c != NULL; c = next) {
		next = c->next;
		if (!c->reloading)
			continue;
		if (err != NULL) {
			client_error(c, err);
			continue;
		}
		snprintf(line, sizeof(line), "ok\nchanged %d\ngeneration "
		    "%llu\n%s", r->changed, (unsigned long long)r->generation,
		    replaced ? "workers replaced\n" : "");
		client_send(c, str_of(line));
		client_close(c);
	}
}

void
control_upgraded(struct master *m, const char *err)
{
	struct control_client	*c, *next;

	for (c = m->control->clients; c != NULL; c = next) {
		next = c->next;
		if (!c->upgrading)
			continue;
		if (err != NULL) {
			client_error(c, err);
			continue;
		}
		client_send(c, STR("ok\n"));
		client_close(c);
	}
}

/* --- life --------------------------------------------------------------------------------- */

int
control_open(struct master *m, const char *path)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	struct control		*ct;
	mode_t			 old;
	int			 fd, r;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		log_warnx("path of the control socket is too long: '%s'",
		    path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		fatal("control socket");
	unlink(path);		/* ours: the lock on the pid file says so */
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (r == -1 || listen(fd, 16) == -1) {
		log_warn("cannot open control socket '%s'", path);
		close(fd);
		return -1;
	}
	if ((ct = calloc(1, sizeof(*ct))) == NULL)
		fatal("control");
	ct->m = m;
	ct->fd = (struct loop_fd){ .fd = fd, .cb = accept_cb, .arg = ct };
	if (loop_add(m->loop, &ct->fd, EPOLLIN) == -1)
		fatal("control");
	m->control = ct;
	return 0;
}

/* Also in a child after fork, where the files must stay. */
void
control_close(struct master *m)
{
	struct control_client	*c, *next;

	if (m->control == NULL)
		return;
	for (c = m->control->clients; c != NULL; c = next) {
		next = c->next;
		close(c->fd.fd);
		client_free_cb(c);
	}
	close(m->control->fd.fd);
	free(m->control);
	m->control = NULL;
}
