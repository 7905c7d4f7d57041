/*
 * Probes: the request, in the dialect of who is asked, and its answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "policy/provider_call.h"
#include "proxyctl/call.h"
#include "proxyctl/probe.h"
#include "state/daemon.h"
#include "wire/convert.h"

#define ASK_MS		3000
#define CONNECT_MS	10000
#define TOTAL_MS	120000
#define HEADERS		48

struct lines {
	struct arena	*arena;
	const char	*line[HEADERS + 1];
	unsigned	 n;
};

static void
line_add(struct lines *l, const char *line)
{
	if (l->n < HEADERS)
		l->line[l->n++] = line;
	l->line[l->n] = NULL;
}

static void
question(struct buf *b, const char *model, int64_t max_tokens)
{
	struct jw	 w;

	jw_init(&w, b);
	jw_object(&w);
	jw_key(&w, "model");
	jw_strz(&w, model);
	jw_key(&w, "max_tokens");
	jw_int(&w, max_tokens);
	jw_key(&w, "messages");
	jw_array(&w);
	jw_object(&w);
	jw_key(&w, "role");
	jw_strz(&w, "user");
	jw_key(&w, "content");
	jw_strz(&w, "Reply with the one word: ok");
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
}

/* --- the answer ----------------------------------------------------------------------- */

static bool
is_limit(struct str name)
{
	static const char *const	 begin[] = { "x-ratelimit-",
					    "anthropic-ratelimit-",
					    "ratelimit", "retry-after",
					    "x-rate-limit-" };
	size_t				 i, n;

	for (i = 0; i < sizeof(begin) / sizeof(*begin); i++) {
		n = strlen(begin[i]);
		if (name.n >= n && strncasecmp(name.p, begin[i], n) == 0)
			return true;
	}
	return false;
}

static void
take_head(struct probe *p, struct str head)
{
	struct str	 line, name;

	while (head.n > 0) {
		line = str_trim(str_cut(&head, '\n'));
		name = str_cut(&line, ':');
		line = str_trim(line);
		if (str_is_nocase(name, "x-proxyd-request-id"))
			snprintf(p->id, sizeof(p->id), "%.*s", STR_FMT(line));
		if (!is_limit(name) || p->nlimits == PROBE_LIMITS)
			continue;
		snprintf(p->limit[p->nlimits].name, sizeof(p->limit->name),
		    "%.*s", STR_FMT(name));
		snprintf(p->limit[p->nlimits++].value,
		    sizeof(p->limit->value), "%.*s", STR_FMT(line));
	}
}

static void
copy_str(struct arena *a, char *dst, size_t size, struct jv v)
{
	if (json_type(v) == JSON_STRING)
		ir_error_copy(dst, size, json_str(a, v));
}

/* An answer of OpenAI Chat, as every other one is translated to. */
static void
take_body(struct arena *a, struct probe *p, struct str body)
{
	struct json	 j;
	struct jv	 root, usage, m;

	json_init(&j);
	if (json_parse(&j, body, NULL) == 0) {
		root = json_root(&j);
		copy_str(a, p->model, sizeof(p->model),
		    json_get(root, "model"));
		usage = json_get(root, "usage");
		if (json_int(json_get(usage, "prompt_tokens"), &p->input) ==
		    -1 || json_int(json_get(usage, "completion_tokens"),
		    &p->output) == -1)
			p->input = p->output = -1;
		m = json_get(json_first(json_get(root, "choices")),
		    "message");
		copy_str(a, p->text, sizeof(p->text), json_get(m, "content"));
	}
	json_release(&j);
}

static void
take_error(struct arena *a, struct probe *p, const struct dialect *d,
    struct str body)
{
	struct ir_error	 err;

	ir_error_set(&err, ir_error_kind(p->status), "status %d", p->status);
	d->error_decode(a, body, &err);
	snprintf(p->error, sizeof(p->error), "%s", err.msg);
	if (p->status >= 300 && p->status < 400)
		snprintf(p->error, sizeof(p->error), "a redirect, which is "
		    "not followed: a key goes to its provider's host only");
}

