/*
 * Settings in the database, over those of app.yml.
 */
#include <stdio.h>

#include "base/codec.h"
#include "state/store_settings.h"
#include "state/store_sql.h"

/* Who may reach what from where is not decided by who is let in. */
static const char *
fixed(const struct conf_setting *cs)
{
	if (strcmp(cs->name, "ALLOW_ANONYMOUS") == 0 ||
	    strcmp(cs->name, "FETCH_PRIVATE") == 0)
		return "opens the gateway to others: it is set in app.yml "
		    "alone";
	if (strcmp(cs->name, "MODELS_FILE") == 0)
		return "names a file: it is set in app.yml alone";
	return NULL;
}

/* --- read ----------------------------------------------------------------------- */

struct reading {
	struct store	*s;
	void		(*cb)(void *, const struct store_setting *);
	void		*arg;
	int		 rc;
};

/* "tool verdict" a line, as they are kept, with the colon of the file. */
static struct str
tools_text(struct buf *b, struct str lines)
{
	struct str	 line, tool;

	while (lines.n > 0) {
		line = str_cut(&lines, '\n');
		if (line.n == 0)
			continue;
		tool = str_cut(&line, ' ');
		(void)buf_addf(b, "%.*s: %.*s\n", STR_FMT(tool),
		    STR_FMT(line));
	}
	return buf_str(b);
}

static struct str
value_text(const struct conf_setting *cs, struct sqlite3_stmt *st, int column,
    char dst[CONF_SETTING_TEXT], struct buf *b)
{
	switch (cs->kind) {
	case CONF_TOOLS:
		return tools_text(b, sql_str(st, column));
	case CONF_TEXT:
	case CONF_PROVIDER:
	case CONF_OTHER:
		return sql_str(st, column);
	default:
		return conf_setting_text(cs, sql_int(st, column), dst);
	}
}

static void
show(struct reading *r, const struct conf_setting *cs, struct sqlite3_stmt *st)
{
	struct store_setting	 o = { .conf = cs, .fixed = fixed(cs) };
	char			 value[CONF_SETTING_TEXT];
	char			 file[CONF_SETTING_TEXT];
	struct buf		 b[2];

	buf_init(&b[0], 65536);
	buf_init(&b[1], 65536);
	if (strcmp(cs->name, "MODELS_FILE") == 0) {
		o.value = o.file = sql_str(st, 0).n > 0 ? STR("(read)") :
		    STR("");
	} else {
		o.value = value_text(cs, st, 0, value, &b[0]);
		o.file = value_text(cs, st, 2, file, &b[1]);
	}
	o.source = str_is(sql_str(st, 1), "db") ? SETTING_DATABASE :
	    sql_int(st, 3) != 0 ? SETTING_FILE : SETTING_DEFAULT;
	r->cb(r->arg, &o);
	buf_release(&b[0]);
	buf_release(&b[1]);
}

static void
read_cb(void *arg, const struct conf_setting *cs)
{
	struct reading		*r = arg;
	const char		*column = store_setting_column(cs);
	struct sqlite3_stmt	*st;
	int			 rc;

	if (column == NULL || r->rc == -1)
		return;
	st = sql_open(r->s, "SELECT value, source, file_value, given "
	    "FROM settings WHERE name = ?", "s", str_of(column));
	if (st == NULL) {
		r->rc = -1;
		return;
	}
	if ((rc = sql_step(r->s, st)) == 1)
		show(r, cs, st);
	else if (rc == -1)
		r->rc = -1;
	sql_end(st);
}

int
store_settings(struct store *s, void (*cb)(void *,
    const struct store_setting *), void *arg)
{
	struct reading	 r = { s, cb, arg, 0 };

	conf_settings_each(read_cb, &r);
	return r.rc;
}

/* --- written ----------------------------------------------------------------------- */

struct finding {
	struct str		 name;
	struct conf_setting	 found;
	bool			 is;
};

static void
find_cb(void *arg, const struct conf_setting *cs)
{
	struct finding	*f = arg;

	if (cs->section[0] == '\0' && str_is(f->name, cs->name)) {
		f->found = *cs;
		f->is = true;
	}
}

