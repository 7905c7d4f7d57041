/*
 * OpenAI Chat Completions: the messages of a request that came in another
 * dialect.
 *
 * What the wire demands: each assistant message with calls is followed at once
 * by one "tool" message a call, in the order of the calls, with text only.  So
 * results are looked for ahead, and media in them (or in what the assistant
 * said) waits for the next user message.
 */
#include "wire/dialect_openai_chat.h"

#include "base/codec.h"
#include "wire/media.h"

/* Bounds the search of each result's call; OpenAI takes 128. */
#define CALLS_MAX	512
#define ID_MAX		40
#define NAME_MAX_LEN	64

/* Media that must move to a user message. */
struct chat_media {
	const struct ir_part	*part;
	struct str		 from;		/* id of the call, or empty */
	struct chat_media	*next;
};

struct call {
	const struct ir_part	*part;
	const struct ir_part	*result;
	struct str		 id;
};

void
chat_lose(struct chat_req *o, enum loss_action action, uint32_t node,
    const char *suffix, const char *why)
{
	if (o->x->loss != NULL && o->rq->json != NULL && !o->quiet)
		loss_node(o->x->loss, action, o->rq->json, node, suffix, why);
}

struct str
chat_fit_name(struct chat_req *o, struct str name)
{
	return ir_name_fit(o->a, &o->x->names, name, "", NAME_MAX_LEN);
}

/* --- media ---------------------------------------------------------------- */

static bool
jstr_starts(struct jstr s, const char *z)
{
	return str_starts((struct str){ s.p, s.n }, z);
}

static bool
fetchable(struct jstr url)
{
	return jstr_starts(url, "http://") || jstr_starts(url, "https://") ||
	    jstr_starts(url, "http:\\/\\/") ||
	    jstr_starts(url, "https:\\/\\/") || jstr_starts(url, "data:");
}

/* Where the type is not told: by the first bytes, as base64 shows them. */
static struct str
image_type(const struct ir_media *m)
{
	if (m->type.n > 0)
		return m->type;
	if (str_starts(m->data, "/9j/"))
		return STR("image/jpeg");
	if (str_starts(m->data, "R0lG"))
		return STR("image/gif");
	if (str_starts(m->data, "UklG"))
		return STR("image/webp");
	return STR("image/png");
}

/* wav, mp3; what others know is told by the type's own name. */
static struct str
audio_format(const struct chat_req *o, struct str type)
{
	static const char *const wav[] = { "audio/wav", "audio/x-wav",
	    "audio/wave", "audio/vnd.wave", NULL };
	static const char *const mp3[] = { "audio/mp3", "audio/mpeg",
	    "audio/mpeg3", "audio/x-mp3", NULL };
	struct str	 base = str_trim(str_cut(&type, ';'));

	for (int i = 0; wav[i] != NULL; i++)
		if (str_is_nocase(base, wav[i]))
			return STR("wav");
	for (int i = 0; mp3[i] != NULL; i++)
		if (str_is_nocase(base, mp3[i]))
			return STR("mp3");
	if (o->compatible && str_starts(base, "audio/"))
		return str_skip(base, strlen("audio/"));
	return STR_NONE;
}

static bool
is_text_type(struct str type)
{
	return str_starts(type, "text/") ||
	    str_starts(type, "application/json") ||
	    str_starts(type, "application/xml");
}

/* Why media cannot be sent at all; NULL: it can. */
static const char *
media_refusal(const struct chat_req *o, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;
	bool			 same = o->rq->from ==
				    &dialect_openai_responses;

	switch (p->type) {
	case IR_IMAGE:
		if (m->data.n > 0 && !o->compatible && !media_image_common(m))
			return "no images of this type there";
		if (m->data.n > 0 || (m->url.n > 0 && fetchable(m->url)))
			return NULL;
		return m->url.n > 0 ? "not a URL that can be fetched there" :
		    "no images by file id there";
	case IR_AUDIO:
		if (m->data.n == 0)
			return "audio only as data there";
		return audio_format(o, m->type).n > 0 ? NULL :
		    "audio only as wav and mp3 there";
	case IR_VIDEO:
		if (o->compatible && (m->data.n > 0 || m->url.n > 0))
			return NULL;
		return "no video there";
	default:
		if (m->data.n > 0 || (m->file_id.n > 0 && same))
			return NULL;
		return m->file_id.n > 0 ? "a file id of another provider" :
		    "no documents by URL there";
	}
}

