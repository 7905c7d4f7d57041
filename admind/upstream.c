/*
 * The only file of admind that knows libcurl.  Its callbacks call ours; none of
 * these frees a transfer or starts another, but by a posted call.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "admind/upstream.h"
#include "base/log.h"

#define CONNECT_MS	3000
#define READ_SIZE	(16l << 10)

struct upstream_socket {
	struct upstream		*up;
	struct loop_fd		 fd;
};

struct upstream {
	struct loop		*loop;
	CURLM			*multi;
	struct loop_timer	 timer;
	struct loop_task	 act;		/* what was added or freed */
	struct transfer		*transfers;
	unsigned		 n;
};

struct transfer {
	struct upstream		*up;
	CURL			*easy;
	struct curl_slist	*headers;
	struct transfer_cb	 cb;
	void			*arg;
	bool			 paused, ended, freed;
	struct loop_task	 more, release;
	char			 error[CURL_ERROR_SIZE];
	struct transfer		*next, **prev;
};

static void
transfers_end(struct upstream *up)
{
	struct transfer	*t;
	CURLMsg		*msg;
	void		*p;
	int		 left;

	while ((msg = curl_multi_info_read(up->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &p);
		t = p;
		if (t->ended)
			continue;
		t->ended = true;
		t->cb.end(t->arg, msg->data.result == CURLE_OK ? NULL :
		    t->error[0] != '\0' ? t->error :
		    curl_easy_strerror(msg->data.result));
	}
}

static void
act(struct upstream *up, int fd, int what)
{
	int	 running;

	if (curl_multi_socket_action(up->multi, fd, what, &running) !=
	    CURLM_OK)
		log_warnx("libcurl refused an event");
	transfers_end(up);
}

static void
socket_event_cb(void *arg, uint32_t events)
{
	struct upstream_socket	*s = arg;
	int			 what = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	act(s->up, s->fd.fd, what);
}

static int
curl_socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *sarg)
{
	struct upstream		*up = arg;
	struct upstream_socket	*s = sarg;
	uint32_t		 events = 0;
	int			 r;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			loop_del(up->loop, &s->fd);
		free(s);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (s == NULL) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			fatal("socket");
		s->up = up;
		s->fd = (struct loop_fd){ .fd = fd, .cb = socket_event_cb,
		    .arg = s };
		r = loop_add(up->loop, &s->fd, events);
		curl_multi_assign(up->multi, fd, s);
	} else
		r = loop_mod(up->loop, &s->fd, events);
	if (r == -1)
		fatal("epoll_ctl");
	return 0;
}

static int
curl_timer_cb(CURLM *multi, long ms, void *arg)
{
	struct upstream	*up = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_clear(up->loop, &up->timer);
	else
		loop_timer_set(up->loop, &up->timer, ms);
	return 0;
}

static void
timeout_cb(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* --- one transfer ----------------------------------------------------------- */

static size_t
curl_header_cb(char *p, size_t size, size_t n, void *arg)
{
	struct transfer	*t = arg;

	(void)size;
	if (t->freed)
		return 0;
	t->cb.line(t->arg, str_trim((struct str){ p, n }));
	return n;
}

static size_t
curl_write_cb(char *p, size_t size, size_t n, void *arg)
{
	struct transfer	*t = arg;

	(void)size;
	if (t->freed)
		return 0;
	if (t->cb.full(t->arg)) {
		t->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	t->cb.data(t->arg, (struct str){ p, n });
	return n;
}

static void
more_cb(void *arg)
{
	struct transfer	*t = arg;

	if (!t->paused || t->ended)
		return;
	t->paused = false;
	curl_easy_pause(t->easy, CURLPAUSE_CONT);
	loop_post(t->up->loop, &t->up->act);
}

static void
release_cb(void *arg)
{
	struct transfer	*t = arg;

	curl_multi_remove_handle(t->up->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	if ((*t->prev = t->next) != NULL)
		t->next->prev = t->prev;
	t->up->n--;
	free(t);
}

static void
options(struct transfer *t, const char *method, const char *url,
    struct str body)
{
	CURL	*e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	if (body.n > 0) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)body.n);
		curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, body.p);
	}
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1l);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1l);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1l);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, READ_SIZE);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, curl_header_cb);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, curl_write_cb);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
}

struct transfer *
transfer_start(struct upstream *up, const char *method, const char *url,
    const char *const *headers, struct str body, const struct transfer_cb *cb,
    void *arg)
{
	struct curl_slist	*list;
	struct transfer		*t;

	if (up->n >= TRANSFER_MAX)
		return NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (t->easy = curl_easy_init()) == NULL)
		fatal("transfer");
	for (; *headers != NULL; headers++) {
		if ((list = curl_slist_append(t->headers, *headers)) == NULL)
			fatal("headers");
		t->headers = list;
	}
	t->up = up;
	t->cb = *cb;
	t->arg = arg;
	t->more = (struct loop_task){ .cb = more_cb, .arg = t };
	t->release = (struct loop_task){ .cb = release_cb, .arg = t };
	options(t, method, url, body);
	if ((t->next = up->transfers) != NULL)
		t->next->prev = &t->next;
	up->transfers = t;
	t->prev = &up->transfers;
	up->n++;
	if (curl_multi_add_handle(up->multi, t->easy) != CURLM_OK)
		fatalx("cannot start a transfer");
	loop_post(up->loop, &up->act);
	return t;
}

void
transfer_more(struct transfer *t)
{
	if (t->paused)
		loop_post(t->up->loop, &t->more);
}

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	t->ended = t->freed = true;
	loop_defer(t->up->loop, &t->release);
}

/* --- life cycle --------------------------------------------------------------- */

struct upstream *
upstream_create(struct loop *loop)
{
	struct upstream	*up;

	if ((up = calloc(1, sizeof(*up))) == NULL)
		fatal("upstream");
	up->loop = loop;
	up->timer = (struct loop_timer){ .cb = timeout_cb, .arg = up };
	up->act = (struct loop_task){ .cb = timeout_cb, .arg = up };
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
	    (up->multi = curl_multi_init()) == NULL)
		fatalx("cannot start libcurl");
	curl_multi_setopt(up->multi, CURLMOPT_SOCKETFUNCTION, curl_socket_cb);
	curl_multi_setopt(up->multi, CURLMOPT_SOCKETDATA, up);
	curl_multi_setopt(up->multi, CURLMOPT_TIMERFUNCTION, curl_timer_cb);
	curl_multi_setopt(up->multi, CURLMOPT_TIMERDATA, up);
	return up;
}

void
upstream_destroy(struct upstream *up)
{
	while (up->transfers != NULL)
		release_cb(up->transfers);
	curl_multi_cleanup(up->multi);
	loop_timer_clear(up->loop, &up->timer);
	free(up);
	curl_global_cleanup();
}
