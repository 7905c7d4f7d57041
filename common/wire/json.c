/*
 * The JSON reader: validates a text and yields flat nodes over it.  One pass,
 * no recursion; a string's bytes are looked at eight at a time.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "wire/json.h"

#define NODES_MIN	64

/* What may come next. */
enum expect {
	X_VALUE, X_FIRST_ELEMENT, X_FIRST_KEY, X_KEY, X_COLON, X_COMMA, X_END
};

struct parser {
	struct json	*j;
	const char	*p, *end;
	const char	*what;			/* the fault */
	uint32_t	 open[JSON_MAX_DEPTH];	/* nodes of open containers */
	unsigned	 depth;
};

void
json_init(struct json *j)
{
	*j = (struct json){ .nodes = NULL };
}

void
json_release(struct json *j)
{
	free(j->nodes);
	json_init(j);
}

/* --- parsing ---------------------------------------------------------------- */

static int
fail(struct parser *ps, const char *what)
{
	ps->what = what;
	return -1;
}

static struct json_node *
node_add(struct parser *ps, enum json_type type, const char *at, size_t len)
{
	struct json	 *j = ps->j;
	struct json_node *n;
	void		 *p;

	if (j->n == j->cap) {
		if (j->cap >= JSON_MAX_NODES) {
			fail(ps, "too many values");
			return NULL;
		}
		j->cap = j->cap == 0 ? NODES_MIN : j->cap * 2;
		p = reallocarray(j->nodes, j->cap, sizeof(*j->nodes));
		if (p == NULL)
			fatalx("out of memory: %u JSON nodes", j->cap);
		j->nodes = p;
	}
	n = &j->nodes[j->n++];
	n->off = (uint32_t)(at - j->text.p);
	n->len = (uint32_t)len;
	n->next = j->n;
	n->type = (uint8_t)type;
	n->escaped = false;
	return n;
}

static void
skip_space(struct parser *ps)
{
	while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\n' ||
	    *ps->p == '\t' || *ps->p == '\r'))
		ps->p++;
}

/* A bit 0x80 in each byte of w that is '"', '\\', below 0x20 or above 0x7f. */
static uint64_t
special_bytes(uint64_t w)
{
	const uint64_t	 ones = 0x0101010101010101u, high = ones << 7;
	uint64_t	 q = w ^ ones * '"', b = w ^ ones * '\\';

	return (((q - ones) & ~q) | ((b - ones) & ~b) |
	    ((w - ones * 0x20) & ~w) | w) & high;
}

/* Checks an escape at ps->p, which is at the backslash, and goes past it. */
static int
parse_escape(struct parser *ps)
{
	unsigned char	 two[2];

	if (ps->end - ps->p < 2)
		return fail(ps, "unexpected end in a string");
	if (ps->p[1] != 'u') {
		if (ps->p[1] == '\0' ||
		    strchr("\"\\/bfnrt", ps->p[1]) == NULL)
			return fail(ps, "unknown escape in a string");
		ps->p += 2;
		return 0;
	}
	if (ps->end - ps->p < 6 ||
	    hex_decode(two, 2, (struct str){ ps->p + 2, 4 }) == -1)
		return fail(ps, "expected four hex digits behind \\u");
	ps->p += 6;
	return 0;
}

