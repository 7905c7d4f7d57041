/*
 * What a provider has sealed: headers that go with every request, and its proxy.
 * Beside each stands what may be shown of it.
 */
#include <string.h>

#include "base/buf.h"
#include "state/store_sql.h"

/* Sealed bytes, and their print to compare: the nonce is new each time. */
static int
seal(struct store *s, const struct secret_box *box, struct str context,
    struct str plain, struct buf *sealed, char print[65])
{
	print[0] = '\0';
	if (plain.n == 0)
		return 0;
	if (secret_seal(box, context, plain, sealed) == -1)
		return store_fail(s, "cannot seal '%.*s'", STR_FMT(context));
	secret_fingerprint(box, context, plain, print);
	return 0;
}

int
store_header_put(struct store *s, const struct secret_box *box, int64_t id,
    struct str provider, int64_t pos, struct str name, struct str plain)
{
	char		 context[STORE_CONTEXT_MAX], print[65];
	char		 mask[SECRET_MASK_LEN];
	struct buf	 b;
	int		 rc;

	secret_mask(mask, plain);
	buf_init(&b, SECRET_MAX + 64);
	rc = seal(s, box, store_context(context, "header", provider, name),
	    plain, &b, print);
	if (rc == 0)
		rc = sql_run(s, "INSERT INTO provider_headers (provider_id, "
		    "pos, name, value, print, mask) "
		    "VALUES (?, ?, ?, ?, ?, ?) "
		    "ON CONFLICT (provider_id, pos) DO UPDATE SET "
		    "name = excluded.name, value = excluded.value, "
		    "print = excluded.print, mask = excluded.mask "
		    "WHERE (name, print, mask) IS NOT (excluded.name, "
		    "excluded.print, excluded.mask)", "iisbss", id, pos, name,
		    buf_str(&b), str_of(print), str_of(mask));
	buf_release(&b);
	return rc;
}

int
store_headers_end(struct store *s, int64_t id, int64_t n)
{
	return sql_run(s, "DELETE FROM provider_headers "
	    "WHERE provider_id = ? AND pos >= ?", "ii", id, n);
}

struct str
store_proxy_mask(struct arena *a, struct str url)
{
	const char	*at = url.n == 0 ? NULL : memrchr(url.p, '@', url.n);
	const char	*host = url.n == 0 ? NULL : memmem(url.p, url.n, "://",
			    3);

	if (at == NULL || host == NULL || host > at)
		return url;
	return arena_strf(a, "%.*s" STORE_HIDDEN "%.*s",
	    (int)(host + 3 - url.p), url.p, (int)(url.p + url.n - at), at);
}

int
store_proxy_put(struct store *s, const struct secret_box *box, int64_t id,
    struct str provider, struct str url)
{
	char		 context[STORE_CONTEXT_MAX], print[65];
	struct arena	 arena;
	struct buf	 b;
	int		 rc;

	arena_init(&arena);
	buf_init(&b, SECRET_MAX + 64);
	rc = seal(s, box, store_context(context, "proxy", provider, STR("")),
	    url, &b, print);
	if (rc == 0)
		rc = sql_run(s, "UPDATE providers SET proxy = ?1, "
		    "proxy_print = ?2, proxy_mask = ?3 WHERE id = ?4 "
		    "AND (proxy_print, proxy_mask) IS NOT (?2, ?3)", "bssi",
		    buf_str(&b), str_of(print), store_proxy_mask(&arena, url),
		    id);
	buf_release(&b);
	arena_release(&arena);
	return rc;
}
