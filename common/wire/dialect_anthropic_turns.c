/*
 * System text and messages of another dialect as Anthropic's: turns alternate,
 * the first is the user's, every call is answered at the start of the next
 * turn, in the order of the calls, and no text is empty.
 *
 *	1. the messages' parts that can be sent are appended to turns;
 *	2. calls get ids that are fit and unique;
 *	3. results are paired with the calls of the turn before: one that
 *	   answers nothing is left out, a missing one is made up;
 *	4. the ends are mended: first turn, last turn, if that is an answer that
 *	   is begun for the model.
 */
#include "wire/dialect_anthropic.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "wire/media.h"

#define ANSWER_JSON	"Answer only with JSON, without any text around it."
#define DECODED_MAX	((size_t)64 << 20)	/* of a document's text */

/* Where a part is to stand. */
enum place { IN_USER, IN_ASSISTANT, IN_RESULT };

/* --- what can be sent ----------------------------------------------------- */

/* One character of escaped text that is space; the length of it, or 0. */
static size_t
space_at(struct jstr s, size_t i)
{
	if (s.p[i] == ' ')
		return 1;
	if (s.p[i] != '\\')
		return 0;
	if (i + 1 < s.n && strchr("ntrf", s.p[i + 1]) != NULL)
		return 2;
	if (i + 5 < s.n && (memcmp(s.p + i, "\\u0020", 6) == 0 ||
	    strncasecmp(s.p + i, "\\u00a0", 6) == 0 ||
	    memcmp(s.p + i, "\\u3000", 6) == 0 ||
	    strncasecmp(s.p + i, "\\u000b", 6) == 0))
		return 6;
	return 0;
}

bool
anthropic_blank(struct jstr s)
{
	size_t	 i, n;

	for (i = 0; i < s.n; i += n) {
		if ((n = space_at(s, i)) == 0)
			return false;
	}
	return true;
}

/* Escapes can only be told apart from the front. */
static struct jstr
trim_end(struct jstr s)
{
	size_t	 i, n, end = 0;

	for (i = 0; i < s.n; i += n) {
		if ((n = space_at(s, i)) > 0)
			continue;
		n = s.p[i] == '\\' ? 2 : 1;
		end = i + n;
	}
	s.n = end;
	return s;
}

static bool
url_fetchable(struct jstr url)
{
	struct str	 s = { url.p, url.n };

	return str_starts(s, "https:") || str_starts(s, "http:");
}

static bool
is_texty(struct str type)
{
	return str_starts(type, "text/") || str_is(type, "application/json") ||
	    str_is(type, "application/xml") ||
	    str_is(type, "application/yaml") || str_ends(type, "+json") ||
	    str_ends(type, "+xml");
}

/* Why a medium cannot be sent, or NULL. */
static const char *
media_fault(const struct an_request *r, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	if (p->type == IR_AUDIO)
		return "the model takes no audio";
	if (p->type == IR_VIDEO)
		return "the model takes no video";
	if (m->text.n > 0)
		return NULL;
	if (m->data.n > 0) {
		if ((p->type == IR_IMAGE || str_starts(m->type, "image/")) &&
		    !media_image_common(m))
			return "the model takes no images of this type";
		if (p->type == IR_IMAGE || m->type.n == 0 ||
		    str_starts(m->type, "image/") || is_texty(m->type) ||
		    str_is(m->type, "application/pdf"))
			return NULL;
		return "the model takes no documents of this type";
	}
	if (m->url.n > 0)
		return url_fetchable(m->url) ? NULL :
		    "the provider cannot fetch this address";
	if (m->file_id.n > 0)
		return r->rq->from == &dialect_anthropic ? NULL :
		    "a file that lies with another provider";
	return "no data";
}

