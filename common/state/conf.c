/*
 * What app.yml means: the known keys, their defaults, and how they make a
 * struct conf.  Written down in app.yml(5); a test holds the two together.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/bodies.h"
#include "state/caps_file.h"
#include "state/conf_row.h"

#define KEYS_MAX	1024		/* SHM_KEYS: each has a slot */
#define HOUR_MS		3600000
#define DAY_MS		(24 * HOUR_MS)
#define SIZE_MOST	((int64_t)1 << 40)

#define SHOW(s)	((s).n > 64 ? 64 : (int)(s).n), (s).p

/* --- messages ------------------------------------------------------------- */

/* "PROVIDERS.local.base_url", "MODELS[2].provider" */
static void
add_path(struct buf *b, const struct yml *y)
{
	const struct yml	*up[YML_DEPTH_MAX + 1];
	unsigned		 n = 0;

	for (; y != NULL && y->parent != NULL && n <= YML_DEPTH_MAX;
	    y = y->parent)
		up[n++] = y;
	while (n-- > 0) {
		if (up[n]->parent->type == YML_MAP) {
			buf_addz(b, b->len > 0 ? "." : "");
			buf_add(b, up[n]->key.p, up[n]->key.n > 64 ? 64 :
			    up[n]->key.n);
		} else
			buf_addf(b, "[%u]", up[n]->index);
	}
}

int
conf_fail(struct conf_reader *r, const struct yml *y, const char *fmt, ...)
{
	struct buf	 path, text;
	va_list		 ap;

	buf_init(&path, 1024);
	buf_init(&text, 1024);
	if (y != NULL)
		add_path(&path, y);
	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	if (y == NULL)
		snprintf(r->err, r->errsize, "%s: %.*s", r->name,
		    STR_FMT(buf_str(&text)));
	else
		snprintf(r->err, r->errsize, "%s:%d: %.*s%s%.*s", r->name,
		    y->line, STR_FMT(buf_str(&path)),
		    path.len > 0 ? ": " : "", STR_FMT(buf_str(&text)));
	buf_release(&path);
	buf_release(&text);
	return -1;
}

/* --- tables --------------------------------------------------------------- */

bool
conf_given(const struct yml *y)
{
	return y != NULL && (y->type != YML_SCALAR || y->text.n > 0);
}

void
conf_defaults(struct conf_reader *r, const struct conf_row *row, void *base)
{
	struct yml	 y = { .type = YML_SCALAR };

	for (; row->name != NULL; row++) {
		y.text = str_of(row->deflt);
		if (y.text.n > 0 && row->set(r, row, &y, base) == -1)
			fatalx("default of '%s': %s", row->name, r->err);
	}
}

static int
unknown_key(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y)
{
	struct conf_nearest	 near = { .want = y->key };
	struct yml		 at = *y->parent;

	at.line = y->line;
	for (; row->name != NULL; row++)
		conf_nearest_try(&near, str_of(row->name));
	if (near.best.n > 0)
		return conf_fail(r, &at, "unknown key '%.*s', did you mean "
		    "'%.*s'?", SHOW(y->key), STR_FMT(near.best));
	return conf_fail(r, &at, "unknown key '%.*s'; app.yml(5) lists those "
	    "that are known", SHOW(y->key));
}

static bool
row_known(const struct conf_row *row, struct str key)
{
	for (; row->name != NULL; row++)
		if (str_is(key, row->name))
			return true;
	return false;
}

int
conf_rows(struct conf_reader *r, const struct conf_row *row,
    const struct yml *map, void *base)
{
	const struct yml	*y;

	if (map->type != YML_MAP)
		return conf_fail(r, map, "expected a map of keys and values");
	for (y = map->child; y != NULL; y = y->next)
		if (!row_known(row, y->key))
			return unknown_key(r, row, y);
	/* In the table's order, so that names are known before their use. */
	for (; row->name != NULL; row++) {
		y = yml_get(map, row->name);
		if (conf_given(y) && row->set(r, row, y, base) == -1)
			return -1;
	}
	return 0;
}

/* --- providers and their keys --------------------------------------------- */

static struct conf_provider *
provider_find(const struct conf *c, struct str name)
{
	struct conf_provider	*p;

	for (p = c->providers; p != NULL; p = p->next)
		if (str_eq(p->name, name))
			return p;
	return NULL;
}