static int
bad_value(struct store_bad *bad, struct str name, const char *text)
{
	snprintf(bad->field, sizeof(bad->field), "%.*s", name.n > 60 ? 60 :
	    (int)name.n, name.p);
	snprintf(bad->text, sizeof(bad->text), "%s", text);
	return STORE_BAD;
}

/* The file's checks find only the file's providers. */
static int
check_provider(struct store *s, struct str name, struct store_bad *bad)
{
	int64_t	 n = 0;

	if (name.n == 0)
		return STORE_DONE;
	if (sql_get(s, &n, "SELECT count(*) FROM providers WHERE name = ? "
	    "AND source <> 'gone'", "s", name) == -1)
		return -1;
	return n > 0 ? STORE_DONE : bad_value(bad,
	    STR("PREFERRED_PROVIDER"), "there is no such provider");
}

static int
write_value(struct store *s, const struct conf_setting *cs, const char *column,
    int64_t i, struct str text)
{
	int	 rc;

	if (cs->kind == CONF_TEXT || cs->kind == CONF_PROVIDER ||
	    cs->kind == CONF_TOOLS)
		rc = sql_run(s, "UPDATE settings SET value = ?, source = 'db' "
		    "WHERE name = ?", "ss", text, str_of(column));
	else
		rc = sql_run(s, "UPDATE settings SET value = ?, source = 'db' "
		    "WHERE name = ?", "is", i, str_of(column));
	if (rc == -1)
		return -1;
	return sql_changes(s) > 0 ? STORE_DONE : store_fail(s, "no setting "
	    "'%s' yet: no configuration was loaded", cs->name);
}

static int
put_one(struct store *s, struct arena *a, const struct setting_put *p,
    struct store_bad *bad)
{
	struct finding	 f = { .name = p->name };
	const char	*column = NULL;
	char		 err[300];
	struct str	 text;
	int64_t		 i;
	int		 rc = STORE_DONE;

	conf_settings_each(find_cb, &f);
	if (f.is)
		column = store_setting_column(&f.found);
	if (column == NULL)
		return bad_value(bad, p->name, f.is ? "is set in app.yml "
		    "alone" : "there is no such setting");
	if (fixed(&f.found) != NULL)
		return bad_value(bad, p->name, fixed(&f.found));
	if (p->text.p == NULL)
		return sql_run(s, "UPDATE settings SET value = file_value, "
		    "source = 'file' WHERE name = ?", "s",
		    str_of(column)) == -1 ? -1 : STORE_DONE;
	if (conf_setting_parse(&f.found, a, p->text, &i, &text, err,
	    sizeof(err)) == -1)
		return bad_value(bad, p->name, err);
	if (f.found.kind == CONF_PROVIDER)
		rc = check_provider(s, text, bad);
	return rc != STORE_DONE ? rc : write_value(s, &f.found, column, i,
	    text);
}

int
store_settings_put(struct store *s, const struct setting_put *p, size_t n,
    struct store_bad *bad)
{
	struct arena	 a;
	size_t		 i;
	int		 rc = STORE_DONE;

	if (change_begin(s, CHANGE_CONF) == -1)
		return -1;
	arena_init(&a);
	for (i = 0; i < n && rc == STORE_DONE; i++)
		rc = put_one(s, &a, &p[i], bad);
	arena_release(&a);
	if (rc == STORE_DONE)
		return change_commit(s, NULL, STR("")) == 0 ? rc : -1;
	change_rollback(s);
	return rc;
}

/* --- for diffs --------------------------------------------------------------------- */

struct naming {
	const char		*column;
	struct conf_setting	 found;
	bool			 is;
};

static void
naming_cb(void *arg, const struct conf_setting *cs)
{
	struct naming	*n = arg;
	const char	*column = store_setting_column(cs);

	if (column != NULL && strcmp(column, n->column) == 0) {
		n->found = *cs;
		n->is = true;
	}
}

bool
store_setting_of(struct str column, struct conf_setting *cs)
{
	char		 name[64];
	struct naming	 n = { .column = name };

	snprintf(name, sizeof(name), "%.*s", STR_FMT(column));
	conf_settings_each(naming_cb, &n);
	*cs = n.found;
	return n.is;
}