static void
data_url(struct jw *w, struct str type, struct str data)
{
	jw_open(w);
	jw_piece_str(w, STR("data:"));
	jw_piece_str(w, type);
	jw_piece_str(w, STR(";base64,"));
	jw_piece_str(w, data);
	jw_close(w);
}

static void
open_part(struct jw *w, const char *type)
{
	jw_object(w);
	jw_key(w, "type");
	jw_strz(w, type);
	jw_key(w, type);
	jw_object(w);
}

static void
write_image(struct jw *w, const struct ir_media *m)
{
	open_part(w, "image_url");
	jw_key(w, "url");
	if (m->data.n > 0)
		data_url(w, image_type(m), m->data);
	else
		jw_jstr(w, m->url);
	if (m->detail.n > 0) {
		jw_key(w, "detail");
		jw_str(w, m->detail);
	}
}

static void
write_video(struct jw *w, const struct ir_media *m)
{
	open_part(w, "video_url");
	jw_key(w, "url");
	if (m->data.n > 0)
		data_url(w, m->type.n > 0 ? m->type : STR("video/mp4"),
		    m->data);
	else
		jw_jstr(w, m->url);
}

static void
write_file(struct jw *w, const struct ir_media *m)
{
	open_part(w, "file");
	if (m->data.n == 0) {
		jw_key(w, "file_id");
		jw_jstr(w, m->file_id);
		return;
	}
	jw_key(w, "filename");
	if (m->filename.n > 0)
		jw_jstr(w, m->filename);
	else if (m->title.n > 0)
		jw_jstr(w, m->title);
	else
		jw_strz(w, "document.pdf");
	jw_key(w, "file_data");
	data_url(w, m->type.n > 0 ? m->type : STR("application/pdf"),
	    m->data);
}

/* Responses has the same mark. */
static void
write_mark(struct chat_req *o, const struct ir_part *p)
{
	struct jv	 mark = dialect_cache_mark(o->x, p);

	if (!json_ok(mark))
		return;
	jw_key(&o->w, "prompt_cache_breakpoint");
	jw_raw(&o->w, json_raw(mark));
}

static bool
is_marked(const struct chat_req *o, const struct ir_part *parts)
{
	while (parts != NULL && !json_ok(dialect_cache_mark(o->x, parts)))
		parts = parts->next;
	return parts != NULL;
}

static void
write_media(struct chat_req *o, const struct ir_part *p)
{
	struct jw	*w = &o->w;

	if (p->type == IR_IMAGE)
		write_image(w, &p->media);
	else if (p->type == IR_VIDEO)
		write_video(w, &p->media);
	else if (p->type == IR_AUDIO) {
		open_part(w, "input_audio");
		jw_key(w, "data");
		jw_str(w, p->media.data);
		jw_key(w, "format");
		jw_str(w, audio_format(o, p->media.type));
	} else
		write_file(w, &p->media);
	jw_object_end(w);
	write_mark(o, p);
	jw_object_end(w);
}

/* --- content -------------------------------------------------------------- */

enum form {
	FORM_NONE,		/* nothing to write */
	FORM_TEXT,
	FORM_MEDIA
};

static bool
is_media(const struct ir_part *p)
{
	return p->type == IR_IMAGE || p->type == IR_AUDIO ||
	    p->type == IR_VIDEO || p->type == IR_DOCUMENT;
}

