#ifndef BASE_REDACT_H
#define BASE_REDACT_H

#include <stddef.h>

#include "base/str.h"

/*
 * Masks, in a text that is kept for people to read, what must not be kept:
 * credentials by their look (sk-..., AIza..., ghp_..., Bearer ...: a run that
 * holds a digit and has 16 characters or more), and media (a run of 512 or more
 * characters of base64), of which the length is noted: "[base64, 40960]".
 * JSON stays JSON.  In place; returns the new length, never more than n.
 */
size_t	 redact(char *p, size_t n);

/* Every occurrence of the secret, itself of 8 bytes or more, becomes '*'s. */
void	 redact_secret(char *p, size_t n, struct str secret);

#endif /* BASE_REDACT_H */
