/*
 * keys: those of providers.  A value goes in and never comes out again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "proxyctl/ask.h"
#include "proxyctl/objects.h"
#include "proxyctl/values.h"
#include "state/daemon.h"
#include "state/row_json.h"
#include "state/shm_keys.h"
#include "state/status_view.h"
#include "state/store_revision.h"

#define ASK_MS		3000
#define IMPORT_MAX	(16u << 20)

static const struct member key_members[] = {
	{ OPT_PROVIDER, "provider", MEMBER_TEXT },
	{ OPT_ENABLED, "enabled", MEMBER_YES },
	{ OPT_WEIGHT, "weight", MEMBER_INT },
	{ OPT_PRIORITY, "priority", MEMBER_INT },
	{ OPT_MAX_CONCURRENT, "max_concurrent", MEMBER_INT },
	{ OPT_RPM, "rpm", MEMBER_INT },
	{ OPT_TPM, "tpm", MEMBER_INT },
	{ OPT_MODELS, "models", MEMBER_LIST },
	{ OPT_NOTE, "note", MEMBER_TEXT },
	{ OPT_EXPIRES, "expires_us", MEMBER_TIME },
	{ OPT_OF_TENANT, "tenant", MEMBER_TEXT },
	{ .name = NULL }
};

static const struct column key_cols[] = {
	{ "ID", true, false }, { "KEY", false, true },
	{ "PROVIDER", false, true }, { "STATE", false, true },
	{ "OK", true, false }, { "FAILED", true, false },
	{ "LAST USED", false, false }, { "NOTE", false, true },
	{ "FROM", false, false }, { .name = NULL }
};

/* --- its state -------------------------------------------------------------------- */

/* As the management server's figures have it. */
static void
key_live(const struct ctl *c, json_t *all)
{
	static struct status_view	 v;
	struct arena			 a;
	json_t				*o, *keys, *k;
	size_t				 i, j;

	arena_init(&a);
	status_watch(&v, &a, &c->paths);
	keys = status_keys_json(&v);
	json_array_foreach(all, i, o)
		json_array_foreach(keys, j, k)
			if (json_integer_value(json_object_get(k, "key_id")) ==
			    objects_id(o))
				json_object_set(o, "live", k);
	json_decref(keys);
	arena_release(&a);
}

/* "active", "cooling until 10:31:07: rate limit", "disabled by admin" */
static void
add_state(struct table *t, const json_t *o)
{
	const json_t	*live = json_object_get(o, "live");
	const char	*state = json_text(live, "state");
	const char	*until = json_text(live, "until"), *why;
	int64_t		 expires = json_integer_value(json_object_get(o,
			    "expires_us"));

	if (!json_is_true(json_object_get(o, "enabled"))) {
		why = json_text(o, "disabled_why");
		table_addf(t, "disabled%s%.64s%s%.200s",
		    json_text(o, "disabled_by")[0] != '\0' ? " by " : "",
		    json_text(o, "disabled_by"), why[0] != '\0' ? ": " : "",
		    why);
	} else if (expires > 0 && expires <= clock_wall_us())
		table_addz(t, "expired");
	else if (strlen(until) > 19)
		table_addf(t, "%s until %.8s: %s", state, until + 11,
		    json_text(live, "reason"));
	else
		table_addz(t, state[0] != '\0' ? state : "active");
}

static void
key_row(struct table *t, const json_t *o)
{
	const json_t	*live = json_object_get(o, "live");
	const char	*used = json_text(live, "last_used");

	table_add_json(t, json_object_get(o, "id"));
	table_addz(t, json_text(o, "mask"));
	table_addz(t, json_text(o, "provider"));
	add_state(t, o);
	table_add_json(t, json_object_get(live,
	    "successful_requests"));
	table_add_json(t, json_object_get(live,
	    "failed_requests"));
	if (strlen(used) > 19)
		table_addf(t, "%.10s %.8s", used, used + 11);
	else
		table_addz(t, "never");
	table_addz(t, json_text(o, "note"));
	table_addz(t, json_text(o, "source"));
}

