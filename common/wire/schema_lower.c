/*
 * JSON Schema to Gemini's OpenAPI subset.
 *
 * A schema may be spread over several places: itself, what its $ref names, the
 * members of its allOf.  All of them are gathered into a struct gathered, which
 * is then written; so each keyword has its place in the output once, and
 * writing needs no look at the sources again.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "wire/schema.h"
#include "wire/schema_kw.h"

#define STEPS_MAX	(1u << 18)	/* members looked at, inlined too */
#define TOLD_MAX	16		/* losses of one schema */

enum num {
	MIN_ITEMS, MAX_ITEMS, MIN_LENGTH, MAX_LENGTH, MIN_PROPERTIES,
	MAX_PROPERTIES, MINIMUM, MAXIMUM, EXCL_MINIMUM, EXCL_MAXIMUM, NUMS
};

enum kw {
	KW_NUM0,		/* enum num and up to NUMS are numbers */
	KW_TYPE = NUMS, KW_NULLABLE, KW_TITLE, KW_DESCRIPTION, KW_FORMAT,
	KW_PATTERN, KW_ENUM, KW_CONST, KW_PROPERTIES, KW_REQUIRED, KW_ORDERING,
	KW_ITEMS, KW_PREFIX, KW_ANY_OF, KW_ONE_OF, KW_ALL_OF, KW_REF,
	KW_CLOSED, KW_SILENT, KW_UNKNOWN
};

#define K(lit)	{ lit, sizeof(lit) - 1 }
static const struct {
	struct str	 name;
	int		 kw;
} keywords[] = {
	{ K("minItems"), MIN_ITEMS }, { K("maxItems"), MAX_ITEMS },
	{ K("minLength"), MIN_LENGTH }, { K("maxLength"), MAX_LENGTH },
	{ K("minProperties"), MIN_PROPERTIES },
	{ K("maxProperties"), MAX_PROPERTIES },
	{ K("minimum"), MINIMUM }, { K("maximum"), MAXIMUM },
	{ K("exclusiveMinimum"), EXCL_MINIMUM },
	{ K("exclusiveMaximum"), EXCL_MAXIMUM },
	{ K("type"), KW_TYPE }, { K("nullable"), KW_NULLABLE },
	{ K("title"), KW_TITLE }, { K("description"), KW_DESCRIPTION },
	{ K("format"), KW_FORMAT }, { K("pattern"), KW_PATTERN },
	{ K("enum"), KW_ENUM }, { K("const"), KW_CONST },
	{ K("properties"), KW_PROPERTIES }, { K("required"), KW_REQUIRED },
	{ K("propertyOrdering"), KW_ORDERING },
	{ K("items"), KW_ITEMS }, { K("prefixItems"), KW_PREFIX },
	{ K("anyOf"), KW_ANY_OF }, { K("oneOf"), KW_ONE_OF },
	{ K("allOf"), KW_ALL_OF }, { K("$ref"), KW_REF },
	{ K("additionalProperties"), KW_CLOSED },
	{ K("unevaluatedProperties"), KW_CLOSED },
	/* Without a meaning for what is valid. */
	{ K("$schema"), KW_SILENT }, { K("$id"), KW_SILENT },
	{ K("$comment"), KW_SILENT }, { K("$defs"), KW_SILENT },
	{ K("$anchor"), KW_SILENT }, { K("definitions"), KW_SILENT },
	{ K("default"), KW_SILENT }, { K("example"), KW_SILENT },
	{ K("examples"), KW_SILENT }, { K("deprecated"), KW_SILENT },
	{ K("readOnly"), KW_SILENT }, { K("writeOnly"), KW_SILENT },
};
#undef K

static const char *const num_names[NUMS] = {
	"minItems", "maxItems", "minLength", "maxLength", "minProperties",
	"maxProperties", "minimum", "maximum", NULL, NULL
};

/* Schemas that must all hold. */
struct source {
	struct jv	 v;
	struct source	*next;
};

struct prop {
	struct jstr	 name;
	size_t		 order;
	struct source	*sources;
	bool		 merged;	/* written with an earlier one */
	bool		 required;
};

