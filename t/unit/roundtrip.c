/*
 * There and back: every recorded request and answer of a dialect A to every
 * other dialect B and to A again.  What comes back is what was sent, but for
 * what the loss report of the way there names, at its path.
 *
 *	request		the request, taken apart into atoms: a parameter, a
 *			tool, a part of a message each
 *	answer		the answer through B, plain and streamed; both ways
 *			fold to the same; and again in A it is the same
 */
#include "wire/schema.h"

#include "matrix.h"

#define ATOMS_MAX	4000		/* of one request */

/*
 * What need not come back, and why.  What is here is in no loss report, as
 * leaving it out means the same.
 */
static const struct {
	const char	*what, *value;	/* NULL: any */
	const char	*why;
} nothing[] = {
	{ "n", "1", "the default" },
	{ "strict", "no", "the default" },
	{ "parallel", "yes", "the default" },
	{ "logprobs", "no", "the default" },
	{ "top_logprobs", "0", "the default" },
	{ "presence_penalty", "0", "the default" },
	{ "frequency_penalty", "0", "the default" },
	{ "service_tier", "auto", "the default" },
	{ "service_tier", "default", "the default" },
	{ "truncation", "\"disabled\"", "the default" },
	{ "background", "false", "the default" },
	{ "include", "[]", "the default" },
	{ "temperature", "1", "the default" },
	{ "top_p", "1", "the default" },
	{ "service_tier", "standard_only", "the default elsewhere" },
	{ "safe_prompt", "false", "the default" },
	{ "schema", "{\"properties\":{},\"type\":\"object\"}",
	    "Gemini leaves it out" },
	{ "result", "{}", "Gemini's form of an empty one" },
	{ "model's text", " ", "whitespace alone is refused by providers" },
	{ "reasoning", "off", "a model not known to reason does not" },
	{ "reasoning", "on", "wanted by thoughts that are to be seen" },
	{ "visible thoughts", NULL, "some always show what they show" },
	{ NULL, NULL, NULL }
};

/*
 * With TRIP_OUTPUTS, what was written is kept there for t/39-schemas.t: a line
 * of JSON each.
 */
static FILE	*outputs;

static void
keep(const struct report *r, const struct fixture *fx, const char *kind,
    struct str text)
{
	struct buf	 b;
	struct jw	 w;

	if (outputs == NULL)
		return;
	buf_init(&b, BUF_MAX);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "from");
	jw_strz(&w, r->from->name);
	jw_key(&w, "to");
	jw_strz(&w, r->to->name);
	jw_key(&w, "id");
	jw_strz(&w, fx->id);
	jw_key(&w, "kind");
	jw_strz(&w, kind);
	if (strcmp(kind, "stream") == 0) {
		jw_key(&w, "text");
		jw_str(&w, text);
	} else {
		jw_key(&w, "value");
		jw_raw(&w, text);
	}
	jw_object_end(&w);
	fprintf(outputs, "%.*s\n", STR_FMT(buf_str(&b)));
	buf_release(&b);
}

/* --- requests as atoms ---------------------------------------------------- */

struct atom {
	const char	*what;		/* category, compared by address */
	struct str	 value;
	bool		 json;		/* value is a JSON text */
	bool		 used;
	uint32_t	 node;
};

struct atoms {
	struct arena	*a;
	const struct ir_names *names;	/* of the way there, or NULL */
	struct ir_str_list *ids;	/* of calls, in order */
	struct atom	*v;
	size_t		 n;
};

static void
add(struct atoms *as, const char *what, struct str value, bool json,
    uint32_t node)
{
	if (value.n == 0 || as->n == ATOMS_MAX)
		return;
	as->v[as->n++] = (struct atom){ .what = what, .value = value,
	    .json = json, .node = node };
}

static void
add_jstr(struct atoms *as, const char *what, struct jstr s, uint32_t node)
{
	add(as, what, jstr_decode(as->a, s), false, node);
}

