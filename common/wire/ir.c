/*
 * The request side of the common form, its errors, usage counts, and the check
 * of the event sequence.  Ids and names are in ir_name.c, the folded response
 * in ir_response.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/ir.h"
#include "wire/json.h"

#define DATA_MAX	((size_t)1 << 30)	/* of one data URL */

/* --- requests ------------------------------------------------------------- */

void
ir_request_init(struct ir_request *rq, struct arena *a,
    const struct dialect *from, const struct json *j)
{
	memset(rq, 0, sizeof(*rq));
	rq->from = from;
	rq->arena = a;
	rq->json = j;
	rq->native = true;
	rq->last = &rq->messages;
	rq->last_tool = &rq->tools;
	rq->last_ext = &rq->ext;
	rq->sampling.max_tokens = -1;
	rq->reasoning.budget = -1;
}

struct ir_message *
ir_message_add(struct ir_request *rq, enum ir_role role, uint32_t node)
{
	struct ir_message	*m = ARENA_NEW(rq->arena, struct ir_message);

	m->role = role;
	m->node = node;
	m->last = &m->parts;
	*rq->last = m;
	rq->last = &m->next;
	return m;
}

struct ir_part *
ir_part_new(struct arena *a, enum ir_part_type type, uint32_t node)
{
	struct ir_part	*p = ARENA_NEW(a, struct ir_part);

	p->type = type;
	p->node = node;
	return p;
}

struct ir_part *
ir_part_add(struct ir_request *rq, struct ir_message *m,
    enum ir_part_type type, uint32_t node)
{
	struct ir_part	*p = ir_part_new(rq->arena, type, node);

	*m->last = p;
	m->last = &p->next;
	return p;
}

struct ir_tool *
ir_tool_add(struct ir_request *rq, enum ir_tool_kind kind, uint32_t node)
{
	struct ir_tool	*t = ARENA_NEW(rq->arena, struct ir_tool);

	t->kind = kind;
	t->node = node;
	*rq->last_tool = t;
	rq->last_tool = &t->next;
	return t;
}

uint32_t
ir_node_of(const struct ir_request *rq, struct str raw, uint32_t otherwise)
{
	struct jv	 v = JV_NONE;

	if (rq->json != NULL && raw.n > 0)
		v = json_find(rq->json, raw.p);
	return json_ok(v) ? v.i : otherwise;
}

struct ir_ext *
ir_ext_add(struct ir_request *rq, struct jv member)
{
	struct ir_ext	*e = ARENA_NEW(rq->arena, struct ir_ext);

	e->name = json_str(rq->arena, json_key(member));
	e->json = json_raw(member);
	e->node = member.i;
	*rq->last_ext = e;
	rq->last_ext = &e->next;
	return e;
}

uint32_t
ir_member_node(const struct ir_request *rq, uint32_t node,
    const char *const *names)
{
	struct jv	 o, v, e;

	if (rq->json == NULL)
		return 0;
	o = node == 0 ? json_root(rq->json) : json_at(rq->json, node);
	for (; *names != NULL; names++) {
		if (json_ok(v = json_get(o, *names)))
			return v.i;
		for (e = json_first(o); json_ok(e); e = json_next(e))
			if (json_type(e) == JSON_OBJECT &&
			    json_ok(v = json_get(e, *names)))
				return v.i;
	}
	return 0;
}

const struct ir_tool *
ir_tool_find(const struct ir_request *rq, struct str name)
{
	const struct ir_tool	*t;

	if (rq == NULL)
		return NULL;
	for (t = rq->tools; t != NULL; t = t->next) {
		if (t->kind != IR_SERVER && str_eq(t->name, name))
			return t;
	}
	return NULL;
}

/* --- a tool call's arguments ---------------------------------------------- */

/* {"input":<text>}, where text that is no JSON goes in as a string. */
static struct str
args_wrap(struct arena *a, struct str text, bool is_json)
{
	struct jstr	 s;

	if (is_json)
		return arena_strf(a, "{\"input\":%.*s}", STR_FMT(text));
	s = jstr_encode(a, text);
	return arena_strf(a, "{\"input\":\"%.*s\"}", STR_FMT(s));
}

int
ir_args_object(struct arena *a, const struct ir_args *args, struct str *out)
{
	struct json		 j;
	struct json_error	 je;
	struct str		 text = args->json;
	enum json_type		 type = JSON_MISSING;

	if (text.n == 0)
		text = jstr_decode(a, args->escaped);
	text = str_trim(text);
	*out = STR("{}");
	if (text.n == 0)
		return 0;

	json_init(&j);
	if (json_parse(&j, text, &je) == 0)
		type = json_type(json_root(&j));
	json_release(&j);
	if (type == JSON_NULL)
		return 0;
	if (type == JSON_OBJECT) {
		*out = text;
		return 0;
	}
	*out = args_wrap(a, text, type != JSON_MISSING);
	return -1;
}