/* What a provider's own tool did, known as text. */
static bool
told(const struct ir_part *p)
{
	return p->type == IR_OPAQUE && !jstr_empty(p->text) &&
	    p->from != &dialect_openai_chat;
}

/* In the assistant's turn. */
static void
lose_opaque(struct chat_req *o, const struct ir_part *p)
{
	if (told(p))
		chat_lose(o, LOSS_APPROXIMATED, p->node, NULL,
		    "what a provider's own tool did is told as text");
	else if (p->vital)
		chat_lose(o, LOSS_REFUSED, p->node, NULL,
		    "it stands for messages that only its provider has");
	else
		chat_lose(o, LOSS_DROPPED, p->node, NULL,
		    "only its own dialect knows it");
}

/* An item of Responses that no user said, though it stands alone. */
static bool
is_output_item(const struct chat_req *o, const struct ir_part *p)
{
	struct str	 type;

	if (p->from != &dialect_openai_responses)
		return false;
	type = json_str(o->a, json_get(json_at(o->rq->json, p->node), "type"));
	return str_ends(type, "_output") || str_ends(type, "_response");
}

/* What is lost of a part whatever becomes of it. */
static void
lose_marks(struct chat_req *o, const struct ir_part *p)
{
	if (p->extra.n > 0)
		chat_lose(o, LOSS_DROPPED, p->node, NULL,
		    "it has members that only its own dialect knows");
	if (!jstr_empty(p->signature) && p->type != IR_THINKING)
		chat_lose(o, LOSS_DROPPED, p->node, NULL,
		    "its signature is for its own provider only");
}

static enum form
media_form(struct chat_req *o, const struct ir_part *p)
{
	const char	*why;

	if (p->type == IR_DOCUMENT && (p->media.text.n > 0 ||
	    (p->media.data.n > 0 && is_text_type(p->media.type)))) {
		chat_lose(o, LOSS_APPROXIMATED, p->node, NULL,
		    "a document of text is sent as text");
		return FORM_TEXT;
	}
	why = media_refusal(o, p);
	if (why == NULL && p->media.context.n > 0)
		chat_lose(o, LOSS_DROPPED, p->node, ".context",
		    "no context of a document there");
	if (why == NULL)
		return FORM_MEDIA;
	chat_lose(o, LOSS_REFUSED, p->node, NULL, why);
	return FORM_TEXT;
}

/* How a part of a system, user or tool message is written. */
static enum form
part_form(struct chat_req *o, const struct ir_part *p)
{
	lose_marks(o, p);
	if (is_media(p))
		return media_form(o, p);
	if (p->internal) {
		chat_lose(o, LOSS_DROPPED, p->node, NULL,
		    "it concerns its own provider alone");
		return FORM_NONE;
	}
	switch (p->type) {
	case IR_TEXT:
		return jstr_empty(p->text) ? FORM_NONE : FORM_TEXT;
	case IR_REFUSAL:
		return jstr_empty(p->text) ? FORM_NONE : FORM_TEXT;
	case IR_OPAQUE:
		if (is_output_item(o, p)) {
			chat_lose(o, LOSS_DROPPED, p->node, NULL,
			    "only its own dialect knows it");
			return FORM_NONE;
		}
		if (jstr_empty(p->text) && !dialect_can_tell(p)) {
			chat_lose(o, LOSS_REFUSED, p->node, NULL,
			    DIALECT_NOT_TOLD);
			return FORM_NONE;
		}
		chat_lose(o, LOSS_APPROXIMATED, p->node, NULL,
		    "sent as the text of its JSON");
		return FORM_TEXT;
	default:
		chat_lose(o, LOSS_DROPPED, p->node, NULL,
		    "has no place in this message");
		return FORM_NONE;
	}
}

/* The same once more: what is lost has been told. */
static enum form
form_again(struct chat_req *o, const struct ir_part *p)
{
	enum form	 form;

	o->quiet = true;
	form = part_form(o, p);
	o->quiet = false;
	return form;
}

