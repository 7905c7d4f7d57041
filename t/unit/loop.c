/*
 * common/base/loop: the order within a turn, timers, what is removed while a
 * batch of events is being served.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tap.h"

#define PIPES	16
#define TIMERS	500

static struct loop	*loop;
static char		 trace[256];	/* what ran, a letter each */

static void
say(const char *what)
{
	size_t	 n = strlen(trace);

	snprintf(trace + n, sizeof(trace) - n, "%s", what);
}

static bool
said(const char *want)
{
	bool	 same = strcmp(trace, want) == 0;

	if (!same)
		printf("# '%s', not '%s'\n", trace, want);
	trace[0] = '\0';
	return same;
}

static void
say_cb(void *arg)
{
	say(arg);
}

/* --- the turn ---------------------------------------------------------------- */

static void	 task_a_cb(void *), task_b_cb(void *), task_d_cb(void *),
		 task_e_cb(void *);

static char			 h_text[] = "h", p_text[] = "p", c_text[] = "c";
static struct loop_task		 task_a = { .cb = task_a_cb };
static struct loop_task		 task_b = { .cb = task_b_cb };
static struct loop_task		 task_c = { .cb = say_cb, .arg = c_text };
static struct loop_task		 task_d = { .cb = task_d_cb };
static struct loop_task		 task_e = { .cb = task_e_cb };
static struct loop_task		 task_p = { .cb = say_cb, .arg = p_text };

static void
task_a_cb(void *arg)
{
	(void)arg;
	say("a");
	loop_post(loop, &task_c);
}

static void
task_b_cb(void *arg)
{
	(void)arg;
	say("b");
}

static void
task_d_cb(void *arg)
{
	(void)arg;
	say("d");
	loop_post(loop, &task_p);	/* too late for this turn */
}

static void
task_e_cb(void *arg)
{
	(void)arg;
	say("e");
}

static void
fd_cb(void *arg, uint32_t events)
{
	char	 c;

	say("f");
	if ((events & EPOLLIN) && read(*(int *)arg, &c, 1) == -1)
		say("!");
	loop_defer(loop, &task_d);
	loop_post(loop, &task_a);
	loop_defer(loop, &task_e);
	loop_post(loop, &task_b);
	loop_post(loop, &task_a);	/* stays where it is */
}

static void
hook_cb(void *arg)
{
	say(arg);
	if (strcmp(trace, "ftabch") == 0)
		loop_post(loop, &task_b);
}

static void
test_turn(void)
{
	struct loop_timer	 t = { .cb = say_cb };
	struct loop_fd		 f = { .cb = fd_cb };
	char			 t_text[] = "t";
	int			 p[2];

	loop = loop_create();
	ok(pipe(p) == 0 && write(p[1], "x", 1) == 1, "a pipe with a byte");
	f.fd = p[0];
	f.arg = &p[0];
	t.arg = t_text;
	ok(loop_add(loop, &f, EPOLLIN) == 0, "is watched");
	loop_timer_set(loop, &t, 0);
	loop_hook(loop, hook_cb, h_text);
	loop_turn(loop);
	ok(said("ftabchbde"), "a turn is: descriptors, timers, posted, hook, "
	    "posted, deferred");
	loop_turn(loop);
	ok(said("ph"), "what is posted by a deferred call runs next, at once");
	loop_hook(loop, NULL, NULL);
	loop_post(loop, &task_p);
	loop_turn(loop);
	ok(said("p"), "without a hook");

	loop_del(loop, &f);
	ok(write(p[1], "x", 1) == 1, "a byte");
	loop_post(loop, &task_p);
	loop_turn(loop);
	ok(said("p"), "that nobody watches for any more");
	f.fd = -1;
	ok(loop_add(loop, &f, EPOLLIN) == -1 && errno == EBADF,
	    "no descriptor: -1");
	close(p[0]);
	close(p[1]);
	loop_destroy(loop);
	loop_destroy(NULL);
}

