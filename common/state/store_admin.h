#ifndef STATE_STORE_ADMIN_H
#define STATE_STORE_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/store.h"

/*
 * Users of the management server, their sessions, tokens for programs, and the
 * audit log.  What is looked up by a secret is looked up by its hash.
 */
enum admin_role { ADMIN_NONE, ADMIN_VIEWER, ADMIN_ADMIN };
const char	*admin_role_name(enum admin_role);
/* ADMIN_NONE where there is none of that name. */
enum admin_role	 admin_role_of(struct str);

#define ADMIN_NAME_MAX		64
#define ADMIN_PASSWORD_MIN	10	/* characters */
#define ADMIN_PASSWORD_MAX	256	/* bytes */
#define ADMIN_CODE_LEN		24	/* tokens, behind their prefix */
#define ADMIN_TOKEN_PREFIX	"padm-"

struct admin_user {
	int64_t		 id;
	struct str	 name;		/* valid during a call, or copied */
	enum admin_role	 role;
	bool		 enabled;
	int64_t		 created_us, login_us;
};

/*
 * NULL: a name, a password that will do.  Else why not, as a sentence's end:
 * "must be 1 to 64 characters: letters, digits, '.', '-', '_' or '@'".
 */
const char	*admin_name_bad(struct str);
const char	*admin_password_bad(struct str);

/* How many there are, or -1. */
int64_t	 store_users_count(struct store *);
int	 store_users(struct store *, void (*cb)(void *,
	    const struct admin_user *), void *)
	    __attribute__((__warn_unused_result__));
/* 1: added, *id; 0: there is one of that name; -1. */
int	 store_user_add(struct store *, struct str name, struct str password,
	    enum admin_role, int64_t *id)
	    __attribute__((__warn_unused_result__));
/*
 * Empty password: as it was.  Ends the user's sessions where password, role or
 * enabled changed.  1: done; 0: no such user; -2: he is the last enabled
 * administrator, and stays it; -1.
 */
int	 store_user_set(struct store *, int64_t id, struct str password,
	    enum admin_role, bool enabled)
	    __attribute__((__warn_unused_result__));
int	 store_user_delete(struct store *, int64_t id)	/* as above */
	    __attribute__((__warn_unused_result__));

/* 1: the password is right, and the user enabled; 0: not; takes as long. */
int	 store_login(struct store *, struct str name, struct str password,
	    struct admin_user *, char name_out[ADMIN_NAME_MAX + 1])
	    __attribute__((__warn_unused_result__));

/* --- sessions ----------------------------------------------------------------- */

#define SESSION_IDLE_S		(12 * 3600)
#define SESSION_MAX_S		(7 * 86400)

struct admin_session {
	int64_t		 user_id;	/* 0: an API token */
	char		 name[ADMIN_NAME_MAX + 1];
	enum admin_role	 role;
	char		 csrf[ADMIN_CODE_LEN + 1];
};

/* token: the cookie's value, ADMIN_CODE_LEN random characters. */
int	 store_session_add(struct store *, struct str token, int64_t user_id,
	    struct str csrf, struct str client, struct str user_agent)
	    __attribute__((__warn_unused_result__));
/* 1: it is alive; marks it used, at most once a minute. */
int	 store_session_find(struct store *, struct str token,
	    struct admin_session *) __attribute__((__warn_unused_result__));
int	 store_session_end(struct store *, struct str token)
	    __attribute__((__warn_unused_result__));

/* --- tokens for programs -------------------------------------------------------- */

struct admin_token {
	int64_t		 id;
	struct str	 name, mask;
	enum admin_role	 role;
	int64_t		 created_us, expires_us, used_us;
};

int	 store_tokens(struct store *, void (*cb)(void *,
	    const struct admin_token *), void *)
	    __attribute__((__warn_unused_result__));
/* 1: added; 0: there is one of that name; -1.  expires_us 0: never. */
int	 store_token_add(struct store *, struct str name, enum admin_role,
	    struct str token, int64_t expires_us, int64_t *id)
	    __attribute__((__warn_unused_result__));
int	 store_token_delete(struct store *, int64_t id)
	    __attribute__((__warn_unused_result__));
int	 store_token_find(struct store *, struct str token,
	    struct admin_session *) __attribute__((__warn_unused_result__));

/* --- audit ------------------------------------------------------------------------ */

struct admin_act {
	int64_t		 id, time_us;
	struct str	 actor, client, action, object, detail;
	bool		 ok;
};

int	 store_audit_add(struct store *, const struct admin_act *)
	    __attribute__((__warn_unused_result__));
/* Newest first, those before id (0: from the newest), at most limit. */
int	 store_audit(struct store *, int64_t before, int limit,
	    void (*cb)(void *, const struct admin_act *), void *)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_ADMIN_H */
