/*
 * top: a live view in a terminal.  The screen is an alternate one, which is left
 * as it was found, however top ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "proxyctl/top.h"
#include "proxyctl/values.h"
#include "proxyctl/words.h"

#define ENTER	"\033[?1049h\033[?25l"		/* its own screen, no cursor */
#define LEAVE	"\033[?25h\033[?1049l"
#define HOME	"\033[H"
#define REST	"\033[K\n"			/* of a line */
#define BELOW	"\033[J"

static volatile sig_atomic_t ended, stopped, resized;

static void
signal_cb(int sig)
{
	if (sig == SIGWINCH)
		resized = 1;
	else if (sig == SIGTSTP)
		stopped = 1;
	else
		ended = 1;
}

static void
say(const char *text)
{
	struct str	 s = str_of(text);
	ssize_t		 n;

	while (s.n > 0) {
		n = write(STDOUT_FILENO, s.p, s.n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			ended = 1;
			return;
		}
		s = str_skip(s, (size_t)n);
	}
}

/* --- the terminal ----------------------------------------------------------------- */

static struct termios	 found;

static int
enter(void)
{
	struct termios	 raw = found;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == -1)
		return -1;
	say(ENTER);
	return 0;
}

static void
leave(void)
{
	say(LEAVE);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &found);
}

/* ^Z: the shell gets its terminal as it was, and we ours when we go on. */
static void
suspend(void)
{
	stopped = 0;
	leave();
	(void)raise(SIGSTOP);
	if (enter() == -1)
		ended = 1;
}

static void
signals(void)
{
	static const int	 sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				    SIGTSTP, SIGWINCH };
	struct sigaction	 sa = { .sa_handler = signal_cb };
	size_t			 i;

	sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		(void)sigaction(sigs[i], &sa, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static void
size_of(int *width, int *height)
{
	struct winsize	 ws;

	*width = 80;
	*height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 &&
	    ws.ws_row > 0) {
		*width = ws.ws_col;
		*height = ws.ws_row;
	}
}

/* The last line stays free: a line end there would scroll. */
static void
draw(const struct top *t)
{
	struct buf	 text, screen;
	struct str	 rest, one;
	int		 width, height;

	size_of(&width, &height);
	buf_init(&text, 1 << 20);
	buf_init(&screen, 2 << 20);
	top_lines(t, width, height > 2 ? height - 2 : 1, &text);
	(void)buf_addz(&screen, HOME);
	for (rest = buf_str(&text); rest.n > 0;) {
		one = str_cut(&rest, '\n');
		(void)buf_addf(&screen, "%.*s" REST, STR_FMT(one));
	}
	(void)buf_addz(&screen, width >= 9 ? BELOW "q: quit" : BELOW);
	say(screen.data);
	buf_release(&text);
	buf_release(&screen);
}

/* --- the loop ----------------------------------------------------------------------- */

static void
keys_take(void)
{
	char	 c;
	ssize_t	 n;

	while ((n = read(STDIN_FILENO, &c, 1)) == 1)
		if (c == 'q' || c == 'Q')
			ended = 1;
	if (n == -1 && errno == EIO)
		ended = 1;		/* the terminal is gone */
}

static void
watch(struct top *t, int64_t interval_ms)
{
	struct pollfd	 p = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t		 next, left;

	while (!ended) {
		top_take(t);
		draw(t);
		for (next = clock_mono_ms() + interval_ms; !ended &&
		    (left = next - clock_mono_ms()) > 0;) {
			if (poll(&p, 1, (int)left) > 0) {
				if (p.revents & (POLLHUP | POLLERR))
					ended = 1;
				keys_take();
			}
			if (stopped)
				suspend();
			else if (!resized)
				continue;
			resized = 0;
			draw(t);
		}
	}
}

static int
once(struct ctl *c, struct top *t, int64_t interval_ms)
{
	struct buf	 b;
	json_t		*o;
	int		 r = CTL_OK;

	top_take(t);
	if (t->sample[t->now].v.answer == DAEMON_OK) {
		(void)poll(NULL, 0, (int)interval_ms);
		top_take(t);
	}
	buf_init(&b, 4 << 20);
	if (c->opt[OPT_JSON] != NULL) {
		o = top_json(t);
		(void)json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(o);
	} else {
		top_lines(t, 0, 0, &b);
		printf("%.*s", STR_FMT(buf_str(&b)));
	}
	if (t->sample[t->now].v.answer == DAEMON_NOBODY)
		r = CTL_DOWN;
	else if (t->sample[t->now].v.answer != DAEMON_OK)
		r = CTL_ERROR;
	buf_release(&b);
	return r;
}

int
ctl_top(struct ctl *c)
{
	static struct top	 t;
	int64_t			 interval = 1;
	int			 r = CTL_OK;

	if (ctl_span(c, OPT_INTERVAL, &interval) == -1)
		return CTL_ERROR;
	if (interval < 1 || interval > 3600)
		return ctl_fail("top: --interval '%s': expected 1s to 1h",
		    c->opt[OPT_INTERVAL]);
	top_init(&t, c);
	if (c->opt[OPT_ONCE] != NULL || c->opt[OPT_JSON] != NULL)
		r = once(c, &t, interval * 1000);
	else if (!isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &found) == -1)
		r = ctl_fail("top: needs a terminal; --once prints the same "
		    "for scripts");
	else {
		signals();
		if (enter() == -1)
			r = ctl_fail("top: this terminal cannot be set up");
		else
			watch(&t, interval * 1000);
		leave();
	}
	top_release(&t);
	return r;
}
