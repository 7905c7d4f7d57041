/*
 * Models, rules, pools, keys and providers: one set of handlers for all, as the
 * store has one entry for all (store_object.h).  What an object's members are
 * is known there alone; here are ids, and what goes beside an
 * object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admind/api.h"
#include "admind/dry_run.h"
#include "base/clock.h"
#include "base/codec.h"
#include "state/daemon.h"
#include "state/shm_keys.h"
#include "state/status_view.h"
#include "state/store_object.h"

#define ASK_MS		2000
#define LIST_BYTES	((size_t)64 << 20)
#define KEYS_AT_ONCE	1024		/* pasted: as many as there can be */
#define ORDER_MAX	10000

static const char *const plural[OBJECT_KINDS] = { "models", "rules", "pools",
    "keys", "providers" };

/* "/api/v1/models/3": the word behind "/api/v1/". */
static enum object_kind
kind_of(const struct api *a)
{
	struct str	 rest = str_skip(str_of(a->route->path), 8), word;
	unsigned	 i;

	word = str_cut(&rest, '/');
	for (i = 0; i < OBJECT_KINDS; i++)
		if (str_is(word, plural[i]))
			break;
	return (enum object_kind)i;
}

static const char *
what(const struct api *a)
{
	return object_name(kind_of(a));
}

/* --- read ----------------------------------------------------------------------- */

static json_t *
parsed(const struct buf *b)
{
	json_error_t	 err;

	return json_loadb(b->data == NULL ? "" : b->data, b->len, 0, &err);
}

/* The object as it is; NULL: a problem was answered. */
static json_t *
object_get(struct api *a, int64_t id)
{
	enum object_result	 r;
	struct buf		 b;
	json_t			*o = NULL;

	buf_init(&b, LIST_BYTES);
	r = store_object_get(a->store, kind_of(a), id, &b);
	if (r == OBJECT_NONE)
		api_problem(a, 404, NULL, "there is no %s %lld", what(a),
		    (long long)id);
	else if (r != OBJECT_OK || (o = parsed(&b)) == NULL)
		api_store_failed(a);
	buf_release(&b);
	return o;
}

static int64_t
from_now(int64_t until_us, int64_t now_us)
{
	return until_us > now_us ? (until_us - now_us) / 1000 : 0;
}

static json_t *
headroom(const struct status_key *k, int64_t now)
{
	const struct status_model	*m;
	json_t				*list = json_array();

	for (m = k->models; m != NULL; m = m->next)
		json_array_append_new(list, json_pack("{s:o,s:I,s:o,s:o}",
		    "model", api_text(str_of(m->model)), "until_ms",
		    (json_int_t)from_now(m->until_us, now), "requests",
		    m->requests < 0 ? json_null() :
		    json_integer(m->requests), "tokens", m->tokens < 0 ?
		    json_null() : json_integer(m->tokens)));
	return list;
}

static json_t *
live_of(const struct status_key *k, int64_t now)
{
	return json_pack("{s:o,s:I,s:o,s:o,s:I,s:I,s:I,s:o,s:o}", "state",
	    api_text(str_of(k->state)), "until_ms",
	    (json_int_t)from_now(k->until_us, now), "reason",
	    k->reason == NULL ? json_string("") :
	    api_text(str_of(k->reason)), "last_error",
	    status_error_json(k), "in_flight",
	    (json_int_t)k->inflight, "ok", (json_int_t)k->ok, "failed",
	    (json_int_t)k->failed, "last", api_time(k->last_us), "headroom",
	    headroom(k, now));
}

/* How each key does, beside it; null where it is not in service. */
static void
keys_live(struct api *a, json_t *list)
{
	static struct status_view	 v;
	const struct status_key		*k;
	int64_t				 now = clock_wall_us();
	json_t				*o;
	size_t				 i;

	memset(&v, 0, sizeof(v));
	status_watch(&v, a->rq->arena, &a->ad->paths);
	json_array_foreach(list, i, o) {
		json_object_set_new(o, "live", json_null());
		for (k = v.keys; k != NULL; k = k->next)
			if (k->id == json_integer_value(json_object_get(o,
			    "id")))
				json_object_set_new(o, "live",
				    live_of(k, now));
	}
}

