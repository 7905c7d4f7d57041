/*
 * proxyctl: what is common to all words.  The words are in words.h.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "proxyctl/db.h"
#include "proxyctl/words.h"

int
ctl_fail(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vwarnx(fmt, ap);
	va_end(ap);
	return CTL_ERROR;
}

int
ctl_config(const struct ctl *c, char *dst, size_t size)
{
	const char	*file = c->opt[OPT_CONFIG];
	char		*real;

	if (file == NULL && access("app.yml", F_OK) == -1)
		return 0;
	if ((real = realpath(file == NULL ? "app.yml" : file, NULL)) == NULL) {
		ctl_fail("cannot read '%s': %s", file == NULL ? "app.yml" :
		    file, strerror(errno));
		return -1;
	}
	if ((size_t)snprintf(dst, size, "%s", real) >= size)
		fatalx("'%s' is too long", real);
	free(real);
	return 1;
}

int
main(int argc, char **argv)
{
	static struct ctl	 c;
	int			 r;

	log_init("proxyctl", false);
	if ((r = words_parse(&c, argc, argv + 1)) != 0)
		r = r == 1 ? CTL_OK : CTL_ERROR;
	else if (conf_paths_init(&c.paths, c.opt[OPT_HOME]) == -1)
		r = ctl_fail("the path of the home directory is too long");
	else if ((r = c.word->run(&c)) == CTL_OK)
		ctl_in_service(&c);
	if ((fflush(stdout) != 0 || ferror(stdout)) && r == CTL_OK)
		r = ctl_fail("cannot write standard output");
	free(c.given);
	return r;
}
