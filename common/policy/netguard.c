/*
 * Which addresses and URLs may be opened for somebody else.  What is not known
 * to be public is not: IPv6 is allowed only where addresses are given out.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "policy/netguard.h"

#define HOST_MAX	255

enum reach { REACH_PRIVATE, REACH_NEVER };

static const struct {
	uint32_t	 net;
	unsigned	 bits;
	enum reach	 reach;
	const char	*what;
} v4[] = {
	/* Single ones in front: within other ranges, or public. */
	{ 0x646464c8u, 32, REACH_NEVER, "is a metadata service" },
	{ 0xa83f8110u, 32, REACH_NEVER, "is a metadata service" },
	{ 0xc00000c0u, 32, REACH_NEVER, "is a metadata service" },
	{ 0x00000000u, 8, REACH_NEVER, "is no host" },
	{ 0x0a000000u, 8, REACH_PRIVATE, "is private" },
	{ 0x64400000u, 10, REACH_PRIVATE, "is shared (carrier's)" },
	{ 0x7f000000u, 8, REACH_PRIVATE, "is this machine" },
	{ 0xa9fe0000u, 16, REACH_NEVER, "is link-local" },
	{ 0xac100000u, 12, REACH_PRIVATE, "is private" },
	{ 0xc0000000u, 24, REACH_NEVER, "is reserved" },
	{ 0xc0000200u, 24, REACH_NEVER, "is for documentation" },
	{ 0xc0586300u, 24, REACH_NEVER, "is a 6to4 relay" },
	{ 0xc0a80000u, 16, REACH_PRIVATE, "is private" },
	{ 0xc6120000u, 15, REACH_NEVER, "is for benchmarks" },
	{ 0xc6336400u, 24, REACH_NEVER, "is for documentation" },
	{ 0xcb007100u, 24, REACH_NEVER, "is for documentation" },
	{ 0xe0000000u, 4, REACH_NEVER, "is multicast" },
	{ 0xf0000000u, 4, REACH_NEVER, "is reserved" },
};

static const struct {
	unsigned char	 net[8];
	unsigned	 bits;
	enum reach	 reach;
	const char	*what;
} v6[] = {
	{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32, REACH_NEVER,
	    "is a metadata service" },
	{ { 0xfd, 0x20, 0x00, 0xce }, 32, REACH_NEVER,
	    "is a metadata service" },
	{ { 0xfc }, 7, REACH_PRIVATE, "is private" },
	{ { 0xfe, 0x80 }, 10, REACH_NEVER, "is link-local" },
	{ { 0xff }, 8, REACH_NEVER, "is multicast" },
	{ { 0x20, 0x01, 0x00, 0x00 }, 32, REACH_NEVER, "is Teredo" },
	{ { 0x20, 0x01, 0x00 }, 23, REACH_NEVER, "is reserved" },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, REACH_NEVER,
	    "is for documentation" },
	{ { 0x20, 0x02 }, 16, REACH_NEVER, "is 6to4" },
	{ { 0x3f, 0xff, 0x00 }, 20, REACH_NEVER, "is for documentation" },
};

/* --- addresses ------------------------------------------------------------ */

static const char *
guard_v4(uint32_t a, bool allow_private)
{
	size_t	 i;

	for (i = 0; i < sizeof(v4) / sizeof(v4[0]); i++)
		if ((a ^ v4[i].net) >> (32 - v4[i].bits) == 0)
			return v4[i].reach == REACH_PRIVATE &&
			    allow_private ? NULL : v4[i].what;
	return NULL;
}

static bool
within(const unsigned char *a, const unsigned char *net, unsigned bits)
{
	unsigned	 whole = bits / 8, rest = bits % 8;

	return memcmp(a, net, whole) == 0 && (rest == 0 ||
	    (a[whole] ^ net[whole]) >> (8 - rest) == 0);
}

static uint32_t
embedded(const unsigned char *a)
{
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
	    (uint32_t)a[2] << 8 | a[3];
}

