/*
 * The management API: routes, problems, values of a body.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admind/api.h"
#include "admind/auth.h"
#include "admind/lock.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/store_revision.h"

static const struct api_route *const tables[] = {
	api_objects_routes,
	api_revisions_routes,
	api_auth_routes, api_users_routes, api_logs_routes, api_stats_routes,
	api_tenants_routes, api_lab_routes, api_requests_routes
};
#define TABLES	(sizeof(tables) / sizeof(*tables))

void
api_routes_each(void (*cb)(void *, const struct api_route *), void *arg)
{
	const struct api_route	*r;
	size_t			 i;

	for (i = 0; i < TABLES; i++)
		for (r = tables[i]; r->method != NULL; r++)
			cb(arg, r);
}

/* --- answers ---------------------------------------------------------------------- */

void
api_json(struct api *a, int status, json_t *o)
{
	char	*text;

	must(o != NULL);
	text = json_dumps(o, JSON_COMPACT);
	must(text != NULL);
	buf_clear(&a->r->body);
	(void)buf_addz(&a->r->body, text);
	(void)buf_addc(&a->r->body, '\n');
	free(text);
	json_decref(o);
	a->r->status = status;
	a->r->type = "application/json";
	a->replied = true;
}

void
api_empty(struct api *a)
{
	a->r->status = 204;
	a->r->type = "application/json";
	a->replied = true;
}

json_t *
api_text(struct str s)
{
	json_t	*o = json_stringn(s.p == NULL ? "" : s.p, s.n);
	char	*p;
	size_t	 i;

	if (o != NULL)
		return o;
	if ((p = malloc(s.n + 1)) == NULL)
		fatal("malloc");
	for (i = 0; i < s.n; i++)
		p[i] = s.p[i] > 0 ? s.p[i] : '?';
	o = json_stringn(p, s.n);
	free(p);
	return o;
}

json_t *
api_time(int64_t us)
{
	char	 when[CLOCK_RFC3339_LEN];

	return us == 0 ? json_null() : json_string(clock_rfc3339(us, when));
}

void
api_problem(struct api *a, int status, const char *field, const char *fmt, ...)
{
	char	 text[2048];
	va_list	 ap;
	json_t	*o;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o = json_pack("{s:s,s:s,s:i,s:o}", "type", "about:blank", "title",
	    http_title(status), "status", status, "detail", api_text(str_of(text)));
	if (field != NULL)
		json_object_set_new(o, "field", api_text(str_of(field)));
	api_json(a, status, o);
	a->r->type = "application/problem+json";
}

/* --- the database ------------------------------------------------------------------ */

struct store *
api_store(struct api *a, enum store_open_mode mode)
{
	char	 err[2048];

	store_close(a->store);
	a->store = store_open(a->ad->paths.db, mode, err, sizeof(err));
	if (a->store == NULL)
		api_problem(a, 503, NULL, "%s", err);
	else
		store_patience(a->store, LOCK_PATIENCE_MS);
	if (a->store != NULL && a->who.role != ADMIN_NONE)
		store_author(a->store, str_of(a->who.name));
	return a->store;
}

struct store *
api_change(struct api *a, const char *change)
{
	if (api_store(a, STORE_WRITE) == NULL)
		return NULL;
	if (store_changes_begin(a->store) == -1) {
		api_store_failed(a);
		return NULL;
	}
	a->changing = true;
	a->change = change;
	return a->store;
}

static void
change_end(struct api *a)
{
	if (!a->changing)
		return;
	a->changing = false;
	if (a->r->status >= 300)
		store_changes_drop(a->store);
	else if (store_changes_commit(a->store, a->change, STR("")) == -1)
		api_store_failed(a);
}

void
api_store_failed(struct api *a)
{
	api_problem(a, 503, NULL, "%s: %s", a->ad->paths.db,
	    store_error(a->store));
}

