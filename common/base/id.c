/*
 * Random ids.
 */
#include <errno.h>
#include <sys/random.h>

#include "base/id.h"
#include "base/log.h"

void
id_random(void *dst, size_t n)
{
	char	*p = dst;
	ssize_t	 r;

	while (n > 0) {
		r = getrandom(p, n, 0);
		if (r == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			fatal("getrandom");
		p += r;
		n -= (size_t)r;
	}
}

static const char	 set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz";

/* Bytes above the last whole multiple of 62 are thrown away: no bias. */
char *
id_new(char *dst, size_t size, const char *prefix)
{
	unsigned char		 r[2 * ID_RAND_LEN];
	size_t			 n = strlen(prefix), i = sizeof(r), k;

	must(size > n + ID_RAND_LEN);
	memcpy(dst, prefix, n);
	for (k = 0; k < ID_RAND_LEN; i++) {
		if (i >= sizeof(r)) {
			id_random(r, sizeof(r));
			i = 0;
		}
		if (r[i] < 62 * 4)
			dst[n + k++] = set[r[i] % 62];
	}
	dst[n + k] = '\0';
	return dst;
}

char *
id_timed(char *dst, size_t size, const char *prefix, int64_t now_us)
{
	size_t	 i = strlen(prefix) + ID_TIME_LEN;

	id_new(dst, size, prefix);
	for (; i-- > strlen(prefix); now_us /= 62)
		dst[i] = set[now_us % 62];
	return dst;
}
