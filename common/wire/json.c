/*
 * The JSON reader: one pass, no recursion, no copies.
 */
#include <math.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/scan.h"
#include "wire/json.h"

#define NODES_MIN	64

/* --- parsing ---------------------------------------------------------------- */

/* What may come next. */
enum state {
	AT_VALUE,		/* behind "," in an array, ":", or at the start */
	AT_VALUE_OR_END,	/* behind "[" */
	AT_NAME,		/* behind "," in an object */
	AT_NAME_OR_END,		/* behind "{" */
	AT_COLON,
	AT_NEXT			/* behind a value */
};

struct parser {
	struct json	*j;
	const char	*p;		/* the next byte */
	const char	*end;
	const char	*utf8;		/* strings before it are UTF-8 */
	const char	*what;		/* the fault */
	enum state	 state;
	unsigned	 depth;
	uint32_t	 open[JSON_MAX_DEPTH];	/* nodes of open containers */
};

static const char	 cut_short[] = "unexpected end";

void
json_init(struct json *j)
{
	*j = (struct json){ .n = 0 };
}

void
json_release(struct json *j)
{
	free(j->nodes);
	json_init(j);
}

void
json_clear(struct json *j)
{
	j->text = STR_NONE;
	j->n = 0;
}

static int
fault(struct parser *ps, const char *what)
{
	ps->what = what;
	return -1;
}

static int
nodes_grow(struct parser *ps)
{
	struct json		*j = ps->j;
	struct json_node	*nodes;
	uint32_t		 cap = j->cap * 2;

	/* The first time as many as an agent's body of that length has. */
	if (cap == 0)
		cap = NODES_MIN + (uint32_t)(j->text.n / 80);
	if (j->n >= JSON_MAX_NODES)
		return fault(ps, "too many values");
	if ((nodes = realloc(j->nodes, cap * sizeof(*nodes))) == NULL)
		fatal("out of memory: %u nodes of JSON", cap);
	j->nodes = nodes;
	j->cap = cap;
	return 0;
}

