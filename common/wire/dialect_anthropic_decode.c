/*
 * Anthropic Messages: request body to common form, all but the conversation.
 *
 * Every member and block that is known has its type checked; what is not known
 * passes as IR_OPAQUE or ext.  Limits of the provider (how many, how long, in
 * which order) are left to the provider.
 */
#include "wire/dialect_anthropic_rd.h"
#include "wire/schema.h"

#include <string.h>

/* --- numbers -------------------------------------------------------------- */

static int
get_int(struct an_reader *r, struct jv object, const char *name, int64_t min,
    int64_t *n, uint32_t *node)
{
	struct jv	 v;

	if (an_get(r, object, name, JSON_NUMBER, &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	if (json_int(v, n) == -1 || *n < min) {
		ir_error_field(r->err, r->a, r->rq->json, v.i,
		    "expected a whole number, %lld or more", (long long)min);
		return -1;
	}
	if (node != NULL)
		*node = v.i;
	return 0;
}

static int
get_number(struct an_reader *r, struct jv object, const char *name,
    struct ir_number *n)
{
	struct jv	 v;

	if (an_get(r, object, name, JSON_NUMBER, &v) == -1)
		return -1;
	if (json_ok(v)) {
		n->raw = json_raw(v);
		n->node = v.i;
	}
	return 0;
}

/* --- tools ---------------------------------------------------------------- */

static int
read_function(struct an_reader *r, const struct an_object *o)
{
	const uint32_t		 known = AN_BIT(AN_NAME) |
				    AN_BIT(AN_DESCRIPTION) |
				    AN_BIT(AN_INPUT_SCHEMA) |
				    AN_BIT(AN_STRICT) | AN_BIT(AN_TYPE) |
				    AN_BIT(AN_CACHE_CONTROL);
	struct ir_tool		*t = ir_tool_add(r->rq, IR_FUNCTION, o->v.i);
	struct jv		 name, schema;

	if (an_need_at(r, o, AN_NAME, &name) == -1 ||
	    an_jstr_at(r, o, AN_DESCRIPTION, &t->description) == -1 ||
	    an_at(r, o, AN_INPUT_SCHEMA, JSON_OBJECT, &schema) == -1 ||
	    an_bool_at(r, o, AN_STRICT, &t->strict) == -1 ||
	    an_cache_at(r, o, &t->cache) == -1)
		return -1;
	t->name = json_str(r->a, name);
	t->raw = json_raw(o->v);
	if (json_ok(schema)) {
		t->schema = json_raw(schema);
		t->schema_is_openapi = schema_is_upper(schema);
	}
	an_further_ext_of(r, o, known);
	return 0;
}

int
an_tool_read(struct an_reader *r, struct jv v)
{
	struct an_object	 o;
	struct ir_tool		*t;
	struct jv		 type;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(r->err, r->a, v, "an object");
		return -1;
	}
	an_object_read(&o, v);
	if (an_at(r, &o, AN_TYPE, JSON_STRING, &type) == -1)
		return -1;
	r->rq->need |= IR_NEED_TOOLS;
	if (!json_ok(type) || json_is(type, "custom"))
		return read_function(r, &o);
	t = ir_tool_add(r->rq, IR_SERVER, v.i);
	t->server_type = json_str(r->a, type);
	t->raw = json_raw(v);
	r->rq->need |= IR_NEED_SERVER_TOOL;
	if (an_str_at(r, &o, AN_NAME, &t->name) == -1)
		return -1;
	return an_cache_at(r, &o, &t->cache);
}

static int
read_choice(struct an_reader *r, struct jv v)
{
	static const char *const known[] = { "type", "name",
	    "disable_parallel_tool_use", NULL };
	struct ir_tool_choice	*c = &r->rq->choice;
	enum ir_tri		 off = IR_UNSET;
	struct jv		 type, name;

	if (!json_ok(v))
		return 0;
	if (an_need_str(r, v, "type", &type) == -1 ||
	    an_get_bool(r, v, "disable_parallel_tool_use", &off) == -1)
		return -1;
	c->node = v.i;
	an_further_ext(r, v, known);
	if (off != IR_UNSET)
		r->rq->parallel = off == IR_YES ? IR_NO : IR_YES;
	if (json_is(type, "auto")) {
		c->mode = IR_CHOICE_AUTO;
	} else if (json_is(type, "any")) {
		c->mode = IR_CHOICE_REQUIRED;
	} else if (json_is(type, "none")) {
		c->mode = IR_CHOICE_NONE;
	} else if (json_is(type, "tool")) {
		if (an_need_str(r, v, "name", &name) == -1)
			return -1;
		c->mode = IR_CHOICE_NAMED;
		c->name = json_str(r->a, name);
	} else {
		ir_error_field(r->err, r->a, r->rq->json, type.i,
		    "expected \"auto\", \"any\", \"tool\" or \"none\"");
		return -1;
	}
	return 0;
}

static int
read_tools(struct an_reader *r, struct jv root)
{
	struct jv	 list, v;

	if (an_get(r, root, "tools", JSON_ARRAY, &list) == -1)
		return -1;
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (an_tool_read(r, v) == -1)
			return -1;
	}
	return 0;
}

