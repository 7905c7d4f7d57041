#ifndef PROXYD_REQUEST_H
#define PROXYD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "policy/route_target.h"
#include "proxyd/admit.h"
#include "proxyd/http_in.h"
#include "proxyd/http_out.h"
#include "state/acct.h"
#include "state/snapshot.h"
#include "wire/dialect.h"

/*
 * One request, from its first header to its row in the log.
 *
 *	READ	the body comes in
 *	TRY	an attempt is under way; no content has gone to the client,
 *		but after a silence the head may have, with signs of life
 *	STREAM	committed: bytes have gone to the client, no other attempt
 *	DONE	the answer is complete, or will never be; the call sends it
 *
 * request_state moves it, forward only but for TRY, which may follow itself.
 * request_close is the only exit.
 */
struct asked;
enum verdict { VERDICT_NONE, VERDICT_GOOD, VERDICT_ALIVE, VERDICT_BAD };
enum request_state { RQ_READ, RQ_TRY, RQ_STREAM, RQ_DONE };

struct fetch;
struct mock;
struct vault_taker;
struct responses;
struct op;

struct request {
	struct worker		*rq_wk;
	struct http_call	*rq_call;
	struct request		*rq_next, **rq_prev;	/* of the worker */
	int			 rq_live;	/* line in shared memory; -1 */
	uint64_t		 rq_live_said;	/* bytes of text so far */
	unsigned		 rq_live_step;	/* that is shown */
	struct snapshot		*rq_snap;
	enum request_state	 rq_state;
	char			 rq_id[40];	/* "req_..." */
	struct arena		 rq_arena;
	int64_t			 rq_wall_us, rq_start_us;
	int64_t			 rq_cpu_us;	/* spent in our own code */
	int64_t			 rq_first_us;	/* first byte out; -1 */

	/* what was asked */
	const struct snap_client_key *rq_ckey;	/* NULL: none is needed */
	const struct snap_tenant *rq_tenant;	/* NULL: none */
	bool			 rq_operator;	/* see operator.h */
	const struct snap_key	*rq_only;	/* his choice; NULL: any */
	struct admitted		 rq_admitted;
	struct dialect_match	 rq_match;
	const struct dialect	*rq_client;	/* whose envelope errors take */
	struct buf		 rq_body;
	int64_t			 rq_body_seen;
	bool			 rq_early;	/* answered with rq_err */
	struct json		 rq_json;
	struct ir_request	 rq_ir;
	struct loss		 rq_loss;
	struct ir_exchange	 rq_x;

	/* where it goes */
	struct plan		*rq_plan;	/* targets, in their order */
	unsigned		 rq_step;	/* that of the moment */
	struct route_ask	 rq_ask;	/* as those who route see it */
	struct route_said	 rq_given;	/* before a rule's parameters */
	uint64_t		 rq_session;	/* holds to its key; 0: none */
	uint64_t		 rq_conversation; /* to be remembered; 0: none */
	uint64_t		 rq_kept;	/* id of the key it had; 0 */
	struct route		 rq_route;
	const struct snap_pool	*rq_pool;
	const struct snap_provider *rq_provider;
	const struct dialect	*rq_target;	/* NULL: the mock */
	struct fetch		*rq_fetch;	/* of media, under way */
	bool			 rq_same;	/* bytes are forwarded */
	bool			 rq_strict;	/* a loss is a 400 */
	unsigned		 rq_refusals;	/* learned in this request */
	struct buf		 rq_send;	/* body for the provider */
	bool			 rq_as_came;	/* it is rq_body, untouched */
	const struct snap_key	*rq_key;	/* of this attempt, or NULL */
	int64_t			 rq_need;	/* tokens of input; 0: not
						   estimated yet */
	bool			*rq_tried;	/* by key of the snapshot */
	bool			 rq_resting;	/* before another attempt */
	unsigned		 rq_tries;	/* of all calls */
	unsigned		 rq_call_tries;	/* of this one */
	int64_t			 rq_try_us;
	bool			 rq_trying;	/* an attempt is open */
	enum verdict		 rq_verdict;	/* on the provider, by it */
	struct asked		*rq_asked;	/* providers, what was told */
	int64_t			 rq_trial;	/* provider whose circuit this
						   attempt tries; 0: none */
	int64_t			 rq_spoke_us;	/* first content; 0: not yet */
	bool			 rq_sooner;	/* than the provider said */
	bool			 rq_broken;	/* its circuit is open */
	/* in the worker's queue for keys, where rq_queue_prev is set */
	struct request		*rq_queue_next, **rq_queue_prev;
	int64_t			 rq_queue_us;	/* since when */
	int64_t			 rq_queue_since_ms;
	int64_t			 rq_queue_until_ms;	/* 0: never waited */
	struct ir_error		*rq_queue_err;
	struct upstream		*rq_up;
	struct mock		*rq_mock;
	struct loop_timer	 rq_timer;
	struct loop_timer	 rq_alive;	/* keep-alive of a stream */
	int64_t			 rq_alive_sent;	/* bytes said by then */
	bool			 rq_headed;	/* the head has gone out */
	struct buf		 rq_wait;	/* said before any content */
	bool			 rq_timer_total;	/* total_timeout's */