/* Adds a node for the value at ps->p. */
static inline struct json_node *
node_add(struct parser *ps, enum json_type type)
{
	struct json		*j = ps->j;
	struct json_node	*n;

	if (j->n == j->cap && nodes_grow(ps) == -1)
		return NULL;
	n = &j->nodes[j->n++];
	n->off = (uint32_t)(ps->p - j->text.p);
	n->len = 0;
	n->next = j->n;
	n->type = (uint8_t)type;
	n->escaped = n->key = false;
	return n;
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* p is at a backslash.  Lone surrogates are allowed, as in the RFC. */
static inline int
escape_check(struct parser *ps)
{
	const char	*p = ps->p;
	size_t		 i;

	if (ps->end - p < 2)
		return fault(ps, cut_short);
	switch (p[1]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r':
	case 't':
		ps->p += 2;
		return 0;
	case 'u':
		for (i = 2; i < 6; i++) {
			if ((size_t)(ps->end - p) <= i)
				return fault(ps, cut_short);
			if (!is_hex(p[i]))
				return fault(ps, "\\u without four hex digits");
		}
		ps->p += 6;
		return 0;
	default:
		return fault(ps, "unknown escape in a string");
	}
}

/*
 * UTF-8 is looked at before strings are: a scan of strings that stops at each
 * word that is not ASCII costs more than a second look at every byte.  It keeps
 * this far ahead, so that the second finds in the cache what the first had.
 */
#define UTF8_AHEAD	(8 << 10)

static const char *
utf8_end(const char *p, const char *end)
{
	size_t	 n;

	if (scan_is_wide())
		p = scan_utf8_wide(p, end);
	while ((p = scan_ascii(p, end)) < end) {
		n = utf8_run((struct str){ p, (size_t)(end - p) });
		if (n == 0)
			break;
		p += n;
	}
	return p;
}

/*
 * Moves ps->utf8 on; false: the text ends there, or what follows is no UTF-8.
 * All that is between it and ps->p is ASCII, as nothing else stands outside of
 * strings.  A character cut by the end of one look begins the next.
 */
static bool
utf8_more(struct parser *ps)
{
	const char	*p = ps->p > ps->utf8 ? ps->p : ps->utf8;
	size_t		 n = (size_t)(ps->end - p);

	ps->utf8 = utf8_end(p, p + (n < UTF8_AHEAD ? n : UTF8_AHEAD));
	return ps->utf8 > p;
}

/* One that is long, or not plain; ps->p is behind its quote. */
static int
string_long(struct parser *ps, bool key)
{
	struct json_node	*n;
	bool			 escaped = false;

	if ((n = node_add(ps, JSON_STRING)) == NULL)
		return -1;
	n->key = key;
	for (;;) {
		ps->p = scan_json_string(ps->p, ps->utf8, &escaped);
		if (ps->p < ps->utf8 && !scan_json_byte((unsigned char)*ps->p))
			ps->p = scan_json(ps->p, ps->utf8);
		if (ps->p >= ps->utf8) {
			if (utf8_more(ps))
				continue;
			return fault(ps, ps->p == ps->end ? cut_short :
			    "invalid UTF-8");
		}
		if (*ps->p == '"')
			break;
		if (*ps->p == '\\') {
			escaped = true;
			if (escape_check(ps) == -1)
				return -1;
		} else if ((unsigned char)*ps->p < ' ')
			return fault(ps, "control character in a string");
		else
			while (ps->p < ps->utf8 && (unsigned char)*ps->p >= 0x80)
				ps->p++;
	}
	n->escaped = escaped;
	n->len = (uint32_t)(ps->p - ps->j->text.p) - n->off;
	ps->p++;
	return 0;
}

/* Most are names and other words. */
static inline int
string_parse(struct parser *ps, bool key)
{
	struct json_node	*n;
	const char		*q;

	ps->p++;
	if ((q = scan_json_short(ps->p, ps->utf8)) == NULL)
		return string_long(ps, key);
	if ((n = node_add(ps, JSON_STRING)) == NULL)
		return -1;
	n->key = key;
	n->len = (uint32_t)(q - ps->p);
	ps->p = q + 1;
	return 0;
}

static const char *
digits_skip(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* One digit or more, as the number is wrong without. */
static int
digits_parse(struct parser *ps)
{
	const char	*p = digits_skip(ps->p, ps->end);

	if (p == ps->p)
		return fault(ps, p == ps->end ? cut_short :
		    "expected a digit in a number");
	ps->p = p;
	return 0;
}

/* [ minus ] int [ frac ] [ exp ] */
static int
number_parse(struct parser *ps)
{
	struct json_node	*n = node_add(ps, JSON_NUMBER);

	if (n == NULL)
		return -1;
	if (*ps->p == '-')
		ps->p++;
	if (ps->p < ps->end && *ps->p == '0') {
		ps->p++;
		if (digits_skip(ps->p, ps->end) != ps->p)
			return fault(ps, "leading zero in a number");
	} else if (digits_parse(ps) == -1)
		return -1;
	if (ps->p < ps->end && *ps->p == '.') {
		ps->p++;
		if (digits_parse(ps) == -1)
			return -1;
	}
	if (ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
		ps->p++;
		if (ps->p < ps->end && (*ps->p == '+' || *ps->p == '-'))
			ps->p++;
		if (digits_parse(ps) == -1)
			return -1;
	}
	n->len = (uint32_t)(ps->p - ps->j->text.p) - n->off;
	return 0;
}

static int
word_parse(struct parser *ps, enum json_type type, const char *word)
{
	struct json_node	*n = node_add(ps, type);

	if (n == NULL)
		return -1;
	for (; *word != '\0'; word++, ps->p++) {
		if (ps->p == ps->end)
			return fault(ps, cut_short);
		if (*ps->p != *word)
			return fault(ps, "expected a value");
	}
	n->len = (uint32_t)(ps->p - ps->j->text.p) - n->off;
	return 0;
}

static int
container_open(struct parser *ps, enum json_type type)
{
	if (ps->depth == JSON_MAX_DEPTH)
		return fault(ps, "nested too deeply");
	ps->open[ps->depth++] = ps->j->n;
	if (node_add(ps, type) == NULL)
		return -1;
	ps->p++;
	ps->state = type == JSON_ARRAY ? AT_VALUE_OR_END : AT_NAME_OR_END;
	return 0;
}

static void
container_close(struct parser *ps)
{
	struct json_node	*n = &ps->j->nodes[ps->open[--ps->depth]];

	ps->p++;
	n->len = (uint32_t)(ps->p - ps->j->text.p) - n->off;
	n->next = ps->j->n;
	ps->state = AT_NEXT;
}

static int
value_parse(struct parser *ps)
{
	if (*ps->p == ']' && ps->state == AT_VALUE_OR_END) {
		container_close(ps);
		return 0;
	}
	ps->state = AT_NEXT;
	switch (*ps->p) {
	case '"':
		return string_parse(ps, false);
	case '{':
		return container_open(ps, JSON_OBJECT);
	case '[':
		return container_open(ps, JSON_ARRAY);
	case 't':
		return word_parse(ps, JSON_TRUE, "true");
	case 'f':
		return word_parse(ps, JSON_FALSE, "false");
	case 'n':
		return word_parse(ps, JSON_NULL, "null");
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return number_parse(ps);
	default:
		return fault(ps, "expected a value");
	}
}

static int
name_parse(struct parser *ps)
{
	if (*ps->p == '}' && ps->state == AT_NAME_OR_END) {
		container_close(ps);
		return 0;
	}
	if (*ps->p != '"')
		return fault(ps, "expected a member name");
	ps->state = AT_COLON;
	if (string_parse(ps, true) == -1)
		return -1;
	/* Mostly it stands right behind, and so does the value. */
	if (ps->p == ps->end || *ps->p != ':')
		return 0;
	ps->p++;
	ps->state = AT_VALUE;
	return ps->p < ps->end && (unsigned char)*ps->p > ' ' ?
	    value_parse(ps) : 0;
}

/* Behind a value; and the next, where it stands right behind the comma. */
static int
next_parse(struct parser *ps)
{
	bool	 object;

	if (ps->depth == 0)
		return fault(ps, "expected nothing behind the value");
	object = ps->j->nodes[ps->open[ps->depth - 1]].type == JSON_OBJECT;
	if (*ps->p == ',') {
		ps->p++;
		ps->state = object ? AT_NAME : AT_VALUE;
		if (ps->p == ps->end || (unsigned char)*ps->p <= ' ')
			return 0;
		return object ? name_parse(ps) : value_parse(ps);
	}
	if (*ps->p != (object ? '}' : ']'))
		return fault(ps, object ? "expected ',' or '}'" :
		    "expected ',' or ']'");
	container_close(ps);
	return 0;
}

static int
token_parse(struct parser *ps)
{
	switch (ps->state) {
	case AT_VALUE:
	case AT_VALUE_OR_END:
		return value_parse(ps);
	case AT_NAME:
	case AT_NAME_OR_END:
		return name_parse(ps);
	case AT_COLON:
		if (*ps->p != ':')
			return fault(ps, "expected ':' after a member name");
		ps->p++;
		ps->state = AT_VALUE;
		return 0;
	case AT_NEXT:
		break;
	}
	return next_parse(ps);
}

static int
text_parse(struct parser *ps)
{
	for (;;) {
		while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\n' ||
		    *ps->p == '\t' || *ps->p == '\r'))
			ps->p++;
		if (ps->p == ps->end)
			break;
		if (token_parse(ps) == -1)
			return -1;
	}
	if (ps->depth > 0 || ps->state != AT_NEXT)
		return fault(ps, cut_short);
	return 0;
}

