/*
 * Clocks, and the one way to write a time.
 */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

static int64_t
clock_us(clockid_t which)
{
	struct timespec	 ts;

	if (clock_gettime(which, &ts) == -1)
		fatal("clock_gettime");
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
clock_cpu_us(void)
{
	struct timespec	 ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

char *
clock_rfc3339(int64_t us, char dst[CLOCK_RFC3339_LEN])
{
	time_t		 t = us / 1000000;
	struct tm	 tm;

	if (us < 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099) {
		t = 0;
		us = 0;
		gmtime_r(&t, &tm);
	}
	strftime(dst, CLOCK_RFC3339_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst + strlen(dst), 8, ".%03uZ",
	    (unsigned)(us / 1000 % 1000) & 1023u);
	return dst;
}

int64_t
clock_day(int64_t wall_us)
{
	return wall_us / 86400000000;
}

/*
 * The year begins in March, so that the leap day is its last; from there months
 * have 30.6 days but for rounding, and 400 years are 146097 days.
 */
int64_t
clock_month(int64_t wall_us)
{
	int64_t	 day = clock_day(wall_us) + 719468;	/* since March of 0 */
	int64_t	 era = day / 146097, year, month;

	day -= era * 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153 + 2;		/* 2: March */
	return (era * 400 + year) * 12 + month;
}

int64_t
clock_day_left(int64_t wall_us)
{
	return 86400 - wall_us / 1000000 % 86400;
}

int64_t
clock_month_left(int64_t wall_us)
{
	time_t		 t = (time_t)(wall_us / 1000000);
	struct tm	 tm;

	gmtime_r(&t, &tm);
	tm.tm_mon++;
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return (int64_t)(timegm(&tm) - t);
}