static void
serve_list(struct api *a)
{
	struct buf	 b;
	json_t		*list = NULL, *o;
	size_t		 i;

	if (api_store(a, STORE_READ) == NULL)
		return;
	buf_init(&b, LIST_BYTES);
	if (store_object_list(a->store, kind_of(a), &b) != OBJECT_OK ||
	    (list = parsed(&b)) == NULL)
		api_store_failed(a);
	buf_release(&b);
	if (list == NULL)
		return;
	json_array_foreach(list, i, o)
		api_etag_add(a, o);
	if (kind_of(a) == OBJECT_KEY)
		keys_live(a, list);
	api_list(a, plural[kind_of(a)], list);
}

/* The object is the answer, with its ETag. */
static void
answer(struct api *a, int64_t id)
{
	json_t	*o = object_get(a, id), *list;

	if (o == NULL)
		return;
	api_etag_reply(a, o);
	if (kind_of(a) == OBJECT_KEY) {
		list = json_pack("[O]", o);
		keys_live(a, list);
		json_decref(list);
	}
	api_json(a, 200, o);
}

static void
serve_get(struct api *a)
{
	int64_t	 id;

	if (api_id(a, 0, &id) && api_store(a, STORE_READ) != NULL)
		answer(a, id);
}

/* --- changed --------------------------------------------------------------------- */

static void
failed(struct api *a, enum object_result r, const struct object_error *e)
{
	if (r == OBJECT_REFUSED)
		api_problem(a, e->conflict ? 409 : 422, e->field[0] == '\0' ?
		    NULL : arena_str(a->rq->arena, str_of(e->field)).p, "%s",
		    e->text);
	else if (r == OBJECT_NONE)
		api_problem(a, 404, NULL, "there is no such %s", what(a));
	else
		api_store_failed(a);
}

/* What an act was about, for the audit log. */
static const char *
name_of(struct api *a, const json_t *o)
{
	static const char *const names[] = { "name", "route_key", "mask" };
	const json_t		*v;
	size_t			 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((v = json_object_get(o, names[i])) != NULL &&
		    json_is_string(v))
			return arena_str(a->rq->arena,
			    str_of(json_string_value(v))).p;
	return "";
}

/* Never a key's value, nor that of a header. */
static void
audit(struct api *a, const char *verb, const char *name, bool body)
{
	static const char *const secret[] = { "api_key", "values", "headers",
				    "proxy" };
	char			*detail = NULL;
	json_t			*copy;
	size_t			 i;

	if (body && a->body != NULL) {
		copy = json_copy(a->body);
		for (i = 0; i < sizeof(secret) / sizeof(*secret); i++)
			if (json_object_get(copy, secret[i]) != NULL)
				json_object_set_new(copy, secret[i],
				    json_string("(not shown)"));
		detail = json_dumps(copy, JSON_COMPACT);
		json_decref(copy);
	}
	api_audit(a, arena_strf(a->rq->arena, "%s %s", verb, what(a)).p, name,
	    true, detail);
	free(detail);
}

static struct secret_box *
box_open(struct api *a)
{
	struct secret_box	*box;
	char			 err[512];

	box = secret_box_open(a->ad->paths.secret, err, sizeof(err));
	if (box == NULL)
		api_problem(a, 503, NULL, "%s", err);
	return box;
}

static enum object_result
create(struct api *a, const struct secret_box *box, const json_t *o,
    int64_t *id, struct object_error *e)
{
	enum object_result	 r;
	char			*text = json_dumps(o, JSON_COMPACT);

	r = store_object_create(a->store, box, kind_of(a), str_of(text), id,
	    e);
	explicit_bzero(text, strlen(text));	/* it may hold a key */
	free(text);
	return r;
}

static int64_t
lines(struct str text)
{
	int64_t	 n = 0;

	while (text.n > 0)
		n += str_trim(str_cut(&text, '\n')).n > 0;
	return n;
}

/*
 * Keys by the line, each with the same other members: one change, which the
 * lines that are refused are no part of.
 */
