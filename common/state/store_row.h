#ifndef STATE_STORE_ROW_H
#define STATE_STORE_ROW_H

#include "state/acct.h"

/*
 * The columns in the order of the table, each with its value: NUM(column, value
 * of struct acct_fixed) or TXT(column, enum acct_str).
 */
#define STORE_ROW								\
	NUM(time_us, time_us)						\
	NUM(status, status)						\
	NUM(upstream_status, upstream_status)				\
	TXT(provider, ACCT_PROVIDER)					\
	TXT(model_asked, ACCT_MODEL_ASKED)				\
	TXT(model_sent, ACCT_MODEL_SENT)				\
	TXT(model_answered, ACCT_MODEL_ANSWERED)			\
	TXT(dialect, ACCT_DIALECT)					\
	TXT(target_dialect, ACCT_TARGET_DIALECT)			\
	TXT(path, ACCT_PATH)						\
	TXT(route, ACCT_ROUTE)						\
	NUM(stream, stream)						\
	NUM(translated, translated)					\
	NUM(incomplete, incomplete)					\
	NUM(attempts, attempts)						\
	NUM(key_id, key_id)						\
	TXT(key_mask, ACCT_KEY_MASK)					\
	NUM(input, input)						\
	NUM(cache_read, cache_read)					\
	NUM(cache_write_5m, cache_write_5m)				\
	NUM(cache_write_1h, cache_write_1h)				\
	NUM(output, output)						\
	NUM(reasoning, reasoning)					\
	NUM(ttfb_us, ttfb_us)						\
	NUM(total_us, total_us)						\
	NUM(overhead_us, overhead_us)					\
	NUM(bytes_in, bytes_in)						\
	NUM(bytes_out, bytes_out)					\
	NUM(bytes_up, bytes_up)						\
	NUM(bytes_down, bytes_down)					\
	NUM(worker, worker)						\
	TXT(request_id, ACCT_ID)					\
	TXT(upstream_id, ACCT_UPSTREAM_ID)				\
	TXT(client, ACCT_CLIENT)					\
	TXT(user_agent, ACCT_USER_AGENT)				\
	TXT(stop, ACCT_STOP)						\
	TXT(close, ACCT_CLOSE)						\
	TXT(error, ACCT_ERROR)						\
	TXT(attempts_json, ACCT_ATTEMPTS)				\
	TXT(loss_json, ACCT_LOSS)					\
	NUM(tenant_id, tenant_id)					\
	NUM(client_key_id, client_key_id)				\
	TXT(tenant, ACCT_TENANT)					\
	NUM(cost, cost)							\
	NUM(cost_guess, cost_guess)					\
	TXT(session, ACCT_SESSION)					\
	TXT(trace_json, ACCT_TRACE)					\
	NUM(queue_us, queue_us)						\
	NUM(connect_us, connect_us)

#endif /* STATE_STORE_ROW_H */
