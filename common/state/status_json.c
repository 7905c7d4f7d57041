/*
 * Keys and providers as they stand now, as JSON for all programs.
 */
#include <stdio.h>

#include <jansson.h>

#include "base/clock.h"
#include "state/daemon.h"
#include "state/status_view.h"

static json_t *
time_json(int64_t us)
{
	char	 when[CLOCK_RFC3339_LEN];

	return us == 0 ? json_null() : json_string(clock_rfc3339(us, when));
}

/* --- keys ------------------------------------------------------------------- */

json_t *
status_key_json(const struct status_key *k)
{
	const struct status_code	*c;
	char				 when[CLOCK_RFC3339_LEN], code[16];
	int64_t				 total = k->ok + k->failed;
	json_t				*codes = json_object();

	for (c = k->codes; c != NULL; c = c->next) {
		snprintf(code, sizeof(code), "%d", c->status);
		json_object_set_new(codes, c->status == 0 ? "no_answer" : code,
		    json_integer(c->n));
	}
	return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o,s:I,s:I}",
	    "total_requests", (json_int_t)total,
	    "successful_requests", (json_int_t)k->ok,
	    "failed_requests", (json_int_t)k->failed,
	    "success_rate", total == 0 ? json_null() :
	    json_real((double)k->ok / (double)total),
	    "last_used", k->last_us == 0 ? json_null() :
	    json_string(clock_rfc3339(k->last_us, when)),
	    "status_codes", codes,
	    "in_flight", (json_int_t)k->inflight,
	    "key_id", (json_int_t)k->id);
}

static json_t *
left_json(int64_t left, int64_t until_us)
{
	return left < 0 ? json_null() : json_pack("{s:I,s:o}", "left",
	    (json_int_t)left, "until", time_json(until_us));
}

static json_t *
models_json(const struct status_key *k)
{
	const struct status_model	*m;
	json_t				*a = json_array();

	for (m = k->models; m != NULL; m = m->next)
		json_array_append_new(a, json_pack("{s:o,s:o,s:o,s:o}",
		    "model", daemon_json_text(m->model),
		    "rests_until", time_json(m->until_us),
		    "requests", left_json(m->requests, m->requests_until_us),
		    "tokens", left_json(m->tokens, m->tokens_until_us)));
	return a;
}

json_t *
status_error_json(const struct status_key *k)
{
	return k->error_us == 0 ? json_null() : json_pack("{s:o,s:i,s:o}",
	    "time", time_json(k->error_us), "status", k->error_status,
	    "text", daemon_json_text(k->error));
}

json_t *
status_keys_json(const struct status_view *v)
{
	const struct status_key	*k;
	json_t			*list = json_array(), *o;

	for (k = v->keys; k != NULL; k = k->next) {
		o = status_key_json(k);
		json_object_set_new(o, "provider", json_string(k->provider));
		json_object_set_new(o, "name", daemon_json_text(k->name));
		json_object_set_new(o, "state", json_string(k->state));
		json_object_set_new(o, "until", time_json(k->until_us));
		json_object_set_new(o, "reason", daemon_json_text(k->reason));
		json_object_set_new(o, "last_error", status_error_json(k));
		json_object_set_new(o, "expires", time_json(k->expires_us));
		json_object_set_new(o, "models", models_json(k));
		json_array_append_new(list, o);
	}
	return list;
}

/* --- providers ---------------------------------------------------------------- */

json_t *
status_providers_json(const struct status_view *v)
{
	const struct status_provider	*p;
	json_t				*a = json_array();

	for (p = v->providers; p != NULL; p = p->next)
		json_array_append_new(a, json_pack("{s:s,s:b,s:s,s:o,s:I,s:I,"
		    "s:I}", "name", p->name, "enabled", p->enabled, "circuit",
		    p->circuit, "until", time_json(p->until_us), "ok",
		    (json_int_t)p->ok, "failed", (json_int_t)p->failed,
		    "opened", (json_int_t)p->opened));
	return a;
}