/* Who rests it by hand, and why, stands beside it. */
static int
key_more(const struct ctl *c, struct store *s, const json_t *old,
    json_t *body)
{
	const json_t	*on = json_object_get(body, "enabled");
	const char	*why = c->opt[OPT_WHY];
	char		 who[CTL_ACTOR];

	(void)s;
	if (on == NULL || old == NULL)
		return 0;
	json_object_set_new(body, "disabled_by", json_string(json_is_true(
	    on) ? "" : ctl_actor(who)));
	json_object_set_new(body, "disabled_why", text_json(str_of(
	    json_is_true(on) || why == NULL ? "" : why)));
	return 0;
}

const struct family key_family = { OBJECT_KEY, "key", "keys", "mask", key_members,
    key_more, key_live, key_cols, key_row };

/* --- a value ------------------------------------------------------------------------ */

static int
secret_from(const struct ctl *c, struct buf *b)
{
	const char	*key = c->opt[OPT_API_KEY];
	const char	*file = c->opt[OPT_API_KEY_FILE];

	if ((key == NULL) == (file == NULL)) {
		ctl_fail("keys add: needs --api-key or --api-key-file%s",
		    key != NULL ? ", and not both" : "");
		return -1;
	}
	if (key != NULL && strcmp(key, "-") == 0 && isatty(STDIN_FILENO))
		return ctl_secret("key", "--api-key", NULL, false, b);
	if (file != NULL || strcmp(key, "-") == 0)
		return ctl_read(file != NULL ? file : "-", file != NULL ?
		    "--api-key-file" : "--api-key", SECRET_MAX + 2, b);
	fprintf(stderr, "proxyctl: warning: every user of this machine can "
	    "see a key on the command line; --api-key-file, or --api-key - "
	    "for standard input, keeps it from them\n");
	buf_init(b, SECRET_MAX + 2);
	(void)buf_addz(b, key);
	/* For what remains of this process, others see no more of it. */
	memset((char *)(uintptr_t)key, '*', strlen(key));
	return 0;
}

static int
add(struct ctl *c, struct store *s, const struct secret_box *box,
    json_t *body)
{
	int64_t	 id = 0;

	if (objects_put(c, &key_family, s, box, &id, body,
	    json_text(body, "provider")) == -1)
		return CTL_ERROR;
	return objects_print(c, &key_family, s, id, "added:");
}

static int
keys_add(struct ctl *c)
{
	struct secret_box	*box = NULL;
	struct store		*s = NULL;
	struct buf		 b;
	json_t			*body = NULL;
	int			 r = CTL_ERROR;

	if (secret_from(c, &b) == -1)
		return CTL_ERROR;
	if ((s = ctl_store(c, true)) != NULL &&
	    (box = ctl_box(c, s)) != NULL &&
	    (body = objects_body(c, &key_family, s, NULL)) != NULL) {
		json_object_set_new(body, "api_key",
		    text_json(str_trim(buf_str(&b))));
		r = add(c, s, box, body);
	}
	json_decref(body);
	secret_box_close(box);
	store_close(s);
	ctl_wipe(&b);
	return r;
}

/* --- import -------------------------------------------------------------------------- */

/* The key of a line, and what stands behind it: a note; empty: none. */
static struct str
import_line(struct str *text, struct str *note)
{
	struct str	 line = str_trim(str_cut(text, '\n')), key = line;
	size_t		 i;

	*note = STR("");
	if (line.n == 0 || line.p[0] == '#')
		return STR("");
	for (i = 0; i < line.n && line.p[i] != ' ' && line.p[i] != '\t'; i++)
		;
	key.n = i;
	*note = str_trim(str_skip(line, i));
	return key;
}