/* A document's text, with what is known of it in front. */
static void
document_pieces(struct chat_req *o, const struct ir_media *m)
{
	struct buf	 text;

	if (m->title.n > 0) {
		jw_piece_jstr(&o->w, m->title);
		jw_piece_str(&o->w, STR("\n"));
	}
	if (m->context.n > 0) {
		jw_piece_jstr(&o->w, m->context);
		jw_piece_str(&o->w, STR("\n"));
	}
	if (m->text.n > 0) {
		jw_piece_jstr(&o->w, m->text);
		return;
	}
	buf_init(&text, m->data.n + 16);
	if (base64_decode(&text, m->data) == 0 && utf8_valid(buf_str(&text)))
		jw_piece_str(&o->w, buf_str(&text));
	else
		jw_piece_str(&o->w, m->data);
	buf_release(&text);
}

/* The text of a part of FORM_TEXT, inside an open string. */
static void
text_pieces(struct chat_req *o, const struct ir_part *p)
{
	const struct ir_media	*m = &p->media;

	if (!is_media(p)) {
		if (p->type == IR_OPAQUE && p->text.n == 0)
			jw_piece_str(&o->w, p->raw);
		else
			jw_piece_jstr(&o->w, p->text);
	} else if (m->text.n > 0 || (p->type == IR_DOCUMENT && m->data.n > 0))
		document_pieces(o, m);
	else {
		jw_piece_str(&o->w, STR("[left out: "));
		jw_piece_jstr(&o->w, m->url.n > 0 ? m->url : m->file_id);
		jw_piece_str(&o->w, STR("]"));
	}
}

static void
write_text_part(struct chat_req *o, const struct ir_part *p)
{
	jw_object(&o->w);
	jw_key(&o->w, "type");
	jw_strz(&o->w, "text");
	jw_key(&o->w, "text");
	jw_open(&o->w);
	text_pieces(o, p);
	jw_close(&o->w);
	write_mark(o, p);
	jw_object_end(&o->w);
}

static void
write_media_list(struct chat_req *o)
{
	struct str	 from = STR_NONE;

	for (struct chat_media *m = o->media; m != NULL; m = m->next) {
		if (m->from.n > 0 && !str_eq(m->from, from)) {
			from = m->from;
			jw_object(&o->w);
			jw_key(&o->w, "type");
			jw_strz(&o->w, "text");
			jw_key(&o->w, "text");
			jw_open(&o->w);
			jw_piece_str(&o->w, STR("From the result of tool "
			    "call "));
			jw_piece_str(&o->w, from);
			jw_piece_str(&o->w, STR(":"));
			jw_close(&o->w);
			jw_object_end(&o->w);
		}
		write_media(o, m->part);
	}
	o->media = NULL;
	o->last_media = &o->media;
}

static void
queue_media(struct chat_req *o, const struct ir_part *p, struct str from)
{
	struct chat_media	*m = ARENA_NEW(o->a, struct chat_media);

	m->part = p;
	m->from = from;
	*o->last_media = m;
	o->last_media = &m->next;
	chat_lose(o, LOSS_APPROXIMATED, p->node, NULL,
	    "moved to the user message behind it");
}

static void
open_message(struct chat_req *o, const char *role, struct str name)
{
	o->n_messages++;
	jw_object(&o->w);
	jw_key(&o->w, "role");
	jw_strz(&o->w, role);
	if (name.n > 0) {
		jw_key(&o->w, "name");
		jw_str(&o->w, name);
	}
}

/* The media that waits, as a message of its own. */
static void
flush_media(struct chat_req *o)
{
	if (o->media == NULL)
		return;
	open_message(o, "user", STR_NONE);
	jw_key(&o->w, "content");
	jw_array(&o->w);
	write_media_list(o);
	jw_array_end(&o->w);
	jw_object_end(&o->w);
}

