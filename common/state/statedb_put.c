/*
 * What is put into state.db: sealed and gathered when it is put, written by
 * statedb_flush in one transaction.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/statedb.h"
#include "state/statedb_seal.h"
#include "state/store_sql.h"

#define SCRATCH_KEEP	((size_t)64 << 10)

/* One row; value and input are sealed.  All of it lies in the arena. */
struct put {
	struct put		*next;
	bool			 response;	/* else of the vault */
	int64_t			 tenant_id;
	struct vault_row	 vault;
	struct response_row	 row;
	int64_t			 time_us;
};

struct statedb_puts {
	struct arena		 a;
	struct put		*first, **last;
	unsigned		 n;
	struct buf		 scratch;
};

static struct statedb_puts *
puts_of(struct store *s)
{
	struct statedb_puts	*p = s->puts;

	if (p != NULL)
		return p;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		fatal("calloc");
	arena_init(&p->a);
	p->last = &p->first;
	buf_init(&p->scratch, STATEDB_VALUE_MAX);
	return s->puts = p;
}

void
statedb_puts_free(struct statedb_puts *p)
{
	if (p == NULL)
		return;
	arena_release(&p->a);
	buf_release(&p->scratch);
	free(p);
}

unsigned
statedb_gathered(const struct store *s)
{
	return s->puts == NULL ? 0 : s->puts->n;
}

static int
seal(struct store *s, const struct secret_box *box, const char *kind,
    int64_t tenant_id, struct str name, struct str plain, struct str *sealed)
{
	struct statedb_puts	*p = puts_of(s);

	buf_clear(&p->scratch);
	if (statedb_seal(box, kind, tenant_id, name, plain, &p->scratch) == -1)
		return store_fail(s, "%zu bytes are too many to be sealed",
		    plain.n);
	*sealed = arena_str(&p->a, buf_str(&p->scratch));
	if (p->scratch.cap > SCRATCH_KEEP)
		buf_release(&p->scratch);
	return 0;
}

static void
add(struct statedb_puts *p, struct put *put)
{
	*p->last = put;
	p->last = &put->next;
	p->n++;
}

static int
vault_row_put(struct store *s, const struct secret_box *box,
    int64_t tenant_id, const struct vault_row *r, int64_t now)
{
	struct statedb_puts	*p = puts_of(s);
	struct put		*put = ARENA_NEW(&p->a, struct put);

	if (seal(s, box, "vault", tenant_id, r->name, r->value,
	    &put->vault.value) == -1)
		return -1;
	put->tenant_id = tenant_id;
	put->time_us = now;
	put->vault.name = arena_str(&p->a, r->name);
	put->vault.family = arena_str(&p->a, r->family);
	put->vault.provider = arena_str(&p->a, r->provider);
	put->vault.model = arena_str(&p->a, r->model);
	put->vault.key_id = r->key_id;
	add(p, put);
	return 0;
}

int
vault_put(struct store *s, const struct secret_box *box, int64_t tenant_id,
    const struct vault_row *r, size_t n)
{
	int64_t	 now = clock_wall_us();
	size_t	 i;

	for (i = 0; i < n; i++)
		if (vault_row_put(s, box, tenant_id, &r[i], now) == -1)
			return -1;
	return 0;
}

int
response_put(struct store *s, const struct secret_box *box, int64_t tenant_id,
    const struct response_row *r)
{
	struct statedb_puts	*p = puts_of(s);
	struct put		*put = ARENA_NEW(&p->a, struct put);

	if (seal(s, box, "response", tenant_id, r->id, r->object,
	    &put->row.object) == -1 || seal(s, box, "input", tenant_id, r->id,
	    r->input, &put->row.input) == -1)
		return -1;
	put->response = true;
	put->tenant_id = tenant_id;
	put->time_us = r->time_us;
	put->row.id = arena_str(&p->a, r->id);
	put->row.previous = arena_str(&p->a, r->previous);
	add(p, put);
	return 0;
}

/* --- written ------------------------------------------------------------------- */

static int
vault_write(struct store *s, const struct put *p)
{
	const struct vault_row	*r = &p->vault;

	return sql_run(s, "INSERT OR REPLACE INTO vault (tenant_id, name, "
	    "family, provider, model, key_id, time_us, value) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "issssiib", p->tenant_id,
	    r->name, r->family, r->provider, r->model, r->key_id, p->time_us,
	    r->value);
}

static int
response_write(struct store *s, const struct put *p)
{
	const struct response_row	*r = &p->row;

	return sql_run(s, "INSERT OR REPLACE INTO responses (tenant_id, id, "
	    "previous, time_us, object, input) VALUES (?, ?, ?, ?, ?, ?)",
	    "issibb", p->tenant_id, r->id, r->previous, p->time_us, r->object,
	    r->input);
}

static int
write_all(struct store *s, const struct statedb_puts *ps)
{
	const struct put	*p;

	if (sql_begin(s) == -1)
		return -1;
	for (p = ps->first; p != NULL; p = p->next)
		if ((p->response ? response_write(s, p) : vault_write(s,
		    p)) == -1)
			goto bad;
	if (sql_commit(s) == 0)
		return 0;
bad:
	sql_rollback(s);
	return -1;
}

int
statedb_flush(struct store *s)
{
	struct statedb_puts	*p = s->puts;
	int			 rc;

	if (p == NULL || p->n == 0)
		return 0;
	rc = write_all(s, p);
	arena_clear(&p->a);
	p->first = NULL;
	p->last = &p->first;
	p->n = 0;
	return rc;
}