int
json_parse(struct json *j, struct str text, struct json_error *err)
{
	struct parser	 ps;
	int		 res;

	j->text = text;
	j->n = 0;
	ps.j = j;
	ps.p = text.p;
	ps.end = text.n == 0 ? text.p : text.p + text.n;
	ps.utf8 = text.p;
	ps.what = NULL;
	ps.state = AT_VALUE;
	ps.depth = 0;
	if (text.n >= UINT32_MAX)
		res = fault(&ps, "too long");
	else
		res = text_parse(&ps);
	if (res == 0)
		return 0;
	j->n = 0;
	if (err != NULL) {
		err->offset = text.n == 0 ? 0 : (size_t)(ps.p - text.p);
		err->what = ps.what;
	}
	return -1;
}

static bool	 escaped_is(struct jstr, struct str);

/* --- walking ---------------------------------------------------------------- */

static inline const struct json_node *
node_of(struct jv v)
{
	return &v.j->nodes[v.i];
}

struct jv
json_root(const struct json *j)
{
	return json_at(j, 0);
}

struct jv
json_at(const struct json *j, uint32_t i)
{
	if (j == NULL || i >= j->n)
		return JV_NONE;
	return (struct jv){ j, i, j->nodes[i].next };
}

const char *
json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_MISSING:
		return "nothing";
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
	case JSON_TRUE:
		return "a boolean";
	case JSON_NUMBER:
		return "a number";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	}
	return "unknown";
}

