/*
 * What rules ask about a request.
 */
#include <time.h>

#include "base/codec.h"
#include "policy/price.h"
#include "policy/route_facts.h"
#include "wire/estimate.h"

static struct str
fact_header(void *arg, const char *name)
{
	const struct route_ask	*ask = arg;

	return str_of(ask->header == NULL ? NULL : ask->header(ask->arg,
	    name));
}

static int64_t
fact_price(void *arg, unsigned provider, struct str model)
{
	const struct route_ask	*ask = arg;
	const struct snap_price	*p = price_find(ask->snap,
				    ask->snap->providers[provider].name,
				    model);

	return p == NULL ? -1 : p->input + p->output;
}

static int64_t
fact_ttfb(void *arg, unsigned provider, struct str model)
{
	const struct route_ask	*ask = arg;

	return ask->shm == NULL ? -1 : speed_of(ask->shm,
	    ask->snap->providers[provider].id, model, ask->ir->stream,
	    ask->mono_ms);
}

/* --- texts ---------------------------------------------------------------- */

/* At most; decoding makes none longer. */
static size_t
text_room(const struct ir_message *m)
{
	const struct ir_part	*p;
	size_t			 n = 0;

	for (p = m->parts; p != NULL; p = p->next)
		if (p->type == IR_TEXT)
			n += p->text.n + 1;
	return n;
}

static void
text_add(struct arena *a, struct str *to, char *at, const struct ir_message *m)
{
	const struct ir_part	*p;
	struct str		 s;

	for (p = m->parts; p != NULL; p = p->next) {
		if (p->type != IR_TEXT)
			continue;
		s = jstr_decode(a, p->text);
		/* Claude Code's: another one in each request. */
		if (str_starts(s, "x-anthropic-billing-header"))
			continue;
		if (s.n > 0)
			memcpy(at + to->n, s.p, s.n);
		to->n += s.n;
		at[to->n++] = '\n';
	}
}

static bool
is_system(const struct ir_message *m)
{
	return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

static struct str
text_system(const struct route_ask *ask, struct arena *a)
{
	const struct ir_message	*m;
	struct str		 s = STR("");
	size_t			 room = 0;
	char			*at;

	for (m = ask->ir->messages; m != NULL; m = m->next)
		if (is_system(m))
			room += text_room(m);
	if (room == 0)
		return s;
	s.p = at = arena_bytes(a, room);
	for (m = ask->ir->messages; m != NULL; m = m->next)
		if (is_system(m))
			text_add(a, &s, at, m);
	return s;
}

/* The first message of the user's, or the last. */
static struct str
text_user(const struct route_ask *ask, struct arena *a, bool last)
{
	const struct ir_message	*m, *found = NULL;
	struct str		 s = STR("");
	char			*at;

	for (m = ask->ir->messages; m != NULL; m = m->next)
		if (m->role == IR_USER && (found == NULL || last))
			found = m;
	if (found == NULL)
		return s;
	s.p = at = arena_bytes(a, text_room(found) + 1);
	text_add(a, &s, at, found);
	return s;
}

uint64_t
route_beginning(const struct route_ask *ask, struct arena *a)
{
	return hash64(text_user(ask, a, false),
	    hash64(text_system(ask, a), 2)) | 1;
}

/* One that has no answer in it yet has nothing in a provider's cache. */
uint64_t
route_session(const struct route_ask *ask, struct arena *a)
{
	static const char *const header[] = { "x-claude-code-session-id",
	    "session-id", "session_id", "x-session-id",
	    "x-session-affinity" };
	const struct ir_message	*m;
	struct str		 v;
	unsigned		 i;

	for (i = 0; i < sizeof(header) / sizeof(header[0]); i++) {
		v = ask->header == NULL ? STR_NONE :
		    str_of(ask->header(ask->arg, header[i]));
		if (v.n > 0)
			return hash64(v, 1) | 1;
	}
	for (m = ask->ir->messages; m != NULL; m = m->next)
		if (m->role == IR_ASSISTANT)
			break;
	if (m == NULL)
		return 0;
	return route_beginning(ask, a);
}

/* --- all of them ---------------------------------------------------------- */

int64_t
route_tokens(const struct route_ask *ask)
{
	return ask->embed != NULL ? embed_estimate(ask->embed) :
	    ir_estimate_input(ask->ir);
}

static void
local_time(struct plan_facts *f, int64_t wall_us)
{
	time_t		 now = (time_t)(wall_us / 1000000);
	struct tm	 tm;

	if (localtime_r(&now, &tm) == NULL)
		return;
	f->minute = tm.tm_hour * 60 + tm.tm_min;
	f->weekday = (unsigned)tm.tm_wday;
}

void
route_facts(const struct route_ask *ask, struct arena *a,
    struct plan_facts *f)
{
	*f = (struct plan_facts){
		.name = { str_of(ask->dialect->name), ask->ir->model },
		.path = ask->path,
		.tenant = ask->who.tenant == NULL ? STR("") :
		    ask->who.tenant->name,
		.client_key = ask->who.key == NULL ? STR("") :
		    ask->who.key->name,
		.tokens = -1,
		.need = ask->ir->need,
		.stream = ask->ir->stream,
		.session = route_session(ask, a),
		.random = ask->random,
		.header = fact_header,
		.price = fact_price,
		.ttfb = fact_ttfb,
		.arg = (void *)(uintptr_t)ask
	};
	if (ask->snap->nrules == 0)
		return;
	if (ask->snap->want_time)
		local_time(f, ask->wall_us);
	if (ask->snap->want_tokens)
		f->tokens = route_tokens(ask);
	if (ask->snap->words != NULL) {
		f->user = text_user(ask, a, true);
		f->system = text_system(ask, a);
	}
}