/* Text parts as one string, with an empty line between. */
static void
write_joined(struct chat_req *o, const struct ir_part *parts, struct str head)
{
	bool	 first = true;

	jw_open(&o->w);
	jw_piece_str(&o->w, head);
	for (const struct ir_part *p = parts; p != NULL; p = p->next) {
		if (form_again(o, p) != FORM_TEXT)
			continue;
		if (!first)
			jw_piece_str(&o->w, STR("\n\n"));
		first = false;
		text_pieces(o, p);
	}
	jw_close(&o->w);
}

/* Servers that only know strings get text as one. */
static bool
as_string(const struct chat_req *o, unsigned n_text, unsigned n_media)
{
	return n_media == 0 && (n_text <= 1 || o->compatible);
}

static void
count_forms(struct chat_req *o, const struct ir_part *parts, unsigned *n_text,
    unsigned *n_media)
{
	enum form	 form;

	*n_text = *n_media = 0;
	for (const struct ir_part *p = parts; p != NULL; p = p->next) {
		form = part_form(o, p);
		*n_text += form == FORM_TEXT;
		*n_media += form == FORM_MEDIA;
	}
}

static void
write_user(struct chat_req *o, const struct ir_message *m)
{
	unsigned	 n_text, n_media;

	count_forms(o, m->parts, &n_text, &n_media);
	if (n_text + n_media == 0)
		return;
	open_message(o, "user", m->name);
	jw_key(&o->w, "content");
	if (as_string(o, n_text, n_media) && o->media == NULL &&
	    !is_marked(o, m->parts)) {
		write_joined(o, m->parts, STR_NONE);
		jw_object_end(&o->w);
		return;
	}
	jw_array(&o->w);
	write_media_list(o);
	for (const struct ir_part *p = m->parts; p != NULL; p = p->next) {
		enum form	 form = form_again(o, p);

		if (form == FORM_TEXT)
			write_text_part(o, p);
		else if (form == FORM_MEDIA)
			write_media(o, p);
	}
	jw_array_end(&o->w);
	jw_object_end(&o->w);
}

/* A message that may hold text only; its media waits for a user message. */
static void
write_text_content(struct chat_req *o, const struct ir_part *parts,
    struct str head, struct str from)
{
	unsigned	 n_text, n_media;

	count_forms(o, parts, &n_text, &n_media);
	jw_key(&o->w, "content");
	if (n_media > 0 && n_text == 0) {
		jw_open(&o->w);
		jw_piece_str(&o->w, head);
		jw_piece_str(&o->w, STR("See the user message behind this."));
		jw_close(&o->w);
	} else if (o->compatible || head.n > 0 ||
	    (n_text <= 1 && !is_marked(o, parts)))
		write_joined(o, parts, head);
	else {
		jw_array(&o->w);
		for (const struct ir_part *p = parts; p != NULL; p = p->next)
			if (form_again(o, p) == FORM_TEXT)
				write_text_part(o, p);
		jw_array_end(&o->w);
	}
	for (const struct ir_part *p = parts; p != NULL; p = p->next)
		if (form_again(o, p) == FORM_MEDIA)
			queue_media(o, p, from);
}

static void
write_system(struct chat_req *o, const struct ir_message *m)
{
	unsigned	 n_text, n_media;
	bool		 developer = m->role == IR_DEVELOPER && !o->compatible;

	count_forms(o, m->parts, &n_text, &n_media);
	if (n_text + n_media == 0)
		return;
	flush_media(o);
	open_message(o, developer ? "developer" : "system", m->name);
	write_text_content(o, m->parts, STR_NONE, STR_NONE);
	jw_object_end(&o->w);
}

/* --- the assistant's turn and its results --------------------------------- */

/* Adjacent assistant messages are one turn: their calls stay together. */
static const struct ir_part *
turn_next(const struct ir_message **m, const struct ir_part *p)
{
	if (p != NULL)
		p = p->next;
	while (p == NULL) {
		*m = (*m)->next;
		if (*m == NULL || (*m)->role != IR_ASSISTANT)
			return NULL;
		p = (*m)->parts;
	}
	return p;
}

