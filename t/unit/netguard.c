/* Which URLs and addresses the gateway opens for somebody else. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/netguard.h"
#include "tap.h"

enum { PUBLIC, PRIVATE, NEVER };

static const struct {
	const char	*url;
	int		 reach;
} urls[] = {
	{ "https://example.com/a.png", PUBLIC },
	{ "HTTP://example.com", PUBLIC },
	{ "http://example.com.:80?x", PUBLIC },
	{ "https://8.8.8.8/", PUBLIC },
	{ "https://[2606:4700::1111]/", PUBLIC },
	{ "https://[2606:4700::1111]:443/", PUBLIC },
	{ "https://[64:ff9b::8.8.8.8]/", PUBLIC },
	{ "http://127.0.0.1/", PRIVATE },
	{ "http://127.1/", PRIVATE },
	{ "http://2130706433/", PRIVATE },
	{ "http://0x7f000001/", PRIVATE },
	{ "http://0x7f.1/", PRIVATE },
	{ "http://017700000001/", PRIVATE },
	{ "http://0177.0.0.01/", PRIVATE },
	{ "http://127.0.0.1./", PRIVATE },
	{ "http://10.1.2.3/", PRIVATE },
	{ "http://100.64.0.1/", PRIVATE },
	{ "http://172.16.0.1/", PRIVATE },
	{ "http://172.31.255.255/", PRIVATE },
	{ "http://172.32.0.1/", PUBLIC },
	{ "http://192.168.1.1/", PRIVATE },
	{ "http://localhost/", PRIVATE },
	{ "http://LocalHost:80/", PRIVATE },
	{ "http://a.localhost/", PRIVATE },
	{ "http://printer.local/", PRIVATE },
	{ "http://[::1]/", PRIVATE },
	{ "http://[::ffff:127.0.0.1]/", PRIVATE },
	{ "http://[::ffff:7f00:1]/", PRIVATE },
	{ "http://[64:ff9b::10.0.0.1]/", PRIVATE },
	{ "http://[fc00::1]/", PRIVATE },
	{ "https://example.com:8080/", PRIVATE },
	{ "http://0/", NEVER },
	{ "http://0.0.0.0/", NEVER },
	{ "http://169.254.169.254/latest/meta-data", NEVER },
	{ "http://0xa9fea9fe/", NEVER },
	{ "http://[::ffff:169.254.169.254]/", NEVER },
	{ "http://[64:ff9b::a9fe:a9fe]/", NEVER },
	{ "http://[fd00:ec2::254]/", NEVER },
	{ "http://100.100.100.200/", NEVER },
	{ "http://168.63.129.16/", NEVER },
	{ "http://192.0.0.192/", NEVER },
	{ "http://metadata.google.internal/", NEVER },
	{ "http://224.0.0.1/", NEVER },
	{ "http://255.255.255.255/", NEVER },
	{ "http://[::]/", NEVER },
	{ "http://[::127.0.0.1]/", NEVER },
	{ "http://[fe80::1]/", NEVER },
	{ "http://[fe80::1%25eth0]/", NEVER },
	{ "http://[2002:7f00:1::]/", NEVER },
	{ "http://[2001:0:1::1]/", NEVER },
	{ "http://[2001:db8::1]/", NEVER },
	{ "http://[64:ff9b:1::1]/", NEVER },
	{ "http://[ff02::1]/", NEVER },
	{ "ftp://example.com/", NEVER },
	{ "file:///etc/passwd", NEVER },
	{ "gopher://example.com/", NEVER },
	{ "http://user:pw@example.com/", NEVER },
	{ "http://example.com@127.0.0.1/", NEVER },
	{ "http://example.com\\@127.0.0.1/", NEVER },
	{ "http:///x", NEVER },
	{ "http://", NEVER },
	{ "http://exa mple.com/", NEVER },
	{ "http://ex%61mple.com/", NEVER },
	{ "http://example.com:0/", NEVER },
	{ "http://example.com:99999/", NEVER },
	{ "http://[::1/", NEVER },
	{ "http://[::1]x/", NEVER },
};

static void
test_addresses(void)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	struct sockaddr_in6	 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr		 other = { .sa_family = AF_UNIX };

	ok(inet_pton(AF_INET, "8.8.8.8", &in.sin_addr) == 1 &&
	    netguard_address((struct sockaddr *)&in, false) == NULL,
	    "a public address");
	ok(inet_pton(AF_INET, "10.0.0.1", &in.sin_addr) == 1 &&
	    netguard_address((struct sockaddr *)&in, false) != NULL &&
	    netguard_address((struct sockaddr *)&in, true) == NULL,
	    "a private one needs permission");
	ok(inet_pton(AF_INET6, "::ffff:10.0.0.1", &in6.sin6_addr) == 1 &&
	    netguard_address((struct sockaddr *)&in6, false) != NULL,
	    "mapped, too");
	ok(netguard_address(&other, true) != NULL, "no other family");
}

int
main(void)
{
	const char	*shut, *open;
	size_t		 i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		shut = netguard_url(str_of(urls[i].url), false);
		open = netguard_url(str_of(urls[i].url), true);
		ok((shut == NULL) == (urls[i].reach == PUBLIC) &&
		    (open == NULL) == (urls[i].reach != NEVER), "%s: %s, "
		    "permitted: %s", urls[i].url, shut == NULL ? "yes" :
		    shut, open == NULL ? "yes" : open);
	}
	test_addresses();
	return done();
}
