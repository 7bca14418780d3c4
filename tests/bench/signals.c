// SPDX-License-Identifier: MIT
/* Rows of signals: to the thread itself, and to another one. */
#include "bench.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

static void count_one(int number)
{
	seen += number > 0;
}

static void handle(int number)
{
	struct sigaction action = {.sa_handler = count_one};

	CHECK(sigaction(number, &action, NULL) == 0);
}

static uint64_t to_self(unsigned count)
{
	pid_t self = getpid(), tid = (pid_t)syscall(SYS_gettid);

	handle(SIGUSR1);
	seen = 0;
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		syscall(SYS_tgkill, self, tid, SIGUSR1);
	}
	uint64_t took = counter_nanoseconds() - start;
	CHECK((unsigned)seen == count);
	return took;
}

static uint64_t kill_self(unsigned count)
{
	pid_t self = getpid();

	handle(SIGUSR1);
	seen = 0;
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		kill(self, SIGUSR1);
	}
	uint64_t took = counter_nanoseconds() - start;
	CHECK((unsigned)seen == count);
	return took;
}

static uint64_t blocked_and_open(unsigned count)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	uint64_t start = counter_nanoseconds();
	for (unsigned i = 0; i < count; i++) {
		sigprocmask(i & 1 ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
	}
	uint64_t took = counter_nanoseconds() - start;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return took;
}

static atomic_int peer, answered;

static void *await_signals(void *rounds)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	atomic_store(&peer, (int)syscall(SYS_gettid));
	futex_rouse(&peer, 1);
	for (unsigned i = 0; i < (unsigned)(uintptr_t)rounds; i++) {
		sigwait(&set, &number);
		atomic_fetch_add(&answered, 1);
		futex_rouse(&answered, 1);
	}
	return NULL;
}

/* The other waits for it in sigwait, and answers by a futex. */
static uint64_t to_thread(unsigned count)
{
	pthread_t other;
	sigset_t set;
	pid_t self = getpid();

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	atomic_store(&peer, 0);
	atomic_store(&answered, 0);
	CHECK(pthread_create(&other, NULL, await_signals, (void *)(uintptr_t)count) == 0);
	while (atomic_load(&peer) == 0) {
		futex_sleep(&peer, 0);
	}
	uint64_t start = counter_nanoseconds();
	for (int i = 0; i < (int)count; i++) {
		syscall(SYS_tgkill, self, atomic_load(&peer), SIGUSR2);
		while (atomic_load(&answered) <= i) {
			futex_sleep(&answered, i);
		}
	}
	uint64_t took = counter_nanoseconds() - start;
	pthread_join(other, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return took;
}

const struct row signal_rows[] = {
	{"signal: tgkill to self, handled", ONE_CPU, 500, to_self},
	{"signal: kill to self, handled", ONE_CPU, 500, kill_self},
	{"signal: mask changed", ONE_CPU, 1000, blocked_and_open},
	{"signal: to a thread in sigwait, and back", ONE_CPU, 500, to_thread},
	{NULL, 0, 0, NULL},
};
