#ifndef PROXYD_CAPTURE_H
#define PROXYD_CAPTURE_H

#include "base/str.h"

/*
 * The bodies of a request, gathered while it runs, where LOG_BODIES asks for
 * it; nothing, and nothing spent, where it does not.
 */
struct request;

/* When the request begins: decides whether anything is gathered. */
void	 capture_begin(struct request *);
void	 capture_client_request(struct request *, struct str body);
/* An attempt begins. */
void	 capture_upstream_request(struct request *, struct str body);
/* What has come from the provider since the last call. */
void	 capture_upstream(struct request *);
/* A piece of the answer to the client. */
void	 capture_client(struct request *, struct str piece);
/* At its end: masked and handed over, or thrown away. */
void	 capture_end(struct request *);

#endif /* PROXYD_CAPTURE_H */
