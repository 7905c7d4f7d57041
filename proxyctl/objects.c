/*
 * list, show, create, update, delete, enable and disable of managed objects.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/conf_row.h"
#include "state/row_json.h"

/* --- JSON ------------------------------------------------------------------------ */

const char *
json_text(const json_t *o, const char *member)
{
	const char	*s = json_string_value(json_object_get(o, member));

	return s == NULL ? "" : s;
}

static char *
copy(const char *s)
{
	char	*p = strdup(s);

	must(p != NULL);
	return p;
}

/* ["a","b"] as "a, b", where all are texts. */
static char *
list_line(const json_t *v)
{
	struct buf	 b;
	json_t		*e;
	size_t		 i;

	buf_init(&b, 1 << 20);
	(void)buf_addz(&b, "");
	json_array_foreach((json_t *)(uintptr_t)v, i, e) {
		if (!json_is_string(e) && !json_is_integer(e)) {
			buf_release(&b);
			return NULL;
		}
		if (json_is_string(e))
			(void)buf_addf(&b, "%s%s", i > 0 ? ", " : "",
			    json_string_value(e));
		else
			(void)buf_addf(&b, "%s%lld", i > 0 ? ", " : "",
			    (long long)json_integer_value(e));
	}
	return b.data == NULL ? copy("") : b.data;
}

char *
json_line(const json_t *v)
{
	char	 number[32], *line;

	if (json_is_string(v))
		return copy(json_string_value(v));
	if (json_is_boolean(v))
		return copy(json_is_true(v) ? "yes" : "no");
	if (v == NULL || json_is_null(v))
		return copy("-");
	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld",
		    (long long)json_integer_value(v));
		return copy(number);
	}
	if (json_is_array(v) && (line = list_line(v)) != NULL)
		return line;
	line = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY |
	    JSON_REAL_PRECISION(15));
	must(line != NULL);
	return line;
}

void
table_add_json(struct table *t, const json_t *v)
{
	char	*line = json_line(v);

	table_addz(t, line);
	free(line);
}

int
json_print(json_t *o)
{
	int	 r;

	must(o != NULL);
	r = json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY |
	    JSON_REAL_PRECISION(15));
	json_decref(o);
	if (r == 0 && printf("\n") > 0 && fflush(stdout) == 0)
		return CTL_OK;
	return ctl_fail("cannot write standard output");
}

void
json_print_pairs(const json_t *o)
{
	const char	*name;
	json_t		*v;
	char		*line, *safe;
	int		 wide = 0, n;

	json_object_foreach((json_t *)(uintptr_t)o, name, v)
		if ((n = text_width(str_of(name))) > wide)
			wide = n;
	json_object_foreach((json_t *)(uintptr_t)o, name, v) {
		line = json_line(v);
		safe = text_safe(str_of(line));
		printf("%-*s  %s\n", wide, name, safe);
		free(safe);
		free(line);
	}
}

/* --- found ------------------------------------------------------------------------ */

json_t *
objects_all(struct ctl *c, const struct family *f, struct store *s)
{
	json_t	*all = ctl_objects(c, s, f->kind);

	if (all != NULL && f->live != NULL)
		f->live(c, all);
	return all;
}

int64_t
objects_id(const json_t *o)
{
	return json_integer_value(json_object_get(o, "id"));
}

/* Of two of one name the operator's: the other one cannot be changed. */
json_t *
objects_find(const struct family *f, json_t *all, const char *name)
{
	struct conf_nearest	 near = { .want = str_of(name) };
	json_t			*o, *found = NULL;
	int64_t			 id;
	size_t			 i;

	json_array_foreach(all, i, o) {
		conf_nearest_try(&near, str_of(json_text(o, f->name)));
		if (strcmp(json_text(o, f->name), name) == 0 &&
		    (found == NULL || strcmp(json_text(o, "source"),
		    "db") == 0))
			found = o;
	}
	if (found == NULL && str_to_int(str_of(name), 1, INT64_MAX, &id) == 0)
		json_array_foreach(all, i, o)
			if (objects_id(o) == id)
				found = o;
	if (found != NULL)
		return found;
	if (near.best.n > 0)
		ctl_fail("there is no %s '%s', did you mean '%.*s'?",
		    f->what, name, STR_FMT(near.best));
	else
		ctl_fail("there is no %s '%s'; proxyctl %s list shows them",
		    f->what, name, f->group);
	return NULL;
}

/* --- what is asked for -------------------------------------------------------------- */

static json_t *
list_of(const struct ctl *c, enum ctl_opt o)
{
	json_t		*list = json_array();
	const char	*s;
	unsigned	 i = 0;

	while ((s = words_next(c, o, &i)) != NULL)
		if (s[0] != '\0')
			json_array_append_new(list, text_json(str_of(s)));
	return list;
}