/* The value at i, or behind the name that stands there. */
static struct jv
value_at(const struct json *j, uint32_t i, uint32_t end)
{
	if (i < end && j->nodes[i].key)
		i++;
	return i < end ? (struct jv){ j, i, end } : JV_NONE;
}

struct jv
json_first(struct jv v)
{
	enum json_type	 type = json_type(v);

	if (type != JSON_ARRAY && type != JSON_OBJECT)
		return JV_NONE;
	return value_at(v.j, v.i + 1, node_of(v)->next);
}

struct jv
json_next(struct jv v)
{
	if (!json_ok(v))
		return JV_NONE;
	return value_at(v.j, node_of(v)->next, v.end);
}

struct jv
json_key(struct jv v)
{
	if (!json_ok(v) || v.i == 0 || !v.j->nodes[v.i - 1].key)
		return JV_NONE;
	return (struct jv){ v.j, v.i - 1, v.i };
}

size_t
json_count(struct jv v)
{
	struct jv	 e;
	size_t		 n = 0;

	for (e = json_first(v); json_ok(e); e = json_next(e))
		n++;
	return n;
}

/*
 * Are two texts of n bytes the same?  Names are short, and memcmp is called for
 * nearly as long as it takes to compare them: by two words that may overlap.
 */
static inline bool
same_name(const char *p, const char *q, size_t n)
{
	uint64_t	 a, b, c, d;
	uint32_t	 e, f, g, h;

	if (n > 16)
		return memcmp(p, q, n) == 0;
	if (n >= 8) {
		memcpy(&a, p, 8);
		memcpy(&b, q, 8);
		memcpy(&c, p + n - 8, 8);
		memcpy(&d, q + n - 8, 8);
		return ((a ^ b) | (c ^ d)) == 0;
	}
	if (n >= 4) {
		memcpy(&e, p, 4);
		memcpy(&f, q, 4);
		memcpy(&g, p + n - 4, 4);
		memcpy(&h, q + n - 4, 4);
		return ((e ^ f) | (g ^ h)) == 0;
	}
	while (n > 0 && p[n - 1] == q[n - 1])
		n--;
	return n == 0;
}

struct jv
json_get_str(struct jv object, struct str name)
{
	const struct json_node	*nodes, *k, *end;
	const char		*text;
	uint32_t		 found = 0;

	if (json_type(object) != JSON_OBJECT)
		return JV_NONE;
	nodes = object.j->nodes;
	text = object.j->text.p;
	end = &nodes[nodes[object.i].next];
	for (k = &nodes[object.i + 1]; k < end; k = &nodes[k[1].next])
		if (k->escaped ?
		    escaped_is((struct jstr){ text + k->off, k->len }, name) :
		    k->len == name.n &&
		    same_name(text + k->off, name.p, name.n))
			found = (uint32_t)(k - nodes) + 1;
	return found == 0 ? JV_NONE : (struct jv){ object.j, found,
	    (uint32_t)(end - nodes) };
}

struct jv
json_find(const struct json *j, const char *p)
{
	uint32_t	 low = 0, high = j->n, mid, off;

	if (j->n == 0 || p < j->text.p || p >= j->text.p + j->text.n)
		return JV_NONE;
	off = (uint32_t)(p - j->text.p);
	while (low < high) {
		mid = low + (high - low) / 2;
		if (j->nodes[mid].off < off)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == j->n || j->nodes[low].off != off ||
	    j->nodes[low].type < JSON_ARRAY)
		return JV_NONE;
	return json_at(j, low);
}

struct str
json_raw(struct jv v)
{
	const struct json_node	*n;
	size_t			 quote;

	if (!json_ok(v))
		return STR_NONE;
	n = node_of(v);
	quote = n->type == JSON_STRING;
	return (struct str){ v.j->text.p + n->off - quote,
	    n->len + 2 * quote };
}

/* --- strings ---------------------------------------------------------------- */

