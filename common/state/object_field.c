/*
 * The members of managed objects, and their checks.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/codec.h"
#include "state/object_field.h"
#include "state/object_sealed.h"
#include "state/rules.h"

#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"	\
	"WXYZ0123456789._:/@-"
#define SHOW(s)		((s).n > 64 ? 64 : (int)(s).n), (s).p
#define DAY		86400000

static const char *const key_strategies[] = { "round_robin", "least_used",
    "random", "priority", "weighted", NULL };

static const struct object_field model_fields[] = {
	{ "route_key", OT_TEXT, 1, 256, NULL, NULL, NULL, true, false },
	{ "target_model", OT_TEXT, 1, 256, NULL, NULL, NULL, false, false },
	{ "provider", OT_NAME, 1, 64, NULL, NULL, NULL, false, false },
	{ "pool", OT_NAME, 0, 64, "", NULL, NULL, false, false },
	{ "mode", OT_MODE, 0, 0, "", NULL, NULL, false, false },
	{ "enabled", OT_BOOL, 0, 1, "true", NULL, NULL, false, false },
	{ .name = NULL }
};

static const struct object_field rule_fields[] = {
	{ "name", OT_NAME, 1, 64, NULL, NULL, NULL, false, false },
	{ "position", OT_INT, 0, 1000000, "100", NULL, NULL, false, false },
	{ "enabled", OT_BOOL, 0, 1, "true", NULL, NULL, false, false },
	{ "match", OT_MATCH, 0, 0, "{}", NULL, NULL, false, false },
	{ "targets", OT_TARGETS, 0, 0, NULL, NULL, NULL, false, false },
	{ "strategy", OT_WORD, 0, 0, "ordered", rule_strategies, NULL, false,
	    false },
	{ "affinity", OT_BOOL, 0, 1, "true", NULL, NULL, false, false },
	{ .name = NULL }
};

static const struct object_field pool_fields[] = {
	{ "name", OT_NAME, 1, 64, NULL, NULL, NULL, false, false },
	{ "provider", OT_NAME, 1, 64, NULL, NULL, NULL, true, false },
	{ "strategy", OT_WORD, 0, 0, "round_robin", key_strategies, NULL,
	    false, false },
	{ "keys", OT_IDS, 0, 0, "[]", NULL, NULL, false, false },
	{ .name = NULL }
};

static const struct object_field key_fields[] = {
	{ "provider", OT_NAME, 1, 64, NULL, NULL, NULL, true, false },
	{ "enabled", OT_BOOL, 0, 1, "true", NULL, NULL, false, true },
	{ "weight", OT_INT, 0, 1000000, "1", NULL, NULL, false, true },
	{ "priority", OT_INT, 0, 1000000, "0", NULL, NULL, false, true },
	{ "max_concurrent", OT_INT, 0, 1000000, "0", NULL, NULL, false, true },
	{ "rpm", OT_INT, 0, 100000000, "0", NULL, NULL, false, true },
	{ "tpm", OT_INT, 0, 1000000000, "0", NULL, NULL, false, true },
	{ "models", OT_PATTERNS, 0, 0, "[]", NULL, NULL, false, true },
	{ "note", OT_TEXT, 0, 512, "", NULL, NULL, false, true },
	{ "expires_us", OT_INT, 0, INT64_MAX / 2, "0", NULL, NULL, false,
	    true },
	{ "disabled_by", OT_TEXT, 0, 64, "", NULL, NULL, false, true },
	{ "disabled_why", OT_TEXT, 0, 256, "", NULL, NULL, false, true },
	{ "tenant", OT_TEXT, 0, 64, "", NULL, NULL, false, true },
	{ .name = NULL }
};

static const struct object_field provider_fields[] = {
	{ "name", OT_NAME, 1, 64, NULL, NULL, NULL, true, false },
	{ "dialect", OT_CONF, 0, 0, NULL, NULL, conf_set_dialect, false,
	    false },
	{ "base_url", OT_CONF, 0, 0, "", NULL, conf_set_base_url, false,
	    false },
	{ "auth_header", OT_CONF, 0, 0, "", NULL, conf_set_token, false,
	    false },
	{ "auth_format", OT_CONF, 0, 0, "", NULL, conf_set_auth_format,
	    false, false },
	{ "default_model", OT_TEXT, 0, 256, "", NULL, NULL, false, false },
	{ "ca_file", OT_TEXT, 0, 1024, "", NULL, NULL, false, false },
	{ "keyless", OT_BOOL, 0, 1, "false", NULL, NULL, false, false },
	{ "connect_ms", OT_INT, 1, DAY, "10000", NULL, NULL, false, false },
	{ "first_byte_ms", OT_INT, 1, DAY, "300000", NULL, NULL, false,
	    false },
	{ "idle_ms", OT_INT, 1, DAY, "300000", NULL, NULL, false, false },
	{ "total_ms", OT_INT, 0, DAY, "0", NULL, NULL, false, false },
	{ "strategy", OT_WORD, 0, 0, "round_robin", key_strategies, NULL,
	    false, true },
	{ "enabled", OT_BOOL, 0, 1, "true", NULL, NULL, false, true },
	{ "headers", OT_HEADERS, 0, 64, "{}", NULL, NULL, false, false },
	{ "proxy", OT_PROXY, 0, 0, "", NULL, conf_set_proxy, false, false },
	{ .name = NULL }
};

const struct object_field *const object_fields[OBJECT_KINDS] = {
	[OBJECT_MODEL] = model_fields,
	[OBJECT_RULE] = rule_fields,
	[OBJECT_POOL] = pool_fields,
	[OBJECT_KEY] = key_fields,
	[OBJECT_PROVIDER] = provider_fields
};

int
object_fail(struct object_error *e, const char *field, const char *fmt, ...)
{
	va_list	 ap;

	snprintf(e->field, sizeof(e->field), "%s", field);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

bool
object_is_number(const struct object_field *f)
{
	return f->type == OT_INT || f->type == OT_BOOL || f->type == OT_MODE;
}

bool
object_is_sealed(const struct object_field *f)
{
	return f->type == OT_HEADERS || f->type == OT_PROXY;
}

void
object_default(const struct object_field *f, struct object_value *v)
{
	const char	*d = f->deflt == NULL ? "" : f->deflt;

	v->s = str_of(d);
	v->i = 0;
	if (f->type == OT_MODE)
		v->i = -1;
	else if (f->type == OT_BOOL)
		v->i = strcmp(d, "true") == 0;
	else if (f->type == OT_INT && str_to_int(v->s, f->min, f->max,
	    &v->i) == -1)
		v->i = f->min;
}

/* --- each type ------------------------------------------------------------ */

