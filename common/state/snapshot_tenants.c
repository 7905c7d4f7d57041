/*
 * Tenants, client keys and prices in a snapshot.
 */
#include <stdlib.h>

#include "base/log.h"
#include "state/secret.h"
#include "state/snapshot_tenants.h"
#include "state/store_sql.h"
#include "state/store_tenants.h"

/* Room for one more, by doubling. */
static void *
grow(struct arena *a, void *list, unsigned n, size_t size)
{
	void	*wider;

	if (n > 0 && (n & (n - 1)) != 0)
		return list;
	wider = arena_array(a, n == 0 ? 1 : n * 2, size);
	if (n > 0)
		memcpy(wider, list, n * size);
	return wider;
}

static struct str
text(struct snapshot *n, struct sqlite3_stmt *st, int column)
{
	return arena_str(&n->arena, sql_str(st, column));
}

static struct snap_limits
limits(struct sqlite3_stmt *st, int c)
{
	return (struct snap_limits){ sql_int(st, c), sql_int(st, c + 1),
	    sql_int(st, c + 2), sql_int(st, c + 3), sql_int(st, c + 4),
	    sql_int(st, c + 5) };
}

static int
load_tenants(struct store *s, struct snapshot *n)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT id, slot, name, models, routes, enabled, "
	    "rpm, tpm, concurrent, budget_day, budget_month, budget_total "
	    "FROM tenants WHERE gone_us = 0 AND slot NOTNULL ORDER BY id", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		n->tenants = grow(&n->arena, n->tenants, n->ntenants,
		    sizeof(*n->tenants));
		n->tenants[n->ntenants++] = (struct snap_tenant){
		    .id = sql_int(st, 0), .slot = (unsigned)sql_int(st, 1),
		    .name = text(n, st, 2), .models = text(n, st, 3),
		    .routes = text(n, st, 4), .enabled = sql_int(st, 5) != 0,
		    .limits = limits(st, 6) };
	}
	sql_end(st);
	return rc;
}

static int
tenant_index(const struct snapshot *n, int64_t id)
{
	unsigned	 i;

	for (i = 0; i < n->ntenants; i++)
		if (n->tenants[i].id == id)
			return (int)i;
	return -1;
}

static int
compare(struct str a, struct str b)
{
	return a.n != b.n ? (a.n > b.n) - (a.n < b.n) : memcmp(a.p, b.p, a.n);
}

static int
old_cmp(const void *a, const void *b, void *keys)
{
	const struct snap_client_key	*k = keys;

	return compare(k[*(const unsigned *)a].old_hash,
	    k[*(const unsigned *)b].old_hash);
}

static void
sort_old(struct snapshot *n)
{
	unsigned	 i, at = 0;

	n->old_keys = arena_array(&n->arena, n->nold_keys + 1,
	    sizeof(*n->old_keys));
	for (i = 0; i < n->nclient_keys; i++)
		if (n->client_keys[i].old_hash.n > 0)
			n->old_keys[at++] = i;
	qsort_r(n->old_keys, n->nold_keys, sizeof(*n->old_keys), old_cmp,
	    n->client_keys);
}

static int
load_client_keys(struct store *s, struct snapshot *n)
{
	struct snap_client_key	*k;
	struct sqlite3_stmt	*st;
	int64_t			 tenant;
	int			 rc;

	st = sql_open(s, "SELECT id, slot, coalesce(tenant_id, 0), name, "
	    "models, routes, hash, old_hash, old_until_us, expires_us, "
	    "enabled, rpm, tpm, concurrent, budget_day, budget_month, "
	    "budget_total FROM client_keys WHERE gone_us = 0 "
	    "AND slot NOTNULL ORDER BY hash", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		n->client_keys = grow(&n->arena, n->client_keys,
		    n->nclient_keys, sizeof(*n->client_keys));
		k = &n->client_keys[n->nclient_keys++];
		tenant = sql_int(st, 2);
		*k = (struct snap_client_key){ .id = sql_int(st, 0),
		    .slot = (unsigned)sql_int(st, 1),
		    .tenant = tenant_index(n, tenant), .name = text(n, st, 3),
		    .models = text(n, st, 4), .routes = text(n, st, 5),
		    .hash = text(n, st, 6), .old_hash = text(n, st, 7),
		    .old_until_us = sql_int(st, 8),
		    .expires_us = sql_int(st, 9),
		    .enabled = sql_int(st, 10) != 0,
		    .limits = limits(st, 11) };
		/* Of a tenant that is gone: nobody's. */
		if (tenant != 0 && k->tenant == -1)
			k->enabled = false;
		n->nold_keys += k->old_hash.n > 0;
	}
	sql_end(st);
	sort_old(n);
	return rc;
}

