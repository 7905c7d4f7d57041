/*
 * Conversations.
 */
#include "proxyd/conversations.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyd/items.h"
#include "proxyd/request.h"

#define ID_MAX		256		/* of what a client gives */
#define ADD_MAX		20		/* items at a time, as OpenAI has it */
#define METADATA_MAX	16		/* members, and their lengths */
#define METADATA_KEY	64
#define METADATA_VALUE	512

static int64_t
tenant_of(const struct request *rq)
{
	return rq->rq_tenant == NULL ? 0 : rq->rq_tenant->id;
}

static void
failed(struct request *rq, const char *what, struct store *s)
{
	rq->rq_wk->row->stat.state_errors++;
	log_warnx("%s: a conversation cannot be %s: %s", rq->rq_id, what,
	    s == NULL ? "state.db is not open" : store_error(s));
}

static void
refuse(struct request *rq, enum ir_errkind kind, const char *param,
    const char *text)
{
	struct ir_error	 err;

	ir_error_set(&err, kind, "%s", text);
	if (param != NULL)
		ir_error_copy(err.param, sizeof(err.param), str_of(param));
	request_fail(rq, &err);
}

static void
reply(struct request *rq, struct buf *b)
{
	request_done(rq, "done");
	request_reply(rq, 200, "application/json", b);
	buf_release(b);
}

/* --- said by requests ---------------------------------------------------------- */

int
conversations_recall(struct request *rq, struct str id,
    struct conversation_item **first)
{
	struct store			*s = worker_state(rq->rq_wk);
	struct conversation_row		 r;
	int				 rc;

	if (id.n > ID_MAX)
		return 0;
	rc = s == NULL ? -1 : conversation_get(s, rq->rq_wk->box,
	    tenant_of(rq), id, &rq->rq_arena, &r);
	if (rc == 1 && conversation_items(s, rq->rq_wk->box, tenant_of(rq),
	    id, &rq->rq_arena, first) == -1)
		rc = -1;
	if (rc == -1)
		failed(rq, "read", s);
	return rc;
}

/* A new one, where an item has none; by its kind, as OpenAI wants it. */
static struct str
id_of(struct request *rq, struct jv item, unsigned n)
{
	struct str	 id = json_str(&rq->rq_arena, json_get(item, "id"));
	struct str	 type;

	if (id.n > 0 && id.n <= ID_MAX)
		return id;
	type = json_str(&rq->rq_arena, json_get(item, "type"));
	return arena_strf(&rq->rq_arena, "%s%s%04u",
	    str_starts(type, "function_call") ? "fc_" :
	    str_is(type, "reasoning") ? "rs_" : "msg_", rq->rq_id + 4, n);
}

/* Of an array behind what is there; how many there are then. */
static unsigned
gather(struct request *rq, struct jv array, unsigned n,
    struct conversation_item ***last)
{
	struct conversation_item	*it;
	struct jv			 v;

	if (json_type(array) != JSON_ARRAY)
		return n;
	for (v = json_first(array); json_ok(v); v = json_next(v), n++) {
		it = ARENA_NEW(&rq->rq_arena, struct conversation_item);
		it->id = id_of(rq, v, n);
		it->json = arena_str(&rq->rq_arena, json_raw(v));
		**last = it;
		*last = &it->next;
	}
	return n;
}

static int
add(struct request *rq, struct str id, const struct conversation_item *first)
{
	struct store		*s = worker_state(rq->rq_wk);
	int64_t			 now = clock_wall_us();
	struct conversation_row	 r = { id, now, now, STR("{}") };

	if (s != NULL && conversation_add(s, rq->rq_wk->box, tenant_of(rq),
	    &r, first, &rq->rq_arena) == 0)
		return 0;
	failed(rq, "written", s);
	return -1;
}

void
conversations_say(struct request *rq, struct str id, struct str input,
    struct jv output)
{
	struct conversation_item	*first = NULL, **last = &first;
	struct json			 j;
	struct json_error		 je;
	unsigned			 n = 0;

	json_init(&j);
	if (json_parse(&j, input, &je) == 0)
		n = gather(rq, json_root(&j), n, &last);
	(void)gather(rq, output, n, &last);
	json_release(&j);
	(void)add(rq, id, first);
}

/* --- a body ---------------------------------------------------------------------- */

