/*
 * The canned answers: what each provider writes around a text.  In a template
 * '~' stands for the text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "t/bench/canned.h"

#define BLOB_MAX	((size_t)64 << 20)
#define STAMP		"@0000000000000000"

struct template {
	const char	*mark;
	const char	*plain;
	const char	*start;
	const char	*event;
	const char	*tail;
};

#define CHAT(kind, choice) "{\"id\":\"chatcmpl-bench\",\"object\":\"" kind \
	"\",\"created\":1700000000,\"model\":\"canned\"," choice "}"
#define CHAT_CHUNK(choice) \
	"data: " CHAT("chat.completion.chunk", choice) "\n\n"
#define CHAT_DELTA(delta, finish) CHAT_CHUNK("\"choices\":[{\"index\":0," \
	"\"delta\":" delta ",\"finish_reason\":" finish "}]")
#define CHAT_USAGE "\"usage\":{\"prompt_tokens\":50," \
	"\"completion_tokens\":100,\"total_tokens\":150}"

#define MESSAGE(content, stop, usage) "{\"id\":\"msg_bench\"," \
	"\"type\":\"message\",\"role\":\"assistant\",\"model\":\"canned\"," \
	"\"content\":[" content "],\"stop_reason\":" stop "," \
	"\"stop_sequence\":null,\"usage\":{\"input_tokens\":50," \
	"\"output_tokens\":" usage "}}"
#define MESSAGE_EVENT(type, more) \
	"event: " type "\ndata: {\"type\":\"" type "\"" more "}\n\n"

#define GEMINI(finish) "{\"candidates\":[{\"content\":{\"parts\":" \
	"[{\"text\":\"~\"}],\"role\":\"model\"}," finish "\"index\":0}]," \
	"\"usageMetadata\":{\"promptTokenCount\":50," \
	"\"candidatesTokenCount\":100,\"totalTokenCount\":150}," \
	"\"modelVersion\":\"canned\",\"responseId\":\"bench\"}"

#define RESPONSE(status, output, usage) "{\"id\":\"resp_bench\"," \
	"\"object\":\"response\",\"created_at\":1700000000,\"status\":\"" \
	status "\",\"model\":\"canned\",\"output\":[" output "]," \
	"\"usage\":" usage "}"
#define RESPONSE_USAGE "{\"input_tokens\":50,\"output_tokens\":100," \
	"\"total_tokens\":150}"
#define RESPONSE_ITEM(status, content) "{\"id\":\"msg_bench\"," \
	"\"type\":\"message\",\"status\":\"" status "\",\"role\":" \
	"\"assistant\",\"content\":[" content "]}"
#define RESPONSE_TEXT(text) "{\"type\":\"output_text\",\"text\":\"" text \
	"\",\"annotations\":[]}"

static const struct template	 templates[] = {
	{ "/v1/chat/completions",
	  CHAT("chat.completion", "\"choices\":[{\"index\":0,\"message\":"
	      "{\"role\":\"assistant\",\"content\":\"~\"},"
	      "\"finish_reason\":\"stop\"}]," CHAT_USAGE),
	  CHAT_DELTA("{\"role\":\"assistant\",\"content\":\"\"}", "null"),
	  CHAT_DELTA("{\"content\":\"~\"}", "null"),
	  CHAT_DELTA("{}", "\"stop\"")
	  CHAT_CHUNK("\"choices\":[]," CHAT_USAGE) "data: [DONE]\n\n" },
	{ "/v1/messages",
	  MESSAGE("{\"type\":\"text\",\"text\":\"~\"}", "\"end_turn\"", "100"),
	  MESSAGE_EVENT("message_start", ",\"message\":"
	      MESSAGE("", "null", "1"))
	  MESSAGE_EVENT("content_block_start", ",\"index\":0,"
	      "\"content_block\":{\"type\":\"text\",\"text\":\"\"}"),
	  MESSAGE_EVENT("content_block_delta", ",\"index\":0,\"delta\":"
	      "{\"type\":\"text_delta\",\"text\":\"~\"}"),
	  MESSAGE_EVENT("content_block_stop", ",\"index\":0")
	  MESSAGE_EVENT("message_delta", ",\"delta\":{\"stop_reason\":"
	      "\"end_turn\",\"stop_sequence\":null},"
	      "\"usage\":{\"output_tokens\":100}")
	  MESSAGE_EVENT("message_stop", "") },
	{ "enerateContent",
	  GEMINI("\"finishReason\":\"STOP\","),
	  "",
	  "data: " GEMINI("") "\r\n\r\n",
	  "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],"
	  "\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],"
	  "\"usageMetadata\":{\"promptTokenCount\":50,"
	  "\"candidatesTokenCount\":100,\"totalTokenCount\":150},"
	  "\"modelVersion\":\"canned\",\"responseId\":\"bench\"}\r\n\r\n" },
	{ "/v1/responses",
	  RESPONSE("completed", RESPONSE_ITEM("completed",
	      RESPONSE_TEXT("~")), RESPONSE_USAGE),
	  MESSAGE_EVENT("response.created", ",\"sequence_number\":0,"
	      "\"response\":" RESPONSE("in_progress", "", "null"))
	  MESSAGE_EVENT("response.output_item.added", ",\"sequence_number\":1,"
	      "\"output_index\":0,\"item\":"
	      RESPONSE_ITEM("in_progress", ""))
	  MESSAGE_EVENT("response.content_part.added",
	      ",\"sequence_number\":2,\"item_id\":\"msg_bench\","
	      "\"output_index\":0,\"content_index\":0,\"part\":"
	      RESPONSE_TEXT("")),
	  MESSAGE_EVENT("response.output_text.delta", ",\"sequence_number\":3,"
	      "\"item_id\":\"msg_bench\",\"output_index\":0,"
	      "\"content_index\":0,\"delta\":\"~\""),
	  MESSAGE_EVENT("response.completed", ",\"sequence_number\":4,"
	      "\"response\":" RESPONSE("completed", "", RESPONSE_USAGE)) },
};

#define NTEMPLATES	(sizeof(templates) / sizeof(templates[0]))

/* A text of n bytes, after the stamp if there is one. */
static void
add_text(struct buf *b, const char *stamp, size_t n)
{
	static const char	 words[] =
	    "The quick brown fox jumps over the lazy dog, again and again. ";
	size_t			 i;

	(void)buf_addz(b, stamp);
	for (i = strlen(stamp); i < n; i++)
		(void)buf_add(b, &words[i % (sizeof(words) - 1)], 1);
}