static int
check_name(const struct object_field *f, struct str s,
    struct object_error *e)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(NAME_CHARS, s.p[i]) == NULL)
			break;
	if (i == s.n && (int64_t)s.n >= f->min && (int64_t)s.n <= f->max)
		return 0;
	return object_fail(e, f->name, "'%.*s' is no name: expected %lld to "
	    "%lld letters, digits, '.', '_', ':', '/', '@' or '-'", SHOW(s),
	    (long long)f->min, (long long)f->max);
}

static int
check_text(const struct object_field *f, struct str s,
    struct object_error *e)
{
	if ((int64_t)s.n < f->min || (int64_t)s.n > f->max)
		return object_fail(e, f->name, "expected %lld to %lld bytes, "
		    "got %zu", (long long)f->min, (long long)f->max, s.n);
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		return object_fail(e, f->name, "must not hold a NUL");
	return 0;
}

static int
check_word(const struct object_field *f, struct str s,
    struct object_error *e)
{
	char		 all[128] = "";
	size_t		 n = 0;
	unsigned	 i;

	for (i = 0; f->words[i] != NULL; i++) {
		if (str_is(s, f->words[i]))
			return 0;
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s",
		    n == 0 ? "" : ", ", f->words[i]);
	}
	return object_fail(e, f->name, "'%.*s' is none of %s", SHOW(s), all);
}

static int
check_mode(const struct object_field *f, struct str s,
    struct object_value *to, struct object_error *e)
{
	to->i = s.n == 0 ? -1 : str_is(s, "transformer") ? CONF_TRANSFORMER :
	    CONF_DIRECT;
	if (to->i != CONF_DIRECT || str_is(s, "direct"))
		return 0;
	return object_fail(e, f->name, "'%.*s' is none of transformer, "
	    "direct, or empty for the setting MODE", SHOW(s));
}

/* By the function that checks app.yml. */
static int
check_conf(struct arena *a, const struct object_field *f,
    struct object_value *to, struct object_error *e)
{
	struct conf		 c;
	struct conf_reader	 r = { .c = &c, .name = "" };
	struct conf_row		 row = { .name = f->name };
	struct yml		 y = { .type = YML_SCALAR };
	char			 err[512] = "";
	const char		*why = err;

