/*
 * Who may ask.  Facts in, verdict out; the caller reads headers and sockets.
 */
#include <arpa/inet.h>
#include <stddef.h>

#include "policy/access.h"

/* "[::1]:8000" -> "::1", "localhost:8000" -> "localhost". */
static struct str
host_name(struct str h)
{
	const char	*q;
	struct str	 rest;

	if (h.n > 0 && h.p[0] == '[') {
		rest = str_skip(h, 1);
		h = str_cut(&rest, ']');
		/* Nothing but a port may follow. */
		if (rest.p == NULL || (rest.n > 0 && rest.p[0] != ':'))
			return STR_NONE;
		return h;
	}
	if (h.n > 0 && (q = memchr(h.p, ':', h.n)) != NULL)
		h.n = (size_t)(q - h.p);
	return h;
}

static bool
host_is_loopback(struct str h)
{
	char		 text[INET6_ADDRSTRLEN];
	struct in_addr	 v4;
	struct in6_addr	 v6;

	if (str_is_nocase(h, "localhost"))
		return true;
	if (h.n == 0 || h.n >= sizeof(text))
		return false;
	memcpy(text, h.p, h.n);
	text[h.n] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return false;
}

bool
access_host_ok(struct str host, const struct str *names, unsigned n)
{
	struct str	 h = host_name(host);
	unsigned	 i;

	if (host_is_loopback(h))
		return true;
	for (i = 0; i < n; i++)
		if (h.n > 0 && h.n == names[i].n &&
		    strncasecmp(h.p, names[i].p, h.n) == 0)
			return true;
	return false;
}

/* Is it the page that this very server served?  Host is judged apart. */
static bool
origin_is_ours(struct str origin, struct str host)
{
	if (str_starts(origin, "http://"))
		origin = str_skip(origin, 7);
	else if (str_starts(origin, "https://"))
		origin = str_skip(origin, 8);
	else
		return false;
	return host.n > 0 && origin.n == host.n &&
	    strncasecmp(origin.p, host.p, host.n) == 0;
}

const char *
access_deny(const struct snapshot *s, const struct access_facts *f)
{
	if (s->allow_anonymous)
		return NULL;
	if (!f->peer_loopback)
		return "no client key is defined, so only this machine is "
		    "served; set ALLOW_ANONYMOUS: true in app.yml to open it";
	if (f->has_forwarded)
		return "no client key is defined, so forwarded requests are "
		    "refused; set ALLOW_ANONYMOUS: true in app.yml to open it";
	if (f->origin.n > 0 && !origin_is_ours(f->origin, f->host))
		return "no client key is defined, so requests of web pages "
		    "(Origin header) are refused; set ALLOW_ANONYMOUS: true "
		    "in app.yml to open it";
	if (!access_host_ok(f->host, s->hosts, s->nhosts))
		return "no client key is defined, so the Host header must "
		    "name this machine; add the name to ALLOWED_HOSTS in "
		    "app.yml";
	return NULL;
}