/* Everything that can be known before the first is added. */
static int
import_check(struct str text)
{
	struct str	 key, note;
	unsigned	 n = 0, line = 0;
	size_t		 i;

	while (text.n > 0) {
		key = import_line(&text, &note);
		line++;
		for (i = 0; i < key.n; i++)
			if (key.p[i] < '!' || key.p[i] > '~')
				break;
		if (i < key.n || key.n > SECRET_MAX || note.n > 512 ||
		    !utf8_valid(note)) {
			ctl_fail("line %u: expected a key of 1 to %d ASCII "
			    "letters, and perhaps a note of at most 512 bytes "
			    "behind it; nothing was added", line, SECRET_MAX);
			return -1;
		}
		n += key.n > 0;
	}
	if (n == 0)
		ctl_fail("there is no key in it: one a line is expected, '#' "
		    "begins a comment");
	return n == 0 ? -1 : 0;
}

struct import {
	struct ctl		*c;
	struct store		*s;
	struct secret_box	*box;
	unsigned		 line, added, already;
};

static int
import_one(struct import *im, struct str key, struct str note)
{
	struct object_error	 e;
	enum object_result	 r;
	json_t			*body;
	char			*text;
	int64_t			 id = 0;

	body = objects_body(im->c, &key_family, im->s, NULL);
	if (body == NULL)
		return -1;
	if (note.n > 0)
		json_object_set_new(body, "note", text_json(note));
	json_object_set_new(body, "api_key", text_json(key));
	text = json_dumps(body, JSON_COMPACT);
	must(text != NULL);
	r = store_object_create(im->s, im->box, OBJECT_KEY, str_of(text), &id,
	    &e);
	explicit_bzero(text, strlen(text));
	free(text);
	json_object_del(body, "api_key");
	if (r == OBJECT_OK) {
		ctl_audit(im->s, "import key", json_text(body, "provider"),
		    true, json_incref(body));
		im->added++;
	} else if (r == OBJECT_REFUSED && e.conflict)
		im->already++;
	else if (r == OBJECT_REFUSED)
		ctl_fail("line %u: %s%s%s", im->line, e.field,
		    e.field[0] != '\0' ? ": " : "", e.text);
	else
		ctl_store_failed(im->c, im->s);
	json_decref(body);
	return r == OBJECT_OK || (r == OBJECT_REFUSED && e.conflict) ? 0 : -1;
}

static int
import_all(struct import *im, struct str text)
{
	struct str	 key, note;
	int		 r = 0;

	if (store_changes_begin(im->s) == -1)
		return ctl_store_failed(im->c, im->s);
	while (r == 0 && text.n > 0) {
		im->line++;
		key = import_line(&text, &note);
		if (key.n > 0)
			r = import_one(im, key, note);
	}
	if (r != 0) {
		store_changes_drop(im->s);
		return ctl_fail("nothing was added");
	}
	if (store_changes_commit(im->s, "import keys", STR("")) == -1)
		return ctl_store_failed(im->c, im->s);
	if (im->c->opt[OPT_JSON] != NULL)
		json_print(json_pack("{s:i,s:i}", "added", (int)im->added,
		    "already", (int)im->already));
	else
		printf("%u key%s added, %u already there\n", im->added,
		    im->added == 1 ? "" : "s", im->already);
	return CTL_OK;
}

static int
keys_import(struct ctl *c)
{
	struct import	 im = { .c = c };
	struct buf	 b;
	int		 r = CTL_ERROR;

	if (ctl_read(c->operand[0], "keys import", IMPORT_MAX, &b) == -1)
		return CTL_ERROR;
	if (import_check(buf_str(&b)) == 0 &&
	    (im.s = ctl_store(c, true)) != NULL &&
	    (im.box = ctl_box(c, im.s)) != NULL)
		r = import_all(&im, buf_str(&b));
	secret_box_close(im.box);
	store_close(im.s);
	ctl_wipe(&b);
	return r;
}

