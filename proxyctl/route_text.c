/*
 * What route tells, for people.
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "proxyctl/words.h"

static const char *
text_of(const json_t *o, const char *member)
{
	const char	*s = json_string_value(json_object_get(o, member));

	return s == NULL ? "" : s;
}

static long long
number_of(const json_t *o, const char *member)
{
	return (long long)json_integer_value(json_object_get(o, member));
}

/* Compact, as it stands in the rule; taken. */
static void
print_value(const char *before, const json_t *v)
{
	char	*s = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY |
		    JSON_ENSURE_ASCII);

	printf("%s%s", before, s == NULL ? "" : s);
	free(s);
}

static void
print_rules(const json_t *rules)
{
	const json_t	*r, *v;
	size_t		 i;

	json_array_foreach(rules, i, r) {
		printf("%-8s %s: ", i == 0 ? "rules" : "", text_of(r, "rule"));
		if (json_is_true(json_object_get(r, "matched"))) {
			printf("matches\n");
			continue;
		}
		printf("no, %s", text_of(r, "why"));
		if ((v = json_object_get(r, "wanted")) != NULL)
			print_value(" wants ", v);
		if ((v = json_object_get(r, "got")) != NULL)
			print_value(", is ", v);
		printf("\n");
	}
}

static void
print_keys(const json_t *t)
{
	const json_t	*k;
	long long	 ms;
	size_t		 i;

	json_array_foreach(json_object_get(t, "keys"), i, k) {
		printf("         key %lld %s: %s", number_of(k, "id"),
		    text_of(k, "mask"), text_of(k, "state"));
		if ((ms = number_of(k, "for_ms")) > 0)
			printf(" for %lld s", (ms + 999) / 1000);
		printf("%s\n", number_of(t, "key_id") == number_of(k, "id") ?
		    ", next" : "");
	}
}

/* Micro-dollars as dollars. */
static void
print_money(const char *before, long long micros, const char *after)
{
	printf("%s$%lld.%06lld%s", before, micros / 1000000,
	    micros % 1000000, after);
}

static void
print_target(const json_t *t, bool chosen)
{
	const json_t	*price = json_object_get(t, "price"), *l;
	size_t		 i;

	printf("%-8s %s %s (%s, %s%s)%s%s\n", chosen ? "target" : "  then",
	    text_of(t, "provider"), text_of(t, "model"), text_of(t, "dialect"),
	    text_of(t, "mode"), json_is_true(json_object_get(t,
	    "translated")) ? ", translated" : "", text_of(t, "pool")[0] ==
	    '\0' ? "" : ", pool ", text_of(t, "pool"));
	print_keys(t);
	if (json_is_object(price)) {
		print_money("         price ", number_of(price, "input"),
		    " in, ");
		print_money("", number_of(price, "output"), " out a million; ");
		print_money("this: at most about ", number_of(t,
		    "cost_estimate"), "\n");
	} else
		printf("         unpriced\n");
	if (json_object_size(json_object_get(t, "sets")) > 0) {
		print_value("         sets ", json_object_get(t, "sets"));
		printf("\n");
	}
	json_array_foreach(json_object_get(t, "loss"), i, l)
		printf("         %s %s: %s\n", text_of(l, "action"),
		    text_of(l, "path"), text_of(l, "why"));
	if (number_of(t, "media_to_fetch") > 0)
		printf("         %lld media to be fetched first\n",
		    number_of(t, "media_to_fetch"));
	if ((l = json_object_get(t, "error")) != NULL)
		printf("         not usable: %s\n", text_of(l, "message"));
}

static void
print_text(const json_t *o)
{
	const json_t	*rq = json_object_get(o, "request"), *v;
	const json_t	*chosen = json_object_get(o, "chosen");
	size_t		 i;

	printf("request  %s %s, model %s%s, about %lld tokens in",
	    text_of(rq, "dialect"), text_of(rq, "path"), text_of(rq, "model"),
	    json_is_true(json_object_get(rq, "stream")) ? ", a stream" : "",
	    number_of(rq, "input_tokens"));
	json_array_foreach(json_object_get(rq, "has"), i, v)
		printf(", %s", json_string_value(v));
	printf("\n");
	print_rules(json_object_get(o, "rules"));
	if (text_of(o, "route")[0] != '\0')
		printf("route    %s, by %s, %s\n", text_of(o, "route"),
		    text_of(o, "by"), text_of(o, "strategy"));
	json_array_foreach(json_object_get(o, "targets"), i, v)
		print_target(v, chosen != NULL &&
		    (size_t)json_integer_value(chosen) == i);
	json_array_foreach(json_object_get(o, "limits"), i, v) {
		print_value(i == 0 ? "limits   " : "         ", v);
		printf("\n");
	}
	if ((v = json_object_get(o, "error")) != NULL)
		printf("refused  %lld: %s\n", number_of(v, "status"),
		    text_of(v, "message"));
}

int
ctl_route_tell(const struct ctl *c, struct str json)
{
	json_error_t	 je;
	json_t		*o = json_loadb(json.p, json.n, 0, &je);

	if (o == NULL)
		return ctl_fail("the answer is no JSON: %s", je.text);
	if (c->opt[OPT_JSON] == NULL)
		print_text(o);
	else if (json_dumpf(o, stdout, JSON_INDENT(2)) == 0)
		printf("\n");
	json_decref(o);
	return CTL_OK;
}
