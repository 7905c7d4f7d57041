/*
 * What a provider's attempts tell of it: whether it is to be left alone for a
 * while, and how fast it is.
 */
#include "base/clock.h"
#include "policy/headroom.h"
#include "proxyd/request.h"

#define SLOW_US		10000000	/* a failure is no quick answer */

bool
provider_enter(struct request *rq, int64_t *wait_ms)
{
	struct shm	*m = rq->rq_wk->shm;
	bool		 trial;

	provider_drop(rq);
	/* The operator may look for himself; the mock is no provider. */
	if (rq->rq_only != NULL || rq->rq_target == NULL)
		return true;
	*wait_ms = breaker_enter(m, rq->rq_provider->id, clock_mono_ms(),
	    &trial);
	if (*wait_ms > 0)
		return false;
	*wait_ms = -1;
	rq->rq_trial = trial ? rq->rq_provider->id : 0;
	return true;
}

void
provider_drop(struct request *rq)
{
	if (rq->rq_trial != 0)
		breaker_forget(rq->rq_wk->shm, rq->rq_trial, true,
		    clock_mono_ms());
	rq->rq_trial = 0;
}

/*
 * No connection, no answer in time, a status of 500 and above, or an error of
 * that kind in a stream: but not what a key or the client is at fault for.
 */
static bool
is_provider_fault(const struct ir_error *err)
{
	switch (err->kind) {
	case IR_ERR_INTERNAL:
	case IR_ERR_UPSTREAM:
	case IR_ERR_UNAVAILABLE:
	case IR_ERR_TIMEOUT:
	case IR_ERR_OVERLOADED:
		return err->upstream == 0 || err->upstream >= 500 ||
		    err->upstream < 400;
	default:
		return false;
	}
}

void
provider_failed(struct request *rq, const struct ir_error *err)
{
	rq->rq_verdict = is_provider_fault(err) ? VERDICT_BAD :
	    err->upstream >= 400 ? VERDICT_ALIVE : VERDICT_NONE;
}

static struct str
header_cb(void *arg, const char *name)
{
	return upstream_header(arg, name);
}

/* A long stream tells at its beginning what is left. */
static void
room(struct request *rq)
{
	struct keys_room	 r;

	if (rq->rq_key == NULL || rq->rq_up == NULL)
		return;
	headroom_read(header_cb, rq->rq_up, clock_wall_us(), clock_mono_ms(),
	    &r);
	keys_room_set(rq->rq_wk->shm, rq->rq_key->slot, rq->rq_route.model,
	    &r);
}

void
provider_spoke(struct request *rq)
{
	if (rq->rq_spoke_us != 0)
		return;
	rq->rq_spoke_us = clock_mono_us();
	room(rq);
}

static void
speed(struct request *rq)
{
	int64_t	 now = clock_mono_us(), us = now - rq->rq_try_us;

	if (rq->rq_verdict == VERDICT_BAD)
		us = us < SLOW_US ? SLOW_US : us;
	else if (rq->rq_verdict != VERDICT_GOOD || rq->rq_op != NULL)
		return;
	else if (rq->rq_spoke_us != 0)
		us = rq->rq_spoke_us - rq->rq_try_us;
	speed_note(rq->rq_wk->shm, rq->rq_provider->id, rq->rq_route.model,
	    rq->rq_ir.stream, us, now / 1000);
}

/* Attempts at one provider that told something of it. */
struct asked {
	struct asked	*next;
	struct str	 name;
	unsigned	 n, failed;
};

static void
asked_add(struct request *rq)
{
	struct asked	**at;

	for (at = &rq->rq_asked; *at != NULL; at = &(*at)->next)
		if (str_eq((*at)->name, rq->rq_provider->name))
			break;
	if (*at == NULL) {
		*at = ARENA_NEW(&rq->rq_arena, struct asked);
		(*at)->name = rq->rq_provider->name;
	}
	(*at)->n++;
	(*at)->failed += rq->rq_verdict == VERDICT_BAD;
}

/* Nearly always of one digit, in each request: not by printf. */
static struct str
number(struct arena *a, unsigned n)
{
	static const char	 digit[] = "0123456789";

	return n < 10 ? (struct str){ digit + n, 1 } : arena_strf(a, "%u", n);
}

struct str
provider_asked(struct request *rq)
{
	const struct asked	*a;
	struct arena		*m = &rq->rq_arena;
	struct str		 s = STR_NONE;

	for (a = rq->rq_asked; a != NULL; a = a->next)
		s = arena_join(m, (struct str[]){ s, a->name, STR("\t"),
		    number(m, a->n), STR("\t"), number(m, a->failed),
		    STR("\n") }, 7);
	return s;
}

void
provider_end(struct request *rq, bool ok)
{
	struct shm	*m = rq->rq_wk->shm;
	int		 r;

	if (ok)
		rq->rq_verdict = VERDICT_GOOD;
	speed(rq);
	if (rq->rq_spoke_us == 0)
		room(rq);
	rq->rq_spoke_us = 0;
	if (rq->rq_verdict != VERDICT_NONE)
		asked_add(rq);
	if (rq->rq_verdict != VERDICT_NONE && rq->rq_target != NULL) {
		r = breaker_leave(m, rq->rq_provider->id,
		    &rq->rq_snap->breaker, rq->rq_trial != 0,
		    rq->rq_verdict != VERDICT_BAD, clock_mono_ms());
		if (r != 0)
			request_log(rq, r > 0 ? "its circuit is open: too "
			    "many attempts fail, it is left alone" :
			    "its circuit is closed: it answers again");
		rq->rq_trial = 0;
	}
	rq->rq_verdict = VERDICT_NONE;
	provider_drop(rq);
}
