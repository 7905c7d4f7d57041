/*
 * Values of options, read and written.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "proxyctl/values.h"
#include "proxyctl/words.h"
#include "state/store_tenants.h"

static int
bad(enum ctl_opt o, const char *value, const char *want)
{
	ctl_fail("%s '%s': expected %s", word_options[o].name, value, want);
	return -1;
}

int
ctl_int(const struct ctl *c, enum ctl_opt o, int64_t min, int64_t max,
    int64_t *v)
{
	char	 want[96];

	if (c->opt[o] == NULL)
		return 0;
	if (str_to_int(str_of(c->opt[o]), min, max, v) == 0)
		return 1;
	/* Where the bounds are not known here, the field's own check tells. */
	if (min == INT64_MIN / 2)
		snprintf(want, sizeof(want), "a whole number");
	else
		snprintf(want, sizeof(want), "a whole number from %lld to "
		    "%lld", (long long)min, (long long)max);
	return bad(o, c->opt[o], want);
}

static int
span_of(struct str s, int64_t *seconds)
{
	static const char	 units[] = "smhdw";
	static const int64_t	 unit[] = { 1, 60, 3600, 86400, 604800 };
	const char		*u;
	int64_t			 n;

	if (s.n < 2 || (u = strchr(units, s.p[s.n - 1])) == NULL || *u == '\0')
		return -1;
	s.n--;
	if (str_to_int(s, 0, 100000000, &n) == -1)
		return -1;
	*seconds = n * unit[u - units];
	return 0;
}

int
ctl_span(const struct ctl *c, enum ctl_opt o, int64_t *seconds)
{
	if (c->opt[o] == NULL)
		return 0;
	if (span_of(str_of(c->opt[o]), seconds) == -1)
		return bad(o, c->opt[o], "a time such as 90s, 30m, 24h, 7d "
		    "or 2w");
	return 1;
}

/* So many digits; -1: others. */
static int
digits(struct str *s, int n, int min, int max)
{
	int	 v = 0, i;

	if (s->n < (size_t)n)
		return -1;
	for (i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s->p[i]))
			return -1;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_skip(*s, (size_t)n);
	return v < min || v > max ? -1 : v;
}

