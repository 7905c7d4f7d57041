/*
 * Secrets from people.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "proxyctl/ask.h"
#include "proxyctl/values.h"

#define SECRET_LINE	4096

static const int	 sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define SIGS		(sizeof(sigs) / sizeof(*sigs))

static volatile sig_atomic_t caught;

static void
signal_cb(int sig)
{
	caught = sig;
}

/* By single bytes: what comes behind the line is not ours. */
static bool
line_read(char *line, size_t size)
{
	size_t	 n = 0;
	ssize_t	 r;
	char	 c = '\0';

	while (n + 1 < size && caught == 0) {
		r = read(STDIN_FILENO, &c, 1);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0 || c == '\n' || c == '\r')
			break;
		line[n++] = c;
	}
	line[n] = '\0';
	return c == '\n' || c == '\r';
}

/* The echo is off before it is asked, and on again whatever ends the line. */
bool
ctl_ask(const char *what, char *line, size_t size)
{
	struct sigaction	 sa = { .sa_handler = signal_cb }, was[SIGS];
	struct termios		 old, quiet;
	bool			 ok, echo = tcgetattr(STDIN_FILENO, &old) == 0;
	size_t			 i;

	caught = 0;
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < SIGS; i++)
		(void)sigaction(sigs[i], &sa, &was[i]);
	if (echo) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	fprintf(stderr, "%s: ", what);
	ok = line_read(line, size);
	if (echo) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fprintf(stderr, "\n");
	}
	for (i = 0; i < SIGS; i++)
		(void)sigaction(sigs[i], &was[i], NULL);
	if (caught != 0)
		(void)raise((int)caught);
	return ok && caught == 0;
}

int
ctl_secret(const char *what, const char *option, const char *file, bool twice,
    struct buf *b)
{
	char	 one[SECRET_LINE] = "", two[SECRET_LINE] = "";
	bool	 ok;

	if (file != NULL || !isatty(STDIN_FILENO)) {
		if (ctl_read(file != NULL ? file : "-", file != NULL ?
		    option : what, SECRET_LINE, b) == -1)
			return -1;
		b->len = str_trim(buf_str(b)).n;
		return 0;
	}
	ok = ctl_ask(what, one, sizeof(one)) && (!twice ||
	    (ctl_ask("again", two, sizeof(two)) && strcmp(one, two) == 0));
	buf_init(b, SECRET_LINE);
	(void)buf_addz(b, one);
	explicit_bzero(one, sizeof(one));
	explicit_bzero(two, sizeof(two));
	if (ok)
		return 0;
	ctl_wipe(b);
	ctl_fail(twice ? "the two differ" : "nothing was given");
	return -1;
}

void
ctl_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->len);
	buf_release(b);
}
