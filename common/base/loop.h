#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One thread's event loop: descriptors (epoll), timers, posted calls, deferred
 * calls.  A turn is: wait; descriptors; timers; posted calls until none is
 * left; the turn hook; deferred calls.  Objects are the caller's and stay put
 * while they are in use; any of them may be removed in any callback.
 */
struct loop;

struct loop_fd {
	int		 fd;
	uint32_t	 events;	/* as registered: EPOLLIN ... */
	void		(*cb)(void *, uint32_t events);
	void		*arg;
};

struct loop_timer {
	void		(*cb)(void *);
	void		*arg;
	int64_t		 at_ms;		/* in the loop's time */
	unsigned	 slot;		/* in the heap, from 1; 0: not set */
};

struct loop_task {
	void			(*cb)(void *);
	void			*arg;
	bool			 queued;
	struct loop_task	*next;
};

struct loop	*loop_create(void);
void		 loop_destroy(struct loop *);

/* One turn; waits at most until the next timer. */
void	 loop_turn(struct loop *);
/* Runs turns until loop_stop. */
void	 loop_run(struct loop *);
void	 loop_stop(struct loop *);

/* Monotonic milliseconds, read once a turn. */
int64_t	 loop_now(const struct loop *);

/* -1 with errno. */
int	 loop_add(struct loop *, struct loop_fd *, uint32_t events)
	    __attribute__((__warn_unused_result__));
int	 loop_mod(struct loop *, struct loop_fd *, uint32_t events)
	    __attribute__((__warn_unused_result__));
/* Before the descriptor is closed. */
void	 loop_del(struct loop *, struct loop_fd *);
/* For a descriptor that is closed already: only pending events are dropped. */
void	 loop_forget(struct loop *, struct loop_fd *);

/* Setting one that is set moves it. */
void	 loop_timer_set(struct loop *, struct loop_timer *, int64_t in_ms);
void	 loop_timer_clear(struct loop *, struct loop_timer *);

/* Runs later in this turn; one that is queued stays where it is. */
void	 loop_post(struct loop *, struct loop_task *);
/* Runs at the end of this turn, when nothing else can refer to the object. */
void	 loop_defer(struct loop *, struct loop_task *);

/* Called once a turn when all posted calls have run. */
void	 loop_hook(struct loop *, void (*cb)(void *), void *);

#endif /* BASE_LOOP_H */
