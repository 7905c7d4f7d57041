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
	OPT(NAMES, "--names", ARG_ONE,					\
	    "provider|model|rule|pool|key|tenant|client-key|user",	\
	    "print what there is of that kind, a line each")

#endif /* PROXYCTL_OPTIONS_H */