static void
create_many(struct api *a, const struct secret_box *box)
{
	json_t			*list = json_array(), *bad = json_array(), *o;
	struct object_error	 e;
	struct str		 text = STR_NONE, line;
	int64_t			 id, n = 0;
	enum object_result	 r = OBJECT_OK;

	if (!api_str(a, "values", true, &text))
		r = OBJECT_NONE;
	else if (lines(text) > KEYS_AT_ONCE) {
		api_problem(a, 422, "values", "must be at most %d lines",
		    KEYS_AT_ONCE);
		r = OBJECT_NONE;
	}
	while (r != OBJECT_NONE && r != OBJECT_STORE && text.n > 0) {
		line = str_trim(str_cut(&text, '\n'));
		n++;
		if (line.n == 0)
			continue;
		o = json_copy(a->body);
		json_object_del(o, "values");
		json_object_set_new(o, "api_key", api_text(line));
		r = create(a, box, o, &id, &e);
		json_decref(o);
		if (r == OBJECT_OK && (o = object_get(a, id)) != NULL)
			json_array_append_new(list, o);
		else if (r == OBJECT_REFUSED)
			json_array_append_new(bad, json_pack("{s:I,s:o,s:o}",
			    "line", (json_int_t)n, "field",
			    api_text(str_of(e.field)), "detail",
			    api_text(str_of(e.text))));
	}
	if (r == OBJECT_STORE)
		api_store_failed(a);
	else if (!a->replied) {
		audit(a, "add several", "", true);
		api_json(a, 200, json_pack("{s:O,s:O}", "keys", list,
		    "errors", bad));
	}
	json_decref(list);
	json_decref(bad);
}

static void
serve_create(struct api *a)
{
	struct secret_box	*box;
	struct object_error	 e;
	enum object_result	 r;
	int64_t			 id = 0;
	json_t			*o;

	if (api_change(a, NULL) == NULL || (box = box_open(a)) == NULL)
		return;
	if (kind_of(a) == OBJECT_KEY && json_object_get(a->body, "values") !=
	    NULL)
		create_many(a, box);
	else if ((r = create(a, box, a->body, &id, &e)) != OBJECT_OK)
		failed(a, r, &e);
	else if ((o = object_get(a, id)) != NULL) {
		audit(a, "add", name_of(a, o), true);
		json_decref(o);
		answer(a, id);
	}
	secret_box_close(box);
}

/* The key of what is sealed is wanted for nothing else. */
static bool
update(struct api *a, int64_t id)
{
	struct secret_box	*box = NULL;
	struct object_error	 e;
	enum object_result	 r;
	char			*text;

	if (kind_of(a) == OBJECT_PROVIDER &&
	    (json_object_get(a->body, "headers") != NULL ||
	    json_object_get(a->body, "proxy") != NULL) &&
	    (box = box_open(a)) == NULL)
		return false;
	text = json_dumps(a->body, JSON_COMPACT);
	r = store_object_update(a->store, box, kind_of(a), id, str_of(text),
	    &e);
	explicit_bzero(text, strlen(text));
	free(text);
	secret_box_close(box);
	if (r != OBJECT_OK)
		failed(a, r, &e);
	return r == OBJECT_OK;
}

static void
serve_update(struct api *a)
{
	int64_t	 id;
	json_t	*o;

	if (!api_id(a, 0, &id) || api_change(a, NULL) == NULL ||
	    (o = object_get(a, id)) == NULL)
		return;
	if (api_etag_holds(a, o, what(a)) && update(a, id)) {
		audit(a, "change", name_of(a, o), true);
		answer(a, id);
	}
	json_decref(o);
}

static void
serve_delete(struct api *a)
{
	struct object_error	 e;
	enum object_result	 r;
	int64_t			 id;
	json_t			*o;

	if (!api_id(a, 0, &id) || api_change(a, NULL) == NULL ||
	    (o = object_get(a, id)) == NULL)
		return;
	if (api_etag_holds(a, o, what(a))) {
		r = store_object_delete(a->store, kind_of(a), id, &e);
		if (r != OBJECT_OK)
			failed(a, r, &e);
		else {
			audit(a, "delete", name_of(a, o), false);
			api_empty(a);
		}
	}
	json_decref(o);
}

