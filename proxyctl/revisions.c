/*
 * revisions: what was changed, and back again; settings; export and import.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/ask.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/row_json.h"
#include "state/store_export.h"
#include "state/store_revision.h"
#include "state/store_settings.h"

#define LIST_ROWS	30
#define EXPORT_FILE	((size_t)64 << 20)

/* --- a diff, for people ------------------------------------------------------- */

static void
print_safe(const char *text)
{
	char	*safe = text_safe(str_of(text));

	printf("%s", safe);
	free(safe);
}

static void
print_value(const json_t *v)
{
	char	*line = json_line(v);

	print_safe(line[0] == '\0' ? "-" : line);
	free(line);
}

static void
print_field(const json_t *f)
{
	const json_t	*old = json_object_get(f, "old");
	const json_t	*new = json_object_get(f, "new");

	printf("      ");
	print_safe(json_text(f, "name"));
	printf(": ");
	if (json_is_true(json_object_get(f, "secret")))
		printf("secret, not shown");
	if (old != NULL)
		print_value(old);
	if (old != NULL && new != NULL)
		printf(" -> ");
	if (new != NULL)
		print_value(new);
	printf("\n");
}

static void
print_diff(const json_t *diff)
{
	const json_t	*o, *f;
	const char	*op;
	size_t		 i, k;

	json_array_foreach((json_t *)(uintptr_t)diff, i, o) {
		op = json_text(o, "op");
		printf("  %s %s ", strcmp(op, "add") == 0 ? "+" :
		    strcmp(op, "remove") == 0 ? "-" : "~",
		    json_text(o, "kind"));
		print_safe(json_text(o, "name"));
		if (json_text(o, "of")[0] != '\0') {
			printf(" of ");
			print_safe(json_text(o, "of"));
		}
		printf("%s\n", json_is_true(json_object_get(o, "file")) ?
		    " (app.yml)" : "");
		json_array_foreach(json_object_get(o, "fields"), k, f)
			print_field(f);
	}
}

/* --- revisions -------------------------------------------------------------------- */