static void
add_int(struct atoms *as, const char *what, int64_t v, uint32_t node)
{
	if (v != -1)
		add(as, what, arena_strf(as->a, "%lld", (long long)v), true,
		    node);
}

static void
add_tri(struct atoms *as, const char *what, enum ir_tri v, uint32_t node)
{
	if (v != IR_UNSET)
		add(as, what, v == IR_YES ? STR("yes") : STR("no"), false,
		    node);
}

static struct str
name_back(const struct atoms *as, struct str name)
{
	return as->names == NULL ? name : ir_name_restore(as->names, name);
}

/* Ids may be mapped: what counts is which call a result belongs to. */
static struct str
id_rank(struct atoms *as, struct str id)
{
	struct ir_str_list	**l;
	unsigned		 n = 0;

	for (l = &as->ids; *l != NULL; l = &(*l)->next, n++) {
		if (str_eq((*l)->s, id))
			return arena_strf(as->a, "#%u", n);
	}
	*l = ARENA_NEW(as->a, struct ir_str_list);
	(*l)->s = id;
	return arena_strf(as->a, "#%u", n);
}

/* Gemini's form of a schema as JSON Schema. */
static struct str
schema_of(struct arena *a, struct str schema, bool openapi)
{
	struct buf	 b;
	struct jw	 w;

	if (!openapi || schema.n == 0)
		return schema;
	buf_init(&b, BUF_MAX);
	jw_init(&w, &b);
	schema_from_openapi(a, schema, &w);
	schema = arena_str(a, buf_str(&b));
	buf_release(&b);
	return schema;
}

static void
add_media(struct atoms *as, const char *what, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	add(as, what, m->data, false, p->node);
	add_jstr(as, what, m->url, p->node);
	add_jstr(as, what, m->file_id, p->node);
	add_jstr(as, what, m->text, p->node);
	add_jstr(as, "title of a document", m->title, p->node);
	add_jstr(as, "context of a document", m->context, p->node);
}

static void
add_call(struct atoms *as, const struct ir_part *p)
{
	struct str	 args;

	(void)id_rank(as, p->id);
	add(as, "call", name_back(as, p->name), false, p->node);
	if (p->tool == IR_CUSTOM) {
		args = arena_strf(as->a, "{\"input\":\"%.*s\"}",
		    (int)p->text.n, p->text.p);
	} else
		(void)!ir_args_object(as->a, &p->args, &args);
	add(as, "arguments", args, true, p->node);
}

static const char	 user_text[] = "user's text";
static const char	 model_text[] = "model's text";
static const char	 system_text[] = "system text";
static const char	 result_text[] = "result";

static void
add_part(struct atoms *as, const char *text, const struct ir_part *p)
{
	switch (p->type) {
	case IR_TEXT:
	case IR_REFUSAL:
		add_jstr(as, text, p->text, p->node);
		break;
	case IR_IMAGE: case IR_AUDIO: case IR_VIDEO: case IR_DOCUMENT:
		add_media(as, "media", p);
		break;
	case IR_TOOL_CALL:
		add_call(as, p);
		break;
	case IR_THINKING:
		add_jstr(as, "thinking", p->text, p->node);
		add_jstr(as, "redacted thinking", p->redacted, p->node);
		break;
	case IR_OPAQUE:
		add(as, "opaque part", p->raw, true, p->node);
		break;
	case IR_TOOL_RESULT:
		break;
	}
	if (p->cache != IR_CACHE_NONE)
		add(as, "cache mark", STR("set"), false, p->node);
	add_jstr(as, "signature", p->signature, p->node);
	add(as, "further members", p->extra, true, p->node);
}

