/*
 * The kinds of values in app.yml: what each may be, and how it is written.
 */
#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/conf_row.h"

/* A value in a message: never all of a long one. */
#define SHOW(s)	((s).n > 64 ? 64 : (int)(s).n), (s).p

#define ALNUM	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Optimal string alignment, case ignored; words are at most 40 long. */
#define WORD_MAX	40

static bool
same_letter(char a, char b)
{
	return strncasecmp(&a, &b, 1) == 0;
}

static unsigned
distance(struct str a, struct str b)
{
	unsigned	 row[3][WORD_MAX + 1], i, j, d;
	unsigned	*before = row[0], *last = row[1], *now = row[2], *t;

	for (j = 0; j <= b.n; j++)
		last[j] = j;
	for (i = 1; i <= a.n; i++) {
		now[0] = i;
		for (j = 1; j <= b.n; j++) {
			d = last[j - 1] + !same_letter(a.p[i - 1], b.p[j - 1]);
			if (last[j] + 1 < d)
				d = last[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && before[j - 2] + 1 < d &&
			    same_letter(a.p[i - 1], b.p[j - 2]) &&
			    same_letter(a.p[i - 2], b.p[j - 1]))
				d = before[j - 2] + 1;
			now[j] = d;
		}
		t = before;
		before = last;
		last = now;
		now = t;
	}
	return last[b.n];
}

void
conf_nearest_try(struct conf_nearest *near, struct str word)
{
	unsigned	 d, limit = 1 + (unsigned)near->want.n / 4;

	if (near->want.n > WORD_MAX || word.n > WORD_MAX)
		return;
	d = distance(near->want, word);
	if (d > limit || (near->best.n > 0 && d >= near->distance))
		return;
	near->best = word;
	near->distance = d;
}

static bool
only(struct str s, const char *chars)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(chars, s.p[i]) == NULL)
			return false;
	return true;
}

static int
need_scalar(struct conf_reader *r, const struct yml *y, const char *what)
{
	if (y->type == YML_SCALAR)
		return 0;
	return conf_fail(r, y, "expected %s, not a %s", what,
	    y->type == YML_LIST ? "list" : "map");
}

static void *
field(const struct conf_row *row, void *base)
{
	return (char *)base + row->off;
}

int
conf_set_bool(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	static const char *const word[2][5] = {
		{ "false", "no", "off", "0", "n" },
		{ "true", "yes", "on", "1", "y" }
	};
	unsigned	 i, v;

	if (need_scalar(r, y, "true or false") == -1)
		return -1;
	for (v = 0; v < 2; v++)
		for (i = 0; i < 5; i++)
			if (str_is_nocase(y->text, word[v][i])) {
				*(bool *)field(row, base) = v == 1;
				return 0;
			}
	return conf_fail(r, y, "expected true or false, not '%.*s'",
	    SHOW(y->text));
}

int
conf_set_int(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	int64_t	 v;

	if (need_scalar(r, y, "a number") == -1)
		return -1;
	if (str_to_int(y->text, row->min, row->max, &v) == -1)
		return conf_fail(r, y, "expected a whole number from %lld to "
		    "%lld, not '%.*s'", (long long)row->min,
		    (long long)row->max, SHOW(y->text));
	*(int *)field(row, base) = (int)v;
	return 0;
}

struct unit {
	const char	*name;
	int64_t		 times;
};

/* A whole number and a unit, in multiples of the smallest; -1: it is not. */
static int
quantity(struct str s, const struct unit *unit, int64_t max, int64_t *v)
{
	struct str	 n = s, u;

	while (n.n > 0 && (n.p[n.n - 1] < '0' || n.p[n.n - 1] > '9'))
		n.n--;
	u = str_trim(str_skip(s, n.n));
	for (; unit->name != NULL; unit++) {
		if (!str_is_nocase(u, unit->name))
			continue;
		if (str_to_int(n, 0, max / unit->times, v) == -1)
			return -1;
		*v *= unit->times;
		return 0;
	}
	return -1;
}

