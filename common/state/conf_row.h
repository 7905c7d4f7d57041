#ifndef STATE_CONF_ROW_H
#define STATE_CONF_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "state/conf.h"
#include "state/conf_yaml.h"

/*
 * How conf.c reads: each map of the file is a table of rows, one a key, each
 * with the function that checks a value and puts it at offset off of the
 * struct that the map describes.  Functions return -1 with the text in
 * conf_reader.err.
 */
struct conf_reader {
	struct conf	*c;
	const char	*name;		/* of the file, in messages */
	char		*err;
	size_t		 errsize;
	unsigned	 nkeys;
};

struct conf_row {
	const char	*name;
	int		(*set)(struct conf_reader *, const struct conf_row *,
			    const struct yml *, void *base);
	size_t		 off;
	int64_t		 min, max;
	const char	*deflt;		/* as it would stand in the file */
	const char	*text;		/* for people */
};

/* "name:line: A.b[2]: message"; y NULL: without a place.  Returns -1. */
int	 conf_fail(struct conf_reader *, const struct yml *, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));

/* A whole file of at most YML_SIZE_MAX bytes into b; -1 with err. */
int	 conf_read_file(const char *path, struct buf *b, char *err,
	    size_t errsize);

/* Scalars that are empty were not given. */
bool	 conf_given(const struct yml *);

/* Fills in the rows' defaults; rows end at one without name. */
void	 conf_defaults(struct conf_reader *, const struct conf_row *, void *);
/* Reads a map; a key that no row has is an error. */
int	 conf_rows(struct conf_reader *, const struct conf_row *,
	    const struct yml *, void *base)
	    __attribute__((__warn_unused_result__));

/* --- kinds of values (conf_value.c) --------------------------------------- */

#define CONF_KIND(name)							\
	int conf_set_##name(struct conf_reader *, const struct conf_row *, \
	    const struct yml *, void *)
CONF_KIND(bool);
CONF_KIND(int);
CONF_KIND(size);		/* int64_t of bytes */
CONF_KIND(ms);			/* int of milliseconds */
CONF_KIND(str);
CONF_KIND(mode);		/* int: enum conf_mode */
CONF_KIND(listen);		/* char[256]: an address or host name */
CONF_KIND(dialect);
CONF_KIND(base_url);
CONF_KIND(proxy);
CONF_KIND(token);		/* a header's name */
CONF_KIND(auth_format);
#undef CONF_KIND

/* The word tried that is nearest to want, if near enough to be meant. */
struct conf_nearest {
	struct str	 want, best;
	unsigned	 distance;
};
void	 conf_nearest_try(struct conf_nearest *, struct str word);

/* NULL: it may be sent.  Else why not. */
const char	*conf_header_refused(struct str name);
bool		 conf_is_token(struct str);
/* A host name, an IPv4 address or a bracketed IPv6 one, without port. */
bool		 conf_is_host(struct str);

#endif /* STATE_CONF_ROW_H */
