/*
 * The state of the gateway as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "admind/status.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "state/store_refusal.h"

/* --- JSON ------------------------------------------------------------------------------ */

static void
json_out(json_t *o, struct buf *b)
{
	char	*text;

	must(o != NULL);
	text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	must(text != NULL);
	(void)buf_addz(b, text);
	(void)buf_addc(b, '\n');
	free(text);
	json_decref(o);
}

static json_t *
running_json(const struct daemon_status *st)
{
	const struct daemon_stat	*s;
	json_t				*o = daemon_status_json(st), *texts;

	texts = json_object();
	for (s = st->stats; s != NULL; s = s->next)
		json_object_set_new(texts, s->name, json_string(s->text));
	json_object_set_new(o, "counter_texts", texts);
	return o;
}

static json_t *
proxyd_json(const struct status_view *v)
{
	if (v->answer == DAEMON_OK)
		return running_json(&v->proxyd);
	if (v->answer == DAEMON_NOBODY)
		return json_pack("{s:b}", "running", 0);
	return json_pack("{s:b,s:s,s:o}", "running", 1, "state", "silent",
	    "error", daemon_json_text(v->proxyd_err));
}

static json_t *
store_json(const struct status_view *v)
{
	if (!v->stored)
		return json_pack("{s:o}", "error",
		    daemon_json_text(v->store_err));
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I}", "schema", v->schema,
	    "generation", (json_int_t)v->sum.generation,
	    "providers", (json_int_t)v->sum.providers,
	    "keys", (json_int_t)v->sum.keys,
	    "models", (json_int_t)v->sum.models,
	    "requests", (json_int_t)v->sum.requests);
}

void
status_json(const struct status_view *v, const char *host, int port,
    struct buf *b)
{
	json_out(json_pack("{s:o,s:{s:b,s:i,s:s,s:s,s:i},s:o,s:o}",
	    "proxyd", proxyd_json(v),
	    "admind", "running", 1, "pid", (int)getpid(), "version",
	    PROXYD_VERSION, "host", host, "port", port,
	    "database", store_json(v), "refused_parameters",
	    store_refusals_json(v->db)), b);
}

void
status_live_json(const struct status_view *v, struct buf *b)
{
	json_t	*o = json_pack("{s:o,s:o,s:o}", "proxyd",
		    proxyd_json(v), "keys", status_keys_json(v),
		    "providers", status_providers_json(v));
	char	*text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

	must(text != NULL);
	(void)buf_addz(b, text);
	free(text);
	json_decref(o);
}

void
status_stats_json(const struct status_view *v, struct buf *b)
{
	const struct status_key	*k;
	json_t			*o = json_object(), *pool;

	for (k = v->keys; k != NULL; k = k->next) {
		pool = json_object_get(o, k->provider);
		if (pool == NULL) {
			pool = json_object();
			json_object_set_new(o, k->provider, pool);
		}
		json_object_set_new(pool, k->name, status_key_json(k));
	}
	json_out(o, b);
}
