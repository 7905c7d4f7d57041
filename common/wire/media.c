/*
 * Which media of a request must be fetched for its target.  Each dialect says
 * what it takes by URL (takes_url); this walks the request and asks.
 */
#include "wire/media.h"

static bool
is_web_url(struct str url)
{
	return str_starts(url, "https://") || str_starts(url, "http://");
}

static bool
is_media(const struct ir_part *p)
{
	switch (p->type) {
	case IR_IMAGE:
	case IR_AUDIO:
	case IR_VIDEO:
	case IR_DOCUMENT:
		return true;
	default:
		return false;
	}
}

static struct ir_fetch **
add(const struct ir_exchange *x, struct ir_request *rq, struct ir_part *p,
    struct ir_fetch **last)
{
	const struct ir_media	*m = &p->media;
	struct ir_fetch		*f;
	struct str		 url;

	if (!is_media(p) || m->url.n == 0 || m->data.n > 0)
		return last;
	url = jstr_decode(rq->arena, m->url);
	if (!is_web_url(url) || x->target.dialect->takes_url(x, p, url))
		return last;
	f = ARENA_NEW(rq->arena, struct ir_fetch);
	f->part = p;
	f->url = url;
	*last = f;
	return &f->next;
}

struct ir_fetch *
ir_fetch_list(const struct ir_exchange *x, struct ir_request *rq)
{
	struct ir_fetch		*first = NULL, **last = &first;
	struct ir_message	*m;
	struct ir_part		*p, *q;

	if (rq->from == x->target.dialect)
		return NULL;
	for (m = rq->messages; m != NULL; m = m->next) {
		for (p = m->parts; p != NULL; p = p->next) {
			last = add(x, rq, p, last);
			for (q = p->parts; q != NULL; q = q->next)
				last = add(x, rq, q, last);
		}
	}
	return first;
}

/* Servers call many things application/octet-stream: that says nothing. */
static bool
kind_fits(enum ir_part_type kind, struct str type)
{
	switch (kind) {
	case IR_IMAGE:
		return str_starts(type, "image/");
	case IR_AUDIO:
		return str_starts(type, "audio/");
	case IR_VIDEO:
		return str_starts(type, "video/");
	default:
		return true;
	}
}

int
ir_fetch_done(struct ir_part *p, struct str type, struct str base64)
{
	struct str	 base = str_trim(str_cut(&type, ';'));

	if (base.n > 0 && !str_is_nocase(base, "application/octet-stream") &&
	    !str_is_nocase(base, "binary/octet-stream")) {
		if (!kind_fits(p->type, base))
			return -1;
		p->media.type = base;
	}
	p->media.data = base64;
	p->media.url = JSTR_NONE;
	return 0;
}

bool
media_image_common(const struct ir_media *m)
{
	static const char *const types[] = { "image/jpeg", "image/jpg",
	    "image/png", "image/gif", "image/webp" };
	size_t	 i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_is_nocase(m->type, types[i]))
			return true;
	return m->type.n == 0;
}
