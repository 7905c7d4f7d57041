/*
 * Ids and tool names that fit where they go.  What does not fit is replaced by
 * something derived from it alone: every turn of a conversation, every process
 * and every release must come to the same result, or histories and prompt
 * caches break.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/ir.h"

#define ID_HASH		24		/* characters */
#define NAME_HASH	8
#define HASH_STEP	8		/* characters from one hash64 */

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static bool
all_allowed(struct str s, const char *extra)
{
	size_t	 i;

	for (i = 0; i < s.n; i++) {
		if (!is_word(s.p[i]) && (s.p[i] == '\0' ||
		    strchr(extra, s.p[i]) == NULL))
			return false;
	}
	return true;
}

/* n characters [0-9A-Za-z] from s. */
static void
digest(char *dst, size_t n, struct str s)
{
	static const char	 digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
				    "WXYZabcdefghijklmnopqrstuvwxyz";
	uint64_t		 h = 0;
	size_t			 i;

	for (i = 0; i < n; i++) {
		if (i % HASH_STEP == 0)
			h = hash64(s, 1 + i / HASH_STEP);
		dst[i] = digits[h % 62];
		h /= 62;
	}
}

struct str
ir_id_fit(struct arena *a, struct str id, const char *prefix, size_t max)
{
	size_t	 plen = strlen(prefix), n = ID_HASH;
	char	*p;

	if (id.n > 0 && id.n <= max && all_allowed(id, ""))
		return id;
	if (plen > max)
		plen = max;
	if (n > max - plen)
		n = max - plen;
	p = arena_bytes(a, plen + n + 1);
	memcpy(p, prefix, plen);
	digest(p + plen, n, id);
	p[plen + n] = '\0';
	return (struct str){ p, plen + n };
}

struct str
ir_id_prefixed(struct arena *a, struct str id, const char *prefix)
{
	static const char *const known[] = { "chatcmpl-", "msg_", "resp_",
	    "gen-", "call_", "toolu_", "fc_", NULL };
	size_t			 i;

	if (str_starts(id, prefix))
		return id;
	for (i = 0; known[i] != NULL; i++) {
		if (str_starts(id, known[i])) {
			id = str_skip(id, strlen(known[i]));
			break;
		}
	}
	return arena_join(a, (struct str[]){ str_of(prefix), id }, 2);
}

static void
name_record(struct arena *a, struct ir_names *names, struct str client,
    struct str target)
{
	struct ir_name	*n;

	for (n = names->first; n != NULL; n = n->next) {
		if (str_eq(n->client, client))
			return;
	}
	n = ARENA_NEW(a, struct ir_name);
	n->client = client;
	n->target = target;
	n->next = names->first;
	names->first = n;
}

/*
 * The changed name keeps what is readable and ends in a digest of the whole, so
 * that "a.b" cannot become another tool's "a_b".
 */
struct str
ir_name_fit(struct arena *a, struct ir_names *names, struct str name,
    const char *extra, size_t max)
{
	struct str	 target;
	size_t		 i, n = 0, room;
	char		*p;

	if (name.n <= max && all_allowed(name, extra))
		return name;
	room = max > NAME_HASH + 1 ? max - NAME_HASH - 1 : 0;
	p = arena_bytes(a, room + NAME_HASH + 2);
	for (i = 0; i < name.n && n < room; i++) {
		if (is_word(name.p[i]))
			p[n++] = name.p[i];
		else if (n == 0 || p[n - 1] != '_')
			p[n++] = '_';
	}
	if (n == 0 || p[n - 1] != '_')
		p[n++] = '_';
	digest(p + n, NAME_HASH, name);
	n += NAME_HASH;
	p[n] = '\0';
	target = (struct str){ p, n };
	name_record(a, names, name, target);
	return target;
}

struct str
ir_name_restore(const struct ir_names *names, struct str name)
{
	const struct ir_name	*n;

	for (n = names->first; n != NULL; n = n->next) {
		if (str_eq(n->target, name))
			return n->client;
	}
	return name;
}
