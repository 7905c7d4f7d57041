/*
 * common/state/shm_live: the table of requests in flight, one writer and readers
 * in other processes, cancelling, a writer that died in the middle.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "state/shm_live.h"
#include "tap.h"

#define FOUND	5000		/* lines seen while they are written */
#define WAIT_S	30

struct seen {
	unsigned	 n, torn;
	struct live_now	 last;
};

static bool
is_all(const char *s, char c)
{
	for (; *s != '\0'; s++)
		if (*s != c)
			return false;
	return true;
}

static void
seen_cb(void *arg, const struct live_now *now)
{
	struct seen	*s = arg;
	char		 c = now->is.asked[0];

	s->n++;
	s->last = *now;
	if (!is_all(now->is.asked, c) || !is_all(now->is.model, c) ||
	    !is_all(now->is.provider, c) || !is_all(now->is.agent, c))
		s->torn++;
}

static struct seen
look(const struct shm *m)
{
	struct seen	 s = { .n = 0 };

	live_each(m, seen_cb, &s);
	return s;
}

static void
test_lines(struct shm *m)
{
	char			 id[SHM_LIVE_ID], long_name[200];
	struct live_facts	 f = { .asked = STR("a"), .stream = true };
	struct seen		 s;
	int			 line, i;

	ok(look(m).n == 0, "nothing runs");
	line = live_begin(m, 3, "req_one", 4711);
	s = look(m);
	ok(s.n == 1 && strcmp(s.last.is.id, "req_one") == 0 &&
	    s.last.is.time_us == 4711 && s.last.worker == 3, "one line");
	ok(s.last.is.asked[0] == '\0' && s.last.said == 0, "nothing else yet");
	memset(long_name, 'x', sizeof(long_name));
	memcpy(long_name + 69, "\xe4\xb8\xad", 3);	/* on the edge of 71 */
	f.asked = (struct str){ long_name, sizeof(long_name) };
	live_show(m, 3, line, &f);
	live_tried(m, 3, line, 2);
	live_said(m, 3, line, 99);
	s = look(m);
	ok(s.last.said == 99 && s.last.attempts == 2 && s.last.is.stream,
	    "what is known by now");
	ok(strlen(s.last.is.asked) == 69, "cut in front of a character");
	live_end(m, 3, line);
	ok(look(m).n == 0, "it has ended");
	for (i = 0; i < SHM_LIVE; i++) {
		snprintf(id, sizeof(id), "req_%d", i);
		if (live_begin(m, 3, id, 1) == -1)
			break;
	}
	ok(i == SHM_LIVE, "so many fit");
	ok(live_begin(m, 3, "req_more", 1) == -1, "and one more does not");
	live_show(m, 3, -1, &f);
	live_tried(m, 3, -1, 1);
	live_said(m, 3, -1, 1);
	live_end(m, 3, -1);
	ok(look(m).n == SHM_LIVE, "which is no harm");
	live_end(m, 3, 7);
	ok(live_begin(m, 3, "req_more", 1) == 7, "a place is free again");
}

static void
test_cancel(struct shm *m)
{
	char	 id[SHM_LIVE_ID];
	int	 i;

	ok(!live_cancelled(m, 3, id), "none is to be ended");
	ok(live_cancel(m, STR("req_none")) == -1, "one that does not run");
	ok(live_cancel(m, STR("")) == -1, "none at all");
	ok(live_cancel(m, STR("req_5")) == 0 &&
	    live_cancel(m, STR("req_more")) == 0, "two that do");
	ok(!live_cancelled(m, 2, id), "not for another worker");
	ok(live_cancelled(m, 3, id) && strcmp(id, "req_5") == 0, "the first");
	ok(live_cancelled(m, 3, id) && strcmp(id, "req_more") == 0,
	    "the second");
	ok(!live_cancelled(m, 3, id), "and no third");
	for (i = 0; i < SHM_CANCELS; i++)
		if (live_cancel(m, STR("req_9")) == -1)
			break;
	ok(i == SHM_CANCELS && live_cancel(m, STR("req_9")) == -1,
	    "a worker that does not look is not asked for ever");
	live_clear(m, 3);
	ok(look(m).n == 0 && !live_cancelled(m, 3, id),
	    "it is gone, and all with it");
}

static void
test_died_writing(struct shm *m)
{
	struct live_facts	 f = { .asked = STR("b") };
	int			 line = live_begin(m, 3, "req_half", 1);

	m->live[3].line[line].turn++;		/* as if killed just then */
	ok(look(m).n == 0, "half a line is not shown");
	live_clear(m, 3);
	line = live_begin(m, 3, "req_next", 1);
	live_show(m, 3, line, &f);
	ok(look(m).n == 1, "its successor's is");
	live_clear(m, 3);
}

static void __attribute__((__noreturn__))
writer(struct shm *m)
{
	struct live_facts	 f = { .stream = false };
	char			 text[64];
	struct str		 s = { text, sizeof(text) };
	unsigned		 i;
	int			 line = -1;

	for (i = 0;; i++) {
		memset(text, 'a' + (int)(i % 26), sizeof(text));
		f.asked = f.model = f.provider = f.agent = s;
		if (i % 64 == 0) {
			live_end(m, 3, line);
			line = live_begin(m, 3, "req_w", 1);
		}
		live_show(m, 3, line, &f);
	}
}

static void
test_two(struct shm *m)
{
	struct seen	 s;
	unsigned	 found = 0, torn = 0;
	time_t		 end = time(NULL) + WAIT_S;
	pid_t		 pid;

	fflush(stdout);
	if ((pid = fork()) == 0)
		writer(m);
	while (found < FOUND && time(NULL) < end) {
		s = look(m);
		found += s.n;
		torn += s.torn;
		if (s.n == 0)
			sched_yield();
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(found >= FOUND, "another process reads while it is written");
	ok(torn == 0, "and never sees half of it");
	live_clear(m, 3);
}

int
main(void)
{
	struct shm	*m;
	int		 fd;

	m = shm_create(&fd);
	m->worker[3].state = SHM_RUNNING;
	test_lines(m);
	test_cancel(m);
	test_died_writing(m);
	test_two(m);
	shm_unmap(m);
	close(fd);
	return done();
}
