/*
 * Fills a home with tenants, each with limits, a budget and a client key, and
 * with as many rules, none of which matches what the benchmark asks for; prints
 * the client key of the last tenant.
 *
 *	tenants home number
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/store.h"
#include "state/store_object.h"
#include "state/store_tenants.h"

/* So much that nobody is refused. */
static void
limits_make(struct store_limits *l)
{
	store_limits_init(l);
	l->rpm = 100000000;
	l->tpm = 1000000000;
	l->concurrent = 10000;
	l->budget_month = INT64_C(1000000000000);
}

static void
tenant_make(struct store *s, const struct secret_box *box, int64_t i,
    char plain[CLIENT_KEY_LEN + 1])
{
	struct store_tenant	 t = { .enabled = true };
	struct store_client_key	 k = { .enabled = true };
	struct store_bad	 bad;
	char			 name[32];

	snprintf(name, sizeof(name), "tenant-%lld", (long long)i);
	t.name = k.name = str_of(name);
	limits_make(&t.limits);
	limits_make(&k.limits);
	if (store_tenant_put(s, &t, &bad) != STORE_DONE)
		errx(1, "tenant: %s %s", bad.field, bad.text);
	k.tenant_id = t.id;
	if (store_client_key_put(s, box, &k, plain, &bad) != STORE_DONE)
		errx(1, "client key: %s %s", bad.field, bad.text);
}

/* Of ten: four aliases, three of a tenant, two of a team, one by what is said. */
static void
rule_make(struct store *s, const struct secret_box *box, int64_t i)
{
	static const char *const match[] = {
		"\"model\":[\"alias-#\"]", "\"model\":[\"alias-#\"]",
		"\"model\":[\"alias-#\"]", "\"model\":[\"alias-#\"]",
		"\"tenant\":[\"tenant-#\"],\"model\":[\"claude-*\"]",
		"\"tenant\":[\"tenant-#\"],\"model\":[\"gpt-*\"]",
		"\"tenant\":[\"tenant-#\"],\"stream\":true",
		"\"model\":[\"team-#-*\"]",
		"\"header\":{\"x-team\":\"team-#\"},\"model\":[\"*-pro\"]",
		"\"keywords\":{\"any\":[\"the secret word #\"]}" };
	struct object_error	 e;
	struct buf		 b;
	const char		*at;
	int64_t			 id;

	buf_init(&b, 4096);
	at = strchr(match[i % 10], '#');
	(void)buf_addf(&b, "{\"name\":\"rule-%d\",\"match\":{%.*s%d%s},"
	    "\"targets\":[{\"model\":\"to-anthropic\"}]}", (int)i,
	    (int)(at - match[i % 10]), match[i % 10], (int)i, at + 1);
	if (store_object_create(s, box, OBJECT_RULE, buf_str(&b), &id, &e) !=
	    OBJECT_OK)
		errx(1, "rule: %s %s", e.field, e.text);
	buf_release(&b);
}

int
main(int argc, char **argv)
{
	struct secret_box	*box;
	struct store		*s;
	char			 path[1024], text[512];
	char			 plain[CLIENT_KEY_LEN + 1] = "";
	int64_t			 n, i;

	if (argc != 3 || str_to_int(str_of(argv[2]), 1, TENANTS_MAX,
	    &n) == -1)
		errx(2, "usage: tenants home number");
	log_init("tenants", false);
	snprintf(path, sizeof(path), "%s/proxyd.db", argv[1]);
	if ((s = store_open(path, STORE_WRITE, text, sizeof(text))) == NULL)
		errx(1, "%s", text);
	snprintf(path, sizeof(path), "%s/secret.key", argv[1]);
	if ((box = secret_box_open(path, text, sizeof(text))) == NULL)
		errx(1, "%s", text);
	for (i = 1; i <= n; i++)
		tenant_make(s, box, i, plain);
	for (i = 1; i <= n; i++)
		rule_make(s, box, i);
	puts(plain);
	secret_box_close(box);
	store_close(s);
	return 0;
}
