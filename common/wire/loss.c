/* The loss report: see loss.h. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "wire/ir.h"
#include "wire/json.h"
#include "wire/loss.h"

#define STRICT_MAX	900	/* of the fields in an error's text */
#define HEADER_MAX	512	/* of loss_header's text, without "+n more" */
#define MORE_MAX	96	/* of loss_json's line of what is not told */

void
loss_init(struct loss *l, struct arena *a)
{
	memset(l, 0, sizeof(*l));
	l->arena = a;
	l->last = &l->first;
}

static struct loss_item *
loss_find(const struct loss *l, struct str path)
{
	struct loss_item	*it;

	for (it = l->first; it != NULL; it = it->next) {
		if (str_eq(it->path, path))
			return it;
	}
	return NULL;
}

void
loss_add(struct loss *l, enum loss_action action, struct str path,
    const char *why)
{
	struct loss_item	*it = loss_find(l, path);

	if (it != NULL && it->action >= action)
		return;
	if (action == LOSS_REFUSED)
		l->refused++;
	if (action != LOSS_IGNORED && (it == NULL ||
	    it->action == LOSS_IGNORED))
		l->n++;
	if (it != NULL) {
		it->action = action;
		it->why = why;
		return;
	}
	if (l->kept == LOSS_MAX)
		return;
	l->kept++;
	it = ARENA_NEW(l->arena, struct loss_item);
	it->action = action;
	it->path = arena_str(l->arena, path);
	it->why = why;
	*l->last = it;
	l->last = &it->next;
}

void
loss_remove_why(struct loss *l, const char *why)
{
	struct loss_item	**at, *it;

	for (at = &l->first; (it = *at) != NULL;) {
		if (it->why != why) {
			at = &it->next;
			continue;
		}
		l->refused -= it->action == LOSS_REFUSED;
		l->n -= it->action != LOSS_IGNORED;
		l->kept--;
		*at = it->next;
	}
	l->last = at;
}

void
loss_node(struct loss *l, enum loss_action action, const struct json *j,
    uint32_t node, const char *suffix, const char *why)
{
	struct str	 path = STR_NONE;

	/* A path costs a walk over the text: not for what is only counted. */
	if (l->kept == LOSS_MAX) {
		l->n += action != LOSS_IGNORED;
		if (action == LOSS_REFUSED)
			l->refused++;
		return;
	}
	if (j != NULL)
		path = json_path(l->arena, j, node);
	if (suffix != NULL)
		path = arena_strf(l->arena, "%.*s%s", STR_FMT(path),
		    path.n == 0 && suffix[0] == '.' ? suffix + 1 : suffix);
	loss_add(l, action, path, why);
}

const char *
loss_action_name(enum loss_action action)
{
	switch (action) {
	case LOSS_IGNORED:
		return "ignored";
	case LOSS_APPROXIMATED:
		return "approximated";
	case LOSS_DROPPED:
		return "dropped";
	case LOSS_REFUSED:
		return "refused";
	}
	return "lost";
}

static void
item_json(struct jw *w, struct str path, enum loss_action action,
    const char *why)
{
	jw_object(w);
	jw_key(w, "path");
	jw_str(w, path);
	jw_key(w, "action");
	jw_strz(w, loss_action_name(action));
	jw_key(w, "why");
	jw_strz(w, why);
	jw_object_end(w);
}

/* A path that a client made long is not told to its end. */
static struct str
path_told(struct str path, size_t max)
{
	if (path.n <= max)
		return path;
	for (path.n = max; path.n > 0 && (path.p[path.n] & 0xc0) == 0x80;)
		path.n--;
	return path;
}

void
loss_json_max(const struct loss *l, struct buf *out, size_t max)
{
	const struct loss_item	*it;
	struct jw		 w;
	size_t			 start = out->len, before;
	unsigned		 n = l->n;

	jw_init(&w, out);
	jw_array(&w);
	for (it = l->first; it != NULL; it = it->next) {
		before = out->len;
		item_json(&w, path_told(it->path, max / 8), it->action,
		    it->why);
		if (out->len - start + MORE_MAX > max) {
			out->len = before;
			break;
		}
		n -= it->action != LOSS_IGNORED;
	}
	if (n > 0)
		item_json(&w, STR_NONE, LOSS_DROPPED,
		    arena_strf(l->arena, "and %u more", n).p);
	jw_array_end(&w);
}

void
loss_json(const struct loss *l, struct buf *out)
{
	loss_json_max(l, out, SIZE_MAX / 2);
}

/* A path may hold any name the client chose; a header may not. */
static void
header_path(struct buf *out, struct str path)
{
	size_t	 i;

	for (i = 0; i < path.n; i++)
		buf_addc(out, path.p[i] > ' ' && path.p[i] < 0x7f ?
		    path.p[i] : '?');
}

void
loss_header(const struct loss *l, struct buf *out)
{
	const struct loss_item	*it;
	size_t			 start = out->len;
	unsigned		 n = 0;

	for (it = l->first; it != NULL; it = it->next) {
		if (it->action == LOSS_IGNORED ||
		    out->len - start + it->path.n + 16 > HEADER_MAX)
			continue;
		buf_addf(out, "%s%s", n++ == 0 ? "" : "; ",
		    loss_action_name(it->action));
		if (it->path.n > 0) {
			buf_addc(out, ' ');
			header_path(out, it->path);
		}
	}
	if (n < l->n)
		buf_addf(out, "%s+%u more", n == 0 ? "" : "; ", l->n - n);
}

int
loss_strict(const struct loss *l, struct ir_error *err)
{
	const struct loss_item	*it;
	unsigned		 n = 0;
	struct buf		 b;

	if (l->n == 0)
		return 0;
	buf_init(&b, STRICT_MAX);
	for (it = l->first; it != NULL; it = it->next) {
		if (it->action == LOSS_IGNORED)
			continue;
		if (b.len + it->path.n + strlen(it->why) + 32 > STRICT_MAX)
			break;
		(void)buf_addf(&b, "%s'%.*s' is %s (%s)", n++ == 0 ? "" :
		    "; ", STR_FMT(it->path), loss_action_name(it->action),
		    it->why);
	}
	if (n < l->n)
		(void)buf_addf(&b, "; and %u more", l->n - n);
	ir_error_set(err, IR_ERR_BAD_REQUEST, "no loss is allowed (strict), "
	    "but on the way to this model %.*s", STR_FMT(buf_str(&b)));
	for (it = l->first; it != NULL && it->action == LOSS_IGNORED;)
		it = it->next;
	if (it != NULL)
		ir_error_copy(err->param, sizeof(err->param), it->path);
	buf_release(&b);
	return -1;
}
