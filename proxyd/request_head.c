/*
 * Headers of a provider's answer, as the client's dialect has them: limits and
 * what is left of them, when to come again, and the request's id.
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "policy/headroom.h"
#include "proxyd/request.h"

#define WAIT_MAX_S	86400

void
head_add(struct headers *hs, const char *name, const char *value)
{
	if (hs->n < REQUEST_HEADERS)
		hs->h[hs->n++] = (struct http_header){ name, value };
}

bool
head_has(const struct headers *hs, const char *name)
{
	size_t	 i;

	for (i = 0; i < hs->n; i++)
		if (strcasecmp(hs->h[i].name, name) == 0)
			return true;
	return false;
}

struct str
head_request_id(struct request *rq)
{
	struct str	 id = STR_NONE;

	if (rq->rq_up != NULL) {
		id = upstream_header(rq->rq_up, "request-id");
		if (id.n == 0)
			id = upstream_header(rq->rq_up, "x-request-id");
	}
	return id.n == 0 ? str_of(rq->rq_id) : arena_str(&rq->rq_arena, id);
}

/* --- times ---------------------------------------------------------------------- */

/* Behind the number at the front of *s, which is moved there; -1: no number. */
static double
number_cut(struct str *s)
{
	double	 v = 0, place = 1;
	size_t	 i = 0;
	bool	 any = false, dot = false;

	for (; i < s->n && i < 18; i++) {
		if (s->p[i] == '.' && !dot) {
			dot = true;
			continue;
		}
		if (s->p[i] < '0' || s->p[i] > '9')
			break;
		any = true;
		if (dot)
			place /= 10;
		v = dot ? v + (s->p[i] - '0') * place :
		    v * 10 + (s->p[i] - '0');
	}
	*s = str_skip(*s, i);
	return any ? v : -1;
}

/* "1h2m3.5s", "120ms" as OpenAI writes them, in seconds; -1: it is none. */
static double
duration_read(struct str s)
{
	static const struct {
		const char	*unit;
		double		 s;
	} units[] = { { "ms", 1e-3 }, { "us", 1e-6 }, { "ns", 1e-9 },
	    { "h", 3600 }, { "m", 60 }, { "s", 1 } };
	double	 total = 0, v;
	size_t	 i;

	if (s.n == 0)
		return -1;
	while (s.n > 0) {
		if ((v = number_cut(&s)) < 0)
			return -1;
		for (i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (str_starts(s, units[i].unit))
				break;
		if (i == sizeof(units) / sizeof(*units))
			return -1;
		s = str_skip(s, strlen(units[i].unit));
		total += v * units[i].s;
	}
	return total;
}

static const char *
duration_write(struct arena *a, int64_t s)
{
	if (s >= 3600)
		return arena_strf(a, "%lldh%lldm%llds", (long long)s / 3600,
		    (long long)s / 60 % 60, (long long)s % 60).p;
	if (s >= 60)
		return arena_strf(a, "%lldm%llds", (long long)s / 60,
		    (long long)s % 60).p;
	return arena_strf(a, "%llds", (long long)s).p;
}

/* A date in one of HTTP's or RFC 3339's forms, UTC; -1: it is none. */
static int64_t
date_read(struct str s)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S",
	    "%a, %d %b %Y %H:%M:%S GMT" };
	char		 z[40];
	struct tm	 tm;
	size_t		 i;

	if (s.n == 0 || s.n >= sizeof(z))
		return -1;
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memset(&tm, 0, sizeof(tm));
		if (strptime(z, forms[i], &tm) != NULL)
			return (int64_t)timegm(&tm);
	}
	return -1;
}

