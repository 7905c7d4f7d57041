/*
 * Embedded files: found by name, and in the form that a client takes.
 */
#include <stdbool.h>
#include <string.h>

#include "base/asset.h"

#include "docs_files.h"

static const struct asset_set docs = {
	docs_files, sizeof(docs_files) / sizeof(*docs_files)
};

const struct asset *
asset_find(const struct asset_set *set, struct str name)
{
	size_t	 i;

	for (i = 0; i < set->n; i++)
		if (str_is(name, set->a[i].name))
			return &set->a[i];
	return NULL;
}

const char *
asset_type(const struct asset *a)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".json", "application/json" },
	};
	size_t	 i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (str_ends(str_of(a->name), types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* "gzip", but not "gzip;q=0". */
static bool
takes_gzip(const char *takes)
{
	struct str	 list = str_of(takes), item, q;

	while (list.n > 0) {
		q = str_trim(str_cut(&list, ','));
		item = str_trim(str_cut(&q, ';'));
		q = str_trim(q);
		if (str_is_nocase(item, "gzip"))
			return !str_is(q, "q=0") && !str_is(q, "q=0.0") &&
			    !str_is(q, "q=0.00") && !str_is(q, "q=0.000");
	}
	return false;
}

enum asset_form
asset_form(const struct asset *a, const char *have, const char *takes,
    struct str *bytes)
{
	*bytes = STR_NONE;
	if (have != NULL && strstr(have, a->tag) != NULL)
		return ASSET_SAME;
	if (takes_gzip(takes)) {
		*bytes = (struct str){ (const char *)a->gzip, a->gzip_size };
		return ASSET_GZIP;
	}
	if (a->plain == NULL)
		return ASSET_NEITHER;
	*bytes = (struct str){ (const char *)a->plain, a->plain_size };
	return ASSET_PLAIN;
}

const struct asset *
asset_docs(struct str path)
{
	if (str_is(path, "/docs"))
		return asset_find(&docs, STR("index.html"));
	if (str_starts(path, "/docs/"))
		return asset_find(&docs, str_skip(path, strlen("/docs/")));
	return NULL;
}
