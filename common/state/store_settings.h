#ifndef STATE_STORE_SETTINGS_H
#define STATE_STORE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "state/conf.h"
#include "state/store.h"
#include "state/store_tenants.h"

/*
 * Settings of app.yml that the database may set otherwise, while everything
 * runs: its value holds until it is reset, whatever the file says.  Values are
 * texts as the file would have them, checked by the same table.
 */
enum setting_source { SETTING_DEFAULT, SETTING_FILE, SETTING_DATABASE };

struct store_setting {
	const struct conf_setting *conf;
	const char		*fixed;		/* why it is not to be set
						   here; NULL: it is */
	struct str		 value;		/* valid during the call */
	struct str		 file;		/* of app.yml, or its default */
	enum setting_source	 source;
};

int	 store_settings(struct store *,
	    void (*cb)(void *, const struct store_setting *), void *)
	    __attribute__((__warn_unused_result__));

/* All of it or nothing, as one revision. */
struct setting_put {
	struct str	 name;			/* "LOG_DAYS" */
	struct str	 text;			/* p NULL: as app.yml says */
};
/* STORE_DONE, STORE_BAD with *bad, or -1. */
int	 store_settings_put(struct store *, const struct setting_put *,
	    size_t n, struct store_bad *bad)
	    __attribute__((__warn_unused_result__));

#endif /* STATE_STORE_SETTINGS_H */
