/*
 * The log as a file of any length.
 */
#include <stdlib.h>

#include "admind/log_export.h"
#include "admind/rows.h"
#include "base/log.h"

#define PAGE_ROWS	500
#define PAGE_MS		20		/* of the one thread that there is */
#define HELD		(256u << 10)	/* bytes that wait for the client */
#define PAGE_MAX	(64u << 20)	/* rows are 64 KiB at most */

struct export {
	struct admind		*ad;
	struct http_stream	*stream;
	struct store		*store;
	struct log_filter	 filter;	/* its texts are in the arena */
	struct log_cursor	 cursor;
	struct arena		 arena;
	struct loop_timer	 timer;
	struct buf		 page;
	size_t			 off;		/* of it, what was passed on */
	int64_t			 left;
	bool			 csv, last;
};

static unsigned	 running;

static void
row_cb(void *arg, const struct log_row *row)
{
	struct export	*e = arg;
	json_t		*o;
	char		*text;

	e->left--;
	if (e->csv) {
		row_csv(row, &e->page);
		return;
	}
	o = row_json(row);
	text = json_dumps(o, JSON_COMPACT);
	(void)buf_addz(&e->page, text);
	(void)buf_addc(&e->page, '\n');
	free(text);
	json_decref(o);
}

/* false: there will be no more, and the client sees that. */
static bool
page_read(struct export *e)
{
	int	 rc;

	buf_clear(&e->page);
	e->off = 0;
	rc = store_log_page(e->store, &e->filter, &e->cursor, e->left <
	    PAGE_ROWS ? (int)e->left : PAGE_ROWS, PAGE_MS, row_cb, e);
	if (rc == -1)
		log_warnx("export of the log: %s", store_error(e->store));
	else if (!buf_ok(&e->page))
		log_warnx("export of the log: a page is too large");
	else {
		e->last = rc == 0 || e->left == 0;
		return true;
	}
	http_stream_break(e->stream);
	return false;
}

static void
pass_on(struct export *e)
{
	struct str	 rest = str_skip(buf_str(&e->page), e->off);

	if (rest.n > HELD)
		rest.n = HELD;
	e->off += rest.n;
	http_stream_send(e->stream, rest);
}

/* One page a turn: others wait for the same loop. */
static void
timer_cb(void *arg)
{
	struct export	*e = arg;

	if (http_stream_held(e->stream) > 0)
		return;			/* room_cb follows */
	if (e->off == e->page.len && !e->last && !page_read(e))
		return;
	if (e->off < e->page.len)
		pass_on(e);
	else if (e->last)
		http_stream_close(e->stream);
	else
		loop_timer_set(e->ad->loop, &e->timer, 0);
}

static void
room_cb(void *arg)
{
	struct export	*e = arg;

	loop_timer_set(e->ad->loop, &e->timer, 0);
}

static void
gone_cb(void *arg)
{
	struct export	*e = arg;

	loop_timer_clear(e->ad->loop, &e->timer);
	store_close(e->store);
	buf_release(&e->page);
	arena_release(&e->arena);
	free(e);
	running--;
}

void
log_export(struct api *a, const struct log_filter *f, bool csv, int64_t limit)
{
	struct export	*e;

	if (running >= LOG_EXPORTS) {
		api_problem(a, 429, NULL, "%d exports are under way already",
		    LOG_EXPORTS);
		return;
	}
	if (api_store(a, STORE_READ) == NULL)
		return;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		fatal("export");
	running++;
	e->ad = a->ad;
	e->store = a->store;
	a->store = NULL;
	arena_init(&e->arena);
	e->filter = *f;
	row_filter_keep(&e->filter, &e->arena);
	e->timer = (struct loop_timer){ .cb = timer_cb, .arg = e };
	buf_init(&e->page, PAGE_MAX);
	e->csv = csv;
	e->left = limit;
	if (csv)
		row_csv_head(&e->page);
	e->stream = http_stream_open(a->r, a->rq, gone_cb, e);
	http_stream_room(e->stream, room_cb);
	a->r->type = csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
	http_reply_header(a->r, "Content-Disposition", csv ?
	    "attachment; filename=\"requests.csv\"" :
	    "attachment; filename=\"requests.jsonl\"");
	room_cb(e);
}
