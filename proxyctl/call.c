/*
 * HTTP requests of proxyctl.  The only file of it that knows libcurl.
 */
#include <curl/curl.h>
#include <stdio.h>

#include "base/log.h"
#include "proxyctl/call.h"

#define HEAD_MAX	((size_t)256 << 10)

static size_t
head_cb(char *p, size_t size, size_t n, void *arg)
{
	struct call_answer	*a = arg;

	/* A new head, as after "100 Continue", is the one that counts. */
	if (n * size > 5 && memcmp(p, "HTTP/", 5) == 0)
		buf_clear(&a->head);
	return buf_add(&a->head, p, n * size) == -1 ? 0 : n * size;
}

static size_t
body_cb(char *p, size_t size, size_t n, void *arg)
{
	struct call_answer	*a = arg;

	return buf_add(&a->body, p, n * size) == -1 ? 0 : n * size;
}

static void
prepare(CURL *e, const struct call *c, struct call_answer *a,
    struct curl_slist *lines)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1l);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0l);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1l);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2l);
	curl_easy_setopt(e, CURLOPT_PROXY, c->proxy == NULL ? "" : c->proxy);
	if (c->ca_file != NULL) {
		curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "identity");
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_ms);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)c->total_ms);
	curl_easy_setopt(e, CURLOPT_URL, c->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(e, CURLOPT_POST, 1l);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)c->body.n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body.p);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, head_cb);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, body_cb);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, a);
}

static void
take(CURL *e, struct call_answer *a)
{
	curl_off_t	 us;
	long		 status = 0;

	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	a->status = (int)status;
	if (curl_easy_getinfo(e, CURLINFO_CONNECT_TIME_T, &us) == CURLE_OK)
		a->connect_us = us;
	if (curl_easy_getinfo(e, CURLINFO_STARTTRANSFER_TIME_T, &us) ==
	    CURLE_OK)
		a->first_us = us;
	if (curl_easy_getinfo(e, CURLINFO_TOTAL_TIME_T, &us) == CURLE_OK)
		a->total_us = us;
}

int
call_make(const struct call *c, struct call_answer *a)
{
	struct curl_slist	*lines = NULL, *more;
	char			 err[CURL_ERROR_SIZE] = "";
	CURLcode		 r;
	CURL			*e = curl_easy_init();
	int			 i;

	must(e != NULL);
	memset(a, 0, sizeof(*a));
	buf_init(&a->head, HEAD_MAX);
	buf_init(&a->body, CALL_BODY_MAX);
	for (i = 0; c->headers[i] != NULL; i++) {
		must((more = curl_slist_append(lines, c->headers[i])) != NULL);
		lines = more;
	}
	prepare(e, c, a, lines);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, err);
	r = curl_easy_perform(e);
	take(e, a);
	if (r != CURLE_OK)
		snprintf(a->err, sizeof(a->err), "%s", !buf_ok(&a->body) ?
		    "the answer is too long" : err[0] != '\0' ? err :
		    curl_easy_strerror(r));
	curl_easy_cleanup(e);
	curl_slist_free_all(lines);
	return r == CURLE_OK ? 0 : -1;
}

void
call_release(struct call_answer *a)
{
	buf_release(&a->head);
	buf_release(&a->body);
}