/* NULL: said already. */
static json_t *
member_value(const struct ctl *c, const struct member *m)
{
	int64_t	 v = 0;

	switch (m->type) {
	case MEMBER_TEXT:
		return text_json(str_of(c->opt[m->o]));
	case MEMBER_INT:
		return ctl_int(c, m->o, INT64_MIN / 2, INT64_MAX / 2, &v) ==
		    -1 ? NULL : json_integer(v);
	case MEMBER_YES:
		return json_boolean(ctl_yes(c->opt[m->o]));
	case MEMBER_LIST:
		return list_of(c, m->o);
	case MEMBER_TIME:
		if (strcmp(c->opt[m->o], "never") == 0)
			return json_integer(0);
		return ctl_time(c, m->o, true, &v) == -1 ? NULL :
		    json_integer(v);
	case MEMBER_MONEY:
		if (ctl_money(c, m->o, true, &v) == -1)
			return NULL;
		return v == -1 ? json_null() : json_real((double)v / 1e6);
	}
	return NULL;
}

/* "member=value": JSON where it is, else text. */
static int
set_take(json_t *body, const char *arg)
{
	const char	*eq = strchr(arg, '=');
	json_t		*v;
	char		*name;

	if (eq == NULL || eq == arg) {
		ctl_fail("--set '%s': expected member=value", arg);
		return -1;
	}
	name = strndup(arg, (size_t)(eq - arg));
	must(name != NULL);
	v = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (v == NULL)
		v = text_json(str_of(eq + 1));
	if (json_object_set_new(body, name, v) == -1)
		ctl_fail("--set '%s': not UTF-8", arg);
	free(name);
	return 0;
}

static json_t *
file_body(const struct ctl *c)
{
	const char	*file = c->opt[OPT_FILE];
	struct buf	 b;
	json_error_t	 e;
	json_t		*o;

	if (file == NULL)
		return json_object();
	if (ctl_read(file, "--file", OBJECT_TEXT_MAX, &b) == -1)
		return NULL;
	o = json_loadb(b.data == NULL ? "" : b.data, b.len,
	    JSON_REJECT_DUPLICATES, &e);
	buf_release(&b);
	if (o == NULL)
		ctl_fail("--file '%s': line %d, column %d: %s", file, e.line,
		    e.column, e.text);
	else if (!json_is_object(o)) {
		ctl_fail("--file '%s': expected a JSON object", file);
		json_decref(o);
		o = NULL;
	}
	return o;
}

static int
body_fill(const struct ctl *c, const struct family *f, struct store *s,
    const json_t *old, json_t *body)
{
	const struct member	*m;
	const char		*arg;
	json_t			*v;
	unsigned		 i = 0;

	for (m = f->members; m->name != NULL; m++) {
		if (c->opt[m->o] == NULL)
			continue;
		if ((v = member_value(c, m)) == NULL)
			return -1;
		json_object_set_new(body, m->name, v);
	}
	if (f->more != NULL && f->more(c, s, old, body) == -1)
		return -1;
	while ((arg = words_next(c, OPT_SET, &i)) != NULL)
		if (set_take(body, arg) == -1)
			return -1;
	/* What list and show print may come back as a file. */
	json_object_del(body, "id");
	json_object_del(body, "source");
	json_object_del(body, "mask");
	json_object_del(body, "live");
	return 0;
}

json_t *
objects_body(const struct ctl *c, const struct family *f, struct store *s,
    const json_t *old)
{
	json_t	*body = file_body(c);

	if (body == NULL || body_fill(c, f, s, old, body) == 0)
		return body;
	json_decref(body);
	return NULL;
}

/* --- changed ------------------------------------------------------------------------ */

const char *
objects_option(const struct ctl *c, const struct family *f,
    const char *member)
{
	const struct member	*m;

	for (m = f->members; m->name != NULL; m++)
		if (c->opt[OPT_FILE] == NULL && strcmp(m->name, member) == 0)
			return word_options[m->o].name;
	return member;
}

static int
refused(const struct ctl *c, const struct family *f,
    const struct object_error *e)
{
	char		 path[WORD_PATH_MAX];
	const char	*field = objects_option(c, f, e->field);

	return ctl_fail("%s: %s%s%s", word_path(c->group, c->word, path),
	    field, field[0] == '\0' ? "" : ": ", e->text);
}