static int
unknown_provider(struct conf_reader *r, const struct yml *y, struct str name)
{
	struct conf_nearest	 near = { .want = name };
	struct conf_provider	*p;
	struct buf		 b;

	buf_init(&b, 512);
	for (p = r->c->providers; p != NULL; p = p->next) {
		conf_nearest_try(&near, p->name);
		buf_addz(&b, b.len > 0 ? ", " : "");
		buf_adds(&b, p->name);
	}
	if (near.best.n > 0)
		conf_fail(r, y, "unknown provider '%.*s', did you mean "
		    "'%.*s'? (known: %.*s)", SHOW(name), STR_FMT(near.best),
		    STR_FMT(buf_str(&b)));
	else
		conf_fail(r, y, "unknown provider '%.*s' (known: %.*s; "
		    "others are defined in PROVIDERS)", SHOW(name),
		    STR_FMT(buf_str(&b)));
	buf_release(&b);
	return -1;
}

static int
set_provider_name(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct str	*to = (struct str *)((char *)base + row->off);

	if (y->type != YML_SCALAR)
		return conf_fail(r, y, "expected a provider's name");
	if (!str_is(y->text, "mock") &&
	    provider_find(r->c, y->text) == NULL)
		return unknown_provider(r, y, y->text);
	*to = arena_str(&r->c->arena, y->text);
	return 0;
}

/* "..." stands for a key in many a sample. */
static int
add_key(struct conf_reader *r, const struct yml *y, struct conf_provider *p,
    struct str text)
{
	struct conf_key	**k;

	if (text.n == 0 || str_is(text, "..."))
		return 0;
	if (text.n > SECRET_MAX)
		return conf_fail(r, y, "a key is longer than %d bytes",
		    SECRET_MAX);
	for (k = &p->keys; *k != NULL; k = &(*k)->next)
		if (str_eq(secret_reveal((*k)->value), text))
			return 0;
	if (++r->nkeys > KEYS_MAX)
		return conf_fail(r, y, "more than %d keys in all", KEYS_MAX);
	*k = ARENA_NEW(&r->c->arena, struct conf_key);
	(*k)->value = secret_new(&r->c->arena, text);
	return 0;
}

static int
set_keys(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	const struct yml	*k;

	(void)row;
	if (y->type == YML_SCALAR)
		return add_key(r, y, base, y->text);
	if (y->type != YML_LIST)
		return conf_fail(r, y, "expected a list of keys");
	for (k = y->child; k != NULL; k = k->next)
		if (k->type != YML_SCALAR)
			return conf_fail(r, k, "expected a key, not a %s",
			    k->type == YML_LIST ? "list" : "map");
		else if (add_key(r, k, base, k->text) == -1)
			return -1;
	return 0;
}

static int
set_headers(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct conf_provider	*p = base;
	struct conf_header	**h;
	const struct yml	*m;
	const char		*why;

	(void)row;
	if (y->type != YML_MAP)
		return conf_fail(r, y, "expected a map of names and values");
	for (m = y->child; m != NULL; m = m->next) {
		if (m->type != YML_SCALAR)
			return conf_fail(r, m, "expected a text");
		if ((why = conf_header_refused(m->key)) != NULL)
			return conf_fail(r, m, "'%.*s' %s", SHOW(m->key), why);
		if (m->text.n > SECRET_MAX)
			return conf_fail(r, m, "longer than %d bytes",
			    SECRET_MAX);
		for (h = &p->headers; *h != NULL; h = &(*h)->next)
			if (str_eq((*h)->name, m->key))
				break;
		if (*h == NULL)
			*h = ARENA_NEW(&r->c->arena, struct conf_header);
		(*h)->name = arena_str(&r->c->arena, m->key);
		(*h)->value = arena_str(&r->c->arena, m->text);
	}
	return 0;
}

static bool
is_verdict(struct str s)
{
	return str_is(s, "pass") || str_is(s, "map") || str_is(s, "drop") ||
	    str_is(s, "refuse");
}

/* Kept as lines, as they are asked of where a request has such a tool. */
static int
set_server_tools(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct conf		*c = base;
	const struct yml	*m;
	struct buf		 b;

	(void)row;
	if (y->type != YML_MAP)
		return conf_fail(r, y, "expected a map of tools and verdicts");
	buf_init(&b, 65536);
	for (m = y->child; m != NULL; m = m->next) {
		if (m->type != YML_SCALAR || !is_verdict(m->text)) {
			buf_release(&b);
			return conf_fail(r, m, "expected pass, map, drop or "
			    "refuse");
		}
		buf_addf(&b, "%.*s %.*s\n", STR_FMT(m->key),
		    STR_FMT(m->text));
	}
	c->server_tools = arena_str(&r->c->arena, buf_str(&b));
	buf_release(&b);
	return 0;
}