int
conf_set_size(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	static const struct unit unit[] = {
		{ "", 1 }, { "B", 1 },
		{ "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 },
		{ "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 },
		{ "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
		{ NULL, 0 }
	};
	int64_t	 v;

	if (need_scalar(r, y, "a size") == -1)
		return -1;
	if (quantity(y->text, unit, row->max, &v) == -1 || v < row->min)
		return conf_fail(r, y, "expected a size from %lld to %lld "
		    "bytes, such as 32MiB, not '%.*s'", (long long)row->min,
		    (long long)row->max, SHOW(y->text));
	*(int64_t *)field(row, base) = v;
	return 0;
}

int
conf_set_ms(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	static const struct unit unit[] = {
		{ "ms", 1 }, { "", 1000 }, { "s", 1000 }, { "m", 60000 },
		{ "min", 60000 }, { "h", 3600000 }, { NULL, 0 }
	};
	int64_t	 v;

	if (need_scalar(r, y, "a duration") == -1)
		return -1;
	if (quantity(y->text, unit, row->max, &v) == -1 || v < row->min)
		return conf_fail(r, y, "expected a duration from %lldms to "
		    "%llds, such as 500ms, 10s or 2m, not '%.*s'",
		    (long long)row->min, (long long)row->max / 1000,
		    SHOW(y->text));
	*(int *)field(row, base) = (int)v;
	return 0;
}

int
conf_set_str(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	if (need_scalar(r, y, "a text") == -1)
		return -1;
	if (row->max > 0 && (int64_t)y->text.n > row->max)
		return conf_fail(r, y, "longer than %lld bytes",
		    (long long)row->max);
	*(struct str *)field(row, base) = arena_str(&r->c->arena, y->text);
	return 0;
}

int
conf_set_mode(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	int	*mode = field(row, base);

	if (need_scalar(r, y, "transformer or direct") == -1)
		return -1;
	if (str_is_nocase(y->text, "transformer"))
		*mode = CONF_TRANSFORMER;
	else if (str_is_nocase(y->text, "direct"))
		*mode = CONF_DIRECT;
	else
		return conf_fail(r, y, "expected transformer or direct, "
		    "not '%.*s'", SHOW(y->text));
	return 0;
}

/* --- addresses ------------------------------------------------------------ */

bool
conf_is_host(struct str s)
{
	if (s.n == 0 || s.n > 255)
		return false;
	if (s.p[0] == '[')
		return s.n > 3 && s.p[s.n - 1] == ']' &&
		    only((struct str){ s.p + 1, s.n - 2 },
		    "0123456789abcdefABCDEF:.");
	return only(s, ALNUM "._-");
}

int
conf_set_listen(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	char	*to = field(row, base);

	if (need_scalar(r, y, "an address or host name") == -1)
		return -1;
	if (y->text.n > 255 || !only(y->text, ALNUM ".:_-"))
		return conf_fail(r, y, "expected an address or host name, "
		    "without a port, not '%.*s'", SHOW(y->text));
	memcpy(to, y->text.p, y->text.n);
	to[y->text.n] = '\0';
	return 0;
}

/* [v6] or a name, then ":port"; NULL or what is wrong. */
static const char *
authority_wrong(struct str s)
{
	struct str	 host = s, port = STR_NONE;
	const char	*colon;
	int64_t		 v;

	if (memchr(s.p, '@', s.n) != NULL)
		return "must not hold a user name or password";
	colon = memrchr(s.p, ':', s.n);
	if (colon != NULL && memchr(colon, ']', s.n -
	    (size_t)(colon - s.p)) == NULL) {
		host.n = (size_t)(colon - s.p);
		port = str_skip(s, host.n + 1);
		if (str_to_int(port, 1, 65535, &v) == -1)
			return "has a port that is no number from 1 to 65535";
	}
	return conf_is_host(host) ? NULL : "has no valid host name";
}

static const char *
base_url_wrong(struct str s)
{
	struct str	 rest, authority;
	const char	*why;

	if (str_starts(s, "https://"))
		rest = str_skip(s, 8);
	else if (str_starts(s, "http://"))
		rest = str_skip(s, 7);
	else
		return "must begin with http:// or https://";
	if (rest.n == 0)
		return "has no host name";
	authority = str_cut(&rest, '/');
	if (authority.n == 0)
		return "has no host name";
	if (memchr(authority.p, '?', authority.n) != NULL ||
	    memchr(authority.p, '#', authority.n) != NULL)
		return "must not have a query or fragment";
	if ((why = authority_wrong(authority)) != NULL || rest.n == 0)
		return why;
	if (memchr(rest.p, '?', rest.n) != NULL ||
	    memchr(rest.p, '#', rest.n) != NULL)
		return "must not have a query or fragment";
	if (!only(rest, ALNUM "-._~%!$&'()*+,;=:@/"))
		return "has a character that a path cannot hold";
	return NULL;
}

/* Neither here nor for a proxy is the value shown: it may hold a password. */
int
conf_set_base_url(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct str	 s = y->text;
	const char	*why;

	if (need_scalar(r, y, "a URL") == -1)
		return -1;
	if ((why = s.n > 1024 ? "is too long" : base_url_wrong(s)) != NULL)
		return conf_fail(r, y, "the URL %s; expected "
		    "http(s)://host[:port][/path]", why);
	while (s.p[s.n - 1] == '/')
		s.n--;
	*(struct str *)field(row, base) = arena_str(&r->c->arena, s);
	return 0;
}

int
conf_set_proxy(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	static const char *const scheme[] = { "http://", "https://",
	    "socks4://", "socks4a://", "socks5://", "socks5h://" };
	struct str	 rest = STR_NONE;
	const char	*at;
	unsigned	 i;

	if (need_scalar(r, y, "a URL") == -1)
		return -1;
	for (i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++)
		if (str_starts(y->text, scheme[i]))
			rest = str_skip(y->text, strlen(scheme[i]));
	if (rest.n > 0 && (at = memrchr(rest.p, '@', rest.n)) != NULL)
		rest = str_skip(rest, (size_t)(at - rest.p) + 1);
	if (rest.n > 0 && rest.p[rest.n - 1] == '/')
		rest.n--;
	if (y->text.n > 1024 || rest.n == 0 || authority_wrong(rest) != NULL)
		return conf_fail(r, y, "expected a proxy such as "
		    "http://host:port or socks5h://user:password@host:port");
	*(struct str *)field(row, base) = arena_str(&r->c->arena, y->text);
	return 0;
}

/* --- what goes into a header ---------------------------------------------- */

bool
conf_is_token(struct str s)
{
	return s.n > 0 && s.n <= 256 && only(s, ALNUM "!#$%&'*+-.^_`|~");
}

const char *
conf_header_refused(struct str name)
{
	static const char *const own[] = { "host", "content-length",
	    "transfer-encoding", "connection", "keep-alive", "te", "trailer",
	    "upgrade", "expect", "content-type", "accept-encoding" };
	unsigned	 i;

	if (!conf_is_token(name))
		return "is no name of a header";
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (str_is_nocase(name, own[i]))
			return "is a header that the gateway sets itself";
	return NULL;
}

int
conf_set_token(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	const char	*why;

	if (need_scalar(r, y, "a header's name") == -1)
		return -1;
	if ((why = conf_header_refused(y->text)) != NULL)
		return conf_fail(r, y, "'%.*s' %s", SHOW(y->text), why);
	return conf_set_str(r, row, y, base);
}

int
conf_set_auth_format(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	const char	*at, *more;

	if (need_scalar(r, y, "a text with {key}") == -1)
		return -1;
	at = memmem(y->text.p, y->text.n, "{key}", 5);
	more = at == NULL ? NULL : memmem(at + 5, y->text.n -
	    (size_t)(at + 5 - y->text.p), "{key}", 5);
	if (at == NULL || more != NULL || y->text.n > 256)
		return conf_fail(r, y, "expected a text with {key} in it once, "
		    "such as 'Bearer {key}'");
	return conf_set_str(r, row, y, base);
}

int
conf_set_dialect(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	static const char *const known[] = { "openai-chat", "openai-responses",
	    "anthropic", "gemini" };
	struct conf_nearest	 near = { .want = y->text };
	struct str		*to = field(row, base);
	unsigned		 i;

	if (need_scalar(r, y, "a dialect's name") == -1)
		return -1;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_is(y->text, known[i])) {
			*to = str_of(known[i]);
			return 0;
		}
		conf_nearest_try(&near, str_of(known[i]));
	}
	if (near.best.n > 0)
		return conf_fail(r, y, "unknown dialect '%.*s', did you mean "
		    "'%.*s'?", SHOW(y->text), STR_FMT(near.best));
	return conf_fail(r, y, "unknown dialect '%.*s': expected openai-chat, "
	    "openai-responses, anthropic or gemini", SHOW(y->text));
}
