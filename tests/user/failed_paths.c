// SPDX-License-Identifier: MIT
/*
 * R6, R10, T12: clone, fork, vfork, execve, unshare, setns and being killed, with each allocation on the way failing in turn, in whoever
 * makes it: parent, child, and the child's own children. Each says no or dies of it, and the ledger is exactly where it was. Only on
 * Heddle.
 * deadline: 60
 */
#include "churn.h"
#include "ledger.h"

enum { MOST = 260, STEP_FROM = 60 };

static int plans;

/* In a child. Several draws, so that flags and kinds come about. */
static void once(const struct churn_way *way, uint64_t seed, int nth)
{
	struct churn churn;

	churn_init(&churn, seed);
	fail_nth_of(plans, nth, " children");
	way->once(&churn);
	fail_nth_of(plans, 0, " children");
	_exit(0);
}

static void reap_all(void)
{
	int status;

	while (waitpid(-1, &status, __WALL) > 0 || errno == EINTR) {
		// What dies of lack of memory dies of SIGKILL, or finds its memory missing.
		CHECK(WIFEXITED(status) || WTERMSIG(status) == SIGKILL ||
		      WTERMSIG(status) == SIGSEGV);
		CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 1);
	}
}

static void every_allocation(const struct churn_way *way, bool all)
{
	for (int nth = 1; nth < MOST; nth += all || nth < STEP_FROM ? 1 : 7) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			once(way, (uint64_t)nth * 31, nth);
		}
		reap_all();
	}
}

int main(int argc, char **argv)
{
	bool all = getenv("HEDDLE_SOAK") != NULL;
	struct ledger before;

	churn_main(argc, argv);
	ledger_required();
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	plans = open("/proc/heddle/fail_nth", O_WRONLY | O_CLOEXEC);
	CHECK(plans >= 0);
	every_allocation(&churn_ways[1], false); // what is made once only is made now
	for (int i = 0; i < CHURN_WAYS; i++) {
		ledger_begin(&before);
		every_allocation(&churn_ways[i], all);
		ok(churn_ways[i].name);
		ledger_expect(&before);
	}
	return 0;
}