static const char *
guard_v6(const unsigned char *a, bool allow_private)
{
	static const unsigned char	 mapped[12] = { [10] = 0xff, 0xff };
	static const unsigned char	 nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const unsigned char	 self[16] = { [15] = 1 };
	size_t				 i;

	if (memcmp(a, mapped, sizeof(mapped)) == 0 ||
	    memcmp(a, nat64, sizeof(nat64)) == 0)
		return guard_v4(embedded(a + 12), allow_private);
	if (memcmp(a, self, sizeof(self)) == 0)
		return allow_private ? NULL : "is this machine";
	for (i = 0; i < sizeof(v6) / sizeof(v6[0]); i++)
		if (within(a, v6[i].net, v6[i].bits))
			return v6[i].reach == REACH_PRIVATE &&
			    allow_private ? NULL : v6[i].what;
	return (a[0] & 0xe0) == 0x20 ? NULL : "is not public";
}

const char *
netguard_address(const struct sockaddr *sa, bool allow_private)
{
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		return guard_v4(ntohl(in.sin_addr.s_addr), allow_private);
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		return guard_v6(in6.sin6_addr.s6_addr, allow_private);
	}
	return "is of an unknown family";
}

/* --- URLs ----------------------------------------------------------------- */

static bool
ends_nocase(struct str s, const char *end)
{
	size_t	 n = strlen(end);

	return s.n >= n && strncasecmp(s.p + s.n - n, end, n) == 0;
}

/* A name, or an IPv4 address in any form. */
static const char *
guard_name(struct str host, bool allow_private)
{
	struct in_addr	 in;
	char		 name[HOST_MAX + 1];
	size_t		 i;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n > HOST_MAX)
		return "has no host";
	for (i = 0; i < host.n; i++) {
		name[i] = host.p[i];
		if (strchr("0123456789abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._", name[i]) == NULL ||
		    name[i] == '\0')
			return "has a host that is no name";
	}
	name[host.n] = '\0';
	if (inet_aton(name, &in) != 0)
		return guard_v4(ntohl(in.s_addr), allow_private);
	if (str_is_nocase(host, "metadata") ||
	    ends_nocase(host, "metadata.google.internal"))
		return "is a metadata service";
	if (!allow_private && (str_is_nocase(host, "localhost") ||
	    ends_nocase(host, ".localhost") || ends_nocase(host, ".local") ||
	    ends_nocase(host, ".internal")))
		return "is a name of a private network";
	return NULL;
}

static const char *
guard_literal(struct str host, bool allow_private)
{
	struct in6_addr	 in6;
	char		 text[INET6_ADDRSTRLEN];

	if (host.n >= sizeof(text) || memchr(host.p, '\0', host.n) != NULL)
		return "has a host that is no address";
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return "has a host that is no address";
	return guard_v6(in6.s6_addr, allow_private);
}

static const char *
guard_port(struct str port, int64_t deflt, bool allow_private)
{
	int64_t	 n = deflt;

	if (port.n > 0 && str_to_int(port, 1, 65535, &n) == -1)
		return "has a port that is no number";
	return allow_private || n == 80 || n == 443 ? NULL :
	    "has a port other than 80 and 443";
}

const char *
netguard_url(struct str url, bool allow_private)
{
	struct str	 host, port = STR_NONE;
	const char	*why, *end;
	bool		 tls;
	size_t		 n;

	tls = url.n >= 8 && strncasecmp(url.p, "https://", 8) == 0;
	if (!tls && (url.n < 7 || strncasecmp(url.p, "http://", 7) != 0))
		return "is neither http nor https";
	url = str_skip(url, tls ? 8 : 7);
	for (n = 0; n < url.n && strchr("/?#", url.p[n]) == NULL; n++)
		continue;
	host = (struct str){ url.p, n };
	if (memchr(host.p, '@', host.n) != NULL)
		return "has a user in it";
	if (host.n > 0 && host.p[0] == '[') {
		if ((end = memchr(host.p, ']', host.n)) == NULL)
			return "has a host that is no address";
		port = str_skip(host, (size_t)(end - host.p) + 1);
		host = (struct str){ host.p + 1, (size_t)(end - host.p) - 1 };
		if (port.n > 0 && port.p[0] != ':')
			return "has a host that is no address";
		port = str_skip(port, port.n > 0);
		why = guard_literal(host, allow_private);
	} else {
		port = host;
		host = str_cut(&port, ':');
		why = guard_name(host, allow_private);
	}
	return why != NULL ? why : guard_port(port, tls ? 443 : 80,
	    allow_private);
}