/* --- besides --------------------------------------------------------------------- */

static void
serve_order(struct api *a)
{
	static const char *const names[] = { "ids", NULL };
	json_t			*v = json_object_get(a->body, "ids"), *e;
	struct object_error	 err;
	enum object_result	 r;
	int64_t			*ids;
	size_t			 i, n = json_array_size(v);
	bool			 good = json_is_array(v);

	if (!api_known(a, names) || api_store(a, STORE_WRITE) == NULL)
		return;
	ids = arena_array(a->rq->arena, n + 1, sizeof(*ids));
	json_array_foreach(v, i, e) {
		good = good && json_is_integer(e);
		ids[i] = json_integer_value(e);
	}
	if (!good || n > ORDER_MAX) {
		api_problem(a, 422, "ids", "must be the ids of all rules, in "
		    "their new order");
		return;
	}
	if ((r = store_rules_order(a->store, ids, n, &err)) != OBJECT_OK) {
		snprintf(err.field, sizeof(err.field), "ids");
		failed(a, r, &err);
		return;
	}
	audit(a, "order", "", true);
	api_empty(a);
}

/* What proxyd's memory has against a key or a provider. */
static enum daemon_answer
reset_ask(struct api *a, const char *command, int64_t id, char *err,
    size_t errlen)
{
	enum daemon_answer	 r;
	struct buf		 b;
	char			 word[64];

	snprintf(word, sizeof(word), "%s %lld", command, (long long)id);
	buf_init(&b, 1 << 10);
	r = daemon_ask(a->ad->paths.control, word, ASK_MS, &b, err, errlen);
	buf_release(&b);
	/* Refused: it was not used yet, and so nothing rests it. */
	return r == DAEMON_REFUSED ? DAEMON_OK : r;
}

static void
reset_done(struct api *a, const json_t *o)
{
	audit(a, "reset", name_of(a, o), false);
	api_empty(a);
}

/* While proxyd is down the database has what its next start would have. */
static void
serve_key_reset(struct api *a)
{
	enum daemon_answer	 r;
	int64_t			 id;
	char			 err[1400];
	json_t			*o;

	if (!api_id(a, 0, &id) || api_store(a, STORE_WRITE) == NULL ||
	    (o = object_get(a, id)) == NULL)
		return;
	r = reset_ask(a, "reset-key", id, err, sizeof(err));
	if (r == DAEMON_NOBODY && keys_forget(a->store, id) == -1)
		api_store_failed(a);
	else if (r == DAEMON_OK || r == DAEMON_NOBODY)
		reset_done(a, o);
	else
		api_problem(a, 503, NULL, "%s", err);
	json_decref(o);
}

static void
serve_provider_reset(struct api *a)
{
	enum daemon_answer	 r;
	int64_t			 id;
	char			 err[1400];
	json_t			*o;

	if (!api_id(a, 0, &id) || api_store(a, STORE_READ) == NULL ||
	    (o = object_get(a, id)) == NULL)
		return;
	r = reset_ask(a, "reset-provider", id, err, sizeof(err));
	if (r == DAEMON_OK)
		reset_done(a, o);
	else
		api_problem(a, 503, NULL, "%s", r == DAEMON_NOBODY ?
		    "proxyd does not run: no circuit is open now" : err);
	json_decref(o);
}

/* Texts for the dry run, which has no jansson. */
static bool
dry_headers(struct api *a, struct dry_run *d)
{
	json_t		*h = json_object_get(a->body, "headers"), *v;
	const char	*name;

	if (h == NULL || json_is_null(h))
		return true;
	if (!json_is_object(h) || json_object_size(h) > DRY_RUN_HEADERS) {
		api_problem(a, 422, "headers", "must be an object of at most "
		    "%d texts", DRY_RUN_HEADERS);
		return false;
	}
	json_object_foreach(h, name, v) {
		if (!json_is_string(v)) {
			api_problem(a, 422, "headers", "'%s' must be a text",
			    name);
			return false;
		}
		d->header[d->nheaders].name = arena_str(a->rq->arena,
		    str_of(name));
		d->header[d->nheaders++].value = arena_str(a->rq->arena,
		    str_of(json_string_value(v)));
	}
	return true;
}

