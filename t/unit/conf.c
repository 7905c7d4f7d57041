/*
 * app.yml: what is taken, what is refused and with which words.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "state/conf.h"
#include "tap.h"

static char	 err[1024];

static struct conf *
parse(const char *text)
{
	err[0] = '\0';
	return conf_parse(str_of(text), "app.yml", err, sizeof(err));
}

static const struct conf_provider *
provider(const struct conf *c, const char *name)
{
	const struct conf_provider	*p;

	for (p = c->providers; p != NULL; p = p->next)
		if (str_is(p->name, name))
			return p;
	return NULL;
}

static unsigned
nkeys(const struct conf *c, const char *name)
{
	const struct conf_key	*k;
	unsigned		 n = 0;

	for (k = provider(c, name)->keys; k != NULL; k = k->next)
		n++;
	return n;
}

static bool
key_is(const struct conf *c, const char *name, unsigned n, const char *value)
{
	const struct conf_key	*k = provider(c, name)->keys;

	while (n-- > 0 && k != NULL)
		k = k->next;
	return k != NULL && str_is(secret_reveal(k->value), value);
}

/* --- what is taken -------------------------------------------------------- */

static void
test_defaults(void)
{
	static const char *const text[] = { "", "\n\n", "# nothing\n", "---\n",
	    "{}", "~\n", "PORT:\nPROVIDERS:\nMODELS: ~\nHOST: ''\n",
	    "\xef\xbb\xbf# with a mark\nPORT: 8000\n" };
	struct conf	*c;
	unsigned	 i;

	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		c = parse(text[i]);
		ok(c != NULL && c->process.port == 8000 &&
		    strcmp(c->process.host, "127.0.0.1") == 0 &&
		    c->mode == CONF_TRANSFORMER && c->max_body == 32 << 20,
		    "empty file %u is the default %s", i, err);
		conf_free(c);
	}
	c = conf_load(NULL, err, sizeof(err));
	ok(c != NULL && c->process.admin_port == 3000 &&
	    strcmp(c->process.admin_host, "127.0.0.1") == 0 &&
	    c->process.workers == 0 && !c->process.debug &&
	    c->process.max_connections == 4096 && c->process.drain_ms == 30000,
	    "no file: process settings");
	ok(c->retry_tries == 4 && c->retry_ms == 60000 &&
	    c->cooldown_ms == 1000 && c->cooldown_max_ms == 300000 &&
	    c->log_days == 30 && !c->allow_anonymous &&
	    c->allowed_hosts == NULL && c->preferred_provider.n == 0 &&
	    c->models == NULL, "no file: the others");
	ok(str_is(c->providers->name, "openai") &&
	    str_is(c->providers->dialect, "openai-chat") &&
	    str_is(c->providers->default_model, "gpt-5.5") &&
	    c->providers->connect_ms == 10000 &&
	    c->providers->first_byte_ms == 300000 &&
	    c->providers->idle_ms == 300000 && c->providers->total_ms == 0 &&
	    c->providers->base_url.n == 0, "openai is built in");
	ok(str_is(provider(c, "anthropic")->default_model,
	    "claude-sonnet-5") && str_is(provider(c, "gemini")->dialect,
	    "gemini") && provider(c, "mock") == NULL, "so are the others");
	conf_free(c);
	conf_free(NULL);
}

static const char first_users[] =
    "MODE: \"transformer\"\nPORT: 8000\nHOST: \"0.0.0.0\"\nDEBUG: true\n"
    "PREFERRED_PROVIDER: anthropic\nAPI_KEY_POOLS:\n  openai:\n"
    "    keys: [\"sk-your-openai-key-1\", \"sk-your-openai-key-2\"]\n"
    "    auth_header: \"Authorization\"\n    auth_format: \"Bearer {key}\"\n"
    "  anthropic:\n    keys: [\"sk-ant-your-key-1\", \"sk-ant-your-key-2\"]\n"
    "    auth_header: \"x-api-key\"\n    auth_format: \"{key}\"\n"
    "  gemini:\n    keys: [\"your-gemini-key-1\", \"your-gemini-key-2\"]\n"
    "OPENAI_API_KEY: ...\nANTHROPIC_API_KEY: ...\nGEMINI_API_KEY: ...\n";