static void
take(struct arena *a, struct probe *p, const struct dialect *d,
    const struct call_answer *ans)
{
	struct convert_opts	 o = { .from = d, .to = &dialect_openai_chat };
	struct ir_error		 err;
	struct loss		 loss;
	struct buf		 out;

	p->status = ans->status;
	p->connect_us = ans->connect_us;
	p->first_us = ans->first_us;
	p->total_us = ans->total_us;
	take_head(p, buf_str(&ans->head));
	if (ans->err[0] != '\0') {
		snprintf(p->error, sizeof(p->error), "%s", ans->err);
		return;
	}
	if (p->status >= 300) {
		take_error(a, p, d, buf_str(&ans->body));
		return;
	}
	buf_init(&out, CONVERT_OUT_MAX);
	loss_init(&loss, a);
	if (convert_response(a, &o, buf_str(&ans->body), &out, &loss, &err) !=
	    0)
		snprintf(p->error, sizeof(p->error), "%s", err.msg);
	else
		take_body(a, p, buf_str(&out));
	buf_release(&out);
}

static void
probe_init(struct probe *p)
{
	memset(p, 0, sizeof(*p));
	p->input = p->output = -1;
}

/* --- a key ---------------------------------------------------------------------------- */

/* What a provider says of a key may hold it. */
static void
hide(char *text, size_t size, struct str key)
{
	char	*at;

	while (key.n > 0 && (at = memmem(text, strlen(text), key.p, key.n)) !=
	    NULL)
		memset(at, '*', key.n < size ? key.n : size);
}

static void
key_lines(struct lines *l, const struct snap_provider *p,
    const struct dialect *d, const struct snap_key *k)
{
	struct provider_auth	 a;
	struct str		 key = secret_reveal(k->value);
	const char *const	*h;
	unsigned		 i;

	line_add(l, "Content-Type: application/json");
	line_add(l, "User-Agent: proxyctl");
	line_add(l, "Expect:");
	if (provider_auth(p, d, &a))
		line_add(l, arena_strf(l->arena, "%.*s: %.*s%.*s%.*s",
		    STR_FMT(a.name), STR_FMT(a.before), STR_FMT(key),
		    STR_FMT(a.behind)).p);
	for (i = 0; i < p->nheaders; i++)
		line_add(l, arena_strf(l->arena, "%s: %s", p->headers[i].name,
		    p->headers[i].value).p);
	for (h = d->headers; h != NULL && *h != NULL; h += 2)
		line_add(l, arena_strf(l->arena, "%s: %s", h[0], h[1]).p);
}

static void
key_send(struct arena *a, const struct snap_provider *p,
    const struct dialect *d, const struct snap_key *k, struct str body,
    struct probe *probe)
{
	struct lines		 l = { .arena = a };
	struct call_answer	 ans;
	struct call		 c = { .url = probe->url, .body = body,
				    .connect_ms = p->connect_ms,
				    .total_ms = p->total_ms > 0 ? p->total_ms :
				    TOTAL_MS };

	key_lines(&l, p, d, k);
	c.headers = l.line;
	c.proxy = p->proxy.n > 0 ? p->proxy.p : NULL;
	c.ca_file = p->ca_file.n > 0 ? p->ca_file.p : NULL;
	if (call_make(&c, &ans) == -1 && ans.status >= 200)
		ans.status = 0;
	take(a, probe, d, &ans);
	hide(probe->error, sizeof(probe->error), secret_reveal(k->value));
	hide(probe->text, sizeof(probe->text), secret_reveal(k->value));
	call_release(&ans);
}

/* The body in its dialect, and the URL of it; -1: said already. */
static int
key_question(struct arena *a, const struct snap_provider *p,
    const struct dialect *d, const char *model, int64_t max_tokens,
    struct buf *out, char *url, size_t size)
{
	struct convert_opts	 o = { .from = &dialect_openai_chat, .to = d,
				    .model = str_of(model) };
	struct buf		 in, path, whole;
	struct ir_error		 err;
	struct loss		 loss;
	int			 r;

