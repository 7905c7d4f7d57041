#ifndef PROXYCTL_VALUES_H
#define PROXYCTL_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proxyctl/proxyctl.h"

/*
 * Values of options.  0: it was not given, and *v is as it was; 1: it was; -1:
 * it is wrong, said already.
 */
int	 ctl_int(const struct ctl *, enum ctl_opt, int64_t min, int64_t max,
	    int64_t *v) __attribute__((__warn_unused_result__));
/* "90s", "30m", "24h", "7d", "2w": seconds. */
int	 ctl_span(const struct ctl *, enum ctl_opt, int64_t *seconds)
	    __attribute__((__warn_unused_result__));
/* Microseconds since 1970: "now", a span ago (forward: from now), or a date and
 * time of UTC: 2026-11-22, 2026-11-22T10:30, 2026-11-22T10:30:00Z, +08:00. */
int	 ctl_time(const struct ctl *, enum ctl_opt, bool forward, int64_t *us)
	    __attribute__((__warn_unused_result__));
/* Dollars, as micro-dollars; with none, "none" is that. */
int	 ctl_money(const struct ctl *, enum ctl_opt, bool none, int64_t *micros)
	    __attribute__((__warn_unused_result__));
/* "yes" or "no", as the table of options has seen to. */
bool	 ctl_yes(const char *);

/* A file, or with "-" standard input; what: named in the error.  -1: said. */
int	 ctl_read(const char *path, const char *what, size_t max,
	    struct buf *b) __attribute__((__warn_unused_result__));

/* "2026-11-22 10:30:00", UTC; "-" for 0.  Returns dst. */
#define WHEN_LEN	24
char	*ctl_when(int64_t us, char dst[WHEN_LEN]);
/* "12 s", "3 min", "5 h 2 min"; returns dst. */
#define SPAN_LEN	32
char	*ctl_span_text(int64_t s, char dst[SPAN_LEN]);
/* "1.25", "0.000031", "-" for what is not known. */
#define MONEY_LEN	32
char	*ctl_money_text(int64_t micros, char dst[MONEY_LEN]);

#endif /* PROXYCTL_VALUES_H */