static void
test_first_users(void)
{
	struct conf	*c = parse(first_users);

	ok(c != NULL, "today's users' file loads %s", err);
	if (c == NULL)
		return;
	ok(strcmp(c->process.host, "0.0.0.0") == 0 && c->process.debug &&
	    str_is(c->preferred_provider, "anthropic"), "its settings");
	ok(nkeys(c, "openai") == 2 && nkeys(c, "anthropic") == 2 &&
	    nkeys(c, "gemini") == 2, "its pools, and '...' is no key");
	ok(key_is(c, "openai", 1, "sk-your-openai-key-2"), "their order");
	ok(str_is(provider(c, "anthropic")->auth_header, "x-api-key") &&
	    str_is(provider(c, "anthropic")->auth_format, "{key}") &&
	    provider(c, "gemini")->auth_header.n == 0, "their headers");
	conf_free(c);
}

static void
test_keys(void)
{
	struct conf	*c;

	c = parse("API_KEY_POOLS: {openai: [a1, b2, a1, '', ...]}\n"
	    "OPENAI_API_KEY: c3\nANTHROPIC_API_KEY: d4\n"
	    "PROVIDERS: {openai: {keys: [e5, b2]}}\n");
	ok(c != NULL && nkeys(c, "openai") == 4 &&
	    key_is(c, "openai", 0, "e5") && key_is(c, "openai", 3, "c3") &&
	    key_is(c, "anthropic", 0, "d4"),
	    "keys of all places are one pool, each once %s", err);
	conf_free(c);

	setenv("OPENAI_API_KEY", "from-env", 1);
	setenv("GEMINI_API_KEY", "g-env\n", 1);
	c = conf_load(NULL, err, sizeof(err));
	ok(c != NULL && key_is(c, "openai", 0, "from-env") &&
	    key_is(c, "gemini", 0, "g-env") && nkeys(c, "anthropic") == 0,
	    "the environment's keys");
	conf_free(c);
	c = parse("OPENAI_API_KEY: from-file\n");
	ok(c != NULL && nkeys(c, "openai") == 1 &&
	    key_is(c, "openai", 0, "from-file"), "the file's goes before");
	conf_free(c);
	c = parse("OPENAI_API_KEY: ...\n");
	ok(c != NULL && key_is(c, "openai", 0, "from-env"),
	    "'...' is not given");
	conf_free(c);
	setenv("OPENAI_API_KEY", "two\nlines", 1);
	ok(parse("") == NULL && strcmp(err, "app.yml: OPENAI_API_KEY of the "
	    "environment is no key that could be sent") == 0,
	    "a key with a line end: %s", err);
	unsetenv("OPENAI_API_KEY");
	unsetenv("GEMINI_API_KEY");
}

static void
test_providers(void)
{
	const struct conf_provider	*p;
	struct conf			*c;

	c = parse("SERVER_TOOLS: {web_search: drop, openai/shell: map}\n");
	ok(c != NULL && str_is(c->server_tools, "web_search drop\n"
	    "openai/shell map\n"), "verdicts on tools: %s", err);
	conf_free(c);
	c = parse("PROVIDERS:\n  - name: local\n    dialect: openai-chat\n"
	    "    base_url: http://[::1]:11434/v1/\n    keyless: yes\n"
	    "    headers: {X-Team: 'a b', X-Other: \xc3\xa4}\n"
	    "    default_model: m\n    proxy: socks5h://u:p@h:1080\n"
	    "    ca_file: /ca.pem\n    connect_timeout: 500ms\n"
	    "    first_byte_timeout: 10\n    idle_timeout: 2m\n"
	    "    total_timeout: 1h\n    auth_header: X-Key\n"
	    "    auth_format: 'Key {key}'\n"
	    "  - {name: openai, base_url: 'https://example.org'}\n");
	p = c == NULL ? NULL : provider(c, "local");
	ok(p != NULL, "a list of providers %s", err);
	if (p == NULL)
		return;
	ok(str_is(p->base_url, "http://[::1]:11434/v1") && p->keyless &&
	    str_is(p->default_model, "m") && str_is(p->ca_file, "/ca.pem") &&
	    str_is(p->proxy, "socks5h://u:p@h:1080"), "its texts");
	ok(p->connect_ms == 500 && p->first_byte_ms == 10000 &&
	    p->idle_ms == 120000 && p->total_ms == 3600000, "its durations");
	ok(p->headers != NULL && str_is(p->headers->name, "X-Team") &&
	    str_is(p->headers->value, "a b") && p->headers->next != NULL &&
	    p->headers->next->next == NULL, "its headers");
	p = provider(c, "openai");
	ok(str_is(p->base_url, "https://example.org") &&
	    str_is(p->dialect, "openai-chat"), "a built-in one, changed");
	conf_free(c);
	c = parse("PROVIDERS: {a-b_9: {dialect: gemini}}\n"
	    "API_KEY_POOLS: {a-b_9: {keys: k}}\n"
	    "PREFERRED_PROVIDER: a-b_9\n");
	ok(c != NULL && nkeys(c, "a-b_9") == 1, "a map of providers %s", err);
	conf_free(c);
}

