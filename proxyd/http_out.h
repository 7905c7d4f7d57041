#ifndef PROXYD_HTTP_OUT_H
#define PROXYD_HTTP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/str.h"
#include "proxyd/worker.h"

/*
 * The providers' side, on our loop.  A POST over plain http goes by HTTP/1.1 of
 * our own (http_conn.h), once libcurl has connected; all else by libcurl, which
 * only http_out.c knows.  What arrives is only appended to buffers and posted;
 * the owner's cb runs later in the same turn.
 */

#define UPSTREAM_HEADERS	48
#define UPSTREAM_HIGH		(256u << 10)	/* bytes held: stop reading */
#define UPSTREAM_WHOLE		(64u << 20)	/* ... where nobody takes them */

enum upstream_fault {
	UPSTREAM_OK,
	UPSTREAM_CONNECT,		/* never got there */
	UPSTREAM_TIMEOUT,		/* connecting or waiting */
	UPSTREAM_TLS,
	UPSTREAM_CUT,			/* broke while answering */
	UPSTREAM_BAD			/* what came is no HTTP */
};

struct out_easy;
struct out_conn;

struct upstream_call {
	const char	*url;
	const char	*method;		/* NULL: POST, with body */
	struct str	 body;			/* stays put until closed */
	const char *const *headers;		/* "Name: value", NULL ended:
						 * the lines stay put, too */
	bool		 stream;		/* it answers in small pieces */
	const char	*proxy, *ca_file;	/* NULL: none, the system's */
	int		 connect_ms;
	int64_t		 max_answer;		/* bytes; more is a fault */
	bool		 fetch;		/* GET what a stranger's URL names, each
					   address judged by netguard_address */
	bool		 allow_private;	/* ... with this */
};

struct upstream {
	void			(*up_cb)(void *);	/* something changed */
	void			*up_arg;
	int			 up_status;	/* 0: no answer yet */
	bool			 up_headers_done;
	bool			 up_done;	/* nothing more comes */
	bool			 up_flow;	/* the owner takes bytes as they
						   come: set by it */
	enum upstream_fault	 up_fault;	/* when done */
	char			 up_error[256];
	struct buf		 up_in;		/* body not yet taken */
	int64_t			 up_received;	/* body bytes */
	const char		*up_denied;	/* fetch: an address is this */
	bool			 up_unknown;	/* the name has no address */
	bool			 up_private;	/* fetch: allow_private */
	int64_t			 up_first_us;	/* monotonic: first byte */
	int64_t			 up_connect_us;	/* it took; 0: a kept one was
						   there; -1: there is none */
	struct str		 up_header[UPSTREAM_HEADERS];	/* lines */
	unsigned		 up_nheaders;
	struct arena		 up_arena;
	/* http_out's own */
	struct http_out		*up_out;
	struct out_easy		*up_easy;	/* NULL: none at work */
	struct out_conn		*up_conn;	/* NULL: libcurl's, or over */
	int			 up_connect_ms;
	char			*up_lines;	/* where up_header lies, or NULL */
	bool			 up_once;	/* the handle is not kept */
	bool			 up_paused, up_toolarge;
	int64_t			 up_max;
	struct loop_task	 up_task;
	struct loop_task	 up_free;
};

struct http_out	*http_out_create(struct worker *);
void		 http_out_destroy(struct http_out *);

/* POSTs, or GETs for fetch; cb is called at least once more after this returned. */
struct upstream	*upstream_start(struct http_out *, const struct upstream_call *,
		    void (*cb)(void *), void *);
/* Detaches the transfer at once, frees at the end of the turn. */
void	 upstream_close(struct upstream *);
/* The owner took bytes from up_in: go on reading if that was stopped. */
void	 upstream_taken(struct upstream *);
/* Calls cb again later in this turn, if something waits for it. */
void	 upstream_again(struct upstream *);
/* The value of an answer's header, empty if none. */
struct str	 upstream_header(const struct upstream *, const char *name);

/* Where an answer redirects to, absolute; empty if nowhere.  Until closed. */
struct str	 upstream_redirect(const struct upstream *);

#endif /* PROXYD_HTTP_OUT_H */
