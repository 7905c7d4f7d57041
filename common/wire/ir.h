#ifndef WIRE_IR_H
#define WIRE_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/frame.h"
#include "wire/json.h"

/*
 * The common form: one exchange, independent of any provider's dialect.
 *
 * A request is a tree in the request's arena, mostly slices of its body.  A
 * response is only ever a sequence of events; a whole body is the same sequence
 * delivered at once, and a client that does not stream gets it folded.
 *
 * Free text is struct jstr (JSON-escaped, copied through untouched); what is
 * looked at or compared is struct str (decoded).  "node" members are indices
 * into the request's parsed body, 0 for none: loss reports name their path.
 */

struct dialect;

/* --- requests ------------------------------------------------------------- */

enum ir_role {
	IR_SYSTEM,		/* also in the middle of a conversation */
	IR_DEVELOPER,		/* OpenAI's name for a system message */
	IR_USER,
	IR_ASSISTANT,
	IR_TOOL			/* holds IR_TOOL_RESULT parts only */
};

enum ir_part_type {
	IR_TEXT,
	IR_IMAGE, IR_AUDIO, IR_VIDEO, IR_DOCUMENT,	/* media */
	IR_TOOL_CALL,
	IR_TOOL_RESULT,
	IR_THINKING,		/* text and/or signature; or redacted data */
	IR_REFUSAL,
	IR_OPAQUE		/* raw JSON that only its own dialect knows */
};

enum ir_tool_kind {
	IR_FUNCTION,		/* JSON Schema parameters */
	IR_CUSTOM,		/* OpenAI: free-form text input */
	IR_SERVER		/* run by the provider; only raw is set */
};

/* Of a cache_control mark (Anthropic). */
enum ir_cache { IR_CACHE_NONE, IR_CACHE_5M, IR_CACHE_1H };

enum ir_tri { IR_UNSET, IR_NO, IR_YES };

struct ir_media {
	struct str	 type;		/* "image/png"; empty if not known */
	struct str	 data;		/* base64, no line ends; or */
	struct jstr	 url;		/* http(s), gs: ...; or */
	struct jstr	 file_id;	/* the provider's own; or */
	struct jstr	 text;		/* a document given as plain text */
	struct jstr	 filename;
	struct jstr	 title, context;	/* document, Anthropic */
	struct str	 detail;	/* image: low, high, auto */
};

/* A tool call's arguments: a JSON text, in one of two forms (ir_args_*). */
struct ir_args {
	struct str	 json;		/* as it is */
	struct jstr	 escaped;	/* as the contents of a JSON string */
};

struct ir_part {
	enum ir_part_type	 type;
	enum ir_tool_kind	 tool;		/* tool call, tool result */
	struct jstr		 text;		/* text, thinking, refusal,
						   a custom tool's input;
						   IR_OPAQUE: what it says to
						   other dialects, if known */
	struct ir_media		 media;
	struct str		 id;		/* tool call, result: call's id */
	struct str		 name;		/* tool; of a result if known */
	struct ir_args		 args;		/* IR_FUNCTION calls */
	bool			 is_error;	/* tool result */
	struct ir_part		*parts;		/* tool result: its content */
	struct jstr		 signature;	/* thinking; also Gemini's, on
						   any part */
	struct jstr		 redacted;	/* thinking: opaque data */
	struct str		 item_id;	/* Responses: the item's id */
	enum ir_cache		 cache;
	struct str		 raw;		/* source JSON; always set when
						   type is IR_OPAQUE */
	bool			 vital;		/* IR_OPAQUE: it stands for what
						   was said: never left out */
	bool			 internal;	/* IR_OPAQUE: between client and
						   its own provider only */
	bool			 told;		/* IR_TEXT: our words for what
						   only its own dialect has */
	const struct dialect	*from;		/* IR_OPAQUE, signature: whose */
	struct str		 extra;		/* source's own further members
						   (citations ...), raw JSON */
	uint32_t		 node;
	struct ir_part		*next;
};

struct ir_message {
	enum ir_role		 role;
	struct str		 name;		/* OpenAI's participant name */
	struct ir_part		*parts;
	struct ir_part		**last;
	struct str		 raw;		/* source JSON, if one object */
	uint32_t		 node;
	struct ir_message	*next;
};

struct ir_tool {
	enum ir_tool_kind	 kind;
	struct str		 name;
	struct str		 ns;		/* Responses: namespace */
	struct jstr		 description;
	struct str		 schema;	/* raw JSON; empty: none given */
	bool			 schema_is_openapi;	/* Gemini "parameters":
						   upper-case types */
	struct str		 response_schema;	/* Gemini; raw */
	enum ir_tri		 strict;
	struct str		 server_type;	/* IR_SERVER: its type name */
	enum ir_cache		 cache;
	struct str		 raw;
	uint32_t		 node;
	struct ir_tool		*next;
};

