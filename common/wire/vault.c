/*
 * Reasoning state, gathered and put back.
 *
 * A value is {"e": earlier, "b": before, "s": signature}: the state parts of the
 * turn up to the part before, those right before this one, and the signature
 * upon it.  Earlier ones are put back with the first part of a turn that is
 * found, so that a client that drops a text loses no state.
 */
#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"
#include "wire/dialect.h"
#include "wire/vault.h"

#define TEXT_MAX	((size_t)1 << 20)
#define VALUE_MAX	((size_t)8 << 20)
#define ITEMS_MAX	512
#define ID_MAX		40
#define OWN_ID		16	/* what is longer does not come again */
#define OWN_TEXT	256

/* --- names ------------------------------------------------------------------------ */

/*
 * Some providers count their calls from 0, and all say "Done.": what may come
 * again in another conversation is known by what was said right before it, too.
 * Of results only the call: clients shorten old ones.
 */
static uint64_t
said_before(struct arena *a, const struct ir_message *m)
{
	const struct ir_part	*p;
	uint64_t		 h = 1;

	if (m == NULL)
		return h;
	for (p = m->parts; p != NULL; p = p->next)
		if (p->type == IR_TOOL_RESULT)
			h = hash64(p->id, h);
	for (p = m->parts; p != NULL && p->type != IR_TEXT; p = p->next)
		continue;
	return p == NULL ? h : hash64(str_trim(jstr_decode(a, p->text)), h);
}

static bool
is_asking(const struct ir_message *m)
{
	return m->role == IR_USER || m->role == IR_TOOL;
}

/* A name under construction; a long conversation has hundreds. */
struct name {
	char	 p[VAULT_NAME_MAX];
	size_t	 n;
};

static void
name_add(struct name *to, struct str s)
{
	must(s.n < sizeof(to->p) - to->n);
	memcpy(to->p + to->n, s.p, s.n);
	to->n += s.n;
}

static void
name_hash(struct name *to, uint64_t h)
{
	static const char	 digit[] = "0123456789abcdef";
	char			 hex[16];
	unsigned		 i;

	for (i = 16; i-- > 0; h >>= 4)
		hex[i] = digit[h & 15];
	name_add(to, (struct str){ hex, sizeof(hex) });
}

static struct str
name_end(struct arena *a, const struct name *n)
{
	return arena_str(a, (struct str){ n->p, n->n });
}

static struct str
call_name(struct arena *a, struct str id, const struct ir_message *m)
{
	struct name	 name = { .n = 0 };

	name_add(&name, STR("call:"));
	name_add(&name, ir_id_fit(a, id, "id_", ID_MAX));
	if (id.n < OWN_ID) {
		name_add(&name, STR(":"));
		name_hash(&name, said_before(a, m));
	}
	return name_end(a, &name);
}

/* By what it says, however it is escaped. */
static struct str
text_name(struct arena *a, struct jstr text, const struct ir_message *m)
{
	struct str	 s = str_trim(jstr_decode(a, text));
	uint64_t	 seed = s.n < OWN_TEXT ? said_before(a, m) : 0;
	struct name	 name = { .n = 0 };
	char		 len[24];

	snprintf(len, sizeof(len), "text:%zu:", s.n);
	name_add(&name, str_of(len));
	name_hash(&name, hash64(s, 0x7661756c74 ^ seed));
	name_hash(&name, hash64(s, 0x6e616d65 ^ seed));
	return name_end(a, &name);
}

/* --- gathered ------------------------------------------------------------------------ */

void
vault_taker_init(struct vault_taker *v, struct arena *a,
    const struct ir_request *rq)
{
	const struct ir_message	*m;

	memset(v, 0, sizeof(*v));
	for (m = rq->messages; m != NULL; m = m->next)
		if (is_asking(m))
			v->after = m;
	v->arena = a;
	v->last = &v->first;
	buf_init(&v->text, TEXT_MAX);
}

void
vault_taker_release(struct vault_taker *v)
{
	buf_release(&v->text);
}

