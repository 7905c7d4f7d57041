#ifndef T_JSONEQ_H
#define T_JSONEQ_H

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "wire/json.h"

/*
 * Do two values mean the same?  Order of members does not matter; of a name
 * that stands twice the last counts; 1, 1.0 and 1e0 are equal.  On a difference
 * *where is the node in a.  Depth is bounded by the parser's.
 */
static inline bool
json_same(struct arena *ar, struct jv a, struct jv b, uint32_t *where)
{
	struct jv	 e, f;
	double		 x, y;

	*where = a.i;
	if (json_type(a) != json_type(b))
		return false;
	switch (json_type(a)) {
	case JSON_STRING:
		return str_eq(json_str(ar, a), json_str(ar, b));
	case JSON_NUMBER:
		return str_eq(json_raw(a), json_raw(b)) ||
		    (json_double(a, &x) == 0 && json_double(b, &y) == 0 &&
		    !(x < y) && !(x > y));
	case JSON_ARRAY:
		f = json_first(b);
		for (e = json_first(a); json_ok(e); e = json_next(e)) {
			if (!json_ok(f) || !json_same(ar, e, f, where))
				return false;
			f = json_next(f);
		}
		*where = a.i;
		return !json_ok(f);
	case JSON_OBJECT:
		for (e = json_first(a); json_ok(e); e = json_next(e)) {
			const char *k = arena_str(ar,
			    json_str(ar, json_key(e))).p;

			if (!json_same(ar, json_get(a, k), json_get(b, k),
			    where))
				return false;
		}
		*where = a.i;
		for (f = json_first(b); json_ok(f); f = json_next(f)) {
			if (!json_ok(json_get(a, arena_str(ar,
			    json_str(ar, json_key(f))).p)))
				return false;
		}
		return true;
	default:
		return true;
	}
}

#endif /* T_JSONEQ_H */
