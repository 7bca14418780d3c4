// SPDX-License-Identifier: MIT
/*
 * C2, C3, R8, R10, T9: fork, exec, exit, kill, stop and continue at random moments, in four processes at once: every child ends as
 * it must, and on Heddle the ledger is back where it was.
 * deadline: 60
 * libc: musl
 */
#include "ledger.h"
#include "raw.h"
#include <sys/time.h>

enum { WORKERS = 4, ROUNDS = 60 };

static char self[512];
static unsigned seed;

static unsigned draw(unsigned below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % below;
}

static void *keep_busy(void *kind)
{
	for (;;) {
		if ((long)kind & 1) {
			usleep(100);
		} else if ((long)kind & 2) {
			sched_yield();
		} else {
			getppid();
		}
	}
}

static void start_busy(long count)
{
	for (long i = 0; i < count; i++) {
		start_thread(keep_busy, (void *)i);
	}
}

static void *run_self(void *delay)
{
	char *arguments[] = {self, "seven", NULL};

	usleep((useconds_t)(long)delay);
	execv(self, arguments);
	_exit(99);
}

static void *nothing(void *unused)
{
	return unused;
}

static void die_among_threads(void)
{
	start_busy(4);
	usleep(draw(2000));
	kill(getpid(), SIGTERM);
	keep_busy(NULL);
}

static void fault_among_threads(void)
{
	start_busy(3);
	usleep(draw(300));
	*(volatile int *)UNMAPPED_ADDRESS = 1;
}

static void exec_among_threads(void)
{
	start_busy(3);
	start_thread(run_self, (void *)(long)draw(1500));
	keep_busy((void *)1);
}

static void come_and_go(void)
{
	for (int i = 0; i < 20; i++) {
		pthread_join(start_thread(nothing, NULL), NULL);
	}
	_exit(3);
}

static void leave_orphans(void)
{
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			usleep(draw(1000));
			_exit(0);
		}
	}
	_exit(8);
}

static void stop_and_go_on(void)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		start_busy(4);
		usleep(draw(2000));
		_exit(5);
	}
	usleep(draw(1500));
	kill(child, SIGSTOP);
	usleep(draw(300));
	kill(child, SIGCONT);
	if (draw(2)) {
		usleep(draw(1500));
		kill(child, SIGKILL);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(status == 5 << 8 || status == SIGKILL);
}

static void one_round(void)
{
	switch (draw(6)) {
	case 0:
		CHECK_EQ(in_child(die_among_threads), SIGTERM);
		break;
	case 1:
		CHECK_EQ(in_child(fault_among_threads) & 0x7f, SIGSEGV);
		break;
	case 2:
		CHECK_EQ(in_child(exec_among_threads), 7 << 8);
		break;
	case 3:
		CHECK_EQ(in_child(come_and_go), 3 << 8);
		break;
	case 4:
		CHECK_EQ(in_child(leave_orphans), 8 << 8);
		break;
	default:
		stop_and_go_on();
	}
}

static void turmoil(void)
{
	pid_t workers[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		CHECK(workers[i] >= 0);
		if (workers[i] == 0) {
			seed = (unsigned)i * 7919 + 1;
			for (int round = 0; round < ROUNDS; round++) {
				one_round();
			}
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		int status;

		CHECK_EQ(waitpid(workers[i], &status, 0), workers[i]);
		CHECK_EQ(status, 0);
	}
}

int main(int argc, char **argv)
{
	bool counts = access("/proc/heddle/ledger", W_OK) == 0;
	struct ledger before;

	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	if (argc > 1) {
		return strcmp(argv[1], "seven") == 0 ? 7 : 1;
	}
	if (counts) {
		ledger_begin(&before);
	}
	turmoil();
	ok("turmoil");
	if (counts) {
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}
