#ifndef PROXYCTL_TABLE_H
#define PROXYCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/str.h"

/*
 * Tables for people: columns as wide as what stands in them, in columns of the
 * terminal and not in bytes.  Where the terminal is too narrow, those that may
 * shrink do, and where that is not enough each row becomes a list of its own.
 * No text reaches the terminal with control characters in it.
 */
struct column {
	const char	*name;
	bool		 right;		/* numbers */
	bool		 shrinks;
};

struct table;

/* cols: ends in one without name, and outlives the table. */
struct table	*table_new(const struct column *cols);
void		 table_free(struct table *);
/* The next cell of the row; a row is done with its last cell. */
void		 table_add(struct table *, struct str);
void		 table_addz(struct table *, const char *);
void		 table_addf(struct table *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
/* To standard output; none: what is said where there are no rows. */
void		 table_print(const struct table *, const char *none);

/* "name  value", a line each, names aligned; for one thing. */
void		 table_print_pairs(const struct table *);

/* Columns of the terminal, $COLUMNS first; 0: no terminal, no bound. */
int		 term_width(void);
/* How many columns a text takes there. */
int		 text_width(struct str);
/* Bytes of s that fit into so many columns; *used: how many they take. */
size_t		 text_fit(struct str, int columns, int *used);
/* A copy that is safe to print, to be freed: controls as \xNN, bad UTF-8 as
 * U+FFFD. */
char		*text_safe(struct str);

#endif /* PROXYCTL_TABLE_H */
