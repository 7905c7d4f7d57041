/*
 * The status page: literals by page_html, all else by page_text, escaped.
 */
#include <stdio.h>

#include "admind/status.h"
#include "base/clock.h"
#include "base/version.h"

static void
page_html(struct buf *b, const char *literal)
{
	(void)buf_addz(b, literal);
}

static void
page_text(struct buf *b, const char *text)
{
	const char	*p;

	for (p = text; *p != '\0'; p++)
		switch (*p) {
		case '<':
			(void)buf_addz(b, "&lt;");
			break;
		case '>':
			(void)buf_addz(b, "&gt;");
			break;
		case '&':
			(void)buf_addz(b, "&amp;");
			break;
		case '"':
			(void)buf_addz(b, "&quot;");
			break;
		case '\'':
			(void)buf_addz(b, "&#39;");
			break;
		default:
			(void)buf_addc(b, *p);
		}
}

/* 1234567 as 1,234,567 */
static void
page_number(struct buf *b, int64_t n)
{
	char	 digits[32];
	size_t	 i, len;

	snprintf(digits, sizeof(digits), "%lld", (long long)n);
	len = strlen(digits);
	for (i = 0; i < len; i++) {
		(void)buf_addc(b, digits[i]);
		if ((len - i) % 3 == 1 && i + 1 < len && digits[i] != '-')
			(void)buf_addc(b, ',');
	}
}

static void
cell_text(struct buf *b, const char *text)
{
	page_html(b, "<td>");
	page_text(b, text);
	page_html(b, "</td>");
}

static void
cell_number(struct buf *b, int64_t n)
{
	page_html(b, "<td class=\"n\">");
	page_number(b, n);
	page_html(b, "</td>");
}

static void
figure(struct buf *b, const char *what, int64_t n)
{
	page_html(b, "<div><dt>");
	page_text(b, what);
	page_html(b, "</dt><dd>");
	page_number(b, n);
	page_html(b, "</dd></div>");
}