static bool
media_fits(struct an_request *r, const struct ir_part *p, enum place place)
{
	static const char *const	 detail[] = { "detail", NULL };
	const char			*why = media_fault(r, p);

	if (place == IN_ASSISTANT) {
		anthropic_loss(r, LOSS_DROPPED, p->node,
		    "assistant turns hold no media");
		return false;
	}
	if (why != NULL) {
		anthropic_loss(r, LOSS_REFUSED, p->node, why);
		return false;
	}
	if (p->media.detail.n > 0 && !str_is(p->media.detail, "auto"))
		dialect_lose_member(r->x, LOSS_DROPPED, p->node, detail,
		    "an image has no level of detail");
	return true;
}

static bool
thinking_fits(struct an_request *r, const struct ir_part *p)
{
	if (p->from == &dialect_anthropic &&
	    (p->signature.n > 0 || p->redacted.n > 0))
		return true;
	anthropic_loss(r, LOSS_DROPPED, p->node,
	    "thoughts that the provider has not signed");
	return false;
}

static bool
opaque_fits(struct an_request *r, const struct ir_part *p, enum place place)
{
	if (p->from == &dialect_anthropic)
		return true;
	if (p->text.n > 0) {
		anthropic_loss(r, LOSS_APPROXIMATED, p->node,
		    "what a provider's own tool did is told as text");
		return true;
	}
	if (p->vital) {
		anthropic_loss(r, LOSS_REFUSED, p->node,
		    "it stands for messages that only its provider has");
		return false;
	}
	/* A model's own doings may be forgotten, a user's word not. */
	if (place == IN_ASSISTANT) {
		anthropic_loss(r, LOSS_DROPPED, p->node, DIALECT_NOT_TOLD);
		return false;
	}
	if (!dialect_can_tell(p)) {
		anthropic_loss(r, LOSS_REFUSED, p->node, DIALECT_NOT_TOLD);
		return false;
	}
	anthropic_loss(r, LOSS_APPROXIMATED, p->node,
	    "sent as the text of its JSON");
	return true;
}

/* Can p stand there?  Else the report says why. */
static bool
fits(struct an_request *r, const struct ir_part *p, enum place place)
{
	switch (p->type) {
	case IR_TEXT:
		return !anthropic_blank(p->text);
	case IR_REFUSAL:
		if (anthropic_blank(p->text))
			return false;
		anthropic_loss(r, LOSS_APPROXIMATED, p->node,
		    "a refusal is sent as text");
		return true;
	case IR_IMAGE:
	case IR_AUDIO:
	case IR_VIDEO:
	case IR_DOCUMENT:
		return media_fits(r, p, place);
	case IR_TOOL_CALL:
		if (p->tool != IR_SERVER)
			return true;
		anthropic_loss(r, LOSS_DROPPED, p->node,
		    "a call of another provider's tool");
		return false;
	case IR_TOOL_RESULT:
		if (p->tool != IR_SERVER)
			return true;
		anthropic_loss(r, LOSS_DROPPED, p->node,
		    "a result of another provider's tool");
		return false;
	case IR_THINKING:
		return thinking_fits(r, p);
	case IR_OPAQUE:
		return opaque_fits(r, p, place);
	}
	return false;
}

/* --- 1: turns ------------------------------------------------------------- */