static const struct ir_part *
turn_first(const struct ir_message **m, const struct ir_message *turn)
{
	*m = turn;
	return turn->parts != NULL ? turn->parts : turn_next(m, NULL);
}

/* m is where the walk stands. */
#define FOREACH_PART(p, m, turn)					\
	for ((p) = turn_first(&(m), (turn)); (p) != NULL;		\
	    (p) = turn_next(&(m), (p)))

struct turn {
	const struct ir_message	*first;
	unsigned		 place;		/* messages written before */
	unsigned		 n_text, n_refusal, n_thinking, n_calls;
	struct call		*calls;
};

static struct str
call_id(struct chat_req *o, const struct turn *t, const struct ir_part *p,
    unsigned i)
{
	if (p->id.n > 0)
		return ir_id_fit(o->a, p->id, "call_", ID_MAX);
	/* The place in a conversation stays the same as it grows. */
	return arena_strf(o->a, "call_%u_%u", t->place, i);
}

static void
turn_calls(struct chat_req *o, struct turn *t)
{
	const struct ir_message	*m;
	const struct ir_part	*p;
	unsigned		 n = 0;

	t->calls = arena_array(o->a, t->n_calls, sizeof(*t->calls));
	FOREACH_PART(p, m, t->first)
		if (p->type == IR_TOOL_CALL && p->tool != IR_SERVER) {
			t->calls[n].part = p;
			t->calls[n].id = call_id(o, t, p, n);
			if (++n == t->n_calls)
				break;
		}
}

static void
turn_count(struct chat_req *o, struct turn *t)
{
	const struct ir_message	*m;
	const struct ir_part	*p;

	FOREACH_PART(p, m, t->first) {
		lose_marks(o, p);
		switch (p->type) {
		case IR_TEXT:
			if (!jstr_empty(p->text) && t->n_calls > 0)
				chat_lose(o, LOSS_APPROXIMATED, p->node, NULL,
				    "what is said behind a call stands before "
				    "it there");
			t->n_text += !jstr_empty(p->text);
			break;
		case IR_REFUSAL:
			t->n_refusal += !jstr_empty(p->text);
			break;
		case IR_THINKING:
			t->n_thinking += !o->openai && !jstr_empty(p->text);
			if (o->openai || jstr_empty(p->text))
				chat_lose(o, LOSS_DROPPED, p->node, NULL,
				    "no place for reasoning there");
			break;
		case IR_TOOL_CALL:
			if (p->tool != IR_SERVER && t->n_calls < CALLS_MAX)
				t->n_calls++;
			else
				chat_lose(o, LOSS_DROPPED, p->node, NULL,
				    p->tool == IR_SERVER ?
				    "a call that its own provider ran" :
				    "too many calls in one turn");
			break;
		case IR_IMAGE:
		case IR_AUDIO:
		case IR_VIDEO:
		case IR_DOCUMENT:
			if (media_form(o, p) == FORM_TEXT)
				t->n_text++;
			break;
		default:
			t->n_text += told(p);
			lose_opaque(o, p);
			break;
		}
	}
}

/* Is it part of the text?  Media that can be sent is not, it moves away. */
static bool
said(struct chat_req *o, const struct ir_part *p)
{
	if (is_media(p))
		return form_again(o, p) == FORM_TEXT;
	return (p->type == IR_TEXT || p->type == IR_REFUSAL || told(p)) &&
	    !jstr_empty(p->text);
}

static void
turn_string(struct chat_req *o, const struct turn *t)
{
	const struct ir_message	*m;
	const struct ir_part	*p;
	bool			 first = true;

	jw_open(&o->w);
	FOREACH_PART(p, m, t->first) {
		if (!said(o, p))
			continue;
		if (!first)
			jw_piece_str(&o->w, STR("\n\n"));
		first = false;
		text_pieces(o, p);
	}
	jw_close(&o->w);
}