/* The two largest units of "2 d 3 h 4 min 5 s". */
static void
page_duration(struct buf *b, int64_t s)
{
	if (s < 0)
		s = 0;
	if (s < 60)
		(void)buf_addf(b, "%d s", (int)s);
	else if (s < 3600)
		(void)buf_addf(b, "%d min %d s", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		(void)buf_addf(b, "%d h %d min", (int)(s / 3600),
		    (int)(s % 3600 / 60));
	else
		(void)buf_addf(b, "%lld d %d h", (long long)(s / 86400),
		    (int)(s % 86400 / 3600));
}

/* --- parts -------------------------------------------------------------------- */

static void
part_state(struct buf *b, const struct status_view *v)
{
	const struct daemon_status	*st = &v->proxyd;
	char				 url[DAEMON_URL_MAX];
	char				 when[CLOCK_RFC3339_LEN];

	page_html(b, "<section><h2>API server</h2>");
	if (v->answer == DAEMON_NOBODY) {
		page_html(b, "<p><span class=\"state down\">not running</span>"
		    "</p><p><code>proxyctl start</code> starts it.</p>"
		    "</section>");
		return;
	}
	if (v->answer != DAEMON_OK) {
		page_html(b, "<p><span class=\"state down\">does not answer"
		    "</span></p><p>");
		page_text(b, v->proxyd_err);
		page_html(b, "</p></section>");
		return;
	}
	page_html(b, "<p><span class=\"state\">");
	page_text(b, st->state);
	page_html(b, "</span> at <a href=\"");
	page_text(b, daemon_url(url, st->host, st->port));
	page_html(b, "/docs\">");
	page_text(b, url);
	page_html(b, "</a>, up ");
	page_duration(b, clock_wall_us() / 1000000 - st->started_s);
	page_html(b, "</p><p class=\"dim\">since ");
	page_text(b, clock_rfc3339(st->started_s * 1000000, when));
	page_html(b, ", version ");
	page_text(b, st->version);
	page_html(b, ", pid ");
	(void)buf_addf(b, "%d", (int)st->pid);
	page_html(b, ", configuration ");
	(void)buf_addf(b, "%llu", (unsigned long long)st->generation);
	page_html(b, " from ");
	page_text(b, strcmp(st->config, "embedded") == 0 ?
	    "what is built in" : st->config);
	page_html(b, "</p></section>");
}

static void
part_warnings(struct buf *b, const struct status_view *v)
{
	const struct daemon_text	*t = v->proxyd.warnings;

	if (v->answer != DAEMON_OK || t == NULL)
		return;
	page_html(b, "<ul class=\"warnings\" role=\"alert\">");
	for (; t != NULL; t = t->next) {
		page_html(b, "<li>");
		page_text(b, t->text);
		page_html(b, "</li>");
	}
	page_html(b, "</ul>");
}

static void
part_store(struct buf *b, const struct status_view *v)
{
	page_html(b, "<section><h2>Database</h2>");
	if (!v->stored) {
		page_html(b, "<p>");
		page_text(b, v->store_err);
		page_html(b, "</p></section>");
		return;
	}
	page_html(b, "<dl>");
	figure(b, "providers", v->sum.providers);
	figure(b, "keys", v->sum.keys);
	figure(b, "models", v->sum.models);
	figure(b, "requests logged", v->sum.requests);
	page_html(b, "</dl></section>");
}

static void
part_workers(struct buf *b, const struct status_view *v)
{
	const struct daemon_worker	*w;

	if (v->answer != DAEMON_OK)
		return;
	page_html(b, "<section><h2>Processes</h2><table><thead><tr>"
	    "<th>process</th><th>state</th><th class=\"n\">pid</th>"
	    "<th class=\"n\">in flight</th><th class=\"n\">connections</th>"
	    "</tr></thead><tbody>");
	for (w = v->proxyd.workers; w != NULL; w = w->next) {
		(void)buf_addf(b, "<tr><td>worker %u</td>", w->slot);
		cell_text(b, w->state);
		(void)buf_addf(b, "<td class=\"n\">%d</td>", (int)w->pid);
		cell_number(b, w->inflight);
		cell_number(b, w->open);
		page_html(b, "</tr>");
	}
	page_html(b, "<tr><td>logger</td>");
	cell_text(b, v->proxyd.logger_state);
	(void)buf_addf(b, "<td class=\"n\">%d</td><td></td><td></td></tr>",
	    (int)v->proxyd.logger_pid);
	page_html(b, "</tbody></table></section>");
}

static void
key_row(struct buf *b, const struct status_key *k)
{
	char	 when[CLOCK_RFC3339_LEN], rate[16];
	int64_t	 total = k->ok + k->failed;

	page_html(b, "<tr>");
	cell_text(b, k->provider);
	page_html(b, "<td><code>");
	page_text(b, k->name);
	page_html(b, k->enabled ? "</code></td>" : "</code> (off)</td>");
	cell_number(b, total);
	cell_number(b, k->failed);
	snprintf(rate, sizeof(rate), "%.1f %%", total == 0 ? 0.0 :
	    100.0 * (double)k->ok / (double)total);
	page_html(b, "<td class=\"n\">");
	page_text(b, total == 0 ? "" : rate);
	page_html(b, "</td>");
	cell_text(b, k->last_us == 0 ? "never" :
	    clock_rfc3339(k->last_us, when));
	page_html(b, "</tr>");
}

static void
part_keys(struct buf *b, const struct status_view *v)
{
	const struct status_key	*k;

	if (!v->stored)
		return;
	page_html(b, "<section><h2>Keys of providers</h2>");
	if (v->keys == NULL) {
		page_html(b, "<p>None: only the built-in <code>mock</code> "
		    "provider answers. Add keys to <code>API_KEY_POOLS</code> "
		    "in app.yml.</p></section>");
		return;
	}
	page_html(b, "<table><thead><tr><th>provider</th><th>key</th>"
	    "<th class=\"n\">requests</th><th class=\"n\">failed</th>"
	    "<th class=\"n\">success</th><th>last used</th></tr></thead>"
	    "<tbody>");
	for (k = v->keys; k != NULL; k = k->next)
		key_row(b, k);
	page_html(b, "</tbody></table></section>");
}

static void
part_counters(struct buf *b, const struct status_view *v)
{
	const struct daemon_stat	*s;

	if (v->answer != DAEMON_OK)
		return;
	page_html(b, "<section><h2>Since it was started</h2><table><tbody>");
	for (s = v->proxyd.stats; s != NULL; s = s->next) {
		page_html(b, "<tr>");
		cell_text(b, s->text[0] != '\0' ? s->text : s->name);
		cell_number(b, (int64_t)s->n);
		page_html(b, "</tr>");
	}
	page_html(b, "</tbody></table></section>");
}

void
status_page(const struct status_view *v, struct buf *b)
{
	char	 when[CLOCK_RFC3339_LEN];

	page_html(b, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"><title>proxyd: ");
	page_text(b, v->answer == DAEMON_OK ? v->proxyd.state :
	    v->answer == DAEMON_NOBODY ? "not running" : "does not answer");
	page_html(b, "</title><meta name=\"viewport\" content=\"width="
	    "device-width, initial-scale=1\"><meta name=\"color-scheme\" "
	    "content=\"light dark\"><meta http-equiv=\"refresh\" "
	    "content=\"15\"><link rel=\"stylesheet\" href=\"/style.css\">"
	    "</head><body><header><h1>proxyd</h1></header><main>");
	part_warnings(b, v);
	part_state(b, v);
	part_store(b, v);
	part_keys(b, v);
	part_workers(b, v);
	part_counters(b, v);
	page_html(b, "</main><footer><p>As of ");
	page_text(b, clock_rfc3339(clock_wall_us(), when));
	page_html(b, ", admind " PROXYD_VERSION ". The same as JSON: "
	    "<a href=\"/api/status\">/api/status</a>, "
	    "<a href=\"/v1/api-keys/stats\">/v1/api-keys/stats</a></p>"
	    "</footer></body></html>\n");
}