/* At the opening quote; afterwards behind the closing one. */
static int
parse_string(struct parser *ps)
{
	const char	*start = ++ps->p;
	bool		 escaped = false, high = false;
	struct json_node *n;
	uint64_t	 w;

	for (;;) {
		while (ps->end - ps->p >= 8) {
			memcpy(&w, ps->p, 8);
			if ((w = special_bytes(w)) == 0)
				ps->p += 8;
			else {
				ps->p += __builtin_ctzll(w) / 8;
				break;
			}
		}
		if (ps->p == ps->end)
			return fail(ps, "unexpected end in a string");
		if (*ps->p == '"')
			break;
		if (*ps->p == '\\') {
			escaped = true;
			if (parse_escape(ps) == -1)
				return -1;
			continue;
		}
		if ((unsigned char)*ps->p < 0x20)
			return fail(ps, "control character in a string");
		if ((unsigned char)*ps->p < 0x80) {
			ps->p++;
			continue;
		}
		high = true;
		while (ps->p < ps->end && (unsigned char)*ps->p >= 0x80)
			ps->p++;
	}
	if (high && !utf8_valid((struct str){ start,
	    (size_t)(ps->p - start) })) {
		ps->p = start;
		return fail(ps, "invalid UTF-8 in a string");
	}
	n = node_add(ps, JSON_STRING, start, (size_t)(ps->p - start));
	if (n == NULL)
		return -1;
	n->escaped = escaped;
	ps->p++;
	return 0;
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static int
parse_number(struct parser *ps)
{
	const char	*start = ps->p, *p = ps->p, *q;

	if (p < ps->end && *p == '-')
		p++;
	q = skip_digits(p, ps->end);
	if (q == p || (*p == '0' && q - p > 1))
		return fail(ps, q == p ? "expected a value" :
		    "number with a leading zero");
	p = q;
	if (p < ps->end && *p == '.') {
		q = skip_digits(p + 1, ps->end);
		if (q == p + 1)
			return fail(ps, "expected a digit behind '.'");
		p = q;
	}
	if (p < ps->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < ps->end && (*p == '+' || *p == '-'))
			p++;
		q = skip_digits(p, ps->end);
		if (q == p)
			return fail(ps, "expected a digit in the exponent");
		p = q;
	}
	ps->p = p;
	return node_add(ps, JSON_NUMBER, start, (size_t)(p - start)) == NULL ?
	    -1 : 0;
}

static int
parse_word(struct parser *ps, const char *word, enum json_type type)
{
	size_t	 n = strlen(word);

	if ((size_t)(ps->end - ps->p) < n || memcmp(ps->p, word, n) != 0)
		return fail(ps, "expected a value");
	ps->p += n;
	return node_add(ps, type, ps->p - n, n) == NULL ? -1 : 0;
}

static int
parse_open(struct parser *ps, enum json_type type)
{
	if (ps->depth == JSON_MAX_DEPTH)
		return fail(ps, "nested too deeply");
	if (node_add(ps, type, ps->p, 0) == NULL)
		return -1;
	ps->open[ps->depth++] = ps->j->n - 1;
	ps->p++;
	return 0;
}

/* At the closing bracket of the innermost container. */
static void
parse_close(struct parser *ps)
{
	struct json_node *n = &ps->j->nodes[ps->open[--ps->depth]];

	ps->p++;
	n->len = (uint32_t)(ps->p - ps->j->text.p) - n->off;
	n->next = ps->j->n;
}

static int
parse_value(struct parser *ps, enum expect *next)
{
	*next = X_COMMA;
	switch (*ps->p) {
	case '{':
		*next = X_FIRST_KEY;
		return parse_open(ps, JSON_OBJECT);
	case '[':
		*next = X_FIRST_ELEMENT;
		return parse_open(ps, JSON_ARRAY);
	case '"':
		return parse_string(ps);
	case 't':
		return parse_word(ps, "true", JSON_TRUE);
	case 'f':
		return parse_word(ps, "false", JSON_FALSE);
	case 'n':
		return parse_word(ps, "null", JSON_NULL);
	default:
		return parse_number(ps);
	}
}

static bool
in_object(const struct parser *ps)
{
	return ps->depth > 0 &&
	    ps->j->nodes[ps->open[ps->depth - 1]].type == JSON_OBJECT;
}

static int
parse_comma(struct parser *ps, enum expect *next)
{
	bool	 object = in_object(ps);

	if (*ps->p == ',') {
		ps->p++;
		*next = object ? X_KEY : X_VALUE;
		return 0;
	}
	if (*ps->p != (object ? '}' : ']'))
		return fail(ps, object ? "expected ',' or '}'" :
		    "expected ',' or ']'");
	parse_close(ps);
	*next = X_COMMA;
	return 0;
}