static bool
dry_body(struct api *a, struct dry_run *d)
{
	json_t	*v = json_object_get(a->body, "body");
	char	*text;

	if (!json_is_object(v)) {
		api_problem(a, 422, "body", "must be the request's body, an "
		    "object");
		return false;
	}
	text = json_dumps(v, JSON_COMPACT);
	d->body = arena_str(a->rq->arena, str_of(text));
	free(text);
	return true;
}

/* The answer is there, made by our own JSON writer. */
static void
written(struct api *a)
{
	a->r->status = 200;
	a->r->type = "application/json";
	a->replied = true;
}

static void
serve_served(struct api *a)
{
	char	 err[512];

	if (api_store(a, STORE_READ) == NULL)
		return;
	buf_clear(&a->r->body);
	if (dry_models(&a->ad->paths, a->store, &a->r->body, err,
	    sizeof(err)) == 0)
		written(a);
	else
		api_problem(a, 503, NULL, "%s", err);
}

static void
serve_dry_run(struct api *a)
{
	static const char *const names[] = { "dialect", "path", "model",
				    "headers", "body", "tenant_id",
				    "client_key_id", NULL };
	struct dry_run		 d = { .paths = &a->ad->paths };

	if (!api_known(a, names) ||
	    !api_str(a, "dialect", false, &d.dialect) ||
	    !api_str(a, "path", false, &d.path) ||
	    !api_str(a, "model", false, &d.model) ||
	    !api_int(a, "tenant_id", false, 0, INT64_MAX, &d.tenant_id) ||
	    !api_int(a, "client_key_id", false, 0, INT64_MAX,
	    &d.client_key_id) || !dry_headers(a, &d) || !dry_body(a, &d) ||
	    api_store(a, STORE_READ) == NULL)
		return;
	buf_clear(&a->r->body);
	switch (dry_run(&d, a->store, &a->r->body)) {
	case 0:
		written(a);
		break;
	case 1:
		api_problem(a, 422, d.field[0] == '\0' ? NULL :
		    arena_str(a->rq->arena, str_of(d.field)).p, "%s", d.err);
		break;
	default:
		api_problem(a, 503, NULL, "%s", d.err);
		break;
	}
}

#define OBJECT_ROUTES(path)						\
	{ "GET", path, ADMIN_VIEWER, serve_list, 0, API_PAGED },	\
	{ "POST", path, ADMIN_ADMIN, serve_create, API_BODY, NULL },	\
	{ "GET", path "/{id}", ADMIN_VIEWER, serve_get, 0, NULL },		\
	{ "PATCH", path "/{id}", ADMIN_ADMIN, serve_update, API_BODY,	\
	    NULL },							\
	{ "DELETE", path "/{id}", ADMIN_ADMIN, serve_delete, 0, NULL }

const struct api_route api_objects_routes[] = {
	OBJECT_ROUTES("/api/v1/models"),
	OBJECT_ROUTES("/api/v1/rules"),
	OBJECT_ROUTES("/api/v1/pools"),
	OBJECT_ROUTES("/api/v1/keys"),
	OBJECT_ROUTES("/api/v1/providers"),
	{ "POST", "/api/v1/rules/order", ADMIN_ADMIN, serve_order, API_BODY,
	    NULL },
	{ "POST", "/api/v1/keys/{id}/reset", ADMIN_ADMIN, serve_key_reset, 0,
	    NULL },
	{ "POST", "/api/v1/providers/{id}/reset", ADMIN_ADMIN,
	    serve_provider_reset, 0, NULL },
	{ "GET", "/api/v1/served-models", ADMIN_VIEWER, serve_served, 0,
	    NULL },
	{ "POST", "/api/v1/dry-run", ADMIN_VIEWER, serve_dry_run, API_BODY,
	    NULL },
	{ .method = NULL }
};
