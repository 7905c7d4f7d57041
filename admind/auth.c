/*
 * Set-up, passwords, sessions, tokens.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admind/auth.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "policy/access.h"
#include "state/secret.h"
#include "state/store_revision.h"

/* --- tries --------------------------------------------------------------------------- */

#define TRY_SLOTS	256
#define TRY_BURST	5		/* at once */
#define TRY_EVERY_MS	12000		/* then one in this time */
#define TRY_ALL_BURST	30		/* from everywhere together */
#define TRY_ALL_MS	2000

/* When a bucket would be empty again, had nothing been taken from it. */
struct throttle {
	int64_t	 all_ms;
	int64_t	 at_ms[TRY_SLOTS];	/* by a hash of the address */
};

struct throttle *
throttle_create(void)
{
	struct throttle	*t = calloc(1, sizeof(*t));

	if (t == NULL)
		fatal("throttle");
	return t;
}

void
throttle_destroy(struct throttle *t)
{
	free(t);
}

/* 0: it may; else milliseconds until it may. */
static int64_t
take(int64_t *at, int64_t now, int64_t every, int burst)
{
	if (*at < now)
		*at = now;
	if (*at - now > every * (burst - 1))
		return *at - now - every * (burst - 1);
	*at += every;
	return 0;
}

static int64_t *
try_slot(struct api *a)
{
	const char	*p;
	uint32_t	 h = 2166136261u;

	for (p = http_peer(a->rq); *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &a->ad->throttle->at_ms[h % TRY_SLOTS];
}

/* One that was right is given back. */
static void
try_right(struct api *a)
{
	*try_slot(a) -= TRY_EVERY_MS;
	a->ad->throttle->all_ms -= TRY_ALL_MS;
}

/* Each try at a password or a set-up token; false: a problem was answered. */
static bool
try_allowed(struct api *a)
{
	int64_t	 now = clock_mono_ms(), wait;
	char	*text;

	wait = take(try_slot(a), now, TRY_EVERY_MS, TRY_BURST);
	if (wait == 0)
		wait = take(&a->ad->throttle->all_ms, now, TRY_ALL_MS,
		    TRY_ALL_BURST);
	if (wait == 0)
		return true;
	text = arena_bytes(a->rq->arena, 24);
	snprintf(text, 24, "%lld", (long long)(wait + 999) / 1000);
	http_reply_header(a->r, "Retry-After", text);
	api_problem(a, 429, NULL, "too many tries: wait %s seconds", text);
	return false;
}

/* --- set-up ---------------------------------------------------------------------------- */

#define SETUP_PATH	1300

static void
setup_path(const struct admind *ad, char path[SETUP_PATH])
{
	snprintf(path, SETUP_PATH, "%s/setup.token", ad->paths.home);
}

static void
setup_write(const struct admind *ad)
{
	char	 path[SETUP_PATH], token[ADMIN_CODE_LEN + 1];
	int	 fd;

	setup_path(ad, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		if (errno != EEXIST)
			log_alert("cannot make '%s'", path);
		return;
	}
	id_new(token, sizeof(token), "");
	if (dprintf(fd, "%s\n", token) < 0)
		log_alert("cannot write '%s'", path);
	close(fd);
}

/* Empty where there is none, or it is not ours alone. */
static struct str
setup_token(const struct admind *ad, char token[ADMIN_CODE_LEN + 2])
{
	char		 path[SETUP_PATH];
	struct stat	 st;
	ssize_t		 n = -1;
	int		 fd;

	setup_path(ad, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return STR_NONE;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 077) == 0)
		n = read(fd, token, ADMIN_CODE_LEN + 1);
	close(fd);
	return n < ADMIN_CODE_LEN ? STR_NONE :
	    (struct str){ token, ADMIN_CODE_LEN };
}

/* 1: nobody yet; 0: somebody; -1: the database cannot say. */
static int
nobody(const struct admind *ad)
{
	struct store	*s;
	char		 err[2048];
	int64_t		 n;

	if (access(ad->paths.db, F_OK) == -1 && errno == ENOENT)
		return 1;
	s = store_open(ad->paths.db, STORE_READ, err, sizeof(err));
	if (s == NULL)
		return -1;
	n = store_users_count(s);
	store_close(s);
	return n == -1 ? -1 : n == 0;
}

bool
auth_setup_needed(struct admind *ad)
{
	if (nobody(ad) != 1)
		return false;
	setup_write(ad);
	return true;
}

void
auth_start(struct admind *ad)
{
	char	 path[SETUP_PATH];

	setup_path(ad, path);
	if (!auth_setup_needed(ad) && nobody(ad) == 0)
		(void)unlink(path);
}