static void
add_message(struct atoms *as, const struct ir_message *m)
{
	const struct ir_part	*p, *q;
	const char		*text;

	text = m->role == IR_USER ? user_text : m->role == IR_ASSISTANT ?
	    model_text : system_text;
	add(as, "name of a speaker", m->name, false, m->node);
	for (p = m->parts; p != NULL; p = p->next) {
		add_part(as, text, p);
		if (p->type != IR_TOOL_RESULT)
			continue;
		add(as, "result's call", id_rank(as, p->id), false, p->node);
		if (p->is_error)
			add(as, "is_error", STR("yes"), false, p->node);
		for (q = p->parts; q != NULL; q = q->next)
			add_part(as, result_text, q);
	}
}

static void
add_tool(struct atoms *as, const struct ir_tool *t)
{
	if (t->kind == IR_SERVER) {
		add(as, "server tool", t->raw, true, t->node);
		return;
	}
	add(as, "tool", name_back(as, t->name), false, t->node);
	if (t->kind == IR_FUNCTION) {
		add_jstr(as, "description", t->description, t->node);
		add(as, "schema", schema_of(as->a, t->schema,
		    t->schema_is_openapi), true, t->node);
	}
	add_tri(as, "strict", t->strict, t->node);
	add(as, "response schema", t->response_schema, true, t->node);
	if (t->cache != IR_CACHE_NONE)
		add(as, "cache mark", STR("set"), false, t->node);
}

static void
add_sampling(struct atoms *as, const struct ir_sampling *s)
{
	const struct {
		const char		*what;
		const struct ir_number	*v;
	} numbers[] = {
		{ "temperature", &s->temperature }, { "top_p", &s->top_p },
		{ "top_k", &s->top_k }, { "seed", &s->seed }, { "n", &s->n },
		{ "frequency_penalty", &s->frequency_penalty },
		{ "presence_penalty", &s->presence_penalty },
		{ "top_logprobs", &s->top_logprobs }
	};
	size_t	 i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		add(as, numbers[i].what, numbers[i].v->raw, true,
		    numbers[i].v->node);
	add_tri(as, "logprobs", s->logprobs, 0);
	add_int(as, "max_tokens", s->max_tokens, s->max_tokens_node);
}

static void
add_choice(struct atoms *as, const struct ir_tool_choice *c)
{
	static const char *const modes[] = { "", "auto", "none", "required",
	    "named" };
	const struct ir_str_list	*l;

	/* What is the default need not be said. */
	if (c->mode != IR_CHOICE_UNSET && c->mode != IR_CHOICE_AUTO)
		add(as, "tool choice", str_of(modes[c->mode]), false, c->node);
	add(as, "chosen tool", name_back(as, c->name), false, c->node);
	for (l = c->allowed; l != NULL; l = l->next)
		add(as, "allowed tool", name_back(as, l->s), false, c->node);
}

static void
add_format(struct atoms *as, const struct ir_format *f)
{
	static const char *const kinds[] = { "", "", "json", "schema",
	    "other" };

	add(as, "format", str_of(kinds[f->kind]), false, f->node);
	add(as, "format's schema", schema_of(as->a, f->schema,
	    f->schema_is_openapi), true, f->node);
	add_jstr(as, "format's description", f->description, f->node);
	add(as, "format's name", f->name, false, f->node);
	add_tri(as, "format's strict", f->strict, f->node);
}

static void
add_reasoning(struct atoms *as, const struct ir_reasoning *r)
{
	static const char *const modes[] = { "", "off", "on", "on" };

	add(as, "reasoning", str_of(modes[r->mode]), false, r->node);
	add(as, "effort", r->effort, false, r->node);
	add_int(as, "budget", r->budget, r->node);
	add_tri(as, "visible thoughts", r->visible, r->node);
	add(as, "summary", r->summary, false, r->node);
}