	struct responses	*rq_responses;	/* NULL: of another dialect */
	bool			 rq_native;	/* responses_native.c */
	struct vault_taker	*rq_taker;	/* NULL: nothing to take */
	bool			 rq_vaulted;	/* its state was kept */
	int64_t			 rq_key_hint;	/* key that made its state; 0 */

	/* what comes back */
	bool			 rq_answering;	/* framer and decoder are live */
	bool			 rq_folding;	/* rq_resp is */
	enum framing		 rq_framing;	/* NONE: a whole body */
	struct framer		 rq_framer;
	struct ir_decoder	 rq_dec;
	struct ir_encoder	 rq_enc;
	struct ir_response	 rq_resp;
	struct ir_event		 rq_start;	/* how it began, copied */
	struct buf		 rq_out;	/* to the client */
	struct buf		 rq_hold;	/* same dialect: part of a frame */
	bool			 rq_content;	/* commit point reached */
	bool			 rq_said;	/* content since last looked */
	bool			 rq_finishing;	/* only the end is missing */
	bool			 rq_hide_usage;	/* we asked, not the client */
	bool			 rq_hide;	/* ... and this frame is it */
	bool			 rq_ended;	/* END seen */
	bool			 rq_failed;	/* ERROR seen */
	struct ir_error		*rq_err;	/* by request_error; or NULL */

	struct op		*rq_op;		/* not for an answer; or NULL */
	/* several calls for one answer: see choices.h */
	unsigned		 rq_choices;	/* calls in all; 0: just one */
	unsigned		 rq_choice;	/* this one, from 0 */
	unsigned		 rq_choices_parts;	/* of those before */
	unsigned		 rq_choice_parts;	/* of this one */
	struct ir_usage		 rq_choices_usage, rq_choice_usage;

	struct capturing	*rq_capture;	/* bodies; NULL: not kept */

	/* for the log */
	struct acct_rec		 rq_acct;
	struct buf		 rq_attempts;	/* JSON array, open */
	struct buf		 rq_attempt;	/* the last one, where it has
						   no room in it */
	int64_t			 rq_attempt_us;
	unsigned		 rq_attempts_left;	/* told of neither */
	int64_t			 rq_attempts_left_us;
	struct buf		 rq_keys;	/* ACCT_KEYS */
	struct loop_task	 rq_free;
};

#define REQUEST_OUT_HIGH	(256u << 10)	/* held for a slow client */
#define REQUEST_FINISH_MS	5000		/* from finish reason to end */
#define REQUEST_ANSWER_MAX	(64u << 20)	/* bytes of one whole answer */

/* The body was replaced: it is parsed and decoded anew. */
int	 request_redecode(struct request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));

/* --- attempts.c ---------------------------------------------------------------- */

void	 attempts_init(struct request *);
void	 attempts_release(struct request *);
/*
 * The attempt that runs has ended; said: the provider's words, or ours.  Of many
 * the first ones and the last are told, and how many are between.
 */
void	 attempts_add(struct request *, int status, const char *why,
	    struct str said);
/* It was made with rq_key; all of these are counted. */
void	 attempts_key(struct request *, int status, bool ok);
/* No more come: into the record, whose strings live as long as the request. */
void	 attempts_end(struct request *);

/* --- request_vault.c ----------------------------------------------------------- */

/* Reasoning state of earlier turns into the request, before it is encoded. */
void	 request_vault_restore(struct request *);
/* An answer begins; each event of it, before the client's encoder has it. */
void	 request_vault_begin(struct request *);
void	 request_vault_event(struct request *, const struct ir_event *);
void	 request_vault_end(struct request *);
/* Lines of the report about what was kept after all. */
void	 request_vault_loss(struct request *);