static void
items_init(struct an_items *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static struct an_item *
item_add(struct an_request *r, struct an_items *l, const struct ir_part *p)
{
	struct an_item	*it = ARENA_NEW(r->a, struct an_item);

	it->part = p;
	*l->last = it;
	l->last = &it->next;
	return it;
}

static void
items_join(struct an_items *l, struct an_items *more)
{
	if (more->first == NULL)
		return;
	*l->last = more->first;
	l->last = more->last;
}

static struct an_turn *
turn_new(struct an_request *r, bool assistant, struct an_turn *next)
{
	struct an_turn	*t = ARENA_NEW(r->a, struct an_turn);

	t->assistant = assistant;
	t->next = next;
	items_init(&t->results);
	items_init(&t->blocks);
	items_init(&t->system);
	return t;
}

/* An opaque item that is a message by itself is what a tool of the client's
 * provider did, not what the user said. */
static enum place
place_of(const struct ir_message *m, const struct ir_part *p)
{
	if (p->type == IR_OPAQUE && p->node == m->node)
		return IN_ASSISTANT;
	return m->role == IR_ASSISTANT ? IN_ASSISTANT : IN_USER;
}

static bool
is_system(const struct ir_message *m)
{
	return m != NULL && (m->role == IR_SYSTEM || m->role == IR_DEVELOPER);
}

/*
 * May the system speak here for itself?  Where the model knows of it, behind a
 * user's turn and in front of the assistant's, or of the answer.
 */
static bool
system_speaks(const struct an_request *r, const struct ir_message *m,
    const struct an_turn *t)
{
	const struct ir_part	*p;

	if (!is_system(m) || !r->model.system_turns || t == NULL ||
	    t->assistant || m->parts == NULL)
		return false;
	for (; is_system(m); m = m->next)
		for (p = m->parts; p != NULL; p = p->next)
			if (p->type != IR_TEXT)
				return false;
	return m == NULL || m->role == IR_ASSISTANT;
}

static void
turns_collect(struct an_request *r, const struct ir_message *m)
{
	struct an_turn		**last = &r->turns, *t = NULL;
	const struct ir_part	*p;
	bool			 assistant, used, system;

	for (; m != NULL; m = m->next) {
		assistant = m->role == IR_ASSISTANT;
		system = system_speaks(r, m, t);
		used = false;
		for (p = m->parts; p != NULL; p = p->next) {
			if (!fits(r, p, place_of(m, p)))
				continue;
			if (t == NULL || t->assistant != assistant) {
				t = turn_new(r, assistant, NULL);
				*last = t;
				last = &t->next;
			}
			item_add(r, system ? &t->system : p->type ==
			    IR_TOOL_RESULT ? &t->results : &t->blocks, p);
			used = true;
		}
		if (used && !system && is_system(m))
			anthropic_loss(r, LOSS_APPROXIMATED, m->node,
			    "a system message in the middle is sent as the "
			    "user's");
	}
}

/* --- 2: ids of the calls -------------------------------------------------- */

struct calls {
	struct an_item	**v;
	size_t		  n;
};

static void
calls_collect(struct an_request *r, const struct an_items *l, struct calls *c)
{
	struct an_item	*it;
	size_t		 n = 0;

	for (it = l->first; it != NULL; it = it->next) {
		if (it->part->type == IR_TOOL_CALL ||
		    it->part->type == IR_TOOL_RESULT)
			n++;
	}
	c->v = arena_array(r->a, n, sizeof(*c->v));
	c->n = 0;
	for (it = l->first; it != NULL; it = it->next) {
		if (it->part->type == IR_TOOL_CALL ||
		    it->part->type == IR_TOOL_RESULT)
			c->v[c->n++] = it;
	}
}

static int
order_cmp(const struct an_item *a, const struct an_item *b)
{
	return (a->order > b->order) - (a->order < b->order);
}

static int
wire_cmp(const void *pa, const void *pb)
{
	const struct an_item	*a = *(struct an_item *const *)pa;
	const struct an_item	*b = *(struct an_item *const *)pb;
	int			 c = str_cmp(a->id, b->id);

	return c != 0 ? c : order_cmp(a, b);
}

/*
 * Clients that number the calls of each turn anew, or give no ids: the ids
 * depend on the calls before them only, so they stay as the history grows.
 */
static void
ids_assign(struct an_request *r)
{
	struct an_items	 all;
	struct calls	 c;
	struct an_turn	*t;
	struct an_item	*it;
	struct str	 first = STR_NONE;
	unsigned	 order = 0, again = 0;
	size_t		 i;

	items_init(&all);
	for (t = r->turns; t != NULL; t = t->next) {
		if (!t->assistant)
			continue;
		for (it = t->blocks.first; it != NULL; it = it->next) {
			if (it->part->type != IR_TOOL_CALL)
				continue;
			it->order = order++;
			it->id = it->part->id.n > 0 ? it->part->id :
			    arena_strf(r->a, "%.*s#%u",
			    STR_FMT(it->part->name), it->order);
			it->id = ir_id_fit(r->a, it->id, "toolu_", AN_ID_MAX);
		}
	}
	c.v = arena_array(r->a, order, sizeof(*c.v));
	c.n = 0;
	for (t = r->turns; t != NULL; t = t->next) {
		for (it = t->blocks.first; t->assistant && it != NULL;
		    it = it->next) {
			if (it->part->type == IR_TOOL_CALL)
				c.v[c.n++] = it;
		}
	}
	if (c.n > 1)
		qsort(c.v, c.n, sizeof(*c.v), wire_cmp);
	for (i = 0; i < c.n; i++) {
		if (i == 0 || !str_eq(c.v[i]->id, first)) {
			first = c.v[i]->id;
			again = 0;
			continue;
		}
		c.v[i]->id = ir_id_fit(r->a, arena_strf(r->a, "%.*s#%u",
		    STR_FMT(first), ++again), "toolu_", AN_ID_MAX);
	}
}

/* --- 3: results ----------------------------------------------------------- */

/* By the client's own id; where it gave none, by the tool's name. */
static int
client_cmp(const struct an_item *a, const struct an_item *b)
{
	int	 c = str_cmp(a->part->id, b->part->id);

	return c != 0 || a->part->id.n > 0 ? c :
	    str_cmp(a->part->name, b->part->name);
}

static int
pair_cmp(const void *pa, const void *pb)
{
	const struct an_item	*a = *(struct an_item *const *)pa;
	const struct an_item	*b = *(struct an_item *const *)pb;
	int			 c = client_cmp(a, b);

	return c != 0 ? c : order_cmp(a, b);
}

static int
call_order_cmp(const void *pa, const void *pb)
{
	return order_cmp(*(struct an_item *const *)pa,
	    *(struct an_item *const *)pb);
}

static void
orphan(struct an_request *r, const struct an_item *result)
{
	anthropic_loss(r, LOSS_DROPPED, result->part->node,
	    "a result without its call");
}

/* Both in order of the client's ids: answers[i] gets the result of calls[i]. */
static void
match(struct an_request *r, struct calls *calls, struct calls *results,
    struct an_item **answers)
{
	size_t	 i = 0, k = 0;
	int	 c;

	while (k < results->n) {
		c = i < calls->n ? client_cmp(calls->v[i], results->v[k]) : 1;
		if (c < 0) {
			i++;
			continue;
		}
		if (c > 0) {
			orphan(r, results->v[k++]);
			continue;
		}
		results->v[k]->id = calls->v[i]->id;
		results->v[k]->order = calls->v[i]->order;
		answers[i++] = results->v[k++];
	}
}

/* An Anthropic client's call has its result in the very next turn. */
static struct an_item *
made_up(struct an_request *r, const struct an_item *call)
{
	struct an_item	*it = ARENA_NEW(r->a, struct an_item);

	anthropic_loss(r, LOSS_APPROXIMATED, call->part->node,
	    "a call without its result: an error is sent as the result");
	it->id = call->id;
	it->order = call->order;
	return it;
}

/* The results in user, which follows assistant; either may be NULL. */
static void
pair(struct an_request *r, struct an_turn *assistant, struct an_turn *user)
{
	struct an_items	 none = { NULL, &none.first };
	struct calls	 calls, results;
	struct an_item	**answers;
	unsigned	 k = 0;
	size_t		 i;

	calls_collect(r, assistant != NULL ? &assistant->blocks : &none,
	    &calls);
	calls_collect(r, user != NULL ? &user->results : &none, &results);
	for (i = 0; i < results.n; i++)
		results.v[i]->order = k++;
	if (calls.n > 1)
		qsort(calls.v, calls.n, sizeof(*calls.v), pair_cmp);
	if (results.n > 1)
		qsort(results.v, results.n, sizeof(*results.v), pair_cmp);
	answers = arena_array(r->a, calls.n, sizeof(struct an_item *));
	match(r, &calls, &results, answers);
	for (i = 0; i < calls.n; i++) {
		if (answers[i] == NULL)
			answers[i] = made_up(r, calls.v[i]);
	}
	if (calls.n > 1)
		qsort(answers, calls.n, sizeof(*answers), call_order_cmp);
	if (user == NULL)
		return;
	items_init(&user->results);
	for (i = 0; i < calls.n; i++) {
		answers[i]->next = NULL;
		*user->results.last = answers[i];
		user->results.last = &answers[i]->next;
	}
}

static bool
has_calls(const struct an_turn *t)
{
	const struct an_item	*it;

	for (it = t->blocks.first; it != NULL; it = it->next) {
		if (it->part->type == IR_TOOL_CALL)
			return true;
	}
	return false;
}

/* What the system says behind a user's turn of which nothing is left. */
static void
system_joins(struct an_request *r, struct an_turn *t)
{
	if (t->results.first != NULL || t->blocks.first != NULL ||
	    t->system.first == NULL)
		return;
	anthropic_loss(r, LOSS_APPROXIMATED, t->system.first->part->node,
	    "a system message in the middle is sent as the user's");
	items_join(&t->blocks, &t->system);
	items_init(&t->system);
}

/* A user's turn that has become empty goes, and its neighbours are one. */
static void
turns_pair(struct an_request *r)
{
	struct an_turn	*t = r->turns, *u;

	if (t != NULL && !t->assistant) {
		pair(r, NULL, t);
		system_joins(r, t);
		if (t->blocks.first == NULL)
			r->turns = t->next;
		else
			t = t->next;
	}
	if (r->turns != NULL && r->turns->assistant)
		t = r->turns;
	while (t != NULL) {
		u = t->next;
		if (has_calls(t) && u == NULL)
			u = t->next = turn_new(r, false, NULL);
		pair(r, t, u);
		if (u != NULL)
			system_joins(r, u);
		if (u != NULL && u->results.first == NULL &&
		    u->blocks.first == NULL) {
			t->next = u->next;
			if (u->next == NULL)
				break;
			items_join(&t->blocks, &u->next->blocks);
			t->next = u->next->next;
			continue;
		}
		t = u == NULL ? NULL : u->next;
	}
}

/* --- 4: the ends ---------------------------------------------------------- */

/* Stands where the API wants a user's word and the client gave none. */
static const struct ir_part	 no_word = {
	.type = IR_TEXT, .text = { ".", 1 }
};

static void
mend_first(struct an_request *r)
{
	if (r->turns == NULL || !r->turns->assistant)
		return;
	anthropic_loss(r, LOSS_APPROXIMATED,
	    r->turns->blocks.first->part->node,
	    "a user's turn \".\" is put before the assistant's");
	r->turns = turn_new(r, false, r->turns);
	item_add(r, &r->turns->blocks, &no_word);
}

static void
mend_last(struct an_request *r, struct an_turn *t)
{
	struct an_item	*it;

	for (it = t->blocks.first; it->next != NULL; it = it->next)
		;
	if (it->part->type != IR_TEXT ||
	    trim_end(it->part->text).n == it->part->text.n)
		return;
	it->trim = true;
	anthropic_loss(r, LOSS_APPROXIMATED, it->part->node,
	    "an assistant's last text ends without space");
}

static const struct ir_part	 go_on = {
	.type = IR_TEXT, .text = { "Continue.", 9 }
};

void
anthropic_turns_end(struct an_request *r)
{
	struct an_turn	*t = r->turns;

	while (t->next != NULL)
		t = t->next;
	if (!t->assistant)
		return;
	if (r->model.prefill && !r->think) {
		mend_last(r, t);
		return;
	}
	anthropic_loss(r, LOSS_APPROXIMATED, t->blocks.first->part->node,
	    "the model takes no begun answer: a user's turn \"Continue.\" is "
	    "put behind it");
	t->next = turn_new(r, false, NULL);
	item_add(r, &t->next->blocks, &go_on);
}

int
anthropic_turns(struct an_request *r, struct ir_error *err)
{
	const struct ir_message	*m = r->rq->messages, *last = NULL;

	for (; is_system(m); m = m->next)
		last = m;
	r->body = m;
	turns_collect(r, m);
	ids_assign(r);
	turns_pair(r);
	if (r->turns == NULL && last != NULL) {
		/* Only instructions: the last one is the question. */
		r->body = last;
		turns_collect(r, last);
	}
	if (r->turns == NULL)
		return dialect_nothing_left(r->x, err);
	mend_first(r);
	return 0;
}

bool
anthropic_turns_unthought(const struct an_request *r)
{
	const struct an_turn	*t = r->turns, *before = NULL;

	for (; t->next != NULL; t = t->next)
		before = t;
	if (t->assistant || t->results.first == NULL || before == NULL)
		return false;
	return before->blocks.first->part->type != IR_THINKING;
}

/* --- bytes ---------------------------------------------------------------- */

static void
write_cache(struct jw *w, enum ir_cache cache)
{
	if (cache == IR_CACHE_NONE)
		return;
	jw_key(w, "cache_control");
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "ephemeral");
	if (cache == IR_CACHE_1H) {
		jw_key(w, "ttl");
		jw_strz(w, "1h");
	}
	jw_object_end(w);
}