static int
parse_step(struct parser *ps, enum expect *x)
{
	switch (*x) {
	case X_FIRST_ELEMENT:
		if (*ps->p == ']')
			return parse_comma(ps, x);
		return parse_value(ps, x);
	case X_VALUE:
		return parse_value(ps, x);
	case X_FIRST_KEY:
		if (*ps->p == '}')
			return parse_comma(ps, x);
		/* FALLTHROUGH */
	case X_KEY:
		if (*ps->p != '"')
			return fail(ps, "expected a member name");
		*x = X_COLON;
		return parse_string(ps);
	case X_COLON:
		if (*ps->p != ':')
			return fail(ps, "expected ':' after a member name");
		ps->p++;
		*x = X_VALUE;
		return 0;
	case X_COMMA:
		return parse_comma(ps, x);
	default:
		return fail(ps, "unexpected text behind the value");
	}
}

int
json_parse(struct json *j, struct str text, struct json_error *err)
{
	struct parser	 ps = { .j = j, .p = text.p, .end = text.p + text.n };
	enum expect	 x = X_VALUE;

	j->text = text;
	j->n = 0;
	if (text.n >= UINT32_MAX)
		(void)fail(&ps, "longer than 4 GiB");
	while (ps.what == NULL) {
		skip_space(&ps);
		if (x == X_COMMA && ps.depth == 0)
			x = X_END;
		if (ps.p == ps.end)
			break;
		(void)parse_step(&ps, &x);
	}
	if (ps.what == NULL && x != X_END)
		(void)fail(&ps, text.n == 0 ? "the text is empty" :
		    "unexpected end");
	if (ps.what == NULL)
		return 0;
	err->offset = (size_t)(ps.p - text.p);
	err->what = ps.what;
	j->n = 0;
	return -1;
}

/* --- looking around ----------------------------------------------------------------- */

static const struct json_node *
node(struct jv v)
{
	return &v.j->nodes[v.i];
}

struct jv
json_root(const struct json *j)
{
	return j->n == 0 ? JV_NONE : (struct jv){ j, 0, j->n };
}

struct jv
json_at(const struct json *j, uint32_t i)
{
	return i >= j->n ? JV_NONE : (struct jv){ j, i, j->nodes[i].next };
}

enum json_type
json_type(struct jv v)
{
	return v.j == NULL ? JSON_MISSING : (enum json_type)node(v)->type;
}

const char *
json_type_name(enum json_type t)
{
	static const char *const names[] = {
		[JSON_MISSING] = "nothing", [JSON_NULL] = "null",
		[JSON_FALSE] = "false", [JSON_TRUE] = "true",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
	};

	return names[t];
}

bool
json_empty(struct jv v)
{
	return json_type(v) <= JSON_NULL;
}

struct jv
json_first(struct jv v)
{
	enum json_type	 t = json_type(v);
	uint32_t	 i;

	if (t != JSON_ARRAY && t != JSON_OBJECT)
		return JV_NONE;
	i = v.i + 1 + (t == JSON_OBJECT);
	if (i >= node(v)->next)
		return JV_NONE;
	return (struct jv){ v.j, i, node(v)->next };
}

/* Before a member's value stands a colon, before an element never. */
static bool
is_member(struct jv v)
{
	const char	*p = v.j->text.p + node(v)->off;

	if (node(v)->type == JSON_STRING)
		p--;
	while (p > v.j->text.p && (p[-1] == ' ' || p[-1] == '\n' ||
	    p[-1] == '\t' || p[-1] == '\r'))
		p--;
	return p > v.j->text.p && p[-1] == ':';
}

struct jv
json_next(struct jv v)
{
	uint32_t	 i;

	if (v.j == NULL)
		return JV_NONE;
	i = node(v)->next;
	if (i < v.end && is_member(v))
		i++;
	return i >= v.end ? JV_NONE : (struct jv){ v.j, i, v.end };
}

struct jv
json_key(struct jv v)
{
	if (v.j == NULL || v.i == 0 || !is_member(v))
		return JV_NONE;
	return (struct jv){ v.j, v.i - 1, v.i };
}

size_t
json_count(struct jv v)
{
	size_t	 n = 0;

	for (v = json_first(v); json_ok(v); v = json_next(v))
		n++;
	return n;
}