static void
test_models(void)
{
	const struct conf_model	*m;
	struct conf		*c;

	c = parse("MODELS:\n - {route_key: a, target_model: b, provider: "
	    "openai, mode: direct}\n - {name: c, model: d, provider: mock}\n"
	    " - route_key: e\n   provider: gemini\n");
	m = c == NULL ? NULL : c->models;
	ok(m != NULL && str_is(m->route_key, "a") && str_is(m->target, "b") &&
	    str_is(m->provider, "openai") && m->mode == CONF_DIRECT,
	    "a model %s", err);
	m = m == NULL ? NULL : m->next;
	ok(m != NULL && str_is(m->route_key, "c") && str_is(m->target, "d") &&
	    str_is(m->provider, "mock") && m->mode == -1, "by other words");
	m = m == NULL ? NULL : m->next;
	ok(m != NULL && str_is(m->target, "e") && m->next == NULL,
	    "the same name at the provider");
	conf_free(c);
}

static void
test_values(void)
{
	struct conf	*c;

	c = parse("PORT: '0'\nDEBUG: ON\nALLOW_ANONYMOUS: 1\nMAX_BODY: 4 k\n"
	    "RETRY_TIME: 1500ms\nCOOLDOWN: 0\nCOOLDOWN_MAX: 1 min\n"
	    "HOST: '::1'\nALLOWED_HOSTS: [a.example, '[fe80::1]', a.example]\n"
	    "MODE: direct\nLOG_DAYS: 0\n");
	ok(c != NULL && c->process.port == 0 && c->process.debug &&
	    c->allow_anonymous && c->max_body == 4096, "values %s", err);
	ok(c != NULL && c->retry_ms == 1500 && c->cooldown_ms == 0 &&
	    c->cooldown_max_ms == 60000 && c->mode == CONF_DIRECT &&
	    c->log_days == 0 && strcmp(c->process.host, "::1") == 0,
	    "more values");
	ok(c != NULL && c->allowed_hosts != NULL &&
	    str_is(c->allowed_hosts->next->s, "[fe80::1]") &&
	    c->allowed_hosts->next->next == NULL, "hosts, each once");
	conf_free(c);
	c = parse("MAX_BODY: 2MB\nALLOWED_HOSTS: one\n");
	ok(c != NULL && c->max_body == 2000000 &&
	    str_is(c->allowed_hosts->s, "one"), "decimal size, one host");
	conf_free(c);
}

static void
test_environment(void)
{
	struct conf	*c;

	setenv("CT_PORT", "81", 1);
	setenv("CT_EMPTY", "", 1);
	setenv("CT_YAML", "a, b]\nPORT: 1\n- [x", 1);
	setenv("CT_FLOW", "x, y], evil: [z", 1);
	setenv("CT_BAD", "\xff", 1);
	unsetenv("CT_NONE");
	c = parse("PORT: ${CT_PORT}\nADMIN_PORT: '3${CT_PORT}'\n"
	    "WORKERS: ${CT_NONE:-3}\nRETRY_TRIES: ${CT_EMPTY:-2}\n"
	    "LOG_DAYS: ${CT_EMPTY}\n"
	    "API_KEY_POOLS: {openai: [\"${CT_FLOW}\", '$${x}', '$5$']}\n");
	ok(c != NULL && c->process.port == 81 &&
	    c->process.admin_port == 381 && c->process.workers == 3 &&
	    c->retry_tries == 2 && c->log_days == 30, "variables %s", err);
	ok(c != NULL && nkeys(c, "openai") == 3 &&
	    key_is(c, "openai", 0, "x, y], evil: [z") &&
	    key_is(c, "openai", 1, "${x}") && key_is(c, "openai", 2, "$5$"),
	    "a variable is never more than one value");
	conf_free(c);
}

/* --- what is refused ------------------------------------------------------ */

