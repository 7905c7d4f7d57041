#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define ID_RAND_LEN	24

/* n random bytes from the kernel. */
void	 id_random(void *, size_t n);

/*
 * The same for names and choices, not for secrets: a kilobyte of the kernel's at
 * a time.  n is at most that.
 */
void	 id_chance(void *, size_t n);

/*
 * Writes prefix and ID_RAND_LEN random characters [0-9A-Za-z] (142 bits), NUL
 * terminated.  dst has room for strlen(prefix) + ID_RAND_LEN + 1.  Returns dst.
 */
char	*id_new(char *dst, size_t size, const char *prefix);

/*
 * The same length, but it begins with the time, so that ids made later sort
 * later and an index of them grows at its end: ID_TIME_LEN characters of
 * microseconds since 1970, the rest random (89 bits).  For names of things, not
 * for secrets.
 */
#define ID_TIME_LEN	9
char	*id_timed(char *dst, size_t size, const char *prefix, int64_t now_us);
/* The time of such an id; -1: it is none. */
int64_t	 id_time(struct str id, const char *prefix);

#endif /* BASE_ID_H */