static bool
string_is(const struct json *j, const struct json_node *n, const char *z,
    size_t len)
{
	struct arena	 a;
	struct str	 s;
	bool		 same;

	if (!n->escaped)
		return n->len == len && memcmp(j->text.p + n->off, z, len) == 0;
	if (n->len < len)
		return false;
	arena_init(&a);
	s = jstr_decode(&a, (struct jstr){ j->text.p + n->off, n->len });
	same = s.n == len && memcmp(s.p, z, len) == 0;
	arena_release(&a);
	return same;
}

struct jv
json_get(struct jv v, const char *name)
{
	const struct json_node	*nodes;
	struct jv		 found = JV_NONE;
	size_t			 len = strlen(name);
	uint32_t		 i, end;

	if (json_type(v) != JSON_OBJECT)
		return found;
	nodes = v.j->nodes;
	end = nodes[v.i].next;
	for (i = v.i + 1; i < end; i = nodes[i + 1].next)
		if (string_is(v.j, &nodes[i], name, len))
			found = (struct jv){ v.j, i + 1, end };
	return found;
}

bool
json_is(struct jv v, const char *z)
{
	return json_type(v) == JSON_STRING &&
	    string_is(v.j, node(v), z, strlen(z));
}

bool
json_key_is(struct jv v, const char *z)
{
	return json_is(json_key(v), z);
}

/* --- values ------------------------------------------------------------------------- */

struct str
json_raw(struct jv v)
{
	struct str	 s;

	if (v.j == NULL)
		return STR_NONE;
	s = (struct str){ v.j->text.p + node(v)->off, node(v)->len };
	if (node(v)->type == JSON_STRING)
		s = (struct str){ s.p - 1, s.n + 2 };
	return s;
}

struct jstr
json_jstr(struct jv v)
{
	if (json_type(v) != JSON_STRING)
		return JSTR_NONE;
	return (struct jstr){ v.j->text.p + node(v)->off, node(v)->len };
}

struct str
json_str(struct arena *a, struct jv v)
{
	if (json_type(v) != JSON_STRING)
		return STR_NONE;
	if (!node(v)->escaped)
		return (struct str){ v.j->text.p + node(v)->off,
		    node(v)->len };
	return jstr_decode(a, json_jstr(v));
}

int
json_double(struct jv v, double *d)
{
	char	 text[64], *end;

	if (json_type(v) != JSON_NUMBER || node(v)->len >= sizeof(text))
		return -1;
	memcpy(text, v.j->text.p + node(v)->off, node(v)->len);
	text[node(v)->len] = '\0';
	*d = strtod(text, &end);
	return *end == '\0' && isfinite(*d) ? 0 : -1;
}

int
json_int(struct jv v, int64_t *n)
{
	double	 d;

	if (json_type(v) != JSON_NUMBER)
		return -1;
	if (str_to_int(json_raw(v), INT64_MIN, INT64_MAX, n) == 0)
		return 0;
	/* Beyond 2^53 a double does not say which integer it was. */
	if (json_double(v, &d) == -1 || d != floor(d) ||
	    fabs(d) > 9007199254740992.0)
		return -1;
	*n = (int64_t)d;
	return 0;
}

/* --- places --------------------------------------------------------------------------- */

static void
path_add(struct buf *b, struct jv v, size_t index)
{
	struct jstr	 key = json_jstr(json_key(v));

	if (json_ok(json_key(v))) {
		if (b->len > 0)
			(void)buf_addc(b, '.');
		(void)buf_add(b, key.p, key.n);
	} else
		(void)buf_addf(b, "[%zu]", index);
}

struct str
json_path(struct arena *a, const struct json *j, uint32_t i)
{
	struct jv	 v = json_root(j), c;
	struct str	 s;
	struct buf	 b;
	size_t		 n;

	buf_init(&b, 4096);
	while (json_ok(v) && v.i < i) {
		n = 0;
		for (c = json_first(v); json_ok(c) && node(c)->next <= i;
		    c = json_next(c))
			n++;
		if (!json_ok(c))
			break;
		path_add(&b, c, n);
		v = c;
	}
	s = arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}
