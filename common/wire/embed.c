/*
 * Embeddings: the two forms in which vectors travel, and OpenAI's dialect of
 * them, POST /v1/embeddings.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "wire/estimate.h"
#include "wire/ops.h"

struct embed_text *
embed_text_add(struct embed *e, uint32_t node)
{
	struct embed_text	*t = ARENA_NEW(e->arena, struct embed_text);

	t->node = node;
	if (e->last == NULL)
		e->last = &e->texts;
	*e->last = t;
	e->last = &t->next;
	e->n++;
	return t;
}

int64_t
embed_estimate(const struct embed *e)
{
	const struct embed_text	*t;
	int64_t			 n = 0;
	size_t			 i;

	for (t = e->texts; t != NULL; t = t->next) {
		n += ir_estimate_text((struct str){ t->text.p, t->text.n });
		if (t->tokens.n > 0)
			n++;
		for (i = 0; i < t->tokens.n; i++)
			n += t->tokens.p[i] == ',';
	}
	return n;
}

/* --- vectors ---------------------------------------------------------------- */

static void
floats_write(struct str s, struct buf *out)
{
	char		 text[32];
	uint32_t	 u;
	float		 f;
	size_t		 i;
	const unsigned char	*p;

	for (i = 0; i + 4 <= s.n; i += 4) {
		p = (const unsigned char *)s.p + i;
		u = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
		    (uint32_t)p[3] << 24;
		memcpy(&f, &u, sizeof(f));
		if (!isfinite(f))
			f = 0;
		/* Nine digits tell every float from its neighbours. */
		snprintf(text, sizeof(text), "%s%.9g", i > 0 ? "," : "",
		    (double)f);
		(void)buf_addz(out, text);
	}
}

static void
floats_pack(struct jv numbers, struct buf *out)
{
	struct jv	 v;
	double		 d;
	uint32_t	 u;
	float		 f;
	int		 i;

	for (v = json_first(numbers); json_ok(v); v = json_next(v)) {
		if (json_double(v, &d) == -1)
			d = 0;
		f = (float)d;
		memcpy(&u, &f, sizeof(u));
		for (i = 0; i < 4; i++)
			(void)buf_addc(out, (char)(u >> (8 * i) & 0xff));
	}
}

void
embed_vector_write(const struct embed_vector *v, bool base64, struct buf *out)
{
	struct buf	 packed;

	if (v->text.n > 0) {
		(void)buf_adds(out, v->text);
		return;
	}
	if (!base64) {
		(void)buf_addc(out, '[');
		if (v->floats.n > 0)
			floats_write(v->floats, out);
		else if (json_ok(v->numbers) && json_count(v->numbers) > 0) {
			struct str	 raw = json_raw(v->numbers);

			(void)buf_add(out, raw.p + 1, raw.n - 2);
		}
		(void)buf_addc(out, ']');
		return;
	}
	buf_init(&packed, 16 << 20);
	if (v->floats.n > 0)
		(void)buf_adds(&packed, v->floats);
	else
		floats_pack(v->numbers, &packed);
	(void)buf_addc(out, '"');
	(void)base64_encode(out, buf_str(&packed));
	(void)buf_addc(out, '"');
	buf_release(&packed);
}

/* --- requests --------------------------------------------------------------- */

static bool
all_numbers(struct jv list)
{
	struct jv	 v;
	int64_t		 n;

	for (v = json_first(list); json_ok(v); v = json_next(v))
		if (json_int(v, &n) == -1)
			return false;
	return json_count(list) > 0;
}

static int
input_item(struct embed *e, struct jv v, struct ir_error *err)
{
	struct embed_text	*t = embed_text_add(e, v.i);

	if (json_type(v) == JSON_STRING)
		t->text = json_jstr(v);
	else if (json_type(v) == JSON_ARRAY && all_numbers(v))
		t->tokens = json_raw(v);
	else {
		ir_error_type(err, e->arena, v, "a string or an array of "
		    "tokens");
		return -1;
	}
	return 0;
}

static int
input_decode(struct embed *e, struct jv input, struct ir_error *err)
{
	struct jv	 v;
	int64_t		 n;

	if (json_type(input) != JSON_ARRAY)
		return input_item(e, input, err);
	v = json_first(input);
	if (!json_ok(v)) {
		ir_error_field(err, e->arena, e->json, input.i,
		    "the list is empty");
		return -1;
	}
	if (json_int(v, &n) == 0)
		return input_item(e, input, err);
	for (; json_ok(v); v = json_next(v))
		if (input_item(e, v, err) == -1)
			return -1;
	return 0;
}

static int
format_decode(struct embed *e, struct jv v, struct ir_error *err)
{
	if (json_empty(v) || json_is(v, "float"))
		return 0;
	if (json_is(v, "base64")) {
		e->base64 = true;
		return 0;
	}
	if (json_type(v) != JSON_STRING)
		ir_error_type(err, e->arena, v, "a string");
	else
		ir_error_field(err, e->arena, e->json, v.i,
		    "expected 'float' or 'base64'");
	return -1;
}

static int
openai_decode(struct embed *e, struct ir_error *err)
{
	struct jv	 root = json_root(e->json), v;

	e->dims = -1;
	v = json_get(root, "model");
	if (json_type(v) != JSON_STRING || json_str(e->arena, v).n == 0) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "'model': expected the "
		    "name of a model, got %s", json_type_name(json_type(v)));
		ir_error_copy(err->param, sizeof(err->param), STR("model"));
		return -1;
	}
	e->model = json_str(e->arena, v);
	v = json_get(root, "input");
	if (json_empty(v)) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "'input' is missing: "
		    "expected a text or a list of them");
		ir_error_copy(err->param, sizeof(err->param), STR("input"));
		return -1;
	}
	if (input_decode(e, v, err) == -1 ||
	    format_decode(e, json_get(root, "encoding_format"), err) == -1)
		return -1;
	v = json_get(root, "dimensions");
	if (!json_empty(v) && (json_int(v, &e->dims) == -1 || e->dims < 1)) {
		ir_error_type(err, e->arena, v, "a whole number above 0");
		return -1;
	}
	e->user = !json_empty(json_get(root, "user"));
	return 0;
}

