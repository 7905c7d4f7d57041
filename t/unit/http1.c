/*
 * HTTP/1.1: what is written, and what is read out of any pieces.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "tap.h"
#include "wire/http1.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define OK	"HTTP/1.1 200 OK\r\n"
#define CHUNKED	OK "Transfer-Encoding: chunked\r\n\r\n"

/*
 * An answer, and what it says: "status{field|field|}content", then "." where it
 * ended and "+" where the connection may be kept, "~" and what was left over;
 * "!" where it is refused, "?" where the end of the connection is a fault.
 */
struct sample {
	struct str	 in;
	const char	*want;
};

static const struct sample	 samples[] = {
	{ STR(OK "Content-Length: 2\r\n\r\nab"), "200{Content-Length: 2|}ab.+" },
	{ STR(OK "content-length:2\r\n\r\nabHTTP"),
	    "200{content-length:2|}ab.+~HTTP" },
	{ STR("HTTP/1.1 200 OK\nContent-Length: 1\n\na"),
	    "200{Content-Length: 1|}a.+" },
	{ STR("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
	    "200{Content-Length: 0|}.+" },
	{ STR("HTTP/1.1 200 \r\n\r\nab"), "200{}ab." },
	{ STR("HTTP/1.1 204 No\r\n\r\n"), "204{}.+" },
	{ STR("HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n"),
	    "304{Content-Length: 7|}.+" },
	{ STR(OK "\r\n"), "200{}." },
	/* The connection afterwards. */
	{ STR(OK "Connection: x, Close\r\nContent-Length: 0\r\n\r\n"),
	    "200{Connection: x, Close|Content-Length: 0|}." },
	{ STR("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"),
	    "200{Content-Length: 1|}a." },
	{ STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
	    "Content-Length: 1\r\n\r\na"),
	    "200{Connection: keep-alive|Content-Length: 1|}a.+" },
	/* 1xx are skipped. */
	{ STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n"
	    OK "Content-Length: 1\r\n\r\na"), "200{Content-Length: 1|}a.+" },
	{ STR("HTTP/1.1 101 Switch\r\n\r\n"), "!" },
	/* Chunks. */
	{ STR(CHUNKED "2\r\nab\r\n0\r\n\r\n"),
	    "200{Transfer-Encoding: chunked|}ab.+" },
	{ STR(CHUNKED "1;x=\"y\"\r\na\r\n00A \r\n0123456789\r\n000\r\n"
	    "X: y\r\nZ\r\n\r\n~"),
	    "200{Transfer-Encoding: chunked|}a0123456789.+~~" },
	{ STR(CHUNKED "2\nab\n0\n\n"),
	    "200{Transfer-Encoding: chunked|}ab.+" },
	{ STR("HTTP/1.0 200 OK\r\nTransfer-Encoding: Chunked\r\n"
	    "Connection: keep-alive\r\n\r\n0\r\n\r\n"),
	    "200{Transfer-Encoding: Chunked|Connection: keep-alive|}." },
	{ STR(CHUNKED "2\r\nabc\r\n0\r\n\r\n"),
	    "200{Transfer-Encoding: chunked|}ab!" },
	{ STR(CHUNKED "2\r\nab\rx"), "200{Transfer-Encoding: chunked|}ab!" },
	{ STR(CHUNKED "\r\n"), "200{Transfer-Encoding: chunked|}!" },
	{ STR(CHUNKED "-1\r\n"), "200{Transfer-Encoding: chunked|}!" },
	{ STR(CHUNKED "0x1\r\n"), "200{Transfer-Encoding: chunked|}!" },
	{ STR(CHUNKED "1\rx"), "200{Transfer-Encoding: chunked|}!" },
	{ STR(CHUNKED "fffffffffffffffff\r\n"),
	    "200{Transfer-Encoding: chunked|}!" },
	{ STR(CHUNKED "0\r\n\rx"), "200{Transfer-Encoding: chunked|}!" },
	{ STR(CHUNKED "5\r\nab"), "200{Transfer-Encoding: chunked|}ab?" },
	{ STR(CHUNKED "2\r\nab\r\n"), "200{Transfer-Encoding: chunked|}ab?" },
	{ STR(CHUNKED "0\r\n"), "200{Transfer-Encoding: chunked|}?" },
	/* Lengths. */
	{ STR(OK "Content-Length: 1, 1\r\nContent-Length: 1\r\n\r\na"),
	    "200{Content-Length: 1, 1|Content-Length: 1|}a.+" },
	{ STR(OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "!" },
	{ STR(OK "Content-Length: 1, 2\r\n\r\nab"), "!" },
	{ STR(OK "Content-Length:\r\n\r\n"), "!" },
	{ STR(OK "Content-Length: -1\r\n\r\n"), "!" },
	{ STR(OK "Content-Length: +1\r\n\r\n"), "!" },
	{ STR(OK "Content-Length: 1 1\r\n\r\n"), "!" },
	{ STR(OK "Content-Length: 9999999999999999999\r\n\r\n"), "!" },
	{ STR(OK "Content-Length: 5\r\n\r\nab"),
	    "200{Content-Length: 5|}ab?" },
	{ STR(OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    "!" },
	{ STR(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), "!" },
	{ STR(OK "Transfer-Encoding: chunked, chunked\r\n\r\n"), "!" },
	{ STR(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
	    "\r\n\r\n"), "!" },
	{ STR(OK "Transfer-Encoding: identity\r\n\r\n"), "!" },
	/* Heads. */
	{ STR(OK "A: b\r\n c\r\n\r\n"), "!" },
	{ STR(OK " A: b\r\n\r\n"), "!" },
	{ STR(OK "A : b\r\n\r\n"), "!" },
	{ STR(OK ": b\r\n\r\n"), "!" },
	{ STR(OK "A b\r\n\r\n"), "!" },
	{ STR(OK "A: b\0c\r\n\r\n"), "!" },
	{ STR(OK "A: b\rc\r\n\r\n"), "!" },
	{ STR(OK "A\xc3\xa4: b\r\n\r\n"), "!" },
	{ STR(OK "A: \xc3\xa4\r\nContent-Length: 0\r\n\r\n"),
	    "200{A: \xc3\xa4|Content-Length: 0|}.+" },
	{ STR("HTTP/2 200 OK\r\n\r\n"), "!" },
	{ STR("HTTP/1.1  200 OK\r\n\r\n"), "!" },
	{ STR("HTTP/1.1 20 OK\r\n\r\n"), "!" },
	{ STR("HTTP/1.1 099 OK\r\n\r\n"), "!" },
	{ STR("HTTP/1.1 2000 OK\r\n\r\n"), "!" },
	{ STR("HTTP/1.x 200 OK\r\n\r\n"), "!" },
	{ STR("\r\nHTTP/1.1 200 OK\r\n\r\n"), "!" },
	{ STR("<html>"), "!" },
	{ STR("HTTP/1."), "?" },
	{ STR(OK "Content-Le"), "?" },
	{ STR(""), "?" },
};

/* The answer's story, read by pieces of n bytes. */
static void
story(struct str in, size_t n, struct buf *b)
{
	struct http1		 h;
	struct str		 piece, out, line;
	enum http1_event	 e = HTTP1_MORE;

	http1_init(&h);
	while (in.n > 0 && e != HTTP1_END && e != HTTP1_FAULT) {
		piece = (struct str){ in.p, in.n < n ? in.n : n };
		in = str_skip(in, piece.n);
		while ((e = http1_next(&h, &piece, &out)) == HTTP1_HEAD ||
		    e == HTTP1_BODY) {
			if (e == HTTP1_BODY) {
				buf_adds(b, out);
				continue;
			}
			buf_addf(b, "%d{", h.status);
			while (http1_field(&out, &line)) {
				buf_adds(b, line);
				buf_addc(b, '|');
			}
			buf_addc(b, '}');
		}
		in = (struct str){ in.p - piece.n, in.n + piece.n };
	}
	if (e == HTTP1_FAULT)
		buf_addc(b, h.fault != NULL ? '!' : '0');
	else if (http1_eof(&h) == -1)
		buf_addc(b, h.fault != NULL ? '?' : '0');
	else
		buf_addz(b, h.keep ? ".+" : ".");
	if (e == HTTP1_END && in.n > 0) {
		buf_addc(b, '~');
		buf_adds(b, in);
	}
	http1_release(&h);
}

static void
test_answers(void)
{
	struct buf	 b;
	size_t		 i, n;

	for (i = 0; i < N(samples); i++) {
		for (n = 1; n < 200; n = n < 8 ? n + 1 : n * 3) {
			buf_init(&b, 1 << 20);
			story(samples[i].in, n, &b);
			if (!str_is(buf_str(&b), samples[i].want)) {
				printf("# %.*s\n", STR_FMT(buf_str(&b)));
				break;
			}
			buf_release(&b);
		}
		ok(n >= 200, "answer %zu, in pieces of any size: %s", i,
		    samples[i].want);
		if (n < 200)
			buf_release(&b);
	}
}

/* OK, filler of n bytes, the end: what becomes of it? */
static char
filled(const char *begin, const char *unit, size_t n, const char *end)
{
	struct buf	 in, b;
	char		 last;

	buf_init(&in, 4 << 20);
	buf_init(&b, 4 << 20);
	buf_addz(&in, begin);
	while (in.len < n)
		buf_addz(&in, unit);
	buf_addz(&in, end);
	story(buf_str(&in), 1000, &b);
	last = b.data[b.len - 1];
	buf_release(&in);
	buf_release(&b);
	return last;
}

static void
test_limits(void)
{
	const size_t	 max = HTTP1_HEAD_MAX;

	ok(filled(OK "Content-Length: 0\r\n", "A: b\r\n", max - 20, "\r\n") ==
	    '+', "a head that is just not too long");
	ok(filled(OK, "A: b\r\n", max, "\r\n") == '!', "one that is");
	ok(filled(OK "A: ", "x", max, "\r\n\r\n") == '!', "in one line");
	ok(filled("", "HTTP/1.1 100 C\r\n\r\n", max, OK "\r\n") == '!',
	    "in many of 1xx");
	ok(filled(CHUNKED "0\r\n", "A: b\r\n", max / 2, "\r\n") == '+',
	    "trailers");
	ok(filled(CHUNKED "0\r\n", "A: b\r\n", max * 2, "\r\n") == '!',
	    "too many");
	ok(filled(CHUNKED "1;", "x", 4000, "\r\na\r\n0\r\n\r\n") == '+',
	    "an extension");
	ok(filled(CHUNKED "1;", "x", 5000, "\r\na\r\n0\r\n\r\n") == '!',
	    "that is too long");
}

static void
test_urls(void)
{
	static const char *const	 bad[] = { "https://a/", "http:///a",
	    "http://u@a/", "http://a/#x", "http://a/../b", "http://a/./b",
	    "http://a/b c", "http://a/\x01", "http://a/\xc3\xa4",
	    "http://\xc3\xa4/", "http://a%41/", "http://", "HTTP://a/", "",
	    "http://a\\b", "http://a/b\\c" };
	struct http1_url		 u;
	size_t				 i;

	ok(http1_url(&u, "http://127.0.0.1:80/v1/x?y=z%20") == 0 &&
	    str_is(u.authority, "127.0.0.1:80") &&
	    str_is(u.target, "/v1/x?y=z%20"), "a URL");
	ok(http1_url(&u, "http://[::1]:8080") == 0 &&
	    str_is(u.authority, "[::1]:8080") && u.target.n == 0, "bare");
	ok(http1_url(&u, "http://a?b") == 0 && str_is(u.target, "?b"),
	    "a query alone");
	for (i = 0; i < N(bad); i++)
		ok(http1_url(&u, bad[i]) == -1, "not cut: '%s'", bad[i]);
}

static bool
writes(const char *url, const char *const *lines, size_t n, const char *want)
{
	struct http1_url	 u;
	struct buf		 b;
	bool			 same;

	buf_init(&b, 200);
	same = http1_url(&u, url) == 0 && (want == NULL ?
	    http1_request(&b, "POST", &u, lines, n) == -1 :
	    http1_request(&b, "POST", &u, lines, n) == 0 &&
	    str_is(buf_str(&b), want));
	if (!same)
		printf("# %.*s\n", STR_FMT(buf_str(&b)));
	buf_release(&b);
	return same;
}

static void
test_requests(void)
{
	const char	*none[] = { NULL };
	const char	*some[] = { "Accept: x", "Expect:", "Empty: \t",
	    "content-length: 7", "Transfer-Encoding: chunked", "X:y", "Z;",
	    NULL };
	const char	*own[] = { "host: b", "ACCEPT-ENCODING: br", NULL };
	const char	*split[] = { "A: b\r\nC: d", NULL };
	const char	*feed[] = { "A: b\nC: d", NULL };
	char		 line[300];
	const char	*longer[] = { line, NULL };

	ok(writes("http://a:80", none, 0, "POST / HTTP/1.1\r\nHost: a\r\n"
	    "Accept-Encoding: identity\r\nContent-Length: 0\r\n\r\n"), "a head");
	ok(writes("http://a:8080?b", some, 1234567890, "POST /?b HTTP/1.1\r\n"
	    "Host: a:8080\r\nAccept-Encoding: identity\r\nAccept: x\r\nX:y\r\n"
	    "Content-Length: 1234567890\r\n\r\n"), "what is left out");
	ok(writes("http://a/b", own, 10, "POST /b HTTP/1.1\r\nhost: b\r\n"
	    "ACCEPT-ENCODING: br\r\nContent-Length: 10\r\n\r\n"),
	    "what stands in place of ours");
	ok(writes("http://a/b", split, 10, NULL), "a line that is two");
	ok(writes("http://a/b", feed, 10, NULL), "by a LF");
	memset(line, 'a', sizeof(line));
	memcpy(line, "A: ", 3);
	line[sizeof(line) - 1] = '\0';
	ok(writes("http://a/b", longer, 10, NULL), "the limit");
}

int
main(void)
{
	test_answers();
	test_limits();
	test_urls();
	test_requests();
	return done();
}
