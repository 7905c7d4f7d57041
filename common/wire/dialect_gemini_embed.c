/*
 * Gemini's embeddings: models/{model}:embedContent for one text and
 * :batchEmbedContents for several.
 */
#include "wire/dialect_gemini.h"
#include "wire/ops.h"

/* --- requests --------------------------------------------------------------- */

static int
bad(struct embed *e, struct jv v, const char *why, struct ir_error *err)
{
	ir_error_field(err, e->arena, e->json, v.i, "%s", why);
	return -1;
}

/* The texts of several parts are one. */
static int
content_text(struct embed *e, struct jv content, struct jstr *text,
    struct ir_error *err)
{
	struct jv	 parts = gem_get(content, "parts"), p, t;
	struct buf	 b;
	size_t		 n = 0;

	if (json_type(content) == JSON_STRING) {
		*text = json_jstr(content);
		return 0;
	}
	if (json_type(parts) == JSON_OBJECT) {
		*text = json_jstr(gem_get(parts, "text"));
		return 0;
	}
	if (json_type(parts) != JSON_ARRAY)
		return bad(e, content, "expected parts that hold text", err);
	for (p = json_first(parts); json_ok(p); p = json_next(p)) {
		t = gem_get(p, "text");
		if (json_type(t) == JSON_STRING)
			*text = json_jstr(t);
		else if (e->media == 0)
			e->media = p.i;
		n++;
	}
	if (n < 2)
		return 0;
	buf_init(&b, json_raw(parts).n + 1);
	for (p = json_first(parts); json_ok(p); p = json_next(p)) {
		struct jstr	 s = json_jstr(gem_get(p, "text"));

		(void)buf_add(&b, s.p, s.n);
	}
	*text = (struct jstr){ arena_str(e->arena, buf_str(&b)).p, b.len };
	buf_release(&b);
	return 0;
}

/* Newer clients have the parameters in an object of their own. */
static struct jv
param(struct jv request, const char *name)
{
	struct jv	 v = gem_get(request, name);

	return json_ok(v) ? v :
	    gem_get(gem_get(request, "embedContentConfig"), name);
}

static int
dims_decode(struct embed *e, struct jv v, struct ir_error *err)
{
	int64_t	 n;

	if (!json_ok(v))
		n = -1;
	else if (json_int(v, &n) == -1 || n < 1) {
		ir_error_type(err, e->arena, v, "a whole number above 0");
		return -1;
	}
	if (e->n > 1 && n != e->dims && e->mixed == 0)
		e->mixed = e->texts->next->node;
	e->dims = n;
	return 0;
}

static int
request_decode(struct embed *e, struct jv v, struct ir_error *err)
{
	struct embed_text	*t = embed_text_add(e, v.i);
	struct jv		 content = gem_get(v, "content"), m;

	if (json_type(v) != JSON_OBJECT) {
		ir_error_type(err, e->arena, v, "an object");
		return -1;
	}
	if (!json_ok(content))
		return bad(e, v, "'content' is missing", err);
	if (content_text(e, content, &t->text, err) == -1)
		return -1;
	m = param(v, "taskType");
	if (json_type(m) == JSON_STRING &&
	    !json_is(m, "TASK_TYPE_UNSPECIFIED"))
		t->task = json_str(e->arena, m);
	m = param(v, "title");
	if (json_type(m) == JSON_STRING)
		t->title = json_jstr(m);
	if (json_type(param(v, "autoTruncate")) == JSON_TRUE)
		e->truncate = true;
	return dims_decode(e, param(v, "outputDimensionality"), err);
}

static int
gemini_decode(struct embed *e, struct ir_error *err)
{
	struct jv	 root = json_root(e->json), list, v;

	e->dims = -1;
	e->model = e->path_model;
	if (e->single)
		return request_decode(e, root, err);
	list = gem_get(root, "requests");
	if (json_type(list) != JSON_ARRAY || json_count(list) == 0) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "'requests': expected a "
		    "list of requests, got %s", json_type(list) == JSON_ARRAY ?
		    "an empty one" : json_type_name(json_type(list)));
		return -1;
	}
	for (v = json_first(list); json_ok(v); v = json_next(v))
		if (request_decode(e, v, err) == -1)
			return -1;
	return 0;
}

static void
gemini_path(const struct embed *e, const struct ir_target *t, struct buf *b)
{
	(void)buf_addz(b, "/v1beta/");
	gem_model_path(t->model, true, b);
	(void)buf_addz(b, e->single ? ":embedContent" :
	    ":batchEmbedContents");
}

