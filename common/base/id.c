/*
 * Random ids.
 */
#include <errno.h>
#include <sys/mman.h>
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
static void
id_chars(char *dst, size_t n, void (*get)(void *, size_t))
{
	unsigned char	 r[2 * ID_RAND_LEN];
	size_t		 i = sizeof(r), k;

	for (k = 0; k < n; i++) {
		if (i >= sizeof(r)) {
			get(r, sizeof(r));
			i = 0;
		}
		if (r[i] < 62 * 4)
			dst[k++] = set[r[i] % 62];
	}
	dst[n] = '\0';
}

char *
id_new(char *dst, size_t size, const char *prefix)
{
	size_t	 n = strlen(prefix);

	must(size > n + ID_RAND_LEN);
	memcpy(dst, prefix, n);
	id_chars(dst + n, ID_RAND_LEN, id_random);
	return dst;
}

/* --- names: many ids of one call to the kernel ------------------------------- */

/*
 * The kernel empties the page in a child that is forked, so that no two
 * processes make the same names.
 */
struct names {
	size_t		 left;		/* 0: to be filled */
	unsigned char	 r[1024];
};

static struct names *
names_page(void)
{
	static struct names	*page;
	void			*p;

	if (page != NULL)
		return page;
	p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || madvise(p, sizeof(*page),
	    MADV_WIPEONFORK) == -1)
		fatal("names");
	return page = p;
}

void
id_chance(void *dst, size_t n)
{
	struct names	*p = names_page();

	must(n <= sizeof(p->r));
	if (p->left < n) {
		id_random(p->r, sizeof(p->r));
		p->left = sizeof(p->r);
	}
	p->left -= n;
	memcpy(dst, p->r + p->left, n);
}

char *
id_timed(char *dst, size_t size, const char *prefix, int64_t now_us)
{
	size_t	 n = strlen(prefix), i;

	must(size > n + ID_RAND_LEN);
	memcpy(dst, prefix, n);
	for (i = ID_TIME_LEN; i-- > 0; now_us /= 62)
		dst[n + i] = set[now_us % 62];
	id_chars(dst + n + ID_TIME_LEN, ID_RAND_LEN - ID_TIME_LEN,
	    id_chance);
	return dst;
}

int64_t
id_time(struct str id, const char *prefix)
{
	const char	*c;
	int64_t		 us = 0;
	size_t		 i, n = strlen(prefix);

	if (id.n != n + ID_RAND_LEN || !str_starts(id, prefix))
		return -1;
	for (i = 0; i < ID_TIME_LEN; i++) {
		c = memchr(set, id.p[n + i], sizeof(set) - 1);
		if (c == NULL)
			return -1;
		us = us * 62 + (c - set);
	}
	return us;
}
