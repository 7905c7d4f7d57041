/*
 * Keys at rest: masks, the key file, sealing, hashes.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "state/secret.h"
#include "tap.h"

static char	 dir[] = "/tmp/proxyd-secret-XXXXXX";
static char	 path[64];
static char	 err[1024];

static void
test_mask(void)
{
	static const struct {
		const char	*plain, *mask;
	} t[] = {
		{ "", "****" }, { "a", "****" }, { "abcde", "****" },
		{ "abcdef", "a****f" }, { "sk-your-openai-key-1",
		"sk-****y-1" }, { "0123456789abcdefghijklmnop", "0123****mnop" },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0"
		"\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd", "????****????" },
		{ "ab\r\n\x1b[31m0123456789abcdefg", "ab??****defg" },
	};
	char		 mask[SECRET_MASK_LEN];
	unsigned	 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok(strcmp(secret_mask(mask, str_of(t[i].plain)),
		    t[i].mask) == 0, "mask %s", t[i].mask);
}

static mode_t
mode_of(const char *name)
{
	struct stat	 st;

	return stat(name, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
write_file(const char *text, mode_t mode)
{
	FILE	*f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0 ||
	    chmod(path, mode) == -1)
		fatal("%s", path);
}

static bool
refused(const char *why)
{
	struct secret_box	*b = secret_box_open(path, err, sizeof(err));

	secret_box_close(b);
	return b == NULL && strstr(err, path) != NULL &&
	    strstr(err, why) != NULL;
}

#define HEX	"00112233445566778899aabbccddeeff"

static void
test_file(void)
{
	struct secret_box	*b;

	b = secret_box_open(path, err, sizeof(err));
	ok(b != NULL, "a key file is made");
	secret_box_close(b);
	ok(mode_of(path) == 0600, "for its owner alone");
	write_file(HEX HEX "\n", 0644);
	ok(refused("can be read by others (mode 0644)"), "%s", err);
	write_file(HEX HEX, 0640);
	ok(refused("can be read by others (mode 0640)"), "%s", err);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	b = secret_box_open(path, err, sizeof(err));
	ok(b != NULL, "a credential's mode is systemd's matter");
	secret_box_close(b);
	unsetenv("CREDENTIALS_DIRECTORY");
	write_file(HEX, 0600);
	ok(refused("does not hold a key"), "too short: %s", err);
	write_file(HEX HEX "00", 0600);
	ok(refused("does not hold a key"), "too long: %s", err);
	write_file(HEX HEX "00000000000000000000", 0600);
	ok(refused("does not hold a key"), "much too long: %s", err);
	write_file("x" HEX HEX, 0600);
	ok(refused("does not hold a key"), "not hexadecimal: %s", err);
	write_file("", 0600);
	ok(refused("does not hold a key"), "empty: %s", err);
	unlink(path);
	mkdir(path, 0700);
	ok(refused("is not a file"), "a directory: %s", err);
	rmdir(path);
	b = secret_box_open("/nowhere/secret.key", err, sizeof(err));
	ok(b == NULL && strstr(err, "No such file or directory") != NULL,
	    "no directory: %s", err);
}

/* Several programs make the same file at once: they end up with one key. */
static void
test_race(void)
{
	enum { N = 8 };
	struct secret_box	*b;
	char			 hex[N][65];
	int			 fd[2], i, same = 0;

	if (pipe(fd) == -1)
		fatal("pipe");
	for (i = 0; i < N; i++)
		if (fork() == 0) {
			b = secret_box_open(path, err, sizeof(err));
			if (b == NULL)
				_exit(1);
			secret_fingerprint(b, STR("c"), STR("x"), hex[0]);
			secret_box_close(b);
			_exit(write(fd[1], hex[0], 65) != 65);
		}
	for (i = 0; i < N; i++)
		if (wait(NULL) == -1)
			fatal("wait");
	close(fd[1]);
	for (i = 0; i < N && read(fd[0], hex[i], 65) == 65; i++)
		same += strcmp(hex[i], hex[0]) == 0;
	close(fd[0]);
	ok(same == N, "%d of %d processes have the same key", same, N);
}

