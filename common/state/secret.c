/*
 * Provider keys: masks, sealing, hashes.  The only file that sees GnuTLS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/codec.h"
#include "base/id.h"
#include "base/log.h"
#include "state/secret.h"

#define KEY_LEN		32
#define NONCE_LEN	12
#define TAG_LEN		16

/* Each use has a key of its own, derived from the one in the file. */
struct secret_box {
	gnutls_aead_cipher_hd_t	 seal;
	unsigned char		 print[KEY_LEN];
};

struct secret_print {
	gnutls_hmac_hd_t	 hmac;
};

struct secret
secret_new(struct arena *a, struct str plain)
{
	struct str	 s = arena_str(a, plain);

	return (struct secret){ s.p, s.n };
}

struct str
secret_reveal(struct secret s)
{
	return (struct str){ s.p_, s.n_ };
}

void
secret_wipe(struct secret s)
{
	if (s.n_ > 0)
		explicit_bzero((void *)(uintptr_t)s.p_, s.n_);
}

/* What is not plain ASCII shows as '?', so that a cut never splits it. */
static void
mask_bytes(char *dst, const char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		dst[i] = p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?';
}

char *
secret_mask(char dst[SECRET_MASK_LEN], struct str plain)
{
	size_t	 n = plain.n / 6;		/* at both ends: a third */

	if (n > 4)
		n = 4;
	mask_bytes(dst, plain.p, n);
	memset(dst + n, '*', 4);
	mask_bytes(dst + n + 4, plain.p + plain.n - n, n);
	dst[n + 4 + n] = '\0';
	return dst;
}

/* --- the key file --------------------------------------------------------- */

static bool
is_credential(const char *path)
{
	const char	*dir = getenv("CREDENTIALS_DIRECTORY");

	return dir != NULL && dir[0] != '\0' && str_starts(str_of(path), dir) &&
	    path[strlen(dir)] == '/';
}

/* 0: read, 1: there is none, -1: unusable. */
static int
key_read(const char *path, unsigned char key[KEY_LEN], char *err,
    size_t errsize)
{
	struct stat	 st;
	char		 hex[2 * KEY_LEN + 2];
	ssize_t		 n;
	int		 fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		snprintf(err, errsize, "cannot open '%s': %s", path,
		    strerror(errno));
		return errno == ENOENT ? 1 : -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		snprintf(err, errsize, "'%s' is not a file", path);
		goto bad;
	}
	if ((st.st_mode & 077) != 0 && !is_credential(path)) {
		snprintf(err, errsize, "'%s' can be read by others (mode %04o):"
		    " make it mode 0600", path,
		    st.st_mode & 07777);
		goto bad;
	}
	n = read(fd, hex, sizeof(hex));
	if (n < 2 * KEY_LEN || n > 2 * KEY_LEN + 1 ||
	    hex_decode(key, KEY_LEN, str_trim((struct str){ hex,
	    (size_t)n })) == -1) {
		snprintf(err, errsize, "'%s' does not hold a key: "
		    "64 hexadecimal digits were expected", path);
		goto bad;
	}
	explicit_bzero(hex, sizeof(hex));
	close(fd);
	return 0;
bad:
	close(fd);
	return -1;
}

static int
write_new_key(int fd)
{
	unsigned char	 key[KEY_LEN];
	struct buf	 b;
	int		 rc = -1;

	id_random(key, sizeof(key));
	buf_init(&b, 2 * KEY_LEN + 1);
	hex_encode(&b, key, sizeof(key));
	buf_addc(&b, '\n');
	if (write(fd, b.data, b.len) == (ssize_t)b.len && fsync(fd) == 0)
		rc = 0;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(b.data, b.len);
	buf_release(&b);
	return rc;
}

/* Two programs may start at once: only one link succeeds, both read it. */
static int
key_create(const char *path, char *err, size_t errsize)
{
	char	 tmp[1200];
	int	 fd, rc = -1;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid()) >=
	    (int)sizeof(tmp)) {
		snprintf(err, errsize, "'%s': name too long", path);
		return -1;
	}
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		snprintf(err, errsize, "cannot create '%s': %s", tmp,
		    strerror(errno));
		return -1;
	}
	if (write_new_key(fd) == 0 &&
	    (link(tmp, path) == 0 || errno == EEXIST))
		rc = 0;
	else
		snprintf(err, errsize, "cannot write '%s': %s", path,
		    strerror(errno));
	close(fd);
	unlink(tmp);
	return rc;
}

static void
hmac256(const void *key, struct str text, unsigned char out[32])
{
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, KEY_LEN, text.p, text.n,
	    out) != 0)
		fatalx("GnuTLS: HMAC failed");
}

static struct secret_box *
box_of(const unsigned char key[KEY_LEN])
{
	struct secret_box	*b;
	unsigned char		 seal[KEY_LEN];
	gnutls_datum_t		 k = { seal, sizeof(seal) };

	if ((b = calloc(1, sizeof(*b))) == NULL)
		fatal("calloc");
	hmac256(key, STR("proxyd seal 1"), seal);
	if (gnutls_aead_cipher_init(&b->seal, GNUTLS_CIPHER_CHACHA20_POLY1305,
	    &k) != 0)
		fatalx("GnuTLS: no ChaCha20-Poly1305");
	hmac256(key, STR("proxyd fingerprint 1"), b->print);
	explicit_bzero(seal, sizeof(seal));
	return b;
}