/* When all tools are known, those too that came in messages. */
static int
read_tool_choice(struct an_reader *r, struct jv root)
{
	const struct ir_tool	*t;
	struct jv		 choice;

	if (an_get(r, root, "tool_choice", JSON_OBJECT, &choice) == -1 ||
	    read_choice(r, choice) == -1)
		return -1;
	if (r->rq->choice.mode != IR_CHOICE_NAMED)
		return 0;
	for (t = r->rq->tools; t != NULL; t = t->next) {
		if (str_eq(t->name, r->rq->choice.name)) {
			r->rq->choice.kind = t->kind;
			if (t->kind == IR_SERVER)
				r->rq->choice.raw = json_raw(choice);
			break;
		}
	}
	return 0;
}

/* --- parameters ----------------------------------------------------------- */

static int
read_format(struct an_reader *r, struct jv v)
{
	static const char *const known[] = { "type", "schema", NULL };
	struct ir_format	*f = &r->rq->format;
	struct jv		 type, schema;

	if (!json_ok(v))
		return 0;
	if (an_need_str(r, v, "type", &type) == -1 ||
	    an_get(r, v, "schema", JSON_OBJECT, &schema) == -1)
		return -1;
	an_further_ext(r, v, known);
	f->raw = json_raw(v);
	f->node = v.i;
	f->kind = IR_FORMAT_OTHER;
	if (json_is(type, "json_schema") && json_ok(schema)) {
		f->kind = IR_FORMAT_SCHEMA;
		f->schema = json_raw(schema);
		f->schema_is_openapi = schema_is_upper(schema);
		f->strict = IR_YES;
		r->rq->need |= IR_NEED_SCHEMA;
	} else if (json_is(type, "text")) {
		f->kind = IR_FORMAT_TEXT;
	}
	return 0;
}

/* Also what other dialects have no place for goes to their loss reports. */
static int
read_output(struct an_reader *r, struct jv root)
{
	static const char *const known[] = { "format", "effort", NULL };
	struct jv	 oc, old, fmt, e;

	if (an_get(r, root, "output_format", JSON_OBJECT, &old) == -1 ||
	    an_get(r, root, "output_config", JSON_OBJECT, &oc) == -1 ||
	    an_get(r, oc, "format", JSON_OBJECT, &fmt) == -1 ||
	    an_get(r, oc, "effort", JSON_STRING, &e) == -1)
		return -1;
	if (json_ok(e) && r->rq->reasoning.effort.n == 0) {
		r->rq->reasoning.effort = json_str(r->a, e);
		r->rq->reasoning.node = e.i;
	}
	an_further_ext(r, oc, known);
	return read_format(r, json_ok(fmt) ? fmt : old);
}

static int
read_thinking_config(struct an_reader *r, struct jv root)
{
	static const char *const known[] = { "type", "budget_tokens",
	    "display", NULL };
	struct ir_reasoning	*rs = &r->rq->reasoning;
	struct jv		 v, type;
	struct str		 display;

	if (an_get(r, root, "thinking", JSON_OBJECT, &v) == -1)
		return -1;
	if (!json_ok(v))
		return 0;
	if (an_need_str(r, v, "type", &type) == -1 ||
	    an_get_str(r, v, "display", &display) == -1)
		return -1;
	rs->node = v.i;
	if (json_is(type, "disabled")) {
		rs->mode = IR_REASON_OFF;
		return 0;
	}
	rs->mode = json_is(type, "adaptive") ? IR_REASON_ADAPTIVE :
	    IR_REASON_ON;
	if (!json_is(type, "adaptive") && !json_is(type, "enabled"))
		(void)ir_ext_add(r->rq, type);
	an_further_ext(r, v, known);
	if (display.n > 0)
		rs->visible = str_is(display, "omitted") ? IR_NO : IR_YES;
	r->rq->need |= IR_NEED_THINKING;
	return get_int(r, v, "budget_tokens", INT64_MIN, &rs->budget, NULL);
}

