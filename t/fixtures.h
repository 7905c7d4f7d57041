#ifndef T_FIXTURES_H
#define T_FIXTURES_H

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"
#include "wire/dialect.h"
#include "wire/frame.h"
#include "wire/json.h"

/*
 * Recorded exchanges with providers, read from $FIXTURES (its README.md tells
 * the format).  Everything lies in one arena.
 */
struct fixture {
	char			 id[24];
	const struct dialect	*dialect;	/* of the provider */
	bool			 generate;	/* a call of the model */
	bool			 path_stream;
	bool			 genuine;	/* recorded, not edited */
	bool			 whole;		/* no media cut out of it */
	int			 status;
	struct str		 model;
	struct str		 request;	/* body; empty: not recorded */
	struct str		 answer;	/* body, or all of a stream */
	enum framing		 framing;	/* of answer */
	struct fixture		*next;
};

/* The whole file, or n = 0. */
static inline struct str
fixture_file(struct arena *a, const char *path)
{
	FILE		*f = fopen(path, "rb");
	long		 n = -1;
	char		*p = NULL;

	if (f == NULL)
		return STR_NONE;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0) {
		rewind(f);
		p = arena_bytes(a, (size_t)n);
		if (fread(p, 1, (size_t)n, f) != (size_t)n)
			n = 0;
	}
	fclose(f);
	return n > 0 ? (struct str){ p, (size_t)n } : STR_NONE;
}

static inline bool
fixture_generates(struct jv endpoint)
{
	return json_is(endpoint, "chat") || json_is(endpoint, "responses") ||
	    json_is(endpoint, "messages") ||
	    json_is(endpoint, "generateContent") ||
	    json_is(endpoint, "streamGenerateContent");
}

static inline struct fixture *
fixture_make(struct arena *a, const struct json *j)
{
	struct jv	 root = json_root(j), body, raw;
	struct jv	 endpoint = json_get(root, "endpoint");
	struct fixture	*fx = ARENA_NEW(a, struct fixture);
	int64_t		 status = 0;

	snprintf(fx->id, sizeof(fx->id), "%.*s",
	    STR_FMT(json_str(a, json_get(root, "id"))));
	fx->dialect = dialect_byname(json_str(a, json_get(root, "provider")));
	fx->generate = fixture_generates(endpoint);
	fx->path_stream = json_is(endpoint, "streamGenerateContent");
	fx->genuine = !json_is(json_get(root, "authenticity"), "suspect");
	fx->whole = json_count(json_get(root, "truncated")) == 0;
	fx->model = json_str(a, json_get(root, "model"));
	if (json_int(json_get(json_get(root, "response"), "status"),
	    &status) == 0)
		fx->status = (int)status;
	body = json_get(json_get(root, "request"), "body");
	if (json_type(body) == JSON_OBJECT)
		fx->request = json_raw(body);
	body = json_get(json_get(root, "response"), "body");
	raw = json_get(json_get(root, "response"), "raw");
	if (json_type(raw) == JSON_STRING) {
		fx->answer = json_str(a, raw);
		if (json_type(json_get(root, "stream")) == JSON_TRUE)
			fx->framing = FRAME_SSE;
	} else if (!json_empty(body))
		fx->answer = json_raw(body);
	if (json_is(json_get(root, "stream_format"), "json-array") ||
	    (fx->framing == FRAME_NONE && json_type(body) == JSON_ARRAY))
		fx->framing = FRAME_JSON_ARRAY;
	return fx->dialect == NULL ? NULL : fx;
}

/* All of them, in the order of the index; NULL if there are none. */
static inline struct fixture *
fixtures_load(struct arena *a)
{
	struct fixture		*first = NULL, **last = &first, *fx;
	const char		*dir = getenv("FIXTURES");
	struct str		 index, line, text;
	struct json		 j;
	struct json_error	 je;

	if (dir == NULL)
		dir = "../shared/fixtures";
	index = fixture_file(a, arena_strf(a, "%s/index.jsonl", dir).p);
	json_init(&j);
	while (index.n > 0) {
		line = str_cut(&index, '\n');
		if (json_parse(&j, line, &je) == -1)
			continue;
		text = fixture_file(a, arena_strf(a, "%s/exchanges/%.*s.json",
		    dir, STR_FMT(json_str(a,
		    json_get(json_root(&j), "id")))).p);
		if (text.n == 0 || json_parse(&j, text, &je) == -1 ||
		    (fx = fixture_make(a, &j)) == NULL)
			continue;
		*last = fx;
		last = &fx->next;
	}
	json_release(&j);
	return first;
}

#endif /* T_FIXTURES_H */
