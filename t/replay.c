/*
 * Runs a fuzz entry point on files and on all files of directories: keeps the
 * entry points built and their corpora passing without a fuzzer.
 */
#include <dirent.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"

#define INPUT_MAX	(64u << 20)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static unsigned	 nfiles;

static void
replay_file(const char *path)
{
	struct buf	 b;
	FILE		*f;
	size_t		 n;

	if ((f = fopen(path, "r")) == NULL)
		fatal("cannot open '%s'", path);
	buf_init(&b, INPUT_MAX);
	do {
		if (buf_reserve(&b, BUFSIZ) == -1)
			fatalx("'%s' is too long", path);
		n = fread(b.data + b.len, 1, BUFSIZ, f);
		b.len += n;
	} while (n > 0);
	if (ferror(f))
		fatal("cannot read '%s'", path);
	fclose(f);
	LLVMFuzzerTestOneInput((const uint8_t *)b.data, b.len);
	buf_release(&b);
	nfiles++;
}

static void
replay_dir(DIR *dir, const char *path)
{
	struct dirent	*de;
	char		 name[4096];

	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, de->d_name);
		replay_file(name);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	DIR	*dir;
	int	 i;

	log_init("replay", false);
	for (i = 1; i < argc; i++) {
		if ((dir = opendir(argv[i])) != NULL)
			replay_dir(dir, argv[i]);
		else
			replay_file(argv[i]);
	}
	printf("%u files\n", nfiles);
	return nfiles == 0;
}
