#ifndef PROXYCTL_OPTIONS_H
#define PROXYCTL_OPTIONS_H

/*
 * Every option, once: OPT(id, name, kind of its value, name of the value, what
 * it is for).  Two may have one name, where words mean different things by it;
 * a word takes one of them.  Of ARG_ONE the value's name is the list of what is
 * allowed.
 */
#define CTL_OPTIONS							\
	OPT(HOME, "--home", ARG_DIR, "dir",				\
	    "where database, keys and sockets are ($PROXYD_HOME, or var)") \
	OPT(CONFIG, "--config", ARG_FILE, "file",			\
	    "app.yml (default: ./app.yml if there is one)")		\
	OPT(PORT, "--port", ARG_NUMBER, "number", "listen there instead") \
	OPT(WEB, "--web", ARG_NONE, "", "admind, the management server") \
	OPT(API, "--api", ARG_NONE, "", "proxyd, the API server")	\
	OPT(ALL, "--all", ARG_NONE, "", "both")				\
	OPT(NO_RELOAD, "--no-reload", ARG_NONE, "",			\
	    "do not reload when app.yml changes")			\
	OPT(FOREGROUND, "--foreground", ARG_NONE, "",			\
	    "stay, log to standard error")				\
	OPT(NOW, "--now", ARG_NONE, "", "cut requests off that run")	\
	OPT(JSON, "--json", ARG_NONE, "", "print JSON")			\
	OPT(FROM, "--from", ARG_DIALECT, "dialect", "of standard input") \
	OPT(TO, "--to", ARG_DIALECT, "dialect", "of standard output")	\
	OPT(RESPONSE, "--response", ARG_NONE, "",			\
	    "an answer, not a request")					\
	OPT(STREAM, "--stream", ARG_NONE, "",				\
	    "ask for a stream; of an answer: write one")		\
	OPT(MODEL, "--model", ARG_TEXT, "name",				\
	    "ask for this model; needed from gemini")			\
	OPT(EXPLAIN, "--explain", ARG_NONE, "",				\
	    "report as JSON, with the target's path")			\
	OPT(ASK_DIALECT, "--dialect", ARG_DIALECT, "dialect",		\
	    "the request's; else as --path says, else openai-chat")	\
	OPT(ASK_PATH, "--path", ARG_TEXT, "path",			\
	    "under which it is asked; else the dialect's own")		\
	OPT(ASK_HEADER, "--header", ARG_TEXT, "'name: value'",		\
	    "a header of the request")					\
	OPT(ASK_TENANT, "--tenant", ARG_TENANT, "name", "who asks")	\
	OPT(ASK_CLIENT_KEY, "--client-key", ARG_CLIENT_KEY, "name",	\
	    "the name of the key with which it is asked")		\
	OPT(NAMES, "--names", ARG_ONE,					\
	    "provider|model|rule|pool|key|tenant|client-key|user|request",	\
	    "print what there is of that kind, a line each")		\
	OPT(FILE, "--file", ARG_FILE, "file",				\
	    "a JSON object with the members; - is standard input")	\
	OPT(SET, "--set", ARG_TEXT, "member=value",			\
	    "any other member, as JSON or plain text")			\
	OPT(NAME, "--name", ARG_TEXT, "name", "what it is called")	\
	OPT(NOTE, "--note", ARG_TEXT, "text", "for people")		\
	OPT(ENABLED, "--enabled", ARG_ONE, "yes|no", "whether it is used") \
	OPT(PROVIDER, "--provider", ARG_PROVIDER, "name", "a provider's name") \
	/* models */							\
	OPT(ROUTE_KEY, "--route-key", ARG_TEXT, "name",			\
	    "the name that clients ask for")				\
	OPT(TARGET_MODEL, "--target-model", ARG_TEXT, "name",		\
	    "what the provider calls it")				\
	OPT(USE_POOL, "--pool", ARG_POOL, "name",			\
	    "a pool of the provider's keys; '' for all of them")	\
	OPT(MODE, "--mode", ARG_ONE, "transformer|direct|",		\
	    "'' for what MODE in app.yml says")				\
	/* providers */							\
	OPT(DIALECT, "--dialect", ARG_DIALECT, "dialect",		\
	    "the API that it speaks")					\
	OPT(BASE_URL, "--base-url", ARG_TEXT, "url",			\
	    "where it is; '' for the dialect's own")			\
	OPT(AUTH_HEADER, "--auth-header", ARG_TEXT, "name",		\
	    "the header that the key goes into")			\
	OPT(AUTH_FORMAT, "--auth-format", ARG_TEXT, "text",		\
	    "its value, with {key} for the key")			\
	OPT(DEFAULT_MODEL, "--default-model", ARG_TEXT, "name",		\
	    "for requests whose model it does not have")		\
	OPT(CA_FILE, "--ca-file", ARG_FILE, "file",			\
	    "certificates that are trusted instead")			\
	OPT(KEYLESS, "--keyless", ARG_ONE, "yes|no", "it needs no key")	\
	OPT(CONNECT_MS, "--connect-ms", ARG_NUMBER, "ms",		\
	    "time-out of connecting")					\
	OPT(FIRST_BYTE_MS, "--first-byte-ms", ARG_NUMBER, "ms",		\
	    "time-out up to the first byte")				\
	OPT(IDLE_MS, "--idle-ms", ARG_NUMBER, "ms",			\
	    "time-out between bytes")					\
	OPT(TOTAL_MS, "--total-ms", ARG_NUMBER, "ms",			\
	    "time-out of all; 0: none")					\
	OPT(STRATEGY, "--strategy", ARG_ONE,				\
	    "round_robin|least_used|random|priority|weighted",		\
	    "which key comes next")					\
	/* pools */							\
	OPT(KEY, "--key", ARG_KEY, "id",				\
	    "a key in it, by id or mask; all that it has are given")	\
	/* keys */							\
	OPT(API_KEY, "--api-key", ARG_TEXT, "key",			\
	    "the key; - reads standard input, which nobody else sees")	\
	OPT(API_KEY_FILE, "--api-key-file", ARG_FILE, "file",		\
	    "a file with the key, which nobody else sees")		\
	OPT(WEIGHT, "--weight", ARG_NUMBER, "number",			\
	    "its share, with the strategy weighted")			\
	OPT(PRIORITY, "--priority", ARG_NUMBER, "number",		\
	    "the highest first, with the strategy priority")		\
	OPT(MAX_CONCURRENT, "--max-concurrent", ARG_NUMBER, "number",	\
	    "requests at once; 0: no limit")				\
	OPT(RPM, "--rpm", ARG_NUMBER, "number",				\
	    "requests a minute; 0: no limit")				\
	OPT(TPM, "--tpm", ARG_NUMBER, "number",				\
	    "tokens a minute; 0: no limit")				\
	OPT(MODELS, "--model", ARG_TEXT, "pattern",			\
	    "a model that it is for; '' for all")			\
	OPT(EXPIRES, "--expires", ARG_TIME, "time",			\
	    "until when: 30d, 2026-12-31, or never")			\
	OPT(WHY, "--why", ARG_TEXT, "text", "what list shows beside it") \
	OPT(EVERY, "--all", ARG_NONE, "", "all of them")		\
	/* routes */							\
	OPT(POSITION, "--position", ARG_NUMBER, "number",		\
	    "rules are tried from the lowest on; 100")			\
	OPT(RULE_STRATEGY, "--strategy", ARG_ONE,			\
	    "ordered|weighted|cheapest|fastest",			\
	    "which of the targets comes first")				\
	OPT(AFFINITY, "--affinity", ARG_ONE, "yes|no",			\
	    "a conversation keeps its target and key")			\
	OPT(IF_CLIENT, "--client", ARG_DIALECT, "dialect",		\
	    "if: the client speaks it")					\
	OPT(IF_PATH, "--path", ARG_TEXT, "pattern", "if: the path")	\
	OPT(IF_MODEL, "--model", ARG_TEXT, "pattern",			\
	    "if: the model that is asked for, as claude-*")		\
	OPT(IF_TENANT, "--tenant", ARG_TENANT, "pattern",		\
	    "if: the tenant's name")					\
	OPT(IF_CLIENT_KEY, "--client-key", ARG_CLIENT_KEY, "pattern",	\
	    "if: the client key's name")				\
	OPT(IF_ANY, "--any", ARG_TEXT, "text",				\
	    "if: one of these stands in the prompt")			\
	OPT(IF_ALL, "--all", ARG_TEXT, "text",				\
	    "if: all of these stand in it")				\
	OPT(IF_IN, "--in", ARG_ONE, "user|system|both",			\
	    "which prompt --any and --all mean")			\
	OPT(IF_ABOVE, "--above", ARG_NUMBER, "tokens",			\
	    "if: the estimated input is more")				\
	OPT(IF_BELOW, "--below", ARG_NUMBER, "tokens",			\
	    "if: ... is less")						\
	OPT(IF_HAS, "--has", ARG_ONE,					\
	    "image|audio|video|document|tools|thinking|schema",		\
	    "if: it has that")						\
	OPT(IF_HAS_NOT, "--has-not", ARG_ONE,				\
	    "image|audio|video|document|tools|thinking|schema",		\
	    "if: it has not")						\
	OPT(IF_STREAM, "--stream", ARG_ONE, "yes|no",			\
	    "if: a stream is asked for, or not")			\
	OPT(IF_HEADER, "--header", ARG_TEXT, "name=pattern",		\
	    "if: a header of the request")				\
	OPT(IF_FROM, "--from", ARG_TEXT, "hh:mm", "if: it is later, local time") \
	OPT(IF_UNTIL, "--to", ARG_TEXT, "hh:mm", "if: it is earlier")	\
	OPT(IF_DAY, "--day", ARG_ONE, "mon|tue|wed|thu|fri|sat|sun",	\
	    "if: it is that day")					\
	OPT(MATCH_ALL, "--match-all", ARG_NONE, "",			\
	    "drop the conditions that it has")				\
	OPT(TARGET, "--target", ARG_TEXT, "provider/model,...",		\
	    "where to: then weight=3, pool=x, strict=yes, "		\
	    "set.temperature=0, default.user=x, remove=seed")		\
	OPT(MOVE, "--before", ARG_RULE, "name", "to stand before that one") \
	/* tenants, client keys */					\
	OPT(ROUTES, "--route", ARG_TEXT, "pattern",			\
	    "a path that it may ask; '' for all")			\
	OPT(CONCURRENT, "--concurrent", ARG_NUMBER, "number",		\
	    "requests at once; 0: no limit")				\
	OPT(BUDGET_DAY, "--budget-day", ARG_MONEY, "dollars",		\
	    "what it may cost a day (UTC), or none")			\
	OPT(BUDGET_MONTH, "--budget-month", ARG_MONEY, "dollars",	\
	    "... a month")						\
	OPT(BUDGET_TOTAL, "--budget-total", ARG_MONEY, "dollars",	\
	    "... in all")						\
	OPT(OF_TENANT, "--tenant", ARG_TENANT, "name",			\
	    "whose key it is; '' for nobody's")				\
	OPT(GRACE, "--grace", ARG_TIME, "time",				\
	    "how long the old value is good: 24h")			\
	/* prices */							\
	OPT(PRICE_OF, "--model", ARG_TEXT, "pattern",			\
	    "of models that it fits, as gpt-*")				\
	OPT(OWN, "--own", ARG_NONE, "", "not those that are built in")	\
	OPT(INPUT, "--input", ARG_MONEY, "dollars", "a million tokens read") \
	OPT(OUTPUT, "--output", ARG_MONEY, "dollars",			\
	    "a million tokens written")					\
	OPT(CACHE_READ, "--cache-read", ARG_MONEY, "dollars",		\
	    "... read from the provider's cache; as --input")		\
	OPT(CACHE_WRITE_5M, "--cache-write-5m", ARG_MONEY, "dollars",	\
	    "... written to it for 5 minutes")				\
	OPT(CACHE_WRITE_1H, "--cache-write-1h", ARG_MONEY, "dollars",	\
	    "... for an hour")						\
	OPT(DATE, "--date", ARG_TEXT, "date", "when it was seen; today") \
	OPT(SOURCE, "--source", ARG_TEXT, "text", "where it was seen")	\
	OPT(SINCE, "--since", ARG_TIME, "time",				\
	    "from then on: 24h, 7d (ago), or a date")			\
	OPT(UNTIL, "--until", ARG_TIME, "time", "before then")		\
	OPT(BY, "--by", ARG_ONE, "minute|hour|day|all",			\
	    "a line for each of these; all: for the whole time")	\
	OPT(FOLLOW, "--follow", ARG_NONE, "", "go on as requests end")	\
	OPT(FILTER, "--filter", ARG_TEXT, "name=value",			\
	    "status=5xx, provider=, model=, error= ...: all must hold")	\
	OPT(ASK_MODEL, "--model", ARG_TEXT, "name",			\
	    "ask for this model; else the provider's default, or one of MODELS") \
	OPT(MAX_TOKENS, "--max-tokens", ARG_NUMBER, "number",		\
	    "let it write so much; 16")					\
	OPT(TIMES, "--count", ARG_NUMBER, "number", "so many requests; 10") \
	OPT(INTERVAL, "--interval", ARG_TIME, "time",			\
	    "from one to the next; 1s")					\
	OPT(YES, "--yes", ARG_NONE, "", "do not ask whether to go on")	\
	OPT(ONCE, "--once", ARG_NONE, "", "print it once, as it is now") \
	OPT(DRY_RUN, "--dry-run", ARG_NONE, "",				\
	    "change nothing, say what would change")			\
	/* users */							\
	OPT(ROLE, "--role", ARG_ONE, "admin|viewer",			\
	    "administrator, or one who only looks")			\
	OPT(PASSWORD_FILE, "--password-file", ARG_FILE, "file",		\
	    "has the password; - is standard input")			\
	/* export, import */						\
	OPT(PASSPHRASE_FILE, "--passphrase-file", ARG_FILE, "file",	\
	    "has the passphrase; - is standard input")			\
	OPT(REPLACE, "--replace", ARG_NONE, "",				\
	    "delete what is not in the file")				\
	OPT(LIMIT, "--limit", ARG_NUMBER, "number", "at most so many")	\
	OPT(MOVE_AFTER, "--after", ARG_RULE, "name", "to stand behind it")

#endif /* PROXYCTL_OPTIONS_H */
