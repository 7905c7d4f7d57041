/*
 * Any bytes as JSON.  What is accepted is walked with every accessor, written
 * again and read again, and must be the same.
 */
#include <math.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/json.h"

#define PATHS	64	/* each walks from the root */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A string decoded, written and decoded again. */
static void
check_string(struct jv v)
{
	struct arena	 a;
	struct buf	 b;
	struct jw	 w;
	struct json	 j;
	struct str	 s;
	struct jstr	 again;

	arena_init(&a);
	buf_init(&b, SIZE_MAX / 8);
	json_init(&j);
	jw_init(&w, &b);
	s = json_str(&a, v);
	must(utf8_valid(s));
	jw_str(&w, s);
	must(json_parse(&j, buf_str(&b), NULL) == 0 && j.n == 1);
	must(str_eq(json_str(&a, json_root(&j)), s));
	again = jstr_encode(&a, s);
	must(str_eq(jstr_decode(&a, again), s));
	if (s.n == 0 || memchr(s.p, '\0', s.n) == NULL)
		must(json_is(v, arena_str(&a, s).p));
	json_release(&j);
	buf_release(&b);
	arena_release(&a);
}

static void
check_number(struct jv v)
{
	int64_t	 n;
	double	 d;

	if (json_int(v, &n) == -1)
		return;
	must(json_double(v, &d) == 0);
	must(fabs(d - (double)n) <= fabs(d) * 1e-12);
}

/* Children tile the container, and those that are there are counted. */
static void
check_container(struct jv v)
{
	struct jv	 e;
	uint32_t	 next = v.i + 1;
	size_t		 n = 0;

	for (e = json_first(v); json_ok(e); e = json_next(e), n++) {
		must(e.i == next + (json_type(v) == JSON_OBJECT));
		must(json_ok(json_key(e)) == (json_type(v) == JSON_OBJECT));
		next = v.j->nodes[e.i].next;
	}
	must(next == v.j->nodes[v.i].next && n == json_count(v));
}

static void
check_node(const struct json *j, uint32_t i)
{
	struct jv	 v = json_at(j, i);
	struct str	 raw = json_raw(v);

	must(raw.p >= j->text.p && raw.n > 0 &&
	    raw.n <= (size_t)(j->text.p + j->text.n - raw.p));
	switch (json_type(v)) {
	case JSON_STRING:
		check_string(v);
		break;
	case JSON_NUMBER:
		check_number(v);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		check_container(v);
		break;
	default:
		break;
	}
}

static void
check_written(const struct json *j)
{
	struct buf	 b;
	struct json	 again;
	struct jw	 w;
	uint32_t	 i;

	buf_init(&b, SIZE_MAX / 8);
	json_init(&again);
	jw_init(&w, &b);
	jw_raw(&w, json_raw(json_root(j)));
	must(b.len <= j->text.n && memchr(b.data, '\n', b.len) == NULL);
	must(json_parse(&again, buf_str(&b), NULL) == 0 && again.n == j->n);
	for (i = 0; i < j->n; i++) {
		must(again.nodes[i].type == j->nodes[i].type &&
		    again.nodes[i].next == j->nodes[i].next &&
		    again.nodes[i].key == j->nodes[i].key);
		if (j->nodes[i].type < JSON_ARRAY)
			must(str_eq(json_raw(json_at(&again, i)),
			    json_raw(json_at(j, i))));
	}
	json_release(&again);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str		 text = { (const char *)data, n };
	struct json_error	 err = { 0, NULL };
	struct arena		 a;
	struct json		 j;
	uint32_t		 i;

	arena_init(&a);
	json_init(&j);
	if (json_parse(&j, text, &err) == -1)
		must(err.offset <= n && err.what != NULL);
	else {
		check_written(&j);
		for (i = 0; i < j.n; i++)
			check_node(&j, i);
		for (i = 0; i < j.n && i < PATHS; i++)
			must(json_path(&a, &j, i).p != NULL);
	}
	/* Half an escape may come from pieces; it must do no harm. */
	(void)jstr_decode(&a, (struct jstr){ text.p, text.n });
	json_release(&j);
	arena_release(&a);
	return 0;
}