struct gathered {
	unsigned	 types;		/* bits; 0: not said */
	bool		 nullable;
	bool		 cut;		/* a reference to what it stands in */
	struct jv	 title, description, format, pattern, ordering;
	struct jv	 values;	/* enum's array, or const's value */
	bool		 is_const;
	struct jv	 num[NUMS];
	struct prop	*props;
	size_t		 nprops, cap;
	struct source	*required;
	struct source	*items;
	struct jv	 prefix;
	struct jv	 any;
	struct jv	 self;		/* the first of its sources */
};

/* A reference that is being inlined. */
struct open_ref {
	uint32_t	 node;
	struct open_ref	*outer;
};

struct lower {
	struct arena		*arena;
	struct loss		*loss;
	struct json		 j;
	struct jw		 w;
	unsigned		 steps;
	bool			 failed;
	struct str		 base;		/* path of the whole */
	struct str		 told[TOLD_MAX];
	unsigned		 ntold;
	struct open_ref		*open;
};

/* Each keyword is reported once, where it was met first. */
static void
tell(struct lower *l, struct jv m, enum loss_action action, const char *why)
{
	struct str	 key = json_raw(json_key(m)), path;
	unsigned	 i;

	for (i = 0; i < l->ntold; i++)
		if (str_eq(l->told[i], key))
			return;
	if (l->ntold == TOLD_MAX)
		return;
	l->told[l->ntold++] = key;
	path = json_path(l->arena, &l->j, m.i);
	loss_add(l->loss, action, arena_strf(l->arena, "%.*s.%.*s",
	    STR_FMT(l->base), STR_FMT(path)), why);
}

static bool
step(struct lower *l)
{
	if (++l->steps > STEPS_MAX || !buf_ok(l->w.b))
		l->failed = true;
	return !l->failed;
}

static int
keyword(struct jv m)
{
	struct jstr	 k = json_jstr(json_key(m));
	struct str	 key = { k.p, k.n };
	size_t		 i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (str_eq(key, keywords[i].name))
			return keywords[i].kw;
	return KW_UNKNOWN;
}

static void
source_add(struct lower *l, struct source **list, struct jv v)
{
	struct source	*s = ARENA_NEW(l->arena, struct source);

	s->v = v;
	while (*list != NULL && step(l))
		list = &(*list)->next;
	*list = s;
}

static void
once(struct jv *slot, struct jv v)
{
	if (!json_ok(*slot) && !json_empty(v))
		*slot = v;
}

/* --- references --------------------------------------------------------- */

/* The member of a JSON pointer's step; counts what it looks at. */
static struct jv
pointer_step(struct lower *l, struct jv v, struct str name)
{
	struct jv	 e, found = JV_NONE;
	int64_t		 n = -1;

	if (json_type(v) == JSON_ARRAY &&
	    str_to_int(name, 0, INT32_MAX, &n) == -1)
		return found;
	for (e = json_first(v); json_ok(e) && step(l); e = json_next(e)) {
		if (json_type(v) == JSON_ARRAY ? n-- == 0 :
		    str_eq(json_str(l->arena, json_key(e)), name))
			found = e;
	}
	return found;
}

/* "~1" is "/", "~0" is "~" (RFC 6901), after percent-decoding. */
static struct str
pointer_name(struct lower *l, struct str s)
{
	struct buf	 b;
	struct str	 out;
	char		*p;
	size_t		 i, n = 0;

	if (s.n == 0 || (memchr(s.p, '%', s.n) == NULL &&
	    memchr(s.p, '~', s.n) == NULL))
		return s;
	buf_init(&b, s.n);
	if (url_decode(&b, s, false) == -1) {
		buf_clear(&b);
		(void)buf_adds(&b, s);
	}
	p = arena_bytes(l->arena, b.len);
	for (i = 0; i < b.len; i++) {
		p[n] = b.data[i];
		if (b.data[i] == '~' && i + 1 < b.len &&
		    (b.data[i + 1] == '0' || b.data[i + 1] == '1'))
			p[n] = b.data[++i] == '0' ? '~' : '/';
		n++;
	}
	buf_release(&b);
	out = (struct str){ p, n };
	return out;
}

static struct jv
resolve(struct lower *l, struct jv ref)
{
	struct jv	 v = json_root(&l->j);
	struct str	 rest;

	if (json_type(ref) != JSON_STRING)
		return JV_NONE;
	rest = json_str(l->arena, ref);
	if (rest.n == 0 || rest.p[0] != '#')
		return JV_NONE;
	rest = str_skip(rest, 1);
	if (rest.n == 0)
		return v;
	if (rest.p[0] != '/')
		return JV_NONE;
	rest = str_skip(rest, 1);
	while (json_ok(v) && rest.p != NULL)
		v = pointer_step(l, v, pointer_name(l, str_cut(&rest, '/')));
	return v;
}