/* --- sessions --------------------------------------------------------------------------- */

static void
cookie_set(struct api *a, struct str token, long age)
{
	http_reply_header(a->r, "Set-Cookie", arena_strf(a->rq->arena,
	    AUTH_COOKIE "=%.*s; Path=/; HttpOnly; SameSite=Strict; "
	    "Max-Age=%ld", STR_FMT(token), age).p);
}

static json_t *
session_json(const struct api *a)
{
	if (a->who.role == ADMIN_NONE)
		return json_null();
	return json_pack("{s:s,s:s,s:I,s:s}", "name", a->who.name, "role",
	    admin_role_name(a->who.role), "id", (json_int_t)a->who.user_id,
	    "csrf", a->who.csrf);
}

/* A new session for the user, in the cookie and in the answer. */
static void
session_begin(struct api *a, const struct admin_user *u)
{
	char		 token[ADMIN_CODE_LEN + 1];
	const char	*agent = http_header(a->rq, "User-Agent");

	id_new(token, sizeof(token), "");
	id_new(a->who.csrf, sizeof(a->who.csrf), "");
	if (store_session_add(a->store, str_of(token), u->id,
	    str_of(a->who.csrf), str_of(http_peer(a->rq)),
	    str_of(agent == NULL ? "" : agent)) == -1) {
		api_store_failed(a);
		return;
	}
	a->who.user_id = u->id;
	a->who.role = u->role;
	snprintf(a->who.name, sizeof(a->who.name), "%.*s", STR_FMT(u->name));
	cookie_set(a, str_of(token), SESSION_MAX_S);
	api_json(a, 200, json_pack("{s:o}", "user", session_json(a)));
}

/* A page of another site cannot set this header, nor know the token. */
static bool
same_site(struct api *a)
{
	const char	*csrf = http_header(a->rq, "X-CSRF-Token");

	if (str_is(a->rq->method, "GET") || str_is(a->rq->method, "HEAD"))
		return true;
	if (csrf != NULL && secret_equal(str_of(csrf), str_of(a->who.csrf)))
		return true;
	api_problem(a, 403, NULL, "the X-CSRF-Token header is missing or old: "
	    "load the page again");
	return false;
}

/* Where a browser says from which page it comes, that must be one of ours. */
static bool
origin_ours(struct api *a)
{
	const char	*origin = http_header(a->rq, "Origin");
	const char	*host = http_header(a->rq, "Host");
	struct str	 o = str_of(origin);

	if (origin == NULL)
		return true;
	if (str_starts(o, "http://"))
		o = str_skip(o, 7);
	else if (str_starts(o, "https://"))
		o = str_skip(o, 8);
	if (host != NULL && str_is_nocase(o, host))
		return true;
	api_problem(a, 403, NULL, "requests of other sites are not served");
	return false;
}

static bool
bearer(struct api *a, struct str token)
{
	int	 rc;

	if (api_store(a, STORE_WRITE) == NULL)
		return false;
	rc = store_token_find(a->store, token, &a->who);
	if (rc == -1)
		api_store_failed(a);
	else if (rc == 0)
		api_problem(a, 401, NULL, "this API token is not known, or "
		    "has expired");
	return rc == 1;
}

static bool
cookie(struct api *a, struct str token)
{
	int	 rc;

	if (token.n != ADMIN_CODE_LEN ||
	    (access(a->ad->paths.db, F_OK) == -1 && errno == ENOENT))
		return true;
	if (api_store(a, STORE_WRITE) == NULL)
		return false;
	rc = store_session_find(a->store, token, &a->who);
	if (rc == -1)
		api_store_failed(a);
	if (rc == 0)
		a->who.role = ADMIN_NONE;
	return rc == 0 || (rc == 1 && same_site(a));
}

struct str
auth_proof(const struct http_request *rq, bool *token)
{
	struct str	 h = str_of(http_header(rq, "Authorization"));

	*token = h.n > 7 && strncasecmp(h.p, "Bearer ", 7) == 0;
	return *token ? str_trim(str_skip(h, 7)) :
	    http_cookie(rq, AUTH_COOKIE);
}

bool
auth_ended(struct store *s, struct str proof, bool token)
{
	struct admin_session	 who;

	return (token ? store_token_find(s, proof, &who) :
	    store_session_find(s, proof, &who)) == 0;
}

bool
auth_who(struct api *a)
{
	struct str	 proof;
	bool		 token, ok;

	if (!origin_ours(a))
		return false;
	proof = auth_proof(a->rq, &token);
	ok = token ? bearer(a, proof) : cookie(a, proof);
	/* Nothing is kept open while the body comes. */
	store_close(a->store);
	a->store = NULL;
	return ok;
}

