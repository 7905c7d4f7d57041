/*
 * How a provider is called.
 */
#include "policy/provider_call.h"

/* v1, v1beta, v4: a path segment that names a version. */
static bool
is_version(struct str s)
{
	return s.n >= 2 && s.p[0] == 'v' && s.p[1] >= '0' && s.p[1] <= '9';
}

void
provider_url(const struct snap_provider *p, const struct dialect *d,
    struct str path, struct buf *url)
{
	struct str	 base = p->base_url, rest = path, last;
	const char	*slash;

	if (base.n == 0)
		base = str_of(d->base_url);
	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	slash = memrchr(base.p, '/', base.n);
	if (slash != NULL) {
		last = str_skip(base, (size_t)(slash - base.p) + 1);
		(void)str_cut(&rest, '/');
		if (is_version(last) && is_version(str_cut(&rest, '/')))
			path = (struct str){ rest.p - 1, rest.n + 1 };
	}
	(void)buf_adds(url, base);
	(void)buf_adds(url, path);
}

bool
provider_auth(const struct snap_provider *p, const struct dialect *d,
    struct provider_auth *a)
{
	struct str	 format = p->auth_format;
	const char	*at;

	a->name = p->auth_header.n > 0 ? p->auth_header :
	    str_of(d->auth_header);
	if (format.n == 0)
		format = str_of(p->auth_header.n > 0 &&
		    !str_is_nocase(p->auth_header, d->auth_header) ? "{key}" :
		    d->auth_format);
	if ((at = memmem(format.p, format.n, "{key}", 5)) == NULL)
		return false;
	a->before = (struct str){ format.p, (size_t)(at - format.p) };
	a->behind = str_skip(format, a->before.n + 5);
	return true;
}