struct jstr
json_jstr(struct jv v)
{
	const struct json_node	*n;

	if (json_type(v) != JSON_STRING)
		return JSTR_NONE;
	n = node_of(v);
	return (struct jstr){ v.j->text.p + n->off, n->len };
}

struct str
json_str(struct arena *a, struct jv v)
{
	struct jstr	 s = json_jstr(v);

	if (s.p == NULL || !node_of(v)->escaped)
		return (struct str){ s.p, s.n };
	return jstr_decode(a, s);
}

/* Four hex digits, or -1. */
static int32_t
hex4(const char *p, const char *end)
{
	unsigned char	 v[2];

	if (end - p < 4 || hex_decode(v, 2, (struct str){ p, 4 }) == -1)
		return -1;
	return v[0] << 8 | v[1];
}

static size_t
utf8_put(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* *p is behind "\u".  What is no escape at all becomes a plain u. */
static size_t
unescape_u(const char **p, const char *end, char out[4])
{
	int32_t	 c = hex4(*p, end), low;

	if (c == -1)
		return utf8_put(out, 'u');
	*p += 4;
	if (c < 0xd800 || c > 0xdfff)
		return utf8_put(out, (uint32_t)c);
	if (c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' &&
	    (*p)[1] == 'u' && (low = hex4(*p + 2, end)) >= 0xdc00 &&
	    low <= 0xdfff) {
		*p += 6;
		return utf8_put(out, 0x10000 +
		    ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
	}
	return utf8_put(out, 0xfffd);
}

/*
 * *p is at a backslash; moves it behind the escape and writes what it means,
 * which is never longer.
 */
static size_t
unescape(const char **p, const char *end, char out[4])
{
	static const char	 from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char		*q;
	char			 c;

	if (end - *p < 2) {
		out[0] = *(*p)++;
		return 1;
	}
	c = (*p)[1];
	*p += 2;
	if (c == 'u')
		return unescape_u(p, end, out);
	q = c == '\0' ? NULL : strchr(from, c);
	out[0] = q == NULL ? c : to[q - from];
	return 1;
}

struct str
jstr_decode(struct arena *a, struct jstr s)
{
	const char	*p = s.p, *end, *q;
	char		*out, *w;
	char		 c[4];
	size_t		 n;

	if (s.n == 0 || memchr(p, '\\', s.n) == NULL)
		return (struct str){ s.p, s.n };
	end = p + s.n;
	out = w = arena_bytes(a, s.n + 1);
	while (p < end) {
		if ((q = memchr(p, '\\', (size_t)(end - p))) == NULL)
			q = end;
		memcpy(w, p, (size_t)(q - p));
		w += q - p;
		p = q;
		/* Escapes come in crowds: no search between neighbours. */
		while (p < end && *p == '\\') {
			n = unescape(&p, end, c);
			memcpy(w, c, n);
			w += n;
		}
	}
	*w = '\0';
	return (struct str){ out, (size_t)(w - out) };
}

/* Compares what s means with z, without decoding it anywhere. */
static bool
escaped_is(struct jstr s, struct str z)
{
	const char	*p = s.p, *end = p + s.n;
	char		 c[4];
	size_t		 n;

	while (p < end) {
		if (*p == '\\') {
			n = unescape(&p, end, c);
		} else {
			c[0] = *p++;
			n = 1;
		}
		if (n > z.n || memcmp(c, z.p, n) != 0)
			return false;
		z = str_skip(z, n);
	}
	return z.n == 0;
}

bool
json_is_str(struct jv v, struct str z)
{
	struct jstr	 s = json_jstr(v);

	if (s.p == NULL)
		return false;
	if (node_of(v)->escaped)
		return escaped_is(s, z);
	return s.n == z.n && same_name(s.p, z.p, s.n);
}

bool
json_key_is(struct jv member, const char *z)
{
	return json_is(json_key(member), z);
}

bool
json_key_in(struct jv member, const char *const *names)
{
	struct jv	 key = json_key(member);
	struct jstr	 s = json_jstr(key);

	if (s.p == NULL)
		return false;
	if (node_of(key)->escaped) {
		for (; *names != NULL; names++)
			if (escaped_is(s, str_of(*names)))
				return true;
		return false;
	}
	/* A name's quote ends it, so its first byte is there to be read. */
	for (; *names != NULL; names++)
		if (s.p[0] == (*names)[0] && strncmp(s.p, *names, s.n) == 0 &&
		    (*names)[s.n] == '\0')
			return true;
	return false;
}

/* --- numbers ---------------------------------------------------------------- */

/* Appends a digit to v, which counts downwards: INT64_MIN has no twin. */
static int
digit_add(int64_t *v, int digit)
{
	if (__builtin_mul_overflow(*v, 10, v) ||
	    __builtin_sub_overflow(*v, digit, v))
		return -1;
	return 0;
}

/* The exponent behind e or E, held far inside int64. */
static int64_t
exponent_of(struct str s)
{
	const int64_t	 max = (int64_t)1 << 40;
	int64_t		 v = 0;
	bool		 minus = s.n > 0 && s.p[0] == '-';
	size_t		 i = s.n > 0 && (minus || s.p[0] == '+');

	for (; i < s.n && v < max; i++)
		v = v * 10 + (s.p[i] - '0');
	return minus ? -v : v;
}

/*
 * s is a number without its sign and exponent.  Sets v to minus its digits up
 * to the last that is not 0, and adds to scale so that v * 10^scale is it.
 */
static int
mantissa_read(struct str s, int64_t *v, int64_t *scale)
{
	bool	 fraction = false;
	size_t	 i;
	int64_t	 zeros = 0;

	*v = 0;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			fraction = true;
			continue;
		}
		*scale -= fraction;
		if (s.p[i] == '0') {
			zeros++;
			continue;
		}
		for (; zeros > 0 && *v != 0; zeros--)
			if (digit_add(v, 0) == -1)
				return -1;
		zeros = 0;
		if (digit_add(v, s.p[i] - '0') == -1)
			return -1;
	}
	*scale += zeros;
	return 0;
}