/* --- timers ------------------------------------------------------------------ */

struct timed {
	struct loop_timer	 t;
	int64_t			 in;
	bool			 set;
};

static struct timed	 timed[TIMERS];
static int64_t		 last_at;
static unsigned		 fired, unordered, early;

static void
timed_cb(void *arg)
{
	struct timed	*t = arg;

	fired++;
	unordered += t->t.at_ms < last_at;
	early += loop_now(loop) < t->t.at_ms;
	last_at = t->t.at_ms;
	t->set = false;
}

static unsigned
roll(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Sets, moves and clears at random, then lets the rest fire. */
static void
test_timers(void)
{
	unsigned	 i, n, seed = 7, left = 0;
	bool		 slots = true;

	loop = loop_create();
	for (i = 0; i < TIMERS; i++)
		timed[i].t = (struct loop_timer){ .cb = timed_cb,
		    .arg = &timed[i] };
	for (n = 0; n < 20 * TIMERS; n++) {
		i = roll(&seed) % TIMERS;
		if (roll(&seed) % 3 == 0) {
			loop_timer_clear(loop, &timed[i].t);
			timed[i].set = false;
		} else {
			timed[i].in = roll(&seed) % 60;
			loop_timer_set(loop, &timed[i].t, timed[i].in);
			timed[i].set = true;
		}
	}
	for (i = 0; i < TIMERS; i++) {
		left += timed[i].set;
		slots &= (timed[i].t.slot != 0) == timed[i].set;
	}
	ok(slots, "a timer knows whether it is set");
	for (n = 0; fired < left && n < 1000; n++)
		loop_turn(loop);
	ok(fired == left, "%u timers fire, each once", left);
	ok(unordered == 0, "in their order");
	ok(early == 0, "none too early");
	for (i = 0, slots = true; i < TIMERS; i++)
		slots &= timed[i].t.slot == 0;
	ok(slots, "and are not set any more");
	loop_destroy(loop);
}

static struct loop_timer	 ta, tb;
static unsigned			 again;

static void
clears_cb(void *arg)
{
	say(arg);
	loop_timer_clear(loop, &tb);
}

static void
again_cb(void *arg)
{
	say(arg);
	if (++again < 3)
		loop_timer_set(loop, &ta, 1);
}

static void
test_timer_calls(void)
{
	char	 a[] = "a", b[] = "b";
	int64_t	 t0;

	loop = loop_create();
	ta = (struct loop_timer){ .cb = clears_cb, .arg = a };
	tb = (struct loop_timer){ .cb = say_cb, .arg = b };
	loop_timer_set(loop, &ta, 0);
	loop_timer_set(loop, &tb, 1);
	t0 = clock_mono_ms();
	while (clock_mono_ms() < t0 + 3)
		continue;
	loop_turn(loop);
	ok(said("a") && tb.slot == 0, "one clears another that is due");

	ta.cb = again_cb;
	loop_timer_set(loop, &ta, -5);
	ok(ta.at_ms == loop_now(loop), "no time is negative");
	while (again < 3)
		loop_turn(loop);
	ok(said("aaa"), "one sets itself again");
	loop_timer_clear(loop, &ta);
	ok(ta.slot == 0, "clearing one that is not set");

	loop_timer_set(loop, &tb, 100000);
	loop_timer_set(loop, &ta, 5000);
	loop_timer_set(loop, &tb, 20);
	loop_timer_clear(loop, &ta);
	t0 = clock_mono_ms();
	while (tb.slot != 0)
		loop_turn(loop);
	t0 = clock_mono_ms() - t0;
	ok(said("b") && t0 >= 10 && t0 < 2000, "one that is moved fires at "
	    "its new time");
	loop_destroy(loop);
}

/* --- a batch -------------------------------------------------------------------- */

struct end {
	struct loop_fd	 f;
	int		 p[2];
	bool		 gone;
};

static struct end	 ends[PIPES];
static unsigned		 served, after_gone;
static void		(*removes)(struct end *);

/* The first that is served removes all others, and itself. */
static void
end_cb(void *arg, uint32_t events)
{
	struct end	*e = arg;
	unsigned	 i;

	(void)events;
	served++;
	after_gone += e->gone;
	for (i = 0; i < PIPES; i++)
		if (!ends[i].gone)
			removes(&ends[i]);
}

static void
end_del(struct end *e)
{
	loop_del(loop, &e->f);
	e->gone = true;
	/* What it pointed at may be anything by now. */
	e->f.cb = NULL;
}

static void
end_forget(struct end *e)
{
	close(e->p[0]);
	loop_forget(loop, &e->f);
	e->gone = true;
	e->f.cb = NULL;
}

static void
ends_open(void (*how)(struct end *))
{
	struct end	*e;

	removes = how;
	served = after_gone = 0;
	for (e = ends; e < ends + PIPES; e++) {
		e->gone = false;
		if (pipe(e->p) == -1 || write(e->p[1], "x", 1) != 1)
			exit(1);
		e->f = (struct loop_fd){ .fd = e->p[0], .cb = end_cb,
		    .arg = e };
		if (loop_add(loop, &e->f, EPOLLIN) == -1)
			exit(1);
	}
}

static void
ends_close(void)
{
	unsigned	 i;

	for (i = 0; i < PIPES; i++) {
		if (removes != end_forget)
			close(ends[i].p[0]);
		close(ends[i].p[1]);
	}
}

static void
test_batch(void)
{
	struct loop_task	 wake = { .cb = say_cb };
	char			 w[] = "w";

	loop = loop_create();
	wake.arg = w;
	ends_open(end_del);
	loop_turn(loop);
	ok(served == 1 && after_gone == 0,
	    "descriptors removed within their batch are not served");
	loop_post(loop, &wake);
	loop_turn(loop);
	ok(served == 1 && said("w"), "nor later");
	ends_close();

	ends_open(end_forget);
	loop_turn(loop);
	ok(served == 1 && after_gone == 0,
	    "nor are those that were closed already");
	loop_post(loop, &wake);
	loop_turn(loop);
	ok(served == 1 && said("w"), "nor later");
	ends_close();
	loop_destroy(loop);
}

static void
test_mod(void)
{
	struct loop_fd	 f = { .cb = fd_cb };
	int		 p[2];

	loop = loop_create();
	if (pipe(p) == -1)
		exit(1);
	f.fd = p[1];
	f.arg = &p[1];
	ok(loop_add(loop, &f, EPOLLIN) == 0 && f.events == EPOLLIN,
	    "a descriptor remembers its events");
	ok(loop_mod(loop, &f, EPOLLOUT) == 0 && f.events == EPOLLOUT,
	    "and other ones");
	loop_turn(loop);
	ok(said("fabcde"), "which it gets");
	ok(loop_mod(loop, &f, 0) == 0, "or none");
	loop_turn(loop);
	ok(said("p"), "so that it is silent");
	loop_del(loop, &f);
	close(p[0]);
	close(p[1]);
	loop_destroy(loop);
}

/* --- run ------------------------------------------------------------------------ */

static void
stop_cb(void *arg)
{
	say(arg);
	loop_stop(loop);
}

static void
test_run(void)
{
	char			 s[] = "s", d[] = "d";
	struct loop_timer	 t = { .cb = stop_cb, .arg = s };
	struct loop_task	 after = { .cb = say_cb, .arg = d };

	loop = loop_create();
	loop_timer_set(loop, &t, 1);
	loop_defer(loop, &after);
	loop_run(loop);
	ok(said("ds"), "it runs until told");
	loop_destroy(loop);
}

int
main(void)
{
	test_turn();
	test_timers();
	test_timer_calls();
	test_batch();
	test_mod();
	test_run();
	return done();
}
