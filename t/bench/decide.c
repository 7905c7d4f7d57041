/*
 * The decisions of a request, for callgrind: which rule, which key.  The
 * configuration is that of a home, see tenants.c.
 *
 *	decide [-n times] route home model
 *	decide [-n times] pick home provider
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "policy/keypick.h"
#include "policy/route_plan.h"
#include "state/snapshot.h"
#include "state/store.h"

static struct snapshot *
home_load(const char *home)
{
	struct secret_box	*box;
	struct snapshot		*s;
	struct store		*st;
	char			 path[1024], text[512];

	snprintf(path, sizeof(path), "%s/proxyd.db", home);
	if ((st = store_open(path, STORE_READ, text, sizeof(text))) == NULL)
		errx(1, "%s", text);
	snprintf(path, sizeof(path), "%s/secret.key", home);
	if ((box = secret_box_open(path, text, sizeof(text))) == NULL)
		errx(1, "%s", text);
	if ((s = snapshot_load(st, box, text, sizeof(text))) == NULL)
		errx(1, "%s", text);
	secret_box_close(box);
	store_close(st);
	return s;
}

static unsigned
route(const struct snapshot *s, const char *model, unsigned long i)
{
	struct plan_facts	 f = { .tokens = -1, .random = i };
	struct plan		 p;
	struct arena		 a;

	f.name.dialect = STR("openai-chat");
	f.name.model = str_of(model);
	f.path = STR("/v1/chat/completions");
	f.tenant = STR("tenant-1000");
	f.client_key = STR("tenant-1000");
	f.user = f.system = STR("hello");
	f.minute = 600;
	arena_init(&a);
	if (plan_make(s, &f, &a, &p, NULL, NULL) == -1)
		errx(1, "nothing serves %s", model);
	arena_release(&a);
	return p.step[0].route.provider;
}

static unsigned
pick(const struct snapshot *s, const char *provider, unsigned long n)
{
	int			 i = snapshot_provider(s, str_of(provider));
	const struct snap_pool	*p;
	struct keypick_how	 how = { .ticket = (uint32_t)n };
	struct keypick		*k;
	int64_t			 wait;
	unsigned		 j;
	int			 at;

	if (i == -1)
		errx(1, "there is no provider %s", provider);
	p = &s->pools[i];
	if ((k = calloc(p->nkeys + 1, sizeof(*k))) == NULL)
		err(1, NULL);
	for (j = 0; j < p->nkeys; j++)
		k[j] = (struct keypick){ .id = j + 1, .enabled = true,
		    .weight = 1 };
	at = keypick(k, p->nkeys, &how, 1000, &wait);
	free(k);
	return (unsigned)at;
}

int
main(int argc, char **argv)
{
	struct snapshot	*s;
	struct timespec	 t0, t1;
	unsigned long	 n = 1, i;
	unsigned	 sum = 0;
	bool		 routes;
	int		 ch;

	while ((ch = getopt(argc, argv, "n:")) == 'n')
		n = strtoul(optarg, NULL, 10);
	argv += optind;
	if (ch != -1 || argc - optind != 3 ||
	    (!(routes = strcmp(argv[0], "route") == 0) &&
	    strcmp(argv[0], "pick") != 0)) {
		fprintf(stderr, "usage: decide [-n times] route home model | "
		    "pick home provider\n");
		return 1;
	}
	log_init("decide", false);
	s = home_load(argv[1]);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (i = 0; i < n; i++)
		sum += routes ? route(s, argv[2], i) : pick(s, argv[2], i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	printf("%u rules, %u keys: %.3f us (%u)\n", s->nrules, s->nkeys,
	    (double)((t1.tv_sec - t0.tv_sec) * 1000000000 + t1.tv_nsec -
	    t0.tv_nsec) / 1e3 / (double)(n > 0 ? n : 1), sum);
	snapshot_unref(s);
	return 0;
}