static void
open_block(struct jw *w, const char *type)
{
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, type);
}

static void
write_text(struct an_request *r, struct jstr text, enum ir_cache cache)
{
	open_block(&r->w, "text");
	jw_key(&r->w, "text");
	jw_jstr(&r->w, text);
	write_cache(&r->w, cache);
	jw_object_end(&r->w);
}

/* What base64 begins with tells the type where nobody said it. */
static struct str
media_type(const struct ir_part *p)
{
	static const struct {
		const char	*start;
		const char	*type;
	} known[] = {
		{ "/9j/",	"image/jpeg" },
		{ "iVBORw0K",	"image/png" },
		{ "R0lGOD",	"image/gif" },
		{ "UklGR",	"image/webp" },
		{ "JVBERi",	"application/pdf" }
	};
	size_t	 i;

	if (str_is(p->media.type, "image/jpg"))
		return STR("image/jpeg");
	if (p->media.type.n > 0)
		return p->media.type;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_starts(p->media.data, known[i].start))
			return str_of(known[i].type);
	}
	return p->type == IR_IMAGE ? STR("image/png") : STR("application/pdf");
}

/* {"type":type,"media_type":..,"data":..}: text given as base64 is decoded. */
static void
write_source_data(struct an_request *r, const struct ir_part *p,
    struct str type)
{
	struct jw	*w = &r->w;
	struct buf	 b;
	bool		 text;