static bool
is_open(struct lower *l, uint32_t node, const struct open_ref *until)
{
	const struct open_ref	*o;

	for (o = l->open; o != until && step(l); o = o->outer)
		if (o->node == node)
			return true;
	return false;
}

/* --- gathering ---------------------------------------------------------- */

static void	 gather(struct lower *, struct gathered *, struct jv,
		    const struct open_ref *, unsigned);

static void
gather_ref(struct lower *l, struct gathered *g, struct jv ref,
    const struct open_ref *level, unsigned depth)
{
	struct jv	 target = resolve(l, ref);
	struct open_ref	*o;

	if (!json_ok(target)) {
		tell(l, ref, LOSS_DROPPED, "a reference that leads nowhere");
		return;
	}
	if (is_open(l, target.i, level))
		return;			/* gathered already */
	if (target.i == 0 || is_open(l, target.i, NULL)) {
		tell(l, ref, LOSS_APPROXIMATED,
		    "a recursive reference, cut off");
		g->cut = true;
		return;
	}
	o = ARENA_NEW(l->arena, struct open_ref);
	o->node = target.i;
	o->outer = l->open;
	l->open = o;
	gather(l, g, target, level, depth + 1);
}

static void
gather_type(struct lower *l, struct gathered *g, struct jv m)
{
	struct jv	 e;
	unsigned	 set = 0;
	int		 t;

	if (json_type(m) == JSON_ARRAY) {
		for (e = json_first(m); json_ok(e) && step(l); e = json_next(e))
			if ((t = schema_type(l->arena, e)) >= 0)
				set |= 1u << t;
	} else if ((t = schema_type(l->arena, m)) >= 0)
		set = 1u << t;
	if (set & (1u << SCHEMA_NULL))
		g->nullable = true;
	set &= ~(1u << SCHEMA_NULL);
	if (set & (1u << SCHEMA_NUMBER))
		set &= ~(1u << SCHEMA_INTEGER);
	if (g->types == 0)
		g->types = set;
	else if ((g->types & set) != 0)
		g->types &= set;
}

static void
gather_props(struct lower *l, struct gathered *g, struct jv map)
{
	struct jv	 m;
	struct prop	*p;

	for (m = json_first(map); json_ok(m) && step(l); m = json_next(m)) {
		if (json_type(m) == JSON_FALSE) {
			tell(l, m, LOSS_DROPPED, "a property that must not be");
			continue;
		}
		if (g->nprops == g->cap) {
			g->cap = g->cap == 0 ? 8 : 2 * g->cap;
			p = arena_array(l->arena, g->cap, sizeof(*p));
			if (g->nprops > 0)
				memcpy(p, g->props, g->nprops * sizeof(*p));
			g->props = p;
		}
		p = &g->props[g->nprops];
		p->name = json_jstr(json_key(m));
		p->order = g->nprops++;
		source_add(l, &p->sources, m);
	}
}

static bool
is_null_schema(struct lower *l, struct jv v)
{
	return schema_type(l->arena, json_get(v, "type")) == SCHEMA_NULL;
}

/* A choice between one schema and null is that schema, nullable. */
static void
gather_any(struct lower *l, struct gathered *g, struct jv any,
    const struct open_ref *level, unsigned depth)
{
	struct jv	 e, only = JV_NONE;
	unsigned	 n = 0;

	for (e = json_first(any); json_ok(e) && step(l); e = json_next(e)) {
		if (is_null_schema(l, e)) {
			g->nullable = true;
			continue;
		}
		only = e;
		n++;
	}
	if (n == 1)
		gather(l, g, only, level, depth + 1);
	else if (n > 1 && !json_ok(g->any))
		g->any = any;
	else if (n > 1)
		tell(l, any, LOSS_DROPPED, "a second anyOf in one schema");
}