static const struct {
	const char	*text, *err;
} bad[] = {
	{ "MODE: direct\nPROT: 1\n",
	  "app.yml:2: unknown key 'PROT', did you mean 'PORT'?" },
	{ "SERVER_TOOLS: {shell: away}\n", "app.yml:1: SERVER_TOOLS.shell: "
	  "expected pass, map, drop or refuse" },
	{ "port: 1\n", "app.yml:1: unknown key 'port', did you mean 'PORT'?" },
	{ "API_KEY_POOL: {}\n", "app.yml:1: unknown key 'API_KEY_POOL', did "
	  "you mean 'API_KEY_POOLS'?" },
	{ "\nzzz: 1\n", "app.yml:2: unknown key 'zzz'; app.yml(5) lists those "
	  "that are known" },
	{ "PORT: 80a\n", "app.yml:1: PORT: expected a whole number from 0 to "
	  "65535, not '80a'" },
	{ "PORT: 65536\n", "app.yml:1: PORT: expected a whole number from 0 "
	  "to 65535, not '65536'" },
	{ "PORT: -1\n", "app.yml:1: PORT: expected a whole number from 0 to "
	  "65535, not '-1'" },
	{ "PORT: 99999999999999999999\n", "app.yml:1: PORT: expected a whole "
	  "number from 0 to 65535, not '99999999999999999999'" },
	{ "PORT: [1]\n", "app.yml:1: PORT: expected a number, not a list" },
	{ "MODE: {a: b}\n", "app.yml:1: MODE: expected transformer or direct, "
	  "not a map" },
	{ "MODE: fast\n", "app.yml:1: MODE: expected transformer or direct, "
	  "not 'fast'" },
	{ "DEBUG: maybe\n",
	  "app.yml:1: DEBUG: expected true or false, not 'maybe'" },
	{ "HOST: 'a b'\n", "app.yml:1: HOST: expected an address or host "
	  "name, without a port, not 'a b'" },
	{ "MAX_BODY: 2GiB\n", "app.yml:1: MAX_BODY: expected a size from 1024 "
	  "to 1073741824 bytes, such as 32MiB, not '2GiB'" },
	{ "MAX_BODY: 5\n", "app.yml:1: MAX_BODY: expected a size from 1024 "
	  "to 1073741824 bytes, such as 32MiB, not '5'" },
	{ "RETRY_TIME: 5 days\n", "app.yml:1: RETRY_TIME: expected a duration "
	  "from 0ms to 86400s, such as 500ms, 10s or 2m, not '5 days'" },
	{ "RETRY_TIME: s\n", "app.yml:1: RETRY_TIME: expected a duration "
	  "from 0ms to 86400s, such as 500ms, 10s or 2m, not 's'" },
	{ "RETRY_TRIES: 0\n", "app.yml:1: RETRY_TRIES: expected a whole "
	  "number from 1 to 8, not '0'" },
	{ "ALLOWED_HOSTS: ['a:80']\n", "app.yml:1: ALLOWED_HOSTS[0]: "
	  "expected a host name without a port" },
	{ "ALLOWED_HOSTS: {a: b}\n",
	  "app.yml:1: ALLOWED_HOSTS: expected a list of host names" },
	{ "PREFERRED_PROVIDER: antropic\n",
	  "app.yml:1: PREFERRED_PROVIDER: unknown provider 'antropic', did "
	  "you mean 'anthropic'? (known: openai, anthropic, gemini)" },
	{ "API_KEY_POOLS:\n  deepseek:\n    keys: [a]\n",
	  "app.yml:2: API_KEY_POOLS.deepseek: unknown provider 'deepseek' "
	  "(known: openai, anthropic, gemini; others are defined in "
	  "PROVIDERS)" },
	{ "API_KEY_POOLS: [a]\n", "app.yml:1: API_KEY_POOLS: expected a map "
	  "of providers and their keys" },
	{ "API_KEY_POOLS: {mock: [a]}\n", "app.yml:1: API_KEY_POOLS.mock: "
	  "unknown provider 'mock' (known: openai, anthropic, gemini; others "
	  "are defined in PROVIDERS)" },
	{ "API_KEY_POOLS:\n  openai:\n    keys:\n      - [a]\n",
	  "app.yml:4: API_KEY_POOLS.openai.keys[0]: expected a key, not a "
	  "list" },
	{ "API_KEY_POOLS: {openai: {keys: {a: b}}}\n",
	  "app.yml:1: API_KEY_POOLS.openai.keys: expected a list of keys" },
	{ "API_KEY_POOLS: {openai: {kees: [a]}}\n", "app.yml:1: "
	  "API_KEY_POOLS.openai: unknown key 'kees', did you mean 'keys'?" },
	{ "API_KEY_POOLS: {openai: {keys: [\"a\\nb\"]}}\n",
	  "app.yml:1: a value holds a control character (0x0a)" },
	{ "API_KEY_POOLS: {openai: {keys: [\"a\\0b\"]}}\n",
	  "app.yml:1: a value holds a control character (0x00)" },
	{ "OPENAI_API_KEY: [a]\n", "app.yml:1: OPENAI_API_KEY: expected one "
	  "key; several are written in API_KEY_POOLS" },
	{ "API_KEY_POOLS: {openai: {auth_format: key}}\n",
	  "app.yml:1: API_KEY_POOLS.openai.auth_format: expected a text with "
	  "{key} in it once, such as 'Bearer {key}'" },
	{ "API_KEY_POOLS: {openai: {auth_format: '{key}{key}'}}\n",
	  "app.yml:1: API_KEY_POOLS.openai.auth_format: expected a text with "
	  "{key} in it once, such as 'Bearer {key}'" },
	{ "API_KEY_POOLS: {openai: {auth_format: \"{key}\\r\\nX: y\"}}\n",
	  "app.yml:1: a value holds a control character (0x0d)" },
	{ "API_KEY_POOLS: {openai: {auth_header: 'a: b'}}\n",
	  "app.yml:1: API_KEY_POOLS.openai.auth_header: 'a: b' is no name of "
	  "a header" },
	{ "PROVIDERS: x\n",
	  "app.yml:1: PROVIDERS: expected a list or map of providers" },
	{ "PROVIDERS: [{dialect: gemini}]\n",
	  "app.yml:1: PROVIDERS[0]: expected a provider with a name" },
	{ "PROVIDERS: [{name: a, dialect: gemini},\n {name: a}]\n",
	  "app.yml:2: PROVIDERS[1].name: 'a' stands here twice, first on line "
	  "1" },
	{ "PROVIDERS: {A: {dialect: gemini}}\n", "app.yml:1: PROVIDERS.A: a "
	  "provider's name is 1 to 64 of a-z 0-9 _ -, not 'A'" },
	{ "PROVIDERS: {mock: {dialect: gemini}}\n", "app.yml:1: "
	  "PROVIDERS.mock: 'mock' is the provider that is always there; "
	  "choose another name" },
	{ "PROVIDERS:\n  a:\n    base_url: http://b\n",
	  "app.yml:2: PROVIDERS.a: a provider needs a dialect: openai-chat, "
	  "openai-responses, anthropic or gemini" },
	{ "PROVIDERS: {a: {dialect: openai_chat}}\n",
	  "app.yml:1: PROVIDERS.a.dialect: unknown dialect 'openai_chat', "
	  "did you mean 'openai-chat'?" },
	{ "PROVIDERS: {a: {dialect: [b]}}\n",
	  "app.yml:1: PROVIDERS.a.dialect: expected a dialect's name, not a "
	  "list" },
	{ "PROVIDERS: {openai: {dialect: gemini}}\n",
	  "app.yml:1: PROVIDERS.openai: the dialect of 'openai' is "
	  "'openai-chat'" },
	{ "PROVIDERS: {openai: {base_url: 'ftp://a'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL must begin with "
	  "http:// or https://; expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {base_url: 'https://u:pw@a/'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL must not hold a user "
	  "name or password; expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {base_url: 'https://a/b?c=d'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL must not have a "
	  "query or fragment; expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {base_url: 'https://a:99999/'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL has a port that is "
	  "no number from 1 to 65535; expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {base_url: 'https:///b'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL has no host name; "
	  "expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {base_url: 'https://a b/'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL has no valid host "
	  "name; expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {base_url: 'https://a/ b'}}\n",
	  "app.yml:1: PROVIDERS.openai.base_url: the URL has a character that "
	  "a path cannot hold; expected http(s)://host[:port][/path]" },
	{ "PROVIDERS: {openai: {proxy: 'u:secret@h'}}\n",
	  "app.yml:1: PROVIDERS.openai.proxy: expected a proxy such as "
	  "http://host:port or socks5h://user:password@host:port" },
	{ "PROVIDERS: {openai: {headers: {Content-Length: 1}}}\n",
	  "app.yml:1: PROVIDERS.openai.headers.Content-Length: "
	  "'Content-Length' is a header that the gateway sets itself" },
	{ "PROVIDERS: {openai: {headers: {'a b': 1}}}\n", "app.yml:1: "
	  "PROVIDERS.openai.headers.a b: 'a b' is no name of a header" },
	{ "PROVIDERS: {openai: {headers: {a: \"x\\r\\nEvil: 1\"}}}\n",
	  "app.yml:1: a value holds a control character (0x0d)" },
	{ "PROVIDERS: {openai: {connect_timeout: 0}}\n",
	  "app.yml:1: PROVIDERS.openai.connect_timeout: expected a duration "
	  "from 1ms to 3600s, such as 500ms, 10s or 2m, not '0'" },
	{ "MODELS: {a: b}\n", "app.yml:1: MODELS: expected a list of models" },
	{ "MODELS: [a]\n",
	  "app.yml:1: MODELS[0]: expected a map of keys and values" },
	{ "MODELS:\n - {provider: openai}\n",
	  "app.yml:2: MODELS[0]: a model needs a route_key" },
	{ "MODELS:\n - {name: a}\n",
	  "app.yml:2: MODELS[0]: a model needs a provider" },
	{ "MODELS:\n - {name: a, provider: b}\n",
	  "app.yml:2: MODELS[0].provider: unknown provider 'b' (known: "
	  "openai, anthropic, gemini; others are defined in PROVIDERS)" },
	{ "MODELS:\n - {name: a, route_key: b, provider: openai}\n",
	  "app.yml:2: MODELS[0].name: this was said by another name already" },
	{ "MODELS:\n - {name: a, provider: openai}\n - {name: a, provider: "
	  "gemini}\n", "app.yml:3: MODELS[1]: a second model 'a'" },
	{ "MODELS:\n - {nam: a}\n",
	  "app.yml:2: MODELS[0]: unknown key 'nam', did you mean 'name'?" },
	/* the file itself */
	{ "PORT: 1\nPORT: 2\n",
	  "app.yml:2: 'PORT' stands here twice, first on line 1" },
	{ "PORT: &a 1\nADMIN_PORT: *a\n",
	  "app.yml:1: anchors (&) are not taken" },
	{ "PORT: *a\n", "app.yml:1: aliases (*) are not taken" },
	{ "*a : 1\n", "app.yml:1: aliases (*) are not taken" },
	{ "MODELS: &x [a]\n", "app.yml:1: anchors (&) are not taken" },
	{ "PORT: !!int 1\n", "app.yml:1: tags (!) are not taken" },
	{ "PORT: !ruby/object 1\n", "app.yml:1: tags (!) are not taken" },
	{ "<<: {PORT: 1}\n", "app.yml:1: unknown key '<<'; app.yml(5) lists "
	  "those that are known" },
	{ "PORT: 1\n---\nPORT: 2\n", "app.yml:2: a second document" },
	{ "a: [[[[[[[[[[[[1]]]]]]]]]]]]\n",
	  "app.yml:1: nested deeper than 8" },
	{ "? [a]\n: 1\n", "app.yml:1: a key must be a plain word" },
	{ "- a\n", "app.yml:1: expected a map of keys and values" },
	{ "just words\n", "app.yml:1: expected a map of keys and values" },
	{ "PORT: '1\n", "app.yml:2: not YAML: found unexpected end of stream" },
	{ "PORT: 1\n\tHOST: a\n", "app.yml:2: not YAML: found a tab character "
	  "that violates indentation" },
	{ "PORT: 1\nMODE: [a\n", "app.yml:3: not YAML: did not find expected "
	  "',' or ']'" },
	{ "PORT: \x01\n", "app.yml:1: not a text: control characters are not "
	  "allowed at byte 6" },
	{ "PORT: \xff\n", "app.yml:1: not a text: invalid leading UTF-8 octet "
	  "at byte 6" },
	/* the environment */
	{ "PORT: ${CT_NONE}\n", "app.yml:1: the environment has no 'CT_NONE'; "
	  "${CT_NONE:-default} would need none" },
	{ "PORT: ${CT_NONE\n", "app.yml:1: '${' without '}' (a literal one is "
	  "written '$${')" },
	{ "PORT: ${a-b}\n", "app.yml:1: '${a-b}' is neither ${NAME} nor "
	  "${NAME:-default}" },
	{ "PORT: ${}\n", "app.yml:1: '${}' is neither ${NAME} nor "
	  "${NAME:-default}" },
	{ "PORT: ${$(id)}\n", "app.yml:1: '${$(id)}' is neither ${NAME} nor "
	  "${NAME:-default}" },
	{ "API_KEY_POOLS: {openai: [\"${CT_YAML}\"]}\n",
	  "app.yml:1: a value holds a control character (0x0a)" },
	{ "OPENAI_API_KEY: ${CT_BAD}\n",
	  "app.yml:1: a value is not valid UTF-8" },
	{ "${CT_PORT}: 1\n", "app.yml:1: unknown key '${CT_PORT}'; app.yml(5) "
	  "lists those that are known" },
};

