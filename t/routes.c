/*
 * Every route of both servers' tables, one a line, for t/73-openapi.t: server,
 * method, path, and the role that the management API wants; and "query",
 * method, path and the members of the query that it takes.
 */
#include <stdio.h>

#include "admind/api.h"
#include "routes.h"

static void
route_cb(void *arg, const struct api_route *r)
{
	(void)arg;
	printf("admind %s %s %s\n", r->method, r->path,
	    r->role == ADMIN_NONE ? "none" : admin_role_name(r->role));
	printf("query %s %s %s\n", r->method, r->path,
	    r->query == NULL ? "" : r->query);
}

int
main(void)
{
	routes_dialects();
	api_routes_each(route_cb, NULL);
	return fflush(stdout) == 0 ? 0 : 1;
}
