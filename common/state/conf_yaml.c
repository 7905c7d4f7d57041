/*
 * YAML into a small tree.  The only file that sees libyaml.
 */
#include <stdarg.h>
#include <stdio.h>

#include <yaml.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/conf_yaml.h"

struct reader {
	struct arena	*arena;
	struct yml	*root;
	struct yml	*at;		/* the list or map that is open */
	struct str	 key;		/* of at's next member */
	int		 key_line;
	bool		 have_key;
	int		 depth;
	int		 nodes;
	const char	*name;
	char		*err;
	size_t		 errsize;
};

static int
fail(struct reader *r, int line, const char *fmt, ...)
    __attribute__((__format__(printf, 3, 4)));

static int
fail(struct reader *r, int line, const char *fmt, ...)
{
	va_list	 ap;
	int	 n;

	n = snprintf(r->err, r->errsize, "%s:%d: ", r->name, line);
	if (n < 0 || (size_t)n >= r->errsize)
		return -1;
	va_start(ap, fmt);
	vsnprintf(r->err + n, r->errsize - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

static int
line_of(yaml_mark_t m)
{
	return (int)m.line + 1;
}

/* --- ${NAME} -------------------------------------------------------------- */

static size_t
name_len(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (!(s.p[i] == '_' || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
		    (s.p[i] >= 'a' && s.p[i] <= 'z') ||
		    (i > 0 && s.p[i] >= '0' && s.p[i] <= '9')))
			break;
	return i;
}

/* inner: what stands between the braces. */
static int
add_variable(struct reader *r, int line, struct str inner, struct buf *out)
{
	struct str	 rest, deflt;
	const char	*value;
	char		 name[128];
	size_t		 n = name_len(inner);

	rest = str_skip(inner, n);
	if (n == 0 || n >= sizeof(name) ||
	    (rest.n > 0 && !str_starts(rest, ":-")))
		return fail(r, line, "'${%.*s}' is neither ${NAME} nor "
		    "${NAME:-default}", inner.n > 64 ? 64 : STR_FMT(inner));
	memcpy(name, inner.p, n);
	name[n] = '\0';
	value = getenv(name);
	if (rest.n > 0 && (value == NULL || value[0] == '\0')) {
		deflt = str_skip(rest, 2);
		return buf_adds(out, deflt);
	}
	if (value == NULL)
		return fail(r, line, "the environment has no '%s'; "
		    "${%s:-default} would need none", name, name);
	return buf_addz(out, value);
}

static int
expand(struct reader *r, int line, struct str s, struct buf *out)
{
	const char	*end;
	size_t		 i = 0, n;

	while (i < s.n) {
		struct str	 rest = str_skip(s, i);

		if (str_starts(rest, "$${")) {
			buf_addz(out, "${");
			i += 3;
		} else if (str_starts(rest, "${")) {
			if ((end = memchr(rest.p, '}', rest.n)) == NULL)
				return fail(r, line, "'${' without '}' "
				    "(a literal one is written '$${')");
			n = (size_t)(end - rest.p);
			if (add_variable(r, line, (struct str){ rest.p + 2,
			    n - 2 }, out) == -1 && buf_ok(out))
				return -1;
			i += n + 1;
		} else {
			buf_addc(out, s.p[i]);
			i++;
		}
	}
	return 0;
}

static int
check_text(struct reader *r, int line, struct str s)
{
	size_t	 i;

	if (!utf8_valid(s))
		return fail(r, line, "a value is not valid UTF-8");
	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return fail(r, line, "a value holds a control "
			    "character (0x%02x)", (unsigned char)s.p[i]);
	return 0;
}

static int
scalar_text(struct reader *r, int line, struct str s, bool value,
    struct str *text)
{
	struct buf	 b;
	int		 rc = 0;

	buf_init(&b, YML_SCALAR_MAX);
	if (value)
		rc = expand(r, line, s, &b);
	else
		buf_adds(&b, s);
	if (rc == 0 && !buf_ok(&b))
		rc = fail(r, line, "a value is longer than %d bytes",
		    YML_SCALAR_MAX);
	if (rc == 0)
		rc = check_text(r, line, buf_str(&b));
	if (rc == 0)
		*text = arena_str(r->arena, buf_str(&b));
	buf_release(&b);
	return rc;
}

/* --- the tree ------------------------------------------------------------- */

static struct yml *
node_new(struct reader *r, enum yml_type type, int line)
{
	struct yml	*y;

	if (++r->nodes > YML_NODES_MAX) {
		fail(r, line, "more than %d values", YML_NODES_MAX);
		return NULL;
	}
	y = ARENA_NEW(r->arena, struct yml);
	y->type = type;
	y->line = line;
	y->parent = r->at;
	if (r->at == NULL) {
		r->root = y;
		return y;
	}
	if (r->at->type == YML_MAP) {
		y->key = r->key;
		y->line = r->key_line;
		r->have_key = false;
	}
	if (r->at->last == NULL)
		r->at->child = y;
	else {
		y->index = r->at->last->index + 1;
		r->at->last->next = y;
	}
	r->at->last = y;
	return y;
}

static int
map_key(struct reader *r, int line, struct str s)
{
	struct yml	*y;

	if (scalar_text(r, line, s, false, &r->key) == -1)
		return -1;
	for (y = r->at->child; y != NULL; y = y->next)
		if (str_eq(y->key, r->key))
			return fail(r, line, "'%.*s' stands here twice, first "
			    "on line %d", STR_FMT(r->key), y->line);
	r->key_line = line;
	r->have_key = true;
	return 0;
}

static bool
wants_key(const struct reader *r)
{
	return r->at != NULL && r->at->type == YML_MAP && !r->have_key;
}

/* An unquoted null of YAML 1.1 is an empty text. */
static bool
is_null(const yaml_event_t *ev, struct str s)
{
	return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (str_is(s, "~") || str_is(s, "null") || str_is(s, "Null") ||
	    str_is(s, "NULL"));
}

static int
on_scalar(struct reader *r, const yaml_event_t *ev)
{
	struct yml	*y;
	struct str	 s;
	int		 line = line_of(ev->start_mark);

	s = (struct str){ (const char *)ev->data.scalar.value,
	    ev->data.scalar.length };
	if (ev->data.scalar.anchor != NULL)
		return fail(r, line, "anchors (&) are not taken");
	if (ev->data.scalar.tag != NULL)
		return fail(r, line, "tags (!) are not taken");
	if (wants_key(r))
		return map_key(r, line, s);
	if (is_null(ev, s))
		s = STR("");
	if ((y = node_new(r, YML_SCALAR, line)) == NULL)
		return -1;
	return scalar_text(r, y->line, s, true, &y->text);
}

static int
on_open(struct reader *r, enum yml_type type, int line, const void *anchor,
    const void *tag)
{
	struct yml	*y;

	if (anchor != NULL)
		return fail(r, line, "anchors (&) are not taken");
	if (tag != NULL)
		return fail(r, line, "tags (!) are not taken");
	if (wants_key(r))
		return fail(r, line, "a key must be a plain word");
	if (++r->depth > YML_DEPTH_MAX)
		return fail(r, line, "nested deeper than %d", YML_DEPTH_MAX);
	if ((y = node_new(r, type, line)) == NULL)
		return -1;
	r->at = y;
	return 0;
}

static int
on_close(struct reader *r)
{
	must(r->at != NULL);
	r->depth--;
	r->at = r->at->parent;
	return 0;
}

/* 1: the document is complete. */
static int
on_event(struct reader *r, const yaml_event_t *ev)
{
	int	 line = line_of(ev->start_mark);

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(r, YML_LIST, line,
		    ev->data.sequence_start.anchor,
		    ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(r, YML_MAP, line,
		    ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(r);
	case YAML_ALIAS_EVENT:
		return fail(r, line, "aliases (*) are not taken");
	case YAML_DOCUMENT_START_EVENT:
		if (r->root != NULL)
			return fail(r, line, "a second document");
		return 0;
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

static int
parser_fail(struct reader *r, const yaml_parser_t *p)
{
	int	 line = line_of(p->problem_mark);

	if (p->error == YAML_READER_ERROR)
		return fail(r, 1, "not a text: %s at byte %zu", p->problem,
		    p->problem_offset);
	return fail(r, line, "not YAML: %s", p->problem == NULL ?
	    "cannot be read" : p->problem);
}

static int
read_events(struct reader *r, yaml_parser_t *p)
{
	yaml_event_t	 ev;
	int		 rc = 0;

	while (rc == 0) {
		if (!yaml_parser_parse(p, &ev)) {
			if (p->error == YAML_MEMORY_ERROR)
				fatalx("libyaml: out of memory");
			return parser_fail(r, p);
		}
		rc = on_event(r, &ev);
		yaml_event_delete(&ev);
	}
	return rc == 1 ? 0 : -1;
}

struct yml *
yml_parse(struct arena *a, struct str text, const char *name, char *err,
    size_t errsize)
{
	struct reader	 r = { .arena = a, .name = name, .err = err,
			       .errsize = errsize };
	yaml_parser_t	 p;
	int		 rc;

	if (text.n > YML_SIZE_MAX) {
		fail(&r, 1, "larger than %u bytes", YML_SIZE_MAX);
		return NULL;
	}
	if (!yaml_parser_initialize(&p))
		fatalx("libyaml: out of memory");
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)(text.n == 0 ?
	    "" : text.p), text.n);
	rc = read_events(&r, &p);
	yaml_parser_delete(&p);
	if (rc == -1)
		return NULL;
	/* Nothing, or comments and "---" alone. */
	if (r.root == NULL || (r.root->type == YML_SCALAR &&
	    r.root->text.n == 0)) {
		r.root = ARENA_NEW(a, struct yml);
		r.root->type = YML_MAP;
		r.root->line = 1;
	}
	return r.root;
}

struct yml *
yml_get(const struct yml *map, const char *key)
{
	struct yml	*y;

	for (y = map->child; y != NULL; y = y->next)
		if (str_is(y->key, key))
			return y;
	return NULL;
}
