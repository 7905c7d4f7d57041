/*
 * Revisions and settings: what was changed, by whom, taken back; and what is
 * set, from where.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admind/api.h"
#include "base/clock.h"
#include "state/store_export.h"
#include "state/store_revision.h"
#include "state/store_settings.h"

#define PAGE	50

/* --- revisions --------------------------------------------------------------- */

static json_t *
revision_json(const struct store_revision *r)
{
	json_t	*o = json_pack("{s:I,s:o,s:o,s:o,s:o,s:I,s:b,s:b,s:I}",
		    "n", (json_int_t)r->n, "time", api_time(r->time_us),
		    "author", api_text(r->author), "action",
		    api_text(r->action), "object", api_text(r->object),
		    "rows", (json_int_t)r->rows, "configuration", r->conf,
		    "access", r->access, "since", (json_int_t)r->since);

	if (r->diff.p != NULL)
		json_object_set_new(o, "diff", json_loadb(r->diff.p,
		    r->diff.n, 0, NULL));
	return o;
}

static void
list_cb(void *arg, const struct store_revision *r)
{
	json_array_append_new(arg, revision_json(r));
}

static void
one_cb(void *arg, const struct store_revision *r)
{
	*(json_t **)arg = revision_json(r);
}

static void
serve_revisions(struct api *a)
{
	int64_t	 before = 0, limit = PAGE;
	json_t	*list, *last, *next = json_null();

	if (!api_query_int(a, "before", 1, INT64_MAX, &before) ||
	    !api_query_int(a, "limit", 1, 1000, &limit) ||
	    api_store(a, STORE_READ) == NULL)
		return;
	list = json_array();
	if (store_revisions(a->store, before, (int)limit + 1, list_cb,
	    list) == -1) {
		json_decref(list);
		api_store_failed(a);
		return;
	}
	if (json_array_size(list) > (size_t)limit) {
		json_array_remove(list, (size_t)limit);
		last = json_array_get(list, (size_t)limit - 1);
		next = json_incref(json_object_get(last, "n"));
	}
	api_json(a, 200, json_pack("{s:o,s:o}", "revisions", list, "next",
	    next));
}

static void
serve_revision(struct api *a)
{
	json_t	*o = NULL;
	int64_t	 n;
	int	 rc;

	if (!api_id(a, 0, &n) || api_store(a, STORE_READ) == NULL)
		return;
	if ((rc = store_revision_get(a->store, n, one_cb, &o)) == -1)
		api_store_failed(a);
	else if (rc == 0)
		api_problem(a, 404, NULL, "there is no revision %lld",
		    (long long)n);
	else
		api_json(a, 200, o);
}

/* Rows of app.yml that a roll-back changes: they will be changed again. */
static int64_t
file_rows(const json_t *diff)
{
	const json_t	*o;
	int64_t		 n = 0;
	size_t		 i;

	json_array_foreach(diff, i, o)
		n += json_is_true(json_object_get(o, "file"));
	return n;
}

static json_t *
rolled_back(struct api *a, const struct rollback *rb)
{
	json_t	*o = json_pack("{s:b,s:I,s:I,s:I,s:O}", "dry_run", rb->dry,
		    "undone", (json_int_t)rb->undone, "left",
		    (json_int_t)rb->left, "app_yml",
		    (json_int_t)file_rows(rb->diff), "diff", rb->diff);

	json_object_set_new(o, "revision", rb->dry ? json_null() :
	    json_integer(store_revision_made(a->store)));
	return o;
}

static void
serve_rollback(struct api *a)
{
	static const char *const	 names[] = { "dry_run", "only", NULL };
	struct rollback			 rb = { .n = 0 };
	const char			*action;

	if (!api_known(a, names) ||
	    !api_bool(a, "dry_run", false, &rb.dry) ||
	    !api_bool(a, "only", false, &rb.only) ||
	    !api_id(a, 0, &rb.n) || api_store(a, STORE_WRITE) == NULL)
		return;
	action = rb.only ? "undo revision" : "roll back to revision";
	switch (store_rollback(a->store, &rb)) {
	case ROLLBACK_DONE:
		if (!rb.dry)
			api_audit(a, action, a->id[0].p, true, NULL);
		api_json(a, 200, rolled_back(a, &rb));
		json_decref(rb.diff);
		return;
	case ROLLBACK_NONE:
		api_problem(a, 404, NULL, "there is no revision %lld",
		    (long long)rb.n);
		break;
	case ROLLBACK_CONFLICT:
		if (!rb.dry)
			api_audit(a, action, a->id[0].p, false,
			    store_error(a->store));
		api_problem(a, 409, NULL, "%s; nothing was changed",
		    store_error(a->store));
		break;
	case ROLLBACK_STORE:
		api_store_failed(a);
	}
	json_decref(rb.diff);
}