static void
take_apart(struct atoms *as, const struct ir_request *rq)
{
	const struct ir_message		*m;
	const struct ir_tool		*t;
	const struct ir_stop_seq	*s;
	const struct ir_ext		*e;

	for (m = rq->messages; m != NULL; m = m->next)
		add_message(as, m);
	for (t = rq->tools; t != NULL; t = t->next)
		add_tool(as, t);
	for (s = rq->stop; s != NULL; s = s->next)
		add_jstr(as, "stop sequence", s->s, s->node);
	for (e = rq->ext; e != NULL; e = e->next)
		add(as, arena_str(as->a, e->name).p, e->json, true, e->node);
	add_sampling(as, &rq->sampling);
	add_choice(as, &rq->choice);
	add_format(as, &rq->format);
	add_reasoning(as, &rq->reasoning);
	if (rq->tools != NULL)
		add_tri(as, "parallel", rq->parallel, 0);
	add_jstr(as, "user", rq->user, rq->user_node);
	add(as, "metadata", rq->metadata, true, rq->metadata_node);
	add(as, "service_tier", rq->service_tier, false,
	    rq->service_tier_node);
	if (rq->stream)
		add(as, "stream", STR("yes"), false, 0);
}

/* --- requests compared ---------------------------------------------------- */

struct trip {
	struct report		*r;
	const struct fixture	*fx;
	struct arena		*a;
	const struct loss	*loss;		/* of the way there */
	const struct json	*json;		/* of what was sent */
	struct atoms		*away;		/* as it was in B */
	const struct loss	*loss_back;
	const struct json	*json_away;
	unsigned		 equal, allowed, defaults;
};

/* OpenAI wants properties, if there are none. */
static bool
same_schema(struct arena *a, const struct atom *x, const struct atom *y)
{
	static const char	 none[] = ",\"properties\":{}}";
	struct str		 s = y->value, where;

	if (strcmp(x->what, "schema") != 0 || !str_ends(s, none))
		return false;
	s.n -= strlen(none);
	return same_json(a, x->value, arena_strf(a, "%.*s}", STR_FMT(s)),
	    &where);
}

static bool
same_atom(struct arena *a, const struct atom *x, const struct atom *y)
{
	struct str	 where;

	if (strcmp(x->what, y->what) != 0)
		return false;
	if (same_schema(a, x, y))
		return true;
	/* Results are text that may well be JSON. */
	return str_eq(x->value, y->value) || ((x->json ||
	    x->what == result_text) && same_json(a, x->value, y->value,
	    &where));
}

/* Texts may have been joined: is x in y? */
static bool
part_of(const struct atom *x, const struct atom *y)
{
	struct str	 s = str_trim(x->value);

	return !x->json && x->what == y->what &&
	    memmem(y->value.p, y->value.n, s.p, s.n) != NULL;
}

/* Is one path the other's beginning? */
static bool
covers(struct str p, struct str q)
{
	size_t	 n = p.n < q.n ? p.n : q.n;
	char	 next;

	if (n == 0 || memcmp(p.p, q.p, n) != 0)
		return n == 0 && p.n == q.n;
	next = p.n > n ? p.p[n] : q.n > n ? q.p[n] : '.';
	return next == '.' || next == '[';
}

/* Parameters whose node is not kept, by the names that dialects give them. */
static bool
covers_name(struct str path, const char *what)
{
	static const char *const names[][5] = {
		{ "parallel", "parallel_tool_calls", "tool_choice",
		    "function_call", "functions" },
		{ "logprobs", "logprobs", "generationConfig.responseLogprobs",
		    "include", "" },
		{ "top_logprobs", "logprobs", "top_logprobs", "", "" }
	};
	size_t	 i, k;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (k = 1; k < 5 && strcmp(what, names[i][0]) == 0; k++)
			if (covers(path, str_of(names[i][k])))
				return true;
	}
	return false;
}

static bool
in_report(struct arena *a, const struct loss *loss, const struct json *j,
    const struct atom *x)
{
	const struct loss_item	*l;

	for (l = loss->first; l != NULL; l = l->next) {
		if (covers_name(l->path, x->what) || (x->node != 0 &&
		    covers(l->path, json_path(a, j, x->node))))
			return true;
	}
	return loss->n > LOSS_MAX;
}

static struct atom	*partner(const struct trip *, const struct atom *,
			    struct atoms *, bool);

