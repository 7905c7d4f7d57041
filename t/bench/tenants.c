/*
 * Fills a home with tenants, each with limits, a budget and a client key, and
 * prints the key of the last.
 *
 *	tenants home number
 */
#include <err.h>
#include <stdio.h>

#include "base/codec.h"
#include "base/log.h"
#include "state/store.h"
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
	puts(plain);
	secret_box_close(box);
	store_close(s);
	return 0;
}
