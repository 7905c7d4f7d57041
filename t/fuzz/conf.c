/*
 * Any bytes as app.yml: a conf that holds what it promises, or an error.
 */
#include <stdint.h>

#include "base/log.h"
#include "state/conf.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_text(struct str s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		must((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static void
check_conf(const struct conf *c)
{
	const struct conf_provider	*p;
	const struct conf_header	*h;
	const struct conf_model		*m;
	const struct conf_key		*k;

	must(c->process.port >= 0 && c->process.port <= 65535);
	must(c->max_body >= 1024 && c->retry_tries >= 1);
	for (p = c->providers; p != NULL; p = p->next) {
		must(p->name.n > 0 && p->dialect.n > 0 && p->connect_ms > 0);
		check_text(p->base_url);
		check_text(p->auth_header);
		check_text(p->auth_format);
		for (h = p->headers; h != NULL; h = h->next) {
			check_text(h->name);
			check_text(h->value);
		}
		for (k = p->keys; k != NULL; k = k->next)
			check_text(secret_reveal(k->value));
	}
	for (m = c->models; m != NULL; m = m->next)
		must(m->route_key.n > 0 && m->target.n > 0 &&
		    m->provider.n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct conf	*c;
	char		 err[256] = "";

	c = conf_parse((struct str){ (const char *)data, n }, "app.yml", err,
	    sizeof(err));
	if (c != NULL)
		check_conf(c);
	else
		must(err[0] != '\0');
	conf_free(c);
	return 0;
}