void
api_audit(struct api *a, const char *action, const char *object, bool ok,
    const char *detail)
{
	struct admin_act	 act = { .time_us = clock_wall_us() };

	act.actor = str_of(a->who.role == ADMIN_NONE ? "-" : a->who.name);
	act.client = str_of(http_peer(a->rq));
	act.action = str_of(action);
	act.object = str_of(object == NULL ? "" : object);
	act.detail = str_of(detail == NULL ? "" : detail);
	act.ok = ok;
	if (!a->changing)
		lock_audit(a->ad->lock, &act);
	else if (store_audit_add(a->store, &act) == -1)
		log_alert("an act of '%.*s' is not in the audit log: %s",
		    STR_FMT(act.actor), store_error(a->store));
}

/* --- values ------------------------------------------------------------------------- */

bool
api_known(struct api *a, const char *const *names)
{
	const char	*key;
	json_t		*v;
	size_t		 i;

	json_object_foreach(a->body, key, v) {
		for (i = 0; names[i] != NULL; i++)
			if (strcmp(names[i], key) == 0)
				break;
		if (names[i] == NULL) {
			api_problem(a, 422, key, "there is no such member");
			return false;
		}
	}
	return true;
}

static json_t *
member(struct api *a, const char *name, bool need)
{
	json_t	*v = json_object_get(a->body, name);

	if (v != NULL && !json_is_null(v))
		return v;
	if (need)
		api_problem(a, 422, name, "is missing");
	return NULL;
}

bool
api_str(struct api *a, const char *name, bool need, struct str *s)
{
	json_t	*v = member(a, name, need);

	if (v == NULL)
		return !need;
	if (!json_is_string(v)) {
		api_problem(a, 422, name, "must be a string");
		return false;
	}
	*s = (struct str){ json_string_value(v), json_string_length(v) };
	if (memchr(s->p, '\0', s->n) != NULL) {
		api_problem(a, 422, name, "must not hold U+0000");
		return false;
	}
	return true;
}

bool
api_int(struct api *a, const char *name, bool need, int64_t min, int64_t max,
    int64_t *n)
{
	json_t	*v = member(a, name, need);

	if (v == NULL)
		return !need;
	if (!json_is_integer(v) || json_integer_value(v) < min ||
	    json_integer_value(v) > max) {
		api_problem(a, 422, name, "must be a whole number from %lld "
		    "to %lld", (long long)min, (long long)max);
		return false;
	}
	*n = json_integer_value(v);
	return true;
}

bool
api_bool(struct api *a, const char *name, bool need, bool *b)
{
	json_t	*v = member(a, name, need);

	if (v == NULL)
		return !need;
	if (!json_is_boolean(v)) {
		api_problem(a, 422, name, "must be true or false");
		return false;
	}
	*b = json_is_true(v);
	return true;
}

static bool
query_has(const struct api *a, struct str name)
{
	struct str	 rest = str_of(a->route->query);

	while (rest.n > 0)
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	return false;
}

/* A misspelt filter must not look like one that lets all through. */
static bool
query_known(struct api *a)
{
	struct str	 rest = a->rq->query, name;

	if (a->route->query != NULL && strcmp(a->route->query, "*") == 0)
		return true;
	while (rest.n > 0) {
		name = str_cut(&rest, '&');
		name = str_cut(&name, '=');
		if (name.n == 0 || query_has(a, name))
			continue;
		api_problem(a, 400, arena_str(a->rq->arena, name).p,
		    "there is no such member of the query");
		return false;
	}
	return true;
}

bool
api_query_str(struct api *a, const char *name, struct str *v)
{
	struct str	 s = STR_NONE;

	must(query_has(a, str_of(name)));
	if (http_query(a->rq, name, &s)) {
		*v = s;
		return true;
	}
	if (s.p == NULL)
		return true;		/* not there */
	api_problem(a, 400, name, "is not valid UTF-8, percent-encoded");
	return false;
}