static void
test_seal(void)
{
	struct secret_box	*b, *other;
	struct buf		 s, p, s2;
	struct str		 key = STR("sk-secret-value");
	char			 name[80];
	size_t			 i;
	int			 forged = 0;

	b = secret_box_open(path, err, sizeof(err));
	buf_init(&s, SECRET_MAX + 100);
	buf_init(&s2, SECRET_MAX + 100);
	buf_init(&p, SECRET_MAX + 100);
	ok(secret_seal(b, STR("c"), key, &s) == 0 && s.len == key.n + 28,
	    "seal");
	ok(memmem(s.data, s.len, "secret", 6) == NULL, "nothing shows");
	ok(secret_open(b, STR("c"), buf_str(&s), &p) == 0 &&
	    str_eq(buf_str(&p), key), "open");
	ok(secret_seal(b, STR("c"), key, &s2) == 0 &&
	    !str_eq(buf_str(&s), buf_str(&s2)), "never the same bytes twice");
	buf_clear(&p);
	ok(secret_open(b, STR("d"), buf_str(&s), &p) == -1 && p.len == 0,
	    "another context");
	for (i = 0; i < s.len; i++) {
		s.data[i] ^= 1;
		forged += secret_open(b, STR("c"), buf_str(&s), &p) == 0;
		s.data[i] ^= 1;
	}
	ok(forged == 0, "a change of any byte is noticed");
	for (i = 0; i < s.len; i++)
		forged += secret_open(b, STR("c"), (struct str){ s.data, i },
		    &p) == 0;
	ok(forged == 0, "so is a cut after any byte");
	snprintf(name, sizeof(name), "%s.other", path);
	other = secret_box_open(name, err, sizeof(err));
	ok(secret_open(other, STR("c"), buf_str(&s), &p) == -1,
	    "another key file");
	secret_box_close(other);
	unlink(name);
	buf_clear(&s);
	ok(secret_seal(b, STR("c"), STR(""), &s) == 0 && s.len == 28 &&
	    secret_open(b, STR("c"), buf_str(&s), &p) == 0 && p.len == 0,
	    "an empty text");
	secret_box_close(b);
	buf_release(&s);
	buf_release(&s2);
	buf_release(&p);
}

static void
test_sizes(void)
{
	struct secret_box	*b = secret_box_open(path, err, sizeof(err));
	struct buf		 s, p;
	static char		 big[SECRET_MAX + 1];

	memset(big, 'k', sizeof(big));
	buf_init(&s, SECRET_MAX + 100);
	buf_init(&p, SECRET_MAX + 100);
	ok(secret_seal(b, STR("c"), (struct str){ big, SECRET_MAX }, &s) == 0 &&
	    secret_open(b, STR("c"), buf_str(&s), &p) == 0 &&
	    p.len == SECRET_MAX, "the longest key");
	ok(secret_seal(b, STR("c"), (struct str){ big, sizeof(big) }, &s) ==
	    -1, "a longer one");
	buf_release(&s);
	buf_release(&p);
	secret_box_close(b);
}

static void
test_hashes(void)
{
	struct secret_box	*b = secret_box_open(path, err, sizeof(err));
	struct arena		 a;
	struct secret		 s;
	char			 x[65], y[65], z[65], w[65];

	secret_sha256(STR("abc"), x);
	ok(strcmp(x, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61"
	    "f20015ad") == 0, "SHA-256");
	secret_fingerprint(b, STR("c"), STR("abc"), x);
	secret_fingerprint(b, STR("c"), STR("abc"), y);
	secret_fingerprint(b, STR("d"), STR("abc"), z);
	secret_fingerprint(b, STR("c"), STR("abd"), w);
	ok(strcmp(x, y) == 0 && strcmp(x, z) != 0 && strcmp(x, w) != 0 &&
	    strlen(x) == 64, "fingerprints tell values and contexts apart");
	ok(secret_equal(STR("abc"), STR("abc")) &&
	    !secret_equal(STR("abc"), STR("abd")) &&
	    !secret_equal(STR("abc"), STR("ab")) &&
	    secret_equal(STR(""), STR_NONE), "comparison");
	arena_init(&a);
	s = secret_new(&a, STR("value"));
	ok(str_is(secret_reveal(s), "value"), "revealed");
	secret_wipe(s);
	ok(secret_reveal(s).n == 5 && secret_reveal(s).p[0] == '\0' &&
	    secret_reveal(s).p[4] == '\0', "wiped");
	secret_wipe((struct secret){ NULL, 0 });
	arena_release(&a);
	secret_box_close(b);
	secret_box_close(NULL);
}

int
main(void)
{
	log_init("secret.t", false);
	unsetenv("CREDENTIALS_DIRECTORY");
	if (mkdtemp(dir) == NULL)
		fatal("mkdtemp");
	snprintf(path, sizeof(path), "%s/secret.key", dir);
	test_mask();
	test_file();
	test_race();
	test_seal();
	test_sizes();
	test_hashes();
	unlink(path);
	ok(rmdir(dir) == 0, "nothing else was left behind");
	return done();
}
