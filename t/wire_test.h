#ifndef T_WIRE_TEST_H
#define T_WIRE_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "jsoneq.h"
#include "tap.h"
#include "wire/convert.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

/*
 * What tests of translations share: one exchange at a time, its output and its
 * loss report, and questions about them that print what they looked at when
 * the answer is no.
 */
#define WT_MAX	((size_t)1 << 20)

#define WT_AN	(&dialect_anthropic)
#define WT_OC	(&dialect_openai_chat)
#define WT_OR	(&dialect_openai_responses)
#define WT_GE	(&dialect_gemini)

static struct arena	 wt_arena;
static struct buf	 wt_out, wt_path;
static struct loss	 wt_loss;
static struct ir_error	 wt_err;

static inline void
wt_init(void)
{
	arena_init(&wt_arena);
	buf_init(&wt_out, WT_MAX);
	buf_init(&wt_path, WT_MAX);
}

static inline void
wt_release(void)
{
	buf_release(&wt_out);
	buf_release(&wt_path);
	arena_release(&wt_arena);
}

static inline void
wt_fresh(void)
{
	buf_clear(&wt_out);
	buf_clear(&wt_path);
	loss_init(&wt_loss, &wt_arena);
	memset(&wt_err, 0, sizeof(wt_err));
}

static inline const char *
wt_model(const struct dialect *d)
{
	return d == WT_AN ? "claude-sonnet-4-5" : d == WT_GE ?
	    "gemini-3-flash-preview" : "gpt-5.1";
}

/* A request, for a usual model of the target; -1: wt_err says why. */
static inline int
wt_request(const struct dialect *from, const struct dialect *to,
    const char *body)
{
	struct convert_opts	 o = { .from = from, .to = to,
				     .model = str_of(wt_model(to)) };

	wt_fresh();
	return convert_request(&wt_arena, &o, str_of(body), &wt_path, &wt_out,
	    &wt_loss, &wt_err);
}

/* An answer, whole or streamed as in and out say. */
static inline int
wt_answer(const struct dialect *from, const struct dialect *to,
    enum framing in, enum framing out, const char *bytes)
{
	struct convert_opts	 o = { .from = from, .to = to, .in = in,
				     .out = out, .model = STR("m") };

	wt_fresh();
	return convert_response(&wt_arena, &o, str_of(bytes), &wt_out,
	    &wt_loss, &wt_err);
}

static inline bool
wt_in(struct str s, const char *piece)
{
	if (memmem(s.p, s.n, piece, strlen(piece)) != NULL)
		return true;
	printf("#   no %s\n#   in %.*s\n", piece, STR_FMT(s));
	return false;
}

static inline bool
wt_has(const char *piece)
{
	return wt_in(buf_str(&wt_out), piece);
}

static inline bool
wt_hasnt(const char *piece)
{
	struct str	 s = buf_str(&wt_out);

	if (memmem(s.p, s.n, piece, strlen(piece)) == NULL)
		return true;
	printf("#   %s\n#   in %.*s\n", piece, STR_FMT(s));
	return false;
}

/* "dropped": an action, a path or a reason of the report's JSON. */
static inline bool
wt_lost(const char *piece)
{
	struct buf	 b;
	bool		 found;

	buf_init(&b, WT_MAX);
	loss_json(&wt_loss, &b);
	found = wt_in(buf_str(&b), piece);
	buf_release(&b);
	return found;
}

/* "dropped seed": action and path, as the header says them. */
static inline bool
wt_told(const char *what)
{
	struct buf	 b;
	bool		 found;

	buf_init(&b, WT_MAX);
	loss_header(&wt_loss, &b);
	found = wt_in(buf_str(&b), what);
	buf_release(&b);
	return found;
}

static inline bool
wt_nothing_lost(void)
{
	struct buf	 b;

	if (wt_loss.n == 0)
		return true;
	buf_init(&b, WT_MAX);
	loss_json(&wt_loss, &b);
	printf("#   lost: %.*s\n", STR_FMT(buf_str(&b)));
	buf_release(&b);
	return false;
}

/* The same JSON, whatever the order of members. */
static inline bool
wt_same(struct str got, const char *want)
{
	struct json	 j, k;
	uint32_t	 node = 0;
	bool		 res = false;

	json_init(&j);
	json_init(&k);
	if (json_parse(&j, got, NULL) == 0 &&
	    json_parse(&k, str_of(want), NULL) == 0)
		res = json_same(&wt_arena, json_root(&j), json_root(&k),
		    &node);
	if (!res)
		printf("#   got  %.*s\n#   want %s\n", STR_FMT(got), want);
	json_release(&j);
	json_release(&k);
	return res;
}

#endif /* T_WIRE_TEST_H */
