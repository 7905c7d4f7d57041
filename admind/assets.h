#ifndef ADMIND_ASSETS_H
#define ADMIND_ASSETS_H

#include <stdbool.h>

#include "admind/http.h"

/*
 * The files of the web UI, which are part of the program: "/" and "/ui/...".
 * Compressed where the client takes it; a browser that has one already is told
 * so by its tag.
 */
bool	 assets_has(const struct http_request *);
void	 assets_serve(const struct http_request *, struct http_reply *);

#endif /* ADMIND_ASSETS_H */
