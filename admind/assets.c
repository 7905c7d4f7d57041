/*
 * Embedded files.
 */
#include "admind/assets.h"
#include "base/log.h"

struct asset {
	const char		*name;
	const char		*tag;
	const unsigned char	*plain;
	size_t			 plain_size;
	const unsigned char	*gzip;
	size_t			 gzip_size;
};

#include "ui_files.h"

/*
 * Scripts and styles are our own files, never part of a page; nothing is loaded
 * from elsewhere, and no page may frame this one.
 */
#define POLICY	"default-src 'none'; script-src 'self'; style-src 'self'; " \
		"img-src 'self' data: blob:; connect-src 'self'; "	\
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const struct asset *
find(struct str path)
{
	struct str	 name = str_is(path, "/") ? STR("index.html") :
			    str_skip(path, 4);
	size_t		 i;

	if (!str_is(path, "/") && !str_starts(path, "/ui/"))
		return NULL;
	for (i = 0; i < sizeof(assets) / sizeof(*assets); i++)
		if (str_is(name, assets[i].name))
			return &assets[i];
	return NULL;
}

static const char *
type_of(const char *name)
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
		if (str_ends(str_of(name), types[i][0]))
			return types[i][1];
	return "application/octet-stream";
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
	const char		*have = http_header(rq, "If-None-Match");
	const char		*takes = http_header(rq, "Accept-Encoding");

	must(a != NULL);
	r->type = type_of(a->name);
	r->policy = POLICY;
	r->cache = "no-cache";
	http_reply_header(r, "ETag", a->tag);
	http_reply_header(r, "Vary", "Accept-Encoding");
	if (have != NULL && strstr(have, a->tag) != NULL) {
		r->status = 304;
		return;
	}
	if (takes != NULL && strstr(takes, "gzip") != NULL) {
		http_reply_header(r, "Content-Encoding", "gzip");
		(void)buf_add(&r->body, a->gzip, a->gzip_size);
	} else
		(void)buf_add(&r->body, a->plain, a->plain_size);
}