/* A request of this dialect again, for another model of it. */
static void
gemini_copy(struct jv request, struct str model, struct jw *w)
{
	struct jv	 m;

	jw_object(w);
	jw_key(w, "model");
	jw_str(w, model);
	for (m = json_first(request); json_ok(m); m = json_next(m)) {
		if (gem_key_is(m, "model"))
			continue;
		jw_key_jstr(w, json_jstr(json_key(m)));
		jw_raw(w, json_raw(m));
	}
	jw_object_end(w);
}

static void
gemini_request(const struct embed *e, const struct embed_text *t,
    struct str model, struct jw *w)
{
	jw_object(w);
	jw_key(w, "model");
	jw_str(w, model);
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, "parts");
	jw_array(w);
	jw_object(w);
	jw_key(w, "text");
	jw_jstr(w, t->text);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
	if (e->dims > 0) {
		jw_key(w, "outputDimensionality");
		jw_int(w, e->dims);
	}
	jw_object_end(w);
}

static int
gemini_encode(const struct embed *e, const struct ir_target *to,
    struct buf *out, struct ir_error *err)
{
	const struct embed_text	*t;
	struct buf		 model;
	struct jw		 w;
	size_t			 i;

	for (t = e->texts; t != NULL; t = t->next)
		if (t->tokens.n > 0) {
			ir_error_field(err, e->arena, e->json, t->node,
			    "provider '%.*s' takes texts, not tokens of "
			    "OpenAI's models", STR_FMT(to->provider));
			return -1;
		}
	if (e->user)
		loss_add(e->loss, LOSS_DROPPED, STR("user"),
		    "end users are not named there");
	buf_init(&model, 8 << 10);
	gem_model_path(to->model, false, &model);
	jw_init(&w, out);
	if (e->single) {
		gemini_copy(json_root(e->json), buf_str(&model), &w);
		buf_release(&model);
		return 0;
	}
	jw_object(&w);
	jw_key(&w, "requests");
	jw_array(&w);
	for (t = e->texts, i = 0; i < e->n; t = t->next, i++) {
		if (e->from == &dialect_gemini)
			gemini_copy(json_at(e->json, t->node),
			    buf_str(&model), &w);
		else
			gemini_request(e, t, buf_str(&model), &w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	buf_release(&model);
	return 0;
}

/* --- answers ---------------------------------------------------------------- */

static int
gemini_read(const struct embed *e, struct jv answer, struct embed_answer *a)
{
	struct jv	 list = gem_get(answer, "embeddings"), v;
	size_t		 i = 0;

	a->model = STR_NONE;		/* it names none */
	a->n = e->n;
	a->v = arena_array(e->arena, a->n, sizeof(*a->v));
	if (json_int(gem_get(gem_get(answer, "usageMetadata"),
	    "promptTokenCount"), &a->tokens) == -1)
		a->tokens = -1;
	if (e->single)
		list = JV_NONE;
	v = e->single ? gem_get(answer, "embedding") : json_first(list);
	if (!e->single && (json_type(list) != JSON_ARRAY ||
	    json_count(list) != e->n))
		return -1;
	for (; json_ok(v) && i < a->n; v = json_next(v), i++) {
		a->v[i].numbers = gem_get(v, "values");
		if (json_type(a->v[i].numbers) != JSON_ARRAY)
			return -1;
	}
	return i == a->n ? 0 : -1;
}

static void
values_write(const struct embed_vector *v, struct jw *w)
{
	jw_object(w);
	jw_key(w, "values");
	embed_vector_write(v, false, w->b);
	w->comma = true;
	jw_object_end(w);
}

static void
gemini_write(const struct embed *e, const struct embed_answer *a,
    struct buf *out)
{
	struct jw	 w;
	size_t		 i;

	jw_init(&w, out);
	jw_object(&w);
	if (e->single) {
		jw_key(&w, "embedding");
		values_write(&a->v[0], &w);
	} else {
		jw_key(&w, "embeddings");
		jw_array(&w);
		for (i = 0; i < a->n; i++)
			values_write(&a->v[i], &w);
		jw_array_end(&w);
	}
	if (a->tokens >= 0) {
		jw_key(&w, "usageMetadata");
		jw_object(&w);
		jw_key(&w, "promptTokenCount");
		jw_int(&w, a->tokens);
		jw_object_end(&w);
	}
	jw_object_end(&w);
}

const struct dialect_embed	 embed_gemini = {
	.max = 100,
	.decode = gemini_decode,
	.path = gemini_path,
	.encode = gemini_encode,
	.read = gemini_read,
	.write = gemini_write
};
