/*
 * How many tokens a request has, roughly and rather too many: its texts by
 * words.h, media by the providers' formulas, and what each part adds.
 */
#include <string.h>

#include "base/codec.h"
#include "wire/estimate.h"
#include "wire/words.h"

#define TOKEN		WORDS_TOKEN

/*
 * What a provider adds, and how dear its tokeniser is.  The first line that
 * fits counts: by the dialect, if the model's name holds the word.
 */
struct tariff {
	const struct dialect	*dialect;	/* NULL: any */
	const char	*word;		/* NULL: any model */
	int	 scale;			/* per cent of what text costs */
	int	 base;			/* tokens of any request */
	int	 message;		/* ... of each message */
	int	 tools;			/* ... once there are tools */
	int	 tool;			/* ... of each */
	int	 server_tool;		/* ... of one that the provider runs */
	int	 schema;		/* ... of an answer's schema */
	int	 cited;			/* ... once a document is to be cited */
	int	 thinking;		/* ... if it is to think */
	int	 image;			/* at most, and if its size is unknown */
	int	 image_base;		/* ... at least */
	int	 pixels;		/* in a token of an image; 0: all cost
					   the same */
	int	 page;			/* tokens of a page of a document */
};

static const struct tariff	 tariffs[] = {
	{ NULL, "claude", 135, 10, 6, 520, 30, 1500, 150, 850, 40,
	    1600, 100, 700, 3000 },
	{ NULL, "gemini", 110, 2, 3, 10, 12, 200, 10, 0, 0,
	    1120, 1120, 0, 600 },
	{ &dialect_anthropic, NULL, 135, 10, 6, 520, 30, 1500, 150, 850, 40,
	    1600, 100, 700, 3000 },
	{ &dialect_gemini, NULL, 110, 2, 3, 10, 12, 200, 10, 0, 0,
	    1120, 1120, 0, 600 },
	{ NULL, "gpt-4o-mini", 105, 8, 5, 12, 12, 400, 10, 0, 0,
	    48000, 8600, 40, 1500 },
	{ NULL, "gpt-oss", 105, 80, 5, 50, 12, 400, 50, 0, 0,
	    1500, 100, 500, 1500 },
	{ NULL, "gpt", 105, 8, 5, 12, 12, 400, 10, 0, 0,
	    1500, 100, 500, 1500 },
	/* One of the many that speak OpenAI's dialects. */
	{ NULL, NULL, 115, 40, 6, 300, 20, 400, 50, 0, 0,
	    1600, 260, 500, 1500 }
};

/* Where the size of something that lies elsewhere is not known. */
#define PAGES_UNKNOWN	3
#define AUDIO_UNKNOWN	2000
#define VIDEO_UNKNOWN	20000

/* Bytes (decoded) of the thriftiest recording in use. */
#define AUDIO_RATE	4000		/* a second; 32 kbit/s */
#define AUDIO_TOKENS	32		/* a second */
#define VIDEO_BYTES	100		/* a token */
#define PAGE_BYTES	50000		/* of a PDF */
#define BLOB_MIN	256		/* base64 this long is no text */
#define BLOB_BYTES	8		/* of it a token */

/* --- text ----------------------------------------------------------------- */

static int64_t
jstr_cost(struct jstr s)
{
	return s.n == 0 ? 0 : words_cost(s.p, s.n, true);
}

static int64_t
str_cost(struct str s)
{
	return s.n == 0 ? 0 : words_cost(s.p, s.n, false);
}

static bool
is_blob(char c)
{
	return c != '"' && c != ' ' && c != '\\';
}

/*
 * The next blob from p, where a word begins; NULL: there is none.  Where the
 * last of BLOB_MIN bytes that is no blob's stands, no word before is long enough.
 */
static const char *
blob_next(const char *p, const char *e)
{
	const char	*q;

	while (e - p >= BLOB_MIN) {
		for (q = p + BLOB_MIN; q > p && is_blob(q[-1]); q--)
			;
		if (q == p)
			return p;
		p = q;
	}
	return NULL;
}

/* Raw JSON, in which a long word of base64 is a medium or a cipher. */
static int64_t
raw_cost(struct str s)
{
	const char	*p = s.p, *e = s.p + s.n, *q, *done = s.p;
	int64_t		 cost = 0;

	while (s.n > 0 && (p = blob_next(p, e)) != NULL) {
		for (q = p + BLOB_MIN; q < e && is_blob(*q); q++)
			;
		cost += words_cost(done, (size_t)(p - done), true);
		cost += TOKEN * ((q - p) / BLOB_BYTES);
		done = p = q;
	}
	return cost + (done < e ?
	    words_cost(done, (size_t)(e - done), true) : 0);
}

int64_t
ir_estimate_text(struct str s)
{
	return (str_cost(s) + TOKEN - 1) / TOKEN;
}