	buf_init(&b, DECODED_MAX);
	text = is_texty(type) && base64_decode(&b, p->media.data) == 0 &&
	    utf8_valid(buf_str(&b));
	open_block(w, text ? "text" : "base64");
	jw_key(w, "media_type");
	if (text)
		jw_strz(w, "text/plain");
	else
		jw_str(w, type);
	jw_key(w, "data");
	jw_str(w, text ? buf_str(&b) : p->media.data);
	jw_object_end(w);
	buf_release(&b);
}

static void
write_source(struct an_request *r, const struct ir_part *p, struct str type)
{
	struct jw		*w = &r->w;
	const struct ir_media	*m = &p->media;

	jw_key(w, "source");
	if (m->text.n > 0) {
		open_block(w, "text");
		jw_key(w, "media_type");
		jw_strz(w, "text/plain");
		jw_key(w, "data");
		jw_jstr(w, m->text);
	} else if (m->data.n > 0) {
		write_source_data(r, p, type);
		return;
	} else if (m->url.n > 0) {
		open_block(w, "url");
		jw_key(w, "url");
		jw_jstr(w, m->url);
	} else {
		open_block(w, "file");
		jw_key(w, "file_id");
		jw_jstr(w, m->file_id);
	}
	jw_object_end(w);
}