enum ir_choice_mode {
	IR_CHOICE_UNSET, IR_CHOICE_AUTO, IR_CHOICE_NONE,
	IR_CHOICE_REQUIRED,		/* any of the tools (or of allowed) */
	IR_CHOICE_NAMED			/* the one in name */
};

struct ir_str_list {
	struct str		 s;
	struct ir_str_list	*next;
};

struct ir_tool_choice {
	enum ir_choice_mode	 mode;
	struct str		 name;
	enum ir_tool_kind	 kind;		/* of the named tool */
	struct ir_str_list	*allowed;	/* NULL: all */
	bool			 types;		/* provider's tools are allowed
						   by type, beside allowed */
	struct str		 raw;		/* when it is a server tool */
	uint32_t		 node;
};

/* Numbers are the client's own bytes: 0.7 never becomes 0.69999. */
struct ir_number {
	struct str	 raw;		/* empty: not given */
	uint32_t	 node;
};

struct ir_sampling {
	struct ir_number	 temperature, top_p, top_k;
	struct ir_number	 frequency_penalty, presence_penalty;
	struct ir_number	 seed, n;
	struct ir_number	 top_logprobs;
	enum ir_tri		 logprobs;
	int64_t			 max_tokens;	/* -1: not given */
	uint32_t		 max_tokens_node;
};

struct ir_stop_seq {
	struct jstr		 s;
	uint32_t		 node;
	struct ir_stop_seq	*next;
};

enum ir_format_kind {
	IR_FORMAT_UNSET, IR_FORMAT_TEXT, IR_FORMAT_JSON, IR_FORMAT_SCHEMA,
	IR_FORMAT_OTHER				/* grammar ...: raw only */
};

struct ir_format {
	enum ir_format_kind	 kind;
	struct str		 name;
	struct jstr		 description;
	struct str		 schema;	/* raw JSON */
	bool			 schema_is_openapi;
	enum ir_tri		 strict;
	struct str		 raw;
	uint32_t		 node;
};

enum ir_reasoning_mode {
	IR_REASON_UNSET, IR_REASON_OFF, IR_REASON_ON, IR_REASON_ADAPTIVE
};

struct ir_reasoning {
	enum ir_reasoning_mode	 mode;
	struct str		 effort;	/* minimal, low, medium, high ...:
						   as given, unknown ones too */
	int64_t			 budget;	/* tokens; -1: not given */
	enum ir_tri		 visible;	/* are thoughts wanted back? */
	struct str		 summary;	/* auto, concise, detailed */
	uint32_t		 node;
};

/* A member that nothing above holds; goes only to the dialect it is from. */
struct ir_ext {
	struct str	 name;
	struct str	 json;
	uint32_t	 node;
	struct ir_ext	*next;
};

/* What a request uses; the same bits say what a dialect can express. */
#define IR_NEED_TOOLS		0x0001u
#define IR_NEED_IMAGE		0x0002u
#define IR_NEED_AUDIO		0x0004u
#define IR_NEED_VIDEO		0x0008u
#define IR_NEED_DOCUMENT	0x0010u
#define IR_NEED_THINKING	0x0020u
#define IR_NEED_SCHEMA		0x0040u
#define IR_NEED_CACHE		0x0080u
#define IR_NEED_LOGPROBS	0x0100u
#define IR_NEED_CHOICES		0x0200u		/* n > 1 */
#define IR_NEED_SERVER_TOOL	0x0400u
#define IR_NEED_CUSTOM_TOOL	0x0800u
#define IR_NEED_STATE		0x1000u		/* previous_response_id ... */

struct ir_request {
	/* set by the caller before request_decode */
	const struct dialect	*from;
	struct arena		*arena;
	const struct json	*json;		/* the parsed body */
	struct str		 path_model;	/* model in the path, decoded */
	bool			 path_stream;	/* the path asks for a stream */
	enum framing		 framing;	/* the client's stream framing */
	bool			 lenient;	/* a vendor-named /completions
						   path: see dialect.h */

