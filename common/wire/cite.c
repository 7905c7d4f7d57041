/*
 * Citations: read from one dialect's annotations into a list, written from it
 * as another's.
 */
#include <string.h>

#include "wire/cite.h"

struct cite {
	struct jstr	 url;		/* none: a file or document */
	struct jstr	 file;		/* its id, if there is one */
	struct jstr	 title, quote;
	int64_t		 start, end;	/* characters; -1: the whole text */
	struct cite	*next;
};

struct reader {
	struct arena	*a;
	struct str	 text;		/* decoded */
	struct cite	*first, **last;
	bool		 told;		/* pages that were read: elsewhere */
	unsigned	 lost;
};

/* --- characters and bytes -------------------------------------------------- */

static bool
is_char_start(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

int64_t
cite_chars(struct jstr s)
{
	int64_t	 n = 0;
	size_t	 i;

	for (i = 0; i < s.n; i++) {
		if (!is_char_start(s.p[i]))
			continue;
		n++;
		if (s.p[i] != '\\' || i + 1 >= s.n)
			continue;
		if (s.p[++i] != 'u' || i + 4 >= s.n)
			continue;
		/* The second half of a pair is no character of its own. */
		if ((s.p[i + 1] == 'd' || s.p[i + 1] == 'D') &&
		    strchr("cdefCDEF", s.p[i + 2]) != NULL)
			n--;
		i += 4;
	}
	return n;
}

static int64_t
chars_of_bytes(struct str s, int64_t bytes)
{
	int64_t	 n = 0;
	size_t	 i;

	if (s.n == 0)
		return bytes;		/* not known: right for ASCII */
	for (i = 0; i < s.n && (int64_t)i < bytes; i++)
		n += is_char_start(s.p[i]);
	return n;
}

static int64_t
bytes_of_chars(struct str s, int64_t chars)
{
	size_t	 i;

	if (s.n == 0)
		return chars;
	for (i = 0; i < s.n; i++)
		if (is_char_start(s.p[i]) && chars-- == 0)
			break;
	return (int64_t)i;
}

/* --- reading --------------------------------------------------------------- */

static struct cite *
add(struct reader *r, struct jv url, struct jv title)
{
	struct cite	*c;

	if (json_type(url) != JSON_STRING || json_jstr(url).n == 0) {
		r->lost++;
		return NULL;
	}
	c = ARENA_NEW(r->a, struct cite);
	c->url = json_jstr(url);
	if (json_type(title) == JSON_STRING)
		c->title = json_jstr(title);
	c->start = c->end = -1;
	*r->last = c;
	r->last = &c->next;
	return c;
}

static struct jstr
text_or_none(struct jv v)
{
	return json_type(v) == JSON_STRING ? json_jstr(v) : JSTR_NONE;
}

/* Of a file: what it is called, and by which id its provider knows it. */
static void
add_file(struct reader *r, struct jv file, struct jv title, struct jv quote)
{
	struct cite	*c = ARENA_NEW(r->a, struct cite);

	c->file = text_or_none(file);
	c->title = text_or_none(title);
	c->quote = text_or_none(quote);
	if (c->file.n == 0 && c->title.n == 0) {
		r->lost++;
		return;
	}
	c->start = c->end = -1;
	*r->last = c;
	r->last = &c->next;
}

static int64_t
number(struct jv v, int64_t otherwise)
{
	int64_t	 n;

	return json_int(v, &n) == -1 || n < 0 ? otherwise : n;
}

static void
read_anthropic(struct reader *r, struct jv v)
{
	struct jv	 type = json_get(v, "type"), url;
	struct cite	*c;

	if (json_is(type, "char_location") || json_is(type, "page_location") ||
	    json_is(type, "content_block_location")) {
		add_file(r, json_get(v, "file_id"), json_get(v,
		    "document_title"), json_get(v, "cited_text"));
		return;
	}
	url = json_get(v, json_is(type, "search_result_location") ? "source" :
	    "url");
	if (!json_is(type, "web_search_result_location") &&
	    !str_starts(json_str(r->a, url), "http")) {
		r->lost++;
		return;
	}
	c = add(r, url, json_get(v, "title"));
	if (c != NULL && json_type(json_get(v, "cited_text")) == JSON_STRING)
		c->quote = json_jstr(json_get(v, "cited_text"));
}

static void
read_openai(struct reader *r, struct jv v)
{
	struct jv	 in = json_get(v, "url_citation");
	struct cite	*c;

	if (json_is(json_get(v, "type"), "file_citation") ||
	    json_is(json_get(v, "type"), "container_file_citation")) {
		add_file(r, json_get(v, "file_id"), json_get(v, "filename"),
		    JV_NONE);
		return;
	}
	if (!json_is(json_get(v, "type"), "url_citation")) {
		r->lost++;
		return;
	}
	if (json_type(in) != JSON_OBJECT)
		in = v;
	c = add(r, json_get(in, "url"), json_get(in, "title"));
	if (c == NULL)
		return;
	c->start = number(json_get(in, "start_index"), -1);
	c->end = number(json_get(in, "end_index"), -1);
}

/* A chunk is {"web":{"uri":..,"title":..}}, or of maps or a data store. */
static struct cite *
read_chunk(struct reader *r, struct jv chunk)
{
	struct jv	 in = json_first(chunk);
	struct cite	**before = r->last;

	if (!json_key_is(in, "retrievedContext") ||
	    text_or_none(json_get(in, "uri")).n > 0)
		return add(r, json_get(in, "uri"), json_get(in, "title"));
	add_file(r, JV_NONE, json_get(in, "title"), json_get(in, "text"));
	return *before;
}

static void
read_support(struct reader *r, struct jv chunks, struct jv support)
{
	struct jv	 seg = json_get(support, "segment"), i, chunk;
	struct cite	*c;
	int64_t		 want, n;

	i = json_first(json_get(support, "groundingChunkIndices"));
	for (; json_ok(i); i = json_next(i)) {
		want = number(i, -1);
		chunk = json_first(chunks);
		for (n = 0; json_ok(chunk) && n != want; n++)
			chunk = json_next(chunk);
		if (!json_ok(chunk) || (c = read_chunk(r, chunk)) == NULL)
			continue;
		c->start = chars_of_bytes(r->text,
		    number(json_get(seg, "startIndex"), 0));
		c->end = chars_of_bytes(r->text,
		    number(json_get(seg, "endIndex"), 0));
	}
}

static void
read_grounding(struct reader *r, struct jv meta)
{
	struct jv	 chunks = json_get(meta, "groundingChunks");
	struct jv	 e = json_first(json_get(meta, "groundingSupports"));

	if (json_ok(e)) {
		for (; json_ok(e); e = json_next(e))
			read_support(r, chunks, e);
		return;
	}
	/* What was found, of no place in particular. */
	for (e = json_first(chunks); json_ok(e); e = json_next(e))
		(void)read_chunk(r, e);
}

static void
read_recitation(struct reader *r, struct jv v)
{
	struct cite	*c = add(r, json_get(v, "uri"), json_get(v, "title"));

	if (c == NULL)
		return;
	c->start = chars_of_bytes(r->text,
	    number(json_get(v, "startIndex"), 0));
	c->end = chars_of_bytes(r->text, number(json_get(v, "endIndex"), 0));
}

static void
read_gemini(struct reader *r, struct jv v)
{
	struct jv	 meta = json_get(v, "citationMetadata"), e;

	read_grounding(r, json_get(v, "groundingMetadata"));
	e = json_get(meta, "citationSources");
	if (!json_ok(e))
		e = json_get(meta, "citations");
	for (e = json_first(e); json_ok(e); e = json_next(e))
		read_recitation(r, e);
	r->lost += !r->told && json_ok(json_get(v, "urlContextMetadata"));
}

/* --- writing --------------------------------------------------------------- */

static void
key_text(struct jw *w, const char *key, struct jstr s)
{
	jw_key(w, key);
	jw_jstr(w, s);
}

/* A file, where it has an id, which is how that API knows it. */
static void
openai_file_write(struct jw *w, const struct cite *c)
{
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "file_citation");
	key_text(w, "file_id", c->file);
	key_text(w, "filename", c->title);
	jw_key(w, "index");
	jw_int(w, c->end);
	jw_object_end(w);
}