static void
write_parts(struct jw *w, const char *key, const struct ir_part *p)
{
	jw_key(w, key);
	jw_array(w);
	for (; p != NULL; p = p->next) {
		jw_object(w);
		jw_key(w, "t");
		jw_jstr(w, p->text);
		jw_key(w, "s");
		jw_jstr(w, p->signature);
		jw_key(w, "r");
		jw_jstr(w, p->redacted);
		jw_key(w, "i");
		jw_str(w, p->item_id);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void
append(struct ir_part **list, struct ir_part *p)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = p;
}

/* Is there anything to keep with the part at hand? */
static bool
holds(const struct vault_taker *v)
{
	return v->before != NULL || v->earlier != NULL ||
	    !jstr_empty(v->signature);
}

/* The part at hand is complete, and can be recognized by name. */
static void
anchor(struct vault_taker *v, struct str name)
{
	struct vault_item	*it;
	struct buf		 b;
	struct jw		 w;

	buf_init(&b, VALUE_MAX);
	jw_init(&w, &b);
	jw_object(&w);
	write_parts(&w, "e", v->earlier);
	write_parts(&w, "b", v->before);
	jw_key(&w, "s");
	jw_jstr(&w, v->signature);
	jw_object_end(&w);
	if (buf_ok(&b) && v->n < ITEMS_MAX) {
		it = ARENA_NEW(v->arena, struct vault_item);
		it->name = name;
		it->value = arena_str(v->arena, buf_str(&b));
		*v->last = it;
		v->last = &it->next;
		v->n++;
	} else
		v->spoiled = true;
	buf_release(&b);
	if (v->before != NULL)
		append(&v->earlier, v->before);
	v->before = NULL;
}

static struct jstr
text_at_hand(const struct vault_taker *v)
{
	struct str	 s = arena_str(v->arena, buf_str(&v->text));

	return (struct jstr){ s.p, s.n };
}

static void
part_end(struct vault_taker *v)
{
	struct ir_part	*p = v->now;

	v->now = NULL;
	if (p == NULL)
		return;
	if (p->type == IR_THINKING) {
		p->text = text_at_hand(v);
		p->signature = v->signature;
		if (jstr_empty(p->signature) && jstr_empty(p->redacted))
			return;		/* nobody asks for it back */
		append(&v->before, p);
		return;
	}
	if (!holds(v))
		return;			/* a name is made of the whole text */
	if (p->type == IR_TOOL_CALL && p->id.n > 0)
		anchor(v, call_name(v->arena, p->id, v->after));
	else if (p->type == IR_TEXT && buf_ok(&v->text) && v->text.len > 0)
		anchor(v, text_name(v->arena, text_at_hand(v), v->after));
}

static void
part_start(struct vault_taker *v, const struct ir_event *ev)
{
	v->now = ir_part_new(v->arena, ev->part, 0);
	v->now->id = v->now->item_id = arena_str(v->arena, ev->id);
	v->signature = JSTR_NONE;
	buf_clear(&v->text);
}

static void
delta(struct vault_taker *v, const struct ir_event *ev)
{
	struct str	 s = { ev->text.p, ev->text.n };

	if (v->now == NULL)
		return;
	if (ev->delta == IR_D_TEXT)
		(void)buf_adds(&v->text, s);
	else if (ev->delta == IR_D_SIGNATURE) {
		s = arena_str(v->arena, s);
		v->signature = (struct jstr){ s.p, s.n };
	} else if (ev->delta == IR_D_REDACTED) {
		s = arena_str(v->arena, s);
		v->now->redacted = (struct jstr){ s.p, s.n };
	}
}

/* Of several choices the first is what a conversation goes on with. */
void
vault_take(struct vault_taker *v, const struct ir_event *ev)
{
	if (v->spoiled || ev->choice != 0)
		return;
	if (ev->type == IR_EV_PART_START)
		part_start(v, ev);
	else if (ev->type == IR_EV_DELTA)
		delta(v, ev);
	else if (ev->type == IR_EV_PART_END)
		part_end(v);
}

/* --- put back ------------------------------------------------------------------------- */

struct restorer {
	struct ir_request	*rq;
	const struct dialect	*target;
	struct loss		*loss;
	bool			(*any)(void *);
	bool			(*find)(void *, struct str,
				    struct vault_found *);
	void			*arg;
	unsigned		 asked, done;
	bool			 none;		/* nothing is kept */
	const struct ir_message	*after;		/* what the turn answers */
};

static struct ir_part *
read_parts(struct restorer *r, struct jv list)
{
	struct ir_part	*first = NULL, *p;
	struct jv	 v;

	for (v = json_first(list); json_ok(v); v = json_next(v)) {
		p = ir_part_new(r->rq->arena, IR_THINKING, 0);
		p->text = json_jstr(json_get(v, "t"));
		p->signature = json_jstr(json_get(v, "s"));
		p->redacted = json_jstr(json_get(v, "r"));
		p->item_id = json_str(r->rq->arena, json_get(v, "i"));
		p->from = r->target;
		append(&first, p);
	}
	return first;
}

/* What the client made of thoughts that it was shown has no place now. */
static void
drop_shown(struct restorer *r, struct ir_message *m)
{
	struct ir_part	**at = &m->parts;

	while (*at != NULL)
		if ((*at)->type == IR_THINKING && (*at)->from != r->target)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	m->last = at;
}

static void
insert(struct ir_part **at, struct ir_part *list)
{
	struct ir_part	*rest = *at;

	if (list == NULL)
		return;
	*at = list;
	while (list->next != NULL)
		list = list->next;
	list->next = rest;
}

/* Puts back what stands in value; false: it is none of ours. */
static bool
put_back(struct restorer *r, struct ir_part **at, struct str value,
    bool first)
{
	struct ir_part		*part = *at, *before, *earlier;
	struct json		*j = ARENA_NEW(r->rq->arena, struct json);
	struct json_error	 je;
	struct jv		 root;
	struct jstr		 s;

	json_init(j);
	if (json_parse(j, value, &je) == -1) {
		json_release(j);
		return false;
	}
	root = json_root(j);
	before = read_parts(r, json_get(root, "b"));
	earlier = first ? read_parts(r, json_get(root, "e")) : NULL;
	s = json_jstr(json_get(root, "s"));
	if (!jstr_empty(s)) {
		part->signature = s;
		part->from = r->target;
	}
	insert(at, before);
	insert(at, earlier);
	json_release(j);		/* the slices are value's */
	return true;
}

/* The part itself has what its provider said. */
static bool
has_own(const struct restorer *r, const struct ir_part *p)
{
	return !jstr_empty(p->signature) && p->from == r->target;
}

static bool
is_named(const struct ir_part *p)
{
	return (p->type == IR_TOOL_CALL && p->id.n > 0) ||
	    (p->type == IR_TEXT && !jstr_empty(p->text));
}

static bool
ask(struct restorer *r, const struct ir_part *p, struct vault_found *f)
{
	struct str	 name;

	if (r->none || r->asked >= VAULT_LOOKUPS || has_own(r, p) ||
	    !is_named(p))
		return false;
	if (r->asked == 0 && r->any != NULL && !r->any(r->arg)) {
		r->none = true;
		return false;
	}
	if (p->type == IR_TOOL_CALL)
		name = call_name(r->rq->arena, p->id, r->after);
	else
		name = text_name(r->rq->arena, p->text, r->after);
	r->asked++;
	return r->find(r->arg, name, f);
}

static void
message(struct restorer *r, struct ir_message *m)
{
	struct vault_found	 f;
	struct ir_part		**at = &m->parts, *p;
	bool			 any = false;

	while ((p = *at) != NULL) {
		if (!ask(r, p, &f)) {
			at = &p->next;
			continue;
		}
		if (!str_is(f.family, r->target->name))
			loss_node(r->loss, LOSS_DROPPED, r->rq->json, p->node,
			    NULL, "the reasoning that was kept for it is "
			    "another provider's");
		else {
			if (!any) {
				drop_shown(r, m);
				for (at = &m->parts; *at != p;
				    at = &(*at)->next)
					continue;
			}
			if (put_back(r, at, f.value, !any)) {
				any = true;
				r->done++;
			}
		}
		at = &p->next;
	}
	for (m->last = &m->parts; *m->last != NULL;
	    m->last = &(*m->last)->next)
		continue;
}

unsigned
vault_restore(struct ir_request *rq, const struct dialect *target,
    struct loss *loss, bool (*any)(void *),
    bool (*find)(void *, struct str, struct vault_found *), void *arg)
{
	struct restorer		 r = { .rq = rq, .target = target,
				    .loss = loss, .any = any, .find = find,
				    .arg = arg };
	struct ir_message	*m, *asked = NULL, **turn, **after;
	size_t			 n = 0, i = 0;

	for (m = rq->messages; m != NULL; m = m->next)
		n += m->role == IR_ASSISTANT;
	turn = arena_array(rq->arena, n + 1, sizeof(*turn));
	after = arena_array(rq->arena, n + 1, sizeof(*after));
	for (m = rq->messages; m != NULL; m = m->next)
		if (m->role == IR_ASSISTANT) {
			after[i] = asked;
			turn[i++] = m;
		} else if (is_asking(m))
			asked = m;
	/* The newest first: those a provider still asks for. */
	while (i-- > 0) {
		r.after = after[i];
		message(&r, turn[i]);
	}
	return r.done;
}
