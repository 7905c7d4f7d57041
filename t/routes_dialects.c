/*
 * The half of routes.c that knows dialects.
 */
#include <stdio.h>

#include "routes.h"
#include "wire/dialect.h"

void
routes_dialects(void)
{
	const struct endpoint	*e;
	size_t			 i;

	for (i = 0; dialects[i] != NULL; i++)
		for (e = dialects[i]->endpoints; e->method != NULL; e++)
			printf("proxyd %s %s\n", e->method, e->path);
}
