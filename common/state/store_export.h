#ifndef STATE_STORE_EXPORT_H
#define STATE_STORE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/secret.h"
#include "state/store.h"

/*
 * All that is configured, in one file: providers with their keys, pools, models,
 * rules, tenants, client keys, the operator's prices, settings, users and
 * tokens.  Not in it: the request log, statistics, and what app.yml alone says
 * (addresses, processes, ALLOWED_HOSTS).
 *
 * The file is a JSON object:
 *
 *	{ "format": "proxyd-export", "version": 1, "program": "...",
 *	  "time": "...", "kdf": { "name": "pbkdf2-hmac-sha256",
 *	  "rounds": N, "salt": BASE64 }, "check": BASE64, "data": { ... } }
 *
 * What is secret is sealed (ChaCha20-Poly1305) under a key made of a
 * passphrase; check holds the SHA-256 of data, sealed likewise, so that neither
 * a wrong passphrase nor a changed file goes unseen.  Client keys and passwords
 * are in it as hashes; those of client keys with the key under which they are,
 * so that they go on to be good where secret.key is another one.
 */
struct json_t;

#define EXPORT_VERSION		1
#define EXPORT_ROUNDS		600000
#define EXPORT_PASSPHRASE_MIN	10	/* bytes */
#define EXPORT_PASSPHRASE_MAX	1024

/* NULL: see store_error. */
struct json_t	*store_export(struct store *, const struct secret_box *,
		    struct str passphrase);

enum import_result {
	IMPORT_STORE = -1,		/* see store_error */
	IMPORT_DONE,
	IMPORT_PASSPHRASE,		/* wrong; see text */
	IMPORT_FILE,			/* damaged, no export, of a newer one */
	IMPORT_REFUSED			/* a value that will not do here */
};

/*
 * What is in the file is added, or changed to be as there, by name; rows that
 * app.yml defines here stay as they are.  replace: the operator's rows that are
 * not in the file are deleted, but for users and tokens.  One transaction and
 * one revision.
 */
struct import {
	bool		 dry, replace;
	struct json_t	*diff;		/* out: as of a revision; or NULL */
	struct json_t	*notes;		/* out: texts; what is left to be done */
	char		 field[160];	/* "rules[2].targets[0].provider" */
	char		 text[640];
};

enum import_result	 store_import(struct store *,
			    const struct secret_box *, const struct json_t *,
			    struct str passphrase, struct import *);
void			 import_release(struct import *);

#endif /* STATE_STORE_EXPORT_H */