/* Can the dialect cite it? */
static bool
citable(const struct cite *c, const struct dialect *to)
{
	return c->url.n > 0 || to == &dialect_gemini ||
	    (to == &dialect_openai_responses && c->file.n > 0);
}

static void
openai_write(struct jw *w, const struct cite *c, const struct dialect *to,
    int64_t before)
{
	bool	 nested = to == &dialect_openai_chat;

	if (c->url.n == 0) {
		openai_file_write(w, c);
		return;
	}
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "url_citation");
	if (nested) {
		jw_key(w, "url_citation");
		jw_object(w);
	}
	jw_key(w, "start_index");
	jw_int(w, c->start + (nested ? before : 0));
	jw_key(w, "end_index");
	jw_int(w, c->end + (nested ? before : 0));
	key_text(w, "url", c->url);
	key_text(w, "title", c->title);
	if (nested)
		jw_object_end(w);
	jw_object_end(w);
}

/* The stretch of the answer, in bytes, cut to what is known of it. */
static struct str
stretch(struct str text, int64_t start, int64_t end)
{
	size_t	 from = (size_t)bytes_of_chars(text, start);
	size_t	 to = (size_t)bytes_of_chars(text, end);

	if (text.n == 0 || from >= to || to > text.n)
		return STR_NONE;
	return (struct str){ text.p + from, to - from };
}