#define P(field)	offsetof(struct conf_provider, field)
/* "name" is the first one; it is left out where the map's key is the name. */
static const struct conf_row provider_rows[] = {
	{ "name", conf_set_str, P(name), 0, 64, "",
	    "what the provider is called; in a list of PROVIDERS" },
	{ "dialect", conf_set_dialect, P(dialect), 0, 0, "",
	    "openai-chat, openai-responses, anthropic or gemini" },
	{ "base_url", conf_set_base_url, P(base_url), 0, 0, "",
	    "http(s)://host[:port][/path] before the dialect's paths" },
	{ "auth_header", conf_set_token, P(auth_header), 0, 256, "",
	    "header that carries the key" },
	{ "auth_format", conf_set_auth_format, P(auth_format), 0, 256, "",
	    "value of that header; {key} stands for the key" },
	{ "headers", set_headers, 0, 0, 0, "",
	    "map of headers sent with every request" },
	{ "default_model", conf_set_str, P(default_model), 0, 256, "",
	    "model for requests that come here as PREFERRED_PROVIDER" },
	{ "keys", set_keys, 0, 0, 0, "",
	    "list of keys, besides those of API_KEY_POOLS" },
	{ "keyless", conf_set_bool, P(keyless), 0, 0, "false",
	    "works without a key" },
	{ "proxy", conf_set_proxy, P(proxy), 0, 0, "",
	    "proxy to reach it through" },
	{ "ca_file", conf_set_str, P(ca_file), 0, 1024, "",
	    "file of certificates to trust, instead of the system's" },
	{ "connect_timeout", conf_set_ms, P(connect_ms), 1, HOUR_MS, "10s",
	    "time to connect" },
	{ "first_byte_timeout", conf_set_ms, P(first_byte_ms), 0, DAY_MS,
	    "300s", "time to the first byte of an answer; 0: no limit" },
	{ "idle_timeout", conf_set_ms, P(idle_ms), 0, DAY_MS, "300s",
	    "time between two reads; 0: no limit" },
	{ "total_timeout", conf_set_ms, P(total_ms), 0, DAY_MS, "0",
	    "time for the whole of an answer; 0: no limit" },
	{ .name = NULL }
};

static const struct conf_row pool_rows[] = {
	{ "keys", set_keys, 0, 0, 0, "", "list of keys, used in turn" },
	{ "auth_header", conf_set_token, P(auth_header), 0, 256, "",
	    "as in PROVIDERS" },
	{ "auth_format", conf_set_auth_format, P(auth_format), 0, 256, "",
	    "as in PROVIDERS" },
	{ .name = NULL }
};
#undef P

static struct conf_provider *
provider_add(struct conf_reader *r, struct str name)
{
	struct conf_provider	**p;

	for (p = &r->c->providers; *p != NULL; p = &(*p)->next)
		;
	*p = ARENA_NEW(&r->c->arena, struct conf_provider);
	(*p)->name = arena_str(&r->c->arena, name);
	conf_defaults(r, provider_rows, *p);
	return *p;
}