static int
result(const struct ctl *c, const struct family *f, struct store *s,
    enum object_result r, const struct object_error *e)
{
	switch (r) {
	case OBJECT_OK:
		return 0;
	case OBJECT_REFUSED:
		refused(c, f, e);
		break;
	case OBJECT_NONE:
		ctl_fail("it is gone: another has deleted it just now");
		break;
	case OBJECT_STORE:
		ctl_store_failed(c, s);
		break;
	}
	return -1;
}

static void
audit(const struct ctl *c, const struct family *f, struct store *s,
    const char *object, const json_t *body)
{
	static const char *const secret[] = { "api_key", "headers", "proxy" };
	json_t			*detail = body == NULL ? NULL :
				    json_deep_copy(body);
	char			 action[64];
	size_t			 i;

	for (i = 0; i < sizeof(secret) / sizeof(*secret); i++)
		if (json_object_get(detail, secret[i]) != NULL)
			json_object_set_new(detail, secret[i],
			    json_string("(not shown)"));
	snprintf(action, sizeof(action), "%s %s", c->word->name,
	    f->what);
	ctl_audit(s, action, object, true, detail);
}

int
objects_put(const struct ctl *c, const struct family *f, struct store *s,
    const struct secret_box *box, int64_t *id, json_t *body,
    const char *object)
{
	struct secret_box	*own = NULL;
	struct object_error	 e;
	enum object_result	 r;
	char			*text;

	if (box == NULL && f->kind == OBJECT_PROVIDER &&
	    (json_object_get(body, "headers") != NULL ||
	    json_object_get(body, "proxy") != NULL) &&
	    (box = own = ctl_box(c, s)) == NULL)
		return -1;
	text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15));
	must(text != NULL);
	r = *id == 0 ? store_object_create(s, box, f->kind, str_of(text), id,
	    &e) : store_object_update(s, box, f->kind, *id, str_of(text), &e);
	explicit_bzero(text, strlen(text));
	free(text);
	secret_box_close(own);
	if (result(c, f, s, r, &e) == -1)
		return -1;
	audit(c, f, s, object, body);
	return 0;
}

int
objects_print(const struct ctl *c, const struct family *f, struct store *s,
    int64_t id, const char *done)
{
	struct buf	 b;
	json_t		*o = NULL;
	int		 r = CTL_OK;

	buf_init(&b, 1 << 20);
	if (store_object_get(s, f->kind, id, &b) != OBJECT_OK ||
	    (o = json_loadb(b.data, b.len, 0, NULL)) == NULL)
		r = ctl_store_failed(c, s);
	else if (c->opt[OPT_JSON] != NULL)
		r = json_print(json_incref(o));
	else
		printf("%s %s %s%s%lld)\n", f->what, done,
		    json_text(o, f->name), " (id ", (long long)id);
	json_decref(o);
	buf_release(&b);
	return r;
}

/* --- the words ------------------------------------------------------------------------ */

/* A store and its objects, for one word. */
struct session {
	struct store	*s;
	json_t		*all;
};

/* The families' groups are named as they are. */
static const struct family *
family_of(const struct ctl *c)
{
	static const struct family *const	 all[] = { &model_family,
						    &rule_family, &key_family,
						    &provider_family,
						    &pool_family };
	size_t					 i = 0;

	while (strcmp(all[i]->group, c->group->name) != 0)
		must(++i < sizeof(all) / sizeof(*all));
	return all[i];
}

static int
session_open(struct session *ss, struct ctl *c, const struct family *f,
    bool change)
{
	ss->all = NULL;
	if ((ss->s = ctl_store(c, change)) != NULL)
		ss->all = objects_all(c, f, ss->s);
	return ss->all == NULL ? -1 : 0;
}

static int
session_close(struct session *ss, int r)
{
	json_decref(ss->all);
	store_close(ss->s);
	return r;
}

int
objects_list(struct ctl *c)
{
	const struct family	*f = family_of(c);
	struct session		 ss;
	struct table		*t;
	json_t			*o;
	size_t			 i;

	if (session_open(&ss, c, f, false) == -1)
		return session_close(&ss, CTL_ERROR);
	if (c->opt[OPT_JSON] != NULL)
		return session_close(&ss, json_print(json_incref(ss.all)));
	t = table_new(f->cols);
	json_array_foreach(ss.all, i, o)
		f->row(t, o);
	table_print(t, "none");
	table_free(t);
	return session_close(&ss, CTL_OK);
}

int
objects_show(struct ctl *c)
{
	const struct family	*f = family_of(c);
	struct session	 ss;
	json_t		*o, *live;

	if (session_open(&ss, c, f, false) == -1 ||
	    (o = objects_find(f, ss.all, c->operand[0])) == NULL)
		return session_close(&ss, CTL_ERROR);
	if (c->opt[OPT_JSON] != NULL)
		return session_close(&ss, json_print(json_incref(o)));
	live = json_incref(json_object_get(o, "live"));
	json_object_del(o, "live");
	json_print_pairs(o);
	if (live != NULL) {
		printf("\n");
		json_print_pairs(live);
	}
	json_decref(live);
	return session_close(&ss, CTL_OK);
}