static void
gather_own(struct lower *l, struct gathered *g, int kw, struct jv m)
{
	enum json_type	 t = json_type(m);

	if (kw < NUMS) {
		once(&g->num[kw], m);
		return;
	}
	switch (kw) {
	case KW_TYPE:
		gather_type(l, g, m);
		break;
	case KW_NULLABLE:
		g->nullable |= t == JSON_TRUE;
		break;
	case KW_TITLE:
		once(&g->title, m);
		break;
	case KW_DESCRIPTION:
		once(&g->description, m);
		break;
	case KW_FORMAT:
		once(&g->format, m);
		break;
	case KW_PATTERN:
		once(&g->pattern, m);
		break;
	case KW_ORDERING:
		once(&g->ordering, m);
		break;
	case KW_ENUM:
	case KW_CONST:
		if (!json_ok(g->values) &&
		    (kw == KW_CONST || t == JSON_ARRAY)) {
			g->values = m;
			g->is_const = kw == KW_CONST;
		}
		break;
	case KW_PROPERTIES:
		gather_props(l, g, m);
		break;
	case KW_REQUIRED:
		source_add(l, &g->required, m);
		break;
	case KW_ITEMS:
		if (t == JSON_ARRAY)
			once(&g->prefix, m);
		else if (t == JSON_OBJECT)
			source_add(l, &g->items, m);
		break;
	case KW_PREFIX:
		once(&g->prefix, m);
		break;
	case KW_CLOSED:
		if (t != JSON_TRUE)
			tell(l, m, LOSS_DROPPED, "not in this model's schemas");
		break;
	case KW_UNKNOWN:
		tell(l, m, LOSS_DROPPED, "not in this model's schemas");
		break;
	default:
		break;
	}
}

/*
 * The first value of a keyword wins; a schema's own come before those of what
 * it refers to.
 */
static void
gather(struct lower *l, struct gathered *g, struct jv v,
    const struct open_ref *level, unsigned depth)
{
	struct jv	 m, e;
	int		 kw;

	if (depth >= SCHEMA_DEPTH_MAX)
		l->failed = true;
	if (l->failed || json_type(v) != JSON_OBJECT)
		return;
	for (m = json_first(v); json_ok(m) && step(l); m = json_next(m))
		gather_own(l, g, keyword(m), m);
	for (m = json_first(v); json_ok(m) && step(l); m = json_next(m)) {
		kw = keyword(m);
		if (kw == KW_REF)
			gather_ref(l, g, m, level, depth);
		else if (kw == KW_ANY_OF || kw == KW_ONE_OF)
			gather_any(l, g, m, level, depth);
		else if (kw == KW_ALL_OF)
			for (e = json_first(m); json_ok(e) && step(l);
			    e = json_next(e))
				gather(l, g, e, level, depth + 1);
	}
}

/* --- writing ------------------------------------------------------------ */

static void	 lower_all(struct lower *, const struct source *, unsigned);

static void
lower_one(struct lower *l, struct jv v, unsigned depth)
{
	struct source	 s = { v, NULL };

	lower_all(l, &s, depth);
}

