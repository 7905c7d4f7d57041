#ifndef T_ROUTES_H
#define T_ROUTES_H

/* Prints "proxyd METHOD PATH" for each endpoint of the dialects.  A file of its
 * own: wire's JSON and jansson's have the same names. */
void	 routes_dialects(void);

#endif /* T_ROUTES_H */