/* --- media ---------------------------------------------------------------- */

struct head {
	unsigned char	 b[3072];
	size_t		 n;
};

static unsigned
be16(const struct head *h, size_t i)
{
	return (unsigned)h->b[i] << 8 | h->b[i + 1];
}

static unsigned
le16(const struct head *h, size_t i)
{
	return (unsigned)h->b[i + 1] << 8 | h->b[i];
}

/* The first bytes of a medium, as far as they tell what it is. */
static void
head_read(struct head *h, struct str data)
{
	struct buf	 b;

	h->n = 0;
	if (data.n > sizeof(h->b) / 3 * 4)
		data.n = sizeof(h->b) / 3 * 4;
	data.n -= data.n % 4;
	buf_init(&b, sizeof(h->b));
	if (base64_decode(&b, data) == 0) {
		h->n = b.len;
		if (b.len > 0)
			memcpy(h->b, b.data, b.len);
	}
	buf_release(&b);
}

/* Through a JPEG's segments to the frame's; it may lie too far behind. */
static int64_t
jpeg_pixels(const struct head *h)
{
	size_t	 i = 2;

	while (i + 9 < h->n && h->b[i] == 0xff) {
		if (h->b[i + 1] >= 0xc0 && h->b[i + 1] <= 0xc2)
			return (int64_t)be16(h, i + 5) * be16(h, i + 7);
		i += 2 + be16(h, i + 2);
	}
	return 0;
}

/* A WebP's, in whichever of its three forms. */
static int64_t
webp_pixels(const struct head *h)
{
	unsigned	 w, x;

	if (memcmp(h->b + 12, "VP8 ", 4) == 0)
		return (int64_t)(le16(h, 26) & 0x3fff) *
		    (le16(h, 28) & 0x3fff);
	w = le16(h, 21);
	if (memcmp(h->b + 12, "VP8L", 4) == 0) {
		x = le16(h, 23) << 2 | w >> 14;
		return (int64_t)((w & 0x3fff) + 1) * ((x & 0x3fff) + 1);
	}
	return (int64_t)(le16(h, 24) + 1) * (le16(h, 27) + 1);
}

/* Of a PNG, GIF, JPEG or WebP; 0: not known. */
static int64_t
image_pixels(struct str data)
{
	struct head	 h;

	head_read(&h, data);
	if (h.n >= 24 && memcmp(h.b, "\x89PNG", 4) == 0)
		return be16(&h, 16) != 0 || be16(&h, 20) != 0 ? 0 :
		    (int64_t)be16(&h, 18) * be16(&h, 22);
	if (h.n >= 10 && memcmp(h.b, "GIF8", 4) == 0)
		return (int64_t)le16(&h, 6) * le16(&h, 8);
	if (h.n >= 10 && h.b[0] == 0xff && h.b[1] == 0xd8)
		return jpeg_pixels(&h);
	if (h.n >= 30 && memcmp(h.b, "RIFF", 4) == 0 &&
	    memcmp(h.b + 8, "WEBP", 4) == 0)
		return webp_pixels(&h);
	return 0;
}

static int64_t
image_tokens(const struct tariff *t, const struct ir_media *m)
{
	int64_t	 pixels = m->data.n > 0 ? image_pixels(m->data) : 0, n;

	if (t->pixels == 0 || pixels <= 0)
		return t->image;
	n = t->image_base + pixels / t->pixels;
	return n < t->image ? n : t->image;
}

static int64_t
audio_tokens(const struct ir_media *m)
{
	struct head	 h;
	int64_t		 bytes = (int64_t)m->data.n / 4 * 3;
	int64_t		 rate = AUDIO_RATE, said;

	if (m->data.n == 0)
		return AUDIO_UNKNOWN;
	head_read(&h, m->data);
	if (h.n >= 32 && memcmp(h.b, "RIFF", 4) == 0) {
		said = (int64_t)le16(&h, 30) << 16 | le16(&h, 28);
		if (said > rate)
			rate = said;
	}
	return AUDIO_TOKENS * (bytes / rate + 1);
}

static int64_t
document_tokens(const struct tariff *t, const struct ir_media *m)
{
	int64_t	 bytes = (int64_t)m->data.n / 4 * 3;

	if (m->data.n == 0)
		return (int64_t)PAGES_UNKNOWN * t->page;
	if (str_starts(m->type, "text/"))
		return bytes / 2 + 1;
	return t->page * (bytes / PAGE_BYTES + 1);
}