static int
prop_cmp(const void *a, const void *b)
{
	const struct prop	*x = a, *y = b;
	size_t			 n;
	int			 c = 0;

	n = x->name.n < y->name.n ? x->name.n : y->name.n;
	if (n > 0)
		c = memcmp(x->name.p, y->name.p, n);
	if (c != 0)
		return c;
	if (x->name.n != y->name.n)
		return x->name.n < y->name.n ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool
same_name(const struct prop *a, const struct prop *b)
{
	return str_eq((struct str){ a->name.p, a->name.n },
	    (struct str){ b->name.p, b->name.n });
}

/* Sorts by name; the first of a name takes the sources of the others. */
static struct prop **
props_merge(struct lower *l, struct gathered *g)
{
	struct prop	**by_order, *first = NULL, *p;
	size_t		 i;

	qsort(g->props, g->nprops, sizeof(*g->props), prop_cmp);
	by_order = arena_array(l->arena, g->nprops, sizeof(*by_order));
	for (i = 0; i < g->nprops; i++) {
		p = &g->props[i];
		by_order[p->order] = p;
		if (first != NULL && same_name(first, p)) {
			p->sources->next = first->sources->next;
			first->sources->next = p->sources;
			p->merged = true;
		} else
			first = p;
	}
	return by_order;
}

static void
required_write(struct lower *l, struct gathered *g)
{
	struct source	*s;
	struct jv	 e;
	struct prop	 key = { 0 };
	struct prop	*p;
	size_t		 lo, hi, mid;
	bool		 any = false;

	for (s = g->required; s != NULL; s = s->next)
		for (e = json_first(s->v); json_ok(e) && step(l);
		    e = json_next(e)) {
			if (json_type(e) != JSON_STRING)
				continue;
			key.name = json_jstr(e);
			/* The first with that name, which has order >= 0. */
			for (lo = 0, hi = g->nprops; lo < hi;) {
				mid = lo + (hi - lo) / 2;
				if (prop_cmp(&g->props[mid], &key) < 0)
					lo = mid + 1;
				else
					hi = mid;
			}
			p = lo < g->nprops ? &g->props[lo] : NULL;
			if (p == NULL || !same_name(p, &key) || p->required)
				continue;
			p->required = true;
			if (!any) {
				jw_key(&l->w, "required");
				jw_array(&l->w);
			}
			any = true;
			jw_jstr(&l->w, p->name);
		}
	if (any)
		jw_array_end(&l->w);
}

static void
object_write(struct lower *l, struct gathered *g, unsigned depth)
{
	struct prop	**props;
	size_t		 i;

	if (g->nprops == 0)
		return;
	props = props_merge(l, g);
	jw_key(&l->w, "properties");
	jw_object(&l->w);
	for (i = 0; i < g->nprops && !l->failed; i++) {
		if (props[i]->merged)
			continue;
		jw_key_jstr(&l->w, props[i]->name);
		lower_all(l, props[i]->sources, depth + 1);
	}
	jw_object_end(&l->w);
	required_write(l, g);
	if (json_type(g->ordering) == JSON_ARRAY) {
		jw_key(&l->w, "propertyOrdering");
		jw_raw(&l->w, json_raw(g->ordering));
	}
}

/* Gemini refuses an array that does not say of what. */
static void
array_write(struct lower *l, struct gathered *g, unsigned depth)
{
	struct jv	 e;

	jw_key(&l->w, "items");
	if (g->items != NULL) {
		lower_all(l, g->items, depth + 1);
		return;
	}
	if (json_count(g->prefix) == 0) {
		if (g->self.i != 0)
			tell(l, g->self, LOSS_APPROXIMATED,
			    "a list of anything became one of strings");
		jw_raw(&l->w, STR("{\"type\":\"STRING\"}"));
		return;
	}
	tell(l, g->prefix, LOSS_APPROXIMATED, "a tuple became a list");
	if (json_count(g->prefix) == 1) {
		lower_one(l, json_first(g->prefix), depth + 1);
		return;
	}
	jw_object(&l->w);
	jw_key(&l->w, "anyOf");
	jw_array(&l->w);
	for (e = json_first(g->prefix); json_ok(e) && step(l); e = json_next(e))
		lower_one(l, e, depth + 2);
	jw_array_end(&l->w);
	jw_object_end(&l->w);
}

static void
num_write(struct lower *l, const struct gathered *g, enum num n)
{
	if (json_type(g->num[n]) != JSON_NUMBER)
		return;
	jw_key(&l->w, num_names[n]);
	jw_raw(&l->w, json_raw(g->num[n]));
}

/* An open bound of whole numbers is the next one, closed. */
static void
bound_write(struct lower *l, struct gathered *g, int type, enum num closed,
    enum num open, int up)
{
	struct jv	 v = g->num[open];
	int64_t		 n;

	if (json_type(v) != JSON_NUMBER) {
		if (json_type(v) == JSON_TRUE)
			tell(l, v, LOSS_APPROXIMATED,
			    "the bound itself is allowed now");
		num_write(l, g, closed);
		return;
	}
	jw_key(&l->w, num_names[closed]);
	if (type == SCHEMA_INTEGER && json_int(v, &n) == 0 &&
	    n > INT64_MIN / 2 && n < INT64_MAX / 2) {
		jw_int(&l->w, n + up);
		return;
	}
	tell(l, v, LOSS_APPROXIMATED, "the bound itself is allowed now");
	jw_raw(&l->w, json_raw(v));
}

static bool
format_known(struct jv f, int type)
{
	switch (type) {
	case SCHEMA_STRING:
		return json_is(f, "date-time") || json_is(f, "enum");
	case SCHEMA_INTEGER:
		return json_is(f, "int32") || json_is(f, "int64");
	case SCHEMA_NUMBER:
		return json_is(f, "float") || json_is(f, "double");
	}
	return false;
}

/* A const is an enum of one; Gemini has enums of strings only. */
static struct jv
value_first(const struct gathered *g)
{
	return g->is_const ? g->values : json_first(g->values);
}

static struct jv
value_next(const struct gathered *g, struct jv v)
{
	return g->is_const ? JV_NONE : json_next(v);
}

static void
values_write(struct lower *l, struct gathered *g)
{
	struct jv	 v;
	bool		 any = false;

	for (v = value_first(g); json_ok(v) && step(l); v = value_next(g, v)) {
		if (json_type(v) != JSON_STRING || json_jstr(v).n == 0)
			continue;
		if (!any) {
			jw_key(&l->w, "enum");
			jw_array(&l->w);
		}
		any = true;
		jw_jstr(&l->w, json_jstr(v));
	}
	if (any)
		jw_array_end(&l->w);
}

static void
typed_write(struct lower *l, struct gathered *g, int type, unsigned depth)
{
	char		 name[16];
	const char	*p = schema_type_name(type);
	size_t		 i;

	for (i = 0; p[i] != '\0' && i < sizeof(name) - 1; i++)
		name[i] = (char)(p[i] - 'a' + 'A');
	name[i] = '\0';
	jw_key(&l->w, "type");
	jw_strz(&l->w, name);
	if (json_ok(g->format)) {
		if (format_known(g->format, type)) {
			jw_key(&l->w, "format");
			jw_raw(&l->w, json_raw(g->format));
		} else
			tell(l, g->format, LOSS_DROPPED,
			    "not a format of this model's schemas");
	}
	switch (type) {
	case SCHEMA_STRING:
		values_write(l, g);
		if (json_type(g->pattern) == JSON_STRING) {
			jw_key(&l->w, "pattern");
			jw_raw(&l->w, json_raw(g->pattern));
		}
		num_write(l, g, MIN_LENGTH);
		num_write(l, g, MAX_LENGTH);
		break;
	case SCHEMA_NUMBER:
	case SCHEMA_INTEGER:
		bound_write(l, g, type, MINIMUM, EXCL_MINIMUM, 1);
		bound_write(l, g, type, MAXIMUM, EXCL_MAXIMUM, -1);
		break;
	case SCHEMA_ARRAY:
		array_write(l, g, depth);
		num_write(l, g, MIN_ITEMS);
		num_write(l, g, MAX_ITEMS);
		break;
	case SCHEMA_OBJECT:
		object_write(l, g, depth);
		num_write(l, g, MIN_PROPERTIES);
		num_write(l, g, MAX_PROPERTIES);
		break;
	default:
		break;
	}
}

static void
any_write(struct lower *l, struct gathered *g, unsigned depth)
{
	struct jv	 e;

	jw_key(&l->w, "anyOf");
	jw_array(&l->w);
	for (e = json_first(g->any); json_ok(e) && step(l); e = json_next(e))
		if (!is_null_schema(l, e))
			lower_one(l, e, depth + 1);
	jw_array_end(&l->w);
}

/* Does every branch say what it is, or do some only narrow what is around? */
static bool
any_is_whole(struct lower *l, const struct gathered *g)
{
	static const char *const	 whole[] = { "type", "$ref",
					    "properties", "anyOf", "oneOf",
					    "allOf", "enum", "const", "items" };
	struct jv			 e;
	size_t				 i;

	for (e = json_first(g->any); json_ok(e) && step(l); e = json_next(e)) {
		for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
			if (json_ok(json_get(e, whole[i])))
				break;
		if (i == sizeof(whole) / sizeof(whole[0]))
			return false;
	}
	return true;
}

static unsigned
type_of_value(struct jv v)
{
	int64_t	 n;

	switch (json_type(v)) {
	case JSON_STRING:
		return 1u << SCHEMA_STRING;
	case JSON_NUMBER:
		return 1u << (json_int(v, &n) == 0 ? SCHEMA_INTEGER :
		    SCHEMA_NUMBER);
	case JSON_TRUE:
	case JSON_FALSE:
		return 1u << SCHEMA_BOOLEAN;
	default:
		return 0;
	}
}

/* Looks at enum and const: null among them, and what no string is. */
static void
values_judge(struct lower *l, struct gathered *g)
{
	struct jv	 v;
	unsigned	 types = 0;
	bool		 lost = false;

	if (!json_ok(g->values))
		return;
	for (v = value_first(g); json_ok(v) && step(l); v = value_next(g, v)) {
		if (json_type(v) == JSON_NULL) {
			g->nullable = true;
			continue;
		}
		types |= type_of_value(v);
		lost |= json_type(v) != JSON_STRING || json_jstr(v).n == 0;
	}
	if (types & (1u << SCHEMA_NUMBER))
		types &= ~(1u << SCHEMA_INTEGER);
	if (g->types == 0)
		g->types = types;
	if (lost)
		tell(l, g->values, LOSS_DROPPED,
		    "this model's schemas have enums of strings only");
}

/* What must be when no type is said. */
static void
type_guess(struct lower *l, struct gathered *g, const struct source *s)
{
	if (g->types != 0 || json_ok(g->any))
		return;
	if (g->nprops > 0 || g->cut)
		g->types = 1u << SCHEMA_OBJECT;
	else if (g->items != NULL || json_ok(g->prefix))
		g->types = 1u << SCHEMA_ARRAY;
	else if (s->v.i == 0)
		g->types = 1u << SCHEMA_OBJECT;
	else {
		g->types = 1u << SCHEMA_STRING;
		if (!g->nullable)
			tell(l, s->v, LOSS_APPROXIMATED,
			    "a value of any type became a string");
	}
}

static void
gathered_write(struct lower *l, struct gathered *g, unsigned depth)
{
	int	 t, n = 0;

	for (t = 0; t < SCHEMA_TYPES; t++)
		n += (g->types >> t) & 1;
	jw_object(&l->w);
	if (json_type(g->title) == JSON_STRING) {
		jw_key(&l->w, "title");
		jw_raw(&l->w, json_raw(g->title));
	}
	if (json_type(g->description) == JSON_STRING) {
		jw_key(&l->w, "description");
		jw_raw(&l->w, json_raw(g->description));
	}
	if (g->nullable) {
		jw_key(&l->w, "nullable");
		jw_bool(&l->w, true);
	}
	if (json_ok(g->any) && (n == 0 ||
	    (g->nprops == 0 && any_is_whole(l, g))))
		any_write(l, g, depth);
	else if (n == 1) {
		if (json_ok(g->any))
			tell(l, g->any, LOSS_DROPPED,
			    "a choice beside a type");
		for (t = 0; !((g->types >> t) & 1); t++)
			;
		typed_write(l, g, t, depth);
	} else {
		jw_key(&l->w, "anyOf");
		jw_array(&l->w);
		for (t = 0; t < SCHEMA_TYPES; t++) {
			if (!((g->types >> t) & 1))
				continue;
			jw_object(&l->w);
			typed_write(l, g, t, depth + 1);
			jw_object_end(&l->w);
		}
		jw_array_end(&l->w);
	}
	jw_object_end(&l->w);
}

static void
lower_all(struct lower *l, const struct source *s, unsigned depth)
{
	struct gathered		 g = { .self = s->v };
	struct open_ref		*level = l->open;
	const struct source	*q;

	if (depth >= SCHEMA_DEPTH_MAX)
		l->failed = true;
	for (q = s; q != NULL && step(l); q = q->next)
		gather(l, &g, q->v, level, depth);
	if (l->failed)
		return;
	values_judge(l, &g);
	type_guess(l, &g, s);
	gathered_write(l, &g, depth);
	l->open = level;
}

int
schema_to_gemini(struct arena *a, struct str in, struct loss *loss,
    const struct json *origin, uint32_t node, struct jw *out)
{
	struct lower		 l = { .arena = a, .loss = loss };
	struct buf		 b;
	struct json_error	 je;
	int			 rc = -1;

	json_init(&l.j);
	buf_init(&b, SCHEMA_OUT_MAX);
	jw_init(&l.w, &b);
	l.base = node == 0 || origin == NULL ? STR("schema") :
	    json_path(a, origin, node);
	if (json_parse(&l.j, in, &je) == 0 &&
	    json_type(json_root(&l.j)) == JSON_OBJECT) {
		lower_one(&l, json_root(&l.j), 0);
		if (!l.failed && buf_ok(&b))
			rc = 0;
	}
	if (rc == 0)
		jw_raw(out, buf_str(&b));
	else {
		loss_add(loss, LOSS_APPROXIMATED, l.base,
		    "a schema too deep or too large for this model");
		jw_raw(out, STR("{\"type\":\"OBJECT\"}"));
	}
	buf_release(&b);
	json_release(&l.j);
	return rc;
}