	buf_init(&in, 1 << 16);
	buf_init(&path, 16 << 10);
	buf_init(&whole, 32 << 10);
	question(&in, model, max_tokens);
	loss_init(&loss, a);
	r = convert_request(a, &o, buf_str(&in), &path, out, &loss, &err);
	if (r == -1)
		ctl_fail("cannot ask provider '%.*s' for model '%s': %s",
		    STR_FMT(p->name), model, err.msg);
	provider_url(p, d, buf_str(&path), &whole);
	if (snprintf(url, size, "%.*s", STR_FMT(buf_str(&whole))) >=
	    (int)size && r == 0) {
		ctl_fail("the provider's URL is too long");
		r = -1;
	}
	buf_release(&in);
	buf_release(&path);
	buf_release(&whole);
	return r;
}

int
probe_key(const struct snapshot *s, const struct snap_key *k,
    const char *model, int64_t max_tokens, struct probe *probe)
{
	const struct snap_provider	*p = &s->providers[k->provider];
	const struct dialect		*d = dialect_byname(p->dialect);
	struct arena			 a;
	struct buf			 body;
	int				 r;

	probe_init(probe);
	if (d == NULL) {
		ctl_fail("provider '%.*s' speaks '%.*s', which has no keys",
		    STR_FMT(p->name), STR_FMT(p->dialect));
		return -1;
	}
	arena_init(&a);
	buf_init(&body, 1 << 20);
	r = key_question(&a, p, d, model, max_tokens, &body, probe->url,
	    sizeof(probe->url));
	if (r == 0)
		key_send(&a, p, d, k, buf_str(&body), probe);
	buf_release(&body);
	arena_release(&a);
	return r;
}

/* --- a model -------------------------------------------------------------------------- */

struct operator {
	char	 host[256], token[128];
	int	 port;
};

static int
operator_ask(const struct ctl *c, struct operator *o)
{
	struct buf	 b;
	struct str	 rest, line, name;
	char		 err[1400];
	int64_t		 port = 0;
	enum daemon_answer a;

	memset(o, 0, sizeof(*o));
	buf_init(&b, 1 << 16);
	a = daemon_ask(c->paths.control, "operator", ASK_MS, &b, err,
	    sizeof(err));
	for (rest = buf_str(&b); a == DAEMON_OK && rest.n > 0;) {
		line = str_cut(&rest, '\n');
		name = str_cut(&line, ' ');
		if (str_is(name, "host"))
			snprintf(o->host, sizeof(o->host), "%.*s",
			    STR_FMT(line));
		else if (str_is(name, "token"))
			snprintf(o->token, sizeof(o->token), "%.*s",
			    STR_FMT(line));
		else if (str_is(name, "port") && str_to_int(line, 1, 65535,
		    &port) == 0)
			o->port = (int)port;
	}
	buf_release(&b);
	if (a == DAEMON_OK)
		return 0;
	if (a != DAEMON_NOBODY)
		return ctl_fail("proxyd does not answer: %s", err);
	ctl_fail("proxyd does not run in '%s'; proxyctl start starts it",
	    c->paths.home);
	return CTL_DOWN;
}

int
probe_model(const struct ctl *c, const char *model, int64_t max_tokens,
    struct probe *p)
{
	struct operator		 o;
	struct call_answer	 ans;
	struct arena		 a;
	struct lines		 l = { .arena = &a };
	struct buf		 body;
	struct call		 call = { .url = p->url,
				    .connect_ms = CONNECT_MS,
				    .total_ms = TOTAL_MS };
	char			 url[DAEMON_URL_MAX];
	int			 r;

	probe_init(p);
	if ((r = operator_ask(c, &o)) != 0)
		return r;
	arena_init(&a);
	buf_init(&body, 1 << 16);
	snprintf(p->url, sizeof(p->url), "%s/v1/chat/completions",
	    daemon_url(url, o.host, o.port));
	line_add(&l, "Content-Type: application/json");
	line_add(&l, "User-Agent: proxyctl");
	line_add(&l, "Expect:");
	line_add(&l, arena_strf(&a, "x-proxyd-operator: %s", o.token).p);
	question(&body, model, max_tokens);
	call.headers = l.line;
	call.body = buf_str(&body);
	if (call_make(&call, &ans) == -1 && ans.status >= 200)
		ans.status = 0;
	take(&a, p, &dialect_openai_chat, &ans);
	call_release(&ans);
	buf_release(&body);
	arena_release(&a);
	return 0;
}
