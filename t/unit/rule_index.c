/*
 * Random rules and requests: what the index finds is what a walk over every
 * rule finds, and is told of alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/route_plan.h"
#include "state/store_object.h"
#include "tap.h"
#include "wire/ir.h"
#include "wire/json.h"

#define RULES	240
#define ASKED	4000

static struct store	*store;
static struct secret_box *box;
static char		 err[512];
static uint64_t		 seed = 1;

static unsigned
chance(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

/* --- rules -------------------------------------------------------------------- */

/* Of few letters, so that many begin, end and are alike. */
static void
name(char to[8], unsigned most, bool star)
{
	unsigned	 i, n = 1 + chance(most);

	for (i = 0; i < n; i++)
		to[i] = star && chance(4) == 0 ? '*' : "ab"[chance(2)];
	to[n] = '\0';
}

static void
list(struct jw *w, unsigned most, bool star)
{
	char		 s[8];
	unsigned	 i, n = 1 + chance(most);

	jw_array(w);
	for (i = 0; i < n; i++) {
		name(s, 5, star);
		jw_strz(w, s);
	}
	jw_array_end(w);
}

static void
names(struct jw *w, const char *member)
{
	jw_key_str(w, str_of(member));
	list(w, 3, chance(2) == 0);
}

static void
header(struct jw *w)
{
	char	 s[8];

	jw_key(w, "header");
	jw_object(w);
	if (chance(2) == 0) {
		jw_key(w, "X-One");
		name(s, 3, true);
		jw_strz(w, s);
	}
	jw_key(w, "x-two");
	name(s, 3, true);
	jw_strz(w, s);
	jw_object_end(w);
}

static void
keywords(struct jw *w)
{
	unsigned	 what = chance(3);

	jw_key(w, "keywords");
	jw_object(w);
	if (what != 0) {
		jw_key(w, "any");
		list(w, 3, false);
	}
	if (what != 1) {
		jw_key(w, "all");
		list(w, 2, false);
	}
	jw_key(w, "in");
	jw_strz(w, chance(2) ? "both" : chance(2) ? "user" : "system");
	jw_object_end(w);
}

/* Some need one thing only, so that they hang on it. */
static void
match(struct jw *w)
{
	unsigned	 only = chance(2) == 0 ? chance(6) : 6;

	jw_object(w);
	if (only == 0 || (only == 6 && chance(3) != 0))
		names(w, "model");
	if (only == 1 || (only == 6 && chance(3) == 0))
		names(w, "tenant");
	if (only == 2 || (only == 6 && chance(4) == 0))
		names(w, "client_key");
	if (only == 3 || (only == 6 && chance(6) == 0))
		names(w, "path");
	if (only == 4 || (only == 6 && chance(5) == 0))
		header(w);
	if (only == 5 || (only == 6 && chance(4) == 0))
		keywords(w);
	/* So that none matches all. */
	jw_key(w, "tokens");
	jw_object(w);
	jw_key(w, "above");
	jw_int(w, chance(160));
	jw_object_end(w);
	jw_object_end(w);
}

/* One in six leads nowhere: the next that matches is the one. */
static void
rule_make(unsigned i)
{
	struct object_error	 e;
	struct buf		 b;
	struct jw		 w;
	char			 s[24];
	int64_t			 id;

	buf_init(&b, 65536);
	jw_init(&w, &b);
	jw_object(&w);
	jw_key(&w, "name");
	snprintf(s, sizeof(s), "r%u", i);
	jw_strz(&w, s);
	jw_key(&w, "match");
	match(&w);
	jw_key(&w, "targets");
	jw_array(&w);
	jw_object(&w);
	jw_key(&w, "provider");
	jw_strz(&w, chance(6) == 0 ? "off" : "one");
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	if (store_object_create(store, box, OBJECT_RULE, buf_str(&b), &id,
	    &e) != OBJECT_OK)
		ok(false, "%s: %s %s", b.data, e.field, e.text);
	buf_release(&b);
}

/* --- requests ----------------------------------------------------------------- */

struct asked {
	struct plan_facts f;
	char	 model[8], tenant[8], key[8], path[8], one[8], two[8];
	char	 user[8], system[8];
};

static struct str
asked_header(void *arg, const char *member)
{
	struct asked	*q = arg;
	const char	*v = strcasecmp(member, "x-one") == 0 ? q->one :
			    q->two;

	return v[0] == '\0' ? STR_NONE : str_of(v);
}

static struct str
maybe(char to[8])
{
	name(to, 6, false);
	if (chance(4) == 0)
		to[0] = '\0';
	return str_of(to);
}

static void
ask(struct asked *q)
{
	name(q->model, 5, false);
	q->f = (struct plan_facts){ .name = { STR("anthropic"),
	    str_of(q->model) }, .tenant = maybe(q->tenant),
	    .client_key = maybe(q->key), .path = maybe(q->path),
	    .user = maybe(q->user), .system = maybe(q->system),
	    .tokens = chance(40), .header = asked_header, .arg = q };
	(void)maybe(q->one);
	(void)maybe(q->two);
}

