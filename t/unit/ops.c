/*
 * Counts and embeddings without a network: every recorded exchange of them, to
 * each dialect and back, and values of wrong types in every place.
 */
#include <string.h>

#include "matrix.h"
#include "wire/ops.h"

struct rec {
	const char		*endpoint;
	const struct dialect	*dialect;
	struct str		 model, request, answer;
	bool			 single;
};

static const struct dialect *const homes[] = { &dialect_openai_chat,
    &dialect_gemini };

/* --- embeddings ------------------------------------------------------------- */

static int
embed_read(struct arena *a, struct json *j, const struct rec *r,
    struct loss *loss, struct embed *e, struct ir_error *err)
{
	memset(e, 0, sizeof(*e));
	e->from = r->dialect;
	e->arena = a;
	e->json = j;
	e->path_model = r->model;
	e->single = r->single;
	e->loss = loss;
	loss_init(loss, a);
	return json_parse(j, r->request, NULL) == -1 ? -1 :
	    r->dialect->embed->decode(e, err);
}

/* The same texts, in the same order, once they have been to another dialect? */
static bool
same_texts(const struct embed *e, const struct embed *f)
{
	const struct embed_text	*t = e->texts, *u = f->texts;
	struct str		 where;

	while (t != NULL && u != NULL && t->text.n == u->text.n &&
	    (t->text.n == 0 || memcmp(t->text.p, u->text.p, t->text.n) == 0) &&
	    (t->tokens.n == 0 ? u->tokens.n == 0 :
	    same_json(e->arena, t->tokens, u->tokens, &where))) {
		t = t->next;
		u = u->next;
	}
	return t == NULL && u == NULL && e->dims == f->dims;
}

static void
embed_there(struct arena *a, const char *id, const struct rec *r,
    const struct dialect *to)
{
	struct ir_target	 t = { .dialect = to, .model = STR("m"),
	    .provider = STR("p") };
	struct rec		 there = { .dialect = to, .model = STR("m") };
	struct embed		 e, f;
	struct embed_answer	 ans, back;
	struct ir_error		 err;
	struct loss		 loss, loss2;
	struct json		 j, k, l;
	struct buf		 out;

	json_init(&j);
	json_init(&k);
	json_init(&l);
	buf_init(&out, BUF_MAX);
	if (embed_read(a, &j, r, &loss, &e, &err) == -1) {
		ok(false, "%s: %s", id, err.msg);
		goto out;
	}
	there.single = e.single && to == &dialect_gemini;
	if (to->embed->encode(&e, &t, &out, &err) == -1) {
		ok(to != r->dialect && e.texts->tokens.n > 0,
		    "%s: tokens stay where they are: %s", id, err.msg);
		goto out;
	}
	there.request = arena_str(a, buf_str(&out));
	ok(embed_read(a, &k, &there, &loss2, &f, &err) == 0 &&
	    same_texts(&e, &f), "%s to %s: the same texts", id, to->name);
	if (r->answer.n == 0 || json_parse(&l, r->answer, NULL) == -1 ||
	    json_ok(json_get(json_root(&l), "error")))
		goto out;
	ok(r->dialect->embed->read(&e, json_root(&l), &ans) == 0 &&
	    ans.n == e.n, "%s: its answer", id);
	buf_clear(&out);
	f.single = there.single;
	f.base64 = true;
	to->embed->write(&f, &ans, &out);
	ok(json_parse(&k, arena_str(a, buf_str(&out)), NULL) == 0 &&
	    to->embed->read(&f, json_root(&k), &back) == 0 &&
	    back.n == ans.n, "%s as %s has them: as many", id, to->name);
out:
	buf_release(&out);
	json_release(&l);
	json_release(&k);
	json_release(&j);
}

/* --- counts ----------------------------------------------------------------- */

static void
count_read(const char *id, const struct rec *r)
{
	struct json	 j;
	struct buf	 out;
	int64_t		 n = -1, again = -1;
	bool		 same = false;

	json_init(&j);
	buf_init(&out, BUF_MAX);
	if (json_parse(&j, r->answer, NULL) == 0 &&
	    r->dialect->count->read(json_root(&j), &n) == 0) {
		r->dialect->count->write(n, &out);
		same = json_parse(&j, buf_str(&out), NULL) == 0 &&
		    r->dialect->count->read(json_root(&j), &again) == 0 &&
		    again == n;
	}
	ok(same, "%s: counts %lld", id, (long long)n);
	buf_release(&out);
	json_release(&j);
}

/* --- the recordings --------------------------------------------------------- */

static void
test_recording(struct arena *a, const struct json *j)
{
	struct jv	 root = json_root(j);
	struct jv	 endpoint = json_get(root, "endpoint"), body;
	struct rec	 r = { .endpoint = NULL };
	struct str	 id = json_str(a, json_get(root, "id"));
	char		 z[32];
	size_t		 i;

	ir_error_copy(z, sizeof(z), id);
	r.dialect = dialect_byname(json_str(a, json_get(root, "provider")));
	r.model = json_str(a, json_get(root, "model"));
	body = json_get(json_get(root, "request"), "body");
	r.request = json_type(body) == JSON_OBJECT ? json_raw(body) : STR_NONE;
	body = json_get(json_get(root, "response"), "body");
	r.answer = json_type(body) == JSON_OBJECT ? json_raw(body) : STR_NONE;
	if (r.dialect == NULL || r.request.n == 0)
		return;
	if (json_is(endpoint, "count_tokens") ||
	    json_is(endpoint, "countTokens"))
		count_read(z, &r);
	else
		for (i = 0; i < 2; i++)
			embed_there(a, z, &r, homes[i]);
}

