#ifndef ADMIND_OPERATOR_H
#define ADMIND_OPERATOR_H

#include "admind/api.h"

/*
 * Requests as the operator: through the running proxyd, of no tenant, whatever
 * client keys there are (proxyd/operator.h).  The route that offers this wants
 * ADMIN_ADMIN.
 */
struct operator_call {
	const char	*method;	/* static */
	struct str	 path;		/* "/v1/messages", with its query */
	struct str	 target;	/* "PROVIDER/MODEL", "PROVIDER"; empty: as
					   routed */
	int64_t		 key_id;	/* that key and no other; 0: any */
	struct str	 body;		/* JSON */
	const char	*version;	/* anthropic-version; NULL: none */
	const char	*beta;		/* anthropic-beta; NULL: none */

	/*
	 * NULL: the answer is passed on, streams as they come.  Else it is
	 * gathered, and done answers as any handler does.  status 0: there was
	 * none, err tells why.
	 */
	void		(*done)(struct api *, int status, struct str body,
			    const char *err);
};

#define OPERATOR_GATHER	(8u << 20)	/* bytes for done */

/* To be the last that a handler does.  All but body and done is copied. */
void	 operator_send(struct api *, const struct operator_call *);

#endif /* ADMIND_OPERATOR_H */