/* A client's JSON.parse("") fails, so "nothing" is {}. */
struct jstr
ir_args_escaped(struct arena *a, const struct ir_args *args)
{
	struct jstr	 s = args->escaped;

	if (args->json.n > 0)
		s = jstr_encode(a, args->json);
	return jstr_empty(s) ? JSTR("{}") : s;
}

/* --- data URLs ------------------------------------------------------------ */

static bool
is_base64(struct str s)
{
	static const char	 alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/=";
	bool			 table[256] = { false };
	size_t			 i;

	for (i = 0; alphabet[i] != '\0'; i++)
		table[(unsigned char)alphabet[i]] = true;
	for (i = 0; i < s.n; i++) {
		if (!table[(unsigned char)s.p[i]])
			return false;
	}
	return true;
}

/* Base64 with line ends, the URL-safe alphabet or %2B in it: made plain. */
static int
base64_normal(struct arena *a, struct str in, struct str *out)
{
	struct buf	 plain;
	size_t		 i;
	char		*p, c;
	int		 res = -1;

	if (is_base64(in)) {
		*out = in;
		return 0;
	}
	buf_init(&plain, DATA_MAX);
	if (url_decode(&plain, in, false) == 0 && buf_ok(&plain)) {
		out->p = p = arena_bytes(a, plain.len + 1);
		for (i = 0; i < plain.len; i++) {
			c = plain.data[i];
			if (c == ' ' || c == '\r' || c == '\n' || c == '\t')
				continue;
			*p++ = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
		}
		out->n = (size_t)(p - out->p);
		if (is_base64(*out))
			res = 0;
	}
	buf_release(&plain);
	return res;
}

/* data:text/plain,percent-encoded bytes */
static int
data_url_plain(struct arena *a, struct str in, struct str *out)
{
	struct buf	 plain, coded;
	int		 res = -1;

	buf_init(&plain, DATA_MAX);
	buf_init(&coded, 2 * DATA_MAX);
	if (url_decode(&plain, in, false) == 0 &&
	    base64_encode(&coded, buf_str(&plain)) == 0) {
		*out = arena_str(a, buf_str(&coded));
		res = 0;
	}
	buf_release(&plain);
	buf_release(&coded);
	return res;
}

/* RFC 2397; parameters of the type (charset) are left out. */
int
ir_data_url(struct arena *a, struct jstr url, struct ir_media *m)
{
	struct str	 s, head, last = STR_NONE;
	int		 res;

	if (url.n < 5 || strncasecmp(url.p, "data:", 5) != 0)
		return -1;
	s = str_skip(jstr_decode(a, url), 5);
	if (memchr(s.p, ',', s.n) == NULL)
		return -1;
	head = str_cut(&s, ',');
	m->type = str_trim(str_cut(&head, ';'));
	while (head.n > 0)
		last = str_trim(str_cut(&head, ';'));
	if (m->type.n == 0)
		m->type = STR("text/plain");
	if (str_is_nocase(last, "base64"))
		res = base64_normal(a, s, &m->data);
	else
		res = data_url_plain(a, s, &m->data);
	if (res == -1)
		m->type = m->data = STR_NONE;
	return res;
}

/* --- errors --------------------------------------------------------------- */

static const struct {
	enum ir_errkind	 kind;
	int		 status;
} err_statuses[] = {
	{ IR_ERR_BAD_REQUEST,	400 },
	{ IR_ERR_AUTH,		401 },
	{ IR_ERR_BILLING,	402 },
	{ IR_ERR_FORBIDDEN,	403 },
	{ IR_ERR_NOT_FOUND,	404 },
	{ IR_ERR_METHOD,	405 },
	{ IR_ERR_CONFLICT,	409 },
	{ IR_ERR_TOO_LARGE,	413 },
	{ IR_ERR_MEDIA_TYPE,	415 },
	{ IR_ERR_UPGRADE,	426 },
	{ IR_ERR_RATE,		429 },
	{ IR_ERR_INTERNAL,	500 },
	{ IR_ERR_UPSTREAM,	502 },
	{ IR_ERR_UNAVAILABLE,	503 },
	{ IR_ERR_TIMEOUT,	504 },
	{ IR_ERR_OVERLOADED,	529 },
	/* below: only from a status to a kind */
	{ IR_ERR_TIMEOUT,	408 },
	{ IR_ERR_NOT_FOUND,	410 },
	{ IR_ERR_FORBIDDEN,	451 },
	{ IR_ERR_TIMEOUT,	524 }
};

