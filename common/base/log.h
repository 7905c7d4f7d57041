#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

/*
 * Lines to stderr, each with time, process name and pid.  A line never holds
 * a key, a prompt or a completion.  The calls without x add strerror(errno).
 * Levels in a line: alert (always a bug or an operator's matter at once),
 * warn, info, debug.
 */
void	 log_init(const char *procname, bool debug);
void	 log_setprocname(const char *);
void	 log_setdebug(bool);
bool	 log_isdebug(void);

/* Called with the text of a fatal line before the process ends. */
void	 log_onfatal(void (*cb)(const char *));

#define LOG_FMT(f, a)	__attribute__((__format__(printf, f, a)))
void	 log_alert(const char *, ...) LOG_FMT(1, 2);
void	 log_warn(const char *, ...) LOG_FMT(1, 2);
void	 log_warnx(const char *, ...) LOG_FMT(1, 2);
void	 log_info(const char *, ...) LOG_FMT(1, 2);
void	 log_debug(const char *, ...) LOG_FMT(1, 2);
void	 fatal(const char *, ...) LOG_FMT(1, 2) __attribute__((__noreturn__));
void	 fatalx(const char *, ...) LOG_FMT(1, 2) __attribute__((__noreturn__));

/* Assertions that stay on in production. */
#define must(cond) do {							\
	if (!(cond))							\
		fatalx("assertion failed: %s, %s:%d", #cond, __FILE__,	\
		    __LINE__);						\
} while (0)

#endif /* BASE_LOG_H */