/* --- settings ------------------------------------------------------------------ */

static const char *
kind_name(enum conf_kind k)
{
	static const char *const name[] = {
		[CONF_OTHER] = "other", [CONF_BOOL] = "boolean",
		[CONF_INT] = "integer", [CONF_SIZE] = "size",
		[CONF_MS] = "duration", [CONF_WORD] = "word",
		[CONF_TEXT] = "text", [CONF_PROVIDER] = "provider",
		[CONF_TOOLS] = "tools"
	};

	return name[k];
}

/* As it would be written: "15s". */
static json_t *
bound_json(const struct conf_setting *cs, int64_t v)
{
	char	 text[CONF_SETTING_TEXT];

	return api_text(conf_setting_text(cs, v, text));
}

static void
setting_bounds(json_t *o, const struct conf_setting *cs)
{
	json_t	*words;
	size_t	 i;

	switch (cs->kind) {
	case CONF_INT:
	case CONF_SIZE:
	case CONF_MS:
		json_object_set_new(o, "min", bound_json(cs, cs->min));
		json_object_set_new(o, "max", bound_json(cs, cs->max));
		break;
	case CONF_WORD:
		words = json_array();
		for (i = 0; cs->words[i] != NULL; i++)
			json_array_append_new(words,
			    json_string(cs->words[i]));
		json_object_set_new(o, "words", words);
		break;
	default:
		break;
	}
}

static void
setting_cb(void *arg, const struct store_setting *s)
{
	static const char *const source[] = {
		[SETTING_DEFAULT] = "default", [SETTING_FILE] = "app.yml",
		[SETTING_DATABASE] = "database"
	};
	json_t	*o = json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:o}", "name",
		    s->conf->name, "type", kind_name(s->conf->kind), "text",
		    s->conf->text, "default", s->conf->deflt, "value",
		    api_text(s->value), "source", source[s->source], "file",
		    api_text(s->file));

	json_object_set_new(o, "fixed", s->fixed == NULL ? json_null() :
	    json_string(s->fixed));
	setting_bounds(o, s->conf);
	json_array_append_new(arg, o);
}

/* All of them, as one object; NULL: a problem was answered. */
static json_t *
settings_get(struct api *a)
{
	json_t	*list = json_array();

	if (store_settings(a->store, setting_cb, list) == 0)
		return json_pack("{s:o}", "settings", list);
	json_decref(list);
	api_store_failed(a);
	return NULL;
}

static void
answer_settings(struct api *a)
{
	json_t	*o = settings_get(a);

	if (o == NULL)
		return;
	api_etag_reply(a, o);
	api_json(a, 200, o);
}

static void
serve_settings(struct api *a)
{
	if (api_store(a, STORE_READ) != NULL)
		answer_settings(a);
}

/* A string as app.yml has it, a number, true or false; null: reset. */
static bool
setting_text(struct api *a, const char *name, const json_t *v, struct str *s)
{
	char	 number[24];

	if (json_is_null(v))
		*s = STR_NONE;
	else if (json_is_boolean(v))
		*s = str_of(json_is_true(v) ? "true" : "false");
	else if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(v));
		*s = arena_str(a->rq->arena, str_of(number));
	} else if (json_is_string(v))
		*s = (struct str){ json_string_value(v),
		    json_string_length(v) };
	else {
		api_problem(a, 422, name, "must be a text as in app.yml, or "
		    "null to reset it");
		return false;
	}
	return true;
}

static void
settings_put(struct api *a, const struct setting_put *put, size_t n)
{
	struct store_bad	 bad;
	char			*detail;
	int			 rc;

	rc = store_settings_put(a->store, put, n, &bad);
	if (rc == STORE_BAD)
		api_problem(a, 422, bad.field, "%s", bad.text);
	else if (rc != STORE_DONE)
		api_store_failed(a);
	else {
		detail = json_dumps(a->body, JSON_COMPACT);
		api_audit(a, "change settings", NULL, true, detail);
		free(detail);
		answer_settings(a);
	}
}

static void
serve_settings_put(struct api *a)
{
	struct setting_put	*put;
	const char		*name;
	json_t			*v, *now;
	size_t			 n = 0;
	bool			 same;

	if (api_change(a, NULL) == NULL || (now = settings_get(a)) == NULL)
		return;
	same = api_etag_holds(a, now, "list of settings");
	json_decref(now);
	if (!same)
		return;
	put = arena_array(a->rq->arena, json_object_size(a->body) + 1,
	    sizeof(*put));
	json_object_foreach(a->body, name, v) {
		put[n].name = str_of(name);
		if (!setting_text(a, name, v, &put[n++].text))
			return;
	}
	settings_put(a, put, n);
}

