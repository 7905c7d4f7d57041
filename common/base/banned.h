#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/*
 * Included before every source.  What stands here is not called in this
 * project: no bound, no error, or not what it seems.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atof gets

#endif /* BASE_BANNED_H */