static int
read_stop(struct an_reader *r, struct jv root)
{
	struct ir_stop_seq	**last = &r->rq->stop, *s;
	struct jv		 list, v;

	if (an_get(r, root, "stop_sequences", JSON_ARRAY, &list) == -1)
		return -1;
	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		if (json_type(v) != JSON_STRING) {
			ir_error_type(r->err, r->a, v, "a string");
			return -1;
		}
		s = ARENA_NEW(r->a, struct ir_stop_seq);
		s->s = json_jstr(v);
		s->node = v.i;
		*last = s;
		last = &s->next;
	}
	return 0;
}

static int
read_metadata(struct an_reader *r, struct jv root)
{
	static const char *const known[] = { "user_id", NULL };
	struct jv		 v, user;

	if (an_get(r, root, "metadata", JSON_OBJECT, &v) == -1 ||
	    an_get(r, v, "user_id", JSON_STRING, &user) == -1)
		return -1;
	if (json_ok(user)) {
		r->rq->user = json_jstr(user);
		r->rq->user_node = user.i;
	}
	if (json_ok(v)) {
		r->rq->metadata = an_further(r, v, known);
		r->rq->metadata_node = v.i;
	}
	return 0;
}

static int
read_sampling(struct an_reader *r, struct jv root)
{
	struct ir_sampling	*s = &r->rq->sampling;
	struct jv		 tier;

	if (get_int(r, root, "max_tokens", 0, &s->max_tokens,
	    &s->max_tokens_node) == -1 ||
	    get_number(r, root, "temperature", &s->temperature) == -1 ||
	    get_number(r, root, "top_p", &s->top_p) == -1 ||
	    get_number(r, root, "top_k", &s->top_k) == -1 ||
	    an_get(r, root, "service_tier", JSON_STRING, &tier) == -1)
		return -1;
	if (json_ok(tier)) {
		r->rq->service_tier = json_str(r->a, tier);
		r->rq->service_tier_node = tier.i;
	}
	if (s->max_tokens >= 0)
		return 0;
	if (!r->rq->lenient)
		return an_required(r, root, "max_tokens", "a whole number");
	r->rq->native = false;
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

static void
read_ext(struct an_reader *r, struct jv root)
{
	static const char *const known[] = { "model", "messages", "system",
	    "max_tokens", "stream", "temperature", "top_p", "top_k",
	    "stop_sequences", "tools", "tool_choice", "thinking", "metadata",
	    "output_config", "output_format", "service_tier", NULL };

	an_further_ext(r, root, known);
	if (!json_empty(json_get(root, "thread")))
		r->rq->need |= IR_NEED_STATE;
}

int
anthropic_request_decode(struct ir_request *rq, struct ir_error *err)
{
	struct an_reader	 r = { rq, rq->arena, err, NULL };
	struct jv	 root = json_root(rq->json), model;
	enum ir_tri	 stream = IR_UNSET;

	if (json_type(root) != JSON_OBJECT) {
		ir_error_type(err, rq->arena, root, "an object");
		return -1;
	}
	if (an_need_str(&r, root, "model", &model) == -1 ||
	    an_get_bool(&r, root, "stream", &stream) == -1)
		return -1;
	rq->model = json_str(rq->arena, model);
	if (rq->model.n == 0)
		return an_required(&r, root, "model", "the name of a model");
	rq->stream = stream == IR_YES;
	rq->stream_usage = true;

	if (an_system_read(&r, json_get(root, "system")) == -1 ||
	    read_tools(&r, root) == -1 ||
	    an_messages_read(&r, root) == -1 ||
	    read_tool_choice(&r, root) == -1 ||
	    read_sampling(&r, root) == -1 ||
	    read_thinking_config(&r, root) == -1 ||
	    read_output(&r, root) == -1 ||
	    read_stop(&r, root) == -1 ||
	    read_metadata(&r, root) == -1)
		return -1;
	read_ext(&r, root);
	return 0;
}