/* A PDF may come as an image, an image as a file: the type counts. */
static void
write_media(struct an_request *r, const struct ir_part *p)
{
	struct jw	*w = &r->w;
	struct str	 type = media_type(p);
	struct jstr	 title = p->media.title;
	bool		 image = p->type == IR_IMAGE;

	if (p->media.data.n > 0)
		image = str_starts(type, "image/");
	open_block(w, image ? "image" : "document");
	write_source(r, p, type);
	if (title.n == 0)
		title = p->media.filename;
	if (!image && title.n > 0) {
		jw_key(w, "title");
		jw_jstr(w, title);
	}
	if (!image && p->media.context.n > 0) {
		jw_key(w, "context");
		jw_jstr(w, p->media.context);
	}
	write_cache(w, p->cache);
	jw_object_end(w);
}

static void
write_call(struct an_request *r, const struct an_item *it)
{
	const struct ir_part	*p = it->part;
	struct jw		*w = &r->w;
	struct str		 args;

	open_block(w, "tool_use");
	jw_key(w, "id");
	jw_str(w, it->id);
	jw_key(w, "name");
	jw_str(w, ir_name_fit(r->a, &r->x->names, p->name, "", AN_NAME_MAX));
	jw_key(w, "input");
	if (p->tool == IR_CUSTOM) {
		jw_object(w);
		jw_key(w, "input");
		jw_jstr(w, p->text);
		jw_object_end(w);
	} else {
		if (ir_args_object(r->a, &p->args, &args) == -1)
			anthropic_loss(r, LOSS_APPROXIMATED, p->node,
			    "arguments that are no JSON object are put in one");
		jw_raw(w, args);
	}
	write_cache(w, p->cache);
	jw_object_end(w);
}