/* Lost on the way there; or it was there, and lost on the way back. */
static bool
reported(const struct trip *t, const struct atom *x)
{
	const struct atom	*y;

	if (in_report(t->a, t->loss, t->json, x))
		return true;
	if ((y = partner(t, x, t->away, false)) == NULL)
		y = partner(t, x, t->away, true);
	return y != NULL && in_report(t->a, t->loss_back, t->json_away, y);
}

static bool
means_nothing(struct arena *a, const struct atom *x)
{
	struct str	 where;
	size_t		 i;

	for (i = 0; nothing[i].what != NULL; i++) {
		if (strcmp(nothing[i].what, x->what) == 0 &&
		    (nothing[i].value == NULL ||
		    str_is(x->value, nothing[i].value) ||
		    (x->json && same_json(a, x->value,
		    str_of(nothing[i].value), &where))))
			return true;
	}
	return false;
}

static struct atom *
partner(const struct trip *t, const struct atom *x, struct atoms *back,
    bool joined)
{
	size_t	 i;

	for (i = 0; i < back->n; i++) {
		if (joined ? part_of(x, &back->v[i]) : !back->v[i].used &&
		    same_atom(t->a, x, &back->v[i]))
			return &back->v[i];
	}
	return NULL;
}

static void
compare(struct trip *t, struct atoms *there, struct atoms *back)
{
	struct atom	*x, *y;
	size_t		 i;

	for (i = 0; i < there->n; i++) {
		x = &there->v[i];
		if ((y = partner(t, x, back, false)) == NULL)
			y = partner(t, x, back, true);
		if (y != NULL) {
			y->used = true;
			t->equal++;
		} else if (reported(t, x))
			t->allowed++;
		else if (means_nothing(t->a, x))
			t->defaults++;
		else
			fail(t->r, t->fx, "%s (%.*s): %.*s", x->what,
			    STR_FMT(json_path(t->a, t->json, x->node)),
			    x->value.n > 70 ? 70 : (int)x->value.n,
			    x->value.p);
	}
}

static struct atoms
atoms_new(struct arena *a, const struct ir_names *names)
{
	return (struct atoms){ .a = a, .names = names,
	    .v = arena_alloc(a, ATOMS_MAX * sizeof(struct atom)) };
}

static int
encode_for(struct arena *a, const struct fixture *fx,
    const struct ir_request *rq, const struct dialect *to,
    struct ir_exchange *x, struct loss *loss, struct buf *out,
    struct ir_error *err)
{
	memset(x, 0, sizeof(*x));
	loss_init(loss, a);
	x->arena = a;
	x->rq = rq;
	x->loss = loss;
	x->id = STR("trip");
	x->stream = x->target.stream = rq->stream;
	x->framing = x->target.framing = rq->framing;
	x->target.dialect = to;
	x->target.model = fx->model.n > 0 ? fx->model : STR("some-model");
	return to->request_encode(x, out, err);
}

static int
decode_as(struct arena *a, const struct fixture *fx, const struct dialect *d,
    struct str body, struct json *j, struct ir_request *rq,
    struct ir_error *err)
{
	struct json_error	 je;

	if (json_parse(j, body, &je) == -1) {
		ir_error_set(err, IR_ERR_BAD_REQUEST, "not JSON");
		return -1;
	}
	ir_request_init(rq, a, d, j);
	rq->path_model = fx->model;
	rq->path_stream = fx->path_stream || d == &dialect_gemini;
	return d->request_decode(rq, err);
}

