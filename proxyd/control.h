#ifndef PROXYD_CONTROL_H
#define PROXYD_CONTROL_H

/*
 * The control socket: a Unix stream socket of mode 0600 in the home directory
 * (struct conf_paths), served by the master.  A client sends one command and a
 * line feed; the answer is lines, the first of them "ok" or "error TEXT", then
 * the end of the stream.
 *
 *	status	"name value" lines: pid, version, state (running, draining),
 *		host, port, config (path or "embedded"), home, started (unix
 *		seconds), generation, anonymous (0, 1), no_reload (0, 1); then
 *		"worker SLOT PID STATE BEAT_MS INFLIGHT CONNECTIONS GENERATION"
 *		a worker,
 *		"logger PID STATE", "stat NAME VALUE" a counter,
 *		"alert TEXT" for what needs attention
 *	reload	re-reads app.yml; "error TEXT" with file, line and reason when it
 *		is refused, and nothing has changed then.  After "ok":
 *		"changed 0" or 1, "generation N", "workers replaced" if they were
 *	stop	"ok" at once; the stream ends when everything has ended
 *	upgrade	starts the program file as it is now; "ok" when the new master
 *		serves (this one then drains and goes), "error TEXT" if not
 *	cancel ID "ok": the request in flight with this id ends within a moment
 *	operator "ok", then "host", "port" and "token" for the operator's requests
 *		(operator.h); the token is another one with each start
 *	shm	"ok", and with it (SCM_RIGHTS) a read-only descriptor of the
 *		shared memory
 *
 * Started with -R FD, proxyd writes one line there when it serves ("ready HOST
 * PORT") or cannot ("error TEXT"), and closes it.
 *
 *	proxyd [-nv] [-d home] [-f app.yml] [-p port] [-w workers] [-R fd]
 *	  -n  do not reload when app.yml changes	-v  debug lines
 *
 * It stays in the foreground and logs to standard error; proxyctl puts it into
 * the background.  Exit status: 0 stopped as told, 1 error, 2 configuration.
 */
#define CONTROL_LINE_MAX	4096

struct master;

int	 control_open(struct master *, const char *path);
void	 control_close(struct master *);

#endif /* PROXYD_CONTROL_H */
