/*
 * What is told of a request's attempts: the JSON of its row, and what the keys'
 * sums are made of.  Both have their room in the record; attempts may be many,
 * where several answers are asked for one by one.
 */
#include "base/clock.h"
#include "proxyd/request.h"

#define SAID_MAX	200
#define MODEL_MAX	128
#define LAST_MAX	1200	/* without what was said, it always fits */
#define MORE_MAX	128
#define ENTRY_MAX	4096	/* all of it escaped */
#define ROOM		(ACCT_STR_MAX - LAST_MAX - MORE_MAX)

_Static_assert(LAST_MAX > 6 * MODEL_MAX + 400, "the last one may not fit");

void
attempts_init(struct request *rq)
{
	buf_init(&rq->rq_attempts, ROOM + ENTRY_MAX);
	buf_init(&rq->rq_attempt, ENTRY_MAX);
	buf_init(&rq->rq_keys, ACCT_STR_MAX);
}

void
attempts_release(struct request *rq)
{
	buf_release(&rq->rq_attempts);
	buf_release(&rq->rq_attempt);
	buf_release(&rq->rq_keys);
}

/* --- the row ---------------------------------------------------------------------- */

/* Not within a character of UTF-8. */
static struct str
cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	for (s.n = max; s.n > 0 && (s.p[s.n] & 0xc0) == 0x80;)
		s.n--;
	return s;
}

/* 12.345, from the end. */
static void
write_ms(struct jw *w, int64_t us)
{
	char	 text[32], *end = text + sizeof(text), *p = end;

	if (us < 0)
		us = 0;
	do {
		*--p = (char)('0' + us % 10);
		us /= 10;
		if (end - p == 3)
			*--p = '.';
	} while (us > 0 || end - p < 5);
	jw_key(w, "ms");
	jw_raw(w, (struct str){ p, (size_t)(end - p) });
}

/* said: in the provider's words, or ours. */
static void
entry(struct request *rq, struct buf *b, int status, int64_t us,
    const char *why, struct str said)
{
	struct jw	 w;

	jw_init(&w, b);
	jw_object(&w);
	jw_key(&w, "provider");
	jw_str(&w, rq->rq_provider->name);
	jw_key(&w, "model");
	jw_str(&w, cut(rq->rq_route.model, MODEL_MAX));
	if (rq->rq_key != NULL) {
		jw_key(&w, "key");
		jw_strz(&w, rq->rq_key->mask);
		jw_key(&w, "key_id");
		jw_int(&w, rq->rq_key->id);
	}
	jw_key(&w, "status");
	jw_int(&w, status);
	write_ms(&w, us);
	jw_key(&w, "why");
	jw_strz(&w, why);
	if (said.n > 0) {
		jw_key(&w, "said");
		jw_str(&w, cut(said, SAID_MAX));
	}
	jw_object_end(&w);
}

/* What finds no room is kept apart: the last one of all is told again. */
static void
entry_apart(struct request *rq, int status, int64_t us, const char *why,
    struct str said)
{
	struct buf	*last = &rq->rq_attempt;

	if (last->len > 0) {
		rq->rq_attempts_left++;
		rq->rq_attempts_left_us += rq->rq_attempt_us;
	}
	rq->rq_attempt_us = us;
	buf_clear(last);
	entry(rq, last, status, us, why, said);
	if (last->len > LAST_MAX) {
		buf_clear(last);
		entry(rq, last, status, us, why, STR_NONE);
	}
}

void
attempts_add(struct request *rq, int status, const char *why, struct str said)
{
	struct buf	*all = &rq->rq_attempts;
	int64_t		 us = clock_mono_us() - rq->rq_try_us;
	size_t		 before = all->len;

	if (rq->rq_attempt.len == 0) {
		(void)buf_addc(all, before == 0 ? '[' : ',');
		entry(rq, all, status, us, why, all->len < ROOM / 2 ? said :
		    STR_NONE);
		if (all->len <= ROOM)
			return;
		all->len = before;
	}
	entry_apart(rq, status, us, why, said);
}

static void
entry_more(struct request *rq)
{
	struct jw	 w;

	(void)buf_addc(&rq->rq_attempts, ',');
	jw_init(&w, &rq->rq_attempts);
	jw_object(&w);
	jw_key(&w, "more");
	jw_int(&w, rq->rq_attempts_left);
	write_ms(&w, rq->rq_attempts_left_us);
	jw_key(&w, "why");
	jw_strz(&w, arena_strf(&rq->rq_arena, "and %u more",
	    rq->rq_attempts_left).p);
	jw_object_end(&w);
}

void
attempts_end(struct request *rq)
{
	struct buf	*all = &rq->rq_attempts;

	if (rq->rq_attempts_left > 0)
		entry_more(rq);
	if (rq->rq_attempt.len > 0) {
		(void)buf_addc(all, ',');
		(void)buf_adds(all, buf_str(&rq->rq_attempt));
	}
	if (all->len > 0)
		(void)buf_addc(all, ']');
	rq->rq_acct.s[ACCT_ATTEMPTS] = buf_str(all);
	rq->rq_acct.s[ACCT_KEYS] = buf_str(&rq->rq_keys);
}

/* --- keys ------------------------------------------------------------------------- */

static bool
key_again(struct acct_key *k, const struct acct_key *new)
{
	if (k->key_id != new->key_id || k->status != new->status ||
	    k->ok != new->ok || k->again == UINT16_MAX)
		return false;
	k->again++;
	return true;
}

void
attempts_key(struct request *rq, int status, bool ok)
{
	struct acct_fixed	*f = &rq->rq_acct.f;
	struct acct_key		 k, new = { .key_id = rq->rq_key->id,
				    .status = status, .ok = ok };
	size_t			 i;

	for (i = 0; i < f->nkeys; i++)
		if (key_again(&f->key[i], &new))
			return;
	if (f->nkeys < ACCT_ATTEMPTS_MAX) {
		f->key[f->nkeys++] = new;
		return;
	}
	for (i = 0; i < rq->rq_keys.len; i += sizeof(k)) {
		memcpy(&k, rq->rq_keys.data + i, sizeof(k));
		if (key_again(&k, &new)) {
			memcpy(rq->rq_keys.data + i, &k, sizeof(k));
			return;
		}
	}
	(void)buf_add(&rq->rq_keys, &new, sizeof(new));
}