bool
api_query_int(struct api *a, const char *name, int64_t min, int64_t max,
    int64_t *n)
{
	struct str	 s = STR_NONE;

	if (!api_query_str(a, name, &s))
		return false;
	if (s.n == 0 || str_to_int(s, min, max, n) == 0)
		return true;
	api_problem(a, 400, name, "must be a whole number from %lld to %lld",
	    (long long)min, (long long)max);
	return false;
}

bool
api_id(struct api *a, unsigned i, int64_t *v)
{
	if (str_to_int(a->id[i], 1, INT64_MAX, v) == 0)
		return true;
	api_problem(a, 404, NULL, "there is no '%.*s'", STR_FMT(a->id[i]));
	return false;
}

/* --- pages of lists --------------------------------------------------------------- */

#define LIST_PAGE	1000

static json_int_t
id_of(const json_t *o)
{
	return json_integer_value(json_object_get(o, "id"));
}

static int
by_id(const void *a, const void *b)
{
	json_int_t	 x = id_of(*(json_t *const *)a);
	json_int_t	 y = id_of(*(json_t *const *)b);

	return x < y ? -1 : x > y;
}

/* Those behind after, limit of them; *next: there are more behind that one. */
static json_t *
list_page(struct arena *arena, json_t *list, int64_t after, size_t limit,
    json_t **next)
{
	size_t	 n = json_array_size(list), i, k = 0;
	json_t	**o = arena_array(arena, n + 1, sizeof(json_t *));
	json_t	*page = json_array();

	for (i = 0; i < n; i++)
		if (id_of(json_array_get(list, i)) > after)
			o[k++] = json_array_get(list, i);
	qsort(o, k, sizeof(json_t *), by_id);
	for (i = 0; i < k && i < limit; i++)
		json_array_append(page, o[i]);
	if (k > limit) {
		json_decref(*next);
		*next = json_integer(id_of(o[limit - 1]));
	}
	json_decref(list);
	return page;
}

void
api_list(struct api *a, const char *name, json_t *list)
{
	int64_t	 after = -1, limit = -1;
	json_t	*next;

	if (!api_query_int(a, "after", 0, INT64_MAX, &after) ||
	    !api_query_int(a, "limit", 1, LIST_PAGE, &limit)) {
		json_decref(list);
		return;
	}
	next = json_null();
	if (after >= 0 || limit > 0)
		list = list_page(a->rq->arena, list, after, limit > 0 ?
		    (size_t)limit : LIST_PAGE, &next);
	api_json(a, 200, json_pack("{s:o,s:o}", name, list, "next", next));
}

/* --- ETags ---------------------------------------------------------------------------- */

static const char *
etag_of(struct api *a, const json_t *o)
{
	char		*text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	const char	*tag;

	must(text != NULL);
	tag = arena_strf(a->rq->arena, "\"%016llx\"", (unsigned long long)
	    hash64(str_of(text), 5)).p;
	free(text);
	return tag;
}

void
api_etag_add(struct api *a, json_t *o)
{
	json_object_set_new(o, "etag", json_string(etag_of(a, o)));
}

void
api_etag_reply(struct api *a, json_t *o)
{
	http_reply_header(a->r, "ETag", etag_of(a, o));
	api_etag_add(a, o);
}

/* "*", or some of them; a weak one is none's. */
static bool
etag_listed(struct str list, const char *tag)
{
	struct str	 one;

	while (list.n > 0) {
		one = str_trim(str_cut(&list, ','));
		if (tag != NULL && (str_is(one, "*") || str_is(one, tag)))
			return true;
	}
	return false;
}

bool
api_etag_holds(struct api *a, const json_t *now, const char *what)
{
	const char	*must = http_header(a->rq, "If-Match");
	const char	*not = http_header(a->rq, "If-None-Match");
	const char	*tag = now == NULL ? NULL : etag_of(a, now);

	if (http_header_count(a->rq, "If-Match") > 1 ||
	    http_header_count(a->rq, "If-None-Match") > 1)
		api_problem(a, 400, NULL, "If-Match or If-None-Match is there "
		    "twice");
	else if (must != NULL && !etag_listed(str_of(must), tag))
		api_problem(a, 412, NULL, now == NULL ? "this %s has been "
		    "deleted meanwhile" : "this %s has been changed "
		    "meanwhile: read it again, and change it then", what);
	else if (not != NULL && etag_listed(str_of(not), tag))
		api_problem(a, 412, NULL, "there is such a %s already", what);
	else
		return true;
	return false;
}