static void
write_thinking(struct an_request *r, const struct ir_part *p)
{
	struct jw	*w = &r->w;

	if (p->redacted.n > 0) {
		open_block(w, "redacted_thinking");
		jw_key(w, "data");
		jw_jstr(w, p->redacted);
	} else {
		open_block(w, "thinking");
		jw_key(w, "thinking");
		jw_jstr(w, p->text);
		jw_key(w, "signature");
		jw_jstr(w, p->signature);
	}
	jw_object_end(w);
}

/* Calls and results have functions of their own. */
static void
write_part(struct an_request *r, const struct ir_part *p, bool trim)
{
	switch (p->type) {
	case IR_TEXT:
	case IR_REFUSAL:
		write_text(r, trim ? trim_end(p->text) : p->text, p->cache);
		break;
	case IR_THINKING:
		write_thinking(r, p);
		break;
	case IR_OPAQUE:
		if (p->from == &dialect_anthropic)
			jw_raw(&r->w, p->raw);
		else
			write_text(r, p->text.n > 0 ? p->text :
			    jstr_encode(r->a, p->raw), p->cache);
		break;
	default:
		write_media(r, p);
		break;
	}
}

/* A result's text alone is a string, as most clients write it. */
static void
write_result_content(struct an_request *r, const struct ir_part *parts)
{
	const struct ir_part	*p, *only = NULL;
	struct an_items		 l;
	struct an_item		*it;

	items_init(&l);
	for (p = parts; p != NULL; p = p->next) {
		if (fits(r, p, IN_RESULT))
			item_add(r, &l, p);
	}
	if (l.first == NULL)
		return;
	if (l.first->next == NULL)
		only = l.first->part;
	jw_key(&r->w, "content");
	if (only != NULL && only->type == IR_TEXT &&
	    only->cache == IR_CACHE_NONE) {
		jw_jstr(&r->w, only->text);
		return;
	}
	jw_array(&r->w);
	for (it = l.first; it != NULL; it = it->next)
		write_part(r, it->part, false);
	jw_array_end(&r->w);
}

/* The API refuses errors that hold anything but text. */
static bool
error_result(struct an_request *r, const struct ir_part *result)
{
	const struct ir_part	*p;

	if (!result->is_error)
		return false;
	for (p = result->parts; p != NULL; p = p->next) {
		if (p->type < IR_IMAGE || p->type > IR_DOCUMENT)
			continue;
		anthropic_loss(r, LOSS_APPROXIMATED, result->node,
		    "an error with media is sent as a plain result");
		return false;
	}
	return true;
}