static bool
is_ours(struct jv endpoint)
{
	return json_is(endpoint, "count_tokens") ||
	    json_is(endpoint, "countTokens") ||
	    json_is(endpoint, "embeddings") ||
	    json_is(endpoint, "embedContent") ||
	    json_is(endpoint, "batchEmbedContents");
}

static unsigned
test_recordings(void)
{
	const char	*dir = getenv("FIXTURES");
	struct str	 index, line, text;
	struct arena	 a;
	struct json	 j;
	unsigned	 n = 0;

	if (dir == NULL)
		dir = "../shared/fixtures";
	arena_init(&a);
	json_init(&j);
	index = fixture_file(&a, arena_strf(&a, "%s/index.jsonl", dir).p);
	while (index.n > 0) {
		line = str_cut(&index, '\n');
		if (json_parse(&j, line, NULL) == -1 ||
		    !is_ours(json_get(json_root(&j), "endpoint")))
			continue;
		text = fixture_file(&a, arena_strf(&a,
		    "%s/exchanges/%.*s.json", dir, STR_FMT(json_str(&a,
		    json_get(json_root(&j), "id")))).p);
		if (text.n > 0 && json_parse(&j, text, NULL) == 0) {
			test_recording(&a, &j);
			n++;
		}
	}
	json_release(&j);
	arena_release(&a);
	return n;
}

/* --- damage ----------------------------------------------------------------- */

static const struct {
	const struct dialect	*dialect;
	bool			 single;
	const char		*text;
} samples[] = {
	{ &dialect_openai_chat, false, "{\"model\":\"m\",\"input\":[\"a\","
	    "[1,2]],\"dimensions\":3,\"encoding_format\":\"base64\","
	    "\"user\":\"u\"}" },
	{ &dialect_gemini, true, "{\"content\":{\"parts\":[{\"text\":\"a\"},"
	    "{\"text\":\"b\"}]},\"taskType\":\"X\",\"title\":\"t\","
	    "\"outputDimensionality\":3}" },
	{ &dialect_gemini, false, "{\"requests\":[{\"content\":{\"parts\":["
	    "{\"text\":\"a\"}]}},{\"content\":{\"parts\":{\"text\":\"b\"}},"
	    "\"embedContentConfig\":{\"title\":\"t\"}}]}" },
};

/* Each value in turn becomes one of another type: an error or a request. */
static void
test_damage(void)
{
	static const char *const values[] = { "null", "3", "\"x\"", "[]",
	    "{}", "true", "[null]", "-1e999" };
	struct ir_target	 t = { .model = STR("m"),
	    .provider = STR("p") };
	struct ir_error		 err;
	struct embed		 e;
	struct arena		 a;
	struct loss		 loss;
	struct json		 j, k;
	struct buf		 b, out;
	struct rec		 r = { .model = STR("m") };
	unsigned		 tried = 0, silent = 0;
	size_t			 i, v, to;
	uint32_t		 node;

	arena_init(&a);
	json_init(&j);
	json_init(&k);
	buf_init(&b, BUF_MAX);
	buf_init(&out, BUF_MAX);
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (json_parse(&j, str_of(samples[i].text), NULL) == -1)
			continue;
		r.dialect = samples[i].dialect;
		r.single = samples[i].single;
		for (node = 0; node < j.n; node++)
			for (v = 0; v < sizeof(values) / sizeof(values[0]);
			    v++) {
				struct str	 raw;

				if (j.nodes[node].key)
					continue;
				raw = json_raw(json_at(&j, node));
				buf_clear(&b);
				buf_add(&b, samples[i].text,
				    (size_t)(raw.p - samples[i].text));
				buf_addz(&b, values[v]);
				buf_addz(&b, raw.p + raw.n);
				r.request = buf_str(&b);
				tried++;
				err.msg[0] = '\0';
				if (embed_read(&a, &k, &r, &loss, &e,
				    &err) == -1) {
					silent += err.msg[0] == '\0' &&
					    node > 0;
					continue;
				}
				for (to = 0; to < 2; to++) {
					buf_clear(&out);
					t.dialect = homes[to];
					if (homes[to]->embed->encode(&e, &t,
					    &out, &err) == 0 &&
					    !is_json(buf_str(&out)))
						silent++;
				}
			}
	}
	ok(tried > 200 && silent == 0, "%u damaged requests: an error that "
	    "says why, or JSON", tried);
	buf_release(&out);
	buf_release(&b);
	json_release(&k);
	json_release(&j);
	arena_release(&a);
}

int
main(void)
{
	test_damage();
	if (test_recordings() == 0)
		ok(true, "# SKIP no recorded exchanges in $FIXTURES");
	return done();
}
