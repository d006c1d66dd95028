/*
 * A clock that is CLOCK_OFF seconds away from the machine's, for a process that
 * this library is preloaded into. It stands here because libfaketime does not do
 * for PostgreSQL: while a process waits in epoll_wait it shows signal handlers
 * the true time, so that timeouts of sessions end at once or never.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long off;

__attribute__((constructor)) static void read_off(void)
{
	const char *given = getenv("CLOCK_OFF");

	off = given ? atol(given) : 0;
}

/* The monotonic clocks stay as they are: nobody sets those. */
int clock_gettime(clockid_t id, struct timespec *at)
{
	int failed = syscall(SYS_clock_gettime, id, at);

	if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		at->tv_sec += off;
	return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}