	/* set by request_decode */
	struct str		 model;
	bool			 stream;
	bool			 stream_usage;	/* wants usage in the stream */
	bool			 native;	/* the body is plain dialect and
						   may be forwarded as bytes */
	uint32_t		 need;
	bool			 cache_1h;	/* some mark asks for an hour */
	struct ir_message	*messages;	/* system messages among them */
	struct ir_message	**last;
	struct ir_tool		*tools;
	struct ir_tool		**last_tool;
	struct ir_tool_choice	 choice;
	enum ir_tri		 parallel;	/* tool calls */
	struct ir_sampling	 sampling;
	struct ir_stop_seq	*stop;
	struct ir_format	 format;
	struct ir_reasoning	 reasoning;
	struct jstr		 user;		/* end user's id */
	uint32_t		 user_node;
	struct str		 metadata;	/* raw JSON object */
	uint32_t		 metadata_node;
	struct str		 service_tier;
	uint32_t		 service_tier_node;
	enum ir_tri		 store;
	struct ir_ext		*ext;
	struct ir_ext		**last_ext;
};

/* Clears rq and sets every "not given" value and list tail. */
void	 ir_request_init(struct ir_request *, struct arena *,
	    const struct dialect *, const struct json *);

/* Appended, zeroed, from the request's arena. */
struct ir_message	*ir_message_add(struct ir_request *, enum ir_role,
			    uint32_t node);
struct ir_part		*ir_part_add(struct ir_request *, struct ir_message *,
			    enum ir_part_type, uint32_t node);
struct ir_part		*ir_part_new(struct arena *, enum ir_part_type,
			    uint32_t node);
struct ir_tool		*ir_tool_add(struct ir_request *, enum ir_tool_kind,
			    uint32_t node);
struct ir_ext		*ir_ext_add(struct ir_request *, struct jv member);
const struct ir_tool	*ir_tool_find(const struct ir_request *, struct str name);
/*
 * The node of the first of the members names (NULL ends them) that the body's
 * object at node has, or one of the objects in it; 0: none.  Node 0 is the
 * body.  So reports can name what the client wrote, whatever its dialect.
 */
uint32_t	 ir_member_node(const struct ir_request *, uint32_t node,
		    const char *const *names);

/*
 * Arguments as a JSON object: unescaped and checked.  What is empty becomes
 * {}; what is no object becomes {"input":<it>} and returns -1.
 */
int	 ir_args_object(struct arena *, const struct ir_args *, struct str *)
	    __attribute__((__warn_unused_result__));
/* Arguments as the contents of a JSON string. */
struct jstr	 ir_args_escaped(struct arena *, const struct ir_args *);

/* "data:image/png;base64,..." into type and data; -1 if it is none. */
int	 ir_data_url(struct arena *, struct jstr url, struct ir_media *)
	    __attribute__((__warn_unused_result__));

/*
 * A tool-call id that fits a dialect: itself where it is at most max long and
 * made of [A-Za-z0-9_-], else prefix and 24 characters derived from it alone,
 * so that it is the same in every turn and process.
 */
struct str	 ir_id_fit(struct arena *, struct str id, const char *prefix,
		    size_t max);
/* An id that begins with prefix: id itself, or prefix and what id holds. */
struct str	 ir_id_prefixed(struct arena *, struct str id, const char *prefix);

/*
 * Tool names as the target allows them and back: mapping is deterministic,
 * and recorded per exchange so that the answer can be restored.
 */
struct ir_name {
	struct str	 client, target;
	struct ir_name	*next;
};

struct ir_names {
	struct ir_name	*first;
};

/* Allowed in the target: [A-Za-z0-9_-] and what is in extra, up to max. */
struct str	 ir_name_fit(struct arena *, struct ir_names *, struct str name,
		    const char *extra, size_t max);
struct str	 ir_name_restore(const struct ir_names *, struct str name);

/* --- responses ------------------------------------------------------------ */

/*
 * The sequence, which ir_check enforces:
 *
 *	START ( PART_START DELTA* PART_END | USAGE | PING | STOP )* END
 *	... ERROR			(instead of whatever would follow)
 *
 * Parts of one choice do not overlap: a decoder whose wire interleaves them
 * holds the later ones back.  Part indices count up from 0 over the whole
 * response, also over several choices.  Each choice that had a part has exactly
 * one STOP, behind its last part; END follows when the answer is complete.
 * USAGE replaces what an earlier one said.
 */
enum ir_event_type {
	IR_EV_START, IR_EV_PART_START, IR_EV_DELTA, IR_EV_PART_END,
	IR_EV_USAGE, IR_EV_PING, IR_EV_STOP, IR_EV_END, IR_EV_ERROR
};

