/*
 * Server-sent events.
 */
#include <stdlib.h>

#include "admind/auth.h"
#include "admind/live.h"
#include "admind/rows.h"
#include "admind/status.h"
#include "base/clock.h"
#include "base/log.h"

#define TICK_MS		1000
#define QUIET_TICKS	15
#define PROOF_TICKS	3	/* from one look at who watches to the next */
#define FOLLOW_ROWS	200		/* of one client, a tick */

struct watcher {
	struct live		*live;
	struct http_stream	*stream;
	bool			 follows;	/* else figures */
	struct log_filter	 filter;	/* its texts are in the arena */
	struct arena		 arena;
	int64_t			 last_id;	/* -1: not asked yet */
	unsigned		 quiet;
	struct str		 proof;		/* by which he may; see auth.h */
	bool			 bearer;
	struct watcher		*next, **prev;
};

struct live {
	struct admind		*ad;
	struct loop_timer	 tick;
	struct watcher		*watchers;
	unsigned		 n[2];		/* figures, rows */
	unsigned		 ticks;
};

static void
send_event(struct watcher *w, const char *name, struct str data)
{
	struct buf	 b;

	buf_init(&b, HTTP_STREAM_MAX);
	(void)buf_addf(&b, "event: %s\ndata: ", name);
	(void)buf_adds(&b, str_trim(data));
	(void)buf_addz(&b, "\n\n");
	if (buf_ok(&b))
		http_stream_send(w->stream, buf_str(&b));
	buf_release(&b);
	w->quiet = 0;
}

static void
row_cb(void *arg, const struct log_row *row)
{
	json_t	*o = row_json(row);
	char	*text = json_dumps(o, JSON_COMPACT);

	send_event(arg, "row", str_of(text));
	free(text);
	json_decref(o);
}

static void
follow(struct watcher *w, struct store *s)
{
	if (store_log_follow(s, &w->filter, &w->last_id, FOLLOW_ROWS, row_cb,
	    w) == -1)
		log_warnx("live: %s", store_error(s));
}

static void
tick_rows(struct live *l)
{
	struct watcher	*w;
	struct store	*s;
	char		 err[2048];

	if (l->n[1] == 0 || (s = store_open(l->ad->paths.db, STORE_READ, err,
	    sizeof(err))) == NULL)
		return;
	for (w = l->watchers; w != NULL; w = w->next)
		if (w->follows)
			follow(w, s);
	store_close(s);
}

static void
tick_figures(struct live *l)
{
	static struct status_view	 v;
	struct arena			 arena;
	struct watcher			*w;
	struct buf			 b;

	if (l->n[0] == 0)
		return;
	arena_init(&arena);
	buf_init(&b, HTTP_STREAM_MAX);
	status_watch(&v, &arena, &l->ad->paths);
	status_live_json(&v, &b);
	for (w = l->watchers; w != NULL; w = w->next)
		if (!w->follows)
			send_event(w, "figures", buf_str(&b));
	buf_release(&b);
	arena_release(&arena);
}

/* Who has logged out, or may not any more, sees no more. */
static void
tick_proofs(struct live *l)
{
	struct watcher	*w, *next;
	struct store	*s;
	char		 err[2048];

	if (l->watchers == NULL || ++l->ticks % PROOF_TICKS != 0 ||
	    (s = store_open(l->ad->paths.db, STORE_READ, err,
	    sizeof(err))) == NULL)
		return;
	for (w = l->watchers; w != NULL; w = next) {
		next = w->next;
		if (auth_ended(s, w->proof, w->bearer))
			http_stream_close(w->stream);
	}
	store_close(s);
}

static void
tick_cb(void *arg)
{
	struct live	*l = arg;
	struct watcher	*w;

	tick_proofs(l);
	tick_rows(l);
	tick_figures(l);
	for (w = l->watchers; w != NULL; w = w->next)
		if (++w->quiet >= QUIET_TICKS) {
			http_stream_send(w->stream, STR(": still here\n\n"));
			w->quiet = 0;
		}
	if (l->watchers != NULL)
		loop_timer_set(l->ad->loop, &l->tick, TICK_MS);
}

static void
gone_cb(void *arg)
{
	struct watcher	*w = arg;

	if ((*w->prev = w->next) != NULL)
		w->next->prev = w->prev;
	w->live->n[w->follows]--;
	arena_release(&w->arena);
	free(w);
}

static struct watcher *
watch(struct api *a, bool follows)
{
	struct live	*l = a->ad->live;
	struct watcher	*w;

	if (l->n[follows] >= LIVE_CLIENTS) {
		api_problem(a, 429, NULL, "%d clients watch already",
		    LIVE_CLIENTS);
		return NULL;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL)
		fatal("watcher");
	arena_init(&w->arena);
	w->live = l;
	w->follows = follows;
	w->last_id = -1;
	w->proof = arena_str(&w->arena, auth_proof(a->rq, &w->bearer));
	if ((w->next = l->watchers) != NULL)
		w->next->prev = &w->next;
	l->watchers = w;
	w->prev = &l->watchers;
	l->n[follows]++;
	w->stream = http_stream_open(a->r, a->rq, gone_cb, w);
	http_stream_send(w->stream, STR("retry: 2000\n\n"));
	loop_timer_set(l->ad->loop, &l->tick, 0);
	return w;
}

void
live_figures(struct api *a)
{
	(void)watch(a, false);
}

void
live_follow(struct api *a, const struct log_filter *f)
{
	struct watcher	*w = watch(a, true);

	if (w == NULL)
		return;
	w->filter = *f;
	row_filter_keep(&w->filter, &w->arena);
}

struct live *
live_create(struct admind *ad)
{
	struct live	*l = calloc(1, sizeof(*l));

	if (l == NULL)
		fatal("live");
	l->ad = ad;
	l->tick = (struct loop_timer){ .cb = tick_cb, .arg = l };
	return l;
}

void
live_destroy(struct live *l)
{
	loop_timer_clear(l->ad->loop, &l->tick);
	free(l);
}
