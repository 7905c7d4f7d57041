#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_RFC3339_LEN	32

int64_t	 clock_mono_us(void);		/* CLOCK_MONOTONIC, microseconds */
int64_t	 clock_wall_us(void);		/* since 1970, microseconds */
int64_t	 clock_mono_ms(void);
int64_t	 clock_cpu_us(void);		/* what this thread has computed */

/* RFC 3339 in UTC with milliseconds: 2026-11-22T21:24:00.123Z.  Returns dst. */
char	*clock_rfc3339(int64_t wall_us, char dst[CLOCK_RFC3339_LEN]);

/* Days since 1970, months since year 0, both UTC; seconds until the next. */
int64_t	 clock_day(int64_t wall_us);
int64_t	 clock_month(int64_t wall_us);
int64_t	 clock_day_left(int64_t wall_us);
int64_t	 clock_month_left(int64_t wall_us);

#endif /* BASE_CLOCK_H */
