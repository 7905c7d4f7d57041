/*
 * Waiting for a database that another program has locked.
 */
#include <stdlib.h>

#include "admind/api.h"
#include "admind/lock.h"
#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS		10
#define ACTS_MAX	1024

struct lock_wait {
	struct lock		*lock;
	struct api		*api;
	int64_t			 until_ms;
	struct lock_wait	*next, **prev;	/* NULL: it waits no more */
};

struct act {
	struct act	*next;
	struct admin_act act;
	char		 text[];
};

struct lock {
	struct admind		*ad;
	struct store		*store;		/* while anything waits */
	struct loop_timer	 timer;
	struct lock_wait	*first, **last;
	unsigned		 n;
	struct act		*acts, **acts_last;
	unsigned		 nacts;
};

/* Is there no other who holds it?  Of a file that cannot be opened its own
 * users tell. */
static bool
is_free(struct lock *l)
{
	char	 err[2048];

	if (l->store == NULL)
		l->store = store_open(l->ad->paths.db, STORE_WRITE, err,
		    sizeof(err));
	if (l->store == NULL)
		return true;
	store_patience(l->store, LOCK_PATIENCE_MS);
	return store_unlocked(l->store) != 0;
}

/* Nothing is kept open while nobody waits. */
static void
rest(struct lock *l)
{
	if (l->first != NULL || l->acts != NULL) {
		if (l->timer.slot == 0)
			loop_timer_set(l->ad->loop, &l->timer, LOOK_MS);
		return;
	}
	store_close(l->store);
	l->store = NULL;
}

/* --- the audit log ------------------------------------------------------------------ */

static void
act_lost(const struct admin_act *act, const char *why)
{
	log_alert("an act of '%.*s' is not in the audit log: %s",
	    STR_FMT(act->actor), why);
}

static void
acts_write(struct lock *l)
{
	struct act	*a;

	while ((a = l->acts) != NULL) {
		if (l->store == NULL)
			act_lost(&a->act, "the database cannot be opened");
		else if (store_audit_add(l->store, &a->act) == -1)
			act_lost(&a->act, store_error(l->store));
		if ((l->acts = a->next) == NULL)
			l->acts_last = &l->acts;
		l->nacts--;
		free(a);
	}
}

static struct str
act_text(char **to, struct str from)
{
	struct str	 s = { *to, from.n };

	memcpy(*to, from.p, from.n);
	*to += from.n;
	return s;
}

void
lock_audit(struct lock *l, const struct admin_act *act)
{
	struct act	*a;
	char		*p;

	if (l->nacts >= ACTS_MAX) {
		act_lost(act, "too many wait for the database's lock");
		return;
	}
	a = calloc(1, sizeof(*a) + act->actor.n + act->client.n +
	    act->action.n + act->object.n + act->detail.n);
	if (a == NULL)
		fatal("audit");
	p = a->text;
	a->act = *act;
	a->act.actor = act_text(&p, act->actor);
	a->act.client = act_text(&p, act->client);
	a->act.action = act_text(&p, act->action);
	a->act.object = act_text(&p, act->object);
	a->act.detail = act_text(&p, act->detail);
	*l->acts_last = a;
	l->acts_last = &a->next;
	l->nacts++;
	if (is_free(l))
		acts_write(l);
	rest(l);
}

/* --- requests --------------------------------------------------------------------------- */

static void
wait_end(struct lock_wait *w)
{
	if (w->prev == NULL)
		return;
	if ((*w->prev = w->next) != NULL)
		w->next->prev = w->prev;
	else
		w->lock->last = w->prev;
	w->prev = NULL;
	w->lock->n--;
}

static void
gone_cb(void *arg)
{
	wait_end(arg);
}

static void
refuse(struct api *a)
{
	api_problem(a, 503, NULL, "the database is locked by another program; "
	    "nothing was changed: try again");
}

static void
look_cb(void *arg)
{
	struct lock		*l = arg;
	struct lock_wait	*w, *next;
	bool			 passes = is_free(l);

	if (passes)
		acts_write(l);
	for (w = l->first; w != NULL; w = next) {
		next = w->next;
		if (!passes && loop_now(l->ad->loop) < w->until_ms)
			continue;
		wait_end(w);
		if (passes)
			http_again(w->api->rq);
		else {
			refuse(w->api);
			http_answer(w->api->rq);
		}
	}
	rest(l);
}

bool
lock_passes(struct api *a)
{
	struct lock		*l = a->ad->lock;
	struct lock_wait	*w = a->waited;

	if (w != NULL || is_free(l)) {
		rest(l);
		return true;
	}
	if (l->n >= LOCK_WAITING) {
		refuse(a);
		return false;
	}
	w = a->waited = ARENA_NEW(a->rq->arena, struct lock_wait);
	*w = (struct lock_wait){ .lock = l, .api = a, .prev = l->last,
	    .until_ms = loop_now(l->ad->loop) + LOCK_WAIT_MS };
	*l->last = w;
	l->last = &w->next;
	l->n++;
	http_defer(a->rq, gone_cb, w);
	a->later = true;
	rest(l);
	return false;
}

/* --- life ----------------------------------------------------------------------------------- */

struct lock *
lock_create(struct admind *ad)
{
	struct lock	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("lock");
	l->ad = ad;
	l->timer = (struct loop_timer){ .cb = look_cb, .arg = l };
	l->last = &l->first;
	l->acts_last = &l->acts;
	return l;
}

void
lock_destroy(struct lock *l)
{
	must(l->first == NULL);
	loop_timer_clear(l->ad->loop, &l->timer);
	/* The last chance: here it may wait. */
	acts_write(l);
	store_close(l->store);
	free(l);
}
