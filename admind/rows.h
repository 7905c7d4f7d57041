#ifndef ADMIND_ROWS_H
#define ADMIND_ROWS_H

#include <jansson.h>

#include "admind/api.h"
#include "state/bodies.h"
#include "state/row_json.h"
#include "state/store_page.h"

/* Rows of the log as JSON and as a filter says in a query. */

/* The filter of a query, and its members as a route names them; false: a
 * problem was answered.  The times are of rows that are there already. */
#define ROW_FILTER	"status key_id tenant_id client_key_id min_ms " \
			"provider model sent dialect request_id error close " \
			"failed stream translated lossy"
#define ROW_TIMES	" from to"
bool	 row_filter(struct api *, struct log_filter *);
bool	 row_times(struct api *, struct log_filter *);
/* Its texts are the arena's from here on. */
void	 row_filter_keep(struct log_filter *, struct arena *);
/* Names of the columns with commas between them, and a row in their order:
 * RFC 4180, with what a spreadsheet would run quoted away. */
void	 row_csv_head(struct buf *);
void	 row_csv(const struct log_row *, struct buf *);
/* A body with its pieces; what is not UTF-8 as base64. */
json_t	*body_json(const struct body *);

#endif /* ADMIND_ROWS_H */