static bool
take(struct str *s, const char *chars)
{
	if (s->n == 0 || strchr(chars, s->p[0]) == NULL)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static int
zone_of(struct str *s, int64_t *east)
{
	int	 sign, h, m = 0;

	*east = 0;
	if (s->n == 0 || take(s, "Z"))
		return 0;
	sign = s->p[0] == '-' ? -1 : 1;
	if (!take(s, "+-") || (h = digits(s, 2, 0, 14)) == -1)
		return -1;
	(void)take(s, ":");
	if (s->n > 0 && (m = digits(s, 2, 0, 59)) == -1)
		return -1;
	*east = sign * (h * 3600 + m * 60);
	return 0;
}

static int
date_of(struct str s, int64_t *us)
{
	struct tm	 tm = { .tm_isdst = 0 }, back;
	int64_t		 east = 0;
	time_t		 t;
	int		 day;

	if ((tm.tm_year = digits(&s, 4, 1970, 9999)) == -1 || !take(&s, "-") ||
	    (tm.tm_mon = digits(&s, 2, 1, 12)) == -1 || !take(&s, "-") ||
	    (day = tm.tm_mday = digits(&s, 2, 1, 31)) == -1)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (take(&s, "T ") && ((tm.tm_hour = digits(&s, 2, 0, 23)) == -1 ||
	    !take(&s, ":") || (tm.tm_min = digits(&s, 2, 0, 59)) == -1 ||
	    (take(&s, ":") && (tm.tm_sec = digits(&s, 2, 0, 60)) == -1)))
		return -1;
	if (zone_of(&s, &east) == -1 || s.n > 0)
		return -1;
	t = timegm(&tm);
	if (gmtime_r(&t, &back) == NULL || (tm.tm_sec < 60 &&
	    back.tm_mday != day))
		return -1;
	*us = ((int64_t)t - east) * 1000000;
	return 0;
}

int
ctl_time(const struct ctl *c, enum ctl_opt o, bool forward, int64_t *us)
{
	const char	*s = c->opt[o];
	int64_t		 span;

	if (s == NULL)
		return 0;
	if (strcmp(s, "now") == 0)
		*us = clock_wall_us();
	else if (span_of(str_of(s), &span) == 0)
		*us = clock_wall_us() + (forward ? span : -span) * 1000000;
	else if (date_of(str_of(s), us) == -1)
		return bad(o, s, forward ? "a time from now such as 24h or "
		    "90d, or a date such as 2026-12-31 or "
		    "2026-12-31T18:00Z (UTC)" : "a time ago such as 24h or "
		    "7d, or a date such as 2026-11-22 or 2026-11-22T10:30Z "
		    "(UTC)");
	return 1;
}

int
ctl_money(const struct ctl *c, enum ctl_opt o, bool none, int64_t *micros)
{
	const char	*s = c->opt[o];

	if (s == NULL)
		return 0;
	if (none && strcmp(s, "none") == 0)
		*micros = -1;
	else if ((*micros = store_money(str_of(s))) == -1)
		return bad(o, s, none ? "dollars such as 2.50, at most "
		    "1000000, or none" : "dollars such as 2.50, at most "
		    "1000000");
	return 1;
}

bool
ctl_yes(const char *s)
{
	return strcmp(s, "yes") == 0;
}

/* --- files --------------------------------------------------------------------- */

int
ctl_read(const char *path, const char *what, size_t max, struct buf *b)
{
	bool	 in = strcmp(path, "-") == 0;
	ssize_t	 n;
	int	 fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	buf_init(b, max);
	if (fd == -1) {
		ctl_fail("%s: cannot read '%s': %s", what, path,
		    strerror(errno));
		return -1;
	}
	for (;;) {
		char	 data[16384];

		n = read(fd, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || buf_add(b, data, (size_t)n) == -1)
			break;
	}
	if (n == -1)
		ctl_fail("%s: cannot read '%s': %s", what, path,
		    strerror(errno));
	else if (n > 0)
		ctl_fail("%s: '%s' has more than %zu bytes", what, path, max);
	if (!in)
		close(fd);
	if (n == 0)
		return 0;
	buf_release(b);
	return -1;
}

/* --- for people ------------------------------------------------------------------ */

char *
ctl_when(int64_t us, char dst[WHEN_LEN])
{
	time_t		 t = (time_t)(us / 1000000);
	struct tm	 tm;

	if (us == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(dst, WHEN_LEN, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(dst, WHEN_LEN, "-");
	return dst;
}

char *
ctl_span_text(int64_t s, char dst[SPAN_LEN])
{
	if (s < 60)
		snprintf(dst, SPAN_LEN, "%lld s", (long long)(s < 0 ? 0 : s));
	else if (s < 3600)
		snprintf(dst, SPAN_LEN, "%lld min", (long long)(s / 60));
	else if (s < 86400)
		snprintf(dst, SPAN_LEN, "%lld h %lld min",
		    (long long)(s / 3600), (long long)(s % 3600 / 60));
	else
		snprintf(dst, SPAN_LEN, "%lld d %lld h",
		    (long long)(s / 86400), (long long)(s % 86400 / 3600));
	return dst;
}

char *
ctl_money_text(int64_t micros, char dst[MONEY_LEN])
{
	size_t	 n;

	if (micros < 0) {
		snprintf(dst, MONEY_LEN, "-");
		return dst;
	}
	snprintf(dst, MONEY_LEN, "%lld.%06lld",
	    (long long)(micros / 1000000), (long long)(micros % 1000000));
	for (n = strlen(dst); dst[n - 1] == '0' && dst[n - 3] != '.'; n--)
		dst[n - 1] = '\0';
	return dst;
}