static void
openai_path(const struct embed *e, const struct ir_target *t, struct buf *b)
{
	(void)e;
	(void)t;
	(void)buf_addz(b, "/v1/embeddings");
}

/* What only its own dialect can take. */
static int
openai_refuse(const struct embed *e, const struct ir_target *to,
    struct ir_error *err)
{
	if (e->media != 0)
		ir_error_field(err, e->arena, e->json, e->media,
		    "provider '%.*s' embeds texts only",
		    STR_FMT(to->provider));
	else if (e->mixed != 0)
		ir_error_field(err, e->arena, e->json, e->mixed,
		    "outputDimensionality must be the same for all texts: "
		    "provider '%.*s' has one for a request",
		    STR_FMT(to->provider));
	else
		return 0;
	return -1;
}

/* Said once: a list of a thousand would fill the report. */
static void
openai_lose(const struct embed *e)
{
	const struct embed_text	*t;
	bool			 task = false, title = false;

	for (t = e->texts; t != NULL; t = t->next) {
		if (t->task.n > 0 && !task)
			loss_add(e->loss, LOSS_DROPPED, STR("taskType"),
			    "there is one kind of embedding there");
		if (!jstr_empty(t->title) && !title)
			loss_add(e->loss, LOSS_DROPPED, STR("title"),
			    "texts have no titles there");
		task |= t->task.n > 0;
		title |= !jstr_empty(t->title);
	}
	if (e->truncate)
		loss_add(e->loss, LOSS_DROPPED, STR("autoTruncate"),
		    "a text that is too long is refused there");
}

static int
openai_encode(const struct embed *e, const struct ir_target *to,
    struct buf *out, struct ir_error *err)
{
	const struct embed_text	*t;
	struct jw		 w;
	size_t			 i;

	if (openai_refuse(e, to, err) == -1)
		return -1;
	openai_lose(e);
	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "model");
	jw_str(&w, to->model);
	jw_key(&w, "input");
	jw_array(&w);
	for (t = e->texts, i = 0; i < e->n; t = t->next, i++) {
		if (t->tokens.n > 0)
			jw_raw(&w, t->tokens);
		else
			jw_jstr(&w, t->text);
	}
	jw_array_end(&w);
	jw_key(&w, "encoding_format");
	jw_strz(&w, e->base64 ? "base64" : "float");
	if (e->dims > 0) {
		jw_key(&w, "dimensions");
		jw_int(&w, e->dims);
	}
	jw_object_end(&w);
	return 0;
}

/* --- answers ---------------------------------------------------------------- */

static int
vector_read(const struct embed *e, struct jv v, struct embed_vector *out)
{
	struct buf	 b;
	int		 res = -1;

	if (json_type(v) == JSON_ARRAY) {
		out->numbers = v;
		return 0;
	}
	if (json_type(v) != JSON_STRING)
		return -1;
	buf_init(&b, 16 << 20);
	if (base64_decode(&b, json_str(e->arena, v)) == 0 && b.len > 0 &&
	    b.len % 4 == 0) {
		out->floats = arena_str(e->arena, buf_str(&b));
		res = 0;
	}
	buf_release(&b);
	return res;
}

static int
openai_read(const struct embed *e, struct jv answer, struct embed_answer *a)
{
	struct jv	 data = json_get(answer, "data"), v;
	int64_t		 i, place = 0;

	if (json_type(data) != JSON_ARRAY || json_count(data) != e->n)
		return -1;
	a->n = e->n;
	a->v = arena_array(e->arena, a->n, sizeof(*a->v));
	for (v = json_first(data); json_ok(v); v = json_next(v), place++) {
		if (json_int(json_get(v, "index"), &i) == -1)
			i = place;
		if (i < 0 || i >= (int64_t)a->n || vector_read(e,
		    json_get(v, "embedding"), &a->v[i]) == -1)
			return -1;
	}
	a->model = json_str(e->arena, json_get(answer, "model"));
	if (json_int(json_get(json_get(answer, "usage"), "prompt_tokens"),
	    &a->tokens) == -1)
		a->tokens = -1;
	return 0;
}

static void
openai_write(const struct embed *e, const struct embed_answer *a,
    struct buf *out)
{
	struct jw	 w;
	size_t		 i;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "object");
	jw_strz(&w, "list");
	jw_key(&w, "data");
	jw_array(&w);
	for (i = 0; i < a->n; i++) {
		jw_object(&w);
		jw_key(&w, "object");
		jw_strz(&w, "embedding");
		jw_key(&w, "index");
		jw_int(&w, (int64_t)i);
		jw_key(&w, "embedding");
		embed_vector_write(&a->v[i], e->base64, out);
		w.comma = true;
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_key(&w, "model");
	jw_str(&w, a->model);
	jw_key(&w, "usage");
	jw_object(&w);
	jw_key(&w, "prompt_tokens");
	jw_int(&w, a->tokens);
	jw_key(&w, "total_tokens");
	jw_int(&w, a->tokens);
	jw_object_end(&w);
	jw_object_end(&w);
}

const struct dialect_embed	 embed_openai = {
	.max = 2048,
	.decode = openai_decode,
	.path = openai_path,
	.encode = openai_encode,
	.read = openai_read,
	.write = openai_write
};