struct secret_box *
secret_box_open(const char *path, char *err, size_t errsize)
{
	struct secret_box	*b;
	unsigned char		 key[KEY_LEN];
	int			 rc;

	if ((rc = key_read(path, key, err, errsize)) == 1) {
		if (key_create(path, err, errsize) == -1)
			return NULL;
		rc = key_read(path, key, err, errsize);
	}
	if (rc != 0)
		return NULL;
	b = box_of(key);
	explicit_bzero(key, sizeof(key));
	return b;
}

void
secret_box_close(struct secret_box *b)
{
	if (b == NULL)
		return;
	gnutls_aead_cipher_deinit(b->seal);
	explicit_bzero(b, sizeof(*b));
	free(b);
}

/* --- sealing -------------------------------------------------------------- */

int
secret_seal(const struct secret_box *b, struct str context, struct str plain,
    struct buf *out)
{
	unsigned char	*to;
	size_t		 n = plain.n + TAG_LEN;

	if (buf_reserve(out, NONCE_LEN + n) == -1)
		return -1;
	to = (unsigned char *)out->data + out->len;
	/* No secret, but never the same one twice. */
	id_chance(to, NONCE_LEN);
	if (gnutls_aead_cipher_encrypt(b->seal, to, NONCE_LEN, context.p,
	    context.n, TAG_LEN, plain.p, plain.n, to + NONCE_LEN, &n) != 0)
		return -1;
	out->len += NONCE_LEN + n;
	out->data[out->len] = '\0';
	return 0;
}

int
secret_open(const struct secret_box *b, struct str context, struct str sealed,
    struct buf *out)
{
	size_t	 n;

	if (sealed.n < NONCE_LEN + TAG_LEN)
		return -1;
	n = sealed.n - NONCE_LEN - TAG_LEN;
	/* One byte more, as an empty text is still written somewhere. */
	if (buf_reserve(out, n + 1) == -1)
		return -1;
	if (gnutls_aead_cipher_decrypt(b->seal, sealed.p, NONCE_LEN,
	    context.p, context.n, TAG_LEN, sealed.p + NONCE_LEN,
	    sealed.n - NONCE_LEN, out->data + out->len, &n) != 0)
		return -1;
	out->len += n;
	out->data[out->len] = '\0';
	return 0;
}

/* --- hashes --------------------------------------------------------------- */

static void
to_hex(const unsigned char d[32], char hex[65])
{
	static const char	 digit[] = "0123456789abcdef";
	unsigned		 i;

	for (i = 0; i < 32; i++) {
		hex[2 * i] = digit[d[i] >> 4];
		hex[2 * i + 1] = digit[d[i] & 15];
	}
	hex[64] = '\0';
}

void
secret_sha256(struct str s, char hex[65])
{
	unsigned char	 d[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, s.p, s.n, d) != 0)
		fatalx("GnuTLS: SHA-256 failed");
	to_hex(d, hex);
}

void
secret_print_key(const struct secret_box *b, struct str context,
    unsigned char key[SECRET_PRINT_KEY])
{
	hmac256(b->print, context, key);
}

void
secret_print_under(const unsigned char key[SECRET_PRINT_KEY],
    struct str plain, char hex[65])
{
	unsigned char	 d[32];

	hmac256(key, plain, d);
	to_hex(d, hex);
}

struct secret_print *
secret_print_new(const unsigned char key[SECRET_PRINT_KEY])
{
	struct secret_print	*p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("calloc");
	if (gnutls_hmac_init(&p->hmac, GNUTLS_MAC_SHA256, key,
	    SECRET_PRINT_KEY) != 0)
		fatalx("GnuTLS: HMAC failed");
	return p;
}

void
secret_print_free(struct secret_print *p)
{
	if (p == NULL)
		return;
	gnutls_hmac_deinit(p->hmac, NULL);
	free(p);
}

void
secret_print_with(struct secret_print *p, struct str plain, char hex[65])
{
	unsigned char	 d[32];

	if (gnutls_hmac(p->hmac, plain.p, plain.n) != 0)
		fatalx("GnuTLS: HMAC failed");
	gnutls_hmac_output(p->hmac, d);		/* and it begins anew */
	to_hex(d, hex);
}

void
secret_fingerprint(const struct secret_box *b, struct str context,
    struct str plain, char hex[65])
{
	unsigned char	 sub[SECRET_PRINT_KEY];

	secret_print_key(b, context, sub);
	secret_print_under(sub, plain, hex);
}

void
secret_pbkdf2(struct str password, struct str salt, unsigned rounds,
    unsigned char out[SECRET_PBKDF2_LEN])
{
	gnutls_datum_t	 p = { (void *)(uintptr_t)password.p,
			    (unsigned)password.n };
	gnutls_datum_t	 s = { (void *)(uintptr_t)salt.p, (unsigned)salt.n };

	if (gnutls_pbkdf2(GNUTLS_MAC_SHA256, &p, &s, rounds, out,
	    SECRET_PBKDF2_LEN) != 0)
		fatalx("GnuTLS: PBKDF2 failed");
}

struct secret_box *
secret_box_passphrase(struct str passphrase, struct str salt, unsigned rounds)
{
	struct secret_box	*b;
	unsigned char		 key[KEY_LEN];

	_Static_assert(SECRET_PBKDF2_LEN == KEY_LEN, "a key from a password");
	secret_pbkdf2(passphrase, salt, rounds, key);
	b = box_of(key);
	explicit_bzero(key, sizeof(key));
	return b;
}

int
secret_equal(struct str a, struct str b)
{
	return a.n == b.n && gnutls_memcmp(a.p, b.p, a.n) == 0;
}
