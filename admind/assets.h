#ifndef ADMIND_ASSETS_H
#define ADMIND_ASSETS_H

#include <stdbool.h>

#include "admind/http.h"

/*
 * Files that are part of the program: the web UI at "/" and "/ui/...", "/docs",
 * "/openapi.json".
 * Compressed where the client takes it; a browser that has one already is told
 * so by its tag.
 */
bool	 assets_has(const struct http_request *);
void	 assets_serve(const struct http_request *, struct http_reply *);

#endif /* ADMIND_ASSETS_H */