/* --- routes --------------------------------------------------------------------------- */

/*
 * Segment by segment; what stands for "{id}" is decoded into a->id, the rest of
 * a path is not.
 */
static bool
path_matches(struct api *a, const char *pattern)
{
	struct str	 p = str_of(pattern), s = a->rq->path, want, got;
	struct buf	 b;
	unsigned	 n = 0;
	bool		 ok;

	do {
		want = str_cut(&p, '/');
		if (want.n > 4 && str_is(str_skip(want, want.n - 4), "...}")) {
			a->id[n] = s;
			return n < API_IDS && s.n > 0;
		}
		got = str_cut(&s, '/');
		if (want.n > 0 && want.p[0] == '{') {
			buf_init(&b, 4096);
			ok = got.n > 0 && n < API_IDS &&
			    url_decode(&b, got, false) == 0 &&
			    utf8_valid(buf_str(&b));
			if (ok)
				a->id[n++] = arena_str(a->rq->arena,
				    buf_str(&b));
			buf_release(&b);
			if (!ok)
				return false;
		} else if (!str_eq(want, got))
			return false;
	} while (p.p != NULL && s.p != NULL);
	return p.p == NULL && s.p == NULL;
}

/* HEAD is answered as GET. */
static bool
method_is(const struct api *a, const char *method)
{
	return str_is(a->rq->method, method) ||
	    (str_is(a->rq->method, "HEAD") && strcmp(method, "GET") == 0);
}

static bool
route_find(struct api *a)
{
	const struct api_route	*r;
	struct buf		 allow;
	size_t			 i;

	buf_init(&allow, 256);
	for (i = 0; i < TABLES; i++)
		for (r = tables[i]; r->method != NULL; r++) {
			if (!path_matches(a, r->path))
				continue;
			if (method_is(a, r->method)) {
				a->route = r;
				buf_release(&allow);
				return true;
			}
			(void)buf_addf(&allow, "%s%s%s", allow.len > 0 ?
			    ", " : "", r->method, strcmp(r->method, "GET") ==
			    0 ? ", HEAD" : "");
		}
	if (allow.len > 0) {
		http_reply_header(a->r, "Allow", arena_str(a->rq->arena,
		    buf_str(&allow)).p);
		api_problem(a, 405, NULL, "%.*s is not offered here; %.*s is",
		    STR_FMT(a->rq->method), STR_FMT(buf_str(&allow)));
	} else
		api_problem(a, 404, NULL, "there is no '%.*s'",
		    STR_FMT(a->rq->path));
	buf_release(&allow);
	return false;
}

static bool
may(struct api *a)
{
	if (a->route->role == ADMIN_NONE)
		return true;
	if (auth_setup_needed(a->ad)) {
		api_problem(a, 403, NULL, "no administrator is set up yet: "
		    "open the link that 'proxyctl start' and 'proxyctl "
		    "status' show");
		return false;
	}
	if (a->who.role == ADMIN_NONE) {
		http_reply_header(a->r, "WWW-Authenticate", "Bearer");
		api_problem(a, 401, NULL, "log in, or send an API token as "
		    "'Authorization: Bearer ...'");
		return false;
	}
	if (a->who.role >= a->route->role)
		return true;
	api_problem(a, 403, NULL, "'%s' may look, but not change anything",
	    a->who.name);
	if (strcmp(a->route->method, "GET") != 0)
		api_audit(a, a->route->method, arena_str(a->rq->arena,
		    a->rq->path).p, false, "not allowed");
	return false;
}