static void
anthropic_write(struct jw *w, const struct cite *c, struct str text)
{
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, "web_search_result_location");
	key_text(w, "url", c->url);
	jw_key(w, "title");
	if (c->title.n > 0)
		jw_jstr(w, c->title);
	else
		jw_null(w);
	/* Opaque to clients; there is none outside of the provider. */
	key_text(w, "encrypted_index", JSTR(""));
	jw_key(w, "cited_text");
	if (c->quote.n > 0)
		jw_jstr(w, c->quote);
	else
		jw_str(w, stretch(text, c->start, c->end));
	jw_object_end(w);
}

static void
gemini_write(struct jw *w, const struct cite *first, struct str text)
{
	const struct cite	*c;
	int64_t			 i = 0;

	jw_object(w);
	jw_key(w, "groundingMetadata");
	jw_object(w);
	jw_key(w, "groundingChunks");
	jw_array(w);
	for (c = first; c != NULL; c = c->next) {
		jw_object(w);
		jw_key(w, c->url.n > 0 ? "web" : "retrievedContext");
		jw_object(w);
		if (c->url.n > 0)
			key_text(w, "uri", c->url);
		key_text(w, "title", c->title.n > 0 ? c->title : c->file);
		if (c->url.n == 0 && c->quote.n > 0)
			key_text(w, "text", c->quote);
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "groundingSupports");
	jw_array(w);
	for (c = first; c != NULL; c = c->next) {
		jw_object(w);
		jw_key(w, "segment");
		jw_object(w);
		jw_key(w, "startIndex");
		jw_int(w, bytes_of_chars(text, c->start));
		jw_key(w, "endIndex");
		jw_int(w, bytes_of_chars(text, c->end));
		jw_key(w, "text");
		jw_str(w, stretch(text, c->start, c->end));
		jw_object_end(w);
		jw_key(w, "groundingChunkIndices");
		jw_array(w);
		jw_int(w, i++);
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

static void
reader_init(struct reader *r, struct arena *a, struct jstr text)
{
	*r = (struct reader){ .a = a, .text = jstr_decode(a, text) };
	r->last = &r->first;
}

/* The slices of what is read are list's. */
static void
read_list(struct reader *r, const struct dialect *from, struct str list,
    int64_t chars)
{
	struct cite	**first = r->last, *c;
	struct json	  j;
	struct jv	  v;

	json_init(&j);
	list = arena_strf(r->a, "[%.*s]", STR_FMT(list));
	if (json_parse(&j, list, NULL) == 0)
		for (v = json_first(json_root(&j)); json_ok(v);
		    v = json_next(v)) {
			if (from == &dialect_anthropic)
				read_anthropic(r, v);
			else if (from == &dialect_gemini)
				read_gemini(r, v);
			else
				read_openai(r, v);
		}
	json_release(&j);
	for (c = *first; c != NULL; c = c->next)
		if (c->start < 0 || c->end < c->start) {
			c->start = 0;
			c->end = chars;
		}
}

unsigned
cite_write(struct arena *a, const struct dialect *from,
    const struct dialect *to, struct str list, const struct cite_text *t,
    struct jw *w)
{
	struct reader	 r;
	struct cite	*c;

	reader_init(&r, a, t->text);
	r.told = to == &dialect_anthropic || to == &dialect_openai_responses;
	read_list(&r, from, list, t->chars >= 0 ? t->chars :
	    cite_chars(t->text));
	for (c = r.first; c != NULL; c = c->next) {
		if (!citable(c, to))
			r.lost++;
		else if (to == &dialect_anthropic)
			anthropic_write(w, c, r.text);
		else
			openai_write(w, c, to, t->before);
	}
	return r.lost;
}

void
cite_write_parts(struct arena *a, struct cite_hold *h, struct jw *w)
{
	struct cite_span	*s;
	struct reader		 r;
	struct cite		*c, **first;
	int64_t			 before;

	reader_init(&r, a, cite_held_text(h));
	for (s = h->spans; s != NULL; s = s->next) {
		first = r.last;
		r.lost = 0;
		read_list(&r, h->from, (struct str){ h->notes.p + s->notes,
		    s->notes_end - s->notes }, cite_chars((struct jstr){
		    h->text.p + s->text, s->text_end - s->text }));
		/* Chat Completions counts from the message's beginning. */
		before = h->from == &dialect_openai_chat ? 0 :
		    cite_chars((struct jstr){ h->text.p, s->text });
		for (c = *first; c != NULL; c = c->next) {
			c->start += before;
			c->end += before;
		}
		s->lost = r.lost;
	}
	if (r.first != NULL)
		gemini_write(w, r.first, r.text);
}

/* --- held back in a stream -------------------------------------------------- */

static void
acc_add(struct arena *a, struct cite_acc *acc, const char *p, size_t n)
{
	char	*old = acc->p;

	if (n == 0)
		return;
	if (acc->cap - acc->n < n) {
		acc->cap = (acc->n + n) * 2;
		acc->p = arena_bytes(a, acc->cap);
		if (acc->n > 0)
			memcpy(acc->p, old, acc->n);
	}
	memcpy(acc->p + acc->n, p, n);
	acc->n += n;
}

void
cite_hold_clear(struct cite_hold *h)
{
	h->text.n = h->notes.n = h->text_mark = h->notes_mark = 0;
	h->spans = NULL;
}

void
cite_hold_text(struct arena *a, struct cite_hold *h, struct jstr s)
{
	acc_add(a, &h->text, s.p, s.n);
}

void
cite_hold_note(struct arena *a, struct cite_hold *h,
    const struct dialect *from, struct str raw)
{
	if (h->notes.n > h->notes_mark)
		acc_add(a, &h->notes, ",", 1);
	acc_add(a, &h->notes, raw.p, raw.n);
	h->from = from;
}

void
cite_hold_part(const struct ir_exchange *x, struct cite_hold *h)
{
	struct cite_span	*s;

	if (h->notes.n > h->notes_mark) {
		s = ARENA_NEW(x->arena, struct cite_span);
		s->at = x->at;
		s->text = h->text_mark;
		s->text_end = h->text.n;
		s->notes = h->notes_mark;
		s->notes_end = h->notes.n;
		if (h->spans == NULL)
			h->last = &h->spans;
		*h->last = s;
		h->last = &s->next;
	}
	h->text_mark = h->text.n;
	h->notes_mark = h->notes.n;
}

struct jstr
cite_held_text(const struct cite_hold *h)
{
	return (struct jstr){ h->text.p, h->text.n };
}

struct str
cite_held_notes(const struct cite_hold *h)
{
	return (struct str){ h->notes.p, h->notes.n };
}