	if (to->s.n == 0 && f->deflt != NULL && f->deflt[0] == '\0')
		return 0;
	memset(&c, 0, sizeof(c));
	arena_init(&c.arena);
	r.err = err;
	r.errsize = sizeof(err);
	y.text = arena_str(&c.arena, to->s);
	if (to->s.n == 0)
		object_fail(e, f->name, "must be given");
	else if (f->check(&r, &row, &y, &to->s) == 0) {
		to->s = arena_str(a, to->s);
		arena_release(&c.arena);
		return 0;
	} else {
		if (strncmp(why, ":0: ", 4) == 0)
			why += 4;
		object_fail(e, f->name, "%s", why);
	}
	arena_release(&c.arena);
	return -1;
}

static int
check_ids(const struct object_field *f, struct jv v, struct object_error *e)
{
	struct jv	 m;
	int64_t		 id;

	if (json_type(v) != JSON_ARRAY || json_count(v) > 1024)
		return object_fail(e, f->name, "expected an array of at most "
		    "1024 ids");
	for (m = json_first(v); json_ok(m); m = json_next(m))
		if (json_int(m, &id) == -1 || id < 1)
			return object_fail(e, f->name, "expected ids: whole "
			    "numbers from 1");
	return 0;
}

/* What is kept as JSON. */
static int
check_json(struct arena *a, const struct object_field *f, struct jv v,
    struct object_value *to, struct object_error *e)
{
	struct rule_error	 re;
	struct rule_match	 match;
	struct rule_target	*targets;
	struct rule_list	 list = { NULL, 0 };
	unsigned		 n;
	int			 rc;

	to->s = arena_str(a, json_raw(v));
	if (f->type == OT_IDS)
		return check_ids(f, v, e);
	if (f->type == OT_MATCH)
		rc = rule_match_parse(a, v, &match, &re);
	else if (f->type == OT_TARGETS)
		rc = rule_targets_parse(a, v, &targets, &n, &re);
	else
		rc = rule_list_parse(a, v, f->name, &list, &re);
	if (rc == -1)
		return object_fail(e, re.field, "%s", re.text);
	if (f->type == OT_PATTERNS && json_type(v) == JSON_STRING)
		to->s = arena_strf(a, "[%.*s]", STR_FMT(to->s));
	return 0;
}

int
object_check(struct arena *a, const struct object_field *f, struct jv v,
    struct object_value *to, struct object_error *e)
{
	if (f->type == OT_HEADERS)
		return object_headers_check(a, f, v, to, e);
	if (f->type >= OT_PATTERNS && f->type != OT_CONF)
		return check_json(a, f, v, to, e);
	if (f->type == OT_BOOL) {
		to->i = json_type(v) == JSON_TRUE;
		return json_type(v) == JSON_TRUE || json_type(v) == JSON_FALSE
		    ? 0 : object_fail(e, f->name, "expected true or false, "
		    "got %s", json_type_name(json_type(v)));
	}
	if (f->type == OT_INT)
		return json_int(v, &to->i) == 0 && to->i >= f->min &&
		    to->i <= f->max ? 0 : object_fail(e, f->name, "expected a "
		    "whole number from %lld to %lld, got %.*s",
		    (long long)f->min, (long long)f->max, SHOW(json_raw(v)));
	if (json_type(v) != JSON_STRING)
		return object_fail(e, f->name, "expected a string, got %s",
		    json_type_name(json_type(v)));
	to->s = arena_str(a, json_str(a, v));
	switch (f->type) {
	case OT_NAME:
		return check_name(f, to->s, e);
	case OT_WORD:
		return check_word(f, to->s, e);
	case OT_MODE:
		return check_mode(f, to->s, to, e);
	case OT_CONF:
	case OT_PROXY:
		return check_conf(a, f, to, e);
	default:
		return check_text(f, to->s, e);
	}
}

void
object_write(struct jw *w, const struct object_field *f,
    const struct object_value *v)
{
	jw_key(w, f->name);
	if (f->type == OT_BOOL)
		jw_bool(w, v->i != 0);
	else if (f->type == OT_INT)
		jw_int(w, v->i);
	else if (f->type == OT_MODE)
		jw_strz(w, v->i < 0 ? "" : v->i == CONF_DIRECT ? "direct" :
		    "transformer");
	else if (f->type >= OT_PATTERNS && f->type != OT_CONF)
		jw_raw(w, v->s);
	else
		jw_str(w, v->s);
}
