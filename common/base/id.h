#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>

#define ID_RAND_LEN	24

/* n random bytes from the kernel. */
void	 id_random(void *, size_t n);

/*
 * Writes prefix and ID_RAND_LEN random characters [0-9A-Za-z] (142 bits), NUL
 * terminated.  dst has room for strlen(prefix) + ID_RAND_LEN + 1.  Returns dst.
 */
char	*id_new(char *dst, size_t size, const char *prefix);

#endif /* BASE_ID_H */
