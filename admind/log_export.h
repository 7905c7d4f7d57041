#ifndef ADMIND_LOG_EXPORT_H
#define ADMIND_LOG_EXPORT_H

#include "admind/api.h"
#include "state/store_page.h"

/*
 * Answers with the rows of the log that a filter lets through, newest first, as
 * CSV or one JSON object a line: all of them, or the first limit.  They are read
 * page by page as the client takes them, so that neither memory nor the other
 * requests notice how many there are.  One that cannot be finished ends without
 * its last chunk, so that no client takes it for the whole.
 */
#define LOG_EXPORTS	8		/* at once */

void	 log_export(struct api *, const struct log_filter *, bool csv,
	    int64_t limit);

#endif /* ADMIND_LOG_EXPORT_H */