long
api_begin(struct admind *ad, struct http_request *rq, struct http_reply *r)
{
	struct api	*a = arena_alloc(rq->arena, sizeof(*a));

	memset(a, 0, sizeof(*a));
	a->ad = ad;
	a->rq = rq;
	a->r = r;
	rq->state = a;
	if (!route_find(a) || !auth_who(a) || !may(a))
		return -1;
	return a->route->max & ~(API_RAW | API_KEEPS);
}

bool
api_visitor(struct admind *ad, struct http_request *rq, struct http_reply *r)
{
	struct api	 a = { .ad = ad, .rq = rq, .r = r };

	return auth_who(&a) && a.who.role >= ADMIN_VIEWER;
}

/* Texts end at a NUL for many a library: none has one.  In which member? */
static void
body_nul(struct api *a)
{
	json_t		*o = json_loadb(a->rq->body.p, a->rq->body.n,
			    JSON_ALLOW_NUL, NULL), *v;
	const char	*name, *field = NULL;
	char		*text;

	json_object_foreach(o, name, v) {
		text = json_dumps(v, JSON_ENCODE_ANY);
		if (field == NULL && text != NULL &&
		    strstr(text, "\\u0000") != NULL)
			field = arena_str(a->rq->arena, str_of(name)).p;
		free(text);
	}
	json_decref(o);
	api_problem(a, 422, field, "must not hold U+0000");
}

static bool
is_json(const char *type)
{
	struct str	 rest = str_of(type);

	return str_is_nocase(str_trim(str_cut(&rest, ';')),
	    "application/json");
}

static bool
body_read(struct api *a)
{
	const char	*type = http_header(a->rq, "Content-Type");
	json_error_t	 e;

	if (a->rq->body.n == 0) {
		if ((a->route->max & ~API_KEEPS) > 0 &&
		    !(a->route->max & API_RAW))
			a->body = json_object();
		return true;
	}
	/* Also keeps out what a foreign page may send without being asked. */
	if (type == NULL || !is_json(type)) {
		api_problem(a, 415, NULL, "the body must be JSON, and its "
		    "Content-Type application/json");
		return false;
	}
	if (a->route->max & API_RAW)
		return true;
	a->body = json_loadb(a->rq->body.p, a->rq->body.n,
	    JSON_REJECT_DUPLICATES, &e);
	if (a->body == NULL && json_error_code(&e) ==
	    json_error_null_character) {
		body_nul(a);
		return false;
	}
	if (a->body == NULL) {
		api_problem(a, 400, NULL, "the body is not valid JSON: %s, "
		    "line %d, column %d", e.text, e.line, e.column);
		return false;
	}
	if (!json_is_object(a->body)) {
		api_problem(a, 400, NULL, "the body must be a JSON object");
		return false;
	}
	return true;
}

/* What was made of a change, so that it can be undone. */
static void
tell_revision(struct api *a)
{
	char	 n[24];

	if (a->store == NULL || store_revision_made(a->store) == 0)
		return;
	snprintf(n, sizeof(n), "%lld",
	    (long long)store_revision_made(a->store));
	http_reply_header(a->r, "Revision", arena_str(a->rq->arena,
	    str_of(n)).p);
}

/* What only looks is for viewers, too. */
static bool
changes(const struct api *a)
{
	return a->route->role != ADMIN_VIEWER && !method_is(a, "GET") &&
	    !(a->route->max & API_KEEPS);
}

void
api_serve(struct admind *ad, struct http_request *rq, struct http_reply *r)
{
	struct api	*a = rq->state;

	(void)ad;
	(void)r;
	a->later = false;
	if (changes(a) && !lock_passes(a))
		return;
	if (query_known(a) && body_read(a))
		a->route->serve(a);
	must(a->replied || a->later || a->r->stream != NULL);
	change_end(a);
	tell_revision(a);
	store_close(a->store);
	a->store = NULL;
	json_decref(a->body);
	a->body = NULL;
}