/* Of a request's body, which may be left out; false: it was refused. */
static bool
body_parse(struct request *rq, struct json *j)
{
	struct json_error	 je;
	struct ir_error		 err;

	json_init(j);
	if (rq->rq_body.len == 0)
		return true;
	if (json_parse(j, buf_str(&rq->rq_body), &je) == 0 &&
	    json_type(json_root(j)) == JSON_OBJECT)
		return true;
	ir_error_set(&err, IR_ERR_BAD_REQUEST, "the body: expected a JSON "
	    "object");
	request_fail(rq, &err);
	json_release(j);
	return false;
}

static bool
text_within(struct jv v, size_t max)
{
	return json_type(v) == JSON_STRING && json_jstr(v).n <= max * 4;
}

/* As JSON, {} where there is none; false: it was refused. */
static bool
metadata_of(struct request *rq, struct jv root, struct str *out)
{
	struct jv	 m = json_get(root, "metadata"), v;
	unsigned	 n = 0;

	*out = STR("{}");
	if (!json_ok(m) || json_type(m) == JSON_NULL)
		return true;
	if (json_type(m) != JSON_OBJECT) {
		refuse(rq, IR_ERR_BAD_REQUEST, "metadata", "metadata: "
		    "expected an object of texts");
		return false;
	}
	for (v = json_first(m); json_ok(v); v = json_next(v))
		if (++n > METADATA_MAX ||
		    json_jstr(json_key(v)).n > METADATA_KEY * 4 ||
		    !text_within(v, METADATA_VALUE)) {
			refuse(rq, IR_ERR_BAD_REQUEST, "metadata", "metadata: "
			    "at most 16 members, names of 64 and texts of "
			    "512 characters");
			return false;
		}
	*out = arena_str(&rq->rq_arena, json_raw(m));
	return true;
}

/* Are they what a request could ask?  The decoder knows, and names what is not. */
static bool
items_ok(struct request *rq, struct jv items)
{
	struct ir_error	 err;
	struct buf	 b;
	struct jw	 w;

	buf_init(&b, (size_t)rq->rq_snap->max_body * 2);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "model");
	jw_strz(&w, "conversation");
	jw_key(&w, "input");
	jw_raw(&w, json_raw(items));
	jw_object_end(&w);
	buf_release(&rq->rq_body);
	rq->rq_body = b;
	if (request_redecode(rq, &err) == 0)
		return true;
	if (str_starts(str_of(err.param), "input"))
		memcpy(err.param, "items", 5);
	request_fail(rq, &err);
	return false;
}

/* What a body adds; false: it was refused. */
static bool
items_of(struct request *rq, struct jv root, bool need,
    struct conversation_item **first)
{
	struct jv			 items = json_get(root, "items");
	struct conversation_item	**last = first;

	*first = NULL;
	if (!need && (!json_ok(items) || json_type(items) == JSON_NULL))
		return true;
	if (json_type(items) != JSON_ARRAY ||
	    json_count(items) > ADD_MAX) {
		refuse(rq, IR_ERR_BAD_REQUEST, "items", "items: expected a "
		    "list of at most 20");
		return false;
	}
	if (json_count(items) == 0)
		return true;
	(void)gather(rq, items, 0, &last);
	return items_ok(rq, items);
}

/* --- answers --------------------------------------------------------------------- */

static void
conversation_write(struct request *rq, const struct conversation_row *r)
{
	struct buf	 b;
	struct jw	 w;

	buf_init(&b, REQUEST_ANSWER_MAX);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "id");
	jw_str(&w, r->id);
	jw_key(&w, "object");
	jw_strz(&w, "conversation");
	jw_key(&w, "created_at");
	jw_int(&w, r->time_us / 1000000);
	jw_key(&w, "metadata");
	jw_raw(&w, r->metadata);
	jw_object_end(&w);
	reply(rq, &b);
}

/* "conv_1" of the path; false: 404 was answered. */
static bool
load(struct request *rq, struct conversation_row *r)
{
	struct store	*s = worker_state(rq->rq_wk);
	struct str	 id = rq->rq_match.model;
	struct ir_error	 err;
	int		 rc;

	rc = id.n > ID_MAX ? 0 : s == NULL ? -1 : conversation_get(s,
	    rq->rq_wk->box, tenant_of(rq), id, &rq->rq_arena, r);
	if (rc == 1)
		return true;
	if (rc == -1) {
		failed(rq, "read", s);
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "what is kept here "
		    "cannot be read now");
		return false;
	}
	ir_error_set(&err, IR_ERR_NOT_FOUND, "no conversation '%.*s' is kept "
	    "here: it was deleted, or is too old", STR_FMT(id));
	ir_error_copy(err.param, sizeof(err.param), STR("conversation_id"));
	request_fail(rq, &err);
	return false;
}

