/*
 * The documentation of the API, for browsers and for programs.
 */
#include "base/asset.h"
#include "base/log.h"
#include "proxyd/request.h"

#include "proxyd_openapi.h"

static const struct asset *
find(struct str path)
{
	return str_is(path, "/openapi.json") ? &openapi_files[0] :
	    asset_docs(path);
}

bool
docs_has(struct str path)
{
	return find(path) != NULL;
}

void
docs_serve(struct request *rq)
{
	static const int	 status[] = { [ASSET_SAME] = 304,
				    [ASSET_PLAIN] = 200, [ASSET_GZIP] = 200,
				    [ASSET_NEITHER] = 406 };
	const struct asset	*a = find(call_path(rq->rq_call));
	struct http_header	 h[] = {
		{ "ETag", "" }, { "Vary", "Accept-Encoding" },
		{ "Cache-Control", "no-cache" },
		{ "Content-Security-Policy", ASSET_POLICY },
		{ "Content-Encoding", "gzip" },
	};
	enum asset_form		 form;
	struct str		 bytes;
	struct buf		 b;

	must(a != NULL);
	form = asset_form(a, call_header(rq->rq_call, "If-None-Match"),
	    call_header(rq->rq_call, "Accept-Encoding"), &bytes);
	h[0].value = a->tag;
	buf_init(&b, a->plain_size + a->gzip_size + 1);
	(void)buf_adds(&b, bytes);
	request_done(rq, "done");
	request_reply_with(rq, status[form], asset_type(a), h,
	    form == ASSET_GZIP ? 5 : 4, &b);
	buf_release(&b);
}
