/*
 * The log: one line, one write.
 */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define LOG_LINE	2048

static char	 procname[64] = "?";
static bool	 debug_on;
static void	(*on_fatal)(const char *);

void
log_init(const char *name, bool debug)
{
	log_setprocname(name);
	debug_on = debug;
}

void
log_setprocname(const char *name)
{
	snprintf(procname, sizeof(procname), "%s", name);
}

void
log_setdebug(bool debug)
{
	debug_on = debug;
}

bool
log_isdebug(void)
{
	return debug_on;
}

void
log_onfatal(void (*cb)(const char *))
{
	on_fatal = cb;
}

/* A line stays a line, whatever is in it. */
static void
line_clean(char *p)
{
	for (; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

static void
line_write(const char *level, const char *text, int error)
{
	char	 when[CLOCK_RFC3339_LEN], line[LOG_LINE];
	int	 n, saved = errno;

	n = snprintf(line, sizeof(line) - 1, "%s %s[%d]: %s: %s%s%s",
	    clock_rfc3339(clock_wall_us(), when), procname, (int)getpid(),
	    level, text, error ? ": " : "", error ? strerror(error) : "");
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line_clean(line);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) == -1) {
		/* There is nobody left to tell. */
	}
	errno = saved;
}

static void
line_vwrite(const char *level, const char *fmt, va_list ap, int error)
{
	char	 text[LOG_LINE];

	vsnprintf(text, sizeof(text), fmt, ap);
	line_write(level, text, error);
}

void
log_alert(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	line_vwrite("alert", fmt, ap, 0);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	int	 error = errno;
	va_list	 ap;

	va_start(ap, fmt);
	line_vwrite("warn", fmt, ap, error);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	line_vwrite("warn", fmt, ap, 0);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	line_vwrite("info", fmt, ap, 0);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list	 ap;

	if (!debug_on)
		return;
	va_start(ap, fmt);
	line_vwrite("debug", fmt, ap, 0);
	va_end(ap);
}

static void __attribute__((__noreturn__))
end(const char *fmt, va_list ap, int error)
{
	char	 text[LOG_LINE];

	vsnprintf(text, sizeof(text), fmt, ap);
	line_write("fatal", text, error);
	if (on_fatal != NULL)
		on_fatal(text);
	_exit(1);
}

void
fatal(const char *fmt, ...)
{
	int	 error = errno;
	va_list	 ap;

	va_start(ap, fmt);
	end(fmt, ap, error);
}

void
fatalx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	end(fmt, ap, 0);
}
