/* What is compiled in: made from etc/models.yaml by common/state/caps_gen.c. */
#include "base/caps.h"

static const struct caps_rule builtin[] = {
#include "models_caps.h"
};

const struct caps_table caps_builtin = {
	builtin, sizeof(builtin) / sizeof(builtin[0])
};
