#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/*
 * Text without regard to case: the simple folding of Unicode (CaseFolding.txt,
 * status C) for ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic, Armenian and
 * full-width letters; others stay.  What is not UTF-8 stays, byte by byte.
 */
struct str	 fold_case(struct arena *, struct str);

/*
 * Many words in a text at once (Aho and Corasick, 1975): the time is linear in
 * the text, however many words there are.  A machine lives in its arena.
 */
struct fold_words;

/* words are folded already; NULL where n is 0. */
struct fold_words	*fold_words_new(struct arena *,
			    const struct str *words, unsigned n);
/*
 * Marks found[i] for each word i that is in the folded text; how many were not
 * yet marked.
 */
unsigned	 fold_words_find(const struct fold_words *, struct str text,
		    bool *found);

#endif /* BASE_FOLD_H */