int
objects_create(struct ctl *c)
{
	const struct family	*f = family_of(c);
	struct store	*s;
	json_t		*body;
	int64_t		 id = 0;
	int		 r = CTL_ERROR;

	if ((s = ctl_store(c, true)) == NULL)
		return CTL_ERROR;
	body = objects_body(c, f, s, NULL);
	if (body != NULL && objects_put(c, f, s, NULL, &id, body,
	    json_text(body, f->name)) == 0)
		r = objects_print(c, f, s, id, "created:");
	json_decref(body);
	store_close(s);
	return r;
}

int
objects_update(struct ctl *c)
{
	const struct family	*f = family_of(c);
	struct session	 ss;
	json_t		*o, *body = NULL;
	int64_t		 id;
	int		 r = CTL_ERROR;

	if (session_open(&ss, c, f, true) == -1 ||
	    (o = objects_find(f, ss.all, c->operand[0])) == NULL ||
	    (body = objects_body(c, f, ss.s, o)) == NULL)
		return session_close(&ss, CTL_ERROR);
	id = objects_id(o);
	if (json_object_size(body) == 0)
		r = ctl_fail("nothing to change is given; proxyctl %s update "
		    "--help lists the options", f->group);
	else if (objects_put(c, f, ss.s, NULL, &id, body, json_text(o,
	    f->name)) == 0)
		r = objects_print(c, f, ss.s, id, "updated:");
	json_decref(body);
	return session_close(&ss, r);
}

/* All are there, before the first is touched; an array of them. */
static json_t *
find_all(struct ctl *c, const struct family *f, json_t *all)
{
	json_t	 *found = json_array(), *o;
	unsigned  i;

	for (i = 0; i < c->noperands; i++) {
		if ((o = objects_find(f, all, c->operand[i])) == NULL) {
			json_decref(found);
			return NULL;
		}
		json_array_append(found, o);
	}
	return found;
}

static int
delete_one(struct ctl *c, const struct family *f, struct store *s, json_t *o)
{
	struct object_error	 e;
	enum object_result	 r;
	const char		*name = json_text(o, f->name);

	r = store_object_delete(s, f->kind, objects_id(o), &e);
	if (r == OBJECT_REFUSED) {
		ctl_fail("%s '%s' cannot be deleted: %s",
		    f->what, name, e.text);
		return -1;
	}
	if (result(c, f, s, r, &e) == -1)
		return -1;
	audit(c, f, s, name, NULL);
	if (c->opt[OPT_JSON] == NULL)
		printf("%s deleted: %s (id %lld)\n", f->what,
		    name, (long long)objects_id(o));
	return 0;
}

int
objects_delete(struct ctl *c)
{
	const struct family	*f = family_of(c);
	struct session	 ss;
	json_t		*found, *o;
	size_t		 i;
	int		 r = CTL_OK;

	if (session_open(&ss, c, f, true) == -1 ||
	    (found = find_all(c, f, ss.all)) == NULL)
		return session_close(&ss, CTL_ERROR);
	json_array_foreach(found, i, o)
		if (r == CTL_OK && delete_one(c, f, ss.s, o) == -1)
			r = CTL_ERROR;
	json_decref(found);
	return session_close(&ss, r);
}

static int
enable_one(struct ctl *c, const struct family *f, struct store *s, json_t *o,
    bool enable)
{
	json_t	*body = json_pack("{s:b}", "enabled", enable);
	int64_t	 id = objects_id(o);
	int	 r = -1;

	if (f->more == NULL || f->more(c, s, o, body) == 0)
		r = objects_put(c, f, s, NULL, &id, body,
		    json_text(o, f->name));
	json_decref(body);
	if (r == -1)
		return -1;
	return objects_print(c, f, s, id, enable ? "enabled:" : "disabled:");
}

int
objects_enable(struct ctl *c)
{
	const struct family	*f = family_of(c);
	struct session	 ss;
	json_t		*found, *o;
	size_t		 i;
	int		 r = CTL_OK;

	if (session_open(&ss, c, f, true) == -1 ||
	    (found = find_all(c, f, ss.all)) == NULL)
		return session_close(&ss, CTL_ERROR);
	json_array_foreach(found, i, o)
		if (r == CTL_OK && enable_one(c, f, ss.s, o,
		    strcmp(c->word->name, "enable") == 0) != 0)
			r = CTL_ERROR;
	json_decref(found);
	return session_close(&ss, r);
}