/* --- all of it in one file ------------------------------------------------------ */

#define IMPORT_BODY	(32L << 20)

static struct secret_box *
box_open(struct api *a)
{
	struct secret_box	*box;
	char			 err[1400];

	box = secret_box_open(a->ad->paths.secret, err, sizeof(err));
	if (box == NULL)
		api_problem(a, 503, NULL, "%s", err);
	return box;
}

static bool
passphrase_of(struct api *a, struct str *s)
{
	if (!api_str(a, "passphrase", true, s))
		return false;
	if (s->n >= EXPORT_PASSPHRASE_MIN && s->n <= EXPORT_PASSPHRASE_MAX)
		return true;
	api_problem(a, 422, "passphrase", "must have %d to %d bytes",
	    EXPORT_PASSPHRASE_MIN, EXPORT_PASSPHRASE_MAX);
	return false;
}

static void
serve_export(struct api *a)
{
	static const char *const	 names[] = { "passphrase", NULL };
	struct secret_box		*box;
	struct str			 passphrase;
	json_t				*file;

	if (!api_known(a, names) || !passphrase_of(a, &passphrase) ||
	    api_store(a, STORE_READ) == NULL || (box = box_open(a)) == NULL)
		return;
	file = store_export(a->store, box, passphrase);
	secret_box_close(box);
	api_audit(a, "export", NULL, file != NULL, NULL);
	if (file == NULL) {
		api_store_failed(a);
		return;
	}
	api_json(a, 200, file);
	http_reply_header(a->r, "Content-Disposition",
	    "attachment; filename=\"proxyd-export.json\"");
}

static void
imported(struct api *a, const struct import *im)
{
	json_t	*o = json_pack("{s:b,s:O,s:O}", "dry_run", im->dry, "diff",
		    im->diff, "notes", im->notes);

	json_object_set_new(o, "revision", im->dry ||
	    store_revision_made(a->store) == 0 ? json_null() :
	    json_integer(store_revision_made(a->store)));
	if (!im->dry)
		api_audit(a, "import", NULL, true, im->replace ?
		    "replacing what is not in the file" : NULL);
	api_json(a, 200, o);
}

static void
import_file(struct api *a, const json_t *file, struct str passphrase,
    struct import *im)
{
	struct secret_box	*box = box_open(a);

	if (box == NULL)
		return;
	switch (store_import(a->store, box, file, passphrase, im)) {
	case IMPORT_DONE:
		imported(a, im);
		break;
	case IMPORT_PASSPHRASE:
		api_problem(a, 422, "passphrase", "%s", im->text);
		break;
	case IMPORT_FILE:
		api_problem(a, 422, "file", "%s: %s", im->field, im->text);
		break;
	case IMPORT_REFUSED:
		api_problem(a, 422, "file", "%s: %s; nothing was changed",
		    im->field, im->text);
		break;
	case IMPORT_STORE:
		api_store_failed(a);
	}
	import_release(im);
	secret_box_close(box);
}

static void
serve_import(struct api *a)
{
	static const char *const	 names[] = { "file", "passphrase",
					    "dry_run", "replace", NULL };
	const json_t			*file;
	struct str			 passphrase;
	struct import			 im = { .dry = false };

	if (!api_known(a, names) || !passphrase_of(a, &passphrase) ||
	    !api_bool(a, "dry_run", false, &im.dry) ||
	    !api_bool(a, "replace", false, &im.replace))
		return;
	file = json_object_get(a->body, "file");
	if (!json_is_object(file))
		api_problem(a, 422, "file", "must be what an export gave, a "
		    "JSON object");
	else if (api_store(a, STORE_WRITE) != NULL)
		import_file(a, file, passphrase, &im);
}

const struct api_route api_revisions_routes[] = {
	{ "POST", "/api/v1/export", ADMIN_ADMIN, serve_export, API_BODY, NULL },
	{ "POST", "/api/v1/import", ADMIN_ADMIN, serve_import, IMPORT_BODY,
	    NULL },
	{ "GET", "/api/v1/revisions", ADMIN_VIEWER, serve_revisions, 0,
	    "before limit" },
	{ "GET", "/api/v1/revisions/{n}", ADMIN_VIEWER, serve_revision, 0,
	    NULL },
	{ "POST", "/api/v1/revisions/{n}/rollback", ADMIN_ADMIN,
	    serve_rollback, API_BODY, NULL },
	{ "GET", "/api/v1/settings", ADMIN_VIEWER, serve_settings, 0, NULL },
	{ "PATCH", "/api/v1/settings", ADMIN_ADMIN, serve_settings_put,
	    API_BODY, NULL },
	{ .method = NULL }
};