/* --- request.c ---------------------------------------------------------------- */

/* The answer is an error: its envelope, or an event once committed. */
void	 request_fail(struct request *, const struct ir_error *);
/* What went wrong, of all zeros at first: few requests have one. */
struct ir_error	*request_error(struct request *);
/* A whole answer; with more headers. */
void	 request_reply(struct request *, int status, const char *type,
	    struct buf *body);
void	 request_reply_with(struct request *, int status, const char *type,
	    const struct http_header *, size_t n, struct buf *body);
/* The head of an answer in pieces; moves it to STREAM. */
void	 request_commit(struct request *);
/* Everything is said; upstream may be detached. */
void	 request_done(struct request *, const char *how);
/* Sets the timer, within what total_timeout leaves. */
void	 request_timer(struct request *, int64_t ms);
/*
 * Fills in rq_alive: from then on the client of a stream is told in each silence
 * that it is still alive, with the head first if that has not gone out.
 */
void	 request_alive(struct request *);
/* The head of a stream, whose bytes come from out. */
void	 request_head(struct request *, struct buf *out);
/* The first attempt at what is ready to be sent. */
void	 request_start(struct request *);
/* Log lines carry the request's id. */
void	 request_log(const struct request *, const char *, ...)
	    __attribute__((__format__(printf, 2, 3)));

/* --- request_live.c: while it is in flight --------------------------------------- */

void	 request_live_begin(struct request *);
void	 request_live_show(struct request *);	/* as it is now */
void	 request_live_tried(struct request *);
void	 request_live_said(struct request *, size_t bytes);
void	 request_live_end(struct request *);
/* Ends those that the operator does not want any more. */
void	 request_cancels(struct worker *);

/* --- request_route.c: where it goes --------------------------------------------- */

