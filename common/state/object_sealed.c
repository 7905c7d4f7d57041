/*
 * Headers and proxy of a provider: checked, and sealed.
 */
#include <string.h>

#include "state/object_sealed.h"

#define SHOW(s)		((s).n > 64 ? 64 : (int)(s).n), (s).p

/* --- checked ---------------------------------------------------------------- */

static int
check_header(const struct object_field *f, struct str name, struct str value,
    struct object_error *e)
{
	const char	*why = conf_header_refused(name);
	size_t		 i;

	if (why != NULL)
		return object_fail(e, f->name, "'%.*s' %s", SHOW(name), why);
	for (i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
			return object_fail(e, f->name, "the value of '%.*s' "
			    "holds a control character", SHOW(name));
	if (value.n == 0 || value.n > SECRET_MAX)
		return object_fail(e, f->name, "the value of '%.*s' must have "
		    "1 to %d bytes", SHOW(name), SECRET_MAX);
	return 0;
}

/* One of the members before it has the same name, but for its letters' case. */
static bool
named_before(struct arena *a, struct jv headers, struct jv m, struct str name)
{
	struct jv	 o;
	const char	*z = arena_str(a, name).p;

	for (o = json_first(headers); o.i != m.i; o = json_next(o))
		if (str_is_nocase(json_str(a, json_key(o)), z))
			return true;
	return false;
}

static int
check_member(struct arena *a, const struct object_field *f, struct jv v,
    struct jv m, struct jw *w, struct object_error *e)
{
	struct str	 name = json_str(a, json_key(m)), value;

	if (json_type(m) != JSON_STRING)
		return object_fail(e, f->name, "expected a text as the value "
		    "of '%.*s', got %s", SHOW(name),
		    json_type_name(json_type(m)));
	value = json_str(a, m);
	if (check_header(f, name, value, e) == -1)
		return -1;
	if (named_before(a, v, m, name))
		return object_fail(e, f->name, "'%.*s' is there twice",
		    SHOW(name));
	jw_key_str(w, name);
	jw_str(w, value);
	return 0;
}

int
object_headers_check(struct arena *a, const struct object_field *f,
    struct jv v, struct object_value *to, struct object_error *e)
{
	struct buf	 b;
	struct jw	 w;
	struct jv	 m;
	int		 rc = 0;

	if (json_type(v) != JSON_OBJECT || (int64_t)json_count(v) > f->max)
		return object_fail(e, f->name, "expected an object of at most "
		    "%lld headers and their values", (long long)f->max);
	buf_init(&b, OBJECT_TEXT_MAX * 8);
	jw_init(&w, &b);
	jw_object(&w);
	for (m = json_first(v); rc == 0 && json_ok(m); m = json_next(m))
		rc = check_member(a, f, v, m, &w, e);
	jw_object_end(&w);
	to->s = arena_str(a, buf_str(&b));
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

/* --- written ---------------------------------------------------------------- */

static bool
hides(struct str s)
{
	return memmem(s.p, s.n, STORE_HIDDEN, strlen(STORE_HIDDEN)) != NULL;
}

static enum object_result
refuse(struct object_error *e, const char *field, const char *what,
    struct str name)
{
	object_fail(e, field, "%s%.*s is as it is shown, not as it is: give "
	    "the whole value", what, SHOW(name));
	return OBJECT_REFUSED;
}

/* By who cannot seal it. */
static enum object_result
refuse_sealed(struct object_error *e, const char *field)
{
	object_fail(e, field, "cannot be sealed: there is no secret.key");
	return OBJECT_REFUSED;
}

/* The headers as they were: those that stay are told by their masks. */
struct was {
	struct str	 name, value, print, mask;
	struct was	*next;
};

static int
read_headers(struct store *s, int64_t id, struct arena *a, struct was **list)
{
	struct sqlite3_stmt	*st;
	struct was		*w;
	int			 rc;

	*list = NULL;
	st = sql_open(s, "SELECT name, value, print, mask "
	    "FROM provider_headers WHERE provider_id = ?", "i", id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		w = ARENA_NEW(a, struct was);
		w->name = arena_str(a, sql_str(st, 0));
		w->value = arena_str(a, sql_str(st, 1));
		w->print = arena_str(a, sql_str(st, 2));
		w->mask = arena_str(a, sql_str(st, 3));
		w->next = *list;
		*list = w;
	}
	sql_end(st);
	return rc;
}

/* At another place, where others came or went before it. */
static int
keep(struct store *s, int64_t id, int64_t pos, const struct was *w)
{
	return sql_run(s, "INSERT INTO provider_headers (provider_id, pos, "
	    "name, value, print, mask) VALUES (?, ?, ?, ?, ?, ?) "
	    "ON CONFLICT (provider_id, pos) DO UPDATE SET "
	    "name = excluded.name, value = excluded.value, "
	    "print = excluded.print, mask = excluded.mask "
	    "WHERE (name, print, mask) IS NOT "
	    "(excluded.name, excluded.print, excluded.mask)", "iisbss", id,
	    pos, w->name, w->value, w->print, w->mask);
}

struct putting {
	struct store			*s;
	const struct secret_box		*box;
	int64_t				 id;
	struct str			 provider;
	struct was			*was;
	struct object_error		*e;
};

static enum object_result
put_one(struct putting *p, int64_t pos, struct str name, struct str value)
{
	const struct was	*w = p->was;

	if (hides(value)) {
		while (w != NULL && (!str_eq(w->name, name) ||
		    !str_eq(w->mask, value)))
			w = w->next;
		if (w == NULL)
			return refuse(p->e, "headers", "the value of ", name);
		return keep(p->s, p->id, pos, w) == -1 ? OBJECT_STORE :
		    OBJECT_OK;
	}
	if (p->box == NULL)
		return refuse_sealed(p->e, "headers");
	return store_header_put(p->s, p->box, p->id, p->provider, pos, name,
	    value) == -1 ? OBJECT_STORE : OBJECT_OK;
}

enum object_result
object_headers_put(struct store *s, const struct secret_box *box, int64_t id,
    struct str provider, struct str text, struct object_error *e)
{
	struct putting		 p = { s, box, id, provider, NULL, e };
	struct json		 j;
	struct jv		 m;
	struct arena		 a;
	enum object_result	 r = OBJECT_STORE;
	int64_t			 n = 0;

	arena_init(&a);
	json_init(&j);
	if (json_parse(&j, text, NULL) == 0 &&
	    read_headers(s, id, &a, &p.was) == 0)
		r = OBJECT_OK;
	for (m = json_first(json_root(&j)); r == OBJECT_OK && json_ok(m);
	    m = json_next(m))
		r = put_one(&p, n++, json_str(&a, json_key(m)),
		    json_str(&a, m));
	if (r == OBJECT_OK && store_headers_end(s, id, n) == -1)
		r = OBJECT_STORE;
	json_release(&j);
	arena_release(&a);
	return r;
}

enum object_result
object_proxy_put(struct store *s, const struct secret_box *box, int64_t id,
    struct str provider, struct str url, struct str now,
    struct object_error *e)
{
	if (hides(url))
		return str_eq(url, now) ? OBJECT_OK :
		    refuse(e, "proxy", "", STR("the proxy"));
	if (box == NULL && url.n > 0)
		return refuse_sealed(e, "proxy");
	return store_proxy_put(s, box, id, provider, url) == -1 ?
	    OBJECT_STORE : OBJECT_OK;
}