static void
turn_array(struct chat_req *o, const struct turn *t)
{
	const struct ir_message	*m;
	const struct ir_part	*p;

	jw_array(&o->w);
	FOREACH_PART(p, m, t->first) {
		if (!said(o, p))
			continue;
		if (p->type != IR_REFUSAL) {
			write_text_part(o, p);
			continue;
		}
		jw_object(&o->w);
		jw_key(&o->w, "type");
		jw_strz(&o->w, "refusal");
		jw_key(&o->w, "refusal");
		jw_jstr(&o->w, p->text);
		jw_object_end(&o->w);
	}
	jw_array_end(&o->w);
}

static void
turn_content(struct chat_req *o, const struct turn *t)
{
	unsigned	 n = t->n_text + t->n_refusal;

	jw_key(&o->w, "content");
	if (n == 0 && t->n_calls > 0)
		jw_null(&o->w);
	else if (n == 0)
		jw_strz(&o->w, "");
	else if (o->compatible || (n == 1 && t->n_refusal == 0))
		turn_string(o, t);
	else
		turn_array(o, t);
}

static void
turn_thinking(struct chat_req *o, const struct turn *t)
{
	const struct ir_message	*m;
	const struct ir_part	*p;
	bool			 first = true;

	if (t->n_thinking == 0)
		return;
	jw_key(&o->w, "reasoning_content");
	jw_open(&o->w);
	FOREACH_PART(p, m, t->first) {
		if (p->type != IR_THINKING || jstr_empty(p->text))
			continue;
		if (!first)
			jw_piece_str(&o->w, STR("\n\n"));
		first = false;
		jw_piece_jstr(&o->w, p->text);
	}
	jw_close(&o->w);
}

static void
write_call(struct chat_req *o, const struct call *c)
{
	const struct ir_part	*p = c->part;
	bool			 custom = p->tool == IR_CUSTOM;
	bool			 native = custom && !o->compatible;
	const char		*kind = native ? "custom" : "function";

	jw_object(&o->w);
	jw_key(&o->w, "id");
	jw_str(&o->w, c->id);
	jw_key(&o->w, "type");
	jw_strz(&o->w, kind);
	jw_key(&o->w, kind);
	jw_object(&o->w);
	jw_key(&o->w, "name");
	jw_str(&o->w, chat_fit_name(o, p->name));
	jw_key(&o->w, native ? "input" : "arguments");
	if (native)
		jw_jstr(&o->w, p->text);
	else if (custom)
		jw_str(&o->w, arena_strf(o->a, "{\"input\":\"%.*s\"}",
		    STR_FMT(p->text)));
	else
		jw_jstr(&o->w, ir_args_escaped(o->a, &p->args));
	jw_object_end(&o->w);
	jw_object_end(&o->w);
}

static bool
answers(const struct call *c, const struct ir_part *result)
{
	if (c->result != NULL)
		return false;
	if (c->part->id.n > 0 && result->id.n > 0)
		return str_eq(c->part->id, result->id);
	/* Without ids: by the name, and else by the order. */
	return result->name.n == 0 || c->part->name.n == 0 ||
	    str_eq(c->part->name, result->name);
}

/* Results mostly come in the calls' order: the search goes on from there. */
static void
assign_result(struct chat_req *o, struct turn *t, const struct ir_part *p,
    unsigned *at)
{
	unsigned	 i, n;

	for (n = 0; n < t->n_calls; n++) {
		i = (*at + n) % t->n_calls;
		if (answers(&t->calls[i], p)) {
			t->calls[i].result = p;
			*at = i + 1;
			return;
		}
	}
	chat_lose(o, LOSS_DROPPED, p->node, NULL, "a result without its call");
}