static void
fill(struct buf *b, const char *template, const char *stamp, size_t n)
{
	const char	*hole = strchr(template, '~');

	if (hole == NULL) {
		(void)buf_addz(b, template);
		return;
	}
	(void)buf_add(b, template, (size_t)(hole - template));
	add_text(b, stamp, n);
	(void)buf_addz(b, hole + 1);
}

static struct blob
blob_take(struct buf *b)
{
	struct blob	 blob = { b->data, b->len };

	if (!buf_ok(b))
		abort();
	buf_init(b, BLOB_MAX);
	return blob;
}

static void
add_chunk(struct buf *b, struct buf *data)
{
	char	 size[32];

	if (data->len == 0)
		return;
	snprintf(size, sizeof(size), "%zx\r\n", data->len);
	(void)buf_addz(b, size);
	(void)buf_add(b, data->data, data->len);
	(void)buf_addz(b, "\r\n");
	buf_clear(data);
}

static void
make_plain(struct canned *k, const struct template *t, size_t body)
{
	struct buf	 b, data;
	size_t		 around = strlen(t->plain) - 1;
	char		 head[128];

	buf_init(&b, BLOB_MAX);
	buf_init(&data, BLOB_MAX);
	fill(&data, t->plain, "", body > around ? body - around : 1);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: "
	    "application/json\r\nContent-Length: %zu\r\n\r\n", data.len);
	(void)buf_addz(&b, head);
	(void)buf_add(&b, data.data, data.len);
	k->plain = blob_take(&b);
	buf_release(&data);
}

static void
make_stream(struct canned *k, const struct template *t, size_t text)
{
	struct buf	 b, data;

	buf_init(&b, BLOB_MAX);
	buf_init(&data, BLOB_MAX);
	(void)buf_addz(&b, "HTTP/1.1 200 OK\r\nContent-Type: "
	    "text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
	fill(&data, t->start, "", 0);
	add_chunk(&b, &data);
	k->start = blob_take(&b);

	fill(&data, t->event, STAMP, text);
	add_chunk(&b, &data);
	k->event = blob_take(&b);
	k->stamp = (size_t)((char *)memmem(k->event.p, k->event.n, STAMP,
	    sizeof(STAMP) - 1) - k->event.p) + 1;

	fill(&data, t->tail, "", 0);
	add_chunk(&b, &data);
	(void)buf_addz(&b, "0\r\n\r\n");
	k->tail = blob_take(&b);
	buf_release(&data);
}

struct canned *
canned_make(size_t body, size_t text)
{
	struct canned	*k = calloc(NTEMPLATES + 1, sizeof(*k));
	size_t		 i;

	if (k == NULL)
		abort();
	for (i = 0; i < NTEMPLATES; i++) {
		k[i].mark = templates[i].mark;
		make_plain(&k[i], &templates[i], body);
		make_stream(&k[i], &templates[i], text);
	}
	return k;
}

struct canned *
canned_find(struct canned *k, struct str head)
{
	const char	*end = memchr(head.p, '\r', head.n);
	size_t		 n = end == NULL ? head.n : (size_t)(end - head.p);

	for (; k->mark != NULL; k++)
		if (memmem(head.p, n, k->mark, strlen(k->mark)) != NULL)
			return k;
	return NULL;
}
