/*
 * Secrets from people.
 */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "proxyctl/ask.h"
#include "proxyctl/values.h"

#define SECRET_LINE	4096

bool
ctl_ask(const char *what, char *line, size_t size)
{
	struct termios	 old, quiet;
	bool		 ok, echo = tcgetattr(STDIN_FILENO, &old) == 0;

	fprintf(stderr, "%s: ", what);
	if (echo) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	ok = fgets(line, (int)size, stdin) != NULL;
	if (echo) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fprintf(stderr, "\n");
	}
	line[strcspn(line, "\r\n")] = '\0';
	return ok;
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
