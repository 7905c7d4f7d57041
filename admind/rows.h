#ifndef ADMIND_ROWS_H
#define ADMIND_ROWS_H

#include <jansson.h>

#include "admind/api.h"
#include "state/bodies.h"
#include "state/row_json.h"
#include "state/store_page.h"

/* Rows of the log as JSON and as a filter says in a query. */

/* The filter of a query; false: a problem was answered. */
bool	 row_filter(struct api *, struct log_filter *);
/* Names of the columns with commas between them, and a row in their order:
 * RFC 4180, with what a spreadsheet would run quoted away. */
void	 row_csv_head(struct buf *);
void	 row_csv(const struct log_row *, struct buf *);
/* A body with its pieces; what is not UTF-8 as base64. */
json_t	*body_json(const struct body *);

#endif /* ADMIND_ROWS_H */