enum ir_delta {
	IR_D_TEXT,		/* text: of text, thinking, refusal,
				   a custom tool's input */
	IR_D_ARGS,		/* text: a piece of a call's arguments */
	IR_D_SIGNATURE,		/* text: the part's signature, whole */
	IR_D_REDACTED,		/* text: the part's redacted data, whole */
	IR_D_DATA,		/* raw: base64 of media (type in PART_START) */
	IR_D_ANNOTATION,	/* raw: a citation in the dialect's own JSON */
	IR_D_LOGPROBS		/* raw: in OpenAI's form, an array */
};

enum ir_stop {
	IR_STOP_NONE,
	IR_STOP_END,		/* stop, end_turn, STOP */
	IR_STOP_LENGTH,		/* length, max_tokens, MAX_TOKENS */
	IR_STOP_TOOL,		/* tool_calls, tool_use */
	IR_STOP_SEQUENCE,	/* stop_sequence */
	IR_STOP_FILTER,		/* content_filter, SAFETY, RECITATION ... */
	IR_STOP_REFUSAL,	/* refusal */
	IR_STOP_PAUSE,		/* pause_turn */
	IR_STOP_CONTEXT,	/* model_context_window_exceeded */
	IR_STOP_BAD_CALL,	/* MALFORMED_FUNCTION_CALL ... */
	IR_STOP_OTHER		/* one we do not know: see stop_raw */
};

/* Disjoint counts of tokens; -1 is "not said", which is not zero. */
struct ir_usage {
	int64_t	 input;			/* fresh: neither read nor written */
	int64_t	 cache_read;
	int64_t	 cache_write_5m, cache_write_1h;
	int64_t	 output;		/* without reasoning, if that is told */
	int64_t	 reasoning;
	int64_t	 tier;			/* enum ir_tier: how it was served */
};

enum ir_tier {
	IR_TIER_UNSET, IR_TIER_STANDARD, IR_TIER_FLEX, IR_TIER_PRIORITY,
	IR_TIER_BATCH, IR_TIER_SCALE
};
/* "default" and "standard" are one; what is not known is IR_TIER_UNSET. */
enum ir_tier	 ir_tier_of(struct jv);
/* Likewise of what requests have: "standard_only", SERVICE_TIER_FLEX, too. */
enum ir_tier	 ir_tier_asked(struct str);
enum ir_tier_words { IR_TIER_OPENAI, IR_TIER_ANTHROPIC, IR_TIER_GEMINI };
/* NULL: there is no word for it. */
const char	*ir_tier_name(int64_t tier, enum ir_tier_words);

enum ir_errkind {
	IR_ERR_BAD_REQUEST,		/* 400 */
	IR_ERR_AUTH,			/* 401 */
	IR_ERR_BILLING,			/* 402 */
	IR_ERR_FORBIDDEN,		/* 403 */
	IR_ERR_NOT_FOUND,		/* 404 */
	IR_ERR_METHOD,			/* 405 */
	IR_ERR_CONFLICT,		/* 409 */
	IR_ERR_TOO_LARGE,		/* 413 */
	IR_ERR_MEDIA_TYPE,		/* 415 */
	IR_ERR_UPGRADE,			/* 426 */
	IR_ERR_RATE,			/* 429 */
	IR_ERR_INTERNAL,		/* 500 */
	IR_ERR_UPSTREAM,		/* 502 */
	IR_ERR_UNAVAILABLE,		/* 503 */
	IR_ERR_TIMEOUT,			/* 504 */
	IR_ERR_OVERLOADED		/* 529 */
};

struct ir_error {
	enum ir_errkind	 kind;
	int		 status;	/* HTTP status for the client */
	int		 upstream;	/* provider's status, 0: error is ours */
	int		 retry_after;	/* seconds, -1: not said */
	char		 type[64];	/* provider's own words, may be "" */
	char		 code[64];
	char		 param[128];	/* the field, as a path */
	char		 msg[1024];	/* plain text, cut at a character */
};

/* Fills in kind, its status and a message; the rest is "not said". */
void	 ir_error_set(struct ir_error *, enum ir_errkind, const char *, ...)
	    __attribute__((__format__(printf, 3, 4)));
/* "'messages[2].role': expected a string, got a number", kind BAD_REQUEST. */
void	 ir_error_type(struct ir_error *, struct arena *, struct jv got,
	    const char *expected);
/* As ir_error_set with BAD_REQUEST, naming the field at node. */
void	 ir_error_field(struct ir_error *, struct arena *, const struct json *,
	    uint32_t node, const char *, ...)
	    __attribute__((__format__(printf, 5, 6)));
enum ir_errkind	 ir_error_kind(int http_status);
int		 ir_error_status(enum ir_errkind);
/* Copies at most size - 1 bytes and never half a UTF-8 character. */
void	 ir_error_copy(char *dst, size_t size, struct str);