static void
test_bad(void)
{
	struct conf	*c;
	unsigned	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = parse(bad[i].text);
		ok(c == NULL && strcmp(err, bad[i].err) == 0, "refused: %s",
		    bad[i].err);
		if (c != NULL || strcmp(err, bad[i].err) != 0)
			printf("# got: %s\n", c != NULL ? "a conf" : err);
		conf_free(c);
	}
}

/* Between two texts n times another, with its number where it ends in '#'. */
static struct conf *
parse_many(const char *before, const char *many, unsigned n,
    const char *after)
{
	struct conf	*c;
	struct buf	 b;
	size_t		 len = strcspn(many, "#");

	buf_init(&b, 4 << 20);
	buf_addz(&b, before);
	while (n-- > 0) {
		buf_add(&b, many, len);
		if (many[len] == '#')
			buf_addf(&b, "%u", n);
	}
	buf_addz(&b, after);
	c = conf_parse(buf_str(&b), "app.yml", err, sizeof(err));
	buf_release(&b);
	return c;
}

static void
test_limits(void)
{
	struct conf	*c;

	c = parse_many("# ", "abcd", 1 << 18, "\n");
	ok(c == NULL && strcmp(err, "app.yml:1: larger than 1048576 bytes") ==
	    0, "too large: %s", err);
	c = parse_many("# ", "abcd", (1 << 18) - 1, "\n");
	ok(c != NULL, "as large as it may be");
	conf_free(c);
	c = parse_many("API_KEY_POOLS: {openai: [k0", ",k#", 1024, ",k0]}");
	ok(c != NULL && nkeys(c, "openai") == 1024, "1024 keys");
	conf_free(c);
	c = parse_many("API_KEY_POOLS: {openai: [k0", ",k#", 1025, "]}");
	ok(c == NULL && strcmp(err, "app.yml:1: API_KEY_POOLS.openai[1024]: "
	    "more than 1024 keys in all") == 0, "1025 keys: %s", err);
	c = parse_many("OPENAI_API_KEY: ", "abcd", 1024, "");
	ok(c != NULL, "a key of 4096 bytes");
	conf_free(c);
	c = parse_many("OPENAI_API_KEY: ", "abcd", 1024, "x");
	ok(c == NULL && strcmp(err, "app.yml:1: OPENAI_API_KEY: a key is "
	    "longer than 4096 bytes") == 0, "a longer one: %s", err);
	c = parse_many("OPENAI_API_KEY: ", "abcd", 4096, "");
	ok(c == NULL && strcmp(err, "app.yml:1: a value is longer than 8192 "
	    "bytes") == 0, "a huge one: %s", err);
	c = parse_many("a: [", "1,", 20000, "]");
	ok(c == NULL && strcmp(err, "app.yml:1: more than 16384 values") == 0,
	    "too many values: %s", err);
	c = parse_many("", "[", 50000, "");
	ok(c == NULL && strcmp(err, "app.yml:1: nested deeper than 8") == 0,
	    "very deep: %s", err);
	c = conf_parse((struct str){ "PORT: 1\0\n", 9 }, "app.yml", err,
	    sizeof(err));
	ok(c == NULL && strstr(err, "control characters") != NULL,
	    "a NUL: %s", err);
}