/* --- what is served -------------------------------------------------------------------- */

static void
serve_session(struct api *a)
{
	api_json(a, 200, json_pack("{s:o,s:b}", "user", session_json(a),
	    "setup_needed", auth_setup_needed(a->ad)));
}

static bool
password_of(struct api *a, struct str *password)
{
	const char	*bad;

	if (!api_str(a, "password", true, password))
		return false;
	if ((bad = admin_password_bad(*password)) == NULL)
		return true;
	api_problem(a, 422, "password", "%s", bad);
	return false;
}

static bool
name_of(struct api *a, struct str *name)
{
	const char	*bad;

	if (!api_str(a, "name", true, name))
		return false;
	if ((bad = admin_name_bad(*name)) == NULL)
		return true;
	api_problem(a, 422, "name", "%s", bad);
	return false;
}

static void
setup_user(struct api *a, struct str name, struct str password)
{
	struct admin_user	 u = { .name = name, .role = ADMIN_ADMIN };
	char			 path[SETUP_PATH];
	int			 rc;

	if (api_store(a, STORE_WRITE) == NULL)
		return;
	store_author(a->store, name);
	rc = store_user_add(a->store, name, password, ADMIN_ADMIN, &u.id);
	if (rc == -1) {
		api_store_failed(a);
		return;
	}
	if (rc == 0) {
		api_problem(a, 409, "name", "is taken");
		return;
	}
	try_right(a);
	setup_path(a->ad, path);
	(void)unlink(path);
	session_begin(a, &u);
	api_audit(a, "set up", a->who.name, true, NULL);
}

static void
serve_setup(struct api *a)
{
	static const char *const	 names[] = { "token", "name",
					    "password", NULL };
	struct str			 token, name, password, want;
	char				 file[ADMIN_CODE_LEN + 2];

	if (!api_known(a, names) || !api_str(a, "token", true, &token) ||
	    !name_of(a, &name) || !password_of(a, &password) ||
	    !try_allowed(a))
		return;
	if (nobody(a->ad) != 1) {
		api_problem(a, 409, NULL, "the set-up is done: log in");
		return;
	}
	want = setup_token(a->ad, file);
	if (want.n == 0 || !secret_equal(token, want)) {
		api_audit(a, "set up", NULL, false, "wrong token");
		api_problem(a, 403, "token", "is not the one of the link that "
		    "'proxyctl start' and 'proxyctl status' show");
		return;
	}
	setup_user(a, name, password);
}

static void
serve_login(struct api *a)
{
	static const char *const	 names[] = { "name", "password", NULL };
	struct admin_user		 u;
	struct str			 name, password;
	char				 known[ADMIN_NAME_MAX + 1];
	int				 rc;

	if (!api_known(a, names) || !api_str(a, "name", true, &name) ||
	    !api_str(a, "password", true, &password) || !try_allowed(a))
		return;
	if (password.n > ADMIN_PASSWORD_MAX)
		password.n = ADMIN_PASSWORD_MAX + 1;
	if (api_store(a, STORE_WRITE) == NULL)
		return;
	rc = store_login(a->store, name, password, &u, known);
	if (rc == -1)
		api_store_failed(a);
	else if (rc == 0) {
		api_audit(a, "log in", arena_str(a->rq->arena, name).p, false,
		    "wrong name or password");
		api_problem(a, 401, NULL, "wrong name or password");
	} else {
		try_right(a);
		session_begin(a, &u);
		api_audit(a, "log in", a->who.name, true, NULL);
	}
}

static void
serve_logout(struct api *a)
{
	struct str	 token = http_cookie(a->rq, AUTH_COOKIE);

	if (a->who.role != ADMIN_NONE && token.n > 0) {
		if (api_store(a, STORE_WRITE) == NULL)
			return;
		if (store_session_end(a->store, token) == -1) {
			api_store_failed(a);
			return;
		}
		api_audit(a, "log out", a->who.name, true, NULL);
	}
	cookie_set(a, STR(""), 0);
	api_empty(a);
}

const struct api_route api_auth_routes[] = {
	{ "GET", "/api/v1/session", ADMIN_NONE, serve_session, 0, NULL },
	{ "POST", "/api/v1/session", ADMIN_NONE, serve_login, API_BODY, NULL },
	{ "DELETE", "/api/v1/session", ADMIN_NONE, serve_logout, 0, NULL },
	{ "POST", "/api/v1/setup", ADMIN_NONE, serve_setup, API_BODY, NULL },
	{ .method = NULL }
};
