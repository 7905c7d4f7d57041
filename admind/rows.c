/*
 * Rows of the log, written and asked for.
 */
#include <stdio.h>

#include "admind/rows.h"
#include "base/clock.h"
#include "base/codec.h"
#include "state/store_row.h"

#define PIECES_MAX	2000

/* --- a filter ------------------------------------------------------------------------- */

/* "429", "4xx", "error" (400 and more). */
static bool
status_of(struct api *a, struct log_filter *f)
{
	struct str	 s = STR_NONE;
	int64_t		 v;

	if (!api_query_str(a, "status", &s))
		return false;
	if (s.n == 0)
		return true;
	if (str_is(s, "error")) {
		f->status_min = 400;
		f->status_max = 599;
	} else if (s.n == 3 && s.p[0] >= '1' && s.p[0] <= '5' &&
	    str_is(str_skip(s, 1), "xx")) {
		f->status_min = (s.p[0] - '0') * 100;
		f->status_max = f->status_min + 99;
	} else if (str_to_int(s, 1, 999, &v) == 0)
		f->status_min = f->status_max = (int)v;
	else {
		api_problem(a, 400, "status", "must be a number such as 429, "
		    "a class such as 4xx, or error");
		return false;
	}
	return true;
}

static bool
tri_of(struct api *a, const char *name, enum log_tri *t)
{
	struct str	 s = STR_NONE;

	if (!api_query_str(a, name, &s))
		return false;
	if (s.n == 0)
		return true;
	if (str_is(s, "true") || str_is(s, "false")) {
		*t = str_is(s, "true") ? LOG_YES : LOG_NO;
		return true;
	}
	api_problem(a, 400, name, "must be true or false");
	return false;
}

/* Milliseconds since 1970. */
static bool
time_of(struct api *a, const char *name, int64_t *us)
{
	int64_t	 ms = -1;

	if (!api_query_int(a, name, 0, INT64_MAX / 1000, &ms))
		return false;
	if (ms >= 0)
		*us = ms * 1000;
	return true;
}

bool
row_filter(struct api *a, struct log_filter *f)
{
	int64_t	 min_ms = 0;

	memset(f, 0, sizeof(*f));
	if (!status_of(a, f) ||
	    !api_query_int(a, "key_id", 1, INT64_MAX, &f->key_id) ||
	    !api_query_int(a, "tenant_id", 1, INT64_MAX, &f->tenant_id) ||
	    !api_query_int(a, "client_key_id", 1, INT64_MAX,
	    &f->client_key_id) ||
	    !api_query_int(a, "min_ms", 0, INT64_MAX / 1000, &min_ms) ||
	    !api_query_str(a, "provider", &f->provider) ||
	    !api_query_str(a, "model", &f->model) ||
	    !api_query_str(a, "sent", &f->sent) ||
	    !api_query_str(a, "dialect", &f->dialect) ||
	    !api_query_str(a, "request_id", &f->request_id) ||
	    !api_query_str(a, "error", &f->error) ||
	    !api_query_str(a, "close", &f->close) ||
	    !tri_of(a, "failed", &f->failed) ||
	    !tri_of(a, "stream", &f->stream) ||
	    !tri_of(a, "translated", &f->translated) ||
	    !tri_of(a, "lossy", &f->lossy))
		return false;
	f->min_us = min_ms * 1000;
	return true;
}

bool
row_times(struct api *a, struct log_filter *f)
{
	return time_of(a, "from", &f->from_us) &&
	    time_of(a, "to", &f->to_us);
}

void
row_filter_keep(struct log_filter *f, struct arena *arena)
{
	struct str	*texts[] = { &f->provider, &f->model, &f->sent,
	    &f->dialect, &f->request_id, &f->error, &f->close };
	size_t		 i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = arena_str(arena, *texts[i]);
}

/* --- CSV -------------------------------------------------------------------------------- */

void
row_csv_head(struct buf *b)
{
	(void)buf_addz(b, "id,time");
#define NUM(column, value)	(void)buf_addz(b, "," #column);
#define TXT(column, value)	(void)buf_addz(b, "," #column);
	STORE_ROW
#undef NUM
#undef TXT
	(void)buf_addz(b, "\r\n");
}

/* A leading =, +, -, @ would make a formula of it. */
static void
csv_text(struct buf *b, struct str s)
{
	size_t	 i;

	(void)buf_addz(b, ",\"");
	if (s.n > 0 && strchr("=+-@\t\r", s.p[0]) != NULL)
		(void)buf_addc(b, '\'');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			(void)buf_addc(b, '"');
		(void)buf_addc(b, s.p[i]);
	}
	(void)buf_addc(b, '"');
}

void
row_csv(const struct log_row *row, struct buf *b)
{
	char	 when[CLOCK_RFC3339_LEN];

	(void)buf_addf(b, "%lld,%s", (long long)row->id,
	    clock_rfc3339(row->rec.f.time_us, when));
#define NUM(column, value)						\
	(void)buf_addf(b, ",%lld", (long long)row->rec.f.value);
#define TXT(column, value)	csv_text(b, row->rec.s[value]);
	STORE_ROW
#undef NUM
#undef TXT
	(void)buf_addz(b, "\r\n");
}

/* --- bodies ----------------------------------------------------------------------------- */

static json_t *
pieces_json(struct str offsets)
{
	uint64_t	 bytes, us, at = 0;
	json_t		*list = json_array();
	int		 n = 0;

	while (n++ < PIECES_MAX && body_offset_next(&offsets, &bytes, &us)) {
		at += us;
		json_array_append_new(list, json_pack("[I,I]",
		    (json_int_t)bytes, (json_int_t)at));
	}
	return list;
}

json_t *
body_json(const struct body *b)
{
	json_t		*o, *data;
	struct buf	 text;

	o = json_pack("{s:s,s:i,s:i,s:I,s:o,s:o}", "side",
	    body_side_name(b->side), "attempt", b->attempt, "status",
	    b->status, "size", (json_int_t)b->size, "type",
	    api_text(b->type), "pieces", pieces_json(b->offsets));
	data = json_stringn(b->data.p, b->data.n);
	if (data == NULL) {
		buf_init(&text, b->data.n * 2 + 16);
		(void)base64_encode(&text, b->data);
		data = json_stringn(text.data, text.len);
		json_object_set_new(o, "base64", json_true());
		buf_release(&text);
	}
	json_object_set_new(o, "data", data);
	return o;
}
