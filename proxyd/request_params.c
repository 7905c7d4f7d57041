/*
 * A target's parameters in a body of the client's own dialect, which is else
 * forwarded as it came: members are replaced, added and left out.
 */
#include "proxyd/request.h"

struct place {
	const char	*dialect, *param, *outer, *member;
};

/* outer: the object that has it; NULL: the body itself. */
static const struct place places[] = {
	{ "openai-chat", "temperature", NULL, "temperature" },
	{ "openai-chat", "top_p", NULL, "top_p" },
	{ "openai-chat", "top_k", NULL, "top_k" },
	{ "openai-chat", "max_tokens", NULL, "max_tokens" },
	{ "openai-chat", "frequency_penalty", NULL, "frequency_penalty" },
	{ "openai-chat", "presence_penalty", NULL, "presence_penalty" },
	{ "openai-chat", "seed", NULL, "seed" },
	{ "openai-chat", "reasoning_effort", NULL, "reasoning_effort" },
	{ "openai-chat", "service_tier", NULL, "service_tier" },
	{ "openai-chat", "user", NULL, "user" },
	{ "openai-responses", "temperature", NULL, "temperature" },
	{ "openai-responses", "top_p", NULL, "top_p" },
	{ "openai-responses", "max_tokens", NULL, "max_output_tokens" },
	{ "openai-responses", "reasoning_effort", "reasoning", "effort" },
	{ "openai-responses", "service_tier", NULL, "service_tier" },
	{ "openai-responses", "user", NULL, "user" },
	{ "anthropic", "temperature", NULL, "temperature" },
	{ "anthropic", "top_p", NULL, "top_p" },
	{ "anthropic", "top_k", NULL, "top_k" },
	{ "anthropic", "max_tokens", NULL, "max_tokens" },
	{ "anthropic", "reasoning_effort", "output_config", "effort" },
	{ "anthropic", "service_tier", NULL, "service_tier" },
	{ "anthropic", "user", "metadata", "user_id" },
	{ "gemini", "temperature", "generationConfig", "temperature" },
	{ "gemini", "top_p", "generationConfig", "topP" },
	{ "gemini", "top_k", "generationConfig", "topK" },
	{ "gemini", "max_tokens", "generationConfig", "maxOutputTokens" },
	{ "gemini", "frequency_penalty", "generationConfig",
	    "frequencyPenalty" },
	{ "gemini", "presence_penalty", "generationConfig",
	    "presencePenalty" },
	{ "gemini", "seed", "generationConfig", "seed" },
};

static const struct place *
place_of(const struct dialect *d, struct str param, bool newer)
{
	static const struct place	 chat_newer = { "openai-chat",
					    "max_tokens", NULL,
					    "max_completion_tokens" };
	size_t				 i;

	if (newer && d == &dialect_openai_chat && str_is(param, "max_tokens"))
		return &chat_newer;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].dialect, d->name) == 0 &&
		    str_is(param, places[i].param))
			return &places[i];
	return NULL;
}

/* An object without one member, or with another value of it. */
static void
object_with(struct jw *w, struct jv object, const char *member,
    const struct rule_param *p)
{
	struct jv	 e;
	bool		 has = json_ok(json_get(object, member));

	jw_object(w);
	for (e = json_first(object); json_ok(e); e = json_next(e)) {
		if (json_key_is(e, member) && !(has && p->weak))
			continue;
		jw_key_jstr(w, json_jstr(json_key(e)));
		jw_raw(w, json_raw(e));
	}
	if (p->json.n > 0 && !(has && p->weak)) {
		jw_key(w, member);
		jw_raw(w, p->json);
	}
	jw_object_end(w);
}

static void
body_with(struct jw *w, struct jv root, const struct place *at,
    const struct rule_param *p)
{
	struct jv	 e;

	if (at->outer == NULL) {
		object_with(w, root, at->member, p);
		return;
	}
	jw_object(w);
	for (e = json_first(root); json_ok(e); e = json_next(e))
		if (!json_key_is(e, at->outer)) {
			jw_key_jstr(w, json_jstr(json_key(e)));
			jw_raw(w, json_raw(e));
		}
	e = json_get(root, at->outer);
	if (json_ok(e) || p->json.n > 0) {
		jw_key(w, at->outer);
		object_with(w, e, at->member, p);
	}
	jw_object_end(w);
}

static void
param_put(struct request *rq, const struct rule_param *p)
{
	const struct place	*at;
	struct json		 j;
	struct jw		 w;
	struct buf		 b;

	json_init(&j);
	buf_init(&b, rq->rq_send.max);
	if (json_parse(&j, buf_str(&rq->rq_send), NULL) == 0) {
		at = place_of(rq->rq_target, p->name, json_ok(json_get(
		    json_root(&j), "max_completion_tokens")));
		if (at == NULL)
			request_log(rq, "parameter '%.*s' of the rule has no "
			    "place in %s", STR_FMT(p->name),
			    rq->rq_target->title);
		else {
			jw_init(&w, &b);
			body_with(&w, json_root(&j), at, p);
			buf_clear(&rq->rq_send);
			(void)buf_adds(&rq->rq_send, buf_str(&b));
		}
	}
	buf_release(&b);
	json_release(&j);
}

void
request_params(struct request *rq, const struct rule_target *t)
{
	unsigned	 i;

	if (t != NULL && t->nparams > 0)
		request_own(rq);
	for (i = 0; t != NULL && i < t->nparams; i++)
		param_put(rq, &t->params[i]);
}
