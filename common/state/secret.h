#ifndef STATE_SECRET_H
#define STATE_SECRET_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/*
 * Provider keys.  struct secret has no formatting function on purpose: what
 * may be shown is its mask, and its bytes leave by secret_reveal alone, which
 * only the file that fills in an upstream's auth header calls.
 *
 * At rest a key is sealed with ChaCha20-Poly1305 (RFC 8439, through GnuTLS)
 * under a key in a file of mode 0600.
 */
struct secret {
	const char	*p_;
	size_t		 n_;
};

#define SECRET_MASK_LEN	24
#define SECRET_MAX	4096		/* bytes in one key */

struct secret	 secret_new(struct arena *, struct str);	/* copies */
struct str	 secret_reveal(struct secret);
void		 secret_wipe(struct secret);		/* zeroes the bytes */
/* "sk-a****wxyz": at most 4 first and 4 last characters, never over a third
 * of the key; "****" for short ones.  Returns dst. */
char		*secret_mask(char dst[SECRET_MASK_LEN], struct str plain);

/*
 * The key file: made, with a new key, where there is none.  One that others
 * than its owner can read is refused, unless it is a systemd credential.
 * NULL: see err.
 */
struct secret_box;
struct secret_box	*secret_box_open(const char *path, char *err,
			    size_t errsize);
void	 secret_box_close(struct secret_box *);
/* One whose key is made of a passphrase (PBKDF2-HMAC-SHA-256), for what leaves
 * this machine. */
struct secret_box	*secret_box_passphrase(struct str passphrase,
			    struct str salt, unsigned rounds);

/*
 * nonce and sealed bytes appended to out, whose maximum is the limit; context is
 * authenticated too.
 */
int	 secret_seal(const struct secret_box *, struct str context,
	    struct str plain, struct buf *out)
	    __attribute__((__warn_unused_result__));
/* -1: forged, damaged, or sealed under another key or context. */
int	 secret_open(const struct secret_box *, struct str context,
	    struct str sealed, struct buf *out)
	    __attribute__((__warn_unused_result__));

/*
 * HMAC-SHA-256 under the box's key as 64 hex characters and NUL: says whether
 * two sealed values of one context are equal, and nothing without the key.
 */
void	 secret_fingerprint(const struct secret_box *, struct str context,
	    struct str plain, char hex[65]);

/* The key of such prints of one context, and a print under it: they can be told
 * elsewhere by who has it. */
#define SECRET_PRINT_KEY	32
void	 secret_print_key(const struct secret_box *, struct str context,
	    unsigned char key[SECRET_PRINT_KEY]);
void	 secret_print_under(const unsigned char key[SECRET_PRINT_KEY],
	    struct str plain, char hex[65]);
/* The same, for who prints much: the key is made ready once. */
struct secret_print	*secret_print_new(
	    const unsigned char key[SECRET_PRINT_KEY]);
void	 secret_print_free(struct secret_print *);	/* takes NULL */
void	 secret_print_with(struct secret_print *, struct str plain,
	    char hex[65]);

/* SHA-256 as 64 hex characters and NUL. */
void	 secret_sha256(struct str, char hex[65]);
/* PBKDF2-HMAC-SHA-256 (RFC 8018), for passwords. */
#define SECRET_PBKDF2_LEN	32
void	 secret_pbkdf2(struct str password, struct str salt, unsigned rounds,
	    unsigned char out[SECRET_PBKDF2_LEN]);
/* Equal in a time that depends on the lengths alone. */
int	 secret_equal(struct str, struct str);

#endif /* STATE_SECRET_H */
