/*
 * Embedded files.
 */
#include "admind/assets.h"
#include "base/asset.h"
#include "base/log.h"

#include "ui_files.h"
#include "admind_openapi.h"

static const struct asset_set ui = {
	ui_files, sizeof(ui_files) / sizeof(*ui_files)
};

static const struct asset *
find(struct str path)
{
	if (str_is(path, "/"))
		return asset_find(&ui, STR("index.html"));
	if (str_starts(path, "/ui/"))
		return asset_find(&ui, str_skip(path, strlen("/ui/")));
	if (str_is(path, "/openapi.json"))
		return &openapi_files[0];
	return asset_docs(path);
}

bool
assets_has(const struct http_request *rq)
{
	return find(rq->path) != NULL;
}

void
assets_serve(const struct http_request *rq, struct http_reply *r)
{
	const struct asset	*a = find(rq->path);
	struct str		 bytes;

	must(a != NULL);
	r->type = asset_type(a);
	r->policy = ASSET_POLICY;
	r->cache = "no-cache";
	http_reply_header(r, "ETag", a->tag);
	http_reply_header(r, "Vary", "Accept-Encoding");
	switch (asset_form(a, http_header(rq, "If-None-Match"),
	    http_header(rq, "Accept-Encoding"), &bytes)) {
	case ASSET_SAME:
		r->status = 304;
		break;
	case ASSET_NEITHER:
		http_error(rq, r, 406, "this file is there compressed only: "
		    "send Accept-Encoding: gzip");
		break;
	case ASSET_GZIP:
		http_reply_header(r, "Content-Encoding", "gzip");
		(void)buf_adds(&r->body, bytes);
		break;
	case ASSET_PLAIN:
		(void)buf_adds(&r->body, bytes);
		break;
	}
}