/* --- the walk ------------------------------------------------------------------- */

struct walk {
	const struct plan_facts	*f;
	const struct snap_rule	*rule;
	struct plan_missed	 missed[PLAN_MISSED];
	unsigned		 nmissed, seen;
};

/* By names without wildcards: false where it is none of these. */
static bool
told(const struct snap_rule *r, const struct plan_facts *f)
{
	const struct rule_list	*l[] = { &r->match.model, &r->match.tenant,
				    &r->match.client_key };
	const struct str	 s[] = { f->name.model, f->tenant,
				    f->client_key };
	unsigned		 i, k;
	bool			 any, is;

	for (i = 0; i < 3; i++) {
		any = is = false;
		for (k = 0; k < l[i]->n; k++) {
			any = any || strchr(l[i]->s[k].p, '*') != NULL;
			is = is || str_eq(l[i]->s[k], s[i]);
		}
		if (l[i]->n > 0 && !any)
			return is;
	}
	return true;
}

static void
walk_cb(void *arg, const struct snap_rule *r, const char *why)
{
	struct walk	*w = arg;

	w->seen++;
	if (why == NULL)
		w->rule = r;
	else if (told(r, w->f) && w->nmissed++ < PLAN_MISSED)
		w->missed[w->nmissed - 1] = (struct plan_missed){ r, why };
}

static bool
same_missed(const struct plan *p, const struct walk *w)
{
	unsigned	 i;

	for (i = 0; i < w->nmissed && i < PLAN_MISSED; i++)
		if (p->missed[i].rule != w->missed[i].rule ||
		    strcmp(p->missed[i].why, w->missed[i].why) != 0)
			return false;
	return p->nmissed == w->nmissed;
}

struct tally {
	unsigned	 none, early, late, wrong;
};

static void
compare(const struct snapshot *n, struct tally *t)
{
	struct asked	 q;
	struct plan	 p, all;
	struct walk	 w = { .f = &q.f };
	struct arena	 a;
	int		 rc;

	ask(&q);
	arena_init(&a);
	rc = plan_make(n, &q.f, &a, &p, NULL, NULL);
	if (plan_make(n, &q.f, &a, &all, walk_cb, &w) != rc ||
	    (rc == 0 && (p.rule != w.rule || p.n != all.n)) ||
	    !same_missed(&p, &w)) {
		t->wrong++;
		printf("# model '%s' tenant '%s' key '%s' path '%s' one '%s' "
		    "two '%s' user '%s' system '%s'\n", q.model, q.tenant,
		    q.key, q.path, q.one, q.two, q.user, q.system);
	}
	if (w.rule == NULL)
		t->none++;
	else if (w.nmissed < PLAN_MISSED)
		t->early++;
	else
		t->late++;
	arena_release(&a);
}

static void
test_requests(void)
{
	struct snapshot	*n = snapshot_load(store, box, err, sizeof(err));
	struct tally	 t = { .wrong = 0 };
	unsigned	 i;

	if (n == NULL) {
		ok(false, "a snapshot: %s", err);
		return;
	}
	for (i = 0; i < ASKED; i++)
		compare(n, &t);
	ok(t.wrong == 0, "%u rules: the same one, told of alike", n->nrules);
	ok(n->nrules < RULES || (t.none > ASKED / 50 &&
	    t.early > ASKED / 50 && t.late > ASKED / 50),
	    "none matched %u times, one of the first %u, one behind %u",
	    t.none, t.early, t.late);
	snapshot_unref(n);
}

static void
provider(const char *json)
{
	struct object_error	 e;
	int64_t			 id;

	ok(store_object_create(store, box, OBJECT_PROVIDER, str_of(json), &id,
	    &e) == OBJECT_OK, "%s: %s", json, e.text);
}

int
main(void)
{
	char		 dir[] = "/tmp/rules-XXXXXX", db[64], key[64];
	struct conf	*c;
	unsigned	 i;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(db, sizeof(db), "%s/proxyd.db", dir);
	snprintf(key, sizeof(key), "%s/secret.key", dir);
	box = secret_box_open(key, err, sizeof(err));
	store = store_open(db, STORE_WRITE, err, sizeof(err));
	c = conf_parse(STR("PORT: 0\n"), "x", err, sizeof(err));
	ok(box != NULL && store != NULL && c != NULL &&
	    store_apply_conf(store, c, box) == 1, "a database %s", err);
	conf_free(c);
	provider("{\"name\":\"one\",\"dialect\":\"openai-chat\","
	    "\"base_url\":\"http://h:1\",\"keyless\":true}");
	provider("{\"name\":\"off\",\"dialect\":\"openai-chat\","
	    "\"base_url\":\"http://h:1\",\"keyless\":true,"
	    "\"enabled\":false}");
	for (i = 0; i < RULES; i++) {
		rule_make(i);
		/* None, one, a word of bits, and what is more. */
		if (i == 0 || i == 8 || i == 62 || i == 63 || i == RULES - 1)
			test_requests();
	}
	store_close(store);
	secret_box_close(box);
	unlink(db);
	unlink(key);
	rmdir(dir);
	return done();
}
