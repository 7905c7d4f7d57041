/*
 * Life cycle of a dialect's decoder and encoder.  The decoder is wrapped: what
 * the dialect emits passes ir_check before anyone sees it, always, so that a
 * bug of ours becomes an error in the client's dialect and an alert in the log
 * instead of a malformed stream.
 */
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "wire/answer_loss.h"
#include "wire/dialect.h"
#include "wire/ir.h"
#include "wire/json.h"

/* Stands between the dialect and the sink that was asked for. */
struct guard {
	struct ir_check		 check;
	struct ir_sink		 sink;
	const struct dialect	*dialect;
	struct ir_exchange	*x;
	struct arena		*arena;
	bool			 done;	/* END or ERROR has passed */
};

static int
guard_error(struct guard *g, const char *what)
{
	struct ir_error	 err;
	struct ir_event	 ev = { .type = IR_EV_ERROR, .error = &err };

	ir_error_set(&err, IR_ERR_UPSTREAM, "%s", what);
	g->done = true;
	return ir_emit(&g->sink, &ev);
}

static int
guard_violation(struct guard *g, const char *what)
{
	log_alert("decoder of %s: %s", g->dialect->name, what);
	return guard_error(g, "the provider's answer could not be translated");
}

/*
 * Raw JSON of a body that was printed on several lines would tear an event of
 * the client's stream apart.  A line end in JSON is space, so it becomes one.
 */
static struct str
one_line(struct arena *a, struct str raw)
{
	char	*p;
	size_t	 i;

	if (raw.n == 0 || (memchr(raw.p, '\n', raw.n) == NULL &&
	    memchr(raw.p, '\r', raw.n) == NULL))
		return raw;
	p = arena_bytes(a, raw.n);
	for (i = 0; i < raw.n; i++)
		p[i] = raw.p[i] == '\n' || raw.p[i] == '\r' ? ' ' : raw.p[i];
	return (struct str){ p, raw.n };
}

static int
guard_emit(void *arg, const struct ir_event *in)
{
	struct guard	*g = arg;
	struct ir_event	 ev = *in;
	const char	*what;

	if (g->done)
		return 0;
	if ((what = ir_check(&g->check, &ev)) != NULL)
		return guard_violation(g, what);
	if (ev.type == IR_EV_END || ev.type == IR_EV_ERROR)
		g->done = true;
	ev.raw = one_line(g->arena, ev.raw);
	ev.at = g->x->at;
	if (ir_emit(&g->sink, &ev) == -1) {
		g->done = true;
		return -1;
	}
	return 0;
}

void
ir_decoder_init(struct ir_decoder *dec, const struct dialect *d,
    struct ir_exchange *x, struct ir_sink sink)
{
	struct guard	*g = ARENA_NEW(x->arena, struct guard);

	g->sink = sink;
	g->dialect = d;
	g->x = x;
	g->arena = x->arena;
	x->at = (struct ir_place){ .from = d };
	dec->dialect = d;
	dec->x = x;
	dec->sink = (struct ir_sink){ guard_emit, g };
	dec->state = d->dec_size == 0 ? NULL :
	    arena_alloc(x->arena, d->dec_size);
	json_init(&dec->json);
}

void
ir_decoder_release(struct ir_decoder *dec)
{
	json_release(&dec->json);
}

int
ir_decoder_frame(struct ir_decoder *dec, const struct frame *f)
{
	const struct guard	*g = dec->sink.arg;
	int			 r;

	if (g->done)
		return 0;
	json_clear(&dec->json);
	r = dec->dialect->event_decode(dec, f);
	if (dec->dialect->answer != NULL)
		answer_leftover(dec->x, &dec->dialect->answer->event,
		    &dec->json);
	return r;
}

/* Whatever was fed, the sequence is closed when this has returned. */
static int
decoder_close(struct ir_decoder *dec, int res)
{
	struct guard	*g = dec->sink.arg;

	if (g->done)
		return res;
	return guard_violation(g, "neither an end nor an error");
}

int
ir_decoder_end(struct ir_decoder *dec)
{
	const struct guard	*g = dec->sink.arg;

	if (g->done)
		return 0;
	return decoder_close(dec, dec->dialect->event_end(dec));
}

int
ir_decoder_body(struct ir_decoder *dec, struct str body)
{
	struct guard		*g = dec->sink.arg;
	struct json_error	 je;

	if (g->done)
		return 0;
	if (json_parse(&dec->json, body, &je) == -1)
		return guard_error(g, str_trim(body).n == 0 ?
		    "the provider's answer is empty" :
		    "the provider's answer is not JSON");
	if (dec->dialect->answer != NULL)
		answer_leftover(dec->x, &dec->dialect->answer->body,
		    &dec->json);
	return decoder_close(dec, dec->dialect->body_decode(dec));
}

void
ir_encoder_init(struct ir_encoder *enc, const struct dialect *d,
    struct ir_exchange *x, struct buf *out)
{
	enc->dialect = d;
	enc->x = x;
	enc->out = out;
	enc->state = d->enc_size == 0 ? NULL :
	    arena_alloc(x->arena, d->enc_size);
}
