#ifndef ADMIND_API_H
#define ADMIND_API_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "admind/admind.h"
#include "admind/http.h"
#include "state/store.h"
#include "state/store_admin.h"

/*
 * The management API, /api/v1.  Each group of resources is a file api_*.c with
 * a table of routes; api.c finds the route, says who asks, and whether he may,
 * before a body is read.  Answers are JSON by jansson; errors are problem
 * details (RFC 9457) that name the field.
 */
struct api;
struct lock_wait;			/* lock.c */

struct api_route {
	const char	*method;
	const char	*path;		/* "/api/v1/users/{id}"; a last
					   "{rest...}" is all that follows */
	enum admin_role	 role;		/* ADMIN_NONE: anybody */
	void		(*serve)(struct api *);
	long		 max;		/* bytes of body; 0: none */
	const char	*query;		/* its members, "from to"; NULL: none,
					   "*": not ours to judge */
};

#define API_BODY	(1L << 20)
#define API_RAW		(1L << 40)	/* added to max: rq->body as it came */
#define API_KEEPS	(1L << 41)	/* added to max: the database stays */
#define API_IDS		2

/* One request. */
struct api {
	struct admind		*ad;
	struct http_request	*rq;
	struct http_reply	*r;
	const struct api_route	*route;
	struct admin_session	 who;		/* role ADMIN_NONE: nobody */
	struct str		 id[API_IDS];	/* of the path, decoded */
	struct store		*store;		/* once api_store was called */
	bool			 changing;	/* see api_change */
	const char		*change;
	json_t			*body;		/* an object; NULL: none */
	bool			 replied;
	bool			 later;		/* by http_answer */
	int64_t			 sent_us;	/* what is waited for; monotonic */
	struct lock_wait	*waited;	/* for the database; NULL: not */
};

/* Tables, ended by method NULL; listed in api.c. */
extern const struct api_route	 api_auth_routes[];
extern const struct api_route	 api_users_routes[];
extern const struct api_route	 api_lab_routes[];
extern const struct api_route	 api_logs_routes[];
extern const struct api_route	 api_objects_routes[];
extern const struct api_route	 api_requests_routes[];
extern const struct api_route	 api_stats_routes[];
extern const struct api_route	 api_tenants_routes[];
extern const struct api_route	 api_revisions_routes[];

/* As http_server's: for paths below /api/v1/. */
long	 api_begin(struct admind *, struct http_request *,
	    struct http_reply *);
void	 api_serve(struct admind *, struct http_request *,
	    struct http_reply *);
/* May whoever asks look at what is not part of the API? */
bool	 api_visitor(struct admind *, struct http_request *,
	    struct http_reply *);
/* For tests of the documents: every route once. */
void	 api_routes_each(void (*cb)(void *, const struct api_route *), void *);

/* --- for handlers ------------------------------------------------------------ */

/* The database, for as long as the request; NULL: a problem was answered. */
struct store	*api_store(struct api *, enum store_open_mode);
/*
 * The same, for a change: what is read from here on, held against If-Match and
 * written is one transaction.  It is committed after the handler, with what
 * api_audit was told, if the answer is one of success, and else taken back.
 * change: what to call the revision (static); NULL: by what it changed.
 */
struct store	*api_change(struct api *, const char *change);
/* Answers 503 or 500 with the store's text; for a call that gave -1. */
void	 api_store_failed(struct api *);

/* Answers with o, whose reference it takes. */
void	 api_json(struct api *, int status, json_t *o);
void	 api_empty(struct api *);		/* 204 */
/* field: a member of the body or of the query, NULL: none. */
void	 api_problem(struct api *, int status, const char *field,
	    const char *, ...) __attribute__((__format__(printf, 4, 5)));

/*
 * Members of the body; each answers a problem and returns false where it is
 * not what is asked for.  A member that is absent or null leaves *v as it is;
 * need: it must be there.  Strings are valid UTF-8 without NUL.
 */
bool	 api_known(struct api *, const char *const *names);	/* no others */
bool	 api_str(struct api *, const char *name, bool need, struct str *v);
bool	 api_int(struct api *, const char *name, bool need, int64_t min,
	    int64_t max, int64_t *v);
bool	 api_bool(struct api *, const char *name, bool need, bool *v);
/* Members of the query, of those that the route names: with another the
 * request was refused. */
bool	 api_query_int(struct api *, const char *name, int64_t min,
	    int64_t max, int64_t *v);
bool	 api_query_str(struct api *, const char *name, struct str *v);
/*
 * Answers { name: list, next }; takes the list's reference.  Where the query has
 * limit or after (see API_PAGED) a page of it, by ids, and next goes behind it.
 */
void	 api_list(struct api *, const char *name, json_t *list);
#define API_PAGED	"limit after"
/* {id} as a number; false: 404 was answered. */
bool	 api_id(struct api *, unsigned i, int64_t *v);

/*
 * ETags, against lost updates (RFC 9110, 8.8.3 and 13.1): of what an object is,
 * so a member that tells how it does is added after them.  In lists each object
 * has its own as the member "etag"; one alone has the header, too.
 */
void	 api_etag_add(struct api *, json_t *);
void	 api_etag_reply(struct api *, json_t *);
/* Is it what whoever changes it has seen?  now NULL: there is none.  false: 412
 * was answered.  Without If-Match and If-None-Match: true. */
bool	 api_etag_holds(struct api *, const json_t *now, const char *what);

/* Text that may not be UTF-8, as JSON. */
json_t	*api_text(struct str);
/* RFC 3339, or null for 0. */
json_t	*api_time(int64_t us);

/* Into the audit log, by whoever asks; object and detail may be NULL.  With a
 * change, if there is one. */
void	 api_audit(struct api *, const char *action, const char *object,
	    bool ok, const char *detail);

#endif /* ADMIND_API_H */