int
json_int(struct jv v, int64_t *res)
{
	struct str	 s = json_raw(v);
	bool		 minus;
	int64_t		 n, scale = 0;
	size_t		 i;

	if (json_type(v) != JSON_NUMBER)
		return -1;
	minus = s.p[0] == '-';
	s = str_skip(s, minus);
	for (i = 0; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++)
		;
	if (i < s.n)
		scale = exponent_of(str_skip(s, i + 1));
	s.n = i;
	if (mantissa_read(s, &n, &scale) == -1)
		return -1;
	if (n == 0)
		scale = 0;
	if (scale < 0)
		return -1;
	for (; scale > 0; scale--)
		if (digit_add(&n, 0) == -1)
			return -1;
	if (!minus && __builtin_sub_overflow(0, n, &n))
		return -1;
	*res = n;
	return 0;
}

int
json_double(struct jv v, double *res)
{
	struct str	 s = json_raw(v);
	char		 small[64], *z = small;
	double		 d;

	if (json_type(v) != JSON_NUMBER)
		return -1;
	if (s.n >= sizeof(small) && (z = malloc(s.n + 1)) == NULL)
		fatal("out of memory: number of %zu bytes", s.n);
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	d = strtod(z, NULL);
	if (z != small)
		free(z);
	if (!isfinite(d))
		return -1;
	*res = d;
	return 0;
}

/* --- places ----------------------------------------------------------------- */

/* The element that node is or lies in; *index counts those before it. */
static struct jv
path_step(struct jv container, uint32_t node, size_t *index)
{
	struct jv	 e;

	*index = 0;
	for (e = json_first(container); json_ok(e); e = json_next(e)) {
		if (node < node_of(e)->next)
			break;
		++*index;
	}
	return e;
}

struct str
json_path(struct arena *a, const struct json *j, uint32_t node)
{
	struct jv	 v = json_root(j), e;
	struct jstr	 key;
	struct buf	 b;
	struct str	 path;
	size_t		 index;

	buf_init(&b, (size_t)UINT32_MAX * 2);
	while (json_ok(v) && node < j->n && v.i < node) {
		e = path_step(v, node, &index);
		key = json_jstr(json_key(e));
		if (key.p == NULL)
			(void)buf_addf(&b, "[%zu]", index);
		else {
			if (b.len > 0)
				(void)buf_addc(&b, '.');
			(void)buf_add(&b, key.p, key.n);
		}
		v = e;
	}
	path = arena_str(a, buf_str(&b));
	buf_release(&b);
	return path;
}
