/*
 * Lists of items.
 */
#include "proxyd/items.h"

#include "base/codec.h"
#include "proxyd/request.h"

#define LIST_MAX	100		/* items of a page */

static bool
is_type(struct request *rq, struct jv item, const char *type)
{
	return str_is(json_str(&rq->rq_arena, json_get(item, "type")), type);
}

/* The text of a message that came without parts. */
static void
content_write(struct request *rq, struct jw *w, struct jv item, struct jv v)
{
	bool	 said = str_is(json_str(&rq->rq_arena, json_get(item, "role")),
		    "assistant");

	jw_array(w);
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, said ? "output_text" : "input_text");
	jw_key(w, "text");
	jw_jstr(w, json_jstr(v));
	if (said) {
		jw_key(w, "annotations");
		jw_raw(w, STR("[]"));
	}
	jw_object_end(w);
	jw_array_end(w);
}

void
item_write(struct request *rq, struct jw *w, const struct item *it)
{
	struct jv	 v;
	bool		 typed = json_ok(json_get(it->v, "type"));

	jw_object(w);
	jw_key(w, "id");
	jw_str(w, it->id);
	if (!typed) {
		jw_key(w, "type");
		jw_strz(w, "message");
	}
	if ((!typed || is_type(rq, it->v, "message")) &&
	    !json_ok(json_get(it->v, "status"))) {
		jw_key(w, "status");
		jw_strz(w, "completed");
	}
	for (v = json_first(it->v); json_ok(v); v = json_next(v)) {
		if (json_key_is(v, "id"))
			continue;
		jw_key_jstr(w, json_jstr(json_key(v)));
		if (json_key_is(v, "content") &&
		    json_type(v) == JSON_STRING)
			content_write(rq, w, it->v, v);
		else
			jw_raw(w, json_raw(v));
	}
	jw_object_end(w);
}

bool
items_page_of(struct request *rq, struct items_page *p)
{
	struct str	 query = call_query(rq->rq_call), item, value;
	struct ir_error	 err;

	*p = (struct items_page){ .limit = 20 };
	while (query.n > 0) {
		value = item = str_cut(&query, '&');
		item = str_cut(&value, '=');
		if (str_is(item, "order"))
			p->ascending = str_is(value, "asc");
		else if (str_is(item, "after"))
			p->after = value;
		else if (str_is(item, "limit") && str_to_int(value, 1,
		    LIST_MAX, &p->limit) == -1) {
			ir_error_set(&err, IR_ERR_BAD_REQUEST, "'limit' must "
			    "be a number from 1 to %d", LIST_MAX);
			ir_error_copy(err.param, sizeof(err.param),
			    STR("limit"));
			request_fail(rq, &err);
			return false;
		}
	}
	return true;
}

static void
member_id(struct jw *w, const char *name, struct str id)
{
	jw_key(w, name);
	if (id.n > 0)
		jw_str(w, id);
	else
		jw_null(w);
}

void
items_write(struct request *rq, struct jw *w, const struct items_page *p,
    const struct item *item, size_t n)
{
	const struct item	*it;
	struct str		 first = STR_NONE, last = STR_NONE;
	size_t			 i, done = 0;
	bool			 begun = p->after.n == 0, more = false;

	jw_object(w);
	jw_key(w, "object");
	jw_strz(w, "list");
	jw_key(w, "data");
	jw_array(w);
	for (i = 0; i < n; i++) {
		it = &item[p->ascending ? i : n - 1 - i];
		if (begun && (int64_t)done < p->limit) {
			item_write(rq, w, it);
			if (done++ == 0)
				first = it->id;
			last = it->id;
		} else if (begun)
			more = true;
		begun = begun || str_eq(it->id, p->after);
	}
	jw_array_end(w);
	member_id(w, "first_id", first);
	member_id(w, "last_id", last);
	jw_key(w, "has_more");
	jw_bool(w, more);
	jw_object_end(w);
}