static const char *
date_write(struct arena *a, int64_t at)
{
	struct tm	 tm;
	time_t		 t = (time_t)at;
	char		 z[32];

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(z, sizeof(z), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return arena_str(a, str_of(z)).p;
}

int
head_retry_after(const struct upstream *up)
{
	struct str	 v = upstream_header(up, "retry-after-ms");
	double		 s = number_cut(&v) / 1000;
	int64_t		 at;

	if (s < 0) {
		v = upstream_header(up, "retry-after");
		s = number_cut(&v);
	}
	if (s < 0 && (at = date_read(v)) > 0) {
		at -= clock_wall_us() / 1000000;
		s = at > 0 ? (double)at : 0;
	}
	if (s < 0)
		return -1;
	if (s > WAIT_MAX_S)
		return WAIT_MAX_S;
	return (int)s + (s > (int)s);
}

static struct str
limit_header(void *arg, const char *name)
{
	return upstream_header(arg, name);
}

int
head_limit_wait(struct upstream *up)
{
	struct keys_room	 r;
	int64_t			 now = clock_mono_ms(), ms;

	headroom_read(limit_header, up, clock_wall_us(), now, &r);
	if ((ms = headroom_wait(&r, now)) < 0)
		return -1;
	return ms > WAIT_MAX_S * 1000ll ? WAIT_MAX_S :
	    (int)((ms + 999) / 1000);
}

/* --- limits --------------------------------------------------------------------- */

/* OpenAI tells for how long, Anthropic until when. */
static const struct {
	const char	*openai, *anthropic;
	bool		 time;
} limits[] = {
	{ "x-ratelimit-limit-requests",
	    "anthropic-ratelimit-requests-limit", false },
	{ "x-ratelimit-remaining-requests",
	    "anthropic-ratelimit-requests-remaining", false },
	{ "x-ratelimit-reset-requests",
	    "anthropic-ratelimit-requests-reset", true },
	{ "x-ratelimit-limit-tokens",
	    "anthropic-ratelimit-tokens-limit", false },
	{ "x-ratelimit-remaining-tokens",
	    "anthropic-ratelimit-tokens-remaining", false },
	{ "x-ratelimit-reset-tokens",
	    "anthropic-ratelimit-tokens-reset", true },
};
#define LIMITS	(sizeof(limits) / sizeof(*limits))

/* Clients of both look at these; retry-after comes with the error. */
static const char *const common[] = { "retry-after-ms", "x-should-retry",
    NULL };

static bool
is_openai(const struct dialect *d)
{
	return d == &dialect_openai_chat || d == &dialect_openai_responses;
}

static const char *
limit_time(struct request *rq, struct str v, bool to_openai)
{
	int64_t	 now = rq->rq_wall_us / 1000000, at;
	double	 s;

	if (to_openai) {
		if ((at = date_read(v)) < 0)
			return NULL;
		return duration_write(&rq->rq_arena, at > now ? at - now : 0);
	}
	if ((s = duration_read(v)) < 0 || s > 366 * 86400)
		return NULL;
	at = now + (int64_t)s;
	return date_write(&rq->rq_arena, at + (s > (double)(int64_t)s));
}

static void
head_limits(struct request *rq, struct headers *hs, bool to_openai)
{
	const char	*value;
	struct str	 v;
	int64_t		 n;
	size_t		 i;

	for (i = 0; i < LIMITS; i++) {
		v = upstream_header(rq->rq_up, to_openai ?
		    limits[i].anthropic : limits[i].openai);
		if (v.n == 0)
			continue;
		if (limits[i].time)
			value = limit_time(rq, v, to_openai);
		else
			value = str_to_int(v, 0, INT64_MAX, &n) == -1 ? NULL :
			    arena_str(&rq->rq_arena, v).p;
		if (value != NULL)
			head_add(hs, to_openai ? limits[i].openai :
			    limits[i].anthropic, value);
	}
}

static void
head_list(struct request *rq, struct headers *hs, const char *const *name)
{
	struct str	 v;

	for (; name != NULL && *name != NULL; name++) {
		/* A client with limits here is told of those. */
		if (rq->rq_ckey != NULL && strstr(*name, "ratelimit") != NULL)
			continue;
		/* Nor of a time that the key does not rest for. */
		if (rq->rq_sooner && str_starts(str_of(*name), "retry-after"))
			continue;
		/* What is no time, ours takes the place of. */
		if (strcmp(*name, "retry-after") == 0 &&
		    head_retry_after(rq->rq_up) < 0)
			continue;
		v = upstream_header(rq->rq_up, *name);
		if (v.n > 0)
			head_add(hs, *name, arena_str(&rq->rq_arena, v).p);
	}
}

void
head_provider(struct request *rq, struct headers *hs)
{
	const struct dialect	*from = rq->rq_target, *to = rq->rq_client;

	if (rq->rq_up == NULL || from == NULL)
		return;
	if (from == to || (is_openai(from) && is_openai(to))) {
		head_list(rq, hs, from->pass_response);
		return;
	}
	if (to == &dialect_gemini)
		return;
	head_list(rq, hs, common);
	if (is_openai(to) != is_openai(from) && from != &dialect_gemini &&
	    rq->rq_ckey == NULL)
		head_limits(rq, hs, is_openai(to));
}
