#ifndef ADMIND_DRY_RUN_H
#define ADMIND_DRY_RUN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "state/conf.h"
#include "state/store.h"

/*
 * Where a request would go.  Apart from the API, as jansson and our own JSON
 * have names in common.
 */
#define DRY_RUN_HEADERS	32

struct dry_run {
	const struct conf_paths	*paths;
	struct str	 dialect;	/* its name; or "": by path */
	struct str	 path, model, body;
	struct {
		struct str	 name, value;	/* NUL terminated */
	}		 header[DRY_RUN_HEADERS];
	unsigned	 nheaders;
	int64_t		 tenant_id, client_key_id;	/* 0: none */
	char		 field[96];	/* at fault, or "" */
	char		 err[2048];
};

/*
 * Appends route_explain's JSON to out.  1: field and err say what is wrong with
 * what was asked; -1: err says what cannot be read.
 */
int	 dry_run(struct dry_run *, struct store *, struct buf *out)
	    __attribute__((__warn_unused_result__));

/*
 * Appends the models that may be asked for, as GET /v1/models tells a client of
 * OpenAI's dialect that has no limits.  -1: err, of errlen bytes, says what
 * cannot be read.
 */
int	 dry_models(const struct conf_paths *, struct store *, struct buf *out,
	    char *err, size_t errlen) __attribute__((__warn_unused_result__));

#endif /* ADMIND_DRY_RUN_H */
