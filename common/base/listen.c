/*
 * Listening sockets.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/log.h"

#define BACKLOG	1024

static int
listen_on(const struct addrinfo *ai)
{
	int	 fd, saved, on = 1;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, ai->ai_protocol);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
listen_tcp(const char *host, int port, const char *prefix, char *err,
    size_t size)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_PASSIVE }, *ai;
	char		 service[16];
	int		 fd, r;

	snprintf(service, sizeof(service), "%d", port);
	if ((r = getaddrinfo(host, service, &hints, &ai)) != 0) {
		snprintf(err, size, "%sHOST '%s': %s", prefix, host,
		    gai_strerror(r));
		return -1;
	}
	fd = listen_on(ai);
	r = errno;
	freeaddrinfo(ai);
	if (fd != -1)
		return fd;
	snprintf(err, size, "cannot listen on %s port %d: %s", host, port,
	    strerror(r));
	if (r == EADDRINUSE)
		snprintf(err + strlen(err), size - strlen(err), "; stop what "
		    "runs there, or choose another with %sPORT in app.yml or "
		    "--port", prefix);
	return -1;
}

int
listen_port(int fd)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	char			 name[16];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&ss, len, NULL, 0, name,
	    sizeof(name), NI_NUMERICSERV | NI_NUMERICHOST) != 0)
		fatal("own address");
	return (int)strtol(name, NULL, 10);
}