static int
load_prices(struct store *s, struct snapshot *n)
{
	struct sqlite3_stmt	*st;
	int			 rc;

	st = sql_open(s, "SELECT provider, model, input, output, cache_read, "
	    "cache_write_5m, cache_write_1h, origin = 'db' FROM prices "
	    "ORDER BY id", "");
	if (st == NULL)
		return -1;
	while ((rc = sql_step(s, st)) == 1) {
		n->prices = grow(&n->arena, n->prices, n->nprices,
		    sizeof(*n->prices));
		n->prices[n->nprices++] = (struct snap_price){
		    .provider = text(n, st, 0), .model = text(n, st, 1),
		    .input = sql_int(st, 2), .output = sql_int(st, 3),
		    .cache_read = sql_int(st, 4),
		    .cache_write_5m = sql_int(st, 5),
		    .cache_write_1h = sql_int(st, 6),
		    .operators = sql_int(st, 7) != 0 };
	}
	sql_end(st);
	return rc;
}

static int
load_hash_keys(struct store *s, const struct secret_box *box,
    struct snapshot *n)
{
	struct sqlite3_stmt	*st;
	struct buf		 b;
	int			 rc;

	st = sql_open(s, "SELECT key FROM client_hash_keys ORDER BY id", "");
	if (st == NULL)
		return -1;
	buf_init(&b, SECRET_MAX + 64);
	while ((rc = sql_step(s, st)) == 1) {
		buf_clear(&b);
		if (secret_open(box, STR(CLIENT_HASH_CONTEXT), sql_str(st, 0),
		    &b) == -1 || b.len != SECRET_PRINT_KEY) {
			log_warnx("a key under which client keys were hashed "
			    "elsewhere cannot be opened: those are refused");
			continue;
		}
		n->hash_keys = grow(&n->arena, n->hash_keys, n->nhash_keys,
		    sizeof(*n->hash_keys));
		memcpy(n->hash_keys[n->nhash_keys++].key, b.data,
		    SECRET_PRINT_KEY);
	}
	sql_end(st);
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

int
snapshot_tenants(struct store *s, const struct secret_box *box,
    struct snapshot *n)
{
	int64_t	 unpriced;

	if (store_setting(s, "budget_unpriced", &unpriced) == -1 ||
	    load_tenants(s, n) == -1 || load_client_keys(s, n) == -1 ||
	    load_hash_keys(s, box, n) == -1)
		return -1;
	n->budget_unpriced = unpriced != 0;
	return load_prices(s, n);
}

/*
 * The hash of a key is of no use to who would guess one, so the search need not
 * take the same time; the end of it does.
 */
static const struct snap_client_key *
old_find(const struct snapshot *n, struct str hash, int64_t now_us)
{
	const struct snap_client_key	*k;
	unsigned			 lo = 0, hi = n->nold_keys, mid;
	int				 c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		k = &n->client_keys[n->old_keys[mid]];
		if ((c = compare(hash, k->old_hash)) == 0)
			return k->old_until_us > now_us &&
			    secret_equal(k->old_hash, hash) ? k : NULL;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct snap_client_key *
snapshot_client_key(const struct snapshot *n, struct str hash, int64_t now_us)
{
	const struct snap_client_key	*k;
	unsigned			 lo = 0, hi = n->nclient_keys, mid;
	int				 c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		k = &n->client_keys[mid];
		c = k->hash.n != hash.n ? -1 :
		    memcmp(hash.p, k->hash.p, hash.n);
		if (c == 0)
			return secret_equal(k->hash, hash) ? k : NULL;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return old_find(n, hash, now_us);
}