/* --- files and processes -------------------------------------------------- */

static char	 dir[] = "/tmp/proxyd-conf-XXXXXX";
static char	 path[64];

static void
write_file(const char *text)
{
	FILE	*f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		fatal("%s", path);
}

static void
test_files(void)
{
	struct conf	*c;
	char		 want[128];

	snprintf(path, sizeof(path), "%s/app.yml", dir);
	c = conf_load(path, err, sizeof(err));
	snprintf(want, sizeof(want), "cannot open '%s': No such file or "
	    "directory", path);
	ok(c == NULL && strcmp(err, want) == 0, "no such file: %s", err);
	c = conf_load(dir, err, sizeof(err));
	snprintf(want, sizeof(want), "'%s' is not a file", dir);
	ok(c == NULL && strcmp(err, want) == 0, "a directory: %s", err);
	mkfifo(path, 0600);
	c = conf_load(path, err, sizeof(err));
	ok(c == NULL && strstr(err, "is not a file") != NULL,
	    "a pipe does not hang: %s", err);
	unlink(path);
	c = conf_load("/dev/null", err, sizeof(err));
	ok(c != NULL, "/dev/null is the default");
	conf_free(c);
	c = conf_load("/dev/zero", err, sizeof(err));
	ok(c == NULL && strstr(err, "larger than") != NULL,
	    "an endless file: %s", err);
	write_file("PORT: 9\nHOST: 10.0.0.1\n");
	c = conf_load(path, err, sizeof(err));
	ok(c != NULL && c->process.port == 9, "a file");
	conf_free(c);
}