/* --- reset --------------------------------------------------------------------------- */

/* In proxyd's memory, if it runs, and in the database, from which the next start
 * would have it. */
static int
reset(struct ctl *c, struct store *s, int64_t id, const char *name)
{
	struct buf	 b;
	char		 word[64], err[1400];
	enum daemon_answer a;

	buf_init(&b, 4096);
	snprintf(word, sizeof(word), "reset-key %lld", (long long)id);
	a = daemon_ask(c->paths.control, word, ASK_MS, &b, err, sizeof(err));
	buf_release(&b);
	if (a == DAEMON_SILENT)
		return ctl_fail("not reset: proxyd does not answer: %s", err);
	/* Refused: it was not used yet, so nothing rests it. */
	if (keys_forget(s, id) == -1)
		return ctl_store_failed(c, s);
	ctl_audit(s, "reset key", name, true, NULL);
	if (id == 0)
		printf("all keys may be used again, but those that are "
		    "disabled\n");
	else
		printf("key reset: %s (id %lld)\n", name, (long long)id);
	return CTL_OK;
}

static int
keys_reset_word(struct ctl *c)
{
	struct store	*s;
	json_t		*all = NULL, *o;
	unsigned	 i;
	int		 r = CTL_OK;

	if ((c->opt[OPT_EVERY] != NULL) == (c->noperands > 0))
		return ctl_fail("keys reset: which key? ids, or --all");
	if ((s = ctl_store(c, true)) == NULL)
		return CTL_ERROR;
	if (c->noperands == 0)
		r = reset(c, s, 0, "all");
	else if ((all = ctl_objects(c, s, OBJECT_KEY)) == NULL)
		r = CTL_ERROR;
	for (i = 0; i < c->noperands && r == CTL_OK; i++)
		r = (o = objects_find(&key_family, all, c->operand[i])) ==
		    NULL ? CTL_ERROR : reset(c, s, objects_id(o),
		    json_text(o, "mask"));
	json_decref(all);
	store_close(s);
	return r;
}

#define KEY_OPTS	OPT_WEIGHT, OPT_PRIORITY, OPT_MAX_CONCURRENT,	\
	OPT_RPM, OPT_TPM, OPT_MODELS | MANY, OPT_NOTE, OPT_EXPIRES,	\
	OPT_OF_TENANT,						\
	OPT_ENABLED, OPT_SET | MANY, OPT_FILE, OPT_JSON

const struct word key_words[] = {
	{ "list", objects_list, "show all of them, masked", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "show", objects_show, "show one, masked", "key", ARG_KEY,
	    { OPT_JSON } },
	{ "add", keys_add, "add one to a provider", NULL, ARG_NONE,
	    { OPT_PROVIDER, OPT_API_KEY, OPT_API_KEY_FILE, KEY_OPTS } },
	{ "import", keys_import, "add many: one a line, perhaps with a note "
	    "behind it", "file", ARG_FILE, { OPT_PROVIDER | NEED, KEY_OPTS } },
	{ "update", objects_update, "change what is given", "key", ARG_KEY,
	    { KEY_OPTS, OPT_WHY } },
	{ "remove", objects_delete, "remove those that no pool has",
	    "key ...", ARG_KEY, { OPT_JSON } },
	{ "enable", objects_enable, "use them again", "key ...", ARG_KEY,
	    { OPT_JSON } },
	{ "disable", objects_enable, "rest them until they are enabled",
	    "key ...", ARG_KEY, { OPT_WHY, OPT_JSON } },
	{ "reset", keys_reset_word, "forget what rests them: cool-downs, "
	    "refusals", "[key ...]", ARG_KEY, { OPT_EVERY } },
	{ "test", keys_test, "one small real request to its provider", "key "
	    "...", ARG_KEY, { OPT_ASK_MODEL, OPT_MAX_TOKENS, OPT_JSON } },
	{ .name = NULL }
};