#define NSTATUSES	(sizeof(err_statuses) / sizeof(err_statuses[0]))

enum ir_errkind
ir_error_kind(int status)
{
	size_t	 i;

	for (i = 0; i < NSTATUSES; i++) {
		if (err_statuses[i].status == status)
			return err_statuses[i].kind;
	}
	return status >= 400 && status < 500 ? IR_ERR_BAD_REQUEST :
	    IR_ERR_UPSTREAM;
}

int
ir_error_status(enum ir_errkind kind)
{
	size_t	 i;

	for (i = 0; i < NSTATUSES; i++) {
		if (err_statuses[i].kind == kind)
			return err_statuses[i].status;
	}
	return 500;
}

/* Length of the valid UTF-8 character that s begins with, or 0. */
static size_t
utf8_char(struct str s)
{
	unsigned char	 c = (unsigned char)s.p[0];
	size_t		 n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n > s.n || c == 0 || !utf8_valid((struct str){ s.p, n }))
		return 0;
	return n;
}

/*
 * The text may be a provider's non-JSON error page: what is no UTF-8 would
 * break the envelope that it ends in, so it becomes question marks.
 */
void
ir_error_copy(char *dst, size_t size, struct str s)
{
	size_t	 n, len = 0;

	if (size == 0)
		return;
	while (s.n > 0) {
		n = utf8_char(s);
		if (len + (n == 0 ? 1 : n) > size - 1)
			break;
		if (n == 0) {
			dst[len++] = '?';
			s = str_skip(s, 1);
		} else {
			memcpy(dst + len, s.p, n);
			len += n;
			s = str_skip(s, n);
		}
	}
	dst[len] = '\0';
}

static void
error_setv(struct ir_error *err, enum ir_errkind kind, const char *path,
    const char *fmt, va_list ap)
{
	char	 text[2 * sizeof(err->msg)];
	int	 n = 0;

	memset(err, 0, sizeof(*err));
	err->kind = kind;
	err->status = ir_error_status(kind);
	err->retry_after = -1;
	if (path != NULL && path[0] != '\0') {
		ir_error_copy(err->param, sizeof(err->param), str_of(path));
		n = snprintf(text, sizeof(text) / 2, "'%s': ", err->param);
	}
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	ir_error_copy(err->msg, sizeof(err->msg), str_of(text));
}

void
ir_error_set(struct ir_error *err, enum ir_errkind kind, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	error_setv(err, kind, NULL, fmt, ap);
	va_end(ap);
}

void
ir_error_field(struct ir_error *err, struct arena *a, const struct json *j,
    uint32_t node, const char *fmt, ...)
{
	struct str	 path = STR("");
	va_list		 ap;

	if (j != NULL && node != 0)
		path = arena_str(a, json_path(a, j, node));
	va_start(ap, fmt);
	error_setv(err, IR_ERR_BAD_REQUEST, path.p, fmt, ap);
	va_end(ap);
}

void
ir_error_type(struct ir_error *err, struct arena *a, struct jv got,
    const char *expected)
{
	ir_error_field(err, a, got.j, got.i, "%sexpected %s, got %s",
	    json_ok(got) && got.i == 0 ? "the body: " : "", expected,
	    json_type_name(json_type(got)));
}

/* --- usage ---------------------------------------------------------------- */

static const struct {
	enum ir_tier	 tier;
	const char	*name[3];
} tiers[] = {
	{ IR_TIER_STANDARD, { "default", "standard", "standard" } },
	{ IR_TIER_FLEX, { "flex", NULL, "flex" } },
	{ IR_TIER_PRIORITY, { "priority", "priority", "priority" } },
	{ IR_TIER_BATCH, { NULL, "batch", "batch" } },
	{ IR_TIER_SCALE, { "scale", NULL, NULL } }
};