static void
test_process(void)
{
	struct conf_process	 p;
	char			 want[128];
	int			 rc;

	rc = conf_process_load(path, &p, err, sizeof(err));
	ok(rc == 0 && p.port == 9 && strcmp(p.host, "10.0.0.1") == 0 &&
	    p.admin_port == 3000, "settings by way of a child");
	write_file("PORT: 9\nHORST: a\n");
	rc = conf_process_load(path, &p, err, sizeof(err));
	snprintf(want, sizeof(want), "%s:2: unknown key 'HORST', did you mean "
	    "'HOST'?", path);
	ok(rc == -1 && strcmp(err, want) == 0, "errors too: %s", err);
	rc = conf_process_load(NULL, &p, err, sizeof(err));
	ok(rc == 0 && p.port == 8000, "the default too");
	ok(waitpid(-1, NULL, WNOHANG) == -1, "no child is left");
	unlink(path);
}

static void
test_paths(void)
{
	struct conf_paths	 p;
	char			 cwd[512], want[600], big[1200];

	unsetenv("PROXYD_HOME");
	unsetenv("CREDENTIALS_DIRECTORY");
	ok(getcwd(cwd, sizeof(cwd)) != NULL &&
	    conf_paths_init(&p, NULL) == 0, "default places");
	snprintf(want, sizeof(want), "%s/var", cwd);
	ok(strcmp(p.home, want) == 0, "%s", p.home);
	snprintf(want, sizeof(want), "%s/var/proxyd.db", cwd);
	ok(strcmp(p.db, want) == 0, "%s", p.db);
	setenv("PROXYD_HOME", "/srv/x/", 1);
	ok(conf_paths_init(&p, NULL) == 0 && strcmp(p.home, "/srv/x") == 0 &&
	    strcmp(p.control, "/srv/x/proxyd.sock") == 0, "PROXYD_HOME");
	ok(conf_paths_init(&p, "/y") == 0 &&
	    strcmp(p.secret, "/y/secret.key") == 0, "a directory that is given");
	memset(big, 'a', sizeof(big));
	big[0] = '/';
	big[sizeof(big) - 1] = '\0';
	ok(conf_paths_init(&p, big) == -1, "a name that is too long");
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	ok(conf_paths_init(&p, "/y") == 0 &&
	    strcmp(p.secret, "/y/secret.key") == 0, "no credential");
	snprintf(path, sizeof(path), "%s/secret.key", dir);
	write_file("");
	ok(conf_paths_init(&p, "/y") == 0 && strcmp(p.secret, path) == 0,
	    "a credential");
	unlink(path);
	unsetenv("PROXYD_HOME");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* --- what stands elsewhere ------------------------------------------------ */

static struct buf	 manual, sample;

static void
slurp(const char *name, struct buf *b)
{
	FILE	*f = fopen(name, "r");
	char	 chunk[4096];
	size_t	 n;

	buf_init(b, 1 << 20);
	if (f == NULL)
		return;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	fclose(f);
}

static bool
holds(const struct buf *b, const char *text)
{
	return b->len > 0 && strstr(b->data, text) != NULL;
}

/* ".It Cm KEY" alone, or with others in one line, and its default there. */
static void
check_setting(void *arg, const struct conf_setting *s)
{
	char	 item[2][128], dflt[128];

	(void)arg;
	snprintf(item[0], sizeof(item[0]), ".It Cm %s", s->name);
	snprintf(item[1], sizeof(item[1]), ", %s\n", s->name);
	snprintf(dflt, sizeof(dflt), "%s .\n", s->deflt);
	ok(holds(&manual, item[0]) || holds(&manual, item[1]),
	    "app.yml(5) has '%s'", s->name);
	ok(s->deflt[0] == '\0' || holds(&manual, dflt),
	    "and its default, '%s'", s->deflt);
	snprintf(item[0], sizeof(item[0]), "%s:", s->name);
	snprintf(dflt, sizeof(dflt), "\n%s: %s", s->name, s->deflt);
	if (s->section[0] != '\0')
		return;
	ok(holds(&sample, item[0]) && (s->deflt[0] == '\0' ||
	    holds(&sample, dflt)), "etc/app.yml has '%s: %s'", s->name,
	    s->deflt);
}

static void
test_manual(void)
{
	struct conf	*c;

	slurp("man/app.yml.5", &manual);
	slurp("etc/app.yml", &sample);
	conf_settings_each(check_setting, NULL);
	buf_release(&manual);
	buf_release(&sample);
	err[0] = '\0';
	c = conf_load("etc/app.yml", err, sizeof(err));
	ok(c != NULL && c->process.port == 8000 && c->models == NULL &&
	    nkeys(c, "openai") == 0, "the sample loads as it is %s", err);
	conf_free(c);
}

int
main(void)
{
	log_init("conf.t", false);
	unsetenv("OPENAI_API_KEY");
	unsetenv("ANTHROPIC_API_KEY");
	unsetenv("GEMINI_API_KEY");
	if (mkdtemp(dir) == NULL)
		fatal("mkdtemp");
	test_defaults();
	test_first_users();
	test_keys();
	test_providers();
	test_models();
	test_values();
	test_environment();
	test_bad();
	test_limits();
	test_files();
	test_process();
	test_paths();
	test_manual();
	rmdir(dir);
	return done();
}
