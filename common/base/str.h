#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A slice of someone else's bytes: never freed, not NUL terminated. */
struct str {
	const char	*p;
	size_t		 n;
};

#define STR(lit)	((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NONE	((struct str){ NULL, 0 })

/* For printf: printf("%.*s", STR_FMT(s)). */
#define STR_FMT(s)	(int)(s).n, (s).p

static inline struct str
str_of(const char *z)
{
	return (struct str){ z, z == NULL ? 0 : strlen(z) };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* As memcmp, and of two that begin alike the shorter one is first. */
static inline int
str_cmp(struct str a, struct str b)
{
	size_t	 n = a.n < b.n ? a.n : b.n;
	int	 c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool
str_is(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

/* ASCII case is ignored, as in HTTP field names. */
static inline bool
str_is_nocase(struct str a, const char *z)
{
	return a.n == strlen(z) && strncasecmp(a.p, z, a.n) == 0;
}

static inline bool
str_starts(struct str a, const char *z)
{
	size_t	 n = strlen(z);

	return a.n >= n && memcmp(a.p, z, n) == 0;
}

static inline bool
str_ends(struct str a, const char *z)
{
	size_t	 n = strlen(z);

	return a.n >= n && memcmp(a.p + a.n - n, z, n) == 0;
}

static inline struct str
str_skip(struct str a, size_t n)
{
	if (n > a.n)
		n = a.n;
	return (struct str){ a.p + n, a.n - n };
}

/* Returns what stands before the first sep and moves *rest behind it. */
static inline struct str
str_cut(struct str *rest, char sep)
{
	const char	*q = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct str	 head = *rest;

	if (q == NULL) {
		*rest = STR_NONE;
		return head;
	}
	head.n = (size_t)(q - head.p);
	*rest = str_skip(*rest, head.n + 1);
	return head;
}

/* Without leading and trailing spaces, tabs and line ends. */
static inline bool
str_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct str
str_trim(struct str a)
{
	while (a.n > 0 && str_is_space(a.p[0]))
		a = str_skip(a, 1);
	while (a.n > 0 && str_is_space(a.p[a.n - 1]))
		a.n--;
	return a;
}

#endif /* BASE_STR_H */
