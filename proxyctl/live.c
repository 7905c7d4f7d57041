/*
 * requests list, cancel: what is in flight, and its end.
 */
#include <stdio.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxyctl/db.h"
#include "proxyctl/live.h"
#include "proxyctl/objects.h"
#include "proxyctl/table.h"
#include "proxyctl/values.h"
#include "proxyctl/words.h"
#include "state/daemon.h"
#include "state/live_json.h"
#include "state/shm.h"

#define ASK_MS	2000

static const struct column cols[] = {
	{ "request", false, false }, { "since", true, false },
	{ "model", false, true }, { "provider", false, true },
	{ "dialect", false, true }, { "tenant", false, true },
	{ "client", false, true }, { "attempt", true, false },
	{ "tokens", true, false }, { NULL, false, false }
};

struct listing {
	json_t		*list;
	struct table	*table;
	int64_t		 now_us;
};

static int
down(const struct ctl *c)
{
	ctl_fail("proxyd does not run in '%s'; proxyctl start starts it",
	    c->paths.home);
	return CTL_DOWN;
}

static void
list_cb(void *arg, const struct live_now *now)
{
	const struct shm_live	*is = &now->is;
	struct listing		*l = arg;
	int64_t			 ms = (l->now_us - is->time_us) / 1000;

	if (l->list != NULL) {
		json_array_append_new(l->list, live_json(now, l->now_us));
		return;
	}
	table_addz(l->table, is->id);
	table_addf(l->table, "%lld.%lld s", (long long)(ms / 1000),
	    (long long)(ms % 1000 / 100));
	table_addz(l->table, is->asked);
	table_addz(l->table, is->provider);
	table_addz(l->table, is->dialect);
	table_addz(l->table, is->tenant);
	table_addz(l->table, is->client);
	table_addf(l->table, "%u", now->attempts);
	table_addf(l->table, "%llu", (unsigned long long)(now->said + 3) / 4);
}

static int
live_list(struct ctl *c)
{
	const struct shm	*m = daemon_shm(c->paths.control, ASK_MS);
	struct listing		 l = { NULL, NULL, clock_wall_us() };

	if (m == NULL)
		return down(c);
	if (c->opt[OPT_JSON] != NULL)
		l.list = json_array();
	else
		l.table = table_new(cols);
	live_each(m, list_cb, &l);
	shm_unmap(m);
	if (l.list != NULL)
		json_print(l.list);
	else {
		table_print(l.table, "nothing is in flight");
		table_free(l.table);
	}
	return CTL_OK;
}

static void
audit(const struct ctl *c, const char *id)
{
	struct store	*s = ctl_store(c, false);

	if (s != NULL)
		ctl_audit(s, "cancel request", id, true, NULL);
	store_close(s);
}

static int
cancel(const struct ctl *c, const char *id)
{
	enum daemon_answer	 r = DAEMON_REFUSED;
	struct buf		 b;
	char			 word[LIVE_CANCEL_WORD], err[1400];

	snprintf(err, sizeof(err), "no such request is in flight");
	buf_init(&b, 1 << 10);
	if (live_cancel_word(word, str_of(id)) == 0)
		r = daemon_ask(c->paths.control, word, ASK_MS, &b, err,
		    sizeof(err));
	buf_release(&b);
	if (r == DAEMON_NOBODY)
		return down(c);
	if (r != DAEMON_OK)
		return ctl_fail("'%s': %s", id, err);
	audit(c, id);
	printf("%s ends\n", id);
	return CTL_OK;
}

static int
live_cancel_all(struct ctl *c)
{
	int		 r, worst = CTL_OK;
	unsigned	 i;

	for (i = 0; i < c->noperands; i++)
		if ((r = cancel(c, c->operand[i])) != CTL_OK)
			worst = r;
	return worst;
}

static void
name_cb(void *arg, const struct live_now *now)
{
	(void)arg;
	printf("%s\n", now->is.id);
}

int
live_names(const struct ctl *c)
{
	const struct shm	*m = daemon_shm(c->paths.control, ASK_MS);

	if (m == NULL)
		return CTL_DOWN;
	live_each(m, name_cb, NULL);
	shm_unmap(m);
	return CTL_OK;
}

const struct word request_words[] = {
	{ "list", live_list, "show what is in flight", NULL, ARG_NONE,
	    { OPT_JSON } },
	{ "cancel", live_cancel_all, "end requests in flight with an "
	    "error", "request-id ...", ARG_REQUEST, { 0 } },
	{ .name = NULL }
};
