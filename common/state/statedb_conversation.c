/*
 * Conversations and what was said in them.
 */
#include "state/statedb.h"
#include "state/statedb_seal.h"
#include "state/store_sql.h"

/* An item is sealed for its place: under another id it does not open. */
static struct str
item_name(struct arena *a, struct str conversation, struct str id)
{
	return arena_strf(a, "%.*s/%.*s", STR_FMT(conversation), STR_FMT(id));
}

int
conversation_put(struct store *s, const struct secret_box *box,
    int64_t tenant_id, const struct conversation_row *r)
{
	struct buf	 b;
	int		 rc;

	buf_init(&b, STATEDB_VALUE_MAX);
	if (statedb_seal(box, "conversation", tenant_id, r->id, r->metadata,
	    &b) == -1) {
		buf_release(&b);
		return store_fail(s, "a conversation cannot be sealed");
	}
	rc = sql_run(s, "INSERT INTO conversations (tenant_id, id, time_us, "
	    "used_us, metadata) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
	    "SET metadata = excluded.metadata, used_us = excluded.used_us",
	    "isiib", tenant_id, r->id, r->time_us, r->used_us, buf_str(&b));
	buf_release(&b);
	return rc;
}

int
conversation_get(struct store *s, const struct secret_box *box,
    int64_t tenant_id, struct str id, struct arena *a,
    struct conversation_row *r)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT time_us, used_us, metadata FROM "
	    "conversations WHERE tenant_id = ? AND id = ?", "is", tenant_id,
	    id);
	if (st == NULL)
		return -1;
	if ((rc = sql_step(s, st)) == 1) {
		r->id = id;
		r->time_us = sql_int(st, 0);
		r->used_us = sql_int(st, 1);
		rc = statedb_unseal(box, "conversation", tenant_id, id,
		    sql_str(st, 2), a, &r->metadata);
	}
	sql_end(st);
	return rc;
}

static int
items_drop(struct store *s, int64_t tenant_id, struct str id)
{
	return sql_run(s, "DELETE FROM items WHERE tenant_id = ? AND "
	    "conversation = ?", "is", tenant_id, id);
}

int
conversation_delete(struct store *s, int64_t tenant_id, struct str id)
{
	int	 gone;

	if (sql_begin(s) == -1)
		return -1;
	if (items_drop(s, tenant_id, id) == 0 &&
	    sql_run(s, "DELETE FROM conversations WHERE tenant_id = ? AND "
	    "id = ?", "is", tenant_id, id) == 0) {
		gone = sql_changes(s) > 0;
		if (sql_commit(s) == 0)
			return gone;
	}
	sql_rollback(s);
	return -1;
}

static int
item_add(struct store *s, const struct secret_box *box, int64_t tenant_id,
    struct str conversation, int64_t time_us,
    const struct conversation_item *it, struct arena *a)
{
	struct buf	 b;
	int		 rc;

	buf_init(&b, STATEDB_VALUE_MAX);
	if (statedb_seal(box, "conversation item", tenant_id, item_name(a,
	    conversation, it->id), it->json, &b) == -1) {
		buf_release(&b);
		return store_fail(s, "an item cannot be sealed");
	}
	rc = sql_run(s, "INSERT INTO items (tenant_id, conversation, place, "
	    "id, time_us, item) SELECT ?1, ?2, 1 + coalesce((SELECT "
	    "max(place) FROM items WHERE tenant_id = ?1 AND conversation = "
	    "?2), 0), ?3, ?4, ?5 WHERE true ON CONFLICT (tenant_id, "
	    "conversation, id) DO UPDATE SET item = excluded.item",
	    "issib", tenant_id, conversation, it->id, time_us, buf_str(&b));
	buf_release(&b);
	return rc;
}

static int
items_add(struct store *s, const struct secret_box *box, int64_t tenant_id,
    const struct conversation_row *r, const struct conversation_item *it,
    struct arena *a)
{
	int64_t	 one;
	int	 rc;

	rc = sql_get(s, &one, "SELECT 1 FROM conversations WHERE tenant_id = "
	    "? AND id = ?", "is", tenant_id, r->id);
	if (rc == 0)
		rc = conversation_put(s, box, tenant_id, r);
	else if (rc == 1)
		rc = sql_run(s, "UPDATE conversations SET used_us = ? WHERE "
		    "tenant_id = ? AND id = ?", "iis", r->used_us, tenant_id,
		    r->id);
	for (; rc == 0 && it != NULL; it = it->next)
		rc = item_add(s, box, tenant_id, r->id, r->used_us, it, a);
	return rc;
}

int
conversation_add(struct store *s, const struct secret_box *box,
    int64_t tenant_id, const struct conversation_row *r,
    const struct conversation_item *it, struct arena *a)
{
	if (sql_begin(s) == -1)
		return -1;
	if (items_add(s, box, tenant_id, r, it, a) == 0 && sql_commit(s) == 0)
		return 0;
	sql_rollback(s);
	return -1;
}

int
conversation_items(struct store *s, const struct secret_box *box,
    int64_t tenant_id, struct str id, struct arena *a,
    struct conversation_item **first)
{
	struct conversation_item	*it;
	struct sqlite3_stmt		*st;
	int				 rc;

	*first = NULL;
	st = sql_open(s, "SELECT id, item FROM items WHERE tenant_id = ? AND "
	    "conversation = ? ORDER BY place", "is", tenant_id, id);
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		it = ARENA_NEW(a, struct conversation_item);
		it->id = arena_str(a, sql_str(st, 0));
		if (!statedb_unseal(box, "conversation item", tenant_id,
		    item_name(a, id, it->id), sql_str(st, 1), a, &it->json))
			continue;
		*first = it;
		first = &it->next;
	}
	sql_end(st);
	return rc;
}

int
conversation_item_delete(struct store *s, int64_t tenant_id, struct str id,
    struct str item)
{
	if (sql_run(s, "DELETE FROM items WHERE tenant_id = ? AND "
	    "conversation = ? AND id = ?", "iss", tenant_id, id, item) == -1)
		return -1;
	return sql_changes(s) > 0;
}

int
conversations_expire(struct store *s, int64_t before_us, int n)
{
	int	 gone;

	/* Their items first, which know no time of their own. */
	if (sql_run(s, "DELETE FROM items WHERE (tenant_id, conversation) IN "
	    "(SELECT tenant_id, id FROM conversations WHERE used_us < ? "
	    "ORDER BY used_us LIMIT ?)", "ii", before_us, (int64_t)n) == -1)
		return -1;
	gone = sql_changes(s);
	if (sql_run(s, "DELETE FROM conversations WHERE (tenant_id, id) IN "
	    "(SELECT tenant_id, id FROM conversations WHERE used_us < ? "
	    "ORDER BY used_us LIMIT ?)", "ii", before_us, (int64_t)n) == -1)
		return -1;
	return gone + sql_changes(s);
}