/* B is the request in the other dialect; home again, and compared. */
static void
come_home(struct trip *t, const struct ir_request *rq,
    const struct ir_names *names, struct str b)
{
	struct json		 jb, ja;
	struct ir_request	 rb, ra;
	struct ir_exchange	 x;
	struct loss		 loss;
	struct ir_error		 err;
	struct buf		 home;
	struct atoms		 there, away, back;

	json_init(&jb);
	json_init(&ja);
	buf_init(&home, BUF_MAX);
	if (decode_as(t->a, t->fx, t->r->to, b, &jb, &rb, &err) == -1)
		fail(t->r, t->fx, "%s", err.msg);
	else {
		rb.stream = rq->stream;
		if (encode_for(t->a, t->fx, &rb, t->r->from, &x, &loss, &home,
		    &err) == -1 || decode_as(t->a, t->fx, t->r->from,
		    buf_str(&home), &ja, &ra, &err) == -1)
			fail(t->r, t->fx, "no way back: %s", err.msg);
		else {
			ra.stream = rq->stream;
			there = atoms_new(t->a, NULL);
			back = atoms_new(t->a, names);
			away = atoms_new(t->a, names);
			take_apart(&there, rq);
			take_apart(&away, &rb);
			t->away = &away;
			t->loss_back = &loss;
			t->json_away = &jb;
			take_apart(&back, &ra);
			compare(t, &there, &back);
		}
	}
	buf_release(&home);
	json_release(&ja);
	json_release(&jb);
}

static void
trip_request(struct trip *t)
{
	struct json		 j;
	struct ir_request	 rq;
	struct ir_exchange	 x;
	struct loss		 loss;
	struct ir_error		 err;
	struct buf		 b;

	json_init(&j);
	buf_init(&b, BUF_MAX);
	/* What the target refuses, and says so, it cannot express. */
	if (decode_as(t->a, t->fx, t->r->from, t->fx->request, &j, &rq,
	    &err) == 0 && encode_for(t->a, t->fx, &rq, t->r->to, &x, &loss, &b,
	    &err) == 0 && loss.refused == 0) {
		t->r->n++;
		t->loss = &loss;
		t->json = &j;
		keep(t->r, t->fx, "request", buf_str(&b));
		come_home(t, &rq, &x.names, buf_str(&b));
	}
	buf_release(&b);
	json_release(&j);
}

static void
test_requests(const struct fixture *all, const struct dialect *from,
    const struct dialect *to)
{
	struct report		 r = { .test = "trip", .mode = "request",
	    .from = from, .to = to };
	struct arena		 a;
	struct trip		 t = { .r = &r, .a = &a };
	unsigned		 here = 0;

	arena_init(&a);
	for (t.fx = all; t.fx != NULL; t.fx = t.fx->next) {
		/* What the provider refused may be wrong anywhere. */
		if (!wanted_fixture(t.fx, from) || t.fx->request.n == 0 ||
		    t.fx->status >= 400)
			continue;
		here++;
		trip_request(&t);
		arena_clear(&a);
	}
	arena_release(&a);
	report(&r);
	printf("# %u of %u can be expressed; %u atoms equal, %u in the loss "
	    "report, %u mean nothing\n", r.n, here, t.equal, t.allowed,
	    t.defaults);
}

/* --- answers -------------------------------------------------------------- */

static int
convert(struct arena *a, const struct dialect *from, const struct dialect *to,
    enum framing in, enum framing out, struct str bytes, struct buf *b,
    struct loss *loss)
{
	struct convert_opts	 o = { .from = from, .to = to, .in = in,
	    .out = out, .created = 1 };
	struct ir_error		 err;

	loss_init(loss, a);
	return convert_response(a, &o, bytes, b, loss, &err);
}

static bool
silent(const struct ir_response *r, const struct ir_response *s,
    const struct loss *loss)
{
	static const enum ir_delta kinds[] = { IR_D_SIGNATURE, IR_D_REDACTED,
	    IR_D_ANNOTATION, IR_D_DATA, IR_D_LOGPROBS };
	size_t	 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (extras(r->choices, kinds[i]) > 0 &&
		    extras(s->choices, kinds[i]) == 0 && loss->n == 0)
			return true;
	}
	return false;
}