struct listing {
	struct json	 j;		/* what the items lie in */
	struct item	*item;
	size_t		 n;
};

/* All that was said; false: 503 was answered. */
static bool
listing_load(struct request *rq, struct str id, struct listing *l)
{
	struct store			*s = worker_state(rq->rq_wk);
	struct conversation_item	*first, *it;
	struct json_error		 je;
	struct buf			 b;
	struct jw			 w;
	struct jv			 v;

	*l = (struct listing){ .n = 0 };
	json_init(&l->j);
	if (conversation_items(s, rq->rq_wk->box, tenant_of(rq), id,
	    &rq->rq_arena, &first) == -1) {
		failed(rq, "read", s);
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "what is kept here "
		    "cannot be read now");
		return false;
	}
	buf_init(&b, SIZE_MAX);
	jw_init(&w, &b);
	jw_array(&w);
	for (it = first; it != NULL; it = it->next)
		jw_raw(&w, it->json);
	jw_array_end(&w);
	if (json_parse(&l->j, arena_str(&rq->rq_arena, buf_str(&b)), &je) == 0)
		v = json_root(&l->j);
	else
		v = JV_NONE;
	buf_release(&b);
	l->item = arena_array(&rq->rq_arena, json_count(v) + 1,
	    sizeof(*l->item));
	for (it = first, v = json_first(v); it != NULL && json_ok(v);
	    it = it->next, v = json_next(v))
		l->item[l->n++] = (struct item){ it->id, v };
	return true;
}

/* --- the paths --------------------------------------------------------------------- */

static void
serve_create(struct request *rq)
{
	struct conversation_row		 r;
	struct conversation_item	*first;
	struct store			*s = worker_state(rq->rq_wk);
	struct json			 j;
	bool				 ok;

	if (!body_parse(rq, &j))
		return;
	r.id = arena_strf(&rq->rq_arena, "conv_%s", rq->rq_id + 4);
	r.time_us = r.used_us = clock_wall_us();
	ok = metadata_of(rq, json_root(&j), &r.metadata) &&
	    items_of(rq, json_root(&j), false, &first);
	json_release(&j);
	if (!ok)
		return;
	if (s == NULL || conversation_add(s, rq->rq_wk->box, tenant_of(rq),
	    &r, first, &rq->rq_arena) == -1) {
		failed(rq, "written", s);
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "it cannot be kept now");
		return;
	}
	conversation_write(rq, &r);
}

static void
serve_get(struct request *rq)
{
	struct conversation_row	 r;

	if (load(rq, &r))
		conversation_write(rq, &r);
}

static void
serve_update(struct request *rq)
{
	struct conversation_row	 r;
	struct store		*s;
	struct json		 j;
	bool			 ok;

	if (!load(rq, &r) || !body_parse(rq, &j))
		return;
	ok = metadata_of(rq, json_root(&j), &r.metadata);
	json_release(&j);
	if (!ok)
		return;
	s = worker_state(rq->rq_wk);
	if (conversation_put(s, rq->rq_wk->box, tenant_of(rq), &r) == -1) {
		failed(rq, "written", s);
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "it cannot be kept now");
		return;
	}
	conversation_write(rq, &r);
}

static void
serve_delete(struct request *rq)
{
	struct conversation_row	 r;
	struct store		*s;
	struct buf		 b;
	struct jw		 w;

	if (!load(rq, &r))
		return;
	s = worker_state(rq->rq_wk);
	if (conversation_delete(s, tenant_of(rq), r.id) == -1) {
		failed(rq, "deleted", s);
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "it cannot be deleted "
		    "now");
		return;
	}
	buf_init(&b, 4096);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "id");
	jw_str(&w, r.id);
	jw_key(&w, "object");
	jw_strz(&w, "conversation.deleted");
	jw_key(&w, "deleted");
	jw_bool(&w, true);
	jw_object_end(&w);
	reply(rq, &b);
}

