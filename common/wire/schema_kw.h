#ifndef WIRE_SCHEMA_KW_H
#define WIRE_SCHEMA_KW_H

#include "base/arena.h"
#include "wire/json.h"

/* What schema.c and schema_lower.c share: the types, in Gemini's order. */
enum schema_type {
	SCHEMA_STRING, SCHEMA_NUMBER, SCHEMA_INTEGER, SCHEMA_BOOLEAN,
	SCHEMA_ARRAY, SCHEMA_OBJECT, SCHEMA_NULL, SCHEMA_TYPES
};

/* "string" ... */
const char	*schema_type_name(int);
/* A type's name in any case, or its number in Gemini's enum; -1: neither. */
int		 schema_type(struct arena *, struct jv);

#endif /* WIRE_SCHEMA_KW_H */
