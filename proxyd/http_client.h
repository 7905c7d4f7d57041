#ifndef PROXYD_HTTP_CLIENT_H
#define PROXYD_HTTP_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "proxyd/worker.h"

/*
 * The connections of clients: accepted, looked at for what they send first,
 * parked between two requests, ended in a drain.  What comes on them is read
 * by libmicrohttpd, which http_in.c has; nobody else uses this.
 *
 * Between two requests a connection is parked: libmicrohttpd has it suspended,
 * and our own epoll, where it stands anyway, resumes it when something comes.
 * Otherwise libmicrohttpd would ask once more, in vain, and take the socket
 * into its epoll, and out of it for the next request.
 */
struct clients;
struct http_call;
struct http_in;
struct side;
struct MHD_Connection;

struct conn {
	struct clients		*all;
	struct side		*side;		/* NULL: nothing has come yet */
	struct MHD_Connection	*mhd;
	struct loop_fd		 fd;
	struct sockaddr_storage	 addr;
	socklen_t		 addr_len;
	bool			 gone;		/* the client has left */
	bool			 loopback;
	bool			 ended;		/* by us, as idle in a drain */
	bool			 parked;
	bool			 stirred;	/* more may wait to be read */
	char			 peer[INET6_ADDRSTRLEN];
	int64_t			 idle_ms;	/* no call since then */
	struct http_call	*call;		/* NULL: idle */
	struct conn		*next, **prev;
	struct conn		*rest_next, **rest_prev; /* done or parked */
};

struct clients	*clients_create(struct worker *, struct http_in *);
/* Of those that libmicrohttpd has there must be none that is parked. */
void		 clients_destroy(struct clients *);

/* As http_in_drain, which is this. */
void	 clients_drain(struct clients *);
unsigned clients_count(const struct clients *);

/* Once a turn of libmicrohttpd: parks those whose call has ended. */
void	 clients_park(struct clients *);
/* All of them are libmicrohttpd's again, and their calls are aborted. */
void	 clients_abort(struct clients *);

/* Its call has ended, and it is kept. */
void	 conn_done(struct conn *);
/* Write as well?  epoll is told. */
void	 conn_watch(struct conn *, bool write);
/* Its descriptor is closed already. */
void	 conn_free(struct conn *);

/* --- what this asks of http_in.c ------------------------------------------------ */

/*
 * Gives it to libmicrohttpd.  Failure: it is closed, and conn_free was called.
 */
bool	 http_in_take(struct http_in *, struct conn *, bool large);
/* Has libmicrohttpd look at it in this turn. */
void	 http_in_look(struct conn *);
void	 http_in_suspend(struct conn *);
/* As what waits for nothing but its client: libmicrohttpd counts its time. */
void	 http_in_resume(struct conn *);
/* It is not suspended, and waits for its client. */
void	 http_in_idle(struct conn *);

/* Its socket can be written again. */
void	 call_room(struct http_call *);
/* The client has left.  False: libmicrohttpd has to see it for itself. */
bool	 call_left(struct http_call *);
/* Does a request stand behind it? */
bool	 call_open(const struct http_call *);

#endif /* PROXYD_HTTP_CLIENT_H */