static void
serve_items(struct request *rq)
{
	struct conversation_row	 r;
	struct items_page	 p;
	struct listing		 l;
	struct buf		 b;
	struct jw		 w;

	if (!items_page_of(rq, &p) || !load(rq, &r) ||
	    !listing_load(rq, r.id, &l))
		return;
	buf_init(&b, REQUEST_ANSWER_MAX);
	jw_init(&w, &b);
	items_write(rq, &w, &p, l.item, l.n);
	json_release(&l.j);
	reply(rq, &b);
}

/* Answers with what was added, in its order. */
static void
added_write(struct request *rq, struct str id,
    const struct conversation_item *first)
{
	const struct conversation_item	*it;
	struct items_page		 p = { INT64_MAX, true, STR_NONE };
	struct listing			 l;
	struct item			*list;
	struct buf			 b;
	struct jw			 w;
	size_t				 i, n = 0;

	if (!listing_load(rq, id, &l))
		return;
	list = arena_array(&rq->rq_arena, ADD_MAX + 1, sizeof(*list));
	for (it = first; it != NULL; it = it->next)
		for (i = 0; i < l.n; i++)
			if (str_eq(l.item[i].id, it->id))
				list[n++] = l.item[i];
	buf_init(&b, REQUEST_ANSWER_MAX);
	jw_init(&w, &b);
	items_write(rq, &w, &p, list, n);
	json_release(&l.j);
	reply(rq, &b);
}

static void
serve_add(struct request *rq)
{
	struct conversation_row		 r;
	struct conversation_item	*first;
	struct json			 j;
	bool				 ok;

	if (!load(rq, &r) || !body_parse(rq, &j))
		return;
	ok = items_of(rq, json_root(&j), true, &first);
	json_release(&j);
	if (!ok)
		return;
	if (add(rq, r.id, first) == -1)
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "it cannot be kept now");
	else
		added_write(rq, r.id, first);
}

static void
no_item(struct request *rq, struct str id)
{
	struct ir_error	 err;

	ir_error_set(&err, IR_ERR_NOT_FOUND, "no item '%.*s' is in this "
	    "conversation", STR_FMT(id));
	ir_error_copy(err.param, sizeof(err.param), STR("item_id"));
	request_fail(rq, &err);
}

static void
serve_item(struct request *rq)
{
	struct conversation_row	 r;
	struct listing		 l;
	struct buf		 b;
	struct jw		 w;
	size_t			 i = 0;

	if (!load(rq, &r) || !listing_load(rq, r.id, &l))
		return;
	while (i < l.n && !str_eq(l.item[i].id, rq->rq_match.item))
		i++;
	if (i == l.n)
		no_item(rq, rq->rq_match.item);
	else {
		buf_init(&b, REQUEST_ANSWER_MAX);
		jw_init(&w, &b);
		item_write(rq, &w, &l.item[i]);
		reply(rq, &b);
	}
	json_release(&l.j);
}

static void
serve_item_delete(struct request *rq)
{
	struct conversation_row	 r;
	struct store		*s;
	int			 rc;

	if (!load(rq, &r))
		return;
	s = worker_state(rq->rq_wk);
	rc = conversation_item_delete(s, tenant_of(rq), r.id,
	    rq->rq_match.item);
	if (rc == -1) {
		failed(rq, "written", s);
		refuse(rq, IR_ERR_UNAVAILABLE, NULL, "it cannot be deleted "
		    "now");
	} else if (rc == 0)
		no_item(rq, rq->rq_match.item);
	else
		conversation_write(rq, &r);
}

bool
conversations_serve(struct request *rq)
{
	static const struct {
		enum dialect_op	 op;
		void		(*serve)(struct request *);
	}		 paths[] = {
		{ DIALECT_TALK_CREATE, serve_create },
		{ DIALECT_TALK_GET, serve_get },
		{ DIALECT_TALK_UPDATE, serve_update },
		{ DIALECT_TALK_DELETE, serve_delete },
		{ DIALECT_TALK_ITEMS, serve_items },
		{ DIALECT_TALK_ADD, serve_add },
		{ DIALECT_TALK_ITEM, serve_item },
		{ DIALECT_TALK_ITEM_DELETE, serve_item_delete },
	};
	size_t		 i;

	for (i = 0; rq->rq_match.endpoint != NULL &&
	    i < sizeof(paths) / sizeof(*paths); i++)
		if (paths[i].op == rq->rq_match.endpoint->op) {
			paths[i].serve(rq);
			return true;
		}
	return false;
}
