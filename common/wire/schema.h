#ifndef WIRE_SCHEMA_H
#define WIRE_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/loss.h"

/*
 * Schemas of tools and structured output, between JSON Schema (what OpenAI,
 * Anthropic and Gemini's *JsonSchema members take) and the OpenAPI 3.0 subset
 * of Gemini's "parameters" and "responseSchema".
 *
 * Both work by position: a property that is called "type" or "$ref" is a
 * property.  Both always write exactly one value, always an object.
 */

#define SCHEMA_DEPTH_MAX	128		/* of schemas in schemas */
#define SCHEMA_OUT_MAX		(1u << 20)	/* bytes that one may become */

/*
 * Gemini's form as JSON Schema: types in lower case, nullable as a type array
 * or anyOf, numbers that came as strings ("minItems": "1") as numbers, what
 * only Gemini knows (propertyOrdering) left out.  JSON Schema that is written
 * with upper-case types, as some clients do, may be passed as well.  What is
 * no JSON object becomes {"type":"object"}.
 */
void	 schema_from_openapi(struct arena *, struct str in, struct jw *out);

/* Is one of the types of a JSON Schema, at any depth, in upper case? */
bool	 schema_is_upper(struct jv);

/*
 * JSON Schema as Gemini's form: local references inlined, const and allOf
 * rewritten, what Gemini does not know left out.  Losses get the path of node
 * in origin with the place in the schema behind it; node 0: "schema".  -1 when
 * the schema is no JSON object, or is too deep or too large once its references
 * are inlined: then {"type":"OBJECT"} was written, and that is in the report.
 */
int	 schema_to_gemini(struct arena *, struct str in, struct loss *,
	    const struct json *origin, uint32_t node, struct jw *out)
	    __attribute__((__warn_unused_result__));

/*
 * The root of a tool's schema, as OpenAI's and Anthropic's APIs take it, says
 * that it is an object, and has no anyOf, oneOf, allOf, enum or not.  These
 * tell whether v is such, has one of these, and asks for anything else.
 */
bool	 schema_root_plain(struct jv);
bool	 schema_root_choice(struct jv);
bool	 schema_root_differs(struct jv);
/* Likewise, with the type in any case, or unsaid beside properties. */
bool	 schema_root_object(struct arena *, struct jv);
/*
 * Writes the object v so: what its branches ask for becomes properties of the
 * root, and with allOf stays required.  "properties" is always written.
 */
void	 schema_root_write(struct jv, struct jw *out);

#endif /* WIRE_SCHEMA_H */