/* One answer to B in one framing and home; *fold: what B's client has. */
static void
trip_answer(struct report *r, const struct fixture *fx, struct arena *a,
    const struct ir_response *direct, enum framing out, struct decoded *fold)
{
	struct loss	 loss, back;
	struct buf	 b, home;
	struct decoded	 d;
	const char	*what;

	buf_init(&b, BUF_MAX);
	buf_init(&home, BUF_MAX);
	memset(fold, 0, sizeof(*fold));
	ir_response_init(&fold->r, a, BUF_MAX);
	if (convert(a, r->from, r->to, fx->framing, out, fx->answer, &b,
	    &loss) != 0 || decode(a, r->to, out, arena_str(a, buf_str(&b)), 0,
	    0, fold) == -1)
		fail(r, fx, "no way there");
	else if (silent(direct, &fold->r, &loss))
		fail(r, fx, "something is lost in silence");
	else if (convert(a, r->to, r->from, out, FRAME_NONE, buf_str(&b), &home,
	    &back) != 0)
		fail(r, fx, "no way back");
	else {
		if (decode(a, r->from, FRAME_NONE, buf_str(&home), 0, 0,
		    &d) == -1)
			fail(r, fx, "cannot be read at home");
		else if ((what = diff(a, direct, &d.r, false)) != NULL)
			fail(r, fx, "%s", what);
		ir_response_release(&d.r);
	}
	keep(r, fx, out == FRAME_NONE ? "body" : "stream", buf_str(&b));
	buf_release(&b);
	buf_release(&home);
}

static void
trip_both(struct report *r, const struct fixture *fx, struct arena *a)
{
	struct decoded	 direct, plain, stream;
	const char	*what;

	if (decode(a, r->from, fx->framing, fx->answer, 0, 0, &direct) == 0 &&
	    !direct.r.failed) {
		r->n++;
		trip_answer(r, fx, a, &direct.r, FRAME_NONE, &plain);
		trip_answer(r, fx, a, &direct.r, FRAME_SSE, &stream);
		if ((what = diff(a, &plain.r, &stream.r, true)) != NULL)
			fail(r, fx, "streamed and not: %s", what);
		ir_response_release(&plain.r);
		ir_response_release(&stream.r);
	}
	ir_response_release(&direct.r);
}

static void
test_answers(const struct fixture *all, const struct dialect *from,
    const struct dialect *to)
{
	struct report		 r = { .test = "trip", .mode = "answer",
	    .from = from, .to = to };
	const struct fixture	*fx;
	struct arena		 a;

	arena_init(&a);
	for (fx = all; fx != NULL; fx = fx->next) {
		if (!wanted_fixture(fx, from) || fx->answer.n == 0 ||
		    fx->status >= 400)
			continue;
		trip_both(&r, fx, &a);
		arena_clear(&a);
	}
	arena_release(&a);
	report(&r);
}

int
main(int argc, char *argv[])
{
	struct arena	 a;
	struct fixture	*all;
	size_t		 i, k;

	set_filters(argc, argv);
	arena_init(&a);
	if ((all = fixtures_load(&a)) == NULL) {
		printf("1..0 # SKIP no recorded exchanges: set FIXTURES\n");
		arena_release(&a);
		return 0;
	}
	if (getenv("TRIP_OUTPUTS") != NULL && (outputs =
	    fopen(getenv("TRIP_OUTPUTS"), "w")) == NULL) {
		perror(getenv("TRIP_OUTPUTS"));
		return 1;
	}
	for (i = 0; dialects[i] != NULL; i++) {
		for (k = 0; dialects[k] != NULL; k++) {
			if (!wanted(only_from, dialects[i]->name) ||
			    !wanted(only_to, dialects[k]->name))
				continue;
			if (wanted(only_test, "request"))
				test_requests(all, dialects[i], dialects[k]);
			if (wanted(only_test, "answer"))
				test_answers(all, dialects[i], dialects[k]);
		}
	}
	arena_release(&a);
	if (outputs != NULL && fclose(outputs) != 0)
		perror("TRIP_OUTPUTS");
	return done();
}