static void
write_result(struct an_request *r, const struct an_item *it)
{
	struct jw	*w = &r->w;

	open_block(w, "tool_result");
	jw_key(w, "tool_use_id");
	jw_str(w, it->id);
	if (it->part == NULL) {
		jw_key(w, "content");
		jw_strz(w, "This call was given no result.");
	} else {
		write_result_content(r, it->part->parts);
	}
	if (it->part == NULL || error_result(r, it->part)) {
		jw_key(w, "is_error");
		jw_bool(w, true);
	}
	if (it->part != NULL)
		write_cache(w, it->part->cache);
	jw_object_end(w);
}

static void
write_turn(struct an_request *r, const struct an_turn *t, const char *role)
{
	struct jw		*w = &r->w;
	const struct an_item	*it = t->blocks.first;

	jw_object(w);
	jw_key(w, "role");
	jw_strz(w, role);
	jw_key(w, "content");
	if (t->results.first == NULL && it->next == NULL && !it->trim &&
	    it->part->type == IR_TEXT && it->part->cache == IR_CACHE_NONE) {
		jw_jstr(w, it->part->text);
		jw_object_end(w);
		return;
	}
	jw_array(w);
	for (it = t->results.first; it != NULL; it = it->next)
		write_result(r, it);
	for (it = t->blocks.first; it != NULL; it = it->next) {
		if (it->part->type == IR_TOOL_CALL)
			write_call(r, it);
		else
			write_part(r, it->part, it->trim);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static bool
system_fits(struct an_request *r, const struct ir_part *p)
{
	if (p->type == IR_TEXT)
		return !anthropic_blank(p->text);
	anthropic_loss(r, p->type == IR_OPAQUE ? LOSS_DROPPED : LOSS_REFUSED,
	    p->node, "system text holds nothing else");
	return false;
}

static void
write_system(struct an_request *r)
{
	const struct ir_message	*m;
	const struct ir_part	*p, *one = NULL;
	bool			 json = r->rq->format.kind == IR_FORMAT_JSON;
	unsigned		 n = 0;

	for (m = r->rq->messages; m != r->body; m = m->next) {
		for (p = m->parts; p != NULL; p = p->next) {
			if (!system_fits(r, p))
				continue;
			one = p;
			n++;
		}
	}
	if (n == 0 && !json)
		return;
	jw_key(&r->w, "system");
	if (n == 0 || (n == 1 && !json && one->cache == IR_CACHE_NONE)) {
		jw_jstr(&r->w, n == 0 ? JSTR(ANSWER_JSON) : one->text);
		return;
	}
	jw_array(&r->w);
	for (m = r->rq->messages; m != r->body; m = m->next) {
		for (p = m->parts; p != NULL; p = p->next) {
			if (p->type == IR_TEXT && !anthropic_blank(p->text))
				write_text(r, p->text, p->cache);
		}
	}
	if (json)
		write_text(r, JSTR(ANSWER_JSON), IR_CACHE_NONE);
	jw_array_end(&r->w);
}

void
anthropic_turns_write(struct an_request *r)
{
	struct an_turn		 s = { .results = { .first = NULL } };
	const struct an_turn	*t;

	write_system(r);
	jw_key(&r->w, "messages");
	jw_array(&r->w);
	for (t = r->turns; t != NULL; t = t->next) {
		write_turn(r, t, t->assistant ? "assistant" : "user");
		if (t->system.first != NULL) {
			s.blocks = t->system;
			write_turn(r, &s, "system");
		}
	}
	jw_array_end(&r->w);
}

/* Images and PDFs; another document's text has to be brought. */
bool
anthropic_takes_url(const struct ir_exchange *x, const struct ir_part *p,
    struct str url)
{
	struct str	 type = p->media.type;

	(void)x;
	if (p->type == IR_IMAGE)
		return true;
	if (p->type != IR_DOCUMENT)
		return false;
	if (type.n > 0)
		return str_is(type, "application/pdf");
	url = str_cut(&url, '?');
	return !str_ends(url, ".txt") && !str_ends(url, ".md") &&
	    !str_ends(url, ".csv") && !str_ends(url, ".json") &&
	    !str_ends(url, ".html");
}
