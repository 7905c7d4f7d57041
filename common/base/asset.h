#ifndef BASE_ASSET_H
#define BASE_ASSET_H

#include <stddef.h>

#include "base/str.h"

/*
 * Files that are part of a program, as make embeds them: the web UI, the pages
 * of /docs, the OpenAPI documents.  They lie in the program file, which all
 * processes share.
 */
struct asset {
	const char		*name;
	const char		*tag;		/* ETag, quoted */
	const unsigned char	*plain;		/* NULL: compressed only */
	size_t			 plain_size;
	const unsigned char	*gzip;
	size_t			 gzip_size;
};

struct asset_set {
	const struct asset	*a;
	size_t			 n;
};

/* NULL if there is none. */
const struct asset	*asset_find(const struct asset_set *, struct str name);
/* Content-Type, by the end of the name. */
const char		*asset_type(const struct asset *);

/*
 * Which form a client gets, by If-None-Match and Accept-Encoding (either may be
 * NULL); bytes is set for the two in the middle.
 */
enum asset_form {
	ASSET_SAME,		/* 304: it has it */
	ASSET_PLAIN,
	ASSET_GZIP,
	ASSET_NEITHER		/* 406: it must take gzip */
};
enum asset_form	 asset_form(const struct asset *, const char *have,
		    const char *takes, struct str *bytes);

/*
 * The page of /docs and what it loads, the same in both servers: it shows their
 * /openapi.json.  NULL: path is none of it.
 */
const struct asset	*asset_docs(struct str path);

/*
 * Content-Security-Policy of pages made of assets.  Scripts and styles are files
 * of ours, never part of a page; nothing is loaded from elsewhere, and no page
 * may frame ours.
 */
#define ASSET_POLICY							\
	"default-src 'none'; script-src 'self'; style-src 'self'; "	\
	"img-src 'self' data: blob:; connect-src 'self'; "		\
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

#endif /* BASE_ASSET_H */
