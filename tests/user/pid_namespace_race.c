// SPDX-License-Identifier: MIT
/*
 * C3, C8, R10: init of a pid namespace ends, or is killed, while others in it fork and while somebody
 * outside forks into it; 200 times each. When it has been waited for nobody is left inside, and in
 * the end nothing is left in the ledger.
 * deadline: 120
 */
#include "ledger.h"
#include "pid_namespace.h"

enum { ROUNDS = 200, FORKERS = 3, CROWD = 500 };

static int news[2],
	life[2]; /* a byte for each process inside; the writing end is open as long as one lives */
static unsigned seed = 1;
static int rounds_wanted;

static unsigned random_below(unsigned limit)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % limit;
}

/* Fork for ever; every second child forks once more, and is left behind. */
static void fork_for_ever(void)
{
	for (unsigned i = 0;; i++) {
		pid_t child = i % 4 == 3 ? vfork() : fork();

		if (child == 0) {
			if (i % 4 != 3) {
				if (write(news[1], "n", 1) != 1 ||
				    (i % 2 && fork() == 0)) {
					pause();
				}
			}
			_exit(0);
		}
		if (child < 0) {
			CHECK(errno == EAGAIN || errno == ENOMEM);
		}
		if (i % 2 == 0 && child > 0) {
			waitpid(child, NULL, 0);
		}
	}
}

static void *fork_in_thread(void *unused)
{
	fork_for_ever();
	return unused;
}

static void be_init(bool leaves, unsigned rounds)
{
	char byte;

	for (int i = 0; i < FORKERS; i++) {
		if (fork() == 0) {
			fork_for_ever();
		}
	}
	if (!leaves) {
		start_thread(fork_in_thread, NULL);
	}
	while (rounds--) {
		CHECK_EQ(read(news[0], &byte, 1), 1);
	}
	if (leaves) {
		_exit(0);
	}
	for (;;) {
		pause();
	}
}

static void begin_round(void)
{
	CHECK_EQ(pipe(news), 0);
	CHECK_EQ(pipe(life), 0);
}

/* Nobody has the writing end of `life` any more but us. */
static void end_round(void)
{
	char byte;

	close(life[1]);
	CHECK_EQ(fcntl(life[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(read(life[0], &byte, 1), 0);
	close(life[0]);
	close(news[0]);
	close(news[1]);
	CHECK_ERRNO(waitpid(-1, NULL, WNOHANG | __WALL), ECHILD);
}

static void end_by_leaving(void)
{
	for (int i = 0; i < rounds_wanted; i++) {
		unsigned rounds = random_below(8);

		begin_round();
		pid_t init = fork_with(CLONE_NEWPID);
		CHECK(init >= 0);
		if (init == 0) {
			be_init(true, rounds);
		}
		CHECK_EQ(wait_for(init), 0);
		end_round();
	}
}

static void end_by_killing(void)
{
	for (int i = 0; i < rounds_wanted; i++) {
		unsigned rounds = random_below(12);
		char byte;

		begin_round();
		pid_t init = fork_with(CLONE_NEWPID);
		CHECK(init >= 0);
		if (init == 0) {
			be_init(false, 0);
		}
		while (rounds--) {
			CHECK_EQ(read(news[0], &byte, 1), 1);
		}
		CHECK_EQ(kill(init, SIGKILL), 0);
		CHECK_EQ(wait_for(init), SIGKILL);
		end_round();
	}
}

/* Forks into the namespace from outside go on until they are refused; those made are ours to wait for. */
static void end_by_entering(void)
{
	int own = open("/proc/self/ns/pid", O_RDONLY);

	if (own < 0) {
		return;
	}
	for (int i = 0; i < rounds_wanted; i++) {
		pid_t init;
		int made = 0;

		begin_round();
		CHECK_EQ(unshare(CLONE_NEWPID), 0);
		init = fork();
		CHECK(init >= 0);
		if (init == 0) {
			be_init(true, 1 + random_below(6));
		}
		for (;;) {
			pid_t guest = fork();

			if (guest == 0) {
				pause();
			}
			if (guest < 0) {
				CHECK_EQ(errno, ENOMEM);
				break;
			}
			// Its kill may come at any time, ours only helps a round to its end.
			kill(guest, SIGKILL);
			CHECK_EQ(wait_for(guest), SIGKILL);
			made++;
		}
		CHECK_EQ(wait_for(init), 0);
		CHECK_EQ(setns(own, CLONE_NEWPID), 0);
		end_round();
	}
	close(own);
}

/* The most there ever are at a time: the kernel's own map of stacks is as large as it gets. */
static void end_a_crowd(void)
{
	begin_round();
	pid_t init = fork_with(CLONE_NEWPID);
	CHECK(init >= 0);
	if (init == 0) {
		for (int i = 0; i < CROWD; i++) {
			pid_t child = fork();

			CHECK(child >= 0);
			if (child == 0) {
				pause();
			}
		}
		_exit(0);
	}
	CHECK_EQ(wait_for(init), 0);
	end_round();
	ok("crowd");
}

static void run(int rounds)
{
	rounds_wanted = rounds;
	end_by_leaving();
	ok("leaving");
	end_by_killing();
	ok("killing");
	must_pass_in_child(end_by_entering);
	ok("entering");
}

int main(void)
{
	bool has_ledger = access("/proc/heddle/ledger", R_OK) == 0;
	struct ledger before;

	require_pid_namespaces();
	end_a_crowd();
	run(3); // what this program needs itself is there then
	if (has_ledger) {
		ledger_begin(&before);
	}
	run(ROUNDS);
	if (has_ledger) {
		ledger_expect(&before);
		ok("ledger");
	}
	return 0;
}