/* The plan, and its first target; -1 with the error. */
int	 request_route(struct request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
/* One provider, whatever the rules say; false: it is not there. */
bool	 request_to(struct request *, struct str provider, struct str model);
/* Targets of this provider come first; false: it has none in the plan. */
bool	 request_prefer(struct request *, struct str provider);
/* The client's parameters and a rule's over them; anew: the body was replaced. */
void	 request_said(struct request *, bool anew);
struct route_target request_target(const struct request *);
struct permit	 request_permit(const struct request *);
/* 0, or 1: media are fetched, and then is called; -1 with the error. */
int	 request_fetch(struct request *, void (*then)(struct request *),
	    struct ir_error *) __attribute__((__warn_unused_result__));
/* rq_send, for the target of the moment. */
int	 request_translate(struct request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
/*
 * To the next target that has a key and takes the request: 0, with its encoding
 * and key; 1: media are fetched first, then try_again; -1: there is none, and
 * everything is as it was.
 */
int	 request_next_target(struct request *)
	    __attribute__((__warn_unused_result__));
/* The same with the first target of all. */
int	 request_any_target(struct request *)
	    __attribute__((__warn_unused_result__));
/* The body for the provider; to be changed, it is to be in rq_send first. */
struct str request_sent(const struct request *);
void	 request_own(struct request *);
/* request_params.c: a rule's parameters, in a body of the client's dialect. */
void	 request_params(struct request *, const struct rule_target *);
/* Conversation and rules tried, into the record. */
void	 request_trace(struct request *);
/* The rule's name, or how the model's name was understood. */
struct str request_route_name(const struct request *);

/* --- request_try.c: attempts ------------------------------------------------------ */

/* Starts an attempt with the next key; answers the client if there is none. */
void	 try_next(struct request *);
/* Takes a key of rq_pool; false: wait_ms as keypick has it. */
bool	 try_key(struct request *, int64_t *wait_ms);
/* Milliseconds until a key of any target may be used again; -1: none ever. */
int64_t	 try_soonest(struct request *);
/* Starts the attempt for which target and key are chosen. */
void	 try_again(struct request *);
/*
 * The attempt has ended: counted, noted, its key rested where it should be.
 * status 0: no answer.
 */
void	 try_end(struct request *, int status, bool ok, const char *why);
/*
 * Overwrites the key in a provider's error that says it: it is neither for the
 * client nor for the log.
 */
void	 try_hide_key(const struct request *, char *, size_t);
/* As try_end, then another attempt if that may help, else the error. */
void	 try_failed(struct request *, int status, const struct ir_error *);

/* --- request_provider.c: what attempts tell of a provider -------------------------- */

/* May it be asked?  Else *wait_ms says when.  What is entered is ended, or
 * dropped where no attempt came of it. */
bool	 provider_enter(struct request *, int64_t *wait_ms);
void	 provider_drop(struct request *);
/* This error ends the attempt; the first content came; it has ended. */
void	 provider_failed(struct request *, const struct ir_error *);
void	 provider_spoke(struct request *);
void	 provider_end(struct request *, bool ok);
/* ACCT_ASKED of its attempts; in the request's arena. */
struct str provider_asked(struct request *);

/* --- request_refusal.c: parameters that models do not take ------------------------- */

/* Leaves out of rq_send what is remembered of its model. */
void	 refusals_apply(struct request *);
/*
 * Does the provider's error name a parameter that can be left out?  Then it has
 * been, and the request is to be sent again with the same key.
 */
bool	 refusals_again(struct request *, const struct ir_error *);

/* --- request_answer.c: what comes back --------------------------------------------- */

/* Something changed at the upstream; also called to go on after a pause. */
void	 answer_cb(void *);
/* The finish reason was given long ago, and no end has come: this is it. */
void	 answer_end_late(struct request *);
/* A new attempt: decoder and encoder begin anew. */
void	 answer_begin(struct request *, enum framing);
void	 answer_release(struct request *);
/* What this attempt said is forgotten, what calls before it did is not. */
void	 answer_again(struct request *);
/* An event of the provider, checked. */
int	 answer_event(void *, const struct ir_event *);
/* After a batch of events: commit, wake, end or fail. */
void	 answer_progress(struct request *);

/* --- request_head.c: what a provider's answer says beside its body ------------------ */

#define REQUEST_HEADERS	40

struct headers {
	struct http_header	 h[REQUEST_HEADERS];
	size_t			 n;
};

/* What finds no room is left out.  The name and value stay the caller's. */
void	 head_add(struct headers *, const char *name, const char *value);
bool	 head_has(const struct headers *, const char *name);
/*
 * The provider's headers for the client: those of its dialect's list, or in
 * another dialect those that have a meaning there, under their names there.
 */
void	 head_provider(struct request *, struct headers *);
/* The id under which the provider knows the request, else ours. */
struct str	 head_request_id(struct request *);
/* Seconds to wait by retry-after-ms or retry-after, rounded up; -1: not said. */
int	 head_retry_after(const struct upstream *);
/* Seconds until a rate limit that is said to be spent is not; -1: none is. */
int	 head_limit_wait(struct upstream *);

/* --- request_op.c: counting tokens, embeddings ---------------------------------- */

/*
 * The same request machine, but for what is decoded, sent and made of the
 * answer.  Each of these is called where rq_op is set, or tells so itself.
 */
bool	 op_begin(struct request *);	/* is it one?  Sets rq_op. */
int	 op_decode(struct request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
/* Are media by URL to be fetched for it? */
bool	 op_fetches(const struct request *);
/* Fills rq_send; 1: there is nobody to ask, and the client has its answer. */
int	 op_translate(struct request *, struct ir_error *)
	    __attribute__((__warn_unused_result__));
void	 op_path(const struct request *, struct buf *);
/* All of the provider's answer is there. */
void	 op_answer(struct request *);
/* An estimate instead of this error? */
bool	 op_instead(struct request *, const struct ir_error *);
/*
 * Tokens of input, estimated, of any request; none where they are only counted,
 * which nobody pays for.
 */
int64_t	 op_input(const struct request *);
/* NULL: it asks for none. */
const struct embed *op_embed(const struct request *);
bool	 op_is_free(const struct request *);
/* Was a count estimated?  The answer's head says so. */
bool	 op_estimated(const struct request *);

/* --- api.c ------------------------------------------------------------------------------ */

/* Answers a path that is no dialect's, or a list of models; false: not ours. */
bool	 api_serve(struct request *);
/* Is it one of the paths that anyone may ask for? */
bool	 api_is_public(struct str method, struct str path);
bool	 api_has(struct str path);

/* --- docs.c: /docs and /openapi.json, from the program file ----------------------------- */

bool	 docs_has(struct str path);
void	 docs_serve(struct request *);

/* --- mock.c ------------------------------------------------------------------------------ */

void	 mock_start(struct request *);
void	 mock_free(struct mock *);		/* takes NULL */
/* There is room again for what it says. */
void	 mock_again(struct mock *);

#endif /* PROXYD_REQUEST_H */