static int64_t
media_cost(const struct tariff *t, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;
	int64_t			 words;

	words = jstr_cost(m->title) + jstr_cost(m->context) +
	    jstr_cost(m->filename);
	if (!jstr_empty(m->text))
		return words + jstr_cost(m->text);
	switch (p->type) {
	case IR_IMAGE:
		return words + TOKEN * image_tokens(t, m);
	case IR_AUDIO:
		return words + TOKEN * audio_tokens(m);
	case IR_VIDEO:
		return words + TOKEN * (m->data.n == 0 ? VIDEO_UNKNOWN :
		    (int64_t)(m->data.n / VIDEO_BYTES));
	default:
		return words + TOKEN * document_tokens(t, m);
	}
}

/* --- requests ------------------------------------------------------------- */

static int64_t
args_cost(const struct ir_args *a)
{
	return a->json.n > 0 ? raw_cost(a->json) :
	    raw_cost((struct str){ a->escaped.p, a->escaped.n });
}

/* Of one part; a tool result's own parts are its caller's. */
static int64_t
part_cost(const struct tariff *t, const struct ir_part *p)
{
	switch (p->type) {
	case IR_IMAGE: case IR_AUDIO: case IR_VIDEO: case IR_DOCUMENT:
		return media_cost(t, p);
	case IR_TOOL_CALL:
		return TOKEN * t->tool + str_cost(p->name) +
		    jstr_cost(p->text) + args_cost(&p->args);
	case IR_TOOL_RESULT:
		return TOKEN * t->tool + str_cost(p->name) +
		    jstr_cost(p->text);
	case IR_OPAQUE:
		return raw_cost(p->raw);
	default:
		return jstr_cost(p->text) + TOKEN *
		    (int64_t)(p->redacted.n / BLOB_BYTES);
	}
}

static int64_t
messages_cost(const struct tariff *t, const struct ir_request *rq)
{
	const struct ir_message	*m;
	const struct ir_part	*p, *q;
	int64_t			 cost = 0;

	for (m = rq->messages; m != NULL; m = m->next) {
		cost += TOKEN * t->message + str_cost(m->name);
		if (m->parts == NULL)
			cost += raw_cost(m->raw);
		for (p = m->parts; p != NULL; p = p->next) {
			cost += part_cost(t, p);
			for (q = p->parts; q != NULL; q = q->next)
				cost += part_cost(t, q);
		}
	}
	return cost;
}

static int64_t
tools_cost(const struct tariff *t, const struct ir_request *rq)
{
	const struct ir_tool	*tool;
	int64_t			 cost = 0;

	for (tool = rq->tools; tool != NULL; tool = tool->next) {
		if (tool->kind == IR_FUNCTION)
			cost += TOKEN * t->tool + str_cost(tool->name) +
			    jstr_cost(tool->description) +
			    raw_cost(tool->schema) +
			    raw_cost(tool->response_schema);
		else
			cost += TOKEN * (tool->kind == IR_SERVER ?
			    t->server_tool : t->tool) + raw_cost(tool->raw);
	}
	return cost;
}

static bool
has_word(struct str s, const char *word)
{
	return s.n > 0 && memmem(s.p, s.n, word, strlen(word)) != NULL;
}

static bool
wants_citations(const struct ir_part *p)
{
	struct str	 s = p->type == IR_OPAQUE ? p->raw : p->extra;

	return has_word(s, "\"citations\"") && has_word(s, "true");
}

static bool
is_cited(const struct ir_request *rq)
{
	const struct ir_message	*m;
	const struct ir_part	*p, *q;

	for (m = rq->messages; m != NULL; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			if (wants_citations(p))
				return true;
			for (q = p->parts; q != NULL; q = q->next)
				if (wants_citations(q))
					return true;
		}
	return false;
}

static const struct tariff *
tariff_of(const struct dialect *to, struct str model)
{
	const struct tariff	*t = tariffs;

	while ((t->dialect != NULL && t->dialect != to) ||
	    (t->word != NULL && !has_word(model, t->word)))
		t++;			/* the last one fits all */
	return t;
}

int64_t
ir_estimate_for(const struct ir_request *rq, const struct dialect *to,
    struct str model)
{
	const struct tariff	*t = tariff_of(to == NULL ? rq->from : to,
				     model);
	int64_t			 cost, fixed = t->base;

	cost = messages_cost(t, rq) + tools_cost(t, rq) +
	    raw_cost(rq->format.schema) +
	    jstr_cost(rq->format.description);
	if (cost == 0 && rq->ext == NULL)
		return 0;
	if (rq->tools != NULL)
		fixed += t->tools;
	if (rq->format.schema.n > 0)
		fixed += t->schema;
	if (rq->reasoning.mode == IR_REASON_ON ||
	    rq->reasoning.mode == IR_REASON_ADAPTIVE)
		fixed += t->thinking;
	if (t->cited > 0 && is_cited(rq))
		fixed += t->cited;
	return fixed + (cost * t->scale / 100 + TOKEN - 1) / TOKEN;
}

int64_t
ir_estimate_input(const struct ir_request *rq)
{
	return ir_estimate_for(rq, NULL, rq->model);
}
