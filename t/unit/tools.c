/*
 * Tools and content between the dialects: what holds for every pair, and the
 * known bugs of other gateways by their numbers (pitfall-NN).
 */
#include "wire_test.h"
#include "wire/media.h"

/* --- media by URL --------------------------------------------------------- */

static struct json		 fetch_json;
static struct ir_request	 fetch_rq;

/* The URLs that somebody has to fetch, with blanks between. */
static struct ir_fetch *
fetches(const struct dialect *from, const struct dialect *to,
    const char *model, const char *body)
{
	struct ir_exchange	 x = { .arena = &wt_arena, .rq = &fetch_rq,
				     .loss = &wt_loss };
	struct ir_fetch		*first, *f;

	wt_fresh();
	json_release(&fetch_json);
	json_init(&fetch_json);
	if (json_parse(&fetch_json, str_of(body), NULL) == -1)
		return NULL;
	ir_request_init(&fetch_rq, &wt_arena, from, &fetch_json);
	if (from->request_decode(&fetch_rq, &wt_err) == -1)
		return NULL;
	x.target = (struct ir_target){ .dialect = to,
	    .model = str_of(model) };
	first = ir_fetch_list(&x, &fetch_rq);
	for (f = first; f != NULL; f = f->next)
		buf_addf(&wt_out, "%.*s ", STR_FMT(f->url));
	return first;
}

#define MEDIA "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" \
	"{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":" \
	"{\"type\":\"url\",\"url\":\"https:\\/\\/h/a.png\"}}," \
	"{\"type\":\"document\",\"source\":{\"type\":\"url\"," \
	"\"url\":\"https://h/b.pdf\"}}]}," \
	"{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\"," \
	"\"id\":\"t1\",\"name\":\"f\",\"input\":{}}]}," \
	"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"," \
	"\"tool_use_id\":\"t1\",\"content\":[{\"type\":\"image\"," \
	"\"source\":{\"type\":\"url\",\"url\":\"http://h/c.gif\"}}]}]}]}"

static void
test_fetch(void)
{
	struct ir_fetch	*f;

	ok(fetches(WT_AN, WT_AN, "m", MEDIA) == NULL,
	    "one dialect on both sides: nothing is fetched");
	(void)fetches(WT_AN, WT_OC, "gpt-5.1", MEDIA);
	ok(str_is(buf_str(&wt_out), "https://h/b.pdf "),
	    "chat: documents are fetched, images not");
	ok(fetches(WT_AN, WT_OR, "gpt-5.1", MEDIA) == NULL,
	    "responses takes images and files by URL");
	(void)fetches(WT_AN, WT_GE, "gemini-2.5-pro", MEDIA);
	ok(str_is(buf_str(&wt_out), "http://h/c.gif "),
	    "gemini 2.5 fetches, but by TLS only; in tool results, too");
	f = fetches(WT_AN, WT_GE, "gemini-2.0-flash", MEDIA);
	ok(str_is(buf_str(&wt_out), "https://h/a.png https://h/b.pdf "
	    "http://h/c.gif "), "gemini 2.0 fetches nothing");
	ok(f != NULL && ir_fetch_done(f->part, STR("text/html"),
	    STR("aGk=")) == -1 && f->part->media.url.n > 0,
	    "a page is no image: the part stays");
	ok(f != NULL && ir_fetch_done(f->part, STR("image/webp; q=1"),
	    STR("aGk=")) == 0 && str_is(f->part->media.type, "image/webp") &&
	    str_is(f->part->media.data, "aGk=") && f->part->media.url.n == 0,
	    "what was fetched takes the URL's place");
	json_release(&fetch_json);
}

int
main(void)
{
	wt_init();
	json_init(&fetch_json);
	test_fetch();
	wt_release();
	return done();
}