/* Where in the provider's answer a decoder stands: for the loss report. */
struct ir_place {
	const struct dialect	*from;
	const char		*path;		/* of the part: "content[$i]";
						   see answer_loss.h; or NULL */
	const char		*args;		/* in it; NULL: the dialect's */
	unsigned		 choice, item, part;	/* $c, $i, $p */
};

struct ir_event {
	enum ir_event_type	 type;
	unsigned		 choice;	/* candidate, from 0 */
	unsigned		 index;		/* part: START, DELTA, END of it */
	enum ir_part_type	 part;		/* the same three */
	enum ir_tool_kind	 tool;		/* PART_START of a call */
	enum ir_delta		 delta;
	struct str		 id;		/* START: response's id;
						   PART_START: call's id */
	struct str		 name;		/* START: model;
						   PART_START: tool's name */
	struct str		 media_type;	/* PART_START of media */
	struct jstr		 text;
	struct str		 raw;		/* deltas; PART_START of
						   IR_OPAQUE: the whole */
	const struct dialect	*from;		/* whose raw or signature */
	int64_t			 created;	/* START: unix seconds, or 0 */
	enum ir_stop		 stop;
	struct str		 stop_raw;	/* provider's word for it */
	struct jstr		 stop_seq;	/* the sequence that was hit */
	struct ir_usage		 usage;
	const struct ir_error	*error;
	int64_t			 sequence;	/* ERROR behind forwarded events:
						   see ir_decoder; or 0 */
	struct ir_place		 at;		/* ir_decoder fills it in */
};

/* Slices in an event are valid during the call.  Returns -1 to end it all. */
struct ir_sink {
	int	(*emit)(void *, const struct ir_event *);
	void	 *arg;
};

static inline int
ir_emit(const struct ir_sink *s, const struct ir_event *ev)
{
	return s->emit(s->arg, ev);
}

void	 ir_usage_init(struct ir_usage *);	/* all -1 */
/* Each clamped to [0, IR_USAGE_MAX]: providers have sent absurd counts. */
#define IR_USAGE_MAX	((int64_t)1 << 40)
int64_t	 ir_usage_clamp(int64_t);
int64_t	 ir_usage_sum(int64_t, int64_t);	/* -1 counts as 0 */

#define IR_CHOICES_MAX	128

/* State of the sequence; a violation is our bug, never the peer's. */
struct ir_check {
	bool		 started, ended;
	unsigned	 next_index;
	struct {
		bool			 open, seen, stopped;
		unsigned		 index;
		enum ir_part_type	 type;
	} choice[IR_CHOICES_MAX];
};

/* Returns NULL, or what is wrong with ev at this place. */
const char	*ir_check(struct ir_check *, const struct ir_event *);

/*
 * For paths in the loss report.  The node of a value whose bytes, raw, are the
 * request's; or otherwise.
 */
uint32_t	 ir_node_of(const struct ir_request *, struct str raw,
		    uint32_t otherwise);

/* --- a response folded into a tree, for clients that do not stream -------- */

struct ir_out_part {
	enum ir_part_type	 type;
	enum ir_tool_kind	 tool;
	struct str		 id, name, media_type;
	struct buf		 text;		/* jstr bytes: text or args */
	struct buf		 data;		/* base64 */
	struct jstr		 signature, redacted;
	struct str		 raw;		/* IR_OPAQUE */
	const struct dialect	*from;
	struct buf		 annotations;	/* raw values, comma between */
	struct buf		 logprobs;	/* likewise, OpenAI's form */
	struct ir_place		 at;
	struct ir_out_part	*next;
};

struct ir_out_choice {
	unsigned		 index;
	struct ir_out_part	*parts;
	struct ir_out_part	**last;
	enum ir_stop		 stop;
	struct str		 stop_raw;
	struct jstr		 stop_seq;
	struct ir_place		 at;		/* of its STOP */
	struct ir_out_choice	*next;
};

struct ir_response {
	struct arena		*arena;
	size_t			 max, size;	/* limit on all text */
	struct str		 id, model;
	int64_t			 created;
	struct ir_out_choice	*choices;	/* by index; may be none */
	struct ir_usage		 usage;
	bool			 ended;
	bool			 failed;
	struct ir_error		*error;		/* of failed; else NULL */
};

void	 ir_response_init(struct ir_response *, struct arena *, size_t max);
void	 ir_response_release(struct ir_response *);
/* Adds an event; -1 when max is passed. */
int	 ir_response_fold(struct ir_response *, const struct ir_event *)
	    __attribute__((__warn_unused_result__));

#endif /* WIRE_IR_H */