static bool
provider_name_ok(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '-' ||
		    (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
			return false;
	return s.n > 0 && s.n <= 64;
}

static int
read_provider(struct conf_reader *r, const struct yml *y, struct str name,
    const struct conf_row *rows)
{
	struct conf_provider	*p;
	struct str		 dialect;

	if (!provider_name_ok(name))
		return conf_fail(r, y, "a provider's name is 1 to 64 of "
		    "a-z 0-9 _ -, not '%.*s'", SHOW(name));
	if (str_is(name, "mock"))
		return conf_fail(r, y, "'mock' is the provider that is always "
		    "there; choose another name");
	if ((p = provider_find(r->c, name)) == NULL)
		p = provider_add(r, name);
	dialect = p->dialect;
	if (conf_rows(r, rows, y, p) == -1)
		return -1;
	if (p->dialect.n == 0)
		return conf_fail(r, y, "a provider needs a dialect: "
		    "openai-chat, openai-responses, anthropic or gemini");
	if (dialect.n > 0 && !str_eq(dialect, p->dialect))
		return conf_fail(r, y, "the dialect of '%.*s' is '%.*s'",
		    STR_FMT(name), STR_FMT(dialect));
	return 0;
}

/* A list, each with its name, or a map of names; each name once. */
static int
set_providers(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	const struct yml	*m, *other;
	const struct yml	*name, *n2;

	(void)row;
	(void)base;
	if (y->type == YML_SCALAR)
		return conf_fail(r, y, "expected a list or map of providers");
	for (m = y->child; m != NULL; m = m->next) {
		if (y->type == YML_MAP) {
			if (read_provider(r, m, m->key, provider_rows + 1) ==
			    -1)
				return -1;
			continue;
		}
		if (m->type != YML_MAP || (name = yml_get(m, "name")) == NULL)
			return conf_fail(r, m, "expected a provider with a "
			    "name");
		for (other = y->child; other != m; other = other->next)
			if ((n2 = yml_get(other, "name")) != NULL &&
			    str_eq(n2->text, name->text))
				return conf_fail(r, name, "'%.*s' stands here "
				    "twice, first on line %d",
				    SHOW(name->text), n2->line);
		if (read_provider(r, m, name->text, provider_rows) == -1)
			return -1;
	}
	return 0;
}

static int
set_pools(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct conf_provider	*p;
	const struct yml	*m;
	int			 rc;

	(void)base;
	if (y->type != YML_MAP)
		return conf_fail(r, y, "expected a map of providers and their "
		    "keys");
	for (m = y->child; m != NULL; m = m->next) {
		if ((p = provider_find(r->c, m->key)) == NULL)
			return unknown_provider(r, m, m->key);
		if (m->type == YML_MAP)
			rc = conf_rows(r, pool_rows, m, p);
		else
			rc = set_keys(r, row, m, p);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* OPENAI_API_KEY is one more key of "openai". */
static int
set_single_key(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct conf_provider	*p;
	struct str		 rest = str_of(row->name), who;

	(void)base;
	if (y->type != YML_SCALAR)
		return conf_fail(r, y, "expected one key; several are written "
		    "in API_KEY_POOLS");
	who = str_cut(&rest, '_');
	for (p = r->c->providers; p != NULL; p = p->next)
		if (p->name.n == who.n &&
		    strncasecmp(p->name.p, who.p, who.n) == 0)
			return add_key(r, y, p, y->text);
	return 0;
}

/* --- models and hosts ----------------------------------------------------- */

static int
set_once(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct str	*to = (struct str *)((char *)base + row->off);

	if (to->n > 0)
		return conf_fail(r, y, "this was said by another name already");
	return conf_set_str(r, row, y, base);
}

#define M(field)	offsetof(struct conf_model, field)
static const struct conf_row model_rows[] = {
	{ "route_key", set_once, M(route_key), 0, 256, "",
	    "the model's name as clients ask for it" },
	{ "name", set_once, M(route_key), 0, 256, "",
	    "the same as route_key" },
	{ "target_model", set_once, M(target), 0, 256, "",
	    "the model's name at the provider; default: route_key" },
	{ "model", set_once, M(target), 0, 256, "",
	    "the same as target_model" },
	{ "provider", set_provider_name, M(provider), 0, 0, "",
	    "the provider that serves it" },
	{ "mode", conf_set_mode, M(mode), 0, 0, "",
	    "transformer or direct; default: MODE" },
	{ .name = NULL }
};
#undef M

static int
read_model(struct conf_reader *r, const struct yml *y,
    struct conf_model ***tail)
{
	struct conf_model	*m, *other;

	m = ARENA_NEW(&r->c->arena, struct conf_model);
	m->mode = -1;
	if (conf_rows(r, model_rows, y, m) == -1)
		return -1;
	if (m->route_key.n == 0)
		return conf_fail(r, y, "a model needs a route_key");
	if (m->provider.n == 0)
		return conf_fail(r, y, "a model needs a provider");
	if (m->target.n == 0)
		m->target = m->route_key;
	for (other = r->c->models; other != NULL; other = other->next)
		if (str_eq(other->route_key, m->route_key))
			return conf_fail(r, y, "a second model '%.*s'",
			    SHOW(m->route_key));
	**tail = m;
	*tail = &m->next;
	return 0;
}

static int
set_models(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	struct conf_model	**tail = &r->c->models;
	const struct yml	*m;

	(void)row;
	(void)base;
	if (y->type != YML_LIST)
		return conf_fail(r, y, "expected a list of models");
	for (m = y->child; m != NULL; m = m->next)
		if (read_model(r, m, &tail) == -1)
			return -1;
	return 0;
}

static int
add_host(struct conf_reader *r, const struct yml *y)
{
	struct conf_strs	**h;

	if (y->type != YML_SCALAR || !conf_is_host(y->text))
		return conf_fail(r, y, "expected a host name without a port");
	for (h = &r->c->allowed_hosts; *h != NULL; h = &(*h)->next)
		if (str_eq((*h)->s, y->text))
			return 0;
	*h = ARENA_NEW(&r->c->arena, struct conf_strs);
	(*h)->s = arena_str(&r->c->arena, y->text);
	return 0;
}

static int
set_hosts(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	const struct yml	*m;

	(void)row;
	(void)base;
	if (y->type == YML_SCALAR)
		return add_host(r, y);
	if (y->type == YML_MAP)
		return conf_fail(r, y, "expected a list of host names");
	for (m = y->child; m != NULL; m = m->next)
		if (add_host(r, m) == -1)
			return -1;
	return 0;
}

static const char *const body_words[] = {
	[BODIES_NONE] = "none", [BODIES_ERRORS] = "errors",
	[BODIES_ALL] = "all", NULL
};

static int
set_body_mode(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	int	 i;

	for (i = 0; body_words[i] != NULL; i++)
		if (y->type == YML_SCALAR && str_is(y->text, body_words[i])) {
			*(int *)((char *)base + row->off) = i;
			return 0;
		}
	return conf_fail(r, y, "expected none, errors or all");
}

/* Beside app.yml where it has no path of its own. */
static int
set_models_file(struct conf_reader *r, const struct conf_row *row,
    const struct yml *y, void *base)
{
	const char		*slash = strrchr(r->name, '/');
	struct caps_table	 t;
	struct arena		 a;
	struct buf		 b;
	char			 path[4096], err[1024];
	int			 n, rc = -1;

	if (y->type != YML_SCALAR || y->text.n > 1024)
		return conf_fail(r, y, "expected the name of a file");
	n = slash == NULL || y->text.p[0] == '/' ? 0 :
	    (int)(slash - r->name) + 1;
	snprintf(path, sizeof(path), "%.*s%.*s", n, r->name,
	    STR_FMT(y->text));
	buf_init(&b, YML_SIZE_MAX + 32768);
	arena_init(&a);
	if (conf_read_file(path, &b, err, sizeof(err)) == 0 &&
	    caps_file_parse(&a, buf_str(&b), path, &t, err,
	    sizeof(err)) == 0) {
		*(struct str *)((char *)base + row->off) =
		    arena_str(&r->c->arena, buf_str(&b));
		rc = 0;
	} else
		conf_fail(r, y, "%s", err);
	arena_release(&a);
	buf_release(&b);
	return rc;
}

/* --- the file ------------------------------------------------------------- */

#define C(field)	offsetof(struct conf, field)
static const struct conf_row rows[] = {
	{ "MODE", conf_set_mode, C(mode), 0, 0, "transformer",
	    "transformer: translate; direct: forward as it is" },
	{ "STRICT", conf_set_bool, C(strict), 0, 0, "false",
	    "refuse what cannot be translated without a loss" },
	{ "MODELS_FILE", set_models_file, C(models_text), 0, 0, "",
	    "file of what models take, laid over what is built in" },
	{ "REFUSAL_TIME", conf_set_ms, C(refusal_ms), 0, 20 * DAY_MS, "24h",
	    "how long a parameter that a model refused is left out" },
	{ "HOST", conf_set_listen, C(process.host), 0, 0, "127.0.0.1",
	    "address that the API listens on" },
	{ "PORT", conf_set_int, C(process.port), 0, 65535, "8000",
	    "its port; 0: any free one" },
	{ "DEBUG", conf_set_bool, C(process.debug), 0, 0, "false",
	    "log more" },
	{ "WORKERS", conf_set_int, C(process.workers), 0, 32, "0",
	    "worker processes; 0: one a core" },
	{ "MAX_CONNECTIONS", conf_set_int, C(process.max_connections), 1,
	    65536, "4096", "connections of clients, each worker" },
	{ "MAX_BODY", conf_set_size, C(max_body), 1024, 1 << 30, "32MiB",
	    "largest body of a request" },
	{ "KEEPALIVE", conf_set_ms, C(keepalive_ms), 0, 3600000, "15s",
	    "silence in a stream after which the client gets a sign of life" },
	{ "ALLOW_ANONYMOUS", conf_set_bool, C(allow_anonymous), 0, 0, "false",
	    "serve other machines without a client key" },
	{ "ALLOWED_HOSTS", set_hosts, 0, 0, 0, "",
	    "host names, besides loopback's, that a request may be sent to" },
	{ "SERVER_TOOLS", set_server_tools, 0, 0, 0, "",
	    "map of tools known by type: pass, map, drop or refuse" },
	{ "DRAIN_TIMEOUT", conf_set_ms, C(process.drain_ms), 0, DAY_MS, "30s",
	    "how long a stop waits for running requests" },
	{ "RETRY_TRIES", conf_set_int, C(retry_tries), 1, 8, "4",
	    "attempts a request, at most" },
	{ "RETRY_TIME", conf_set_ms, C(retry_ms), 0, DAY_MS, "60s",
	    "no new attempt after this time" },
	{ "COOLDOWN", conf_set_ms, C(cooldown_ms), 0, DAY_MS, "1s",
	    "how long a key rests after a first 429 that names no time" },
	{ "COOLDOWN_MAX", conf_set_ms, C(cooldown_max_ms), 0, DAY_MS, "5m",
	    "how long a key rests at most, whatever the provider says" },
	{ "RECHECK", conf_set_ms, C(recheck_ms), 0, 6 * 3600000, "10m",
	    "when a key that was refused is tried again; 0: with the next "
	    "request" },
	{ "QUEUE_WAIT", conf_set_ms, C(queue_ms), 0, 600000, "0s",
	    "how long a request waits for a key, while all rest; 0: not" },
	{ "QUEUE_LENGTH", conf_set_int, C(queue_length), 1, 100000, "100",
	    "requests that wait so at once" },
	{ "BREAKER_SHARE", conf_set_int, C(breaker_share), 0, 100, "50",
	    "percent of failed attempts at which a provider is left alone; "
	    "0: never" },
	{ "BREAKER_LEAST", conf_set_int, C(breaker_least), 1, 100000, "20",
	    "attempts that must have been made for that" },
	{ "BREAKER_WINDOW", conf_set_ms, C(breaker_window_ms), 1000, 600000,
	    "10s", "time over which they are counted" },
	{ "BREAKER_REST", conf_set_ms, C(breaker_rest_ms), 10, 300000, "5s",
	    "how long a provider is first left alone" },
	{ "BUDGET_UNPRICED", conf_set_bool, C(budget_unpriced), 0, 0, "false",
	    "let models without a price through where a budget holds" },
	{ "CHOICES_MAX", conf_set_int, C(choices_max), 1, 128, "8",
	    "calls for the several answers (n) that a provider gives singly" },
	{ "FETCH_COUNT", conf_set_int, C(fetch_count), 0, 256, "16",
	    "media by URL fetched for a request, at most; 0: none" },
	{ "FETCH_SIZE", conf_set_size, C(fetch_size), 1, 1 << 30, "20MiB",
	    "size of one medium that is fetched, at most" },
	{ "FETCH_TOTAL", conf_set_size, C(fetch_total), 1, 1 << 30, "32MiB",
	    "size of all that is fetched for a request, at most" },
	{ "FETCH_TIME", conf_set_ms, C(fetch_ms), 1, 600000, "20s",
	    "time for all that is fetched for a request" },
	{ "FETCH_PARALLEL", conf_set_int, C(fetch_parallel), 1, 64, "4",
	    "media fetched at once for a request" },
	{ "FETCH_TYPES", conf_set_str, C(fetch_types), 0, 1024,
	    "image/ audio/ video/ text/plain text/markdown text/csv "
	    "application/pdf application/json application/octet-stream",
	    "how the types that are fetched begin" },
	{ "FETCH_PRIVATE", conf_set_bool, C(fetch_private), 0, 0, "false",
	    "fetch from addresses of this machine and private networks, too" },
	{ "STATE_DAYS", conf_set_int, C(state_days), 0, 36500, "30",
	    "days that reasoning state and responses are kept; 0: for ever" },
	{ "STATE_SIZE", conf_set_size, C(state_size), 0, SIZE_MOST, "1GiB",
	    "size of state.db above which the oldest rows go; 0: any" },
	{ "LOG_DAYS", conf_set_int, C(log_days), 0, 36500, "30",
	    "days that a row of the request log is kept; 0: for ever" },
	{ "LOG_SIZE", conf_set_size, C(log_size), 0, SIZE_MOST, "0",
	    "size of the database above which the oldest rows go; 0: any" },
	{ "LOG_BODIES", set_body_mode, C(body_mode), 0, 0, "none",
	    "whose bodies are kept: none, errors, all" },
	{ "LOG_BODY_MAX", conf_set_size, C(body_max), 1024, 64 << 20, "256KiB",
	    "bytes of one body that are kept" },
	{ "LOG_BODY_SAMPLE", conf_set_int, C(body_sample), 0, 100, "100",
	    "percent of the requests without error that 'all' keeps" },
	{ "LOG_BODY_DAYS", conf_set_int, C(body_days), 0, 36500, "7",
	    "days that bodies are kept; 0: for ever" },
	{ "LOG_BODY_SIZE", conf_set_size, C(body_size), 0, SIZE_MOST, "1GiB",
	    "bytes of all bodies above which the oldest go; 0: any" },
	{ "REVISIONS", conf_set_int, C(revisions), 10, 100000, "1000",
	    "changes of the configuration that can be shown and undone" },
	{ "ADMIN_HOST", conf_set_listen, C(process.admin_host), 0, 0,
	    "127.0.0.1", "address that admind listens on" },
	{ "ADMIN_PORT", conf_set_int, C(process.admin_port), 0, 65535, "3000",
	    "its port; 0: any free one" },
	{ "PROVIDERS", set_providers, 0, 0, 0, "",
	    "providers besides the built-in ones, and changes to those" },
	{ "API_KEY_POOLS", set_pools, 0, 0, 0, "",
	    "map of providers and their keys" },
	{ "OPENAI_API_KEY", set_single_key, 0, 0, 0, "",
	    "a key of openai; default: the environment's" },
	{ "ANTHROPIC_API_KEY", set_single_key, 0, 0, 0, "",
	    "a key of anthropic; default: the environment's" },
	{ "GEMINI_API_KEY", set_single_key, 0, 0, 0, "",
	    "a key of gemini; default: the environment's" },
	{ "PREFERRED_PROVIDER", set_provider_name, C(preferred_provider), 0, 0,
	    "", "provider of models whose name says nothing" },
	{ "MODELS", set_models, 0, 0, 0, "",
	    "list of models by the names that clients ask for" },
	{ .name = NULL }
};
#undef C

static bool
sendable(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

static const char *const mode_words[] = { "transformer", "direct", NULL };

static struct conf_setting
setting_of(const char *section, const struct conf_row *row, unsigned index)
{
	struct conf_setting	 s = { section, row->name, row->deflt,
				    row->text, CONF_OTHER, row->min, row->max,
				    NULL, row->off, index };

	if (row->set == conf_set_bool)
		s.kind = CONF_BOOL;
	else if (row->set == conf_set_int)
		s.kind = CONF_INT;
	else if (row->set == conf_set_size)
		s.kind = CONF_SIZE;
	else if (row->set == conf_set_ms)
		s.kind = CONF_MS;
	else if (row->set == conf_set_str)
		s.kind = CONF_TEXT;
	else if (row->set == set_provider_name)
		s.kind = CONF_PROVIDER;
	else if (row->set == set_server_tools)
		s.kind = CONF_TOOLS;
	else if (row->set == conf_set_mode || row->set == set_body_mode) {
		s.kind = CONF_WORD;
		s.words = row->set == conf_set_mode ? mode_words : body_words;
	}
	return s;
}

void
conf_settings_each(void (*cb)(void *, const struct conf_setting *), void *arg)
{
	static const struct {
		const char		*section;
		const struct conf_row	*rows;
	} table[] = {
		{ "", rows }, { "PROVIDERS", provider_rows },
		{ "API_KEY_POOLS", pool_rows }, { "MODELS", model_rows }
	};
	struct conf_setting	 s;
	unsigned		 i, j;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (j = 0; table[i].rows[j].name != NULL; j++) {
			s = setting_of(table[i].section, &table[i].rows[j], j);
			cb(arg, &s);
		}
}

static void
value_of(const struct conf_setting *cs, struct arena *a, const struct conf *c,
    int64_t *i, struct str *s)
{
	const char	*p = (const char *)c + cs->off;

	if (cs->kind == CONF_BOOL)
		*i = *(const bool *)p;
	else if (cs->kind == CONF_SIZE)
		*i = *(const int64_t *)p;
	else if (cs->kind == CONF_TEXT)
		*s = arena_str(a, *(const struct str *)p);
	else if (cs->kind == CONF_TOOLS)
		*s = arena_str(a, c->server_tools);
	else
		*i = *(const int *)p;
}

int
conf_setting_parse(const struct conf_setting *cs, struct arena *a,
    struct str text, int64_t *i, struct str *s, char *err, size_t errsize)
{
	struct conf		*c;
	struct conf_reader	 r = { .name = "", .err = err,
				    .errsize = errsize };
	struct yml		 scalar = { .type = YML_SCALAR, .text = text };
	struct yml		*y = &scalar;
	const char		*why;
	int			 rc = 0;

	*i = 0;
	*s = text;
	if (cs->kind == CONF_PROVIDER)
		return 0;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("calloc");
	arena_init(&c->arena);
	r.c = c;
	if (!sendable(text) && cs->kind != CONF_TOOLS)
		rc = conf_fail(&r, y, "must not hold control characters");
	else if (cs->kind == CONF_TOOLS && (y = yml_parse(&c->arena, text, "",
	    err, errsize)) == NULL)
		rc = -1;
	if (rc == 0)
		rc = rows[cs->index].set(&r, &rows[cs->index], y, c);
	if (rc == 0)
		value_of(cs, a, c, i, s);
	else if ((why = strstr(err, ": ")) != NULL)
		memmove(err, why + 2, strlen(why + 2) + 1);
	arena_release(&c->arena);
	free(c);
	return rc;
}

struct str
conf_setting_text(const struct conf_setting *cs, int64_t i,
    char dst[CONF_SETTING_TEXT])
{
	static const struct {
		const char	*name;
		int64_t		 ms, bytes;
	} unit[] = {
		{ "h", 3600000, 0 }, { "m", 60000, 0 }, { "s", 1000, 0 },
		{ "ms", 1, 0 }, { "GiB", 0, 1 << 30 }, { "MiB", 0, 1 << 20 },
		{ "KiB", 0, 1 << 10 }
	};
	size_t	 u;
	int64_t	 times;

	snprintf(dst, CONF_SETTING_TEXT, "%lld", (long long)i);
	if (cs->kind == CONF_BOOL)
		return str_of(i != 0 ? "true" : "false");
	if (cs->kind == CONF_WORD)
		return str_of(cs->words[i]);
	for (u = 0; i != 0 && u < sizeof(unit) / sizeof(*unit); u++) {
		times = cs->kind == CONF_MS ? unit[u].ms : cs->kind ==
		    CONF_SIZE ? unit[u].bytes : 0;
		if (times == 0 || i % times != 0)
			continue;
		snprintf(dst, CONF_SETTING_TEXT, "%lld%s",
		    (long long)(i / times), unit[u].name);
		break;
	}
	return str_of(dst);
}

static void
add_builtin(struct conf_reader *r)
{
	static const char *const list[][3] = {
		{ "openai", "openai-chat", "gpt-5.5" },
		{ "anthropic", "anthropic", "claude-sonnet-5" },
		{ "gemini", "gemini", "gemini-3-flash-preview" }
	};
	struct conf_provider	*p;
	unsigned		 i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		p = provider_add(r, str_of(list[i][0]));
		p->dialect = str_of(list[i][1]);
		p->default_model = str_of(list[i][2]);
	}
}

/* Where the file does not give one of the single keys, the environment may. */
static int
add_environment(struct conf_reader *r, const struct yml *map)
{
	const struct conf_row	*row;
	struct yml		 y = { .type = YML_SCALAR };
	const struct yml	*given;

	for (row = rows; row->name != NULL; row++) {
		if (row->set != set_single_key)
			continue;
		given = yml_get(map, row->name);
		if (conf_given(given) && !str_is(given->text, "..."))
			continue;
		y.text = str_trim(str_of(getenv(row->name)));
		if (!sendable(y.text) || y.text.n > SECRET_MAX)
			return conf_fail(r, NULL, "%s of the environment is no "
			    "key that could be sent", row->name);
		if (row->set(r, row, &y, r->c) == -1)
			return -1;
	}
	return 0;
}

struct conf *
conf_parse(struct str text, const char *name, char *err, size_t errsize)
{
	struct conf_reader	 r = { .name = name, .err = err,
				       .errsize = errsize };
	struct arena		 tree;
	struct yml		*map;
	size_t			 i;
	int			 rc = -1;

	_Static_assert(sizeof(rows) / sizeof(*rows) <= CONF_KEYS_MAX,
	    "a bit for each key");
	if ((r.c = calloc(1, sizeof(*r.c))) == NULL)
		fatal("calloc");
	arena_init(&r.c->arena);
	conf_defaults(&r, rows, r.c);
	add_builtin(&r);
	arena_init(&tree);
	if ((map = yml_parse(&tree, text, name, err, errsize)) != NULL &&
	    conf_rows(&r, rows, map, r.c) == 0) {
		for (i = 0; rows[i].name != NULL; i++)
			r.c->given[i] = conf_given(yml_get(map,
			    rows[i].name));
		rc = add_environment(&r, map);
	}
	arena_release(&tree);
	if (rc == 0)
		return r.c;
	conf_free(r.c);
	return NULL;
}

void
conf_free(struct conf *c)
{
	struct conf_provider	*p;
	struct conf_key		*k;

	if (c == NULL)
		return;
	for (p = c->providers; p != NULL; p = p->next)
		for (k = p->keys; k != NULL; k = k->next)
			secret_wipe(k->value);
	arena_release(&c->arena);
	free(c);
}

/* A pipe or directory is refused: reading it might never end. */
int
conf_read_file(const char *path, struct buf *b, char *err, size_t errsize)
{
	struct stat	 st;
	ssize_t		 n = -1;
	int		 fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1) {
		snprintf(err, errsize, "cannot open '%s': %s", path,
		    strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1 ||
	    (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))) {
		snprintf(err, errsize, "'%s' is not a file", path);
		close(fd);
		return -1;
	}
	while (buf_reserve(b, 16384) == 0 &&
	    (n = read(fd, b->data + b->len, 16384)) > 0)
		b->len += (size_t)n;
	if (n == -1)
		snprintf(err, errsize, "cannot read '%s': %s", path,
		    strerror(errno));
	else if (n > 0)
		snprintf(err, errsize, "%s:1: larger than %u bytes", path,
		    YML_SIZE_MAX);
	close(fd);
	return n == 0 ? 0 : -1;
}

struct conf *
conf_load(const char *path, char *err, size_t errsize)
{
	struct conf	*c = NULL;
	struct buf	 b;

	if (path == NULL)
		return conf_parse(STR(""), "default", err, errsize);
	buf_init(&b, YML_SIZE_MAX + 32768);
	if (conf_read_file(path, &b, err, errsize) == 0)
		c = conf_parse(buf_str(&b), path, err, errsize);
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return c;
}
