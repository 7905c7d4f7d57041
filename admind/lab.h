#ifndef ADMIND_LAB_H
#define ADMIND_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/*
 * Translation without a provider.  Apart from the API, as jansson and our own
 * JSON have names in common.
 */
enum lab_kind { LAB_REQUEST, LAB_RESPONSE, LAB_STREAM };

struct lab_job {
	enum lab_kind	 kind;
	struct str	 from;		/* names of dialects */
	struct str	 to;		/* empty: all but from */
	struct str	 text, model;
	bool		 stream;	/* the result is one */
	int64_t		 created;	/* of answers that do not tell */
};

#define LAB_TEXT_MAX	(2L << 20)

bool	 lab_dialect(struct str name);	/* is there such a one? */
const char *lab_kind_name(enum lab_kind);

/*
 * {"kind", "from", "error", "results": [{"to", "path", "text", "losses", "loss",
 * "error"}]}.  An error of syntax has its place and leaves no results; others
 * are those of a result, which then may have no text.
 */
void	 lab_convert(const struct lab_job *, struct buf *out);

#endif /* ADMIND_LAB_H */