enum ir_tier
ir_tier_of(struct jv v)
{
	size_t	 i, k;

	for (i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		for (k = 0; k < 3; k++)
			if (tiers[i].name[k] != NULL &&
			    json_is(v, tiers[i].name[k]))
				return tiers[i].tier;
	return IR_TIER_UNSET;
}

enum ir_tier
ir_tier_asked(struct str s)
{
	static const char	 head[] = "SERVICE_TIER_";
	size_t			 i, k;

	if (str_starts(s, head))
		s = str_skip(s, strlen(head));
	if (str_is(s, "standard_only"))
		return IR_TIER_STANDARD;
	for (i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		for (k = 0; k < 3; k++)
			if (tiers[i].name[k] != NULL &&
			    str_is_nocase(s, tiers[i].name[k]))
				return tiers[i].tier;
	return IR_TIER_UNSET;
}

const char *
ir_tier_name(int64_t tier, enum ir_tier_words words)
{
	size_t	 i;

	for (i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		if (tiers[i].tier == tier)
			return tiers[i].name[words];
	return NULL;
}

void
ir_usage_init(struct ir_usage *u)
{
	u->input = u->cache_read = u->output = u->reasoning = -1;
	u->cache_write_5m = u->cache_write_1h = -1;
	u->tier = IR_TIER_UNSET;
}

int64_t
ir_usage_clamp(int64_t n)
{
	if (n < 0)
		return 0;
	return n > IR_USAGE_MAX ? IR_USAGE_MAX : n;
}

int64_t
ir_usage_sum(int64_t a, int64_t b)
{
	return ir_usage_clamp(a) + ir_usage_clamp(b);
}

/* --- the sequence --------------------------------------------------------- */

static const char *
check_delta(const struct ir_event *ev)
{
	switch (ev->delta) {
	case IR_D_TEXT:
		if (ev->part != IR_TEXT && ev->part != IR_THINKING &&
		    ev->part != IR_REFUSAL && ev->part != IR_TOOL_CALL)
			return "text for a part that has none";
		return NULL;
	case IR_D_ARGS:
		return ev->part == IR_TOOL_CALL ? NULL :
		    "arguments outside a tool call";
	case IR_D_DATA:
		return ev->part >= IR_IMAGE && ev->part <= IR_DOCUMENT ? NULL :
		    "media data outside a media part";
	case IR_D_REDACTED:
		if (ev->part != IR_THINKING)
			return "redacted data outside thinking";
		/* FALLTHROUGH */
	case IR_D_SIGNATURE:
	case IR_D_ANNOTATION:
		return ev->from != NULL ? NULL : "nobody's signature or data";
	case IR_D_LOGPROBS:
		return NULL;
	}
	return "a delta of no known kind";
}

static const char *
check_part(struct ir_check *ck, const struct ir_event *ev)
{
	bool	 open = ck->choice[ev->choice].open;

	if (ev->type == IR_EV_PART_START) {
		if (ck->choice[ev->choice].stopped)
			return "a part behind its choice's stop";
		if (open)
			return "a part begins inside another";
		if (ev->index != ck->next_index)
			return "a part out of count";
		if (ev->part == IR_TOOL_RESULT)
			return "a tool result in an answer";
		if (ev->part == IR_OPAQUE &&
		    (ev->raw.n == 0 || ev->from == NULL))
			return "an opaque part without its bytes or origin";
		ck->next_index++;
		ck->choice[ev->choice].open = true;
		ck->choice[ev->choice].seen = true;
		ck->choice[ev->choice].index = ev->index;
		ck->choice[ev->choice].type = ev->part;
		return NULL;
	}
	if (!open)
		return "no part is open";
	if (ev->index != ck->choice[ev->choice].index)
		return "another part is open";
	if (ev->part != ck->choice[ev->choice].type)
		return "the open part is of another type";
	if (ev->type == IR_EV_DELTA)
		return check_delta(ev);
	ck->choice[ev->choice].open = false;
	return NULL;
}

static const char *
check_stop(struct ir_check *ck, const struct ir_event *ev)
{
	if (ck->choice[ev->choice].open)
		return "a stop inside a part";
	if (ck->choice[ev->choice].stopped)
		return "a second stop";
	if (ev->stop == IR_STOP_NONE)
		return "a stop without a reason";
	ck->choice[ev->choice].stopped = true;
	return NULL;
}

static const char *
check_end(struct ir_check *ck)
{
	unsigned	 i;

	for (i = 0; i < IR_CHOICES_MAX; i++) {
		if (ck->choice[i].open)
			return "the end inside a part";
		if (ck->choice[i].seen && !ck->choice[i].stopped)
			return "the end without a stop";
	}
	ck->ended = true;
	return NULL;
}

const char *
ir_check(struct ir_check *ck, const struct ir_event *ev)
{
	if (ck->ended)
		return "an event behind the end";
	if (ev->choice >= IR_CHOICES_MAX)
		return "too many choices";
	if (ev->type == IR_EV_ERROR) {
		ck->ended = true;
		return ev->error != NULL ? NULL : "an error without its text";
	}
	if (ev->type == IR_EV_START) {
		if (ck->started)
			return "a second start";
		ck->started = true;
		return NULL;
	}
	if (!ck->started)
		return "an event before the start";

	switch (ev->type) {
	case IR_EV_PART_START:
	case IR_EV_DELTA:
	case IR_EV_PART_END:
		return check_part(ck, ev);
	case IR_EV_STOP:
		return check_stop(ck, ev);
	case IR_EV_END:
		return check_end(ck);
	case IR_EV_USAGE:
	case IR_EV_PING:
		return NULL;
	default:
		return "an event of no known type";
	}
}
