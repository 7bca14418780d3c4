// SPDX-License-Identifier: MIT
/*
 * D4, T7: a process may set many timers that are nearly due on the CPU time of another one, whose many threads sleep: there is time
 * left for it to compute, and to delete them.
 * deadline: 60
 */
#include "test.h"

enum { TIMERS = 4000, THREADS = 200, MILLISECOND = 1000000 };

static timer_t timers[TIMERS];

static void *rest(void *unused)
{
	(void)unused;
	for (;;) {
		pause();
	}
}

static pid_t sleeper(void)
{
	pid_t child = fork();
	pthread_t thread;

	CHECK(child >= 0);
	if (child == 0) {
		for (int i = 0; i < THREADS; i++) {
			CHECK_EQ(pthread_create(&thread, NULL, rest, NULL), 0);
		}
		rest(NULL);
	}
	usleep(200000);
	return child;
}

static void set_all(clockid_t clock)
{
	struct itimerspec soon = {{0, 0}, {0, 1}};
	struct sigevent blocked = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	for (int i = 0; i < TIMERS; i++) {
		CHECK_EQ(timer_create(clock, &blocked, &timers[i]), 0);
		CHECK_EQ(timer_settime(timers[i], 0, &soon, NULL), 0);
	}
}

static void delete_all(void)
{
	for (int i = 0; i < TIMERS; i++) {
		CHECK_EQ(timer_delete(timers[i]), 0);
	}
}

static long long compute(void)
{
	long long start = now_ns();

	for (volatile int i = 0; i < 2000000; i++) {
	}
	return now_ns() - start;
}

int main(void)
{
	long long before = compute(), with;
	pid_t other = sleeper();
	clockid_t clock;

	CHECK_EQ(clock_getcpuclockid(other, &clock), 0);
	set_all(clock);
	with = compute();
	delete_all();
	CHECK_EQ(kill(other, SIGKILL), 0);
	CHECK_EQ(waitpid(other, NULL, 0), other);
	printf("# %lld us alone, %lld us with timers\n", before / 1000, with / 1000);
	CHECK(with < 20 * before + 500 * MILLISECOND);
	ok("time_left");
	return 0;
}