static json_t *
revision_json(const struct store_revision *r)
{
	char	 when[CLOCK_RFC3339_LEN];
	json_t	*o;

	o = json_pack("{s:I,s:s,s:o,s:o,s:o,s:I,s:I}", "n", (json_int_t)r->n,
	    "time", clock_rfc3339(r->time_us, when), "author",
	    text_json(r->author), "action", text_json(r->action), "object",
	    text_json(r->object), "rows", (json_int_t)r->rows, "since",
	    (json_int_t)r->since);
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

static int
print_revisions(const struct ctl *c, json_t *all)
{
	static const struct column cols[] = {
		{ "NUMBER", true, false }, { "TIME", false, false },
		{ "WHO", false, true }, { "WHAT", false, true },
		{ "ROWS", true, false }, { .name = NULL }
	};
	struct table	*t;
	json_t		*o;
	size_t		 i;
	int64_t		 n, since;

	if (c->opt[OPT_JSON] != NULL)
		return json_print(json_incref(all));
	t = table_new(cols);
	json_array_foreach(all, i, o) {
		n = json_integer_value(json_object_get(o, "n"));
		since = json_integer_value(json_object_get(o, "since"));
		if (since < n)
			table_addf(t, "%lld-%lld", (long long)since,
			    (long long)n);
		else
			table_addf(t, "%lld", (long long)n);
		table_addf(t, "%.10s %.8s", json_text(o, "time"),
		    json_text(o, "time") + 11);
		table_addz(t, json_text(o, "author"));
		table_addf(t, "%s %s", json_text(o, "action"),
		    json_text(o, "object"));
		table_add_json(t, json_object_get(o, "rows"));
	}
	table_print(t, "nothing was changed yet");
	table_free(t);
	return CTL_OK;
}

static int
revisions_list(struct ctl *c)
{
	struct store	*s;
	json_t		*all;
	int64_t		 limit = LIST_ROWS;
	int		 r;

	if (ctl_int(c, OPT_LIMIT, 1, 100000, &limit) == -1 ||
	    (s = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	all = json_array();
	if (store_revisions(s, 0, (int)limit, list_cb, all) == -1)
		r = ctl_store_failed(c, s);
	else
		r = print_revisions(c, all);
	json_decref(all);
	store_close(s);
	return r;
}

static int
number(const struct ctl *c, int64_t *n)
{
	if (str_to_int(str_of(c->operand[0]), 1, INT64_MAX, n) == 0)
		return 0;
	ctl_fail("'%s' is no number of a revision; proxyctl revisions list "
	    "shows them", c->operand[0]);
	return -1;
}

static int
show(const struct ctl *c, json_t *o)
{
	if (c->opt[OPT_JSON] != NULL)
		return json_print(json_incref(o));
	printf("revision %lld of %s, by ", (long long)json_integer_value(
	    json_object_get(o, "n")), json_text(o, "time"));
	print_safe(json_text(o, "author"));
	printf(": %s ", json_text(o, "action"));
	print_safe(json_text(o, "object"));
	printf("\n");
	print_diff(json_object_get(o, "diff"));
	return CTL_OK;
}

static int
revisions_show(struct ctl *c)
{
	struct store	*s;
	json_t		*o = NULL;
	int64_t		 n;
	int		 rc, r;

	if (number(c, &n) == -1 || (s = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	rc = store_revision_get(s, n, one_cb, &o);
	if (rc == 1)
		r = show(c, o);
	else if (rc == 0)
		r = ctl_fail("there is no revision %lld", (long long)n);
	else
		r = ctl_store_failed(c, s);
	json_decref(o);
	store_close(s);
	return r;
}

/* --- back ------------------------------------------------------------------------------ */

static int
rolled_back(const struct ctl *c, struct store *s, const struct rollback *rb)
{
	json_t	*o;

	if (!rb->dry)
		ctl_audit(s, rb->only ? "undo revision" :
		    "roll back to revision", c->operand[0], true, NULL);
	if (c->opt[OPT_JSON] != NULL) {
		o = json_pack("{s:b,s:I,s:I,s:O}", "dry_run", rb->dry,
		    "undone", (json_int_t)rb->undone, "left",
		    (json_int_t)rb->left, "diff", rb->diff);
		json_object_set_new(o, "revision", rb->dry ? json_null() :
		    json_integer(store_revision_made(s)));
		return json_print(o);
	}
	print_diff(rb->diff);
	if (json_array_size(rb->diff) == 0)
		printf("nothing %s\n", rb->dry ? "would change" : "changed");
	else if (rb->dry)
		printf("that would change; nothing has\n");
	else
		printf("done: it is revision %lld\n",
		    (long long)store_revision_made(s));
	if (!rb->only && rb->left > 0)
		printf("later changes of users and tokens (%lld) stay: "
		    "proxyctl revisions undo takes them back one by one\n",
		    (long long)rb->left);
	return CTL_OK;
}

static int
take_back(struct ctl *c, bool only)
{
	struct rollback	 rb = { .only = only,
			    .dry = c->opt[OPT_DRY_RUN] != NULL };
	struct store	*s;
	int		 r = CTL_ERROR;

	if (number(c, &rb.n) == -1 || (s = ctl_store(c, true)) == NULL)
		return CTL_ERROR;
	switch (store_rollback(s, &rb)) {
	case ROLLBACK_DONE:
		r = rolled_back(c, s, &rb);
		break;
	case ROLLBACK_NONE:
		ctl_fail("there is no revision %lld", (long long)rb.n);
		break;
	case ROLLBACK_CONFLICT:
		ctl_fail("%s; nothing was changed", store_error(s));
		break;
	case ROLLBACK_STORE:
		ctl_store_failed(c, s);
	}
	json_decref(rb.diff);
	store_close(s);
	return r;
}

static int
revisions_rollback(struct ctl *c)
{
	return take_back(c, false);
}

static int
revisions_undo(struct ctl *c)
{
	return take_back(c, true);
}

const struct word revision_words[] = {
	{ "list", revisions_list, "show them, the latest first", NULL,
	    ARG_NONE, { OPT_LIMIT, OPT_JSON } },
	{ "show", revisions_show, "show what one changed", "number",
	    ARG_NUMBER, { OPT_JSON } },
	{ "rollback", revisions_rollback,
	    "back to how it was after that one", "number", ARG_NUMBER,
	    { OPT_DRY_RUN, OPT_JSON } },
	{ "undo", revisions_undo, "take back that one alone", "number",
	    ARG_NUMBER, { OPT_DRY_RUN, OPT_JSON } },
	{ .name = NULL }
};

/* --- settings ------------------------------------------------------------------------------ */

static void
setting_cb(void *arg, const struct store_setting *o)
{
	static const char *const source[] = {
		[SETTING_DEFAULT] = "default", [SETTING_FILE] = "app.yml",
		[SETTING_DATABASE] = "database"
	};

	json_array_append_new(arg, json_pack("{s:s,s:o,s:s,s:o,s:s,s:s}",
	    "name", o->conf->name, "value", text_json(o->value), "source",
	    source[o->source], "app_yml", text_json(o->file), "default",
	    o->conf->deflt, "text", o->conf->text));
}

static int
settings_list(struct ctl *c)
{
	static const struct column cols[] = {
		{ "NAME", false, false }, { "VALUE", false, true },
		{ "FROM", false, false }, { "WHAT IT IS", false, true },
		{ .name = NULL }
	};
	struct store	*s;
	struct table	*t;
	json_t		*all, *o;
	size_t		 i;
	int		 r = CTL_OK;

	if ((s = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	all = json_array();
	if (store_settings(s, setting_cb, all) == -1)
		r = ctl_store_failed(c, s);
	else if (c->opt[OPT_JSON] != NULL)
		r = json_print(json_incref(all));
	else {
		t = table_new(cols);
		json_array_foreach(all, i, o) {
			table_addz(t, json_text(o, "name"));
			table_addz(t, json_text(o, "value"));
			table_addz(t, json_text(o, "source"));
			table_addz(t, json_text(o, "text"));
		}
		table_print(t, "none yet: no configuration was loaded");
		table_free(t);
	}
	json_decref(all);
	store_close(s);
	return r;
}

static int
put_settings(struct ctl *c, const struct setting_put *put, size_t n,
    const char *done)
{
	struct store		*s;
	struct store_bad	 bad;
	json_t			*detail;
	size_t			 i;
	int			 rc, r = CTL_ERROR;

	if ((s = ctl_store(c, true)) == NULL)
		return CTL_ERROR;
	rc = store_settings_put(s, put, n, &bad);
	if (rc == STORE_BAD)
		ctl_fail("%s: %s; nothing was changed", bad.field, bad.text);
	else if (rc != STORE_DONE)
		ctl_store_failed(c, s);
	else {
		detail = json_array();
		for (i = 0; i < n; i++)
			json_array_append_new(detail,
			    json_string(c->operand[i]));
		ctl_audit(s, "change settings", "", true, detail);
		printf("%s\n", store_revision_made(s) == 0 ?
		    "it was so already" : done);
		r = CTL_OK;
	}
	store_close(s);
	return r;
}

static int
settings_set(struct ctl *c)
{
	struct setting_put	*put;
	struct str		 rest;
	unsigned		 i;
	int			 r;

	if ((put = calloc(c->noperands, sizeof(*put))) == NULL)
		fatal("calloc");
	for (i = 0; i < c->noperands; i++) {
		rest = str_of(c->operand[i]);
		put[i].name = str_cut(&rest, '=');
		put[i].text = rest;
		if (rest.p == NULL) {
			free(put);
			return ctl_fail("settings set: '%s': expected "
			    "NAME=value", c->operand[i]);
		}
	}
	r = put_settings(c, put, c->noperands, "set; it holds at once, and "
	    "goes before app.yml");
	free(put);
	return r;
}

static int
settings_reset(struct ctl *c)
{
	struct setting_put	*put;
	unsigned		 i;
	int			 r;

	if ((put = calloc(c->noperands, sizeof(*put))) == NULL)
		fatal("calloc");
	for (i = 0; i < c->noperands; i++)
		put[i] = (struct setting_put){ str_of(c->operand[i]),
		    STR_NONE };
	r = put_settings(c, put, c->noperands, "reset: app.yml's value, or "
	    "the default, holds again");
	free(put);
	return r;
}

const struct word setting_words[] = {
	{ "list", settings_list, "show them, and where each value is from",
	    NULL, ARG_NONE, { OPT_JSON } },
	{ "set", settings_set, "set some, over app.yml, at once",
	    "NAME=value ...", ARG_TEXT, { 0 } },
	{ "reset", settings_reset, "leave some to app.yml again", "NAME ...",
	    ARG_TEXT, { 0 } },
	{ .name = NULL }
};

/* --- all of it in one file ---------------------------------------------------------------- */

static int
passphrase(const struct ctl *c, bool twice, struct buf *b)
{
	if (ctl_secret("passphrase", "--passphrase-file",
	    c->opt[OPT_PASSPHRASE_FILE], twice, b) == -1)
		return -1;
	if (b->len >= EXPORT_PASSPHRASE_MIN && b->len <= EXPORT_PASSPHRASE_MAX)
		return 0;
	ctl_wipe(b);
	ctl_fail("the passphrase must have %d to %d bytes",
	    EXPORT_PASSPHRASE_MIN, EXPORT_PASSPHRASE_MAX);
	return -1;
}

/* A new file, for its owner alone; "-": standard output. */
static int
write_file(const char *path, json_t *file)
{
	char	*text = json_dumps(file, JSON_INDENT(1));
	size_t	 n;
	int	 fd = STDOUT_FILENO, r = CTL_OK;

	must(text != NULL);
	n = strlen(text);
	text[n++] = '\n';		/* in place of the NUL */
	if (strcmp(path, "-") != 0)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		r = ctl_fail("cannot make '%s': %s", path, strerror(errno));
	else if (write(fd, text, n) != (ssize_t)n)
		r = ctl_fail("cannot write '%s': %s", path, strerror(errno));
	if (fd != -1 && fd != STDOUT_FILENO && close(fd) == -1)
		r = ctl_fail("cannot write '%s': %s", path, strerror(errno));
	free(text);
	return r;
}

static int
ctl_export(struct ctl *c)
{
	const char		*path = c->operand[0];
	struct secret_box	*box = NULL;
	struct store		*s;
	struct buf		 b;
	json_t			*file;
	int			 r = CTL_ERROR;

	if ((s = ctl_store(c, false)) == NULL)
		return CTL_ERROR;
	if ((box = ctl_box(c, s)) != NULL && passphrase(c, true, &b) == 0) {
		file = store_export(s, box, buf_str(&b));
		ctl_wipe(&b);
		if (file == NULL)
			ctl_store_failed(c, s);
		else if ((r = write_file(path, file)) == CTL_OK) {
			ctl_audit(s, "export", path, true, NULL);
			if (strcmp(path, "-") != 0)
				printf("exported to '%s'\n", path);
		}
		json_decref(file);
	}
	secret_box_close(box);
	store_close(s);
	return r;
}

static int
imported(const struct ctl *c, struct store *s, const struct import *im)
{
	json_t	*o;
	size_t	 i;

	if (!im->dry)
		ctl_audit(s, "import", c->operand[0], true, NULL);
	if (c->opt[OPT_JSON] != NULL)
		return json_print(json_pack("{s:b,s:O,s:O}", "dry_run",
		    im->dry, "diff", im->diff, "notes", im->notes));
	print_diff(im->diff);
	json_array_foreach(im->notes, i, o) {
		printf("note: ");
		print_safe(json_string_value(o));
		printf("\n");
	}
	if (im->dry)
		printf("that would change; nothing has\n");
	else if (store_revision_made(s) == 0)
		printf("it was all so already\n");
	else
		printf("imported: it is revision %lld\n",
		    (long long)store_revision_made(s));
	return CTL_OK;
}

static int
import(struct ctl *c, struct store *s, const struct secret_box *box,
    const json_t *file)
{
	struct import	 im = { .dry = c->opt[OPT_DRY_RUN] != NULL,
			    .replace = c->opt[OPT_REPLACE] != NULL };
	struct buf	 b;
	int		 r = CTL_ERROR;

	if (passphrase(c, false, &b) == -1)
		return CTL_ERROR;
	switch (store_import(s, box, file, buf_str(&b), &im)) {
	case IMPORT_DONE:
		r = imported(c, s, &im);
		break;
	case IMPORT_PASSPHRASE:
		ctl_fail("the passphrase %s", im.text);
		break;
	case IMPORT_FILE:
	case IMPORT_REFUSED:
		ctl_fail("%s: %s: %s; nothing was changed", c->operand[0],
		    im.field, im.text);
		break;
	case IMPORT_STORE:
		ctl_store_failed(c, s);
	}
	import_release(&im);
	ctl_wipe(&b);
	return r;
}

static int
ctl_import(struct ctl *c)
{
	struct secret_box	*box = NULL;
	struct store		*s = NULL;
	struct buf		 b;
	json_error_t		 e;
	json_t			*file;
	int			 r = CTL_ERROR;

	if (ctl_read(c->operand[0], c->operand[0], EXPORT_FILE, &b) == -1)
		return CTL_ERROR;
	file = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &e);
	buf_release(&b);
	if (!json_is_object(file))
		ctl_fail("'%s' is no export: %s", c->operand[0], file == NULL ?
		    e.text : "expected a JSON object");
	else if ((s = ctl_store(c, true)) != NULL &&
	    (box = ctl_box(c, s)) != NULL)
		r = import(c, s, box, file);
	json_decref(file);
	secret_box_close(box);
	store_close(s);
	return r;
}

const struct word export_words[] = {
	{ "export", ctl_export, "all that is configured, in one file with a "
	    "passphrase", "file", ARG_FILE, { OPT_PASSPHRASE_FILE } },
	{ "import", ctl_import, "such a file back", "file", ARG_FILE,
	    { OPT_PASSPHRASE_FILE, OPT_REPLACE, OPT_DRY_RUN, OPT_JSON } },
	{ .name = NULL }
};
