#ifndef PROXYD_ITEMS_H
#define PROXYD_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/json.h"

/* Items of the Responses API as its lists have them. */
struct request;

struct item {
	struct str	 id;
	struct jv	 v;
};

struct items_page {
	int64_t		 limit;
	bool		 ascending;
	struct str	 after;		/* id of the item before; or empty */
};

/* Of the query; false: it was refused. */
bool	 items_page_of(struct request *, struct items_page *);
/* With the id and what clients may leave out: type, status, a list of parts. */
void	 item_write(struct request *, struct jw *, const struct item *);
/* A page of what was said, in its order, as an object of its own. */
void	 items_write(struct request *, struct jw *, const struct items_page *,
	    const struct item *, size_t n);

#endif /* PROXYD_ITEMS_H */
