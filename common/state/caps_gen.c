/*
 * Run by make: etc/models.yaml as the initializers that caps_table.c includes.
 */
#include <stdio.h>

#include "base/log.h"
#include "state/caps_file.h"

const struct caps_table	 caps_builtin;	/* not there yet */

static char	 text[1 << 20];

static void
write_rule(const struct caps_rule *r)
{
	const int64_t	*v = (const int64_t *)&r->v;
	size_t		 i;

	printf("{ %#x, \"%s\", %#x, {", r->dialects, r->model, r->set);
	for (i = 0; i < CAPS_N; i++)
		if ((r->set >> i & 1) != 0)
			printf(" .%s = %lld,", caps_members[i].name,
			    (long long)v[i]);
	printf("%s } },\n", r->set == 0 ? " 0" : "");
}

int
main(int argc, char **argv)
{
	struct caps_table	 t;
	struct arena		 a;
	char			 err[1024];
	FILE			*f;
	size_t			 i, n;

	log_setprocname("caps_gen");
	if (argc != 2 || (f = fopen(argv[1], "r")) == NULL)
		fatalx("usage: caps_gen models.yaml");
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	arena_init(&a);
	if (caps_file_parse(&a, (struct str){ text, n }, argv[1], &t, err,
	    sizeof(err)) == -1)
		fatalx("%s", err);
	for (i = 0; i < t.n; i++)
		write_rule(&t.rules[i]);
	arena_release(&a);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