static void
write_result(struct chat_req *o, const struct call *c)
{
	const struct ir_part	*r = c->result;

	open_message(o, "tool", STR_NONE);
	jw_key(&o->w, "tool_call_id");
	jw_str(&o->w, c->id);
	if (r == NULL) {
		chat_lose(o, LOSS_APPROXIMATED, c->part->node, NULL,
		    "no result was given: one that says so was added");
		jw_key(&o->w, "content");
		jw_strz(&o->w, "Error: no result of this call is known");
	} else {
		if (r->is_error)
			chat_lose(o, LOSS_APPROXIMATED, r->node, NULL,
			    "an error is told in the result's text");
		write_text_content(o, r->parts, r->is_error ?
		    STR("Error: ") : STR_NONE, c->id);
	}
	jw_object_end(&o->w);
}

static void
write_results(struct chat_req *o, struct turn *t,
    const struct ir_message *after)
{
	unsigned	 at = 0;

	for (; after != NULL && after->role != IR_ASSISTANT;
	    after = after->next) {
		if (after->role != IR_TOOL)
			continue;
		for (const struct ir_part *p = after->parts; p != NULL;
		    p = p->next)
			if (p->type == IR_TOOL_RESULT)
				assign_result(o, t, p, &at);
	}
	for (unsigned i = 0; i < t->n_calls; i++)
		write_result(o, &t->calls[i]);
}

static void
queue_turn_media(struct chat_req *o, const struct turn *t)
{
	const struct ir_message	*m;
	const struct ir_part	*p;

	FOREACH_PART(p, m, t->first)
		if (is_media(p) && form_again(o, p) == FORM_MEDIA)
			queue_media(o, p, STR_NONE);
}

/* Writes the turn that begins at first; returns the message behind it. */
static const struct ir_message *
write_turn(struct chat_req *o, const struct ir_message *first)
{
	struct turn		 t = { .first = first, .place = o->n_messages };
	const struct ir_message	*after = first;

	while (after != NULL && after->role == IR_ASSISTANT)
		after = after->next;
	turn_count(o, &t);
	o->answered = t.n_calls > 0;
	if (t.n_text + t.n_refusal + t.n_thinking + t.n_calls > 0) {
		flush_media(o);
		open_message(o, "assistant", first->name);
		turn_content(o, &t);
		turn_thinking(o, &t);
	}
	if (t.n_calls > 0) {
		turn_calls(o, &t);
		jw_key(&o->w, "tool_calls");
		jw_array(&o->w);
		for (unsigned i = 0; i < t.n_calls; i++)
			write_call(o, &t.calls[i]);
		jw_array_end(&o->w);
	}
	if (t.n_text + t.n_refusal + t.n_thinking + t.n_calls > 0)
		jw_object_end(&o->w);
	if (t.n_calls > 0)
		write_results(o, &t, after);
	queue_turn_media(o, &t);
	if (after == NULL && t.n_calls == 0 && t.n_text > 0)
		chat_lose(o, LOSS_APPROXIMATED, first->node, NULL,
		    "an answer that was begun is not continued there");
	return after;
}

/* Results that no turn has taken up. */
static void
lose_orphans(struct chat_req *o, const struct ir_message *m)
{
	if (o->answered)
		return;
	for (const struct ir_part *p = m->parts; p != NULL; p = p->next)
		chat_lose(o, LOSS_DROPPED, p->node, NULL,
		    "a result without its call");
}

void
chat_write_messages(struct chat_req *o)
{
	const struct ir_message	*m = o->rq->messages;

	o->last_media = &o->media;
	while (m != NULL) {
		if (m->role == IR_ASSISTANT) {
			m = write_turn(o, m);
			continue;
		}
		if (m->role == IR_TOOL)
			lose_orphans(o, m);
		else if (m->role == IR_USER)
			write_user(o, m);
		else
			write_system(o, m);
		m = m->next;
	}
	flush_media(o);
}

/* Compatible servers differ in what they fetch but for images. */
bool
chat_takes_url(const struct ir_exchange *x, const struct ir_part *p,
    struct str url)
{
	(void)url;
	return p->type == IR_IMAGE ||
	    (p->type == IR_VIDEO && chat_provider_compatible(x));
}
